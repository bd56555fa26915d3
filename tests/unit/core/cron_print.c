/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines of "expression TAB zone TAB after" to the next four times each, with blanks between
 * them: what tests/cron/make_table.mjs asks us.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "core/cron.h"

enum { TIMES = 4 };

static int
print_line(struct str line, struct err *err)
{
	struct str expression = str_split_first(&line, '\t');
	struct str zone_text = str_split_first(&line, '\t');
	const struct zone *zone;
	char name[100];
	struct cron cron;
	int64_t now;

	(void)snprintf(name, sizeof name, STR_FMT, STR_ARG(zone_text));
	if (cron_parse(expression, &cron, err) < 0 || zone_find(name, &zone, err) < 0 ||
		time_parse(line, &now, err) < 0)
		return -1;
	for (int i = 0; i < TIMES && cron_next(&cron, zone, now, &now) == 0; i++) {
		char text[TIME_TEXT_LEN + 1];
		time_format(now, text);
		(void)printf("%s%.19sZ", i > 0 ? " " : "", text);
	}
	(void)printf("\n");
	return 0;
}

int
main(void)
{
	char line[1000];

	while (fgets(line, sizeof line, stdin)) {
		struct err err;
		if (print_line(str_trim(str_of(line)), &err) < 0)
			(void)printf("refused: %s\n", err.text);
	}
	return 0;
}
