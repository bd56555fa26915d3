/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of Octomind's cases share: cases written as JSON with single quotes. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "dialects/octomind/case.h"

#define OCTO_ID "11111111-2222-4333-8444-555555555555"

/* JSON with ' for ". */
static inline json_t *
octo_json(const char *text)
{
	_cleanup_free_ char *copy = xstrdup(text);
	struct err err = { 0 };

	for (char *at = copy; *at; at++)
		if (*at == '\'')
			*at = '"';
	json_t *value = json_read(copy, strlen(copy), JSON_DEPTH_MAX, &err);

	if (!value)
		fail_msg("%s: %s", err.text, copy);
	return value;
}

/* A case with these elements and, behind them, other members. */
static inline json_t *
octo_document(const char *elements, const char *members)
{
	_cleanup_free_ char *text = xasprintf("{'version':'1','id':'" OCTO_ID
					      "','runStatus':'ON','description':'A case',"
					      "'prompt':'','elements':[%s]%s}",
		elements, members);

	return octo_json(text);
}

/* Decoded into the arena; anything wrong fails the test. */
static inline struct octo_case
octo_case_of(struct arena *arena, json_t *document)
{
	struct octo_issues issues = { .arena = arena };
	struct octo_case c = { 0 };

	if (octo_case_decode(document, NULL, &issues, &c) < 0)
		fail_msg("%s: %s", issues.item[0].pointer, issues.item[0].message);
	return c;
}
