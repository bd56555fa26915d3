/* SPDX-License-Identifier: Apache-2.0 */
#include "site.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"

enum {
	REQUEST_BYTES_MAX = 16384,
};

static const struct site_page missing = { "", "404 Not Found", NULL, "missing", false };

static const struct site_page *
find_page(const struct site *site, const char *path)
{
	size_t len = strcspn(path, "? ");

	for (const struct site_page *page = site->pages; page->path; page++) {
		if (strlen(page->path) == len && strncmp(page->path, path, len) == 0)
			return page;
	}
	return &missing;
}

/* The body with the port in the place of each "%d". */
static char *
fill_in(const char *body, int port)
{
	const char *at;
	char *text = xstrdup("");

	while ((at = strstr(body, "%d"))) {
		char *longer = xasprintf("%s%.*s%d", text, (int)(at - body), body, port);
		free(text);
		text = longer;
		body = at + 2;
	}
	char *whole = xasprintf("%s%s", text, body);
	free(text);
	return whole;
}

static void
answer(struct site *site, int fd)
{
	char request[REQUEST_BYTES_MAX + 1];
	size_t len = 0;
	struct err err;

	do {
		ssize_t n = read(fd, request + len, REQUEST_BYTES_MAX - len);
		if (n <= 0)
			break;
		len += (size_t)n;
		request[len] = '\0';
	} while (len < REQUEST_BYTES_MAX && !strstr(request, "\r\n\r\n"));
	request[len] = '\0';
	const char *space = strchr(request, ' ');
	const struct site_page *page = find_page(site, space ? space + 1 : "");
	if (page->hangs && site->n_held < 64) {
		site->held[site->n_held++] = fd;
		return;
	}
	char *body = fill_in(page->body, site->port);
	char *text = xasprintf("HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n"
			       "%s%s\r\n%s",
		page->status, strlen(body),
		page->header && strstr(page->header, "Content-Type")
			? ""
			: "Content-Type: text/html; charset=utf-8\r\n",
		page->header ? page->header : "", body);
	(void)fd_write_all(fd, text, strlen(text), &err); /* a browser may leave early */
	free(text);
	free(body);
	close(fd);
}

static void *
serve(void *arg)
{
	struct site *site = arg;
	int fd;

	while ((fd = accept4(site->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
		answer(site, fd);
	return NULL;
}

void
site_start(struct site *site, const struct site_page *pages)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t len = sizeof address;

	*site = (struct site) { .pages = pages };
	site->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(site->listener, (struct sockaddr *)&address, len) < 0 ||
		listen(site->listener, 64) < 0 ||
		getsockname(site->listener, (struct sockaddr *)&address, &len) < 0)
		abort();
	site->port = ntohs(address.sin_port); /* before the thread that reads it */
	if (pthread_create(&site->thread, NULL, serve, site) != 0)
		abort();
}

void
site_stop(struct site *site)
{
	shutdown(site->listener, SHUT_RDWR);
	pthread_join(site->thread, NULL);
	close(site->listener);
	for (unsigned i = 0; i < site->n_held; i++)
		close(site->held[i]);
}
