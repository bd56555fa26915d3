/* SPDX-License-Identifier: Apache-2.0 */
/* The writing side: what a turn loads, what it saves, and what a restart finds. */
#include "cases.h"
#include "kit.h"

static void
an_empty_store_has_nothing(void **state)
{
	struct fixture *fx = *state;
	struct store_boot boot;
	int64_t due_ms, last_seq;
	assert_done(fx, store_boot(fx->store, &fx->arena, &boot, &fx->err));
	assert_int_equal(boot.n_lanes + boot.n_queues + boot.n_workers, 0);
	assert_int_equal(boot.next_due_ms, 0);
	assert_int_equal(boot.now_floor_ms, 0);
	assert_done(fx, store_next_due(fx->store, &due_ms, &fx->err));
	assert_int_equal(due_ms, 0);
	assert_done(fx, read_last_event_seq(fx->reader, &last_seq, &fx->err));
	assert_int_equal(last_seq, 0);

	turn(fx);
	want_job(fx, (struct job_id) { new_uuid(fx) });
	want_run(fx, (struct run_id) { new_uuid(fx) });
	want_worker(fx, (struct worker_id) { new_uuid(fx) });
	want_claim(fx, 1, 10);
	fx->keys.due_ms = fx->now_ms;
	fx->keys.due_max = 10;
	load(fx);
	assert_int_equal(fx->uow.jobs.n + fx->uow.runs.n + fx->uow.workers.n, 0);
	assert_true(fx->uow.next_job_seq > 0);
	assert_true(fx->uow.next_event_seq > 0);
	save(fx);
	assert_done(fx, store_check(fx->store, &fx->err));
}

/* Every column of a job comes back, and every live column is updated. */
static void
jobs_keep_every_column(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct job *job = arena_xalloc(&fx->arena, sizeof *job);
	fill_row(fx, &job_table, job, 1000);
	job->seq = fx->uow.next_job_seq++;
	job->change = ROW_NEW;
	uow_add_job(&fx->uow, job);
	save(fx);
	const struct job before = *job;
	assert_same_row(&job_table, &before, read_back(fx, before.id));

	turn(fx);
	want_job(fx, before.id);
	load(fx);
	job = job_of(fx, before.id);
	assert_same_row(&job_table, &before, job);
	assert_true(job->is_stored);
	assert_int_equal(job->stored_state, before.state);
	assert_int_equal(job->change, ROW_CLEAN);

	fill_live(fx, &job_table, job, 5000);
	job->version = before.version;
	uow_touch_job(&fx->uow, job);
	save(fx);
	assert_int_equal(job->version, before.version + 1);
	assert_same_row(&job_table, job, read_back(fx, before.id));
	reopen(fx);
	assert_same_row(&job_table, job, read_back(fx, before.id));
}

static void
absent_texts_and_ids_stay_absent(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "x");
	job->name = NULL;
	job->kind = NULL;
	struct job_id id = job->id;
	save(fx);
	job = read_back(fx, id);
	assert_null(job->name);
	assert_null(job->kind);
	assert_null(job->targets);
	assert_string_equal(job->labels, "");
	assert_true(uuid_is_zero(&job->template_id.u));
	assert_int_equal(job->reason, JOB_REASON_NONE);
}

static void
runs_keep_every_column(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "runs");
	struct run *run = arena_xalloc(&fx->arena, sizeof *run);
	fill_row(fx, &run_table, run, 2000);
	run->seq = fx->uow.next_run_seq++;
	run->job_seq = job->seq;
	run->job = job;
	run->change = ROW_NEW;
	uow_add_run(&fx->uow, run);
	save(fx);

	const struct run before = *run;
	struct run *got;
	struct job_id job_id;
	assert_int_equal(read_run(fx->reader, before.project + 1, before.id, &fx->arena, &got,
				 &job_id, &fx->err),
		STORE_NONE);
	assert_done(fx,
		read_run(fx->reader, before.project, before.id, &fx->arena, &got, &job_id,
			&fx->err));
	assert_same_row(&run_table, &before, got);
	assert_memory_equal(&job_id, &job->id, sizeof job_id);

	turn(fx);
	want_run(fx, before.id);
	load(fx);
	run = run_of(fx, before.id);
	assert_same_row(&run_table, &before, run);
	assert_ptr_equal(run->job, job_of(fx, job_id));
	run->state = RUN_WAITING;
	run->outcome = OUTCOME_NONE;
	run->error = NULL;
	run->fence++;
	run->due_ms = 77;
	uow_touch_run(&fx->uow, run);
	save(fx);
	assert_done(
		fx, read_run(fx->reader, 0, before.id, &fx->arena, &got, &job_id, &fx->err));
	assert_same_row(&run_table, run, got);
	assert_int_equal(got->version, before.version + 1);
}

/* What comes with a job, a run, a worker and a claim. */
static void
keys_bring_what_belongs_to_them(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct worker_id worker = new_worker(fx, "w")->id;
	struct job *job = new_job(fx, "many");
	struct run *leased = new_run(fx, job, worker);
	struct run *waiting = new_run(fx, job, worker);
	struct run *finished = new_run(fx, job, worker);
	waiting->state = RUN_WAITING;
	finished->state = RUN_FINISHED;
	job->running = 1;
	job->waiting = 1;
	job->ready = true;
	struct job_id job_id = job->id;
	struct run_id leased_id = leased->id, waiting_id = waiting->id,
		      finished_id = finished->id;
	save(fx);

	turn(fx);
	want_job(fx, job_id);
	load(fx);
	job = job_of(fx, job_id);
	assert_true(job->runs_loaded);
	assert_int_equal(fx->uow.runs.n, 2);
	assert_non_null(job->open_runs);
	assert_non_null(job->open_runs->job_next);
	assert_null(job->open_runs->job_next->job_next);
	assert_null(uow_run(&fx->uow, finished_id));

	turn(fx);
	want_run(fx, finished_id);
	load(fx);
	assert_int_equal(run_of(fx, finished_id)->state, RUN_FINISHED);
	assert_non_null(uow_run(&fx->uow, waiting_id));
	assert_null(uow_run(&fx->uow, leased_id));
	assert_false(job_of(fx, job_id)->runs_loaded);

	turn(fx);
	want_worker(fx, worker);
	load(fx);
	struct worker_row *row = uow_worker(&fx->uow, worker);
	assert_non_null(row);
	assert_int_equal(row->n_runs, 1);
	assert_ptr_equal(row->runs[0], run_of(fx, leased_id));
	assert_ptr_equal(row->runs[0]->job, job_of(fx, job_id));

	turn(fx);
	want_claim(fx, 1, 5);
	want_job(fx, job_id);
	want_run(fx, leased_id);
	want_worker(fx, worker);
	load(fx);
	assert_int_equal(fx->uow.jobs.n, 1);
	assert_int_equal(fx->uow.runs.n, 2);
	assert_ptr_equal(run_of(fx, waiting_id)->job, job_of(fx, job_id));
}

static void
claims_take_the_best_of_a_lane(void **state)
{
	struct fixture *fx = *state;
	const int64_t ranks[] = { 5, 9, 9, -3, 7, 100 };
	struct job_id ids[ARRAY_LEN(ranks)];
	turn(fx);
	load(fx);
	for (size_t i = 0; i < ARRAY_LEN(ranks); i++) {
		struct job *job = new_job(fx, "c");
		job->rank = ranks[i];
		job->lane = i == 5 ? 2 : 1;
		ids[i] = job->id;
	}
	new_job(fx, "not ready")->ready = false;
	save(fx);

	turn(fx);
	want_claim(fx, 1, 4);
	load(fx);
	const size_t order[] = { 1, 2, 4, 0 };
	assert_int_equal(fx->uow.jobs.n, 4);
	for (size_t i = 0; i < 4; i++)
		assert_memory_equal(
			&fx->uow.jobs.item[i]->id, &ids[order[i]], sizeof(struct job_id));

	int64_t ahead;
	const struct job *fifth = read_back(fx, ids[0]);
	assert_done(fx,
		store_count_ahead(
			fx->store, 1, fifth->rank, fifth->seq, 100, &ahead, &fx->err));
	assert_int_equal(ahead, 3);
	assert_done(fx,
		store_count_ahead(fx->store, 1, fifth->rank, fifth->seq, 2, &ahead, &fx->err));
	assert_int_equal(ahead, 2);
	const struct job *second = read_back(fx, ids[2]);
	assert_done(fx, store_count_ahead(fx->store, 1, 9, second->seq, 100, &ahead, &fx->err));
	assert_int_equal(ahead, 1);
}

static void
due_jobs_come_in_time(void **state)
{
	struct fixture *fx = *state;
	struct job_id ids[3];
	turn(fx);
	load(fx);
	for (int i = 0; i < 3; i++) {
		struct job *job = new_job(fx, "due");
		job->due_ms = 3000 - 1000 * i;
		ids[i] = job->id;
	}
	struct job *waiting = uow_job(&fx->uow, ids[2]);
	struct run *run = new_run(fx, waiting, (struct worker_id) { new_uuid(fx) });
	struct run_id run_id = run->id;
	new_job(fx, "never");
	save(fx);

	int64_t due_ms, n;
	assert_done(fx, store_next_due(fx->store, &due_ms, &fx->err));
	assert_int_equal(due_ms, 1000);
	assert_done(fx, store_count_due(fx->store, waiting->queue, 100, &n, &fx->err));
	assert_int_equal(n, 3);
	assert_done(fx, store_count_due(fx->store, waiting->queue, 2, &n, &fx->err));
	assert_int_equal(n, 2);
	assert_done(fx, store_count_due(fx->store, waiting->queue + 1, 100, &n, &fx->err));
	assert_int_equal(n, 0);

	turn(fx);
	fx->keys.due_ms = 2000;
	fx->keys.due_max = 10;
	load(fx);
	assert_int_equal(fx->uow.due_jobs.n, 2);
	assert_memory_equal(&fx->uow.due_jobs.item[0]->id, &ids[2], sizeof ids[2]);
	assert_memory_equal(&fx->uow.due_jobs.item[1]->id, &ids[1], sizeof ids[1]);
	assert_true(fx->uow.due_jobs.item[0]->runs_loaded);
	assert_ptr_equal(fx->uow.due_jobs.item[0]->open_runs, run_of(fx, run_id));

	turn(fx);
	fx->keys.due_ms = 9000;
	fx->keys.due_max = 1;
	load(fx);
	assert_int_equal(fx->uow.due_jobs.n, 1);
}

static void
workers_are_due_with_their_runs(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct worker_row *busy = new_worker(fx, "busy");
	struct worker_row *idle = new_worker(fx, "idle");
	struct worker_row *later = new_worker(fx, "later");
	busy->lease_until_ms = 500;
	idle->lease_until_ms = 100;
	later->lease_until_ms = 900;
	struct job *job = new_job(fx, "j");
	struct run_id run = new_run(fx, job, busy->id)->id;
	new_run(fx, job, later->id);
	struct worker_id busy_id = busy->id;
	save(fx);

	int64_t due_ms;
	assert_done(fx, store_next_due(fx->store, &due_ms, &fx->err));
	assert_int_equal(due_ms, 500);

	turn(fx);
	fx->keys.due_ms = 600;
	fx->keys.due_max = 10;
	load(fx);
	assert_int_equal(fx->uow.due_workers.n, 1);
	struct worker_row *due = fx->uow.due_workers.item[0];
	assert_memory_equal(&due->id, &busy_id, sizeof busy_id);
	assert_int_equal(due->n_runs, 1);
	assert_ptr_equal(due->runs[0], run_of(fx, run));

	/* With its runs taken away it is no longer due. */
	due->runs[0]->state = RUN_WAITING;
	due->runs[0]->due_ms = 0;
	uow_touch_run(&fx->uow, due->runs[0]);
	due->state = WORKER_LOST;
	uow_touch_worker(due);
	save(fx);
	assert_done(fx, store_next_due(fx->store, &due_ms, &fx->err));
	assert_int_equal(due_ms, 900);
}

static void
tests_and_options_are_loaded_for_leases(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "t");
	struct job_test second = {
		.job_seq = job->seq,
		.index = 1,
		.name = "zweiter Prüfling",
		.kind = "http",
		.body = STR("{\"x\":\"\\u0000 stays text\"}"),
		.timeout_ms = 1234,
	};
	struct job_options options = { job->seq, STR("{\"params\":{}}") };
	UOW_PUSH(&fx->uow, &fx->uow.tests, second);
	UOW_PUSH(&fx->uow, &fx->uow.options, options);
	int64_t plain = new_job(fx, "plain")->seq;
	int64_t seq = job->seq;
	save(fx);

	const struct test_key keys[] = {
		{ .job_seq = seq, .index = 1 },
		{ .job_seq = seq },
		{ .job_seq = seq, .index = 2 },
		{ .job_seq = plain },
		{ .job_seq = 999 },
	};
	struct job_test tests[ARRAY_LEN(keys)];
	struct job_options got[ARRAY_LEN(keys)];
	assert_done(fx,
		store_load_tests(
			fx->store, keys, ARRAY_LEN(keys), &fx->arena, tests, got, &fx->err));
	assert_same_row(&job_test_table, &second, &tests[0]);
	assert_same_row(&job_options_table, &options, &got[0]);
	assert_string_equal(tests[1].name, "only");
	assert_int_equal(tests[2].body.n, 0);
	assert_int_equal(tests[3].job_seq, plain);
	assert_int_equal(got[3].body.n, 0);
	assert_int_equal(tests[4].body.n + got[4].body.n, 0);
}

/* Of two turns that loaded the same version only one is saved, and of the other nothing is. */
static void
a_stale_turn_is_a_conflict(void **state)
{
	struct fixture *fx = *state;
	struct job_id id = put_job(fx, "contested");
	struct uow late;
	struct rng rng = fx->rng;
	struct turn_keys keys = { 0 };
	UOW_PUSH_IN(&fx->arena, &keys.jobs, id);
	uow_init(&late, &fx->arena, &rng, fx->now_ms);
	assert_done(fx, store_load(fx->store, &keys, &late, &fx->err));

	turn(fx);
	want_job(fx, id);
	load(fx);
	job_of(fx, id)->priority = 0;
	job_of(fx, id)->waiting = 3;
	uow_touch_job(&fx->uow, job_of(fx, id));
	save(fx);

	struct job *stale = uow_job(&late, id);
	stale->waiting = 9;
	uow_touch_job(&late, stale);
	struct event event = { .project = 1, .type = EV_WORKER_JOINED, .data = STR("{}") };
	late.next_event_seq = fx->uow.next_event_seq;
	uow_event(&late, &event);
	assert_int_equal(store_save(fx->store, &late, &fx->err), STORE_CONFLICT);
	uow_deinit(&late);

	assert_int_equal(read_back(fx, id)->waiting, 3);
	struct event *events;
	assert_int_equal(read_events_after(fx, 0, 0, &events), 1);
	/* A conflict breaks nothing. */
	put_job(fx, "next");
}

static void
a_turn_that_changes_nothing_saves_nothing(void **state)
{
	struct fixture *fx = *state;
	struct job_id id = put_job(fx, "quiet");
	int64_t version = read_back(fx, id)->version;
	turn(fx);
	want_job(fx, id);
	load(fx);
	save(fx);
	assert_int_equal(read_back(fx, id)->version, version);
}

static void
deleting_a_job_takes_all_of_it(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "doomed");
	struct job_id id = job->id;
	int64_t seq = job->seq;
	struct run *run = new_run(fx, job, (struct worker_id) { new_uuid(fx) });
	run->result = "{}";
	struct run_id run_id = run->id;
	int64_t run_seq = run->seq;
	struct artifact artifact = { .job_seq = seq,
		.run_seq = run_seq,
		.project = 1,
		.job = id,
		.run = run_id,
		.name = "log",
		.blob = "ab" };
	struct incarnation life = { .job_seq = seq, .number = 1, .state = JOB_STOPPED };
	struct job_options options = { seq, STR("{}") };
	UOW_PUSH(&fx->uow, &fx->uow.artifacts, artifact);
	UOW_PUSH(&fx->uow, &fx->uow.incarnations, life);
	UOW_PUSH(&fx->uow, &fx->uow.options, options);
	struct job_id other = new_job(fx, "survivor")->id;
	save(fx);

	turn(fx);
	want_job(fx, id);
	load(fx);
	job = job_of(fx, id);
	run = run_of(fx, run_id);
	uow_touch_run(&fx->uow, run);
	uow_event_job(&fx->uow, job, NULL, EV_JOB_STOPPING, STR("{}"));
	uow_event_job(&fx->uow, job, NULL, EV_JOB_DELETED, STR("{\"by\":\"me\"}"));
	job->change = ROW_DELETED;
	save(fx);

	struct job *none;
	struct run *no_run;
	struct job_id no_id;
	struct job_test *tests;
	struct artifact *artifacts;
	struct incarnation *lives;
	struct str text;
	size_t n;
	bool in_use = true;
	assert_int_equal(read_job(fx->reader, 0, id, &fx->arena, &none, &fx->err), STORE_NONE);
	assert_int_equal(read_run(fx->reader, 0, run_id, &fx->arena, &no_run, &no_id, &fx->err),
		STORE_NONE);
	assert_int_equal(
		read_job_options(fx->reader, seq, &fx->arena, &text, &fx->err), STORE_NONE);
	assert_int_equal(
		read_run_result(fx->reader, run_seq, &fx->arena, &text, &fx->err), STORE_NONE);
	assert_done(fx, read_job_tests(fx->reader, seq, &fx->arena, &tests, &n, &fx->err));
	assert_int_equal(n, 0);
	assert_done(
		fx, read_artifacts(fx->reader, seq, 0, &fx->arena, &artifacts, &n, &fx->err));
	assert_int_equal(n, 0);
	assert_done(fx, read_incarnations(fx->reader, seq, &fx->arena, &lives, &n, &fx->err));
	assert_int_equal(n, 0);
	assert_done(fx, read_blob_in_use(fx->reader, "ab", &in_use, &fx->err));
	assert_false(in_use);

	struct event *events;
	assert_int_equal(read_events_after(fx, seq, 0, &events), 1);
	assert_int_equal(events[0].type, EV_JOB_DELETED);
	assert_memory_equal(&events[0].job, &id, sizeof id);
	assert_string_equal(read_back(fx, other)->name, "survivor");
	assert_done(fx, store_check(fx->store, &fx->err));
}

static void
a_job_may_be_made_and_deleted_in_one_turn(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "brief");
	struct job_id id = job->id;
	new_run(fx, job, (struct worker_id) { new_uuid(fx) });
	uow_event_job(&fx->uow, job, NULL, EV_JOB_DELETED, STR("{}"));
	job->change = ROW_DELETED;
	int64_t seq = job->seq;
	save(fx);
	struct job *none;
	struct event *events;
	struct store_stats stats;
	assert_int_equal(read_job(fx->reader, 0, id, &fx->arena, &none, &fx->err), STORE_NONE);
	assert_int_equal(read_events_after(fx, seq, 0, &events), 1);
	assert_done(fx, read_stats(fx->reader, &stats, &fx->err));
	assert_int_equal(stats.runs_leased, 0);
	assert_done(fx, store_check(fx->store, &fx->err));
}

/* Numbers that were given once are never given again, whatever was deleted. */
static void
keys_are_never_reused(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "last");
	struct definition *def = new_definition(fx, DEF_TEST, "d");
	int64_t job_seq = job->seq, def_seq = def->seq;
	struct job_id id = job->id;
	struct def_key key = { .project = 1, .kind = DEF_TEST, .id = def->id };
	int64_t run_seq = new_run(fx, job, (struct worker_id) { new_uuid(fx) })->seq;
	save(fx);

	turn(fx);
	want_job(fx, id);
	UOW_PUSH_IN(&fx->arena, &fx->keys.defs, key);
	load(fx);
	job_of(fx, id)->change = ROW_DELETED;
	fx->uow.defs.item[0]->change = ROW_DELETED;
	save(fx);
	int64_t event_seq = fx->uow.next_event_seq;

	reopen(fx);
	turn(fx);
	load(fx);
	assert_true(fx->uow.next_job_seq > job_seq);
	assert_true(fx->uow.next_run_seq > run_seq);
	assert_true(fx->uow.next_def_seq > def_seq);
	assert_true(fx->uow.next_event_seq >= event_seq);
}

static void
the_quarantine_list_is_kept(void **state)
{
	struct fixture *fx = *state;
	struct quarantine_entry entries[2] = { 0 }, *read;
	struct store_boot boot;
	size_t n;

	turn(fx);
	for (int i = 0; i < 2; i++) {
		fill_row(fx, &quarantine_table, &entries[i], 100 * i + 10);
		entries[i].seq = i + 1;
		entries[i].project = i + 1;
		entries[i].test = i == 0 ? "pays *" : "logs in";
		entries[i].owner = "ann"; /* texts of the turn's arena would go with it */
		entries[i].reason = "";
		entries[i].change = ROW_NEW;
	}
	load(fx);
	for (int i = 1; i >= 0; i--)
		UOW_PUSH(&fx->uow, &fx->uow.quarantine, &entries[i]);
	save(fx);

	entries[0].clean_streak = 3;
	entries[0].reason = "another one";
	entries[0].change = ROW_CHANGED;
	turn(fx);
	load(fx);
	UOW_PUSH(&fx->uow, &fx->uow.quarantine, &entries[0]);
	save(fx);
	reopen(fx);
	assert_done(fx, store_boot(fx->store, &fx->arena, &boot, &fx->err));
	assert_int_equal(boot.n_quarantine, 2);
	assert_same_row(&quarantine_table, &entries[0], &boot.quarantine[0]);
	assert_same_row(&quarantine_table, &entries[1], &boot.quarantine[1]);

	entries[0].change = ROW_DELETED;
	turn(fx);
	load(fx);
	UOW_PUSH(&fx->uow, &fx->uow.quarantine, &entries[0]);
	save(fx);
	assert_done(fx, read_quarantine(fx->reader, 0, &fx->arena, &read, &n, &fx->err));
	assert_int_equal(n, 1);
	assert_same_row(&quarantine_table, &entries[1], &read[0]);
	assert_done(fx, read_quarantine(fx->reader, 1, &fx->arena, &read, &n, &fx->err));
	assert_int_equal(n, 0);
}

/* The default one is there from the start; a deleted one keeps its row and frees its name. */
static void
projects_are_kept(void **state)
{
	struct fixture *fx = *state;
	struct project first = { 0 }, second = { 0 }, *read;
	struct store_boot boot;
	size_t n;

	turn(fx);
	fill_row(fx, &project_table, &first, 10);
	fill_row(fx, &project_table, &second, 200);
	first.seq = 2;
	second.seq = 3;
	first.name = second.name = "shop"; /* texts of the turn's arena would go with it */
	first.body = second.body = "{}";
	first.deleted_ms = second.deleted_ms = 0;
	first.change = second.change = ROW_NEW;
	load(fx);
	UOW_PUSH(&fx->uow, &fx->uow.projects, &first);
	save(fx);

	struct project gone = first;

	gone.deleted_ms = 99;
	gone.change = ROW_CHANGED;
	turn(fx);
	load(fx);
	UOW_PUSH(&fx->uow, &fx->uow.projects, &gone);
	UOW_PUSH(&fx->uow, &fx->uow.projects, &second);
	save(fx);
	reopen(fx);
	assert_done(fx, store_boot(fx->store, &fx->arena, &boot, &fx->err));
	assert_int_equal(boot.n_projects, 3);
	assert_int_equal(boot.projects[0].seq, PROJECT_DEFAULT);
	assert_string_equal(boot.projects[0].name, "default");
	assert_same_row(&project_table, &gone, &boot.projects[1]);
	assert_same_row(&project_table, &second, &boot.projects[2]);
	assert_done(fx, read_projects(fx->reader, &fx->arena, &read, &n, &fx->err));
	assert_int_equal(n, 3);
	assert_same_row(&project_table, &second, &read[2]);
}

static void
boot_finds_lines_and_workers(void **state)
{
	struct fixture *fx = *state;
	struct queue queues[2] = { 0 };
	struct lane lanes[2] = { 0 };
	turn(fx);
	load(fx);
	for (int i = 0; i < 2; i++) {
		fill_row(fx, &queue_table, &queues[i], 100 * i + 10);
		fill_row(fx, &lane_table, &lanes[i], 100 * i + 10);
		queues[i].id = i + 1;
		lanes[i].id = i + 1;
		lanes[i].queue = i + 1;
		UOW_PUSH(&fx->uow, &fx->uow.changed_queues, &queues[i]);
		UOW_PUSH(&fx->uow, &fx->uow.new_lanes, &lanes[i]);
	}
	struct worker_row *here = new_worker(fx, "here");
	struct worker_row *leaving = new_worker(fx, "leaving");
	struct worker_row *gone = new_worker(fx, "gone");
	leaving->state = WORKER_DRAINING;
	gone->state = WORKER_GONE;
	struct worker_row expected = *here;
	struct job *running = new_job(fx, "r");
	running->queue = 2;
	new_run(fx, running, here->id);
	new_run(fx, running, here->id);
	new_job(fx, "ready")->due_ms = 42;
	int64_t now_ms = fx->now_ms;
	save(fx);
	queues[0].paused = false;
	queues[0].concurrency = 17;
	turn(fx);
	load(fx);
	UOW_PUSH(&fx->uow, &fx->uow.changed_queues, &queues[0]);
	save(fx);
	reopen(fx);

	struct store_boot boot;
	assert_done(fx, store_boot(fx->store, &fx->arena, &boot, &fx->err));
	assert_int_equal(boot.n_queues, 2);
	assert_same_row(&queue_table, &queues[0], &boot.queues[0]);
	assert_same_row(&queue_table, &queues[1], &boot.queues[1]);
	assert_int_equal(boot.queues[0].running, 0);
	assert_int_equal(boot.queues[1].running, 2);
	assert_int_equal(boot.n_lanes, 2);
	assert_same_row(&lane_table, &lanes[1], &boot.lanes[1]);
	assert_true(boot.lanes[0].maybe_ready);
	assert_false(boot.lanes[1].maybe_ready);
	assert_int_equal(boot.n_workers, 2);
	const struct worker_row *first = uuid_eq(&boot.workers[0].id.u, &expected.id.u)
		? &boot.workers[0]
		: &boot.workers[1];
	assert_same_row(&worker_table, &expected, first);
	assert_int_equal(boot.next_due_ms, 42);
	assert_int_equal(boot.now_floor_ms, now_ms);
}

static void
a_lane_is_made_once(void **state)
{
	struct fixture *fx = *state;
	struct lane lane = {
		.id = 1,
		.project = 1,
		.queue = 1,
		.kind = "command",
		.labels = "",
		.needs = "",
		.fair = "",
	};
	turn(fx);
	load(fx);
	UOW_PUSH(&fx->uow, &fx->uow.new_lanes, &lane);
	save(fx);
	struct lane again = lane;
	again.id = 2;
	turn(fx);
	load(fx);
	UOW_PUSH(&fx->uow, &fx->uow.new_lanes, &again);
	assert_int_equal(try_save(fx), STORE_CONFLICT);
}

/* What only an edit writes: without it nothing of it changes. */
static void
an_edit_changes_fixed_columns(void **state)
{
	struct fixture *fx = *state;
	struct job_id id = put_job(fx, "edited");

	turn(fx);
	want_job(fx, id);
	load(fx);
	struct job *job = job_of(fx, id);
	job->priority = 7;
	job->labels = "place=attic";
	job->keys = "site=a";
	job->is_edited = true;
	uow_touch_job(&fx->uow, job);
	save(fx);
	job = read_back(fx, id);
	assert_int_equal(job->priority, 7);
	assert_string_equal(job->labels, "place=attic");
	assert_string_equal(job->keys, "site=a");
}

static void
a_unique_key_is_held_by_one(void **state)
{
	struct fixture *fx = *state;

	turn(fx);
	load(fx);
	struct job *first = new_job(fx, "first");
	first->unique_key = "k";
	save(fx);
	turn(fx);
	load(fx);
	new_job(fx, "second")->unique_key = "k";
	assert_int_equal(try_save(fx), STORE_CONFLICT);

	struct unique_key key = { first->project, "k" };
	turn(fx);
	UOW_PUSH_IN(&fx->arena, &fx->keys.uniques, key);
	load(fx);
	struct job *holder = uow_unique(&fx->uow, key.project, "k");
	assert_non_null(holder);
	assert_string_equal(holder->name, "first");
	holder->unique_until_ms = -1;
	uow_touch_job(&fx->uow, holder);
	new_job(fx, "third")->unique_key = "k";
	save(fx);
	turn(fx);
	UOW_PUSH_IN(&fx->arena, &fx->keys.uniques, key);
	load(fx);
	assert_string_equal(uow_unique(&fx->uow, key.project, "k")->name, "third");
}

static void
held_jobs_and_buckets_are_found_again(void **state)
{
	static const char *const names[] = { "1:site=a", "1:site=a", "1:site=b" };
	struct fixture *fx = *state;
	struct store_boot boot;

	turn(fx);
	load(fx);
	for (int i = 0; i < 3; i++) {
		struct job *job = new_job(fx, names[i]);
		job->held_key = names[i];
		job->rank = i;
	}
	struct bucket early = { "1:site=a", 5 }, late = { "1:site=a", INT64_MAX / 4 };
	UOW_PUSH(&fx->uow, &fx->uow.buckets, early);
	UOW_PUSH(&fx->uow, &fx->uow.buckets, late);
	save(fx);
	reopen(fx);
	assert_done(fx, store_boot(fx->store, &fx->arena, &boot, &fx->err));
	bool has_a = false, has_b = false;
	for (size_t i = 0; i < boot.n_held; i++) {
		has_a = has_a || strcmp(boot.held[i], "1:site=a") == 0;
		has_b = has_b || strcmp(boot.held[i], "1:site=b") == 0;
	}
	assert_true(has_a && has_b);
	assert_int_equal(boot.n_buckets, 1);
	assert_int_equal(boot.buckets[0].full_us, INT64_MAX / 4);

	struct claim_key key = { .held = "1:site=a", .n = 1 };
	turn(fx);
	UOW_PUSH_IN(&fx->arena, &fx->keys.claims, key);
	load(fx);
	assert_int_equal(fx->uow.jobs.n, 1);
	assert_int_equal(fx->uow.jobs.item[0]->rank, 1); /* the best of the two */
}

static void
workers_keep_every_column(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct worker_row *worker = arena_xalloc(&fx->arena, sizeof *worker);
	fill_row(fx, &worker_table, worker, 300);
	worker->change = ROW_NEW;
	uow_add_worker(&fx->uow, worker);
	struct worker_row before = *worker;
	save(fx);

	turn(fx);
	want_worker(fx, before.id);
	load(fx);
	worker = uow_worker(&fx->uow, before.id);
	assert_same_row(&worker_table, &before, worker);
	fill_row(fx, &worker_table, worker, 700);
	worker->id = before.id;
	uow_touch_worker(worker);
	struct worker_row after = *worker;
	save(fx);

	turn(fx);
	want_worker(fx, before.id);
	load(fx);
	worker = uow_worker(&fx->uow, before.id);
	assert_same_row(&worker_table, &after, worker);
	worker->change = ROW_DELETED;
	save(fx);
	turn(fx);
	want_worker(fx, before.id);
	load(fx);
	assert_int_equal(fx->uow.workers.n, 0);
}

static struct idem *
new_idem(struct fixture *fx, struct str key, size_t n_ids)
{
	struct idem *idem = arena_xalloc(&fx->arena, sizeof *idem);
	*idem = (struct idem) {
		.project = 1, .key = key, .created_ms = fx->now_ms, .change = ROW_NEW
	};
	memset(idem->hash, 0xa5, sizeof idem->hash);
	idem->ids = arena_xalloc(&fx->arena, n_ids * sizeof *idem->ids);
	idem->n_ids = n_ids;
	for (size_t i = 0; i < n_ids; i++)
		idem->ids[i] = new_uuid(fx);
	UOW_PUSH(&fx->uow, &fx->uow.idems, idem);
	return idem;
}

static size_t
load_idems(struct fixture *fx, int64_t project, struct str key)
{
	struct idem_key wanted = { project, key };
	turn(fx);
	UOW_PUSH_IN(&fx->arena, &fx->keys.idems, wanted);
	load(fx);
	return fx->uow.idems.n;
}

static void
idempotency_keys_are_kept_and_purged(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct idem *idem = new_idem(fx, STR("Schlüssel 1"), 3);
	new_idem(fx, STR("empty"), 0);
	save(fx);
	int64_t created_ms = fx->now_ms;

	assert_int_equal(load_idems(fx, 2, STR("Schlüssel 1")), 0);
	assert_int_equal(load_idems(fx, 1, STR("Schlüssel")), 0);
	assert_int_equal(load_idems(fx, 1, STR("Schlüssel 1")), 1);
	struct idem *got = fx->uow.idems.item[0];
	assert_memory_equal(got->hash, idem->hash, sizeof got->hash);
	assert_int_equal(got->n_ids, 3);
	assert_memory_equal(got->ids, idem->ids, 3 * sizeof *got->ids);
	assert_int_equal(got->created_ms, created_ms);
	assert_int_equal(got->change, ROW_CLEAN);
	assert_int_equal(load_idems(fx, 1, STR("empty")), 1);
	assert_int_equal(fx->uow.idems.item[0]->n_ids, 0);

	/* An old key may be used again. */
	turn(fx);
	load(fx);
	new_idem(fx, STR("empty"), 2);
	save(fx);
	assert_int_equal(load_idems(fx, 1, STR("empty")), 1);
	assert_int_equal(fx->uow.idems.item[0]->n_ids, 2);

	assert_done(fx, store_purge_idem(fx->store, created_ms, 10, &fx->err));
	assert_int_equal(load_idems(fx, 1, STR("Schlüssel 1")), 1);
	assert_done(fx, store_purge_idem(fx->store, created_ms + 1, 10, &fx->err));
	assert_int_equal(load_idems(fx, 1, STR("Schlüssel 1")), 0);
	assert_int_equal(load_idems(fx, 1, STR("empty")), 1);
	assert_done(fx, store_purge_idem(fx->store, fx->now_ms + 1, 0, &fx->err));
	assert_int_equal(load_idems(fx, 1, STR("empty")), 1);
}

/* The same turns leave the same store, whether it was closed in between or not. */
static void
a_restart_changes_nothing(void **state)
{
	struct fixture *fx = *state;
	struct job_id ids[20];
	struct run_id runs[20];
	for (int i = 0; i < 20; i++) {
		if (i % 3 == 0)
			reopen(fx);
		turn(fx);
		if (i > 0)
			want_run(fx, runs[i - 1]);
		load(fx);
		if (i > 0)
			finish_run(fx, run_of(fx, runs[i - 1]),
				i % 2 ? OUTCOME_PASSED : OUTCOME_FAILED);
		struct job *job = new_job(fx, "again");
		ids[i] = job->id;
		runs[i] = new_run(fx, job, (struct worker_id) { new_uuid(fx) })->id;
		save(fx);
	}
	struct event *before, *after;
	size_t n = read_events_after(fx, 0, 0, &before);
	struct job *jobs[20];
	for (int i = 0; i < 20; i++)
		jobs[i] = read_back(fx, ids[i]);
	assert_int_equal(n, 20 * 2 + 19 * 2);
	reopen(fx);
	assert_int_equal(read_events_after(fx, 0, 0, &after), n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(before[i].seq, after[i].seq);
		assert_int_equal(before[i].type, after[i].type);
		assert_memory_equal(&before[i].run, &after[i].run, sizeof before[i].run);
	}
	for (int i = 0; i < 20; i++)
		assert_same_row(&job_table, jobs[i], read_back(fx, ids[i]));
	assert_done(fx, store_check(fx->store, &fx->err));
}

const struct contract_case turn_cases[] = {
	{ "an empty store has nothing", an_empty_store_has_nothing },
	{ "jobs keep every column", jobs_keep_every_column },
	{ "absent texts and ids stay absent", absent_texts_and_ids_stay_absent },
	{ "runs keep every column", runs_keep_every_column },
	{ "keys bring what belongs to them", keys_bring_what_belongs_to_them },
	{ "claims take the best of a lane", claims_take_the_best_of_a_lane },
	{ "due jobs come in time", due_jobs_come_in_time },
	{ "workers are due with their runs", workers_are_due_with_their_runs },
	{ "tests and options are loaded for leases", tests_and_options_are_loaded_for_leases },
	{ "a stale turn is a conflict", a_stale_turn_is_a_conflict },
	{ "a turn that changes nothing saves nothing",
		a_turn_that_changes_nothing_saves_nothing },
	{ "deleting a job takes all of it", deleting_a_job_takes_all_of_it },
	{ "a job may be made and deleted in one turn",
		a_job_may_be_made_and_deleted_in_one_turn },
	{ "keys are never reused", keys_are_never_reused },
	{ "the quarantine list is kept", the_quarantine_list_is_kept },
	{ "projects are kept", projects_are_kept },
	{ "boot finds lines and workers", boot_finds_lines_and_workers },
	{ "a lane is made once", a_lane_is_made_once },
	{ "an edit changes fixed columns", an_edit_changes_fixed_columns },
	{ "a unique key is held by one", a_unique_key_is_held_by_one },
	{ "held jobs and buckets are found again", held_jobs_and_buckets_are_found_again },
	{ "workers keep every column", workers_keep_every_column },
	{ "idempotency keys are kept and purged", idempotency_keys_are_kept_and_purged },
	{ "a restart changes nothing", a_restart_changes_nothing },
	{ NULL, NULL },
};
