/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments to values, driven by the command's option tables: `--name value`, `--name=value`,
 * `-n value`, flags, and "--" that ends the options. What is not on the line comes from the
 * option's environment variable, then from its preset.
 */
#include "cli/cli.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

/* A command's own option hides a common one of the same name. */
static bool
is_hidden_by_own(const struct cli_command *command, const struct cli_option *option)
{
	for (const struct cli_option *o = command->options; o && o->name; o++) {
		if (o != option && strcmp(o->name, option->name) == 0)
			return true;
	}
	return false;
}

const struct cli_option *
cli_next_option(const struct cli_command *command, size_t *at)
{
	const struct cli_option *const tables[] = { command->options, command->more_options,
		cli_common_options };
	size_t skip = (*at)++;

	for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
		for (const struct cli_option *o = tables[t]; o && o->name; o++) {
			if (t > 0 && is_hidden_by_own(command, o))
				continue;
			if (skip-- == 0)
				return o;
		}
	}
	return NULL;
}

static size_t
count_options(const struct cli_command *command)
{
	size_t at = 0;

	while (cli_next_option(command, &at))
		;
	return at - 1;
}

bool
cli_wants_help(char *const *argv, size_t n)
{
	for (size_t i = 0; i < n && strcmp(argv[i], "--") != 0; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
			return true;
	}
	return false;
}

static int
unknown_option(const struct cli_command *command, const char *word, struct err *err)
{
	const char *names[64] = { NULL };
	const struct cli_option *option;
	size_t n = 0, at = 0;

	while (n + 1 < ARRAY_LEN(names) && (option = cli_next_option(command, &at)) != NULL) {
		if (!option->hidden)
			names[n++] = option->name;
	}
	const char *near = near_name(word, names);
	if (near)
		return err_set(err, ERR_INVALID, "unknown option --%s; did you mean --%s?",
			word, near);
	return err_set(err, ERR_INVALID, "unknown option --%s", word);
}

static struct cli_value *
find_long(struct cli *cli, const char *name, size_t len)
{
	for (size_t i = 0; i < cli->n_values; i++) {
		const char *known = cli->values[i].option->name;
		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return &cli->values[i];
	}
	return NULL;
}

static struct cli_value *
find_letter(struct cli *cli, char letter)
{
	for (size_t i = 0; i < cli->n_values; i++) {
		if (cli->values[i].option->letter == letter)
			return &cli->values[i];
	}
	return NULL;
}

static int
check_choice(const struct cli_option *option, const char *text, struct err *err)
{
	_cleanup_(buf_deinit) struct buf list = BUF_INIT(1024);

	for (const char *const *c = option->choices; *c; c++) {
		if (strcmp(*c, text) == 0)
			return 0;
		if (buf_addf(&list, "%s%s", c == option->choices ? "" : ", ", *c) < 0)
			break;
	}
	return err_set(err, ERR_INVALID, "\"%.60s\" is none of %s", text, buf_text(&list));
}

/* Checks one value against its option; fills the number where there is one. */
static int
check_value(struct cli_value *value, const char *text, struct err *err)
{
	const struct cli_option *option = value->option;

	switch (option->kind) {
	case OPTION_INT:
		return parse_i64(str_of(text), option->min, option->max, &value->number, err);
	case OPTION_DURATION:
		/* Nobody who types 30 means milliseconds. */
		if (text[0] && strspn(text, "0123456789") == strlen(text))
			return err_set(err, ERR_INVALID,
				"\"%.40s\" has no unit: 30s, 10m, 1h30m or 250ms", text);
		if (parse_duration_ms(str_of(text), option->max, &value->number, err) < 0)
			return -1;
		if (value->number < option->min)
			return err_set(err, ERR_INVALID, "%s is too short", text);
		return 0;
	case OPTION_CHOICE:
		return check_choice(option, text, err);
	case OPTION_PAIR:
		if (text[0] == '=' || !strchr(text, '='))
			return err_set(err, ERR_INVALID, "\"%.60s\" is not NAME=VALUE", text);
		return 0;
	case OPTION_FLAG:
	case OPTION_TEXT:
	case OPTION_FILE:
	case OPTION_DIR:
		break;
	}
	return 0;
}

static int
add_value(struct cli_value *value, const char *text, struct err *err)
{
	const struct cli_option *option = value->option;

	if (value->n > 0 && !option->many)
		return err_set(err, ERR_INVALID, "--%s is given twice", option->name);
	if (check_value(value, text, err) < 0)
		return err_wrap(err, "--%s", option->name);
	value->text = xreallocarray(value->text, value->n + 1, sizeof *value->text);
	value->text[value->n++] = text;
	return 0;
}

/* argv[*at] is "--…". */
static int
take_long(struct cli *cli, char *const *argv, size_t n, size_t *at, struct err *err)
{
	const char *name = argv[*at] + 2;
	const char *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	struct cli_value *value = find_long(cli, name, len);

	if (!value) {
		_cleanup_free_ char *word = xstrndup(name, len);
		return unknown_option(cli->command, word, err);
	}
	if (value->option->kind == OPTION_FLAG) {
		if (equals)
			return err_set(
				err, ERR_INVALID, "--%s takes no value", value->option->name);
		return add_value(value, "true", err);
	}
	if (equals)
		return add_value(value, equals + 1, err);
	if (*at + 1 >= n)
		return err_set(err, ERR_INVALID, "--%s needs a value: --%s %s",
			value->option->name, value->option->name, value->option->value);
	return add_value(value, argv[++*at], err);
}

/* argv[*at] is "-x" with one letter or "-xvalue". */
static int
take_short(struct cli *cli, char *const *argv, size_t n, size_t *at, struct err *err)
{
	const char *word = argv[*at];
	struct cli_value *value = find_letter(cli, word[1]);

	if (!value)
		return err_set(err, ERR_INVALID, "unknown option %.20s", word);
	if (value->option->kind == OPTION_FLAG) {
		if (word[2])
			return err_set(err, ERR_INVALID, "unknown option %.20s", word);
		return add_value(value, "true", err);
	}
	if (word[2])
		return add_value(value, word + 2, err);
	if (*at + 1 >= n)
		return err_set(err, ERR_INVALID, "-%c needs a value: -%c %s", word[1], word[1],
			value->option->value);
	return add_value(value, argv[++*at], err);
}

static int
take_words(struct cli *cli, char *const *argv, size_t n, struct err *err)
{
	bool options_end = false;

	for (size_t i = 0; i < n; i++) {
		const char *word = argv[i];
		int r = 0;
		if (!options_end && strcmp(word, "--") == 0)
			options_end = true;
		else if (!options_end && word[0] == '-' && word[1] == '-')
			r = take_long(cli, argv, n, &i, err);
		else if (!options_end && word[0] == '-' && word[1])
			r = take_short(cli, argv, n, &i, err);
		else
			cli->args[cli->n_args++] = word;
		if (r < 0)
			return -1;
	}
	return 0;
}

/* Environment and presets, for what the line did not say. */
static int
take_defaults(struct cli *cli, struct err *err)
{
	for (size_t i = 0; i < cli->n_values; i++) {
		struct cli_value *value = &cli->values[i];
		const struct cli_option *option = value->option;
		const char *text = option->env ? getenv(option->env) : NULL;
		if (value->n > 0)
			continue;
		if (text && text[0]) {
			if (add_value(value, text, err) < 0)
				return err_wrap(err, "%s", option->env);
			value->from_env = true;
		} else if (option->preset && add_value(value, option->preset, err) < 0) {
			return -1;
		}
	}
	return 0;
}

static int
check_counts(const struct cli *cli, struct err *err)
{
	const struct cli_command *command = cli->command;

	if (command->args_max >= 0 && cli->n_args > (size_t)command->args_max)
		return err_set(err, ERR_INVALID, "unexpected argument \"%.80s\"",
			cli->args[command->args_max]);
	if (cli->n_args < (size_t)command->args_min)
		return err_set(err, ERR_INVALID, "missing argument: %s %s",
			cli_command_name(command), command->arguments);
	return 0;
}

int
cli_parse(struct cli *ret, const struct cli_command *command, char *const *argv, size_t n,
	struct err *err)
{
	struct cli cli = { .command = command };

	cli.n_values = count_options(command);
	cli.values = xcalloc(cli.n_values + 1, sizeof *cli.values);
	cli.args = xcalloc(n + 1, sizeof *cli.args);
	size_t at = 0;
	for (size_t i = 0; i < cli.n_values; i++)
		cli.values[i].option = cli_next_option(command, &at);
	if (take_words(&cli, argv, n, err) < 0 || take_defaults(&cli, err) < 0 ||
		check_counts(&cli, err) < 0) {
		cli_deinit(&cli);
		return -1;
	}
	*ret = cli;
	/* `--json FILE` of a command that has one of its own is read by its handler. */
	ret->json = cli_given(ret, "json") && cli_all(ret, "json")->option->kind == OPTION_FLAG;
	return 0;
}

void
cli_deinit(struct cli *cli)
{
	for (size_t i = 0; i < cli->n_values; i++)
		free(cli->values[i].text);
	free(cli->values);
	free(cli->args);
	*cli = (struct cli) { 0 };
}

const struct cli_value *
cli_all(const struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->n_values; i++) {
		if (strcmp(cli->values[i].option->name, name) == 0)
			return &cli->values[i];
	}
	assert(!"an option that the command has");
	abort();
}

bool
cli_given(const struct cli *cli, const char *name)
{
	return cli_all(cli, name)->n > 0;
}

bool
cli_from_env(const struct cli *cli, const char *name)
{
	return cli_all(cli, name)->from_env;
}

bool
cli_flag(const struct cli *cli, const char *name)
{
	const struct cli_value *value = cli_all(cli, name);
	bool on = false;
	struct err ignored;

	/* A flag from the environment may say "no". */
	if (value->n > 0 && parse_bool(str_of(value->text[0]), &on, &ignored) < 0)
		on = true;
	return on;
}

const char *
cli_text(const struct cli *cli, const char *name)
{
	const struct cli_value *value = cli_all(cli, name);

	return value->n > 0 ? value->text[value->n - 1] : NULL;
}

int64_t
cli_number(const struct cli *cli, const char *name)
{
	return cli_all(cli, name)->number;
}
