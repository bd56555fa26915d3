/* SPDX-License-Identifier: Apache-2.0 */
/* The table, and writing one document. */
#include "api/problem.h"

#include <string.h>

/* clang-format off */
static const struct {
	unsigned status;
	const char *name, *title;
} problems[PROBLEM_CODE_COUNT] = {
	[PROBLEM_NONE]                   = { 500, "internal", "Internal error" },
	[PROBLEM_INVALID_JSON]           = { 400, "invalid_json", "The body is not JSON as it should be" },
	[PROBLEM_INVALID_FIELD]          = { 400, "invalid_field", "Members of the request are not valid" },
	[PROBLEM_INVALID_PARAMETER]      = { 400, "invalid_parameter", "Query parameters are not valid" },
	[PROBLEM_UNAUTHORIZED]           = { 401, "unauthorized", "A valid access token is needed" },
	[PROBLEM_FORBIDDEN]              = { 403, "forbidden", "The token does not allow this" },
	[PROBLEM_NOT_FOUND]              = { 404, "not_found", "There is no such thing" },
	[PROBLEM_METHOD_NOT_ALLOWED]     = { 405, "method_not_allowed", "The method is not allowed here" },
	[PROBLEM_CONFLICT]               = { 409, "conflict", "Something stands in the way" },
	[PROBLEM_WRONG_STATE]            = { 409, "wrong_state", "The state does not allow this" },
	[PROBLEM_STALE_LEASE]            = { 409, "stale_lease", "The run is leased to somebody else" },
	[PROBLEM_NOT_WATCHED]            = { 410, "not_watched", "Nobody looks at the run" },
	[PROBLEM_IDEMPOTENCY_MISMATCH]   = { 409, "idempotency_mismatch", "The Idempotency-Key was used for another request" },
	[PROBLEM_REVISION_MISMATCH]      = { 412, "revision_mismatch", "It was changed meanwhile" },
	[PROBLEM_LIMIT_EXCEEDED]         = { 400, "limit_exceeded", "A limit is exceeded" },
	[PROBLEM_BODY_TOO_LARGE]         = { 413, "limit_exceeded", "The body is too large" },
	[PROBLEM_URI_TOO_LONG]           = { 414, "limit_exceeded", "The URL is too long" },
	[PROBLEM_HEADERS_TOO_LARGE]      = { 431, "limit_exceeded", "The headers are too large" },
	[PROBLEM_UNSUPPORTED_MEDIA_TYPE] = { 415, "unsupported_media_type", "The body is of another type than it should be" },
	[PROBLEM_MISDIRECTED]            = { 421, "misdirected_request", "This server does not serve that host" },
	[PROBLEM_RANGE]                  = { 416, "invalid_range", "The range is outside of the file" },
	[PROBLEM_TOO_MANY_REQUESTS]      = { 429, "limit_exceeded", "Too much at once" },
	[PROBLEM_QUEUE_DRAINING]         = { 429, "queue_draining", "The queue takes no new jobs" },
	[PROBLEM_TIMEOUT]                = { 504, "timeout", "It took too long" },
	[PROBLEM_UNAVAILABLE]            = { 503, "unavailable", "Not available now" },
	[PROBLEM_CORRUPT]                = { 500, "corrupt", "Stored data contradicts itself" },
	[PROBLEM_ANSWER_TOO_LARGE]       = { 500, "answer_too_large", "The answer is too large to be given at once" },
	[PROBLEM_INTERNAL]               = { 500, "internal", "Internal error" },
};

static const enum problem_code by_error[ERR_CODE_COUNT] = {
	[ERR_INVALID]     = PROBLEM_INVALID_FIELD,
	[ERR_NOT_FOUND]   = PROBLEM_NOT_FOUND,
	[ERR_CONFLICT]    = PROBLEM_CONFLICT,
	[ERR_LIMIT]       = PROBLEM_LIMIT_EXCEEDED,
	[ERR_DENIED]      = PROBLEM_FORBIDDEN,
	[ERR_TIMEOUT]     = PROBLEM_TIMEOUT,
	[ERR_UNAVAILABLE] = PROBLEM_UNAVAILABLE,
	[ERR_CORRUPT]     = PROBLEM_CORRUPT,
	[ERR_INTERNAL]    = PROBLEM_INTERNAL,
};
/* clang-format on */

unsigned
problem_status(enum problem_code code)
{
	return problems[code].status;
}

const char *
problem_name(enum problem_code code)
{
	return problems[code].name;
}

enum problem_code
problem_of(enum err_code code)
{
	return code > 0 && code < ERR_CODE_COUNT ? by_error[code] : PROBLEM_INTERNAL;
}

enum problem_code
problem_of_read(enum err_code code)
{
	return code == ERR_LIMIT ? PROBLEM_ANSWER_TOO_LARGE : problem_of(code);
}

enum problem_code
problem_of_status(unsigned status)
{
	if (status == 400)
		return PROBLEM_INVALID_PARAMETER;
	for (int i = PROBLEM_NONE + 1; i < PROBLEM_CODE_COUNT; i++)
		if (problems[i].status == status)
			return (enum problem_code)i;
	return PROBLEM_INTERNAL;
}

static void
write_issue(struct jw *jw, const struct issue *issue)
{
	jw_obj(jw);
	if (strncmp(issue->pointer, "?/", 2) == 0)
		jw_kstr(jw, "parameter", issue->pointer + 2);
	else
		jw_kstr(jw, "pointer", issue->pointer);
	jw_kstr(jw, "code", issue->code);
	jw_kstr(jw, "detail", issue->detail);
	jw_end_obj(jw);
}

void
problem_write(struct buf *out, enum problem_code code, const char *detail,
	const struct issues *issues, const char *extra)
{
	struct jw jw;

	jw_init(&jw, out);
	jw_obj(&jw);
	jw_kstr(&jw, "type", "about:blank");
	jw_kstr(&jw, "title", problems[code].title);
	jw_ki64(&jw, "status", problems[code].status);
	jw_kstr(&jw, "code", problems[code].name);
	jw_kstr_opt(&jw, "detail", detail && *detail ? detail : NULL);
	if (issues && issues->n > 0) {
		jw_karr(&jw, "errors");
		for (size_t i = 0; i < issues->n; i++)
			write_issue(&jw, &issues->item[i]);
		jw_end_arr(&jw);
		if (issues->n_more > 0)
			jw_ki64(&jw, "moreErrors", (int64_t)issues->n_more);
	}
	if (extra && !jw.failed)
		(void)(buf_addc(out, ',') < 0 || buf_adds(out, extra) < 0);
	jw_end_obj(&jw);
	/* Sixteen cut texts fit any buffer that comes here; a document cut short is still an
	 * error. */
	(void)(jw_done(&jw) < 0);
}
