/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Readers of single values of a test case. null counts as absent where a member may be absent,
 * as it does for the clients. What is wrong is added to the issues; results are then harmless.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dialects/octomind/case.h"

/* The member, or NULL when it is absent or null. */
json_t *read_member(json_t *object, const char *name);

/* A copy of a text of min … max bytes in the arena of the issues; NULL: an issue was added. */
const char *read_text(struct octo_issues *issues, json_t *value, const struct octo_at *at,
	int64_t min, int64_t max);

/* The same of a member of the object at `up`. */
const char *read_text_in(struct octo_issues *issues, json_t *object, const struct octo_at *up,
	const char *name, int64_t min, int64_t max);

/* NULL when it is absent. */
const char *read_opt_text_in(struct octo_issues *issues, json_t *object,
	const struct octo_at *up, const char *name, int64_t max);

/* The index of a word; `otherwise` when it is absent or wrong. */
int read_word_in(struct octo_issues *issues, json_t *object, const struct octo_at *up,
	const char *name, const char *const *names, bool is_required, int otherwise);

bool read_flag_in(struct octo_issues *issues, json_t *object, const struct octo_at *up,
	const char *name, bool otherwise);

enum octo_flag read_state_in(
	struct octo_issues *issues, json_t *object, const struct octo_at *up, const char *name);

/* False when it is absent or wrong; *ret is then untouched. */
bool read_number_in(struct octo_issues *issues, json_t *object, const struct octo_at *up,
	const char *name, double min, double max, double *ret);

/* Zero when it is absent or wrong. */
struct uuid read_uuid_in(struct octo_issues *issues, json_t *object, const struct octo_at *up,
	const char *name, bool is_required);

/* Whether it is a list of at most max items. */
bool read_is_list(
	struct octo_issues *issues, json_t *value, const struct octo_at *at, size_t max);

/* Zeroed memory for what the list's items become; NULL: there is not so much. */
void *read_items_for(
	struct octo_issues *issues, json_t *list, const struct octo_at *at, size_t item_bytes);

/* Names: none when it is absent. */
struct strs read_texts_in(
	struct octo_issues *issues, json_t *object, const struct octo_at *up, const char *name);
