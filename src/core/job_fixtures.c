/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixtures and hooks of a job: what they put into the tests below them, which tests are left,
 * and where the hooks stand. docs/protocol/browser-jobs.md, 1 and 4.
 *
 * Hooks of a job or fixture become tests of their own behind the job's tests. Hooks of each
 * test become its `setup` and `teardown`, lists of steps with the place that they come from, so
 * that a runner needs to know nothing of fixtures.
 */
#include <string.h>

#include "base/limits.h"
#include "browser_format/config.h"
#include "browser_format/steps.h"
#include "core/job_json_impl.h"

/* clang-format off */
#define FIXTURE(member) .offset = offsetof(struct fixture_request, member)
const struct json_field job_fixture_fields[] = {
	{ .name = "name", .kind = FIELD_STR, FIXTURE(name), .min = 1, .max = NAME_BYTES_MAX, .required = true },
	{ .name = "tests", .kind = FIELD_ARR, FIXTURE(tests), .min = 1, .max = TESTS_PER_JOB_MAX, .required = true },
	{ .name = "disableConcurrency", .kind = FIELD_ANY, FIXTURE(disable_concurrency) },
	{ .name = "config", .kind = FIELD_OBJ, FIXTURE(config), .min = 0, .max = 1000 },
	{ .name = "library", .kind = FIELD_OBJ, FIXTURE(library), .min = 0, .max = 1000 },
	{ .name = "before", .kind = FIELD_ANY, FIXTURE(before) },
	{ .name = "after", .kind = FIELD_ANY, FIXTURE(after) },
	{ .name = "beforeEach", .kind = FIELD_ARR, FIXTURE(each.before), .min = 0, .max = HOOK_STEPS_MAX },
	{ .name = "afterEach", .kind = FIELD_ARR, FIXTURE(each.after), .min = 0, .max = HOOK_STEPS_MAX },
	{ .name = "skip", .kind = FIELD_FLAG, FIXTURE(skip) },
	{ .name = "only", .kind = FIELD_FLAG, FIXTURE(only) },
	{ 0 },
};

#define HOOK(member) .offset = offsetof(struct hooks_request, member)
const struct json_field job_hooks_fields[] = {
	{ .name = "before", .kind = FIELD_ANY, HOOK(before) },
	{ .name = "after", .kind = FIELD_ANY, HOOK(after) },
	{ .name = "beforeEach", .kind = FIELD_ARR, HOOK(each.before), .min = 0, .max = HOOK_STEPS_MAX },
	{ .name = "afterEach", .kind = FIELD_ARR, HOOK(each.after), .min = 0, .max = HOOK_STEPS_MAX },
	{ 0 },
};
/* clang-format on */

/* --- Libraries --- */

struct libraries
job_libraries(const struct reading *reading)
{
	const struct fixture_request *fixture = reading->fixture;

	return (struct libraries) { { fixture ? fixture->library : NULL, reading->library } };
}

/* An object, or the table has said so. Its entries may use those of the job. */
static void
check_library(json_t *library, json_t *of_job, const char *pointer, struct issues *issues)
{
	struct libraries around = { { NULL, of_job } };

	if (json_is_object(library))
		browser_library_check(library, &around,
			json_pointer_member(issues->arena, pointer, "library"), issues);
}

/* --- Steps that stand outside of a test --- */

/* Takes the member `steps` of a test that nobody wrote out of the pointers of its offences. */
static void
name_steps(struct reading *reading, size_t first, const char *at)
{
	struct issues *issues = reading->issues;
	size_t n = strlen(at), cut = strlen("/steps");

	for (size_t i = first; i < issues->n; i++) {
		struct issue *issue = &issues->item[i];

		if (strncmp(issue->pointer, at, n) != 0)
			continue;
		if (strncmp(issue->pointer + n, "/steps", cut) != 0) {
			issue->pointer = at; /* of the kind: there is nothing to point at */
			continue;
		}
		const char *pointer =
			arena_printf(reading->arena, "%s%s", at, issue->pointer + n + cut);

		issue->pointer = pointer ? pointer : at;
	}
}

/* { "kind": "browser", "steps": [...] }; owned by the caller. */
static json_t *
test_of_steps(json_t *steps)
{
	json_t *test = json_object();

	(void)json_object_set_new(test, "kind", json_string("browser"));
	(void)json_object_set(test, "steps", steps);
	return test;
}

static bool
has_steps(const json_t *steps)
{
	return json_array_size(steps) > 0;
}

static void
check_steps(struct reading *reading, json_t *steps, const char *pointer, const char *name)
{
	const char *at = json_pointer_member(reading->arena, pointer, name);
	size_t first = reading->issues->n;
	struct libraries around = job_libraries(reading);
	struct test_common common;

	if (!has_steps(steps))
		return;
	_cleanup_(json_unrefp) json_t *test = test_of_steps(steps);

	if (test_read(test, false, &around, at, reading->issues, &common) < 0)
		name_steps(reading, first, at);
}

static void
check_each(struct reading *reading, const struct each_hooks *each, const char *pointer)
{
	check_steps(reading, each->before, pointer, "beforeEach");
	check_steps(reading, each->after, pointer, "afterEach");
}

static bool
is_browser_test(const json_t *test)
{
	const char *kind = json_string_value(json_object_get(test, "kind"));

	return kind && strcmp(kind, "browser") == 0;
}

bool
job_has_browser_test(json_t *tests)
{
	size_t index;
	json_t *item;

	json_array_foreach(tests, index, item)
	{
		if (is_browser_test(item))
			return true;
	}
	return false;
}

/* A list of steps is one. */
static bool
is_browser_hook(const json_t *hook)
{
	return has_steps(hook) || is_browser_test(hook);
}

static bool
hooks_have_browser(const json_t *hooks)
{
	return is_browser_hook(json_object_get(hooks, "before")) ||
		is_browser_hook(json_object_get(hooks, "after"));
}

bool
job_tree_has_browser(const json_t *job)
{
	json_t *fixtures = json_object_get(job, "fixtures"), *item;
	size_t index;

	if (job_has_browser_test(json_object_get(job, "tests")) ||
		hooks_have_browser(json_object_get(job, "hooks")))
		return true;
	json_array_foreach(fixtures, index, item)
	{
		if (job_has_browser_test(json_object_get(item, "tests")) ||
			hooks_have_browser(item))
			return true;
	}
	return false;
}

/* Whether one of the tests from `first` on is of kind browser, saved ones too. */
static bool
has_read_browser(const struct reading *reading, size_t first)
{
	for (size_t i = first; i < reading->n_tests; i++)
		if (strcmp(reading->tests[i].spec.kind, "browser") == 0)
			return true;
	return false;
}

/* --- What a test becomes below its hooks --- */

static void
add_part(json_t *list, const char *in, json_t *steps)
{
	if (has_steps(steps))
		(void)json_array_append_new(
			list, json_pack("{s:s,s:O}", "in", in, "steps", steps));
}

static const char *
each_name(struct reading *reading, const char *which)
{
	const char *name =
		arena_printf(reading->arena, "%s of fixture %s", which, reading->fixture->name);

	return name ? name : which;
}

/* Sets the list in the test, or takes what was there away when it is empty. Takes `list`. */
static void
set_list(json_t *test, const char *name, json_t *list)
{
	if (json_array_size(list) > 0)
		(void)json_object_set_new(test, name, list);
	else
		json_decref(list);
}

static void
compose_steps(struct reading *reading, json_t *test)
{
	const struct fixture_request *fixture = reading->fixture;
	json_t *before = json_object_get(test, "before");
	json_t *after = json_object_get(test, "after");
	json_t *setup = json_array(), *teardown = json_array();

	add_part(setup, "beforeEach of the job", reading->each.before);
	if (before)
		add_part(setup, "before of the test", before);
	else if (fixture)
		add_part(setup, each_name(reading, "beforeEach"), fixture->each.before);
	if (after)
		add_part(teardown, "after of the test", after);
	else if (fixture)
		add_part(teardown, each_name(reading, "afterEach"), fixture->each.after);
	add_part(teardown, "afterEach of the job", reading->each.after);
	(void)json_object_del(test, "before");
	(void)json_object_del(test, "after");
	set_list(test, "setup", setup);
	set_list(test, "teardown", teardown);
}

static bool
has_each(const struct each_hooks *each)
{
	return has_steps(each->before) || has_steps(each->after);
}

static void
lay_config_under(json_t *test, json_t *config)
{
	json_t *own = json_object_get(test, "config");

	if (!own)
		(void)json_object_set(test, "config", config);
	else
		(void)json_object_update_missing(own, config);
}

int
job_compose_test(struct reading *reading, const struct test_common *common, json_t *test)
{
	const struct fixture_request *fixture = reading->fixture;
	bool is_browser = strcmp(common->kind, "browser") == 0;
	bool in_each = !reading->in_hook &&
		(has_each(&reading->each) || (fixture && has_each(&fixture->each)));

	(void)json_object_del(test, "skip");
	(void)json_object_del(test, "only");
	if (in_each && !is_browser) {
		issues_add(reading->issues, reading->at, ISSUE_INVALID,
			"beforeEach and afterEach go with tests of kind browser, this is %s",
			common->kind);
		return -1;
	}
	if (fixture && fixture->config)
		lay_config_under(test, fixture->config);
	if (fixture && is_browser)
		(void)json_object_set_new(test, "fixture", json_string(fixture->name));
	if (in_each)
		compose_steps(reading, test);
	if (is_browser) {
		struct libraries around = job_libraries(reading);

		library_lend(test, &around);
	}
	return 0;
}

/* --- Reading --- */

static void
default_kind(json_t *tests)
{
	size_t index;
	json_t *item;

	json_array_foreach(tests, index, item)
	{
		if (json_is_object(item) && !json_object_get(item, "kind") &&
			!json_object_get(item, "test") && !job_is_plain_selector(item))
			(void)json_object_set_new(item, "kind", json_string("browser"));
	}
}

static void
check_mode(struct reading *reading, const json_t *value, const char *at)
{
	const char *word = json_string_value(value);

	if (value && !json_is_boolean(value) && !(word && strcmp(word, "isolated") == 0))
		issues_add_member(reading->issues, at, "disableConcurrency", ISSUE_INVALID,
			"true, false or \"isolated\" is expected");
}

static int
read_fixture(
	struct reading *reading, json_t *item, const char *at, struct fixture_request *fixture)
{
	/* An offence of one member does not hide those of the tests. */
	if (!json_is_object(item)) {
		issues_add(reading->issues, at, ISSUE_INVALID, "a fixture is an object");
		return 0;
	}
	(void)(json_decode(item, job_fixture_fields, fixture, at, reading->issues) < 0);
	if (!fixture->name)
		fixture->name = "";
	reading->fixture = fixture;
	check_library(fixture->library, reading->library, at, reading->issues);
	check_each(reading, &fixture->each, at);
	default_kind(fixture->tests);
	check_mode(reading, fixture->disable_concurrency, at);
	size_t first = reading->n_tests;
	int r = job_read_tests(
		reading, fixture->tests, json_pointer_member(reading->arena, at, "tests"));

	reading->fixture = NULL;
	/* Checked where it stands: in a test it could no longer be named. */
	if (fixture->config &&
		(job_has_browser_test(fixture->tests) || has_read_browser(reading, first)))
		(void)(config_check(fixture->config,
			       json_pointer_member(reading->arena, at, "config"),
			       reading->issues) < 0);
	return r < 0 && reading->err->code != 0 ? -1 : 0;
}

static int
read_fixture_list(struct reading *reading, json_t *fixtures)
{
	const char *base = json_pointer_member(reading->arena, reading->pointer, "fixtures");
	size_t index, n = json_array_size(fixtures);
	json_t *item;

	if (n == 0 || n > FIXTURES_PER_JOB_MAX)
		return 0;
	reading->fixtures = arena_calloc(reading->arena, n, sizeof *reading->fixtures);
	if (!reading->fixtures) {
		issues_add(reading->issues, base, ISSUE_LIMIT, "the job is too large");
		return 0;
	}
	reading->n_fixtures = n;
	json_array_foreach(fixtures, index, item)
	{
		if (read_fixture(reading, item, json_pointer_index(reading->arena, base, index),
			    &reading->fixtures[index]) < 0)
			return -1;
	}
	return 0;
}

/* --- Hooks of their own --- */

struct hook_place {
	json_t *hook;
	const char *pointer; /* of the object that has it */
	const char *member;  /* "before" or "after" */
	const char *name;
	int64_t timeout_ms;
	int32_t *place;
};

static int
read_hook_of_steps(struct reading *reading, json_t *steps, const char *name)
{
	size_t first = reading->issues->n;
	_cleanup_(json_unrefp) json_t *test = test_of_steps(steps);

	(void)json_object_set_new(test, "name", json_string(name));
	int r = job_read_item(reading, test);

	name_steps(reading, first, reading->at);
	return r;
}

/* Puts the hook behind the tests. -1: issues, or the source failed. */
static int
read_hook(struct reading *reading, const struct hook_place *place)
{
	size_t at = reading->n_tests;
	int r;

	*place->place = -1;
	if (!place->hook || (json_is_array(place->hook) && !has_steps(place->hook)))
		return 0;
	reading->at = json_pointer_member(reading->arena, place->pointer, place->member);
	reading->in_hook = true;
	if (json_is_array(place->hook)) {
		r = read_hook_of_steps(reading, place->hook, place->name);
	} else if (json_is_object(place->hook) && !job_is_selector(place->hook)) {
		r = job_read_item(reading, place->hook);
	} else {
		issues_add(reading->issues, reading->at, ISSUE_INVALID,
			"a list of steps or a test is expected");
		r = -1;
	}
	reading->in_hook = false;
	if (r < 0 || reading->n_tests != at + 1)
		return -1;
	reading->tests[at].spec.name = place->name;
	if (reading->tests[at].spec.timeout_ms == 0)
		reading->tests[at].spec.timeout_ms = place->timeout_ms;
	reading->tests[at].spec.skip = false;
	*place->place = (int32_t)at;
	return 0;
}

static int
read_hook_pair(struct reading *reading, struct hook_place *place, json_t *before, json_t *after,
	const char *of, int32_t ret_places[2])
{
	static const char *const members[] = { "before", "after" };
	json_t *const hooks[] = { before, after };

	ret_places[0] = ret_places[1] = -1;
	for (size_t i = 0; i < 2; i++) {
		const char *name = arena_printf(reading->arena, "%s of %s", members[i], of);

		place->hook = hooks[i];
		place->member = members[i];
		place->name = name ? name : members[i];
		place->place = &ret_places[i];
		if (read_hook(reading, place) < 0 && reading->err->code != 0)
			return -1;
	}
	return 0;
}

/* --- What is left, and where it stands --- */

static bool
any_only(const struct reading *reading)
{
	for (size_t i = 0; i < reading->n_tests; i++)
		if (reading->tests[i].only)
			return true;
	return false;
}

static void
drop_others(struct reading *reading)
{
	size_t n = 0;

	if (!any_only(reading))
		return;
	for (size_t i = 0; i < reading->n_tests; i++)
		if (reading->tests[i].only)
			reading->tests[n++] = reading->tests[i];
	reading->n_tests = n;
}

/* Appends a fixture for each run of neighbours; returns how many there are. */
static size_t
cut_fixtures(const struct reading *reading, size_t n_tests, struct fixture_spec *fixtures,
	int32_t *ret_requests)
{
	size_t n = 0;

	for (size_t i = 0; i < n_tests; i++) {
		int32_t request = reading->tests[i].fixture;

		if (n > 0 && ret_requests[n - 1] == request) {
			fixtures[n - 1].n_tests++;
			continue;
		}
		ret_requests[n] = request;
		fixtures[n++] = (struct fixture_spec) {
			.name = request >= 0 ? reading->fixtures[request].name : "",
			.first = (int32_t)i,
			.n_tests = 1,
			.before = -1,
			.after = -1,
		};
	}
	return n;
}

static int
read_fixture_hooks(struct reading *reading, struct fixture_spec *fixture, int32_t request,
	int64_t timeout_ms)
{
	const char *base = json_pointer_member(reading->arena, reading->pointer, "fixtures");
	const struct fixture_request *from = &reading->fixtures[request];
	const char *of = arena_printf(reading->arena, "fixture %s", from->name);
	struct hook_place place = {
		.pointer = json_pointer_index(reading->arena, base, (size_t)request),
		.timeout_ms = timeout_ms,
	};
	int32_t places[2];

	fixture->mode = json_is_string(from->disable_concurrency) ? FIXTURE_ISOLATED
		: json_is_true(from->disable_concurrency)         ? FIXTURE_SERIAL
								  : FIXTURE_SHARED;
	reading->fixture = from;
	int r = read_hook_pair(
		reading, &place, from->before, from->after, of ? of : "a fixture", places);

	reading->fixture = NULL;
	fixture->before = places[0];
	fixture->after = places[1];
	return r;
}

static int
place_fixtures(struct reading *reading, int64_t timeout_ms, struct job_spec *spec)
{
	size_t n_tests = reading->n_tests, n_max = reading->n_fixtures + 1;
	struct fixture_spec *fixtures = arena_calloc(reading->arena, n_max, sizeof *fixtures);
	int32_t *requests = arena_calloc(reading->arena, n_max, sizeof *requests);

	if (!fixtures || !requests) {
		issues_add(
			reading->issues, reading->pointer, ISSUE_LIMIT, "the job is too large");
		return 0;
	}
	spec->fixtures = fixtures;
	spec->n_fixtures = cut_fixtures(reading, n_tests, fixtures, requests);
	for (size_t i = 0; i < spec->n_fixtures; i++)
		if (requests[i] >= 0 &&
			read_fixture_hooks(reading, &fixtures[i], requests[i], timeout_ms) < 0)
			return -1;
	return 0;
}

static void
fill_tests(struct reading *reading, size_t n_tests, struct job_spec *spec)
{
	struct test_spec *tests =
		arena_calloc(reading->arena, reading->n_tests + 1, sizeof *tests);

	if (!tests) {
		issues_add(reading->issues, reading->pointer, ISSUE_LIMIT,
			"the tests are too large together");
		return;
	}
	for (size_t i = 0; i < reading->n_tests; i++) {
		tests[i] = reading->tests[i].spec;
		spec->is_grouped = spec->is_grouped || tests[i].skip;
	}
	spec->tests = tests;
	spec->n_tests = n_tests;
	spec->n_hooks = reading->n_tests - n_tests;
}

static void
read_job_hooks(struct reading *reading, json_t *hooks, struct hooks_request *ret)
{
	const char *at = json_pointer_member(reading->arena, reading->pointer, "hooks");

	*ret = (struct hooks_request) { 0 };
	if (!json_is_object(hooks))
		return; /* absent, or the job's table says so */
	/* Offences end in issues. */
	(void)(json_decode(hooks, job_hooks_fields, ret, at, reading->issues) < 0);
	check_each(reading, &ret->each, at);
	reading->each = ret->each;
}

int
job_read_fixtures(
	struct reading *reading, json_t *job, int64_t hook_timeout_ms, struct job_spec *spec)
{
	json_t *hooks = json_object_get(job, "hooks"), *tests = json_object_get(job, "tests");
	json_t *fixtures = json_object_get(job, "fixtures");
	struct hooks_request own;
	struct hook_place place = {
		.pointer = json_pointer_member(reading->arena, reading->pointer, "hooks"),
		.timeout_ms = hook_timeout_ms,
	};
	int32_t places[2];

	reading->library = json_object_get(job, "library");
	check_library(reading->library, NULL, reading->pointer, reading->issues);
	read_job_hooks(reading, hooks, &own);
	if (job_read_tests(reading, tests,
		    json_pointer_member(reading->arena, reading->pointer, "tests")) < 0 &&
		reading->err->code != 0)
		return -1;
	if (read_fixture_list(reading, fixtures) < 0)
		return -1;
	drop_others(reading);
	size_t n_tests = reading->n_tests;

	spec->is_grouped = hooks || fixtures || json_object_get(job, "browsers");
	if (place_fixtures(reading, hook_timeout_ms, spec) < 0 ||
		read_hook_pair(reading, &place, own.before, own.after, "the job", places) < 0)
		return -1;
	spec->before = places[0];
	spec->after = places[1];
	fill_tests(reading, n_tests, spec);
	return 0;
}

/* --- Templates --- */

void
job_check_template_fixtures(json_t *tmpl, struct issues *issues, check_tests_fn *check_tests)
{
	json_t *fixtures = json_object_get(tmpl, "fixtures"), *item;
	json_t *library = json_object_get(tmpl, "library");
	size_t index;

	check_library(library, NULL, "", issues);
	json_array_foreach(fixtures, index, item)
	{
		const char *at = json_pointer_index(issues->arena, "/fixtures", index);
		struct fixture_request fixture = { 0 };

		if (!json_is_object(item)) {
			issues_add(issues, at, ISSUE_INVALID, "a fixture is an object");
			continue;
		}
		/* Offences end in issues. */
		(void)(json_decode(item, job_fixture_fields, &fixture, at, issues) < 0);
		check_library(fixture.library, library, at, issues);
		default_kind(fixture.tests);
		if (fixture.config && job_has_browser_test(fixture.tests))
			(void)(config_check(fixture.config,
				       json_pointer_member(issues->arena, at, "config"),
				       issues) < 0);
		struct libraries around = { { fixture.library, library } };

		(void)(check_tests(fixture.tests, &around,
			       json_pointer_member(issues->arena, at, "tests"), issues) < 0);
	}
}
