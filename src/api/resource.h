/* SPDX-License-Identifier: Apache-2.0 */
/* Things as JSON: one writer each, used by every answer that shows the thing. */
#pragma once

#include "api/api_impl.h"
#include "base/json.h"
#include "core/layout.h"

/* What a job's row does not hold. Zeroed: not shown. */
struct job_more {
	const char *queue;               /* name */
	struct str options;              /* JSON object as kept */
	const char *durable;             /* of the write that this answers */
	const char *unique;              /* "existing": the answer to a request for a new one */
	struct arena *arena;             /* for the fixtures; NULL: they are not shown */
	const struct schedule *schedule; /* that fired it; NULL: none, or it is gone */
	const struct job_test *tests;    /* and hooks behind them */
	size_t n_tests;
	const struct incarnation *incarnations;
	size_t n_incarnations;
	struct str stages;        /* JSON array: a flow's, with states */
	struct str results;       /* JSON: what it gave, once it has ended */
	struct str schema_errors; /* JSON array: where they break its outputSchema */
};

/*
 * Fills in stages, results and schema errors of one job; more has its options already. Blocks.
 */
int job_outcome_read(struct call *call, struct store_reader *reader, const struct job *job,
	struct job_more *more, struct err *err) MUST_CHECK;

void job_write(struct jw *jw, const struct job *job, const struct job_more *more);
/* The layout of a grouped job, or NULL when it is none. */
const struct layout *job_layout(const struct job *job, struct arena *arena);
void fixtures_write(struct jw *jw, const struct layout *layout);
void counts_write(struct jw *jw, const struct job_counts *counts);
void labels_write(struct jw *jw, const char *key, const char *canonical);

/* `job` gives what is the same for all of its runs; targets as in the job. */
struct run_more {
	const struct job *job;
	const struct job_test *tests; /* names; may be NULL */
	const struct layout *layout;  /* of a grouped job; may be NULL */
	size_t n_tests;
	struct str result; /* JSON, or empty */
	const struct artifact *artifacts;
	size_t n_artifacts;
	bool has_artifacts;
};
void run_write(struct jw *jw, const struct run *run, const struct run_more *more);
void artifact_write(struct jw *jw, const struct artifact *artifact);

void definition_write(struct jw *jw, const struct definition *def, const char *durable);
/* figures: live ones, or NULL. */
void queue_write(struct jw *jw, const struct queue *queue, const struct queue_figures *figures,
	const char *durable);
void quarantine_write(struct jw *jw, const struct quarantine_entry *entry, const char *durable);
void worker_write(struct jw *jw, const struct worker_row *worker);
struct forecast;
void explanation_write(
	struct jw *jw, const struct explanation *explanation, const struct forecast *forecast);

/* Member i (from 0) of a comma-separated text, or empty. */
struct str list_item(const char *list, int i);

/* Puts the members of a JSON object's text into the object that is open. */
void splice_members(struct jw *jw, struct str object);
