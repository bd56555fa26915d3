/* SPDX-License-Identifier: Apache-2.0 */
/* The engine on its thread. Meant to be run under the thread sanitizer as well. */
#include <pthread.h>
#include <stdatomic.h>

#include "base/limits.h"
#include "engine/engine_thread.h"
#include "stage.h"

enum { SUBMITTERS = 4, JOBS_EACH = 50 };

/* The loop thread's side: sleeps until it is notified. */
struct loop {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool notified;
	struct engine_thread *thread;
	struct list_node outputs; /* of turn_output.node: taken, not yet looked at */
	size_t n_answered, n_events, n_outputs;
	int64_t last_seq;
};

static void
notify(void *arg)
{
	struct loop *loop = arg;

	pthread_mutex_lock(&loop->lock);
	loop->notified = true;
	pthread_cond_signal(&loop->wake);
	pthread_mutex_unlock(&loop->lock);
}

static void
count_outputs(struct loop *loop, struct stage *s)
{
	while (!list_empty(&loop->outputs)) {
		struct turn_output *out =
			list_entry(list_pop_front(&loop->outputs), struct turn_output, node);

		list_init(&out->node);
		loop->n_outputs++;
		for (size_t i = 0; i < out->n_events; i++) {
			assert_true(out->events[i].seq > loop->last_seq);
			loop->last_seq = out->events[i].seq;
		}
		loop->n_events += out->n_events;
		LIST_FOR_EACH(node, &out->done)
			loop->n_answered++;
		list_splice_back(&s->done, &out->done);
		turn_output_free(out);
	}
}

static void
wait_for_answers(struct loop *loop, struct stage *s, size_t n)
{
	while (loop->n_answered < n) {
		pthread_mutex_lock(&loop->lock);
		while (!loop->notified)
			pthread_cond_wait(&loop->wake, &loop->lock);
		loop->notified = false;
		pthread_mutex_unlock(&loop->lock);
		engine_take(loop->thread, &loop->outputs);
		count_outputs(loop, s);
	}
}

static void
loop_start(struct loop *loop, struct stage *s)
{
	struct err err;

	*loop = (struct loop) { .lock = PTHREAD_MUTEX_INITIALIZER,
		.wake = PTHREAD_COND_INITIALIZER };
	list_init(&loop->outputs);
	assert_int_equal(engine_thread_start(&loop->thread, s->engine, notify, loop, &err), 0);
	s->engine = NULL; /* the thread's */
}

static void
loop_stop(struct loop *loop, struct stage *s)
{
	loop->thread = engine_thread_stop(loop->thread, &loop->outputs);
	assert_null(loop->thread);
	count_outputs(loop, s);
}

struct submitter {
	struct stage *stage;
	struct loop *loop;
	struct intent *intents[JOBS_EACH];
};

static void *
submit_all(void *arg)
{
	struct submitter *self = arg;

	for (size_t i = 0; i < JOBS_EACH; i++)
		engine_submit(self->loop->thread, self->intents[i]);
	return NULL;
}

static void
what_many_threads_submit_is_answered(void **state)
{
	struct stage *s = *state;
	struct submitter submitters[SUBMITTERS];
	pthread_t threads[SUBMITTERS];
	struct loop loop;

	loop_start(&loop, s);
	for (size_t i = 0; i < SUBMITTERS; i++) {
		submitters[i] = (struct submitter) { .stage = s, .loop = &loop };
		for (size_t k = 0; k < JOBS_EACH; k++)
			submitters[i].intents[k] = new_create(s);
	}
	for (size_t i = 0; i < SUBMITTERS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, submit_all, &submitters[i]), 0);
	wait_for_answers(&loop, s, SUBMITTERS * JOBS_EACH);
	for (size_t i = 0; i < SUBMITTERS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < SUBMITTERS; i++) {
		for (size_t k = 0; k < JOBS_EACH; k++) {
			assert_int_equal(submitters[i].intents[k]->status, INTENT_OK);
			assert_state(s, submitters[i].intents[k]->out.jobs[0].id, JOB_QUEUED);
		}
	}
	assert_int_equal(loop.n_events, SUBMITTERS * JOBS_EACH);
	loop_stop(&loop, s);
}

/* It wakes by itself when something is due, here the end of a parked poll. */
static void
the_thread_wakes_for_what_is_due(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct loop loop;

	loop_start(&loop, s);
	worker.wait_ms = 20;
	struct intent *poll = new_poll(&worker, true);
	engine_submit(loop.thread, poll);
	wait_for_answers(&loop, s, 1);
	assert_int_equal(poll->status, INTENT_OK);
	assert_int_equal(poll->out.poll.n_leases, 0);
	loop_stop(&loop, s);
}

static void
stopping_answers_everybody(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct loop loop;

	loop_start(&loop, s);
	struct intent *poll = new_poll(&worker, true), *make = new_create(s);
	worker.kinds = "http";
	engine_submit(loop.thread, poll);
	struct intent *parked = new_poll(&worker, true);
	engine_submit(loop.thread, parked);
	engine_submit(loop.thread, make);
	loop_stop(&loop, s);
	assert_int_equal(loop.n_answered, 3);
	assert_int_equal(make->status, INTENT_OK);
	assert_state(s, make->out.jobs[0].id, JOB_QUEUED);
	assert_int_equal(parked->err.code, ERR_UNAVAILABLE);
}

static void
the_failure_is_seen_from_outside(void **state)
{
	struct stage *s = *state;
	struct loop loop;
	struct err err;

	stage_restart_faulty(s);
	store_faulty_next(s->store, STORE_FAULT_SAVE_BEFORE);
	loop_start(&loop, s);
	assert_false(engine_thread_failed(loop.thread, &err));
	struct intent *first = new_create(s), *second = new_create(s);
	engine_submit(loop.thread, first);
	wait_for_answers(&loop, s, 1);
	assert_true(engine_thread_failed(loop.thread, &err));
	engine_submit(loop.thread, second);
	wait_for_answers(&loop, s, 2);
	assert_int_equal(first->err.code, ERR_UNAVAILABLE);
	assert_int_equal(second->err.code, ERR_UNAVAILABLE);
	loop_stop(&loop, s);
}

/* No intent is answered in such a turn, and the server must end all the same. */
static void
a_failure_that_nobody_waits_for_is_told(void **state)
{
	struct stage *s = *state;
	struct loop loop;
	struct err err;

	s->spec.run_at_ms = s->now_ms + 20;
	(void)create(s);
	stage_restart_faulty(s);
	store_faulty_next(s->store, STORE_FAULT_SAVE_BEFORE);
	loop_start(&loop, s);
	pthread_mutex_lock(&loop.lock);
	while (!loop.notified)
		pthread_cond_wait(&loop.wake, &loop.lock);
	pthread_mutex_unlock(&loop.lock);
	assert_true(engine_thread_failed(loop.thread, &err));
	loop_stop(&loop, s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(what_many_threads_submit_is_answered),
		STAGED(the_thread_wakes_for_what_is_due),
		STAGED(stopping_answers_everybody),
		STAGED(the_failure_is_seen_from_outside),
		STAGED(a_failure_that_nobody_waits_for_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
