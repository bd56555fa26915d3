/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients and workers. A client repeats a request under the same Idempotency-Key until it is
 * answered; a worker follows docs/protocol/worker.md, and now and then dies, freezes for longer
 * than its lease, or loses the server.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "sim.h"

/* ---- clients: what they ask for ---- */

struct ask {
	struct sim_client *client;
	struct sim_job *job;
	enum job_command command;
	char key[32];
	bool is_create, by_calm;
};

static struct intent *
make_ask(struct world *world, void *arg)
{
	const struct ask *ask = arg;
	struct intent *intent =
		intent_new(ask->is_create ? INTENT_JOB_CREATE : INTENT_JOB_COMMAND, 1, MIB(1));

	(void)world;
	intent->idem_key = str_of(arena_strdup(&intent->arena, ask->key));
	memcpy(intent->idem_hash, ask->key, sizeof intent->idem_hash);
	if (ask->is_create) {
		intent->in.create = (struct job_create) { .specs = &ask->job->spec, .n = 1 };
	} else {
		intent->in.command.id = ask->job->id;
		intent->in.command.command = ask->command;
	}
	return intent;
}

static void client_next(struct world *world, void *arg);
static void on_ask(struct world *world, void *arg, struct intent *intent);

static void
send_ask(struct world *world, void *arg)
{
	world_send(world, make_ask, arg, on_ask, arg);
}

static void
on_created(struct world *world, struct sim_job *job, const struct intent *intent)
{
	if (intent->status != INTENT_OK || intent->out.n_jobs != 1)
		sim_fail(world, "create refused: %s", intent->err.text);
	job->accepted = true;
	job->id = intent->out.jobs[0].id;
	sim_say(world, "job %s accepted%s", job->key, intent->replayed ? " (replayed)" : "");
}

static void
on_ask(struct world *world, void *arg, struct intent *intent)
{
	struct ask *ask = arg;

	if (!intent || (intent->status != INTENT_OK && intent->err.code == ERR_UNAVAILABLE)) {
		after(world, between(world, 100, 2000), send_ask, ask);
		return;
	}
	if (ask->is_create) {
		on_created(world, ask->job, intent);
	} else {
		sim_say(world, "%s %s: %s", job_command_name(ask->command), ask->job->key,
			intent->status == INTENT_OK ? "done" : intent->err.text);
		if (ask->command == JOB_CMD_DELETE)
			ask->job->deleted = true;
		if (intent->status != INTENT_OK && intent->err.code != ERR_CONFLICT &&
			!(intent->err.code == ERR_NOT_FOUND && ask->job->delete_asked))
			sim_fail(world, "%s: %s", job_command_name(ask->command),
				intent->err.text);
	}
	if (ask->client)
		after(world, between(world, 10, 3000), client_next, ask->client);
}

static struct ask *
ask_new(struct world *world, struct sim_client *client, struct sim_job *job)
{
	struct ask *ask = arena_xalloc(&world->arena, sizeof *ask);

	ask->client = client;
	ask->job = job;
	snprintf(ask->key, sizeof ask->key, "ask-%020lld", (long long)++world->serial);
	return ask;
}

static void
ask_for_job(struct world *world, struct sim_client *client)
{
	struct sim_job *job = &world->jobs[world->n_jobs++];
	struct ask *ask = ask_new(world, client, job);

	snprintf(job->key, sizeof job->key, "%s", ask->key);
	if (chance(world, 30))
		random_flow(world, &job->spec);
	else
		random_spec(world, &job->spec);
	ask->is_create = true;
	send_ask(world, ask);
}

static void
ask_command(struct world *world, struct sim_client *client, struct sim_job *job,
	enum job_command command)
{
	struct ask *ask = ask_new(world, client, job);

	ask->command = command;
	if (command == JOB_CMD_DELETE)
		job->delete_asked = true;
	send_ask(world, ask);
}

static void
client_next(struct world *world, void *arg)
{
	static const enum job_command usual[] = { JOB_CMD_PAUSE, JOB_CMD_UNPAUSE,
		JOB_CMD_UNPAUSE, JOB_CMD_STOP, JOB_CMD_START, JOB_CMD_CANCEL, JOB_CMD_DELETE };
	struct sim_client *client = arg;

	if (world->calm)
		return;
	struct sim_job *job =
		world->n_jobs > 0 ? &world->jobs[rng_below(&world->rng, world->n_jobs)] : NULL;
	if (job && job->accepted && !job->delete_asked && chance(world, 40))
		ask_command(world, client, job, usual[rng_below(&world->rng, 7)]);
	else if (world->n_jobs < world->n_jobs_wanted)
		ask_for_job(world, client);
	else
		after(world, between(world, 500, 5000), client_next, client);
}

/* ---- workers ---- */

static const char *const all_kinds[] = { "command", "http", "playwright" };
static const char *const some_kinds[] = { "command", "http" };

struct errand {
	struct sim_worker *worker;
	int life;
	int64_t serial;
	struct held *held;
	bool claim;
};

static void worker_poll(struct world *world, void *arg);
static void worker_report(struct world *world, void *arg);

static struct errand *
errand_new(struct world *world, struct sim_worker *worker, struct held *held)
{
	struct errand *errand = arena_xalloc(&world->arena, sizeof *errand);

	errand->worker = worker;
	errand->life = worker->life;
	errand->held = held;
	errand->serial = held ? held->serial : 0;
	return errand;
}

static bool
is_late(const struct errand *errand)
{
	const struct sim_worker *worker = errand->worker;

	return worker->life != errand->life || !worker->alive ||
		(errand->held &&
			(!errand->held->used || errand->held->serial != errand->serial));
}

static void
add_result(struct poll *poll, struct arena *arena, const struct held *held)
{
	struct poll_result *results = arena_xalloc(arena, sizeof *results);

	*results = (struct poll_result) {
		.run = held->run,
		.fence = held->fence,
		.is_lost = held->is_lost,
		.result = {
			.outcome = held->outcome,
			.reason = held->reason,
			.duration_ms = 5,
		},
	};
	poll->results = results;
	poll->n_results = 1;
}

static void
add_started(struct poll *poll, struct arena *arena, const struct held *held)
{
	struct poll_event *events = arena_xalloc(arena, sizeof *events);

	*events = (struct poll_event) {
		.run = held->run,
		.fence = held->fence,
		.n = 1,
		.type = EV_RUN_STARTED,
		.data = STR_INIT("{}"),
	};
	poll->events = events;
	poll->n_events = 1;
}

static struct intent *
make_poll(struct world *world, void *arg)
{
	const struct errand *errand = arg;
	const struct sim_worker *worker = errand->worker;
	struct intent *intent = intent_new(INTENT_POLL, 1, MIB(1));
	struct poll *poll = &intent->in.poll;
	struct run_ref *holds = arena_xalloc(&intent->arena, SIM_HELD_MAX * sizeof *holds);

	(void)world;
	*poll = (struct poll) {
		.worker = worker->id,
		.name = "w",
		.version = "1",
		.kinds = worker->kinds,
		.kind_list = worker->kind_list,
		.n_kinds = worker->n_kinds,
		.labels = worker->labels,
		.resources = "slots=2000",
		.capacity = worker->capacity,
		.claim = errand->claim,
		.wait_ms = 30000,
		.holds = holds,
	};
	if (errand->held) {
		if (errand->held->done)
			add_result(poll, &intent->arena, errand->held);
		else
			add_started(poll, &intent->arena, errand->held);
	}
	for (int i = 0; errand->claim && i < SIM_HELD_MAX; i++) {
		const struct held *held = &worker->held[i];
		if (held->used)
			holds[poll->n_holds++] = (struct run_ref) {
				.run = held->run,
				.fence = held->fence,
				.stopping = held->stopping,
			};
	}
	return intent;
}

static enum run_outcome
random_outcome(struct world *world)
{
	int64_t dice = between(world, 0, 99);

	return dice < 74    ? OUTCOME_PASSED
		: dice < 84 ? OUTCOME_FAILED
		: dice < 94 ? OUTCOME_ERRORED
		: dice < 97 ? OUTCOME_TIMED_OUT
		: dice < 98 ? OUTCOME_CANCELLED
			    : OUTCOME_SKIPPED;
}

/* What becomes of a run of a grouped job: hooks fail less often, browsers are lost. */
static void
decide_grouped(struct world *world, struct held *held)
{
	held->is_lost = chance(world, 6);
	if (held->is_hook && chance(world, 60))
		held->outcome = OUTCOME_PASSED;
	if (held->outcome == OUTCOME_ERRORED && chance(world, 4))
		held->reason = "invalid_definition";
}

static void
note_finding(struct world *world, const struct sim_worker *worker, const struct held *held)
{
	world->findings = uow_grow(&world->arena, world->findings, sizeof *world->findings,
		world->n_findings, &world->cap_findings);
	world->findings[world->n_findings++] = (struct finding) {
		.worker = worker->id,
		.run = held->run,
		.fence = held->fence,
		.outcome = held->outcome,
	};
}

static void
run_done(struct world *world, void *arg)
{
	struct errand *errand = arg;

	if (is_late(errand) || errand->held->done)
		return;
	if (errand->worker->frozen) {
		after(world, 500, run_done, errand);
		return;
	}
	errand->held->done = true;
	errand->held->outcome =
		errand->held->stopping ? OUTCOME_CANCELLED : random_outcome(world);
	if (errand->held->is_grouped && !errand->held->stopping)
		decide_grouped(world, errand->held);
	note_finding(world, errand->worker, errand->held);
	worker_report(world, errand);
}

static void
on_report(struct world *world, void *arg, struct intent *intent)
{
	struct errand *errand = arg;

	if (is_late(errand))
		return;
	if (!intent || intent->status != INTENT_OK) {
		after(world, between(world, 200, 1500), worker_report, errand);
		return;
	}
	errand->worker->heard_ms = world->mono_ms;
	if (errand->held->done)
		errand->held->used = false;
	else
		errand->held->is_started = true;
}

/* A result, or the news that the run has begun. */
static void
worker_report(struct world *world, void *arg)
{
	struct errand *errand = arg;

	if (is_late(errand))
		return;
	if (errand->worker->frozen) {
		after(world, 700, worker_report, errand);
		return;
	}
	world_send(world, make_poll, errand, on_report, errand);
}

static struct held *
find_held(struct sim_worker *worker, struct run_id run, int64_t fence)
{
	for (int i = 0; i < SIM_HELD_MAX; i++) {
		struct held *held = &worker->held[i];
		if (held->used && held->fence == fence && uuid_eq(&held->run.u, &run.u))
			return held;
	}
	return NULL;
}

static void
take_lease(struct world *world, struct sim_worker *worker, const struct lease *lease)
{
	struct held *held = NULL;

	if (lease->test.n == 0)
		sim_fail(world, "a lease without its test");
	for (int i = 0; i < SIM_HELD_MAX && !held; i++) {
		if (!worker->held[i].used)
			held = &worker->held[i];
	}
	if (!held)
		sim_fail(world, "worker %d got more leases than it can hold", worker->index);
	*held = (struct held) {
		.used = true,
		.run = lease->run,
		.fence = lease->fence,
		.serial = ++world->serial,
		.is_grouped = lease->connection > 0,
		.is_hook = lease->role != NULL,
	};
	struct errand *errand = errand_new(world, worker, held);
	if (chance(world, 60))
		worker_report(world, errand);
	after(world, between(world, 1, chance(world, 15) ? 25000 : 2000), run_done,
		errand_new(world, worker, held));
}

static void
obey(struct world *world, struct sim_worker *worker, const struct poll_directive *directive)
{
	struct held *held = find_held(worker, directive->run, directive->fence);

	if (!held || held->done)
		return;
	if (directive->what == POLL_DO_DROP) {
		held->used = false;
	} else if (directive->what == POLL_DO_STOP && !held->stopping) {
		held->stopping = true;
		after(world, between(world, 1, 500), run_done, errand_new(world, worker, held));
	}
}

static void
on_poll(struct world *world, void *arg, struct intent *intent)
{
	struct errand *errand = arg;
	struct sim_worker *worker = errand->worker;

	if (is_late(errand))
		return;
	if (worker->frozen) { /* what came meanwhile is lost: its connection is long closed */
		intent = NULL;
	}
	worker->polling = false;
	if (!intent || intent->status != INTENT_OK) {
		if (world->mono_ms - worker->heard_ms > LEASE_MS_DEFAULT) {
			for (int i = 0; i < SIM_HELD_MAX; i++)
				worker->held[i].used =
					false; /* their results could not count */
		}
		after(world, between(world, 100, 1500), worker_poll,
			errand_new(world, worker, NULL));
		return;
	}
	worker->heard_ms = world->mono_ms;
	for (size_t i = 0; i < intent->out.poll.n_leases; i++)
		take_lease(world, worker, &intent->out.poll.leases[i]);
	for (size_t i = 0; i < intent->out.poll.n_directives; i++)
		obey(world, worker, &intent->out.poll.directives[i]);
	after(world, 1, worker_poll, errand_new(world, worker, NULL));
}

static void
worker_poll(struct world *world, void *arg)
{
	struct errand *errand = arg;
	struct sim_worker *worker = errand->worker;

	if (is_late(errand) || worker->polling)
		return;
	if (worker->frozen) {
		after(world, 1000, worker_poll, errand);
		return;
	}
	worker->polling = true;
	struct errand *claim = errand_new(world, worker, NULL);
	claim->claim = true;
	world_send(world, make_poll, claim, on_poll, claim);
}

static void
worker_start(struct world *world, void *arg)
{
	struct sim_worker *worker = arg;

	if (worker->alive)
		return;
	memset(worker->held, 0, sizeof worker->held);
	uuid_v7(&worker->id.u, wall_ms(world), &world->rng);
	worker->alive = true;
	worker->frozen = worker->polling = false;
	worker->heard_ms = world->mono_ms;
	worker_poll(world, errand_new(world, worker, NULL));
}

static void
worker_thaw(struct world *world, void *arg)
{
	struct errand *errand = arg;

	(void)world;
	if (!is_late(errand))
		errand->worker->frozen = false;
}

static void
worker_trouble(struct world *world, void *arg)
{
	struct sim_worker *worker = arg;

	if (world->calm)
		return;
	if (worker->alive && chance(world, 50)) {
		sim_say(world, "worker %d dies", worker->index);
		worker->alive = false;
		worker->life++;
		after(world, between(world, 100, 20000), worker_start, worker);
	} else if (worker->alive) {
		sim_say(world, "worker %d freezes", worker->index);
		worker->frozen = true;
		after(world, between(world, 500, 40000), worker_thaw,
			errand_new(world, worker, NULL));
	}
	after(world, between(world, 10000, 90000), worker_trouble, worker);
}

/* ---- all ---- */

void
actors_start(struct world *world)
{
	for (int i = 0; i < SIM_CLIENTS; i++) {
		world->clients[i].index = i;
		after(world, between(world, 0, 1000), client_next, &world->clients[i]);
	}
	after(world, between(world, 0, 5000), people_signal, NULL);
	for (int i = 0; i < SIM_WORKERS; i++) {
		struct sim_worker *worker = &world->workers[i];
		/* The first can do everything, so that nothing waits for ever. */
		worker->index = i;
		worker->kind_list = i == 1 ? some_kinds : all_kinds;
		worker->n_kinds = i == 1 ? 2 : 3;
		worker->kinds = i == 1 ? "command,http" : "command,http,playwright";
		worker->labels = i == 0 ? "colour=red\nplace=attic" : "";
		worker->capacity = (int32_t)between(world, 1, 3);
		after(world, between(world, 0, 3000), worker_start, worker);
		after(world, between(world, 5000, 60000), worker_trouble, worker);
	}
}

/* Jobs that would not end by themselves are told to. */
static void
end_jobs(struct world *world, void *arg)
{
	(void)arg;
	for (size_t i = 0; i < world->n_jobs; i++) {
		struct sim_job *job = &world->jobs[i];
		if (job->accepted && !job->deleted && !job->delete_asked)
			ask_command(world, NULL, job,
				job->spec.iterations == 0 ? JOB_CMD_STOP : JOB_CMD_UNPAUSE);
	}
	after(world, 60000, end_jobs, NULL);
}

void
actors_calm(struct world *world)
{
	world->calm = true;
	for (int i = 0; i < SIM_WORKERS; i++) {
		world->workers[i].frozen = false;
		worker_start(world, &world->workers[i]);
	}
	after(world, 0, end_jobs, NULL);
}

bool
actors_done(struct world *world)
{
	struct arena arena;
	struct store_reader *reader;
	struct err err;
	bool done = world->engine != NULL;

	/* Looking is dear: only when nothing but time passes. */
	if (!done || world->mono_ms % 7 != 0)
		return false;
	arena_init(&arena, MIB(64));
	if (store_reader_open(&reader, world->store, &err) < 0)
		sim_fail(world, "reader: %s", err.text);
	for (size_t i = 0; done && i < world->n_jobs; i++) {
		const struct sim_job *sim = &world->jobs[i];
		struct job *job;

		if (!sim->accepted) {
			done = false;
		} else if (!sim->delete_asked || !sim->deleted) {
			int rc = read_job(reader, 1, sim->id, &arena, &job, &err);
			if (rc < 0)
				sim_fail(world, "read: %s", err.text);
			done = rc == 0 ? job_state_is_final(job->state)
				       : sim->delete_asked && sim->deleted;
		}
	}
	store_reader_close(reader);
	arena_deinit(&arena);
	return done;
}
