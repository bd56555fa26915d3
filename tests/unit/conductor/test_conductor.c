/* SPDX-License-Identifier: Apache-2.0 */
/* Launches and collections, their order, and the end. */
#include "desk.h"

#include <stdio.h>

#include "core/signal_token.h"

#define COMMAND "{\"kind\":\"command\",\"name\":\"t\",\"argv\":[\"true\"]}"

static void
makes_a_specification(void **state)
{
	struct desk *desk = *state;
	const struct effect effect = desk_effect(EFFECT_FLOW_LAUNCH,
		"{\"name\":\"${{ matrix.browser }} of ${{ params.shop }}\",\"tests\":[" COMMAND
		"]}",
		"{\"params\":{\"shop\":\"x\"},\"matrix\":{\"browser\":\"firefox\"}}");

	desk_ask(desk, &effect, 1);
	desk_wait(desk, 1);
	const struct flow_report *report = desk_report(desk);
	if (report->error)
		fail_msg("%s", report->error);
	assert_non_null(report->spec);
	assert_string_equal(report->spec->name, "firefox of x");
	assert_int_equal(report->spec->n_tests, 1);
	assert_string_equal(report->spec->stage, "s");
	assert_int_equal(report->spec->stage_attempt, 1);
	assert_true(uuid_eq(&report->spec->parent.u, &effect.flow.u));
}

static void
says_why_a_job_cannot_be_made(void **state)
{
	static const struct {
		const char *body, *why;
	} rows[] = {
		{ "{\"template\":\"no such\"}", "no such" },
		{ "{\"tests\":[]}", "tests" },
		{ "{\"name\":\"${{ stages.a.results.x }}\",\"tests\":[" COMMAND "]}",
			"stages" },
	};
	struct desk *desk = *state;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct effect effect = desk_effect(
			EFFECT_FLOW_LAUNCH, rows[i].body, "{\"params\":{},\"stages\":{}}");

		desk_ask(desk, &effect, 1);
		desk_wait(desk, i + 1);
		const struct flow_report *report = desk_report(desk);
		if (!report->error || !strstr(report->error, rows[i].why))
			fail_msg("%s: %s", rows[i].body,
				report->error ? report->error : "no error");
	}
}

/* A turn that has too much to do refuses it: nobody would ask for it again. */
static void
gives_a_refused_report_again(void **state)
{
	struct desk *desk = *state;
	const struct effect effect =
		desk_effect(EFFECT_FLOW_LAUNCH, "{\"tests\":[" COMMAND "]}", "{}");

	desk_ask(desk, &effect, 1);
	desk_wait(desk, 1);
	struct intent *intent = list_entry(desk->reports.next, struct intent, node);

	list_remove(&intent->node);
	intent->status = INTENT_IS_ERROR;
	(void)err_set(&intent->err, ERR_UNAVAILABLE, "too much to do at once, try again");
	intent->then(intent);
	desk_wait(desk, 2);
	assert_int_equal(intent->status, INTENT_OK);
	assert_non_null(desk_report(desk)->spec);
}

static void
keeps_the_order_of_a_flow(void **state)
{
	struct effect effects[20];
	struct desk *desk = *state;

	for (int i = 0; i < 20; i++) {
		effects[i] = desk_effect(
			EFFECT_FLOW_LAUNCH, "{\"name\":\"n\",\"tests\":[" COMMAND "]}", "{}");
		effects[i].item = i;
	}
	desk_ask(desk, effects, 20);
	assert_int_equal(conductor_stats(desk->conductor).under_way, 1);
	desk_wait(desk, 20);
	for (int i = 0; i < 20; i++)
		assert_int_equal(desk_report(desk)->item, i);
	assert_int_equal(conductor_stats(desk->conductor).done, 20);
}

/* Requests of people stand in the same line: it may not grow with what flows ask for. */
static void
keeps_the_line_of_the_engine_short(void **state)
{
	struct effect effects[50];
	struct desk *desk = *state;

	for (int i = 0; i < 50; i++) {
		effects[i] = desk_effect(
			EFFECT_FLOW_LAUNCH, "{\"name\":\"n\",\"tests\":[" COMMAND "]}", "{}");
		effects[i].flow.u.b[0] = (uint8_t)i;
	}
	desk_ask(desk, effects, 50);
	while (conductor_stats(desk->conductor).under_way > 0)
		assert_true(uv_run(&desk->loop, UV_RUN_ONCE));
	size_t n = desk->n_reports;
	assert_in_range(n, 1, 40);
	assert_int_equal(conductor_stats(desk->conductor).waiting, 50 - n);
	for (size_t i = 0; i < 50; i++) {
		desk_wait(desk, i + 1);
		assert_false(list_empty(&desk->reports));
		struct list_node *node = desk->reports.next;
		list_remove(node);
		struct intent *intent = list_entry(node, struct intent, node);
		intent->then(intent);
	}
	assert_int_equal(conductor_stats(desk->conductor).done, 50);
}

/* Hosts that are slow and many let a look wait so long that it is asked for again. */
static void
lets_a_look_wait_once(void **state)
{
	struct effect effects[10];
	struct desk *desk = *state;
	unsigned seen = 0;

	for (int i = 0; i < 10; i++) {
		effects[i] = desk_effect(EFFECT_FLOW_PROBE, "{\"request\":\"GET x\"}", "{}");
		effects[i].item = i;
	}
	desk_ask(desk, effects, 10);
	struct conductor_stats stats = conductor_stats(desk->conductor);
	assert_int_equal(stats.waiting + stats.under_way, 10);
	assert_true(stats.waiting > 0);
	for (int i = 0; i < 5; i++)
		desk_ask(desk, effects + stats.under_way, stats.waiting);
	assert_int_equal(conductor_stats(desk->conductor).waiting, stats.waiting);
	desk_wait(desk, 10);
	for (int i = 0; i < 10; i++)
		seen |= 1u << desk_report(desk)->item;
	assert_int_equal(seen, 0x3ff);
	assert_int_equal(conductor_stats(desk->conductor).done, 10);
	desk_ask(desk, effects, 10); /* the first ones are over: all are looked at again */
	desk_wait(desk, 20);
}

static void
says_that_a_job_is_gone(void **state)
{
	struct desk *desk = *state;
	const struct effect effect = desk_effect(EFFECT_FLOW_COLLECT, "", "");

	desk_ask(desk, &effect, 1);
	desk_wait(desk, 1);
	assert_non_null(strstr(desk_report(desk)->error, "not there"));
}

static void
leaves_effects_of_others_alone(void **state)
{
	struct desk *desk = *state;
	const struct effect effect = { .kind = EFFECT_SWEEP };

	desk_ask(desk, &effect, 1);
	assert_int_equal(conductor_stats(desk->conductor).waiting, 0);
}

static void
drops_what_waits_at_the_end(void **state)
{
	struct effect effects[50];
	struct desk *desk = *state;

	for (int i = 0; i < 50; i++)
		effects[i] = desk_effect(
			EFFECT_FLOW_LAUNCH, "{\"name\":\"n\",\"tests\":[" COMMAND "]}", "{}");
	desk_ask(desk, effects, 50);
	conductor_stop(desk->conductor);
	assert_int_equal(conductor_stats(desk->conductor).waiting, 0);
	assert_int_equal(conductor_stats(desk->conductor).under_way, 0);
	assert_int_equal(desk->n_reports, 0);
	desk_ask(desk, effects, 50);
	assert_int_equal(conductor_stats(desk->conductor).waiting, 0);
}

/* --- Callback addresses --- */

static void
reads_its_own_tokens_only(void **state)
{
	struct mac_key key = { { 1 } }, other = { { 2 } };
	struct signal_ref ref = { .project = 3, .condition = 4, .stage = "deployed" }, seen;
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(SIGNAL_TOKEN_TEXT_MAX);

	(void)state;
	memset(ref.flow.u.b, 5, sizeof ref.flow.u.b);
	assert_int_equal(signal_token_make(&key, &ref, &text), 0);
	assert_int_equal(signal_token_read(&key, buf_str(&text), &seen), 0);
	assert_int_equal(seen.project, 3);
	assert_int_equal(seen.condition, 4);
	assert_string_equal(seen.stage, "deployed");
	assert_true(uuid_eq(&seen.flow.u, &ref.flow.u));
	assert_int_equal(signal_token_read(&other, buf_str(&text), &seen), -1);
	assert_int_equal(signal_token_read(&key, STR(""), &seen), -1);
	for (size_t i = 0; i < text.len; i++) {
		char was = text.data[i];

		text.data[i] = was == 'A' ? 'B' : 'A';
		assert_int_equal(signal_token_read(&key, buf_str(&text), &seen), -1);
		text.data[i] = was;
		assert_int_equal(signal_token_read(&key, str_from(text.data, i), &seen), -1);
	}
}

static void
names_the_addresses_of_a_flow(void **state)
{
	static const char flow[] =
		"{\"stages\":[{\"name\":\"a\",\"wait\":{\"signal\":{}}},"
		"{\"name\":\"b\",\"wait\":{\"any\":[{\"timer\":{\"for\":1}},"
		"{\"name\":\"x\",\"signal\":{}},{\"name\":\"y\",\"signal\":{}}]}},"
		"{\"name\":\"d\",\"wait\":{\"all\":[{\"timer\":{\"for\":1}},{\"signal\":{}}]}},"
		"{\"name\":\"c\",\"run\":{}}]}";
	struct mac_key key = { { 1 } };
	struct job_id id = { { { 8 } } };
	struct signal_ref seen;
	struct err err;
	json_t *root = json_read(flow, sizeof flow - 1, 32, &err);
	json_t *urls = signal_urls(&key, "http://h", 1, id, root);
	const char *url = json_string_value(
		json_object_get(json_object_get(json_object_get(urls, "b"), "y"), "url"));
	const char *only =
		json_string_value(json_object_get(json_object_get(urls, "d"), "url"));

	(void)state;
	assert_non_null(json_object_get(json_object_get(urls, "a"), "url"));
	assert_null(json_object_get(urls, "c"));
	assert_non_null(url);
	assert_memory_equal(url, "http://h/api/v1/signals/", 24);
	assert_int_equal(signal_token_read(&key, str_of(url + 24), &seen), 0);
	assert_int_equal(seen.condition, 2);
	assert_string_equal(seen.stage, "b");
	/* With several, one without a name would be anybody's. */
	assert_null(json_object_get(json_object_get(urls, "b"), "url"));
	assert_non_null(only);
	assert_int_equal(signal_token_read(&key, str_of(only + 24), &seen), 0);
	assert_int_equal(seen.condition, 1);
	assert_non_null(json_object_get(json_object_get(urls, "d"), "1"));
	json_decref(urls);
	json_decref(root);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			makes_a_specification, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			says_why_a_job_cannot_be_made, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			gives_a_refused_report_again, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			keeps_the_order_of_a_flow, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			keeps_the_line_of_the_engine_short, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			lets_a_look_wait_once, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			says_that_a_job_is_gone, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			leaves_effects_of_others_alone, desk_setup, desk_teardown),
		cmocka_unit_test_setup_teardown(
			drops_what_waits_at_the_end, desk_setup, desk_teardown),
		cmocka_unit_test(reads_its_own_tokens_only),
		cmocka_unit_test(names_the_addresses_of_a_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
