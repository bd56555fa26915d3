/* SPDX-License-Identifier: Apache-2.0 */
/* Completion scripts for bash and zsh, written from the table of commands. */
#include "cli/cli.h"

#include <string.h>

#include "base/limits.h"

static bool
is_first_of_noun(const struct cli_command *command)
{
	for (const struct cli_command *c = cli_commands; c != command; c++) {
		if (!c->hidden && strcmp(c->noun, command->noun) == 0)
			return false;
	}
	return true;
}

static int
add_nouns(struct buf *out)
{
	for (const struct cli_command *c = cli_commands; c->noun; c++) {
		if (!c->hidden && is_first_of_noun(c) && buf_addf(out, "%s ", c->noun) < 0)
			return -1;
	}
	return 0;
}

static int
add_verbs(const char *noun, struct buf *out)
{
	for (const struct cli_command *c = cli_commands; c->noun; c++) {
		if (c->hidden || !c->verb || strcmp(c->noun, noun) != 0)
			continue;
		if (buf_addf(out, "%s ", c->verb) < 0)
			return -1;
	}
	return 0;
}

static bool
has_verbs(const char *noun)
{
	for (const struct cli_command *c = cli_commands; c->noun; c++) {
		if (c->verb && strcmp(c->noun, noun) == 0)
			return true;
	}
	return false;
}

static int
bash_options(const struct cli_command *command, struct buf *out)
{
	const struct cli_option *option;
	size_t at = 0;

	if (buf_addf(out, "\t'%s%s%s') options='", command->noun, command->verb ? " " : "",
		    command->verb ? command->verb : "") < 0)
		return -1;
	while ((option = cli_next_option(command, &at)) != NULL) {
		if (!option->hidden && buf_addf(out, "--%s ", option->name) < 0)
			return -1;
	}
	return buf_adds(out, "' ;;\n");
}

/* The value of an option with choices, for every command that has it. */
static int
bash_choices(const struct cli_command *command, struct buf *out)
{
	const struct cli_option *option;
	size_t at = 0;

	while ((option = cli_next_option(command, &at)) != NULL) {
		if (option->kind != OPTION_CHOICE || option->hidden)
			continue;
		if (buf_addf(out, "\t'%s%s%s --%s') words='", command->noun,
			    command->verb ? " " : "", command->verb ? command->verb : "",
			    option->name) < 0)
			return -1;
		for (const char *const *c = option->choices; *c; c++) {
			if (buf_addf(out, "%s ", *c) < 0)
				return -1;
		}
		if (buf_adds(out, "' ;;\n") < 0)
			return -1;
	}
	return 0;
}

static int
each_command(int (*add)(const struct cli_command *, struct buf *), struct buf *out)
{
	for (const struct cli_command *c = cli_commands; c->noun; c++) {
		if (!c->hidden && add(c, out) < 0)
			return -1;
	}
	return 0;
}

static int
bash_nouns(struct buf *out)
{
	for (const struct cli_command *c = cli_commands; c->noun; c++) {
		if (c->hidden || !is_first_of_noun(c) || !has_verbs(c->noun))
			continue;
		if (buf_addf(out, "\t%s) verbs='", c->noun) < 0 ||
			add_verbs(c->noun, out) < 0 || buf_adds(out, "' ;;\n") < 0)
			return -1;
	}
	return 0;
}

static const char bash_head[] =
	"# bash completion of proctor\n"
	"_proctor()\n"
	"{\n"
	"\tlocal current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	"\tlocal noun=${COMP_WORDS[1]} verbs='' options='' words='' command\n"
	"\tCOMPREPLY=()\n"
	"\tif ((COMP_CWORD == 1)); then\n"
	"\t\tCOMPREPLY=($(compgen -W '";
static const char bash_middle[] = "--help --version' -- \"$current\"))\n"
				  "\t\treturn\n"
				  "\tfi\n"
				  "\tcase $noun in\n";
static const char bash_verbs[] =
	"\tesac\n"
	"\tcommand=$noun\n"
	"\tif [[ -n $verbs && \" $verbs\" == *\" ${COMP_WORDS[2]} \"* ]] && ((COMP_CWORD > 2)); then\n"
	"\t\tcommand=\"$noun ${COMP_WORDS[2]}\"\n"
	"\telif [[ -n $verbs && $current != -* ]] && ((COMP_CWORD == 2)); then\n"
	"\t\tCOMPREPLY=($(compgen -W \"$verbs\" -- \"$current\"))\n"
	"\t\treturn\n"
	"\tfi\n"
	"\tcase \"$command $previous\" in\n";
static const char bash_values[] = "\tesac\n"
				  "\tif [[ -n $words ]]; then\n"
				  "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
				  "\t\treturn\n"
				  "\tfi\n"
				  "\tcase $command in\n";
static const char bash_tail[] = "\tesac\n"
				"\tif [[ $current == -* ]]; then\n"
				"\t\tCOMPREPLY=($(compgen -W \"$options\" -- \"$current\"))\n"
				"\telif [[ $command == completion ]]; then\n"
				"\t\tCOMPREPLY=($(compgen -W 'bash zsh' -- \"$current\"))\n"
				"\telse\n"
				"\t\tcompopt -o filenames 2>/dev/null\n"
				"\t\tCOMPREPLY=($(compgen -f -- \"$current\"))\n"
				"\tfi\n"
				"}\n"
				"complete -F _proctor proctor\n";

static int
completion_bash(struct buf *out)
{
	if (buf_adds(out, bash_head) < 0 || add_nouns(out) < 0 ||
		buf_adds(out, bash_middle) < 0 || bash_nouns(out) < 0 ||
		buf_adds(out, bash_verbs) < 0 || each_command(bash_choices, out) < 0 ||
		buf_adds(out, bash_values) < 0 || each_command(bash_options, out) < 0)
		return -1;
	return buf_adds(out, bash_tail);
}

/* Text inside single quotes of a specification of _arguments or _describe. */
static int
zsh_text(const char *text, struct buf *out)
{
	for (const char *c = text; *c; c++) {
		int r;
		if (*c == '\'')
			r = buf_adds(out, "'\\''");
		else if (strchr("[]:\\", *c))
			r = buf_addf(out, "\\%c", *c);
		else
			r = buf_addc(out, *c);
		if (r < 0)
			return -1;
	}
	return 0;
}

static int
zsh_option(const struct cli_option *option, struct buf *out)
{
	const char *action = option->kind == OPTION_DIR ? ":_files -/" : ":_files";

	if (buf_addf(out, " \\\n\t\t\t'%s--%s[", option->many ? "*" : "", option->name) < 0 ||
		zsh_text(option->help, out) < 0 || buf_addc(out, ']') < 0)
		return -1;
	if (option->kind == OPTION_FLAG)
		return buf_addc(out, '\'');
	if (buf_addf(out, ":%s", option->kind == OPTION_PAIR ? "NAME=VALUE" : "value") < 0)
		return -1;
	if (option->kind == OPTION_CHOICE) {
		if (buf_adds(out, ":(") < 0)
			return -1;
		for (const char *const *c = option->choices; *c; c++) {
			if (buf_addf(out, "%s%s", c == option->choices ? "" : " ", *c) < 0)
				return -1;
		}
		return buf_adds(out, ")'");
	}
	if ((option->kind == OPTION_FILE || option->kind == OPTION_DIR) &&
		buf_adds(out, action) < 0)
		return -1;
	return buf_addc(out, '\'');
}

static int
zsh_options(const struct cli_command *command, struct buf *out)
{
	const struct cli_option *option;
	size_t at = 0;

	if (buf_addf(out, "\t'%s%s%s')\n\t\t_arguments", command->noun,
		    command->verb ? " " : "", command->verb ? command->verb : "") < 0)
		return -1;
	while ((option = cli_next_option(command, &at)) != NULL) {
		if (!option->hidden && zsh_option(option, out) < 0)
			return -1;
	}
	return buf_adds(out, " \\\n\t\t\t'*:argument:_files'\n\t\t;;\n");
}

static int
completion_zsh(struct buf *out)
{
	if (buf_adds(out,
		    "#compdef proctor\n"
		    "# zsh completion of proctor\n"
		    "_proctor()\n"
		    "{\n"
		    "\tlocal command=${words[2]} verbs=''\n"
		    "\tif ((CURRENT == 2)); then\n"
		    "\t\tcompadd -- ") < 0 ||
		add_nouns(out) < 0 ||
		buf_adds(out, "--help --version\n\t\treturn\n\tfi\n\tcase $command in\n") < 0 ||
		bash_nouns(out) < 0 ||
		buf_adds(out,
			"\tesac\n"
			"\tif [[ -n $verbs ]]; then\n"
			"\t\tif ((CURRENT == 3)) && [[ $PREFIX != -* ]]; then\n"
			"\t\t\tcompadd -- ${=verbs}\n"
			"\t\t\treturn\n"
			"\t\tfi\n"
			"\t\tif [[ \" $verbs\" == *\" ${words[3]} \"* ]]; then\n"
			"\t\t\tcommand=\"$command ${words[3]}\"\n"
			"\t\t\tshift words; ((CURRENT--))\n"
			"\t\tfi\n"
			"\tfi\n"
			"\tshift words; ((CURRENT--))\n"
			"\tcase $command in\n") < 0 ||
		each_command(zsh_options, out) < 0)
		return -1;
	return buf_adds(out, "\tesac\n}\ncompdef _proctor proctor\n");
}

int
cli_completion(const char *shell, struct buf *out)
{
	return strcmp(shell, "zsh") == 0 ? completion_zsh(out) : completion_bash(out);
}
