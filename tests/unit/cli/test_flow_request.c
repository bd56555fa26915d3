/* SPDX-License-Identifier: Apache-2.0 */
/* A flow in one line: `$` in addresses, and what a job file becomes as a stage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/mem.h"
#include "cli/flow_request.h"

#define RESULT(name) "${{ stages.prepare.results." name " }}"
#define PARAM(name) "${{ params." name " }}"

static char dir[] = "/tmp/proctor-flow-XXXXXX";

static int
setup(void **state)
{
	(void)state;
	memcpy(dir + sizeof dir - 7, "XXXXXX", 6);
	return mkdtemp(dir) ? setenv("FLOW_BASE", "http://env.test", 1) : -1;
}

static int
teardown(void **state)
{
	(void)state;
	(void)unsetenv("FLOW_BASE");
	return rmdir(dir);
}

/* The parameters of every row. */
static json_t *
params(void)
{
	return json_pack("{s:s, s:s, s:i}", "url", "http://x.test", "Host", "x.test", "n", 7);
}

static void
a_look_is_method_address_and_condition(void **state)
{
	static const struct {
		const char *text, *request, *until;
	} rows[] = {
		{ "GET http://x/ .ok", "GET http://x/", ".ok" },
		{ "  POST   http://x/   .state == \"A B\"  ", "POST http://x/",
			".state == \"A B\"" },
		{ "http://x/ .ok", "GET http://x/", ".ok" },
		{ "http://x/", "GET http://x/", NULL },
		{ "HEAD http://x/", "HEAD http://x/", NULL },
		{ "$URL .ok", "GET " PARAM("url"), ".ok" },
		{ "$URL/ .ok", "GET " PARAM("url") "/", ".ok" },
		{ "${URL} .ok", "GET " PARAM("url"), ".ok" },
		{ "GET $URL $n", "GET " PARAM("url"), "$n" },
	};
	_cleanup_(json_unrefp) json_t *given = params();
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_(json_unrefp) json_t *http =
			flow_request_until(rows[i].text, given, "prepare", &err);

		assert_non_null(http);
		assert_string_equal(
			json_string_value(json_object_get(http, "request")), rows[i].request);
		if (rows[i].until)
			assert_string_equal(json_string_value(json_object_get(http, "until")),
				rows[i].until);
		else
			assert_null(json_object_get(http, "until"));
	}
}

static void
names_become_expressions(void **state)
{
	static const struct {
		const char *address, *expected;
	} rows[] = {
		{ "$URL/tasks/$id", PARAM("url") "/tasks/" RESULT("id") },
		{ "$url/$n", PARAM("url") "/" PARAM("n") },
		{ "http://$Host/", "http://" PARAM("Host") "/" },
		{ "http://$HOST/", NULL }, /* `host` is no parameter, `Host` is */
		{ "$FLOW_BASE/a", "http://env.test/a" },
		{ "http://x/${id}s", "http://x/" RESULT("id") "s" },
		{ "http://x/$ids", "http://x/" RESULT("ids") },
		{ "http://x/$a.b", "http://x/" RESULT("a") ".b" },
		{ "http://x/$_a-$a1", "http://x/" RESULT("_a") "-" RESULT("a1") },
		{ "http://x/$$id", "http://x/$id" },
		{ "http://x/$$$id", "http://x/$" RESULT("id") },
		{ "http://x/a$", "http://x/a$" },
		{ "http://x/$1", "http://x/$1" },
		{ "http://x/${id", "http://x/${id" },
		{ "http://x/${}", "http://x/${}" },
		{ "$NOWHERE_TO_BE_FOUND/", NULL },
	};
	_cleanup_(json_unrefp) json_t *given = params();
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		_cleanup_free_ char *text = xasprintf("PUT %s", rows[i].address);
		_cleanup_(json_unrefp) json_t *http =
			flow_request_until(text, given, "prepare", &err);
		const char *request = json_string_value(json_object_get(http, "request"));

		if (!rows[i].expected) {
			assert_null(http);
			assert_int_equal(err.code, ERR_INVALID);
			assert_non_null(strstr(err.text, "neither a parameter"));
			continue;
		}
		if (!request)
			print_error("%s: %s\n", rows[i].address, err.text);
		assert_non_null(request);
		assert_memory_equal(request, "PUT ", 4);
		assert_string_equal(request + 4, rows[i].expected);
	}
}

static void
without_a_preparation_there_are_no_results(void **state)
{
	_cleanup_(json_unrefp) json_t *given = params();
	struct err err;

	(void)state;
	assert_null(flow_request_until("GET http://x/$id", given, NULL, &err));
	assert_non_null(strstr(err.text, "there is no preparation"));
	json_decref(flow_request_until("GET $url", given, NULL, &err));
}

/* What is in the environment is text: it can be no expression. */
static void
the_environment_says_no_expressions(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(setenv("FLOW_BASE", "http://x/${{ params.url }}$${{", 1), 0);
	_cleanup_(json_unrefp) json_t *http =
		flow_request_until("GET $FLOW_BASE", NULL, NULL, &err);

	assert_string_equal(json_string_value(json_object_get(http, "request")),
		"GET http://x/$${{ params.url }}$$${{");
}

static void
what_is_no_look_is_refused(void **state)
{
	static const char *const texts[] = { "", "   ", "GET", "GET ", "POST  " };
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		json_t *http = flow_request_until(texts[i], NULL, NULL, &err);

		if (http)
			print_error("\"%s\" was taken\n", texts[i]);
		assert_null(http);
		assert_int_equal(err.code, ERR_INVALID);
	}
}

/* --- Files --- */

/* The stage's run of a file with this content. */
static json_t *
run_of(const char *content, const json_t *given, const char *before, struct err *err)
{
	_cleanup_free_ char *path = xasprintf("%s/job.yaml", dir);
	json_t *run;

	assert_int_equal(file_write_atomic(path, content, strlen(content), 0600, err), 0);
	run = flow_request_of_name(NULL, path, given, before, err);
	(void)unlink(path);
	return run;
}

static const char file_with_params[] =
	"name: prepare\n"
	"params: { url: { type: string, required: true }, n: { type: integer, default: 3 },"
	" id: { type: string }, who: { default: ann } }\n"
	"tests:\n"
	"  - { name: a, kind: command, argv: [ 'x', '${{ params.url }}/a' ] }\n";

/* The server lays them over the flow's: only what is given is settled here. */
static void
parameters_of_a_file_go_with_it(void **state)
{
	_cleanup_(json_unrefp) json_t *given =
		json_pack("{s:s, s:s}", "url", "${{ stages.first.results.url }}", "n", "4");
	struct err err;
	_cleanup_(json_unrefp) json_t *run = run_of(file_with_params, given, NULL, &err);
	_cleanup_(json_unrefp) json_t *expected =
		json_pack("{s:s, s:i, s:{s:s}, s:s}", "url", "${{ stages.first.results.url }}",
			"n", 4, "id", "type", "string", "who", "ann");

	(void)state;
	if (!run)
		print_error("%s\n", err.text);
	assert_true(json_equal(json_object_get(run, "params"), expected));
}

static void
what_a_file_requires_is_a_result_of_the_stage_before(void **state)
{
	_cleanup_(json_unrefp) json_t *given = json_pack("{s:s}", "url", "http://x");
	struct err err;
	_cleanup_(json_unrefp) json_t *run = run_of(file_with_params, given, "prepare", &err);
	const json_t *params = json_object_get(run, "params");

	(void)state;
	assert_string_equal(json_string_value(json_object_get(params, "id")), RESULT("id"));
	assert_string_equal(json_string_value(json_object_get(params, "url")), "http://x");
	assert_true(json_is_object(json_object_get(params, "n")));
}

static void
a_value_of_a_wrong_type_is_told(void **state)
{
	_cleanup_(json_unrefp) json_t *given = json_pack("{s:s}", "n", "many");
	struct err err;

	(void)state;
	assert_null(run_of(file_with_params, given, NULL, &err));
	assert_non_null(strstr(err.text, "\"many\" is no integer"));
}

static void
a_file_that_is_none_is_told(void **state)
{
	struct err err;

	(void)state;
	assert_null(run_of("tests: [", NULL, NULL, &err));
	assert_int_equal(err.code, ERR_INVALID);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_look_is_method_address_and_condition),
		CASE(names_become_expressions),
		CASE(without_a_preparation_there_are_no_results),
		CASE(the_environment_says_no_expressions),
		CASE(what_is_no_look_is_refused),
		CASE(parameters_of_a_file_go_with_it),
		CASE(what_a_file_requires_is_a_result_of_the_stage_before),
		CASE(a_value_of_a_wrong_type_is_told),
		CASE(a_file_that_is_none_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
