/* SPDX-License-Identifier: Apache-2.0 */
/* Any document as a browser test: checked, filled in, checked again, with a bounded effort. */
#include "fuzz.h"

#include "base/limits.h"
#include "browser_format/steps.h"
#include "browser_format/template.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *test =
		json_read((const char *)data, size, JSON_DEPTH_MAX, &err);
	_cleanup_(json_unrefp) json_t *scope =
		json_pack("{s:i, s:s, s:[i]}", "n", 1, "s", "{{n}}", "list", 1);
	struct issues *issues;
	json_t *step;
	size_t i;

	arena_init(&arena, MIB(16));
	if (!json_is_object(test))
		return 0;
	issues = arena_xalloc(&arena, sizeof *issues);
	issues->arena = &arena;
	browser_test_check(test, NULL, "", issues);
	for (i = 0; i < issues->n; i++)
		FUZZ_CHECK(issues->item[i].detail[0] != '\0');
	json_array_foreach(json_object_get(test, "steps"), i, step)
	{
		_cleanup_(json_unrefp) json_t *filled = template_fill(step, scope, NULL, &err);
		json_t *value;

		if (!filled)
			FUZZ_CHECK(err.text[0] != '\0');
		else if (json_is_object(filled) && step_check_filled(filled, &err) == 0)
			FUZZ_CHECK(step_verb(filled, &value) < VERB_COUNT);
	}
	return 0;
}
