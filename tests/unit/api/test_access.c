/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens, tickets, ranges, routes and problem documents: the parts that need no server. */
#include "api/api_impl.h"
#include "api/send.h"
#include "api/ticket.h"
#include "unit.h"

static void
tokens_carry_their_checksum(void **state)
{
	char one[AUTH_TOKEN_LEN + 1], two[AUTH_TOKEN_LEN + 1];

	(void)state;
	auth_token_make(one);
	auth_token_make(two);
	assert_string_not_equal(one, two);
	assert_true(auth_token_well_formed(str_of(one)));
	one[10] = one[10] == 'a' ? 'b' : 'a';
	assert_false(auth_token_well_formed(str_of(one)));
	assert_false(auth_token_well_formed(STR("pr_short")));
}

static void
roles_open_what_the_table_says(void **state)
{
	(void)state;
	for (int scope = 0; scope < SCOPE_COUNT; scope++)
		assert_true(auth_allows(ROLE_ADMIN, (enum auth_scope)scope));
	assert_true(auth_allows(ROLE_WORKER, SCOPE_WORK));
	assert_false(auth_allows(ROLE_WORKER, SCOPE_READ));
	assert_false(auth_allows(ROLE_WORKER, SCOPE_WRITE));
}

static void
tickets_are_signed_and_end(void **state)
{
	static const uint8_t key[32] = { 1 }, other[32] = { 2 };
	struct run_id run = { { { 7 } } }, back;
	char text[TICKET_TEXT_MAX];
	int64_t project;

	(void)state;
	ticket_make(key, 3, &run, 1000, text);
	assert_int_equal(ticket_read(key, str_of(text), 1000, &project, &back), 0);
	assert_int_equal(project, 3);
	assert_true(uuid_eq(&run.u, &back.u));
	assert_int_equal(ticket_read(key, str_of(text), 1001, &project, &back), -1);
	assert_int_equal(ticket_read(other, str_of(text), 1000, &project, &back), -1);
	for (size_t i = 0; text[i]; i++) {
		char was = text[i];
		text[i] = was == 'A' ? 'B' : 'A';
		/* The last character has bits that say nothing. */
		if (text[i + 1])
			assert_int_equal(
				ticket_read(key, str_of(text), 0, &project, &back), -1);
		text[i] = was;
	}
	assert_int_equal(ticket_read(key, STR(""), 0, &project, &back), -1);
}

static void
ranges_are_as_the_standard_has_them(void **state)
{
	static const struct {
		const char *header;
		int result;
		uint64_t first, last;
	} cases[] = {
		{ "bytes=0-0", 0, 0, 0 },
		{ "bytes=5-", 0, 5, 9 },
		{ "bytes=-3", 0, 7, 9 },
		{ "bytes=-30", 0, 0, 9 },
		{ "bytes=2-90", 0, 2, 9 },
		{ "bytes=10-", -1, 0, 0 },
		{ "bytes=-0", -1, 0, 0 },
		{ "bytes=4-2", 1, 0, 0 },
		{ "bytes=0-1,3-4", 1, 0, 0 },
		{ "lines=1-2", 1, 0, 0 },
		{ "bytes=x-", 1, 0, 0 },
		{ "bytes=", 1, 0, 0 },
		{ NULL, 1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t first = 0, last = 0;
		int r = range_parse(cases[i].header, 10, &first, &last);

		if (r != cases[i].result || first != cases[i].first || last != cases[i].last)
			fail_msg("%s: %d %d-%d", cases[i].header, r, (int)first, (int)last);
	}
}

static void
routes_are_found_by_method_and_path(void **state)
{
	struct arena arena;
	const struct route *route;
	const char *args[PATH_ARGS_MAX], *allow;

	(void)state;
	arena_init(&arena, MIB(1));
	assert_int_equal(
		route_find(HTTP_POST, STR("/api/v1/jobs"), &arena, &route, args, &allow), 0);
	assert_string_equal(route->id, "createJob");
	assert_int_equal(
		route_find(HTTP_GET, STR("/api/v1/jobs/a%2Fb"), &arena, &route, args, &allow),
		0);
	assert_string_equal(args[0], "a/b");
	assert_int_equal(
		route_find(HTTP_GET, STR("/api/v1/jobs/1/runs/2/artifacts/r/index.html"),
			&arena, &route, args, &allow),
		0);
	assert_string_equal(args[2], "r/index.html");
	assert_int_equal(
		route_find(HTTP_PUT, STR("/api/v1/jobs/1"), &arena, &route, args, &allow), 405);
	assert_string_equal(allow, "GET, HEAD, DELETE, PATCH");
	assert_int_equal(
		route_find(HTTP_GET, STR("/healthz"), &arena, &route, args, &allow), 0);
	assert_int_equal(route_find(HTTP_GET, STR("/jobs"), &arena, &route, args, &allow), 404);
	assert_int_equal(
		route_find(HTTP_GET, STR("/api/v1/jobs/"), &arena, &route, args, &allow), 404);
	assert_int_equal(
		route_find(HTTP_GET, STR("/api/v1jobs"), &arena, &route, args, &allow), 404);
	assert_int_equal(
		route_find(HTTP_GET, STR("/api/v1/jobs/%zz"), &arena, &route, args, &allow),
		404);
	arena_deinit(&arena);
}

static void
every_error_has_its_problem(void **state)
{
	(void)state;
	for (int code = ERR_INVALID; code < ERR_CODE_COUNT; code++) {
		enum problem_code problem = problem_of((enum err_code)code);

		assert_int_not_equal(problem, PROBLEM_NONE);
		assert_in_range(problem_status(problem), 400, 599);
		assert_non_null(problem_name(problem));
	}
	assert_int_equal(problem_status(problem_of(ERR_LIMIT)), 400);
	assert_int_equal(problem_status(problem_of_read(ERR_LIMIT)), 500);
	assert_int_equal(problem_of_read(ERR_NOT_FOUND), PROBLEM_NOT_FOUND);
	for (int i = 0; i < PROBLEM_CODE_COUNT; i++)
		assert_non_null(problem_name((enum problem_code)i));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_carry_their_checksum),
		cmocka_unit_test(roles_open_what_the_table_says),
		cmocka_unit_test(tickets_are_signed_and_end),
		cmocka_unit_test(ranges_are_as_the_standard_has_them),
		cmocka_unit_test(routes_are_found_by_method_and_path),
		cmocka_unit_test(every_error_has_its_problem),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
