/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One walk over value and shape for the check. The schema is written from the shape alone;
 * what has a title is written once below $defs and referred to, which is what ends recursion.
 */
#include "browser_format/shape.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "browser_format/template.h"

struct check {
	struct issues *issues;
	bool is_filled_in;
	unsigned depth; /* of steps inside steps */
	size_t n_steps;
};

static void check_value(
	struct check *check, const struct shape *shape, json_t *value, const char *pointer);

/* --- What a shape is called --- */

static const char *
kind_words(const struct shape *shape)
{
	switch (shape->kind) {
	case SHAPE_TEXT:
		return "a text";
	case SHAPE_FLAG:
		return "true or false";
	case SHAPE_TRUE:
		return "true";
	case SHAPE_INT:
		return "a whole number";
	case SHAPE_NUM:
		return "a number";
	case SHAPE_DURATION:
		return "a duration, such as 500 (ms) or \"5s\",";
	case SHAPE_WORD:
		return "a word";
	case SHAPE_ANY:
		return "a value";
	case SHAPE_OBJECT:
	case SHAPE_MAP:
		return "an object";
	case SHAPE_LIST:
		return "a list";
	case SHAPE_EITHER:
		return "another value";
	}
	return "a value";
}

static const char *
words_of(const struct shape *shape)
{
	return shape->about ? shape->about : kind_words(shape);
}

static void
wrong_type(struct check *check, const struct shape *shape, const char *pointer)
{
	issues_add(check->issues, pointer, ISSUE_INVALID, "%s is expected", words_of(shape));
}

/* --- The check --- */

static bool
type_fits(const struct shape *shape, const json_t *value)
{
	switch (shape->kind) {
	case SHAPE_TEXT:
	case SHAPE_WORD:
		return json_is_string(value);
	case SHAPE_FLAG:
	case SHAPE_TRUE:
		return json_is_boolean(value);
	case SHAPE_INT:
		return json_is_integer(value);
	case SHAPE_NUM:
		return json_is_number(value);
	case SHAPE_DURATION:
		return json_is_string(value) || json_is_number(value);
	case SHAPE_ANY:
		return true;
	case SHAPE_OBJECT:
	case SHAPE_MAP:
		return json_is_object(value);
	case SHAPE_LIST:
		return json_is_array(value);
	case SHAPE_EITHER:
		for (size_t i = 0; shape->either[i]; i++)
			if (type_fits(shape->either[i], value))
				return true;
		return false;
	}
	return false;
}

static bool
out_of_range(const struct shape *shape, int64_t n)
{
	return (shape->min || shape->max) && (n < shape->min || n > shape->max);
}

static void
check_text(struct check *check, const struct shape *shape, json_t *value, const char *pointer)
{
	struct str text = str_from(json_string_value(value), json_string_length(value));
	struct err err = { 0 };

	if (out_of_range(shape, (int64_t)text.n))
		issues_add(check->issues, pointer, text.n ? ISSUE_LIMIT : ISSUE_INVALID,
			text.n ? "the text is too long (at most %" PRId64 " bytes)"
			       : "the text must not be empty (%" PRId64 " bytes)",
			text.n ? shape->max : INT64_C(0));
	if (!check->is_filled_in && template_check(text, &err) < 0)
		issues_add(check->issues, pointer, ISSUE_INVALID, "%s", err.text);
}

static void
check_word(struct check *check, const struct shape *shape, json_t *value, const char *pointer)
{
	const char *word = json_string_value(value);
	char list[300] = "";
	size_t len = 0;

	for (size_t i = 0; shape->words[i]; i++) {
		if (strcmp(shape->words[i], word) == 0)
			return;
		if (len < sizeof list)
			len += (size_t)snprintf(list + len, sizeof list - len, "%s%s",
				i ? ", " : "", shape->words[i]);
	}
	issues_add(check->issues, pointer, ISSUE_INVALID, "one of %s is expected", list);
}

static void
check_duration(
	struct check *check, const struct shape *shape, json_t *value, const char *pointer)
{
	int64_t ms = 0;
	struct err err = { 0 };
	bool bad;

	if (json_is_string(value))
		bad = parse_duration_ms(
			      str_of(json_string_value(value)), DAYS_MS(1), &ms, &err) < 0;
	else
		bad = !json_is_integer(value) || (ms = json_integer_value(value)) < 0;
	if (bad)
		wrong_type(check, shape, pointer);
	else if (out_of_range(shape, ms))
		issues_add(check->issues, pointer, ISSUE_LIMIT,
			"between %" PRId64 " and %" PRId64 " ms are expected", shape->min,
			shape->max);
}

static const struct shape_member *
find_member(const struct shape *shape, const char *name)
{
	for (const struct shape_member *m = shape->members; m->name; m++)
		if (strcmp(m->name, name) == 0)
			return m;
	return NULL;
}

static const char *
near_member(const struct shape *shape, const char *name)
{
	const char *names[128] = { 0 };
	const char *begins = NULL;

	for (size_t i = 0; shape->members[i].name && i < ARRAY_LEN(names) - 1; i++) {
		names[i] = shape->members[i].name;
		/* "in" for "into" is too short to be near. */
		if (!begins && strlen(name) > 1 && strncmp(names[i], name, strlen(name)) == 0)
			begins = names[i];
	}
	const char *near = near_name(name, names);

	return near ? near : begins;
}

/* What a variable put where a text is wanted: a number or flag as it is written; else NULL. */
static json_t *
text_instead(const struct check *check, const struct shape *shape, json_t *value)
{
	_cleanup_(json_unrefp) json_t *empty = json_string("");
	_cleanup_free_ char *text = NULL;

	if (!check->is_filled_in || !(json_is_number(value) || json_is_boolean(value)) ||
		type_fits(shape, value) || !type_fits(shape, empty) ||
		shape->kind == SHAPE_DURATION || shape->kind == SHAPE_WORD)
		return NULL;
	text = json_dumps(value, JSON_ENCODE_ANY);
	return json_string(text);
}

static void
unknown_member(
	struct check *check, const struct shape *shape, const char *name, const char *pointer)
{
	const char *near = near_member(shape, name);
	const char *what = shape->is_step ? "no step and no member of one" : "no member here";

	issues_add_member(check->issues, pointer, name, ISSUE_UNKNOWN, "\"%.40s\" is %s%s%s%s",
		name, what, near ? " (did you mean " : "", near ? near : "", near ? "?)" : "");
}

static size_t
count_present(const char *const *names, json_t *object)
{
	size_t n = 0;

	for (; *names; names++)
		n += json_object_get(object, *names) != NULL;
	return n;
}

static void
check_choice(struct check *check, const struct shape *shape, json_t *value, const char *pointer)
{
	const char *what = shape->is_step ? "step" : "object";

	if (shape->one_of) {
		size_t n = count_present(shape->one_of, value);

		if (n == 0)
			issues_add(check->issues, pointer, ISSUE_MISSING,
				shape->is_step
					? "a step needs a verb, such as open or click"
					: "%s needs exactly one member that says what is "
					  "meant, such as %s",
				words_of(shape), shape->one_of[0]);
		if (n > 1)
			issues_add(check->issues, pointer, ISSUE_INVALID,
				"one %s says only one thing, here are %zu", what, n);
	}
	if (shape->any_of && count_present(shape->any_of, value) == 0)
		issues_add(check->issues, pointer, ISSUE_MISSING,
			"%s needs at least one of %s, %s, …", words_of(shape), shape->any_of[0],
			shape->any_of[1]);
}

static void
check_object(struct check *check, const struct shape *shape, json_t *value, const char *pointer)
{
	const char *name;
	json_t *member;
	size_t before = check->issues->n + check->issues->n_more;

	json_object_foreach(value, name, member)
	{
		const struct shape_member *m = find_member(shape, name);
		json_t *text = m ? text_instead(check, m->shape, member) : NULL;

		if (text) /* a name that is there: the walk goes on undisturbed */
			(void)json_object_set_new(value, name, text);
		if (!m)
			unknown_member(check, shape, name, pointer);
		else
			check_value(check, m->shape, text ? text : member,
				json_pointer_member(check->issues->arena, pointer, name));
	}
	for (const struct shape_member *m = shape->members; m->name; m++)
		if (m->required && !json_object_get(value, m->name))
			issues_add_member(check->issues, pointer, m->name, ISSUE_MISSING,
				"%s is expected", words_of(m->shape));
	/* An unknown verb is one fault, not two. */
	if (check->issues->n + check->issues->n_more == before)
		check_choice(check, shape, value, pointer);
}

static void
check_items(struct check *check, const struct shape *shape, json_t *value, const char *pointer)
{
	size_t n = json_is_array(value) ? json_array_size(value) : json_object_size(value);
	struct arena *arena = check->issues->arena;
	const char *name;
	json_t *item;
	size_t i;

	if (out_of_range(shape, (int64_t)n))
		issues_add(check->issues, pointer,
			(int64_t)n > shape->max ? ISSUE_LIMIT : ISSUE_INVALID,
			"between %" PRId64 " and %" PRId64 " are expected, here are %zu",
			shape->min, shape->max, n);
	if ((int64_t)n > shape->max && shape->max)
		return;
	json_array_foreach(value, i, item)
		check_value(check, shape->item, item, json_pointer_index(arena, pointer, i));
	json_object_foreach(value, name, item) check_value(
		check, shape->item, item, json_pointer_member(arena, pointer, name));
}

/* Steps are counted, and how deep they stand. */
static bool
enter_step(struct check *check, const char *pointer)
{
	if (++check->n_steps == BROWSER_STEPS_ALL_MAX + 1)
		issues_add(check->issues, pointer, ISSUE_LIMIT,
			"a test has at most %d steps, those inside others included",
			BROWSER_STEPS_ALL_MAX);
	if (check->depth >= BROWSER_STEP_DEPTH_MAX)
		issues_add(check->issues, pointer, ISSUE_LIMIT,
			"steps stand at most %d deep inside steps", BROWSER_STEP_DEPTH_MAX);
	return check->n_steps <= BROWSER_STEPS_ALL_MAX && check->depth < BROWSER_STEP_DEPTH_MAX;
}

static void
check_fitting(
	struct check *check, const struct shape *shape, json_t *value, const char *pointer)
{
	switch (shape->kind) {
	case SHAPE_TEXT:
		check_text(check, shape, value, pointer);
		break;
	case SHAPE_WORD:
		check_word(check, shape, value, pointer);
		break;
	case SHAPE_TRUE:
		if (!json_is_true(value))
			wrong_type(check, shape, pointer);
		break;
	case SHAPE_INT:
		if (out_of_range(shape, json_integer_value(value)))
			issues_add(check->issues, pointer, ISSUE_INVALID,
				"between %" PRId64 " and %" PRId64 " is expected", shape->min,
				shape->max);
		break;
	case SHAPE_NUM:
		if ((shape->min || shape->max) &&
			!(json_number_value(value) >= (double)shape->min &&
				json_number_value(value) <= (double)shape->max))
			issues_add(check->issues, pointer, ISSUE_INVALID,
				"between %" PRId64 " and %" PRId64 " is expected", shape->min,
				shape->max);
		break;
	case SHAPE_DURATION:
		check_duration(check, shape, value, pointer);
		break;
	case SHAPE_OBJECT:
		if (!shape->is_step) {
			check_object(check, shape, value, pointer);
		} else if (enter_step(check, pointer)) {
			check->depth++;
			check_object(check, shape, value, pointer);
			check->depth--;
		}
		break;
	case SHAPE_MAP:
	case SHAPE_LIST:
		check_items(check, shape, value, pointer);
		break;
	case SHAPE_EITHER:
		for (size_t i = 0; shape->either[i]; i++)
			if (type_fits(shape->either[i], value)) {
				check_value(check, shape->either[i], value, pointer);
				return;
			}
		break;
	case SHAPE_FLAG:
	case SHAPE_ANY:
		break;
	}
}

static void
check_value(struct check *check, const struct shape *shape, json_t *value, const char *pointer)
{
	if (!check->is_filled_in && json_is_string(value) &&
		template_is_whole(
			str_from(json_string_value(value), json_string_length(value))))
		return;
	if (!type_fits(shape, value))
		wrong_type(check, shape, pointer);
	else
		check_fitting(check, shape, value, pointer);
	if (shape->also && type_fits(shape, value))
		shape->also(value, pointer, check->issues);
}

void
shape_check(const struct shape *shape, json_t *value, bool is_filled_in, const char *pointer,
	struct issues *issues)
{
	struct check check = { .issues = issues, .is_filled_in = is_filled_in };

	check_value(&check, shape, value, pointer);
}
