/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validating: a function for each keyword that asserts something, in the table at the end.
 *
 * Alternatives (anyOf, not, if, …) are tried quietly. What `unevaluated…` needs to know, which
 * members and items some schema has looked at, is collected only in documents that use it.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/json_schema_impl.h"
#include "core/lang_pattern.h"
#include "core/lang_value.h"

/* Where the value is; made a JSON Pointer only for an offence. */
struct place {
	const struct place *up; /* NULL: the whole value */
	const char *name;       /* of a member; NULL: an item */
	size_t index;
};

/* The resources that led here; the outermost decides what $dynamicRef means. */
struct scope {
	const struct scope *up;
	const struct schema_resource *resource;
};

/* What schemas that fit have looked at. Members are the names in a set. */
struct seen {
	json_t *members;
	bool *item;
	size_t n_items;
};

struct validation {
	const struct json_schema *schema;
	struct issues *issues;
	const char *pointer;
	const struct scope *scope;
	int64_t steps;
	unsigned depth;
	unsigned quiet; /* alternatives that are being tried */
	bool is_over;   /* a limit was passed: nothing fits any more */
};

/* A keyword at work. */
struct look {
	struct validation *v;
	const struct schema *schema;
	const struct schema_rule *rule;
	json_t *value;
	const struct place *place;
	struct seen *seen; /* of the schema; only where tracked */
};

/* --- Offences --- */

static const char *
pointer_of(const struct validation *v, const struct place *place)
{
	const char *up;

	if (!place)
		return v->pointer;
	up = pointer_of(v, place->up);
	return place->name ? json_pointer_member(v->issues->arena, up, place->name)
			   : json_pointer_index(v->issues->arena, up, place->index);
}

/* Always false. */
static bool PRINTF_LIKE(3, 4)
	offend(const struct look *look, const char *code, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (look->v->quiet > 0 || look->v->is_over)
		return false;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	text[utf8_cut_len(text, sizeof text - 4)] = '\0';
	issues_add(look->v->issues, pointer_of(look->v, look->place), code, "%s", text);
	return false;
}

/* The value took too much. Told once, however quiet. Always false. */
static bool
give_up(struct validation *v, const struct place *place, const char *what)
{
	if (!v->is_over)
		issues_add(v->issues, pointer_of(v, place), ISSUE_LIMIT, "%s", what);
	v->is_over = true;
	return false;
}

static bool
pay(const struct look *look, int64_t steps)
{
	look->v->steps -= steps;
	return look->v->steps >= 0 ||
		give_up(look->v, look->place, "the value takes too many steps to validate");
}

/* --- What was looked at --- */

static void
seen_member(const struct look *look, const char *name)
{
	if (look->seen && look->seen->members)
		(void)json_object_set_new(look->seen->members, name, json_true());
}

static void
seen_item(const struct look *look, size_t index)
{
	if (look->seen && look->seen->item)
		look->seen->item[index] = true;
}

static void
seen_init(struct seen *seen, const json_t *value)
{
	*seen = (struct seen) { .n_items = json_array_size(value) };
	if (json_is_object(value))
		seen->members = json_object();
	if (seen->n_items > 0)
		seen->item = xcalloc(seen->n_items, sizeof *seen->item);
}

static void
seen_deinit(struct seen *seen)
{
	json_decref(seen->members);
	free(seen->item);
}

static void
seen_merge(struct seen *into, const struct seen *from)
{
	if (from->members && into->members)
		(void)json_object_update(into->members, from->members);
	for (size_t i = 0; i < from->n_items; i++)
		into->item[i] = into->item[i] || from->item[i];
}

/* --- A schema inside a schema --- */

static bool check(struct validation *v, const struct schema *schema, json_t *value,
	const struct place *place, struct seen *seen);

/* A schema for the same value. */
static bool
fits_here(const struct look *look, const struct schema *schema)
{
	return check(look->v, schema, look->value, look->place, look->seen);
}

/* The same without a word. */
static bool
fits_quietly(const struct look *look, const struct schema *schema)
{
	look->v->quiet++;
	bool fits = fits_here(look, schema);

	look->v->quiet--;
	return fits;
}

static bool
item_fits(const struct look *look, const struct schema *schema, size_t index)
{
	struct place place = { .up = look->place, .index = index };

	seen_item(look, index);
	return check(look->v, schema, json_array_get(look->value, index), &place, NULL);
}

static bool
member_fits(
	const struct look *look, const struct schema *schema, const char *name, json_t *value)
{
	struct place place = { .up = look->place, .name = name };

	seen_member(look, name);
	return check(look->v, schema, value, &place, NULL);
}

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
check_type(const struct look *look)
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
	return offend(look, ISSUE_INVALID, "%s is expected, here is %s", wanted,
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
check_enum(const struct look *look)
{
	_cleanup_(buf_deinit) struct buf wanted = BUF_INIT(200);
	char shown[LANG_SHOWN_BYTES];

	for (size_t i = 0; i < json_array_size(look->rule->value); i++) {
		int same = lang_same(
			look->value, json_array_get(look->rule->value, i), &look->v->steps);

		if (same < 0)
			return pay(look, 0);
		if (same > 0)
			return true;
	}
	show_values(look->rule->value, &wanted);
	return offend(look, ISSUE_INVALID, "one of %s is expected, here is %s",
		buf_text(&wanted), lang_show(look->value, shown));
}

static bool
check_const(const struct look *look)
{
	int same = lang_same(look->value, look->rule->value, &look->v->steps);
	char wanted[LANG_SHOWN_BYTES], shown[LANG_SHOWN_BYTES];

	if (same < 0)
		return pay(look, 0);
	if (same > 0)
		return true;
	return offend(look, ISSUE_INVALID, "%s is expected, here is %s%s",
		lang_show(look->rule->value, wanted),
		json_typeof(look->rule->value) == json_typeof(look->value) &&
				(json_is_object(look->value) || json_is_array(look->value))
			? "another: "
			: "",
		lang_show(look->value, shown));
}

/* --- Numbers --- */

static bool
check_multiple_of(const struct look *look)
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
		offend(look, ISSUE_INVALID, "a multiple of %s is expected, here is %s",
			lang_show(of, wanted), lang_show(value, shown));
}

/* One of four bounds: whether the order of value and bound is wrong. */
static bool
check_bound(const struct look *look, bool is_wrong, const char *what)
{
	char wanted[LANG_SHOWN_BYTES], shown[LANG_SHOWN_BYTES];

	return !is_wrong ||
		offend(look, ISSUE_INVALID, "%s %s is expected, here is %s", what,
			lang_show(look->rule->value, wanted), lang_show(look->value, shown));
}

static int
order(const struct look *look)
{
	return json_is_number(look->value)
		? lang_compare_numbers(look->value, look->rule->value)
		: 0;
}

static bool
check_maximum(const struct look *look)
{
	return check_bound(look, order(look) > 0, "at most");
}

static bool
check_exclusive_maximum(const struct look *look)
{
	return check_bound(look, json_is_number(look->value) && order(look) >= 0, "less than");
}

static bool
check_minimum(const struct look *look)
{
	return check_bound(look, order(look) < 0, "at least");
}

static bool
check_exclusive_minimum(const struct look *look)
{
	return check_bound(look, json_is_number(look->value) && order(look) <= 0, "more than");
}

/* --- Sizes --- */

/* `what` is in the plural. */
static bool
check_size(const struct look *look, int64_t n, bool is_max, const char *what)
{
	int64_t limit = look->rule->count;

	return (is_max ? n <= limit : n >= limit) ||
		offend(look, ISSUE_INVALID,
			"at %s %" PRId64 " %s are expected, here are %" PRId64,
			is_max ? "most" : "least", limit, what, n);
}

static bool
check_length(const struct look *look, bool is_max)
{
	if (!json_is_string(look->value))
		return true;
	return pay(look, (int64_t)(json_string_length(look->value) / 64)) &&
		check_size(look, (int64_t)lang_length(lang_str(look->value)), is_max,
			"characters");
}

static bool
check_max_length(const struct look *look)
{
	return check_length(look, true);
}

static bool
check_min_length(const struct look *look)
{
	return check_length(look, false);
}

static bool
check_max_items(const struct look *look)
{
	return !json_is_array(look->value) ||
		check_size(look, (int64_t)json_array_size(look->value), true, "items");
}

static bool
check_min_items(const struct look *look)
{
	return !json_is_array(look->value) ||
		check_size(look, (int64_t)json_array_size(look->value), false, "items");
}

static bool
check_max_properties(const struct look *look)
{
	return !json_is_object(look->value) ||
		check_size(look, (int64_t)json_object_size(look->value), true, "members");
}

static bool
check_min_properties(const struct look *look)
{
	return !json_is_object(look->value) ||
		check_size(look, (int64_t)json_object_size(look->value), false, "members");
}

/* --- Texts --- */

/* 1 or 0; -1: it costs too much. */
static int
matches(const struct look *look, const struct lang_pattern *pattern, struct str text)
{
	struct err why;
	int r = lang_pattern_match(pattern, text, &look->v->steps, &why);

	if (r < 0)
		(void)give_up(look->v, look->place, why.text);
	return r < 0 ? -1 : r == 0;
}

static bool
check_pattern(const struct look *look)
{
	char shown[LANG_SHOWN_BYTES];

	if (!json_is_string(look->value))
		return true;
	return matches(look, look->rule->pattern, lang_str(look->value)) > 0 ||
		offend(look, ISSUE_INVALID,
			"a text that matches \"%.100s\" is expected, here is %s",
			json_string_value(look->rule->value), lang_show(look->value, shown));
}

static bool
check_format(const struct look *look)
{
	char shown[LANG_SHOWN_BYTES];

	if (!look->v->schema->check_formats || !json_is_string(look->value) ||
		look->rule->format == FORMAT_NONE)
		return true;
	return schema_format_fits(look->rule->format, lang_str(look->value)) ||
		offend(look, ISSUE_INVALID,
			"a text of the format \"%s\" is expected, here is %s",
			json_string_value(look->rule->value), lang_show(look->value, shown));
}

/* --- Lists --- */

static bool
check_prefix_items(const struct look *look)
{
	bool fits = true;

	for (size_t i = 0; i < look->rule->n && i < json_array_size(look->value); i++)
		fits = item_fits(look, look->rule->entry[i].schema, i) && fits;
	return fits;
}

static size_t
n_prefix_items(const struct look *look)
{
	const struct schema_rule *prefix = look->schema->rule[KEYWORD_PREFIX_ITEMS];

	return prefix ? prefix->n : 0;
}

/* Items behind those of prefixItems. */
static bool
check_items(const struct look *look)
{
	size_t n = json_array_size(look->value), n_prefix = n_prefix_items(look);
	bool fits = true;

	if (look->rule->schema->is_false && n > n_prefix)
		return offend(look, ISSUE_INVALID,
			"at most %zu items are expected, here are %zu", n_prefix, n);
	for (size_t i = n_prefix; i < n; i++)
		fits = item_fits(look, look->rule->schema, i) && fits;
	return fits;
}

/* Means something behind draft 7's list of items only. */
static bool
check_additional_items(const struct look *look)
{
	return look->schema->rule[KEYWORD_PREFIX_ITEMS] ? check_items(look) : true;
}

struct hashed {
	uint64_t hash;
	size_t index;
};

static int
compare_hashed(const void *a, const void *b)
{
	const struct hashed *left = a, *right = b;

	if (left->hash != right->hash)
		return left->hash < right->hash ? -1 : 1;
	return left->index < right->index ? -1 : left->index > right->index;
}

/* The first two items that are the same among those with the hash of item i. */
static bool
has_twin(const struct look *look, const struct hashed *items, size_t n, size_t i)
{
	for (size_t k = i + 1; k < n && items[k].hash == items[i].hash; k++) {
		int same = lang_same(json_array_get(look->value, items[i].index),
			json_array_get(look->value, items[k].index), &look->v->steps);

		if (same < 0)
			return !pay(look, 0);
		if (same > 0) {
			(void)offend(look, ISSUE_INVALID,
				"items that differ are expected, items %zu and %zu are the same",
				items[i].index, items[k].index);
			return true;
		}
	}
	return false;
}

static bool
check_unique_items(const struct look *look)
{
	size_t n = json_array_size(look->value);
	_cleanup_free_ struct hashed *items = xcalloc(n + 1, sizeof *items);

	if (!json_is_true(look->rule->value))
		return true;
	for (size_t i = 0; i < n; i++)
		items[i] = (struct hashed) {
			lang_hash(json_array_get(look->value, i), &look->v->steps), i
		};
	if (!pay(look, 0))
		return false;
	qsort(items, n, sizeof *items, compare_hashed);
	for (size_t i = 0; i < n; i++)
		if (has_twin(look, items, n, i))
			return false;
	return true;
}

static bool
check_contains(const struct look *look)
{
	const struct schema_rule *least = look->schema->rule[KEYWORD_MIN_CONTAINS];
	const struct schema_rule *most = look->schema->rule[KEYWORD_MAX_CONTAINS];
	int64_t n = 0, min = least ? least->count : 1;

	if (!json_is_array(look->value))
		return true;
	look->v->quiet++;
	for (size_t i = 0; i < json_array_size(look->value); i++) {
		struct place place = { .up = look->place, .index = i };

		if (!check(look->v, look->rule->schema, json_array_get(look->value, i), &place,
			    NULL))
			continue;
		seen_item(look, i);
		n++;
	}
	look->v->quiet--;
	if (n < min)
		return offend(look, ISSUE_INVALID,
			"at least %" PRId64
			" items that fit \"contains\" are expected, here are "
			"%" PRId64,
			min, n);
	return !most || n <= most->count ||
		offend(look, ISSUE_INVALID,
			"at most %" PRId64
			" items that fit \"contains\" are expected, here are "
			"%" PRId64,
			most->count, n);
}

/* --- Objects --- */

static bool
check_names(const struct look *look, const json_t *names)
{
	bool fits = true;

	for (size_t i = 0; i < json_array_size(names); i++) {
		const json_t *name = json_array_get(names, i);
		struct place place = { .up = look->place, .name = json_string_value(name) };
		struct look member = *look;

		if (json_object_getn(
			    look->value, json_string_value(name), json_string_length(name)))
			continue;
		member.place = &place;
		fits = offend(&member, ISSUE_MISSING, "the member is required");
	}
	return fits;
}

static bool
check_required(const struct look *look)
{
	return !json_is_object(look->value) || check_names(look, look->rule->value);
}

static bool
check_properties(const struct look *look)
{
	bool fits = true;

	for (size_t i = 0; i < look->rule->n && json_is_object(look->value); i++) {
		const struct schema_entry *entry = &look->rule->entry[i];
		json_t *value = json_object_getn(look->value, entry->name.p, entry->name.n);

		if (!pay(look, 1))
			return false;
		if (value)
			fits = member_fits(look, entry->schema, entry->name.p, value) && fits;
	}
	return fits;
}

static bool
check_pattern_properties(const struct look *look)
{
	bool fits = true;

	for (void *at = json_object_iter(look->value); at;
		at = json_object_iter_next(look->value, at)) {
		const char *name = json_object_iter_key(at);

		for (size_t i = 0; i < look->rule->n; i++) {
			const struct schema_entry *entry = &look->rule->entry[i];
			int r = matches(look, entry->pattern,
				str_from(name, json_object_iter_key_len(at)));

			if (r < 0)
				return false;
			if (r > 0)
				fits = member_fits(look, entry->schema, name,
					       json_object_iter_value(at)) &&
					fits;
		}
	}
	return fits;
}

/* Whether properties or patternProperties know a name. */
static bool
is_named(const struct look *look, const char *name, size_t len)
{
	const struct schema_rule *properties = look->schema->rule[KEYWORD_PROPERTIES];
	const struct schema_rule *patterns = look->schema->rule[KEYWORD_PATTERN_PROPERTIES];

	if (properties && json_object_getn(properties->value, name, len))
		return true;
	for (size_t i = 0; patterns && i < patterns->n; i++)
		if (matches(look, patterns->entry[i].pattern, str_from(name, len)) != 0)
			return true;
	return false;
}

/* A member that the schema does not know, and that must not be. */
static bool
unknown_member(const struct look *look, const char *name)
{
	const struct schema_rule *properties = look->schema->rule[KEYWORD_PROPERTIES];
	struct place place = { .up = look->place, .name = name };
	struct look member = *look;
	const char *names[101] = { 0 };
	size_t n = 0;

	if (look->v->quiet > 0)
		return false;
	for (void *at = properties ? json_object_iter(properties->value) : NULL;
		at && n + 1 < ARRAY_LEN(names);
		at = json_object_iter_next(properties->value, at))
		names[n++] = json_object_iter_key(at);
	const char *near = strlen(name) <= NAME_BYTES_MAX ? near_name(name, names) : NULL;

	member.place = &place;
	return offend(&member, ISSUE_UNKNOWN, "there is no such member%s%.100s%s",
		near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool
check_additional_properties(const struct look *look)
{
	bool fits = true;

	for (void *at = json_object_iter(look->value); at;
		at = json_object_iter_next(look->value, at)) {
		const char *name = json_object_iter_key(at);

		if (!pay(look, 1))
			return false;
		if (is_named(look, name, json_object_iter_key_len(at)))
			continue;
		if (look->rule->schema->is_false)
			fits = unknown_member(look, name);
		else
			fits = member_fits(look, look->rule->schema, name,
				       json_object_iter_value(at)) &&
				fits;
	}
	return fits;
}

static bool
check_property_names(const struct look *look)
{
	bool fits = true;

	for (void *at = json_object_iter(look->value); at;
		at = json_object_iter_next(look->value, at)) {
		const char *name = json_object_iter_key(at);
		struct place place = { .up = look->place, .name = name };
		_cleanup_(json_unrefp) json_t *text =
			json_stringn(name, json_object_iter_key_len(at));

		fits = check(look->v, look->rule->schema, text, &place, NULL) && fits;
	}
	return fits;
}

/* dependentRequired, dependentSchemas, and dependencies, which is either. */
static bool
check_dependencies(const struct look *look)
{
	bool fits = true;

	for (size_t i = 0; i < look->rule->n && json_is_object(look->value); i++) {
		const struct schema_entry *entry = &look->rule->entry[i];

		if (!pay(look, 1))
			return false;
		if (!json_object_getn(look->value, entry->name.p, entry->name.n))
			continue;
		fits = (entry->texts ? check_names(look, entry->texts)
				     : fits_here(look, entry->schema)) &&
			fits;
	}
	return fits;
}

/* --- Schemas put together --- */

static bool
check_ref(const struct look *look)
{
	return fits_here(look, look->rule->schema);
}

static bool
check_dynamic_ref(const struct look *look)
{
	const struct schema *target = look->rule->schema;

	for (const struct scope *scope = look->v->scope; look->rule->anchor && scope;
		scope = scope->up) {
		const struct schema_anchor *anchor = scope->resource->dynamic_anchors;

		while (anchor && !str_eqz(anchor->name, look->rule->anchor))
			anchor = anchor->next;
		target = anchor ? anchor->schema : target;
	}
	return fits_here(look, target);
}

static bool
check_all_of(const struct look *look)
{
	bool fits = true;

	for (size_t i = 0; i < look->rule->n; i++)
		fits = fits_here(look, look->rule->entry[i].schema) && fits;
	return fits;
}

/* How many of the alternatives fit; stops at `enough`, unless all must be looked at. */
static size_t
count_fitting(const struct look *look, size_t enough)
{
	size_t n = 0;

	for (size_t i = 0; i < look->rule->n && (look->seen || n < enough); i++)
		n += fits_quietly(look, look->rule->entry[i].schema);
	return n;
}

static bool
check_any_of(const struct look *look)
{
	char shown[LANG_SHOWN_BYTES];

	if (count_fitting(look, 1) > 0)
		return true;
	/* A single alternative can say itself what it wants. */
	if (look->rule->n == 1 && look->v->quiet == 0)
		return fits_here(look, look->rule->entry[0].schema);
	return offend(look, ISSUE_INVALID,
		"a value that fits one of %zu alternatives is expected, %s fits none",
		look->rule->n, lang_show(look->value, shown));
}

static bool
check_one_of(const struct look *look)
{
	char shown[LANG_SHOWN_BYTES];
	size_t n = count_fitting(look, 2);

	if (n == 1)
		return true;
	if (n == 0)
		return look->v->quiet == 0 && check_any_of(look);
	return offend(look, ISSUE_INVALID,
		"a value that fits exactly one of %zu alternatives is expected, %s fits several",
		look->rule->n, lang_show(look->value, shown));
}

static bool
check_not(const struct look *look)
{
	struct look alone = *look;
	char shown[LANG_SHOWN_BYTES];

	alone.seen = NULL;
	if (!fits_quietly(&alone, look->rule->schema))
		return !look->v->is_over;
	return offend(look, ISSUE_INVALID, "%s is what \"not\" excludes",
		lang_show(look->value, shown));
}

static bool
check_if(const struct look *look)
{
	bool holds = fits_quietly(look, look->rule->schema);
	const struct schema_rule *then =
		look->schema->rule[holds ? KEYWORD_THEN : KEYWORD_ELSE];

	return !then || fits_here(look, then->schema);
}

static bool
check_unevaluated_items(const struct look *look)
{
	bool fits = true;

	for (size_t i = 0; i < json_array_size(look->value); i++)
		if (!look->seen->item[i])
			fits = item_fits(look, look->rule->schema, i) && fits;
	return fits;
}

static bool
check_unevaluated_properties(const struct look *look)
{
	bool fits = true;

	for (void *at = json_object_iter(look->value); at;
		at = json_object_iter_next(look->value, at)) {
		const char *name = json_object_iter_key(at);

		if (json_object_get(look->seen->members, name))
			continue;
		if (look->rule->schema->is_false)
			fits = unknown_member(look, name);
		else
			fits = member_fits(look, look->rule->schema, name,
				       json_object_iter_value(at)) &&
				fits;
	}
	return fits;
}

/* Keywords without a function are looked at by others. */
static bool (*const checks[KEYWORD_COUNT])(const struct look *) = {
	[KEYWORD_REF] = check_ref,
	[KEYWORD_DYNAMIC_REF] = check_dynamic_ref,
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
	[KEYWORD_PREFIX_ITEMS] = check_prefix_items,
	[KEYWORD_ITEMS] = check_items,
	[KEYWORD_ADDITIONAL_ITEMS] = check_additional_items,
	[KEYWORD_MAX_ITEMS] = check_max_items,
	[KEYWORD_MIN_ITEMS] = check_min_items,
	[KEYWORD_UNIQUE_ITEMS] = check_unique_items,
	[KEYWORD_CONTAINS] = check_contains,
	[KEYWORD_MAX_PROPERTIES] = check_max_properties,
	[KEYWORD_MIN_PROPERTIES] = check_min_properties,
	[KEYWORD_REQUIRED] = check_required,
	[KEYWORD_PROPERTIES] = check_properties,
	[KEYWORD_PATTERN_PROPERTIES] = check_pattern_properties,
	[KEYWORD_ADDITIONAL_PROPERTIES] = check_additional_properties,
	[KEYWORD_PROPERTY_NAMES] = check_property_names,
	[KEYWORD_DEPENDENT_REQUIRED] = check_dependencies,
	[KEYWORD_DEPENDENT_SCHEMAS] = check_dependencies,
	[KEYWORD_DEPENDENCIES] = check_dependencies,
	[KEYWORD_ALL_OF] = check_all_of,
	[KEYWORD_ANY_OF] = check_any_of,
	[KEYWORD_ONE_OF] = check_one_of,
	[KEYWORD_NOT] = check_not,
	[KEYWORD_IF] = check_if,
	[KEYWORD_UNEVALUATED_ITEMS] = check_unevaluated_items,
	[KEYWORD_UNEVALUATED_PROPERTIES] = check_unevaluated_properties,
};

static int64_t
size_of(const json_t *value)
{
	return (int64_t)(json_array_size(value) + json_object_size(value));
}

static bool
check_keywords(struct look *look)
{
	struct validation *v = look->v;
	bool fits = true;

	for (int i = 0; i < KEYWORD_COUNT && !v->is_over; i++) {
		/* What a schema that does not fit has looked at would be blamed without reason.
		 */
		if (!fits && (v->quiet > 0 || i >= KEYWORD_UNEVALUATED_ITEMS))
			break;
		look->rule = look->schema->rule[i];
		if (look->rule && checks[i])
			fits = checks[i](look) && fits;
	}
	return fits && !v->is_over;
}

/* Whether a value fits a schema. What it looked at goes to `seen` only when it does. */
static bool
check(struct validation *v, const struct schema *schema, json_t *value,
	const struct place *place, struct seen *seen)
{
	struct look look = { .v = v, .schema = schema, .value = value, .place = place };
	struct scope scope = { .up = v->scope, .resource = schema->resource };
	struct seen own;
	bool fits;

	/* Remembering what was looked at costs, too. */
	if (!pay(&look, v->schema->tracks ? 1 + size_of(value) / 4 : 1))
		return false;
	if (v->depth >= SCHEMA_CHECK_DEPTH_MAX)
		return give_up(v, place, "schemas refer to each other without end");
	if (schema->is_false)
		return offend(&look, ISSUE_INVALID, "nothing may stand here");
	if (v->schema->tracks) {
		seen_init(&own, value);
		look.seen = &own;
	}
	if (!v->scope || v->scope->resource != schema->resource)
		v->scope = &scope;
	v->depth++;
	fits = check_keywords(&look);
	v->depth--;
	if (v->scope == &scope)
		v->scope = scope.up;
	if (look.seen) {
		if (fits && seen)
			seen_merge(seen, &own);
		seen_deinit(&own);
	}
	return fits;
}

int
json_schema_validate(const struct json_schema *schema, json_t *value, const char *pointer,
	struct issues *issues)
{
	struct validation v = {
		.schema = schema,
		.issues = issues,
		.pointer = pointer,
		.steps = JSON_SCHEMA_STEPS_MAX,
	};

	return check(&v, schema->top, value, NULL, NULL) ? 0 : -1;
}
