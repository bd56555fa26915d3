/* SPDX-License-Identifier: Apache-2.0 */
/* The child is this program, as `serve --embedded`. */
#include "cli/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "cli/paths.h"
#include "cli/services.h"
#include "http/client.h"

enum {
	READY_MS = 30000, /* a large database may have to be recovered first */
	LEAVE_MS = 30000, /* for the worker to end its runs */
};

#define READY_LINE "listening on "

static int
read_token_of(struct embedded *embedded, const char *data_dir, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(TOKEN_BYTES_MAX + 2);
	_cleanup_(arena_deinit) struct arena arena;

	arena_init(&arena, KIB(64));
	if (file_read(paths_in(&arena, data_dir, PATHS_TOKEN), TOKEN_BYTES_MAX + 2, &text,
		    err) < 0)
		return err_wrap(err, "access token");
	struct str token = str_trim(buf_str(&text));
	embedded->remote.token = xstrndup(token.p ? token.p : "", token.n);
	return 0;
}

/* A server that answers there; a stale file names one that does not. */
static bool
is_alive(const char *url)
{
	_cleanup_free_ char *address = xasprintf("%s/healthz", url);
	const struct client_request request = {
		.method = "GET", .url = address, .timeout_ms = 5000
	};
	struct http_answer answer = { 0 };
	struct err ignored;

	if (http_call(&request, &answer, &ignored) < 0)
		return false;
	bool is_fine = answer.status == 200;
	http_answer_deinit(&answer);
	return is_fine;
}

static int
spawn_server(struct embedded *embedded, const char *data_dir, int connections, int *ret_stdout,
	struct err *err)
{
	char workers[24];
	bool has_more = connections > sysconf(_SC_NPROCESSORS_ONLN);
	const char *argv[] = { "/proc/self/exe", "serve", "--embedded", "--listen",
		"127.0.0.1:0", "--data", data_dir, has_more ? "--workers" : NULL, workers,
		NULL };
	_cleanup_close_ int log =
		open(embedded->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	struct spawn_child child = SPAWN_CHILD_INIT;
	int in[2], out[2];

	(void)snprintf(workers, sizeof workers, "%d", connections);
	if (log < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", embedded->log);
	if (pipe2(in, O_CLOEXEC) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "pipe");
	if (pipe2(out, O_CLOEXEC) < 0) {
		(void)close(in[0]), (void)close(in[1]);
		return err_sys(err, ERR_UNAVAILABLE, errno, "pipe");
	}
	/* A group of its own: a terminal's Ctrl-C is for us, who then stop the job in order. */
	const struct spawn_spec spec = {
		.argv = argv, .fd_in = in[0], .fd_out = out[1], .fd_err = log, .new_group = true
	};
	int r = spawn_start(&child, &spec, err);
	(void)close(in[0]), (void)close(out[1]);
	if (r < 0) {
		(void)close(in[1]), (void)close(out[0]);
		return -1;
	}
	embedded->pidfd = child.pidfd;
	embedded->stdin_fd = in[1];
	*ret_stdout = out[0];
	return 0;
}

/* Reads until the line that says where it listens. */
static int
read_ready_line(struct embedded *embedded, int fd, struct err *err)
{
	int64_t end_ms = clock_mono_ms() + READY_MS;
	char line[512];
	size_t len = 0;

	while (len + 1 < sizeof line) {
		struct pollfd wait = { .fd = fd, .events = POLLIN };
		int64_t left_ms = end_ms - clock_mono_ms();
		if (left_ms <= 0 || poll(&wait, 1, (int)left_ms) == 0)
			return err_set(
				err, ERR_UNAVAILABLE, "the embedded server does not get ready");
		ssize_t n = read(fd, line + len, 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			_cleanup_free_ char *tail = log_tail(embedded->log, 4);
			return err_set(err, ERR_UNAVAILABLE, "the embedded server ended: %s",
				tail[0] ? tail : "it said nothing");
		}
		if (line[len] == '\n')
			break;
		len++;
	}
	line[len] = '\0';
	if (strncmp(line, READY_LINE, strlen(READY_LINE)) != 0)
		return err_set(err, ERR_INTERNAL, "the embedded server said \"%.80s\"", line);
	embedded->remote.url = xstrdup(line + strlen(READY_LINE));
	return 0;
}

static int
start_child(struct embedded *embedded, const char *data_dir, int connections, struct err *err)
{
	_cleanup_close_ int fd = -1;

	embedded->log = xasprintf("%s/%s", data_dir, PATHS_SERVER_LOG);
	if (mkdir_p(data_dir, 0700, err) < 0 ||
		spawn_server(embedded, data_dir, connections, &fd, err) < 0)
		return -1;
	return read_ready_line(embedded, fd, err);
}

int
embedded_start(struct embedded *ret, const char *data_dir, int connections, struct err *err)
{
	struct embedded embedded = { .pidfd = -1, .stdin_fd = -1 };
	char *url = remote_local_url(data_dir);

	embedded.remote.data_dir = xstrdup(data_dir);
	if (url && is_alive(url)) {
		embedded.remote.url = url;
	} else {
		free(url);
		if (start_child(&embedded, data_dir, connections, err) < 0) {
			embedded_stop(&embedded);
			return -1;
		}
	}
	if (read_token_of(&embedded, data_dir, err) < 0) {
		embedded_stop(&embedded);
		return -1;
	}
	*ret = embedded;
	return 0;
}

void
embedded_stop(struct embedded *embedded)
{
	siginfo_t info;
	struct err ignored;

	if (embedded->stdin_fd >= 0)
		(void)close(embedded->stdin_fd);
	if (embedded->pidfd >= 0) {
		if (spawn_wait(embedded->pidfd, LEAVE_MS, &info, &ignored) == SPAWN_RUNNING) {
			(void)spawn_signal(embedded->pidfd, SIGKILL, &ignored);
			(void)spawn_wait(embedded->pidfd, LEAVE_MS, &info, &ignored);
		}
		(void)close(embedded->pidfd);
	}
	remote_deinit(&embedded->remote);
	free(embedded->log);
	*embedded = (struct embedded) { .pidfd = -1, .stdin_fd = -1 };
}

bool
embedded_is_dead(const struct embedded *embedded)
{
	struct pollfd wait = { .fd = embedded->pidfd, .events = POLLIN };

	return embedded->pidfd >= 0 && poll(&wait, 1, 0) > 0;
}
