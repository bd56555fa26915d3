/* SPDX-License-Identifier: Apache-2.0 */
/* Pictures: hostile PNG files, and what counts as a difference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/image.h"

static const struct config_compare strict = {
	.threshold = 0.1, .max_diff_pixels = -1, .max_diff_ratio = -1, .forgive_antialias = true
};

static struct image
plain(uint32_t width, uint32_t height, uint8_t grey)
{
	struct image image = { width, height, xmalloc((size_t)width * height * 4) };

	memset(image.pixel, grey, (size_t)width * height * 4);
	for (size_t i = 0; i < (size_t)width * height; i++)
		image.pixel[4 * i + 3] = 255;
	return image;
}

static void
set(struct image *image, uint32_t x, uint32_t y, uint8_t grey)
{
	memset(image->pixel + 4 * ((size_t)y * image->width + x), grey, 3);
}

static void
test_png_there_and_back(void **state)
{
	struct image image = plain(7, 5, 200), back = { 0 };
	struct buf png = BUF_INIT(MIB(1));
	struct err err;

	(void)state;
	set(&image, 3, 2, 10);
	assert_int_equal(image_write_png(&image, &png, &err), 0);
	assert_int_equal(image_read_png(&back, png.data, png.len, &err), 0);
	assert_int_equal(back.width, 7);
	assert_memory_equal(back.pixel, image.pixel, 7 * 5 * 4);
	back = image_free(back);
	/* Every shorter file is refused and leaves nothing behind. */
	for (size_t len = 0; len + 13 < png.len; len++)
		assert_int_equal(image_read_png(&back, png.data, len, &err), -1);
	image_free(image);
	buf_deinit(&png);
}

static void
test_png_that_claims_to_be_huge(void **state)
{
	/* A header of 100,000 × 100,000 pixels with the right checksum is not needed: the sides
	 * are read before anything is allocated, or the checksum is refused. */
	struct image image = plain(1, 1, 0), back = { 0 };
	struct buf png = BUF_INIT(MIB(1));
	struct err err;

	(void)state;
	assert_int_equal(image_write_png(&image, &png, &err), 0);
	memcpy(png.data + 16, "\x00\x01\x86\xa0\x00\x01\x86\xa0", 8);
	assert_int_equal(image_read_png(&back, png.data, png.len, &err), -1);
	image_free(image);
	buf_deinit(&png);
}

static void
test_sides_over_the_limit(void **state)
{
	struct image image = plain(PAGE_SHOT_SIDE_MAX + 1, 1, 0), back = { 0 };
	struct buf png = BUF_INIT(MIB(4));
	struct err err;

	(void)state;
	assert_int_equal(image_write_png(&image, &png, &err), 0);
	assert_int_equal(image_read_png(&back, png.data, png.len, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	image_free(image);
	buf_deinit(&png);
}

static void
test_equal_and_different(void **state)
{
	struct image a = plain(10, 10, 255), b = plain(10, 10, 255), c = plain(10, 9, 255);
	struct image picture;
	struct image_diff diff;

	(void)state;
	assert_int_equal(image_compare(&a, &b, &strict, &diff, NULL), 0);
	assert_int_equal(diff.n_different, 0);
	assert_int_equal(diff.first_x, -1);
	assert_int_equal(image_compare(&a, &c, &strict, &diff, NULL), IMAGE_SIZE_DIFFERS);
	set(&b, 4, 6, 0);
	assert_int_equal(image_compare(&a, &b, &strict, &diff, &picture), 0);
	assert_int_equal(diff.n_different, 1);
	assert_int_equal(diff.first_x, 4);
	assert_int_equal(diff.first_y, 6);
	assert_memory_equal(picture.pixel + 4 * (6 * 10 + 4), "\xdc\x00\x00\xff", 4);
	image_free(picture);
	image_free(a);
	image_free(b);
	image_free(c);
}

static void
test_threshold(void **state)
{
	struct image a = plain(4, 4, 200), b = plain(4, 4, 210);
	struct config_compare exact = strict;
	struct image_diff diff;

	(void)state;
	assert_int_equal(image_compare(&a, &b, &strict, &diff, NULL), 0);
	assert_int_equal(diff.n_different, 0);
	exact.threshold = 0;
	assert_int_equal(image_compare(&a, &b, &exact, &diff, NULL), 0);
	assert_int_equal(diff.n_different, 16);
	image_free(a);
	image_free(b);
}

/* A dark half whose edge is a shade in one picture and another shade in the other. */
static void
test_smoothed_edge_is_forgiven_and_a_moved_one_is_not(void **state)
{
	struct image a = plain(12, 6, 255), b = plain(12, 6, 255), c = plain(12, 6, 255);
	struct config_compare harsh = strict;
	struct image_diff diff;

	(void)state;
	for (uint32_t y = 0; y < 6; y++) {
		for (uint32_t x = 0; x < 5; x++) {
			set(&a, x, y, 0);
			set(&b, x, y, 0);
			set(&c, x, y, 0);
		}
		set(&a, 5, y, 100);
		set(&b, 5, y, 170);
		set(&c, 5, y, 0);
		set(&c, 6, y, 0);
	}
	assert_int_equal(image_compare(&a, &b, &strict, &diff, NULL), 0);
	assert_int_equal(diff.n_different, 0);
	assert_int_equal(diff.n_forgiven, 6);
	harsh.forgive_antialias = false;
	assert_int_equal(image_compare(&a, &b, &harsh, &diff, NULL), 0);
	assert_int_equal(diff.n_different, 6);
	assert_int_equal(image_compare(&a, &c, &strict, &diff, NULL), 0);
	assert_true(diff.n_different >= 6);
	image_free(a);
	image_free(b);
	image_free(c);
}

static void
test_allowed(void **state)
{
	struct image_diff diff = { .n_pixels = 1000, .n_different = 10 };
	struct config_compare compare = strict;

	(void)state;
	assert_false(image_diff_is_allowed(&diff, &compare));
	compare.max_diff_pixels = 10;
	assert_true(image_diff_is_allowed(&diff, &compare));
	compare.max_diff_ratio = 0.005; /* the smaller number counts */
	assert_false(image_diff_is_allowed(&diff, &compare));
	compare.max_diff_pixels = -1;
	compare.max_diff_ratio = 0.01;
	assert_true(image_diff_is_allowed(&diff, &compare));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_png_there_and_back),
		cmocka_unit_test(test_png_that_claims_to_be_huge),
		cmocka_unit_test(test_sides_over_the_limit),
		cmocka_unit_test(test_equal_and_different),
		cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_smoothed_edge_is_forgiven_and_a_moved_one_is_not),
		cmocka_unit_test(test_allowed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
