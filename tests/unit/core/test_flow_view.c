/* SPDX-License-Identifier: Apache-2.0 */
/* What people see of a flow: its stages as JSON, and the sentences of explain. */
#include <stdlib.h>

#include "base/limits.h"
#include "core/explain.h"
#include "flow_scene.h"

#define RUN "'run':{'template':'t'}"
#define FLOW(stages) "{'stages':[" stages "]}"
#define WAIT(wait) FLOW("{'name':'w','timeout':'2h','wait':" wait "}")
#define OTHER "0193a6c2-7b1e-7cc0-9f3a-5d2f0c4e8b17"

/* The stages of the flow, read back. */
static json_t *
stages(struct flow_scene *s)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(1));
	struct err err;
	struct jw jw;
	json_t *tree;

	jw_init(&jw, &text);
	assert_int_equal(flow_stages_write(&jw, s->job, &s->arena, &err), 0);
	assert_int_equal(jw_done(&jw), 0);
	tree = json_read(text.data, text.len, JSON_DEPTH_MAX, &err);
	assert_non_null(tree);
	return tree;
}

/* A member below the stages: "/0/conditions/1/state", as JSON; "": there is none. */
static const char *
at(struct flow_scene *s, const char *path)
{
	_cleanup_(json_unrefp) json_t *tree = stages(s);
	json_t *value = tree;
	char *copy = arena_strdup(&s->arena, path), *rest = NULL, *dump;
	const char *text;

	for (char *key = strtok_r(copy, "/", &rest); key && value;
		key = strtok_r(NULL, "/", &rest))
		value = json_is_array(value) ? json_array_get(value, (size_t)(key[0] - '0'))
					     : json_object_get(value, key);
	if (!value)
		return "";
	dump = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	text = arena_strdup(&s->arena, dump);
	free(dump);
	return text;
}

static const struct explanation *
explained(struct flow_scene *s)
{
	return flow_explain(&s->uow, s->job, &s->arena);
}

#define assert_says(s, part)                                             \
	do {                                                             \
		const char *sentence = explained(s)->sentence;           \
		if (!strstr(sentence, part))                             \
			fail_msg("no \"%s\" in \"%s\"", part, sentence); \
	} while (0)

/* ---- stages ---- */

static void
a_stage_shows_needs_times_and_its_only_job(void **state)
{
	struct flow_scene *s = *state;
	char id[UUID_TEXT_LEN + 1];
	const char *shown;

	flow_begin(s,
		FLOW("{'name':'a','timeout':'1h'," RUN "},"
		     "{'name':'b','needs':['a'],'continueOnFailure':true," RUN "}"));
	assert_string_equal(at(s, "/0/name"), "\"a\"");
	assert_string_equal(at(s, "/0/kind"), "\"run\"");
	assert_string_equal(at(s, "/0/state"), "\"starting\"");
	assert_string_equal(at(s, "/0/needs"), "[]");
	assert_string_equal(at(s, "/0/deadlineAt"), "\"2026-01-01T01:00:00.000Z\"");
	assert_string_equal(at(s, "/0/job"), "");
	assert_string_equal(at(s, "/1/needs"), "[\"a\"]");
	assert_string_equal(at(s, "/1/continueOnFailure"), "true");
	assert_string_equal(at(s, "/1/startedAt"), "");
	uuid_format(&flow_launch(s, "a", 0, 1)->id.u, id);
	shown = arena_printf(&s->arena, "\"%s\"", id);
	assert_string_equal(at(s, "/0/job"), shown);
	assert_string_equal(at(s, "/0/items/0/job"), shown);
	assert_string_equal(at(s, "/0/attempt"), "1");
	assert_string_equal(at(s, "/0/endedAt"), "");
}

static void
what_a_stage_gave_is_shown_and_its_deadline_no_more(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','timeout':'1h'," RUN "}"));
	flow_passes(s, "a", 0, 1, "{'url':'x'}");
	assert_string_equal(at(s, "/0/state"), "\"succeeded\"");
	assert_string_equal(at(s, "/0/results"), "{\"url\":\"x\"}");
	assert_string_equal(at(s, "/0/endedAt"), "\"2026-01-01T00:00:00.000Z\"");
	assert_string_equal(at(s, "/0/deadlineAt"), "");
	assert_string_equal(at(s, "/0/error"), "");
}

static void
the_stage_that_failed_the_flow_is_marked(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a'," RUN "},{'name':'b'," RUN "}"));
	flow_fails(s, "a", 0, 1);
	assert_string_equal(at(s, "/0/failedFlow"), "true");
	assert_string_equal(at(s, "/1/failedFlow"), "");
	assert_string_equal(at(s, "/1/state"), "\"skipped\"");
	flow_begin(s, FLOW("{'name':'a'," RUN "}"));
	flow_launch_fails(s, "a", 0, 1, "no template \"t\"");
	assert_non_null(strstr(at(s, "/0/error"), "no template"));
}

static void
items_of_a_matrix_have_their_values_and_attempts(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		FLOW("{'name':'m','matrix':{'b':['x','y','z']},'maxParallel':2,"
		     "'retry':{'max':1,'delay':'1s'}," RUN "}"));
	flow_passes(s, "m", 0, 1, "{'n':1}");
	flow_fails(s, "m", 1, 1);
	assert_string_equal(at(s, "/0/results"), "");
	assert_string_equal(at(s, "/0/items/0/matrix"), "{\"b\":\"x\"}");
	assert_string_equal(at(s, "/0/items/0/state"), "\"succeeded\"");
	assert_string_equal(at(s, "/0/items/0/results"), "{\"n\":1}");
	assert_string_equal(at(s, "/0/items/1/matrix"), "{\"b\":\"y\"}");
	assert_string_equal(at(s, "/0/items/1/state"), "\"waiting\"");
	assert_string_not_equal(at(s, "/0/items/1/dueAt"), "");
	flow_later(s, SECONDS_MS(3));
	flow_launch(s, "m", 1, 2);
	assert_string_equal(at(s, "/0/items/1/attempt"), "2");
	assert_string_equal(at(s, "/0/items/1/state"), "\"running\"");
}

static void
a_wait_shows_its_last_look_and_the_next(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		WAIT("{'http':{'request':'GET http://x/','select':'/state','until':'. == `OK`',"
		     "'interval':{'every':'2s','jitter':0}}}"));
	assert_string_equal(at(s, "/0/conditions/0/kind"), "\"http\"");
	assert_string_equal(at(s, "/0/conditions/0/lastAt"), "");
	flow_looks(s, "w", 0, 1, 200, "'PENDING'");
	assert_string_equal(at(s, "/0/conditions/0/n"), "1");
	assert_string_equal(at(s, "/0/conditions/0/state"), "\"waiting\"");
	assert_string_equal(at(s, "/0/conditions/0/status"), "200");
	assert_string_equal(at(s, "/0/conditions/0/lastValue"), "\"PENDING\"");
	assert_string_equal(at(s, "/0/conditions/0/nextAt"), "\"2026-01-01T00:00:02.000Z\"");
	assert_string_equal(at(s, "/0/value"), "");
	flow_later(s, SECONDS_MS(2));
	flow_looks(s, "w", 0, 2, 200, "'OK'");
	assert_string_equal(at(s, "/0/value"), "\"OK\"");
	assert_string_equal(at(s, "/0/conditions/0/state"), "\"satisfied\"");
	assert_string_equal(at(s, "/0/conditions/0/nextAt"), "");
}

static void
a_wait_for_several_says_for_how_many(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(s,
		WAIT("{'any':[{'name':'hook','signal':{}},{'approval':{'text':'Go?'}},"
		     "{'timer':{'for':'10m'}},{'job':'" OTHER "'}]}"));
	assert_string_equal(at(s, "/0/mode"), "\"any\"");
	assert_string_equal(at(s, "/0/conditions/0/name"), "\"hook\"");
	assert_string_equal(at(s, "/0/conditions/1/text"), "\"Go?\"");
	assert_string_equal(at(s, "/0/conditions/2/endsAt"), "\"2026-01-01T00:10:00.000Z\"");
	assert_string_equal(at(s, "/0/conditions/3/job"), "\"" OTHER "\"");
	assert_string_equal(at(s, "/0/value"), "");
	assert_int_equal(flow_signals(s, "w", "{'v':7}", &err), 0);
	assert_string_equal(at(s, "/0/conditions/0/value"), "{\"v\":7}");
	assert_string_equal(at(s, "/0/conditions/2/endsAt"), "");
}

static void
what_cannot_be_read_is_an_error(void **state)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(4));
	struct flow_scene *s = *state;
	struct err err;
	struct jw jw;

	flow_begin(s, FLOW("{'name':'a'," RUN "}"));
	s->job->flow = arena_strdup(&s->arena, "{");
	jw_init(&jw, &text);
	assert_int_equal(flow_stages_write(&jw, s->job, &s->arena, &err), -1);
}

/* ---- explain ---- */

static void
a_run_stage_is_explained_by_its_jobs(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		FLOW("{'name':'m','matrix':{'b':['x','y','z']},"
		     "'retry':{'max':1,'delay':'1m','jitter':0}," RUN "}"));
	assert_says(s, "The jobs of stage \"m\" are being made.");
	flow_launch(s, "m", 0, 1);
	assert_says(s, "Stage \"m\" has 1 of 3 jobs under way.");
	assert_int_equal(explained(s)->blockers[0].kind, BLOCKER_FLOW_RUN);
	assert_int_equal(explained(s)->blockers[0].count, 1);
}

static void
an_attempt_to_come_says_when(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, FLOW("{'name':'a','retry':{'max':1,'delay':'1m','jitter':0}," RUN "}"));
	flow_fails(s, "a", 0, 1);
	assert_says(s, "The next attempt of stage \"a\" is due at 2026-01-01T00:01:00.000Z.");
	assert_int_equal(explained(s)->blockers[0].until_ms, FLOW_START_MS + MINUTES_MS(1));
}

static void
each_kind_of_wait_has_its_sentence(void **state)
{
	static const struct {
		const char *wait, *sentence;
		enum blocker_kind kind;
	} rows[] = {
		{ "{'http':{'request':'GET http://x/'}}",
			"looks at an address: nobody has looked yet", BLOCKER_FLOW_HTTP },
		{ "{'signal':{}}", "waits for a signal at its callback address.",
			BLOCKER_FLOW_SIGNAL },
		{ "{'timer':{'for':'10m'}}", "waits until 2026-01-01T00:10:00.000Z.",
			BLOCKER_FLOW_TIMER },
		{ "{'approval':{'text':'Release?'}}", "waits for a person to approve: Release?",
			BLOCKER_FLOW_APPROVAL },
		{ "{'approval':{}}", "waits for a person to approve.", BLOCKER_FLOW_APPROVAL },
		{ "{'job':'" OTHER "'}", "waits for the end of job " OTHER ".",
			BLOCKER_FLOW_JOB },
	};
	struct flow_scene *s = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(buf_deinit) struct buf request = BUF_INIT(KIB(4));

		assert_int_equal(
			buf_addf(&request, "{'stages':[{'name':'w','timeout':'2h','wait':%s}]}",
				rows[i].wait),
			0);
		flow_begin(s, buf_text(&request));
		const struct explanation *explanation = explained(s);

		assert_says(s, rows[i].sentence);
		assert_int_equal(explanation->n_blockers, 2);
		assert_int_equal(explanation->blockers[0].kind, rows[i].kind);
		assert_string_equal(explanation->blockers[0].subject, "w");
		assert_int_equal(explanation->blockers[1].kind, BLOCKER_FLOW_DEADLINE);
		assert_int_equal(
			explanation->blockers[1].until_ms, FLOW_START_MS + HOURS_MS(2));
	}
}

static void
the_last_look_is_told(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s,
		WAIT("{'http':{'request':'GET http://x/','select':'/state','until':'. == `OK`',"
		     "'interval':{'every':'1s','jitter':0,'factor':1}}}"));
	flow_looks(s, "w", 0, 1, 200, "'PENDING'");
	assert_says(s,
		"the last look found \"PENDING\"; the next is at "
		"2026-01-01T00:00:01.000Z.");
	flow_later(s, SECONDS_MS(1));
	flow_looks_nowhere(s, "w", 0, 2);
	assert_says(s, "the last look: ");
	flow_later(s, MINUTES_MS(1));
	flow_looks(s, "w", 0, 3, 503, "");
	assert_says(s, "503");
}

static void
conditions_that_hold_are_not_explained(void **state)
{
	struct flow_scene *s = *state;
	struct err err;

	flow_begin(
		s, WAIT("{'all':[{'name':'hook','signal':{}},{'approval':{'text':'Go?'}}]}"));
	assert_int_equal(explained(s)->n_blockers, 3);
	assert_int_equal(flow_signals(s, "w", "{}", &err), 0);
	assert_int_equal(explained(s)->n_blockers, 2);
	assert_says(s, "waits for a person to approve: Go?");
}

static void
ends_pauses_and_starts_come_first(void **state)
{
	struct flow_scene *s = *state;

	flow_begin(s, "{'runAt':'2026-01-01T01:00:00Z','stages':[{'name':'a'," RUN "}]}");
	assert_says(s, "It is to start at 2026-01-01T01:00:00.000Z.");
	assert_int_equal(explained(s)->blockers[0].kind, BLOCKER_START_TIME);
	flow_begin(s, WAIT("{'signal':{}}"));
	flow_command(s, JOB_CMD_PAUSE);
	assert_says(s, "It is paused; unpause lets it go on.");
	flow_begin(s, FLOW("{'name':'a'," RUN "}"));
	flow_passes(s, "a", 0, 1, "{}");
	assert_says(s, "It has ended: completed (passed).");
	assert_int_equal(explained(s)->n_blockers, 0);
	flow_begin(s, FLOW("{'name':'a'," RUN "}"));
	flow_launch(s, "a", 0, 1);
	flow_command(s, JOB_CMD_STOP);
	assert_says(s, "It is stopping: jobs of its stages have to end first.");
}

/* More stages than there are kinds of blockers: the first ones are told. */
static void
many_stages_fill_the_list_and_no_more(void **state)
{
	_cleanup_(buf_deinit) struct buf request = BUF_INIT(KIB(16));
	struct flow_scene *s = *state;

	assert_int_equal(buf_adds(&request, "{'stages':["), 0);
	for (int i = 0; i < BLOCKER_KIND_COUNT + 10; i++)
		assert_int_equal(
			buf_addf(&request, "%s{'name':'w%d','needs':[],'wait':{'signal':{}}}",
				i > 0 ? "," : "", i),
			0);
	assert_int_equal(buf_adds(&request, "]}"), 0);
	flow_begin(s, buf_text(&request));
	assert_int_equal(explained(s)->n_blockers, BLOCKER_KIND_COUNT);
	assert_says(s, "Stage \"w0\"");
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, flow_scene_setup, flow_scene_teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_stage_shows_needs_times_and_its_only_job),
		CASE(what_a_stage_gave_is_shown_and_its_deadline_no_more),
		CASE(the_stage_that_failed_the_flow_is_marked),
		CASE(items_of_a_matrix_have_their_values_and_attempts),
		CASE(a_wait_shows_its_last_look_and_the_next),
		CASE(a_wait_for_several_says_for_how_many),
		CASE(what_cannot_be_read_is_an_error),
		CASE(a_run_stage_is_explained_by_its_jobs),
		CASE(an_attempt_to_come_says_when),
		CASE(each_kind_of_wait_has_its_sentence),
		CASE(the_last_look_is_told),
		CASE(conditions_that_hold_are_not_explained),
		CASE(ends_pauses_and_starts_come_first),
		CASE(many_stages_fill_the_list_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
