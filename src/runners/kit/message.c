/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parser and framing of the runner protocol. What a type must carry is a table; everything else
 * in a message is passed on as it came.
 */
#include "runners/kit/message.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum member_kind { MEMBER_TEXT, MEMBER_NUMBER, MEMBER_TRUTH, MEMBER_OBJECT, MEMBER_ARRAY };

struct member {
	const char *name;
	enum member_kind kind;
};

enum { NEEDS_MAX = 6 };

/* clang-format off */
static const struct {
	const char *name;
	enum message_side from;
	struct member needs[NEEDS_MAX];
} types[MESSAGE_TYPE_COUNT] = {
	[MESSAGE_HELLO]    = { "hello",    MESSAGE_FROM_WORKER, { { "versions", MEMBER_ARRAY } } },
	[MESSAGE_RUN]      = { "run",      MESSAGE_FROM_WORKER, {
		{ "run", MEMBER_TEXT }, { "test", MEMBER_OBJECT }, { "dir", MEMBER_TEXT },
		{ "artifacts", MEMBER_TEXT } } },
	[MESSAGE_CANCEL]   = { "cancel",   MESSAGE_FROM_WORKER, { { "run", MEMBER_TEXT } } },
	[MESSAGE_SCREEN]   = { "screen",   MESSAGE_FROM_WORKER, {
		{ "run", MEMBER_TEXT }, { "on", MEMBER_TRUTH } } },
	[MESSAGE_BYE]      = { "bye",      MESSAGE_FROM_WORKER, { { NULL, MEMBER_TEXT } } },
	[MESSAGE_READY]    = { "ready",    MESSAGE_FROM_RUNNER, {
		{ "version", MEMBER_NUMBER }, { "kinds", MEMBER_ARRAY } } },
	[MESSAGE_STARTED]  = { "started",  MESSAGE_FROM_RUNNER, { { "run", MEMBER_TEXT } } },
	[MESSAGE_CASE]     = { "case",     MESSAGE_FROM_RUNNER, {
		{ "run", MEMBER_TEXT }, { "id", MEMBER_TEXT }, { "title", MEMBER_TEXT },
		{ "status", MEMBER_TEXT } } },
	[MESSAGE_STEP]     = { "step",     MESSAGE_FROM_RUNNER, {
		{ "run", MEMBER_TEXT }, { "title", MEMBER_TEXT }, { "status", MEMBER_TEXT } } },
	[MESSAGE_PROGRESS] = { "progress", MESSAGE_FROM_RUNNER, { { "run", MEMBER_TEXT } } },
	[MESSAGE_LOG]      = { "log",      MESSAGE_FROM_RUNNER, {
		{ "run", MEMBER_TEXT }, { "text", MEMBER_TEXT } } },
	[MESSAGE_ARTIFACT] = { "artifact", MESSAGE_FROM_RUNNER, {
		{ "run", MEMBER_TEXT }, { "name", MEMBER_TEXT }, { "path", MEMBER_TEXT } } },
	[MESSAGE_FRAME]    = { "frame",    MESSAGE_FROM_RUNNER, {
		{ "run", MEMBER_TEXT }, { "data", MEMBER_TEXT }, { "width", MEMBER_NUMBER },
		{ "height", MEMBER_NUMBER } } },
	[MESSAGE_RESULT]   = { "result",   MESSAGE_FROM_RUNNER, {
		{ "run", MEMBER_TEXT }, { "outcome", MEMBER_TEXT } } },
};
/* clang-format on */

static const char *const outcomes[] = { "passed", "failed", "errored", "skipped", "cancelled",
	"timed_out", "lost" };

const char *
message_type_name(enum message_type type)
{
	return types[type].name;
}

bool
message_outcome_valid(const char *outcome)
{
	for (size_t i = 0; i < ARRAY_LEN(outcomes); i++)
		if (strcmp(outcome, outcomes[i]) == 0)
			return true;
	return false;
}

static bool
member_is(const json_t *value, enum member_kind kind)
{
	switch (kind) {
	case MEMBER_TEXT:
		return json_is_string(value);
	case MEMBER_NUMBER:
		return json_is_number(value);
	case MEMBER_TRUTH:
		return json_is_boolean(value);
	case MEMBER_OBJECT:
		return json_is_object(value);
	case MEMBER_ARRAY:
		return json_is_array(value);
	}
	return false;
}

static int
find_type(const char *name, enum message_side from, enum message_type *ret, struct err *err)
{
	for (int i = 0; i < MESSAGE_TYPE_COUNT; i++)
		if (types[i].from == from && strcmp(types[i].name, name) == 0) {
			*ret = (enum message_type)i;
			return 0;
		}
	return err_set(err, ERR_INVALID, "unknown message type \"%.40s\"", name);
}

static int
check_members(json_t *body, enum message_type type, struct err *err)
{
	const struct member *needs = types[type].needs;

	for (size_t i = 0; i < NEEDS_MAX && needs[i].name; i++)
		if (!member_is(json_object_get(body, needs[i].name), needs[i].kind))
			return err_set(err, ERR_INVALID,
				"message \"%s\" without a proper \"%s\"", types[type].name,
				needs[i].name);
	return 0;
}

int
message_parse(struct message *ret, enum message_side from, const char *line, size_t len,
	struct err *err)
{
	/* A definition as deep as the server takes it arrives inside a run; what a runner says
	 * must in turn fit into a poll of JSON_DEPTH_MAX. */
	size_t depth_max =
		from == MESSAGE_FROM_WORKER ? JSON_DEPTH_MAX + 8 : JSON_DEPTH_MAX - 8;
	_cleanup_(json_unrefp) json_t *body = json_read(line, len, depth_max, err);
	enum message_type type = MESSAGE_TYPE_COUNT;

	if (!body)
		return err_wrap(err, "message");
	const char *name = json_string_value(json_object_get(body, "type"));
	if (!name)
		return err_set(err, ERR_INVALID, "message is not an object with a type");
	if (find_type(name, from, &type, err) < 0 || check_members(body, type, err) < 0)
		return -1;

	if (type == MESSAGE_RESULT) {
		const char *outcome = json_string_value(json_object_get(body, "outcome"));
		if (!outcome || !message_outcome_valid(outcome))
			return err_set(err, ERR_INVALID, "unknown outcome \"%.40s\"",
				outcome ? outcome : "");
	}
	ret->type = type;
	ret->run = json_string_value(json_object_get(body, "run"));
	ret->body = TAKE(body);
	return 0;
}

void
message_deinit(struct message *message)
{
	json_decref(message->body);
	message->body = NULL;
	message->run = NULL;
}

/* --- Framing --- */

enum { READ_BYTES = 64 * 1024 };

void
lines_deinit(struct lines *lines)
{
	buf_deinit(&lines->buf);
	lines->start = lines->scanned = 0;
}

char *
lines_room(struct lines *lines, size_t *ret_len)
{
	buf_consume(&lines->buf, lines->start);
	lines->start = 0;

	/* What is left is an incomplete line of at most line_max bytes, so there is always
	 * room. */
	int failed = buf_reserve(&lines->buf, READ_BYTES);
	assert(failed == 0);
	(void)failed;
	*ret_len = READ_BYTES;
	return lines->buf.data + lines->buf.len;
}

void
lines_filled(struct lines *lines, size_t len)
{
	assert(len <= READ_BYTES);
	lines->buf.len += len;
	lines->buf.data[lines->buf.len] = '\0';
}

int
lines_next(struct lines *lines, struct str *ret, struct err *err)
{
	size_t from = lines->start + lines->scanned;
	const char *data = lines->buf.data;
	const char *end = data ? memchr(data + from, '\n', lines->buf.len - from) : NULL;
	size_t len = end ? (size_t)(end - data) - lines->start : lines->buf.len - lines->start;

	if (len > lines->line_max)
		return err_set(
			err, ERR_LIMIT, "a line is longer than %zu bytes", lines->line_max);
	if (!end) {
		lines->scanned = len;
		return LINES_MORE;
	}
	*ret = str_from(data + lines->start, len);
	lines->start += len + 1;
	lines->scanned = 0;
	return 0;
}
