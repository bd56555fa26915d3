/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules and their firings: kept, read, and never fired twice. */
#include "kit.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "cases.h"
#include "core/schedule.h"

#define HOUR INT64_C(3600000)

static struct schedule *
new_schedule(struct fixture *fx, int64_t seq, const char *name)
{
	struct schedule *row = arena_xalloc(&fx->arena, sizeof *row);

	*row = (struct schedule) {
		.seq = seq,
		.id = new_uuid(fx),
		.project = 1,
		.name = name,
		.spec = "{\"name\":\"x\",\"every\":\"1h\",\"start\":{\"template\":\"shop\"}}",
		.state = "{\"cursor\":0,\"fired\":0,\"missed\":0,\"failed\":0}",
		.created_ms = fx->now_ms,
		.updated_ms = fx->now_ms,
		.revision = 1,
		.version = 1,
		.change = ROW_NEW,
	};
	return row;
}

static void
put_schedule(struct fixture *fx, int64_t seq, const char *name)
{
	turn(fx);
	load(fx);
	UOW_PUSH(&fx->uow, &fx->uow.schedules, new_schedule(fx, seq, name));
	save(fx);
}

static void
add_firing(struct fixture *fx, int64_t schedule, int64_t at_ms)
{
	struct firing firing = {
		.schedule = schedule,
		.at_ms = at_ms,
		.project = 1,
		.job.u = new_uuid(fx),
		.cause = FIRE_TIME,
		.fired_ms = at_ms + 5,
	};

	UOW_PUSH(&fx->uow, &fx->uow.firings, firing);
}

static void
schedules_keep_every_column(void **state)
{
	struct fixture *fx = *state;
	struct schedule *read, row;
	struct store_boot boot;
	size_t n;

	put_schedule(fx, 7, "nightly");
	turn(fx);
	assert_done(fx, read_schedules(fx->reader, 1, &fx->arena, &read, &n, &fx->err));
	assert_int_equal(n, 1);
	row = read[0];
	row.name = "hourly";
	row.is_paused = true;
	row.state = "{\"cursor\":5}";
	row.updated_ms = fx->now_ms;
	row.revision = row.version = 2;
	row.change = ROW_CHANGED;
	load(fx);
	UOW_PUSH(&fx->uow, &fx->uow.schedules, &row);
	save(fx);
	reopen(fx);
	assert_done(fx, store_boot(fx->store, &fx->arena, &boot, &fx->err));
	assert_int_equal(boot.n_schedules, 1);
	assert_same_row(&schedule_table, &row, &boot.schedules[0]);
	assert_done(fx, read_schedules(fx->reader, 2, &fx->arena, &read, &n, &fx->err));
	assert_int_equal(n, 0);
}

static void
a_schedule_goes_with_its_firings(void **state)
{
	struct fixture *fx = *state;
	struct schedule *row;
	struct firing *firings;
	size_t n;

	put_schedule(fx, 7, "gone");
	put_schedule(fx, 8, "stays");
	turn(fx);
	load(fx);
	for (int i = 1; i <= 3; i++) {
		add_firing(fx, 7, i * HOUR);
		add_firing(fx, 8, i * HOUR);
	}
	save(fx);
	assert_done(fx,
		read_firings(fx->reader, 8, 3 * HOUR, 10, &fx->arena, &firings, &n, &fx->err));
	assert_int_equal(n, 2);
	assert_int_equal(firings[0].at_ms, 2 * HOUR);
	assert_int_equal(firings[0].fired_ms, 2 * HOUR + 5);

	turn(fx);
	load(fx);
	row = new_schedule(fx, 7, "gone");
	row->change = ROW_DELETED;
	UOW_PUSH(&fx->uow, &fx->uow.schedules, row);
	save(fx);
	reopen(fx);
	assert_done(fx,
		read_firings(fx->reader, 7, INT64_MAX, 10, &fx->arena, &firings, &n, &fx->err));
	assert_int_equal(n, 0);
	assert_done(fx,
		read_firings(fx->reader, 8, INT64_MAX, 10, &fx->arena, &firings, &n, &fx->err));
	assert_int_equal(n, 3);
}

static void
names_may_be_swapped(void **state)
{
	struct fixture *fx = *state;
	struct schedule *read;
	size_t n;

	put_schedule(fx, 1, "a");
	put_schedule(fx, 2, "b");
	turn(fx);
	assert_done(fx, read_schedules(fx->reader, 1, &fx->arena, &read, &n, &fx->err));
	load(fx);
	for (size_t i = 0; i < n; i++) {
		read[i].name = read[i].seq == 1 ? "b" : "a";
		read[i].version++;
		read[i].change = ROW_CHANGED;
		UOW_PUSH(&fx->uow, &fx->uow.schedules, &read[i]);
	}
	save(fx);
}

/* ---- two servers ---- */

/* What an engine has: its own handle, its own list, its own turn. */
struct server {
	struct store *store;
	struct schedule_list list;
	struct uow uow;
	struct rng rng;
};

static void
server_start(struct fixture *fx, struct server *server, struct store *store)
{
	struct store_boot boot;

	*server = (struct server) { .store = store, .rng = fx->rng };
	schedule_list_init(&server->list);
	assert_done(fx, store_boot(store, &fx->arena, &boot, &fx->err));
	for (size_t i = 0; i < boot.n_schedules; i++)
		schedule_list_restore(&server->list, &boot.schedules[i]);
}

static void
server_load(struct fixture *fx, struct server *server, int64_t now_ms)
{
	struct turn_keys keys = { 0 };

	uow_deinit(&server->uow);
	uow_init(&server->uow, &fx->arena, &server->rng, now_ms);
	assert_done(fx, store_load(server->store, &keys, &server->uow, &fx->err));
	schedule_list_run(&server->list, &server->uow);
}

static int
server_save(struct fixture *fx, struct server *server)
{
	schedule_list_save(&server->list, &server->uow);
	uow_number_events(&server->uow);
	return store_save(server->store, &server->uow, &fx->err);
}

/* The pending occurrence gets its job, as the engine does it. */
static int
server_fire(struct fixture *fx, struct server *server, int64_t now_ms)
{
	struct schedule *schedule = server->list.item[0];
	struct job job = { .schedule = schedule->seq, .project = 1, .id.u = new_uuid(fx) };

	server_load(fx, server, now_ms);
	assert_int_equal(schedule->live->n_pending, 1);
	schedule_fired(
		&server->list, &server->uow, schedule, schedule->live->pending[0].at_ms, &job);
	return server_save(fx, server);
}

static void
server_stop(struct server *server)
{
	schedule_list_deinit(&server->list);
	uow_deinit(&server->uow);
}

/* As another server would have it, if the lock that keeps it away did not work. */
static struct store *
second_handle(struct fixture *fx)
{
	char lock[PATH_MAX];
	struct store *other;

	(void)snprintf(lock, sizeof lock, "%s/proctor.db.lock", fx->place);
	(void)unlink(lock); /* in memory there is none */
	assert_done(fx, fx->backend->open(fx, &other, &fx->err));
	return other;
}

static void
two_servers_never_start_one_firing_twice(void **state)
{
	struct fixture *fx = *state;
	struct server one, two;
	struct store *other;
	struct firing *firings;
	size_t n;

	put_schedule(fx, 7, "contested");
	int64_t due = fx->now_ms + HOUR;
	turn(fx);
	other = second_handle(fx);

	/* Both see it come due: one is first, the other learns nothing more. */
	server_start(fx, &one, fx->store);
	server_start(fx, &two, other);
	one.list.item[0]->live->cursor_ms = two.list.item[0]->live->cursor_ms = due - 1;
	server_load(fx, &one, due);
	assert_int_equal(server_save(fx, &one), 0);
	server_load(fx, &two, due);
	assert_int_equal(server_save(fx, &two), STORE_CONFLICT);
	server_stop(&two);

	/* Both know that it is pending, and both have resolved its job. */
	server_start(fx, &two, other);
	assert_int_equal(two.list.item[0]->live->n_pending, 1);
	assert_int_equal(server_fire(fx, &one, due + 10), 0);
	assert_int_equal(server_fire(fx, &two, due + 11), STORE_CONFLICT);
	server_stop(&two);

	/* Even a row that says it is pending still finds the firing there. */
	server_start(fx, &two, other);
	assert_int_equal(two.list.item[0]->live->n_pending, 0);
	turn(fx);
	load(fx);
	assert_done(fx,
		read_firings(fx->reader, 7, INT64_MAX, 10, &fx->arena, &firings, &n, &fx->err));
	assert_int_equal(n, 1);
	add_firing(fx, 7, firings[0].at_ms);
	assert_int_equal(try_save(fx), STORE_CONFLICT);

	server_stop(&one);
	server_stop(&two);
	(void)store_close(other);
}

const struct contract_case schedule_cases[] = {
	{ "schedules keep every column", schedules_keep_every_column },
	{ "a schedule goes with its firings", a_schedule_goes_with_its_firings },
	{ "names may be swapped", names_may_be_swapped },
	{ "two servers never start one firing twice",
		two_servers_never_start_one_firing_twice },
	{ NULL, NULL },
};
