/* SPDX-License-Identifier: Apache-2.0 */
/* docs/protocol/flows.md §1: what is refused when a flow is submitted or saved, and where. */
#include "base/limits.h"
#include "core/flow_impl.h"
#include "job_reader.h"

#define RUN "\"run\":{\"template\":\"step\"}"
#define A "{\"name\":\"a\"," RUN "}"
#define STAGES(stages) "{\"stages\":[" stages "]}"
#define HTTP(more) "{\"http\":{\"request\":\"GET http://x/\"" more "}}"
#define WAIT(wait) STAGES("{\"name\":\"w\",\"wait\":" wait "}")

static void
refuses(const char *text, const char *pointer)
{
	reader_refuses(text, pointer, ISSUE_INVALID);
}

/* The detail of the offence at that place. */
static void
refuses_with(const char *text, const char *pointer, const char *detail)
{
	reader_issues = (struct issues) { .arena = &reader_arena };
	reader_refuses(text, pointer, ISSUE_INVALID);
	/* The reader has forgotten how many there were, not what they were. */
	for (size_t i = 0; i < JSON_ISSUES_MAX && reader_issues.item[i].pointer; i++) {
		if (strcmp(reader_issues.item[i].pointer, pointer) == 0 &&
			strstr(reader_issues.item[i].detail, detail))
			return;
	}
	fail_msg("\"%s\" does not say \"%s\"", reader_issues.item[0].detail, detail);
}

static void
a_flow_has_no_tests_of_its_own(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok(STAGES(A));

	assert_int_equal(spec.n_tests, 0);
	assert_non_null(spec.flow);
	assert_string_equal(spec.name, "flow");
	refuses("{\"tests\":[" HI "],\"stages\":[" A "]}", "/tests");
	refuses("{\"concurrency\":3,\"stages\":[" A "]}", "/concurrency");
	refuses("{\"priority\":3,\"stages\":[" A "]}", "/priority");
	refuses("{\"template\":\"step\",\"stages\":[" A "]}", "/template");
}

/* A slip must not show after hours of waiting. */
static void
names_are_looked_up_when_the_flow_is_asked_for(void **state)
{
	(void)state;
	refuses_with(STAGES("{\"name\":\"a\",\"run\":{\"template\":\"stepp\"}}"),
		"/stages/0/run/template", "there is no template \"stepp\"");
	refuses_with(STAGES(A ",{\"name\":\"b\",\"run\":{\"flow\":\"nightlyy\"}}"),
		"/stages/1/run/flow", "there is no flow \"nightlyy\"");
	refuses_with("{\"chain\":[{\"template\":\"step\"},{\"template\":\"stepp\"}]}",
		"/chain/1/template", "there is no template");
	refuses_with("{\"attempts\":{\"max\":2,\"run\":{\"template\":\"stepp\"}}}",
		"/attempts/run/template", "there is no template");
	refuses_with(STAGES("{\"name\":\"a\",\"run\":{\"tests\":[{\"test\":\"nobody\"}]}}"),
		"/stages/0/run/tests/0/test", "there is no test \"nobody\"");
	refuses_with(STAGES("{\"name\":\"a\",\"run\":{\"tests\":[{\"tags\":\"smokee\"}]}}"),
		"/stages/0/run/tests/0", "no test is selected");
	/* How tests end may change until then, and what an expression gives. */
	(void)reader_ok(STAGES(
		"{\"name\":\"a\",\"run\":{\"tests\":[{\"tags\":\"smoke\",\"last\":\"flaky\"}]}}"));
	(void)reader_ok(STAGES(
		"{\"name\":\"a\",\"matrix\":{\"t\":[\"x\"]},\"run\":{\"template\":\"${{ matrix.t }}\"}}"));
}

static void
parameters_of_what_is_named_are_looked_at(void **state)
{
	(void)state;
	reader_refuses(STAGES("{\"name\":\"a\",\"run\":{\"template\":\"shop\"}}"),
		"/stages/0/run/params/bin", ISSUE_MISSING);
	reader_refuses(STAGES("{\"name\":\"a\",\"run\":{\"template\":\"shop\",\"params\":"
			      "{\"bin\":\"x\",\"bni\":\"x\"}}}"),
		"/stages/0/run/params/bni", ISSUE_UNKNOWN);
	refuses(STAGES("{\"name\":\"a\",\"run\":{\"template\":\"shop\",\"params\":"
		       "{\"bin\":\"x\",\"n\":\"two\"}}}"),
		"/stages/0/run/params/n");
	refuses_with(
		STAGES("{\"name\":\"a\",\"matrix\":{\"x\":[1,2]}," RUN
		       "},{\"name\":\"b\",\"pass\":{\"bin\":\"path\"},\"run\":{\"template\":\"shop\"}}"),
		"/stages/1/pass", "are a list");
	(void)reader_ok(STAGES(A ",{\"name\":\"b\",\"pass\":{\"bin\":\"path\"},"
				 "\"run\":{\"template\":\"shop\"}}"));
	(void)reader_ok(STAGES(A ",{\"name\":\"b\",\"run\":{\"template\":\"shop\",\"params\":"
				 "{\"bin\":\"x\",\"n\":\"${{ stages.a.results.n }}\"}}}"));
}

static void
a_saved_flow_is_laid_under_the_request(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok("{\"flow\":\"nightly\",\"params\":{\"n\":5}}");

	assert_string_equal(spec.name, "nightly");
	assert_int_equal(spec.template_id.u.b[0], 10);
	assert_non_null(strstr(spec.flow, "\"params\":{\"n\":5}"));
	assert_non_null(strstr(spec.options.p, "\"flow\":\"nightly\",\"flowRevision\":2"));
	spec = reader_ok("{\"flow\":\"nightly\"}");
	assert_non_null(strstr(spec.flow, "\"template\":\"step\",\"params\":{\"n\":3}"));
	refuses("{\"flow\":\"none\"}", "/flow");
}

static void
names_are_unique_and_plain(void **state)
{
	(void)state;
	reader_refuses(STAGES(A "," A), "/stages/1/name", ISSUE_DUPLICATE);
	refuses(STAGES("{\"name\":\"a b\"," RUN "}"), "/stages/0/name");
	reader_refuses(STAGES("{" RUN "}"), "/stages/0/name", ISSUE_MISSING);
}

static void
a_stage_runs_or_waits(void **state)
{
	(void)state;
	refuses(STAGES("{\"name\":\"a\"}"), "/stages/0");
	refuses(STAGES("{\"name\":\"a\"," RUN ",\"wait\":{\"signal\":{}}}"), "/stages/0");
	refuses(STAGES("{\"name\":\"w\",\"wait\":{\"signal\":{}},\"retry\":{\"max\":1}}"),
		"/stages/0/retry");
	refuses(STAGES("{\"name\":\"w\",\"wait\":{\"signal\":{}},\"matrix\":{\"a\":[1]}}"),
		"/stages/0/matrix");
}

static void
needs_name_stages(void **state)
{
	(void)state;
	refuses(STAGES(A ",{\"name\":\"b\",\"needs\":[\"c\"]," RUN "}"), "/stages/1/needs/0");
	refuses(STAGES("{\"name\":\"a\",\"needs\":[\"a\"]," RUN "}"), "/stages/0/needs/0");
	(void)reader_ok(STAGES("{\"name\":\"a\",\"needs\":[\"b\"]," RUN
			       "},{\"name\":\"b\",\"needs\":[]," RUN "}"));
}

static void
circles_are_refused(void **state)
{
	(void)state;
	refuses_with(STAGES("{\"name\":\"a\",\"needs\":[\"b\"]," RUN
			    "},{\"name\":\"b\",\"needs\":[\"a\"]," RUN "}"),
		"/stages/0/needs", "a circle");
}

static void
a_stage_that_could_never_begin_is_refused(void **state)
{
	(void)state;
	refuses(STAGES("{\"name\":\"a\",\"when\":\"failure\"," RUN "}"), "/stages/0/when");
	refuses(STAGES("{\"name\":\"a\",\"continueOnFailure\":true," RUN
		       "},{\"name\":\"b\",\"when\":\"failure\"," RUN "}"),
		"/stages/1/when");
	(void)reader_ok(STAGES(A ",{\"name\":\"b\",\"when\":\"failure\"," RUN "}"));
}

static void
expressions_see_only_what_is_needed(void **state)
{
	(void)state;
	refuses_with(STAGES(A ",{\"name\":\"b\",\"needs\":[],\"run\":{\"template\":\"step\","
			      "\"params\":{\"u\":\"${{ stages.a.results.u }}\"}}}"),
		"/stages/1/run/params/u", "is not needed by this one");
	(void)reader_ok(STAGES(
		A ",{\"name\":\"b\"," RUN "},{\"name\":\"c\",\"run\":{\"template\":\"step\","
		  "\"params\":{\"u\":\"${{ stages.a.results.u }}\"}}}"));
	refuses_with(STAGES(A ",{\"name\":\"b\",\"when\":\"stages.zz.state == 1\"," RUN "}"),
		"/stages/1/when", "character 1");
	refuses_with(
		STAGES(A ",{\"name\":\"b\",\"when\":\"true and stages.a.resultz\"," RUN "}"),
		"/stages/1/when", "character 10");
}

static void
expressions_are_parsed_before_anything_runs(void **state)
{
	(void)state;
	refuses_with(
		WAIT(HTTP(",\"until\":\". ==\"")), "/stages/0/wait/http/until", "character");
	refuses(WAIT(HTTP(",\"failIf\":\"nobody.knows\"")), "/stages/0/wait/http/failIf");
	refuses(STAGES("{\"name\":\"a\",\"run\":{\"template\":\"${{ matrix.b }}\"}}"),
		"/stages/0/run/template");
	(void)reader_ok(STAGES("{\"name\":\"a\",\"matrix\":{\"b\":[\"shop\"]},"
			       "\"run\":{\"template\":\"${{ matrix.b }}\"}}"));
	refuses(STAGES("{\"name\":\"a\",\"run\":{\"template\":\"step\","
		       "\"params\":{\"u\":\"${{ params.none }}\"}}}"),
		"/stages/0/run/params/u");
}

static void
signals_of_stages_that_have_one(void **state)
{
	(void)state;
	(void)reader_ok(STAGES("{\"name\":\"a\",\"run\":{\"template\":\"step\","
			       "\"params\":{\"u\":\"${{ signals.w.url }}\"}}},"
			       "{\"name\":\"w\",\"wait\":{\"signal\":{}}}"));
	refuses(STAGES("{\"name\":\"a\",\"run\":{\"template\":\"step\","
		       "\"params\":{\"u\":\"${{ signals.a.url }}\"}}}"),
		"/stages/0/run/params/u");
}

static void
a_matrix_is_bounded_and_has_items(void **state)
{
	(void)state;
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(1));
	int r = buf_adds(&text, "{\"stages\":[{\"name\":\"a\"," RUN ",\"matrix\":{\"x\":[0");

	for (int i = 1; i < 40; i++)
		r |= buf_addf(&text, ",%d", i);
	r |= buf_adds(&text, "],\"y\":[0");
	for (int i = 1; i < 40; i++)
		r |= buf_addf(&text, ",%d", i);
	r |= buf_adds(&text, "]}}]}");
	assert_int_equal(r, 0);
	reader_refuses(text.data, "/stages/0/matrix", ISSUE_LIMIT);
	refuses(STAGES("{\"name\":\"a\",\"matrix\":{\"x\":[]}," RUN "}"), "/stages/0/matrix");
	refuses(STAGES("{\"name\":\"a\",\"matrix\":{\"x\":1}," RUN "}"), "/stages/0/matrix");
	refuses(STAGES("{\"name\":\"a\",\"matrix\":5," RUN "}"), "/stages/0/matrix");
}

static void
stages_are_bounded(void **state)
{
	(void)state;
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(1));
	int r = buf_adds(&text, "{\"stages\":[");

	for (int i = 0; i <= FLOW_STAGES_MAX; i++)
		r |= buf_addf(&text, "%s{\"name\":\"s%d\"," RUN "}", i > 0 ? "," : "", i);
	r |= buf_adds(&text, "]}");
	assert_int_equal(r, 0);
	refuses(text.data, "/stages");
	refuses("{\"stages\":[]}", "/stages");
}

static void
a_wait_is_one_condition_or_any_or_all(void **state)
{
	(void)state;
	refuses(WAIT("{\"signal\":{},\"timer\":{\"for\":\"1s\"}}"), "/stages/0/wait");
	refuses(WAIT("{\"any\":[{\"signal\":{}}],\"signal\":{}}"), "/stages/0/wait");
	refuses(WAIT("{\"any\":[{\"signal\":{}}],\"all\":[{\"signal\":{}}]}"),
		"/stages/0/wait");
	refuses(WAIT("{\"any\":[{\"name\":\"x\"}]}"), "/stages/0/wait/any/0");
	refuses(WAIT("{\"any\":[]}"), "/stages/0/wait/any");
	reader_refuses(
		WAIT("{\"any\":[{\"name\":\"x\",\"signal\":{}},{\"name\":\"x\",\"signal\":{}}]}"),
		"/stages/0/wait/any/1/name", ISSUE_DUPLICATE);
	reader_refuses(WAIT("{\"any\":[{\"any\":[{\"signal\":{}}]}]}"),
		"/stages/0/wait/any/0/any", ISSUE_UNKNOWN);
}

static void
conditions_are_checked(void **state)
{
	(void)state;
	refuses(WAIT("{\"timer\":{}}"), "/stages/0/wait/timer");
	refuses(WAIT("{\"timer\":{\"for\":\"soon\"}}"), "/stages/0/wait/timer/for");
	refuses(WAIT("{\"timer\":{\"until\":\"tomorrow\"}}"), "/stages/0/wait/timer/until");
	refuses(WAIT("{\"job\":\"abc\"}"), "/stages/0/wait/job");
	refuses(WAIT("{\"signal\":{},\"state\":\"completed\"}"), "/stages/0/wait/state");
	refuses(WAIT(HTTP(",\"select\":\"state\"")), "/stages/0/wait/http/select");
	refuses(WAIT(HTTP(",\"statuses\":[700]")), "/stages/0/wait/http/statuses/0");
	refuses(WAIT(HTTP(",\"statuses\":[\"300-200\"]")), "/stages/0/wait/http/statuses/0");
	reader_refuses(WAIT("{\"http\":{}}"), "/stages/0/wait/http/request", ISSUE_MISSING);
}

static void
intervals_have_limits(void **state)
{
	(void)state;
	reader_refuses(WAIT(HTTP(",\"interval\":{\"every\":\"99ms\"}")),
		"/stages/0/wait/http/interval/every", ISSUE_INVALID);
	reader_refuses(
		WAIT(HTTP(",\"timeout\":\"61s\"")), "/stages/0/wait/http/timeout", ISSUE_LIMIT);
	reader_refuses(STAGES("{\"name\":\"w\",\"timeout\":\"400d\",\"wait\":{\"signal\":{}}}"),
		"/stages/0/timeout", ISSUE_LIMIT);
}

static void
the_job_of_a_stage_is_checked_as_far_as_it_can_be(void **state)
{
	(void)state;
	reader_refuses(STAGES("{\"name\":\"a\",\"run\":{\"template\":\"step\",\"prams\":{}}}"),
		"/stages/0/run/prams", ISSUE_UNKNOWN);
	reader_refuses(STAGES("{\"name\":\"a\",\"run\":{\"priority\":1}}"), "/stages/0/run",
		ISSUE_MISSING);
	refuses(STAGES("{\"name\":\"a\",\"run\":{\"template\":\"step\",\"concurrency\":\"x\"}}"),
		"/stages/0/run/concurrency");
	(void)reader_ok(STAGES(A ",{\"name\":\"b\",\"run\":{\"template\":\"step\","
				 "\"concurrency\":\"${{ stages.a.results.n }}\"}}"));
	refuses(STAGES("{\"name\":\"a\",\"run\":{\"stages\":[" A "]}}"),
		"/stages/0/run/stages");
	(void)reader_ok(STAGES("{\"name\":\"a\",\"run\":{\"flow\":\"nightly\"}}"));
}

static void
parameters_are_filled_in_at_once(void **state)
{
	(void)state;
	struct job_spec spec =
		reader_ok("{\"params\":{\"u\":\"http://x\",\"t\":\"5m\"},\"stages\":["
			  "{\"name\":\"w\",\"timeout\":\"${{ params.t }}\",\"wait\":{\"http\":"
			  "{\"request\":\"GET ${{ params.u }}/y\"}}}]}");

	assert_non_null(strstr(spec.flow, "\"GET http://x/y\""));
	assert_non_null(strstr(spec.flow, "\"timeout\":\"5m\""));
}

static void
the_text_that_is_kept_reads_back(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok(
		"{\"limit\":2,\"stages\":[{\"name\":\"a\",\"matrix\":{\"b\":[1,2]},"
		"\"maxParallel\":3,\"retry\":{\"max\":2,\"delay\":\"1s\",\"on\":[\"failed\"]}," RUN
		"},{\"name\":\"w\",\"timeout\":\"9s\",\"wait\":{\"all\":[{\"signal\":{}},"
		"{\"name\":\"x\",\"http\":{\"request\":\"GET http://x/\",\"statuses\":[404]}}]}}]}");
	struct flow_spec flow;
	struct err err;

	assert_int_equal(flow_spec_read(spec.flow, &reader_arena, &flow, &err), 0);
	assert_int_equal(flow.n, 2);
	assert_int_equal(flow.limit, 2);
	assert_int_equal(flow.stages[0].max_parallel, 3);
	assert_int_equal(flow.stages[0].retry.max, 2);
	assert_int_equal(flow.stages[0].retry.delay_ms, 1000);
	assert_int_equal(flow.stages[1].timeout_ms, 9000);
	assert_int_equal(flow.stages[1].mode, WAIT_ALL);
	assert_int_equal(flow.stages[1].conditions[1].statuses[0].from, 404);
	assert_true(stage_is_above(&flow.stages[1], 0));
}

static void
short_forms_become_stages(void **state)
{
	(void)state;
	struct job_spec spec = reader_ok(
		"{\"chain\":[{\"template\":\"step\"},{\"template\":\"step\"}],\"pass\":{\"u\":\"v\"}}");

	assert_non_null(strstr(spec.flow,
		"{\"name\":\"2\",\"run\":{\"template\":\"step\"},\"pass\":{\"u\":\"v\"}}"));
	refuses("{\"chain\":[{\"template\":\"step\"}],\"parallel\":[{\"template\":\"step\"}]}",
		"");
	refuses("{\"chain\":[]}", "/chain");
	refuses("{\"attempts\":{\"run\":{\"template\":\"step\"},\"max\":0}}", "/attempts/max");
	refuses("{\"parallel\":[{\"template\":\"step\"}],\"pass\":{\"u\":\"v\"}}", "/pass");
	refuses("{\"chain\":[{\"template\":\"step\"}],\"allowFailures\":true}",
		"/allowFailures");
}

#define COMMAND(arg) "[{\"kind\":\"command\",\"name\":\"t\",\"argv\":[\"x\",\"" arg "\"]}]"
#define INLINE(arg) "{\"tests\":" COMMAND(arg) "}"
#define DECLARING(arg) "{\"params\":{\"tok\":{\"type\":\"string\"}},\"tests\":" COMMAND(arg) "}"

static void
a_run_with_tests_may_have_parameters_of_its_own(void **state)
{
	(void)state;
	/* Known when the stage is launched: they stay as they are. */
	struct job_spec spec =
		reader_ok("{\"params\":{\"url\":\"u\"},\"chain\":[" INLINE("a") "," DECLARING(
			"${{ params.tok }}${{ params.url }}") "],"
							      "\"pass\":{\"tok\":\"token\"}}");

	assert_non_null(strstr(spec.flow, "\"${{ params.tok }}${{ params.url }}\""));
	/* `params` in a value is the flow's. */
	spec = reader_ok(
		"{\"params\":{\"url\":\"u\"},\"stages\":[{\"name\":\"a\",\"run\":{\"params\":"
		"{\"to\":\"${{ params.url }}/x\"},\"tests\":" COMMAND(
			"${{ params.to }}") "}}]}");
	assert_non_null(strstr(spec.flow, "\"to\":\"u/x\""));
	/* Passed without being declared. */
	spec = reader_ok("{\"chain\":[" INLINE("a") "," INLINE(
		"${{ params.tok }}") "],\"pass\":{\"tok\":\"token\"}}");
	refuses("{\"chain\":[" INLINE("a") "," INLINE(
			"${{ params.top }}") "],"
					     "\"pass\":{\"tok\":\"token\"}}",
		"/chain/1/tests/0/argv/1");
	reader_refuses("{\"chain\":[" DECLARING("a") "," DECLARING(
			       "b") "],"
				    "\"pass\":{\"tok\":\"token\"}}",
		"/chain/0/params/tok", ISSUE_MISSING);
}

static void
places_are_those_of_the_short_form(void **state)
{
	(void)state;
	refuses("{\"chain\":[{\"template\":\"x\",\"priority\":\"high\"}]}",
		"/chain/0/priority");
	refuses("{\"parallel\":[{\"template\":\"step\"},{\"stages\":[]}]}",
		"/parallel/1/stages");
	refuses("{\"attempts\":{\"max\":2,\"run\":{\"template\":7}}}",
		"/attempts/run/template");
	refuses("{\"chain\":[{\"template\":\"step\"},{\"template\":\"step\"}],\"pass\":{\"u\":7}}",
		"/pass/u");
}

static void
pass_needs_one_stage_before(void **state)
{
	(void)state;
	refuses(STAGES("{\"name\":\"a\",\"pass\":{\"u\":\"v\"}," RUN "}"), "/stages/0/pass");
}

static void
an_output_schema_is_one(void **state)
{
	(void)state;
	refuses(STAGES("{\"name\":\"a\",\"outputSchema\":{\"type\":\"nothing\"}," RUN "}"),
		"/stages/0/outputSchema/type");
}

/* ---- saved flows ---- */

static int
save(const char *text, struct definition_head *head)
{
	_cleanup_(json_unrefp) json_t *flow = reader_json(text);

	reader_issues.n = 0;
	return flow_definition_read(flow, &reader_arena, &reader_issues, head);
}

static void
a_saved_flow_has_a_name_and_stages(void **state)
{
	(void)state;
	struct definition_head head;

	assert_int_equal(save("{\"stages\":[" A "]}", &head), -1);
	assert_string_equal(reader_issues.item[0].pointer, "/name");
	assert_int_equal(save("{\"name\":\"n\"}", &head), -1);
	assert_int_equal(
		save("{\"name\":\"n\",\"tags\":[\"x\"],\"stages\":[" A "]}", &head), 0);
	assert_string_equal(head.name, "n");
	assert_string_equal(head.tags, "[\"x\"]");
	assert_int_equal(save(reader_nightly, &head), 0);
}

static void
a_saved_flow_may_leave_values_to_parameters(void **state)
{
	(void)state;
	struct definition_head head;

	assert_int_equal(
		save("{\"name\":\"n\",\"params\":{\"t\":{\"type\":\"string\"}},\"stages\":["
		     "{\"name\":\"w\",\"timeout\":\"${{ params.t }}\",\"wait\":{\"signal\":{}}}]}",
			&head),
		0);
	assert_int_equal(
		save("{\"name\":\"n\",\"stages\":[{\"name\":\"a\",\"needs\":[\"zz\"]," RUN
		     "}]}",
			&head),
		-1);
	assert_int_equal(save("{\"name\":\"n\",\"params\":{},\"stages\":[{\"name\":\"a\","
			      "\"run\":{\"template\":\"${{ params.none }}\"}}]}",
				 &head),
		-1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, reader_setup, reader_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_flow_has_no_tests_of_its_own),
		T(names_are_looked_up_when_the_flow_is_asked_for),
		T(parameters_of_what_is_named_are_looked_at),
		T(a_saved_flow_is_laid_under_the_request),
		T(names_are_unique_and_plain),
		T(a_stage_runs_or_waits),
		T(needs_name_stages),
		T(circles_are_refused),
		T(a_stage_that_could_never_begin_is_refused),
		T(expressions_see_only_what_is_needed),
		T(expressions_are_parsed_before_anything_runs),
		T(signals_of_stages_that_have_one),
		T(a_matrix_is_bounded_and_has_items),
		T(stages_are_bounded),
		T(a_wait_is_one_condition_or_any_or_all),
		T(conditions_are_checked),
		T(intervals_have_limits),
		T(the_job_of_a_stage_is_checked_as_far_as_it_can_be),
		T(parameters_are_filled_in_at_once),
		T(the_text_that_is_kept_reads_back),
		T(short_forms_become_stages),
		T(a_run_with_tests_may_have_parameters_of_its_own),
		T(places_are_those_of_the_short_form),
		T(pass_needs_one_stage_before),
		T(an_output_schema_is_one),
		T(a_saved_flow_has_a_name_and_stages),
		T(a_saved_flow_may_leave_values_to_parameters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
