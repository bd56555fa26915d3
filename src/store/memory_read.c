/* SPDX-License-Identifier: Apache-2.0 */
/* The reading side in memory: a reader holds the lock while it reads, and looks at every row.
 */
#include "store/memory.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "store/cursor.h"

/* Rows chosen for an answer; the array is the arena's, the rows are the database's. */
struct chosen {
	struct arena *arena;
	UOW_ARRAY(const void *) rows;
};

static struct memory_db *
db_of(struct store_reader *reader)
{
	return container_of(reader, struct memory_reader, reader)->db;
}

static void
choose(struct chosen *chosen, const void *row)
{
	UOW_PUSH_IN(chosen->arena, &chosen->rows, row);
}

static void
sort_chosen(struct chosen *chosen, int (*order)(const void *, const void *))
{
	if (chosen->rows.n > 1)
		qsort(chosen->rows.item, chosen->rows.n, sizeof *chosen->rows.item, order);
}

/* Copies at most `limit` of them as an array of structs; ret: address of a pointer to the
 * struct. */
static int
answer(const struct chosen *chosen, const struct table *table, size_t limit, void *ret,
	size_t *ret_n, struct err *err)
{
	size_t n = chosen->rows.n < limit ? chosen->rows.n : limit;
	char *all = arena_calloc(chosen->arena, n > 0 ? n : 1, table->row_bytes);
	if (!all)
		return memory_no_room(err);
	for (size_t i = 0; i < n; i++) {
		const void *copy = row_copy(table, chosen->rows.item[i], chosen->arena);
		if (!copy)
			return memory_no_room(err);
		memcpy(all + i * table->row_bytes, copy, table->row_bytes);
	}
	memcpy(ret, &all, sizeof all);
	*ret_n = n;
	return 0;
}

static int
answer_one(const void *row, const struct table *table, struct arena *arena, void *ret,
	struct err *err)
{
	if (!row)
		return STORE_NONE;
	void *copy = row_copy(table, row, arena);
	if (!copy)
		return memory_no_room(err);
	memcpy(ret, &copy, sizeof copy);
	return 0;
}

static int
answer_text(const char *text, size_t len, struct arena *arena, struct str *ret, struct err *err)
{
	const char *copy = arena_strndup(arena, text, len);
	if (!copy)
		return memory_no_room(err);
	*ret = str_from(copy, len);
	return 0;
}

static struct store_reader *
reader_close(struct store_reader *reader)
{
	/* The handle of the store keeps the database. */
	free(container_of(reader, struct memory_reader, reader));
	return NULL;
}

static int
reader_begin(struct store_reader *reader, struct err *err)
{
	(void)err;
	(void)memory_lock(db_of(reader));
	return 0;
}

static void
reader_end(struct store_reader *reader)
{
	struct memory_db *db = db_of(reader);
	memory_unlockp(&db);
}

/* ---- lists of jobs ---- */

static char
ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool
contains_nocase(const char *text, const char *part)
{
	struct str wanted = str_of(part);
	for (struct str rest = str_of(text); rest.n >= wanted.n; rest.p++, rest.n--) {
		size_t i = 0;
		while (i < wanted.n && ascii_lower(rest.p[i]) == ascii_lower(wanted.p[i]))
			i++;
		if (i == wanted.n)
			return true;
		if (rest.n == 0)
			break;
	}
	return false;
}

static bool
array_has(const json_t *array, const char *wanted)
{
	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *tag = json_string_value(json_array_get(array, i));
		if (tag && strcmp(tag, wanted) == 0)
			return true;
	}
	return false;
}

static bool
has_tags(const char *tags, const char *const *wanted, size_t n)
{
	if (n == 0)
		return true;
	_cleanup_(json_unrefp) json_t *array = tags ? json_loads(tags, 0, NULL) : NULL;
	for (size_t i = 0; i < n; i++) {
		if (!array_has(array, wanted[i]))
			return false;
	}
	return true;
}

static bool
has_kind(const struct job *job, const char *kind)
{
	struct str rest = str_of(job->kinds ? job->kinds : job->kind);
	while (rest.p) {
		if (str_eqz(str_split_first(&rest, ','), kind))
			return true;
	}
	return false;
}

static bool
has_times(const struct job *job, const struct job_filter *f)
{
	if (f->created_after_ms && job->created_ms < f->created_after_ms)
		return false;
	if (f->created_before_ms && job->created_ms >= f->created_before_ms)
		return false;
	if (f->completed_after_ms && job->completed_ms < f->completed_after_ms)
		return false;
	if (f->completed_before_ms &&
		(job->completed_ms == 0 || job->completed_ms >= f->completed_before_ms))
		return false;
	return !f->min_run_ms || job_run_ms(job, f->now_ms) >= f->min_run_ms;
}

static bool
has_words(const struct job *job, const struct job_filter *f)
{
	if (f->name && (!job->name || strcmp(job->name, f->name) != 0))
		return false;
	if (f->name_contains && (!job->name || !contains_nocase(job->name, f->name_contains)))
		return false;
	if (f->kind && !has_kind(job, f->kind))
		return false;
	return has_tags(job->tags, f->tags, f->n_tags);
}

static bool
job_matches(const struct job *job, const struct job_filter *f)
{
	if (f->project && job->project != f->project)
		return false;
	if (f->states && !(f->states & 1u << job->state))
		return false;
	if (f->reasons && !(f->reasons & 1u << job->reason))
		return false;
	if (!uuid_is_zero(&f->parent.u) && !uuid_eq(&job->parent.u, &f->parent.u))
		return false;
	if (f->schedule && job->schedule != f->schedule)
		return false;
	if (f->is_flow && !job->flow)
		return false;
	if (f->queue && job->queue != f->queue)
		return false;
	if (!uuid_is_zero(&f->template_id.u) &&
		!uuid_eq(&f->template_id.u, &job->template_id.u))
		return false;
	return has_words(job, f) && has_times(job, f);
}

/* A job beside its sort key. */
struct place {
	const struct job *job;
	struct job_cursor key;
};

static int
compare_keys(const struct job_cursor *a, const struct job_cursor *b)
{
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	int by_text = str_cmp(a->text, b->text);
	if (by_text != 0)
		return by_text;
	return (a->seq > b->seq) - (a->seq < b->seq);
}

static int
rising(const void *a, const void *b)
{
	return compare_keys(&((const struct place *)a)->key, &((const struct place *)b)->key);
}

static int
falling(const void *a, const void *b)
{
	return rising(b, a);
}

/* The jobs of the list that stand behind the cursor (NULL: all), in order. */
static void
find_places(const struct memory_db *db, const struct job_filter *filter,
	const struct job_cursor *cursor, int64_t now_ms, struct arena *arena,
	struct place **ret, size_t *ret_n, int64_t *ret_total)
{
	UOW_ARRAY(struct place) places = { 0 };
	int64_t total = 0;
	for (size_t i = 0; i < db->jobs.n; i++) {
		struct place place = { .job = db->jobs.item[i] };
		if (!job_matches(place.job, filter))
			continue;
		total++;
		cursor_of_job(&place.key, place.job, filter->sort, now_ms);
		int beyond = cursor ? compare_keys(&place.key, cursor) : 0;
		if (!cursor || (filter->descending ? beyond < 0 : beyond > 0))
			UOW_PUSH_IN(arena, &places, place);
	}
	if (places.n > 1)
		qsort(places.item, places.n, sizeof *places.item,
			filter->descending ? falling : rising);
	*ret = places.item;
	*ret_n = places.n;
	*ret_total = total;
}

static int
list_jobs(struct store_reader *reader, const struct job_filter *filter, struct arena *arena,
	struct job_page *ret, struct err *err)
{
	struct job_cursor cursor;
	bool has_cursor = filter->cursor.n > 0;
	if (has_cursor && cursor_read(filter, arena, &cursor, err) < 0)
		return -1;
	int64_t now_ms = has_cursor ? cursor.now_ms : filter->now_ms;

	struct place *places;
	size_t n;
	int64_t total;
	find_places(db_of(reader), filter, has_cursor ? &cursor : NULL, now_ms, arena, &places,
		&n, &total);

	struct job_page page = { .total = filter->count ? total : -1 };
	page.n = n < filter->limit ? n : filter->limit;
	page.items = arena_calloc(arena, page.n > 0 ? page.n : 1, sizeof *page.items);
	if (!page.items)
		return memory_no_room(err);
	for (size_t i = 0; i < page.n; i++) {
		if (answer_one(places[i].job, &job_brief_table, arena, &page.items[i], err) !=
			0)
			return -1;
		if (places[i].job->layout)
			page.items[i]->layout = "";
	}
	if (n > page.n && page.n > 0) {
		page.next_cursor = cursor_write(&places[page.n - 1].key, filter, arena);
		if (!page.next_cursor)
			return memory_no_room(err);
	}
	*ret = page;
	return 0;
}

/* ---- one job and what belongs to it ---- */

static int
one_job(struct store_reader *reader, int64_t project, struct job_id id, struct arena *arena,
	struct job **ret, struct err *err)
{
	const struct job *row = memory_job_by_id(db_of(reader), id);
	if (row && project != 0 && row->project != project)
		row = NULL;
	return answer_one(row, &job_table, arena, ret, err);
}

static int
by_index(const void *a, const void *b)
{
	const struct job_test *x = *(const struct job_test *const *)a;
	const struct job_test *y = *(const struct job_test *const *)b;
	return (x->index > y->index) - (x->index < y->index);
}

static int
tests_of_job(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct job_test **ret, size_t *ret_n, struct err *err)
{
	const struct rows *tests = &db_of(reader)->tests;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < tests->n; i++) {
		const struct job_test *test = tests->item[i];
		if (test->job_seq == job_seq)
			choose(&chosen, test);
	}
	sort_chosen(&chosen, by_index);
	return answer(&chosen, &job_test_table, SIZE_MAX, ret, ret_n, err);
}

static int
options_of_job(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct str *ret, struct err *err)
{
	const struct rows *options = &db_of(reader)->options;
	for (size_t i = 0; i < options->n; i++) {
		const struct job_options *row = options->item[i];
		if (row->job_seq == job_seq)
			return answer_text(row->body.p, row->body.n, arena, ret, err);
	}
	return STORE_NONE;
}

static int
by_number(const void *a, const void *b)
{
	const struct incarnation *x = *(const struct incarnation *const *)a;
	const struct incarnation *y = *(const struct incarnation *const *)b;
	return (x->number > y->number) - (x->number < y->number);
}

static int
incarnations_of_job(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct incarnation **ret, size_t *ret_n, struct err *err)
{
	const struct rows *all = &db_of(reader)->incarnations;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < all->n; i++) {
		const struct incarnation *incarnation = all->item[i];
		if (incarnation->job_seq == job_seq)
			choose(&chosen, incarnation);
	}
	sort_chosen(&chosen, by_number);
	return answer(&chosen, &incarnation_table, SIZE_MAX, ret, ret_n, err);
}

/* ---- runs ---- */

static bool
run_matches(const struct run *run, const struct run_filter *f)
{
	if (run->job_seq != f->job_seq || run->seq <= f->after_seq)
		return false;
	if (f->incarnation && run->incarnation != f->incarnation)
		return false;
	if (f->states && !(f->states & 1u << run->state))
		return false;
	if (f->outcomes && !(f->outcomes & 1u << run->outcome))
		return false;
	if (f->test >= 0 && run->test != f->test)
		return false;
	if (f->iteration && run->iteration != f->iteration)
		return false;
	return !f->only_last || run->is_last;
}

static int
list_runs(struct store_reader *reader, const struct run_filter *filter, struct arena *arena,
	struct run **ret, size_t *ret_n, struct err *err)
{
	const struct rows *runs = &db_of(reader)->runs;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < runs->n; i++) {
		if (run_matches(runs->item[i], filter))
			choose(&chosen, runs->item[i]);
	}
	return answer(&chosen, &run_table, filter->limit, ret, ret_n, err);
}

static int
one_run(struct store_reader *reader, int64_t project, struct run_id id, struct arena *arena,
	struct run **ret, struct job_id *ret_job, struct err *err)
{
	const struct memory_db *db = db_of(reader);
	const struct run *row = memory_run_by_id(db, id);
	if (row && ((project != 0 && row->project != project) || !memory_job(db, row->job_seq)))
		row = NULL;
	int rc = answer_one(row, &run_table, arena, ret, err);
	if (rc == 0)
		*ret_job = memory_job(db, row->job_seq)->id;
	return rc;
}

static int
result_of_run(struct store_reader *reader, int64_t run_seq, struct arena *arena,
	struct str *ret, struct err *err)
{
	const struct memory_db *db = db_of(reader);
	for (size_t i = 0; i < db->results.n; i++) {
		const char *body = db->results.item[i].body;
		if (db->results.item[i].run_seq == run_seq)
			return answer_text(body, strlen(body), arena, ret, err);
	}
	return STORE_NONE;
}

static int
by_run_and_name(const void *a, const void *b)
{
	const struct artifact *x = *(const struct artifact *const *)a;
	const struct artifact *y = *(const struct artifact *const *)b;
	if (x->run_seq != y->run_seq)
		return x->run_seq < y->run_seq ? -1 : 1;
	return strcmp(x->name, y->name);
}

static int
list_artifacts(struct store_reader *reader, int64_t job_seq, int64_t run_seq,
	struct arena *arena, struct artifact **ret, size_t *ret_n, struct err *err)
{
	const struct rows *artifacts = &db_of(reader)->artifacts;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < artifacts->n; i++) {
		const struct artifact *artifact = artifacts->item[i];
		if (run_seq ? artifact->run_seq == run_seq : artifact->job_seq == job_seq)
			choose(&chosen, artifact);
	}
	sort_chosen(&chosen, by_run_and_name);
	return answer(&chosen, &artifact_table, SIZE_MAX, ret, ret_n, err);
}

static int
one_artifact(struct store_reader *reader, int64_t run_seq, const char *name,
	struct arena *arena, struct artifact **ret, struct err *err)
{
	const struct rows *artifacts = &db_of(reader)->artifacts;
	for (size_t i = 0; i < artifacts->n; i++) {
		const struct artifact *artifact = artifacts->item[i];
		if (artifact->run_seq == run_seq && strcmp(artifact->name, name) == 0)
			return answer_one(artifact, &artifact_table, arena, ret, err);
	}
	return STORE_NONE;
}

static int
blob_in_use(struct store_reader *reader, const char *blob, bool *ret, struct err *err)
{
	const struct rows *artifacts = &db_of(reader)->artifacts;
	(void)err;
	*ret = false;
	for (size_t i = 0; i < artifacts->n && !*ret; i++) {
		const struct artifact *artifact = artifacts->item[i];
		*ret = strcmp(artifact->blob, blob) == 0;
	}
	return 0;
}

/* ---- events ---- */

static bool
event_matches(const struct event *event, const struct event_filter *f)
{
	if (event->seq <= f->after_seq)
		return false;
	if (f->project && event->project != 0 && event->project != f->project)
		return false;
	if (f->job_seq && event->job_seq != f->job_seq)
		return false;
	return f->types == 0 || f->types & UINT64_C(1) << event->type;
}

static int
list_events(struct store_reader *reader, const struct event_filter *filter, struct arena *arena,
	struct event **ret, size_t *ret_n, struct err *err)
{
	const struct memory_db *db = db_of(reader);
	UOW_ARRAY(struct event) page = { 0 };
	size_t bytes = 0;
	for (size_t i = 0; i < db->events.n && page.n < filter->limit; i++) {
		struct event event = *db->events.item[i];
		if (memory_is_staged(db, event.job_seq))
			continue;
		if (filter->bytes_max > 0 && bytes >= filter->bytes_max)
			break;
		if (!event_matches(&event, filter))
			continue;
		if (answer_text(event.data.p, event.data.n, arena, &event.data, err) < 0)
			return -1;
		UOW_PUSH_IN(arena, &page, event);
		bytes += event.data.n;
	}
	*ret = page.item;
	*ret_n = page.n;
	return 0;
}

static int
last_event_seq(struct store_reader *reader, int64_t *ret, struct err *err)
{
	const struct memory_db *db = db_of(reader);
	(void)err;
	*ret = db->events.n > 0 ? db->events.item[db->events.n - 1]->seq : 0;
	return 0;
}

/* ---- definitions ---- */

static int
by_name(const void *a, const void *b)
{
	const struct definition *x = *(const struct definition *const *)a;
	const struct definition *y = *(const struct definition *const *)b;
	return strcmp(x->name, y->name);
}

static bool
definition_matches(const struct definition *def, const struct def_filter *f)
{
	if (def->project != f->project || def->kind != f->kind)
		return false;
	if (f->after_name && strcmp(def->name, f->after_name) <= 0)
		return false;
	if (f->name_contains && !contains_nocase(def->name, f->name_contains))
		return false;
	return has_tags(def->tags, f->tags, f->n_tags);
}

static int
list_definitions(struct store_reader *reader, const struct def_filter *filter,
	struct arena *arena, struct definition **ret, size_t *ret_n, struct err *err)
{
	const struct rows *defs = &db_of(reader)->defs;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < defs->n; i++) {
		if (definition_matches(defs->item[i], filter))
			choose(&chosen, defs->item[i]);
	}
	sort_chosen(&chosen, by_name);
	return answer(&chosen, &definition_table, filter->limit, ret, ret_n, err);
}

static int
one_definition(struct store_reader *reader, const struct def_key *key, int64_t revision,
	struct arena *arena, struct definition **ret, struct err *err)
{
	const struct memory_db *db = db_of(reader);
	const struct definition *row = memory_definition(db, key);
	if (row && revision != 0 && row->revision != revision) {
		int64_t seq = row->seq;
		row = NULL;
		for (size_t i = 0; i < db->old_defs.n; i++) {
			const struct definition *old = db->old_defs.item[i];
			if (old->seq == seq && old->revision == revision)
				row = old;
		}
	}
	return answer_one(row, &definition_table, arena, ret, err);
}

static int
list_revisions(struct store_reader *reader, int64_t def_seq, struct arena *arena,
	struct definition **ret, size_t *ret_n, struct err *err)
{
	const struct memory_db *db = db_of(reader);
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < db->old_defs.n; i++) {
		const struct definition *old = db->old_defs.item[i];
		if (old->seq == def_seq)
			choose(&chosen, old);
	}
	size_t at = memory_find_seq(&db->defs, def_seq);
	if (at < db->defs.n)
		choose(&chosen, db->defs.item[at]);
	return answer(&chosen, &definition_table, SIZE_MAX, ret, ret_n, err);
}

/* ---- workers, tokens, figures ---- */

static int
by_queue_name(const void *a, const void *b)
{
	return strcmp((*(const struct queue *const *)a)->name,
		(*(const struct queue *const *)b)->name);
}

static int
list_queues(struct store_reader *reader, int64_t project, struct arena *arena,
	struct queue **ret, size_t *ret_n, struct err *err)
{
	const struct rows *queues = &db_of(reader)->queues;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < queues->n; i++) {
		const struct queue *queue = queues->item[i];
		if (project == 0 || queue->project == project)
			choose(&chosen, queue);
	}
	sort_chosen(&chosen, by_queue_name);
	return answer(&chosen, &queue_table, SIZE_MAX, ret, ret_n, err);
}

static int
queue_figures(
	struct store_reader *reader, int64_t queue, struct queue_figures *ret, struct err *err)
{
	const struct memory_db *db = db_of(reader);
	(void)err;
	*ret = (struct queue_figures) { 0 };
	for (size_t i = 0; i < db->jobs.n; i++) {
		const struct job *job = db->jobs.item[i];
		if (job->queue != queue)
			continue;
		ret->running += job->running;
		ret->ready += job->ready;
		ret->held += job->held_key != NULL;
		if (job->ready && (ret->oldest_ms == 0 || job->created_ms < ret->oldest_ms))
			ret->oldest_ms = job->created_ms;
	}
	return 0;
}

static int
list_quarantine(struct store_reader *reader, int64_t project, struct arena *arena,
	struct quarantine_entry **ret, size_t *ret_n, struct err *err)
{
	const struct rows *rows = &db_of(reader)->quarantine;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < rows->n; i++) {
		const struct quarantine_entry *entry = rows->item[i];
		if (project == 0 || entry->project == project)
			choose(&chosen, entry);
	}
	return answer(&chosen, &quarantine_table, SIZE_MAX, ret, ret_n, err);
}

static int
by_place(const void *a, const void *b)
{
	const struct retention *x = *(const struct retention *const *)a;
	const struct retention *y = *(const struct retention *const *)b;
	if (x->project != y->project)
		return x->project < y->project ? -1 : 1;
	return (x->place > y->place) - (x->place < y->place);
}

static int
list_retention(struct store_reader *reader, int64_t project, struct arena *arena,
	struct retention **ret, size_t *ret_n, struct err *err)
{
	const struct rows *rows = &db_of(reader)->retention;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < rows->n; i++) {
		const struct retention *policy = rows->item[i];
		if (project == 0 || policy->project == project)
			choose(&chosen, policy);
	}
	sort_chosen(&chosen, by_place);
	return answer(&chosen, &retention_table, SIZE_MAX, ret, ret_n, err);
}

static int
by_schedule_name(const void *a, const void *b)
{
	return strcmp((*(const struct schedule *const *)a)->name,
		(*(const struct schedule *const *)b)->name);
}

static int
list_schedules(struct store_reader *reader, int64_t project, struct arena *arena,
	struct schedule **ret, size_t *ret_n, struct err *err)
{
	const struct rows *rows = &db_of(reader)->schedules;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < rows->n; i++) {
		const struct schedule *schedule = rows->item[i];
		if (project == 0 || schedule->project == project)
			choose(&chosen, schedule);
	}
	sort_chosen(&chosen, by_schedule_name);
	return answer(&chosen, &schedule_table, SIZE_MAX, ret, ret_n, err);
}

static int
find_schedule(struct store_reader *reader, int64_t seq, struct arena *arena,
	struct schedule **ret, struct err *err)
{
	const struct rows *rows = &db_of(reader)->schedules;
	size_t at = memory_find_seq(rows, seq);
	if (at == rows->n)
		return STORE_NONE;
	*ret = row_copy(&schedule_table, rows->item[at], arena);
	return *ret ? 0 : memory_no_room(err);
}

static int
by_firing_time(const void *a, const void *b)
{
	int64_t x = (*(const struct firing *const *)a)->at_ms;
	int64_t y = (*(const struct firing *const *)b)->at_ms;
	return (x < y) - (x > y);
}

static int
list_firings(struct store_reader *reader, int64_t schedule, int64_t before_ms, size_t limit,
	struct arena *arena, struct firing **ret, size_t *ret_n, struct err *err)
{
	const struct rows *rows = &db_of(reader)->firings;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < rows->n; i++) {
		const struct firing *firing = rows->item[i];
		if (firing->schedule == schedule && firing->at_ms < before_ms)
			choose(&chosen, firing);
	}
	sort_chosen(&chosen, by_firing_time);
	return answer(&chosen, &firing_table, limit, ret, ret_n, err);
}

static int
list_projects(struct store_reader *reader, struct arena *arena, struct project **ret,
	size_t *ret_n, struct err *err)
{
	const struct rows *rows = &db_of(reader)->projects;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < rows->n; i++)
		choose(&chosen, rows->item[i]);
	return answer(&chosen, &project_table, SIZE_MAX, ret, ret_n, err);
}

static int
by_joining(const void *a, const void *b)
{
	const struct worker_row *x = *(const struct worker_row *const *)a;
	const struct worker_row *y = *(const struct worker_row *const *)b;
	if (x->joined_ms != y->joined_ms)
		return x->joined_ms < y->joined_ms ? -1 : 1;
	return uuid_cmp(&x->id.u, &y->id.u);
}

static int
list_workers(struct store_reader *reader, int64_t project, bool all, struct arena *arena,
	struct worker_row **ret, size_t *ret_n, struct err *err)
{
	const struct rows *workers = &db_of(reader)->workers;
	struct chosen chosen = { .arena = arena };
	for (size_t i = 0; i < workers->n; i++) {
		const struct worker_row *worker = workers->item[i];
		bool is_here =
			worker->state == WORKER_ONLINE || worker->state == WORKER_DRAINING;
		bool serves =
			project == 0 || worker->project == 0 || worker->project == project;
		if (serves && (all || is_here))
			choose(&chosen, worker);
	}
	sort_chosen(&chosen, by_joining);
	return answer(&chosen, &worker_table, SIZE_MAX, ret, ret_n, err);
}

static int
by_creation(const void *a, const void *b)
{
	const struct token_row *x = a;
	const struct token_row *y = b;
	if (x->created_ms != y->created_ms)
		return x->created_ms < y->created_ms ? -1 : 1;
	return memcmp(x->hash, y->hash, sizeof x->hash);
}

static int
list_tokens(struct store_reader *reader, struct arena *arena, struct token_row **ret,
	size_t *ret_n, struct err *err)
{
	const struct memory_db *db = db_of(reader);
	struct token_row *tokens =
		arena_calloc(arena, db->tokens.n > 0 ? db->tokens.n : 1, sizeof *tokens);
	if (!tokens)
		return memory_no_room(err);
	for (size_t i = 0; i < db->tokens.n; i++) {
		tokens[i] = *db->tokens.item[i];
		tokens[i].name = arena_strdup(arena, tokens[i].name);
		tokens[i].role = arena_strdup(arena, tokens[i].role);
	}
	qsort(tokens, db->tokens.n, sizeof *tokens, by_creation);
	*ret = tokens;
	*ret_n = db->tokens.n;
	return 0;
}

static int
figures(struct store_reader *reader, struct store_stats *ret, struct err *err)
{
	const struct memory_db *db = db_of(reader);
	struct store_stats stats = { 0 };
	(void)err;
	for (size_t i = 0; i < db->jobs.n; i++)
		stats.jobs_by_state[((const struct job *)db->jobs.item[i])->state]++;
	for (size_t i = 0; i < db->runs.n; i++) {
		enum run_state state = ((const struct run *)db->runs.item[i])->state;
		stats.runs_waiting += state == RUN_WAITING;
		stats.runs_leased += state == RUN_LEASED;
	}
	*ret = stats;
	return 0;
}

static const struct reader_ops reader_ops = {
	.close = reader_close,
	.begin = reader_begin,
	.end = reader_end,
	.jobs = list_jobs,
	.job = one_job,
	.job_tests = tests_of_job,
	.job_options = options_of_job,
	.incarnations = incarnations_of_job,
	.runs = list_runs,
	.run = one_run,
	.run_result = result_of_run,
	.artifacts = list_artifacts,
	.artifact = one_artifact,
	.blob_in_use = blob_in_use,
	.events = list_events,
	.last_event_seq = last_event_seq,
	.definitions = list_definitions,
	.definition = one_definition,
	.definition_revisions = list_revisions,
	.queues = list_queues,
	.queue_figures = queue_figures,
	.quarantine = list_quarantine,
	.schedules = list_schedules,
	.retention = list_retention,
	.schedule = find_schedule,
	.firings = list_firings,
	.projects = list_projects,
	.workers = list_workers,
	.stats = figures,
	.stat_cells = memory_stat_cells,
	.history = memory_history,
	.known_test = memory_known_test,
	.error_class = memory_error_class,
	.job_counts = memory_job_counts,
	.tokens = list_tokens,
};

int
memory_reader_open(struct store_reader **ret, struct store *store, struct err *err)
{
	(void)err;
	struct memory_reader *memory = xcalloc(1, sizeof *memory);
	memory->reader.ops = &reader_ops;
	memory->db = memory_db_of(store);
	*ret = &memory->reader;
	return 0;
}
