/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in memory, for the simulator and for tests: databases by name, rows by key,
 * loading.
 *
 * A database outlives its handles until store_memory_forget(), so a program that "crashes"
 * finds what it had committed. One lock for each database stands for its transactions.
 */
#include "store/memory.h"

#include <string.h>

#include "base/mem.h"

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct memory_db *registry; /* every database that has a name */

/* ---- rows ---- */

void *
memory_grow(void *items, size_t item_size, size_t n, size_t *cap)
{
	if (n < *cap)
		return items;
	*cap = *cap > 0 ? *cap * 2 : 16;
	return xreallocarray(items, *cap, item_size);
}

void
rows_add(struct rows *rows, const void *row)
{
	MEMORY_PUSH(rows, row_dup(rows->table, row));
}

void
rows_replace(struct rows *rows, size_t at, const void *row)
{
	void *old = rows->item[at];

	rows->item[at] = row_dup(rows->table, row); /* its texts may be the old row's */
	free(old);
}

void
rows_remove(struct rows *rows, size_t at)
{
	free(rows->item[at]);
	memmove(&rows->item[at], &rows->item[at + 1], (rows->n - at - 1) * sizeof *rows->item);
	rows->n--;
}

void
rows_deinit(struct rows *rows)
{
	for (size_t i = 0; i < rows->n; i++)
		free(rows->item[i]);
	free(rows->item);
	*rows = (struct rows) { .table = rows->table };
}

static int64_t
seq_of(const struct rows *rows, size_t at)
{
	int64_t seq;
	memcpy(&seq, (const char *)rows->item[at] + rows->table->columns[0].offset, sizeof seq);
	return seq;
}

size_t
memory_find_seq(const struct rows *rows, int64_t seq)
{
	size_t low = 0;
	size_t high = rows->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (seq_of(rows, middle) < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low < rows->n && seq_of(rows, low) == seq ? low : rows->n;
}

static void *
row_by_seq(const struct rows *rows, int64_t seq)
{
	size_t at = memory_find_seq(rows, seq);
	return at < rows->n ? rows->item[at] : NULL;
}

struct job *
memory_job(const struct memory_db *db, int64_t seq)
{
	return row_by_seq(&db->jobs, seq);
}

struct job *
memory_job_by_id(const struct memory_db *db, struct job_id id)
{
	return memory_job(db, (int64_t)(intptr_t)map_get(&db->job_seqs, &id, sizeof id));
}

struct run *
memory_run(const struct memory_db *db, int64_t seq)
{
	return row_by_seq(&db->runs, seq);
}

struct run *
memory_run_by_id(const struct memory_db *db, struct run_id id)
{
	return memory_run(db, (int64_t)(intptr_t)map_get(&db->run_seqs, &id, sizeof id));
}

struct definition *
memory_definition(const struct memory_db *db, const struct def_key *key)
{
	bool by_name = uuid_is_zero(&key->id.u);
	for (size_t i = 0; i < db->defs.n; i++) {
		struct definition *def = db->defs.item[i];
		if (def->project != key->project || def->kind != key->kind)
			continue;
		if (by_name ? strcmp(def->name, key->name) == 0
			    : uuid_eq(&def->id.u, &key->id.u))
			return def;
	}
	return NULL;
}

/* ---- databases ---- */

struct memory_db *
memory_lock(struct memory_db *db)
{
	(void)pthread_mutex_lock(&db->lock);
	return db;
}

/* As the first migration of the table makes it. */
static void
add_default_project(struct memory_db *db)
{
	const struct project project = {
		.seq = PROJECT_DEFAULT,
		.id = { { [6] = 0x70, [8] = 0x80, [15] = 1 } },
		.name = "default",
		.body = "{}",
		.revision = 1,
	};

	rows_add(&db->projects, &project);
}

static struct memory_db *
db_new(const char *name)
{
	struct memory_db *db = xcalloc(1, sizeof *db);
	db->name = xstrdup(name);
	(void)pthread_mutex_init(&db->lock, NULL);
	db->jobs.table = &job_table;
	db->runs.table = &run_table;
	db->tests.table = &job_test_table;
	db->options.table = &job_options_table;
	db->incarnations.table = &incarnation_table;
	db->artifacts.table = &artifact_table;
	db->defs.table = db->old_defs.table = &definition_table;
	db->queues.table = &queue_table;
	db->lanes.table = &lane_table;
	db->workers.table = &worker_table;
	db->quarantine.table = &quarantine_table;
	db->schedules.table = &schedule_table;
	db->retention.table = &retention_table;
	db->firings.table = &firing_table;
	db->stats.table = &stat_table;
	db->known_tests.table = &known_test_table;
	db->error_classes.table = &error_class_table;
	db->projects.table = &project_table;
	add_default_project(db);
	map_init(&db->job_seqs, MAP_KEYS_COPIED);
	map_init(&db->run_seqs, MAP_KEYS_COPIED);
	db->next_job_seq = db->next_run_seq = db->next_def_seq = db->next_event_seq = 1;
	return db;
}

static void
db_free(struct memory_db *db)
{
	struct rows *const all[] = {
		&db->jobs,
		&db->runs,
		&db->tests,
		&db->options,
		&db->incarnations,
		&db->artifacts,
		&db->defs,
		&db->old_defs,
		&db->queues,
		&db->lanes,
		&db->workers,
		&db->quarantine,
		&db->schedules,
		&db->retention,
		&db->firings,
		&db->stats,
		&db->known_tests,
		&db->error_classes,
		&db->projects,
	};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		rows_deinit(all[i]);
	for (size_t i = 0; i < db->events.n; i++)
		free(db->events.item[i]);
	for (size_t i = 0; i < db->idems.n; i++)
		free(db->idems.item[i]);
	for (size_t i = 0; i < db->results.n; i++)
		free(db->results.item[i].body);
	for (size_t i = 0; i < db->tokens.n; i++)
		free(db->tokens.item[i]);
	free(db->events.item);
	free(db->idems.item);
	for (size_t i = 0; i < db->buckets.n; i++)
		free((char *)(uintptr_t)db->buckets.item[i].name);
	free(db->buckets.item);
	free(db->results.item);
	free(db->tokens.item);
	free(db->staged.item);
	map_deinit(&db->job_seqs);
	map_deinit(&db->run_seqs);
	(void)pthread_mutex_destroy(&db->lock);
	free(db->name);
	free(db);
}

/* Finds or makes the database and counts a handle. */
static struct memory_db *
db_take(const char *name)
{
	(void)pthread_mutex_lock(&registry_lock);
	struct memory_db *db = registry;
	while (db && strcmp(db->name, name) != 0)
		db = db->next;
	if (!db) {
		db = db_new(name);
		db->next = registry;
		registry = db;
	}
	db->n_handles++;
	(void)pthread_mutex_unlock(&registry_lock);
	return db;
}

static void
db_release(struct memory_db *db)
{
	(void)pthread_mutex_lock(&registry_lock);
	bool is_last = --db->n_handles == 0 && db->is_forgotten;
	(void)pthread_mutex_unlock(&registry_lock);
	if (is_last)
		db_free(db);
}

void
store_memory_forget(const char *name)
{
	(void)pthread_mutex_lock(&registry_lock);
	struct memory_db **slot = &registry;
	while (*slot && strcmp((*slot)->name, name) != 0)
		slot = &(*slot)->next;
	struct memory_db *db = *slot;
	bool is_unused = false;
	if (db) {
		*slot = db->next;
		db->is_forgotten = true;
		is_unused = db->n_handles == 0;
	}
	(void)pthread_mutex_unlock(&registry_lock);
	if (is_unused)
		db_free(db);
}

/* ---- start ---- */

int
memory_no_room(struct err *err)
{
	return err_set(err, ERR_LIMIT, "more rows than the memory of one request");
}

/* Every row as an array of structs in the arena. */
static void *
copy_rows(const struct rows *rows, struct arena *arena)
{
	char *all = arena_calloc(arena, rows->n > 0 ? rows->n : 1, rows->table->row_bytes);
	for (size_t i = 0; all && i < rows->n; i++) {
		const void *copy = row_copy(rows->table, rows->item[i], arena);
		if (!copy)
			return NULL;
		memcpy(all + i * rows->table->row_bytes, copy, rows->table->row_bytes);
	}
	return all;
}

bool
memory_has_leased_runs(const struct memory_db *db, const struct worker_row *worker)
{
	for (size_t i = 0; i < db->runs.n; i++) {
		const struct run *run = db->runs.item[i];
		if (run->state == RUN_LEASED && uuid_eq(&run->worker.u, &worker->id.u))
			return true;
	}
	return false;
}

static int64_t
earlier(int64_t a, int64_t b)
{
	if (a == 0 || b == 0)
		return a + b;
	return a < b ? a : b;
}

static int64_t
next_due(const struct memory_db *db)
{
	int64_t due_ms = 0;
	for (size_t i = 0; i < db->jobs.n; i++)
		due_ms = earlier(due_ms, ((const struct job *)db->jobs.item[i])->due_ms);
	for (size_t i = 0; i < db->workers.n; i++) {
		const struct worker_row *worker = db->workers.item[i];
		if (worker->lease_until_ms > 0 && memory_has_leased_runs(db, worker))
			due_ms = earlier(due_ms, worker->lease_until_ms);
	}
	return due_ms;
}

static void
boot_lanes(const struct memory_db *db, struct store_boot *boot)
{
	for (size_t i = 0; i < db->jobs.n; i++) {
		const struct job *job = db->jobs.item[i];
		for (size_t k = 0; job->ready && k < boot->n_lanes; k++) {
			if (boot->lanes[k].id == job->lane)
				boot->lanes[k].maybe_ready = true;
		}
	}
}

static void
boot_queues(const struct memory_db *db, struct store_boot *boot)
{
	for (size_t i = 0; i < db->runs.n; i++) {
		const struct run *run = db->runs.item[i];
		if (run->state != RUN_LEASED)
			continue;
		const struct job *job = memory_job(db, run->job_seq);
		for (size_t k = 0; k < boot->n_queues; k++) {
			if (boot->queues[k].id == job->queue)
				boot->queues[k].running++;
		}
	}
}

static const struct job *
keyed_job(const struct memory_db *db, const struct run *run)
{
	const struct job *job = memory_job(db, run->job_seq);

	return run->state == RUN_LEASED && job->keys && *job->keys ? job : NULL;
}

/* One entry for each run; texts are copied because the lock is let go. */
static void
boot_keys(const struct memory_db *db, struct arena *arena, struct store_boot *boot)
{
	UOW_ARRAY(struct boot_keys) keyed = { 0 };
	UOW_ARRAY(const char *) held = { 0 };
	UOW_ARRAY(struct bucket) buckets = { 0 };
	for (size_t i = 0; i < db->runs.n; i++) {
		const struct job *job = keyed_job(db, db->runs.item[i]);
		if (!job)
			continue;
		struct boot_keys row = { job->queue, arena_strdup(arena, job->keys), 1 };
		UOW_PUSH_IN(arena, &keyed, row);
	}
	for (size_t i = 0; i < db->jobs.n; i++) {
		const struct job *job = db->jobs.item[i];
		if (job->held_key)
			UOW_PUSH_IN(arena, &held, arena_strdup(arena, job->held_key));
	}
	for (size_t i = 0; i < db->buckets.n; i++) {
		struct bucket row = { arena_strdup(arena, db->buckets.item[i].name),
			db->buckets.item[i].full_us };
		UOW_PUSH_IN(arena, &buckets, row);
	}
	boot->keyed = keyed.item;
	boot->n_keyed = keyed.n;
	boot->held = held.item;
	boot->n_held = held.n;
	boot->buckets = buckets.item;
	boot->n_buckets = buckets.n;
}

static bool
has_id(const struct job_id *ids, size_t n, struct job_id id)
{
	for (size_t i = 0; i < n; i++) {
		if (uuid_eq(&ids[i].u, &id.u))
			return true;
	}
	return false;
}

static void
boot_flows(const struct memory_db *db, struct arena *arena, struct store_boot *boot)
{
	UOW_ARRAY(struct job_id) flows = { 0 }, orphans = { 0 };
	for (size_t i = 0; i < db->jobs.n; i++) {
		const struct job *job = db->jobs.item[i];
		if (job->flow && !job_state_is_final(job->state))
			UOW_PUSH_IN(arena, &flows, job->id);
		if (!uuid_is_zero(&job->parent.u) && !memory_job_by_id(db, job->parent) &&
			!has_id(orphans.item, orphans.n, job->parent))
			UOW_PUSH_IN(arena, &orphans, job->parent);
	}
	boot->flows = flows.item;
	boot->n_flows = flows.n;
	boot->orphans = orphans.item;
	boot->n_orphans = orphans.n;
}

static void
boot_workers(struct store_boot *boot)
{
	size_t n = 0;
	for (size_t i = 0; i < boot->n_workers; i++) {
		enum worker_state state = boot->workers[i].state;
		if (state == WORKER_ONLINE || state == WORKER_DRAINING)
			boot->workers[n++] = boot->workers[i];
	}
	boot->n_workers = n;
}

static int64_t
now_floor(const struct memory_db *db)
{
	int64_t floor_ms = 0;
	for (size_t i = 0; i < db->jobs.n; i++) {
		const struct job *job = db->jobs.item[i];
		if (job->updated_ms > floor_ms)
			floor_ms = job->updated_ms;
	}
	for (size_t i = 0; i < db->events.n; i++) {
		const struct event *event = db->events.item[i];
		if (!event_type_from_worker(event->type) && event->at_ms > floor_ms)
			floor_ms = event->at_ms;
	}
	return floor_ms;
}

static int
memory_boot(struct store *store, struct arena *arena, struct store_boot *ret, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	struct uow left = { .arena = arena };

	memory_drop_staged(db, &left);
	struct store_boot boot = {
		.lanes = copy_rows(&db->lanes, arena),
		.n_lanes = db->lanes.n,
		.queues = copy_rows(&db->queues, arena),
		.n_queues = db->queues.n,
		.workers = copy_rows(&db->workers, arena),
		.n_workers = db->workers.n,
		.quarantine = copy_rows(&db->quarantine, arena),
		.n_quarantine = db->quarantine.n,
		.schedules = copy_rows(&db->schedules, arena),
		.n_schedules = db->schedules.n,
		.retention = copy_rows(&db->retention, arena),
		.n_retention = db->retention.n,
		.projects = copy_rows(&db->projects, arena),
		.n_projects = db->projects.n,
		.next_due_ms = next_due(db),
		.now_floor_ms = now_floor(db),
	};
	if (!boot.lanes || !boot.queues || !boot.workers || !boot.quarantine ||
		!boot.schedules || !boot.retention || !boot.projects)
		return memory_no_room(err);
	boot_lanes(db, &boot);
	boot_queues(db, &boot);
	boot_keys(db, arena, &boot);
	boot_flows(db, arena, &boot);
	boot_workers(&boot);
	*ret = boot;
	return 0;
}

/* ---- the rest of the writing side ---- */

static int
memory_next_due(struct store *store, int64_t *ret_ms, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	(void)err;
	*ret_ms = next_due(db);
	return 0;
}

static int
memory_count_ahead(struct store *store, int64_t lane, int64_t rank, int64_t seq, int64_t max,
	int64_t *ret, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	int64_t n = 0;
	(void)err;
	for (size_t i = 0; i < db->jobs.n && n < max; i++) {
		const struct job *job = db->jobs.item[i];
		bool is_before = job->rank > rank || (job->rank == rank && job->seq < seq);
		n += job->ready && job->lane == lane && is_before;
	}
	*ret = n;
	return 0;
}

static int
memory_count_due(struct store *store, int64_t queue, int64_t max, int64_t *ret, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	int64_t n = 0;
	(void)err;
	for (size_t i = 0; i < db->jobs.n && n < max; i++) {
		const struct job *job = db->jobs.item[i];
		n += job->queue == queue && job->due_ms > 0 && !job->flow &&
			job->state <= JOB_RUNNING;
	}
	*ret = n;
	return 0;
}

/* A deleted job left nothing. */
static int
memory_purge_deleted(struct store *store, size_t max, struct uow *uow, struct err *err)
{
	(void)store, (void)max, (void)uow, (void)err;
	return 0;
}

/* Rows of a deleted project while *left lasts; `project` is where their number of it is. */
static void
drop_of_project(struct rows *rows, size_t project, int64_t seq, size_t *left)
{
	for (size_t i = rows->n; i-- > 0 && *left > 0;) {
		int64_t own;
		memcpy(&own, (const char *)rows->item[i] + project, sizeof own);
		if (own != seq)
			continue;
		rows_remove(rows, i);
		--*left;
	}
}

static void
drop_gone_workers(struct memory_db *db, int64_t project, size_t *left)
{
	for (size_t i = db->workers.n; i-- > 0 && *left > 0;) {
		const struct worker_row *row = db->workers.item[i];
		if (row->project != project || memory_has_leased_runs(db, row) ||
			(row->state != WORKER_GONE && row->state != WORKER_LOST))
			continue;
		rows_remove(&db->workers, i);
		--*left;
	}
}

/* The same of an array of rows that are one allocation each. */
#define DROP_OF_PROJECT(array, seq, left)                                         \
	do {                                                                      \
		size_t kept_ = 0;                                                 \
		for (size_t i = 0; i < (array)->n; i++) {                         \
			if ((array)->item[i]->project != (seq) || *(left) == 0) { \
				(array)->item[kept_++] = (array)->item[i];        \
				continue;                                         \
			}                                                         \
			free((array)->item[i]);                                   \
			--*(left);                                                \
		}                                                                 \
		(array)->n = kept_;                                               \
	} while (0)

static int
memory_purge_project(struct store *store, int64_t project, size_t max, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	size_t left = max;
	(void)err;
	drop_of_project(&db->stats, offsetof(struct stat_cell, project), project, &left);
	drop_of_project(&db->known_tests, offsetof(struct known_test, project), project, &left);
	drop_of_project(
		&db->error_classes, offsetof(struct error_class, project), project, &left);
	DROP_OF_PROJECT(&db->idems, project, &left);
	DROP_OF_PROJECT(&db->events, project, &left);
	drop_gone_workers(db, project, &left);
	return left == 0 ? STORE_MORE : 0;
}

static int
memory_purge_workers(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	size_t n = 0;
	(void)err;
	for (size_t i = db->workers.n; i-- > 0 && n < max;) {
		const struct worker_row *row = db->workers.item[i];
		if ((row->state != WORKER_GONE && row->state != WORKER_LOST) ||
			row->seen_ms >= before_ms)
			continue;
		rows_remove(&db->workers, i);
		n++;
	}
	return max > 0 && n == max ? STORE_MORE : 0;
}

static int
memory_purge_idem(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	size_t kept = 0, dropped = 0;
	(void)err;
	for (size_t i = 0; i < db->idems.n; i++) {
		struct idem *idem = db->idems.item[i];
		if (idem->created_ms < before_ms && dropped < max) {
			free(idem);
			dropped++;
		} else {
			db->idems.item[kept++] = idem;
		}
	}
	db->idems.n = kept;
	return max > 0 && dropped == max ? STORE_MORE : 0;
}

static int
memory_token_put(struct store *store, const struct token_row *token, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	struct str name = str_of(token->name);
	struct str role = str_of(token->role);
	(void)err;
	struct token_row *row = xcalloc(1, sizeof *row + name.n + role.n + 2);
	char *text = (char *)(row + 1);
	*row = *token;
	if (name.p)
		row->name = memcpy(text, name.p, name.n);
	if (role.p)
		row->role = memcpy(text + name.n + 1, role.p, role.n);

	for (size_t i = 0; i < db->tokens.n; i++) {
		struct token_row **slot = &db->tokens.item[i];
		if (memcmp((*slot)->hash, row->hash, sizeof row->hash) == 0) {
			free(*slot);
			*slot = row;
			return 0;
		}
	}
	MEMORY_PUSH(&db->tokens, row);
	return 0;
}

static int
memory_check(struct store *store, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	for (size_t i = 0; i < db->runs.n; i++) {
		const struct run *run = db->runs.item[i];
		if (!memory_job(db, run->job_seq) && !memory_is_staged(db, run->job_seq))
			return err_set(
				err, ERR_CORRUPT, "run %lld has no job", (long long)run->seq);
	}
	return 0;
}

static struct store *
memory_close(struct store *store)
{
	db_release(memory_db_of(store));
	free(container_of(store, struct memory_store, store));
	return NULL;
}

static const struct store_ops memory_ops = {
	.close = memory_close,
	.boot = memory_boot,
	.load = memory_load,
	.load_tests = memory_load_tests,
	.save = memory_save,
	.load_units = memory_load_units,
	.load_backlog = memory_load_backlog,
	.next_due = memory_next_due,
	.count_ahead = memory_count_ahead,
	.count_due = memory_count_due,
	.purge_idem = memory_purge_idem,
	.purge_deleted = memory_purge_deleted,
	.purge_project = memory_purge_project,
	.purge_workers = memory_purge_workers,
	.purge_hours = memory_purge_hours,
	.token_put = memory_token_put,
	.check = memory_check,
	.reader_open = memory_reader_open,
};

int
store_open_memory(struct store **ret, const char *name, struct err *err)
{
	(void)err;
	struct memory_store *memory = xcalloc(1, sizeof *memory);
	memory->store.ops = &memory_ops;
	memory->db = db_take(name);
	*ret = &memory->store;
	return 0;
}
