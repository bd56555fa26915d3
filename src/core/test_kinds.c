/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of members, and the few rules between members that a table cannot express. */
#include "core/test_kinds.h"

#include <string.h>

#include "base/limits.h"
#include "browser_format/steps.h"
#include "core/expr.h"

/* Largest struct of a kind: tests are decoded into it and only the common part is kept. */
struct any_test {
	struct test_common common;
	struct strs strs[3];
	const char *texts[6];
	json_t *trees[6];
	int word;
	int64_t number;
	bool flags[4];
};

#define AT(member) .offset = offsetof(struct any_test, member)

/* clang-format off */
#define COMMON_FIELDS \
	{ .name = "name", .kind = FIELD_STR, AT(common.name), .min = 1, .max = NAME_BYTES_MAX }, \
	{ .name = "kind", .kind = FIELD_STR, AT(common.kind), .min = 1, .max = 40, .required = true }, \
	{ .name = "description", .kind = FIELD_STR, AT(common.description), .min = 0, .max = MESSAGE_BYTES_MAX }, \
	{ .name = "owner", .kind = FIELD_STR, AT(common.owner), .min = 0, .max = NAME_BYTES_MAX }, \
	{ .name = "tags", .kind = FIELD_STRS, AT(common.tags), .min = 0, .max = TAGS_MAX, .item_max = TAG_BYTES_MAX }, \
	{ .name = "secrets", .kind = FIELD_STRS, AT(common.secrets), .min = 0, .max = TEST_SECRETS_MAX, .item_max = JSON_POINTER_BYTES_MAX }, \
	{ .name = "timeout", .kind = FIELD_DURATION, AT(common.timeout_ms), .min = 0, .max = RUN_TIMEOUT_MS_MAX }, \
	{ .name = "config", .kind = FIELD_OBJ, AT(common.config), .min = 0, .max = 1000 }, \
	{ .name = "outputSchema", .kind = FIELD_OBJ, AT(common.output_schema), .min = 0, .max = 1000 }, \
	{ .name = "extra", .kind = FIELD_OBJ, AT(common.extra), .min = 0, .max = 1000 }, \
	{ .name = "skip", .kind = FIELD_FLAG, AT(common.skip) }, \
	{ .name = "only", .kind = FIELD_FLAG, AT(common.only) }

static const char *const command_parse_names[] = { "exit", "junit", "tap", "json", NULL };

static const struct json_field command_fields[] = {
	COMMON_FIELDS,
	{ .name = "argv", .kind = FIELD_STRS, AT(strs[0]), .min = 1, .max = COMMAND_ARGS_MAX, .item_max = COMMAND_TEXT_BYTES_MAX, .required = true },
	{ .name = "env", .kind = FIELD_OBJ, AT(trees[0]), .min = 0, .max = COMMAND_ENV_MAX },
	{ .name = "files", .kind = FIELD_OBJ, AT(trees[1]), .min = 0, .max = 1000 },
	{ .name = "cwd", .kind = FIELD_STR, AT(texts[0]), .min = 1, .max = PATH_BYTES_MAX },
	{ .name = "stdin", .kind = FIELD_STR, AT(texts[1]), .min = 0, .max = BODY_BYTES_MAX },
	{ .name = "parse", .kind = FIELD_ENUM, AT(word), .names = command_parse_names },
	{ .name = "report", .kind = FIELD_ANY, AT(trees[2]) },
	{ .name = "bundle", .kind = FIELD_STR, AT(texts[2]), .min = 71, .max = 71 },
	{ 0 },
};

const struct json_field http_request_fields[] = {
	{ .name = "method", .kind = FIELD_STR, AT(texts[0]), .min = 1, .max = 20 },
	{ .name = "url", .kind = FIELD_STR, AT(texts[1]), .min = 1, .max = URL_BYTES_MAX, .required = true },
	{ .name = "headers", .kind = FIELD_OBJ, AT(trees[0]), .min = 0, .max = HEADERS_MAX },
	{ .name = "body", .kind = FIELD_STR, AT(texts[2]), .min = 0, .max = BODY_BYTES_MAX },
	{ .name = "json", .kind = FIELD_ANY, AT(trees[1]) },
	{ .name = "followRedirects", .kind = FIELD_FLAG, AT(flags[0]) },
	{ .name = "insecure", .kind = FIELD_FLAG, AT(flags[1]) },
	{ .name = "timeout", .kind = FIELD_DURATION, AT(number), .min = 1, .max = RUN_TIMEOUT_MS_MAX },
	{ 0 },
};

const struct json_field http_expect_fields[] = {
	{ .name = "status", .kind = FIELD_ANY, AT(trees[0]) },
	{ .name = "headers", .kind = FIELD_OBJ, AT(trees[1]), .min = 0, .max = HEADERS_MAX },
	{ .name = "json", .kind = FIELD_OBJ, AT(trees[2]), .min = 0, .max = 1000 },
	{ .name = "body", .kind = FIELD_ANY, AT(trees[3]) },
	{ .name = "within", .kind = FIELD_DURATION, AT(number), .min = 1, .max = RUN_TIMEOUT_MS_MAX },
	{ .name = "certificateDays", .kind = FIELD_INT, AT(number), .min = 0, .max = 36500 },
	{ 0 },
};

static const struct json_field http_fields[] = {
	COMMON_FIELDS,
	{ .name = "request", .kind = FIELD_ANY, AT(trees[0]), .required = true },
	{ .name = "expect", .kind = FIELD_OBJ, AT(trees[1]), .min = 0, .max = 100 },
	{ 0 },
};

static const struct json_field playwright_fields[] = {
	COMMON_FIELDS,
	{ .name = "script", .kind = FIELD_STR, AT(texts[0]), .min = 1, .max = BODY_BYTES_MAX },
	{ .name = "bundle", .kind = FIELD_STR, AT(texts[1]), .min = 71, .max = 71 },
	{ .name = "path", .kind = FIELD_STR, AT(texts[2]), .min = 1, .max = PATH_BYTES_MAX },
	{ .name = "paths", .kind = FIELD_STRS, AT(strs[0]), .min = 1, .max = 1000, .item_max = PATH_BYTES_MAX },
	{ .name = "grep", .kind = FIELD_STR, AT(texts[3]), .min = 1, .max = 4096 },
	{ .name = "grepInvert", .kind = FIELD_STR, AT(texts[4]), .min = 1, .max = 4096 },
	{ .name = "projectName", .kind = FIELD_ANY, AT(trees[0]) },
	{ .name = "env", .kind = FIELD_OBJ, AT(trees[1]), .min = 0, .max = COMMAND_ENV_MAX },
	{ 0 },
};

/* The shapes of src/browser_format say the rest. */
static const struct json_field browser_fields[] = {
	COMMON_FIELDS,
	{ .name = "url", .kind = FIELD_STR, AT(texts[0]), .min = 1, .max = URL_BYTES_MAX },
	{ .name = "steps", .kind = FIELD_ARR, AT(trees[0]), .min = 1, .max = BROWSER_STEPS_MAX, .required = true },
	{ .name = "before", .kind = FIELD_ARR, AT(trees[1]), .min = 0, .max = BROWSER_STEPS_MAX },
	{ .name = "after", .kind = FIELD_ARR, AT(trees[2]), .min = 0, .max = BROWSER_STEPS_MAX },
	{ .name = "fixture", .kind = FIELD_STR, AT(texts[2]), .min = 1, .max = NAME_BYTES_MAX }, /* written by the server, as the next two */
	{ .name = "setup", .kind = FIELD_ARR, AT(trees[3]), .min = 0, .max = 16 },
	{ .name = "teardown", .kind = FIELD_ARR, AT(trees[4]), .min = 0, .max = 16 },
	{ .name = "vars", .kind = FIELD_OBJ, AT(trees[5]), .min = 0, .max = 1000 },
	{ .name = "library", .kind = FIELD_OBJ, AT(trees[5]), .min = 0, .max = 1000 },
	{ .name = "testIdAttribute", .kind = FIELD_STR, AT(texts[1]), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "bundle", .kind = FIELD_STR, AT(texts[3]), .min = 71, .max = 71 },
	{ .name = "files", .kind = FIELD_STR, AT(texts[4]), .min = 1, .max = PATH_BYTES_MAX },
	{ 0 },
};

static const struct json_field testcafe_fields[] = {
	COMMON_FIELDS,
	{ .name = "bundle", .kind = FIELD_STR, AT(texts[0]), .min = 71, .max = 71 },
	{ .name = "path", .kind = FIELD_STR, AT(texts[1]), .min = 1, .max = PATH_BYTES_MAX },
	{ .name = "paths", .kind = FIELD_STRS, AT(strs[0]), .min = 1, .max = 1000, .item_max = PATH_BYTES_MAX },
	{ .name = "browsers", .kind = FIELD_ANY, AT(trees[0]) },
	{ .name = "grep", .kind = FIELD_STR, AT(texts[2]), .min = 1, .max = 4096 },
	{ .name = "testName", .kind = FIELD_STR, AT(texts[3]), .min = 1, .max = 4096 },
	{ .name = "fixture", .kind = FIELD_STR, AT(texts[4]), .min = 1, .max = 4096 },
	{ .name = "fixtureGrep", .kind = FIELD_STR, AT(texts[5]), .min = 1, .max = 4096 },
	{ .name = "meta", .kind = FIELD_OBJ, AT(trees[1]), .min = 0, .max = 100 },
	{ .name = "fixtureMeta", .kind = FIELD_OBJ, AT(trees[2]), .min = 0, .max = 100 },
	{ .name = "env", .kind = FIELD_OBJ, AT(trees[3]), .min = 0, .max = COMMAND_ENV_MAX },
	{ 0 },
};
/* clang-format on */

/* --- Rules between members --- */

static bool
is_scalar(const json_t *value)
{
	return json_is_string(value) || json_is_number(value) || json_is_boolean(value);
}

static void
check_scalars(json_t *test, const char *name, const char *pointer, struct issues *issues)
{
	json_t *object = json_object_get(test, name);
	const char *at = json_pointer_member(issues->arena, pointer, name);
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		if (!is_scalar(value))
			issues_add_member(issues, at, key, ISSUE_INVALID,
				"a text, number or boolean is expected");
	}
}

static bool
path_stays_inside(struct str path)
{
	if (path.n == 0 || path.n > PATH_BYTES_MAX || path.p[0] == '/')
		return false;
	while (path.p) {
		struct str part = str_split_first(&path, '/');

		if (part.n == 0 || part.n > 255 || str_eqz(part, ".") || str_eqz(part, ".."))
			return false;
	}
	return true;
}

static void
check_files(json_t *test, const char *pointer, struct issues *issues)
{
	const char *at = json_pointer_member(issues->arena, pointer, "files");
	const char *path;
	json_t *content;

	json_object_foreach(json_object_get(test, "files"), path, content)
	{
		if (!path_stays_inside(str_of(path)))
			issues_add_member(issues, at, path, ISSUE_INVALID,
				"the path must be relative and stay inside the run's folder");
		if (!json_is_string(content))
			issues_add_member(issues, at, path, ISSUE_INVALID, "text is expected");
	}
}

static bool
is_text_or_texts(json_t *value)
{
	size_t index;
	json_t *item;

	if (json_is_string(value))
		return json_string_length(value) > 0;
	if (!json_is_array(value) || json_array_size(value) == 0 ||
		json_array_size(value) > 100)
		return false;
	json_array_foreach(value, index, item)
	{
		if (!json_is_string(item))
			return false;
	}
	return true;
}

static void
check_texts(json_t *test, const char *name, const char *pointer, struct issues *issues)
{
	json_t *value = json_object_get(test, name);

	if (value && !is_text_or_texts(value))
		issues_add_member(issues, pointer, name, ISSUE_INVALID,
			"a text or a list of 1 to 100 texts is expected");
}

static void
check_bundle(json_t *test, const char *pointer, struct issues *issues)
{
	const char *bundle = json_string_value(json_object_get(test, "bundle"));

	if (!bundle || strncmp(bundle, "sha256:", 7) == 0 || expr_in_text(str_of(bundle)))
		return;
	issues_add_member(issues, pointer, "bundle", ISSUE_INVALID,
		"\"sha256:\" and 64 hex digits are expected, as POST /bundles answers");
}

/* Of a browser test: a bundle, or a folder of the machine that runs it. */
static void
check_folder(json_t *test, const char *pointer, struct issues *issues)
{
	const char *files = json_string_value(json_object_get(test, "files"));

	check_bundle(test, pointer, issues);
	if (files && files[0] != '/' && !expr_in_text(str_of(files)))
		issues_add_member(issues, pointer, "files", ISSUE_INVALID,
			"an absolute path is expected; `proctor run` and `proctor job submit` "
			"make one of a path in a job file");
	if (files && json_object_get(test, "bundle"))
		issues_add_member(issues, pointer, "files", ISSUE_INVALID,
			"files and bundle are two ways to say the same: give one of them");
}

static void
check_command(json_t *test, const char *pointer, struct issues *issues)
{
	check_scalars(test, "env", pointer, issues);
	check_files(test, pointer, issues);
	check_texts(test, "report", pointer, issues);
	check_bundle(test, pointer, issues);
}

static void
check_http(json_t *test, const char *pointer, struct issues *issues)
{
	json_t *request = json_object_get(test, "request");
	json_t *expect = json_object_get(test, "expect");
	struct any_test scratch = { 0 };
	/* Offences are what counts, they are in issues. */
	if (json_is_object(request))
		(void)(json_decode(request, http_request_fields, &scratch,
			       json_pointer_member(issues->arena, pointer, "request"),
			       issues) < 0);
	else if (request && !(json_is_string(request) && json_string_length(request) > 0))
		issues_add_member(issues, pointer, "request", ISSUE_INVALID,
			"\"METHOD address\" or an object is expected");
	if (json_is_object(expect))
		(void)(json_decode(expect, http_expect_fields, &scratch,
			       json_pointer_member(issues->arena, pointer, "expect"),
			       issues) < 0);
}

static void
check_playwright(json_t *test, const char *pointer, struct issues *issues)
{
	bool has_script = json_object_get(test, "script") != NULL;
	bool has_bundle = json_object_get(test, "bundle") != NULL;
	bool has_path = json_object_get(test, "path") != NULL;

	if (has_script ? has_bundle || has_path : !has_bundle && !has_path)
		issues_add(issues, pointer, ISSUE_MISSING,
			"one of script, bundle (with a path inside it) or path is expected");
	check_scalars(test, "env", pointer, issues);
	check_texts(test, "projectName", pointer, issues);
	check_bundle(test, pointer, issues);
}

static void
check_all_texts(json_t *test, const char *name, const char *pointer, struct issues *issues)
{
	const char *at = json_pointer_member(issues->arena, pointer, name);
	const char *key;
	json_t *value;

	json_object_foreach(json_object_get(test, name), key, value)
	{
		if (!json_is_string(value))
			issues_add_member(issues, at, key, ISSUE_INVALID, "a text is expected");
	}
}

static void
check_testcafe(json_t *test, const char *pointer, struct issues *issues)
{
	if (!json_object_get(test, "bundle") && !json_object_get(test, "path"))
		issues_add(issues, pointer, ISSUE_MISSING,
			"bundle (with a path inside it) or path is expected");
	check_texts(test, "browsers", pointer, issues);
	check_all_texts(test, "meta", pointer, issues);
	check_all_texts(test, "fixtureMeta", pointer, issues);
	check_scalars(test, "env", pointer, issues);
	check_bundle(test, pointer, issues);
}

const struct test_kind test_kinds[] = {
	{ "command", "any program; the verdict is its exit status or its report",
		command_fields, check_command },
	{ "http", "one request and what is expected of its response", http_fields, check_http },
	{ "playwright", "a script, a bundle or a project of @playwright/test",
		playwright_fields, check_playwright },
	{ "testcafe", "a TestCafe suite as it is: a bundle or a path", testcafe_fields,
		check_testcafe },
	{ "browser", "steps in a browser: what to do and what to expect", browser_fields,
		NULL },
	{ 0 },
};

/* --- Reading --- */

const struct test_kind *
test_kind_find(const char *name)
{
	for (const struct test_kind *kind = test_kinds; kind->name; kind++)
		if (strcmp(kind->name, name) == 0)
			return kind;
	return NULL;
}

/* Takes out offences about values that are only known once their expression is filled in. */
static void
forgive_exprs(json_t *test, const char *pointer, size_t first, struct issues *issues)
{
	size_t skip = strlen(pointer), n = first;

	for (size_t i = first; i < issues->n; i++) {
		json_t *value = json_pointer_get(test, issues->item[i].pointer + skip);

		if (json_is_string(value) &&
			expr_in_text(
				str_from(json_string_value(value), json_string_length(value))))
			continue;
		issues->item[n++] = issues->item[i];
	}
	issues->n = n;
}

static void
report_kind(json_t *kind, const char *pointer, struct issues *issues)
{
	const char *names[8] = { 0 };
	const char *near;

	for (size_t i = 0; test_kinds[i].name; i++)
		names[i] = test_kinds[i].name;
	if (!json_is_string(kind)) {
		issues_add_member(issues, pointer, "kind", kind ? ISSUE_INVALID : ISSUE_MISSING,
			"the kind of test is expected: command, http, playwright, testcafe or "
			"browser (or, for saved tests, `test: NAME` or `tags: EXPRESSION` alone)");
		return;
	}
	near = near_name(json_string_value(kind), names);
	issues_add_member(issues, pointer, "kind", ISSUE_INVALID,
		"there is no kind \"%.40s\"; known are command, http, playwright, "
		"testcafe, browser%s%s%s",
		json_string_value(kind), near ? " (did you mean " : "", near ? near : "",
		near ? "?)" : "");
}

int
test_read(json_t *test, bool has_exprs, const struct libraries *around, const char *pointer,
	struct issues *issues, struct test_common *ret)
{
	size_t first = issues->n, more = issues->n_more;
	struct any_test any = { 0 };
	json_t *name = json_object_get(test, "kind");

	if (!json_is_object(test)) {
		issues_add(issues, pointer, ISSUE_INVALID, "a test is an object");
		return -1;
	}
	const struct test_kind *kind =
		json_is_string(name) ? test_kind_find(json_string_value(name)) : NULL;

	if (!kind) {
		report_kind(name, pointer, issues);
		return -1;
	}
	int r = json_decode(test, kind->fields, &any, pointer, issues);

	if (kind->check)
		kind->check(test, pointer, issues);
	else if (kind->fields == browser_fields) {
		browser_test_check(test, around, pointer, issues);
		check_folder(test, pointer, issues);
	}
	if (has_exprs)
		forgive_exprs(test, pointer, first, issues);
	if (issues->n > first || issues->n_more > more)
		return -1;
	(void)r; /* its offences were forgiven or there were none */
	*ret = any.common;
	ret->kind = kind->name;
	return 0;
}
