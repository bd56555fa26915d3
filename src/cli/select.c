/* SPDX-License-Identifier: Apache-2.0 */
/* Narrows a job to what was asked for. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "cli/select.h"

#include <string.h>

#include <pcre2.h>

#include "base/mem.h"
#include "base/str.h"
#include "cli/job_view.h"

struct selection {
	pcre2_code *re;
	pcre2_match_data *match;
	const char *grep, *project;
	size_t n_left;
	size_t n_projects; /* tests that --project means */
};

static bool
is_kind(const json_t *test, const char *kind)
{
	return strcmp(json_text(test, "kind"), kind) == 0;
}

/* Running out of the matcher's own limits is no match: the pattern is the caller's. */
static bool
is_match(const struct selection *it, const char *text)
{
	return pcre2_match(it->re, (PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, 0, 0, it->match,
		       NULL) >= 0;
}

static bool
is_named(const struct selection *it, const json_t *test, const char *fixture)
{
	const char *name = json_text(test, "name");

	if (!name[0])
		name = json_text(test, "test"); /* a reference to a stored one */
	if (is_match(it, name))
		return true;
	_cleanup_free_ char *title = xasprintf("%s %s", fixture, name);
	return fixture[0] && is_match(it, title);
}

/* False: the test is to be left out. */
static bool
take(struct selection *it, json_t *test, const char *fixture)
{
	bool is_playwright = is_kind(test, "playwright");

	if (it->project && is_playwright) {
		(void)json_object_set_new(test, "projectName", json_string(it->project));
		it->n_projects++;
	}
	if (!it->grep)
		return true;
	if (!is_playwright && !is_kind(test, "testcafe"))
		return is_named(it, test, fixture);
	(void)json_object_set_new(test, "grep", json_string(it->grep));
	return true;
}

static void
narrow(struct selection *it, json_t *tests, const char *fixture)
{
	for (size_t i = 0; i < json_array_size(tests);) {
		if (take(it, json_array_get(tests, i), fixture))
			i++;
		else
			(void)json_array_remove(tests, i);
	}
	it->n_left += json_array_size(tests);
}

static void
narrow_fixtures(struct selection *it, json_t *fixtures)
{
	for (size_t i = 0; i < json_array_size(fixtures);) {
		json_t *fixture = json_array_get(fixtures, i);
		json_t *tests = json_object_get(fixture, "tests");
		narrow(it, tests, json_text(fixture, "name"));
		if (json_is_array(tests) && json_array_size(tests) == 0)
			(void)json_array_remove(fixtures, i);
		else
			i++;
	}
}

static int
narrow_job(struct selection *it, json_t *job, struct err *err)
{
	static const char *const members[] = { "tests", "fixtures" };

	narrow(it, json_object_get(job, "tests"), "");
	narrow_fixtures(it, json_object_get(job, "fixtures"));
	if (it->n_left == 0)
		return err_set(err, ERR_INVALID, "-g %s: no test of the job has such a name",
			it->grep);
	if (it->project && it->n_projects == 0)
		return err_set(err, ERR_INVALID,
			"--project is for Playwright tests, and the job has none");
	/* An empty list is an offence. */
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const json_t *list = json_object_get(job, members[i]);
		if (json_is_array(list) && json_array_size(list) == 0)
			(void)json_object_del(job, members[i]);
	}
	return 0;
}

int
select_tests(json_t *job, const char *grep, const char *project, struct err *err)
{
	struct selection it = { .grep = grep, .project = project };
	PCRE2_SIZE at;
	int code, r = 0;

	if (!grep && !project)
		return 0;
	if (!json_is_array(json_object_get(job, "tests")) &&
		!json_is_array(json_object_get(job, "fixtures")))
		return err_set(err, ERR_INVALID, "%s needs a job that lists its tests",
			grep ? "-g" : "--project");
	if (grep) {
		it.re = pcre2_compile(
			(PCRE2_SPTR)grep, PCRE2_ZERO_TERMINATED, PCRE2_UTF, &code, &at, NULL);
		if (!it.re)
			return err_set(err, ERR_INVALID,
				"-g %s: not a regular expression (at character %zu)", grep, at);
		it.match = pcre2_match_data_create_from_pattern(it.re, NULL);
		r = it.match ? 0 : err_set(err, ERR_LIMIT, "-g: out of memory");
	}
	if (r == 0)
		r = narrow_job(&it, job, err);
	pcre2_match_data_free(it.match);
	pcre2_code_free(it.re);
	return r;
}
