/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The folders of browser tests: pictures to compare with, files to upload, bodies of mocks.
 *
 * In a job file `files` stands in a test, a fixture or the job, the nearest one counts. Without
 * any it is the folder beside the file that has its name and ends in ".files"
 * (shop.proctor.yaml: shop.files). A server knows `files` of tests alone, as absolute paths.
 */
#pragma once

#include <stdbool.h>

#include "cli/job_file.h"

/*
 * Puts the absolute folder into every browser test. Where none was said, only if there is one
 * beside the file, or `wants_default`: then also one that is to be made.
 */
void test_files_resolve(struct job_file *file, bool wants_default);

/* Makes every expectation of a picture take what it sees as the new baseline. */
void test_files_update(struct job_file *file);
