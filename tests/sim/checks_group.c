/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A grouped job's life as its events tell it, checked against docs/protocol/browser-jobs.md.
 *
 * The events are replayed in order. All that is known beforehand is the specification and which
 * unit each run belongs to; who runs where, what has ended and what was released follows from
 * the events. None of the plan's own functions is used.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "sim.h"

enum { GROUPS = 3, FIXTURES = 4, CONNECTIONS = 3 };

/* A fixture in its group's present iteration. */
struct fixture_life {
	int32_t connection; /* of a fixture that keeps to one */
	int32_t n_leased;
	bool has_begun, before_ended, before_failed, after_failed;
	int32_t n_after; /* after hooks that began, and that ended */
	int32_t n_after_ended;
	const struct run *ended_last; /* unit that was begun */
	int32_t n_units_open;         /* that have begun a run and are not final */
};

struct group_life {
	int64_t iteration;
	struct fixture_life fixture[FIXTURES];
	bool busy[CONNECTIONS + 1];
	int32_t n_leased;
	bool has_begun, before_ended, before_failed, after_failed;
	int32_t n_after, n_after_ended;
	int64_t n_started, n_released; /* units; numbered in the order they were started */
};

/* What is known of a run. */
struct run_life {
	const struct run *run;
	int32_t connection; /* while it is leased; else 0 */
	bool has_ended;
	int64_t order; /* of its unit, from 1; on the unit's first run */
	bool is_released;
};

struct replay {
	const struct group_facts *facts;
	struct run_life *runs; /* beside facts->runs */
	struct map by_id;      /* struct run_id → struct run_life */
	struct group_life group[GROUPS];
	int32_t incarnation;
	int32_t n_leased; /* of any incarnation */
	int64_t n_units;  /* that have their final outcome, in this incarnation */
	bool is_over, was_ended_early;
};

#define BROKEN(replay, fmt, ...) \
	sim_fail((replay)->facts->world, "job %s: " fmt, (replay)->facts->key, ##__VA_ARGS__)

/* ---- whose run it is ---- */

static bool
is_unit(const struct replay *replay, const struct run *run)
{
	return run->test < (int32_t)replay->facts->spec->n_tests;
}

/* The fixture of a unit or of a fixture's hook; -1: a hook of the job. */
static int
fixture_of(const struct replay *replay, const struct run *run)
{
	const struct job_spec *spec = replay->facts->spec;

	for (size_t i = 0; i < spec->n_fixtures; i++) {
		const struct fixture_spec *fixture = &spec->fixtures[i];
		if (run->test == fixture->before || run->test == fixture->after ||
			(run->test >= fixture->first &&
				run->test < fixture->first + fixture->n_tests))
			return (int)i;
	}
	return -1;
}

static const struct fixture_spec *
spec_of(const struct replay *replay, const struct run *run)
{
	int fixture = fixture_of(replay, run);

	return fixture < 0 ? NULL : &replay->facts->spec->fixtures[fixture];
}

static struct fixture_life *
life_of(struct replay *replay, const struct run *run)
{
	int fixture = fixture_of(replay, run);

	return fixture < 0 ? NULL : &replay->group[run->target].fixture[fixture];
}

/* The first run of the unit that this one is an attempt at. */
static struct run_life *
unit_of(struct replay *replay, const struct run *run)
{
	for (size_t i = 0; i < replay->facts->n_runs; i++) {
		const struct run *other = &replay->facts->runs[i];
		if (other->attempt == 1 && other->incarnation == run->incarnation &&
			other->iteration == run->iteration && other->test == run->test &&
			other->target == run->target)
			return &replay->runs[i];
	}
	BROKEN(replay, "a unit has no first attempt");
}

static bool
fails(enum run_outcome outcome)
{
	return outcome == OUTCOME_FAILED || outcome == OUTCOME_ERRORED ||
		outcome == OUTCOME_TIMED_OUT;
}

/* ---- the beginning of a run ---- */

static void
check_isolation(struct replay *replay, const struct run *run)
{
	const struct fixture_spec *own = spec_of(replay, run);

	if (own && own->mode == FIXTURE_ISOLATED && replay->n_leased > 0)
		BROKEN(replay, "an isolated fixture begins a run beside another");
	for (size_t i = 0; i < replay->facts->n_runs; i++) {
		const struct run_life *other = &replay->runs[i];
		const struct fixture_spec *spec =
			other->connection > 0 ? spec_of(replay, other->run) : NULL;
		if (spec && spec->mode == FIXTURE_ISOLATED)
			BROKEN(replay, "a run begins beside an isolated fixture");
	}
	/* Also between two runs of it. */
	for (size_t g = 0; g < replay->facts->spec->n_targets; g++) {
		for (size_t f = 0; f < replay->facts->spec->n_fixtures; f++) {
			const struct fixture_spec *spec = &replay->facts->spec->fixtures[f];
			const struct fixture_life *life = &replay->group[g].fixture[f];
			bool is_open = life->has_begun && spec->after >= 0 &&
				life->n_after_ended == 0 && !replay->was_ended_early;
			if (own && own->mode == FIXTURE_ISOLATED && spec != own &&
				life->n_units_open > 0)
				BROKEN(replay,
					"an isolated fixture runs while a test is to be repeated");
			if (spec->mode == FIXTURE_ISOLATED && is_open &&
				(spec != own || (int32_t)g != run->target))
				BROKEN(replay,
					"a run begins while an isolated fixture is open");
		}
	}
}

static void
check_fixture_rules(struct replay *replay, const struct run *run, int32_t connection)
{
	const struct fixture_spec *spec = spec_of(replay, run);
	struct fixture_life *life = life_of(replay, run);

	if (!spec || !life)
		return; /* a hook of the job */
	if (life->n_after > 0 && run->test != spec->after)
		BROKEN(replay, "a run of a fixture begins after its after hook did");
	if (run->test == spec->after && life->n_leased > 0)
		BROKEN(replay, "an after hook begins while its fixture runs");
	if (is_unit(replay, run) && spec->before >= 0 && !life->before_ended)
		BROKEN(replay, "a test begins before the before hook of its fixture ended");
	if (is_unit(replay, run) && life->before_failed)
		BROKEN(replay, "a test begins though the before hook of its fixture failed");
	if (spec->mode == FIXTURE_SHARED)
		return;
	if (life->n_leased > 0)
		BROKEN(replay, "two runs of a serial fixture at once");
	if (is_unit(replay, run) && unit_of(replay, run)->order == 0 && life->n_units_open > 0)
		BROKEN(replay, "a test of a serial fixture begins before the last one is over");
	if (life->connection != 0 && life->connection != connection)
		BROKEN(replay, "a serial fixture goes from connection %d to %d",
			(int)life->connection, (int)connection);
	life->connection = connection;
}

static void
check_group_rules(struct replay *replay, const struct run *run)
{
	const struct job_spec *spec = replay->facts->spec;
	struct group_life *group = &replay->group[run->target];
	bool is_before = run->test == spec->before, is_after = run->test == spec->after;

	if (run->iteration < group->iteration)
		BROKEN(replay, "iteration %lld after %lld", (long long)run->iteration,
			(long long)group->iteration);
	if (run->iteration > group->iteration + 1)
		BROKEN(replay, "iteration %lld after %lld", (long long)run->iteration,
			(long long)group->iteration);
	if (run->iteration > group->iteration) {
		if (group->n_leased > 0)
			BROKEN(replay, "an iteration begins while the last one runs");
		memset(group->fixture, 0, sizeof group->fixture);
		group->iteration = run->iteration;
	}
	if (is_before && group->has_begun && group->before_ended)
		BROKEN(replay, "the job's before hook begins again");
	if (!is_before && !is_after && spec->before >= 0 && !group->before_ended)
		BROKEN(replay, "a run begins before the job's before hook ended");
	if (!is_before && !is_after && group->before_failed)
		BROKEN(replay, "a run begins though the job's before hook failed");
	if (group->n_after > 0 && !is_after)
		BROKEN(replay, "a run begins after the job's after hook did");
	if (is_after && group->n_leased > 0)
		BROKEN(replay, "the job's after hook begins while its group runs");
}

/* Units are numbered in the order of their first start. */
static void
note_started(struct replay *replay, const struct run *run)
{
	struct run_life *unit = unit_of(replay, run);

	if (unit->order == 0)
		unit->order = ++replay->group[run->target].n_started;
}

static void
on_leased(struct replay *replay, struct run_life *life, const json_t *data)
{
	const struct run *run = life->run;
	struct group_life *group = &replay->group[run->target];
	int32_t connection = (int32_t)json_integer_value(json_object_get(data, "connection"));

	if (run->incarnation != replay->incarnation)
		BROKEN(replay, "a run of another incarnation begins");
	if (life->connection > 0 || life->has_ended)
		BROKEN(replay, "a run begins that %s", life->has_ended ? "ended" : "runs");
	if (connection < 1 || connection > replay->facts->spec->concurrency)
		BROKEN(replay, "connection %d", (int)connection);
	check_group_rules(replay, run);
	if (group->busy[connection])
		BROKEN(replay, "connection %d has two runs", (int)connection);
	check_isolation(replay, run);
	check_fixture_rules(replay, run, connection);

	const struct fixture_spec *spec = spec_of(replay, run);
	struct fixture_life *fixture = life_of(replay, run);
	if (is_unit(replay, run)) {
		if (fixture && unit_of(replay, run)->order == 0)
			fixture->n_units_open++;
		note_started(replay, run);
	}
	life->connection = connection;
	group->busy[connection] = true;
	group->n_leased++;
	replay->n_leased++;
	group->has_begun = true;
	group->n_after += run->test == replay->facts->spec->after;
	if (!fixture || !spec)
		return;
	fixture->n_leased++;
	fixture->has_begun = true;
	fixture->n_after += run->test == spec->after;
}

/* ---- the end of a run ---- */

static void
leave_connection(struct replay *replay, struct run_life *life)
{
	const struct run *run = life->run;
	struct group_life *group = &replay->group[run->target];
	struct fixture_life *fixture = life_of(replay, run);

	replay->n_leased -= life->connection > 0;
	if (life->connection > 0 && run->incarnation == replay->incarnation) {
		group->busy[life->connection] = false;
		group->n_leased--;
		if (fixture)
			fixture->n_leased--;
	}
	life->connection = 0;
}

static void
on_hook_ended(struct replay *replay, const struct run *run, enum run_outcome outcome)
{
	const struct job_spec *job = replay->facts->spec;
	const struct fixture_spec *spec = spec_of(replay, run);
	struct group_life *group = &replay->group[run->target];
	struct fixture_life *fixture = life_of(replay, run);

	if (run->test == job->before) {
		group->before_ended = true;
		group->before_failed = fails(outcome);
	} else if (run->test == job->after) {
		group->n_after_ended++;
		group->after_failed = fails(outcome);
	} else if (!spec || !fixture) {
		BROKEN(replay, "a run is for nothing");
	} else if (run->test == spec->before) {
		fixture->before_ended = true;
		fixture->before_failed = fails(outcome);
	} else {
		fixture->n_after_ended++;
		fixture->after_failed = fails(outcome);
	}
}

static void
on_finished(struct replay *replay, struct run_life *life, const json_t *data)
{
	const struct run *run = life->run;
	bool again = json_is_true(json_object_get(data, "willRetry"));
	bool had_run = life->connection > 0;
	enum run_outcome outcome = OUTCOME_NONE;

	leave_connection(replay, life);
	life->has_ended = true;
	if (run->incarnation != replay->incarnation)
		return;
	(void)run_outcome_parse(json_string_value(json_object_get(data, "outcome")), &outcome);
	if (!is_unit(replay, run)) {
		on_hook_ended(replay, run, outcome);
		return;
	}
	replay->n_units += !again;
	struct fixture_life *fixture = life_of(replay, run);
	if (!again && fixture && (had_run || run->fence > 0 || run->attempt > 1)) {
		fixture->ended_last = run;
		fixture->n_units_open--;
	}
	/* A hook that failed says so of tests that never ran; those come to be known here. */
	if (!had_run && !again)
		note_started(replay, run);
}

static void
on_released(struct replay *replay, struct run_life *life, const json_t *data)
{
	const struct run *run = life->run;
	struct run_life *unit = unit_of(replay, run);
	struct group_life *group = &replay->group[run->target];
	const struct fixture_spec *spec = spec_of(replay, run);
	const struct fixture_life *fixture = life_of(replay, run);

	if (!spec || !fixture)
		BROKEN(replay, "a hook is released");
	if (!life->has_ended || run->incarnation != replay->incarnation)
		BROKEN(replay, "a unit is released that has not ended");
	if (unit->is_released)
		BROKEN(replay, "a unit is released twice");
	if (unit->order != group->n_released + 1)
		BROKEN(replay, "unit %lld of group %d is released as number %lld",
			(long long)unit->order, (int)run->target,
			(long long)group->n_released + 1);
	unit->is_released = true;
	group->n_released++;
	/* The last one of a fixture that runs: its after hook may still fail it. */
	if (spec->after >= 0 && fixture->ended_last == run && fixture->n_after > 0 &&
		fixture->n_after_ended == 0 && !replay->was_ended_early)
		BROKEN(replay, "a unit is released while its fixture's after hook runs");
	const char *outcome = json_string_value(json_object_get(data, "outcome"));
	if (fixture->ended_last == run && fixture->after_failed && outcome &&
		strcmp(outcome, "passed") == 0)
		BROKEN(replay, "a unit passes though the after hook behind it failed");
}

/* ---- the end of the job ---- */

/* The after hooks of what was begun ran once, unless the job was cancelled or nobody came. */
static void
check_after_hooks(struct replay *replay)
{
	const struct job_spec *spec = replay->facts->spec;
	const struct job *job = replay->facts->job;

	if (job->reason == JOB_REASON_CANCELLED || job->deadline_ms <= job->completed_ms)
		return;
	for (size_t g = 0; g < spec->n_targets; g++) {
		const struct group_life *group = &replay->group[g];
		if (group->after_failed && job->state == JOB_COMPLETED)
			BROKEN(replay, "it is completed, though its after hook failed");
		if (spec->after >= 0 && group->has_begun && group->n_after_ended != 1)
			BROKEN(replay, "the job's after hook ran %d times in group %zu",
				(int)group->n_after_ended, g);
		for (size_t f = 0; f < spec->n_fixtures; f++) {
			const struct fixture_life *life = &group->fixture[f];
			if (spec->fixtures[f].after >= 0 && life->has_begun &&
				life->n_after_ended != 1)
				BROKEN(replay, "the after hook of fixture %zu ran %d times", f,
					(int)life->n_after_ended);
		}
	}
}

static void
on_final(struct replay *replay)
{
	int64_t n_released = 0;

	for (size_t g = 0; g < GROUPS; g++)
		n_released += replay->group[g].n_released;
	if (replay->n_leased > 0)
		BROKEN(replay, "it is over and runs");
	if (n_released != replay->n_units)
		BROKEN(replay, "%lld units ended, %lld were released",
			(long long)replay->n_units, (long long)n_released);
	replay->is_over = true;
}

static void
on_job_event(struct replay *replay, const struct event *event)
{
	switch ((int)event->type) {
	case EV_JOB_RESTARTING:
		memset(replay->group, 0, sizeof replay->group);
		replay->incarnation++;
		replay->n_units = 0;
		replay->is_over = replay->was_ended_early = false;
		break;
	case EV_JOB_STOPPING:
		replay->was_ended_early = true;
		break;
	case EV_JOB_COMPLETED:
	case EV_JOB_FAILED:
	case EV_JOB_STOPPED:
	case EV_JOB_INVALID:
		on_final(replay);
		break;
	default:
		break;
	}
}

static void
on_run_event(struct replay *replay, const struct event *event)
{
	struct run_life *life = map_get(&replay->by_id, &event->run, sizeof event->run);
	json_t *data = json_loadb(event->data.p, event->data.n, 0, NULL);

	if (!life)
		BROKEN(replay, "an event about a run that is not there");
	if (replay->is_over && event->type == EV_RUN_RELEASED)
		BROKEN(replay, "a release after the end");
	switch ((int)event->type) {
	case EV_RUN_CREATED:
		if (is_unit(replay, life->run) && life->run->attempt == 1)
			note_started(replay, life->run);
		break;
	case EV_RUN_LEASED:
		on_leased(replay, life, data);
		break;
	case EV_RUN_RESTARTED:
		leave_connection(replay, life);
		break;
	case EV_RUN_FINISHED:
		on_finished(replay, life, data);
		break;
	case EV_RUN_RELEASED:
		on_released(replay, life, data);
		break;
	default:
		break;
	}
	json_decref(data);
}

/* ---- what the rows say ---- */

/* Attempts at one unit: as many as the rule of quarantine asks for and not one more. */
static void
check_quarantine(struct replay *replay)
{
	const struct job *job = replay->facts->job;
	int32_t limit = job->quarantine.attempt_limit;
	int32_t enough_failures = limit - job->quarantine.success_threshold + 1;

	for (size_t i = 0; limit > 0 && i < replay->facts->n_runs; i++) {
		const struct run *last = &replay->facts->runs[i];
		int32_t passes = 0, failures = 0;
		bool first_passed = false;

		if (!is_unit(replay, last) || last->fence == 0)
			continue;
		for (size_t k = 0; k < replay->facts->n_runs; k++) {
			const struct run *run = &replay->facts->runs[k];
			if (run->incarnation != last->incarnation ||
				run->iteration != last->iteration || run->test != last->test ||
				run->target != last->target || run->attempt >= last->attempt)
				continue;
			passes += run->outcome == OUTCOME_PASSED;
			failures += fails(run->outcome);
			first_passed = first_passed ||
				(run->attempt == 1 && run->outcome == OUTCOME_PASSED);
		}
		if (first_passed || passes >= job->quarantine.success_threshold ||
			failures >= enough_failures)
			BROKEN(replay, "attempt %d after %d that passed and %d that did not",
				(int)last->attempt, (int)passes, (int)failures);
		if (passes != last->passes)
			BROKEN(replay, "a run says that %d attempts passed, %d did",
				(int)last->passes, (int)passes);
	}
}

/* Each hook has one run in each iteration of a group; the job's have one in all. */
static void
check_hooks_are_unique(struct replay *replay)
{
	const struct group_facts *facts = replay->facts;

	for (size_t i = 0; i < facts->n_runs; i++) {
		const struct run *a = &facts->runs[i];
		bool is_jobs = fixture_of(replay, a) < 0;
		for (size_t k = i + 1; !is_unit(replay, a) && k < facts->n_runs; k++) {
			const struct run *b = &facts->runs[k];
			if (a->test == b->test && a->target == b->target &&
				a->incarnation == b->incarnation &&
				(is_jobs || a->iteration == b->iteration))
				BROKEN(replay, "a hook has two runs");
		}
	}
}

void
check_grouped(const struct group_facts *facts)
{
	struct replay replay = { .facts = facts, .incarnation = 1 };

	replay.runs = xcalloc(facts->n_runs + 1, sizeof *replay.runs);
	map_init(&replay.by_id, MAP_KEYS_BORROWED);
	for (size_t i = 0; i < facts->n_runs; i++) {
		replay.runs[i].run = &facts->runs[i];
		map_put(&replay.by_id, &facts->runs[i].id, sizeof facts->runs[i].id,
			&replay.runs[i]);
	}
	for (size_t i = 0; i < facts->n_events; i++) {
		if (uuid_is_zero(&facts->events[i].run.u))
			on_job_event(&replay, &facts->events[i]);
		else
			on_run_event(&replay, &facts->events[i]);
	}
	if (replay.incarnation != facts->job->incarnation)
		BROKEN(&replay, "its events end in incarnation %d", (int)replay.incarnation);
	check_after_hooks(&replay);
	check_quarantine(&replay);
	check_hooks_are_unique(&replay);
	map_deinit(&replay.by_id);
	free(replay.runs);
}
