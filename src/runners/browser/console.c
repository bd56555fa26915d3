/* SPDX-License-Identifier: Apache-2.0 */
/* Entries are kept as what will be written, beside the little that is asked for meanwhile. */
#include "runners/browser/console.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "runners/browser/cdp.h"
#include "runners/browser/evidence_file.h"
#include "runners/browser/network_match.h"
#include "runners/kit/kit.h"

enum { ARGUMENTS_MAX = 20 };

struct entry {
	json_t *json; /* owned */
	char *shown;  /* "error: text (url:line)"; owned */
	bool is_exception, is_error, is_ignored;
};

struct console {
	struct cdp *cdp;
	struct cdp_handler *on_runtime, *on_log, *on_detached;
	struct pattern **ignore; /* owned */
	size_t n_ignore;
	struct entry *entry;
	size_t n, cap, n_dropped;
	struct map sessions; /* by id, that are listened to; the values mean nothing */
};

/* What one entry says. */
struct said {
	const char *level, *source, *url, *stack;
	struct str text;
	int64_t line, column; /* from 1; 0: unknown */
	double at_ms;
};

static void
set_text(json_t *out, const char *key, const char *text, size_t len)
{
	if (len > 0)
		json_object_set_new(
			out, key, kit_text(text, len, (size_t)CONSOLE_TEXT_BYTES_MAX));
}

static json_t *
entry_json(const struct said *said)
{
	char when[TIME_TEXT_LEN + 1];
	json_t *out = json_object();

	time_format(said->at_ms > 0 ? (int64_t)said->at_ms : clock_wall_ms(), when);
	json_object_set_new(out, "at", json_string(when));
	json_object_set_new(out, "level", json_string(said->level));
	json_object_set_new(out, "source", json_string(said->source));
	json_object_set_new(out, "text",
		kit_text(said->text.p ? said->text.p : "", said->text.n,
			(size_t)CONSOLE_TEXT_BYTES_MAX));
	set_text(out, "url", said->url, strlen(said->url));
	if (said->line > 0)
		json_object_set_new(out, "line", json_integer(said->line));
	if (said->column > 0)
		json_object_set_new(out, "column", json_integer(said->column));
	set_text(out, "stack", said->stack, strlen(said->stack));
	return out;
}

static bool
is_ignored(const struct console *console, struct str text)
{
	for (size_t i = 0; i < console->n_ignore; i++)
		if (pattern_matches(console->ignore[i], text))
			return true;
	return false;
}

static void
console_add(struct console *console, const struct said *said)
{
	if (console->n == CONSOLE_ENTRIES_MAX) {
		console->n_dropped++;
		return;
	}
	if (console->n == console->cap) {
		console->cap = console->cap ? 2 * console->cap : 32;
		console->entry =
			xreallocarray(console->entry, console->cap, sizeof *console->entry);
	}
	struct entry *entry = &console->entry[console->n++];
	*entry = (struct entry) {
		.json = entry_json(said),
		.is_exception = strcmp(said->source, "exception") == 0,
		.is_error = strcmp(said->level, "error") == 0,
		.is_ignored = is_ignored(console, said->text),
	};
	if (entry->is_error) {
		const char *text = cdp_str(entry->json, "text");
		entry->shown = *said->url && said->line > 0
			? xasprintf("%s: %.1000s (%.300s:%lld)", said->source, text, said->url,
				  (long long)said->line)
			: *said->url
			? xasprintf("%s: %.1000s (%.300s)", said->source, text, said->url)
			: xasprintf("%s: %.1000s", said->source, text);
	}
}

/* --- Reading events --- */

/* As much of the text as there is room for. -1: not all of it. */
static int
add_part(struct buf *out, const char *text, size_t len)
{
	size_t room = out->max - out->len;

	if (buf_add(out, text, len < room ? len : room) < 0)
		return -1;
	return len <= room ? 0 : -1;
}

/* What the developer's console would show of a value, roughly. */
static int
add_value(struct buf *out, const json_t *value)
{
	const json_t *plain = json_object_get(value, "value");
	const char *text = cdp_str(value, "description");

	if (json_is_string(plain))
		return add_part(out, json_string_value(plain), json_string_length(plain));
	if (*text)
		return add_part(out, text, strlen(text));
	if (*cdp_str(value, "unserializableValue"))
		return buf_adds(out, cdp_str(value, "unserializableValue"));
	if (!plain)
		return buf_adds(out, cdp_str(value, "type"));
	_cleanup_free_ char *json = json_dumps(plain, JSON_COMPACT | JSON_ENCODE_ANY);
	return buf_adds(out, json ? json : "");
}

static int
add_stack(struct buf *out, const json_t *trace)
{
	size_t i;
	json_t *frame;
	int r = 0;

	json_array_foreach(json_object_get(trace, "callFrames"), i, frame)
	{
		const char *name = cdp_str(frame, "functionName");
		r |= buf_addf(out, "%s    at %s (%s:%lld:%lld)", i > 0 ? "\n" : "",
			*name ? name : "<anonymous>", cdp_str(frame, "url"),
			(long long)cdp_int(frame, "lineNumber", 0) + 1,
			(long long)cdp_int(frame, "columnNumber", 0) + 1);
	}
	return r;
}

static void
set_place(struct said *said, const json_t *trace)
{
	const json_t *frame = json_array_get(json_object_get(trace, "callFrames"), 0);

	if (!frame)
		return;
	said->url = cdp_str(frame, "url");
	said->line = cdp_int(frame, "lineNumber", -1) + 1;
	said->column = cdp_int(frame, "columnNumber", -1) + 1;
}

static const char *
level_of(const char *type)
{
	if (strcmp(type, "error") == 0 || strcmp(type, "assert") == 0)
		return "error";
	if (strcmp(type, "warning") == 0)
		return "warning";
	if (strcmp(type, "debug") == 0 || strcmp(type, "verbose") == 0)
		return "debug";
	return "info";
}

static void
on_call(struct console *console, const struct cdp_event *event)
{
	/* Four times what is kept, so that what is cut is cut between characters later. */
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(4 * CONSOLE_TEXT_BYTES_MAX);
	_cleanup_(buf_deinit) struct buf stack = BUF_INIT(4 * CONSOLE_TEXT_BYTES_MAX);
	const json_t *trace = json_object_get(event->params, "stackTrace");
	struct said said = { .level = level_of(cdp_str(event->params, "type")),
		.source = "console",
		.url = "",
		.stack = "",
		.at_ms = cdp_num(event->params, "timestamp") };
	size_t i;
	json_t *value;

	json_array_foreach(json_object_get(event->params, "args"), i, value)
	{
		/* What does not fit is left out; a part is enough. */
		if (i == ARGUMENTS_MAX || (i > 0 && buf_addc(&text, ' ') < 0) ||
			add_value(&text, value) < 0)
			break;
	}
	if (strcmp(said.level, "error") == 0)
		(void)add_stack(&stack, trace); /* the same */
	said.text = buf_str(&text);
	said.stack = buf_text(&stack);
	set_place(&said, trace);
	console_add(console, &said);
}

static void
on_exception(struct console *console, const struct cdp_event *event)
{
	const json_t *details = json_object_get(event->params, "exceptionDetails");
	const char *stack = cdp_str(json_object_get(details, "exception"), "description");
	const char *text = *stack ? stack : cdp_str(details, "text");
	struct said said = { .level = "error",
		.source = "exception",
		.url = cdp_str(details, "url"),
		.stack = stack,
		.text = str_from(text, strcspn(text, "\n")),
		.line = cdp_int(details, "lineNumber", -1) + 1,
		.column = cdp_int(details, "columnNumber", -1) + 1,
		.at_ms = cdp_num(event->params, "timestamp") };

	_cleanup_(buf_deinit) struct buf thrown = BUF_INIT(4 * CONSOLE_TEXT_BYTES_MAX);
	const json_t *value = json_object_get(json_object_get(details, "exception"), "value");
	/* Not an Error but any value: a part of it is enough. */
	if (!*stack && value && buf_addf(&thrown, "%s ", cdp_str(details, "text")) == 0)
		(void)!add_value(&thrown, json_object_get(details, "exception"));
	if (thrown.len > 0)
		said.text = buf_str(&thrown);
	if (!*said.url)
		set_place(&said, json_object_get(details, "stackTrace"));
	console_add(console, &said);
}

static void
on_log(struct console *console, const struct cdp_event *event)
{
	const json_t *entry = json_object_get(event->params, "entry");
	struct said said = { .level = level_of(cdp_str(entry, "level")),
		.source = cdp_str(entry, "source"),
		.url = cdp_str(entry, "url"),
		.stack = "",
		.text = str_of(cdp_str(entry, "text")),
		.line = cdp_int(entry, "lineNumber", -1) + 1,
		.at_ms = cdp_num(entry, "timestamp") };

	console_add(console, &said);
}

static bool
is_listened_to(const struct console *console, const char *session)
{
	return map_get(&console->sessions, session, strlen(session)) != NULL;
}

static void
on_event(void *arg, const struct cdp_event *event)
{
	struct console *console = arg;

	if (!is_listened_to(console, event->session))
		return;
	if (strcmp(event->method, "Runtime.consoleAPICalled") == 0)
		on_call(console, event);
	else if (strcmp(event->method, "Runtime.exceptionThrown") == 0)
		on_exception(console, event);
	else if (strcmp(event->method, "Log.entryAdded") == 0)
		on_log(console, event);
}

static void
on_detached(void *arg, const struct cdp_event *event)
{
	struct console *console = arg;
	const char *session = cdp_str(event->params, "sessionId");

	(void)map_remove(&console->sessions, session, strlen(session));
}

/* --- Life --- */

int
console_new(struct console **ret, struct cdp *cdp, const struct browser_config *config,
	struct err *err)
{
	_cleanup_(console_freep) struct console *console = xcalloc(1, sizeof *console);

	console->cdp = cdp;
	map_init(&console->sessions, MAP_KEYS_COPIED);
	console->ignore = xcalloc(config->n_console_ignore + 1, sizeof(struct pattern *));
	for (size_t i = 0; i < config->n_console_ignore; i++) {
		if (pattern_regex(&console->ignore[i], config->console_ignore[i], err) < 0)
			return err_wrap(err, "config.console.ignore");
		console->n_ignore++;
	}
	console->on_runtime = cdp_on(cdp, NULL, "Runtime.", on_event, console);
	console->on_log = cdp_on(cdp, NULL, "Log.", on_event, console);
	console->on_detached =
		cdp_on(cdp, NULL, "Target.detachedFromTarget", on_detached, console);
	*ret = TAKE(console);
	return 0;
}

struct console *
console_free(struct console *console)
{
	if (!console)
		return NULL;
	if (console->on_runtime)
		cdp_off(console->cdp, console->on_runtime);
	if (console->on_log)
		cdp_off(console->cdp, console->on_log);
	if (console->on_detached)
		cdp_off(console->cdp, console->on_detached);
	for (size_t i = 0; i < console->n; i++) {
		json_decref(console->entry[i].json);
		free(console->entry[i].shown);
	}
	free(console->entry);
	for (size_t i = 0; i < console->n_ignore; i++)
		pattern_free(console->ignore[i]);
	free(console->ignore);
	map_deinit(&console->sessions);
	free(console);
	return NULL;
}

void
console_attach(struct console *console, const char *session)
{
	if (is_listened_to(console, session))
		return;
	assert(map_count(&console->sessions) < NETWORK_SESSIONS_MAX);
	(void)map_put(&console->sessions, session, strlen(session), console);
	cdp_send(console->cdp, session, "Runtime.enable", NULL, NULL, NULL);
	cdp_send(console->cdp, session, "Log.enable", NULL, NULL, NULL);
}

/* --- Looking --- */

size_t
console_count(const struct console *console)
{
	return console->n;
}

static bool
counts(const struct entry *entry, int console_fail)
{
	if (entry->is_ignored || console_fail == CONSOLE_FAIL_NEVER)
		return false;
	return entry->is_exception || (console_fail == CONSOLE_FAIL_ERRORS && entry->is_error);
}

size_t
console_errors(const struct console *console, int console_fail)
{
	size_t n = 0;

	for (size_t i = 0; i < console->n; i++)
		n += counts(&console->entry[i], console_fail);
	return n;
}

const char *
console_error(const struct console *console, int console_fail, size_t index)
{
	for (size_t i = 0; i < console->n; i++)
		if (counts(&console->entry[i], console_fail) && index-- == 0)
			return console->entry[i].shown;
	return NULL;
}

int
console_write(const struct console *console, const char *path, struct err *err)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(SHOT_BYTES_MAX);

	for (size_t i = 0; i < console->n; i++) {
		_cleanup_free_ char *line = json_dumps(console->entry[i].json, JSON_COMPACT);
		/* Past the limit the newest are left out. */
		if (!line || buf_adds(&out, line) < 0 || buf_addc(&out, '\n') < 0)
			break;
	}
	if (console->n_dropped > 0 &&
		buf_addf(&out,
			"{\"level\":\"warning\",\"source\":\"proctor\",\"text\":\"%zu more "
			"entries were not kept\"}\n",
			console->n_dropped) < 0)
		return err_set(err, ERR_LIMIT, "the console is too long");
	return evidence_write(path, buf_text(&out), out.len, err);
}
