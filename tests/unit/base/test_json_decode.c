/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <stdio.h>

#include "unit.h"

struct point {
	int64_t x, y;
};

struct sample {
	const char *name;
	bool has_name, flag;
	int64_t count, timeout_ms, bytes, at_ms;
	double ratio;
	int color;
	struct uuid id;
	json_t *extra, *items, *any;
	struct strs tags;
	struct point point;
	struct subs points;
};

static const char *const colors[] = { "red", "green", NULL };

static const struct json_field point_fields[] = {
	{ "x", FIELD_INT, .required = true, .offset = offsetof(struct point, x) },
	{ "y", FIELD_INT, .offset = offsetof(struct point, y), .min = 1, .max = 9 },
	{ 0 },
};

#define AT(member) .offset = offsetof(struct sample, member)

static const struct json_field fields[] = {
	{ "name", FIELD_STR, .required = true, AT(name),
		.set_offset = offsetof(struct sample, has_name), .min = 1, .max = 10 },
	{ "flag", FIELD_FLAG, AT(flag), .set_offset = SIZE_MAX },
	{ "count", FIELD_INT, AT(count), .min = -5, .max = 5 },
	{ "timeout", FIELD_DURATION, AT(timeout_ms), .max = 60000 },
	{ "size", FIELD_SIZE, AT(bytes), .max = 2048 },
	{ "runAt", FIELD_INSTANT, AT(at_ms) },
	{ "ratio", FIELD_NUM, AT(ratio), .min = 0, .max = 1 },
	{ "color", FIELD_ENUM, AT(color), .names = colors },
	{ "id", FIELD_UUID, AT(id) },
	{ "extra", FIELD_OBJ, AT(extra), .null_ok = true, .max = 2 },
	{ "items", FIELD_ARR, AT(items), .max = 2 },
	{ "any", FIELD_ANY, AT(any) },
	{ "tags", FIELD_STRS, AT(tags), .max = 3, .item_max = 4 },
	{ "point", FIELD_SUB, AT(point), .sub = point_fields },
	{ "points", FIELD_SUBS, AT(points), .sub = point_fields, .max = 2,
		.sub_bytes = sizeof(struct point) },
	{ 0 },
};

struct fixture {
	struct arena arena;
	struct issues issues;
	struct sample sample;
	json_t *tree;
	int rc;
};

/* Decodes a document; the arena allows arena_bytes. */
static void
decode_within(struct fixture *f, const char *text, size_t arena_bytes)
{
	struct err err;

	*f = (struct fixture) { .sample = { .count = 3, .color = 7 } };
	arena_init(&f->arena, arena_bytes);
	f->issues.arena = &f->arena;
	f->tree = json_read(text, strlen(text), JSON_DEPTH_MAX, &err);
	assert_non_null(f->tree);
	f->rc = json_decode(f->tree, fields, &f->sample, "", &f->issues);
}

static void
fixture_deinit(struct fixture *f)
{
	json_decref(f->tree);
	arena_deinit(&f->arena);
}

static void
decodes_every_kind(void **state)
{
	(void)state;
	_cleanup_(fixture_deinit) struct fixture f;
	decode_within(&f,
		"{\"name\":\"n\u00e9\",\"flag\":true,\"count\":-5,\"timeout\":\"1m\",\"size\":\"2KiB\","
		"\"runAt\":\"1970-01-01T00:00:01Z\",\"ratio\":1,\"color\":\"green\","
		"\"id\":\"01234567-89ab-7def-8123-456789abcdef\",\"extra\":{\"a\":1},\"items\":[1,2],"
		"\"any\":null,\"tags\":[\"a\",\"bb\"],\"point\":{\"x\":1},"
		"\"points\":[{\"x\":2,\"y\":3},{\"x\":4}]}",
		100000);
	assert_int_equal(f.rc, 0);
	assert_string_equal(f.sample.name, "n\xc3\xa9");
	assert_true(f.sample.has_name);
	assert_true(f.sample.flag);
	assert_int_equal(f.sample.count, -5);
	assert_int_equal(f.sample.timeout_ms, 60000);
	assert_int_equal(f.sample.bytes, 2048);
	assert_int_equal(f.sample.at_ms, 1000);
	assert_true(f.sample.ratio == 1);
	assert_int_equal(f.sample.color, 1);
	assert_int_equal(f.sample.id.b[15], 0xef);
	assert_int_equal(json_object_size(f.sample.extra), 1);
	assert_int_equal(json_array_size(f.sample.items), 2);
	assert_true(json_is_null(f.sample.any));
	assert_int_equal(f.sample.tags.n, 2);
	assert_string_equal(f.sample.tags.item[1], "bb");
	assert_int_equal(f.sample.point.x, 1);
	assert_int_equal(f.sample.points.n, 2);
	const struct point *points = f.sample.points.items;
	assert_int_equal(points[0].y, 3);
	assert_int_equal(points[1].x, 4);
}

static void
absent_members_keep_their_defaults(void **state)
{
	(void)state;
	_cleanup_(fixture_deinit) struct fixture f;
	decode_within(&f, "{\"name\":\"a\",\"extra\":null}", 100000);
	assert_int_equal(f.rc, 0);
	assert_int_equal(f.sample.count, 3);
	assert_int_equal(f.sample.color, 7);
	assert_null(f.sample.extra);
}

static void
names_each_offence(void **state)
{
	(void)state;
	static const struct {
		const char *text, *pointer, *code, *detail;
	} cases[] = {
		{ "{}", "/name", ISSUE_MISSING, "required" },
		{ "{\"name\":null}", "/name", ISSUE_INVALID, "not null" },
		{ "{\"name\":\"\"}", "/name", ISSUE_INVALID, "at least 1" },
		{ "{\"name\":\"12345678901\"}", "/name", ISSUE_LIMIT, "at most 10 bytes" },
		{ "{\"name\":\"a\",\"count\":6}", "/count", ISSUE_LIMIT, "at most 5" },
		{ "{\"name\":\"a\",\"count\":1.0}", "/count", ISSUE_INVALID, "a whole number" },
		{ "{\"name\":\"a\",\"flag\":1}", "/flag", ISSUE_INVALID, "true or false" },
		{ "{\"name\":\"a\",\"timeout\":60001}", "/timeout", ISSUE_LIMIT, "60000 ms" },
		{ "{\"name\":\"a\",\"timeout\":\"2m\"}", "/timeout", ISSUE_LIMIT, "60000 ms" },
		{ "{\"name\":\"a\",\"timeout\":-1}", "/timeout", ISSUE_INVALID, "negative" },
		{ "{\"name\":\"a\",\"timeout\":\"soon\"}", "/timeout", ISSUE_INVALID, "soon" },
		{ "{\"name\":\"a\",\"timeout\":[]}", "/timeout", ISSUE_INVALID, "a duration" },
		{ "{\"name\":\"a\",\"size\":\"1MiB\"}", "/size", ISSUE_LIMIT, "2048" },
		{ "{\"name\":\"a\",\"runAt\":\"now\"}", "/runAt", ISSUE_INVALID, "now" },
		{ "{\"name\":\"a\",\"runAt\":5}", "/runAt", ISSUE_INVALID, "a time" },
		{ "{\"name\":\"a\",\"ratio\":1.5}", "/ratio", ISSUE_LIMIT, "0 … 1" },
		{ "{\"name\":\"a\",\"ratio\":\"1\"}", "/ratio", ISSUE_INVALID, "a number" },
		{ "{\"name\":\"a\",\"color\":\"blue\"}", "/color", ISSUE_INVALID,
			"red, green" },
		{ "{\"name\":\"a\",\"id\":\"x\"}", "/id", ISSUE_INVALID, "UUID" },
		{ "{\"name\":\"a\",\"extra\":[]}", "/extra", ISSUE_INVALID, "an object" },
		{ "{\"name\":\"a\",\"items\":[1,2,3]}", "/items", ISSUE_LIMIT, "2 items" },
		{ "{\"name\":\"a\",\"tags\":[\"a\",5]}", "/tags/1", ISSUE_INVALID, "a text" },
		{ "{\"name\":\"a\",\"tags\":[\"abcde\"]}", "/tags/0", ISSUE_LIMIT, "4 bytes" },
		{ "{\"name\":\"a\",\"point\":{}}", "/point/x", ISSUE_MISSING, "required" },
		{ "{\"name\":\"a\",\"point\":5}", "/point", ISSUE_INVALID, "an object" },
		{ "{\"name\":\"a\",\"points\":[{\"x\":1,\"y\":0}]}", "/points/0/y",
			ISSUE_INVALID, "at least 1" },
		{ "{\"name\":\"a\",\"points\":[{\"x\":1},{\"x\":1,\"z/\":0}]}", "/points/1/z~1",
			ISSUE_UNKNOWN, "not known" },
		{ "{\"name\":\"a\",\"runat\":0}", "/runat", ISSUE_UNKNOWN, "mean \"runAt\"" },
		{ "{\"name\":\"a\",\"timeoutt\":0}", "/timeoutt", ISSUE_UNKNOWN,
			"mean \"timeout\"" },
		{ "[]", "", ISSUE_INVALID, "an object, not an array" },
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		_cleanup_(fixture_deinit) struct fixture f;
		decode_within(&f, cases[i].text, 100000);
		assert_int_equal(f.rc, -1);
		assert_int_equal(f.issues.n, 1);
		assert_string_equal(f.issues.item[0].pointer, cases[i].pointer);
		assert_string_equal(f.issues.item[0].code, cases[i].code);
		if (!strstr(f.issues.item[0].detail, cases[i].detail))
			fail_msg("%s: %s", cases[i].text, f.issues.item[0].detail);
	}
}

static void
collects_and_counts_all(void **state)
{
	(void)state;
	char text[2000] = "{";
	size_t n = 1;
	for (int i = 0; i < 30; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\"unheard-of-%d\":1",
			i > 0 ? "," : "", i);
	snprintf(text + n, sizeof(text) - n, "}");

	_cleanup_(fixture_deinit) struct fixture f;
	decode_within(&f, text, 100000);
	assert_int_equal(f.rc, -1);
	assert_int_equal(f.issues.n, JSON_ISSUES_MAX);
	assert_int_equal(f.issues.n + f.issues.n_more, 31);
	assert_string_equal(f.issues.item[0].code, ISSUE_MISSING);
	assert_string_equal(f.issues.item[1].pointer, "/unheard-of-0");
	/* Offences that found no room are offences still. */
	assert_int_equal(json_decode(f.tree, fields, &f.sample, "", &f.issues), -1);
}

static void
full_arena_is_an_offence(void **state)
{
	(void)state;
	_cleanup_(fixture_deinit) struct fixture f;
	decode_within(&f, "{\"name\":\"a\"}", 0);
	assert_int_equal(f.rc, -1);
	assert_string_equal(f.issues.item[0].code, ISSUE_LIMIT);
	assert_null(f.sample.name);
}

static void
long_pointers_are_cut(void **state)
{
	(void)state;
	char name[2000];
	struct arena arena;
	memset(name, '~', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	arena_init(&arena, 100000);
	const char *pointer = json_pointer_member(&arena, "", name);
	assert_in_range(strlen(pointer), JSON_POINTER_BYTES_MAX - 2, JSON_POINTER_BYTES_MAX);
	assert_in_range(strlen(json_pointer_member(&arena, pointer, name)),
		JSON_POINTER_BYTES_MAX - 2, JSON_POINTER_BYTES_MAX);
	arena_deinit(&arena);
}

static void
near_names(void **state)
{
	(void)state;
	static const char *const names[] = { "iterations", "concurrency", "id", NULL };
	assert_string_equal(near_name("iteration", names), "iterations");
	assert_string_equal(near_name("conurrency", names), "concurrency");
	assert_null(near_name("priority", names));
	assert_null(near_name("ax", names));
	assert_null(near_name("", names));
	assert_null(
		near_name("a word that is far too long to be any of the names there", names));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decodes_every_kind),
		cmocka_unit_test(absent_members_keep_their_defaults),
		cmocka_unit_test(names_each_offence),
		cmocka_unit_test(collects_and_counts_all),
		cmocka_unit_test(full_arena_is_an_offence),
		cmocka_unit_test(long_pointers_are_cut),
		cmocka_unit_test(near_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
