/* SPDX-License-Identifier: Apache-2.0 */
#include "core/stats_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

enum { NUMBER_CHARS = 24 };

void
stat_sum_init(struct stat_sum *sum, struct arena *arena)
{
	*sum = (struct stat_sum) { .queued.arena = arena, .run.arena = arena };
}

static void
count_word(struct stat_sum *sum, const struct stat_cell *cell)
{
	enum job_state state;
	enum job_reason reason;

	if (*cell->state && job_state_parse(cell->state, &state) == 0)
		sum->by_state[state] += cell->n;
	if (*cell->reason && job_reason_parse(cell->reason, &reason) == 0)
		sum->by_reason[reason] += cell->n;
}

void
stat_sum_add(struct stat_sum *sum, const struct stat_cell *cell)
{
	stat_cell_count(&sum->cell, cell);
	histogram_add_text(&sum->queued, cell->queued_hist);
	histogram_add_text(&sum->run, cell->run_hist);
	count_word(sum, cell);
}

void
stat_sum_add_job(struct stat_sum *sum, const struct job *job)
{
	struct stat_cell one = { 0 };
	bool has_run = job->started_ms > 0 && job->completed_ms >= job->started_ms;

	stat_cell_of_job(&one, job);
	stat_cell_count(&sum->cell, &one);
	if (has_run) {
		histogram_add(&sum->queued, job->queued_ms);
		histogram_add(&sum->run, job->completed_ms - job->started_ms);
	}
	sum->by_state[job->state]++;
	if (job->reason != JOB_REASON_NONE)
		sum->by_reason[job->reason]++;
}

/* ---- what follows from a sum ---- */

static int64_t
unit_failures(const struct stat_cell *cell)
{
	return cell->failed + cell->errored + cell->timed_out;
}

int64_t
stat_failures(const struct stat_sum *sum, enum stat_subject subject)
{
	return subject == STAT_JOB ? sum->by_state[JOB_FAILED] + sum->by_state[JOB_INVALID]
				   : unit_failures(&sum->cell);
}

bool
stat_success_rate(const struct stat_sum *sum, enum stat_subject subject, double *ret)
{
	int64_t good = subject == STAT_JOB ? sum->by_state[JOB_COMPLETED] : sum->cell.passed;
	int64_t all = good + stat_failures(sum, subject);

	if (all == 0)
		return false;
	*ret = (double)good / (double)all;
	return true;
}

bool
stat_flakiness(const struct stat_sum *sum, double *ret)
{
	int64_t all = sum->cell.passed + unit_failures(&sum->cell);

	if (all == 0)
		return false;
	*ret = (double)(sum->cell.transitions + sum->cell.flaky) / (double)all;
	return true;
}

/* ---- groups ---- */

void
stat_groups_init(struct stat_groups *groups, enum stat_subject subject, enum stat_group_by by,
	struct arena *arena)
{
	*groups = (struct stat_groups) { .subject = subject, .by = by, .arena = arena };
	map_init(&groups->by_key, MAP_KEYS_BORROWED);
	stat_sum_init(&groups->total, arena);
}

void
stat_groups_deinit(struct stat_groups *groups)
{
	map_deinit(&groups->by_key);
}

/* The cell's group as text; `number` is room for one. */
static const char *
key_of(const struct stat_groups *groups, const struct stat_cell *cell,
	char number[NUMBER_CHARS])
{
	int64_t value = 0;

	switch (groups->by) {
	case STAT_BY_TEMPLATE:
		return cell->tmpl;
	case STAT_BY_KIND:
		return cell->kind;
	case STAT_BY_TAG:
		return cell->tag;
	case STAT_BY_TEAM:
		return cell->team;
	case STAT_BY_STATUS:
		return cell->state;
	case STAT_BY_REASON:
		return cell->reason;
	case STAT_BY_NAME:
		return cell->name;
	case STAT_BY_QUEUE:
		value = cell->queue;
		break;
	case STAT_BY_SCHEDULE:
		value = cell->schedule;
		break;
	case STAT_BY_TIME:
		value = cell->at_ms;
		break;
	case STAT_BY_COUNT:
		break;
	}
	snprintf(number, NUMBER_CHARS, "%" PRId64, value);
	return number;
}

static struct stat_group *
add_group(struct stat_groups *groups, const char *key, const struct stat_cell *cell)
{
	struct stat_group *group = arena_alloc(groups->arena, sizeof *group);
	const char *copy = arena_strdup(groups->arena, key);
	const char *kind = arena_strdup(groups->arena, cell->kind);

	if (!group || !copy || !kind || groups->n >= STAT_GROUPS_MAX)
		return NULL;
	if (groups->n == groups->cap) {
		size_t cap = groups->cap > 0 ? groups->cap * 2 : 32;
		struct stat_group **grown = arena_calloc(groups->arena, cap, sizeof *grown);

		if (!grown)
			return NULL;
		if (groups->n > 0)
			memcpy(grown, groups->item, groups->n * sizeof *grown);
		groups->item = grown;
		groups->cap = cap;
	}
	*group = (struct stat_group) { .key = copy, .kind = kind, .at_ms = cell->at_ms };
	stat_sum_init(&group->sum, groups->arena);
	(void)map_put(&groups->by_key, copy, strlen(copy) + 1, group);
	groups->item[groups->n++] = group;
	return group;
}

int
stat_groups_add(struct stat_groups *groups, const struct stat_cell *cell, struct err *err)
{
	char number[NUMBER_CHARS];

	if (groups->without_flows && strcmp(cell->kind, "flow") == 0)
		return 0;
	const char *key = key_of(groups, cell, number);
	struct stat_group *group = map_get(&groups->by_key, key, strlen(key) + 1);

	if (!group)
		group = add_group(groups, key, cell);
	if (!group)
		return err_set(err, ERR_LIMIT,
			"more than %d groups: a filter or a shorter span helps",
			STAT_GROUPS_MAX);
	if (strcmp(group->kind, cell->kind) != 0)
		group->kind = "";
	stat_sum_add(&group->sum, cell);
	stat_sum_add(&groups->total, cell);
	return 0;
}

void
stat_groups_keep(struct stat_groups *groups, int64_t n_min, bool only_flaky)
{
	size_t n = 0;

	for (size_t i = 0; i < groups->n; i++) {
		struct stat_group *group = groups->item[i];
		double flakiness = 0;
		bool says = stat_flakiness(&group->sum, &flakiness);

		if (group->sum.cell.n < n_min || (only_flaky && (!says || flakiness <= 0)))
			continue;
		groups->item[n++] = group;
	}
	groups->n = n;
}

/* ---- order ---- */

struct place {
	struct stat_group *group;
	double value; /* NAN: none */
};

static double
percentile(const struct histogram *histogram, int percent)
{
	int64_t ms = histogram_percentile(histogram, percent);

	return ms < 0 ? NAN : (double)ms;
}

static double
value_of(const struct stat_group *group, enum stat_subject subject, enum stat_sort sort)
{
	const struct stat_sum *sum = &group->sum;
	double rate = NAN;

	switch (sort) {
	case STAT_SORT_N:
		return (double)sum->cell.n;
	case STAT_SORT_FAILURES:
		return (double)stat_failures(sum, subject);
	case STAT_SORT_SUCCESS_RATE:
		return stat_success_rate(sum, subject, &rate) ? rate : NAN;
	case STAT_SORT_FLAKY:
		return (double)sum->cell.flaky;
	case STAT_SORT_TRANSITIONS:
		return (double)sum->cell.transitions;
	case STAT_SORT_FLAKINESS:
		return stat_flakiness(sum, &rate) ? rate : NAN;
	case STAT_SORT_QUEUE_P95:
		return percentile(&sum->queued, 95);
	case STAT_SORT_RUN_MEAN:
		return sum->run.total > 0 ? (double)sum->cell.run_ms / (double)sum->run.total
					  : NAN;
	case STAT_SORT_RUN_P50:
		return percentile(&sum->run, 50);
	case STAT_SORT_RUN_P95:
		return percentile(&sum->run, 95);
	case STAT_SORT_RUN_P99:
		return percentile(&sum->run, 99);
	case STAT_SORT_BUSY:
		return (double)sum->cell.busy_ms;
	case STAT_SORT_CPU:
		return sum->cell.measured > 0 ? (double)sum->cell.cpu_ms : NAN;
	case STAT_SORT_PEAK:
		return sum->cell.measured > 0 ? (double)sum->cell.peak_kib : NAN;
	case STAT_SORT_TOKENS:
		return (double)sum->cell.tokens;
	case STAT_SORT_NAME:
	case STAT_SORT_COUNT:
		break;
	}
	return 0;
}

static int
compare(const struct place *a, const struct place *b, int direction)
{
	bool a_none = isnan(a->value), b_none = isnan(b->value);

	if (a_none != b_none)
		return a_none ? 1 : -1;
	if (!a_none && a->value < b->value)
		return -direction;
	if (!a_none && a->value > b->value)
		return direction;
	return strcmp(a->group->key, b->group->key);
}

static int
rising(const void *a, const void *b)
{
	return compare(a, b, 1);
}

static int
falling(const void *a, const void *b)
{
	return compare(a, b, -1);
}

static int
by_name_falling(const void *a, const void *b)
{
	return -compare(a, b, 1);
}

void
stat_groups_sort(struct stat_groups *groups, enum stat_sort sort, bool descending)
{
	if (groups->n < 2)
		return;
	struct place *places = arena_xalloc(groups->arena, groups->n * sizeof *places);

	for (size_t i = 0; i < groups->n; i++)
		places[i] = (struct place) {
			.group = groups->item[i],
			.value = value_of(groups->item[i], groups->subject, sort),
		};
	qsort(places, groups->n, sizeof *places,
		!descending                      ? rising
			: sort == STAT_SORT_NAME ? by_name_falling
						 : falling);
	for (size_t i = 0; i < groups->n; i++)
		groups->item[i] = places[i].group;
}
