/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Put together from two others, so that no member is described twice: what the HTTP interface
 * takes as a job, and what a browser test says. Only what a file has besides stands here.
 */
#include "cli/schema_job.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "api/schemas.h"
#include "base/limits.h"
#include "browser_format/steps.h"

#define API_PREFIX "#/components/schemas/"
#define OUR_PREFIX "#/$defs/"

/* A tree of what a writer of ours wrote; owned. */
static json_t *
parsed(const struct buf *text)
{
	struct err err;
	json_t *tree = json_read(text->data, text->len, JSON_DEPTH_MAX, &err);

	assert(tree);
	return tree;
}

static json_t *
literal(const char *text)
{
	json_t *tree = json_loads(text, 0, NULL);

	assert(tree);
	return tree;
}

static json_t *
api_schemas(void)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(4));
	struct jw jw;

	jw_init(&jw, &text);
	schemas_write(&jw);
	return jw_done(&jw) < 0 ? NULL : parsed(&text);
}

static json_t *
browser_schema(void)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(4));

	return browser_test_schema(&text) < 0 ? NULL : parsed(&text);
}

/* --- References --- */

/*
 * Points references at $defs, moves what they name there from `from`, and leaves out what only
 * OpenAPI knows. Depth: that of the schemas, which nest a few levels.
 */
static void
settle(json_t *value, json_t *from, json_t *defs)
{
	const char *ref = json_string_value(json_object_get(value, "$ref"));
	const char *key;
	size_t index;
	json_t *item;

	if (ref && strncmp(ref, API_PREFIX, strlen(API_PREFIX)) == 0) {
		const char *name = ref + strlen(API_PREFIX);
		json_t *target = json_incref(json_object_get(from, name));

		if (!json_object_get(defs, name)) {
			(void)json_object_set(defs, name, target);
			settle(target, from, defs);
		}
		json_decref(target);
		json_t *ours = json_sprintf(OUR_PREFIX "%s", name);
		(void)json_object_set_new(value, "$ref", ours);
	}
	(void)json_object_del(value, "discriminator");
	json_object_foreach(value, key, item)
	{
		settle(item, from, defs);
	}
	json_array_foreach(value, index, item)
	{
		settle(item, from, defs);
	}
}

static json_t *
member_of(json_t *schemas, const char *name)
{
	return json_object_get(json_object_get(schemas, name), "properties");
}

/* --- What a file has besides --- */

static void
add_members_of_files(json_t *job, json_t *defs)
{
	json_t *members = json_object_get(job, "properties");

	(void)json_object_set_new(members, "services",
		literal("{\"type\":\"array\",\"description\":\"Programs that `proctor run` starts "
			"first and ends last.\",\"items\":{\"type\":\"object\","
			"\"required\":[\"command\"],\"additionalProperties\":false,"
			"\"properties\":{\"name\":{\"type\":\"string\"},"
			"\"command\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}},"
			"\"cwd\":{\"type\":\"string\"},\"env\":{\"type\":\"object\"},"
			"\"ready\":{\"type\":\"string\"},"
			"\"timeout\":{\"$ref\":\"#/$defs/Duration\"}}}}"));
	(void)json_object_set_new(members, "params",
		literal("{\"type\":\"object\",\"description\":\"Values, or declarations with type, "
			"default, required, enum.\"}"));
	static const char folder[] =
		"{\"type\":\"string\",\"description\":\"The folder of the browser tests below: "
		"pictures to compare with, files to upload, bodies of mocks.\"}";

	(void)json_object_set_new(members, "files", literal(folder));
	(void)json_object_set_new(member_of(defs, "FixtureRequest"), "files", literal(folder));
	(void)json_object_set_new(member_of(defs, "JobRequest"), "file",
		literal("{\"type\":\"string\",\"description\":\"In `run` of a stage: a job file, of which "
			"this is the content; params are its parameters.\"}"));
	(void)json_object_set_new(member_of(defs, "PlaywrightTest"), "shard",
		literal("{\"enum\":[\"test\",\"tests\",\"file\",\"files\"],\"description\":\"A run of its own for each "
			"of the project's tests or files.\"}"));
}

/* --- Browser tests --- */

/* Lists of any objects become lists of steps. */
static void
set_steps(json_t *members)
{
	static const char *const hooks[] = { "before", "after" };
	static const char *const each[] = { "beforeEach", "afterEach" };

	for (size_t i = 0; i < ARRAY_LEN(hooks); i++)
		(void)json_object_set_new(members, hooks[i],
			literal("{\"anyOf\":[{\"type\":\"array\",\"maxItems\":0},"
				"{\"$ref\":\"#/$defs/steps\"},{\"$ref\":\"#/$defs/JobTest\"}]}"));
	for (size_t i = 0; i < ARRAY_LEN(each); i++)
		(void)json_object_set_new(members, each[i],
			literal("{\"anyOf\":[{\"type\":\"array\",\"maxItems\":0},"
				"{\"$ref\":\"#/$defs/steps\"}]}"));
}

/* Takes `test`, the whole schema of a browser test. */
static void
add_browser_tests(json_t *test, json_t *defs)
{
	/* In a fixture a browser test need not say that it is one. */
	json_t *unnamed = json_copy(test);
	json_t *library = json_object_get(json_object_get(test, "properties"), "library");

	(void)json_object_update(defs, json_object_get(test, "$defs"));
	(void)json_object_del(unnamed, "$defs");
	(void)json_object_del(unnamed, "$schema");
	(void)json_object_del(unnamed, "title");
	(void)json_object_set_new(unnamed, "required", literal("[\"steps\"]"));
	(void)json_object_set_new(defs, "FixtureTest", unnamed);
	json_t *named = json_copy(unnamed);

	(void)json_object_set_new(named, "required", literal("[\"kind\",\"steps\"]"));
	(void)json_object_set_new(defs, "BrowserTest", named);
	(void)json_object_set_new(member_of(defs, "FixtureRequest"), "tests",
		literal("{\"type\":\"array\",\"minItems\":1,\"items\":{\"anyOf\":["
			"{\"$ref\":\"#/$defs/FixtureTest\"},{\"$ref\":\"#/$defs/JobTest\"}]}}"));
	(void)json_object_set(member_of(defs, "FixtureRequest"), "library", library);
	set_steps(member_of(defs, "FixtureRequest"));
	set_steps(member_of(defs, "HooksRequest"));
	json_decref(test);
}

/* --- The whole --- */

static int
write_schema(struct buf *out, const char *title, const char *about, json_t *also)
{
	_cleanup_(json_unrefp) json_t *api = api_schemas();
	json_t *browser = browser_schema();
	struct jw jw;

	if (!api || !browser) {
		json_decref(browser);
		return -1;
	}
	/* A copy: inside, stages refer to job requests, which files do not add to. */
	_cleanup_(json_unrefp) json_t *job = json_deep_copy(json_object_get(api, "JobRequest"));
	json_t *defs = json_object();

	settle(job, api, defs);
	add_browser_tests(browser, defs);
	(void)json_object_set(json_object_get(job, "properties"), "library",
		json_object_get(member_of(defs, "FixtureRequest"), "library"));
	add_members_of_files(job, defs);
	(void)json_object_set_new(
		job, "$schema", json_string("https://json-schema.org/draft/2020-12/schema"));
	(void)json_object_set_new(job, "title", json_string(title));
	(void)json_object_set_new(job, "description", json_string(about));
	(void)json_object_update_new(job, also);
	(void)json_object_set_new(job, "$defs", defs);
	jw_init(&jw, out);
	jw_tree(&jw, job);
	return jw_done(&jw);
}

int
job_file_schema(struct buf *out)
{
	return write_schema(out, "job", "A job file.", json_object());
}

int
flow_file_schema(struct buf *out)
{
	return write_schema(out, "flow", "A flow's file.",
		literal("{\"anyOf\":[{\"required\":[\"stages\"]},{\"required\":[\"chain\"]},"
			"{\"required\":[\"parallel\"]},{\"required\":[\"attempts\"]},"
			"{\"required\":[\"flow\"]}]}"));
}
