/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A connection to a browser over a pair of pipes: the Chrome DevTools Protocol, one JSON
 * message per NUL.
 *
 * Blocking in style, never deaf: whoever waits reads everything that arrives meanwhile, hands
 * events to their handlers and watches the worker, so a cancel or the browser's death ends the
 * wait at once. One thread. Deadlines are on the monotonic clock (clock_mono_ms()). SIGPIPE
 * must be ignored, which kit_serve() sees to.
 *
 * What goes wrong is an error with one of these codes, everywhere in this folder:
 *
 *	TIMEOUT      the deadline passed
 *	UNAVAILABLE  the browser is gone or the run was cancelled: cdp_state() tells which
 *	CONFLICT     the document that was asked went away by a navigation: look again
 *	NOT_FOUND    the page (or frame, or node) is closed or has crashed
 *	INVALID      the browser refused the command; its words are in the text
 *	LIMIT        a message was longer or deeper than allowed (the browser counts as lost)
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"

struct cdp;
struct kit;

enum cdp_state {
	CDP_OPEN,
	CDP_CANCELLED, /* the worker asked to end the run */
	CDP_LOST,      /* end of file, a write that failed, or a message that cannot be read */
};

/* Everything is borrowed and lives as long as the handler's call. */
struct cdp_event {
	const char *session; /* "" for the browser itself */
	const char *method;
	json_t *params; /* an object, never NULL */
};

/*
 * Takes an event or a reply. May send, add and remove handlers; must not wait: cdp_call() and
 * cdp_pump() inside a handler are a defect and abort.
 */
typedef void cdp_event_fn(void *arg, const struct cdp_event *event);

/*
 * result is NULL when the command failed, and error then says why. Both are borrowed. Is called
 * exactly once for every cdp_send(), with the error UNAVAILABLE when the browser is lost or the
 * connection is freed.
 */
typedef void cdp_reply_fn(void *arg, json_t *result, const struct err *error);

/* True once what is waited for is there. Looked at after every message. */
typedef bool cdp_until_fn(void *arg);

/*
 * Takes both descriptors (ends of pipes or a socket), makes them nonblocking and closes them in
 * the end.
 */
struct cdp *cdp_new(int fd_in, int fd_out) __attribute__((returns_nonnull));
struct cdp *cdp_free(struct cdp *cdp);
DEFINE_CLEANUP(struct cdp *, cdp_free)

/* The kit of the run under way, which is watched while waiting; NULL between runs. Borrowed. */
void cdp_watch(struct cdp *cdp, struct kit *kit);

/*
 * While `deaf`, a cancelled run does not end waits: for tidying up, with short deadlines.
 * Returns what was set before.
 */
bool cdp_deafen(struct cdp *cdp, bool deaf);

enum cdp_state cdp_state(const struct cdp *cdp);

/*
 * Sends a command and waits for its reply. session: "" or NULL for the browser itself. params
 * is consumed and may be NULL. ret may be NULL; otherwise *ret is the result, an object that
 * the caller owns.
 */
int cdp_call(struct cdp *cdp, const char *session, const char *method, json_t *params,
	int64_t deadline_mono_ms, json_t **ret, struct err *err) MUST_CHECK;

/* Sends a command without waiting; reply may be NULL. What cannot be sent is reported to reply.
 */
void cdp_send(struct cdp *cdp, const char *session, const char *method, json_t *params,
	cdp_reply_fn *reply, void *arg);

typedef void cdp_timer_fn(void *arg);

/*
 * Has fn called once, as soon as somebody waits (cdp_pump(), cdp_call()) at or after that time.
 * It may do what a handler may. cdp_forget() takes it away; freeing the connection drops it.
 */
void cdp_at(struct cdp *cdp, int64_t due_mono_ms, cdp_timer_fn *fn, void *arg);

/* Forgets the callbacks of all commands and timers that would be called with `arg`. */
void cdp_forget(struct cdp *cdp, const void *arg);

/*
 * Waits until the predicate holds (it is asked first). NULL waits for the deadline and then
 * returns 0: time passes, and events are served.
 */
int cdp_pump(struct cdp *cdp, int64_t deadline_mono_ms, cdp_until_fn *until, void *arg,
	struct err *err) MUST_CHECK;

/* Serves what has arrived already, without waiting. -1: lost or cancelled. */
int cdp_poll(struct cdp *cdp, struct err *err) MUST_CHECK;

/*
 * Has fn called for every event whose method starts with `prefix` ("" for all) and whose
 * session is `session` ("" the browser itself, NULL any). Handlers run in the order in which
 * they were added. The strings are copied. Owned by the connection: remove it with cdp_off() or
 * leave it.
 */
struct cdp_handler *cdp_on(struct cdp *cdp, const char *session, const char *prefix,
	cdp_event_fn *fn, void *arg) __attribute__((returns_nonnull));
void cdp_off(struct cdp *cdp, struct cdp_handler *handler);

/* Tells that a session is dead: commands under way in it fail at once with that code. */
void cdp_session_gone(
	struct cdp *cdp, const char *session, enum err_code code, const char *why);

/* Totals since the start, for measurements and tests. */
struct cdp_counts {
	uint64_t sent, received, events, bytes_in, bytes_out;
	size_t under_way;      /* commands without their reply */
	int64_t heard_mono_ms; /* when it last said something */
};

struct cdp_counts cdp_counts(const struct cdp *cdp);

/* --- Short forms for reading what a browser says; absent or of another kind: the default ---
 */

const char *cdp_str(const json_t *object, const char *key);                /* "" */
int64_t cdp_int(const json_t *object, const char *key, int64_t otherwise); /* reals are cut */
double cdp_num(const json_t *object, const char *key);                     /* 0 */
bool cdp_flag(const json_t *object, const char *key);                      /* false */
