/* SPDX-License-Identifier: Apache-2.0 */
/* A glob becomes a regular expression, so that there is one way to match. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "runners/browser/network_match.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "browser_format/hosts.h"

enum { MATCH_HEAP_KIB = 4096 };

struct pattern {
	pcre2_code *code;
	pcre2_match_data *match;
	pcre2_match_context *limits;
	bool is_url;
	bool has_query; /* the pattern speaks of it; else the URL's is left out */
};

static int
compile(struct pattern **ret, const char *regex, const char *shown, struct err *err)
{
	int code;
	PCRE2_SIZE at;
	pcre2_code *re = pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
		PCRE2_UTF | PCRE2_NEVER_BACKSLASH_C | PCRE2_MATCH_INVALID_UTF, &code, &at,
		NULL);

	if (!re) {
		PCRE2_UCHAR why[120] = "";

		pcre2_get_error_message(code, why, sizeof why);
		return err_set(err, ERR_INVALID, "pattern \"%.60s\", offset %zu: %s", shown,
			(size_t)at, (const char *)why);
	}
	struct pattern *pattern = xcalloc(1, sizeof *pattern);
	pattern->code = re;
	pattern->match = pcre2_match_data_create_from_pattern(re, NULL);
	pattern->limits = pcre2_match_context_create(NULL);
	if (!pattern->match || !pattern->limits)
		abort();
	pcre2_set_match_limit(pattern->limits, PATTERN_STEPS_MAX);
	pcre2_set_depth_limit(pattern->limits, PATTERN_STEPS_MAX);
	pcre2_set_heap_limit(pattern->limits, MATCH_HEAP_KIB);
	*ret = pattern;
	return 0;
}

struct pattern *
pattern_free(struct pattern *pattern)
{
	if (!pattern)
		return NULL;
	pcre2_match_context_free(pattern->limits);
	pcre2_match_data_free(pattern->match);
	pcre2_code_free(pattern->code);
	free(pattern);
	return NULL;
}

static int
check_length(const char *text, struct err *err)
{
	if (strlen(text) > PATTERN_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "a pattern is longer than %d bytes",
			(int)PATTERN_BYTES_MAX);
	return 0;
}

int
pattern_regex(struct pattern **ret, const char *text, struct err *err)
{
	if (check_length(text, err) < 0)
		return -1;
	return compile(ret, text, text, err);
}

/* --- URLs --- */

/* "/…/" with something inside; "/" and "//" are globs. */
static bool
is_slashed(const char *text)
{
	size_t n = strlen(text);

	return n > 2 && text[0] == '/' && text[n - 1] == '/';
}

/* Everything but letters and digits is escaped, which PCRE2 takes for each ASCII sign. */
static int
add_literal(struct buf *out, char c)
{
	bool is_word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
		(c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80;

	return is_word ? buf_addc(out, c) : buf_addf(out, "\\%c", c);
}

static int
add_glob(struct buf *out, const char *text)
{
	int r = 0;

	for (; *text; text++) {
		if (text[0] == '*' && text[1] == '*') {
			r |= buf_adds(out, ".*");
			text++;
		} else if (text[0] == '*') {
			r |= buf_adds(out, "[^/]*");
		} else {
			r |= add_literal(out, *text);
		}
	}
	return r;
}

/* "https://host:port" of the base, or any origin without one. */
static int
add_origin(struct buf *out, const char *base_url)
{
	const char *host = base_url ? strstr(base_url, "://") : NULL;

	if (!host)
		return buf_adds(out, "[a-z]+://[^/]*");
	int r = 0;
	size_t n = (size_t)(host + 3 - base_url) + strcspn(host + 3, "/?#");
	for (size_t i = 0; i < n; i++)
		r |= add_literal(out, base_url[i]);
	return r;
}

int
pattern_url(struct pattern **ret, const char *text, const char *base_url, struct err *err)
{
	_cleanup_(buf_deinit) struct buf regex = BUF_INIT(KIB(64));
	int r = 0;

	if (check_length(text, err) < 0)
		return -1;
	if (is_slashed(text)) {
		r = buf_add(&regex, text + 1, strlen(text) - 2);
	} else {
		r |= buf_adds(&regex, "\\A");
		if (*text == '/')
			r |= add_origin(&regex, base_url);
		r |= add_glob(&regex, text);
		r |= buf_adds(&regex, "\\z");
	}
	if (r < 0)
		return err_set(err, ERR_LIMIT, "the pattern \"%.60s\" is too long", text);
	if (compile(ret, buf_text(&regex), text, err) < 0)
		return -1;
	(*ret)->is_url = true;
	(*ret)->has_query = is_slashed(text) || strchr(text, '?');
	return 0;
}

bool
pattern_matches(const struct pattern *pattern, struct str text)
{
	if (pattern->is_url) {
		const char *hash = text.n ? memchr(text.p, '#', text.n) : NULL;
		if (hash)
			text.n = (size_t)(hash - text.p);
		const char *query = text.n ? memchr(text.p, '?', text.n) : NULL;
		if (query && !pattern->has_query)
			text.n = (size_t)(query - text.p);
	}
	return pcre2_match(pattern->code, (PCRE2_SPTR)(text.p ? text.p : ""), text.n, 0, 0,
		       pattern->match, pattern->limits) >= 0;
}

char *
pattern_wildcard(const char *text)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(2 * PATTERN_BYTES_MAX + 16);

	if (is_slashed(text))
		return xstrdup("*");
	int r = buf_addc(&out, '*');
	for (; *text; text++)
		if (*text == '\\')
			r |= buf_adds(&out, "\\\\");
		else
			r |= buf_addc(&out, *text);
	r |= buf_addc(&out, '*');
	return r < 0 ? xstrdup("*") : xstrdup(buf_text(&out));
}
