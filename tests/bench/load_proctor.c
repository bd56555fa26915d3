/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clients of Proctor over HTTP: submitters (one job or a bulk a request) and workers of one
 * connection each that speak docs/protocol/worker.md: a poll carries the result of the run
 * before and is parked until there is another one.
 */
#include "load.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum { HEADERS_MAX = 16 * 1024, EVENT_BYTES_MAX = 128 * 1024, PARK_MS = 10000 };

/* --- HTTP --- */

/* Whole answer with a Content-Length, or without a body. */
static size_t
http_frame(const char *in, size_t len)
{
	const char *end = memmem(in, len, "\r\n\r\n", 4);
	size_t head_len, body_len = 0;

	if (len >= 5 && memcmp(in, "HTTP/", 5) != 0)
		return LOAD_BROKEN;
	if (!end)
		return len > HEADERS_MAX ? LOAD_BROKEN : 0;
	head_len = (size_t)(end - in) + 4;
	for (const char *line = in; line < end; line++) {
		line = memchr(line, '\n', (size_t)(end - line));
		if (!line)
			break;
		if (strncasecmp(line + 1, "content-length:", 15) == 0)
			body_len = (size_t)load_digits(line + 16 + strspn(line + 16, " "));
		if (strncasecmp(line + 1, "transfer-encoding:", 18) == 0)
			return LOAD_BROKEN;
	}
	return len < head_len + body_len ? 0 : head_len + body_len;
}

static int
http_status(const char *in)
{
	return (int)load_digits(in + 9);
}

/* A POST of a JSON body that the caller's format makes. */
static size_t
http_post(const struct load *load, char *out, size_t out_max, const char *path,
	const char *body, size_t body_len)
{
	int n = snprintf(out, out_max,
		"POST %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nAuthorization: Bearer %s\r\n"
		"Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		path, load->options->port, load->options->token, body_len);

	if (n < 0 || (size_t)n + body_len > out_max)
		abort();
	memcpy(out + n, body, body_len);
	return (size_t)n + body_len;
}

/* Finds "key" at or after `in` and its value; copies a text without its quotes. */
static const char *
member_text(const char *in, const char *end, const char *key, char *ret, size_t ret_max)
{
	char quoted[40];
	int n = snprintf(quoted, sizeof quoted, "\"%s\"", key);
	const char *at = memmem(in, (size_t)(end - in), quoted, (size_t)n);
	size_t len = 0;

	if (!at)
		return NULL;
	at += n;
	while (at < end && (*at == ' ' || *at == ':' || *at == '"'))
		at++;
	while (at + len < end && len + 1 < ret_max && !strchr("\",}] ", at[len]))
		len++;
	memcpy(ret, at, len);
	ret[len] = '\0';
	return at + len;
}

/* --- Submitting --- */

static char *submit_request;
static size_t submit_len;

static void
submit_make(const struct load *load)
{
	const struct load_options *options = load->options;
	size_t job_max = (size_t)options->body_bytes + 200;
	size_t max = job_max * (size_t)options->bulk + 1024, len = 0;
	char *body = malloc(max);
	char *padding = calloc(1, (size_t)options->body_bytes + 1);

	if (!body || !padding)
		abort();
	memset(padding, 'x', (size_t)options->body_bytes);
	if (options->bulk > 1)
		len += (size_t)snprintf(body + len, max - len, "{\"jobs\":[");
	for (int i = 0; i < options->bulk; i++)
		len += (size_t)snprintf(body + len, max - len,
			"%s{\"name\":\"bench\",\"tests\":[{\"name\":\"bench\",\"kind\":\"command\","
			"\"argv\":[\"true\",\"%s\"]}]}",
			i ? "," : "", padding);
	if (options->bulk > 1)
		len += (size_t)snprintf(body + len, max - len, "]}");
	submit_request = malloc(len + 1024);
	if (!submit_request)
		abort();
	submit_len = http_post(load, submit_request, len + 1024,
		options->bulk > 1 ? "/api/v1/jobs:bulk" : "/api/v1/jobs", body, len);
	free(padding);
	free(body);
}

static void
submit_next(struct load *load, struct load_conn *conn)
{
	const struct load_options *options = load->options;

	if (load->stopping || (options->count && load->submitted >= options->count))
		return;
	if (options->pollers > 0 && !options->keep_backlog &&
		load->submitted - load->completed >= options->ahead) {
		load_park(load, conn);
		return;
	}
	load->submitted += options->bulk;
	load_send(load, conn, submit_request, submit_len);
}

static void
submit_replied(struct load *load, struct load_conn *conn, const char *in, size_t len)
{
	int status = http_status(in);

	if (status < 200 || status > 299)
		load_error(load, "submit", in, len);
	else if (load->options->pollers == 0) {
		load_count(load, conn, load->options->bulk);
		load->completed += load->options->bulk;
		if (load->options->count && load->completed >= load->options->count)
			load->done = true;
	}
	submit_next(load, conn);
}

static const struct load_role submit_role = { "submit", http_frame, submit_replied };

/* --- Working --- */

/* A version 7 UUID; the time in it is of no interest here. */
static void
worker_name(char *out)
{
	uint8_t b[16];

	if (getrandom(b, sizeof b, 0) != sizeof b)
		abort();
	b[6] = (uint8_t)(0x70 | (b[6] & 0x0f));
	b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
	snprintf(out, 37,
		"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", b[0],
		b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12],
		b[13], b[14], b[15]);
}

/* The result of the run that the worker holds, if any, and (claim) the wish for another one. */
static void
poll_send(struct load *load, struct load_conn *conn, bool claim)
{
	char result[300] = "", body[1024], request[2048];
	int n;

	if (conn->holds)
		snprintf(result, sizeof result,
			"{\"run\":\"%s\",\"fence\":%" PRId64
			",\"outcome\":\"passed\",\"durationMs\":1}",
			conn->held, conn->fence);
	n = snprintf(body, sizeof body,
		"{\"worker\":\"%s\",\"name\":\"bench\",\"version\":\"0\",\"kinds\":[\"command\"],"
		"\"labels\":{},\"capacity\":1,\"claim\":%s,\"waitMs\":%d,\"holds\":[],"
		"\"results\":[%s],\"events\":[]}",
		conn->worker, claim ? "true" : "false", PARK_MS, result);
	conn->finishing = conn->holds;
	conn->holds = false;
	load_send(load, conn, request,
		http_post(load, request, sizeof request, "/api/v1/workers/poll", body,
			(size_t)n));
}

/* Takes the lease out of an answer: at most one, the worker has one connection. */
static void
poll_take_lease(struct load *load, struct load_conn *conn, const char *in, size_t len)
{
	const char *end = in + len;
	const char *at = memmem(in, len, "\"leases\"", 8);
	char fence[24];

	if (!at) {
		load_error(load, "poll without leases", in, len);
		return;
	}
	at += 8;
	while (at < end && *at != '[')
		at++;
	while (at + 1 < end && at[1] == ' ')
		at++;
	if (at + 1 >= end || at[1] == ']')
		return;
	if (!member_text(at, end, "run", conn->held, sizeof conn->held) ||
		!member_text(at, end, "fence", fence, sizeof fence)) {
		load_error(load, "lease", in, len);
		return;
	}
	conn->fence = load_digits(fence);
	conn->holds = true;
}

static void
poll_replied(struct load *load, struct load_conn *conn, const char *in, size_t len)
{
	if (http_status(in) != 200) {
		load_error(load, "poll", in, len);
		load->done = true;
		return;
	}
	if (conn->finishing) {
		struct load_conn *waiting;

		load->completed++;
		load_count(load, conn, 1);
		waiting = load_unpark(load);
		if (waiting)
			submit_next(load, waiting);
	}
	poll_take_lease(load, conn, in, len);
	poll_send(load, conn, true);
}

static const struct load_role poll_role = { "poll", http_frame, poll_replied };

/* --- Latency of dispatch: one parked poll, one job now and then --- */

static uint64_t latency_sent_ns;

static void
latency_submit(struct load *load)
{
	latency_sent_ns = load_now_ns();
	load->submitted++;
	load_send(load, &load->conns[0], submit_request, submit_len);
}

static void
latency_submitted(struct load *load, struct load_conn *conn, const char *in, size_t len)
{
	int status = http_status(in);

	(void)conn;
	if (status < 200 || status > 299)
		load_error(load, "submit", in, len);
}

static void
latency_polled(struct load *load, struct load_conn *conn, const char *in, size_t len)
{
	if (http_status(in) != 200) {
		load_error(load, "poll", in, len);
		return;
	}
	poll_take_lease(load, conn, in, len);
	if (conn->holds) {
		load_sample(load, load_now_ns() - latency_sent_ns);
		load->counted++;
		/* Its result goes at once; the next job when the poll is parked again. */
		load->timer_ns = load_now_ns() + (uint64_t)load->options->gap_ms * 1000000;
	}
	if (conn->finishing)
		load->completed++;
	if (load->options->count && load->completed >= load->options->count)
		load->done = true;
	else
		poll_send(load, conn, true);
}

static const struct load_role latency_submit_role = { "submit", http_frame, latency_submitted };
static const struct load_role latency_poll_role = { "poll", http_frame, latency_polled };

static void
latency_start(struct load *load)
{
	load_connect(load, 0, 1, &latency_submit_role);
	load_connect(load, 1, 1, &latency_poll_role);
	worker_name(load->conns[1].worker);
	poll_send(load, &load->conns[1], true);
	load->on_timer = latency_submit;
	load->timer_ns = load_now_ns() + 100000000;
}

/* --- Event streams: many readers of the project's stream, one job now and then --- */

static int stream_waiting; /* readers that have not seen the event under way */

/* Whole events only; what HTTP puts between them (headers, chunk sizes) goes along. */
static size_t
stream_frame(const char *in, size_t len)
{
	const char *end = memmem(in, len, "\n\n", 2);

	if (!end && len > EVENT_BYTES_MAX)
		return LOAD_BROKEN;
	return end ? (size_t)(end - in) + 2 : 0;
}

static void
stream_read(struct load *load, struct load_conn *conn, const char *in, size_t len)
{
	(void)conn;
	if (!memmem(in, len, "event: job.queued", 17))
		return;
	load_sample(load, load_now_ns() - latency_sent_ns);
	load->counted++;
	if (--stream_waiting > 0)
		return;
	/* The first one only shows that everybody is connected. */
	if (load->completed++ == 0) {
		load->n_samples = 0;
		load->counted = 0;
		printf("ready\n");
		fflush(stdout);
	}
	if (load->completed > load->options->count)
		load->done = true;
	else
		load->timer_ns = load_now_ns() + (uint64_t)load->options->gap_ms * 1000000;
}

static void
stream_submit(struct load *load)
{
	stream_waiting = load->options->clients;
	latency_submit(load);
}

static const struct load_role stream_role = { "stream", stream_frame, stream_read };

static void
stream_start(struct load *load)
{
	int readers = load->options->clients;
	char request[1024];
	int n = snprintf(request, sizeof request,
		"GET /api/v1/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
		"Authorization: Bearer %s\r\nAccept: text/event-stream\r\n\r\n",
		load->options->port, load->options->token);

	load_connect(load, 0, 1, &latency_submit_role);
	load_connect(load, 1, readers, &stream_role);
	for (int i = 1; i <= readers; i++)
		load_send(load, &load->conns[i], request, (size_t)n);
	/* Time for all of them to become live. */
	load->on_timer = stream_submit;
	load->timer_ns = load_now_ns() + 2000000000;
}

void
load_proctor_start(struct load *load)
{
	int clients = load->options->clients, pollers = load->options->pollers;

	submit_make(load);
	if (strcmp(load->options->mode, "latency") == 0) {
		latency_start(load);
		return;
	}
	if (strcmp(load->options->mode, "streams") == 0) {
		stream_start(load);
		return;
	}
	load_connect(load, 0, clients, &submit_role);
	load_connect(load, clients, pollers, &poll_role);
	for (int i = clients; i < clients + pollers; i++) {
		worker_name(load->conns[i].worker);
		poll_send(load, &load->conns[i], true);
	}
	for (int i = 0; i < clients; i++)
		submit_next(load, &load->conns[i]);
}
