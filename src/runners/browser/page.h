/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page (a tab, a popup) of a context: its frames, its navigations, its end.
 *
 * The structs are open for reading; only page.c, frame.c and context.c write them. A struct
 * page lives until page_close() or the context's end, also when the site closed it or its
 * process crashed: is_closed and is_crashed say so, and everything asked of it then is
 * NOT_FOUND.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "runners/browser/context.h"

/* How far a document must have come. Each includes those before it. */
enum load_state {
	LOAD_COMMIT,           /* the answer has begun to arrive, the old document is gone */
	LOAD_DOMCONTENTLOADED, /* parsed, deferred scripts ran */
	LOAD_LOAD,             /* pictures and frames too */
	LOAD_NETWORKIDLE,      /* nothing was under way for half a second */
	LOAD_STATE_COUNT
};

/* "commit", "domcontentloaded", "load", "networkidle". */
const char *load_state_name(enum load_state state);
int load_state_parse(const char *name, enum load_state *ret) MUST_CHECK; /* -1: another word */

struct frame {
	struct list_node node; /* in page->frames, parents before children */
	struct page *page;
	struct frame *parent;    /* NULL: the page's main frame */
	struct session *session; /* where its document lives; never NULL while attached */
	char *id;                /* owned */
	char *url;               /* of its document; owned */
	char *name;              /* its name or id attribute; owned */
	char *loader;            /* identifies its document; "" at first; owned */
	unsigned document;       /* counts its documents, to notice a new one */
	unsigned reached;        /* bit 1 << enum load_state of the current document */
	int64_t world[2];        /* execution contexts by enum world; 0: not known yet */
	bool is_own_ready;       /* own_script ran in the own world */
	char *next_loader;       /* a document that is not yet committed, or NULL; owned */
	unsigned next_reached;
	unsigned n_within; /* navigations inside documents: fragments, the history API */
	bool is_moving;    /* to its parent's process: nothing can be asked yet */
	bool is_dead;      /* removed; frames stay in memory until the context's end */
};

/* What the server said to the last navigation of the main frame. */
struct page_response {
	char *loader; /* owned */
	char *url;    /* after redirects; owned */
	int status;   /* HTTP; 0: none (file:, data:, about:) */
	char *mime;   /* owned */
};

/* The first navigation of a page that was made with an address, until page_goto() takes it. */
struct page_opening {
	char *url;    /* NULL: none, or taken; owned */
	char *loader; /* the document; NULL: it has not begun; owned */
	char *error;  /* the browser's words when it failed; owned */
	bool is_committed;
	bool is_void; /* it will never begin */
};

struct page {
	struct list_node node; /* in context->pages while it is open */
	struct context *context;
	struct session *session; /* its main session; NULL once closed */
	struct page *opener;     /* the page whose script or link opened it, or NULL */
	char *target;            /* owned */
	unsigned number;         /* from 1, in order of birth in its context */
	struct list_node frames; /* main frame first */
	struct frame *main;      /* of every page that was handed out; dead once closed */
	struct page_response response,
		next_response; /* of the current document; not yet shown */
	struct page_opening opening;
	struct dialog *dialog; /* the newest one of this page, or NULL */
	double mouse_x, mouse_y;
	unsigned mouse_buttons; /* pressed: bit 0 left, 1 right, 2 middle */
	bool is_ready;          /* its frames are known */
	bool is_closed, is_crashed;
	bool has_crashed; /* and shows no new document yet */
};

/* --- Navigation --- */

/*
 * Opens a URL in the main frame, or takes what context_page_open() began, and waits until it
 * has come as far as `until`. A reply without a new document (only the fragment changed) is
 * done at once; a download, or an answer without content (204), ends in an error INVALID that
 * says so. page->response is the answer then.
 */
int page_goto(struct page *page, const char *url, const char *referrer, enum load_state until,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

int page_reload(struct page *page, bool ignore_cache, enum load_state until,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

enum {
	PAGE_NO_HISTORY = 1, /* page_go(): there is no such entry */
};

/* Goes `delta` entries through the history: -1 back, 1 forward. 0 or PAGE_NO_HISTORY. */
int page_go(struct page *page, int delta, enum load_state until, int64_t deadline_mono_ms,
	struct err *err) MUST_CHECK;

/* Waits until the current document of the main frame has come as far as `until`. */
int page_wait_load(struct page *page, enum load_state until, int64_t deadline_mono_ms,
	struct err *err) MUST_CHECK;

/* True when the frame's document has come so far. */
bool frame_reached(const struct frame *frame, enum load_state state);

/* Adds a script that runs in every new document of the page before the site's own scripts. */
int page_add_script(struct page *page, const char *source, int64_t deadline_mono_ms,
	struct err *err) MUST_CHECK;

/* Puts it in front, as far as a headless browser knows one. */
int page_focus(struct page *page, int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* Closes it; beforeunload handlers run only if asked for. Waits until it is closed. */
int page_close(struct page *page, bool ask_page, int64_t deadline_mono_ms, struct err *err)
	MUST_CHECK;

/* 0 while it can be used; -1 NOT_FOUND with "the page was closed" or "the page crashed". */
int page_check(const struct page *page, struct err *err) MUST_CHECK;

/* A command to the page's main session; see cdp_call(). */
int page_call(struct page *page, const char *method, json_t *params, int64_t deadline_mono_ms,
	json_t **ret, struct err *err) MUST_CHECK;
