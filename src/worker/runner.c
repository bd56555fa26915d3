/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Carries out the actions of the supervisor's table. All input is read in callbacks of the loop
 * and becomes an event; the end is reported once the shepherd is gone and every pipe is
 * drained.
 */
#include "worker/runner.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/cgroup.h"
#include "worker/context.h"
#include "worker/pool.h"
#include "worker/shepherd.h"
#include "worker/sweep.h"
#include "worker/task.h"
#include "worker/upload.h"
#include "worker/watch.h"

enum {
	READY_MS = 30 * 1000, /* from hello to ready (runner.md §2) */
	TERM_MS = 2 * 1000,   /* from SIGTERM to SIGKILL (runner.md §3) */
	CLEAN_MS = 10 * 1000, /* from the result to "nothing is left" */
	LEAVE_MS = 3 * 1000,  /* from bye to the end */
	KILL_AGAIN_MS = 2000,
	OUT_BYTES_MAX = 4 << 20,
	READS_MAX = 16,        /* of one pipe in one callback: others want their turn */
	DRAIN_ROUNDS_MAX = 64, /* times READS_MAX reads, at the very end */
	LOST_ROUNDS_MAX = 200,
	LOST_PAUSE_US = 5000,
	PROGRESS_PAUSE_MS = 100, /* at most ten run.progress a second */
	ENV_OWN = 3,             /* variables of this runner in front of the common ones */
};

/* --- Pipes --- */

static void
on_handle_closed(struct runner *runner)
{
	if (--runner->n_handles > 0 || !runner->is_released)
		return;
	free(runner->dir);
	free(runner->cgroup);
	free(runner->unpack_from);
	lines_deinit(&runner->lines);
	buf_deinit(&runner->out);
	free(runner);
}

static void
on_poll_closed(uv_handle_t *handle)
{
	on_handle_closed(handle->data);
}

static void
pipe_open(struct runner *runner, struct runner_pipe *pipe, int fd, int events,
	uv_poll_cb callback)
{
	pipe->fd = fd;
	pipe->is_open = true;
	runner->n_handles++;
	if (uv_poll_init(runner->worker->loop, &pipe->poll, fd) < 0)
		abort(); /* a fresh pipe or socket */
	pipe->poll.data = runner;
	if (events)
		uv_poll_start(&pipe->poll, events, callback);
}

static void
pipe_close(struct runner_pipe *pipe)
{
	if (!pipe->is_open)
		return;
	uv_poll_stop(&pipe->poll);
	uv_close((uv_handle_t *)&pipe->poll, on_poll_closed);
	close(pipe->fd);
	pipe->is_open = false;
	pipe->fd = -1;
}

/* --- Requests --- */

static void on_requests_ready(uv_poll_t *poll, int status, int events);

static void
flush_requests(struct runner *runner)
{
	while (runner->requests.is_open && runner->out.len > 0) {
		ssize_t n = write(runner->requests.fd, runner->out.data, runner->out.len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			uv_poll_start(&runner->requests.poll, UV_WRITABLE, on_requests_ready);
			return;
		}
		if (n < 0) {
			/* It is gone or going; its end comes as an event of its own. */
			pipe_close(&runner->requests);
			return;
		}
		buf_consume(&runner->out, (size_t)n);
	}
	if (runner->closes_requests)
		pipe_close(&runner->requests);
	else if (runner->requests.is_open)
		uv_poll_stop(&runner->requests.poll);
}

static void
on_requests_ready(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	flush_requests(poll->data);
}

static void
send_json(struct runner *runner, const json_t *body)
{
	_cleanup_free_ char *text = json_dumps(body, JSON_COMPACT);

	if (!text || strlen(text) > MESSAGE_REQUEST_BYTES_MAX ||
		buf_adds(&runner->out, text) < 0 || buf_addc(&runner->out, '\n') < 0) {
		task_decide(runner->task, "errored", "config",
			"the run's definition is longer than 1 MiB");
		runner_event(runner, SUPERVISE_EV_BREACH);
		return;
	}
	flush_requests(runner);
}

/* The kind's folder that outlives runs; caller frees. */
static char *
make_cache(const struct runner *runner)
{
	char *cache = xasprintf("%s/%s", runner->worker->dirs.cache, runner->kind->name);

	(void)mkdir_p(cache, 0700, NULL); /* a runner copes without */
	return cache;
}

static void
send_run(struct runner *runner)
{
	struct task *task = runner->task;
	static const char *const copied[] = { "test", "config", "params", "job", "jobName",
		"target", "iteration", "attempt", "browser", "role", "connection", "ctx" };
	_cleanup_free_ char *dir = xasprintf("%s/run", runner->dir);
	_cleanup_free_ char *artifacts = xasprintf("%s/artifacts", runner->dir);
	_cleanup_free_ char *cache = make_cache(runner);

	_cleanup_(json_unrefp) json_t *body = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I}",
		"type", "run", "run", task->run, "dir", dir, "artifacts", artifacts, "cache",
		cache, "timeoutMs", (json_int_t)task->timeout_ms);
	for (size_t i = 0; i < ARRAY_LEN(copied); i++) {
		json_t *value = json_object_get(task->lease, copied[i]);
		if (value && !json_is_null(value))
			json_object_set(body, copied[i], value);
	}
	if (!json_is_object(json_object_get(body, "config")))
		json_object_set_new(body, "config", json_object());
	if (task->bundle) {
		_cleanup_free_ char *files = xasprintf("%s/files", dir);
		json_object_set_new(body, "files", json_string(files));
	}
	send_json(runner, body);
}

static void
send_hello(struct runner *runner)
{
	_cleanup_free_ char *dir = xasprintf("%s/run", runner->dir);
	_cleanup_free_ char *cache = make_cache(runner);
	_cleanup_(json_unrefp) json_t *body = json_pack("{s:s, s:[i], s:s, s:s, s:s}", "type",
		"hello", "versions", MESSAGE_VERSION, "worker", runner->worker->id, "dir", dir,
		"cache", cache);

	send_json(runner, body);
}

void
runner_screen(struct runner *runner)
{
	enum { WIDTH_MAX = 1280, HEIGHT_MAX = 960, QUALITY = 60 };
	const struct task *task = runner->task;

	/* Before the run was sent it would mean nothing: then it follows the run. */
	if (!task || !task->is_sent || runner->is_run_over || runner->closes_requests)
		return;
	_cleanup_(json_unrefp) json_t *body = json_pack("{s:s, s:s, s:b}", "type", "screen",
		"run", task->run, "on", task->screen.is_wanted);
	if (task->screen.is_wanted) {
		json_object_set_new(body, "maxWidth", json_integer(WIDTH_MAX));
		json_object_set_new(body, "maxHeight", json_integer(HEIGHT_MAX));
		json_object_set_new(body, "quality", json_integer(QUALITY));
	}
	send_json(runner, body);
}

static void
send_cancel(struct runner *runner)
{
	const struct task *task = runner->task;
	_cleanup_(json_unrefp) json_t *body = json_pack("{s:s, s:s, s:s}", "type", "cancel",
		"run", task->run, "reason", task->reason ? task->reason : "stopped");

	send_json(runner, body);
}

static void
say_bye(struct runner *runner)
{
	_cleanup_(json_unrefp) json_t *body = json_pack("{s:s}", "type", "bye");

	runner->closes_requests = true;
	send_json(runner, body);
}

/* --- Orders --- */

static void
order(struct runner *runner, enum shepherd_order what)
{
	char byte = (char)what;

	/* A shepherd that is gone says so through its pidfd. */
	if (runner->control.is_open &&
		send(runner->control.fd, &byte, 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		log_debug("runner.order", NULL, "shepherd %u: %s", runner->n, strerror(errno));
}

/* --- Replies --- */

static void
take_ready(struct runner *runner, json_t *body)
{
	json_t *names = json_object_get(body, "kinds");
	bool fits = json_integer_value(json_object_get(body, "version")) == MESSAGE_VERSION;
	bool known = false;
	size_t i;
	json_t *name;

	json_array_foreach(names, i, name) known |= json_is_string(name) &&
		strcmp(json_string_value(name), runner->kind->name) == 0;
	if (!fits || !known) {
		if (runner->task)
			task_decide(runner->task, "errored", "protocol_error",
				"the runner speaks another version or another kind");
		runner_event(runner, SUPERVISE_EV_BREACH);
		return;
	}
	runner->was_ready = true;
	runner->is_reusable =
		runner->kind->warm && json_is_true(json_object_get(body, "reusable"));
	runner_event(runner, SUPERVISE_EV_READY);
}

static void
take_log(struct runner *runner, json_t *body)
{
	static const char *const levels[] = { "debug", "info", "warn", "error" };
	const char *given = json_string_value(json_object_get(body, "level"));
	json_t *text = json_object_get(body, "text");
	const char *level = "info";

	for (size_t i = 0; given && i < ARRAY_LEN(levels); i++)
		if (strcmp(levels[i], given) == 0)
			level = levels[i];
	capture_note(
		&runner->capture, level, json_string_value(text), json_string_length(text));
	task_log_line(runner->task, level, json_string_value(text), json_string_length(text));
}

static void
take_progress(struct task *task, json_t *body)
{
	int64_t now_ms = clock_mono_ms();

	if (now_ms - task->progress_mono_ms < PROGRESS_PAUSE_MS)
		return;
	task->progress_mono_ms = now_ms;
	task_event(task, "run.progress", body);
}

/*
 * A runner that says so, or that loses one run after the other, gets no further one: another
 * process may be luckier.
 */
static void
take_result(struct runner *runner, json_t *body)
{
	const char *outcome = json_string_value(json_object_get(body, "outcome"));
	const char *reason = json_string_value(json_object_get(body, "reason"));

	runner->n_lost = strcmp(outcome, "lost") == 0 ? runner->n_lost + 1 : 0;
	if (json_is_true(json_object_get(body, "leaves")) ||
		runner->n_lost >= RUNNER_LOST_RUNS_MAX)
		runner->is_reusable = false;
	task_take_result(runner->task, body);
	watch_result(runner, outcome, reason);
	runner_event(runner, SUPERVISE_EV_RESULT);
}

static void
take_run_message(struct runner *runner, const struct message *message)
{
	struct task *task = runner->task;

	switch (message->type) {
	case MESSAGE_STARTED:
		task->has_started = true;
		task_event(task, "run.started", message->body);
		break;
	case MESSAGE_CASE:
		task_event(task, "run.case", message->body);
		break;
	case MESSAGE_STEP:
		task_event(task, "run.step", message->body);
		break;
	case MESSAGE_PROGRESS:
		take_progress(task, message->body);
		break;
	case MESSAGE_LOG:
		take_log(runner, message->body);
		break;
	case MESSAGE_ARTIFACT: {
		_cleanup_free_ char *dir = xasprintf("%s/artifacts", runner->dir);
		upload_message(task, dir, message->body);
		break;
	}
	case MESSAGE_RESULT:
		take_result(runner, message->body);
		break;
	case MESSAGE_FRAME:
		screen_frame(task, message->body);
		break;
	case MESSAGE_HELLO:
	case MESSAGE_RUN:
	case MESSAGE_CANCEL:
	case MESSAGE_SCREEN:
	case MESSAGE_BYE:
	case MESSAGE_READY:
	case MESSAGE_TYPE_COUNT:
		break;
	}
}

static void
take_message(struct runner *runner, const struct message *message)
{
	bool has_run = runner->state == SUPERVISE_RUNNING || runner->state == SUPERVISE_ASKED ||
		runner->state == SUPERVISE_TERMED;

	if (message->type == MESSAGE_READY)
		take_ready(runner, message->body);
	else if (has_run && runner->task && strcmp(runner->task->run, message->run) == 0)
		take_run_message(runner, message);
	else
		log_debug("runner.late", NULL, "runner %u: %s outside a run", runner->n,
			message_type_name(message->type));
}

/* Protocol errors end the runner. */
static void
breach(struct runner *runner, const struct err *err)
{
	log_warn("runner.protocol", NULL, "%s runner: %s", runner->kind->name, err->text);
	if (runner->task && !runner->is_run_over)
		task_decide(runner->task, "errored", "protocol_error",
			"the runner broke the "
			"protocol: %s",
			err->text);
	runner_event(runner, SUPERVISE_EV_BREACH);
}

static bool
is_listening(const struct runner *runner)
{
	return runner->state != SUPERVISE_KILLED && runner->state != SUPERVISE_GONE;
}

static void
take_lines(struct runner *runner)
{
	struct err err;
	struct str line;
	int r;

	while (is_listening(runner) &&
		(r = lines_next(&runner->lines, &line, &err)) != LINES_MORE) {
		struct message message;

		if (r < 0 ||
			message_parse(&message, MESSAGE_FROM_RUNNER, line.p, line.n, &err) <
				0) {
			breach(runner, &err);
			return;
		}
		take_message(runner, &message);
		message_deinit(&message);
	}
}

/* Reads what there is. False at end of file. */
static bool
read_replies(struct runner *runner)
{
	for (int i = 0; i < READS_MAX && runner->replies.is_open; i++) {
		size_t room;
		char *to = lines_room(&runner->lines, &room);
		ssize_t n = read(runner->replies.fd, to, room);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		lines_filled(&runner->lines, (size_t)n);
		take_lines(runner);
	}
	return true;
}

static void
on_replies_ready(uv_poll_t *poll, int status, int events)
{
	struct runner *runner = poll->data;

	(void)status, (void)events;
	if (read_replies(runner))
		return;
	/* The runner is gone, or has closed what it must not: its end tells the rest. */
	pipe_close(&runner->replies);
	if (runner->state != SUPERVISE_SETTLING || runner->is_reusable)
		if (runner->state != SUPERVISE_LEAVING)
			runner_event(runner, SUPERVISE_EV_BREACH);
}

/* --- Log --- */

static void
on_log_line(void *arg, const char *level, const char *text, size_t len)
{
	struct runner *runner = arg;

	if (runner->task && !runner->is_run_over)
		task_log_line(runner->task, level, text, len);
}

void
runner_open_log(struct runner *runner)
{
	_cleanup_free_ char *path = xasprintf("%s/output.log", runner->dir);
	struct err err;

	if (capture_open(&runner->capture, path, on_log_line, runner, &err) < 0)
		log_warn("runner.log", NULL, "%s", err.text);
}

/* Reads what there is. False at end of file. */
static bool
read_log(struct runner *runner)
{
	char bytes[65536];

	for (int i = 0; i < READS_MAX && runner->log.is_open; i++) {
		ssize_t n = read(runner->log.fd, bytes, sizeof bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		if (n == 0)
			return false;
		if (runner->capture.fd >= 0 &&
			capture_add(&runner->capture, bytes, (size_t)n) == CAPTURE_OVER &&
			is_listening(runner)) {
			if (runner->task)
				task_decide(runner->task, "errored", "limit_log",
					"the run printed more than %d MiB",
					(int)(CAPTURE_FLOOD_BYTES_MAX >> 20));
			runner_event(runner, SUPERVISE_EV_BREACH);
		}
	}
	return true;
}

static void
on_log_ready(uv_poll_t *poll, int status, int events)
{
	struct runner *runner = poll->data;

	(void)status, (void)events;
	if (!read_log(runner))
		pipe_close(&runner->log);
}

/* Everything that was written before now. */
static void
drain_log(struct runner *runner)
{
	int64_t before;

	do {
		before = runner->capture.seen;
		if (!read_log(runner))
			pipe_close(&runner->log);
	} while (runner->log.is_open && runner->capture.seen != before &&
		runner->capture.seen <= 2 * CAPTURE_FLOOD_BYTES_MAX);
}

/* --- The shepherd --- */

/*
 * What the run in hand cost: the difference to the last measurement, so that a runner's start
 * counts for its first run. Where processes outlive runs (a warm browser) the difference would
 * be that of many runs; then there is none.
 */
static void
note_usage(struct runner *runner, const struct shepherd_note *note)
{
	int64_t cpu_ms = note->cpu_ms - runner->cpu_ms;

	runner->cpu_ms = note->cpu_ms;
	if (!runner->task || runner->is_run_over || runner->kind->keeps_children)
		return;
	runner->task->cpu_ms = cpu_ms > 0 ? cpu_ms : 0;
	if (note->word == SHEPHERD_EMPTY && !runner->is_reusable)
		runner->task->peak_kib = note->peak_kib;
}

static void
take_note(struct runner *runner, const struct shepherd_note *note)
{
	switch (note->word) {
	case SHEPHERD_STARTED:
		break;
	case SHEPHERD_FAILED:
		memcpy(runner->failure, note->text, sizeof runner->failure);
		runner->failure[sizeof runner->failure - 1] = '\0';
		break;
	case SHEPHERD_CLEANED:
		note_usage(runner, note);
		runner_event(runner, SUPERVISE_EV_CLEANED);
		break;
	case SHEPHERD_EXITED:
		runner->has_exited = true;
		runner->code = note->code;
		runner->status = note->status;
		break;
	case SHEPHERD_EMPTY:
		runner->saw_empty = true;
		note_usage(runner, note);
		break;
	}
}

static void
read_notes(struct runner *runner)
{
	struct shepherd_note note;

	while (runner->control.is_open) {
		ssize_t n = recv(runner->control.fd, &note, sizeof note, MSG_DONTWAIT);

		if (n < 0 && errno == EAGAIN)
			return;
		/* It left with an order of ours unread; what it had said comes behind this. */
		if (n < 0 && (errno == EINTR || errno == ECONNRESET))
			continue;
		if (n != (ssize_t)sizeof note) {
			pipe_close(&runner->control); /* its end comes through the pidfd */
			return;
		}
		take_note(runner, &note);
	}
}

static void
on_control_ready(uv_poll_t *poll, int status, int events)
{
	(void)status, (void)events;
	read_notes(poll->data);
}

/*
 * The shepherd was killed: what it watched may live. The runner got SIGKILL with it; the rest
 * is our child now or carries the runner's marker. Blocks for some ms; it takes malice to get
 * here.
 */
static void
end_lost(struct runner *runner)
{
	_cleanup_free_ char *marker =
		xasprintf("PROCTOR_RUNNER=%s-%u", runner->worker->tag, runner->n);

	log_warn("runner.shepherd_lost", NULL, "the shepherd of a %s runner was killed",
		runner->kind->name);
	for (int round = 0; round < LOST_ROUNDS_MAX; round++) {
		cgroup_kill(runner->cgroup);
		int n = sweep_marked(marker, SIGKILL);
		n += pool_end_orphans(runner->worker);
		if (n <= 0)
			break;
		usleep(LOST_PAUSE_US);
	}
	cgroup_remove(runner->cgroup);
	runner->worker->has_orphans = true; /* looks once more, later */
}

static void
on_shepherd_exit(uv_poll_t *poll, int status, int events)
{
	struct runner *runner = poll->data;
	siginfo_t info;

	(void)status, (void)events;
	if (spawn_reap(runner->shepherd.pidfd, &info, NULL) != 0)
		return;
	read_notes(runner);
	pipe_close(&runner->exit);
	runner->shepherd.pid = runner->shepherd.pidfd = -1;
	if (!runner->saw_empty)
		end_lost(runner);
	/* Nobody holds the other end any more: this reads up to the end of file. */
	for (int i = 0; i < DRAIN_ROUNDS_MAX && is_listening(runner); i++)
		if (!read_replies(runner))
			break;
	runner_event(runner, SUPERVISE_EV_EXITED);
}

/* --- Actions --- */

static void
on_deadline(uv_timer_t *timer)
{
	runner_event(timer->data, SUPERVISE_EV_DEADLINE);
}

/* 0: no deadline. */
static void
set_deadline(struct runner *runner, int64_t ms)
{
	if (ms > 0)
		uv_timer_start(&runner->timer, on_deadline, (uint64_t)ms, 0);
	else
		uv_timer_stop(&runner->timer);
}

static void
ask(struct runner *runner)
{
	set_deadline(runner, runner->worker->options->grace_ms);
	send_cancel(runner);
}

static void
settle(struct runner *runner)
{
	set_deadline(runner, CLEAN_MS);
	if (runner->is_reusable && runner->kind->keeps_children)
		runner_event(runner, SUPERVISE_EV_CLEANED);
	else if (runner->is_reusable)
		order(runner, SHEPHERD_CLEAN);
	else
		say_bye(runner);
}

void
runner_decide(struct runner *runner)
{
	struct task *task = runner->task;

	if (runner->failure[0])
		task_decide(task, "errored", "runner_start", "the %s runner did not start: %s",
			runner->kind->name, runner->failure);
	else if (!runner->saw_empty)
		task_decide(task, "errored", "runner_exited", "the runner was killed");
	else if (runner->has_exited && runner->code == CLD_EXITED)
		task_decide(task, "errored", "runner_exited",
			"the runner ended with status %d and without a result", runner->status);
	else
		task_decide(task, "errored", "runner_exited",
			"the runner was ended by signal %d (%s) and without a result",
			runner->status, strsignal(runner->status));
}

static void
report(struct runner *runner)
{
	set_deadline(runner, 0);
	drain_log(runner);
	pipe_close(&runner->log);
	pipe_close(&runner->replies);
	pipe_close(&runner->requests);
	pipe_close(&runner->control);
	uv_close((uv_handle_t *)&runner->timer, on_poll_closed);
	capture_close(&runner->capture);
	pool_runner_gone(runner);
}

static void
finish(struct runner *runner)
{
	set_deadline(runner, runner->kind->idle_ms);
	drain_log(runner);
	if (runner->state != SUPERVISE_IDLE)
		return; /* the log was too much at the last moment */
	capture_close(&runner->capture);
	runner->has_served = true;
	pool_run_over(runner);
}

static void
act(struct runner *runner, enum supervise_action action)
{
	switch (action) {
	case SUPERVISE_NOTHING:
		break;
	case SUPERVISE_OFFER:
		set_deadline(runner, runner->task ? 0 : runner->kind->idle_ms);
		pool_runner_ready(runner);
		break;
	case SUPERVISE_SEND:
		set_deadline(runner, runner->task->timeout_ms);
		runner->task->started_mono_ms = clock_mono_ms();
		runner->task->is_sent = true;
		send_run(runner);
		if (runner->task && runner->task->screen.is_wanted)
			runner_screen(runner);
		break;
	case SUPERVISE_TIME_OUT:
		task_decide(runner->task, "timed_out", "timeout",
			"the run took longer than %lld ms",
			(long long)runner->task->timeout_ms);
		ask(runner);
		break;
	case SUPERVISE_ASK:
		ask(runner);
		break;
	case SUPERVISE_TERM:
		set_deadline(runner, TERM_MS);
		order(runner, SHEPHERD_TERM);
		break;
	case SUPERVISE_KILL:
		set_deadline(runner, KILL_AGAIN_MS);
		order(runner, SHEPHERD_KILL);
		break;
	case SUPERVISE_SETTLE:
		settle(runner);
		break;
	case SUPERVISE_FINISH:
		finish(runner);
		break;
	case SUPERVISE_BYE:
		set_deadline(runner, LEAVE_MS);
		say_bye(runner);
		break;
	case SUPERVISE_REPORT:
		report(runner);
		break;
	case SUPERVISE_NEVER:
	case SUPERVISE_UNSET:
	case SUPERVISE_ACTION_COUNT:
		assert(!"an event that cannot be");
	}
}

void
runner_event(struct runner *runner, enum supervise_event event)
{
	struct supervise_step step = supervise_step(runner->state, event);

	log_debug("runner.step", NULL, "runner %u: %s, event %d, %s", runner->n,
		supervise_state_name(runner->state), (int)event,
		supervise_state_name(step.next));
	runner->state = step.next;
	act(runner, step.action);
}

void
runner_reserve(struct runner *runner, bool is_reserved)
{
	if (runner->state == SUPERVISE_IDLE)
		set_deadline(runner, is_reserved ? 0 : runner->kind->idle_ms);
}

/* --- Start --- */

static const char **
make_env(const struct runner *runner, char *own[ENV_OWN])
{
	size_t n = 0;

	own[0] = xasprintf("PROCTOR_WORKER=%s", runner->worker->tag);
	own[1] = xasprintf("PROCTOR_RUNNER=%s-%u", runner->worker->tag, runner->n);
	own[2] = xasprintf("TMPDIR=%s/tmp", runner->dir);
	while (runner->worker->env[n])
		n++;
	const char **env = xcalloc(n + ENV_OWN + 1, sizeof *env);
	for (size_t i = 0; i < ENV_OWN; i++)
		env[i] = own[i];
	for (size_t i = 0; i < n; i++)
		env[ENV_OWN + i] = runner->worker->env[i];
	return env;
}

/* Our ends and theirs. */
struct ends {
	int control[2], requests[2], replies[2], log[2]; /* [0] ours */
};

static void
ends_deinit(struct ends *ends)
{
	int *all = ends->control;

	for (size_t i = 0; i < sizeof *ends / sizeof(int); i++)
		cleanup_close(&all[i]);
}

static int
make_pipe(int ret[2], bool we_read, struct err *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "pipe");
	ret[0] = we_read ? fds[0] : fds[1];
	ret[1] = we_read ? fds[1] : fds[0];
	return fd_set_nonblock(ret[0], err);
}

static int
make_ends(struct ends *ends, struct err *err)
{
	memset(ends, 0xff, sizeof *ends); /* every descriptor -1 */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends->control) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "socketpair");
	if (make_pipe(ends->requests, false, err) < 0 ||
		make_pipe(ends->replies, true, err) < 0 || make_pipe(ends->log, true, err) < 0)
		return -1;
	return 0;
}

static int
start_shepherd(struct runner *runner, const struct ends *ends, struct err *err)
{
	const struct worker *worker = runner->worker;
	const char *argv[KIND_ARGS_MAX + 6] = { worker->places.self, "runner-shepherd",
		runner->dir, runner->cgroup ? runner->cgroup : "-" };
	_cleanup_free_ char *cwd = xasprintf("%s/run", runner->dir);
	_cleanup_free_ char *owned = NULL;
	char *own[ENV_OWN];
	const struct spawn_fd map[] = {
		{ ends->control[1], SHEPHERD_FD_CONTROL },
		{ ends->requests[1], SHEPHERD_FD_REQUESTS },
		{ ends->replies[1], SHEPHERD_FD_REPLIES },
	};
	uint64_t disk = (uint64_t)worker->options->disk_bytes_max;
	const struct spawn_rlimit rlimits[] = {
		{ RLIMIT_CORE, 0, 0 },
		{ RLIMIT_FSIZE, disk, disk },
	};

	argv[4] = cwd;
	kind_command(runner->kind, &worker->places, argv + 5, &owned);
	const char **env = make_env(runner, own);
	const struct spawn_spec spec = {
		.argv = argv,
		.env = env,
		.fd_in = -1,
		.fd_out = ends->log[1],
		.fd_err = ends->log[1],
		.map = map,
		.n_map = ARRAY_LEN(map),
		.rlimits = rlimits,
		.n_rlimits = ARRAY_LEN(rlimits),
		.new_group = true,
	};
	int r = spawn_start(&runner->shepherd, &spec, err);
	for (size_t i = 0; i < ENV_OWN; i++)
		free(own[i]);
	free(env);
	return r;
}

static void
open_pipes(struct runner *runner, struct ends *ends)
{
	pipe_open(runner, &runner->exit, runner->shepherd.pidfd, UV_READABLE, on_shepherd_exit);
	pipe_open(runner, &runner->control, TAKE_FD(ends->control[0]), UV_READABLE,
		on_control_ready);
	pipe_open(runner, &runner->requests, TAKE_FD(ends->requests[0]), 0, on_requests_ready);
	pipe_open(runner, &runner->replies, TAKE_FD(ends->replies[0]), UV_READABLE,
		on_replies_ready);
	pipe_open(runner, &runner->log, TAKE_FD(ends->log[0]), UV_READABLE, on_log_ready);
	uv_timer_init(runner->worker->loop, &runner->timer);
	runner->timer.data = runner;
	runner->n_handles++;
}

struct runner *
runner_start(struct worker *worker, const struct kind *kind, struct err *err)
{
	_cleanup_(ends_deinit) struct ends ends;
	struct runner *runner = xcalloc(1, sizeof *runner);
	_cleanup_free_ char *name = NULL;
	int r;

	runner->worker = worker;
	runner->kind = kind;
	runner->n = ++worker->n_runners_made;
	runner->lines = (struct lines)LINES_INIT(MESSAGE_REPLY_BYTES_MAX);
	runner->out = (struct buf)BUF_INIT(OUT_BYTES_MAX);
	runner->capture.fd = -1;
	name = xasprintf("%u", runner->n);
	r = make_ends(&ends, err);
	if (r == 0)
		r = rundir_make(&worker->dirs, runner->n, &runner->dir, err);
	if (r == 0 && worker->cgroup)
		(void)cgroup_make(worker->cgroup, name, &runner->cgroup);
	if (r == 0)
		r = start_shepherd(runner, &ends, err);
	if (r < 0) {
		cgroup_remove(runner->cgroup);
		if (runner->dir)
			(void)tree_remove(AT_FDCWD, runner->dir, NULL); /* nobody was in it */
		free(runner->dir);
		free(runner->cgroup);
		free(runner);
		return NULL;
	}
	open_pipes(runner, &ends);
	runner_open_log(runner);
	runner->is_clean = true;
	list_push_back(&worker->runners, &runner->node);
	runner->state = SUPERVISE_STARTING;
	set_deadline(runner, READY_MS);
	send_hello(runner);
	return runner;
}

void
runner_release(struct runner *runner)
{
	assert(runner->state == SUPERVISE_GONE && !runner->is_released);
	list_remove(&runner->node);
	runner->is_released = true;
	/* One more than the handles, so that the last of them does not come too early. */
	runner->n_handles++;
	on_handle_closed(runner);
}
