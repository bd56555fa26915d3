/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl tells which sockets and which timer it wants; each socket is a uv_poll_t, the timer
 * one uv_timer_t. Completed exchanges are handed out after libcurl's own callbacks have
 * returned, so a callback may send and cancel at will.
 */
#include "http/client.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/parse.h"

enum {
	TIMEOUT_MS_DEFAULT = 30 * 1000,
	CONNECT_TIMEOUT_MS = 5 * 1000,
	RESPONSE_BYTES_DEFAULT = 1048576,
	RETRY_AFTER_S_MAX = 3600,
	CONNECTIONS_KEPT = 16,
};

struct http_client {
	uv_loop_t *loop;
	CURLM *multi;
	uv_timer_t timer;
	struct list_node exchanges;
	bool closing;
	int n_handles; /* uv handles that are not closed yet */
};

struct http_exchange {
	struct http_client *client; /* NULL: a blocking call */
	struct list_node node;
	CURL *easy;
	struct curl_slist *headers;
	struct buf sent; /* owned body */
	int body_fd;
	int64_t body_fd_at, body_fd_left;
	struct http_answer answer;
	http_sink_fn *sink;
	void *sink_arg;
	http_done_fn *done;
	void *arg;
	bool over_limit, sink_failed;
	char curl_text[CURL_ERROR_SIZE];
};

/* --- One exchange --- */

void
http_answer_deinit(struct http_answer *answer)
{
	buf_deinit(&answer->body);
	buf_deinit(&answer->headers);
}

/* A line of an answer's head. A new head (after 100 Continue) begins with its status line. */
static size_t
on_header(char *data, size_t size, size_t n, void *user)
{
	struct http_exchange *exchange = user;
	struct buf *headers = &exchange->answer.headers;
	struct str line = str_from(data, size * n);

	if (str_starts(line, STR("HTTP/")))
		buf_clear(headers);
	else if (buf_add_str(headers, line) < 0)
		headers->max = headers->len; /* no later one either: none is cut in two */
	return size * n;
}

static size_t
on_body(char *data, size_t size, size_t n, void *user)
{
	struct http_exchange *exchange = user;
	long status = 0;

	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	if (exchange->sink && status >= 200 && status < 300) {
		exchange->sink_failed = exchange->sink(exchange->sink_arg, data, size * n) < 0;
		return exchange->sink_failed ? 0 : size * n;
	}
	if (buf_add(&exchange->answer.body, data, size * n) == 0)
		return size * n;
	exchange->over_limit = true;
	return 0;
}

static size_t
on_send_file(char *to, size_t size, size_t n, void *user)
{
	struct http_exchange *exchange = user;
	size_t want = size * n;

	if ((int64_t)want > exchange->body_fd_left)
		want = (size_t)exchange->body_fd_left;
	if (want == 0)
		return 0;
	ssize_t got = pread(exchange->body_fd, to, want, exchange->body_fd_at);
	if (got <= 0)
		return CURL_READFUNC_ABORT; /* shorter than it was: must not look complete */
	exchange->body_fd_at += got;
	exchange->body_fd_left -= got;
	return (size_t)got;
}

/* libcurl sends again on a new connection when a kept one turned out to be closed. */
static int
on_seek_file(void *user, curl_off_t offset, int origin)
{
	struct http_exchange *exchange = user;

	if (origin != SEEK_SET)
		return CURL_SEEKFUNC_CANTSEEK;
	exchange->body_fd_left += exchange->body_fd_at - offset;
	exchange->body_fd_at = offset;
	return CURL_SEEKFUNC_OK;
}

static void
add_header(struct http_exchange *exchange, const char *line)
{
	struct curl_slist *more = curl_slist_append(exchange->headers, line);

	if (!more)
		abort();
	exchange->headers = more;
}

static void
set_headers(struct http_exchange *exchange, const struct client_request *request, bool has_body)
{
	for (const char *const *line = request->headers; line && *line; line++)
		add_header(exchange, *line);
	if (request->bearer) {
		char *line = xasprintf("Authorization: Bearer %s", request->bearer);

		add_header(exchange, line);
		explicit_bzero(line, strlen(line));
		free(line);
	}
	if (has_body) {
		_cleanup_free_ char *line = xasprintf("Content-Type: %s",
			request->content_type ? request->content_type : "application/json");
		add_header(exchange, line);
	}
	add_header(exchange, "Expect:"); /* no round trip before the body */
	curl_easy_setopt(exchange->easy, CURLOPT_HTTPHEADER, exchange->headers);
}

static bool
is_loopback(const char *url)
{
	static const char *const hosts[] = { "127.", "localhost", "[::1]" };
	const char *host = strstr(url, "://");

	for (size_t i = 0; host && i < ARRAY_LEN(hosts); i++)
		if (strncmp(host + 3, hosts[i], strlen(hosts[i])) == 0)
			return true;
	return false;
}

static void
set_body(struct http_exchange *exchange, const struct client_request *request)
{
	CURL *easy = exchange->easy;

	if (request->body_fd > 0) {
		exchange->body_fd = request->body_fd;
		exchange->body_fd_left = request->body_fd_len;
		curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
		curl_easy_setopt(
			easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->body_fd_len);
		curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_send_file);
		curl_easy_setopt(easy, CURLOPT_READDATA, exchange);
		curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_seek_file);
		curl_easy_setopt(easy, CURLOPT_SEEKDATA, exchange);
	} else if (exchange->sent.data) {
		curl_easy_setopt(
			easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->sent.len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->sent.data);
	}
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	if (strcmp(request->method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
}

static void
set_options(struct http_exchange *exchange, const struct client_request *request)
{
	CURL *easy = exchange->easy;
	int64_t timeout_ms = request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS_DEFAULT;

	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "proctor/" PROCTOR_VERSION);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		(long)(timeout_ms < CONNECT_TIMEOUT_MS ? timeout_ms : CONNECT_TIMEOUT_MS));
	if (request->pin) {
		curl_easy_setopt(easy, CURLOPT_RESOLVE, request->pin);
		curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
	}
	if (request->headers_max > 0) {
		exchange->answer.headers.max = request->headers_max;
		curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
		curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	}
	/* A proxy would resolve the name again, and know nothing of our own addresses. */
	if (request->pin || is_loopback(request->url))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_text);
	curl_easy_setopt(easy, CURLOPT_PRIVATE, exchange);
}

/* Takes over *body when it is not NULL. */
static struct http_exchange *
exchange_new(const struct client_request *request, struct buf *body)
{
	struct http_exchange *exchange = xcalloc(1, sizeof *exchange);

	exchange->easy = curl_easy_init();
	if (!exchange->easy)
		abort();
	exchange->answer.body.max =
		request->response_max ? request->response_max : RESPONSE_BYTES_DEFAULT;
	exchange->sink = request->sink;
	exchange->sink_arg = request->sink_arg;
	if (body) {
		exchange->sent = *body;
		*body = (struct buf)BUF_INIT(body->max);
	} else if (request->body) {
		exchange->sent.max = request->body_len;
		if (buf_add(&exchange->sent, request->body, request->body_len) < 0)
			abort();
	}
	set_options(exchange, request);
	set_body(exchange, request);
	set_headers(exchange, request, exchange->sent.data || request->body_fd > 0);
	return exchange;
}

static void
exchange_free(struct http_exchange *exchange)
{
	curl_easy_cleanup(exchange->easy);
	curl_slist_free_all(exchange->headers);
	buf_deinit(&exchange->sent);
	http_answer_deinit(&exchange->answer);
	free(exchange);
}

/* What is no HTTP at all is called an unsupported protocol, too; then a request was sent. */
static bool
is_wrong_request(const struct http_exchange *exchange, CURLcode code)
{
	long sent = 0;

	if (code != CURLE_UNSUPPORTED_PROTOCOL)
		return code == CURLE_URL_MALFORMAT;
	curl_easy_getinfo(exchange->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent == 0;
}

static int
set_err(struct err *err, const struct http_exchange *exchange, CURLcode code)
{
	const char *text =
		exchange->curl_text[0] ? exchange->curl_text : curl_easy_strerror(code);

	if (exchange->over_limit)
		return err_set(err, ERR_LIMIT, "the answer is longer than %zu bytes",
			exchange->answer.body.max);
	if (exchange->sink_failed)
		return err_set(err, ERR_LIMIT, "the answer was refused while it arrived");
	if (code == CURLE_OPERATION_TIMEDOUT)
		return err_set(err, ERR_TIMEOUT, "%s", text);
	if (is_wrong_request(exchange, code))
		return err_set(err, ERR_INVALID, "%s", text);
	return err_set(err, ERR_UNAVAILABLE, "%s", text);
}

static void
read_answer(struct http_exchange *exchange)
{
	struct http_answer *answer = &exchange->answer;
	const char *type = NULL;
	curl_off_t retry_s = 0;
	long status = 0;

	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_TYPE, &type);
	curl_easy_getinfo(exchange->easy, CURLINFO_RETRY_AFTER, &retry_s);
	answer->status = (int)status;
	if (type)
		snprintf(answer->content_type, sizeof answer->content_type, "%s", type);
	if (retry_s > 0)
		answer->retry_after_ms =
			1000 * (retry_s < RETRY_AFTER_S_MAX ? retry_s : RETRY_AFTER_S_MAX);
}

/* --- In the loop --- */

static void
finish(struct http_client *client, struct http_exchange *exchange, CURLcode code)
{
	struct err err = { 0 };

	curl_multi_remove_handle(client->multi, exchange->easy);
	list_remove(&exchange->node);
	if (code == CURLE_OK) {
		read_answer(exchange);
		exchange->done(exchange->arg, &exchange->answer, NULL);
	} else {
		set_err(&err, exchange, code);
		exchange->done(exchange->arg, NULL, &err);
	}
	exchange_free(exchange);
}

static void
hand_out(struct http_client *client)
{
	CURLMsg *msg;
	int left;

	while (!client->closing && (msg = curl_multi_info_read(client->multi, &left))) {
		struct http_exchange *exchange = NULL;
		CURLcode code = msg->data.result;

		if (msg->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&exchange);
		finish(client, exchange, code);
	}
}

static void
act(struct http_client *client, curl_socket_t fd, int events)
{
	int running;

	if (client->closing)
		return;
	curl_multi_socket_action(client->multi, fd, events, &running);
	hand_out(client);
}

static void
on_timeout(uv_timer_t *timer)
{
	act(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int
on_want_timer(CURLM *multi, long timeout_ms, void *user)
{
	struct http_client *client = user;

	(void)multi;
	if (client->closing)
		return 0;
	if (timeout_ms < 0)
		uv_timer_stop(&client->timer);
	else
		uv_timer_start(&client->timer, on_timeout, (uint64_t)timeout_ms, 0);
	return 0;
}

/* A socket of libcurl's. */
struct watch {
	uv_poll_t poll;
	struct http_client *client;
	curl_socket_t fd;
};

static void
on_ready(uv_poll_t *poll, int status, int events)
{
	struct watch *watch = container_of(poll, struct watch, poll);
	int flags = 0;

	if (status < 0)
		flags = CURL_CSELECT_ERR;
	if (events & UV_READABLE)
		flags |= CURL_CSELECT_IN;
	if (events & UV_WRITABLE)
		flags |= CURL_CSELECT_OUT;
	act(watch->client, watch->fd, flags);
}

static void
client_handle_closed(struct http_client *client)
{
	if (--client->n_handles == 0)
		free(client);
}

static void
on_watch_closed(uv_handle_t *handle)
{
	struct watch *watch = container_of((uv_poll_t *)handle, struct watch, poll);
	struct http_client *client = watch->client;

	free(watch);
	client_handle_closed(client);
}

static int
on_want_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
	struct http_client *client = user;
	struct watch *watch = socket_user;
	int events = 0;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (watch) {
			curl_multi_assign(client->multi, fd, NULL);
			uv_poll_stop(&watch->poll);
			uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
		}
		return 0;
	}
	if (!watch) {
		watch = xcalloc(1, sizeof *watch);
		watch->client = client;
		watch->fd = fd;
		if (uv_poll_init_socket(client->loop, &watch->poll, fd) < 0) {
			free(watch);
			return -1;
		}
		client->n_handles++;
		curl_multi_assign(client->multi, fd, watch);
	}
	if (what == CURL_POLL_IN || what == CURL_POLL_INOUT)
		events |= UV_READABLE;
	if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT)
		events |= UV_WRITABLE;
	uv_poll_start(&watch->poll, events, on_ready);
	return 0;
}

static void
global_init(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
}

static void
global_init_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, global_init);
}

struct http_client *
http_client_new(uv_loop_t *loop)
{
	struct http_client *client = xcalloc(1, sizeof *client);

	global_init_once();
	client->loop = loop;
	list_init(&client->exchanges);
	client->multi = curl_multi_init();
	if (!client->multi)
		abort();
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETFUNCTION, on_want_socket);
	curl_multi_setopt(client->multi, CURLMOPT_SOCKETDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERFUNCTION, on_want_timer);
	curl_multi_setopt(client->multi, CURLMOPT_TIMERDATA, client);
	curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, (long)CONNECTIONS_KEPT);
	uv_timer_init(loop, &client->timer);
	client->timer.data = client;
	client->n_handles = 1;
	return client;
}

static void
on_timer_closed(uv_handle_t *handle)
{
	client_handle_closed(handle->data);
}

void
http_client_close(struct http_client *client)
{
	if (!client || client->closing)
		return;
	LIST_FOR_EACH_SAFE(node, &client->exchanges)
		http_exchange_cancel(list_entry(node, struct http_exchange, node));
	client->closing = true;
	curl_multi_cleanup(client->multi); /* closes kept connections through on_want_socket */
	uv_timer_stop(&client->timer);
	uv_close((uv_handle_t *)&client->timer, on_timer_closed);
}

struct http_exchange *
http_client_send(struct http_client *client, const struct client_request *request,
	struct buf *body, http_done_fn *done, void *arg)
{
	assert(!client->closing);
	struct http_exchange *exchange = exchange_new(request, body);

	exchange->client = client;
	exchange->done = done;
	exchange->arg = arg;
	list_push_back(&client->exchanges, &exchange->node);
	/* Starts the timer with 0 ms: nothing happens before the caller has the pointer. */
	curl_multi_add_handle(client->multi, exchange->easy);
	return exchange;
}

void
http_exchange_cancel(struct http_exchange *exchange)
{
	if (!exchange)
		return;
	curl_multi_remove_handle(exchange->client->multi, exchange->easy);
	list_remove(&exchange->node);
	exchange_free(exchange);
}

/* --- Blocking --- */

int
http_call(const struct client_request *request, struct http_answer *ret, struct err *err)
{
	global_init_once();
	struct http_exchange *exchange = exchange_new(request, NULL);
	CURLcode code = curl_easy_perform(exchange->easy);
	int r = 0;

	if (code == CURLE_OK) {
		read_answer(exchange);
		*ret = exchange->answer;
		exchange->answer.body = exchange->answer.headers = (struct buf)BUF_INIT(0);
	} else {
		r = set_err(err, exchange, code);
	}
	exchange_free(exchange);
	return r;
}
