/* SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "unit.h"

static void
copies(void **state)
{
	(void)state;
	_cleanup_free_ char *a = xstrdup("abc");
	_cleanup_free_ char *b = xstrndup("abcdef", 3);
	_cleanup_free_ char *c = xstrndup("ab", 10);
	_cleanup_free_ char *d = xasprintf("%s-%d", "x", 5);
	_cleanup_free_ void *e = xmemdup("a\0b", 3);
	_cleanup_free_ void *f = xmalloc(0);
	assert_string_equal(a, "abc");
	assert_string_equal(b, "abc");
	assert_string_equal(c, "ab");
	assert_string_equal(d, "x-5");
	assert_memory_equal(e, "a\0b", 3);
	assert_non_null(f);
	unsigned char *zero = xcalloc(10, 10);
	for (int i = 0; i < 100; i++)
		assert_int_equal(zero[i], 0);
	zero = xreallocarray(zero, 200, 2);
	zero[399] = 1;
	free(zero);
}

static void
overflow_aborts(void **state)
{
	(void)state;
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		setrlimit(RLIMIT_CORE, &(struct rlimit) { 0 });
		close(STDERR_FILENO);
		volatile size_t n = SIZE_MAX / 2;
		free(xreallocarray(NULL, n, 4));
		_exit(0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies),
		cmocka_unit_test(overflow_aborts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
