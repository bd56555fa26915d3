/* SPDX-License-Identifier: Apache-2.0 */
/* A small web site on 127.0.0.1 for tests with a real browser: one thread, fixed pages. */
#pragma once

#include <pthread.h>
#include <stdbool.h>

struct site_page {
	const char *path;   /* "/form"; a query behind it does not matter */
	const char *status; /* "200 OK" */
	const char *header; /* more header lines, each with CRLF; or NULL */
	const char *body;   /* "%d" in it becomes the port */
	bool hangs;         /* reads the request and says nothing */
};

struct site {
	const struct site_page *pages; /* ends with path NULL */
	int listener, port;
	int held[64]; /* connections of pages that hang */
	unsigned n_held;
	pthread_t thread;
};

/* Starts serving; `pages` is borrowed. Aborts when it cannot. */
void site_start(struct site *site, const struct site_page *pages);
void site_stop(struct site *site);
