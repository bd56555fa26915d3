/* SPDX-License-Identifier: Apache-2.0 */
/* Keywords that look at the value itself: its type, its size, a number, a text. */
#include <inttypes.h>
#include <math.h>

#include "core/json_schema_impl.h"
#include "core/lang_pattern.h"
#include "core/lang_value.h"

/* --- Any value --- */

static unsigned
types_of(const json_t *value)
{
	double real = json_real_value(value);

	switch (json_typeof(value)) {
	case JSON_NULL:
		return SCHEMA_NULL;
	case JSON_TRUE:
	case JSON_FALSE:
		return SCHEMA_BOOLEAN;
	case JSON_INTEGER:
		return SCHEMA_INTEGER | SCHEMA_NUMBER;
	case JSON_REAL:
		return SCHEMA_NUMBER |
			(real > trunc(real) || real < trunc(real) ? 0 : SCHEMA_INTEGER);
	case JSON_STRING:
		return SCHEMA_STRING;
	case JSON_ARRAY:
		return SCHEMA_ARRAY;
	case JSON_OBJECT:
		return SCHEMA_OBJECT;
	}
	return 0;
}

static bool
check_type(const struct schema_look *look)
{
	static const char *const names[] = { "null", "true or false", "a whole number",
		"a number", "a text", "a list", "an object" };
	char wanted[120] = "", shown[LANG_SHOWN_BYTES];
	size_t n = 0;

	if (look->rule->types & types_of(look->value))
		return true;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (look->rule->types & (1U << i))
			n += (size_t)snprintf(wanted + n, sizeof wanted - n, "%s%s",
				n > 0 ? " or " : "", names[i]);
	return schema_offend(look, ISSUE_INVALID, "%s is expected, here is %s", wanted,
		lang_show(look->value, shown));
}

/* Values that are allowed, as many as an offence has room for. */
static void
show_values(const json_t *list, struct buf *out)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		_cleanup_(buf_deinit) struct buf one = BUF_INIT(60);
		const json_t *value = json_array_get(list, i);
		struct jw jw;

		jw_init(&jw, &one);
		jw_tree(&jw, value);
		if (buf_adds(out, i > 0 ? ", " : "") < 0 ||
			(jw_done(&jw) == 0 ? buf_add_str(out, buf_str(&one))
					   : buf_adds(out, lang_type(value))) < 0) {
			(void)buf_adds(out, "…"); /* when not even that fits, so be it */
			return;
		}
	}
}

static bool
check_enum(const struct schema_look *look)
{
	_cleanup_(buf_deinit) struct buf wanted = BUF_INIT(200);
	char shown[LANG_SHOWN_BYTES];

	for (size_t i = 0; i < json_array_size(look->rule->value); i++) {
		int same = lang_same(
			look->value, json_array_get(look->rule->value, i), &look->v->steps);

		if (same < 0)
			return schema_pay(look, 0);
		if (same > 0)
			return true;
	}
	show_values(look->rule->value, &wanted);
	return schema_offend(look, ISSUE_INVALID, "one of %s is expected, here is %s",
		buf_text(&wanted), lang_show(look->value, shown));
}

static bool
check_const(const struct schema_look *look)
{
	int same = lang_same(look->value, look->rule->value, &look->v->steps);
	char wanted[LANG_SHOWN_BYTES], shown[LANG_SHOWN_BYTES];

	if (same < 0)
		return schema_pay(look, 0);
	if (same > 0)
		return true;
	return schema_offend(look, ISSUE_INVALID, "%s is expected, here is %s%s",
		lang_show(look->rule->value, wanted),
		json_typeof(look->rule->value) == json_typeof(look->value) &&
				(json_is_object(look->value) || json_is_array(look->value))
			? "another: "
			: "",
		lang_show(look->value, shown));
}

/* --- Numbers --- */

static bool
check_multiple_of(const struct schema_look *look)
{
	const json_t *value = look->value, *of = look->rule->value;
	char wanted[LANG_SHOWN_BYTES], shown[LANG_SHOWN_BYTES];
	bool fits = true;

	if (!json_is_number(value))
		return true;
	if (json_is_integer(value) && json_is_integer(of)) {
		fits = json_integer_value(value) % json_integer_value(of) == 0;
	} else {
		double quotient = json_number_value(value) / json_number_value(of);
		double distance = fabs(quotient - round(quotient));

		/* Fractions such as 0.0075 are not exact; a quotient beyond 2^53 is whole. */
		fits = isfinite(quotient)
			? distance <= fmax(1, fabs(quotient)) * 0x1p-50
			: fpclassify(fmod(json_number_value(value), json_number_value(of))) ==
				FP_ZERO;
	}
	return fits ||
		schema_offend(look, ISSUE_INVALID, "a multiple of %s is expected, here is %s",
			lang_show(of, wanted), lang_show(value, shown));
}

/* One of four bounds: whether the order of value and bound is wrong. */
static bool
check_bound(const struct schema_look *look, bool is_wrong, const char *what)
{
	char wanted[LANG_SHOWN_BYTES], shown[LANG_SHOWN_BYTES];

	return !is_wrong ||
		schema_offend(look, ISSUE_INVALID, "%s %s is expected, here is %s", what,
			lang_show(look->rule->value, wanted), lang_show(look->value, shown));
}

static int
order(const struct schema_look *look)
{
	return json_is_number(look->value)
		? lang_compare_numbers(look->value, look->rule->value)
		: 0;
}

static bool
check_maximum(const struct schema_look *look)
{
	return check_bound(look, order(look) > 0, "at most");
}

static bool
check_exclusive_maximum(const struct schema_look *look)
{
	return check_bound(look, json_is_number(look->value) && order(look) >= 0, "less than");
}

static bool
check_minimum(const struct schema_look *look)
{
	return check_bound(look, order(look) < 0, "at least");
}

static bool
check_exclusive_minimum(const struct schema_look *look)
{
	return check_bound(look, json_is_number(look->value) && order(look) <= 0, "more than");
}

/* --- Sizes --- */

/* `what` is in the plural. */
static bool
check_size(const struct schema_look *look, int64_t n, bool is_max, const char *what)
{
	int64_t limit = look->rule->count;

	return (is_max ? n <= limit : n >= limit) ||
		schema_offend(look, ISSUE_INVALID,
			"at %s %" PRId64 " %s are expected, here are %" PRId64,
			is_max ? "most" : "least", limit, what, n);
}

static bool
check_length(const struct schema_look *look, bool is_max)
{
	if (!json_is_string(look->value))
		return true;
	return schema_pay(look, (int64_t)(json_string_length(look->value) / 64)) &&
		check_size(look, (int64_t)lang_length(lang_str(look->value)), is_max,
			"characters");
}

static bool
check_max_length(const struct schema_look *look)
{
	return check_length(look, true);
}

static bool
check_min_length(const struct schema_look *look)
{
	return check_length(look, false);
}

static bool
check_max_items(const struct schema_look *look)
{
	return !json_is_array(look->value) ||
		check_size(look, (int64_t)json_array_size(look->value), true, "items");
}

static bool
check_min_items(const struct schema_look *look)
{
	return !json_is_array(look->value) ||
		check_size(look, (int64_t)json_array_size(look->value), false, "items");
}

static bool
check_max_properties(const struct schema_look *look)
{
	return !json_is_object(look->value) ||
		check_size(look, (int64_t)json_object_size(look->value), true, "members");
}

static bool
check_min_properties(const struct schema_look *look)
{
	return !json_is_object(look->value) ||
		check_size(look, (int64_t)json_object_size(look->value), false, "members");
}

/* --- Texts --- */

int
schema_matches(
	const struct schema_look *look, const struct lang_pattern *pattern, struct str text)
{
	struct err why;
	int r = lang_pattern_match(pattern, text, &look->v->steps, &why);

	if (r < 0)
		(void)schema_give_up(look->v, look->place, why.text);
	return r < 0 ? -1 : r == 0;
}

static bool
check_pattern(const struct schema_look *look)
{
	char shown[LANG_SHOWN_BYTES];

	if (!json_is_string(look->value))
		return true;
	return schema_matches(look, look->rule->pattern, lang_str(look->value)) > 0 ||
		schema_offend(look, ISSUE_INVALID,
			"a text that matches \"" STR_FMT "\" is expected, here is %s",
			STR_ARG(lang_cut(lang_str(look->rule->value), 100)),
			lang_show(look->value, shown));
}

static bool
check_format(const struct schema_look *look)
{
	char shown[LANG_SHOWN_BYTES];

	if (!look->v->schema->check_formats || !json_is_string(look->value) ||
		look->rule->format == FORMAT_NONE)
		return true;
	return schema_format_fits(look->rule->format, lang_str(look->value)) ||
		schema_offend(look, ISSUE_INVALID,
			"a text of the format \"%s\" is expected, here is %s",
			json_string_value(look->rule->value), lang_show(look->value, shown));
}

schema_check_fn *const schema_value_checks[KEYWORD_COUNT] = {
	[KEYWORD_TYPE] = check_type,
	[KEYWORD_ENUM] = check_enum,
	[KEYWORD_CONST] = check_const,
	[KEYWORD_MULTIPLE_OF] = check_multiple_of,
	[KEYWORD_MAXIMUM] = check_maximum,
	[KEYWORD_EXCLUSIVE_MAXIMUM] = check_exclusive_maximum,
	[KEYWORD_MINIMUM] = check_minimum,
	[KEYWORD_EXCLUSIVE_MINIMUM] = check_exclusive_minimum,
	[KEYWORD_MAX_LENGTH] = check_max_length,
	[KEYWORD_MIN_LENGTH] = check_min_length,
	[KEYWORD_PATTERN] = check_pattern,
	[KEYWORD_FORMAT] = check_format,
	[KEYWORD_MAX_ITEMS] = check_max_items,
	[KEYWORD_MIN_ITEMS] = check_min_items,
	[KEYWORD_MAX_PROPERTIES] = check_max_properties,
	[KEYWORD_MIN_PROPERTIES] = check_min_properties,
};
