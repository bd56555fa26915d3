/* SPDX-License-Identifier: Apache-2.0 */
/* The worker protocol's one request (docs/protocol/worker.md): decoding and encoding. */
#pragma once

#include "base/json.h"
#include "engine/intent.h"

extern const struct json_field poll_fields[];

/* Decodes into the intent (kind POLL); texts live in its arena. -1: issues. */
int poll_read(json_t *json, struct intent *intent, struct issues *issues) MUST_CHECK;

/* Writes the answer of an answered poll. */
void poll_write(struct jw *jw, const struct intent *intent);
