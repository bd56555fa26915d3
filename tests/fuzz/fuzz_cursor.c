/* SPDX-License-Identifier: Apache-2.0 */
/* Cursors that come back from clients. */
#include "fuzz.h"

#include "base/limits.h"
#include "store/cursor.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;

	arena_init(&arena, ARENA_REQUEST_BYTES_MAX);
	for (int sort = 0; sort < JOB_SORT_COUNT; sort++) {
		struct job_filter filter = { .sort = (enum job_sort)sort,
			.cursor = str_from((const char *)data, size) };
		struct job_cursor cursor = { .seq = 0 };
		struct err err = { 0 };

		if (cursor_read(&filter, &arena, &cursor, &err) < 0)
			FUZZ_CHECK(err.code == ERR_INVALID || err.code == ERR_LIMIT);
		else
			FUZZ_CHECK(cursor_write(&cursor, &filter, &arena) != NULL);
	}
	arena_deinit(&arena);
	return 0;
}
