/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evidence of a run is gathered from pages that may hang or be gone. What a test did not ask
 * for has one common time limit at the end and adds a warning when it cannot be had.
 */
#include "runners/browser/evidence.h"

#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/cdp.h"
#include "runners/browser/console.h"
#include "runners/browser/evidence_file.h"
#include "runners/browser/image.h"
#include "runners/browser/video.h"
#include "runners/kit/kit.h"

enum {
	JPEG_QUALITY = 80,
	LOOK_AGAIN_MS = 100, /* between two screenshots that are compared */
	METRICS_MS = 1000,
	NAMES_MAX = 1000,
	STEM_BYTES_MAX = 150,
};

struct evidence {
	struct evidence_spec spec;
	struct console *console; /* owned */
	struct video *video;     /* owned */
	size_t n_warnings;
	char **name; /* of the files written, for the caller; owned */
	size_t n_names;
	bool has_failure_shot, has_snapshot;
};

/* --- Small things --- */

static void PRINTF_LIKE(2, 3) warn(struct evidence *evidence, const char *fmt, ...)
{
	va_list ap;

	if (!evidence->spec.warnings || evidence->n_warnings++ >= EVIDENCE_WARNINGS_MAX)
		return;
	va_start(ap, fmt);
	_cleanup_free_ char *text = xvasprintf(fmt, ap);
	va_end(ap);
	json_array_append_new(evidence->spec.warnings, kit_text(text, strlen(text), 500));
}

static char *
path_of(const struct evidence *evidence, const char *name)
{
	return xasprintf("%s/%s", evidence->spec.artifacts, name);
}

/* Takes the name; it is valid until the end. */
static const char *
keep_name(struct evidence *evidence, char *name)
{
	/* Past the limit the youngest name makes room: nobody reports so many of them. */
	if (evidence->n_names == NAMES_MAX)
		free(evidence->name[--evidence->n_names]);
	evidence->name[evidence->n_names++] = name;
	return name;
}

static void
announce(struct evidence *evidence, const char *name, const char *type, const char *kind)
{
	if (evidence->spec.kit)
		kit_artifact(evidence->spec.kit, name, name, type, kind, NULL);
}

static int
save(struct evidence *evidence, const char *name, const void *data, size_t len,
	const char *type, const char *kind, struct err *err)
{
	_cleanup_free_ char *path = path_of(evidence, name);

	if (evidence_write(path, data, len, err) < 0)
		return -1;
	announce(evidence, name, type, kind);
	return 0;
}

/* A test's own name as that of a file: one component, without an ending, not hidden. */
static char *
safe_name(const char *name)
{
	const char *text = *name ? name : "screenshot";
	char *out = xstrndup(text, utf8_cut_len(text, STEM_BYTES_MAX));
	size_t n = strlen(out);

	for (char *p = out; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("-_. ", *p) &&
			(unsigned char)*p < 0x80)
			*p = '_';
	if (out[0] == '.')
		out[0] = '_';
	if (n > 4 && strcmp(out + n - 4, ".png") == 0)
		out[n - 4] = '\0';
	return out;
}

/* --- Life --- */

struct evidence *
evidence_new(const struct evidence_spec *spec)
{
	struct evidence *evidence = xcalloc(1, sizeof *evidence);
	struct err err;

	evidence->spec = *spec;
	evidence->name = xcalloc(NAMES_MAX, sizeof *evidence->name);
	if (console_new(&evidence->console, spec->cdp, spec->config, &err) < 0) {
		struct browser_config plain = { .n_console_ignore = 0 };
		warn(evidence, "%s: no pattern is ignored", err.text);
		if (console_new(&evidence->console, spec->cdp, &plain, &err) < 0)
			abort(); /* without patterns there is nothing to refuse */
	}
	struct video_spec video = { .cdp = spec->cdp,
		.kit = spec->kit,
		.folder = spec->artifacts,
		.is_recorded = spec->config->video != EVIDENCE_OFF,
		.width = spec->config->video_width,
		.height = spec->config->video_height };
	evidence->video = video_new(&video);
	return evidence;
}

struct evidence *
evidence_free(struct evidence *evidence)
{
	if (!evidence)
		return NULL;
	video_free(evidence->video);
	console_free(evidence->console);
	for (size_t i = 0; i < evidence->n_names; i++)
		free(evidence->name[i]);
	free(evidence->name);
	free(evidence);
	return NULL;
}

void
evidence_attach(struct evidence *evidence, const char *session)
{
	console_attach(evidence->console, session);
	/* What it measures begins with this. */
	if (evidence->spec.config->has_metrics)
		cdp_send(evidence->spec.cdp, session, "Performance.enable", NULL, NULL, NULL);
}

void
evidence_show(struct evidence *evidence, const char *session)
{
	video_show(evidence->video, session);
}

void
evidence_screen(struct evidence *evidence, bool is_on, int64_t max_width, int64_t max_height,
	int64_t quality)
{
	video_screen(evidence->video, is_on, max_width, max_height, quality);
}

size_t
evidence_console_errors(const struct evidence *evidence, int console_fail)
{
	return console_errors(evidence->console, console_fail);
}

const char *
evidence_console_error(const struct evidence *evidence, int console_fail, size_t index)
{
	return console_error(evidence->console, console_fail, index);
}

/* --- Screenshots --- */

/* The part of the document that a picture shows, in CSS pixels. */
static int
shown_part(struct evidence *evidence, const char *session, const struct shot *shot,
	int64_t deadline_mono_ms, struct rect *ret, struct err *err)
{
	_cleanup_(json_unrefp) json_t *metrics = NULL;

	if (shot->clip) {
		*ret = *shot->clip;
		return 0;
	}
	if (cdp_call(evidence->spec.cdp, session, "Page.getLayoutMetrics", NULL,
		    deadline_mono_ms, &metrics, err) < 0)
		return -1;
	const json_t *view = json_object_get(metrics, "cssVisualViewport");
	const json_t *page = json_object_get(metrics, "cssContentSize");
	if (shot->full_page)
		*ret = (struct rect) { 0, 0, cdp_num(page, "width"), cdp_num(page, "height") };
	else
		*ret = (struct rect) { cdp_num(view, "pageX"), cdp_num(view, "pageY"),
			cdp_num(view, "clientWidth"), cdp_num(view, "clientHeight") };
	return 0;
}

static double
clamp(double value, double max)
{
	/* Not a number fails both comparisons. */
	return value > max ? max : value >= 1 ? value : 1;
}

static json_t *
capture_params(const struct evidence *evidence, const struct shot *shot, bool is_jpeg,
	const struct rect *part)
{
	json_t *params = json_pack(
		"{s:s, s:b}", "format", is_jpeg ? "jpeg" : "png", "optimizeForSpeed", !is_jpeg);
	double max = PAGE_SHOT_SIDE_MAX / evidence->spec.config->scale;

	if (is_jpeg)
		json_object_set_new(params, "quality",
			json_integer(shot->quality > 0 ? shot->quality : JPEG_QUALITY));
	if (shot->clip || shot->full_page) {
		json_object_set_new(params, "captureBeyondViewport", json_true());
		json_object_set_new(params, "clip",
			json_pack("{s:f, s:f, s:f, s:f, s:i}", "x", part->x, "y", part->y,
				"width", clamp(part->width, max), "height",
				clamp(part->height, max), "scale", 1));
	}
	return params;
}

/* Appends the picture to *out. */
static int
capture(struct evidence *evidence, const char *session, const struct shot *shot, bool is_jpeg,
	const struct rect *part, int64_t deadline_mono_ms, struct buf *out, struct err *err)
{
	_cleanup_(json_unrefp) json_t *result = NULL;

	if (cdp_call(evidence->spec.cdp, session, "Page.captureScreenshot",
		    capture_params(evidence, shot, is_jpeg, part), deadline_mono_ms, &result,
		    err) < 0)
		return err_wrap(err, "screenshot");
	const json_t *data = json_object_get(result, "data");
	struct str text = str_from(json_string_value(data), json_string_length(data));
	if (!data || base64_decode(out, text, BASE64_STANDARD) < 0)
		return err_set(err, ERR_LIMIT, "the screenshot is over %d MiB",
			(int)(SHOT_BYTES_MAX / MIB(1)));
	return 0;
}

static void
paint_over(struct image *image, const struct rect *part, const struct rect *mask)
{
	double scale = part->width > 0 ? image->width / part->width : 1;
	double x0 = (mask->x - part->x) * scale, y0 = (mask->y - part->y) * scale;
	double x1 = x0 + mask->width * scale, y1 = y0 + mask->height * scale;

	for (double y = floor(fmax(y0, 0)); y < fmin(ceil(y1), image->height); y++)
		for (double x = floor(fmax(x0, 0)); x < fmin(ceil(x1), image->width); x++) {
			uint8_t *p = image->pixel + 4 * ((size_t)y * image->width + (size_t)x);
			p[0] = 255;
			p[1] = 0;
			p[2] = 255;
			p[3] = 255;
		}
}

/* The picture decoded, with its masks painted over. */
static int
capture_image(struct evidence *evidence, const char *session, const struct shot *shot,
	int64_t deadline_mono_ms, struct image *ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf png = BUF_INIT(SHOT_BYTES_MAX);
	struct rect part = { 0 };
	bool needs_part = shot->full_page || shot->clip || shot->n_masks > 0;

	if (needs_part && shown_part(evidence, session, shot, deadline_mono_ms, &part, err) < 0)
		return -1;
	if (capture(evidence, session, shot, false, &part, deadline_mono_ms, &png, err) < 0 ||
		image_read_png(ret, png.data, png.len, err) < 0)
		return -1;
	for (size_t i = 0; i < shot->n_masks && i < SHOT_MASKS_MAX; i++)
		paint_over(ret, &part, &shot->masks[i]);
	return 0;
}

static int
save_image(
	struct evidence *evidence, const char *name, const struct image *image, struct err *err)
{
	_cleanup_(buf_deinit) struct buf png = BUF_INIT(SHOT_BYTES_MAX);

	if (image_write_png(image, &png, err) < 0)
		return -1;
	return save(evidence, name, png.data, png.len, "image/png", "screenshot", err);
}

static int
shoot(struct evidence *evidence, const char *session, const struct shot *shot, const char *name,
	bool is_jpeg, int64_t deadline_mono_ms, struct err *err)
{
	_cleanup_(buf_deinit) struct buf data = BUF_INIT(SHOT_BYTES_MAX);
	struct rect part = { 0 };

	if (shot->n_masks > 0) {
		_cleanup_(image_freep) struct image image = { 0 };
		if (capture_image(evidence, session, shot, deadline_mono_ms, &image, err) < 0)
			return -1;
		return save_image(evidence, name, &image, err);
	}
	if ((shot->full_page || shot->clip) &&
		shown_part(evidence, session, shot, deadline_mono_ms, &part, err) < 0)
		return -1;
	if (capture(evidence, session, shot, is_jpeg, &part, deadline_mono_ms, &data, err) < 0)
		return -1;
	return save(evidence, name, data.data, data.len, is_jpeg ? "image/jpeg" : "image/png",
		"screenshot", err);
}

int
evidence_shot(struct evidence *evidence, const char *session, const struct shot *shot,
	int64_t deadline_mono_ms, const char **ret_path, struct err *err)
{
	/* A mask is painted into decoded pixels, and those are written as PNG. */
	bool is_jpeg = shot->is_jpeg && shot->n_masks == 0;
	const char *ending = is_jpeg ? ".jpg" : ".png";
	_cleanup_free_ char *name = safe_name(shot->name ? shot->name : "screenshot");
	_cleanup_free_ char *file = shot->is_own
		? xasprintf("%s%s", name, ending)
		: evidence_name(evidence->spec.artifacts, name, ending);

	if (shoot(evidence, session, shot, file, is_jpeg, deadline_mono_ms, err) < 0)
		return -1;
	const char *kept = keep_name(evidence, TAKE(file));
	if (ret_path)
		*ret_path = kept;
	return 0;
}

/* --- Comparing --- */

static int
read_baseline(
	struct evidence *evidence, const char *baseline, struct image *ret, struct err *err)
{
	static const char *const folders[] = { "", "baselines/" };
	_cleanup_(buf_deinit) struct buf data = BUF_INIT(IMAGE_BYTES_MAX);
	struct err last = { 0 };

	if (!config_path_is_safe(baseline))
		return err_set(
			err, ERR_INVALID, "a baseline's name must be a path inside the bundle");
	if (!evidence->spec.files)
		return SHOT_MISSING;
	for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
		_cleanup_free_ char *path =
			xasprintf("%s/%s%s", evidence->spec.files, folders[i], baseline);
		if (file_read(path, IMAGE_BYTES_MAX, &data, &last) == 0) {
			if (image_read_png(ret, data.data, data.len, err) < 0)
				return err_wrap(err, "baseline %.80s", baseline);
			return 0;
		}
		if (last.code != ERR_NOT_FOUND)
			break;
	}
	if (last.code == ERR_NOT_FOUND)
		return SHOT_MISSING;
	*err = last;
	return -1;
}

/* In the author's folder: over the one that is there, else into baselines/. */
static int
keep_baseline(struct evidence *evidence, const char *baseline, const struct image *actual,
	char **ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf png = BUF_INIT(SHOT_BYTES_MAX);
	_cleanup_free_ char *path = xasprintf("%s/%s", evidence->spec.files, baseline);

	if (access(path, F_OK) < 0) {
		free(path);
		path = xasprintf("%s/baselines/%s", evidence->spec.files, baseline);
	}
	_cleanup_free_ char *folder = xstrdup(path);

	*strrchr(folder, '/') = '\0';
	if (image_write_png(actual, &png, err) < 0 || mkdir_p(folder, 0755, err) < 0 ||
		file_write_atomic(path, png.data, png.len, 0644, err) < 0)
		return -1;
	*ret = TAKE(path);
	return 0;
}

/* Writes baselines/NAME.png of the artifacts, and of the author's folder. */
static int
write_baseline(struct evidence *evidence, const char *baseline, const struct image *actual,
	const char *why, struct err *err)
{
	_cleanup_free_ char *stem = safe_name(baseline);
	_cleanup_free_ char *name = xasprintf("baselines/%s.png", stem);
	_cleanup_free_ char *folder = path_of(evidence, "baselines");

	if (mkdir_p(folder, 0755, err) < 0 || save_image(evidence, name, actual, err) < 0)
		return -1;
	_cleanup_free_ char *kept = NULL;

	if (!evidence->spec.keeps_baselines)
		warn(evidence, "screenshot %s %s: it was written as the artifact %s", baseline,
			why, name);
	else if (keep_baseline(evidence, baseline, actual, &kept, err) < 0)
		return -1;
	else
		warn(evidence, "screenshot %s %s: it was written to %s", baseline, why, kept);
	return 0;
}

static void
save_part(struct evidence *evidence, const char *stem, const char *part,
	const struct image *image)
{
	_cleanup_free_ char *name = xasprintf("%s-%s.png", stem, part);
	struct err err;

	if (image->pixel && save_image(evidence, name, image, &err) < 0)
		warn(evidence, "%s: %s", name, err.text);
}

struct comparison {
	struct image expected, actual, picture;
	struct image_diff diff;
	bool has_same_size;
};

static void
describe(const struct comparison *c, struct shot_result *ret)
{
	ret->diff_pixels = c->diff.n_different;
	ret->total_pixels = c->diff.n_pixels;
	if (!c->has_same_size)
		snprintf(ret->text, sizeof ret->text,
			"the page is %u × %u pixels, the baseline %u × %u", c->actual.width,
			c->actual.height, c->expected.width, c->expected.height);
	else
		snprintf(ret->text, sizeof ret->text,
			"%lld of %lld pixels differ (%.3g %%), the first at %lld, %lld",
			(long long)c->diff.n_different, (long long)c->diff.n_pixels,
			100.0 * (double)c->diff.n_different / (double)c->diff.n_pixels,
			(long long)c->diff.first_x, (long long)c->diff.first_y);
}

/* Takes pictures until one is like the baseline. 0, SHOT_DIFFERS, or -1. */
static int
compare_until(struct evidence *evidence, const char *session, const struct shot *shot,
	const struct config_compare *compare, int64_t deadline_mono_ms, struct comparison *c,
	struct err *err)
{
	for (;;) {
		c->actual = image_free(c->actual);
		/* The last look may begin just before the deadline and needs its time. */
		if (capture_image(evidence, session, shot, deadline_mono_ms + EVIDENCE_WAIT_MS,
			    &c->actual, err) < 0)
			return -1;
		c->has_same_size =
			image_compare(&c->expected, &c->actual, compare, &c->diff, NULL) == 0;
		if (c->has_same_size && image_diff_is_allowed(&c->diff, compare))
			return 0;
		int64_t now = clock_mono_ms();
		if (now >= deadline_mono_ms)
			return SHOT_DIFFERS;
		int64_t again = now + LOOK_AGAIN_MS;
		if (cdp_pump(evidence->spec.cdp,
			    again < deadline_mono_ms ? again : deadline_mono_ms, NULL, NULL,
			    err) < 0)
			return -1;
	}
}

static int
tell_difference(struct evidence *evidence, const char *stem,
	const struct config_compare *compare, struct comparison *c)
{
	if (c->has_same_size)
		c->has_same_size = image_compare(&c->expected, &c->actual, compare, &c->diff,
					   &c->picture) == 0;
	save_part(evidence, stem, "expected", &c->expected);
	save_part(evidence, stem, "actual", &c->actual);
	save_part(evidence, stem, "diff", &c->picture);
	return SHOT_DIFFERS;
}

/* Says what to do, which is not the same for the three ways to run a test. */
static void
tell_missing(const struct evidence *evidence, const char *baseline, const char *stem,
	struct shot_result *ret)
{
	const struct evidence_spec *spec = &evidence->spec;

	if (spec->keeps_baselines)
		snprintf(ret->text, sizeof ret->text,
			"there is no baseline %.80s in %.200s; `proctor run "
			"--update-screenshots` makes one of what the page shows (kept as "
			"%.60s-actual.png)",
			baseline, spec->files, stem);
	else
		snprintf(ret->text, sizeof ret->text,
			"there is no baseline %.80s in the test's %s; what the page shows was "
			"kept as %.60s-actual.png: put it there as %.80s%s",
			baseline, spec->files ? "bundle" : "files, it has none", stem, baseline,
			spec->files ? " and submit again"
				    : ", in the folder that `files` of the test names");
}

/* What -actual.png and the others are put behind: one that no earlier comparison had. */
static char *
stem_of_parts(const struct evidence *evidence, const char *name)
{
	static const char ending[] = "-actual.png";
	_cleanup_free_ char *stem = safe_name(name);
	char *file = evidence_name(evidence->spec.artifacts, stem, ending);

	file[strlen(file) - strlen(ending)] = '\0';
	return file;
}

static int
compare_with(struct evidence *evidence, const char *session, const struct shot *shot,
	const char *baseline, const struct config_compare *compare, int64_t deadline_mono_ms,
	struct comparison *c, struct shot_result *ret, struct err *err)
{
	_cleanup_free_ char *stem = stem_of_parts(evidence, shot->name ? shot->name : baseline);
	int r = read_baseline(evidence, baseline, &c->expected, err);

	if (r < 0)
		return -1;
	if (r == SHOT_MISSING) {
		if (capture_image(evidence, session, shot, deadline_mono_ms, &c->actual, err) <
			0)
			return -1;
		if (compare->update)
			return write_baseline(
				evidence, baseline, &c->actual, "has no baseline", err);
		save_part(evidence, stem, "actual", &c->actual);
		tell_missing(evidence, baseline, stem, ret);
		return SHOT_MISSING;
	}
	r = compare_until(evidence, session, shot, compare, deadline_mono_ms, c, err);
	if (r <= 0)
		return r;
	describe(c, ret);
	if (compare->update)
		return write_baseline(evidence, baseline, &c->actual, "differs", err);
	return tell_difference(evidence, stem, compare, c);
}

int
evidence_compare(struct evidence *evidence, const char *session, const struct shot *shot,
	const char *baseline, const struct config_compare *compare, int64_t deadline_mono_ms,
	struct shot_result *ret, struct err *err)
{
	struct comparison c = { 0 };

	*ret = (struct shot_result) { 0 };
	int r = compare_with(
		evidence, session, shot, baseline, compare, deadline_mono_ms, &c, ret, err);
	image_free(c.expected);
	image_free(c.actual);
	image_free(c.picture);
	return r;
}

/* --- The page at the end --- */

static int
save_text(struct evidence *evidence, const char *name, const json_t *text, const char *type,
	struct err *err)
{
	if (!json_is_string(text))
		return err_set(err, ERR_UNAVAILABLE, "the browser gave no text");
	if (json_string_length(text) > (size_t)SNAPSHOT_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "the page is over %d MiB",
			(int)(SNAPSHOT_BYTES_MAX / MIB(1)));
	return save(evidence, name, json_string_value(text), json_string_length(text), type,
		"file", err);
}

static int
snapshot_html(struct evidence *evidence, const char *session, int64_t deadline_mono_ms,
	struct err *err)
{
	_cleanup_(json_unrefp) json_t *result = NULL;

	if (cdp_call(evidence->spec.cdp, session, "Runtime.evaluate",
		    json_pack("{s:s, s:b}", "expression", "document.documentElement.outerHTML",
			    "returnByValue", 1),
		    deadline_mono_ms, &result, err) < 0)
		return -1;
	return save_text(evidence, "page.html",
		json_object_get(json_object_get(result, "result"), "value"),
		/* Shown as text: it must not run where the report is. */
		"text/plain; charset=utf-8", err);
}

static void
snapshot(struct evidence *evidence, const char *session, int64_t deadline_mono_ms)
{
	_cleanup_(json_unrefp) json_t *result = NULL;
	struct err err = { 0 };

	if (evidence->has_snapshot)
		return;
	evidence->has_snapshot = true;
	int r = cdp_call(evidence->spec.cdp, session, "Page.captureSnapshot",
		json_pack("{s:s}", "format", "mhtml"), deadline_mono_ms, &result, &err);
	if (r == 0)
		r = save_text(evidence, "page.mhtml", json_object_get(result, "data"),
			"multipart/related", &err);
	if (r < 0 && err.code == ERR_INVALID)
		r = snapshot_html(evidence, session, deadline_mono_ms, &err);
	if (r < 0)
		warn(evidence, "no snapshot of the page: %s", err.text);
}

static const char *
take_picture(struct evidence *evidence, const char *session, const char *name,
	int64_t deadline_mono_ms)
{
	struct shot shot = {
		.name = name, .full_page = evidence->spec.config->full_page, .is_own = true
	};
	const char *path = NULL;
	struct err err;

	if (evidence_shot(evidence, session, &shot, deadline_mono_ms, &path, &err) < 0) {
		warn(evidence, "no screenshot: %s", err.text);
		return NULL;
	}
	return path;
}

const char *
evidence_failure(struct evidence *evidence, const char *session)
{
	const struct browser_config *config = evidence->spec.config;
	int64_t wait_ms =
		kit_cancelled(evidence->spec.kit) ? EVIDENCE_CANCELLED_MS : EVIDENCE_WAIT_MS;
	int64_t deadline = clock_mono_ms() + wait_ms;
	const char *path = NULL;

	if (config->screenshot != EVIDENCE_OFF && !evidence->has_failure_shot) {
		evidence->has_failure_shot = true;
		path = take_picture(evidence, session, "failure", deadline);
	}
	/* A page that did not give a picture in time gives no text either, nor is asked again.
	 */
	if (config->dom != EVIDENCE_OFF && clock_mono_ms() < deadline)
		snapshot(evidence, session, deadline);
	evidence->has_snapshot = true;
	return path;
}

/* --- Metrics --- */

static const char metrics_source[] =
	"(() => { const n = performance.getEntriesByType('navigation')[0], "
	"p = performance.getEntriesByName('first-contentful-paint')[0]; "
	"return n ? { ttfb: n.responseStart, domContentLoaded: n.domContentLoadedEventEnd, "
	"load: n.loadEventEnd, firstContentfulPaint: p ? p.startTime : 0 } : {}; })()";

static void
set_ms(json_t *timings, const char *name, double ms)
{
	if (isfinite(ms) && ms > 0 && ms < (double)DAYS_MS(1))
		json_object_set_new(timings, name, json_real(round(ms * 10) / 10));
}

/* Two questions that are asked at once. */
struct metrics {
	json_t *times, *counters; /* owned, or NULL: no answer */
	unsigned n_left;
};

static void
take_times(void *arg, json_t *result, const struct err *error)
{
	struct metrics *metrics = arg;

	(void)error;
	metrics->times =
		json_incref(json_object_get(json_object_get(result, "result"), "value"));
	metrics->n_left--;
}

static void
take_counters(void *arg, json_t *result, const struct err *error)
{
	struct metrics *metrics = arg;

	(void)error;
	metrics->counters = json_incref(json_object_get(result, "metrics"));
	metrics->n_left--;
}

static bool
has_metrics(void *arg)
{
	return ((const struct metrics *)arg)->n_left == 0;
}

static void
add_page_times(const json_t *times, json_t *timings)
{
	static const char *const names[][2] = {
		{ "ttfb", "page.ttfb" },
		{ "domContentLoaded", "page.domContentLoaded" },
		{ "load", "page.load" },
		{ "firstContentfulPaint", "page.firstContentfulPaint" },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		set_ms(timings, names[i][1], cdp_num(times, names[i][0]));
}

static void
add_page_cpu(const json_t *counters, json_t *timings)
{
	size_t i;
	json_t *metric;

	json_array_foreach(counters, i, metric)
	{
		const char *name = cdp_str(metric, "name");
		double value = cdp_num(metric, "value");
		if (strcmp(name, "TaskDuration") == 0)
			set_ms(timings, "page.taskCpu", value * 1000);
		else if (strcmp(name, "ScriptDuration") == 0)
			set_ms(timings, "page.scriptCpu", value * 1000);
		else if (strcmp(name, "LayoutDuration") == 0)
			set_ms(timings, "page.layoutCpu", value * 1000);
	}
}

void
evidence_metrics(struct evidence *evidence, const char *session, json_t *timings)
{
	struct cdp *cdp = evidence->spec.cdp;
	struct metrics metrics = { .n_left = 2 };

	cdp_send(cdp, session, "Runtime.evaluate",
		json_pack("{s:s, s:b}", "expression", metrics_source, "returnByValue", 1),
		take_times, &metrics);
	cdp_send(cdp, session, "Performance.getMetrics", NULL, take_counters, &metrics);
	/* When the page hangs or is gone there is nothing to measure. */
	(void)!cdp_pump(cdp, clock_mono_ms() + METRICS_MS, has_metrics, &metrics, NULL);
	cdp_forget(cdp, &metrics);
	add_page_times(metrics.times, timings);
	add_page_cpu(metrics.counters, timings);
	json_decref(metrics.times);
	json_decref(metrics.counters);
}

/* --- The end --- */

static void
finish_page(struct evidence *evidence, const char *session, bool has_failed)
{
	const struct browser_config *config = evidence->spec.config;
	int64_t deadline = clock_mono_ms() + EVIDENCE_WAIT_MS;

	if (!session || cdp_state(evidence->spec.cdp) == CDP_LOST)
		return;
	if (has_failed) {
		(void)evidence_failure(evidence, session); /* unless that was done already */
		return;
	}
	if (config->screenshot == EVIDENCE_ON)
		(void)take_picture(evidence, session, "end", deadline);
	if (config->dom == EVIDENCE_ON)
		snapshot(evidence, session, deadline);
}

static void
finish_har(struct evidence *evidence, bool has_failed)
{
	_cleanup_free_ char *path = path_of(evidence, "network.har");
	struct err err;

	if (!evidence->spec.network || !evidence_kept(evidence->spec.config->har, has_failed) ||
		network_count(evidence->spec.network) == 0)
		return;
	if (network_write_har(evidence->spec.network, path, &err) < 0)
		warn(evidence, "no network log: %s", err.text);
	else
		announce(evidence, "network.har", "application/json", "log");
}

static void
finish_console(struct evidence *evidence)
{
	_cleanup_free_ char *path = path_of(evidence, "console.ndjson");
	struct err err;

	if (console_count(evidence->console) == 0)
		return;
	if (console_write(evidence->console, path, &err) < 0)
		warn(evidence, "no console log: %s", err.text);
	else
		announce(evidence, "console.ndjson", "application/x-ndjson", "log");
}

static void
finish_video(struct evidence *evidence, bool has_failed)
{
	_cleanup_free_ char *path = path_of(evidence, "video.mp4");
	struct err err = { 0 };

	if (!evidence_kept(evidence->spec.config->video, has_failed))
		return;
	switch (video_encode(evidence->video, path, &err)) {
	case 0:
		announce(evidence, "video.mp4", "video/mp4", "video");
		break;
	case VIDEO_NONE:
		break;
	case VIDEO_NO_FFMPEG:
		warn(evidence, "no video: ffmpeg is not installed on the worker");
		break;
	default:
		warn(evidence, "no video: %s", err.text);
	}
}

void
evidence_finish(struct evidence *evidence, const char *session, bool has_failed)
{
	finish_page(evidence, session, has_failed);
	finish_har(evidence, has_failed);
	finish_console(evidence);
	video_show(evidence->video, NULL);
	finish_video(evidence, has_failed);
}
