/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JUnit XML through expat. There is no schema that everybody follows; read is what Maven,
 * pytest, gtest, Jest and Playwright write: testcase elements inside any nesting of testsuite
 * elements.
 *
 * Entities cannot be declared and nothing outside is ever read, so a report cannot grow by
 * being parsed nor name a file.
 */
#include "runners/command/report.h"

#include <expat.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/parse.h"

struct junit {
	XML_Parser parser;
	struct report *report;
	struct err *err;
	bool failed;

	size_t depth;
	char *suite[REPORT_XML_DEPTH_MAX]; /* names of the open suites; NULL: unnamed */
	size_t suite_depth[REPORT_XML_DEPTH_MAX];
	size_t n_suites;

	bool in_case;
	size_t case_depth;
	char *title, *class_name, *file;
	double duration_ms;
	int64_t line;
	const char *status;
	char *message;
	struct buf detail;
	bool collects; /* character data belongs to the failure */
};

static void
stop(struct junit *junit, enum err_code code, const char *what)
{
	if (!junit->failed)
		err_set(junit->err, code, "JUnit report, line %lu: %s",
			(unsigned long)XML_GetCurrentLineNumber(junit->parser), what);
	junit->failed = true;
	XML_StopParser(junit->parser, XML_FALSE);
}

/* An attribute's value, cut to max; NULL when it is not there. Owned by the caller. */
static char *
attribute(const XML_Char **attrs, const char *name, size_t max)
{
	for (size_t i = 0; attrs[i]; i += 2)
		if (strcmp(attrs[i], name) == 0)
			return xstrndup(attrs[i + 1], strnlen(attrs[i + 1], max));
	return NULL;
}

static void
open_suite(struct junit *junit, const XML_Char **attrs)
{
	junit->suite[junit->n_suites] = attribute(attrs, "name", REPORT_NAME_BYTES_MAX);
	junit->suite_depth[junit->n_suites] = junit->depth;
	junit->n_suites++;
}

static void
open_case(struct junit *junit, const XML_Char **attrs)
{
	_cleanup_free_ char *time = attribute(attrs, "time", 64);
	_cleanup_free_ char *line = attribute(attrs, "line", 32);
	double seconds;

	junit->in_case = true;
	junit->case_depth = junit->depth;
	junit->title = attribute(attrs, "name", REPORT_NAME_BYTES_MAX);
	junit->class_name = attribute(attrs, "classname", REPORT_NAME_BYTES_MAX);
	junit->file = attribute(attrs, "file", REPORT_NAME_BYTES_MAX);
	junit->status = "passed";
	junit->duration_ms = -1;
	junit->line = 0;
	if (time && parse_double(str_of(time), 0, 1e9, &seconds, NULL) == 0)
		junit->duration_ms = seconds * 1000;
	if (line && parse_i64(str_of(line), 0, INT32_MAX, &junit->line, NULL) < 0)
		junit->line = 0;
}

/* failure, error, skipped and flakyFailure inside a testcase. */
static void
open_verdict(struct junit *junit, const char *name, const XML_Char **attrs)
{
	bool is_failure = strcmp(name, "failure") == 0 || strcmp(name, "error") == 0;

	if (is_failure)
		junit->status = "failed";
	else if (strcmp(name, "skipped") == 0 && strcmp(junit->status, "passed") == 0)
		junit->status = "skipped";
	else if (strncmp(name, "flaky", 5) == 0 && strcmp(junit->status, "passed") == 0)
		junit->status = "flaky";
	if (is_failure && !junit->message && junit->detail.len == 0) {
		junit->message = attribute(attrs, "message", REPORT_MESSAGE_BYTES_MAX);
		junit->collects = true;
	}
}

static void
on_start(void *user, const XML_Char *name, const XML_Char **attrs)
{
	struct junit *junit = user;

	if (junit->failed)
		return;
	if (junit->depth + 1 >= REPORT_XML_DEPTH_MAX) {
		stop(junit, ERR_LIMIT, "elements are nested too deeply");
		return;
	}
	junit->depth++;
	if (junit->depth == 1 && strcmp(name, "testsuites") != 0 &&
		strcmp(name, "testsuite") != 0) {
		stop(junit, ERR_INVALID, "the root is neither testsuites nor testsuite");
		return;
	}
	if (junit->in_case)
		open_verdict(junit, name, attrs);
	else if (strcmp(name, "testsuite") == 0)
		open_suite(junit, attrs);
	else if (strcmp(name, "testcase") == 0)
		open_case(junit, attrs);
}

static void
free_case(struct junit *junit)
{
	free(junit->title);
	free(junit->class_name);
	free(junit->file);
	free(junit->message);
	junit->title = junit->class_name = junit->file = junit->message = NULL;
	buf_clear(&junit->detail);
	junit->in_case = false;
	junit->collects = false;
}

static void
close_case(struct junit *junit)
{
	struct str path[REPORT_XML_DEPTH_MAX + 1];
	size_t n = 0;

	for (size_t i = 0; i < junit->n_suites; i++)
		if (junit->suite[i] && junit->suite[i][0])
			path[n++] = str_of(junit->suite[i]);
	if (junit->class_name && junit->class_name[0] &&
		(n == 0 || !str_eqz(path[n - 1], junit->class_name)))
		path[n++] = str_of(junit->class_name);
	const struct report_case one = {
		.title = junit->title && junit->title[0] ? str_of(junit->title)
							 : STR("(no name)"),
		.path = path,
		.n_path = n,
		.status = junit->status,
		.duration_ms = junit->duration_ms,
		.file = str_of(junit->file),
		.line = junit->line,
		.message = str_trim(str_of(junit->message)),
		.detail = str_trim(buf_str(&junit->detail)),
	};
	report_add(junit->report, &one);
	free_case(junit);
}

static void
on_end(void *user, const XML_Char *name)
{
	struct junit *junit = user;

	(void)name;
	if (junit->failed)
		return;
	junit->collects = false;
	if (junit->in_case && junit->depth == junit->case_depth)
		close_case(junit);
	if (junit->n_suites > 0 && junit->suite_depth[junit->n_suites - 1] == junit->depth)
		free(junit->suite[--junit->n_suites]);
	junit->depth--;
}

static void
on_text(void *user, const XML_Char *text, int len)
{
	struct junit *junit = user;
	size_t room = junit->detail.max - junit->detail.len;

	if (!junit->collects || len <= 0)
		return;
	(void)buf_add(&junit->detail, text, (size_t)len < room ? (size_t)len : room);
}

static void
on_entity(void *user, const XML_Char *name, int is_parameter, const XML_Char *value,
	int value_len, const XML_Char *base, const XML_Char *system_id,
	const XML_Char *public_id, const XML_Char *notation)
{
	(void)name, (void)is_parameter, (void)value, (void)value_len, (void)base;
	(void)system_id, (void)public_id, (void)notation;
	stop(user, ERR_INVALID, "entities may not be declared");
}

static int
feed(struct junit *junit, const char *data, size_t len, struct err *err)
{
	enum { STEP = 1 << 20 };

	for (size_t at = 0; at < len || at == 0; at += STEP) {
		size_t n = len - at < STEP ? len - at : STEP;
		bool is_last = at + n >= len;

		if (XML_Parse(junit->parser, data + at, (int)n, is_last) == XML_STATUS_OK &&
			!junit->failed)
			continue;
		if (!junit->failed)
			err_set(err, ERR_INVALID, "JUnit report, line %lu: %s",
				(unsigned long)XML_GetCurrentLineNumber(junit->parser),
				XML_ErrorString(XML_GetErrorCode(junit->parser)));
		return -1;
	}
	return 0;
}

int
junit_parse(struct report *report, const char *data, size_t len, struct err *err)
{
	struct err unused;
	struct junit junit = {
		.parser = XML_ParserCreate(NULL),
		.report = report,
		.err = err ? err : &unused,
		.detail = BUF_INIT(REPORT_MESSAGE_BYTES_MAX),
	};

	if (!junit.parser)
		abort();
	if (len > REPORT_BYTES_IN_MAX) {
		XML_ParserFree(junit.parser);
		return err_set(err, ERR_LIMIT, "JUnit report: longer than %d bytes",
			REPORT_BYTES_IN_MAX);
	}
	XML_SetUserData(junit.parser, &junit);
	XML_SetParamEntityParsing(junit.parser, XML_PARAM_ENTITY_PARSING_NEVER);
	XML_SetEntityDeclHandler(junit.parser, on_entity);
	XML_SetElementHandler(junit.parser, on_start, on_end);
	XML_SetCharacterDataHandler(junit.parser, on_text);

	int r = feed(&junit, data, len, junit.err);
	while (junit.n_suites > 0)
		free(junit.suite[--junit.n_suites]);
	free_case(&junit);
	buf_deinit(&junit.detail);
	XML_ParserFree(junit.parser);
	return r;
}
