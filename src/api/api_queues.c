/* SPDX-License-Identifier: Apache-2.0 */
/* Queues: a few settings under a name. A queue that nobody described has the defaults. */
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"

struct queue_in {
	const char *name, *project;
	int64_t priority, concurrency, ageing_ms;
	bool paused;
};

#define QUEUE(member) .offset = offsetof(struct queue_in, member)
/* clang-format off */
const struct json_field queue_fields[] = {
	{ .name = "name", .kind = FIELD_STR, QUEUE(name), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "priority", .kind = FIELD_INT, QUEUE(priority), .min = PRIORITY_MIN, .max = PRIORITY_MAX },
	{ .name = "concurrency", .kind = FIELD_INT, QUEUE(concurrency), .min = 0, .max = CONCURRENCY_MAX },
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
	for (size_t i = 0; i < n; i++)
		queue_write(&jw, &queues[i], NULL);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
queue_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct queue *queue;
	struct jw jw = call_jw(call);
	int r = find_queue(call, reader, &queue, err);

	if (r == STORE_NONE)
		return err_set(
			err, ERR_NOT_FOUND, "there is no queue \"%.100s\"", call->arg[0]);
	if (r < 0)
		return -1;
	call_etag(call, queue->revision);
	if (call_not_modified(call, queue->revision))
		return 0;
	queue_write(&jw, queue, NULL);
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
	queue_write(&jw, intent->out.queue, call->api->durable);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, 200);
}

/* Members that are not given keep what they are. */
static int
read_before_put(struct call *call, struct store_reader *reader, struct err *err)
{
	struct queue_in *in = call->state;
	struct queue *queue;
	int r = find_queue(call, reader, &queue, err);

	if (r != 0)
		return r < 0 ? -1 : 0;
	*in = (struct queue_in) {
		.priority = queue->priority,
		.concurrency = queue->concurrency,
		.ageing_ms = queue->ageing_ms,
		.paused = queue->paused,
	};
	return 0;
}

static void
on_before_put(struct call *call)
{
	struct queue_in *in = call->state;
	int64_t if_match = call_if_match(call);
	struct intent *intent;

	if (call->read_result < 0) {
		call_error(call, &call->err);
		return;
	}
	if (json_decode(call->json, queue_fields, in, "", &call->issues) < 0 ||
		(in->name && strcmp(in->name, call->arg[0]) != 0)) {
		if (call->issues.n == 0)
			issues_add(&call->issues, "/name", ISSUE_INVALID,
				"a queue's name is the one in the path");
		call_issues(call);
		return;
	}
	if (if_match < 0) {
		call_problem(
			call, PROBLEM_REVISION_MISMATCH, "If-Match is no ETag of this server");
		return;
	}
	intent = call->intent = call_intent(call, INTENT_QUEUE_PUT);
	if (!intent)
		return;
	intent->in.queue = (struct queue_put) {
		.name = arena_strdup(&intent->arena, call->arg[0]),
		.priority = (int32_t)in->priority,
		.concurrency = (int32_t)in->concurrency,
		.paused = in->paused,
		.ageing_ms = in->ageing_ms,
		.if_revision = if_match,
	};
	call_submit(call, intent, on_put);
}

void
queue_put_begin(struct call *call)
{
	struct queue_in *in = arena_xalloc(call->arena, sizeof *in);

	if (strlen(call->arg[0]) > NAME_BYTES_MAX) {
		call_problem(call, PROBLEM_LIMIT_EXCEEDED, "a name has at most %d bytes",
			NAME_BYTES_MAX);
		return;
	}
	in->ageing_ms = -1; /* the engine's default */
	call->state = in;
	call_read(call, read_before_put, on_before_put);
}
