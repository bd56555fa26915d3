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
#include "core/retry.h"

struct test_spec {
	const char *name;
	const char *kind;
	struct str body;    /* JSON object: the test with its parameters filled in */
	int64_t timeout_ms; /* 0: the job's runTimeout */
};

struct job_spec {
	const char *name;
	const char *tags; /* JSON array of strings, "[]" for none */
	struct def_id template_id;
	int32_t priority;
	const char *queue;  /* name; NULL: "default" */
	const char *labels; /* canonical: core/lane.h; "" for none */
	const struct test_spec *tests;
	size_t n_tests;      /* at least 1 */
	const char *targets; /* comma-separated; NULL: none */
	size_t n_targets;    /* at least 1 */
	int64_t iterations;  /* 0: endless */
	int32_t concurrency;
	int64_t failures_to_ignore;
	bool stop_on_first_failure;
	struct retry_policy retry;
	int64_t timeout_ms, run_timeout_ms;
	int64_t run_at_ms;
	struct str
		options; /* JSON object of what only answers and leases need; empty: nothing */
};
