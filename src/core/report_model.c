/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows and runners' texts to one model. Everything a runner sent is taken leniently: a report
 * of half a truth is worth more than none.
 */
#include "core/report_model.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "core/layout.h"
#include "core/quarantine.h"
#include "core/report_read.h"

struct report_builder {
	const struct report_input *in;
	struct arena *arena;
	struct report_model *model;
	struct map run_by_id;           /* struct run_id → struct report_run */
	struct map run_by_seq;          /* int64_t → struct report_run */
	int64_t cases_left, steps_left; /* bytes of the arena */
	struct room {
		int64_t cases_left, steps_left;
		bool has_result_cases; /* its cases came with its result, before any event */
	} * rooms;                     /* of each run of the model */
};

/* --- Room --- */

static struct room *
room_of(struct report_builder *builder, const struct report_run *run)
{
	return &builder->rooms[run - builder->model->runs];
}

static bool
has_room_for_cases(struct report_builder *builder, const struct report_run *run)
{
	return builder->cases_left > 0 && room_of(builder, run)->cases_left > 0;
}

/* Steps of runs that passed leave half of the room to the others, which may come later. */
static bool
has_room_for_steps(struct report_builder *builder, const struct report_run *run)
{
	int64_t kept = run->row->outcome == OUTCOME_PASSED
		? (REPORT_STEPS_BYTES_MAX >> 2 * builder->in->tight) / 2
		: 0;

	return builder->steps_left > kept && room_of(builder, run)->steps_left > 0;
}

/* Takes what the arena gave since it had handed out `used`. */
static void
charge_cases(struct report_builder *builder, const struct report_run *run, size_t used)
{
	int64_t n = (int64_t)(builder->arena->used - used);

	builder->cases_left -= n;
	room_of(builder, run)->cases_left -= n;
}

static void
charge_steps(struct report_builder *builder, const struct report_run *run, size_t used)
{
	int64_t n = (int64_t)(builder->arena->used - used);

	builder->steps_left -= n;
	room_of(builder, run)->steps_left -= n;
}

/* --- Results --- */

static void
read_warnings(struct report_builder *builder, struct report_run *run, const json_t *warnings)
{
	json_t *one;
	size_t i;

	json_array_foreach(warnings, i, one)
	{
		const char *text = json_string_value(one);
		size_t used = builder->arena->used;
		if (!has_room_for_cases(builder, run)) {
			builder->model->left_out.warnings +=
				(int64_t)(json_array_size(warnings) - i);
			break;
		}
		const char *copy = text ? report_clean(builder->arena, text) : NULL;
		void *items = run->warnings;
		if (copy &&
			report_push(
				builder->arena, &items, &run->n_warnings, sizeof copy, &copy))
			run->warnings = items;
		charge_cases(builder, run, used);
	}
}

static void
read_cases(struct report_builder *builder, struct report_run *run, const json_t *cases)
{
	json_t *object;
	size_t i;

	json_array_foreach(cases, i, object)
	{
		struct report_case one = { 0 };
		void *items = run->cases;
		size_t used = builder->arena->used;
		if (!has_room_for_cases(builder, run)) {
			builder->model->left_out.cases += (int64_t)(json_array_size(cases) - i);
			break;
		}
		report_case_read(builder->arena, object, &one);
		if (report_push(builder->arena, &items, &run->n_cases, sizeof one, &one))
			run->cases = items;
		else
			builder->model->left_out.cases++;
		charge_cases(builder, run, used);
	}
}

static void
read_output(struct report_builder *builder, struct report_run *run, const json_t *output)
{
	size_t used = builder->arena->used;

	if (!output || json_is_null(output))
		return;
	_cleanup_free_ char *dump = json_dumps(output, JSON_INDENT(2) | JSON_ENCODE_ANY);
	int64_t len = dump ? (int64_t)strlen(dump) : 0;
	if (dump && len <= builder->cases_left && len <= room_of(builder, run)->cases_left)
		run->output = arena_strdup(builder->arena, dump);
	if (!run->output)
		builder->model->left_out.outputs++;
	charge_cases(builder, run, used);
}

static void
read_result(struct report_builder *builder, struct report_run *run, struct str text)
{
	_cleanup_(json_unrefp) json_t *result = json_read(text.p, text.n, JSON_DEPTH_MAX, NULL);
	size_t used = builder->arena->used;

	if (!result)
		return;
	if (!run->error && has_room_for_cases(builder, run))
		run->error =
			report_error_read(builder->arena, json_object_get(result, "error"));
	charge_cases(builder, run, used);
	read_cases(builder, run, json_object_get(result, "cases"));
	read_warnings(builder, run, json_object_get(result, "warnings"));
	read_output(builder, run, json_object_get(result, "output"));
	room_of(builder, run)->has_result_cases =
		json_array_size(json_object_get(result, "cases")) > 0;
}

/* --- Events: what the result does not tell --- */

/* From the end: events come close to the case that they are about. */
static struct report_case *
find_case(struct report_run *run, const char *id)
{
	if (!id)
		return NULL;
	for (size_t i = run->n_cases; i > 0; i--) {
		if (strcmp(run->cases[i - 1].id, id) == 0)
			return &run->cases[i - 1];
	}
	return NULL;
}

static void
take_case_event(struct report_builder *builder, struct report_run *run, const json_t *data)
{
	struct report_case one = { 0 };
	void *items = run->cases;
	size_t used = builder->arena->used;

	if (!has_room_for_cases(builder, run)) {
		/* Of a case that is in the report already at least how it went on. */
		struct report_case *begun =
			find_case(run, json_string_value(json_object_get(data, "id")));
		const char *status = report_case_status(data);
		if (begun)
			begun->status = status;
		else
			builder->model->left_out.cases += strcmp(status, "running") != 0;
		return;
	}
	report_case_read(builder->arena, data, &one);
	struct report_case *known = find_case(run, one.id);
	if (known) {
		one.steps = known->steps;
		one.n_steps = known->n_steps;
		if (one.path[0] == '\0')
			one.path = known->path;
		*known = one;
	} else if (report_push(builder->arena, &items, &run->n_cases, sizeof one, &one)) {
		run->cases = items;
	}
	charge_cases(builder, run, used);
}

/* The case itself is known from the result: only which attempt the next steps are of. */
static void
note_attempt(struct report_run *run, const json_t *data)
{
	struct report_case *one =
		find_case(run, json_string_value(json_object_get(data, "id")));

	if (one)
		one->last_attempt = report_int(data, "attempt", 1);
}

static void
take_step_event(struct report_builder *builder, struct report_run *run, const json_t *data)
{
	struct report_step step;
	const char *case_id = json_string_value(json_object_get(data, "case"));
	struct report_case *owner = find_case(run, case_id);
	size_t used = builder->arena->used;

	if (!has_room_for_steps(builder, run)) {
		builder->model->left_out.steps += report_is_step(data);
		return;
	}
	if (!report_step_read(builder->arena, data, &step))
		return;
	step.attempt = owner ? owner->last_attempt : 1;
	if (owner)
		report_push_step(builder->arena, &owner->steps, &owner->n_steps, &step);
	else
		report_push_step(builder->arena, &run->steps, &run->n_steps, &step);
	charge_steps(builder, run, used);
}

/*
 * The same attempt is carried out anew: what was told of it until then is no part of it. The
 * memory of that is spent, and so is the room for it.
 */
static void
take_restart(struct report_builder *builder, struct report_run *run, const json_t *data)
{
	const char *reason = json_string_value(json_object_get(data, "reason"));

	run->lost_reason = reason ? report_clean(builder->arena, reason) : NULL;
	run->steps = NULL;
	run->n_steps = 0;
	if (!room_of(builder, run)->has_result_cases)
		run->cases = NULL, run->n_cases = 0;
	for (size_t i = 0; i < run->n_cases; i++) {
		run->cases[i].steps = NULL;
		run->cases[i].n_steps = 0;
	}
}

void
report_build_event(struct report_builder *builder, const struct event *event)
{
	struct report_run *run = map_get(&builder->run_by_id, &event->run, sizeof event->run);

	if (!run ||
		(event->type != EV_RUN_CASE && event->type != EV_RUN_STEP &&
			event->type != EV_RUN_RESTARTED))
		return;
	_cleanup_(json_unrefp) json_t *data =
		json_read(event->data.p, event->data.n, JSON_DEPTH_MAX, NULL);
	if (data && event->type == EV_RUN_RESTARTED)
		take_restart(builder, run, data);
	else if (data && event->type == EV_RUN_STEP)
		take_step_event(builder, run, data);
	else if (data && !room_of(builder, run)->has_result_cases)
		take_case_event(builder, run, data);
	else if (data)
		note_attempt(run, data);
}

/* --- Runs --- */

static const char *
worker_name(struct report_builder *builder, const struct run *row)
{
	char id[UUID_TEXT_LEN + 1];

	if (uuid_is_zero(&row->worker.u))
		return NULL;
	for (size_t i = 0; i < builder->in->n_workers; i++) {
		const struct worker_row *worker = &builder->in->workers[i];
		if (uuid_eq(&worker->id.u, &row->worker.u))
			return worker->name && worker->name[0] ? worker->name : "worker";
	}
	/* Forgotten since: the end of the id, where the random bits are. */
	uuid_format(&row->worker.u, id);
	return arena_printf(builder->arena, "worker %s", id + UUID_TEXT_LEN - 6);
}

/* The n-th of the job's comma-separated targets, or NULL. */
static const char *
target_name(struct report_builder *builder, int32_t index)
{
	struct str rest = str_of(builder->in->job->targets);

	for (int32_t i = 0; rest.p; i++) {
		struct str one = str_split_first(&rest, ',');
		if (i == index)
			return one.n > 0 ? arena_strndup(builder->arena, one.p, one.n) : NULL;
	}
	return NULL;
}

/*
 * When it began. A worker tells in batches, so the server's own times are late by a little;
 * what the worker measured reaches back from the end, but never before the lease.
 */
static int64_t
start_of(const struct run *row)
{
	int64_t start_ms = row->started_ms ? row->started_ms : row->leased_ms;

	if (row->finished_ms > 0 && row->finished_ms - row->duration_ms < start_ms)
		start_ms = row->finished_ms - row->duration_ms;
	return start_ms > row->leased_ms ? start_ms : row->leased_ms;
}

static void
build_run(struct report_builder *builder, struct report_run *run, const struct run *row)
{
	const char *outcome = run_outcome_name(row->outcome);

	run->row = row;
	uuid_format(&row->id.u, run->id);
	run->outcome = outcome ? outcome : run_state_name(row->state);
	run->target = target_name(builder, row->target);
	run->worker = worker_name(builder, row);
	run->start_ms = start_of(row);
	run->end_ms = row->finished_ms;
	run->lane = -1;
	if (row->error) {
		_cleanup_(json_unrefp) json_t *error =
			json_read(row->error, strlen(row->error), JSON_DEPTH_MAX, NULL);
		run->error = report_error_read(builder->arena, error);
	}
	(void)map_put(&builder->run_by_id, &row->id, sizeof row->id, run);
	(void)map_put(&builder->run_by_seq, &row->seq, sizeof row->seq, run);
}

static void
build_runs(struct report_builder *builder)
{
	const struct report_input *in = builder->in;
	struct report_model *model = builder->model;

	model->runs = arena_calloc(builder->arena, in->n_runs + 1, sizeof *model->runs);
	builder->rooms = arena_calloc(builder->arena, in->n_runs + 1, sizeof *builder->rooms);
	if (!model->runs || !builder->rooms)
		return;
	model->n_runs = in->n_runs;
	for (size_t i = 0; i < in->n_runs; i++) {
		builder->rooms[i].cases_left = REPORT_RUN_BYTES_MAX >> 2 * in->tight;
		builder->rooms[i].steps_left = REPORT_RUN_BYTES_MAX >> 2 * in->tight;
		build_run(builder, &model->runs[i], &in->runs[i]);
	}
}

void
report_build_result(struct report_builder *builder, int64_t run_seq, struct str text)
{
	struct report_run *run = map_get(&builder->run_by_seq, &run_seq, sizeof run_seq);

	if (run)
		read_result(builder, run, text);
}

/* Playwright's report is a folder of many files; the index.html at its top shows them all. */
static bool
is_report_part(const struct artifact *row)
{
	const char *slash = strchr(row->name, '/');

	return row->kind && strcmp(row->kind, "report") == 0 && slash &&
		strcmp(slash, "/index.html") != 0;
}

static void
build_artifacts(struct report_builder *builder)
{
	const struct report_input *in = builder->in;

	for (size_t i = 0; i < in->n_artifacts; i++) {
		const struct artifact *row = &in->artifacts[i];
		struct report_run *run =
			map_get(&builder->run_by_seq, &row->run_seq, sizeof row->run_seq);
		struct report_artifact one = { .row = row, .in_tree = is_report_part(row) };
		void *items = run ? run->artifacts : NULL;
		if (run &&
			report_push(
				builder->arena, &items, &run->n_artifacts, sizeof one, &one))
			run->artifacts = items;
	}
}

/* --- Stages --- */

bool
report_stage_stands_alone(const struct report_stage *stage)
{
	if (strcmp(stage->state, "failed") != 0 && strcmp(stage->state, "timed_out") != 0)
		return false;
	for (size_t i = 0; i < stage->n_jobs; i++) {
		const struct job_counts *results = &stage->jobs[i]->results;

		if (!stage->jobs[i]->is_past &&
			results->failed + results->errored + results->timed_out > 0)
			return false;
	}
	return true;
}

/* --- Units --- */

bool
report_unit_is_forgiven(const struct report_unit *unit)
{
	enum run_outcome outcome = unit->attempts[unit->n_attempts - 1]->row->outcome;

	return unit->is_quarantined &&
		(outcome == OUTCOME_FAILED || outcome == OUTCOME_ERRORED ||
			outcome == OUTCOME_TIMED_OUT);
}

static void
count(struct job_counts *counts, const char *outcome, const struct report_unit *unit)
{
	bool is_flaky = unit->is_flaky;
	enum run_outcome known;

	if (run_outcome_parse(outcome, &known) < 0)
		return;
	if (report_unit_is_forgiven(unit)) {
		counts->quarantined++;
		return;
	}
	counts->passed += known == OUTCOME_PASSED;
	counts->failed += known == OUTCOME_FAILED;
	counts->errored += known == OUTCOME_ERRORED;
	counts->timed_out += known == OUTCOME_TIMED_OUT;
	counts->cancelled += known == OUTCOME_CANCELLED;
	counts->skipped += known == OUTCOME_SKIPPED;
	counts->flaky += known == OUTCOME_PASSED && is_flaky;
}

bool
report_run_stands_alone(const struct report_run *run)
{
	enum run_outcome outcome = run->row->outcome;
	bool has_failed = false, has_skipped = false;

	for (size_t i = 0; i < run->n_cases; i++) {
		const char *status = run->cases[i].status;
		has_failed = has_failed || strcmp(status, "failed") == 0;
		has_skipped = has_skipped || strcmp(status, "skipped") == 0;
	}
	if (run->n_cases == 0)
		return true;
	if (outcome == OUTCOME_FAILED)
		return !has_failed;
	if (outcome == OUTCOME_SKIPPED)
		return !has_skipped;
	return outcome == OUTCOME_ERRORED || outcome == OUTCOME_TIMED_OUT ||
		outcome == OUTCOME_CANCELLED;
}

static void
count_results(struct job_counts *counts, const struct report_unit *unit)
{
	const struct report_run *run = unit->attempts[unit->n_attempts - 1];

	for (size_t i = 0; i < run->n_cases; i++) {
		const char *status = run->cases[i].status;
		bool is_flaky = strcmp(status, "flaky") == 0;
		counts->passed += strcmp(status, "passed") == 0 || is_flaky;
		counts->flaky += is_flaky;
		if (report_unit_is_forgiven(unit))
			counts->quarantined += strcmp(status, "failed") == 0;
		else
			counts->failed += strcmp(status, "failed") == 0;
		counts->skipped += strcmp(status, "skipped") == 0;
	}
	if (report_run_stands_alone(run))
		count(counts, run->outcome, unit);
}

static bool
has_flaky_case(const struct report_run *run)
{
	for (size_t i = 0; i < run->n_cases; i++) {
		if (strcmp(run->cases[i].status, "flaky") == 0)
			return true;
	}
	return false;
}

/* Attempts before the last that were about the test itself, not a lost worker or a stop. */
static bool
has_failed_attempt(const struct report_unit *unit)
{
	for (size_t i = 0; i + 1 < unit->n_attempts; i++) {
		enum run_outcome outcome = unit->attempts[i]->row->outcome;
		if (outcome == OUTCOME_FAILED || outcome == OUTCOME_ERRORED ||
			outcome == OUTCOME_TIMED_OUT)
			return true;
	}
	return false;
}

static int
compare_runs(const void *left, const void *right)
{
	const struct run *a = (*(struct report_run *const *)left)->row;
	const struct run *b = (*(struct report_run *const *)right)->row;

	if (a->test != b->test)
		return a->test < b->test ? -1 : 1;
	if (a->iteration != b->iteration)
		return a->iteration < b->iteration ? -1 : 1;
	if (a->target != b->target)
		return a->target < b->target ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

static bool
is_same_unit(const struct run *a, const struct run *b)
{
	return a->test == b->test && a->iteration == b->iteration && a->target == b->target;
}

static bool
is_unstable(const struct report_unit *unit)
{
	struct quarantine_tally tally = { .attempts = (int32_t)unit->n_attempts };

	for (size_t i = 0; i < unit->n_attempts; i++)
		tally.passes += unit->attempts[i]->row->outcome == OUTCOME_PASSED;
	return unit->n_attempts > 0 && quarantine_is_unstable(&tally);
}

static void
finish_unit(struct report_builder *builder, struct report_test *test, struct report_unit *unit)
{
	const struct report_run *last = unit->attempts[unit->n_attempts - 1];

	unit->iteration = last->row->iteration;
	unit->target = last->target;
	unit->outcome = last->outcome;
	unit->is_flaky = last->row->outcome == OUTCOME_PASSED &&
		(has_failed_attempt(unit) || has_flaky_case(last));
	unit->is_unstable = is_unstable(unit);
	unit->is_quarantined = last->row->quarantine != 0;
	count(&test->counts, unit->outcome, unit);
	if ((size_t)test->index < builder->model->n_tests)
		count_results(&builder->model->results, unit);
}

static void
build_units(struct report_builder *builder)
{
	struct report_model *model = builder->model;
	struct report_run **sorted =
		arena_calloc(builder->arena, model->n_runs + 1, sizeof(struct report_run *));

	if (!sorted)
		return;
	for (size_t i = 0; i < model->n_runs; i++)
		sorted[i] = &model->runs[i];
	qsort(sorted, model->n_runs, sizeof(struct report_run *), compare_runs);
	for (size_t i = 0; i < model->n_runs;) {
		const struct run *first = sorted[i]->row;
		struct report_unit unit = { .attempts = &sorted[i] };
		while (i < model->n_runs && is_same_unit(sorted[i]->row, first))
			unit.n_attempts++, i++;
		if (first->test < 0 || (size_t)first->test >= model->n_tests + model->n_hooks)
			continue;
		struct report_test *test = &model->tests[first->test];
		void *items = test->units;
		finish_unit(builder, test, &unit);
		if (report_push(builder->arena, &items, &test->n_units, sizeof unit, &unit))
			test->units = items;
	}
}

/* --- Timeline --- */

static int
compare_starts(const void *left, const void *right)
{
	const struct report_run *a = *(struct report_run *const *)left;
	const struct report_run *b = *(struct report_run *const *)right;

	if (a->start_ms != b->start_ms)
		return a->start_ms < b->start_ms ? -1 : 1;
	return a->row->seq < b->row->seq ? -1 : a->row->seq > b->row->seq;
}

static bool
is_same_worker(const struct report_lane *lane, const char *worker)
{
	return strcmp(lane->worker, worker) == 0;
}

/* The first lane of the run's worker that is free when it starts; a new one when there is none.
 */
static int32_t
find_lane(struct report_model *model, int64_t *busy_until_ms, const struct report_run *run)
{
	const char *worker = run->worker ? run->worker : "worker";
	int32_t number = 1;

	for (size_t i = 0; i < model->n_lanes; i++) {
		if (!is_same_worker(&model->lanes[i], worker))
			continue;
		if (busy_until_ms[i] <= run->start_ms)
			return (int32_t)i;
		number++;
	}
	model->lanes[model->n_lanes] = (struct report_lane) { worker, number };
	return (int32_t)model->n_lanes++;
}

static void
build_lanes(struct report_builder *builder)
{
	struct report_model *model = builder->model;
	size_t n = 0;
	struct report_run **begun =
		arena_calloc(builder->arena, model->n_runs + 1, sizeof(struct report_run *));
	int64_t *busy_until_ms =
		arena_calloc(builder->arena, model->n_runs + 1, sizeof(int64_t));

	model->lanes = arena_calloc(builder->arena, model->n_runs + 1, sizeof *model->lanes);
	if (!begun || !busy_until_ms || !model->lanes)
		return;
	for (size_t i = 0; i < model->n_runs; i++) {
		if (model->runs[i].start_ms > 0)
			begun[n++] = &model->runs[i];
	}
	qsort(begun, n, sizeof(struct report_run *), compare_starts);
	for (size_t i = 0; i < n; i++) {
		int64_t end_ms = begun[i]->end_ms ? begun[i]->end_ms : builder->in->now_ms;
		begun[i]->lane = find_lane(model, busy_until_ms, begun[i]);
		busy_until_ms[begun[i]->lane] = end_ms;
		if (end_ms > model->end_ms)
			model->end_ms = end_ms;
	}
	model->begin_ms = n > 0 ? begun[0]->start_ms : 0;
	if (model->end_ms < model->begin_ms)
		model->end_ms = model->begin_ms;
}

/* --- The whole --- */

static void
name_fixtures(struct report_builder *builder)
{
	const struct job *job = builder->in->job;
	struct report_model *model = builder->model;
	struct layout layout;
	struct err err;

	/* A report without the names of fixtures is worth more than none. */
	if (!job->layout || model->n_tests != (size_t)job->n_tests ||
		layout_read(job->layout, job->n_tests, builder->arena, &layout, &err) < 0)
		return;
	for (int32_t i = 0; i < layout.n_fixtures; i++) {
		const struct fixture_spec *fixture = &layout.fixtures[i];
		const char *name = report_clean(builder->arena, fixture->name);
		for (int32_t k = 0; name && *name && k < fixture->n_tests; k++)
			model->tests[fixture->first + k].fixture = name;
	}
}

static void
build_tests(struct report_builder *builder)
{
	const struct report_input *in = builder->in;
	struct report_model *model = builder->model;

	model->tests = arena_calloc(builder->arena, in->n_tests + 1, sizeof *model->tests);
	if (!model->tests)
		return;
	/* Hooks stand behind the tests, here as there. */
	model->n_tests =
		(size_t)in->job->n_tests < in->n_tests ? (size_t)in->job->n_tests : in->n_tests;
	model->hooks = model->tests + model->n_tests;
	model->n_hooks = in->n_tests - model->n_tests;
	for (size_t i = 0; i < in->n_tests; i++) {
		const char *name = in->tests[i].name
			? report_clean(builder->arena, in->tests[i].name)
			: NULL;
		model->tests[i].name = name ? name : "unnamed";
		model->tests[i].kind = in->tests[i].kind ? in->tests[i].kind : "";
		model->tests[i].index = (int32_t)i;
	}
	name_fixtures(builder);
}

static const char *
why_not_run(const struct job *job)
{
	if (!job_state_is_final(job->state))
		return "did not run yet";
	if (job->stop_on_first_failure && job_failures(job) > job->failures_to_ignore)
		return "not run: stopped after the first failure";
	return job->state == JOB_STOPPED ? "not run: the job was stopped" : "did not run";
}

/* Counted only where it can be known: all that began is in the report, and the end is. */
static void
count_not_run(struct report_builder *builder)
{
	struct report_model *model = builder->model;
	const struct job *job = model->job;
	int64_t units = job->iterations * job->n_targets;

	model->why_not_run = why_not_run(job);
	if (!job->layout || !job_state_is_final(job->state) || job->iterations == 0 ||
		builder->in->left_out.runs > 0)
		return;
	for (size_t i = 0; i < model->n_tests; i++)
		model->tests[i].n_not_run = units - (int64_t)model->tests[i].n_units;
}

static void
build_tags(struct report_builder *builder)
{
	const char *text = builder->in->job->tags;
	_cleanup_(json_unrefp) json_t *tags =
		text ? json_read(text, strlen(text), JSON_DEPTH_MAX, NULL) : NULL;
	json_t *one;
	size_t i;

	json_array_foreach(tags, i, one)
	{
		const char *word = json_string_value(one);
		const char *copy = word ? report_clean(builder->arena, word) : NULL;
		void *items = builder->model->tags;
		if (copy &&
			report_push(builder->arena, &items, &builder->model->n_tags,
				sizeof copy, &copy))
			builder->model->tags = items;
	}
}

struct report_builder *
report_build_begin(const struct report_input *input, struct arena *arena)
{
	struct report_builder *builder = xcalloc(1, sizeof *builder);
	struct report_model *model = arena_xalloc(arena, sizeof *model);
	const struct job *job = input->job;

	builder->in = input;
	builder->arena = arena;
	builder->model = model;
	builder->cases_left = REPORT_CASES_BYTES_MAX >> 2 * input->tight;
	builder->steps_left = REPORT_STEPS_BYTES_MAX >> 2 * input->tight;
	model->job = job;
	uuid_format(&job->id.u, model->id);
	model->status = job_state_name(job->state);
	model->reason = job_reason_name(job->reason);
	model->now_ms = input->now_ms;
	if (input->options.n > 0)
		model->options = arena_strndup(arena, input->options.p, input->options.n);
	map_init(&builder->run_by_id, MAP_KEYS_BORROWED);
	map_init(&builder->run_by_seq, MAP_KEYS_BORROWED);
	build_tags(builder);
	build_tests(builder);
	build_runs(builder);
	return builder;
}

struct report_model *
report_build_end(struct report_builder *builder)
{
	struct report_model *model = builder->model;
	const struct report_left_out *rows = &builder->in->left_out;

	model->left_out.runs = rows->runs;
	model->left_out.files = rows->files;
	model->left_out.has_more_steps = rows->has_more_steps;
	if (rows->has_more_steps)
		model->left_out.steps++; /* there is one at least */
	build_artifacts(builder);
	build_units(builder);
	count_not_run(builder);
	build_lanes(builder);
	return model;
}

void
report_builder_free(struct report_builder *builder)
{
	map_deinit(&builder->run_by_id);
	map_deinit(&builder->run_by_seq);
	free(builder);
}

struct report_model *
report_model_build(const struct report_input *input, struct arena *arena)
{
	struct report_builder *builder = report_build_begin(input, arena);

	for (size_t i = 0; i < input->n_results; i++)
		report_build_result(builder, input->results[i].run_seq, input->results[i].text);
	for (size_t i = 0; i < input->n_events; i++)
		report_build_event(builder, &input->events[i]);
	struct report_model *model = report_build_end(builder);
	report_builder_free(builder);
	return model;
}
