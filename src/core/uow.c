/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The unit of work. Rows live in the turn's arena; the maps borrow their keys from the rows, so
 * a row's id and seq must be set before it is added and must not change afterwards.
 */
#include "core/uow.h"

#include <assert.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"

enum {
	ARRAY_CAP_MIN = 8, /* most turns touch a handful of rows */
};

/* Neighbours in the stream: all events of one job, or all of a project that are about no job.
 */
struct event_group {
	struct {
		int64_t project, job_seq;
	} key;
	size_t n;  /* events in it */
	size_t at; /* place of its next event */
};

void
uow_init(struct uow *uow, struct arena *arena, struct rng *rng, int64_t now_ms)
{
	*uow = (struct uow) { .now_ms = now_ms, .rng = rng, .arena = arena };
	map_init(&uow->job_by_id, MAP_KEYS_BORROWED);
	map_init(&uow->job_by_seq, MAP_KEYS_BORROWED);
	map_init(&uow->run_by_id, MAP_KEYS_BORROWED);
	map_init(&uow->worker_by_id, MAP_KEYS_BORROWED);
	map_init(&uow->job_by_unique, MAP_KEYS_COPIED);
}

void
uow_deinit(struct uow *uow)
{
	map_deinit(&uow->job_by_id);
	map_deinit(&uow->job_by_seq);
	map_deinit(&uow->run_by_id);
	map_deinit(&uow->worker_by_id);
	map_deinit(&uow->job_by_unique);
}

/* The old memory stays behind in the arena: at most as much again as the array holds. */
void *
uow_grow(struct arena *arena, void *items, size_t item_size, size_t n, size_t *cap)
{
	if (n < *cap)
		return items;

	size_t new_cap = *cap > 0 ? *cap * 2 : ARRAY_CAP_MIN;
	void *grown = arena_xalloc(arena, new_cap * item_size);
	if (n > 0)
		memcpy(grown, items, n * item_size);
	*cap = new_cap;
	return grown;
}

static char *
unique_text(int64_t project, const char *key)
{
	return xasprintf("%lld\x1f%s", (long long)project, key);
}

static void
note_unique(struct uow *uow, struct job *job)
{
	if (!job->unique_key || job->unique_until_ms < 0)
		return;
	_cleanup_free_ char *key = unique_text(job->project, job->unique_key);
	map_put(&uow->job_by_unique, key, strlen(key), job);
}

struct job *
uow_unique(const struct uow *uow, int64_t project, const char *key)
{
	_cleanup_free_ char *text = unique_text(project, key);
	struct job *job = map_get(&uow->job_by_unique, text, strlen(text));

	return job && job->unique_until_ms >= 0 && job->change != ROW_DELETED ? job : NULL;
}

struct job *
uow_add_job(struct uow *uow, struct job *job)
{
	struct job *known = map_get(&uow->job_by_id, &job->id, sizeof job->id);
	if (known)
		return known;

	assert(job->seq > 0);
	map_put(&uow->job_by_id, &job->id, sizeof job->id, job);
	map_put(&uow->job_by_seq, &job->seq, sizeof job->seq, job);
	UOW_PUSH(uow, &uow->jobs, job);
	note_unique(uow, job);
	return job;
}

/* At the end, so that the list is in order of age: the store loads by seq, new runs are
 * younger. */
static void
link_open_run(struct run *run)
{
	struct job *job = run->job;

	run->job_next = NULL;
	if (job->open_runs)
		job->last_open_run->job_next = run;
	else
		job->open_runs = run;
	job->last_open_run = run;
}

struct run *
uow_add_run(struct uow *uow, struct run *run)
{
	struct run *known = map_get(&uow->run_by_id, &run->id, sizeof run->id);
	if (known)
		return known;

	assert(run->job && run->job_seq == run->job->seq);
	map_put(&uow->run_by_id, &run->id, sizeof run->id, run);
	UOW_PUSH(uow, &uow->runs, run);
	if (run->state != RUN_FINISHED)
		link_open_run(run);
	return run;
}

struct worker_row *
uow_add_worker(struct uow *uow, struct worker_row *worker)
{
	struct worker_row *known = map_get(&uow->worker_by_id, &worker->id, sizeof worker->id);
	if (known)
		return known;

	map_put(&uow->worker_by_id, &worker->id, sizeof worker->id, worker);
	UOW_PUSH(uow, &uow->workers, worker);
	return worker;
}

struct job *
uow_job(const struct uow *uow, struct job_id id)
{
	return map_get(&uow->job_by_id, &id, sizeof id);
}

struct job *
uow_job_by_seq(const struct uow *uow, int64_t seq)
{
	return map_get(&uow->job_by_seq, &seq, sizeof seq);
}

struct run *
uow_run(const struct uow *uow, struct run_id id)
{
	return map_get(&uow->run_by_id, &id, sizeof id);
}

struct worker_row *
uow_worker(const struct uow *uow, struct worker_id id)
{
	return map_get(&uow->worker_by_id, &id, sizeof id);
}

void
uow_touch_job(struct uow *uow, struct job *job)
{
	if (job->change == ROW_CLEAN)
		job->change = ROW_CHANGED;
	job->updated_ms = uow->now_ms;
}

void
uow_touch_run(struct uow *uow, struct run *run)
{
	(void)uow;
	if (run->change == ROW_CLEAN)
		run->change = ROW_CHANGED;
}

void
uow_touch_worker(struct worker_row *worker)
{
	if (worker->change == ROW_CLEAN)
		worker->change = ROW_CHANGED;
}

void
uow_event_job(struct uow *uow, const struct job *job, const struct run *run,
	enum event_type type, struct str data)
{
	struct event event = {
		.at_ms = uow->now_ms,
		.project = job->project,
		.job_seq = job->seq,
		.job = job->id,
		.type = type,
		.data = data,
	};
	if (run)
		event.run = run->id;
	uow_event(uow, &event);
}

void
uow_event(struct uow *uow, const struct event *event)
{
	assert(event->type < EVENT_TYPE_COUNT);
	UOW_PUSH(uow, &uow->events, *event);
	struct event *last = &uow->events.item[uow->events.n - 1];
	if (last->data.n == 0)
		last->data = STR("{}");
}

/* Some row of an array of pointers is new, changed or deleted. */
#define ANY_CHANGE(array)                                             \
	__extension__({                                               \
		bool any_ = false;                                    \
		for (size_t i_ = 0; i_ < (array).n && !any_; i_++)    \
			any_ = (array).item[i_]->change != ROW_CLEAN; \
		any_;                                                 \
	})

bool
uow_is_empty(const struct uow *uow)
{
	if (uow->events.n > 0 || uow->tests.n > 0 || uow->options.n > 0 ||
		uow->incarnations.n > 0 || uow->artifacts.n > 0 || uow->new_lanes.n > 0 ||
		uow->changed_queues.n > 0 || uow->buckets.n > 0 || uow->quarantine.n > 0 ||
		uow->stat_backlog.n > 0 || uow->projects.n > 0 || uow->schedules.n > 0 ||
		uow->firings.n > 0 || uow->retention.n > 0 || uow->fileless.n > 0 ||
		uow->staged.n > 0)
		return false;
	return !ANY_CHANGE(uow->jobs) && !ANY_CHANGE(uow->runs) && !ANY_CHANGE(uow->workers) &&
		!ANY_CHANGE(uow->defs) && !ANY_CHANGE(uow->idems);
}

static struct event_group *
group_of(struct map *groups, struct arena *arena, const struct event *event)
{
	struct event_group like = { .key = { event->project, event->job_seq } };
	struct event_group *group = map_get(groups, &like.key, sizeof like.key);
	if (!group) {
		group = arena_xalloc(arena, sizeof *group);
		group->key = like.key;
		map_put(groups, &group->key, sizeof group->key, group);
	}
	return group;
}

/* A counting sort: stable, and the groups stand in the order of their first events. */
void
uow_number_events(struct uow *uow)
{
	size_t n = uow->events.n;
	if (n == 0)
		return;

	struct map groups;
	map_init(&groups, MAP_KEYS_BORROWED);
	struct event_group **group = arena_xalloc(uow->arena, n * sizeof *group);
	for (size_t i = 0; i < n; i++) {
		group[i] = group_of(&groups, uow->arena, &uow->events.item[i]);
		group[i]->n++;
	}

	struct map_entry entry;
	size_t place = 0;
	for (size_t at = 0; map_next(&groups, &at, &entry);) {
		struct event_group *next = entry.value;
		next->at = place;
		place += next->n;
	}

	struct event *sorted = arena_xalloc(uow->arena, n * sizeof *sorted);
	for (size_t i = 0; i < n; i++) {
		struct event *event = &sorted[group[i]->at++];
		*event = uow->events.item[i];
		event->seq = uow->next_event_seq + (event - sorted);
	}
	uow->next_event_seq += (int64_t)n;
	uow->events.item = sorted;
	uow->events.cap = n;
	map_deinit(&groups);
}
