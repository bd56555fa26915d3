/* SPDX-License-Identifier: Apache-2.0 */
/* The second origin: artifacts of a run, for browsers with a ticket (docs/decisions). */
#pragma once

#include "http/server.h"

/* Callbacks of the second server; arg is the struct api. */
void view_on_head(struct http_request *req, void *arg);
void view_on_body(struct http_request *req, void *arg);
