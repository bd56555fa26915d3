/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `proctor serve`: puts store, blobs, engine, HTTP API and the local worker together, runs the
 * loop, and takes everything apart again in an order that loses nothing.
 *
 * Stopping: the worker first (its runs go back to the queue or end), then the API answers what
 * is under way, then engine and store close. A second signal skips the waiting.
 *
 * Restarting (SIGHUP, SIGUSR2): the same without the worker, then exec() of the program anew,
 * which inherits the listening sockets and the worker (cli/hand_over.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mac.h"
#include "base/mem.h"
#include "base/parse.h"
#include "blob/blob.h"
#include "cli/cli.h"
#include "cli/hand_over.h"
#include "cli/local_worker.h"
#include "cli/paths.h"
#include "conductor/conductor.h"
#include "dialects/octomind/octomind.h"
#include "engine/engine.h"
#include "engine/intent.h"
#include "http/guard.h"
#include "store/store.h"

enum {
	DRAIN_WORKER_MS = 15000,   /* for the worker to end its runs and report */
	DRAIN_ANSWERS_MS = 5000,   /* for requests that are under way */
	HAND_OVER_LINGER_MS = 200, /* for requests that are on their way on open connections */
	DRAIN_TICK_MS = 10,        /* api.h offers a question, not an event */
	GUARD_PORTS_MAX = 64,
};

#define POOL_VARIABLE "UV_THREADPOOL_SIZE"
#define POOL_THREADS "8" /* of libuv: looks and launches beside the API's reads */

struct server {
	struct arena arena;
	uv_loop_t loop;
	uv_signal_t sigterm, sigint, sighup, sigusr2;
	uv_timer_t drain;
	uv_poll_t stdin_poll;
	bool watches_stdin;
	const char *data_dir, *archive_dir;
	struct store *store;
	struct blob_store *blobs;
	struct engine *engine;
	struct api *api;
	struct conductor *conductor;
	struct guard_policy guard; /* of addresses that flows look at */
	uint16_t guard_ports[GUARD_PORTS_MAX];
	struct mac_key signal_key;
	struct local_worker worker;
	bool store_failed;
	bool is_stopping, worker_left;
	struct hand_over before; /* what the process before us left */
	struct hand_over next;   /* what we leave */
	bool is_handing_over;
	int64_t linger_until_mono_ms;
	int64_t give_up_mono_ms;
};

static int64_t
processors(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
		return CPU_COUNT(&set);
	return 1;
}

/* --- Stopping --- */

static void
leave(struct server *server)
{
	(void)uv_timer_stop(&server->drain);
	uv_stop(&server->loop);
}

static void
on_drain_tick(uv_timer_t *timer)
{
	struct server *server = timer->data;
	bool is_late = clock_mono_ms() >= server->give_up_mono_ms;

	if (!server->worker_left && is_late) {
		log_warn("server.worker_late", NULL, "the local worker did not leave in time");
		local_worker_kill(&server->worker);
		server->worker_left = true;
	}
	if (!server->worker_left)
		return;
	if (api_is_drained(server->api) || is_late)
		leave(server);
}

static void
drain_api(struct server *server)
{
	server->worker_left = true;
	server->give_up_mono_ms = clock_mono_ms() + DRAIN_ANSWERS_MS;
	api_drain(server->api);
}

static void
stop(struct server *server, const char *why)
{
	if (server->is_stopping || server->is_handing_over) {
		server->is_handing_over = false;
		log_warn("server.stopping_now", NULL, "%s: leaving at once", why);
		leave(server);
		return;
	}
	server->is_stopping = true;
	log_info("server.stopping", NULL, "%s", why);
	server->give_up_mono_ms = clock_mono_ms() + DRAIN_WORKER_MS;
	if (!local_worker_stop(&server->worker))
		drain_api(server);
	(void)uv_timer_start(&server->drain, on_drain_tick, DRAIN_TICK_MS, DRAIN_TICK_MS);
}

/* --- Handing over to a new image of the program --- */

static void
on_hand_over_tick(uv_timer_t *timer)
{
	struct server *server = timer->data;
	int64_t now = clock_mono_ms();

	if ((api_is_handed_over(server->api) && now >= server->linger_until_mono_ms) ||
		now >= server->give_up_mono_ms)
		leave(server);
}

/* Nobody is refused: who comes now waits in the listening socket for the next image. */
static void
begin_hand_over(struct server *server, const char *why)
{
	struct err err;

	if (server->is_stopping || server->is_handing_over)
		return;
	if (hand_over_check(&server->before, &err) < 0) {
		log_error("server.no_restart", NULL, "%s", err.text);
		return;
	}
	log_info("server.restarting", NULL, "%s", why);
	server->is_handing_over = true;
	server->linger_until_mono_ms = clock_mono_ms() + HAND_OVER_LINGER_MS;
	server->give_up_mono_ms = clock_mono_ms() + DRAIN_ANSWERS_MS;
	api_hand_over(server->api, &server->next.listen_fd, &server->next.view_fd);
	(void)uv_timer_start(&server->drain, on_hand_over_tick, DRAIN_TICK_MS, DRAIN_TICK_MS);
}

static void
on_restart_signal(uv_signal_t *handle, int signum)
{
	begin_hand_over(handle->data, signum == SIGHUP ? "SIGHUP" : "SIGUSR2");
}

static void
on_signal(uv_signal_t *handle, int signum)
{
	stop(handle->data, signum == SIGTERM ? "SIGTERM" : "SIGINT");
}

static void
on_stdin(uv_poll_t *poll, int status, int events)
{
	struct server *server = poll->data;
	char bytes[256];
	ssize_t n = read(STDIN_FILENO, bytes, sizeof bytes);

	(void)status, (void)events;
	if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
		return;
	(void)uv_poll_stop(poll);
	if (!server->is_stopping)
		stop(server, "end of stdin");
}

static void
on_worker_gone(void *arg, struct worker_id id, bool is_last)
{
	struct server *server = arg;

	api_worker_gone(server->api, id);
	if (is_last && server->is_stopping && !server->worker_left)
		drain_api(server);
}

/* Memory and disk may differ now. A new process reads what is there: who watches over this one
 * starts it. */
static void
on_store_failed(void *arg, const struct err *why)
{
	struct server *server = arg;

	log_error("server.store_failed", NULL,
		"the store failed, so the server ends; what was accepted is on the disk: %s",
		why->text);
	server->store_failed = true;
	if (!server->is_stopping)
		stop(server, "the store failed");
}

/* --- Starting --- */

static int
open_stores(struct server *server, const struct cli *cli, struct err *err)
{
	bool is_os = strcmp(cli_text(cli, "durability"), "os") == 0;
	struct store_options store_options = { .durability = is_os ? STORE_OS : STORE_FSYNC };
	struct engine_options engine_options = { .lease_ms = cli_number(cli, "lease"),
		.ageing_ms = -1,
		.quarantine_max = (int32_t)cli_number(cli, "quarantine-cap") };

	if (mkdir_p(server->data_dir, 0700, err) < 0)
		return -1;
	const char *database = paths_in(&server->arena, server->data_dir, PATHS_DATABASE);
	if (store_open_sqlite(&server->store, database, &store_options, err) < 0)
		return -1;
	const char *blobs = paths_in(&server->arena, server->data_dir, PATHS_BLOBS);
	server->archive_dir = paths_in(&server->arena, server->data_dir, PATHS_ARCHIVE);
	if (blob_open_files(&server->blobs, blobs, err) < 0)
		return -1;
	return engine_open(
		&server->engine, server->store, &engine_options, clock_wall_ms(), err);
}

/* --- What flows ask for --- */

static void
on_effects(void *arg, const struct turn_output *output)
{
	struct server *server = arg;

	if (server->conductor)
		conductor_take(server->conductor, output);
}

static void
on_report(void *arg, struct intent *intent)
{
	struct server *server = arg;

	api_submit(server->api, intent);
}

/* Where looks may go. The server listens on loopback only, so those who may use it are on this
 * machine anyway. */
static int
read_guard(struct server *server, const struct cli *cli, struct err *err)
{
	const struct cli_value *addresses = cli_all(cli, "allow-address");
	const struct cli_value *ports = cli_all(cli, "allow-port");

	for (size_t i = 0; i < addresses->n; i++)
		if (guard_allow(&server->guard, str_of(addresses->text[i]), err) < 0)
			return err_wrap(err, "--allow-address");
	server->guard.loopback = true;
	server->guard_ports[0] = 80;
	server->guard_ports[1] = 443;
	server->guard.ports = server->guard_ports;
	server->guard.n_ports = 2;
	for (size_t i = 0; i < ports->n; i++) {
		int64_t port;

		if (server->guard.n_ports == GUARD_PORTS_MAX)
			return err_set(err, ERR_INVALID, "--allow-port: too many");
		if (parse_i64(str_of(ports->text[i]), 1, 65535, &port, err) < 0)
			return err_wrap(err, "--allow-port");
		server->guard_ports[server->guard.n_ports++] = (uint16_t)port;
	}
	return 0;
}

static void
on_loose_blob(void *arg, struct store_reader *reader, const char *blob)
{
	struct server *server = arg;

	api_drop_blob(server->api, reader, blob);
}

static void
start_conductor(struct server *server, const struct cli *cli)
{
	const char *url = cli_text(cli, "public-url");
	const struct conductor_options options = { .store = server->store,
		.guard = &server->guard,
		.url = url ? url : api_url(server->api),
		.signal_key = &server->signal_key,
		.submit = on_report,
		.drop_blob = on_loose_blob,
		.blobs = server->blobs,
		.archive_dir = server->archive_dir,
		.arg = server };

	server->conductor = conductor_new(&server->loop, &options);
}

static const struct dialect *const dialects[] = { &octomind_dialect, NULL };

static int
start_api(struct server *server, const struct cli *cli, struct err *err)
{
	const char *key = paths_in(&server->arena, server->data_dir, PATHS_SIGNAL_KEY);
	struct api_options options = { .listen = cli_text(cli, "listen"),
		.view_listen = cli_text(cli, "view-listen"),
		.listen_fd = server->before.listen_fd,
		.view_fd = server->before.view_fd,
		.data_dir = server->data_dir,
		.durable = cli_text(cli, "durability"),
		.dialects = dialects,
		.connections_max = (unsigned)cli_number(cli, "connections"),
		.store_failed = on_store_failed,
		.effects = on_effects,
		.public_url = cli_text(cli, "public-url"),
		.signal_key = &server->signal_key,
		.arg = server };

	if (read_guard(server, cli, err) < 0 || mac_key_load(&server->signal_key, key, err) < 0)
		return -1;
	if (api_start(&server->api, &server->loop, server->engine, server->store, server->blobs,
		    &options, err) < 0)
		return -1;
	server->engine = NULL; /* the API's now */
	start_conductor(server, cli);
	return 0;
}

static int
start_worker(struct server *server, const struct cli *cli, struct err *err)
{
	int64_t capacity =
		cli_given(cli, "workers") ? cli_number(cli, "workers") : processors();
	struct local_worker_options options = { .url = api_url(server->api),
		.token_file = api_token_path(server->api),
		.data_dir = server->data_dir,
		.runners_dir = cli_text(cli, "runners"),
		.log_level = cli_text(cli, "log"),
		.resources = cli_all(cli, "resource")->text,
		.n_resources = cli_all(cli, "resource")->n,
		.capacity = capacity };

	if (options.n_resources > RESOURCES_MAX)
		return err_set(err, ERR_INVALID, "--resource: at most %d", RESOURCES_MAX);
	if (server->before.has_worker)
		return local_worker_adopt(&server->worker, &server->loop, &options,
			&server->before.worker, on_worker_gone, server, err);
	if (capacity == 0)
		return 0;
	return local_worker_start(
		&server->worker, &server->loop, &options, on_worker_gone, server, err);
}

/*
 * Tells commands on this machine where the server is. Not flushed to the disk: after a power
 * cut the server is gone too.
 */
static int
write_server_file(struct server *server, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(1));
	const char *path = paths_in(&server->arena, server->data_dir, PATHS_SERVER);
	const char *fresh = paths_in(&server->arena, server->data_dir, PATHS_SERVER ".new");
	struct jw jw;

	jw_init(&jw, &text);
	jw_obj(&jw);
	jw_kstr(&jw, "url", api_url(server->api));
	jw_ki64(&jw, "pid", getpid());
	jw_kstr(&jw, "version", PROCTOR_VERSION);
	jw_ktime(&jw, "startedAt", clock_wall_ms());
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0 || buf_addc(&text, '\n') < 0)
		return err_set(err, ERR_INTERNAL, "%s does not fit", path);
	_cleanup_close_ int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", fresh);
	if (fd_write_all(fd, text.data, text.len, err) < 0)
		return err_wrap(err, "%s", fresh);
	if (rename(fresh, path) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", path);
	return 0;
}

static void
watch_signals(struct server *server)
{
	(void)uv_signal_init(&server->loop, &server->sigterm);
	(void)uv_signal_init(&server->loop, &server->sigint);
	(void)uv_timer_init(&server->loop, &server->drain);
	server->sigterm.data = server->sigint.data = server->drain.data = server;
	(void)uv_signal_start(&server->sigterm, on_signal, SIGTERM);
	(void)uv_signal_start(&server->sigint, on_signal, SIGINT);
	(void)uv_signal_init(&server->loop, &server->sighup);
	(void)uv_signal_init(&server->loop, &server->sigusr2);
	server->sighup.data = server->sigusr2.data = server;
	/* A terminal that goes takes the server with it, as ever. */
	if (!isatty(STDIN_FILENO))
		(void)uv_signal_start(&server->sighup, on_restart_signal, SIGHUP);
	(void)uv_signal_start(&server->sigusr2, on_restart_signal, SIGUSR2);
	hand_over_unblock();
}

static int
watch_stdin(struct server *server, struct err *err)
{
	int r = uv_poll_init(&server->loop, &server->stdin_poll, STDIN_FILENO);

	if (r == 0) {
		server->watches_stdin = true;
		server->stdin_poll.data = server;
		r = uv_poll_start(&server->stdin_poll, UV_READABLE | UV_DISCONNECT, on_stdin);
	}
	return r == 0 ? 0 : err_sys(err, ERR_INVALID, -r, "watch stdin");
}

static void
no_work(uv_work_t *work)
{
	(void)work;
}

static void
no_work_done(uv_work_t *work, int status)
{
	(void)status;
	free(work);
}

/* The pool reads its size from the environment when it is used first. Tests inherit our
 * environment, and Node reads the same variable: so it must not stay there. */
static void
widen_pool(struct server *server)
{
	uv_work_t *work;

	if (getenv(POOL_VARIABLE))
		return;
	work = xcalloc(1, sizeof *work);
	if (setenv(POOL_VARIABLE, POOL_THREADS, 0) != 0 ||
		uv_queue_work(&server->loop, work, no_work, no_work_done) != 0)
		free(work);
	(void)unsetenv(POOL_VARIABLE);
}

static int
start(struct server *server, const struct cli *cli, struct err *err)
{
	server->data_dir = paths_data_dir(&server->arena, cli_text(cli, "data"), err);
	if (!server->data_dir)
		return -1;
	if (hand_over_read(&server->before, &server->arena, err) < 0)
		return -1;
	/* Before the threads: they inherit what uv_signal needs. */
	watch_signals(server);
	widen_pool(server);
	if (open_stores(server, cli, err) < 0 || start_api(server, cli, err) < 0)
		return -1;
	if (write_server_file(server, err) < 0)
		return -1;
	if (cli_flag(cli, "embedded") && watch_stdin(server, err) < 0)
		return -1;
	return start_worker(server, cli, err);
}

static void
say_ready(const struct server *server)
{
	if (api_token_is_new(server->api))
		cli_note("access token: %s", api_token_path(server->api));
	cli_print("listening on %s\n", api_url(server->api));
	log_info("server.ready", NULL, "listening on %s", api_url(server->api));
}

static void
run_closed_handles(struct server *server)
{
	local_worker_close(&server->worker);
	uv_close((uv_handle_t *)&server->sigterm, NULL);
	uv_close((uv_handle_t *)&server->sigint, NULL);
	uv_close((uv_handle_t *)&server->drain, NULL);
	uv_close((uv_handle_t *)&server->sighup, NULL);
	uv_close((uv_handle_t *)&server->sigusr2, NULL);
	if (server->watches_stdin)
		uv_close((uv_handle_t *)&server->stdin_poll, NULL);
	(void)uv_run(&server->loop, UV_RUN_DEFAULT);
}

static void
finish(struct server *server)
{
	if (server->is_handing_over)
		server->next.has_worker =
			local_worker_release(&server->worker, &server->next.worker);
	else if (server->api && server->data_dir)
		(void)unlink(paths_in(&server->arena, server->data_dir, PATHS_SERVER));
	conductor_stop(server->conductor);
	server->api = api_stop(server->api);
	server->conductor = conductor_free(server->conductor);
	if (server->sigterm.loop)
		run_closed_handles(server);
	if (server->engine)
		server->engine = engine_close(server->engine, NULL);
	server->blobs = blob_close(server->blobs);
	server->store = store_close(server->store);
	(void)uv_loop_close(&server->loop);
}

int
cmd_serve(struct cli *cli)
{
	struct server server = { 0 };
	enum log_level level = LOG_LEVEL_INFO;
	struct err err;

	(void)log_level_parse(str_of(cli_text(cli, "log")), &level); /* one of the choices */
	log_init(STDERR_FILENO, level, LOG_FORMAT_AUTO);
	/* What is made here is for this user alone: token, database, artifacts. */
	(void)umask(0077);
	arena_init(&server.arena, MIB(1));
	int r = uv_loop_init(&server.loop);
	if (r < 0) {
		(void)err_sys(&err, ERR_UNAVAILABLE, -r, "event loop");
		return cli_fail_with(cli, CLI_ERRORED, &err);
	}
	int status = CLI_OK;
	if (start(&server, cli, &err) < 0) {
		status = cli_fail_with(cli,
			err.code == ERR_INVALID || err.code == ERR_DENIED ? CLI_USAGE
									  : CLI_ERRORED,
			&err);
	} else {
		say_ready(&server);
		(void)uv_run(&server.loop, UV_RUN_DEFAULT);
	}
	finish(&server);
	if (server.is_handing_over && !server.store_failed) {
		/* Comes back only when it failed. */
		hand_over_exec(&server.before, &server.next, &err);
		status = cli_fail_with(cli, CLI_ERRORED, &err);
	}
	arena_deinit(&server.arena);
	return server.store_failed ? CLI_ERRORED : status;
}
