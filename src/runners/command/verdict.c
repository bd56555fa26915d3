/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command's own verdict: one JSON object on the last line of its output.
 */
#include "runners/command/report.h"

#include <string.h>

#include "runners/kit/message.h"

/* The last line that is not blank; empty when there is none. */
static struct str
last_line(struct str text)
{
	text = str_trim(text);
	for (size_t i = text.n; i > 0; i--)
		if (text.p[i - 1] == '\n')
			return str_trim(str_from(text.p + i, text.n - i));
	return text;
}

/* Members that go into the result as they are, with the kind they must have. */
static const struct {
	const char *name;
	int type; /* -1: any */
} members[] = {
	{ "reason", JSON_STRING },
	{ "cases", JSON_ARRAY },
	{ "counts", JSON_OBJECT },
	{ "output", -1 },
	{ "timings", JSON_OBJECT },
	{ "warnings", JSON_ARRAY },
	{ "error", JSON_OBJECT },
};

static int
copy_members(json_t *result, json_t *verdict, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		json_t *value = json_object_get(verdict, members[i].name);

		if (!value || json_is_null(value))
			continue;
		if (members[i].type >= 0 && (int)json_typeof(value) != members[i].type)
			return err_set(err, ERR_INVALID,
				"the verdict's \"%s\" has the wrong kind", members[i].name);
		json_object_set(result, members[i].name, value);
	}
	return 0;
}

json_t *
verdict_parse(const char *data, size_t len, struct err *err)
{
	struct str line = last_line(str_from(data, len));

	if (line.n == 0 || line.p[0] != '{') {
		err_set(err, ERR_INVALID, "the last line of the output is no JSON object");
		return NULL;
	}
	_cleanup_(json_unrefp) json_t *verdict = json_read(line.p, line.n, JSON_DEPTH_MAX, err);
	if (!verdict) {
		err_wrap(err, "the last line of the output");
		return NULL;
	}
	const char *outcome = json_string_value(json_object_get(verdict, "outcome"));
	if (!outcome || !message_outcome_valid(outcome)) {
		err_set(err, ERR_INVALID,
			"the verdict has no proper \"outcome\"; it is a line like {\"outcome\": "
			"\"passed\", \"output\": …}");
		return NULL;
	}
	_cleanup_(json_unrefp) json_t *result = json_pack("{s:s}", "outcome", outcome);
	json_t *message = json_object_get(verdict, "message");
	if (json_is_string(message) && strcmp(outcome, "passed") != 0)
		json_object_set_new(result, "error", json_pack("{s:O}", "message", message));
	if (copy_members(result, verdict, err) < 0)
		return NULL;
	return TAKE(result);
}
