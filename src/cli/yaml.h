/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML files as JSON values, without the surprises of YAML 1.1.
 *
 * Plain scalars are typed by JSON's own rules: `null`, `~` and nothing are null, `true` and
 * `false` are booleans, what looks like a JSON number is one; everything else is text, so `no`,
 * `on`, `1:30` and `0x10` stay what they look like. Quoted and block scalars are text. Anchors,
 * aliases, tags, duplicate keys, several documents and keys that are not text are refused by
 * line.
 *
 * Pure: bytes in, a tree out.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/map.h"

struct yaml {
	json_t *root;     /* owned */
	struct map lines; /* JSON Pointer of each value → its line, from 1, as an integer */
};

/*
 * Reads one document. -1: INVALID, or LIMIT for nesting deeper than JSON_DEPTH_MAX and more
 * than YAML_NODES_MAX values; the text begins with "line N: ". ret is written on success only.
 */
int yaml_read(struct yaml *ret, const char *data, size_t len, struct err *err) MUST_CHECK;
void yaml_deinit(struct yaml *yaml);

/*
 * The line of the value at a pointer, or of the nearest value around it; 0: not known. For a
 * member that is there its key's line.
 */
size_t yaml_line(const struct yaml *yaml, const char *pointer);
