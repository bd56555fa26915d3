/* SPDX-License-Identifier: Apache-2.0 */
/* Policies are kept; a large job goes at once for readers and in slices for the disk. */
#include "kit.h"

#include <stdio.h>

#include "base/limits.h"
#include "cases.h"
#include "core/retention.h"

enum {
	LARGE = DELETE_ROWS_MAX + 44, /* runs: more than a turn deletes */
	SLICE = 100,
};

static struct retention *
new_policy(struct fixture *fx, int64_t seq, const char *name, int32_t place)
{
	struct retention *row = arena_xalloc(&fx->arena, sizeof *row);

	*row = (struct retention) {
		.seq = seq,
		.id = new_uuid(fx),
		.project = 1,
		.name = name,
		.place = place,
		.body = "{\"name\":\"x\",\"keep\":{\"age\":\"1d\"}}",
		.created_ms = fx->now_ms,
		.updated_ms = fx->now_ms,
		.revision = 1,
		.change = ROW_NEW,
	};
	return row;
}

static void
put_policies(struct fixture *fx, struct retention *a, struct retention *b)
{
	turn(fx);
	load(fx);
	if (a)
		UOW_PUSH(&fx->uow, &fx->uow.retention, a);
	if (b)
		UOW_PUSH(&fx->uow, &fx->uow.retention, b);
	save(fx);
}

static void
policies_keep_every_column(void **state)
{
	struct fixture *fx = *state;
	struct retention *read;
	struct store_boot boot;
	size_t n;

	turn(fx);
	load(fx);
	struct retention *second = new_policy(fx, 1, "second", 2);
	struct retention *first = new_policy(fx, 2, "first", 1);
	first->is_paused = true;
	first->last = "{\"jobs\":3}";
	first->last_ms = 17;
	UOW_PUSH(&fx->uow, &fx->uow.retention, second);
	UOW_PUSH(&fx->uow, &fx->uow.retention, first);
	save(fx);
	assert_done(fx, read_retention(fx->reader, 1, &fx->arena, &read, &n, &fx->err));
	assert_int_equal(n, 2);
	assert_same_row(&retention_table, first, &read[0]);
	assert_same_row(&retention_table, second, &read[1]);
	assert_done(fx, read_retention(fx->reader, 2, &fx->arena, &read, &n, &fx->err));
	assert_int_equal(n, 0);

	reopen(fx);
	turn(fx);
	assert_done(fx, store_boot(fx->store, &fx->arena, &boot, &fx->err));
	assert_int_equal(boot.n_retention, 2);
	assert_false(boot.has_remains);

	/* Changed and deleted. */
	put_policies(fx, NULL, NULL);
	turn(fx);
	load(fx);
	first = new_policy(fx, 2, "renamed", 1);
	first->change = ROW_CHANGED;
	second = new_policy(fx, 1, "second", 2);
	second->change = ROW_DELETED;
	UOW_PUSH(&fx->uow, &fx->uow.retention, first);
	UOW_PUSH(&fx->uow, &fx->uow.retention, second);
	save(fx);
	assert_done(fx, read_retention(fx->reader, 0, &fx->arena, &read, &n, &fx->err));
	assert_int_equal(n, 1);
	assert_string_equal(read[0].name, "renamed");
}

/* A final job with many runs, each with a result and a file; returns the last run. */
static struct run_id
put_large(struct fixture *fx, struct job_id *ret, int64_t *ret_seq)
{
	struct run_id last = { 0 };

	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "large");
	for (int i = 0; i < LARGE; i++) {
		struct run *run = new_run(fx, job, (struct worker_id) { new_uuid(fx) });
		struct artifact file = { .job_seq = job->seq,
			.run_seq = run->seq,
			.project = 1,
			.job = job->id,
			.run = run->id,
			.name = "log",
			.blob = i % 2 ? "aa" : "bb" };

		run->result = "{}";
		finish_run(fx, run, OUTCOME_PASSED);
		UOW_PUSH(&fx->uow, &fx->uow.artifacts, file);
		last = run->id;
	}
	*ret = job->id;
	*ret_seq = job->seq;
	save(fx);
	return last;
}

static void
assert_gone(struct fixture *fx, struct job_id id, struct run_id run_id, int64_t seq)
{
	struct event_filter all = { .project = 1, .limit = 10000, .bytes_max = MIB(16) };
	struct event *events;
	struct job *job;
	struct run *run;
	struct job_id of;
	bool in_use = true;
	size_t n, n_deleted = 0;

	assert_int_equal(read_job(fx->reader, 0, id, &fx->arena, &job, &fx->err), STORE_NONE);
	assert_int_equal(
		read_run(fx->reader, 0, run_id, &fx->arena, &run, &of, &fx->err), STORE_NONE);
	assert_done(fx, read_blob_in_use(fx->reader, "aa", &in_use, &fx->err));
	assert_false(in_use);
	assert_done(fx, read_events(fx->reader, &all, &fx->arena, &events, &n, &fx->err));
	for (size_t i = 0; i < n; i++) {
		if (events[i].job_seq != seq)
			continue;
		assert_int_equal(events[i].type, EV_JOB_DELETED);
		n_deleted++;
	}
	assert_int_equal(n_deleted, 1);
}

static void
a_large_job_goes_in_slices(void **state)
{
	struct fixture *fx = *state;
	struct store_boot boot;
	struct job_id id;
	int64_t seq;
	struct run_id run = put_large(fx, &id, &seq);
	size_t n_slices = 0, n_loose;
	int rc = STORE_MORE;

	turn(fx);
	want_job(fx, id);
	load(fx);
	struct job *job = job_of(fx, id);
	uow_event_job(&fx->uow, job, NULL, EV_JOB_DELETED, STR("{}"));
	job->change = ROW_DELETED;
	save(fx);
	bool has_remains = fx->uow.has_remains;
	n_loose = fx->uow.loose.n;
	assert_true(n_loose > 0);
	assert_gone(fx, id, run, seq);

	reopen(fx);
	turn(fx);
	assert_done(fx, store_boot(fx->store, &fx->arena, &boot, &fx->err));
	assert_int_equal(boot.has_remains, has_remains);
	assert_gone(fx, id, run, seq);
	for (; rc == STORE_MORE; n_slices++) {
		turn(fx);
		rc = store_purge_deleted(fx->store, SLICE, &fx->uow, &fx->err);
		n_loose += fx->uow.loose.n;
	}
	assert_int_equal(rc, 0);
	assert_int_equal(n_loose, LARGE); /* every file was told of, once */
	if (has_remains)
		assert_true(n_slices > 3);
	assert_gone(fx, id, run, seq);
	turn(fx);
	assert_done(fx, store_boot(fx->store, &fx->arena, &boot, &fx->err));
	assert_false(boot.has_remains);
}

static void
files_go_while_the_job_stays(void **state)
{
	struct fixture *fx = *state;
	struct artifact *files;
	struct job_id id;
	struct job *job;
	int64_t seq;
	size_t n;

	(void)put_large(fx, &id, &seq);
	turn(fx);
	load(fx);
	UOW_PUSH(&fx->uow, &fx->uow.fileless, seq);
	save(fx);
	assert_int_equal(fx->uow.loose.n, LARGE < SWEEP_FILES_MAX ? LARGE : SWEEP_FILES_MAX);
	assert_done(fx, read_artifacts(fx->reader, seq, 0, &fx->arena, &files, &n, &fx->err));
	assert_int_equal(n, LARGE - fx->uow.loose.n);
	assert_done(fx, read_job(fx->reader, 0, id, &fx->arena, &job, &fx->err));
}

static void
workers_that_are_long_gone_are_forgotten(void **state)
{
	struct fixture *fx = *state;
	struct worker_row *rows;
	size_t n;

	turn(fx);
	load(fx);
	new_worker(fx, "gone")->state = WORKER_GONE;
	new_worker(fx, "here")->state = WORKER_ONLINE;
	save(fx);
	int64_t after_ms = fx->now_ms + 1000;
	assert_done(fx, store_purge_workers(fx->store, 0, 10, &fx->err));
	assert_done(fx, read_workers(fx->reader, 0, true, &fx->arena, &rows, &n, &fx->err));
	assert_int_equal(n, 2);
	assert_done(fx, store_purge_workers(fx->store, after_ms, 10, &fx->err));
	assert_done(fx, read_workers(fx->reader, 0, true, &fx->arena, &rows, &n, &fx->err));
	assert_int_equal(n, 1);
	assert_string_equal(rows[0].name, "here");
}

/* Saves a run of a job that comes in, in a turn of its own. */
static void
save_staged_run(
	struct fixture *fx, struct job *shell, const struct run_id *id, enum stage_step step)
{
	struct staged staged = { shell->seq, step };
	struct run *run = arena_xalloc(&fx->arena, sizeof *run);

	UOW_PUSH(&fx->uow, &fx->uow.staged, staged);
	*run = (struct run) {
		.seq = fx->uow.next_run_seq++,
		.id = *id,
		.job_seq = shell->seq,
		.project = shell->project,
		.incarnation = 1,
		.iteration = 1,
		.attempt = 1,
		.state = RUN_FINISHED,
		.outcome = OUTCOME_PASSED,
		.version = 1,
		.change = ROW_NEW,
		.job = shell,
	};
	uow_add_run(&fx->uow, run);
	save(fx);
}

static bool
sees_run(struct fixture *fx, const struct run_id *id)
{
	struct job_id job;
	struct run *run;
	int rc = read_run(fx->reader, 0, *id, &fx->arena, &run, &job, &fx->err);

	assert_true(rc >= 0);
	return rc == 0;
}

static bool
is_taken(struct fixture *fx, const struct run_id *id)
{
	turn(fx);
	UOW_PUSH(&fx->uow, &fx->keys.new_runs, *id);
	load(fx);
	return fx->uow.taken.n == 1;
}

static void
a_job_that_comes_in_is_there_with_its_last_turn(void **state)
{
	struct fixture *fx = *state;
	struct run_id first = { new_uuid(fx) }, second = { new_uuid(fx) };
	struct job shell = { .project = 1 };
	struct job_id id = { new_uuid(fx) };

	turn(fx);
	load(fx);
	shell.seq = fx->uow.next_job_seq++;
	save_staged_run(fx, &shell, &first, STAGE_BEGIN);
	assert_false(sees_run(fx, &first));
	assert_true(is_taken(fx, &first));
	assert_false(is_taken(fx, &second));

	turn(fx);
	load(fx);
	struct job *job = arena_xalloc(&fx->arena, sizeof *job);
	*job = (struct job) {
		.seq = shell.seq,
		.id = id,
		.project = 1,
		.tags = "[]",
		.n_tests = 1,
		.n_targets = 1,
		.iterations = 1,
		.state = JOB_COMPLETED,
		.incarnation = 1,
		.completed_ms = fx->now_ms,
		.version = 1,
		.change = ROW_NEW,
	};
	uow_add_job(&fx->uow, job);
	save_staged_run(fx, &shell, &second, STAGE_SHOW);
	assert_true(sees_run(fx, &first));
	assert_true(sees_run(fx, &second));
	assert_done(fx, read_job(fx->reader, 1, id, &fx->arena, &job, &fx->err));
}

static void
what_did_not_come_in_as_a_whole_goes_at_the_next_start(void **state)
{
	struct fixture *fx = *state;
	struct run_id run = { new_uuid(fx) };
	struct job shell = { .project = 1 };
	struct store_boot boot;

	turn(fx);
	load(fx);
	shell.seq = fx->uow.next_job_seq++;
	save_staged_run(fx, &shell, &run, STAGE_BEGIN);
	turn(fx);
	assert_done(fx, store_purge_deleted(fx->store, 100, &fx->uow, &fx->err));
	assert_true(is_taken(fx, &run)); /* no rest of a deleted job */

	reopen(fx);
	turn(fx);
	assert_done(fx, store_boot(fx->store, &fx->arena, &boot, &fx->err));
	turn(fx);
	assert_done(fx, store_purge_deleted(fx->store, 100, &fx->uow, &fx->err));
	assert_false(is_taken(fx, &run));
	assert_true(fx->uow.next_job_seq > shell.seq);
}

const struct contract_case retention_cases[] = {
	{ "policies keep every column", policies_keep_every_column },
	{ "a large job goes in slices", a_large_job_goes_in_slices },
	{ "files go while the job stays", files_go_while_the_job_stays },
	{ "workers that are long gone are forgotten",
		workers_that_are_long_gone_are_forgotten },
	{ "a job that comes in is there with its last turn",
		a_job_that_comes_in_is_there_with_its_last_turn },
	{ "what did not come in as a whole goes at the next start",
		what_did_not_come_in_as_a_whole_goes_at_the_next_start },
	{ NULL, NULL },
};
