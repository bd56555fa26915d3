/* SPDX-License-Identifier: Apache-2.0 */
/* Retention: policies and what they would let go. docs/protocol/retention.md. */
#include <stdio.h>
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "base/clock.h"
#include "core/retention.h"
#include "store/retention_scan.h"

/* --- Writing out --- */

/* What was asked for, but for what has a place of its own. */
static void
splice_body(struct jw *jw, const char *body)
{
	struct err ignored;
	_cleanup_(json_unrefp) json_t *tree =
		json_read(body, strlen(body), JSON_DEPTH_MAX, &ignored);
	const char *key;
	json_t *value;

	json_object_foreach(tree, key, value)
	{
		if (strcmp(key, "name") == 0 || strcmp(key, "paused") == 0 ||
			strcmp(key, "place") == 0)
			continue;
		jw_key(jw, key);
		jw_tree(jw, value);
	}
}

static void
policy_write(struct jw *jw, const struct retention *policy, const char *durable)
{
	jw_obj(jw);
	jw_kuuid(jw, "id", &policy->id);
	jw_kstr(jw, "project", api_project_name(policy->project));
	jw_ki64(jw, "revision", policy->revision);
	jw_kstr(jw, "name", policy->name);
	jw_ki64(jw, "place", policy->place);
	splice_body(jw, policy->body);
	jw_kbool(jw, "paused", policy->is_paused);
	if (policy->last) {
		jw_key(jw, "lastSweep");
		jw_raw(jw, policy->last);
	}
	jw_ktime(jw, "createdAt", policy->created_ms);
	jw_ktime(jw, "updatedAt", policy->updated_ms);
	jw_kstr_opt(jw, "durable", durable);
	jw_end_obj(jw);
}

/* --- Reading --- */

static int
find_policy(struct call *call, struct store_reader *reader, const struct uuid *id,
	struct retention **ret, struct err *err)
{
	struct retention *policies;
	size_t n;

	if (read_retention(reader, call->project, call->arena, &policies, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (!uuid_eq(&policies[i].id, id))
			continue;
		*ret = &policies[i];
		return 0;
	}
	return err_set(err, ERR_NOT_FOUND, "there is no such policy");
}

int
retention_list_all(struct call *call, struct store_reader *reader, struct err *err)
{
	struct retention *policies;
	size_t n;
	struct jw jw = call_jw(call);

	if (read_retention(reader, call->project, call->arena, &policies, &n, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_karr(&jw, "items");
	for (size_t i = 0; i < n; i++)
		policy_write(&jw, &policies[i], NULL);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
retention_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct retention *policy;
	struct uuid id;
	struct jw jw = call_jw(call);

	if (call_uuid(call->arg[0], "policy", &id, err) < 0 ||
		find_policy(call, reader, &id, &policy, err) < 0)
		return -1;
	call_etag(call, policy->revision);
	if (call_not_modified(call, policy->revision))
		return 0;
	policy_write(&jw, policy, NULL);
	return call_written(call, &jw, err);
}

/* --- Writing --- */

static int
read_replayed(struct call *call, struct store_reader *reader, struct err *err)
{
	struct retention *policy;
	struct jw jw = call_jw(call);

	if (find_policy(call, reader, &call->intent->out.jobs[0].id.u, &policy, err) < 0)
		return -1;
	call_etag(call, policy->revision);
	policy_write(&jw, policy, call->api->durable);
	return call_written(call, &jw, err);
}

static void
reply_policy(struct call *call, unsigned ok)
{
	const struct intent *intent = call->intent;
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
	call_etag(call, intent->out.retention->revision);
	policy_write(&jw, intent->out.retention, call->api->durable);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, ok);
}

static void
on_put(struct call *call)
{
	reply_policy(call, uuid_is_zero(&call->intent->in.retention.id) ? 201 : 200);
}

static void
on_run(struct call *call)
{
	reply_policy(call, 202);
}

/* What answers have and requests may send back unchanged. */
static void
drop_answer_members(json_t *json)
{
	static const char *const names[] = { "id", "project", "revision", "lastSweep",
		"createdAt", "updatedAt", "durable" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)json_object_del(json, names[i]); /* absent is fine */
}

static bool
check_if_match(struct call *call, int64_t *ret)
{
	*ret = call_if_match(call);
	if (*ret >= 0)
		return true;
	call_problem(call, PROBLEM_REVISION_MISMATCH, "If-Match is no ETag of this server");
	return false;
}

/* Decodes the body. False: answered. */
static bool
read_body(struct call *call, bool is_draft, struct retention_spec *ret, const char **ret_text)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(RETENTION_BODY_BYTES_MAX);
	struct jw jw;

	if (json_is_object(call->json))
		drop_answer_members(call->json);
	int r = retention_spec_read(call->json, is_draft, &call->issues, ret);
	jw_init(&jw, &text);
	jw_tree(&jw, call->json);
	if (jw_done(&jw) < 0)
		issues_add(&call->issues, "", ISSUE_LIMIT, "the policy is too large");
	if (r < 0 || call->issues.n > 0) {
		call_issues(call);
		return false;
	}
	*ret_text = arena_strndup(call->arena, text.data, text.len);
	return true;
}

static void
put(struct call *call, const struct uuid *id)
{
	struct retention_spec spec;
	const char *text;
	int64_t if_match;

	if (!read_body(call, false, &spec, &text) || !check_if_match(call, &if_match))
		return;
	struct intent *intent = call->intent = call_intent(call, INTENT_RETENTION_PUT);

	if (!intent)
		return;
	intent->in.retention = (struct retention_change) {
		.id = *id,
		.put = {
			.name = arena_strdup(&intent->arena, spec.name),
			.body = arena_strdup(&intent->arena, text),
			.place = spec.place,
			.every_ms = spec.every_ms,
			.is_paused = spec.is_paused,
		},
		.if_revision = if_match,
	};
	call_submit(call, intent, on_put);
}

void
retention_create(struct call *call)
{
	put(call, &(struct uuid) { 0 });
}

void
retention_change(struct call *call)
{
	struct uuid id;

	if (call_uuid(call->arg[0], "policy", &id, &call->err) < 0)
		call_error(call, &call->err);
	else
		put(call, &id);
}

/* An intent about the policy that the path names. NULL: answered. */
static struct intent *
intent_about(struct call *call, enum intent_kind kind)
{
	int64_t if_match;
	struct uuid id;

	if (call_uuid(call->arg[0], "policy", &id, &call->err) < 0) {
		call_error(call, &call->err);
		return NULL;
	}
	if (!check_if_match(call, &if_match))
		return NULL;
	call->intent = call_intent(call, kind);
	if (call->intent)
		call->intent->in.retention =
			(struct retention_change) { .id = id, .if_revision = if_match };
	return call->intent;
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
retention_delete(struct call *call)
{
	if (intent_about(call, INTENT_RETENTION_DELETE))
		call_submit(call, call->intent, on_deleted);
}

void
retention_run(struct call *call)
{
	if (intent_about(call, INTENT_RETENTION_RUN))
		call_submit(call, call->intent, on_run);
}

/* --- Preview --- */

struct preview {
	struct retention_spec spec;
	int64_t jobs, files, bytes, only_files;
	struct jw sample;
};

/* As if the policy stood behind all others, or where it asks for. */
static int
read_earlier(struct call *call, struct store_reader *reader, const struct retention_spec *spec,
	struct retention_scan *scan, struct err *err)
{
	struct retention *policies;
	struct retention_spec *earlier;
	size_t n;

	if (read_retention(reader, call->project, call->arena, &policies, &n, err) < 0)
		return -1;
	earlier = arena_xalloc(call->arena, (n + 1) * sizeof *earlier);
	for (size_t i = 0; i < n; i++) {
		struct issues issues = { .arena = call->arena };
		json_t *body = json_read(
			policies[i].body, strlen(policies[i].body), JSON_DEPTH_MAX, err);

		if (!body)
			return -1;
		bool is_before = !policies[i].is_paused &&
			(spec->place == 0 || policies[i].place < spec->place) &&
			!(spec->name && strcmp(spec->name, policies[i].name) == 0);
		if (is_before &&
			retention_spec_read(body, true, &issues, &earlier[scan->n_earlier]) ==
				0)
			scan->n_earlier++;
		json_decref(body);
	}
	scan->earlier = earlier;
	return 0;
}

static void
sample_job(struct preview *preview, const struct job *job)
{
	if (preview->jobs > SWEEP_SAMPLE)
		return;
	jw_obj(&preview->sample);
	jw_kuuid(&preview->sample, "id", &job->id.u);
	jw_kstr_opt(&preview->sample, "name", job->name);
	jw_kstr(&preview->sample, "status", job_state_name(job->state));
	jw_ktime(&preview->sample, "completedAt", job->completed_ms);
	jw_end_obj(&preview->sample);
}

static int
count_job(struct preview *preview, struct store_reader *reader, const struct job *job,
	bool only_files, struct arena *arena, struct err *err)
{
	struct artifact *files;
	size_t n;

	if (read_artifacts(reader, job->seq, 0, arena, &files, &n, err) < 0)
		return -1;
	preview->files += (int64_t)n;
	for (size_t i = 0; i < n; i++)
		preview->bytes += files[i].size;
	if (only_files) {
		preview->only_files++;
		return 0;
	}
	preview->jobs++;
	sample_job(preview, job);
	return 0;
}

static int
count_all(struct preview *preview, struct retention_scan *scan, struct store_reader *reader,
	bool only_files, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	int rc = 0;

	arena_init(&arena, ARENA_REQUEST_BYTES_MAX);
	while (rc == 0) {
		struct job **jobs;
		size_t n;

		arena_reset(&arena);
		rc = only_files ? retention_scan_files(scan, reader, 0, &arena, &jobs, &n, err)
				: retention_scan_jobs(scan, reader, &arena, &jobs, &n, err);
		for (size_t i = 0; rc == 0 && i < n; i++)
			if (count_job(preview, reader, jobs[i], only_files, &arena, err) < 0)
				return -1;
	}
	return rc < 0 ? -1 : 0;
}

static int
read_preview(struct call *call, struct store_reader *reader, struct err *err)
{
	struct preview *preview = call->state;
	struct retention_scan scan = {
		.project = call->project,
		.now_ms = clock_wall_ms(),
		.spec = &preview->spec,
	};
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(1));
	struct jw jw = call_jw(call);

	jw_init(&preview->sample, &text);
	jw_arr(&preview->sample);
	if (read_earlier(call, reader, &preview->spec, &scan, err) < 0 ||
		retention_scan_begin(&scan, reader, call->arena, err) < 0 ||
		count_all(preview, &scan, reader, false, err) < 0)
		return -1;
	retention_scan_rewind(&scan);
	if (count_all(preview, &scan, reader, true, err) < 0)
		return -1;
	jw_end_arr(&preview->sample);
	if (jw_done(&preview->sample) < 0)
		return err_set(err, ERR_LIMIT, "names that are too long");
	jw_obj(&jw);
	jw_ki64(&jw, "jobs", preview->jobs);
	jw_ki64(&jw, "artifacts", preview->files);
	jw_ki64(&jw, "bytes", preview->bytes);
	jw_ki64(&jw, "onlyArtifacts", preview->only_files);
	jw_key(&jw, "sample");
	jw_rawn(&jw, text.data, text.len);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

void
retention_preview(struct call *call)
{
	struct preview *preview = arena_xalloc(call->arena, sizeof *preview);
	const char *text;

	call->state = preview;
	if (read_body(call, true, &preview->spec, &text))
		call_read(call, read_preview, NULL);
}
