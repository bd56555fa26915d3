/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings ready jobs and free connections together: for each lane the ready jobs in order, for
 * each offer the best head among the lanes that match it, one run at a time over all offers, so
 * that work spreads over the workers.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/group.h"
#include "core/needs.h"
#include "core/plan_impl.h"
#include "engine/engine_impl.h"

/* The ready jobs of one lane, in order; job[next] is its head. */
struct line {
	struct lane *lane;
	struct queue *queue;
	UOW_ARRAY(struct job *) job;
	size_t next;
	const struct offered *refused; /* the offer that none of its jobs has a run for */
	size_t n_held;                 /* jobs that left it because one of their keys is full */
	const char *fair_name;         /* place of its value of the queue's fairBy; or NULL */
	struct place *fair_place;      /* the same once a run is counted there */
};

struct lines {
	struct line **line; /* by lane id - 1; NULL: nothing ready */
	size_t n;
	UOW_ARRAY(struct line *) used;
};

static struct offer
offer_of(const struct member *member)
{
	return (struct offer) {
		.project = member->row.project,
		.kinds = member->kind_list,
		.n_kinds = member->n_kinds,
		.labels = member->row.labels,
		.resources = member->row.resources,
	};
}

/* ---- before the load ---- */

/* How many runs the worker will still have after this poll: not those that it brings back, nor
 * those that never arrived. */
static size_t
n_kept(const struct member *member, const struct poll *poll)
{
	size_t had = member ? member->n_runs : 0;
	size_t kept = poll->n_results < had ? had - poll->n_results : 0;

	return kept < poll->n_holds ? kept : poll->n_holds;
}

/*
 * Free connections that lane could use in this turn: an upper bound, because results of this
 * turn free some more. A worker that is not known yet is counted by what its poll says. lane
 * NULL: all of them.
 */
static size_t
free_for_lane(const struct turn *turn, const struct lane *lane)
{
	size_t n = 0;

	for (size_t i = 0; i < turn->n_intents && n < TURN_INTENTS_MAX; i++) {
		const struct intent *intent = turn->intents[i];
		const struct poll *poll = &intent->in.poll;
		struct offer offer = { intent->project, poll->kind_list, poll->n_kinds,
			poll->labels, poll->resources };

		if (intent->kind != INTENT_POLL || !poll->claim ||
			(lane && !lane_matches(lane, &offer)))
			continue;
		size_t kept = n_kept(member_find(turn->engine, poll->worker), poll);
		if ((size_t)poll->capacity > kept)
			n += (size_t)poll->capacity - kept;
	}
	LIST_FOR_EACH(node, &turn->engine->parked) {
		const struct member *member = list_entry(node, struct member, node);
		struct offer offer = offer_of(member);

		if (n >= TURN_INTENTS_MAX)
			break;
		if (lane && !lane_matches(lane, &offer))
			continue;
		/* A side poll of this turn may free all that it holds. */
		n += (size_t)member->row.capacity;
	}
	return n < TURN_INTENTS_MAX ? n : TURN_INTENTS_MAX;
}

/* True when an intent of this turn lets the paused queue go on. */
static bool
goes_on(const struct turn *turn, const struct queue *queue)
{
	for (size_t i = 0; i < turn->n_intents; i++) {
		const struct intent *intent = turn->intents[i];
		if (intent->kind == INTENT_QUEUE_PUT && !intent->in.queue.paused &&
			intent->project == queue->project &&
			strcmp(intent->in.queue.name, queue->name) == 0)
			return true;
	}
	return false;
}

/*
 * Many lanes share what a turn may load. Each still shows its best job, so the order between
 * lanes holds; a lane that is used up before its offers are goes on in the next turn.
 */
static void
share_claims(struct turn_keys *keys)
{
	size_t total = 0;

	for (size_t i = 0; i < keys->claims.n; i++)
		total += keys->claims.item[i].n;
	for (size_t i = 0; total > CLAIM_ROWS_MAX && i < keys->claims.n; i++) {
		size_t share = keys->claims.item[i].n * CLAIM_ROWS_MAX / total;
		keys->claims.item[i].n = share > 0 ? share : 1;
	}
}

static bool
is_paused(const struct turn *turn, const struct queue *queue)
{
	const struct queue *star = queue->load->star;

	return (queue->paused && !goes_on(turn, queue)) ||
		(star && star->paused && !goes_on(turn, star));
}

/* Runs may begin again then, and somebody could take one. */
static void
wake_at(struct engine *engine, int64_t ms)
{
	if (engine->wake_ms == 0 || ms < engine->wake_ms)
		engine->wake_ms = ms;
}

static void
claim_lane(struct turn *turn, const struct lane *lane)
{
	struct engine *engine = turn->engine;
	const struct queue *queue = lanes_queue(&engine->lanes, lane->queue);
	int64_t until_ms;

	if (!lane->maybe_ready || is_paused(turn, queue))
		return;
	struct claim_key key = { .lane = lane->id, .n = free_for_lane(turn, lane) };
	if (key.n == 0)
		return;
	if (!queue_may_lease(queue, engine->now_ms, &until_ms) && until_ms > 0) {
		wake_at(engine, until_ms);
		return;
	}
	key.n += (size_t)lane->look_ahead;
	UOW_PUSH(&turn->uow, &turn->keys.claims, key);
}

/* Of jobs that wait for a key, as many of the best as there is room for. */
static void
claim_place(struct turn *turn, struct place *place, size_t n_free)
{
	struct lanes *lanes = &turn->engine->lanes;
	const struct queue *queue = place->scope > 0 ? lanes_queue(lanes, place->scope)
						     : lanes_star(lanes, -place->scope);
	size_t room = places_room(lanes, place, turn->engine->now_ms, n_free);

	if (!place->maybe_held || room == 0) {
		places_unwant(lanes, place, turn->engine->now_ms);
		return;
	}
	if (queue && queue->paused && !goes_on(turn, queue))
		return;
	struct claim_key key = {
		.held = arena_strdup(turn->uow.arena, place->name),
		.n = room + (size_t)place->look_ahead,
	};
	place->n_claimed = key.n;
	place->n_loaded = 0;
	UOW_PUSH(&turn->uow, &turn->keys.claims, key);
}

static void
claim_held(struct turn *turn)
{
	struct places *places = &turn->engine->lanes.places;

	places_wake(&turn->engine->lanes, turn->engine->now_ms);
	if (list_empty(&places->wanted))
		return;
	size_t n_free = free_for_lane(turn, NULL);
	if (n_free == 0)
		return;
	LIST_FOR_EACH_SAFE(node, &places->wanted)
		claim_place(turn, list_entry(node, struct place, wanted), n_free);
}

void
dispatch_keys(struct turn *turn)
{
	struct lanes *lanes = &turn->engine->lanes;

	turn->engine->wake_ms = 0;
	for (size_t i = 0; i < lanes->lane.n; i++)
		claim_lane(turn, lanes->lane.item[i]);
	claim_held(turn);
	share_claims(&turn->keys);
}

/* How many jobs that wait for a key were loaded; when they are fewer than were asked for, the
 * store has no more. */
static void
count_held(struct turn *turn)
{
	struct uow *uow = &turn->uow;
	struct lanes *lanes = &turn->engine->lanes;

	for (size_t i = 0; i < uow->jobs.n; i++) {
		const struct job *job = uow->jobs.item[i];
		struct place *place = job->held_key ? places_find(lanes, job->held_key) : NULL;
		if (place)
			place->n_loaded++;
	}
	for (size_t i = 0; i < turn->keys.claims.n; i++) {
		const struct claim_key *key = &turn->keys.claims.item[i];
		struct place *place = key->held ? places_find(lanes, key->held) : NULL;
		if (!place)
			continue;
		place->n_claimed = key->n; /* less, perhaps, by share_claims */
		if (place->n_loaded < key->n && !uow->is_cut)
			place->maybe_held = false;
	}
}

void
dispatch_loaded(struct turn *turn)
{
	struct uow *uow = &turn->uow;

	if (turn->keys.claims.n == 0)
		return;
	turn->n_loaded =
		arena_xalloc(uow->arena, turn->engine->lanes.lane.n * sizeof *turn->n_loaded);
	for (size_t i = 0; i < uow->jobs.n; i++) {
		const struct job *job = uow->jobs.item[i];
		if (job->ready)
			turn->n_loaded[job->lane - 1]++;
	}
	count_held(turn);
}

/* ---- lines ---- */

static bool
goes_before(const struct job *a, const struct job *b)
{
	return a->rank != b->rank ? a->rank > b->rank : a->seq < b->seq;
}

static int
compare_jobs(const void *a, const void *b)
{
	const struct job *x = *(struct job *const *)a, *y = *(struct job *const *)b;

	return goes_before(x, y) ? -1 : 1;
}

static struct line *
line_of(struct turn *turn, struct lines *lines, const struct job *job)
{
	struct lanes *lanes = &turn->engine->lanes;
	struct line *line = lines->line[job->lane - 1];

	if (!line) {
		line = arena_xalloc(turn->uow.arena, sizeof *line);
		line->lane = lanes_lane(lanes, job->lane);
		line->queue = lanes_queue(lanes, line->lane->queue);
		if (line->queue->fair_by && *line->lane->fair)
			line->fair_name = arena_printf(turn->uow.arena, "%lld:%s=%s",
				(long long)line->queue->id, line->queue->fair_by,
				line->lane->fair);
		lines->line[job->lane - 1] = line;
		UOW_PUSH(&turn->uow, &lines->used, line);
	}
	return line;
}

static void
lines_init(struct turn *turn, struct lines *lines)
{
	struct uow *uow = &turn->uow;

	/* Mixed jobs may open lanes while they are leased; none is made in this turn beyond one
	 * for each kind. */
	lines->n = turn->engine->lanes.lane.n + uow->jobs.n * 2 + 16;
	lines->line = arena_xalloc(uow->arena, lines->n * sizeof(struct line *));
	for (size_t i = 0; i < uow->jobs.n; i++) {
		struct job *job = uow->jobs.item[i];
		if (!job->ready || job->change == ROW_DELETED)
			continue;
		if (plan_may_expire(job) && job->expires_ms <= uow->now_ms)
			plan_due(uow, &turn->engine->lanes, job);
		else
			UOW_PUSH(uow, &line_of(turn, lines, job)->job, job);
	}
	for (size_t i = 0; i < lines->used.n; i++) {
		struct line *line = lines->used.item[i];
		qsort(line->job.item, line->job.n, sizeof(struct job *), compare_jobs);
	}
}

/* A job whose next run is of another kind goes to its place in that kind's line. */
static void
move_to_line(struct turn *turn, struct lines *lines, struct job *job)
{
	if ((size_t)job->lane > lines->n)
		return; /* a lane that this turn made: the next turn finds it */
	struct line *line = line_of(turn, lines, job);

	UOW_PUSH(&turn->uow, &line->job, job);
	line->refused = NULL; /* it may have a run for whom none of the others had one */
	size_t at = line->job.n - 1;
	while (at > line->next && goes_before(job, line->job.item[at - 1])) {
		line->job.item[at] = line->job.item[at - 1];
		at--;
	}
	line->job.item[at] = job;
}

static bool
has_head(const struct line *line)
{
	return line->next < line->job.n;
}

static struct job *
head(const struct line *line)
{
	assert(has_head(line));
	return line->job.item[line->next];
}

static bool
line_is_better(const struct line *a, const struct line *b)
{
	if (a->queue->priority != b->queue->priority)
		return a->queue->priority > b->queue->priority;
	int by_share = lanes_compare_shares(a->queue, b->queue);
	if (by_share != 0)
		return by_share < 0;
	return goes_before(head(a), head(b));
}

/* Runs that go on now of the line's value of its queue's fairBy. */
static int32_t
fair_running(const struct turn *turn, struct line *line)
{
	if (!line->fair_place && line->fair_name)
		line->fair_place = places_find(&turn->engine->lanes, line->fair_name);
	return line->fair_place ? line->fair_place->running : 0;
}

static bool
could_take(const struct turn *turn, const struct line *line, const struct offered *offered)
{
	const struct member *member = offered->member;
	const char *taken[WORKER_SLOTS_MAX];
	struct offer offer = offer_of(member);
	int64_t ignored;

	if (!has_head(line) || line->refused == offered ||
		!queue_may_lease(line->queue, turn->uow.now_ms, &ignored) ||
		!lane_matches(line->lane, &offer))
		return false;
	if (!*line->lane->needs)
		return true;
	for (size_t i = 0; i < member->n_runs; i++)
		taken[i] = member->runs[i].needs;
	return needs_scarce(line->lane->needs, member->row.resources, taken, member->n_runs)
		       .n == 0;
}

/* Another line of the same queue, whose value runs less, goes first. */
static bool
is_unfair(const struct turn *turn, const struct lines *lines, struct line *line,
	const struct offered *offered)
{
	for (size_t i = 0; line->queue->fair_by && i < lines->used.n; i++) {
		struct line *other = lines->used.item[i];
		if (other->queue == line->queue &&
			fair_running(turn, other) < fair_running(turn, line) &&
			could_take(turn, other, offered))
			return true;
	}
	return false;
}

static struct line *
best_line(const struct turn *turn, const struct lines *lines, const struct offered *offered)
{
	struct line *best = NULL;

	for (size_t i = 0; i < lines->used.n; i++) {
		struct line *line = lines->used.item[i];
		if (could_take(turn, line, offered) && (!best || line_is_better(line, best)) &&
			!is_unfair(turn, lines, line, offered))
			best = line;
	}
	return best;
}

/* ---- leasing ---- */

/* Takes the job at that place out of the line. */
static void
leave_line(struct line *line, size_t at)
{
	for (; at > line->next; at--)
		line->job.item[at] = line->job.item[at - 1];
	line->next++;
}

/* Out of the line, when one of its keys is full. */
static bool
hold_back(struct turn *turn, struct job *job)
{
	struct lanes *lanes = &turn->engine->lanes;
	int64_t until_ms;
	struct place *place =
		*job->keys ? places_full(lanes, job, turn->uow.now_ms, &until_ms) : NULL;

	if (!place)
		return false;
	places_hold(lanes, &turn->uow, job, place, until_ms);
	uow_touch_job(&turn->uow, job);
	return true;
}

/*
 * Leases the first run of the line that is for this worker: a grouped job may have one for
 * another worker only, and then those behind it come. False: there is none.
 */
static bool
lease_from(struct turn *turn, struct lines *lines, struct line *line, struct offered *offered)
{
	struct engine *engine = turn->engine;
	struct member *member = offered->member;
	struct run *run = NULL;
	struct job *job = NULL;
	int64_t lane = 0;
	size_t at;

	for (at = line->next; at < line->job.n; at++) {
		job = line->job.item[at];
		lane = job->lane;
		if (job->keys && hold_back(turn, job)) {
			leave_line(line, at);
			line->n_held++;
			continue;
		}
		run = plan_lease(&turn->uow, &engine->lanes, job, &member->row);
		if (run)
			break;
	}
	if (!run)
		return false;
	offered->runs[offered->n++] = run;
	offered->free--;
	member_add_run(member, run->id, run->fence, line->lane->needs);
	atomic_fetch_add_explicit(&engine->stats.runs_leased, 1, memory_order_relaxed);
	if (!job->ready || job->lane != lane)
		leave_line(line, at);
	if (job->ready && job->lane != lane)
		move_to_line(turn, lines, job);
	return true;
}

/* One run for the offer, from the best line that has one for it. */
static bool
lease_one(struct turn *turn, struct lines *lines, struct offered *offered)
{
	struct line *line;

	if (offered->free == 0)
		return false;
	while ((line = best_line(turn, lines, offered))) {
		if (lease_from(turn, lines, line, offered))
			return true;
		line->refused = offered;
	}
	return false;
}

static void
add_offer(struct turn *turn, struct member *member, struct intent *intent)
{
	size_t capacity = (size_t)member->row.capacity;
	struct offered offered = { .member = member, .intent = intent };

	if (member->row.state == WORKER_ONLINE && capacity > member->n_runs)
		offered.free = capacity - member->n_runs;
	if (offered.free > LEASES_PER_POLL_MAX)
		offered.free = LEASES_PER_POLL_MAX;
	offered.runs = arena_xalloc(turn->uow.arena, (offered.free + 1) * sizeof(struct run *));
	UOW_PUSH(&turn->uow, &turn->offers, offered);
}

/* Those that wait longest come first. */
static void
collect_offers(struct turn *turn)
{
	LIST_FOR_EACH(node, &turn->engine->parked) {
		struct member *member = list_entry(node, struct member, node);
		add_offer(turn, member, member->parked);
	}
	for (size_t i = 0; i < turn->claiming.n; i++) {
		struct intent *intent = turn->claiming.item[i];
		struct member *member = member_find(turn->engine, intent->in.poll.worker);
		/* The others were answered when they were superseded, cancelled or lost. */
		if (member && member->claiming == intent)
			add_offer(turn, member, intent);
	}
}

static bool
has_room(const struct turn *turn)
{
	for (size_t i = 0; i < turn->offers.n; i++) {
		if (turn->offers.item[i].free > 0)
			return true;
	}
	return false;
}

/* The head of a line, or of those that wait for a key, was of no use: more is loaded next. */
static int32_t
further_ahead(int32_t look_ahead)
{
	int32_t next = look_ahead > 0 ? look_ahead * 2 : 16;

	return next < CLAIM_ROWS_MAX ? next : CLAIM_ROWS_MAX;
}

/* Those that came back and were taken by nobody may hide others that would be. */
static void
note_places(struct turn *turn)
{
	struct lanes *lanes = &turn->engine->lanes;

	for (size_t i = 0; i < turn->keys.claims.n; i++) {
		const struct claim_key *key = &turn->keys.claims.item[i];
		struct place *place = key->held ? places_find(lanes, key->held) : NULL;
		if (!place)
			continue;
		bool is_full = places_room(lanes, place, turn->uow.now_ms, 1) == 0;
		bool has_more =
			place->n_loaded >= place->n_claimed && has_room(turn) && !is_full;
		if (is_full)
			places_unwant(lanes, place, turn->uow.now_ms);
		place->look_ahead = has_more ? further_ahead(place->look_ahead) : 0;
		place->n_claimed = place->n_loaded = 0;
		turn->again = turn->again || has_more;
	}
	turn->again = turn->again || (lanes->places.has_news && has_room(turn));
	lanes->places.has_news = false;
}

/* When rates let lines go on that this turn did not use up. */
static void
note_rates(struct turn *turn, const struct lines *lines)
{
	int64_t until_ms;

	for (size_t i = 0; has_room(turn) && i < lines->used.n; i++) {
		const struct line *line = lines->used.item[i];
		if (has_head(line) &&
			!queue_may_lease(line->queue, turn->uow.now_ms, &until_ms) &&
			until_ms > 0)
			wake_at(turn->engine, until_ms);
	}
}

/* What waited for a key that has room now. */
static void
bring_back(struct turn *turn)
{
	struct uow *uow = &turn->uow;
	struct lanes *lanes = &turn->engine->lanes;

	for (size_t i = 0; i < uow->jobs.n; i++) {
		struct job *job = uow->jobs.item[i];
		const struct place *place =
			job->held_key ? places_find(lanes, job->held_key) : NULL;
		if (place && place->n_claimed > 0 && job->change != ROW_DELETED)
			plan_update(uow, lanes, job);
	}
}

/*
 * A lane of which less was found than asked for was loaded whole; when nothing of it is left
 * either, the store has no more ready jobs of it. What counts is what was found: a job that
 * went away in this turn says nothing about those behind it. One that was used up while offers
 * have room is looked at again at once.
 */
static void
note_empty_lanes(struct turn *turn, const struct lines *lines)
{
	bool room = has_room(turn);

	for (size_t i = 0; i < turn->keys.claims.n; i++) {
		const struct claim_key *key = &turn->keys.claims.item[i];
		if (key->held)
			continue;
		const struct line *line = lines->line[key->lane - 1];
		struct lane *lane = lanes_lane(&turn->engine->lanes, key->lane);

		lane->look_ahead = line && line->n_held > 0 && !has_head(line)
			? further_ahead(lane->look_ahead)
			: 0;
		if (line && has_head(line))
			continue;
		if (turn->uow.is_cut)
			continue; /* there may be more of it */
		if (turn->n_loaded[key->lane - 1] < key->n)
			lane->maybe_ready = false;
		else if (room)
			turn->engine->has_more = true;
	}
}

void
dispatch(struct turn *turn)
{
	struct lines lines = { 0 };
	size_t n_leased = 0;
	bool progress = true;

	collect_offers(turn);
	bring_back(turn);
	lines_init(turn, &lines);
	while (progress) {
		progress = false;
		for (size_t i = 0; i < turn->offers.n && n_leased < LEASES_PER_TURN_MAX; i++) {
			if (!lease_one(turn, &lines, &turn->offers.item[i]))
				continue;
			n_leased++;
			progress = true;
		}
	}
	turn->engine->has_more =
		n_leased == LEASES_PER_TURN_MAX || (turn->uow.is_cut && n_leased > 0);
	note_empty_lanes(turn, &lines);
	note_places(turn);
	note_rates(turn, &lines);
	turn->engine->has_more = turn->engine->has_more || turn->again;
	for (size_t i = 0; i < turn->offers.n; i++) {
		if (turn->offers.item[i].n > 0)
			member_renew_lease(turn, turn->offers.item[i].member);
	}
}

/* ---- what a lease carries ---- */

/* Name number `index` of a comma-separated list, copied. */
static const char *
nth_copy(struct arena *arena, const char *names, int32_t index)
{
	struct str rest = str_of(names), name = str_split_first(&rest, ',');

	while (index-- > 0)
		name = str_split_first(&rest, ',');
	return arena_strndup(arena, name.p, name.n);
}

static struct str
copy_str(struct arena *arena, struct str text)
{
	if (text.n == 0)
		return (struct str) { 0 };
	char *copy = arena_xalloc(arena, text.n + 1);
	memcpy(copy, text.p, text.n);
	return str_from(copy, text.n);
}

/* NULL for a test. */
static const char *
role_of_run(const struct run *run)
{
	int32_t ignored;

	if (run_is_unit(run->job, run))
		return NULL;
	return run_role_name(layout_role(&run->job->grouping->layout, run->test, &ignored));
}

/* The key of what the run's lease carries. */
static struct test_key
key_of_run(struct uow *uow, const struct run *run)
{
	struct test_key key = { .job_seq = run->job_seq, .index = run->test };

	if (!run->job->layout)
		return key;
	struct group *group = &group_of(uow, run->job)->groups[run->target];
	int32_t fixture;
	(void)layout_role(&run->job->grouping->layout, run->test, &fixture);
	const struct open_fixture *open =
		fixture < 0 ? NULL : group_open_fixture(group, fixture);
	key.results[RESULT_OF_JOB] = group->before_run;
	key.results[RESULT_OF_FIXTURE] = open ? open->before_run : 0;
	return key;
}

/* Results that came in this turn are not stored yet: they are with the run itself. */
static void
add_new_results(const struct run *run, const struct test_key *key, struct job_test *test)
{
	for (const struct run *of = run->job->open_runs; of; of = of->job_next) {
		for (int k = 0; k < RESULTS_PER_LEASE; k++) {
			if (key->results[k] == of->seq && of->result)
				test->results[k] = str_of(of->result);
		}
	}
}

static void
fill_lease(struct lease *lease, const struct run *run, const struct job_test *test,
	const struct job_options *options, struct arena *arena)
{
	const struct job *job = run->job;

	*lease = (struct lease) {
		.run = run->id,
		.fence = run->fence,
		.job = job->id,
		.job_name = arena_strdup(arena, job->name),
		.incarnation = run->incarnation,
		.iteration = run->iteration,
		.test_index = run->test,
		.target = job->targets ? nth_copy(arena, job->targets, run->target) : NULL,
		.attempt = run->attempt,
		.group = run->target,
		.connection = run->connection,
		.role = role_of_run(run),
		.kind = arena_strdup(arena, test->kind),
		.test = copy_str(arena, test->body),
		.options = copy_str(arena, options->body),
		.timeout_ms = test->timeout_ms > 0 ? test->timeout_ms : job->run_timeout_ms,
	};
	for (int k = 0; k < RESULTS_PER_LEASE; k++)
		lease->results[k] = copy_str(arena, test->results[k]);
}

/* Tests of a job that this turn made are in the unit of work, in order of job and index. */
static const struct job_test *
new_test(const struct uow *uow, const struct run *run)
{
	size_t low = 0, high = uow->tests.n;

	while (low < high) {
		size_t mid = (low + high) / 2;
		const struct job_test *test = &uow->tests.item[mid];
		if (test->job_seq < run->job_seq ||
			(test->job_seq == run->job_seq && test->index < run->test))
			low = mid + 1;
		else
			high = mid;
	}
	return &uow->tests.item[low];
}

static struct job_options
new_options(const struct uow *uow, int64_t job_seq)
{
	for (size_t i = 0; i < uow->options.n; i++) {
		if (uow->options.item[i].job_seq == job_seq)
			return uow->options.item[i];
	}
	return (struct job_options) { .job_seq = job_seq };
}

static size_t
count_leases(const struct turn *turn)
{
	size_t n = 0;

	for (size_t i = 0; i < turn->offers.n; i++)
		n += turn->offers.item[i].n;
	return n;
}

int
dispatch_load(struct turn *turn, struct err *err)
{
	struct uow *uow = &turn->uow;
	size_t n = count_leases(turn), n_keys = 0;
	struct test_key *keys = arena_xalloc(uow->arena, (n + 1) * sizeof *keys);
	struct job_test *tests = arena_xalloc(uow->arena, (n + 1) * sizeof *tests);
	struct job_options *options = arena_xalloc(uow->arena, (n + 1) * sizeof *options);

	if (n == 0)
		return 0;
	for (size_t i = 0; i < turn->offers.n; i++) {
		struct offered *offered = &turn->offers.item[i];
		for (size_t k = 0; k < offered->n; k++) {
			const struct run *run = offered->runs[k];
			if (run->job->change != ROW_NEW)
				keys[n_keys++] = key_of_run(uow, run);
		}
	}
	if (n_keys > 0 &&
		store_load_tests(
			turn->engine->store, keys, n_keys, uow->arena, tests, options, err) < 0)
		return -1;

	size_t at = 0;
	for (size_t i = 0; i < turn->offers.n; i++) {
		struct offered *offered = &turn->offers.item[i];
		struct arena *arena = &offered->intent->arena;

		if (offered->n == 0)
			continue;
		offered->leases = arena_xalloc(arena, offered->n * sizeof *offered->leases);
		for (size_t k = 0; k < offered->n; k++) {
			struct run *run = offered->runs[k];
			if (run->job->change == ROW_NEW) {
				struct job_options own = new_options(uow, run->job_seq);
				const struct job_test *test = new_test(uow, run);
				quarantine_note_lease(turn, run, test->name);
				fill_lease(&offered->leases[k], run, test, &own, arena);
			} else {
				quarantine_note_lease(turn, run, tests[at].name);
				add_new_results(run, &keys[at], &tests[at]);
				fill_lease(&offered->leases[k], run, &tests[at], &options[at],
					arena);
				at++;
			}
		}
	}
	return 0;
}

/* ---- after the commit ---- */

static bool
has_something_to_hear(
	const struct engine *engine, const struct member *member, const struct poll *poll)
{
	if (must_drain(member, poll))
		return true;
	for (size_t i = 0; i < poll->n_holds; i++) {
		const struct run_ref *hold = &poll->holds[i];
		const struct member_run *run = member_run(member, hold->run, hold->fence);

		if (!run || (run->stop_reason && !hold->stopping) ||
			watch_is_news(engine, hold))
			return true;
	}
	return false;
}

/* What was said about runs in this turn, noted with the workers that have them. */
static void
note_signals(struct turn *turn)
{
	for (size_t i = 0; i < turn->uow.signals.n; i++) {
		const struct signal *signal = &turn->uow.signals.item[i];
		struct member *member = member_find(turn->engine, signal->worker);
		struct member_run *run =
			member ? member_run(member, signal->run, signal->fence) : NULL;

		if (!run)
			continue;
		if (signal->kind == SIGNAL_DROP)
			member_remove_run(turn->engine, signal->worker, signal->run);
		else
			run->stop_reason = signal->reason;
	}
}

void
dispatch_answer(struct turn *turn)
{
	struct engine *engine = turn->engine;

	note_signals(turn);
	for (size_t i = 0; i < turn->offers.n; i++) {
		struct offered *offered = &turn->offers.item[i];
		struct member *member = offered->member;
		struct intent *intent = offered->intent;
		bool is_over = intent->park_until_ms <= engine->now_ms;

		member->claiming = NULL;
		if (offered->n == 0 && !is_over &&
			!has_something_to_hear(engine, member, &intent->in.poll)) {
			if (member->parked != intent)
				member_park(engine, member, intent);
			continue;
		}
		if (member->parked == intent)
			(void)member_unpark(engine, member);
		poll_answer(turn, member, intent, offered);
	}
}
