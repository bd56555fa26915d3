/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A run whose pages and frames come and go by the thousand: none of them escapes what the
 * config says, and those that are gone cost nothing. The browser's end is read by the test.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/cdp.h"
#include "runners/browser/console.h"
#include "runners/browser/network.h"

enum { MANY = 3000 };

struct world {
	struct cdp *cdp;
	int fd; /* the browser's end */
	struct buf heard;
	struct browser_config config;
	struct network *network;
	struct console *console;
};

static int
setup(void **state)
{
	struct world *w = xcalloc(1, sizeof *w);
	struct err err;
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	w->cdp = cdp_new(ends[0], ends[0]);
	w->fd = ends[1];
	w->heard = (struct buf)BUF_INIT(MIB(64));
	w->config.no_images = true;
	struct network_spec spec = { .cdp = w->cdp, .config = &w->config };
	assert_int_equal(network_new(&w->network, &spec, &err), 0);
	assert_int_equal(console_new(&w->console, w->cdp, &w->config, &err), 0);
	*state = w;
	return 0;
}

static int
teardown(void **state)
{
	struct world *w = *state;

	network_free(w->network);
	console_free(w->console);
	cdp_free(w->cdp);
	close(w->fd);
	buf_deinit(&w->heard);
	free(w);
	return 0;
}

/* Has what was sent go over, and hears it. */
static void
hear(struct world *w)
{
	char piece[65536];
	struct err err;

	for (;;) {
		assert_int_equal(cdp_poll(w->cdp, &err), 0);
		ssize_t n = read(w->fd, piece, sizeof piece);
		if (n < 0)
			return;
		assert_int_equal(buf_add(&w->heard, piece, (size_t)n), 0);
	}
}

/* How many commands with that text in them were heard; forgets them all. */
static size_t
count_heard(struct world *w, const char *text)
{
	size_t n = 0;

	hear(w);
	for (size_t at = 0; at < w->heard.len; at += strlen(w->heard.data + at) + 1)
		n += strstr(w->heard.data + at, text) != NULL;
	buf_consume(&w->heard, w->heard.len);
	return n;
}

static void
say(struct world *w, const char *text)
{
	struct err err;

	assert_int_equal(fd_write_all(w->fd, text, strlen(text) + 1, &err), 0);
	assert_int_equal(cdp_poll(w->cdp, &err), 0);
}

static void
attach(struct world *w, unsigned number)
{
	char id[32];

	snprintf(id, sizeof id, "S%u", number);
	network_attach(w->network, id);
	console_attach(w->console, id);
	if (number % 100 == 0)
		hear(w);
}

static void
detach(struct world *w, unsigned number)
{
	char text[120];

	snprintf(text, sizeof text,
		"{\"method\":\"Target.detachedFromTarget\",\"params\":{\"sessionId\":\"S%u\"}}",
		number);
	say(w, text);
}

static void
throw_in(struct world *w, unsigned number)
{
	char text[200];

	snprintf(text, sizeof text,
		"{\"sessionId\":\"S%u\",\"method\":\"Runtime.exceptionThrown\","
		"\"params\":{\"exceptionDetails\":{\"text\":\"oh\"}}}",
		number);
	say(w, text);
}

static void
all_sessions_are_guarded_however_many_there_are(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < MANY; i++)
		attach(w, i);
	assert_int_equal(count_heard(w, "\"Fetch.enable\""), MANY);
	throw_in(w, MANY - 1);
	assert_int_equal(console_errors(w->console, CONSOLE_FAIL_ERRORS), 1);
}

static void
one_session_is_prepared_once(void **state)
{
	struct world *w = *state;

	attach(w, 1);
	attach(w, 1);
	assert_int_equal(count_heard(w, "\"Fetch.enable\""), 1);
}

static void
sessions_that_are_gone_are_asked_nothing(void **state)
{
	struct world *w = *state;

	for (unsigned i = 0; i < MANY; i++) {
		attach(w, i);
		if (i >= 2)
			detach(w, i);
	}
	assert_int_equal(count_heard(w, "\"Fetch.enable\""), MANY);
	network_set_offline(w->network, true);
	assert_int_equal(count_heard(w, "\"Network.emulateNetworkConditions\""), 2);
	throw_in(w, 2);
	assert_int_equal(console_errors(w->console, CONSOLE_FAIL_ERRORS), 0);
	throw_in(w, 1);
	assert_int_equal(console_errors(w->console, CONSOLE_FAIL_ERRORS), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			all_sessions_are_guarded_however_many_there_are, setup, teardown),
		cmocka_unit_test_setup_teardown(one_session_is_prepared_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			sessions_that_are_gone_are_asked_nothing, setup, teardown),
	};

	return cmocka_run_group_tests_name("sessions", tests, NULL, NULL);
}
