/* SPDX-License-Identifier: Apache-2.0 */
/* Problem documents (RFC 9457): one table of codes, their status and title. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "base/json.h"

enum problem_code {
	PROBLEM_NONE,
	PROBLEM_INVALID_JSON,
	PROBLEM_INVALID_FIELD,
	PROBLEM_INVALID_PARAMETER,
	PROBLEM_UNAUTHORIZED,
	PROBLEM_FORBIDDEN,
	PROBLEM_NOT_FOUND,
	PROBLEM_METHOD_NOT_ALLOWED,
	PROBLEM_CONFLICT,
	PROBLEM_WRONG_STATE,
	PROBLEM_STALE_LEASE,
	PROBLEM_NOT_WATCHED,
	PROBLEM_IDEMPOTENCY_MISMATCH,
	PROBLEM_REVISION_MISMATCH,
	PROBLEM_LIMIT_EXCEEDED,
	PROBLEM_BODY_TOO_LARGE,
	PROBLEM_URI_TOO_LONG,
	PROBLEM_HEADERS_TOO_LARGE,
	PROBLEM_UNSUPPORTED_MEDIA_TYPE,
	PROBLEM_MISDIRECTED,
	PROBLEM_RANGE,
	PROBLEM_TOO_MANY_REQUESTS,
	PROBLEM_QUEUE_DRAINING,
	PROBLEM_TIMEOUT,
	PROBLEM_UNAVAILABLE,
	PROBLEM_CORRUPT,
	PROBLEM_ANSWER_TOO_LARGE,
	PROBLEM_INTERNAL,
	PROBLEM_CODE_COUNT
};

unsigned problem_status(enum problem_code code);
const char *problem_name(enum problem_code code); /* "wrong_state" */

/* What a read that failed says: what passes a limit is ours, not the request. */
enum problem_code problem_of_read(enum err_code code);
/* The one table from errors to what clients see. */
enum problem_code problem_of(enum err_code code);
/* For refusals of the server below us. */
enum problem_code problem_of_status(unsigned status);

/* Appends the document. `detail` and `issues` may be NULL; `extra` is more members as JSON text
 * ("\"status\":1,…" without braces) or NULL. */
void problem_write(struct buf *out, enum problem_code code, const char *detail,
	const struct issues *issues, const char *extra);
