/* SPDX-License-Identifier: Apache-2.0 */
/* The order of members is the order in which people read them: identity, state, then the rest.
 */
#include "api/resource.h"

#include <string.h>

#include "api/forecast.h"
#include "base/clock.h"
#include "core/environment.h"
#include "core/needs.h"

void
splice_members(struct jw *jw, struct str object)
{
	/* "{}" and the empty text hold nothing. */
	if (object.n <= 2 || jw->failed)
		return;
	if ((jw->comma && buf_addc(jw->out, ',') < 0) ||
		buf_add(jw->out, object.p + 1, object.n - 2) < 0)
		jw->failed = true;
	jw->comma = true;
}

struct str
list_item(const char *list, int i)
{
	struct str rest = str_of(list), item = { 0 };

	for (int at = 0; at <= i && rest.p; at++)
		item = str_split_first(&rest, ',');
	return item;
}

static void
write_list(struct jw *jw, const char *key, const char *list)
{
	struct str rest = str_of(list);

	jw_karr(jw, key);
	while (rest.n > 0) {
		struct str item = str_split_first(&rest, ',');
		jw_strn(jw, item.p, item.n);
	}
	jw_end_arr(jw);
}

void
labels_write(struct jw *jw, const char *key, const char *canonical)
{
	struct str rest = str_of(canonical);

	jw_kobj(jw, key);
	while (rest.n > 0) {
		struct str value = str_split_first(&rest, '\n');
		struct str name = str_split_first(&value, '=');
		char text[LABEL_BYTES_MAX + 1];

		if (name.n >= sizeof text)
			continue; /* labels_canonical() lets none such pass */
		memcpy(text, name.p, name.n);
		text[name.n] = '\0';
		jw_kstrn(jw, text, value.p ? value.p : "", value.n);
	}
	jw_end_obj(jw);
}

void
counts_write(struct jw *jw, const struct job_counts *counts)
{
	jw_kobj(jw, "counts");
	jw_ki64(jw, "passed", counts->passed);
	jw_ki64(jw, "failed", counts->failed);
	jw_ki64(jw, "errored", counts->errored);
	jw_ki64(jw, "timedOut", counts->timed_out);
	jw_ki64(jw, "cancelled", counts->cancelled);
	jw_ki64(jw, "skipped", counts->skipped);
	jw_ki64(jw, "flaky", counts->flaky);
	jw_ki64(jw, "quarantined", counts->quarantined);
	jw_end_obj(jw);
}

static void
write_uuid_opt(struct jw *jw, const char *key, const struct uuid *id)
{
	if (!uuid_is_zero(id))
		jw_kuuid(jw, key, id);
}

static void
write_progress(struct jw *jw, const struct job *job)
{
	int64_t total = job_units_total(job);
	/* The cursor stands behind the end once all have begun. */
	bool is_past = job->iterations > 0 && job->iteration > job->iterations;

	jw_kobj(jw, "progress");
	if (job_percent(job) >= 0)
		jw_ki64(jw, "percent", job_percent(job));
	jw_ki64(jw, "iteration", is_past ? job->iterations : job->iteration);
	jw_ki64(jw, "test", is_past ? job->n_tests - 1 : job->next_test);
	jw_ki64(jw, "running", job->running);
	jw_ki64(jw, "waiting", job->waiting);
	jw_ki64(jw, "runsDone", job_units_done(job));
	if (total >= 0)
		jw_ki64(jw, "runsTotal", total);
	jw_end_obj(jw);
}

static void
write_retries(struct jw *jw, const struct retry_policy *retry)
{
	jw_kobj(jw, "retries");
	jw_ki64(jw, "max", retry->max);
	jw_ki64(jw, "delayMs", retry->delay_ms);
	jw_kf64(jw, "factor", retry->factor);
	jw_ki64(jw, "maxDelayMs", retry->delay_max_ms);
	jw_kf64(jw, "jitter", retry->jitter);
	jw_karr(jw, "on");
	for (int i = 1; i < OUTCOME_COUNT; i++)
		if (retry->on & (1u << i))
			jw_str(jw, run_outcome_name((enum run_outcome)i));
	jw_end_arr(jw);
	jw_end_obj(jw);
}

/* What a row can tell about why it waits; /explain knows the rest. */
static void
write_blocked_by(struct jw *jw, const struct job *job)
{
	jw_karr(jw, "blockedBy");
	if (job->state == JOB_QUEUED && job->run_at_ms > 0 && !job->ready) {
		jw_obj(jw);
		jw_kstr(jw, "kind", "start_time");
		jw_ktime(jw, "until", job->run_at_ms);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

const struct layout *
job_layout(const struct job *job, struct arena *arena)
{
	struct layout *layout = job->layout ? arena_alloc(arena, sizeof *layout) : NULL;
	struct err err;

	/* What the answer lacks then is less than what it would lack as an error. */
	if (!layout || layout_read(job->layout, job->n_tests, arena, layout, &err) < 0)
		return NULL;
	return layout;
}

void
fixtures_write(struct jw *jw, const struct layout *layout)
{
	static const char *const modes[] = {
		[FIXTURE_SHARED] = "shared",
		[FIXTURE_SERIAL] = "serial",
		[FIXTURE_ISOLATED] = "isolated",
	};

	jw_karr(jw, "fixtures");
	for (int32_t i = 0; i < layout->n_fixtures; i++) {
		const struct fixture_spec *fixture = &layout->fixtures[i];
		int64_t skipped = 0;

		for (int32_t k = 0; k < fixture->n_tests; k++)
			skipped += layout->skip[fixture->first + k];
		jw_obj(jw);
		jw_kstr(jw, "name", fixture->name);
		jw_ki64(jw, "first", fixture->first);
		jw_ki64(jw, "testCount", fixture->n_tests);
		jw_ki64(jw, "skippedCount", skipped);
		jw_kstr(jw, "mode", modes[fixture->mode]);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

/* The kept options have the browsers as they were given; lists do without the options. */
static void
write_groups(struct jw *jw, const struct job *job, const struct job_more *more)
{
	const struct layout *layout = more->arena ? job_layout(job, more->arena) : NULL;

	if (!job->layout || !job->targets || more->options.n == 0)
		write_list(jw, "browsers", job->targets);
	if (job->layout && job->targets)
		write_list(jw, "groups", job->targets);
	if (layout)
		fixtures_write(jw, layout);
}

static void
write_quarantine(struct jw *jw, const struct quarantine_policy *policy)
{
	if (policy->attempt_limit == 0)
		return;
	jw_kobj(jw, "quarantine");
	jw_ki64(jw, "attemptLimit", policy->attempt_limit);
	jw_ki64(jw, "successThreshold", policy->success_threshold);
	jw_end_obj(jw);
}

static void
write_limits(struct jw *jw, const struct job *job)
{
	jw_ki64(jw, "concurrency", job->concurrency);
	jw_ki64(jw, "iterations", job->iterations);
	jw_ki64(jw, "failuresToIgnore", job->failures_to_ignore);
	if (job->cancel_on_first_failure)
		jw_kstr(jw, "stopOnFirstFailure", "cancel");
	else
		jw_kbool(jw, "stopOnFirstFailure", job->stop_on_first_failure);
	write_retries(jw, &job->retry);
	write_quarantine(jw, &job->quarantine);
	jw_ki64(jw, "timeoutMs", job->timeout_ms);
	jw_ki64(jw, "runTimeoutMs", job->run_timeout_ms);
	jw_ktime(jw, "runAt", job->run_at_ms);
	jw_ktime(jw, "expiresAt", job->expires_ms);
}

static void
write_pin(struct jw *jw, const struct job *job)
{
	jw_ktime(jw, "importedAt", job->imported_ms);
	if (!job->pinned)
		return;
	jw_kbool(jw, "pinned", true);
	jw_kstr_opt(jw, "pinNote", job->pin_note);
}

static void
write_queueing(struct jw *jw, const struct job *job)
{
	if (job->keys && *job->keys)
		labels_write(jw, "keys", job->keys);
	needs_write(jw, "needs", job->needs);
	if (job->unique_key) {
		jw_kobj(jw, "uniqueKey");
		jw_kstr(jw, "key", job->unique_key);
		jw_kbool(jw, "holds", job->unique_until_ms >= 0);
		jw_ktime(jw, "until", job->unique_until_ms > 0 ? job->unique_until_ms : 0);
		jw_end_obj(jw);
	}
	if (job->held_key) {
		const char *colon = strchr(job->held_key, ':');
		jw_kstr(jw, "heldBy", colon ? colon + 1 : job->held_key);
	}
	write_pin(jw, job);
}

static void
write_times(struct jw *jw, const struct job *job)
{
	jw_ktime(jw, "createdAt", job->created_ms);
	jw_ktime(jw, "updatedAt", job->updated_ms);
	jw_ktime(jw, "startedAt", job->started_ms);
	jw_ktime(jw, "completedAt", job->completed_ms);
	if (job->started_ms > 0)
		jw_ki64(jw, "queuedMs", job->queued_ms);
	if (job->started_ms > 0 && job->completed_ms >= job->started_ms)
		jw_ki64(jw, "runMs", job->completed_ms - job->started_ms);
}

/* Where a pointer leads: its object, and the last name. NULL: to no member. */
static json_t *
parent_of(json_t *tree, const char *pointer, const char **ret_name)
{
	const char *last = strrchr(pointer, '/');
	char parent[JSON_POINTER_BYTES_MAX + 1];

	if (!last || (size_t)(last - pointer) >= sizeof parent)
		return NULL;
	memcpy(parent, pointer, (size_t)(last - pointer));
	parent[last - pointer] = '\0';
	*ret_name = last + 1;
	return json_pointer_get(tree, parent);
}

/* A test with the mask in the place of what its `secrets` lead to. */
static void
write_masked(struct jw *jw, struct str body)
{
	struct err ignored;
	_cleanup_(json_unrefp) json_t *test =
		json_read(body.p, body.n, JSON_DEPTH_MAX, &ignored);
	json_t *secrets = json_object_get(test, "secrets"), *pointer;
	size_t index;

	json_array_foreach(secrets, index, pointer)
	{
		const char *name;
		json_t *in = json_is_string(pointer)
			? parent_of(test, json_string_value(pointer), &name)
			: NULL;

		if (in && json_object_get(in, name))
			(void)json_object_set_new(in, name, json_string(ENVIRONMENT_MASK));
	}
	jw_tree(jw, test);
}

static void
write_test(struct jw *jw, struct str body)
{
	if (memmem(body.p, body.n, "\"secrets\"", 9))
		write_masked(jw, body);
	else
		jw_rawn(jw, body.p, body.n);
}

static void
write_tests(struct jw *jw, const struct job *job, const struct job_more *more)
{
	size_t n = (size_t)job->n_tests < more->n_tests ? (size_t)job->n_tests : more->n_tests;

	jw_karr(jw, "tests");
	for (size_t i = 0; i < n; i++)
		write_test(jw, more->tests[i].body);
	jw_end_arr(jw);
	if (n == more->n_tests)
		return;
	jw_karr(jw, "hooks");
	for (size_t i = n; i < more->n_tests; i++) {
		jw_obj(jw);
		jw_kstr(jw, "name", more->tests[i].name);
		jw_key(jw, "test");
		write_test(jw, more->tests[i].body);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

static void
write_incarnations(struct jw *jw, const struct job_more *more)
{
	jw_karr(jw, "previous");
	for (size_t i = 0; i < more->n_incarnations; i++) {
		const struct incarnation *old = &more->incarnations[i];

		jw_obj(jw);
		jw_ki64(jw, "incarnation", old->number);
		jw_kstr(jw, "status", job_state_name(old->state));
		jw_kstr_opt(jw, "reason", job_reason_name(old->reason));
		counts_write(jw, &old->counts);
		jw_ktime(jw, "startedAt", old->started_ms);
		jw_ktime(jw, "completedAt", old->completed_ms);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

/* Whose stage it carries out. */
static void
write_parent(struct jw *jw, const struct job *job)
{
	if (uuid_is_zero(&job->parent.u))
		return;
	jw_kuuid(jw, "parent", &job->parent.u);
	jw_kstr_opt(jw, "stage", job->stage);
	jw_ki64(jw, "stageItem", job->stage_item);
	jw_ki64(jw, "stageAttempt", job->stage_attempt);
}

static void
write_raw(struct jw *jw, const char *key, struct str json)
{
	if (json.n == 0)
		return;
	jw_key(jw, key);
	jw_rawn(jw, json.p, json.n);
}

void
job_write(struct jw *jw, const struct job *job, const struct job_more *more)
{
	jw_obj(jw);
	jw_kuuid(jw, "id", &job->id.u);
	jw_kstr(jw, "project", api_project_name(job->project));
	jw_kstr(jw, "name", job->name);
	jw_kstr(jw, "status", job_state_name(job->state));
	jw_kstr_opt(jw, "reason", job_reason_name(job->reason));
	jw_ki64(jw, "incarnation", job->incarnation);
	write_uuid_opt(jw, "templateId", &job->template_id.u);
	splice_members(jw, more->options);
	jw_kraw(jw, "tags", job->tags);
	jw_kstr_opt(jw, "queue", more->queue);
	jw_ki64(jw, "priority", job->priority);
	labels_write(jw, "labels", job->labels);
	write_queueing(jw, job);
	jw_kstr_opt(jw, "unique", more->unique);
	jw_kstr_opt(jw, "kind", job->kind);
	jw_ki64(jw, "testCount", job->n_tests);
	write_groups(jw, job, more);
	write_limits(jw, job);
	write_progress(jw, job);
	counts_write(jw, &job->counts);
	write_blocked_by(jw, job);
	write_parent(jw, job);
	if (more->schedule) {
		jw_kobj(jw, "schedule");
		jw_kuuid(jw, "id", &more->schedule->id);
		jw_kstr(jw, "name", more->schedule->name);
		jw_end_obj(jw);
	}
	write_raw(jw, "stages", more->stages);
	write_raw(jw, "results", more->results);
	write_raw(jw, "schemaErrors", more->schema_errors);
	if (more->tests)
		write_tests(jw, job, more);
	if (more->n_incarnations > 0)
		write_incarnations(jw, more);
	write_times(jw, job);
	jw_kstr_opt(jw, "durable", more->durable);
	jw_end_obj(jw);
}

/* --- Runs --- */

void
artifact_write(struct jw *jw, const struct artifact *artifact)
{
	jw_obj(jw);
	jw_kstr(jw, "name", artifact->name);
	jw_kstr(jw, "kind", artifact->kind);
	jw_kstr(jw, "contentType", artifact->content_type);
	jw_ki64(jw, "size", artifact->size);
	jw_kstr(jw, "sha256", artifact->blob);
	jw_kstr_opt(jw, "case", artifact->case_id);
	write_uuid_opt(jw, "run", &artifact->run.u);
	jw_ktime(jw, "createdAt", artifact->created_ms);
	jw_end_obj(jw);
}

static void
write_run_place(struct jw *jw, const struct run *run, const struct run_more *more)
{
	jw_ki64(jw, "incarnation", run->incarnation);
	jw_ki64(jw, "iteration", run->iteration);
	jw_ki64(jw, "testIndex", run->test);
	if (more->tests && run->test >= 0 && (size_t)run->test < more->n_tests) {
		jw_kstr(jw, "test", more->tests[run->test].name);
		jw_kstr(jw, "kind", more->tests[run->test].kind);
	}
	if (more->job && more->job->targets) {
		struct str target = list_item(more->job->targets, run->target);
		jw_kstrn(jw, "target", target.p ? target.p : "", target.n);
	}
	jw_ki64(jw, "attempt", run->attempt);
}

static void
write_role(struct jw *jw, const struct run *run, const struct layout *layout)
{
	int32_t fixture;
	enum run_role role = layout_role(layout, run->test, &fixture);

	jw_kstr_opt(jw, "role", run_role_name(role));
	if (fixture < 0 && role == RUN_ROLE_TEST)
		fixture = layout_fixture_of(layout, run->test);
	if (fixture >= 0 && *layout->fixtures[fixture].name)
		jw_kstr(jw, "fixture", layout->fixtures[fixture].name);
}

/* Where its unit stands among the others, and what is made of its attempts. */
static void
write_unit(struct jw *jw, const struct run *run, const struct run_more *more)
{
	bool is_unit = more->layout && run->test < more->layout->n_tests;

	if (more->layout)
		write_role(jw, run, more->layout);
	if (run->connection > 0)
		jw_ki64(jw, "connection", run->connection);
	if (is_unit && run->start_n > 0)
		jw_ki64(jw, "startOrder", run->start_n);
	if (is_unit && run->is_last)
		jw_kbool(jw, "released", run->state != RUN_HELD);
	if (run->is_last && quarantine_run_is_unstable(run))
		jw_kbool(jw, "unstable", true);
	if (run->quarantine != 0)
		jw_kbool(jw, "quarantined", true);
}

static void
write_run_result(struct jw *jw, const struct run *run, const struct run_more *more)
{
	jw_kraw(jw, "error", run->error);
	if (more->result.n > 0) {
		jw_key(jw, "result");
		jw_rawn(jw, more->result.p, more->result.n);
	}
	if (!more->has_artifacts)
		return;
	jw_karr(jw, "artifacts");
	for (size_t i = 0; i < more->n_artifacts; i++)
		artifact_write(jw, &more->artifacts[i]);
	jw_end_arr(jw);
}

void
run_write(struct jw *jw, const struct run *run, const struct run_more *more)
{
	jw_obj(jw);
	jw_kuuid(jw, "id", &run->id.u);
	if (more->job)
		jw_kuuid(jw, "job", &more->job->id.u);
	/* What is held has its outcome; `released` tells the rest. */
	jw_kstr(jw, "status",
		run_state_name(run->state == RUN_HELD ? RUN_FINISHED : run->state));
	jw_kstr_opt(jw, "outcome", run_outcome_name(run->outcome));
	jw_kstr_opt(jw, "reason", run->reason);
	write_run_place(jw, run, more);
	write_unit(jw, run, more);
	jw_kbool(jw, "last", run->is_last);
	jw_ki64(jw, "fence", run->fence);
	write_uuid_opt(jw, "worker", &run->worker.u);
	jw_ki64(jw, "losses", run->losses);
	jw_ktime(jw, "createdAt", run->created_ms);
	jw_ktime(jw, "dueAt", run->state == RUN_WAITING ? run->due_ms : 0);
	jw_ktime(jw, "leasedAt", run->leased_ms);
	jw_ktime(jw, "startedAt", run->started_ms);
	jw_ktime(jw, "completedAt", run->finished_ms);
	jw_ki64(jw, "durationMs", run->duration_ms);
	if (run->cpu_ms > 0 || run->peak_kib > 0 || run->tokens > 0) {
		jw_kobj(jw, "usage");
		if (run->cpu_ms > 0)
			jw_ki64(jw, "cpuMs", run->cpu_ms);
		if (run->peak_kib > 0)
			jw_ki64(jw, "peakKib", run->peak_kib);
		if (run->tokens > 0)
			jw_ki64(jw, "tokens", run->tokens);
		jw_end_obj(jw);
	}
	write_run_result(jw, run, more);
	jw_end_obj(jw);
}

/* --- The rest --- */

/* Nobody reads a secret back. */
static void
splice_environment(struct jw *jw, const char *body)
{
	struct err ignored;
	_cleanup_(json_unrefp) json_t *tree =
		json_read(body, strlen(body), JSON_DEPTH_MAX, &ignored);
	const char *key;
	json_t *value;

	environment_mask(tree);
	json_object_foreach(tree, key, value)
	{
		jw_key(jw, key);
		jw_tree(jw, value);
	}
}

void
definition_write(struct jw *jw, const struct definition *def, const char *durable)
{
	jw_obj(jw);
	jw_kuuid(jw, "id", &def->id.u);
	jw_kstr(jw, "project", api_project_name(def->project));
	jw_ki64(jw, "revision", def->revision);
	if (def->kind == DEF_ENVIRONMENT)
		splice_environment(jw, def->body);
	else
		splice_members(jw, str_of(def->body));
	jw_ktime(jw, "createdAt", def->created_ms);
	jw_ktime(jw, "updatedAt", def->updated_ms);
	jw_kstr_opt(jw, "durable", durable);
	jw_end_obj(jw);
}

void
queue_write(struct jw *jw, const struct queue *queue, const struct queue_figures *figures,
	const char *durable)
{
	jw_obj(jw);
	jw_kstr(jw, "name", queue->name);
	jw_kstr(jw, "project", api_project_name(queue->project));
	jw_ki64(jw, "revision", queue->revision);
	jw_ki64(jw, "priority", queue->priority);
	jw_ki64(jw, "concurrency", queue->concurrency);
	jw_kstr(jw, "state", queue->draining ? "draining" : queue->paused ? "paused" : "open");
	jw_kbool(jw, "paused", queue->paused);
	jw_ki64(jw, "ageingMs", queue->ageing_ms);
	if (queue->rate.n > 0) {
		jw_kobj(jw, "rate");
		jw_ki64(jw, "limit", queue->rate.n);
		jw_ki64(jw, "per", queue->rate.per_ms);
		jw_ki64(jw, "burst", queue->rate.burst);
		jw_end_obj(jw);
	}
	jw_kraw(jw, "limits", queue->limits);
	jw_kstr_opt(jw, "fairBy", queue->fair_by);
	if (strcmp(queue->name, "*") == 0)
		jw_ki64(jw, "share", queue->share > 0 ? queue->share : 1);
	if (figures) {
		jw_kobj(jw, "figures");
		jw_ki64(jw, "running", figures->running);
		jw_ki64(jw, "ready", figures->ready);
		jw_ki64(jw, "held", figures->held);
		jw_ktime(jw, "oldestAt", figures->oldest_ms);
		jw_ktime(jw, "drainAt", figures->drain_ms);
		jw_kbool(jw, "atLeast", figures->at_least);
		jw_end_obj(jw);
	}
	jw_ktime(jw, "updatedAt", queue->updated_ms);
	jw_kstr_opt(jw, "durable", durable);
	jw_end_obj(jw);
}

void
quarantine_write(struct jw *jw, const struct quarantine_entry *entry, const char *durable)
{
	jw_obj(jw);
	jw_kuuid(jw, "id", &entry->id);
	jw_kstr(jw, "project", api_project_name(entry->project));
	jw_kstr(jw, "test", entry->test);
	jw_kstr(jw, "owner", entry->owner);
	jw_kstr(jw, "reason", entry->reason);
	jw_ktime(jw, "expiresAt", entry->expires_ms);
	jw_ki64(jw, "cleanRuns", entry->clean_runs);
	jw_ki64(jw, "cleanStreak", entry->clean_streak);
	jw_ki64(jw, "failures", entry->failures);
	jw_ktime(jw, "lastFailedAt", entry->last_failed_ms);
	jw_ki64(jw, "revision", entry->revision);
	jw_ktime(jw, "createdAt", entry->created_ms);
	jw_ktime(jw, "updatedAt", entry->updated_ms);
	jw_kstr_opt(jw, "durable", durable);
	jw_end_obj(jw);
}

void
worker_write(struct jw *jw, const struct worker_row *worker)
{
	jw_obj(jw);
	jw_kuuid(jw, "id", &worker->id.u);
	jw_kstr(jw, "name", worker->name);
	jw_kstr_opt(jw, "version", worker->version);
	jw_kstr(jw, "status", worker_state_name(worker->state));
	write_list(jw, "kinds", worker->kinds);
	labels_write(jw, "labels", worker->labels);
	needs_write(jw, "resources", worker->resources);
	jw_ki64(jw, "capacity", worker->capacity);
	jw_ktime(jw, "leaseUntil", worker->lease_until_ms);
	jw_ktime(jw, "joinedAt", worker->joined_ms);
	jw_ktime(jw, "seenAt", worker->seen_ms);
	jw_end_obj(jw);
}

void
explanation_write(
	struct jw *jw, const struct explanation *explanation, const struct forecast *forecast)
{
	jw_obj(jw);
	jw_kuuid(jw, "job", &explanation->id.u);
	jw_kstr(jw, "status", job_state_name(explanation->state));
	jw_kstr(jw, "sentence", explanation->sentence);
	jw_karr(jw, "blockers");
	for (size_t i = 0; i < explanation->n_blockers; i++) {
		const struct blocker *blocker = &explanation->blockers[i];

		jw_obj(jw);
		jw_kstr(jw, "kind", blocker_kind_name(blocker->kind));
		jw_kstr(jw, "text", blocker->text);
		jw_kstr_opt(jw, "subject", blocker->subject);
		jw_ktime(jw, "until", blocker->until_ms);
		if (blocker->count > 0)
			jw_ki64(jw, "count", blocker->count);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
	forecast_write(jw, forecast);
	jw_end_obj(jw);
}
