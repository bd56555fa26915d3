/* SPDX-License-Identifier: Apache-2.0 */
#include "kit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/mem.h"

enum {
	START_MS = 1000000,
	TURN_MS = 10,
};

#define ARENA_BYTES (64u << 20)

/* ---- backends ---- */

static int
open_sqlite(struct fixture *fx, struct store **ret, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/proctor.db", fx->place);
	const struct store_options options = { .durability = STORE_OS };
	return store_open_sqlite(ret, path, &options, err);
}

static void
clean_sqlite(struct fixture *fx)
{
	struct err err;
	if (tree_remove(AT_FDCWD, fx->place, &err) < 0)
		fail_msg("%s", err.text);
}

const struct backend sqlite_backend = { "sqlite", open_sqlite, clean_sqlite };

static int
open_memory(struct fixture *fx, struct store **ret, struct err *err)
{
	return store_open_memory(ret, fx->place, err);
}

static void
clean_memory(struct fixture *fx)
{
	store_memory_forget(fx->place);
	(void)rmdir(fx->place);
}

const struct backend memory_backend = { "memory", open_memory, clean_memory };

/* ---- fixture ---- */

void
open_store(struct fixture *fx)
{
	assert_done(fx, fx->backend->open(fx, &fx->store, &fx->err));
	assert_done(fx, store_reader_open(&fx->reader, fx->store, &fx->err));
}

void
close_store(struct fixture *fx)
{
	fx->reader = store_reader_close(fx->reader);
	fx->store = store_close(fx->store);
}

void
reopen(struct fixture *fx)
{
	close_store(fx);
	open_store(fx);
}

int
fixture_setup(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);
	char template[] = "/tmp/proctor-store-XXXXXX";
	fx->backend = *state;
	fx->place = xstrdup(mkdtemp(template));
	fx->now_ms = START_MS;
	rng_seed(&fx->rng, 7);
	arena_init(&fx->arena, ARENA_BYTES);
	uow_init(&fx->uow, &fx->arena, &fx->rng, fx->now_ms);
	open_store(fx);
	*state = fx;
	return 0;
}

int
fixture_teardown(void **state)
{
	struct fixture *fx = *state;
	close_store(fx);
	uow_deinit(&fx->uow);
	arena_deinit(&fx->arena);
	fx->backend->clean(fx);
	free(fx->place);
	free(fx);
	return 0;
}

/* ---- turns ---- */

void
turn(struct fixture *fx)
{
	uow_deinit(&fx->uow);
	fx->now_ms += TURN_MS;
	fx->keys = (struct turn_keys) { 0 };
	uow_init(&fx->uow, &fx->arena, &fx->rng, fx->now_ms);
}

void
load(struct fixture *fx)
{
	assert_done(fx, store_load(fx->store, &fx->keys, &fx->uow, &fx->err));
}

int
try_save(struct fixture *fx)
{
	return store_save(fx->store, &fx->uow, &fx->err);
}

void
save(struct fixture *fx)
{
	assert_done(fx, try_save(fx));
}

void
want_job(struct fixture *fx, struct job_id id)
{
	UOW_PUSH_IN(&fx->arena, &fx->keys.jobs, id);
}

void
want_run(struct fixture *fx, struct run_id id)
{
	UOW_PUSH_IN(&fx->arena, &fx->keys.runs, id);
}

void
want_worker(struct fixture *fx, struct worker_id id)
{
	UOW_PUSH_IN(&fx->arena, &fx->keys.workers, id);
}

void
want_claim(struct fixture *fx, int64_t lane, size_t n)
{
	struct claim_key key = { .lane = lane, .n = n };
	UOW_PUSH_IN(&fx->arena, &fx->keys.claims, key);
}

struct job *
job_of(struct fixture *fx, struct job_id id)
{
	struct job *job = uow_job(&fx->uow, id);
	assert_non_null(job);
	return job;
}

struct run *
run_of(struct fixture *fx, struct run_id id)
{
	struct run *run = uow_run(&fx->uow, id);
	assert_non_null(run);
	return run;
}

/* ---- rows ---- */

struct uuid
new_uuid(struct fixture *fx)
{
	struct uuid id;
	uuid_v7(&id, fx->now_ms, &fx->rng);
	return id;
}

struct job *
new_job(struct fixture *fx, const char *name)
{
	struct uow *uow = &fx->uow;
	struct job *job = arena_xalloc(&fx->arena, sizeof *job);
	*job = (struct job) {
		.seq = uow->next_job_seq++,
		.id = { new_uuid(fx) },
		.project = 1,
		.name = arena_strdup(&fx->arena, name),
		.tags = "[]",
		.created_ms = fx->now_ms,
		.rank = -fx->now_ms,
		.queue = 1,
		.labels = "",
		.kind = "command",
		.n_tests = 1,
		.n_targets = 1,
		.iterations = 1,
		.concurrency = 1,
		.incarnation = 1,
		.iteration = 1,
		.lane = 1,
		.ready = true,
		.updated_ms = fx->now_ms,
		.version = 1,
		.change = ROW_NEW,
	};
	struct job_test test = {
		.job_seq = job->seq,
		.name = "only",
		.kind = "command",
		.body = STR("{\"argv\":[\"true\"]}"),
	};
	uow_add_job(uow, job);
	UOW_PUSH(uow, &uow->tests, test);
	uow_event_job(uow, job, NULL, EV_JOB_QUEUED, STR("{}"));
	return job;
}

struct job_id
put_job(struct fixture *fx, const char *name)
{
	turn(fx);
	load(fx);
	struct job_id id = new_job(fx, name)->id;
	save(fx);
	return id;
}

struct run *
new_run(struct fixture *fx, struct job *job, struct worker_id worker)
{
	struct uow *uow = &fx->uow;
	struct run *run = arena_xalloc(&fx->arena, sizeof *run);
	*run = (struct run) {
		.seq = uow->next_run_seq++,
		.id = { new_uuid(fx) },
		.job_seq = job->seq,
		.project = job->project,
		.incarnation = job->incarnation,
		.iteration = job->iteration,
		.attempt = 1,
		.created_ms = fx->now_ms,
		.state = RUN_LEASED,
		.fence = 1,
		.worker = worker,
		.leased_ms = fx->now_ms,
		.version = 1,
		.job = job,
		.change = ROW_NEW,
	};
	uow_add_run(uow, run);
	job->running++;
	job->ready = false;
	job->state = JOB_RUNNING;
	if (job->started_ms == 0)
		job->started_ms = fx->now_ms;
	uow_touch_job(uow, job);
	uow_event_job(uow, job, run, EV_RUN_LEASED, STR("{}"));
	return run;
}

void
finish_run(struct fixture *fx, struct run *run, enum run_outcome outcome)
{
	struct job *job = run->job;
	run->state = RUN_FINISHED;
	run->outcome = outcome;
	run->finished_ms = fx->now_ms;
	run->is_last = true;
	run->result = "{\"ok\":true}";
	uow_touch_run(&fx->uow, run);
	job->running--;
	job->counts.passed += outcome == OUTCOME_PASSED;
	job->counts.failed += outcome == OUTCOME_FAILED;
	job->state = outcome == OUTCOME_PASSED ? JOB_COMPLETED : JOB_FAILED;
	job->reason = outcome == OUTCOME_PASSED ? JOB_REASON_PASSED : JOB_REASON_TESTS_FAILED;
	job->completed_ms = fx->now_ms;
	uow_touch_job(&fx->uow, job);
	uow_event_job(&fx->uow, job, run, EV_RUN_FINISHED, STR("{}"));
	uow_event_job(&fx->uow, job, NULL,
		outcome == OUTCOME_PASSED ? EV_JOB_COMPLETED : EV_JOB_FAILED, STR("{}"));
}

struct worker_row *
new_worker(struct fixture *fx, const char *name)
{
	struct worker_row *worker = arena_xalloc(&fx->arena, sizeof *worker);
	*worker = (struct worker_row) {
		.id = { new_uuid(fx) },
		.name = arena_strdup(&fx->arena, name),
		.version = "1",
		.kinds = "command",
		.labels = "",
		.capacity = 4,
		.joined_ms = fx->now_ms,
		.seen_ms = fx->now_ms,
		.change = ROW_NEW,
	};
	return uow_add_worker(&fx->uow, worker);
}

struct definition *
new_definition(struct fixture *fx, enum def_kind kind, const char *name)
{
	struct uow *uow = &fx->uow;
	struct definition *def = arena_xalloc(&fx->arena, sizeof *def);
	*def = (struct definition) {
		.seq = uow->next_def_seq++,
		.id = { new_uuid(fx) },
		.project = 1,
		.kind = kind,
		.name = arena_strdup(&fx->arena, name),
		.tags = "[]",
		.body = "{}",
		.revision = 1,
		.created_ms = fx->now_ms,
		.updated_ms = fx->now_ms,
		.change = ROW_NEW,
	};
	UOW_PUSH(uow, &uow->defs, def);
	return def;
}

/* ---- rows by their columns ---- */

static void
fill_column(struct fixture *fx, const struct column *column, char *member, int64_t value)
{
	const char *text = arena_printf(
		&fx->arena, "%s … \"%lld\" \U0001F9EA\n", column->name, (long long)value);
	struct str str = str_of(text);
	struct uuid id = new_uuid(fx);
	double real = 0.1 + (double)value;
	bool flag = true;
	int32_t narrow = (int32_t)value;
	int last;

	switch ((enum column_kind)column->kind) {
	case COLUMN_I64:
		memcpy(member, &value, sizeof value);
		return;
	case COLUMN_I32:
	case COLUMN_U32:
		memcpy(member, &narrow, sizeof narrow);
		return;
	case COLUMN_BOOL:
		memcpy(member, &flag, sizeof flag);
		return;
	case COLUMN_F64:
		memcpy(member, &real, sizeof real);
		return;
	case COLUMN_TEXT:
		memcpy(member, &text, sizeof text);
		return;
	case COLUMN_STR:
		memcpy(member, &str, sizeof str);
		return;
	case COLUMN_UUID:
		memcpy(member, &id, sizeof id);
		return;
	case COLUMN_JOB_STATE:
	case COLUMN_JOB_REASON:
	case COLUMN_RUN_STATE:
	case COLUMN_RUN_OUTCOME:
	case COLUMN_WORKER_STATE:
	case COLUMN_DEF_KIND:
		break;
	}
	/* The last value of an enumeration is never its zero. */
	for (last = 31; !column_word((enum column_kind)column->kind, last); last--)
		continue;
	memcpy(member, &last, sizeof last);
}

void
fill_live(struct fixture *fx, const struct table *table, void *row, int64_t salt)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];
		if (column->use == COLUMN_LIVE)
			fill_column(
				fx, column, (char *)row + column->offset, salt + (int64_t)i);
	}
}

void
fill_row(struct fixture *fx, const struct table *table, void *row, int64_t salt)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];
		fill_column(fx, column, (char *)row + column->offset, salt + (int64_t)i);
	}
}

void
assert_same_row(const struct table *table, const void *expected, const void *got)
{
	const struct column *column = row_differs(table, expected, got);
	if (column)
		fail_msg("column %s of %s differs", column->name, table->name);
}

/* ---- reading ---- */

struct job *
read_back(struct fixture *fx, struct job_id id)
{
	struct job *job;
	assert_done(fx, read_job(fx->reader, 0, id, &fx->arena, &job, &fx->err));
	return job;
}

size_t
read_events_after(struct fixture *fx, int64_t job_seq, int64_t after_seq, struct event **ret)
{
	const struct event_filter filter = {
		.job_seq = job_seq,
		.after_seq = after_seq,
		.limit = 10000,
	};
	size_t n;
	assert_done(fx, read_events(fx->reader, &filter, &fx->arena, ret, &n, &fx->err));
	return n;
}
