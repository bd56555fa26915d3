/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to a server over src/http/client.h. */
#include "cli/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/paths.h"
#include "cli/sse_reader.h"

#define API "/api/v1"

/* --- Finding it --- */

char *
remote_local_url(const char *data_dir)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(4));
	_cleanup_(json_unrefp) json_t *root = NULL;
	_cleanup_(arena_deinit) struct arena arena;
	const char *url = NULL;
	json_int_t pid = 0;

	arena_init(&arena, KIB(64));
	if (file_read(paths_in(&arena, data_dir, PATHS_SERVER), KIB(4), &text, NULL) < 0)
		return NULL;
	root = json_read(buf_text(&text), text.len, JSON_DEPTH_MAX, NULL);
	if (!root || json_unpack(root, "{s:s, s:I}", "url", &url, "pid", &pid) < 0)
		return NULL;
	/* The file of a server that was killed names a process that is no more. */
	if (pid <= 0 || (kill((pid_t)pid, 0) < 0 && errno == ESRCH))
		return NULL;
	return xstrdup(url);
}

static int
read_token(const char *path, char **ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(TOKEN_BYTES_MAX + 2);

	if (file_read(path, TOKEN_BYTES_MAX + 2, &text, err) < 0)
		return err_wrap(err, "access token");
	struct str token = str_trim(buf_str(&text));
	if (token.n == 0)
		return err_set(err, ERR_INVALID, "%s: no token in it", path);
	*ret = xstrndup(token.p, token.n);
	return 0;
}

static bool
has_option(const struct cli *cli, const char *name)
{
	size_t at = 0;
	const struct cli_option *option;

	while ((option = cli_next_option(cli->command, &at)) != NULL) {
		if (strcmp(option->name, name) == 0)
			return cli_given(cli, name);
	}
	return false;
}

static int
find_token(struct remote *remote, const struct cli *cli, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;

	arena_init(&arena, KIB(64));
	bool is_said = has_option(cli, "token-file") && !cli_from_env(cli, "token-file");

	/* What the command line says counts for more than what stands around. */
	if (has_option(cli, "token") && !(is_said && cli_from_env(cli, "token"))) {
		remote->token = xstrdup(cli_text(cli, "token"));
		return 0;
	}
	if (has_option(cli, "token-file"))
		return read_token(cli_text(cli, "token-file"), &remote->token, err);
	if (!remote->data_dir)
		return 0;
	/* A server elsewhere may want another token: without a local one, let it say so. */
	if (read_token(paths_in(&arena, remote->data_dir, PATHS_TOKEN), &remote->token, err) <
			0 &&
		err->code != ERR_NOT_FOUND)
		return -1;
	return 0;
}

static int
find_url(struct remote *remote, const struct cli *cli, struct err *err)
{
	if (has_option(cli, "url")) {
		remote->url = xstrdup(cli_text(cli, "url"));
	} else {
		remote->url = remote_local_url(remote->data_dir);
		if (!remote->url)
			return err_set(err, ERR_UNAVAILABLE,
				"no server has %s; start one with proctor serve, or say which "
				"with --data, --url or PROCTOR_URL",
				remote->data_dir);
	}
	size_t len = strlen(remote->url);
	while (len > 0 && remote->url[len - 1] == '/')
		remote->url[--len] = '\0';
	return 0;
}

int
remote_open(struct remote *ret, const struct cli *cli, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct remote remote = { 0 };
	struct err ignored;
	bool needs_dir = !has_option(cli, "url");

	arena_init(&arena, KIB(64));
	const char *dir =
		paths_data_dir(&arena, has_option(cli, "data") ? cli_text(cli, "data") : NULL,
			needs_dir ? err : &ignored);
	if (!dir && needs_dir)
		return -1;
	remote.data_dir = dir ? xstrdup(dir) : NULL;
	if (find_url(&remote, cli, err) < 0 || find_token(&remote, cli, err) < 0) {
		remote_deinit(&remote);
		return -1;
	}
	*ret = remote;
	return 0;
}

void
remote_deinit(struct remote *remote)
{
	free(remote->url);
	free(remote->token);
	free(remote->data_dir);
	json_decref(remote->problem);
	*remote = (struct remote) { 0 };
}

/* --- Calling it --- */

static enum err_code
code_of_status(int status)
{
	switch (status) {
	case 401:
	case 403:
		return ERR_DENIED;
	case 404:
		return ERR_NOT_FOUND;
	case 408:
	case 504:
		return ERR_TIMEOUT;
	case 409:
	case 412:
		return ERR_CONFLICT;
	case 413:
	case 429:
		return ERR_LIMIT;
	case 502:
	case 503:
		return ERR_UNAVAILABLE;
	default:
		return status >= 500 ? ERR_INTERNAL : ERR_INVALID;
	}
}

static int
refused(struct remote *remote, const struct http_answer *answer, struct err *err)
{
	const char *detail = NULL, *title = NULL;

	json_decref(remote->problem);
	remote->problem =
		json_read(buf_text(&answer->body), answer->body.len, JSON_DEPTH_MAX, NULL);
	(void)json_unpack(remote->problem, "{s?s, s?s}", "detail", &detail, "title", &title);
	if (answer->status == 401 && !remote->token)
		return err_set(err, ERR_DENIED,
			"the server wants a token: set PROCTOR_TOKEN or --token-file");
	if (!detail)
		detail = title;
	if (!detail)
		return err_set(err, code_of_status(answer->status), "the server answered %d",
			answer->status);
	return err_set(err, code_of_status(answer->status), "%s", detail);
}

static int
exchange(struct remote *remote, struct client_request *request, const char *path,
	struct http_answer *ret, struct err *err)
{
	_cleanup_free_ char *url = xasprintf("%s" API "%s", remote->url, path);

	request->url = url;
	request->bearer = remote->token;
	if (!request->response_max)
		request->response_max = RESPONSE_BYTES_MAX;
	if (http_call(request, ret, err) < 0)
		return err_wrap(err, "%s", remote->url);
	if (ret->status >= 200 && ret->status <= 299)
		return 0;
	(void)refused(remote, ret, err);
	http_answer_deinit(ret);
	return -1;
}

static int
read_answer(struct http_answer *answer, json_t **ret, struct err *err)
{
	if (ret)
		*ret = NULL;
	if (ret && answer->body.len > 0) {
		*ret = json_read(answer->body.data, answer->body.len, JSON_DEPTH_MAX * 2, err);
		if (!*ret)
			return err_wrap(err, "the server's answer");
	}
	return 0;
}

int
remote_call_with(struct remote *remote, const char *method, const char *path,
	const json_t *body, const char *header, json_t **ret, struct err *err)
{
	_cleanup_free_ char *text =
		body ? json_dumps(body, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	const char *headers[] = { header, NULL };
	struct client_request request = { .method = method,
		.headers = headers,
		.body = text,
		.body_len = text ? strlen(text) : 0,
		.timeout_ms = WAIT_MS_MAX + SECONDS_MS(30) };
	struct http_answer answer = { 0 };

	if (exchange(remote, &request, path, &answer, err) < 0)
		return -1;
	int r = read_answer(&answer, ret, err);
	http_answer_deinit(&answer);
	return r;
}

int
remote_call(struct remote *remote, const char *method, const char *path, const json_t *body,
	json_t **ret, struct err *err)
{
	return remote_call_with(remote, method, path, body, NULL, ret, err);
}

struct fetch {
	int fd;
	struct err err;
};

static int
write_piece(void *arg, const char *data, size_t len)
{
	struct fetch *fetch = arg;

	return fd_write_all(fetch->fd, data, len, &fetch->err);
}

int
remote_fetch(struct remote *remote, const char *path, int fd, struct err *err)
{
	struct fetch fetch = { .fd = fd };
	struct client_request request = { .method = "GET",
		.timeout_ms = MINUTES_MS(10),
		.sink = write_piece,
		.sink_arg = &fetch };
	struct http_answer answer = { 0 };

	if (exchange(remote, &request, path, &answer, err) < 0) {
		if (fetch.err.code)
			*err = fetch.err;
		return -1;
	}
	http_answer_deinit(&answer);
	return 0;
}

int
remote_fetch_file(struct remote *remote, const char *path, const char *file, struct err *err)
{
	_cleanup_close_ int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return err_sys(err, ERR_INVALID, errno, "%s", file);
	return remote_fetch(remote, path, fd, err);
}

int
remote_upload(struct remote *remote, const char *path, int fd, int64_t size,
	const char *content_type, json_t **ret, struct err *err)
{
	struct client_request request = { .method = "POST",
		.content_type = content_type,
		.body_fd = fd,
		.body_fd_len = size,
		.timeout_ms = MINUTES_MS(10) };
	struct http_answer answer = { 0 };

	if (exchange(remote, &request, path, &answer, err) < 0)
		return -1;
	int r = read_answer(&answer, ret, err);
	http_answer_deinit(&answer);
	return r;
}

/* --- Following it --- */

static int
feed(void *arg, const char *data, size_t len)
{
	return sse_reader_feed(arg, data, len);
}

struct follow {
	int (*event)(void *arg, json_t *event);
	void *arg;
	bool ended;
};

static int
pass_on(void *arg, json_t *event)
{
	struct follow *follow = arg;

	if (follow->event(follow->arg, event) == 0)
		return 0;
	follow->ended = true;
	return -1;
}

int
remote_events(struct remote *remote, const char *path, int64_t after,
	int (*event)(void *arg, json_t *event), void *arg, struct err *err)
{
	_cleanup_(sse_reader_deinit) struct sse_reader reader;
	struct follow follow = { .event = event, .arg = arg };

	sse_reader_init(&reader, pass_on, &follow);
	reader.last_id = after;
	for (;;) {
		char last_id[64];
		(void)snprintf(
			last_id, sizeof last_id, "Last-Event-ID: %" PRId64, reader.last_id);
		const char *headers[] = { "Accept: text/event-stream",
			reader.last_id >= 0 ? last_id : NULL, NULL };
		struct client_request request = { .method = "GET",
			.headers = headers,
			.timeout_ms = DAYS_MS(1),
			.sink = feed,
			.sink_arg = &reader };
		struct http_answer answer = { 0 };
		int64_t before = reader.last_id;
		sse_reader_restart(&reader);
		int r = exchange(remote, &request, path, &answer, err);
		if (follow.ended)
			return 0;
		if (r < 0 &&
			(remote->problem || err->code != ERR_UNAVAILABLE ||
				before == reader.last_id))
			return -1;
		int status = answer.status;
		http_answer_deinit(&answer);
		/* 204: nothing is left. A stream that ended at its final event gives that next.
		 */
		if (r == 0 && status == 204)
			return 0;
	}
}

/* --- Saying what it refused --- */

static void
note_offence(const char *file, const struct yaml *yaml, const json_t *offence)
{
	const char *pointer = "", *detail = "";
	size_t line = 0;

	(void)json_unpack(
		(json_t *)offence, "{s?s, s?s}", "pointer", &pointer, "detail", &detail);
	if (yaml)
		line = yaml_line(yaml, pointer);
	if (file && line > 0)
		cli_note("%s:%zu: %s: %s", file, line, pointer, detail);
	else if (file)
		cli_note("%s: %s: %s", file, pointer[0] ? pointer : "/", detail);
	else
		cli_note("  %s: %s", pointer[0] ? pointer : "/", detail);
}

int
remote_fail_file(const struct cli *cli, const struct remote *remote, const char *file,
	const struct yaml *yaml, const struct err *err)
{
	const json_t *offences = json_object_get(remote->problem, "errors");
	json_t *offence;
	size_t i;

	if (cli->json && remote->problem) {
		_cleanup_free_ char *text = json_dumps(remote->problem, JSON_COMPACT);
		cli_note("%s", text);
		return cli_exit_of(err->code);
	}
	int status = cli_fail(cli, err);
	json_array_foreach(offences, i, offence) note_offence(file, yaml, offence);
	return status;
}

int
remote_fail(const struct cli *cli, const struct remote *remote, const struct err *err)
{
	return remote_fail_file(cli, remote, NULL, NULL, err);
}

int
remote_quote(struct buf *out, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
		bool plain = (*c >= '0' && *c <= '9') || (*c >= 'A' && *c <= 'Z') ||
			(*c >= 'a' && *c <= 'z') || strchr("-._~", *c);
		char quoted[3] = { '%', hex[*c >> 4], hex[*c & 15] };
		if (plain ? buf_addc(out, (char)*c) < 0 : buf_add(out, quoted, 3) < 0)
			return -1;
	}
	return 0;
}
