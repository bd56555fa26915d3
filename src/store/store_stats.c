/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store_stats.h"

#include "store/store_impl.h"

int
store_load_units(struct store *store, struct stat_unit *units, size_t n, struct arena *arena,
	struct err *err)
{
	return store->ops->load_units(store, units, n, arena, err);
}

int
store_load_backlog(
	struct store *store, size_t max, struct uow *uow, size_t *ret, struct err *err)
{
	return store->ops->load_backlog(store, max, uow, ret, err);
}

int
store_purge_hours(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	return store->ops->purge_hours(store, before_ms, max, err);
}

int
read_stat_cells(struct store_reader *reader, const struct stat_filter *filter,
	stat_visit_fn *visit, void *arg, struct err *err)
{
	return STORE_READ(
		reader, err, reader->ops->stat_cells(reader, filter, visit, arg, err));
}

int
read_history(struct store_reader *reader, const struct history_filter *filter,
	struct arena *arena, struct history_item **ret, size_t *ret_n, struct err *err)
{
	return STORE_READ(
		reader, err, reader->ops->history(reader, filter, arena, ret, ret_n, err));
}

int
read_known_test(struct store_reader *reader, int64_t key, struct arena *arena,
	struct known_test **ret, struct err *err)
{
	return STORE_READ(reader, err, reader->ops->known_test(reader, key, arena, ret, err));
}

int
read_error_class(struct store_reader *reader, int64_t key, struct arena *arena,
	struct error_class **ret, struct err *err)
{
	return STORE_READ(reader, err, reader->ops->error_class(reader, key, arena, ret, err));
}

int
read_job_counts(struct store_reader *reader, int64_t project, int64_t ret_jobs[JOB_STATE_COUNT],
	int64_t *ret_backlog, struct err *err)
{
	return STORE_READ(reader, err,
		reader->ops->job_counts(reader, project, ret_jobs, ret_backlog, err));
}
