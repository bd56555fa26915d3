/* SPDX-License-Identifier: Apache-2.0 */
/* Small commands: version, completion, check, and the hidden ones that the worker starts. */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/paths.h"
#include "runners/browser/browser.h"
#include "runners/command/report.h"
#include "runners/http/expect.h"
#include "store/store.h"
#include "worker/worker.h"

int
cmd_version(struct cli *cli)
{
	if (cli->json)
		cli_print("{\n  \"version\": \"%s\"\n}\n", PROCTOR_VERSION);
	else
		cli_print("proctor %s\n", PROCTOR_VERSION);
	return CLI_OK;
}

int
cmd_completion(struct cli *cli)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(MIB(1));
	struct err err;

	if (strcmp(cli->args[0], "bash") != 0 && strcmp(cli->args[0], "zsh") != 0) {
		(void)err_set(&err, ERR_INVALID,
			"no completion for \"%.40s\"; there is bash and zsh", cli->args[0]);
		return cli_fail(cli, &err);
	}
	if (cli_completion(cli->args[0], &out) < 0)
		return CLI_ERRORED;
	cli_write(buf_text(&out), out.len);
	return CLI_OK;
}

int
cmd_check(struct cli *cli)
{
	_cleanup_(arena_deinit) struct arena arena;
	_cleanup_(store_closep) struct store *store = NULL;
	struct store_options options = { .durability = STORE_FSYNC };
	struct err err;

	arena_init(&arena, MIB(1));
	const char *path = paths_database(&arena, cli_text(cli, "data"), &err);
	if (!path)
		return cli_fail(cli, &err);
	if (store_open_sqlite(&store, path, &options, &err) < 0 || store_check(store, &err) < 0)
		return cli_fail_with(cli, CLI_ERRORED, &err);
	cli_print(cli->json ? "{\n  \"ok\": true\n}\n" : "the database is fine\n");
	return CLI_OK;
}

int
cmd_runner(struct cli *cli)
{
	struct err err;

	if (strcmp(cli->args[0], "command") == 0)
		return runner_command_main();
	if (strcmp(cli->args[0], "http") == 0)
		return runner_http_main();
	if (strcmp(cli->args[0], "browser") == 0)
		return runner_browser_main();
	(void)err_set(&err, ERR_INVALID, "there is no runner \"%.40s\"", cli->args[0]);
	return cli_fail(cli, &err);
}

int
cmd_shepherd(struct cli *cli)
{
	return shepherd_main(cli->argc, cli->argv);
}
