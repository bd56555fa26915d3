/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Assertions on a response. Regular expressions come from tests and bodies from anywhere, so
 * every match runs under limits of steps and memory; passing one is an error of the test, not a
 * verdict.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "runners/http/expect.h"

#include <math.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/parse.h"
#include "runners/kit/kit.h"

enum { SHOWN_BYTES_MAX = 500 }; /* of an actual value in an error */

struct check {
	const struct http_seen *seen;
	expect_step_fn *step;
	void *arg;
	struct err *err;
	int n_failed, n_steps;
};

/* Reports one assertion. message NULL: it held. */
static void
say(struct check *check, const char *title, const char *message, json_t *expected,
	json_t *actual)
{
	check->n_steps++;
	check->n_failed += message != NULL;
	check->step(check->arg, title, message, expected, actual);
}

/* --- Matching --- */

enum { MATCH_NO = 1 };

/* 0: matches, MATCH_NO, -1: the pattern is wrong or too costly. */
static int
regex_match(const char *pattern, struct str text, struct err *err)
{
	int code;
	PCRE2_SIZE at;

	if (strlen(pattern) > EXPECT_PATTERN_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "a pattern is longer than %d bytes",
			EXPECT_PATTERN_BYTES_MAX);
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
		PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF, &code, &at,
		NULL);
	if (!re) {
		PCRE2_UCHAR why[120] = "";

		pcre2_get_error_message(code, why, sizeof why);
		return err_set(err, ERR_INVALID, "pattern \"%.60s\", offset %zu: %s", pattern,
			(size_t)at, (const char *)why);
	}
	pcre2_match_context *limits = pcre2_match_context_create(NULL);
	pcre2_match_data *match = pcre2_match_data_create_from_pattern(re, NULL);
	if (!limits || !match)
		abort();
	pcre2_set_match_limit(limits, EXPECT_MATCH_LIMIT);
	pcre2_set_depth_limit(limits, EXPECT_MATCH_LIMIT);
	pcre2_set_heap_limit(limits, EXPECT_MATCH_HEAP_KIB);
	int r = pcre2_match(
		re, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, 0, match, limits);
	pcre2_match_data_free(match);
	pcre2_match_context_free(limits);
	pcre2_code_free(re);
	if (r >= 0)
		return 0;
	if (r == PCRE2_ERROR_NOMATCH)
		return MATCH_NO;
	return err_set(err, ERR_LIMIT, "pattern \"%.60s\" costs too much to match", pattern);
}

/* 1 and 1.0 are the same number; everything else as JSON has it, deep. */
static bool
json_same(const json_t *a, const json_t *b)
{
	if (json_is_number(a) && json_is_number(b))
		return json_is_integer(a) && json_is_integer(b)
			? json_integer_value(a) == json_integer_value(b)
			: !(json_number_value(a) < json_number_value(b)) &&
				!(json_number_value(a) > json_number_value(b));
	if (json_is_array(a) && json_is_array(b)) {
		if (json_array_size(a) != json_array_size(b))
			return false;
		for (size_t i = 0; i < json_array_size(a); i++)
			if (!json_same(json_array_get(a, i), json_array_get(b, i)))
				return false;
		return true;
	}
	if (json_is_object(a) && json_is_object(b)) {
		const char *key;
		json_t *value;

		if (json_object_size(a) != json_object_size(b))
			return false;
		json_object_foreach((json_t *)(uintptr_t)a, key, value)
		{
			json_t *other = json_object_get(b, key);
			if (!other || !json_same(value, other))
				return false;
		}
		return true;
	}
	return json_equal(a, b);
}

static bool
is_matcher(json_t *value)
{
	static const char *const words[] = { "equals", "matches", "contains", "exists", "min",
		"max" };
	const char *key;
	json_t *member;

	if (!json_is_object(value) || json_object_size(value) == 0)
		return false;
	json_object_foreach(value, key, member)
	{
		bool known = false;
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			known |= strcmp(words[i], key) == 0;
		if (!known)
			return false;
	}
	return true;
}

/* A value as text: a string's own, another value's JSON. Owned by the caller. */
static char *
value_text(json_t *value)
{
	if (json_is_string(value))
		return xstrndup(json_string_value(value), json_string_length(value));
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
	return text ? text : xstrdup("");
}

/* The actual value, cut so that it fits an error. */
static json_t *
shown(json_t *actual)
{
	if (!actual)
		return NULL;
	_cleanup_free_ char *text = value_text(actual);
	return strlen(text) <= SHOWN_BYTES_MAX && !json_is_string(actual)
		? json_incref(actual)
		: kit_text(text, strlen(text), SHOWN_BYTES_MAX);
}

static bool
contains(json_t *actual, json_t *part)
{
	size_t i;
	json_t *item;

	if (json_is_array(actual)) {
		json_array_foreach(actual, i, item) if (json_same(item, part)) return true;
		return false;
	}
	_cleanup_free_ char *text = value_text(actual);
	_cleanup_free_ char *wanted = value_text(part);
	return strstr(text, wanted) != NULL;
}

/* A number, or a text that is one (headers are always texts). */
static bool
number_of(json_t *value, double *ret)
{
	if (json_is_number(value)) {
		*ret = json_number_value(value);
		return true;
	}
	return json_is_string(value) &&
		parse_double(str_of(json_string_value(value)), -1e300, 1e300, ret, NULL) == 0;
}

/* One word of a matcher. 0 holds, MATCH_NO, -1. */
static int
match_word(const char *word, json_t *wanted, json_t *actual, struct err *err)
{
	double a, b;

	if (strcmp(word, "exists") == 0)
		return json_is_boolean(wanted) && json_is_true(wanted) == (actual != NULL)
			? 0
			: MATCH_NO;
	if (!actual)
		return MATCH_NO;
	if (strcmp(word, "equals") == 0)
		return json_same(actual, wanted) ? 0 : MATCH_NO;
	if (strcmp(word, "contains") == 0)
		return contains(actual, wanted) ? 0 : MATCH_NO;
	if (strcmp(word, "matches") == 0) {
		if (!json_is_string(wanted))
			return err_set(err, ERR_INVALID, "\"matches\" needs a pattern");
		_cleanup_free_ char *text = value_text(actual);
		return regex_match(json_string_value(wanted), str_of(text), err);
	}
	if (!json_is_number(wanted))
		return err_set(err, ERR_INVALID, "\"%s\" needs a number", word);
	if (!number_of(actual, &a))
		return MATCH_NO;
	b = json_number_value(wanted);
	return (strcmp(word, "min") == 0 ? a >= b : a <= b) ? 0 : MATCH_NO;
}

/* Checks one value (NULL: there is none) and reports it under `title`. -1: err. */
static int
check_value(struct check *check, const char *title, json_t *wanted, json_t *actual)
{
	_cleanup_free_ char *message = NULL;
	const char *word;
	json_t *value;

	if (check->n_steps >= EXPECT_CHECKS_MAX)
		return err_set(
			check->err, ERR_LIMIT, "more than %d assertions", EXPECT_CHECKS_MAX);
	_cleanup_(json_unrefp) json_t *single =
		is_matcher(wanted) ? json_incref(wanted) : json_pack("{s:O}", "equals", wanted);
	json_object_foreach(single, word, value)
	{
		int r = match_word(word, value, actual, check->err);

		if (r < 0)
			return -1;
		if (r == MATCH_NO && !message) {
			_cleanup_free_ char *want = value_text(value);
			_cleanup_free_ char *have =
				actual ? value_text(actual) : xstrdup("nothing");
			message = xasprintf("%s: expected %s %.200s, found %.300s", title,
				strcmp(word, "equals") == 0 ? "" : word, want, have);
		}
	}
	_cleanup_(json_unrefp) json_t *shown_actual = shown(actual);
	say(check, title, message, wanted, shown_actual);
	return 0;
}

/* --- The members of `expect` --- */

/* 0 holds, MATCH_NO, -1. "2xx", "200", "200-299" or a number. */
static int
status_matches(json_t *wanted, long status, struct err *err)
{
	int64_t from, to;

	if (json_is_integer(wanted))
		return json_integer_value(wanted) == status ? 0 : MATCH_NO;
	if (!json_is_string(wanted))
		return err_set(err, ERR_INVALID,
			"expect.status: a number, \"2xx\", \"200-299\" "
			"or a list of these");
	struct str text = str_of(json_string_value(wanted));
	if (text.n == 3 && text.p[0] >= '1' && text.p[0] <= '5' &&
		str_eq_nocase(str_from(text.p + 1, 2), STR("xx")))
		return status / 100 == text.p[0] - '0' ? 0 : MATCH_NO;
	struct str rest = text;
	struct str first = str_split_first(&rest, '-');
	if (parse_i64(first, 100, 999, &from, NULL) < 0 ||
		(rest.p && parse_i64(rest, 100, 999, &to, NULL) < 0))
		return err_set(err, ERR_INVALID, "expect.status: \"%.20s\" is no status",
			json_string_value(wanted));
	if (!rest.p)
		to = from;
	return status >= from && status <= to ? 0 : MATCH_NO;
}

static int
check_status(struct check *check, json_t *wanted)
{
	long status = check->seen->status;
	_cleanup_(json_unrefp) json_t *actual = json_integer(status);
	_cleanup_free_ char *message = NULL;
	int r = MATCH_NO;

	if (!wanted) {
		r = status < 400 ? 0 : MATCH_NO;
	} else if (json_is_array(wanted)) {
		for (size_t i = 0; i < json_array_size(wanted) && r == MATCH_NO; i++)
			r = status_matches(json_array_get(wanted, i), status, check->err);
	} else {
		r = status_matches(wanted, status, check->err);
	}
	if (r < 0)
		return -1;
	if (r == MATCH_NO) {
		_cleanup_free_ char *want = wanted ? value_text(wanted) : xstrdup("below 400");
		message = xasprintf("status: expected %.200s, found %ld", want, status);
	}
	say(check, wanted ? "status" : "status is below 400", message, wanted, actual);
	return 0;
}

/* The values of all fields of that name, joined as HTTP allows; NULL when there is none. */
static json_t *
header_value(const struct http_seen *seen, const char *name)
{
	_cleanup_(buf_deinit) struct buf joined = BUF_INIT(256 * 1024);
	bool found = false;

	for (size_t i = 0; i < seen->n_headers; i++) {
		if (!str_eq_nocase(seen->headers[i].name, str_of(name)))
			continue;
		if (found)
			(void)buf_adds(&joined, ", ");
		(void)buf_add_str(&joined, seen->headers[i].value);
		found = true;
	}
	return found ? kit_text(buf_text(&joined), joined.len, joined.max) : NULL;
}

static int
check_headers(struct check *check, json_t *wanted)
{
	const char *name;
	json_t *value;

	if (wanted && !json_is_object(wanted))
		return err_set(check->err, ERR_INVALID, "expect.headers must be an object");
	json_object_foreach(wanted, name, value)
	{
		_cleanup_(json_unrefp) json_t *actual = header_value(check->seen, name);
		_cleanup_free_ char *title = xasprintf("header %s", name);

		if (check_value(check, title, value, actual) < 0)
			return -1;
	}
	return 0;
}

static int
check_json(struct check *check, json_t *wanted)
{
	struct err err;
	const char *pointer;
	json_t *value;

	if (!wanted)
		return 0;
	if (!json_is_object(wanted))
		return err_set(check->err, ERR_INVALID, "expect.json must be an object");
	_cleanup_(json_unrefp) json_t *root =
		json_read(check->seen->body.p, check->seen->body.n, 512, &err);
	if (!root) {
		_cleanup_free_ char *message = xasprintf("the body is no JSON: %s", err.text);

		say(check, "body is JSON", message, NULL, NULL);
		return 0;
	}
	json_object_foreach(wanted, pointer, value)
	{
		_cleanup_free_ char *title = xasprintf("json %s", pointer);

		if (pointer[0] != '\0' && pointer[0] != '/')
			return err_set(check->err, ERR_INVALID,
				"expect.json: \"%.60s\" is no JSON Pointer", pointer);
		if (check_value(check, title, value, json_pointer_get(root, pointer)) < 0)
			return -1;
	}
	return 0;
}

/* The body goes to the pattern as it came: a cut or a conversion could change the verdict. */
static int
check_body_words(struct check *check, json_t *wanted)
{
	struct str body = check->seen->body;
	const char *word;
	json_t *value;

	json_object_foreach(wanted, word, value)
	{
		_cleanup_free_ char *title = xasprintf("body %s", word);
		_cleanup_free_ char *message = NULL;
		const char *text = json_string_value(value);
		int r;

		if (strcmp(word, "exists") == 0) {
			r = json_is_true(value) == (body.n > 0) ? 0 : MATCH_NO;
		} else if (!text) {
			return err_set(
				check->err, ERR_INVALID, "expect.body.%s must be a text", word);
		} else if (strcmp(word, "matches") == 0) {
			r = regex_match(text, body, check->err);
		} else if (strcmp(word, "contains") == 0) {
			r = memmem(body.p ? body.p : "", body.n, text, strlen(text)) ? 0
										     : MATCH_NO;
		} else if (strcmp(word, "equals") == 0) {
			r = str_eqz(body, text) ? 0 : MATCH_NO;
		} else {
			return err_set(check->err, ERR_INVALID,
				"expect.body: \"%.40s\" is not for bodies", word);
		}
		if (r < 0)
			return -1;
		_cleanup_(json_unrefp) json_t *start =
			kit_text(body.p, body.n, SHOWN_BYTES_MAX);
		if (r == MATCH_NO)
			message = xasprintf("body: expected %s %.200s", word, text ? text : "");
		say(check, title, message, value, start);
	}
	return 0;
}

static int
check_body(struct check *check, json_t *wanted)
{
	if (!wanted)
		return 0;
	if (!json_is_string(wanted) && !is_matcher(wanted))
		return err_set(check->err, ERR_INVALID,
			"expect.body must be a text or an object of equals, matches, contains");
	_cleanup_(json_unrefp) json_t *words = json_is_string(wanted)
		? json_pack("{s:O}", "equals", wanted)
		: json_incref(wanted);
	return check_body_words(check, words);
}

static int
check_within(struct check *check, json_t *wanted)
{
	_cleanup_(json_unrefp) json_t *actual = json_integer(check->seen->total_ms);
	_cleanup_free_ char *message = NULL;
	int64_t limit_ms;

	if (!wanted)
		return 0;
	_cleanup_free_ char *text = value_text(wanted);
	if (parse_duration_ms(str_of(text), DAYS_MS(1), &limit_ms, check->err) < 0)
		return err_wrap(check->err, "expect.within");
	if (check->seen->total_ms > limit_ms)
		message = xasprintf("within: expected at most %lld ms, took %lld ms",
			(long long)limit_ms, (long long)check->seen->total_ms);
	say(check, "within", message, wanted, actual);
	return 0;
}

static int
check_certificate(struct check *check, json_t *wanted)
{
	const struct http_seen *seen = check->seen;
	_cleanup_free_ char *message = NULL;

	if (!wanted)
		return 0;
	if (!json_is_integer(wanted))
		return err_set(
			check->err, ERR_INVALID, "expect.certificateDays must be a number");
	long long days = (seen->certificate_end_ms - seen->now_ms) / DAYS_MS(1);
	_cleanup_(json_unrefp) json_t *actual =
		seen->certificate_end_ms ? json_integer(days) : json_null();
	if (seen->certificate_end_ms == 0)
		message = xstrdup("certificateDays: the connection had no certificate");
	else if (days < json_integer_value(wanted))
		message = xasprintf("certificateDays: expected at least %lld, found %lld",
			(long long)json_integer_value(wanted), days);
	say(check, "certificateDays", message, wanted, actual);
	return 0;
}

static int
check_names(json_t *expect, struct err *err)
{
	static const char *const names[] = { "status", "headers", "json", "body", "within",
		"certificateDays", NULL };
	const char *name;
	json_t *value;

	if (expect && !json_is_object(expect))
		return err_set(err, ERR_INVALID, "expect must be an object");
	json_object_foreach(expect, name, value)
	{
		bool known = false;
		for (size_t i = 0; names[i]; i++)
			known |= strcmp(names[i], name) == 0;
		if (!known)
			return err_set(
				err, ERR_INVALID, "expect has no member \"%.40s\"", name);
	}
	return 0;
}

int
expect_response(const struct http_seen *seen, json_t *expect, expect_step_fn *step, void *arg,
	struct err *err)
{
	struct check check = { .seen = seen, .step = step, .arg = arg, .err = err };

	if (check_names(expect, err) < 0 ||
		check_status(&check, json_object_get(expect, "status")) < 0 ||
		check_headers(&check, json_object_get(expect, "headers")) < 0 ||
		check_json(&check, json_object_get(expect, "json")) < 0 ||
		check_body(&check, json_object_get(expect, "body")) < 0 ||
		check_within(&check, json_object_get(expect, "within")) < 0 ||
		check_certificate(&check, json_object_get(expect, "certificateDays")) < 0)
		return -1;
	return check.n_failed;
}

/* --- Certificates --- */

static int
month_of(struct str name)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (int i = 0; name.n == 3 && i < 12; i++)
		if (memcmp(names + 3 * i, name.p, 3) == 0)
			return i + 1;
	return 0;
}

int
certificate_time_parse(struct str text, int64_t *ret_ms)
{
	char month[4], zone[8];
	struct civil civil = { 0 };
	char line[64];

	if (text.n >= sizeof line)
		return -1;
	memcpy(line, text.p, text.n);
	line[text.n] = '\0';
	if (sscanf(line, "%3s %2d %2d:%2d:%2d %4d %7s", month, &civil.day, &civil.hour,
		    &civil.minute, &civil.second, &civil.year, zone) == 7)
		civil.month = month_of(str_of(month));
	else if (sscanf(line, "%4d-%2d-%2d %2d:%2d:%2d", &civil.year, &civil.month, &civil.day,
			 &civil.hour, &civil.minute, &civil.second) != 6)
		return -1;
	if (civil.month < 1 || civil.month > 12 || civil.day < 1 || civil.day > 31 ||
		civil.hour < 0 || civil.hour > 23 || civil.minute < 0 || civil.minute > 59 ||
		civil.second < 0 || civil.second > 60 || civil.year < 1970)
		return -1;
	*ret_ms = civil_to_ms(&civil);
	return 0;
}
