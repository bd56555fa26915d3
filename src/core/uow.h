/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unit of work: everything that one engine turn knows and changes.
 *
 * The store fills it (store_load), the core's rules change it, the store saves it whole
 * (store_save). Between load and save nothing is read: an intent sees what earlier intents of
 * the turn did because they share these rows. All memory is the arena's and lives until the
 * turn is over.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/rand.h"
#include "core/definition.h"
#include "core/event.h"
#include "core/job.h"
#include "core/lane.h"
#include "core/run.h"
#include "core/worker_row.h"

/* A growing array of pointers to rows, in the order they came. */
#define UOW_ARRAY(T)           \
	struct {               \
		T *item;       \
		size_t n, cap; \
	}

/* Results of earlier runs that a lease carries: of the job's before hook, of the fixture's. */
enum { RESULT_OF_JOB, RESULT_OF_FIXTURE, RESULTS_PER_LEASE };

/* A test of a job as it is leased: the definition with parameters filled in. */
struct job_test {
	int64_t job_seq;
	int32_t index; /* from 0 */
	const char *name;
	const char *kind;
	struct str body;                       /* JSON object */
	int64_t timeout_ms;                    /* own limit of its runs; 0: the job's */
	struct str results[RESULTS_PER_LEASE]; /* see struct test_key; not kept with it */
};

/* What only answers and leases need of a job: config, params, labels, extra … as submitted.
 * JSON object text. */
struct job_options {
	int64_t job_seq;
	struct str body;
};

/* A finished incarnation, kept when a job starts again. */
struct incarnation {
	int64_t job_seq;
	int32_t number;
	enum job_state state;
	enum job_reason reason;
	struct job_counts counts;
	int64_t started_ms, completed_ms;
};

struct artifact {
	int64_t job_seq, run_seq;
	int64_t project;
	struct job_id job;
	struct run_id run;
	const char *name; /* may contain '/', unique in the run */
	const char *kind; /* "trace", … */
	const char *content_type;
	const char *case_id; /* or NULL */
	const char *blob;    /* hex SHA-256: key in the blob store */
	int64_t size;
	int64_t created_ms;
};

/* Answer to a POST that is kept under its Idempotency-Key. */
struct idem {
	int64_t project;
	struct str key;
	uint8_t hash[16]; /* of method, path and body */
	int64_t created_ms;
	struct uuid *ids; /* objects that the request made or changed */
	size_t n_ids;
	enum row_change change;
};

/*
 * A job that comes in over several turns: its rows are hidden, and gone after a crash, until
 * the turn that shows them together with the job's own row.
 */
enum stage_step { STAGE_BEGIN, STAGE_MORE, STAGE_SHOW, STAGE_DROP };

struct staged {
	int64_t job_seq;
	enum stage_step step;
};

/* Something a worker must hear about a run that it holds, as soon as the turn is committed. */
enum signal_kind { SIGNAL_STOP, SIGNAL_DROP };

struct signal {
	struct worker_id worker;
	struct run_id run;
	int64_t fence;
	enum signal_kind kind;
	const char *reason; /* static */
};

/* A unit of a test on the quarantine list has ended: what the list makes of it. */
struct quarantine_mark {
	int64_t entry; /* run->quarantine */
	bool is_clean; /* passed at the first attempt */
};

/* What is left of a rate by key: a row for each value that has not all its tokens. */
struct bucket {
	const char *name; /* of its place: core/places.h */
	int64_t full_us;  /* as in struct queue */
};

struct error_class;
struct known_test;
struct quarantine_entry;
struct project;
struct retention;
struct schedule;
struct stat_cell;

/* An occurrence of a schedule that has its job: there is at most one of it, whoever made it. */
struct firing {
	int64_t schedule; /* seq */
	int64_t at_ms;    /* the occurrence */
	int64_t project;
	struct job_id job;
	int32_t cause; /* enum fire_cause */
	int64_t fired_ms;
};

/*
 * Something that needs a clock, the network or the store's reading side, asked for by the rules
 * and carried out after the commit by the conductor (src/conductor), which reports with an
 * intent. Carried out at least once: what is under way when the server ends is asked for again
 * at its next start, so each names what makes it unique.
 */
enum effect_kind {
	EFFECT_FLOW_LAUNCH,   /* make the job of a stage's item: FLOW_REPORT with its spec */
	EFFECT_FLOW_COLLECT,  /* read what an ended job of a stage gave */
	EFFECT_FLOW_PROBE,    /* one look at what a stage waits for */
	EFFECT_SCHEDULE_FIRE, /* make the job of an occurrence */
	EFFECT_SWEEP,         /* see what retention lets go */
	EFFECT_BLOBS, /* rows that named these are gone: remove what no other row names */
	EFFECT_KIND_COUNT
};

struct effect {
	enum effect_kind kind;
	int64_t project;
	struct job_id flow; /* FLOW_… */
	const char *stage;  /* name of the stage; FLOW_… */
	int32_t item;       /* of its matrix, from 0; PROBE: place of the condition */
	int32_t attempt;    /* from 1; PROBE: number of the look */
	struct job_id job;  /* COLLECT: the ended one */
	struct uuid what;   /* SCHEDULE_FIRE: the schedule; SWEEP: the policy */
	int64_t at_ms;      /* SCHEDULE_FIRE: the occurrence */
	struct str body;    /* JSON: a job request, a look's request, a policy; BLOBS: hashes, a
			       line each; else empty */
	struct str scope;   /* JSON object that expressions in body see; else empty */
};

/* What the rules want of another job, in the next turn. */
enum follow_kind {
	FOLLOW_COMMAND,  /* the job gets the command */
	FOLLOW_CHILD,    /* a flow hears how its child stands, when it has ended */
	FOLLOW_WATCH,    /* the same of a job that a stage waits for; and of its end, later */
	FOLLOW_STEP,     /* a flow goes on: there was too much to do for one turn */
	FOLLOW_CHILDREN, /* all children of the flow, which is no more, are deleted */
};

struct follow_up {
	enum follow_kind kind;
	int64_t project;
	struct job_id job;
	enum job_command command; /* COMMAND */
	struct job_id flow;       /* CHILD, WATCH, STEP, CHILDREN */
};

struct uow {
	int64_t now_ms;
	struct rng *rng;
	struct arena *arena;

	/* identity maps and rows, loaded or new */
	struct map job_by_id;     /* struct job_id → struct job */
	struct map job_by_seq;    /* int64_t → struct job */
	struct map run_by_id;     /* struct run_id → struct run */
	struct map worker_by_id;  /* struct worker_id → struct worker_row */
	struct map job_by_unique; /* project, unique key → the struct job that holds it */
	UOW_ARRAY(struct job *) jobs;
	UOW_ARRAY(struct run *) runs;
	UOW_ARRAY(struct worker_row *) workers;
	UOW_ARRAY(struct definition *) defs;
	UOW_ARRAY(struct idem *) idems;
	UOW_ARRAY(struct job *) due_jobs; /* loaded because job->due_ms <= now */
	UOW_ARRAY(struct worker_row *)
	due_workers; /* loaded because their lease has ended, with their runs */
	UOW_ARRAY(struct run_id) taken; /* of turn_keys.new_runs: those that some row has */
	bool is_cut; /* not all that is ready or due was loaded: it would have been too much */

	/* only written */
	UOW_ARRAY(struct event) events; /* in the order they happened */
	UOW_ARRAY(struct job_test)
	tests; /* of new jobs; for loaded ones see store_load_tests */
	UOW_ARRAY(struct job_options) options; /* of new jobs */
	UOW_ARRAY(struct incarnation) incarnations;
	UOW_ARRAY(struct artifact) artifacts;     /* replaces one of the same run and name */
	UOW_ARRAY(struct lane *) new_lanes;       /* owned by the engine */
	UOW_ARRAY(struct queue *) changed_queues; /* owned by the engine; new or changed */
	UOW_ARRAY(struct bucket) buckets;         /* the last one of a name counts */
	UOW_ARRAY(struct quarantine_entry *)
	quarantine; /* of the list: new, changed, taken off */

	UOW_ARRAY(struct project *) projects;   /* new and changed ones */
	UOW_ARRAY(struct schedule *) schedules; /* of the list: new, changed, taken off */
	UOW_ARRAY(struct firing) firings;
	UOW_ARRAY(struct retention *) retention; /* policies: new, changed, deleted */
	UOW_ARRAY(int64_t) fileless;     /* job.seq: artifact rows of it go, SWEEP_FILES_MAX */
	UOW_ARRAY(struct staged) staged; /* one for each such job of which rows are saved */

	UOW_ARRAY(struct stat_cell *) stats; /* one for each key: added to the stored ones */
	UOW_ARRAY(struct known_test *) known_tests;
	UOW_ARRAY(int64_t) stat_backlog; /* job.seq: old jobs that these figures include */
	UOW_ARRAY(struct error_class *)
	error_classes; /* one for each key: n is what is added */

	/* not saved: what the turn's later rules look at */
	UOW_ARRAY(struct job *) ended;       /* came to a final state in this turn */
	UOW_ARRAY(const struct run *) units; /* last attempts that were counted */

	/* not saved: what the engine does after the commit */
	UOW_ARRAY(struct effect) effects;
	UOW_ARRAY(struct follow_up) follow_ups;
	UOW_ARRAY(struct signal) signals;
	UOW_ARRAY(struct quarantine_mark) quarantine_marks;

	UOW_ARRAY(const char *)
	loose;            /* set by the save: blobs of artifact rows that it deleted */
	bool has_remains; /* set by the save: rows of deleted jobs are left for later */

	/* keys for new rows, reserved by the store at load */
	int64_t next_job_seq, next_run_seq, next_def_seq, next_event_seq;
};

void uow_init(struct uow *uow, struct arena *arena, struct rng *rng, int64_t now_ms);
void uow_deinit(struct uow *uow); /* maps only: the rest is the arena's */

/* Appends to a UOW_ARRAY; the array's memory is the arena's. */
#define UOW_PUSH(uow, array, value) UOW_PUSH_IN((uow)->arena, array, value)
#define UOW_PUSH_IN(arena_ptr, array, value)                                                \
	do {                                                                                \
		(array)->item = uow_grow((arena_ptr), (array)->item, sizeof *(array)->item, \
			(array)->n, &(array)->cap);                                         \
		(array)->item[(array)->n++] = (value);                                      \
	} while (0)
void *uow_grow(struct arena *arena, void *items, size_t item_size, size_t n, size_t *cap)
	__attribute__((returns_nonnull));

/*
 * Put a loaded or new row into the maps. Adding a row that is there already returns the one
 * that is there: the first copy in a turn is the true one.
 */
struct job *uow_add_job(struct uow *uow, struct job *job);
struct run *uow_add_run(struct uow *uow,
	struct run *run); /* also links it into run->job->open_runs when it is open */
struct worker_row *uow_add_worker(struct uow *uow, struct worker_row *worker);

struct job *uow_job(const struct uow *uow, struct job_id id); /* NULL: not there */
struct job *uow_job_by_seq(const struct uow *uow, int64_t seq);
/* The job that holds the unique key; NULL: none that is loaded. */
struct job *uow_unique(const struct uow *uow, int64_t project, const char *key);
struct run *uow_run(const struct uow *uow, struct run_id id);
struct worker_row *uow_worker(const struct uow *uow, struct worker_id id);

/* Mark a row to be saved: clean becomes changed, new stays new; sets updated_ms. */
void uow_touch_job(struct uow *uow, struct job *job);
void uow_touch_run(struct uow *uow, struct run *run);
void uow_touch_worker(struct worker_row *worker);

/* Appends an event; data is a JSON object in the arena or static, {} when empty. run may be
 * NULL. */
void uow_event_job(struct uow *uow, const struct job *job, const struct run *run,
	enum event_type type, struct str data);
void uow_event(struct uow *uow, const struct event *event);

/* True when the turn changed nothing, so that saving it costs no commit. */
bool uow_is_empty(const struct uow *uow);

/*
 * Numbers the events: those of one job become neighbours, in the order they happened. Called
 * once, before the save. Uses uow->next_event_seq.
 */
void uow_number_events(struct uow *uow);
