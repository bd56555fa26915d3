/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled time zones; spans hold what was asked for and follow each other. */
#include "fuzz.h"

#include "base/tzif.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	struct tz_table table;

	if (tzif_parse(data, size, &table, &err) < 0) {
		FUZZ_CHECK(err.code == ERR_CORRUPT);
		return 0;
	}
	for (int64_t at_s = -5000000000; at_s < 20000000000; at_s += 333333333) {
		struct tz_span span;

		tz_span_at(&table, at_s, &span);
		FUZZ_CHECK(span.begin_s <= at_s && at_s < span.end_s);
	}
	tz_table_deinit(&table);
	return 0;
}
