/* SPDX-License-Identifier: Apache-2.0 */
/* Matching of lanes and offers, and canonical labels. */
#include "core/lane.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "core/needs.h"

/* Wide enough that no age outweighs one step of strict priority: 2^42 ms are 139 years. */
#define STRICT_STEP_MS (INT64_C(1) << 42)

_Static_assert((int64_t)PRIORITY_MAX < (INT64_MAX >> 43), "rank must not overflow");

int64_t
rank_of(int32_t priority, int64_t created_ms, int64_t ageing_ms)
{
	int64_t step = ageing_ms > 0 ? ageing_ms : STRICT_STEP_MS;

	return priority * step - created_ms;
}

bool
labels_cover(const char *have, const char *wanted)
{
	struct str rest = str_of(wanted);

	while (rest.n > 0) {
		struct str label = str_split_first(&rest, '\n');
		struct str others = str_of(have);
		bool found = false;

		while (!found && others.n > 0)
			found = str_eq(str_split_first(&others, '\n'), label);
		if (!found)
			return false;
	}
	return true;
}

bool
lane_matches(const struct lane *lane, const struct offer *offer)
{
	if (offer->project != 0 && offer->project != lane->project)
		return false;
	for (size_t i = 0; i < offer->n_kinds; i++) {
		if (strcmp(offer->kinds[i], lane->kind) == 0)
			return labels_cover(offer->labels, lane->labels) &&
				needs_scarce(lane->needs, offer->resources, NULL, 0).n == 0;
	}
	return false;
}

static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool
is_label_text(const char *text, bool is_key)
{
	size_t n = strlen(text);

	if (n > LABEL_BYTES_MAX || (is_key && n == 0))
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f ||
			(is_key && text[i] == '='))
			return false;
	}
	return true;
}

/* "key=value" of one member; NULL with an issue when it is not a label. */
static const char *
label_of(struct arena *arena, const char *key, json_t *value, const char *pointer,
	struct issues *issues)
{
	const char *at = arena_printf(arena, "%s/%s", pointer, key);

	if (!json_is_string(value)) {
		issues_add(issues, at, "invalid_field", "a label's value must be a string");
		return NULL;
	}
	if (!is_label_text(key, true) || !is_label_text(json_string_value(value), false)) {
		issues_add(issues, at, "invalid_field",
			"a label has at most %d bytes, no control characters, and no '=' in its key",
			LABEL_BYTES_MAX);
		return NULL;
	}
	return arena_printf(arena, "%s=%s", key, json_string_value(value));
}

const char *
labels_canonical(
	struct arena *arena, json_t *object, const char *pointer, struct issues *issues)
{
	const char *label[LABELS_MAX];
	size_t n = 0, bytes = 1;
	const char *key;
	json_t *value;

	if (json_object_size(object) > LABELS_MAX) {
		issues_add(issues, pointer, "limit_exceeded", "at most %d labels", LABELS_MAX);
		return NULL;
	}
	json_object_foreach(object, key, value)
	{
		label[n] = label_of(arena, key, value, pointer, issues);
		if (!label[n])
			return NULL;
		bytes += strlen(label[n++]) + 1;
	}
	qsort(label, n, sizeof label[0], compare_text);

	char *text = arena_alloc(arena, bytes);
	if (!text)
		return NULL;
	char *end = text;
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			*end++ = '\n';
		size_t len = strlen(label[i]);
		memcpy(end, label[i], len);
		end += len;
	}
	return text;
}
