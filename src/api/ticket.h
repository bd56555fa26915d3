/* SPDX-License-Identifier: Apache-2.0 */
/*
 * View tickets: a path that opens one run's artifacts for reading, for a while, without a
 * token, because a browser that follows links cannot send one (docs/decisions).
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/str.h"
#include "core/ids.h"

#define TICKET_KEEP_MS HOURS_MS(8) /* a working day */

enum {
	TICKET_BYTES = 16 + 8 + 8 + 16, /* run, project, end, signature */
	TICKET_TEXT_MAX = 4 * ((TICKET_BYTES + 2) / 3) + 1,
};

void ticket_make(const uint8_t key[32], int64_t project, const struct run_id *run,
	int64_t until_wall_ms, char out[TICKET_TEXT_MAX]);

/* -1: not ours, or over. */
int ticket_read(const uint8_t key[32], struct str text, int64_t now_wall_ms,
	int64_t *ret_project, struct run_id *ret_run) MUST_CHECK;
