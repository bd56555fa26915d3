/* SPDX-License-Identifier: Apache-2.0 */
/* Finds the folder of each browser test, from the outside in. */
#include "cli/test_files.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/str.h"

static bool
is_browser_test(const json_t *test)
{
	const char *kind = json_string_value(json_object_get(test, "kind"));

	return kind ? strcmp(kind, "browser") == 0
		    : json_is_array(json_object_get(test, "steps"));
}

/* "shop" of "/x/shop.proctor.yaml"; owned by the caller. */
static char *
stem_of(const char *path)
{
	static const char *const ends[] = { ".yaml", ".yml", ".json", ".proctor" };
	const char *slash = strrchr(path, '/');
	char *stem = xstrdup(slash ? slash + 1 : path);

	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(stem), end = strlen(ends[i]);

		if (n > end && strcmp(stem + n - end, ends[i]) == 0)
			stem[n - end] = '\0';
	}
	return stem;
}

static bool
is_folder(const char *path)
{
	struct stat info;

	return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* The folder that goes without saying, as an absolute path; NULL: none. Owned. */
static json_t *
default_folder(const struct job_file *file, bool wants_default)
{
	_cleanup_free_ char *stem = stem_of(file->path);
	_cleanup_free_ char *path = xasprintf("%s/%s.files", file->dir, stem);

	return wants_default || is_folder(path) ? json_string(path) : NULL;
}

/* What an owner says, absolute, else what was said around it. Owned; NULL: nothing. */
static json_t *
folder_of(const struct job_file *file, json_t *owner, json_t *around)
{
	json_t *own = json_object_get(owner, "files");
	const char *path = json_string_value(own);

	if (!own)
		return json_incref(around);
	if (!path || path[0] == '/' || strstr(path, "${{"))
		return json_incref(own);
	while (path[0] == '.' && path[1] == '/')
		path += 2;
	return strcmp(path, ".") == 0 || path[0] == '\0'
		? json_string(file->dir)
		: json_sprintf("%s/%s", file->dir, path);
}

static void
resolve_test(const struct job_file *file, json_t *test, json_t *around)
{
	if (!is_browser_test(test) || json_object_get(test, "bundle"))
		return;
	json_t *folder = folder_of(file, test, around);

	if (folder)
		(void)json_object_set_new(test, "files", folder);
}

/* The tests of a job or a fixture, and its hooks where those are tests. */
static void
resolve_all(const struct job_file *file, json_t *owner, json_t *hooks, json_t *around)
{
	json_t *test;
	size_t i;

	json_array_foreach(json_object_get(owner, "tests"), i, test)
	{
		resolve_test(file, test, around);
	}
	resolve_test(file, json_object_get(hooks, "before"), around);
	resolve_test(file, json_object_get(hooks, "after"), around);
}

/* Only a text is a folder; anything else stays, so that the server refuses it. */
static void
take_away(json_t *owner)
{
	if (json_is_string(json_object_get(owner, "files")))
		(void)json_object_del(owner, "files");
}

void
test_files_resolve(struct job_file *file, bool wants_default)
{
	if (!file->yaml.root)
		return; /* paths of Playwright and TestCafe tests, no job file */
	_cleanup_(json_unrefp) json_t *base = default_folder(file, wants_default);
	_cleanup_(json_unrefp) json_t *of_job = folder_of(file, file->job, base);
	json_t *fixture;
	size_t i;

	resolve_all(file, file->job, json_object_get(file->job, "hooks"), of_job);
	json_array_foreach(json_object_get(file->job, "fixtures"), i, fixture)
	{
		_cleanup_(json_unrefp) json_t *folder = folder_of(file, fixture, of_job);

		resolve_all(file, fixture, fixture, folder);
		take_away(fixture);
	}
	take_away(file->job);
}

/* --- Taking new pictures --- */

/* A member of a nearer config replaces the whole of a farther one: all of them are told. */
static void
update_config(json_t *owner, bool makes_one)
{
	json_t *config = json_object_get(owner, "config");
	json_t *compare = json_object_get(config, "compare");

	if (!json_is_object(owner) || (!compare && !makes_one))
		return;
	if (!json_is_object(config)) {
		config = json_object();
		(void)json_object_set_new(owner, "config", config);
	}
	if (!json_is_object(compare)) {
		compare = json_object();
		(void)json_object_set_new(config, "compare", compare);
	}
	(void)json_object_set_new(compare, "update", json_true());
}

void
test_files_update(struct job_file *file)
{
	_cleanup_(json_unrefp) json_t *tests = job_file_tests(file);
	json_t *owner;
	size_t i;

	json_array_foreach(json_object_get(file->job, "browsers"), i, owner)
	{
		update_config(owner, false);
	}
	json_array_foreach(json_object_get(file->job, "fixtures"), i, owner)
	{
		update_config(owner, false);
	}
	json_array_foreach(tests, i, owner)
	{
		update_config(owner, is_browser_test(owner));
	}
}
