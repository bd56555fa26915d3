/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the conductor: a task for each effect, and what each kind of effect does. */
#pragma once

#include <stdatomic.h>
#include <uv.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/list.h"
#include "base/map.h"
#include "conductor/conductor.h"
#include "engine/intent.h"
#include "http/client.h"
#include "store/store.h"

/* What is limited together. */
enum lane_of_work { WORK_READ, WORK_LOOK, WORK_SWEEP, WORK_COUNT };

enum {
	READERS_KEPT = 4,
};

struct conductor {
	uv_loop_t *loop;
	struct conductor_options options;
	char *url; /* owned; without a slash at the end */
	struct http_client *client;
	struct list_node waiting[WORK_COUNT]; /* tasks, oldest first */
	struct map looks; /* struct task: looks among those that wait, by look_key() */
	struct list_node running;
	size_t n_on_pool[WORK_COUNT];
	size_t n_looks; /* from the pool to the answer */
	size_t n_waiting, n_running;
	size_t n_reports; /* with the engine */
	uint64_t n_done;
	atomic_bool stopping; /* written by the loop */

	/* Shared with the pool's threads, under the lock. */
	uv_mutex_t lock;
	struct store_reader *readers[READERS_KEPT];
	size_t n_readers;
};

/* A look at an address, between the pool and the answer. */
struct probe {
	const char *method, *url;
	const char **headers;            /* "Name: value", NULL at the end */
	const char *body, *content_type; /* NULL: none */
	size_t body_len;
	const char *select; /* JSON Pointer, or NULL */
	int64_t timeout_ms;
	struct curl_slist *pin; /* owned */
	struct http_exchange *exchange;
	int64_t began_mono_ms;
};

struct task {
	struct list_node node;
	struct conductor *conductor;
	const struct effect_work *how;
	struct arena arena;
	struct effect effect;  /* its texts are the arena's */
	struct str look_key;   /* of the arena; empty: no look */
	struct intent *intent; /* the report, owned until it is submitted */
	struct probe probe;
	struct sweep *sweep; /* owned; NULL: not one, or not begun */
	int n_tries;
	uv_work_t work;
};

/* How a kind of effect is carried out. */
struct effect_work {
	enum lane_of_work lane;
	/* On the pool. -1: it cannot be done, or not now (UNAVAILABLE). */
	int (*prepare)(struct task *task, struct store_reader *reader, struct err *err);
	/* On the loop, after 0: goes on and ends with task_report(). NULL: the report is ready.
	 */
	void (*go)(struct task *task);
	/* On the loop, after -1: fills the report. */
	void (*fail)(struct task *task, const struct err *err);
};

/* Submits the report, ends the task and begins the next. */
void task_report(struct task *task);

/* Goes through its preparation once more, behind those that wait. On the loop. */
void task_again(struct task *task);

/* --- scope.c, on the pool --- */

/*
 * The effect's body with its expressions filled in, as a new tree. The scope gets `signals` and
 * `flow.url`.
 */
int task_body(struct task *task, struct store_reader *reader, json_t **ret, struct err *err)
	MUST_CHECK;

/* A job request's specification, in the report's arena, with names resolved. */
int task_spec(struct task *task, struct store_reader *reader, json_t *body,
	struct job_spec *ret, struct err *err) MUST_CHECK;

/* err from the first offence. Always -1. */
int task_issues(const struct issues *issues, struct err *err);

/* --- report.c --- */

/* The report that answers the effect. Its arena takes everything that the report names. */
struct intent *report_new(const struct task *task) __attribute__((returns_nonnull));

/* A report that says why it cannot be, in place of what there was. */
void report_fail(struct task *task, const struct err *err);

/* --- launch.c, collect.c, probe.c --- */

int launch_prepare(struct task *task, struct store_reader *reader, struct err *err);
int collect_prepare(struct task *task, struct store_reader *reader, struct err *err);
int probe_prepare(struct task *task, struct store_reader *reader, struct err *err);
void probe_go(struct task *task);
void probe_fail(struct task *task, const struct err *err);
/* Breaks the look off: nothing comes back any more. */
void probe_cancel(struct task *task);

/* --- schedule.c --- */

int schedule_prepare(struct task *task, struct store_reader *reader, struct err *err);
void schedule_fail(struct task *task, const struct err *err);

/* --- sweep.c --- */

int sweep_prepare(struct task *task, struct store_reader *reader, struct err *err);
void sweep_go(struct task *task);
void sweep_fail(struct task *task, const struct err *err);
struct sweep;
void sweep_free(struct sweep *sweep); /* NULL is fine */

/* --- keep.c: what a policy lets go is written to files before --- */

struct keep;
struct retention_scan;

/* Goes through what `scan`, which was begun and is copied, would find. */
struct keep *keep_new(const struct conductor *conductor, const struct retention_scan *scan)
	__attribute__((returns_nonnull));
struct keep *keep_free(struct keep *keep); /* NULL is fine; always NULL */
/*
 * The next jobs that are in a file that outlives a power cut, at most SWEEP_JOBS_MAX; writes
 * one when those of the last are through. STORE_NONE: there are no more. On the pool.
 */
int keep_next(struct keep *keep, struct store_reader *reader, struct arena *arena,
	struct job ***ret, size_t *ret_n, struct err *err) MUST_CHECK;
/* The last file, below the archive folder; NULL: none was written. */
const char *keep_file(const struct keep *keep);

int blobs_prepare(struct task *task, struct store_reader *reader, struct err *err);
void blobs_fail(struct task *task, const struct err *err);
