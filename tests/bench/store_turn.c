/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the bare store takes turns: store_turn FOLDER [JOBS [sync|os [CACHE_MIB]]]
 *
 * For 1, 8, 32 and 64 rows a turn: durable submits, then whole lives (submit, claim and finish
 * in a turn each, as an engine does them). Prints rows and turns a second. Not a test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "store/store.h"

enum {
	TURN_ROWS_MAX = 64,
	JOBS_DEFAULT = 20000,
};

struct bench {
	struct store *store;
	struct arena arena;
	struct uow uow;
	struct rng rng;
	struct worker_id worker;
	struct run_id leased[TURN_ROWS_MAX]; /* by the last claim */
	size_t n_leased;
	int64_t n_turns;
};

static _Noreturn void
die(const char *what, const struct err *err)
{
	fprintf(stderr, "%s: %s\n", what, err->text);
	exit(1);
}

static void
begin(struct bench *bench, const struct turn_keys *keys)
{
	struct err err;
	uow_init(&bench->uow, &bench->arena, &bench->rng, clock_wall_ms());
	if (store_load(bench->store, keys, &bench->uow, &err) < 0)
		die("load", &err);
}

static void
end(struct bench *bench)
{
	struct err err;
	uow_number_events(&bench->uow);
	if (store_save(bench->store, &bench->uow, &err) != 0)
		die("save", &err);
	uow_deinit(&bench->uow);
	arena_reset(&bench->arena);
	bench->n_turns++;
}

static void
new_job(struct bench *bench)
{
	struct uow *uow = &bench->uow;
	struct job *job = arena_xalloc(&bench->arena, sizeof *job);
	*job = (struct job) {
		.seq = uow->next_job_seq++,
		.project = 1,
		.name = "shop smoke",
		.tags = "[\"smoke\"]",
		.created_ms = uow->now_ms,
		.rank = -uow->now_ms,
		.queue = 1,
		.labels = "",
		.kind = "command",
		.n_tests = 1,
		.n_targets = 1,
		.iterations = 1,
		.concurrency = 1,
		.run_timeout_ms = 1800000,
		.incarnation = 1,
		.iteration = 1,
		.lane = 1,
		.ready = true,
		.updated_ms = uow->now_ms,
		.version = 1,
		.change = ROW_NEW,
	};
	uuid_v7(&job->id.u, uow->now_ms, uow->rng);
	struct job_test test = {
		.job_seq = job->seq,
		.name = "true",
		.kind = "command",
		.body = STR(
			"{\"name\":\"true\",\"kind\":\"command\",\"argv\":[\"/bin/true\"]}"),
	};
	uow_add_job(uow, job);
	UOW_PUSH(uow, &uow->tests, test);
	uow_event_job(uow, job, NULL, EV_JOB_QUEUED,
		STR("{\"name\":\"shop smoke\",\"queue\":\"default\",\"priority\":0,\"tests\":1}"));
}

static void
submit(struct bench *bench, size_t n)
{
	const struct turn_keys none = { 0 };
	begin(bench, &none);
	for (size_t i = 0; i < n; i++)
		new_job(bench);
	end(bench);
}

static void
lease(struct bench *bench, struct job *job)
{
	struct uow *uow = &bench->uow;
	struct run *run = arena_xalloc(&bench->arena, sizeof *run);
	*run = (struct run) {
		.seq = uow->next_run_seq++,
		.job_seq = job->seq,
		.project = 1,
		.incarnation = 1,
		.iteration = 1,
		.attempt = 1,
		.created_ms = uow->now_ms,
		.state = RUN_LEASED,
		.fence = 1,
		.worker = bench->worker,
		.leased_ms = uow->now_ms,
		.version = 1,
		.job = job,
		.change = ROW_NEW,
	};
	uuid_v7(&run->id.u, uow->now_ms, uow->rng);
	uow_add_run(uow, run);
	job->state = JOB_RUNNING;
	job->ready = false;
	job->running = 1;
	job->next_test = 0;
	job->iteration = 2;
	job->started_ms = uow->now_ms;
	job->queued_ms = uow->now_ms - job->created_ms;
	uow_touch_job(uow, job);
	uow_event_job(uow, job, NULL, EV_JOB_STARTING, STR("{}"));
	uow_event_job(uow, job, run, EV_RUN_CREATED, STR("{\"test\":\"true\",\"attempt\":1}"));
	uow_event_job(uow, job, run, EV_RUN_LEASED, STR("{\"worker\":\"local\"}"));
	bench->leased[bench->n_leased++] = run->id;
}

static void
claim(struct bench *bench, size_t n)
{
	struct err err;
	struct turn_keys keys = { 0 };
	struct claim_key key = { 1, n };
	struct test_key *tests = arena_xalloc(&bench->arena, n * sizeof *tests);
	struct job_test *bodies = arena_xalloc(&bench->arena, n * sizeof *bodies);
	struct job_options *options = arena_xalloc(&bench->arena, n * sizeof *options);
	UOW_PUSH_IN(&bench->arena, &keys.claims, key);
	begin(bench, &keys);
	bench->n_leased = 0;
	for (size_t i = 0; i < bench->uow.jobs.n; i++) {
		tests[i] = (struct test_key) { bench->uow.jobs.item[i]->seq, 0 };
		lease(bench, bench->uow.jobs.item[i]);
	}
	if (store_load_tests(bench->store, tests, bench->uow.jobs.n, &bench->arena, bodies,
		    options, &err) < 0)
		die("load tests", &err);
	end(bench);
}

static void
finish(struct bench *bench)
{
	struct turn_keys keys = { 0 };
	for (size_t i = 0; i < bench->n_leased; i++)
		UOW_PUSH_IN(&bench->arena, &keys.runs, bench->leased[i]);
	begin(bench, &keys);
	for (size_t i = 0; i < bench->n_leased; i++) {
		struct uow *uow = &bench->uow;
		struct run *run = uow_run(uow, bench->leased[i]);
		struct job *job = run->job;
		run->state = RUN_FINISHED;
		run->outcome = OUTCOME_PASSED;
		run->is_last = true;
		run->started_ms = run->finished_ms = uow->now_ms;
		run->duration_ms = 3;
		uow_touch_run(uow, run);
		job->running = 0;
		job->counts.passed = 1;
		job->state = JOB_COMPLETED;
		job->reason = JOB_REASON_PASSED;
		job->completed_ms = uow->now_ms;
		uow_touch_job(uow, job);
		uow_event_job(uow, job, run, EV_RUN_FINISHED,
			STR("{\"outcome\":\"passed\",\"durationMs\":3}"));
		uow_event_job(uow, job, NULL, EV_JOB_COMPLETED, STR("{\"reason\":\"passed\"}"));
	}
	end(bench);
}

static int64_t
cpu_us(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
		usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void
lives(struct bench *bench, size_t rows, int64_t n)
{
	for (int64_t i = 0; i < n; i += (int64_t)rows) {
		submit(bench, rows);
		claim(bench, rows);
		finish(bench);
	}
}

static void
submits(struct bench *bench, size_t rows, int64_t n)
{
	for (int64_t i = 0; i < n; i += (int64_t)rows)
		submit(bench, rows);
}

static void
drain(struct bench *bench, size_t rows, int64_t n)
{
	for (int64_t i = 0; i < n; i += (int64_t)rows) {
		claim(bench, rows);
		finish(bench);
	}
}

static void
measure(struct bench *bench, const char *what, size_t rows, int64_t n,
	void (*run)(struct bench *, size_t, int64_t))
{
	int64_t start_ns = clock_mono_ns();
	int64_t start_us = cpu_us();
	bench->n_turns = 0;
	run(bench, rows, n);
	double seconds = (double)(clock_mono_ns() - start_ns) / 1e9;
	printf("%-8s %3zu a turn: %8.0f jobs/s %8.0f turns/s %7.1f us of CPU a job\n", what,
		rows, (double)n / seconds, (double)bench->n_turns / seconds,
		(double)(cpu_us() - start_us) / (double)n);
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	static const size_t rows[] = { 1, 8, 32, 64 };
	struct bench bench = { 0 };
	struct store_options options = { 0 };
	struct err err;
	int64_t n = JOBS_DEFAULT;
	int64_t cache_mib = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: store_turn FOLDER [JOBS [sync|os [CACHE_MIB]]]\n");
		return 2;
	}
	if ((argc > 2 && parse_i64(str_of(argv[2]), 1, 100000000, &n, &err) < 0) ||
		(argc > 4 && parse_i64(str_of(argv[4]), 1, 100000, &cache_mib, &err) < 0))
		die("arguments", &err);
	if (argc > 3 && strcmp(argv[3], "os") == 0)
		options.durability = STORE_OS;
	options.cache_bytes = cache_mib << 20;

	_cleanup_free_ char *path = xasprintf("%s/bench.db", argv[1]);
	if (store_open_sqlite(&bench.store, path, &options, &err) < 0)
		die("open", &err);
	arena_init(&bench.arena, (size_t)1 << 28);
	rng_seed_os(&bench.rng);
	uuid_v7(&bench.worker.u, clock_wall_ms(), &bench.rng);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		measure(&bench, "life", rows[i], rows[i] == 1 ? n / 4 : n, lives);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		measure(&bench, "submit", rows[i], rows[i] == 1 ? n / 4 : n, submits);
	/* With a backlog each life claims the oldest job and not its own. */
	measure(&bench, "backlog", TURN_ROWS_MAX, n, lives);
	measure(&bench, "drain", TURN_ROWS_MAX, n, drain);
	store_close(bench.store);
	arena_deinit(&bench.arena);
	return 0;
}
