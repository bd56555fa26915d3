/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run of a browser test: what its steps share. Read flow.c first (lists of steps), then
 * ask.c (how the page is asked) and any of the files of verbs (act.c, look.c, around.c).
 *
 * A function of a step returns 0, or -1 with t->trouble filled: what went wrong decides how the
 * run goes on, and that is more than an error code can say.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "browser_format/config.h"
#include "browser_format/steps.h"
#include "runners/browser/context.h"
#include "runners/browser/frame.h"
#include "runners/browser/page.h"

struct evidence;
struct kit;
struct kit_request;
struct network;

enum trouble_kind {
	TROUBLE_NONE,
	TROUBLE_FAILED,    /* the product is wrong, or the test no longer fits it */
	TROUBLE_ERRORED,   /* the test itself or the environment is wrong */
	TROUBLE_SKIP,      /* a step `skip`: no trouble at all, but an end */
	TROUBLE_LOST,      /* the browser died */
	TROUBLE_CANCELLED, /* the worker asked to end */
};

struct trouble {
	enum trouble_kind kind;
	const char *reason;        /* static */
	char *message;             /* owned */
	json_t *expected, *actual; /* owned, or NULL */
	char *screenshot;          /* name of an artifact, or NULL; owned */
};

/* Where the mouse is to go, in the page's viewport. */
struct spot {
	struct frame *frame;
	double x, y;
	json_t *answer; /* of proctor.ready(); owned by the caller of spot_deinit() */
};

struct tester {
	struct kit *kit;
	const struct kit_request *request;
	struct context *context;
	struct cdp *cdp;
	struct page *page; /* the tab that steps are about; never NULL while steps run */
	const struct browser_config *config;
	struct network *network;
	struct evidence *evidence;
	struct arena *arena; /* of the run: mocks and cookies that others borrow */

	json_t *scope;    /* variables, ctx, params, run */
	json_t *output;   /* what was extracted */
	json_t *warnings; /* of the result */
	json_t *library;  /* borrowed, or NULL */
	json_t *errors;   /* error objects, in order */
	const char *test_id_attribute;

	json_t *frames;      /* targets from the outside in, of the step under way; owned */
	int64_t deadline;    /* of the step under way, mono ms */
	int64_t patience_ms; /* the same as it was given */
	struct trouble trouble;
	struct trouble first; /* the first that counts */

	struct buf prefix;    /* titles of the steps around */
	bool is_hook;         /* setup or teardown */
	bool is_told;         /* the trouble has been reported as a step */
	int64_t run_deadline; /* of the whole test, mono ms; INT64_MAX: none */
	size_t n_steps;
	unsigned use_depth;
	unsigned n_pages_seen, n_downloads_taken;
	unsigned n_uploads;
};

/* --- trouble.c --- */

/* All return -1. Trouble that is there already is replaced. */
int trouble_set(struct tester *t, enum trouble_kind kind, const char *reason, const char *fmt,
	...) PRINTF_LIKE(4, 5);

/* Of an error of the driver: lost, cancelled, crashed, or what it says. */
int trouble_err(struct tester *t, const struct err *err);

/* Of an answer { ok: false, message, expected?, actual? } of the page's script. */
int trouble_answer(struct tester *t, const char *reason, json_t *answer);

void trouble_clear(struct trouble *trouble);

/* { message, expected?, actual?, screenshot? }, owned by the caller. */
json_t *trouble_error(const struct trouble *trouble) __attribute__((returns_nonnull));

/* From now on this text is shown as ••• in titles and failures; short ones are left alone. */
void secret_add(struct tester *t, const char *text);

/* Takes an owned text and gives it back, or another one, without what is secret. */
char *secrets_hide(const struct tester *t, char *text) __attribute__((returns_nonnull));

/* The same for the texts in a value, which is borrowed. Owned by the caller. */
json_t *secrets_hide_in(const struct tester *t, json_t *value);

/* --- words.c --- */

void words_target(struct buf *out, json_t *target);

/* The title of a step whose variables are filled in. */
void words_step(struct buf *out, enum verb verb, json_t *value, json_t *step);

/* What an expectation is about: its target, or "". */
void words_expect(struct buf *out, json_t *expect);

/* --- ask.c --- */

int64_t time_left(const struct tester *t); /* ms, never negative */

/* Lets time pass, serving the browser; not past the step's deadline. */
int pass_time(struct tester *t, int64_t ms) MUST_CHECK;

/* { target, words, timeout, testIdAttribute } and what `more` adds (consumed, may be NULL). */
json_t *spec_new(const struct tester *t, json_t *target, json_t *more)
	__attribute__((returns_nonnull));

/* The frame that the step is about. */
int frame_now(struct tester *t, struct frame **ret) MUST_CHECK;

/*
 * Calls proctor.NAME(spec) in that frame until it answered, in new documents again; keeps
 * spec.timeout to the time that is left. *ret (owned) is what it answered.
 */
int ask(struct tester *t, const char *name, json_t *spec, json_t **ret) MUST_CHECK;

/* The same; an answer without ok is trouble with that reason. ret may be NULL. */
int ask_ok(struct tester *t, const char *name, json_t *spec, const char *reason, json_t **ret)
	MUST_CHECK;

/* compare() of the script for a value that was found elsewhere: *ret as of an expectation. */
int ask_compare(struct tester *t, const char *what, json_t *spec, json_t *actual, json_t **ret)
	MUST_CHECK;

/*
 * Waits until the target is ready and knows where to point. states is a list of words for
 * ready.js, separated by commas.
 */
int find_spot(struct tester *t, json_t *target, const char *states, json_t *more,
	struct spot *ret) MUST_CHECK;
void spot_deinit(struct spot *spot);

/*
 * Goes into the frames that an object's member `frame` names (a target, a step). Returns what
 * frames_leave() needs to come back, which may be NULL.
 */
json_t *frames_enter(struct tester *t, json_t *target) MUST_CHECK;
void frames_leave(struct tester *t, json_t *outer);

/* The target of an acting verb without its options; owned by the caller. */
json_t *target_of(json_t *value) __attribute__((returns_nonnull));

/* The ms of a checked duration; `otherwise` when there is none. */
int64_t duration_of(json_t *value, int64_t otherwise);

/* --- flow.c --- */

/* Carries out a list; `label` (or NULL) stands before each title. */
int flow_steps(struct tester *t, json_t *steps, const char *label) MUST_CHECK;

/* --- The verbs; value is filled in and checked --- */

typedef int verb_fn(struct tester *t, json_t *value, json_t *step);

verb_fn act_click, act_double_click, act_tap, act_hover, act_focus, act_check, act_uncheck,
	act_clear, act_type, act_press, act_select, act_upload, act_drag, act_scroll;
verb_fn look_wait, look_expect, look_extract, look_eval, look_screenshot;
verb_fn go_open, go_reload, go_back, go_forward, go_tab;
verb_fn around_dialog, around_download, around_cookies, around_storage, around_auth,
	around_mock, around_network, around_viewport;

/*
 * Asks a condition (filled in here). 0: it does not hold or cannot be asked, 1: it holds; -1:
 * trouble that ends the run.
 */
int look_condition(struct tester *t, json_t *condition) MUST_CHECK;

/*
 * The address that a step opens, when it is certain before there is a page and nothing else
 * comes before it; else NULL. Owned by the caller.
 */
char *go_first_url(const struct tester *t, json_t *step);

/* Opens an address as `open` does. */
int go_to(struct tester *t, const char *url, const char *referrer, enum load_state until)
	MUST_CHECK;

/* Sets a variable. Consumes value. */
void set_variable(struct tester *t, const char *name, json_t *value);
