/* SPDX-License-Identifier: Apache-2.0 */
/* Reads job requests for tests, with saved things that are a table in memory. */
#pragma once

#include "core/job_json.h"
#include "unit.h"

/* Of the test that runs now. */
extern struct arena reader_arena;
extern struct issues reader_issues;
extern struct err reader_err;

/* Tests "checkout" (tag smoke, needs params.bin) and "search" (smoke, slow); template "shop",
 * flow "nightly". */
extern const struct job_source reader_source;
extern const char reader_shop[];
extern const char reader_nightly[];

int reader_setup(void **state);
int reader_teardown(void **state);

/* The caller owns the result. */
json_t *reader_json(const char *text);

/* Reads a request, which must be a good one. Lives as long as the test. */
struct job_spec reader_ok(const char *text);

/* Fails the test unless the request has the offence, maybe among others. */
void reader_refuses(const char *text, const char *pointer, const char *code);

/* The value at a pointer of a test's body, as text; "" when there is none. Lives as long. */
const char *reader_body(const struct job_spec *spec, size_t test, const char *pointer);

#define HI "{\"kind\":\"command\",\"name\":\"hi\",\"argv\":[\"echo\"]}"
