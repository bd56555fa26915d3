/* SPDX-License-Identifier: Apache-2.0 */
/* The connection to a browser, against a thread that plays a good or a bad one. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
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
#include "runners/browser/json.h"
#include "runners/kit/kit.h"

/* --- The browser's part --- */

/* What the fake one has in hand while it serves. */
struct fake {
	int fd_in, fd_out;
	struct buf in;
	int64_t held[100]; /* ids of commands that are not yet answered */
	size_t n_held;
	pthread_t thread;
};

static void
fake_write(struct fake *fake, const char *data, size_t len)
{
	struct err err;

	(void)fd_write_all(fake->fd_out, data, len, &err); /* the other end may be gone */
}

/* A message with its NUL. */
static void
fake_say(struct fake *fake, const char *text)
{
	fake_write(fake, text, strlen(text) + 1);
}

static void
fake_reply(struct fake *fake, int64_t id, json_t *result)
{
	json_t *message = json_pack("{s:I, s:o}", "id", (json_int_t)id, "result", result);
	char *text = json_dumps(message, JSON_COMPACT);

	fake_say(fake, text);
	free(text);
	json_decref(message);
}

static void
do_echo(struct fake *fake, int64_t id, json_t *params)
{
	fake_reply(fake, id, json_incref(params));
}

/* Every byte alone. */
static void
do_split(struct fake *fake, int64_t id, json_t *params)
{
	char *text = xasprintf(
		"{\"id\":%d,\"result\":{\"n\":%d}}", (int)id, (int)cdp_int(params, "n", 0));

	for (size_t i = 0; i <= strlen(text); i++)
		fake_write(fake, text + i, 1);
	free(text);
}

static void
do_hold(struct fake *fake, int64_t id, json_t *params)
{
	(void)params;
	fake->held[fake->n_held++] = id;
}

/* Answers what was held, the youngest first, and itself before all of them. */
static void
do_release(struct fake *fake, int64_t id, json_t *params)
{
	do_echo(fake, id, params);
	while (fake->n_held > 0) {
		int64_t held = fake->held[--fake->n_held];

		fake_reply(fake, held, json_pack("{s:i}", "left", (int)fake->n_held));
	}
}

static void
do_big(struct fake *fake, int64_t id, json_t *params)
{
	size_t bytes = (size_t)cdp_int(params, "bytes", 0);
	char *text = xmalloc(bytes + 1);

	memset(text, 'x', bytes);
	text[bytes] = '\0';
	fake_reply(fake, id, json_pack("{s:s}", "data", text));
	free(text);
}

static void
do_raw(struct fake *fake, int64_t id, json_t *params)
{
	(void)id;
	fake_say(fake, cdp_str(params, "text"));
}

/* The first half of a message, and then nothing ever. */
static void
do_half(struct fake *fake, int64_t id, json_t *params)
{
	(void)id;
	(void)params;
	fake_write(fake, "{\"id\":1,\"res", 12);
	shutdown(fake->fd_out, SHUT_RDWR);
}

static void
do_fail(struct fake *fake, int64_t id, json_t *params)
{
	char *text = xasprintf("{\"id\":%d,\"error\":{\"code\":-32000,\"message\":\"%s\"}}",
		(int)id, cdp_str(params, "message"));

	fake_say(fake, text);
	free(text);
}

static void
do_events(struct fake *fake, int64_t id, json_t *params)
{
	for (int64_t i = 0; i < cdp_int(params, "n", 0); i++) {
		char *text = xasprintf("{\"method\":\"%s\",\"params\":{\"i\":%d},"
				       "\"sessionId\":\"%s\"}",
			cdp_str(params, "method"), (int)i, cdp_str(params, "session"));
		fake_say(fake, text);
		free(text);
	}
	do_echo(fake, id, params);
}

/* Says it again and again until nobody listens. */
static void
do_flood(struct fake *fake, int64_t id, json_t *params)
{
	static const char event[] = "{\"method\":\"Flood.event\",\"params\":{}}";
	struct err err;

	(void)id;
	(void)params;
	while (fd_write_all(fake->fd_out, event, sizeof event, &err) == 0)
		;
}

static void
do_silent(struct fake *fake, int64_t id, json_t *params)
{
	(void)fake;
	(void)id;
	(void)params;
}

static const struct {
	const char *method;
	void (*serve)(struct fake *fake, int64_t id, json_t *params);
} fake_methods[] = {
	{ "Test.echo", do_echo },
	{ "Test.split", do_split },
	{ "Test.hold", do_hold },
	{ "Test.release", do_release },
	{ "Test.big", do_big },
	{ "Test.raw", do_raw },
	{ "Test.half", do_half },
	{ "Test.fail", do_fail },
	{ "Test.events", do_events },
	{ "Test.flood", do_flood },
	{ "Test.silent", do_silent },
};

static void
fake_serve(struct fake *fake, const char *text)
{
	json_t *message = json_loads(text, 0, NULL);
	const char *method = cdp_str(message, "method");
	json_t *none = json_object();
	json_t *params = json_object_get(message, "params");

	for (size_t i = 0; i < ARRAY_LEN(fake_methods); i++) {
		if (strcmp(method, fake_methods[i].method) == 0)
			fake_methods[i].serve(
				fake, cdp_int(message, "id", 0), params ? params : none);
	}
	json_decref(none);
	json_decref(message);
}

static void *
fake_run(void *arg)
{
	struct fake *fake = arg;
	char piece[65536];

	for (;;) {
		ssize_t n = read(fake->fd_in, piece, sizeof piece);
		if (n <= 0)
			break;
		if (buf_add(&fake->in, piece, (size_t)n) < 0)
			abort();
		for (;;) {
			char *end = memchr(fake->in.data, '\0', fake->in.len);
			if (!end)
				break;
			fake_serve(fake, fake->in.data);
			buf_consume(&fake->in, (size_t)(end + 1 - fake->in.data));
		}
	}
	close(fake->fd_in);
	buf_deinit(&fake->in);
	return NULL;
}

static struct cdp *
fake_start(struct fake *fake)
{
	int ends[2];

	*fake = (struct fake) { .in = BUF_INIT(MIB(64)) };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	fake->fd_in = fake->fd_out = ends[1];
	assert_int_equal(pthread_create(&fake->thread, NULL, fake_run, fake), 0);
	return cdp_new(ends[0], ends[0]);
}

static void
fake_stop(struct fake *fake, struct cdp *cdp)
{
	cdp_free(cdp);
	pthread_join(fake->thread, NULL);
}

static int64_t
soon(void)
{
	return clock_mono_ms() + 60000; /* a limit, not a time that anything takes */
}

/* --- Calls --- */

static void
answers_come_whole_however_they_arrive(void **state)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct err err;
	json_t *result;

	(void)state;
	assert_int_equal(cdp_call(cdp, NULL, "Test.split", json_pack("{s:i}", "n", 7), soon(),
				 &result, &err),
		0);
	assert_int_equal(cdp_int(result, "n", 0), 7);
	json_decref(result);
	/* 10 MB do not fit any pipe. */
	assert_int_equal(cdp_call(cdp, "S", "Test.big", json_pack("{s:i}", "bytes", 10000000),
				 soon(), &result, &err),
		0);
	assert_int_equal(json_string_length(json_object_get(result, "data")), 10000000);
	json_decref(result);
	fake_stop(&fake, cdp);
}

/* Both sides have more to say than a pipe holds: nobody may wait for the other to read. */
static void
much_in_both_directions_does_not_block(void **state)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct err err;
	json_t *result;
	char *text = xmalloc(3000001);

	(void)state;
	memset(text, 'y', 3000000);
	text[3000000] = '\0';
	for (int i = 0; i < 4; i++)
		cdp_send(cdp, NULL, "Test.echo", json_pack("{s:s}", "t", text), NULL, NULL);
	assert_int_equal(cdp_call(cdp, NULL, "Test.echo", json_pack("{s:s}", "t", text), soon(),
				 &result, &err),
		0);
	assert_int_equal(json_string_length(json_object_get(result, "t")), 3000000);
	json_decref(result);
	assert_int_equal(cdp_counts(cdp).under_way, 0);
	free(text);
	fake_stop(&fake, cdp);
}

/* Collects replies in the order in which they come. */
struct order {
	int left[3];
	size_t n;
	unsigned n_failed;
};

static void
take_order(void *arg, json_t *result, const struct err *error)
{
	struct order *order = arg;

	if (error)
		order->n_failed++;
	else
		order->left[order->n++] = (int)cdp_int(result, "left", -1);
}

static bool
order_is_full(void *arg)
{
	return ((const struct order *)arg)->n == 3;
}

static void
replies_out_of_order_find_their_commands(void **state)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct order order = { 0 };
	struct err err;

	(void)state;
	for (int i = 0; i < 3; i++)
		cdp_send(cdp, NULL, "Test.hold", NULL, take_order, &order);
	assert_int_equal(cdp_call(cdp, NULL, "Test.release", NULL, soon(), NULL, &err), 0);
	assert_int_equal(cdp_pump(cdp, soon(), order_is_full, &order, &err), 0);
	assert_int_equal(order.left[0], 2);
	assert_int_equal(order.left[2], 0);
	fake_stop(&fake, cdp);
}

static void
a_deadline_ends_the_wait_and_a_late_answer_hurts_nobody(void **state)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct err err;
	int64_t before_ms = clock_mono_ms();

	(void)state;
	assert_int_equal(
		cdp_call(cdp, NULL, "Test.hold", NULL, before_ms + 50, NULL, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(clock_mono_ms() - before_ms >= 50);
	assert_int_equal(cdp_call(cdp, NULL, "Test.release", NULL, soon(), NULL, &err), 0);
	assert_int_equal(cdp_call(cdp, NULL, "Test.echo", NULL, soon(), NULL, &err), 0);
	assert_int_equal(cdp_state(cdp), CDP_OPEN);
	fake_stop(&fake, cdp);
}

static void
failures_have_codes(void **state)
{
	static const struct {
		const char *message;
		enum err_code code;
	} table[] = {
		{ "Cannot find context with specified id", ERR_CONFLICT },
		{ "Inspected target navigated or closed", ERR_CONFLICT },
		{ "Session with given id not found.", ERR_NOT_FOUND },
		{ "No node with given id found", ERR_NOT_FOUND },
		{ "Invalid parameters", ERR_INVALID },
	};
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		assert_int_equal(cdp_call(cdp, NULL, "Test.fail",
					 json_pack("{s:s}", "message", table[i].message),
					 soon(), NULL, &err),
			-1);
		assert_int_equal(err.code, table[i].code);
		assert_non_null(strstr(err.text, table[i].message));
	}
	fake_stop(&fake, cdp);
}

static void
a_session_that_is_gone_ends_its_commands(void **state)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct order here = { 0 }, there = { 0 };

	(void)state;
	cdp_send(cdp, "A", "Test.silent", NULL, take_order, &here);
	cdp_send(cdp, "B", "Test.silent", NULL, take_order, &there);
	cdp_session_gone(cdp, "A", ERR_NOT_FOUND, "the page was closed");
	assert_int_equal(here.n_failed, 1);
	assert_int_equal(there.n_failed, 0);
	fake_stop(&fake, cdp);
	assert_int_equal(here.n_failed, 1);
	assert_int_equal(there.n_failed, 1);
}

struct owner {
	struct cdp *cdp;
	unsigned *n_called;
};

/* Frees itself with the first answer, as one does that has then no use for the others. */
static void
leave(void *arg, json_t *result, const struct err *error)
{
	struct owner *owner = arg;

	(void)result;
	assert_non_null(error);
	++*owner->n_called;
	cdp_forget(owner->cdp, owner);
	free(owner);
}

static void
an_answer_of_a_session_that_is_gone_may_free_what_the_others_are_for(void **state)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct owner *owner = xcalloc(1, sizeof *owner);
	unsigned n_called = 0;

	(void)state;
	*owner = (struct owner) { cdp, &n_called };
	for (int i = 0; i < 3; i++)
		cdp_send(cdp, "A", "Test.silent", NULL, leave, owner);
	cdp_session_gone(cdp, "A", ERR_NOT_FOUND, "the page was closed");
	assert_int_equal(n_called, 1);
	assert_int_equal(cdp_counts(cdp).under_way, 0);
	fake_stop(&fake, cdp);
	assert_int_equal(n_called, 1);
}

/* --- The end --- */

static void
the_end_of_the_browser_ends_every_wait(void **state)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct order order = { 0 };
	struct err err;

	(void)state;
	cdp_send(cdp, NULL, "Test.silent", NULL, take_order, &order);
	assert_int_equal(cdp_call(cdp, NULL, "Test.half", NULL, soon(), NULL, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(cdp_state(cdp), CDP_LOST);
	assert_int_equal(order.n_failed, 1);
	/* And nothing that comes after hangs or crashes. */
	assert_int_equal(cdp_call(cdp, NULL, "Test.echo", NULL, soon(), NULL, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(cdp_pump(cdp, soon(), NULL, NULL, &err), -1);
	assert_int_equal(cdp_poll(cdp, &err), -1);
	fake_stop(&fake, cdp);
}

static json_t *
raw(const char *text)
{
	return json_pack("{s:s}", "text", text);
}

static void
what_cannot_be_read_costs_no_more_than_it_must(void **state)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct err err;
	json_t *result;

	(void)state;
	/* An event, an empty object, a reply to nobody: dropped. */
	cdp_send(cdp, NULL, "Test.raw", raw("{\"method\":\"X.y\",}"), NULL, NULL);
	cdp_send(cdp, NULL, "Test.raw", raw("{}"), NULL, NULL);
	cdp_send(cdp, NULL, "Test.raw", raw("{\"id\":999,\"result\":{}}"), NULL, NULL);
	cdp_send(cdp, NULL, "Test.raw", raw("{\"method\":7,\"params\":[]}"), NULL, NULL);
	assert_int_equal(cdp_call(cdp, NULL, "Test.echo", NULL, soon(), &result, &err), 0);
	json_decref(result);
	/* A reply (to command 6): that command fails, with its kind of fault. */
	assert_int_equal(cdp_call(cdp, NULL, "Test.raw", raw("{\"id\":6,\"result\":{]}"),
				 soon(), NULL, &err),
		-1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_int_equal(cdp_state(cdp), CDP_OPEN);
	/* Something else altogether: this is no browser. */
	assert_int_equal(
		cdp_call(cdp, NULL, "Test.raw", raw("HTTP/1.1 400"), soon(), NULL, &err), -1);
	assert_int_equal(err.code, ERR_UNAVAILABLE);
	assert_int_equal(cdp_state(cdp), CDP_LOST);
	fake_stop(&fake, cdp);
}

static void
depth_is_limited(void **state)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct buf text = BUF_INIT(KIB(64));
	struct err err;

	(void)state;
	assert_int_equal(buf_adds(&text, "{\"id\":1,\"result\":{\"v\":"), 0);
	for (int i = 0; i < CDP_DEPTH_MAX; i++)
		assert_int_equal(buf_addc(&text, '['), 0);
	for (int i = 0; i < CDP_DEPTH_MAX; i++)
		assert_int_equal(buf_addc(&text, ']'), 0);
	assert_int_equal(buf_adds(&text, "}}"), 0);
	assert_int_equal(
		cdp_call(cdp, NULL, "Test.raw", raw(buf_text(&text)), soon(), NULL, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
	assert_int_equal(cdp_state(cdp), CDP_OPEN);
	buf_deinit(&text);
	fake_stop(&fake, cdp);
}

static void
a_flood_of_events_does_not_hold_back_the_deadline(void **state)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct err err;

	(void)state;
	int64_t deadline_ms = clock_mono_ms() + 100;
	assert_int_equal(cdp_call(cdp, NULL, "Test.flood", NULL, deadline_ms, NULL, &err), -1);
	assert_int_equal(err.code, ERR_TIMEOUT);
	assert_true(clock_mono_ms() - deadline_ms < 30000);
	assert_true(cdp_counts(cdp).events > 0);
	fake_stop(&fake, cdp);
}

/* --- Events --- */

/* Counts, and does what a handler may do. */
struct listener {
	struct cdp *cdp;
	struct cdp_handler *self;
	unsigned n;
	int64_t last;
	unsigned leave_after; /* 0: never */
};

static void
count_event(void *arg, const struct cdp_event *event)
{
	struct listener *listener = arg;

	listener->n++;
	listener->last = cdp_int(event->params, "i", -1);
	if (listener->n == listener->leave_after)
		cdp_off(listener->cdp, listener->self);
}

static void
answer_event(void *arg, const struct cdp_event *event)
{
	struct listener *listener = arg;

	(void)event;
	listener->n++;
	cdp_send(listener->cdp, NULL, "Test.echo", NULL, NULL, NULL);
}

static void
events_reach_their_handlers(void **state)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct listener any = { .cdp = cdp }, mine = { .cdp = cdp }, other = { .cdp = cdp };
	struct listener brief = { .cdp = cdp, .leave_after = 2 }, sender = { .cdp = cdp };
	struct err err;

	(void)state;
	brief.self = cdp_on(cdp, NULL, "Page.", count_event, &brief);
	any.self = cdp_on(cdp, NULL, "", count_event, &any);
	mine.self = cdp_on(cdp, "S", "Page.load", count_event, &mine);
	other.self = cdp_on(cdp, "", "Page.", count_event, &other);
	sender.self = cdp_on(cdp, NULL, "Page.", answer_event, &sender);
	assert_int_equal(cdp_call(cdp, NULL, "Test.events",
				 json_pack("{s:i, s:s, s:s}", "n", 5, "method", "Page.loadX",
					 "session", "S"),
				 soon(), NULL, &err),
		0);
	assert_int_equal(any.n, 5);
	assert_int_equal(any.last, 4);
	assert_int_equal(mine.n, 5);
	assert_int_equal(other.n, 0);
	assert_int_equal(brief.n, 2);
	assert_int_equal(sender.n, 5);
	cdp_off(cdp, any.self);
	assert_int_equal(cdp_call(cdp, NULL, "Test.echo", NULL, soon(), NULL, &err), 0);
	assert_int_equal(any.n, 5);
	fake_stop(&fake, cdp);
}

/* --- Hostile text --- */

static void
hostile_strings_are_mended(void **state)
{
	static const struct {
		const char *text, *value;
	} table[] = {
		{ "{\"v\":\"a\\ud800b\"}",
			"a\xEF\xBF\xBD"
			"b" },
		{ "{\"v\":\"\\udc00\\ud83d\\ude00\"}", "\xEF\xBF\xBD\xF0\x9F\x98\x80" },
		{ "{\"v\":\"\\ud83d\"}", "\xEF\xBF\xBD" },
		{ "{\"v\":\"\\ud83d\\u0041\"}",
			"\xEF\xBF\xBD"
			"A" },
		{ "{\"v\":\"x\\u0000y\"}", "x\xEF\xBF\xBDy" },
		{ "{\"v\":\"\\\\ud800\"}", "\\ud800" },
		{ "{\"v\":\"\xff\xc3\"}", "??" },
		{ "{\"v\":\"[{\\\"[\"}", "[{\"[" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		char text[100];
		struct err err;

		snprintf(text, sizeof text, "%s", table[i].text);
		json_t *value = browser_json_read(text, strlen(text), &err);
		assert_non_null(value);
		assert_string_equal(cdp_str(value, "v"), table[i].value);
		json_decref(value);
	}
}

static void
numbers_beyond_64_bits_are_read(void **state)
{
	char text[] = "{\"a\":123456789012345678901234567890,\"b\":1}";
	struct err err;
	json_t *value = browser_json_read(text, strlen(text), &err);

	(void)state;
	assert_non_null(value);
	assert_true(cdp_num(value, "a") > 1e29);
	assert_int_equal(cdp_int(value, "a", 5), 5);
	assert_int_equal(cdp_int(value, "b", 0), 1);
	json_decref(value);
}

/* --- The worker --- */

struct worker {
	int fd;
	struct err err; /* what the call said */
	enum cdp_state after;
	int deaf_result;
};

static struct worker worker;

static json_t *
wait_for_cancel(struct kit *kit, const struct kit_request *request)
{
	struct fake fake;
	struct cdp *cdp = fake_start(&fake);
	struct err err;

	(void)request;
	cdp_watch(cdp, kit);
	kit_started(kit, -1);
	(void)cdp_call(cdp, NULL, "Test.silent", NULL, soon(), NULL, &worker.err);
	worker.after = cdp_state(cdp);
	(void)cdp_deafen(cdp, true);
	worker.deaf_result = cdp_call(cdp, NULL, "Test.echo", NULL, soon(), NULL, &err);
	(void)cdp_deafen(cdp, false);
	fake_stop(&fake, cdp);
	return kit_result("cancelled", NULL, NULL);
}

/* Asks for a run, and once it has started for its end. */
static void *
play_worker(void *arg)
{
	static const char hello[] = "{\"type\":\"hello\",\"versions\":[1]}\n"
				    "{\"type\":\"run\",\"run\":\"r\",\"test\":{},\"dir\":\"/\","
				    "\"artifacts\":\"/\"}\n";
	static const char cancel[] =
		"{\"type\":\"cancel\",\"run\":\"r\"}\n{\"type\":\"bye\"}\n";
	struct buf said = BUF_INIT(KIB(64));
	char piece[1000];
	struct err err;
	ssize_t n;

	(void)arg;
	(void)fd_write_all(worker.fd, hello, sizeof hello - 1, &err);
	bool has_asked = false;
	while ((n = read(worker.fd, piece, sizeof piece)) > 0) {
		if (buf_add(&said, piece, (size_t)n) < 0)
			abort();
		if (!has_asked && strstr(buf_text(&said), "started")) {
			has_asked = true;
			(void)fd_write_all(worker.fd, cancel, sizeof cancel - 1, &err);
		}
	}
	buf_deinit(&said);
	return NULL;
}

static void
a_cancel_is_seen_in_the_middle_of_a_call(void **state)
{
	static const struct kit_spec spec = {
		.name = "test",
		.kind = "test",
		.reusable = true,
		.carry_out = wait_for_cancel,
	};
	pthread_t thread;
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	worker = (struct worker) { .fd = ends[1] };
	assert_int_equal(pthread_create(&thread, NULL, play_worker, NULL), 0);
	assert_int_equal(kit_serve_on(&spec, ends[0], ends[0]), 0);
	close(ends[0]);
	pthread_join(thread, NULL);
	close(ends[1]);
	assert_int_equal(worker.err.code, ERR_UNAVAILABLE);
	assert_string_equal(worker.err.text, "the run was cancelled");
	assert_int_equal(worker.after, CDP_CANCELLED);
	assert_int_equal(worker.deaf_result, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_whole_however_they_arrive),
		cmocka_unit_test(much_in_both_directions_does_not_block),
		cmocka_unit_test(replies_out_of_order_find_their_commands),
		cmocka_unit_test(a_deadline_ends_the_wait_and_a_late_answer_hurts_nobody),
		cmocka_unit_test(failures_have_codes),
		cmocka_unit_test(a_session_that_is_gone_ends_its_commands),
		cmocka_unit_test(
			an_answer_of_a_session_that_is_gone_may_free_what_the_others_are_for),
		cmocka_unit_test(the_end_of_the_browser_ends_every_wait),
		cmocka_unit_test(what_cannot_be_read_costs_no_more_than_it_must),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(a_flood_of_events_does_not_hold_back_the_deadline),
		cmocka_unit_test(events_reach_their_handlers),
		cmocka_unit_test(hostile_strings_are_mended),
		cmocka_unit_test(numbers_beyond_64_bits_are_read),
		cmocka_unit_test(a_cancel_is_seen_in_the_middle_of_a_call),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
