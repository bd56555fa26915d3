/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP server: libmicrohttpd inside a libuv loop, without threads of its own.
 *
 * A request goes through the application's callbacks in order: head (headers are there), body
 * (all of the body is there), perhaps gone (the peer left while it waited), done. head and body
 * may answer at once; a request that body leaves unanswered waits, suspended, until one of the
 * http_reply functions or http_take_socket is called for it. All calls are made on the loop's
 * thread and all functions must be called there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/list.h"
#include "base/str.h"

struct http_server;
struct http_request;
struct MHD_Connection;
struct MHD_Response;

enum http_method {
	HTTP_GET, /* HEAD arrives as GET with is_head */
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_PATCH,
	HTTP_METHOD_COUNT, /* any other */
};

/* One member of the query string, percent-decoded, in the request's arena. */
struct http_param {
	const char *name, *value;
};

/*
 * Where a streamed body goes: write is called on libuv's pool with parts in order, never two at
 * a time; the connection reads nothing meanwhile.
 */
struct http_sink {
	int (*write)(void *arg, const void *data, size_t len, struct err *err);
	void *arg;
	uint64_t bytes_max;
};

struct http_request {
	/* For the application. */
	struct http_server *server;
	enum http_method method;
	bool is_head;
	const char *method_name;
	const char *uri; /* as sent, with the query */
	struct str path; /* as sent, without the query */
	struct http_param *query;
	size_t n_query;
	struct arena arena;    /* released after done */
	struct buf body;       /* the whole body, unless there is a sink */
	size_t body_max;       /* set by head; 0: a body is refused */
	struct http_sink sink; /* set by head to stream the body instead */
	uint64_t body_bytes;   /* received so far */
	struct err sink_err;   /* code 0, or why the sink failed: body is called all the same */
	void *user;            /* the application's */
	int64_t began_ns;      /* monotonic */

	/* The server's own. */
	struct MHD_Connection *connection;
	struct MHD_Response *response;
	struct list_node node;
	struct http_header *headers;
	uv_work_t work;
	struct buf part;
	unsigned status;
	bool head_called, body_called, suspended, watched, working, take_socket;
	bool ambiguous;       /* where it ends is not certain: answered at once, then closed */
	struct err setup_err; /* code 0, or why the request line was refused before head */
	unsigned setup_status;
};

/* What the application gives; each is called with the request and arg. */
struct http_app {
	void (*head)(struct http_request *req, void *arg);
	void (*body)(struct http_request *req, void *arg);
	void (*gone)(
		struct http_request *req, void *arg); /* must lead to a reply all the same */
	void (*done)(
		struct http_request *req, void *arg); /* sent or lost; the last use of req */
	void (*refuse)(
		struct http_request *req, unsigned status, const struct err *why, void *arg);
	void *arg;
};

struct http_server_options {
	const char *listen; /* "127.0.0.1:7070" or "[::1]:0" */
	int inherited_fd;   /* listens already, and counts instead of `listen`; 0: none */
	unsigned connections_max;
	unsigned connections_per_ip_max;
	unsigned idle_ms;    /* a connection on which nothing moves is closed */
	unsigned arrival_ms; /* a request that has not arrived whole after this is closed; 0:
				never */
	bool local_only;     /* refuse Host names that are not loopback (DNS rebinding) */
};

struct http_stats {
	uint64_t connections; /* now */
	uint64_t connections_total;
	uint64_t requests_total;
	uint64_t requests_open; /* now */
	uint64_t slow_closed;   /* requests that did not arrive in time */
};

/* Binds, listens, watches. Borrows loop; copies options and app. */
int http_server_start(struct http_server **ret, uv_loop_t *loop,
	const struct http_server_options *options, const struct http_app *app, struct err *err)
	MUST_CHECK;

/*
 * Closes every connection (done is called for each request), then the handles; closed(arg) is
 * called from the loop when the memory is gone. Not from inside one of the app's callbacks.
 */
void http_server_stop(struct http_server *server, void (*closed)(void *arg), void *arg);

/* Accepts no further connection; existing ones go on. */
void http_server_quiesce(struct http_server *server);

/*
 * Likewise, but gives the listening socket away: connections wait in it for whoever listens
 * next. Every answer from now on is the last of its connection and says so.
 */
int http_server_hand_over(struct http_server *server);
/* True when no connection has been accepted whose first request is yet to come. */
bool http_server_is_heard(const struct http_server *server);
/* Requests that arrive from now on are not answered: their connections end. */
void http_server_hold(struct http_server *server);

uint16_t http_server_port(const struct http_server *server);
const char *http_server_host(const struct http_server *server); /* "127.0.0.1", "[::1]" */
void http_server_stats(const struct http_server *server, struct http_stats *ret);

/* A header of the request, or NULL; names are compared without case. */
const char *http_header_get(const struct http_request *req, const char *name);

/* Adds a header to the coming reply; value is copied. */
void http_header_add(struct http_request *req, const char *name, const char *value);

/*
 * Answer: each ends the request. type may be NULL (no Content-Type). A suspended request is
 * resumed. http_reply_buf takes the bytes of *body; http_reply_str copies; http_reply_static
 * borrows for ever; http_reply_fd owns fd and sends size bytes from offset.
 */
void http_reply_buf(
	struct http_request *req, unsigned status, const char *type, struct buf *body);
void http_reply_str(
	struct http_request *req, unsigned status, const char *type, struct str body);
void http_reply_static(
	struct http_request *req, unsigned status, const char *type, struct str body);
void http_reply_fd(struct http_request *req, unsigned status, const char *type, int fd,
	uint64_t offset, uint64_t size);

/* True once the request has its answer. */
bool http_is_answered(const struct http_request *req);

/*
 * Ends the request without an answer and hands its socket to the caller, who writes the whole
 * answer (headers included) and closes it. Nonblocking, close-on-exec. -1: no descriptor left.
 */
int http_take_socket(struct http_request *req, struct err *err) MUST_CHECK;

/* While the request waits: call app.gone when its peer leaves. */
void http_watch_peer(struct http_request *req);

/* Decodes %XX (and nothing else) into the arena; NULL when malformed or holding a NUL. */
char *http_percent_decode(struct arena *arena, struct str text, bool plus_is_space);
