/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Validating: lists, objects and what puts schemas together; a function for each keyword, in
 * the table at the end. Keywords that look at a plain value are json_schema_values.c's.
 *
 * Alternatives (anyOf, not, if, …) are tried quietly. What `unevaluated…` needs to know, which
 * members and items some schema has looked at, is collected only in documents that use it.
 */
#include <inttypes.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/json_schema_impl.h"
#include "core/lang_pattern.h"
#include "core/lang_value.h"

/* --- Offences --- */

static const char *
pointer_of(const struct schema_validation *v, const struct schema_place *place)
{
	const char *up;

	if (!place)
		return v->pointer;
	up = pointer_of(v, place->up);
	return place->name ? json_pointer_member(v->issues->arena, up, place->name)
			   : json_pointer_index(v->issues->arena, up, place->index);
}

/* Always false. */
bool
schema_offend(const struct schema_look *look, const char *code, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (look->v->quiet > 0 || look->v->is_over)
		return false;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	text[utf8_cut_len(text, sizeof text - 4)] = '\0';
	/* A pointer takes memory that offences which are only counted must not take. */
	issues_add(look->v->issues,
		look->v->issues->n < JSON_ISSUES_MAX ? pointer_of(look->v, look->place) : "",
		code, "%s", text);
	return false;
}

bool
schema_give_up(struct schema_validation *v, const struct schema_place *place, const char *what)
{
	if (!v->is_over)
		issues_add(v->issues, pointer_of(v, place), ISSUE_LIMIT, "%s", what);
	v->is_over = true;
	return false;
}

bool
schema_pay(const struct schema_look *look, int64_t steps)
{
	look->v->steps -= steps;
	return look->v->steps >= 0 ||
		schema_give_up(
			look->v, look->place, "the value takes too many steps to validate");
}

/* --- What was looked at --- */

static void
seen_member(const struct schema_look *look, const char *name)
{
	if (look->seen && look->seen->members)
		(void)json_object_set_new(look->seen->members, name, json_true());
}

static void
seen_item(const struct schema_look *look, size_t index)
{
	if (look->seen && look->seen->item)
		look->seen->item[index] = true;
}

static void
seen_init(struct schema_seen *seen, const json_t *value)
{
	*seen = (struct schema_seen) { .n_items = json_array_size(value) };
	if (json_is_object(value))
		seen->members = json_object();
	if (seen->n_items > 0)
		seen->item = xcalloc(seen->n_items, sizeof *seen->item);
}

static void
seen_deinit(struct schema_seen *seen)
{
	json_decref(seen->members);
	free(seen->item);
}

static void
seen_merge(struct schema_seen *into, const struct schema_seen *from)
{
	if (from->members && into->members)
		(void)json_object_update(into->members, from->members);
	for (size_t i = 0; i < from->n_items; i++)
		into->item[i] = into->item[i] || from->item[i];
}

/* --- A schema inside a schema --- */

static bool check(struct schema_validation *v, const struct schema *schema, json_t *value,
	const struct schema_place *place, struct schema_seen *seen);

/* A schema for the same value. */
static bool
fits_here(const struct schema_look *look, const struct schema *schema)
{
	return check(look->v, schema, look->value, look->place, look->seen);
}

/* The same without a word. */
static bool
fits_quietly(const struct schema_look *look, const struct schema *schema)
{
	look->v->quiet++;
	bool fits = fits_here(look, schema);

	look->v->quiet--;
	return fits;
}

static bool
item_fits(const struct schema_look *look, const struct schema *schema, size_t index)
{
	struct schema_place place = { .up = look->place, .index = index };

	seen_item(look, index);
	return check(look->v, schema, json_array_get(look->value, index), &place, NULL);
}

static bool
member_fits(const struct schema_look *look, const struct schema *schema, const char *name,
	json_t *value)
{
	struct schema_place place = { .up = look->place, .name = name };

	seen_member(look, name);
	return check(look->v, schema, value, &place, NULL);
}

/* --- Lists --- */

static bool
check_prefix_items(const struct schema_look *look)
{
	bool fits = true;

	for (size_t i = 0; i < look->rule->n && i < json_array_size(look->value); i++)
		fits = item_fits(look, look->rule->entry[i].schema, i) && fits;
	return fits;
}

static size_t
n_prefix_items(const struct schema_look *look)
{
	const struct schema_rule *prefix = look->schema->rule[KEYWORD_PREFIX_ITEMS];

	return prefix ? prefix->n : 0;
}

/* Items behind those of prefixItems. */
static bool
check_items(const struct schema_look *look)
{
	size_t n = json_array_size(look->value), n_prefix = n_prefix_items(look);
	bool fits = true;

	if (look->rule->schema->is_false && n > n_prefix)
		return schema_offend(look, ISSUE_INVALID,
			"at most %zu items are expected, here are %zu", n_prefix, n);
	for (size_t i = n_prefix; i < n; i++)
		fits = item_fits(look, look->rule->schema, i) && fits;
	return fits;
}

/* Means something behind draft 7's list of items only. */
static bool
check_additional_items(const struct schema_look *look)
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
has_twin(const struct schema_look *look, const struct hashed *items, size_t n, size_t i)
{
	for (size_t k = i + 1; k < n && items[k].hash == items[i].hash; k++) {
		int same = lang_same(json_array_get(look->value, items[i].index),
			json_array_get(look->value, items[k].index), &look->v->steps);

		if (same < 0)
			return !schema_pay(look, 0);
		if (same > 0) {
			(void)schema_offend(look, ISSUE_INVALID,
				"items that differ are expected, items %zu and %zu are the same",
				items[i].index, items[k].index);
			return true;
		}
	}
	return false;
}

static bool
check_unique_items(const struct schema_look *look)
{
	size_t n = json_array_size(look->value);
	_cleanup_free_ struct hashed *items = xcalloc(n + 1, sizeof *items);

	if (!json_is_true(look->rule->value))
		return true;
	for (size_t i = 0; i < n; i++)
		items[i] = (struct hashed) {
			lang_hash(json_array_get(look->value, i), &look->v->steps), i
		};
	if (!schema_pay(look, 0))
		return false;
	qsort(items, n, sizeof *items, compare_hashed);
	for (size_t i = 0; i < n; i++)
		if (has_twin(look, items, n, i))
			return false;
	return true;
}

static bool
check_contains(const struct schema_look *look)
{
	const struct schema_rule *least = look->schema->rule[KEYWORD_MIN_CONTAINS];
	const struct schema_rule *most = look->schema->rule[KEYWORD_MAX_CONTAINS];
	int64_t n = 0, min = least ? least->count : 1;

	if (!json_is_array(look->value))
		return true;
	look->v->quiet++;
	for (size_t i = 0; i < json_array_size(look->value); i++) {
		struct schema_place place = { .up = look->place, .index = i };

		if (!check(look->v, look->rule->schema, json_array_get(look->value, i), &place,
			    NULL))
			continue;
		seen_item(look, i);
		n++;
	}
	look->v->quiet--;
	if (n < min)
		return schema_offend(look, ISSUE_INVALID,
			"at least %" PRId64
			" items that fit \"contains\" are expected, here are "
			"%" PRId64,
			min, n);
	return !most || n <= most->count ||
		schema_offend(look, ISSUE_INVALID,
			"at most %" PRId64
			" items that fit \"contains\" are expected, here are "
			"%" PRId64,
			most->count, n);
}

/* --- Objects --- */

static bool
check_names(const struct schema_look *look, const json_t *names)
{
	bool fits = true;

	for (size_t i = 0; i < json_array_size(names); i++) {
		const json_t *name = json_array_get(names, i);
		struct schema_place place = { .up = look->place,
			.name = json_string_value(name) };
		struct schema_look member = *look;

		if (json_object_getn(
			    look->value, json_string_value(name), json_string_length(name)))
			continue;
		member.place = &place;
		fits = schema_offend(&member, ISSUE_MISSING, "the member is required");
	}
	return fits;
}

static bool
check_required(const struct schema_look *look)
{
	return !json_is_object(look->value) || check_names(look, look->rule->value);
}

static bool
check_properties(const struct schema_look *look)
{
	bool fits = true;

	for (size_t i = 0; i < look->rule->n && json_is_object(look->value); i++) {
		const struct schema_entry *entry = &look->rule->entry[i];
		json_t *value = json_object_getn(look->value, entry->name.p, entry->name.n);

		if (!schema_pay(look, 1))
			return false;
		if (value)
			fits = member_fits(look, entry->schema, entry->name.p, value) && fits;
	}
	return fits;
}

static bool
check_pattern_properties(const struct schema_look *look)
{
	bool fits = true;

	for (void *at = json_object_iter(look->value); at;
		at = json_object_iter_next(look->value, at)) {
		const char *name = json_object_iter_key(at);

		for (size_t i = 0; i < look->rule->n; i++) {
			const struct schema_entry *entry = &look->rule->entry[i];
			int r = schema_matches(look, entry->pattern,
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
is_named(const struct schema_look *look, const char *name, size_t len)
{
	const struct schema_rule *properties = look->schema->rule[KEYWORD_PROPERTIES];
	const struct schema_rule *patterns = look->schema->rule[KEYWORD_PATTERN_PROPERTIES];

	if (properties && json_object_getn(properties->value, name, len))
		return true;
	for (size_t i = 0; patterns && i < patterns->n; i++)
		if (schema_matches(look, patterns->entry[i].pattern, str_from(name, len)) != 0)
			return true;
	return false;
}

/* A member that the schema does not know, and that must not be. */
static bool
unknown_member(const struct schema_look *look, const char *name)
{
	const struct schema_rule *properties = look->schema->rule[KEYWORD_PROPERTIES];
	struct schema_place place = { .up = look->place, .name = name };
	struct schema_look member = *look;
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
	return schema_offend(&member, ISSUE_UNKNOWN, "there is no such member%s" STR_FMT "%s",
		near ? "; did you mean \"" : "", STR_ARG(lang_cut(str_of(near), 100)),
		near ? "\"?" : "");
}

static bool
check_additional_properties(const struct schema_look *look)
{
	bool fits = true;

	for (void *at = json_object_iter(look->value); at;
		at = json_object_iter_next(look->value, at)) {
		const char *name = json_object_iter_key(at);

		if (!schema_pay(look, 1))
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
check_property_names(const struct schema_look *look)
{
	bool fits = true;

	for (void *at = json_object_iter(look->value); at;
		at = json_object_iter_next(look->value, at)) {
		const char *name = json_object_iter_key(at);
		struct schema_place place = { .up = look->place, .name = name };
		_cleanup_(json_unrefp) json_t *text =
			json_stringn(name, json_object_iter_key_len(at));

		fits = check(look->v, look->rule->schema, text, &place, NULL) && fits;
	}
	return fits;
}

/* dependentRequired, dependentSchemas, and dependencies, which is either. */
static bool
check_dependencies(const struct schema_look *look)
{
	bool fits = true;

	for (size_t i = 0; i < look->rule->n && json_is_object(look->value); i++) {
		const struct schema_entry *entry = &look->rule->entry[i];

		if (!schema_pay(look, 1))
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
check_ref(const struct schema_look *look)
{
	return fits_here(look, look->rule->schema);
}

static bool
check_dynamic_ref(const struct schema_look *look)
{
	const struct schema *target = look->rule->schema;

	for (const struct schema_scope *scope = look->v->scope; look->rule->anchor && scope;
		scope = scope->up) {
		const struct schema_anchor *anchor = scope->resource->dynamic_anchors;

		while (anchor && !str_eqz(anchor->name, look->rule->anchor))
			anchor = anchor->next;
		target = anchor ? anchor->schema : target;
	}
	return fits_here(look, target);
}

static bool
check_all_of(const struct schema_look *look)
{
	bool fits = true;

	for (size_t i = 0; i < look->rule->n; i++)
		fits = fits_here(look, look->rule->entry[i].schema) && fits;
	return fits;
}

/* How many of the alternatives fit; stops at `enough`, unless all must be looked at. */
static size_t
count_fitting(const struct schema_look *look, size_t enough)
{
	size_t n = 0;

	for (size_t i = 0; i < look->rule->n && (look->seen || n < enough); i++)
		n += fits_quietly(look, look->rule->entry[i].schema);
	return n;
}

static bool
check_any_of(const struct schema_look *look)
{
	char shown[LANG_SHOWN_BYTES];

	if (count_fitting(look, 1) > 0)
		return true;
	/* A single alternative can say itself what it wants. */
	if (look->rule->n == 1 && look->v->quiet == 0)
		return fits_here(look, look->rule->entry[0].schema);
	return schema_offend(look, ISSUE_INVALID,
		"a value that fits one of %zu alternatives is expected, %s fits none",
		look->rule->n, lang_show(look->value, shown));
}

static bool
check_one_of(const struct schema_look *look)
{
	char shown[LANG_SHOWN_BYTES];
	size_t n = count_fitting(look, 2);

	if (n == 1)
		return true;
	if (n == 0)
		return look->v->quiet == 0 && check_any_of(look);
	return schema_offend(look, ISSUE_INVALID,
		"a value that fits exactly one of %zu alternatives is expected, %s fits several",
		look->rule->n, lang_show(look->value, shown));
}

static bool
check_not(const struct schema_look *look)
{
	struct schema_look alone = *look;
	char shown[LANG_SHOWN_BYTES];

	alone.seen = NULL;
	if (!fits_quietly(&alone, look->rule->schema))
		return !look->v->is_over;
	return schema_offend(look, ISSUE_INVALID, "%s is what \"not\" excludes",
		lang_show(look->value, shown));
}

static bool
check_if(const struct schema_look *look)
{
	bool holds = fits_quietly(look, look->rule->schema);
	const struct schema_rule *then =
		look->schema->rule[holds ? KEYWORD_THEN : KEYWORD_ELSE];

	return !then || fits_here(look, then->schema);
}

static bool
check_unevaluated_items(const struct schema_look *look)
{
	bool fits = true;

	for (size_t i = 0; i < json_array_size(look->value); i++)
		if (!look->seen->item[i])
			fits = item_fits(look, look->rule->schema, i) && fits;
	return fits;
}

static bool
check_unevaluated_properties(const struct schema_look *look)
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

/* Keywords without a function here or among schema_value_checks are looked at by others. */
static schema_check_fn *const checks[KEYWORD_COUNT] = {
	[KEYWORD_REF] = check_ref,
	[KEYWORD_DYNAMIC_REF] = check_dynamic_ref,
	[KEYWORD_PREFIX_ITEMS] = check_prefix_items,
	[KEYWORD_ITEMS] = check_items,
	[KEYWORD_ADDITIONAL_ITEMS] = check_additional_items,
	[KEYWORD_UNIQUE_ITEMS] = check_unique_items,
	[KEYWORD_CONTAINS] = check_contains,
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
check_keywords(struct schema_look *look)
{
	struct schema_validation *v = look->v;
	bool fits = true;

	for (int i = 0; i < KEYWORD_COUNT && !v->is_over; i++) {
		/* What a schema that does not fit has looked at would be blamed without reason.
		 */
		if (!fits && (v->quiet > 0 || i >= KEYWORD_UNEVALUATED_ITEMS))
			break;
		schema_check_fn *check_it = checks[i] ? checks[i] : schema_value_checks[i];

		look->rule = look->schema->rule[i];
		if (look->rule && check_it)
			fits = check_it(look) && fits;
	}
	return fits && !v->is_over;
}

/* Whether a value fits a schema. What it looked at goes to `seen` only when it does. */
static bool
check(struct schema_validation *v, const struct schema *schema, json_t *value,
	const struct schema_place *place, struct schema_seen *seen)
{
	struct schema_look look = { .v = v, .schema = schema, .value = value, .place = place };
	struct schema_scope scope = { .up = v->scope, .resource = schema->resource };
	struct schema_seen own;
	bool fits;

	/* Remembering what was looked at costs, too. */
	if (!schema_pay(&look, v->schema->tracks ? 1 + size_of(value) / 4 : 1))
		return false;
	if (v->depth >= SCHEMA_CHECK_DEPTH_MAX)
		return schema_give_up(v, place, "schemas refer to each other without end");
	if (schema->is_false)
		return schema_offend(&look, ISSUE_INVALID, "nothing may stand here");
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
	struct schema_validation v = {
		.schema = schema,
		.issues = issues,
		.pointer = pointer,
		.steps = schema->steps_max,
	};

	return check(&v, schema->top, value, NULL, NULL) ? 0 : -1;
}
