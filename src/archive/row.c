/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/row.h"

#include <string.h>

#include "base/id.h"
#include "base/str.h"

/* Keys of one database, places in its lines, and what only a job that goes on has. */
const char *const row_skip_job[] = { "seq", "project", "queue", "rank", "schedule", "lane",
	"ready", "due_ms", "deadline_ms", "running", "waiting", "version", "held_key",
	"unique_key", "unique_until_ms", "pinned", "pin_note", "imported_ms", NULL };
const char *const row_skip_part[] = { "job", NULL };
const char *const row_skip_run[] = { "seq", "job", "project", "quarantine", "due_ms",
	"test_key", "error_class", "version", NULL };
const char *const row_skip_artifact[] = { "run", "job", "project", NULL };

static bool
is_skipped(const char *const *skip, const char *name)
{
	for (; *skip; skip++)
		if (strcmp(*skip, name) == 0)
			return true;
	return false;
}

/* The last millisecond of 9999: times are shown with four digits, and sums stay far below 64
 * bits.
 */
#define NUMBER_MAX INT64_C(253402300799999)

/* --- Writing --- */

static int64_t
number_at(const struct column *column, const char *at)
{
	switch ((enum column_kind)column->kind) {
	case COLUMN_I64:
		return *(const int64_t *)at;
	case COLUMN_U32:
		return *(const uint32_t *)at;
	case COLUMN_I32:
		return *(const int32_t *)at;
	case COLUMN_BOOL:
		return *(const bool *)at;
	case COLUMN_F64:
	case COLUMN_TEXT:
	case COLUMN_STR:
	case COLUMN_UUID:
	case COLUMN_JOB_STATE:
	case COLUMN_JOB_REASON:
	case COLUMN_RUN_STATE:
	case COLUMN_RUN_OUTCOME:
	case COLUMN_WORKER_STATE:
	case COLUMN_DEF_KIND:
		break;
	}
	return 0;
}

static void
write_number(struct jw *jw, const struct column *column, const char *at)
{
	int64_t value = number_at(column, at);

	if (value == 0)
		return;
	jw_key(jw, column->name);
	if (column->kind == COLUMN_BOOL)
		jw_bool(jw, true);
	else
		jw_i64(jw, value);
}

static void
write_column(struct jw *jw, const struct column *column, const char *at)
{
	switch ((enum column_kind)column->kind) {
	case COLUMN_I64:
	case COLUMN_I32:
	case COLUMN_U32:
	case COLUMN_BOOL:
		write_number(jw, column, at);
		return;
	case COLUMN_F64:
		if (*(const double *)at > 0)
			jw_kf64(jw, column->name, *(const double *)at);
		return;
	case COLUMN_TEXT:
		jw_kstr_opt(jw, column->name, *(const char *const *)at);
		return;
	case COLUMN_STR:
		jw_kstrn(jw, column->name, ((const struct str *)at)->p,
			((const struct str *)at)->n);
		return;
	case COLUMN_UUID:
		if (!uuid_is_zero((const struct uuid *)at))
			jw_kuuid(jw, column->name, (const struct uuid *)at);
		return;
	case COLUMN_JOB_STATE:
	case COLUMN_JOB_REASON:
	case COLUMN_RUN_STATE:
	case COLUMN_RUN_OUTCOME:
	case COLUMN_WORKER_STATE:
	case COLUMN_DEF_KIND:
		jw_kstr_opt(jw, column->name,
			column_word((enum column_kind)column->kind, *(const int *)at));
		return;
	}
}

void
arc_row_write(
	struct jw *jw, const struct table *table, const char *const *skip, const void *row)
{
	jw_obj(jw);
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];

		if (!is_skipped(skip, column->name))
			write_column(jw, column, (const char *)row + column->offset);
	}
	jw_end_obj(jw);
}

/* --- Reading --- */

static int
bad_value(const struct table *table, const struct column *column, struct err *err)
{
	return err_set(err, ERR_CORRUPT, "\"%s\" of a %s is no value of its kind", column->name,
		table->name);
}

/* 0, or -1 when it is no number that the column holds. Nothing of a row is below 0 but the
 * priority. */
static int
read_number(const struct column *column, json_t *value, char *at)
{
	bool is_signed = strcmp(column->name, "priority") == 0;
	int64_t number = json_is_true(value) ? 1 : json_integer_value(value);

	if (column->kind == COLUMN_BOOL ? !json_is_boolean(value) : !json_is_integer(value))
		return -1;
	if (number < (is_signed ? INT32_MIN : 0) || number > NUMBER_MAX)
		return -1;
	if (column->kind == COLUMN_BOOL)
		*(bool *)at = number != 0;
	else if (column->kind == COLUMN_I64)
		*(int64_t *)at = number;
	else if (number > INT32_MAX)
		return -1;
	else if (column->kind == COLUMN_I32)
		*(int32_t *)at = (int32_t)number;
	else
		*(uint32_t *)at = (uint32_t)number;
	return 0;
}

static int
read_column(const struct table *table, const struct column *column, json_t *value,
	struct arena *arena, char *at, struct err *err)
{
	const char *text = json_string_value(value);
	size_t n = json_string_length(value);

	switch ((enum column_kind)column->kind) {
	case COLUMN_I64:
	case COLUMN_I32:
	case COLUMN_U32:
	case COLUMN_BOOL:
		return read_number(column, value, at) < 0 ? bad_value(table, column, err) : 0;
	case COLUMN_F64:
		*(double *)at = json_number_value(value);
		return json_is_number(value) && *(double *)at >= 0 && *(double *)at < 1e15
			? 0
			: bad_value(table, column, err);
	case COLUMN_TEXT:
	case COLUMN_STR: {
		char *copy = text ? arena_strndup(arena, text, n) : NULL;

		if (!text || strlen(text) != n)
			return bad_value(table, column, err);
		if (!copy)
			return err_set(err, ERR_LIMIT, "a line with too much text");
		if (column->kind == COLUMN_TEXT)
			*(const char **)at = copy;
		else
			*(struct str *)at = str_from(copy, n);
		return 0;
	}
	case COLUMN_UUID:
		return text && uuid_parse(str_from(text, n), (struct uuid *)at) == 0
			? 0
			: bad_value(table, column, err);
	case COLUMN_JOB_STATE:
	case COLUMN_JOB_REASON:
	case COLUMN_RUN_STATE:
	case COLUMN_RUN_OUTCOME:
	case COLUMN_WORKER_STATE:
	case COLUMN_DEF_KIND:
		break;
	}
	return text && column_word_parse((enum column_kind)column->kind, text, (int *)at) == 0
		? 0
		: bad_value(table, column, err);
}

int
arc_row_read(json_t *json, const struct table *table, const char *const *skip,
	struct arena *arena, void *row, struct err *err)
{
	size_t n_known = 0;

	if (!json_is_object(json))
		return err_set(err, ERR_CORRUPT, "a %s that is no object", table->name);
	for (size_t i = 0; i < table->n_columns; i++) {
		const struct column *column = &table->columns[i];
		json_t *value = json_object_get(json, column->name);

		if (!value || is_skipped(skip, column->name))
			continue;
		n_known++;
		if (read_column(
			    table, column, value, arena, (char *)row + column->offset, err) < 0)
			return -1;
	}
	if (n_known < json_object_size(json))
		return err_set(err, ERR_CORRUPT, "a %s with members that it does not have",
			table->name);
	return 0;
}
