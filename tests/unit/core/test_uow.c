/* SPDX-License-Identifier: Apache-2.0 */
#include "core/uow.h"

#include "unit.h"

struct fixture {
	struct arena arena;
	struct rng rng;
	struct uow uow;
};

static int
setup(void **state)
{
	static struct fixture fx;
	arena_init(&fx.arena, 1 << 20);
	rng_seed(&fx.rng, 3);
	uow_init(&fx.uow, &fx.arena, &fx.rng, 5000);
	*state = &fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;
	uow_deinit(&fx->uow);
	arena_deinit(&fx->arena);
	return 0;
}

static struct job *
make_job(struct fixture *fx, int64_t seq)
{
	struct job *job = arena_xalloc(&fx->arena, sizeof *job);
	job->seq = seq;
	job->project = 1;
	uuid_v7(&job->id.u, 5000, &fx->rng);
	return job;
}

static struct run *
make_run(struct fixture *fx, struct job *job, int64_t seq, enum run_state run_state)
{
	struct run *run = arena_xalloc(&fx->arena, sizeof *run);
	run->seq = seq;
	run->job = job;
	run->job_seq = job->seq;
	run->state = run_state;
	uuid_v7(&run->id.u, 5000, &fx->rng);
	return run;
}

static void
the_first_copy_of_a_row_is_the_true_one(void **state)
{
	struct fixture *fx = *state;
	struct job *job = make_job(fx, 7);
	struct job *copy = make_job(fx, 7);
	copy->id = job->id;
	assert_ptr_equal(uow_add_job(&fx->uow, job), job);
	assert_ptr_equal(uow_add_job(&fx->uow, copy), job);
	assert_int_equal(fx->uow.jobs.n, 1);
	assert_ptr_equal(uow_job(&fx->uow, job->id), job);
	assert_ptr_equal(uow_job_by_seq(&fx->uow, 7), job);
	assert_null(uow_job_by_seq(&fx->uow, 8));
	assert_null(uow_job(&fx->uow, make_job(fx, 9)->id));

	struct run *run = make_run(fx, job, 1, RUN_LEASED);
	struct run *run_copy = make_run(fx, job, 1, RUN_WAITING);
	run_copy->id = run->id;
	assert_ptr_equal(uow_add_run(&fx->uow, run), run);
	assert_ptr_equal(uow_add_run(&fx->uow, run_copy), run);
	assert_ptr_equal(uow_run(&fx->uow, run->id), run);
	assert_ptr_equal(job->open_runs, run);
	assert_null(run->job_next);
}

static void
open_runs_hang_on_their_job_in_order(void **state)
{
	struct fixture *fx = *state;
	struct job *job = uow_add_job(&fx->uow, make_job(fx, 1));
	struct run *a = uow_add_run(&fx->uow, make_run(fx, job, 1, RUN_LEASED));
	struct run *done = uow_add_run(&fx->uow, make_run(fx, job, 2, RUN_FINISHED));
	struct run *b = uow_add_run(&fx->uow, make_run(fx, job, 3, RUN_WAITING));
	assert_ptr_equal(job->open_runs, a);
	assert_ptr_equal(a->job_next, b);
	assert_null(b->job_next);
	assert_null(done->job_next);
	assert_int_equal(fx->uow.runs.n, 3);
}

static void
touching_marks_a_row_once(void **state)
{
	struct fixture *fx = *state;
	struct job *clean = make_job(fx, 1);
	struct job *fresh = make_job(fx, 2);
	struct job *deleted = make_job(fx, 3);
	fresh->change = ROW_NEW;
	deleted->change = ROW_DELETED;
	uow_touch_job(&fx->uow, clean);
	uow_touch_job(&fx->uow, fresh);
	uow_touch_job(&fx->uow, deleted);
	assert_int_equal(clean->change, ROW_CHANGED);
	assert_int_equal(clean->updated_ms, 5000);
	assert_int_equal(fresh->change, ROW_NEW);
	assert_int_equal(deleted->change, ROW_DELETED);

	struct run *run = make_run(fx, clean, 1, RUN_LEASED);
	uow_touch_run(&fx->uow, run);
	assert_int_equal(run->change, ROW_CHANGED);
	struct worker_row worker = { .change = ROW_NEW };
	uow_touch_worker(&worker);
	assert_int_equal(worker.change, ROW_NEW);
}

static void
arrays_keep_what_they_hold_when_they_grow(void **state)
{
	struct fixture *fx = *state;
	UOW_ARRAY(int) numbers = { 0 };
	for (int i = 0; i < 1000; i++)
		UOW_PUSH(&fx->uow, &numbers, i);
	assert_int_equal(numbers.n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(numbers.item[i], i);
}

/* Events of one job become neighbours, and keep the order in which they happened. */
static void
events_are_numbered_by_job(void **state)
{
	struct fixture *fx = *state;
	struct job *a = uow_add_job(&fx->uow, make_job(fx, 1));
	struct job *b = uow_add_job(&fx->uow, make_job(fx, 2));
	struct run *run = uow_add_run(&fx->uow, make_run(fx, a, 1, RUN_LEASED));
	const struct event of_nothing = { .project = 1, .type = EV_WORKER_JOINED };
	fx->uow.next_event_seq = 100;
	uow_event_job(&fx->uow, a, NULL, EV_JOB_QUEUED, (struct str) { 0 });
	uow_event_job(&fx->uow, b, NULL, EV_JOB_QUEUED, STR("{\"b\":1}"));
	uow_event(&fx->uow, &of_nothing);
	uow_event_job(&fx->uow, a, run, EV_RUN_LEASED, STR("{}"));
	uow_event_job(&fx->uow, b, NULL, EV_JOB_STARTED, STR("{}"));
	uow_event_job(&fx->uow, a, NULL, EV_JOB_STARTED, STR("{}"));
	uow_number_events(&fx->uow);

	const struct {
		int64_t job_seq;
		enum event_type type;
	} expected[] = {
		{ 1, EV_JOB_QUEUED },
		{ 1, EV_RUN_LEASED },
		{ 1, EV_JOB_STARTED },
		{ 2, EV_JOB_QUEUED },
		{ 2, EV_JOB_STARTED },
		{ 0, EV_WORKER_JOINED },
	};
	assert_int_equal(fx->uow.events.n, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++) {
		const struct event *event = &fx->uow.events.item[i];
		assert_int_equal(event->seq, 100 + (int64_t)i);
		assert_int_equal(event->job_seq, expected[i].job_seq);
		assert_int_equal(event->type, expected[i].type);
	}
	assert_int_equal(fx->uow.next_event_seq, 106);
	assert_true(str_eqz(fx->uow.events.item[0].data, "{}"));
	assert_int_equal(fx->uow.events.item[0].at_ms, 5000);
	assert_true(uuid_eq(&fx->uow.events.item[1].run.u, &run->id.u));
	assert_true(uuid_is_zero(&fx->uow.events.item[2].run.u));
}

static void
no_events_use_no_numbers(void **state)
{
	struct fixture *fx = *state;
	fx->uow.next_event_seq = 9;
	uow_number_events(&fx->uow);
	assert_int_equal(fx->uow.next_event_seq, 9);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(the_first_copy_of_a_row_is_the_true_one),
		CASE(open_runs_hang_on_their_job_in_order),
		CASE(touching_marks_a_row_once),
		CASE(arrays_keep_what_they_hold_when_they_grow),
		CASE(events_are_numbered_by_job),
		CASE(no_events_use_no_numbers),
	};
	return cmocka_run_group_tests_name("uow", tests, NULL, NULL);
}
