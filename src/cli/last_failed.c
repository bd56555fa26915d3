/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests are found again by fixture and name; what has no namesake, by the places (file:line) of
 * its cases that failed.
 */
#include "cli/last_failed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/job_view.h"

/* A test of the new job. */
struct candidate {
	json_t *list; /* the array that has it */
	json_t *test;
	const json_t *before; /* in the report, by name; NULL: not there */
	json_t *places;       /* owned: which of its cases to run */
	bool is_wanted;       /* it failed then, or a part of it */
	bool is_whole;        /* no matter which places */
};

struct choice {
	const json_t *report;
	struct candidate *items;
	size_t n;
	struct last_failed *ret;
};

/* --- The report --- */

static bool
is_good(const char *outcome)
{
	return strcmp(outcome, "passed") == 0 || strcmp(outcome, "skipped") == 0;
}

static bool
did_fail(const json_t *test)
{
	const json_t *unit;
	size_t i;

	json_array_foreach(json_object_get(test, "units"), i, unit)
	{
		if (!is_good(json_text(unit, "outcome")))
			return true;
	}
	return false;
}

static const json_t *
find_test(const json_t *report, const char *fixture, const char *name)
{
	const json_t *test;
	size_t i;

	json_array_foreach(json_object_get(report, "tests"), i, test)
	{
		if (strcmp(json_text(test, "name"), name) == 0 &&
			strcmp(json_text(test, "fixture"), fixture) == 0)
			return test;
	}
	return NULL;
}

static void
add_once(json_t *texts, const char *text)
{
	const json_t *one;
	size_t i;

	json_array_foreach(texts, i, one)
	{
		if (strcmp(json_string_value(one), text) == 0)
			return;
	}
	(void)json_array_append_new(texts, json_string(text));
}

/* Adds "file:line" of the failed cases of a unit's last attempt; false: they are not all of it.
 */
static bool
add_places_of_unit(const json_t *unit, json_t *places)
{
	const json_t *runs = json_object_get(unit, "runs"), *one;
	const json_t *last = json_array_get(runs, json_array_size(runs) - 1);
	size_t i, n = 0;

	/* An attempt that broke off knows nothing of the cases that it did not come to. */
	if (strcmp(json_text(last, "outcome"), "failed") != 0)
		return false;
	json_array_foreach(json_object_get(last, "cases"), i, one)
	{
		if (strcmp(json_text(one, "status"), "failed") != 0)
			continue;
		if (!json_object_get(one, "file") || !json_object_get(one, "line"))
			return false;
		_cleanup_free_ char *place = xasprintf(
			"%s:%lld", json_text(one, "file"), (long long)json_int(one, "line"));
		add_once(places, place);
		n++;
	}
	return n > 0;
}

/* Where the test failed, owned by the caller; NULL when that is not known of all of it. */
static json_t *
failed_places(const json_t *report, const json_t *test)
{
	_cleanup_(json_unrefp) json_t *places = json_array();
	const json_t *unit;
	size_t i;

	if (json_object_get(report, "casesLeftOut"))
		return NULL;
	json_array_foreach(json_object_get(test, "units"), i, unit)
	{
		if (!is_good(json_text(unit, "outcome")) && !add_places_of_unit(unit, places))
			return NULL;
	}
	return json_incref(places);
}

/* --- The new job --- */

static void
add_candidates(struct choice *choice, json_t *tests, const char *fixture)
{
	size_t n = json_array_size(tests), i;
	json_t *test;

	choice->items = xreallocarray(choice->items, choice->n + n + 1, sizeof *choice->items);
	json_array_foreach(tests, i, test)
	{
		choice->items[choice->n++] = (struct candidate) {
			.list = tests,
			.test = test,
			.before = find_test(choice->report, fixture, json_text(test, "name")),
		};
	}
}

static void
find_candidates(struct choice *choice, const json_t *job)
{
	const json_t *fixture;
	size_t i;

	add_candidates(choice, json_object_get(job, "tests"), "");
	json_array_foreach(json_object_get(job, "fixtures"), i, fixture) add_candidates(
		choice, json_object_get(fixture, "tests"), json_text(fixture, "name"));
}

/* A test that is files of a Playwright project. */
static bool
is_project(const json_t *test)
{
	return strcmp(json_text(test, "kind"), "playwright") == 0 &&
		!json_object_get(test, "script") && json_object_get(test, "path");
}

static void
want_place(struct candidate *item, const char *place)
{
	item->is_wanted = true;
	if (!item->places)
		item->places = json_array();
	add_once(item->places, place);
}

static void
want_whole(struct candidate *item)
{
	item->is_wanted = true;
	item->is_whole = true;
}

/* --- Places --- */

static size_t
file_len(const char *place)
{
	const char *colon = strrchr(place, ':');

	return colon && colon[1 + strspn(colon + 1, "0123456789")] == '\0'
		? (size_t)(colon - place)
		: strlen(place);
}

enum match { MATCH_NONE, MATCH_FILE, MATCH_EXACT };

/* A share of a project names its own places: a file, or one line of it. */
static enum match
match_share(const json_t *paths, const char *place)
{
	size_t len = file_len(place), i;
	enum match best = MATCH_NONE;
	const json_t *one;

	json_array_foreach(paths, i, one)
	{
		const char *path = json_string_value(one);
		if (!path || file_len(path) != len || strncmp(path, place, len) != 0)
			continue;
		if (path[len] == '\0' || strcmp(path, place) == 0)
			return MATCH_EXACT;
		best = MATCH_FILE;
	}
	return best;
}

/* A place is relative to the project's root, which is at the path or above it. */
static bool
is_below(const char *path, const char *place)
{
	_cleanup_free_ char *base = xstrndup(path, file_len(path));
	_cleanup_free_ char *file = xstrndup(place, file_len(place));
	size_t len = strlen(base);

	_cleanup_free_ char *start = xstrdup(base);
	for (;;) {
		_cleanup_free_ char *full = xasprintf("%s/%s", base, file);
		if (access(full, F_OK) == 0)
			return strncmp(full, start, len) == 0 &&
				(full[len] == '/' || full[len] == '\0');
		char *slash = strrchr(base, '/');
		if (!slash)
			return false;
		*slash = '\0';
	}
}

static enum match
match_place(const struct candidate *item, const char *place)
{
	const json_t *paths = json_object_get(item->test, "paths");

	if (item->before || !is_project(item->test))
		return MATCH_NONE;
	if (paths)
		return match_share(paths, place);
	return is_below(json_text(item->test, "path"), place) ? MATCH_EXACT : MATCH_NONE;
}

/* True when there is a test that the place is in. */
static bool
choose_place(struct choice *choice, const char *place)
{
	enum match best = MATCH_NONE;

	for (size_t i = 0; i < choice->n; i++) {
		enum match match = match_place(&choice->items[i], place);
		best = match > best ? match : best;
	}
	/* The line of a case in a serial block is not the block's: all of the file then. */
	for (size_t i = 0; best != MATCH_NONE && i < choice->n; i++) {
		if (match_place(&choice->items[i], place) == best)
			want_place(&choice->items[i], place);
	}
	return best != MATCH_NONE;
}

/* --- Choosing --- */

static bool
choose_places(struct choice *choice, const json_t *test)
{
	_cleanup_(json_unrefp) json_t *places = failed_places(choice->report, test);
	bool found_all = places != NULL;
	const json_t *place;
	size_t i;

	json_array_foreach(places, i, place)
	{
		if (!choose_place(choice, json_string_value(place)))
			found_all = false;
	}
	return found_all;
}

/* Whatever it may be called now: all tests of its kind that the earlier job did not have. */
static void
choose_all_new(struct choice *choice, const json_t *test)
{
	const char *name = json_text(test, "name");

	add_once(choice->ret->unplaced, name);
	for (size_t i = 0; i < choice->n; i++) {
		struct candidate *item = &choice->items[i];
		const char *kind = json_text(item->test, "kind");
		if (item->before || (kind[0] && strcmp(kind, json_text(test, "kind")) != 0))
			continue;
		want_whole(item);
		add_once(choice->ret->whole, json_text(item->test, "name"));
	}
}

static bool
choose_namesake(struct choice *choice, const json_t *test)
{
	bool found = false;

	for (size_t i = 0; i < choice->n; i++) {
		struct candidate *item = &choice->items[i];
		if (item->before != test)
			continue;
		found = item->is_wanted = true;
		if (is_project(item->test) && !json_object_get(item->test, "paths"))
			item->places = failed_places(choice->report, test);
	}
	return found;
}

static void
choose(struct choice *choice)
{
	const json_t *test;
	size_t i;

	json_array_foreach(json_object_get(choice->report, "tests"), i, test)
	{
		if (!did_fail(test))
			continue;
		choice->ret->n_failed++;
		if (!choose_namesake(choice, test) && !choose_places(choice, test))
			choose_all_new(choice, test);
	}
}

/* --- Leaving out --- */

static void
remove_from(json_t *list, const json_t *test)
{
	for (size_t i = json_array_size(list); i > 0; i--) {
		if (json_array_get(list, i - 1) == test)
			(void)json_array_remove(list, i - 1);
	}
}

static void
remove_empty_lists(json_t *job)
{
	json_t *fixtures = json_object_get(job, "fixtures");

	for (size_t i = json_array_size(fixtures); i > 0; i--) {
		json_t *fixture = json_array_get(fixtures, i - 1);
		if (json_array_size(json_object_get(fixture, "tests")) == 0)
			(void)json_array_remove(fixtures, i - 1);
	}
	if (fixtures && json_array_size(fixtures) == 0)
		(void)json_object_del(job, "fixtures");
	/* An empty list of tests is an offence, beside fixtures. */
	if (json_array_size(json_object_get(job, "tests")) == 0 && fixtures)
		(void)json_object_del(job, "tests");
}

static void
apply(struct choice *choice, json_t *job)
{
	for (size_t i = 0; i < choice->n; i++) {
		struct candidate *item = &choice->items[i];
		if (!item->is_wanted) {
			remove_from(item->list, item->test);
			continue;
		}
		choice->ret->n_kept++;
		/* A test that says itself which files it means is run as it is. */
		if (!item->is_whole && json_array_size(item->places) > 0 &&
			!json_object_get(item->test, "paths"))
			(void)json_object_set(item->test, "paths", item->places);
	}
	remove_empty_lists(job);
}

void
last_failed_keep(json_t *job, const json_t *report, struct last_failed *ret)
{
	struct choice choice = { .report = report, .ret = ret };

	*ret = (struct last_failed) {
		.is_good = strcmp(json_text(report, "status"), "completed") == 0,
		.unplaced = json_array(),
		.whole = json_array(),
	};
	find_candidates(&choice, job);
	choose(&choice);
	if (ret->n_failed > 0)
		apply(&choice, job);
	else
		ret->n_kept = choice.n;
	for (size_t i = 0; i < choice.n; i++)
		json_decref(choice.items[i].places);
	free(choice.items);
}

void
last_failed_deinit(struct last_failed *it)
{
	json_decref(it->unplaced);
	json_decref(it->whole);
	*it = (struct last_failed) { 0 };
}
