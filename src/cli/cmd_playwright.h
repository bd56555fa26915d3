/* SPDX-License-Identifier: Apache-2.0 */
/* Playwright's own report of a job. */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/cli.h"
#include "cli/remote.h"

/*
 * `job report --format playwright`: merges what the runs kept into one HTML report in the
 * folder
 * --output. The exit status of the tool that does it; -1 with err.
 */
int playwright_report(struct cli *cli, struct remote *remote, struct err *err) MUST_CHECK;
