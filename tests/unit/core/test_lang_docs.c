/* SPDX-License-Identifier: Apache-2.0 */
/*
 * docs/protocol/expressions.md, the only argument, against the code: every function is in its
 * table, and the table has no other.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "core/lang_impl.h"

static int
read_text(const char *path, struct buf *out)
{
	char part[4096];
	size_t n;
	int r = 0;
	FILE *file = fopen(path, "re");

	if (!file)
		return -1;
	while (r == 0 && (n = fread(part, 1, sizeof part, file)) > 0)
		r = buf_add(out, part, n);
	(void)fclose(file);
	return r;
}

/* The part between two headings. */
static struct str
section(struct str text, const char *from, const char *to)
{
	const char *begin = memmem(text.p, text.n, from, strlen(from));
	const char *end = memmem(text.p, text.n, to, strlen(to));

	return begin && end && begin < end ? str_from(begin, (size_t)(end - begin)) : STR("");
}

static int
check_functions(struct str table)
{
	int n_wrong = 0;

	for (const struct lang_function *f = lang_functions; f->name; f++) {
		char call[64];
		int n = snprintf(call, sizeof call, "`%s(", f->name);

		if (memmem(table.p, table.n, call, (size_t)n))
			continue;
		printf("%s is not documented\n", f->form);
		n_wrong++;
	}
	return n_wrong;
}

/* Names in the first column: `name(…)`. */
static int
check_row(struct str row)
{
	int n_wrong = 0;

	(void)str_split_first(&row, '|');
	struct str names = str_split_first(&row, '|');

	for (struct str rest = names; rest.p;) {
		struct str part = str_split_first(&rest, '`');
		struct str name = str_split_first(&part, '(');

		if (!part.p || lang_find_function(name))
			continue;
		printf("there is no function " STR_FMT "()\n", STR_ARG(name));
		n_wrong++;
	}
	return n_wrong;
}

int
main(int argc, char **argv)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(1));
	int n_wrong = 0;

	if (argc != 2 || read_text(argv[1], &text) < 0)
		return 2;
	struct str table = section(buf_str(&text), "\n## 4. Functions\n", "\n## 5. ");

	n_wrong = check_functions(table);
	for (struct str rest = table; rest.p;) {
		struct str row = str_split_first(&rest, '\n');

		if (str_starts(row, STR("| `")))
			n_wrong += check_row(row);
	}
	return n_wrong > 0;
}
