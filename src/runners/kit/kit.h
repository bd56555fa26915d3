/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The C kit: makes a runner out of one function from a `run` request to a result. It does the
 * handshake, framing, cancellation and limits of docs/protocol/runner.md.
 *
 * The function is called on the only thread and may block as long as it does so in kit_poll()
 * or otherwise returns soon after kit_cancelled() became true. When the worker is gone the kit
 * ends the process, so a runner needs no code for that; what it started dies with it because
 * the shepherd above it sees to that.
 */
#pragma once

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"

struct kit;

/* A picture whose base64 fits a line with the rest of its message. */
enum { KIT_FRAME_BYTES_MAX = 184 * 1024 };

/* One run request. Everything is borrowed until the function returns. */
struct kit_request {
	const char *run;
	json_t *test;          /* the test's definition */
	json_t *config;        /* {} when the job has none */
	json_t *params;        /* {} when the job has none */
	const char *dir;       /* the run's private folder; also the working directory */
	const char *files;     /* unpacked bundle, or the author's own folder, or NULL */
	bool owns_files;       /* false: what is written into files is for their author */
	const char *artifacts; /* folder for artifacts */
	const char *cache;     /* outlives the run, or NULL */
	const char *target;    /* or NULL */
	json_t *browser;       /* the group { name, browser, config? }, or NULL */
	const char *role;      /* of a hook: "before_job", …; NULL: a test */
	int64_t connection;    /* of the group, from 1; 0: none */
	json_t *ctx;           /* { job?, fixture? } from the before hooks, or NULL */
	int64_t timeout_ms;    /* 0: none */
	int64_t attempt, iteration;
};

/*
 * Carries out one run and returns the result's members (kit_result()); the kit adds `type` and
 * `run`. Must not return NULL.
 */
typedef json_t *kit_fn(struct kit *kit, const struct kit_request *request);

/* What the worker asks of the screen of the run under way. */
struct kit_screen {
	bool is_on;                /* somebody looks */
	int max_width, max_height; /* of a picture, 0: as it is */
	int quality;               /* of the JPEG, 1 … 100; 0: the runner's choice */
};

/*
 * Called when the worker's wish has changed, from wherever the run reads the worker's words
 * (kit_poll(), kit_read()): it may send commands but must not wait for their answers. A wish
 * that came before the run began is only in kit_screen().
 */
typedef void kit_screen_fn(struct kit *kit, const struct kit_screen *screen);

struct kit_spec {
	const char *name;
	const char *kind;
	bool reusable; /* may get another run after a result */
	kit_fn *carry_out;
	kit_screen_fn *on_screen; /* NULL: has no screen */
	/*
	 * Called while there is no run, before each wait for the next one: returns a descriptor
	 * to watch beside the worker's (-1: none). When that is readable, and at the call with
	 * `is_ready` after that, the runner looks after what it keeps warm. NULL: nothing is.
	 */
	int (*idle)(bool is_ready);
	/*
	 * Called at each result: true when the process is to end after it instead of taking
	 * another run, because it cannot get what it needs. NULL: never.
	 */
	bool (*is_worn)(void);
};

/* Serves descriptors 3 and 4 until the worker says bye or leaves. Returns the exit status. */
int kit_serve(const struct kit_spec *spec);

/* The same on other descriptors, for tests. Does not close them. */
int kit_serve_on(const struct kit_spec *spec, int fd_in, int fd_out);

/* --- Inside carry_out --- */

/* True once the worker asked to end the run: answer kit_result("cancelled", …) soon. */
bool kit_cancelled(const struct kit *kit);

/*
 * Like poll(2), and watches the worker too. Returns the number of ready descriptors, 0 when
 * timeout_ms passed, -1 when the run has been cancelled. EINTR is handled.
 */
int kit_poll(struct kit *kit, struct pollfd *fds, nfds_t n, int timeout_ms);

/* The worker's descriptor, for loops that are not poll(2): when readable call kit_read(). */
int kit_fd(const struct kit *kit);
void kit_read(struct kit *kit);

void kit_started(struct kit *kit, int64_t total); /* total < 0: unknown */

/* Takes the members of a `case` or `step` and adds type and run. */
void kit_case(struct kit *kit, json_t *members);
void kit_step(struct kit *kit, json_t *members);
/* What the worker wants to see of the run under way; all zero: nothing. */
const struct kit_screen *kit_screen(const struct kit *kit);

/*
 * Sends a picture while the screen is on; else does nothing. False: it is over
 * KIT_FRAME_BYTES_MAX and was not sent, a smaller one is wanted. url may be NULL.
 */
bool kit_frame(
	struct kit *kit, const void *jpeg, size_t len, int width, int height, const char *url);

void kit_progress(struct kit *kit, double percent, const char *message); /* percent < 0: none */
void kit_log(struct kit *kit, const char *level, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* A file below request->artifacts is complete. case_id may be NULL. */
void kit_artifact(struct kit *kit, const char *name, const char *path, const char *content_type,
	const char *kind, const char *case_id);

/* { outcome, reason?, error: { message }? }; reason and fmt may be NULL. Owned by the caller.
 */
json_t *kit_result(const char *outcome, const char *reason, const char *fmt, ...)
	PRINTF_LIKE(3, 4) __attribute__((returns_nonnull));

/* An error object { message }, the text cut to 8 KiB and made valid UTF-8. */
json_t *kit_error(const char *fmt, ...) PRINTF_LIKE(1, 2) __attribute__((returns_nonnull));

/* A JSON string of bytes that may not be UTF-8 (replaced by U+FFFD), at most max bytes long. */
json_t *kit_text(const char *text, size_t len, size_t max) __attribute__((returns_nonnull));
