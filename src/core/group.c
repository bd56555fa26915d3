/* SPDX-License-Identifier: Apache-2.0 */
/* Which run of a grouped job is next: docs/protocol/browser-jobs.md, 3. */
#include "core/group.h"

#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

/* One look at one group. */
struct look {
	const struct job *job;
	const struct grouping *grouping;
	const struct group *group;
	int32_t index;
	const struct group_ask *ask;
	bool used[CONCURRENCY_MAX + 1]; /* connections with a leased run */
	bool kept[CONCURRENCY_MAX + 1]; /* of open fixtures that keep to theirs */
	int32_t n_leased;
	int32_t n_waiting;
	struct group_load load;
	const struct open_fixture *alone; /* the isolated fixture that is open; NULL: none */
	bool may_borrow;  /* a connection that a fixture keeps and does not use now */
	int64_t until_ms; /* see group_next */
};

/* An isolated fixture with nothing to run disturbs nobody. */
static bool
is_isolated(const struct grouping *grouping, int32_t fixture)
{
	return fixture >= 0 && grouping->layout.fixtures[fixture].mode == FIXTURE_ISOLATED &&
		!layout_is_idle(&grouping->layout, fixture);
}

static bool
is_current(const struct job *job, const struct run *run, int32_t group)
{
	return run->incarnation == job->incarnation && run->target == group;
}

static const struct fixture_spec *
spec_of(const struct look *look, const struct open_fixture *open)
{
	return &look->grouping->layout.fixtures[open->fixture];
}

void
group_load_add(struct group_load *load, const struct run *run)
{
	load->n_begun += run->state != RUN_FINISHED;
	if (run->state == RUN_HELD && run->error)
		load->bytes += (int64_t)strlen(run->error);
}

static void
look_at_run(struct look *look, const struct run *run)
{
	group_load_add(&look->load, run);
	look->n_waiting += run->state == RUN_WAITING;
	if (run->state != RUN_LEASED)
		return;
	look->n_leased++;
	if (run->connection <= CONCURRENCY_MAX)
		look->used[run->connection] = true;
}

static void
look_at_fixtures(struct look *look)
{
	for (int32_t i = 0; i < look->group->n_open; i++) {
		const struct open_fixture *open = &look->group->open[i];
		look->kept[open->connection] = true;
		if (is_isolated(look->grouping, open->fixture))
			look->alone = open;
	}
	look->kept[0] = false;
}

/* ---- connections ---- */

/*
 * The lowest-numbered one that is free and that no fixture keeps, else, for what goes before
 * all new units, one that is kept and not in use: or else a unit that waits could wait for a
 * fixture that waits for its release. 0: none.
 */
static int32_t
free_connection(const struct look *look)
{
	int32_t kept = 0;

	for (int32_t i = 1; i <= look->job->concurrency; i++) {
		if (!look->used[i] && !look->kept[i])
			return i;
		if (!look->used[i] && kept == 0)
			kept = i;
	}
	return look->may_borrow ? kept : 0;
}

/* The connection for a run of the fixture: its own when it keeps to one. 0: not now. */
static int32_t
connection_for(struct look *look, const struct open_fixture *open)
{
	if (!open || open->connection == 0)
		return free_connection(look);
	if (look->used[open->connection])
		return 0;

	int64_t until_ms = open->seen_ms + CONNECTION_KEPT_MS;
	bool is_kept = !uuid_is_zero(&open->worker.u) && until_ms > look->ask->now_ms;
	if (is_kept && (look->until_ms == 0 || until_ms < look->until_ms))
		look->until_ms = until_ms;
	if (is_kept && look->ask->worker && !uuid_eq(&look->ask->worker->id.u, &open->worker.u))
		return 0;
	return open->connection;
}

/* ---- kinds ---- */

static bool
kind_fits(const struct look *look, int32_t test)
{
	const struct job *job = look->job;
	const char *wanted = look->ask->kind;

	if (!wanted || job->kind)
		return true;
	struct str rest = str_of(job->kinds), kind = str_split_first(&rest, ',');
	while (test-- > 0)
		kind = str_split_first(&rest, ',');
	return kind.n == strlen(wanted) && memcmp(kind.p, wanted, kind.n) == 0;
}

/* Fills *ret when a run of the fixture (NULL: of none) has a connection and the wanted kind. */
static bool
offer(struct look *look, const struct open_fixture *open, int32_t test, enum run_role role,
	struct candidate *ret)
{
	if (look->alone && open != look->alone)
		return false;
	int32_t connection = connection_for(look, open);
	if (connection == 0 || !kind_fits(look, test))
		return false;
	*ret = (struct candidate) {
		.group = look->index,
		.connection = connection,
		.test = test,
		.role = role,
		.opens = -1,
	};
	return true;
}

/* ---- the candidates, in order ---- */

static const struct open_fixture *
open_of(const struct look *look, int32_t fixture)
{
	for (int32_t i = 0; i < look->group->n_open; i++) {
		if (look->group->open[i].fixture == fixture)
			return &look->group->open[i];
	}
	return NULL;
}

/* A run that waits: the earliest unit first, hooks before all units. */
static bool
offer_waiting(struct look *look, struct candidate *ret)
{
	struct run *first = NULL;

	if (look->n_waiting == 0)
		return false;
	for (struct run *run = look->job->open_runs; run; run = run->job_next) {
		int32_t fixture;
		struct candidate found;

		if (run->state != RUN_WAITING || run->due_ms > look->ask->now_ms ||
			!is_current(look->job, run, look->index))
			continue;
		if (first && first->start_n <= run->start_n)
			continue;
		enum run_role role = layout_role(&look->grouping->layout, run->test, &fixture);
		if (!look->ask->starts_units && role != RUN_ROLE_AFTER_FIXTURE &&
			role != RUN_ROLE_AFTER_JOB)
			continue;
		if (!offer(look, fixture < 0 ? NULL : open_of(look, fixture), run->test, role,
			    &found))
			continue;
		first = run;
		*ret = found;
		ret->waiting = run;
	}
	return first != NULL;
}

static bool
offer_after_hooks(struct look *look, struct candidate *ret)
{
	const struct layout *layout = &look->grouping->layout;

	for (int32_t i = 0; i < look->group->n_open; i++) {
		const struct open_fixture *open = &look->group->open[i];
		if (open->phase == FIXTURE_AFTER && !open->is_hook_running &&
			offer(look, open, spec_of(look, open)->after, RUN_ROLE_AFTER_FIXTURE,
				ret))
			return true;
	}
	return look->group->phase == GROUP_AFTER && !look->group->is_hook_running &&
		offer(look, NULL, layout->after, RUN_ROLE_AFTER_JOB, ret);
}

/* True when a run of the fixture is leased or waits, so that a serial one has its hands full.
 */
static bool
is_busy(const struct look *look, const struct fixture_spec *spec)
{
	for (const struct run *run = look->job->open_runs; run; run = run->job_next) {
		if ((run->state == RUN_LEASED || run->state == RUN_WAITING) &&
			is_current(look->job, run, look->index) && run->test >= spec->first &&
			run->test < spec->first + spec->n_tests)
			return true;
	}
	return false;
}

int32_t
group_live_test(const struct grouping *grouping, const struct open_fixture *open)
{
	const struct layout *layout = &grouping->layout;
	const struct fixture_spec *spec = &layout->fixtures[open->fixture];

	for (int32_t test = open->next; test < spec->first + spec->n_tests; test++) {
		if (!layout->skip[test])
			return test;
	}
	return -1;
}

/* The test that the open fixture would start next; -1: none, or too much is skipped before it,
 * which the plan's next step reports first. */
static int32_t
next_test_of(const struct look *look, const struct open_fixture *open)
{
	if (open->phase != FIXTURE_TESTS || open->failed != OUTCOME_NONE)
		return -1;
	int32_t test = group_live_test(look->grouping, open);
	return test - open->next <= GROUP_STEP_MAX ? test : -1;
}

static bool
offer_open_fixtures(struct look *look, struct candidate *ret)
{
	for (int32_t i = 0; i < look->group->n_open; i++) {
		const struct open_fixture *open = &look->group->open[i];
		const struct fixture_spec *spec = spec_of(look, open);
		int32_t test = next_test_of(look, open);

		if (test < 0 || (spec->mode != FIXTURE_SHARED && is_busy(look, spec)))
			continue;
		if (offer(look, open, test, RUN_ROLE_TEST, ret))
			return true;
	}
	return false;
}

/* The next fixture of the list that is not open, or -1. */
static int32_t
next_fixture(const struct look *look)
{
	return look->group->phase == GROUP_TESTS &&
			look->group->next_fixture < look->grouping->layout.n_fixtures
		? look->group->next_fixture
		: -1;
}

/* There will be no run of the fixture, or much is to be reported as skipped before the first.
 */
static bool
opens_by_itself(const struct grouping *grouping, const struct group *group, int32_t fixture)
{
	const struct layout *layout = &grouping->layout;
	const struct fixture_spec *spec = &layout->fixtures[fixture];
	struct open_fixture fresh = { .fixture = fixture, .next = spec->first };

	if (group->failed != OUTCOME_NONE || layout_is_idle(layout, fixture))
		return true;
	return spec->before < 0 && spec->mode != FIXTURE_ISOLATED &&
		group_live_test(grouping, &fresh) - spec->first > GROUP_STEP_MAX;
}

bool
group_opens_without_run(const struct grouping *grouping, const struct group *group)
{
	if (group->phase != GROUP_TESTS || group->next_fixture >= grouping->layout.n_fixtures ||
		!opens_by_itself(grouping, group, group->next_fixture))
		return false;
	for (int32_t i = 0; i < group->n_open; i++) {
		const struct open_fixture *open = &group->open[i];
		if (grouping->layout.fixtures[open->fixture].mode == FIXTURE_SHARED &&
			open->phase == FIXTURE_TESTS && open->failed == OUTCOME_NONE &&
			group_live_test(grouping, open) >= 0)
			return false; /* its tests come first */
	}
	return true;
}

/* The fixture that a lease may open, or -1. Before the job has begun nothing else opens those
 * that have no run: the lease does. */
static int32_t
fixture_to_open(const struct look *look)
{
	const struct layout *layout = &look->grouping->layout;
	int32_t fixture = next_fixture(look);

	if (fixture < 0 || look->job->started_ms > 0)
		return fixture < 0 || opens_by_itself(look->grouping, look->group, fixture)
			? -1
			: fixture;
	while (fixture < layout->n_fixtures && layout_is_idle(layout, fixture))
		fixture++;
	return fixture < layout->n_fixtures ? fixture : -1;
}

static bool
offer_next_fixture(struct look *look, struct candidate *ret)
{
	const struct layout *layout = &look->grouping->layout;
	int32_t fixture = fixture_to_open(look);

	if (fixture < 0)
		return false;
	const struct fixture_spec *spec = &layout->fixtures[fixture];
	struct open_fixture fresh = { .fixture = fixture, .next = spec->first };
	int32_t test =
		spec->before >= 0 ? spec->before : group_live_test(look->grouping, &fresh);
	enum run_role role = spec->before >= 0 ? RUN_ROLE_BEFORE_FIXTURE : RUN_ROLE_TEST;

	if (!offer(look, NULL, test, role, ret))
		return false;
	ret->opens = fixture;
	return true;
}

/* ---- isolation ---- */

/* The group whose isolated fixture is open, or -1. */
static int32_t
isolated_group(const struct grouping *grouping)
{
	for (int32_t i = 0; i < grouping->n_groups; i++) {
		const struct group *group = &grouping->groups[i];
		for (int32_t k = 0; k < group->n_open; k++) {
			if (is_isolated(grouping, group->open[k].fixture))
				return i;
		}
	}
	return -1;
}

/*
 * Nothing of the job runs or waits for another attempt, and all earlier fixtures of the group
 * are over: so nothing that the fixture's own results wait for could be held back by it.
 */
static bool
may_open_isolated(const struct look *look)
{
	return look->job->running == 0 && look->job->waiting == 0 && look->group->n_open == 0 &&
		isolated_group(look->grouping) < 0;
}

/* True when the group has nothing to start but an isolated fixture. */
static bool
wants_isolation(const struct look *look)
{
	for (int32_t i = 0; i < look->group->n_open; i++) {
		if (next_test_of(look, &look->group->open[i]) >= 0)
			return false;
	}
	return is_isolated(look->grouping, next_fixture(look));
}

/* ---- the whole ---- */

/* All groups, with one walk over the runs: a job may have tens of thousands that are open. */
static void
look_begin(struct look *looks, const struct job *job, const struct grouping *grouping,
	const struct group_ask *ask)
{
	for (int32_t i = 0; i < grouping->n_groups; i++)
		looks[i] = (struct look) {
			.job = job,
			.grouping = grouping,
			.group = &grouping->groups[i],
			.index = i,
			.ask = ask,
		};
	for (const struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->incarnation == job->incarnation)
			look_at_run(&looks[run->target], run);
	}
	for (int32_t i = 0; i < grouping->n_groups; i++)
		look_at_fixtures(&looks[i]);
}

/* True when a has got less far than b. */
static bool
is_behind(const struct group *a, const struct group *b)
{
	return a->iteration != b->iteration ? a->iteration < b->iteration
					    : a->next_fixture < b->next_fixture;
}

/*
 * The group that has come to an isolated fixture, or -1: the others begin nothing new, so that
 * its turn comes. Of several the one that is furthest behind, so that each has its turn.
 */
static int32_t
isolating_group(const struct look *looks, const struct grouping *grouping)
{
	bool any = false;
	int32_t index = -1;

	for (int32_t i = 0; i < grouping->layout.n_fixtures; i++)
		any = any || is_isolated(grouping, i);
	for (int32_t i = 0; any && looks->ask->starts_units && i < grouping->n_groups; i++) {
		if (wants_isolation(&looks[i]) &&
			(index < 0 || is_behind(looks[i].group, &grouping->groups[index])))
			index = i;
	}
	return index;
}

static bool
has_room(const struct look *look)
{
	return look->ask->starts_units && !group_is_full(look->job, &look->load) &&
		look->job->waiting < RUNS_WAITING_MAX;
}

/* begins: what is new may be begun; else only what goes before that. */
static bool
next_of_group(struct look *look, bool begins, struct candidate *ret)
{
	if (look->n_leased >= look->job->concurrency)
		return false;
	look->may_borrow = true;
	if (offer_waiting(look, ret) || offer_after_hooks(look, ret))
		return true;
	look->may_borrow = false;
	if (!begins || !has_room(look))
		return false;
	if (look->group->phase == GROUP_NEW)
		return offer(
			look, NULL, look->grouping->layout.before, RUN_ROLE_BEFORE_JOB, ret);
	if (offer_open_fixtures(look, ret))
		return true;
	if (is_isolated(look->grouping, next_fixture(look)) && !may_open_isolated(look))
		return false;
	return offer_next_fixture(look, ret);
}

bool
group_next(const struct job *job, const struct grouping *grouping, const struct group_ask *ask,
	struct candidate *ret, int64_t *ret_until_ms)
{
	struct look looks[TARGETS_PER_JOB_MAX];
	int32_t alone = isolated_group(grouping);
	int32_t n_best = 0;
	bool found = false;

	*ret_until_ms = 0;
	look_begin(looks, job, grouping, ask);
	int32_t only = alone >= 0 ? alone : isolating_group(looks, grouping);
	for (int32_t i = 0; i < grouping->n_groups; i++) {
		struct look *look = &looks[i];
		struct candidate candidate;

		if (alone >= 0 && i != alone)
			continue;
		bool offers = next_of_group(look, only < 0 || i == only, &candidate);
		if (look->until_ms > 0 &&
			(*ret_until_ms == 0 || look->until_ms < *ret_until_ms))
			*ret_until_ms = look->until_ms;
		/* Groups go forward together: the one with the fewest runs under way. */
		if (offers && (!found || look->n_leased < n_best)) {
			found = true;
			n_best = look->n_leased;
			*ret = candidate;
		}
	}
	return found;
}

bool
group_is_done(const struct grouping *grouping)
{
	for (int32_t i = 0; i < grouping->n_groups; i++) {
		if (grouping->groups[i].phase != GROUP_DONE)
			return false;
	}
	return true;
}

int64_t
group_held_failures(const struct job *job)
{
	int64_t n = 0;

	for (const struct run *run = job->open_runs; run; run = run->job_next) {
		bool fails = run->outcome == OUTCOME_FAILED ||
			run->outcome == OUTCOME_ERRORED || run->outcome == OUTCOME_TIMED_OUT;
		n += run->state == RUN_HELD && run->incarnation == job->incarnation && fails &&
			run->quarantine == 0;
	}
	return n;
}
