/* SPDX-License-Identifier: Apache-2.0 */
/* Options that many commands share. */
#include "cli/cli.h"

const struct cli_option cli_common_options[] = {
	{ .name = "json", .kind = OPTION_FLAG, .help = "answer with JSON" },
	{ .name = "help", .letter = 'h', .kind = OPTION_FLAG, .help = "show this" },
	{ 0 },
};

const struct cli_option cli_server_options[] = {
	{ .name = "url",
		.kind = OPTION_TEXT,
		.value = "URL",
		.env = "PROCTOR_URL",
		.help = "server to talk to; without it, the local one of the data directory" },
	{ .name = "token-file",
		.kind = OPTION_FILE,
		.value = "FILE",
		.env = "PROCTOR_TOKEN_FILE",
		.help = "file with the access token" },
	{ .name = "token",
		.kind = OPTION_TEXT,
		.value = "TOKEN",
		.env = "PROCTOR_TOKEN",
		.hidden = true,
		.help = "access token; better in the environment or a file" },
	{ .name = "data",
		.kind = OPTION_DIR,
		.value = "DIR",
		.env = "PROCTOR_DATA",
		.help = "data directory of the local server" },
	{ 0 },
};
