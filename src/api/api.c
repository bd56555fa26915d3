/* SPDX-License-Identifier: Apache-2.0 */
/* Start, the meeting of engine and loop, and an orderly end. */
#include "api/api.h"

#include <string.h>
#include <sys/resource.h>

#include "api/api_impl.h"
#include "api/hub.h"
#include "api/screens.h"
#include "api/view.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/rand.h"

enum {
	FDS_RESERVED = 256, /* descriptors for the store, blobs and the view's connections */
	ARRIVAL_MS = 60000, /* for a whole request head and JSON body; uploads are not timed */
};

/* --- The engine's outputs --- */

static void
give_back(struct intent *intent)
{
	struct call *call = intent->user;

	if (intent->then) {
		intent->then(intent);
		return;
	}
	if (!call) {
		(void)intent_free(intent);
		return;
	}
	call->intent = intent;
	call->then(call);
}

static void
take_outputs(struct api *api, struct list_node *outputs)
{
	while (!list_empty(outputs)) {
		struct turn_output *output =
			list_entry(list_pop_front(outputs), struct turn_output, node);

		hub_turn(api->hub, output);
		if (api->effects && output->n_effects > 0)
			api->effects(api->arg, output);
		while (!list_empty(&output->done))
			give_back(
				list_entry(list_pop_front(&output->done), struct intent, node));
		(void)turn_output_free(output);
	}
}

static void
tell_failure(struct api *api)
{
	struct err why;

	if (!api->store_failed || !engine_thread_failed(api->thread, &why))
		return;
	api->store_failed(api->arg, &why);
	api->store_failed = NULL;
}

static void
on_async(uv_async_t *async)
{
	struct api *api = container_of(async, struct api, async);
	struct list_node outputs;

	if (!api->thread)
		return;
	list_init(&outputs);
	engine_take(api->thread, &outputs);
	take_outputs(api, &outputs);
	tell_failure(api);
}

/* On the engine's thread. */
static void
on_notify(void *arg)
{
	struct api *api = arg;

	(void)uv_async_send(&api->async);
}

/* --- Peers that leave --- */

void
api_on_gone(struct http_request *req, void *arg)
{
	struct api *api = arg;
	struct call *call = req->user;

	if (call->is_parked && api->thread) {
		struct intent *cancel =
			intent_new(INTENT_POLL_CANCEL, call->project, (size_t)MIB(1));

		memcpy(&cancel->in.cancel.worker, call->state, sizeof cancel->in.cancel.worker);
		cancel->in.cancel.user = call;
		call->is_parked = false;
		engine_submit(api->thread, cancel);
	} else if (hub_unwait(api->hub, call)) {
		call_reply_empty(call, 204);
	}
}

void
api_submit(struct api *api, struct intent *intent)
{
	if (api->thread) {
		engine_submit(api->thread, intent);
		return;
	}
	intent->status = INTENT_IS_ERROR;
	(void)err_set(&intent->err, ERR_UNAVAILABLE, "the server is shutting down");
	intent->then(intent);
}

void
api_worker_gone(struct api *api, struct worker_id worker)
{
	struct intent *intent;

	if (!api->thread)
		return;
	intent = intent_new(INTENT_WORKER_GONE, PROJECT_DEFAULT, (size_t)MIB(1));
	intent->in.worker = worker;
	engine_submit(api->thread, intent);
}

/* --- Blobs on their way --- */

void
api_blob_hold(struct api *api, const char *hex)
{
	uv_mutex_lock(&api->lock);
	uintptr_t n = (uintptr_t)map_get(&api->fresh_blobs, hex, strlen(hex));

	(void)map_put(&api->fresh_blobs, hex, strlen(hex), (void *)(n + 1));
	uv_mutex_unlock(&api->lock);
}

void
api_blob_release(struct api *api, const char *hex)
{
	uv_mutex_lock(&api->lock);
	uintptr_t n = (uintptr_t)map_get(&api->fresh_blobs, hex, strlen(hex));

	if (n > 1)
		(void)map_put(&api->fresh_blobs, hex, strlen(hex), (void *)(n - 1));
	else
		(void)map_remove(&api->fresh_blobs, hex, strlen(hex));
	uv_mutex_unlock(&api->lock);
}

bool
api_blob_is_fresh(struct api *api, const char *hex)
{
	uv_mutex_lock(&api->lock);
	bool fresh = map_get(&api->fresh_blobs, hex, strlen(hex)) != NULL;

	uv_mutex_unlock(&api->lock);
	return fresh;
}

/* --- Start --- */

/* Streams and connections need descriptors: as many as the system lets us have. */
static unsigned
raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	if (limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit); /* less is fine too */
		(void)getrlimit(RLIMIT_NOFILE, &limit);
	}
	return limit.rlim_cur > INT32_MAX ? INT32_MAX : (unsigned)limit.rlim_cur;
}

static unsigned
or_default(unsigned value, unsigned fallback)
{
	return value ? value : fallback;
}

/*
 * A stream begins as a connection, so the daemon has room for both; an open one has left the
 * daemon, which no longer counts it. Together they leave descriptors for files.
 */
static unsigned
connections_max(struct api *api, const struct api_options *options)
{
	unsigned fds = raise_descriptors();
	unsigned room = fds > 4 * FDS_RESERVED ? fds - 2 * FDS_RESERVED : fds / 2;

	if (api->streams_max > room / 2)
		api->streams_max = room / 2;
	unsigned wanted =
		or_default(options->connections_max, CONNECTIONS_MAX) + api->streams_max;

	room -= api->streams_max;
	return wanted < room ? wanted : room;
}

static int
listen_api(struct api *api, const struct api_options *options, struct err *err)
{
	struct http_server_options http = {
		.listen = options->listen,
		.inherited_fd = options->listen_fd,
		.connections_max = connections_max(api, options),
		.connections_per_ip_max =
			0, /* all callers of a loopback server have one address */
		.idle_ms = or_default(options->request_idle_ms, REQUEST_IDLE_MS),
		.arrival_ms = or_default(options->request_idle_ms, ARRIVAL_MS / 2) * 2,
		.local_only = true,
	};
	struct http_app app = {
		.head = api_on_head,
		.body = api_on_body,
		.gone = api_on_gone,
		.done = api_on_done,
		.refuse = api_on_refuse,
		.arg = api,
	};

	if (http_server_start(&api->http, api->loop, &http, &app, err) < 0)
		return -1;
	api->url = xasprintf(
		"http://%s:%u", http_server_host(api->http), http_server_port(api->http));
	return 0;
}

/* The given address; else the port after the API's; else any. */
static int
listen_view(struct api *api, const struct api_options *options, struct err *err)
{
	struct http_server_options http = {
		.connections_max = FDS_RESERVED,
		.idle_ms = REQUEST_IDLE_MS,
		.arrival_ms = ARRIVAL_MS,
		.local_only = true,
	};
	struct http_app app = {
		.head = view_on_head,
		.body = view_on_body,
		.gone = api_on_gone,
		.done = api_on_done,
		.refuse = api_on_refuse,
		.arg = api,
	};
	const char *host = http_server_host(api->http);
	bool is_ephemeral = str_ends(str_of(options->listen), STR(":0"));
	unsigned port = http_server_port(api->http);
	_cleanup_free_ char *next = xasprintf("%s:%u", host, port < 65535 ? port + 1 : 0);
	_cleanup_free_ char *any = xasprintf("%s:0", host);
	int r;

	http.inherited_fd = options->view_fd;
	http.listen = options->view_listen ? options->view_listen : is_ephemeral ? any : next;
	r = http_server_start(&api->view_http, api->loop, &http, &app, err);
	if (r < 0 && !options->view_listen) {
		http.listen = any;
		r = http_server_start(&api->view_http, api->loop, &http, &app, err);
	}
	if (r < 0)
		return err_wrap(err, "view");
	api->view_url = xasprintf("http://%s:%u", http_server_host(api->view_http),
		http_server_port(api->view_http));
	return 0;
}

static void
on_handle_closed(uv_handle_t *handle)
{
	struct api *api = handle->data;

	api->handles_open--;
}

static void
on_server_closed(void *arg)
{
	struct api *api = arg;

	api->handles_open--;
}

/* Closes what is open, in an order in which nobody is called who is gone, and frees the rest.
 */
static void
close_all(struct api *api)
{
	api_purges_stop(api);
	if (api->hub)
		hub_stop(api->hub);
	if (api->http) {
		api->handles_open++;
		http_server_stop(api->http, on_server_closed, api);
	}
	if (api->view_http) {
		api->handles_open++;
		http_server_stop(api->view_http, on_server_closed, api);
	}
	api->handles_open++;
	api->async.data = api;
	uv_close((uv_handle_t *)&api->async, on_handle_closed);
	while (api->handles_open > 0 || (api->hub && !hub_is_closed(api->hub)))
		(void)uv_run(api->loop, UV_RUN_ONCE);
}

static void
api_free(struct api *api)
{
	struct map_entry entry;

	if (api->hub)
		hub_free(api->hub);
	screens_free(api->screens);
	for (size_t i = 0; i < api->n_readers; i++)
		(void)store_reader_close(api->readers[i]);
	for (size_t at = 0; map_next(&api->queue_names, &at, &entry);)
		free(entry.value);
	project_list_deinit(&api->projects);
	map_deinit(&api->queue_names);
	map_deinit(&api->fresh_blobs);
	auth_stop(&api->auth);
	uv_rwlock_destroy(&api->blob_lock);
	uv_mutex_destroy(&api->lock);
	free(api->url);
	free(api->public_url);
	free(api->view_url);
	free(api);
}

static const struct dialect *const no_dialects[] = { NULL };

static struct api *
api_new(uv_loop_t *loop, struct store *store, struct blob_store *blobs,
	const struct api_options *options)
{
	struct api *api = xcalloc(1, sizeof *api);

	api->loop = loop;
	api->store = store;
	api->blobs = blobs;
	api->durable = options->durable ? options->durable : "fsync";
	api->dialects = options->dialects ? options->dialects : no_dialects;
	api->store_failed = options->store_failed;
	api->effects = options->effects;
	api->arg = options->arg;
	api->signal_key = options->signal_key;
	api->signals_left = SIGNALS_BURST;
	api->streams_max = or_default(options->streams_max, SSE_STREAMS_MAX);
	api->started_mono_ms = clock_mono_ms();
	list_init(&api->calls);
	list_init(&api->purges);
	api->screens = screens_new(api);
	map_init(&api->queue_names, MAP_KEYS_COPIED);
	map_init(&api->fresh_blobs, MAP_KEYS_COPIED);
	rand_bytes(api->ticket_key, sizeof api->ticket_key);
	if (uv_mutex_init(&api->lock) != 0 || uv_rwlock_init(&api->blob_lock) != 0 ||
		uv_async_init(loop, &api->async, on_async) != 0)
		abort(); /* only out of memory or descriptors at the very start */
	return api;
}

static char *
without_slash(const char *url)
{
	size_t n = strlen(url);

	while (n > 0 && url[n - 1] == '/')
		n--;
	return xstrndup(url, n);
}

int
api_start(struct api **ret, uv_loop_t *loop, struct engine *engine, struct store *store,
	struct blob_store *blobs, const struct api_options *options, struct err *err)
{
	struct api *api;

	if (!options->listen || !options->data_dir)
		return err_set(
			err, ERR_INVALID, "a listen address and a data folder are needed");
	api = api_new(loop, store, blobs, options);
	if (auth_start(&api->auth, store, options->data_dir, err) < 0 ||
		api_projects_start(api, err) < 0 || hub_start(&api->hub, api, err) < 0 ||
		listen_api(api, options, err) < 0 || listen_view(api, options, err) < 0 ||
		engine_thread_start(&api->thread, engine, on_notify, api, err) < 0) {
		close_all(api);
		api_free(api);
		return -1;
	}
	api->engine = engine;
	api->public_url = without_slash(options->public_url ? options->public_url : api->url);
	api_purges_start(api);
	*ret = api;
	return 0;
}

const char *
api_url(const struct api *api)
{
	return api->url;
}

uint16_t
api_port(const struct api *api)
{
	return http_server_port(api->http);
}

bool
api_token_is_new(const struct api *api)
{
	return api->auth.is_new;
}

const char *
api_token_path(const struct api *api)
{
	return api->auth.path;
}

/* --- End --- */

void
api_drain(struct api *api)
{
	if (api->draining)
		return;
	api->draining = true;
	http_server_quiesce(api->http);
	http_server_quiesce(api->view_http);
}

/* As if their time were over. */
static void
end_polls(struct api *api)
{
	LIST_FOR_EACH_SAFE(node, &api->calls) {
		struct call *call = list_entry(node, struct call, node);

		if (!call->is_parked || !api->thread)
			continue;
		struct intent *end =
			intent_new(INTENT_POLL_CANCEL, call->project, (size_t)MIB(1));

		memcpy(&end->in.cancel.worker, call->state, sizeof end->in.cancel.worker);
		end->in.cancel.user = call;
		end->in.cancel.is_over = true;
		call->is_parked = false;
		engine_submit(api->thread, end);
	}
}

void
api_hand_over(struct api *api, int *ret_fd, int *ret_view_fd)
{
	api->handing_over = true;
	*ret_fd = http_server_hand_over(api->http);
	*ret_view_fd = http_server_hand_over(api->view_http);
	hub_wake(api->hub);
	end_polls(api);
}

bool
api_is_handed_over(const struct api *api)
{
	return list_empty(&api->calls) && http_server_is_heard(api->http);
}

bool
api_is_drained(const struct api *api)
{
	for (const struct list_node *node = api->calls.next; node != &api->calls;
		node = node->next) {
		const struct call *call = container_of(node, struct call, node);

		if (!call->is_parked && !call->waiter)
			return false;
	}
	return true;
}

/* Waiting calls get their answer now. */
static void
end_waits(struct api *api)
{
	LIST_FOR_EACH_SAFE(node, &api->calls) {
		struct call *call = list_entry(node, struct call, node);

		if (call->waiter) {
			(void)hub_unwait(api->hub, call);
			call_problem(call, PROBLEM_UNAVAILABLE, "the server is shutting down");
		}
	}
}

struct api *
api_stop(struct api *api)
{
	struct list_node outputs;

	if (!api)
		return NULL;
	if (api->handing_over) { /* the sockets are no longer ours */
		http_server_hold(api->http);
		http_server_hold(api->view_http);
		api->draining = true;
	}
	api_drain(api);
	api->stopping = true;
	list_init(&outputs);
	api->thread = engine_thread_stop(api->thread, &outputs);
	api->engine = NULL; /* closed with its thread */
	take_outputs(api, &outputs);
	end_waits(api);
	/* What is on the pool comes back and is answered; some answers lead to another read. */
	while (api->reads_open > 0)
		(void)uv_run(api->loop, UV_RUN_ONCE);
	end_waits(api);
	close_all(api);
	api_free(api);
	return NULL;
}
