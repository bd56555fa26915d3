/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of locators and filters of lists: what is accepted has an end and can be used. */
#include "fuzz.h"

#include <string.h>

#include "base/limits.h"
#include "dialects/octomind/filter.h"
#include "dialects/octomind/locator.h"

static void
try_locator(const char *line, struct arena *arena)
{
	struct octo_selectors list = { 0 };
	struct err err;

	if (octo_locator_read(line, arena, &list, &err) < 0)
		return;
	FUZZ_CHECK(list.n > 0 && list.n <= OCTO_SELECTORS_MAX);
	for (size_t i = 0; i < list.n; i++)
		FUZZ_CHECK(list.item[i].type < OCTO_SELECTOR_TYPE_COUNT);
}

static void
try_filter(const char *text, size_t size, struct arena *arena)
{
	static const struct octo_filter_facts facts = { .id = "1", .status = "ENABLED" };
	struct octo_issues issues = { .arena = arena };
	struct err err;
	_cleanup_(json_unrefp) json_t *filter = json_read(text, size, JSON_DEPTH_MAX, &err);

	if (filter && octo_filter_check(filter, &issues) == 0)
		(void)octo_filter_fits(filter, &facts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;

	if (size > (size_t)KIB(8))
		return 0;
	arena_init(&arena, (size_t)MIB(16));
	char *text = arena_strndup(&arena, (const char *)data, size);

	try_locator(text, &arena);
	try_filter(text, size, &arena);
	arena_deinit(&arena);
	return 0;
}
