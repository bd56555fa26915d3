/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making jobs: one, many, from a template, or only trying.
 *
 * A small request that names nothing saved is read on the loop and goes straight to the engine;
 * all others are read on the pool. Texts of the request are kept in the intent's arena, so that
 * what the engine gets needs no copy.
 */
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "base/clock.h"
#include "core/job_json.h"
#include "store/source.h"

enum {
	/* Up to this the loop reads a job itself: some tens of microseconds. */
	LOOP_BODY_BYTES_MAX = 16 * 1024,
	FIRST_RUNS_MAX = 10, /* that a dry run shows */
};

struct creation {
	json_t *jobs; /* array of requests; owned */
	bool is_bulk, is_dry;
	struct job_spec *specs;
	size_t n;
	struct err err;
};

static void
creation_cleanup(struct call *call)
{
	struct creation *creation = call->state;

	json_decref(creation->jobs);
}

static const char *
job_pointer(const struct creation *creation, struct arena *arena, size_t i)
{
	return creation->is_bulk ? json_pointer_index(arena, "/jobs", i) : "";
}

/* Reads every request. 0, JOB_NEEDS_SOURCE, or -1 with issues or err. */
static int
read_specs(struct call *call, const struct job_source *source, struct err *err)
{
	struct creation *creation = call->state;
	struct arena *arena = &call->intent->arena;
	size_t index;
	json_t *job;
	int result = 0;

	json_array_foreach(creation->jobs, index, job)
	{
		int r = job_spec_read(job, source, job_pointer(creation, arena, index), arena,
			&call->issues, &creation->specs[index], err);

		if (r == JOB_NEEDS_SOURCE)
			return r;
		if (r < 0 && call->issues.n == 0)
			return -1; /* the source failed, there is nothing to collect */
		if (r < 0)
			result = -1;
		if (arena->used > JOBS_BYTES_MAX) {
			issues_add(&call->issues, job_pointer(creation, call->arena, index),
				ISSUE_LIMIT,
				"up to here the request has more than %lld MiB of tests",
				(long long)(JOBS_BYTES_MAX >> 20));
			return -1;
		}
	}
	return result;
}

static int
check_dates(struct call *call)
{
	struct creation *creation = call->state;
	int64_t latest = clock_wall_ms() + RUN_AT_AHEAD_MS_MAX;

	for (size_t i = 0; i < creation->n; i++)
		if (creation->specs[i].run_at_ms > latest)
			issues_add_member(&call->issues, job_pointer(creation, call->arena, i),
				"runAt", ISSUE_LIMIT, "more than ten years ahead");
	return call->issues.n > 0 ? -1 : 0;
}

/* --- Answers --- */

static void
write_created(
	struct jw *jw, struct call *call, const struct job *job, const struct job_spec *spec)
{
	struct job_more more = {
		.queue = spec->queue ? spec->queue : "default",
		.options = spec->options,
		.arena = call->arena,
		.durable = call->api->durable,
	};

	job_write(jw, job, &more);
}

static void
add_location(struct call *call, const struct job_id *id)
{
	char text[UUID_TEXT_LEN + 1];
	const char *location;

	uuid_format(&id->u, text);
	location = arena_printf(call->arena, "/api/v1/jobs/%s", text);
	http_header_add(call->req, "Location", location ? location : "");
}

/* A replay knows ids alone: the jobs are read as they are now. */
static int
read_replayed(struct call *call, struct store_reader *reader, struct err *err)
{
	struct creation *creation = call->state;
	const struct intent *intent = call->intent;
	struct jw jw = call_jw(call);

	if (creation->is_bulk) {
		jw_obj(&jw);
		jw_karr(&jw, "items");
	}
	for (size_t i = 0; i < intent->out.n_jobs; i++) {
		struct job *job;
		struct job_more more = {
			.durable = call->api->durable,
			.arena = call->arena,
		};
		int r = read_job(
			reader, call->project, intent->out.jobs[i].id, call->arena, &job, err);

		if (r < 0)
			return -1;
		if (r == STORE_NONE) { /* deleted since */
			jw_obj(&jw);
			jw_kuuid(&jw, "id", &intent->out.jobs[i].id.u);
			jw_end_obj(&jw);
			continue;
		}
		if (read_job_options(reader, job->seq, call->arena, &more.options, err) < 0)
			return -1;
		more.queue = api_queue_name(call->api, reader, job->queue);
		if (intent->out.existing && intent->out.existing[i])
			more.unique = "existing";
		job_write(&jw, job, &more);
	}
	if (creation->is_bulk) {
		jw_end_arr(&jw);
		jw_end_obj(&jw);
	}
	return call_written(call, &jw, err);
}

static void
on_replayed(struct call *call)
{
	call->status = 201;
	http_header_add(call->req, "Idempotency-Replayed", "true");
	call->api->counters.idem_replays++;
	call_finish_read(call);
}

/* A job with the unique key was there: it is shown as it is. */
static void
on_existing(struct call *call)
{
	const struct creation *creation = call->state;

	call->status = creation->is_bulk ? 201 : 200;
	call_finish_read(call);
}

static void
on_created(struct call *call)
{
	struct creation *creation = call->state;
	const struct intent *intent = call->intent;
	struct jw jw;
	struct err err;

	if (intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	if (!creation->is_bulk && intent->out.n_jobs > 0)
		add_location(call, &intent->out.jobs[0].id);
	if (intent->replayed) {
		call_read(call, read_replayed, on_replayed);
		return;
	}
	if (intent->out.existing) {
		call_read(call, read_replayed, on_existing);
		return;
	}
	jw = call_jw(call);
	if (creation->is_bulk) {
		jw_obj(&jw);
		jw_karr(&jw, "items");
	}
	for (size_t i = 0; i < intent->out.n_jobs; i++)
		write_created(&jw, call, &intent->out.jobs[i], &creation->specs[i]);
	if (creation->is_bulk) {
		jw_end_arr(&jw);
		jw_kstr(&jw, "durable", call->api->durable);
		jw_end_obj(&jw);
	}
	if (call_written(call, &jw, &err) < 0)
		call_error(call, &err);
	else
		call_reply(call, 201);
}

/* --- Dry run --- */

/* The units that begin first. Every group begins at once in a grouped job, where it is shown
 * for the first alone. */
static void
write_first_runs(struct jw *jw, const struct job_spec *spec)
{
	int64_t units = (int64_t)spec->n_tests * (int64_t)spec->n_targets;
	int64_t n = 0;

	jw_karr(jw, "firstRuns");
	for (int64_t i = 0; n < FIRST_RUNS_MAX && i < 2 * units + FIRST_RUNS_MAX; i++) {
		int64_t unit = i % units, at = unit % (int64_t)spec->n_tests;
		const struct test_spec *test = &spec->tests[at];
		struct str target =
			list_item(spec->targets, (int)(unit / (int64_t)spec->n_tests));

		if (spec->iterations > 0 && i / units >= spec->iterations)
			break;
		if (test->skip)
			continue;
		n++;
		jw_obj(jw);
		jw_ki64(jw, "iteration", 1 + i / units);
		jw_ki64(jw, "testIndex", at);
		jw_kstr(jw, "test", test->name);
		jw_kstr(jw, "kind", test->kind);
		if (target.n > 0)
			jw_kstrn(jw, "target", target.p, target.n);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

/* What a grouped job has besides. */
static void
write_layout(struct jw *jw, const struct job_spec *spec, struct arena *arena)
{
	struct job job = { .n_tests = (int32_t)spec->n_tests };
	struct str rest = str_of(spec->targets);
	int64_t skipped = 0;

	if (!spec->is_grouped)
		return;
	for (size_t i = 0; i < spec->n_tests; i++)
		skipped += spec->tests[i].skip;
	jw_ki64(jw, "skippedCount", skipped);
	jw_ki64(jw, "hookCount", (int64_t)spec->n_hooks);
	jw_karr(jw, "groups");
	while (rest.n > 0) {
		struct str name = str_split_first(&rest, ',');
		jw_strn(jw, name.p, name.n);
	}
	jw_end_arr(jw);
	job.layout = layout_write(spec, arena);
	const struct layout *layout = job_layout(&job, arena);
	if (layout)
		fixtures_write(jw, layout);
}

struct kinds {
	const char *name[16];
	size_t n;
};

static void
collect_kinds(const struct job_spec *spec, struct kinds *kinds)
{
	for (size_t i = 0; i < spec->n_tests + spec->n_hooks; i++) {
		bool known = false;

		for (size_t j = 0; j < kinds->n; j++)
			known = known || strcmp(kinds->name[j], spec->tests[i].kind) == 0;
		if (!known && kinds->n < ARRAY_LEN(kinds->name))
			kinds->name[kinds->n++] = spec->tests[i].kind;
	}
}

static bool
worker_has_kind(const struct worker_row *worker, const char *kind)
{
	struct str rest = str_of(worker->kinds);

	while (rest.n > 0)
		if (str_eqz(str_split_first(&rest, ','), kind))
			return true;
	return false;
}

/* For each lane that the job's tests stand in: who serves it. */
static void
write_lanes(struct jw *jw, const struct job_spec *spec, const struct worker_row *workers,
	size_t n_workers)
{
	struct kinds kinds = { .n = 0 };

	collect_kinds(spec, &kinds);
	jw_karr(jw, "lanes");
	for (size_t i = 0; i < kinds.n; i++) {
		int64_t matching = 0, capacity = 0;

		for (size_t j = 0; j < n_workers; j++) {
			if (workers[j].state != WORKER_ONLINE ||
				!worker_has_kind(&workers[j], kinds.name[i]) ||
				!labels_cover(workers[j].labels, spec->labels))
				continue;
			matching++;
			capacity += workers[j].capacity;
		}
		jw_obj(jw);
		jw_kstr(jw, "kind", kinds.name[i]);
		jw_kstr(jw, "queue", spec->queue ? spec->queue : "default");
		labels_write(jw, "labels", spec->labels);
		jw_ki64(jw, "workers", matching);
		jw_ki64(jw, "capacity", capacity);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

/* A flow's: the short forms written out, names of stages settled. */
static void
write_planned_stages(struct jw *jw, const struct job_spec *spec)
{
	struct err ignored;
	_cleanup_(json_unrefp) json_t *flow =
		json_read(spec->flow, strlen(spec->flow), 4 * JSON_DEPTH_MAX, &ignored);
	json_t *stages = json_object_get(flow, "stages");

	if (!stages)
		return;
	jw_key(jw, "stages");
	jw_tree(jw, stages);
}

static void
write_plan(struct jw *jw, const struct job_spec *spec, const struct worker_row *workers,
	size_t n_workers, struct arena *arena)
{
	jw_obj(jw);
	jw_kstr(jw, "name", spec->name);
	jw_ki64(jw, "testCount", (int64_t)spec->n_tests);
	jw_ki64(jw, "targetCount", (int64_t)spec->n_targets);
	jw_ki64(jw, "iterations", spec->iterations);
	if (spec->iterations > 0)
		jw_ki64(jw, "runsTotal",
			spec->iterations * (int64_t)spec->n_tests * (int64_t)spec->n_targets);
	write_layout(jw, spec, arena);
	jw_ki64(jw, "concurrency", spec->concurrency);
	jw_ki64(jw, "priority", spec->priority);
	jw_ktime(jw, "runAt", spec->run_at_ms);
	write_lanes(jw, spec, workers, n_workers);
	if (spec->flow)
		write_planned_stages(jw, spec);
	else
		write_first_runs(jw, spec);
	jw_end_obj(jw);
}

static int
read_plan(struct call *call, struct store_reader *reader, struct err *err)
{
	struct creation *creation = call->state;
	struct worker_row *workers;
	size_t n_workers;
	struct jw jw = call_jw(call);

	if (read_workers(reader, call->project, false, call->arena, &workers, &n_workers, err) <
		0)
		return -1;
	jw_obj(&jw);
	jw_kbool(&jw, "dryRun", true);
	jw_karr(&jw, "jobs");
	for (size_t i = 0; i < creation->n; i++)
		write_plan(&jw, &creation->specs[i], workers, n_workers, call->arena);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

/* --- The way --- */

static void
on_specs(struct call *call)
{
	struct creation *creation = call->state;

	if (call->read_result < 0) {
		if (call->issues.n > 0)
			call_issues(call);
		else
			call_error(call, &call->err);
		return;
	}
	if (check_dates(call) < 0) {
		call_issues(call);
		return;
	}
	if (creation->is_dry) {
		call->status = 200;
		call_read(call, read_plan, NULL);
		return;
	}
	call->intent->in.create.specs = creation->specs;
	call->intent->in.create.n = creation->n;
	call_submit(call, call->intent, on_created);
}

static int
read_specs_saved(struct call *call, struct store_reader *reader, struct err *err)
{
	struct store_source state = {
		.reader = reader,
		.project = call->project,
		.arena = &call->intent->arena,
	};
	struct job_source source = store_source(&state);

	return read_specs(call, &source, err);
}

static void
create(struct call *call, json_t *jobs, bool is_bulk)
{
	const struct dry_query *query = call->query;
	struct creation *creation = arena_xalloc(call->arena, sizeof *creation);

	creation->jobs = jobs;
	creation->is_bulk = is_bulk;
	creation->is_dry = query->dry_run;
	creation->n = json_array_size(jobs);
	call->state = creation;
	call->cleanup = creation_cleanup;
	call->intent = call_intent(call, INTENT_JOB_CREATE);
	if (!call->intent)
		return;
	call->issues.arena = &call->intent->arena;
	creation->specs =
		arena_xalloc(&call->intent->arena, (creation->n + 1) * sizeof *creation->specs);
	call->read_result = call->req->body.len > LOOP_BODY_BYTES_MAX
		? JOB_NEEDS_SOURCE
		: read_specs(call, NULL, &call->err);
	if (call->read_result == JOB_NEEDS_SOURCE)
		call_read(call, read_specs_saved, on_specs);
	else
		on_specs(call);
}

void
jobs_create(struct call *call)
{
	json_t *jobs = json_array();

	(void)json_array_append(jobs, call->json);
	create(call, jobs, false);
}

void
jobs_bulk(struct call *call)
{
	json_t *jobs = json_object_get(call->json, "jobs");

	if (!json_is_object(call->json) || !json_is_array(jobs) ||
		json_object_size(call->json) != 1)
		issues_add(&call->issues, json_is_object(call->json) ? "/jobs" : "",
			ISSUE_INVALID,
			"an object with the one member jobs, an array, is expected");
	else if (json_array_size(jobs) == 0 || json_array_size(jobs) > JOBS_PER_BULK_MAX)
		issues_add(&call->issues, "/jobs", ISSUE_LIMIT, "1 to %d jobs are expected",
			JOBS_PER_BULK_MAX);
	if (call->issues.n > 0)
		call_issues(call);
	else
		create(call, json_incref(jobs), true);
}

/* The same form as a template's invocation. */
void
flows_start(struct call *call)
{
	_cleanup_(json_unrefp) json_t *empty = json_object();
	json_t *job = NULL, *jobs;

	if (job_from_invoke(call->json ? call->json : empty, call->arg[0], "", &call->issues,
		    &job) < 0) {
		call_issues(call);
		return;
	}
	(void)json_object_del(job, "template");
	(void)json_object_set_new(job, "flow", json_string(call->arg[0]));
	jobs = json_array();
	(void)json_array_append_new(jobs, job);
	create(call, jobs, false);
}

void
templates_invoke(struct call *call)
{
	_cleanup_(json_unrefp) json_t *empty = json_object();
	json_t *job = NULL, *jobs;

	if (job_from_invoke(call->json ? call->json : empty, call->arg[0], "", &call->issues,
		    &job) < 0) {
		call_issues(call);
		return;
	}
	jobs = json_array();
	(void)json_array_append_new(jobs, job);
	create(call, jobs, false);
}
