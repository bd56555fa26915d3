/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the stages of a flow name is looked up when the flow is asked for, and again when a
 * stage is launched: a slip must not show after hours of waiting. Names and values with an
 * expression are known at the launch only.
 */
#include <string.h>

#include "core/expr.h"
#include "core/flow_json.h"
#include "core/job_json_impl.h"
#include "core/params.h"

struct look {
	const struct job_source *source;
	struct issues *issues;
	struct err *err;
};

static bool
names_something(json_t *run)
{
	json_t *tests = json_object_get(run, "tests");
	size_t index;
	json_t *item;

	if (json_object_get(run, "template") || json_object_get(run, "flow"))
		return true;
	json_array_foreach(tests, index, item)
	{
		if (json_object_get(item, "test") || job_is_selector(item))
			return true;
	}
	return false;
}

bool
flow_names_saved_things(const json_t *job)
{
	json_t *const lists[] = {
		json_object_get(job, "stages"),
		json_object_get(job, "chain"),
		json_object_get(job, "parallel"),
	};
	size_t index;
	json_t *item;

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		json_array_foreach(lists[i], index, item)
		{
			if (names_something(i == 0 ? json_object_get(item, "run") : item))
				return true;
		}
	}
	return names_something(json_object_get(json_object_get(job, "attempts"), "run"));
}

/* The saved template or flow that the member `what` of a run names. */
static int
look_up_saved(const struct look *look, json_t *stage, const char *what, const char *at)
{
	json_t *run = json_object_get(stage, "run");
	json_t *name = json_object_get(run, what);
	struct job_source_item item = { 0 };

	if (!json_is_string(name) || tree_has_expr(name))
		return 0;
	int r = (strcmp(what, "flow") == 0 ? look->source->flow : look->source->tmpl)(
		look->source->arg, json_string_value(name), &item, look->err);
	if (r == JOB_SOURCE_NONE)
		issues_add_member(look->issues, at, what, ISSUE_INVALID,
			"there is no %s \"%.100s\"", what, json_string_value(name));
	if (r != 0)
		return r < 0 ? -1 : 0;
	params_foresee(json_object_get(item.body, "params"), json_object_get(run, "params"),
		json_object_get(stage, "pass"),
		json_pointer_member(look->issues->arena, at, "params"), look->issues);
	json_decref(item.body);
	return 0;
}

static int
look_up_test(const struct look *look, const json_t *item, const char *at)
{
	json_t *name = json_object_get(item, "test"),
	       *revision = json_object_get(item, "revision");
	struct job_source_item saved = { 0 };

	if (!json_is_string(name) || tree_has_expr(name))
		return 0;
	int r = look->source->test(look->source->arg, json_string_value(name),
		json_integer_value(revision), &saved, look->err);
	if (r == JOB_SOURCE_NONE)
		issues_add_member(look->issues, at, "test", ISSUE_INVALID,
			"there is no test \"%.100s\"%s", json_string_value(name),
			revision ? " with that revision" : "");
	json_decref(saved.body);
	return r < 0 ? -1 : 0;
}

static int
take_none(void *taker, struct job_source_item *item)
{
	(void)taker;
	json_decref(item->body);
	return 0;
}

/* Tags and names; how tests end may change until the stage begins. */
static int
look_up_selected(const struct look *look, const json_t *item, const char *at)
{
	const struct selector_request request = {
		.tags = json_object_get(item, "tags"),
		.name = json_object_get(item, "name"),
	};
	struct selector selector;
	struct selector_counts counts = { 0 };
	const char *member;

	if (tree_has_expr(item) || !(request.tags || request.name) ||
		selector_read(
			&request, false, at, look->issues->arena, look->issues, &selector) < 0)
		return 0;
	if (look->source->selected(
		    look->source->arg, &selector, &counts, take_none, NULL, look->err) < 0)
		return -1;
	if (counts.chosen == 0) {
		const char *why =
			selector_why_none(&selector, &counts, look->issues->arena, &member);

		issues_add(look->issues, at, ISSUE_INVALID, "no test is selected: %s", why);
	}
	return 0;
}

static int
look_up_run(const struct look *look, json_t *stage, const char *at)
{
	struct arena *arena = look->issues->arena;
	json_t *run = json_object_get(stage, "run");
	json_t *tests = json_object_get(run, "tests");
	const char *at_tests = json_pointer_member(arena, at, "tests");
	size_t index;
	json_t *item;

	if (look_up_saved(look, stage, "template", at) < 0 ||
		look_up_saved(look, stage, "flow", at) < 0)
		return -1;
	json_array_foreach(tests, index, item)
	{
		const char *at_test = json_pointer_index(arena, at_tests, index);
		int r = json_object_get(item, "test") ? look_up_test(look, item, at_test)
			: job_is_selector(item)       ? look_up_selected(look, item, at_test)
						      : 0;
		if (r < 0)
			return -1;
	}
	return 0;
}

int
flow_names_check(const json_t *job, const struct job_source *source, const char *pointer,
	struct issues *issues, struct err *err)
{
	const struct look look = { source, issues, err };
	json_t *stages = json_object_get(job, "stages");
	const char *at_stages = json_pointer_member(issues->arena, pointer, "stages");
	size_t index;
	json_t *stage;

	json_array_foreach(stages, index, stage)
	{
		const char *at = json_pointer_index(issues->arena, at_stages, index);

		if (look_up_run(&look, stage, json_pointer_member(issues->arena, at, "run")) <
			0)
			return -1;
	}
	return 0;
}
