/* SPDX-License-Identifier: Apache-2.0 */
#include "base/limits.h"
#include "core/explain.h"
#include "unit.h"

#define NOW_MS INT64_C(1796090400000) /* 2026-12-01T02:00:00.000Z */

/* A queued job that nothing holds back: each test adds what does. */
static struct job job;
static struct queue queue;
static struct lane lane;
static struct explain_facts facts;
static struct arena arena;

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(1));
	job = (struct job) { .state = JOB_QUEUED, .ready = true, .concurrency = 2 };
	queue = (struct queue) { .name = "night" };
	lane = (struct lane) { .kind = "http", .labels = "a=1\nb=2" };
	facts = (struct explain_facts) {
		.job = &job,
		.queue = &queue,
		.lane = &lane,
		.now_ms = NOW_MS,
		.n_workers_kind = 2,
		.n_workers_match = 1,
		.capacity_match = 4,
		.busy_match = 1,
	};
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return 0;
}

static const struct blocker *
only_blocker(const char *kind)
{
	const struct explanation *explanation = explain_job(&facts, &arena);

	assert_int_equal(explanation->n_blockers, 1);
	assert_string_equal(blocker_kind_name(explanation->blockers[0].kind), kind);
	assert_string_equal(explanation->sentence, explanation->blockers[0].text);
	return &explanation->blockers[0];
}

static void
nothing_holds_it_back(void **state)
{
	(void)state;
	const struct explanation *explanation = explain_job(&facts, &arena);
	assert_int_equal(explanation->n_blockers, 0);
	assert_string_equal(explanation->sentence,
		"Nothing holds it back; a worker takes it with its next poll.");
}

static void
its_time_has_not_come(void **state)
{
	(void)state;
	job.ready = false;
	job.run_at_ms = NOW_MS + 1000;
	const struct blocker *blocker = only_blocker("start_time");
	assert_int_equal(blocker->until_ms, NOW_MS + 1000);
	assert_string_equal(blocker->text, "It is to start at 2026-12-01T02:00:01.000Z.");
}

static void
it_is_paused(void **state)
{
	(void)state;
	job.state = JOB_PAUSED;
	job.ready = false;
	queue.paused = true; /* of no interest then */
	(void)only_blocker("paused");
}

static void
its_queue_is_paused(void **state)
{
	(void)state;
	queue.paused = true;
	assert_string_equal(only_blocker("queue_paused")->subject, "night");
}

static void
its_queue_is_full(void **state)
{
	(void)state;
	queue.concurrency = queue.running = 3;
	const struct blocker *blocker = only_blocker("queue_limit");
	assert_string_equal(blocker->subject, "night");
	assert_int_equal(blocker->count, 3);
}

static void
nobody_does_its_kind(void **state)
{
	(void)state;
	facts.n_workers_kind = facts.n_workers_match = 0;
	assert_string_equal(only_blocker("no_worker_kind")->subject, "http");
}

static void
nobody_has_its_labels(void **state)
{
	(void)state;
	facts.n_workers_match = 0;
	const struct blocker *blocker = only_blocker("no_worker_label");
	assert_string_equal(blocker->text, "No worker for \"http\" has the labels a=1 b=2.");
}

static void
those_who_could_are_busy(void **state)
{
	(void)state;
	facts.busy_match = 4;
	assert_int_equal(only_blocker("workers_busy")->count, 4);
}

static void
others_come_first(void **state)
{
	(void)state;
	facts.ahead = 12;
	assert_int_equal(only_blocker("jobs_ahead")->count, 12);
	facts.ahead = 1;
	assert_string_equal(only_blocker("jobs_ahead")->text, "1 job stands before it.");
}

static void
its_retry_waits(void **state)
{
	(void)state;
	job.state = JOB_RUNNING;
	job.ready = false;
	facts.retry_due_ms = NOW_MS + 5000;
	assert_int_equal(only_blocker("retry_wait")->until_ms, NOW_MS + 5000);
}

/* A job whose runs are under way is not held back: its sentence says so, the list says why no
 * more of them. */
static void
its_own_concurrency_is_used_up(void **state)
{
	(void)state;
	job.state = JOB_RUNNING;
	job.ready = false;
	job.running = 2;
	const struct explanation *explanation = explain_job(&facts, &arena);
	assert_int_equal(explanation->n_blockers, 1);
	assert_int_equal(explanation->blockers[0].kind, BLOCKER_CONCURRENCY);
	assert_string_equal(
		explanation->sentence, "It is running: 2 of its runs are under way.");
}

static void
several_blockers_in_the_order_in_which_to_mend_them(void **state)
{
	(void)state;
	queue.paused = true;
	queue.concurrency = queue.running = 1;
	facts.n_workers_kind = facts.n_workers_match = 0;
	facts.ahead = 1;
	const struct explanation *explanation = explain_job(&facts, &arena);
	static const enum blocker_kind expected[] = { BLOCKER_QUEUE_PAUSED, BLOCKER_QUEUE_LIMIT,
		BLOCKER_NO_WORKER_KIND, BLOCKER_AHEAD };
	assert_int_equal(explanation->n_blockers, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(explanation->blockers[i].kind, expected[i]);
	assert_string_equal(explanation->sentence, "The queue \"night\" is paused.");
}

static void
an_ended_job_says_how(void **state)
{
	(void)state;
	job.state = JOB_FAILED;
	job.reason = JOB_REASON_TESTS_FAILED;
	queue.paused = true;
	const struct explanation *explanation = explain_job(&facts, &arena);
	assert_int_equal(explanation->n_blockers, 0);
	assert_string_equal(explanation->sentence, "It has ended: failed (tests_failed).");
}

#define STAGED(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(nothing_holds_it_back),
		STAGED(its_time_has_not_come),
		STAGED(it_is_paused),
		STAGED(its_queue_is_paused),
		STAGED(its_queue_is_full),
		STAGED(nobody_does_its_kind),
		STAGED(nobody_has_its_labels),
		STAGED(those_who_could_are_busy),
		STAGED(others_come_first),
		STAGED(its_retry_waits),
		STAGED(its_own_concurrency_is_used_up),
		STAGED(several_blockers_in_the_order_in_which_to_mend_them),
		STAGED(an_ended_job_says_how),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
