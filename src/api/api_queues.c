/* SPDX-License-Identifier: Apache-2.0 */
/* Queues: settings under a name, and live figures. A queue that nobody described has the
 * defaults. */
#include <string.h>

#include "api/forecast.h"
#include "api/handlers.h"
#include "api/resource.h"
#include "core/places.h"

struct queue_in {
	const char *name, *project;
	int64_t priority, concurrency, ageing_ms, share;
	const char *fair_by;
	json_t *limits, *rate;
	bool paused;
};

#define QUEUE(member) .offset = offsetof(struct queue_in, member)
/* clang-format off */
const struct json_field queue_fields[] = {
	{ .name = "name", .kind = FIELD_STR, QUEUE(name), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "priority", .kind = FIELD_INT, QUEUE(priority), .min = PRIORITY_MIN, .max = PRIORITY_MAX },
	{ .name = "concurrency", .kind = FIELD_INT, QUEUE(concurrency), .min = 0, .max = CONCURRENCY_MAX },
	{ .name = "rate", .kind = FIELD_ANY, QUEUE(rate) },
	{ .name = "limits", .kind = FIELD_ANY, QUEUE(limits) },
	{ .name = "fairBy", .kind = FIELD_STR, QUEUE(fair_by), .min = 0, .max = LABEL_BYTES_MAX, .null_ok = true },
	{ .name = "share", .kind = FIELD_INT, QUEUE(share), .min = 1, .max = SHARE_MAX },
	{ .name = "paused", .kind = FIELD_FLAG, QUEUE(paused) },
	{ .name = "ageing", .kind = FIELD_DURATION, QUEUE(ageing_ms), .min = 0, .max = DAYS_MS(365) },
	{ 0 },
};
/* clang-format on */

static int
find_queue(struct call *call, struct store_reader *reader, struct queue **ret, struct err *err)
{
	struct queue *queues;
	size_t n;

	if (read_queues(reader, call->project, call->arena, &queues, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(queues[i].name, call->arg[0]) != 0)
			continue;
		*ret = &queues[i];
		return 0;
	}
	return STORE_NONE;
}

/* Of "*", which no job is in: those of all queues together. */
static int
read_sum(struct store_reader *reader, const struct queue *queues, size_t n,
	struct queue_figures *ret, struct err *err)
{
	*ret = (struct queue_figures) { 0 };
	for (size_t i = 0; i < n; i++) {
		struct queue_figures one;

		if (read_queue_figures(reader, queues[i].id, &one, err) < 0)
			return -1;
		ret->running += one.running;
		ret->ready += one.ready;
		ret->held += one.held;
		ret->at_least = ret->at_least || one.at_least;
		if (one.oldest_ms > 0 &&
			(ret->oldest_ms == 0 || one.oldest_ms < ret->oldest_ms))
			ret->oldest_ms = one.oldest_ms;
	}
	return 0;
}

static int
read_figures(struct call *call, struct store_reader *reader, const struct queue *queue,
	struct queue_figures *ret, struct err *err)
{
	struct queue *queues;
	size_t n;

	if (strcmp(queue->name, "*") != 0)
		return read_queue_figures(reader, queue->id, ret, err);
	if (read_queues(reader, call->project, call->arena, &queues, &n, err) < 0)
		return -1;
	return read_sum(reader, queues, n, ret, err);
}

int
queues_list(struct call *call, struct store_reader *reader, struct err *err)
{
	struct queue *queues;
	size_t n;
	struct jw jw = call_jw(call);

	if (read_queues(reader, call->project, call->arena, &queues, &n, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_karr(&jw, "items");
	for (size_t i = 0; i < n; i++) {
		struct queue_figures figures;
		if (read_figures(call, reader, &queues[i], &figures, err) < 0)
			return -1;
		queue_write(&jw, &queues[i], &figures, NULL);
	}
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
queue_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct queue_figures figures;
	struct queue *queue;
	struct jw jw = call_jw(call);
	int r = find_queue(call, reader, &queue, err);

	if (r == STORE_NONE)
		return err_set(
			err, ERR_NOT_FOUND, "there is no queue \"%.100s\"", call->arg[0]);
	if (r < 0 || read_figures(call, reader, queue, &figures, err) < 0 ||
		forecast_queue(call, reader, queue, &figures, err) < 0)
		return -1;
	call_etag(call, queue->revision);
	/* Whoever asks so wants to know of the settings alone. */
	if (call_not_modified(call, queue->revision))
		return 0;
	queue_write(&jw, queue, &figures, NULL);
	return call_written(call, &jw, err);
}

static void
on_put(struct call *call)
{
	const struct intent *intent = call->intent;
	struct jw jw;

	if (intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	api_queue_learn(call->api, intent->out.queue->id, intent->out.queue->name);
	jw = call_jw(call);
	call_etag(call, intent->out.queue->revision);
	queue_write(&jw, intent->out.queue, NULL, call->api->durable);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, 200);
}

/* ---- settings ---- */

/* Members that are not given keep what they are. */
struct putting {
	struct queue before; /* zeroed: a new one */
	struct queue_put put;
};

static int
read_before_put(struct call *call, struct store_reader *reader, struct err *err)
{
	struct putting *putting = call->state;
	struct queue *queue;
	int r = find_queue(call, reader, &queue, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	putting->before = *queue;
	return 0;
}

static void
take_rate(struct call *call, json_t *value, struct rate *rate)
{
	struct rate_in in = { 0 };

	if (!value)
		return;
	*rate = (struct rate) { 0 };
	if (!json_is_null(value) &&
		json_decode(value, rate_fields, &in, "/rate", &call->issues) == 0)
		*rate = rate_of(&in);
}

/* Checked, and kept as it was given. */
static void
take_limits(struct call *call, json_t *value, const char **limits)
{
	struct key_limit *ignored;
	size_t n;

	if (!value)
		return;
	*limits = NULL;
	if (json_is_null(value) ||
		key_limits_read(value, "/limits", call->arena, &call->issues, &ignored, &n) <
			0 ||
		n == 0)
		return;
	*limits = json_tree_text(call->arena, value, BODY_BYTES_MAX).p;
}

/* Those of the request over what there is. -1: issues. */
static int
settle(struct call *call, struct queue_put *put)
{
	const struct putting *putting = call->state;
	const struct queue *before = &putting->before;
	struct queue_in in = {
		.priority = before->priority,
		.concurrency = before->concurrency,
		.ageing_ms = before->ageing_ms,
		.paused = before->paused,
		.fair_by = before->fair_by,
		.share = before->share,
	};
	bool is_star = strcmp(call->arg[0], "*") == 0;

	if (json_decode(call->json, queue_fields, &in, "", &call->issues) < 0)
		return -1;
	if (in.name && strcmp(in.name, call->arg[0]) != 0)
		issues_add(&call->issues, "/name", ISSUE_INVALID,
			"a queue's name is the one in the path");
	if (json_object_get(call->json, "share") && !is_star)
		issues_add(&call->issues, "/share", ISSUE_INVALID,
			"the share is the project's: it belongs to the queue \"*\"");
	if (json_is_null(json_object_get(call->json, "fairBy")))
		in.fair_by = NULL;
	*put = (struct queue_put) {
		.name = call->arg[0],
		.priority = (int32_t)in.priority,
		.concurrency = (int32_t)in.concurrency,
		.paused = in.paused,
		.draining = before->draining,
		.ageing_ms = in.ageing_ms,
		.rate = before->rate,
		.limits = before->limits,
		.fair_by = in.fair_by && *in.fair_by ? in.fair_by : NULL,
		.share = (int32_t)in.share,
	};
	take_rate(call, in.rate, &put->rate);
	take_limits(call, in.limits, &put->limits);
	return call->issues.n > 0 ? -1 : 0;
}

static void
on_before_put(struct call *call)
{
	int64_t if_match = call_if_match(call);
	struct queue_put put;

	if (call->read_result < 0) {
		call_error(call, &call->err);
		return;
	}
	if (settle(call, &put) < 0) {
		call_issues(call);
		return;
	}
	if (if_match < 0) {
		call_problem(
			call, PROBLEM_REVISION_MISMATCH, "If-Match is no ETag of this server");
		return;
	}
	struct intent *intent = call->intent = call_intent(call, INTENT_QUEUE_PUT);
	if (!intent)
		return;
	put.if_revision = if_match;
	intent->in.queue = put; /* texts are the call's, which waits */
	call_submit(call, intent, on_put);
}

static bool
has_good_name(struct call *call)
{
	if (strlen(call->arg[0]) <= NAME_BYTES_MAX)
		return true;
	call_problem(
		call, PROBLEM_LIMIT_EXCEEDED, "a name has at most %d bytes", NAME_BYTES_MAX);
	return false;
}

void
queue_put_begin(struct call *call)
{
	struct putting *putting = arena_xalloc(call->arena, sizeof *putting);

	if (!has_good_name(call))
		return;
	putting->before.ageing_ms = AGEING_MS_DEFAULT;
	call->state = putting;
	call_read(call, read_before_put, on_before_put);
}

/* ---- commands ---- */

static void
command(struct call *call, bool paused, bool draining)
{
	if (!has_good_name(call))
		return;
	struct intent *intent = call->intent = call_intent(call, INTENT_QUEUE_PUT);
	if (!intent)
		return;
	intent->in.queue = (struct queue_put) {
		.name = call->arg[0],
		.is_command = true,
		.paused = paused,
		.draining = draining,
	};
	call_submit(call, intent, on_put);
}

void
queue_pause(struct call *call)
{
	command(call, true, false);
}

void
queue_resume(struct call *call)
{
	command(call, false, false);
}

void
queue_drain(struct call *call)
{
	command(call, false, true);
}
