/* SPDX-License-Identifier: Apache-2.0 */
/* Live progress of one job. */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/colour.h"
#include "cli/flow_view.h"
#include "cli/job_view.h"

enum {
	COLUMNS_DEFAULT = 80,
	COLUMNS_MIN = 40,
	BAR_CELLS = 24,
};

void
progress_init(struct progress *progress, const char *name, bool is_quiet)
{
	struct winsize size;
	const char *term = getenv("TERM");
	bool is_terminal = isatty(STDOUT_FILENO) && !(term && strcmp(term, "dumb") == 0);

	*progress = (struct progress) { .is_live = is_terminal && !is_quiet,
		.is_quiet = is_quiet,
		.has_colour = colour_wanted(STDOUT_FILENO),
		.columns = COLUMNS_DEFAULT,
		.percent = 0,
		.runs_total = -1,
		.begun_mono_ms = clock_mono_ms() };
	(void)snprintf(progress->status, sizeof progress->status, "queued");
	(void)snprintf(progress->name, sizeof progress->name, "%s", name);
	if (is_terminal && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
		size.ws_col >= COLUMNS_MIN)
		progress->columns = size.ws_col;
	map_init(&progress->run_names, MAP_KEYS_COPIED);
	map_init(&progress->run_hooks, MAP_KEYS_COPIED);
	map_init(&progress->run_cases, MAP_KEYS_COPIED);
	map_init(&progress->cases, MAP_KEYS_COPIED);
}

void
progress_deinit(struct progress *progress)
{
	struct map_entry entry;

	for (size_t at = 0; map_next(&progress->run_names, &at, &entry);)
		free(entry.value);
	for (size_t at = 0; map_next(&progress->cases, &at, &entry);)
		free(entry.value);
	map_deinit(&progress->cases);
	map_deinit(&progress->run_names);
	map_deinit(&progress->run_hooks);
	map_deinit(&progress->run_cases);
}

/* --- Events --- */

static void
set_text(char *out, size_t size, const char *text)
{
	_cleanup_(buf_deinit) struct buf plain = BUF_INIT(KIB(4));

	put_plain(&plain, text);
	(void)snprintf(out, size, "%s", buf_text(&plain));
	/* Not in the middle of a character. */
	size_t len = strlen(out);
	while (len > 0 && !utf8_valid(out, len))
		out[--len] = '\0';
	for (char *c = out; *c; c++) {
		if (*c == '\n' || *c == '\t')
			*c = ' ';
	}
}

static const struct {
	const char *status, *sign;
	enum colour colour;
} outcomes[] = { { "passed", "ok", COLOUR_GREEN }, { "flaky", "flaky", COLOUR_YELLOW },
	{ "failed", "FAILED", COLOUR_RED }, { "errored", "ERROR", COLOUR_YELLOW },
	{ "timed_out", "TIME", COLOUR_RED }, { "skipped", "skip", COLOUR_DIM },
	{ "cancelled", "cancel", COLOUR_DIM } };

static void
put_result(struct progress *progress, struct buf *log, const char *status, const char *title,
	int64_t duration_ms, const char *note)
{
	const char *sign = status;
	enum colour colour = COLOUR_NONE;

	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
		if (strcmp(outcomes[i].status, status) == 0) {
			sign = outcomes[i].sign;
			colour = outcomes[i].colour;
		}
	}
	if (progress->is_quiet)
		return;
	if (buf_addf(log, "  %s%-6s%s  ", colour_begin(colour, progress->has_colour), sign,
		    colour_end(colour, progress->has_colour)) < 0)
		return;
	put_plain(log, title);
	if (duration_ms > 0) {
		if (buf_adds(log, colour_begin(COLOUR_DIM, progress->has_colour)) < 0 ||
			buf_adds(log, "  ") < 0)
			return;
		job_put_duration(log, duration_ms);
		if (buf_adds(log, colour_end(COLOUR_DIM, progress->has_colour)) < 0)
			return;
	}
	if (buf_addf(log, "%s\n", note) < 0)
		return;
}

/* Adds n (1 or -1) to what the status counts as. */
static void
count(struct progress *progress, const char *status, int n)
{
	bool is_flaky = strcmp(status, "flaky") == 0;

	if (strcmp(status, "passed") == 0 || is_flaky)
		progress->passed += n;
	if (is_flaky)
		progress->flaky += n;
	if (strcmp(status, "failed") == 0)
		progress->failed += n;
	if (strcmp(status, "errored") == 0 || strcmp(status, "timed_out") == 0)
		progress->errored += n;
	if (strcmp(status, "skipped") == 0 || strcmp(status, "cancelled") == 0)
		progress->skipped += n;
}

/* A case counts once, as what its latest attempt came to. */
static void
count_case(struct progress *progress, const char *run, const json_t *data, const char *status)
{
	_cleanup_free_ char *key = xasprintf("%s/%s", run, json_text(data, "id"));
	char *before = map_put(&progress->cases, key, strlen(key), xstrdup(status));

	if (before)
		count(progress, before, -1);
	count(progress, status, 1);
	free(before);
}

static void
take_case(struct progress *progress, const char *run, const json_t *data, struct buf *log)
{
	_cleanup_(buf_deinit) struct buf title = BUF_INIT(KIB(8));
	const char *status = json_text(data, "status");
	json_t *path = json_object_get(data, "path"), *part;
	char note[40] = "";
	size_t i;

	(void)map_put(&progress->run_cases, run, strlen(run), progress);
	json_array_foreach(path, i, part)
	{
		if (buf_addf(&title, "%s › ", json_string_value(part)) < 0)
			break;
	}
	if (buf_adds(&title, json_text(data, "title")) < 0)
		return;
	if (strcmp(status, "running") == 0) {
		set_text(progress->current, sizeof progress->current, buf_text(&title));
		return;
	}
	count_case(progress, run, data, status);
	if (json_int(data, "attempt") > 1)
		(void)snprintf(note, sizeof note, "  (attempt %" PRId64 ")",
			json_int(data, "attempt"));
	put_result(progress, log, status, buf_text(&title), json_int(data, "durationMs"), note);
}

static void
take_leased(struct progress *progress, const char *run, const json_t *data)
{
	size_t index = (size_t)json_int(data, "testIndex");
	size_t n_tests = json_array_size(progress->tests);
	const char *test = index < n_tests
		? json_text(json_array_get(progress->tests, index), "name")
		: json_text(json_array_get(progress->hooks, index - n_tests), "name");
	const char *target = json_text(data, "target");
	char *name, iteration[40] = "";

	if (json_text(data, "role")[0])
		(void)map_put(&progress->run_hooks, run, strlen(run), progress);
	if (!json_object_get(data, "testIndex"))
		return; /* leased again: known since the first time */
	if (progress->runs_total != 1 && json_int(data, "iteration") > 1)
		(void)snprintf(
			iteration, sizeof iteration, " #%" PRId64, json_int(data, "iteration"));
	name = xasprintf("%s%s%s%s%s", test[0] ? test : "run", target[0] ? " [" : "", target,
		target[0] ? "]" : "", iteration);
	free(map_put(&progress->run_names, run, strlen(run), name));
	set_text(progress->current, sizeof progress->current, name);
}

/* Hooks count nowhere: only what they spoil is worth a line. */
static void
take_hook_finished(
	struct progress *progress, const char *run, const json_t *data, struct buf *log)
{
	const char *outcome = json_text(data, "outcome");
	_cleanup_free_ char *name = map_remove(&progress->run_names, run, strlen(run));

	(void)map_remove(&progress->run_hooks, run, strlen(run));
	if (strcmp(outcome, "passed") != 0)
		put_result(progress, log, outcome, name ? name : "hook",
			json_int(data, "durationMs"), "");
}

static bool
is_failure(const char *outcome)
{
	return strcmp(outcome, "failed") == 0 || strcmp(outcome, "errored") == 0 ||
		strcmp(outcome, "timed_out") == 0;
}

static void
take_released(struct progress *progress, const char *run, const json_t *data, struct buf *log)
{
	const char *outcome = json_text(data, "outcome");
	bool is_forgiven =
		json_is_true(json_object_get(data, "quarantined")) && is_failure(outcome);
	bool is_unstable = json_is_true(json_object_get(data, "unstable"));
	_cleanup_free_ char *name = map_remove(&progress->run_names, run, strlen(run));
	bool had_cases = map_remove(&progress->run_cases, run, strlen(run)) != NULL;

	if (is_forgiven)
		progress->quarantined++;
	else if (!had_cases)
		count(progress,
			is_unstable && strcmp(outcome, "passed") == 0 ? "flaky" : outcome, 1);
	put_result(progress, log, outcome, name ? name : "run", json_int(data, "durationMs"),
		is_forgiven           ? "  (in quarantine)"
			: is_unstable ? "  (unstable)"
				      : "");
}

static void
take_finished(struct progress *progress, const char *run, const json_t *data, struct buf *log)
{
	const char *outcome = json_text(data, "outcome");
	bool will_retry = json_is_true(json_object_get(data, "willRetry"));

	if (map_get(&progress->run_hooks, run, strlen(run))) {
		take_hook_finished(progress, run, data, log);
		return;
	}
	if (progress->is_grouped && !will_retry)
		return; /* its release tells it, when its turn has come */

	char *name = map_remove(&progress->run_names, run, strlen(run));
	bool had_cases = map_remove(&progress->run_cases, run, strlen(run)) != NULL;
	bool is_told =
		had_cases && (strcmp(outcome, "passed") == 0 || strcmp(outcome, "failed") == 0);

	if (!is_told) {
		if (!will_retry)
			count(progress, outcome, 1);
		put_result(progress, log, outcome, name ? name : "run",
			json_int(data, "durationMs"), will_retry ? "  (will be repeated)" : "");
	}
	free(name);
}

static void
take_job_event(struct progress *progress, const char *type, const json_t *data)
{
	const char *state = type + strlen("job.");

	if (strcmp(type, "job.progress") == 0) {
		progress->percent =
			json_object_get(data, "percent") ? json_int(data, "percent") : -1;
		progress->runs_done = json_int(data, "runsDone");
		progress->runs_total =
			json_object_get(data, "runsTotal") ? json_int(data, "runsTotal") : -1;
		return;
	}
	if (strcmp(state, "started") == 0 || strcmp(state, "unpaused") == 0)
		state = "running";
	(void)snprintf(progress->status, sizeof progress->status, "%s", state);
}

static const char *
what_was_lost(const char *reason)
{
	if (strcmp(reason, "browser_disconnected") == 0)
		return "the browser died";
	return strcmp(reason, "worker_lost") == 0 ? "a worker was lost" : "a runner was lost";
}

void
progress_event(struct progress *progress, const json_t *event, struct buf *log)
{
	const char *type = json_text(event, "type"), *run = json_text(event, "run");
	const json_t *data = json_object_get(event, "data");

	if (strncmp(type, "job.", 4) == 0)
		take_job_event(progress, type, data);
	else if (strcmp(type, "run.case") == 0)
		take_case(progress, run, data, log);
	else if (strcmp(type, "run.leased") == 0 || strcmp(type, "run.created") == 0)
		take_leased(progress, run, data);
	else if (strcmp(type, "run.finished") == 0)
		take_finished(progress, run, data, log);
	else if (strcmp(type, "run.released") == 0)
		take_released(progress, run, data, log);
	else if (strcmp(type, "run.progress") == 0 && json_object_get(data, "percent") &&
		progress->runs_total == 1)
		progress->percent = json_int(data, "percent");
	else if (!progress->is_quiet &&
		(strcmp(type, "flow.stage") == 0 || strcmp(type, "wait.observed") == 0))
		flow_put_event(log, event, progress->has_colour);
	else if (strcmp(type, "run.lost") == 0 && !progress->is_quiet)
		(void)!buf_addf(log, "  %s%s\n", what_was_lost(json_text(data, "reason")),
			json_int(data, "losses") < RUN_LOSSES_MAX ? "; its run is repeated"
								  : " once too often");
}

void
progress_waits(struct progress *progress, const char *why, struct buf *log)
{
	char before[sizeof progress->current];

	memcpy(before, progress->current, sizeof before);
	set_text(progress->current, sizeof progress->current, why);
	if (!progress->is_live && strcmp(before, progress->current) != 0)
		(void)!buf_addf(log, "  %s\n", progress->current);
}

/* --- Drawing --- */

static void
put_bar(const struct progress *progress, struct buf *out)
{
	int full = progress->percent > 0 ? (int)(progress->percent * BAR_CELLS / 100) : 0;

	for (int i = 0; i < BAR_CELLS; i++)
		(void)!buf_adds(out, i < full ? "━" : "╌");
}

/* At most n characters of text, an ellipsis for what is cut. */
static void
put_cut(struct buf *out, const char *text, int n)
{
	const char *at = text;
	size_t left = strlen(text);

	for (int i = 0; left > 0 && i < n; i++) {
		size_t len = utf8_char_len(at, left);
		at += len ? len : 1;
		left -= len ? len : 1;
	}
	(void)!buf_add(out, text, (size_t)(at - text));
	if (left > 0)
		(void)!buf_adds(out, "…");
}

static void
put_count(const struct progress *progress, struct buf *out, int64_t n, const char *word,
	enum colour colour)
{
	if (n > 0)
		(void)!buf_addf(out, "  %s%" PRId64 " %s%s",
			colour_begin(colour, progress->has_colour), n, word,
			colour_end(colour, progress->has_colour));
}

void
progress_render(const struct progress *progress, int64_t now_mono_ms, struct buf *out)
{
	bool colour = progress->has_colour;

	(void)!buf_addf(out, "%s", colour_begin(COLOUR_BOLD, colour));
	put_cut(out, progress->name, progress->columns - 32);
	(void)!buf_addf(out, "%s  %s  ", colour_end(COLOUR_BOLD, colour), progress->status);
	job_put_duration(out, now_mono_ms - progress->begun_mono_ms);
	(void)!buf_adds(out, "\n");
	put_bar(progress, out);
	if (progress->percent >= 0)
		(void)!buf_addf(out, " %3" PRId64 " %%", progress->percent);
	put_count(progress, out, progress->passed, "passed", COLOUR_GREEN);
	put_count(progress, out, progress->failed, "failed", COLOUR_RED);
	put_count(progress, out, progress->errored, "errored", COLOUR_YELLOW);
	put_count(progress, out, progress->flaky, "flaky", COLOUR_YELLOW);
	put_count(progress, out, progress->skipped, "skipped", COLOUR_DIM);
	put_count(progress, out, progress->quarantined, "in quarantine", COLOUR_DIM);
	(void)!buf_addf(out, "\n%s", colour_begin(COLOUR_DIM, colour));
	put_cut(out, progress->current[0] ? progress->current : "waiting for a worker",
		progress->columns - 2);
	(void)!buf_addf(out, "%s\n", colour_end(COLOUR_DIM, colour));
}

/* Moves the cursor to the first drawn line and clears everything below it. */
static void
erase(struct progress *progress, struct buf *out)
{
	if (progress->lines_drawn > 0)
		(void)!buf_addf(out, "\x1b[%dA\x1b[0J", progress->lines_drawn);
	progress->lines_drawn = 0;
}

void
progress_draw(struct progress *progress, struct buf *log)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(MIB(4));

	if (progress->is_live)
		erase(progress, &out);
	(void)!buf_add(&out, buf_text(log), log->len);
	buf_clear(log);
	if (progress->is_live) {
		size_t before = out.len;
		progress_render(progress, clock_mono_ms(), &out);
		for (size_t i = before; i < out.len; i++)
			progress->lines_drawn += out.data[i] == '\n';
	}
	if (out.len > 0)
		cli_write(out.data, out.len);
}

void
progress_end(struct progress *progress)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(KIB(1));

	erase(progress, &out);
	if (out.len > 0)
		cli_write(out.data, out.len);
}
