/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A browser context: what one run sees of the browser. It has its own cookies, storage and
 * cache; its pages (popups included), the dialogs that they opened and their downloads are
 * recorded here. Freed, it is gone from the browser, hung pages included.
 *
 * The structs are open for reading; only this module (with page.c and frame.c) writes them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/list.h"
#include "runners/browser/cdp.h"
#include "runners/browser/chromium.h"

struct page;

/* Everything is borrowed until context_new() returns; zeroed is a good start. */
struct context_spec {
	const char *proxy;        /* "http://host:port", "socks5://…", or NULL */
	const char *proxy_bypass; /* hosts that go without, or NULL */
	const char *downloads;  /* an existing folder (absolute); NULL: downloads are refused */
	const char *own_script; /* evaluated once in every document's own world before what
				   frame_eval() is first asked there; or NULL */
};

/* A target that the browser attached us to: a page, or an iframe in another process. */
struct session {
	struct list_node node; /* in context->sessions */
	struct context *context;
	struct page *page;
	char *id;           /* for cdp_call(); owned */
	char *target;       /* owned */
	bool is_frame;      /* an iframe of the page in another process */
	bool is_paused;     /* inside a session_fn: nothing of it has run yet */
	bool has_own_world; /* was asked for ours in a document of the main frame */
};

/*
 * Prepares a session before its first document runs: send commands with cdp_send(), do not
 * wait. Their order is kept, and the target goes on only after them.
 */
typedef void session_fn(void *arg, struct session *session);

enum dialog_kind { DIALOG_ALERT, DIALOG_CONFIRM, DIALOG_PROMPT, DIALOG_BEFOREUNLOAD };

struct dialog {
	struct list_node node; /* in context->dialogs, oldest first */
	struct page *page;     /* NULL once it is closed */
	enum dialog_kind kind;
	char *message, *default_text, *url; /* owned; cut at DIALOG_TEXT_BYTES_MAX */
	bool is_accepted;                   /* how we answered */
	char *answer;                       /* to a prompt, or NULL; owned */
	bool was_expected;                  /* answered by context_dialog_next() */
};

enum download_state { DOWNLOAD_RUNNING, DOWNLOAD_DONE, DOWNLOAD_FAILED };

struct download {
	struct list_node node; /* in context->downloads, oldest first */
	enum download_state state;
	char *id;      /* the browser's; owned */
	char *url;     /* owned */
	char *name;    /* suggested by the site, made safe: one path component; owned */
	char *path;    /* of the file once DONE, in the folder, unique; owned, or NULL */
	int64_t bytes; /* received so far */
	int64_t total; /* expected, 0 when unknown */
};

struct context {
	struct chromium *chromium; /* borrowed */
	struct cdp *cdp;           /* borrowed from it */
	char *id;                  /* browserContextId; owned */
	struct list_node pages;    /* struct page, in order of birth; closed ones leave */
	struct list_node sessions;
	struct list_node dialogs, downloads;
	unsigned n_pages_ever, n_dialogs, n_downloads; /* ever: to wait for the next one */
	unsigned n_dropped; /* dialogs and downloads not recorded because of the limit */
	struct context_impl *impl;
};

int context_new(struct context **ret, struct chromium *chromium,
	const struct context_spec *spec, int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* Forgets the functions of context_on_session(): what they need may go now. NULL is fine. */
void context_unhook(struct context *context);

/*
 * Has all pages closed and forgets everything, also after a cancel, without waiting. When the
 * browser does not confirm within CONTEXT_DISPOSE_MS, chromium_worn() says so.
 */
struct context *context_free(struct context *context);
DEFINE_CLEANUP(struct context *, context_free)

/*
 * Has fn called for every session of this context, those that are there already at once (not
 * paused), later ones before they run. Up to CONTEXT_HOOKS_MAX.
 */
void context_on_session(struct context *context, session_fn *fn, void *arg);

/* The session with that id, or NULL: to find the page of an event. */
struct session *context_session(const struct context *context, const char *id);

/* Opens an empty page; it becomes the youngest. */
int context_page_new(struct context *context, struct page **ret, int64_t deadline_mono_ms,
	struct err *err) MUST_CHECK;

/*
 * The same with an address, without waiting for anything but the page itself: page_goto() to
 * that address waits for the document. Sooner and cheaper than an empty page that goes there,
 * because the document is loaded while the page's process starts, and no other one before it.
 */
int context_page_open(struct context *context, const char *url, struct page **ret,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/*
 * Waits until more than `n_before` pages have ever been opened, and the youngest of them is
 * usable. Take n_before from context->n_pages_ever before the step that opens one.
 */
int context_page_wait(struct context *context, unsigned n_before, struct page **ret,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* --- Dialogs: always answered at once, because they stop the page --- */

/* How dialogs are answered that nobody announced: alert and beforeunload are always accepted.
 */
struct dialog_policy {
	bool accept;      /* confirm and prompt: true is OK */
	const char *text; /* typed into a prompt; NULL: its default. Copied. */
};

void context_dialog_policy(struct context *context, const struct dialog_policy *policy);

/* Announces the next dialog: it alone is answered so. Several are answered in their order. */
void context_dialog_next(struct context *context, const struct dialog_policy *policy);

/* How many announced dialogs have not come. */
unsigned context_dialogs_pending(const struct context *context);

/* Waits until more than n_before dialogs were seen. */
int context_dialog_wait(struct context *context, unsigned n_before, struct dialog **ret,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* --- Downloads --- */

/* Waits until download number n_before (from 0) has ended; DONE or FAILED. */
int context_download_wait(struct context *context, unsigned n_before, struct download **ret,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;
