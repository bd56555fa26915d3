/* SPDX-License-Identifier: Apache-2.0 */
/* The quarantine list: tests whose failures do not count for a while. */
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "base/clock.h"

struct quarantine_in {
	const char *test, *owner, *reason;
	int64_t clean_runs, expires_ms;
};

/* The end of the year 9999; how far ahead it may be is checked apart. */
#define TIME_AT_MS_MAX INT64_C(253402300799999)

#define QUARANTINE(member) .offset = offsetof(struct quarantine_in, member)
/* clang-format off */
const struct json_field quarantine_fields[] = {
	{ .name = "test", .kind = FIELD_STR, QUARANTINE(test), .min = 1, .max = NAME_BYTES_MAX, .required = true },
	{ .name = "owner", .kind = FIELD_STR, QUARANTINE(owner), .min = 1, .max = NAME_BYTES_MAX, .required = true },
	{ .name = "reason", .kind = FIELD_STR, QUARANTINE(reason), .min = 1, .max = REASON_BYTES_MAX, .required = true },
	{ .name = "expiresAt", .kind = FIELD_INSTANT, QUARANTINE(expires_ms), .min = 0, .max = TIME_AT_MS_MAX },
	{ .name = "cleanRuns", .kind = FIELD_INT, QUARANTINE(clean_runs), .min = 0, .max = QUARANTINE_CLEAN_RUNS_MAX },
	{ 0 },
};
/* clang-format on */

static int
find_entry(struct call *call, struct store_reader *reader, const struct uuid *id,
	struct quarantine_entry **ret, struct err *err)
{
	struct quarantine_entry *entries;
	size_t n;

	if (read_quarantine(reader, call->project, call->arena, &entries, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!uuid_eq(&entries[i].id, id))
			continue;
		*ret = &entries[i];
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND, "there is no such entry on the quarantine list");
}

/* --- Reading --- */

int
quarantine_list(struct call *call, struct store_reader *reader, struct err *err)
{
	struct quarantine_entry *entries;
	size_t n;
	struct jw jw = call_jw(call);

	if (read_quarantine(reader, call->project, call->arena, &entries, &n, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_karr(&jw, "items");
	for (size_t i = 0; i < n; i++)
		quarantine_write(&jw, &entries[i], NULL);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
quarantine_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct quarantine_entry *entry;
	struct uuid id;
	struct jw jw = call_jw(call);

	if (call_uuid(call->arg[0], "entry", &id, err) < 0 ||
		find_entry(call, reader, &id, &entry, err) < 0)
		return -1;
	call_etag(call, entry->revision);
	if (call_not_modified(call, entry->revision))
		return 0;
	quarantine_write(&jw, entry, NULL);
	return call_written(call, &jw, err);
}

/* --- Writing --- */

static int
read_replayed(struct call *call, struct store_reader *reader, struct err *err)
{
	struct quarantine_entry *entry;
	struct jw jw = call_jw(call);

	if (find_entry(call, reader, &call->intent->out.jobs[0].id.u, &entry, err) < 0)
		return -1;
	call_etag(call, entry->revision);
	quarantine_write(&jw, entry, call->api->durable);
	return call_written(call, &jw, err);
}

static void
on_put(struct call *call)
{
	const struct intent *intent = call->intent;
	unsigned ok = uuid_is_zero(&intent->in.quarantine.id) ? 201 : 200;
	struct jw jw;

	if (intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	if (intent->replayed) {
		call->status = ok;
		http_header_add(call->req, "Idempotency-Replayed", "true");
		call->api->counters.idem_replays++;
		call_read(call, read_replayed, NULL);
		return;
	}
	jw = call_jw(call);
	call_etag(call, intent->out.quarantine->revision);
	quarantine_write(&jw, intent->out.quarantine, call->api->durable);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, ok);
}

/* What answers have and requests may send back unchanged. */
static void
drop_answer_members(json_t *json)
{
	static const char *const names[] = { "id", "project", "revision", "cleanStreak",
		"failures", "lastFailedAt", "createdAt", "updatedAt", "durable" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)json_object_del(json, names[i]); /* absent is fine */
}

static void
check_expiry(struct call *call, int64_t expires_ms, int64_t now_ms)
{
	if (expires_ms <= now_ms)
		issues_add(&call->issues, "/expiresAt", ISSUE_INVALID, "it is over already");
	else if (expires_ms > now_ms + QUARANTINE_MS_MAX)
		issues_add(&call->issues, "/expiresAt", ISSUE_LIMIT, "more than %d days ahead",
			(int)(QUARANTINE_MS_MAX / DAYS_MS(1)));
}

static void
put(struct call *call, const struct uuid *id)
{
	int64_t now_ms = clock_wall_ms(), if_match = call_if_match(call);
	struct quarantine_in in = {
		.clean_runs = QUARANTINE_CLEAN_RUNS_DEFAULT,
		.expires_ms = now_ms + QUARANTINE_MS_DEFAULT,
	};

	if (json_decode(call->json, quarantine_fields, &in, "", &call->issues) == 0)
		check_expiry(call, in.expires_ms, now_ms);
	if (call->issues.n > 0) {
		call_issues(call);
		return;
	}
	if (if_match < 0) {
		call_problem(
			call, PROBLEM_REVISION_MISMATCH, "If-Match is no ETag of this server");
		return;
	}
	struct intent *intent = call->intent = call_intent(call, INTENT_QUARANTINE_PUT);

	if (!intent)
		return;
	intent->in.quarantine = (struct quarantine_change) {
		.id = *id,
		.put = {
			.test = arena_strdup(&intent->arena, in.test),
			.owner = arena_strdup(&intent->arena, in.owner),
			.reason = arena_strdup(&intent->arena, in.reason),
			.clean_runs = (int32_t)in.clean_runs,
			.expires_ms = in.expires_ms,
		},
		.if_revision = if_match,
	};
	call_submit(call, intent, on_put);
}

void
quarantine_add(struct call *call)
{
	put(call, &(struct uuid) { 0 });
}

void
quarantine_put(struct call *call)
{
	struct uuid id;

	if (call_uuid(call->arg[0], "entry", &id, &call->err) < 0) {
		call_error(call, &call->err);
		return;
	}
	if (json_is_object(call->json))
		drop_answer_members(call->json);
	put(call, &id);
}

static void
on_deleted(struct call *call)
{
	if (call->intent->status == INTENT_IS_ERROR)
		call_intent_error(call);
	else
		call_reply(call, 204);
}

void
quarantine_delete(struct call *call)
{
	int64_t if_match = call_if_match(call);
	struct uuid id;

	if (call_uuid(call->arg[0], "entry", &id, &call->err) < 0) {
		call_error(call, &call->err);
		return;
	}
	if (if_match < 0) {
		call_problem(
			call, PROBLEM_REVISION_MISMATCH, "If-Match is no ETag of this server");
		return;
	}
	call->intent = call_intent(call, INTENT_QUARANTINE_DELETE);
	if (!call->intent)
		return;
	call->intent->in.quarantine.id = id;
	call->intent->in.quarantine.if_revision = if_match;
	call_submit(call, call->intent, on_deleted);
}
