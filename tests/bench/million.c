/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills a database with jobs that ended: million FILE [JOBS]
 *
 * Rows go through the store, figures through the rules that an engine uses. Jobs are spread
 * over the last 30 days; names, templates, queues, kinds, tags, durations and errors are as
 * uneven as in real use: most jobs are of few kinds, some attributes are rare. The same seed
 * makes the same jobs. Not a test.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/parse.h"
#include "core/stats.h"
#include "store/store.h"
#include "store/store_stats.h"

enum {
	JOBS_DEFAULT = 1000000,
	TURN_JOBS = 2000,
	NAMES = 2000,
	TEMPLATES = 100,
	QUEUES = 8,
	WORKERS = 20,
	SEED = 20261122,
};

struct maker {
	struct store *store;
	struct arena arena, names_arena;
	struct uow uow;
	struct rng rng;
	struct def_id templates[TEMPLATES];
	struct worker_id workers[WORKERS];
	const char *names[NAMES];
};

static _Noreturn void
die(const char *what, const struct err *err)
{
	fprintf(stderr, "%s: %s\n", what, err->text);
	exit(1);
}

/* 0 … n - 1, the small ones far more often. */
static size_t
uneven(struct maker *maker, size_t n)
{
	double u = (double)rng_below(&maker->rng, 1000000) / 1000000;

	return (size_t)((double)n * u * u * u);
}

static void
begin(struct maker *maker, int64_t now_ms)
{
	const struct turn_keys none = { 0 };
	struct err err;

	uow_init(&maker->uow, &maker->arena, &maker->rng, now_ms);
	if (store_load(maker->store, &none, &maker->uow, &err) < 0)
		die("load", &err);
}

static void
end(struct maker *maker)
{
	struct stat_unit *units;
	struct err err;
	size_t n;

	stats_units(&maker->uow, &units, &n);
	if (n > 0 && store_load_units(maker->store, units, n, &maker->arena, &err) < 0)
		die("load units", &err);
	stats_collect(&maker->uow, units, n);
	if (store_save(maker->store, &maker->uow, &err) != 0)
		die("save", &err);
	uow_deinit(&maker->uow);
	arena_reset(&maker->arena);
}

/* Queues and workers that the jobs name. */
static void
put_around(struct maker *maker, int64_t now_ms)
{
	begin(maker, now_ms);
	for (int i = 0; i < QUEUES; i++) {
		struct queue *queue = arena_xalloc(&maker->arena, sizeof *queue);

		*queue = (struct queue) {
			.id = 1 + i,
			.project = 1,
			.name = arena_printf(&maker->arena, i == 0 ? "default" : "queue-%d", i),
			.revision = 1,
			.updated_ms = now_ms,
		};
		UOW_PUSH(&maker->uow, &maker->uow.changed_queues, queue);
	}
	for (int i = 0; i < WORKERS; i++) {
		struct worker_row *worker = arena_xalloc(&maker->arena, sizeof *worker);

		uuid_v7(&maker->workers[i].u, now_ms, &maker->rng);
		*worker = (struct worker_row) {
			.id = maker->workers[i],
			.name = arena_printf(&maker->arena, "worker-%d", i),
			.version = "0",
			.kinds = "command",
			.labels = "",
			.capacity = 1,
			.state = WORKER_GONE,
			.joined_ms = now_ms,
			.seen_ms = now_ms,
			.change = ROW_NEW,
		};
		uow_add_worker(&maker->uow, worker);
	}
	end(maker);
}

static enum run_outcome
outcome_of(struct maker *maker)
{
	uint64_t dice = rng_below(&maker->rng, 1000);

	if (dice < 900)
		return OUTCOME_PASSED;
	if (dice < 970)
		return OUTCOME_FAILED;
	return dice < 990 ? OUTCOME_ERRORED : OUTCOME_TIMED_OUT;
}

static const char *
error_of(struct maker *maker)
{
	int a = (int)rng_below(&maker->rng, 10000), b = (int)rng_below(&maker->rng, 1000);

	switch (uneven(maker, 5)) {
	case 0:
		return arena_printf(&maker->arena,
			"{\"message\":\"Timeout %d ms waiting for \\\"#item-%d\\\"\"}", a, b);
	case 1:
		return arena_printf(
			&maker->arena, "{\"message\":\"expected %d to be %d\"}", a, b);
	case 2:
		return arena_printf(&maker->arena,
			"{\"message\":\"GET https://shop.test/%d answered %d\"}", a, b);
	case 3:
		return arena_printf(
			&maker->arena, "{\"message\":\"page crashed at 0x%x\"}", (unsigned)a);
	default:
		return arena_printf(&maker->arena,
			"{\"message\":\"assertion of rule %c%c failed\"}", 'a' + a % 26,
			'a' + b % 26);
	}
}

/* A share of n that belongs to a name: the small ones to far more names. */
static size_t
share_of(size_t name, size_t n)
{
	double u = (double)(name * 2654435761u % 1000) / 1000;

	return (size_t)((double)n * u * u * u);
}

/* What a job is about decides where it runs; people start some elsewhere. */
static struct job *
new_job(struct maker *maker, int64_t created_ms)
{
	static const char *const tags[] = { "[\"smoke\"]", "[\"smoke\",\"slow\"]",
		"[\"nightly\"]", "[]", "[\"rare\"]" };
	static const char *const kinds[] = { "command", "http", "browser", "playwright",
		"testcafe" };
	struct uow *uow = &maker->uow;
	struct job *job = arena_xalloc(&maker->arena, sizeof *job);
	size_t name = uneven(maker, NAMES), tag = share_of(name, ARRAY_LEN(tags));
	bool elsewhere = rng_below(&maker->rng, 20) == 0;

	*job = (struct job) {
		.seq = uow->next_job_seq++,
		.project = 1,
		.name = maker->names[name],
		.tags = tag == 4 && rng_below(&maker->rng, 100) > 0 ? "[]" : tags[tag],
		.created_ms = created_ms,
		.priority = (int32_t)rng_below(&maker->rng, 11) - 5,
		.rank = -created_ms,
		.queue = elsewhere ? 1 : 1 + (int64_t)share_of(name + 7, QUEUES),
		.labels = "",
		.keys = name % 4 == 3 ? "team=payments" : "",
		.needs = "",
		.kind = kinds[share_of(name + 3, ARRAY_LEN(kinds))],
		.n_tests = 1,
		.n_targets = 1,
		.iterations = 1,
		.concurrency = 1,
		.run_timeout_ms = MINUTES_MS(30),
		.incarnation = 1,
		.iteration = 2,
		.lane = 1,
		.version = 1,
		.change = ROW_NEW,
	};
	if (name % 2 == 0 && !elsewhere)
		job->template_id = maker->templates[name % TEMPLATES];
	uuid_v7(&job->id.u, created_ms, uow->rng);
	return uow_add_job(uow, job);
}

static void
new_test(struct maker *maker, const struct job *job)
{
	struct job_test test = {
		.job_seq = job->seq,
		.name = job->name,
		.kind = job->kind,
		.body = STR("{\"argv\":[\"/bin/true\"]}"),
	};

	UOW_PUSH(&maker->uow, &maker->uow.tests, test);
}

/* The job ran as soon as a worker was free, and came to its end. */
static void
end_job(struct maker *maker, struct job *job, const struct run *run)
{
	static const enum job_reason reasons[OUTCOME_COUNT] = {
		[OUTCOME_PASSED] = JOB_REASON_PASSED,
		[OUTCOME_FAILED] = JOB_REASON_TESTS_FAILED,
		[OUTCOME_ERRORED] = JOB_REASON_RUNNER_ERROR,
		[OUTCOME_TIMED_OUT] = JOB_REASON_TIMEOUT,
	};

	job->state = run->outcome == OUTCOME_PASSED ? JOB_COMPLETED : JOB_FAILED;
	job->reason = reasons[run->outcome];
	job->counts.passed = run->outcome == OUTCOME_PASSED;
	job->counts.failed = run->outcome == OUTCOME_FAILED;
	job->counts.errored = run->outcome == OUTCOME_ERRORED;
	job->counts.timed_out = run->outcome == OUTCOME_TIMED_OUT;
	job->started_ms = run->leased_ms;
	job->completed_ms = job->updated_ms = run->finished_ms;
	job->queued_ms = run->leased_ms - job->created_ms;
	job->cpu_ms = run->cpu_ms;
	job->peak_kib = run->peak_kib;
	UOW_PUSH(&maker->uow, &maker->uow.ended, job);
	uow_event_job(&maker->uow, job, run,
		run->outcome == OUTCOME_PASSED ? EV_JOB_COMPLETED : EV_JOB_FAILED, STR("{}"));
}

static void
run_job(struct maker *maker, struct job *job)
{
	struct uow *uow = &maker->uow;
	struct run *run = arena_xalloc(&maker->arena, sizeof *run);
	int64_t queued_ms = (int64_t)uneven(maker, 60000);
	int64_t took_ms = 200 + (int64_t)uneven(maker, 300000);

	*run = (struct run) {
		.seq = uow->next_run_seq++,
		.job_seq = job->seq,
		.project = 1,
		.incarnation = 1,
		.iteration = 1,
		.attempt = 1 + (rng_below(&maker->rng, 30) == 0),
		.created_ms = job->created_ms,
		.state = RUN_FINISHED,
		.outcome = outcome_of(maker),
		.is_last = true,
		.fence = 1,
		.worker = maker->workers[rng_below(&maker->rng, WORKERS)],
		.leased_ms = job->created_ms + queued_ms,
		.started_ms = job->created_ms + queued_ms + 5,
		.finished_ms = job->created_ms + queued_ms + took_ms,
		.duration_ms = took_ms,
		.cpu_ms = took_ms / 3,
		.peak_kib = 20000 + (int64_t)uneven(maker, 500000),
		.version = 1,
		.job = job,
		.change = ROW_NEW,
	};
	uuid_v7(&run->id.u, run->created_ms, uow->rng);
	if (run->outcome != OUTCOME_PASSED)
		run->error = error_of(maker);
	uow_add_run(uow, run);
	UOW_PUSH(uow, &uow->units, run);
	end_job(maker, job, run);
}

int
main(int argc, char **argv)
{
	struct maker *maker = xcalloc(1, sizeof *maker);
	struct store_options options = { .durability = STORE_OS, .cache_bytes = MIB(256) };
	int64_t n = JOBS_DEFAULT, now_ms = clock_wall_ms(), span_ms = DAYS_MS(30);
	struct err err;

	if (argc < 2) {
		fprintf(stderr, "usage: million FILE [JOBS]\n");
		return 2;
	}
	if (argc > 2 && parse_i64(str_of(argv[2]), 1, 100000000, &n, &err) < 0)
		die("arguments", &err);
	if (store_open_sqlite(&maker->store, argv[1], &options, &err) < 0)
		die("open", &err);
	arena_init(&maker->arena, GIB(1));
	arena_init(&maker->names_arena, MIB(16));
	rng_seed(&maker->rng, SEED);
	for (int i = 0; i < NAMES; i++)
		maker->names[i] = arena_printf(&maker->names_arena, "%s %s number %d",
			i % 3 ? "shop" : "account", i % 2 ? "pays by card" : "logs in", i);
	for (int i = 0; i < TEMPLATES; i++)
		uuid_v7(&maker->templates[i].u, now_ms, &maker->rng);
	put_around(maker, now_ms - span_ms);
	for (int64_t i = 0; i < n;) {
		begin(maker, now_ms - span_ms + span_ms * i / n);
		for (int k = 0; k < TURN_JOBS && i < n; k++, i++) {
			struct job *job =
				new_job(maker, now_ms - span_ms + span_ms * i / n - 400000);

			new_test(maker, job);
			run_job(maker, job);
		}
		end(maker);
		if (i % 100000 == 0)
			fprintf(stderr, "%" PRId64 " jobs\n", i);
	}
	store_close(maker->store);
	arena_deinit(&maker->arena);
	arena_deinit(&maker->names_arena);
	free(maker);
	return 0;
}
