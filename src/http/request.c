/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: their memory, and what their first line and headers say. */
#include <arpa/inet.h>
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/parse.h"
#include "http/server_impl.h"

enum {
	FREE_REQUESTS_MAX = 256,
};

struct http_request *
request_new(struct http_server *server)
{
	struct http_request *req;
	struct list_node *node = list_pop_front(&server->free_requests);

	if (node) {
		req = list_entry(node, struct http_request, node);
		server->n_free--;
	} else {
		req = xcalloc(1, sizeof *req);
		arena_init(&req->arena, ARENA_REQUEST_BYTES_MAX);
	}
	req->server = server;
	req->began_ns = clock_mono_ns();
	server->stats.requests_open++;
	server->stats.requests_total++;
	return req;
}

struct http_request *
request_free(struct http_request *req)
{
	arena_deinit(&req->arena);
	buf_deinit(&req->body);
	buf_deinit(&req->part);
	free(req);
	return NULL;
}

/* Keeps the arena's first chunk and a small body buffer for the next request. */
void
request_release(struct http_request *req)
{
	struct http_server *server = req->server;

	assert(!req->working);
	server->stats.requests_open--;
	if (server->n_free >= FREE_REQUESTS_MAX) {
		(void)request_free(req);
		return;
	}
	arena_reset(&req->arena);
	buf_deinit(&req->part);
	if (req->body.cap > 64 * 1024)
		buf_deinit(&req->body);
	buf_clear(&req->body);

	struct arena arena = req->arena;
	struct buf body = req->body;

	*req = (struct http_request) { .arena = arena, .body = body };
	list_push_front(&server->free_requests, &req->node);
	server->n_free++;
}

char *
http_percent_decode(struct arena *arena, struct str text, bool plus_is_space)
{
	char *out = arena_alloc(arena, text.n + 1);
	size_t n = 0;

	if (!out)
		return NULL;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.p[i];
		size_t len;

		if (c == '+' && plus_is_space) {
			c = ' ';
		} else if (c == '%') {
			if (text.n - i < 3 ||
				hex_decode(str_from(text.p + i + 1, 2), &c, 1, &len) < 0)
				return NULL;
			i += 2;
		}
		if (c == '\0')
			return NULL;
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return utf8_valid(out, n) ? out : NULL;
}

static size_t
count_params(struct str query)
{
	size_t n = query.n > 0;

	for (size_t i = 0; i < query.n; i++)
		n += query.p[i] == '&';
	return n;
}

static int
parse_query(struct http_request *req, struct str query, struct err *err)
{
	size_t n = count_params(query);

	if (n > QUERY_PARAMS_MAX)
		return err_set(
			err, ERR_LIMIT, "more than %d query parameters", QUERY_PARAMS_MAX);
	req->query = arena_xalloc(&req->arena, (n + 1) * sizeof *req->query);
	while (query.p) {
		struct str value = str_split_first(&query, '&');

		if (value.n == 0)
			continue;
		struct str name = str_split_first(&value, '=');
		struct http_param *param = &req->query[req->n_query];

		param->name = http_percent_decode(&req->arena, name, true);
		param->value = http_percent_decode(&req->arena, value, true);
		if (!param->name || !param->value)
			return err_set(err, ERR_INVALID,
				"the query string is not percent-encoded UTF-8");
		req->n_query++;
	}
	return 0;
}

/* Whether a Host header names this machine itself, with any port (tunnels change it). */
static bool
host_is_local(const char *host)
{
	struct str name = str_of(host);
	struct in_addr v4;
	char text[64];

	if (name.n == 0 || name.n >= sizeof text)
		return false;
	if (name.p[0] == '[')
		return str_starts(name, STR("[::1]")) && (name.n == 5 || name.p[5] == ':');
	name = str_split_first(&name, ':');
	if (str_eq_nocase(name, STR("localhost")))
		return true;
	memcpy(text, name.p, name.n);
	text[name.n] = '\0';
	return inet_pton(AF_INET, text, &v4) == 1 && (ntohl(v4.s_addr) >> 24) == 127;
}

struct header_sum {
	size_t bytes, n;
	size_t hosts, lengths, encodings;
	bool unknown_encoding;
};

static enum MHD_Result
sum_header(void *cls, enum MHD_ValueKind kind, const char *key, const char *value)
{
	struct header_sum *sum = cls;

	(void)kind;
	sum->n++;
	sum->bytes += strlen(key) + (value ? strlen(value) : 0) + 4;
	sum->hosts += strcasecmp(key, "Host") == 0;
	sum->lengths += strcasecmp(key, "Content-Length") == 0;
	if (strcasecmp(key, "Transfer-Encoding") == 0) {
		sum->encodings++;
		sum->unknown_encoding |= !value || strcasecmp(value, "chunked") != 0;
	}
	return MHD_YES;
}

/*
 * Whether everybody on the way agrees where the request ends and whom it is for (RFC 9112, 3.2
 * and 6.3). The library takes the first of several and waits for the end of an encoding that
 * it does not know.
 */
static bool
is_ambiguous(const struct header_sum *sum)
{
	return sum->hosts > 1 || sum->lengths + sum->encodings > 1 || sum->unknown_encoding;
}

void
request_setup(struct http_request *req)
{
	struct str query = str_of(req->uri);
	struct header_sum sum = { 0 };

	req->setup_status = 400;
	req->path = str_split_first(&query, '?');
	if (strlen(req->uri) > URL_BYTES_MAX) {
		req->setup_status = 414;
		(void)err_set(&req->setup_err, ERR_LIMIT, "the URL is longer than %lld bytes",
			(long long)URL_BYTES_MAX);
		return;
	}
	(void)MHD_get_connection_values(req->connection, MHD_HEADER_KIND, sum_header, &sum);
	if (sum.bytes > HEADERS_BYTES_MAX || sum.n > HEADERS_MAX) {
		req->setup_status = 431;
		(void)err_set(&req->setup_err, ERR_LIMIT,
			"more than %lld bytes or %d fields of headers",
			(long long)HEADERS_BYTES_MAX, HEADERS_MAX);
		return;
	}
	if (is_ambiguous(&sum)) {
		req->ambiguous = true;
		(void)err_set(&req->setup_err, ERR_INVALID,
			"Host, Content-Length and Transfer-Encoding leave open what the request is");
		return;
	}
	const char *host = http_header_get(req, "Host");
	if (req->server->options.local_only && (!host || !host_is_local(host))) {
		req->setup_status = 421;
		(void)err_set(&req->setup_err, ERR_DENIED,
			"the Host header does not name this machine; only loopback names are served");
		return;
	}
	if (query.p)
		(void)(parse_query(req, query, &req->setup_err) < 0);
}

enum http_method
request_method(const char *name, bool *ret_is_head)
{
	static const char *const names[HTTP_METHOD_COUNT] = { "GET", "POST", "PUT", "DELETE",
		"PATCH" };

	*ret_is_head = strcmp(name, "HEAD") == 0;
	if (*ret_is_head)
		return HTTP_GET;
	for (int i = 0; i < HTTP_METHOD_COUNT; i++)
		if (strcmp(name, names[i]) == 0)
			return (enum http_method)i;
	return HTTP_METHOD_COUNT;
}

const char *
http_header_get(const struct http_request *req, const char *name)
{
	return MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, name);
}

void
http_header_add(struct http_request *req, const char *name, const char *value)
{
	struct http_header *header = arena_xalloc(&req->arena, sizeof *header);

	header->name = name;
	header->value = arena_strdup(&req->arena, value);
	header->next = req->headers;
	req->headers = header;
}

void
request_refuse(struct http_request *req, unsigned status, const struct err *why)
{
	req->server->app.refuse(req, status, why, req->server->app.arg);
}
