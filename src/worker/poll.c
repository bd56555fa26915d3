/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two lanes. The claiming lane asks for leases and directives and is parked by the server; it
 * carries `holds` and nothing else, so that an answer which takes 30 s delays no result. The
 * side lane carries the outbox, one batch at a time, so that a run's events arrive in order.
 *
 * The lease counts from the moment a poll was *sent* that was answered with 200: that is the
 * latest moment at which the server is known to have renewed it. A poll that was sent without
 * runs in hand is the exception, see on_claim_done().
 */
#include "worker/poll.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "worker/context.h"
#include "worker/pool.h"
#include "worker/task.h"

enum {
	WAIT_MS_DEFAULT = 30 * 1000,
	SPARE_MS = 10 * 1000,    /* for the way and the server's work, beside parking */
	FLUSH_MS = 100,          /* the oldest event waits this long at most */
	FLUSH_BYTES = 64 * 1024, /* or until there is so much */
	BACKOFF_MS_MIN = 100,
	BACKOFF_MS_MAX = 5000,
	FINAL_MS = 2000, /* the last poll: the server may be gone too */
	ANSWER_BYTES_MAX = 64 * 1048576,
};

enum lane_id { LANE_CLAIM, LANE_SIDE, LANE_COUNT };

struct lane {
	struct poller *poller;
	struct http_exchange *exchange; /* under way, or NULL */
	uv_timer_t timer;               /* back-off; for the side lane also the flush */
	int64_t sent_mono_ms;
	int n_failures; /* in a row */
	bool backs_off;
	bool is_final;
};

struct poller {
	struct worker *worker;
	struct lane lane[LANE_COUNT];
	uv_timer_t lease_timer;
	int64_t lease_ms; /* from the server */
	int64_t lease_from_mono_ms;
	bool was_reached; /* ever */
	bool is_closing;
	int n_handles;
};

static void send_claim(struct poller *poller);
static void send_side(struct poller *poller);

/* --- Bodies --- */

static bool
is_given(const struct worker_options *options, const char *resource)
{
	for (size_t i = 0; i < options->n_resources; i++)
		if (strcmp(options->resources[i].key, resource) == 0)
			return true;
	return false;
}

/* A plain number stays one; others are sizes such as 4GiB, or wrong: the server says so. */
static void
write_amount(struct jw *jw, const struct worker_label *resource)
{
	double number;
	struct err ignored;

	if (parse_double(str_of(resource->value), 0, (double)RESOURCE_MAX, &number, &ignored) ==
		0)
		jw_kf64(jw, resource->key, number);
	else
		jw_kstr(jw, resource->key, resource->value);
}

/* What its runs may take together. */
static void
write_resources(const struct worker_options *options, struct jw *jw)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);

	jw_kobj(jw, "resources");
	if (cores > 0 && !is_given(options, "cpu"))
		jw_ki64(jw, "cpu", cores);
	if (pages > 0 && page_bytes > 0 && !is_given(options, "memory"))
		jw_ki64(jw, "memory", (int64_t)pages * page_bytes);
	for (size_t i = 0; i < options->n_resources; i++)
		write_amount(jw, &options->resources[i]);
	jw_end_obj(jw);
}

static void
write_self(const struct worker *worker, struct jw *jw, bool claims)
{
	const struct worker_options *options = worker->options;

	jw_kstr(jw, "worker", worker->id);
	jw_kstr(jw, "name", options->name);
	jw_kstr(jw, "version", PROCTOR_VERSION);
	jw_karr(jw, "kinds");
	for (size_t i = 0; i < KIND_COUNT; i++)
		if (worker->offers[i] && !worker->health[i].is_paused)
			jw_str(jw, kind_table[i].name);
	jw_end_arr(jw);
	jw_kobj(jw, "labels");
	for (size_t i = 0; i < options->n_labels; i++)
		jw_kstr(jw, options->labels[i].key, options->labels[i].value);
	jw_end_obj(jw);
	write_resources(options, jw);
	jw_ki64(jw, "capacity", worker->drains ? 0 : options->capacity);
	jw_kbool(jw, "claim", claims);
}

/* Every run that is ours still; one that goes back to the server is not named any more. */
static void
write_holds(const struct worker *worker, struct jw *jw, bool is_final)
{
	jw_karr(jw, "holds");
	LIST_FOR_EACH(node, &worker->tasks) {
		const struct task *task = list_entry(node, struct task, node);

		if (task->is_dropped || is_final)
			continue;
		jw_obj(jw);
		jw_kstr(jw, "run", task->run);
		jw_ki64(jw, "fence", task->fence);
		jw_kbool(jw, "stopping", task->is_stopping);
		if (task->screen.is_wanted)
			jw_kbool(jw, "watching", true);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

/* --- Lease --- */

static void
on_lease_end(uv_timer_t *timer)
{
	struct poller *poller = timer->data;

	if (list_empty(&poller->worker->tasks))
		return;
	log_warn("worker.lease_ended", NULL,
		"the server has not been reached for a whole lease: its runs are given up");
	pool_drop_all(poller->worker);
}

/* A poll that was sent at that moment has been answered with 200. */
static void
renew(struct poller *poller, int64_t sent_mono_ms)
{
	if (sent_mono_ms > poller->lease_from_mono_ms)
		poller->lease_from_mono_ms = sent_mono_ms;
	int64_t end_ms = poller->lease_from_mono_ms + poller->lease_ms +
		poller->worker->options->lease_grace_ms;
	int64_t left_ms = end_ms - clock_mono_ms();
	uv_timer_start(
		&poller->lease_timer, on_lease_end, left_ms > 0 ? (uint64_t)left_ms : 0, 0);
}

/* --- Failure --- */

static void
on_backoff(uv_timer_t *timer)
{
	struct lane *lane = container_of(timer, struct lane, timer);

	lane->backs_off = false;
	if (lane == &lane->poller->lane[LANE_CLAIM])
		send_claim(lane->poller);
	else
		send_side(lane->poller);
}

static void
back_off(struct lane *lane, int64_t at_least_ms)
{
	int64_t ms = BACKOFF_MS_MIN;

	for (int i = 0; i < lane->n_failures && ms < BACKOFF_MS_MAX; i++)
		ms *= 2;
	if (ms > BACKOFF_MS_MAX)
		ms = BACKOFF_MS_MAX;
	/* Half to one and a half: workers that lost their server together do not return
	 * together. */
	ms = (int64_t)((0.5 + rng_unit(&lane->poller->worker->rng)) * (double)ms);
	if (ms < at_least_ms)
		ms = at_least_ms;
	lane->n_failures++;
	lane->backs_off = true;
	uv_timer_start(&lane->timer, on_backoff, (uint64_t)ms, 0);
}

/* Says it at the first failure, then rarely. */
static void
complain(struct lane *lane, const struct http_answer *answer, const struct err *err)
{
	if (lane->n_failures % 20 != 0)
		return;
	if (answer)
		log_warn("worker.poll_refused", NULL, "the server answered %d: %.200s",
			answer->status, buf_text(&answer->body));
	else
		log_warn("worker.poll_failed", NULL, "%s", err->text);
}

/* --- Answers --- */

static void
take_directive(struct poller *poller, json_t *directive)
{
	const char *what = json_string_value(json_object_get(directive, "do"));
	const char *run = json_string_value(json_object_get(directive, "run"));
	const char *reason = json_string_value(json_object_get(directive, "reason"));
	int64_t fence = json_integer_value(json_object_get(directive, "fence"));

	if (!what)
		return;
	if (strcmp(what, "drain") == 0) {
		pool_drain(poller->worker, POOL_PATIENT);
		return;
	}
	struct task *task = run ? task_find(poller->worker, run) : NULL;
	if (!task || task->fence != fence)
		return;
	if (strcmp(what, "stop") == 0)
		pool_stop(task, "cancelled", reason ? reason : "stopped");
	else if (strcmp(what, "drop") == 0)
		pool_drop(task);
	else if (strcmp(what, "watch") == 0)
		screen_watch(task);
}

static void
take_lease(struct poller *poller, json_t *lease)
{
	const char *run = json_string_value(json_object_get(lease, "run"));
	struct task *old = run ? task_find(poller->worker, run) : NULL;
	struct err err;

	if (poller->worker->drains)
		return; /* not in `holds`: it goes back at once */
	if (old)
		pool_drop(old); /* leased again under a new number: the old one cannot count */
	struct task *task = task_new(poller->worker, lease, &err);
	if (task)
		pool_start(task);
	else
		log_error("worker.bad_lease", NULL, "%s", err.text);
}

static void
take_answer(struct poller *poller, struct http_answer *answer)
{
	struct err err;
	_cleanup_(json_unrefp) json_t *body =
		json_read(buf_text(&answer->body), answer->body.len, JSON_DEPTH_MAX + 8, &err);
	size_t i;
	json_t *one;

	if (!body) {
		log_error("worker.bad_answer", NULL, "%s", err.text);
		return;
	}
	int64_t lease_ms = json_integer_value(json_object_get(body, "leaseMs"));
	if (lease_ms >= 1 && lease_ms <= LEASE_MS_MAX)
		poller->lease_ms = lease_ms;
	json_array_foreach(json_object_get(body, "directives"), i, one)
		take_directive(poller, one);
	json_array_foreach(json_object_get(body, "leases"), i, one) take_lease(poller, one);
}

/* --- The claiming lane --- */

static void
on_claim_done(void *arg, struct http_answer *answer, const struct err *err)
{
	struct lane *lane = arg;
	struct poller *poller = lane->poller;

	lane->exchange = NULL;
	if (lane->is_final) {
		poller->worker->stops = true;
		pool_check_end(poller->worker);
		return;
	}
	if (!answer || answer->status != 200) {
		complain(lane, answer, err);
		if (answer && (answer->status == 401 || answer->status == 403) &&
			!poller->was_reached)
			pool_fail(poller->worker, ERR_DENIED, "the server refuses the token");
		back_off(lane, answer ? answer->retry_after_ms : 0);
		return;
	}
	if (lane->n_failures > 0 || !poller->was_reached)
		log_info("worker.connected", NULL, "connected to %s",
			poller->worker->options->url);
	poller->was_reached = true;
	lane->n_failures = 0;
	/* Without runs it may have been parked for longer than a lease, which began with its
	 * answer. */
	bool was_idle = list_empty(&poller->worker->tasks);
	take_answer(poller, answer);
	renew(poller, was_idle ? clock_mono_ms() : lane->sent_mono_ms);
	send_claim(poller);
}

static void
send_lane(struct lane *lane, struct buf *body, int64_t timeout_ms, http_done_fn *done)
{
	struct worker *worker = lane->poller->worker;
	_cleanup_free_ char *url = xasprintf("%s/workers/poll", worker->api);
	const struct client_request request = {
		.method = "POST",
		.url = url,
		.bearer = worker->options->token,
		.timeout_ms = timeout_ms,
		.response_max = ANSWER_BYTES_MAX,
	};

	lane->sent_mono_ms = clock_mono_ms();
	lane->exchange = http_client_send(worker->client, &request, body, done, lane);
}

static void
send_claim(struct poller *poller)
{
	struct lane *lane = &poller->lane[LANE_CLAIM];
	struct buf body = BUF_INIT(POLL_BODY_BYTES_MAX);
	int64_t wait_ms = WAIT_MS_DEFAULT;
	struct jw jw;

	if (poller->is_closing || lane->exchange || lane->backs_off)
		return;
	/* A third of the lease, as the server does: a lost answer is then noticed in time. */
	if (!list_empty(&poller->worker->tasks) && wait_ms > poller->lease_ms / 3)
		wait_ms = poller->lease_ms / 3;
	if (lane->is_final)
		wait_ms = 0;
	jw_init(&jw, &body);
	jw_obj(&jw);
	write_self(poller->worker, &jw, true);
	jw_ki64(&jw, "waitMs", wait_ms);
	write_holds(poller->worker, &jw, lane->is_final);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		abort(); /* at most WORKER_SLOTS_MAX holds: cannot be so long */
	send_lane(lane, &body, lane->is_final ? FINAL_MS : wait_ms + SPARE_MS, on_claim_done);
}

void
poller_restart_claim(struct poller *poller)
{
	struct lane *lane = &poller->lane[LANE_CLAIM];

	http_exchange_cancel(lane->exchange);
	lane->exchange = NULL;
	lane->backs_off = false;
	uv_timer_stop(&lane->timer);
	send_claim(poller);
}

void
poller_say_goodbye(struct poller *poller)
{
	struct lane *lane = &poller->lane[LANE_CLAIM];

	if (lane->is_final)
		return;
	lane->is_final = true;
	poller_restart_claim(poller);
}

/* --- The side lane --- */

static void
on_result_arrived(void *owner)
{
	pool_reported(owner);
}

/* The server will not take this batch, however often it comes. */
static void
side_refused(struct poller *poller)
{
	void *owner;

	if (outbox_refused(&poller->worker->outbox, &owner) && owner)
		pool_result_refused(owner);
}

static bool
is_refusal(int status)
{
	return status >= 400 && status < 500 && status != 401 && status != 403 &&
		status != 408 && status != 429;
}

static void
on_side_done(void *arg, struct http_answer *answer, const struct err *err)
{
	struct lane *lane = arg;
	struct poller *poller = lane->poller;
	struct worker *worker = poller->worker;

	lane->exchange = NULL;
	if (!answer || answer->status != 200) {
		complain(lane, answer, err);
		if (answer && is_refusal(answer->status))
			side_refused(poller);
		else
			outbox_failed(&worker->outbox);
		back_off(lane, answer ? answer->retry_after_ms : 0);
		pool_check_end(worker);
		return;
	}
	lane->n_failures = 0;
	outbox_arrived(&worker->outbox, on_result_arrived);
	take_answer(poller, answer);
	renew(poller, lane->sent_mono_ms);
	poller_wake(poller);
	pool_check_end(worker);
}

static void
send_side(struct poller *poller)
{
	struct lane *lane = &poller->lane[LANE_SIDE];
	struct worker *worker = poller->worker;
	struct buf body = BUF_INIT(POLL_BODY_BYTES_MAX);
	struct jw jw;

	if (poller->is_closing || lane->exchange || lane->backs_off || worker->outbox.n == 0)
		return;
	uv_timer_stop(&lane->timer);
	jw_init(&jw, &body);
	jw_obj(&jw);
	write_self(worker, &jw, false);
	outbox_write(&worker->outbox, &jw);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		abort(); /* a batch is at most 1 MiB and one item */
	send_lane(lane, &body, SPARE_MS, on_side_done);
}

static void
on_flush(uv_timer_t *timer)
{
	send_side(container_of(timer, struct lane, timer)->poller);
}

void
poller_wake(struct poller *poller)
{
	struct lane *lane = &poller->lane[LANE_SIDE];
	const struct outbox *outbox = &poller->worker->outbox;

	if (poller->is_closing || lane->exchange || lane->backs_off || outbox->n == 0)
		return;
	if (outbox->n_results > 0 || outbox->bytes >= FLUSH_BYTES)
		send_side(poller);
	else if (!uv_is_active((uv_handle_t *)&lane->timer))
		uv_timer_start(&lane->timer, on_flush, FLUSH_MS, 0);
}

/* --- Life --- */

struct poller *
poller_new(struct worker *worker)
{
	struct poller *poller = xcalloc(1, sizeof *poller);

	poller->worker = worker;
	poller->lease_ms = LEASE_MS_DEFAULT;
	poller->lease_from_mono_ms = clock_mono_ms();
	for (size_t i = 0; i < LANE_COUNT; i++) {
		poller->lane[i].poller = poller;
		uv_timer_init(worker->loop, &poller->lane[i].timer);
	}
	uv_timer_init(worker->loop, &poller->lease_timer);
	poller->lease_timer.data = poller;
	poller->n_handles = LANE_COUNT + 1;
	send_claim(poller);
	return poller;
}

static void
on_closed(struct poller *poller)
{
	if (--poller->n_handles == 0)
		free(poller);
}

static void
on_lane_closed(uv_handle_t *handle)
{
	on_closed(container_of((uv_timer_t *)handle, struct lane, timer)->poller);
}

static void
on_lease_timer_closed(uv_handle_t *handle)
{
	on_closed(handle->data);
}

void
poller_close(struct poller *poller)
{
	if (!poller || poller->is_closing)
		return;
	poller->is_closing = true;
	for (size_t i = 0; i < LANE_COUNT; i++) {
		http_exchange_cancel(poller->lane[i].exchange);
		uv_close((uv_handle_t *)&poller->lane[i].timer, on_lane_closed);
	}
	uv_close((uv_handle_t *)&poller->lease_timer, on_lease_timer_closed);
}
