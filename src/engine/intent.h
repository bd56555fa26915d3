/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Intents: everything that may change a job is one of these. The loop thread fills one in, the
 * engine carries it out within a turn, the loop thread gets it back, answered, after the
 * commit.
 *
 * An intent owns an arena; request and answer live in it. Whoever holds the intent owns it:
 * after engine_submit the engine, after engine_take the taker, who ends it with intent_free.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"
#include "core/archive_line.h"
#include "core/definition.h"
#include "core/explain.h"
#include "core/flow.h"
#include "core/job_spec.h"
#include "core/plan.h"
#include "core/project.h"
#include "core/quarantine_list.h"
#include "core/retention.h"
#include "core/schedule.h"
#include "core/uow.h"

enum intent_kind {
	INTENT_JOB_CREATE,
	INTENT_JOB_COMMAND,
	INTENT_JOB_EXPLAIN,
	INTENT_POLL,
	INTENT_POLL_CANCEL, /* the connection of a parked poll is gone */
	INTENT_RUN_WATCH,   /* somebody looks at a run, or nobody does any more */
	INTENT_ARTIFACT_ADD,
	INTENT_DEF_PUT,
	INTENT_DEF_DELETE,
	INTENT_QUEUE_PUT,
	INTENT_QUARANTINE_PUT,
	INTENT_QUARANTINE_DELETE,
	INTENT_JOB_EDIT,    /* of one that waits: priority, place, start time, … */
	INTENT_JOB_EACH,    /* a command or an edit for many */
	INTENT_FLOW_REPORT, /* the conductor: what came of an effect */
	INTENT_FLOW_SIGNAL, /* somebody: a signal or an approval for a stage that waits */
	INTENT_SCHEDULE_PUT,
	INTENT_SCHEDULE_DELETE,
	INTENT_SCHEDULE_COMMAND, /* pause, resume, fire now */
	INTENT_SCHEDULE_FIRE,    /* the conductor: the job of an occurrence */
	INTENT_PROJECT_PUT,
	INTENT_PROJECT_DELETE,
	INTENT_RETENTION_PUT,
	INTENT_RETENTION_DELETE,
	INTENT_RETENTION_RUN, /* sweep now */
	INTENT_SWEEP,         /* the conductor: what a policy lets go */
	INTENT_JOB_IMPORT,    /* some rows of a job of an archive */
	INTENT_WORKER_DRAIN,
	INTENT_WORKER_GONE, /* somebody who knows (the parent of the local worker) says that it
			       is no more */
	INTENT_KIND_COUNT
};

struct job_create {
	const struct job_spec *specs;
	size_t n;
};

struct job_edit_request {
	struct job_id id;
	int64_t if_version; /* 0: whatever it is */
	struct job_edit edit;
};

/* What became of each job. */
enum each_result { EACH_DONE, EACH_NOT_FOUND, EACH_WRONG_STATE, EACH_REFUSED };

struct job_each {
	const struct job_id *ids;
	size_t n; /* at most BULK_ACTION_BATCH */
	bool is_edit;
	enum job_command command;
	struct job_edit edit;
};

struct job_command_request {
	struct job_id id;
	enum job_command command;
	struct flow_start start; /* START of a flow: where it begins */
};

struct run_ref {
	struct run_id run;
	int64_t fence;
	bool stopping; /* holds: a stop is under way */
	bool watching; /* holds: it sends pictures */
};

struct poll_result {
	struct run_id run;
	int64_t fence;
	bool is_lost; /* it has no verdict: it begins again; result.reason says why */
	struct run_result result;
};

struct poll_event {
	struct run_id run;
	int64_t fence;
	int64_t n;            /* 1, 2, … for each (run, fence) */
	enum event_type type; /* event_type_from_worker */
	int64_t at_ms;
	struct str data; /* JSON object */
};

/* docs/protocol/worker.md §1. */
struct poll {
	struct worker_id worker;
	const char *name, *version;
	const char *kinds; /* comma-separated */
	const char *const *kind_list;
	size_t n_kinds;
	const char *labels;    /* canonical */
	const char *resources; /* core/needs.h; NULL: none */
	int32_t capacity;
	bool claim;
	int64_t wait_ms;
	const struct run_ref *holds;
	size_t n_holds;
	const struct poll_result *results;
	size_t n_results;
	const struct poll_event *events;
	size_t n_events;
};

struct lease {
	struct run_id run;
	int64_t fence;
	struct job_id job;
	const char *job_name;
	int32_t incarnation;
	int64_t iteration;
	int32_t test_index;
	const char *target; /* or NULL */
	int32_t attempt;
	int32_t group, connection;             /* of a grouped job; connection 0: not one */
	const char *role;                      /* of a hook; or NULL */
	struct str results[RESULTS_PER_LEASE]; /* JSON of the before hooks' results; or empty */
	const char *kind;                      /* of the test */
	struct str test;                       /* JSON object */
	struct str options; /* JSON object with config, params, …; or empty */
	int64_t timeout_ms;
};

enum poll_do { POLL_DO_STOP, POLL_DO_DROP, POLL_DO_WATCH, POLL_DO_DRAIN };

struct poll_directive {
	struct run_id run; /* zero with DRAIN */
	int64_t fence;
	enum poll_do what;
	const char *reason;
};

struct poll_answer {
	int64_t lease_ms, poll_ms;
	struct lease *leases;
	size_t n_leases;
	struct poll_directive *directives;
	size_t n_directives;
	bool superseded; /* a newer claiming poll of the same worker took its place */
};

/* Which parked poll: the one of this worker that `user` submitted. */
struct poll_cancel {
	struct worker_id worker;
	const void *user; /* intent.user of the poll; only compared */
	bool is_over;     /* answer it as if its time were over */
};

struct run_watch {
	struct run_id run;
	bool is_on;
};

struct artifact_add {
	struct run_id run;
	int64_t fence;
	struct artifact artifact; /* name, kind, content_type, case_id, blob, size */
};

struct def_put {
	struct def_key_ref {
		enum def_kind kind;
		struct def_id id; /* zero: create, or find by name */
	} key;
	const char *name, *tags, *body;
	int64_t if_revision; /* 0: whatever it is; -1: must not exist; > 0: must be this one */
};

struct def_delete {
	enum def_kind kind;
	struct def_id id;
	int64_t if_revision;
};

struct queue_put {
	const char *name;
	int32_t priority, concurrency;
	bool paused;
	int64_t ageing_ms;
	struct rate rate;
	const char *limits; /* key_limits_read has accepted it; NULL: none */
	const char *fair_by;
	int32_t share;
	bool draining;
	bool is_command; /* pause, resume, drain: only paused and draining count */
	int64_t if_revision;
};

struct quarantine_change {
	struct uuid id; /* zero: a new one */
	struct quarantine_put put;
	int64_t if_revision; /* 0: whatever it is */
};

struct project_change {
	struct uuid id; /* zero: a new one */
	struct project_put put;
	int64_t if_revision; /* 0: whatever it is */
};

struct retention_change {
	struct uuid id; /* zero: a new one */
	struct retention_put put;
	int64_t if_revision; /* 0: whatever it is */
};

/* Jobs that a policy lets go, or the files of jobs; at the end, how the sweep went. */
struct sweep_report {
	struct uuid policy;
	int64_t revision;         /* of the policy that was asked; 0: it did not begin */
	const struct job_id *ids; /* SWEEP_JOBS_MAX at most */
	size_t n;
	bool only_files; /* the jobs stay */
	bool is_last;    /* the figures count */
	struct sweep_figures figures;
	int64_t files_done_ms; /* files of jobs that ended before are gone */
};

/* Some lines of an archived job. What it points to is the submitter's until the answer. */
struct job_import {
	const struct archive_line *job; /* its first line */
	int64_t seq;     /* that the first slice was answered with; 0: this is it */
	int64_t run_seq; /* of its last run, as answered before */
	const struct archive_line *lines;
	size_t n;     /* IMPORT_ROWS_MAX at most */
	bool is_last; /* the job is there from now on */
	bool is_drop; /* it is given up: what came is cleared away */
};

/* What stood in the way, with ERR_CONFLICT. */
enum intent_conflict {
	CONFLICT_NONE,
	CONFLICT_STATE,    /* the job's state does not allow the command: out.state */
	CONFLICT_REVISION, /* If-Match names another revision, or the name is taken */
	CONFLICT_FENCE,    /* the run is not leased under that number */
	CONFLICT_TAKEN,    /* another one is there already */
	CONFLICT_DRAINING, /* the queue takes no new jobs: with ERR_LIMIT */
	CONFLICT_IDEM,     /* the Idempotency-Key was used for another request */
};

/* How it went. On IS_ERROR the intent's err says why; nothing of it was done. */
enum intent_status { INTENT_OK, INTENT_IS_ERROR };

struct intent {
	struct list_node node;
	enum intent_kind kind;
	int64_t project;
	struct arena arena;
	void *user;                          /* the submitter's */
	void (*then)(struct intent *intent); /* gets it back, answered, and owns it; NULL: the
						API finds who submitted it by `user` */

	struct str
		idem_key; /* Idempotency-Key; empty: none. JOB_CREATE, JOB_COMMAND, DEF_PUT */
	uint8_t idem_hash[16];

	union {
		struct job_create create;
		struct job_command_request command;
		struct job_edit_request edit;
		struct job_each each;
		struct job_id explain;
		struct poll poll;
		struct poll_cancel cancel;
		struct worker_id worker; /* WORKER_DRAIN, WORKER_GONE */
		struct run_watch watch;
		struct artifact_add artifact;
		struct def_put def_put;
		struct def_delete def_delete;
		struct queue_put queue;
		struct quarantine_change quarantine;  /* DELETE: without put */
		struct project_change project_change; /* DELETE: without put */
		struct retention_change retention;    /* DELETE, RUN: without put */
		struct sweep_report sweep;
		struct job_import import;
		struct flow_report flow_report;
		struct flow_signal flow_signal;
		struct schedule_change schedule;        /* PUT, DELETE, COMMAND */
		struct schedule_report schedule_report; /* FIRE */
	} in;

	enum intent_status status;
	struct err err; /* ERR_NOT_FOUND, ERR_CONFLICT (wrong state, stale revision or fence),
			   ERR_LIMIT, ERR_UNAVAILABLE */
	enum intent_conflict conflict; /* with ERR_CONFLICT */
	bool replayed; /* answered from its Idempotency-Key; jobs hold the ids alone */
	struct {
		struct job *jobs; /* snapshots after the turn; JOB_CREATE: one for each spec, in
				     order */
		size_t n_jobs;
		bool *existing; /* JOB_CREATE: jobs[i] was there already; NULL: none was */
		uint8_t *each;  /* JOB_EACH: enum each_result for each id */
		enum job_state state; /* ERR_CONFLICT of a command: the state it met */
		struct definition *def;
		struct queue *queue;
		struct quarantine_entry *quarantine;
		struct schedule *schedule;
		int64_t schedule_at_ms; /* SCHEDULE_COMMAND fire: the occurrence */
		struct project *project;
		struct retention *retention;
		size_t n_swept; /* SWEEP: so many of the jobs were deleted, or lost files */
		struct {
			int64_t seq, run_seq;
			bool is_there; /* the same job was here already: nothing was taken */
		} import;
		struct explanation *explanation;
		struct poll_answer poll;
	} out;

	int64_t park_until_ms; /* the engine's own */
};

/* An empty intent; its arena may grow to max bytes. */
struct intent *intent_new(enum intent_kind kind, int64_t project, size_t arena_max);
struct intent *intent_free(struct intent *intent); /* always NULL */
DEFINE_CLEANUP(struct intent *, intent_free)
