/* SPDX-License-Identifier: Apache-2.0 */
/* From a JSON object to a struct through a field table, collecting every offence. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/parse.h"

/* --- Pointers and offences --- */

/* "pointer/name" with the name escaped, cut at the limit between whole tokens' bytes. */
static void
join_pointer(char out[JSON_POINTER_BYTES_MAX + 1], const char *pointer, const char *name)
{
	size_t n = strnlen(pointer, JSON_POINTER_BYTES_MAX);

	memmove(out, pointer, n);
	if (n < JSON_POINTER_BYTES_MAX)
		out[n++] = '/';
	for (const char *p = name; *p && n + 1 < JSON_POINTER_BYTES_MAX; p++) {
		if (*p == '~' || *p == '/') {
			out[n++] = '~';
			out[n++] = *p == '~' ? '0' : '1';
		} else {
			out[n++] = *p;
		}
	}
	out[n] = '\0';
}

static void
join_index(char out[JSON_POINTER_BYTES_MAX + 1], const char *pointer, size_t index)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%zu", index);
	join_pointer(out, pointer, digits);
}

const char *
json_pointer_member(struct arena *arena, const char *pointer, const char *name)
{
	char text[JSON_POINTER_BYTES_MAX + 1];

	join_pointer(text, pointer, name);
	const char *copy = arena_strdup(arena, text);
	return copy ? copy : "";
}

const char *
json_pointer_index(struct arena *arena, const char *pointer, size_t index)
{
	char text[JSON_POINTER_BYTES_MAX + 1];

	join_index(text, pointer, index);
	const char *copy = arena_strdup(arena, text);
	return copy ? copy : "";
}

static void PRINTF_LIKE(4, 0) issues_vadd(struct issues *issues, const char *pointer,
	const char *code, const char *fmt, va_list ap)
{
	if (issues->n == JSON_ISSUES_MAX) {
		issues->n_more++;
		return;
	}
	/* An offence is reported even when the arena is full, only with less to read. */
	const char *detail = arena_vprintf(issues->arena, fmt, ap);
	pointer = arena_strdup(issues->arena, pointer);
	issues->item[issues->n++] = (struct issue) {
		.pointer = pointer ? pointer : "",
		.code = code,
		.detail = detail ? detail : "",
	};
}

void
issues_add(struct issues *issues, const char *pointer, const char *code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	issues_vadd(issues, pointer, code, fmt, ap);
	va_end(ap);
}

void
issues_add_member(struct issues *issues, const char *pointer, const char *name,
	const char *code, const char *fmt, ...)
{
	char place[JSON_POINTER_BYTES_MAX + 1];
	va_list ap;

	join_pointer(place, pointer, name);
	va_start(ap, fmt);
	issues_vadd(issues, place, code, fmt, ap);
	va_end(ap);
}

/* --- Near names --- */

enum {
	NEAR_BYTES_MAX = 40, /* longer words are not guessed */
};

static size_t
min3(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;

	return least < c ? least : c;
}

/* Edits (insert, delete, replace, swap of neighbours) from one word to the other. */
static size_t
distance(const char *a, size_t n_a, const char *b, size_t n_b)
{
	size_t row[3][NEAR_BYTES_MAX + 1];

	for (size_t j = 0; j <= n_b; j++)
		row[0][j] = j;
	for (size_t i = 1; i <= n_a; i++) {
		size_t *now = row[i % 3], *last = row[(i + 2) % 3], *older = row[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= n_b; j++) {
			size_t change = last[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = min3(last[j] + 1, now[j - 1] + 1, change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
				older[j - 2] + 1 < now[j])
				now[j] = older[j - 2] + 1;
		}
	}
	return row[n_a % 3][n_b];
}

/* Keeps `name` in *best when it is nearer to the word than what was there. */
static void
consider(const char *word, const char *name, const char **best, size_t *best_edits)
{
	size_t n_word = strlen(word), n_name = strlen(name);

	if (n_word > NEAR_BYTES_MAX || n_name > NEAR_BYTES_MAX)
		return;
	size_t edits = distance(word, n_word, name, n_name);
	if (edits <= (n_word > n_name ? n_word : n_name) / 3 && edits < *best_edits) {
		*best = name;
		*best_edits = edits;
	}
}

const char *
near_name(const char *word, const char *const *names)
{
	const char *best = NULL;
	size_t best_edits = SIZE_MAX;

	for (; *names; names++)
		consider(word, *names, &best, &best_edits);
	return best;
}

/* --- Decoding --- */

/* One member on its way into the struct. */
struct member {
	const struct json_field *field;
	json_t *value;
	void *place;
	const char *pointer;
	struct issues *issues;
};

static const char *
type_name(const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return "an object";
	case JSON_ARRAY:
		return "an array";
	case JSON_STRING:
		return "a text";
	case JSON_INTEGER:
		return "a whole number";
	case JSON_REAL:
		return "a number";
	case JSON_TRUE:
	case JSON_FALSE:
		return "true or false";
	case JSON_NULL:
		return "null";
	}
	return "something else";
}

static void
wrong_type(const struct member *m, const char *wanted)
{
	issues_add(m->issues, m->pointer, ISSUE_INVALID, "must be %s, not %s", wanted,
		type_name(m->value));
}

static bool
has_range(const struct json_field *field)
{
	return field->min != 0 || field->max != 0;
}

/* Checks a value or a count against the field's range. */
static bool
in_range(const struct member *m, int64_t value, const char *unit)
{
	const struct json_field *field = m->field;

	if (!has_range(field) || (value >= field->min && value <= field->max))
		return true;
	if (value > field->max)
		issues_add(m->issues, m->pointer, ISSUE_LIMIT,
			"must be at most %" PRId64 "%s, not %" PRId64, field->max, unit, value);
	else
		issues_add(m->issues, m->pointer, ISSUE_INVALID,
			"must be at least %" PRId64 "%s, not %" PRId64, field->min, unit,
			value);
	return false;
}

/* The arena is full: the document is greater than we are ready to take. */
static void
no_room(const struct member *m)
{
	issues_add(m->issues, m->pointer, ISSUE_LIMIT, "the document is too large");
}

static const char *
copy_text(const struct member *m, const json_t *text)
{
	const char *copy = arena_strndup(
		m->issues->arena, json_string_value(text), json_string_length(text));

	if (!copy)
		no_room(m);
	return copy;
}

static void
decode_str(const struct member *m)
{
	if (!json_is_string(m->value)) {
		wrong_type(m, "a text");
		return;
	}
	if (!in_range(m, (int64_t)json_string_length(m->value), " bytes long"))
		return;
	const char *copy = copy_text(m, m->value);
	if (copy)
		*(const char **)m->place = copy;
}

static void
decode_int(const struct member *m)
{
	if (!json_is_integer(m->value)) {
		wrong_type(m, "a whole number");
		return;
	}
	int64_t value = json_integer_value(m->value);
	if (in_range(m, value, ""))
		*(int64_t *)m->place = value;
}

static void
decode_num(const struct member *m)
{
	if (!json_is_number(m->value)) {
		wrong_type(m, "a number");
		return;
	}
	double value = json_number_value(m->value);
	if (has_range(m->field) &&
		!(value >= (double)m->field->min && value <= (double)m->field->max)) {
		issues_add(m->issues, m->pointer, ISSUE_LIMIT,
			"must be in %" PRId64 " … %" PRId64 ", not %g", m->field->min,
			m->field->max, value);
		return;
	}
	*(double *)m->place = value;
}

static void
decode_flag(const struct member *m)
{
	if (!json_is_boolean(m->value)) {
		wrong_type(m, "true or false");
		return;
	}
	*(bool *)m->place = json_is_true(m->value);
}

typedef int parse_fn(struct str text, int64_t max, int64_t *ret, struct err *err);

/* A number, or a text with units. */
static void
decode_quantity(const struct member *m, parse_fn *parse, const char *wanted, const char *unit)
{
	int64_t value;
	struct err err;

	if (json_is_integer(m->value)) {
		value = json_integer_value(m->value);
		if (value < 0) {
			issues_add(
				m->issues, m->pointer, ISSUE_INVALID, "must not be negative");
			return;
		}
	} else if (json_is_string(m->value)) {
		struct str text =
			str_from(json_string_value(m->value), json_string_length(m->value));
		if (parse(text, INT64_MAX, &value, &err) < 0) {
			const char *code = err.code == ERR_LIMIT ? ISSUE_LIMIT : ISSUE_INVALID;
			issues_add(m->issues, m->pointer, code, "%s", err.text);
			return;
		}
	} else {
		wrong_type(m, wanted);
		return;
	}
	if (in_range(m, value, unit))
		*(int64_t *)m->place = value;
}

static void
decode_instant(const struct member *m)
{
	int64_t wall_ms;
	struct err err;

	if (!json_is_string(m->value)) {
		wrong_type(m, "a time");
		return;
	}
	struct str text = str_from(json_string_value(m->value), json_string_length(m->value));
	if (time_parse(text, &wall_ms, &err) < 0) {
		issues_add(m->issues, m->pointer, ISSUE_INVALID, "%s", err.text);
		return;
	}
	if (in_range(m, wall_ms, " ms since 1970"))
		*(int64_t *)m->place = wall_ms;
}

static void
decode_enum(const struct member *m)
{
	const char *const *names = m->field->names;

	if (!json_is_string(m->value)) {
		wrong_type(m, "a text");
		return;
	}
	const char *word = json_string_value(m->value);
	for (int i = 0; names[i]; i++) {
		if (strcmp(word, names[i]) == 0) {
			*(int *)m->place = i;
			return;
		}
	}

	struct buf list = BUF_INIT(1000);
	for (int i = 0; names[i]; i++) {
		/* A list that is too long for the buffer is simply shorter. */
		if (buf_addf(&list, "%s%s", i > 0 ? ", " : "", names[i]) < 0)
			break;
	}
	issues_add(m->issues, m->pointer, ISSUE_INVALID, "must be one of: %s", buf_text(&list));
	buf_deinit(&list);
}

static void
decode_uuid(const struct member *m)
{
	if (!json_is_string(m->value)) {
		wrong_type(m, "an id");
		return;
	}
	struct str text = str_from(json_string_value(m->value), json_string_length(m->value));
	/* All zero means "none" everywhere inside: it must not come from outside. */
	if (uuid_parse(text, m->place) < 0 || uuid_is_zero(m->place))
		issues_add(m->issues, m->pointer, ISSUE_INVALID,
			"is not a UUID, or the one of zeros");
}

static void
decode_obj(const struct member *m)
{
	if (!json_is_object(m->value))
		wrong_type(m, "an object");
	else if (in_range(m, (int64_t)json_object_size(m->value), " members"))
		*(json_t **)m->place = m->value;
}

/* True for an array whose number of items is allowed; otherwise an offence was added. */
static bool
check_array(const struct member *m)
{
	if (!json_is_array(m->value)) {
		wrong_type(m, "an array");
		return false;
	}
	return in_range(m, (int64_t)json_array_size(m->value), " items");
}

/* One text of FIELD_STRS; NULL when it was an offence. */
static const char *
decode_strs_item(const struct member *m, size_t i)
{
	char pointer[JSON_POINTER_BYTES_MAX + 1];
	struct member item = *m;

	item.value = json_array_get(m->value, i);
	item.pointer = pointer;
	size_t max = m->field->item_max;
	if (json_is_string(item.value) && (max == 0 || json_string_length(item.value) <= max))
		return copy_text(m, item.value);

	join_index(pointer, m->pointer, i);
	if (!json_is_string(item.value))
		wrong_type(&item, "a text");
	else
		issues_add(
			m->issues, pointer, ISSUE_LIMIT, "must be at most %zu bytes long", max);
	return NULL;
}

static void
decode_strs(const struct member *m)
{
	if (!check_array(m))
		return;
	size_t n = json_array_size(m->value);
	const char **items = arena_calloc(m->issues->arena, n, sizeof(*items));
	if (!items) {
		no_room(m);
		return;
	}
	bool complete = true;
	for (size_t i = 0; i < n; i++) {
		items[i] = decode_strs_item(m, i);
		complete = complete && items[i];
	}
	if (complete)
		*(struct strs *)m->place = (struct strs) { .item = items, .n = n };
}

static int decode_object(json_t *value, const struct json_field *fields, void *out,
	const char *pointer, struct issues *issues);

static void
decode_subs(const struct member *m)
{
	char pointer[JSON_POINTER_BYTES_MAX + 1];
	size_t bytes = m->field->sub_bytes;

	assert(bytes > 0);
	if (!check_array(m))
		return;
	size_t n = json_array_size(m->value);
	char *items = arena_calloc(m->issues->arena, n, bytes);
	if (!items) {
		no_room(m);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		join_index(pointer, m->pointer, i);
		(void)decode_object(json_array_get(m->value, i), m->field->sub,
			items + i * bytes, pointer, m->issues); /* the issues tell */
	}
	*(struct subs *)m->place = (struct subs) { .items = items, .n = n };
}

static void
decode_member(const struct member *m)
{
	switch (m->field->kind) {
	case FIELD_STR:
		decode_str(m);
		break;
	case FIELD_INT:
		decode_int(m);
		break;
	case FIELD_NUM:
		decode_num(m);
		break;
	case FIELD_FLAG:
		decode_flag(m);
		break;
	case FIELD_DURATION:
		decode_quantity(m, parse_duration_ms, "a duration", " ms");
		break;
	case FIELD_SIZE:
		decode_quantity(m, parse_size, "a size", " bytes");
		break;
	case FIELD_INSTANT:
		decode_instant(m);
		break;
	case FIELD_ENUM:
		decode_enum(m);
		break;
	case FIELD_UUID:
		decode_uuid(m);
		break;
	case FIELD_OBJ:
		decode_obj(m);
		break;
	case FIELD_ARR:
		if (check_array(m))
			*(json_t **)m->place = m->value;
		break;
	case FIELD_STRS:
		decode_strs(m);
		break;
	case FIELD_SUB:
		(void)decode_object(m->value, m->field->sub, m->place, m->pointer, m->issues);
		break;
	case FIELD_SUBS:
		decode_subs(m);
		break;
	case FIELD_ANY:
		*(json_t **)m->place = m->value;
		break;
	}
}

static bool
is_known(const struct json_field *fields, const char *name)
{
	for (; fields->name; fields++) {
		if (strcmp(fields->name, name) == 0)
			return true;
	}
	return false;
}

static void
report_unknown(json_t *object, const struct json_field *fields, const char *pointer,
	struct issues *issues)
{
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		if (is_known(fields, name))
			continue;
		const char *best = NULL;
		size_t best_edits = SIZE_MAX;
		for (const struct json_field *f = fields; f->name; f++)
			consider(name, f->name, &best, &best_edits);
		if (best)
			issues_add_member(issues, pointer, name, ISSUE_UNKNOWN,
				"is not known here; did you mean \"%s\"?", best);
		else
			issues_add_member(
				issues, pointer, name, ISSUE_UNKNOWN, "is not known here");
	}
}

/* One field of the table; true when the object has such a member. */
static bool
decode_field(json_t *object, const struct json_field *field, void *out, const char *pointer,
	struct issues *issues)
{
	json_t *value = json_object_get(object, field->name);
	bool absent = !value || (json_is_null(value) && field->null_ok);

	if (absent) {
		if (field->required)
			issues_add_member(
				issues, pointer, field->name, ISSUE_MISSING, "is required");
		return value != NULL;
	}

	char place[JSON_POINTER_BYTES_MAX + 1];
	join_pointer(place, pointer, field->name);
	decode_member(&(struct member) {
		.field = field,
		.value = value,
		.place = (char *)out + field->offset,
		.pointer = place,
		.issues = issues,
	});
	if (field->set_offset != 0 && field->set_offset != SIZE_MAX)
		*(bool *)((char *)out + field->set_offset) = true;
	return true;
}

static int
decode_object(json_t *value, const struct json_field *fields, void *out, const char *pointer,
	struct issues *issues)
{
	size_t offences = issues->n + issues->n_more;

	if (!json_is_object(value)) {
		issues_add(issues, pointer, ISSUE_INVALID, "must be an object, not %s",
			value ? type_name(value) : "nothing");
		return -1;
	}
	size_t n_known = 0;
	for (const struct json_field *field = fields; field->name; field++)
		n_known += decode_field(value, field, out, pointer, issues);
	if (n_known < json_object_size(value))
		report_unknown(value, fields, pointer, issues);
	return issues->n + issues->n_more > offences ? -1 : 0;
}

int
json_decode(json_t *value, const struct json_field *fields, void *out, const char *pointer,
	struct issues *issues)
{
	return decode_object(value, fields, out, pointer, issues);
}
