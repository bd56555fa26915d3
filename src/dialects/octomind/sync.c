/* SPDX-License-Identifier: Apache-2.0 */
/* Many test cases at once: push and pull, versions, code and config files. */
#include <string.h>

#include "base/mem.h"
#include "dialects/octomind/code.h"
#include "dialects/octomind/config_file.h"
#include "dialects/octomind/service.h"
#include "dialects/octomind/zip.h"

/* --- Push --- */

struct push {
	struct octo_puts puts; /* first: octo_puts_submit() makes it the call's state */
	struct octo_target target;
	bool is_draft;
};

/* Cases of the body; NULL: answered. */
static struct octo_case *
decode_cases(struct call *call, size_t *ret_n)
{
	struct octo_issues issues = { .arena = call->arena };
	const struct octo_at *at = OCTO_MEMBER(NULL, "testCases");
	json_t *body = octo_body(call), *list, *item;
	struct octo_case *cases;
	size_t index;

	if (!body)
		return NULL;
	list = json_object_get(body, "testCases");
	if (!json_is_array(list))
		octo_issues_type(&issues, at, "array", list);
	else if (json_array_size(list) > OCTO_CASES_MAX)
		octo_issues_add(&issues, at, "too_big", "fewer test cases", "array",
			"at most %d test cases are possible at once", OCTO_CASES_MAX);
	if (issues.n > 0) {
		octo_refuse(call, &issues);
		return NULL;
	}
	cases = arena_xalloc(call->arena, (json_array_size(list) + 1) * sizeof *cases);
	json_array_foreach(list, index, item)
	{
		/* What is wrong is in issues. */
		(void)(octo_case_decode(item, OCTO_ITEM(at, index), &issues, &cases[index]) <
			0);
	}
	if (issues.n > 0) {
		octo_refuse(call, &issues);
		return NULL;
	}
	*ret_n = json_array_size(list);
	return cases;
}

/* What is pushed in the place of what is there, or behind it. */
static int
lay_over(struct octo_saves *there, const struct octo_puts *puts, struct arena *arena,
	struct err *err)
{
	struct octo_saved *all = arena_calloc(arena, there->n + puts->n + 1, sizeof *all);

	if (!all)
		return err_set(err, ERR_LIMIT, "there are too many test cases");
	if (there->n > 0)
		memcpy(all, there->item, there->n * sizeof *all);
	there->item = all;
	for (size_t i = 0; i < puts->n; i++) {
		struct octo_saved *old = octo_saved_find(there, &puts->item[i].saved.c.id);

		if (!old)
			old = &all[there->n++];
		*old = puts->item[i].saved;
	}
	return 0;
}

/* Takes over what is kept of a case besides itself. */
static void
adopt(struct octo_saved *saved, const struct octo_saved *old)
{
	if (!old)
		return;
	saved->id = old->id;
	saved->seq = old->seq;
	saved->revision = old->revision;
	saved->created_by = old->created_by;
}

static int
read_push(struct call *call, struct store_reader *reader, struct err *err)
{
	struct push *push = call->state;
	struct octo_environments list;
	struct octo_saves cases, own;
	struct octo_run run;
	int r;

	if (octo_load(reader, call->project, OCTO_CASES, call->arena, &cases, err) < 0)
		return -1;
	own = cases;
	if (push->is_draft &&
		octo_load(reader, call->project, OCTO_DRAFTS, call->arena, &own, err) < 0)
		return -1;
	for (size_t i = 0; i < push->puts.n; i++) {
		struct octo_saved *saved = &push->puts.item[i].saved;

		adopt(saved, octo_saved_find(&own, &saved->c.id));
		saved->status = push->is_draft ? OCTO_DRAFT : OCTO_ENABLED;
		saved->is_draft = push->is_draft;
	}
	if (lay_over(&cases, &push->puts, call->arena, err) < 0 ||
		octo_environments_load(reader, call->project, call->arena, &list, err) < 0)
		return -1;
	octo_run_init(&run, &push->target, octo_environment_find(&list, NULL));
	r = octo_puts_prepare(
		&push->puts, reader, call->project, &cases, &run, call->arena, err);
	octo_environments_deinit(&list);
	return r;
}

static void
write_versions(struct jw *jw, const struct octo_puts *puts)
{
	jw_karr(jw, "versionIds");
	for (size_t i = 0; i < puts->n; i++) {
		struct uuid id;

		octo_version_id(puts->item[i].saved.seq, puts->item[i].saved.revision, &id);
		jw_uuid(jw, &id);
	}
	jw_end_arr(jw);
}

/* Both forms that clients have known: { id: { versionId } } and { id: versionId }. */
static void
write_by_id(struct jw *jw, const char *key, const struct octo_puts *puts, bool is_plain)
{
	jw_kobj(jw, key);
	for (size_t i = 0; i < puts->n; i++) {
		const struct octo_saved *saved = &puts->item[i].saved;
		char id[UUID_TEXT_LEN + 1];
		struct uuid version;

		uuid_format(&saved->c.id, id);
		octo_version_id(saved->seq, saved->revision, &version);
		if (is_plain) {
			jw_kuuid(jw, id, &version);
			continue;
		}
		jw_kobj(jw, id);
		jw_kuuid(jw, "versionId", &version);
		jw_end_obj(jw);
	}
	jw_end_obj(jw);
}

static void
on_pushed(struct call *call)
{
	const struct push *push = call->state;
	struct jw jw = call_jw(call);

	jw_obj(&jw);
	jw_kbool(&jw, "success", true);
	write_versions(&jw, &push->puts);
	if (push->is_draft) {
		write_by_id(&jw, "syncDataByStableId", &push->puts, false);
		write_by_id(&jw, "versionIdByStableId", &push->puts, true);
	}
	jw_end_obj(&jw);
	octo_reply(call, &jw, 200);
}

static void
on_push(struct call *call)
{
	struct push *push = call->state;

	if (call->read_result < 0)
		call_finish_read(call);
	else
		octo_puts_submit(call, &push->puts, on_pushed);
}

static void
push_cases(struct call *call, bool is_draft)
{
	struct push *push = arena_xalloc(call->arena, sizeof *push);
	struct octo_case *cases;
	size_t n = 0;

	call->state = push;
	push->is_draft = is_draft;
	if (!octo_path_target(call, &push->target))
		return;
	cases = decode_cases(call, &n);
	if (!cases)
		return;
	push->puts.item = arena_xalloc(call->arena, (n + 1) * sizeof *push->puts.item);
	/* Of a case that is there twice the last counts. */
	for (size_t i = 0; i < n; i++) {
		size_t at = 0;

		while (at < push->puts.n &&
			!uuid_eq(&push->puts.item[at].saved.c.id, &cases[i].id))
			at++;
		push->puts.item[at].saved.c = cases[i];
		push->puts.item[at].saved.created_by = "EDIT";
		push->puts.n += at == push->puts.n;
	}
	call_read(call, read_push, on_push);
}

void
octo_push(struct call *call)
{
	push_cases(call, false);
}

void
octo_draft_push(struct call *call)
{
	push_cases(call, true);
}

/* --- Pull and versions --- */

/* Ids of a report's versions, from its job; NULL: the job has none. Owned by the caller. */
static json_t *
report_versions(
	struct call *call, struct store_reader *reader, const char *text, struct err *err)
{
	struct job_id id;
	struct job *job;
	struct str options;

	if (call_uuid(text, "test report", &id.u, err) < 0)
		return NULL;
	int r = read_job(reader, call->project, id, call->arena, &job, err);

	if (r == 0)
		r = read_job_options(reader, job->seq, call->arena, &options, err);
	if (r == STORE_NONE)
		(void)err_set(err, ERR_NOT_FOUND, "there is no test report \"%.60s\"", text);
	if (r != 0)
		return NULL;
	_cleanup_(json_unrefp) json_t *tree =
		json_read(options.p, options.n, JSON_DEPTH_MAX, err);

	return json_incref(json_object_get(
		json_object_get(json_object_get(tree, "extra"), "octomind"), "cases"));
}

static void
write_sync(struct jw *jw, const struct octo_saved *saved)
{
	jw_obj(jw);
	octo_case_write_sync(&saved->c, jw);
	jw_end_obj(jw);
}

static int
write_report_cases(struct call *call, struct store_reader *reader, struct jw *jw,
	const struct octo_saves *cases, const char *report, struct err *err)
{
	_cleanup_(json_unrefp) json_t *versions = report_versions(call, reader, report, err);
	struct octo_saves drafts;
	struct octo_saved saved;
	size_t index;
	json_t *item;

	if (!versions ||
		octo_load(reader, call->project, OCTO_DRAFTS, call->arena, &drafts, err) < 0)
		return -1;
	json_array_foreach(versions, index, item)
	{
		struct uuid id;
		const char *text = json_string_value(json_object_get(item, "versionId"));

		if (!text || uuid_parse(str_of(text), &id) < 0)
			continue;
		int r = octo_load_version(
			reader, call->project, cases, &drafts, &id, call->arena, &saved, err);
		if (r < 0)
			return -1;
		if (r == 0) /* else it was deleted since */
			write_sync(jw, &saved);
	}
	return 0;
}

int
octo_pull(struct call *call, struct store_reader *reader, struct err *err)
{
	const char *report = octo_param(call, "testReportId");
	const char *plan = octo_param(call, "testPlanId");
	struct octo_target target;
	struct octo_saves cases;
	struct jw jw = call_jw(call);

	if (octo_target(call, call->arg[0], &target, err) < 0)
		return -1;
	if (plan && *plan)
		return err_set(err, ERR_NOT_FOUND, "there is no test plan \"%.60s\"", plan);
	if (octo_load(reader, call->project, OCTO_CASES, call->arena, &cases, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_karr(&jw, "testCases");
	if (report && *report) {
		if (write_report_cases(call, reader, &jw, &cases, report, err) < 0)
			return -1;
	} else {
		for (size_t i = 0; i < cases.n; i++)
			write_sync(&jw, &cases.item[i]);
	}
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
octo_version_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct octo_target target;
	struct octo_saves cases, drafts;
	struct octo_saved saved;
	struct uuid version;
	struct jw jw = call_jw(call);
	int r = STORE_NONE;

	if (octo_target(call, call->arg[0], &target, err) < 0 ||
		octo_load(reader, call->project, OCTO_CASES, call->arena, &cases, err) < 0 ||
		octo_load(reader, call->project, OCTO_DRAFTS, call->arena, &drafts, err) < 0)
		return -1;
	if (uuid_parse(str_of(call->arg[2]), &version) == 0)
		r = octo_load_version(reader, call->project, &cases, &drafts, &version,
			call->arena, &saved, err);
	if (r < 0)
		return -1;
	if (r == STORE_NONE)
		return err_set(
			err, ERR_NOT_FOUND, "there is no version \"%.60s\"", call->arg[2]);
	jw_obj(&jw);
	octo_case_write_sync(&saved.c, &jw);
	jw_kuuid(&jw, "versionId", &version);
	if (saved.c.editing == OCTO_EDITING_NONE)
		jw_kstr(&jw, "localEditingStatus", octo_editing_names[OCTO_DONE]);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

/* --- Code --- */

/* The environment that is named, and the run of the query's parameters. */
static int
run_of_query(struct call *call, const struct octo_target *target,
	const struct octo_environments *list, const char *url, const char *environment,
	struct octo_run *run, struct err *err)
{
	const struct octo_environment *found = octo_environment_find(list, environment);

	if (!found && environment && *environment)
		return err_set(
			err, ERR_NOT_FOUND, "there is no environment \"%.60s\"", environment);
	octo_run_init(run, target, found);
	if (url && *url)
		run->url = url;
	(void)call;
	return 0;
}

static int
add_code(struct call *call, const struct octo_run *run, const struct octo_saves *cases,
	const struct octo_case *c, struct buf *out, struct err *err)
{
	struct octo_chain chain;

	(void)call;
	if (octo_chain_of(c, octo_saved_lookup, (void *)cases, &chain, err) < 0)
		return -1;
	return octo_code(&chain, run, out, err);
}

static int
write_code(struct call *call, const struct octo_run *run, const struct octo_saves *cases,
	const struct octo_case *c, struct err *err)
{
	_cleanup_(buf_deinit) struct buf code = BUF_INIT(OCTO_CODE_BYTES_MAX);
	struct jw jw = call_jw(call);

	if (add_code(call, run, cases, c, &code, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_kstrn(&jw, "testCode", buf_text(&code), code.len);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
octo_case_code(struct call *call, struct store_reader *reader, struct err *err)
{
	struct octo_target target;
	struct octo_environments list;
	struct octo_saves cases;
	struct octo_run run;
	struct uuid id;
	const struct octo_saved *saved = NULL;
	int r;

	if (octo_target(call, call->arg[0], &target, err) < 0 ||
		octo_load(reader, call->project, OCTO_CASES, call->arena, &cases, err) < 0)
		return -1;
	if (uuid_parse(str_of(call->arg[1]), &id) == 0)
		saved = octo_saved_find(&cases, &id);
	if (!saved)
		return err_set(
			err, ERR_NOT_FOUND, "there is no test case \"%.60s\"", call->arg[1]);
	if (octo_environments_load(reader, call->project, call->arena, &list, err) < 0)
		return -1;
	r = run_of_query(call, &target, &list, octo_param(call, "executionUrl"),
		octo_param(call, "environmentId"), &run, err);
	if (r == 0)
		r = write_code(call, &run, &cases, &saved->c, err);
	octo_environments_deinit(&list);
	return r;
}

static bool
is_said(const struct call *call, const char *name, const char *value)
{
	const char *text = octo_param(call, name);

	return text && strcmp(text, value) == 0;
}

static int
word_param(const struct call *call, const char *name, const char *const *names, int absent)
{
	const char *text = octo_param(call, name);
	int word = text ? octo_word(names, text) : absent;

	return word < 0 ? absent : word;
}

int
octo_config(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct octo_config_request request = {
		.output_dir = octo_param(call, "outputDir"),
		.is_headed = is_said(call, "headless", "false"),
		.bypasses_proxy = is_said(call, "bypassProxy", "true"),
	};
	struct octo_target target;
	struct octo_environments list;
	struct octo_run run;
	int r;

	if (octo_target(call, call->arg[0], &target, err) < 0 ||
		octo_environments_load(reader, call->project, call->arena, &list, err) < 0)
		return -1;
	r = run_of_query(call, &target, &list, octo_param(call, "url"),
		octo_param(call, "environmentId"), &run, err);
	run.browser = (enum octo_browser)word_param(
		call, "browser", octo_browser_names, OCTO_CHROMIUM);
	run.breakpoint = (enum octo_breakpoint)word_param(
		call, "breakpoint", octo_breakpoint_names, OCTO_DESKTOP);
	call->type = "text/plain; charset=utf-8";
	call->out.max = OCTO_CODE_BYTES_MAX;
	if (r == 0)
		r = octo_config_file(&run, &request, &call->out, err);
	octo_environments_deinit(&list);
	return r;
}

/* --- Spec files of what was sent --- */

struct bundle {
	struct octo_target target;
	struct octo_saves cases; /* that were sent */
};

static bool
is_filtered(json_t *ids, const struct uuid *id)
{
	size_t index;
	json_t *item;

	json_array_foreach(ids, index, item)
	{
		struct uuid wanted;

		if (json_is_string(item) &&
			uuid_parse(str_of(json_string_value(item)), &wanted) == 0 &&
			uuid_eq(&wanted, id))
			return false;
	}
	return json_array_size(ids) > 0;
}

static int
add_file(struct octo_zip *zip, struct call *call, const struct octo_run *run,
	const struct octo_saves *cases, const struct octo_case *c, struct err *err)
{
	_cleanup_(buf_deinit) struct buf code = BUF_INIT(OCTO_CODE_BYTES_MAX);
	char name[100];

	octo_code_file_name(c, name);
	if (add_code(call, run, cases, c, &code, err) < 0)
		return -1;
	return octo_zip_add(zip, name, buf_text(&code), code.len, err);
}

static int
fill_zip(struct call *call, const struct octo_run *run, const struct octo_saves *cases,
	struct err *err)
{
	const struct bundle *bundle = call->state;
	json_t *filter = json_object_get(call->json, "filterTestCaseIds");

	call->out.max = OCTO_ZIP_BYTES_MAX;
	_cleanup_(octo_zip_freep) struct octo_zip *zip = octo_zip_new(&call->out);

	for (size_t i = 0; i < bundle->cases.n; i++) {
		const struct octo_case *c = &bundle->cases.item[i].c;

		if (is_filtered(filter, &c->id))
			continue;
		if (add_file(zip, call, run, cases, c, err) < 0)
			return -1;
	}
	call->type = "application/zip";
	return octo_zip_done(zip, err);
}

static int
read_bundle(struct call *call, struct store_reader *reader, struct err *err)
{
	struct bundle *bundle = call->state;
	struct octo_puts puts = { .n = bundle->cases.n };
	struct octo_environments list;
	struct octo_saves cases;
	struct octo_run run;
	int r;

	puts.item = arena_xalloc(call->arena, (puts.n + 1) * sizeof *puts.item);
	for (size_t i = 0; i < puts.n; i++)
		puts.item[i].saved = bundle->cases.item[i];
	if (octo_load(reader, call->project, OCTO_CASES, call->arena, &cases, err) < 0 ||
		lay_over(&cases, &puts, call->arena, err) < 0 ||
		octo_environments_load(reader, call->project, call->arena, &list, err) < 0)
		return -1;
	r = run_of_query(call, &bundle->target, &list,
		json_string_value(json_object_get(call->json, "executionUrl")),
		json_string_value(json_object_get(call->json, "environmentId")), &run, err);
	if (r == 0)
		r = fill_zip(call, &run, &cases, err);
	octo_environments_deinit(&list);
	return r;
}

void
octo_code_zip(struct call *call)
{
	struct bundle *bundle = arena_xalloc(call->arena, sizeof *bundle);
	struct octo_case *cases;
	size_t n = 0;

	call->state = bundle;
	if (!octo_path_target(call, &bundle->target))
		return;
	cases = decode_cases(call, &n);
	if (!cases)
		return;
	bundle->cases.item = arena_xalloc(call->arena, (n + 1) * sizeof(struct octo_saved));
	for (size_t i = 0; i < n; i++)
		bundle->cases.item[i].c = cases[i];
	bundle->cases.n = n;
	call_read(call, read_bundle, NULL);
}
