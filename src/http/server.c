/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmicrohttpd's external epoll mode inside a uv_poll.
 *
 * At each wake-up the daemon is run until MHD_get_timeout no longer answers 0, a bounded number
 * of times: a resumed connection needs a second round, and without it would wait for the next
 * timer. Replies given inside the daemon's own callbacks are queued on return; others resume
 * the connection and the daemon is run once at the end of the loop's turn for all of them.
 *
 * A waiting request's socket is not in the daemon's epoll set, so a second epoll set watches it
 * for the peer's leaving.
 */
#include "http/server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"

enum {
	RUNS_PER_WAKE_MAX = 16,
	/*
	 * Holds our own limits of URL and headers, so that we, not the library, refuse them.
	 * More than 32 KiB, so that the library maps it: what is not touched costs nothing, and
	 * it goes back to the system with the connection.
	 */
	CONNECTION_MEMORY_BYTES = 36 * 1024,
	PART_BYTES = 256 * 1024, /* of a streamed body, for each trip to the pool */
	/* A refused body up to this is read to its end, so that the client sees the refusal. */
	DISCARD_BYTES_MAX = 32 * 1024 * 1024,
	FREE_REQUESTS_MAX = 256,
	LISTEN_BACKLOG = 1024,
	WATCH_EVENTS = 64,
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

/* --- Requests --- */

static struct http_request *
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

static void
request_destroy(struct http_request *req)
{
	arena_deinit(&req->arena);
	buf_deinit(&req->body);
	buf_deinit(&req->part);
	free(req);
}

/* Keeps the arena's first chunk and a small body buffer for the next request. */
static void
request_release(struct http_request *req)
{
	struct http_server *server = req->server;

	assert(!req->working);
	server->stats.requests_open--;
	if (server->n_free >= FREE_REQUESTS_MAX) {
		request_destroy(req);
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

/* Sets setup_err for a request line or headers that no application should see. */
static void
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

static enum http_method
method_of(const char *name, bool *ret_is_head)
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

/* --- Waiting and answering --- */

static int
connection_fd(const struct http_request *req)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

static struct http_peer *
peer_of(const struct http_request *req)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

static void
unwatch_peer(struct http_request *req)
{
	if (!req->watched)
		return;
	req->watched = false;
	(void)epoll_ctl(req->server->watch_fd, EPOLL_CTL_DEL, connection_fd(req), NULL);
}

void
http_watch_peer(struct http_request *req)
{
	struct epoll_event event = { .events = EPOLLRDHUP | EPOLLONESHOT, .data.ptr = req };

	if (req->watched || http_is_answered(req))
		return;
	if (epoll_ctl(req->server->watch_fd, EPOLL_CTL_ADD, connection_fd(req), &event) == 0)
		req->watched = true;
}

static void
request_suspend(struct http_request *req)
{
	assert(!req->suspended);
	req->suspended = true;
	MHD_suspend_connection(req->connection);
}

static void
request_resume(struct http_request *req)
{
	if (!req->suspended)
		return;
	unwatch_peer(req);
	req->suspended = false;
	MHD_resume_connection(req->connection);
	req->server->kick_due = true;
}

bool
http_is_answered(const struct http_request *req)
{
	return req->response || req->take_socket;
}

static void
give_response(struct http_request *req, unsigned status, const char *type,
	struct MHD_Response *response)
{
	assert(!http_is_answered(req));
	if (!response)
		abort(); /* only out of memory */
	if (type)
		(void)MHD_add_response_header(response, "Content-Type", type);
	for (struct http_header *header = req->headers; header; header = header->next)
		(void)MHD_add_response_header(response, header->name, header->value);
	req->response = response;
	req->status = status;
	request_resume(req);
}

void
http_reply_buf(struct http_request *req, unsigned status, const char *type, struct buf *body)
{
	size_t len = body->len;

	give_response(req, status, type,
		MHD_create_response_from_buffer(len, buf_steal(body), MHD_RESPMEM_MUST_FREE));
}

void
http_reply_str(struct http_request *req, unsigned status, const char *type, struct str body)
{
	/* The library copies; its parameter lacks the const. */
	union {
		const char *in;
		void *out;
	} bytes = { .in = body.n > 0 ? body.p : "" };

	give_response(req, status, type,
		MHD_create_response_from_buffer(body.n, bytes.out, MHD_RESPMEM_MUST_COPY));
}

void
http_reply_static(struct http_request *req, unsigned status, const char *type, struct str body)
{
	union {
		const char *in;
		void *out;
	} bytes = { .in = body.n > 0 ? body.p : "" };

	give_response(req, status, type,
		MHD_create_response_from_buffer(body.n, bytes.out, MHD_RESPMEM_PERSISTENT));
}

void
http_reply_fd(struct http_request *req, unsigned status, const char *type, int fd,
	uint64_t offset, uint64_t size)
{
	give_response(
		req, status, type, MHD_create_response_from_fd_at_offset64(size, fd, offset));
}

int
http_take_socket(struct http_request *req, struct err *err)
{
	assert(!http_is_answered(req));

	int fd = fcntl(connection_fd(req), F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "no descriptor for a stream");
	req->take_socket = true;
	request_resume(req);
	return fd;
}

/* --- The body --- */

static void
refuse(struct http_request *req, unsigned status, const struct err *why)
{
	req->server->app.refuse(req, status, why, req->server->app.arg);
}

static void
refuse_body(struct http_request *req, uint64_t max)
{
	struct err why;

	if (http_is_answered(req))
		return;
	if (max == 0)
		(void)err_set(&why, ERR_LIMIT, "this request takes no body");
	else
		(void)err_set(&why, ERR_LIMIT, "the body is longer than %llu bytes",
			(unsigned long long)max);
	refuse(req, 413, &why);
}

static void
part_work(uv_work_t *work)
{
	struct http_request *req = container_of(work, struct http_request, work);

	if (req->sink.write(req->sink.arg, req->part.data, req->part.len, &req->sink_err) < 0 &&
		req->sink_err.code == 0)
		req->sink_err.code = ERR_INTERNAL;
}

static void
part_done(uv_work_t *work, int status)
{
	struct http_request *req = container_of(work, struct http_request, work);

	(void)status; /* never cancelled */
	req->working = false;
	buf_clear(&req->part);
	request_resume(req);
}

/* Gives what has gathered to the sink; the connection rests meanwhile. */
static void
part_flush(struct http_request *req)
{
	req->working = true;
	request_suspend(req);
	if (uv_queue_work(req->server->loop, &req->work, part_work, part_done) != 0)
		abort(); /* only for a missing callback */
}

static void
take_part(struct http_request *req, const char *data, size_t len)
{
	if (http_is_answered(req) || req->sink_err.code != 0)
		return;
	if (req->body_bytes > req->sink.bytes_max) {
		refuse_body(req, req->sink.bytes_max);
		return;
	}
	if (!req->part.data)
		req->part = (struct buf)BUF_INIT(PART_BYTES + CONNECTION_MEMORY_BYTES);
	if (buf_add(&req->part, data, len) < 0)
		abort(); /* one read is smaller than the room above PART_BYTES */
	if (req->part.len >= PART_BYTES)
		part_flush(req);
}

static void
take_upload(struct http_request *req, const char *data, size_t len)
{
	req->body_bytes += len;
	if (req->sink.write) {
		take_part(req, data, len);
		return;
	}
	if (http_is_answered(req))
		return;
	req->body.max = req->body_max;
	if (buf_add(&req->body, data, len) < 0)
		refuse_body(req, req->body_max);
}

/* --- The daemon's callbacks --- */

static void
peer_rest(struct http_server *server, struct http_peer *peer)
{
	peer->since_mono_ms = clock_mono_ms();
	list_remove(&peer->node);
	list_push_back(&server->peers, &peer->node);
}

static void on_arrival_timer(uv_timer_t *timer);

static void
arm_arrival(struct http_server *server)
{
	if (server->options.arrival_ms == 0 || list_empty(&server->peers) || server->stopping ||
		uv_is_active((uv_handle_t *)&server->arrival_timer))
		return;
	struct http_peer *first = list_entry(server->peers.next, struct http_peer, node);
	int64_t due = first->since_mono_ms + server->options.arrival_ms - clock_mono_ms();

	(void)uv_timer_start(
		&server->arrival_timer, on_arrival_timer, due > 0 ? (uint64_t)due + 1 : 1, 0);
}

/* Ends the connections whose request has been arriving for too long. */
static void
on_arrival_timer(uv_timer_t *timer)
{
	struct http_server *server = container_of(timer, struct http_server, arrival_timer);
	int64_t limit = clock_mono_ms() - server->options.arrival_ms;

	LIST_FOR_EACH_SAFE(node, &server->peers) {
		struct http_peer *peer = list_entry(node, struct http_peer, node);

		if (peer->since_mono_ms > limit)
			break;
		list_remove(&peer->node);
		(void)shutdown(peer->fd, SHUT_RDWR); /* the daemon sees the end and closes */
		server->stats.slow_closed++;
	}
	arm_arrival(server);
}

static void
on_connection(void *cls, struct MHD_Connection *connection, void **socket_context,
	enum MHD_ConnectionNotificationCode code)
{
	struct http_server *server = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		struct http_peer *peer = xcalloc(1, sizeof *peer);
		const union MHD_ConnectionInfo *info =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);

		peer->fd = info->connect_fd;
		*socket_context = peer;
		peer_rest(server, peer);
		arm_arrival(server);
		server->stats.connections++;
		server->stats.connections_total++;
	} else {
		struct http_peer *peer = *socket_context;

		list_remove(&peer->node);
		free(peer);
		*socket_context = NULL;
		server->stats.connections--;
		server->closed_one = true;
	}
}

/* The library would decode in place; we need the text as it was sent. */
static size_t
no_unescape(void *cls, struct MHD_Connection *connection, char *text)
{
	(void)cls;
	(void)connection;
	return strlen(text);
}

/*
 * Hides the query from the library: it would keep a node for each parameter in the connection's
 * memory, and a connection that has no room for them is forgotten, neither answered nor closed.
 * The text is the library's own request line, which it is about to cut there itself.
 */
static void
hide_query(const char *uri)
{
	union {
		const char *in;
		char *out;
	} text = { .in = uri };
	char *query = strchr(text.out, '?');

	if (query)
		query[0] = query[1] = '\0';
}

static void *
on_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct http_server *server = cls;
	struct http_request *req = request_new(server);

	req->connection = connection;
	req->uri = arena_strdup(&req->arena, uri);
	hide_query(uri);
	return req;
}

static enum MHD_Result
queue_response(struct http_request *req)
{
	enum MHD_Result result;

	if (req->server->handing_over && req->response && !req->ambiguous)
		(void)MHD_add_response_header(req->response, "Connection", "close");
	if (req->take_socket)
		return MHD_NO; /* the daemon closes its descriptor, ours stays */
	result = MHD_queue_response(req->connection, req->status, req->response);
	MHD_destroy_response(TAKE(req->response));
	return result;
}

/* The first call for a request: headers are complete, nothing of the body was read. */
static enum MHD_Result
on_head(struct http_request *req, const char *method)
{
	struct http_app *app = &req->server->app;
	const char *length = http_header_get(req, "Content-Length");
	int64_t n_body = 0;
	struct err ignored;

	struct http_peer *from = peer_of(req);

	if (from)
		from->was_heard = true;
	if (req->server->holding)
		return MHD_NO;
	req->head_called = true;
	req->method_name = method;
	req->method = method_of(method, &req->is_head);
	request_setup(req);
	if (req->ambiguous)
		http_header_add(req, "Connection", "close");
	if (req->setup_err.code != 0)
		refuse(req, req->setup_status, &req->setup_err);
	else
		app->head(req, app->arg);
	if (length && parse_i64(str_of(length), 0, INT64_MAX, &n_body, &ignored) < 0)
		n_body = INT64_MAX;
	uint64_t max = req->sink.write ? req->sink.bytes_max : req->body_max;

	if ((uint64_t)n_body > max)
		refuse_body(req, max);
	if (req->sink.write) {
		struct http_peer *peer = peer_of(req);
		assert(peer); /* made with the connection, which still asks */
		/* Large uploads may take their time; the idle limit watches them. */
		list_remove(&peer->node);
	}
	if (http_is_answered(req) &&
		(req->take_socket || req->ambiguous || n_body > DISCARD_BYTES_MAX))
		return queue_response(req);
	return MHD_YES;
}

static enum MHD_Result
on_whole(struct http_request *req)
{
	struct http_app *app = &req->server->app;
	struct http_peer *peer = peer_of(req);

	if (!http_is_answered(req) && req->part.len > 0) {
		part_flush(req);
		return MHD_YES;
	}
	if (!req->body_called) {
		req->body_called = true;
		if (peer)
			list_remove(&peer->node);
		if (!http_is_answered(req))
			app->body(req, app->arg);
	}
	if (http_is_answered(req))
		return queue_response(req);
	request_suspend(req);
	return MHD_YES;
}

static enum MHD_Result
on_access(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
	const char *version, const char *upload, size_t *upload_size, void **con_cls)
{
	struct http_request *req = *con_cls;

	(void)cls;
	(void)connection;
	(void)url;
	(void)version;
	if (!req->head_called)
		return on_head(req, method);
	if (*upload_size > 0) {
		if (req->body_bytes > DISCARD_BYTES_MAX && http_is_answered(req))
			return MHD_NO;
		take_upload(req, upload, *upload_size);
		*upload_size = 0;
		return MHD_YES;
	}
	return on_whole(req);
}

static void
on_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
	enum MHD_RequestTerminationCode code)
{
	struct http_server *server = cls;
	struct http_request *req = *con_cls;

	(void)connection;
	(void)code;
	if (!req)
		return;
	*con_cls = NULL;
	struct http_peer *peer = peer_of(req);

	if (req->response)
		MHD_destroy_response(TAKE(req->response));
	if (req->head_called)
		server->app.done(req, server->app.arg);
	if (peer)
		peer_rest(server, peer);
	request_release(req);
}

static void PRINTF_LIKE(2, 0) on_daemon_log(void *cls, const char *fmt, va_list ap)
{
	char text[300];

	(void)cls;
	if (!log_enabled(LOG_LEVEL_DEBUG))
		return;
	(void)vsnprintf(text, sizeof text, fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http.library", NULL, "%s", text);
}

/* --- The loop --- */

static void on_timer(uv_timer_t *timer);

static void
run_daemon(struct http_server *server)
{
	MHD_UNSIGNED_LONG_LONG timeout_ms;
	bool has_timeout = false;

	if (server->running || !server->daemon)
		return;
	server->running = true;
	server->kick_due = false;
	for (int i = 0; i < RUNS_PER_WAKE_MAX; i++) {
		/*
		 * A daemon that had no room for further connections listens again only in the
		 * run after one was closed, and nothing else would wake it for that.
		 */
		server->closed_one = false;
		(void)MHD_run(server->daemon);
		has_timeout = MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES;
		if (server->closed_one) {
			has_timeout = true;
			timeout_ms = 0;
		}
		if (!has_timeout || timeout_ms > 0)
			break;
	}
	server->running = false;
	if (!has_timeout)
		(void)uv_timer_stop(&server->timer);
	else
		(void)uv_timer_start(
			&server->timer, on_timer, timeout_ms < 1 ? 1 : (uint64_t)timeout_ms, 0);
}

static void
on_timer(uv_timer_t *timer)
{
	run_daemon(container_of(timer, struct http_server, timer));
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	(void)status;
	(void)events;
	run_daemon(container_of(poll, struct http_server, poll));
}

static void
on_check(uv_check_t *check)
{
	struct http_server *server = container_of(check, struct http_server, kick);

	if (server->kick_due)
		run_daemon(server);
}

/* Peers of waiting requests have left. */
static void
on_watch(uv_poll_t *poll, int status, int events)
{
	struct http_server *server = container_of(poll, struct http_server, watch_poll);
	struct epoll_event event[WATCH_EVENTS];
	int n = epoll_wait(server->watch_fd, event, WATCH_EVENTS, 0);

	(void)status;
	(void)events;
	for (int i = 0; i < n; i++) {
		struct http_request *req = event[i].data.ptr;

		if (req->watched && !http_is_answered(req))
			server->app.gone(req, server->app.arg);
	}
}

/* --- Start and stop --- */

static int
parse_listen(const char *text, struct sockaddr_storage *ret, socklen_t *ret_len,
	char host[INET6_ADDRSTRLEN + 2], struct err *err)
{
	const char *colon = strrchr(text, ':');
	struct sockaddr_in *v4 = (void *)ret;
	struct sockaddr_in6 *v6 = (void *)ret;
	int64_t port;

	memset(ret, 0, sizeof *ret);
	if (!colon || (size_t)(colon - text) >= INET6_ADDRSTRLEN)
		return err_set(
			err, ERR_INVALID, "listen address \"%s\" is not ADDRESS:PORT", text);
	if (parse_i64(str_of(colon + 1), 0, 65535, &port, err) < 0)
		return err_set(err, ERR_INVALID,
			"listen address \"%s\": a port is a number from 0 to 65535", text);
	size_t n = (size_t)(colon - text);

	memcpy(host, text, n);
	host[n] = '\0';
	if (n > 2 && host[0] == '[' && host[n - 1] == ']') {
		char bare[INET6_ADDRSTRLEN];

		memcpy(bare, host + 1, n - 2);
		bare[n - 2] = '\0';
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		*ret_len = sizeof *v6;
		if (inet_pton(AF_INET6, bare, &v6->sin6_addr) == 1)
			return 0;
	}
	if (strcmp(host, "localhost") == 0)
		memcpy(host, "127.0.0.1", sizeof "127.0.0.1");
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	*ret_len = sizeof *v4;
	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1)
		return 0;
	return err_set(err, ERR_INVALID, "\"%s\" is no IP address to listen on", host);
}

static bool
address_is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	if (address->ss_family == AF_INET)
		return (ntohl(v4->sin_addr.s_addr) >> 24) == 127;
	return IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* A socket that somebody else made listen. */
static int
adopt_listener(struct http_server *server, struct err *err)
{
	struct sockaddr_storage address = { 0 };
	socklen_t len = sizeof address, n = sizeof(int);
	int fd = server->options.inherited_fd, listens = 0;
	const struct sockaddr_in *v4 = (const void *)&address;
	const struct sockaddr_in6 *v6 = (const void *)&address;

	if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &n) < 0 || !listens ||
		getsockname(fd, (struct sockaddr *)&address, &len) < 0 ||
		(address.ss_family != AF_INET && address.ss_family != AF_INET6))
		return err_set(err, ERR_INVALID,
			"descriptor %d, which was handed over, is no listening TCP socket", fd);
	if (server->options.local_only && !address_is_loopback(&address))
		return err_set(err, ERR_DENIED,
			"the socket that was handed over is not of a loopback address");
	if (address.ss_family == AF_INET) {
		(void)inet_ntop(AF_INET, &v4->sin_addr, server->host, sizeof server->host);
		server->port = ntohs(v4->sin_port);
	} else {
		char bare[INET6_ADDRSTRLEN];

		(void)inet_ntop(AF_INET6, &v6->sin6_addr, bare, sizeof bare);
		(void)snprintf(server->host, sizeof server->host, "[%s]", bare);
		server->port = ntohs(v6->sin6_port);
	}
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 ||
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "fcntl");
	return fd;
}

static int
open_listener(struct http_server *server, struct err *err)
{
	struct sockaddr_storage address;
	socklen_t len;
	int on = 1;

	if (server->options.inherited_fd > 0)
		return adopt_listener(server, err);
	if (parse_listen(server->options.listen, &address, &len, server->host, err) < 0)
		return -1;
	if (server->options.local_only && !address_is_loopback(&address))
		return err_set(err, ERR_DENIED,
			"%s is not a loopback address; other machines get here through a "
			"tunnel: ssh -L 7070:127.0.0.1:7070 HOST",
			server->host);
	_cleanup_close_ int fd =
		socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "socket");
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, len) < 0 || listen(fd, LISTEN_BACKLOG) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "cannot listen on %s",
			server->options.listen);
	if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "getsockname");
	server->port = ntohs(address.ss_family == AF_INET
			? ((struct sockaddr_in *)(void *)&address)->sin_port
			: ((struct sockaddr_in6 *)(void *)&address)->sin6_port);
	return TAKE_FD(fd);
}

static int
start_daemon(struct http_server *server, struct err *err)
{
	unsigned idle_s = (server->options.idle_ms + 999) / 1000;
	_cleanup_close_ int fd = open_listener(server, err);

	if (fd < 0)
		return -1;
	server->daemon = MHD_start_daemon(
		/* TURBO: closing must not shut down a socket that http_take_socket()
		   duplicated. */
		MHD_USE_EPOLL | MHD_USE_SUSPEND_RESUME | MHD_USE_ERROR_LOG | MHD_USE_TURBO, 0,
		NULL, NULL, on_access, server, MHD_OPTION_EXTERNAL_LOGGER, on_daemon_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
		server->options.connections_max, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
		server->options.connections_per_ip_max, MHD_OPTION_CONNECTION_TIMEOUT, idle_s,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
		MHD_OPTION_URI_LOG_CALLBACK, on_uri, server, MHD_OPTION_UNESCAPE_CALLBACK,
		no_unescape, NULL, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
	if (!server->daemon)
		return err_set(err, ERR_UNAVAILABLE, "the HTTP server did not start on %s",
			server->options.listen);
	(void)TAKE_FD(fd); /* the daemon's now */
	return 0;
}

static void
watch_all(struct http_server *server)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);

	(void)uv_poll_init(server->loop, &server->poll, info->epoll_fd);
	(void)uv_poll_start(&server->poll, UV_READABLE, on_poll);
	(void)uv_poll_init(server->loop, &server->watch_poll, server->watch_fd);
	(void)uv_poll_start(&server->watch_poll, UV_READABLE, on_watch);
	(void)uv_timer_init(server->loop, &server->timer);
	(void)uv_timer_init(server->loop, &server->arrival_timer);
	(void)uv_check_init(server->loop, &server->kick);
	(void)uv_check_start(&server->kick, on_check);
	server->handles_open = 5;
}

int
http_server_start(struct http_server **ret, uv_loop_t *loop,
	const struct http_server_options *options, const struct http_app *app, struct err *err)
{
	struct http_server *server = xcalloc(1, sizeof *server);

	server->loop = loop;
	server->app = *app;
	server->options = *options;
	list_init(&server->free_requests);
	list_init(&server->peers);
	server->watch_fd = epoll_create1(EPOLL_CLOEXEC);
	if (server->watch_fd < 0) {
		free(server);
		return err_sys(err, ERR_UNAVAILABLE, errno, "epoll");
	}
	if (start_daemon(server, err) < 0) {
		(void)close(server->watch_fd);
		free(server);
		return -1;
	}
	watch_all(server);
	*ret = server;
	return 0;
}

void
http_server_quiesce(struct http_server *server)
{
	int fd = MHD_quiesce_daemon(server->daemon);

	if (fd >= 0)
		(void)close(fd);
}

int
http_server_hand_over(struct http_server *server)
{
	server->handing_over = true;
	return MHD_quiesce_daemon(server->daemon);
}

bool
http_server_is_heard(const struct http_server *server)
{
	LIST_FOR_EACH(node, &server->peers) {
		if (!list_entry(node, struct http_peer, node)->was_heard)
			return false;
	}
	return true;
}

void
http_server_hold(struct http_server *server)
{
	server->holding = true;
}

static void
on_closed(uv_handle_t *handle)
{
	struct http_server *server = handle->data;

	if (--server->handles_open > 0)
		return;
	while (!list_empty(&server->free_requests)) {
		struct list_node *node = list_pop_front(&server->free_requests);
		request_destroy(list_entry(node, struct http_request, node));
	}
	(void)close(server->watch_fd);
	if (server->closed)
		server->closed(server->closed_arg);
	free(server);
}

void
http_server_stop(struct http_server *server, void (*closed)(void *arg), void *arg)
{
	uv_handle_t *const handles[] = {
		(uv_handle_t *)&server->poll,
		(uv_handle_t *)&server->watch_poll,
		(uv_handle_t *)&server->timer,
		(uv_handle_t *)&server->arrival_timer,
		(uv_handle_t *)&server->kick,
	};

	server->stopping = true;
	run_daemon(server); /* sends what was answered last */
	(void)uv_poll_stop(&server->poll);
	MHD_stop_daemon(server->daemon);
	server->daemon = NULL;
	server->closed = closed;
	server->closed_arg = arg;
	for (size_t i = 0; i < ARRAY_LEN(handles); i++) {
		handles[i]->data = server;
		uv_close(handles[i], on_closed);
	}
}

uint16_t
http_server_port(const struct http_server *server)
{
	return server->port;
}

const char *
http_server_host(const struct http_server *server)
{
	return server->host;
}

void
http_server_stats(const struct http_server *server, struct http_stats *ret)
{
	*ret = server->stats;
}
