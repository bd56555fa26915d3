/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network of one run: what every page, frame and worker of it asks for is recorded, and
 * where the config says so blocked, mocked, authenticated or slowed.
 *
 * One struct network per run. It registers for the Network and Fetch events of all sessions of
 * its connection; network_attach() must be called for each session of the run before the
 * session's target resumes, so that nothing escapes. Requests are intercepted (Fetch) only when
 * the config, a mock or a list of hosts needs it, because each then costs a round trip.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "browser_format/config.h"

struct cdp;
struct network;

struct network_spec {
	struct cdp *cdp;                     /* borrowed for the life of the network */
	const struct browser_config *config; /* the same */
	const char *files;                   /* folder of the bundle, or NULL */
	json_t *warnings; /* array that texts for the result are appended to, or NULL */
};

/* Reads the files that the config names. -1 with err: INVALID, NOT_FOUND or LIMIT. */
int network_new(struct network **ret, const struct network_spec *spec, struct err *err)
	MUST_CHECK;

/* Withdraws its handlers. Sessions need not live any more. Returns NULL. */
struct network *network_free(struct network *network);

DEFINE_CLEANUP(struct network *, network_free)

/*
 * Sends what the session needs (Network.enable, blocking, headers, throttle, interception)
 * without waiting. For every page, out-of-process frame and worker of the run: call it from the
 * context's session hook.
 */
void network_attach(struct network *network, const char *session);

/*
 * Adds a mock, which is then asked first. Its memory is borrowed until network_free(). -1 with
 * err: a bad pattern or a file that is not there.
 */
int network_mock(struct network *network, const struct config_mock *mock, struct err *err)
	MUST_CHECK;

/* Takes all mocks with that URL pattern away (NULL: all). Returns how many. */
size_t network_unmock(struct network *network, const char *url);

/* Changes what the config said, in the sessions that are there and in those to come. */
void network_set_offline(struct network *network, bool is_offline);
void network_set_headers(struct network *network, const struct config_pair *headers, size_t n);
void network_set_auth(struct network *network, const char *user, const char *password,
	const char *origin); /* user NULL: none; texts are copied */

/* --- What has been seen --- */

/* One request, one hop of a redirect. Borrowed; valid until network_free(). */
struct network_entry {
	const char *session, *request_id; /* CDP's */
	const char *url, *method, *type;  /* type: Document, Image, XHR, Fetch, … */
	int64_t status;                   /* 0: none yet or never */
	bool is_done;                     /* finished, failed or redirected */
	bool is_mocked;
	const char *error;   /* net::ERR_…, or NULL */
	const char *blocked; /* the member of config that blocked it, or NULL */
	int64_t started_wall_ms;
	double duration_ms; /* < 0: not done */
};

/* How many have been recorded; entries are numbered from 0 in order of start. */
size_t network_count(const struct network *network);
const struct network_entry *network_get(const struct network *network, size_t index);

/* Requests in flight, WebSockets and event streams not counted: 0 for 500 ms is networkidle. */
size_t network_in_flight(const struct network *network);

/* What a step looks for. Absent: NULL, 0. */
struct network_want {
	const char *url;    /* pattern as of a mock */
	const char *method; /* upper case */
	int64_t status;     /* 0: any answer */
	size_t since;       /* entries before this one do not count */
	bool needs_answer;  /* only those with a status or an error */
};

enum { NETWORK_NONE = 1 };

/* The first entry that matches, from want->since on. 0; NETWORK_NONE; -1: a bad pattern. */
int network_find(struct network *network, const struct network_want *want,
	const struct network_entry **ret, struct err *err) MUST_CHECK;

/* Pumps until there is one. 0; NETWORK_NONE at the deadline; -1 as cdp_pump() or a pattern. */
int network_wait(struct network *network, const struct network_want *want,
	int64_t deadline_mono_ms, const struct network_entry **ret, struct err *err) MUST_CHECK;

/* The body of an answer as text or base64. Owned by the caller: { body, base64 }. */
int network_body(struct network *network, const struct network_entry *entry,
	int64_t deadline_mono_ms, json_t **ret, struct err *err) MUST_CHECK;

/*
 * The member of config that blocked the newest main document ("allowHosts", …), or NULL: what a
 * failed navigation says.
 */
const char *network_blocked_document(const struct network *network);

/* Writes the HAR file. */
int network_write_har(struct network *network, const char *path, struct err *err) MUST_CHECK;
