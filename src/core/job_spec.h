/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as somebody asks for it: validated, names resolved, parameters filled in, defaults
 * applied. Made from JSON by core/job_json.c, turned into a job by core/plan.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "core/ids.h"
#include "core/quarantine.h"
#include "core/retry.h"

/* What else may run beside a test of a fixture. */
enum fixture_mode {
	FIXTURE_SHARED,   /* anything */
	FIXTURE_SERIAL,   /* no other test of the fixture, which keeps to one connection */
	FIXTURE_ISOLATED, /* nothing of the job */
};

/* Neighbours in the list of tests that share hooks and a rule about company. */
struct fixture_spec {
	const char *name; /* "" for tests that stand in no fixture */
	int32_t first, n_tests;
	enum fixture_mode mode;
	int32_t before,
		after; /* places in job_spec.tests, behind the tests; -1: no such hook */
};

struct test_spec {
	const char *name;
	const char *kind;
	struct str body;    /* JSON object: the test with its parameters filled in */
	int64_t timeout_ms; /* 0: the job's runTimeout */
	bool skip;          /* reported as skipped, never leased */
};

/* What happens when a job with the same unique key is there already. */
enum unique_mode {
	UNIQUE_NONE,
	UNIQUE_SKIP,     /* the one that is there is answered */
	UNIQUE_REPLACE,  /* it is cancelled as superseded */
	UNIQUE_DEBOUNCE, /* it begins only when no other came for `period_ms`: the last one
			    counts */
};

struct unique_spec {
	enum unique_mode mode;
	const char *key;
	int64_t period_ms; /* counted from creation; 0: until the other job has ended */
};

struct job_spec {
	const char *name;
	const char *tags; /* JSON array of strings, "[]" for none */
	struct def_id template_id;
	int32_t priority;
	const char *queue;             /* name; NULL: "default" */
	const char *labels;            /* canonical: core/lane.h; "" for none */
	const struct test_spec *tests; /* n_tests, then n_hooks */
	size_t n_tests;                /* at least 1 */
	size_t n_hooks;
	bool is_grouped; /* planned by core/group.h; the fixtures cover all tests, in order */
	const struct fixture_spec *fixtures;
	size_t n_fixtures;
	int32_t before, after; /* the job's hooks, places in tests; -1: none */
	const char *targets;   /* comma-separated; NULL: none */
	size_t n_targets;      /* at least 1 */
	int64_t iterations;    /* 0: endless */
	int32_t concurrency;
	int64_t failures_to_ignore;
	bool stop_on_first_failure, cancel_on_first_failure;
	struct retry_policy retry;
	struct quarantine_policy quarantine;
	int64_t timeout_ms, run_timeout_ms;
	int64_t run_at_ms;
	int64_t expires_after_ms; /* not started so long after it might have; 0: never */
	const char *keys, *needs; /* canonical label texts; NULL: "" */
	struct unique_spec unique;
	struct job_id parent; /* with stage, stage_item, stage_attempt; zero: none */
	const char *stage;
	int32_t stage_item, stage_attempt;
	int64_t schedule;
	const char *flow; /* JSON of a flow's stages, checked (core/flow.h); the job has no
			     tests then, and n_tests is 0. NULL: not a flow */
	struct str
		options; /* JSON object of what only answers and leases need; empty: nothing */
};
