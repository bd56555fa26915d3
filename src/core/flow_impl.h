/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of flows share: a flow as it was asked for (struct flow_spec), and where one
 * stands (struct flow_run).
 *
 * JSON values are kept as text in the turn's arena: the state is written and read more often
 * than it is looked into.
 */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/limits.h"
#include "core/flow.h"
#include "core/flow_json.h"
#include "core/plan_impl.h"
#include "core/retry.h"

/* ---- what was asked for ---- */

enum stage_when { WHEN_SUCCESS, WHEN_FAILURE, WHEN_ALWAYS, WHEN_EXPRESSION };

enum wait_mode { WAIT_ONE, WAIT_ANY, WAIT_ALL };

enum wait_kind { WAIT_HTTP, WAIT_SIGNAL, WAIT_TIMER, WAIT_APPROVAL, WAIT_JOB, WAIT_KIND_COUNT };

struct status_range {
	int64_t from, to;
};

enum { STATUS_RANGES_MAX = 20 };

/* A condition. Members of other kinds are empty. */
struct wait_spec {
	const char *name; /* or NULL */
	enum wait_kind kind;
	struct str body; /* HTTP: the object as the conductor gets it */
	bool selects;
	const char *until, *fail_if; /* expressions, or NULL */
	struct status_range *statuses;
	size_t n_statuses;
	bool names_statuses; /* they were said; else `until` may judge the status itself */
	int64_t every_ms, interval_max_ms;
	double factor, jitter;
	int64_t misses_max, look_timeout_ms;
	const char *timer_for, *timer_until; /* TIMER: one of them, perhaps an expression */
	const char *text;                    /* APPROVAL */
	const char *job, *wanted; /* JOB: its id, perhaps an expression; a state or NULL */
};

/* A parameter that is a member of the results before it. */
struct stage_pass {
	const char *param, *member;
};

struct stage_spec {
	const char *name;
	int32_t *needs; /* places of stages */
	int32_t n_needs;
	uint64_t above[(FLOW_STAGES_MAX + 63) /
		64]; /* set of all it needs, through others too */
	enum stage_when when;
	const char *when_text; /* EXPRESSION */
	bool is_wait;
	struct str run, matrix; /* JSON; matrix empty: none */
	struct stage_pass *pass;
	size_t n_pass;
	int32_t max_parallel;
	struct retry_policy retry; /* on: 1 << OUTCOME_FAILED, _ERRORED, _TIMED_OUT */
	bool goes_on;              /* continueOnFailure */
	int64_t timeout_ms;        /* 0: none */
	struct str schema;         /* empty: none */
	enum wait_mode mode;
	struct wait_spec *conditions;
	size_t n_conditions;
};

struct flow_spec {
	struct stage_spec *stages;
	int32_t n;
	struct str params; /* JSON object */
	int32_t limit;     /* run stages at a time; 0: any number */
};

static inline bool
stage_is_above(const struct stage_spec *stage, int32_t other)
{
	return stage->above[other / 64] >> (other % 64) & 1;
}

/* ---- where it stands ---- */

enum stage_state {
	STAGE_WAITING,
	STAGE_READY,
	STAGE_STARTING,
	STAGE_RUNNING,
	STAGE_SUCCEEDED,
	STAGE_FAILED,
	STAGE_TIMED_OUT,
	STAGE_CANCELLED,
	STAGE_SKIPPED,
	STAGE_STATE_COUNT
};

/* An item of a run stage: one job, attempt for attempt. */
enum item_phase {
	ITEM_WAITING,    /* for a place, or for the time of its next attempt */
	ITEM_STARTING,   /* its job was asked for */
	ITEM_RUNNING,    /* its job is there */
	ITEM_COLLECTING, /* its job has ended, `end` says how; its results were asked for */
	ITEM_ENDED,
	ITEM_PHASE_COUNT
};

struct stage_item {
	enum item_phase phase;
	enum stage_state end; /* COLLECTING, ENDED */
	int32_t attempt;      /* of the flow's life, from 1; 0: none yet */
	int64_t due_ms;       /* WAITING: not before */
	struct job_id job;    /* of the present attempt */
	bool was_paused;      /* that job, by the flow, which lets it go on, too */
	struct str results;   /* JSON; empty: none */
	const char *error;    /* or NULL */
};

enum condition_state {
	CONDITION_WAITING,
	CONDITION_MET,
	CONDITION_FAILED,
	CONDITION_STATE_COUNT
};

struct stage_condition {
	enum condition_state state;
	int64_t n;        /* looks and signals of the flow's life */
	int64_t n_looks;  /* of this time that the stage waits */
	int64_t n_misses; /* the last looks that reached nobody */
	int64_t next_ms;  /* next look; a timer's end */
	int64_t asked_ms; /* a look or a collection is under way since; 0: none */
	int64_t last_ms;  /* last look or signal; 0: none */
	int32_t status;   /* HTTP: of the last look */
	struct str shown; /* what the last look found, when it is short; else empty */
	struct str value; /* MET: JSON */
	const char *error;
	bool is_rejected;
	struct job_id job; /* JOB: watched */
	int64_t n_repeats; /* signals after the first */
};

struct flow_stage {
	enum stage_state state;
	int64_t started_ms, ended_ms;
	int64_t deadline_ms;     /* 0: none */
	bool is_timing_out;      /* the deadline has passed, its jobs are being stopped */
	int32_t attempts_before; /* attempts of earlier incarnations */
	const char *error, *warning;
	struct job_counts counts;
	struct str matrix; /* JSON array of the items' values; empty: as in the definition */
	struct stage_item *items;
	int32_t n_items;
	struct stage_condition *conditions; /* spec->n_conditions */
};

struct flow_run {
	struct flow_spec spec;
	struct flow_stage *stages;
	int32_t depth;
	int32_t failed; /* stage that failed first; -1: none */
	bool is_fresh;  /* a restart waits for the children of the incarnation before */
	struct flow_start start;
	bool has_more;   /* the turn's effects are enough: go on in the next one */
	bool is_changed; /* job->plan is to be written */
};

/* ---- flow_spec.c ---- */

/* Reads the text that flow_request_read wrote. -1: it is not one. */
int flow_spec_read(const char *text, struct arena *arena, struct flow_spec *ret,
	struct err *err) MUST_CHECK;

/* The values of a stage's matrix as a list; owned. NULL: err says what is wrong. */
json_t *flow_matrix_items(json_t *matrix, struct err *err) MUST_CHECK;

const char *wait_kind_name(enum wait_kind kind);

/* ---- flow_state.c ---- */

/* Decoded at the first call of a turn. A text that cannot be read begins anew. */
struct flow_run *flow_of(struct uow *uow, struct job *job) __attribute__((returns_nonnull));
int flow_run_read(const char *flow, const char *plan, struct arena *arena,
	struct flow_run **ret, struct err *err) MUST_CHECK;

const char *stage_state_name(enum stage_state state);
bool stage_is_over(enum stage_state state);

/*
 * As if it had never begun; what names its attempts and looks goes on growing. Signals that a
 * stage got and had not begun to wait for may be kept: their senders do not send them again.
 */
void stage_reset(struct flow_run *run, int32_t at, bool keeps_signals);

/* A member that is JSON text; nothing when it is empty. */
void flow_write_value(struct jw *jw, const char *name, struct str value);

/* Bytes of results and values that are kept. */
size_t flow_value_bytes(const struct flow_run *run);

/* A copy to be kept, or a note that it was too large. */
struct str flow_keep(
	struct uow *uow, struct flow_run *run, struct str value, size_t max, bool *ret_is_cut);

/* ---- flow_scope.c ---- */

/*
 * What expressions of a stage see: an object with params, flow and stages, which is empty when
 * nobody reads it. Owned by the caller.
 */
json_t *flow_scope(struct uow *uow, const struct job *job, const struct flow_run *run,
	int32_t stage, bool has_stages);

/* The values of the items of a stage's matrix; owned; NULL: the stage has none. */
json_t *flow_matrix_values(const struct flow_run *run, int32_t at);

/* A condition. -1: err says what is wrong with it. */
int flow_test(struct uow *uow, const char *text, json_t *scope, json_t *value, bool *ret,
	struct err *err) MUST_CHECK;

/* Fills in the expressions of a tree. -1: err. */
int flow_expand(struct uow *uow, json_t **tree, json_t *scope, struct err *err) MUST_CHECK;

/* ---- flow_wait.c ---- */

void wait_begin(struct uow *uow, struct job *job, struct flow_run *run, int32_t at);

/* Asks for looks that are due; ends the stage when its conditions say so. */
void wait_step(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, bool again);

/* When it is to be looked at again; 0: never. */
int64_t wait_due_ms(const struct flow_run *run, int32_t at, bool is_paused);

void wait_looked(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	const struct flow_report *report);
void wait_job_ended(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	const struct flow_job_end *end);
void wait_collected(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	const struct flow_report *report);
int wait_signal(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	const struct flow_signal *signal, struct err *err) MUST_CHECK;

/* ---- flow.c ---- */

/* Recomputes due_ms. Last step of every change. */
void flow_update(struct uow *uow, struct job *job);

/* ---- flow_stage.c ---- */

/* An error as it is kept: cut; NULL of NULL. */
const char *flow_short_copy(struct uow *uow, const char *text);

/* Moves a stage and tells of it. */
void stage_move(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	enum stage_state to, const char *error);
void stage_begin(struct uow *uow, struct job *job, struct flow_run *run, int32_t at);
void stage_step(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, bool again);
void stage_end_now(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	enum job_command command);
bool stage_has_children(const struct flow_stage *stage);
int64_t stage_due_ms(const struct flow_run *run, int32_t at, bool is_paused, int64_t now_ms);
void stage_item_ended(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	int32_t item, const struct flow_job_end *end);
void stage_collected(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	const struct flow_report *report);

void flow_add_counts(struct job_counts *to, const struct job_counts *add);

/* The item is over, or gets another attempt. */
void stage_item_failed(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	int32_t item, const char *error);

/* Gives a command to the jobs of a stage that are there. */
void stage_command(struct uow *uow, struct job *job, const struct flow_stage *stage,
	enum job_command command);

/* Asks for an effect; false: the turn has enough of them. */
bool flow_ask(struct uow *uow, struct flow_run *run, const struct effect *effect);

void flow_follow(struct uow *uow, const struct job *job, enum follow_kind kind,
	struct job_id other, enum job_command command);

/* ---- flow_event.c ---- */

void flow_event_stage(struct uow *uow, const struct job *job, const struct flow_run *run,
	int32_t at, int32_t item);
void flow_event_observed(struct uow *uow, const struct job *job, const struct flow_run *run,
	int32_t at, int32_t condition, const struct wait_look *look, bool is_repeat);
