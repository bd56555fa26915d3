/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Schemas for editors, from the tables that check the same documents. */
#include <string.h>

#include "base/limits.h"
#include "browser_format/steps.h"
#include "cli/cli.h"
#include "cli/schema_job.h"

static const struct {
	const char *name;
	int (*write)(struct buf *out);
} schemas[] = {
	{ "job", job_file_schema },
	{ "flow", flow_file_schema },
	{ "browser-test", browser_test_schema },
};

int
cmd_schema(struct cli *cli)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(MIB(4));
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(schemas); i++) {
		if (strcmp(cli->args[0], schemas[i].name) != 0)
			continue;
		if (schemas[i].write(&out) < 0)
			return CLI_ERRORED;
		cli_write(buf_text(&out), out.len);
		return CLI_OK;
	}
	(void)err_set(&err, ERR_INVALID,
		"no schema for \"%.40s\"; there are job, flow and browser-test", cli->args[0]);
	return cli_fail(cli, &err);
}
