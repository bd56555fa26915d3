/* SPDX-License-Identifier: Apache-2.0 */
/* The listening socket: our own, or one that was handed over. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/parse.h"
#include "http/server_impl.h"

enum {
	LISTEN_BACKLOG = 1024,
};

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

int
listener_open(struct http_server *server, struct err *err)
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
