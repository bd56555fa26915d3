/* SPDX-License-Identifier: Apache-2.0 */
/* The seam: hands each call to the backend. A read is wrapped in one snapshot. */
#include "store/store.h"

#include "store/store_impl.h"

struct store *
store_close(struct store *store)
{
	return store ? store->ops->close(store) : NULL;
}

int
store_boot(struct store *store, struct arena *arena, struct store_boot *ret, struct err *err)
{
	return store->ops->boot(store, arena, ret, err);
}

int
store_load(struct store *store, const struct turn_keys *keys, struct uow *uow, struct err *err)
{
	return store->ops->load(store, keys, uow, err);
}

int
store_load_tests(struct store *store, const struct test_key *keys, size_t n,
	struct arena *arena, struct job_test *ret_tests, struct job_options *ret_options,
	struct err *err)
{
	return store->ops->load_tests(store, keys, n, arena, ret_tests, ret_options, err);
}

int
store_save(struct store *store, struct uow *uow, struct err *err)
{
	if (uow->events.n > 0 && uow->events.item[0].seq == 0)
		uow_number_events(uow);
	return store->ops->save(store, uow, err);
}

int
store_next_due(struct store *store, int64_t *ret_ms, struct err *err)
{
	return store->ops->next_due(store, ret_ms, err);
}

int
store_count_ahead(struct store *store, int64_t lane, int64_t rank, int64_t seq, int64_t max,
	int64_t *ret, struct err *err)
{
	return store->ops->count_ahead(store, lane, rank, seq, max, ret, err);
}

int
store_count_due(struct store *store, int64_t queue, int64_t max, int64_t *ret, struct err *err)
{
	return store->ops->count_due(store, queue, max, ret, err);
}

int
store_purge_deleted(struct store *store, size_t max, struct uow *uow, struct err *err)
{
	return store->ops->purge_deleted(store, max, uow, err);
}

int
store_purge_project(struct store *store, int64_t project, size_t max, struct err *err)
{
	return store->ops->purge_project(store, project, max, err);
}

int
store_purge_workers(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	return store->ops->purge_workers(store, before_ms, max, err);
}

int
store_purge_idem(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	return store->ops->purge_idem(store, before_ms, max, err);
}

int
store_token_put(struct store *store, const struct token_row *token, struct err *err)
{
	return store->ops->token_put(store, token, err);
}

int
store_check(struct store *store, struct err *err)
{
	return store->ops->check(store, err);
}

int
store_reader_open(struct store_reader **ret, struct store *store, struct err *err)
{
	return store->ops->reader_open(ret, store, err);
}

struct store_reader *
store_reader_close(struct store_reader *reader)
{
	return reader ? reader->ops->close(reader) : NULL;
}

/* Reads with `call` between begin and end of a snapshot. */
#define READ(reader, err, call)                              \
	__extension__({                                      \
		int rc_ = (reader)->ops->begin(reader, err); \
		if (rc_ == 0) {                              \
			rc_ = (call);                        \
			(reader)->ops->end(reader);          \
		}                                            \
		rc_;                                         \
	})

int
read_jobs(struct store_reader *reader, const struct job_filter *filter, struct arena *arena,
	struct job_page *ret, struct err *err)
{
	return READ(reader, err, reader->ops->jobs(reader, filter, arena, ret, err));
}

int
read_job(struct store_reader *reader, int64_t project, struct job_id id, struct arena *arena,
	struct job **ret, struct err *err)
{
	return READ(reader, err, reader->ops->job(reader, project, id, arena, ret, err));
}

int
read_job_tests(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct job_test **ret, size_t *ret_n, struct err *err)
{
	return READ(
		reader, err, reader->ops->job_tests(reader, job_seq, arena, ret, ret_n, err));
}

int
read_job_options(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct str *ret, struct err *err)
{
	return READ(reader, err, reader->ops->job_options(reader, job_seq, arena, ret, err));
}

int
read_incarnations(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct incarnation **ret, size_t *ret_n, struct err *err)
{
	return READ(reader, err,
		reader->ops->incarnations(reader, job_seq, arena, ret, ret_n, err));
}

int
read_runs(struct store_reader *reader, const struct run_filter *filter, struct arena *arena,
	struct run **ret, size_t *ret_n, struct err *err)
{
	return READ(reader, err, reader->ops->runs(reader, filter, arena, ret, ret_n, err));
}

int
read_run(struct store_reader *reader, int64_t project, struct run_id id, struct arena *arena,
	struct run **ret, struct job_id *ret_job, struct err *err)
{
	return READ(
		reader, err, reader->ops->run(reader, project, id, arena, ret, ret_job, err));
}

int
read_run_result(struct store_reader *reader, int64_t run_seq, struct arena *arena,
	struct str *ret, struct err *err)
{
	return READ(reader, err, reader->ops->run_result(reader, run_seq, arena, ret, err));
}

int
read_artifacts(struct store_reader *reader, int64_t job_seq, int64_t run_seq,
	struct arena *arena, struct artifact **ret, size_t *ret_n, struct err *err)
{
	return READ(reader, err,
		reader->ops->artifacts(reader, job_seq, run_seq, arena, ret, ret_n, err));
}

int
read_blob_in_use(struct store_reader *reader, const char *blob, bool *ret, struct err *err)
{
	return READ(reader, err, reader->ops->blob_in_use(reader, blob, ret, err));
}

int
read_artifact(struct store_reader *reader, int64_t run_seq, const char *name,
	struct arena *arena, struct artifact **ret, struct err *err)
{
	return READ(reader, err, reader->ops->artifact(reader, run_seq, name, arena, ret, err));
}

int
read_events(struct store_reader *reader, const struct event_filter *filter, struct arena *arena,
	struct event **ret, size_t *ret_n, struct err *err)
{
	return READ(reader, err, reader->ops->events(reader, filter, arena, ret, ret_n, err));
}

int
read_last_event_seq(struct store_reader *reader, int64_t *ret, struct err *err)
{
	return READ(reader, err, reader->ops->last_event_seq(reader, ret, err));
}

int
read_definitions(struct store_reader *reader, const struct def_filter *filter,
	struct arena *arena, struct definition **ret, size_t *ret_n, struct err *err)
{
	return READ(
		reader, err, reader->ops->definitions(reader, filter, arena, ret, ret_n, err));
}

int
read_definition(struct store_reader *reader, const struct def_key *key, int64_t revision,
	struct arena *arena, struct definition **ret, struct err *err)
{
	return READ(
		reader, err, reader->ops->definition(reader, key, revision, arena, ret, err));
}

int
read_definition_revisions(struct store_reader *reader, int64_t def_seq, struct arena *arena,
	struct definition **ret, size_t *ret_n, struct err *err)
{
	return READ(reader, err,
		reader->ops->definition_revisions(reader, def_seq, arena, ret, ret_n, err));
}

int
read_queue_figures(
	struct store_reader *reader, int64_t queue, struct queue_figures *ret, struct err *err)
{
	return READ(reader, err, reader->ops->queue_figures(reader, queue, ret, err));
}

int
read_queues(struct store_reader *reader, int64_t project, struct arena *arena,
	struct queue **ret, size_t *ret_n, struct err *err)
{
	return READ(reader, err, reader->ops->queues(reader, project, arena, ret, ret_n, err));
}

int
read_quarantine(struct store_reader *reader, int64_t project, struct arena *arena,
	struct quarantine_entry **ret, size_t *ret_n, struct err *err)
{
	return READ(
		reader, err, reader->ops->quarantine(reader, project, arena, ret, ret_n, err));
}

int
read_retention(struct store_reader *reader, int64_t project, struct arena *arena,
	struct retention **ret, size_t *ret_n, struct err *err)
{
	return STORE_READ(
		reader, err, reader->ops->retention(reader, project, arena, ret, ret_n, err));
}

int
read_schedules(struct store_reader *reader, int64_t project, struct arena *arena,
	struct schedule **ret, size_t *ret_n, struct err *err)
{
	return READ(
		reader, err, reader->ops->schedules(reader, project, arena, ret, ret_n, err));
}

int
read_schedule(struct store_reader *reader, int64_t seq, struct arena *arena,
	struct schedule **ret, struct err *err)
{
	return READ(reader, err, reader->ops->schedule(reader, seq, arena, ret, err));
}

int
read_firings(struct store_reader *reader, int64_t schedule, int64_t before_ms, size_t limit,
	struct arena *arena, struct firing **ret, size_t *ret_n, struct err *err)
{
	return READ(reader, err,
		reader->ops->firings(
			reader, schedule, before_ms, limit, arena, ret, ret_n, err));
}

int
read_projects(struct store_reader *reader, struct arena *arena, struct project **ret,
	size_t *ret_n, struct err *err)
{
	return READ(reader, err, reader->ops->projects(reader, arena, ret, ret_n, err));
}

int
read_workers(struct store_reader *reader, int64_t project, bool all, struct arena *arena,
	struct worker_row **ret, size_t *ret_n, struct err *err)
{
	return READ(reader, err,
		reader->ops->workers(reader, project, all, arena, ret, ret_n, err));
}

int
read_stats(struct store_reader *reader, struct store_stats *ret, struct err *err)
{
	return READ(reader, err, reader->ops->stats(reader, ret, err));
}

int
read_tokens(struct store_reader *reader, struct arena *arena, struct token_row **ret,
	size_t *ret_n, struct err *err)
{
	return READ(reader, err, reader->ops->tokens(reader, arena, ret, ret_n, err));
}
