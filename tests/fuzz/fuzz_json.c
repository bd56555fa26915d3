/* SPDX-License-Identifier: Apache-2.0 */
/* The strict JSON reader; what it accepts is written and read back as the same. */
#include "fuzz.h"

#include "base/json.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *value =
		json_read((const char *)data, size, JSON_DEPTH_MAX, &err);
	_cleanup_(json_unrefp) json_t *again = NULL;
	struct buf out = BUF_INIT(16 * size + 1024);
	struct jw jw;

	if (!value) {
		FUZZ_CHECK(err.code == ERR_INVALID || err.code == ERR_LIMIT);
		FUZZ_CHECK(err.text[0] != '\0');
		return 0;
	}
	jw_init(&jw, &out);
	jw_tree(&jw, value);
	FUZZ_CHECK(jw_done(&jw) == 0);
	again = json_read(out.data, out.len, JSON_DEPTH_MAX, &err);
	FUZZ_CHECK(again != NULL);
	FUZZ_CHECK(json_equal(value, again));
	buf_deinit(&out);
	return 0;
}
