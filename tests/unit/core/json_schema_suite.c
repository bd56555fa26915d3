/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The official JSON Schema test suite, as Debian packages it (json-schema-test-suite), against
 * our validator:
 *
 *	json_schema_suite draft7|2020-12 [--formats] DIR [FILE …]
 *
 * Every file of the folder counts, except what left_out[] names with a reason. Exits with 77
 * (skipped) when the folder is not there.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/limits.h"
#include "core/json_schema.h"

enum { SUITE_SKIPPED = 77 };

/* What the suite has and we do not, and why. A group that is named must fail to stay here. */
static const struct left_out {
	const char *draft; /* NULL: both */
	const char *file;
	const char *group; /* as its description begins; NULL: the whole file */
	const char *why;
} left_out[] = {
	{ NULL, "refRemote.json", NULL, "other documents are never fetched" },
	{ NULL, "definitions.json", NULL, "refers to the meta-schema, another document" },
	{ "2020-12", "defs.json", NULL, "refers to the meta-schema, another document" },
	{ "2020-12", "vocabulary.json", NULL, "refers to a meta-schema of its own" },
	{ NULL, "ref.json", "remote ref, containing refs itself", "refers to the meta-schema" },
	{ 0 },
};

static const struct left_out *
find_left_out(const char *draft, const char *file, const char *group)
{
	for (const struct left_out *out = left_out; out->file; out++)
		if ((!out->draft || strcmp(out->draft, draft) == 0) &&
			strcmp(out->file, file) == 0 &&
			(!out->group ||
				(group && strncmp(out->group, group, strlen(out->group)) == 0)))
			return out;
	return NULL;
}

struct tally {
	const char *draft;
	bool check_formats;
	size_t n_files, n_passed, n_failed, n_left_out;
};

static json_t *
read_file(const char *path)
{
	json_error_t fault;
	json_t *value = json_load_file(path, JSON_ALLOW_NUL, &fault);

	if (!value)
		fprintf(stderr, "%s: %s\n", path, fault.text);
	return value;
}

/* The suite's schemas of draft 7 do not say which draft they are. */
static void
say_draft(json_t *schema, const char *draft)
{
	if (json_is_object(schema) && strcmp(draft, "draft7") == 0)
		(void)json_object_set_new(schema, "$schema",
			json_string("http://json-schema.org/draft-07/schema#"));
}

static void
run_group(struct tally *tally, const char *file, json_t *group)
{
	const char *title = json_string_value(json_object_get(group, "description"));
	json_t *tests = json_object_get(group, "tests"),
	       *schema = json_object_get(group, "schema");
	_cleanup_(arena_deinit) struct arena arena;
	struct json_schema *compiled = NULL;

	if (find_left_out(tally->draft, file, title)) {
		tally->n_left_out += json_array_size(tests);
		return;
	}
	arena_init(&arena, MIB(64));
	struct issues issues = { .arena = &arena };

	say_draft(schema, tally->draft);
	if (json_schema_compile(schema, &arena, &compiled, &issues) < 0)
		printf("%s: %s: refused at \"%s\": %s\n", file, title, issues.item[0].pointer,
			issues.item[0].detail);
	if (compiled && tally->check_formats)
		json_schema_check_formats(compiled);
	for (size_t i = 0; i < json_array_size(tests); i++) {
		json_t *test = json_array_get(tests, i);
		bool wanted = json_is_true(json_object_get(test, "valid"));
		bool fits = compiled &&
			json_schema_validate(
				compiled, json_object_get(test, "data"), "", &issues) == 0;

		if (compiled && fits == wanted) {
			tally->n_passed++;
			continue;
		}
		tally->n_failed++;
		printf("%s: %s: %s: should %sfit\n", file, title,
			json_string_value(json_object_get(test, "description")),
			wanted ? "" : "not ");
	}
}

static void
run_file(struct tally *tally, const char *dir, const char *file)
{
	char path[PATH_BYTES_MAX];

	snprintf(path, sizeof path, "%s/%s", dir, file);
	_cleanup_(json_unrefp) json_t *groups = read_file(path);

	if (!groups)
		tally->n_failed++;
	tally->n_files++;
	for (size_t i = 0; i < json_array_size(groups); i++)
		run_group(tally, file, json_array_get(groups, i));
}

static int
is_json(const struct dirent *entry)
{
	return str_ends(str_of(entry->d_name), STR(".json"));
}

static int
run_folder(struct tally *tally, const char *dir)
{
	struct dirent **entries;
	int n = scandir(dir, &entries, is_json, alphasort);

	if (n < 0) {
		printf("%s is not there; install json-schema-test-suite\n", dir);
		return SUITE_SKIPPED;
	}
	for (int i = 0; i < n; i++) {
		run_file(tally, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

int
main(int argc, char **argv)
{
	struct tally tally = { .draft = argc > 1 ? argv[1] : "" };
	int at = 2, r = 0;

	if (argc > at && strcmp(argv[at], "--formats") == 0) {
		tally.check_formats = true;
		at++;
	}
	if (argc <= at)
		return 2;
	for (int i = at + 1; i < argc; i++)
		run_file(&tally, argv[at], argv[i]);
	if (argc == at + 1)
		r = run_folder(&tally, argv[at]);
	printf("%s: %zu files, %zu tests passed, %zu failed, %zu left out\n", tally.draft,
		tally.n_files, tally.n_passed, tally.n_failed, tally.n_left_out);
	if (r != 0)
		return r;
	return tally.n_failed > 0 || tally.n_passed == 0;
}
