/* SPDX-License-Identifier: Apache-2.0 */
/* Options of archives. */
#include "cli/options.h"

/* clang-format off */
const struct cli_option cli_archive_options[] = {
	{ .name = "status", .kind = OPTION_TEXT, .many = true, .value = "STATUS", .help = "only jobs in this state" },
	{ .name = "tag", .kind = OPTION_TEXT, .many = true, .value = "TAG", .help = "only jobs with this tag" },
	{ .name = "name", .kind = OPTION_TEXT, .value = "NAME", .help = "only this name" },
	{ .name = "queue", .kind = OPTION_TEXT, .value = "NAME", .help = "only of this queue" },
	{ .name = "template", .kind = OPTION_TEXT, .value = "NAME", .help = "only jobs of this template" },
	{ .name = "created-after", .kind = OPTION_TEXT, .value = "TIME", .help = "only younger ones" },
	{ .name = "created-before", .kind = OPTION_TEXT, .value = "TIME", .help = "only older ones" },
	{ .name = "completed-after", .kind = OPTION_TEXT, .value = "TIME", .help = "only what ended since" },
	{ .name = "completed-before", .kind = OPTION_TEXT, .value = "TIME", .help = "only what ended before" },
	{ 0 },
};
const struct cli_option cli_archive_import_options[] = {
	{ .name = "dry-run", .kind = OPTION_FLAG, .help = "only check the file" },
	{ 0 },
};
/* clang-format on */
