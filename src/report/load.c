/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what a report shows. Everything is bounded: the number of attempts (failures first), of
 * events, and the bytes of pictures and logs that go into the page.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "blob/blob.h"
#include "report/report.h"
#include "store/store.h"

struct loader {
	struct store_reader *reader;
	struct blob_store *blobs; /* or NULL */
	struct arena *arena;
	struct report_input in;
	struct run *runs;
	size_t n_runs;
	int64_t image_bytes_left, log_bytes_left;
};

/* --- Runs --- */

/* Attempts that did not pass (or are not over), in order of seq. */
#define OUTCOMES_ALL ((1u << OUTCOME_COUNT) - 1)
#define OUTCOMES_NOT_PASSED (OUTCOMES_ALL & ~(1u << OUTCOME_PASSED))

static int
compare_seq(const void *left, const void *right)
{
	const struct run *a = left, *b = right;

	return a->seq < b->seq ? -1 : a->seq > b->seq;
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
		filter.limit = room < PAGE_MAX ? room : PAGE_MAX;
		if (read_runs(loader->reader, &filter, loader->arena, &page, &n, err) < 0)
			return -1;
		if (n > 0)
			memcpy(loader->runs + loader->n_runs, page, n * sizeof *page);
		loader->n_runs += n;
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
		if (add_runs(loader, OUTCOMES_NOT_PASSED & ~(1u << OUTCOME_NONE), err) < 0 ||
			add_runs(loader, 1u << OUTCOME_PASSED, err) < 0)
			return -1;
		loader->in.n_runs_left_out = runs_left_out(job, loader->n_runs);
	}
	qsort(loader->runs, loader->n_runs, sizeof(struct run), compare_seq);
	loader->in.runs = loader->runs;
	loader->in.n_runs = loader->n_runs;
	return 0;
}

static int
load_results(struct loader *loader, struct err *err)
{
	struct report_result *results =
		arena_calloc(loader->arena, loader->n_runs + 1, sizeof *results);
	size_t n = 0;

	if (!results)
		return err_set(err, ERR_LIMIT, "the report needs too much memory");
	for (size_t i = 0; i < loader->n_runs; i++) {
		struct str text = { 0 };
		int r = read_run_result(
			loader->reader, loader->runs[i].seq, loader->arena, &text, err);
		if (r < 0)
			return -1;
		if (r == 0 && text.n > 0)
			results[n++] = (struct report_result) { loader->runs[i].seq, text };
	}
	loader->in.results = results;
	loader->in.n_results = n;
	return 0;
}

/* --- Events --- */

static int
load_events(struct loader *loader, struct err *err)
{
	struct event_filter filter = { .project = loader->in.job->project,
		.job_seq = loader->in.job->seq,
		.types = 1ull << EV_RUN_CASE | 1ull << EV_RUN_STEP,
		.limit = EVENTS_PAGE_MAX,
		.bytes_max = MIB(4) };
	struct event *all = arena_calloc(loader->arena, REPORT_EVENTS_MAX, sizeof *all);
	size_t n_all = 0;

	/* Events are the finer print: without room for them the report goes without. */
	while (all && n_all + EVENTS_PAGE_MAX <= REPORT_EVENTS_MAX) {
		struct event *page;
		size_t n;
		if (read_events(loader->reader, &filter, loader->arena, &page, &n, err) < 0)
			return -1;
		if (n == 0)
			break;
		memcpy(all + n_all, page, n * sizeof *page);
		n_all += n;
		filter.after_seq = page[n - 1].seq;
	}
	loader->in.events = all;
	loader->in.n_events = all ? n_all : 0;
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

/* --- The whole --- */

static int
load_rows(struct loader *loader, struct err *err)
{
	struct report_input *in = &loader->in;
	struct job_test *tests;
	struct artifact *artifacts;
	struct worker_row *workers;

	if (read_job_tests(
		    loader->reader, in->job->seq, loader->arena, &tests, &in->n_tests, err) < 0)
		return -1;
	in->tests = tests;
	if (read_job_options(loader->reader, in->job->seq, loader->arena, &in->options, err) <
		0)
		return -1;
	if (load_runs(loader, err) < 0 || load_results(loader, err) < 0 ||
		load_events(loader, err) < 0)
		return -1;
	if (read_artifacts(loader->reader, in->job->seq, 0, loader->arena, &artifacts,
		    &in->n_artifacts, err) < 0)
		return -1;
	in->artifacts = artifacts;
	if (read_workers(loader->reader, in->job->project, true, loader->arena, &workers,
		    &in->n_workers, err) < 0)
		return -1;
	in->workers = workers;
	return 0;
}

int
report_load(struct store_reader *reader, struct blob_store *blobs, int64_t project,
	struct job_id id, struct arena *arena, struct report_model **ret, struct err *err)
{
	struct loader loader = { .reader = reader,
		.blobs = blobs,
		.arena = arena,
		.in = { .now_ms = clock_wall_ms() },
		.image_bytes_left = REPORT_IMAGES_BYTES_MAX,
		.log_bytes_left = REPORT_LOGS_BYTES_MAX };
	struct job *job;

	int r = read_job(reader, project, id, arena, &job, err);
	if (r != 0)
		return r;
	loader.in.job = job;
	if (load_rows(&loader, err) < 0)
		return -1;
	struct report_model *model = report_model_build(&loader.in, arena);
	if (blobs) {
		fetch_of_runs(&loader, model, false);
		fetch_of_runs(&loader, model, true);
	}
	*ret = model;
	return 0;
}
