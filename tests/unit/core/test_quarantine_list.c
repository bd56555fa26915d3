/* SPDX-License-Identifier: Apache-2.0 */
/* The quarantine list: who stands on it, and how an entry leaves. */
#include "core/quarantine_list.h"

#include "base/limits.h"
#include "unit.h"

static struct arena arena;
static struct rng rng;
static struct uow uow;
static struct quarantine_list list;
static struct err err;

static void
begin_turn(int64_t now_ms)
{
	uow_deinit(&uow);
	uow_init(&uow, &arena, &rng, now_ms);
}

static int
setup(void **state)
{
	(void)state;
	arena_init(&arena, MIB(4));
	rng_seed(&rng, 1);
	uow_init(&uow, &arena, &rng, 1000);
	quarantine_list_init(&list, 3);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	quarantine_list_deinit(&list);
	uow_deinit(&uow);
	arena_deinit(&arena);
	return 0;
}

static struct quarantine_entry *
add(const char *test, int32_t clean_runs)
{
	struct quarantine_put put = { test, "ann", "PAY-12", clean_runs, 5000 };
	struct quarantine_entry *entry = NULL;

	if (quarantine_list_add(&list, &uow, 1, &put, &entry, &err) < 0)
		fail_msg("%s: %s", test, err.text);
	return entry;
}

static void
mark(int64_t entry, bool is_clean)
{
	struct quarantine_mark one = { entry, is_clean };

	UOW_PUSH(&uow, &uow.quarantine_marks, one);
	quarantine_list_settle(&list, &uow);
}

static void
stars_stand_for_any_text(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} cases[] = {
		{ "pays", "pays", true },
		{ "pays", "pays by card", false },
		{ "pays*", "pays by card", true },
		{ "*card", "pays by card", true },
		{ "p*by*d", "pays by card", true },
		{ "p*by*x", "pays by card", false },
		{ "*", "", true },
		{ "**a", "ba", true },
		{ "a*", "a", true },
		{ "*a*b", "aab ab", true },
		{ "", "", true },
		{ "", "a", false },
		{ "Pays", "pays", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (quarantine_matches(cases[i].pattern, cases[i].name) != cases[i].matches)
			fail_msg("%s and %s", cases[i].pattern, cases[i].name);
}

static void
an_exact_name_counts_for_more(void **state)
{
	(void)state;
	int64_t pattern = add("pays *", 2)->seq, exact = add("pays by card", 2)->seq;

	assert_int_not_equal(pattern, exact);
	assert_int_equal(quarantine_list_find(&list, 1, "pays by card", 1000), exact);
	assert_int_equal(quarantine_list_find(&list, 1, "pays by cash", 1000), pattern);
	assert_int_equal(quarantine_list_find(&list, 1, "home", 1000), 0);
	assert_int_equal(quarantine_list_find(&list, 2, "pays by card", 1000), 0);
	assert_int_equal(quarantine_list_find(&list, 1, "pays by card", 5000), 0);
}

static void
the_list_has_a_cap_and_no_test_twice(void **state)
{
	struct quarantine_put put = { "a", "ann", "x", 1, 5000 };
	struct quarantine_entry *entry;

	(void)state;
	add("a", 1);
	assert_int_equal(quarantine_list_add(&list, &uow, 1, &put, &entry, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	add("b", 1);
	struct quarantine_entry *c = add("c", 1);
	put.test = "d";
	assert_int_equal(quarantine_list_add(&list, &uow, 1, &put, &entry, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(quarantine_list_add(&list, &uow, 2, &put, &entry, &err), 0);
	quarantine_list_remove(&uow, c); /* makes room in the same turn */
	assert_int_equal(quarantine_list_add(&list, &uow, 1, &put, &entry, &err), 0);
}

static void
clean_runs_in_a_row_end_it(void **state)
{
	(void)state;
	int64_t seq = add("a", 3)->seq;
	struct uuid id = list.item[0]->id;

	quarantine_list_save(&list, &uow);
	begin_turn(2000);
	mark(seq, true);
	mark(seq, true);
	mark(seq, false); /* begins anew */
	mark(seq, true);
	mark(seq, true);
	assert_int_equal(list.item[0]->clean_streak, 2);
	assert_int_equal(list.item[0]->failures, 1);
	assert_int_equal(list.item[0]->last_failed_ms, 2000);
	assert_int_equal(uow.events.n, 0);
	mark(seq, true);
	mark(seq, true); /* it is off already */
	assert_null(quarantine_list_get(&list, 1, &id));
	assert_int_equal(quarantine_list_find(&list, 1, "a", 2000), 0);
	assert_int_equal(uow.events.n, 1);
	assert_int_equal(uow.events.item[0].type, EV_QUARANTINE_LEFT);
	assert_non_null(strstr(uow.events.item[0].data.p, "\"why\":\"clean\""));
	quarantine_list_save(&list, &uow);
	assert_int_equal(list.n, 0);
	assert_int_equal(uow.quarantine.n, 1);
	assert_int_equal(uow.quarantine.item[0]->change, ROW_DELETED);
	assert_false(uow_is_empty(&uow));
}

static void
with_no_clean_runs_it_leaves_by_time(void **state)
{
	(void)state;
	int64_t seq = add("a", 0)->seq;

	quarantine_list_save(&list, &uow);
	for (int i = 0; i < 100; i++)
		mark(seq, true);
	assert_int_equal(quarantine_list_due(&list), 5000);
	begin_turn(4999);
	quarantine_list_expire(&list, &uow);
	assert_int_equal(quarantine_list_find(&list, 1, "a", 4999), seq);
	begin_turn(5000);
	quarantine_list_expire(&list, &uow);
	assert_non_null(strstr(uow.events.item[0].data.p, "\"why\":\"expired\""));
	quarantine_list_save(&list, &uow);
	assert_int_equal(quarantine_list_due(&list), 0);
}

static void
a_change_keeps_what_was_counted(void **state)
{
	struct quarantine_put put = { "b", "bob", "y", 9, 7000 };

	(void)state;
	int64_t seq = add("a", 3)->seq;
	mark(seq, true);
	quarantine_list_save(&list, &uow);
	begin_turn(2000);
	assert_int_equal(quarantine_list_change(&list, &uow, list.item[0], &put, &err), 0);
	assert_string_equal(list.item[0]->test, "b");
	assert_int_equal(list.item[0]->clean_streak, 1);
	assert_int_equal(list.item[0]->revision, 2);
	assert_int_equal(list.item[0]->seq, seq);
	quarantine_list_save(&list, &uow);
	assert_int_equal(uow.quarantine.item[0]->change, ROW_CHANGED);
	assert_int_equal(list.item[0]->change, ROW_CLEAN);
	begin_turn(2000);
	quarantine_list_save(&list, &uow);
	assert_true(uow_is_empty(&uow)); /* nothing happened: nothing to save */
}

static void
numbers_never_come_again(void **state)
{
	(void)state;
	struct quarantine_entry *entry = add("a", 1);
	int64_t first = entry->seq;

	quarantine_list_remove(&uow, entry);
	quarantine_list_save(&list, &uow);
	assert_true(add("a", 1)->seq > first);
	/* As after a restart: nothing is left of the first. */
	quarantine_list_deinit(&list);
	quarantine_list_init(&list, 0);
	begin_turn(3000);
	assert_true(add("a", 1)->seq > first);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(stars_stand_for_any_text),
		TEST(an_exact_name_counts_for_more),
		TEST(the_list_has_a_cap_and_no_test_twice),
		TEST(clean_runs_in_a_row_end_it),
		TEST(with_no_clean_runs_it_leaves_by_time),
		TEST(a_change_keeps_what_was_counted),
		TEST(numbers_never_come_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
