/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures kept while jobs end: roll-ups by day and hour, what is known of each test by name,
 * and classes of errors. docs/protocol/stats.md says what each figure means.
 *
 * A *cell* is a sum over everything that ended in one hour or day and has the same attributes.
 * A turn makes one for each combination that it saw; the store adds it to the one it has. So
 * the cost of a turn is that of its distinct combinations, and a turn in which nothing ended
 * has none. Pure, but for the names of tests, which the engine reads before (stats_units).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "core/uow.h"

/* What a cell counts. The numbers are in the database. */
enum stat_subject {
	STAT_JOB,    /* n: jobs; the outcomes: their units */
	STAT_TEST,   /* n: units of the test `name` */
	STAT_WORKER, /* n: runs that worker `name` (its id) carried out, hooks included */
	STAT_ERROR,  /* n: units that failed with the error class `name` */
	STAT_SUBJECT_COUNT
};

/* The span of a cell. Only jobs have hours. */
enum stat_scale { STAT_DAY, STAT_HOUR };

/* Attributes are texts, "" when there is none, so that they can be a key. */
struct stat_cell {
	int64_t project;
	int32_t subject;    /* enum stat_subject */
	int32_t scale;      /* enum stat_scale */
	int64_t at_ms;      /* its beginning, UTC */
	const char *name;   /* see enum stat_subject; of jobs "" */
	const char *kind;   /* of the test; of jobs whose tests differ "" */
	int64_t queue;      /* key of the queue */
	const char *tmpl;   /* id of the template */
	int64_t schedule;   /* key of the schedule; 0: none */
	const char *tag;    /* one tag of the job; "": the sum whatever the tags */
	const char *team;   /* the job's key "team" */
	const char *state;  /* of jobs: how they ended */
	const char *reason; /* of jobs: why */

	int64_t n;
	int64_t passed, failed, errored, timed_out, cancelled, skipped; /* units */
	int64_t flaky;       /* passed, but not at the first attempt; also in passed */
	int64_t quarantined; /* failed on the quarantine list; in no other */
	int64_t transitions; /* units whose verdict was not that of the unit before */
	int64_t attempts;    /* runs of these units, repetitions included */
	int64_t queued_ms;   /* sum; of jobs: until their first lease */
	int64_t run_ms;   /* sum; of jobs: from their first lease; of tests: of the last attempt
			   */
	int64_t busy_ms;  /* sum over all attempts */
	int64_t measured; /* attempts of which a worker measured the next two */
	int64_t cpu_ms;   /* sum over all attempts */
	int64_t peak_kib; /* greatest */
	int64_t tokens;   /* sum over all attempts */
	const char *queued_hist, *run_hist; /* core/histogram.h */
};

/* A test as it is known by its name, whatever job it was in. */
struct known_test {
	int64_t key; /* stats_test_key() */
	int64_t project;
	const char *name, *kind;
	enum run_outcome outcome; /* the last that says something: not skipped, not cancelled */
	int64_t first_ms, last_ms;
	int64_t n;      /* units ever */
	int64_t streak; /* units in a row with this verdict */
};

/* What error texts have in common once everything that varies is gone: core/cluster.h. */
struct error_class {
	int64_t key; /* run->error_class */
	int64_t project;
	const char *text;   /* normalised */
	const char *sample; /* the first that was seen */
	const char *test;   /* the last test that had it */
	int64_t first_ms, last_ms;
	int64_t n;
	struct job_id job; /* the last */
	struct run_id run;
};

/* A run of the turn whose test must be known by name; run and hook are the engine's. */
struct stat_unit {
	struct run *run;
	bool is_unit;     /* counted as a unit's result in this turn */
	bool is_finished; /* an attempt that ended in this turn */
	const char *name; /* NULL: to be read; and after that: the job is gone */
	const char *kind;
	struct known_test known; /* n 0: it has never been seen */
};

/* Keys under which rows of a project are found by a name or a text; never 0. */
int64_t stats_test_key(int64_t project, const char *name);
int64_t stats_error_key(int64_t project, const char *normalised);

int64_t stats_floor(int64_t at_ms, enum stat_scale scale); /* beginning of the hour or day */

/* Which runs of the turn count; the array is the arena's. Nothing ended: *ret_n 0. */
void stats_units(struct uow *uow, struct stat_unit **ret, size_t *ret_n);

/* Makes uow->stats, known_tests and error_classes of what ended in the turn, and sets
 * test_key and error_class of its runs. */
void stats_collect(struct uow *uow, struct stat_unit *units, size_t n);

/* Adds the counters of one cell to another. */
void stat_cell_count(struct stat_cell *to, const struct stat_cell *more);
/* Fills the counters with those of one job. */
void stat_cell_of_job(struct stat_cell *cell, const struct job *job);
/* The same with the histograms. Texts are the arena's. */
void stat_cell_add(struct stat_cell *to, const struct stat_cell *more, struct arena *arena);
