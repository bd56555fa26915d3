/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the driver's files (context.c, dialog.c, page.c, frame.c, document.c) tell each other.
 * Nobody else includes this.
 */
#pragma once

#include "base/map.h"
#include "runners/browser/chromium_impl.h"
#include "runners/browser/context.h"
#include "runners/browser/frame.h"
#include "runners/browser/input.h"
#include "runners/browser/page.h"

/* The name by which our world is found again in what the browser reports. */
#define OWN_WORLD_NAME "proctor"

struct session_hook {
	session_fn *fn;
	void *arg;
};

/* An announced dialog. */
struct answer {
	struct list_node node;
	bool accept;
	char *text; /* owned, or NULL */
};

struct context_impl {
	struct cdp_handler *handler[8];
	size_t n_handlers;
	struct session_hook hook[CONTEXT_HOOKS_MAX];
	size_t n_hooks;
	struct list_node dead_pages, dead_sessions; /* until the context's end */
	struct map session_by_id, frame_by_id;      /* keys inside the values */
	unsigned n_open, n_frames_ever, n_sessions_ever;
	struct answer policy;
	struct list_node answers;
	unsigned n_answers;
	bool has_failed; /* could not be made as a spare */
	bool has_first;  /* its first page is being made since it was a spare */
	char *downloads_dir, *own_script; /* owned, or NULL */
};

static inline struct context_impl *
impl(const struct context *context)
{
	return context->impl;
}

/* --- document.c: frames and documents, from events --- */

/* The frames of a session's tree (Page.getFrameTree). */
void document_take_tree(struct session *session, const json_t *tree);

/* Makes the main frame known before the browser tells of it. -1: there are too many frames. */
int document_expect(struct page *page) MUST_CHECK;

void document_event(struct session *session, const struct cdp_event *event);

/* The frames that live in a session that is gone go too. */
void document_session_gone(struct session *session);

/* Frees all frames, dead ones included. */
void document_free_frames(struct page *page);

/* --- frame.c --- */

/* Puts what must be in our world of the frame's document there, once; does not wait. */
void frame_fill_own_world(struct frame *frame);

/* --- context.c --- */

/* Asks for the reports that everything here lives on; harmless when they come already. */
void session_enable(struct session *session);

/* --- page.c --- */

struct page *page_new(struct context *context, const char *target, const char *opener)
	__attribute__((returns_nonnull));
void page_free(struct page *page);
void page_closed(struct page *page);
void page_crashed(struct page *page);

/* --- dialog.c: dialogs and downloads --- */

void dialog_event(struct session *session, const struct cdp_event *event);
void dialog_free(struct dialog *dialog);
void answer_set(struct answer *answer, const struct dialog_policy *policy);
void answer_free(struct answer *answer);
void download_event(void *context, const struct cdp_event *event);
void download_free(struct download *download);

/* Replaces an owned text. */
void text_set(char **slot, const char *text);
