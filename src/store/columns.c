/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of columns, and what can be done with a row by knowing its columns. */
#include "store/columns.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/str.h"
#include "core/project.h"
#include "core/quarantine_list.h"
#include "core/retention.h"
#include "core/schedule.h"
#include "core/stats.h"
#include "core/uow.h"

#define FIXED(T, name, kind)                                                 \
	{                                                                    \
#name, offsetof(struct T, name), COLUMN_##kind, COLUMN_FIXED \
	}
#define EDITED(T, name, kind)                                                 \
	{                                                                     \
#name, offsetof(struct T, name), COLUMN_##kind, COLUMN_EDITED \
	}
#define LIVE(T, name, kind)                                                 \
	{                                                                   \
#name, offsetof(struct T, name), COLUMN_##kind, COLUMN_LIVE \
	}
#define ENDED(T, name, kind)                                                 \
	{                                                                    \
#name, offsetof(struct T, name), COLUMN_##kind, COLUMN_ENDED \
	}
/* Where the column has another name than the member. */
#define FIXED_AS(T, column, member, kind)                                        \
	{                                                                        \
#column, offsetof(struct T, member), COLUMN_##kind, COLUMN_FIXED \
	}
#define LIVE_AS(T, column, member, kind)                                        \
	{                                                                       \
#column, offsetof(struct T, member), COLUMN_##kind, COLUMN_LIVE \
	}

#define TABLE(T, columns)                                         \
	{                                                         \
#T, columns, ARRAY_LEN(columns), sizeof(struct T) \
	}
#define TABLE_AS(name, T, columns)                                  \
	{                                                           \
		name, columns, ARRAY_LEN(columns), sizeof(struct T) \
	}

/* clang-format off */

static const struct column job_columns[] = {
	FIXED(job, seq, I64),
	FIXED(job, id, UUID),
	FIXED(job, project, I64),
	FIXED(job, name, TEXT),
	FIXED(job, tags, TEXT),
	FIXED_AS(job, template, template_id, UUID),
	FIXED(job, created_ms, I64),

	EDITED(job, priority, I32),
	EDITED(job, rank, I64),
	EDITED(job, queue, I64),
	EDITED(job, labels, TEXT),
	FIXED(job, kind, TEXT),
	FIXED(job, kinds, TEXT),
	FIXED(job, targets, TEXT),
	FIXED(job, n_tests, I32),
	FIXED(job, n_targets, I32),
	FIXED(job, iterations, I64),
	FIXED(job, concurrency, I32),
	FIXED(job, failures_to_ignore, I64),
	FIXED(job, stop_on_first_failure, BOOL),
	FIXED(job, cancel_on_first_failure, BOOL),
	FIXED_AS(job, retry_max, retry.max, I32),
	FIXED_AS(job, retry_delay_ms, retry.delay_ms, I64),
	FIXED_AS(job, retry_factor, retry.factor, F64),
	FIXED_AS(job, retry_delay_max_ms, retry.delay_max_ms, I64),
	FIXED_AS(job, retry_jitter, retry.jitter, F64),
	FIXED_AS(job, retry_on, retry.on, U32),
	FIXED_AS(job, quarantine_attempts, quarantine.attempt_limit, I32),
	FIXED_AS(job, quarantine_successes, quarantine.success_threshold, I32),
	FIXED(job, timeout_ms, I64),
	FIXED(job, run_timeout_ms, I64),
	EDITED(job, run_at_ms, I64),
	EDITED(job, expires_ms, I64),
	EDITED(job, keys, TEXT),
	EDITED(job, needs, TEXT),

	FIXED(job, parent, UUID),
	FIXED(job, stage, TEXT),
	FIXED(job, stage_item, I32),
	FIXED(job, stage_attempt, I32),
	FIXED(job, schedule, I64),
	FIXED(job, unique_key, TEXT),

	LIVE(job, state, JOB_STATE),
	LIVE(job, reason, JOB_REASON),
	LIVE(job, incarnation, I32),
	LIVE(job, iteration, I64),
	LIVE(job, next_test, I32),
	LIVE(job, next_target, I32),
	LIVE(job, running, I32),
	LIVE(job, waiting, I32),
	LIVE_AS(job, passed, counts.passed, I64),
	LIVE_AS(job, failed, counts.failed, I64),
	LIVE_AS(job, errored, counts.errored, I64),
	LIVE_AS(job, timed_out, counts.timed_out, I64),
	LIVE_AS(job, cancelled, counts.cancelled, I64),
	LIVE_AS(job, skipped, counts.skipped, I64),
	LIVE_AS(job, flaky, counts.flaky, I64),
	LIVE_AS(job, quarantined, counts.quarantined, I64),
	LIVE(job, lane, I64),
	LIVE(job, ready, BOOL),
	LIVE(job, due_ms, I64),
	LIVE(job, deadline_ms, I64),
	LIVE(job, started_ms, I64),
	ENDED(job, completed_ms, I64), /* half of the indexes name it */
	LIVE(job, updated_ms, I64),
	LIVE(job, queued_ms, I64),
	LIVE(job, version, I64),
	LIVE(job, held_key, TEXT),
	LIVE(job, unique_until_ms, I64),
	LIVE(job, pinned, BOOL),
	LIVE(job, pin_note, TEXT),
	FIXED(job, imported_ms, I64),
	LIVE(job, cpu_ms, I64),
	LIVE(job, tokens, I64),
	LIVE(job, peak_kib, I64),

	/* The large ones, which lists do without. */
	FIXED(job, layout, TEXT),
	FIXED(job, flow, TEXT),
	LIVE(job, plan, TEXT),
};
enum { N_LARGE_JOB_COLUMNS = 3 };
const struct table job_table = TABLE(job, job_columns);
const struct table job_brief_table = { "job", job_columns,
	ARRAY_LEN(job_columns) - N_LARGE_JOB_COLUMNS, sizeof(struct job) };

static const struct column run_columns[] = {
	FIXED(run, seq, I64),
	FIXED(run, id, UUID),
	FIXED_AS(run, job, job_seq, I64),
	FIXED(run, project, I64),
	FIXED(run, incarnation, I32),
	FIXED(run, iteration, I64),
	FIXED(run, test, I32),
	FIXED(run, target, I32),
	FIXED(run, attempt, I32),
	FIXED(run, created_ms, I64),

	LIVE(run, state, RUN_STATE),
	LIVE(run, outcome, RUN_OUTCOME),
	LIVE(run, reason, TEXT),
	LIVE(run, error, TEXT),
	LIVE(run, is_last, BOOL),
	LIVE(run, fence, I64),
	LIVE(run, worker, UUID),
	LIVE(run, losses, I32),
	LIVE(run, passes, I32),
	LIVE(run, connection, I32),
	LIVE(run, start_n, I64),
	LIVE(run, quarantine, I64),
	LIVE(run, event_n, I64),
	LIVE(run, due_ms, I64),
	LIVE(run, leased_ms, I64),
	LIVE(run, started_ms, I64),
	LIVE(run, finished_ms, I64),
	LIVE(run, duration_ms, I64),
	LIVE(run, cpu_ms, I64),
	LIVE(run, peak_kib, I64),
	LIVE(run, tokens, I64),
	LIVE(run, test_key, I64),
	LIVE(run, error_class, I64),
	LIVE(run, version, I64),
};
const struct table run_table = TABLE(run, run_columns);

static const struct column job_test_columns[] = {
	FIXED_AS(job_test, job, job_seq, I64),
	FIXED_AS(job_test, idx, index, I32),
	FIXED(job_test, name, TEXT),
	FIXED(job_test, kind, TEXT),
	FIXED(job_test, body, STR),
	FIXED(job_test, timeout_ms, I64),
};
const struct table job_test_table = TABLE(job_test, job_test_columns);

static const struct column job_options_columns[] = {
	FIXED_AS(job_options, job, job_seq, I64),
	FIXED(job_options, body, STR),
};
const struct table job_options_table = TABLE(job_options, job_options_columns);

static const struct column incarnation_columns[] = {
	FIXED_AS(incarnation, job, job_seq, I64),
	FIXED(incarnation, number, I32),
	FIXED(incarnation, state, JOB_STATE),
	FIXED(incarnation, reason, JOB_REASON),
	FIXED_AS(incarnation, passed, counts.passed, I64),
	FIXED_AS(incarnation, failed, counts.failed, I64),
	FIXED_AS(incarnation, errored, counts.errored, I64),
	FIXED_AS(incarnation, timed_out, counts.timed_out, I64),
	FIXED_AS(incarnation, cancelled, counts.cancelled, I64),
	FIXED_AS(incarnation, skipped, counts.skipped, I64),
	FIXED_AS(incarnation, flaky, counts.flaky, I64),
	FIXED_AS(incarnation, quarantined, counts.quarantined, I64),
	FIXED(incarnation, started_ms, I64),
	FIXED(incarnation, completed_ms, I64),
};
const struct table incarnation_table = TABLE(incarnation, incarnation_columns);

static const struct column artifact_columns[] = {
	FIXED_AS(artifact, run, run_seq, I64),
	FIXED(artifact, name, TEXT),
	FIXED_AS(artifact, job, job_seq, I64),
	FIXED(artifact, project, I64),
	FIXED_AS(artifact, job_id, job, UUID),
	FIXED_AS(artifact, run_id, run, UUID),
	FIXED(artifact, kind, TEXT),
	FIXED(artifact, content_type, TEXT),
	FIXED(artifact, case_id, TEXT),
	FIXED(artifact, blob, TEXT),
	FIXED(artifact, size, I64),
	FIXED(artifact, created_ms, I64),
};
const struct table artifact_table = TABLE(artifact, artifact_columns);

static const struct column definition_columns[] = {
	FIXED(definition, seq, I64),
	FIXED(definition, id, UUID),
	FIXED(definition, project, I64),
	FIXED(definition, kind, DEF_KIND),
	LIVE(definition, name, TEXT),
	LIVE(definition, tags, TEXT),
	LIVE(definition, body, TEXT),
	LIVE(definition, revision, I64),
	FIXED(definition, created_ms, I64),
	LIVE(definition, updated_ms, I64),
};
const struct table definition_table = TABLE(definition, definition_columns);

static const struct column queue_columns[] = {
	FIXED(queue, id, I64),
	FIXED(queue, project, I64),
	LIVE(queue, name, TEXT),
	LIVE(queue, priority, I32),
	LIVE(queue, concurrency, I32),
	LIVE(queue, paused, BOOL),
	LIVE(queue, ageing_ms, I64),
	LIVE(queue, draining, BOOL),
	LIVE_AS(queue, rate_n, rate.n, I64),
	LIVE_AS(queue, rate_per_ms, rate.per_ms, I64),
	LIVE_AS(queue, rate_burst, rate.burst, I64),
	LIVE(queue, full_us, I64),
	LIVE(queue, limits, TEXT),
	LIVE(queue, fair_by, TEXT),
	LIVE(queue, share, I32),
	LIVE(queue, revision, I64),
	LIVE(queue, updated_ms, I64),
};
const struct table queue_table = TABLE(queue, queue_columns);

static const struct column lane_columns[] = {
	FIXED(lane, id, I64),
	FIXED(lane, project, I64),
	FIXED(lane, queue, I64),
	FIXED(lane, kind, TEXT),
	FIXED(lane, labels, TEXT),
	FIXED(lane, needs, TEXT),
	FIXED(lane, fair, TEXT),
};
const struct table lane_table = TABLE(lane, lane_columns);

static const struct column worker_columns[] = {
	FIXED(worker_row, id, UUID),
	LIVE(worker_row, project, I64),
	LIVE(worker_row, name, TEXT),
	LIVE(worker_row, version, TEXT),
	LIVE(worker_row, kinds, TEXT),
	LIVE(worker_row, labels, TEXT),
	LIVE(worker_row, resources, TEXT),
	LIVE(worker_row, capacity, I32),
	LIVE(worker_row, state, WORKER_STATE),
	LIVE(worker_row, lease_until_ms, I64),
	LIVE(worker_row, joined_ms, I64),
	LIVE(worker_row, seen_ms, I64),
};
const struct table worker_table = TABLE_AS("worker", worker_row, worker_columns);

static const struct column quarantine_columns[] = {
	FIXED(quarantine_entry, seq, I64),
	FIXED(quarantine_entry, id, UUID),
	FIXED(quarantine_entry, project, I64),
	LIVE(quarantine_entry, test, TEXT),
	LIVE(quarantine_entry, owner, TEXT),
	LIVE(quarantine_entry, reason, TEXT),
	LIVE(quarantine_entry, clean_runs, I32),
	LIVE(quarantine_entry, clean_streak, I32),
	LIVE(quarantine_entry, failures, I64),
	LIVE(quarantine_entry, last_failed_ms, I64),
	LIVE(quarantine_entry, expires_ms, I64),
	FIXED(quarantine_entry, created_ms, I64),
	LIVE(quarantine_entry, updated_ms, I64),
	LIVE(quarantine_entry, revision, I64),
};
const struct table quarantine_table = TABLE_AS("quarantine", quarantine_entry, quarantine_columns);

static const struct column schedule_columns[] = {
	FIXED(schedule, seq, I64),
	FIXED(schedule, id, UUID),
	FIXED(schedule, project, I64),
	LIVE(schedule, name, TEXT),
	LIVE(schedule, spec, TEXT),
	LIVE(schedule, state, TEXT),
	LIVE_AS(schedule, paused, is_paused, BOOL),
	FIXED(schedule, created_ms, I64),
	LIVE(schedule, updated_ms, I64),
	LIVE(schedule, revision, I64),
	LIVE(schedule, version, I64),
};
const struct table schedule_table = TABLE(schedule, schedule_columns);

static const struct column retention_columns[] = {
	FIXED(retention, seq, I64),
	FIXED(retention, id, UUID),
	FIXED(retention, project, I64),
	LIVE(retention, name, TEXT),
	LIVE(retention, place, I32),
	LIVE(retention, body, TEXT),
	LIVE(retention, is_paused, BOOL),
	LIVE(retention, last, TEXT),
	LIVE(retention, last_ms, I64),
	FIXED(retention, created_ms, I64),
	LIVE(retention, updated_ms, I64),
	LIVE(retention, revision, I64),
};
const struct table retention_table = TABLE(retention, retention_columns);

static const struct column firing_columns[] = {
	FIXED(firing, schedule, I64),
	FIXED(firing, at_ms, I64),
	FIXED(firing, project, I64),
	FIXED(firing, job, UUID),
	FIXED(firing, cause, I32),
	FIXED(firing, fired_ms, I64),
};
const struct table firing_table = TABLE(firing, firing_columns);

static const struct column project_columns[] = {
	FIXED(project, seq, I64),
	FIXED(project, id, UUID),
	LIVE(project, name, TEXT),
	LIVE(project, body, TEXT),
	LIVE(project, revision, I64),
	FIXED(project, created_ms, I64),
	LIVE(project, updated_ms, I64),
	LIVE(project, deleted_ms, I64),
};
const struct table project_table = TABLE(project, project_columns);

static const struct column stat_columns[] = {
	FIXED(stat_cell, project, I64),
	FIXED(stat_cell, subject, I32),
	FIXED(stat_cell, scale, I32),
	FIXED(stat_cell, at_ms, I64),
	FIXED(stat_cell, name, TEXT),
	FIXED(stat_cell, kind, TEXT),
	FIXED(stat_cell, queue, I64),
	FIXED_AS(stat_cell, template, tmpl, TEXT),
	FIXED(stat_cell, schedule, I64),
	FIXED(stat_cell, tag, TEXT),
	FIXED(stat_cell, team, TEXT),
	FIXED(stat_cell, state, TEXT),
	FIXED(stat_cell, reason, TEXT),
	LIVE(stat_cell, n, I64),
	LIVE(stat_cell, passed, I64),
	LIVE(stat_cell, failed, I64),
	LIVE(stat_cell, errored, I64),
	LIVE(stat_cell, timed_out, I64),
	LIVE(stat_cell, cancelled, I64),
	LIVE(stat_cell, skipped, I64),
	LIVE(stat_cell, flaky, I64),
	LIVE(stat_cell, quarantined, I64),
	LIVE(stat_cell, transitions, I64),
	LIVE(stat_cell, attempts, I64),
	LIVE(stat_cell, queued_ms, I64),
	LIVE(stat_cell, run_ms, I64),
	LIVE(stat_cell, busy_ms, I64),
	LIVE(stat_cell, measured, I64),
	LIVE(stat_cell, cpu_ms, I64),
	LIVE(stat_cell, peak_kib, I64),
	LIVE(stat_cell, tokens, I64),
	LIVE(stat_cell, queued_hist, TEXT),
	LIVE(stat_cell, run_hist, TEXT),
};
const struct table stat_table = TABLE_AS("stat", stat_cell, stat_columns);

static const struct column known_test_columns[] = {
	FIXED(known_test, key, I64),
	FIXED(known_test, project, I64),
	FIXED(known_test, name, TEXT),
	LIVE(known_test, kind, TEXT),
	LIVE(known_test, outcome, RUN_OUTCOME),
	FIXED(known_test, first_ms, I64),
	LIVE(known_test, last_ms, I64),
	LIVE(known_test, n, I64),
	LIVE(known_test, streak, I64),
};
const struct table known_test_table = TABLE(known_test, known_test_columns);

static const struct column error_class_columns[] = {
	FIXED(error_class, key, I64),
	FIXED(error_class, project, I64),
	FIXED(error_class, text, TEXT),
	FIXED(error_class, sample, TEXT),
	LIVE(error_class, test, TEXT),
	FIXED(error_class, first_ms, I64),
	LIVE(error_class, last_ms, I64),
	LIVE(error_class, n, I64),
	LIVE(error_class, job, UUID),
	LIVE(error_class, run, UUID),
};
const struct table error_class_table = TABLE(error_class, error_class_columns);

/* clang-format on */

_Static_assert(
	sizeof(enum job_state) == sizeof(int), "enumerations are read and written as int");

static int
word_count(enum column_kind kind)
{
	switch ((int)kind) {
	case COLUMN_JOB_STATE:
		return JOB_STATE_COUNT;
	case COLUMN_JOB_REASON:
		return JOB_REASON_COUNT;
	case COLUMN_RUN_STATE:
		return RUN_STATE_COUNT;
	case COLUMN_RUN_OUTCOME:
		return OUTCOME_COUNT;
	case COLUMN_WORKER_STATE:
		return WORKER_STATE_COUNT;
	case COLUMN_DEF_KIND:
		return DEF_KIND_COUNT;
	default:
		return 0;
	}
}

const char *
column_word(enum column_kind kind, int value)
{
	if (value < 0 || value >= word_count(kind))
		return NULL;
	switch ((int)kind) {
	case COLUMN_JOB_STATE:
		return job_state_name((enum job_state)value);
	case COLUMN_JOB_REASON:
		return job_reason_name((enum job_reason)value);
	case COLUMN_RUN_STATE:
		return run_state_name((enum run_state)value);
	case COLUMN_RUN_OUTCOME:
		return run_outcome_name((enum run_outcome)value);
	case COLUMN_WORKER_STATE:
		return worker_state_name((enum worker_state)value);
	default:
		return def_kind_name((enum def_kind)value);
	}
}

int
column_word_parse(enum column_kind kind, const char *word, int *ret)
{
	int n = word_count(kind);
	for (int value = 0; value < n; value++) {
		const char *name = column_word(kind, value);
		if (name && word ? strcmp(name, word) == 0 : !name && !word) {
			*ret = value;
			return 0;
		}
	}
	return -1;
}

static size_t
value_bytes(enum column_kind kind)
{
	switch (kind) {
	case COLUMN_I64:
	case COLUMN_F64:
		return 8;
	case COLUMN_BOOL:
		return sizeof(bool);
	case COLUMN_TEXT:
		return sizeof(const char *);
	case COLUMN_STR:
		return sizeof(struct str);
	case COLUMN_UUID:
		return sizeof(struct uuid);
	case COLUMN_I32:
	case COLUMN_U32:
	case COLUMN_JOB_STATE:
	case COLUMN_JOB_REASON:
	case COLUMN_RUN_STATE:
	case COLUMN_RUN_OUTCOME:
	case COLUMN_WORKER_STATE:
	case COLUMN_DEF_KIND:
		break;
	}
	return 4;
}

/* The text in a member; p is NULL when it holds none. */
static struct str
text_at(const struct column *column, const char *at)
{
	if (column->kind == COLUMN_TEXT)
		return str_of(*(const char *const *)(const void *)at);
	if (column->kind == COLUMN_STR)
		return *(const struct str *)(const void *)at;
	return (struct str) { 0 };
}

static size_t
packed_bytes(const struct table *table, const char *row)
{
	size_t bytes = table->row_bytes;
	for (size_t i = 0; i < table->n_columns; i++) {
		struct str text = text_at(&table->columns[i], row + table->columns[i].offset);
		bytes += text.p ? text.n + 1 : 0;
	}
	return bytes;
}

/* `out` is zeroed and has packed_bytes(). */
static void
pack(const struct table *table, const char *row, char *out)
{
	char *free_bytes = out + table->row_bytes;
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];
		memcpy(out + column->offset, row + column->offset,
			value_bytes((enum column_kind)column->kind));
		struct str text = text_at(column, row + column->offset);
		if (!text.p)
			continue;
		memcpy(free_bytes, text.p, text.n);
		/* The pointer is the first member of struct str. */
		memcpy(out + column->offset, &free_bytes, sizeof free_bytes);
		free_bytes += text.n + 1;
	}
}

void *
row_dup(const struct table *table, const void *row)
{
	char *out = xcalloc(1, packed_bytes(table, row));
	pack(table, row, out);
	return out;
}

void *
row_copy(const struct table *table, const void *row, struct arena *arena)
{
	char *out = arena_alloc(arena, packed_bytes(table, row));
	if (out)
		pack(table, row, out);
	return out;
}

const struct column *
row_differs(const struct table *table, const void *a, const void *b)
{
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];
		const char *at_a = (const char *)a + column->offset;
		const char *at_b = (const char *)b + column->offset;
		bool same;
		if (column->kind == COLUMN_TEXT || column->kind == COLUMN_STR) {
			struct str x = text_at(column, at_a);
			struct str y = text_at(column, at_b);
			bool both = column->kind == COLUMN_STR || !x.p == !y.p;
			same = both && str_eq(x, y);
		} else {
			same = memcmp(at_a, at_b,
				       value_bytes((enum column_kind)column->kind)) == 0;
		}
		if (!same)
			return column;
	}
	return NULL;
}
