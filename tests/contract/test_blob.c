/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of blob.h against every kind of blob store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fault.h"
#include "base/fd.h"
#include "base/mem.h"
#include "blob/blob.h"

#define EMPTY_NAME "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ABC_NAME "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

struct blob {
	char name[BLOB_HEX_LEN + 1];
	uint64_t size;
};

struct fixture {
	char *folder; /* owned */
	struct blob_store *blobs;
	struct err err;
};

#define assert_done(fx, call)                                                \
	do {                                                                 \
		int done_ = (call);                                          \
		if (done_ != 0)                                              \
			fail_msg("%s: %d %s", #call, done_, (fx)->err.text); \
	} while (0)

static int
setup(void **state)
{
	struct fixture *fx = xcalloc(1, sizeof *fx);
	char template[] = "/tmp/proctor-blob-XXXXXX";
	fx->folder = xstrdup(mkdtemp(template));
	assert_done(fx, blob_open_files(&fx->blobs, fx->folder, &fx->err));
	*state = fx;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *fx = *state;
	fault_reset();
	fx->blobs = blob_close(fx->blobs);
	assert_done(fx, tree_remove(AT_FDCWD, fx->folder, &fx->err));
	free(fx->folder);
	free(fx);
	return 0;
}

static struct blob
put(struct fixture *fx, const char *text)
{
	struct blob_writer *writer;
	struct blob blob;
	assert_done(fx, blob_begin(fx->blobs, 1000, &writer, &fx->err));
	assert_done(fx, blob_write(writer, text, strlen(text), &fx->err));
	assert_done(fx, blob_commit(writer, blob.name, &blob.size, &fx->err));
	return blob;
}

static void
assert_content(struct fixture *fx, const struct blob *blob, const char *text)
{
	_cleanup_close_ int fd = -1;
	char content[1000];
	uint64_t size;
	assert_done(fx, blob_open_read(fx->blobs, blob->name, &fd, &size, &fx->err));
	assert_int_equal(size, strlen(text));
	assert_int_equal(read(fd, content, sizeof content), size);
	assert_memory_equal(content, text, (size_t)size);
}

static bool
is_there(struct fixture *fx, const char *name)
{
	_cleanup_close_ int fd = -1;
	uint64_t size;
	int rc = blob_open_read(fx->blobs, name, &fd, &size, &fx->err);
	assert_true(rc == 0 || rc == BLOB_NONE);
	return rc == 0;
}

static size_t
count_temporary(struct fixture *fx)
{
	_cleanup_free_ char *path = xasprintf("%s/tmp", fx->folder);
	DIR *dir = opendir(path);
	size_t n = 0;
	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void
content_comes_back_under_its_hash(void **state)
{
	struct fixture *fx = *state;
	struct blob abc = put(fx, "abc");
	struct blob empty = put(fx, "");
	assert_string_equal(abc.name, ABC_NAME);
	assert_string_equal(empty.name, EMPTY_NAME);
	assert_int_equal(abc.size, 3);
	assert_content(fx, &abc, "abc");
	assert_content(fx, &empty, "");
	fx->blobs = blob_close(fx->blobs);
	assert_done(fx, blob_open_files(&fx->blobs, fx->folder, &fx->err));
	assert_content(fx, &abc, "abc");
	assert_int_equal(count_temporary(fx), 0);
}

static void
chunks_make_one_content(void **state)
{
	struct fixture *fx = *state;
	struct blob_writer *writer;
	struct blob blob;
	assert_done(fx, blob_begin(fx->blobs, 3, &writer, &fx->err));
	for (const char *c = "abc"; *c; c++)
		assert_done(fx, blob_write(writer, c, 1, &fx->err));
	assert_done(fx, blob_write(writer, "", 0, &fx->err));
	assert_done(fx, blob_commit(writer, blob.name, &blob.size, &fx->err));
	assert_string_equal(blob.name, ABC_NAME);
}

static void
the_same_content_may_be_put_twice(void **state)
{
	struct fixture *fx = *state;
	put(fx, "abc");
	struct blob again = put(fx, "abc");
	assert_content(fx, &again, "abc");
	assert_done(fx, blob_remove(fx->blobs, ABC_NAME, &fx->err));
	assert_false(is_there(fx, ABC_NAME));
}

static void
too_much_is_refused_and_leaves_nothing(void **state)
{
	struct fixture *fx = *state;
	struct blob_writer *writer;
	assert_done(fx, blob_begin(fx->blobs, 4, &writer, &fx->err));
	assert_done(fx, blob_write(writer, "abc", 3, &fx->err));
	assert_int_equal(blob_write(writer, "de", 2, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_LIMIT);
	blob_abort(writer);
	assert_int_equal(count_temporary(fx), 0);
	assert_false(is_there(fx, ABC_NAME));
}

static void
an_unfinished_blob_leaves_nothing(void **state)
{
	struct fixture *fx = *state;
	struct blob_writer *writer;
	assert_done(fx, blob_begin(fx->blobs, 100, &writer, &fx->err));
	assert_done(fx, blob_write(writer, "abc", 3, &fx->err));
	assert_int_equal(count_temporary(fx), 1);
	assert_false(is_there(fx, ABC_NAME));
	blob_abort(writer);
	assert_int_equal(count_temporary(fx), 0);
}

static void
odd_names_are_no_blobs(void **state)
{
	struct fixture *fx = *state;
	const char *const names[] = { "", "..", "../../../etc/passwd", "abc", "tmp",
		"BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
		(ABC_NAME "0"), ("../" ABC_NAME) };
	put(fx, "abc");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_false(is_there(fx, names[i]));
		assert_done(fx, blob_remove(fx->blobs, names[i], &fx->err));
	}
	assert_done(fx, blob_remove(fx->blobs, EMPTY_NAME, &fx->err)); /* absent is fine */
	assert_true(is_there(fx, ABC_NAME));
}

static void
a_reader_outlives_the_removal(void **state)
{
	struct fixture *fx = *state;
	_cleanup_close_ int fd = -1;
	char content[3];
	uint64_t size;
	struct blob blob = put(fx, "abc");
	assert_done(fx, blob_open_read(fx->blobs, blob.name, &fd, &size, &fx->err));
	assert_done(fx, blob_remove(fx->blobs, blob.name, &fx->err));
	assert_int_equal(read(fd, content, 3), 3);
}

/* Whichever step fails: an error, no blob (or a whole one), nothing left behind. */
static void
every_failure_is_clean(void **state)
{
	struct fixture *fx = *state;
	const struct {
		enum fault_point point;
		uint32_t nth;
	} faults[] = { { FAULT_FSYNC, 1 }, /* the bytes */
		{ FAULT_FSYNC, 2 },        /* the folder that was made for them */
		{ FAULT_FSYNC, 3 },        /* their name in it */
		{ FAULT_RENAME, 1 } };
	for (size_t i = 0; i < ARRAY_LEN(faults); i++) {
		struct blob_writer *writer;
		struct blob blob;
		assert_done(fx, blob_begin(fx->blobs, 100, &writer, &fx->err));
		assert_done(fx, blob_write(writer, "abc", 3, &fx->err));
		fault_arm(faults[i].point, faults[i].nth);
		assert_int_equal(blob_commit(writer, blob.name, &blob.size, &fx->err), -1);
		assert_int_equal(fx->err.code, ERR_UNAVAILABLE);
		fault_reset();
		assert_int_equal(count_temporary(fx), 0);
		if (is_there(fx, ABC_NAME))
			assert_done(fx, blob_remove(fx->blobs, ABC_NAME, &fx->err));
	}
	struct blob blob = put(fx, "abc");
	assert_content(fx, &blob, "abc");
}

static void
leftovers_are_removed_at_the_start(void **state)
{
	struct fixture *fx = *state;
	_cleanup_free_ char *left = xasprintf("%s/tmp/left", fx->folder);
	struct blob blob = put(fx, "abc");
	assert_done(fx, file_write_atomic(left, "x", 1, 0600, &fx->err));
	fx->blobs = blob_close(fx->blobs);
	assert_done(fx, blob_open_files(&fx->blobs, fx->folder, &fx->err));
	assert_int_equal(count_temporary(fx), 0);
	assert_content(fx, &blob, "abc");
}

static void *
put_many(void *argument)
{
	struct fixture fx = *(const struct fixture *)argument;
	for (int i = 0; i < 50; i++) {
		char text[20];
		snprintf(text, sizeof text, "content %d", i);
		struct blob blob = put(&fx, text);
		assert_content(&fx, &blob, text);
	}
	return NULL;
}

static void
threads_may_put_the_same(void **state)
{
	struct fixture *fx = *state;
	pthread_t threads[4];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, put_many, fx), 0);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(count_temporary(fx), 0);
}

static void
an_unusable_folder_is_an_error(void **state)
{
	struct fixture *fx = *state;
	struct blob_store *none;
	_cleanup_free_ char *file = xasprintf("%s/file", fx->folder);
	assert_done(fx, file_write_atomic(file, "x", 1, 0600, &fx->err));
	assert_int_equal(blob_open_files(&none, file, &fx->err), -1);
	assert_non_null(strstr(fx->err.text, "file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		CASE(content_comes_back_under_its_hash),
		CASE(chunks_make_one_content),
		CASE(the_same_content_may_be_put_twice),
		CASE(too_much_is_refused_and_leaves_nothing),
		CASE(an_unfinished_blob_leaves_nothing),
		CASE(odd_names_are_no_blobs),
		CASE(a_reader_outlives_the_removal),
		CASE(every_failure_is_clean),
		CASE(leftovers_are_removed_at_the_start),
		CASE(threads_may_put_the_same),
		CASE(an_unusable_folder_is_an_error),
	};
	return cmocka_run_group_tests_name("blob", tests, NULL, NULL);
}
