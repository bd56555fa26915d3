/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of steps: variables, conditions, loops, what happens when a step fails, and what is
 * told of it. The verbs themselves are in the other files.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "browser_format/template.h"
#include "runners/browser/evidence.h"
#include "runners/browser/tester.h"
#include "runners/kit/kit.h"

static int flow_step(struct tester *t, json_t *step);

/* Where a part has steps of its own, those are filled in when their turn comes. */
static const char *const later_members[] = { "if", "group", "then", "else", "repeat", NULL };
static const char *const later_in_repeat[] = { "steps", "until", "while", NULL };

/* --- Verbs that only speak, or only remember --- */

static int
say_log(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	_cleanup_free_ char *shown = secrets_hide(t, xstrdup(json_string_value(value)));

	kit_log(t->kit, "info", "%s", shown);
	return 0;
}

static int
say_fail(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	if (cdp_flag(value, "errored"))
		return trouble_set(
			t, TROUBLE_ERRORED, "unsupported", "%s", cdp_str(value, "text"));
	return trouble_set(t, TROUBLE_FAILED, "assertion", "%s",
		json_is_string(value) ? json_string_value(value) : cdp_str(value, "text"));
}

static int
say_skip(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	return trouble_set(t, TROUBLE_SKIP, "skip", "%s", json_string_value(value));
}

static int
set_variables(struct tester *t, json_t *value, json_t *step)
{
	const char *name;
	json_t *item;

	(void)step;
	json_object_foreach(value, name, item) set_variable(t, name, json_deep_copy(item));
	return 0;
}

/* Those that hold steps of their own are not here. */
static verb_fn *const verbs[VERB_COUNT] = {
	[VERB_OPEN] = go_open,
	[VERB_RELOAD] = go_reload,
	[VERB_BACK] = go_back,
	[VERB_FORWARD] = go_forward,
	[VERB_TAB] = go_tab,
	[VERB_CLICK] = act_click,
	[VERB_DOUBLE_CLICK] = act_double_click,
	[VERB_TAP] = act_tap,
	[VERB_HOVER] = act_hover,
	[VERB_FOCUS] = act_focus,
	[VERB_CHECK] = act_check,
	[VERB_UNCHECK] = act_uncheck,
	[VERB_CLEAR] = act_clear,
	[VERB_TYPE] = act_type,
	[VERB_PRESS] = act_press,
	[VERB_SELECT] = act_select,
	[VERB_UPLOAD] = act_upload,
	[VERB_DRAG] = act_drag,
	[VERB_SCROLL] = act_scroll,
	[VERB_WAIT] = look_wait,
	[VERB_EXPECT] = look_expect,
	[VERB_EXTRACT] = look_extract,
	[VERB_EVAL] = look_eval,
	[VERB_SCREENSHOT] = look_screenshot,
	[VERB_LOG] = say_log,
	[VERB_SET] = set_variables,
	[VERB_FAIL] = say_fail,
	[VERB_SKIP] = say_skip,
	[VERB_DIALOG] = around_dialog,
	[VERB_DOWNLOAD] = around_download,
	[VERB_COOKIES] = around_cookies,
	[VERB_STORAGE] = around_storage,
	[VERB_AUTH] = around_auth,
	[VERB_MOCK] = around_mock,
	[VERB_NETWORK] = around_network,
	[VERB_VIEWPORT] = around_viewport,
};

/* --- Variables --- */

void
set_variable(struct tester *t, const char *name, json_t *value)
{
	json_object_set_new(t->scope, name, value);
}

/* Takes over what a name had before; NULL: it had nothing. Consumes old. */
static void
restore_variable(struct tester *t, const char *name, json_t *old)
{
	if (old)
		json_object_set_new(t->scope, name, old);
	else
		json_object_del(t->scope, name);
}

static json_t *
variable(struct tester *t, const char *name)
{
	return json_incref(json_object_get(t->scope, name));
}

/* --- What is told of a step --- */

/* Puts " › " and a title behind the prefix. Returns its old length. */
static size_t
prefix_push(struct tester *t, const char *title)
{
	size_t old = t->prefix.len;

	(void)!buf_addf(&t->prefix, "%s › ", title);
	return old;
}

static json_t *
title_of(struct tester *t, enum verb verb, json_t *value, json_t *step)
{
	_cleanup_(buf_deinit) struct buf title = BUF_INIT(4 * BROWSER_TITLE_BYTES_MAX);

	(void)!buf_add(&title, buf_text(&t->prefix), t->prefix.len);
	words_step(&title, verb, value, step);
	_cleanup_free_ char *shown = secrets_hide(t, xstrdup(buf_text(&title)));

	return kit_text(shown, strlen(shown), BROWSER_TITLE_BYTES_MAX);
}

static void
report(struct tester *t, json_t *title, int64_t begun_ms, bool has_failed)
{
	json_t *members = json_pack("{s:O, s:s, s:I}", "title", title, "status",
		has_failed ? "failed" : "passed", "durationMs",
		(json_int_t)(clock_mono_ms() - begun_ms));

	if (has_failed)
		json_object_set_new(members, "error", trouble_error(&t->trouble));
	t->is_told = has_failed;
	kit_step(t->kit, members);
}

/* --- Failures --- */

/* While the page still shows it: a picture with the elements marked, and the document. */
static void
gather_evidence(struct tester *t)
{
	static const char mark[] = "() => globalThis.proctor.mark()";
	static const char unmark[] = "() => globalThis.proctor.unmark()";
	int64_t deadline = clock_mono_ms() + BROWSER_AFTERMATH_MS;
	struct err err = { 0 };
	const char *name, *session;

	if (t->first.kind || t->page->is_closed || t->page->is_crashed || !t->page->session)
		return;
	session = t->page->session->id; /* stays, should the page close itself meanwhile */
	(void)!frame_eval(t->page->main, WORLD_OWN, mark, NULL, deadline, NULL, &err);
	name = evidence_failure(t->evidence, session);
	if (name)
		t->trouble.screenshot = xstrdup(name);
	(void)!frame_eval(t->page->main, WORLD_OWN, unmark, NULL, deadline, NULL, &err);
}

/* Adds the trouble to the run's errors. */
static void
record(struct tester *t)
{
	if (t->is_hook && t->trouble.kind == TROUBLE_FAILED)
		t->trouble.reason = "hook";
	if (json_array_size(t->errors) < BROWSER_ERRORS_MAX)
		json_array_append_new(t->errors, trouble_error(&t->trouble));
	if (!t->first.kind) {
		t->first = t->trouble;
		t->trouble = (struct trouble) { 0 };
	}
}

static void
warn_of(struct tester *t, json_t *title)
{
	if (json_array_size(t->warnings) < BROWSER_ERRORS_MAX)
		json_array_append_new(t->warnings,
			json_sprintf("optional step failed: %s: %s", json_string_value(title),
				t->trouble.message));
}

/* --- One leaf --- */

static int64_t
patience_of(const struct tester *t, enum verb verb, json_t *step)
{
	const struct browser_config *config = t->config;
	json_t *own = json_object_get(step, "timeout");

	if (own)
		return duration_of(own, config->action_timeout_ms);
	switch (verb_patience(verb)) {
	case PATIENCE_NAVIGATION:
		return config->navigation_timeout_ms;
	case PATIENCE_EXPECT:
		return config->expect_timeout_ms;
	case PATIENCE_ACTION:
	case PATIENCE_NONE:
		break;
	}
	return config->action_timeout_ms;
}

/*
 * Runs a step whose variables are filled in. What a step leaves as trouble is decided here:
 * -1 only for what ends the list.
 */
static int
run_leaf(struct tester *t, enum verb verb, json_t *value, json_t *step)
{
	_cleanup_(json_unrefp) json_t *title = title_of(t, verb, value, step);
	json_t *outer = frames_enter(t, step);
	int64_t begun_ms = clock_mono_ms();

	t->patience_ms = patience_of(t, verb, step);
	t->deadline = begun_ms + t->patience_ms;
	if (t->deadline > t->run_deadline)
		t->deadline = t->run_deadline;
	int r = verbs[verb](t, value, step);

	frames_leave(t, outer);
	if (r < 0 && t->trouble.kind == TROUBLE_FAILED && clock_mono_ms() >= t->run_deadline) {
		t->trouble.kind = TROUBLE_ERRORED;
		t->trouble.reason = "timeout";
	}
	if (r == 0 || t->trouble.kind == TROUBLE_SKIP) {
		report(t, title, begun_ms, false);
		return r;
	}
	if (t->trouble.kind == TROUBLE_LOST || t->trouble.kind == TROUBLE_CANCELLED)
		return -1;
	if (cdp_flag(step, "optional") && t->trouble.kind == TROUBLE_FAILED) {
		report(t, title, begun_ms, true);
		warn_of(t, title);
		trouble_clear(&t->trouble);
		return 0;
	}
	gather_evidence(t);
	report(t, title, begun_ms, true);
	if (cdp_flag(step, "soft") && t->trouble.kind == TROUBLE_FAILED) {
		record(t);
		trouble_clear(&t->trouble);
		return 0;
	}
	return -1;
}

/* --- Steps inside steps --- */

static int
run_list(struct tester *t, json_t *steps)
{
	json_t *step;
	size_t i;

	json_array_foreach(steps, i, step) if (flow_step(t, step) < 0) return -1;
	return 0;
}

static int
run_inside(struct tester *t, json_t *steps, json_t *step, const char *title)
{
	json_t *outer = frames_enter(t, step);
	size_t old = t->prefix.len;

	if (title)
		old = prefix_push(t, title);
	int r = run_list(t, steps);

	buf_truncate(&t->prefix, old);
	frames_leave(t, outer);
	return r;
}

static int
check_params(struct tester *t, json_t *entry, json_t *with, const char *name)
{
	json_t *param;
	size_t i;

	json_array_foreach(json_object_get(entry, "params"), i, param)
	{
		if (!json_object_get(with, json_string_value(param)))
			return trouble_set(t, TROUBLE_ERRORED, "variable",
				"use \"%s\" needs {{%s}}: give it in `with`", name,
				json_string_value(param));
	}
	return 0;
}

static int
run_use(struct tester *t, json_t *value, json_t *step)
{
	json_t *with = json_object_get(value, "with");
	const char *name =
		json_is_string(value) ? json_string_value(value) : cdp_str(value, "steps");
	json_t *entry = json_object_get(t->library, name);
	json_t *steps = json_is_array(entry) ? entry : json_object_get(entry, "steps");
	_cleanup_(json_unrefp) json_t *old = json_object();
	const char *key;
	json_t *item;

	if (!entry)
		return trouble_set(t, TROUBLE_ERRORED, "invalid_definition",
			"the library has no \"%s\"", name);
	if (t->use_depth >= BROWSER_USE_DEPTH_MAX)
		return trouble_set(t, TROUBLE_ERRORED, "invalid_definition",
			"\"%s\" is used inside itself, or %d deep", name,
			BROWSER_USE_DEPTH_MAX);
	if (check_params(t, entry, with, name) < 0)
		return -1;
	json_object_foreach(with, key, item)
	{
		if (json_object_get(t->scope, key))
			json_object_set(old, key, json_object_get(t->scope, key));
		json_object_set(t->scope, key, item);
	}
	t->use_depth++;
	const char *title = cdp_str(step, "name");
	int r = run_inside(t, steps, step, title[0] ? title : name);

	t->use_depth--;
	json_object_foreach(with, key, item)
		restore_variable(t, key, json_incref(json_object_get(old, key)));
	return r;
}

/* Whether another round is due: 1, 0, or -1. Filled in: times and each. */
static int
wants_round(struct tester *t, json_t *repeat, int64_t round, bool is_before)
{
	json_t *until = json_object_get(repeat, "until");
	json_t *condition = json_object_get(repeat, "while");
	json_t *each = json_object_get(repeat, "each");
	int r;

	if (each)
		return round < (int64_t)json_array_size(each);
	if (json_object_get(repeat, "times"))
		return round < cdp_int(repeat, "times", 1);
	if (until && is_before)
		return 1;
	r = look_condition(t, until ? until : condition);
	return r < 0 || !until ? r : !r;
}

static int
run_round(struct tester *t, json_t *repeat, json_t *step, int64_t round)
{
	const char *name = cdp_str(step, "name");
	_cleanup_free_ char *title =
		xasprintf("%s %lld", name[0] ? name : "round", (long long)round + 1);
	json_t *item = json_array_get(json_object_get(repeat, "each"), (size_t)round);
	const char *as = cdp_str(repeat, "as");

	set_variable(t, "index", json_integer(round));
	if (item)
		set_variable(t, as[0] ? as : "item", json_incref(item));
	return run_inside(t, json_object_get(repeat, "steps"), step, title);
}

static int
run_rounds(struct tester *t, json_t *repeat, json_t *step)
{
	bool is_bounded = json_object_get(repeat, "times") || json_object_get(repeat, "each");
	int64_t max = cdp_int(
		repeat, "max", is_bounded ? BROWSER_ROUNDS_MAX : BROWSER_ROUNDS_DEFAULT);

	for (int64_t round = 0;; round++) {
		int r = wants_round(t, repeat, round, round == 0);

		if (r <= 0)
			return r;
		if (round >= max)
			return trouble_set(t, TROUBLE_FAILED, "action",
				"repeated %lld times, and still it is to go on",
				(long long)max);
		if (round > 0 && json_object_get(repeat, "pause")) {
			int64_t ms = duration_of(json_object_get(repeat, "pause"), 0);

			t->deadline = clock_mono_ms() + ms;
			if (pass_time(t, ms) < 0)
				return -1;
		}
		if (run_round(t, repeat, step, round) < 0)
			return -1;
	}
}

static int
run_repeat(struct tester *t, json_t *value, json_t *step)
{
	_cleanup_(json_unrefp) json_t *filled = NULL;
	struct err err = { 0 };
	json_t *old = variable(t, "index");

	filled = template_fill(value, t->scope, later_in_repeat, &err);
	if (!filled) {
		json_decref(old);
		return trouble_set(t, TROUBLE_ERRORED, "variable", "%s", err.text);
	}
	json_t *times = json_object_get(filled, "times");
	json_t *each = json_object_get(filled, "each");
	int r = (times && !json_is_integer(times)) || (each && !json_is_array(each))
		? trouble_set(t, TROUBLE_ERRORED, "variable",
			  "repeat: times is a whole number, each a list")
		: run_rounds(t, filled, step);

	restore_variable(t, "index", old);
	return r;
}

static int
run_control(struct tester *t, enum verb verb, json_t *value, json_t *step)
{
	const char *name = json_string_value(json_object_get(step, "name"));

	if (verb == VERB_USE)
		return run_use(t, value, step);
	if (verb == VERB_REPEAT)
		return run_repeat(t, value, step);
	return run_inside(t, value, step, name);
}

/* What goes wrong in a control step itself has not been told by a leaf. */
static int
control_step(struct tester *t, enum verb verb, json_t *value, json_t *step)
{
	t->is_told = false;
	int r = run_control(t, verb, value, step);

	if (r == 0 || t->trouble.kind == TROUBLE_SKIP || t->trouble.kind == TROUBLE_LOST ||
		t->trouble.kind == TROUBLE_CANCELLED)
		return r;
	_cleanup_(json_unrefp) json_t *title = title_of(t, verb, value, step);

	if (cdp_flag(step, "optional") && t->trouble.kind == TROUBLE_FAILED) {
		warn_of(t, title);
		trouble_clear(&t->trouble);
		return 0;
	}
	if (!t->is_told) {
		gather_evidence(t);
		report(t, title, clock_mono_ms(), true);
	}
	return -1;
}

static bool
is_control(enum verb verb)
{
	return verb == VERB_GROUP || verb == VERB_THEN || verb == VERB_REPEAT ||
		verb == VERB_USE;
}

/* Fails a step before it began; it is told all the same. */
static int
refuse(struct tester *t, enum verb verb, json_t *value, json_t *step, const char *reason,
	const struct err *err)
{
	_cleanup_(json_unrefp) json_t *title = title_of(t, verb, value, step);

	(void)trouble_set(t, TROUBLE_ERRORED, reason, "%s", err->text);
	report(t, title, clock_mono_ms(), true);
	return -1;
}

static int
flow_step(struct tester *t, json_t *step)
{
	_cleanup_(json_unrefp) json_t *filled = NULL;
	json_t *condition = json_object_get(step, "if");
	struct err err = { 0 };
	json_t *value;
	enum verb verb = step_verb(step, &value);

	if (++t->n_steps > BROWSER_STEPS_RUN_MAX) {
		(void)err_set(
			&err, ERR_LIMIT, "a run has at most %d steps", BROWSER_STEPS_RUN_MAX);
		return refuse(t, verb, value, step, "invalid_definition", &err);
	}
	if (kit_cancelled(t->kit))
		return trouble_set(t, TROUBLE_CANCELLED, NULL, "cancelled");
	if (condition) {
		json_t *outer = frames_enter(t, step);
		int r = look_condition(t, condition);

		frames_leave(t, outer);
		if (r < 0)
			return -1;
		trouble_clear(&t->trouble);
		if (r == 0 && verb != VERB_THEN)
			return 0;
		if (r == 0)
			value = json_object_get(step, "else");
		if (!value)
			return 0;
	}
	if (verb == VERB_THEN)
		return control_step(t, verb, value, step);
	filled = template_fill(step, t->scope, later_members, &err);
	if (!filled)
		return refuse(t, verb, value, step, "variable", &err);
	if (!is_control(verb)) {
		json_object_del(filled, "if");
		if (step_check_filled(filled, &err) < 0)
			return refuse(t, verb, value, step, "variable", &err);
	}
	verb = step_verb(filled, &value);
	return is_control(verb) ? control_step(t, verb, value, filled)
				: run_leaf(t, verb, value, filled);
}

/* Of a hook it is said which one: its steps are not where a reader of the test looks first. */
static void
name_place(struct tester *t, const char *label)
{
	char *message = t->trouble.message;

	if (!t->is_hook || !label || !message)
		return;
	t->trouble.message = xasprintf("in %s: %s", label, message);
	free(message);
}

int
flow_steps(struct tester *t, json_t *steps, const char *label)
{
	size_t old = t->prefix.len;

	if (label)
		old = prefix_push(t, label);
	int r = run_list(t, steps);

	buf_truncate(&t->prefix, old);
	if (r < 0 && t->trouble.kind != TROUBLE_SKIP && t->trouble.kind != TROUBLE_LOST &&
		t->trouble.kind != TROUBLE_CANCELLED) {
		name_place(t, label);
		record(t);
	}
	return r;
}
