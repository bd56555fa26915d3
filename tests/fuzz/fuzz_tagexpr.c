/* SPDX-License-Identifier: Apache-2.0 */
/* Tag expressions; `not (e)` is always the opposite of `e`. */
#include "fuzz.h"

#include <string.h>

#include "base/limits.h"
#include "core/tagexpr.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const tags[] = { "smoke", "slow", "ui", "and", "a b" };
	struct tagexpr *expr = NULL, *negated = NULL;
	struct err err = { 0 };
	struct arena arena;
	const char *opposite;

	arena_init(&arena, MIB(4));
	if (tagexpr_parse(str_from((const char *)data, size), &arena, &expr, &err) < 0) {
		FUZZ_CHECK(err.code == ERR_INVALID || err.code == ERR_LIMIT);
		FUZZ_CHECK(err.text[0] != '\0');
	} else {
		/* A NUL would end the text that is put together here. */
		opposite = memchr(data, 0, size)
			? NULL
			: arena_printf(&arena, "not (%.*s)", (int)size, (const char *)data);
		if (opposite && tagexpr_parse(str_of(opposite), &arena, &negated, &err) == 0)
			for (size_t n = 0; n <= ARRAY_LEN(tags); n++)
				FUZZ_CHECK(tagexpr_matches(expr, tags, n) !=
					tagexpr_matches(negated, tags, n));
		(void)tagexpr_matches(expr, NULL, 0);
	}
	arena_deinit(&arena);
	return 0;
}
