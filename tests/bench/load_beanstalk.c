/* SPDX-License-Identifier: Apache-2.0 */
/* Clients of beanstalkd: put; and for whole lives reserve and delete. */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A line; RESERVED is followed by the body that it announces. */
static size_t
reply_frame(const char *in, size_t len)
{
	const char *end = memmem(in, len, "\r\n", 2);
	char line[80];
	unsigned long id, bytes;
	size_t line_len;

	if (!end)
		return len > 4096 ? LOAD_BROKEN : 0;
	line_len = (size_t)(end - in) + 2;
	if (strncmp(in, "RESERVED ", 9) != 0)
		return line_len;
	if (line_len >= sizeof line)
		return LOAD_BROKEN;
	memcpy(line, in, line_len);
	line[line_len] = '\0';
	if (sscanf(line, "RESERVED %lu %lu", &id, &bytes) != 2)
		return LOAD_BROKEN;
	return len < line_len + bytes + 2 ? 0 : line_len + bytes + 2;
}

static void
put(struct load *load, struct load_conn *conn)
{
	static char *request;
	static size_t len;

	if (!request) {
		int body = load->options->body_bytes;

		request = malloc((size_t)body + 80);
		len = (size_t)snprintf(request, 80, "put 1000 0 120 %d\r\n", body);
		memset(request + len, 'x', (size_t)body);
		len += (size_t)body;
		memcpy(request + len, "\r\n", 2);
		len += 2;
	}
	load->submitted++;
	load_send(load, conn, request, len);
}

static void
put_next(struct load *load, struct load_conn *conn)
{
	const struct load_options *options = load->options;

	if (load->stopping)
		return;
	if (options->count && load->submitted >= options->count)
		return;
	if (options->pollers > 0 && !options->keep_backlog &&
		load->submitted - load->completed >= options->ahead)
		load_park(load, conn);
	else
		put(load, conn);
}

static void
put_replied(struct load *load, struct load_conn *conn, const char *in, size_t len)
{
	if (strncmp(in, "INSERTED ", 9) != 0)
		load_error(load, "put", in, len);
	else if (load->options->pollers == 0) {
		load_count(load, conn, 1);
		if (load->options->count && ++load->completed >= load->options->count)
			load->done = true;
	}
	put_next(load, conn);
}

static void
reserve_replied(struct load *load, struct load_conn *conn, const char *in, size_t len)
{
	char request[80];

	if (conn->holds) {
		struct load_conn *waiting;

		if (strncmp(in, "DELETED", 7) != 0)
			load_error(load, "delete", in, len);
		conn->holds = false;
		load->completed++;
		load_count(load, conn, 1);
		load_send(load, conn, "reserve\r\n", 9);
		waiting = load_unpark(load);
		if (waiting)
			put_next(load, waiting);
		return;
	}
	if (strncmp(in, "RESERVED ", 9) != 0) {
		load_error(load, "reserve", in, len);
		return;
	}
	conn->holds = true;
	load_send(load, conn, request,
		(size_t)snprintf(request, sizeof request, "delete %" PRId64 "\r\n",
			load_digits(in + 9)));
}

static const struct load_role put_role = { "put", reply_frame, put_replied };
static const struct load_role reserve_role = { "reserve", reply_frame, reserve_replied };

void
load_beanstalk_start(struct load *load)
{
	int clients = load->options->clients, pollers = load->options->pollers;

	load_connect(load, 0, clients, &put_role);
	load_connect(load, clients, pollers, &reserve_role);
	for (int i = 0; i < pollers; i++)
		load_send(load, &load->conns[clients + i], "reserve\r\n", 9);
	for (int i = 0; i < clients; i++)
		put_next(load, &load->conns[i]);
}
