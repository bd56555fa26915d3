/* SPDX-License-Identifier: Apache-2.0 */
/* Packs what the path of a Playwright or TestCafe test names, and uploads it. */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "cli/job_file.h"
#include "cli/remote.h"

/*
 * Packs a project's folder into a tar.gz in an unlinked temporary file. Left out: node_modules,
 * .git, test-results, playwright-report, and symbolic links. On success the caller owns
 * *ret_fd, which stands at its beginning. -1: LIMIT past BUNDLE_UNPACKED_BYTES_MAX or
 * BUNDLE_FILES_MAX.
 */
int bundle_pack(const char *dir, int *ret_fd, int64_t *ret_size, struct err *err) MUST_CHECK;

/*
 * For every test of the job that needs it: finds the project that its path belongs to (the
 * nearest folder with a configuration of either, else the path's own folder), uploads it once,
 * and puts `bundle` and the path inside it into the test. The folders of browser tests
 * (`files`) become bundles too.
 */
int bundle_upload_all(struct job_file *file, struct remote *remote, struct err *err) MUST_CHECK;
