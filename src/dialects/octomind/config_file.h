/* SPDX-License-Identifier: Apache-2.0 */
/* The config file that goes with generated spec files. */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "dialects/octomind/run.h"

struct octo_config_request {
	const char *output_dir; /* or NULL: Playwright's own */
	bool is_headed;
	bool bypasses_proxy; /* noted in the file: private locations of ours need no proxy */
};

/* -1 with err: LIMIT. */
int octo_config_file(const struct octo_run *run, const struct octo_config_request *request,
	struct buf *out, struct err *err) MUST_CHECK;
