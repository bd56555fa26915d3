/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One thread, two queues. The thread sleeps until an intent comes or the engine has something
 * due; a turn takes everything that waits, so the turn after a slow commit is the bigger for
 * it.
 */
#include "engine/engine_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/steady.h"

struct engine_thread {
	struct engine *engine; /* owned; the thread's alone while it runs */
	pthread_t thread;
	struct steady_clock clock; /* the thread's alone */
	pthread_mutex_t mutex;     /* guards what follows */
	pthread_cond_t wake;
	struct list_node intents; /* submitted, oldest first */
	struct list_node outputs; /* not yet taken */
	bool stopping;
	bool failed;
	struct err failure;
	void (*notify)(void *arg);
	void *arg;
};

static int64_t
now_ms(struct engine_thread *self)
{
	return steady_clock_ms(&self->clock, clock_wall_ms(), clock_mono_ms());
}

static struct timespec
deadline_after(int64_t ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(ms / 1000);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* Until something is to be done; with the mutex held. */
static void
wait_for_work(struct engine_thread *self)
{
	while (list_empty(&self->intents) && !self->stopping) {
		int64_t due = engine_next_due(self->engine), now = now_ms(self);

		if (due <= now)
			return;
		if (due == INT64_MAX) {
			pthread_cond_wait(&self->wake, &self->mutex);
			continue;
		}
		/* At most a minute: the steady clock may run up to half as fast again as the
		 * one we sleep on. */
		int64_t ms = due - now < MINUTES_MS(1) ? due - now : MINUTES_MS(1);
		struct timespec until = deadline_after(ms);
		(void)pthread_cond_timedwait(&self->wake, &self->mutex, &until);
	}
}

/* At most so many, and no more bytes than a turn's arena has room to work on; always one. */
static size_t
take_intents(struct engine_thread *self, struct intent **batch)
{
	size_t n = 0, bytes = 0;

	while (n < TURN_INTENTS_MAX && bytes < TURN_BYTES_MAX && !list_empty(&self->intents)) {
		batch[n] = list_entry(list_pop_front(&self->intents), struct intent, node);
		bytes += batch[n++]->arena.used;
	}
	return n;
}

/* The loop is told at once: a turn that only the clock asked for has nobody to answer. */
static void
note_failure(struct engine_thread *self, const struct err *err)
{
	if (self->failed)
		return;
	self->failed = true;
	self->failure = *err;
	self->notify(self->arg);
	log_error("engine.failed", NULL, "the store failed, nothing is accepted any more: %s",
		err->text);
}

static void *
engine_main(void *arg)
{
	struct engine_thread *self = arg;
	struct intent *batch[TURN_INTENTS_MAX];

	pthread_mutex_lock(&self->mutex);
	for (;;) {
		wait_for_work(self);
		size_t n = take_intents(self, batch);
		if (n == 0 && self->stopping)
			break;
		pthread_mutex_unlock(&self->mutex);

		struct turn_output *out;
		struct err err = { 0 };
		int64_t began_ns = clock_mono_ns();
		int rc = engine_turn(self->engine, batch, n, now_ms(self), &out, &err);
		engine_note_turn(self->engine, clock_mono_ns() - began_ns);

		pthread_mutex_lock(&self->mutex);
		if (rc < 0)
			note_failure(self, &err);
		if (list_empty(&out->done) && out->last_event_seq == 0 && out->n_effects == 0) {
			turn_output_free(out);
			continue;
		}
		bool was_empty = list_empty(&self->outputs);
		list_push_back(&self->outputs, &out->node);
		if (was_empty)
			self->notify(self->arg);
	}
	pthread_mutex_unlock(&self->mutex);
	return NULL;
}

int
engine_thread_start(struct engine_thread **ret, struct engine *engine,
	void (*notify)(void *arg), void *arg, struct err *err)
{
	struct engine_thread *self = xcalloc(1, sizeof *self);
	pthread_condattr_t attr;

	self->engine = engine;
	steady_clock_init(&self->clock, clock_wall_ms(), engine_now(engine), clock_mono_ms());
	self->notify = notify;
	self->arg = arg;
	list_init(&self->intents);
	list_init(&self->outputs);
	pthread_mutex_init(&self->mutex, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&self->wake, &attr);
	pthread_condattr_destroy(&attr);
	int rc = pthread_create(&self->thread, NULL, engine_main, self);
	if (rc != 0) {
		free(self);
		return err_sys(err, ERR_INTERNAL, rc, "cannot start the engine thread");
	}
	*ret = self;
	return 0;
}

void
engine_submit(struct engine_thread *self, struct intent *intent)
{
	pthread_mutex_lock(&self->mutex);
	bool was_empty = list_empty(&self->intents);
	list_push_back(&self->intents, &intent->node);
	if (was_empty)
		pthread_cond_signal(&self->wake);
	pthread_mutex_unlock(&self->mutex);
}

void
engine_take(struct engine_thread *self, struct list_node *list)
{
	pthread_mutex_lock(&self->mutex);
	list_splice_back(list, &self->outputs);
	pthread_mutex_unlock(&self->mutex);
}

bool
engine_thread_failed(const struct engine_thread *thread, struct err *ret)
{
	struct engine_thread *self = (struct engine_thread *)thread; /* for its mutex */

	pthread_mutex_lock(&self->mutex);
	bool failed = self->failed;
	if (failed && ret)
		*ret = self->failure;
	pthread_mutex_unlock(&self->mutex);
	return failed;
}

struct engine_thread *
engine_thread_stop(struct engine_thread *self, struct list_node *list)
{
	if (!self)
		return NULL;
	pthread_mutex_lock(&self->mutex);
	self->stopping = true;
	pthread_cond_signal(&self->wake);
	pthread_mutex_unlock(&self->mutex);
	pthread_join(self->thread, NULL);

	struct turn_output *last = xcalloc(1, sizeof *last);
	list_init(&last->node);
	list_init(&last->done);
	arena_init(&last->arena, ARENA_REQUEST_BYTES_MAX);
	engine_close(self->engine, last);
	list_push_back(&self->outputs, &last->node);
	list_splice_back(list, &self->outputs);
	pthread_cond_destroy(&self->wake);
	pthread_mutex_destroy(&self->mutex);
	free(self);
	return NULL;
}
