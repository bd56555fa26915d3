/* SPDX-License-Identifier: Apache-2.0 */
/* Reads job requests for tests, with saved things that are a table in memory. */
#include "job_reader.h"

#include "base/limits.h"

struct arena reader_arena;
struct issues reader_issues;
struct err reader_err;

int
reader_setup(void **state)
{
	(void)state;
	arena_init(&reader_arena, MIB(16));
	reader_issues = (struct issues) { .arena = &reader_arena };
	return 0;
}

int
reader_teardown(void **state)
{
	(void)state;
	arena_deinit(&reader_arena);
	return 0;
}

json_t *
reader_json(const char *text)
{
	json_t *value = json_read(text, strlen(text), JSON_DEPTH_MAX, &reader_err);

	if (!value)
		fail_msg("%s: %s", text, reader_err.text);
	return value;
}

/* --- Saved things --- */

static const struct {
	const char *name, *body;
} saved[] = {
	{ "checkout",
		"{\"name\":\"checkout\",\"kind\":\"command\",\"argv\":[\"${{ params.bin }}\"],\"tags\":[\"smoke\"]}" },
	{ "search",
		"{\"name\":\"search\",\"kind\":\"command\",\"argv\":[\"s\"],\"tags\":[\"smoke\",\"slow\"]}" },
	{ "page", "{\"name\":\"page\",\"kind\":\"browser\",\"steps\":[{\"log\":\"x\"}]}" },
};

const char reader_shop[] =
	"{\"name\":\"shop\",\"params\":{\"bin\":{\"type\":\"string\",\"required\":true},"
	"\"n\":{\"type\":\"integer\",\"default\":2,\"enum\":[1,2,3]}},"
	"\"iterations\":\"${{ params.n }}\",\"config\":{\"a\":1,\"b\":2},\"tests\":[{\"test\":\"checkout\"}]}";

/* For stages of flows: parameters of every kind, none of which must be given. */
static const char step[] =
	"{\"params\":{\"u\":{\"required\":false},\"n\":{\"type\":\"number\",\"required\":false}},"
	"\"tests\":[{\"test\":\"checkout\"}]}";

const char reader_nightly[] =
	"{\"name\":\"nightly\",\"params\":{\"n\":{\"type\":\"number\",\"default\":3}},"
	"\"stages\":[{\"name\":\"a\",\"run\":{\"template\":\"step\"}},"
	"{\"name\":\"b\",\"run\":{\"template\":\"step\",\"params\":{\"n\":\"${{ params.n }}\"}}}]}";

static int
find_test(void *arg, const char *name, int64_t revision, struct job_source_item *ret,
	struct err *e)
{
	(void)arg;
	(void)e;
	for (size_t i = 0; i < ARRAY_LEN(saved); i++) {
		if (strcmp(saved[i].name, name) != 0 || revision > 1)
			continue;
		*ret = (struct job_source_item) {
			.name = saved[i].name, .revision = 1, .body = reader_json(saved[i].body)
		};
		return 0;
	}
	return JOB_SOURCE_NONE;
}

static int
find_template(void *arg, const char *name, struct job_source_item *ret, struct err *e)
{
	(void)arg;
	(void)e;
	if (strcmp(name, "step") == 0) {
		*ret = (struct job_source_item) {
			.name = "step", .revision = 1, .body = reader_json(step)
		};
		return 0;
	}
	if (strcmp(name, "shop") != 0)
		return JOB_SOURCE_NONE;
	*ret = (struct job_source_item) {
		.name = "shop", .revision = 4, .body = reader_json(reader_shop)
	};
	ret->id.u.b[0] = 9;
	return 0;
}

static int
find_flow(void *arg, const char *name, struct job_source_item *ret, struct err *e)
{
	(void)arg;
	(void)e;
	if (strcmp(name, "nightly") != 0)
		return JOB_SOURCE_NONE;
	*ret = (struct job_source_item) {
		.name = "nightly", .revision = 2, .body = reader_json(reader_nightly)
	};
	ret->id.u.b[0] = 10;
	return 0;
}

/* The first one failed, the others are new. */
static int
last_result(void *arg, const char *name, enum last_result *ret, struct err *e)
{
	(void)arg;
	(void)e;
	*ret = strcmp(name, saved[0].name) == 0 ? LAST_FAILED : LAST_NEW;
	return 0;
}

static int
find_selected(void *arg, const struct selector *selector, struct selector_counts *counts,
	int (*take)(void *taker, struct job_source_item *item), void *taker, struct err *e)
{
	(void)arg;
	static const char *const tags[] = { "smoke", "slow" };

	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		struct job_source_item item = { .name = saved[i].name };
		struct selector_test test = { .name = saved[i].name,
			.tags = tags,
			.n_tags = 1 + i,
			.last = last_result };

		if (selector_judge(selector, &test, counts, e) != 0)
			continue;
		item.body = reader_json(saved[i].body);
		if (take(taker, &item) < 0)
			return -1;
	}
	return 0;
}

const struct job_source reader_source = {
	.test = find_test,
	.tmpl = find_template,
	.flow = find_flow,
	.selected = find_selected,
};

struct job_spec
reader_ok(const char *text)
{
	json_t *job = reader_json(text);
	struct job_spec spec = { 0 };
	int r = job_spec_read(
		job, &reader_source, "", &reader_arena, &reader_issues, &spec, &reader_err);

	if (r != 0)
		fail_msg("%s: %s %s", text,
			reader_issues.n ? reader_issues.item[0].pointer : "",
			reader_issues.n ? reader_issues.item[0].detail : reader_err.text);
	json_decref(job);
	return spec;
}

void
reader_refuses(const char *text, const char *pointer, const char *code)
{
	json_t *job = reader_json(text);
	struct job_spec spec;
	bool found = false;

	reader_issues.n = reader_issues.n_more = 0;
	assert_int_equal(job_spec_read(job, &reader_source, "", &reader_arena, &reader_issues,
				 &spec, &reader_err),
		-1);
	for (size_t i = 0; i < reader_issues.n; i++)
		found = found ||
			(strcmp(reader_issues.item[i].pointer, pointer) == 0 &&
				strcmp(reader_issues.item[i].code, code) == 0);
	if (!found)
		fail_msg("%s: no %s at %s but %s %s", text, code, pointer,
			reader_issues.n ? reader_issues.item[0].code : "nothing",
			reader_issues.n ? reader_issues.item[0].pointer : "");
	reader_issues.n = reader_issues.n_more = 0;
	json_decref(job);
}

const char *
reader_body(const struct job_spec *spec, size_t test, const char *pointer)
{
	json_t *body = reader_json(spec->tests[test].body.p);
	json_t *value = json_pointer_get(body, pointer);
	char *text = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
	const char *copy = arena_strdup(&reader_arena, text ? text : "");

	free(text);
	json_decref(body);
	return copy;
}
