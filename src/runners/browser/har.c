/* SPDX-License-Identifier: Apache-2.0 */
/* The network log as an HTTP Archive, version 1.2, with secrets left out. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/evidence_file.h"
#include "runners/browser/network_impl.h"

#define REDACTED "[redacted]"

struct har {
	struct jw jw;
	bool redacts, has_bodies;
};

/* --- What is secret --- */

static bool
contains_nocase(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

static bool
is_secret_header(const char *name)
{
	static const char *const names[] = { "authorization", "proxy-authorization", "cookie",
		"set-cookie", "x-api-key" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return contains_nocase(name, "token") || contains_nocase(name, "secret");
}

/* Undoes percent signs and plus signs. `out` has room for text.n bytes. Returns how many. */
static size_t
decode(struct str text, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < text.n; i++) {
		size_t one;
		if (text.p[i] == '%' && i + 2 < text.n &&
			hex_decode(str_from(text.p + i + 1, 2), out + n, 1, &one) == 0) {
			n++;
			i += 2;
		} else {
			out[n++] = text.p[i] == '+' ? ' ' : text.p[i];
		}
	}
	return n;
}

/* Whether it stands by itself: "key" in "api_key", "apiKey" and "key2", not in "monkey". */
static bool
has_word(const char *text, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = text; (at = strcasestr(at, word)); at++) {
		bool begins = at == text || !isalpha((unsigned char)at[-1]) ||
			(islower((unsigned char)at[-1]) && isupper((unsigned char)*at));
		if (begins && !islower((unsigned char)at[n]))
			return true;
	}
	return false;
}

/* The name of a member of a query, as it stands in the address. */
static bool
is_secret_member(struct str name)
{
	static const char *const parts[] = { "token", "secret", "password", "passwd", "session",
		"apikey", "signature", "credential" };
	static const char *const words[] = { "key", "code", "auth", "pass", "pwd", "sig", "sid",
		"jwt" };
	_cleanup_free_ char *text = xmalloc(name.n + 1);
	size_t n = decode(name, text);

	for (size_t i = 0; i < n; i++)
		if (text[i] == '\0')
			text[i] = '_';
	text[n] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (contains_nocase(text, parts[i]))
			return true;
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (has_word(text, words[i]))
			return true;
	return false;
}

/* One NAME=VALUE of a query or of a fragment, which may have a query of its own. */
static int
add_member(struct buf *out, struct str member)
{
	const char *equals = member.n > 0 ? memchr(member.p, '=', member.n) : NULL;
	size_t n = equals ? (size_t)(equals - member.p) : 0;
	const char *mark = n > 0 ? memrchr(member.p, '?', n) : NULL;
	const char *name = mark ? mark + 1 : member.p;

	if (!equals || !is_secret_member(str_from(name, (size_t)(equals - name))))
		return buf_add(out, member.p, member.n);
	int r = buf_add(out, member.p, n + 1);
	return r | buf_adds(out, REDACTED);
}

/* Appends the address, without user name, password and the values of members that are secret.
 */
static int
add_clean_url(struct buf *out, struct str url)
{
	const char *end = url.p + url.n, *p = url.p;
	const char *host = memmem(url.p, url.n, "://", 3);
	int r = 0;

	if (host) {
		host += 3;
		const char *stop = host;
		while (stop < end && !strchr("/?#", *stop))
			stop++;
		const char *at = memrchr(host, '@', (size_t)(stop - host));
		r |= buf_add(out, p, (size_t)(host - p));
		if (at)
			r |= buf_adds(out, REDACTED);
		p = at ? at : host;
	}
	while (p < end && *p != '?' && *p != '#')
		r |= buf_addc(out, *p++);
	while (p < end) {
		r |= buf_addc(out, *p++);
		const char *stop = p;
		while (stop < end && *stop != '&' && *stop != '#')
			stop++;
		r |= add_member(out, str_from(p, (size_t)(stop - p)));
		p = stop;
	}
	return r;
}

static void
write_url(struct har *har, const char *key, struct str url)
{
	/* The shortest secret, "key=&", becomes three times as long. */
	_cleanup_(buf_deinit) struct buf clean = BUF_INIT(4 * url.n + KIB(1));

	if (!har->redacts)
		jw_kstrn(&har->jw, key, url.p, url.n);
	else if (add_clean_url(&clean, url) < 0)
		jw_kstr(&har->jw, key, REDACTED);
	else
		jw_kstrn(&har->jw, key, buf_text(&clean), clean.len);
}

/* Those that repeat an address. */
static bool
is_url_header(const char *name)
{
	static const char *const names[] = { ":path", "location", "content-location",
		"referer" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(names[i], name) == 0)
			return true;
	return false;
}

/* --- Parts of an entry --- */

/* One value may hold several lines: the browser joins headers of one name so. */
static void
write_header(struct har *har, const char *name, const char *value)
{
	struct str rest = str_of(value);
	bool is_secret = har->redacts && is_secret_header(name), is_url = is_url_header(name);

	do {
		struct str line = str_split_first(&rest, '\n');
		jw_obj(&har->jw);
		jw_kstr(&har->jw, "name", name);
		if (is_secret)
			jw_kstr(&har->jw, "value", REDACTED);
		else if (is_url)
			write_url(har, "value", line.p ? line : STR(""));
		else
			jw_kstrn(&har->jw, "value", line.p ? line.p : "", line.n);
		jw_end_obj(&har->jw);
	} while (rest.p);
}

static void
write_headers(struct har *har, json_t *headers)
{
	const char *name;
	json_t *value;

	jw_karr(&har->jw, "headers");
	json_object_foreach(headers, name, value)
		write_header(har, name, json_is_string(value) ? json_string_value(value) : "");
	jw_end_arr(&har->jw);
	jw_karr(&har->jw, "cookies"); /* they are in the headers */
	jw_end_arr(&har->jw);
}

static void
write_decoded(struct jw *jw, const char *key, struct str text)
{
	_cleanup_free_ char *out = xmalloc(text.n + 1);

	jw_kstrn(jw, key, out, decode(text, out));
}

static void
write_query(struct har *har, const char *url)
{
	const char *mark = strchr(url, '?');

	jw_karr(&har->jw, "queryString");
	struct str rest = { 0 };
	if (mark)
		rest = str_from(mark + 1, strcspn(mark + 1, "#"));
	while (rest.p && rest.n > 0) {
		struct str value = str_split_first(&rest, '&');
		struct str name = str_split_first(&value, '=');
		jw_obj(&har->jw);
		write_decoded(&har->jw, "name", name);
		if (har->redacts && is_secret_member(name))
			jw_kstr(&har->jw, "value", REDACTED);
		else
			write_decoded(&har->jw, "value", value.p ? value : STR(""));
		jw_end_obj(&har->jw);
	}
	jw_end_arr(&har->jw);
}

static const char *
header_of(json_t *headers, const char *wanted)
{
	const char *name;
	json_t *value;

	json_object_foreach(headers, name,
		value) if (strcasecmp(name, wanted) == 0) return json_string_value(value);
	return NULL;
}

/* Written as "h2", "http/1.1", … by the browser. */
static const char *
protocol(const struct hop *hop)
{
	const char *text = cdp_str(hop->response, "protocol");

	return *text ? text : "unknown";
}

static void
write_request(struct har *har, const struct hop *hop)
{
	json_t *own = json_object_get(hop->request, "headers");
	json_t *headers = hop->request_headers ? hop->request_headers : own;
	json_t *post = json_object_get(hop->request, "postData");
	const char *type = header_of(headers, "content-type");

	jw_kobj(&har->jw, "request");
	jw_kstr(&har->jw, "method", hop->seen.method);
	write_url(har, "url", str_of(hop->seen.url));
	jw_kstr(&har->jw, "httpVersion", protocol(hop));
	write_headers(har, headers);
	write_query(har, hop->seen.url);
	if (json_is_string(post)) {
		jw_kobj(&har->jw, "postData");
		jw_kstr(&har->jw, "mimeType", type ? type : "");
		jw_kstr(&har->jw, "text", har->has_bodies ? json_string_value(post) : "");
		jw_end_obj(&har->jw);
	}
	jw_ki64(&har->jw, "headersSize", -1);
	jw_ki64(&har->jw, "bodySize", (int64_t)json_string_length(post));
	jw_end_obj(&har->jw);
}

static void
write_content(struct har *har, const struct hop *hop)
{
	const char *mime = cdp_str(hop->response, "mimeType");

	jw_kobj(&har->jw, "content");
	jw_ki64(&har->jw, "size", (int64_t)hop->encoded_bytes);
	jw_kstr(&har->jw, "mimeType", *mime ? mime : "x-unknown");
	if (hop->body) {
		jw_kstr(&har->jw, "text", hop->body);
		if (hop->body_is_base64)
			jw_kstr(&har->jw, "encoding", "base64");
	}
	jw_end_obj(&har->jw);
}

static void
write_response(struct har *har, const struct hop *hop)
{
	json_t *own = json_object_get(hop->response, "headers");

	jw_kobj(&har->jw, "response");
	jw_ki64(&har->jw, "status", hop->seen.status);
	jw_kstr(&har->jw, "statusText", cdp_str(hop->response, "statusText"));
	jw_kstr(&har->jw, "httpVersion", protocol(hop));
	write_headers(har, hop->response_headers ? hop->response_headers : own);
	write_content(har, hop);
	write_url(har, "redirectURL", str_of(hop->redirect_url ? hop->redirect_url : ""));
	jw_ki64(&har->jw, "headersSize", -1);
	jw_ki64(&har->jw, "bodySize", hop->seen.is_done ? (int64_t)hop->encoded_bytes : -1);
	jw_kstr_opt(&har->jw, "_error", hop->seen.error);
	jw_end_obj(&har->jw);
}

/* --- Time --- */

/* Milliseconds; -1: does not apply. */
struct timings {
	double blocked, dns, connect, ssl, send, wait, receive;
};

static double
span(double from, double to)
{
	return from < 0 || to < from ? -1 : to - from;
}

static double
positive(double ms)
{
	return ms > 0 ? ms : 0;
}

static struct timings
timings_of(const struct hop *hop)
{
	const json_t *timing = json_object_get(hop->response, "timing");
	struct timings t = { -1, -1, -1, -1, 0, 0, 0 };
	double end = hop->end_s > 0 ? hop->end_s : hop->start_s;

	if (!timing) {
		double response = hop->response_s > 0 ? hop->response_s : end;
		t.wait = positive((response - hop->start_s) * 1000);
		t.receive = positive((end - response) * 1000);
		return t;
	}
	double start = cdp_num(timing, "requestTime");
	double first = cdp_num(timing, "sendStart");
	t.dns = span(cdp_num(timing, "dnsStart"), cdp_num(timing, "dnsEnd"));
	t.connect = span(cdp_num(timing, "connectStart"), cdp_num(timing, "connectEnd"));
	t.ssl = span(cdp_num(timing, "sslStart"), cdp_num(timing, "sslEnd"));
	if (t.connect >= 0)
		first = cdp_num(timing, "connectStart");
	if (t.dns >= 0)
		first = cdp_num(timing, "dnsStart");
	t.blocked = positive((start - hop->start_s) * 1000) + positive(first);
	t.send = positive(span(cdp_num(timing, "sendStart"), cdp_num(timing, "sendEnd")));
	t.wait = positive(
		span(cdp_num(timing, "sendEnd"), cdp_num(timing, "receiveHeadersEnd")));
	t.receive = positive((end - start) * 1000 - cdp_num(timing, "receiveHeadersEnd"));
	return t;
}

static double
total(const struct timings *t)
{
	/* ssl is a part of connect. */
	return positive(t->blocked) + positive(t->dns) + positive(t->connect) + t->send +
		t->wait + t->receive;
}

static void
write_ms(struct jw *jw, const char *key, double ms)
{
	jw_kf64(jw, key, isfinite(ms) ? round(ms * 1000) / 1000 : -1);
}

static void
write_timings(struct har *har, const struct timings *t)
{
	jw_kobj(&har->jw, "timings");
	write_ms(&har->jw, "blocked", t->blocked);
	write_ms(&har->jw, "dns", t->dns);
	write_ms(&har->jw, "connect", t->connect);
	write_ms(&har->jw, "ssl", t->ssl);
	write_ms(&har->jw, "send", t->send);
	write_ms(&har->jw, "wait", t->wait);
	write_ms(&har->jw, "receive", t->receive);
	jw_end_obj(&har->jw);
}

/* --- The file --- */

static void
write_socket(struct har *har, const struct hop *hop)
{
	jw_kobj(&har->jw, "_webSocket");
	jw_ki64(&har->jw, "sentMessages", (int64_t)hop->sent_messages);
	jw_ki64(&har->jw, "sentBytes", (int64_t)hop->sent_bytes);
	jw_ki64(&har->jw, "receivedMessages", (int64_t)hop->received_messages);
	jw_ki64(&har->jw, "receivedBytes", (int64_t)hop->received_bytes);
	jw_end_obj(&har->jw);
}

static void
write_entry(struct har *har, const struct hop *hop)
{
	struct timings timings = timings_of(hop);
	char when[TIME_TEXT_LEN + 1];
	const char *address = cdp_str(hop->response, "remoteIPAddress");

	time_format(hop->seen.started_wall_ms, when);
	jw_obj(&har->jw);
	jw_kstr(&har->jw, "startedDateTime", when);
	write_ms(&har->jw, "time", total(&timings));
	write_request(har, hop);
	write_response(har, hop);
	jw_kobj(&har->jw, "cache");
	jw_end_obj(&har->jw);
	write_timings(har, &timings);
	if (*address)
		jw_kstr(&har->jw, "serverIPAddress", address);
	jw_kstr(&har->jw, "_resourceType", hop->seen.type);
	jw_kstr_opt(&har->jw, "_error", hop->seen.error);
	jw_kstr_opt(&har->jw, "_blocked", hop->seen.blocked);
	if (hop->seen.is_mocked)
		jw_kbool(&har->jw, "_mocked", true);
	if (!hop->seen.is_done)
		jw_kbool(&har->jw, "_unfinished", true);
	if (hop->is_socket)
		write_socket(har, hop);
	jw_end_obj(&har->jw);
}

int
network_write_har(struct network *network, const char *path, struct err *err)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(HAR_BYTES_MAX);
	struct har har = { .redacts = network->config->har_redacts,
		.has_bodies = network->config->har_has_bodies };

	jw_init(&har.jw, &out);
	jw_obj(&har.jw);
	jw_kobj(&har.jw, "log");
	jw_kstr(&har.jw, "version", "1.2");
	jw_kobj(&har.jw, "creator");
	jw_kstr(&har.jw, "name", "Proctor");
	jw_kstr(&har.jw, "version", PROCTOR_VERSION);
	jw_end_obj(&har.jw);
	jw_karr(&har.jw, "pages");
	jw_end_arr(&har.jw);
	jw_karr(&har.jw, "entries");
	for (size_t i = 0; i < network->n_hops; i++)
		write_entry(&har, network->hop[i]);
	jw_end_arr(&har.jw);
	if (network->n_dropped > 0)
		jw_ki64(&har.jw, "_dropped", (int64_t)network->n_dropped);
	jw_end_obj(&har.jw);
	jw_end_obj(&har.jw);
	if (jw_done(&har.jw) < 0)
		return err_set(err, ERR_LIMIT, "the network log is over %d MiB",
			(int)(HAR_BYTES_MAX / MIB(1)));
	return evidence_write(path, out.data, out.len, err);
}
