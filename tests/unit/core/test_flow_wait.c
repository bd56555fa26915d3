/* SPDX-License-Identifier: Apache-2.0 */
/* docs/protocol/flows.md §3: looks, signals, timers, approvals, other jobs, any and all. */
#include "base/limits.h"
#include "flow_scene.h"

#define WAIT(wait) "{'stages':[{'name':'w','timeout':'2h','wait':" wait "}]}"
#define HTTP(more) WAIT("{'http':{'request':'GET http://x/'" more "}}")
#define POLL(more) HTTP(",'select':'/state','until':'. == `OK`','failIf':'. in [`BAD`]'" more)

static const struct stage_condition *
condition(struct flow_scene *s, int place)
{
	return &flow_of(&s->uow, s->job)->stages[0].conditions[place];
}

static const char *
value(struct flow_scene *s, int place)
{
	struct str text = condition(s, place)->value;

	return text.n > 0 ? text.p : "";
}

static const char *
stage_error(struct flow_scene *s)
{
	const char *error = flow_of(&s->uow, s->job)->stages[0].error;

	return error ? error : "";
}

/* ---- http ---- */

static void
looks_at_once_and_again_until_it_holds(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, POLL(",'interval':{'every':'2s','jitter':0}"));
	assert_string_equal(flow_asked(s), "probe w.0#1");
	assert_stages(s, "w running");
	flow_looks(s, "w", 0, 1, 200, "'PENDING'");
	assert_int_equal(s->job->due_ms, s->uow.now_ms + SECONDS_MS(2));
	flow_later(s, SECONDS_MS(2));
	assert_string_equal(flow_asked(s), "probe w.0#2");
	flow_looks(s, "w", 0, 2, 200, "'OK'");
	assert_stages(s, "w succeeded");
	assert_string_equal(value(s, 0), "\"OK\"");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
fail_if_is_judged_first(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, HTTP(",'select':'/state','until':'true','failIf':'. == `BAD`'"));
	flow_looks(s, "w", 0, 1, 200, "'BAD'");
	assert_stages(s, "w failed");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_WAIT_FAILED);
	assert_non_null(strstr(stage_error(s), "failIf holds"));
}

static void
the_interval_grows_up_to_its_maximum(void **state)
{
	static const int64_t expected[] = { 1000, 2000, 4000, 5000, 5000 };
	struct flow_scene *s = *state;

	flow_begin(s, POLL(",'interval':{'every':'1s','factor':2,'max':'5s','jitter':0}"));
	for (int i = 0; i < 5; i++) {
		flow_looks(s, "w", 0, i + 1, 200, "'PENDING'");
		assert_int_equal(s->job->due_ms - s->uow.now_ms, expected[i]);
		flow_later(s, expected[i]);
	}
}

static void
jitter_keeps_within_its_share(void **state)
{
	struct flow_scene *s = *state;
	bool differs = false;

	flow_begin(s, POLL(",'interval':{'every':'10s','jitter':0.1}"));
	for (int i = 0; i < 30; i++) {
		flow_looks(s, "w", 0, i + 1, 200, "'PENDING'");
		int64_t delay = s->job->due_ms - s->uow.now_ms;
		assert_true(delay >= 9000 && delay <= 11000);
		differs = differs || delay != 10000;
		flow_later(s, delay);
	}
	assert_true(differs);
}

static void
retry_after_is_honoured_up_to_the_maximum(void **state)
{
	struct flow_scene *s = *state;
	struct flow_report report = {
		.what = EFFECT_FLOW_PROBE,
		.stage = "w",
		.attempt = 1,
		.look = { .status = 503, .retry_after_ms = SECONDS_MS(30) },
	};

	flow_begin(s, POLL(",'interval':{'every':'1s','max':'1m','jitter':0}"));
	flow_report(&s->uow, s->job, &report);
	assert_int_equal(s->job->due_ms - s->uow.now_ms, SECONDS_MS(30));
	flow_later(s, SECONDS_MS(30));
	report.attempt = 2;
	report.look.retry_after_ms = HOURS_MS(1);
	flow_report(&s->uow, s->job, &report);
	assert_int_equal(s->job->due_ms - s->uow.now_ms, MINUTES_MS(1));
}

static void
without_until_a_good_status_is_enough(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, HTTP(""));
	flow_looks(s, "w", 0, 1, 503, "");
	assert_stages(s, "w running");
	flow_later(s, MINUTES_MS(1));
	flow_looks(s, "w", 0, 2, 204, "");
	assert_stages(s, "w succeeded");
}

static void
statuses_say_which_are_good(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, HTTP(",'statuses':[404,'500-502']"));
	flow_looks(s, "w", 0, 1, 200, "");
	assert_stages(s, "w running");
	flow_later(s, MINUTES_MS(1));
	flow_looks(s, "w", 0, 2, 501, "");
	assert_stages(s, "w succeeded");
}

static void
another_status_is_a_miss_whatever_the_body(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, POLL(""));
	flow_looks(s, "w", 0, 1, 500, "'OK'");
	assert_stages(s, "w running");
}

static void
until_may_judge_the_status_itself(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, HTTP(",'until':'status == 404'"));
	flow_looks(s, "w", 0, 1, 200, "");
	assert_stages(s, "w running");
	flow_later(s, MINUTES_MS(1));
	flow_looks(s, "w", 0, 2, 404, "");
	assert_stages(s, "w succeeded");
}

static void
predicates_see_headers_and_body(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, HTTP(",'until':'headers[`x-state`] == `warm` and body.whole'"));
	flow_looks(s, "w", 0, 1, 200, "{}");
	assert_stages(s, "w succeeded");
}

static void
a_predicate_that_does_not_fit_is_a_miss_that_is_told(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, HTTP(",'select':'/n','until':'. > 3'"));
	flow_looks(s, "w", 0, 1, 200, "'text'");
	assert_stages(s, "w running");
	assert_non_null(strstr(condition(s, 0)->error, "until: character"));
}

static void
too_many_looks_that_reach_nobody_fail_it(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, POLL(",'transportErrors':2"));
	for (int i = 1; i <= 2; i++) {
		flow_looks_nowhere(s, "w", 0, i);
		assert_stages(s, "w running");
		flow_later(s, MINUTES_MS(1));
	}
	flow_looks_nowhere(s, "w", 0, 3);
	assert_stages(s, "w failed");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_WAIT_FAILED);
}

static void
an_answer_forgives_the_misses_before(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, POLL(",'transportErrors':1"));
	for (int i = 1; i < 20; i += 2) {
		flow_looks_nowhere(s, "w", 0, i);
		flow_later(s, MINUTES_MS(1));
		flow_looks(s, "w", 0, i + 1, 500, "");
		flow_later(s, MINUTES_MS(1));
	}
	assert_stages(s, "w running");
}

static void
a_refused_address_fails_it_at_once(void **state)
{
	struct flow_scene *s = *state;
	struct flow_report report = { .what = EFFECT_FLOW_PROBE,
		.stage = "w",
		.attempt = 1,
		.error = "169.254.169.254 is not public" };

	flow_begin(s, POLL(""));
	flow_report(&s->uow, s->job, &report);
	assert_stages(s, "w failed");
	assert_string_equal(stage_error(s), "169.254.169.254 is not public");
}

static void
a_late_or_repeated_look_changes_nothing(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, POLL(""));
	flow_looks(s, "w", 0, 1, 200, "'PENDING'");
	int64_t due = s->job->due_ms;
	flow_looks(s, "w", 0, 1, 200, "'OK'");
	assert_int_equal(s->job->due_ms, due);
	assert_stages(s, "w running");
	flow_later(s, MINUTES_MS(1));
	flow_looks(s, "w", 0, 1, 200, "'OK'");
	flow_looks(s, "w", 0, 3, 200, "'OK'");
	assert_stages(s, "w running");
}

static void
each_look_is_an_event(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, POLL(""));
	(void)flow_told(s);
	flow_looks(s, "w", 0, 1, 200, "'PENDING'");
	assert_string_equal(flow_told(s), "wait.observed");
	const struct event *event = &s->uow.events.item[s->uow.events.n - 1];
	assert_non_null(strstr(event->data.p, "\"value\":\"PENDING\""));
	assert_non_null(strstr(event->data.p, "\"nextAt\":"));
	assert_non_null(strstr(event->data.p, "\"n\":1,\"status\":200"));
}

static void
a_large_value_is_not_kept(void **state)
{
	struct flow_scene *s = *state;
	char large[WAIT_VALUE_BYTES_MAX + 100];

	memset(large, 'x', sizeof large - 1);
	large[0] = large[sizeof large - 2] = '\'';
	large[sizeof large - 1] = '\0';
	flow_begin(s, HTTP(",'until':'length(.) > 100'"));
	flow_looks(s, "w", 0, 1, 200, large);
	assert_stages(s, "w succeeded");
	assert_string_equal(value(s, 0), "{\"truncated\":true}");
}

static void
a_restarted_engine_looks_again_at_once(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, POLL(",'interval':{'every':'10m','jitter':0}"));
	(void)flow_asked(s);
	flow_reboot(s);
	assert_string_equal(flow_asked(s), "probe w.0#1");
	flow_looks(s, "w", 0, 1, 200, "'PENDING'");
	flow_reboot(s);
	assert_string_equal(flow_asked(s), "");
	flow_later(s, MINUTES_MS(60)); /* six looks were missed */
	assert_string_equal(flow_asked(s), "probe w.0#2");
	flow_looks(s, "w", 0, 2, 200, "'PENDING'");
	assert_string_equal(flow_asked(s), "");
}

static void
a_look_that_nobody_reports_is_asked_for_again(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, POLL(""));
	(void)flow_asked(s);
	flow_later(s, WAIT_OVERDUE_MS + PROBE_TIMEOUT_MS_DEFAULT);
	assert_string_equal(flow_asked(s), "probe w.0#1");
}

static void
paused_takes_no_look(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, POLL(""));
	flow_command(s, JOB_CMD_PAUSE);
	flow_looks(s, "w", 0, 1, 200, "'PENDING'");
	(void)flow_asked(s);
	flow_later(s, MINUTES_MS(30));
	assert_string_equal(flow_asked(s), "");
	flow_command(s, JOB_CMD_UNPAUSE);
	assert_string_equal(flow_asked(s), "probe w.0#2");
}

/* ---- deadline ---- */

static void
the_deadline_is_an_instant(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, WAIT("{'signal':{}}"));
	assert_int_equal(s->job->due_ms, FLOW_START_MS + HOURS_MS(2));
	flow_reboot(s);
	flow_command(s, JOB_CMD_PAUSE);
	flow_later(s, HOURS_MS(2));
	assert_stages(s, "w timed_out");
	flow_command(s, JOB_CMD_UNPAUSE);
	assert_flow_is(s, JOB_FAILED, JOB_REASON_WAIT_TIMED_OUT);
}

static void
a_wait_has_an_hour_when_it_does_not_say(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, "{'stages':[{'name':'w','wait':{'signal':{}}}]}");
	assert_int_equal(s->job->due_ms, FLOW_START_MS + HOURS_MS(1));
}

static void
cancel_ends_a_wait_at_once(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, WAIT("{'signal':{}}"));
	flow_command(s, JOB_CMD_CANCEL);
	assert_stages(s, "w cancelled");
	assert_flow_is(s, JOB_STOPPED, JOB_REASON_CANCELLED);
}

/* ---- signal ---- */

static void
a_signal_brings_its_payload(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, WAIT("{'signal':{}}"));
	assert_int_equal(flow_signals(s, "w", "{'build':7}", &err), 0);
	assert_stages(s, "w succeeded");
	assert_string_equal(value(s, 0), "{\"build\":7}");
}

static void
a_signal_before_the_stage_begins_counts(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s,
		"{'stages':[{'name':'a','run':{'template':'t'}},{'name':'w','wait':{'signal':{}}}]}");
	assert_int_equal(flow_signals(s, "w", "1", &err), 0);
	assert_stages(s, "a starting, w waiting");
	flow_passes(s, "a", 0, 1, "{}");
	assert_stages(s, "a succeeded, w succeeded");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
later_signals_change_nothing(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, WAIT("{'all':[{'signal':{}},{'approval':{}}]}"));
	assert_int_equal(flow_signals(s, "w", "1", &err), 0);
	(void)flow_told(s);
	assert_int_equal(flow_signals(s, "w", "2", &err), 0);
	assert_string_equal(value(s, 0), "1");
	assert_string_equal(flow_told(s), "wait.observed");
	for (int i = 0; i < 100; i++)
		assert_int_equal(flow_signals(s, "w", "3", &err), 0);
	size_t n = strlen(flow_told(s));
	assert_true(n > 0 && n <= WAIT_REPEATS_MAX * strlen("wait.observed "));
	assert_string_equal(value(s, 0), "1");
}

static void
a_signal_after_the_flow_has_ended_changes_nothing(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, WAIT("{'signal':{}}"));
	flow_later(s, HOURS_MS(2));
	assert_flow_is(s, JOB_FAILED, JOB_REASON_WAIT_TIMED_OUT);
	assert_int_equal(flow_signals(s, "w", "1", &err), 0);
	assert_flow_is(s, JOB_FAILED, JOB_REASON_WAIT_TIMED_OUT);
	assert_stages(s, "w timed_out");
}

static void
a_signal_for_a_stage_that_waits_for_none_is_refused(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, WAIT("{'timer':{'for':'1m'}}"));
	assert_int_equal(flow_signals(s, "w", "1", &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(flow_signals(s, "zzz", "1", &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void
a_new_incarnation_waits_for_a_new_signal(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, WAIT("{'signal':{}}"));
	assert_int_equal(flow_signals(s, "w", "1", &err), 0);
	flow_starts(s, FLOW_FROM_BEGIN, NULL);
	assert_stages(s, "w running");
	assert_int_equal(flow_signals(s, "w", "2", &err), 0);
	assert_string_equal(value(s, 0), "2");
}

#define REFUSED_BEFORE_A_SIGNAL                            \
	"{'stages':[{'name':'go','wait':{'approval':{}}}," \
	"{'name':'w','wait':{'signal':{}}}]}"

/* Whoever sent it was told that it was taken, and will not send it again. */
static void
a_signal_that_came_before_its_stage_outlives_a_restart(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, REFUSED_BEFORE_A_SIGNAL);
	assert_int_equal(flow_signals(s, "w", "7", &err), 0);
	assert_int_equal(flow_decides(s, "go", false, &err), 0);
	assert_stages(s, "go failed, w skipped");
	flow_starts(s, FLOW_FROM_FAILED, NULL);
	assert_int_equal(flow_decides(s, "go", true, &err), 0);
	assert_stages(s, "go succeeded, w succeeded");
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

static void
from_the_beginning_it_is_forgotten(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, REFUSED_BEFORE_A_SIGNAL);
	assert_int_equal(flow_signals(s, "w", "7", &err), 0);
	assert_int_equal(flow_decides(s, "go", false, &err), 0);
	flow_starts(s, FLOW_FROM_BEGIN, NULL);
	assert_int_equal(flow_decides(s, "go", true, &err), 0);
	assert_stages(s, "go succeeded, w running");
}

static void
of_several_signals_one_has_to_be_named(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s,
		WAIT("{'all':[{'name':'one','signal':{}},{'timer':{'for':'1m'}},"
		     "{'name':'two','signal':{}}]}"));
	assert_int_equal(flow_signals(s, "w", "1", &err), -1);
	assert_non_null(strstr(err.text, "say which by `condition`: 0 (one), 2 (two)"));
}

/* ---- timer ---- */

static void
a_timer_ends_after_its_time(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, WAIT("{'timer':{'for':'5m'}}"));
	assert_int_equal(s->job->due_ms, FLOW_START_MS + MINUTES_MS(5));
	flow_later(s, MINUTES_MS(5));
	assert_stages(s, "w succeeded");
}

static void
a_timer_ends_at_its_instant(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, WAIT("{'timer':{'until':'2026-01-01T01:00:00Z'}}"));
	flow_later(s, HOURS_MS(1));
	assert_stages(s, "w succeeded");
	flow_begin(s, WAIT("{'timer':{'until':'2020-01-01T01:00:00Z'}}"));
	assert_stages(s, "w succeeded");
}

static void
a_timer_may_be_an_expression(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		"{'stages':[{'name':'a','run':{'template':'t'}},"
		"{'name':'w','wait':{'timer':{'for':'${{ stages.a.results.pause }}'}}}]}");
	flow_passes(s, "a", 0, 1, "{'pause':'90s'}");
	assert_stages(s, "a succeeded, w running");
	assert_int_equal(s->job->due_ms, s->uow.now_ms + SECONDS_MS(90));
}

static void
a_timer_whose_expression_gives_no_time_fails(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		"{'stages':[{'name':'a','run':{'template':'t'}},"
		"{'name':'w','wait':{'timer':{'for':'${{ stages.a.results.pause }}'}}}]}");
	flow_passes(s, "a", 0, 1, "{'pause':'soon'}");
	assert_stages(s, "a succeeded, w failed");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_WAIT_FAILED);
}

/* ---- approval ---- */

static void
an_approval_tells_who_and_why(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, WAIT("{'approval':{'text':'Ship it?'}}"));
	assert_int_equal(flow_decides(s, "w", true, &err), 0);
	assert_stages(s, "w succeeded");
	assert_string_equal(value(s, 0), "{\"by\":\"ada\",\"note\":\"looks right\"}");
}

static void
a_rejection_ends_the_flow_as_rejected(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, WAIT("{'approval':{}}"));
	assert_int_equal(flow_decides(s, "w", false, &err), 0);
	assert_stages(s, "w failed");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_REJECTED);
	assert_string_equal(stage_error(s), "rejected by ada: looks right");
}

static void
an_approval_that_nobody_waits_for_is_refused(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, WAIT("{'approval':{}}"));
	assert_int_equal(flow_decides(s, "w", true, &err), 0);
	assert_int_equal(flow_decides(s, "w", false, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
}

/* ---- another job ---- */

#define OTHER "018f0000-0000-7000-8000-000000000001"

static struct flow_job_end
other_ends(enum job_state state, enum job_reason reason)
{
	struct flow_job_end end = { .state = state, .reason = reason };

	assert_int_equal(uuid_parse(STR(OTHER), &end.job.u), 0);
	return end;
}

static void
waits_for_the_end_of_a_job_and_takes_its_results(void **state)
{
	struct flow_scene *s = *state;
	struct flow_job_end end = other_ends(JOB_FAILED, JOB_REASON_TESTS_FAILED);

	flow_begin(s, WAIT("{'job':'" OTHER "'}"));
	assert_string_equal(flow_followed(s), "watch nobody");
	flow_job_ended(&s->uow, s->job, &end);
	assert_string_equal(flow_asked(s), "collect w.0#1");
	assert_stages(s, "w running");
	flow_collects(s, "w", 0, 1, "{'x':1}");
	assert_stages(s, "w succeeded");
	assert_string_equal(value(s, 0),
		"{\"id\":\"" OTHER
		"\",\"status\":\"failed\",\"reason\":\"tests_failed\",\"results\":{\"x\":1}}");
}

static void
another_end_than_the_wanted_one_fails(void **state)
{
	struct flow_scene *s = *state;
	struct flow_job_end end = other_ends(JOB_FAILED, JOB_REASON_TESTS_FAILED);

	flow_begin(s, WAIT("{'job':'" OTHER "','state':'completed'}"));
	flow_job_ended(&s->uow, s->job, &end);
	assert_stages(s, "w failed");
	assert_string_equal(stage_error(s), "the job ended failed, not completed");
}

static void
a_job_that_is_not_there_fails(void **state)
{
	struct flow_scene *s = *state;
	struct flow_job_end end = other_ends(JOB_QUEUED, JOB_REASON_NONE);

	end.is_gone = true;
	flow_begin(s, WAIT("{'job':'" OTHER "'}"));
	flow_job_ended(&s->uow, s->job, &end);
	assert_stages(s, "w failed");
}

static void
a_restarted_engine_watches_again(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, WAIT("{'job':'" OTHER "'}"));
	(void)flow_followed(s);
	flow_reboot(s);
	assert_string_equal(flow_followed(s), "watch nobody");
}

/* ---- any, all ---- */

static void
any_ends_with_the_first(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s,
		"{'stages':[{'name':'w','wait':{'any':[{'name':'hook','signal':{}},"
		"{'http':{'request':'GET http://x/'}}]}},"
		"{'name':'b','run':{'template':'${{ stages.w.state }}'}}]}");
	assert_int_equal(flow_signals(s, "w", "{'n':1}", &err), 0);
	assert_stages(s, "w succeeded, b starting");
	const struct effect *effect = flow_effect(s, EFFECT_FLOW_LAUNCH, "b", 0, 1);
	assert_non_null(strstr(effect->scope.p, "\"values\":{\"hook\":{\"n\":1}}"));
	flow_looks(s, "w", 1, 1, 200, "5");
	assert_stages(s, "w succeeded, b starting");
}

static void
any_fails_when_all_have_failed(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s,
		WAIT("{'any':[{'approval':{}},{'http':{'request':'GET http://x/','failIf':'true'}}]}"));
	flow_looks(s, "w", 1, 1, 200, "5");
	assert_stages(s, "w running");
	assert_int_equal(flow_decides(s, "w", false, &err), 0);
	assert_stages(s, "w failed");
}

static void
all_needs_every_one(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, WAIT("{'all':[{'signal':{}},{'timer':{'for':'1m'}}]}"));
	assert_int_equal(flow_signals(s, "w", "1", &err), 0);
	assert_stages(s, "w running");
	flow_later(s, MINUTES_MS(1));
	assert_stages(s, "w succeeded");
}

static void
all_fails_with_the_first_that_failed(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s, WAIT("{'all':[{'signal':{}},{'name':'boss','approval':{}}]}"));
	assert_int_equal(flow_decides(s, "w", false, &err), 0);
	assert_stages(s, "w failed");
	assert_string_equal(stage_error(s), "boss: rejected by ada: looks right");
	assert_flow_is(s, JOB_FAILED, JOB_REASON_REJECTED);
}

/* ---- two flows ---- */

static void
reports_of_one_flow_do_not_reach_another(void **state)
{
	struct flow_scene *s = *state;
	struct err err;
	struct job *first = flow_begin(s, WAIT("{'signal':{}}"));
	struct job *second = flow_begin(s, WAIT("{'signal':{}}"));

	assert_int_equal(flow_signals(s, "w", "1", &err), 0);
	assert_int_equal(second->state, JOB_COMPLETED);
	assert_int_equal(first->state, JOB_RUNNING);
}

/* ---- explain ---- */

static void
explain_says_what_it_waits_for(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, POLL(""));
	flow_looks(s, "w", 0, 1, 200, "'PENDING'");
	const struct explanation *why = flow_explain(&s->uow, s->job, &s->arena);
	assert_non_null(strstr(why->sentence, "the last look found \"PENDING\""));
	assert_int_equal(why->blockers[0].kind, BLOCKER_FLOW_HTTP);
	assert_true(why->blockers[0].until_ms > s->uow.now_ms);
	assert_int_equal(why->blockers[1].kind, BLOCKER_FLOW_DEADLINE);
	flow_begin(s, WAIT("{'approval':{'text':'Ship it?'}}"));
	why = flow_explain(&s->uow, s->job, &s->arena);
	assert_string_equal(
		why->sentence, "Stage \"w\" waits for a person to approve: Ship it?");
}

#define T(test) cmocka_unit_test_setup_teardown(test, flow_scene_setup, flow_scene_teardown)

static void
a_deep_answer_is_judged(void **state)
{
	struct flow_scene *s = *state;
	char deep[2 * 40 + 2] = "";

	memset(deep, '[', 40);
	deep[40] = '1';
	memset(deep + 41, ']', 40);
	flow_begin(s,
		"{'stages':[{'name':'w','wait':{'http':{'request':'GET http://x/',"
		"'until':'length(.) == 1'}}}]}");
	flow_looks(s, "w", 0, 1, 200, deep);
	assert_flow_is(s, JOB_COMPLETED, JOB_REASON_PASSED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(looks_at_once_and_again_until_it_holds),
		T(fail_if_is_judged_first),
		T(the_interval_grows_up_to_its_maximum),
		T(jitter_keeps_within_its_share),
		T(retry_after_is_honoured_up_to_the_maximum),
		T(without_until_a_good_status_is_enough),
		T(statuses_say_which_are_good),
		T(another_status_is_a_miss_whatever_the_body),
		T(until_may_judge_the_status_itself),
		T(predicates_see_headers_and_body),
		T(a_predicate_that_does_not_fit_is_a_miss_that_is_told),
		T(too_many_looks_that_reach_nobody_fail_it),
		T(an_answer_forgives_the_misses_before),
		T(a_refused_address_fails_it_at_once),
		T(a_late_or_repeated_look_changes_nothing),
		T(each_look_is_an_event),
		T(a_large_value_is_not_kept),
		T(a_restarted_engine_looks_again_at_once),
		T(a_look_that_nobody_reports_is_asked_for_again),
		T(paused_takes_no_look),
		T(the_deadline_is_an_instant),
		T(a_wait_has_an_hour_when_it_does_not_say),
		T(cancel_ends_a_wait_at_once),
		T(a_signal_brings_its_payload),
		T(a_signal_before_the_stage_begins_counts),
		T(later_signals_change_nothing),
		T(a_signal_after_the_flow_has_ended_changes_nothing),
		T(a_signal_for_a_stage_that_waits_for_none_is_refused),
		T(a_new_incarnation_waits_for_a_new_signal),
		T(a_signal_that_came_before_its_stage_outlives_a_restart),
		T(from_the_beginning_it_is_forgotten),
		T(of_several_signals_one_has_to_be_named),
		T(a_timer_ends_after_its_time),
		T(a_timer_ends_at_its_instant),
		T(a_timer_may_be_an_expression),
		T(a_timer_whose_expression_gives_no_time_fails),
		T(an_approval_tells_who_and_why),
		T(a_rejection_ends_the_flow_as_rejected),
		T(an_approval_that_nobody_waits_for_is_refused),
		T(waits_for_the_end_of_a_job_and_takes_its_results),
		T(another_end_than_the_wanted_one_fails),
		T(a_job_that_is_not_there_fails),
		T(a_restarted_engine_watches_again),
		T(any_ends_with_the_first),
		T(any_fails_when_all_have_failed),
		T(all_needs_every_one),
		T(all_fails_with_the_first_that_failed),
		T(reports_of_one_flow_do_not_reach_another),
		T(explain_says_what_it_waits_for),
		T(a_deep_answer_is_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
