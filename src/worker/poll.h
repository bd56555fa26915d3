/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conversation with the server (docs/protocol/worker.md): one claiming poll is always
 * parked there; events and results travel in polls of their own, one at a time.
 */
#pragma once

struct poller;
struct task;
struct worker;

struct poller *poller_new(struct worker *worker) __attribute__((returns_nonnull));

/* Stops everything; freed once the loop has closed its handles. NULL is fine. */
void poller_close(struct poller *poller);

/* There is something in the outbox: results go at once, events within 100 ms or at 64 KiB. */
void poller_wake(struct poller *poller);

/* What the claiming poll says has changed for good (draining): ask again now. */
void poller_restart_claim(struct poller *poller);

/*
 * The last poll: it holds no run, so the server gives those that were not finished to another
 * worker at once. Sets worker->stops when answered or given up.
 */
void poller_say_goodbye(struct poller *poller);
