/* SPDX-License-Identifier: Apache-2.0 */
/* Framing, messages, and a whole conversation with a runner made from the kit. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "runners/kit/kit.h"
#include "runners/kit/message.h"

/* --- Messages --- */

static int
parse(enum message_side from, const char *line)
{
	struct message message;
	struct err err;
	int r = message_parse(&message, from, line, strlen(line), &err);

	if (r == 0)
		message_deinit(&message);
	return r;
}

static void
messages_are_checked(void **state)
{
	static const char *const good[] = {
		"{\"type\":\"ready\",\"version\":1,\"kinds\":[\"x\"]}",
		"{\"type\":\"started\",\"run\":\"r\",\"unknown\":{}}",
		"{\"type\":\"result\",\"run\":\"r\",\"outcome\":\"timed_out\"}",
		"{\"type\":\"artifact\",\"run\":\"r\",\"name\":\"n\",\"path\":\"p\"}",
	};
	static const char *const bad[] = { "", "[]", "null", "{}", "{\"type\":1}",
		"{\"type\":\"dance\"}", "{\"type\":\"run\",\"run\":\"r\"}", /* the worker's */
		"{\"type\":\"started\"}", "{\"type\":\"started\",\"run\":1}",
		"{\"type\":\"result\",\"run\":\"r\",\"outcome\":\"great\"}",
		"{\"type\":\"ready\",\"version\":1,\"kinds\":[\"x\"]} x",
		"{\"type\":\"started\",\"run\":\"r\",\"run\":\"s\"}",
		"{\"type\":\"started\",\"run\":\"\xff\"}" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(parse(MESSAGE_FROM_RUNNER, good[i]), 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(parse(MESSAGE_FROM_RUNNER, bad[i]), -1);
	assert_int_equal(parse(MESSAGE_FROM_WORKER, "{\"type\":\"bye\"}"), 0);
	for (int i = 0; i < MESSAGE_TYPE_COUNT; i++)
		assert_non_null(message_type_name((enum message_type)i));
}

/* --- Framing --- */

static void
feed(struct lines *lines, const char *data, size_t len)
{
	size_t room;
	char *to = lines_room(lines, &room);

	assert_true(room >= len);
	memcpy(to, data, len);
	lines_filled(lines, len);
}

static void
lines_come_whole_however_they_arrive(void **state)
{
	static const char text[] = "one\n\nthree is longer\nlast";

	(void)state;
	for (size_t step = 1; step < sizeof text; step++) {
		struct lines lines = LINES_INIT(100);
		char seen[100] = "";
		struct str line;
		struct err err;

		for (size_t at = 0; at < sizeof text - 1; at += step) {
			size_t n = sizeof text - 1 - at < step ? sizeof text - 1 - at : step;
			feed(&lines, text + at, n);
			while (lines_next(&lines, &line, &err) == 0)
				snprintf(seen + strlen(seen), sizeof seen - strlen(seen),
					"<" STR_FMT ">", STR_ARG(line));
		}
		assert_string_equal(seen, "<one><><three is longer>");
		lines_deinit(&lines);
	}
}

static void
a_line_has_a_longest_length(void **state)
{
	struct lines lines = LINES_INIT(10);
	struct str line;
	struct err err;

	(void)state;
	feed(&lines, "0123456789\n", 11);
	assert_int_equal(lines_next(&lines, &line, &err), 0);
	feed(&lines, "01234567890", 11); /* no LF yet, and already too long */
	assert_int_equal(lines_next(&lines, &line, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	lines_deinit(&lines);
}

/* --- A conversation --- */

static int n_screens;
static bool is_worn;

static void
on_screen(struct kit *kit, const struct kit_screen *screen)
{
	static const char jpeg[4] = { 'j', 'p', 'e', 'g' };
	static char large[KIT_FRAME_BYTES_MAX + 1];

	n_screens++;
	assert_ptr_equal(kit_screen(kit), screen);
	if (screen->is_on) {
		assert_int_equal(screen->max_width, 640);
		assert_int_equal(screen->quality, 0); /* none that there is */
		assert_false(kit_frame(kit, large, sizeof large, 1, 1, NULL));
	}
	assert_true(kit_frame(kit, jpeg, sizeof jpeg, 2, 1, "http://x/"));
}

/* Waits until somebody has looked and does not any more. */
static json_t *
look(struct kit *kit)
{
	int seen = kit_screen(kit)->is_on ? 1 : 0;

	assert_true(kit_frame(kit, "no", 2, 1, 1, NULL) || seen);
	while (n_screens < 2 && !kit_cancelled(kit))
		(void)kit_poll(kit, NULL, 0, 5);
	return kit_result("passed", NULL, NULL);
}

static json_t *
carry_out(struct kit *kit, const struct kit_request *request)
{
	const char *what = json_string_value(json_object_get(request->test, "what"));

	kit_started(kit, 1);
	if (strcmp(what, "wait") == 0) {
		assert_int_equal(kit_poll(kit, NULL, 0, -1), -1);
		assert_true(kit_cancelled(kit));
		return kit_result("cancelled", NULL, NULL);
	}
	if (strcmp(what, "look") == 0)
		return look(kit);
	if (strcmp(what, "worn") == 0) {
		is_worn = true;
		return kit_result("lost", "browser_disconnected", NULL);
	}
	if (strcmp(what, "long") == 0) {
		json_t *result = kit_result("failed", "assertion", "%s", "why");
		json_t *cases = json_array();
		for (int i = 0; i < 10000; i++)
			json_array_append_new(cases,
				json_string("a case of some length, "
					    "and many of them"));
		json_object_set_new(result, "cases", cases);
		return result;
	}
	kit_log(kit, "info", "%s", "\xff ok");
	assert_int_equal(kit_poll(kit, NULL, 0, 1), 0);
	return kit_result("passed", NULL, NULL);
}

static bool
worn(void)
{
	return is_worn;
}

static const struct kit_spec spec = {
	.name = "test",
	.kind = "test",
	.reusable = true,
	.carry_out = carry_out,
	.on_screen = on_screen,
	.is_worn = worn,
};

static int ends[2];

static void *
serve(void *arg)
{
	int *status = arg;

	*status = kit_serve_on(&spec, ends[1], ends[1]);
	shutdown(ends[1], SHUT_WR);
	return NULL;
}

static void
say(const char *text)
{
	assert_int_equal(write(ends[0], text, strlen(text)), (ssize_t)strlen(text));
}

/* The next message's text, checked against the protocol. */
static void
expect(struct lines *lines, const char *part)
{
	struct str line;
	struct message message;
	struct err err;
	int r;

	while ((r = lines_next(lines, &line, &err)) == LINES_MORE) {
		size_t room;
		char *to = lines_room(lines, &room);
		ssize_t n = read(ends[0], to, room);
		assert_true(n > 0);
		lines_filled(lines, (size_t)n);
	}
	assert_int_equal(r, 0);
	assert_int_equal(message_parse(&message, MESSAGE_FROM_RUNNER, line.p, line.n, &err), 0);
	message_deinit(&message);
	if (!memmem(line.p, line.n, part, strlen(part)))
		fail_msg("no %s in " STR_FMT, part, STR_ARG(line));
}

#define RUN(id, what)                                                     \
	"{\"type\":\"run\",\"run\":\"" id "\",\"test\":{\"what\":\"" what \
	"\"},\"dir\":\"/tmp\",\"artifacts\":\"/tmp\"}\n"

static void
a_runner_carries_out_one_run_after_the_other(void **state)
{
	struct lines lines = LINES_INIT(MESSAGE_REPLY_BYTES_MAX);
	pthread_t thread;
	int status = -1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &status), 0);
	say("{\"type\":\"hello\",\"versions\":[3,1],\"worker\":\"w\"}\n");
	expect(&lines, "\"reusable\":true");
	say(RUN("a", "pass"));
	expect(&lines, "\"total\":1");
	expect(&lines, "\xEF\xBF\xBD ok");
	expect(&lines, "\"outcome\":\"passed\"");
	say(RUN("b", "wait"));
	expect(&lines, "started");
	say("{\"type\":\"cancel\",\"run\":\"other\"}\n{\"type\":\"cancel\",\"run\":\"b\"}\n");
	expect(&lines, "\"outcome\":\"cancelled\"");
	/* One that comes with its run ends it before it begins, and is forgotten with it. */
	say(RUN("b2", "wait") "{\"type\":\"cancel\",\"run\":\"b2\"}\n");
	expect(&lines, "\"outcome\":\"cancelled\",\"type\":\"result\",\"run\":\"b2\"");
	say(RUN("c", "long"));
	expect(&lines, "started");
	expect(&lines, "too long for one message"); /* and still within a line's limit */
	say("{\"type\":\"bye\"}\n");
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(status, 0);
	close(ends[0]);
	close(ends[1]);
	lines_deinit(&lines);
}

static void
a_screen_is_sent_while_somebody_looks(void **state)
{
	struct lines lines = LINES_INIT(MESSAGE_REPLY_BYTES_MAX);
	pthread_t thread;
	int status = -1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &status), 0);
	say("{\"type\":\"hello\",\"versions\":[1],\"worker\":\"w\"}\n");
	expect(&lines, "ready");
	say(RUN("a", "look"));
	expect(&lines, "started"); /* and no frame: nobody looks yet */
	say("{\"type\":\"screen\",\"run\":\"other\",\"on\":true}\n"
	    "{\"type\":\"screen\",\"run\":\"a\",\"on\":true,\"maxWidth\":640,\"quality\":500}\n");
	expect(&lines, "\"data\":\"anBlZw==\"");
	say("{\"type\":\"screen\",\"run\":\"a\",\"on\":false}\n");
	expect(&lines, "\"outcome\":\"passed\"");
	assert_int_equal(n_screens, 2);
	/* The wish ended with its run; one that comes with the run holds for it. */
	say(RUN("b", "look") "{\"type\":\"screen\",\"run\":\"b\",\"on\":true}\n"
			     "{\"type\":\"screen\",\"run\":\"b\",\"on\":false}\n");
	expect(&lines, "started");
	expect(&lines, "\"outcome\":\"passed\"");
	say("{\"type\":\"bye\"}\n");
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(ends[0]);
	close(ends[1]);
	lines_deinit(&lines);
}

static void
a_worn_runner_says_so_and_leaves(void **state)
{
	struct lines lines = LINES_INIT(MESSAGE_REPLY_BYTES_MAX);
	pthread_t thread;
	int status = -1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &status), 0);
	say("{\"type\":\"hello\",\"versions\":[1],\"worker\":\"w\"}\n");
	expect(&lines, "ready");
	say(RUN("a", "pass"));
	expect(&lines, "started");
	expect(&lines, "ok");
	expect(&lines, "\"outcome\":\"passed\"");
	say(RUN("b", "worn"));
	expect(&lines, "started");
	expect(&lines, "\"leaves\":true");
	assert_int_equal(pthread_join(thread, NULL), 0); /* without a bye */
	assert_int_equal(status, 0);
	is_worn = false;
	close(ends[0]);
	close(ends[1]);
	lines_deinit(&lines);
}

static void
another_version_is_refused(void **state)
{
	pthread_t thread;
	int status = -1;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, &status), 0);
	say("{\"type\":\"hello\",\"versions\":[2]}\n");
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(status, 1);
	close(ends[0]);
	close(ends[1]);
}

static void
text_is_made_valid_and_short(void **state)
{
	_cleanup_(json_unrefp) json_t *bad = kit_text("a\xffz", 3, 100);
	_cleanup_(json_unrefp) json_t *cut = kit_text("ääää", 8, 5);

	(void)state;
	assert_string_equal(json_string_value(bad), "a\xEF\xBF\xBDz");
	assert_string_equal(json_string_value(cut), "ää…");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_checked),
		cmocka_unit_test(lines_come_whole_however_they_arrive),
		cmocka_unit_test(a_line_has_a_longest_length),
		cmocka_unit_test(a_runner_carries_out_one_run_after_the_other),
		cmocka_unit_test(a_screen_is_sent_while_somebody_looks),
		cmocka_unit_test(a_worn_runner_says_so_and_leaves),
		cmocka_unit_test(another_version_is_refused),
		cmocka_unit_test(text_is_made_valid_and_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
