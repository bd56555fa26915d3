/* SPDX-License-Identifier: Apache-2.0 */
/* Composition of a worker: options, folders, loop, signals; then everything happens in
 * callbacks. */
#include "worker/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "worker/bundle.h"
#include "worker/cgroup.h"
#include "worker/context.h"
#include "worker/poll.h"
#include "worker/pool.h"
#include "worker/runner.h"
#include "worker/screen.h"
#include "worker/task.h"
#include "worker/upload.h"
#include "worker/watch.h"

enum {
	GRACE_MS_DEFAULT = 10 * 1000, /* runner.md §3 */
	WATCH_MS = 500,               /* a disk is not filled much faster than this is seen */
};

#define DISK_BYTES_DEFAULT GIB(1)

extern char **environ;

/* What only worker_main() needs. */
struct life {
	struct worker *worker;
	uv_signal_t term, interrupt;
	uv_poll_t input;
	bool watches_input;
	int n_signals;
	struct err err;
};

/* pool_fail() has no other way to the caller of worker_main(). */
static struct life *the_life;

/* --- Options --- */

static int
fill_options(struct worker_options *options, const struct worker_options *given, char host[256],
	struct err *err)
{
	*options = *given;
	if (!options->url || !options->data_dir)
		return err_set(err, ERR_INVALID,
			"a worker needs the server's address and a data "
			"folder");
	if (!options->name) {
		if (gethostname(host, 256) < 0)
			return err_sys(err, ERR_INTERNAL, errno, "gethostname");
		host[255] = '\0';
		options->name = host;
	}
	if (options->capacity <= 0)
		options->capacity = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (options->capacity < 1)
		options->capacity = 1;
	if (options->capacity > WORKER_SLOTS_MAX)
		return err_set(err, ERR_LIMIT, "a worker carries out at most %d runs at a time",
			WORKER_SLOTS_MAX);
	if (options->grace_ms <= 0)
		options->grace_ms = GRACE_MS_DEFAULT;
	if (options->disk_bytes_max <= 0)
		options->disk_bytes_max = DISK_BYTES_DEFAULT;
	if (options->memory_short_bytes <= 0)
		options->memory_short_bytes = MEMORY_SHORT_BYTES;
	return 0;
}

static int
make_id(struct worker *worker, struct err *err)
{
	struct uuid id;

	if (!worker->options->id)
		uuid_v7(&id, clock_wall_ms(), &worker->rng);
	else if (uuid_parse(str_of(worker->options->id), &id) < 0)
		return err_set(
			err, ERR_INVALID, "\"%.60s\" is no worker id", worker->options->id);
	uuid_format(&id, worker->id);
	/* The random end: the front is time, which workers that start together share. */
	memcpy(worker->tag, worker->id + UUID_TEXT_LEN - 8, 8);
	return 0;
}

/* Kinds that were asked for must work; of the others those that do are offered. */
static int
choose_kinds(struct worker *worker, struct err *err)
{
	const char *const *asked = worker->options->kinds;

	for (size_t i = 0; !asked && i < KIND_COUNT; i++) {
		struct err why;

		worker->offers[i] = kind_available(&kind_table[i], &worker->places, &why) == 0;
		if (!worker->offers[i])
			log_info("worker.kind_missing", NULL, "no %s tests here: %s",
				kind_table[i].name, why.text);
	}
	for (; asked && *asked; asked++) {
		const struct kind *kind = kind_find(*asked);

		if (!kind)
			return err_set(err, ERR_INVALID, "there is no kind \"%.40s\"", *asked);
		if (kind_available(kind, &worker->places, err) < 0)
			return err_wrap(err, "kind %s", kind->name);
		worker->offers[kind - kind_table] = true;
	}
	return 0;
}

/*
 * What a runner inherits: our environment without what is Proctor's own, so that no token
 * reaches test code and no runner is taken for another's.
 */
static char **
make_env(void)
{
	size_t n = 0, kept = 0;

	while (environ[n])
		n++;
	char **env = xcalloc(n + 1, sizeof *env);
	for (size_t i = 0; i < n; i++) {
		bool is_ours = strncmp(environ[i], "PROCTOR_", 8) == 0;
		bool may_pass = strncmp(environ[i], "PROCTOR_RUNNERS_DIR=", 20) == 0 ||
			strncmp(environ[i], "PROCTOR_CHROMIUM=", 17) == 0 ||
			strncmp(environ[i], "PROCTOR_PLAYWRIGHT_SPARE=", 25) == 0;

		if ((!is_ours || may_pass) && strncmp(environ[i], "TMPDIR=", 7) != 0)
			env[kept++] = xstrdup(environ[i]);
	}
	return env;
}

/* --- Signals --- */

static void
on_signal(uv_signal_t *handle, int number)
{
	struct life *life = handle->data;
	bool is_first = life->n_signals++ == 0;

	log_info("worker.signal", NULL, "%s: %s", strsignal(number),
		is_first ? "leaving; runs go back to the server" : "leaving at once");
	pool_drain(life->worker, is_first ? POOL_SOON : POOL_NOW);
}

/* The server that started us is gone: nobody will take a result. */
static void
on_input(uv_poll_t *poll, int status, int events)
{
	struct life *life = poll->data;
	char bytes[256];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);

	(void)status, (void)events;
	if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
		return;
	uv_poll_stop(poll);
	log_info("worker.parent_gone", NULL, "the server is gone: leaving at once");
	life->worker->stops = true;
	pool_drop_all(life->worker);
	pool_drain(life->worker, POOL_NOW);
}

static void
on_watch(uv_timer_t *timer)
{
	struct worker *worker = timer->data;

	if (worker->has_orphans)
		worker->has_orphans = pool_end_orphans(worker) > 0;
	watch_all(worker);
}

void
pool_fail(struct worker *worker, enum err_code code, const char *text)
{
	err_set(&the_life->err, code, "%s", text);
	worker->stops = true;
	pool_drop_all(worker);
	pool_drain(worker, POOL_NOW);
}

static void
watch_signals(struct life *life)
{
	uv_loop_t *loop = life->worker->loop;

	uv_signal_init(loop, &life->term);
	uv_signal_init(loop, &life->interrupt);
	life->term.data = life->interrupt.data = life;
	uv_signal_start(&life->term, on_signal, SIGTERM);
	uv_signal_start(&life->interrupt, on_signal, SIGINT);
	/* stdin may be something that epoll does not take (a file): then there is no end to
	 * see. */
	if (life->worker->options->stop_on_stdin_eof &&
		uv_poll_init(loop, &life->input, STDIN_FILENO) == 0) {
		life->watches_input = true;
		life->input.data = life;
		uv_poll_start(&life->input, UV_READABLE, on_input);
	}
}

/* --- Life --- */

static int
set_up(struct worker *worker, struct err *err)
{
	const struct worker_options *options = worker->options;
	size_t len = strlen(options->url);
	_cleanup_free_ char *group = NULL;

	rng_seed_os(&worker->rng);
	list_init(&worker->tasks);
	list_init(&worker->runners);
	list_init(&worker->bundles);
	map_init(&worker->bundles_known, MAP_KEYS_COPIED);
	outbox_init(&worker->outbox);
	if (make_id(worker, err) < 0)
		return -1;
	while (len > 0 && options->url[len - 1] == '/')
		len--;
	worker->api = xasprintf("%.*s/api/v1", (int)len, options->url);
	kind_places_init(&worker->places, options->self, options->node, options->runners_dir);
	if (choose_kinds(worker, err) < 0 ||
		rundir_init(&worker->dirs, options->data_dir, worker->tag, err) < 0)
		return -1;
	worker->env = make_env();
	group = xasprintf("proctor-%s", worker->tag);
	(void)cgroup_make_base(group, &worker->cgroup); /* does without */
	/* What a killed shepherd had becomes ours. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return err_sys(err, ERR_INTERNAL, errno, "PR_SET_CHILD_SUBREAPER");
	/* A runner that left is seen as a failed write, not as a signal. */
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

static void
run(struct life *life)
{
	struct worker *worker = life->worker;

	worker->client = http_client_new(worker->loop);
	worker->uploader = uploader_new(worker);
	uv_timer_init(worker->loop, &worker->watch_timer);
	worker->watch_timer.data = worker;
	uv_timer_start(&worker->watch_timer, on_watch, WATCH_MS, WATCH_MS);
	screen_timer_init(worker);
	worker->poller = poller_new(worker);
	watch_signals(life);
	log_info("worker.started", NULL, "worker %s (%s), %d runs at a time", worker->id,
		worker->options->name, worker->options->capacity);

	uv_run(worker->loop, UV_RUN_DEFAULT); /* until pool_check_end() stops it */

	LIST_FOR_EACH_SAFE(node, &worker->tasks) {
		struct task *task = list_entry(node, struct task, node);
		upload_cancel(task);
		task_free(task);
	}
	poller_close(worker->poller);
	uploader_close(worker->uploader);
	bundle_close_all(worker);
	http_client_close(worker->client);
	uv_close((uv_handle_t *)&worker->watch_timer, NULL);
	uv_close((uv_handle_t *)&worker->screen_timer, NULL);
	uv_close((uv_handle_t *)&life->term, NULL);
	uv_close((uv_handle_t *)&life->interrupt, NULL);
	if (life->watches_input)
		uv_close((uv_handle_t *)&life->input, NULL);
	uv_run(worker->loop, UV_RUN_DEFAULT); /* until every handle is closed */
}

static void
tear_down(struct worker *worker)
{
	outbox_deinit(&worker->outbox);
	map_deinit(&worker->bundles_known);
	cgroup_remove(worker->cgroup);
	free(worker->cgroup);
	rundir_deinit(&worker->dirs);
	kind_places_deinit(&worker->places);
	for (char **at = worker->env; at && *at; at++)
		free(*at);
	free(worker->env);
	free(worker->api);
}

int
worker_main(const struct worker_options *given, struct err *err)
{
	struct worker_options options;
	struct worker worker = { .options = &options, .dirs = { .lock_fd = -1 } };
	struct life life = { .worker = &worker };
	uv_loop_t loop;
	char host[256];

	if (fill_options(&options, given, host, err) < 0)
		return -1;
	if (uv_loop_init(&loop) < 0)
		return err_set(err, ERR_INTERNAL, "the event loop could not be set up");
	worker.loop = &loop;
	the_life = &life;
	int r = set_up(&worker, err);
	if (r == 0)
		run(&life);
	tear_down(&worker);
	if (uv_loop_close(&loop) < 0)
		log_error("worker.loop", NULL, "handles were left open");
	the_life = NULL;
	if (r == 0 && life.err.code) {
		*err = life.err;
		return -1;
	}
	if (r == 0)
		log_info("worker.left", NULL, "worker %s has left", worker.id);
	return r;
}
