/* SPDX-License-Identifier: Apache-2.0 */
/* What can be said against a target before there is a page. Pure. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/json.h"

/* Whether the text begins with the name of an engine and "=". */
bool target_has_engine(const char *text);

/* Adds an offence for an engine or ARIA role that does not exist, and for XPath. */
void target_check(json_t *target, const char *pointer, struct issues *issues);
