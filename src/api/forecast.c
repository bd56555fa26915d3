/* SPDX-License-Identifier: Apache-2.0 */
/* Forecasts: docs/protocol/queues.md §9. */
#include "api/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"

static int
compare_ms(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* The median time of completed jobs that the filter lets through; *ret_n 0: there were none. */
static int
median_of(struct call *call, struct store_reader *reader, struct job_filter *filter,
	int64_t *ret_ms, int64_t *ret_n, struct err *err)
{
	int64_t took_ms[FORECAST_JOBS_MAX];
	struct job_page page;
	size_t n = 0;

	filter->project = call->project;
	filter->states = UINT32_C(1) << JOB_COMPLETED;
	filter->sort = JOB_SORT_COMPLETED;
	filter->descending = true;
	filter->limit = FORECAST_JOBS_MAX;
	if (read_jobs(reader, filter, call->arena, &page, err) < 0)
		return -1;
	for (size_t i = 0; i < page.n; i++) {
		const struct job *job = page.items[i];
		if (job->started_ms > 0 && job->completed_ms >= job->started_ms)
			took_ms[n++] = job->completed_ms - job->started_ms;
	}
	qsort(took_ms, n, sizeof took_ms[0], compare_ms);
	*ret_ms = n > 0 ? took_ms[n / 2] : 0;
	*ret_n = (int64_t)n;
	return 0;
}

/* Connections that serve the line now. */
static int64_t
slots_of(const struct queue *queue, int64_t connections)
{
	if (queue->paused)
		return 0;
	if (queue->concurrency > 0 && queue->concurrency < connections)
		return queue->concurrency;
	return connections;
}

static int
read_queue_of(struct call *call, struct store_reader *reader, int64_t id, struct queue *ret,
	struct err *err)
{
	struct queue *queues;
	size_t n;

	if (read_queues(reader, call->project, call->arena, &queues, &n, err) < 0)
		return -1;
	*ret = (struct queue) { .paused = true };
	for (size_t i = 0; i < n; i++) {
		if (queues[i].id == id)
			*ret = queues[i];
	}
	return 0;
}

/* How long it takes until the queue's rate has given n tokens, of which it has none. */
static int64_t
tokens_ms(const struct rate *rate, int64_t n)
{
	return rate->n > 0 ? n * rate->per_ms / rate->n : 0;
}

static int64_t
later_of(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* How long others keep the slots busy, or take the queue's tokens, before it is this one's
 * turn. */
static int64_t
wait_ms(const struct forecast *forecast, const struct queue *queue, int64_t busy)
{
	int64_t tokens = tokens_ms(&queue->rate, forecast->ahead);

	if (forecast->ahead == 0 && busy < forecast->slots)
		return 0;
	return later_of((forecast->ahead / forecast->slots) * forecast->median_ms +
			forecast->median_ms / 2,
		tokens);
}

/* What the places of a key are left by is not known here. */
static bool
waits_for_key(const struct explanation *explanation)
{
	for (size_t i = 0; i < explanation->n_blockers; i++)
		if (explanation->blockers[i].kind == BLOCKER_KEY_LIMIT ||
			explanation->blockers[i].kind == BLOCKER_KEY_RATE)
			return true;
	return false;
}

int
forecast_job(struct call *call, struct store_reader *reader, const struct job *job,
	const struct explanation *explanation, struct forecast *ret, struct err *err)
{
	struct job_filter filter = { .template_id = job->template_id };
	int64_t now_ms = clock_wall_ms(), begin_ms = now_ms;
	struct queue queue;

	*ret = (struct forecast) { .ahead = explanation->ahead };
	if (uuid_is_zero(&job->template_id.u))
		filter.name = job->name;
	if (median_of(call, reader, &filter, &ret->median_ms, &ret->n_samples, err) < 0 ||
		read_queue_of(call, reader, job->queue, &queue, err) < 0)
		return -1;
	ret->slots = slots_of(&queue, explanation->connections);
	if (job_state_is_final(job->state))
		ret->unknown = "it has ended";
	else if (ret->n_samples == 0)
		ret->unknown = "nothing like it has completed yet";
	else if (job->started_ms == 0 && job->state == JOB_PAUSED)
		ret->unknown = "it is paused";
	else if (job->started_ms == 0 && waits_for_key(explanation))
		ret->unknown = "it waits for others with its key";
	else if (job->started_ms == 0 && ret->slots == 0)
		ret->unknown = "nothing serves its line now";
	if (ret->unknown)
		return 0;
	if (job->started_ms > 0) {
		ret->start_ms = job->started_ms;
	} else {
		if (explanation->until_ms > begin_ms)
			begin_ms = explanation->until_ms;
		ret->start_ms = begin_ms + wait_ms(ret, &queue, explanation->busy);
	}
	ret->end_ms = ret->start_ms + ret->median_ms;
	if (ret->end_ms < now_ms)
		ret->end_ms = now_ms;
	return 0;
}

int
forecast_queue(struct call *call, struct store_reader *reader, const struct queue *queue,
	struct queue_figures *figures, struct err *err)
{
	struct job_filter filter = { .queue = queue->id };
	int64_t connections = 0, median_ms, n, now_ms = clock_wall_ms();
	struct worker_row *workers;
	size_t n_workers;

	if (figures->running + figures->ready == 0 || figures->held > 0 || queue->paused)
		return 0;
	if (median_of(call, reader, &filter, &median_ms, &n, err) < 0 ||
		read_workers(reader, call->project, false, call->arena, &workers, &n_workers,
			err) < 0)
		return -1;
	for (size_t i = 0; i < n_workers; i++)
		connections += workers[i].state == WORKER_ONLINE ? workers[i].capacity : 0;
	int64_t slots = slots_of(queue, connections);
	if (n == 0 || slots == 0)
		return 0;
	int64_t jobs = figures->running + figures->ready;
	int64_t tokens =
		figures->ready > 0 ? tokens_ms(&queue->rate, figures->ready) + median_ms : 0;

	figures->drain_ms = now_ms + later_of((jobs + slots - 1) / slots * median_ms, tokens);
	return 0;
}

void
forecast_write(struct jw *jw, const struct forecast *forecast)
{
	jw_kobj(jw, "forecast");
	jw_ktime(jw, "startAt", forecast->start_ms);
	jw_ktime(jw, "endAt", forecast->end_ms);
	jw_kobj(jw, "basis");
	jw_ki64(jw, "samples", forecast->n_samples);
	if (forecast->n_samples > 0)
		jw_ki64(jw, "medianMs", forecast->median_ms);
	jw_ki64(jw, "ahead", forecast->ahead);
	jw_ki64(jw, "slots", forecast->slots);
	jw_kstr_opt(jw, "unknown", forecast->unknown);
	jw_end_obj(jw);
	jw_end_obj(jw);
}
