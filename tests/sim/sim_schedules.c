/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sim_schedules [--seed N] [--seeds N]: schedules in a world of their own. The real engine and
 * store, a conductor that is slow, says things twice and forgets everything with the server,
 * crashes before and after commits, outages, and a wall clock that is set. Small, so that many
 * occurrences pass in a seed.
 *
 * Promises (docs/protocol/schedules.md, 4): an occurrence makes at most one job; a job of a
 * schedule has its firing, and a firing its job; every occurrence up to the cursor is accounted
 * for once; with missed "all" and overlap "parallel" none is lost.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/steady.h"
#include "core/schedule.h"
#include "engine/engine.h"
#include "store/faulty.h"
#include "store/store.h"

enum {
	SCHEDULES = 3,
	STEPS = 400,
	ERRANDS_MAX = 4096,
	JOBS_MAX = 8192,
};

struct errand {
	struct uuid schedule;
	int64_t at_ms, due_mono_ms;
};

struct world {
	uint64_t seed;
	struct rng rng;
	int64_t mono_ms, wall_offset_ms;
	char store_name[40];
	struct store *store;
	struct engine *engine;
	struct steady_clock clock;
	bool calm;
	struct errand errand[ERRANDS_MAX];
	size_t n_errands;
	struct uuid schedule[SCHEDULES];
	bool can_lose[SCHEDULES];
	int crashes;
	int64_t fired;
};

static void __attribute__((format(printf, 2, 3), noreturn))
broken(const struct world *world, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fprintf(stderr, "seed %" PRIu64 ": ", world->seed);
	vfprintf(stderr, fmt, ap);
	fprintf(stderr, "\n");
	va_end(ap);
	exit(1);
}

static int64_t
between(struct world *world, int64_t low, int64_t high)
{
	return low + (int64_t)rng_below(&world->rng, (uint64_t)(high - low + 1));
}

static bool
chance(struct world *world, int percent)
{
	return between(world, 1, 100) <= percent;
}

static int64_t
wall_ms(const struct world *world)
{
	return INT64_C(1774742400000) + world->mono_ms + world->wall_offset_ms;
}

/* ---- the server ---- */

static void
server_start(struct world *world)
{
	struct fault_plan faults = { .rng = world->calm ? NULL : &world->rng,
		.load = 2,
		.save_before = 6,
		.save_after = 6,
		.conflict = 3 };
	struct engine_options options = { .seed = rng_u64(&world->rng) | 1, .ageing_ms = -1 };
	struct store *inner;
	struct err err;

	for (;;) {
		if (store_open_memory(&inner, world->store_name, &err) < 0 ||
			store_open_faulty(&world->store, inner, faults) < 0)
			broken(world, "the store does not open: %s", err.text);
		if (engine_open(&world->engine, world->store, &options, wall_ms(world), &err) ==
			0)
			break;
		world->store = store_close(world->store);
	}
	steady_clock_init(
		&world->clock, wall_ms(world), engine_now(world->engine), world->mono_ms);
}

/* With it goes what the conductor had under way. */
static void
server_crash(struct world *world)
{
	world->crashes++;
	world->n_errands = 0;
	world->engine = engine_close(world->engine, NULL);
	world->store = store_close(world->store);
	world->mono_ms +=
		chance(world, 20) ? between(world, 0, HOURS_MS(2)) : between(world, 0, 5000);
	server_start(world);
}

static void
take_effects(struct world *world, const struct turn_output *out)
{
	for (size_t i = 0; i < out->n_effects; i++) {
		const struct effect *effect = &out->effects[i];
		if (effect->kind != EFFECT_SCHEDULE_FIRE)
			continue;
		if (world->n_errands == ERRANDS_MAX)
			broken(world, "there is no end of effects");
		world->errand[world->n_errands++] = (struct errand) {
			.schedule = effect->what,
			.at_ms = effect->at_ms,
			.due_mono_ms = world->mono_ms +
				between(world, 0, chance(world, 10) ? 90000 : 50),
		};
	}
}

/* One turn; the intent may be NULL. False: the server crashed in it. */
static bool
turn(struct world *world, struct intent *intent)
{
	struct turn_output *out;
	struct err err;

	int64_t now = steady_clock_ms(&world->clock, wall_ms(world), world->mono_ms);
	int rc = engine_turn(world->engine, &intent, intent != NULL, now, &out, &err);
	bool crashes = rc < 0 || (!world->calm && chance(world, 2));
	if (rc < 0 && world->calm)
		broken(world, "turn: %s", err.text);
	if (!crashes)
		take_effects(world, out);
	turn_output_free(out);
	if (crashes)
		server_crash(world);
	return !crashes;
}

/* Everything that is due, as the engine's thread would do it. */
static void
let_pass(struct world *world, int64_t ms)
{
	int64_t end = world->mono_ms + ms;

	while (world->mono_ms < end) {
		int64_t due = engine_next_due(world->engine);
		int64_t now = engine_now(world->engine);
		int64_t wait = due == INT64_MAX ? end : due > now ? due - now : 0;

		world->mono_ms = wait < end - world->mono_ms ? world->mono_ms + wait : end;
		if (due != INT64_MAX || world->mono_ms == end)
			(void)turn(world, NULL); /* or it crashed, and is there again */
		if (wait == 0)
			world->mono_ms++; /* time goes on while it works */
	}
}

/* ---- the conductor ---- */

static struct intent *
make_report(struct world *world, const struct errand *errand)
{
	struct intent *intent = intent_new(INTENT_SCHEDULE_FIRE, 1, MIB(1));
	struct job_spec *spec = arena_xalloc(&intent->arena, sizeof *spec);
	struct test_spec *test = arena_xalloc(&intent->arena, sizeof *test);

	*test = (struct test_spec) { .name = "t", .kind = "command", .body = STR_INIT("{}") };
	*spec = (struct job_spec) {
		.name = "fired",
		.tags = "[]",
		.labels = "",
		.tests = test,
		.n_tests = 1,
		.n_targets = 1,
		.before = -1,
		.after = -1,
		.iterations = 1,
		.concurrency = 1,
		.retry = { .factor = 1 },
	};
	intent->in.schedule_report = (struct schedule_report) {
		.schedule = errand->schedule,
		.at_ms = errand->at_ms,
		.spec = spec,
	};
	if (!world->calm && chance(world, 2)) {
		intent->in.schedule_report.spec = NULL;
		intent->in.schedule_report.error = "there is no such template";
	}
	return intent;
}

static void
carry_out(struct world *world)
{
	for (size_t i = 0; i < world->n_errands;) {
		struct errand errand = world->errand[i];
		bool twice = !world->calm && chance(world, 10);

		if (errand.due_mono_ms > world->mono_ms) {
			i++;
			continue;
		}
		world->errand[i] = world->errand[--world->n_errands];
		if (!turn(world, make_report(world, &errand)))
			return;
		if (twice && !turn(world, make_report(world, &errand)))
			return;
	}
}

/* ---- what is asked for ---- */

static void
add_schedule(struct world *world, int i)
{
	static const char *const when[] = { "\"every\":\"7m\"", "\"cron\":\"*/5 * * * *\"",
		"\"cron\":\"30 2 * * *\",\"timezone\":\"Europe/Berlin\"",
		"\"every\":\"10m\",\"jitter\":\"3m\"", "\"every\":\"3m\",\"jitter\":\"8m\"" };
	static const char *const missed[] = { "skip", "once", "all" };
	static const char *const overlap[] = { "skip", "queue", "cancel", "parallel" };
	size_t w = (size_t)between(world, 0, (int64_t)ARRAY_LEN(when) - 1);
	int m = (int)between(world, 0, 2), o = (int)between(world, 0, 3);
	char name[8], spec[400];

	(void)snprintf(name, sizeof name, "s%d", i);
	(void)snprintf(spec, sizeof spec,
		"{\"name\":\"%s\",\"start\":{\"template\":\"t\"},%s,\"missed\":\"%s\","
		"\"missedMax\":100,\"overlap\":\"%s\"}",
		name, when[w], missed[m], overlap[o]);
	/* Of the most frequent one an outage may be longer than missedMax. */
	world->can_lose[i] = m != 2 || o != 3 || w == ARRAY_LEN(when) - 1;
	for (;;) {
		struct intent *intent = intent_new(INTENT_SCHEDULE_PUT, 1, MIB(1));

		intent->in.schedule = (struct schedule_change) {
			.name = arena_strdup(&intent->arena, name),
			.spec = arena_strdup(&intent->arena, spec),
			.if_revision = -1, /* asked for again, it changes nothing */
		};
		if (turn(world, intent))
			return;
	}
}

static void
cancel(struct world *world, struct job_id job)
{
	struct intent *intent = intent_new(INTENT_JOB_COMMAND, 1, MIB(1));

	intent->in.command.id = job;
	intent->in.command.command = JOB_CMD_CANCEL;
	(void)turn(world, intent); /* it may have ended: then nothing happens */
}

/* ---- looking at the store ---- */

struct view {
	struct arena arena;
	struct store_reader *reader;
	struct schedule *schedules;
	size_t n;
};

static void
view_open(struct world *world, struct view *view)
{
	struct err err;

	arena_init(&view->arena, MIB(256));
	if (store_reader_open(&view->reader, world->store, &err) < 0 ||
		read_schedules(
			view->reader, 1, &view->arena, &view->schedules, &view->n, &err) < 0)
		broken(world, "reading: %s", err.text);
	for (size_t i = 0; i < view->n; i++) {
		schedule_open(&view->schedules[i]);
		if (view->schedules[i].live->fault)
			broken(world, "%s", view->schedules[i].live->fault);
	}
}

static void
view_close(struct view *view)
{
	for (size_t i = 0; i < view->n; i++)
		schedule_close(&view->schedules[i]);
	view->reader = store_reader_close(view->reader);
	arena_deinit(&view->arena);
}

/* Some job of some schedule ends; all of them when the world is calm. */
static void
end_jobs(struct world *world)
{
	struct view view;

	view_open(world, &view);
	for (size_t i = 0; i < view.n; i++) {
		const struct schedule_live *live = view.schedules[i].live;
		for (size_t k = 0; k < live->n_active; k++)
			if (world->calm || chance(world, 60))
				cancel(world, live->active[k]);
	}
	view_close(&view);
}

static bool
all_have_ended(struct world *world)
{
	struct view view;
	size_t n = world->n_errands;

	view_open(world, &view);
	for (size_t i = 0; i < view.n; i++) {
		const struct schedule_live *live = view.schedules[i].live;
		n += live->n_pending + live->n_waiting + live->n_active;
	}
	view_close(&view);
	return n == 0;
}

/* ---- the promises ---- */

static struct job **
jobs_of(struct world *world, struct view *view, int64_t schedule, size_t *ret_n)
{
	struct job **jobs = arena_xalloc(&view->arena, JOBS_MAX * sizeof *jobs);
	struct job_filter filter = { .project = 1, .schedule = schedule, .limit = 1000 };
	struct job_page page;
	struct err err;

	*ret_n = 0;
	do {
		if (read_jobs(view->reader, &filter, &view->arena, &page, &err) < 0)
			broken(world, "jobs: %s", err.text);
		if (*ret_n + page.n > JOBS_MAX)
			broken(world, "there is no end of jobs");
		for (size_t i = 0; i < page.n; i++)
			jobs[(*ret_n)++] = page.items[i];
		filter.cursor = str_of(page.next_cursor);
	} while (page.next_cursor);
	return jobs;
}

static void
check_jobs(struct world *world, struct view *view, const struct schedule *schedule)
{
	struct firing *firings;
	size_t n_firings, n_jobs, found = 0;
	struct err err;
	struct job **jobs = jobs_of(world, view, schedule->seq, &n_jobs);

	if (read_firings(view->reader, schedule->seq, INT64_MAX, JOBS_MAX, &view->arena,
		    &firings, &n_firings, &err) < 0)
		broken(world, "firings: %s", err.text);
	for (size_t i = 0; i < n_firings; i++) {
		if (i > 0 && firings[i].at_ms >= firings[i - 1].at_ms)
			broken(world, "%s: an occurrence fired twice", schedule->name);
		for (size_t k = 0; k < n_jobs; k++)
			found += uuid_eq(&jobs[k]->id.u, &firings[i].job.u);
	}
	if (n_jobs != n_firings || found != n_firings)
		broken(world, "%s: %zu jobs, %zu firings, %zu of them fit", schedule->name,
			n_jobs, n_firings, found);
	if ((int64_t)n_firings != schedule->live->fired)
		broken(world, "%s: %zu firings, %" PRId64 " counted", schedule->name, n_firings,
			schedule->live->fired);
}

static void
check_accounts(const struct world *world, const struct schedule *schedule)
{
	const struct schedule_live *live = schedule->live;
	int64_t at_ms = schedule->created_ms, n = 0;

	while (schedule_spec_next(&live->spec, schedule->created_ms, at_ms, &at_ms) == 0 &&
		at_ms <= live->cursor_ms)
		n++;
	if (n != live->fired + live->missed + live->failed)
		broken(world,
			"%s: %" PRId64 " occurrences: %" PRId64 " fired, %" PRId64
			" missed, %" PRId64 " failed",
			schedule->name, n, live->fired, live->missed, live->failed);
}

static void
check(struct world *world)
{
	struct view view;

	view_open(world, &view);
	for (size_t i = 0; i < view.n; i++) {
		const struct schedule *schedule = &view.schedules[i];
		int place = schedule->name[1] - '0';

		check_jobs(world, &view, schedule);
		check_accounts(world, schedule);
		if (!world->can_lose[place] && schedule->live->missed > 0)
			broken(world, "%s: %" PRId64 " were lost", schedule->name,
				schedule->live->missed);
		world->fired += schedule->live->fired;
	}
	view_close(&view);
}

/* ---- */

static void
step(struct world *world)
{
	int64_t what = between(world, 1, 100);

	if (what <= 50)
		let_pass(world, between(world, 1, MINUTES_MS(4)));
	else if (what <= 90)
		carry_out(world);
	else if (what <= 97)
		end_jobs(world);
	else if (what <= 99)
		world->wall_offset_ms += between(world, -HOURS_MS(1), HOURS_MS(1));
	else
		server_crash(world);
}

static void
run_seed(uint64_t seed, int *crashes, int64_t *fired)
{
	struct world *world = calloc(1, sizeof *world);

	if (!world)
		abort();
	world->seed = seed;
	rng_seed(&world->rng, seed);
	(void)snprintf(world->store_name, sizeof world->store_name, "schedules-%" PRIu64, seed);
	server_start(world);
	for (int i = 0; i < SCHEDULES; i++)
		add_schedule(world, i);
	for (int i = 0; i < STEPS; i++)
		step(world);
	/* Nothing is made any more; what is on its way comes to its end. */
	world->calm = true;
	server_crash(world);
	/* A hundred may wait for each other, and new ones come due meanwhile. */
	for (int i = 0; i < 20000 && !all_have_ended(world); i++) {
		let_pass(world, 1000);
		carry_out(world);
		end_jobs(world);
	}
	if (!all_have_ended(world))
		broken(world, "something waits for ever");
	check(world);
	*crashes += world->crashes;
	*fired += world->fired;
	(void)engine_close(world->engine, NULL);
	(void)store_close(world->store);
	store_memory_forget(world->store_name);
	free(world);
}

int
main(int argc, char **argv)
{
	int64_t first = 1, n = 300, fired = 0;
	int crashes = 0;
	struct err err;

	for (int i = 1; i + 1 < argc; i += 2) {
		bool is_one = strcmp(argv[i], "--seed") == 0;
		if (parse_i64(str_of(argv[i + 1]), 0, INT64_MAX, is_one ? &first : &n, &err) <
			0)
			return 2;
		if (is_one)
			n = 1;
	}
	int64_t begin = clock_mono_ms();
	for (int64_t seed = first; seed < first + n; seed++)
		run_seed((uint64_t)seed, &crashes, &fired);
	printf("%" PRId64 " seeds, %d crashes, %" PRId64
	       " firings, %.1f s: every promise kept\n",
		n, crashes, fired, (double)(clock_mono_ms() - begin) / 1000.0);
	return 0;
}
