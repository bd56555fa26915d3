/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures under a key of a file: the file is made once, and nothing near a signature fits.
 */
#include "base/mac.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "unit.h"

static char dir[] = "/tmp/proctor-mac-XXXXXX";
static char path[sizeof dir + 8];

static int
setup(void **state)
{
	(void)state;
	memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
	if (!mkdtemp(dir))
		return -1;
	(void)snprintf(path, sizeof path, "%s/key", dir);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(dir);
}

static void
a_key_is_made_once_for_its_owner_alone(void **state)
{
	struct mac_key first, second;
	struct stat info;
	struct err err;

	(void)state;
	assert_int_equal(mac_key_load(&first, path, &err), 0);
	assert_int_equal(stat(path, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(info.st_size, MAC_KEY_BYTES);
	assert_int_equal(mac_key_load(&second, path, &err), 0);
	assert_memory_equal(first.b, second.b, MAC_KEY_BYTES);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mac_key_load(&second, path, &err), 0);
	assert_memory_not_equal(first.b, second.b, MAC_KEY_BYTES);
}

static void
a_file_of_another_length_is_no_key_and_stays(void **state)
{
	static const size_t lengths[] = { 0, 1, MAC_KEY_BYTES - 1, MAC_KEY_BYTES + 1, 1000 };
	static const char text[1000];
	struct mac_key key;
	struct stat info;
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
		assert_int_equal(file_write_atomic(path, text, lengths[i], 0600, &err), 0);
		assert_int_equal(mac_key_load(&key, path, &err), -1);
		assert_int_equal(stat(path, &info), 0);
		assert_int_equal(info.st_size, lengths[i]);
	}
}

static void
a_folder_that_is_not_there_is_told(void **state)
{
	struct mac_key key;
	struct err err;

	(void)state;
	assert_int_equal(mac_key_load(&key, "/tmp/proctor-nowhere/no/key", &err), -1);
	assert_int_equal(mac_key_load(&key, dir, &err), -1);
}

static void
a_signature_fits_its_data_and_key_only(void **state)
{
	struct mac_key key = { { 1, 2, 3 } }, other = key;
	uint8_t mac[MAC_BYTES], again[MAC_BYTES];
	char data[] = "flow 1 stage hook";

	(void)state;
	mac_make(&key, data, sizeof data, mac);
	mac_make(&key, data, sizeof data, again);
	assert_memory_equal(mac, again, MAC_BYTES);
	assert_true(mac_fits(&key, data, sizeof data, mac));
	assert_false(mac_fits(&key, data, sizeof data - 1, mac));
	for (size_t bit = 0; bit < 8 * sizeof data; bit++) {
		data[bit / 8] ^= (char)(1 << bit % 8);
		assert_false(mac_fits(&key, data, sizeof data, mac));
		data[bit / 8] ^= (char)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < (size_t)8 * MAC_BYTES; bit++) {
		mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(mac_fits(&key, data, sizeof data, mac));
		mac[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	for (size_t bit = 0; bit < (size_t)8 * MAC_KEY_BYTES; bit++) {
		other.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_false(mac_fits(&other, data, sizeof data, mac));
		other = key;
	}
	assert_true(mac_fits(&other, data, sizeof data, mac));
}

static void
nothing_can_be_signed_too(void **state)
{
	struct mac_key key = { { 9 } };
	uint8_t mac[MAC_BYTES];

	(void)state;
	mac_make(&key, "", 0, mac);
	assert_true(mac_fits(&key, "", 0, mac));
	assert_false(mac_fits(&key, "\0", 1, mac));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_key_is_made_once_for_its_owner_alone),
		CASE(a_file_of_another_length_is_no_key_and_stays),
		CASE(a_folder_that_is_not_there_is_told),
		CASE(a_signature_fits_its_data_and_key_only),
		CASE(nothing_can_be_signed_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
