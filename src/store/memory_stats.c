/* SPDX-License-Identifier: Apache-2.0 */
/* Figures in memory: every row is looked at. There is no backlog: nothing here is older than
 * the program. */
#include <string.h>

#include "store/memory.h"

/* ---- the turn ---- */

/* NULL: there is none. `key` is the first column of the table. */
static void *
find_key(const struct rows *rows, int64_t key)
{
	for (size_t i = 0; i < rows->n; i++) {
		int64_t own;

		memcpy(&own, (const char *)rows->item[i] + rows->table->columns[0].offset,
			sizeof own);
		if (own == key)
			return rows->item[i];
	}
	return NULL;
}

static int
name_unit(const struct memory_db *db, struct stat_unit *unit, struct arena *arena)
{
	for (size_t i = 0; i < db->tests.n && !unit->name; i++) {
		const struct job_test *test = db->tests.item[i];

		if (test->job_seq != unit->run->job_seq || test->index != unit->run->test)
			continue;
		unit->name = arena_strdup(arena, test->name);
		unit->kind = arena_strdup(arena, test->kind ? test->kind : "");
		if (!unit->name || !unit->kind)
			return -1;
	}
	return 0;
}

int
memory_load_units(struct store *store, struct stat_unit *units, size_t n, struct arena *arena,
	struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));

	for (size_t i = 0; i < n; i++) {
		if (name_unit(db, &units[i], arena) < 0)
			return memory_no_room(err);
		const struct known_test *known = units[i].name && units[i].is_unit
			? find_key(&db->known_tests,
				  stats_test_key(units[i].run->project, units[i].name))
			: NULL;
		const struct known_test *copy =
			known ? row_copy(&known_test_table, known, arena) : NULL;

		if (known && !copy)
			return memory_no_room(err);
		if (copy)
			units[i].known = *copy;
	}
	return 0;
}

int
memory_load_backlog(
	struct store *store, size_t max, struct uow *uow, size_t *ret, struct err *err)
{
	(void)store;
	(void)max;
	(void)uow;
	(void)err;
	*ret = 0;
	return 0;
}

int
memory_purge_hours(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	size_t n = 0;
	(void)err;
	for (size_t i = db->stats.n; i-- > 0 && n < max;) {
		const struct stat_cell *cell = db->stats.item[i];

		if (cell->scale != STAT_HOUR || cell->at_ms >= before_ms)
			continue;
		rows_remove(&db->stats, i);
		n++;
	}
	return max > 0 && n == max ? STORE_MORE : 0;
}

/* The same key: every column that is written once. */
static bool
is_same_cell(const struct stat_cell *a, const struct stat_cell *b)
{
	return a->project == b->project && a->subject == b->subject && a->scale == b->scale &&
		a->at_ms == b->at_ms && a->queue == b->queue && a->schedule == b->schedule &&
		strcmp(a->name, b->name) == 0 && strcmp(a->kind, b->kind) == 0 &&
		strcmp(a->tmpl, b->tmpl) == 0 && strcmp(a->tag, b->tag) == 0 &&
		strcmp(a->team, b->team) == 0 && strcmp(a->state, b->state) == 0 &&
		strcmp(a->reason, b->reason) == 0;
}

/* Cells are kept in order of their time. */
static void
add_cell(struct memory_db *db, const struct stat_cell *cell, struct arena *arena)
{
	for (size_t i = 0; i < db->stats.n; i++) {
		struct stat_cell *old = db->stats.item[i];

		if (!is_same_cell(old, cell))
			continue;
		struct stat_cell sum = *old;

		stat_cell_add(&sum, cell, arena);
		rows_replace(&db->stats, i, &sum);
		return;
	}
	rows_add(&db->stats, cell);
}

static void
put_known(struct memory_db *db, const struct known_test *known)
{
	for (size_t i = 0; i < db->known_tests.n; i++) {
		const struct known_test *old = db->known_tests.item[i];

		if (old->key != known->key)
			continue;
		struct known_test row = *known;

		row.first_ms = old->first_ms;
		rows_replace(&db->known_tests, i, &row);
		return;
	}
	rows_add(&db->known_tests, known);
}

static void
add_class(struct memory_db *db, const struct error_class *class)
{
	for (size_t i = 0; i < db->error_classes.n; i++) {
		const struct error_class *old = db->error_classes.item[i];

		if (old->key != class->key)
			continue;
		struct error_class row = *class;

		row.text = old->text;
		row.sample = old->sample;
		row.first_ms = old->first_ms;
		row.n += old->n;
		rows_replace(&db->error_classes, i, &row);
		return;
	}
	rows_add(&db->error_classes, class);
}

void
memory_save_stats(struct memory_db *db, const struct uow *uow)
{
	for (size_t i = 0; i < uow->stats.n; i++)
		add_cell(db, uow->stats.item[i], uow->arena);
	for (size_t i = 0; i < uow->known_tests.n; i++)
		put_known(db, uow->known_tests.item[i]);
	for (size_t i = 0; i < uow->error_classes.n; i++)
		add_class(db, uow->error_classes.item[i]);
}

/* ---- reading ---- */

static struct memory_db *
db_of(struct store_reader *reader)
{
	return container_of(reader, struct memory_reader, reader)->db;
}

static bool
is_text(const char *wanted, const char *text)
{
	return !wanted || strcmp(wanted, text) == 0;
}

static bool
has_tag(const struct stat_cell *cell, const struct stat_filter *f)
{
	if (f->tag)
		return strcmp(f->tag, cell->tag) == 0;
	return f->by_tag == (*cell->tag != '\0');
}

static bool
cell_matches(const struct stat_cell *cell, const struct stat_filter *f)
{
	return cell->project == f->project && cell->subject == (int32_t)f->subject &&
		cell->scale == (int32_t)f->scale && cell->at_ms >= f->from_ms &&
		cell->at_ms < f->to_ms && is_text(f->name, cell->name) &&
		is_text(f->kind, cell->kind) && is_text(f->tmpl, cell->tmpl) &&
		has_tag(cell, f) && is_text(f->team, cell->team) &&
		(f->queue == 0 || f->queue == cell->queue) &&
		(f->schedule == 0 || f->schedule == cell->schedule);
}

/* The first cell of the next time after *at_ms; false: there is none. */
static bool
next_time(const struct memory_db *db, const struct stat_filter *filter, int64_t *at_ms)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < db->stats.n; i++) {
		const struct stat_cell *cell = db->stats.item[i];

		if (cell->at_ms > *at_ms && cell->at_ms < next && cell_matches(cell, filter))
			next = cell->at_ms;
	}
	*at_ms = next;
	return next < INT64_MAX;
}

int
memory_stat_cells(struct store_reader *reader, const struct stat_filter *filter,
	stat_visit_fn *visit, void *arg, struct err *err)
{
	const struct memory_db *db = db_of(reader);

	for (int64_t at = INT64_MIN; next_time(db, filter, &at);) {
		for (size_t i = 0; i < db->stats.n; i++) {
			const struct stat_cell *cell = db->stats.item[i];

			if (cell->at_ms == at && cell_matches(cell, filter) &&
				visit(arg, cell, err) < 0)
				return -1;
		}
	}
	return 0;
}

static bool
is_of_history(const struct run *run, const struct history_filter *filter)
{
	int64_t before = filter->before_seq > 0 ? filter->before_seq : INT64_MAX;

	if (run->seq >= before)
		return false;
	return filter->test_key != 0 ? run->test_key == filter->test_key
				     : run->error_class == filter->error_class;
}

int
memory_history(struct store_reader *reader, const struct history_filter *filter,
	struct arena *arena, struct history_item **ret, size_t *ret_n, struct err *err)
{
	const struct memory_db *db = db_of(reader);
	UOW_ARRAY(struct history_item) items = { 0 };

	for (size_t i = db->runs.n; i > 0 && items.n < filter->limit; i--) {
		const struct run *run = db->runs.item[i - 1];
		struct history_item item = { 0 };

		if (!is_of_history(run, filter) || memory_is_staged(db, run->job_seq))
			continue;
		const struct job *job = memory_job(db, run->job_seq);

		item.run = row_copy(&run_table, run, arena);
		if (!item.run)
			return memory_no_room(err);
		if (job) {
			item.job = job->id;
			item.job_name = arena_strdup(arena, job->name);
		}
		UOW_PUSH_IN(arena, &items, item);
	}
	*ret = items.item;
	*ret_n = items.n;
	return 0;
}

static int
row_by_key(
	const struct rows *rows, int64_t key, struct arena *arena, void *ret, struct err *err)
{
	const void *row = find_key(rows, key);
	if (!row)
		return STORE_NONE;
	void *copy = row_copy(rows->table, row, arena);
	if (!copy)
		return memory_no_room(err);
	memcpy(ret, &copy, sizeof copy);
	return 0;
}

int
memory_known_test(struct store_reader *reader, int64_t key, struct arena *arena,
	struct known_test **ret, struct err *err)
{
	return row_by_key(&db_of(reader)->known_tests, key, arena, ret, err);
}

int
memory_error_class(struct store_reader *reader, int64_t key, struct arena *arena,
	struct error_class **ret, struct err *err)
{
	return row_by_key(&db_of(reader)->error_classes, key, arena, ret, err);
}

int
memory_job_counts(struct store_reader *reader, int64_t project,
	int64_t ret_jobs[JOB_STATE_COUNT], int64_t *ret_backlog, struct err *err)
{
	const struct rows *jobs = &db_of(reader)->jobs;

	(void)err;
	memset(ret_jobs, 0, JOB_STATE_COUNT * sizeof *ret_jobs);
	for (size_t i = 0; i < jobs->n; i++) {
		const struct job *job = jobs->item[i];

		if (project == 0 || job->project == project)
			ret_jobs[job->state]++;
	}
	*ret_backlog = 0;
	return 0;
}
