/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of jobs. The condition is put together from fixed fragments, each with at most one
 * bound value; no value is ever part of the text. Statements find the keys of one page, then
 * each row is read by its key, so that sorting a large list moves keys and not rows.
 *
 * A list has two halves that are merged: jobs that are open, of which there are few or which
 * stand in the wanted order anyway, and those that ended, of which there may be millions. Of
 * these either a filter leaves few (a probe counts up to PROBE_MAX in its index), which are
 * then sorted; or all are walked through in the order of the list, and what matches is met soon
 * because it is not rare. SQLite's own planner cannot know which, so each statement names its
 * index.
 */
#include "store/sqlite.h"

#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "store/cursor.h"

enum {
	LIST_BYTES_MAX = 32768,
	PROBE_MAX = 8000,       /* fewer matches are sorted, more are walked to */
	SPAN_PROBE_MAX = 50000, /* the same of a span of time, whose jobs stand together */
	NAMES_WALKED = 10000,   /* different names that a search looks at in the index */
	/* Tags, states and reasons of a filter, two dozen others, the cursor. */
	LIST_PARAMS_MAX = FILTER_VALUES_MAX + JOB_STATE_COUNT * 2 + JOB_REASON_COUNT + 40,
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

/* The same of ended ones, as their index has it. */
#define ENDED_RUN_MS "iif(started_ms = 0, 0, completed_ms - started_ms)"

/* "Unlikely" makes it the beginning of a walk, instead of the index's "completed_ms > 0". */
static void
add_completed_after(struct list *list, const struct job_filter *f)
{
	if (f->completed_after_ms)
		add_number(list, " AND unlikely(completed_ms >= ?)", f->completed_after_ms);
}

/* `states` stand for those of the filter, which is kept until the statement has run. */
static void
add_filter(struct list *list, const struct job_filter *f, uint32_t states, bool with_search)
{
	if (f->project)
		add_number(list, " AND project = ?", f->project);
	add_states(list, states);
	if (f->reasons)
		add_words(list, " AND reason IN", COLUMN_JOB_REASON, f->reasons);
	for (size_t i = 0; i < f->n_tags; i++)
		add_text(list, " AND ? IN (SELECT value FROM json_each(tags))",
			str_of(f->tags[i]));
	if (f->name)
		add_text(list, " AND coalesce(name, '') = ?", str_of(f->name));
	if (f->name_contains && with_search)
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
	/* The first half is in the index; rows are read only of jobs of mixed kinds. */
	if (f->kind) {
		add_text(list, " AND (coalesce(kind, '') = ?", str_of(f->kind));
		add_text(list, " OR instr(',' || kinds || ',', ',' || ? || ',') > 0)",
			str_of(f->kind));
	}
	if (f->created_after_ms)
		add_number(list, " AND created_ms >= ?", f->created_after_ms);
	if (f->created_before_ms)
		add_number(list, " AND created_ms < ?", f->created_before_ms);
	add_completed_after(list, f);
	if (f->completed_before_ms)
		add_number(list, " AND completed_ms > 0 AND completed_ms < ?",
			f->completed_before_ms);
}

/* Milliseconds that a job ran at least: the two halves have it in different forms. */
static void
add_min_run(struct list *list, const struct job_filter *f, bool ended)
{
	if (!f->min_run_ms)
		return;
	if (!ended)
		add_number(list, " AND " RUN_MS, f->now_ms);
	add_number(list, ended ? " AND " ENDED_RUN_MS " >= ?" : " >= ?", f->min_run_ms);
}

/* The expression that a list is sorted by; then by seq. */
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
	return "created_ms";
}

/* What of the jobs a statement is about, and the index that it uses. */
struct half {
	bool ended;
	const char *index; /* NULL: what the planner likes */
	bool by_tag;       /* through the table of tags */
	bool by_name;      /* through the names that a search found */
	struct str names;  /* JSON array of them; p NULL: too many to know */
	size_t n_names;
};

static bool
is_index(const struct half *half, const char *name)
{
	return half->index && strcmp(half->index, name) == 0;
}

static void
add_sort_key(struct list *list, const struct half *half, enum job_sort sort, int64_t now_ms)
{
	if (sort != JOB_SORT_DURATION)
		add(list, sort_key(sort));
	else if (half->ended)
		add(list, ENDED_RUN_MS);
	else
		add_number(list, sort_key(sort), now_ms);
}

static void
add_after(struct list *list, const struct half *half, const struct job_filter *filter,
	const struct job_cursor *cursor)
{
	add(list, " AND (");
	add_sort_key(list, half, filter->sort, cursor->now_ms);
	add(list, filter->descending ? ", seq) < (?, " : ", seq) > (?, ");
	if (filter->sort == JOB_SORT_NAME)
		add_param(list, (struct param) { .kind = PARAM_TEXT, .text = cursor->text });
	else
		add_param(list, (struct param) { .number = cursor->number });
	add_number(list, "?)", cursor->seq);
}

static void
add_order(struct list *list, const struct half *half, const struct job_filter *filter,
	int64_t now_ms)
{
	const char *direction = filter->descending ? " DESC" : " ASC";
	add(list, " ORDER BY ");
	add_sort_key(list, half, filter->sort, now_ms);
	add(list, direction);
	add(list, ", seq");
	add(list, direction);
	/* One more than the page tells whether there is another. */
	add_number(list, " LIMIT ?", (int64_t)filter->limit + 1);
}

/* " FROM job … WHERE completed_ms …" */
static void
add_from(struct list *list, const struct half *half)
{
	add(list, " FROM job");
	if (half->by_tag) {
		add(list, " NOT INDEXED"); /* by seq, as the tags say */
	} else if (half->index) {
		add(list, " INDEXED BY ");
		add(list, half->index);
	}
	/* Those states are final: the index says enough, no row need be read for it. */
	if (is_index(half, "job_notable"))
		add(list, " WHERE true");
	else
		add(list, half->ended ? " WHERE completed_ms > 0" : " WHERE completed_ms = 0");
}

/* The names that a search found, instead of the search. */
static void
add_names(struct list *list, const struct half *half)
{
	add_text(list, " AND coalesce(name, '') IN (SELECT value FROM json_each(?))",
		half->names);
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

/* ---- ways to the jobs that ended ---- */

enum {
	FINAL_STATES =
		1u << JOB_COMPLETED | 1u << JOB_FAILED | 1u << JOB_STOPPED | 1u << JOB_INVALID
};

#define FAILED_STATES (FINAL_STATES & ~(1u << JOB_COMPLETED))

/* The condition of one filter alone, for a probe; false: the filter is not there. */
typedef bool add_fn(struct list *list, const struct job_filter *f);

static bool
add_one_name(struct list *list, const struct job_filter *f)
{
	if (f->name)
		add_text(list, " AND coalesce(name, '') = ?", str_of(f->name));
	return f->name;
}

static bool
add_one_template(struct list *list, const struct job_filter *f)
{
	bool is_there = !uuid_is_zero(&f->template_id.u);
	if (is_there)
		add_id(list, " AND template IS NOT NULL AND template = ?", &f->template_id.u);
	return is_there;
}

/* Only completed jobs have passed. */
static uint32_t
states_of_reasons(const struct job_filter *f)
{
	uint32_t states = f->states ? f->states & FINAL_STATES : FINAL_STATES;
	if (f->reasons && !(f->reasons & 1u << JOB_REASON_PASSED))
		states &= ~(1u << JOB_COMPLETED);
	return states;
}

static bool
add_one_state(struct list *list, const struct job_filter *f)
{
	uint32_t states = states_of_reasons(f);
	if (states == 0 || states & 1u << JOB_COMPLETED)
		return false;
	add_states(list, states);
	if (f->reasons)
		add_words(list, " AND reason IN", COLUMN_JOB_REASON, f->reasons);
	return true;
}

static bool
add_one_queue(struct list *list, const struct job_filter *f)
{
	if (f->queue)
		add_number(list, " AND queue = ?", f->queue);
	return f->queue;
}

/* Jobs of mixed kinds have none of their own. */
static bool
add_one_kind(struct list *list, const struct job_filter *f)
{
	if (f->kind)
		add_text(list, " AND coalesce(kind, '') IN ('', ?)", str_of(f->kind));
	return f->kind;
}

static bool
add_one_created(struct list *list, const struct job_filter *f)
{
	if (f->created_after_ms)
		add_number(list, " AND created_ms >= ?", f->created_after_ms);
	if (f->created_before_ms)
		add_number(list, " AND created_ms < ?", f->created_before_ms);
	return f->created_after_ms || f->created_before_ms;
}

static bool
add_one_completed(struct list *list, const struct job_filter *f)
{
	add_completed_after(list, f);
	if (f->completed_before_ms)
		add_number(list, " AND completed_ms < ?", f->completed_before_ms);
	return f->completed_after_ms || f->completed_before_ms;
}

static bool
add_one_run(struct list *list, const struct job_filter *f)
{
	if (f->min_run_ms)
		add_number(list, " AND " ENDED_RUN_MS " >= ?", f->min_run_ms);
	return f->min_run_ms;
}

static const struct way {
	const char *index;
	add_fn *add;
	int64_t n_max;
} ways[] = {
	{ "job_ended_name", add_one_name, PROBE_MAX },
	{ "job_ended_template", add_one_template, PROBE_MAX },
	{ "job_notable", add_one_state, PROBE_MAX },
	{ "job_ended_queue", add_one_queue, PROBE_MAX },
	{ "job_ended_kind", add_one_kind, PROBE_MAX },
	{ "job_ended_created", add_one_created, SPAN_PROBE_MAX },
	{ "job_ended_completed", add_one_completed, SPAN_PROBE_MAX },
	{ "job_ended_run", add_one_run, PROBE_MAX },
};

static const char *const walks[JOB_SORT_COUNT] = {
	[JOB_SORT_CREATED] = "job_ended_created",
	[JOB_SORT_UPDATED] = "job_ended_updated",
	[JOB_SORT_COMPLETED] = "job_ended_completed",
	[JOB_SORT_PRIORITY] = "job_ended_priority",
	[JOB_SORT_NAME] = "job_ended_name",
	[JOB_SORT_DURATION] = "job_ended_run",
};

/* A statement's first number. */
static int
list_number(struct sqlite_db *db, struct list *list, int64_t *ret, struct err *err)
{
	_cleanup_(finalizep) sqlite3_stmt *stmt = prepare(db, list, err);
	if (!stmt || sql_step(db, stmt, err) < 0)
		return -1;
	*ret = sqlite3_column_int64(stmt, 0);
	return 0;
}

/* 1: few jobs match this filter, whatever the others say; 0: many, or it is not there. */
static int
probe(struct sqlite_db *db, const struct job_filter *filter, const struct way *way,
	struct err *err)
{
	_cleanup_(list_deinit) struct list list = { .text = BUF_INIT(LIST_BYTES_MAX) };
	const struct half half = { .ended = true, .index = way->index };
	int64_t n;
	add(&list, "SELECT count(*) FROM (SELECT 1");
	add_from(&list, &half);
	add_number(&list, " AND project = ?", filter->project);
	if (!way->add(&list, filter))
		return 0;
	add_number(&list, " LIMIT ?)", way->n_max + 1);
	if (list_number(db, &list, &n, err) < 0)
		return -1;
	return n <= way->n_max;
}

/* The next name in the index after `after`; "" when there is none. */
static int
next_name(struct sqlite_db *db, int64_t project, const char *after, struct arena *arena,
	const char **ret, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_JOB_NEXT_NAME, err);
	struct str name;
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, project);
	sql_bind_text(stmt, 2, after);
	int rc = sql_step(db, stmt, err);
	*ret = "";
	if (rc <= 0)
		return rc;
	if (fetch_str(stmt, 0, arena, &name, err) < 0)
		return -1;
	*ret = name.p;
	return 0;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool
contains(const char *text, const char *part)
{
	for (; *text; text++) {
		size_t i = 0;
		while (part[i] && lower(text[i]) == lower(part[i]))
			i++;
		if (!part[i])
			return true;
	}
	return false;
}

static int
keep_names(const json_t *names, struct arena *arena, struct half *half, struct err *err)
{
	_cleanup_free_ char *text = json_dumps(names, JSON_COMPACT);
	const char *copy = text ? arena_strdup(arena, text) : NULL;
	if (!copy)
		return err_set(err, ERR_LIMIT, "more names than the memory of one request");
	half->names = str_of(copy);
	half->n_names = json_array_size(names);
	return 0;
}

/*
 * Which names a search means: there are fewer names than jobs. half->names has them all, or is
 * nothing when there are too many to look at.
 */
static int
find_names(struct sqlite_db *db, const struct job_filter *filter, struct arena *arena,
	struct half *half, struct err *err)
{
	_cleanup_(json_unrefp) json_t *names = json_array();
	const char *name = "";
	for (int i = 0; i < NAMES_WALKED; i++) {
		if (next_name(db, filter->project, name, arena, &name, err) < 0)
			return -1;
		if (!*name)
			return keep_names(names, arena, half, err);
		if (contains(name, filter->name_contains) &&
			json_array_append_new(names, json_string(name)) < 0)
			return 0; /* not UTF-8 */
	}
	return 0;
}

/* 1: few jobs have one of the names. */
static int
probe_names(struct sqlite_db *db, const struct job_filter *filter, const struct half *found,
	struct err *err)
{
	_cleanup_(list_deinit) struct list list = { .text = BUF_INIT(LIST_BYTES_MAX) };
	const struct half half = { .ended = true, .index = "job_ended_name" };
	int64_t n;
	if (found->n_names == 0)
		return 1;
	add(&list, "SELECT count(*) FROM (SELECT 1");
	add_from(&list, &half);
	add_number(&list, " AND project = ?", filter->project);
	add_names(&list, found);
	add_number(&list, " LIMIT ?)", PROBE_MAX + 1);
	if (list_number(db, &list, &n, err) < 0)
		return -1;
	return n <= PROBE_MAX;
}

/* Few jobs are sorted; in the order of names they stand in it one name after the other. */
static int
choose_names(struct sqlite_db *db, const struct job_filter *filter, struct arena *arena,
	struct half *half, struct err *err)
{
	if (find_names(db, filter, arena, half, err) < 0)
		return -1;
	if (!half->names.p)
		return 0;
	int rc = filter->sort == JOB_SORT_NAME ? 1 : probe_names(db, filter, half, err);
	half->by_name = rc == 1;
	if (half->by_name)
		half->index = "job_ended_name";
	return rc < 0 ? -1 : 0;
}

/* Few jobs with the first tag are read by it; of many the order's walk meets some soon. */
static int
choose_tag(struct sqlite_db *db, const struct job_filter *filter, struct half *half,
	struct err *err)
{
	_cleanup_(list_deinit) struct list list = { .text = BUF_INIT(LIST_BYTES_MAX) };
	int64_t n;
	if (!filter->project)
		return 0;
	add_number(&list, "SELECT count(*) FROM (SELECT 1 FROM job_tag WHERE project = ?",
		filter->project);
	add_text(&list, " AND tag = ?", str_of(filter->tags[0]));
	add_number(&list, " LIMIT ?)", PROBE_MAX + 1);
	if (list_number(db, &list, &n, err) < 0)
		return -1;
	half->by_tag = n <= PROBE_MAX;
	return 0;
}

/* Fills in how the jobs that ended are reached. */
static int
choose_way(struct sqlite_db *db, const struct job_filter *filter, struct arena *arena,
	struct half *half, struct err *err)
{
	half->index = filter->project ? walks[filter->sort] : NULL;
	if (!uuid_is_zero(&filter->parent.u))
		half->index = "job_parent";
	else if (filter->schedule)
		half->index = "job_schedule";
	else if (filter->is_flow)
		half->index = "job_flow";
	else if (filter->n_tags > 0)
		return choose_tag(db, filter, half, err);
	if (!half->index || half->index != walks[filter->sort])
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		int rc = probe(db, filter, &ways[i], err);
		if (rc < 0)
			return -1;
		if (rc == 1) {
			half->index = ways[i].index;
			return 0;
		}
	}
	return filter->name_contains ? choose_names(db, filter, arena, half, err) : 0;
}

static void
add_conditions(struct list *list, const struct half *half, const struct job_filter *filter)
{
	bool is_notable = half->ended && is_index(half, "job_notable");
	if (half->by_name)
		add_names(list, half);
	if (is_index(half, "job_ended_kind"))
		(void)add_one_kind(list, filter);
	if (is_index(half, "job_ended_template"))
		add(list, " AND template IS NOT NULL");
	if (is_index(half, "job_flow"))
		add(list, " AND flow IS NOT NULL");
	if (half->by_tag) {
		add_number(list, " AND seq IN (SELECT job FROM job_tag WHERE project = ?",
			filter->project);
		add_text(list, " AND tag = ?)", str_of(filter->tags[0]));
	}
	add_filter(list, filter, is_notable ? states_of_reasons(filter) : filter->states,
		!half->by_name);
	add_min_run(list, filter, half->ended);
}

/* False: no job of this half can be meant. */
static bool
may_have(const struct job_filter *filter, bool ended)
{
	if (!ended && (filter->completed_after_ms || filter->completed_before_ms))
		return false;
	return filter->states == 0 ||
		filter->states & (ended ? FINAL_STATES : ~(uint32_t)FINAL_STATES);
}

/* A search that found no name. */
static bool
is_empty(const struct half *half)
{
	return half->by_name && half->n_names == 0;
}

/* ---- counting ---- */

static int
count_half(struct sqlite_db *db, const struct job_filter *filter, const struct half *half,
	int64_t *ret, struct err *err)
{
	_cleanup_(list_deinit) struct list list = { .text = BUF_INIT(LIST_BYTES_MAX) };
	struct list ignored = { .text = BUF_INIT(LIST_BYTES_MAX) };
	struct half counted = *half;
	bool is_walk = half->ended && half->index && half->index == walks[filter->sort];
	/* In no order the index of a filter is better than that of the order. */
	if (is_walk && half->names.p) {
		counted.by_name = true;
		counted.index = "job_ended_name";
	}
	for (size_t i = 0; i < ARRAY_LEN(ways) && is_walk && !counted.by_name; i++) {
		if (ways[i].add(&ignored, filter)) {
			counted.index = ways[i].index;
			break;
		}
	}
	list_deinit(&ignored);
	add(&list, "SELECT count(*)");
	add_from(&list, &counted);
	add_conditions(&list, &counted, filter);
	return list_number(db, &list, ret, err);
}

/* True when only project, states, reasons and tags are asked for. */
static bool
is_plain(const struct job_filter *f)
{
	bool has_time = f->created_after_ms || f->created_before_ms || f->completed_after_ms ||
		f->completed_before_ms || f->min_run_ms;
	bool has_word = f->name || f->name_contains || f->kind;
	bool has_key = f->queue || f->schedule || f->is_flow ||
		!uuid_is_zero(&f->template_id.u) || !uuid_is_zero(&f->parent.u);
	return f->project && !has_time && !has_word && !has_key;
}

static int
count_kept(
	struct sqlite_db *db, int64_t project, uint32_t states, int64_t *ret, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_COUNTS_OF, err);
	int rc;
	if (!stmt)
		return -1;
	*ret = 0;
	sql_bind_i64(stmt, 1, project);
	while ((rc = sql_step(db, stmt, err)) > 0) {
		enum job_state state;
		const char *word = (const char *)sqlite3_column_text(stmt, 0);
		if (!word || job_state_parse(word, &state) < 0)
			return err_set(err, ERR_CORRUPT, "a count is of no known state");
		if (states == 0 || states & 1u << state)
			*ret += sqlite3_column_int64(stmt, 1);
	}
	return rc;
}

/* Jobs with a tag that ended, whatever else they are. */
static int
count_tag(struct sqlite_db *db, const struct job_filter *filter, int64_t *ret, struct err *err)
{
	_cleanup_(list_deinit) struct list list = { .text = BUF_INIT(LIST_BYTES_MAX) };
	add_number(&list, "SELECT count(*) FROM job_tag WHERE project = ?", filter->project);
	add_text(&list, " AND tag = ?", str_of(filter->tags[0]));
	return list_number(db, &list, ret, err);
}

/* Jobs that ended; 0: there is no short way to their number, 1: *ret has it. */
static int
count_ended_kept(
	struct sqlite_db *db, const struct job_filter *filter, int64_t *ret, struct err *err)
{
	bool has_passed = filter->reasons == 1u << JOB_REASON_PASSED &&
		(filter->states == 0 || filter->states & 1u << JOB_COMPLETED);
	if (!is_plain(filter))
		return 0;
	/* Those and no others are completed. */
	if (has_passed && filter->n_tags == 0)
		return count_kept(db, filter->project, 1u << JOB_COMPLETED, ret, err) < 0 ? -1
											  : 1;
	if (filter->n_tags == 1 && filter->states == 0 && filter->reasons == 0)
		return count_tag(db, filter, ret, err) < 0 ? -1 : 1;
	return 0;
}

static int
count_total(struct sqlite_db *db, const struct job_filter *filter, const struct half *open,
	const struct half *ended, int64_t *ret, struct err *err)
{
	int64_t n_open = 0, n_ended = 0;
	if (is_plain(filter) && filter->n_tags == 0 && filter->reasons == 0)
		return count_kept(db, filter->project, filter->states, ret, err);
	if (may_have(filter, false) && count_half(db, filter, open, &n_open, err) < 0)
		return -1;
	int rc = count_ended_kept(db, filter, &n_ended, err);
	if (rc == 0 && may_have(filter, true) && !is_empty(ended))
		rc = count_half(db, filter, ended, &n_ended, err);
	*ret = n_open + n_ended;
	return rc < 0 ? -1 : 0;
}

/* ---- a page ---- */

/* A job of a half, with what it is sorted by. */
struct place {
	int64_t seq, number;
	struct str text;
};

static int
find_half(struct sqlite_db *db, const struct job_filter *filter, const struct half *half,
	const struct job_cursor *cursor, int64_t now_ms, struct arena *arena, struct place *ret,
	size_t *ret_n, struct err *err)
{
	_cleanup_(list_deinit) struct list list = { .text = BUF_INIT(LIST_BYTES_MAX) };
	add(&list, "SELECT seq, ");
	add_sort_key(&list, half, filter->sort, now_ms);
	add_from(&list, half);
	add_conditions(&list, half, filter);
	if (cursor)
		add_after(&list, half, filter, cursor);
	add_order(&list, half, filter, now_ms);
	_cleanup_(finalizep) sqlite3_stmt *stmt = prepare(db, &list, err);
	if (!stmt)
		return -1;

	int rc;
	size_t n = 0;
	while ((rc = sql_step(db, stmt, err)) > 0) {
		struct place *place = &ret[n++];
		place->seq = sqlite3_column_int64(stmt, 0);
		if (filter->sort != JOB_SORT_NAME)
			place->number = sqlite3_column_int64(stmt, 1);
		else if (fetch_str(stmt, 1, arena, &place->text, err) < 0)
			return -1;
	}
	*ret_n = n;
	return rc;
}

static bool
comes_first(const struct place *a, const struct place *b, bool descending)
{
	int order = (a->number > b->number) - (a->number < b->number);
	if (order == 0)
		order = str_cmp(a->text, b->text);
	if (order == 0)
		order = (a->seq > b->seq) - (a->seq < b->seq);
	return descending ? order > 0 : order < 0;
}

/* The first keys of both halves; one more than the page when there are more. */
static int
find_page(struct sqlite_db *db, const struct job_filter *filter, const struct half *open,
	const struct half *ended, const struct job_cursor *cursor, int64_t now_ms,
	struct arena *arena, int64_t *ret_seqs, size_t *ret_n, struct err *err)
{
	size_t max = filter->limit + 1, n_open = 0, n_ended = 0, n = 0;
	struct place *a = arena_calloc(arena, max, sizeof *a);
	struct place *b = arena_calloc(arena, max, sizeof *b);
	if (!a || !b)
		return err_set(err, ERR_LIMIT, "the page is too long");
	if (may_have(filter, false) &&
		find_half(db, filter, open, cursor, now_ms, arena, a, &n_open, err) < 0)
		return -1;
	if (may_have(filter, true) && !is_empty(ended) &&
		find_half(db, filter, ended, cursor, now_ms, arena, b, &n_ended, err) < 0)
		return -1;
	for (size_t i = 0, k = 0; n < max && (i < n_open || k < n_ended);) {
		bool from_open = k == n_ended ||
			(i < n_open && comes_first(&a[i], &b[k], filter->descending));
		ret_seqs[n++] = from_open ? a[i++].seq : b[k++].seq;
	}
	*ret_n = n;
	return 0;
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
	size_t n = 0;
	int64_t *seqs = arena_calloc(arena, filter->limit + 1, sizeof *seqs);
	if (!seqs)
		return err_set(err, ERR_LIMIT, "the page is too long");
	struct half open = { .index = filter->project ? "job_open" : NULL };
	struct half ended = { .ended = true };
	if (choose_way(db, filter, arena, &ended, err) < 0 ||
		find_page(db, filter, &open, &ended, has_cursor ? &cursor : NULL, now_ms, arena,
			seqs, &n, err) < 0)
		return -1;
	page.n = n < filter->limit ? n : filter->limit;
	if (load_page(db, seqs, page.n, arena, &page.items, err) < 0)
		return -1;
	if (filter->count && count_total(db, filter, &open, &ended, &page.total, err) < 0)
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
