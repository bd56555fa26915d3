/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Amounts of named resources: what a worker offers, what each run of a job takes.
 *
 * Canonical text: "name=amount" lines in order of name, amounts in thousandths ("cpu=500" is
 * half a core); "" for none. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

/* Whether a resource may be called so. */
bool needs_name_ok(const char *name);

/* From a JSON object of numbers ("memory": also "1GiB"); NULL with issues when it is none. */
const char *needs_canonical(
	struct arena *arena, json_t *object, const char *pointer, struct issues *issues);

/* Thousandths of one resource; 0: it is not named. */
int64_t needs_amount(const char *text, struct str name);

/* The first resource of which `have` less what `taken` say is not enough; an empty text: all
 * fit. Borrowed from `needs`. */
struct str needs_scarce(
	const char *needs, const char *have, const char *const *taken, size_t n_taken);

/* As a member of an object; nothing when there are none. */
void needs_write(struct jw *jw, const char *key, const char *text);
