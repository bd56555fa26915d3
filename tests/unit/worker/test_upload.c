/* SPDX-License-Identifier: Apache-2.0 */
/* Names of artifacts, and files that may and may not be reached below a folder. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "worker/upload.h"

static void
names_stay_below(void **state)
{
	static const char *const good[] = { "a", "a b.png", "report/index.html", "..a", "ü",
		"a/.b" };
	static const char *const bad[] = { "", "/a", "a/", "a//b", ".", "..", "a/../b", "../a",
		"a\nb", "a\\b", "\xff" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(upload_name_valid(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(upload_name_valid(bad[i]));
}

static void
files_outside_are_not_opened(void **state)
{
	char base[] = "/tmp/test-upload-XXXXXX";
	struct err err;

	(void)state;
	assert_non_null(mkdtemp(base));
	int dir = open(base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(dir, "in", 0700), 0);
	int in = openat(dir, "in", O_PATH | O_DIRECTORY | O_CLOEXEC);
	close(openat(dir, "secret", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	close(openat(in, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	assert_int_equal(symlinkat("file", in, "inner"), 0);
	assert_int_equal(symlinkat("../secret", in, "outer"), 0);
	assert_int_equal(symlinkat("..", in, "up"), 0);
	assert_int_equal(symlinkat("/etc", in, "etc"), 0);

	static const char *const good[] = { "file", "inner", "./file" };
	static const char *const bad[] = { "../secret", "outer", "up/secret", "etc/passwd",
		"/etc/passwd", "none", "" };
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		int fd = upload_open_beneath(in, good[i], O_RDONLY, &err);
		assert_true(fd >= 0);
		close(fd);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(upload_open_beneath(in, bad[i], O_RDONLY, &err), -1);
	close(in);
	close(dir);
	assert_int_equal(tree_remove(AT_FDCWD, base, &err), 0);
}

static void
types_follow_the_end_of_a_name(void **state)
{
	(void)state;
	assert_string_equal(upload_content_type("a/b.html"), "text/html; charset=utf-8");
	assert_string_equal(upload_content_type("trace.zip"), "application/zip");
	assert_string_equal(upload_content_type("core"), "application/octet-stream");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_stay_below),
		cmocka_unit_test(files_outside_are_not_opened),
		cmocka_unit_test(types_follow_the_end_of_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
