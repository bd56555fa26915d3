/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One job as a report shows it, whatever the report's form: the job, its tests, every attempt
 * with its cases and steps, and what each attempt left.
 *
 * Pure: rows and texts in (struct report_input), a model out. Texts inside are what tests and
 * products wrote, so they are hostile to every format; each writer escapes them. Text that is
 * not UTF-8 has been replaced by U+FFFD here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"
#include "core/event.h"
#include "core/job.h"
#include "core/run.h"
#include "core/uow.h"
#include "core/worker_row.h"

/* docs/protocol/runner.md, "error". Absent members are NULL or 0. */
struct report_error {
	const char *message; /* never NULL */
	const char *stack, *file, *snippet, *expected, *actual;
	const char *screenshot; /* name of an artifact */
	int64_t line, column;
};

struct report_step {
	const char *title;
	const char *status;  /* "passed", "failed" */
	int64_t duration_ms; /* -1: unknown */
	int64_t attempt;     /* of its case, from 1 */
	const struct report_error *error;
};

struct report_case {
	const char *id;
	const char *title;
	const char *path; /* file and suites, joined by " › "; "" for none */
	const char
		*status;  /* "passed", "failed", "skipped", "flaky", "running" (never ended) */
	const char *file; /* or NULL */
	int64_t line;
	int64_t attempts;     /* at least 1 */
	int64_t last_attempt; /* the one that the latest event was about */
	int64_t duration_ms;  /* -1: unknown */
	const struct report_error *error;
	struct report_step *steps;
	size_t n_steps;
};

struct report_artifact {
	const struct artifact *row;
	struct str data; /* its first bytes, when report_load() fetched them; else empty */
	bool is_whole;   /* data is all of it */
	bool in_tree;    /* a part of a kept report, which its index.html shows */
};

/* One attempt. */
struct report_run {
	const struct run *row;
	char id[UUID_TEXT_LEN + 1];
	const char *target;  /* or NULL */
	const char *outcome; /* "passed", …, or the state's name when it is not finished */
	const char *worker; /* name of the worker that had it last, or its id; NULL: none yet */
	int64_t start_ms;   /* 0: it never began */
	int64_t end_ms;     /* 0: it has not ended */
	int32_t lane;       /* row of the timeline: model->lanes; -1: it never began */
	const struct report_error *error;
	struct report_case *cases;
	size_t n_cases;
	struct report_step *steps; /* that belong to no case */
	size_t n_steps;
	const char **warnings;
	size_t n_warnings;
	struct report_artifact *artifacts;
	size_t n_artifacts;
	const char *output;      /* JSON text of its structured output, or NULL */
	const char *lost_reason; /* why it was begun again most lately, or NULL */
};

/* A unit: one test on one target in one iteration, with its attempts in order. */
struct report_unit {
	int64_t iteration;
	const char *target;  /* or NULL */
	const char *outcome; /* of the last attempt */
	bool is_flaky;       /* passed after another attempt, or with a flaky case */
	bool is_unstable;    /* attempts did not agree, whatever the outcome */
	bool is_quarantined; /* began while its test was on the quarantine list */
	struct report_run **attempts;
	size_t n_attempts; /* at least 1 */
};

struct report_test {
	const char *name, *kind;
	const char *fixture; /* or NULL */
	int32_t index;
	struct job_counts counts;
	struct report_unit *units;
	size_t n_units;    /* 0: it never began */
	int64_t n_not_run; /* units that never began in a job that is over */
};

/* One connection of one worker, as far as the overlap of its runs shows. */
struct report_lane {
	const char *worker;
	int32_t number; /* from 1 */
};

/* What there was no room for. */
struct report_left_out {
	int64_t runs; /* past REPORT_RUNS_MAX; passed ones are left out first */
	int64_t cases, steps, warnings, outputs, files;
	bool has_more_steps; /* events were not read to their end: `steps` is the least */
};

/* Something that a wait of a flow saw or got. */
struct report_look {
	int64_t at_ms, n;
	int32_t status;    /* of HTTP; 0: none */
	const char *kind;  /* "http", "signal", … */
	const char *value; /* JSON text, or NULL */
	const char *error; /* or NULL */
	bool is_end;       /* it was what was waited for */
};

struct report_model;

/* A stage of a flow. */
struct report_stage {
	const char *name, *state;
	const char *needs; /* names, joined by commas; "" for none */
	const char *error; /* or NULL */
	bool is_wait;
	bool goes_on;             /* the flow goes on when it fails */
	bool failed_flow;         /* the flow failed for it */
	int64_t start_ms, end_ms; /* 0: not yet */
	struct report_look *looks;
	size_t n_looks;
	int64_t n_more_looks;       /* earlier ones that are not shown */
	struct report_model **jobs; /* each attempt of each item, oldest first */
	size_t n_jobs;
};

struct report_model {
	const struct job *job;
	char id[UUID_TEXT_LEN + 1];
	const char *status;  /* job_state_name() */
	const char *reason;  /* or NULL */
	const char *options; /* JSON text as submitted, or NULL */
	const char **tags;
	size_t n_tags;
	struct report_test *tests;
	size_t n_tests;
	struct report_test *hooks; /* what runs before and after; never counted */
	size_t n_hooks;
	const char *why_not_run; /* of tests that never began: a phrase */
	struct report_run *runs; /* by seq */
	size_t n_runs;
	struct report_left_out left_out;
	struct report_lane *lanes;
	size_t n_lanes;
	int64_t begin_ms, end_ms;    /* of the timeline; both 0 when nothing began */
	int64_t now_ms;              /* when the report was made */
	struct report_stage *stages; /* of a flow, which has no tests of its own */
	size_t n_stages;
	int64_t n_more_jobs; /* of its stages, that are not shown */
	bool is_past; /* of a stage: a later attempt took its place, and it counts nowhere */
	struct job_counts
		results; /* of rows: cases, and runs that stand for themselves; last attempts */
};

struct report_result {
	int64_t run_seq;
	struct str text; /* JSON kept with the run */
};

/* All borrowed; must live as long as the model. */
struct report_input {
	const struct job *job;
	const struct job_test *tests; /* and hooks, from job->n_tests on */
	size_t n_tests;
	struct str options;
	const struct run *runs; /* of the current incarnation, by seq */
	size_t n_runs;
	struct report_left_out left_out;     /* by who made this */
	const struct report_result *results; /* any order */
	size_t n_results;
	const struct event *events; /* run.case and run.step, by seq */
	size_t n_events;
	const struct artifact *artifacts;
	size_t n_artifacts;
	const struct worker_row *workers;
	size_t n_workers;
	int64_t now_ms;
	unsigned tight; /* how many times there was too much: each leaves a quarter of the room
			 */
};

/*
 * True when no case tells the run's outcome, so that the run needs a row of its own: it has no
 * cases, or it errored, timed out or failed outside of them.
 */
bool report_run_stands_alone(const struct report_run *run);

/* True when a stage failed, or ran out of time, and no test of its present jobs says so. */
bool report_stage_stands_alone(const struct report_stage *stage);

/* True when it went wrong and does not count, because its test is in quarantine. */
bool report_unit_is_forgiven(const struct report_unit *unit);

/*
 * Builds the model step by step, so that results and events need not be in memory together:
 * begin with the input's rows, take results (those that matter most first), then events by seq,
 * and end. Artifacts may be put into the input until then. The model lives in the arena; the
 * texts that are taken are not needed afterwards.
 */
struct report_builder;

struct report_builder *report_build_begin(
	const struct report_input *input, struct arena *arena);
void report_build_result(struct report_builder *builder, int64_t run_seq, struct str text);
void report_build_event(struct report_builder *builder, const struct event *event);
struct report_model *report_build_end(struct report_builder *builder);
void report_builder_free(struct report_builder *builder);

/* The model, in the arena. Never fails: what is not as it should be is left out. */
struct report_model *report_model_build(const struct report_input *input, struct arena *arena);
