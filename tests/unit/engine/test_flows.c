/* SPDX-License-Identifier: Apache-2.0 */
/* Flows in the engine: children are made and heard of, commands reach them, nothing is lost by
 * a restart, other jobs are watched. */
#include "base/limits.h"
#include "stage.h"

#define TWO \
	"{\"params\":{},\"stages\":[{\"name\":\"a\",\"run\":{\"template\":\"t\"}},{\"name\":\"b\",\"run\":{\"template\":\"t\"}}]}"
#define MANY                                                                                           \
	"{\"params\":{},\"stages\":[{\"name\":\"a\",\"run\":{\"template\":\"t\"},\"maxParallel\":100," \
	"\"matrix\":{\"n\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20]}}]}"

static struct job_id
create_flow(struct stage *stage, const char *flow)
{
	struct job_spec plain = stage->spec;

	stage->spec.flow = flow;
	stage->spec.n_tests = 0;
	stage->spec.tests = NULL;
	struct job_id id = create(stage);
	stage->spec = plain;
	return id;
}

/* Turns as long as there is something to do at once. */
static void
settle(struct stage *stage)
{
	later(stage, 0);
}

static struct intent *
new_report(struct stage *stage, const struct effect *effect)
{
	struct intent *intent = intent_new(INTENT_FLOW_REPORT, 1, MIB(1));
	struct job_spec *spec = arena_memdup(&intent->arena, &stage->spec, sizeof *spec);

	spec->parent = effect->flow;
	spec->stage = effect->stage;
	spec->stage_item = effect->item;
	spec->stage_attempt = effect->attempt;
	intent->in.flow_report = (struct flow_report) {
		.what = effect->kind,
		.flow = effect->flow,
		.stage = effect->stage,
		.item = effect->item,
		.attempt = effect->attempt,
		.outputs = STR("{\"x\":1}"),
	};
	if (effect->kind == EFFECT_FLOW_LAUNCH)
		intent->in.flow_report.spec = spec;
	return intent;
}

static void
report(struct stage *stage, const struct effect *effect)
{
	struct intent *intent = new_report(stage, effect);

	TURN(stage, intent);
	assert_true(is_answered(stage, intent));
	assert_int_equal(intent->status, INTENT_OK);
	settle(stage);
}

/* Carries out all that was asked for and not carried out yet, from number `at` on. */
static size_t
conduct(struct stage *stage, size_t at)
{
	for (; at < stage->effects.n; at++) {
		struct effect effect = stage->effects.item[at];
		report(stage, &effect);
	}
	return at;
}

static const struct effect *
last_effect(const struct stage *stage)
{
	assert_true(stage->effects.n > 0);
	return &stage->effects.item[stage->effects.n - 1];
}

/* ---- the way of a flow ---- */

static void
children_are_ordinary_jobs_that_workers_take(void **state)
{
	struct stage *stage = *state;
	struct hand worker = hand(stage);
	struct job_id flow = create_flow(stage, TWO);

	assert_int_equal(stage->effects.n, 1);
	assert_state(stage, flow, JOB_RUNNING);
	for (int i = 0; i < 2; i++) {
		report(stage, last_effect(stage)); /* launch */
		(void)ask(stage, &worker);
		assert_int_equal(worker.n_holds, 1);
		(void)give(stage, &worker, 0, OUTCOME_PASSED);
		settle(stage);
		assert_int_equal(last_effect(stage)->kind, EFFECT_FLOW_COLLECT);
		report(stage, last_effect(stage));
	}
	assert_state(stage, flow, JOB_COMPLETED);
	assert_int_equal(look(stage, flow)->counts.passed, 2);
}

static void
the_same_report_twice_in_a_turn_makes_one_child(void **state)
{
	struct stage *stage = *state;

	create_flow(stage, TWO);
	struct effect effect = *last_effect(stage);
	struct intent *first = new_report(stage, &effect), *second = new_report(stage, &effect);
	struct engine_stats before, after;

	engine_stats(stage->engine, &before);
	TURN(stage, first, second);
	engine_stats(stage->engine, &after);
	assert_int_equal(after.jobs_created - before.jobs_created, 1);
	assert_true(is_answered(stage, first) && is_answered(stage, second));
}

static void
a_report_about_a_flow_that_is_gone_is_taken(void **state)
{
	struct stage *stage = *state;
	struct job_id flow = create_flow(stage, TWO);

	command(stage, flow, JOB_CMD_DELETE);
	report(stage, last_effect(stage));
	assert_null(look(stage, flow));
}

static void
a_job_that_is_refused_fails_its_stage(void **state)
{
	struct stage *stage = *state;
	struct job_id flow = create_flow(stage, TWO);
	struct intent *intent = new_report(stage, last_effect(stage));
	struct job_spec *spec = arena_memdup(&intent->arena, intent->in.flow_report.spec,
		sizeof *intent->in.flow_report.spec);

	spec->unique = (struct unique_spec) { .mode = UNIQUE_SKIP, .key = "k" };
	intent->in.flow_report.spec = spec;
	TURN(stage, intent);
	assert_int_equal(intent->status, INTENT_IS_ERROR);
	assert_state(stage, flow, JOB_FAILED);
	assert_int_equal(look(stage, flow)->reason, JOB_REASON_STAGE_FAILED);
}

/* ---- commands ---- */

static void
commands_reach_the_children_in_the_next_turn(void **state)
{
	struct stage *stage = *state;
	struct job_id flow = create_flow(stage, MANY);
	size_t n = conduct(stage, 0);

	assert_int_equal(n, 20);
	command(stage, flow, JOB_CMD_PAUSE);
	settle(stage);
	struct hand worker = hand(stage);
	struct intent *poll = ask(stage, &worker);
	assert_false(is_answered(stage, poll)); /* all children are paused */
	command(stage, flow, JOB_CMD_UNPAUSE);
	settle(stage);
	assert_true(is_answered(stage, poll));
	command(stage, flow, JOB_CMD_CANCEL);
	settle(stage);
	assert_state(stage, flow, JOB_STOPPING); /* one has its run still */
	take(&worker, poll);
	(void)give(stage, &worker, 0, OUTCOME_CANCELLED);
	settle(stage);
	assert_state(stage, flow, JOB_STOPPED);
}

static size_t
n_children(struct stage *stage, struct job_id flow)
{
	struct store_boot facts;
	struct err err;

	(void)flow;
	assert_int_equal(store_boot(stage->store, &stage->arena, &facts, &err), 0);
	return facts.n_orphans;
}

static void
deletion_takes_all_children(void **state)
{
	struct stage *stage = *state;
	struct job_id flow = create_flow(stage, MANY);

	(void)conduct(stage, 0);
	command(stage, flow, JOB_CMD_DELETE);
	assert_true(n_children(stage, flow) > 0);
	settle(stage);
	assert_int_equal(n_children(stage, flow), 0);
}

static void
deletion_goes_on_after_a_crash(void **state)
{
	struct stage *stage = *state;
	struct job_id flow = create_flow(stage, MANY);

	(void)conduct(stage, 0);
	command(stage, flow, JOB_CMD_DELETE);
	stage_restart(stage);
	settle(stage);
	assert_int_equal(n_children(stage, flow), 0);
}

/* ---- restarts ---- */

static void
a_launch_that_was_lost_is_asked_for_again(void **state)
{
	struct stage *stage = *state;

	create_flow(stage, TWO);
	stage->effects.n = 0;
	stage_restart(stage);
	settle(stage);
	assert_int_equal(stage->effects.n, 1);
	assert_int_equal(last_effect(stage)->kind, EFFECT_FLOW_LAUNCH);
	report(stage, last_effect(stage));
	stage->effects.n = 0;
	stage_restart(stage);
	settle(stage);
	assert_int_equal(stage->effects.n, 0);
}

static void
an_end_that_was_not_heard_of_is_seen_after_a_restart(void **state)
{
	struct stage *stage = *state;
	struct hand worker = hand(stage);

	create_flow(stage, TWO);
	report(stage, last_effect(stage));
	(void)ask(stage, &worker);
	(void)give(stage, &worker, 0, OUTCOME_PASSED); /* and no further turn */
	stage->effects.n = 0;
	stage_restart(stage);
	settle(stage);
	assert_int_equal(stage->effects.n, 1);
	assert_int_equal(last_effect(stage)->kind, EFFECT_FLOW_COLLECT);
}

static void
a_cancel_that_did_not_reach_the_child_is_given_after_a_restart(void **state)
{
	struct stage *stage = *state;
	struct job_id flow = create_flow(stage, TWO);

	report(stage, last_effect(stage));
	command(stage, flow, JOB_CMD_CANCEL);
	stage_restart(stage);
	settle(stage);
	assert_state(stage, flow, JOB_STOPPED);
}

static void
a_child_that_was_deleted_fails_its_stage(void **state)
{
	struct stage *stage = *state;
	struct job_id flow = create_flow(stage, TWO);
	struct intent *intent = new_report(stage, last_effect(stage));
	struct hand worker = hand(stage);

	TURN(stage, intent);
	struct intent *poll = ask(stage, &worker);
	assert_int_equal(poll->out.poll.n_leases, 1);
	command(stage, poll->out.poll.leases[0].job, JOB_CMD_DELETE);
	settle(stage);
	assert_state(stage, flow, JOB_FAILED);
}

/* ---- waiting for another job ---- */

static const char *
wait_for(struct stage *stage, struct job_id job)
{
	char id[UUID_TEXT_LEN + 1];

	uuid_format(&job.u, id);
	return arena_printf(&stage->arena,
		"{\"params\":{},\"stages\":[{\"name\":\"w\",\"wait\":{\"job\":\"%s\"}}]}", id);
}

static void
the_end_of_another_job_is_seen(void **state)
{
	struct stage *stage = *state;
	struct hand worker = hand(stage);
	struct job_id other = create(stage);
	struct job_id flow = create_flow(stage, wait_for(stage, other));

	settle(stage);
	assert_int_equal(stage->effects.n, 0);
	stage_restart(stage);
	settle(stage);
	(void)ask(stage, &worker);
	(void)give(stage, &worker, 0, OUTCOME_PASSED);
	settle(stage);
	assert_int_equal(stage->effects.n, 1);
	report(stage, last_effect(stage));
	assert_state(stage, flow, JOB_COMPLETED);
}

static void
a_job_that_has_ended_before_is_seen_at_once(void **state)
{
	struct stage *stage = *state;
	struct job_id other = create(stage);

	command(stage, other, JOB_CMD_CANCEL);
	struct job_id flow = create_flow(stage, wait_for(stage, other));
	settle(stage);
	report(stage, last_effect(stage));
	assert_state(stage, flow, JOB_COMPLETED);
}

static void
a_job_that_is_deleted_fails_the_wait(void **state)
{
	struct stage *stage = *state;
	struct job_id other = create(stage);
	struct job_id flow = create_flow(stage, wait_for(stage, other));

	settle(stage);
	command(stage, other, JOB_CMD_DELETE);
	settle(stage);
	assert_state(stage, flow, JOB_FAILED);
	assert_int_equal(look(stage, flow)->reason, JOB_REASON_WAIT_FAILED);
}

/* ---- signals, start ---- */

static void
a_signal_goes_through_the_engine(void **state)
{
	struct stage *stage = *state;
	struct job_id flow = create_flow(stage,
		"{\"params\":{},\"stages\":[{\"name\":\"w\",\"wait\":{\"signal\":{}}}]}");
	struct intent *intent = intent_new(INTENT_FLOW_SIGNAL, 1, MIB(1));

	intent->in.flow_signal = (struct flow_signal) {
		.flow = flow, .stage = "w", .condition = -1, .payload = STR("{\"n\":1}")
	};
	TURN(stage, intent);
	assert_int_equal(intent->status, INTENT_OK);
	assert_state(stage, flow, JOB_COMPLETED);
	intent = intent_new(INTENT_FLOW_SIGNAL, 1, MIB(1));
	intent->in.flow_signal =
		(struct flow_signal) { .flow = flow, .stage = "x", .condition = -1 };
	TURN(stage, intent);
	assert_int_equal(intent->err.code, ERR_NOT_FOUND);
}

static void
start_names_the_stage_it_begins_with(void **state)
{
	struct stage *stage = *state;
	struct job_id flow = create_flow(stage, TWO);
	struct intent *intent = new_command(flow, JOB_CMD_START);

	command(stage, flow, JOB_CMD_CANCEL);
	intent->in.command.start =
		(struct flow_start) { .from = FLOW_FROM_STAGE, .stage = "nowhere" };
	TURN(stage, intent);
	assert_int_equal(intent->err.code, ERR_NOT_FOUND);
	intent = new_command(flow, JOB_CMD_START);
	intent->in.command.start =
		(struct flow_start) { .from = FLOW_FROM_STAGE, .stage = "a" };
	stage->effects.n = 0;
	TURN(stage, intent);
	assert_int_equal(intent->status, INTENT_OK);
	assert_state(stage, flow, JOB_RUNNING);
	assert_int_equal(stage->effects.n, 1);
	assert_int_equal(last_effect(stage)->attempt, 2);
}

static void
explain_tells_of_stages(void **state)
{
	struct stage *stage = *state;
	struct job_id flow = create_flow(stage,
		"{\"params\":{},\"stages\":[{\"name\":\"w\",\"wait\":{\"signal\":{}}}]}");
	struct intent *intent = intent_new(INTENT_JOB_EXPLAIN, 1, MIB(1));

	intent->in.explain = flow;
	TURN(stage, intent);
	assert_int_equal(intent->status, INTENT_OK);
	assert_string_equal(intent->out.explanation->sentence,
		"Stage \"w\" waits for a signal at its callback address.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(children_are_ordinary_jobs_that_workers_take),
		STAGED(the_same_report_twice_in_a_turn_makes_one_child),
		STAGED(a_report_about_a_flow_that_is_gone_is_taken),
		STAGED(a_job_that_is_refused_fails_its_stage),
		STAGED(commands_reach_the_children_in_the_next_turn),
		STAGED(deletion_takes_all_children),
		STAGED(deletion_goes_on_after_a_crash),
		STAGED(a_launch_that_was_lost_is_asked_for_again),
		STAGED(an_end_that_was_not_heard_of_is_seen_after_a_restart),
		STAGED(a_cancel_that_did_not_reach_the_child_is_given_after_a_restart),
		STAGED(a_child_that_was_deleted_fails_its_stage),
		STAGED(the_end_of_another_job_is_seen),
		STAGED(a_job_that_has_ended_before_is_seen_at_once),
		STAGED(a_job_that_is_deleted_fails_the_wait),
		STAGED(a_signal_goes_through_the_engine),
		STAGED(start_names_the_stage_it_begins_with),
		STAGED(explain_tells_of_stages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
