/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a job is not running. The blockers are tried in the order in which a person can do
 * something about them; the first one found makes the sentence.
 */
#include "core/explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/limits.h"
#include "core/lanes.h"
#include "core/needs.h"
#include "core/plan_impl.h"

/* clang-format off */
static const char *const kind_names[BLOCKER_KIND_COUNT] = {
	[BLOCKER_START_TIME] = "start_time",
	[BLOCKER_PAUSED] = "paused",
	[BLOCKER_QUEUE_PAUSED] = "queue_paused",
	[BLOCKER_QUEUE_LIMIT] = "queue_limit",
	[BLOCKER_QUEUE_RATE] = "queue_rate",
	[BLOCKER_KEY_LIMIT] = "key_limit",
	[BLOCKER_KEY_RATE] = "key_rate",
	[BLOCKER_UNIQUE] = "unique",
	[BLOCKER_NO_WORKER_NEEDS] = "no_worker_needs",
	[BLOCKER_NEEDS_BUSY] = "needs_busy",
	[BLOCKER_SHARE] = "share",
	[BLOCKER_EXPIRES] = "expires",
	[BLOCKER_NO_WORKER_KIND] = "no_worker_kind",
	[BLOCKER_NO_WORKER_LABEL] = "no_worker_label",
	[BLOCKER_WORKERS_BUSY] = "workers_busy",
	[BLOCKER_AHEAD] = "jobs_ahead",
	[BLOCKER_RETRY_WAIT] = "retry_wait",
	[BLOCKER_CONCURRENCY] = "own_concurrency",
	[BLOCKER_HOOK] = "hook",
	[BLOCKER_ALONE] = "fixture_alone",
	[BLOCKER_KEPT] = "connection_kept",
	[BLOCKER_HELD] = "results_held",
	[BLOCKER_FLOW_RUN] = "flow_run",
	[BLOCKER_FLOW_HTTP] = "flow_http",
	[BLOCKER_FLOW_SIGNAL] = "flow_signal",
	[BLOCKER_FLOW_TIMER] = "flow_timer",
	[BLOCKER_FLOW_APPROVAL] = "flow_approval",
	[BLOCKER_FLOW_JOB] = "flow_job",
	[BLOCKER_FLOW_DEADLINE] = "flow_deadline",
};
/* clang-format on */

const char *
blocker_kind_name(enum blocker_kind kind)
{
	return kind_names[kind];
}

struct list {
	struct arena *arena;
	struct explanation *to;
};

static struct blocker *add(struct list *list, enum blocker_kind kind, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static struct blocker *
add(struct list *list, enum blocker_kind kind, const char *fmt, ...)
{
	struct blocker *blocker = &list->to->blockers[list->to->n_blockers++];
	va_list ap;

	va_start(ap, fmt);
	*blocker =
		(struct blocker) { .kind = kind, .text = arena_vprintf(list->arena, fmt, ap) };
	va_end(ap);
	return blocker;
}

static void
add_own(struct list *list, const struct explain_facts *facts)
{
	const struct job *job = facts->job;

	if (job->state == JOB_PAUSED)
		add(list, BLOCKER_PAUSED, "It is paused; unpause lets it go on.");
	if (facts->is_debounced)
		add(list, BLOCKER_UNIQUE,
			"It holds the unique key \"%s\": a new job with it may put it off.",
			job->unique_key)
			->subject = job->unique_key;
	if (job->run_at_ms > facts->now_ms && job->state == JOB_QUEUED)
		add(list, BLOCKER_START_TIME, "It is to start at %s.",
			arena_time(list->arena, job->run_at_ms))
			->until_ms = job->run_at_ms;
	if (!job->ready && facts->retry_due_ms > facts->now_ms)
		add(list, BLOCKER_RETRY_WAIT, "Its next attempt is due at %s.",
			arena_time(list->arena, facts->retry_due_ms))
			->until_ms = facts->retry_due_ms;
	if (job->running >= job->concurrency * (job->layout ? job->n_targets : 1))
		add(list, BLOCKER_CONCURRENCY,
			"%d of its runs %s under way, its concurrency allows no more.",
			(int)job->running, job->running == 1 ? "is" : "are")
			->count = job->running;
}

/* ---- grouped jobs ---- */

/* One look at one group. */
struct group_look {
	struct list *list;
	const struct explain_facts *facts;
	const struct grouping *grouping;
	const struct group *group;
	int32_t target;
};

/* Each kind is named once, for the first group that it holds back. */
static bool
is_named(const struct list *list, enum blocker_kind kind)
{
	for (size_t i = 0; i < list->to->n_blockers; i++) {
		if (list->to->blockers[i].kind == kind)
			return true;
	}
	return false;
}

/* A run of that test that a worker has now. */
static bool
is_leased(const struct group_look *look, int32_t first, int32_t n)
{
	const struct job *job = look->facts->job;

	for (const struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->state == RUN_LEASED && run->incarnation == job->incarnation &&
			run->target == look->target && run->test >= first &&
			run->test < first + n)
			return true;
	}
	return false;
}

static void
add_hooks(const struct group_look *look)
{
	const struct layout *layout = &look->grouping->layout;

	if (is_named(look->list, BLOCKER_HOOK))
		return;
	if (look->group->phase == GROUP_BEFORE && is_leased(look, layout->before, 1)) {
		add(look->list, BLOCKER_HOOK, "The before hook of the job is running.");
		return;
	}
	for (int32_t i = 0; i < look->group->n_open; i++) {
		const struct open_fixture *open = &look->group->open[i];
		const struct fixture_spec *spec = &layout->fixtures[open->fixture];
		bool is_before = open->phase == FIXTURE_BEFORE;
		if (open->phase == FIXTURE_TESTS ||
			!is_leased(look, is_before ? spec->before : spec->after, 1))
			continue;
		add(look->list, BLOCKER_HOOK, "The %s hook of fixture \"%s\" is running.",
			is_before ? "before" : "after", spec->name)
			->subject = spec->name;
		return;
	}
}

static void
add_alone(const struct group_look *look)
{
	const struct layout *layout = &look->grouping->layout;
	const struct job *job = look->facts->job;
	int32_t next = look->group->next_fixture;

	if (is_named(look->list, BLOCKER_ALONE))
		return;
	for (int32_t i = 0; i < look->group->n_open; i++) {
		const struct fixture_spec *spec =
			&layout->fixtures[look->group->open[i].fixture];
		if (spec->mode != FIXTURE_ISOLATED)
			continue;
		add(look->list, BLOCKER_ALONE, "Fixture \"%s\" runs alone.", spec->name)
			->subject = spec->name;
		return;
	}
	if (look->group->phase != GROUP_TESTS || next >= layout->n_fixtures ||
		layout->fixtures[next].mode != FIXTURE_ISOLATED || job->ready ||
		job->running + job->waiting == 0)
		return;
	add(look->list, BLOCKER_ALONE,
		"Fixture \"%s\" is to run alone and waits for %d other %s.",
		layout->fixtures[next].name, (int)(job->running + job->waiting),
		job->running + job->waiting == 1 ? "run" : "runs")
		->subject = layout->fixtures[next].name;
}

static void
add_kept(const struct group_look *look)
{
	for (int32_t i = 0; i < look->group->n_open; i++) {
		const struct open_fixture *open = &look->group->open[i];
		const struct fixture_spec *spec =
			&look->grouping->layout.fixtures[open->fixture];
		int64_t until_ms = open->seen_ms + CONNECTION_KEPT_MS;
		if (is_named(look->list, BLOCKER_KEPT) || open->connection == 0 ||
			uuid_is_zero(&open->worker.u) || until_ms <= look->facts->now_ms ||
			is_leased(look, spec->first, spec->n_tests))
			continue;
		struct blocker *blocker = add(look->list, BLOCKER_KEPT,
			"Fixture \"%s\" keeps to connection %d of its worker, at least until %s.",
			spec->name, (int)open->connection,
			arena_time(look->list->arena, until_ms));
		blocker->subject = spec->name;
		blocker->until_ms = until_ms;
	}
}

static void
add_held(const struct group_look *look)
{
	const struct job *job = look->facts->job;
	struct group_load load = { 0 };
	int64_t n_held = 0;

	for (const struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->incarnation != job->incarnation || run->target != look->target)
			continue;
		group_load_add(&load, run);
		n_held += run->state == RUN_HELD;
	}
	if (group_is_full(job, &load) && !is_named(look->list, BLOCKER_HELD))
		add(look->list, BLOCKER_HELD,
			"%" PRId64 " results wait for the release of an earlier one.", n_held)
			->count = n_held;
}

static void
add_groups(struct list *list, const struct explain_facts *facts)
{
	const struct grouping *grouping = facts->job->grouping;

	for (int32_t i = 0; i < grouping->n_groups; i++) {
		const struct group_look look = { list, facts, grouping, &grouping->groups[i],
			i };
		add_hooks(&look);
		add_alone(&look);
		add_kept(&look);
		add_held(&look);
	}
}

/* ---- around the job ---- */

static const char *
queue_words(struct list *list, const struct queue *queue)
{
	if (strcmp(queue->name, QUEUE_STAR) == 0)
		return "All queues together";
	return arena_printf(list->arena, "The queue \"%s\"", queue->name);
}

static void
add_queue(struct list *list, const struct queue *queue)
{
	struct blocker *blocker;
	bool is_star = strcmp(queue->name, QUEUE_STAR) == 0;
	int32_t running = is_star && queue->load ? queue->load->running : queue->running;

	if (queue->paused && !is_named(list, BLOCKER_QUEUE_PAUSED)) {
		blocker = is_star ? add(list, BLOCKER_QUEUE_PAUSED, "All queues are paused.")
				  : add(list, BLOCKER_QUEUE_PAUSED,
					    "The queue \"%s\" is paused.", queue->name);
		blocker->subject = queue->name;
	}
	if (queue->concurrency > 0 && running >= queue->concurrency &&
		!is_named(list, BLOCKER_QUEUE_LIMIT)) {
		blocker = add(list, BLOCKER_QUEUE_LIMIT, "%s %s %d of at most %d runs.",
			queue_words(list, queue), is_star ? "run" : "runs", (int)running,
			(int)queue->concurrency);
		blocker->subject = queue->name;
		blocker->count = queue->concurrency;
	}
}

static void
add_rate(struct list *list, const struct explain_facts *facts)
{
	if (facts->rate_until_ms == 0)
		return;
	struct blocker *blocker = add(list, BLOCKER_QUEUE_RATE,
		"The rate of its queue lets the next run begin at %s.",
		arena_time(list->arena, facts->rate_until_ms));
	blocker->until_ms = facts->rate_until_ms;
	blocker->subject = facts->queue->name;
}

/* The place's name without its scope: "site=shop.example". */
static const char *
key_text(const char *place)
{
	const char *colon = strchr(place, ':');

	return colon ? colon + 1 : place;
}

static void
add_key(struct list *list, const struct explain_facts *facts)
{
	const char *key = facts->held ? key_text(facts->held) : NULL;
	struct blocker *blocker;

	if (!key)
		return;
	if (facts->held_until_ms > 0) {
		blocker = add(list, BLOCKER_KEY_RATE,
			"The rate of %s lets the next run begin at %s.", key,
			arena_time(list->arena, facts->held_until_ms));
		blocker->until_ms = facts->held_until_ms;
	} else if (facts->held_limit && facts->held_limit->concurrency > 0) {
		blocker = add(list, BLOCKER_KEY_LIMIT, "%d of at most %d runs with %s go on.",
			(int)facts->held_running, (int)facts->held_limit->concurrency, key);
		blocker->count = facts->held_limit->concurrency;
	} else {
		blocker = add(list, BLOCKER_KEY_LIMIT,
			"It comes back into the line with the next free connection: %s had a limit.",
			key);
	}
	blocker->subject = key;
}

static void
add_expiry(struct list *list, const struct explain_facts *facts)
{
	if (!plan_may_expire(facts->job))
		return;
	add(list, BLOCKER_EXPIRES, "It expires at %s when it has not begun by then.",
		arena_time(list->arena, facts->job->expires_ms))
		->until_ms = facts->job->expires_ms;
}

static const char *
labels_text(struct list *list, const char *labels)
{
	char *text = arena_strdup(list->arena, labels);

	for (char *c = text; c && *c; c++) {
		if (*c == '\n')
			*c = ' ';
	}
	return text ? text : "";
}

static void
add_scarce(struct list *list, const struct explain_facts *facts)
{
	const struct lane *lane = facts->lane;
	const char *name = facts->scarce ? facts->scarce : "what it needs";
	double wanted = (double)needs_amount(lane->needs, str_of(name)) / 1000;
	bool is_the_machines = strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0;

	add(list, BLOCKER_NO_WORKER_NEEDS,
		"No worker for \"%s\" has so much of \"%s\": a run takes %.15g, the most that one has is "
		"%.15g%s%s%s.",
		lane->kind, name, wanted, (double)facts->scarce_most / 1000,
		is_the_machines ? "" : "; a worker is given it by --resource ",
		is_the_machines ? "" : name, is_the_machines ? "" : "=N")
		->subject = facts->scarce;
}

static void
add_workers(struct list *list, const struct explain_facts *facts)
{
	const struct lane *lane = facts->lane;
	bool has_needs = lane->needs && *lane->needs;
	struct blocker *blocker;

	if (facts->n_workers_kind == 0) {
		blocker = add(list, BLOCKER_NO_WORKER_KIND,
			"No worker that carries out \"%s\" is online.", lane->kind);
		blocker->subject = lane->kind;
	} else if (facts->n_workers_match == 0) {
		blocker = add(list, BLOCKER_NO_WORKER_LABEL,
			"No worker for \"%s\" has the labels %s.", lane->kind,
			labels_text(list, lane->labels));
		blocker->subject = lane->labels;
	} else if (has_needs && facts->n_workers_needs == 0) {
		add_scarce(list, facts);
	} else if (has_needs && facts->n_workers_room == 0) {
		blocker = add(list, BLOCKER_NEEDS_BUSY,
			"The workers that have enough of \"%s\" use it for other runs.",
			facts->scarce ? facts->scarce : "what it needs");
		blocker->subject = facts->scarce;
	} else if (facts->busy_match >= facts->capacity_match) {
		blocker = add(list, BLOCKER_WORKERS_BUSY,
			"All %" PRId64
			" connections of the workers that could run it are busy.",
			facts->capacity_match);
		blocker->count = facts->capacity_match;
	}
	if (facts->served_first)
		add(list, BLOCKER_SHARE, "%s first.", facts->served_first);
	if (facts->ahead > 0)
		add(list, BLOCKER_AHEAD, "%" PRId64 " %s before it.", facts->ahead,
			facts->ahead == 1 ? "job stands" : "jobs stand")
			->count = facts->ahead;
}

static const char *
plain_sentence(struct arena *arena, const struct job *job)
{
	const char *reason = job_reason_name(job_shown_reason(job));

	if (job_state_is_final(job->state))
		return arena_printf(arena, "It has ended: %s (%s).", job_state_name(job->state),
			reason ? reason : "no reason recorded");
	if (job->running > 0)
		return arena_printf(arena, "It is running: %d of its runs %s under way.",
			(int)job->running, job->running == 1 ? "is" : "are");
	if (job->state == JOB_STOPPING || job->state == JOB_PAUSING)
		return arena_printf(arena, "It is %s.", job_state_name(job->state));
	return "Nothing holds it back; a worker takes it with its next poll.";
}

struct explanation *
explain_job(const struct explain_facts *facts, struct arena *arena)
{
	struct explanation *explanation = arena_xalloc(arena, sizeof *explanation);
	struct list list = { .arena = arena, .to = explanation };

	*explanation = (struct explanation) {
		.id = facts->job->id,
		.state = facts->job->state,
		.blockers = arena_xalloc(arena, BLOCKER_KIND_COUNT * sizeof(struct blocker)),
	};
	if (!job_state_is_final(facts->job->state) && facts->job->state != JOB_STOPPING) {
		add_own(&list, facts);
		if (facts->job->layout && facts->job->grouping)
			add_groups(&list, facts);
		if (facts->queue && facts->job->state != JOB_PAUSED) {
			add_queue(&list, facts->queue);
			if (facts->star)
				add_queue(&list, facts->star);
			add_rate(&list, facts);
			add_key(&list, facts);
		}
		if (facts->job->ready && facts->lane)
			add_workers(&list, facts);
		add_expiry(&list, facts);
	}
	explanation->ahead = facts->ahead;
	explanation->connections = facts->capacity_match;
	explanation->busy = facts->busy_match;
	for (size_t i = 0; i < explanation->n_blockers; i++) {
		const struct blocker *blocker = &explanation->blockers[i];
		if (blocker->kind != BLOCKER_EXPIRES &&
			blocker->until_ms > explanation->until_ms)
			explanation->until_ms = blocker->until_ms;
	}
	/* That it may expire holds nothing back: it is always the last one. */
	size_t n_holding = explanation->n_blockers - is_named(&list, BLOCKER_EXPIRES);
	explanation->sentence = n_holding > 0 && facts->job->running == 0
		? explanation->blockers[0].text
		: plain_sentence(arena, facts->job);
	return explanation;
}
