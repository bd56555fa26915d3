/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Execute: test cases become the tests of one job, behind a gate those of a flow's second
 * stage. What the answer and all later ones need of the request lies in extra.octomind.
 */
#include <string.h>

#include "base/clock.h"
#include "base/rand.h"
#include "core/job_json.h"
#include "dialects/octomind/report.h"
#include "dialects/octomind/service.h"
#include "dialects/octomind/to_browser.h"
#include "dialects/octomind/vars.h"
#include "store/source.h"

enum {
	SESSIONS_MAX = 20, /* of one execution at a time */
};

struct execution {
	struct octo_target target;
	struct job_spec spec;
	struct job_id job;
	bool is_empty;   /* nothing was chosen */
	bool is_refused; /* the answer is written */
};

/* What is gathered on the pool. */
struct gathering {
	struct call *call;
	struct store_reader *reader;
	struct execution *execution;
	struct octo_environments environments;
	const struct octo_environment *environment;
	struct octo_saves cases, drafts;
	const char **tags;
	size_t n_tags;
	json_t *vars; /* owned */
	struct octo_run run;
	const struct octo_saved **chosen;
	size_t n_chosen;
	struct octo_issues issues;
};

/* --- What is asked for --- */

/* Empty texts come from "a, b", cut at every comma and space. */
static void
read_tags(struct gathering *g)
{
	json_t *tags = json_object_get(g->call->json, "tags"), *tag;
	const struct octo_at *at = OCTO_MEMBER(NULL, "tags");
	size_t index;

	if (!tags || json_is_null(tags))
		return;
	if (!json_is_array(tags)) {
		octo_issues_type(&g->issues, at, "array", tags);
		return;
	}
	g->tags = arena_xalloc(g->call->arena, (json_array_size(tags) + 1) * sizeof *g->tags);
	json_array_foreach(tags, index, tag)
	{
		if (!json_is_string(tag))
			octo_issues_type(&g->issues, OCTO_ITEM(at, index), "string", tag);
		else if (*json_string_value(tag))
			g->tags[g->n_tags++] = json_string_value(tag);
	}
}

static int
read_environment(struct gathering *g, struct err *err)
{
	struct call *call = g->call;
	const char *name = octo_text(call->json, "environmentName", false, &g->issues);

	if (octo_environments_load(
		    g->reader, call->project, call->arena, &g->environments, err) < 0)
		return -1;
	g->environment = octo_environment_find(&g->environments, name);
	if (!g->environment && name && *name && strcmp(name, "default") != 0)
		octo_issues_add(&g->issues, OCTO_MEMBER(NULL, "environmentName"), "custom",
			"the name of an environment", name, "there is no environment \"%.60s\"",
			name);
	return 0;
}

static void
read_settings(struct gathering *g)
{
	struct octo_run *run = &g->run;
	const char *url = octo_text(g->call->json, "url", false, &g->issues);

	octo_run_init(run, &g->execution->target, g->environment);
	if (url && *url)
		run->url = url;
	run->browser = (enum octo_browser)octo_word_in(
		g->call->json, "browser", octo_browser_names, OCTO_CHROMIUM, &g->issues);
	run->breakpoint = (enum octo_breakpoint)octo_word_in(
		g->call->json, "breakpoint", octo_breakpoint_names, OCTO_DESKTOP, &g->issues);
}

static void
read_variables(struct gathering *g)
{
	json_t *own =
		g->environment ? json_object_get(g->environment->body, "variables") : NULL;
	json_t *overrides = json_object_get(g->call->json, "variablesToOverwrite");
	struct rng rng;

	if (json_is_null(overrides))
		overrides = NULL;
	if (overrides &&
		octo_vars_check(
			overrides, OCTO_MEMBER(NULL, "variablesToOverwrite"), &g->issues) < 0)
		return;
	rng_seed_os(&rng);
	g->vars = octo_vars_pick(own, overrides, &rng);
	g->run.vars = g->vars;
}

/* --- What is chosen --- */

static int
choose_versions(struct gathering *g, json_t *ids, struct err *err)
{
	const struct octo_at *at = OCTO_MEMBER(NULL, "testCaseVersionIds");
	struct call *call = g->call;
	size_t index;
	json_t *item;

	g->chosen = arena_xalloc(
		call->arena, (json_array_size(ids) + 1) * sizeof(const struct octo_saved *));
	json_array_foreach(ids, index, item)
	{
		struct octo_saved *saved = arena_xalloc(call->arena, sizeof *saved);
		struct uuid id;
		int r = STORE_NONE;

		if (json_is_string(item) &&
			uuid_parse(str_of(json_string_value(item)), &id) == 0)
			r = octo_load_version(g->reader, call->project, &g->cases, &g->drafts,
				&id, call->arena, saved, err);
		if (r < 0)
			return -1;
		if (r == 0)
			g->chosen[g->n_chosen++] = saved;
		else
			octo_issues_add(&g->issues, OCTO_ITEM(at, index), "custom",
				"the id of a version", "", "there is no such version");
	}
	return 0;
}

static void
choose_by_tags(struct gathering *g)
{
	const char *environment = g->environment ? g->environment->name : NULL;

	g->chosen = arena_xalloc(
		g->call->arena, (g->cases.n + 1) * sizeof(const struct octo_saved *));
	for (size_t i = 0; i < g->cases.n; i++) {
		const struct octo_saved *saved = &g->cases.item[i];

		if (octo_case_is_chosen(
			    &saved->c, saved->status, environment, g->tags, g->n_tags))
			g->chosen[g->n_chosen++] = saved;
	}
}

/* A chosen version counts as the case itself, also for those that depend on it. */
static void
replace_by_versions(struct gathering *g)
{
	struct octo_saved *all =
		arena_xalloc(g->call->arena, (g->cases.n + g->n_chosen + 1) * sizeof *all);
	struct octo_saves cases = { .item = all, .n = g->cases.n };

	if (g->cases.n > 0)
		memcpy(all, g->cases.item, g->cases.n * sizeof *all);
	for (size_t i = 0; i < g->n_chosen; i++) {
		struct octo_saved *old = octo_saved_find(&cases, &g->chosen[i]->c.id);

		if (!old)
			old = &all[cases.n++];
		*old = *g->chosen[i];
	}
	g->cases = cases;
}

static int
choose(struct gathering *g, struct err *err)
{
	json_t *versions = json_object_get(g->call->json, "testCaseVersionIds");
	struct arena *arena = g->call->arena;

	if (octo_load(g->reader, g->call->project, OCTO_CASES, arena, &g->cases, err) < 0)
		return -1;
	if (json_array_size(versions) == 0) {
		choose_by_tags(g);
		return 0;
	}
	if (octo_load(g->reader, g->call->project, OCTO_DRAFTS, arena, &g->drafts, err) < 0 ||
		choose_versions(g, versions, err) < 0)
		return -1;
	replace_by_versions(g);
	return 0;
}

/* --- The job --- */

static void
add_secret(
	json_t *secrets, json_t *in, const char *pointer, const char *name, struct arena *arena)
{
	if (json_object_get(in, name))
		(void)json_array_append_new(
			secrets, json_string(json_pointer_member(arena, pointer, name)));
}

/* What of the environment nobody may read in the job. */
static void
mark_secrets(json_t *test, struct arena *arena)
{
	json_t *octo = json_object_get(json_object_get(test, "vars"), "octo");
	json_t *config = json_object_get(test, "config"), *secrets = json_array(), *value;
	json_t *headers = json_object_get(config, "extraHeaders");
	const char *name;

	add_secret(secrets, octo, "/vars/octo", "OCTO_PASSWORD", arena);
	add_secret(secrets, octo, "/vars/octo", "OCTO_OTP", arena);
	add_secret(secrets, json_object_get(config, "httpCredentials"),
		"/config/httpCredentials", "password", arena);
	json_object_foreach(headers, name, value)
	{
		add_secret(secrets, headers, "/config/extraHeaders", name, arena);
	}
	if (json_array_size(secrets) > 0)
		(void)json_object_set(test, "secrets", secrets);
	json_decref(secrets);
}

/* A test that says why it cannot be carried out: the others run all the same. */
static json_t *
make_test(struct gathering *g, const struct octo_saved *saved)
{
	struct octo_chain chain;
	struct err err;
	json_t *test = NULL;

	if (octo_chain_of(&saved->c, octo_saved_lookup, &g->cases, &chain, &err) == 0)
		test = octo_to_browser(&chain, &g->run, &err);
	if (!test)
		test = json_pack("{s:s, s:s, s:[{s:{s:s, s:b}}]}", "name", saved->name, "kind",
			"browser", "steps", "fail", "text", err.text, "errored", true);
	mark_secrets(test, g->call->arena);
	return test;
}

/* NULL with err: LIMIT. A chain repeats what others have too, so sizes are looked at here. */
static json_t *
make_tests(struct gathering *g, struct err *err)
{
	_cleanup_(json_unrefp) json_t *tests = json_array();
	size_t size = 0;

	for (size_t i = 0; i < g->n_chosen; i++) {
		json_t *test = make_test(g, g->chosen[i]);

		size += json_dumpb(test, NULL, 0, JSON_COMPACT);
		(void)json_array_append_new(tests, test);
		if (size > JOBS_BYTES_MAX) {
			(void)err_set(
				err, ERR_LIMIT, "the chosen test cases are too large together");
			return NULL;
		}
	}
	if (g->n_chosen == 0)
		(void)json_array_append_new(tests,
			json_pack("{s:s, s:s, s:[{s:s}]}", "name", "no test case was chosen",
				"kind", "browser", "steps", "fail", "no test case was chosen"));
	octo_escape(tests);
	return TAKE(tests);
}

static json_t *
tags_tree(const struct gathering *g)
{
	json_t *tags = json_array();

	for (size_t i = 0; i < g->n_tags && i < TAGS_MAX - 1; i++)
		if (strlen(g->tags[i]) <= TAG_BYTES_MAX)
			(void)json_array_append_new(tags, json_string(g->tags[i]));
	return tags;
}

static json_t *
cases_tree(const struct gathering *g)
{
	json_t *cases = json_array();

	for (size_t i = 0; i < g->n_chosen; i++) {
		char id[UUID_TEXT_LEN + 1], version[UUID_TEXT_LEN + 1];
		struct uuid uuid;

		octo_version_id(g->chosen[i]->seq, g->chosen[i]->revision, &uuid);
		uuid_format(&uuid, version);
		uuid_format(&g->chosen[i]->c.id, id);
		(void)json_array_append_new(
			cases, json_pack("{s:s, s:s}", "id", id, "versionId", version));
	}
	return cases;
}

/* Recursion is bounded: a body nests at most JSON_DEPTH_MAX deep. */
static void
drop_access_tokens(json_t *tree)
{
	const char *name;
	json_t *member;
	size_t i;

	(void)json_object_del(tree, "accessToken");
	json_object_foreach(tree, name, member) drop_access_tokens(member);
	json_array_foreach(tree, i, member) drop_access_tokens(member);
}

/* The context as it came, but for what would open something. */
static json_t *
context_tree(json_t *body)
{
	json_t *given = json_object_get(body, "context"), *kept;

	if (!json_is_object(given))
		return json_pack("{s:s}", "source", "manual");
	kept = json_deep_copy(given);
	drop_access_tokens(kept);
	return kept;
}

static json_t *
own_tree(const struct gathering *g)
{
	json_t *own = json_pack("{s:s, s:s, s:s, s:o, s:o, s:b}", "executionUrl", g->run.url,
		"browser", octo_browser_names[g->run.browser], "breakpoint",
		octo_breakpoint_names[g->run.breakpoint], "context",
		context_tree(g->call->json), "cases", cases_tree(g), "report", true);

	if (g->environment) {
		char id[UUID_TEXT_LEN + 1];

		uuid_format(&g->environment->id.u, id);
		(void)json_object_set_new(own, "environmentId", json_string(id));
		(void)json_object_set_new(
			own, "environmentName", json_string(g->environment->name));
	}
	if (g->n_chosen == 0)
		(void)json_object_set_new(own, "errorMessage",
			json_string(g->n_tags > 0
					? "no test case that is ON and ENABLED has one of these tags"
					: "there is no test case that is ON and ENABLED"));
	octo_escape(own);
	return own;
}

static const char *
job_name(const struct gathering *g, struct arena *arena)
{
	_cleanup_(buf_deinit) struct buf name = BUF_INIT(NAME_BYTES_MAX);

	for (size_t i = 0; i < g->n_tags; i++)
		if (buf_addf(&name, "%s%s", i > 0 ? ", " : "", g->tags[i]) < 0)
			break; /* a long list is cut */
	if (name.len == 0)
		return "all test cases";
	return arena_strndup(arena, name.data, name.len);
}

/* A gate of the list whose tag is asked for; borrowed. */
static json_t *
gate_in(json_t *gates, const struct gathering *g)
{
	size_t index;
	json_t *gate;

	json_array_foreach(gates, index, gate)
	{
		const char *tag = json_string_value(json_object_get(gate, "tag"));

		for (size_t i = 0; tag && i < g->n_tags; i++)
			if (strcmp(tag, g->tags[i]) == 0)
				return gate;
	}
	return NULL;
}

/* Owned by the caller, or NULL. */
static json_t *
find_gate(const struct gathering *g)
{
	_cleanup_(json_unrefp) json_t *settings =
		project_settings(g->execution->target.project);
	json_t *gate = g->environment
		? gate_in(json_object_get(g->environment->body, "gates"), g)
		: NULL;

	if (!gate)
		gate = gate_in(json_object_get(settings, "gates"), g);
	return json_incref(gate);
}

/* What carries the tests: the job itself, or the flow's stage behind the gate. */
static json_t *
make_work(struct gathering *g, struct err *err)
{
	json_t *tests = make_tests(g, err), *work;

	if (!tests)
		return NULL;
	work = json_pack("{s:o, s:i}", "tests", tests, "concurrency", SESSIONS_MAX);

	if (g->environment && g->environment->location)
		(void)json_object_set_new(work, "labels",
			json_pack("{s:s}", "location", g->environment->location));
	else if (g->environment && json_object_get(g->environment->body, "labels"))
		(void)json_object_set(
			work, "labels", json_object_get(g->environment->body, "labels"));
	return work;
}

static json_t *
behind_gate(struct gathering *g, json_t *gate, json_t *work)
{
	json_t *wait =
		json_pack("{s:s, s:O}", "name", "gate", "wait", json_object_get(gate, "wait"));
	json_t *timeout = json_object_get(gate, "timeout");

	if (timeout)
		(void)json_object_set(wait, "timeout", timeout);
	(void)json_object_set_new(work, "name", octo_escaped(job_name(g, g->call->arena)));
	return json_pack("{s:[o, {s:s, s:o}], s:{s:s, s:s, s:o, s:O}}", "stages", wait, "name",
		"run", "run", work, "params", "url", g->run.url, "environment",
		g->environment ? g->environment->name : "default", "tags", tags_tree(g),
		"variables", g->vars);
}

static json_t *
make_request(struct gathering *g, struct err *err)
{
	_cleanup_(json_unrefp) json_t *gate = g->n_chosen > 0 ? find_gate(g) : NULL;
	json_t *request = make_work(g, err), *tags;

	if (!request)
		return NULL;
	tags = tags_tree(g);
	octo_escape(tags);
	if (gate)
		request = behind_gate(g, gate, request);
	(void)json_array_insert_new(tags, 0, json_string(OCTO_REPORT_TAG));
	(void)json_object_set_new(request, "name", octo_escaped(job_name(g, g->call->arena)));
	(void)json_object_set_new(request, "tags", tags);
	(void)json_object_set_new(
		request, "extra", json_pack("{s:o}", "octomind", own_tree(g)));
	return request;
}

/* A job that nobody may begin before it is cancelled. */
static int64_t
never_ms(void)
{
	return clock_wall_ms() + DAYS_MS(365);
}

static int
make_spec(struct gathering *g, struct err *err)
{
	struct execution *execution = g->execution;
	struct arena *arena = &g->call->intent->arena;
	struct store_source state = {
		.reader = g->reader, .project = g->call->project, .arena = arena
	};
	struct job_source source = store_source(&state);
	struct issues issues = { .arena = arena };
	_cleanup_(json_unrefp) json_t *request = make_request(g, err);

	if (!request)
		return -1;
	if (job_spec_read(request, &source, "", arena, &issues, &execution->spec, err) < 0) {
		if (issues.n == 0)
			return -1;
		return err_set(err, ERR_INVALID, "%s: %s", issues.item[0].pointer,
			issues.item[0].detail);
	}
	execution->is_empty = g->n_chosen == 0;
	if (execution->is_empty)
		execution->spec.run_at_ms = never_ms();
	return 0;
}

static int
gather(struct gathering *g, struct err *err)
{
	read_tags(g);
	if (read_environment(g, err) < 0)
		return -1;
	read_settings(g);
	read_variables(g);
	if (g->issues.n == 0 && choose(g, err) < 0)
		return -1;
	if (g->issues.n > 0) {
		g->execution->is_refused = true;
		return octo_refuse_read(g->call, &g->issues, err);
	}
	return make_spec(g, err);
}

static int
read_execution(struct call *call, struct store_reader *reader, struct err *err)
{
	struct gathering g = {
		.call = call,
		.reader = reader,
		.execution = call->state,
		.issues = { .arena = call->arena },
	};
	int r = gather(&g, err);

	octo_environments_deinit(&g.environments);
	json_decref(g.vars);
	return r;
}

/* --- The way --- */

static int
read_answer(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct execution *execution = call->state;
	struct job *job;
	struct jw jw = call_jw(call);
	int r = read_job(reader, call->project, execution->job, call->arena, &job, err);

	if (r < 0)
		return -1;
	if (r == STORE_NONE)
		return err_set(err, ERR_NOT_FOUND, "the report was deleted meanwhile");
	jw_obj(&jw);
	jw_kstr(&jw, "testReportUrl", octo_report_url(call, job));
	jw_key(&jw, "testReport");
	if (octo_report_write(call, reader, job, &execution->target, &jw, err) < 0)
		return -1;
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

/* It may have been cancelled by somebody else already: the report says the same. */
static void
on_cancelled(struct call *call)
{
	call_read(call, read_answer, NULL);
}

static void
cancel(struct call *call, struct job_id id)
{
	call->intent = intent_free(call->intent);
	call->intent = intent_new(INTENT_JOB_COMMAND, call->project, ARENA_REQUEST_BYTES_MAX);
	call->intent->in.command.id = id;
	call->intent->in.command.command = JOB_CMD_CANCEL;
	call_submit(call, call->intent, on_cancelled);
}

static void
on_created(struct call *call)
{
	struct execution *execution = call->state;
	const struct intent *intent = call->intent;

	if (intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	execution->job = intent->out.jobs[0].id;
	if (execution->is_empty)
		cancel(call, execution->job);
	else
		call_read(call, read_answer, NULL);
}

static void
on_gathered(struct call *call)
{
	struct execution *execution = call->state;

	if (call->read_result < 0 || execution->is_refused) {
		call_finish_read(call);
		return;
	}
	call->intent->in.create.specs = &execution->spec;
	call->intent->in.create.n = 1;
	call_submit(call, call->intent, on_created);
}

void
octo_execute(struct call *call)
{
	struct octo_issues issues = { .arena = call->arena };
	struct execution *execution = arena_xalloc(call->arena, sizeof *execution);
	json_t *body = octo_body(call);
	const char *target = call->arg[0];

	if (!body)
		return;
	if (!target)
		target = octo_text(body, "testTargetId", true, &issues);
	if (issues.n > 0) {
		octo_refuse(call, &issues);
		return;
	}
	if (octo_target(call, target, &execution->target, &call->err) < 0) {
		call_error(call, &call->err);
		return;
	}
	call->state = execution;
	call->intent = call_intent(call, INTENT_JOB_CREATE);
	if (call->intent)
		call_read(call, read_execution, on_gathered);
}
