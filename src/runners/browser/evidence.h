/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run leaves to look at: screenshots, their comparison, video, live frames, the console,
 * a snapshot of the page, its metrics. Everything is bounded by base/limits.h, written below
 * the run's artifacts folder and announced to the worker.
 *
 * One struct evidence per run. Failing to gather evidence never changes a verdict: the
 * functions that a test does not ask for add a warning instead of returning an error.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "browser_format/config.h"
#include "runners/browser/network.h"

struct cdp;
struct evidence;
struct kit;
struct kit_request;

struct evidence_spec {
	struct cdp *cdp;
	struct kit *kit;               /* NULL: nothing is announced (tests) */
	const char *artifacts, *files; /* folders; files may be NULL */
	bool keeps_baselines;          /* files is the author's own: new baselines go there */
	const struct browser_config *config;
	struct network *network; /* or NULL */
	json_t *warnings;        /* array of the result's warnings */
};

/* All of the spec is borrowed for the life of the evidence. */
struct evidence *evidence_new(const struct evidence_spec *spec)
	__attribute__((returns_nonnull));

/* Ends the encoder and removes temporary files. Returns NULL. */
struct evidence *evidence_free(struct evidence *evidence);

DEFINE_CLEANUP(struct evidence *, evidence_free)

/*
 * Begins to listen to a session (console, exceptions, log) without waiting; for every page and
 * frame session of the run: call it from the context's session hook.
 */
void evidence_attach(struct evidence *evidence, const char *session);

/*
 * The page that is shown: screencast for video and the live view follow it. Call it when the
 * run's page is there and when a step turns to another tab. NULL: none.
 */
void evidence_show(struct evidence *evidence, const char *session);

/*
 * Somebody looks, or nobody does any more (`screen` of the worker). Frames go out as kit
 * messages from then on.
 */
void evidence_screen(struct evidence *evidence, bool is_on, int64_t max_width,
	int64_t max_height, int64_t quality);

/* --- Screenshots --- */

struct rect {
	double x, y, width, height; /* CSS pixels of the document */
};

struct shot {
	const char
		*name; /* artifact's name without its ending; NULL: not kept as an artifact */
	bool full_page, is_jpeg;
	bool is_own;              /* of the run itself and once: has just that name */
	int64_t quality;          /* of JPEG, 1 … 100; 0: 80 */
	const struct rect *clip;  /* an element's box, or NULL */
	const struct rect *masks; /* regions painted over */
	size_t n_masks;
};

/*
 * Takes a picture of the page of `session`. *ret_path (NULL: not wanted) is the file, relative
 * to the artifacts folder, valid until evidence_free().
 */
int evidence_shot(struct evidence *evidence, const char *session, const struct shot *shot,
	int64_t deadline_mono_ms, const char **ret_path, struct err *err) MUST_CHECK;

enum {
	SHOT_DIFFERS = 1, /* differs by more than is allowed, or has another size */
	SHOT_MISSING = 2, /* there is no baseline; the actual picture was kept */
};

struct shot_result {
	int64_t diff_pixels, total_pixels;
	char text[640]; /* for people: what was found */
};

/*
 * Compares the page with a baseline of the bundle (PNG, relative to files). Tries again until
 * it is the same or the deadline passes. On SHOT_DIFFERS expected, actual and difference are
 * artifacts. With compare->update a missing or different baseline is written to
 * baselines/ of the artifacts, with keeps_baselines into files too, and 0 is returned with a
 * warning.
 */
int evidence_compare(struct evidence *evidence, const char *session, const struct shot *shot,
	const char *baseline, const struct config_compare *compare, int64_t deadline_mono_ms,
	struct shot_result *ret, struct err *err) MUST_CHECK;

/* --- Console --- */

/* Errors seen so far by what counts as one (enum console_fail), patterns of config left out. */
size_t evidence_console_errors(const struct evidence *evidence, int console_fail);

/* One of them, numbered from 0, as text; NULL: none. Valid until evidence_free(). */
const char *evidence_console_error(
	const struct evidence *evidence, int console_fail, size_t index);

/* --- The end --- */

/*
 * At a failure, while the page still shows it: screenshot and snapshot of the page. Returns the
 * name of the screenshot's artifact, or NULL when there is none.
 */
const char *evidence_failure(struct evidence *evidence, const char *session);

/* Timings and metrics of the page as named milliseconds and counts, added to `timings`. */
void evidence_metrics(struct evidence *evidence, const char *session, json_t *timings);

/*
 * When the run is over and before its pages are closed: writes and announces what is to be kept
 * of a run that has or has not failed (screenshot, HAR, console, video), removes the rest.
 * `session` NULL: the page is gone.
 */
void evidence_finish(struct evidence *evidence, const char *session, bool has_failed);
