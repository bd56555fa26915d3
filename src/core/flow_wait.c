/* SPDX-License-Identifier: Apache-2.0 */
/* Stages that wait: looks, signals, timers, approvals, other jobs' ends. */
#include <string.h>

#include "base/clock.h"
#include "base/parse.h"
#include "core/flow_impl.h"
#include "core/lang.h"

/* ---- conditions ---- */

static void
fail_condition(struct uow *uow, struct flow_run *run, struct stage_condition *condition,
	const char *error)
{
	condition->state = CONDITION_FAILED;
	condition->error = flow_short_copy(uow, error);
	condition->asked_ms = condition->next_ms = 0;
	run->is_changed = true;
}

static void
meet_condition(struct uow *uow, struct flow_run *run, int32_t at,
	struct stage_condition *condition, struct str value, size_t max)
{
	bool is_cut;

	condition->shown = (struct str) { 0 };
	condition->value = flow_keep(uow, run, value, max, &is_cut);
	if (is_cut)
		run->stages[at].warning = "a value was too large to be kept";
	condition->state = CONDITION_MET;
	condition->error = NULL;
	condition->asked_ms = condition->next_ms = 0;
	run->is_changed = true;
}

/* A text that may be an expression, as it is now. NULL: err. */
static const char *
settle_text(struct uow *uow, const struct job *job, const struct flow_run *run, int32_t at,
	const char *text, struct err *err)
{
	_cleanup_(json_unrefp) json_t *tree = json_string(text);
	_cleanup_(json_unrefp) json_t *scope = NULL;

	if (!strstr(text, "${{"))
		return text;
	scope = flow_scope(uow, job, run, at, true);
	if (flow_expand(uow, &tree, scope, err) < 0)
		return NULL;
	if (json_is_integer(tree))
		return arena_printf(
			uow->arena, "%" JSON_INTEGER_FORMAT, json_integer_value(tree));
	if (!json_is_string(tree)) {
		(void)err_set(err, ERR_INVALID, "\"%.60s\" gives no text", text);
		return NULL;
	}
	return arena_strdup(uow->arena, json_string_value(tree));
}

static void
begin_timer(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, size_t place)
{
	const struct wait_spec *spec = &run->spec.stages[at].conditions[place];
	struct stage_condition *condition = &run->stages[at].conditions[place];
	struct err err;
	int64_t ms = 0;
	const char *text = settle_text(
		uow, job, run, at, spec->timer_for ? spec->timer_for : spec->timer_until, &err);
	int r = !text ? -1
		: spec->timer_for
		? parse_duration_ms(str_of(text), STAGE_TIMEOUT_MS_MAX, &ms, &err)
		: time_parse(str_of(text), &ms, &err);

	if (r < 0) {
		fail_condition(uow, run, condition, err.text);
		return;
	}
	condition->next_ms = spec->timer_for ? uow->now_ms + ms : ms;
	if (condition->next_ms <= 0)
		condition->next_ms = 1;
}

static void
begin_job(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, size_t place)
{
	const struct wait_spec *spec = &run->spec.stages[at].conditions[place];
	struct stage_condition *condition = &run->stages[at].conditions[place];
	struct err err;
	const char *text = settle_text(uow, job, run, at, spec->job, &err);

	if (!text || uuid_parse(str_of(text), &condition->job.u) < 0) {
		condition->job = (struct job_id) { 0 };
		fail_condition(uow, run, condition,
			text ? arena_printf(uow->arena, "\"%.60s\" is no id of a job", text)
			     : err.text);
		return;
	}
	if (uuid_eq(&condition->job.u, &job->id.u)) {
		fail_condition(uow, run, condition, "a flow cannot wait for its own end");
		return;
	}
	flow_follow(uow, job, FOLLOW_WATCH, condition->job, JOB_CMD_COUNT);
}

void
wait_begin(struct uow *uow, struct job *job, struct flow_run *run, int32_t at)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	struct flow_stage *stage = &run->stages[at];

	for (size_t i = 0; i < spec->n_conditions; i++) {
		struct stage_condition *condition = &stage->conditions[i];

		if (condition->state != CONDITION_WAITING)
			continue; /* the signal came before */
		if (spec->conditions[i].kind == WAIT_HTTP)
			condition->next_ms = uow->now_ms;
		else if (spec->conditions[i].kind == WAIT_TIMER)
			begin_timer(uow, job, run, at, i);
		else if (spec->conditions[i].kind == WAIT_JOB)
			begin_job(uow, job, run, at, i);
	}
	stage_move(uow, job, run, at, STAGE_RUNNING, NULL);
}

/* ---- asking ---- */

static void
ask_look(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, size_t place)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	struct stage_condition *condition = &run->stages[at].conditions[place];
	bool is_new = condition->asked_ms == 0;
	_cleanup_(json_unrefp) json_t *scope = flow_scope(uow, job, run, at, true);
	struct effect effect = {
		.kind = EFFECT_FLOW_PROBE,
		.project = job->project,
		.flow = job->id,
		.stage = spec->name,
		.item = (int32_t)place,
		.attempt = (int32_t)(condition->n + is_new),
		.body = spec->conditions[place].body,
		.scope = json_tree_text(uow->arena, scope, FLOW_STATE_BYTES_MAX),
	};

	if (!flow_ask(uow, run, &effect))
		return;
	condition->n += is_new;
	condition->n_looks += is_new;
	condition->asked_ms = uow->now_ms;
	condition->next_ms = 0;
	run->is_changed = true;
}

static void
ask_results(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, size_t place)
{
	const struct stage_condition *condition = &run->stages[at].conditions[place];
	struct effect effect = {
		.kind = EFFECT_FLOW_COLLECT,
		.project = job->project,
		.flow = job->id,
		.stage = run->spec.stages[at].name,
		.item = (int32_t)place,
		.attempt = (int32_t)condition->n,
		.job = condition->job,
	};

	UOW_PUSH(uow, &uow->effects, effect);
}

/* When a look that was asked for and not reported is asked for again. */
static int64_t
overdue_ms(const struct wait_spec *spec, const struct stage_condition *condition)
{
	return condition->asked_ms + spec->look_timeout_ms + WAIT_OVERDUE_MS;
}

static void
step_condition(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, size_t place,
	bool again)
{
	const struct wait_spec *spec = &run->spec.stages[at].conditions[place];
	struct stage_condition *condition = &run->stages[at].conditions[place];
	bool is_asked = condition->asked_ms > 0;

	switch (spec->kind) {
	case WAIT_HTTP:
		if (job->state == JOB_RUNNING &&
			(is_asked ? again || overdue_ms(spec, condition) <= uow->now_ms
				  : condition->next_ms <= uow->now_ms))
			ask_look(uow, job, run, at, place);
		break;
	case WAIT_TIMER:
		if (condition->next_ms <= uow->now_ms)
			meet_condition(uow, run, at, condition, (struct str) { 0 }, 0);
		break;
	case WAIT_JOB:
		if (again && is_asked)
			ask_results(uow, job, run, at, place);
		else if (again)
			flow_follow(uow, job, FOLLOW_WATCH, condition->job, JOB_CMD_COUNT);
		break;
	case WAIT_SIGNAL:
	case WAIT_APPROVAL:
	case WAIT_KIND_COUNT:
		break;
	}
}

/* ---- the stage ---- */

static const char *
name_of_condition(struct uow *uow, const struct stage_spec *spec, size_t place)
{
	if (spec->conditions[place].name)
		return spec->conditions[place].name;
	return arena_printf(
		uow->arena, "%s %zu", wait_kind_name(spec->conditions[place].kind), place);
}

static const char *
failure_text(struct uow *uow, const struct stage_spec *spec, const struct flow_stage *stage,
	size_t place)
{
	const char *error = stage->conditions[place].error;

	if (!error)
		error = "it cannot come any more";
	if (spec->mode == WAIT_ONE)
		return error;
	return arena_printf(uow->arena, "%s: %s", name_of_condition(uow, spec, place), error);
}

/* Whether the conditions say that the stage is over. */
static bool
judge(struct uow *uow, struct job *job, struct flow_run *run, int32_t at)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	const struct flow_stage *stage = &run->stages[at];
	size_t n_met = 0, n_failed = 0, failed = 0;

	for (size_t i = spec->n_conditions; i-- > 0;) {
		n_met += stage->conditions[i].state == CONDITION_MET;
		if (stage->conditions[i].state == CONDITION_FAILED) {
			n_failed++;
			failed = i;
		}
	}
	if (spec->mode == WAIT_ANY ? n_met > 0 : n_met == spec->n_conditions) {
		stage_move(uow, job, run, at, STAGE_SUCCEEDED, NULL);
		return true;
	}
	if (spec->mode == WAIT_ANY ? n_failed == spec->n_conditions : n_failed > 0) {
		stage_move(uow, job, run, at, STAGE_FAILED,
			failure_text(uow, spec, stage, failed));
		return true;
	}
	return false;
}

void
wait_step(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, bool again)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	struct flow_stage *stage = &run->stages[at];

	/* Timers first: they may end it, and then nothing else is asked for. */
	for (size_t i = 0; i < spec->n_conditions; i++) {
		if (spec->conditions[i].kind == WAIT_TIMER &&
			stage->conditions[i].state == CONDITION_WAITING)
			step_condition(uow, job, run, at, i, again);
	}
	if (judge(uow, job, run, at))
		return;
	if (stage->deadline_ms > 0 && stage->deadline_ms <= uow->now_ms) {
		stage_move(uow, job, run, at, STAGE_TIMED_OUT,
			"what it waited for did not come in time");
		return;
	}
	for (size_t i = 0; i < spec->n_conditions; i++) {
		if (spec->conditions[i].kind != WAIT_TIMER &&
			stage->conditions[i].state == CONDITION_WAITING)
			step_condition(uow, job, run, at, i, again);
	}
}

int64_t
wait_due_ms(const struct flow_run *run, int32_t at, bool is_paused)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	const struct flow_stage *stage = &run->stages[at];
	int64_t due = stage->deadline_ms;

	for (size_t i = 0; i < spec->n_conditions; i++) {
		const struct stage_condition *condition = &stage->conditions[i];

		if (condition->state != CONDITION_WAITING)
			continue;
		if (spec->conditions[i].kind == WAIT_TIMER)
			due = plan_earlier(due, condition->next_ms);
		else if (spec->conditions[i].kind == WAIT_HTTP && !is_paused)
			due = plan_earlier(due,
				condition->asked_ms > 0
					? overdue_ms(&spec->conditions[i], condition)
					: condition->next_ms);
	}
	return due;
}

/* ---- looks ---- */

enum verdict { VERDICT_MISS, VERDICT_MET, VERDICT_FAILED };

static bool
status_fits(const struct wait_spec *spec, int32_t status)
{
	for (size_t i = 0; i < spec->n_statuses; i++) {
		if (status >= spec->statuses[i].from && status <= spec->statuses[i].to)
			return true;
	}
	return false;
}

/* `until: status == 404` means every status, unless some are named. */
static bool
judges_status(struct uow *uow, const struct wait_spec *spec)
{
	struct lang *lang;
	struct err ignored;

	return !spec->names_statuses && spec->until &&
		lang_parse(str_of(spec->until), uow->arena, &lang, &ignored) == 0 &&
		lang_reads(lang, "status");
}

/* As deep as the conductor reads answers: what is deeper than we keep can still be judged. */
static json_t *
tree_of(struct str text)
{
	struct err ignored;

	return text.n > 0 ? json_read(text.p, text.n, 2 * JSON_DEPTH_MAX, &ignored) : NULL;
}

/* What until and failIf see besides the value. */
static json_t *
look_scope(struct uow *uow, const struct job *job, const struct flow_run *run, int32_t at,
	const struct wait_look *look)
{
	json_t *scope = flow_scope(uow, job, run, at, true);
	json_t *headers = tree_of(look->headers), *body = tree_of(look->body);

	(void)json_object_set_new(scope, "status", json_integer(look->status));
	(void)json_object_set_new(scope, "headers", headers ? headers : json_object());
	if (body)
		(void)json_object_set_new(scope, "body", body);
	return scope;
}

/* A predicate that cannot be worked out on what is there does not hold; why is told. */
static bool
holds(struct uow *uow, const char *text, json_t *scope, json_t *value, const char *which,
	const char **ret_error)
{
	struct err err;
	bool is_true = false;

	if (flow_test(uow, text, scope, value, &is_true, &err) < 0) {
		if (!*ret_error)
			*ret_error = arena_printf(uow->arena, "%s: %s", which, err.text);
		return false;
	}
	return is_true;
}

static enum verdict
judge_look(struct uow *uow, const struct job *job, const struct flow_run *run, int32_t at,
	const struct wait_spec *spec, const struct wait_look *look, const char **ret_error)
{
	_cleanup_(json_unrefp) json_t *scope = look_scope(uow, job, run, at, look);
	_cleanup_(json_unrefp) json_t *value = tree_of(look->value);

	*ret_error = look->error;
	if (spec->fail_if && holds(uow, spec->fail_if, scope, value, "failIf", ret_error)) {
		*ret_error = arena_printf(uow->arena, "failIf holds: %s", spec->fail_if);
		return VERDICT_FAILED;
	}
	if (!status_fits(spec, look->status) && !judges_status(uow, spec)) {
		if (!*ret_error)
			*ret_error = arena_printf(uow->arena, "status %d", (int)look->status);
		return VERDICT_MISS;
	}
	if (!spec->until)
		return spec->selects && !value ? VERDICT_MISS : VERDICT_MET;
	return holds(uow, spec->until, scope, value, "until", ret_error) ? VERDICT_MET
									 : VERDICT_MISS;
}

static void
plan_next_look(struct uow *uow, const struct wait_spec *spec, struct stage_condition *condition,
	const struct wait_look *look)
{
	struct retry_policy interval = {
		.delay_ms = spec->every_ms,
		.factor = spec->factor,
		.delay_max_ms = spec->interval_max_ms,
		.jitter = spec->jitter,
	};
	int32_t looks = condition->n_looks > 10000 ? 10000 : (int32_t)condition->n_looks;
	int64_t delay = retry_delay_ms(&interval, looks > 0 ? looks : 1, uow->rng);

	if ((look->status == 429 || look->status == 503) && look->retry_after_ms > delay)
		delay = look->retry_after_ms < spec->interval_max_ms ? look->retry_after_ms
								     : spec->interval_max_ms;
	condition->next_ms =
		uow->now_ms + (delay > WAIT_EVERY_MS_MIN ? delay : WAIT_EVERY_MS_MIN);
}

static void
note_look(struct uow *uow, struct flow_run *run, struct stage_condition *condition,
	const struct wait_look *look, const char *error)
{
	bool is_cut;

	condition->asked_ms = 0;
	condition->last_ms = uow->now_ms;
	condition->status = look->status;
	condition->error = flow_short_copy(uow, error);
	condition->shown = (struct str) { 0 };
	if (look->value.n > 0 && look->value.n <= WAIT_SHOWN_BYTES_MAX)
		condition->shown =
			flow_keep(uow, run, look->value, WAIT_SHOWN_BYTES_MAX, &is_cut);
	run->is_changed = true;
}

static void
take_look(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, int32_t place,
	const struct wait_look *look)
{
	const struct wait_spec *spec = &run->spec.stages[at].conditions[place];
	struct stage_condition *condition = &run->stages[at].conditions[place];
	const char *error = look->error;
	enum verdict verdict = VERDICT_MISS;

	condition->n_misses = look->is_transport ? condition->n_misses + 1 : 0;
	if (!look->is_transport)
		verdict = judge_look(uow, job, run, at, spec, look, &error);
	note_look(uow, run, condition, look, error);
	if (verdict == VERDICT_MET)
		meet_condition(uow, run, at, condition, look->value, WAIT_VALUE_BYTES_MAX);
	else if (verdict == VERDICT_FAILED)
		fail_condition(uow, run, condition, error);
	else if (condition->n_misses > spec->misses_max)
		fail_condition(uow, run, condition,
			arena_printf(uow->arena,
				"%lld looks in a row reached nobody; the last: %s",
				(long long)condition->n_misses, error ? error : "no answer"));
	else
		plan_next_look(uow, spec, condition, look);
	struct wait_look told = *look;

	told.error = verdict == VERDICT_MET ? NULL : error;
	flow_event_observed(uow, job, run, at, place, &told, false);
}

void
wait_looked(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	const struct flow_report *report)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	struct flow_stage *stage = &run->stages[at];

	if (stage->state != STAGE_RUNNING || report->item < 0 ||
		(size_t)report->item >= spec->n_conditions ||
		spec->conditions[report->item].kind != WAIT_HTTP)
		return;
	struct stage_condition *condition = &stage->conditions[report->item];

	if (condition->state != CONDITION_WAITING || condition->asked_ms == 0 ||
		condition->n != report->attempt)
		return;
	if (report->error) {
		struct wait_look none = { .error = report->error };

		note_look(uow, run, condition, &none, report->error);
		fail_condition(uow, run, condition, report->error);
		flow_event_observed(uow, job, run, at, report->item, &none, false);
		return;
	}
	take_look(uow, job, run, at, report->item, &report->look);
}

/* ---- other jobs ---- */

/* What is known of the job before its results are there. */
static struct str
job_facts(struct uow *uow, const struct flow_job_end *end, struct str results)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(2 * JOB_RESULTS_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &out);
	jw_obj(&jw);
	jw_kuuid(&jw, "id", &end->job.u);
	jw_kstr(&jw, "status", job_state_name(end->state));
	jw_kstr_opt(&jw, "reason", job_reason_name(end->reason));
	if (results.n > 0) {
		jw_key(&jw, "results");
		jw_rawn(&jw, results.p, results.n);
	}
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return (struct str) { 0 };
	char *copy = arena_xalloc(uow->arena, out.len + 1);

	memcpy(copy, out.data, out.len);
	return str_from(copy, out.len);
}

static void
end_of_job(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, size_t place,
	const struct flow_job_end *end)
{
	const struct wait_spec *spec = &run->spec.stages[at].conditions[place];
	struct stage_condition *condition = &run->stages[at].conditions[place];
	struct wait_look look = { .value = job_facts(uow, end, (struct str) { 0 }) };

	condition->n++;
	condition->last_ms = uow->now_ms;
	if (end->is_gone)
		fail_condition(uow, run, condition, "there is no such job, or no more");
	else if (spec->wanted && strcmp(spec->wanted, job_state_name(end->state)) != 0)
		fail_condition(uow, run, condition,
			arena_printf(uow->arena, "the job ended %s, not %s",
				job_state_name(end->state), spec->wanted));
	if (condition->state == CONDITION_WAITING) {
		condition->shown = look.value;
		condition->asked_ms = uow->now_ms;
		run->is_changed = true;
		ask_results(uow, job, run, at, place);
	}
	look.error = condition->error;
	if (end->is_gone)
		look.value = (struct str) { 0 };
	flow_event_observed(uow, job, run, at, (int32_t)place, &look, false);
}

void
wait_job_ended(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	const struct flow_job_end *end)
{
	const struct stage_spec *spec = &run->spec.stages[at];

	for (size_t i = 0; i < spec->n_conditions; i++) {
		const struct stage_condition *condition = &run->stages[at].conditions[i];

		if (spec->conditions[i].kind == WAIT_JOB &&
			condition->state == CONDITION_WAITING && condition->asked_ms == 0 &&
			uuid_eq(&condition->job.u, &end->job.u))
			end_of_job(uow, job, run, at, i, end);
	}
}

void
wait_collected(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	const struct flow_report *report)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	struct flow_stage *stage = &run->stages[at];

	(void)job;
	if (stage->state != STAGE_RUNNING || report->item < 0 ||
		(size_t)report->item >= spec->n_conditions ||
		spec->conditions[report->item].kind != WAIT_JOB)
		return;
	struct stage_condition *condition = &stage->conditions[report->item];

	if (condition->state != CONDITION_WAITING || condition->asked_ms == 0 ||
		condition->n != report->attempt)
		return;
	_cleanup_(json_unrefp) json_t *facts = tree_of(condition->shown);
	json_t *results = tree_of(report->outputs);

	if (facts && results)
		(void)json_object_set_new(facts, "results", results);
	else
		json_decref(results);
	meet_condition(uow, run, at, condition,
		facts ? json_tree_text(uow->arena, facts, 2 * JOB_RESULTS_BYTES_MAX)
		      : (struct str) { 0 },
		2 * JOB_RESULTS_BYTES_MAX);
}

/* ---- signals and approvals ---- */

/* -1, with their places and names. */
static int32_t
say_which(const struct stage_spec *spec, enum wait_kind kind, struct err *err)
{
	_cleanup_(buf_deinit) struct buf list = BUF_INIT(sizeof err->text);

	for (size_t i = 0; i < spec->n_conditions; i++) {
		const char *name = spec->conditions[i].name;

		if (spec->conditions[i].kind == kind)
			(void)!buf_addf(&list, "%s%zu%s%s%s", list.len > 0 ? ", " : "", i,
				name ? " (" : "", name ? name : "", name ? ")" : "");
	}
	return err_set(err, ERR_INVALID,
		"stage \"%s\" has several conditions of kind %s; say which by `condition`: %.*s",
		spec->name, wait_kind_name(kind), (int)list.len, buf_text(&list));
}

/* The place of the condition that is meant. -1: err. */
static int32_t
find_condition(const struct stage_spec *spec, const struct flow_signal *signal, struct err *err)
{
	enum wait_kind kind = signal->is_approval ? WAIT_APPROVAL : WAIT_SIGNAL;
	int32_t found = -1;

	for (int32_t i = 0; spec->is_wait && (size_t)i < spec->n_conditions; i++) {
		if (spec->conditions[i].kind != kind ||
			(signal->condition >= 0 && i != signal->condition))
			continue;
		if (found >= 0)
			return say_which(spec, kind, err);
		found = i;
	}
	if (found < 0)
		return err_set(err, ERR_NOT_FOUND, "stage \"%s\" waits for no %s", spec->name,
			wait_kind_name(kind));
	return found;
}

static void
take_signal(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, int32_t place,
	const struct flow_signal *signal)
{
	struct flow_stage *stage = &run->stages[at];
	struct stage_condition *condition = &stage->conditions[place];
	struct wait_look look = { .value = signal->payload };
	bool is_late = stage_is_over(stage->state) || condition->state != CONDITION_WAITING;

	if (is_late && condition->n_repeats >= WAIT_REPEATS_MAX)
		return;
	condition->n++;
	run->is_changed = true;
	if (is_late) {
		condition->n_repeats++;
	} else {
		condition->last_ms = uow->now_ms;
		meet_condition(uow, run, at, condition, signal->payload, SIGNAL_BODY_BYTES_MAX);
	}
	flow_event_observed(uow, job, run, at, place, &look, is_late);
}

static struct str
approval_value(struct uow *uow, const struct flow_signal *signal)
{
	_cleanup_(buf_deinit) struct buf out =
		BUF_INIT(8 * (MESSAGE_BYTES_MAX + NAME_BYTES_MAX));
	struct jw jw;

	jw_init(&jw, &out);
	jw_obj(&jw);
	jw_kstr(&jw, "by", signal->by ? signal->by : "");
	if (signal->note)
		jw_kstrn(&jw, "note", signal->note,
			utf8_cut_len(signal->note, MESSAGE_BYTES_MAX));
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return STR("{}");
	char *copy = arena_xalloc(uow->arena, out.len + 1);

	memcpy(copy, out.data, out.len);
	return str_from(copy, out.len);
}

static int
take_approval(struct uow *uow, struct job *job, struct flow_run *run, int32_t at, int32_t place,
	const struct flow_signal *signal, struct err *err)
{
	struct flow_stage *stage = &run->stages[at];
	struct stage_condition *condition = &stage->conditions[place];
	struct wait_look look = { .value = approval_value(uow, signal) };

	if (stage->state != STAGE_RUNNING || condition->state != CONDITION_WAITING)
		return err_set(err, ERR_CONFLICT,
			"stage \"%s\" does not wait for approval: it is %s",
			run->spec.stages[at].name, stage_state_name(stage->state));
	condition->n++;
	condition->last_ms = uow->now_ms;
	if (signal->is_approved) {
		meet_condition(uow, run, at, condition, look.value, FLOW_BYTES_MAX);
	} else {
		condition->is_rejected = true;
		fail_condition(uow, run, condition,
			arena_printf(uow->arena, "rejected%s%.200s%s%.200s",
				signal->by ? " by " : "", signal->by ? signal->by : "",
				signal->note ? ": " : "", signal->note ? signal->note : ""));
		look.error = condition->error;
	}
	flow_event_observed(uow, job, run, at, place, &look, false);
	return 0;
}

int
wait_signal(struct uow *uow, struct job *job, struct flow_run *run, int32_t at,
	const struct flow_signal *signal, struct err *err)
{
	int32_t place = find_condition(&run->spec.stages[at], signal, err);

	if (place < 0)
		return -1;
	if (signal->is_approval)
		return take_approval(uow, job, run, at, place, signal, err);
	take_signal(uow, job, run, at, place, signal);
	return 0;
}
