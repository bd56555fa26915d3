/* SPDX-License-Identifier: Apache-2.0 */
/* Flows that run: their stages, approvals, and signals from whoever knows a callback address.
 */
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "base/clock.h"
#include "core/flow.h"
#include "core/signal_token.h"
#include "store/store.h"

/* --- Showing --- */

static int
read_path_flow(
	struct call *call, struct store_reader *reader, struct job **ret, struct err *err)
{
	if (read_path_job(call, reader, ret, err) < 0)
		return -1;
	if (!(*ret)->flow)
		return err_set(err, ERR_NOT_FOUND, "job \"%.60s\" is no flow", call->arg[0]);
	return 0;
}

int
flow_run_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct job *job;

	if (read_path_flow(call, reader, &job, err) < 0)
		return -1;
	return write_job_whole(call, reader, job, NULL, err);
}

/* Whoever may write may also send the signals himself: the addresses are his to hand out. */
int
flow_run_signals(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct api *api = call->api;
	struct job *job;
	struct jw jw = call_jw(call);

	if (read_path_flow(call, reader, &job, err) < 0)
		return -1;
	_cleanup_(json_unrefp) json_t *flow =
		json_read(job->flow, strlen(job->flow), 2 * JSON_DEPTH_MAX, err);
	if (!flow)
		return -1;
	_cleanup_(json_unrefp) json_t *urls = api->signal_key
		? signal_urls(api->signal_key, api->public_url, job->project, job->id, flow)
		: json_object();

	jw_obj(&jw);
	jw_kuuid(&jw, "flow", &job->id.u);
	jw_key(&jw, "signals");
	jw_tree(&jw, urls);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

/* --- Approvals and signals by people --- */

static int
read_after_signal(struct call *call, struct store_reader *reader, struct err *err)
{
	return flow_run_show(call, reader, err);
}

static void
on_signalled(struct call *call)
{
	if (call->intent->status == INTENT_IS_ERROR)
		call_intent_error(call);
	else
		call_read(call, read_after_signal, NULL);
}

/* An intent for the stage of the path. NULL: answered. */
static struct intent *
signal_new(struct call *call)
{
	struct job_id id;
	struct intent *intent;

	if (call_uuid(call->arg[0], "flow", &id.u, &call->err) < 0) {
		call_error(call, &call->err);
		return NULL;
	}
	intent = call_intent(call, INTENT_FLOW_SIGNAL);
	if (!intent)
		return NULL;
	intent->in.flow_signal = (struct flow_signal) {
		.flow = id,
		.stage = arena_strdup(&intent->arena, call->arg[1]),
		.condition = -1,
	};
	return intent;
}

struct approval_in {
	const char *by, *note;
	int64_t condition;
};

/* clang-format off */
#define AT(member) .offset = offsetof(struct approval_in, member)
const struct json_field approval_fields[] = {
	{ .name = "by", .kind = FIELD_STR, AT(by), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "note", .kind = FIELD_STR, AT(note), .min = 0, .max = MESSAGE_BYTES_MAX },
	{ .name = "condition", .kind = FIELD_INT, AT(condition), .min = 0, .max = WAIT_CONDITIONS_MAX - 1 },
	{ 0 },
};
#undef AT
/* clang-format on */

static void
decide(struct call *call, bool is_approved)
{
	struct approval_in in = { .condition = -1 };
	struct intent *intent;
	struct flow_signal *signal;

	if (call->json &&
		json_decode(call->json, approval_fields, &in, "", &call->issues) < 0) {
		call_issues(call);
		return;
	}
	intent = signal_new(call);
	if (!intent)
		return;
	signal = &intent->in.flow_signal;
	signal->is_approval = true;
	signal->is_approved = is_approved;
	signal->condition = (int32_t)in.condition;
	signal->by = arena_strdup(&intent->arena, in.by);
	signal->note = arena_strdup(&intent->arena, in.note);
	call->intent = intent;
	call_submit(call, intent, on_signalled);
}

void
flow_stage_approve(struct call *call)
{
	decide(call, true);
}

void
flow_stage_reject(struct call *call)
{
	decide(call, false);
}

/* The body as it was sent is the payload. */
static struct str
payload(struct call *call, struct intent *intent)
{
	const struct buf *body = &call->req->body;
	const char *copy;

	if (!call->json)
		return (struct str) { 0 };
	copy = arena_strndup(&intent->arena, buf_text(body), body->len);
	return str_from(copy, copy ? body->len : 0);
}

void
flow_stage_signal(struct call *call)
{
	const struct signal_query *query = call->query;
	struct intent *intent = signal_new(call);

	if (!intent)
		return;
	intent->in.flow_signal.condition = (int32_t)query->condition;
	intent->in.flow_signal.payload = payload(call, intent);
	call->intent = intent;
	call_submit(call, intent, on_signalled);
}

/* --- The public address --- */

/* One sentence for everything that can be wrong: nothing is to be learnt here. */
static void
unknown_signal(struct call *call)
{
	call_problem(call, PROBLEM_NOT_FOUND, "there is nothing at this path");
}

static void
on_public_signal(struct call *call)
{
	const struct intent *intent = call->intent;

	if (intent->status == INTENT_OK) {
		if (buf_adds(&call->out, "{\"accepted\":true}") < 0)
			abort(); /* it fits any answer */
		call_reply(call, 200);
	} else if (intent->err.code == ERR_UNAVAILABLE) {
		call_intent_error(call);
	} else {
		unknown_signal(call);
	}
}

/* A bucket that holds SIGNALS_BURST and gets SIGNALS_PER_SECOND. */
static bool
take_place(struct api *api)
{
	int64_t now = clock_mono_ms();
	int64_t more = (now - api->signals_mono_ms) * SIGNALS_PER_SECOND / 1000;

	if (more > 0) {
		api->signals_mono_ms = now;
		api->signals_left += more;
		if (api->signals_left > SIGNALS_BURST)
			api->signals_left = SIGNALS_BURST;
	}
	if (api->signals_left == 0)
		return false;
	api->signals_left--;
	return true;
}

void
signal_receive(struct call *call)
{
	const struct mac_key *key = call->api->signal_key;
	struct signal_ref ref;
	struct intent *intent;

	/* Guesses come first: whoever knows no address keeps no real signal out. */
	if (!key || signal_token_read(key, str_of(call->arg[0]), &ref) < 0) {
		unknown_signal(call);
		return;
	}
	if (!take_place(call->api)) {
		call_problem(call, PROBLEM_TOO_MANY_REQUESTS, "too many signals at once");
		return;
	}
	call->project = ref.project;
	intent = call->intent = call_intent(call, INTENT_FLOW_SIGNAL);
	if (!intent)
		return;
	intent->in.flow_signal = (struct flow_signal) {
		.flow = ref.flow,
		.stage = arena_strdup(&intent->arena, ref.stage),
		.condition = ref.condition,
		.payload = payload(call, intent),
	};
	call_submit(call, intent, on_public_signal);
}
