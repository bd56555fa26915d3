/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes docs/schema/browser-test.schema.json from the tables of src/browser_format:
 *
 *	gen_browser_schema > docs/schema/browser-test.schema.json
 *	gen_browser_schema --check docs/schema/browser-test.schema.json
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "browser_format/steps.h"

static int
check(const char *path, const struct buf *wanted)
{
	struct buf file = BUF_INIT(MIB(1));
	char chunk[4096];
	size_t n;
	FILE *stream = fopen(path, "re");

	if (!stream) {
		perror(path);
		return 1;
	}
	while ((n = fread(chunk, 1, sizeof chunk, stream)) > 0)
		if (buf_add(&file, chunk, n) < 0)
			break;
	(void)fclose(stream); /* only read */
	bool same = file.len == wanted->len && memcmp(file.data, wanted->data, file.len) == 0;

	buf_deinit(&file);
	if (!same)
		fprintf(stderr,
			"%s differs from the tables; write it again with gen_browser_schema > %s\n",
			path, path);
	return same ? 0 : 1;
}

int
main(int argc, char **argv)
{
	struct buf out = BUF_INIT(MIB(1));
	int status = 2;

	if (browser_test_schema(&out) < 0)
		status = 1;
	else if (argc == 3 && strcmp(argv[1], "--check") == 0)
		status = check(argv[2], &out);
	else if (argc == 1)
		status = fwrite(out.data, 1, out.len, stdout) == out.len ? 0 : 1;
	buf_deinit(&out);
	return status;
}
