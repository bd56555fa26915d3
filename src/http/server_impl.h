/* SPDX-License-Identifier: Apache-2.0 */
/* Inside the HTTP server: its state, and what its parts do for each other. */
#pragma once

#include <microhttpd.h>
#include <netinet/in.h>

#include "http/server.h"

enum {
	/*
	 * Holds our own limits of URL and headers, so that we, not the library, refuse them.
	 * More than 32 KiB, so that the library maps it: what is not touched costs nothing, and
	 * it goes back to the system with the connection.
	 */
	CONNECTION_MEMORY_BYTES = 36 * 1024,
};

struct http_header {
	struct http_header *next;
	const char *name, *value;
};

struct http_server {
	uv_loop_t *loop;
	struct http_app app;
	struct http_server_options options;
	struct MHD_Daemon *daemon;
	uv_poll_t poll;       /* the daemon's epoll set */
	uv_poll_t watch_poll; /* our own, for peers of waiting requests */
	uv_timer_t timer;     /* the daemon's next time limit */
	uv_timer_t arrival_timer;
	uv_check_t kick; /* runs the daemon once for all replies of the loop's turn */
	int watch_fd;
	unsigned handles_open;
	bool running;    /* inside MHD_run */
	bool closed_one; /* a connection, in the daemon's last run */
	bool kick_due, stopping;
	bool handing_over; /* each answer is the last of its connection */
	bool holding;
	struct list_node free_requests;
	unsigned n_free;
	struct list_node peers; /* connections, the longest-waiting first */
	struct http_stats stats;
	uint16_t port;
	char host[INET6_ADDRSTRLEN + 2];
	void (*closed)(void *arg);
	void *closed_arg;
};

/* One accepted connection; in the list while a request of it is yet to arrive whole. */
struct http_peer {
	struct list_node node;
	int64_t since_mono_ms; /* it was accepted, or its last request was answered */
	int fd;
	bool was_heard; /* a request of it has begun */
};

/* --- listener.c --- */

/* A listening socket, the caller's: the one that was inherited, or a new one. Sets host and
 * port. */
int listener_open(struct http_server *server, struct err *err) MUST_CHECK;

/* --- request.c --- */

struct http_request *request_new(struct http_server *server) __attribute__((returns_nonnull));
/* Its memory may serve the next one. */
void request_release(struct http_request *req);
/* One that was released. Always NULL. */
struct http_request *request_free(struct http_request *req);

enum http_method request_method(const char *name, bool *ret_is_head);
/* Path and query. Sets setup_err for a request line or headers that no application should
 * see. */
void request_setup(struct http_request *req);
/* The application answers with why. */
void request_refuse(struct http_request *req, unsigned status, const struct err *why);

/* --- body.c --- */

/* Bytes that have arrived, to the buffer or the sink. */
void body_take(struct http_request *req, const char *data, size_t len);
/* Gives what has gathered to the sink; the connection rests meanwhile. */
void body_flush(struct http_request *req);
/* It is longer than max, unless the request has its answer anyway. */
void body_refuse(struct http_request *req, uint64_t max);

/* --- reply.c --- */

struct http_peer *request_peer(const struct http_request *req); /* NULL: it has gone */
void request_suspend(struct http_request *req);
void request_resume(struct http_request *req); /* nothing, unless it is suspended */
/* Hands the answer to the library, from inside its callbacks. */
enum MHD_Result request_queue_reply(struct http_request *req);
