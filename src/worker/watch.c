/* SPDX-License-Identifier: Apache-2.0 */
/* Folders are measured on libuv's pool; everything else is cheap enough for the loop. */
#include "worker/watch.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "worker/context.h"
#include "worker/memory.h"
#include "worker/poll.h"
#include "worker/pool.h"
#include "worker/runner.h"
#include "worker/task.h"

/* --- Disk --- */

static void
measure_work(uv_work_t *work)
{
	struct runner *runner = container_of(work, struct runner, measure_work);

	runner->bytes =
		rundir_bytes(runner->dir, runner->worker->options->disk_bytes_max + (1 << 20));
}

static void
on_measured(uv_work_t *work, int status)
{
	struct runner *runner = container_of(work, struct runner, measure_work);
	struct worker *worker = runner->worker;

	(void)status;
	runner->is_measured = false;
	if (runner->state == SUPERVISE_GONE) {
		if (!runner->task && !runner->is_busy)
			runner_release(runner);
		pool_check_end(worker);
		return;
	}
	if (runner->bytes < worker->options->disk_bytes_max || !runner->task ||
		runner->is_run_over)
		return;
	task_decide(runner->task, "errored", "limit_disk",
		"the run's files take more than %lld MiB",
		(long long)(worker->options->disk_bytes_max >> 20));
	runner_event(runner, SUPERVISE_EV_BREACH);
}

static void
measure_disks(struct worker *worker)
{
	LIST_FOR_EACH(node, &worker->runners) {
		struct runner *runner = list_entry(node, struct runner, node);

		if (!runner->task || runner->is_run_over || runner->is_measured ||
			runner->state == SUPERVISE_GONE)
			continue;
		runner->is_measured = true;
		uv_queue_work(worker->loop, &runner->measure_work, measure_work, on_measured);
	}
}

/* --- Whether a kind works --- */

/*
 * A browser that does not start fails every run in no time, so that one broken machine would
 * eat the whole queue: it stops asking for such runs for a while.
 */
void
watch_kind_failed(struct runner *runner, const char *why)
{
	struct worker *worker = runner->worker;
	size_t i = (size_t)(runner->kind - kind_table);

	if (!runner->kind->keeps_children || worker->health[i].is_paused ||
		!health_failed(&worker->health[i], clock_mono_ms()))
		return;
	log_error("worker.kind_withdrawn", NULL,
		"no %s tests here for %lld s: %.200s (proctor doctor tells more)",
		runner->kind->name, (long long)(worker->health[i].pause_ms / 1000), why);
	poller_restart_claim(worker->poller);
}

void
watch_result(struct runner *runner, const char *outcome, const char *reason)
{
	bool has_failed = strcmp(outcome, "errored") == 0 && reason &&
		(strcmp(reason, "browser_missing") == 0 ||
			strcmp(reason, "browser_start") == 0);

	if (has_failed)
		watch_kind_failed(runner, reason);
	else if (strcmp(outcome, "lost") != 0)
		health_worked(&runner->worker->health[runner->kind - kind_table]);
}

/* Offers again what was withdrawn for long enough, unless it is plainly not there. */
static void
resume_kinds(struct worker *worker)
{
	bool has_news = false;

	for (size_t i = 0; i < KIND_COUNT; i++) {
		struct health *health = &worker->health[i];
		struct err why;

		if (!health_is_due(health, clock_mono_ms()))
			continue;
		if (kind_available(&kind_table[i], &worker->places, &why) < 0) {
			health_postpone(health, clock_mono_ms());
			continue;
		}
		log_info("worker.kind_offered", NULL, "%s tests are tried again",
			kind_table[i].name);
		health_resume(health);
		has_news = true;
	}
	if (has_news)
		poller_restart_claim(worker->poller);
}

/* --- Every now and then --- */

/* A run whose runner has not begun with it in its time. */
static void
check_starts(struct worker *worker)
{
	int64_t now_ms = clock_mono_ms();

	LIST_FOR_EACH_SAFE(node, &worker->tasks) {
		struct task *task = list_entry(node, struct task, node);

		if (task->start_timeout_ms <= 0 || task->has_started || task->outcome ||
			task->phase > TASK_RUNNING || task->is_dropped || task->hands_back ||
			now_ms - task->leased_mono_ms < task->start_timeout_ms)
			continue;
		task_decide(task, "errored", "start_timeout",
			"the run had not begun after %lld ms",
			(long long)task->start_timeout_ms);
		if (task->phase == TASK_RUNNING)
			runner_event(task->runner, SUPERVISE_EV_BREACH);
		else
			pool_stop(task, NULL, NULL); /* it is decided */
	}
}

/* Where memory is short the largest browser that nobody uses leaves; one at a time. */
static void
spare_memory(struct worker *worker)
{
	int64_t left = memory_available();
	struct runner *largest = NULL;
	int64_t bytes = -1;

	if (left < 0 || left >= worker->options->memory_short_bytes)
		return;

	LIST_FOR_EACH(node, &worker->runners) {
		struct runner *runner = list_entry(node, struct runner, node);

		if (!runner->kind->keeps_children || runner->task || runner->is_busy ||
			runner->state != SUPERVISE_IDLE)
			continue;
		int64_t its = memory_of_tree(runner->shepherd.pid);
		if (its > bytes) {
			bytes = its;
			largest = runner;
		}
	}
	if (!largest)
		return;
	log_info("runner.memory", NULL, "memory is short: an idle %s runner of %lld MiB leaves",
		largest->kind->name, (long long)(bytes >> 20));
	runner_event(largest, SUPERVISE_EV_STOP);
}

void
watch_all(struct worker *worker)
{
	enum { MEMORY_EVERY = 4 };

	measure_disks(worker);
	check_starts(worker);
	resume_kinds(worker);
	if (worker->n_watches++ % MEMORY_EVERY == 0)
		spare_memory(worker);
}
