/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A grouped job's life, as far as workers take part in it: taking runs, and what their ends
 * mean (docs/protocol/browser-jobs.md, 3 and 4). The rest is in plan_group_step.c.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/plan_impl.h"
#include "core/report_read.h"

/* ---- taking a run ---- */

static struct group *
group_of_run(struct uow *uow, struct job *job, const struct run *run)
{
	return &group_of(uow, job)->groups[run->target];
}

/* True when units may be started; else only what is owed. */
static bool
starts_units(const struct uow *uow, const struct job *job)
{
	return plan_may_start(uow, job) && !plan_is_halted(job);
}

/* True when anything at all may be started. */
static bool
starts_hooks(const struct uow *uow, const struct job *job)
{
	return plan_may_start(uow, job) || job->state == JOB_STOPPING;
}

bool
plan_group_begins_idle(const struct uow *uow, const struct job *job)
{
	return job->grouping->layout.n_live == 0 && job->started_ms == 0 &&
		plan_may_start(uow, job);
}

/* That of the group that is furthest behind. */
static int64_t
iteration_of(const struct grouping *grouping)
{
	int64_t iteration = grouping->groups[0].iteration;

	for (int32_t i = 1; i < grouping->n_groups; i++) {
		if (grouping->groups[i].iteration < iteration)
			iteration = grouping->groups[i].iteration;
	}
	return iteration;
}

int32_t
plan_group_next_test(struct uow *uow, struct job *job)
{
	struct grouping *grouping = group_of(uow, job);
	struct group_ask ask = { .now_ms = uow->now_ms,
		.starts_units = starts_units(uow, job) };
	struct candidate candidate;
	int64_t until_ms = 0;
	bool is_final = job_state_is_final(job->state);
	bool found = !is_final && starts_hooks(uow, job) &&
		group_next(job, grouping, &ask, &candidate, &until_ms);

	job->due_ms = 0;
	if (plan_takes_runs(job))
		(void)plan_first_due(job, uow->now_ms, &job->due_ms);
	if (found && until_ms > uow->now_ms)
		job->due_ms = plan_earlier(job->due_ms, until_ms);
	if (!is_final && job->state != JOB_PAUSED &&
		(grouping->has_more || plan_group_begins_idle(uow, job)))
		job->due_ms = uow->now_ms;
	job->iteration = iteration_of(grouping);
	grouping->is_changed = true;
	return found ? candidate.test : -1;
}

void
plan_group_add_unit(struct uow *uow, struct job *job, int32_t target, int32_t test,
	const struct run_result *result)
{
	struct group *group = &group_of(uow, job)->groups[target];
	struct run *run = plan_new_run(uow, job, group->iteration, test, target, 1);

	run->start_n = group->next_start_n++;
	plan_event_run_created(uow, job, run);
	plan_set_result(uow, run, result, RUN_HELD);
	run->is_last = true;
	plan_event_run_finished(uow, job, run);
}

const struct run_result plan_skipped_result = { .outcome = OUTCOME_SKIPPED,
	.reason = "skipped" };

/* The test at the cursor of its fixture; what is skipped before it ends here. */
static struct run *
take_test(struct uow *uow, struct job *job, struct group *group,
	const struct candidate *candidate)
{
	const struct layout *layout = &job->grouping->layout;
	struct open_fixture *open =
		group_open_fixture(group, layout_fixture_of(layout, candidate->test));

	for (; open->next < candidate->test; open->next++)
		plan_group_add_unit(
			uow, job, candidate->group, open->next, &plan_skipped_result);
	open->next = candidate->test + 1;
	job->grouping->has_more = job->grouping->has_more ||
		group_live_test(job->grouping, open) - open->next > GROUP_STEP_MAX;

	struct run *run =
		plan_new_run(uow, job, group->iteration, candidate->test, candidate->group, 1);
	run->start_n = group->next_start_n++;
	return run;
}

static struct run *
take_hook(struct uow *uow, struct job *job, struct group *group,
	const struct candidate *candidate)
{
	struct run *run =
		plan_new_run(uow, job, group->iteration, candidate->test, candidate->group, 1);
	bool is_after = candidate->role == RUN_ROLE_AFTER_FIXTURE ||
		candidate->role == RUN_ROLE_AFTER_JOB;

	run->start_n = is_after ? START_N_AFTER_HOOK : START_N_BEFORE_HOOK;
	return run;
}

/* Notes in the plan that the candidate's run is being leased. */
static void
note_taken(struct uow *uow, struct group *group, const struct layout *layout,
	const struct candidate *candidate, const struct worker_row *worker)
{
	int32_t fixture;
	enum run_role role = layout_role(layout, candidate->test, &fixture);
	struct open_fixture *open = fixture < 0 ? NULL : group_open_fixture(group, fixture);

	group->has_begun = true;
	if (role == RUN_ROLE_BEFORE_JOB)
		group->phase = GROUP_BEFORE;
	if (role == RUN_ROLE_AFTER_JOB)
		group->is_hook_running = true;
	if (!open)
		return;
	open->has_begun = true;
	if (role == RUN_ROLE_BEFORE_FIXTURE)
		open->phase = FIXTURE_BEFORE;
	if (role == RUN_ROLE_AFTER_FIXTURE)
		open->is_hook_running = true;
	if (layout->fixtures[fixture].mode != FIXTURE_SHARED) {
		open->connection = candidate->connection;
		open->worker = worker->id;
		open->seen_ms = uow->now_ms;
	}
}

struct run *
plan_group_take(struct uow *uow, struct job *job, const char *kind,
	const struct worker_row *worker, bool *ret_is_new)
{
	struct grouping *grouping = group_of(uow, job);
	struct group_ask ask = {
		.worker = worker,
		.kind = kind,
		.now_ms = uow->now_ms,
		.starts_units = starts_units(uow, job),
	};
	struct candidate candidate;
	int64_t ignored;

	if (!group_next(job, grouping, &ask, &candidate, &ignored))
		return NULL;
	struct group *group = &grouping->groups[candidate.group];
	struct run *run = candidate.waiting;
	if (candidate.opens > group->next_fixture)
		grouping->has_more = true; /* those before it have only skipped tests */
	while (candidate.opens >= group->next_fixture)
		(void)group_open(uow, grouping, group, group->next_fixture);
	*ret_is_new = !run;
	if (run)
		job->waiting--;
	else if (candidate.role == RUN_ROLE_TEST)
		run = take_test(uow, job, group, &candidate);
	else
		run = take_hook(uow, job, group, &candidate);
	for (int32_t i = 0; i < grouping->n_groups; i++)
		grouping->has_more = grouping->has_more ||
			group_opens_without_run(grouping, &grouping->groups[i]);
	run->connection = candidate.connection;
	note_taken(uow, group, &grouping->layout, &candidate, worker);
	return run;
}

/* ---- the end of a run ---- */

/* {"message": the beginning of its message} */
static const char *
short_error(struct uow *uow, const char *error)
{
	_cleanup_(json_unrefp) json_t *tree = json_loads(error, 0, NULL);
	const char *message = json_string_value(json_object_get(tree, "message"));
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(HELD_ERROR_BYTES_MAX * 8);
	struct jw jw;

	if (!message)
		message = "The error was too long.";
	jw_init(&jw, &out);
	jw_obj(&jw);
	jw_kstrn(&jw, "message", message, utf8_cut_len(message, HELD_ERROR_BYTES_MAX));
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return NULL;
	char *copy = arena_xalloc(uow->arena, out.len + 1);
	memcpy(copy, out.data, out.len);
	return copy;
}

void
plan_group_bound_error(struct uow *uow, struct job *job, struct run *run)
{
	struct group_load load = { 0 };

	if (!run->error || strlen(run->error) <= HELD_ERROR_BYTES_MAX)
		return;
	for (const struct run *other = job->open_runs; other; other = other->job_next) {
		if (other->incarnation == job->incarnation && other->target == run->target)
			group_load_add(&load, other);
	}
	if (load.bytes > 2 * group_bytes_max(job))
		run->error = short_error(uow, run->error);
}

void
plan_group_unit_ended(struct uow *uow, struct job *job, const struct run *run)
{
	struct group *group = group_of_run(uow, job, run);
	struct open_fixture *open =
		group_open_fixture(group, layout_fixture_of(&job->grouping->layout, run->test));

	if (!open)
		return;
	if (run->is_last)
		open->last_run = run->seq;
	open->seen_ms = uow->now_ms;
}

void
plan_group_run_lost(struct uow *uow, struct job *job, const struct run *run)
{
	int32_t fixture;
	struct group *group = group_of_run(uow, job, run);

	(void)layout_role(&job->grouping->layout, run->test, &fixture);
	struct open_fixture *open = fixture < 0 ? NULL : group_open_fixture(group, fixture);
	if (open) /* its connection is replaced, on whatever worker */
		open->worker = (struct worker_id) { 0 };
}

/* "The before hook of fixture "Checkout" failed: …" as a JSON error. */
static const char *
hook_error(struct uow *uow, const char *hook, const char *fixture, const struct run *run)
{
	_cleanup_(json_unrefp) json_t *tree =
		run->error ? json_loads(run->error, 0, NULL) : NULL;
	const char *message = json_string_value(json_object_get(tree, "message"));
	char of[NAME_BYTES_MAX + 32] = "the job";
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(HOOK_ERROR_BYTES_MAX * 8);
	struct jw jw;

	if (fixture)
		(void)snprintf(of, sizeof of, "fixture \"%.*s\"", NAME_BYTES_MAX, fixture);
	_cleanup_free_ char *text = xasprintf("The %s hook of %s %s: %s", hook, of,
		run->outcome == OUTCOME_FAILED ? "failed" : "could not be carried out",
		message ? message : run_outcome_name(run->outcome));
	jw_init(&jw, &out);
	jw_obj(&jw);
	jw_kstrn(&jw, "message", text, utf8_cut_len(text, HOOK_ERROR_BYTES_MAX));
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return "{\"message\":\"A hook failed.\"}";
	char *copy = arena_xalloc(uow->arena, out.len + 1);
	memcpy(copy, out.data, out.len);
	return copy;
}

/* The unit's own error with the hook's behind it. */
static const char *
join_errors(struct uow *uow, const char *own, const char *hook)
{
	_cleanup_(json_unrefp) json_t *tree = own ? json_loads(own, 0, NULL) : NULL;
	_cleanup_(json_unrefp) json_t *more = json_loads(hook, 0, NULL);
	const char *message = json_string_value(json_object_get(tree, "message"));
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(RUN_ERROR_BYTES_MAX * 2);
	struct jw jw;

	if (!message)
		return hook;
	_cleanup_free_ char *both = xasprintf(
		"%s\n%s", message, json_string_value(json_object_get(more, "message")));
	(void)json_object_set_new(tree, "message", json_string(both));
	jw_init(&jw, &out);
	jw_tree(&jw, tree);
	if (jw_done(&jw) < 0)
		return own;
	char *copy = arena_xalloc(uow->arena, out.len + 1);
	memcpy(copy, out.data, out.len);
	return copy;
}

static struct run *
held_run(const struct job *job, int64_t seq)
{
	for (struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->seq == seq && run->state == RUN_HELD)
			return run;
	}
	return NULL;
}

/* An after hook failed: the unit that ended last answers for it, or else the job. */
static void
blame(struct uow *uow, struct job *job, int64_t last_run, const struct run *hook,
	const char *error)
{
	struct run *run = held_run(job, last_run);

	if (!run || run->outcome == OUTCOME_SKIPPED || run->outcome == OUTCOME_CANCELLED) {
		job->grouping->hook_failed = true;
		return;
	}
	run->error = join_errors(uow, run->error, error);
	if (run->outcome == OUTCOME_PASSED) {
		run->outcome = hook->outcome;
		run->reason = "after_hook";
	}
	uow_touch_run(uow, run);
}

static void
before_job_ended(struct uow *uow, struct group *group, const struct run *run, bool failed)
{
	group->phase = GROUP_TESTS;
	if (run->outcome == OUTCOME_PASSED) {
		group->before_run = run->seq;
	} else if (failed) {
		group->failed = run->outcome;
		group->error = hook_error(uow, "before", NULL, run);
	}
}

static void
before_fixture_ended(struct uow *uow, struct open_fixture *open, const char *name,
	const struct run *run, bool failed)
{
	open->phase = FIXTURE_TESTS;
	open->seen_ms = uow->now_ms;
	if (run->outcome == OUTCOME_PASSED) {
		open->before_run = run->seq;
	} else if (failed) {
		open->failed = run->outcome;
		open->error = hook_error(uow, "before", name, run);
	}
}

void
plan_group_hook_ended(struct uow *uow, struct job *job, const struct run *run)
{
	struct group *group = group_of_run(uow, job, run);
	const struct layout *layout = &job->grouping->layout;
	bool failed = run->outcome == OUTCOME_FAILED || run->outcome == OUTCOME_ERRORED ||
		run->outcome == OUTCOME_TIMED_OUT;
	int32_t fixture;
	enum run_role role = layout_role(layout, run->test, &fixture);
	struct open_fixture *open = fixture < 0 ? NULL : group_open_fixture(group, fixture);
	const char *name = fixture < 0 ? NULL : layout->fixtures[fixture].name;

	if (plan_says_invalid(run->outcome, run->reason) && job->state != JOB_STOPPING)
		job->reason = JOB_REASON_INVALID_DEFINITION;
	if (role == RUN_ROLE_BEFORE_JOB) {
		before_job_ended(uow, group, run, failed);
	} else if (role == RUN_ROLE_BEFORE_FIXTURE && open) {
		before_fixture_ended(uow, open, name, run, failed);
	} else if (role == RUN_ROLE_AFTER_FIXTURE && open) {
		if (failed)
			blame(uow, job, open->last_run, run,
				hook_error(uow, "after", name, run));
		group_close(group, open);
	} else if (role == RUN_ROLE_AFTER_JOB) {
		if (failed)
			job->grouping->hook_failed = true;
		group->phase = GROUP_DONE;
	}
}
