/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of an archive become rows. They come from anywhere, and what reads rows later believes
 * the store: whatever a column promises is held here.
 */
#include <string.h>

#include "archive/arc.h"
#include "archive/row.h"
#include "base/json.h"
#include "base/limits.h"
#include "core/flow_impl.h"
#include "core/layout.h"

enum {
	DEPTH_MAX = 8,
	VALUES_MAX = 1000, /* of a line; what is JSON in a column is a text in it */
};

static int
corrupt(struct err *err, const char *what)
{
	return err_set(err, ERR_CORRUPT, "%s", what);
}

/* Values in memory take many times the room of their text. */
static bool
is_object_text(const char *text, size_t n, size_t max)
{
	struct err ignored;

	if (n > max)
		return false;
	_cleanup_(json_unrefp) json_t *tree = json_read(text, n, JSON_DEPTH_MAX, &ignored);

	return json_is_object(tree);
}

/* --- A job --- */

static bool
are_tags(const char *text)
{
	struct err ignored;
	_cleanup_(json_unrefp) json_t *tree =
		text ? json_read(text, strlen(text), 4, &ignored) : NULL;
	json_t *tag;
	size_t i;

	if (!json_is_array(tree) || json_array_size(tree) > TAGS_MAX)
		return false;
	json_array_foreach(tree, i, tag)
	{
		if (!json_is_string(tag) || json_string_length(tag) > TAG_BYTES_MAX)
			return false;
	}
	return true;
}

/* Entries of a comma-separated list. */
static int64_t
count_entries(const char *text)
{
	int64_t n = 1;

	for (; *text; text++)
		n += *text == ',';
	return n;
}

static bool
has_sane_numbers(const struct job *job)
{
	const struct job_counts *counts = &job->counts;
	const int64_t all[] = { counts->passed, counts->failed, counts->errored,
		counts->timed_out, counts->cancelled, counts->skipped, counts->flaky,
		counts->quarantined, job->cpu_ms, job->tokens, job->peak_kib };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i] > INT64_C(1) << 50)
			return false;
	/* A flow has no tests, and its stages are its targets. */
	if (job->flow ? job->n_tests != 0 || job->n_targets > FLOW_STAGES_MAX
		      : job->n_tests < 1 || job->n_tests > TESTS_PER_JOB_MAX ||
				job->n_targets < 1 || job->n_targets > TARGETS_PER_JOB_MAX)
		return false;
	return job->incarnation >= 1 && job->priority >= PRIORITY_MIN &&
		job->priority <= PRIORITY_MAX && job->completed_ms > 0 && job->created_ms > 0 &&
		job->started_ms <= job->completed_ms && job->iterations <= ITERATIONS_MAX;
}

/* Absent is short. */
static bool
is_short(const char *text, size_t max)
{
	return !text || strlen(text) <= max;
}

static bool
has_sane_texts(const struct job *job)
{
	if (!are_tags(job->tags) || !job->labels || !is_short(job->labels, KIB(64)) ||
		!is_short(job->keys, KIB(64)) || !is_short(job->needs, KIB(64)) ||
		!is_short(job->name, NAME_BYTES_MAX) || !is_short(job->kind, NAME_BYTES_MAX) ||
		!is_short(job->stage, NAME_BYTES_MAX) || !is_short(job->kinds, MIB(4)) ||
		!is_short(job->targets, KIB(64)))
		return false;
	if (!job->flow &&
		(job->targets ? count_entries(job->targets) != job->n_targets
			      : job->n_targets != 1))
		return false;
	if (job->kinds && !job->layout && count_entries(job->kinds) != job->n_tests)
		return false;
	return uuid_is_zero(&job->parent.u) ? !job->stage : job->stage != NULL;
}

/* What the rules keep as text is what they can read. */
static int
check_inner(const struct job *job, struct arena *arena, struct err *err)
{
	struct layout layout;
	struct flow_run *run;

	if ((job->layout && strlen(job->layout) > LAYOUT_BYTES_MAX) ||
		(job->flow && strlen(job->flow) > FLOW_BYTES_MAX) ||
		(job->plan && strlen(job->plan) > FLOW_STATE_BYTES_MAX))
		return err_set(err, ERR_LIMIT, "a job that is too large");
	if (job->layout && layout_read(job->layout, job->n_tests, arena, &layout, err) < 0)
		return -1;
	if (job->flow && flow_run_read(job->flow, job->plan, arena, &run, err) < 0)
		return -1;
	if (job->plan && !job->flow &&
		!is_object_text(job->plan, strlen(job->plan), FLOW_STATE_BYTES_MAX))
		return corrupt(err, "a job whose plan cannot be read");
	return 0;
}

static int
decode_job(json_t *root, struct arena *arena, struct archive_line *line, struct err *err)
{
	struct job *job = line->job = arena_xalloc(arena, sizeof *job);
	const char *queue = json_string_value(json_object_get(root, "queue"));
	json_t *options = json_object_get(root, "options");

	if (arc_row_read(json_object_get(root, "job"), &job_table, row_skip_job, arena, job,
		    err) < 0)
		return -1;
	if (uuid_is_zero(&job->id.u) || !has_sane_numbers(job) || !has_sane_texts(job))
		return corrupt(err, "a job that contradicts itself");
	if (!job_state_is_final(job->state))
		return corrupt(err, "a job that has not ended");
	if (!queue || !*queue || strlen(queue) > NAME_BYTES_MAX || strcmp(queue, "*") == 0)
		return corrupt(err, "a job without a queue");
	line->queue = arena_strdup(arena, queue);
	if (options) {
		size_t n = json_string_length(options);
		char *text = json_is_string(options)
			? arena_strndup(arena, json_string_value(options), n)
			: NULL;

		if (!text || !is_object_text(text, n, BULK_BODY_BYTES_MAX))
			return corrupt(err, "a job whose options are no object");
		line->options = str_from(text, n);
	}
	return check_inner(job, arena, err);
}

/* --- Its parts --- */

static int
decode_incarnation(
	json_t *root, struct arena *arena, struct archive_line *line, struct err *err)
{
	struct incarnation *row = line->incarnation = arena_xalloc(arena, sizeof *row);

	if (arc_row_read(json_object_get(root, "incarnation"), &incarnation_table,
		    row_skip_part, arena, row, err) < 0)
		return -1;
	return row->number >= 1 ? 0 : corrupt(err, "an incarnation without a number");
}

static int
decode_test(json_t *root, struct arena *arena, struct archive_line *line, struct err *err)
{
	struct job_test *row = line->test = arena_xalloc(arena, sizeof *row);

	if (arc_row_read(json_object_get(root, "test"), &job_test_table, row_skip_part, arena,
		    row, err) < 0)
		return -1;
	if (!row->kind || !is_short(row->kind, NAME_BYTES_MAX) || !is_short(row->name, KIB(1)))
		return corrupt(err, "a test without a kind");
	return is_object_text(row->body.p ? row->body.p : "", row->body.n, JOBS_BYTES_MAX)
		? 0
		: corrupt(err, "a test that is no object");
}

static int
decode_run(json_t *root, struct arena *arena, struct archive_line *line, struct err *err)
{
	struct run *row = line->run = arena_xalloc(arena, sizeof *row);
	json_t *result = json_object_get(root, "result");

	if (arc_row_read(json_object_get(root, "run"), &run_table, row_skip_run, arena, row,
		    err) < 0)
		return -1;
	if (uuid_is_zero(&row->id.u) || row->state != RUN_FINISHED ||
		row->outcome == OUTCOME_NONE || row->attempt < 1 || row->incarnation < 1 ||
		row->iteration < 1 || !is_short(row->reason, REASON_BYTES_MAX))
		return corrupt(err, "a run that contradicts itself");
	if (row->error && !is_object_text(row->error, strlen(row->error), MIB(1)))
		return corrupt(err, "a run whose error is no object");
	if (!result)
		return 0;
	row->result =
		json_is_string(result) ? arena_strdup(arena, json_string_value(result)) : NULL;
	return row->result && is_object_text(row->result, strlen(row->result), MIB(2))
		? 0
		: corrupt(err, "a run whose result is no object");
}

/* As an upload would have it: relative, no empty part, no dots, no controls. */
static bool
is_file_name(const char *name)
{
	struct str rest = str_of(name);

	if (rest.n == 0 || rest.n > ARTIFACT_NAME_BYTES_MAX)
		return false;
	for (size_t i = 0; i < rest.n; i++)
		if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f || name[i] == '\\')
			return false;
	while (rest.p) {
		struct str part = str_split_first(&rest, '/');

		if (part.n == 0 || str_eqz(part, ".") || str_eqz(part, ".."))
			return false;
	}
	return true;
}

/* It becomes a header of an answer. */
static bool
is_content_type(const char *type)
{
	for (const char *c = type; *c; c++)
		if ((unsigned char)*c < 0x20 || (unsigned char)*c >= 0x7f)
			return false;
	return strlen(type) <= 200;
}

static int
decode_artifact(json_t *root, struct arena *arena, struct archive_line *line, struct err *err)
{
	struct artifact *row = line->artifact = arena_xalloc(arena, sizeof *row);
	unsigned char raw[32];
	size_t n;

	if (arc_row_read(json_object_get(root, "artifact"), &artifact_table, row_skip_artifact,
		    arena, row, err) < 0)
		return -1;
	if (!row->name || !is_file_name(row->name) || !row->blob ||
		hex_decode(str_of(row->blob), raw, sizeof raw, &n) < 0 || n != sizeof raw ||
		strspn(row->blob, "0123456789abcdef") != 64 || !row->kind ||
		!is_short(row->kind, NAME_BYTES_MAX) || !row->content_type ||
		!is_content_type(row->content_type) || !is_short(row->case_id, KIB(4)))
		return corrupt(err, "an artifact that contradicts itself");
	return 0;
}

static int
decode_event(json_t *root, struct arena *arena, struct archive_line *line, struct err *err)
{
	struct event *row = line->event = arena_xalloc(arena, sizeof *row);
	json_t *json = json_object_get(root, "event");
	json_t *run = json_object_get(json, "run"), *data = json_object_get(json, "data");
	const char *type = json_string_value(json_object_get(json, "type"));
	size_t n = json_string_length(data);
	char *text =
		json_is_string(data) ? arena_strndup(arena, json_string_value(data), n) : NULL;

	row->at_ms = json_integer_value(json_object_get(json, "at"));
	if (!type || event_type_parse(str_of(type), &row->type) < 0 ||
		row->type == EV_JOB_DELETED)
		return corrupt(err, "an event of a type that is not known");
	if (run &&
		(!json_is_string(run) ||
			uuid_parse(str_of(json_string_value(run)), &row->run.u) < 0))
		return corrupt(err, "an event of no run");
	if (!text || n > EVENT_DATA_BYTES_MAX ||
		!is_object_text(text, n, EVENT_DATA_BYTES_MAX) || row->at_ms <= 0)
		return corrupt(err, "an event without data or time");
	row->data = str_from(text, n);
	return 0;
}

static int
decode_end(json_t *root, struct arena *arena, struct archive_line *line, struct err *err)
{
	json_t *json = json_object_get(root, "end");

	(void)arena;
	line->is_void = json_is_true(json_object_get(json, "void"));
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = { "tests", "runs", "artifacts", "events" };
		json_t *value = json_object_get(json, names[i]);

		if (!json_is_integer(value))
			return corrupt(err, "an end of a job without its counts");
		line->end[i] = json_integer_value(value);
	}
	return 0;
}

/* --- Any line --- */

static const struct {
	const char *name;
	int (*decode)(
		json_t *root, struct arena *arena, struct archive_line *line, struct err *err);
} kinds[ARCHIVE_LINE_KIND_COUNT] = {
	[ARCHIVE_JOB] = { "job", decode_job },
	[ARCHIVE_INCARNATION] = { "incarnation", decode_incarnation },
	[ARCHIVE_TEST] = { "test", decode_test },
	[ARCHIVE_RUN] = { "run", decode_run },
	[ARCHIVE_ARTIFACT] = { "artifact", decode_artifact },
	[ARCHIVE_EVENT] = { "event", decode_event },
	[ARCHIVE_END] = { "end", decode_end },
};

/* So many values at most, so that parsing it takes no more memory than its text. */
static bool
is_small(struct str line)
{
	bool is_text = false;
	int n = 0;

	for (size_t i = 0; i < line.n && n <= VALUES_MAX; i++) {
		if (line.p[i] == '\\' && is_text)
			i++;
		else if (line.p[i] == '"')
			is_text = !is_text;
		else if (!is_text && strchr(",[{", line.p[i]))
			n++;
	}
	return n <= VALUES_MAX;
}

int
arc_decode(struct str line, struct arena *arena, struct archive_line *ret, struct err *err)
{
	_cleanup_(json_unrefp) json_t *root =
		is_small(line) ? json_read(line.p, line.n, DEPTH_MAX, err) : NULL;

	*ret = (struct archive_line) { 0 };
	if (!root)
		return corrupt(err, "a line that is no JSON");
	for (int kind = 0; kind < ARCHIVE_LINE_KIND_COUNT; kind++) {
		if (!json_is_object(json_object_get(root, kinds[kind].name)))
			continue;
		ret->kind = (enum archive_line_kind)kind;
		if (kinds[kind].decode(root, arena, ret, err) == 0)
			return 0;
		err->code = err->code == ERR_LIMIT ? ERR_LIMIT : ERR_CORRUPT;
		return -1;
	}
	return corrupt(err, "a line of no known kind");
}
