/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From JSON to struct job_spec: job requests, saved tests and templates. Pure: what is saved is
 * looked up through struct job_source, which the caller backs with the store.
 *
 * Order: the template is laid under the request, parameters are settled, expressions are filled
 * in, and only then types and ranges are checked, so that `"${{ params.count }}"` may stand for
 * a number. Every offence is reported with its JSON Pointer in the request.
 */
#pragma once

#include <jansson.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "core/ids.h"
#include "core/job_spec.h"
#include "core/selector.h"

/* Field tables: what a request may hold. For the decoder and for OpenAPI. */
extern const struct json_field
	job_fields[]; /* a job; tests are items of job_test_ref_fields or tests */
extern const struct json_field job_retries_fields[];
extern const struct json_field job_browser_fields[]; /* an item of browsers that is no text */
extern const struct json_field job_quarantine_fields[];
extern const struct json_field job_fixture_fields[];
extern const struct json_field job_hooks_fields[];
extern const struct json_field job_test_ref_fields[]; /* { test } or a selector */
extern const struct json_field template_fields[];     /* a template */
extern const struct json_field invoke_fields[];       /* { params, overrides } */

/* A saved definition. */
struct job_source_item {
	struct def_id id;
	const char *name;
	int64_t revision;
	json_t *body; /* owned by the receiver */
};

enum { JOB_SOURCE_NONE = 1 };

/* Looks up saved definitions. Functions return 0, JOB_SOURCE_NONE, or -1 with err. */
struct job_source {
	int (*test)(void *arg, const char *id_or_name, int64_t revision,
		struct job_source_item *ret, struct err *err);
	int (*tmpl)(void *arg, const char *id_or_name, struct job_source_item *ret,
		struct err *err);
	int (*flow)(void *arg, const char *id_or_name, struct job_source_item *ret,
		struct err *err);
	/* Calls take for each test that is meant, in order of name, until it answers < 0. */
	int (*selected)(void *arg, const struct selector *selector,
		struct selector_counts *ret_counts,
		int (*take)(void *taker, struct job_source_item *item), void *taker,
		struct err *err);
	void *arg;
};

enum { JOB_NEEDS_SOURCE = 1 };

/*
 * Reads one job. `job` is changed (expanded, merged) and must not be used for a second try,
 * except after JOB_NEEDS_SOURCE, which is answered for source == NULL before anything is
 * changed, when the request names saved things. Everything in *ret lives in the arena or is
 * static.
 *
 * -1: offences are in issues; or there are none and *err says what failed (the source).
 */
int job_spec_read(json_t *job, const struct job_source *source, const char *pointer,
	struct arena *arena, struct issues *issues, struct job_spec *ret, struct err *err)
	MUST_CHECK;

/* A template's invocation as a job request: { template, params, …overrides }. Owned by the
 * caller. */
int job_from_invoke(json_t *invoke, const char *template_name, const char *pointer,
	struct issues *issues, json_t **ret) MUST_CHECK;

/* What is kept of a definition besides its body. In the arena. */
struct definition_head {
	const char *name;
	const char *tags; /* JSON array */
};

/* Checks a test or template that is to be saved. -1: issues. */
int test_definition_read(json_t *test, struct arena *arena, struct issues *issues,
	struct definition_head *ret) MUST_CHECK;
int template_definition_read(json_t *tmpl, struct arena *arena, struct issues *issues,
	struct definition_head *ret) MUST_CHECK;
