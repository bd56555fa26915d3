/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shapes of what the API takes and gives, as JSON Schema (2020-12) for the OpenAPI
 * document.
 *
 * What requests may hold is generated from the field tables that decode them. What answers hold
 * is one table here, which tests/api compares with real answers, member by member.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"

/* Writes { "Name": { … }, … }: every schema there is. */
void schemas_write(struct jw *jw);

/* True when routes may name it. */
bool schema_exists(struct str name);

/* The schema of one member of a request, as its decoder reads it. */
void schema_write_field(struct jw *jw, const struct json_field *field);

/* { "$ref": "#/components/schemas/NAME" } */
void schema_write_ref(struct jw *jw, struct str name);
