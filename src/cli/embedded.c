/* SPDX-License-Identifier: Apache-2.0 */
/* The child is this program, as `serve --embedded`. */
#include "cli/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
#include "core/needs.h"
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

static void
want_resource(struct embedded_wants *wants, const char *name)
{
	/* Those a worker has by itself. A name that is none is for the server to refuse. */
	if (strcmp(name, "cpu") == 0 || strcmp(name, "memory") == 0 || !needs_name_ok(name))
		return;
	for (size_t i = 0; i < wants->n_resources; i++) {
		if (strcmp(wants->resources[i], name) == 0)
			return;
	}
	/* Two are left to cpu and memory. */
	if (wants->n_resources < RESOURCES_MAX - 2)
		wants->resources[wants->n_resources++] = name;
}

void
embedded_want_needs(struct embedded_wants *wants, const json_t *job)
{
	const json_t *stage;
	const char *name;
	json_t *amount;
	size_t i;

	json_object_foreach(json_object_get(job, "needs"), name, amount)
		want_resource(wants, name);
	json_array_foreach(json_object_get(job, "stages"), i, stage)
		embedded_want_needs(wants, json_object_get(stage, "run"));
}

/*
 * NULL at its end. Nobody said how much of a resource there is here, so there is as much of it
 * as can be: the job's concurrency is what limits.
 */
static const char *const *
server_argv(struct arena *arena, const char *data_dir, const struct embedded_wants *wants)
{
	const char *const fixed[] = { "/proc/self/exe", "serve", "--embedded", "--listen",
		"127.0.0.1:0", "--data", data_dir };
	size_t n = ARRAY_LEN(fixed);
	const char **argv =
		arena_xalloc(arena, (n + 3 + 2 * wants->n_resources) * sizeof *argv);

	memcpy(argv, fixed, sizeof fixed);
	if (wants->connections > sysconf(_SC_NPROCESSORS_ONLN)) {
		argv[n++] = "--workers";
		argv[n++] = arena_printf(arena, "%d", wants->connections);
	}
	for (size_t i = 0; i < wants->n_resources; i++) {
		argv[n++] = "--resource";
		argv[n++] =
			arena_printf(arena, "%s=%" PRId64, wants->resources[i], RESOURCE_MAX);
	}
	argv[n] = NULL;
	return argv;
}

static int
spawn_server(struct embedded *embedded, const char *data_dir,
	const struct embedded_wants *wants, int *ret_stdout, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	_cleanup_close_ int log =
		open(embedded->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	struct spawn_child child = SPAWN_CHILD_INIT;
	int in[2], out[2];

	arena_init(&arena, KIB(64));
	if (log < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", embedded->log);
	if (pipe2(in, O_CLOEXEC) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "pipe");
	if (pipe2(out, O_CLOEXEC) < 0) {
		(void)close(in[0]), (void)close(in[1]);
		return err_sys(err, ERR_UNAVAILABLE, errno, "pipe");
	}
	/* A group of its own: a terminal's Ctrl-C is for us, who then stop the job in order. */
	const struct spawn_spec spec = { .argv = server_argv(&arena, data_dir, wants),
		.fd_in = in[0],
		.fd_out = out[1],
		.fd_err = log,
		.new_group = true };
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
start_child(struct embedded *embedded, const char *data_dir, const struct embedded_wants *wants,
	struct err *err)
{
	_cleanup_close_ int fd = -1;

	embedded->log = xasprintf("%s/%s", data_dir, PATHS_SERVER_LOG);
	if (mkdir_p(data_dir, 0700, err) < 0 ||
		spawn_server(embedded, data_dir, wants, &fd, err) < 0)
		return -1;
	return read_ready_line(embedded, fd, err);
}

int
embedded_start(struct embedded *ret, const char *data_dir, const struct embedded_wants *wants,
	struct err *err)
{
	struct embedded embedded = { .pidfd = -1, .stdin_fd = -1 };
	char *url = remote_local_url(data_dir);

	embedded.remote.data_dir = xstrdup(data_dir);
	if (url && is_alive(url)) {
		embedded.remote.url = url;
	} else {
		free(url);
		if (start_child(&embedded, data_dir, wants, err) < 0) {
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
