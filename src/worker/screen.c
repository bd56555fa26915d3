/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A picture that arrives too early after the last one waits for the worker's timer, which
 * serves all runs; else the last picture before a still page would not be seen.
 */
#include "worker/screen.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/context.h"
#include "worker/runner.h"
#include "worker/task.h"

enum {
	TIMEOUT_MS = 10 * 1000, /* of one picture */
	FAILURES_MAX = 5,       /* in a row; the server asks again if it still wants to see */
};

static void send_next(struct task *task);

static void
on_sent(void *arg, struct http_answer *answer, const struct err *err)
{
	struct task *task = arg;
	struct screen *screen = &task->screen;

	(void)err;
	screen->exchange = NULL;
	if (answer && answer->status / 100 == 2) {
		screen->n_failures = 0;
		send_next(task);
		return;
	}
	bool is_refused = answer && answer->status / 100 == 4;
	if (is_refused || ++screen->n_failures >= FAILURES_MAX)
		screen_off(task);
	else
		send_next(task);
}

static void
send_picture(struct task *task)
{
	struct screen *screen = &task->screen;
	const struct worker *worker = task->worker;
	_cleanup_free_ char *url =
		xasprintf("%s/runs/%s/screen?fence=%" PRId64 "&width=%d&height=%d", worker->api,
			task->run, task->fence, screen->width, screen->height);
	const struct client_request request = {
		.method = "POST",
		.url = url,
		.bearer = worker->options->token,
		.content_type = "image/jpeg",
		.timeout_ms = TIMEOUT_MS,
	};

	screen->sent_mono_ms = clock_mono_ms();
	screen->exchange =
		http_client_send(worker->client, &request, &screen->waiting, on_sent, task);
}

static void
on_timer(uv_timer_t *timer)
{
	struct worker *worker = timer->data;

	LIST_FOR_EACH(node, &worker->tasks)
		send_next(list_entry(node, struct task, node));
}

/* Sends what waits when its time has come. */
static void
send_next(struct task *task)
{
	struct screen *screen = &task->screen;
	uv_timer_t *timer = &task->worker->screen_timer;

	if (!screen->is_wanted || screen->exchange || screen->waiting.len == 0)
		return;
	int64_t early_ms = screen->sent_mono_ms + SCREEN_FRAME_MS - clock_mono_ms();
	if (early_ms <= 0 || screen->sent_mono_ms == 0)
		send_picture(task);
	else if (!uv_is_active((uv_handle_t *)timer))
		uv_timer_start(timer, on_timer, (uint64_t)early_ms, 0);
}

void
screen_timer_init(struct worker *worker)
{
	uv_timer_init(worker->loop, &worker->screen_timer);
	worker->screen_timer.data = worker;
}

void
screen_watch(struct task *task)
{
	if (task->screen.is_wanted || task->phase > TASK_RUNNING || task->is_dropped)
		return;
	log_debug("run.screen", NULL, "run %s: somebody looks", task->run);
	task->screen.is_wanted = true;
	task->screen.n_failures = 0;
	if (task->runner)
		runner_screen(task->runner);
}

static int
side_of(json_t *body, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(body, key));

	return value >= 1 && value <= SCREEN_SIDE_MAX ? (int)value : 0;
}

void
screen_frame(struct task *task, json_t *body)
{
	struct screen *screen = &task->screen;
	json_t *data = json_object_get(body, "data");
	const struct str text = str_from(json_string_value(data), json_string_length(data));

	log_debug("run.frame", NULL, "a picture of run %s", task->run);
	if (!screen->is_wanted)
		return; /* crossed with our word that nobody looks */
	screen->waiting.max = SCREEN_FRAME_BYTES_MAX;
	buf_clear(&screen->waiting);
	screen->width = side_of(body, "width");
	screen->height = side_of(body, "height");
	if (!screen->width || !screen->height ||
		base64_decode(&screen->waiting, text, BASE64_STANDARD) < 0) {
		buf_clear(&screen->waiting);
		log_debug("run.bad_frame", NULL, "run %s: a picture that is none", task->run);
		return;
	}
	send_next(task);
}

void
screen_deinit(struct task *task)
{
	struct screen *screen = &task->screen;

	http_exchange_cancel(screen->exchange);
	screen->exchange = NULL;
	screen->is_wanted = false;
	buf_deinit(&screen->waiting);
}

void
screen_off(struct task *task)
{
	bool was_wanted = task->screen.is_wanted;

	if (was_wanted)
		log_debug("run.screen", NULL, "run %s: nobody looks any more", task->run);
	screen_deinit(task);
	if (was_wanted && task->runner)
		runner_screen(task->runner);
}
