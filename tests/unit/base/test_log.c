/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

#include "base/json.h"
#include "base/mem.h"
#include "unit.h"

/* Everything that was logged since the last call; free(). */
static char *
take_log(int fd)
{
	off_t len = lseek(fd, 0, SEEK_END);
	char *text = xcalloc(1, (size_t)len + 1);
	assert_int_equal(pread(fd, text, (size_t)len, 0), len);
	assert_int_equal(ftruncate(fd, 0), 0);
	lseek(fd, 0, SEEK_SET);
	return text;
}

static void
json_lines(void **state)
{
	_cleanup_close_ int fd = memfd_create("log", MFD_CLOEXEC);
	(void)state;
	log_init(fd, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	struct log_ctx outer = { .key = "request", .value = "r\n1" };
	struct log_ctx skipped = { .up = &outer, .key = "nothing", .value = NULL };
	struct log_ctx inner = { .up = &skipped, .key = "job", .value = "j\"2" };
	errno = ENOENT;
	log_info("job.claimed", &inner, "took %d\nfake line \xff", 3);
	assert_int_equal(errno, ENOENT);
	log_debug("not.shown", NULL, "x");

	_cleanup_free_ char *text = take_log(fd);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	struct err err;
	_cleanup_(json_unrefp) json_t *line = json_read(text, strlen(text), 4, &err);
	assert_non_null(line);
	const char *level, *event, *message, *request, *job, *time;
	assert_int_equal(
		json_unpack(line, "{s:s,s:s,s:s,s:s,s:s,s:s !}", "time", &time, "level", &level,
			"event", &event, "text", &message, "request", &request, "job", &job),
		0);
	assert_string_equal(level, "info");
	assert_string_equal(event, "job.claimed");
	assert_string_equal(message, "took 3\nfake line \xef\xbf\xbd");
	assert_string_equal(request, "r\n1");
	assert_string_equal(job, "j\"2");
}

static void
text_lines(void **state)
{
	_cleanup_close_ int fd = memfd_create("log", MFD_CLOEXEC);
	(void)state;
	log_init(fd, LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	struct log_ctx ctx = { .key = "who", .value = "a b" };
	log_warn("runner.killed", &ctx, "after\n%s \x1b[31m\xc2\x9b\xff", "5 s");
	_cleanup_free_ char *text = take_log(fd);
	assert_string_equal(text + 25,
		"warn  runner.killed  after\\n5 s \\x1b[31m\\xc2\\x9b\\xff  who=\"a b\"\n");
}

static void
long_lines_are_cut_and_stay_valid(void **state)
{
	_cleanup_close_ int fd = memfd_create("log", MFD_CLOEXEC);
	(void)state;
	log_init(fd, LOG_LEVEL_DEBUG, LOG_FORMAT_JSON);
	_cleanup_free_ char *big = xmalloc(300001);
	memset(big, '\x01', 300000);
	big[300000] = '\0';
	struct log_ctx ctx = { .key = "big", .value = big };
	log_error("too.long", &ctx, "%s", big);
	_cleanup_free_ char *text = take_log(fd);
	struct err err;
	_cleanup_(json_unrefp) json_t *line = json_read(text, strlen(text), 4, &err);
	assert_non_null(line);
	assert_string_equal(json_string_value(json_object_get(line, "fields")), "cut");
	assert_int_equal(
		json_string_length(json_object_get(line, "text")), LOG_LINE_BYTES_MAX - 1);
}

enum {
	THREADS = 4,
	LINES = 200,
};

static void *
log_lines(void *arg)
{
	(void)arg;
	for (int i = 0; i < LINES; i++)
		log_info("thread.line", NULL, "the same text in every line");
	return NULL;
}

static void
lines_of_threads_do_not_mix(void **state)
{
	(void)state;
	_cleanup_close_ int fd = memfd_create("log", MFD_CLOEXEC);
	/* Appending writes of one open file are atomic to each other. */
	assert_int_equal(fcntl(fd, F_SETFL, O_APPEND), 0);
	log_init(fd, LOG_LEVEL_INFO, LOG_FORMAT_JSON);
	pthread_t thread[THREADS];
	for (int i = 0; i < THREADS; i++)
		pthread_create(&thread[i], NULL, log_lines, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);

	_cleanup_free_ char *text = take_log(fd);
	struct str rest = str_of(text);
	int n = 0;
	for (; rest.n > 0; n++) {
		struct str line = str_split_first(&rest, '\n');
		assert_true(str_ends(line, STR("\"text\":\"the same text in every line\"}")));
		assert_true(str_starts(line, STR("{\"time\":\"")));
	}
	assert_int_equal(n, THREADS * LINES);
}

static void
levels(void **state)
{
	(void)state;
	enum log_level level;
	assert_int_equal(log_level_parse(STR("debug"), &level), 0);
	assert_int_equal(level, LOG_LEVEL_DEBUG);
	assert_int_equal(log_level_parse(STR("loud"), &level), -1);
	assert_string_equal(log_level_name(LOG_LEVEL_WARN), "warn");
}

static void
secrets(void **state)
{
	(void)state;
	struct secret secret = { 0 };
	assert_int_equal(secret_set(&secret, STR("hunter2")), 0);
	assert_true(secret_eq(&secret, STR("hunter2")));
	assert_false(secret_eq(&secret, STR("hunter3")));
	assert_false(secret_eq(&secret, STR("hunter")));
	assert_int_equal(secret_set(&secret, STR("")), 0);
	assert_true(secret_eq(&secret, STR("")));
	assert_int_equal(secret_set(&secret, str_from("", SECRET_BYTES_MAX + 1)), -1);
	secret_free(&secret);
	assert_null(secret.bytes);
	secret_free(&secret);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(json_lines),
		cmocka_unit_test(text_lines),
		cmocka_unit_test(long_lines_are_cut_and_stay_valid),
		cmocka_unit_test(lines_of_threads_do_not_mix),
		cmocka_unit_test(levels),
		cmocka_unit_test(secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
