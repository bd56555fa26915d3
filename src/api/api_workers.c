/* SPDX-License-Identifier: Apache-2.0 */
/* Workers: their poll, the list of them, draining. */
#include <string.h>

#include "api/handlers.h"
#include "api/poll_json.h"
#include "api/resource.h"

static void
on_polled(struct call *call)
{
	struct jw jw;

	call->is_parked = false;
	if (call->intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	if (call->intent->out.poll.superseded) {
		call_problem(call, PROBLEM_CONFLICT,
			"a newer claiming poll of this worker took its place");
		return;
	}
	jw = call_jw(call);
	poll_write(&jw, call->intent);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, 200);
}

void
worker_poll(struct call *call)
{
	struct intent *intent = intent_new(INTENT_POLL, call->project, ARENA_REQUEST_BYTES_MAX);

	call->intent = intent;
	call->issues.arena = &intent->arena;
	if (poll_read(call->json, intent, &call->issues) < 0) {
		call_issues(call);
		return;
	}
	/* The texts are the intent's now; a big body need not stay while the poll is parked. */
	json_decref(call->json);
	call->json = NULL;
	call->api->counters.poll_results += intent->in.poll.n_results;
	call->api->counters.poll_events += intent->in.poll.n_events;
	if (call->api->draining || call->api->handing_over)
		intent->in.poll.wait_ms = 0;
	if (intent->in.poll.claim && intent->in.poll.wait_ms > 0) {
		call->is_parked = true;
		call->state = arena_memdup(
			call->arena, &intent->in.poll.worker, sizeof intent->in.poll.worker);
		http_watch_peer(call->req);
	}
	call_submit(call, intent, on_polled);
}

int
workers_list(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct workers_query *query = call->query;
	struct worker_row *workers;
	size_t n;
	struct jw jw = call_jw(call);

	if (read_workers(reader, call->project, query->all, call->arena, &workers, &n, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_karr(&jw, "items");
	for (size_t i = 0; i < n; i++)
		worker_write(&jw, &workers[i]);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
worker_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct worker_row *workers;
	struct uuid id;
	size_t n;
	struct jw jw = call_jw(call);

	if (call_uuid(call->arg[0], "worker", &id, err) < 0 ||
		read_workers(reader, call->project, true, call->arena, &workers, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!uuid_eq(&workers[i].id.u, &id))
			continue;
		worker_write(&jw, &workers[i]);
		return call_written(call, &jw, err);
	}
	return err_set(err, ERR_NOT_FOUND, "there is no worker \"%.60s\"", call->arg[0]);
}

static void
on_drained(struct call *call)
{
	if (call->intent->status == INTENT_IS_ERROR)
		call_intent_error(call);
	else
		call_read(call, worker_show, NULL);
}

void
worker_drain(struct call *call)
{
	struct worker_id id;

	if (call_uuid(call->arg[0], "worker", &id.u, &call->err) < 0) {
		call_error(call, &call->err);
		return;
	}
	call->intent = call_intent(call, INTENT_WORKER_DRAIN);
	if (!call->intent)
		return;
	call->intent->in.worker = id;
	call_submit(call, call->intent, on_drained);
}
