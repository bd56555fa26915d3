/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event streams on sockets of their own (http_take_socket()): many readers, shared text,
 * bounded queues. A stream costs one struct while its reader keeps up; text that is waiting is
 * shared by all streams that wait for it.
 *
 * Everything happens on the loop's thread. What is pushed during one turn of the loop to a
 * stream that is idle goes out at once, without a trip through the loop.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/list.h"

/* Encoded text with a count of those who hold it. */
struct sse_block {
	unsigned refs;
	size_t len;
	char data[];
};

struct sse_block *sse_block_new(const void *data, size_t len);
struct sse_block *sse_block_ref(struct sse_block *block);
void sse_block_unref(struct sse_block *block); /* NULL is fine */

struct sse_set {
	uv_loop_t *loop;
	int epoll_fd;
	uv_poll_t poll;
	uv_timer_t timer;         /* runs while there are streams */
	struct list_node streams; /* the one that was silent longest first */
	size_t n_streams;
	unsigned handles_open;
	struct sse_block *comment;
	uint64_t dropped; /* readers that were too slow, ever */
};

struct sse_stream {
	struct sse_set *set;
	struct list_node node;
	void (*closed)(struct sse_stream *stream);  /* frees the owner */
	void (*drained)(struct sse_stream *stream); /* nothing waits any more; NULL: not told */
	struct sse_block **queue;                   /* waiting blocks, oldest first */
	uint32_t n_queue, cap_queue;
	size_t offset; /* bytes of the first block that are sent */
	size_t waiting_bytes;
	int64_t active_mono_ms; /* last time something was put in */
	int fd;
	bool wants_write, ending, dropped;
};

int sse_set_start(struct sse_set *set, uv_loop_t *loop, struct err *err) MUST_CHECK;

/* Closes every stream at once, then the handles; the memory may go when the loop has closed
 * them. */
void sse_set_stop(struct sse_set *set);
bool sse_set_is_closed(const struct sse_set *set);

/* Starts a stream on fd (owned): `head` is the whole head of the answer. */
void sse_open(struct sse_set *set, struct sse_stream *stream, int fd, struct sse_block *head,
	void (*closed)(struct sse_stream *stream));

/*
 * Sends the block, or queues it. A reader for which more than SSE_QUEUE_BYTES_MAX wait is told
 * so and dropped. False when the stream takes nothing more. The stream may not be freed by this
 * call: `closed` comes later, from the loop.
 */
bool sse_push(struct sse_stream *stream, struct sse_block *block);

/* Closes when everything that waits is sent. */
void sse_end(struct sse_stream *stream);
