/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The runner of kind `http`: one request through libcurl, then the assertions of expect.h, each
 * a step.
 *
 * Who is to blame when there is no response? The product is (failed) for a refused or timed out
 * connection, a broken answer and a certificate that does not hold. The environment is
 * (errored) for a name that cannot be resolved, a network that cannot be reached and a broken
 * proxy or certificate store: libcurl cannot tell an unknown name from a resolver that is down,
 * and an outage on our side must never be counted against the product.
 */
#include "runners/http/expect.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/parse.h"
#include "runners/kit/kit.h"

enum {
	TIMEOUT_MS_DEFAULT = 30 * 1000,
	CONNECT_TIMEOUT_MS = 10 * 1000,
	REDIRECTS_MAX = 10,
	RESPONSE_BODY_BYTES_MAX = 16 * 1048576, /* kept for assertions */
	RESPONSE_HEADERS_BYTES_MAX = 256 * 1024,
	HEADERS_SEEN_MAX = 500,
	POLL_MS = 1000,
};

/* What is to be sent. Texts are borrowed from the definition unless said otherwise. */
struct ask {
	char *method, *url; /* owned */
	json_t *headers;    /* object, or NULL */
	char *body;         /* owned, or NULL */
	size_t body_len;
	bool is_json, follows, is_insecure;
	int64_t timeout_ms;
};

/* One exchange. */
struct exchange {
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	struct buf body, head;
	bool too_long;
	char curl_text[CURL_ERROR_SIZE];
};

/* --- The request --- */

static void
ask_deinit(struct ask *ask)
{
	free(ask->method);
	free(ask->url);
	free(ask->body);
	*ask = (struct ask) { 0 };
}

/* "GET https://…" or only an address. */
static int
read_short_form(struct ask *ret, const char *text, struct err *err)
{
	struct str rest = str_trim(str_of(text));
	struct str first = str_split_first(&rest, ' ');

	if (!rest.p) {
		ret->method = xstrdup("GET");
		ret->url = xstrndup(first.p ? first.p : "", first.n);
		return 0;
	}
	rest = str_trim(rest);
	if (memchr(rest.p, ' ', rest.n))
		return err_set(err, ERR_INVALID, "request: expected \"METHOD address\"");
	ret->method = xstrndup(first.p, first.n);
	ret->url = xstrndup(rest.p, rest.n);
	return 0;
}

static int
read_body(struct ask *ret, json_t *request, struct err *err)
{
	json_t *body = json_object_get(request, "body");
	json_t *json = json_object_get(request, "json");

	if (body && json)
		return err_set(err, ERR_INVALID, "request: body and json exclude each other");
	if (body && !json_is_string(body))
		return err_set(err, ERR_INVALID, "request.body must be a text");
	if (body) {
		ret->body_len = json_string_length(body);
		ret->body = xmemdup(json_string_value(body), ret->body_len + 1);
	} else if (json) {
		ret->body = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
		ret->body_len = ret->body ? strlen(ret->body) : 0;
		ret->is_json = true;
	}
	return 0;
}

/* A flag member; `fallback` when it is absent. */
static int
read_flag(json_t *object, const char *name, bool fallback, bool *ret, struct err *err)
{
	json_t *value = json_object_get(object, name);

	if (value && !json_is_boolean(value))
		return err_set(err, ERR_INVALID, "request.%s must be true or false", name);
	*ret = value ? json_is_true(value) : fallback;
	return 0;
}

static int
read_long_form(struct ask *ret, json_t *request, struct err *err)
{
	json_t *url = json_object_get(request, "url");
	json_t *method = json_object_get(request, "method");
	json_t *timeout = json_object_get(request, "timeout");

	if (!json_is_string(url) || (method && !json_is_string(method)))
		return err_set(
			err, ERR_INVALID, "request.url and request.method must be texts");
	ret->url = xstrdup(json_string_value(url));
	ret->headers = json_object_get(request, "headers");
	if (ret->headers && !json_is_object(ret->headers))
		return err_set(err, ERR_INVALID, "request.headers must be an object");
	if (read_body(ret, request, err) < 0 ||
		read_flag(request, "followRedirects", true, &ret->follows, err) < 0 ||
		read_flag(request, "insecure", false, &ret->is_insecure, err) < 0)
		return -1;
	ret->method = xstrdup(method ? json_string_value(method) : ret->body ? "POST" : "GET");
	if (timeout) {
		_cleanup_free_ char *text = json_is_string(timeout)
			? xstrdup(json_string_value(timeout))
			: json_dumps(timeout, JSON_ENCODE_ANY);
		if (parse_duration_ms(str_of(text), DAYS_MS(1), &ret->timeout_ms, err) < 0)
			return err_wrap(err, "request.timeout");
	}
	return 0;
}

static bool
method_valid(const char *method)
{
	size_t n = strspn(method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n > 0 && n <= 20 && method[n] == '\0';
}

static int
ask_read(struct ask *ret, json_t *test, struct err *err)
{
	json_t *request = json_object_get(test, "request");
	int r;

	ret->follows = true;
	if (json_is_string(request))
		r = read_short_form(ret, json_string_value(request), err);
	else if (json_is_object(request))
		r = read_long_form(ret, request, err);
	else
		r = err_set(err, ERR_INVALID, "request must be a text or an object");
	if (r < 0)
		return -1;
	if (!method_valid(ret->method))
		return err_set(
			err, ERR_INVALID, "request: \"%.20s\" is no method", ret->method);
	if (strncmp(ret->url, "http://", 7) != 0 && strncmp(ret->url, "https://", 8) != 0)
		return err_set(err, ERR_INVALID,
			"request: \"%.80s\" is no http or https address", ret->url);
	if (ret->timeout_ms == 0)
		ret->timeout_ms = TIMEOUT_MS_DEFAULT;
	return 0;
}

/* --- libcurl --- */

static size_t
on_body(char *data, size_t size, size_t n, void *user)
{
	struct exchange *exchange = user;

	if (buf_add(&exchange->body, data, size * n) == 0)
		return size * n;
	exchange->too_long = true;
	return 0;
}

/* Keeps the header fields of the last response: a status line begins a new one. */
static size_t
on_header(char *data, size_t size, size_t n, void *user)
{
	struct exchange *exchange = user;

	if (str_starts(str_from(data, size * n), STR("HTTP/"))) {
		buf_clear(&exchange->head);
		buf_clear(&exchange->body);
	}
	if (buf_add(&exchange->head, data, size * n) == 0)
		return size * n;
	exchange->too_long = true;
	return 0;
}

static int
add_header(struct exchange *exchange, const char *name, const char *value, struct err *err)
{
	if (name[0] == '\0' || strpbrk(name, " \t\r\n:") || strpbrk(value, "\r\n"))
		return err_set(
			err, ERR_INVALID, "request.headers: \"%.40s\" is no header", name);
	/* libcurl drops "Name:"; "Name;" sends an empty one. */
	_cleanup_free_ char *line =
		value[0] ? xasprintf("%s: %s", name, value) : xasprintf("%s;", name);
	exchange->headers = curl_slist_append(exchange->headers, line);
	return 0;
}

static bool
has_header(json_t *headers, const char *wanted)
{
	const char *name;
	json_t *value;

	json_object_foreach(headers, name,
		value) if (str_eq_nocase(str_of(name), str_of(wanted))) return true;
	return false;
}

static int
set_headers(struct exchange *exchange, const struct ask *ask, struct err *err)
{
	const char *name;
	json_t *value;

	json_object_foreach(ask->headers, name, value)
	{
		if (!json_is_string(value))
			return err_set(
				err, ERR_INVALID, "request.headers.%.40s must be a text", name);
		if (add_header(exchange, name, json_string_value(value), err) < 0)
			return -1;
	}
	if (ask->is_json && !has_header(ask->headers, "content-type") &&
		add_header(exchange, "Content-Type", "application/json", err) < 0)
		return -1;
	if (ask->body && !ask->is_json && !has_header(ask->headers, "content-type") &&
		add_header(exchange, "Content-Type", "text/plain; charset=utf-8", err) < 0)
		return -1;
	/* No waiting for "100 Continue". */
	exchange->headers = curl_slist_append(exchange->headers, "Expect:");
	return 0;
}

static void
set_request(struct exchange *exchange, const struct ask *ask)
{
	CURL *easy = exchange->easy;

	curl_easy_setopt(easy, CURLOPT_URL, ask->url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
	if (strcmp(ask->method, "HEAD") == 0)
		curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
	else
		curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, ask->method);
	if (ask->body) {
		curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)ask->body_len);
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, ask->body);
	}
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, exchange->headers);
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, ask->follows ? 1L : 0L);
	curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_MAX);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)ask->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
		(long)(ask->timeout_ms < CONNECT_TIMEOUT_MS ? ask->timeout_ms
							    : CONNECT_TIMEOUT_MS));
	curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "");
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "proctor/" PROCTOR_VERSION);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_CERTINFO, 1L);
	if (ask->is_insecure) {
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
		curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
	}
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, exchange);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, exchange->curl_text);
}

static void
exchange_deinit(struct exchange *exchange)
{
	if (exchange->easy && exchange->multi)
		curl_multi_remove_handle(exchange->multi, exchange->easy);
	curl_easy_cleanup(exchange->easy);
	curl_multi_cleanup(exchange->multi);
	curl_slist_free_all(exchange->headers);
	buf_deinit(&exchange->body);
	buf_deinit(&exchange->head);
}

/* Carries it out. 0 and libcurl's code, or -1: cancelled. */
static int
perform(struct kit *kit, struct exchange *exchange, CURLcode *ret)
{
	int running = 1, left;

	curl_multi_add_handle(exchange->multi, exchange->easy);
	for (;;) {
		struct curl_waitfd worker = { .fd = kit_fd(kit), .events = CURL_WAIT_POLLIN };
		const CURLMsg *msg;

		curl_multi_perform(exchange->multi, &running);
		while ((msg = curl_multi_info_read(exchange->multi, &left)))
			if (msg->msg == CURLMSG_DONE) {
				*ret = msg->data.result;
				return 0;
			}
		curl_multi_poll(exchange->multi, &worker, 1, POLL_MS, NULL);
		if (worker.revents)
			kit_read(kit);
		if (kit_cancelled(kit))
			return -1;
	}
}

/* --- Without a response --- */

static const struct {
	CURLcode code;
	const char *outcome, *reason;
} blames[] = {
	{ CURLE_UNSUPPORTED_PROTOCOL, "errored", "config" },
	{ CURLE_URL_MALFORMAT, "errored", "config" },
	{ CURLE_COULDNT_RESOLVE_PROXY, "errored", "proxy" },
	{ CURLE_PROXY, "errored", "proxy" },
	{ CURLE_COULDNT_RESOLVE_HOST, "errored", "dns" },
	{ CURLE_SSL_CACERT_BADFILE, "errored", "tls_setup" },
	{ CURLE_SSL_CERTPROBLEM, "errored", "tls_setup" },
	{ CURLE_OUT_OF_MEMORY, "errored", "memory" },
	{ CURLE_COULDNT_CONNECT, "failed", "connect" },
	{ CURLE_OPERATION_TIMEDOUT, "failed", "timeout" },
	{ CURLE_SSL_CONNECT_ERROR, "failed", "tls" },
	{ CURLE_PEER_FAILED_VERIFICATION, "failed", "tls" },
	{ CURLE_TOO_MANY_REDIRECTS, "failed", "redirects" },
};

/* Anything else is an answer that is no HTTP: the product's. */
static json_t *
no_response(const struct exchange *exchange, CURLcode code)
{
	const char *outcome = "failed", *reason = "protocol";
	const char *text =
		exchange->curl_text[0] ? exchange->curl_text : curl_easy_strerror(code);
	long sys = 0;

	for (size_t i = 0; i < ARRAY_LEN(blames); i++)
		if (blames[i].code == code) {
			outcome = blames[i].outcome;
			reason = blames[i].reason;
		}
	curl_easy_getinfo(exchange->easy, CURLINFO_OS_ERRNO, &sys);
	if (code == CURLE_COULDNT_CONNECT && (sys == ENETUNREACH || sys == ENETDOWN)) {
		outcome = "errored";
		reason = "network";
	}
	if (exchange->too_long) {
		outcome = "errored";
		reason = "limit_body";
		text = "the response is longer than 16 MiB";
	}
	return kit_result(outcome, reason, "%s", text);
}

/* --- With a response --- */

struct steps {
	struct kit *kit;
	json_t *first; /* error of the first assertion that did not hold; owned */
};

static void
on_step(void *arg, const char *title, const char *message, json_t *expected, json_t *actual)
{
	struct steps *steps = arg;
	json_t *step = json_pack(
		"{s:s, s:s}", "title", title, "status", message ? "failed" : "passed");

	if (message) {
		json_t *error = kit_error("%s", message);

		if (expected)
			json_object_set(error, "expected", expected);
		if (actual)
			json_object_set(error, "actual", actual);
		if (!steps->first)
			steps->first = json_incref(error);
		json_object_set_new(step, "error", error);
	}
	kit_step(steps->kit, step);
}

/* The header fields of the last response. */
static size_t
split_head(const struct buf *head, struct http_header *ret, size_t max)
{
	struct str rest = buf_str(head);
	size_t n = 0;

	(void)str_split_first(&rest, '\n');
	while (rest.p && n < max) {
		struct str value = str_split_first(&rest, '\n');
		struct str name = str_split_first(&value, ':');

		if (!value.p)
			continue;
		ret[n++] = (struct http_header) { str_trim(name), str_trim(value) };
	}
	return n;
}

/* End of the server's own certificate, wall ms; 0: none. */
static int64_t
certificate_end(CURL *easy)
{
	struct curl_certinfo *info = NULL;
	int64_t end_ms = 0;

	if (curl_easy_getinfo(easy, CURLINFO_CERTINFO, &info) != CURLE_OK || !info ||
		info->num_of_certs < 1)
		return 0;
	for (struct curl_slist *at = info->certinfo[0]; at; at = at->next) {
		static const struct str label = STR_INIT("Expire date:");
		struct str text = str_of(at->data);

		if (str_starts(text, label) &&
			certificate_time_parse(
				str_trim(str_from(text.p + label.n, text.n - label.n)),
				&end_ms) < 0)
			end_ms = 0;
	}
	return end_ms;
}

static json_t *
timings_of(CURL *easy)
{
	static const struct {
		const char *name;
		CURLINFO info;
	} times[] = {
		{ "dns", CURLINFO_NAMELOOKUP_TIME_T },
		{ "connect", CURLINFO_CONNECT_TIME_T },
		{ "tls", CURLINFO_APPCONNECT_TIME_T },
		{ "firstByte", CURLINFO_STARTTRANSFER_TIME_T },
		{ "total", CURLINFO_TOTAL_TIME_T },
	};
	json_t *timings = json_object();

	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		curl_off_t us = 0;

		if (curl_easy_getinfo(easy, times[i].info, &us) == CURLE_OK && us > 0)
			json_object_set_new(
				timings, times[i].name, json_real((double)us / 1000));
	}
	return timings;
}

/* Keeps the body of a response that failed its assertions. */
static void
keep_body(struct kit *kit, const struct kit_request *request, const struct exchange *exchange)
{
	const char *type = NULL;
	_cleanup_close_ int dir = open(request->artifacts, O_DIRECTORY | O_PATH | O_CLOEXEC);
	_cleanup_close_ int fd = dir < 0
		? -1
		: openat(dir, "response", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || exchange->body.len == 0 ||
		fd_write_all(fd, exchange->body.data, exchange->body.len, NULL) < 0)
		return;
	curl_easy_getinfo(exchange->easy, CURLINFO_CONTENT_TYPE, &type);
	kit_artifact(kit, "response", "response", type ? type : "application/octet-stream",
		"file", NULL);
}

static json_t *
check_response(struct kit *kit, const struct kit_request *request, struct exchange *exchange)
{
	struct http_header headers[HEADERS_SEEN_MAX];
	struct steps steps = { .kit = kit };
	curl_off_t total_us = 0;
	struct err err;
	json_t *result;

	struct http_seen seen = {
		.headers = headers,
		.n_headers = split_head(&exchange->head, headers, HEADERS_SEEN_MAX),
		.body = buf_str(&exchange->body),
		.certificate_end_ms = certificate_end(exchange->easy),
		.now_ms = clock_wall_ms(),
	};
	curl_easy_getinfo(exchange->easy, CURLINFO_RESPONSE_CODE, &seen.status);
	curl_easy_getinfo(exchange->easy, CURLINFO_TOTAL_TIME_T, &total_us);
	seen.total_ms = (total_us + 999) / 1000;
	int n = expect_response(
		&seen, json_object_get(request->test, "expect"), on_step, &steps, &err);
	if (n < 0) {
		result = kit_result("errored", "config", "%s", err.text);
	} else if (n > 0) {
		result = kit_result("failed", "assertion", NULL);
		json_object_set(result, "error", steps.first);
		keep_body(kit, request, exchange);
	} else {
		result = kit_result("passed", NULL, NULL);
	}
	json_decref(steps.first);
	json_object_set_new(result, "output",
		json_pack("{s:I, s:I}", "status", (json_int_t)seen.status, "bodyBytes",
			(json_int_t)seen.body.n));
	return result;
}

static json_t *
carry_out(struct kit *kit, const struct kit_request *request)
{
	_cleanup_(ask_deinit) struct ask ask = { 0 };
	_cleanup_(exchange_deinit) struct exchange exchange = {
		.body = BUF_INIT(RESPONSE_BODY_BYTES_MAX),
		.head = BUF_INIT(RESPONSE_HEADERS_BYTES_MAX),
	};
	struct err err;
	CURLcode code;
	json_t *result;

	if (ask_read(&ask, request->test, &err) < 0)
		return kit_result("errored", "config", "%s", err.text);
	exchange.multi = curl_multi_init();
	exchange.easy = curl_easy_init();
	if (!exchange.multi || !exchange.easy)
		return kit_result("errored", "setup", "libcurl could not be set up");
	if (set_headers(&exchange, &ask, &err) < 0)
		return kit_result("errored", "config", "%s", err.text);
	set_request(&exchange, &ask);
	kit_started(kit, -1);
	if (perform(kit, &exchange, &code) < 0)
		return kit_result("cancelled", NULL, NULL);
	result = code != CURLE_OK ? no_response(&exchange, code)
				  : check_response(kit, request, &exchange);
	json_object_set_new(result, "timings", timings_of(exchange.easy));
	return result;
}

int
runner_http_main(void)
{
	static const struct kit_spec spec = {
		.name = "http",
		.kind = "http",
		.reusable = true,
		.carry_out = carry_out,
	};

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return 1;
	int status = kit_serve(&spec);
	curl_global_cleanup();
	return status;
}
