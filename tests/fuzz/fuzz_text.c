/* SPDX-License-Identifier: Apache-2.0 */
/* The small texts: numbers, durations, sizes, times, ids, hex, base64, UTF-8. */
#include "fuzz.h"

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/str.h"

static void
numbers(struct str text)
{
	struct err err;
	int64_t value;
	double number;
	bool flag;

	if (parse_i64(text, -1000, 1000, &value, &err) == 0)
		FUZZ_CHECK(value >= -1000 && value <= 1000);
	if (parse_i64(text, INT64_MIN, INT64_MAX, &value, &err) < 0)
		FUZZ_CHECK(err.text[0] != '\0');
	if (parse_double(text, -1e9, 1e9, &number, &err) == 0)
		FUZZ_CHECK(number >= -1e9 && number <= 1e9);
	if (parse_duration_ms(text, RUN_TIMEOUT_MS_MAX, &value, &err) == 0)
		FUZZ_CHECK(value >= 0 && value <= RUN_TIMEOUT_MS_MAX);
	if (parse_duration_ms(text, INT64_MAX, &value, &err) == 0)
		FUZZ_CHECK(value >= 0);
	if (parse_size(text, ARTIFACT_BYTES_MAX, &value, &err) == 0)
		FUZZ_CHECK(value >= 0 && value <= ARTIFACT_BYTES_MAX);
	if (parse_size(text, INT64_MAX, &value, &err) == 0)
		FUZZ_CHECK(value >= 0);
	(void)!parse_bool(text, &flag, &err);
}

static void
times(struct str text)
{
	char written[TIME_TEXT_LEN + 1];
	int64_t ms, again;
	struct err err;

	if (time_parse(text, &ms, &err) < 0)
		return;
	time_format(ms, written);
	FUZZ_CHECK(strlen(written) == TIME_TEXT_LEN);
	if (ms < TIME_MS_MIN || ms > TIME_MS_MAX)
		return;
	FUZZ_CHECK(time_parse(str_of(written), &again, &err) == 0);
	FUZZ_CHECK(again == ms);
}

static void
ids(struct str text)
{
	char written[UUID_TEXT_LEN + 1];
	struct uuid id;

	if (uuid_parse(text, &id) < 0)
		return;
	uuid_format(&id, written);
	FUZZ_CHECK(str_eq_nocase(text, str_of(written)));
}

static void
codecs(struct str text)
{
	static const enum base64_kind kinds[] = { BASE64_STANDARD, BASE64_URL };
	size_t at = 0, len;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		struct buf encoded = BUF_INIT(2 * text.n + 16),
			   plain = BUF_INIT(2 * text.n + 16);

		FUZZ_CHECK(base64_encode(&encoded, text.p, text.n, kinds[i]) == 0);
		FUZZ_CHECK(base64_decode(
				   &plain, str_from(encoded.data, encoded.len), kinds[i]) == 0);
		FUZZ_CHECK(str_eq(str_from(plain.data, plain.len), text));
		buf_clear(&plain);
		(void)!base64_decode(&plain, text, kinds[i]);
		buf_deinit(&encoded);
		buf_deinit(&plain);
	}

	while (at < text.n && (len = utf8_char_len(text.p + at, text.n - at)) > 0) {
		FUZZ_CHECK(utf8_valid(text.p + at, len));
		at += len;
	}
	FUZZ_CHECK(utf8_valid(text.p, text.n) == (at == text.n));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = str_from((const char *)data, size);

	numbers(text);
	times(text);
	ids(text);
	codecs(text);
	return 0;
}
