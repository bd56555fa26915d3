/* SPDX-License-Identifier: Apache-2.0 */
/* Loading a turn from memory. */
#include "store/memory.h"

#include <stdlib.h>
#include <string.h>

struct loader {
	const struct memory_db *db;
	struct uow *uow;
	struct err *err;
	size_t began;     /* uow->arena->used */
	size_t bytes_max; /* turn_keys.bytes_max */
	size_t n_claims;
};

/* Memory that the rows of this load take. */
static size_t
loaded_bytes(const struct loader *loader)
{
	return loader->uow->arena->used - loader->began;
}

/* True when nothing more is loaded of what is ready or due: notes that there is more. */
static bool
is_enough(struct loader *loader)
{
	bool enough = loader->bytes_max > 0 && loaded_bytes(loader) >= loader->bytes_max / 2;

	loader->uow->is_cut = loader->uow->is_cut || enough;
	return enough;
}

/* The same for one of n claims, that began to be loaded at so many bytes. */
static bool
is_enough_of_claim(struct loader *loader, size_t began, size_t n_claims)
{
	size_t share = loader->bytes_max / 2 / n_claims;
	bool enough = loader->bytes_max > 0 && loaded_bytes(loader) - began >= share;

	loader->uow->is_cut = loader->uow->is_cut || enough;
	return enough || is_enough(loader);
}

/* NULL: past the limit. */
static void *
load_row(struct loader *loader, const struct table *table, const void *row)
{
	if (loader->bytes_max > 0 && loaded_bytes(loader) >= loader->bytes_max)
		return NULL;
	return row_copy(table, row, loader->uow->arena);
}

/* Copies the job's runs in these states (set of 1 << state) into the uow. */
static int
load_runs_of(struct loader *loader, struct job *job, unsigned states)
{
	for (size_t i = 0; i < loader->db->runs.n; i++) {
		const struct run *row = loader->db->runs.item[i];
		if (row->job_seq != job->seq || !(states & 1u << row->state))
			continue;
		struct run *run = load_row(loader, &run_table, row);
		if (!run)
			return memory_no_room(loader->err);
		run->job = job;
		uow_add_run(loader->uow, run);
	}
	return 0;
}

static int
load_open_runs(struct loader *loader, struct job *job)
{
	job->runs_loaded = true;
	return load_runs_of(loader, job, 1u << RUN_WAITING | 1u << RUN_LEASED | 1u << RUN_HELD);
}

static int
add_job(struct loader *loader, const struct job *row, struct job **ret)
{
	*ret = uow_job_by_seq(loader->uow, row->seq);
	if (*ret)
		return 0;
	struct job *job = load_row(loader, &job_table, row);
	if (!job)
		return memory_no_room(loader->err);
	job->is_stored = true;
	job->stored_state = job->state;
	job->runs_loaded = job->running == 0;
	*ret = uow_add_job(loader->uow, job);
	if (job->layout)
		return load_open_runs(loader, job); /* its plan looks at all of them */
	return load_runs_of(loader, job, 1u << RUN_WAITING);
}

static int
add_run(struct loader *loader, const struct run *row, struct run **ret)
{
	*ret = uow_run(loader->uow, row->id);
	if (*ret)
		return 0;
	struct run *run = load_row(loader, &run_table, row);
	if (!run)
		return memory_no_room(loader->err);
	if (add_job(loader, memory_job(loader->db, row->job_seq), &run->job) < 0)
		return -1;
	*ret = uow_add_run(loader->uow, run);
	return 0;
}

static int
add_worker(struct loader *loader, const struct worker_row *row, struct worker_row **ret)
{
	struct uow *uow = loader->uow;
	*ret = uow_worker(uow, row->id);
	if (*ret)
		return 0;
	struct worker_row *worker = load_row(loader, &worker_table, row);
	if (!worker)
		return memory_no_room(loader->err);

	UOW_ARRAY(struct run *) runs = { 0 };
	for (size_t i = 0; i < loader->db->runs.n; i++) {
		const struct run *run_row = loader->db->runs.item[i];
		struct run *run;
		if (run_row->state != RUN_LEASED || !uuid_eq(&run_row->worker.u, &row->id.u))
			continue;
		if (add_run(loader, run_row, &run) < 0)
			return -1;
		UOW_PUSH(uow, &runs, run);
	}
	worker->runs = runs.item;
	worker->n_runs = runs.n;
	*ret = uow_add_worker(uow, worker);
	return 0;
}

static int
load_job(struct loader *loader, const struct job_id *id)
{
	const struct job *row = memory_job_by_id(loader->db, *id);
	struct job *job;
	if (!row)
		return 0;
	if (add_job(loader, row, &job) < 0)
		return -1;
	return load_open_runs(loader, job);
}

static int
load_run(struct loader *loader, const struct run_id *id)
{
	const struct run *row = memory_run_by_id(loader->db, *id);
	struct run *run;
	return row ? add_run(loader, row, &run) : 0;
}

static int
load_worker(struct loader *loader, const struct worker_id *id)
{
	for (size_t i = 0; i < loader->db->workers.n; i++) {
		const struct worker_row *row = loader->db->workers.item[i];
		struct worker_row *worker;
		if (uuid_eq(&row->id.u, &id->u))
			return add_worker(loader, row, &worker);
	}
	return 0;
}

static int
by_rank(const void *a, const void *b)
{
	const struct job *x = *(const struct job *const *)a;
	const struct job *y = *(const struct job *const *)b;
	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static int
by_due(const void *a, const void *b)
{
	const struct job *x = *(const struct job *const *)a;
	const struct job *y = *(const struct job *const *)b;
	if (x->due_ms != y->due_ms)
		return x->due_ms < y->due_ms ? -1 : 1;
	return (x->seq > y->seq) - (x->seq < y->seq);
}

static int
load_unique(struct loader *loader, const struct unique_key *key)
{
	for (size_t i = 0; i < loader->db->jobs.n; i++) {
		const struct job *row = loader->db->jobs.item[i];
		struct job *job;
		if (row->project != key->project || !row->unique_key ||
			row->unique_until_ms < 0 || strcmp(row->unique_key, key->key) != 0)
			continue;
		if (add_job(loader, row, &job) < 0)
			return -1;
		return job->runs_loaded ? 0 : load_open_runs(loader, job);
	}
	return 0;
}

static bool
is_claimed(const struct job *row, const struct claim_key *key)
{
	if (key->held)
		return row->held_key && strcmp(row->held_key, key->held) == 0;
	return row->ready && row->lane == key->lane;
}

static int
load_claim(struct loader *loader, const struct claim_key *key)
{
	UOW_ARRAY(const struct job *) ready = { 0 };
	for (size_t i = 0; i < loader->db->jobs.n; i++) {
		const struct job *row = loader->db->jobs.item[i];
		if (is_claimed(row, key))
			UOW_PUSH(loader->uow, &ready, row);
	}
	if (ready.n > 0)
		qsort(ready.item, ready.n, sizeof *ready.item, by_rank);
	size_t began = loaded_bytes(loader);
	for (size_t i = 0; i < ready.n && i < key->n; i++) {
		struct job *job;
		if (is_enough(loader) ||
			(i > 0 && is_enough_of_claim(loader, began, loader->n_claims)))
			return 0;
		if (add_job(loader, ready.item[i], &job) < 0)
			return -1;
	}
	return 0;
}

static int
load_children(struct loader *loader, const struct parent_key *key)
{
	size_t n = 0;
	for (size_t i = 0; i < loader->db->jobs.n && n < key->n; i++) {
		const struct job *row = loader->db->jobs.item[i];
		struct job *job;
		if (!uuid_eq(&row->parent.u, &key->flow.u))
			continue;
		if (is_enough(loader))
			return 0;
		if (add_job(loader, row, &job) < 0 || load_open_runs(loader, job) < 0)
			return -1;
		n++;
	}
	return 0;
}

static int
load_definition(struct loader *loader, const struct def_key *key)
{
	struct uow *uow = loader->uow;
	const struct definition *row = memory_definition(loader->db, key);
	if (!row)
		return 0;
	for (size_t i = 0; i < uow->defs.n; i++) {
		if (uow->defs.item[i]->seq == row->seq)
			return 0;
	}
	struct definition *def = row_copy(&definition_table, row, uow->arena);
	if (!def)
		return memory_no_room(loader->err);
	UOW_PUSH(uow, &uow->defs, def);
	return 0;
}

static int
load_idem(struct loader *loader, const struct idem_key *key)
{
	struct uow *uow = loader->uow;
	for (size_t i = 0; i < loader->db->idems.n; i++) {
		const struct idem *row = loader->db->idems.item[i];
		if (row->project != key->project || !str_eq(row->key, key->key))
			continue;
		struct idem *idem = arena_memdup(uow->arena, row, sizeof *row);
		if (!idem)
			return memory_no_room(loader->err);
		idem->key = key->key;
		idem->ids = arena_memdup(uow->arena, row->ids, row->n_ids * sizeof *row->ids);
		if (!idem->ids)
			return memory_no_room(loader->err);
		UOW_PUSH(uow, &uow->idems, idem);
	}
	return 0;
}

static int
load_due_jobs(struct loader *loader, const struct turn_keys *keys)
{
	struct uow *uow = loader->uow;
	UOW_ARRAY(const struct job *) due = { 0 };
	for (size_t i = 0; i < loader->db->jobs.n; i++) {
		const struct job *row = loader->db->jobs.item[i];
		if (row->due_ms > 0 && row->due_ms <= keys->due_ms)
			UOW_PUSH(uow, &due, row);
	}
	if (due.n > 0)
		qsort(due.item, due.n, sizeof *due.item, by_due);
	for (size_t i = 0; i < due.n && i < keys->due_max && !is_enough(loader); i++) {
		struct job *job;
		if (add_job(loader, due.item[i], &job) < 0 || load_open_runs(loader, job) < 0)
			return -1;
		UOW_PUSH(uow, &uow->due_jobs, job);
	}
	return 0;
}

static int
by_lease_end(const void *a, const void *b)
{
	const struct worker_row *x = *(const struct worker_row *const *)a;
	const struct worker_row *y = *(const struct worker_row *const *)b;
	if (x->lease_until_ms != y->lease_until_ms)
		return x->lease_until_ms < y->lease_until_ms ? -1 : 1;
	return uuid_cmp(&x->id.u, &y->id.u);
}

static int
load_due_workers(struct loader *loader, const struct turn_keys *keys)
{
	struct uow *uow = loader->uow;
	UOW_ARRAY(const struct worker_row *) due = { 0 };
	for (size_t i = 0; i < loader->db->workers.n; i++) {
		const struct worker_row *row = loader->db->workers.item[i];
		bool is_due = row->lease_until_ms > 0 && row->lease_until_ms <= keys->due_ms;
		if (is_due && memory_has_leased_runs(loader->db, row))
			UOW_PUSH(uow, &due, row);
	}
	if (due.n > 0)
		qsort(due.item, due.n, sizeof *due.item, by_lease_end);
	for (size_t i = 0; i < due.n && i < keys->due_max && !is_enough(loader); i++) {
		struct worker_row *worker;
		if (add_worker(loader, due.item[i], &worker) < 0)
			return -1;
		UOW_PUSH(uow, &uow->due_workers, worker);
	}
	return 0;
}

#define LOAD_EACH(loader, keys, load)                     \
	for (size_t i = 0; i < (keys)->n; i++) {          \
		if (load((loader), &(keys)->item[i]) < 0) \
			return -1;                        \
	}

int
memory_load(struct store *store, const struct turn_keys *keys, struct uow *uow, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	struct loader loader = { .db = db,
		.uow = uow,
		.err = err,
		.began = uow->arena->used,
		.bytes_max = keys->bytes_max,
		.n_claims = keys->claims.n };
	uow->next_job_seq = db->next_job_seq;
	uow->next_run_seq = db->next_run_seq;
	uow->next_def_seq = db->next_def_seq;
	uow->next_event_seq = db->next_event_seq;

	LOAD_EACH(&loader, &keys->jobs, load_job)
	LOAD_EACH(&loader, &keys->runs, load_run)
	LOAD_EACH(&loader, &keys->workers, load_worker)
	if (keys->due_ms > 0 &&
		(load_due_jobs(&loader, keys) < 0 || load_due_workers(&loader, keys) < 0))
		return -1;
	LOAD_EACH(&loader, &keys->claims, load_claim)
	LOAD_EACH(&loader, &keys->parents, load_children)
	LOAD_EACH(&loader, &keys->defs, load_definition)
	LOAD_EACH(&loader, &keys->idems, load_idem)
	LOAD_EACH(&loader, &keys->uniques, load_unique)
	for (size_t i = 0; i < keys->new_runs.n; i++) {
		if (memory_run_by_id(db, keys->new_runs.item[i]))
			UOW_PUSH(uow, &uow->taken, keys->new_runs.item[i]);
	}
	return 0;
}

static int
load_test(const struct memory_db *db, const struct test_key *key, struct arena *arena,
	struct job_test *ret, struct err *err)
{
	*ret = (struct job_test) { .job_seq = key->job_seq, .index = key->index };
	for (size_t i = 0; i < db->tests.n; i++) {
		const struct job_test *row = db->tests.item[i];
		if (row->job_seq != key->job_seq || row->index != key->index)
			continue;
		const struct job_test *copy = row_copy(&job_test_table, row, arena);
		if (!copy)
			return memory_no_room(err);
		*ret = *copy;
	}
	return 0;
}

static int
load_options(const struct memory_db *db, const struct test_key *key, struct arena *arena,
	struct job_options *ret, struct err *err)
{
	*ret = (struct job_options) { .job_seq = key->job_seq };
	for (size_t i = 0; i < db->options.n; i++) {
		const struct job_options *row = db->options.item[i];
		if (row->job_seq != key->job_seq)
			continue;
		const struct job_options *copy = row_copy(&job_options_table, row, arena);
		if (!copy)
			return memory_no_room(err);
		*ret = *copy;
	}
	return 0;
}

static void
load_result(const struct memory_db *db, int64_t run_seq, struct arena *arena, struct str *ret)
{
	for (size_t i = 0; run_seq > 0 && i < db->results.n; i++) {
		if (db->results.item[i].run_seq == run_seq)
			*ret = str_of(arena_strdup(arena, db->results.item[i].body));
	}
}

int
memory_load_tests(struct store *store, const struct test_key *keys, size_t n,
	struct arena *arena, struct job_test *ret_tests, struct job_options *ret_options,
	struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	for (size_t i = 0; i < n; i++) {
		if (load_test(db, &keys[i], arena, &ret_tests[i], err) < 0 ||
			load_options(db, &keys[i], arena, &ret_options[i], err) < 0)
			return -1;
		for (int k = 0; k < RESULTS_PER_LEASE; k++)
			load_result(db, keys[i].results[k], arena, &ret_tests[i].results[k]);
	}
	return 0;
}
