/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a call: checks before the body, dispatch, waiting, answering. */
#include "api/api_impl.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

#include "api/dialect.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"

/* --- Answering --- */

static void
count_answer(struct call *call, unsigned status)
{
	unsigned class = status / 100;

	call->api->counters.answers[class < 6 ? class : 5]++;
	list_remove(&call->node);
}

void
call_reply(struct call *call, unsigned status)
{
	status = status ? status : call->status ? call->status : 200;
	count_answer(call, status);
	http_reply_buf(
		call->req, status, call->type ? call->type : "application/json", &call->out);
}

void
call_reply_empty(struct call *call, unsigned status)
{
	count_answer(call, status);
	http_reply_static(call->req, status, NULL, STR(""));
}

static void
reply_problem(struct call *call, enum problem_code code, const char *detail,
	const struct issues *issues, const char *extra)
{
	if (http_is_answered(call->req))
		return;
	buf_clear(&call->out);
	call->out.max = MIB(1);
	unsigned status = problem_status(code);

	call->type = NULL;
	if (call->dialect) {
		call->dialect->problem(call, code, detail, issues, &status);
	} else {
		problem_write(&call->out, code, detail, issues, extra);
		call->type = "application/problem+json";
	}
	if (status == 401)
		http_header_add(call->req, "WWW-Authenticate", "Bearer");
	if (code == PROBLEM_TOO_MANY_REQUESTS || code == PROBLEM_UNAVAILABLE)
		http_header_add(call->req, "Retry-After", "1");
	call_reply(call, status);
}

void
call_problem(struct call *call, enum problem_code code, const char *fmt, ...)
{
	char text[300];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	reply_problem(call, code, text, NULL, NULL);
}

void
call_error(struct call *call, const struct err *err)
{
	enum problem_code code = call->code ? call->code : problem_of(err->code);

	if (problem_status(code) >= 500)
		log_warn("api.error", NULL, "%s %s: %s", call->req->method_name, call->req->uri,
			err->text);
	reply_problem(call, code, err->text, NULL, NULL);
}

void
call_read_error(struct call *call)
{
	if (!call->code)
		call->code = problem_of_read(call->err.code);
	call_error(call, &call->err);
}

/* A single kind of offence gives its name to the whole. */
static enum problem_code
code_of_issues(const struct issues *issues)
{
	if (strncmp(issues->item[0].pointer, "?/", 2) == 0)
		return PROBLEM_INVALID_PARAMETER;
	for (size_t i = 0; i < issues->n; i++)
		if (strcmp(issues->item[i].code, ISSUE_LIMIT) != 0)
			return PROBLEM_INVALID_FIELD;
	return PROBLEM_LIMIT_EXCEEDED;
}

void
call_issues(struct call *call)
{
	char text[80];

	(void)snprintf(text, sizeof text, "%zu offence%s", call->issues.n + call->issues.n_more,
		call->issues.n + call->issues.n_more == 1 ? "" : "s");
	reply_problem(call, code_of_issues(&call->issues), text, &call->issues, NULL);
}

static const char *
state_members(struct call *call, enum job_state state)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(1024);
	struct jw jw;

	jw_init(&jw, &out);
	jw_obj(&jw);
	jw_kstr(&jw, "state", job_state_name(state));
	jw_karr(&jw, "allowed");
	for (int i = 0; i < JOB_CMD_COUNT; i++)
		if (job_allows(state, (enum job_command)i))
			jw_str(&jw, job_command_name((enum job_command)i));
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return NULL;
	return arena_strndup(call->arena, out.data + 1, out.len - 2);
}

void
call_intent_error(struct call *call)
{
	const struct intent *intent = call->intent;
	enum problem_code code = problem_of(intent->err.code);
	const char *extra = NULL;

	if (intent->err.code == ERR_CONFLICT) {
		static const enum problem_code codes[] = {
			[CONFLICT_NONE] = PROBLEM_CONFLICT,
			[CONFLICT_STATE] = PROBLEM_WRONG_STATE,
			[CONFLICT_REVISION] = PROBLEM_CONFLICT,
			[CONFLICT_TAKEN] = PROBLEM_CONFLICT,
			[CONFLICT_DRAINING] = PROBLEM_QUEUE_DRAINING,
			[CONFLICT_FENCE] = PROBLEM_STALE_LEASE,
			[CONFLICT_IDEM] = PROBLEM_IDEMPOTENCY_MISMATCH,
		};
		code = codes[intent->conflict];
		if (intent->conflict == CONFLICT_STATE)
			extra = state_members(call, intent->out.state);
		if (intent->conflict == CONFLICT_REVISION && call_if_match(call) > 0)
			code = PROBLEM_REVISION_MISMATCH;
	}
	if (intent->err.code == ERR_LIMIT)
		code = intent->conflict == CONFLICT_DRAINING ? PROBLEM_QUEUE_DRAINING
							     : PROBLEM_TOO_MANY_REQUESTS;
	reply_problem(call, code, intent->err.text, NULL, extra);
}

/* --- The store's side --- */

struct store_reader *
api_reader_take(struct api *api, struct err *err)
{
	struct store_reader *reader = NULL;

	uv_mutex_lock(&api->lock);
	if (api->n_readers > 0)
		reader = api->readers[--api->n_readers];
	uv_mutex_unlock(&api->lock);
	if (!reader && store_reader_open(&reader, api->store, err) < 0)
		return NULL;
	return reader;
}

void
api_reader_give(struct api *api, struct store_reader *reader)
{
	uv_mutex_lock(&api->lock);
	if (api->n_readers < READERS_MAX)
		api->readers[api->n_readers++] = TAKE(reader);
	uv_mutex_unlock(&api->lock);
	(void)store_reader_close(reader);
}

static void
on_read(uv_work_t *work)
{
	struct call *call = container_of(work, struct call, work);
	struct store_reader *reader = api_reader_take(call->api, &call->err);

	call->read_result = -1;
	if (!reader)
		return;
	call->read_result = call->read(call, reader, &call->err);
	api_reader_give(call->api, reader);
}

static void
on_read_done(uv_work_t *work, int status)
{
	struct call *call = container_of(work, struct call, work);

	(void)status; /* never cancelled */
	call->api->reads_open--;
	call->then(call);
}

void
call_read(struct call *call,
	int (*read)(struct call *call, struct store_reader *reader, struct err *err),
	void (*then)(struct call *call))
{
	call->read = read;
	call->then = then ? then : call_finish_read;
	call->err.code = 0;
	call->api->reads_open++;
	if (uv_queue_work(call->api->loop, &call->work, on_read, on_read_done) != 0)
		abort(); /* only for a missing callback */
}

void
call_finish_read(struct call *call)
{
	if (call->issues.n > 0) {
		call_issues(call);
	} else if (call->read_result < 0) {
		call_read_error(call);
	} else if (call->is_done) {
		call_reply_empty(call, call->status);
	} else if (call->out_fd >= 0) {
		unsigned status = call->status ? call->status : 200;

		count_answer(call, status);
		http_reply_fd(call->req, status, call->type, TAKE_FD(call->out_fd),
			call->out_offset, call->out_size);
	} else {
		call_reply(call, 0);
	}
}

/* --- The engine's side --- */

void
call_submit(struct call *call, struct intent *intent, void (*then)(struct call *call))
{
	intent->user = call;
	call->then = then;
	if (!call->api->thread) { /* the end: the engine has gone */
		intent->status = INTENT_IS_ERROR;
		(void)err_set(&intent->err, ERR_UNAVAILABLE, "the server is shutting down");
		then(call);
		return;
	}
	engine_submit(call->api->thread, intent);
}

static void
idem_hash(struct call *call, uint8_t out[16])
{
	crypto_generichash_state state;

	(void)crypto_generichash_init(&state, NULL, 0, 16);
	(void)crypto_generichash_update(&state, (const unsigned char *)call->req->method_name,
		strlen(call->req->method_name) + 1);
	(void)crypto_generichash_update(
		&state, (const unsigned char *)call->req->uri, strlen(call->req->uri) + 1);
	(void)crypto_generichash_update(
		&state, (const unsigned char *)buf_text(&call->req->body), call->req->body.len);
	(void)crypto_generichash_final(&state, out, 16);
}

struct intent *
call_intent(struct call *call, enum intent_kind kind)
{
	const char *key = http_header_get(call->req, "Idempotency-Key");
	struct intent *intent;

	if (call->api->draining) {
		call_problem(call, PROBLEM_UNAVAILABLE, "the server is shutting down");
		return NULL;
	}
	intent = intent_new(kind, call->project, ARENA_REQUEST_BYTES_MAX);
	if (key && call->req->method == HTTP_POST) {
		size_t n = strlen(key);

		if (n == 0 || n > IDEMPOTENCY_KEY_BYTES_MAX) {
			call_problem(call, PROBLEM_LIMIT_EXCEEDED,
				"an Idempotency-Key has 1 to %d bytes",
				IDEMPOTENCY_KEY_BYTES_MAX);
			return intent_free(intent);
		}
		intent->idem_key = str_from(arena_strndup(&intent->arena, key, n), n);
		idem_hash(call, intent->idem_hash);
	}
	return intent;
}

/* --- Before the body --- */

static const struct auth_token *
authenticate(struct call *call)
{
	struct str bearer = STR("Bearer "), text;
	const char *value = http_header_get(call->req, "Authorization");

	text = str_of(value);
	if (value && text.n > bearer.n && str_eq_nocase(str_from(text.p, bearer.n), bearer))
		text = str_trim(str_from(text.p + bearer.n, text.n - bearer.n));
	else
		text = str_of(http_header_get(call->req, "x-api-key"));
	return auth_find(&call->api->auth, text);
}

static bool
authorise(struct call *call)
{
	if (call->route->scope == SCOPE_PUBLIC)
		return true;
	call->who = authenticate(call);
	if (!call->who) {
		call_problem(call, PROBLEM_UNAUTHORIZED,
			"send Authorization: Bearer TOKEN; the first token is in admin.token in the server's data folder");
		return false;
	}
	call->project = call->who->project;
	if (!auth_allows(call->who->role, call->route->scope)) {
		call_problem(call, PROBLEM_FORBIDDEN, "this token's role does not allow it");
		return false;
	}
	return call->dialect || call_select_project(call);
}

static bool
check_type(struct call *call)
{
	struct str type = str_of(http_header_get(call->req, "Content-Type"));
	struct str name = str_trim(str_split_first(&type, ';'));

	if (call->route->body != BODY_JSON && call->route->body != BODY_JSON_OPTIONAL)
		return true;
	if (call->route->any_type || str_eq_nocase(name, STR("application/json")))
		return true;
	if (name.n == 0 && call->route->body == BODY_JSON_OPTIONAL)
		return true;
	call_problem(call, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "Content-Type is \"" STR_FMT "\"",
		STR_ARG(name));
	return false;
}

static bool
find_route(struct call *call)
{
	const char *allow = NULL;
	unsigned status = route_find(call->req->method, call->req->path, call->arena,
		&call->route, call->arg, &allow);

	for (size_t i = 0; status == 404 && call->api->dialects[i]; i++) {
		const struct dialect *dialect = call->api->dialects[i];
		struct str rest = dialect->claim(call->req->path);

		if (!rest.p)
			continue;
		call->dialect = dialect;
		status = route_find_dialect(dialect, call->req->method, rest, call->arena,
			&call->route, call->arg, &allow);
		break;
	}

	if (status == 405) {
		http_header_add(call->req, "Allow", allow);
		call_problem(call, PROBLEM_METHOD_NOT_ALLOWED, "allowed are %s", allow);
	} else if (status != 0) {
		call_problem(call, PROBLEM_NOT_FOUND, "there is nothing at this path");
	}
	return status == 0;
}

struct call *
call_new(struct http_request *req, struct api *api)
{
	struct call *call = arena_xalloc(&req->arena, sizeof *call);

	call->req = req;
	call->api = api;
	call->arena = &req->arena;
	call->issues.arena = &req->arena;
	call->out.max = RESPONSE_BYTES_MAX;
	call->out_fd = -1;
	call->project = PROJECT_DEFAULT;
	list_push_back(&api->calls, &call->node);
	req->user = call;
	return call;
}

void
api_on_head(struct http_request *req, void *arg)
{
	struct call *call = call_new(req, arg);

	if (!find_route(call) || !authorise(call) || !check_type(call))
		return;
	if (call->route->body == BODY_STREAM)
		call->route->head(call);
	else
		req->body_max = call->route->body_max;
}

void
api_on_refuse(struct http_request *req, unsigned status, const struct err *why, void *arg)
{
	struct call *call = req->user ? req->user : call_new(req, arg);

	call_problem(call, problem_of_status(status), "%s", why->text);
}

/* --- With the body --- */

static bool
parse_body(struct call *call)
{
	struct err err;

	if (call->route->body != BODY_JSON && call->route->body != BODY_JSON_OPTIONAL)
		return true;
	if (call->req->body.len == 0 && call->route->body == BODY_JSON_OPTIONAL)
		return true;
	call->json = json_read(
		buf_text(&call->req->body), call->req->body.len, JSON_DEPTH_MAX, &err);
	if (call->json)
		return true;
	call_problem(call,
		err.code == ERR_LIMIT ? PROBLEM_LIMIT_EXCEEDED : PROBLEM_INVALID_JSON, "%s",
		err.text);
	return false;
}

void
api_on_body(struct http_request *req, void *arg)
{
	struct call *call = req->user;

	(void)arg;
	if (query_read(call) < 0) {
		call_issues(call);
		return;
	}
	if (!parse_body(call))
		return;
	if (call->route->begin)
		call->route->begin(call);
	else
		call_read(call, call->route->read, NULL);
}

void
api_on_done(struct http_request *req, void *arg)
{
	struct call *call = req->user;

	(void)arg;
	if (!call)
		return;
	list_remove(&call->node);
	if (call->cleanup)
		call->cleanup(call);
	json_decref(call->json);
	buf_deinit(&call->out);
	if (call->out_fd >= 0)
		(void)close(call->out_fd);
	(void)intent_free(call->intent);
	req->user = NULL;
}

/* --- Small things --- */

struct jw
call_jw(struct call *call)
{
	struct jw jw;

	jw_init(&jw, &call->out);
	return jw;
}

int
call_written(struct call *call, struct jw *jw, struct err *err)
{
	if (jw_done(jw) < 0) {
		call->code = PROBLEM_ANSWER_TOO_LARGE;
		return err_set(err, ERR_LIMIT, "the answer is too large");
	}
	return 0;
}

int
call_uuid(const char *text, const char *what, struct uuid *ret, struct err *err)
{
	if (uuid_parse(str_of(text), ret) < 0)
		return err_set(err, ERR_NOT_FOUND, "there is no %s \"%.60s\"", what, text);
	return 0;
}

/* "3" in quotes, with or without W/. */
static int64_t
parse_etag(const char *text)
{
	struct str tag = str_trim(str_of(text));
	int64_t revision;
	struct err ignored;

	if (str_starts(tag, STR("W/")))
		tag = str_from(tag.p + 2, tag.n - 2);
	if (tag.n < 3 || tag.p[0] != '"' || tag.p[tag.n - 1] != '"')
		return -1;
	tag = str_from(tag.p + 1, tag.n - 2);
	return parse_i64(tag, 1, INT64_MAX, &revision, &ignored) < 0 ? -1 : revision;
}

int64_t
call_if_match(const struct call *call)
{
	const char *value = http_header_get(call->req, "If-Match");

	if (!value || strcmp(value, "*") == 0)
		return 0;
	return parse_etag(value);
}

void
call_etag(struct call *call, int64_t revision)
{
	char text[32];

	(void)snprintf(text, sizeof text, "\"%lld\"", (long long)revision);
	http_header_add(call->req, "ETag", text);
}

bool
call_not_modified(struct call *call, int64_t revision)
{
	const char *value = http_header_get(call->req, "If-None-Match");

	if (!value || (strcmp(value, "*") != 0 && parse_etag(value) != revision))
		return false;
	call->status = 304;
	call->is_done = true;
	return true;
}

void
call_check_new_name(struct call *call)
{
	const char *name = json_string_value(json_object_get(call->json, "name"));

	if (name && strcmp(name, call->arg[0]) != 0)
		issues_add(&call->issues, "/name", ISSUE_INVALID,
			"the address says \"%.100s\", and nothing of that name is there to be renamed",
			call->arg[0]);
}

/* --- Names of queues --- */

const char *
api_queue_name(struct api *api, struct store_reader *reader, int64_t id)
{
	const char *name;
	struct queue *queues;
	size_t n = 0;
	struct err ignored;

	uv_mutex_lock(&api->lock);
	name = map_get(&api->queue_names, &id, sizeof id);
	uv_mutex_unlock(&api->lock);
	if (name || !reader)
		return name;
	_cleanup_(arena_deinit) struct arena arena;

	arena_init(&arena, MIB(16));
	if (read_queues(reader, 0, &arena, &queues, &n, &ignored) < 0)
		return NULL;
	for (size_t i = 0; i < n; i++)
		api_queue_learn(api, queues[i].id, queues[i].name);
	uv_mutex_lock(&api->lock);
	name = map_get(&api->queue_names, &id, sizeof id);
	uv_mutex_unlock(&api->lock);
	return name;
}

void
api_queue_learn(struct api *api, int64_t id, const char *name)
{
	uv_mutex_lock(&api->lock);
	if (!map_get(&api->queue_names, &id, sizeof id))
		(void)map_put(&api->queue_names, &id, sizeof id, xstrdup(name));
	uv_mutex_unlock(&api->lock);
}
