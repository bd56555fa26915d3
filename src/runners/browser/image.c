/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Colours are compared as brightness and two colour differences, brightness weighing most, as
 * in the eye. A pixel of a smoothed edge lies between its neighbours; it may lie elsewhere
 * between them in the other picture.
 */
#include "runners/browser/image.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"

struct image
image_free(struct image image)
{
	free(image.pixel);
	return (struct image) { 0 };
}

/* --- PNG --- */

int
image_read_png(struct image *ret, const void *data, size_t len, struct err *err)
{
	png_image png = { .version = PNG_IMAGE_VERSION };

	if (!png_image_begin_read_from_memory(&png, data, len))
		return err_set(err, ERR_INVALID, "not a PNG picture: %s", png.message);
	if (png.width == 0 || png.height == 0 || png.width > PAGE_SHOT_SIDE_MAX ||
		png.height > PAGE_SHOT_SIDE_MAX ||
		(int64_t)png.width * png.height > IMAGE_PIXELS_MAX) {
		png_image_free(&png);
		return err_set(err, ERR_LIMIT,
			"the picture has %u × %u pixels, more than %d a side or %d million in all",
			png.width, png.height, PAGE_SHOT_SIDE_MAX,
			(int)(IMAGE_PIXELS_MAX / 1000000));
	}
	png.format = PNG_FORMAT_RGBA;
	/* Its size comes from outside and has just been limited. */
	uint8_t *pixel = xmalloc(PNG_IMAGE_SIZE(png));
	if (!png_image_finish_read(&png, NULL, pixel, 0, NULL)) {
		free(pixel);
		return err_set(err, ERR_INVALID, "the PNG picture is damaged: %s", png.message);
	}
	*ret = (struct image) { png.width, png.height, pixel };
	return 0;
}

int
image_write_png(const struct image *image, struct buf *out, struct err *err)
{
	png_image png = { .version = PNG_IMAGE_VERSION,
		.width = image->width,
		.height = image->height,
		.format = PNG_FORMAT_RGBA,
		.flags = PNG_IMAGE_FLAG_FAST };
	png_alloc_size_t len = PNG_IMAGE_PNG_SIZE_MAX(png);
	_cleanup_free_ void *data = xmalloc(len);

	if (!png_image_write_to_memory(&png, data, &len, 0, image->pixel, 0, NULL))
		return err_set(err, ERR_INTERNAL, "PNG: %s", png.message);
	if (buf_add(out, data, len) < 0)
		return err_set(err, ERR_LIMIT, "the picture is too large");
	return 0;
}

/* --- Colours --- */

/* Brightness 0 … 1 and two differences of -0.5 … 0.5. */
struct colour {
	float y, b, r;
};

static const uint8_t *
at(const struct image *image, int64_t x, int64_t y)
{
	return image->pixel + 4 * ((size_t)y * image->width + (size_t)x);
}

/* On white, which is what a page stands on. */
static struct colour
colour_at(const struct image *image, int64_t x, int64_t y)
{
	const uint8_t *p = at(image, x, y);
	float alpha = (float)p[3] / 255;
	float red = 1 - alpha + alpha * (float)p[0] / 255;
	float green = 1 - alpha + alpha * (float)p[1] / 255;
	float blue = 1 - alpha + alpha * (float)p[2] / 255;
	float bright = 0.299f * red + 0.587f * green + 0.114f * blue;

	return (struct colour) { bright, (blue - bright) * 0.564f, (red - bright) * 0.713f };
}

/* Square of the distance; black to white is 1. */
static float
distance2(struct colour a, struct colour b)
{
	float y = a.y - b.y, u = a.b - b.b, v = a.r - b.r;

	return y * y + 0.5f * (u * u + v * v);
}

/* --- Smoothed edges --- */

struct range {
	float min, max;
};

/* Brightness of the up to eight neighbours. */
static struct range
around(const struct image *image, int64_t x, int64_t y)
{
	struct range range = { 1, 0 };

	for (int64_t j = y - 1; j <= y + 1; j++)
		for (int64_t i = x - 1; i <= x + 1; i++) {
			if (i < 0 || j < 0 || i >= image->width || j >= image->height ||
				(i == x && j == y))
				continue;
			float bright = colour_at(image, i, j).y;
			range.min = bright < range.min ? bright : range.min;
			range.max = bright > range.max ? bright : range.max;
		}
	return range;
}

static bool
is_between(float bright, struct range range, float slack)
{
	return bright >= range.min - slack && bright <= range.max + slack;
}

static bool
is_smoothed(const struct image *a, const struct image *b, int64_t x, int64_t y, float threshold)
{
	float bright_a = colour_at(a, x, y).y, bright_b = colour_at(b, x, y).y;
	struct range near_a = around(a, x, y), near_b = around(b, x, y);
	float margin = threshold / 2;

	/* Neither picture may show what the other has no trace of. */
	if (!is_between(bright_a, near_b, margin) || !is_between(bright_b, near_a, margin))
		return false;
	/* And one must be a shade: an edge that moved by a whole pixel has none. */
	return (bright_a > near_a.min + margin && bright_a < near_a.max - margin) ||
		(bright_b > near_b.min + margin && bright_b < near_b.max - margin);
}

/* --- Comparing --- */

static void
paint(struct image *picture, int64_t x, int64_t y, uint8_t red, uint8_t green, uint8_t blue)
{
	uint8_t *p = picture->pixel + 4 * ((size_t)y * picture->width + (size_t)x);

	p[0] = red;
	p[1] = green;
	p[2] = blue;
	p[3] = 255;
}

static void
paint_faint(struct image *picture, int64_t x, int64_t y, struct colour colour)
{
	uint8_t grey = (uint8_t)(215 + 40 * colour.y);

	paint(picture, x, y, grey, grey, grey);
}

struct work {
	const struct image *expected, *actual;
	float threshold;
	bool forgives;
	struct image_diff *diff;
	struct image *picture; /* or NULL */
};

static void
compare_pixel(const struct work *work, int64_t x, int64_t y)
{
	struct image_diff *diff = work->diff;
	bool is_same = memcmp(at(work->expected, x, y), at(work->actual, x, y), 4) == 0;
	struct colour colour = { 1, 0, 0 };

	if (work->picture || !is_same)
		colour = colour_at(work->expected, x, y);
	if (is_same ||
		distance2(colour, colour_at(work->actual, x, y)) <=
			work->threshold * work->threshold) {
		if (work->picture)
			paint_faint(work->picture, x, y, colour);
		return;
	}
	if (work->forgives &&
		is_smoothed(work->expected, work->actual, x, y, work->threshold)) {
		diff->n_forgiven++;
		if (work->picture)
			paint(work->picture, x, y, 255, 200, 0);
		return;
	}
	if (diff->n_different++ == 0) {
		diff->first_x = x;
		diff->first_y = y;
	}
	if (work->picture)
		paint(work->picture, x, y, 220, 0, 0);
}

int
image_compare(const struct image *expected, const struct image *actual,
	const struct config_compare *compare, struct image_diff *ret, struct image *ret_picture)
{
	size_t bytes = 4 * (size_t)expected->width * expected->height;
	struct image_diff diff = {
		.n_pixels = (int64_t)(bytes / 4), .first_x = -1, .first_y = -1
	};
	struct image picture = { expected->width, expected->height, NULL };

	if (expected->width != actual->width || expected->height != actual->height)
		return IMAGE_SIZE_DIFFERS;
	if (ret_picture)
		picture.pixel = xmalloc(bytes);
	struct work work = { expected, actual, (float)compare->threshold,
		compare->forgive_antialias, &diff, ret_picture ? &picture : NULL };
	/* Most comparisons are of equal pictures. */
	if (ret_picture || memcmp(expected->pixel, actual->pixel, bytes) != 0)
		for (int64_t y = 0; y < expected->height; y++)
			for (int64_t x = 0; x < expected->width; x++)
				compare_pixel(&work, x, y);
	*ret = diff;
	if (ret_picture)
		*ret_picture = picture;
	return 0;
}

bool
image_diff_is_allowed(const struct image_diff *diff, const struct config_compare *compare)
{
	int64_t allowed = compare->max_diff_pixels;

	if (compare->max_diff_ratio >= 0) {
		int64_t share = (int64_t)(compare->max_diff_ratio * (double)diff->n_pixels);
		if (allowed < 0 || share < allowed)
			allowed = share;
	}
	return diff->n_different <= (allowed < 0 ? 0 : allowed);
}
