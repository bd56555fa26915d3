/* SPDX-License-Identifier: Apache-2.0 */
/* The reading side: a connection that cannot write, one transaction for each call. */
#include "store/sqlite.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include <sys/stat.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"

enum {
	READER_CACHE_KIB = 1024,
	WORDS_BYTES_MAX = 400, /* every state's or outcome's word with its commas */
};

static struct sqlite_reader *
reader_of(struct store_reader *reader)
{
	return container_of(reader, struct sqlite_reader, reader);
}

static struct sqlite_db *
db_of(struct store_reader *reader)
{
	return &reader_of(reader)->db;
}

static struct store_reader *
reader_close(struct store_reader *reader)
{
	struct sqlite_reader *sqlite = reader_of(reader);
	sqlite_db_close(&sqlite->db);
	free(sqlite->path);
	free(sqlite);
	return NULL;
}

static int
reader_begin(struct store_reader *reader, struct err *err)
{
	return sql_run(db_of(reader), SQL_BEGIN_READ, err);
}

static void
reader_end(struct store_reader *reader)
{
	/* It wrote nothing: an error has nothing to lose. */
	struct err ignored;
	(void)!sql_run(db_of(reader), SQL_COMMIT, &ignored);
}

/* The first row of a bound statement, as one struct. */
static int
read_row(struct store_reader *reader, sqlite3_stmt *stmt, const struct table *table,
	struct arena *arena, void *ret, struct err *err)
{
	int rc = sql_step(db_of(reader), stmt, err);
	if (rc <= 0)
		return rc < 0 ? -1 : STORE_NONE;
	return fetch_row(stmt, table, arena, ret, err);
}

/* All rows of a statement whose only parameter is a number. */
static int
read_rows_of(struct store_reader *reader, enum sql_id id, int64_t key,
	const struct table *table, struct arena *arena, void *ret, size_t *ret_n,
	struct err *err)
{
	sqlite3_stmt *stmt = sql_get(db_of(reader), id, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, key);
	return fetch_all(db_of(reader), stmt, table, arena, ret, ret_n, err);
}

/* ---- jobs ---- */

static int
read_one_job(struct store_reader *reader, int64_t project, struct job_id id,
	struct arena *arena, struct job **ret, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db_of(reader), SQL_JOB_BY_ID, err);
	if (!stmt)
		return -1;
	sql_bind_uuid(stmt, 1, &id.u);
	struct job *job;
	int rc = read_row(reader, stmt, &job_table, arena, &job, err);
	if (rc != 0)
		return rc;
	if (project != 0 && job->project != project)
		return STORE_NONE;
	*ret = job;
	return 0;
}

static int
read_tests(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct job_test **ret, size_t *ret_n, struct err *err)
{
	return read_rows_of(
		reader, SQL_JOB_TESTS, job_seq, &job_test_table, arena, ret, ret_n, err);
}

/* A text found under a number. */
static int
read_body(struct store_reader *reader, enum sql_id id, int column, int64_t key,
	struct arena *arena, struct str *ret, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db_of(reader), id, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, key);
	int rc = sql_step(db_of(reader), stmt, err);
	if (rc <= 0)
		return rc < 0 ? -1 : STORE_NONE;
	return fetch_str(stmt, column, arena, ret, err);
}

static int
read_options(struct store_reader *reader, int64_t job_seq, struct arena *arena, struct str *ret,
	struct err *err)
{
	return read_body(reader, SQL_JOB_OPTIONS, 1, job_seq, arena, ret, err);
}

static int
read_all_incarnations(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct incarnation **ret, size_t *ret_n, struct err *err)
{
	return read_rows_of(
		reader, SQL_INCARNATIONS, job_seq, &incarnation_table, arena, ret, ret_n, err);
}

/* ---- runs ---- */

/* ",waiting,leased," for a set of 1 << value; NULL when the set is empty. */
static const char *
words_of(enum column_kind kind, uint32_t set, struct buf *out)
{
	if (set == 0)
		return NULL;
	/* Always fits: WORDS_BYTES_MAX. */
	int rc = buf_addc(out, ',');
	for (int value = 0; value < 32; value++) {
		const char *word = set & (1u << value) ? column_word(kind, value) : NULL;
		if (word)
			rc |= buf_addf(out, "%s,", word);
	}
	assert(rc == 0);
	return buf_text(out);
}

static int
read_all_runs(struct store_reader *reader, const struct run_filter *filter, struct arena *arena,
	struct run **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(buf_deinit) struct buf states = BUF_INIT(WORDS_BYTES_MAX);
	_cleanup_(buf_deinit) struct buf outcomes = BUF_INIT(WORDS_BYTES_MAX);
	sqlite3_stmt *stmt = sql_get(db_of(reader), SQL_RUNS, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, filter->job_seq);
	sql_bind_i64(stmt, 2, filter->after_seq);
	sql_bind_i64(stmt, 3, filter->incarnation);
	sql_bind_text(stmt, 4, words_of(COLUMN_RUN_STATE, filter->states, &states));
	sql_bind_text(stmt, 5, words_of(COLUMN_RUN_OUTCOME, filter->outcomes, &outcomes));
	sql_bind_i64(stmt, 6, filter->test);
	sql_bind_i64(stmt, 7, filter->iteration);
	sql_bind_i64(stmt, 8, filter->only_last);
	sql_bind_i64(stmt, 9, (int64_t)filter->limit);
	return fetch_all(db_of(reader), stmt, &run_table, arena, ret, ret_n, err);
}

static int
read_one_run(struct store_reader *reader, int64_t project, struct run_id id,
	struct arena *arena, struct run **ret, struct job_id *ret_job, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db_of(reader), SQL_RUN_BY_ID, err);
	_cleanup_(sql_resetp) sqlite3_stmt *job_stmt =
		stmt ? sql_get(db_of(reader), SQL_JOB_BY_SEQ, err) : NULL;
	if (!stmt || !job_stmt)
		return -1;
	sql_bind_uuid(stmt, 1, &id.u);
	struct run *run;
	int rc = read_row(reader, stmt, &run_table, arena, &run, err);
	if (rc != 0)
		return rc;
	if (project != 0 && run->project != project)
		return STORE_NONE;

	sql_bind_i64(job_stmt, 1, run->job_seq);
	struct job *job;
	rc = read_row(reader, job_stmt, &job_table, arena, &job, err);
	if (rc != 0)
		return rc;
	*ret = run;
	*ret_job = job->id;
	return 0;
}

static int
read_result(struct store_reader *reader, int64_t run_seq, struct arena *arena, struct str *ret,
	struct err *err)
{
	return read_body(reader, SQL_RUN_RESULT, 0, run_seq, arena, ret, err);
}

static int
read_all_artifacts(struct store_reader *reader, int64_t job_seq, int64_t run_seq,
	struct arena *arena, struct artifact **ret, size_t *ret_n, struct err *err)
{
	return read_rows_of(reader, run_seq ? SQL_ARTIFACTS_OF_RUN : SQL_ARTIFACTS_OF_JOB,
		run_seq ? run_seq : job_seq, &artifact_table, arena, ret, ret_n, err);
}

static int
read_one_artifact(struct store_reader *reader, int64_t run_seq, const char *name,
	struct arena *arena, struct artifact **ret, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db_of(reader), SQL_ARTIFACT, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, run_seq);
	sql_bind_text(stmt, 2, name);
	return read_row(reader, stmt, &artifact_table, arena, ret, err);
}

static int
read_blob_used(struct store_reader *reader, const char *blob, bool *ret, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db_of(reader), SQL_BLOB_IN_USE, err);
	if (!stmt)
		return -1;
	sql_bind_text(stmt, 1, blob);
	if (sql_step(db_of(reader), stmt, err) < 0)
		return -1;
	*ret = sqlite3_column_int(stmt, 0) != 0;
	return 0;
}

/* ---- events ---- */

int
fetch_batch(sqlite3_stmt *stmt, struct arena *arena, struct event_unpack *ret, struct err *err)
{
	struct str body;
	if (fetch_str(stmt, 4, arena, &body, err) < 0)
		return -1;
	return event_unpack_init(ret, body, sqlite3_column_int64(stmt, 1),
		sqlite3_column_int64(stmt, 2), sqlite3_column_int64(stmt, 3), err);
}

/* A page of events that grows. */
struct event_page {
	const struct event_filter *filter;
	struct arena *arena;
	UOW_ARRAY(struct event) events;
	size_t bytes;
};

static bool
page_is_full(const struct event_page *page)
{
	if (page->events.n >= page->filter->limit)
		return true;
	return page->filter->bytes_max > 0 && page->bytes >= page->filter->bytes_max;
}

/* The size of a page comes from outside: running out of the arena is an error, no crash. */
static int
push_event(struct event_page *page, const struct event *event, struct err *err)
{
	if (page->events.n == page->events.cap) {
		size_t cap = page->events.cap > 0 ? page->events.cap * 2 : 8;
		struct event *grown = arena_calloc(page->arena, cap, sizeof *grown);
		if (!grown)
			return err_set(
				err, ERR_LIMIT, "more data than the memory of one request");
		if (page->events.n > 0)
			memcpy(grown, page->events.item, page->events.n * sizeof *grown);
		page->events.item = grown;
		page->events.cap = cap;
	}
	page->events.item[page->events.n++] = *event;
	page->bytes += event->data.n;
	return 0;
}

static int
add_batch(struct event_page *page, sqlite3_stmt *stmt, struct err *err)
{
	struct event_unpack unpack;
	if (fetch_batch(stmt, page->arena, &unpack, err) < 0)
		return -1;
	int rc;
	while (!page_is_full(page) &&
		(rc = event_unpack_next(&unpack, err)) != EVENT_UNPACK_END) {
		if (rc < 0)
			return -1;
		const struct event *event = &unpack.event;
		bool wanted = page->filter->types == 0 ||
			page->filter->types & (UINT64_C(1) << event->type);
		if (event->seq <= page->filter->after_seq || !wanted)
			continue;
		if (push_event(page, event, err) < 0)
			return -1;
	}
	return 0;
}

static int
read_event_page(struct store_reader *reader, const struct event_filter *filter,
	struct arena *arena, struct event **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(db_of(reader), filter->job_seq ? SQL_EVENTS_OF_JOB : SQL_EVENTS, err);
	if (!stmt)
		return -1;
	if (filter->job_seq)
		sql_bind_i64(stmt, 1, filter->job_seq);
	sql_bind_i64(stmt, 2, filter->project);
	sql_bind_i64(stmt, 3, filter->after_seq);

	struct event_page page = { .filter = filter, .arena = arena };
	int rc = 0;
	while (!page_is_full(&page) && (rc = sql_step(db_of(reader), stmt, err)) > 0) {
		if (add_batch(&page, stmt, err) < 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	*ret = page.events.item;
	*ret_n = page.events.n;
	return 0;
}

static int
read_last_event(struct store_reader *reader, int64_t *ret, struct err *err)
{
	return sql_number(db_of(reader), SQL_LAST_EVENT, ret, err);
}

/* ---- definitions, workers, tokens ---- */

static int
wanted_tags(const char *const *tags, size_t n, struct buf *out)
{
	struct jw jw;
	jw_init(&jw, out);
	jw_arr(&jw);
	for (size_t i = 0; i < n; i++)
		jw_str(&jw, tags[i]);
	jw_end_arr(&jw);
	return jw_done(&jw);
}

static int
read_all_definitions(struct store_reader *reader, const struct def_filter *filter,
	struct arena *arena, struct definition **ret, size_t *ret_n, struct err *err)
{
	_cleanup_(buf_deinit) struct buf tags = BUF_INIT(BODY_BYTES_MAX);
	sqlite3_stmt *stmt = sql_get(db_of(reader), SQL_DEFINITIONS, err);
	if (!stmt)
		return -1;
	if (wanted_tags(filter->tags, filter->n_tags, &tags) < 0)
		return err_set(err, ERR_LIMIT, "too many tags");
	sql_bind_i64(stmt, 1, filter->project);
	sql_bind_text(stmt, 2, def_kind_name(filter->kind));
	sql_bind_text(stmt, 3, filter->after_name ? filter->after_name : "");
	sql_bind_text(stmt, 4, filter->name_contains);
	sql_bind_text(stmt, 5, filter->n_tags > 0 ? buf_text(&tags) : NULL);
	sql_bind_i64(stmt, 6, (int64_t)filter->limit);
	return fetch_all(db_of(reader), stmt, &definition_table, arena, ret, ret_n, err);
}

/* Replaces what differs in an earlier revision. */
static int
read_revision(struct store_reader *reader, struct definition *def, int64_t revision,
	struct arena *arena, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(db_of(reader), SQL_DEFINITION_REVISION, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, def->seq);
	sql_bind_i64(stmt, 2, revision);
	int rc = sql_step(db_of(reader), stmt, err);
	if (rc <= 0)
		return rc < 0 ? -1 : STORE_NONE;
	struct str name, tags, body;
	if (fetch_str(stmt, 0, arena, &name, err) < 0 ||
		fetch_str(stmt, 1, arena, &tags, err) < 0 ||
		fetch_str(stmt, 2, arena, &body, err) < 0)
		return -1;
	def->name = name.p;
	def->tags = tags.p;
	def->body = body.p;
	def->revision = revision;
	def->updated_ms = sqlite3_column_int64(stmt, 3);
	return 0;
}

static int
read_one_definition(struct store_reader *reader, const struct def_key *key, int64_t revision,
	struct arena *arena, struct definition **ret, struct err *err)
{
	bool by_name = uuid_is_zero(&key->id.u);
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(
		db_of(reader), by_name ? SQL_DEFINITION_BY_NAME : SQL_DEFINITION_BY_ID, err);
	if (!stmt)
		return -1;
	if (by_name)
		sql_bind_text(stmt, 1, key->name);
	else
		sql_bind_uuid(stmt, 1, &key->id.u);
	sql_bind_i64(stmt, 2, key->project);
	sql_bind_text(stmt, 3, def_kind_name(key->kind));

	struct definition *def;
	int rc = read_row(reader, stmt, &definition_table, arena, &def, err);
	if (rc == 0 && revision != 0 && revision != def->revision)
		rc = read_revision(reader, def, revision, arena, err);
	if (rc == 0)
		*ret = def;
	return rc;
}

static int
read_all_revisions(struct store_reader *reader, int64_t def_seq, struct arena *arena,
	struct definition **ret, size_t *ret_n, struct err *err)
{
	return read_rows_of(reader, SQL_DEFINITION_REVISIONS, def_seq, &definition_table, arena,
		ret, ret_n, err);
}

static int
read_all_queues(struct store_reader *reader, int64_t project, struct arena *arena,
	struct queue **ret, size_t *ret_n, struct err *err)
{
	return read_rows_of(
		reader, SQL_QUEUES_OF, project, &queue_table, arena, ret, ret_n, err);
}

/* One number of a statement with two parameters. */
static int
number_of(struct sqlite_db *db, enum sql_id id, int64_t key, int64_t max, int64_t *ret,
	int64_t *ret_second, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, id, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, key);
	if (max > 0)
		sql_bind_i64(stmt, 2, max);
	int rc = sql_step(db, stmt, err);
	*ret = rc > 0 ? sqlite3_column_int64(stmt, 0) : 0;
	if (ret_second)
		*ret_second = rc > 0 ? sqlite3_column_int64(stmt, 1) : 0;
	return rc < 0 ? -1 : 0;
}

static int
queue_figures(
	struct store_reader *reader, int64_t queue, struct queue_figures *ret, struct err *err)
{
	struct sqlite_db *db = db_of(reader);
	*ret = (struct queue_figures) { 0 };
	if (number_of(db, SQL_QUEUE_RUNNING, queue, 0, &ret->running, NULL, err) < 0 ||
		number_of(db, SQL_HELD_OF_QUEUE, queue, FIGURES_COUNT_MAX, &ret->held, NULL,
			err) < 0)
		return -1;
	ret->at_least = ret->held == FIGURES_COUNT_MAX;

	_cleanup_(sql_resetp) sqlite3_stmt *lanes = sql_get(db, SQL_LANES_OF_QUEUE, err);
	if (!lanes)
		return -1;
	sql_bind_i64(lanes, 1, queue);
	int rc;
	while ((rc = sql_step(db, lanes, err)) > 0) {
		int64_t n, oldest_ms;
		if (number_of(db, SQL_LANE_FIGURES, sqlite3_column_int64(lanes, 0),
			    FIGURES_COUNT_MAX, &n, &oldest_ms, err) < 0)
			return -1;
		ret->ready += n;
		ret->at_least = ret->at_least || n == FIGURES_COUNT_MAX;
		if (n > 0 && (ret->oldest_ms == 0 || oldest_ms < ret->oldest_ms))
			ret->oldest_ms = oldest_ms;
	}
	return rc;
}

static int
read_all_quarantine(struct store_reader *reader, int64_t project, struct arena *arena,
	struct quarantine_entry **ret, size_t *ret_n, struct err *err)
{
	return read_rows_of(
		reader, SQL_QUARANTINE_OF, project, &quarantine_table, arena, ret, ret_n, err);
}

static int
read_all_retention(struct store_reader *reader, int64_t project, struct arena *arena,
	struct retention **ret, size_t *ret_n, struct err *err)
{
	return read_rows_of(
		reader, SQL_RETENTION_OF, project, &retention_table, arena, ret, ret_n, err);
}

static int
read_all_schedules(struct store_reader *reader, int64_t project, struct arena *arena,
	struct schedule **ret, size_t *ret_n, struct err *err)
{
	return read_rows_of(
		reader, SQL_SCHEDULES_OF, project, &schedule_table, arena, ret, ret_n, err);
}

static int
read_schedule_by_seq(struct store_reader *reader, int64_t seq, struct arena *arena,
	struct schedule **ret, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt =
		sql_get(db_of(reader), SQL_SCHEDULE_BY_SEQ, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, seq);
	return read_row(reader, stmt, &schedule_table, arena, ret, err);
}

static int
read_some_firings(struct store_reader *reader, int64_t schedule, int64_t before_ms,
	size_t limit, struct arena *arena, struct firing **ret, size_t *ret_n, struct err *err)
{
	sqlite3_stmt *stmt = sql_get(db_of(reader), SQL_FIRINGS_OF, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, schedule);
	sql_bind_i64(stmt, 2, before_ms);
	sql_bind_i64(stmt, 3, (int64_t)limit);
	return fetch_all(db_of(reader), stmt, &firing_table, arena, ret, ret_n, err);
}

static int
read_all_projects(struct store_reader *reader, struct arena *arena, struct project **ret,
	size_t *ret_n, struct err *err)
{
	sqlite3_stmt *stmt = sql_get(db_of(reader), SQL_PROJECTS, err);
	if (!stmt)
		return -1;
	return fetch_all(db_of(reader), stmt, &project_table, arena, ret, ret_n, err);
}

static int
read_all_workers(struct store_reader *reader, int64_t project, bool all, struct arena *arena,
	struct worker_row **ret, size_t *ret_n, struct err *err)
{
	sqlite3_stmt *stmt = sql_get(db_of(reader), SQL_WORKERS, err);
	if (!stmt)
		return -1;
	sql_bind_i64(stmt, 1, project);
	sql_bind_i64(stmt, 2, all);
	return fetch_all(db_of(reader), stmt, &worker_table, arena, ret, ret_n, err);
}

static int
fetch_token(sqlite3_stmt *stmt, struct arena *arena, struct token_row *ret, struct err *err)
{
	struct str name, role;
	const void *hash = sqlite3_column_blob(stmt, 0);
	if (!hash || sqlite3_column_bytes(stmt, 0) != (int)sizeof ret->hash)
		return err_set(err, ERR_CORRUPT, "a token's hash is damaged");
	memcpy(ret->hash, hash, sizeof ret->hash);
	if (fetch_str(stmt, 2, arena, &name, err) < 0 ||
		fetch_str(stmt, 3, arena, &role, err) < 0)
		return -1;
	ret->project = sqlite3_column_int64(stmt, 1);
	ret->name = name.p;
	ret->role = role.p;
	ret->created_ms = sqlite3_column_int64(stmt, 4);
	return 0;
}

static int
read_all_tokens(struct store_reader *reader, struct arena *arena, struct token_row **ret,
	size_t *ret_n, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db_of(reader), SQL_TOKENS, err);
	if (!stmt)
		return -1;
	UOW_ARRAY(struct token_row) tokens = { 0 };
	int rc;
	while ((rc = sql_step(db_of(reader), stmt, err)) > 0) {
		struct token_row token;
		if (fetch_token(stmt, arena, &token, err) < 0)
			return -1;
		UOW_PUSH_IN(arena, &tokens, token);
	}
	if (rc < 0)
		return -1;
	*ret = tokens.item;
	*ret_n = tokens.n;
	return 0;
}

/* ---- figures ---- */

static int
count_jobs(struct sqlite_db *db, struct store_stats *stats, struct err *err)
{
	_cleanup_(sql_resetp) sqlite3_stmt *stmt = sql_get(db, SQL_COUNTS, err);
	if (!stmt)
		return -1;
	int rc;
	while ((rc = sql_step(db, stmt, err)) > 0) {
		enum job_state state;
		const char *word = (const char *)sqlite3_column_text(stmt, 0);
		if (!word || job_state_parse(word, &state) < 0)
			return err_set(err, ERR_CORRUPT, "a count is of no known state");
		stats->jobs_by_state[state] = sqlite3_column_int64(stmt, 1);
	}
	return rc;
}

/* Of the log beside the file; 0 when there is none. */
static int64_t
log_bytes(const char *path)
{
	_cleanup_free_ char *name = xasprintf("%s-wal", path);
	struct stat st;
	return stat(name, &st) == 0 ? (int64_t)st.st_size : 0;
}

static int
read_figures(struct store_reader *reader, struct store_stats *ret, struct err *err)
{
	struct sqlite_db *db = db_of(reader);
	struct store_stats stats = { 0 };
	int64_t open;
	if (count_jobs(db, &stats, err) < 0 ||
		sql_number(db, SQL_RUNS_COUNT_OPEN, &open, err) < 0 ||
		sql_number(db, SQL_RUNS_COUNT_LEASED, &stats.runs_leased, err) < 0 ||
		sql_number(db, SQL_PAGES, &stats.bytes, err) < 0)
		return -1;
	stats.runs_waiting = open - stats.runs_leased;
	stats.bytes += log_bytes(reader_of(reader)->path);
	*ret = stats;
	return 0;
}

static const struct reader_ops reader_ops = {
	.close = reader_close,
	.begin = reader_begin,
	.end = reader_end,
	.jobs = sqlite_list_jobs,
	.job = read_one_job,
	.job_tests = read_tests,
	.job_options = read_options,
	.incarnations = read_all_incarnations,
	.runs = read_all_runs,
	.run = read_one_run,
	.run_result = read_result,
	.artifacts = read_all_artifacts,
	.artifact = read_one_artifact,
	.blob_in_use = read_blob_used,
	.events = read_event_page,
	.last_event_seq = read_last_event,
	.definitions = read_all_definitions,
	.definition = read_one_definition,
	.definition_revisions = read_all_revisions,
	.queues = read_all_queues,
	.queue_figures = queue_figures,
	.quarantine = read_all_quarantine,
	.schedules = read_all_schedules,
	.retention = read_all_retention,
	.schedule = read_schedule_by_seq,
	.firings = read_some_firings,
	.projects = read_all_projects,
	.workers = read_all_workers,
	.stats = read_figures,
	.stat_cells = sqlite_stat_cells,
	.history = sqlite_history,
	.known_test = sqlite_known_test,
	.error_class = sqlite_error_class,
	.job_counts = sqlite_job_counts,
	.tokens = read_all_tokens,
};

int
sqlite_reader_open(struct store_reader **ret, struct store *store, struct err *err)
{
	struct sqlite_reader *sqlite = xcalloc(1, sizeof *sqlite);
	_cleanup_(store_reader_closep) struct store_reader *reader = &sqlite->reader;
	reader->ops = &reader_ops;
	sqlite->path = xstrdup(sqlite_of(store)->path);

	char cache[40];
	snprintf(cache, sizeof cache, "PRAGMA cache_size = -%d", READER_CACHE_KIB);
	if (sqlite_db_open(&sqlite->db, sqlite->path, false, err) < 0)
		return -1;
	if (sqlite3_exec(sqlite->db.handle, cache, NULL, NULL, NULL) != SQLITE_OK)
		return sqlite_db_err(&sqlite->db, err);
	*ret = TAKE(reader);
	return 0;
}
