/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the members of a `command` test. The server has checked the definition against its own
 * table; here every use is checked once more, because a runner may be older or newer than it.
 */
#include "runners/command/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

extern char **environ;

bool
command_path_valid(const char *path)
{
	struct str rest = str_of(path);

	if (rest.n == 0 || rest.n >= PATH_BYTES_MAX)
		return false;
	while (rest.p) {
		struct str part = str_split_first(&rest, '/');

		if (part.n == 0 || part.n > 255 || str_eqz(part, ".") || str_eqz(part, ".."))
			return false;
	}
	return true;
}

static int
read_argv(struct command *command, json_t *value, struct err *err)
{
	size_t n = json_array_size(value);

	if (n == 0 || n > COMMAND_ARGS_MAX)
		return err_set(err, ERR_INVALID, "argv must be a list of 1 to %d texts",
			COMMAND_ARGS_MAX);
	command->argv = xcalloc(n + 1, sizeof *command->argv);
	for (size_t i = 0; i < n; i++) {
		const char *text = json_string_value(json_array_get(value, i));

		if (!text || strlen(text) > COMMAND_TEXT_BYTES_MAX)
			return err_set(err, ERR_INVALID,
				"argv[%zu] is no text of at most %d KiB", i,
				(int)(COMMAND_TEXT_BYTES_MAX / 1024));
		command->argv[i] = text;
	}
	if (command->argv[0][0] == '\0')
		return err_set(err, ERR_INVALID, "argv[0] is empty");
	return 0;
}

static bool
env_name_valid(const char *name)
{
	return name[0] != '\0' && !strchr(name, '=');
}

/* The value a test gives a variable as text: numbers and flags may be written without quotes.
 */
static char *
env_text(const char *name, json_t *value)
{
	if (json_is_string(value))
		return xasprintf("%s=%s", name, json_string_value(value));
	if (json_is_integer(value))
		return xasprintf("%s=%lld", name, (long long)json_integer_value(value));
	if (json_is_real(value))
		return xasprintf("%s=%.17g", name, json_real_value(value));
	if (json_is_boolean(value))
		return xasprintf("%s=%s", name, json_is_true(value) ? "true" : "false");
	return NULL;
}

/* True when the test sets the variable of this "NAME=value" itself. */
static bool
is_overridden(json_t *own, const char *entry)
{
	const char *end = strchr(entry, '=');

	if (!end || !own)
		return false;
	_cleanup_free_ char *name = xstrndup(entry, (size_t)(end - entry));
	return json_object_get(own, name) != NULL;
}

static int
read_env(struct command *command, json_t *own, struct err *err)
{
	size_t n = 0;
	const char *name;
	json_t *value;

	if (own && !json_is_object(own))
		return err_set(err, ERR_INVALID, "env must be an object");
	if (json_object_size(own) > COMMAND_ENV_MAX)
		return err_set(err, ERR_LIMIT, "env has more than %d members", COMMAND_ENV_MAX);
	for (char **at = environ; *at; at++)
		n++;
	command->env = xcalloc(n + json_object_size(own) + 1, sizeof *command->env);
	for (char **at = environ; *at; at++)
		if (!is_overridden(own, *at))
			command->env[command->n_env++] = xstrdup(*at);
	json_object_foreach(own, name, value)
	{
		if (json_is_null(value))
			continue; /* takes the inherited one away */
		char *text = env_name_valid(name) ? env_text(name, value) : NULL;
		if (!text)
			return err_set(err, ERR_INVALID,
				"env: \"%.60s\" is no name or its value "
				"is no text",
				name);
		command->env[command->n_env++] = text;
	}
	return 0;
}

static int
read_files(struct command *command, json_t *files, struct err *err)
{
	const char *path;
	json_t *content;

	if (!files)
		return 0;
	if (!json_is_object(files))
		return err_set(err, ERR_INVALID, "files must be an object");
	json_object_foreach(files, path, content)
	{
		if (!command_path_valid(path))
			return err_set(err, ERR_INVALID,
				"files: \"%.80s\" does not stay inside the run's folder", path);
		if (!json_is_string(content))
			return err_set(err, ERR_INVALID,
				"files: the content of %.80s is no text", path);
	}
	command->files = files;
	return 0;
}

static int
read_parse(struct command *command, json_t *value, struct err *err)
{
	static const char *const names[COMMAND_PARSE_COUNT] = { "exit", "junit", "tap",
		"json" };
	const char *name = value ? json_string_value(value) : "exit";

	for (int i = 0; name && i < COMMAND_PARSE_COUNT; i++)
		if (strcmp(names[i], name) == 0) {
			command->parse = (enum command_parse)i;
			return 0;
		}
	return err_set(err, ERR_INVALID, "parse must be one of exit, junit, tap, json");
}

/* `report`: one pattern or a list of them. */
static int
read_reports(struct command *command, json_t *value, struct err *err)
{
	size_t n = json_is_array(value) ? json_array_size(value) : 1;

	if (n == 0 || n > 100)
		return err_set(err, ERR_INVALID, "report must be 1 to 100 patterns");
	command->reports = xcalloc(n + 1, sizeof *command->reports);
	for (size_t i = 0; i < n; i++) {
		json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
		const char *text = item ? json_string_value(item) : "*.xml";

		if (!text || text[0] == '\0' || text[0] == '/' || strstr(text, ".."))
			return err_set(err, ERR_INVALID,
				"report must be patterns relative to the working directory");
		command->reports[i] = text;
	}
	return 0;
}

int
command_read(struct command *ret, json_t *test, struct err *err)
{
	struct command command = { 0 };
	json_t *cwd = json_object_get(test, "cwd");
	json_t *input = json_object_get(test, "stdin");
	int r;

	if ((cwd && !json_is_string(cwd)) || (input && !json_is_string(input)))
		return err_set(err, ERR_INVALID, "cwd and stdin must be texts");
	command.cwd = json_string_value(cwd);
	command.input = json_string_value(input);
	command.input_len = json_string_length(input);
	r = read_argv(&command, json_object_get(test, "argv"), err);
	if (r == 0)
		r = read_env(&command, json_object_get(test, "env"), err);
	if (r == 0)
		r = read_files(&command, json_object_get(test, "files"), err);
	if (r == 0)
		r = read_parse(&command, json_object_get(test, "parse"), err);
	if (r == 0)
		r = read_reports(&command, json_object_get(test, "report"), err);
	if (r < 0) {
		command_deinit(&command);
		return -1;
	}
	*ret = command;
	return 0;
}

void
command_deinit(struct command *command)
{
	for (size_t i = 0; i < command->n_env; i++)
		free((char *)(uintptr_t)command->env[i]);
	free(command->env);
	free(command->argv);
	free(command->reports);
	*command = (struct command) { 0 };
}
