/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON Schema: a list of a schema and a value, or a schema alone. A verdict is one with an
 * offence or none without; `{"not": {"not": s}}` and `{"allOf": [s]}` decide as s does.
 */
#include "fuzz.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "core/json_schema.h"

/* 1 fits, 0 does not; -1: the schema is refused, or it costs too much. */
static int
verdict_of(json_t *schema, json_t *value, bool check_formats)
{
	struct json_schema *compiled = NULL;
	struct arena arena;
	struct issues issues = { .arena = &arena };
	int verdict = -1;

	arena_init(&arena, MIB(64));
	if (json_schema_compile(schema, &arena, &compiled, &issues) < 0) {
		FUZZ_CHECK(issues.n > 0 && issues.item[0].detail[0] != '\0');
		FUZZ_CHECK(utf8_valid(issues.item[0].detail, strlen(issues.item[0].detail)));
	} else {
		FUZZ_CHECK(issues.n == 0);
		if (check_formats)
			json_schema_check_formats(compiled);
		verdict = json_schema_validate(compiled, value, "", &issues) == 0;
		FUZZ_CHECK(verdict == (issues.n == 0));
		for (size_t i = 0; i < issues.n; i++)
			FUZZ_CHECK(utf8_valid(
				issues.item[i].detail, strlen(issues.item[i].detail)));
		for (size_t i = 0; i < issues.n; i++)
			if (strcmp(issues.item[i].code, ISSUE_LIMIT) == 0)
				verdict = -1;
		/* The limit may be among those that found no room. */
		if (issues.n_more > 0)
			verdict = -1;
	}
	arena_deinit(&arena);
	return verdict;
}

static void
check_pair(json_t *schema, json_t *value)
{
	_cleanup_(json_unrefp) json_t *doubled = json_pack("{s:{s:O}}", "not", "not", schema);
	_cleanup_(json_unrefp) json_t *listed = json_pack("{s:[O]}", "allOf", schema);
	int verdict = verdict_of(schema, value, false), other;

	/* Inside another schema, `#` means that one, and its draft counts. */
	if (verdict < 0 || json_object_get(schema, "$schema"))
		return;
	_cleanup_free_ char *text = json_dumps(schema, JSON_ENCODE_ANY);

	if (!text || strstr(text, "\"$ref\"") || strstr(text, "\"$dynamicRef\""))
		return;
	other = verdict_of(doubled, value, false);
	FUZZ_CHECK(other < 0 || other == verdict);
	other = verdict_of(listed, value, false);
	FUZZ_CHECK(other < 0 || other == verdict);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err;
	_cleanup_(json_unrefp) json_t *input =
		json_read((const char *)data, size, JSON_DEPTH_MAX, &err);
	json_t *schema = json_is_array(input) ? json_array_get(input, 0) : input;
	json_t *value = json_is_array(input) ? json_array_get(input, 1) : NULL;

	if (!schema)
		return 0;
	/* Any schema is a value, too. */
	if (!value)
		value = schema;
	check_pair(schema, value);
	(void)verdict_of(schema, value, true);
	return 0;
}
