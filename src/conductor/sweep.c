/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sweep of retention: page after page is looked for on the pool and handed to the engine,
 * which judges each job again and lets it go. Between two pages others have their turn.
 *
 * Also removes blobs that rows no longer name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "conductor/conductor_impl.h"
#include "core/retention.h"
#include "store/retention_scan.h"

/* What a sweep does one after the other. */
enum phase { PHASE_BEGIN, PHASE_JOBS, PHASE_FILES, PHASE_END };

struct sweep {
	enum phase phase;
	struct retention_scan scan;
	struct retention_spec spec;
	int64_t revision;
	int64_t files_done_ms;
	struct sweep_figures figures;
	int64_t began_mono_ms;
	struct arena arena;            /* of a page */
	char before[CURSOR_BYTES_MAX]; /* the cursor before it */
	bool is_same_again;            /* a job of it has more files than a turn takes */
	struct keep *keep;             /* owned; NULL: nothing is archived */
};

void
sweep_free(struct sweep *sweep)
{
	if (!sweep)
		return;
	arena_deinit(&sweep->arena);
	(void)keep_free(sweep->keep);
	free(sweep);
}

static struct intent *
report_of(const struct task *task)
{
	struct intent *intent =
		intent_new(INTENT_SWEEP, task->effect.project, ARENA_REQUEST_BYTES_MAX);

	intent->in.sweep.policy = task->effect.what;
	intent->in.sweep.revision = task->sweep->revision;
	return intent;
}

/* --- The policy --- */

static int
read_spec(struct task *task, json_t *json, struct retention_spec *ret, struct err *err)
{
	struct issues issues = { .arena = &task->arena };

	if (retention_spec_read(json, true, &issues, ret) < 0)
		return task_issues(&issues, err);
	return 0;
}

static int
read_earlier(struct task *task, const json_t *list, struct err *err)
{
	struct sweep *sweep = task->sweep;
	struct retention_spec *specs =
		arena_xalloc(&task->arena, (json_array_size(list) + 1) * sizeof *specs);
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (read_spec(task, item, &specs[i], err) < 0)
			return -1;
	}
	sweep->scan.earlier = specs;
	sweep->scan.n_earlier = json_array_size(list);
	return 0;
}

static int
sweep_begin(struct task *task, struct store_reader *reader, struct err *err)
{
	const struct effect *effect = &task->effect;
	struct sweep *sweep = task->sweep;
	_cleanup_(json_unrefp) json_t *body =
		json_read(effect->body.p, effect->body.n, JSON_DEPTH_MAX, err);
	_cleanup_(json_unrefp) json_t *scope =
		body ? json_read(effect->scope.p, effect->scope.n, JSON_DEPTH_MAX, err) : NULL;

	if (!scope)
		return -1;
	sweep->revision = json_integer_value(json_object_get(scope, "revision"));
	sweep->files_done_ms = json_integer_value(json_object_get(scope, "filesDone"));
	if (read_spec(task, body, &sweep->spec, err) < 0 ||
		read_earlier(task, json_object_get(scope, "earlier"), err) < 0)
		return -1;
	sweep->scan.project = effect->project;
	sweep->scan.now_ms = effect->at_ms;
	sweep->scan.spec = &sweep->spec;
	if (retention_scan_begin(&sweep->scan, reader, &task->arena, err) < 0)
		return -1;
	if (sweep->spec.archives)
		sweep->keep = keep_new(task->conductor, &sweep->scan);
	return 0;
}

/* --- A page --- */

static int
count_files(struct sweep *sweep, struct store_reader *reader, struct job *const *jobs, size_t n,
	struct err *err)
{
	sweep->is_same_again = false;
	for (size_t i = 0; i < n; i++) {
		struct artifact *files;
		size_t n_files;

		if (read_artifacts(
			    reader, jobs[i]->seq, 0, &sweep->arena, &files, &n_files, err) < 0)
			return -1;
		if (sweep->phase == PHASE_FILES && n_files > SWEEP_FILES_MAX) {
			sweep->is_same_again = true;
			n_files = SWEEP_FILES_MAX;
		}
		sweep->figures.files += (int64_t)n_files;
		for (size_t k = 0; k < n_files; k++)
			sweep->figures.bytes += files[k].size;
	}
	return 0;
}

static int
fill_page(struct task *task, struct store_reader *reader, struct job *const *jobs, size_t n,
	struct err *err)
{
	struct sweep *sweep = task->sweep;
	struct job_id *ids;

	if (count_files(sweep, reader, jobs, n, err) < 0)
		return -1;
	task->intent = report_of(task);
	ids = arena_xalloc(&task->intent->arena, n * sizeof *ids);
	for (size_t i = 0; i < n; i++)
		ids[i] = jobs[i]->id;
	task->intent->in.sweep.ids = ids;
	task->intent->in.sweep.n = n;
	task->intent->in.sweep.only_files = sweep->phase == PHASE_FILES;
	return 0;
}

static int
look(struct sweep *sweep, struct store_reader *reader, struct job ***ret, size_t *ret_n,
	struct err *err)
{
	memcpy(sweep->before, sweep->scan.cursor, sizeof sweep->before);
	if (sweep->phase == PHASE_JOBS && sweep->keep)
		return keep_next(sweep->keep, reader, &sweep->arena, ret, ret_n, err);
	if (sweep->phase == PHASE_JOBS)
		return retention_scan_jobs(
			&sweep->scan, reader, &sweep->arena, ret, ret_n, err);
	return retention_scan_files(
		&sweep->scan, reader, sweep->files_done_ms, &sweep->arena, ret, ret_n, err);
}

static void
fill_last(struct task *task)
{
	struct sweep *sweep = task->sweep;

	sweep->phase = PHASE_END;
	sweep->figures.took_ms = clock_mono_ms() - sweep->began_mono_ms;
	task->intent = report_of(task);
	task->intent->in.sweep.is_last = true;
	task->intent->in.sweep.figures = sweep->figures;
	/* The task is gone before the engine reads them. */
	task->intent->in.sweep.figures.error =
		arena_strdup(&task->intent->arena, sweep->figures.error);
	task->intent->in.sweep.figures.archive =
		arena_strdup(&task->intent->arena, sweep->keep ? keep_file(sweep->keep) : NULL);
	if (sweep->spec.files_age_ms >= 0)
		task->intent->in.sweep.files_done_ms =
			task->effect.at_ms - sweep->spec.files_age_ms;
}

/* Pages without a job that goes are passed over, up to the next that has one, or the end. */
static int
next_page(struct task *task, struct store_reader *reader, struct err *err)
{
	struct sweep *sweep = task->sweep;

	while (sweep->phase != PHASE_END) {
		struct job **jobs;
		size_t n;

		arena_reset(&sweep->arena);
		int rc = look(sweep, reader, &jobs, &n, err);
		if (rc < 0)
			return -1;
		if (n > 0)
			return fill_page(task, reader, jobs, n, err);
		if (rc == 0)
			continue;
		sweep->phase = sweep->phase == PHASE_JOBS ? PHASE_FILES : PHASE_END;
		retention_scan_rewind(&sweep->scan);
	}
	fill_last(task);
	return 0;
}

static struct sweep *
sweep_new(const struct task *task)
{
	struct sweep *sweep = xcalloc(1, sizeof *sweep);

	arena_init(&sweep->arena, ARENA_REQUEST_BYTES_MAX);
	sweep->figures.began_ms = task->effect.at_ms;
	sweep->began_mono_ms = clock_mono_ms();
	return sweep;
}

int
sweep_prepare(struct task *task, struct store_reader *reader, struct err *err)
{
	struct sweep *sweep = task->sweep;

	if (!sweep) {
		sweep = task->sweep = sweep_new(task);
		if (sweep_begin(task, reader, err) < 0)
			return -1;
		sweep->phase = PHASE_JOBS;
	}
	return next_page(task, reader, err);
}

/* --- What the engine says --- */

/* A policy that is gone has nobody to report to; one that says something else is asked again.
 */
static void
on_swept(struct intent *intent)
{
	struct task *task = intent->user;
	struct sweep *sweep = task->sweep;
	bool is_error = intent->status == INTENT_IS_ERROR;
	bool is_gone = is_error && intent->err.code == ERR_NOT_FOUND;

	if (!is_error && sweep->phase == PHASE_JOBS)
		sweep->figures.jobs += (int64_t)intent->out.n_swept;
	if (is_error && !is_gone)
		sweep->figures.error = arena_strdup(&task->arena, intent->err.text);
	(void)intent_free(intent);
	if (is_gone) {
		task_report(task);
		return;
	}
	if (is_error) {
		fill_last(task);
		task_report(task);
		return;
	}
	if (sweep->is_same_again) {
		memcpy(sweep->scan.cursor, sweep->before, sizeof sweep->before);
		sweep->scan.is_over = false;
	}
	task_again(task);
}

void
sweep_go(struct task *task)
{
	struct conductor *conductor = task->conductor;
	struct intent *intent;

	if (task->intent->in.sweep.is_last) {
		task_report(task);
		return;
	}
	intent = TAKE(task->intent);
	intent->user = task;
	intent->then = on_swept;
	conductor->options.submit(conductor->options.arg, intent);
}

void
sweep_fail(struct task *task, const struct err *err)
{
	(void)intent_free(TAKE(task->intent));
	log_warn("retention.sweep", NULL, "%s", err->text);
	/* Not even begun: the policy is to know, or it would never sweep again. */
	if (!task->sweep)
		task->sweep = sweep_new(task);
	task->sweep->figures.error = arena_strdup(&task->arena, err->text);
	fill_last(task);
}

/* --- Blobs --- */

int
blobs_prepare(struct task *task, struct store_reader *reader, struct err *err)
{
	const struct conductor_options *options = &task->conductor->options;
	struct str rest = task->effect.body;

	(void)err;
	while (options->drop_blob && rest.n > 0) {
		struct str line = str_split_first(&rest, '\n');

		if (line.n > 0)
			options->drop_blob(options->arg, reader,
				arena_strndup(&task->arena, line.p, line.n));
	}
	return 0;
}

void
blobs_fail(struct task *task, const struct err *err)
{
	(void)task;
	log_warn("retention.blobs", NULL, "%s", err->text);
}
