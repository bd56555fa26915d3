/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a deleted project leaves: its jobs with their files, and its definitions, cleared away
 * in slices between other work. A slice is a look at the store on the pool, then one turn of
 * the engine. All jobs that go on are cancelled before the first of them is deleted, so that
 * nothing begins meanwhile.
 *
 * Nothing is noted about how far it came: what is left is what the store still has. At a start
 * every deleted project is looked at once more.
 */
#include <string.h>

#include "api/api_impl.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"

enum {
	SLICE_CANCELS = 200,
	SLICE_JOBS = 50,
	SLICE_DEFINITIONS = 100,
	CANCELS_PAUSE_MS = 10, /* between two slices of them */
	ENDS_PAUSE_MS = 200,   /* while jobs come to their end */
};

struct purge {
	struct list_node node; /* in api->purges */
	struct api *api;
	int64_t project;
	uv_work_t work;
	uv_timer_t timer;
	struct arena arena; /* of one slice */
	struct job_page jobs;
	struct definition *defs;
	size_t n_defs;
	const char **blobs; /* of the jobs that were deleted */
	size_t n_blobs;
	size_t n_asked;   /* intents under way */
	bool has_live;    /* some job is still being ended */
	int64_t pause_ms; /* after this slice */
	bool failed;
	bool is_closing;
};

static void next_slice(struct purge *purge);

static void
on_closed(uv_handle_t *handle)
{
	struct purge *purge = container_of((uv_timer_t *)handle, struct purge, timer);

	purge->api->handles_open--;
	list_remove(&purge->node);
	arena_deinit(&purge->arena);
	free(purge);
}

static void
finish(struct purge *purge)
{
	if (purge->is_closing)
		return;
	purge->is_closing = true;
	purge->api->handles_open++;
	uv_close((uv_handle_t *)&purge->timer, on_closed);
}

/* --- A slice --- */

static int
look_for_jobs(struct purge *purge, struct store_reader *reader, uint32_t states, size_t max,
	struct err *err)
{
	const struct job_filter filter = {
		.project = purge->project,
		.states = states,
		.sort = JOB_SORT_CREATED,
		.limit = max,
	};

	return read_jobs(reader, &filter, &purge->arena, &purge->jobs, err);
}

/* First all that could still begin is cancelled, then what has ended is deleted. */
static int
look_at_jobs(struct purge *purge, struct store_reader *reader, struct err *err)
{
	uint32_t final = 0, ending = UINT32_C(1) << JOB_STOPPING;
	uint32_t all = (UINT32_C(1) << JOB_STATE_COUNT) - 1;

	for (int i = 0; i < JOB_STATE_COUNT; i++)
		if (job_state_is_final((enum job_state)i))
			final |= UINT32_C(1) << i;
	if (look_for_jobs(purge, reader, all & ~final & ~ending, SLICE_CANCELS, err) < 0)
		return -1;
	purge->pause_ms = purge->jobs.n > 0 ? CANCELS_PAUSE_MS : 0;
	if (purge->jobs.n > 0)
		return 0;
	if (look_for_jobs(purge, reader, ending, 1, err) < 0)
		return -1;
	purge->has_live = purge->jobs.n > 0;
	return look_for_jobs(purge, reader, final, SLICE_JOBS, err);
}

/* Files of the last slice's jobs go now that no row names them. Then: what is left? */
static int
look(struct purge *purge, struct store_reader *reader, struct err *err)
{
	for (size_t i = 0; i < purge->n_blobs; i++)
		api_blob_remove_unused(purge->api, reader, purge->blobs[i]);
	purge->n_blobs = purge->n_defs = 0;
	purge->has_live = false;
	arena_reset(&purge->arena);
	if (look_at_jobs(purge, reader, err) < 0)
		return -1;
	for (int kind = 0; kind < DEF_KIND_COUNT && purge->n_defs == 0; kind++) {
		const struct def_filter defs = {
			.project = purge->project,
			.kind = (enum def_kind)kind,
			.limit = SLICE_DEFINITIONS,
		};
		if (read_definitions(reader, &defs, &purge->arena, &purge->defs, &purge->n_defs,
			    err) < 0)
			return -1;
	}
	return 0;
}

static int
look_at_blobs(struct purge *purge, struct store_reader *reader, struct err *err)
{
	size_t cap = 0;

	for (size_t i = 0; i < purge->jobs.n; i++) {
		struct artifact *artifacts;
		size_t n;

		if (!job_state_is_final(purge->jobs.items[i]->state))
			continue;
		if (read_artifacts(reader, purge->jobs.items[i]->seq, 0, &purge->arena,
			    &artifacts, &n, err) < 0)
			return -1;
		if (purge->n_blobs + n > cap) {
			const char **more = arena_calloc(
				&purge->arena, 2 * (purge->n_blobs + n), sizeof *more);

			if (!more)
				return err_set(err, ERR_LIMIT, "too many files at once");
			if (purge->n_blobs > 0)
				memcpy(more, purge->blobs, purge->n_blobs * sizeof *more);
			purge->blobs = more;
			cap = 2 * (purge->n_blobs + n);
		}
		for (size_t j = 0; j < n; j++)
			if (artifacts[j].blob)
				purge->blobs[purge->n_blobs++] = artifacts[j].blob;
	}
	return 0;
}

static void
on_look(uv_work_t *work)
{
	struct purge *purge = container_of(work, struct purge, work);
	struct err err;
	struct store_reader *reader = api_reader_take(purge->api, &err);

	purge->failed = !reader || look(purge, reader, &err) < 0 ||
		look_at_blobs(purge, reader, &err) < 0;
	if (reader)
		api_reader_give(purge->api, reader);
	if (purge->failed)
		log_warn("project.purge", NULL, "%s", err.text);
}

static void
on_timer(uv_timer_t *timer)
{
	next_slice(container_of(timer, struct purge, timer));
}

static void
go_on(struct purge *purge)
{
	if (purge->api->draining)
		finish(purge);
	else if (purge->pause_ms > 0)
		(void)uv_timer_start(&purge->timer, on_timer, (uint64_t)purge->pause_ms, 0);
	else
		next_slice(purge);
}

/* One of the slice's intents is answered; what it could not do is seen again in the next. */
static void
on_answered(struct intent *intent)
{
	struct purge *purge = intent->user;

	(void)intent_free(intent);
	if (--purge->n_asked == 0)
		go_on(purge);
}

static void
ask(struct purge *purge, struct intent *intent)
{
	intent->user = purge;
	intent->then = on_answered;
	engine_submit(purge->api->thread, intent);
}

static void
ask_job(struct purge *purge, const struct job *job)
{
	struct intent *intent =
		intent_new(INTENT_JOB_COMMAND, purge->project, ARENA_REQUEST_BYTES_MAX);

	intent->in.command.id = job->id;
	intent->in.command.command =
		job_state_is_final(job->state) ? JOB_CMD_DELETE : JOB_CMD_CANCEL;
	ask(purge, intent);
}

static void
ask_definition(struct purge *purge, const struct definition *def)
{
	struct intent *intent =
		intent_new(INTENT_DEF_DELETE, purge->project, ARENA_REQUEST_BYTES_MAX);

	intent->in.def_delete =
		(struct def_delete) { .kind = def->kind, .id = def->id, .if_revision = 0 };
	ask(purge, intent);
}

static void
on_looked(uv_work_t *work, int status)
{
	struct purge *purge = container_of(work, struct purge, work);
	size_t n_jobs = purge->failed ? 0 : purge->jobs.n;
	size_t n_defs = purge->failed ? 0 : purge->n_defs;

	(void)status; /* never cancelled */
	purge->api->reads_open--;
	/* Without a thread the server ends: the rest is seen at the next start. */
	if (!purge->api->thread || (n_jobs + n_defs == 0 && !purge->has_live)) {
		finish(purge);
		return;
	}
	purge->n_asked = n_jobs + n_defs;
	for (size_t i = 0; i < n_jobs; i++)
		ask_job(purge, purge->jobs.items[i]);
	for (size_t i = 0; i < n_defs; i++)
		ask_definition(purge, &purge->defs[i]);
	if (n_jobs + n_defs == 0) {
		purge->pause_ms = ENDS_PAUSE_MS;
		go_on(purge);
	}
}

static void
next_slice(struct purge *purge)
{
	if (purge->api->draining) {
		finish(purge);
		return;
	}
	purge->api->reads_open++;
	if (uv_queue_work(purge->api->loop, &purge->work, on_look, on_looked) != 0)
		abort(); /* only for a missing callback */
}

/* --- Begin and end --- */

void
api_purge(struct api *api, int64_t project)
{
	struct purge *purge = xcalloc(1, sizeof *purge);

	purge->api = api;
	purge->project = project;
	arena_init(&purge->arena, ARENA_REQUEST_BYTES_MAX);
	list_push_back(&api->purges, &purge->node);
	(void)uv_timer_init(api->loop, &purge->timer);
	next_slice(purge);
}

void
api_purges_start(struct api *api)
{
	/* Only the loop's thread changes the list. */
	for (size_t i = 0; i < api->projects.n; i++)
		if (api->projects.item[i]->deleted_ms > 0)
			api_purge(api, api->projects.item[i]->seq);
}

void
api_purges_stop(struct api *api)
{
	LIST_FOR_EACH_SAFE(node, &api->purges)
		finish(list_entry(node, struct purge, node));
}
