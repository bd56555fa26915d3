/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-decoding of paths and queries: never longer, never with a NUL inside. */
#include "fuzz.h"

#include <string.h>

#include "base/limits.h"
#include "http/server.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_from((const char *)data, size);
	struct arena arena;

	if (size > URL_BYTES_MAX)
		return 0;
	arena_init(&arena, MIB(1));
	for (int plus = 0; plus < 2; plus++) {
		char *decoded = http_percent_decode(&arena, text, plus);

		if (decoded)
			FUZZ_CHECK(strlen(decoded) <= size);
	}
	arena_deinit(&arena);
	return 0;
}
