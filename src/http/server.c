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
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "http/server_impl.h"

enum {
	RUNS_PER_WAKE_MAX = 16,
	/* A refused body up to this is read to its end, so that the client sees the refusal. */
	DISCARD_BYTES_MAX = 32 * 1024 * 1024,
	WATCH_EVENTS = 64,
};

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

/* The first call for a request: headers are complete, nothing of the body was read. */
static enum MHD_Result
on_head(struct http_request *req, const char *method)
{
	struct http_app *app = &req->server->app;
	const char *length = http_header_get(req, "Content-Length");
	int64_t n_body = 0;
	struct err ignored;

	struct http_peer *from = request_peer(req);

	if (from)
		from->was_heard = true;
	if (req->server->holding)
		return MHD_NO;
	req->head_called = true;
	req->method_name = method;
	req->method = request_method(method, &req->is_head);
	request_setup(req);
	if (req->ambiguous)
		http_header_add(req, "Connection", "close");
	if (req->setup_err.code != 0)
		request_refuse(req, req->setup_status, &req->setup_err);
	else
		app->head(req, app->arg);
	if (length && parse_i64(str_of(length), 0, INT64_MAX, &n_body, &ignored) < 0)
		n_body = INT64_MAX;
	uint64_t max = req->sink.write ? req->sink.bytes_max : req->body_max;

	if ((uint64_t)n_body > max)
		body_refuse(req, max);
	if (req->sink.write) {
		struct http_peer *peer = request_peer(req);
		assert(peer); /* made with the connection, which still asks */
		/* Large uploads may take their time; the idle limit watches them. */
		list_remove(&peer->node);
	}
	if (http_is_answered(req) &&
		(req->take_socket || req->ambiguous || n_body > DISCARD_BYTES_MAX))
		return request_queue_reply(req);
	return MHD_YES;
}

static enum MHD_Result
on_whole(struct http_request *req)
{
	struct http_app *app = &req->server->app;
	struct http_peer *peer = request_peer(req);

	if (!http_is_answered(req) && req->part.len > 0) {
		body_flush(req);
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
		return request_queue_reply(req);
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
		body_take(req, upload, *upload_size);
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
	struct http_peer *peer = request_peer(req);

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
start_daemon(struct http_server *server, struct err *err)
{
	unsigned idle_s = (server->options.idle_ms + 999) / 1000;
	_cleanup_close_ int fd = listener_open(server, err);

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
		(void)request_free(list_entry(node, struct http_request, node));
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
