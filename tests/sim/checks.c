/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reference model: what must be true of the store, said as plainly as possible. check_now
 * reads a snapshot at any moment; check_end looks at everything once all has come to rest.
 */
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/places.h"
#include "sim.h"

struct look {
	struct world *world;
	struct arena arena;
	struct store_reader *reader;
	struct job *job;
	struct run *runs;
	size_t n_runs;
	struct event *events;
	size_t n_events;
};

static void
look_init(struct look *look, struct world *world)
{
	struct err err;

	*look = (struct look) { .world = world };
	arena_init(&look->arena, MIB(256));
	if (store_reader_open(&look->reader, world->store, &err) < 0)
		sim_fail(world, "reader: %s", err.text);
}

static void
look_deinit(struct look *look)
{
	store_reader_close(look->reader);
	arena_deinit(&look->arena);
}

/* False: there is no such job. */
static bool
look_at(struct look *look, struct job_id id)
{
	struct err err;
	int rc = read_job(look->reader, 1, id, &look->arena, &look->job, &err);

	if (rc < 0)
		sim_fail(look->world, "read_job: %s", err.text);
	if (rc == STORE_NONE)
		return false;
	struct run_filter filter = { .job_seq = look->job->seq, .test = -1, .limit = 100000 };
	if (read_runs(look->reader, &filter, &look->arena, &look->runs, &look->n_runs, &err) <
		0)
		sim_fail(look->world, "read_runs: %s", err.text);
	return true;
}

/* ---- at any moment ---- */

static void
check_job_now(struct look *look, const char *key)
{
	const struct job *job = look->job;
	int32_t leased = 0, waiting = 0, held = 0;

	for (size_t i = 0; i < look->n_runs; i++) {
		leased += look->runs[i].state == RUN_LEASED;
		waiting += look->runs[i].state == RUN_WAITING;
		held += look->runs[i].state == RUN_HELD;
		if (look->runs[i].losses > RUN_LOSSES_MAX)
			sim_fail(look->world, "job %s: a run lost %d workers", key,
				(int)look->runs[i].losses);
	}
	if (leased != job->running || waiting != job->waiting)
		sim_fail(look->world,
			"job %s says %d running and %d waiting, its runs say %d and %d", key,
			(int)job->running, (int)job->waiting, (int)leased, (int)waiting);
	int32_t most = job->layout ? job->concurrency * job->n_targets : job->concurrency;
	if (job->running > most)
		sim_fail(look->world, "job %s runs %d at once, %d are allowed", key,
			(int)job->running, (int)most);
	if (job_state_is_final(job->state) && (leased > 0 || waiting > 0 || held > 0))
		sim_fail(look->world, "job %s is %s and has open runs", key,
			job_state_name(job->state));
	if (job->state == JOB_PAUSED && leased > 0)
		sim_fail(look->world, "job %s is paused and runs", key);
	if (job_units_total(job) >= 0 && job_units_done(job) > job_units_total(job))
		sim_fail(look->world, "job %s counts %lld of %lld units", key,
			(long long)job_units_done(job), (long long)job_units_total(job));
}

/* Two leases of one unit, or a lease of an incarnation that is over beside one of the present
 * one. */
static void
check_owners(struct look *look, const char *key)
{
	for (size_t i = 0; i < look->n_runs; i++) {
		const struct run *a = &look->runs[i];
		for (size_t k = i + 1; k < look->n_runs; k++) {
			const struct run *b = &look->runs[k];
			if (a->state == RUN_FINISHED || b->state == RUN_FINISHED)
				continue;
			if (a->incarnation != b->incarnation)
				sim_fail(look->world, "job %s: two incarnations at once", key);
			if (a->iteration == b->iteration && a->test == b->test &&
				a->target == b->target)
				sim_fail(
					look->world, "job %s: one unit has two open runs", key);
		}
	}
}

/* Runs of one site, whatever their queues. */
static void
check_sites(struct look *look, const struct store_boot *boot)
{
	static const char *const sites[] = { "a", "b" };

	for (size_t i = 0; i < ARRAY_LEN(sites); i++) {
		int32_t running = 0;
		for (size_t k = 0; k < boot->n_keyed; k++) {
			const struct boot_keys *keyed = &boot->keyed[k];
			if (str_eqz(keys_value(keyed->keys, STR("site")), sites[i]))
				running += keyed->running;
		}
		if (running > SITE_RUNS_MAX)
			sim_fail(look->world, "site %s runs %d of at most %d", sites[i],
				(int)running, SITE_RUNS_MAX);
	}
}

static void
check_queues(struct look *look, bool at_rest)
{
	struct store_boot boot;
	struct err err;

	if (store_boot(look->world->store, &look->arena, &boot, &err) < 0)
		sim_fail(look->world, "store_boot: %s", err.text);
	check_sites(look, &boot);
	for (size_t i = 0; i < boot.n_queues; i++) {
		const struct queue *queue = &boot.queues[i];
		if (at_rest && queue->running != 0)
			sim_fail(look->world, "queue %s still counts %d runs", queue->name,
				(int)queue->running);
		if (queue->concurrency > 0 && queue->running > queue->concurrency)
			sim_fail(look->world, "queue %s runs %d of at most %d", queue->name,
				(int)queue->running, (int)queue->concurrency);
	}
}

void
check_now(struct world *world)
{
	struct look look;

	look_init(&look, world);
	check_queues(&look, false);
	for (size_t i = 0; i < world->n_jobs; i++) {
		const struct sim_job *sim = &world->jobs[i];
		if (!sim->accepted)
			continue;
		if (!look_at(&look, sim->id)) {
			if (!sim->delete_asked)
				sim_fail(world, "job %s was accepted and is gone", sim->key);
			continue;
		}
		check_job_now(&look, sim->key);
		check_owners(&look, sim->key);
	}
	look_deinit(&look);
}

void
say_unfinished(struct world *world)
{
	struct look look;

	look_init(&look, world);
	for (size_t i = 0; i < world->n_jobs; i++) {
		const struct job *job;
		if (!world->jobs[i].accepted || !look_at(&look, world->jobs[i].id) ||
			job_state_is_final(look.job->state))
			continue;
		job = look.job;
		sim_say(world, "job %s is %s: %d running, %d waiting, ready %d, due %lld",
			world->jobs[i].key, job_state_name(job->state), (int)job->running,
			(int)job->waiting, job->ready, (long long)job->due_ms);
		sim_say(world, "layout %s", job->layout ? job->layout : "none");
		sim_say(world, "plan %s", job->plan ? job->plan : "none");
		for (size_t k = 0; k < look.n_runs; k++) {
			const struct run *run = &look.runs[k];
			if (run->state != RUN_FINISHED)
				sim_say(world, "run %lld.%d.%d#%d at %d is %s",
					(long long)run->iteration, (int)run->target,
					(int)run->test, (int)run->attempt, (int)run->connection,
					run_state_name(run->state));
		}
	}
	look_deinit(&look);
}

/* ---- at the end ---- */

/* A group of which the job's before hook failed has one iteration, and so has a job that has
 * nothing to run. */
static bool
has_all_iterations(const struct look *look)
{
	bool has_live = false;

	for (size_t i = 0; i < look->n_runs; i++) {
		const struct run *run = &look->runs[i];
		if (run->incarnation != look->job->incarnation)
			continue;
		has_live = has_live || run->fence > 0;
		if (run->reason && strcmp(run->reason, "before_hook") == 0)
			return false;
	}
	return has_live || look->job->iterations == 1;
}

/* It did everything there was to do: nobody stopped it, no failure ended it early. */
static bool
ran_to_its_end(const struct job *job)
{
	return (job->state == JOB_COMPLETED ||
		       (job->state == JOB_FAILED && job->reason != JOB_REASON_TIMEOUT &&
			       job->reason != JOB_REASON_EXPIRED)) &&
		job->iterations > 0 && !job->stop_on_first_failure;
}

static void
check_counts(struct look *look, const char *key)
{
	const struct job *job = look->job;
	struct job_counts seen = { 0 };

	for (size_t i = 0; i < look->n_runs; i++) {
		const struct run *run = &look->runs[i];
		if (run->incarnation != job->incarnation || !run->is_last ||
			run->test >= job->n_tests)
			continue;
		seen.passed += run->outcome == OUTCOME_PASSED;
		seen.flaky += run->outcome == OUTCOME_PASSED && run->attempt > 1;
		seen.failed += run->outcome == OUTCOME_FAILED;
		seen.errored += run->outcome == OUTCOME_ERRORED;
		seen.timed_out += run->outcome == OUTCOME_TIMED_OUT;
		seen.cancelled += run->outcome == OUTCOME_CANCELLED;
		seen.skipped += run->outcome == OUTCOME_SKIPPED;
	}
	const struct job_counts *told = &job->counts;
	if (seen.passed != told->passed || seen.flaky != told->flaky ||
		seen.failed != told->failed || seen.errored != told->errored ||
		seen.timed_out != told->timed_out || seen.cancelled != told->cancelled ||
		seen.skipped > told->skipped)
		sim_fail(look->world, "job %s: counts differ from its runs", key);
	bool all = job->state == JOB_COMPLETED ||
		(job->state == JOB_FAILED && job->reason != JOB_REASON_TIMEOUT &&
			job->reason != JOB_REASON_EXPIRED);
	if (all && job->reason != JOB_REASON_HOOK_FAILED &&
		(job->state == JOB_COMPLETED) != (job_failures(job) <= job->failures_to_ignore))
		sim_fail(look->world, "job %s is %s with %lld failures, %lld are ignored", key,
			job_state_name(job->state), (long long)job_failures(job),
			(long long)job->failures_to_ignore);
	if (ran_to_its_end(job) && has_all_iterations(look) && seen.skipped != told->skipped)
		sim_fail(look->world, "job %s skipped units, and nothing had ended it", key);
	if (ran_to_its_end(job) && told->cancelled > 0)
		sim_fail(look->world, "job %s: cancelled runs count, and nobody asked", key);
	if (all && job_units_total(job) >= 0 && job_units_done(job) != job_units_total(job))
		sim_fail(look->world, "job %s is %s with %lld of %lld units", key,
			job_state_name(job->state), (long long)job_units_done(job),
			(long long)job_units_total(job));
}

/* A unit, not a hook, whose outcome is that of its own last attempt. */
static bool
may_be_repeated(const struct job *job, const struct run *run)
{
	return run->test < job->n_tests && run->fence > 0 &&
		!(run->reason &&
			(strcmp(run->reason, "after_hook") == 0 ||
				strcmp(run->reason, "invalid_definition") == 0));
}

static int32_t
attempts_max(const struct job *job)
{
	return job->quarantine.attempt_limit > 0 ? job->quarantine.attempt_limit
						 : job->retry.max + 1;
}

/* Each unit of an incarnation: attempts 1, 2, … without a hole, at most one that decided. */
static void
check_attempts(struct look *look, const char *key)
{
	for (size_t i = 0; i < look->n_runs; i++) {
		const struct run *run = &look->runs[i];
		bool has_previous = run->attempt == 1;

		if (run->attempt > attempts_max(look->job))
			sim_fail(look->world, "job %s: attempt %d", key, (int)run->attempt);
		if (ran_to_its_end(look->job) && run->incarnation == look->job->incarnation &&
			run->is_last && may_be_repeated(look->job, run) &&
			run->attempt <= look->job->retry.max &&
			look->job->retry.on & 1u << run->outcome)
			sim_fail(look->world, "job %s: attempt %d of at most %d was the last",
				key, (int)run->attempt, (int)look->job->retry.max + 1);
		for (size_t k = 0; k < look->n_runs; k++) {
			const struct run *other = &look->runs[k];
			if (k == i || other->incarnation != run->incarnation ||
				other->iteration != run->iteration ||
				other->test != run->test || other->target != run->target)
				continue;
			if (other->attempt == run->attempt)
				sim_fail(look->world, "job %s: one attempt twice", key);
			if (other->is_last && run->is_last)
				sim_fail(
					look->world, "job %s: one unit was decided twice", key);
			has_previous = has_previous || other->attempt == run->attempt - 1;
		}
		if (!has_previous)
			sim_fail(look->world, "job %s: attempt %d without the one before", key,
				(int)run->attempt);
	}
}

static enum job_state
state_of_event(const struct event *event, enum job_state state)
{
	switch ((int)event->type) {
	case EV_JOB_QUEUED:
		return JOB_QUEUED;
	case EV_JOB_STARTING:
		return JOB_STARTING;
	case EV_JOB_STARTED:
		return JOB_RUNNING;
	case EV_JOB_PAUSING:
		return JOB_PAUSING;
	case EV_JOB_PAUSED:
		return JOB_PAUSED;
	case EV_JOB_UNPAUSED:
		return JOB_RUNNING; /* or queued: both go on to starting or running */
	case EV_JOB_RESTARTING:
		return JOB_RESTARTING;
	case EV_JOB_STOPPING:
		return JOB_STOPPING;
	case EV_JOB_STOPPED:
		return JOB_STOPPED;
	case EV_JOB_COMPLETED:
		return JOB_COMPLETED;
	case EV_JOB_FAILED:
		return JOB_FAILED;
	case EV_JOB_INVALID:
		return JOB_INVALID;
	default:
		return state;
	}
}

/* Final is final: after a final event nothing comes but a restart, and what the runs left
 * behind say. */
static void
check_events(struct look *look, const char *key)
{
	struct event_filter filter = {
		.project = 1, .job_seq = look->job->seq, .limit = 1000000, .bytes_max = MIB(64)
	};
	enum job_state state = JOB_QUEUED;
	int64_t last = 0;
	struct err err;

	if (read_events(look->reader, &filter, &look->arena, &look->events, &look->n_events,
		    &err) < 0)
		sim_fail(look->world, "read_events: %s", err.text);
	for (size_t i = 0; i < look->n_events; i++) {
		const struct event *event = &look->events[i];
		if (event->seq <= last)
			sim_fail(look->world, "job %s: event %lld after %lld", key,
				(long long)event->seq, (long long)last);
		last = event->seq;
		enum job_state next = state_of_event(event, state);
		if (job_state_is_final(state) && next != state && next != JOB_RESTARTING)
			sim_fail(look->world, "job %s: %s after %s", key,
				event_type_name(event->type), job_state_name(state));
		state = next;
	}
	if (look->n_events == 0 || look->events[0].type != EV_JOB_QUEUED ||
		state != look->job->state)
		sim_fail(look->world, "job %s: its events end in %s, the job is %s", key,
			job_state_name(state), job_state_name(look->job->state));
}

static bool
is_our_reason(const char *reason)
{
	static const char *const ours[] = { "worker_lost", "browser_disconnected",
		"before_hook", "after_hook", "skipped" };

	for (size_t i = 0; reason && i < ARRAY_LEN(ours); i++) {
		if (strcmp(reason, ours[i]) == 0)
			return true;
	}
	return false;
}

/* An outcome that a worker has to find out was found out by the worker that had the run last,
 * under its last number: nobody else's word, and no older one, ever counts. */
static void
check_findings(struct look *look, const char *key)
{
	const struct world *world = look->world;

	for (size_t i = 0; i < look->n_runs; i++) {
		const struct run *run = &look->runs[i];
		bool is_ours = run->outcome == OUTCOME_CANCELLED || is_our_reason(run->reason);
		bool found = false;

		for (size_t k = 0; k < world->n_findings && !is_ours && !found; k++) {
			const struct finding *finding = &world->findings[k];
			found = uuid_eq(&finding->run.u, &run->id.u) &&
				uuid_eq(&finding->worker.u, &run->worker.u) &&
				finding->fence == run->fence &&
				finding->outcome == run->outcome;
		}
		if (!is_ours && !found)
			sim_fail(world, "job %s: run is %s, which its worker never said", key,
				run_outcome_name(run->outcome));
	}
}

/* Every run's end is said once, and what was said is what is stored. */
static void
check_finished_events(struct look *look, const char *key)
{
	for (size_t i = 0; i < look->n_runs; i++) {
		size_t n = 0;
		for (size_t k = 0; k < look->n_events; k++)
			n += look->events[k].type == EV_RUN_FINISHED &&
				uuid_eq(&look->events[k].run.u, &look->runs[i].id.u);
		if (n != 1)
			sim_fail(look->world, "job %s: the end of a run was said %zu times",
				key, n);
	}
}

/* Every job there is, those that flows made included. */
static void
read_all(struct look *look, struct flow_facts *facts)
{
	struct job_filter filter = { .project = 1, .limit = 100000 };
	struct job_page page;
	struct err err;

	if (read_jobs(look->reader, &filter, &look->arena, &page, &err) < 0)
		sim_fail(look->world, "read_jobs: %s", err.text);
	facts->all = page.items;
	facts->n_all = page.n;
}

static void
check_total(struct look *look, const struct flow_facts *flows)
{
	struct world *world = look->world;
	struct job_filter filter = { .project = 1, .limit = 1000, .count = true };
	struct job_page page;
	struct err err;
	int64_t expected = 0;

	if (read_jobs(look->reader, &filter, &look->arena, &page, &err) < 0)
		sim_fail(world, "read_jobs: %s", err.text);
	for (size_t i = 0; i < flows->n_all; i++)
		expected += !uuid_is_zero(&flows->all[i]->parent.u);
	for (size_t i = 0; i < world->n_jobs; i++)
		expected += world->jobs[i].accepted && !world->jobs[i].deleted;
	if (page.total != expected)
		sim_fail(world, "%lld jobs are stored, %lld were accepted and not deleted",
			(long long)page.total, (long long)expected);
}

void
check_end(struct world *world)
{
	struct flow_facts flows = { .world = world };
	struct look look;

	check_now(world);
	look_init(&look, world);
	read_all(&look, &flows);
	check_orphans(&flows);
	for (size_t i = 0; i < world->n_jobs; i++) {
		const struct sim_job *sim = &world->jobs[i];
		bool is_there = sim->accepted && look_at(&look, sim->id);

		if (is_there == sim->deleted)
			sim_fail(world, "job %s %s", sim->key,
				is_there ? "was deleted and is there"
					 : "was accepted and is gone");
		if (!is_there)
			continue;
		if (sim->spec.flow) {
			check_events(&look, sim->key);
			flows.key = sim->key;
			flows.job = look.job;
			flows.events = look.events;
			flows.n_events = look.n_events;
			check_flow(&flows);
			continue;
		}
		check_counts(&look, sim->key);
		check_attempts(&look, sim->key);
		check_findings(&look, sim->key);
		check_events(&look, sim->key);
		check_finished_events(&look, sim->key);
		if (sim->spec.is_grouped)
			check_grouped(&(struct group_facts) { world, sim->key, &sim->spec,
				look.job, look.runs, look.n_runs, look.events, look.n_events });
	}
	check_total(&look, &flows);
	check_queues(&look, true);
	look_deinit(&look);
}
