/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runners tell about cases, steps and errors (docs/protocol/runner.md), from JSON into the
 * structs of a report. Lenient: what is missing or odd is left out. Everything lives in the
 * arena; a full arena leaves out too.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "core/report_model.h"

/*
 * A copy without terminals' escape sequences and control characters, cut after
 * REPORT_TEXT_BYTES_MAX; NULL: no room.
 */
const char *report_clean(struct arena *arena, const char *text);

/* A number, rounded down; `otherwise` for anything else. */
int64_t report_int(const json_t *object, const char *name, int64_t otherwise);

/* NULL when the value is no object. */
const struct report_error *report_error_read(struct arena *arena, const json_t *object);

bool report_is_step(const json_t *object);

/* False for what is no step that ended. */
bool report_step_read(struct arena *arena, const json_t *object, struct report_step *ret);

/* One of the words of struct report_case; "failed" for any other. */
const char *report_case_status(const json_t *object);
void report_case_read(struct arena *arena, const json_t *object, struct report_case *ret);

/* Appends to an array that doubles; its memory is the arena's. False: no room. */
bool report_push(struct arena *arena, void **items, size_t *n, size_t size, const void *item);
void report_push_step(struct arena *arena, struct report_step **steps, size_t *n,
	const struct report_step *step);
