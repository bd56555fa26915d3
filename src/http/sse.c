/* SPDX-License-Identifier: Apache-2.0 */
/* One epoll set for all streams, one timer for all comments. */
#include "http/sse.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"

enum {
	TICK_MS = 1000,
	IOV_PER_WRITE = 16,
	EVENTS_PER_WAKE = 256,
	ENDING_MS_MAX = 30000,  /* for a reader that does not even take the last words */
	STALLED_MS_MAX = 60000, /* for one that takes nothing of what waits for it */
};

struct sse_block *
sse_block_new(const void *data, size_t len)
{
	struct sse_block *block = xmalloc(sizeof *block + len);

	block->refs = 1;
	block->len = len;
	if (len > 0)
		memcpy(block->data, data, len);
	return block;
}

struct sse_block *
sse_block_ref(struct sse_block *block)
{
	block->refs++;
	return block;
}

void
sse_block_unref(struct sse_block *block)
{
	if (block && --block->refs == 0)
		free(block);
}

/* --- One stream --- */

static void
drop_queue(struct sse_stream *stream, uint32_t keep)
{
	for (uint32_t i = keep; i < stream->n_queue; i++) {
		stream->waiting_bytes -= stream->queue[i]->len;
		sse_block_unref(stream->queue[i]);
	}
	stream->n_queue = keep;
}

/* Ends the stream now; its memory is the owner's again after `closed`. */
static void
stream_close(struct sse_stream *stream)
{
	struct sse_set *set = stream->set;

	drop_queue(stream, 0);
	free(stream->queue);
	stream->queue = NULL;
	list_remove(&stream->node);
	set->n_streams--;
	(void)shutdown(stream->fd, SHUT_WR);
	(void)close(stream->fd); /* leaves the epoll set with it */
	stream->fd = -1;
	stream->closed(stream);
}

static void
watch_writable(struct sse_stream *stream, bool on)
{
	struct epoll_event event = { .events = EPOLLRDHUP | EPOLLIN, .data.ptr = stream };

	if (stream->wants_write == on)
		return;
	stream->wants_write = on;
	if (on)
		event.events |= EPOLLOUT;
	(void)epoll_ctl(stream->set->epoll_fd, EPOLL_CTL_MOD, stream->fd, &event);
}

static void
touch(struct sse_stream *stream)
{
	stream->active_mono_ms = clock_mono_ms();
	list_remove(&stream->node);
	list_push_back(&stream->set->streams, &stream->node);
}

static void
take_sent(struct sse_stream *stream, size_t n)
{
	uint32_t done = 0;

	touch(stream);
	stream->waiting_bytes -= n;
	n += stream->offset;
	while (done < stream->n_queue && n >= stream->queue[done]->len) {
		n -= stream->queue[done]->len;
		sse_block_unref(stream->queue[done]);
		done++;
	}
	stream->offset = n;
	stream->n_queue -= done;
	memmove(stream->queue, stream->queue + done, stream->n_queue * sizeof *stream->queue);
}

/* Sends what it can. -1: the peer is gone. */
static int
flush(struct sse_stream *stream)
{
	while (stream->n_queue > 0) {
		struct iovec iov[IOV_PER_WRITE];
		struct msghdr msg = { .msg_iov = iov };

		for (uint32_t i = 0; i < stream->n_queue && i < IOV_PER_WRITE; i++) {
			size_t skip = i == 0 ? stream->offset : 0;

			iov[i].iov_base = stream->queue[i]->data + skip;
			iov[i].iov_len = stream->queue[i]->len - skip;
			msg.msg_iovlen++;
		}
		ssize_t n = sendmsg(stream->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
			return -1;
		if (n < 0)
			break;
		take_sent(stream, (size_t)n);
	}
	watch_writable(stream, stream->n_queue > 0);
	return 0;
}

static void
enqueue(struct sse_stream *stream, struct sse_block *block)
{
	if (stream->n_queue == stream->cap_queue) {
		stream->cap_queue = stream->cap_queue ? stream->cap_queue * 2 : 8;
		stream->queue =
			xreallocarray(stream->queue, stream->cap_queue, sizeof *stream->queue);
	}
	stream->queue[stream->n_queue++] = sse_block_ref(block);
	stream->waiting_bytes += block->len;
}

/* What is half sent is finished, the rest gives way to the reason. */
static void
drop_reader(struct sse_stream *stream)
{
	static const char words[] =
		"event: dropped\ndata: {\"reason\":\"too_slow\",\"detail\":"
		"\"more than 256 KiB waited; resume with Last-Event-ID\"}\n\n";
	struct sse_block *block = sse_block_new(words, sizeof words - 1);

	drop_queue(stream, stream->offset > 0 ? 1 : 0);
	enqueue(stream, block);
	sse_block_unref(block);
	stream->dropped = stream->ending = true;
	stream->set->dropped++;
}

bool
sse_push(struct sse_stream *stream, struct sse_block *block)
{
	if (stream->ending || stream->fd < 0)
		return false;
	touch(stream);
	if (stream->waiting_bytes + block->len > SSE_QUEUE_BYTES_MAX && stream->n_queue > 0) {
		drop_reader(stream);
		return false;
	}
	enqueue(stream, block);
	if (!stream->wants_write && flush(stream) < 0) {
		/* Closed from the loop: the caller still holds the stream. */
		(void)shutdown(stream->fd, SHUT_RDWR);
		stream->ending = true;
		return false;
	}
	return true;
}

void
sse_end(struct sse_stream *stream)
{
	if (stream->ending)
		return;
	stream->ending = true;
	stream->active_mono_ms = clock_mono_ms();
	/* The loop closes it: once the socket can be written, or at once. */
	watch_writable(stream, true);
}

void
sse_open(struct sse_set *set, struct sse_stream *stream, int fd, struct sse_block *head,
	void (*closed)(struct sse_stream *stream))
{
	struct epoll_event event = { .events = EPOLLRDHUP | EPOLLIN, .data.ptr = stream };

	stream->set = set;
	stream->fd = fd;
	stream->closed = closed;
	list_push_back(&set->streams, &stream->node);
	set->n_streams++;
	(void)epoll_ctl(set->epoll_fd, EPOLL_CTL_ADD, fd, &event);
	if (!uv_is_active((uv_handle_t *)&set->timer))
		(void)uv_timer_again(&set->timer);
	(void)sse_push(stream, head);
}

/* --- The set --- */

/* What a reader sends is of no interest; the end of it is. -1: it has left. */
static int
read_away(int fd)
{
	char nothing[512];
	ssize_t n = recv(fd, nothing, sizeof nothing, MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)) ? 0 : -1;
}

static void
on_ready(struct sse_stream *stream, uint32_t events)
{
	bool waited = stream->n_queue > 0;

	if ((events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP)) ||
		((events & EPOLLIN) && read_away(stream->fd) < 0) || flush(stream) < 0 ||
		(stream->ending && stream->n_queue == 0))
		stream_close(stream);
	else if (waited && stream->n_queue == 0 && stream->drained)
		stream->drained(stream);
}

static void
on_poll(uv_poll_t *poll, int status, int events)
{
	struct sse_set *set = container_of(poll, struct sse_set, poll);
	struct epoll_event event[EVENTS_PER_WAKE];
	int n = epoll_wait(set->epoll_fd, event, EVENTS_PER_WAKE, 0);

	(void)status;
	(void)events;
	for (int i = 0; i < n; i++)
		on_ready(event[i].data.ptr, event[i].events);
}

/* Comments for the silent, the end for those who were told and do not listen. */
static void
on_timer(uv_timer_t *timer)
{
	struct sse_set *set = container_of(timer, struct sse_set, timer);
	int64_t now = clock_mono_ms();

	LIST_FOR_EACH_SAFE(node, &set->streams) {
		struct sse_stream *stream = list_entry(node, struct sse_stream, node);

		if (stream->ending) {
			if (now - stream->active_mono_ms > ENDING_MS_MAX)
				stream_close(stream);
			continue;
		}
		if (now - stream->active_mono_ms < SSE_COMMENT_MS)
			break;
		if (stream->n_queue == 0)
			(void)sse_push(stream, set->comment);
		else if (now - stream->active_mono_ms > STALLED_MS_MAX)
			stream_close(stream);
	}
	if (list_empty(&set->streams))
		(void)uv_timer_stop(timer);
}

int
sse_set_start(struct sse_set *set, uv_loop_t *loop, struct err *err)
{
	static const char comment[] = ": keep-alive\n\n";

	*set = (struct sse_set) { .loop = loop };
	list_init(&set->streams);
	set->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (set->epoll_fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "epoll");
	set->comment = sse_block_new(comment, sizeof comment - 1);
	(void)uv_poll_init(loop, &set->poll, set->epoll_fd);
	(void)uv_poll_start(&set->poll, UV_READABLE, on_poll);
	(void)uv_timer_init(loop, &set->timer);
	(void)uv_timer_start(&set->timer, on_timer, TICK_MS, TICK_MS);
	(void)uv_timer_stop(&set->timer);
	set->handles_open = 2;
	return 0;
}

static void
on_closed(uv_handle_t *handle)
{
	struct sse_set *set = handle->data;

	if (--set->handles_open > 0)
		return;
	(void)close(set->epoll_fd);
	sse_block_unref(set->comment);
}

void
sse_set_stop(struct sse_set *set)
{
	while (!list_empty(&set->streams))
		stream_close(list_entry(set->streams.next, struct sse_stream, node));
	set->poll.data = set->timer.data = set;
	uv_close((uv_handle_t *)&set->poll, on_closed);
	uv_close((uv_handle_t *)&set->timer, on_closed);
}

bool
sse_set_is_closed(const struct sse_set *set)
{
	return set->handles_open == 0;
}
