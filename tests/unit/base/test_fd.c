/* SPDX-License-Identifier: Apache-2.0 */
#include "base/fd.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/fault.h"
#include "base/mem.h"
#include "unit.h"

static char dir[] = "/tmp/proctor-fd-XXXXXX";
static struct arena arena;

static const char *
at(const char *name)
{
	return path_join(&arena, dir, name);
}

static int
set_up(void **state)
{
	(void)state;
	arena_init(&arena, 1 << 20);
	return mkdtemp(dir) ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_deinit(&arena);
	return tree_remove(AT_FDCWD, dir, NULL);
}

static size_t
entries_of(const char *path)
{
	size_t n = 0;
	DIR *d = opendir(path);
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n - 2;
}

static void
expect_content(const char *path, const char *wanted)
{
	_cleanup_(buf_deinit) struct buf buf = BUF_INIT(1 << 20);
	struct err err;
	assert_int_equal(file_read(path, 1 << 20, &buf, &err), 0);
	assert_string_equal(buf_text(&buf), wanted);
}

static void
reads_within_limits(void **state)
{
	(void)state;
	struct err err;
	_cleanup_(buf_deinit) struct buf buf = BUF_INIT(10);
	assert_int_equal(file_write_atomic(at("r"), "12345", 5, 0600, &err), 0);
	assert_int_equal(buf_adds(&buf, "x"), 0);
	assert_int_equal(file_read(at("r"), 4, &buf, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_string_equal(buf_text(&buf), "x");
	assert_int_equal(file_read(at("r"), 5, &buf, &err), 0);
	assert_string_equal(buf_text(&buf), "x12345");
	assert_int_equal(file_read(at("r"), 5, &buf, &err), -1); /* past the buffer's own */
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(file_read(at("none"), 5, &buf, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "none"));
	assert_int_equal(file_read(dir, 5, &buf, &err), -1);
	assert_int_equal(mkfifo(at("fifo"), 0600), 0);
	assert_int_equal(file_read(at("fifo"), 5, &buf, &err), -1); /* and does not hang */
	assert_int_equal(err.code, ERR_INVALID);
}

static void
atomic_write_is_all_or_nothing(void **state)
{
	(void)state;
	struct err err;
	struct stat st;
	assert_int_equal(mkdir(at("w"), 0700), 0);
	assert_int_equal(file_write_atomic(at("w/f"), "old", 3, 0640, &err), 0);
	assert_int_equal(stat(at("w/f"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	static const enum fault_point points[] = { FAULT_OPEN, FAULT_WRITE, FAULT_FSYNC,
		FAULT_RENAME };
	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		fault_arm(points[i], 1);
		assert_int_equal(file_write_atomic(at("w/f"), "new", 3, 0600, &err), -1);
		assert_int_equal(err.code, ERR_UNAVAILABLE);
		expect_content(at("w/f"), "old");
		assert_int_equal(entries_of(at("w")), 1);
	}
	assert_int_equal(fault_armed, 0);
	/* The folder's own sync: the content is new, but must not be promised. */
	fault_arm(FAULT_FSYNC, 2);
	assert_int_equal(file_write_atomic(at("w/f"), "new", 3, 0600, &err), -1);
	assert_int_equal(file_write_atomic(at("w/f"), "newer", 5, 0600, &err), 0);
	expect_content(at("w/f"), "newer");
	assert_int_equal(file_write_atomic(at("none/f"), "x", 1, 0600, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void
makes_folders(void **state)
{
	(void)state;
	struct err err;
	struct stat st;
	assert_int_equal(mkdir_p(at("a//b/c/"), 0700, &err), 0);
	assert_int_equal(mkdir_p(at("a/b/c"), 0700, &err), 0);
	assert_int_equal(stat(at("a/b/c"), &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(file_write_atomic(at("a/f"), "", 0, 0600, &err), 0);
	assert_int_equal(mkdir_p(at("a/f"), 0700, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_int_equal(mkdir_p(at("a/f/g"), 0700, &err), -1);
	assert_int_equal(mkdir_p("/", 0700, &err), 0);
}

static void
removes_trees_but_follows_no_link(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(mkdir_p(at("t/x/y"), 0700, &err), 0);
	assert_int_equal(mkdir_p(at("keep"), 0700, &err), 0);
	assert_int_equal(file_write_atomic(at("keep/f"), "1", 1, 0600, &err), 0);
	assert_int_equal(file_write_atomic(at("t/x/f"), "1", 1, 0600, &err), 0);
	assert_int_equal(symlink("../../keep", at("t/x/link")), 0);
	assert_int_equal(symlink("keep", at("link")), 0);
	assert_int_equal(tree_remove(AT_FDCWD, at("t"), &err), 0);
	assert_int_equal(access(at("t"), F_OK), -1);
	assert_int_equal(tree_remove(AT_FDCWD, at("link"), &err), 0);
	expect_content(at("keep/f"), "1");
	assert_int_equal(tree_remove(AT_FDCWD, at("keep/f"), &err), 0);
	assert_int_equal(tree_remove(AT_FDCWD, at("none"), &err), 0);
	_cleanup_close_ int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(tree_remove(fd, "keep", &err), 0);
}

static void
removes_trees_deeper_than_any_path(void **state)
{
	(void)state;
	enum { DEEP = 3000 };
	struct err err;
	assert_int_equal(mkdir_p(at("deep"), 0700, &err), 0);
	int fd = open(at("deep"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < DEEP; i++) {
		assert_int_equal(mkdirat(fd, "a-folder", 0700), 0);
		int next = openat(fd, "a-folder", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
	/* Depth must not cost a descriptor each. */
	struct rlimit old;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	struct rlimit few = { .rlim_cur = 128, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	int rc = tree_remove(AT_FDCWD, at("deep"), &err);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(rc, 0);
	assert_int_equal(access(at("deep"), F_OK), -1);
}

/* Without the rights of root, in a process of its own. */
static void
removes_folders_without_permissions(void **state)
{
	(void)state;
	assert_int_equal(chmod(dir, 0777), 0);
	pid_t pid = fork();
	if (pid == 0) {
		if (geteuid() == 0 &&
			(setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0))
			_exit(10);
		if (mkdir_p(at("locked/a/b"), 0700, NULL) < 0 ||
			file_write_atomic(at("locked/a/f"), "1", 1, 0000, NULL) < 0)
			_exit(11);
		if (chmod(at("locked/a/b"), 0) < 0 || chmod(at("locked/a"), 0500) < 0 ||
			chmod(at("locked"), 0) < 0)
			_exit(12);
		_exit(tree_remove(AT_FDCWD, at("locked"), NULL) < 0 ? 13 : 0);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(access(at("locked"), F_OK), -1);
}

static void
reports_what_cannot_go(void **state)
{
	(void)state;
	struct err err;
	/* A mount point or a folder of the kernel: /proc refuses even root. */
	assert_int_equal(tree_remove(AT_FDCWD, "/proc/self/status", &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
	assert_non_null(strstr(err.text, "remove"));
}

static void *
read_slowly(void *arg)
{
	int fd = *(int *)arg;
	char data[1000];
	size_t total = 0;
	for (ssize_t n = read(fd, data, sizeof(data)); n > 0; n = read(fd, data, sizeof(data)))
		total += (size_t)n;
	return (void *)total;
}

static void
writes_all_to_a_full_nonblocking_pipe(void **state)
{
	(void)state;
	enum { BYTES = 1 << 20 };
	int ends[2];
	struct err err;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(fd_set_nonblock(ends[1], &err), 0);
	assert_true(fcntl(ends[1], F_GETFL) & O_NONBLOCK);
	pthread_t reader;
	pthread_create(&reader, NULL, read_slowly, &ends[0]);
	_cleanup_free_ char *data = xcalloc(1, BYTES);
	assert_int_equal(fd_write_all(ends[1], data, BYTES, &err), 0);
	close(ends[1]);
	void *total;
	pthread_join(reader, &total);
	assert_int_equal((size_t)total, BYTES);
	assert_int_equal(fd_set_cloexec(ends[0], 0, &err), 0);
	assert_int_equal(fcntl(ends[0], F_GETFD), 0);
	close(ends[0]);
	assert_int_equal(fd_set_nonblock(ends[0], &err), -1);
}

static void
joins_paths(void **state)
{
	(void)state;
	assert_string_equal(path_join(&arena, "a", "b"), "a/b");
	assert_string_equal(path_join(&arena, "a//", "b"), "a/b");
	assert_string_equal(path_join(&arena, "/", "b"), "/b");
	assert_string_equal(path_join(&arena, "//", "b"), "/b");
	assert_string_equal(path_join(&arena, "", "b"), "b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_within_limits),
		cmocka_unit_test(atomic_write_is_all_or_nothing),
		cmocka_unit_test(makes_folders),
		cmocka_unit_test(removes_trees_but_follows_no_link),
		cmocka_unit_test(removes_trees_deeper_than_any_path),
		cmocka_unit_test(removes_folders_without_permissions),
		cmocka_unit_test(reports_what_cannot_go),
		cmocka_unit_test(writes_all_to_a_full_nonblocking_pipe),
		cmocka_unit_test(joins_paths),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
