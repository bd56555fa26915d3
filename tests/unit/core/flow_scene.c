/* SPDX-License-Identifier: Apache-2.0 */
#include "flow_scene.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"

int
flow_scene_setup(void **state)
{
	struct flow_scene *s = xcalloc(1, sizeof *s);

	arena_init(&s->arena, MIB(512));
	rng_seed(&s->rng, 11);
	lanes_init(&s->lanes, AGEING_MS_DEFAULT);
	uow_init(&s->uow, &s->arena, &s->rng, FLOW_START_MS);
	s->uow.next_job_seq = s->uow.next_run_seq = s->uow.next_event_seq = 1;
	*state = s;
	return 0;
}

int
flow_scene_teardown(void **state)
{
	struct flow_scene *s = *state;

	uow_deinit(&s->uow);
	lanes_deinit(&s->lanes);
	arena_deinit(&s->arena);
	free(s);
	return 0;
}

/* Single quotes are easier to read in C. */
static char *
quoted(struct flow_scene *s, const char *text)
{
	char *copy = arena_strdup(&s->arena, text);

	for (char *c = copy; *c; c++) {
		if (*c == '\'')
			*c = '"';
		else if (*c == '`')
			*c = '\'';
	}
	return copy;
}

/* Whatever is named is saved, with these parameters. */
static int
find_any(void *arg, const char *name, struct job_source_item *ret, struct err *err)
{
	static const char body[] = "{\"params\":{\"u\":{\"required\":false},"
				   "\"k\":{\"type\":\"integer\",\"required\":false}}}";

	(void)arg;
	(void)name;
	ret->body = json_read(body, strlen(body), JSON_DEPTH_MAX, err);
	return ret->body ? 0 : -1;
}

static const struct job_source anything = { .tmpl = find_any, .flow = find_any };

static struct job_spec *
read_request(struct flow_scene *s, const char *request)
{
	struct issues issues = { .arena = &s->arena };
	struct job_spec *spec = arena_xalloc(&s->arena, sizeof *spec);
	struct err err = { 0 };
	const char *text = quoted(s, request);
	json_t *tree = json_read(text, strlen(text), JSON_DEPTH_MAX, &err);

	if (!tree)
		fail_msg("%s: %s", text, err.text);
	if (job_spec_read(tree, &anything, "", &s->arena, &issues, spec, &err) != 0)
		fail_msg("%s: %s", issues.n > 0 ? issues.item[0].pointer : "",
			issues.n > 0 ? issues.item[0].detail : err.text);
	json_decref(tree);
	return spec;
}

struct job *
flow_begin(struct flow_scene *s, const char *request)
{
	struct queue *queue = lanes_get_queue(&s->lanes, &s->uow, 1, "default");

	s->job = plan_create(&s->uow, &s->lanes, 1, queue, read_request(s, request));
	flow_save_changed(&s->uow);
	return s->job;
}

/* Every step ends as a turn does: the plan is written, and read again by the next. */
static void
turn_over(struct flow_scene *s)
{
	flow_save_changed(&s->uow);
	s->job->flow_run = NULL;
}

void
flow_later(struct flow_scene *s, int64_t ms)
{
	s->uow.now_ms += ms;
	if (s->job->due_ms > 0 && s->job->due_ms <= s->uow.now_ms)
		plan_due(&s->uow, &s->lanes, s->job);
	turn_over(s);
}

void
flow_reboot(struct flow_scene *s)
{
	turn_over(s);
	flow_step(&s->uow, s->job, true);
	turn_over(s);
}

const char *
flow_asked(struct flow_scene *s)
{
	static const char *const kinds[] = { [EFFECT_FLOW_LAUNCH] = "launch",
		[EFFECT_FLOW_COLLECT] = "collect",
		[EFFECT_FLOW_PROBE] = "probe" };
	size_t n = 0;

	s->text[0] = '\0';
	for (; s->n_effects < s->uow.effects.n; s->n_effects++) {
		const struct effect *effect = &s->uow.effects.item[s->n_effects];

		n += (size_t)snprintf(s->text + n, sizeof s->text - n, "%s%s %s.%d#%d",
			n > 0 ? ", " : "", kinds[effect->kind], effect->stage,
			(int)effect->item, (int)effect->attempt);
		assert_true(n < sizeof s->text);
	}
	return s->text;
}

static void
name_child(struct flow_scene *s, struct job_id id, char *out, size_t size)
{
	const struct job *child = uow_job(&s->uow, id);

	if (child && child->stage)
		snprintf(out, size, "%s.%d", child->stage, (int)child->stage_item);
	else
		snprintf(out, size, "%s", child ? "job" : "nobody");
}

const char *
flow_followed(struct flow_scene *s)
{
	static const char *const kinds[] = { [FOLLOW_CHILD] = "look",
		[FOLLOW_WATCH] = "watch",
		[FOLLOW_STEP] = "step",
		[FOLLOW_CHILDREN] = "children" };
	size_t n = 0;

	s->text[0] = '\0';
	for (; s->n_follow < s->uow.follow_ups.n; s->n_follow++) {
		const struct follow_up *follow = &s->uow.follow_ups.item[s->n_follow];
		char name[120];

		name_child(s, follow->job, name, sizeof name);
		n += (size_t)snprintf(s->text + n, sizeof s->text - n, "%s%s %s",
			n > 0 ? ", " : "",
			follow->kind == FOLLOW_COMMAND ? job_command_name(follow->command)
						       : kinds[follow->kind],
			name);
		assert_true(n < sizeof s->text);
	}
	return s->text;
}

const struct effect *
flow_effect(struct flow_scene *s, enum effect_kind kind, const char *stage, int32_t item,
	int32_t attempt)
{
	for (size_t i = s->uow.effects.n; i-- > 0;) {
		const struct effect *effect = &s->uow.effects.item[i];

		if (effect->kind == kind && strcmp(effect->stage, stage) == 0 &&
			effect->item == item && effect->attempt == attempt)
			return effect;
	}
	fail_msg("%s.%d#%d was not asked for", stage, (int)item, (int)attempt);
	return NULL;
}

static struct flow_report
report_of(enum effect_kind kind, const char *stage, int32_t item, int32_t attempt)
{
	return (struct flow_report) {
		.what = kind, .stage = stage, .item = item, .attempt = attempt
	};
}

struct job *
flow_launch(struct flow_scene *s, const char *stage, int32_t item, int32_t attempt)
{
	struct flow_report report = report_of(EFFECT_FLOW_LAUNCH, stage, item, attempt);
	struct job_spec *spec = read_request(
		s, "{'name':'child','tests':[{'kind':'command','name':'t','argv':['true']}]}");
	struct queue *queue = lanes_get_queue(&s->lanes, &s->uow, 1, "default");
	struct job *child = NULL;

	spec->parent = s->job->id;
	spec->stage = stage;
	spec->stage_item = item;
	spec->stage_attempt = attempt;
	report.spec = spec;
	if (flow_wants_job(&s->uow, s->job, &report)) {
		child = plan_create(&s->uow, &s->lanes, 1, queue, spec);
		flow_launched(&s->uow, s->job, &report, child);
	} else {
		flow_report(&s->uow, s->job, &report);
	}
	turn_over(s);
	return child;
}

void
flow_launch_fails(struct flow_scene *s, const char *stage, int32_t item, int32_t attempt,
	const char *error)
{
	struct flow_report report = report_of(EFFECT_FLOW_LAUNCH, stage, item, attempt);

	report.error = error;
	flow_report(&s->uow, s->job, &report);
	turn_over(s);
}

void
flow_ends(struct flow_scene *s, const struct job *child, enum job_state state,
	enum job_reason reason)
{
	struct flow_job_end end = {
		.job = child->id,
		.state = state,
		.reason = reason,
		.counts = { .passed = state == JOB_COMPLETED, .failed = state == JOB_FAILED },
	};

	flow_child_ended(&s->uow, s->job, &end);
	turn_over(s);
}

void
flow_collects(struct flow_scene *s, const char *stage, int32_t item, int32_t attempt,
	const char *results)
{
	struct flow_report report = report_of(EFFECT_FLOW_COLLECT, stage, item, attempt);

	report.outputs = str_of(quoted(s, results));
	flow_report(&s->uow, s->job, &report);
	turn_over(s);
}

void
flow_passes(struct flow_scene *s, const char *stage, int32_t item, int32_t attempt,
	const char *results)
{
	struct job *child = flow_launch(s, stage, item, attempt);

	assert_non_null(child);
	flow_ends(s, child, JOB_COMPLETED, JOB_REASON_PASSED);
	flow_collects(s, stage, item, attempt, results);
}

void
flow_fails(struct flow_scene *s, const char *stage, int32_t item, int32_t attempt)
{
	struct job *child = flow_launch(s, stage, item, attempt);

	assert_non_null(child);
	flow_ends(s, child, JOB_FAILED, JOB_REASON_TESTS_FAILED);
	flow_collects(s, stage, item, attempt, "{}");
}

void
flow_looks(struct flow_scene *s, const char *stage, int32_t condition, int32_t n,
	int32_t status, const char *value)
{
	struct flow_report report = report_of(EFFECT_FLOW_PROBE, stage, condition, n);

	report.look = (struct wait_look) {
		.status = status,
		.took_ms = 3,
		.value = str_of(quoted(s, value)),
		.headers = STR("{\"x-state\":\"warm\"}"),
		.body = STR("{\"whole\":true}"),
	};
	flow_report(&s->uow, s->job, &report);
	turn_over(s);
}

void
flow_looks_nowhere(struct flow_scene *s, const char *stage, int32_t condition, int32_t n)
{
	struct flow_report report = report_of(EFFECT_FLOW_PROBE, stage, condition, n);

	report.look =
		(struct wait_look) { .error = "connection refused", .is_transport = true };
	flow_report(&s->uow, s->job, &report);
	turn_over(s);
}

int
flow_signals(struct flow_scene *s, const char *stage, const char *payload, struct err *err)
{
	struct flow_signal signal = {
		.stage = stage, .condition = -1, .payload = str_of(quoted(s, payload))
	};
	int r = flow_signal(&s->uow, s->job, &signal, err);

	turn_over(s);
	return r;
}

int
flow_decides(struct flow_scene *s, const char *stage, bool is_approved, struct err *err)
{
	struct flow_signal signal = {
		.stage = stage,
		.condition = -1,
		.is_approval = true,
		.is_approved = is_approved,
		.by = "ada",
		.note = "looks right",
	};
	int r = flow_signal(&s->uow, s->job, &signal, err);

	turn_over(s);
	return r;
}

void
flow_command(struct flow_scene *s, enum job_command command)
{
	struct err err;

	if (plan_command(&s->uow, &s->lanes, s->job, command, &err) < 0)
		fail_msg("%s", err.text);
	turn_over(s);
}

void
flow_starts(struct flow_scene *s, enum flow_from from, const char *stage)
{
	struct flow_start start = { .from = from, .stage = stage };
	struct err err;

	assert_int_equal(flow_start_from(&s->uow, s->job, &start, &err), 0);
	flow_command(s, JOB_CMD_START);
}

void
assert_stages(struct flow_scene *s, const char *expected)
{
	const struct flow_run *run = flow_of(&s->uow, s->job);
	char text[8192] = "";
	size_t n = 0;

	for (int32_t i = 0; i < run->spec.n; i++)
		n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %s", i > 0 ? ", " : "",
			run->spec.stages[i].name, stage_state_name(run->stages[i].state));
	assert_string_equal(text, expected);
}

void
assert_flow_is(struct flow_scene *s, enum job_state state, enum job_reason reason)
{
	assert_string_equal(job_state_name(s->job->state), job_state_name(state));
	const char *shown = job_reason_name(job_shown_reason(s->job));

	assert_string_equal(
		shown ? shown : "-", job_reason_name(reason) ? job_reason_name(reason) : "-");
}

const char *
flow_told(struct flow_scene *s)
{
	size_t n = 0;

	s->text[0] = '\0';
	for (; s->n_told < s->uow.events.n; s->n_told++) {
		const struct event *event = &s->uow.events.item[s->n_told];

		if (event->job_seq != s->job->seq)
			continue;
		n += (size_t)snprintf(s->text + n, sizeof s->text - n, "%s%s", n > 0 ? " " : "",
			event_type_name(event->type));
		assert_true(n < sizeof s->text);
	}
	return s->text;
}
