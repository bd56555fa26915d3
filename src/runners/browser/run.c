/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One run from its request to its result: the config, a fresh context with everything that
 * listens to it, setup, body and teardown, evidence, and the result.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/browser.h"
#include "runners/browser/config_apply.h"
#include "runners/browser/evidence.h"
#include "runners/browser/network.h"
#include "runners/browser/tester.h"
#include "runners/kit/kit.h"

/* Everything that one run owns. */
struct run {
	struct tester t;
	struct arena arena;
	struct issues *issues;
	struct browser_config config;
	json_t *merged, *storage; /* config borrows from them */
	struct config_applier *applier;
	struct chromium *chromium;
	json_t *timings;
};

/* Whose pictures the worker's wish is about. */
static struct evidence *shown;

/* Of the last run, to be closed once its result is on its way. */
static struct context *used;
static bool has_begun;

void
browser_run_screen(const struct kit_screen *screen)
{
	if (shown)
		evidence_screen(shown, screen->is_on, screen->max_width, screen->max_height,
			screen->quality);
}

/* --- Before --- */

static int
refuse_issues(struct run *run, const char *reason, const char *where)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(8));

	for (size_t i = 0; i < run->issues->n; i++)
		if (buf_addf(&text, "%s%s%s: %s", i ? "; " : "", where,
			    run->issues->item[i].pointer, run->issues->item[i].detail) < 0)
			break; /* the first ones are enough */
	return trouble_set(&run->t, TROUBLE_ERRORED, reason, "%s", buf_text(&text));
}

static int
check_test(struct run *run)
{
	browser_test_check(run->t.request->test, NULL, "", run->issues);
	return run->issues->n ? refuse_issues(run, "invalid_definition", "") : 0;
}

/* Job, group, fixture and test: the fixture's was laid under the test's by the server. */
static int
read_config(struct run *run)
{
	const struct kit_request *request = run->t.request;
	json_t *layers[] = { request->config, json_object_get(request->browser, "config"),
		json_object_get(request->test, "config") };
	struct err err = { 0 };

	run->merged = config_merge(layers, ARRAY_LEN(layers));
	if (config_decode(&run->config, run->merged, "/config", run->issues) < 0)
		return refuse_issues(run, "config", "");
	if (config_load_storage(
		    &run->config, request->files, run->issues, &run->storage, &err) < 0)
		return trouble_set(&run->t, TROUBLE_ERRORED, "config", "%s", err.text);
	return 0;
}

static json_t *
run_facts(const struct kit_request *request)
{
	json_t *facts = json_pack("{s:s, s:I, s:I, s:I}", "id", request->run, "attempt",
		(json_int_t)request->attempt, "iteration", (json_int_t)request->iteration,
		"connection", (json_int_t)request->connection);
	json_t *name = json_object_get(request->browser, "name");

	if (name)
		json_object_set(facts, "browser", name);
	else
		json_object_set_new(facts, "browser",
			json_string(request->target ? request->target : "chromium"));
	return facts;
}

static void
make_scope(struct tester *t)
{
	json_t *vars = json_object_get(t->request->test, "vars");

	t->scope = vars ? json_deep_copy(vars) : json_object();
	json_object_set(t->scope, "params", t->request->params);
	if (t->request->ctx)
		json_object_set(t->scope, "ctx", t->request->ctx);
	json_object_set_new(t->scope, "run", run_facts(t->request));
	/* Not a name that a template can say. */
	json_object_set_new(t->scope, " kept", json_array());
}

static void
on_session(void *arg, struct session *session)
{
	struct run *run = arg;

	config_apply_session(run->applier, session->id, session->is_frame);
	network_attach(run->t.network, session->id);
	evidence_attach(run->t.evidence, session->id);
}

static int
set_up_failed(struct run *run, const struct err *err)
{
	struct tester *t = &run->t;

	if (cdp_state(t->cdp) != CDP_OPEN)
		return trouble_err(t, err);
	return trouble_set(t, TROUBLE_ERRORED,
		err->code == ERR_INVALID || err->code == ERR_NOT_FOUND || err->code == ERR_LIMIT
			? "config"
			: "browser",
		"%s", err->text);
}

static int
open_context(struct run *run, int64_t deadline, struct err *err)
{
	struct tester *t = &run->t;
	_cleanup_free_ char *downloads = xasprintf("%s/downloads", t->request->dir);
	struct context_spec spec = { .downloads = downloads, .own_script = browser_script() };

	config_proxy(&run->config, t->arena, &spec.proxy, &spec.proxy_bypass);
	if (mkdir_p(downloads, 0700, err) < 0)
		return -1;
	return context_new(&t->context, run->chromium, &spec, deadline, err);
}

/* The very first step, or NULL. */
static json_t *
first_step(json_t *test)
{
	json_t *setup = json_object_get(test, "setup");
	json_t *before = setup ? json_object_get(json_array_get(setup, 0), "steps")
			       : json_object_get(test, "before");

	if (json_array_size(before) > 0 || json_array_size(setup) > 0)
		return json_array_get(before, 0);
	return json_array_get(json_object_get(test, "steps"), 0);
}

/* Whether a text stands anywhere in the tree. */
static bool
mentions(const json_t *tree, const char *text)
{
	const char *name;
	json_t *item;
	size_t i;

	if (json_is_string(tree))
		return strcmp(json_string_value(tree), text) == 0;
	json_array_foreach(tree, i, item)
	{
		if (mentions(item, text))
			return true;
	}
	json_object_foreach((json_t *)(uintptr_t)tree, name, item)
	{
		if (mentions(item, text))
			return true;
	}
	return false;
}

/*
 * Whether the page may go to its first address at once. Not while the browser may still refuse
 * what it is configured with, which is to be told before anything is opened; and not where
 * somebody waits for a silent network, which the browser reports a second later then.
 */
static bool
may_open_at_once(const struct run *run)
{
	const struct browser_config *config = &run->config;

	return !config->user_agent && !config->locale && !config->timezone &&
		!config->has_geolocation && config->wait_for_state != LOAD_NETWORKIDLE &&
		!mentions(run->t.request->test, load_state_name(LOAD_NETWORKIDLE));
}

static int
open_page(struct run *run, int64_t deadline, struct err *err)
{
	struct tester *t = &run->t;
	json_t *test = t->request->test, *url = json_object_get(test, "url");
	bool has_hook = json_array_size(json_object_get(test, "setup")) > 0 ||
		json_array_size(json_object_get(test, "before")) > 0;
	_cleanup_(json_unrefp) json_t *step = url && !has_hook ? json_pack("{s:O}", "open", url)
							       : json_incref(first_step(test));
	_cleanup_free_ char *first = may_open_at_once(run) ? go_first_url(t, step) : NULL;

	return first ? context_page_open(t->context, first, &t->page, deadline, err)
		     : context_page_new(t->context, &t->page, deadline, err);
}

static int
set_up(struct run *run)
{
	struct tester *t = &run->t;
	int64_t deadline = clock_mono_ms() + BROWSER_SET_UP_MS;
	struct network_spec network = { .cdp = t->cdp,
		.config = &run->config,
		.files = t->request->files,
		.warnings = t->warnings };
	struct err err = { 0 };

	if (open_context(run, deadline, &err) < 0 ||
		network_new(&t->network, &network, &err) < 0)
		return set_up_failed(run, &err);
	struct evidence_spec evidence = { .cdp = t->cdp,
		.kit = t->kit,
		.artifacts = t->request->artifacts,
		.files = t->request->files,
		.keeps_baselines = t->request->files && !t->request->owns_files,
		.config = &run->config,
		.network = t->network,
		.warnings = t->warnings };

	t->evidence = evidence_new(&evidence);
	run->applier = config_applier_new(&run->config, t->cdp);
	if (config_apply_context(run->applier, t->context->id, deadline, &err) < 0)
		return set_up_failed(run, &err);
	context_on_session(t->context, on_session, run);
	if (open_page(run, deadline, &err) < 0)
		return set_up_failed(run, &err);
	/* A page that is on its way answers when it is there; see late_refusal(). */
	if (!t->page->opening.url && config_settle(run->applier, deadline, &err) < 0)
		return set_up_failed(run, &err);
	t->n_pages_seen = t->context->n_pages_ever;
	evidence_show(t->evidence, t->page->session->id);
	shown = t->evidence;
	if (kit_screen(t->kit)->is_on)
		browser_run_screen(kit_screen(t->kit));
	return 0;
}

/* What the browser refused of the config while the first page was on its way. */
static void
late_refusal(struct run *run)
{
	struct err err = { 0 };

	if (config_settle(run->applier, clock_mono_ms(), &err) < 0 && err.code == ERR_INVALID)
		json_array_append_new(run->t.warnings, json_string(err.text));
}

/* --- The steps --- */

static bool
is_over(const struct tester *t)
{
	return t->trouble.kind == TROUBLE_SKIP || t->trouble.kind == TROUBLE_LOST ||
		t->trouble.kind == TROUBLE_CANCELLED;
}

/* Hooks: a list of parts with names, or one part without. Goes on after failures if told so. */
static int
run_hooks(struct tester *t, json_t *parts, json_t *plain, const char *label, bool goes_on)
{
	json_t *part;
	size_t i;
	int r = 0;

	t->is_hook = true;
	if (!parts && plain && flow_steps(t, plain, label) < 0)
		r = -1;
	json_array_foreach(parts, i, part)
	{
		if (r < 0 && (!goes_on || is_over(t)))
			break;
		if (flow_steps(t, json_object_get(part, "steps"), cdp_str(part, "in")) < 0)
			r = -1;
	}
	t->is_hook = false;
	return r;
}

/* `url` is short for a first step; it is told as one. */
static int
run_url(struct tester *t, json_t *test)
{
	json_t *url = json_object_get(test, "url");
	_cleanup_(json_unrefp) json_t *steps = NULL;

	if (!url)
		return 0;
	steps = json_pack("[{s:O}]", "open", url);
	return flow_steps(t, steps, NULL);
}

static void
add_timing(struct run *run, const char *name, int64_t *since)
{
	int64_t now = clock_mono_ms();

	json_object_set_new(run->timings, name, json_integer(now - *since));
	*since = now;
}

static void
run_test(struct run *run)
{
	struct tester *t = &run->t;
	json_t *test = t->request->test;
	int64_t since = clock_mono_ms();
	int r = run_hooks(t, json_object_get(test, "setup"), json_object_get(test, "before"),
		"before", false);

	add_timing(run, "setup", &since);
	/* S53: what was to be prepared is not there, so nothing is to be tidied up either. */
	if (r < 0)
		return;
	if (run_url(t, test) == 0)
		(void)!flow_steps(t, json_object_get(test, "steps"), NULL);
	add_timing(run, "steps", &since);
	if (t->trouble.kind == TROUBLE_LOST || t->trouble.kind == TROUBLE_CANCELLED)
		return;
	/* S54: a test that was skipped in its middle is tidied up as well. */
	struct trouble kept = t->trouble;

	t->trouble = (struct trouble) { 0 };
	(void)!run_hooks(t, json_object_get(test, "teardown"), json_object_get(test, "after"),
		"after", true);
	add_timing(run, "teardown", &since);
	if (t->trouble.kind == TROUBLE_LOST || t->trouble.kind == TROUBLE_CANCELLED ||
		kept.kind == TROUBLE_NONE) {
		trouble_clear(&kept);
		return;
	}
	trouble_clear(&t->trouble);
	t->trouble = kept;
}

/* --- After --- */

/* The policy of config.console, once the test is over. */
static void
check_console(struct tester *t)
{
	size_t n =
		t->evidence ? evidence_console_errors(t->evidence, t->config->console_fail) : 0;

	if (t->config->console_fail == CONSOLE_FAIL_NEVER || n == 0 || t->first.kind)
		return;
	(void)trouble_set(t, TROUBLE_FAILED, "assertion",
		"config.console: the page reported %zu errors, the first is: %s", n,
		evidence_console_error(t->evidence, t->config->console_fail, 0));
	json_array_append_new(t->errors, trouble_error(&t->trouble));
	t->first = t->trouble;
	t->trouble = (struct trouble) { 0 };
}

static void
gather(struct run *run)
{
	struct tester *t = &run->t;
	bool is_gone = t->trouble.kind == TROUBLE_LOST;
	bool has_page = !is_gone && t->page && !t->page->is_closed && !t->page->is_crashed &&
		t->page->session;
	const char *session = has_page ? t->page->session->id : NULL;
	bool was_deaf;

	if (!t->evidence)
		return;
	was_deaf = cdp_deafen(t->cdp, true);
	if (run->config.has_metrics && session && t->trouble.kind != TROUBLE_CANCELLED)
		evidence_metrics(t->evidence, session, run->timings);
	evidence_finish(t->evidence, session,
		t->first.kind != TROUBLE_NONE || is_gone ||
			t->trouble.kind == TROUBLE_CANCELLED);
	(void)cdp_deafen(t->cdp, was_deaf);
}

/* The first error, whose message ends with the others. */
static json_t *
joined_error(const struct tester *t)
{
	json_t *error = json_copy(json_array_get(t->errors, 0));
	_cleanup_(buf_deinit) struct buf text = BUF_INIT((size_t)KIB(64));
	json_t *other;
	size_t i;

	json_array_foreach(t->errors, i, other)
	{
		(void)!buf_addf(&text, "%s%s", i ? "\nthen: " : "", cdp_str(other, "message"));
	}
	json_object_set_new(error, "message", kit_text(buf_text(&text), text.len, KIB(8)));
	return error;
}

static const char *
outcome_of(const struct trouble *trouble)
{
	if (trouble->kind == TROUBLE_ERRORED)
		return strcmp(trouble->reason, "timeout") == 0 ? "timed_out" : "errored";
	return "failed";
}

static json_t *
verdict(const struct tester *t)
{
	if (t->trouble.kind == TROUBLE_LOST)
		return kit_result("lost", t->trouble.reason, "%s", t->trouble.message);
	if (t->trouble.kind == TROUBLE_CANCELLED)
		return kit_result("cancelled", NULL, NULL);
	if (t->first.kind) {
		json_t *result = kit_result(outcome_of(&t->first), t->first.reason, NULL);

		json_object_set_new(result, "error", joined_error(t));
		return result;
	}
	if (t->trouble.kind == TROUBLE_SKIP)
		return kit_result("skipped", "skip", "%s", t->trouble.message);
	return kit_result("passed", NULL, NULL);
}

static void
add_output(struct tester *t, json_t *result)
{
	_cleanup_free_ char *text = NULL;

	if (json_object_size(t->output) == 0)
		return;
	text = json_dumps(t->output, JSON_COMPACT);
	if (text && strlen(text) <= BROWSER_OUTPUT_BYTES_MAX) {
		json_object_set_new(result, "output", secrets_hide_in(t, t->output));
		return;
	}
	json_array_append_new(t->warnings,
		json_sprintf("the output is longer than %d KiB and was left out",
			(int)(BROWSER_OUTPUT_BYTES_MAX / 1024)));
}

/* Makes trouble from before the first step the run's error. */
static void
record_early(struct tester *t)
{
	if (t->trouble.kind == TROUBLE_LOST || t->trouble.kind == TROUBLE_CANCELLED)
		return;
	json_array_append_new(t->errors, trouble_error(&t->trouble));
	t->first = t->trouble;
	t->trouble = (struct trouble) { 0 };
}

static void
run_deinit(struct run *run)
{
	struct tester *t = &run->t;

	shown = NULL;
	evidence_free(t->evidence);
	context_unhook(t->context);
	used = TAKE(t->context);
	network_free(t->network);
	config_applier_free(run->applier);
	trouble_clear(&t->trouble);
	trouble_clear(&t->first);
	json_decref(t->scope);
	json_decref(t->output);
	json_decref(t->warnings);
	json_decref(t->errors);
	json_decref(t->frames);
	json_decref(run->merged);
	json_decref(run->storage);
	json_decref(run->timings);
	buf_deinit(&t->prefix);
	arena_deinit(&run->arena);
}

static void
run_init(struct run *run, struct kit *kit, const struct kit_request *request,
	struct chromium *chromium, json_t *warnings)
{
	struct tester *t = &run->t;

	*run = (struct run) { .chromium = chromium, .timings = json_object() };
	arena_init(&run->arena, (size_t)ARENA_REQUEST_BYTES_MAX);
	run->issues = arena_xalloc(&run->arena, sizeof *run->issues);
	run->issues->arena = &run->arena;
	*t = (struct tester) { .kit = kit,
		.request = request,
		.cdp = chromium_cdp(chromium),
		.config = &run->config,
		.arena = &run->arena,
		.output = json_object(),
		.warnings = warnings,
		.errors = json_array(),
		.library = json_object_get(request->test, "library"),
		.test_id_attribute =
			json_string_value(json_object_get(request->test, "testIdAttribute")),
		.prefix = BUF_INIT((size_t)KIB(4)),
		.run_deadline = INT64_MAX };
	make_scope(t);
}

bool
browser_run_has_begun(void)
{
	return has_begun;
}

void
browser_run_tidy(void)
{
	used = context_free(used);
}

json_t *
browser_run(struct kit *kit, const struct kit_request *request, struct chromium *chromium,
	json_t *warnings, int64_t launch_ms)
{
	struct run run;
	struct tester *t = &run.t;
	json_t *result;

	has_begun = false;
	run_init(&run, kit, request, chromium, warnings);
	json_object_set_new(run.timings, "launch", json_integer(launch_ms));
	cdp_watch(t->cdp, kit);
	if (check_test(&run) < 0 || read_config(&run) < 0 || set_up(&run) < 0) {
		record_early(t);
	} else {
		if (run.config.timeout_ms > 0)
			t->run_deadline = clock_mono_ms() + run.config.timeout_ms;
		has_begun = true;
		kit_started(kit, -1);
		run_test(&run);
		check_console(t);
		late_refusal(&run);
	}
	gather(&run);
	result = verdict(t);
	add_output(t, result);
	json_object_set(result, "timings", run.timings);
	if (json_array_size(t->warnings) > 0)
		json_object_set(result, "warnings", t->warnings);
	run_deinit(&run);
	cdp_watch(chromium_cdp(chromium), NULL);
	return result;
}
