/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the command, parses its arguments, calls its handler. */
#include <locale.h>
#include <signal.h>
#include <string.h>

#include "base/limits.h"
#include "cli/cli.h"

static int
print_help(const struct cli_command *command, const char *noun)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(KIB(64));

	if ((command ? cli_help(command, &out) : cli_help_list(noun, &out)) < 0)
		return CLI_ERRORED;
	cli_write(buf_text(&out), out.len);
	return CLI_OK;
}

static bool
is_noun(const char *word)
{
	for (const struct cli_command *c = cli_commands; c->noun; c++) {
		if (c->verb && !c->hidden && strcmp(c->noun, word) == 0)
			return true;
	}
	return false;
}

/* "proctor job" or a word that is no command: what there would be. */
static int
unknown_command(char *const *words, size_t n)
{
	const char *nouns[64] = { NULL };
	const char *verbs[64] = { NULL };
	size_t n_nouns = 0, n_verbs = 0;

	for (const struct cli_command *c = cli_commands; c->noun; c++) {
		if (c->hidden)
			continue;
		if (n_nouns + 1 < ARRAY_LEN(nouns))
			nouns[n_nouns++] = c->noun;
		if (c->verb && strcmp(c->noun, words[0]) == 0 && n_verbs + 1 < ARRAY_LEN(verbs))
			verbs[n_verbs++] = c->verb;
	}
	bool known = n_verbs > 0;
	const char *wrong = known ? (n > 1 ? words[1] : NULL) : words[0];
	const char *near = wrong ? near_name(wrong, known ? verbs : nouns) : NULL;
	const char *prefix = known ? words[0] : "";
	const char *space = known ? " " : "";

	if (!wrong)
		cli_note("proctor: what about %s? One of:", words[0]);
	else if (near)
		cli_note("proctor: unknown command \"%s%s%.60s\"; did you mean \"%s%s%s\"?",
			prefix, space, wrong, prefix, space, near);
	else
		cli_note("proctor: unknown command \"%s%s%.60s\"", prefix, space, wrong);
	for (size_t i = 0; !wrong && i < n_verbs; i++)
		cli_note("  proctor %s %s", words[0], verbs[i]);
	cli_note("Try: proctor %s%s--help", prefix, space);
	return CLI_USAGE;
}

/* "proctor help", "proctor help job", "proctor help job submit". */
static int
help_of(char *const *words, size_t n)
{
	size_t used;

	if (n == 0)
		return print_help(NULL, NULL);
	const struct cli_command *command = cli_find(words, n, &used);
	if (command && (used == n || !is_noun(words[0])))
		return print_help(command, NULL);
	if (n == 1 && is_noun(words[0]))
		return print_help(NULL, words[0]);
	return unknown_command(words, n);
}

int
main(int argc, char **argv)
{
	static char version[] = "version";
	static char *version_words[] = { version, NULL };
	char *const *words = argv + 1;
	size_t n = argc > 0 ? (size_t)argc - 1 : 0;
	size_t used;
	struct err err;
	struct cli cli = { 0 };

	/* A reader that goes away is an error of a write, not the end of the program. */
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setlocale(LC_CTYPE, "C.UTF-8");

	if (n == 0 || strcmp(words[0], "--help") == 0 || strcmp(words[0], "-h") == 0) {
		int status = print_help(NULL, NULL);
		return n == 0 ? CLI_USAGE : status;
	}
	if (strcmp(words[0], "help") == 0)
		return help_of(words + 1, n - 1);
	if (strcmp(words[0], "--version") == 0)
		words = version_words, n = 1;
	const struct cli_command *command = cli_find(words, n, &used);
	if (!command && n > 1 && is_noun(words[0]) && cli_wants_help(words + 1, 1))
		return print_help(NULL, words[0]);
	if (!command)
		return unknown_command(words, n);
	if (command->raw) {
		/* Its argv[0] is its own name, like that of a program. */
		cli = (struct cli) { .command = command,
			.argv = (char **)words + used - 1,
			.argc = (int)(n - used + 1) };
		return command->handle(&cli);
	}
	if (cli_wants_help(words + used, n - used))
		return print_help(command, NULL);
	if (cli_parse(&cli, command, words + used, n - used, &err) < 0) {
		cli_note("%s: %s", cli_command_name(command), err.text);
		cli_note("Try: %s --help", cli_command_name(command));
		return CLI_USAGE;
	}
	int status = command->handle(&cli);
	cli_deinit(&cli);
	return status;
}
