/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at the server itself: health, readiness, metrics, the API's own description. */
#include "api/handlers.h"
#include "api/metrics.h"
#include "api/openapi.h"

static void
reply_word(struct call *call, unsigned status, const char *word, const char *detail)
{
	struct jw jw = call_jw(call);

	jw_obj(&jw);
	jw_kstr(&jw, "status", word);
	jw_kstr_opt(&jw, "detail", detail);
	jw_kstr(&jw, "version", PROCTOR_VERSION);
	jw_end_obj(&jw);
	(void)(jw_done(&jw) < 0); /* a few dozen bytes */
	call_reply(call, status);
}

void
healthz(struct call *call)
{
	reply_word(call, 200, "ok", NULL);
}

void
readyz(struct call *call)
{
	struct err err;

	if (call->api->thread && engine_thread_failed(call->api->thread, &err))
		reply_word(call, 503, "failed", "the store has failed; writes are refused");
	else if (call->api->draining)
		reply_word(call, 503, "draining", "the server is shutting down");
	else
		reply_word(call, 200, "ready", NULL);
}

void
openapi_get(struct call *call)
{
	if (openapi_write(&call->out, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, 200);
}

/* --- Metrics --- */

static int
read_figures(struct call *call, struct store_reader *reader, struct err *err)
{
	return read_stats(reader, call->state, err);
}

/* On the loop, because the server's and the streams' figures are its own. */
static void
on_figures(struct call *call)
{
	if (!call->api->engine) {
		call_problem(call, PROBLEM_UNAVAILABLE, "the server is shutting down");
		return;
	}
	call->type = METRICS_TYPE;
	if (call->read_result < 0 ||
		metrics_write(call->api, call->state, &call->out, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, 200);
}

void
metrics(struct call *call)
{
	call->state = arena_xalloc(call->arena, sizeof(struct store_stats));
	call_read(call, read_figures, on_figures);
}
