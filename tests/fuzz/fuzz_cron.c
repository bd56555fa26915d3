/* SPDX-License-Identifier: Apache-2.0 */
/* Cron expressions; what is found is behind what was asked for, in whole seconds. */
#include "fuzz.h"

#include "core/cron.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "UTC", "Europe/Berlin", "Australia/Lord_Howe" };
	struct err err = { 0 };
	struct cron cron;

	if (cron_parse(str_from((const char *)data, size), &cron, &err) < 0) {
		FUZZ_CHECK(err.code == ERR_INVALID || err.code == ERR_LIMIT);
		FUZZ_CHECK(err.text[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct zone *zone;
		int64_t after_ms = INT64_C(1774742400000), next_ms;

		if (zone_find(names[i], &zone, &err) < 0)
			continue;
		for (int n = 0; n < 4; n++) {
			if (cron_next(&cron, zone, after_ms, &next_ms) == CRON_NEVER)
				break;
			FUZZ_CHECK(next_ms > after_ms && next_ms % 1000 == 0);
			after_ms = next_ms;
		}
	}
	return 0;
}
