/* SPDX-License-Identifier: Apache-2.0 */
/* docs/protocol/flows.md §2: the states of stages, needs, when, retries, ends of flows. */
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "flow_scene.h"

#define RUN "'run':{'template':'t'}"
#define A "{'name':'a'," RUN "}"
#define B "{'name':'b'," RUN "}"
#define C "{'name':'c'," RUN "}"
#define B_READS_A "{'name':'b','run':{'template':'${{ stages.a.state }}'}}"
#define FLOW(stages) "{'stages':[" stages "]}"

/* ---- a chain ---- */

static void
stages_run_one_after_the_other(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A "," B));
	assert_flow_is(s, JOB_RUNNING, JOB_REASON_NONE);
	assert_string_equal(flow_asked(s), "launch a.0#1");
	assert_stages(s, "a starting, b waiting");
	struct job *child = flow_launch(s, "a", 0, 1);
	assert_stages(s, "a running, b waiting");
	assert_string_equal(flow_asked(s), "");
	flow_ends(s, child, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_string_equal(flow_asked(s), "collect a.0#1");
	assert_stages(s, "a running, b waiting");
	flow_collects(s, "a", 0, 1, "{'url':'x'}");
	assert_stages(s, "a succeeded, b starting");
	assert_string_equal(flow_asked(s), "launch b.0#1");
	flow_passes(s, "b", 0, 1, "{}");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_int_equal(s->job->counts.passed, 2);
	assert_int_equal(job_percent(s->job), 100);
	assert_int_equal(s->job->due_ms, 0);
}

static void
a_child_knows_where_it_belongs(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A));
	const struct job *child = flow_launch(s, "a", 0, 1);
	assert_true(uuid_eq(&child->parent.u, &s->job->id.u));
	assert_string_equal(child->stage, "a");
	assert_int_equal(child->stage_attempt, 1);
}

static void
a_later_stage_sees_results_of_those_it_needs(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		"{'params':{'n':3},'stages':[" A
		",{'name':'b','run':{'template':'t','params':{'u':'${{ stages.a.results.url }}'}}}]}");
	flow_passes(s, "a", 0, 1, "{'url':'http://x'}");
	const struct effect *effect = flow_effect(s, EFFECT_FLOW_LAUNCH, "b", 0, 1);
	assert_non_null(strstr(effect->scope.p, "\"results\":{\"url\":\"http://x\"}"));
	assert_non_null(strstr(effect->scope.p, "\"params\":{\"n\":3}"));
	assert_non_null(strstr(effect->body.p, "${{ stages.a.results.url }}"));
}

static void
waits_for_its_start_time(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, "{'runAt':'2026-01-01T01:00:00Z','stages':[" A "]}");
	assert_flow_is(s, JOB_QUEUED, JOB_REASON_NONE);
	assert_string_equal(flow_asked(s), "");
	assert_int_equal(s->job->due_ms, FLOW_START_MS + HOURS_MS(1));
	flow_later(s, HOURS_MS(1));
	assert_flow_is(s, JOB_RUNNING, JOB_REASON_NONE);
	assert_string_equal(flow_asked(s), "launch a.0#1");
}

/* ---- when ---- */

static void
a_failure_skips_what_counts_on_success(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A "," B ",{'name':'c','when':'failure','needs':['a']," RUN "}"));
	flow_fails(s, "a", 0, 1);
	assert_stages(s, "a failed, b skipped, c starting");
	flow_passes(s, "c", 0, 1, "{}");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
}

static void
failure_looks_through_skipped_stages(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A "," B ",{'name':'c','when':'failure'," RUN "}"));
	flow_fails(s, "a", 0, 1);
	assert_stages(s, "a failed, b skipped, c starting");
}

/* Two stages on each rung, both of which need both below: 2^60 ways from the last to the first.
 */
static void
skipped_stages_are_looked_through_once(void **state)
{
	struct flow_scene *s = *state;
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(64));

	assert_int_equal(buf_adds(&text, "{'stages':[" A), 0);
	for (int i = 0; i < 120; i++) {
		int below = i - i % 2;
		char needs[40];

		(void)snprintf(needs, sizeof needs, below == 0 ? "'a'" : "'s%d','s%d'",
			below - 2, below - 1);
		assert_int_equal(
			buf_addf(&text, ",{'name':'s%d','needs':[%s],'when':'failure'," RUN "}",
				i, needs),
			0);
	}
	assert_int_equal(buf_adds(&text, "]}"), 0);
	flow_begin(s, buf_text(&text));
	flow_passes(s, "a", 0, 1, "{}");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
failure_does_not_begin_after_success(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A ",{'name':'b','when':'failure'," RUN "}," C));
	flow_passes(s, "a", 0, 1, "{}");
	assert_stages(s, "a succeeded, b skipped, c starting");
}

static void
always_begins_after_failure(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A ",{'name':'b','when':'always'," RUN "}"));
	flow_fails(s, "a", 0, 1);
	assert_stages(s, "a failed, b starting");
}

static void
an_expression_decides(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		FLOW(A ",{'name':'b','when':'stages.a.results.n > 2'," RUN
		       "},{'name':'c','needs':['a'],'when':'stages.a.results.n > 5'," RUN "}"));
	flow_passes(s, "a", 0, 1, "{'n':3}");
	assert_stages(s, "a succeeded, b starting, c skipped");
}

static void
an_expression_that_cannot_be_worked_out_fails_the_stage(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A ",{'name':'b','when':'stages.a.results.n > 2'," RUN "}"));
	flow_passes(s, "a", 0, 1, "{}");
	assert_stages(s, "a succeeded, b failed");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
}

static void
continue_on_failure_counts_as_success(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','continueOnFailure':true," RUN "}," B));
	flow_fails(s, "a", 0, 1);
	assert_stages(s, "a failed, b starting");
	flow_passes(s, "b", 0, 1, "{}");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
needs_fan_out_and_in(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		FLOW("{'name':'a'," RUN "},{'name':'b','needs':['a']," RUN
		     "},{'name':'c','needs':['a']," RUN "},{'name':'d','needs':['b','c']," RUN
		     "}"));
	flow_passes(s, "a", 0, 1, "{}");
	assert_stages(s, "a succeeded, b starting, c starting, d waiting");
	flow_passes(s, "c", 0, 1, "{}");
	assert_stages(s, "a succeeded, b starting, c succeeded, d waiting");
	flow_passes(s, "b", 0, 1, "{}");
	assert_stages(s, "a succeeded, b succeeded, c succeeded, d starting");
}

/* ---- retry ---- */

static void
retries_with_growing_delay(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		FLOW("{'name':'a','retry':{'max':2,'delay':'10s','factor':2,'on':['failed']}," RUN
		     "}"));
	flow_ends(s, flow_launch(s, "a", 0, 1), JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_stages(s, "a running");
	assert_int_equal(s->job->due_ms, s->uow.now_ms + SECONDS_MS(10));
	(void)flow_asked(s);
	flow_later(s, SECONDS_MS(9));
	assert_string_equal(flow_asked(s), "");
	flow_later(s, SECONDS_MS(1));
	assert_string_equal(flow_asked(s), "launch a.0#2");
	flow_ends(s, flow_launch(s, "a", 0, 2), JOB_FAILED, JOB_REASON_TESTS_FAILED);
	assert_int_equal(s->job->due_ms, s->uow.now_ms + SECONDS_MS(20));
	flow_later(s, SECONDS_MS(20));
	flow_fails(s, "a", 0, 3);
	assert_stages(s, "a failed");
	assert_int_equal(s->job->counts.failed, 1);
}

static void
retries_only_what_is_asked_for(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','retry':{'max':2,'on':['errored']}," RUN "}"));
	flow_fails(s, "a", 0, 1);
	assert_stages(s, "a failed");
}

static void
retries_every_failure_by_default(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','retry':{'max':3}," RUN "}"));
	flow_ends(s, flow_launch(s, "a", 0, 1), JOB_FAILED, JOB_REASON_TESTS_FAILED);
	flow_later(s, 1);
	flow_ends(s, flow_launch(s, "a", 0, 2), JOB_FAILED, JOB_REASON_TIMEOUT);
	flow_later(s, 1);
	flow_ends(s, flow_launch(s, "a", 0, 3), JOB_FAILED, JOB_REASON_WORKER_LOST);
	flow_later(s, 1);
	flow_passes(s, "a", 0, 4, "{}");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
a_job_stopped_by_hand_is_not_tried_again(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','retry':{'max':3}," RUN "}"));
	flow_ends(s, flow_launch(s, "a", 0, 1), JOB_STOPPED, JOB_REASON_STOPPED);
	flow_collects(s, "a", 0, 1, "{}");
	assert_stages(s, "a cancelled");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
}

static void
a_job_that_cannot_be_made_fails_its_stage(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','retry':{'max':3}," RUN "}"));
	flow_launch_fails(s, "a", 0, 1, "there is no template \"t\"");
	assert_stages(s, "a failed");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
	assert_non_null(strstr(s->job->plan, "there is no template"));
}

static void
a_deleted_child_fails_its_stage(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A));
	struct flow_job_end end = { .job = flow_launch(s, "a", 0, 1)->id, .is_gone = true };
	flow_child_ended(&s->uow, s->job, &end);
	assert_stages(s, "a failed");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
}

/* ---- matrix ---- */

static void
a_matrix_has_an_item_for_each_combination(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		FLOW("{'name':'a','matrix':{'b':['x','y'],'n':[1,2,3]}," RUN "}," B_READS_A));
	assert_string_equal(flow_asked(s),
		"launch a.0#1, launch a.1#1, launch a.2#1, launch a.3#1, launch a.4#1, launch a.5#1");
	const struct effect *effect = flow_effect(s, EFFECT_FLOW_LAUNCH, "a", 4, 1);
	assert_non_null(strstr(effect->scope.p, "\"matrix\":{\"b\":\"y\",\"n\":2}"));
	for (int i = 0; i < 6; i++)
		flow_passes(s, "a", i, 1, "{'i':1}");
	assert_stages(s, "a succeeded, b starting");
	effect = flow_effect(s, EFFECT_FLOW_LAUNCH, "b", 0, 1);
	assert_non_null(strstr(effect->scope.p, "\"items\":[{\"state\":\"succeeded\""));
}

static void
max_parallel_bounds_the_items_under_way(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','matrix':{'n':[1,2,3,4]},'maxParallel':2," RUN "}"));
	assert_string_equal(flow_asked(s), "launch a.0#1, launch a.1#1");
	struct job *first = flow_launch(s, "a", 0, 1);
	struct job *second = flow_launch(s, "a", 1, 1);
	assert_string_equal(flow_asked(s), "");
	flow_ends(s, second, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_string_equal(flow_asked(s), "collect a.1#1, launch a.2#1");
	flow_ends(s, first, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_string_equal(flow_asked(s), "collect a.0#1, launch a.3#1");
}

static void
a_retry_that_waits_for_a_place_wakes_nobody(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		FLOW("{'name':'a','matrix':{'n':[1,2]},'maxParallel':1,"
		     "'retry':{'max':1,'delay':'1s'}," RUN "}"));
	flow_ends(s, flow_launch(s, "a", 0, 1), JOB_FAILED, JOB_REASON_TESTS_FAILED);
	struct job *second = flow_launch(s, "a", 1, 1);
	flow_later(s, SECONDS_MS(1));
	assert_int_equal(s->job->due_ms, 0);
	(void)flow_asked(s);
	flow_ends(s, second, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_string_equal(flow_asked(s), "collect a.1#1, launch a.0#2");
}

static void
all_items_run_to_their_end(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','matrix':{'n':[1,2]},'maxParallel':1," RUN "}"));
	flow_fails(s, "a", 0, 1);
	assert_stages(s, "a running");
	flow_passes(s, "a", 1, 1, "{}");
	assert_stages(s, "a failed");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
	assert_int_equal(s->job->counts.passed, 1);
	assert_int_equal(s->job->counts.failed, 1);
}

static void
a_matrix_may_be_an_expression(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A ",{'name':'b','matrix':'stages.a.results.urls'," RUN "}"));
	flow_passes(s, "a", 0, 1, "{'urls':['u','v']}");
	assert_string_equal(
		flow_asked(s), "launch a.0#1, collect a.0#1, launch b.0#1, launch b.1#1");
	const struct effect *effect = flow_effect(s, EFFECT_FLOW_LAUNCH, "b", 1, 1);
	assert_non_null(strstr(effect->scope.p, "\"matrix\":\"v\""));
}

static void
an_empty_matrix_succeeds(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A ",{'name':'b','matrix':'stages.a.results.urls'," RUN "}"));
	flow_passes(s, "a", 0, 1, "{'urls':[]}");
	assert_stages(s, "a succeeded, b succeeded");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
a_matrix_that_is_no_list_fails_the_stage(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A ",{'name':'b','matrix':'stages.a.results.urls'," RUN "}"));
	flow_passes(s, "a", 0, 1, "{'urls':7}");
	assert_stages(s, "a succeeded, b failed");
}

/* ---- time ---- */

static void
a_stage_out_of_time_stops_its_jobs(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','timeout':'1m'," RUN "}"));
	struct job *child = flow_launch(s, "a", 0, 1);
	assert_int_equal(s->job->due_ms, s->uow.now_ms + MINUTES_MS(1));
	flow_later(s, MINUTES_MS(1));
	assert_string_equal(flow_followed(s), "stop a.0");
	assert_stages(s, "a running");
	flow_later(s, MINUTES_MS(1));
	assert_string_equal(flow_followed(s), "");
	flow_ends(s, child, JOB_STOPPED, JOB_REASON_STOPPED);
	flow_collects(s, "a", 0, 1, "{}");
	assert_stages(s, "a timed_out");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
}

static void
a_flow_out_of_time_ends_with_reason_timeout(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, "{'timeout':'1h','stages':[" A "," B "]}");
	struct job *child = flow_launch(s, "a", 0, 1);
	flow_later(s, HOURS_MS(1));
	assert_flow_is(s, JOB_STOPPING, JOB_REASON_TIMEOUT);
	assert_string_equal(flow_followed(s), "stop a.0");
	assert_stages(s, "a running, b skipped");
	flow_ends(s, child, JOB_STOPPED, JOB_REASON_STOPPED);
	assert_flow_is(s, JOB_FAILED, JOB_REASON_TIMEOUT);
	assert_stages(s, "a cancelled, b skipped");
}

/* ---- commands ---- */

static void
cancel_gives_children_the_same_command(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','matrix':{'n':[1,2,3]}," RUN "}," B));
	struct job *one = flow_launch(s, "a", 0, 1), *two = flow_launch(s, "a", 1, 1);
	flow_command(s, JOB_CMD_CANCEL);
	assert_flow_is(s, JOB_STOPPING, JOB_REASON_CANCELLED);
	assert_string_equal(flow_followed(s), "cancel a.0, cancel a.1");
	assert_null(flow_launch(s, "a", 2, 1));
	flow_ends(s, one, JOB_STOPPED, JOB_REASON_CANCELLED);
	assert_flow_is(s, JOB_STOPPING, JOB_REASON_CANCELLED);
	flow_ends(s, two, JOB_STOPPED, JOB_REASON_CANCELLED);
	assert_flow_is(s, JOB_STOPPED, JOB_REASON_CANCELLED);
	assert_stages(s, "a cancelled, b skipped");
}

static void
while_it_stops_no_time_limit_wakes_it(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, "{'timeout':'1h','stages':[{'name':'a','timeout':'1m'," RUN "}]}");
	(void)flow_launch(s, "a", 0, 1);
	flow_command(s, JOB_CMD_STOP);
	assert_int_equal(s->job->due_ms, 0);
}

static void
stop_of_one_that_has_no_children_ends_it_at_once(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A));
	flow_command(s, JOB_CMD_STOP);
	assert_flow_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
	flow_begin(s, "{'runAt':'2027-01-01T01:00:00Z','stages':[" A "]}");
	flow_command(s, JOB_CMD_STOP);
	assert_flow_is(s, JOB_STOPPED, JOB_REASON_STOPPED);
}

static void
pause_begins_nothing_and_pauses_children(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','matrix':{'n':[1,2]}," RUN "}," B));
	struct job *one = flow_launch(s, "a", 0, 1);
	flow_command(s, JOB_CMD_PAUSE);
	assert_flow_is(s, JOB_PAUSED, JOB_REASON_NONE);
	assert_string_equal(flow_followed(s), "pause a.0");
	(void)flow_asked(s);
	assert_null(flow_launch(s, "a", 1, 1));
	flow_ends(s, one, JOB_COMPLETED, JOB_REASON_PASSED);
	flow_collects(s, "a", 0, 1, "{}");
	assert_string_equal(flow_asked(s), "collect a.0#1");
	flow_later(s, DAYS_MS(1));
	assert_string_equal(flow_asked(s), "");
	flow_command(s, JOB_CMD_UNPAUSE);
	assert_string_equal(flow_asked(s), "launch a.1#1");
	flow_passes(s, "a", 1, 1, "{}");
	assert_stages(s, "a succeeded, b starting");
}

static void
deadlines_go_on_while_it_is_paused(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, "{'timeout':'1h','stages':[" A "]}");
	flow_command(s, JOB_CMD_PAUSE);
	flow_later(s, HOURS_MS(1));
	assert_flow_is(s, JOB_FAILED, JOB_REASON_TIMEOUT);
}

static void
what_ended_while_it_was_paused_counts_when_it_goes_on(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A));
	struct job *one = flow_launch(s, "a", 0, 1);
	flow_command(s, JOB_CMD_PAUSE);
	flow_ends(s, one, JOB_COMPLETED, JOB_REASON_PASSED);
	flow_collects(s, "a", 0, 1, "{}");
	assert_flow_is(s, JOB_PAUSED, JOB_REASON_NONE);
	flow_command(s, JOB_CMD_UNPAUSE);
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
delete_takes_the_children_along(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A));
	(void)flow_launch(s, "a", 0, 1);
	flow_command(s, JOB_CMD_DELETE);
	assert_string_equal(flow_followed(s), "children job");
}

/* ---- start again ---- */

static void
start_keeps_what_succeeded(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A "," B_READS_A "," C));
	flow_passes(s, "a", 0, 1, "{'url':'kept'}");
	flow_fails(s, "b", 0, 1);
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
	(void)flow_asked(s);
	flow_starts(s, FLOW_FROM_FAILED, NULL);
	assert_int_equal(s->job->incarnation, 2);
	assert_stages(s, "a succeeded, b starting, c waiting");
	assert_string_equal(flow_asked(s), "launch b.0#2");
	assert_int_equal(s->job->counts.passed, 1);
	assert_int_equal(s->job->counts.failed, 0);
	const struct effect *effect = flow_effect(s, EFFECT_FLOW_LAUNCH, "b", 0, 2);
	assert_non_null(strstr(effect->scope.p, "\"kept\""));
	flow_passes(s, "b", 0, 2, "{}");
	flow_passes(s, "c", 0, 1, "{}");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
a_second_incarnation_has_all_its_retries(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','retry':{'max':1}," RUN "}"));
	flow_ends(s, flow_launch(s, "a", 0, 1), JOB_FAILED, JOB_REASON_TESTS_FAILED);
	flow_later(s, 1);
	flow_fails(s, "a", 0, 2);
	flow_starts(s, FLOW_FROM_FAILED, NULL);
	flow_ends(s, flow_launch(s, "a", 0, 3), JOB_FAILED, JOB_REASON_TESTS_FAILED);
	flow_later(s, 1);
	flow_passes(s, "a", 0, 4, "{}");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
start_from_the_beginning_forgets_everything(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A "," B));
	flow_passes(s, "a", 0, 1, "{}");
	flow_fails(s, "b", 0, 1);
	(void)flow_asked(s);
	flow_starts(s, FLOW_FROM_BEGIN, NULL);
	assert_stages(s, "a starting, b waiting");
	assert_string_equal(flow_asked(s), "launch a.0#2");
	assert_int_equal(s->job->counts.passed, 0);
}

static void
start_from_a_stage_takes_all_that_need_it(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A "," B "," C ",{'name':'d','needs':['a']," RUN "}"));
	flow_passes(s, "a", 0, 1, "{}");
	flow_passes(s, "d", 0, 1, "{}");
	flow_passes(s, "b", 0, 1, "{}");
	flow_passes(s, "c", 0, 1, "{}");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	flow_starts(s, FLOW_FROM_STAGE, "b");
	assert_stages(s, "a succeeded, b starting, c waiting, d succeeded");
}

static void
start_from_a_stage_keeps_the_failure_of_another(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','needs':[]," RUN "},{'name':'b','needs':[]," RUN "}"));
	flow_fails(s, "a", 0, 1);
	flow_passes(s, "b", 0, 1, "{}");
	flow_starts(s, FLOW_FROM_STAGE, "b");
	flow_passes(s, "b", 0, 2, "{}");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
}

static void
start_from_a_stage_that_is_not_there_is_refused(void **state)
{
	struct flow_scene *s = *state;
	struct flow_start start = { .from = FLOW_FROM_STAGE, .stage = "zzz" };
	struct err err;

	flow_begin(s, FLOW(A));
	flow_fails(s, "a", 0, 1);
	assert_int_equal(flow_start_from(&s->uow, s->job, &start, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void
start_of_one_that_goes_on_waits_for_the_old_children(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A "," B));
	struct job *old = flow_launch(s, "a", 0, 1);
	flow_starts(s, FLOW_FROM_BEGIN, NULL);
	assert_flow_is(s, JOB_RESTARTING, JOB_REASON_NONE);
	assert_string_equal(flow_followed(s), "cancel a.0");
	(void)flow_asked(s);
	flow_ends(s, old, JOB_STOPPED, JOB_REASON_CANCELLED);
	assert_flow_is(s, JOB_RUNNING, JOB_REASON_NONE);
	assert_stages(s, "a starting, b waiting");
	assert_string_equal(flow_asked(s), "launch a.0#2");
}

static void
a_report_of_the_incarnation_before_changes_nothing(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A));
	flow_command(s, JOB_CMD_STOP);
	flow_starts(s, FLOW_FROM_FAILED, NULL);
	assert_null(flow_launch(s, "a", 0, 1));
	assert_non_null(flow_launch(s, "a", 0, 2));
}

/* ---- at least once, and counted once ---- */

static void
a_second_report_of_a_launch_makes_no_second_job(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A));
	assert_non_null(flow_launch(s, "a", 0, 1));
	assert_null(flow_launch(s, "a", 0, 1));
	assert_stages(s, "a running");
}

static void
results_come_once(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A "," B));
	flow_passes(s, "a", 0, 1, "{'n':1}");
	flow_collects(s, "a", 0, 1, "{'n':2}");
	assert_non_null(strstr(s->job->plan, "{\"n\":1}"));
	assert_null(strstr(s->job->plan, "{\"n\":2}"));
}

static void
a_restarted_engine_asks_again_for_what_was_under_way(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		FLOW("{'name':'a','needs':[]," RUN "},{'name':'b','needs':[]," RUN
		     "},{'name':'c','needs':[]," RUN "}"));
	(void)flow_launch(s, "b", 0, 1);
	flow_ends(s, flow_launch(s, "c", 0, 1), JOB_COMPLETED, JOB_REASON_PASSED);
	(void)flow_asked(s);
	(void)flow_followed(s);
	flow_reboot(s);
	assert_string_equal(flow_asked(s), "launch a.0#1, collect c.0#1");
	assert_string_equal(flow_followed(s), "look b.0");
}

/* Many flows begin again at once, and what they ask for is too much for one turn. */
static void
what_finds_no_room_after_a_restart_is_asked_for_later(void **state)
{
	struct flow_scene *s = *state;
	char *text = arena_xalloc(&s->arena, FLOW_EFFECTS_BYTES_MAX + 1);
	struct effect of_another = { .kind = EFFECT_FLOW_COLLECT, .stage = "other" };

	memset(text, 'x', FLOW_EFFECTS_BYTES_MAX + 1);
	of_another.scope = str_from(text, FLOW_EFFECTS_BYTES_MAX + 1);
	flow_begin(s, FLOW(A));
	UOW_PUSH(&s->uow, &s->uow.effects, of_another);
	(void)flow_asked(s);
	flow_step(&s->uow, s->job, true);
	assert_string_equal(flow_asked(s), "");
	assert_int_equal(s->job->due_ms, s->uow.now_ms);
	s->uow.effects.n = 0; /* the next turn */
	s->n_effects = 0;
	flow_step(&s->uow, s->job, false);
	assert_string_equal(flow_asked(s), "launch a.0#1");
	flow_passes(s, "a", 0, 1, "{}");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
expressions_of_a_matrix_see_item_and_stages(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		FLOW(A ",{'name':'m','matrix':{'x':[1,'two']},'run':{'template':'${{ "
		       "stages.a.results.v }}-${{ matrix.x }}'}},{'name':'n','matrix':{'x':[3]},"
		       "'run':{'template':'${{ matrix.x }}'}}"));
	flow_passes(s, "a", 0, 1, "{'v':'r'}");
	struct str scope = flow_effect(s, EFFECT_FLOW_LAUNCH, "m", 1, 1)->scope;
	assert_non_null(strstr(scope.p, "\"results\":{\"v\":\"r\"}"));
	assert_non_null(strstr(scope.p, ",\"matrix\":{\"x\":\"two\"}}"));
	flow_passes(s, "m", 0, 1, "{}");
	flow_passes(s, "m", 1, 1, "{}");
	scope = flow_effect(s, EFFECT_FLOW_LAUNCH, "n", 0, 1)->scope;
	assert_non_null(strstr(scope.p, "\"stages\":{},\"matrix\":{\"x\":3}}"));
}

static void
a_restarted_engine_stops_again_what_was_to_be_stopped(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A));
	(void)flow_launch(s, "a", 0, 1);
	flow_command(s, JOB_CMD_CANCEL);
	(void)flow_followed(s);
	flow_reboot(s);
	assert_string_equal(flow_followed(s), "look a.0, cancel a.0");
}

static void
a_restarted_engine_lets_go_on_what_the_flow_paused(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW(A));
	(void)flow_launch(s, "a", 0, 1);
	flow_command(s, JOB_CMD_PAUSE);
	flow_reboot(s);
	assert_string_equal(flow_followed(s), "pause a.0, look a.0, pause a.0");
	flow_command(s, JOB_CMD_UNPAUSE);
	(void)flow_followed(s);
	flow_reboot(s);
	assert_string_equal(flow_followed(s), "look a.0, unpause a.0");
}

/* ---- results ---- */

static void
results_are_held_against_their_schema(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		FLOW("{'name':'a','outputSchema':{'type':'object','required':['url']}," RUN
		     "}"));
	flow_passes(s, "a", 0, 1, "{'other':1}");
	assert_stages(s, "a failed");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
	flow_begin(s,
		FLOW("{'name':'a','outputSchema':{'type':'object','required':['url']}," RUN
		     "}"));
	flow_passes(s, "a", 0, 1, "{'url':1}");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

/* The turn does not wait for it: 2^19 looks at one value. */
static void
a_schema_that_costs_too_much_fails_the_stage(void **state)
{
	struct flow_scene *s = *state;
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(16));

	assert_int_equal(buf_adds(&text,
				 "{'stages':[{'name':'a'," RUN
				 ",'outputSchema':{'$ref':'#/$defs/0','$defs':{"),
		0);
	for (int i = 0; i < 18; i++)
		assert_int_equal(
			buf_addf(&text,
				"'%d':{'allOf':[{'$ref':'#/$defs/%d'},{'$ref':'#/$defs/%d'}]},",
				i, i + 1, i + 1),
			0);
	assert_int_equal(buf_adds(&text, "'18':{'type':'object'}}}}]}"), 0);
	flow_begin(s, buf_text(&text));
	flow_passes(s, "a", 0, 1, "{}");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
	assert_non_null(strstr(s->job->plan, "too many steps"));
}

static void
large_results_are_cut_and_said_so(void **state)
{
	struct flow_scene *s = *state;
	char *large = xcalloc(1, JOB_RESULTS_BYTES_MAX + 100);

	memset(large, 'x', JOB_RESULTS_BYTES_MAX + 90);
	memcpy(large, "{'a':'", 6);
	memcpy(large + JOB_RESULTS_BYTES_MAX + 88, "'}", 2);
	flow_begin(s, FLOW(A));
	flow_passes(s, "a", 0, 1, large);
	free(large);
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
	assert_non_null(strstr(s->job->plan, "{\"truncated\":true}"));
	assert_non_null(strstr(s->job->plan, "\"warning\""));
}

/* ---- short forms ---- */

static void
a_chain_passes_members_of_results_on(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		"{'chain':[{'template':'x'},{'template':'y','params':{'k':1}},{'template':'z'}],"
		"'pass':{'url':'finalUrl'}}");
	flow_passes(s, "1", 0, 1, "{'finalUrl':'http://end'}");
	const struct effect *effect = flow_effect(s, EFFECT_FLOW_LAUNCH, "2", 0, 1);
	assert_non_null(strstr(effect->body.p, "\"k\":1"));
	assert_non_null(strstr(effect->body.p,
		"\"url\":\"${{ stages[\\\"1\\\"].results[\\\"finalUrl\\\"] }}\""));
	flow_passes(s, "2", 0, 1, "{}");
	effect = flow_effect(s, EFFECT_FLOW_LAUNCH, "3", 0, 1);
	assert_null(strstr(effect->body.p, "finalUrl"));
	flow_passes(s, "3", 0, 1, "{}");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
parallel_runs_at_most_so_many_at_a_time(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		"{'parallel':[{'template':'x'},{'template':'y'},{'template':'z'}],'limit':2}");
	assert_stages(s, "1 starting, 2 starting, 3 ready");
	flow_fails(s, "1", 0, 1);
	assert_stages(s, "1 failed, 2 starting, 3 starting");
	flow_passes(s, "2", 0, 1, "{}");
	flow_passes(s, "3", 0, 1, "{}");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
	flow_begin(s, "{'parallel':[{'template':'x'}],'allowFailures':true}");
	flow_fails(s, "1", 0, 1);
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
attempts_are_a_ladder_of_jobs(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, "{'attempts':{'max':2,'delay':'1s','run':{'template':'x'}}}");
	flow_ends(s, flow_launch(s, "run", 0, 1), JOB_FAILED, JOB_REASON_TESTS_FAILED);
	flow_later(s, SECONDS_MS(1));
	flow_fails(s, "run", 0, 2);
	assert_flow_is(s, JOB_FAILED, JOB_REASON_STAGE_FAILED);
}

#define T(test) cmocka_unit_test_setup_teardown(test, flow_scene_setup, flow_scene_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(stages_run_one_after_the_other),
		T(a_child_knows_where_it_belongs),
		T(a_later_stage_sees_results_of_those_it_needs),
		T(waits_for_its_start_time),
		T(a_failure_skips_what_counts_on_success),
		T(failure_looks_through_skipped_stages),
		T(skipped_stages_are_looked_through_once),
		T(failure_does_not_begin_after_success),
		T(always_begins_after_failure),
		T(an_expression_decides),
		T(an_expression_that_cannot_be_worked_out_fails_the_stage),
		T(continue_on_failure_counts_as_success),
		T(needs_fan_out_and_in),
		T(retries_with_growing_delay),
		T(retries_only_what_is_asked_for),
		T(retries_every_failure_by_default),
		T(a_job_stopped_by_hand_is_not_tried_again),
		T(a_job_that_cannot_be_made_fails_its_stage),
		T(a_deleted_child_fails_its_stage),
		T(a_matrix_has_an_item_for_each_combination),
		T(max_parallel_bounds_the_items_under_way),
		T(a_retry_that_waits_for_a_place_wakes_nobody),
		T(all_items_run_to_their_end),
		T(a_matrix_may_be_an_expression),
		T(an_empty_matrix_succeeds),
		T(a_matrix_that_is_no_list_fails_the_stage),
		T(a_stage_out_of_time_stops_its_jobs),
		T(a_flow_out_of_time_ends_with_reason_timeout),
		T(cancel_gives_children_the_same_command),
		T(while_it_stops_no_time_limit_wakes_it),
		T(stop_of_one_that_has_no_children_ends_it_at_once),
		T(pause_begins_nothing_and_pauses_children),
		T(deadlines_go_on_while_it_is_paused),
		T(what_ended_while_it_was_paused_counts_when_it_goes_on),
		T(delete_takes_the_children_along),
		T(start_keeps_what_succeeded),
		T(a_second_incarnation_has_all_its_retries),
		T(start_from_the_beginning_forgets_everything),
		T(start_from_a_stage_takes_all_that_need_it),
		T(start_from_a_stage_keeps_the_failure_of_another),
		T(start_from_a_stage_that_is_not_there_is_refused),
		T(start_of_one_that_goes_on_waits_for_the_old_children),
		T(a_report_of_the_incarnation_before_changes_nothing),
		T(a_second_report_of_a_launch_makes_no_second_job),
		T(results_come_once),
		T(a_restarted_engine_asks_again_for_what_was_under_way),
		T(what_finds_no_room_after_a_restart_is_asked_for_later),
		T(expressions_of_a_matrix_see_item_and_stages),
		T(a_restarted_engine_stops_again_what_was_to_be_stopped),
		T(a_restarted_engine_lets_go_on_what_the_flow_paused),
		T(results_are_held_against_their_schema),
		T(a_schema_that_costs_too_much_fails_the_stage),
		T(large_results_are_cut_and_said_so),
		T(a_chain_passes_members_of_results_on),
		T(parallel_runs_at_most_so_many_at_a_time),
		T(attempts_are_a_ladder_of_jobs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
