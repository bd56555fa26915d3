/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs for people. */
#include "cli/job_view.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "cli/cli.h"

const char *
json_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

int64_t
json_int(const json_t *object, const char *name)
{
	return (int64_t)json_integer_value(json_object_get(object, name));
}

/* Length of an escape sequence at s, 0 when there is none. */
static size_t
escape_len(const char *s)
{
	size_t n = 2;

	if (s[0] != '\x1b')
		return 0;
	if (s[1] != '[')
		return 1;
	while (s[n] && !(s[n] >= '@' && s[n] <= '~'))
		n++;
	return s[n] ? n + 1 : n;
}

void
put_plain(struct buf *out, const char *text)
{
	while (*text) {
		size_t skip = escape_len(text);
		if (skip > 0) {
			text += skip;
			continue;
		}
		bool is_control = (unsigned char)*text < ' ' && *text != '\n' && *text != '\t';
		/* C1 controls are two bytes in UTF-8: 0xc2 and then 0x80 to 0x9f. */
		if ((unsigned char)text[0] == 0xc2 && (unsigned char)text[1] >= 0x80 &&
			(unsigned char)text[1] < 0xa0) {
			text += 2;
			continue;
		}
		if (!is_control && *text != 0x7f && buf_addc(out, *text) < 0)
			return; /* cut: the report has all of it */
		text++;
	}
}

bool
job_is_over(const json_t *job)
{
	static const char *const final[] = { "completed", "failed", "stopped", "invalid" };
	const char *status = json_text(job, "status");

	for (size_t i = 0; i < ARRAY_LEN(final); i++) {
		if (strcmp(status, final[i]) == 0)
			return true;
	}
	return false;
}

int
job_exit_status(const json_t *job)
{
	const char *status = json_text(job, "status"), *reason = json_text(job, "reason");
	const json_t *counts = json_object_get(job, "counts");

	if (strcmp(status, "completed") == 0)
		return CLI_OK;
	if (strcmp(status, "invalid") == 0)
		return CLI_USAGE;
	if (strcmp(reason, "hook_failed") == 0)
		return CLI_TESTS_FAILED;
	if (strcmp(reason, "timeout") == 0 || strcmp(reason, "tests_failed") == 0)
		return json_int(counts, "failed") + json_int(counts, "timedOut") > 0 ||
				strcmp(reason, "timeout") == 0
			? CLI_TESTS_FAILED
			: CLI_ERRORED;
	return CLI_ERRORED;
}

void
job_put_duration(struct buf *out, int64_t ms)
{
	int64_t s = ms / 1000;
	int r;

	if (ms < 1000)
		r = buf_addf(out, "%" PRId64 " ms", ms);
	else if (s < 10)
		r = buf_addf(out, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
	else if (s < 60)
		r = buf_addf(out, "%" PRId64 " s", s);
	else if (s < 3600)
		r = buf_addf(out, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else
		r = buf_addf(out, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
	(void)r; /* a line that is too long is cut */
}

void
job_put_counts(struct buf *out, const json_t *counts)
{
	static const struct {
		const char *member, *word;
	} parts[] = { { "passed", "passed" }, { "failed", "failed" }, { "errored", "errored" },
		{ "timedOut", "timed out" }, { "cancelled", "cancelled" },
		{ "skipped", "skipped" }, { "quarantined", "failed in quarantine" } };
	int64_t flaky = json_int(counts, "flaky");
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		int64_t n = json_int(counts, parts[i].member);
		if (n == 0)
			continue;
		if (buf_addf(out, "%s%" PRId64 " %s", any ? ", " : "", n, parts[i].word) < 0)
			return;
		/* What is flaky has passed in the end, and is among those. */
		if (i == 0 && flaky > 0 && buf_addf(out, " (%" PRId64 " flaky)", flaky) < 0)
			return;
		any = true;
	}
	if (!any && buf_adds(out, "nothing ran") < 0)
		return;
}

void
job_print_head(void)
{
	cli_print("%-36s  %-10s  %-16s  %4s  %-24s  %s\n", "ID", "STATUS", "REASON", "%",
		"CREATED", "NAME");
}

/* What the status does not tell. */
static void
put_marks(struct buf *out, const json_t *counts)
{
	int64_t unstable = json_int(counts, "flaky");
	int64_t quarantined = json_int(counts, "quarantined");

	if (unstable > 0)
		(void)!buf_addf(
			out, "  (%" PRId64 " unstable%s", unstable, quarantined > 0 ? "" : ")");
	if (quarantined > 0)
		(void)!buf_addf(out, "%s%" PRId64 " failed in quarantine)",
			unstable > 0 ? ", " : "  (", quarantined);
}

void
job_print_line(const json_t *job)
{
	_cleanup_(buf_deinit) struct buf name = BUF_INIT(NAME_BYTES_MAX + 100);
	const json_t *progress = json_object_get(job, "progress");
	bool has_percent = json_object_get(progress, "percent") != NULL;

	put_plain(&name, json_text(job, "name"));
	put_marks(&name, json_object_get(job, "counts"));
	cli_print("%-36s  %-10s  %-16s  ", json_text(job, "id"), json_text(job, "status"),
		json_text(job, "reason"));
	if (has_percent)
		cli_print("%4" PRId64, json_int(progress, "percent"));
	else
		cli_print("%4s", "-");
	cli_print("  %-24s  %s\n", json_text(job, "createdAt"), buf_text(&name));
}

static void
print_fact(const char *name, const char *value)
{
	if (value[0])
		cli_print("%-12s %s\n", name, value);
}

void
job_print(const json_t *job)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(4));

	put_plain(&text, json_text(job, "name"));
	print_fact("name", buf_text(&text));
	print_fact("id", json_text(job, "id"));
	print_fact("status", json_text(job, "status"));
	print_fact("reason", json_text(job, "reason"));
	buf_clear(&text);
	job_put_counts(&text, json_object_get(job, "counts"));
	print_fact("results", buf_text(&text));
	buf_clear(&text);
	put_plain(&text, json_text(json_object_get(job, "schedule"), "name"));
	print_fact("schedule", buf_text(&text));
	print_fact("created", json_text(job, "createdAt"));
	print_fact("started", json_text(job, "startedAt"));
	print_fact("completed", json_text(job, "completedAt"));
	if (json_object_get(job, "runMs")) {
		buf_clear(&text);
		job_put_duration(&text, json_int(job, "runMs"));
		print_fact("took", buf_text(&text));
	}
	if (json_is_true(json_object_get(job, "pinned"))) {
		buf_clear(&text);
		put_plain(&text, json_text(job, "pinNote"));
		print_fact("pinned", text.len > 0 ? buf_text(&text) : "yes");
	}
}

/* What the outcome does not tell: nothing, or in brackets behind the test's name. */
static void
put_run_marks(struct buf *out, const json_t *run)
{
	const struct {
		const char *word;
		bool holds;
	} marks[] = { { "hook", json_object_get(run, "role") != NULL },
		{ "unstable", json_is_true(json_object_get(run, "unstable")) },
		{ "quarantined", json_is_true(json_object_get(run, "quarantined")) },
		{ "held", json_is_false(json_object_get(run, "released")) } };
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(marks); i++) {
		if (!marks[i].holds)
			continue;
		(void)!buf_addf(out, "%s%s", any ? ", " : "  (", marks[i].word);
		any = true;
	}
	if (any)
		(void)!buf_addc(out, ')');
}

static void
print_run(const json_t *run)
{
	_cleanup_(buf_deinit) struct buf marks = BUF_INIT(100);
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(8));
	_cleanup_(buf_deinit) struct buf took = BUF_INIT(64);
	const char *outcome = json_text(run, "outcome");
	const char *target = json_text(run, "target");
	const json_t *error = json_object_get(run, "error");

	put_plain(&text, json_text(run, "test"));
	if (outcome[0])
		job_put_duration(&took, json_int(run, "durationMs"));
	put_run_marks(&marks, run);
	cli_print("  %-10s  %6" PRId64 "  %7" PRId64 "  %10s  %s%s%s%s%s\n",
		outcome[0] ? outcome : json_text(run, "status"), json_int(run, "iteration"),
		json_int(run, "attempt"), buf_text(&took), buf_text(&text),
		target[0] ? " [" : "", target, target[0] ? "]" : "",
		marks.len ? buf_text(&marks) : "");
	if (!error)
		return;
	buf_clear(&text);
	put_plain(&text, json_text(error, "message"));
	struct str rest = buf_str(&text);
	struct str first = str_split_first(&rest, '\n');
	cli_print("              " STR_FMT "\n", STR_ARG(first));
}

void
job_print_runs(const json_t *runs)
{
	json_t *run;
	size_t i;

	if (json_array_size(runs) == 0)
		return;
	cli_print("\n  %-10s  %6s  %7s  %10s  %s\n", "OUTCOME", "ITER.", "ATTEMPT", "TOOK",
		"TEST");
	json_array_foreach(runs, i, run) print_run(run);
}

/* What an event adds to its name. */
static void
put_event_detail(struct buf *out, const char *type, const json_t *data)
{
	const json_t *error = json_object_get(data, "error");

	if (strncmp(type, "job.", 4) == 0) {
		if (json_text(data, "reason")[0])
			(void)!buf_addf(out, " %s", json_text(data, "reason"));
		if (json_object_get(data, "counts")) {
			(void)!buf_adds(out, json_text(data, "reason")[0] ? ": " : " ");
			job_put_counts(out, json_object_get(data, "counts"));
		}
		return;
	}
	static const char *const members[] = { "test", "title", "status", "outcome", "reason",
		"message", "level", "text", "name" };
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const char *text = json_text(data, members[i]);
		if (!text[0])
			continue;
		(void)!buf_addc(out, ' ');
		put_plain(out, text);
	}
	if (error) {
		(void)!buf_adds(out, ": ");
		put_plain(out, json_text(error, "message"));
	}
}

void
job_print_event(const json_t *event, const char *run_name)
{
	_cleanup_(buf_deinit) struct buf line = BUF_INIT(KIB(16));
	const char *type = json_text(event, "type");

	if (run_name[0]) {
		(void)!buf_addc(&line, ' ');
		put_plain(&line, run_name);
		(void)!buf_addc(&line, ' ');
	}
	put_event_detail(&line, type, json_object_get(event, "data"));
	while (line.len > 0 && line.data[line.len - 1] == ' ')
		line.data[--line.len] = '\0';
	/* One event, one line. */
	for (size_t i = 0; i < line.len; i++) {
		if (line.data[i] == '\n')
			line.data[i] = ' ';
	}
	if (line.len == 0)
		cli_print("%s  %s\n", json_text(event, "at"), type);
	else
		cli_print("%s  %-16s%s\n", json_text(event, "at"), type, buf_text(&line));
}
