/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting and answering. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>

#include "http/server_impl.h"

static int
connection_fd(const struct http_request *req)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CONNECTION_FD);

	return info ? info->connect_fd : -1;
}

struct http_peer *
request_peer(const struct http_request *req)
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

void
request_suspend(struct http_request *req)
{
	assert(!req->suspended);
	req->suspended = true;
	MHD_suspend_connection(req->connection);
}

void
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

enum MHD_Result
request_queue_reply(struct http_request *req)
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
