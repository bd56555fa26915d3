/* SPDX-License-Identifier: Apache-2.0 */
/* Figures: what turns collect is added up, and found by its key. */
#include "cases.h"
#include "kit.h"

#include "base/limits.h"
#include "core/histogram.h"
#include "store/store_stats.h"

/* Ends a job of one test with the outcome, as a turn of an engine does. */
static struct job_id
end_job(struct fixture *fx, const char *name, enum run_outcome outcome, const char *error)
{
	struct stat_unit *units;
	size_t n;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, name);
	fx->uow.tests.item[fx->uow.tests.n - 1].name = name;
	struct run *run = new_run(fx, job, (struct worker_id) { new_uuid(fx) });
	struct job_id id = job->id;
	save(fx);

	turn(fx);
	want_job(fx, id);
	load(fx);
	job = uow_job(&fx->uow, id);
	run = job->open_runs;
	finish_run(fx, run, outcome);
	run->error = error;
	run->duration_ms = 100;
	job->tags = "[\"smoke\"]";
	job->state = outcome == OUTCOME_PASSED ? JOB_COMPLETED : JOB_FAILED;
	job->reason = outcome == OUTCOME_PASSED ? JOB_REASON_PASSED : JOB_REASON_TESTS_FAILED;
	job->started_ms = fx->now_ms - 200;
	job->completed_ms = fx->now_ms;
	uow_touch_job(&fx->uow, job);
	UOW_PUSH(&fx->uow, &fx->uow.units, run);
	UOW_PUSH(&fx->uow, &fx->uow.ended, job);
	stats_units(&fx->uow, &units, &n);
	assert_int_equal(n, 1);
	assert_done(fx, store_load_units(fx->store, units, n, &fx->arena, &fx->err));
	assert_string_equal(units[0].name, name);
	stats_collect(&fx->uow, units, n);
	save(fx);
	return id;
}

/* What was visited, added up. */
struct visited {
	struct arena *arena;
	struct stat_cell sum;
	size_t n;
	int64_t at_ms;
};

static int
visit(void *arg, const struct stat_cell *cell, struct err *err)
{
	struct visited *visited = arg;
	(void)err;
	assert_true(cell->at_ms >= visited->at_ms);
	visited->at_ms = cell->at_ms;
	visited->n++;
	stat_cell_add(&visited->sum, cell, visited->arena);
	return 0;
}

static struct visited
cells(struct fixture *fx, const struct stat_filter *filter)
{
	struct visited visited = { .arena = &fx->arena };
	struct stat_filter f = *filter;
	f.project = f.project ? f.project : 1;
	f.to_ms = f.to_ms ? f.to_ms : INT64_MAX / 2;
	assert_done(fx, read_stat_cells(fx->reader, &f, visit, &visited, &fx->err));
	return visited;
}

static void
cells_of_one_key_are_added(void **state)
{
	struct fixture *fx = *state;
	end_job(fx, "a", OUTCOME_PASSED, NULL);
	end_job(fx, "a", OUTCOME_FAILED, NULL);
	end_job(fx, "b", OUTCOME_PASSED, NULL);
	turn(fx);

	struct visited jobs = cells(fx, &(struct stat_filter) { .subject = STAT_JOB });
	assert_int_equal(jobs.sum.n, 3);
	assert_int_equal(jobs.n, 2); /* completed and failed ones */
	struct visited hours =
		cells(fx, &(struct stat_filter) { .subject = STAT_JOB, .scale = STAT_HOUR });
	assert_int_equal(hours.sum.n, 3);
	struct visited a = cells(fx,
		&(struct stat_filter) { .subject = STAT_TEST,
			.name = "a",
			.from_ms = stats_floor(fx->now_ms, STAT_DAY),
			.to_ms = fx->now_ms + DAYS_MS(1) });
	assert_int_equal(a.n, 1);
	assert_int_equal(a.sum.n, 2);
	assert_int_equal(a.sum.passed, 1);
	assert_int_equal(a.sum.failed, 1);
	assert_int_equal(a.sum.transitions, 1);
	struct histogram run = { .arena = &fx->arena };
	histogram_add_text(&run, a.sum.run_hist);
	assert_int_equal(run.total, 2);
	assert_int_equal(cells(fx, &(struct stat_filter) { .subject = STAT_WORKER }).sum.n, 3);
}

static void
old_hours_go_and_their_days_stay(void **state)
{
	struct fixture *fx = *state;
	struct stat_filter hours = { .subject = STAT_JOB, .scale = STAT_HOUR };
	end_job(fx, "a", OUTCOME_PASSED, NULL);
	end_job(fx, "a", OUTCOME_FAILED, NULL);
	int64_t hour_ms = stats_floor(fx->now_ms, STAT_HOUR);
	turn(fx);
	assert_int_equal(cells(fx, &hours).n, 2);
	assert_done(fx, store_purge_hours(fx->store, hour_ms, 10, &fx->err));
	turn(fx);
	assert_int_equal(cells(fx, &hours).n, 2);

	assert_int_equal(store_purge_hours(fx->store, hour_ms + 1, 1, &fx->err), STORE_MORE);
	turn(fx);
	assert_int_equal(cells(fx, &hours).n, 1);
	assert_done(fx, store_purge_hours(fx->store, hour_ms + 1, 10, &fx->err));
	turn(fx);
	assert_int_equal(cells(fx, &hours).n, 0);
	assert_int_equal(cells(fx, &(struct stat_filter) { .subject = STAT_JOB }).sum.n, 2);
}

static void
cells_are_filtered(void **state)
{
	struct fixture *fx = *state;
	end_job(fx, "a", OUTCOME_PASSED, NULL);
	turn(fx);
	const struct {
		struct stat_filter filter;
		int64_t n;
	} rows[] = {
		{ { .tag = "smoke" }, 1 },
		{ { .tag = "slow" }, 0 },
		{ { .by_tag = true }, 1 },
		{ { .kind = "nobody" }, 0 },
		{ { .queue = 99 }, 0 },
		{ { .tmpl = "x" }, 0 },
		{ { .schedule = 3 }, 0 },
		{ { .team = "x" }, 0 },
		{ { .team = "" }, 1 },
		{ { .project = 2 }, 0 },
		{ { .from_ms = fx->now_ms + DAYS_MS(2) }, 0 },
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct stat_filter f = rows[i].filter;
		f.subject = STAT_JOB;
		assert_int_equal(cells(fx, &f).sum.n, rows[i].n);
	}
}

static void
a_test_has_a_history(void **state)
{
	struct fixture *fx = *state;
	struct job_id first = end_job(fx, "a", OUTCOME_PASSED, NULL);
	struct job_id second = end_job(fx, "a", OUTCOME_FAILED, "{\"message\":\"no 5 of 7\"}");
	end_job(fx, "b", OUTCOME_FAILED, "{\"message\":\"no 6 of 7\"}");
	turn(fx);
	struct history_filter f = { .test_key = stats_test_key(1, "a"), .limit = 10 };
	struct history_item *items;
	size_t n;
	assert_done(fx, read_history(fx->reader, &f, &fx->arena, &items, &n, &fx->err));
	assert_int_equal(n, 2);
	assert_memory_equal(&items[0].job, &second, sizeof second);
	assert_memory_equal(&items[1].job, &first, sizeof first);
	f.before_seq = items[0].run->seq;
	assert_done(fx, read_history(fx->reader, &f, &fx->arena, &items, &n, &fx->err));
	assert_int_equal(n, 1);

	struct known_test *known;
	assert_done(fx, read_known_test(fx->reader, f.test_key, &fx->arena, &known, &fx->err));
	assert_string_equal(known->name, "a");
	assert_int_equal(known->n, 2);
	assert_int_equal(known->outcome, OUTCOME_FAILED);
	assert_int_equal(
		read_known_test(fx->reader, 1, &fx->arena, &known, &fx->err), STORE_NONE);
}

static void
classes_of_errors_are_counted(void **state)
{
	struct fixture *fx = *state;
	end_job(fx, "a", OUTCOME_FAILED, "{\"message\":\"no 5 of 7\"}");
	struct job_id last = end_job(fx, "b", OUTCOME_FAILED, "{\"message\":\"no 6 of 7\"}");
	reopen(fx);
	turn(fx);
	int64_t key = stats_error_key(1, "no <n> of <n>");
	struct error_class *class;
	assert_done(fx, read_error_class(fx->reader, key, &fx->arena, &class, &fx->err));
	assert_int_equal(class->n, 2);
	assert_string_equal(class->sample, "no 5 of 7");
	assert_string_equal(class->test, "b");
	assert_memory_equal(&class->job, &last, sizeof last);
	struct history_filter f = { .error_class = key, .limit = 10 };
	struct history_item *items;
	size_t n;
	assert_done(fx, read_history(fx->reader, &f, &fx->arena, &items, &n, &fx->err));
	assert_int_equal(n, 2);
}

static void
jobs_are_counted_by_state(void **state)
{
	struct fixture *fx = *state;
	int64_t jobs[JOB_STATE_COUNT], backlog;
	end_job(fx, "a", OUTCOME_PASSED, NULL);
	turn(fx);
	assert_done(fx, read_job_counts(fx->reader, 1, jobs, &backlog, &fx->err));
	assert_int_equal(jobs[JOB_COMPLETED], 1);
	assert_int_equal(jobs[JOB_QUEUED], 0);
	assert_int_equal(backlog, 0);
	assert_done(fx, read_job_counts(fx->reader, 2, jobs, &backlog, &fx->err));
	assert_int_equal(jobs[JOB_COMPLETED], 0);
}

/* What a turn of an engine writes beside jobs: n cells, tests and classes, an event, an answer.
 */
static void
put_rows_of(struct fixture *fx, int64_t project, int n)
{
	turn(fx);
	load(fx);
	for (int i = 0; i < n; i++) {
		struct stat_cell *cell = arena_xalloc(&fx->arena, sizeof *cell);
		struct known_test *known = arena_xalloc(&fx->arena, sizeof *known);
		struct error_class *class = arena_xalloc(&fx->arena, sizeof *class);

		*cell = (struct stat_cell) {
			.project = project,
			.at_ms = DAYS_MS(i),
			.name = "",
			.kind = "",
			.tmpl = "",
			.tag = "",
			.team = "",
			.state = "",
			.reason = "",
			.n = 1,
			.queued_hist = "",
			.run_hist = "",
		};
		*known = (struct known_test) {
			.key = stats_test_key(project, "t") + i,
			.project = project,
			.name = "t",
			.n = 1,
		};
		*class = (struct error_class) {
			.key = stats_error_key(project, "e") + i,
			.project = project,
			.text = "e",
			.sample = "e",
			.n = 1,
		};
		UOW_PUSH(&fx->uow, &fx->uow.stats, cell);
		UOW_PUSH(&fx->uow, &fx->uow.known_tests, known);
		UOW_PUSH(&fx->uow, &fx->uow.error_classes, class);
	}
	struct idem *idem = arena_xalloc(&fx->arena, sizeof *idem);
	*idem = (struct idem) { .project = project, .key = STR("k"), .change = ROW_NEW };
	UOW_PUSH(&fx->uow, &fx->uow.idems, idem);
	uow_event(&fx->uow,
		&(struct event) { .project = project,
			.type = EV_QUEUE_CHANGED,
			.at_ms = fx->now_ms,
			.data = STR("{}") });
	save(fx);
}

/* Figures, an event and an answer: all of them, or none. */
static void
assert_rows_of(struct fixture *fx, int64_t project, int n)
{
	const struct event_filter events = {
		.project = project,
		.types = UINT64_C(1) << EV_QUEUE_CHANGED,
		.limit = 10,
		.bytes_max = MIB(1),
	};
	struct idem_key key = { .project = project, .key = STR("k") };
	struct known_test *known;
	struct error_class *class;
	struct event *event;
	size_t n_events;

	turn(fx);
	assert_int_equal(cells(fx, &(struct stat_filter) { .project = project }).sum.n, n);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(read_known_test(fx->reader, stats_test_key(project, "t") + i,
					 &fx->arena, &known, &fx->err),
			i < n ? 0 : STORE_NONE);
		assert_int_equal(read_error_class(fx->reader, stats_error_key(project, "e") + i,
					 &fx->arena, &class, &fx->err),
			i < n ? 0 : STORE_NONE);
	}
	assert_done(
		fx, read_events(fx->reader, &events, &fx->arena, &event, &n_events, &fx->err));
	assert_int_equal(n_events, n > 0 ? 1 : 0);
	UOW_PUSH(&fx->uow, &fx->keys.idems, key);
	load(fx);
	assert_int_equal(fx->uow.idems.n, n > 0 ? 1 : 0);
}

static void
a_deleted_project_takes_its_figures_along(void **state)
{
	struct fixture *fx = *state;
	int64_t last_event;
	int n_slices = 1;

	put_rows_of(fx, 3, 5);
	put_rows_of(fx, 2, 5);
	assert_rows_of(fx, 2, 5);
	last_event = fx->uow.next_event_seq;

	assert_int_equal(store_purge_project(fx->store, 2, 4, &fx->err), STORE_MORE);
	turn(fx);
	assert_int_equal(cells(fx, &(struct stat_filter) { .project = 2 }).sum.n, 1);
	reopen(fx);
	while (store_purge_project(fx->store, 2, 4, &fx->err) == STORE_MORE)
		n_slices++;
	assert_int_equal(n_slices, (3 * 5 + 2) / 4);
	assert_rows_of(fx, 2, 0);
	assert_rows_of(fx, 3, 5);

	/* The number of an event that is gone is not given again. */
	reopen(fx);
	turn(fx);
	load(fx);
	assert_true(fx->uow.next_event_seq >= last_event);
	assert_done(fx, store_purge_project(fx->store, 2, 4, &fx->err));
	assert_rows_of(fx, 3, 5);
}

const struct contract_case stats_cases[] = {
	{ "cells of one key are added", cells_of_one_key_are_added },
	{ "old hours go and their days stay", old_hours_go_and_their_days_stay },
	{ "cells are filtered", cells_are_filtered },
	{ "a test has a history", a_test_has_a_history },
	{ "classes of errors are counted", classes_of_errors_are_counted },
	{ "jobs are counted by state", jobs_are_counted_by_state },
	{ "a deleted project takes its figures along",
		a_deleted_project_takes_its_figures_along },
	{ 0 },
};
