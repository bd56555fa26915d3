/* SPDX-License-Identifier: Apache-2.0 */
#include "base/cleanup.h"

#include <fcntl.h>
#include <stdbool.h>

#include "base/mem.h"
#include "unit.h"

struct thing {
	int *freed;
};

static struct thing *
thing_free(struct thing *thing)
{
	if (thing)
		++*thing->freed;
	free(thing);
	return NULL;
}

DEFINE_CLEANUP(struct thing *, thing_free)

static struct thing *
make(int *freed, bool keep)
{
	_cleanup_(thing_freep) struct thing *thing = xcalloc(1, sizeof(*thing));
	thing->freed = freed;
	return keep ? TAKE(thing) : NULL;
}

static void
scope_frees_unless_taken(void **state)
{
	(void)state;
	int freed = 0;
	assert_null(make(&freed, false));
	assert_int_equal(freed, 1);
	struct thing *kept = make(&freed, true);
	assert_int_equal(freed, 1);
	thing_free(kept);
	assert_int_equal(freed, 2);
}

static int
open_null(bool keep)
{
	_cleanup_close_ int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	if (keep)
		return TAKE_FD(fd);
	return fd + 1000; /* tells the number without handing it over */
}

static void
scope_closes_unless_taken(void **state)
{
	(void)state;
	int closed = open_null(false) - 1000;
	assert_int_equal(fcntl(closed, F_GETFD), -1);
	int kept = open_null(true);
	assert_true(fcntl(kept, F_GETFD) >= 0);
	close(kept);
}

static void
helpers(void **state)
{
	(void)state;
	struct outer {
		int a;
		char b;
	} outer;
	assert_ptr_equal(container_of(&outer.b, struct outer, b), &outer);
	int array[7];
	(void)array;
	assert_int_equal(ARRAY_LEN(array), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(scope_frees_unless_taken),
		cmocka_unit_test(scope_closes_unless_taken),
		cmocka_unit_test(helpers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
