/* SPDX-License-Identifier: Apache-2.0 */
/* The store's part of figures (core/stats.h): what a turn needs for them, and reading them. */
#pragma once

#include "core/stats.h"
#include "store/store.h"

/*
 * Before stats_collect: name and kind of the units' tests where they are not known yet, and
 * what is kept of tests by that name.
 */
int store_load_units(struct store *store, struct stat_unit *units, size_t n,
	struct arena *arena, struct err *err) MUST_CHECK;

/*
 * Some jobs of the backlog with the runs that decided their units, into uow->ended and
 * uow->units as if they had just ended; saving the turn takes them off the backlog
 * (uow->stat_backlog). *ret: how many are left with these. Jobs that are not final any more
 * are only taken off.
 */
int store_load_backlog(struct store *store, size_t max, struct uow *uow, size_t *ret,
	struct err *err) MUST_CHECK;

/* Drops cells of hours that began before before_ms, at most max; their days stay. Its own small
 * commit. STORE_MORE: max of them went, there may be more. */
int store_purge_hours(struct store *store, int64_t before_ms, size_t max, struct err *err)
	MUST_CHECK;

/* Members that are 0 or NULL do not filter, but: tag NULL is the sum whatever the tags. */
struct stat_filter {
	int64_t project;
	enum stat_subject subject;
	enum stat_scale scale;
	int64_t from_ms, to_ms; /* at_ms: from … up to but without */
	const char *name, *kind, *tmpl, *tag, *team;
	int64_t queue, schedule;
	bool by_tag; /* not the sum but the cells of each tag; with `tag` only its */
};

/* Called for each cell in order of at_ms; the cell is gone when it returns. < 0 ends it. */
typedef int stat_visit_fn(void *arg, const struct stat_cell *cell, struct err *err);

int read_stat_cells(struct store_reader *reader, const struct stat_filter *filter,
	stat_visit_fn *visit, void *arg, struct err *err) MUST_CHECK;

struct history_item {
	struct run *run; /* that decided a unit; run->job is NULL */
	struct job_id job;
	const char *job_name;
};

/* Units that a test of the name (stats_test_key) ended in, or that had the error class: newest
 * first. before_seq: page, of run.seq; 0: from the newest. */
struct history_filter {
	int64_t test_key, error_class; /* one of them */
	int64_t before_seq;
	size_t limit;
};
int read_history(struct store_reader *reader, const struct history_filter *filter,
	struct arena *arena, struct history_item **ret, size_t *ret_n, struct err *err)
	MUST_CHECK;

/* STORE_NONE: it was never seen. */
int read_known_test(struct store_reader *reader, int64_t key, struct arena *arena,
	struct known_test **ret, struct err *err) MUST_CHECK;
int read_error_class(struct store_reader *reader, int64_t key, struct arena *arena,
	struct error_class **ret, struct err *err) MUST_CHECK;

/* Jobs of a project by state, and old jobs of all projects that are not in the figures yet. */
int read_job_counts(struct store_reader *reader, int64_t project,
	int64_t ret_jobs[JOB_STATE_COUNT], int64_t *ret_backlog, struct err *err) MUST_CHECK;
