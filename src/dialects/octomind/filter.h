/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter of the list of test cases: { field: value, …, AND: [filter], OR: [filter],
 * NOT: filter }; all members must fit. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "dialects/octomind/case_issues.h"

/* What a case is compared with: field → text, or NULL when it has none. */
struct octo_filter_facts {
	const char *id, *test_target, *description, *status, *run_status;
	const char *folder_id, *folder_name, *external_id, *prerequisite;
};

/* -1: issues were added. A filter of NULL is fine. */
int octo_filter_check(json_t *filter, struct octo_issues *issues) MUST_CHECK;

/* Of a checked filter; NULL fits everything. */
bool octo_filter_fits(json_t *filter, const struct octo_filter_facts *facts);
