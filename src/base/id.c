/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include <assert.h>
#include <string.h>

#define ID_MS_MAX ((INT64_C(1) << 48) - 1)

enum {
	SEQ_MAX = 0xfff,        /* 12 bits behind the time */
	SEQ_START_BELOW = 2048, /* each ms starts in the lower half: room for as many more */
};

/* Moves the generator's (time, counter) forward to at least wall_ms. */
static void
advance(struct rng *rng, int64_t wall_ms)
{
	if (wall_ms > rng->id_ms) {
		rng->id_ms = wall_ms;
	} else if (rng->id_seq < SEQ_MAX) {
		rng->id_seq++;
		return;
	} else {
		rng->id_ms++;
	}
	rng->id_seq = (uint32_t)rng_below(rng, SEQ_START_BELOW);
}

void
uuid_v7(struct uuid *ret, int64_t wall_ms, struct rng *rng)
{
	assert(wall_ms >= 0 && wall_ms <= ID_MS_MAX);
	advance(rng, wall_ms);

	uint64_t ms = (uint64_t)rng->id_ms;
	for (int i = 0; i < 6; i++)
		ret->b[i] = (uint8_t)(ms >> (8 * (5 - i)));
	ret->b[6] = (uint8_t)(0x70 | rng->id_seq >> 8);
	ret->b[7] = (uint8_t)rng->id_seq;
	uint64_t tail = rng_u64(rng);
	for (int i = 8; i < 16; i++)
		ret->b[i] = (uint8_t)(tail >> (8 * (15 - i)));
	ret->b[8] = (uint8_t)(0x80 | (ret->b[8] & 0x3f));
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* True for the places of the text that hold a dash. */
static bool
is_dash(size_t at)
{
	return at == 8 || at == 13 || at == 18 || at == 23;
}

int
uuid_parse(struct str text, struct uuid *ret)
{
	struct uuid id = { { 0 } };
	size_t digits = 0;

	if (text.n != UUID_TEXT_LEN)
		return -1;
	for (size_t i = 0; i < UUID_TEXT_LEN; i++) {
		if (is_dash(i)) {
			if (text.p[i] != '-')
				return -1;
			continue;
		}
		int digit = hex_digit(text.p[i]);
		if (digit < 0)
			return -1;
		id.b[digits / 2] = (uint8_t)(id.b[digits / 2] << 4 | digit);
		digits++;
	}
	*ret = id;
	return 0;
}

void
uuid_format(const struct uuid *id, char out[UUID_TEXT_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	char *p = out;

	for (size_t i = 0; i < sizeof(id->b); i++) {
		if (is_dash((size_t)(p - out)))
			*p++ = '-';
		*p++ = digits[id->b[i] >> 4];
		*p++ = digits[id->b[i] & 15];
	}
	*p = '\0';
}

bool
uuid_eq(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool
uuid_is_zero(const struct uuid *id)
{
	static const struct uuid zero;

	return uuid_eq(id, &zero);
}

int
uuid_cmp(const struct uuid *a, const struct uuid *b)
{
	return memcmp(a->b, b->b, sizeof(a->b));
}

int64_t
uuid_time_ms(const struct uuid *id)
{
	uint64_t ms = 0;

	for (int i = 0; i < 6; i++)
		ms = ms << 8 | id->b[i];
	return (int64_t)ms;
}
