/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One conversation with the worker, on blocking writes and poll(2). Requests that arrive while
 * a run is under way are only `cancel` and `bye`; a second `run` is a defect of the worker and
 * ends the process.
 */
#include "runners/kit/kit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/kit/message.h"

enum {
	KIT_FD_IN = 3,
	KIT_FD_OUT = 4,
	KIT_POLL_FDS_MAX = 16,
	ERROR_TEXT_BYTES_MAX = 8 * 1024, /* the protocol's limit of error.message */
	SHORT_TEXT_BYTES_MAX = 1024, /* what is left of long texts in a line that is too long */
};

struct kit {
	const struct kit_spec *spec;
	int fd_in, fd_out;
	struct lines lines;
	struct message next; /* a request that is waiting to be carried out; body NULL: none */
	char *run;           /* the run under way, or NULL */
	struct kit_screen screen; /* of the run under way or of `next` */
	bool cancelled;
	bool leaving; /* bye or end of file */
};

/* --- Writing --- */

/* Ends the process when the worker is gone: nobody is left to speak to. */
static void
write_line(struct kit *kit, const char *text, size_t len)
{
	struct err err;

	if (fd_write_all(kit->fd_out, text, len, &err) < 0)
		_exit(1);
}

static void
shorten_text(json_t *object, const char *key)
{
	json_t *value = json_object_get(object, key);

	if (!json_is_string(value) || json_string_length(value) <= SHORT_TEXT_BYTES_MAX)
		return;
	json_object_set_new(object, key,
		kit_text(json_string_value(value), json_string_length(value),
			SHORT_TEXT_BYTES_MAX));
}

/* Makes a message that is too long for a line shorter; the order is: least missed first. */
static void
shorten(json_t *body)
{
	static const char *const texts[] = { "message", "stack", "snippet", "expected",
		"actual" };
	json_t *error = json_object_get(body, "error");

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		shorten_text(error, texts[i]);
	shorten_text(body, "text");
	shorten_text(body, "message");
	if (json_object_del(body, "cases") == 0)
		json_object_set_new(body, "warnings",
			json_pack("[s]", "the list of cases was too long for one message"));
}

/* Takes members. */
static void
send_message(struct kit *kit, enum message_type type, json_t *members)
{
	_cleanup_(json_unrefp) json_t *body = members;

	json_object_set_new(body, "type", json_string(message_type_name(type)));
	if (kit->run)
		json_object_set_new(body, "run", json_string(kit->run));
	for (int round = 0; round < 3; round++) {
		_cleanup_free_ char *text = json_dumps(body, JSON_COMPACT);
		size_t len = text ? strlen(text) : 0;

		if (text && len <= MESSAGE_REPLY_BYTES_MAX) {
			text[len] = '\n'; /* in the NUL's place: one write, no copy */
			write_line(kit, text, len + 1);
			return;
		}
		if (round == 0)
			shorten(body);
		else
			json_object_del(body, "output");
	}
	if (type == MESSAGE_RESULT) {
		_cleanup_free_ char *text = xasprintf(
			"{\"type\":\"result\",\"run\":\"%s\",\"outcome\":\"errored\","
			"\"reason\":\"limit_result\",\"error\":{\"message\":\"the result is longer "
			"than %d bytes\"}}\n",
			kit->run ? kit->run : "", MESSAGE_REPLY_BYTES_MAX);
		write_line(kit, text, strlen(text));
	}
}

/* --- Reading --- */

/* A number of the message that is from 1 to max; else 0. */
static int
number_of(json_t *body, const char *key, int max)
{
	json_int_t value = json_integer_value(json_object_get(body, key));

	return value >= 1 && value <= max ? (int)value : 0;
}

/* The run under way, or the one that is about to begin: the only one there is. */
static bool
is_ours(const struct kit *kit, const char *run)
{
	const char *own = kit->next.body ? kit->next.run : kit->run;

	return own && strcmp(own, run) == 0;
}

static void
take_screen(struct kit *kit, const struct message *message)
{
	if (!is_ours(kit, message->run))
		return;
	kit->screen = (struct kit_screen) {
		.is_on = json_is_true(json_object_get(message->body, "on")),
		.max_width = number_of(message->body, "maxWidth", SCREEN_SIDE_MAX),
		.max_height = number_of(message->body, "maxHeight", SCREEN_SIDE_MAX),
		.quality = number_of(message->body, "quality", 100),
	};
	if (kit->run && kit->spec->on_screen)
		kit->spec->on_screen(kit, &kit->screen);
}

static void
take_request(struct kit *kit, struct message *message)
{
	switch ((int)message->type) {
	case MESSAGE_RUN:
		if (kit->run || kit->next.body) {
			fprintf(stderr, "runner: a second run while one is under way\n");
			_exit(1);
		}
		kit->next = *message;
		kit->cancelled = false;
		message->body = NULL;
		return;
	case MESSAGE_CANCEL: /* it may come together with its run */
		if (is_ours(kit, message->run))
			kit->cancelled = true;
		return;
	case MESSAGE_SCREEN:
		take_screen(kit, message);
		return;
	case MESSAGE_BYE:
		kit->leaving = true;
		return;
	default: /* hello came already; newer types are none of our business */
		return;
	}
}

static void
take_lines(struct kit *kit)
{
	struct err err;
	struct str line;
	int r;

	while ((r = lines_next(&kit->lines, &line, &err)) == 0) {
		struct message message;

		if (message_parse(&message, MESSAGE_FROM_WORKER, line.p, line.n, &err) < 0) {
			fprintf(stderr, "runner: %s\n", err.text);
			_exit(1);
		}
		take_request(kit, &message);
		message_deinit(&message);
	}
	if (r < 0) {
		fprintf(stderr, "runner: %s\n", err.text);
		_exit(1);
	}
}

void
kit_read(struct kit *kit)
{
	size_t room;
	char *to = lines_room(&kit->lines, &room);
	ssize_t n = read(kit->fd_in, to, room);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		kit->leaving = true;
		kit->cancelled = true;
		return;
	}
	lines_filled(&kit->lines, (size_t)n);
	take_lines(kit);
}

int
kit_fd(const struct kit *kit)
{
	return kit->fd_in;
}

bool
kit_cancelled(const struct kit *kit)
{
	return kit->cancelled;
}

int
kit_poll(struct kit *kit, struct pollfd *fds, nfds_t n, int timeout_ms)
{
	struct pollfd all[KIT_POLL_FDS_MAX + 1];
	int64_t end_ms = clock_mono_ms() + timeout_ms;

	if (n > KIT_POLL_FDS_MAX)
		abort();
	for (;;) {
		if (kit->cancelled)
			return -1;
		if (n > 0)
			memcpy(all, fds, n * sizeof *fds);
		all[n] = (struct pollfd) { .fd = kit->fd_in, .events = POLLIN };
		int64_t left_ms = timeout_ms < 0 ? -1 : end_ms - clock_mono_ms();
		int r = poll(all, n + 1, left_ms < 0 && timeout_ms >= 0 ? 0 : (int)left_ms);

		if (r < 0 && errno != EINTR)
			_exit(1);
		if (r <= 0) {
			if (timeout_ms >= 0 && clock_mono_ms() >= end_ms)
				return 0;
			continue;
		}
		if (all[n].revents) {
			kit_read(kit);
			r--;
		}
		if (n > 0)
			memcpy(fds, all, n * sizeof *fds);
		if (r > 0 && !kit->cancelled)
			return r;
	}
}

/* --- What a run says --- */

void
kit_started(struct kit *kit, int64_t total)
{
	send_message(kit, MESSAGE_STARTED,
		total < 0 ? json_object() : json_pack("{s:I}", "total", (json_int_t)total));
}

void
kit_case(struct kit *kit, json_t *members)
{
	send_message(kit, MESSAGE_CASE, members);
}

void
kit_step(struct kit *kit, json_t *members)
{
	send_message(kit, MESSAGE_STEP, members);
}

const struct kit_screen *
kit_screen(const struct kit *kit)
{
	return &kit->screen;
}

bool
kit_frame(struct kit *kit, const void *jpeg, size_t len, int width, int height, const char *url)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(2 * KIT_FRAME_BYTES_MAX);

	if (len > KIT_FRAME_BYTES_MAX)
		return false;
	if (!kit->screen.is_on || base64_encode(&text, jpeg, len, BASE64_STANDARD) < 0)
		return true;
	json_t *body = json_pack(
		"{s:s, s:i, s:i}", "data", buf_text(&text), "width", width, "height", height);
	if (url)
		json_object_set_new(
			body, "url", kit_text(url, strlen(url), SHORT_TEXT_BYTES_MAX));
	send_message(kit, MESSAGE_FRAME, body);
	return true;
}

void
kit_progress(struct kit *kit, double percent, const char *message)
{
	json_t *body = json_object();

	if (percent >= 0)
		json_object_set_new(body, "percent", json_real(percent));
	if (message)
		json_object_set_new(body, "message",
			kit_text(message, strlen(message), SHORT_TEXT_BYTES_MAX));
	send_message(kit, MESSAGE_PROGRESS, body);
}

void
kit_log(struct kit *kit, const char *level, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *text = xvasprintf(fmt, ap);
	va_end(ap);
	send_message(kit, MESSAGE_LOG,
		json_pack("{s:s, s:o}", "level", level, "text",
			kit_text(text, strlen(text), RUN_LOG_LINE_BYTES_MAX)));
}

void
kit_artifact(struct kit *kit, const char *name, const char *path, const char *content_type,
	const char *kind, const char *case_id)
{
	json_t *body = json_pack("{s:s, s:s, s:s, s:s}", "name", name, "path", path,
		"contentType", content_type, "kind", kind);

	if (!body)
		return; /* a name that is not UTF-8 cannot be said */
	if (case_id)
		json_object_set_new(body, "case", json_string(case_id));
	send_message(kit, MESSAGE_ARTIFACT, body);
}

json_t *
kit_text(const char *text, size_t len, size_t max)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(4 * max + 16);
	size_t at = 0;

	while (at < len && out.len < max) {
		size_t n = utf8_char_len(text + at, len - at);
		bool is_text = n > 0 && text[at] != '\0';

		if (n > 0 && out.len + n > max)
			break;
		(void)(is_text ? buf_add(&out, text + at, n) : buf_adds(&out, "\xEF\xBF\xBD"));
		at += n > 0 ? n : 1;
	}
	if (at < len)
		(void)buf_adds(&out, "…");
	json_t *value = json_stringn(buf_text(&out), out.len);
	if (!value)
		abort();
	return value;
}

static json_t *error_of(const char *fmt, va_list ap) PRINTF_LIKE(1, 0);

static json_t *
error_of(const char *fmt, va_list ap)
{
	_cleanup_free_ char *text = xvasprintf(fmt, ap);

	return json_pack(
		"{s:o}", "message", kit_text(text, strlen(text), ERROR_TEXT_BYTES_MAX - 16));
}

json_t *
kit_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	json_t *error = error_of(fmt, ap);
	va_end(ap);
	if (!error)
		abort();
	return error;
}

json_t *
kit_result(const char *outcome, const char *reason, const char *fmt, ...)
{
	json_t *result = json_pack("{s:s}", "outcome", outcome);

	if (!result)
		abort();
	if (reason)
		json_object_set_new(result, "reason", json_string(reason));
	if (fmt) {
		va_list ap;

		va_start(ap, fmt);
		json_object_set_new(result, "error", error_of(fmt, ap));
		va_end(ap);
	}
	return result;
}

/* --- Life --- */

static const char *
text_of(json_t *body, const char *key)
{
	return json_string_value(json_object_get(body, key));
}

/* An object member; an empty one, kept alive by the message, where there is none. */
static json_t *
object_of(json_t *body, const char *key)
{
	json_t *value = json_object_get(body, key);

	if (!json_is_object(value)) {
		json_object_set_new(body, key, json_object());
		value = json_object_get(body, key);
	}
	return value;
}

static json_t *
object_or_null(json_t *body, const char *key)
{
	json_t *value = json_object_get(body, key);

	return json_is_object(value) ? value : NULL;
}

static void
carry_out(struct kit *kit)
{
	struct message message = kit->next;
	json_t *body = message.body;
	json_t *test = json_object_get(body, "test");
	const char *bundle = text_of(body, "files");
	const struct kit_request request = {
		.run = message.run,
		.test = test,
		.config = object_of(body, "config"),
		.params = object_of(body, "params"),
		.dir = text_of(body, "dir"),
		.files = bundle ? bundle : text_of(test, "files"),
		.owns_files = bundle != NULL,
		.artifacts = text_of(body, "artifacts"),
		.cache = text_of(body, "cache"),
		.target = text_of(body, "target"),
		.browser = object_or_null(body, "browser"),
		.role = text_of(body, "role"),
		.connection = json_integer_value(json_object_get(body, "connection")),
		.ctx = object_or_null(body, "ctx"),
		.timeout_ms = json_integer_value(json_object_get(body, "timeoutMs")),
		.attempt = json_integer_value(json_object_get(body, "attempt")),
		.iteration = json_integer_value(json_object_get(body, "iteration")),
	};
	json_t *result;

	kit->next.body = NULL;
	kit->run = xstrdup(request.run);
	if (kit->cancelled)
		result = kit_result("cancelled", NULL, NULL);
	else if (chdir(request.dir) < 0)
		result = kit_result("errored", "config", "cannot enter the run's folder: %s",
			strerror(errno));
	else
		result = kit->spec->carry_out(kit, &request);
	if (kit->spec->is_worn && kit->spec->is_worn()) {
		json_object_set_new(result, "leaves", json_true());
		kit->leaving = true;
	}
	send_message(kit, MESSAGE_RESULT, result);
	free(kit->run);
	kit->run = NULL;
	kit->screen = (struct kit_screen) { 0 };
	message_deinit(&message);
}

/* Reads `hello` and answers it. False: the worker left or speaks no version of ours. */
static bool
shake_hands(struct kit *kit, struct err *err)
{
	struct message hello;
	struct str line;
	int r;

	while ((r = lines_next(&kit->lines, &line, err)) == LINES_MORE) {
		size_t room;
		char *to = lines_room(&kit->lines, &room);
		ssize_t n = read(kit->fd_in, to, room);

		if (n == 0 || (n < 0 && errno != EINTR)) {
			err_set(err, ERR_UNAVAILABLE, "the worker left before its hello");
			return false;
		}
		if (n > 0)
			lines_filled(&kit->lines, (size_t)n);
	}
	if (r < 0 || message_parse(&hello, MESSAGE_FROM_WORKER, line.p, line.n, err) < 0)
		return false;

	bool understood = false;
	size_t i;
	json_t *version;
	json_array_foreach(json_object_get(hello.body, "versions"), i, version) understood |=
		json_integer_value(version) == MESSAGE_VERSION;
	understood &= hello.type == MESSAGE_HELLO;
	message_deinit(&hello);
	if (!understood) {
		err_set(err, ERR_INVALID, "the worker does not speak version %d",
			MESSAGE_VERSION);
		return false;
	}
	send_message(kit, MESSAGE_READY,
		json_pack("{s:i, s:[s], s:s, s:b}", "version", MESSAGE_VERSION, "kinds",
			kit->spec->kind, "name", kit->spec->name, "reusable",
			kit->spec->reusable));
	return true;
}

static void
wait_for_worker(struct kit *kit)
{
	struct pollfd in[2] = {
		{ .fd = kit->fd_in, .events = POLLIN },
		{ .fd = kit->spec->idle ? kit->spec->idle(false) : -1, .events = POLLIN },
	};

	if (poll(in, ARRAY_LEN(in), -1) <= 0)
		return;
	if (in[1].revents)
		(void)kit->spec->idle(true);
	if (in[0].revents)
		kit_read(kit);
}

int
kit_serve_on(const struct kit_spec *spec, int fd_in, int fd_out)
{
	struct kit kit = {
		.spec = spec,
		.fd_in = fd_in,
		.fd_out = fd_out,
		.lines = LINES_INIT(MESSAGE_REQUEST_BYTES_MAX),
	};
	struct err err;
	int status = 0;

	if (!shake_hands(&kit, &err)) {
		fprintf(stderr, "runner: %s\n", err.text);
		status = 1;
	} else {
		take_lines(&kit);
		while (kit.next.body || !kit.leaving) {
			if (kit.next.body)
				carry_out(&kit);
			else
				wait_for_worker(&kit);
		}
	}
	message_deinit(&kit.next);
	lines_deinit(&kit.lines);
	return status;
}

int
kit_serve(const struct kit_spec *spec)
{
	if (fcntl(KIT_FD_IN, F_GETFD) < 0 || fcntl(KIT_FD_OUT, F_GETFD) < 0) {
		fprintf(stderr,
			"this is a runner: a worker starts it and speaks to it on descriptors 3 "
			"and 4\n");
		return 2;
	}
	/* A worker that left is seen as a failed write, not as a signal. */
	signal(SIGPIPE, SIG_IGN);
	(void)fcntl(KIT_FD_IN, F_SETFD, FD_CLOEXEC);
	(void)fcntl(KIT_FD_OUT, F_SETFD, FD_CLOEXEC);
	return kit_serve_on(spec, KIT_FD_IN, KIT_FD_OUT);
}
