/* SPDX-License-Identifier: Apache-2.0 */
/* Job files, Playwright and TestCafe paths to a job request. */
#include "cli/job_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/params.h"
#include "cli/select.h"
#include "cli/test_files.h"
#include "core/expr.h"

/* --- What kind of path it is --- */

enum path_kind { PATH_UNKNOWN, PATH_JOB_FILE, PATH_PLAYWRIGHT, PATH_TESTCAFE };

static bool
ends_with(const char *name, const char *const *endings)
{
	for (; *endings; endings++) {
		if (str_ends(str_of(name), str_of(*endings)))
			return true;
	}
	return false;
}

static bool
is_spec(const char *name)
{
	static const char *const endings[] = { ".spec.ts", ".spec.js", ".spec.mjs", ".spec.mts",
		".spec.cjs", ".spec.cts", ".spec.tsx", ".spec.jsx", ".test.ts", ".test.js",
		".test.mjs", ".test.mts", ".test.cjs", ".test.cts", ".test.tsx", ".test.jsx",
		NULL };

	return ends_with(name, endings);
}

static bool
is_playwright_config(const char *name)
{
	return strncmp(name, "playwright.config.", strlen("playwright.config.")) == 0;
}

static bool
is_testcafe_config(const char *name)
{
	return strncmp(name, ".testcaferc.", strlen(".testcaferc.")) == 0;
}

static const char *
base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/*
 * TestCafe files have no names of their own, so it is their text that tells: they import
 * `testcafe`, or a line begins with `fixture`.
 */
static bool
is_testcafe_source(const char *path)
{
	static const char *const endings[] = { ".js", ".ts", ".mjs", ".cjs", ".jsx", ".tsx",
		NULL };
	static const char *const signs[] = { "'testcafe'", "\"testcafe\"", "\nfixture(",
		"\nfixture `", "\nfixture`", NULL };
	char text[16 * 1024 + 2] = "\n";

	if (!ends_with(path, endings))
		return false;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read(fd, text + 1, sizeof text - 2);
	if (n <= 0)
		return false;
	text[1 + n] = '\0';
	for (size_t i = 0; signs[i]; i++) {
		if (strstr(text, signs[i]))
			return true;
	}
	return false;
}

static enum path_kind
kind_of_file(const char *path)
{
	static const char *const job_files[] = { ".yaml", ".yml", ".json", NULL };
	const char *name = base_name(path);

	if (is_testcafe_config(name))
		return PATH_TESTCAFE;
	if (is_playwright_config(name))
		return PATH_PLAYWRIGHT;
	if (is_testcafe_source(path))
		return PATH_TESTCAFE;
	if (is_spec(name))
		return PATH_PLAYWRIGHT;
	if (ends_with(name, job_files))
		return PATH_JOB_FILE;
	return PATH_UNKNOWN;
}

static bool
is_below(const struct dirent *entry)
{
	return entry->d_type == DT_DIR && entry->d_name[0] != '.' &&
		strcmp(entry->d_name, "node_modules") != 0;
}

/*
 * Looks for Playwright's and TestCafe's files in a folder and what is below it: a configuration
 * decides, otherwise the first file that is a test. Sets *ret_job_file (owned) when the folder
 * itself has a *.proctor.yaml.
 */
static enum path_kind
kind_of_folder(const char *path, int depth, char **ret_job_file)
{
	DIR *dir = opendir(path);
	enum path_kind kind = PATH_UNKNOWN, configured = PATH_UNKNOWN;
	struct dirent *entry;

	if (!dir)
		return PATH_UNKNOWN;
	while (configured != PATH_PLAYWRIGHT && (entry = readdir(dir)) != NULL) {
		_cleanup_free_ char *below = xasprintf("%s/%s", path, entry->d_name);
		if (ret_job_file && !*ret_job_file &&
			str_ends(str_of(entry->d_name), STR(".proctor.yaml")))
			*ret_job_file = xasprintf("%s/%s", path, entry->d_name);
		if (is_playwright_config(entry->d_name) || is_testcafe_config(entry->d_name))
			configured = kind_of_file(below);
		if (kind != PATH_UNKNOWN || configured != PATH_UNKNOWN)
			continue;
		enum path_kind one = kind_of_file(below);
		if (is_below(entry) && depth > 0)
			one = kind_of_folder(below, depth - 1, NULL);
		if (one != PATH_JOB_FILE)
			kind = one;
	}
	(void)closedir(dir);
	return configured != PATH_UNKNOWN ? configured : kind;
}

static enum path_kind
kind_of_path(const char *path, char **ret_job_file)
{
	struct stat info;

	if (stat(path, &info) < 0)
		return PATH_UNKNOWN;
	return S_ISDIR(info.st_mode) ? kind_of_folder(path, 8, ret_job_file)
				     : kind_of_file(path);
}

/* --- Reading a file --- */

int
job_file_read_any(struct yaml *ret, const char *path, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(CONFIG_BYTES_MAX);

	if (file_read(path, CONFIG_BYTES_MAX, &text, err) < 0)
		return -1;
	if (!str_ends(str_of(path), STR(".json"))) {
		if (yaml_read(ret, buf_text(&text), text.len, err) < 0)
			return err_wrap(err, "%s", path);
		return 0;
	}
	json_t *root = json_read(buf_text(&text), text.len, JSON_DEPTH_MAX, err);
	if (!root)
		return err_wrap(err, "%s", path);
	map_init(&ret->lines, MAP_KEYS_COPIED);
	ret->root = root;
	return 0;
}

static int
absolute_dir(struct job_file *file, const char *path, struct err *err)
{
	_cleanup_free_ char *real = realpath(path, NULL);

	if (!real)
		return err_sys(err, ERR_INVALID, errno, "%s", path);
	char *slash = strrchr(real, '/');
	*(slash == real ? slash + 1 : slash) = '\0';
	file->dir = arena_strdup(&file->arena, real);
	return file->dir ? 0 : err_set(err, ERR_LIMIT, "%s: path too long", path);
}

static int
refused(const struct job_file *file, struct err *err)
{
	if (file->issues->n == 0)
		return 0;
	return err_set(err, ERR_INVALID, "%s: %zu offence%s", file->path,
		file->issues->n + file->issues->n_more,
		file->issues->n + file->issues->n_more == 1 ? "" : "s");
}

static int
load_yaml(struct job_file *file, const char *path, const struct cli *cli, struct err *err)
{
	const struct cli_value *params = cli_all(cli, "param");

	file->path = path;
	if (absolute_dir(file, path, err) < 0 || job_file_read_any(&file->yaml, path, err) < 0)
		return -1;
	if (!json_is_object(file->yaml.root))
		return err_set(err, ERR_INVALID, "%s: a job is expected, as an object", path);
	file->job = json_deep_copy(file->yaml.root);
	file->services = json_incref(json_object_get(file->job, "services"));
	(void)json_object_del(file->job, "services");

	const json_t *declared = json_object_get(file->job, "params");
	bool has_template = json_object_get(file->job, "template") != NULL ||
		json_object_get(file->job, "flow") != NULL;
	/* With a template the declarations are the server's. */
	json_t *values = has_template
		? params_given(params->text, params->n)
		: params_resolve(declared, params->text, params->n, file->issues);
	if (has_template && json_is_object(declared))
		(void)json_object_update_missing(values, (json_t *)declared);
	_cleanup_(json_unrefp) json_t *roots = json_pack("{s:O}", "params", values);
	const struct expr_scope scope = { .roots = roots, .later = expr_later_than_job };
	if (file->services)
		(void)expr_expand(&file->services, &scope, "/services", file->issues);
	if (json_object_size(values) > 0)
		(void)json_object_set_new(file->job, "params", values);
	else {
		json_decref(values);
		(void)json_object_del(file->job, "params");
	}
	if (!json_object_get(file->job, "name"))
		(void)json_object_set_new(file->job, "name", json_string(base_name(path)));
	return refused(file, err);
}

/* Of a declaration that leaves it out, as only files may. */
static void
say_type(json_t *declared, const char *name, json_t *declaration)
{
	json_t *preset = json_object_get(declaration, "default");

	if (!params_is_declaration(declaration) || json_object_get(declaration, "type"))
		return;
	if (preset)
		(void)json_object_set(declared, name, preset);
	else
		(void)json_object_set_new(declaration, "type", json_string("string"));
}

/*
 * What is given takes the place of declarations, which otherwise stay: the server has more to
 * give them, such as results of an earlier stage. An expression has its type there too.
 */
static int
settle_part(json_t *job, const json_t *given, struct err *err)
{
	_cleanup_(json_unrefp) json_t *texts = json_copy((json_t *)given);
	json_t *declared = json_object_get(job, "params"), *one;
	const char *name;
	void *next;

	json_object_foreach_safe(texts, next, name, one)
	{
		if (json_is_string(one) && expr_in_text(str_of(json_string_value(one))))
			(void)json_object_del(texts, name);
	}
	if (params_retype(texts, declared, err) < 0)
		return -1;
	if (!json_is_object(declared)) {
		if (json_object_size(given) == 0)
			return 0;
		(void)json_object_set_new(job, "params", declared = json_object());
	}
	json_object_foreach_safe(declared, next, name, one) say_type(declared, name, one);
	(void)json_object_update(declared, (json_t *)given);
	return json_object_update(declared, texts);
}

int
job_file_load_part(
	struct job_file *ret, const char *path, const json_t *params, struct err *err)
{
	*ret = (struct job_file) { .path = path };
	arena_init(&ret->arena, MIB(64));
	ret->issues = arena_xalloc(&ret->arena, sizeof *ret->issues);
	ret->issues->arena = &ret->arena;
	if (absolute_dir(ret, path, err) < 0 || job_file_read_any(&ret->yaml, path, err) < 0)
		return -1;
	if (!json_is_object(ret->yaml.root))
		return err_set(err, ERR_INVALID, "%s: a job is expected, as an object", path);
	ret->job = json_deep_copy(ret->yaml.root);
	(void)json_object_del(ret->job, "services");
	if (settle_part(ret->job, params, err) < 0)
		return err_wrap(err, "%s", path);
	if (!json_object_get(ret->job, "name"))
		(void)json_object_set_new(ret->job, "name", json_string(base_name(path)));
	return 0;
}

/* --- Paths of tests --- */

static json_t *
test_of_path(const char *path, const char *name)
{
	const char *kind =
		kind_of_path(path, NULL) == PATH_TESTCAFE ? "testcafe" : "playwright";

	return json_pack("{s:s, s:s, s:s}", "name", name, "kind", kind, "path", path);
}

/* "tests" for /x/shop/tests/, "cart.spec.ts" for the file; the name of the test. */
static char *
title_of(const char *path)
{
	_cleanup_free_ char *real = realpath(path, NULL);

	return xstrdup(real ? base_name(real) : path);
}

static int
load_paths(struct job_file *file, const struct cli *cli, struct err *err)
{
	json_t *tests = json_array();

	file->job = json_pack("{s:o}", "tests", tests);
	if (cli_given(cli, "param"))
		return err_set(err, ERR_INVALID, "--param is for job files");
	for (size_t i = 0; i < cli->n_args; i++) {
		_cleanup_free_ char *real = realpath(cli->args[i], NULL);
		if (!real)
			return err_sys(err, ERR_INVALID, errno, "%s", cli->args[i]);
		_cleanup_free_ char *title = title_of(real);
		(void)json_array_append_new(tests, test_of_path(real, title));
		if (i == 0) {
			(void)json_object_set_new(file->job, "name", json_string(title));
			if (absolute_dir(file, real, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int
unknown_path(const char *path, struct err *err)
{
	return err_set(err, ERR_INVALID,
		"%s: found no playwright.config.*, *.spec.{ts,js}, *.test.{ts,js}, .testcaferc.*, "
		"TestCafe fixtures or *.proctor.yaml",
		path);
}

/* Sorts the arguments out: *ret_job_file (owned) is set when they are one job file. */
static int
sort_out(const struct cli *cli, char **ret_job_file, struct err *err)
{
	for (size_t i = 0; i < cli->n_args; i++) {
		const char *path = cli->args[i];
		_cleanup_free_ char *inside = NULL;
		struct stat info;
		if (stat(path, &info) < 0)
			return err_sys(err, ERR_INVALID, errno, "%s", path);
		enum path_kind kind = kind_of_path(path, &inside);
		if (kind == PATH_UNKNOWN && inside)
			kind = PATH_JOB_FILE;
		if (kind == PATH_UNKNOWN)
			return unknown_path(path, err);
		if (kind == PATH_JOB_FILE && cli->n_args > 1)
			return err_set(err, ERR_INVALID,
				"%s: a job file stands alone, not with other paths", path);
		if (kind == PATH_JOB_FILE)
			*ret_job_file = inside ? TAKE(inside) : xstrdup(path);
	}
	return 0;
}

/* --- Options over it --- */

static bool
has_option(const struct cli *cli, const char *name)
{
	for (size_t i = 0; i < cli->n_values; i++) {
		if (strcmp(cli->values[i].option->name, name) == 0)
			return cli->values[i].n > 0;
	}
	return false;
}

static void
set_number(struct job_file *file, const struct cli *cli, const char *option, const char *member)
{
	if (has_option(cli, option))
		(void)json_object_set_new(
			file->job, member, json_integer(cli_number(cli, option)));
}

static void
set_text(struct job_file *file, const struct cli *cli, const char *option, const char *member)
{
	if (has_option(cli, option))
		(void)json_object_set_new(
			file->job, member, json_string(cli_text(cli, option)));
}

static void
set_retries(struct job_file *file, const struct cli *cli)
{
	json_t *retries = json_object_get(file->job, "retries");

	if (!has_option(cli, "retries"))
		return;
	if (!json_is_object(retries)) {
		retries = json_pack("{s:[s,s,s]}", "on", "failed", "errored", "timed_out");
		(void)json_object_set_new(file->job, "retries", retries);
	}
	(void)json_object_set_new(retries, "max", json_integer(cli_number(cli, "retries")));
}

static bool
is_kind(const json_t *test, const char *kind)
{
	const char *own = json_string_value(json_object_get(test, "kind"));

	return own && strcmp(own, kind) == 0;
}

/* Playwright and TestCafe tests name a project on the machine that submits them. */
static bool
has_project(const json_t *test)
{
	return is_kind(test, "playwright") || is_kind(test, "testcafe");
}

static void
add_hooks(json_t *tests, const json_t *owner)
{
	static const char *const names[] = { "before", "after" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		json_t *hook = json_object_get(owner, names[i]);
		if (json_is_object(hook))
			(void)json_array_append(tests, hook);
	}
}

static void
add_tests(json_t *tests, const json_t *job)
{
	json_t *own = json_object_get(job, "tests"), *fixture;
	size_t i;

	if (json_is_array(own))
		(void)json_array_extend(tests, own);
	json_array_foreach(json_object_get(job, "fixtures"), i, fixture)
	{
		own = json_object_get(fixture, "tests");
		if (json_is_array(own))
			(void)json_array_extend(tests, own);
		add_hooks(tests, fixture);
	}
	add_hooks(tests, json_object_get(job, "hooks"));
}

json_t *
job_file_tests(const struct job_file *file)
{
	static const char *const lists[] = { "chain", "parallel" };
	json_t *tests = json_array(), *job, *stage;
	size_t i;

	add_tests(tests, file->job);
	json_array_foreach(json_object_get(file->job, "stages"), i, stage)
		add_tests(tests, json_object_get(stage, "run"));
	for (size_t k = 0; k < ARRAY_LEN(lists); k++) {
		json_array_foreach(json_object_get(file->job, lists[k]), i, job)
			add_tests(tests, job);
	}
	add_tests(tests, json_object_get(json_object_get(file->job, "attempts"), "run"));
	return tests;
}

static void
set_selected(json_t *selector, const struct cli *cli, const char *option, const char *member)
{
	const struct cli_value *value = has_option(cli, option) ? cli_all(cli, option) : NULL;
	json_t *texts;

	if (!value || value->n == 0)
		return;
	texts = json_array();
	for (size_t i = 0; i < value->n; i++)
		(void)json_array_append_new(texts, json_string(value->text[i]));
	(void)json_object_set_new(selector, member, texts);
}

/* Kept tests, which the server looks up, take the place of those in the file. */
static int
select_kept(struct job_file *file, const struct cli *cli, struct err *err)
{
	_cleanup_(json_unrefp) json_t *selector = json_object();

	if (has_option(cli, "tags"))
		(void)json_object_set_new(selector, "tags", json_string(cli_text(cli, "tags")));
	set_selected(selector, cli, "test", "name");
	set_selected(selector, cli, "last", "last");
	if (has_option(cli, "exclude"))
		(void)json_object_set_new(selector, "exclude",
			json_pack("{s:s}", "tags", cli_text(cli, "exclude")));
	if (json_object_size(selector) > 0) {
		(void)json_object_del(file->job, "fixtures");
		(void)json_object_set_new(file->job, "tests", json_pack("[O]", selector));
	} else if (cli->n_args == 0) {
		return err_set(err, ERR_INVALID,
			"a path is expected, or kept tests by --tags, --test or --last");
	}
	return 0;
}

/* Those of the file stay. What is no list there is told by the server. */
static void
add_tags(struct job_file *file, const struct cli *cli)
{
	const struct cli_value *value = has_option(cli, "tag") ? cli_all(cli, "tag") : NULL;
	json_t *tags = json_object_get(file->job, "tags");

	if (!value)
		return;
	if (!tags)
		(void)json_object_set_new(file->job, "tags", tags = json_array());
	for (size_t i = 0; i < value->n && json_is_array(tags); i++)
		(void)json_array_append_new(tags, json_string(value->text[i]));
}

static int
apply_options(struct job_file *file, const struct cli *cli, struct err *err)
{
	if (select_kept(file, cli, err) < 0)
		return -1;
	set_text(file, cli, "name", "name");
	add_tags(file, cli);
	set_text(file, cli, "queue", "queue");
	set_text(file, cli, "run-at", "runAt");
	set_number(file, cli, "iterations", "iterations");
	set_number(file, cli, "concurrency", "concurrency");
	set_number(file, cli, "priority", "priority");
	/* `job submit --timeout` is how long to wait; there the file alone limits the job. */
	if (strcmp(cli->command->noun, "run") == 0)
		set_number(file, cli, "timeout", "timeout");
	if (has_option(cli, "update-screenshots"))
		test_files_update(file);
	set_retries(file, cli);
	return select_tests(file->job, has_option(cli, "grep") ? cli_text(cli, "grep") : NULL,
		has_option(cli, "project") ? cli_text(cli, "project") : NULL, err);
}

int
job_file_load(struct job_file *ret, const struct cli *cli, struct err *err)
{
	_cleanup_free_ char *job_file = NULL;

	*ret = (struct job_file) { .path = cli->n_args > 0 ? cli->args[0] : "the selection" };
	arena_init(&ret->arena, MIB(64));
	ret->issues = arena_xalloc(&ret->arena, sizeof *ret->issues);
	ret->issues->arena = &ret->arena;
	if (sort_out(cli, &job_file, err) < 0)
		return -1;
	if (cli->n_args == 0) {
		ret->dir = "/"; /* nothing in it is a path */
		ret->job = json_pack("{s:s}", "name", "selected tests");
		return apply_options(ret, cli, err);
	}
	const char *path = job_file ? arena_strdup(&ret->arena, job_file) : NULL;
	if ((path ? load_yaml(ret, path, cli, err) : load_paths(ret, cli, err)) < 0)
		return -1;
	return apply_options(ret, cli, err);
}

void
job_file_deinit(struct job_file *file)
{
	json_decref(file->job);
	json_decref(file->services);
	if (file->yaml.root)
		yaml_deinit(&file->yaml);
	arena_deinit(&file->arena);
	*file = (struct job_file) { 0 };
}

/* --- Paths --- */

static void
make_absolute(struct job_file *file, json_t *test, const char *member)
{
	const char *path = json_string_value(json_object_get(test, member));

	if (!path || path[0] == '/' || expr_in_text(str_of(path)))
		return;
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	if (strcmp(path, ".") == 0 || path[0] == '\0') {
		(void)json_object_set_new(test, member, json_string(file->dir));
		return;
	}
	_cleanup_free_ char *full = xasprintf("%s/%s", file->dir, path);
	(void)json_object_set_new(test, member, json_string(full));
}

void
job_file_localize_paths(struct job_file *file)
{
	_cleanup_(json_unrefp) json_t *tests = job_file_tests(file);
	json_t *test;
	size_t i;

	json_array_foreach(tests, i, test)
	{
		if (has_project(test) && !json_object_get(test, "bundle"))
			make_absolute(file, test, "path");
	}
	test_files_resolve(file, false);
}

void
job_file_localize(struct job_file *file)
{
	_cleanup_(json_unrefp) json_t *tests = job_file_tests(file);
	json_t *test;
	size_t i;

	/* Here a folder that is not there yet can be made and told of. */
	test_files_resolve(file, true);
	job_file_localize_paths(file);
	json_array_foreach(tests, i, test)
	{
		if (!is_kind(test, "command") || json_object_get(test, "bundle") ||
			json_object_get(test, "files"))
			continue;
		if (!json_object_get(test, "cwd"))
			(void)json_object_set_new(test, "cwd", json_string("."));
		make_absolute(file, test, "cwd");
	}
}

bool
job_file_needs_bundle(const json_t *test)
{
	return has_project(test) && json_object_get(test, "path") &&
		!json_object_get(test, "bundle");
}

/* --- Saying what is wrong --- */

int
job_file_fail(const struct cli *cli, const struct job_file *file, const struct err *err)
{
	int status = cli_fail(cli, err);

	for (size_t i = 0; !cli->json && i < file->issues->n; i++) {
		const struct issue *issue = &file->issues->item[i];
		size_t line = file->yaml.root ? yaml_line(&file->yaml, issue->pointer) : 0;
		if (line > 0)
			cli_note("%s:%zu: %s: %s", file->path, line, issue->pointer,
				issue->detail);
		else
			cli_note("%s: %s: %s", file->path, issue->pointer, issue->detail);
	}
	return status;
}
