/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Test Anything Protocol, versions 12 to 14, as far as a verdict needs it: plan, test lines
 * with directives, bail out, and the YAML block of a failure as its text. Lines that are no TAP
 * belong to the log. Subtests are indented and summed up by their parent's line, so they are
 * passed over.
 */
#include "runners/command/report.h"

#include <string.h>

#include "base/mem.h"
#include "base/parse.h"

struct tap {
	struct report *report;
	int64_t plan; /* -1: none seen */
	int64_t n;    /* test lines */
	bool plan_skips_all;

	bool has_case; /* a failure waits for its YAML block */
	char *title;
	struct buf detail;
	bool in_yaml;
};

static bool
word_starts(struct str s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && str_eq_nocase(str_from(s.p, n), str_from(word, n));
}

static struct str
drop(struct str s, size_t n)
{
	return str_from(s.p + n, s.n - n);
}

static void
flush(struct tap *tap)
{
	if (!tap->has_case)
		return;
	const struct report_case one = {
		.title = str_of(tap->title),
		.status = "failed",
		.duration_ms = -1,
		.detail = str_trim(buf_str(&tap->detail)),
	};
	report_add(tap->report, &one);
	free(tap->title);
	tap->title = NULL;
	tap->has_case = false;
	tap->in_yaml = false;
	buf_clear(&tap->detail);
}

/* "1..N" with an optional "# SKIP reason". */
static bool
plan_line(struct tap *tap, struct str line)
{
	struct str rest = line;
	struct str count = str_split_first(&rest, '#');
	int64_t n;

	if (!str_starts(line, STR("1..")))
		return false;
	count = str_trim(drop(count, 3));
	if (parse_i64(count, 0, INT32_MAX, &n, NULL) < 0)
		return false;
	tap->plan = n;
	tap->plan_skips_all = n == 0 && rest.p && word_starts(str_trim(rest), "skip");
	return true;
}

/* Position of the '#' that begins a directive; s.n when there is none. "\#" is text. */
static size_t
directive_at(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '#' && (i == 0 || s.p[i - 1] != '\\')) {
			struct str rest = str_trim(drop(s, i + 1));
			if (word_starts(rest, "skip") || word_starts(rest, "todo"))
				return i;
		}
	return s.n;
}

static char *
title_of(struct tap *tap, struct str text)
{
	while (text.n > 0 && text.p[0] >= '0' && text.p[0] <= '9')
		text = drop(text, 1);
	text = str_trim(text);
	if (str_starts(text, STR("- ")))
		text = str_trim(drop(text, 2));
	if (text.n == 0)
		return xasprintf("test %lld", (long long)tap->n);
	return xstrndup(
		text.p, text.n < REPORT_NAME_BYTES_MAX ? text.n : REPORT_NAME_BYTES_MAX);
}

/* "ok" or "not ok", number, text, directive. */
static bool
test_line(struct tap *tap, struct str line)
{
	bool is_ok = str_starts(line, STR("ok"));
	struct str rest = line;

	if (is_ok)
		rest = drop(rest, 2);
	else if (str_starts(line, STR("not ok")))
		rest = drop(rest, 6);
	else
		return false;
	if (rest.n > 0 && rest.p[0] != ' ' && rest.p[0] != '\t')
		return false;

	flush(tap);
	tap->n++;
	rest = str_trim(rest);
	size_t at = directive_at(rest);
	struct str word = at < rest.n ? str_trim(drop(rest, at + 1)) : STR("");
	_cleanup_free_ char *title = title_of(tap, str_from(rest.p, at));
	if (!is_ok && word.n == 0) {
		tap->title = TAKE(title);
		tap->has_case = true;
		return true;
	}
	/* A failing "todo" is expected to fail; a passing one is a pass. */
	bool skipped = word_starts(word, "skip") || (!is_ok && word_starts(word, "todo"));
	const struct report_case one = {
		.title = str_of(title),
		.status = skipped ? "skipped" : "passed",
		.duration_ms = -1,
	};
	report_add(tap->report, &one);
	return true;
}

/* Indented lines behind a failure: its YAML block. */
static bool
yaml_line(struct tap *tap, struct str line)
{
	struct str text = str_trim(line);

	if (!tap->has_case || line.n == 0 || line.p[0] != ' ')
		return false;
	if (str_eqz(text, "---")) {
		tap->in_yaml = true;
		return true;
	}
	if (str_eqz(text, "...")) {
		tap->in_yaml = false;
		return true;
	}
	if (tap->in_yaml && buf_add_str(&tap->detail, line) == 0)
		(void)buf_addc(&tap->detail, '\n');
	return true;
}

static void
take_line(struct tap *tap, struct str line)
{
	if (line.n > 0 && line.p[line.n - 1] == '\r')
		line.n--;
	if (yaml_line(tap, line) || tap->report->is_bailed)
		return;
	if (word_starts(line, "bail out!")) {
		struct str why = str_trim(drop(line, 9));

		flush(tap);
		tap->report->is_bailed = true;
		free(tap->report->message);
		tap->report->message = why.n > 0
			? xstrndup(why.p,
				  why.n < REPORT_MESSAGE_BYTES_MAX ? why.n
								   : REPORT_MESSAGE_BYTES_MAX)
			: xstrdup("the test program bailed out");
		return;
	}
	if (!test_line(tap, line))
		(void)plan_line(tap, line);
}

static void
check_plan(struct tap *tap)
{
	struct report *report = tap->report;

	if (report->is_bailed || tap->plan == tap->n)
		return;
	report->is_broken = true;
	if (report->message)
		return;
	report->message = tap->plan < 0
		? xstrdup("no plan (1..N) in the output")
		: xasprintf("the plan announced %lld tests, %lld were reported",
			  (long long)tap->plan, (long long)tap->n);
}

void
tap_parse(struct report *report, const char *data, size_t len)
{
	struct tap tap = {
		.report = report, .plan = -1, .detail = BUF_INIT(REPORT_MESSAGE_BYTES_MAX)
	};
	struct str rest = str_from(data, len);

	while (rest.p && rest.n > 0)
		take_line(&tap, str_split_first(&rest, '\n'));
	flush(&tap);
	check_plan(&tap);
	buf_deinit(&tap.detail);
}
