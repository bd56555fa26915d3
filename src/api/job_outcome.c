/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a job gave, beside its row: stages of a flow, results, and where these break the job's
 * own outputSchema.
 *
 * A broken schema is told and changes no verdict: `completed` says that every test passed, and
 * the schema is about what the job hands on. A flow's stage, which does hand it on, fails.
 */
#include <string.h>

#include "api/resource.h"
#include "core/flow.h"
#include "core/json_schema.h"
#include "store/results.h"

static int
read_stages(struct call *call, const struct job *job, struct str *ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(RESPONSE_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &text);
	if (flow_stages_write(&jw, job, call->arena, err) < 0)
		return -1;
	if (jw_done(&jw) < 0)
		return err_set(err, ERR_LIMIT, "the stages are too large");
	*ret = str_from(arena_strndup(call->arena, buf_text(&text), text.len), text.len);
	return ret->p ? 0 : err_set(err, ERR_LIMIT, "the stages are too large");
}

/* A job with several tests gives an object by name, of which the schema is for each. */
static void
validate(const struct json_schema *schema, const struct job *job, json_t *results,
	struct issues *issues)
{
	const char *name;
	json_t *value;

	if (job->n_tests == 1) {
		(void)!json_schema_validate(schema, results, "", issues);
		return;
	}
	json_object_foreach(results, name, value)
	{
		const char *pointer = json_pointer_member(issues->arena, "", name);

		(void)!json_schema_validate(schema, value, pointer, issues);
	}
}

static struct str
issues_text(struct arena *arena, const struct issues *issues)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(1));
	struct jw jw;

	jw_init(&jw, &text);
	jw_arr(&jw);
	for (size_t i = 0; i < issues->n; i++) {
		jw_obj(&jw);
		jw_kstr(&jw, "pointer", issues->item[i].pointer);
		jw_kstr(&jw, "code", issues->item[i].code);
		jw_kstr(&jw, "detail", issues->item[i].detail);
		jw_end_obj(&jw);
	}
	jw_end_arr(&jw);
	if (jw_done(&jw) < 0)
		return (struct str) { 0 };
	return str_from(arena_strndup(arena, text.data, text.len), text.len);
}

static void
check_schema(struct arena *arena, const struct job *job, struct job_more *more)
{
	struct err ignored;
	struct issues issues = { .arena = arena };
	struct json_schema *schema;
	_cleanup_(json_unrefp) json_t *options = more->options.n > 0
		? json_read(more->options.p, more->options.n, 4 * JSON_DEPTH_MAX, &ignored)
		: NULL;
	json_t *text = json_object_get(options, "outputSchema");
	_cleanup_(json_unrefp) json_t *results = NULL;

	if (!text)
		return;
	results = json_read(more->results.p, more->results.n, 4 * JSON_DEPTH_MAX, &ignored);
	if (results && json_schema_compile(text, arena, &schema, &issues) == 0)
		validate(schema, job, results, &issues);
	if (issues.n > 0)
		more->schema_errors = issues_text(arena, &issues);
}

int
job_outcome_read(struct call *call, struct store_reader *reader, const struct job *job,
	struct job_more *more, struct err *err)
{
	if (job->flow && read_stages(call, job, &more->stages, err) < 0)
		return -1;
	if (!job_state_is_final(job->state))
		return 0;
	if (read_job_results(reader, job, call->arena, &more->results, err) < 0)
		return -1;
	check_schema(call->arena, job, more);
	return 0;
}
