/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what a report shows. Everything is bounded: the number of attempts (failures first),
 * and the bytes of each kind of thing that an attempt left. Rows are read a page at a time into
 * a scratch arena, and only what the report keeps is copied; what there is no room for is
 * counted. So no job is too large for a report.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "blob/blob.h"
#include "core/report_read.h"
#include "report/load_flow.h"
#include "report/report.h"
#include "store/store.h"

struct loader {
	struct store_reader *reader;
	struct blob_store *blobs; /* or NULL */
	struct arena *arena;
	struct arena page; /* of what is being read */
	struct report_input in;
	struct run *runs;
	size_t n_runs;
	int64_t error_bytes_left, file_bytes_left;
	int64_t image_bytes_left, log_bytes_left;
};

/* --- Runs --- */

/* Attempts that did not pass (or are not over), in order of seq. */
#define OUTCOMES_ALL ((1u << OUTCOME_COUNT) - 1)
#define OUTCOMES_NOT_PASSED (OUTCOMES_ALL & ~(1u << OUTCOME_PASSED))

/* Each may have RUN_ERROR_BYTES_MAX of error. */
#define RUNS_PAGE 200

static int
compare_seq(const void *left, const void *right)
{
	const struct run *a = left, *b = right;

	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

/* The run's error; when the room for such is used up, its message must do. NULL: no room. */
static const char *
keep_error(struct loader *loader, const char *text)
{
	int64_t len = (int64_t)strlen(text);

	if (len <= REPORT_BRIEF_BYTES_MAX || len <= loader->error_bytes_left) {
		loader->error_bytes_left -= len;
		return arena_strdup(loader->arena, text);
	}
	_cleanup_(json_unrefp) json_t *error =
		json_read(text, (size_t)len, JSON_DEPTH_MAX, NULL);
	const char *message = json_string_value(json_object_get(error, "message"));
	size_t n = message ? utf8_cut_len(message, REPORT_BRIEF_BYTES_MAX) : 0;
	_cleanup_(json_unrefp) json_t *brief =
		json_pack("{s:s#}", "message", message ? message : "", (int)n);
	_cleanup_free_ char *dump = brief ? json_dumps(brief, JSON_COMPACT) : NULL;

	return dump ? arena_strdup(loader->arena, dump) : NULL;
}

static int
keep_run(struct loader *loader, const struct run *row, struct err *err)
{
	struct run *run = &loader->runs[loader->n_runs++];

	*run = *row;
	run->job = NULL;
	run->reason = row->reason ? arena_strdup(loader->arena, row->reason) : NULL;
	run->error = row->error ? keep_error(loader, row->error) : NULL;
	if (row->reason && !run->reason)
		return err_set(err, ERR_LIMIT, "the report needs too much memory");
	return 0;
}

/* Appends the runs with these outcomes (0: any) until there are REPORT_RUNS_MAX. */
static int
add_runs(struct loader *loader, uint32_t outcomes, struct err *err)
{
	const struct job *job = loader->in.job;
	struct run_filter filter = { .job_seq = job->seq,
		.incarnation = job->incarnation,
		.outcomes = outcomes,
		.test = -1 };

	while (loader->n_runs < REPORT_RUNS_MAX) {
		size_t room = REPORT_RUNS_MAX - loader->n_runs, n;
		struct run *page;
		filter.limit = room < RUNS_PAGE ? room : RUNS_PAGE;
		arena_reset(&loader->page);
		if (read_runs(loader->reader, &filter, &loader->page, &page, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (keep_run(loader, &page[i], err) < 0)
				return -1;
		if (n < filter.limit)
			break;
		filter.after_seq = page[n - 1].seq;
	}
	return 0;
}

/* How many units are over says how many runs there are at least, without counting rows. */
static int64_t
runs_left_out(const struct job *job, size_t n_runs)
{
	int64_t over = job_units_done(job);

	return over > (int64_t)n_runs ? over - (int64_t)n_runs : 0;
}

static int
load_runs(struct loader *loader, struct err *err)
{
	const struct job *job = loader->in.job;

	loader->runs = arena_calloc(loader->arena, REPORT_RUNS_MAX, sizeof(struct run));
	if (!loader->runs)
		return err_set(err, ERR_LIMIT, "the report needs too much memory");
	if (add_runs(loader, 0, err) < 0)
		return -1;
	if (loader->n_runs == REPORT_RUNS_MAX) {
		/* Too many to show: those that did not pass are worth more than those that did.
		 */
		loader->n_runs = 0;
		loader->error_bytes_left = REPORT_ERRORS_BYTES_MAX >> 2 * loader->in.tight;
		if (add_runs(loader, OUTCOMES_NOT_PASSED & ~(1u << OUTCOME_NONE), err) < 0 ||
			add_runs(loader, 1u << OUTCOME_PASSED, err) < 0)
			return -1;
		loader->in.left_out.runs = runs_left_out(job, loader->n_runs);
	}
	qsort(loader->runs, loader->n_runs, sizeof(struct run), compare_seq);
	loader->in.runs = loader->runs;
	loader->in.n_runs = loader->n_runs;
	return 0;
}

static int
load_results(
	struct loader *loader, struct report_builder *builder, bool of_passed, struct err *err)
{
	for (size_t i = 0; i < loader->n_runs; i++) {
		const struct run *run = &loader->runs[i];
		struct str text = { 0 };
		if ((run->outcome == OUTCOME_PASSED) != of_passed)
			continue;
		arena_reset(&loader->page);
		int r = read_run_result(loader->reader, run->seq, &loader->page, &text, err);
		if (r < 0)
			return -1;
		if (r == 0 && text.n > 0)
			report_build_result(builder, run->seq, text);
	}
	return 0;
}

/* --- Events --- */

static int
load_events(struct loader *loader, struct report_builder *builder, struct err *err)
{
	struct event_filter filter = { .project = loader->in.job->project,
		.job_seq = loader->in.job->seq,
		.types = 1ull << EV_RUN_CASE | 1ull << EV_RUN_STEP | 1ull << EV_RUN_RESTARTED,
		.limit = EVENTS_PAGE_MAX,
		.bytes_max = MIB(4) };
	int64_t n_left = REPORT_EVENTS_MAX, bytes_left = REPORT_EVENTS_BYTES_MAX;
	struct event *page;
	size_t n;

	for (;;) {
		arena_reset(&loader->page);
		if (read_events(loader->reader, &filter, &loader->page, &page, &n, err) < 0)
			return -1;
		if (n == 0)
			return 0;
		if (n_left <= 0 || bytes_left <= 0)
			break;
		for (size_t i = 0; i < n; i++) {
			report_build_event(builder, &page[i]);
			bytes_left -= (int64_t)page[i].data.n;
		}
		n_left -= (int64_t)n;
		filter.after_seq = page[n - 1].seq;
	}
	loader->in.left_out.has_more_steps = true;
	return 0;
}

/* --- Artifacts --- */

/* The blob's last bytes, at most max; empty when it cannot be read. */
static struct str
read_tail(struct loader *loader, const char *hex, int64_t max, uint64_t *ret_size)
{
	_cleanup_close_ int fd = -1;
	struct err ignored;

	if (blob_open_read(loader->blobs, hex, &fd, ret_size, &ignored) != 0)
		return (struct str) { 0 };
	size_t len = *ret_size < (uint64_t)max ? (size_t)*ret_size : (size_t)max;
	char *bytes = arena_alloc(loader->arena, len + 1);
	size_t got = 0;
	while (bytes && got < len) {
		ssize_t n = pread(fd, bytes + got, len - got, (off_t)(*ret_size - len + got));
		if (n <= 0)
			return (struct str) { 0 };
		got += (size_t)n;
	}
	return str_from(bytes, bytes ? len : 0);
}

static bool
is_image(const struct artifact *row)
{
	return row->content_type && strncmp(row->content_type, "image/", 6) == 0;
}

static void
fetch(struct loader *loader, struct report_artifact *artifact)
{
	const struct artifact *row = artifact->row;
	bool is_log = row->kind && strcmp(row->kind, "log") == 0;
	uint64_t size;

	if (artifact->in_tree || row->size == 0)
		return;
	if (is_image(row) && row->size <= loader->image_bytes_left) {
		artifact->data = read_tail(loader, row->blob, row->size, &size);
		artifact->is_whole = artifact->data.n == (size_t)row->size;
		loader->image_bytes_left -= (int64_t)artifact->data.n;
	} else if (is_log && loader->log_bytes_left > 0) {
		artifact->data = read_tail(loader, row->blob, REPORT_LOG_BYTES_MAX, &size);
		artifact->is_whole = artifact->data.n == (size_t)row->size;
		loader->log_bytes_left -= (int64_t)artifact->data.n;
	}
}

static void
fetch_of_runs(struct loader *loader, struct report_model *model, bool of_passed)
{
	for (size_t i = 0; i < model->n_runs; i++) {
		struct report_run *run = &model->runs[i];
		if ((run->row->outcome == OUTCOME_PASSED) != of_passed)
			continue;
		for (size_t a = 0; a < run->n_artifacts; a++)
			fetch(loader, &run->artifacts[a]);
	}
}

/* --- Rows --- */

/* False when there is no room. */
static bool
keep_artifact(struct loader *loader, struct artifact *ret, const struct artifact *row)
{
	struct arena *arena = loader->arena;

	*ret = *row;
	ret->name = arena_strdup(arena, row->name);
	ret->kind = row->kind ? arena_strdup(arena, row->kind) : NULL;
	ret->content_type = row->content_type ? arena_strdup(arena, row->content_type) : NULL;
	ret->case_id = row->case_id ? arena_strdup(arena, row->case_id) : NULL;
	ret->blob = arena_strdup(arena, row->blob);
	return ret->name && ret->blob && (ret->kind || !row->kind) &&
		(ret->content_type || !row->content_type) && (ret->case_id || !row->case_id);
}

static int
load_artifacts(struct loader *loader, bool of_passed, struct artifact **rows, struct err *err)
{
	struct report_input *in = &loader->in;

	for (size_t i = 0; i < loader->n_runs; i++) {
		const struct run *run = &loader->runs[i];
		struct artifact *page;
		size_t n;
		if ((run->outcome == OUTCOME_PASSED) != of_passed)
			continue;
		arena_reset(&loader->page);
		if (read_artifacts(loader->reader, in->job->seq, run->seq, &loader->page, &page,
			    &n, err) < 0)
			return -1;
		for (size_t a = 0; a < n; a++) {
			struct artifact one;
			void *items = *rows;
			size_t used = loader->arena->used;
			if (loader->file_bytes_left > 0 &&
				keep_artifact(loader, &one, &page[a]) &&
				report_push(loader->arena, &items, &in->n_artifacts, sizeof one,
					&one))
				*rows = items;
			else
				in->left_out.files++;
			loader->file_bytes_left -= (int64_t)(loader->arena->used - used);
		}
	}
	return 0;
}

/* Without the tests' bodies, which may be large. */
static int
load_tests(struct loader *loader, struct err *err)
{
	struct report_input *in = &loader->in;
	struct job_test *page;

	if (read_job_tests(
		    loader->reader, in->job->seq, &loader->page, &page, &in->n_tests, err) < 0)
		return -1;
	struct job_test *tests = arena_calloc(loader->arena, in->n_tests + 1, sizeof *tests);
	for (size_t i = 0; tests && i < in->n_tests; i++) {
		tests[i].index = page[i].index;
		tests[i].name = arena_strdup(loader->arena, page[i].name);
		tests[i].kind = arena_strdup(loader->arena, page[i].kind);
	}
	if (!tests)
		return err_set(err, ERR_LIMIT, "the report needs too much memory");
	in->tests = tests;
	return 0;
}

/* Their names are a courtesy: with too many of them runs go without. */
static int
load_workers(struct loader *loader, struct err *err)
{
	struct report_input *in = &loader->in;
	struct worker_row *page;
	size_t n;

	arena_reset(&loader->page);
	if (read_workers(
		    loader->reader, in->job->project, true, &loader->page, &page, &n, err) < 0)
		return err->code == ERR_LIMIT ? 0 : -1;
	if (n > WORKERS_MAX)
		n = WORKERS_MAX;
	struct worker_row *workers = arena_calloc(loader->arena, n + 1, sizeof *workers);
	for (size_t i = 0; workers && i < n; i++) {
		workers[i].id = page[i].id;
		workers[i].name = arena_strdup(loader->arena, page[i].name);
	}
	in->workers = workers;
	in->n_workers = workers ? n : 0;
	return 0;
}

/* --- The whole --- */

static int
load_rows(struct loader *loader, struct err *err)
{
	struct report_input *in = &loader->in;
	struct artifact *artifacts = NULL;

	if (load_tests(loader, err) < 0 ||
		read_job_options(
			loader->reader, in->job->seq, loader->arena, &in->options, err) < 0 ||
		load_workers(loader, err) < 0 || load_runs(loader, err) < 0 ||
		load_artifacts(loader, false, &artifacts, err) < 0 ||
		load_artifacts(loader, true, &artifacts, err) < 0)
		return -1;
	in->artifacts = artifacts;
	return 0;
}

static int
build(struct loader *loader, struct report_model **ret, struct err *err)
{
	struct report_builder *builder = report_build_begin(&loader->in, loader->arena);
	int r = load_results(loader, builder, false, err);

	if (r == 0)
		r = load_results(loader, builder, true, err);
	if (r == 0)
		r = load_events(loader, builder, err);
	if (r == 0)
		*ret = report_build_end(builder);
	report_builder_free(builder);
	return r;
}

static int
load(struct loader *loader, int64_t project, struct job_id id, unsigned depth,
	struct report_model **ret, struct err *err)
{
	struct job *job;
	int r = read_job(loader->reader, project, id, loader->arena, &job, err);

	if (r != 0)
		return r;
	loader->in.job = job;
	if (load_rows(loader, err) < 0 || build(loader, ret, err) < 0)
		return -1;
	if (loader->blobs) {
		fetch_of_runs(loader, *ret, false);
		fetch_of_runs(loader, *ret, true);
	}
	return job->flow ? report_load_stages(loader->reader, loader->blobs, *ret,
				   loader->in.tight, depth, loader->arena, err)
			 : 0;
}

int
report_load_at(struct store_reader *reader, struct blob_store *blobs, int64_t project,
	struct job_id id, unsigned tight, unsigned depth, struct arena *arena,
	struct report_model **ret, struct err *err)
{
	struct loader loader = { .reader = reader,
		.blobs = blobs,
		.arena = arena,
		.in = { .now_ms = clock_wall_ms(), .tight = tight },
		.error_bytes_left = REPORT_ERRORS_BYTES_MAX >> 2 * tight,
		.file_bytes_left = REPORT_FILES_BYTES_MAX >> 2 * tight,
		.image_bytes_left = REPORT_IMAGES_BYTES_MAX >> 2 * tight,
		.log_bytes_left = REPORT_LOGS_BYTES_MAX >> 2 * tight };

	arena_init(&loader.page, ARENA_REQUEST_BYTES_MAX);
	int r = load(&loader, project, id, depth, ret, err);
	arena_deinit(&loader.page);
	return r;
}

int
report_load(struct store_reader *reader, struct blob_store *blobs, int64_t project,
	struct job_id id, unsigned tight, struct arena *arena, struct report_model **ret,
	struct err *err)
{
	return report_load_at(reader, blobs, project, id, tight, 0, arena, ret, err);
}
