/* SPDX-License-Identifier: Apache-2.0 */
/* What job_json.c, job_groups.c and job_fixtures.c share: one reading of one job. */
#pragma once

#include "base/json.h"
#include "core/job_json.h"
#include "core/job_spec.h"
#include "core/test_kinds.h"

/* Hooks that are put into each test below them. Borrowed from the request's tree. */
struct each_hooks {
	json_t *before, *after; /* arrays of steps; NULL: none */
};

/* A fixture as the request has it. */
struct fixture_request {
	const char *name;
	json_t *disable_concurrency, *config, *library, *before, *after, *tests;
	struct each_hooks each;
	bool skip, only;
};

/* A test on its way into the spec, and what is decided about it at the end. */
struct read_test {
	struct test_spec spec;
	int32_t fixture; /* in reading.fixtures; -1: none */
	bool only;
};

/* One reading of one job. */
struct reading {
	const struct job_source *source;
	const char *pointer;
	struct arena *arena;
	struct issues *issues;
	struct err *err;
	json_t *params;              /* settled values; owned */
	struct job_source_item tmpl; /* body owned */
	const char *at;              /* pointer of the item that is read now */
	bool ref_skip, ref_only;     /* said where a saved test is named */

	struct read_test *tests;
	size_t n_tests, cap_tests;

	/* Grouped jobs. */
	struct each_hooks each;           /* the job's */
	json_t *library;                  /* the job's; NULL: none */
	struct fixture_request *fixtures; /* n_fixtures; NULL: none */
	size_t n_fixtures;
	const struct fixture_request *fixture; /* whose tests are read now; NULL: none */
	bool in_hook;                          /* the test that is read now is a hook */
};

/* `retries` of a job, `retry` of a stage. */
struct job_retries {
	int64_t max, delay_ms, delay_max_ms;
	double factor, jitter;
	struct strs on;
};

/* --- job_json.c --- */

/* Which outcomes are tried again: on_default when the request does not say. Offences are in
 * issues, below `pointer`. */
void job_retries_read(const struct job_retries *retries, uint32_t on_default,
	const char *pointer, struct issues *issues, struct retry_policy *ret);

/* What can be said of a stage's job before names are resolved and expressions have values. */
void job_request_check(json_t *job, const char *pointer, struct issues *issues);

/* Whether an item of `tests` chooses saved tests by tags, name or last result. */
bool job_is_selector(const json_t *item);

/* The same where a test need not say its kind: true of what no test has. */
bool job_is_plain_selector(const json_t *item);

/* JSON array of texts, in the arena. */
const char *job_strs_json(struct arena *arena, const struct strs *strs);

/* Reads the items of an array of tests at `pointer` behind those that are there. -1: issues, or
 * err when its code is set: the source failed. */
int job_read_tests(struct reading *reading, json_t *tests, const char *pointer) MUST_CHECK;

/* One item, at reading->at. */
int job_read_item(struct reading *reading, json_t *item) MUST_CHECK;

/* --- job_groups.c --- */

/* `browsers`: fills targets. Offences are in issues. */
void job_read_browsers(struct reading *reading, json_t *browsers, struct job_spec *spec);

/*
 * What only tests of kind browser ask of a job, when it has one: a config that decodes, of the
 * job and of each group, and groups whose browser there is. Behind job_read_fixtures(); in a
 * template, whose tests are not read, with spec->n_tests 0. Offences are in issues.
 */
void job_check_browsers(struct reading *reading, json_t *job, const struct job_spec *spec);

/* `quarantine` and `stopOnFirstFailure`, either of which may be NULL. */
void job_read_quarantine(struct reading *reading, json_t *quarantine, struct job_spec *spec);
void job_read_stop(struct reading *reading, json_t *stop, struct job_spec *spec);

/* --- job_fixtures.c --- */

struct hooks_request {
	json_t *before, *after;
	struct each_hooks each;
};

/* Whether one of these tests is of kind browser. */
bool job_has_browser_test(json_t *tests);

/* The same of the tests, fixtures and hooks of a job or template. */
bool job_tree_has_browser(const json_t *job);

/*
 * Reads `tests`, `fixtures` and `hooks` (each may be NULL) and fills the spec's tests, fixtures
 * and hooks. -1 only when the source failed; offences are in issues.
 */
int job_read_fixtures(struct reading *reading, json_t *job, int64_t hook_timeout_ms,
	struct job_spec *spec) MUST_CHECK;

/*
 * Makes the test what it is under the fixture and job that are being read: config, setup,
 * teardown, fixture. Changes the tree. -1: issues.
 */
int job_compose_test(struct reading *reading, const struct test_common *common, json_t *test)
	MUST_CHECK;

/* The libraries around the test or hook that is being read. */
struct libraries job_libraries(const struct reading *reading);

/* What a template's library and fixtures may hold before parameters have values. */
typedef int check_tests_fn(json_t *tests, const struct libraries *around, const char *pointer,
	struct issues *issues);
void job_check_template_fixtures(
	json_t *tmpl, struct issues *issues, check_tests_fn *check_tests);
