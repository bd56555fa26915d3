/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The text:
 * {"fixtures":[[name,first,n,mode,before,after],…],"before":n,"after":n,"skip":[test,…]}
 */
#include "core/layout.h"

#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

const char *
layout_write(const struct job_spec *spec, struct arena *arena)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(LAYOUT_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &out);
	jw_obj(&jw);
	jw_karr(&jw, "fixtures");
	for (size_t i = 0; i < spec->n_fixtures; i++) {
		const struct fixture_spec *fixture = &spec->fixtures[i];
		jw_arr(&jw);
		jw_str(&jw, fixture->name);
		jw_i64(&jw, fixture->first);
		jw_i64(&jw, fixture->n_tests);
		jw_i64(&jw, fixture->mode);
		jw_i64(&jw, fixture->before);
		jw_i64(&jw, fixture->after);
		jw_end_arr(&jw);
	}
	jw_end_arr(&jw);
	jw_ki64(&jw, "before", spec->before);
	jw_ki64(&jw, "after", spec->after);
	jw_karr(&jw, "skip");
	for (size_t i = 0; i < spec->n_tests; i++) {
		if (spec->tests[i].skip)
			jw_i64(&jw, (int64_t)i);
	}
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	/* Names are cut by the reader of jobs, so the text has its limit. */
	int r = jw_done(&jw);
	char *copy = arena_xalloc(arena, out.len + 1);
	if (r == 0)
		memcpy(copy, out.data, out.len);
	return copy;
}

static int
read_fixture(const json_t *item, struct arena *arena, struct fixture_spec *ret)
{
	const char *name;
	int mode;

	if (json_unpack((json_t *)(uintptr_t)item, "[s,i,i,i,i,i]", &name, &ret->first,
		    &ret->n_tests, &mode, &ret->before, &ret->after) < 0 ||
		mode < FIXTURE_SHARED || mode > FIXTURE_ISOLATED || ret->n_tests < 1 ||
		ret->n_tests > TESTS_PER_JOB_MAX)
		return -1;
	ret->mode = (enum fixture_mode)mode;
	ret->name = arena_strdup(arena, name);
	return ret->name ? 0 : -1;
}

/* Fixtures one behind the other, over all tests. */
static int
read_fixtures(const json_t *items, struct arena *arena, struct layout *ret)
{
	int32_t next = 0;

	ret->n_fixtures = (int32_t)json_array_size(items);
	ret->fixtures =
		arena_calloc(arena, (size_t)ret->n_fixtures + 1, sizeof(struct fixture_spec));
	if (!ret->fixtures)
		return -1;
	for (int32_t i = 0; i < ret->n_fixtures; i++) {
		struct fixture_spec *fixture = &ret->fixtures[i];
		if (read_fixture(json_array_get(items, (size_t)i), arena, fixture) < 0 ||
			fixture->first != next)
			return -1;
		next += fixture->n_tests;
	}
	return next == ret->n_tests ? 0 : -1;
}

static int
read_skips(const json_t *items, struct arena *arena, struct layout *ret)
{
	ret->skip = arena_calloc(arena, (size_t)ret->n_tests, sizeof(bool));
	if (!ret->skip)
		return -1;
	for (size_t i = 0; i < json_array_size(items); i++) {
		json_int_t test = json_integer_value(json_array_get(items, i));
		if (test < 0 || test >= ret->n_tests)
			return -1;
		ret->skip[test] = true;
	}
	ret->n_live = ret->n_tests - (int32_t)json_array_size(items);
	return 0;
}

int
layout_read(const char *text, int32_t n_tests, struct arena *arena, struct layout *ret,
	struct err *err)
{
	json_t *fixtures, *skip;
	_cleanup_(json_unrefp) json_t *tree = json_loads(text, 0, NULL);

	*ret = (struct layout) { .n_tests = n_tests };
	if (json_unpack(tree, "{s:o,s:i,s:i,s:o}", "fixtures", &fixtures, "before",
		    &ret->before, "after", &ret->after, "skip", &skip) < 0 ||
		read_fixtures(fixtures, arena, ret) < 0 || read_skips(skip, arena, ret) < 0)
		return err_set(err, ERR_CORRUPT, "the layout of a job cannot be read");
	return 0;
}

enum run_role
layout_role(const struct layout *layout, int32_t test, int32_t *ret_fixture)
{
	*ret_fixture = layout_fixture_of(layout, test);
	if (test < layout->n_tests)
		return RUN_ROLE_TEST;
	if (test == layout->before)
		return RUN_ROLE_BEFORE_JOB;
	if (test == layout->after)
		return RUN_ROLE_AFTER_JOB;
	for (int32_t i = 0; i < layout->n_fixtures; i++) {
		const struct fixture_spec *fixture = &layout->fixtures[i];
		*ret_fixture = i;
		if (test == fixture->before)
			return RUN_ROLE_BEFORE_FIXTURE;
		if (test == fixture->after)
			return RUN_ROLE_AFTER_FIXTURE;
	}
	*ret_fixture = -1;
	return RUN_ROLE_TEST;
}

const char *
run_role_name(enum run_role role)
{
	static const char *const names[RUN_ROLE_COUNT] = {
		[RUN_ROLE_TEST] = NULL,
		[RUN_ROLE_BEFORE_JOB] = "before_job",
		[RUN_ROLE_AFTER_JOB] = "after_job",
		[RUN_ROLE_BEFORE_FIXTURE] = "before_fixture",
		[RUN_ROLE_AFTER_FIXTURE] = "after_fixture",
	};

	return names[role];
}

int32_t
layout_fixture_of(const struct layout *layout, int32_t test)
{
	int32_t low = 0, high = layout->n_fixtures;

	if (test >= layout->n_tests)
		return -1;
	while (high - low > 1) {
		int32_t middle = (low + high) / 2;
		if (layout->fixtures[middle].first <= test)
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool
layout_is_idle(const struct layout *layout, int32_t fixture)
{
	const struct fixture_spec *spec = &layout->fixtures[fixture];

	for (int32_t i = 0; i < spec->n_tests; i++) {
		if (!layout->skip[spec->first + i])
			return false;
	}
	return true;
}
