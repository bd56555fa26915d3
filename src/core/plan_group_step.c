/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What follows in a grouped job without a worker: units that end without a run, fixtures and
 * groups that come to their end, results that are released (docs/protocol/browser-jobs.md, 4
 * to 6). A step does as much as one turn should; job->grouping->has_more asks for another.
 */
#include <string.h>

#include "base/limits.h"
#include "core/plan_impl.h"

/* One step of one job: what is common to its groups. */
struct step {
	struct uow *uow;
	struct job *job;
	struct grouping *grouping;
	bool stops;             /* nothing new is begun */
	bool no_hooks;          /* not even what is owed */
	int budget;             /* units that may still end without a run */
	struct group_load load; /* of the group */
};

/* A run of these tests that is leased or waits. */
static bool
has_open_run(const struct job *job, int32_t target, int32_t first, int32_t n)
{
	for (const struct run *run = job->open_runs; run; run = run->job_next) {
		if ((run->state == RUN_LEASED || run->state == RUN_WAITING) &&
			run->incarnation == job->incarnation && run->target == target &&
			run->test >= first && run->test < first + n)
			return true;
	}
	return false;
}

/*
 * The group is full, so what ends here waits for a release, unless the release may itself wait
 * for it: when all that is left of the fixture is skipped, its after hook comes next.
 */
static bool
waits_for_release(const struct step *step, int32_t target, const struct open_fixture *open)
{
	const struct fixture_spec *spec = &step->grouping->layout.fixtures[open->fixture];

	return group_is_full(step->job, &step->load) &&
		(group_live_test(step->grouping, open) >= 0 ||
			has_open_run(step->job, target, spec->first, spec->n_tests));
}

/* Units of the fixture that need no run, up to the next test that does. */
static void
end_units(struct step *step, int32_t target, struct open_fixture *open)
{
	const struct layout *layout = &step->grouping->layout;
	const struct fixture_spec *spec = &layout->fixtures[open->fixture];
	const struct run_result failed = {
		.outcome = open->failed,
		.reason = "before_hook",
		.error = open->error,
	};

	for (; open->next < spec->first + spec->n_tests; open->next++) {
		bool skips = layout->skip[open->next];
		if (!skips && open->failed == OUTCOME_NONE)
			return;
		if (waits_for_release(step, target, open))
			return; /* their release lets the group go on */
		if (step->budget <= 0) {
			step->grouping->has_more = true;
			return;
		}
		step->budget--;
		step->load.n_begun++;
		if (!skips && open->error)
			step->load.bytes += (int64_t)strlen(open->error);
		plan_group_add_unit(step->uow, step->job, target, open->next,
			skips ? &plan_skipped_result : &failed);
		if (!skips)
			open->last_run = step->uow->next_run_seq - 1;
	}
}

/* True when the fixture is over and closed. */
static bool
step_fixture(struct step *step, int32_t target, struct open_fixture *open)
{
	struct group *group = &step->grouping->groups[target];
	const struct fixture_spec *spec = &step->grouping->layout.fixtures[open->fixture];

	if (open->phase == FIXTURE_BEFORE) {
		if (!step->stops || has_open_run(step->job, target, spec->before, 1))
			return false;
		open->phase = FIXTURE_TESTS; /* the hook was dropped */
	}
	if (open->phase == FIXTURE_TESTS) {
		if (!step->stops)
			end_units(step, target, open);
		if (!step->stops && open->next < spec->first + spec->n_tests)
			return false;
		if (open->is_busy)
			return false;
		open->phase = FIXTURE_AFTER;
		open->is_hook_running = false;
	}
	bool owes = spec->after >= 0 && open->has_begun && !step->no_hooks;
	if (owes || (spec->after >= 0 && has_open_run(step->job, target, spec->after, 1)))
		return false;
	group_close(group, open);
	return true;
}

static void
step_fixtures(struct step *step, int32_t target)
{
	struct group *group = &step->grouping->groups[target];

	for (int32_t i = 0; i < group->n_open;) {
		if (!step_fixture(step, target, &group->open[i]))
			i++;
	}
}

/* Opens the next fixture when that does not wait for a run of it. True when it did. */
static bool
open_idle(struct step *step, struct group *group)
{
	if (step->stops || group_is_full(step->job, &step->load) ||
		!group_opens_without_run(step->grouping, group))
		return false;
	if (step->budget <= 0) {
		step->grouping->has_more = true;
		return false;
	}
	(void)group_open(step->uow, step->grouping, group, group->next_fixture);
	return true;
}

static bool
has_next_iteration(const struct step *step, const struct group *group)
{
	const struct job *job = step->job;

	return !step->stops && group->failed == OUTCOME_NONE &&
		step->grouping->layout.n_live > 0 &&
		(job->iterations == 0 || group->iteration < job->iterations);
}

/* The group's tests, as far as no worker is needed. True when its phase changed. */
static bool
step_tests(struct step *step, int32_t target)
{
	struct group *group = &step->grouping->groups[target];

	do {
		step_fixtures(step, target);
	} while (open_idle(step, group));
	if (group->n_open > 0 ||
		(!step->stops && group->next_fixture < step->grouping->layout.n_fixtures))
		return false;
	if (has_next_iteration(step, group)) {
		group->iteration++;
		group->next_fixture = 0;
		return true;
	}
	group->phase = GROUP_AFTER;
	return true;
}

/* True when the group's phase changed. */
static bool
step_group(struct step *step, int32_t target)
{
	struct group *group = &step->grouping->groups[target];
	const struct layout *layout = &step->grouping->layout;

	switch (group->phase) {
	case GROUP_NEW:
		if (!step->stops)
			return false;
		group->phase = GROUP_DONE;
		return true;
	case GROUP_BEFORE:
		if (!step->stops || has_open_run(step->job, target, layout->before, 1))
			return false;
		group->phase = GROUP_TESTS; /* the hook was dropped */
		return true;
	case GROUP_TESTS:
		return step_tests(step, target);
	case GROUP_AFTER:
		if (layout->after >= 0 &&
			((group->has_begun && !step->no_hooks) ||
				has_open_run(step->job, target, layout->after, 1)))
			return false;
		group->phase = GROUP_DONE;
		return true;
	case GROUP_DONE:
	case GROUP_PHASE_COUNT:
		break;
	}
	return false;
}

/* ---- release ---- */

/* The unit of the group that was started first and is not released, or NULL. */
static struct run *
first_unit(const struct job *job, int32_t target)
{
	struct run *first = NULL;

	for (struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->state == RUN_FINISHED || run->incarnation != job->incarnation ||
			run->target != target || !run_is_unit(job, run))
			continue;
		if (!first || run->start_n < first->start_n)
			first = run;
	}
	return first;
}

/* The unit that its fixture's after hook may still fail: it ended last, all that can follow it
 * in the fixture is skipped. */
static bool
waits_for_after_hook(
	const struct job *job, const struct grouping *grouping, const struct run *run)
{
	struct group *group = &grouping->groups[run->target];
	const struct open_fixture *open =
		group_open_fixture(group, layout_fixture_of(&grouping->layout, run->test));

	if (!open || open->last_run != run->seq)
		return false;
	const struct fixture_spec *spec = &grouping->layout.fixtures[open->fixture];
	return open->phase == FIXTURE_AFTER ||
		(spec->after >= 0 && group_live_test(grouping, open) < 0 &&
			!has_open_run(job, run->target, spec->first, spec->n_tests));
}

static int64_t
release_group(struct uow *uow, struct job *job, int32_t target)
{
	int64_t n = 0;

	for (;;) {
		struct run *run = first_unit(job, target);
		if (!run || run->state != RUN_HELD ||
			waits_for_after_hook(job, job->grouping, run))
			return n;
		run_move(run, RUN_FINISHED);
		uow_touch_run(uow, run);
		plan_event_run_released(uow, job, run);
		plan_count_unit(uow, job, run);
		n++;
	}
}

static struct group_load
load_of(const struct job *job, int32_t target)
{
	struct group_load load = { 0 };

	for (const struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->incarnation == job->incarnation && run->target == target)
			group_load_add(&load, run);
	}
	return load;
}

/* Returns how many units of the group were released. */
static int64_t
work_group(struct step *step, int32_t target)
{
	int64_t n = 0, released;

	do {
		step->load = load_of(step->job, target);
		while (step_group(step, target)) {
		}
		released = release_group(step->uow, step->job, target);
		n += released;
	} while (released > 0);
	return n;
}

static void
begin_idle(struct uow *uow, struct job *job)
{
	plan_note_start(uow, job);
	job_move(job, JOB_RUNNING);
	plan_event(uow, job, EV_JOB_STARTED);
}

/* The job is being ended and no worker has come for its hooks. */
static bool
hooks_are_overdue(const struct uow *uow, const struct job *job)
{
	return job->state == JOB_STOPPING && job->deadline_ms > 0 &&
		job->deadline_ms <= uow->now_ms;
}

/* Ends a waiting run as cancelled. */
static void
drop(struct uow *uow, struct job *job, struct run *run, bool is_held)
{
	static const struct run_result cancelled = { .outcome = OUTCOME_CANCELLED };

	job->waiting--;
	plan_set_result(uow, run, &cancelled, is_held ? RUN_HELD : RUN_FINISHED);
	run->is_last = true;
	plan_event_run_finished(uow, job, run);
}

/* Hooks that wait, also those that are owed. */
static void
drop_hooks(struct uow *uow, struct job *job)
{
	for (struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->state == RUN_WAITING && !run_is_unit(job, run))
			drop(uow, job, run, false);
	}
}

/* What becomes of runs when nothing new is begun any more, besides a command's own work. */
static void
end_runs(struct step *step)
{
	if (step->job->state != JOB_STOPPING) {
		plan_group_drop_waiting(step->uow, step->job, true);
		if (step->job->cancel_on_first_failure)
			plan_stop_leased(step->uow, step->job, "first_failure", false);
	} else if (step->no_hooks) {
		drop_hooks(step->uow, step->job);
	}
}

/* With one walk for all fixtures; the step itself leases nothing and lets nothing wait. */
static void
mark_busy(const struct job *job, struct grouping *grouping)
{
	for (int32_t i = 0; i < grouping->n_groups; i++) {
		for (int32_t k = 0; k < grouping->groups[i].n_open; k++)
			grouping->groups[i].open[k].is_busy = false;
	}
	for (const struct run *run = job->open_runs; run; run = run->job_next) {
		if ((run->state != RUN_LEASED && run->state != RUN_WAITING) ||
			run->incarnation != job->incarnation || !run_is_unit(job, run))
			continue;
		struct open_fixture *open = group_open_fixture(&grouping->groups[run->target],
			layout_fixture_of(&grouping->layout, run->test));
		if (open)
			open->is_busy = true;
	}
}

int64_t
plan_group_step(struct uow *uow, struct job *job)
{
	struct grouping *grouping = group_of(uow, job);
	bool is_ending = job->state == JOB_STOPPING;
	struct step step = { uow, job, grouping, .budget = GROUP_STEP_MAX };
	int64_t n = 0;

	if (job_state_is_final(job->state) || job->state == JOB_PAUSED)
		return 0;
	if (plan_group_begins_idle(uow, job))
		begin_idle(uow, job);
	if (job->started_ms == 0 && !is_ending)
		return 0;
	grouping->has_more = false;
	step.no_hooks = is_ending &&
		(job->reason == JOB_REASON_CANCELLED || hooks_are_overdue(uow, job));
	do { /* once more when what a before hook failed is enough to halt the job */
		step.stops = is_ending || plan_is_halted(job);
		if (step.stops)
			end_runs(&step);
		mark_busy(job, grouping);
		for (int32_t i = 0; i < grouping->n_groups; i++)
			n += work_group(&step, i);
	} while (!step.stops && plan_is_halted(job));
	return n;
}

void
plan_group_drop_waiting(struct uow *uow, struct job *job, bool counted)
{
	(void)group_of(uow, job);
	for (struct run *run = job->open_runs; run; run = run->job_next) {
		bool counts = counted && run->incarnation == job->incarnation;

		if (run->state == RUN_HELD && !counts) {
			run_move(run, RUN_FINISHED); /* of an incarnation that is over */
			uow_touch_run(uow, run);
		}
		if (run->state != RUN_WAITING || (counts && plan_is_owed(job, run)))
			continue;
		drop(uow, job, run, counts && run_is_unit(job, run));
		if (run->state == RUN_HELD)
			plan_group_unit_ended(uow, job, run);
	}
}
