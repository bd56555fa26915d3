/* SPDX-License-Identifier: Apache-2.0 */
/* What a deleted project takes with it in its turn, and what it refuses from then on. */
#include "stage.h"

#include "base/limits.h"

enum { SHOP = 2 }; /* the number of the first project after the default one */

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(nothing_of_it_acts_any_more),
		STAGED(nothing_is_made_in_it_any_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
