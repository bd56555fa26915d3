/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of a grouped job: its fixtures, which of its tests are skipped, and where its
 * hooks are. Fixed at creation and kept as text in job->layout. Pure.
 */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "core/job_spec.h"

enum run_role {
	RUN_ROLE_TEST,
	RUN_ROLE_BEFORE_JOB,
	RUN_ROLE_AFTER_JOB,
	RUN_ROLE_BEFORE_FIXTURE,
	RUN_ROLE_AFTER_FIXTURE,
	RUN_ROLE_COUNT
};

struct layout {
	struct fixture_spec *fixtures; /* they cover all tests, in order */
	int32_t n_fixtures;
	int32_t before, after; /* the job's hooks: places behind the tests; -1: none */
	bool *skip;            /* by test */
	int32_t n_tests;
	int32_t n_live; /* tests that are not skipped */
};

/* The layout's text, in the arena. */
const char *layout_write(const struct job_spec *spec, struct arena *arena)
	__attribute__((returns_nonnull));

/* -1 ERR_CORRUPT: the text is not one that layout_write made for n_tests tests. */
int layout_read(const char *text, int32_t n_tests, struct arena *arena, struct layout *ret,
	struct err *err) MUST_CHECK;

/* What a run of test number `test` is for; *ret_fixture: whose, or -1. */
enum run_role layout_role(const struct layout *layout, int32_t test, int32_t *ret_fixture);

/* "before_job", …; NULL for a test. docs/protocol/runner.md, `role`. */
const char *run_role_name(enum run_role role);

/* The fixture that the test stands in; -1 for a hook. */
int32_t layout_fixture_of(const struct layout *layout, int32_t test);

/* True when no test of the fixture is to be run. */
bool layout_is_idle(const struct layout *layout, int32_t fixture);
