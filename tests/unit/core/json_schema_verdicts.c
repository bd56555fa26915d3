/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts for json_schema_pairs.py: a line of `[schema, value]` comes in, a line of "fits",
 * "differs" or "refused: why" goes out.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/limits.h"
#include "core/json_schema.h"

static void
judge(const char *line, size_t len)
{
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *pair = json_read(line, len, JSON_DEPTH_MAX, &err);
	_cleanup_(arena_deinit) struct arena arena;
	struct json_schema *schema = NULL;

	arena_init(&arena, MIB(16));
	struct issues issues = { .arena = &arena };

	if (!pair)
		printf("refused: %s\n", err.text);
	else if (json_schema_compile(json_array_get(pair, 0), &arena, &schema, &issues) < 0)
		printf("refused: %s: %s\n", issues.item[0].pointer, issues.item[0].detail);
	else if (json_schema_validate(schema, json_array_get(pair, 1), "", &issues) == 0)
		puts("fits");
	else
		puts("differs");
}

int
main(void)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0)
		judge(line, (size_t)len);
	return 0;
}
