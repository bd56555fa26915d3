/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run takes an idle warm runner of its kind or a new process. Its folder is filled and
 * cleared on libuv's pool; while that goes on the runner is busy and its run waits.
 */
#include "worker/pool.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/bundle.h"
#include "worker/context.h"
#include "worker/poll.h"
#include "worker/runner.h"
#include "worker/screen.h"
#include "worker/sweep.h"
#include "worker/task.h"
#include "worker/upload.h"
#include "worker/watch.h"

enum {
	RESULT_BYTES_MAX = RUN_RESULT_BYTES_MAX,
	STARTS_MAX =
		3, /* runners that may die before they get a run, until it is the run's end */
};

static void end_task(struct task *task);
static void send_if_ready(struct runner *runner);
static void clear_folder(struct runner *runner);
static void remove_folder(struct runner *runner);

/* --- Runners --- */

static struct runner *
runner_of(struct list_node *node)
{
	return list_entry(node, struct runner, node);
}

/*
 * How well a runner without a run suits the task: the one that served the same connection of
 * the same job last (its caches are warm), then one that no other connection of the job will
 * ask for, then any idle one, then one that starts. 0: not at all.
 */
static int
suits(const struct runner *runner, const struct task *task)
{
	enum { NOT, STARTING, IDLE, FREE_OF_JOB, SAME };
	bool is_idle = runner->state == SUPERVISE_IDLE;
	bool is_same_job = strcmp(runner->last_job, task->job) == 0;

	if (runner->kind != task->kind || runner->task ||
		(!is_idle && runner->state != SUPERVISE_STARTING))
		return NOT;
	if (!is_idle)
		return STARTING;
	if (!is_same_job || runner->last_connection == 0)
		return FREE_OF_JOB;
	return runner->last_group == task->group && runner->last_connection == task->connection
		? SAME
		: IDLE;
}

/* A warm or prepared one without a run. */
static struct runner *
find_free(const struct task *task)
{
	struct runner *best = NULL;
	int best_suits = 0;

	LIST_FOR_EACH(node, &task->worker->runners) {
		struct runner *runner = runner_of(node);
		int how = suits(runner, task);

		if (how > best_suits) {
			best = runner;
			best_suits = how;
		}
	}
	return best;
}

static unsigned
count_free(struct worker *worker, const struct kind *kind)
{
	unsigned n = 0;

	LIST_FOR_EACH(node, &worker->runners) {
		struct runner *runner = runner_of(node);

		n += runner->kind == kind && !runner->task &&
			(runner->state == SUPERVISE_IDLE ||
				runner->state == SUPERVISE_STARTING);
	}
	return n;
}

/* Starts the next one-shot process of a kind before it is asked for: its start is slow. */
static void
prewarm(struct worker *worker, const struct kind *kind)
{
	struct err err;

	if (!kind->prewarm || worker->drains || count_free(worker, kind) > 0)
		return;
	if (!runner_start(worker, kind, &err))
		log_warn("runner.start", NULL, "%s", err.text);
}

/* --- A run begins --- */

/* Gives the task a runner; phase RUNNING afterwards, or the task has ended. */
static void
assign(struct task *task)
{
	struct runner *runner = find_free(task);
	struct err err;

	if (!runner)
		runner = runner_start(task->worker, task->kind, &err);
	if (!runner) {
		task_decide(task, "errored", "runner_start", "%s", err.text);
		end_task(task);
		return;
	}
	task->phase = TASK_RUNNING;
	task->n_starts++;
	task->runner = runner;
	runner_reserve(runner, true);
	memset(runner->last_job, 0, sizeof runner->last_job);
	strncpy(runner->last_job, task->job, sizeof runner->last_job - 1);
	runner->last_group = task->group;
	runner->last_connection = task->connection;
	runner->task = task;
	runner->is_run_over = false;
	send_if_ready(runner);
}

void
pool_start(struct task *task)
{
	struct worker *worker = task->worker;

	if (task->kind && worker->health[task->kind - kind_table].is_paused) {
		task->hands_back = true; /* leased before the server heard of it */
		end_task(task);
	} else if (!task->kind || !worker->offers[task->kind - kind_table]) {
		task_decide(task, "errored", "kind",
			"this worker carries out no tests of that kind");
		end_task(task);
	} else if (task->bundle) {
		bundle_fetch(task);
	} else {
		assign(task);
	}
}

void
pool_bundle_done(struct task *task, const struct err *err)
{
	if (task->phase != TASK_WAITING)
		return;
	if (err) {
		task_decide(
			task, "errored", "bundle", "the bundle cannot be had: %s", err->text);
		end_task(task);
	} else {
		assign(task);
	}
}

static void
unpack(uv_work_t *work)
{
	struct runner *runner = container_of(work, struct runner, work);
	_cleanup_free_ char *to = xasprintf("%s/run/files", runner->dir);

	runner->work_err.code = 0;
	if (mkdir(to, 0700) < 0 && errno != EEXIST)
		err_sys(&runner->work_err, ERR_UNAVAILABLE, errno, "%s", to);
	else
		(void)bundle_unpack(runner->unpack_from, to, &runner->work_err);
}

/* The task was stopped or dropped before its runner heard of it: both go their ways. */
static void
part(struct runner *runner)
{
	pool_run_over(runner);
}

static void
on_unpacked(uv_work_t *work, int status)
{
	struct runner *runner = container_of(work, struct runner, work);
	struct task *task = runner->task;

	(void)status;
	runner->is_busy = false;
	if (runner->state == SUPERVISE_GONE) {
		pool_runner_gone(runner);
		return;
	}
	task->is_prepared = true;
	if (runner->work_err.code)
		task_decide(task, "errored", "bundle", "%s", runner->work_err.text);
	send_if_ready(runner);
}

static void
start_unpacking(struct runner *runner)
{
	struct task *task = runner->task;

	runner->is_busy = true;
	runner->is_clean = false;
	free(runner->unpack_from);
	runner->unpack_from = bundle_path(runner->worker, task->bundle);
	uv_queue_work(runner->worker->loop, &runner->work, unpack, on_unpacked);
}

/* Takes the next step towards sending the run, whichever is missing. */
static void
send_if_ready(struct runner *runner)
{
	struct task *task = runner->task;

	if (!task || runner->is_run_over || runner->is_busy)
		return;
	if (task->outcome || task->is_dropped || task->hands_back) {
		/* Stopped before it began. A starting process is not to blame: it stays. */
		if (runner->state == SUPERVISE_IDLE || runner->state == SUPERVISE_STARTING)
			part(runner);
		return;
	}
	if (!runner->is_clean) {
		if (!task->is_prepared)
			clear_folder(runner);
		else if (runner->state == SUPERVISE_IDLE)
			runner_event(runner, SUPERVISE_EV_RUN);
		return;
	}
	if (task->bundle && !task->is_prepared) {
		start_unpacking(runner);
		return;
	}
	task->is_prepared = true;
	if (runner->state != SUPERVISE_IDLE)
		return;
	runner->is_clean = false;
	runner_event(runner, SUPERVISE_EV_RUN);
}

void
pool_runner_ready(struct runner *runner)
{
	send_if_ready(runner);
	if (!runner->task && runner->worker->drains)
		runner_event(runner, SUPERVISE_EV_STOP);
}

/* --- A run ends --- */

/* Its folder is free again. */
static void
let_go(struct runner *runner)
{
	runner->task = NULL;
	runner->is_run_over = false;
	if (runner->state == SUPERVISE_GONE)
		remove_folder(runner);
	else if (runner->worker->drains && runner->state == SUPERVISE_IDLE)
		runner_event(runner, SUPERVISE_EV_STOP);
	else if (!runner->is_clean && runner->state == SUPERVISE_IDLE)
		clear_folder(runner);
	runner_reserve(runner, false);
}

static void
release_runner(struct task *task)
{
	struct runner *runner = task->runner;

	task->runner = NULL;
	if (runner)
		let_go(runner);
}

static void
put_result(struct task *task)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(RESULT_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &text);
	task_write_result(task, &jw);
	if (jw_done(&jw) < 0) {
		/* Never more than one line of 256 KiB, but for a defect; a verdict is due. */
		json_decref(task->result);
		task->result = NULL;
		buf_clear(&text);
		jw_init(&jw, &text);
		task_write_result(task, &jw);
		if (jw_done(&jw) < 0)
			abort();
	}
	(void)outbox_add(&task->worker->outbox, OUTBOX_RESULT, task, text.data, text.len);
	task->phase = TASK_REPORTED;
	poller_wake(task->worker->poller);
}

/* A run that was broken off because we leave is not a result, unless it got through all the
 * same. */
static bool
goes_back(const struct task *task)
{
	return task->hands_back &&
		!(task->result && task->outcome &&
			(strcmp(task->outcome, "passed") == 0 ||
				strcmp(task->outcome, "skipped") == 0));
}

/* Over, with every artifact: the result may go. */
static void
settle_task(struct task *task)
{
	struct worker *worker = task->worker;

	assert(task->phase == TASK_ENDED && task->n_uploads == 0);
	release_runner(task);
	if (task->is_dropped || goes_back(task)) {
		outbox_forget(&worker->outbox, task);
		task_free(task);
	} else {
		put_result(task);
	}
	pool_check_end(worker);
}

/* The run itself is over; artifacts may follow. May free the task. */
static void
end_task(struct task *task)
{
	screen_off(task);
	task->phase = TASK_ENDED;
	task->duration_ms = clock_mono_ms() - task->started_mono_ms;
	if (task->n_uploads == 0)
		settle_task(task);
}

void
pool_upload_done(struct task *task)
{
	if (task->phase == TASK_ENDED && task->n_uploads == 0)
		settle_task(task);
}

static void
upload_log(struct runner *runner)
{
	struct task *task = runner->task;

	if (runner->capture.kept > 0)
		upload_file(task, runner->dir, "output.log", "output.log",
			"text/plain; charset=utf-8", "log", NULL);
}

void
pool_run_over(struct runner *runner)
{
	struct task *task = runner->task;
	const struct kind *kind = runner->kind;
	struct worker *worker = runner->worker;
	/* A process that failed to start has something to say about it, too. */
	bool has_log = runner->state == SUPERVISE_GONE || !runner->is_clean;

	runner->is_run_over = true;
	if (has_log && !task->is_dropped && !goes_back(task))
		upload_log(runner);
	end_task(task);
	prewarm(worker, kind);
}

/*
 * A runner that dies before it has the run says nothing about the run. Neither does a warm one
 * before the test has begun: it may have been dying when the run was sent.
 */
static bool
may_start_again(const struct runner *runner)
{
	const struct task *task = runner->task;

	if (task->is_sent && (task->has_started || !runner->has_served))
		return false;
	return !task->outcome && !task->is_dropped && !task->hands_back &&
		task->n_starts < STARTS_MAX;
}

void
pool_runner_gone(struct runner *runner)
{
	struct worker *worker = runner->worker;

	if (runner->is_busy)
		return; /* the other thread's end comes back here */
	if (!runner->was_ready && !runner->is_judged && !worker->drains) {
		runner->is_judged = true;
		watch_kind_failed(
			runner, runner->failure[0] ? runner->failure : "it ended at once");
	}
	if (runner->task && !runner->is_run_over && may_start_again(runner)) {
		struct task *task = runner->task;

		runner->task = NULL;
		task->phase = TASK_WAITING;
		task->runner = NULL;
		task->is_prepared = task->is_sent = false;
		remove_folder(runner);
		assign(task);
	} else if (runner->task && !runner->is_run_over) {
		runner_decide(runner);
		pool_run_over(runner);
	} else if (!runner->task) {
		remove_folder(runner);
	}
	pool_check_end(worker);
}

/* --- Folders, on other threads --- */

static void
clear_work(uv_work_t *work)
{
	struct runner *runner = container_of(work, struct runner, work);

	runner->work_err.code = 0;
	(void)rundir_clear(runner->dir, runner->kind->keeps_children, &runner->work_err);
}

static void
on_cleared(uv_work_t *work, int status)
{
	struct runner *runner = container_of(work, struct runner, work);

	(void)status;
	runner->is_busy = false;
	if (runner->state == SUPERVISE_GONE) {
		pool_runner_gone(runner);
		return;
	}
	if (runner->work_err.code) {
		log_warn("runner.clear", NULL, "%s", runner->work_err.text);
		runner_event(runner, SUPERVISE_EV_BREACH);
		return;
	}
	runner->is_clean = true;
	runner_open_log(runner);
	send_if_ready(runner);
}

static void
clear_folder(struct runner *runner)
{
	runner->is_busy = true;
	uv_queue_work(runner->worker->loop, &runner->work, clear_work, on_cleared);
}

static void
remove_work(uv_work_t *work)
{
	struct runner *runner = container_of(work, struct runner, work);

	runner->work_err.code = 0;
	(void)tree_remove(AT_FDCWD, runner->dir, &runner->work_err);
}

static void
on_removed(uv_work_t *work, int status)
{
	struct runner *runner = container_of(work, struct runner, work);
	struct worker *worker = runner->worker;

	(void)status;
	if (runner->work_err.code)
		log_warn("runner.remove", NULL, "%s", runner->work_err.text);
	if (runner->is_measured)
		runner->is_busy = false; /* on_measured() releases it */
	else
		runner_release(runner);
	pool_check_end(worker);
}

static void
remove_folder(struct runner *runner)
{
	runner->is_busy = true;
	uv_queue_work(runner->worker->loop, &runner->work, remove_work, on_removed);
}

/* --- Orders --- */

/* Ends a run that has a runner; `event` says how. */
static void
end_running(struct task *task, enum supervise_event event)
{
	struct runner *runner = task->runner;

	/* Not sent yet: the runner need not suffer. Busy: on_unpacked() and on_cleared() see
	 * it. */
	if (runner->state == SUPERVISE_IDLE || runner->state == SUPERVISE_STARTING)
		send_if_ready(runner);
	else
		runner_event(runner, event);
}

void
pool_stop(struct task *task, const char *outcome, const char *reason)
{
	if (task->phase > TASK_RUNNING || task->is_stopping)
		return;
	task->is_stopping = true;
	task_decide(task, outcome, reason, NULL);
	if (task->phase == TASK_RUNNING)
		end_running(task, SUPERVISE_EV_STOP);
	else
		end_task(task);
}

void
pool_drop(struct task *task)
{
	struct worker *worker = task->worker;

	if (task->is_dropped)
		return;
	task->is_dropped = true;
	/* A result that crossed with this directive has arrived: the usual case, and no news.
	 */
	if (task->phase != TASK_REPORTED)
		log_info("run.dropped", NULL, "run %s is not ours any more", task->run);
	upload_cancel(task);
	outbox_forget(&worker->outbox, task);
	switch (task->phase) {
	case TASK_RUNNING:
		end_running(task, SUPERVISE_EV_BREACH);
		break;
	case TASK_WAITING:
		end_task(task);
		break;
	case TASK_ENDED:
		settle_task(task);
		break;
	case TASK_REPORTED:
		task_free(task);
		pool_check_end(worker);
		break;
	}
}

/* The first task that `wanted` says yes to; calls on it may free any others but in steps. */
static struct task *
first_task(struct worker *worker, bool (*wanted)(const struct task *))
{
	LIST_FOR_EACH(node, &worker->tasks) {
		struct task *task = list_entry(node, struct task, node);
		if (wanted(task))
			return task;
	}
	return NULL;
}

static bool
is_not_dropped(const struct task *task)
{
	return !task->is_dropped;
}

void
pool_drop_all(struct worker *worker)
{
	struct task *task;

	while ((task = first_task(worker, is_not_dropped)))
		pool_drop(task);
}

void
pool_reported(struct task *task)
{
	task_free(task);
}

void
pool_result_refused(struct task *task)
{
	bool is_second = task->reason && strcmp(task->reason, "result_refused") == 0;

	if (is_second) { /* the lease's end settles it */
		log_error("run.result_refused", NULL,
			"run %s: the server takes no result of it", task->run);
		outbox_forget(&task->worker->outbox, task);
		task_free(task);
		return;
	}
	json_decref(task->result);
	json_decref(task->error);
	json_decref(task->warnings);
	free(task->reason);
	task->result = task->error = task->warnings = NULL;
	task->reason = NULL;
	task->outcome = NULL;
	task_decide(task, "errored", "result_refused", "the server did not take the result");
	put_result(task);
}

/* --- Leaving --- */

static bool
may_break_off(const struct task *task)
{
	return task->phase <= TASK_RUNNING && !task->hands_back && !task->is_dropped;
}

static void
break_off(struct task *task)
{
	task->hands_back = true;
	task->is_stopping = true;
	if (task->phase == TASK_RUNNING)
		end_running(task, SUPERVISE_EV_STOP);
	else
		end_task(task);
}

static void
stop_idle_runners(struct worker *worker, enum pool_haste haste)
{
	LIST_FOR_EACH_SAFE(node, &worker->runners) {
		struct runner *runner = runner_of(node);

		if (runner->state == SUPERVISE_GONE)
			continue;
		if (haste == POOL_NOW)
			runner_event(runner, SUPERVISE_EV_BREACH);
		else if (!runner->task &&
			(runner->state == SUPERVISE_IDLE ||
				runner->state == SUPERVISE_STARTING))
			runner_event(runner, SUPERVISE_EV_STOP);
	}
}

void
pool_drain(struct worker *worker, enum pool_haste haste)
{
	struct task *task;
	bool is_first = !worker->drains;

	worker->drains = true;
	worker->hurries |= haste == POOL_NOW;
	if (is_first)
		poller_restart_claim(worker->poller);
	while (haste != POOL_PATIENT && (task = first_task(worker, may_break_off)))
		break_off(task);
	stop_idle_runners(worker, haste);
	pool_check_end(worker);
}

void
pool_check_end(struct worker *worker)
{
	if (!worker->drains || !list_empty(&worker->runners))
		return;
	if (worker->stops) {
		uv_stop(worker->loop);
		return;
	}
	if (!worker->hurries && (!list_empty(&worker->tasks) || worker->outbox.n > 0))
		return;
	poller_say_goodbye(worker->poller);
}

/* --- What a lost shepherd left --- */

static bool
is_shepherd(const struct worker *worker, pid_t pid)
{
	LIST_FOR_EACH(node, &worker->runners)
		if (runner_of(node)->shepherd.pid == pid)
			return true;
	return false;
}

int
pool_end_orphans(struct worker *worker)
{
	enum { CHILDREN_MAX = 4096 };
	pid_t children[CHILDREN_MAX];
	int n = sweep_children(getpid(), children, CHILDREN_MAX);
	int n_orphans = 0;

	for (int i = 0; i < n && i < CHILDREN_MAX; i++) {
		if (is_shepherd(worker, children[i]))
			continue;
		n_orphans++;
		(void)sweep_kill_descendants(children[i], 0);
		(void)kill(children[i], SIGKILL);
		(void)waitpid(children[i], NULL, WNOHANG);
	}
	return n_orphans;
}
