/* SPDX-License-Identifier: Apache-2.0 */
/* Saving in memory: first everything is checked, then everything is done, so a turn is whole.
 */
#include "store/memory.h"

#include <string.h>

#include "base/mem.h"

/* ---- would it fit? ---- */

static bool
job_fits(const struct memory_db *db, const struct job *job)
{
	const struct job *row = memory_job(db, job->seq);
	switch (job->change) {
	case ROW_CLEAN:
		return true;
	case ROW_NEW:
		return !row && !memory_job_by_id(db, job->id);
	case ROW_CHANGED:
		return row && row->version == job->version;
	case ROW_DELETED:
		return !job->is_stored || (row && row->version == job->version);
	}
	return false;
}

/* A job that takes a unique key finds no other that keeps it. */
static bool
unique_fits(const struct memory_db *db, const struct uow *uow, const struct job *job)
{
	if (job->change != ROW_NEW || !job->unique_key || job->unique_until_ms < 0)
		return true;
	for (size_t i = 0; i < db->jobs.n; i++) {
		const struct job *row = db->jobs.item[i];
		const struct job *now = uow_job_by_seq(uow, row->seq);
		if (!row->unique_key || row->unique_until_ms < 0 ||
			row->project != job->project ||
			strcmp(row->unique_key, job->unique_key) != 0)
			continue;
		if (!now || (now->unique_until_ms >= 0 && now->change != ROW_DELETED))
			return false;
	}
	return true;
}

static bool
run_fits(const struct memory_db *db, const struct run *run)
{
	if (run->change == ROW_CLEAN || run->job->change == ROW_DELETED)
		return true;
	const struct run *row = memory_run(db, run->seq);
	if (run->change == ROW_NEW)
		return !row && !memory_run_by_id(db, run->id);
	return row && row->version == run->version;
}

/* What a definition is when the changes before the one at `at` have been made; NULL: not there.
 */
static const struct definition *
definition_before(const struct memory_db *db, const struct uow *uow, size_t at,
	const struct definition *row)
{
	for (size_t i = at; i-- > 0;) {
		const struct definition *def = uow->defs.item[i];
		if (def->seq == row->seq && def->change != ROW_CLEAN)
			return def->change == ROW_DELETED ? NULL : def;
	}
	size_t found = memory_find_seq(&db->defs, row->seq);
	return found < db->defs.n ? db->defs.item[found] : NULL;
}

static bool
has_name(const struct definition *def, const struct definition *other)
{
	return def && def->seq != other->seq && def->project == other->project &&
		def->kind == other->kind && strcmp(def->name, other->name) == 0;
}

static bool
definition_fits(const struct memory_db *db, const struct uow *uow, size_t at)
{
	const struct definition *def = uow->defs.item[at];
	if (def->change == ROW_CLEAN || def->change == ROW_DELETED)
		return true;

	for (size_t i = 0; i < db->defs.n; i++) {
		const struct definition *row = db->defs.item[i];
		if (has_name(definition_before(db, uow, at, row), def))
			return false;
	}
	for (size_t i = 0; i < at; i++) {
		const struct definition *row = uow->defs.item[i];
		if (has_name(definition_before(db, uow, at, row), def))
			return false;
	}
	const struct definition *before = definition_before(db, uow, at, def);
	if (def->change == ROW_NEW)
		return !before;
	return before && before->revision == def->revision - 1;
}

static bool
lane_fits(const struct memory_db *db, const struct lane *lane)
{
	for (size_t i = 0; i < db->lanes.n; i++) {
		const struct lane *row = db->lanes.item[i];
		bool is_same = row->project == lane->project && row->queue == lane->queue &&
			strcmp(row->kind, lane->kind) == 0 &&
			strcmp(row->labels, lane->labels) == 0 &&
			strcmp(row->needs, lane->needs) == 0 &&
			strcmp(row->fair, lane->fair) == 0;
		if (is_same || row->id == lane->id)
			return false;
	}
	return true;
}

static bool
queue_fits(const struct memory_db *db, const struct queue *queue)
{
	for (size_t i = 0; i < db->queues.n; i++) {
		const struct queue *row = db->queues.item[i];
		if (row->id != queue->id && row->project == queue->project &&
			strcmp(row->name, queue->name) == 0)
			return false;
	}
	return true;
}

static bool
schedule_fits(const struct memory_db *db, const struct schedule *schedule)
{
	size_t at = memory_find_seq(&db->schedules, schedule->seq);
	const struct schedule *row = at < db->schedules.n ? db->schedules.item[at] : NULL;

	if (schedule->change == ROW_DELETED)
		return true;
	return schedule->change == ROW_NEW ? !row
					   : row && row->version == schedule->version - 1;
}

/* There is at most one of an occurrence. */
static bool
firing_fits(const struct memory_db *db, const struct firing *firing)
{
	for (size_t i = 0; i < db->firings.n; i++) {
		const struct firing *row = db->firings.item[i];
		if (row->schedule == firing->schedule && row->at_ms == firing->at_ms)
			return false;
	}
	return true;
}

static bool
turn_fits(const struct memory_db *db, const struct uow *uow)
{
	bool fits = uow->events.n == 0 || uow->events.item[0].seq >= db->next_event_seq;
	for (size_t i = 0; fits && i < uow->jobs.n; i++)
		fits = job_fits(db, uow->jobs.item[i]) &&
			unique_fits(db, uow, uow->jobs.item[i]);
	for (size_t i = 0; fits && i < uow->runs.n; i++)
		fits = run_fits(db, uow->runs.item[i]);
	for (size_t i = 0; fits && i < uow->defs.n; i++)
		fits = definition_fits(db, uow, i);
	for (size_t i = 0; fits && i < uow->new_lanes.n; i++)
		fits = lane_fits(db, uow->new_lanes.item[i]);
	for (size_t i = 0; fits && i < uow->changed_queues.n; i++)
		fits = queue_fits(db, uow->changed_queues.item[i]);
	for (size_t i = 0; fits && i < uow->schedules.n; i++)
		fits = schedule_fits(db, uow->schedules.item[i]);
	for (size_t i = 0; fits && i < uow->firings.n; i++)
		fits = firing_fits(db, &uow->firings.item[i]);
	return fits;
}

/* ---- jobs and what belongs to them ---- */

/* Removes the rows whose number at `offset` is `key`. */
static void
remove_where(struct rows *rows, size_t offset, int64_t key)
{
	size_t kept = 0;
	for (size_t i = 0; i < rows->n; i++) {
		int64_t value;
		memcpy(&value, (const char *)rows->item[i] + offset, sizeof value);
		if (value == key)
			free(rows->item[i]);
		else
			rows->item[kept++] = rows->item[i];
	}
	rows->n = kept;
}

static void
delete_events(struct memory_db *db, int64_t job_seq)
{
	size_t kept = 0;
	for (size_t i = 0; i < db->events.n; i++) {
		struct event *event = db->events.item[i];
		if (event->job_seq == job_seq)
			free(event);
		else
			db->events.item[kept++] = event;
	}
	db->events.n = kept;
}

static void
delete_results(struct memory_db *db, int64_t job_seq)
{
	size_t kept = 0;
	for (size_t i = 0; i < db->results.n; i++) {
		const struct run *run = memory_run(db, db->results.item[i].run_seq);
		if (run->job_seq == job_seq)
			free(db->results.item[i].body);
		else
			db->results.item[kept++] = db->results.item[i];
	}
	db->results.n = kept;
}

/* Some of a job's artifact rows, as many as a turn takes. */
static void
drop_files(struct memory_db *db, struct uow *uow, int64_t job_seq, size_t left)
{
	for (size_t i = db->artifacts.n; i-- > 0 && left > 0;) {
		const struct artifact *row = db->artifacts.item[i];
		if (row->job_seq != job_seq)
			continue;
		if (row->blob)
			UOW_PUSH(uow, &uow->loose, arena_strdup(uow->arena, row->blob));
		rows_remove(&db->artifacts, i);
		left--;
	}
}

static void
delete_parts(struct memory_db *db, struct uow *uow, int64_t job_seq)
{
	delete_results(db, job_seq);
	for (size_t i = 0; i < db->runs.n; i++) {
		const struct run *run = db->runs.item[i];
		if (run->job_seq == job_seq)
			map_remove(&db->run_seqs, &run->id, sizeof run->id);
	}
	remove_where(&db->runs, offsetof(struct run, job_seq), job_seq);
	remove_where(&db->tests, offsetof(struct job_test, job_seq), job_seq);
	remove_where(&db->options, offsetof(struct job_options, job_seq), job_seq);
	remove_where(&db->incarnations, offsetof(struct incarnation, job_seq), job_seq);
	drop_files(db, uow, job_seq, SIZE_MAX);
	delete_events(db, job_seq);
}

static void
unstage(struct memory_db *db, int64_t job_seq)
{
	size_t kept = 0;
	for (size_t i = 0; i < db->staged.n; i++) {
		if (db->staged.item[i] != job_seq)
			db->staged.item[kept++] = db->staged.item[i];
	}
	db->staged.n = kept;
}

bool
memory_is_staged(const struct memory_db *db, int64_t job_seq)
{
	for (size_t i = 0; i < db->staged.n; i++) {
		if (db->staged.item[i] == job_seq)
			return true;
	}
	return false;
}

void
memory_drop_staged(struct memory_db *db, struct uow *uow)
{
	for (; db->staged.n > 0; db->staged.n--)
		delete_parts(db, uow, db->staged.item[db->staged.n - 1]);
}

static void
save_stage(struct memory_db *db, struct uow *uow, const struct staged *staged)
{
	if (staged->step == STAGE_BEGIN)
		MEMORY_PUSH(&db->staged, staged->job_seq);
	if (staged->step == STAGE_SHOW || staged->step == STAGE_DROP)
		unstage(db, staged->job_seq);
	if (staged->step == STAGE_DROP)
		delete_parts(db, uow, staged->job_seq);
}

static void
delete_job(struct memory_db *db, struct uow *uow, const struct job *job)
{
	delete_parts(db, uow, job->seq);
	map_remove(&db->job_seqs, &job->id, sizeof job->id);
	rows_remove(&db->jobs, memory_find_seq(&db->jobs, job->seq));
}

/* New keys may come from two handles, so a new row need not be the greatest. */
static void
insert_by_seq(struct rows *rows, const void *row)
{
	size_t offset = rows->table->columns[0].offset;
	rows_add(rows, row);
	for (size_t at = rows->n - 1; at > 0; at--) {
		int64_t before, own;
		memcpy(&before, (const char *)rows->item[at - 1] + offset, sizeof before);
		memcpy(&own, (const char *)rows->item[at] + offset, sizeof own);
		if (before <= own)
			break;
		void *moved = rows->item[at];
		rows->item[at] = rows->item[at - 1];
		rows->item[at - 1] = moved;
	}
}

static void
save_job(struct memory_db *db, struct uow *uow, struct job *job)
{
	switch (job->change) {
	case ROW_CLEAN:
		break;
	case ROW_NEW:
		insert_by_seq(&db->jobs, job);
		map_put(&db->job_seqs, &job->id, sizeof job->id, (void *)(intptr_t)job->seq);
		break;
	case ROW_CHANGED:
		job->version++;
		rows_replace(&db->jobs, memory_find_seq(&db->jobs, job->seq), job);
		break;
	case ROW_DELETED:
		if (job->is_stored)
			delete_job(db, uow, job);
		break;
	}
}

static void
put_result(struct memory_db *db, const struct run *run)
{
	for (size_t i = 0; i < db->results.n; i++) {
		struct memory_result *result = &db->results.item[i];
		if (result->run_seq == run->seq) {
			free(result->body);
			result->body = xstrdup(run->result);
			return;
		}
	}
	struct memory_result result = { run->seq, xstrdup(run->result) };
	MEMORY_PUSH(&db->results, result);
}

static void
save_run(struct memory_db *db, struct run *run)
{
	if (run->change == ROW_CLEAN || run->job->change == ROW_DELETED)
		return;
	if (run->change == ROW_NEW) {
		insert_by_seq(&db->runs, run);
		map_put(&db->run_seqs, &run->id, sizeof run->id, (void *)(intptr_t)run->seq);
	} else {
		run->version++;
		rows_replace(&db->runs, memory_find_seq(&db->runs, run->seq), run);
	}
	if (run->result)
		put_result(db, run);
}

static bool
is_deleted(const struct uow *uow, int64_t job_seq)
{
	const struct job *job = uow_job_by_seq(uow, job_seq);
	return job && job->change == ROW_DELETED;
}

static void
put_options(struct memory_db *db, const struct job_options *options)
{
	remove_where(&db->options, offsetof(struct job_options, job_seq), options->job_seq);
	rows_add(&db->options, options);
}

static void
put_incarnation(struct memory_db *db, const struct incarnation *incarnation)
{
	for (size_t i = 0; i < db->incarnations.n; i++) {
		const struct incarnation *row = db->incarnations.item[i];
		if (row->job_seq == incarnation->job_seq &&
			row->number == incarnation->number) {
			rows_replace(&db->incarnations, i, incarnation);
			return;
		}
	}
	rows_add(&db->incarnations, incarnation);
}

static void
put_artifact(struct memory_db *db, const struct artifact *artifact)
{
	for (size_t i = 0; i < db->artifacts.n; i++) {
		const struct artifact *row = db->artifacts.item[i];
		if (row->run_seq == artifact->run_seq &&
			strcmp(row->name, artifact->name) == 0) {
			rows_replace(&db->artifacts, i, artifact);
			return;
		}
	}
	rows_add(&db->artifacts, artifact);
}

static void
save_parts(struct memory_db *db, const struct uow *uow)
{
	for (size_t i = 0; i < uow->tests.n; i++) {
		if (!is_deleted(uow, uow->tests.item[i].job_seq))
			rows_add(&db->tests, &uow->tests.item[i]);
	}
	for (size_t i = 0; i < uow->options.n; i++) {
		if (!is_deleted(uow, uow->options.item[i].job_seq))
			put_options(db, &uow->options.item[i]);
	}
	for (size_t i = 0; i < uow->incarnations.n; i++) {
		if (!is_deleted(uow, uow->incarnations.item[i].job_seq))
			put_incarnation(db, &uow->incarnations.item[i]);
	}
	for (size_t i = 0; i < uow->artifacts.n; i++) {
		if (!is_deleted(uow, uow->artifacts.item[i].job_seq))
			put_artifact(db, &uow->artifacts.item[i]);
	}
}

/* ---- what stands around them ---- */

static void
put_queue(struct memory_db *db, const struct queue *queue)
{
	size_t at = memory_find_seq(&db->queues, queue->id);
	if (at < db->queues.n)
		rows_replace(&db->queues, at, queue);
	else
		insert_by_seq(&db->queues, queue);
}

static void
put_project(struct memory_db *db, const struct project *project)
{
	size_t at = memory_find_seq(&db->projects, project->seq);
	if (at < db->projects.n)
		rows_replace(&db->projects, at, project);
	else
		insert_by_seq(&db->projects, project);
}

static void
put_bucket(struct memory_db *db, const struct bucket *bucket)
{
	for (size_t i = 0; i < db->buckets.n; i++) {
		if (strcmp(db->buckets.item[i].name, bucket->name) == 0) {
			db->buckets.item[i].full_us = bucket->full_us;
			return;
		}
	}
	struct bucket row = { xstrdup(bucket->name), bucket->full_us };
	MEMORY_PUSH(&db->buckets, row);
}

static void
put_quarantine(struct memory_db *db, const struct quarantine_entry *entry)
{
	size_t at = memory_find_seq(&db->quarantine, entry->seq);
	if (entry->change == ROW_DELETED) {
		if (at < db->quarantine.n)
			rows_remove(&db->quarantine, at);
	} else if (at < db->quarantine.n) {
		rows_replace(&db->quarantine, at, entry);
	} else {
		insert_by_seq(&db->quarantine, entry);
	}
}

static void
put_retention(struct memory_db *db, const struct retention *policy)
{
	size_t at = memory_find_seq(&db->retention, policy->seq);
	if (policy->change == ROW_DELETED) {
		if (at < db->retention.n)
			rows_remove(&db->retention, at);
	} else if (at < db->retention.n) {
		rows_replace(&db->retention, at, policy);
	} else {
		insert_by_seq(&db->retention, policy);
	}
}

static void
put_schedule(struct memory_db *db, const struct schedule *schedule)
{
	size_t at = memory_find_seq(&db->schedules, schedule->seq);
	if (schedule->change == ROW_DELETED) {
		if (at < db->schedules.n)
			rows_remove(&db->schedules, at);
		for (size_t i = db->firings.n; i-- > 0;) {
			const struct firing *firing = db->firings.item[i];
			if (firing->schedule == schedule->seq)
				rows_remove(&db->firings, i);
		}
	} else if (at < db->schedules.n) {
		rows_replace(&db->schedules, at, schedule);
	} else {
		insert_by_seq(&db->schedules, schedule);
	}
}

static void
save_worker(struct memory_db *db, const struct worker_row *worker)
{
	size_t at = 0;
	if (worker->change == ROW_CLEAN)
		return;
	while (at < db->workers.n &&
		!uuid_eq(&((const struct worker_row *)db->workers.item[at])->id.u,
			&worker->id.u))
		at++;
	bool is_there = at < db->workers.n;
	if (worker->change == ROW_DELETED) {
		if (is_there)
			rows_remove(&db->workers, at);
	} else if (is_there) {
		rows_replace(&db->workers, at, worker);
	} else {
		rows_add(&db->workers, worker);
	}
}

static void
save_definition(struct memory_db *db, const struct definition *def)
{
	size_t at = memory_find_seq(&db->defs, def->seq);
	switch (def->change) {
	case ROW_CLEAN:
		break;
	case ROW_NEW:
		insert_by_seq(&db->defs, def);
		break;
	case ROW_CHANGED:
		rows_add(&db->old_defs, db->defs.item[at]);
		rows_replace(&db->defs, at, def);
		break;
	case ROW_DELETED:
		if (at < db->defs.n)
			rows_remove(&db->defs, at);
		remove_where(&db->old_defs, offsetof(struct definition, seq), def->seq);
		break;
	}
}

static struct idem *
idem_dup(const struct idem *idem)
{
	size_t ids_bytes = idem->n_ids * sizeof *idem->ids;
	struct idem *row = xcalloc(1, sizeof *row + ids_bytes + idem->key.n + 1);
	*row = *idem;
	row->ids = (struct uuid *)(row + 1);
	if (ids_bytes > 0)
		memcpy(row->ids, idem->ids, ids_bytes);
	char *key = (char *)(row + 1) + ids_bytes;
	if (idem->key.n > 0)
		memcpy(key, idem->key.p, idem->key.n);
	row->key = str_from(key, idem->key.n);
	row->change = ROW_CLEAN;
	return row;
}

static void
save_idem(struct memory_db *db, const struct idem *idem)
{
	size_t at = 0;
	if (idem->change == ROW_CLEAN)
		return;
	while (at < db->idems.n &&
		(db->idems.item[at]->project != idem->project ||
			!str_eq(db->idems.item[at]->key, idem->key)))
		at++;
	bool is_there = at < db->idems.n;
	if (is_there)
		free(db->idems.item[at]);
	if (idem->change == ROW_DELETED) {
		if (is_there)
			db->idems.item[at] = db->idems.item[--db->idems.n];
	} else if (is_there) {
		db->idems.item[at] = idem_dup(idem);
	} else {
		MEMORY_PUSH(&db->idems, idem_dup(idem));
	}
}

static void
save_event(struct memory_db *db, const struct uow *uow, const struct event *event)
{
	if (event->type != EV_JOB_DELETED && is_deleted(uow, event->job_seq))
		return;
	struct event *row = xcalloc(1, sizeof *row + event->data.n + 1);
	char *data = (char *)(row + 1);
	*row = *event;
	memcpy(data, event->data.p, event->data.n);
	row->data = str_from(data, event->data.n);
	MEMORY_PUSH(&db->events, row);
}

static void
keep_next(int64_t *next, int64_t wanted)
{
	if (wanted > *next)
		*next = wanted;
}

static void
save_all(struct memory_db *db, struct uow *uow)
{
	for (size_t i = 0; i < uow->changed_queues.n; i++)
		put_queue(db, uow->changed_queues.item[i]);
	for (size_t i = 0; i < uow->buckets.n; i++)
		put_bucket(db, &uow->buckets.item[i]);
	for (size_t i = 0; i < uow->new_lanes.n; i++)
		insert_by_seq(&db->lanes, uow->new_lanes.item[i]);
	for (size_t i = 0; i < uow->projects.n; i++)
		put_project(db, uow->projects.item[i]);
	for (size_t i = 0; i < uow->quarantine.n; i++)
		put_quarantine(db, uow->quarantine.item[i]);
	for (size_t i = 0; i < uow->schedules.n; i++)
		put_schedule(db, uow->schedules.item[i]);
	for (size_t i = 0; i < uow->retention.n; i++)
		put_retention(db, uow->retention.item[i]);
	for (size_t i = 0; i < uow->fileless.n; i++)
		drop_files(db, uow, uow->fileless.item[i], SWEEP_FILES_MAX);
	for (size_t i = 0; i < uow->firings.n; i++)
		rows_add(&db->firings, &uow->firings.item[i]);
	for (size_t i = 0; i < uow->workers.n; i++)
		save_worker(db, uow->workers.item[i]);
	for (size_t i = 0; i < uow->jobs.n; i++)
		save_job(db, uow, uow->jobs.item[i]);
	save_parts(db, uow);
	for (size_t i = 0; i < uow->runs.n; i++)
		save_run(db, uow->runs.item[i]);
	for (size_t i = 0; i < uow->defs.n; i++)
		save_definition(db, uow->defs.item[i]);
	for (size_t i = 0; i < uow->idems.n; i++)
		save_idem(db, uow->idems.item[i]);
	for (size_t i = 0; i < uow->events.n; i++)
		save_event(db, uow, &uow->events.item[i]);

	for (size_t i = 0; i < uow->staged.n; i++)
		save_stage(db, uow, &uow->staged.item[i]);
	memory_save_stats(db, uow);
	keep_next(&db->next_job_seq, uow->next_job_seq);
	keep_next(&db->next_run_seq, uow->next_run_seq);
	keep_next(&db->next_def_seq, uow->next_def_seq);
	keep_next(&db->next_event_seq, uow->next_event_seq);
}

int
memory_save(struct store *store, struct uow *uow, struct err *err)
{
	_cleanup_(memory_unlockp) struct memory_db *db = memory_lock(memory_db_of(store));
	(void)err;
	if (!turn_fits(db, uow))
		return STORE_CONFLICT;
	save_all(db, uow);
	return 0;
}
