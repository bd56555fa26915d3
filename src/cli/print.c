/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands say, and the exit status that belongs to an error. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

void
cli_write(const char *text, size_t len)
{
	if (fwrite(text, 1, len, stdout) != len || fflush(stdout) != 0)
		exit(errno == EPIPE ? CLI_OK : CLI_ERRORED);
}

void
cli_print(const char *fmt, ...)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(RESPONSE_BYTES_MAX);
	va_list ap;

	va_start(ap, fmt);
	int r = buf_vaddf(&out, fmt, ap);
	va_end(ap);
	if (r == 0)
		cli_write(buf_text(&out), out.len);
}

void
cli_print_json(const json_t *value)
{
	_cleanup_free_ char *text = json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY);

	if (text)
		cli_print("%s\n", text);
}

void
cli_note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap); /* nobody is left to be told */
	va_end(ap);
	(void)fputc('\n', stderr);
}

const char *
cli_command_name(const struct cli_command *command)
{
	static char name[64];

	if (!command)
		return "proctor";
	(void)snprintf(name, sizeof name, "proctor %s%s%s", command->noun,
		command->verb ? " " : "", command->verb ? command->verb : "");
	return name;
}

enum cli_exit
cli_exit_of(enum err_code code)
{
	static const enum cli_exit exits[ERR_CODE_COUNT] = {
		[ERR_INVALID] = CLI_USAGE,
		[ERR_NOT_FOUND] = CLI_USAGE,
		[ERR_CONFLICT] = CLI_USAGE,
		[ERR_LIMIT] = CLI_USAGE,
		[ERR_DENIED] = CLI_USAGE,
		[ERR_TIMEOUT] = CLI_GAVE_UP,
		[ERR_UNAVAILABLE] = CLI_UNREACHABLE,
		[ERR_CORRUPT] = CLI_ERRORED,
		[ERR_INTERNAL] = CLI_ERRORED,
	};

	return exits[code];
}

int
cli_fail(const struct cli *cli, const struct err *err)
{
	return cli_fail_with(cli, cli_exit_of(err->code), err);
}

int
cli_fail_with(const struct cli *cli, enum cli_exit status, const struct err *err)
{
	if (cli && cli->json) {
		_cleanup_(buf_deinit) struct buf out = BUF_INIT(KIB(4));
		struct jw jw;
		jw_init(&jw, &out);
		jw_obj(&jw);
		jw_kobj(&jw, "error");
		jw_kstr(&jw, "code", err_code_name(err->code));
		jw_kstr(&jw, "detail", err->text);
		jw_end_obj(&jw);
		jw_end_obj(&jw);
		if (jw_done(&jw) == 0)
			cli_note("%s", buf_text(&out));
	} else {
		cli_note("%s: %s", cli_command_name(cli ? cli->command : NULL), err->text);
	}
	return status;
}
