/* SPDX-License-Identifier: Apache-2.0 */
/* Time, network, server. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/mem.h"
#include "sim.h"
#include "store/faulty.h"

#define WALL_START_MS INT64_C(1767225600000)

/* ---- small things ---- */

void
sim_fail(const struct world *world, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "seed %llu, at %lld ms: ", (unsigned long long)world->seed,
		(long long)world->mono_ms);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\nreplay: sim --seed %llu --verbose\n",
		(unsigned long long)world->seed);
	exit(1);
}

void
sim_say(const struct world *world, const char *fmt, ...)
{
	va_list ap;

	if (!world->verbose)
		return;
	printf("%8lld  ", (long long)world->mono_ms);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

bool
chance(struct world *world, int percent)
{
	return rng_below(&world->rng, 100) < (uint64_t)percent;
}

int64_t
between(struct world *world, int64_t low, int64_t high)
{
	return low + (int64_t)rng_below(&world->rng, (uint64_t)(high - low + 1));
}

int64_t
wall_ms(const struct world *world)
{
	return WALL_START_MS + world->mono_ms + world->wall_offset_ms;
}

void
after(struct world *world, int64_t delay_ms, void (*run)(struct world *, void *), void *arg)
{
	struct action *action = xcalloc(1, sizeof *action);

	action->node.key = world->mono_ms + delay_ms;
	action->node.tie = world->next_tie++;
	action->run = run;
	action->arg = arg;
	heap_push(&world->actions, &action->node);
}

/* ---- requests ---- */

static void
request_answer(struct request *request, struct intent *intent)
{
	if (request->answered)
		return;
	request->answered = true;
	list_remove(&request->node);
	request->answer(request->world, request->arg, intent);
}

static void
request_timeout(struct world *world, void *arg)
{
	(void)world;
	request_answer(arg, NULL);
}

struct delivery {
	struct request *request;
	struct intent *intent;
};

static void plan_turn(struct world *world, int64_t delay_ms);

static void
arrive(struct world *world, void *arg)
{
	struct delivery *delivery = arg;

	if (world->engine) {
		list_push_back(&world->inbox, &delivery->intent->node);
		plan_turn(world, world->calm ? 0 : between(world, 0, 3));
	} else {
		intent_free(delivery->intent);
		request_answer(delivery->request, NULL); /* refused */
	}
	free(delivery);
}

static void
come_back(struct world *world, void *arg)
{
	struct delivery *delivery = arg;

	(void)world;
	request_answer(delivery->request, delivery->intent);
	intent_free(delivery->intent);
	free(delivery);
}

static struct delivery *
delivery_new(struct request *request, struct intent *intent)
{
	struct delivery *delivery = xcalloc(1, sizeof *delivery);

	delivery->request = request;
	delivery->intent = intent;
	return delivery;
}

void
world_send(struct world *world, struct intent *(*make)(struct world *, void *), void *make_arg,
	void (*answer)(struct world *, void *, struct intent *), void *arg)
{
	struct request *request = arena_xalloc(&world->arena, sizeof *request);
	int copies = !world->calm && chance(world, 5) ? 2 : 1;

	list_init(&request->node);
	list_push_back(&world->requests, &request->node);
	request->world = world;
	request->answer = answer;
	request->arg = arg;
	for (int i = 0; i < copies; i++) {
		struct intent *intent = make(world, make_arg);
		intent->user = request;
		if (!world->calm && chance(world, 4)) { /* lost on the way */
			intent_free(intent);
			continue;
		}
		after(world, between(world, 1, chance(world, 10) && !world->calm ? 3000 : 20),
			arrive, delivery_new(request, intent));
	}
	after(world, 40000, request_timeout, request);
}

void
world_submit(struct world *world, struct intent *intent)
{
	list_push_back(&world->inbox, &intent->node);
	plan_turn(world, 0);
}

/* ---- the server ---- */

static int
open_store(struct world *world, struct err *err)
{
	struct store_options store_options = { .durability = STORE_OS };
	struct fault_plan faults = {
		.rng = &world->rng, .load = 1, .save_before = 2, .save_after = 2, .conflict = 1
	};
	struct store *inner;
	int rc = world->sqlite_dir
		? store_open_sqlite(&inner, world->store_name, &store_options, err)
		: store_open_memory(&inner, world->store_name, err);

	if (rc < 0)
		return -1;
	world->store_is_sound = world->calm;
	if (world->calm)
		faults.rng = NULL;
	return store_open_faulty(&world->store, inner, faults);
}

/* What the world kept, gone. */
static void
forget_store(const struct world *world)
{
	static const char *const ends[] = { "", "-wal", "-shm", "-lock" };
	char path[sizeof world->store_name + 8];

	if (!world->sqlite_dir) {
		store_memory_forget(world->store_name);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(path, sizeof path, "%s%s", world->store_name, ends[i]);
		(void)unlink(path); /* not every one is there */
	}
}

static void
server_start(struct world *world, void *arg)
{
	struct engine_options options = { .seed = rng_u64(&world->rng) | 1, .ageing_ms = -1 };
	struct err err;

	(void)arg;
	if (open_store(world, &err) < 0)
		sim_fail(world, "the store does not open: %s", err.text);
	if (engine_open(&world->engine, world->store, &options, wall_ms(world), &err) < 0) {
		if (world->store_is_sound)
			sim_fail(world, "the server does not start: %s", err.text);
		world->store = store_close(world->store);
		after(world, 1000, server_start, NULL);
		return;
	}
	steady_clock_init(
		&world->clock, wall_ms(world), engine_now(world->engine), world->mono_ms);
	sim_say(world, "server starts");
	check_now(world);
	plan_turn(world, 0);
}

static void
server_crash(struct world *world)
{
	sim_say(world, "server crashes");
	world->crashes++;
	world->engine = engine_close(world->engine, NULL);
	world->store = store_close(world->store);
	while (!list_empty(&world->inbox))
		intent_free(list_entry(list_pop_front(&world->inbox), struct intent, node));
	/* Connections break; who waits for an answer learns it soon. */
	LIST_FOR_EACH(node, &world->requests) {
		struct request *request = list_entry(node, struct request, node);
		after(world, between(world, 1, 50), request_timeout, request);
	}
	after(world, between(world, 10, 4000), server_start, NULL);
}

/* Every answer of a turn goes back over the network, or is lost there. */
static void
send_answers(struct world *world, struct turn_output *out)
{
	while (!list_empty(&out->done)) {
		struct intent *intent =
			list_entry(list_pop_front(&out->done), struct intent, node);

		if (!intent->user || (!world->calm && chance(world, 4))) {
			intent_free(intent);
			continue;
		}
		after(world, between(world, 1, chance(world, 5) && !world->calm ? 2000 : 20),
			come_back, delivery_new(intent->user, intent));
	}
}

static size_t
take_batch(struct world *world, struct intent **batch)
{
	size_t n = 0, max = world->calm ? TURN_INTENTS_MAX : (size_t)between(world, 1, 12);

	while (n < max && !list_empty(&world->inbox))
		batch[n++] = list_entry(list_pop_front(&world->inbox), struct intent, node);
	return n;
}

static void
turn(struct world *world, void *arg)
{
	struct intent *batch[TURN_INTENTS_MAX];
	struct turn_output *out;
	struct err err;

	(void)arg;
	world->turn_planned = false;
	if (!world->engine)
		return;
	if (!world->calm && chance(world, 1)) { /* before anything was done */
		server_crash(world);
		return;
	}
	size_t n = take_batch(world, batch);
	int64_t now = steady_clock_ms(&world->clock, wall_ms(world), world->mono_ms);
	bool failed = engine_turn(world->engine, batch, n, now, &out, &err) < 0;
	if (failed && world->calm && world->store_is_sound)
		sim_fail(world, "turn: %s", err.text);
	if (failed) { /* everybody hears so, and the operator starts it again */
		send_answers(world, out);
		turn_output_free(out);
		server_crash(world);
		return;
	}
	if (!world->calm && chance(world, 1)) { /* after the commit, before the answers */
		turn_output_free(out);
		server_crash(world);
		return;
	}
	conduct(world, out);
	send_answers(world, out);
	turn_output_free(out);
	if (chance(world, 2))
		check_now(world);
	if (!list_empty(&world->inbox)) {
		plan_turn(world, world->calm ? 0 : between(world, 0, 3));
		return;
	}
	int64_t due = engine_next_due(world->engine);
	if (due != INT64_MAX)
		plan_turn(world, due > now ? due - now : 0);
}

/* A turn that was planned for later does no harm: it finds nothing to do. */
static void
plan_turn(struct world *world, int64_t delay_ms)
{
	if (world->turn_planned && world->wake_planned_ms <= world->mono_ms + delay_ms)
		return;
	world->turn_planned = true;
	world->wake_planned_ms = world->mono_ms + delay_ms;
	after(world, delay_ms, turn, NULL);
}

static void
jump_clock(struct world *world, void *arg)
{
	(void)arg;
	if (world->calm)
		return;
	world->wall_offset_ms += between(world, -HOURS_MS(1), HOURS_MS(1));
	sim_say(world, "the wall clock jumps");
	after(world, between(world, 20000, 200000), jump_clock, NULL);
}

/* ---- life ---- */

/* A queue that lets few runs through and is served first, and limits by key of all queues.
 * False: the store failed. */
static bool
make_narrow_queue(struct world *world)
{
	struct intent *intents[] = { intent_new(INTENT_QUEUE_PUT, 1, MIB(1)),
		intent_new(INTENT_QUEUE_PUT, 1, MIB(1)) };
	struct turn_output *out;
	struct err err;

	intents[0]->in.queue = (struct queue_put) {
		.name = "narrow",
		.priority = 1,
		.concurrency = 2,
		.rate = { 40, 60000, 10 },
		.limits = "[{\"key\":\"team\",\"rate\":{\"limit\":20,\"per\":\"1m\"}}]",
		.fair_by = "team",
		.ageing_ms = AGEING_MS_DEFAULT,
	};
	intents[1]->in.queue = (struct queue_put) {
		.name = "*",
		.limits = "[{\"key\":\"site\",\"concurrency\":" SITE_RUNS_TEXT "}]",
		.ageing_ms = AGEING_MS_DEFAULT,
	};
	int rc = engine_turn(world->engine, intents, 2, wall_ms(world), &out, &err);
	turn_output_free(out);
	return rc == 0;
}

void
world_init(struct world *world, uint64_t seed, const char *sqlite_dir, bool verbose)
{
	*world = (struct world) { .seed = seed, .sqlite_dir = sqlite_dir, .verbose = verbose };
	rng_seed(&world->rng, seed);
	arena_init(&world->arena, MIB(64));
	heap_init(&world->actions);
	list_init(&world->inbox);
	list_init(&world->requests);
	snprintf(world->store_name, sizeof world->store_name, "%s%ssim-%llu.db",
		sqlite_dir ? sqlite_dir : "", sqlite_dir ? "/" : "", (unsigned long long)seed);
	server_start(world, NULL);
	while (!make_narrow_queue(world)) {
		world->engine = engine_close(world->engine, NULL);
		world->store = store_close(world->store);
		server_start(world, NULL);
	}
	if (chance(world, 30))
		after(world, between(world, 5000, 60000), jump_clock, NULL);
}

bool
world_run(struct world *world, int64_t until_ms, bool (*done)(struct world *))
{
	while (!done || !done(world)) {
		struct heap_node *node = heap_peek(&world->actions);

		if (!node || node->key > until_ms) {
			world->mono_ms = until_ms;
			return false;
		}
		heap_pop(&world->actions);
		struct action *action = container_of(node, struct action, node);
		if (node->key > world->mono_ms)
			world->mono_ms = node->key;
		action->run(world, action->arg);
		free(action);
	}
	return true;
}

void
world_deinit(struct world *world)
{
	/* What is still under way comes to nothing: run it out without a server. */
	world->calm = true;
	if (world->engine)
		world->engine = engine_close(world->engine, NULL);
	while (!list_empty(&world->inbox))
		intent_free(list_entry(list_pop_front(&world->inbox), struct intent, node));
	world->store = store_close(world->store);
	forget_store(world);
	struct heap_node *node;
	while ((node = heap_pop(&world->actions))) {
		struct action *action = container_of(node, struct action, node);
		if (action->run == arrive || action->run == come_back) {
			struct delivery *delivery = action->arg;
			intent_free(delivery->intent);
			free(delivery);
		}
		free(action);
	}
	heap_deinit(&world->actions);
	arena_deinit(&world->arena);
}
