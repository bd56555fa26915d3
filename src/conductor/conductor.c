/* SPDX-License-Identifier: Apache-2.0 */
/* Effects in, a bounded number of tasks under way, reports out. */
#include "conductor/conductor.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "conductor/conductor_impl.h"

enum {
	TRIES_MAX = 3,    /* at what the store refuses for the moment */
	REPORTS_MAX = 32, /* that the engine has not answered: what clients send waits behind */
	LOOKS_OF_PROJECT_MAX = CONDUCTOR_LOOKS_MAX / 4 * 3, /* the rest is for other projects */
};

static const struct effect_work works[EFFECT_KIND_COUNT] = {
	[EFFECT_FLOW_LAUNCH] = { WORK_READ, launch_prepare, NULL, report_fail },
	[EFFECT_FLOW_COLLECT] = { WORK_READ, collect_prepare, NULL, report_fail },
	[EFFECT_FLOW_PROBE] = { WORK_LOOK, probe_prepare, probe_go, probe_fail },
	[EFFECT_SCHEDULE_FIRE] = { WORK_READ, schedule_prepare, NULL, schedule_fail },
	[EFFECT_SWEEP] = { WORK_SWEEP, sweep_prepare, sweep_go, sweep_fail },
	[EFFECT_BLOBS] = { WORK_SWEEP, blobs_prepare, NULL, blobs_fail },
};

static const size_t on_pool_max[WORK_COUNT] = {
	[WORK_READ] = CONDUCTOR_READS_MAX,
	[WORK_LOOK] = CONDUCTOR_RESOLVES_MAX,
	[WORK_SWEEP] = CONDUCTOR_SWEEPS_MAX,
};

/* --- Tasks --- */

static struct str
copy(struct arena *arena, struct str text)
{
	if (text.n == 0)
		return (struct str) { 0 };
	text.p = arena_strndup(arena, text.p, text.n);
	return text.p ? text : (struct str) { 0 };
}

/* The same for the same condition of the same stage. */
static struct str
look_key(struct arena *arena, const struct effect *effect)
{
	size_t n_stage = strlen(effect->stage);
	size_t n_ids = sizeof effect->flow + sizeof effect->item;
	char *key = arena_xalloc(arena, n_ids + n_stage);

	memcpy(key, &effect->flow, sizeof effect->flow);
	memcpy(key + sizeof effect->flow, &effect->item, sizeof effect->item);
	memcpy(key + n_ids, effect->stage, n_stage);
	return str_from(key, n_ids + n_stage);
}

static struct task *
task_new(struct conductor *conductor, const struct effect *effect)
{
	struct task *task = xcalloc(1, sizeof *task);

	task->conductor = conductor;
	task->how = &works[effect->kind];
	arena_init(&task->arena, CONDUCTOR_TASK_BYTES_MAX);
	task->effect = *effect;
	task->effect.stage = arena_strdup(&task->arena, effect->stage);
	task->effect.body = copy(&task->arena, effect->body);
	task->effect.scope = copy(&task->arena, effect->scope);
	if (task->how->lane == WORK_LOOK)
		task->look_key = look_key(&task->arena, effect);
	return task;
}

static void
task_free(struct task *task)
{
	probe_cancel(task);
	sweep_free(TAKE(task->sweep));
	(void)intent_free(task->intent);
	arena_deinit(&task->arena);
	free(task);
}

static void pump(struct conductor *conductor);

/* Takes it off what is under way. */
static void
task_end(struct task *task)
{
	struct conductor *conductor = task->conductor;

	list_remove(&task->node);
	conductor->n_running--;
	conductor->n_done++;
	if (task->how->lane == WORK_LOOK)
		conductor->n_looks--;
	task_free(task);
}

/*
 * The engine took the report, or could not. A turn that had too much to do gets it again:
 * nobody else would ask for it before the next start. An engine that has failed says the same,
 * but then the server stops.
 */
static void
on_reported(struct intent *intent)
{
	struct conductor *conductor = intent->user;
	bool is_error = intent->status == INTENT_IS_ERROR;

	if (is_error && intent->err.code == ERR_UNAVAILABLE && !conductor->stopping) {
		intent->status = INTENT_OK;
		conductor->options.submit(conductor->options.arg, intent);
		return;
	}
	if (is_error && intent->err.code != ERR_UNAVAILABLE &&
		intent->err.code != ERR_NOT_FOUND)
		log_warn("conductor.report", NULL, "%s", intent->err.text);
	(void)intent_free(intent);
	conductor->n_reports--;
	pump(conductor);
}

void
task_report(struct task *task)
{
	struct conductor *conductor = task->conductor;
	struct intent *intent = TAKE(task->intent);

	task_end(task);
	if (intent && !conductor->stopping) {
		intent->user = conductor;
		intent->then = on_reported;
		conductor->n_reports++;
		conductor->options.submit(conductor->options.arg, intent);
	} else {
		(void)intent_free(intent);
	}
	pump(conductor);
}

/* --- The pool --- */

static struct store_reader *
reader_take(struct conductor *conductor, struct err *err)
{
	struct store_reader *reader = NULL;

	uv_mutex_lock(&conductor->lock);
	if (conductor->n_readers > 0)
		reader = conductor->readers[--conductor->n_readers];
	uv_mutex_unlock(&conductor->lock);
	if (!reader && store_reader_open(&reader, conductor->options.store, err) < 0)
		return NULL;
	return reader;
}

static void
reader_give(struct conductor *conductor, struct store_reader *reader)
{
	uv_mutex_lock(&conductor->lock);
	if (conductor->n_readers < READERS_KEPT)
		conductor->readers[conductor->n_readers++] = TAKE(reader);
	uv_mutex_unlock(&conductor->lock);
	(void)store_reader_close(reader);
}

struct pool_work {
	struct task *task;
	int result;
	struct err err;
};

static void
on_work(uv_work_t *work)
{
	struct task *task = container_of(work, struct task, work);
	struct pool_work *state = work->data;
	struct store_reader *reader = reader_take(task->conductor, &state->err);

	state->result = -1;
	if (!reader)
		return;
	state->result = task->how->prepare(task, reader, &state->err);
	reader_give(task->conductor, reader);
}

/* The store's reading side had a bad moment. A look is taken again by its own rules. */
static bool
must_try_again(const struct task *task, const struct err *err)
{
	return err->code == ERR_UNAVAILABLE && task->how->lane == WORK_READ &&
		task->n_tries < TRIES_MAX;
}

static void
try_again(struct task *task)
{
	task->n_tries++;
	task->intent = intent_free(task->intent);
	task_again(task);
}

void
task_again(struct task *task)
{
	struct conductor *conductor = task->conductor;

	if (conductor->stopping) {
		task_end(task);
		return;
	}
	list_remove(&task->node);
	list_push_back(&conductor->waiting[task->how->lane], &task->node);
	conductor->n_running--;
	conductor->n_waiting++;
	pump(conductor);
}

static void
on_worked(uv_work_t *work, int status)
{
	struct task *task = container_of(work, struct task, work);
	struct conductor *conductor = task->conductor;
	struct pool_work *state = work->data;

	(void)status; /* never cancelled */
	conductor->n_on_pool[task->how->lane]--;
	if (conductor->stopping) {
		task_end(task);
		return;
	}
	if (state->result == 0 && task->how->go) {
		task->how->go(task);
		pump(conductor);
		return;
	}
	if (state->result < 0 && must_try_again(task, &state->err)) {
		try_again(task);
		return;
	}
	if (state->result < 0)
		task->how->fail(task, &state->err);
	task_report(task);
}

static void
begin(struct conductor *conductor, struct task *task)
{
	struct pool_work *state = task->work.data; /* of an earlier round */

	if (!state)
		state = arena_xalloc(&task->arena, sizeof *state);

	list_remove(&task->node);
	list_push_back(&conductor->running, &task->node);
	if (task->look_key.n > 0)
		(void)map_remove(&conductor->looks, task->look_key.p, task->look_key.n);
	conductor->n_waiting--;
	conductor->n_running++;
	conductor->n_on_pool[task->how->lane]++;
	if (task->how->lane == WORK_LOOK)
		conductor->n_looks++;
	task->work.data = state;
	if (uv_queue_work(conductor->loop, &task->work, on_work, on_worked) != 0)
		abort(); /* only for a missing callback */
}

/* --- The order --- */

/* Whether a launch or collection of the same flow is under way. Few are, so this is short. */
static bool
must_wait(const struct conductor *conductor, const struct task *task)
{
	if (task->how->lane != WORK_READ || uuid_is_zero(&task->effect.flow.u))
		return false;
	LIST_FOR_EACH(node, &conductor->running) {
		const struct task *other = list_entry(node, struct task, node);

		if (other->how->lane == WORK_READ &&
			uuid_eq(&other->effect.flow.u, &task->effect.flow.u))
			return true;
	}
	return false;
}

/*
 * Whether the task's project looks at so much already that others would have to wait for its
 * slow hosts. *full: a project that is known to; so the rest of its line costs nothing.
 */
static bool
takes_too_much(const struct conductor *conductor, const struct task *task, int64_t *full)
{
	int n = 0;

	if (task->how->lane != WORK_LOOK || conductor->n_looks < LOOKS_OF_PROJECT_MAX)
		return false;
	if (task->effect.project == *full)
		return true;
	LIST_FOR_EACH(node, &conductor->running) {
		const struct task *other = list_entry(node, struct task, node);

		n += other->how->lane == WORK_LOOK &&
			other->effect.project == task->effect.project;
	}
	if (n < LOOKS_OF_PROJECT_MAX)
		return false;
	*full = task->effect.project;
	return true;
}

/*
 * Launches are prepared faster than the engine makes jobs. They wait here, where they are in
 * nobody's way, and not in the engine's line.
 */
static bool
has_room(const struct conductor *conductor, enum lane_of_work lane)
{
	return conductor->n_on_pool[lane] < on_pool_max[lane] &&
		(lane != WORK_LOOK || conductor->n_looks < CONDUCTOR_LOOKS_MAX) &&
		(lane != WORK_READ || conductor->n_reports < REPORTS_MAX);
}

static void
pump(struct conductor *conductor)
{
	int64_t full = -1;

	for (int lane = 0; lane < WORK_COUNT; lane++) {
		LIST_FOR_EACH_SAFE(node, &conductor->waiting[lane]) {
			struct task *task = list_entry(node, struct task, node);

			if (conductor->stopping ||
				!has_room(conductor, (enum lane_of_work)lane))
				break;
			if (!must_wait(conductor, task) &&
				!takes_too_much(conductor, task, &full))
				begin(conductor, task);
		}
	}
}

/*
 * Behind the others. A look that nobody reported is asked for again while it may still stand in
 * the line, where hosts are slow and many: the new one takes the place of the old one.
 */
static void
line_up(struct conductor *conductor, struct task *task)
{
	struct task *old = NULL;

	if (task->look_key.n > 0)
		old = map_put(&conductor->looks, task->look_key.p, task->look_key.n, task);
	if (old) {
		list_insert_before(&old->node, &task->node);
		list_remove(&old->node);
		task_free(old);
		return;
	}
	list_push_back(&conductor->waiting[task->how->lane], &task->node);
	conductor->n_waiting++;
}

void
conductor_take(struct conductor *conductor, const struct turn_output *output)
{
	if (conductor->stopping)
		return;
	for (size_t i = 0; i < output->n_effects; i++) {
		const struct effect *effect = &output->effects[i];

		if (works[effect->kind].prepare) /* else somebody else's */
			line_up(conductor, task_new(conductor, effect));
	}
	pump(conductor);
}

/* --- Start and end --- */

struct conductor *
conductor_new(uv_loop_t *loop, const struct conductor_options *options)
{
	struct conductor *conductor = xcalloc(1, sizeof *conductor);
	size_t n = strlen(options->url);

	conductor->loop = loop;
	conductor->options = *options;
	while (n > 0 && options->url[n - 1] == '/')
		n--;
	conductor->url = xstrndup(options->url, n);
	conductor->client = http_client_new(loop);
	for (int i = 0; i < WORK_COUNT; i++)
		list_init(&conductor->waiting[i]);
	list_init(&conductor->running);
	map_init(&conductor->looks, MAP_KEYS_COPIED);
	if (uv_mutex_init(&conductor->lock) != 0)
		abort(); /* only out of memory at the very start */
	return conductor;
}

static size_t
on_pool(const struct conductor *conductor)
{
	size_t n = 0;

	for (int i = 0; i < WORK_COUNT; i++)
		n += conductor->n_on_pool[i];
	return n;
}

void
conductor_stop(struct conductor *conductor)
{
	if (!conductor || conductor->stopping)
		return;
	conductor->stopping = true;
	for (int i = 0; i < WORK_COUNT; i++) {
		LIST_FOR_EACH_SAFE(node, &conductor->waiting[i]) {
			list_remove(node);
			task_free(list_entry(node, struct task, node));
		}
	}
	conductor->n_waiting = 0;
	map_clear(&conductor->looks);
	LIST_FOR_EACH_SAFE(node, &conductor->running) {
		struct task *task = list_entry(node, struct task, node);

		if (task->probe.exchange)
			task_end(task);
	}
	while (on_pool(conductor) > 0)
		(void)uv_run(conductor->loop, UV_RUN_ONCE);
	http_client_close(TAKE(conductor->client));
}

struct conductor *
conductor_free(struct conductor *conductor)
{
	if (!conductor)
		return NULL;
	conductor_stop(conductor);
	for (size_t i = 0; i < conductor->n_readers; i++)
		(void)store_reader_close(conductor->readers[i]);
	uv_mutex_destroy(&conductor->lock);
	map_deinit(&conductor->looks);
	free(conductor->url);
	free(conductor);
	return NULL;
}

struct conductor_stats
conductor_stats(const struct conductor *conductor)
{
	return (struct conductor_stats) {
		.waiting = conductor->n_waiting,
		.under_way = conductor->n_running,
		.done = conductor->n_done,
	};
}
