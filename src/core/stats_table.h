/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tables and trends from cells: cells go in one by one, groups with their sums come out.
 * Percentiles and rates are taken from sums, never from other percentiles. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/map.h"
#include "core/histogram.h"
#include "core/stats.h"

/* What a table's rows are. The texts are stat_group_names. */
enum stat_group_by {
	STAT_BY_TEMPLATE,
	STAT_BY_QUEUE,
	STAT_BY_KIND,
	STAT_BY_TAG,
	STAT_BY_TEAM,
	STAT_BY_SCHEDULE,
	STAT_BY_STATUS,
	STAT_BY_REASON,
	STAT_BY_NAME, /* of tests, workers and classes of errors */
	STAT_BY_TIME,
	STAT_BY_COUNT
};

enum stat_sort {
	STAT_SORT_N,
	STAT_SORT_FAILURES,
	STAT_SORT_SUCCESS_RATE,
	STAT_SORT_FLAKY,
	STAT_SORT_TRANSITIONS,
	STAT_SORT_FLAKINESS,
	STAT_SORT_QUEUE_P95,
	STAT_SORT_RUN_MEAN,
	STAT_SORT_RUN_P50,
	STAT_SORT_RUN_P95,
	STAT_SORT_RUN_P99,
	STAT_SORT_BUSY,
	STAT_SORT_CPU,
	STAT_SORT_PEAK,
	STAT_SORT_TOKENS,
	STAT_SORT_NAME,
	STAT_SORT_COUNT
};

struct stat_sum {
	struct stat_cell cell; /* its counters; the histograms' texts are not used */
	struct histogram queued, run;
	int64_t by_state[JOB_STATE_COUNT];
	int64_t by_reason[JOB_REASON_COUNT];
};

struct stat_group {
	const char *key;  /* the attribute as text; of queues and schedules their number */
	const char *kind; /* of the cells; "" when they differ */
	int64_t at_ms;    /* STAT_BY_TIME */
	struct stat_sum sum;
};

struct stat_groups {
	enum stat_subject subject;
	enum stat_group_by by;
	bool without_flows;       /* jobs that are flows are passed over */
	struct arena *arena;      /* borrowed */
	struct map by_key;        /* key → struct stat_group */
	struct stat_group **item; /* in order of appearance, then as sorted */
	size_t n, cap;
	struct stat_sum total;
};

void stat_groups_init(struct stat_groups *groups, enum stat_subject subject,
	enum stat_group_by by, struct arena *arena);
void stat_groups_deinit(struct stat_groups *groups);

/* ERR_LIMIT: more than STAT_GROUPS_MAX. */
int stat_groups_add(struct stat_groups *groups, const struct stat_cell *cell, struct err *err)
	MUST_CHECK;

/* Groups without a value of that figure stand last; equal ones are in order of their keys. */
void stat_groups_sort(struct stat_groups *groups, enum stat_sort sort, bool descending);

/* Lets go of groups that have fewer than n_min, or no flakiness. */
void stat_groups_keep(struct stat_groups *groups, int64_t n_min, bool only_flaky);

void stat_sum_init(struct stat_sum *sum, struct arena *arena);
void stat_sum_add(struct stat_sum *sum, const struct stat_cell *cell);
/* One job as if it were a cell. */
void stat_sum_add_job(struct stat_sum *sum, const struct job *job);

/* False: it cannot be said. */
bool stat_success_rate(const struct stat_sum *sum, enum stat_subject subject, double *ret);
bool stat_flakiness(const struct stat_sum *sum, double *ret);
int64_t stat_failures(const struct stat_sum *sum, enum stat_subject subject);
