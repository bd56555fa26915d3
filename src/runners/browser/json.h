/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the browser's JSON, whose strings come from hostile pages: lone surrogates, NULs and
 * integers beyond 64 bits are legal there and must not cost us the connection.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"

/*
 * Makes text acceptable to a strict reader, in place and without changing its length: escapes
 * of lone surrogates and of NUL become U+FFFD, bytes that are not UTF-8 become '?'. Returns the
 * greatest depth of arrays and objects.
 */
size_t browser_json_clean(char *text, size_t len);

/*
 * Reads an object; integers that do not fit become reals. Changes the text as above. NULL with
 * LIMIT (too deep) or INVALID.
 */
json_t *browser_json_read(char *text, size_t len, struct err *err) MUST_CHECK;

/*
 * The number after {"id": at the start of a message that could not be read; 0 when it does not
 * start so.
 */
int64_t browser_json_id(const char *text, size_t len);
