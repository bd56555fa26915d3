/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles: what a friendly one gives, and that a hostile one writes nothing outside its folder.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/fd.h"
#include "base/mem.h"
#include "worker/bundle.h"

static char base[] = "/tmp/test-bundle-XXXXXX";
static char to[64], file[64];

struct entry {
	const char *path, *text, *symlink, *hardlink;
	unsigned type; /* 0: a file */
	unsigned mode;
};

static int
set_up(void **state)
{
	(void)state;
	memcpy(base + strlen(base) - 6, "XXXXXX", 6);
	if (!mkdtemp(base))
		return -1;
	snprintf(to, sizeof to, "%s/to", base);
	snprintf(file, sizeof file, "%s/bundle", base);
	return mkdir(to, 0700);
}

static int
tear_down(void **state)
{
	(void)state;
	return tree_remove(AT_FDCWD, base, NULL);
}

static void
write_archive(const struct entry *entries, size_t n, bool zip)
{
	struct archive *out = archive_write_new();

	if (zip)
		archive_write_set_format_zip(out);
	else
		archive_write_set_format_pax_restricted(out);
	if (!zip)
		archive_write_add_filter_gzip(out);
	assert_int_equal(archive_write_open_filename(out, file), ARCHIVE_OK);
	for (size_t i = 0; i < n; i++) {
		struct archive_entry *entry = archive_entry_new();
		const char *text = entries[i].text ? entries[i].text : "";

		archive_entry_set_pathname(entry, entries[i].path);
		archive_entry_set_filetype(entry, entries[i].type ? entries[i].type : AE_IFREG);
		archive_entry_set_perm(entry, entries[i].mode ? entries[i].mode : 0644);
		archive_entry_set_size(entry, (la_int64_t)strlen(text));
		if (entries[i].symlink)
			archive_entry_set_symlink(entry, entries[i].symlink);
		if (entries[i].hardlink)
			archive_entry_set_hardlink(entry, entries[i].hardlink);
		assert_true(archive_write_header(out, entry) >= ARCHIVE_WARN);
		if (strlen(text) > 0)
			archive_write_data(out, text, strlen(text));
		archive_entry_free(entry);
	}
	archive_write_close(out);
	archive_write_free(out);
}

static char *
content(const char *name)
{
	_cleanup_free_ char *path = xasprintf("%s/%s", to, name);
	struct buf text = BUF_INIT(4096);

	if (file_read(path, 4096, &text, NULL) < 0)
		return xstrdup("(none)");
	return buf_steal(&text);
}

static void
expect_content(const char *name, const char *text)
{
	_cleanup_free_ char *have = content(name);

	assert_string_equal(have, text);
}

static void
a_friendly_bundle_is_unpacked(void **state)
{
	static const struct entry entries[] = {
		{ .path = "./", .type = AE_IFDIR, .mode = 0755 },
		{ .path = "./tests/a.txt", .text = "hello" },
		{ .path = "run.sh", .text = "#!/bin/sh", .mode = 0755 },
		{ .path = "empty/", .type = AE_IFDIR, .mode = 0755 },
		{ .path = "tests/link", .symlink = "../run.sh", .type = AE_IFLNK },
		{ .path = "node_modules/.bin/x", .symlink = "../x/cli.js", .type = AE_IFLNK },
	};
	struct stat st;
	struct err err;

	(void)state;
	for (int zip = 0; zip < 2; zip++) {
		assert_int_equal(tree_remove(AT_FDCWD, to, &err), 0);
		assert_int_equal(mkdir(to, 0700), 0);
		write_archive(entries, ARRAY_LEN(entries), zip == 1);
		assert_int_equal(bundle_unpack(file, to, &err), 0);
		expect_content("tests/a.txt", "hello");
		expect_content("tests/link", "#!/bin/sh");
		_cleanup_free_ char *script = xasprintf("%s/run.sh", to);
		assert_int_equal(stat(script, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0700);
	}
}

static void
refuse(const struct entry *entries, size_t n, const char *why)
{
	struct err err;

	write_archive(entries, n, false);
	assert_int_equal(bundle_unpack(file, to, &err), -1);
	if (!strstr(err.text, why))
		fail_msg("expected \"%s\", got \"%s\"", why, err.text);
}

static void
a_hostile_bundle_stays_inside(void **state)
{
	const struct entry up[] = { { .path = "../evil", .text = "x" } };
	const struct entry mid[] = { { .path = "a/../../evil", .text = "x" } };
	const struct entry absolute[] = { { .path = "/tmp/evil", .text = "x" } };
	const struct entry out_link[] = {
		{ .path = "l", .symlink = "../..", .type = AE_IFLNK }
	};
	const struct entry abs_link[] = {
		{ .path = "l", .symlink = "/etc", .type = AE_IFLNK }
	};
	const struct entry hard[] = { { .path = "h", .hardlink = "/etc/passwd" } };
	const struct entry pipe[] = { { .path = "p", .type = AE_IFIFO } };
	_cleanup_free_ char *evil = xasprintf("%s/evil", base);

	(void)state;
	refuse(up, 1, "outside");
	refuse(mid, 1, "outside");
	refuse(absolute, 1, "outside");
	refuse(out_link, 1, "outside");
	refuse(abs_link, 1, "outside");
	refuse(hard, 1, "outside");
	refuse(pipe, 1, "neither");
	assert_int_equal(access(evil, F_OK), -1);
}

/* A link first and a file through it afterwards: the file must not be written through the link.
 */
static void
nothing_is_written_through_a_link(void **state)
{
	const struct entry entries[] = {
		{ .path = "dir/keep", .text = "k" },
		{ .path = "link", .symlink = "dir", .type = AE_IFLNK },
		{ .path = "link/file", .text = "through" },
	};
	struct err err;

	(void)state;
	write_archive(entries, 3, false);
	(void)!bundle_unpack(file, to, &err);
	expect_content("dir/file", "(none)");
}

static void
damage_is_an_error(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(file_write_atomic(file, "this is no archive", 18, 0600, &err), 0);
	assert_int_equal(bundle_unpack(file, to, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);

	const struct entry entries[] = { { .path = "a", .text = "0123456789" } };
	write_archive(entries, 1, false);
	assert_int_equal(truncate(file, 60), 0);
	assert_int_equal(bundle_unpack(file, to, &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_friendly_bundle_is_unpacked, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_hostile_bundle_stays_inside, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			nothing_is_written_through_a_link, set_up, tear_down),
		cmocka_unit_test_setup_teardown(damage_is_an_error, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
