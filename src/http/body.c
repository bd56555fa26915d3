/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: into a buffer, or in parts to a sink on the pool. */
#include "http/server_impl.h"

enum {
	PART_BYTES = 256 * 1024, /* of a streamed body, for each trip to the pool */
};

void
body_refuse(struct http_request *req, uint64_t max)
{
	struct err why;

	if (http_is_answered(req))
		return;
	if (max == 0)
		(void)err_set(&why, ERR_LIMIT, "this request takes no body");
	else
		(void)err_set(&why, ERR_LIMIT, "the body is longer than %llu bytes",
			(unsigned long long)max);
	request_refuse(req, 413, &why);
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

void
body_flush(struct http_request *req)
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
		body_refuse(req, req->sink.bytes_max);
		return;
	}
	if (!req->part.data)
		req->part = (struct buf)BUF_INIT(PART_BYTES + CONNECTION_MEMORY_BYTES);
	if (buf_add(&req->part, data, len) < 0)
		abort(); /* one read is smaller than the room above PART_BYTES */
	if (req->part.len >= PART_BYTES)
		body_flush(req);
}

void
body_take(struct http_request *req, const char *data, size_t len)
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
		body_refuse(req, req->body_max);
}
