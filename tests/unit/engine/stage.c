/* SPDX-License-Identifier: Apache-2.0 */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"

/* ---- life ---- */

static void
open_engine(struct stage *stage)
{
	struct engine_options options = { .lease_ms = STAGE_LEASE_MS,
		.seed = 1 + rng_u64(&stage->rng) / 2,
		.ageing_ms = -1,
		.load_bytes_max = stage->load_bytes_max };
	struct err err;

	assert_int_equal(
		engine_open(&stage->engine, stage->store, &options, stage->now_ms, &err), 0);
	engine_set_interest(stage->engine, true);
}

int
stage_setup(void **state)
{
	static int serial;
	struct stage *stage = xcalloc(1, sizeof *stage);
	struct err err;

	stage->now_ms = STAGE_START_MS;
	rng_seed(&stage->rng, 21);
	arena_init(&stage->arena, MIB(64));
	list_init(&stage->done);
	snprintf(stage->name, sizeof stage->name, "stage-%d", ++serial);
	stage->test = (struct test_spec) {
		.name = "t", .kind = "command", .body = STR_INIT("{\"argv\":[\"true\"]}")
	};
	stage->spec = (struct job_spec) {
		.name = "job",
		.tags = "[]",
		.labels = "",
		.tests = &stage->test,
		.n_tests = 1,
		.n_targets = 1,
		.iterations = 1,
		.concurrency = 1,
		.retry = { .factor = 1 },
	};
	assert_int_equal(store_open_memory(&stage->store, stage->name, &err), 0);
	open_engine(stage);
	*state = stage;
	return 0;
}

int
stage_teardown(void **state)
{
	struct stage *stage = *state;

	engine_close(stage->engine, NULL);
	store_close(stage->store);
	store_memory_forget(stage->name);
	LIST_FOR_EACH_SAFE(node, &stage->done)
		intent_free(list_entry(node, struct intent, node));
	arena_deinit(&stage->arena);
	free(stage);
	return 0;
}

void
stage_restart(struct stage *stage)
{
	struct err err;

	engine_close(stage->engine, NULL);
	store_close(stage->store);
	assert_int_equal(store_open_memory(&stage->store, stage->name, &err), 0);
	open_engine(stage);
}

void
stage_restart_faulty(struct stage *stage)
{
	struct store *inner;
	struct err err;

	engine_close(stage->engine, NULL);
	store_close(stage->store);
	assert_int_equal(store_open_memory(&inner, stage->name, &err), 0);
	assert_int_equal(store_open_faulty(&stage->store, inner, (struct fault_plan) { 0 }), 0);
	open_engine(stage);
}

/* ---- turns ---- */

int
turn(struct stage *stage, struct intent **intents, size_t n)
{
	struct turn_output *out;
	struct err err;
	int rc = engine_turn(stage->engine, intents, n, stage->now_ms, &out, &err);

	for (size_t i = 0; i < out->n_effects; i++) {
		struct effect effect = out->effects[i];
		effect.stage = arena_strdup(&stage->arena, effect.stage);
		effect.body = effect.scope = (struct str) { 0 };
		UOW_PUSH_IN(&stage->arena, &stage->effects, effect);
	}
	list_splice_back(&stage->done, &out->done);
	turn_output_free(out);
	return rc;
}

bool
is_answered(const struct stage *stage, const struct intent *intent)
{
	LIST_FOR_EACH(node, &stage->done) {
		if (list_entry(node, struct intent, node) == intent)
			return true;
	}
	return false;
}

void
later(struct stage *stage, int64_t ms)
{
	int64_t until = stage->now_ms + ms;

	while (engine_next_due(stage->engine) <= until) {
		int64_t due = engine_next_due(stage->engine);
		if (due > stage->now_ms)
			stage->now_ms = due;
		assert_int_equal(turn(stage, NULL, 0), 0);
	}
	stage->now_ms = until;
}

/* ---- jobs ---- */

struct intent *
new_create(struct stage *stage)
{
	struct intent *intent = intent_new(INTENT_JOB_CREATE, 1, MIB(1));
	struct job_spec *spec = arena_memdup(&intent->arena, &stage->spec, sizeof *spec);

	if (spec->n_tests == 1)
		spec->tests = arena_memdup(&intent->arena, spec->tests, sizeof *spec->tests);
	intent->in.create = (struct job_create) { .specs = spec, .n = 1 };
	return intent;
}

struct job_id
create(struct stage *stage)
{
	struct intent *intent = new_create(stage);

	TURN(stage, intent);
	assert_true(is_answered(stage, intent));
	assert_int_equal(intent->status, INTENT_OK);
	assert_int_equal(intent->out.n_jobs, 1);
	return intent->out.jobs[0].id;
}

struct intent *
new_command(struct job_id job, enum job_command what)
{
	struct intent *intent = intent_new(INTENT_JOB_COMMAND, 1, MIB(1));

	intent->in.command = (struct job_command_request) { .id = job, .command = what };
	return intent;
}

void
command(struct stage *stage, struct job_id job, enum job_command what)
{
	struct intent *intent = new_command(job, what);

	TURN(stage, intent);
	assert_int_equal(intent->status, INTENT_OK);
}

void
set_idem(struct intent *intent, const char *key, uint8_t hash)
{
	intent->idem_key = str_of(arena_strdup(&intent->arena, key));
	memset(intent->idem_hash, hash, sizeof intent->idem_hash);
}

/* ---- workers ---- */

struct hand
hand(struct stage *stage)
{
	struct hand hand = {
		.kinds = "command", .labels = "", .capacity = 1, .wait_ms = 30000
	};

	uuid_v7(&hand.id.u, stage->now_ms, &stage->rng);
	return hand;
}

static void
add_kinds(struct intent *intent, const char *kinds)
{
	struct str rest = str_of(kinds);
	const char **list = arena_xalloc(&intent->arena, 8 * sizeof *list);
	size_t n = 0;

	while (rest.n > 0) {
		struct str kind = str_split_first(&rest, ',');
		list[n++] = arena_strndup(&intent->arena, kind.p, kind.n);
	}
	intent->in.poll.kind_list = list;
	intent->in.poll.n_kinds = n;
}

struct intent *
new_poll(const struct hand *hand, bool claim)
{
	struct intent *intent = intent_new(INTENT_POLL, 1, MIB(1));

	intent->in.poll = (struct poll) {
		.worker = hand->id,
		.name = "hand",
		.version = "1",
		.kinds = hand->kinds,
		.labels = hand->labels,
		.resources = hand->resources,
		.capacity = hand->capacity,
		.claim = claim,
		.wait_ms = hand->wait_ms,
	};
	add_kinds(intent, hand->kinds);
	if (claim) {
		intent->in.poll.holds =
			arena_memdup(&intent->arena, hand->holds, sizeof hand->holds);
		intent->in.poll.n_holds = hand->n_holds;
	}
	return intent;
}

void
poll_add_result(struct intent *intent, const struct run_ref *run, enum run_outcome outcome)
{
	struct poll *poll = &intent->in.poll;
	struct poll_result *results =
		arena_xalloc(&intent->arena, (poll->n_results + 1) * sizeof *results);

	if (poll->n_results > 0)
		memcpy(results, poll->results, poll->n_results * sizeof *results);
	results[poll->n_results++] = (struct poll_result) {
		.run = run->run,
		.fence = run->fence,
		.result = { .outcome = outcome, .duration_ms = 3 },
	};
	poll->results = results;
}

void
poll_add_event(struct intent *intent, const struct run_ref *run, int64_t n,
	enum event_type type, const char *data)
{
	struct poll *poll = &intent->in.poll;
	struct poll_event *events =
		arena_xalloc(&intent->arena, (poll->n_events + 1) * sizeof *events);

	if (poll->n_events > 0)
		memcpy(events, poll->events, poll->n_events * sizeof *events);
	events[poll->n_events++] = (struct poll_event) {
		.run = run->run, .fence = run->fence, .n = n, .type = type, .data = str_of(data)
	};
	poll->events = events;
}

void
take(struct hand *hand, const struct intent *poll)
{
	for (size_t i = 0; i < poll->out.poll.n_leases; i++) {
		const struct lease *lease = &poll->out.poll.leases[i];
		assert_true(hand->n_holds < HAND_HOLDS_MAX);
		hand->holds[hand->n_holds++] =
			(struct run_ref) { .run = lease->run, .fence = lease->fence };
	}
}

struct intent *
ask(struct stage *stage, struct hand *hand)
{
	struct intent *poll = new_poll(hand, true);

	TURN(stage, poll);
	if (is_answered(stage, poll))
		take(hand, poll);
	return poll;
}

struct intent *
give(struct stage *stage, struct hand *hand, size_t at, enum run_outcome outcome)
{
	struct intent *poll = new_poll(hand, false);

	assert_true(at < hand->n_holds);
	poll_add_result(poll, &hand->holds[at], outcome);
	hand->holds[at] = hand->holds[--hand->n_holds];
	TURN(stage, poll);
	assert_true(is_answered(stage, poll));
	assert_int_equal(poll->status, INTENT_OK);
	return poll;
}

/* ---- what is stored ---- */

struct job *
look(struct stage *stage, struct job_id id)
{
	_cleanup_(store_reader_closep) struct store_reader *reader = NULL;
	struct job *job;
	struct err err;

	assert_int_equal(store_reader_open(&reader, stage->store, &err), 0);
	int rc = read_job(reader, 1, id, &stage->arena, &job, &err);
	assert_true(rc >= 0);
	return rc == STORE_NONE ? NULL : job;
}

struct run *
look_run(struct stage *stage, struct run_id id)
{
	_cleanup_(store_reader_closep) struct store_reader *reader = NULL;
	struct job_id job;
	struct run *run;
	struct err err;

	assert_int_equal(store_reader_open(&reader, stage->store, &err), 0);
	assert_int_equal(read_run(reader, 1, id, &stage->arena, &run, &job, &err), 0);
	return run;
}

const char *
told(struct stage *stage, struct job_id id)
{
	_cleanup_(store_reader_closep) struct store_reader *reader = NULL;
	struct job *job = look(stage, id);
	struct event_filter filter = {
		.project = 1, .job_seq = job->seq, .limit = 1000, .bytes_max = MIB(1)
	};
	struct event *events;
	struct err err;
	size_t n_events, n = 0;

	assert_int_equal(store_reader_open(&reader, stage->store, &err), 0);
	assert_int_equal(
		read_events(reader, &filter, &stage->arena, &events, &n_events, &err), 0);
	stage->text[0] = '\0';
	for (; stage->n_told < n_events; stage->n_told++)
		n += (size_t)snprintf(stage->text + n, sizeof stage->text - n, "%s%s",
			n > 0 ? " " : "", event_type_name(events[stage->n_told].type));
	return stage->text;
}

void
assert_state(struct stage *stage, struct job_id id, enum job_state state)
{
	struct job *job = look(stage, id);

	assert_non_null(job);
	assert_string_equal(job_state_name(job->state), job_state_name(state));
}

void
assert_leased(const struct stage *stage, const struct intent *poll, struct job_id job)
{
	assert_true(is_answered(stage, poll));
	assert_int_equal(poll->status, INTENT_OK);
	assert_int_equal(poll->out.poll.n_leases, 1);
	assert_true(uuid_eq(&poll->out.poll.leases[0].job.u, &job.u));
}
