/* SPDX-License-Identifier: Apache-2.0 */
/* Flows for people. */
#include "cli/flow_view.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "cli/cli.h"
#include "cli/colour.h"
#include "cli/job_view.h"

enum {
	VALUE_SHOWN_BYTES = 100, /* of a value in a line; cut */
	NAME_COLUMNS = 16,
};

/* --- Lines --- */

static enum colour
colour_of(const char *state)
{
	if (strcmp(state, "succeeded") == 0)
		return COLOUR_GREEN;
	if (strcmp(state, "failed") == 0 || strcmp(state, "timed_out") == 0)
		return COLOUR_RED;
	if (strcmp(state, "skipped") == 0 || strcmp(state, "cancelled") == 0)
		return COLOUR_DIM;
	return COLOUR_NONE;
}

static void
put_name(struct buf *out, const char *name)
{
	size_t before = out->len;

	if (buf_adds(out, "  ") < 0)
		return;
	put_plain(out, name);
	for (size_t n = out->len - before; n < NAME_COLUMNS + 2; n++)
		if (buf_addc(out, ' ') < 0)
			return;
}

static void
put_state(struct buf *out, const char *state, bool has_colour)
{
	enum colour colour = colour_of(state);

	(void)!buf_addf(out, "%s%s%s", colour_begin(colour, has_colour), state,
		colour_end(colour, has_colour));
}

static void
put_note(struct buf *out, const char *before, const char *text)
{
	if (!text[0] || buf_adds(out, before) < 0)
		return;
	put_plain(out, text);
}

/* A value in one line, cut. */
static void
put_value(struct buf *out, const json_t *value)
{
	_cleanup_free_ char *text =
		value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	if (!text)
		return;
	size_t n = utf8_cut_len(text, VALUE_SHOWN_BYTES);
	bool is_cut = text[n] != '\0';

	text[n] = '\0';
	put_note(out, "  ", text);
	if (is_cut)
		(void)!buf_adds(out, "…");
}

/* The only item of a stage says little that the stage does not: which job it is, and that there
 * will be another attempt. */
static bool
is_worth_a_line(const json_t *data)
{
	const char *state = json_text(data, "itemState");

	return json_int(data, "items") > 1 || strcmp(state, "running") == 0 ||
		(strcmp(state, "waiting") == 0 && json_text(data, "dueAt")[0]);
}

static void
put_stage(struct buf *out, const json_t *data, bool has_colour)
{
	bool of_item = json_object_get(data, "item") != NULL;

	if (of_item && !is_worth_a_line(data))
		return;
	put_name(out, json_text(data, "stage"));
	if (of_item && json_int(data, "items") > 1)
		(void)!buf_addf(out, "[%" PRId64 "] ", json_int(data, "item"));
	put_state(out, json_text(data, of_item ? "itemState" : "state"), has_colour);
	if (json_int(data, "attempt") > 1)
		(void)!buf_addf(out, "  attempt %" PRId64, json_int(data, "attempt"));
	if (!of_item && json_int(data, "items") > 1)
		(void)!buf_addf(out, "  %" PRId64 " items", json_int(data, "items"));
	put_note(out, "  job ", json_text(data, "job"));
	put_note(out, "  until ", json_text(data, "deadlineAt"));
	put_note(out, ": ", json_text(data, "error"));
	put_note(out, "  warning: ", json_text(data, "warning"));
	(void)!buf_addc(out, '\n');
}

static void
put_observed(struct buf *out, const json_t *data, bool has_colour)
{
	bool is_look = strcmp(json_text(data, "kind"), "http") == 0;

	put_name(out, json_text(data, "stage"));
	(void)!buf_adds(out, colour_begin(COLOUR_DIM, has_colour));
	if (is_look)
		(void)!buf_addf(out, "look %" PRId64 ":", json_int(data, "n"));
	else
		(void)!buf_addf(out, "%s:", json_text(data, "kind"));
	if (json_int(data, "status") > 0)
		(void)!buf_addf(out, " %" PRId64, json_int(data, "status"));
	put_value(out, json_object_get(data, "value"));
	put_note(out, "  ", json_text(data, "error"));
	if (json_is_true(json_object_get(data, "satisfied")))
		(void)!buf_adds(out, "  satisfied");
	if (json_is_true(json_object_get(data, "repeated")))
		(void)!buf_adds(out, "  again: changes nothing");
	put_note(out, "  next ", json_text(data, "nextAt"));
	(void)!buf_addf(out, "%s\n", colour_end(COLOUR_DIM, has_colour));
}

void
flow_put_event(struct buf *out, const json_t *event, bool has_colour)
{
	const char *type = json_text(event, "type");
	const json_t *data = json_object_get(event, "data");

	if (strcmp(type, "flow.stage") == 0)
		put_stage(out, data, has_colour);
	else if (strcmp(type, "wait.observed") == 0)
		put_observed(out, data, has_colour);
}

/* --- The end --- */

static bool
is_wait(const json_t *stage)
{
	return strcmp(json_text(stage, "kind"), "wait") == 0;
}

static bool
needs(const json_t *stage, const char *name)
{
	json_t *list = json_object_get(stage, "needs"), *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (strcmp(json_string_value(item), name) == 0)
			return true;
	}
	return false;
}

/* Whether a wait comes after it, directly or through others. Depth is bounded by the number of
 * stages: there are no circles. */
static bool
is_before_wait(const json_t *stages, const char *name, size_t depth)
{
	json_t *stage;
	size_t i;

	json_array_foreach(stages, i, stage)
	{
		if (!needs(stage, name))
			continue;
		if (is_wait(stage) ||
			(depth > 0 &&
				is_before_wait(stages, json_text(stage, "name"), depth - 1)))
			return true;
	}
	return false;
}

/* The stage that failed first. */
static const json_t *
failed_stage(const json_t *stages)
{
	json_t *stage;
	size_t i;

	json_array_foreach(stages, i, stage)
	{
		if (json_is_true(json_object_get(stage, "failedFlow")))
			return stage;
	}
	return NULL;
}

int
flow_exit_status(const json_t *flow)
{
	static const struct {
		const char *reason;
		int status;
	} ends[] = { { "wait_failed", CLI_WAIT_FAILED },
		{ "wait_timed_out", CLI_WAIT_TIMED_OUT }, { "rejected", CLI_REJECTED },
		{ "cancelled", CLI_CANCELLED }, { "stopped", CLI_CANCELLED },
		{ "timeout", CLI_GAVE_UP } };
	const char *status = json_text(flow, "status"), *reason = json_text(flow, "reason");
	const json_t *stages = json_object_get(flow, "stages");

	if (strcmp(status, "completed") == 0)
		return CLI_OK;
	if (strcmp(status, "invalid") == 0)
		return CLI_USAGE;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++)
		if (strcmp(ends[i].reason, reason) == 0)
			return ends[i].status;
	if (strcmp(reason, "stage_failed") != 0)
		return CLI_ERRORED;
	const json_t *stage = failed_stage(stages);

	return stage &&
			is_before_wait(
				stages, json_text(stage, "name"), json_array_size(stages))
		? CLI_PREPARATION_FAILED
		: CLI_TESTS_FAILED;
}

/* --- The whole --- */

static void
put_condition(struct buf *out, const json_t *condition)
{
	put_name(out, "");
	put_note(out, "", json_text(condition, "kind"));
	put_note(out, " ", json_text(condition, "name"));
	put_note(out, "  ", json_text(condition, "state"));
	if (json_int(condition, "n") > 0)
		(void)!buf_addf(out, "  seen %" PRId64 " time%s", json_int(condition, "n"),
			json_int(condition, "n") > 1 ? "s" : "");
	put_value(out, json_object_get(condition, "lastValue"));
	put_note(out, "  ", json_text(condition, "text"));
	put_note(out, "  next ", json_text(condition, "nextAt"));
	put_note(out, ": ", json_text(condition, "error"));
	(void)!buf_addc(out, '\n');
}

/* Of the job itself only its end is known here. */
static bool
is_told_by_its_job(const json_t *item)
{
	const char *state = json_text(item, "state");

	return json_text(item, "job")[0] &&
		(strcmp(state, "failed") == 0 || strcmp(state, "timed_out") == 0);
}

static void
put_item(struct buf *out, const json_t *item, const char *stage_error)
{
	const char *error = json_text(item, "error");

	put_name(out, "");
	put_note(out, "job ", json_text(item, "job"));
	put_note(out, json_text(item, "job")[0] ? "  " : "no job  ", json_text(item, "state"));
	if (json_int(item, "attempt") > 1)
		(void)!buf_addf(out, "  attempt %" PRId64, json_int(item, "attempt"));
	put_value(out, json_object_get(item, "matrix"));
	if (strcmp(error, stage_error) != 0)
		put_note(out, ": ", error);
	if (is_told_by_its_job(item))
		put_note(out, "  why: proctor job show ", json_text(item, "job"));
	(void)!buf_addc(out, '\n');
}

/* The stages of short forms have numbers for names, which say nothing. */
static void
put_runs(struct buf *out, const json_t *stage)
{
	const char *runs = json_text(stage, "runs");

	if (strcmp(runs, json_text(stage, "name")) != 0)
		put_note(out, "  ", runs);
}

void
flow_print(const json_t *flow)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(MIB(4));
	bool has_colour = colour_wanted(1);
	json_t *stage, *part;
	size_t i, k;

	put_note(&out, "", json_text(flow, "id"));
	put_note(&out, "  ", json_text(flow, "name"));
	put_note(&out, "  ", json_text(flow, "status"));
	put_note(&out, ", ", json_text(flow, "reason"));
	(void)!buf_addc(&out, '\n');
	json_array_foreach(json_object_get(flow, "stages"), i, stage)
	{
		put_name(&out, json_text(stage, "name"));
		put_state(&out, json_text(stage, "state"), has_colour);
		put_runs(&out, stage);
		put_note(&out, "  until ", json_text(stage, "deadlineAt"));
		put_note(&out, ": ", json_text(stage, "error"));
		(void)!buf_addc(&out, '\n');
		json_array_foreach(json_object_get(stage, "items"), k, part)
			put_item(&out, part, json_text(stage, "error"));
		json_array_foreach(json_object_get(stage, "conditions"), k, part)
			put_condition(&out, part);
	}
	if (out.len > 0)
		cli_write(out.data, out.len);
}
