/* SPDX-License-Identifier: Apache-2.0 */
/* Runs are read page by page, newest last, so that a later one takes an earlier one's place. */
#include "store/results.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/flow.h"

enum {
	PAGE_RUNS = 200,
	RUNS_MAX = 20000, /* deciding runs that are looked at */
};

#define TRUNCATED STR("{\"truncated\":true}")

struct collecting {
	struct store_reader *reader;
	const struct job *job;
	struct arena page; /* of what is being read */
	json_t **outputs;  /* by test; owned */
	bool is_over;      /* too much */
};

/* The `output` of a kept result, owned; NULL: none. */
static json_t *
output_of(struct str text)
{
	struct err ignored;
	_cleanup_(json_unrefp) json_t *result =
		text.n > 0 ? json_read(text.p, text.n, JSON_DEPTH_MAX, &ignored) : NULL;
	json_t *output = json_object_get(result, "output");

	return output && !json_is_null(output) ? json_incref(output) : NULL;
}

static int
take_run(struct collecting *all, const struct run *run, struct err *err)
{
	struct str text = { 0 };
	int r;

	if (run->test < 0 || run->test >= all->job->n_tests)
		return 0; /* a hook */
	r = read_run_result(all->reader, run->seq, &all->page, &text, err);
	if (r < 0)
		return -1;
	json_t *output = r == STORE_NONE ? NULL : output_of(text);

	if (output) {
		json_decref(all->outputs[run->test]);
		all->outputs[run->test] = output;
	}
	return 0;
}

static int
take_runs(struct collecting *all, struct err *err)
{
	struct run_filter filter = { .job_seq = all->job->seq,
		.incarnation = all->job->incarnation,
		.test = -1,
		.only_last = true,
		.limit = PAGE_RUNS };
	struct run *runs;
	size_t n, n_all = 0;

	do {
		arena_reset(&all->page);
		if (read_runs(all->reader, &filter, &all->page, &runs, &n, err) < 0)
			return -1;
		n_all += n;
		all->is_over = n_all > RUNS_MAX;
		for (size_t i = 0; i < n && !all->is_over; i++) {
			filter.after_seq = runs[i].seq;
			if (take_run(all, &runs[i], err) < 0)
				return -1;
		}
	} while (n == PAGE_RUNS && !all->is_over);
	return 0;
}

/* None: the job has one test alone, whose output is the whole. */
static int
names_of(const struct collecting *all, struct arena *arena, struct job_test **ret,
	size_t *ret_n, struct err *err)
{
	*ret = NULL;
	*ret_n = 0;
	if (all->job->n_tests <= 1)
		return 0;
	return read_job_tests(all->reader, all->job->seq, arena, ret, ret_n, err);
}

static json_t *
join(const struct collecting *all, const struct job_test *tests, size_t n)
{
	json_t *object;

	if (all->job->n_tests == 1)
		return all->outputs[0] ? json_incref(all->outputs[0]) : json_object();
	object = json_object();
	for (size_t i = 0; i < n && i < (size_t)all->job->n_tests; i++)
		if (all->outputs[i])
			(void)json_object_set(object, tests[i].name, all->outputs[i]);
	return object;
}

static int
write_results(
	const struct collecting *all, struct arena *arena, struct str *ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(JOB_RESULTS_BYTES_MAX);
	_cleanup_(arena_deinit) struct arena names;
	_cleanup_(json_unrefp) json_t *value = NULL;
	struct job_test *tests;
	struct jw jw;
	size_t n;

	*ret = TRUNCATED;
	if (all->is_over)
		return 0;
	arena_init(&names, ARENA_REQUEST_BYTES_MAX);
	if (names_of(all, &names, &tests, &n, err) < 0)
		return -1;
	value = join(all, tests, n);
	jw_init(&jw, &text);
	jw_tree(&jw, value);
	if (jw_done(&jw) < 0)
		return 0;
	*ret = str_from(arena_strndup(arena, text.data, text.len), text.len);
	return ret->p ? 0 : err_set(err, ERR_LIMIT, "the results need too much memory");
}

/* --- Flows --- */

/* What a stage gave: results of its job, those of its items in order, or a wait's value. NULL:
 * nothing. */
static json_t *
given_by(json_t *stage)
{
	json_t *results = json_object_get(stage, "results");
	json_t *items = json_object_get(stage, "items"), *item, *list;
	size_t i;

	if (!results)
		results = json_object_get(stage, "value");
	if (results || json_array_size(items) == 0)
		return json_incref(results);
	list = json_array();
	json_array_foreach(items, i, item)
	{
		json_t *one = json_object_get(item, "results");

		(void)json_array_append_new(list, one ? json_incref(one) : json_null());
	}
	return list;
}

static int
flow_results(const struct job *job, struct arena *arena, struct str *ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(ARENA_REQUEST_BYTES_MAX);
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(JOB_RESULTS_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *stages = NULL, *all = json_object();
	struct jw jw;
	json_t *stage;
	size_t i;

	jw_init(&jw, &text);
	if (flow_stages_write(&jw, job, arena, err) < 0)
		return -1;
	if (jw_done(&jw) < 0)
		return err_set(err, ERR_LIMIT, "the stages are too large");
	stages = json_read(text.data, text.len, 4 * JSON_DEPTH_MAX, err);
	if (!stages)
		return -1;
	json_array_foreach(stages, i, stage)
	{
		const char *name = json_string_value(json_object_get(stage, "name"));
		json_t *value = given_by(stage);

		if (name && value)
			(void)json_object_set(all, name, value);
		json_decref(value);
	}
	jw_init(&jw, &out);
	jw_tree(&jw, all);
	*ret = TRUNCATED;
	if (jw_done(&jw) < 0)
		return 0;
	*ret = str_from(arena_strndup(arena, out.data, out.len), out.len);
	return ret->p ? 0 : err_set(err, ERR_LIMIT, "the results need too much memory");
}

int
read_job_results(struct store_reader *reader, const struct job *job, struct arena *arena,
	struct str *ret, struct err *err)
{
	struct collecting all = { .reader = reader, .job = job };
	int r;

	*ret = STR("{}");
	if (job->flow)
		return flow_results(job, arena, ret, err);
	if (job->n_tests <= 0)
		return 0;
	arena_init(&all.page, ARENA_REQUEST_BYTES_MAX);
	all.outputs = xcalloc((size_t)job->n_tests, sizeof(json_t *));
	r = take_runs(&all, err);
	if (r == 0)
		r = write_results(&all, arena, ret, err);
	for (int32_t i = 0; i < job->n_tests; i++)
		json_decref(all.outputs[i]);
	free(all.outputs);
	arena_deinit(&all.page);
	return r;
}
