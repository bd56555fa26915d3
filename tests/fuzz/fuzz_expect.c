/* SPDX-License-Identifier: Apache-2.0 */
/* Expectations of http tests against one response: any expectation, a bounded effort. */
#include "fuzz.h"

#include "runners/http/expect.h"

static void
on_step(void *arg, const char *title, const char *message, json_t *expected, json_t *actual)
{
	size_t *n = arg;

	(void)message, (void)expected, (void)actual;
	FUZZ_CHECK(title != NULL);
	FUZZ_CHECK(++*n <= EXPECT_CHECKS_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct http_header headers[] = {
		{ STR_INIT("content-type"), STR_INIT("application/json") },
		{ STR_INIT("x-empty"), STR_INIT("") },
	};
	const struct http_seen seen = {
		.status = 200,
		.headers = headers,
		.n_headers = ARRAY_LEN(headers),
		.body = STR(
			"{\"status\":\"ok\",\"list\":[1,2,{\"a\":null}],\"aaaaaaaaaaaaaaaaaaaa\":1}"),
		.total_ms = 120,
		.certificate_end_ms = INT64_C(1800000000000),
		.now_ms = INT64_C(1790000000000),
	};
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *expect =
		json_read((const char *)data, size, JSON_DEPTH_MAX, &err);
	size_t n = 0;
	int64_t ms;
	int failed;

	(void)!certificate_time_parse(str_from((const char *)data, size), &ms);
	if (!expect)
		return 0;
	failed = expect_response(&seen, expect, on_step, &n, &err);
	if (failed < 0)
		FUZZ_CHECK(err.text[0] != '\0');
	else
		FUZZ_CHECK((size_t)failed <= n);
	return 0;
}
