/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pictures in memory: PNG in and out, and the comparison of two of them within a tolerance
 * (docs/protocol/browser-config.md §7). PNG files come from bundles and are not trusted.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "browser_format/config.h"

struct image {
	uint32_t width, height;
	uint8_t *pixel; /* red, green, blue, alpha; rows from above; owned */
};

struct image image_free(struct image image);
DEFINE_CLEANUP(struct image, image_free)

/* -1 with err: INVALID (no PNG, damaged), LIMIT (too large). */
int image_read_png(struct image *ret, const void *data, size_t len, struct err *err) MUST_CHECK;

/* Appends a PNG file. -1 with err: LIMIT. */
int image_write_png(const struct image *image, struct buf *out, struct err *err) MUST_CHECK;

enum { IMAGE_SIZE_DIFFERS = 1 };

struct image_diff {
	int64_t n_pixels, n_different, n_forgiven;
	int64_t first_x, first_y; /* of the first that differs; -1: none */
};

/*
 * Counts the pixels that differ. ret_picture (may be NULL) shows them: owned by the caller. 0;
 * IMAGE_SIZE_DIFFERS: nothing was compared.
 */
int image_compare(const struct image *expected, const struct image *actual,
	const struct config_compare *compare, struct image_diff *ret, struct image *ret_picture)
	MUST_CHECK;

/* Whether so many differing pixels are within what is allowed. */
bool image_diff_is_allowed(const struct image_diff *diff, const struct config_compare *compare);
