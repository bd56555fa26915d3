/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP client: libcurl's multi interface inside a libuv loop for the worker, and one blocking
 * call for the command line. HTTP and HTTPS only, no redirects, responses up to a limit.
 *
 * The bearer token travels in a header of its own and appears in no address, error or log.
 * Loopback addresses are never sent through a proxy of the environment.
 */
#pragma once

#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

struct http_client;
struct http_exchange;

/* Gets a piece of a response's body; only for a 2xx answer. < 0 breaks the exchange off. */
typedef int http_sink_fn(void *arg, const char *data, size_t len);

struct client_request {
	const char *method; /* "GET" */
	const char *url;
	const char *bearer;         /* token, or NULL */
	const char *const *headers; /* "Name: value", NULL-terminated; NULL: none */
	const char *content_type;   /* of the body; NULL: application/json */
	const char *body;           /* NULL: none, or body_fd */
	size_t body_len;
	int body_fd; /* > 0: the body is its next body_fd_len bytes; used until the end,
			not closed */
	int64_t body_fd_len;
	/* Of guard.h: connect to these addresses and no others, through no proxy, and keep no
	 * connection. Borrowed until the end of the exchange; NULL: whatever resolves. */
	struct curl_slist *pin;
	size_t headers_max;  /* bytes of the answer's headers that are kept; 0: none */
	int64_t timeout_ms;  /* whole exchange; 0: 30 s */
	size_t response_max; /* bytes of body kept; 0: 1 MiB. More is ERR_LIMIT */
	http_sink_fn *sink;  /* gets the body of a 2xx answer instead of `body`; or NULL */
	void *sink_arg;
};

/* An answer of any status. */
struct http_answer {
	int status;
	struct buf body;    /* empty when a sink took it */
	struct buf headers; /* lines "Name: value", as they came, of the last head of the
			       answer; what passes headers_max is left out */
	char content_type[100];
	int64_t retry_after_ms; /* 0: not said */
};

/*
 * Called once, from the loop, unless the exchange was cancelled. answer is NULL when there was
 * none, and err says why: UNAVAILABLE (not reached, broken), TIMEOUT, LIMIT, INVALID (address).
 * The callback may send further requests. answer is borrowed; its body may be stolen.
 */
typedef void http_done_fn(void *arg, struct http_answer *answer, const struct err *err);

/* Borrows the loop. Aborts when libcurl cannot be set up. */
struct http_client *http_client_new(uv_loop_t *loop) __attribute__((returns_nonnull));

/*
 * Cancels everything that is under way and frees the client as soon as its handles are closed,
 * which needs the loop to run once more. NULL is fine.
 */
void http_client_close(struct http_client *client);

/*
 * Sends. Copies all texts of the request and takes over *body (which is then empty) when body
 * is not NULL; request->body and body exclude each other. Never fails: errors come to the
 * callback.
 */
struct http_exchange *http_client_send(struct http_client *client,
	const struct client_request *request, struct buf *body, http_done_fn *done, void *arg)
	__attribute__((returns_nonnull));

/* Breaks it off; its callback is not called. Not from a sink. NULL is fine. */
void http_exchange_cancel(struct http_exchange *exchange);

void http_answer_deinit(struct http_answer *answer);

/* One exchange, blocking. 0 and any status in *ret (caller deinits), or -1 as above. */
int http_call(const struct client_request *request, struct http_answer *ret, struct err *err)
	MUST_CHECK;
