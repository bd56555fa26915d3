/* SPDX-License-Identifier: Apache-2.0 */
#include "base/id.h"

#include "unit.h"

static void
has_version_variant_and_time(void **state)
{
	(void)state;
	struct rng rng;
	struct uuid id;
	char text[UUID_TEXT_LEN + 1];
	rng_seed(&rng, 1);
	uuid_v7(&id, INT64_C(0x0123456789ab), &rng);
	uuid_format(&id, text);
	assert_memory_equal(text, "01234567-89ab-7", 15);
	assert_non_null(strchr("89ab", text[19]));
	assert_int_equal(uuid_time_ms(&id), INT64_C(0x0123456789ab));
	assert_int_equal(strlen(text), UUID_TEXT_LEN);
}

static void
grows_strictly(void **state)
{
	(void)state;
	struct rng rng;
	struct uuid last = { { 0 } }, id;
	rng_seed(&rng, 2);
	/* Many in a millisecond, then the clock goes back, then on. */
	for (int i = 0; i < 20000; i++) {
		int64_t now = i < 10000 ? 5000 : i < 15000 ? 3000 : 5000 + i;
		uuid_v7(&id, now, &rng);
		assert_true(uuid_cmp(&last, &id) < 0);
		last = id;
	}
	assert_int_equal(uuid_time_ms(&last), 24999);
}

static void
same_seed_same_ids(void **state)
{
	(void)state;
	struct rng a, b, c;
	struct uuid x, y, z;
	rng_seed(&a, 3);
	rng_seed(&b, 3);
	rng_seed(&c, 4);
	uuid_v7(&x, 10, &a);
	uuid_v7(&y, 10, &b);
	uuid_v7(&z, 10, &c);
	assert_true(uuid_eq(&x, &y));
	assert_false(uuid_eq(&x, &z));
}

static void
parses_strictly(void **state)
{
	(void)state;
	struct uuid id, again;
	char text[UUID_TEXT_LEN + 1];
	assert_int_equal(uuid_parse(STR("01234567-89AB-cdef-0123-456789ABCDEF"), &id), 0);
	uuid_format(&id, text);
	assert_string_equal(text, "01234567-89ab-cdef-0123-456789abcdef");
	assert_int_equal(uuid_parse(str_of(text), &again), 0);
	assert_true(uuid_eq(&id, &again));
	assert_false(uuid_is_zero(&id));
	assert_int_equal(uuid_parse(STR("00000000-0000-0000-0000-000000000000"), &id), 0);
	assert_true(uuid_is_zero(&id));

	static const char *const bad[] = {
		"",
		"0123456789abcdef0123456789abcdef",
		"01234567-89ab-cdef-0123-456789abcde",
		"01234567-89ab-cdef-0123-456789abcdef0",
		"01234567-89ab-cdef-0123-456789abcdeg",
		"{1234567-89ab-cdef-0123-456789abcdef",
		"01234567+89ab-cdef-0123-456789abcdef",
		"012345678-9ab-cdef-0123-456789abcdef",
	};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(uuid_parse(str_of(bad[i]), &again), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_version_variant_and_time),
		cmocka_unit_test(grows_strictly),
		cmocka_unit_test(same_seed_same_ids),
		cmocka_unit_test(parses_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
