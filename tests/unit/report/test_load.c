/* SPDX-License-Identifier: Apache-2.0 */
/* Jobs far larger than a report: from a reader that makes up its rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "report/report.h"
#include "store/store_impl.h"

/* What the job of this reader has. */
struct scene {
	struct store_reader reader;
	int64_t n_runs, n_events;
	size_t error_bytes;      /* of each run that failed */
	size_t step_error_bytes; /* of each step */
	size_t n_cases;          /* of each run's result */
	size_t n_artifacts;      /* of each run */
	char fill;               /* what errors are made of */
};

static struct job the_job = { .seq = 1, .project = 1, .state = JOB_COMPLETED, .name = "large" };

static struct scene *
scene_of(struct store_reader *reader)
{
	return container_of(reader, struct scene, reader);
}

static int
begin(struct store_reader *reader, struct err *err)
{
	(void)reader;
	(void)err;
	return 0;
}

static void
end(struct store_reader *reader)
{
	(void)reader;
}

static int
job(struct store_reader *reader, int64_t project, struct job_id id, struct arena *arena,
	struct job **ret, struct err *err)
{
	(void)project;
	(void)id;
	(void)arena;
	(void)err;
	the_job.counts.passed = scene_of(reader)->n_runs;
	*ret = &the_job;
	return 0;
}

static int
job_tests(struct store_reader *reader, int64_t job_seq, struct arena *arena,
	struct job_test **ret, size_t *ret_n, struct err *err)
{
	static struct job_test test = { .name = "one", .kind = "command" };

	(void)reader;
	(void)job_seq;
	(void)arena;
	(void)err;
	*ret = &test;
	*ret_n = 1;
	return 0;
}

static int
job_options(struct store_reader *reader, int64_t job_seq, struct arena *arena, struct str *ret,
	struct err *err)
{
	(void)reader;
	(void)job_seq;
	(void)arena;
	(void)err;
	*ret = STR("{}");
	return 0;
}

/* {"message":"xxx…"}; NULL when the arena is full. */
static const char *
error_text(struct arena *arena, size_t n, char fill)
{
	char *text = arena_alloc(arena, 2 * n + 16);

	if (!text)
		return NULL;
	char *at = stpcpy(text, "{\"message\":\"");
	memset(at, fill, 2 * n);
	for (size_t i = 0; fill == '"' && i < n; i++)
		at[2 * i] = '\\';
	at += fill == '"' ? 2 * n : n;
	memcpy(at, "\"}", 3);
	return text;
}

static void
run_id(struct uuid *ret, int64_t seq)
{
	*ret = (struct uuid) { 0 };
	memcpy(ret, &seq, sizeof seq);
}

/* Every tenth failed. */
static int
runs(struct store_reader *reader, const struct run_filter *filter, struct arena *arena,
	struct run **ret, size_t *ret_n, struct err *err)
{
	struct scene *scene = scene_of(reader);
	struct run *rows = arena_calloc(arena, filter->limit, sizeof *rows);
	size_t n = 0;

	for (int64_t seq = filter->after_seq + 1;
		rows && seq <= scene->n_runs && n < filter->limit; seq++) {
		struct run run = { .seq = seq,
			.state = RUN_FINISHED,
			.iteration = seq,
			.attempt = 1,
			.outcome = seq % 10 == 0 ? OUTCOME_FAILED : OUTCOME_PASSED,
			.leased_ms = seq,
			.finished_ms = seq + 1 };
		if (filter->outcomes && !(filter->outcomes & 1u << run.outcome))
			continue;
		run_id(&run.id.u, seq);
		if (run.outcome == OUTCOME_FAILED && scene->error_bytes > 0) {
			run.error = error_text(arena, scene->error_bytes, scene->fill);
			if (!run.error)
				return err_set(err, ERR_LIMIT, "rows");
		}
		rows[n++] = run;
	}
	if (!rows)
		return err_set(err, ERR_LIMIT, "rows");
	*ret = rows;
	*ret_n = n;
	return 0;
}

static int
run_result(struct store_reader *reader, int64_t run_seq, struct arena *arena, struct str *ret,
	struct err *err)
{
	struct scene *scene = scene_of(reader);
	struct buf text = BUF_INIT(MIB(1));

	(void)run_seq;
	assert_int_equal(buf_adds(&text, "{\"cases\":["), 0);
	for (size_t i = 0; i < scene->n_cases; i++)
		assert_int_equal(buf_addf(&text,
					 "%s{\"id\":\"c%zu\",\"title\":\"t\","
					 "\"status\":\"passed\"}",
					 i ? "," : "", i),
			0);
	assert_int_equal(buf_adds(&text, "]}"), 0);
	char *copy = arena_strndup(arena, text.data, text.len);
	*ret = str_from(copy, copy ? text.len : 0);
	buf_deinit(&text);
	return copy ? 0 : err_set(err, ERR_LIMIT, "rows");
}

static int
artifacts(struct store_reader *reader, int64_t job_seq, int64_t run_seq, struct arena *arena,
	struct artifact **ret, size_t *ret_n, struct err *err)
{
	struct scene *scene = scene_of(reader);
	size_t n = scene->n_artifacts * (run_seq ? 1 : (size_t)scene->n_runs);
	struct artifact *rows = arena_calloc(arena, n + 1, sizeof *rows);

	(void)job_seq;
	if (!rows)
		return err_set(err, ERR_LIMIT, "rows");
	for (size_t i = 0; i < n; i++)
		rows[i] = (struct artifact) { .run_seq = run_seq ? run_seq : 1,
			.name = "file.txt",
			.kind = "file",
			.content_type = "text/plain",
			.blob = "00",
			.size = 1 };
	*ret = rows;
	*ret_n = n;
	return 0;
}

/* Steps, round the runs. */
static int
events(struct store_reader *reader, const struct event_filter *filter, struct arena *arena,
	struct event **ret, size_t *ret_n, struct err *err)
{
	struct scene *scene = scene_of(reader);
	struct event *rows = arena_calloc(arena, filter->limit, sizeof *rows);
	size_t n = 0, bytes = 0;

	for (int64_t seq = filter->after_seq + 1; rows && seq <= scene->n_events &&
		n < filter->limit && bytes < filter->bytes_max;
		seq++) {
		const char *error = error_text(arena, scene->step_error_bytes, scene->fill);
		const char *data = error
			? arena_printf(arena,
				  "{\"title\":\"step\",\"status\":\"failed\",\"error\":%s}",
				  error)
			: NULL;
		if (!data)
			return err_set(err, ERR_LIMIT, "rows");
		rows[n] = (struct event) {
			.seq = seq, .type = EV_RUN_STEP, .data = str_of(data)
		};
		run_id(&rows[n].run.u, seq % scene->n_runs + 1);
		bytes += rows[n++].data.n;
	}
	if (!rows)
		return err_set(err, ERR_LIMIT, "rows");
	*ret = rows;
	*ret_n = n;
	return 0;
}

static int
workers(struct store_reader *reader, int64_t project, bool all, struct arena *arena,
	struct worker_row **ret, size_t *ret_n, struct err *err)
{
	(void)reader;
	(void)project;
	(void)all;
	(void)arena;
	(void)ret;
	(void)ret_n;
	return err_set(err, ERR_LIMIT, "too many workers");
}

static const struct reader_ops ops = {
	.begin = begin,
	.end = end,
	.job = job,
	.job_tests = job_tests,
	.job_options = job_options,
	.runs = runs,
	.run_result = run_result,
	.artifacts = artifacts,
	.events = events,
	.workers = workers,
};

static char *
make(struct scene *scene, enum report_format format, unsigned tight,
	struct report_left_out *ret_left_out)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct buf out = BUF_INIT(REPORT_BYTES_MAX);
	struct report_model *model;
	struct err err;

	scene->reader.ops = &ops;
	arena_init(&arena, REPORT_MEMORY_BYTES_MAX);
	if (report_load(&scene->reader, NULL, 1, (struct job_id) { 0 }, tight, &arena, &model,
		    &err) != 0)
		fail_msg("%s", err.text);
	*ret_left_out = model->left_out;
	if (report_write(format, model, NULL, &out, &err) < 0) {
		buf_deinit(&out);
		return NULL;
	}
	return buf_steal(&out);
}

static void
every_format(struct scene *scene, struct report_left_out *ret_left_out)
{
	for (int format = 0; format < REPORT_FORMAT_COUNT; format++) {
		char *text = make(scene, (enum report_format)format, 0, ret_left_out);
		assert_non_null(text);
		free(text);
	}
}

static void
many_runs(void **state)
{
	struct scene scene = { .n_runs = 10000, .error_bytes = KIB(60), .fill = 'x' };
	struct report_left_out left_out;

	(void)state;
	char *page = make(&scene, REPORT_HTML, 0, &left_out);
	assert_int_equal(left_out.runs, 5000);
	assert_non_null(strstr(page, "5000 more runs are not shown"));
	free(page);
}

static void
many_large_steps(void **state)
{
	struct scene scene = {
		.n_runs = 3, .n_events = 2400, .step_error_bytes = KIB(50), .fill = 'x'
	};
	struct report_left_out left_out;
	char said[80];

	(void)state;
	char *page = make(&scene, REPORT_HTML, 0, &left_out);
	assert_in_range(left_out.steps, 1000, 2300);
	assert_false(left_out.has_more_steps);
	(void)snprintf(
		said, sizeof said, "%lld more steps are not shown", (long long)left_out.steps);
	assert_non_null(strstr(page, said));
	free(page);
	page = make(&scene, REPORT_JSON, 0, &left_out);
	assert_non_null(strstr(page, "(cut)"));
	(void)snprintf(said, sizeof said, "\"stepsLeftOut\":%lld", (long long)left_out.steps);
	assert_non_null(strstr(page, said));
	free(page);
}

static void
more_events_than_are_read(void **state)
{
	struct scene scene = { .n_runs = 3, .n_events = REPORT_EVENTS_MAX + 1, .fill = 'x' };
	struct report_left_out left_out;

	(void)state;
	char *page = make(&scene, REPORT_HTML, 0, &left_out);
	assert_true(left_out.has_more_steps);
	assert_non_null(strstr(page, " or more steps are not shown"));
	free(page);
	scene.n_events = REPORT_EVENTS_MAX;
	free(make(&scene, REPORT_JSON, 0, &left_out));
	assert_false(left_out.has_more_steps);
}

/* Text that a page needs six bytes for: the next tighter report fits. */
static void
text_that_grows(void **state)
{
	struct scene scene = { .n_runs = 5000,
		.n_events = 20000,
		.error_bytes = KIB(7),
		.step_error_bytes = KIB(7),
		.n_cases = 1,
		.fill = '"' };
	struct report_left_out left_out;
	char *page = NULL;

	(void)state;
	for (unsigned tight = 0; !page && tight <= 1; tight++)
		page = make(&scene, REPORT_HTML, tight, &left_out);
	assert_non_null(page);
	free(page);
}

static void
many_cases_and_files(void **state)
{
	struct scene scene = { .n_runs = 60, .n_cases = 2000, .n_artifacts = 1000 };
	struct report_left_out left_out;

	(void)state;
	every_format(&scene, &left_out);
	assert_in_range(left_out.cases, 50000, 119999);
	assert_in_range(left_out.files, 30000, 59999);
}

/* Nothing is left out of a small one. */
static void
small(void **state)
{
	struct scene scene = { .n_runs = 10,
		.n_events = 10,
		.error_bytes = 100,
		.n_cases = 10,
		.n_artifacts = 3,
		.fill = 'x' };
	struct report_left_out left_out;

	(void)state;
	every_format(&scene, &left_out);
	assert_memory_equal(&left_out, (&(struct report_left_out) { 0 }), sizeof left_out);
	char *page = make(&scene, REPORT_HTML, 0, &left_out);
	assert_null(strstr(page, "not shown"));
	free(page);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small),
		cmocka_unit_test(many_runs),
		cmocka_unit_test(many_large_steps),
		cmocka_unit_test(more_events_than_are_read),
		cmocka_unit_test(text_that_grows),
		cmocka_unit_test(many_cases_and_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
