/* SPDX-License-Identifier: Apache-2.0 */
/* The desk and its HTTP server. */
#include "desk.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "store/store.h"

#define STORE "desk"

/* --- The server --- */

struct peer {
	uv_tcp_t tcp;
	uv_timer_t drip;
	struct list_node node;
	struct desk *desk;
	char request[8192];
	size_t len;
	int n_open;
};

static void
on_written(uv_write_t *write, int status)
{
	(void)status;
	free(write->data);
	free(write);
}

static void
say(struct peer *peer, const char *data, size_t len)
{
	uv_write_t *write = xcalloc(1, sizeof *write);
	uv_buf_t buf = uv_buf_init(xmemdup(data, len), (unsigned)len);

	write->data = buf.base;
	if (uv_write(write, (uv_stream_t *)&peer->tcp, &buf, 1, on_written) != 0)
		on_written(write, 0);
}

static void
on_peer_closed(uv_handle_t *handle)
{
	struct peer *peer = handle->data;

	if (--peer->n_open > 0)
		return;
	list_remove(&peer->node);
	free(peer);
}

static void
hang_up(struct peer *peer)
{
	if (uv_is_closing((uv_handle_t *)&peer->tcp))
		return;
	uv_close((uv_handle_t *)&peer->tcp, on_peer_closed);
	uv_close((uv_handle_t *)&peer->drip, on_peer_closed);
}

static void
answer(struct peer *peer, const char *head, const char *body, size_t len)
{
	char text[512];
	int n = snprintf(
		text, sizeof text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n", head, len);

	say(peer, text, (size_t)n);
	say(peer, body, len);
}

static void
on_drip(uv_timer_t *timer)
{
	say(timer->data, "1\r\n \r\n", 6);
}

static void
answer_echo(struct peer *peer)
{
	answer(peer, "200 OK\r\nX-Twice: a\r\nX-Twice: b", peer->request, peer->len);
}

static void
serve(struct peer *peer)
{
	static const char json[] = "{\"task\":{\"state\":\"SUCCESS\",\"id\":7}}";
	static char lots[PROBE_BODY_BYTES_MAX + 1024];
	char path[64] = "";

	peer->desk->n_requests++;
	(void)sscanf(peer->request, "%*s %63s", path);
	if (strcmp(path, "/json") == 0)
		answer(peer, "200 OK\r\nContent-Type: application/json", json, sizeof json - 1);
	else if (strcmp(path, "/text") == 0)
		answer(peer, "200 OK", "plain \"words\"", 13);
	else if (strcmp(path, "/404") == 0)
		answer(peer, "404 Not Found", "{\"no\":1}", 8);
	else if (strcmp(path, "/away") == 0)
		answer(peer, "302 Found\r\nLocation: /json", "{}", 2);
	else if (strcmp(path, "/busy") == 0)
		answer(peer, "503 Busy\r\nRetry-After: 7", "{}", 2);
	else if (strcmp(path, "/long") == 0)
		answer(peer, "200 OK", memset(lots, ' ', sizeof lots), sizeof lots);
	else if (strncmp(path, "/echo", 5) == 0)
		answer_echo(peer);
	else if (strcmp(path, "/drip") == 0) {
		static const char head[] =
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
		say(peer, head, sizeof head - 1);
		(void)uv_timer_start(&peer->drip, on_drip, 0, 5);
	}
}

static void
on_space(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct peer *peer = handle->data;

	(void)suggested;
	*buf = uv_buf_init(
		peer->request + peer->len, (unsigned)(sizeof peer->request - 1 - peer->len));
}

static size_t
body_length(const char *request)
{
	const char *length = strstr(request, "Content-Length: ");
	unsigned n = 0;

	return length && sscanf(length + 16, "%u", &n) == 1 ? n : 0;
}

/* A request of these tests comes in one piece, or its body right behind its head. */
static void
on_bytes(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct peer *peer = stream->data;
	const char *end;

	(void)buf;
	if (n < 0) {
		hang_up(peer);
		return;
	}
	peer->len += (size_t)n;
	peer->request[peer->len] = '\0';
	end = strstr(peer->request, "\r\n\r\n");
	if (!end || strlen(end + 4) < body_length(peer->request))
		return;
	serve(peer);
	peer->len = 0;
}

static void
on_connection(uv_stream_t *server, int status)
{
	struct desk *desk = server->data;
	struct peer *peer = xcalloc(1, sizeof *peer);

	assert_int_equal(status, 0);
	peer->desk = desk;
	peer->n_open = 2;
	list_push_back(&desk->peers, &peer->node);
	(void)uv_tcp_init(&desk->loop, &peer->tcp);
	(void)uv_timer_init(&desk->loop, &peer->drip);
	peer->tcp.data = peer->drip.data = peer;
	assert_int_equal(uv_accept(server, (uv_stream_t *)&peer->tcp), 0);
	assert_int_equal(uv_read_start((uv_stream_t *)&peer->tcp, on_space, on_bytes), 0);
}

static void
listen_on_loopback(struct desk *desk)
{
	struct sockaddr_in address;
	int len = sizeof address;

	(void)uv_tcp_init(&desk->loop, &desk->server);
	desk->server.data = desk;
	(void)uv_ip4_addr("127.0.0.1", 0, &address);
	assert_int_equal(uv_tcp_bind(&desk->server, (struct sockaddr *)&address, 0), 0);
	assert_int_equal(uv_listen((uv_stream_t *)&desk->server, 16, on_connection), 0);
	assert_int_equal(
		uv_tcp_getsockname(&desk->server, (struct sockaddr *)&address, &len), 0);
	desk->port = ntohs(address.sin_port);
}

/* --- The desk --- */

static void
on_submit(void *arg, struct intent *intent)
{
	struct desk *desk = arg;

	list_push_back(&desk->reports, &intent->node);
	desk->n_reports++;
}

int
desk_setup(void **state)
{
	struct desk *desk = xcalloc(1, sizeof *desk);
	struct err err;

	arena_init(&desk->arena, MIB(16));
	list_init(&desk->reports);
	list_init(&desk->taken);
	list_init(&desk->peers);
	desk->guard.loopback = true;
	memset(desk->key.b, 7, sizeof desk->key.b);
	assert_int_equal(uv_loop_init(&desk->loop), 0);
	assert_int_equal(store_open_memory(&desk->store, STORE, &err), 0);
	listen_on_loopback(desk);
	const struct conductor_options options = {
		.store = desk->store,
		.guard = &desk->guard,
		.url = "http://here:7070/",
		.signal_key = &desk->key,
		.submit = on_submit,
		.arg = desk,
	};
	desk->conductor = conductor_new(&desk->loop, &options);
	*state = desk;
	return 0;
}

int
desk_teardown(void **state)
{
	struct desk *desk = *state;

	conductor_stop(desk->conductor);
	desk->conductor = conductor_free(desk->conductor);
	uv_close((uv_handle_t *)&desk->server, NULL);
	LIST_FOR_EACH_SAFE(node, &desk->peers)
		hang_up(list_entry(node, struct peer, node));
	(void)uv_run(&desk->loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&desk->loop), 0);
	list_splice_back(&desk->reports, &desk->taken);
	while (!list_empty(&desk->reports))
		(void)intent_free(
			list_entry(list_pop_front(&desk->reports), struct intent, node));
	desk->store = store_close(desk->store);
	store_memory_forget(STORE);
	arena_deinit(&desk->arena);
	free(desk);
	return 0;
}

struct effect
desk_effect(enum effect_kind kind, const char *body, const char *scope)
{
	struct effect effect = { .kind = kind,
		.project = 1,
		.stage = "s",
		.item = 0,
		.attempt = 1,
		.body = str_of(body),
		.scope = str_of(scope) };

	memset(effect.flow.u.b, 9, sizeof effect.flow.u.b);
	return effect;
}

void
desk_ask(struct desk *desk, const struct effect *effects, size_t n)
{
	struct turn_output output = { .effects = (struct effect *)effects, .n_effects = n };

	conductor_take(desk->conductor, &output);
}

void
desk_wait(struct desk *desk, size_t n)
{
	while (desk->n_reports < n)
		assert_true(uv_run(&desk->loop, UV_RUN_ONCE));
}

const struct flow_report *
desk_report(struct desk *desk)
{
	assert_false(list_empty(&desk->reports));
	struct list_node *node = desk->reports.next;

	list_remove(node);
	list_push_back(&desk->taken, node);
	return &list_entry(node, struct intent, node)->in.flow_report;
}

const struct flow_report *
desk_look(struct desk *desk, const char *path, const char *more)
{
	char body[1024];

	(void)snprintf(body, sizeof body, "{\"request\":\"GET http://127.0.0.1:%u%s\"%s}",
		desk->port, path, more);
	const struct effect effect = desk_effect(EFFECT_FLOW_PROBE, body, "{}");

	desk_ask(desk, &effect, 1);
	desk_wait(desk, desk->n_reports + 1);
	return desk_report(desk);
}
