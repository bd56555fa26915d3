/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pictures that a page sends while it changes: for the live view at once, for the video on
 * disk until the run is over. While neither is wanted the browser is not asked for any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct cdp;
struct kit;
struct video;

struct video_spec {
	struct cdp *cdp;
	struct kit *kit;    /* NULL: no live view */
	const char *folder; /* for frames and the video: must be there */
	bool is_recorded;
	int64_t width, height; /* the largest size */
};

/* Borrows the spec's things until it is freed. */
struct video *video_new(const struct video_spec *spec) __attribute__((returns_nonnull));

/* Removes the frames. */
struct video *video_free(struct video *video);
DEFINE_CLEANUP(struct video *, video_free)

/* The page that is shown; NULL: none. */
void video_show(struct video *video, const char *session);

/* Whether somebody looks. 0: no wish as to size or quality. */
void video_screen(struct video *video, bool is_on, int64_t max_width, int64_t max_height,
	int64_t quality);

/* Frames on disk. */
size_t video_frames(const struct video *video);

enum {
	VIDEO_NONE = 1,      /* there is no frame, or the run is cancelled */
	VIDEO_NO_FFMPEG = 2, /* the encoder is not installed */
};

/* Encodes them to an MP4 file at `path`, for at most VIDEO_ENCODE_MS_MAX. */
int video_encode(struct video *video, const char *path, struct err *err) MUST_CHECK;

/* Size of a JPEG picture. 0, or -1: it is none. */
int jpeg_size(const void *data, size_t len, int *ret_width, int *ret_height) MUST_CHECK;
