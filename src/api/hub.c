/* SPDX-License-Identifier: Apache-2.0 */
/* Watches by job, streams by watch, one timer for all who wait. */
#include "api/hub.h"

#include <string.h>

#include "api/screens.h"
#include "base/clock.h"
#include "base/heap.h"
#include "base/mem.h"
#include "http/sse.h"

enum {
	PAGE_EVENTS = 500,
	PAGE_BYTES = 96 * 1024, /* of data: a page and its frame fit a stream's queue */
	SET_ASIDE_MAX = 512,    /* events, while a stream catches up; more are read again */
	FRAME_BYTES_MAX = 2 * EVENT_DATA_BYTES_MAX + 4096,
};

/* Everybody who looks at one job. */
struct watch {
	struct job_id job;
	struct list_node streams, waiters;
};

struct waiter {
	struct list_node node;
	struct heap_node due;
	struct call *call;
	struct watch *watch;
	void (*then)(struct call *call);
};

struct aside {
	int64_t seq;
	enum event_type type;
	struct sse_block *block;
};

struct stream {
	struct sse_stream sse;
	struct list_node node; /* in the watch or the hub */
	struct hub *hub;
	struct watch *watch; /* NULL: the project's */
	struct job_id job;
	int64_t project, pos;
	int64_t job_seq; /* once it was found; 0 before */
	uint64_t types;
	bool is_open; /* has its socket */
	bool is_live, is_dead, gap, reading;
	struct aside *aside;
	size_t n_aside;

	/* A page on its way. */
	uv_work_t work;
	struct buf page;
	int64_t page_last;
	size_t page_n;
	bool job_is_over, job_is_gone;
	struct err err;
	int result;
};

struct hub {
	struct api *api;
	struct sse_set sse;
	struct map watches;       /* job id → struct watch */
	struct list_node streams; /* the project's */
	struct heap waiters;
	uv_timer_t timer;
	bool timer_closed;
	size_t n_interested;
};

/* --- Interest --- */

void
hub_interest(struct hub *hub, int change)
{
	size_t before = hub->n_interested;

	hub->n_interested += (size_t)change;
	/* At the end the engine goes first. */
	if (hub->api->engine && (before == 0) != (hub->n_interested == 0))
		engine_set_interest(hub->api->engine, hub->n_interested > 0);
}

static struct watch *
watch_get(struct hub *hub, const struct job_id *job)
{
	struct watch *watch = map_get(&hub->watches, job, sizeof *job);

	if (watch)
		return watch;
	watch = xcalloc(1, sizeof *watch);
	watch->job = *job;
	list_init(&watch->streams);
	list_init(&watch->waiters);
	(void)map_put(&hub->watches, &watch->job, sizeof watch->job, watch);
	return watch;
}

static void
watch_put(struct hub *hub, struct watch *watch)
{
	if (!watch || !list_empty(&watch->streams) || !list_empty(&watch->waiters))
		return;
	(void)map_remove(&hub->watches, &watch->job, sizeof watch->job);
	free(watch);
}

/* --- Waiting calls --- */

static void on_timer(uv_timer_t *timer);

static void
arm_timer(struct hub *hub)
{
	const struct heap_node *first = heap_peek(&hub->waiters);
	int64_t now = clock_mono_ms();

	if (!first)
		(void)uv_timer_stop(&hub->timer);
	else
		(void)uv_timer_start(&hub->timer, on_timer,
			first->key > now ? (uint64_t)(first->key - now) : 0, 0);
}

static void
waiter_end(struct hub *hub, struct waiter *waiter)
{
	list_remove(&waiter->node);
	heap_remove(&hub->waiters, &waiter->due);
	watch_put(hub, waiter->watch);
	waiter->call->waiter = NULL;
	free(waiter);
	hub_interest(hub, -1);
}

static void
waiter_fire(struct hub *hub, struct waiter *waiter)
{
	struct call *call = waiter->call;
	void (*then)(struct call *) = waiter->then;

	waiter_end(hub, waiter);
	then(call);
}

void
hub_wake(struct hub *hub)
{
	struct heap_node *first;

	while ((first = heap_peek(&hub->waiters)))
		waiter_fire(hub, container_of(first, struct waiter, due));
}

static void
on_timer(uv_timer_t *timer)
{
	struct hub *hub = container_of(timer, struct hub, timer);
	int64_t now = clock_mono_ms();

	for (;;) {
		struct heap_node *first = heap_peek(&hub->waiters);

		if (!first || first->key > now)
			break;
		waiter_fire(hub, container_of(first, struct waiter, due));
	}
	arm_timer(hub);
}

void
hub_wait(struct hub *hub, struct call *call, const struct job_id *job, int64_t wait_ms,
	void (*then)(struct call *call))
{
	struct waiter *waiter = xcalloc(1, sizeof *waiter);

	waiter->call = call;
	waiter->then = then;
	waiter->watch = watch_get(hub, job);
	list_push_back(&waiter->watch->waiters, &waiter->node);
	waiter->due.key = clock_mono_ms() + wait_ms;
	heap_push(&hub->waiters, &waiter->due);
	call->waiter = waiter;
	hub_interest(hub, +1);
	arm_timer(hub);
}

bool
hub_unwait(struct hub *hub, struct call *call)
{
	if (!call->waiter)
		return false;
	waiter_end(hub, call->waiter);
	return true;
}

/* --- Encoding --- */

static int
write_frame(struct buf *out, const struct event *event)
{
	if (buf_addf(out, "id: %lld\nevent: %s\ndata: ", (long long)event->seq,
		    event_type_name(event->type)) < 0 ||
		event_write(event, out) < 0)
		return -1;
	return buf_adds(out, "\n\n");
}

static bool
wants(const struct stream *stream, enum event_type type)
{
	return stream->types == 0 || (stream->types & (UINT64_C(1) << type)) != 0;
}

/* --- A stream's life --- */

static void
forget_aside(struct stream *stream)
{
	for (size_t i = 0; i < stream->n_aside; i++)
		sse_block_unref(stream->aside[i].block);
	free(stream->aside);
	stream->aside = NULL;
	stream->n_aside = 0;
}

static void
stream_free(struct stream *stream)
{
	struct hub *hub = stream->hub;

	if (stream->reading) {
		stream->is_dead = true; /* freed when its page arrives */
		return;
	}
	forget_aside(stream);
	buf_deinit(&stream->page);
	list_remove(&stream->node);
	watch_put(hub, stream->watch);
	hub_interest(hub, -1);
	free(stream);
}

static void
on_sse_closed(struct sse_stream *sse)
{
	stream_free(container_of(sse, struct stream, sse));
}

static void
set_aside(struct stream *stream, const struct event *event, struct sse_block *block)
{
	if (stream->gap)
		return;
	if (stream->n_aside == SET_ASIDE_MAX) {
		forget_aside(stream);
		stream->gap = true;
		return;
	}
	if (!stream->aside)
		stream->aside = xcalloc(SET_ASIDE_MAX, sizeof *stream->aside);
	stream->aside[stream->n_aside++] =
		(struct aside) { event->seq, event->type, sse_block_ref(block) };
}

/* What was set aside may have come with a page meanwhile. */
static void
prune_aside(struct stream *stream)
{
	size_t n = 0;

	while (n < stream->n_aside && stream->aside[n].seq <= stream->pos)
		sse_block_unref(stream->aside[n++].block);
	stream->n_aside -= n;
	if (n > 0 && stream->n_aside > 0)
		memmove(stream->aside, stream->aside + n,
			stream->n_aside * sizeof *stream->aside);
}

static void
deliver(struct stream *stream, int64_t seq, enum event_type type, struct sse_block *block)
{
	if (seq <= stream->pos)
		return;
	stream->pos = seq;
	if (wants(stream, type))
		(void)sse_push(&stream->sse, block); /* a dropped stream closes by itself */
	if (stream->watch && event_type_is_final(type))
		sse_end(&stream->sse);
}

static void
go_live(struct stream *stream)
{
	stream->is_live = true;
	for (size_t i = 0; i < stream->n_aside; i++)
		deliver(stream, stream->aside[i].seq, stream->aside[i].type,
			stream->aside[i].block);
	forget_aside(stream);
}

/* --- Catching up --- */

static int
look_at_job(struct stream *stream, struct store_reader *reader, struct arena *arena,
	int64_t *ret_seq)
{
	struct job *job;
	int r = read_job(reader, stream->project, stream->job, arena, &job, &stream->err);

	stream->job_is_gone = r == STORE_NONE;
	if (r == STORE_NONE && stream->job_seq > 0) {
		*ret_seq = stream->job_seq; /* its last event says that it was deleted */
		return 0;
	}
	if (r != 0)
		return r;
	*ret_seq = stream->job_seq = job->seq;
	stream->job_is_over = job_state_is_final(job->state);
	return 0;
}

static int
read_page(struct stream *stream, struct store_reader *reader, struct arena *arena)
{
	struct event_filter filter = {
		.project = stream->project,
		.after_seq = stream->pos,
		.types = stream->types,
		.limit = PAGE_EVENTS,
		.bytes_max = PAGE_BYTES,
	};
	struct event *events;

	stream->page_n = 0;
	buf_clear(&stream->page);
	stream->page.max = PAGE_BYTES + FRAME_BYTES_MAX + PAGE_EVENTS * 400;
	stream->page_last = stream->pos;
	if (stream->watch) {
		int r = look_at_job(stream, reader, arena, &filter.job_seq);

		if (r != 0)
			return r < 0 ? -1 : 0;
	} else if (stream->pos < 0) { /* the project's, from now on */
		return read_last_event_seq(reader, &stream->page_last, &stream->err);
	}
	if (read_events(reader, &filter, arena, &events, &stream->page_n, &stream->err) < 0)
		return -1;
	for (size_t i = 0; i < stream->page_n; i++) {
		if (write_frame(&stream->page, &events[i]) < 0) {
			stream->page_n = i; /* the rest comes with the next page */
			break;
		}
		stream->page_last = events[i].seq;
	}
	return 0;
}

static void
on_page_work(uv_work_t *work)
{
	struct stream *stream = container_of(work, struct stream, work);
	struct api *api = stream->hub->api;
	struct store_reader *reader = api_reader_take(api, &stream->err);
	_cleanup_(arena_deinit) struct arena arena;

	arena_init(&arena, MIB(16));
	stream->result = reader ? read_page(stream, reader, &arena) : -1;
	if (reader)
		api_reader_give(api, reader);
}

static void catch_up(struct stream *stream);

/* A page is there: sends it, and goes on until there is nothing more. */
static void
take_page(struct stream *stream)
{
	bool is_end = stream->page_n == 0 && !stream->gap;

	if (stream->result < 0) {
		sse_end(&stream->sse); /* the reader comes back by itself, and knows where it
					  was */
		return;
	}
	stream->gap = false;
	stream->pos = stream->page_last;
	prune_aside(stream);
	if (stream->page.len > 0) {
		struct sse_block *block = sse_block_new(stream->page.data, stream->page.len);

		(void)sse_push(&stream->sse, block);
		sse_block_unref(block);
	}
	buf_deinit(&stream->page);
	if (stream->watch && is_end && stream->n_aside == 0 &&
		(stream->job_is_over || stream->job_is_gone))
		sse_end(&stream->sse);
	else if (is_end)
		go_live(stream);
	else if (stream->sse.n_queue == 0)
		catch_up(stream);
	/* Else on_drained() goes on: a reader that is slow to catch up is not dropped for it.
	 */
}

static void
on_page_done(uv_work_t *work, int status)
{
	struct stream *stream = container_of(work, struct stream, work);

	(void)status;
	stream->hub->api->reads_open--;
	stream->reading = false;
	if (stream->is_dead)
		stream_free(stream);
	else
		take_page(stream);
}

static void
catch_up(struct stream *stream)
{
	if (stream->reading || stream->sse.ending)
		return;
	stream->reading = true;
	stream->hub->api->reads_open++;
	if (uv_queue_work(stream->hub->api->loop, &stream->work, on_page_work, on_page_done) !=
		0)
		abort(); /* only for a missing callback */
}

static void
on_drained(struct sse_stream *sse)
{
	struct stream *stream = container_of(sse, struct stream, sse);

	if (!stream->is_live)
		catch_up(stream);
}

/* --- Opening --- */

static struct stream *
stream_new(struct hub *hub, struct call *call, const struct job_id *job, int64_t after,
	uint64_t types)
{
	struct stream *stream = xcalloc(1, sizeof *stream);

	stream->hub = hub;
	stream->project = call->project;
	stream->types = types;
	stream->pos = job && after < 0 ? 0 : after;
	if (job) {
		stream->job = *job;
		stream->watch = watch_get(hub, job);
	}
	list_push_back(job ? &stream->watch->streams : &hub->streams, &stream->node);
	hub_interest(hub, +1);
	return stream;
}

static int
read_first(struct call *call, struct store_reader *reader, struct err *err)
{
	struct stream *stream = call->state;

	if (read_page(stream, reader, call->arena) < 0) {
		*err = stream->err;
		return -1;
	}
	if (stream->job_is_gone)
		return err_set(err, ERR_NOT_FOUND, "there is no such job");
	return 0;
}

static void
cleanup_stream(struct call *call)
{
	if (call->state)
		stream_free(call->state);
	call->state = NULL;
}

void
hub_open(struct hub *hub, struct sse_stream *stream, int fd,
	void (*closed)(struct sse_stream *stream))
{
	static const char head[] =
		"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		"Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n"
		"X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n";
	struct sse_block *block = sse_block_new(head, sizeof head - 1);

	sse_open(&hub->sse, stream, fd, block, closed);
	sse_block_unref(block);
}

static void
on_first_page(struct call *call)
{
	struct stream *stream = call->state;
	int fd;

	if (call->read_result < 0) {
		call_read_error(call);
		return;
	}
	if (stream->watch && stream->job_is_over && stream->page_n == 0 && !stream->n_aside) {
		call_reply_empty(call, 204);
		return;
	}
	if (call->req->is_head) {
		call->type = "text/event-stream";
		call_reply(call, 200);
		return;
	}
	fd = http_take_socket(call->req, &call->err);
	if (fd < 0) {
		call_error(call, &call->err);
		return;
	}
	list_remove(&call->node);
	call->api->counters.answers[2]++;
	call->state = NULL; /* the socket's from here */
	stream->is_open = true;
	stream->sse.drained = on_drained;
	hub_open(stream->hub, &stream->sse, fd, on_sse_closed);
	take_page(stream);
}

void
hub_stream(struct hub *hub, struct call *call, const struct job_id *job, int64_t after,
	uint64_t types)
{
	if (hub->sse.n_streams >= hub->api->streams_max) {
		call_problem(call, PROBLEM_TOO_MANY_REQUESTS, "%u event streams are open",
			hub->api->streams_max);
		return;
	}
	call->state = stream_new(hub, call, job, after, types);
	call->cleanup = cleanup_stream;
	call_read(call, read_first, on_first_page);
}

/* --- Turns --- */

static void
offer(struct stream *stream, const struct event *event, struct sse_block *block)
{
	if (stream->is_live)
		deliver(stream, event->seq, event->type, block);
	else
		set_aside(stream, event, block);
}

static void
hub_event(struct hub *hub, const struct event *event)
{
	struct watch *watch = map_count(&hub->watches) == 0
		? NULL
		: map_get(&hub->watches, &event->job, sizeof event->job);
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(FRAME_BYTES_MAX);
	struct sse_block *block;

	if (!watch && list_empty(&hub->streams))
		return;
	if (write_frame(&text, event) < 0)
		return; /* data is limited far below */
	block = sse_block_new(text.data, text.len);
	LIST_FOR_EACH_SAFE(node, &hub->streams) {
		struct stream *stream = list_entry(node, struct stream, node);

		if (event->project == 0 || event->project == stream->project)
			offer(stream, event, block);
	}
	if (watch) {
		LIST_FOR_EACH_SAFE(node, &watch->streams)
			offer(list_entry(node, struct stream, node), event, block);
		while (event_type_is_final(event->type) && !list_empty(&watch->waiters)) {
			bool last = watch->waiters.next == watch->waiters.prev &&
				list_empty(&watch->streams);

			waiter_fire(hub, list_entry(watch->waiters.next, struct waiter, node));
			if (last)
				break; /* the watch went with it */
		}
	}
	sse_block_unref(block);
}

static void
look_again(struct stream *stream)
{
	stream->gap = true;
	if (!stream->is_open || !stream->is_live)
		return; /* its page is on the way and is followed by another */
	stream->is_live = false;
	catch_up(stream);
}

/* There were events that nobody copied. */
static void
hub_gap(struct hub *hub)
{
	struct map_entry entry;

	LIST_FOR_EACH_SAFE(node, &hub->streams)
		look_again(list_entry(node, struct stream, node));
	for (size_t at = 0; map_next(&hub->watches, &at, &entry);) {
		struct watch *watch = entry.value;

		LIST_FOR_EACH_SAFE(node, &watch->streams)
			look_again(list_entry(node, struct stream, node));
	}
	/* Each looks at its job and waits again when that has not ended: so no more than wait
	 * now. */
	for (size_t n = hub->waiters.n; n > 0 && heap_peek(&hub->waiters); n--)
		waiter_fire(hub, container_of(heap_peek(&hub->waiters), struct waiter, due));
}

void
hub_turn(struct hub *hub, const struct turn_output *output)
{
	if (hub->n_interested == 0 || output->last_event_seq == 0)
		return;
	if (output->n_events == 0)
		hub_gap(hub);
	for (size_t i = 0; i < output->n_events; i++)
		hub_event(hub, &output->events[i]);
	screens_turn(hub->api->screens, output);
	arm_timer(hub);
}

/* --- Start and stop --- */

int
hub_start(struct hub **ret, struct api *api, struct err *err)
{
	struct hub *hub = xcalloc(1, sizeof *hub);

	hub->api = api;
	map_init(&hub->watches, MAP_KEYS_BORROWED);
	heap_init(&hub->waiters);
	list_init(&hub->streams);
	if (sse_set_start(&hub->sse, api->loop, err) < 0) {
		free(hub);
		return -1;
	}
	(void)uv_timer_init(api->loop, &hub->timer);
	*ret = hub;
	return 0;
}

static void
on_timer_closed(uv_handle_t *handle)
{
	struct hub *hub = container_of((uv_timer_t *)handle, struct hub, timer);

	hub->timer_closed = true;
}

void
hub_stop(struct hub *hub)
{
	sse_set_stop(&hub->sse);
	uv_close((uv_handle_t *)&hub->timer, on_timer_closed);
}

bool
hub_is_closed(const struct hub *hub)
{
	return hub->timer_closed && sse_set_is_closed(&hub->sse);
}

void
hub_free(struct hub *hub)
{
	map_deinit(&hub->watches);
	heap_deinit(&hub->waiters);
	free(hub);
}

size_t
hub_streams(const struct hub *hub)
{
	return hub->sse.n_streams;
}

uint64_t
hub_dropped(const struct hub *hub)
{
	return hub->sse.dropped;
}
