/* SPDX-License-Identifier: Apache-2.0 */
/* Baselines are files of somebody's bundle: any bytes, compared with a picture of ours. */
#include <stdint.h>
#include <stdlib.h>

#include "fuzz.h"
#include "runners/browser/image.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct config_compare compare = { .threshold = 0.1,
		.max_diff_pixels = -1,
		.max_diff_ratio = -1,
		.forgive_antialias = true };
	struct image image = { 0 }, picture = { 0 };
	struct image_diff diff;
	struct err err;

	if (image_read_png(&image, data, size, &err) < 0)
		return 0;
	if ((int64_t)image.width * image.height < 1000000) {
		if (image_compare(&image, &image, &compare, &diff, &picture) != 0 ||
			diff.n_different != 0)
			abort();
	}
	image_free(picture);
	image_free(image);
	return 0;
}
