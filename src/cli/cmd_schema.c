/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schemas for editors, from the tables that check the same documents. */
#include <string.h>

#include "base/limits.h"
#include "browser_format/steps.h"
#include "cli/cli.h"

int
cmd_schema(struct cli *cli)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(MIB(1));
	struct err err;

	if (strcmp(cli->args[0], "browser-test") != 0) {
		(void)err_set(&err, ERR_INVALID,
			"no schema for \"%.40s\"; there is browser-test", cli->args[0]);
		return cli_fail(cli, &err);
	}
	if (browser_test_schema(&out) < 0)
		return CLI_ERRORED;
	cli_write(buf_text(&out), out.len);
	return CLI_OK;
}
