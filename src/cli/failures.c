/* SPDX-License-Identifier: Apache-2.0 */
/* Failures for people, from the JSON report. */
#include "cli/failures.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/colour.h"
#include "cli/job_view.h"

enum {
	FAILURES_MAX = 50, /* printed in full; the report has all */
};

struct printer {
	struct buf out;
	bool has_colour;
	int n;
	int n_left_out;
	json_t *seen; /* owned: warnings that were told, as members */
};

static void
put(struct printer *printer, const char *text)
{
	(void)!buf_adds(&printer->out, text); /* cut: the report has all of it */
}

static void
begin(struct printer *printer, enum colour colour)
{
	put(printer, colour_begin(colour, printer->has_colour));
}

static void
end(struct printer *printer, enum colour colour)
{
	put(printer, colour_end(colour, printer->has_colour));
}

/* Lines of text, each indented; those of a snippet that begin with ">" stand out. */
static void
put_lines(struct printer *printer, const char *text, const char *indent, bool is_snippet)
{
	_cleanup_(buf_deinit) struct buf plain = BUF_INIT(KIB(64));

	put_plain(&plain, text);
	struct str rest = buf_str(&plain);
	while (rest.n > 0) {
		struct str line = str_split_first(&rest, '\n');
		enum colour colour = !is_snippet         ? COLOUR_NONE
			: line.n > 0 && line.p[0] == '>' ? COLOUR_RED
							 : COLOUR_DIM;
		if (line.n > 0)
			put(printer, indent);
		begin(printer, colour);
		(void)!buf_add_str(&printer->out, line);
		end(printer, colour);
		put(printer, "\n");
	}
}

static void
put_place(struct printer *printer, const char *file, int64_t line)
{
	begin(printer, COLOUR_DIM);
	put(printer, "     at ");
	put_plain(&printer->out, file);
	if (line > 0)
		(void)!buf_addf(&printer->out, ":%" PRId64, line);
	end(printer, COLOUR_DIM);
	put(printer, "\n");
}

static void
put_error(struct printer *printer, const json_t *error, const json_t *one)
{
	const char *file = json_text(error, "file");
	int64_t line = json_int(error, "line");

	if (!file[0]) {
		file = json_text(one, "file");
		line = json_int(one, "line");
	}
	put_lines(printer, json_text(error, "message"), "     ", false);
	if (file[0])
		put_place(printer, file, line);
	if (json_text(error, "snippet")[0]) {
		put(printer, "\n");
		put_lines(printer, json_text(error, "snippet"), "     ", true);
	}
}

static void
put_failure(struct printer *printer, const char *status, const char *path, const char *title,
	const char *more, const json_t *error, const json_t *one)
{
	if (printer->n >= FAILURES_MAX) {
		printer->n_left_out++;
		return;
	}
	(void)!buf_addf(&printer->out, "\n  %d) ", ++printer->n);
	begin(printer, COLOUR_BOLD);
	if (path[0]) {
		put_plain(&printer->out, path);
		put(printer, " › ");
	}
	put_plain(&printer->out, title);
	end(printer, COLOUR_BOLD);
	put(printer, more);
	if (strcmp(status, "failed") != 0) {
		put(printer, "  ");
		begin(printer, COLOUR_YELLOW);
		put(printer, strcmp(status, "timed_out") == 0 ? "timed out" : status);
		end(printer, COLOUR_YELLOW);
	}
	put(printer, "\n");
	if (error)
		put_error(printer, error, one);
}

static bool
is_bad(const char *status)
{
	return strcmp(status, "failed") == 0 || strcmp(status, "errored") == 0 ||
		strcmp(status, "timed_out") == 0;
}

/* " [chromium] #2" as progress has it: which unit of its test; "" when there is only one. */
static void
tell_units_apart(const json_t *test, const json_t *unit, char out[300])
{
	const json_t *units = json_object_get(test, "units");
	const json_t *last = json_array_get(units, json_array_size(units) - 1);
	const char *target = json_text(unit, "target");
	char iteration[40] = "";

	out[0] = '\0';
	if (json_array_size(units) < 2)
		return;
	if (json_int(last, "iteration") > 1)
		(void)snprintf(
			iteration, sizeof iteration, " #%" PRId64, json_int(unit, "iteration"));
	(void)snprintf(out, 300, "%s%s%s%s", target[0] ? " [" : "", target,
		target[0] ? "]" : "", iteration);
}

/* The step that failed, the last of them: those before it were optional. */
static void
put_failed_step(struct printer *printer, const json_t *steps)
{
	const json_t *failed = NULL, *step;
	size_t i;

	if (printer->n_left_out > 0)
		return;
	json_array_foreach(steps, i, step)
	{
		if (strcmp(json_text(step, "status"), "failed") == 0)
			failed = step;
	}
	if (!failed)
		return;
	begin(printer, COLOUR_DIM);
	put(printer, "     in step: ");
	put_plain(&printer->out, json_text(failed, "title"));
	end(printer, COLOUR_DIM);
	put(printer, "\n");
}

/* The cases that failed, and the run itself when they do not tell its outcome. */
static void
put_run(struct printer *printer, const json_t *test, const json_t *unit, const json_t *run)
{
	const char *outcome = json_text(run, "outcome");
	json_t *error = json_object_get(run, "error"), *one;
	char more[300];
	bool is_told = false;
	size_t i;

	tell_units_apart(test, unit, more);
	json_array_foreach(json_object_get(run, "cases"), i, one)
	{
		if (!is_bad(json_text(one, "status")))
			continue;
		is_told = is_told || strcmp(json_text(one, "status"), outcome) == 0;
		put_failure(printer, json_text(one, "status"), json_text(one, "path"),
			json_text(one, "title"), more, json_object_get(one, "error"), one);
	}
	if (is_bad(outcome) && !is_told) {
		put_failure(printer, outcome, json_text(test, "fixture"),
			json_text(test, "name"), more, error, NULL);
		put_failed_step(printer, json_object_get(run, "steps"));
	}
}

/*
 * What a run notes beside its outcome: a baseline was written, an optional step failed. What is
 * the same for many tests is told of the first.
 */
static void
put_warnings(struct printer *printer, const json_t *test, const json_t *unit, const json_t *run)
{
	const char *fixture = json_text(test, "fixture");
	char more[300];
	json_t *one;
	size_t i;

	tell_units_apart(test, unit, more);
	json_array_foreach(json_object_get(run, "warnings"), i, one)
	{
		const char *text = json_string_value(one);
		if (!text || json_object_get(printer->seen, text) ||
			json_object_size(printer->seen) >= FAILURES_MAX)
			continue;
		(void)json_object_set_new(printer->seen, text, json_true());
		begin(printer, COLOUR_YELLOW);
		put(printer, "\n  note ");
		end(printer, COLOUR_YELLOW);
		put_plain(&printer->out, fixture);
		put(printer, fixture[0] ? " › " : "");
		put_plain(&printer->out, json_text(test, "name"));
		put(printer, more);
		put(printer, "\n");
		put_lines(printer, text, "     ", false);
	}
}

static void
put_flaky(struct printer *printer, const json_t *report)
{
	int64_t n = json_int(json_object_get(report, "results"), "flaky");

	if (n == 0)
		return;
	begin(printer, COLOUR_YELLOW);
	(void)!buf_addf(
		&printer->out, "\n  %" PRId64 " flaky: passed only after another attempt\n", n);
	end(printer, COLOUR_YELLOW);
}

/* Tests that never began, as after a stop at the first failure. */
static void
put_not_run(struct printer *printer, const json_t *tests)
{
	const json_t *test;
	int64_t n = 0;
	size_t i;

	json_array_foreach(tests, i, test) n += json_int(test, "notRun");
	if (n > 0)
		(void)!buf_addf(&printer->out, ", %" PRId64 " not run", n);
}

static void
put_summary(struct printer *printer, const json_t *report)
{
	const char *status = json_text(report, "status");
	enum colour colour = strcmp(status, "completed") == 0 ? COLOUR_GREEN : COLOUR_RED;

	put(printer, "\n");
	begin(printer, colour);
	put(printer, status);
	end(printer, colour);
	put(printer, ": ");
	job_put_counts(&printer->out, json_object_get(report, "results"));
	put_not_run(printer, json_object_get(report, "tests"));
	if (json_object_get(report, "runMs")) {
		put(printer, " in ");
		job_put_duration(&printer->out, json_int(report, "runMs"));
	}
	if (strcmp(status, "completed") != 0 && json_text(report, "reason")[0] &&
		strcmp(json_text(report, "reason"), "tests_failed") != 0)
		(void)!buf_addf(&printer->out, " (%s)", json_text(report, "reason"));
	put(printer, "\n");
}

static void
put_tests(struct printer *printer, const json_t *tests)
{
	json_t *test, *unit;
	size_t t, u;

	json_array_foreach(tests, t, test)
	{
		json_array_foreach(json_object_get(test, "units"), u, unit)
		{
			const json_t *runs = json_object_get(unit, "runs");

			const json_t *last = json_array_get(runs, json_array_size(runs) - 1);
			/* What does not count is not among what went wrong. */
			if (!json_is_true(json_object_get(unit, "quarantined")))
				put_run(printer, test, unit, last);
			put_warnings(printer, test, unit, last);
		}
	}
}

void
failures_print(const json_t *report, bool has_colour)
{
	struct printer printer = {
		.out = BUF_INIT(MIB(4)), .has_colour = has_colour, .seen = json_object()
	};

	put_tests(&printer, json_object_get(report, "tests"));
	/* Else a unit tells what a hook spoiled. */
	if (strcmp(json_text(report, "reason"), "hook_failed") == 0)
		put_tests(&printer, json_object_get(report, "hooks"));
	if (printer.n_left_out > 0)
		(void)!buf_addf(&printer.out, "\n  and %d more\n", printer.n_left_out);
	put_flaky(&printer, report);
	put_summary(&printer, report);
	if (printer.out.len > 0)
		cli_write(printer.out.data, printer.out.len);
	json_decref(printer.seen);
	buf_deinit(&printer.out);
}
