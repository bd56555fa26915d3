/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JavaScript in the frames of a page, and handles to what lives there.
 *
 * Every frame's document has two worlds: the site's own, and ours, which shares the DOM but no
 * JavaScript objects, so that a site that patched its prototypes cannot deceive us. Handles
 * belong to the document and world that made them and die with the document (CONFLICT).
 */
#pragma once

#include "base/buf.h"
#include "runners/browser/page.h"

enum world {
	WORLD_PAGE, /* the site's */
	WORLD_OWN,  /* ours; context_spec.own_script ran there first */
};

enum {
	FRAME_THREW = 1, /* the code threw: *ret is a JSON string, message and stack */
};

/*
 * Calls `function` ("(a, b) => …" or "function (a, b) { … }") in the frame's current document
 * with the items of `args` (an array, consumed; NULL: none; see frame_arg()) and waits for the
 * promise it may return. *ret (owned, may be NULL) is the value as JSON; undefined, functions
 * and what JSON cannot say become null.
 *
 * 0 or FRAME_THREW; -1 with the codes of cdp.h. When the deadline passes while the page's code
 * does not answer at all (an endless loop), that code is stopped.
 */
int frame_eval(struct frame *frame, enum world world, const char *function, json_t *args,
	int64_t deadline_mono_ms, json_t **ret, struct err *err) MUST_CHECK;

/* The same for a plain expression, as typed into a console. */
int frame_eval_expression(struct frame *frame, enum world world, const char *expression,
	int64_t deadline_mono_ms, json_t **ret, struct err *err) MUST_CHECK;

/*
 * The same, keeping the value in the page: *ret_handle names it (owned; NULL when the value is
 * null, undefined or no object). Release it with frame_release() or let it die with the
 * document. On FRAME_THREW *ret_handle is the text of the exception.
 */
int frame_eval_handle(struct frame *frame, enum world world, const char *function, json_t *args,
	int64_t deadline_mono_ms, char **ret_handle, struct err *err) MUST_CHECK;

/* Calls `function` with the thing behind the handle as `this`. */
int frame_call(struct frame *frame, const char *handle, const char *function, json_t *args,
	int64_t deadline_mono_ms, json_t **ret, struct err *err) MUST_CHECK;

/* An argument that is the thing behind a handle (of the same frame and world). */
json_t *frame_arg(const char *handle) __attribute__((returns_nonnull));

/* Sends the release without waiting. NULL is fine. */
void frame_release(struct frame *frame, const char *handle);

/* --- Frames and elements --- */

/* 0 while it can be asked; -1 NOT_FOUND: removed, or its page is closed or has crashed. */
int frame_check(const struct frame *frame, struct err *err) MUST_CHECK;

/* The frame inside an <iframe> or <frame> element, or NULL with err: NOT_FOUND when it is none.
 */
struct frame *frame_of_element(struct frame *frame, const char *handle,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* The frame with that id, or NULL. */
struct frame *frame_by_id(const struct page *page, const char *id);

/*
 * A handle of the element that holds the frame, in the own world of its parent. INVALID for a
 * main frame.
 */
int frame_owner(struct frame *frame, int64_t deadline_mono_ms, char **ret_handle,
	struct err *err) MUST_CHECK;

/*
 * Where the frame's viewport begins in the page's viewport, in CSS pixels: add it to what
 * getBoundingClientRect() says inside the frame to get coordinates for input.h. 0, 0 for a
 * main frame.
 */
int frame_offset(struct frame *frame, int64_t deadline_mono_ms, double *ret_x, double *ret_y,
	struct err *err) MUST_CHECK;

/* Puts files (absolute paths, a JSON array of strings, consumed) into an <input type=file>. */
int frame_set_files(struct frame *frame, const char *handle, json_t *paths,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;
