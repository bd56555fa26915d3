/* SPDX-License-Identifier: Apache-2.0 */
#include "store/faulty.h"

#include "base/mem.h"
#include "store/store_impl.h"

enum {
	CHANCE_WHOLE = 1000,
};

struct faulty_store {
	struct store store;  /* first */
	struct store *inner; /* owned */
	struct fault_plan plan;
	enum store_fault next;
};

static struct faulty_store *
faulty_of(struct store *store)
{
	return container_of(store, struct faulty_store, store);
}

/* True when this fault happens now. */
static bool
happens(struct faulty_store *faulty, enum store_fault fault, unsigned chance)
{
	if (faulty->next == fault) {
		faulty->next = STORE_FAULT_NONE;
		return true;
	}
	struct rng *rng = faulty->plan.rng;
	return rng && chance > 0 && rng_below(rng, CHANCE_WHOLE) < chance;
}

static struct store *
faulty_close(struct store *store)
{
	struct faulty_store *faulty = faulty_of(store);
	store_close(faulty->inner);
	free(faulty);
	return NULL;
}

static int
faulty_boot(struct store *store, struct arena *arena, struct store_boot *ret, struct err *err)
{
	return store_boot(faulty_of(store)->inner, arena, ret, err);
}

static int
faulty_load(struct store *store, const struct turn_keys *keys, struct uow *uow, struct err *err)
{
	struct faulty_store *faulty = faulty_of(store);
	if (happens(faulty, STORE_FAULT_LOAD, faulty->plan.load))
		return err_set(err, ERR_UNAVAILABLE, "injected fault: load");
	return store_load(faulty->inner, keys, uow, err);
}

static int
faulty_load_tests(struct store *store, const struct test_key *keys, size_t n,
	struct arena *arena, struct job_test *ret_tests, struct job_options *ret_options,
	struct err *err)
{
	return store_load_tests(
		faulty_of(store)->inner, keys, n, arena, ret_tests, ret_options, err);
}

static int
faulty_save(struct store *store, struct uow *uow, struct err *err)
{
	struct faulty_store *faulty = faulty_of(store);
	const struct fault_plan *plan = &faulty->plan;
	if (happens(faulty, STORE_FAULT_CONFLICT, plan->conflict))
		return STORE_CONFLICT;
	if (happens(faulty, STORE_FAULT_SAVE_BEFORE, plan->save_before))
		return err_set(err, ERR_UNAVAILABLE, "injected fault: before the commit");
	bool fails_after = happens(faulty, STORE_FAULT_SAVE_AFTER, plan->save_after);
	int rc = store_save(faulty->inner, uow, err);
	if (rc == 0 && fails_after)
		return err_set(err, ERR_UNAVAILABLE, "injected fault: after the commit");
	return rc;
}

static int
faulty_load_units(struct store *store, struct stat_unit *units, size_t n, struct arena *arena,
	struct err *err)
{
	return store_load_units(faulty_of(store)->inner, units, n, arena, err);
}

static int
faulty_load_backlog(
	struct store *store, size_t max, struct uow *uow, size_t *ret, struct err *err)
{
	return store_load_backlog(faulty_of(store)->inner, max, uow, ret, err);
}

static int
faulty_next_due(struct store *store, int64_t *ret_ms, struct err *err)
{
	return store_next_due(faulty_of(store)->inner, ret_ms, err);
}

static int
faulty_count_ahead(struct store *store, int64_t lane, int64_t rank, int64_t seq, int64_t max,
	int64_t *ret, struct err *err)
{
	return store_count_ahead(faulty_of(store)->inner, lane, rank, seq, max, ret, err);
}

static int
faulty_count_due(struct store *store, int64_t queue, int64_t max, int64_t *ret, struct err *err)
{
	return store_count_due(faulty_of(store)->inner, queue, max, ret, err);
}

static int
faulty_purge_idem(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	return store_purge_idem(faulty_of(store)->inner, before_ms, max, err);
}

static int
faulty_purge_deleted(struct store *store, size_t max, struct uow *uow, struct err *err)
{
	return store_purge_deleted(faulty_of(store)->inner, max, uow, err);
}

static int
faulty_purge_project(struct store *store, int64_t project, size_t max, struct err *err)
{
	return store_purge_project(faulty_of(store)->inner, project, max, err);
}

static int
faulty_purge_hours(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	return store_purge_hours(faulty_of(store)->inner, before_ms, max, err);
}

static int
faulty_purge_workers(struct store *store, int64_t before_ms, size_t max, struct err *err)
{
	return store_purge_workers(faulty_of(store)->inner, before_ms, max, err);
}

static int
faulty_token_put(struct store *store, const struct token_row *token, struct err *err)
{
	return store_token_put(faulty_of(store)->inner, token, err);
}

static int
faulty_check(struct store *store, struct err *err)
{
	return store_check(faulty_of(store)->inner, err);
}

static int
faulty_reader_open(struct store_reader **ret, struct store *store, struct err *err)
{
	return store_reader_open(ret, faulty_of(store)->inner, err);
}

static const struct store_ops faulty_ops = {
	.close = faulty_close,
	.boot = faulty_boot,
	.load = faulty_load,
	.load_tests = faulty_load_tests,
	.save = faulty_save,
	.load_units = faulty_load_units,
	.load_backlog = faulty_load_backlog,
	.next_due = faulty_next_due,
	.count_ahead = faulty_count_ahead,
	.count_due = faulty_count_due,
	.purge_idem = faulty_purge_idem,
	.purge_deleted = faulty_purge_deleted,
	.purge_project = faulty_purge_project,
	.purge_workers = faulty_purge_workers,
	.purge_hours = faulty_purge_hours,
	.token_put = faulty_token_put,
	.check = faulty_check,
	.reader_open = faulty_reader_open,
};

int
store_open_faulty(struct store **ret, struct store *inner, struct fault_plan plan)
{
	struct faulty_store *faulty = xcalloc(1, sizeof *faulty);
	faulty->store.ops = &faulty_ops;
	faulty->inner = inner;
	faulty->plan = plan;
	*ret = &faulty->store;
	return 0;
}

void
store_faulty_next(struct store *store, enum store_fault fault)
{
	faulty_of(store)->next = fault;
}
