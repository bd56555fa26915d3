/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/limits.h"
#include "core/cluster.h"
#include "unit.h"

static struct arena arena;

static void
what_varies_becomes_a_placeholder(void **state)
{
	static const struct {
		const char *text, *normal;
	} rows[] = {
		{ "", "" },
		{ "plain words stay", "plain words stay" },
		{ "Timeout 30000ms exceeded.", "Timeout <n>ms exceeded." },
		{ "expected 3.14 to be 1,000", "expected <n> to be <n>" },
		{ "task-17 of user42", "task-<n> of user<n>" },
		{ "no element \"#login > button\" found", "no element '…' found" },
		{ "no element '.x' or `y`", "no element '…' or '…'" },
		{ "it doesn't work, don't", "it doesn't work, don't" },
		{ "GET https://shop.test/a?b=1 gave 502", "GET <url> gave <n>" },
		{ "see (http://a.b/c).", "see (<url>)." },
		{ "open /srv/app/data.json: no such file", "open <path>: no such file" },
		{ "at ./lib/a.js:10:3", "at <path>" },
		{ "C:\\Users\\x\\y.txt is locked", "<path> is locked" },
		{ "1/2 done", "<n>/<n> done" },
		{ "job 0198c0de-1234-7abc-8def-0123456789ab is gone", "job <id> is gone" },
		{ "at 2026-11-22T10:11:12.345Z it broke", "at <time> it broke" },
		{ "2026-11-22 10:11:12,5 it broke", "<time> it broke" },
		{ "10:11:12 it broke", "<time> it broke" },
		{ "commit 9f8e7d6c5b4a is bad", "commit <hex> is bad" },
		{ "segfault at 0x7ffe12", "segfault at <hex>" },
		{ "deadbeef and defaced", "deadbeef and defaced" },
		{ "\x1b[31mred\x1b[0m   and\n\twide ", "red and wide" },
		{ "größer als 5 €", "größer als <n> €" },
		{ "an open \"quote", "an open \"quote" },
		{ "\x1b[", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(
			cluster_normalise(str_of(rows[i].text), &arena), rows[i].normal);
}

static void
normalising_twice_changes_nothing_for_words(void **state)
{
	const char *once = cluster_normalise(STR("Timeout 5s at /a/b for \"x\""), &arena);

	(void)state;
	assert_string_equal(once, "Timeout <n>s at <path> for '…'");
	assert_string_equal(cluster_normalise(str_of(once), &arena), once);
}

static void
a_long_text_is_cut_between_characters(void **state)
{
	char text[2000];

	(void)state;
	for (size_t i = 0; i + 3 <= sizeof text; i += 3)
		memcpy(text + i, "€", 3);
	const char *cut = cluster_normalise(str_from(text, sizeof text - 2), &arena);

	assert_true(strlen(cut) <= ERROR_CLASS_BYTES_MAX);
	assert_true(strlen(cut) > ERROR_CLASS_BYTES_MAX - 4);
	assert_true(utf8_valid(cut, strlen(cut)));
}

static void
the_message_comes_before_reason_and_outcome(void **state)
{
	(void)state;
	assert_string_equal(cluster_message("{\"message\":\"boom\",\"stack\":\"x\"}", "exit",
				    "failed", &arena),
		"boom");
	assert_string_equal(
		cluster_message("{\"message\":\"\"}", "exit", "failed", &arena), "exit");
	assert_string_equal(cluster_message("[1]", "exit", "failed", &arena), "exit");
	assert_string_equal(cluster_message("no JSON", NULL, "failed", &arena), "failed");
	assert_string_equal(cluster_message(NULL, NULL, "timed_out", &arena), "timed_out");
}

static void
texts_that_differ_in_one_word_are_one_group(void **state)
{
	static const char *const texts[] = {
		"cannot find button Save",  /* 0 */
		"something else entirely",  /* 1 */
		"cannot find button Open",  /* 2: as 0 */
		"cannot find link Open",    /* 3: as 2, so as 0 */
		"cannot find Save button",  /* 4: other order */
		"cannot find button Save!", /* 5: as 0 */
		"boom",                     /* 6 */
		"bang",                     /* 7: one word is no pattern */
		"cannot find button",       /* 8: another number of words */
		"",                         /* 9 */
	};
	static const size_t wanted[] = { 0, 1, 0, 0, 4, 0, 6, 7, 8, 9 };
	size_t group[ARRAY_LEN(texts)];

	(void)state;
	cluster_group(texts, ARRAY_LEN(texts), group);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(group[i], wanted[i]);
	cluster_group(texts, 0, group);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_varies_becomes_a_placeholder),
		cmocka_unit_test(normalising_twice_changes_nothing_for_words),
		cmocka_unit_test(a_long_text_is_cut_between_characters),
		cmocka_unit_test(the_message_comes_before_reason_and_outcome),
		cmocka_unit_test(texts_that_differ_in_one_word_are_one_group),
	};

	arena_init(&arena, MIB(16));
	int rc = cmocka_run_group_tests(tests, NULL, NULL);
	arena_deinit(&arena);
	return rc;
}
