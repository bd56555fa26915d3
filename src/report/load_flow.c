/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A flow's report: its stages as the API shows them, its waits' events, and the models of its
 * children, whose results are the flow's.
 */
#include "report/load_flow.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "core/flow.h"
#include "core/report_read.h"
#include "store/store.h"

enum {
	DEPTH_MAX = 2, /* flows inside flows that are shown with their jobs */
};

struct flow_loader {
	struct store_reader *reader;
	struct blob_store *blobs; /* or NULL */
	struct report_model *model;
	json_t *stages; /* as people see them; owned */
	unsigned tight, depth;
	struct arena *arena;
};

/* --- Stages --- */

static const char *
text_of(struct arena *arena, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? report_clean(arena, text) : NULL;
}

static int64_t
time_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));
	int64_t ms;

	return text && time_parse(str_of(text), &ms, NULL) == 0 ? ms : 0;
}

static const char *
joined(struct arena *arena, json_t *names)
{
	const char *all = "";
	json_t *name;
	size_t i;

	json_array_foreach(names, i, name)
	{
		const char *longer = arena_printf(
			arena, "%s%s%s", all, i > 0 ? ", " : "", json_string_value(name));
		if (longer)
			all = longer;
	}
	return all;
}

static void
read_stage(struct arena *arena, const json_t *object, struct report_stage *ret)
{
	const char *kind = json_string_value(json_object_get(object, "kind"));

	ret->name = text_of(arena, object, "name");
	ret->state = text_of(arena, object, "state");
	ret->error = text_of(arena, object, "error");
	ret->needs = joined(arena, json_object_get(object, "needs"));
	ret->goes_on = json_is_true(json_object_get(object, "continueOnFailure"));
	ret->failed_flow = json_is_true(json_object_get(object, "failedFlow"));
	ret->is_wait = kind && strcmp(kind, "wait") == 0;
	ret->start_ms = time_of(object, "startedAt");
	ret->end_ms = time_of(object, "endedAt");
	if (!ret->name)
		ret->name = "";
	if (!ret->state)
		ret->state = "";
}

static int
read_stages(struct flow_loader *loader, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(RESPONSE_BYTES_MAX);
	struct report_model *model = loader->model;
	json_t *stages, *stage;
	struct jw jw;
	size_t i;

	jw_init(&jw, &text);
	if (flow_stages_write(&jw, model->job, loader->arena, err) < 0)
		return -1;
	if (jw_done(&jw) < 0)
		return err_set(err, ERR_LIMIT, "the stages are too large");
	stages = json_read(buf_text(&text), text.len, 2 * JSON_DEPTH_MAX, err);
	if (!stages)
		return -1;
	loader->stages = stages;
	model->stages =
		arena_calloc(loader->arena, json_array_size(stages) + 1, sizeof *model->stages);
	if (!model->stages)
		return err_set(err, ERR_LIMIT, "the report needs too much memory");
	json_array_foreach(stages, i, stage)
		read_stage(loader->arena, stage, &model->stages[i]);
	model->n_stages = json_array_size(stages);
	return 0;
}

static struct report_stage *
stage_named(const struct report_model *model, const char *name)
{
	for (size_t i = 0; name && i < model->n_stages; i++)
		if (strcmp(model->stages[i].name, name) == 0)
			return &model->stages[i];
	return NULL;
}

/* --- Looks --- */

static void
add_look(struct arena *arena, struct report_stage *stage, const struct event *event,
	const json_t *data)
{
	json_t *value = json_object_get(data, "value");
	_cleanup_free_ char *dump =
		value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	const struct report_look look = {
		.at_ms = event->at_ms,
		.n = report_int(data, "n", 0),
		.status = (int32_t)report_int(data, "status", 0),
		.kind = text_of(arena, data, "kind"),
		.value = dump ? report_clean(arena, dump) : NULL,
		.error = text_of(arena, data, "error"),
		.is_end = json_is_true(json_object_get(data, "satisfied")),
	};

	/* The last ones are those that matter. */
	if (stage->n_looks == REPORT_LOOKS_MAX) {
		memmove(stage->looks, stage->looks + 1,
			(REPORT_LOOKS_MAX - 1) * sizeof *stage->looks);
		stage->looks[REPORT_LOOKS_MAX - 1] = look;
		stage->n_more_looks++;
		return;
	}
	(void)report_push(arena, (void **)&stage->looks, &stage->n_looks, sizeof look, &look);
}

static int
read_looks(struct flow_loader *loader, struct err *err)
{
	struct event_filter filter = { .project = loader->model->job->project,
		.job_seq = loader->model->job->seq,
		.types = UINT64_C(1) << EV_WAIT_OBSERVED,
		.limit = EVENTS_PAGE_MAX,
		.bytes_max = MIB(4) };
	_cleanup_(arena_deinit) struct arena page;
	struct event *events;
	size_t n, n_all = 0;

	arena_init(&page, ARENA_REQUEST_BYTES_MAX);
	do {
		arena_reset(&page);
		if (read_events(loader->reader, &filter, &page, &events, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++) {
			_cleanup_(json_unrefp) json_t *data = json_read(
				events[i].data.p, events[i].data.n, JSON_DEPTH_MAX + 4, NULL);
			struct report_stage *stage = stage_named(loader->model,
				json_string_value(json_object_get(data, "stage")));

			if (stage)
				add_look(loader->arena, stage, &events[i], data);
			filter.after_seq = events[i].seq;
		}
		n_all += n;
	} while (n > 0 && n_all < REPORT_EVENTS_MAX);
	return 0;
}

/* --- Jobs --- */

/* The job that an item of the stage stands at; those of earlier attempts and incarnations are
 * named nowhere in it. */
static bool
is_current(const struct flow_loader *loader, const struct report_stage *stage, const char *id)
{
	const json_t *object =
		json_array_get(loader->stages, (size_t)(stage - loader->model->stages));
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(object, "items"), i, item)
	{
		const char *job = json_string_value(json_object_get(item, "job"));

		if (job && strcmp(job, id) == 0)
			return true;
	}
	return false;
}

static void
add_counts(struct job_counts *to, const struct job_counts *from)
{
	to->passed += from->passed;
	to->failed += from->failed;
	to->errored += from->errored;
	to->timed_out += from->timed_out;
	to->cancelled += from->cancelled;
	to->skipped += from->skipped;
	to->flaky += from->flaky;
	to->quarantined += from->quarantined;
}

/* A child of its own room: what it has no room for is counted in its own model. */
static int
add_job(struct flow_loader *loader, const struct job *job, struct err *err)
{
	struct report_stage *stage = stage_named(loader->model, job->stage);
	struct report_model *child;
	int r;

	if (!stage)
		return 0;
	r = report_load_at(loader->reader, loader->blobs, job->project, job->id,
		loader->tight + 1, loader->depth + 1, loader->arena, &child, err);
	if (r == STORE_NONE)
		return 0; /* deleted meanwhile */
	if (r < 0)
		return -1;
	child->is_past = !is_current(loader, stage, child->id);
	if (!child->is_past)
		add_counts(&loader->model->results, &child->results);
	if (!report_push(
		    loader->arena, (void **)&stage->jobs, &stage->n_jobs, sizeof child, &child))
		return err_set(err, ERR_LIMIT, "the report needs too much memory");
	return 0;
}

static int
read_children(struct flow_loader *loader, struct err *err)
{
	struct job_filter filter = { .project = loader->model->job->project,
		.parent = loader->model->job->id,
		.sort = JOB_SORT_CREATED,
		.limit = REPORT_JOBS_MAX,
		.count = true };
	_cleanup_(arena_deinit) struct arena arena;
	struct job_page page = { .total = 0 };

	arena_init(&arena, ARENA_REQUEST_BYTES_MAX);
	if (read_jobs(loader->reader, &filter, &arena, &page, err) < 0)
		return -1;
	loader->model->n_more_jobs = page.total;
	if (loader->depth >= DEPTH_MAX)
		return 0;
	for (size_t i = 0; i < page.n; i++)
		if (add_job(loader, page.items[i], err) < 0)
			return -1;
	loader->model->n_more_jobs = page.total - (int64_t)page.n;
	return 0;
}

/* A stage that failed though none of its tests did is a result of its own: a wait that came to
 * nothing, results that do not fit their schema, a job that could not be made. */
static void
count_stages(struct report_model *model)
{
	for (size_t i = 0; i < model->n_stages; i++) {
		const struct report_stage *stage = &model->stages[i];

		if (!report_stage_stands_alone(stage))
			continue;
		if (strcmp(stage->state, "timed_out") == 0)
			model->results.timed_out++;
		else
			model->results.failed++;
	}
}

int
report_load_stages(struct store_reader *reader, struct blob_store *blobs,
	struct report_model *model, unsigned tight, unsigned depth, struct arena *arena,
	struct err *err)
{
	struct flow_loader loader = { .reader = reader,
		.blobs = blobs,
		.model = model,
		.tight = tight,
		.depth = depth,
		.arena = arena };
	int r = -1;

	memset(&model->results, 0, sizeof model->results);
	if (read_stages(&loader, err) == 0 && read_looks(&loader, err) == 0)
		r = read_children(&loader, err);
	json_decref(loader.stages);
	if (r == 0)
		count_stages(model);
	return r;
}
