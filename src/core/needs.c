/* SPDX-License-Identifier: Apache-2.0 */
/* Resources as texts: few of them, compared rarely, so no structure is kept. */
#include "core/needs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/parse.h"

enum { PARTS = 1000 }; /* of one piece */

struct amount {
	const char *name;
	int64_t parts;
};

static int
compare_amounts(const void *a, const void *b)
{
	return strcmp(((const struct amount *)a)->name, ((const struct amount *)b)->name);
}

bool
needs_name_ok(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > 40)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool is_letter = (name[i] >= 'a' && name[i] <= 'z') || name[i] == '_' ||
			name[i] == '-' || (name[i] >= '0' && name[i] <= '9') ||
			(name[i] >= 'A' && name[i] <= 'Z') || name[i] == '.';
		if (!is_letter)
			return false;
	}
	return true;
}

/* -1: it is no amount. */
static int64_t
parts_of(json_t *value)
{
	int64_t bytes;
	struct err ignored;

	if (json_is_string(value))
		return parse_size(str_of(json_string_value(value)), RESOURCE_MAX, &bytes,
			       &ignored) < 0
			? -1
			: bytes * PARTS;
	if (!json_is_number(value))
		return -1;
	double amount = json_number_value(value);
	if (!(amount >= 0) || amount > (double)RESOURCE_MAX)
		return -1;
	return (int64_t)llround(amount * PARTS);
}

const char *
needs_canonical(struct arena *arena, json_t *object, const char *pointer, struct issues *issues)
{
	struct amount amounts[RESOURCES_MAX];
	const char *key, *text = "";
	json_t *value;
	size_t n = 0;

	if (json_object_size(object) > RESOURCES_MAX) {
		issues_add(issues, pointer, ISSUE_LIMIT, "at most %d resources", RESOURCES_MAX);
		return NULL;
	}
	json_object_foreach(object, key, value)
	{
		int64_t parts = needs_name_ok(key) ? parts_of(value) : -1;
		if (parts < 0) {
			issues_add_member(issues, pointer, key, ISSUE_INVALID,
				"a resource is a short name and an amount of at least 0");
			return NULL;
		}
		if (parts > 0)
			amounts[n++] = (struct amount) { key, parts };
	}
	qsort(amounts, n, sizeof amounts[0], compare_amounts);
	for (size_t i = 0; i < n; i++)
		text = arena_printf(arena, "%s%s%s=%lld", text, i > 0 ? "\n" : "",
			amounts[i].name, (long long)amounts[i].parts);
	return text;
}

/* Takes the first line of the text. */
static struct str
next_amount(struct str *rest, int64_t *ret_parts)
{
	struct str line = str_split_first(rest, '\n');
	struct str name = str_split_first(&line, '=');
	struct err ignored;

	if (parse_i64(line, 0, INT64_MAX, ret_parts, &ignored) < 0)
		*ret_parts = 0;
	return name;
}

int64_t
needs_amount(const char *text, struct str name)
{
	struct str rest = str_of(text);

	while (rest.n > 0) {
		int64_t parts;
		if (str_eq(next_amount(&rest, &parts), name))
			return parts;
	}
	return 0;
}

struct str
needs_scarce(const char *needs, const char *have, const char *const *taken, size_t n_taken)
{
	struct str rest = str_of(needs);

	while (rest.n > 0) {
		int64_t wanted;
		struct str name = next_amount(&rest, &wanted);
		int64_t left = needs_amount(have, name);

		for (size_t i = 0; i < n_taken; i++)
			left -= needs_amount(taken[i], name);
		if (left < wanted)
			return name;
	}
	return (struct str) { 0 };
}

void
needs_write(struct jw *jw, const char *key, const char *text)
{
	struct str rest = str_of(text);

	if (rest.n == 0)
		return;
	jw_kobj(jw, key);
	while (rest.n > 0) {
		char name[48];
		int64_t parts;
		struct str found = next_amount(&rest, &parts);

		(void)snprintf(name, sizeof name, STR_FMT, STR_ARG(found));
		if (parts % PARTS == 0)
			jw_ki64(jw, name, parts / PARTS);
		else
			jw_kf64(jw, name, (double)parts / PARTS);
	}
	jw_end_obj(jw);
}
