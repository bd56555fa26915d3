/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The browser sends the next picture only when the last one was acknowledged, so the pace is
 * ours: an acknowledgement that waits is a picture that is not drawn.
 */
#include "runners/browser/video.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "base/str.h"
#include "runners/browser/cdp.h"
#include "runners/browser/evidence_file.h"
#include "runners/kit/kit.h"

enum {
	FRAME_GAP_MS = 100, /* between two pictures: ten a second */
	QUALITY = 60,
	LIVE_WIDTH = 1280,
	LAST_FRAME_MS = 500, /* how long the last picture is seen at least */
};

struct frame_file {
	unsigned number;
	size_t bytes;
	int64_t at_mono_ms;
};

struct video {
	struct video_spec spec;
	struct cdp_handler *handler;
	char *session; /* that is cast; owned, or NULL */
	char *shown;   /* that is shown; owned, or NULL */
	bool is_on;    /* somebody looks */
	int64_t max_width, max_height, quality;
	char *folder; /* of the frames; owned, NULL until there is one */
	struct frame_file *frame;
	size_t n, cap;
	unsigned last_number;
	size_t bytes;
	int width, height; /* of the first frame */
	bool is_broken;    /* a frame could not be written: no more of them */
	/* The acknowledgement that waits. */
	char *ack_session; /* owned */
	int64_t ack_id;
};

/* --- JPEG --- */

int
jpeg_size(const void *data, size_t len, int *ret_width, int *ret_height)
{
	const uint8_t *p = data;
	size_t at = 2;

	if (len < 4 || p[0] != 0xff || p[1] != 0xd8)
		return -1;
	while (at + 9 < len && p[at] == 0xff) {
		uint8_t marker = p[at + 1];
		size_t size = (size_t)p[at + 2] << 8 | p[at + 3];

		/* Start of frame: all kinds but the three numbers that mean something else. */
		if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
			marker != 0xcc) {
			*ret_height = p[at + 5] << 8 | p[at + 6];
			*ret_width = p[at + 7] << 8 | p[at + 8];
			return *ret_width > 0 && *ret_height > 0 ? 0 : -1;
		}
		at += 2 + size;
	}
	return -1;
}

/* --- Frames on disk --- */

static char *
frame_path(const struct video *video, unsigned number)
{
	return xasprintf("%s/%06u.jpg", video->folder, number);
}

/* Every second frame goes, so that a long run costs pictures and not the disk. */
static void
thin_out(struct video *video)
{
	size_t kept = 0;

	for (size_t i = 0; i < video->n; i++) {
		if (i % 2 == 0) {
			video->frame[kept++] = video->frame[i];
			continue;
		}
		_cleanup_free_ char *path = frame_path(video, video->frame[i].number);
		(void)unlink(path); /* removed with the folder at the latest */
		video->bytes -= video->frame[i].bytes;
	}
	video->n = kept;
}

static int
make_folder(struct video *video, struct err *err)
{
	if (video->folder)
		return 0;
	_cleanup_free_ char *path = xasprintf("%s/.frames", video->spec.folder);
	if (mkdir_p(path, 0700, err) < 0)
		return -1;
	video->folder = TAKE(path);
	return 0;
}

static void
keep_frame(struct video *video, const struct buf *jpeg)
{
	struct err err;

	if (video->is_broken || make_folder(video, &err) < 0) {
		video->is_broken = true;
		return;
	}
	if (video->n >= 2 &&
		(video->n == VIDEO_FRAMES_MAX ||
			video->bytes + jpeg->len > (size_t)VIDEO_FRAMES_BYTES_MAX))
		thin_out(video);
	_cleanup_free_ char *path = frame_path(video, video->last_number + 1);
	if (evidence_write(path, jpeg->data, jpeg->len, &err) < 0) {
		video->is_broken = true;
		return;
	}
	if (video->n == video->cap) {
		video->cap = video->cap ? 2 * video->cap : 64;
		video->frame = xreallocarray(video->frame, video->cap, sizeof *video->frame);
	}
	video->frame[video->n++] =
		(struct frame_file) { ++video->last_number, jpeg->len, clock_mono_ms() };
	video->bytes += jpeg->len;
}

/* --- The cast --- */

static bool
is_wanted(const struct video *video)
{
	return video->shown && (video->is_on || video->spec.is_recorded);
}

static void
start(struct video *video)
{
	int64_t width = video->spec.is_recorded ? video->spec.width
		: video->max_width > 0          ? video->max_width
						: LIVE_WIDTH;
	int64_t height = video->spec.is_recorded ? video->spec.height
		: video->max_height > 0          ? video->max_height
						 : LIVE_WIDTH;
	int64_t quality =
		!video->spec.is_recorded && video->quality > 0 ? video->quality : QUALITY;

	video->session = xstrdup(video->shown);
	cdp_send(video->spec.cdp, video->session, "Page.startScreencast",
		json_pack("{s:s, s:I, s:I, s:I}", "format", "jpeg", "quality",
			(json_int_t)quality, "maxWidth", (json_int_t)width, "maxHeight",
			(json_int_t)height),
		NULL, NULL);
}

static void
stop(struct video *video)
{
	if (!video->session)
		return;
	cdp_send(video->spec.cdp, video->session, "Page.stopScreencast", NULL, NULL, NULL);
	free(video->session);
	video->session = NULL;
}

static void
on_ack_due(void *arg)
{
	struct video *video = arg;

	if (!video->ack_session)
		return;
	cdp_send(video->spec.cdp, video->ack_session, "Page.screencastFrameAck",
		json_pack("{s:I}", "sessionId", (json_int_t)video->ack_id), NULL, NULL);
	free(video->ack_session);
	video->ack_session = NULL;
}

static void
on_frame(void *arg, const struct cdp_event *event)
{
	struct video *video = arg;
	const json_t *data = json_object_get(event->params, "data");
	struct buf jpeg = BUF_INIT(SHOT_BYTES_MAX);
	int width, height;

	if (!video->session || strcmp(event->session, video->session) != 0)
		return;
	cdp_forget(video->spec.cdp, video);
	on_ack_due(video); /* one that still waits */
	video->ack_session = xstrdup(event->session);
	video->ack_id = cdp_int(event->params, "sessionId", 0);
	cdp_at(video->spec.cdp, clock_mono_ms() + FRAME_GAP_MS, on_ack_due, video);

	struct str text = str_from(json_string_value(data), json_string_length(data));
	if (data && base64_decode(&jpeg, text, BASE64_STANDARD) == 0 &&
		jpeg_size(jpeg.data, jpeg.len, &width, &height) == 0) {
		if (video->spec.is_recorded) {
			if (video->n == 0) {
				video->width = width;
				video->height = height;
			}
			keep_frame(video, &jpeg);
		}
		if (video->is_on && video->spec.kit)
			/* One that is too large for the worker is not shown. */
			(void)kit_frame(
				video->spec.kit, jpeg.data, jpeg.len, width, height, NULL);
	}
	buf_deinit(&jpeg);
}

void
video_show(struct video *video, const char *session)
{
	stop(video);
	free(video->shown);
	video->shown = session ? xstrdup(session) : NULL;
	if (is_wanted(video))
		start(video);
}

void
video_screen(
	struct video *video, bool is_on, int64_t max_width, int64_t max_height, int64_t quality)
{
	video->is_on = is_on;
	video->max_width = max_width;
	video->max_height = max_height;
	video->quality = quality;
	/* Begun anew, because the first picture of a still page comes at the start only. */
	stop(video);
	if (is_wanted(video))
		start(video);
}

/* --- Life --- */

struct video *
video_new(const struct video_spec *spec)
{
	struct video *video = xcalloc(1, sizeof *video);

	video->spec = *spec;
	video->handler = cdp_on(spec->cdp, NULL, "Page.screencastFrame", on_frame, video);
	return video;
}

struct video *
video_free(struct video *video)
{
	struct err err;

	if (!video)
		return NULL;
	stop(video);
	cdp_forget(video->spec.cdp, video);
	cdp_off(video->spec.cdp, video->handler);
	if (video->folder)
		/* The worker removes the run's folder in any case. */
		(void)tree_remove(AT_FDCWD, video->folder, &err);
	free(video->folder);
	free(video->frame);
	free(video->shown);
	free(video->ack_session);
	free(video);
	return NULL;
}

size_t
video_frames(const struct video *video)
{
	return video->n;
}

/* --- Encoding --- */

/* The list of files and times that ffmpeg's concat reader takes. */
static int
write_list(const struct video *video, const char *path, struct err *err)
{
	_cleanup_(buf_deinit) struct buf list = BUF_INIT(MIB(16));
	int r = buf_adds(&list, "ffconcat version 1.0\n");
	int64_t now = clock_mono_ms();

	for (size_t i = 0; i < video->n; i++) {
		int64_t until = i + 1 < video->n ? video->frame[i + 1].at_mono_ms
			: now - video->frame[i].at_mono_ms > LAST_FRAME_MS
			? now
			: video->frame[i].at_mono_ms + LAST_FRAME_MS;
		int64_t ms = until - video->frame[i].at_mono_ms;
		r |= buf_addf(&list, "file %06u.jpg\nduration %" PRId64 ".%03d\n",
			video->frame[i].number, ms / 1000, (int)(ms % 1000));
	}
	/* The reader forgets the last duration unless its file is named again. */
	r |= buf_addf(&list, "file %06u.jpg\n", video->frame[video->n - 1].number);
	if (r < 0)
		return err_set(err, ERR_LIMIT, "the list of frames is too long");
	return evidence_write(path, list.data, list.len, err);
}

/* Whether the encoder ended by itself: not so when the time is over or the run is cancelled. */
static bool
has_ended(struct video *video, const struct spawn_child *child)
{
	int64_t deadline = clock_mono_ms() + VIDEO_ENCODE_MS_MAX;
	struct pollfd fd = { .fd = child->pidfd, .events = POLLIN };

	if (video->spec.kit)
		return kit_poll(video->spec.kit, &fd, 1, VIDEO_ENCODE_MS_MAX) > 0;
	for (;;) {
		int64_t left = deadline - clock_mono_ms();
		int r = poll(&fd, 1, left > 0 ? (int)left : 0);
		if (r >= 0 || errno != EINTR)
			return r > 0;
	}
}

static int
wait_for(struct video *video, struct spawn_child *child, struct err *err)
{
	siginfo_t info;

	if (!has_ended(video, child))
		(void)spawn_signal(child->pidfd, SIGKILL, err); /* reaped below */
	int r = spawn_wait(child->pidfd, 5000, &info, err);
	cleanup_close(&child->pidfd);
	if (r < 0)
		return -1;
	if (video->spec.kit && kit_cancelled(video->spec.kit))
		return VIDEO_NONE;
	if (r > 0 || info.si_code != CLD_EXITED || info.si_status != 0)
		return err_set(err, ERR_UNAVAILABLE, "ffmpeg made no video (status %d)",
			r > 0 ? -1 : info.si_status);
	return 0;
}

int
video_encode(struct video *video, const char *path, struct err *err)
{
	struct spawn_child child = SPAWN_CHILD_INIT;

	stop(video);
	if (video->n == 0 || (video->spec.kit && kit_cancelled(video->spec.kit)))
		return VIDEO_NONE;
	_cleanup_free_ char *list = xasprintf("%s/list", video->folder);
	if (write_list(video, list, err) < 0)
		return -1;
	/* Even sides for the codec; a frame of another size is fitted in. */
	int width = video->width / 2 * 2, height = video->height / 2 * 2;
	width = width < 2 ? 2 : width;
	height = height < 2 ? 2 : height;
	_cleanup_free_ char *filter = xasprintf(
		"scale=%d:%d:force_original_aspect_ratio=decrease,pad=%d:%d:-1:-1,setsar=1",
		width, height, width, height);
	const char *const argv[] = { "ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f",
		"concat", "-i", list, "-vf", filter, "-vsync", "vfr", "-c:v", "libx264",
		"-preset", "ultrafast", "-pix_fmt", "yuv420p", "-movflags", "+faststart", path,
		NULL };
	struct spawn_spec spec = { .argv = argv,
		.fd_in = -1,
		.fd_out = -1,
		.fd_err = STDERR_FILENO,
		.death_signal = true };
	if (spawn_start(&child, &spec, err) < 0)
		return err->sys == ENOENT || err->code == ERR_NOT_FOUND ? VIDEO_NO_FFMPEG : -1;
	return wait_for(video, &child, err);
}
