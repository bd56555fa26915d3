/* SPDX-License-Identifier: Apache-2.0 */
/* Schedules: what fires, what waits, what is missed, and what a restart changes (nothing). */
#include "core/schedule.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "unit.h"

static struct arena arena;
static struct rng rng;
static struct uow uow;
static struct schedule_list list;
static struct err err;
static int64_t now_ms;
static uint8_t next_job;

#define MINUTE MINUTES_MS(1)

static int64_t
at(const char *text)
{
	int64_t ms;

	assert_int_equal(time_parse(str_of(text), &ms, &err), 0);
	return ms;
}

static void
begin_turn(int64_t time_ms)
{
	now_ms = time_ms;
	uow_deinit(&uow);
	arena_reset(&arena);
	uow_init(&uow, &arena, &rng, now_ms);
}

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(8));
	rng_seed(&rng, 1);
	now_ms = at("2026-03-02T00:00:00Z"); /* a Monday */
	uow_init(&uow, &arena, &rng, now_ms);
	schedule_list_init(&list);
	next_job = 0;
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	schedule_list_deinit(&list);
	uow_deinit(&uow);
	arena_deinit(&arena);
	return 0;
}

/* One whose start is a template; `members` follow its name and start. */
static struct schedule *
put(const char *name, const char *members)
{
	_cleanup_free_ char *spec = xasprintf(
		"{\"name\":\"%s\",\"start\":{\"template\":\"shop\"},%s}", name, members);
	struct schedule_change change = { .name = name, .spec = spec };
	struct schedule *schedule = NULL;

	if (schedule_list_put(&list, &uow, 1, schedule_list_named(&list, 1, name), &change,
		    &schedule, &err) < 0)
		fail_msg("%s: %s", members, err.text);
	return schedule;
}

/* A turn at that time in which nothing else happens. */
static void
tick(int64_t time_ms)
{
	begin_turn(time_ms);
	schedule_list_run(&list, &uow);
	schedule_list_settle(&list, &uow);
	schedule_list_save(&list, &uow);
}

/* The job of the first pending occurrence is made. */
static struct job *
make_job(struct schedule *schedule)
{
	struct job *job = arena_xalloc(&arena, sizeof *job);

	assert_true(schedule->live->n_pending > 0);
	*job = (struct job) { .schedule = schedule->seq, .project = 1 };
	job->id.u.b[0] = 7;
	job->id.u.b[15] = ++next_job;
	schedule_fired(&list, &uow, schedule, schedule->live->pending[0].at_ms, job);
	return job;
}

/* The job that was made first and goes on ends. */
static void
end_job(struct schedule *schedule, int64_t time_ms)
{
	struct job *job;

	begin_turn(time_ms);
	job = arena_xalloc(&arena, sizeof *job);
	*job = (struct job) { .schedule = schedule->seq, .id = schedule->live->active[0] };
	UOW_PUSH(&uow, &uow.ended, job);
	schedule_list_settle(&list, &uow);
	schedule_list_save(&list, &uow);
}

/* As after the end of the process: everything is read from what was saved last. */
static struct schedule *
restart(struct schedule *schedule)
{
	struct schedule row;
	struct arena kept;

	arena_init(&kept, MIB(1));
	schedule_snapshot(&kept, schedule, &row);
	schedule_list_deinit(&list);
	schedule_list_init(&list);
	schedule_list_restore(&list, &row);
	arena_deinit(&kept);
	return list.item[0];
}

static void
assert_event(enum event_type type, const char *part)
{
	for (size_t i = 0; i < uow.events.n; i++)
		if (uow.events.item[i].type == type && uow.events.item[i].data.p &&
			strstr(uow.events.item[i].data.p, part))
			return;
	fail_msg("no %s with %s", event_type_name(type), part);
}

static void
it_fires_when_it_is_due_and_not_before(void **state)
{
	struct schedule *s = put("nightly", "\"cron\":\"30 2 * * *\"");
	int64_t due = at("2026-03-02T02:30:00Z");

	(void)state;
	assert_int_equal(schedule_list_due(&list), due);
	tick(due - 1);
	assert_int_equal(uow.effects.n, 0);
	tick(due);
	assert_int_equal(uow.effects.n, 1);
	assert_int_equal(uow.effects.item[0].at_ms, due);
	assert_non_null(strstr(uow.effects.item[0].body.p, "shop"));
	assert_non_null(strstr(uow.effects.item[0].scope.p, "2026-03-02T02:30:00.000Z"));
	assert_int_equal(uow.schedules.n, 1);
	assert_int_equal(schedule_list_due(&list), due + DAYS_MS(1));
	make_job(s);
	assert_int_equal(s->live->n_pending, 0);
	assert_int_equal(uow.firings.n, 1);
	assert_event(EV_SCHEDULE_FIRED, "\"lateMs\":0");
}

static void
an_occurrence_makes_one_job(void **state)
{
	struct schedule *s = put("x", "\"every\":\"1m\"");
	int64_t occurrence = now_ms + MINUTE;

	(void)state;
	tick(occurrence);
	assert_true(schedule_is_pending(s, occurrence));
	make_job(s);
	assert_false(schedule_is_pending(s, occurrence));
	/* Looked at again at the same time, nothing is due. */
	tick(occurrence);
	assert_int_equal(uow.effects.n, 0);
}

static void
what_is_pending_is_asked_for_again_after_a_restart(void **state)
{
	struct schedule *s = put("x", "\"every\":\"1h\"");
	int64_t occurrence = now_ms + HOURS_MS(1);

	(void)state;
	tick(occurrence);
	s = restart(s);
	assert_int_equal(schedule_list_due(&list), 1);
	tick(occurrence + 5);
	assert_int_equal(uow.effects.n, 1);
	assert_int_equal(uow.effects.item[0].at_ms, occurrence);
	make_job(s);
	schedule_list_save(&list, &uow);
	s = restart(s);
	tick(occurrence + 10);
	assert_int_equal(uow.effects.n, 0);
	assert_int_equal(s->live->n_active, 1);
	assert_int_equal(s->live->fired, 1);
}

static void
overlap_skip_misses(void **state)
{
	struct schedule *s = put("x", "\"every\":\"1m\"");

	(void)state;
	tick(now_ms + MINUTE);
	make_job(s);
	tick(now_ms + MINUTE);
	assert_int_equal(uow.effects.n, 0);
	assert_event(EV_SCHEDULE_MISSED, "\"reason\":\"overlap\"");
	assert_int_equal(s->live->missed, 1);
	end_job(s, now_ms + 5);
	tick(now_ms - 5 + MINUTE);
	assert_int_equal(uow.effects.n, 1);
}

static void
overlap_queue_waits_and_has_an_end(void **state)
{
	struct schedule *s = put("x", "\"every\":\"1m\",\"overlap\":\"queue\"");
	int64_t first = now_ms + MINUTE;

	(void)state;
	tick(first);
	make_job(s);
	for (int i = 1; i <= SCHEDULE_WAITING_MAX; i++)
		tick(first + i * MINUTE);
	assert_int_equal(s->live->n_waiting, SCHEDULE_WAITING_MAX);
	tick(first + (SCHEDULE_WAITING_MAX + 1) * MINUTE);
	assert_event(EV_SCHEDULE_MISSED, "\"reason\":\"queue_full\"");
	end_job(s, now_ms + 1);
	assert_int_equal(uow.effects.n, 1);
	assert_int_equal(uow.effects.item[0].at_ms, first + MINUTE);
	assert_int_equal(s->live->n_waiting, SCHEDULE_WAITING_MAX - 1);
}

static void
overlap_cancel_cancels_first_and_only_the_latest_waits(void **state)
{
	struct schedule *s = put("x", "\"every\":\"1m\",\"overlap\":\"cancel\"");
	int64_t first = now_ms + MINUTE;

	(void)state;
	tick(first);
	make_job(s);
	tick(first + MINUTE);
	assert_int_equal(uow.effects.n, 0);
	assert_int_equal(uow.follow_ups.n, 1);
	assert_int_equal(uow.follow_ups.item[0].command, JOB_CMD_CANCEL);
	tick(first + 2 * MINUTE);
	assert_event(EV_SCHEDULE_MISSED, "\"reason\":\"superseded\"");
	assert_int_equal(s->live->n_waiting, 1);
	end_job(s, now_ms + 1);
	assert_int_equal(uow.effects.n, 1);
	assert_int_equal(uow.effects.item[0].at_ms, first + 2 * MINUTE);
	/* The next one comes while the job is still on its way: that job is cancelled too. */
	tick(first + 3 * MINUTE);
	assert_int_equal(uow.follow_ups.n, 0);
	make_job(s);
	assert_int_equal(uow.follow_ups.n, 1);
}

static void
overlap_parallel_fires(void **state)
{
	struct schedule *s = put("x", "\"every\":\"1m\",\"overlap\":\"parallel\"");

	(void)state;
	for (int i = 0; i < SCHEDULE_ACTIVE_MAX; i++) {
		tick(now_ms + MINUTE);
		make_job(s);
	}
	assert_int_equal(s->live->n_active, SCHEDULE_ACTIVE_MAX);
	tick(now_ms + MINUTE);
	assert_event(EV_SCHEDULE_MISSED, "\"reason\":\"too_many\"");
}

static void
an_outage_is_made_up_for_as_asked(void **state)
{
	static const struct {
		const char *members;
		size_t n_made;
		int64_t first; /* minutes after the last before the outage */
	} rows[] = {
		{ "\"every\":\"1m\"", 0, 0 },
		{ "\"every\":\"1m\",\"missed\":\"once\"", 1, 60 },
		{ "\"every\":\"1m\",\"missed\":\"all\"", 10, 51 },
		{ "\"every\":\"1m\",\"missed\":\"all\",\"missedMax\":100", 60, 1 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t begin = now_ms;
		struct schedule *s = put("x", rows[i].members);
		schedule_list_save(&list, &uow);
		s = restart(s);
		tick(begin + 60 * MINUTE + SCHEDULE_LATE_MS);
		assert_event(EV_SCHEDULE_MISSED, "\"reason\":\"outage\",\"count\":60");
		size_t n_made = s->live->n_pending + s->live->n_waiting;
		/* The one that is due in this very minute fires on time, or is skipped. */
		assert_int_equal(n_made, rows[i].n_made > 0 ? rows[i].n_made : 1);
		if (rows[i].n_made > 0)
			assert_int_equal(
				s->live->pending[0].at_ms, begin + rows[i].first * MINUTE);
		teardown(state);
		setup(state);
	}
}

static void
made_up_ones_run_one_after_the_other(void **state)
{
	struct schedule *s = put("x", "\"every\":\"1h\",\"missed\":\"all\"");
	int64_t begin = now_ms;

	(void)state;
	tick(begin + HOURS_MS(3) + 5 * MINUTE);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(s->live->n_pending, 1);
		assert_int_equal(s->live->pending[0].at_ms, begin + HOURS_MS(i));
		assert_int_equal(s->live->pending[0].cause, FIRE_MISSED);
		make_job(s);
		end_job(s, now_ms + 1000);
	}
	assert_int_equal(s->live->n_pending, 0);
	assert_int_equal(s->live->fired, 3);
}

static void
a_long_outage_of_a_busy_schedule_costs_little(void **state)
{
	struct schedule *s = put("x", "\"cron\":\"* * * * * *\",\"missed\":\"all\"");
	int64_t late = now_ms + DAYS_MS(366);

	(void)state;
	tick(late);
	assert_event(EV_SCHEDULE_MISSED, "\"count\":1000,\"fired\":10,\"more\":true");
	assert_int_equal(s->live->pending[0].at_ms, late - SCHEDULE_LATE_MS - 9000);
}

static void
inside_a_blackout_nothing_fires(void **state)
{
	struct schedule *s = put("x",
		"\"cron\":\"0 * * * *\",\"blackout\":[{\"from\":\"2026-03-02T01:00:00Z\","
		"\"to\":\"2026-03-02T02:00:00Z\"},{\"cron\":\"30 3 * * MON\",\"duration\":\"2h\"}]");
	static const bool fires[] = { false, true, true, false, false, true };

	(void)state;
	for (int hour = 1; hour <= 6; hour++) {
		tick(at("2026-03-02T00:00:00Z") + HOURS_MS(hour));
		assert_int_equal(uow.effects.n, fires[hour - 1]);
		if (!fires[hour - 1]) {
			assert_event(EV_SCHEDULE_MISSED, "\"reason\":\"blackout\"");
			continue;
		}
		make_job(s);
		end_job(s, now_ms + 1);
	}
}

static void
paused_it_fires_nothing_and_makes_up_for_nothing(void **state)
{
	struct schedule *s = put("x", "\"every\":\"1m\",\"missed\":\"all\"");
	int64_t begin = now_ms;

	(void)state;
	schedule_list_pause(&list, &uow, s, true);
	assert_int_equal(schedule_list_due(&list), 0);
	tick(begin + 10 * MINUTE + 1);
	assert_int_equal(uow.effects.n, 0);
	schedule_list_pause(&list, &uow, s, false);
	assert_int_equal(schedule_list_due(&list), begin + 11 * MINUTE);
	tick(begin + 11 * MINUTE);
	assert_int_equal(uow.effects.n, 1);
	assert_int_equal(s->live->missed, 0);
}

static void
by_hand_it_fires_at_once(void **state)
{
	struct schedule *s = put("x", "\"every\":\"1d\",\"paused\":true");
	int64_t one, two;

	(void)state;
	begin_turn(now_ms + 1);
	assert_int_equal(schedule_list_fire_now(&list, &uow, s, -1, &one, &err), 0);
	assert_int_equal(uow.effects.n, 1);
	assert_int_equal(schedule_list_fire_now(&list, &uow, s, -1, &two, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_int_equal(
		schedule_list_fire_now(&list, &uow, s, OVERLAP_PARALLEL, &two, &err), 0);
	assert_true(two > one);
	assert_int_equal(uow.effects.n, 2);
}

static void
jitter_delays_and_is_the_same_after_a_restart(void **state)
{
	struct schedule *s = put("x", "\"cron\":\"0 * * * *\",\"jitter\":\"10m\"");
	int64_t next = now_ms + HOURS_MS(1), due = schedule_list_due(&list);

	(void)state;
	assert_true(due >= next && due < next + 10 * MINUTE);
	schedule_list_save(&list, &uow);
	s = restart(s);
	assert_int_equal(schedule_list_due(&list), due);
	tick(due - 1);
	assert_int_equal(uow.effects.n, 0);
	tick(due);
	assert_int_equal(uow.effects.item[0].at_ms, next);
}

static void
what_cannot_be_resolved_is_told_once(void **state)
{
	struct schedule *s = put("x", "\"every\":\"1m\"");

	(void)state;
	tick(now_ms + MINUTE);
	schedule_failed(&list, &uow, s, now_ms, "there is no template \"shop\"");
	assert_event(EV_SCHEDULE_FAILED, "there is no template");
	assert_int_equal(s->live->failed, 1);
	schedule_list_save(&list, &uow);
	s = restart(s);
	tick(now_ms + 1);
	assert_int_equal(uow.effects.n, 0);
	assert_string_equal(s->live->last_error, "there is no template \"shop\"");
}

static void
one_off_times_come_to_an_end(void **state)
{
	struct schedule *s =
		put("x", "\"at\":[\"2026-03-03T00:00:00Z\",\"2026-03-02T12:00:00+02:00\"]");

	(void)state;
	assert_int_equal(schedule_list_due(&list), at("2026-03-02T10:00:00Z"));
	tick(schedule_list_due(&list));
	make_job(s);
	end_job(s, now_ms + 1);
	tick(schedule_list_due(&list));
	assert_int_equal(uow.effects.n, 1);
	assert_int_equal(schedule_list_due(&list), 0);
}

static void
a_change_keeps_what_is_under_way(void **state)
{
	struct schedule *s = put("x", "\"every\":\"1m\"");
	int64_t begin = now_ms;

	(void)state;
	tick(begin + MINUTE);
	make_job(s);
	begin_turn(begin + MINUTE + 10);
	s = put("x", "\"cron\":\"0 0 * * *\"");
	assert_int_equal(s->revision, 2);
	assert_int_equal(s->live->n_active, 1);
	assert_int_equal(schedule_list_due(&list), begin + DAYS_MS(1));
}

/* Every answer that lists them has to hold them. */
static void
all_together_have_a_limit(void **state)
{
	enum { LONG = 60000 };
	_cleanup_free_ char *text = xmalloc(LONG + 1);
	struct schedule_change change = { .name = "more" };
	struct schedule *schedule;
	int64_t sum = 0;

	(void)state;
	memset(text, 'x', LONG);
	text[LONG] = '\0';
	_cleanup_free_ char *spec = xasprintf("{\"name\":\"more\",\"every\":\"1m\","
					      "\"start\":{\"template\":\"shop\","
					      "\"params\":{\"x\":\"%s\"}}}",
		text);

	change.spec = spec;
	for (int n = 0; sum + (int64_t)strlen(spec) <= SCHEDULES_BYTES_MAX; n++) {
		char name[20];

		snprintf(name, sizeof name, "s%d", n);
		change.name = name;
		begin_turn(now_ms + 1);
		assert_int_equal(
			schedule_list_put(&list, &uow, 1, NULL, &change, &schedule, &err), 0);
		schedule_list_save(&list, &uow);
		sum += (int64_t)strlen(spec);
	}
	begin_turn(now_ms + 1);
	change.name = "more";
	assert_int_equal(schedule_list_put(&list, &uow, 1, NULL, &change, &schedule, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	change.name = "s0"; /* in its own place */
	assert_int_equal(schedule_list_put(&list, &uow, 1, schedule_list_named(&list, 1, "s0"),
				 &change, &schedule, &err),
		0);
	schedule_list_remove(&list, &uow, schedule_list_named(&list, 1, "s1"));
	change.name = "more";
	assert_int_equal(schedule_list_put(&list, &uow, 1, NULL, &change, &schedule, &err), 0);
}

static void
a_deleted_one_fires_no_more(void **state)
{
	(void)state;
	(void)put("x", "\"every\":\"1m\"");
	(void)put("y", "\"every\":\"1m\"");
	schedule_list_save(&list, &uow);
	begin_turn(now_ms + 1);
	schedule_list_remove(&list, &uow, schedule_list_named(&list, 1, "x"));
	assert_null(schedule_list_named(&list, 1, "x"));
	schedule_list_drop_project(&list, &uow, 2);
	schedule_list_save(&list, &uow);
	assert_int_equal(list.n, 1);
	begin_turn(now_ms + 1);
	schedule_list_drop_project(&list, &uow, 1);
	schedule_list_save(&list, &uow);
	assert_int_equal(list.n, 0);
	assert_int_equal(schedule_list_due(&list), 0);
	assert_event(EV_SCHEDULE_CHANGED, "\"change\":\"deleted\"");
}

static void
mistakes_name_their_place(void **state)
{
	static const struct {
		const char *json, *pointer, *says;
	} rows[] = {
		{ "{}", "", "exactly one of" },
		{ "{\"cron\":\"* * * * *\",\"every\":\"1m\"}", "/cron", "exactly one of" },
		{ "{\"cron\":\"* * * * MOM\"}", "/cron", "day of week" },
		{ "{\"every\":\"1m\",\"timezone\":\"Mars/Base\"}", "/timezone",
			"no time zone" },
		{ "{\"at\":\"tomorrow\"}", "/at", "" },
		{ "{\"at\":[\"2026-03-03T00:00:00Z\",5]}", "/at/1", "RFC 3339" },
		{ "{\"every\":\"1m\",\"blackout\":[{\"from\":\"2026-03-03T00:00:00Z\"}]}",
			"/blackout/0", "from and to" },
		{ "{\"every\":\"1m\",\"blackout\":[{\"cron\":\"x\",\"duration\":\"1h\"}]}",
			"/blackout/0/cron", "1 field where" },
		{ "{\"every\":\"1m\",\"blackout\":[{\"cron\":\"0 0 30 2 *\",\"duration\":\"1h\"}]}",
			"/blackout/0/cron", "never begin" },
		{ "{\"every\":\"1m\",\"start\":{\"name\":\"x\"}}", "/start", "job request" },
		{ "{\"every\":\"1m\",\"start\":{\"template\":\"x\",\"runAt\":1}}",
			"/start/runAt", "no place" },
		{ "{\"every\":\"1m\",\"startsAt\":\"2026-03-03T00:00:00Z\","
		  "\"endsAt\":\"2026-03-02T00:00:00Z\"}",
			"/endsAt", "not after" },
		{ "{\"every\":\"500ms\"}", "/every", "" },
		{ "{\"every\":\"1m\",\"overlap\":\"wait\"}", "/overlap", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct issues issues = { .arena = &arena };
		_cleanup_(json_unrefp) json_t *json =
			json_read(rows[i].json, strlen(rows[i].json), 10, &err);
		struct schedule_spec spec;

		assert_int_equal(schedule_spec_read(json, true, &issues, &spec), -1);
		if (strcmp(issues.item[0].pointer, rows[i].pointer) != 0 ||
			!strstr(issues.item[0].detail, rows[i].says))
			fail_msg("%s: %s: %s", rows[i].json, issues.item[0].pointer,
				issues.item[0].detail);
	}
}

static void
tags_and_labels_go_into_the_job(void **state)
{
	static const char text[] =
		"{\"every\":\"1m\",\"tags\":[\"nightly\",\"shop\"],\"labels\":{\"location\":\"office\"},"
		"\"start\":{\"template\":\"shop\",\"tags\":[\"shop\"]}}";
	struct issues issues = { .arena = &arena };
	_cleanup_(json_unrefp) json_t *json = json_read(text, strlen(text), 10, &err);
	struct schedule_spec spec;

	(void)state;
	assert_int_equal(schedule_spec_read(json, true, &issues, &spec), 0);
	assert_string_equal(spec.start.p,
		"{\"template\":\"shop\",\"tags\":[\"shop\",\"nightly\"],\"labels\":{\"location\":\"office\"}}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_fires_when_it_is_due_and_not_before),
		TEST(an_occurrence_makes_one_job),
		TEST(what_is_pending_is_asked_for_again_after_a_restart),
		TEST(overlap_skip_misses),
		TEST(overlap_queue_waits_and_has_an_end),
		TEST(overlap_cancel_cancels_first_and_only_the_latest_waits),
		TEST(overlap_parallel_fires),
		TEST(an_outage_is_made_up_for_as_asked),
		TEST(made_up_ones_run_one_after_the_other),
		TEST(a_long_outage_of_a_busy_schedule_costs_little),
		TEST(inside_a_blackout_nothing_fires),
		TEST(paused_it_fires_nothing_and_makes_up_for_nothing),
		TEST(by_hand_it_fires_at_once),
		TEST(jitter_delays_and_is_the_same_after_a_restart),
		TEST(what_cannot_be_resolved_is_told_once),
		TEST(one_off_times_come_to_an_end),
		TEST(a_change_keeps_what_is_under_way),
		TEST(all_together_have_a_limit),
		TEST(a_deleted_one_fires_no_more),
		TEST(mistakes_name_their_place),
		TEST(tags_and_labels_go_into_the_job),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
