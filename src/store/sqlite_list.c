/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of jobs. The condition is put together from fixed fragments, each with at most one
 * bound value; no value is ever part of the text. A first statement finds the keys of one page,
 * then each row is read by its key, so that sorting a large list moves keys and not rows.
 */
#include "store/sqlite.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "store/cursor.h"

enum {
	LIST_BYTES_MAX = 32768,
	/* Tags, states and reasons of a filter, two dozen others, the cursor. */
	LIST_PARAMS_MAX = FILTER_VALUES_MAX + JOB_STATE_COUNT + JOB_REASON_COUNT + 40,
};

struct param {
	enum { PARAM_NUMBER, PARAM_TEXT, PARAM_BYTES } kind;
	int64_t number;
	struct str text; /* or bytes */
};

/* A statement under construction. */
struct list {
	struct buf text;
	struct param param[LIST_PARAMS_MAX];
	int n_params;
	bool failed; /* too long, or too many values */
};

static void
add(struct list *list, const char *fragment)
{
	if (buf_adds(&list->text, fragment) < 0)
		list->failed = true;
}

static void
add_param(struct list *list, struct param param)
{
	if (list->n_params == LIST_PARAMS_MAX) {
		list->failed = true;
		return;
	}
	list->param[list->n_params++] = param;
}

/* A fragment with one ? that stands for the number. */
static void
add_number(struct list *list, const char *fragment, int64_t number)
{
	add(list, fragment);
	add_param(list, (struct param) { .number = number });
}

static void
add_text(struct list *list, const char *fragment, struct str text)
{
	add(list, fragment);
	add_param(list, (struct param) { .kind = PARAM_TEXT, .text = text });
}

static void
add_id(struct list *list, const char *fragment, const struct uuid *id)
{
	add(list, fragment);
	add_param(list,
		(struct param) { .kind = PARAM_BYTES,
			.text = str_from((const char *)id->b, sizeof id->b) });
}

/* "<head> (?, ?, …)" with the words of a set of 1 << value. */
static void
add_words(struct list *list, const char *head, enum column_kind kind, uint32_t set)
{
	const char *before = " (";
	add(list, head);
	for (int value = 0; value < 32; value++) {
		const char *word = set & (1u << value) ? column_word(kind, value) : NULL;
		if (!word)
			continue;
		add(list, before);
		add_text(list, "?", str_of(word));
		before = ", ";
	}
	add(list, *before == ',' ? ")" : " ()");
}

static void
add_states(struct list *list, uint32_t states)
{
	const uint32_t usual = 1u << JOB_QUEUED | 1u << JOB_COMPLETED;
	if (states == 0)
		return;
	/* Says to the planner that the index of notable jobs has them all. */
	if (!(states & usual))
		add(list, " AND state NOT IN ('queued', 'completed')");
	add_words(list, " AND state IN", COLUMN_JOB_STATE, states);
}

/* Milliseconds that a job ran: job_run_ms() in SQL. The ? is "now". */
#define RUN_MS                                                  \
	"CASE WHEN started_ms = 0 THEN 0 WHEN completed_ms > 0" \
	" THEN completed_ms - started_ms ELSE ? - started_ms END"

static void
add_filter(struct list *list, const struct job_filter *f)
{
	add(list, " WHERE 1");
	if (f->project)
		add_number(list, " AND project = ?", f->project);
	add_states(list, f->states);
	if (f->reasons)
		add_words(list, " AND reason IN", COLUMN_JOB_REASON, f->reasons);
	for (size_t i = 0; i < f->n_tags; i++)
		add_text(list, " AND ? IN (SELECT value FROM json_each(tags))",
			str_of(f->tags[i]));
	if (f->name)
		add_text(list, " AND name = ?", str_of(f->name));
	if (f->name_contains)
		add_text(list, " AND instr(lower(name), lower(?)) > 0",
			str_of(f->name_contains));
	if (!uuid_is_zero(&f->template_id.u))
		add_id(list, " AND template = ?", &f->template_id.u);
	if (f->queue)
		add_number(list, " AND queue = ?", f->queue);
	if (!uuid_is_zero(&f->parent.u))
		add_id(list, " AND parent = ?", &f->parent.u);
	/* The first half says to the planner that the index has them all. */
	if (f->schedule)
		add_number(list, " AND schedule <> 0 AND schedule = ?", f->schedule);
	if (f->is_flow)
		add(list, " AND flow IS NOT NULL");
	if (f->kind)
		add_text(list,
			" AND instr(',' || coalesce(kinds, kind) || ',', ',' || ? || ',') > 0",
			str_of(f->kind));
	if (f->created_after_ms)
		add_number(list, " AND created_ms >= ?", f->created_after_ms);
	if (f->created_before_ms)
		add_number(list, " AND created_ms < ?", f->created_before_ms);
	if (f->completed_after_ms)
		add_number(list, " AND completed_ms >= ?", f->completed_after_ms);
	if (f->completed_before_ms)
		add_number(list, " AND completed_ms > 0 AND completed_ms < ?",
			f->completed_before_ms);
	if (f->min_run_ms) {
		add_number(list, " AND " RUN_MS, f->now_ms);
		add_number(list, " >= ?", f->min_run_ms);
	}
}

/* The expression that a list is sorted by; NULL: by seq alone. */
static const char *
sort_key(enum job_sort sort)
{
	switch (sort) {
	case JOB_SORT_UPDATED:
		return "updated_ms";
	case JOB_SORT_COMPLETED:
		return "completed_ms";
	case JOB_SORT_PRIORITY:
		return "priority";
	case JOB_SORT_NAME:
		return "coalesce(name, '')";
	case JOB_SORT_DURATION:
		return "(" RUN_MS ")";
	case JOB_SORT_CREATED:
	case JOB_SORT_COUNT:
		break;
	}
	return NULL;
}

static void
add_sort_key(struct list *list, enum job_sort sort, int64_t now_ms)
{
	if (sort == JOB_SORT_DURATION)
		add_number(list, sort_key(sort), now_ms);
	else
		add(list, sort_key(sort));
}

static void
add_after(struct list *list, const struct job_filter *filter, const struct job_cursor *cursor)
{
	const char *beyond = filter->descending ? " < " : " > ";
	add(list, " AND (");
	if (sort_key(filter->sort)) {
		add(list, "(");
		add_sort_key(list, filter->sort, cursor->now_ms);
		add(list, ", seq)");
		add(list, beyond);
		if (filter->sort == JOB_SORT_NAME)
			add_text(list, "(?, ", cursor->text);
		else
			add_number(list, "(?, ", cursor->number);
	} else {
		add(list, "seq");
		add(list, beyond);
		add(list, "(");
	}
	add_number(list, "?))", cursor->seq);
}

static void
add_order(struct list *list, const struct job_filter *filter, int64_t now_ms)
{
	const char *direction = filter->descending ? " DESC" : " ASC";
	add(list, " ORDER BY ");
	if (sort_key(filter->sort)) {
		add_sort_key(list, filter->sort, now_ms);
		add(list, direction);
		add(list, ", ");
	}
	add(list, "seq");
	add(list, direction);
	/* One more than the page tells whether there is another. */
	add_number(list, " LIMIT ?", (int64_t)filter->limit + 1);
}

static sqlite3_stmt *
prepare(struct sqlite_db *db, struct list *list, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	if (list->failed) {
		err_set(err, ERR_LIMIT, "the filter has too many values");
		return NULL;
	}
	if (sqlite3_prepare_v2(db->handle, list->text.data, (int)list->text.len + 1, &stmt,
		    NULL) != SQLITE_OK) {
		sqlite_db_err(db, err);
		return NULL;
	}
	for (int i = 0; i < list->n_params; i++) {
		const struct param *param = &list->param[i];
		if (param->kind == PARAM_TEXT)
			sql_bind_str(stmt, i + 1, param->text);
		else if (param->kind == PARAM_BYTES)
			sql_bind_bytes(stmt, i + 1, param->text.p, param->text.n);
		else
			sql_bind_i64(stmt, i + 1, param->number);
	}
	return stmt;
}

static void
finalizep(sqlite3_stmt **slot)
{
	(void)sqlite3_finalize(*slot);
}

static void
list_deinit(struct list *list)
{
	buf_deinit(&list->text);
}

static int
count_total(
	struct sqlite_db *db, const struct job_filter *filter, int64_t *ret, struct err *err)
{
	_cleanup_(list_deinit) struct list list = { .text = BUF_INIT(LIST_BYTES_MAX) };
	add(&list, "SELECT count(*) FROM job");
	add_filter(&list, filter);
	_cleanup_(finalizep) sqlite3_stmt *stmt = prepare(db, &list, err);
	if (!stmt || sql_step(db, stmt, err) < 0)
		return -1;
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}

static int
find_page(struct sqlite_db *db, const struct job_filter *filter,
	const struct job_cursor *cursor, int64_t now_ms, int64_t *ret_seqs, size_t *ret_n,
	struct err *err)
{
	_cleanup_(list_deinit) struct list list = { .text = BUF_INIT(LIST_BYTES_MAX) };
	add(&list, "SELECT seq FROM job");
	add_filter(&list, filter);
	if (cursor)
		add_after(&list, filter, cursor);
	add_order(&list, filter, now_ms);
	_cleanup_(finalizep) sqlite3_stmt *stmt = prepare(db, &list, err);
	if (!stmt)
		return -1;

	int rc;
	size_t n = 0;
	while ((rc = sql_step(db, stmt, err)) > 0)
		ret_seqs[n++] = sqlite3_column_int64(stmt, 0);
	*ret_n = n;
	return rc;
}

static int
load_page(struct sqlite_db *db, const int64_t *seqs, size_t n, struct arena *arena,
	struct job ***ret, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_JOB_BRIEF, err);
	struct job **jobs = arena_calloc(arena, n > 0 ? n : 1, sizeof *jobs);
	if (!stmt)
		return -1;
	if (!jobs)
		return err_set(err, ERR_LIMIT, "more rows than the memory of one request");
	for (size_t i = 0; i < n; i++) {
		sql_bind_i64(stmt, 1, seqs[i]);
		if (sql_step(db, stmt, err) < 0 ||
			fetch_row(stmt, &job_brief_table, arena, &jobs[i], err) < 0)
			return -1;
		if (sqlite3_column_int(stmt, (int)job_brief_table.n_columns))
			jobs[i]->layout = "";
		(void)sqlite3_reset(stmt);
	}
	*ret = jobs;
	return 0;
}

int
sqlite_list_jobs(struct store_reader *reader, const struct job_filter *filter,
	struct arena *arena, struct job_page *ret, struct err *err)
{
	struct sqlite_db *db = &container_of(reader, struct sqlite_reader, reader)->db;
	struct job_cursor cursor;
	bool has_cursor = filter->cursor.n > 0;
	if (has_cursor && cursor_read(filter, arena, &cursor, err) < 0)
		return -1;
	int64_t now_ms = has_cursor ? cursor.now_ms : filter->now_ms;

	struct job_page page = { .total = -1 };
	size_t n;
	int64_t *seqs = arena_calloc(arena, filter->limit + 1, sizeof *seqs);
	if (!seqs)
		return err_set(err, ERR_LIMIT, "the page is too long");
	if (find_page(db, filter, has_cursor ? &cursor : NULL, now_ms, seqs, &n, err) < 0)
		return -1;
	page.n = n < filter->limit ? n : filter->limit;
	if (load_page(db, seqs, page.n, arena, &page.items, err) < 0)
		return -1;
	if (filter->count && count_total(db, filter, &page.total, err) < 0)
		return -1;

	if (n > filter->limit) {
		cursor_of_job(&cursor, page.items[page.n - 1], filter->sort, now_ms);
		page.next_cursor = cursor_write(&cursor, filter, arena);
		if (!page.next_cursor)
			return err_set(err, ERR_LIMIT, "no room for the cursor");
	}
	*ret = page;
	return 0;
}
