/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of store.h against every kind of store: each case runs on each. */
#include "kit.h"

#include "base/mem.h"
#include "cases.h"

enum {
	TESTS_MAX = 400,
};

static struct CMUnitTest tests[TESTS_MAX];
static size_t n_tests;

static void
add_cases(const struct backend *backend, const struct contract_case *cases)
{
	for (; cases->name; cases++) {
		assert_true(n_tests < TESTS_MAX);
		tests[n_tests++] = (struct CMUnitTest) {
			.name = xasprintf("%s: %s", backend->name, cases->name),
			.test_func = cases->run,
			.setup_func = fixture_setup,
			.teardown_func = fixture_teardown,
			.initial_state = (void *)(uintptr_t)backend,
		};
	}
}

int
main(void)
{
	const struct backend *const backends[] = { &sqlite_backend, &memory_backend };
	const struct contract_case *const tables[] = {
		turn_cases,
		group_cases,
		flow_cases,
		retention_cases,
		schedule_cases,
		read_cases,
		list_cases,
		event_cases,
		stats_cases,
	};
	for (size_t i = 0; i < ARRAY_LEN(backends); i++) {
		for (size_t k = 0; k < ARRAY_LEN(tables); k++)
			add_cases(backends[i], tables[k]);
	}
	int failed = _cmocka_run_group_tests("store", tests, n_tests, NULL, NULL);
	for (size_t i = 0; i < n_tests; i++)
		free((void *)(uintptr_t)tests[i].name);
	return failed;
}
