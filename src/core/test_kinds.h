/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kinds of tests and the members that each takes, as field tables: one description for the
 * decoder, for OpenAPI and for people. Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"
#include "browser_format/library.h"

/* What every test has; each kind's struct begins with it. */
struct test_common {
	const char *name; /* NULL: not given */
	const char *kind;
	const char *description, *owner;
	struct strs tags;
	struct strs secrets; /* pointers into the test; what they lead to is never shown */
	int64_t timeout_ms;  /* 0: the job's runTimeout */
	json_t *config, *output_schema, *extra;
	bool skip, only; /* rules of the job that it stands in, not part of its body */
};

struct test_kind {
	const char *name;
	const char *summary;
	const struct json_field *fields; /* the common ones included */
	/* What a table cannot say; adds issues. NULL: nothing, or browser_test_check(). */
	void (*check)(json_t *test, const char *pointer, struct issues *issues);
};

/* Ends with an entry whose name is NULL. */
extern const struct test_kind test_kinds[];

/* Parts of http tests, for OpenAPI. */
extern const struct json_field http_request_fields[];
extern const struct json_field http_expect_fields[];

/* NULL: no such kind. */
const struct test_kind *test_kind_find(const char *name);

/*
 * Checks one test (an object with its kind's members) and gives what all kinds have in common.
 * Texts that hold expressions pass where another type is wanted when `has_exprs` (a saved
 * test). `around` has what a browser test may use besides its own library; NULL: nothing.
 * 0, or -1 with issues added.
 */
int test_read(json_t *test, bool has_exprs, const struct libraries *around, const char *pointer,
	struct issues *issues, struct test_common *ret) MUST_CHECK;
