/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports of one job: read it into a model, write the model as one self-contained HTML page, as
 * JUnit XML or as JSON.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/str.h"
#include "core/report_model.h"

#define REPORT_TIGHT_MAX 3 /* as tight as it gets */

struct blob_store;
struct store_reader;

enum report_format { REPORT_HTML, REPORT_JUNIT, REPORT_JSON, REPORT_FORMAT_COUNT };

const char *report_format_name(enum report_format format); /* "html", "junit", "json" */
int report_format_parse(struct str name, enum report_format *ret) MUST_CHECK;
const char *report_content_type(enum report_format format);

/*
 * Reads what a report of the job needs, as it is now; the model lives in the arena. `blobs` may
 * be NULL: then screenshots and logs are named but not shown. Blocks: for reader threads.
 *
 * Whatever the job's size, the model fits an arena of REPORT_MEMORY_BYTES_MAX: the model says
 * how much was left out. `tight` is 0; when the written report is too large (its form may need
 * several bytes for one), the next higher number leaves a quarter of the room.
 *
 * 0; STORE_NONE (store/store.h) when the project has no such job; -1 with err.
 */
int report_load(struct store_reader *reader, struct blob_store *blobs, int64_t project,
	struct job_id id, unsigned tight, struct arena *arena, struct report_model **ret,
	struct err *err) MUST_CHECK;

struct report_options {
	/*
	 * Where the report's reader finds an artifact: prefix + run id + "/" + name, e.g.
	 * "left/" for a folder beside the page. NULL: artifacts are named without a link. A
	 * prefix with a scheme other than http and https is passed over.
	 */
	const char *artifact_base;
};

/*
 * Appends the report to out, whose maximum should be REPORT_BYTES_MAX. `options` may be NULL.
 * -1 with err: LIMIT when it does not fit.
 */
int report_write(enum report_format format, const struct report_model *model,
	const struct report_options *options, struct buf *out, struct err *err) MUST_CHECK;
