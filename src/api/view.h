/* SPDX-License-Identifier: Apache-2.0 */
/* The second origin: artifacts of a run, for browsers with a ticket (docs/decisions). */
#pragma once

#include "http/server.h"

/* Instead of a file's name: the live view of a run; the report of a job, whose id the ticket
 * then has in the place of a run's. No file's name begins so. */
#define VIEW_SCREEN "~screen"
#define VIEW_REPORT "~report"

/* Callbacks of the second server; arg is the struct api. */
void view_on_head(struct http_request *req, void *arg);
void view_on_body(struct http_request *req, void *arg);
