/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `expect` part of an `http` test: what a response must look like. Pure: a response and an
 * expectation go in, steps and a verdict come out.
 *
 *	status            200 · [200, 204] · "2xx" · "200-299"; without it any status below 400
 *	headers           { name: value | matcher }
 *	json              { JSON Pointer: value | matcher }
 *	body              text (equal) or matcher
 *	within            duration: the whole exchange
 *	certificateDays   the server's certificate is valid for at least that many days more
 *
 * A matcher is an object of equals, matches (PCRE2), contains, exists, min, max; all of them
 *must hold. An object with any other member is a value to be equal to.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "base/str.h"

enum {
	EXPECT_PATTERN_BYTES_MAX = 4096,   /* a regular expression */
	EXPECT_MATCH_LIMIT = 1000000,      /* PCRE2 backtracking steps: some ms */
	EXPECT_MATCH_HEAP_KIB = 16 * 1024, /* PCRE2 memory for backtracking */
	EXPECT_CHECKS_MAX = 1000,
};

struct http_header {
	struct str name, value;
};

/* A response that has arrived. Borrowed. */
struct http_seen {
	long status;
	const struct http_header *headers; /* of the last response of a chain of redirects */
	size_t n_headers;
	struct str body;
	int64_t total_ms;
	int64_t certificate_end_ms; /* wall time; 0: no TLS or unknown */
	int64_t now_ms;             /* wall time */
};

/* Called once for each assertion, in order. actual may be NULL; message is NULL when it held.
 */
typedef void expect_step_fn(
	void *arg, const char *title, const char *message, json_t *expected, json_t *actual);

/*
 * Checks everything. Returns the number of assertions that did not hold, or -1 with err when
 * the expectation itself is wrong (INVALID: a bad pattern, an unknown member) or costs too
 * much.
 */
int expect_response(const struct http_seen *seen, json_t *expect, expect_step_fn *step,
	void *arg, struct err *err) MUST_CHECK;

/* The moment in the text that TLS libraries print for a certificate: "Dec 31 23:59:59 2026 GMT"
 * or "2026-12-31 23:59:59 GMT". 0 and wall ms, or -1. */
int certificate_time_parse(struct str text, int64_t *ret_ms) MUST_CHECK;

/* Entry point of `proctor runner http`. */
int runner_http_main(void);
