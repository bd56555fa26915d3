/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a job: a cursor over iteration × target × test, the runs that were started from
 * it, and those that wait for another attempt. Nothing is expanded in advance.
 */
#include "core/plan.h"

#include <assert.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/flow.h"
#include "core/group.h"
#include "core/plan_impl.h"

#define IN(s) (1u << (s))

/* ---- looking at a plan ---- */

static bool
cursor_is_exhausted(const struct job *job)
{
	return job->iterations > 0 && job->iteration > job->iterations;
}

bool
plan_says_invalid(enum run_outcome outcome, const char *reason)
{
	return outcome == OUTCOME_ERRORED && reason &&
		strcmp(reason, "invalid_definition") == 0;
}

/* The same of a unit that is not counted yet. */
static bool
is_held_invalid(const struct job *job)
{
	for (const struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->state == RUN_HELD && run->incarnation == job->incarnation &&
			plan_says_invalid(run->outcome, run->reason))
			return true;
	}
	return false;
}

bool
plan_is_halted(const struct job *job)
{
	if (job->reason == JOB_REASON_INVALID_DEFINITION || is_held_invalid(job))
		return true;

	bool ends_by_failures = job->stop_on_first_failure || job->iterations == 0;

	return ends_by_failures &&
		job_failures(job) + group_held_failures(job) > job->failures_to_ignore;
}

bool
plan_is_active(const struct job *job)
{
	return (IN(JOB_STARTING) | IN(JOB_RUNNING) | IN(JOB_PAUSING)) & IN(job->state);
}

/* The waiting run that goes next: the smallest seq among the due ones. *ret_next_due: the
 * earliest of the others, or 0. */
struct run *
plan_first_due(const struct job *job, int64_t now_ms, int64_t *ret_next_due)
{
	struct run *first = NULL;

	*ret_next_due = 0;
	for (struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->state != RUN_WAITING)
			continue;
		if (run->due_ms > now_ms) {
			if (*ret_next_due == 0 || run->due_ms < *ret_next_due)
				*ret_next_due = run->due_ms;
		} else if (!first || run->seq < first->seq) {
			first = run;
		}
	}
	return first;
}

static const char *
kind_of_test(struct uow *uow, const struct job *job, int32_t test)
{
	if (job->kind)
		return job->kind;

	struct str rest = str_of(job->kinds), kind = str_split_first(&rest, ',');
	while (test-- > 0)
		kind = str_split_first(&rest, ',');
	char *copy = arena_xalloc(uow->arena, kind.n + 1);
	memcpy(copy, kind.p, kind.n);
	return copy;
}

struct lane
plan_lane(
	struct arena *arena, const struct lanes *lanes, const struct job *job, const char *kind)
{
	const struct queue *queue = lanes_queue(lanes, job->queue);
	const char *fair = NULL;

	if (queue->fair_by) {
		struct str value = keys_value(job->keys, str_of(queue->fair_by));
		fair = value.n > 0 ? arena_strndup(arena, value.p, value.n) : NULL;
	}

	return (struct lane) {
		.project = job->project,
		.queue = job->queue,
		.kind = kind,
		.labels = job->labels,
		.needs = job->needs,
		.fair = fair,
	};
}

/*
 * The lane of the job's next run. It changes only when tests of different kinds follow each
 * other, so most updates keep it. False: LANES_MAX is reached, which the engine refuses when
 * the job is made; the job waits until something touches it.
 */
static bool
set_lane(struct uow *uow, struct lanes *lanes, struct job *job, int32_t test)
{
	if (job->lane != 0 && job->kind)
		return true;

	const struct lane like =
		plan_lane(uow->arena, lanes, job, kind_of_test(uow, job, test));
	struct lane *lane = lanes_get_lane_like(lanes, uow, &like);
	if (lane)
		job->lane = lane->id;
	return lane != NULL;
}

int64_t
plan_earlier(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

bool
plan_takes_runs(const struct job *job)
{
	return (IN(JOB_QUEUED) | IN(JOB_STARTING) | IN(JOB_RUNNING) | IN(JOB_RESTARTING)) &
		IN(job->state);
}

bool
plan_may_start(const struct uow *uow, const struct job *job)
{
	return plan_takes_runs(job) && job->run_at_ms <= uow->now_ms &&
		!(plan_may_expire(job) && job->expires_ms <= uow->now_ms) &&
		!(job->state == JOB_RESTARTING && job->running > 0);
}

/* The next test of a job that is not grouped, or -1. */
static int32_t
next_test(struct uow *uow, struct job *job)
{
	int64_t retry_due = 0;
	bool takes_runs = plan_takes_runs(job);
	bool may_go_on = takes_runs && !plan_is_halted(job);
	struct run *due = may_go_on ? plan_first_due(job, uow->now_ms, &retry_due) : NULL;
	bool has_next = due ||
		(may_go_on && !cursor_is_exhausted(job) && job->waiting < RUNS_WAITING_MAX);

	job->due_ms = retry_due;
	if (!plan_may_start(uow, job) || !has_next || job->running >= job->concurrency)
		return -1;
	return due ? due->test : job->next_test;
}

/* Out of the line, when one of its keys is full. */
static void
hold_back(struct uow *uow, struct lanes *lanes, struct job *job)
{
	int64_t until_ms;
	struct place *place = places_full(lanes, job, uow->now_ms, &until_ms);

	if (place)
		places_hold(lanes, uow, job, place, until_ms);
}

bool
plan_may_expire(const struct job *job)
{
	return job->expires_ms > 0 && job->started_ms == 0 && job->incarnation == 1 &&
		(job->state == JOB_QUEUED || job->state == JOB_PAUSED);
}

/* A flow has no runs of its own. */
static int32_t
no_test(struct uow *uow, struct job *job)
{
	job->due_ms = flow_due_ms(uow, job);
	return -1;
}

void
plan_update(struct uow *uow, struct lanes *lanes, struct job *job)
{
	int32_t test = job->layout ? plan_group_next_test(uow, job)
		: job->flow        ? no_test(uow, job)
				   : next_test(uow, job);

	job->ready = test >= 0 && set_lane(uow, lanes, job, test);
	job->held_key = NULL;
	if (job->ready && job->keys && *job->keys)
		hold_back(uow, lanes, job);
	if (plan_may_expire(job))
		job->due_ms = plan_earlier(job->due_ms, job->expires_ms);
	if (plan_takes_runs(job) && job->run_at_ms > uow->now_ms)
		job->due_ms = plan_earlier(job->due_ms, job->run_at_ms);
	if (plan_is_active(job) ||
		(job->layout && job->state == JOB_STOPPING && job->deadline_ms > uow->now_ms))
		job->due_ms = plan_earlier(job->due_ms, job->deadline_ms);
	if (job->ready)
		lanes_lane(lanes, job->lane)->maybe_ready = true;
	uow_touch_job(uow, job);
}

/* ---- beginning ---- */

/* "a,b,a": the kind of every test, when they are not all the same. */
static void
set_kinds(struct uow *uow, struct job *job, const struct job_spec *spec)
{
	size_t bytes = 0, n_tests = spec->n_tests + spec->n_hooks;
	bool same = true;

	if (spec->flow) {
		job->kind = "flow";
		return;
	}
	for (size_t i = 0; i < n_tests; i++) {
		bytes += strlen(spec->tests[i].kind) + 1;
		same = same && strcmp(spec->tests[i].kind, spec->tests[0].kind) == 0;
	}
	if (same) {
		job->kind = spec->tests[0].kind;
		return;
	}
	char *end = arena_xalloc(uow->arena, bytes);
	job->kinds = end;
	for (size_t i = 0; i < n_tests; i++) {
		size_t n = strlen(spec->tests[i].kind);
		memcpy(end, spec->tests[i].kind, n);
		end[n] = i + 1 < n_tests ? ',' : '\0';
		end += n + 1;
	}
}

static void
add_tests(struct uow *uow, const struct job *job, const struct job_spec *spec)
{
	for (size_t i = 0; i < spec->n_tests + spec->n_hooks; i++) {
		const struct test_spec *test = &spec->tests[i];
		struct job_test row = {
			.job_seq = job->seq,
			.index = (int32_t)i,
			.name = test->name,
			.kind = test->kind,
			.body = test->body,
			.timeout_ms = test->timeout_ms,
		};
		UOW_PUSH(uow, &uow->tests, row);
	}
	if (spec->options.n > 0) {
		struct job_options options = { .job_seq = job->seq, .body = spec->options };
		UOW_PUSH(uow, &uow->options, options);
	}
}

int64_t
plan_expiry(int64_t now_ms, int64_t run_at_ms, int64_t after_ms)
{
	if (after_ms == 0)
		return 0;
	return (run_at_ms > now_ms ? run_at_ms : now_ms) + after_ms;
}

static void
create_flow(struct uow *uow, struct job *job)
{
	struct job *parent = uow_job(uow, job->parent);

	flow_create(uow, job, parent && parent->flow ? flow_depth(uow, parent) + 1 : 0);
}

struct job *
plan_create(struct uow *uow, struct lanes *lanes, int64_t project, struct queue *queue,
	const struct job_spec *spec)
{
	struct job *job = arena_xalloc(uow->arena, sizeof *job);
	int64_t run_at_ms = spec->run_at_ms;

	if (spec->unique.mode == UNIQUE_DEBOUNCE &&
		uow->now_ms + spec->unique.period_ms > run_at_ms)
		run_at_ms = uow->now_ms + spec->unique.period_ms;

	*job = (struct job) {
		.seq = uow->next_job_seq++,
		.project = project,
		.name = spec->name,
		.tags = spec->tags,
		.template_id = spec->template_id,
		.created_ms = uow->now_ms,
		.priority = spec->priority,
		.rank = rank_of(spec->priority, uow->now_ms, queue->ageing_ms),
		.queue = queue->id,
		.labels = spec->labels,
		.targets = spec->targets,
		.layout = spec->is_grouped ? layout_write(spec, uow->arena) : NULL,
		.n_tests = (int32_t)spec->n_tests,
		.n_targets = (int32_t)spec->n_targets,
		.iterations = spec->iterations,
		.concurrency = spec->concurrency,
		.failures_to_ignore = spec->failures_to_ignore,
		.stop_on_first_failure = spec->stop_on_first_failure,
		.cancel_on_first_failure = spec->cancel_on_first_failure,
		.retry = spec->retry,
		.quarantine = spec->quarantine,
		.timeout_ms = spec->timeout_ms,
		.run_timeout_ms = spec->run_timeout_ms,
		.run_at_ms = run_at_ms,
		.expires_ms = plan_expiry(uow->now_ms, run_at_ms, spec->expires_after_ms),
		.unique_until_ms = plan_unique_until(uow->now_ms, &spec->unique),
		.keys = spec->keys ? spec->keys : "",
		.needs = spec->needs ? spec->needs : "",
		.parent = spec->parent,
		.stage = spec->stage,
		.stage_item = spec->stage_item,
		.stage_attempt = spec->stage_attempt,
		.schedule = spec->schedule,
		.unique_key = spec->unique.key,
		.flow = spec->flow,
		.state = JOB_QUEUED,
		.incarnation = 1,
		.iteration = 1,
		.version = 1,
		.change = ROW_NEW,
		.runs_loaded = true,
	};
	uuid_v7(&job->id.u, uow->now_ms, uow->rng);
	set_kinds(uow, job, spec);
	job = uow_add_job(uow, job);
	add_tests(uow, job, spec);
	plan_event_queued(uow, job);
	if (job->flow)
		create_flow(uow, job);
	plan_update(uow, lanes, job);
	return job;
}

/* ---- leasing ---- */

static void
advance_cursor(struct job *job)
{
	if (++job->next_test < job->n_tests)
		return;
	job->next_test = 0;
	if (++job->next_target < job->n_targets)
		return;
	job->next_target = 0;
	job->iteration++;
}

struct run *
plan_new_run(struct uow *uow, struct job *job, int64_t iteration, int32_t test, int32_t target,
	int32_t attempt)
{
	struct run *run = arena_xalloc(uow->arena, sizeof *run);

	*run = (struct run) {
		.seq = uow->next_run_seq++,
		.job_seq = job->seq,
		.project = job->project,
		.incarnation = job->incarnation,
		.iteration = iteration,
		.test = test,
		.target = target,
		.attempt = attempt,
		.created_ms = uow->now_ms,
		.state = RUN_WAITING,
		.version = 1,
		.change = ROW_NEW,
		.job = job,
	};
	uuid_v7(&run->id.u, uow->now_ms, uow->rng);
	return uow_add_run(uow, run);
}

static struct run *
next_run(struct uow *uow, struct job *job, bool *ret_is_new)
{
	int64_t ignored;
	struct run *run = plan_first_due(job, uow->now_ms, &ignored);

	*ret_is_new = !run;
	if (run) {
		job->waiting--;
		return run;
	}
	run = plan_new_run(uow, job, job->iteration, job->next_test, job->next_target, 1);
	advance_cursor(job);
	return run;
}

/* The first lease of an incarnation starts its clocks. */
void
plan_note_start(struct uow *uow, struct job *job)
{
	if (job->state != JOB_QUEUED && job->state != JOB_RESTARTING)
		return;
	job_move(job, JOB_STARTING);
	job->started_ms = uow->now_ms;
	int64_t since = job->incarnation == 1 ? job->created_ms : job->updated_ms;
	if (job->run_at_ms > since)
		since = job->run_at_ms;
	job->queued_ms = uow->now_ms > since ? uow->now_ms - since : 0;
	if (job->timeout_ms > 0)
		job->deadline_ms = uow->now_ms + job->timeout_ms;
	plan_event_starting(uow, job);
}

struct run *
plan_lease(
	struct uow *uow, struct lanes *lanes, struct job *job, const struct worker_row *worker)
{
	bool is_new;

	assert(job->ready);
	struct run *run = job->layout
		? plan_group_take(uow, job, lanes_lane(lanes, job->lane)->kind, worker, &is_new)
		: next_run(uow, job, &is_new);
	if (!run)
		return NULL;
	plan_note_start(uow, job);
	run_move(run, RUN_LEASED);
	run->fence++;
	run->worker = worker->id;
	run->event_n = 0;
	run->due_ms = 0;
	run->leased_ms = uow->now_ms;
	run->started_ms = 0;
	uow_touch_run(uow, run);
	job->running++;
	lanes_lease(lanes, uow, job);
	plan_event_run_leased(uow, job, run, is_new);
	plan_update(uow, lanes, job);
	return run;
}

void
plan_started(struct uow *uow, struct run *run)
{
	struct job *job = run->job;

	if (run->started_ms > 0)
		return;
	run->started_ms = uow->now_ms;
	uow_touch_run(uow, run);
	if (job->state == JOB_STARTING && run->incarnation == job->incarnation) {
		job_move(job, JOB_RUNNING);
		plan_event(uow, job, EV_JOB_STARTED);
		uow_touch_job(uow, job);
	}
}

/* ---- ending ---- */

static int64_t *
count_of(struct job_counts *counts, enum run_outcome outcome)
{
	switch (outcome) {
	case OUTCOME_PASSED:
		return &counts->passed;
	case OUTCOME_FAILED:
		return &counts->failed;
	case OUTCOME_ERRORED:
		return &counts->errored;
	case OUTCOME_TIMED_OUT:
		return &counts->timed_out;
	case OUTCOME_CANCELLED:
		return &counts->cancelled;
	case OUTCOME_SKIPPED:
		return &counts->skipped;
	case OUTCOME_NONE:
	case OUTCOME_COUNT:
		break;
	}
	assert(!"an ended run has an outcome");
	return NULL;
}

static bool
is_invalid(const struct run_result *result)
{
	return plan_says_invalid(result->outcome, result->reason);
}

/* What the job would be called if it ended now: a wrong product weighs more than a broken
 * environment. */
static void
note_reason(struct job *job, const struct run *run)
{
	if (job->state == JOB_STOPPING || job->reason == JOB_REASON_INVALID_DEFINITION)
		return;
	if (plan_says_invalid(run->outcome, run->reason))
		job->reason = JOB_REASON_INVALID_DEFINITION;
	else if (job->reason == JOB_REASON_TESTS_FAILED)
		return;
	else if (run->outcome == OUTCOME_FAILED || run->outcome == OUTCOME_TIMED_OUT)
		job->reason = JOB_REASON_TESTS_FAILED;
	else if (run->outcome == OUTCOME_ERRORED)
		job->reason = run->reason && strcmp(run->reason, "worker_lost") == 0
			? JOB_REASON_WORKER_LOST
			: JOB_REASON_RUNNER_ERROR;
}

static bool
is_failure(enum run_outcome outcome)
{
	return outcome == OUTCOME_FAILED || outcome == OUTCOME_ERRORED ||
		outcome == OUTCOME_TIMED_OUT;
}

void
plan_count_unit(struct uow *uow, struct job *job, const struct run *run)
{
	UOW_PUSH(uow, &uow->units, run);
	if (run->quarantine != 0) {
		struct quarantine_mark mark = {
			.entry = run->quarantine,
			.is_clean = run->outcome == OUTCOME_PASSED && run->attempt == 1,
		};
		UOW_PUSH(uow, &uow->quarantine_marks, mark);
	}
	if (run->quarantine != 0 && is_failure(run->outcome)) {
		job->counts.quarantined++;
		return;
	}
	(*count_of(&job->counts, run->outcome))++;
	if (run->outcome == OUTCOME_PASSED && run->attempt > 1)
		job->counts.flaky++;
	note_reason(job, run);
}

/* True when the unit is to be tried again after an attempt with this outcome. */
static bool
wants_again(const struct job *job, const struct run *run, enum run_outcome outcome)
{
	struct quarantine_tally tally = {
		.attempts = run->attempt,
		.passes = run->passes + (outcome == OUTCOME_PASSED),
		.last_passed = outcome == OUTCOME_PASSED,
	};

	if (job->quarantine.attempt_limit == 0)
		return retry_wanted(&job->retry, run->attempt, (int)outcome);
	return (tally.last_passed || is_failure(outcome)) &&
		quarantine_again(&job->quarantine, &tally);
}

static void
plan_retry(struct uow *uow, struct job *job, const struct run *run)
{
	int64_t delay_ms = retry_delay_ms(&job->retry, run->attempt, uow->rng);
	struct run *next = plan_new_run(
		uow, job, run->iteration, run->test, run->target, run->attempt + 1);

	next->due_ms = uow->now_ms + delay_ms;
	next->start_n = run->start_n;
	next->passes = run->passes + (run->outcome == OUTCOME_PASSED);
	job->waiting++;
	plan_event_run_created(uow, job, next);
}

/* The run leaves its worker. */
static void
release(const struct uow *uow, struct lanes *lanes, struct job *job)
{
	job->running--;
	lanes_release(lanes, job, uow->now_ms);
}

/* What a run of an earlier incarnation cost is no cost of the present one. */
static void
note_usage(struct run *run, const struct run_result *result)
{
	struct job *job = run->job;

	run->cpu_ms = result->cpu_ms;
	run->peak_kib = result->peak_kib;
	run->tokens = result->tokens;
	if (run->incarnation != job->incarnation)
		return;
	job->cpu_ms += run->cpu_ms;
	job->tokens += run->tokens;
	if (run->peak_kib > job->peak_kib)
		job->peak_kib = run->peak_kib;
}

void
plan_set_result(
	struct uow *uow, struct run *run, const struct run_result *result, enum run_state state)
{
	run_move(run, state);
	run->outcome = result->outcome;
	run->reason = result->reason;
	run->error = result->error;
	run->result = result->result;
	run->duration_ms = result->duration_ms;
	run->finished_ms = uow->now_ms;
	run->due_ms = 0;
	note_usage(run, result);
	uow_touch_run(uow, run);
}

void
plan_end(struct uow *uow, struct job *job, enum job_state state, enum job_reason reason)
{
	static const enum event_type events[JOB_STATE_COUNT] = {
		[JOB_COMPLETED] = EV_JOB_COMPLETED,
		[JOB_FAILED] = EV_JOB_FAILED,
		[JOB_STOPPED] = EV_JOB_STOPPED,
		[JOB_INVALID] = EV_JOB_INVALID,
	};

	job_move(job, state);
	job->reason = reason;
	job->completed_ms = uow->now_ms;
	if (job->unique_key && job->unique_until_ms == 0)
		job->unique_until_ms = -1;
	plan_event_end(uow, job, events[state]);
	UOW_PUSH(uow, &uow->ended, job);
}

void
plan_drop_waiting(struct uow *uow, struct job *job, bool counted)
{
	if (job->layout) {
		plan_group_drop_waiting(uow, job, counted);
		return;
	}
	for (struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->state != RUN_WAITING)
			continue;
		plan_set_result(uow, run, &(struct run_result) { .outcome = OUTCOME_CANCELLED },
			RUN_FINISHED);
		run->is_last = true;
		job->waiting--;
		if (counted)
			plan_count_unit(uow, job, run);
		plan_event_run_finished(uow, job, run);
	}
}

void
plan_stop_leased(struct uow *uow, struct job *job, const char *reason, bool all)
{
	for (struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->state != RUN_LEASED || (!all && plan_is_owed(job, run)))
			continue;
		struct signal signal = {
			.worker = run->worker,
			.run = run->id,
			.fence = run->fence,
			.kind = SIGNAL_STOP,
			.reason = reason,
		};
		UOW_PUSH(uow, &uow->signals, signal);
	}
}

/* Everything that was to be done is done. Units that were never started count as skipped. */
static void
complete(struct uow *uow, struct job *job)
{
	int64_t total = job_units_total(job);

	if (total > job_units_done(job))
		job->counts.skipped += total - job_units_done(job);
	if (job->state == JOB_STARTING)
		job_move(job, JOB_RUNNING);
	if (job->reason == JOB_REASON_INVALID_DEFINITION)
		plan_end(uow, job, JOB_INVALID, job->reason);
	else if (job->layout && job->grouping->hook_failed)
		plan_end(uow, job, JOB_FAILED,
			job_failures(job) > job->failures_to_ignore ? job->reason
								    : JOB_REASON_HOOK_FAILED);
	else if (job_failures(job) <= job->failures_to_ignore)
		plan_end(uow, job, JOB_COMPLETED, JOB_REASON_PASSED);
	else
		plan_end(uow, job, JOB_FAILED, job->reason);
}

void
plan_settle(struct uow *uow, struct job *job)
{
	if (job->running > 0)
		return;
	bool is_over = !job->layout || group_is_done(group_of(uow, job));
	if (job->state == JOB_STOPPING && is_over) {
		plan_end(uow, job, job->reason == JOB_REASON_TIMEOUT ? JOB_FAILED : JOB_STOPPED,
			job->reason);
		return;
	}
	if (!plan_is_active(job))
		return;
	if (!job->layout) {
		if (plan_is_halted(job))
			plan_drop_waiting(uow, job, true);
		is_over =
			job->waiting == 0 && (cursor_is_exhausted(job) || plan_is_halted(job));
	}
	if (is_over) {
		complete(uow, job);
	} else if (job->state == JOB_PAUSING) {
		job_move(job, JOB_PAUSED);
		if (job->deadline_ms > 0)
			job->deadline_ms = job->deadline_ms > uow->now_ms
				? job->deadline_ms - uow->now_ms
				: 1;
		plan_event(uow, job, EV_JOB_PAUSED);
	}
}

/* The run has its outcome: what it means for its unit, or for what its hook stands before. */
static void
end_run(struct uow *uow, struct job *job, struct run *run, const struct run_result *result)
{
	bool counts = run->incarnation == job->incarnation && !job_state_is_final(job->state);
	bool is_unit = run_is_unit(job, run);
	bool again = counts && is_unit && plan_is_active(job) && !is_invalid(result) &&
		wants_again(job, run, result->outcome) && !plan_is_halted(job);
	bool is_held = counts && is_unit && job->layout && !again;

	plan_set_result(uow, run, result, is_held ? RUN_HELD : RUN_FINISHED);
	run->is_last = !again;
	plan_event_run_finished(uow, job, run);
	if (is_held)
		plan_group_bound_error(uow, job, run);
	if (counts && is_unit && job->layout)
		plan_group_unit_ended(uow, job, run);
	if (again)
		plan_retry(uow, job, run);
	else if (counts && is_unit && !job->layout)
		plan_count_unit(uow, job, run);
	else if (counts && !is_unit)
		plan_group_hook_ended(uow, job, run);
}

void
plan_advance(struct uow *uow, struct job *job, bool shows_progress)
{
	if (job->layout)
		shows_progress = plan_group_step(uow, job) > 0;
	plan_settle(uow, job);
	if (shows_progress && plan_is_active(job) && job_units_total(job) != 1)
		plan_event_progress(uow, job);
}

/* A run has left its worker. */
static void
after_run(struct uow *uow, struct lanes *lanes, struct job *job, bool shows_progress)
{
	release(uow, lanes, job);
	plan_advance(uow, job, shows_progress);
	plan_update(uow, lanes, job);
}

void
plan_finish(
	struct uow *uow, struct lanes *lanes, struct run *run, const struct run_result *result)
{
	struct job *job = run->job;
	const char *ignored;

	assert(run->state == RUN_LEASED);
	if (result->outcome == OUTCOME_CANCELLED &&
		plan_directive(run, &ignored) == DIRECTIVE_NONE) {
		/* Nobody asked for it: its worker gave it back. */
		plan_lost(uow, lanes, run, true, NULL);
		return;
	}
	plan_started(uow, run);
	end_run(uow, job, run, result);
	after_run(uow, lanes, job, true);
}

/* Back to the front of the line. */
static void
restart_run(struct uow *uow, struct job *job, struct run *run, const char *reason)
{
	run_move(run, RUN_WAITING);
	run->due_ms = uow->now_ms;
	uow_touch_run(uow, run);
	job->waiting++;
	plan_event_run_restarted(uow, job, run, reason);
}

/* The error of a run that is lost for good. */
static const char *
loss_error(const char *reason)
{
	static_assert(RUN_LOSSES_MAX == 3, "the texts say so");

	if (strcmp(reason, "worker_lost") == 0)
		return "{\"message\":\"The worker that carried out this run was lost.\"}";
	if (strcmp(reason, "browser_disconnected") == 0)
		return "{\"message\":\"The browser died under this run. The third loss ends a run.\"}";
	return "{\"message\":\"The runner was lost under this run. The third loss ends a run.\"}";
}

void
plan_lost(
	struct uow *uow, struct lanes *lanes, struct run *run, bool is_loss, const char *reason)
{
	struct job *job = run->job;
	const char *ignored;
	bool is_current = plan_directive(run, &ignored) == DIRECTIVE_NONE;

	assert(run->state == RUN_LEASED);
	if (!reason)
		reason = is_loss ? "worker_lost" : "lease_not_received";
	if (is_loss) {
		run->losses++;
		plan_event_run_lost(uow, job, run, reason);
	}
	if (job->layout)
		plan_group_run_lost(uow, job, run);
	if (is_current && run->losses < RUN_LOSSES_MAX)
		restart_run(uow, job, run, reason);
	else
		end_run(uow, job, run,
			&(struct run_result) {
				.outcome = is_current ? OUTCOME_ERRORED : OUTCOME_CANCELLED,
				.reason = reason,
				.error = loss_error(reason),
			});
	after_run(uow, lanes, job, false);
}

bool
plan_is_owed(const struct job *job, const struct run *run)
{
	return job->layout && run->start_n == START_N_AFTER_HOOK &&
		run->incarnation == job->incarnation && !job_state_is_final(job->state) &&
		job->state != JOB_RESTARTING && job->reason != JOB_REASON_CANCELLED &&
		job->reason != JOB_REASON_SUPERSEDED;
}

enum directive
plan_directive(const struct run *run, const char **ret_reason)
{
	const struct job *job = run->job;

	*ret_reason = NULL;
	if (plan_is_owed(job, run))
		return DIRECTIVE_NONE;
	if (run->incarnation == job->incarnation && plan_is_active(job)) {
		if (!job->cancel_on_first_failure || !plan_is_halted(job))
			return DIRECTIVE_NONE;
		*ret_reason = "first_failure";
		return DIRECTIVE_STOP;
	}
	*ret_reason = job->state == JOB_STOPPING ? job_reason_name(job->reason) : "restarted";
	return DIRECTIVE_STOP;
}
