/* SPDX-License-Identifier: Apache-2.0 */
/* Verdict, events and result of one run. */
#include "worker/task.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "runners/kit/kit.h"
#include "runners/kit/message.h"
#include "worker/context.h"
#include "worker/poll.h"

enum {
	LOG_LINES_MAX = 2000, /* run.log events of a run; the whole log is an artifact */
	EVENT_BYTES_MAX =
		60 * 1024, /* data of an event: below EVENT_DATA_BYTES_MAX with its frame */
	WARNINGS_MAX = 50,
	ERROR_MESSAGE_BYTES_MAX = 8 * 1024, /* runner.md §4 */
};

/* --- Birth and death --- */

static const char *
bundle_of(json_t *test)
{
	const char *text = json_string_value(json_object_get(test, "bundle"));

	return text && strncmp(text, "sha256:", 7) == 0 ? text + 7 : text;
}

struct task *
task_new(struct worker *worker, json_t *lease, struct err *err)
{
	const char *run = json_string_value(json_object_get(lease, "run"));
	json_t *fence = json_object_get(lease, "fence");
	json_t *test = json_object_get(lease, "test");
	struct uuid id;

	if (!run || uuid_parse(str_of(run), &id) < 0 || !json_is_integer(fence) ||
		!json_is_object(test)) {
		err_set(err, ERR_INVALID, "the server gave a lease without run, fence or test");
		return NULL;
	}
	struct task *task = xcalloc(1, sizeof *task);
	task->worker = worker;
	uuid_format(&id, task->run);
	task->fence = json_integer_value(fence);
	task->lease = json_incref(lease);
	task->timeout_ms = json_integer_value(json_object_get(lease, "timeoutMs"));
	task->start_timeout_ms = json_integer_value(json_object_get(lease, "startTimeoutMs"));
	task->job = json_string_value(json_object_get(lease, "job"));
	if (!task->job)
		task->job = "";
	task->group = json_integer_value(json_object_get(lease, "group"));
	task->connection = json_integer_value(json_object_get(lease, "connection"));
	task->bundle = bundle_of(test);
	const char *kind = json_string_value(json_object_get(test, "kind"));
	task->kind = kind ? kind_find(kind) : NULL;
	task->leased_mono_ms = task->started_mono_ms = clock_mono_ms();
	list_push_back(&worker->tasks, &task->node);
	return task;
}

struct task *
task_free(struct task *task)
{
	if (!task)
		return NULL;
	screen_deinit(task);
	list_remove(&task->node);
	json_decref(task->lease);
	json_decref(task->error);
	json_decref(task->result);
	json_decref(task->warnings);
	free(task->reason);
	free(task);
	return NULL;
}

struct task *
task_find(struct worker *worker, const char *run)
{
	LIST_FOR_EACH(node, &worker->tasks) {
		struct task *task = list_entry(node, struct task, node);
		if (strcmp(task->run, run) == 0)
			return task;
	}
	return NULL;
}

/* --- Verdict --- */

void
task_decide(struct task *task, const char *outcome, const char *reason, const char *fmt, ...)
{
	if (task->outcome)
		return;
	task->outcome = outcome;
	task->reason = reason ? xstrdup(reason) : NULL;
	if (fmt) {
		va_list ap;

		va_start(ap, fmt);
		_cleanup_free_ char *text = xvasprintf(fmt, ap);
		va_end(ap);
		task->error = kit_error("%s", text);
	}
}

/* The static text of an outcome that message_parse() has checked. */
static const char *
known_outcome(const char *text)
{
	static const char *const known[] = { "passed", "failed", "errored", "skipped",
		"cancelled", "timed_out", "lost" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(known[i], text) == 0)
			return known[i];
	return "errored";
}

/* A reason is a word for machines: what is no such word is cut to what the server takes. */
static char *
copy_reason(const char *text)
{
	enum { REASON_WORD_BYTES_MAX = 100 };
	size_t n = 0, len = strlen(text);

	while (n < len) {
		size_t step = utf8_char_len(text + n, len - n);
		if (step == 0 || n + step > REASON_WORD_BYTES_MAX)
			break;
		n += step;
	}
	return xstrndup(text, n);
}

/* The error as the server takes it: with a message, and at most RUN_ERROR_BYTES_MAX long. */
static json_t *
copy_error(json_t *given)
{
	static const char *const long_members[] = { "snippet", "stack", "expected", "actual" };
	json_t *error = json_copy(given);
	json_t *message = json_object_get(error, "message");

	if (!json_is_string(message) || json_string_length(message) > ERROR_MESSAGE_BYTES_MAX)
		json_object_set_new(error, "message",
			json_is_string(message)
				? kit_text(json_string_value(message),
					  json_string_length(message), ERROR_MESSAGE_BYTES_MAX)
				: json_string("(no message)"));
	for (size_t i = 0; i < ARRAY_LEN(long_members); i++) {
		_cleanup_free_ char *text = json_dumps(error, JSON_COMPACT);
		if (text && strlen(text) < RUN_ERROR_BYTES_MAX)
			return error;
		json_object_del(error, long_members[i]);
	}
	json_t *plain = json_pack("{s:O}", "message", json_object_get(error, "message"));
	json_decref(error);
	return plain;
}

void
task_take_result(struct task *task, json_t *body)
{
	json_t *error = json_object_get(body, "error");

	if (task->result)
		return;
	task->result = json_incref(body);
	if (!task->outcome) {
		task->outcome =
			known_outcome(json_string_value(json_object_get(body, "outcome")));
		const char *reason = json_string_value(json_object_get(body, "reason"));
		task->reason = reason ? copy_reason(reason) : NULL;
	}
	if (!task->error && json_is_object(error))
		task->error = copy_error(error);
}

/* --- Events --- */

static void
send_event(struct task *task, const char *type, const char *data, size_t len)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(EVENT_DATA_BYTES_MAX + 1024);
	struct jw jw;

	if (task->is_dropped)
		return;
	jw_init(&jw, &text);
	jw_obj(&jw);
	jw_kstr(&jw, "run", task->run);
	jw_ki64(&jw, "fence", task->fence);
	jw_ki64(&jw, "n", task->n_events + 1);
	jw_kstr(&jw, "type", type);
	jw_ktime(&jw, "at", clock_wall_ms());
	jw_key(&jw, "data");
	jw_rawn(&jw, data, len);
	jw_end_obj(&jw);
	if (jw_done(&jw) == 0 &&
		outbox_add(&task->worker->outbox, OUTBOX_EVENT, task, text.data, text.len)) {
		task->n_events++;
		poller_wake(task->worker->poller);
	}
}

static void
shorten(json_t *body)
{
	static const char *const long_members[] = { "stack", "snippet", "expected", "actual" };
	json_t *error = json_object_get(body, "error");

	for (size_t i = 0; i < ARRAY_LEN(long_members); i++)
		json_object_del(error, long_members[i]);
	json_object_set_new(body, "isShortened", json_true());
}

void
task_event(struct task *task, const char *type, json_t *body)
{
	_cleanup_(json_unrefp) json_t *data = json_deep_copy(body);

	json_object_del(data, "type");
	json_object_del(data, "run");
	for (int round = 0; round < 2; round++) {
		_cleanup_free_ char *text = json_dumps(data, JSON_COMPACT);
		size_t len = text ? strlen(text) : 0;

		if (text && len <= EVENT_BYTES_MAX) {
			send_event(task, type, text, len);
			return;
		}
		shorten(data);
	}
	log_debug("worker.event_dropped", NULL, "run %s: an event is too long", task->run);
}

void
task_log_line(struct task *task, const char *level, const char *text, size_t len)
{
	if (task->n_log_lines >= LOG_LINES_MAX || task->is_dropped)
		return;
	task->n_log_lines++;
	_cleanup_(json_unrefp) json_t *body = json_pack("{s:s, s:o}", "level", level, "text",
		task->n_log_lines == LOG_LINES_MAX
			? json_string("(further lines are only in the log file)")
			: kit_text(text, len, RUN_LOG_LINE_BYTES_MAX));
	task_event(task, "run.log", body);
}

void
task_warn(struct task *task, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	_cleanup_free_ char *text = xvasprintf(fmt, ap);
	va_end(ap);
	if (!task->warnings)
		task->warnings = json_array();
	if (json_array_size(task->warnings) >= WARNINGS_MAX)
		return;
	json_array_append_new(task->warnings, kit_text(text, strlen(text), 1000));
	_cleanup_(json_unrefp) json_t *body =
		json_pack("{s:o}", "message", kit_text(text, strlen(text), 1000));
	task_event(task, "run.warning", body);
}

/* --- Result --- */

static void
write_member(struct jw *jw, const json_t *result, const char *name)
{
	json_t *value = json_object_get(result, name);

	if (value && !json_is_null(value)) {
		jw_key(jw, name);
		jw_tree(jw, value);
	}
}

static void
write_warnings(struct jw *jw, const struct task *task)
{
	json_t *theirs = json_object_get(task->result, "warnings");
	size_t i;
	json_t *one;

	if (!task->warnings && !json_is_array(theirs))
		return;
	jw_karr(jw, "warnings");
	json_array_foreach(theirs, i, one) jw_tree(jw, one);
	json_array_foreach(task->warnings, i, one) jw_tree(jw, one);
	jw_end_arr(jw);
}

/* Tokens are what the runner says; the rest is measured from outside. */
static void
write_usage(struct jw *jw, const struct task *task)
{
	const json_t *said = json_object_get(task->result, "usage");
	json_int_t tokens = json_integer_value(json_object_get(said, "tokens"));

	if (tokens < 0 || tokens > USAGE_MAX)
		tokens = 0;
	if (task->cpu_ms == 0 && task->peak_kib == 0 && tokens == 0)
		return;
	jw_kobj(jw, "usage");
	if (task->cpu_ms > 0)
		jw_ki64(jw, "cpuMs", task->cpu_ms);
	if (task->peak_kib > 0)
		jw_ki64(jw, "peakKib", task->peak_kib);
	if (tokens > 0)
		jw_ki64(jw, "tokens", tokens);
	jw_end_obj(jw);
}

void
task_write_result(const struct task *task, struct jw *jw)
{
	jw_obj(jw);
	jw_kstr(jw, "run", task->run);
	jw_ki64(jw, "fence", task->fence);
	jw_kstr(jw, "outcome", task->outcome ? task->outcome : "errored");
	jw_kstr_opt(jw, "reason", task->reason);
	if (task->error) {
		jw_key(jw, "error");
		jw_tree(jw, task->error);
	}
	jw_ki64(jw, "durationMs", task->duration_ms);
	write_usage(jw, task);
	jw_kobj(jw, "result");
	write_member(jw, task->result, "cases");
	write_member(jw, task->result, "counts");
	write_member(jw, task->result, "output");
	write_member(jw, task->result, "timings");
	write_warnings(jw, task);
	jw_end_obj(jw);
	jw_end_obj(jw);
}
