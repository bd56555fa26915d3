/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the last job of the same name tells about the next one: how long its tests took (which
 * of them failed: last_failed.h). Read through the HTTP interface; nothing is kept beside it.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/remote.h"

enum {
	HISTORY_NONE = 1, /* there is no earlier job of that name that is over */
};

/* The report (format json) of the newest completed or failed job. 0 or HISTORY_NONE. */
int history_last(struct remote *remote, const char *name, json_t **ret, struct err *err)
	MUST_CHECK;

/* Sorts tests by what they took then, longest first; unknown ones come before all others. */
void history_sort(const json_t *report, json_t *tests);
