/* SPDX-License-Identifier: Apache-2.0 */
/* The engine on its own thread: a queue of intents in, a queue of outputs out. */
#pragma once

#include "base/err.h"
#include "engine/engine.h"

struct engine_thread;

/* notify(arg) is called on the engine thread whenever outputs wait: it should only wake the
 * loop (uv_async_send). */
int engine_thread_start(struct engine_thread **ret, struct engine *engine,
	void (*notify)(void *arg), void *arg, struct err *err) MUST_CHECK;

/* Any thread. Takes ownership; after a stop the intent comes back with ERR_UNAVAILABLE. */
void engine_submit(struct engine_thread *thread, struct intent *intent);

/* Loop thread: the outputs so far, oldest first, moved to `list` (an initialised list of
 * turn_output.node). */
void engine_take(struct engine_thread *thread, struct list_node *list);

/* True once the store has failed: /readyz says so and writes get 503. Any thread. */
bool engine_thread_failed(const struct engine_thread *thread, struct err *ret);

/* Finishes what was submitted, closes the engine, joins. Outputs that are left go to `list`.
 * Always NULL. */
struct engine_thread *engine_thread_stop(struct engine_thread *thread, struct list_node *list);
