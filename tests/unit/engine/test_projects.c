/* SPDX-License-Identifier: Apache-2.0 */
/* What a deleted project takes with it in its turn, and what it refuses from then on. */
#include "stage.h"

#include "base/limits.h"
#include "store/store_stats.h"

enum {
	SHOP = 2, /* the number of the first project after the default one */
	MANY = 2 * DELETE_ROWS_MAX + 1, /* rows: more than two turns delete */
};

static struct intent *
new_project(const struct uuid *id, enum intent_kind kind)
{
	struct intent *intent = intent_new(kind, 1, MIB(1));

	intent->in.project_change.put.name = "shop";
	intent->in.project_change.put.body = "{}";
	if (id)
		intent->in.project_change.id = *id;
	return intent;
}

static struct intent *
new_policy(void)
{
	struct intent *intent = intent_new(INTENT_RETENTION_PUT, SHOP, MIB(1));

	intent->in.retention.put = (struct retention_put) {
		.name = "short",
		.body = "{\"name\":\"short\",\"keep\":{\"age\":\"1d\"}}",
		.every_ms = RETENTION_EVERY_MS_DEFAULT,
	};
	return intent;
}

static struct intent *
new_schedule(void)
{
	struct intent *intent = intent_new(INTENT_SCHEDULE_PUT, SHOP, MIB(1));

	intent->in.schedule.name = "often";
	intent->in.schedule.spec = "{\"name\":\"often\",\"every\":\"1h\","
				   "\"start\":{\"template\":\"buy\"}}";
	return intent;
}

static struct intent *
new_quarantined(void)
{
	struct intent *intent = intent_new(INTENT_QUARANTINE_PUT, SHOP, MIB(1));

	intent->in.quarantine.put = (struct quarantine_put) {
		.test = "t",
		.owner = "ann",
		.reason = "it fails on Mondays",
		.clean_runs = 3,
		.expires_ms = STAGE_START_MS + DAYS_MS(1),
	};
	return intent;
}

static struct intent *
new_queue(void)
{
	struct intent *intent = intent_new(INTENT_QUEUE_PUT, SHOP, MIB(1));

	intent->in.queue.name = "q";
	return intent;
}

static struct uuid
make_shop(struct stage *s)
{
	struct intent *made = new_project(NULL, INTENT_PROJECT_PUT);

	TURN(s, made);
	assert_int_equal(made->status, INTENT_OK);
	assert_int_equal(made->out.project->seq, SHOP);
	return made->out.project->id;
}

static size_t
n_effects(const struct stage *s, enum effect_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < s->effects.n; i++)
		n += s->effects.item[i].kind == kind;
	return n;
}

static void
nothing_of_it_acts_any_more(void **state)
{
	struct stage *s = *state;
	struct uuid id = make_shop(s);
	struct intent *made[] = { new_policy(), new_schedule(), new_quarantined() };

	assert_int_equal(turn(s, made, ARRAY_LEN(made)), 0);
	for (size_t i = 0; i < ARRAY_LEN(made); i++)
		if (made[i]->status != INTENT_OK)
			fail_msg("%zu: %s", i, made[i]->err.text);
	later(s, HOURS_MS(2));
	assert_true(n_effects(s, EFFECT_SWEEP) > 0);
	assert_true(n_effects(s, EFFECT_SCHEDULE_FIRE) > 0);

	struct intent *gone = new_project(&id, INTENT_PROJECT_DELETE);
	TURN(s, gone);
	assert_int_equal(gone->status, INTENT_OK);
	s->effects.n = 0;
	later(s, DAYS_MS(3));
	stage_restart(s);
	later(s, DAYS_MS(3));
	assert_int_equal(s->effects.n, 0);
}

static void
nothing_is_made_in_it_any_more(void **state)
{
	struct stage *s = *state;
	struct uuid id = make_shop(s);

	TURN(s, new_project(&id, INTENT_PROJECT_DELETE));
	struct intent *late[] = { new_policy(), new_schedule(), new_quarantined(),
		new_queue() };
	assert_int_equal(turn(s, late, ARRAY_LEN(late)), 0);
	for (size_t i = 0; i < ARRAY_LEN(late); i++) {
		assert_int_equal(late[i]->status, INTENT_IS_ERROR);
		assert_int_equal(late[i]->err.code, ERR_NOT_FOUND);
	}
}

static int
count_cell(void *arg, const struct stat_cell *cell, struct err *err)
{
	(void)err;
	*(int64_t *)arg += cell->n;
	return 0;
}

/* Units of the project in figures, and whether its test is known by name. */
static void
assert_figures(struct stage *s, int64_t project, int64_t units, int known_rc)
{
	_cleanup_(store_reader_closep) struct store_reader *reader = NULL;
	const struct stat_filter filter = {
		.project = project,
		.subject = STAT_TEST,
		.to_ms = INT64_MAX,
	};
	struct known_test *known;
	struct err err;
	int64_t n = 0;

	assert_int_equal(store_reader_open(&reader, s->store, &err), 0);
	assert_int_equal(read_stat_cells(reader, &filter, count_cell, &n, &err), 0);
	assert_int_equal(n, units);
	assert_int_equal(
		read_known_test(reader, stats_test_key(project, "t"), &s->arena, &known, &err),
		known_rc);
}

static struct intent *
new_shop_job(struct stage *s)
{
	struct intent *intent = new_create(s);

	intent->project = SHOP;
	return intent;
}

/* Takes a run of whatever project. */
static void
take_any(struct stage *s, struct hand *h)
{
	struct intent *poll = new_poll(h, true);

	poll->project = 0;
	TURN(s, poll);
	assert_true(is_answered(s, poll));
	take(h, poll);
	assert_int_equal(h->n_holds, 1);
}

static void
pass_it(struct stage *s, struct hand *h)
{
	struct intent *poll = new_poll(h, false);

	poll->project = 0;
	poll_add_result(poll, &h->holds[0], OUTCOME_PASSED);
	h->n_holds = 0;
	TURN(s, poll);
	assert_int_equal(poll->status, INTENT_OK);
}

static void
its_figures_go_and_late_ones_are_not_made(void **state)
{
	struct stage *s = *state;
	struct uuid id = make_shop(s);
	struct hand h = hand(s);

	(void)create(s);
	TURN(s, new_shop_job(s));
	for (int i = 0; i < 2; i++) {
		take_any(s, &h);
		pass_it(s, &h);
	}
	assert_figures(s, PROJECT_DEFAULT, 1, 0);
	assert_figures(s, SHOP, 1, 0);
	TURN(s, new_shop_job(s));
	take_any(s, &h);

	TURN(s, new_project(&id, INTENT_PROJECT_DELETE));
	later(s, 1);
	assert_figures(s, SHOP, 0, STORE_NONE);
	stage_restart(s);
	pass_it(s, &h);
	later(s, 1);
	assert_figures(s, SHOP, 0, STORE_NONE);
	assert_figures(s, PROJECT_DEFAULT, 1, 0);
}

/* As if so many tests had been seen. */
static void
put_known_tests(struct stage *s)
{
	const struct turn_keys nothing = { 0 };
	struct known_test known = { .project = SHOP, .name = "t", .n = 1 };
	struct uow uow;
	struct err err;

	uow_init(&uow, &s->arena, &s->rng, s->now_ms);
	assert_int_equal(store_load(s->store, &nothing, &uow, &err), 0);
	for (int i = 0; i < MANY; i++) {
		struct known_test *row = arena_memdup(&s->arena, &known, sizeof known);

		row->key = i + 1;
		UOW_PUSH(&uow, &uow.known_tests, row);
	}
	assert_int_equal(store_save(s->store, &uow, &err), 0);
	uow_deinit(&uow);
}

static int
n_known_tests(struct stage *s)
{
	_cleanup_(store_reader_closep) struct store_reader *reader = NULL;
	struct known_test *known;
	struct err err;
	int n = 0;

	assert_int_equal(store_reader_open(&reader, s->store, &err), 0);
	for (int i = 0; i < MANY; i++)
		n += read_known_test(reader, i + 1, &s->arena, &known, &err) == 0;
	return n;
}

static void
what_is_left_when_the_server_ends_goes_after_its_start(void **state)
{
	struct stage *s = *state;
	struct uuid id = make_shop(s);

	put_known_tests(s);
	TURN(s, new_project(&id, INTENT_PROJECT_DELETE));
	assert_int_equal(n_known_tests(s), MANY - DELETE_ROWS_MAX);
	stage_restart(s);
	later(s, 1);
	assert_int_equal(n_known_tests(s), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(nothing_of_it_acts_any_more),
		STAGED(nothing_is_made_in_it_any_more),
		STAGED(its_figures_go_and_late_ones_are_not_made),
		STAGED(what_is_left_when_the_server_ends_goes_after_its_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
