/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a job is not running. The blockers are tried in the order in which a person can do
 * something about them; the first one found makes the sentence.
 */
#include "core/explain.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "core/lanes.h"
#include "core/plan_impl.h"

/* clang-format off */
static const char *const kind_names[BLOCKER_KIND_COUNT] = {
	[BLOCKER_START_TIME] = "start_time",
	[BLOCKER_PAUSED] = "paused",
	[BLOCKER_QUEUE_PAUSED] = "queue_paused",
	[BLOCKER_QUEUE_LIMIT] = "queue_limit",
	[BLOCKER_NO_WORKER_KIND] = "no_worker_kind",
	[BLOCKER_NO_WORKER_LABEL] = "no_worker_label",
	[BLOCKER_WORKERS_BUSY] = "workers_busy",
	[BLOCKER_AHEAD] = "jobs_ahead",
	[BLOCKER_RETRY_WAIT] = "retry_wait",
	[BLOCKER_CONCURRENCY] = "own_concurrency",
};
/* clang-format on */

const char *
blocker_kind_name(enum blocker_kind kind)
{
	return kind_names[kind];
}

struct list {
	struct arena *arena;
	struct explanation *to;
};

static struct blocker *add(struct list *list, enum blocker_kind kind, const char *fmt, ...)
	PRINTF_LIKE(3, 4);

static struct blocker *
add(struct list *list, enum blocker_kind kind, const char *fmt, ...)
{
	struct blocker *blocker = &list->to->blockers[list->to->n_blockers++];
	va_list ap;

	va_start(ap, fmt);
	*blocker =
		(struct blocker) { .kind = kind, .text = arena_vprintf(list->arena, fmt, ap) };
	va_end(ap);
	return blocker;
}

static const char *
time_text(struct list *list, int64_t ms)
{
	char text[TIME_TEXT_LEN + 1];

	time_format(ms, text);
	return arena_strdup(list->arena, text);
}

static void
add_own(struct list *list, const struct explain_facts *facts)
{
	const struct job *job = facts->job;

	if (job->state == JOB_PAUSED)
		add(list, BLOCKER_PAUSED, "It is paused; unpause lets it go on.");
	if (job->run_at_ms > facts->now_ms && job->state == JOB_QUEUED)
		add(list, BLOCKER_START_TIME, "It is to start at %s.",
			time_text(list, job->run_at_ms))
			->until_ms = job->run_at_ms;
	if (!job->ready && facts->retry_due_ms > facts->now_ms)
		add(list, BLOCKER_RETRY_WAIT, "Its next attempt is due at %s.",
			time_text(list, facts->retry_due_ms))
			->until_ms = facts->retry_due_ms;
	if (job->running >= job->concurrency)
		add(list, BLOCKER_CONCURRENCY,
			"%d of its runs %s under way, its concurrency allows no more.",
			(int)job->running, job->running == 1 ? "is" : "are")
			->count = job->running;
}

static void
add_queue(struct list *list, const struct queue *queue)
{
	struct blocker *blocker;

	if (queue->paused) {
		blocker = add(
			list, BLOCKER_QUEUE_PAUSED, "The queue \"%s\" is paused.", queue->name);
		blocker->subject = queue->name;
	}
	if (queue->concurrency > 0 && queue->running >= queue->concurrency) {
		blocker = add(list, BLOCKER_QUEUE_LIMIT,
			"The queue \"%s\" runs %d of at most %d runs.", queue->name,
			(int)queue->running, (int)queue->concurrency);
		blocker->subject = queue->name;
		blocker->count = queue->concurrency;
	}
}

static const char *
labels_text(struct list *list, const char *labels)
{
	char *text = arena_strdup(list->arena, labels);

	for (char *c = text; c && *c; c++) {
		if (*c == '\n')
			*c = ' ';
	}
	return text ? text : "";
}

static void
add_workers(struct list *list, const struct explain_facts *facts)
{
	const struct lane *lane = facts->lane;
	struct blocker *blocker;

	if (facts->n_workers_kind == 0) {
		blocker = add(list, BLOCKER_NO_WORKER_KIND,
			"No worker that carries out \"%s\" is online.", lane->kind);
		blocker->subject = lane->kind;
	} else if (facts->n_workers_match == 0) {
		blocker = add(list, BLOCKER_NO_WORKER_LABEL,
			"No worker for \"%s\" has the labels %s.", lane->kind,
			labels_text(list, lane->labels));
		blocker->subject = lane->labels;
	} else if (facts->busy_match >= facts->capacity_match) {
		blocker = add(list, BLOCKER_WORKERS_BUSY,
			"All %" PRId64
			" connections of the workers that could run it are busy.",
			facts->capacity_match);
		blocker->count = facts->capacity_match;
	}
	if (facts->ahead > 0)
		add(list, BLOCKER_AHEAD, "%" PRId64 " %s before it.", facts->ahead,
			facts->ahead == 1 ? "job stands" : "jobs stand")
			->count = facts->ahead;
}

static const char *
plain_sentence(struct arena *arena, const struct job *job)
{
	const char *reason = job_reason_name(job_shown_reason(job));

	if (job_state_is_final(job->state))
		return arena_printf(arena, "It has ended: %s (%s).", job_state_name(job->state),
			reason ? reason : "no reason recorded");
	if (job->running > 0)
		return arena_printf(arena, "It is running: %d of its runs %s under way.",
			(int)job->running, job->running == 1 ? "is" : "are");
	if (job->state == JOB_STOPPING || job->state == JOB_PAUSING)
		return arena_printf(arena, "It is %s.", job_state_name(job->state));
	return "Nothing holds it back; a worker takes it with its next poll.";
}

struct explanation *
explain_job(const struct explain_facts *facts, struct arena *arena)
{
	struct explanation *explanation = arena_xalloc(arena, sizeof *explanation);
	struct list list = { .arena = arena, .to = explanation };

	*explanation = (struct explanation) {
		.id = facts->job->id,
		.state = facts->job->state,
		.blockers = arena_xalloc(arena, BLOCKER_KIND_COUNT * sizeof(struct blocker)),
	};
	if (!job_state_is_final(facts->job->state) && facts->job->state != JOB_STOPPING) {
		add_own(&list, facts);
		if (facts->queue && facts->job->state != JOB_PAUSED)
			add_queue(&list, facts->queue);
		if (facts->job->ready && facts->lane)
			add_workers(&list, facts);
	}
	explanation->sentence = explanation->n_blockers > 0 && facts->job->running == 0
		? explanation->blockers[0].text
		: plain_sentence(arena, facts->job);
	return explanation;
}
