/* SPDX-License-Identifier: Apache-2.0 */
/* Every row of the table: expression, zone, an instant, the next times behind it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "core/cron.h"
#include "unit.h"

enum { ROWS_MIN = 200 };

static const char *table_path;

static void
assert_row(int number, struct str row)
{
	struct str expression = str_split_first(&row, '\t');
	struct str zone_text = str_split_first(&row, '\t');
	struct str after = str_split_first(&row, '\t');
	struct str times = str_split_first(&row, '\t');
	_cleanup_free_ char *name = strndup(zone_text.p, zone_text.n);
	const struct zone *zone;
	struct cron cron;
	struct err err;
	int64_t now, expected;

	if (cron_parse(expression, &cron, &err) < 0 || zone_find(name, &zone, &err) < 0 ||
		time_parse(after, &now, &err) < 0)
		fail_msg("row %d: %s", number, err.text);
	while (times.p && times.n > 0) {
		struct str one = str_split_first(&times, ' ');

		assert_int_equal(time_parse(one, &expected, &err), 0);
		assert_int_equal(cron_next(&cron, zone, now, &now), 0);
		if (now != expected)
			fail_msg("row %d, %.*s in %s: %" PRId64 ", not %.*s", number,
				STR_ARG(expression), name, now, STR_ARG(one));
	}
}

static void
every_row_is_right(void **state)
{
	_cleanup_(buf_deinit) struct buf file = BUF_INIT(MIB(1));
	struct err err;
	int number = 0;

	(void)state;
	if (file_read(table_path, MIB(1), &file, &err) < 0)
		fail_msg("%s", err.text);
	struct str rest = str_from(file.data, file.len);
	while (rest.p) {
		struct str row = str_split_first(&rest, '\n');
		if (row.n > 0 && row.p[0] != '#')
			assert_row(++number, row);
	}
	assert_true(number >= ROWS_MIN);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(every_row_is_right) };

	if (argc != 2)
		return 2;
	table_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
