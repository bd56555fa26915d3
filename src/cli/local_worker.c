/* SPDX-License-Identifier: Apache-2.0 */
/* One child, watched through its pidfd in the loop. */
#include "cli/local_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "cli/paths.h"

enum {
	PAUSE_MS_MIN = 100,   /* before the first restart */
	PAUSE_MS_MAX = 10000, /* and never longer than this */
	HEALTHY_MS = 30000,   /* a child that lived so long resets the pause */
};

static int start_child(struct local_worker *worker, struct err *err);

static void
on_restart(uv_timer_t *timer)
{
	struct local_worker *worker = timer->data;
	struct err err;

	if (worker->is_stopping || start_child(worker, &err) == 0)
		return;
	log_error("worker.start_failed", NULL, "%s", err.text);
	(void)uv_timer_start(timer, on_restart, PAUSE_MS_MAX, 0);
}

static void
plan_restart(struct local_worker *worker)
{
	if (clock_mono_ms() - worker->started_mono_ms >= HEALTHY_MS)
		worker->pause_ms = PAUSE_MS_MIN;
	log_warn("worker.restarting", NULL,
		"the local worker is gone; next one in %" PRId64 " ms", worker->pause_ms);
	(void)uv_timer_start(&worker->restart_timer, on_restart, (uint64_t)worker->pause_ms, 0);
	worker->pause_ms *= 2;
	if (worker->pause_ms > PAUSE_MS_MAX)
		worker->pause_ms = PAUSE_MS_MAX;
}

static void
close_child(struct local_worker *worker)
{
	(void)uv_poll_stop(&worker->exit_poll);
	if (worker->pidfd >= 0)
		(void)close(worker->pidfd);
	if (worker->stdin_fd >= 0)
		(void)close(worker->stdin_fd);
	worker->pid = worker->pidfd = worker->stdin_fd = -1;
	worker->is_running = false;
}

static void
on_closed_poll(uv_handle_t *handle)
{
	struct local_worker *worker = handle->data;
	struct worker_id id = worker->id;
	bool is_last = worker->is_stopping;

	if (!is_last)
		plan_restart(worker);
	worker->gone(worker->arg, id, is_last);
}

static void
on_child_exit(uv_poll_t *poll, int status, int events)
{
	struct local_worker *worker = poll->data;
	siginfo_t info;
	struct err err;

	(void)status, (void)events;
	if (spawn_reap(worker->pidfd, &info, &err) == SPAWN_RUNNING)
		return;
	if (!worker->is_stopping)
		log_warn("worker.ended", NULL, "the local worker ended (%s %d)",
			info.si_code == CLD_EXITED ? "status" : "signal", info.si_status);
	close_child(worker);
	/* A poll handle belongs to its descriptor, so each child gets a new one. */
	uv_close((uv_handle_t *)poll, on_closed_poll);
}

static int
watch_child(struct local_worker *worker, const struct spawn_child *child, int stdin_fd,
	struct err *err)
{
	worker->pid = child->pid;
	worker->pidfd = child->pidfd;
	worker->stdin_fd = stdin_fd;
	worker->is_running = true;
	worker->started_mono_ms = clock_mono_ms();
	int r = uv_poll_init(worker->loop, &worker->exit_poll, child->pidfd);
	worker->exit_poll.data = worker;
	if (r == 0)
		r = uv_poll_start(&worker->exit_poll, UV_READABLE, on_child_exit);
	return r == 0 ? 0 : err_sys(err, ERR_UNAVAILABLE, -r, "watch the local worker");
}

/*
 * A local worker never outlives its server: its stdin ends with it. So the one that is noted in
 * the data directory is dead or dying, and its runs need not wait for the end of its lease.
 */
static void
bury_predecessor(struct local_worker *worker)
{
	_cleanup_free_ char *path =
		xasprintf("%s/" PATHS_LOCAL_WORKER, worker->options.data_dir);
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(UUID_TEXT_LEN);
	struct worker_id id;
	struct err err;

	if (file_read(path, UUID_TEXT_LEN, &text, &err) == 0 &&
		uuid_parse(buf_str(&text), &id.u) == 0)
		worker->gone(worker->arg, id, false);
}

/* A note that cannot be written costs one lease after a crash, no more. */
static void
note_id(const struct local_worker *worker, const char *id)
{
	_cleanup_free_ char *path =
		xasprintf("%s/" PATHS_LOCAL_WORKER, worker->options.data_dir);
	struct err err;

	if (file_write_atomic(path, id, strlen(id), 0600, &err) < 0)
		log_warn("worker.not_noted", NULL, "%s", err.text);
}

static const char *const *
child_argv(struct arena *arena, const struct local_worker_options *o, const char *id)
{
	const char *const fixed[] = { "/proc/self/exe", "worker", "--embedded", "--url", o->url,
		"--token-file", o->token_file, "--data", o->data_dir, "--capacity",
		arena_printf(arena, "%" PRId64, o->capacity), "--id", id, "--name", "local",
		"--log", o->log_level };
	size_t n = ARRAY_LEN(fixed);
	const char **argv = arena_xalloc(arena, (n + 3 + 2 * o->n_resources) * sizeof *argv);

	memcpy(argv, fixed, sizeof fixed);
	if (o->runners_dir) {
		argv[n++] = "--runners";
		argv[n++] = o->runners_dir;
	}
	for (size_t i = 0; i < o->n_resources; i++) {
		argv[n++] = "--resource";
		argv[n++] = o->resources[i];
	}
	argv[n] = NULL;
	return argv;
}

static int
start_child(struct local_worker *worker, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	char id[UUID_TEXT_LEN + 1];
	int ends[2];

	uuid_v7(&worker->id.u, clock_wall_ms(), &worker->rng);
	uuid_format(&worker->id.u, id);
	note_id(worker, id);
	arena_init(&arena, MIB(1));
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "pipe");
	struct spawn_spec spec = { .argv = child_argv(&arena, &worker->options, id),
		.fd_in = ends[0],
		.fd_out = STDERR_FILENO,
		.fd_err = STDERR_FILENO,
		/* A terminal's Ctrl-C is for the server, which then stops its worker in order.
		 */
		.new_group = true };
	struct spawn_child child = SPAWN_CHILD_INIT;
	int r = spawn_start(&child, &spec, err);
	(void)close(ends[0]);
	if (r < 0) {
		(void)close(ends[1]);
		return err_wrap(err, "start the local worker");
	}
	return watch_child(worker, &child, ends[1], err);
}

static void
local_worker_init(struct local_worker *worker, uv_loop_t *loop,
	const struct local_worker_options *options,
	void (*gone)(void *arg, struct worker_id id, bool is_last), void *arg)
{
	*worker = (struct local_worker) { .loop = loop,
		.options = *options,
		.gone = gone,
		.arg = arg,
		.pid = -1,
		.pidfd = -1,
		.stdin_fd = -1,
		.pause_ms = PAUSE_MS_MIN };
	rng_seed_os(&worker->rng);
	(void)uv_timer_init(loop, &worker->restart_timer);
	worker->restart_timer.data = worker;
}

int
local_worker_start(struct local_worker *worker, uv_loop_t *loop,
	const struct local_worker_options *options,
	void (*gone)(void *arg, struct worker_id id, bool is_last), void *arg, struct err *err)
{
	local_worker_init(worker, loop, options, gone, arg);
	bury_predecessor(worker);
	return start_child(worker, err);
}

int
local_worker_adopt(struct local_worker *worker, uv_loop_t *loop,
	const struct local_worker_options *options, const struct local_worker_child *child,
	void (*gone)(void *arg, struct worker_id id, bool is_last), void *arg, struct err *err)
{
	const struct spawn_child spawned = { .pid = child->pid, .pidfd = child->pidfd };

	local_worker_init(worker, loop, options, gone, arg);
	worker->id = child->id;
	return watch_child(worker, &spawned, child->stdin_fd, err);
}

bool
local_worker_release(struct local_worker *worker, struct local_worker_child *ret)
{
	if (!worker->loop || !worker->is_running)
		return false;
	*ret = (struct local_worker_child) { worker->pid, worker->pidfd, worker->stdin_fd,
		worker->id };
	(void)uv_poll_stop(&worker->exit_poll);
	worker->is_running = false;
	worker->pid = worker->pidfd = worker->stdin_fd = -1;
	uv_close((uv_handle_t *)&worker->exit_poll, NULL);
	return true;
}

bool
local_worker_stop(struct local_worker *worker)
{
	struct err err;

	worker->is_stopping = true;
	if (!worker->loop)
		return false;
	(void)uv_timer_stop(&worker->restart_timer);
	if (!worker->is_running)
		return false;
	/* SPAWN_GONE is fine: its end is on its way to on_child_exit(). */
	if (spawn_signal(worker->pidfd, SIGTERM, &err) < 0)
		log_warn("worker.stop_failed", NULL, "%s", err.text);
	return true;
}

void
local_worker_kill(struct local_worker *worker)
{
	struct err ignored;

	worker->is_stopping = true;
	/* Its end of stdin makes it kill its runs itself; SIGKILL would leave that to
	 * shepherds. */
	if (worker->stdin_fd >= 0)
		(void)close(worker->stdin_fd);
	worker->stdin_fd = -1;
	if (worker->is_running)
		(void)spawn_signal(worker->pidfd, SIGTERM, &ignored);
}

void
local_worker_close(struct local_worker *worker)
{
	if (!worker->loop)
		return;
	local_worker_kill(worker);
	if (worker->is_running) {
		close_child(worker);
		uv_close((uv_handle_t *)&worker->exit_poll, NULL);
	}
	uv_close((uv_handle_t *)&worker->restart_timer, NULL);
	worker->loop = NULL;
}
