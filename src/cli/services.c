/* SPDX-License-Identifier: Apache-2.0 */
/* Services under shepherds. */
#include "cli/services.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/parse.h"
#include "base/spawn.h"
#include "cli/job_view.h"
#include "http/client.h"
#include "worker/shepherd.h"

enum {
	READY_MS_DEFAULT = 60000, /* how long a service may take to get ready */
	READY_PROBE_MS = 50,      /* between two questions; nobody tells us when */
	STOP_MS = 5000,           /* from SIGTERM to SIGKILL */
	KILL_MS = 10000,          /* until nothing is left; then only the kernel can help */
};

/* --- Notes of the shepherd --- */

/* Reads notes for at most timeout_ms; true once everything of the service is gone. */
static bool
read_notes(struct service *service, int timeout_ms, char *ret_text, size_t text_max)
{
	struct pollfd wait = { .fd = service->control, .events = POLLIN };
	struct shepherd_note note;

	while (poll(&wait, 1, timeout_ms) > 0) {
		ssize_t n = recv(service->control, &note, sizeof note, 0);
		if (n < (ssize_t)sizeof note)
			return true; /* the shepherd itself is gone */
		if (note.word == SHEPHERD_FAILED)
			(void)snprintf(ret_text, text_max, "%s", note.text);
		if (note.word == SHEPHERD_EXITED)
			(void)snprintf(ret_text, text_max, "it ended with %s %d",
				note.code == CLD_EXITED ? "status" : "signal", note.status);
		if (note.word == SHEPHERD_FAILED || note.word == SHEPHERD_EXITED)
			service->is_over = true;
		if (note.word == SHEPHERD_EMPTY)
			return true;
		timeout_ms = 0;
	}
	return false;
}

static bool
wait_empty(struct service *service, int64_t timeout_ms)
{
	int64_t end_ms = clock_mono_ms() + timeout_ms;
	char ignored[200];

	for (int64_t left = timeout_ms; left > 0; left = end_ms - clock_mono_ms()) {
		if (read_notes(service, (int)left, ignored, sizeof ignored))
			return true;
	}
	return false;
}

static void
order(struct service *service, char what)
{
	/* A shepherd that is gone has nothing left to kill. */
	(void)!send(service->control, &what, 1, MSG_NOSIGNAL);
}

static void
stop_one(struct service *service)
{
	siginfo_t info;
	struct err ignored;

	if (service->pidfd >= 0) {
		order(service, SHEPHERD_TERM);
		if (!wait_empty(service, STOP_MS)) {
			order(service, SHEPHERD_KILL);
			(void)wait_empty(service, KILL_MS);
		}
		/* The end of the socket makes a shepherd that is left kill everything. */
		(void)close(service->control);
		(void)spawn_wait(service->pidfd, KILL_MS, &info, &ignored);
		(void)close(service->pidfd);
		service->pidfd = -1;
	}
	if (service->dir)
		(void)tree_remove(AT_FDCWD, service->dir, &ignored);
	free(service->name);
	free(service->log);
	free(service->dir);
}

void
services_stop(struct services *services)
{
	/* The last one started may need the ones before it to end well. */
	for (size_t i = services->n; i > 0; i--)
		stop_one(&services->item[i - 1]);
	free(services->item);
	*services = (struct services) { 0 };
}

/* --- Starting --- */

struct start {
	const json_t *spec;
	const char *dir;   /* relative paths */
	const char **argv; /* shepherd and program; owned */
	const char **env;  /* owned, with the new ones owned too */
	size_t n_env_own;  /* of env: ours alone */
};

static int
read_command(struct start *start, const struct service *service, char *cwd, struct err *err)
{
	const json_t *command = json_object_get(start->spec, "command");
	size_t n = json_array_size(command);

	if (n == 0)
		return err_set(err, ERR_INVALID,
			"service %s: command must be a list of texts, [program, argument, …]",
			service->name);
	start->argv = xcalloc(n + 6, sizeof *start->argv);
	start->argv[0] = "/proc/self/exe";
	start->argv[1] = "runner-shepherd";
	start->argv[2] = service->dir;
	start->argv[3] = "-";
	start->argv[4] = cwd;
	for (size_t i = 0; i < n; i++) {
		start->argv[5 + i] = json_string_value(json_array_get(command, i));
		if (!start->argv[5 + i])
			return err_set(err, ERR_INVALID, "service %s: command must be texts",
				service->name);
	}
	return 0;
}

extern char **environ;

static void
read_env(struct start *start)
{
	json_t *env = json_object_get(start->spec, "env"), *value;
	const char *name;
	size_t n = 0, i = json_object_size(env);

	while (environ[n])
		n++;
	start->env = xcalloc(n + i + 1, sizeof *start->env);
	json_object_foreach(env, name, value)
	{
		_cleanup_free_ char *dump = json_is_string(value)
			? xstrdup(json_string_value(value))
			: json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
		start->env[start->n_env_own++] = xasprintf("%s=%s", name, dump ? dump : "");
	}
	/* The first of a name counts for most programs, so ours stand before the inherited. */
	size_t at = start->n_env_own;
	for (size_t e = 0; e < n; e++) {
		size_t len = strcspn(environ[e], "=") + 1;
		bool is_ours = false;
		for (size_t o = 0; o < start->n_env_own; o++)
			is_ours = is_ours || strncmp(start->env[o], environ[e], len) == 0;
		if (!is_ours)
			start->env[at++] = environ[e];
	}
}

static void
start_deinit(struct start *start)
{
	for (size_t i = 0; i < start->n_env_own; i++)
		free((char *)start->env[i]);
	free(start->env);
	free(start->argv);
}

static int
spawn_shepherd(struct service *service, const struct start *start, struct err *err)
{
	_cleanup_close_ int log =
		open(service->log, O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
	_cleanup_close_ int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct spawn_child child = SPAWN_CHILD_INIT;
	int ends[2];

	if (log < 0 || null < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", service->log);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "socket pair");
	const struct spawn_fd map[] = { { ends[1], SHEPHERD_FD_CONTROL },
		{ null, SHEPHERD_FD_REQUESTS }, { null, SHEPHERD_FD_REPLIES } };
	const struct spawn_spec spec = { .argv = start->argv,
		.env = start->env,
		.fd_in = -1,
		.fd_out = log,
		.fd_err = log,
		.map = map,
		.n_map = ARRAY_LEN(map),
		.new_group = true };
	int r = spawn_start(&child, &spec, err);
	(void)close(ends[1]);
	if (r < 0) {
		(void)close(ends[0]);
		return -1;
	}
	service->pidfd = child.pidfd;
	service->control = ends[0];
	return 0;
}

static int
start_one(struct service *service, const json_t *spec, const char *dir, struct err *err)
{
	struct start start = { .spec = spec, .dir = dir };
	const char *cwd = json_text(spec, "cwd");
	_cleanup_free_ char *full = cwd[0] == '/' ? xstrdup(cwd)
		: cwd[0]                          ? xasprintf("%s/%s", dir, cwd)
						  : xstrdup(dir);

	if (mkdir_p(service->dir, 0700, err) < 0)
		return -1;
	int r = read_command(&start, service, full, err);
	if (r == 0) {
		read_env(&start);
		r = spawn_shepherd(service, &start, err);
	}
	start_deinit(&start);
	return r;
}

/* --- Ready --- */

/* "GET address" gives the address; NULL with err for anything else. */
static const char *
ready_address(const struct service *service, const char *ready, struct err *err)
{
	if (strncmp(ready, "GET http", 8) == 0)
		return ready + 4;
	(void)err_set(err, ERR_INVALID,
		"service %s: ready must be \"GET http://…\", not \"%.60s\"", service->name,
		ready);
	return NULL;
}

static bool
answers(const char *address)
{
	const struct client_request request = {
		.method = "GET", .url = address, .timeout_ms = 2000, .response_max = MIB(16)
	};
	struct http_answer answer = { 0 };
	struct err ignored;

	if (http_call(&request, &answer, &ignored) < 0)
		return false;
	bool is_fine = answer.status >= 200 && answer.status < 400;
	http_answer_deinit(&answer);
	return is_fine;
}

static int
wait_ready(struct service *service, const json_t *spec, bool (*is_cancelled)(void),
	struct err *err)
{
	const char *ready = json_text(spec, "ready");
	const json_t *limit = json_object_get(spec, "timeout");
	int64_t limit_ms = READY_MS_DEFAULT;
	char text[200] = "";

	if (json_is_integer(limit))
		limit_ms = json_int(spec, "timeout");
	else if (limit &&
		parse_duration_ms(
			str_of(json_text(spec, "timeout")), DAYS_MS(1), &limit_ms, err) < 0)
		return err_wrap(err, "service %s: timeout", service->name);
	const char *address = ready[0] ? ready_address(service, ready, err) : NULL;
	if (ready[0] && !address)
		return -1;
	for (int64_t end_ms = clock_mono_ms() + limit_ms; clock_mono_ms() < end_ms;) {
		(void)read_notes(service, address ? READY_PROBE_MS : 0, text, sizeof text);
		if (service->is_over)
			return err_set(err, ERR_UNAVAILABLE, "service %s is not there: %s",
				service->name, text);
		if (!address || answers(address))
			return 0;
		if (is_cancelled && is_cancelled())
			return err_set(err, ERR_UNAVAILABLE, "interrupted");
	}
	return err_set(err, ERR_UNAVAILABLE, "service %s is not ready: %s does not answer",
		service->name, address);
}

int
services_start(struct services *ret, const json_t *specs, const char *dir, const char *log_dir,
	bool (*is_cancelled)(void), struct err *err)
{
	struct services services = { .item = xcalloc(json_array_size(specs) + 1,
					     sizeof(struct service)) };
	json_t *spec;
	size_t i;
	int r = 0;

	if (!json_is_array(specs))
		r = err_set(err, ERR_INVALID, "services must be a list");
	json_array_foreach((json_t *)specs, i, spec)
	{
		if (r < 0)
			break;
		struct service *service = &services.item[services.n++];
		const char *name = json_text(spec, "name");
		*service = (struct service) { .pidfd = -1,
			.control = -1,
			.name = name[0] ? xstrdup(name) : xasprintf("%zu", i + 1),
			.log = xasprintf("%s/service-%zu.log", log_dir, i + 1),
			.dir = xasprintf("%s/service-%d-%zu", log_dir, (int)getpid(), i + 1) };
		r = start_one(service, spec, dir, err);
		if (r == 0)
			r = wait_ready(service, spec, is_cancelled, err);
		if (r < 0) {
			_cleanup_free_ char *tail = log_tail(service->log, 15);
			if (tail[0])
				(void)fprintf(stderr, "%s", tail);
		}
	}
	if (r < 0)
		services_stop(&services);
	else
		*ret = services;
	return r;
}

char *
log_tail(const char *path, int lines)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	_cleanup_(buf_deinit) struct buf plain = BUF_INIT(KIB(16));
	char bytes[8192 + 1];
	struct stat info;

	if (fd < 0 || fstat(fd, &info) < 0)
		return xstrdup("");
	off_t from = info.st_size > 8192 ? info.st_size - 8192 : 0;
	ssize_t n = pread(fd, bytes, 8192, from);
	if (n <= 0)
		return xstrdup("");
	bytes[n] = '\0';
	size_t at = (size_t)n;
	for (int seen = 0; at > 0; at--) {
		if (bytes[at - 1] == '\n' && at != (size_t)n && ++seen == lines)
			break;
	}
	put_plain(&plain, bytes + at);
	return buf_steal(&plain);
}
