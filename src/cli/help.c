/* SPDX-License-Identifier: Apache-2.0 */
/* Help, written from the table of commands. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "base/limits.h"

enum {
	HELP_COLUMN = 28, /* where the explanation of an option begins */
	HELP_WIDTH = 96,
};

/* Appends words of text, broken at HELP_WIDTH, further lines indented to `indent`. */
static int
add_wrapped(struct buf *out, const char *text, size_t column, size_t indent)
{
	struct str rest = str_of(text);

	for (bool first = true; rest.p; first = false) {
		struct str word = str_split_first(&rest, ' ');
		if (!first && column + 1 + word.n > HELP_WIDTH) {
			if (buf_addf(out, "\n%*s", (int)indent, "") < 0)
				return -1;
			column = indent;
		} else if (!first) {
			if (buf_addc(out, ' ') < 0)
				return -1;
			column++;
		}
		if (buf_add_str(out, word) < 0)
			return -1;
		column += word.n;
	}
	return buf_addc(out, '\n');
}

/* What stands behind the explanation: default, environment, "repeatable". */
static int
add_facts(const struct cli_option *option, struct buf *text)
{
	const char *sep = " (";

	if (buf_adds(text, option->help) < 0)
		return -1;
	if (option->many) {
		if (buf_addf(text, "%srepeatable", sep) < 0)
			return -1;
		sep = ", ";
	}
	if (option->preset) {
		if (buf_addf(text, "%sdefault %s", sep, option->preset) < 0)
			return -1;
		sep = ", ";
	}
	if (option->env) {
		if (buf_addf(text, "%sor $%s", sep, option->env) < 0)
			return -1;
		sep = ", ";
	}
	return sep[0] == ',' ? buf_addc(text, ')') : 0;
}

static int
add_option(const struct cli_option *option, struct buf *out)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(2));
	char head[80], letter[8] = "";

	if (option->letter)
		(void)snprintf(letter, sizeof letter, "-%c, ", option->letter);
	int len = snprintf(head, sizeof head, "  %s--%s%s%s", letter, option->name,
		option->value ? " " : "", option->value ? option->value : "");
	if (len < 0 || add_facts(option, &text) < 0 || buf_adds(out, head) < 0)
		return -1;
	if (len >= HELP_COLUMN) {
		if (buf_addf(out, "\n%*s", HELP_COLUMN, "") < 0)
			return -1;
	} else if (buf_addf(out, "%*s", HELP_COLUMN - len, "") < 0) {
		return -1;
	}
	return add_wrapped(out, buf_text(&text), HELP_COLUMN, HELP_COLUMN);
}

static int
add_options(const struct cli_command *command, struct buf *out)
{
	const struct cli_option *option;
	size_t at = 0;

	if (buf_adds(out, "\nOptions:\n") < 0)
		return -1;
	while ((option = cli_next_option(command, &at)) != NULL) {
		if (!option->hidden && add_option(option, out) < 0)
			return -1;
	}
	return 0;
}

int
cli_help(const struct cli_command *command, struct buf *out)
{
	if (buf_addf(out, "Usage: %s [option...]%s%s\n\n%s\n", cli_command_name(command),
		    command->arguments[0] ? " " : "", command->arguments, command->summary) < 0)
		return -1;
	if (command->details && buf_addf(out, "\n%s\n", command->details) < 0)
		return -1;
	if (add_options(command, out) < 0)
		return -1;
	if (buf_adds(out, command->examples[1] ? "\nExamples:\n" : "\nExample:\n") < 0)
		return -1;
	for (const char *const *e = command->examples; *e; e++) {
		if (buf_addf(out, "  %s\n", *e) < 0)
			return -1;
	}
	return 0;
}

int
cli_help_list(const char *noun, struct buf *out)
{
	if (buf_addf(out,
		    "Usage: proctor %s [option...] [argument...]\n\n"
		    "Runs tests that take seconds or days as durable jobs.\n\nCommands:\n",
		    noun ? noun : "COMMAND") < 0)
		return -1;
	for (const struct cli_command *c = cli_commands; c->noun; c++) {
		if (c->hidden || (noun && strcmp(c->noun, noun) != 0))
			continue;
		/* Without "proctor ", which every line would begin with. */
		if (buf_addf(out, "  %-20s%s\n", cli_command_name(c) + strlen("proctor "),
			    c->summary) < 0)
			return -1;
	}
	return buf_adds(out, "\nproctor COMMAND --help tells more and shows examples.\n");
}
