/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the report of an earlier job: {tests: [{name, units: [{outcome, runs: [{cases}]}]}]}.
 */
#include "cli/history.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "cli/job_view.h"

enum { UNKNOWN_MS = -1 };

int
history_last(struct remote *remote, const char *name, json_t **ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *answer = NULL;

	if (buf_adds(&path,
		    "/jobs?limit=1&sort=-createdAt&status=completed&status=failed&name=") < 0 ||
		remote_quote(&path, name) < 0)
		return err_set(err, ERR_LIMIT, "the job's name is too long");
	if (remote_call(remote, "GET", buf_text(&path), NULL, &answer, err) < 0)
		return -1;
	const json_t *job = json_array_get(json_object_get(answer, "items"), 0);
	if (!job)
		return HISTORY_NONE;
	_cleanup_free_ char *report =
		xasprintf("/jobs/%s/report?format=json", json_text(job, "id"));
	return remote_call(remote, "GET", report, NULL, ret, err);
}

/* The test's part of the report; NULL: it was not in that job. */
static const json_t *
find_test(const json_t *report, const json_t *wanted)
{
	const char *name = json_text(wanted, "name");
	const json_t *test;
	size_t i;

	json_array_foreach(json_object_get(report, "tests"), i, test)
	{
		if (strcmp(json_text(test, "name"), name) == 0)
			return test;
	}
	return NULL;
}

/* --- Longest first --- */

static int64_t
longest_ms(const json_t *test)
{
	int64_t longest = UNKNOWN_MS;
	const json_t *unit, *run;
	size_t i, k;

	json_array_foreach(json_object_get(test, "units"), i, unit)
		json_array_foreach(json_object_get(unit, "runs"), k, run)
	{
		const json_t *took = json_object_get(run, "durationMs");
		if (took && json_integer_value(took) > longest)
			longest = json_integer_value(took);
	}
	return longest;
}

struct ranked {
	json_t *test; /* owned */
	int64_t took_ms;
	size_t place;
};

static int
compare(const void *a, const void *b)
{
	const struct ranked *one = a, *other = b;
	bool is_known = one->took_ms != UNKNOWN_MS;

	if (is_known != (other->took_ms != UNKNOWN_MS))
		return is_known ? 1 : -1;
	if (one->took_ms != other->took_ms)
		return one->took_ms > other->took_ms ? -1 : 1;
	return one->place < other->place ? -1 : 1;
}

void
history_sort(const json_t *report, json_t *tests)
{
	size_t n = json_array_size(tests);
	_cleanup_free_ struct ranked *ranked = xcalloc(n + 1, sizeof *ranked);

	for (size_t i = 0; i < n; i++) {
		json_t *test = json_incref(json_array_get(tests, i));
		ranked[i] = (struct ranked) {
			.test = test,
			.took_ms = longest_ms(find_test(report, test)),
			.place = i,
		};
	}
	qsort(ranked, n, sizeof *ranked, compare);
	(void)json_array_clear(tests);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(tests, ranked[i].test);
}
