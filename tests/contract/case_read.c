/* SPDX-License-Identifier: Apache-2.0 */
/* The reading side: everything but lists of jobs and events. */
#include "cases.h"
#include "kit.h"

static void
a_job_belongs_to_its_project(void **state)
{
	struct fixture *fx = *state;
	struct job_id id = put_job(fx, "mine");
	struct job *job;
	assert_done(fx, read_job(fx->reader, 1, id, &fx->arena, &job, &fx->err));
	assert_int_equal(read_job(fx->reader, 2, id, &fx->arena, &job, &fx->err), STORE_NONE);
}

static void
tests_and_options_are_read(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "t");
	struct job_test rows[2];
	for (int i = 0; i < 2; i++) {
		fill_row(fx, &job_test_table, &rows[i], 10 * i + 50);
		rows[i].job_seq = job->seq;
		rows[i].index = 2 - i;
		UOW_PUSH(&fx->uow, &fx->uow.tests, rows[i]);
	}
	struct job_options options = { job->seq, STR("{\"ü\":1}") };
	UOW_PUSH(&fx->uow, &fx->uow.options, options);
	int64_t seq = job->seq;
	save(fx);

	struct job_test *tests;
	struct str text;
	size_t n;
	assert_done(fx, read_job_tests(fx->reader, seq, &fx->arena, &tests, &n, &fx->err));
	assert_int_equal(n, 3);
	assert_string_equal(tests[0].name, "only");
	assert_same_row(&job_test_table, &rows[1], &tests[1]);
	assert_same_row(&job_test_table, &rows[0], &tests[2]);
	assert_done(fx, read_job_options(fx->reader, seq, &fx->arena, &text, &fx->err));
	assert_true(str_eq(text, options.body));
	assert_int_equal(
		read_job_options(fx->reader, seq + 1, &fx->arena, &text, &fx->err), STORE_NONE);
}

static void
incarnations_are_read_in_order(void **state)
{
	struct fixture *fx = *state;
	struct job_id id = put_job(fx, "lives");
	struct incarnation lives[2];
	int64_t seq = read_back(fx, id)->seq;
	for (int i = 0; i < 2; i++) {
		turn(fx);
		load(fx);
		fill_row(fx, &incarnation_table, &lives[i], 20 * i + 5);
		lives[i].job_seq = seq;
		lives[i].number = 2 - i;
		UOW_PUSH(&fx->uow, &fx->uow.incarnations, lives[i]);
		save(fx);
	}
	struct incarnation *got;
	size_t n;
	assert_done(fx, read_incarnations(fx->reader, seq, &fx->arena, &got, &n, &fx->err));
	assert_int_equal(n, 2);
	assert_same_row(&incarnation_table, &lives[1], &got[0]);
	assert_same_row(&incarnation_table, &lives[0], &got[1]);
}

/* Twelve runs: two incarnations × two tests × three attempts. */
static int64_t
put_runs(struct fixture *fx)
{
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "runs");
	for (int i = 0; i < 12; i++) {
		struct run *run = new_run(fx, job, (struct worker_id) { new_uuid(fx) });
		run->incarnation = 1 + i / 6;
		run->test = i / 3 % 2;
		run->attempt = 1 + i % 3;
		run->iteration = 1 + i % 2;
		run->is_last = i % 3 == 2;
		run->state = i == 11 ? RUN_LEASED : i == 10 ? RUN_WAITING : RUN_FINISHED;
		run->outcome = i >= 10 ? OUTCOME_NONE
			: i % 3 == 2   ? OUTCOME_PASSED
				       : OUTCOME_FAILED;
	}
	save(fx);
	return job->seq;
}

static size_t
count_runs(struct fixture *fx, const struct run_filter *filter)
{
	struct run *runs;
	size_t n;
	assert_done(fx, read_runs(fx->reader, filter, &fx->arena, &runs, &n, &fx->err));
	for (size_t i = 1; i < n; i++)
		assert_true(runs[i - 1].seq < runs[i].seq);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(runs[i].job_seq, filter->job_seq);
		assert_null(runs[i].job);
	}
	return n;
}

static void
every_filter_of_runs_works(void **state)
{
	struct fixture *fx = *state;
	int64_t job = put_runs(fx);
	put_runs(fx); /* another job's do not show */
	const struct run_filter all = { .job_seq = job, .test = -1, .limit = 100 };
	struct run_filter f;
#define COUNT(member, value) (f = all, f.member = (value), count_runs(fx, &f))
	assert_int_equal(count_runs(fx, &all), 12);
	assert_int_equal(COUNT(incarnation, 1), 6);
	assert_int_equal(COUNT(incarnation, 3), 0);
	assert_int_equal(COUNT(test, 0), 6);
	assert_int_equal(COUNT(iteration, 2), 6);
	assert_int_equal(COUNT(only_last, true), 4);
	assert_int_equal(COUNT(states, 1u << RUN_FINISHED), 10);
	assert_int_equal(COUNT(states, 1u << RUN_WAITING | 1u << RUN_LEASED), 2);
	assert_int_equal(COUNT(outcomes, 1u << OUTCOME_PASSED), 3);
	assert_int_equal(COUNT(outcomes, 1u << OUTCOME_PASSED | 1u << OUTCOME_FAILED), 10);
	assert_int_equal(COUNT(limit, 5), 5);
#undef COUNT
	f = all;
	f.limit = 5;
	size_t n_all = 0;
	for (;;) {
		struct run *runs;
		size_t n;
		assert_done(fx, read_runs(fx->reader, &f, &fx->arena, &runs, &n, &fx->err));
		if (n == 0)
			break;
		n_all += n;
		f.after_seq = runs[n - 1].seq;
	}
	assert_int_equal(n_all, 12);
}

static void
results_are_kept_with_their_runs(void **state)
{
	struct fixture *fx = *state;
	size_t len = 1 << 20;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "big");
	struct run *run = new_run(fx, job, (struct worker_id) { new_uuid(fx) });
	struct run *bare = new_run(fx, job, (struct worker_id) { new_uuid(fx) });
	char *big = arena_xalloc(&fx->arena, len + 3);
	memset(big, 'x', len);
	big[0] = big[len - 1] = '"';
	memcpy(big + len / 2, "ß", 2);
	run->result = big;
	int64_t seq = run->seq, bare_seq = bare->seq;
	save(fx);
	struct str got;
	assert_done(fx, read_run_result(fx->reader, seq, &fx->arena, &got, &fx->err));
	assert_true(str_eq(got, str_of(big)));
	assert_int_equal(
		read_run_result(fx->reader, bare_seq, &fx->arena, &got, &fx->err), STORE_NONE);
}

static void
artifacts_are_replaced_by_name(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "files");
	struct run *runs[2];
	struct artifact rows[3];
	for (int i = 0; i < 2; i++)
		runs[i] = new_run(fx, job, (struct worker_id) { new_uuid(fx) });
	const char *const names[] = { "b/trace.zip", "a.log", "a.log" };
	for (int i = 0; i < 3; i++) {
		fill_row(fx, &artifact_table, &rows[i], 30 * i + 8);
		rows[i].job_seq = job->seq;
		rows[i].run_seq = runs[i == 2]->seq;
		rows[i].name = names[i];
		rows[i].blob = i == 1 ? "cc" : "dd";
		UOW_PUSH(&fx->uow, &fx->uow.artifacts, rows[i]);
	}
	int64_t seq = job->seq;
	save(fx);

	struct artifact *got, *one;
	size_t n;
	bool in_use;
	assert_done(fx, read_artifacts(fx->reader, seq, 0, &fx->arena, &got, &n, &fx->err));
	assert_int_equal(n, 3);
	assert_same_row(&artifact_table, &rows[1], &got[0]);
	assert_same_row(&artifact_table, &rows[0], &got[1]);
	assert_same_row(&artifact_table, &rows[2], &got[2]);
	assert_done(fx,
		read_artifacts(
			fx->reader, seq, rows[2].run_seq, &fx->arena, &got, &n, &fx->err));
	assert_int_equal(n, 1);
	assert_done(fx, read_blob_in_use(fx->reader, "cc", &in_use, &fx->err));
	assert_true(in_use);

	turn(fx);
	load(fx);
	rows[1].size = 999;
	rows[1].blob = "ee";
	UOW_PUSH(&fx->uow, &fx->uow.artifacts, rows[1]);
	save(fx);
	assert_done(fx,
		read_artifact(
			fx->reader, rows[1].run_seq, "a.log", &fx->arena, &one, &fx->err));
	assert_same_row(&artifact_table, &rows[1], one);
	assert_int_equal(
		read_artifact(fx->reader, rows[1].run_seq, "A.log", &fx->arena, &one, &fx->err),
		STORE_NONE);
	assert_done(fx, read_blob_in_use(fx->reader, "cc", &in_use, &fx->err));
	assert_false(in_use);
}

/* ---- definitions ---- */

static struct definition *
load_definition(struct fixture *fx, struct def_key key)
{
	turn(fx);
	UOW_PUSH_IN(&fx->arena, &fx->keys.defs, key);
	load(fx);
	return fx->uow.defs.n > 0 ? fx->uow.defs.item[0] : NULL;
}

static void
definitions_keep_every_revision(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct definition first = *new_definition(fx, DEF_TEMPLATE, "shöp");
	save(fx);
	const struct def_key by_id = { .project = 1, .kind = DEF_TEMPLATE, .id = first.id };
	struct definition *def = load_definition(fx, by_id);
	assert_non_null(def);
	assert_same_row(&definition_table, &first, def);
	def->name = "renamed";
	def->tags = "[\"a\"]";
	def->body = "{\"v\":2}";
	def->revision = 2;
	def->updated_ms = fx->now_ms;
	def->change = ROW_CHANGED;
	struct definition second = *def;
	save(fx);

	const struct def_key by_name = {
		.project = 1, .kind = DEF_TEMPLATE, .name = "renamed"
	};
	const struct def_key old_name = { .project = 1, .kind = DEF_TEMPLATE, .name = "shöp" };
	const struct def_key other_kind = { .project = 1, .kind = DEF_TEST, .name = "renamed" };
	const struct def_key other_project = {
		.project = 2, .kind = DEF_TEMPLATE, .id = first.id
	};
	assert_non_null(load_definition(fx, by_name));
	assert_null(load_definition(fx, old_name));
	assert_null(load_definition(fx, other_kind));
	assert_null(load_definition(fx, other_project));

	struct definition *got, *all;
	size_t n;
	assert_done(fx, read_definition(fx->reader, &by_id, 0, &fx->arena, &got, &fx->err));
	assert_same_row(&definition_table, &second, got);
	assert_done(fx, read_definition(fx->reader, &by_name, 1, &fx->arena, &got, &fx->err));
	assert_same_row(&definition_table, &first, got);
	assert_int_equal(read_definition(fx->reader, &by_name, 3, &fx->arena, &got, &fx->err),
		STORE_NONE);
	assert_done(fx,
		read_definition_revisions(
			fx->reader, first.seq, &fx->arena, &all, &n, &fx->err));
	assert_int_equal(n, 2);
	assert_same_row(&definition_table, &first, &all[0]);
	assert_same_row(&definition_table, &second, &all[1]);

	def = load_definition(fx, by_id);
	def->change = ROW_DELETED;
	save(fx);
	assert_int_equal(
		read_definition(fx->reader, &by_id, 0, &fx->arena, &got, &fx->err), STORE_NONE);
	assert_done(fx,
		read_definition_revisions(
			fx->reader, first.seq, &fx->arena, &all, &n, &fx->err));
	assert_int_equal(n, 0);
}

static void
names_of_definitions_are_taken_once(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	new_definition(fx, DEF_TEST, "taken");
	new_definition(fx, DEF_TEMPLATE, "taken"); /* another kind */
	new_definition(fx, DEF_TEST, "taken")->project = 2;
	save(fx);
	turn(fx);
	load(fx);
	new_definition(fx, DEF_TEST, "free");
	new_definition(fx, DEF_TEST, "taken");
	assert_int_equal(try_save(fx), STORE_CONFLICT);

	const struct def_key key = { .project = 1, .kind = DEF_TEST, .name = "free" };
	struct definition *none;
	assert_int_equal(
		read_definition(fx->reader, &key, 0, &fx->arena, &none, &fx->err), STORE_NONE);
}

static void
a_stale_definition_is_a_conflict(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	const struct def_key key = {
		.project = 1,
		.kind = DEF_TEST,
		.id = new_definition(fx, DEF_TEST, "d")->id,
	};
	save(fx);
	struct definition *def = load_definition(fx, key);
	def->revision = 3; /* somebody else has made 2, as it were */
	def->change = ROW_CHANGED;
	assert_int_equal(try_save(fx), STORE_CONFLICT);
}

static void
definitions_are_listed_by_name(void **state)
{
	struct fixture *fx = *state;
	const char *const names[] = { "delta", "alpha", "Charlie", "bravo", "echo" };
	turn(fx);
	load(fx);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct definition *def = new_definition(fx, DEF_TEST, names[i]);
		def->tags = i % 2 ? "[\"odd\",\"a\\\"b\"]" : "[\"even\"]";
	}
	new_definition(fx, DEF_TEMPLATE, "not a test");
	save(fx);

	const char *const odd[] = { "a\"b", "odd" };
	const char *const mixed[] = { "odd", "even" };
	const struct def_filter all = { .project = 1, .kind = DEF_TEST, .limit = 10 };
	struct definition *got;
	size_t n;
	struct def_filter f = all;
#define READ_DEFS() \
	assert_done(fx, read_definitions(fx->reader, &f, &fx->arena, &got, &n, &fx->err))
	READ_DEFS();
	const char *const sorted[] = { "Charlie", "alpha", "bravo", "delta", "echo" };
	assert_int_equal(n, 5);
	for (size_t i = 0; i < n; i++)
		assert_string_equal(got[i].name, sorted[i]);

	f.limit = 2;
	f.after_name = "alpha";
	READ_DEFS();
	assert_int_equal(n, 2);
	assert_string_equal(got[0].name, "bravo");

	f = all;
	f.name_contains = "CHAR";
	READ_DEFS();
	assert_int_equal(n, 1);
	f = all;
	f.tags = odd;
	f.n_tags = 2;
	READ_DEFS();
	assert_int_equal(n, 2);
	f.tags = mixed;
	READ_DEFS();
	assert_int_equal(n, 0);
	f = all;
	f.project = 2;
	READ_DEFS();
	assert_int_equal(n, 0);
#undef READ_DEFS
}

/* ---- the rest ---- */

static void
workers_are_listed(void **state)
{
	struct fixture *fx = *state;
	for (int i = 0; i < 4; i++) {
		turn(fx);
		load(fx);
		struct worker_row *worker = new_worker(fx, "w");
		worker->project = i == 3 ? 2 : i == 2 ? 1 : 0;
		worker->state = i == 1 ? WORKER_LOST : WORKER_ONLINE;
		save(fx);
	}
	struct worker_row *got;
	size_t n;
#define COUNT(project, all)                                                                  \
	(assert_int_equal(                                                                   \
		 read_workers(fx->reader, project, all, &fx->arena, &got, &n, &fx->err), 0), \
		n)
	assert_int_equal(COUNT(0, true), 4);
	assert_true(got[0].joined_ms < got[3].joined_ms);
	assert_int_equal(COUNT(0, false), 3);
	assert_int_equal(COUNT(1, true), 3);
	assert_int_equal(COUNT(2, false), 2);
#undef COUNT
}

static void
figures_follow_every_change(void **state)
{
	struct fixture *fx = *state;
	struct job_id ids[6];
	turn(fx);
	load(fx);
	for (int i = 0; i < 6; i++) {
		struct job *job = new_job(fx, "n");
		job->project = 1 + i % 2;
		ids[i] = job->id;
	}
	save(fx);
	turn(fx);
	for (int i = 0; i < 4; i++)
		want_job(fx, ids[i]);
	load(fx);
	for (int i = 0; i < 3; i++)
		new_run(fx, job_of(fx, ids[i]), (struct worker_id) { new_uuid(fx) });
	struct run *first = fx->uow.runs.item[0];
	finish_run(fx, first, OUTCOME_FAILED);
	fx->uow.runs.item[1]->state = RUN_WAITING;
	save(fx);

	struct store_stats stats;
	assert_done(fx, read_stats(fx->reader, &stats, &fx->err));
	assert_int_equal(stats.jobs_by_state[JOB_QUEUED], 3);
	assert_int_equal(stats.jobs_by_state[JOB_RUNNING], 2);
	assert_int_equal(stats.jobs_by_state[JOB_FAILED], 1);
	assert_int_equal(stats.jobs_by_state[JOB_COMPLETED], 0);
	assert_int_equal(stats.runs_leased, 1);
	assert_int_equal(stats.runs_waiting, 1);

	turn(fx);
	want_job(fx, ids[0]);
	want_job(fx, ids[5]);
	load(fx);
	job_of(fx, ids[0])->change = ROW_DELETED;
	job_of(fx, ids[5])->change = ROW_DELETED;
	save(fx);
	reopen(fx);
	assert_done(fx, read_stats(fx->reader, &stats, &fx->err));
	assert_int_equal(stats.jobs_by_state[JOB_QUEUED], 2);
	assert_int_equal(stats.jobs_by_state[JOB_FAILED], 0);
	assert_done(fx, store_check(fx->store, &fx->err));
}

static void
tokens_are_put_and_replaced(void **state)
{
	struct fixture *fx = *state;
	struct token_row a = { .project = 1, .name = "ci", .role = "admin", .created_ms = 2 };
	struct token_row b = { .project = 2, .name = "é", .role = "viewer", .created_ms = 1 };
	memset(a.hash, 1, sizeof a.hash);
	memset(b.hash, 2, sizeof b.hash);
	assert_done(fx, store_token_put(fx->store, &a, &fx->err));
	assert_done(fx, store_token_put(fx->store, &b, &fx->err));
	a.role = "worker";
	assert_done(fx, store_token_put(fx->store, &a, &fx->err));
	reopen(fx);
	struct token_row *got;
	size_t n;
	assert_done(fx, read_tokens(fx->reader, &fx->arena, &got, &n, &fx->err));
	assert_int_equal(n, 2);
	assert_string_equal(got[0].name, "é");
	assert_int_equal(got[0].project, 2);
	assert_string_equal(got[1].role, "worker");
	assert_memory_equal(got[1].hash, a.hash, sizeof a.hash);
}

static void
large_texts_come_back_whole(void **state)
{
	struct fixture *fx = *state;
	size_t len = 3 << 20;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "large");
	char *body = arena_xalloc(&fx->arena, len + 1);
	for (size_t i = 0; i < len; i++)
		body[i] = (char)(' ' + i % 90);
	struct job_options options = { job->seq, str_from(body, len) };
	UOW_PUSH(&fx->uow, &fx->uow.options, options);
	uow_event_job(&fx->uow, job, NULL, EV_JOB_PROGRESS, options.body);
	int64_t seq = job->seq;
	save(fx);
	reopen(fx);
	struct str got;
	struct event *events;
	assert_done(fx, read_job_options(fx->reader, seq, &fx->arena, &got, &fx->err));
	assert_true(str_eq(got, options.body));
	assert_int_equal(read_events_after(fx, seq, 0, &events), 2);
	assert_true(str_eq(events[1].data, options.body));
}

/* A reader that has no room says so and can go on. */
static void
a_small_arena_is_an_error(void **state)
{
	struct fixture *fx = *state;
	struct job_id id = put_job(fx, "job");
	struct arena small;
	struct job *job;
	arena_init(&small, 64);
	assert_int_equal(read_job(fx->reader, 0, id, &small, &job, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_LIMIT);
	arena_deinit(&small);
	assert_string_equal(read_back(fx, id)->name, "job");
}

const struct contract_case read_cases[] = {
	{ "a job belongs to its project", a_job_belongs_to_its_project },
	{ "tests and options are read", tests_and_options_are_read },
	{ "incarnations are read in order", incarnations_are_read_in_order },
	{ "every filter of runs works", every_filter_of_runs_works },
	{ "results are kept with their runs", results_are_kept_with_their_runs },
	{ "artifacts are replaced by name", artifacts_are_replaced_by_name },
	{ "definitions keep every revision", definitions_keep_every_revision },
	{ "names of definitions are taken once", names_of_definitions_are_taken_once },
	{ "a stale definition is a conflict", a_stale_definition_is_a_conflict },
	{ "definitions are listed by name", definitions_are_listed_by_name },
	{ "workers are listed", workers_are_listed },
	{ "figures follow every change", figures_follow_every_change },
	{ "tokens are put and replaced", tokens_are_put_and_replaced },
	{ "large texts come back whole", large_texts_come_back_whole },
	{ "a small arena is an error", a_small_arena_is_an_error },
	{ NULL, NULL },
};
