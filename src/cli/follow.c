/* SPDX-License-Identifier: Apache-2.0 */
/* One event stream, one cancel request, two signals and two timers in a libuv loop. */
#include "cli/follow.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/limits.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/job_view.h"
#include "cli/sse_reader.h"
#include "http/client.h"

enum {
	REDRAW_MS = 125,
	RETRY_MS = 200, /* between two tries to reach a server that is alive */
	RETRIES = 50,
	EXPLAIN_MS = 2000,      /* a job that has not begun by then deserves an explanation */
	CANCEL_WAIT_MS = 30000, /* for a cancelled job to end: longer than any grace time */
};

struct follow {
	uv_loop_t loop;
	uv_timer_t redraw, give_up, retry, explain;
	uv_signal_t sigint, sigterm;
	struct http_client *client;
	struct http_exchange *stream;
	struct sse_reader reader;
	struct embedded *embedded;
	struct progress *progress;
	struct buf log;
	char *events_url, *cancel_url, *explain_url; /* owned */
	enum follow_end end;
	bool is_cancelling, is_over;
	int tries;
	int result;
	struct err *err;
};

static void on_retry(uv_timer_t *timer);

static void
leave(struct follow *follow, int result)
{
	follow->result = result;
	uv_stop(&follow->loop);
}

/* --- Events --- */

static bool
is_final_type(const char *type)
{
	static const char *const final[] = { "job.completed", "job.failed", "job.stopped",
		"job.invalid", "job.deleted" };

	for (size_t i = 0; i < ARRAY_LEN(final); i++) {
		if (strcmp(type, final[i]) == 0)
			return true;
	}
	return false;
}

static int
on_event(void *arg, json_t *event)
{
	struct follow *follow = arg;

	follow->tries = 0;
	progress_event(follow->progress, event, &follow->log);
	follow->is_over = follow->is_over || is_final_type(json_text(event, "type"));
	return 0;
}

static int
on_bytes(void *arg, const char *data, size_t len)
{
	struct follow *follow = arg;

	if (sse_reader_feed(&follow->reader, data, len) < 0)
		return -1;
	/* On a terminal the timer draws; a log gets its lines at once. */
	if (!follow->progress->is_live && follow->log.len > 0)
		progress_draw(follow->progress, &follow->log);
	return 0;
}

static void
on_stream_end(void *arg, struct http_answer *answer, const struct err *err)
{
	struct follow *follow = arg;

	follow->stream = NULL;
	if (follow->is_over || (answer && answer->status == 204)) {
		leave(follow, (int)follow->end);
		return;
	}
	bool is_refused = answer && (answer->status < 200 || answer->status > 299) &&
		answer->status != 429 && answer->status != 503;
	if (is_refused || embedded_is_dead(follow->embedded) || ++follow->tries > RETRIES) {
		if (is_refused)
			(void)err_set(follow->err, ERR_INTERNAL, "the server answered %d",
				answer->status);
		else
			(void)err_set(follow->err, ERR_UNAVAILABLE, "the server is gone%s%s",
				err ? ": " : "", err ? err->text : "");
		leave(follow, -1);
		return;
	}
	uint64_t pause_ms = answer && answer->status < 300 ? 0 : RETRY_MS;
	(void)uv_timer_start(&follow->retry, on_retry, pause_ms, 0);
}

/* --- Timers and signals --- */

static void
open_stream(struct follow *follow)
{
	char last_id[64];
	const char *headers[] = { "Accept: text/event-stream", NULL, NULL };

	sse_reader_restart(&follow->reader);
	if (follow->reader.last_id >= 0) {
		(void)snprintf(last_id, sizeof last_id, "Last-Event-ID: %" PRId64,
			follow->reader.last_id);
		headers[1] = last_id;
	}
	const struct client_request request = { .method = "GET",
		.url = follow->events_url,
		.bearer = follow->embedded->remote.token,
		.headers = headers,
		.timeout_ms = DAYS_MS(1),
		.sink = on_bytes,
		.sink_arg = follow };
	follow->stream =
		http_client_send(follow->client, &request, NULL, on_stream_end, follow);
}

static void
on_retry(uv_timer_t *timer)
{
	open_stream(timer->data);
}

static void
on_redraw(uv_timer_t *timer)
{
	struct follow *follow = timer->data;

	progress_draw(follow->progress, &follow->log);
}

static void
on_explained(void *arg, struct http_answer *answer, const struct err *err)
{
	struct follow *follow = arg;

	(void)err; /* then the next one will tell */
	if (!answer || answer->status != 200)
		return;
	_cleanup_(json_unrefp) json_t *explanation =
		json_read(buf_text(&answer->body), answer->body.len, JSON_DEPTH_MAX, NULL);
	progress_waits(follow->progress, json_text(explanation, "sentence"), &follow->log);
	progress_draw(follow->progress, &follow->log);
}

static void
on_explain(uv_timer_t *timer)
{
	struct follow *follow = timer->data;
	const struct client_request request = { .method = "GET",
		.url = follow->explain_url,
		.bearer = follow->embedded->remote.token };

	if (strcmp(follow->progress->status, "queued") != 0)
		(void)uv_timer_stop(timer);
	else
		(void)http_client_send(follow->client, &request, NULL, on_explained, follow);
}

static void
on_cancelled(void *arg, struct http_answer *answer, const struct err *err)
{
	/* Its effect comes as an event; a job that is over by itself refuses, which is as good.
	 */
	(void)arg, (void)answer, (void)err;
}

static void
on_late(uv_timer_t *timer)
{
	struct follow *follow = timer->data;

	leave(follow, FOLLOW_LEFT);
}

static void
cancel(struct follow *follow, enum follow_end why)
{
	const struct client_request request = { .method = "POST",
		.url = follow->cancel_url,
		.bearer = follow->embedded->remote.token };

	follow->is_cancelling = true;
	follow->end = why;
	(void)http_client_send(follow->client, &request, NULL, on_cancelled, follow);
	(void)uv_timer_start(&follow->give_up, on_late, CANCEL_WAIT_MS, 0);
}

static void
on_signal(uv_signal_t *handle, int signum)
{
	struct follow *follow = handle->data;

	(void)signum;
	if (follow->is_cancelling && follow->end == FOLLOW_INTERRUPTED) {
		leave(follow, FOLLOW_LEFT);
		return;
	}
	(void)!buf_adds(&follow->log, "stopping the job; once more to leave at once\n");
	cancel(follow, FOLLOW_INTERRUPTED);
	progress_draw(follow->progress, &follow->log);
}

static void
on_give_up(uv_timer_t *timer)
{
	cancel(timer->data, FOLLOW_GAVE_UP);
}

/* --- The whole --- */

static void
open_handles(struct follow *follow, int64_t give_up_ms)
{
	(void)uv_timer_init(&follow->loop, &follow->redraw);
	(void)uv_timer_init(&follow->loop, &follow->give_up);
	(void)uv_timer_init(&follow->loop, &follow->retry);
	(void)uv_timer_init(&follow->loop, &follow->explain);
	(void)uv_signal_init(&follow->loop, &follow->sigint);
	(void)uv_signal_init(&follow->loop, &follow->sigterm);
	follow->redraw.data = follow->give_up.data = follow->retry.data = follow;
	follow->sigint.data = follow->sigterm.data = follow->explain.data = follow;
	(void)uv_timer_start(&follow->explain, on_explain, EXPLAIN_MS, EXPLAIN_MS);
	(void)uv_signal_start(&follow->sigint, on_signal, SIGINT);
	(void)uv_signal_start(&follow->sigterm, on_signal, SIGTERM);
	if (follow->progress->is_live)
		(void)uv_timer_start(&follow->redraw, on_redraw, 0, REDRAW_MS);
	if (give_up_ms > 0)
		(void)uv_timer_start(&follow->give_up, on_give_up, (uint64_t)give_up_ms, 0);
}

static void
close_handles(struct follow *follow)
{
	uv_close((uv_handle_t *)&follow->redraw, NULL);
	uv_close((uv_handle_t *)&follow->give_up, NULL);
	uv_close((uv_handle_t *)&follow->retry, NULL);
	uv_close((uv_handle_t *)&follow->explain, NULL);
	uv_close((uv_handle_t *)&follow->sigint, NULL);
	uv_close((uv_handle_t *)&follow->sigterm, NULL);
	http_client_close(follow->client);
	(void)uv_run(&follow->loop, UV_RUN_DEFAULT);
	(void)uv_loop_close(&follow->loop);
}

int
follow_job(struct embedded *embedded, const char *job, struct progress *progress,
	int64_t give_up_ms, struct err *err)
{
	struct follow follow = { .embedded = embedded,
		.progress = progress,
		.log = BUF_INIT(MIB(4)),
		.err = err,
		.events_url = xasprintf("%s/api/v1/jobs/%s/events", embedded->remote.url, job),
		.explain_url =
			xasprintf("%s/api/v1/jobs/%s/explain", embedded->remote.url, job),
		.cancel_url =
			xasprintf("%s/api/v1/jobs/%s/cancel", embedded->remote.url, job) };

	if (uv_loop_init(&follow.loop) < 0)
		abort(); /* out of memory or descriptors at the very start */
	sse_reader_init(&follow.reader, on_event, &follow);
	follow.client = http_client_new(&follow.loop);
	open_handles(&follow, give_up_ms);
	open_stream(&follow);
	(void)uv_run(&follow.loop, UV_RUN_DEFAULT);
	progress_draw(progress, &follow.log);
	progress_end(progress);
	close_handles(&follow);
	sse_reader_deinit(&follow.reader);
	buf_deinit(&follow.log);
	free(follow.events_url);
	free(follow.cancel_url);
	free(follow.explain_url);
	return follow.result;
}
