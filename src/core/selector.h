/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which saved tests a job means: by tags, by name, by how they ended last. All parts that are
 * given must hold; what `exclude` would choose is left out. Pure: how a test ended last is
 * asked of the caller, and only for tests that the other parts let through.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "core/tagexpr.h"

/* The last result of a test of that name in the project; exactly one of them is true of each.
 */
enum last_result {
	LAST_NEW,    /* it has neither passed nor failed yet */
	LAST_PASSED, /* at the first attempt */
	LAST_FLAKY,  /* passed, but not at the first attempt */
	LAST_FAILED, /* failed, errored or timed out */
	LAST_RESULT_COUNT
};

const char *last_result_name(enum last_result last);

struct selector_terms {
	const struct tagexpr *tags; /* NULL: any */
	struct strs any_tag;        /* one of them; n 0: any */
	struct strs names;     /* patterns, in which each * stands for any text; n 0: any */
	unsigned last;         /* bits by enum last_result; 0: any */
	const char *tags_text; /* for people */
};

struct selector {
	struct selector_terms want, exclude;
	bool has_exclude;
};

/* How many tests were left after each part. */
struct selector_counts {
	int64_t all, tags, names, last, chosen;
};

/* A saved test. */
struct selector_test {
	const char *name;
	const char *const *tags;
	size_t n_tags;
	int (*last)(void *arg, const char *name, enum last_result *ret, struct err *err);
	void *arg;
};

/* Members `tags`, `name`, `last`, `exclude` of a request. */
extern const struct json_field selector_terms_fields[];

/*
 * The members as they were decoded, each NULL when it is absent; texts with an expression that
 * has no value yet are taken for granted with `is_template`. -1: issues, below `pointer`.
 */
struct selector_request {
	json_t *tags, *name, *last, *exclude;
};
int selector_read(const struct selector_request *request, bool is_template, const char *pointer,
	struct arena *arena, struct issues *issues, struct selector *ret) MUST_CHECK;

/* 0: the test is meant; SELECTOR_LEFT_OUT: it is not; -1: test->last failed. */
enum { SELECTOR_LEFT_OUT = 1 };
int selector_judge(const struct selector *selector, const struct selector_test *test,
	struct selector_counts *counts, struct err *err) MUST_CHECK;

/*
 * Why nothing was chosen: "of 12 saved tests 5 have the tags smoke, of those none has the last
 * result failed". *ret_member: the part that left nothing; NULL: there was nothing to begin
 * with.
 */
const char *selector_why_none(const struct selector *selector,
	const struct selector_counts *counts, struct arena *arena, const char **ret_member);
