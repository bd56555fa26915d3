/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One look at an address: on the pool the request is read and the host resolved and checked, on
 * the loop it is sent to the address that was checked, and the answer becomes a value. What
 * the value means is the rules' business.
 */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "conductor/conductor_impl.h"

enum {
	METHOD_BYTES_MAX = 20,
};

/* --- The request --- */

static bool
is_token(const char *text, size_t max)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789!#$%&'*+-.^_`|~";
	size_t n = strspn(text, letters);

	return n > 0 && n <= max && text[n] == '\0';
}

/* "GET https://…", or the address alone. */
static int
read_request(struct task *task, json_t *body, struct err *err)
{
	struct probe *probe = &task->probe;
	struct str rest = str_trim(str_of(json_string_value(json_object_get(body, "request"))));
	struct str first = str_split_first(&rest, ' ');

	if (first.n == 0)
		return err_set(err, ERR_INVALID, "request: \"METHOD address\" is expected");
	if (!rest.p) {
		rest = first;
		first = STR("GET");
	}
	rest = str_trim(rest);
	probe->method = arena_strndup(&task->arena, first.p, first.n);
	probe->url = arena_strndup(&task->arena, rest.p, rest.n);
	if (!probe->method || !probe->url)
		return err_set(err, ERR_LIMIT, "request: it is too long");
	if (!is_token(probe->method, METHOD_BYTES_MAX) ||
		strspn(probe->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != strlen(probe->method) ||
		strcmp(probe->method, "CONNECT") == 0)
		return err_set(err, ERR_INVALID, "request: \"%.20s\" is no method for a look",
			probe->method);
	return 0;
}

/* A line break in a value would begin a header, or a request, of its own. */
static int
check_header(const char *name, const char *value, struct err *err)
{
	static const char *const ours[] = { "Content-Length", "Transfer-Encoding", "Connection",
		"Expect", "Upgrade" };

	if (!is_token(name, NAME_BYTES_MAX))
		return err_set(err, ERR_INVALID, "headers: \"%.60s\" is no header name", name);
	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (str_eq_nocase(str_of(name), str_of(ours[i])))
			return err_set(err, ERR_INVALID, "headers: %s is not free", ours[i]);
	if (!value)
		return err_set(err, ERR_INVALID, "headers: %s must be a text", name);
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return err_set(err, ERR_INVALID,
				"headers: %s holds a line break or control character", name);
	return 0;
}

static int
read_headers(struct task *task, json_t *body, struct err *err)
{
	json_t *headers = json_object_get(body, "headers"), *value;
	struct probe *probe = &task->probe;
	const char *name;
	size_t n = 0;

	if (json_object_size(headers) > PROBE_HEADERS_MAX)
		return err_set(
			err, ERR_LIMIT, "headers: more than %d of them", PROBE_HEADERS_MAX);
	probe->headers = arena_xalloc(
		&task->arena, (json_object_size(headers) + 1) * sizeof *probe->headers);
	json_object_foreach(headers, name, value)
	{
		const char *text = json_string_value(value);

		if (check_header(name, text, err) < 0)
			return -1;
		/* libcurl takes "Name:" for a header to be left out, "Name;" for an empty one.
		 */
		probe->headers[n] =
			arena_printf(&task->arena, text[0] ? "%s: %s" : "%s;%s", name, text);
		if (!probe->headers[n++])
			return err_set(err, ERR_LIMIT, "headers: they are too long");
		if (str_eq_nocase(str_of(name), STR("Content-Type"))) {
			probe->content_type = arena_strdup(&task->arena, text);
			n--; /* the client writes it */
			probe->headers[n] = NULL;
		}
	}
	return 0;
}

static int
read_sent(struct task *task, json_t *body, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(PROBE_REQUEST_BYTES_MAX);
	json_t *sent = json_object_get(body, "body");
	struct probe *probe = &task->probe;
	struct jw jw;

	if (!sent || json_is_null(sent))
		return 0;
	jw_init(&jw, &text);
	if (json_is_string(sent))
		jw.failed =
			buf_add(&text, json_string_value(sent), json_string_length(sent)) < 0;
	else
		jw_tree(&jw, sent);
	if (jw_done(&jw) < 0)
		return err_set(err, ERR_LIMIT, "body: more than %d bytes",
			(int)PROBE_REQUEST_BYTES_MAX);
	if (json_is_string(sent) && !probe->content_type)
		probe->content_type = "text/plain; charset=utf-8";
	probe->body = arena_strndup(&task->arena, buf_text(&text), text.len);
	probe->body_len = text.len;
	return probe->body ? 0 : err_set(err, ERR_LIMIT, "body: it is too long");
}

static int64_t
read_timeout(json_t *body)
{
	json_t *value = json_object_get(body, "timeout");
	int64_t ms = json_is_integer(value) ? json_integer_value(value) : 0;

	if (ms <= 0)
		return PROBE_TIMEOUT_MS_DEFAULT;
	return ms < PROBE_TIMEOUT_MS_MAX ? ms : PROBE_TIMEOUT_MS_MAX;
}

/* Only what is checked here is connected to: a name that resolves otherwise later gains
 * nothing.
 */
static int
pin(struct task *task, struct err *err)
{
	const struct guard_policy *guard = task->conductor->options.guard;
	struct guard_target target;

	if (guard_url(guard, str_of(task->probe.url), &target, err) < 0 ||
		guard_pin(guard, &target, &task->probe.pin, err) < 0)
		return err_wrap(err, "%.80s", task->probe.url);
	return 0;
}

static int
prepare(struct task *task, struct store_reader *reader, struct err *err)
{
	_cleanup_(json_unrefp) json_t *body = NULL;

	if (task_body(task, reader, &body, err) < 0 || read_request(task, body, err) < 0 ||
		read_headers(task, body, err) < 0 || read_sent(task, body, err) < 0)
		return -1;
	if (json_is_string(json_object_get(body, "select")))
		task->probe.select = arena_strdup(
			&task->arena, json_string_value(json_object_get(body, "select")));
	task->probe.timeout_ms = read_timeout(body);
	return pin(task, err);
}

int
probe_prepare(struct task *task, struct store_reader *reader, struct err *err)
{
	int r;

	task->probe.began_mono_ms = clock_mono_ms();
	r = prepare(task, reader, err);
	if (r < 0 && err->code == ERR_LIMIT)
		err->code = ERR_INVALID; /* of the request: the next one is as long */
	return r;
}

/* --- The answer --- */

/* A line of the head; a name that comes again is a list. */
static void
add_header(json_t *object, struct str line)
{
	struct str value = line, name = str_split_first(&value, ':');
	char key[NAME_BYTES_MAX + 1];

	if (!value.p || name.n == 0 || name.n > NAME_BYTES_MAX)
		return;
	for (size_t i = 0; i < name.n; i++)
		key[i] = name.p[i] >= 'A' && name.p[i] <= 'Z' ? (char)(name.p[i] + 32)
							      : name.p[i];
	key[name.n] = '\0';
	value = str_trim(value);
	json_t *before = json_object_get(object, key);
	json_t *now = before && value.p
		? json_sprintf("%s, %.*s", json_string_value(before), (int)value.n, value.p)
		: json_stringn(value.p ? value.p : "", value.n);
	if (now) /* NULL: not UTF-8 */
		(void)json_object_set_new(object, key, now);
}

static struct str
headers_text(struct arena *arena, struct str lines)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(8 * PROBE_HEADERS_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *object = json_object();
	struct jw jw;

	while (lines.n > 0)
		add_header(object, str_split_first(&lines, '\n'));
	jw_init(&jw, &text);
	jw_tree(&jw, object);
	if (jw_done(&jw) < 0)
		return STR("{}");
	return str_from(arena_strndup(arena, text.data, text.len), text.len);
}

static struct str
keep(struct arena *arena, const struct buf *text)
{
	const char *copy = arena_strndup(arena, buf_text(text), text->len);

	return str_from(copy, copy ? text->len : 0);
}

/* What is no JSON is a text. */
static struct str
as_text(struct arena *arena, const struct buf *body)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(6 * PROBE_BODY_BYTES_MAX + 2);
	struct jw jw;

	jw_init(&jw, &text);
	jw_strn(&jw, buf_text(body), body->len);
	return jw_done(&jw) < 0 ? STR("\"\"") : keep(arena, &text);
}

static void
select_value(struct wait_look *look, struct arena *arena, json_t *root, const char *pointer)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(6 * PROBE_BODY_BYTES_MAX);
	json_t *value = json_pointer_get(root, pointer);
	struct jw jw;

	jw_init(&jw, &text);
	if (value)
		jw_tree(&jw, value);
	if (!value)
		look->error = arena_printf(arena, "the answer has nothing at %s", pointer);
	else if (jw_done(&jw) < 0)
		look->error = "what was selected is too large";
	else
		look->value = keep(arena, &text);
}

static void
read_body(
	struct wait_look *look, struct arena *arena, const struct buf *body, const char *select)
{
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *root =
		json_read(buf_text(body), body->len, 2 * JSON_DEPTH_MAX, &err);

	look->body = root ? keep(arena, body) : as_text(arena, body);
	if (!select)
		look->value = look->body;
	else if (root)
		select_value(look, arena, root, select);
	else
		look->error = arena_printf(arena, "the answer is no JSON: %s", err.text);
}

static void
on_answer(void *arg, struct http_answer *answer, const struct err *err)
{
	struct task *task = arg;

	task->probe.exchange = NULL;
	if (!answer) {
		probe_fail(task, err);
	} else {
		struct wait_look *look;
		struct arena *arena;

		task->intent = report_new(task);
		arena = &task->intent->arena;
		look = &task->intent->in.flow_report.look;
		look->status = answer->status;
		look->took_ms = clock_mono_ms() - task->probe.began_mono_ms;
		look->retry_after_ms = answer->retry_after_ms;
		look->headers = headers_text(arena, buf_str(&answer->headers));
		read_body(look, arena, &answer->body, task->probe.select);
	}
	task_report(task);
}

void
probe_go(struct task *task)
{
	const struct probe *probe = &task->probe;
	int64_t spent_ms = clock_mono_ms() - probe->began_mono_ms;
	const struct client_request request = {
		.method = probe->method,
		.url = probe->url,
		.headers = probe->headers,
		.content_type = probe->content_type,
		.body = probe->body,
		.body_len = probe->body_len,
		.pin = probe->pin,
		.headers_max = PROBE_HEADERS_BYTES_MAX,
		/* Time that the resolver took is the look's too. */
		.timeout_ms = spent_ms < probe->timeout_ms ? probe->timeout_ms - spent_ms : 1,
		.response_max = PROBE_BODY_BYTES_MAX,
	};

	task->probe.exchange =
		http_client_send(task->conductor->client, &request, NULL, on_answer, task);
}

/*
 * Refusals of the guard and requests that are wrong will be so the next time: the condition
 * fails. Whatever else went wrong was this look alone.
 */
void
probe_fail(struct task *task, const struct err *err)
{
	struct wait_look *look;

	if (err->code != ERR_UNAVAILABLE && err->code != ERR_TIMEOUT &&
		err->code != ERR_LIMIT) {
		report_fail(task, err);
		return;
	}
	(void)intent_free(task->intent);
	task->intent = report_new(task);
	look = &task->intent->in.flow_report.look;
	look->took_ms = clock_mono_ms() - task->probe.began_mono_ms;
	look->error = arena_strdup(&task->intent->arena, err->text);
	look->is_transport = err->code != ERR_LIMIT;
}

void
probe_cancel(struct task *task)
{
	http_exchange_cancel(TAKE(task->probe.exchange));
	curl_slist_free_all(TAKE(task->probe.pin));
}
