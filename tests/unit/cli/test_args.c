/* SPDX-License-Identifier: Apache-2.0 */
/* Arguments of a made-up command: forms, checks, precedence of line, environment and preset. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/cli.h"

static const char *const colours[] = { "red", "green", NULL };

static const struct cli_option own[] = {
	{ .name = "name",
		.letter = 'n',
		.kind = OPTION_TEXT,
		.value = "NAME",
		.env = "TEST_NAME" },
	{ .name = "count",
		.letter = 'c',
		.kind = OPTION_INT,
		.value = "N",
		.preset = "3",
		.min = 1,
		.max = 10 },
	{ .name = "time", .kind = OPTION_DURATION, .value = "TIME", .min = 1000, .max = 60000 },
	{ .name = "colour", .kind = OPTION_CHOICE, .value = "C", .choices = colours },
	{ .name = "param", .letter = 'p', .kind = OPTION_PAIR, .many = true, .value = "K=V" },
	{ .name = "verbose", .letter = 'v', .kind = OPTION_FLAG, .env = "TEST_VERBOSE" },
	{ 0 },
};

static const struct cli_command command = {
	.noun = "try", .arguments = "[FILE...]", .args_max = 2, .options = own
};

/* Parses a line of words without quotes. 0 with *ret to be deinitialised, or -1. */
static int
parse(struct cli *ret, const char *line, struct err *err)
{
	static char text[500];
	static char *words[50];
	size_t n = 0;

	memcpy(text, line, strlen(line) + 1);
	for (char *at = text; *at;) {
		size_t len = strcspn(at, " ");
		words[n++] = at;
		at += len;
		if (*at)
			*at++ = '\0';
	}
	return cli_parse(ret, &command, words, n, err);
}

static void
test_forms(void **state)
{
	struct cli cli;
	struct err err;

	(void)state;
	assert_int_equal(
		parse(&cli, "a --name=x -c 5 --time 2s -p k=v -pl=w=z -v -- --count", &err), 0);
	assert_string_equal(cli_text(&cli, "name"), "x");
	assert_int_equal(cli_number(&cli, "count"), 5);
	assert_int_equal(cli_number(&cli, "time"), 2000);
	assert_int_equal(cli_all(&cli, "param")->n, 2);
	assert_string_equal(cli_all(&cli, "param")->text[1], "l=w=z");
	assert_true(cli_flag(&cli, "verbose"));
	assert_false(cli.json);
	assert_int_equal(cli.n_args, 2);
	assert_string_equal(cli.args[1], "--count");
	cli_deinit(&cli);
	assert_int_equal(parse(&cli, "- --json --name=", &err), 0);
	assert_true(cli.json);
	assert_string_equal(cli.args[0], "-");
	assert_string_equal(cli_text(&cli, "name"), "");
	cli_deinit(&cli);
}

static void
test_precedence(void **state)
{
	struct cli cli;
	struct err err;

	(void)state;
	assert_int_equal(parse(&cli, "", &err), 0);
	assert_null(cli_text(&cli, "name"));
	assert_int_equal(cli_number(&cli, "count"), 3);
	cli_deinit(&cli);
	assert_int_equal(setenv("TEST_NAME", "env", 1), 0);
	assert_int_equal(setenv("TEST_VERBOSE", "no", 1), 0);
	assert_int_equal(parse(&cli, "", &err), 0);
	assert_string_equal(cli_text(&cli, "name"), "env");
	assert_false(cli_flag(&cli, "verbose"));
	cli_deinit(&cli);
	assert_int_equal(parse(&cli, "-n line", &err), 0);
	assert_string_equal(cli_text(&cli, "name"), "line");
	cli_deinit(&cli);
	(void)unsetenv("TEST_NAME");
	(void)unsetenv("TEST_VERBOSE");
}

static void
test_refusals(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{ "--nam x", "unknown option --nam; did you mean --name?" },
		{ "--zzz", "unknown option --zzz" },
		{ "-x", "unknown option -x" },
		{ "-vv", "unknown option -vv" },
		{ "--name", "--name needs a value: --name NAME" },
		{ "-c", "-c needs a value: -c N" },
		{ "-n a -n b", "--name is given twice" },
		{ "-c 11", "--count: " },
		{ "-c 1x", "--count: " },
		{ "--time 10ms", "--time: 10ms is too short" },
		{ "--time 2h", "--time: " },
		{ "--colour blue", "--colour: \"blue\" is none of red, green" },
		{ "-p =v", "is not NAME=VALUE" },
		{ "-p v", "is not NAME=VALUE" },
		{ "--verbose=1", "--verbose takes no value" },
		{ "a b c", "unexpected argument \"c\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct cli cli;
		struct err err;
		assert_int_equal(parse(&cli, rows[i].line, &err), -1);
		if (!strstr(err.text, rows[i].says))
			fail_msg("\"%s\" is not in \"%s\"", rows[i].says, err.text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
