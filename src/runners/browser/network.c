/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Recording. The browser tells of one request in several events, whose order is only mostly
 * certain: the …ExtraInfo events with the real headers may come before or after the request or
 * response that they belong to, and each hop of a redirect has its own under the same id.
 */
#include "runners/browser/network.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/network_impl.h"

static struct hop *
hop_free(struct hop *hop)
{
	if (!hop)
		return NULL;
	cdp_forget(hop->network->cdp, hop);
	free((char *)(uintptr_t)hop->seen.session);
	free((char *)(uintptr_t)hop->seen.url);
	free((char *)(uintptr_t)hop->seen.method);
	free((char *)(uintptr_t)hop->seen.type);
	free((char *)(uintptr_t)hop->seen.error);
	json_decref(hop->request);
	json_decref(hop->request_headers);
	json_decref(hop->response);
	json_decref(hop->response_headers);
	free(hop->redirect_url);
	free(hop->body);
	free(hop);
	return NULL;
}

static void
flight_free(struct flight *flight)
{
	json_decref(flight->early_request);
	json_decref(flight->early_response);
	free(flight->id);
	free(flight);
}

/* --- Finding --- */

static struct flight *
flight_get(const struct network *network, const char *request_id)
{
	return map_get(&network->flights, request_id, strlen(request_id));
}

struct flight *
network_flight(struct network *network, const char *request_id)
{
	struct flight *flight = flight_get(network, request_id);

	if (flight)
		return flight;
	if (map_count(&network->flights) >= NETWORK_ENTRIES_MAX)
		return NULL;
	flight = xcalloc(1, sizeof *flight);
	flight->id = xstrdup(request_id);
	(void)map_put(&network->flights, flight->id, strlen(flight->id), flight);
	return flight;
}

static struct hop *
last_hop(const struct network *network, const json_t *params)
{
	struct flight *flight = flight_get(network, cdp_str(params, "requestId"));

	return flight ? flight->last : NULL;
}

/* --- A hop begins and ends --- */

/* What an object of texts takes, roughly. */
static size_t
weight(json_t *object)
{
	size_t bytes = 200;
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		bytes += strlen(name) + 120;
		if (json_is_string(value))
			bytes += json_string_length(value);
		else if (json_is_object(value))
			bytes += weight(value);
	}
	return bytes;
}

static struct hop *
hop_new(struct network *network, const struct cdp_event *event, struct flight *flight,
	json_t *request, const char *type)
{
	size_t bytes = sizeof(struct hop) + weight(request);

	if (!flight || network->n_hops >= NETWORK_ENTRIES_MAX ||
		network->bytes + bytes > (size_t)NETWORK_BYTES_MAX) {
		network->n_dropped++;
		return NULL;
	}
	network->bytes += bytes;
	struct hop *hop = xcalloc(1, sizeof *hop);
	double wall_s = cdp_num(event->params, "wallTime");
	hop->network = network;
	hop->flight = flight;
	hop->request = json_incref(request);
	hop->start_s = cdp_num(event->params, "timestamp");
	hop->seen = (struct network_entry) {
		.session = xstrdup(event->session),
		.request_id = flight->id,
		.url = xstrdup(cdp_str(request, "url")),
		.method = xstrdup(cdp_str(request, "method")),
		.type = xstrdup(type),
		.started_wall_ms = wall_s > 0 ? (int64_t)(wall_s * 1000) : clock_wall_ms(),
		.duration_ms = -1,
		.is_mocked = flight->is_mocked,
		.blocked = flight->blocked,
	};
	if (flight->last)
		flight->last->next = hop;
	else
		flight->first = hop;
	flight->last = hop;
	if (network->n_hops == network->cap_hops) {
		network->cap_hops = network->cap_hops ? 2 * network->cap_hops : 64;
		network->hop =
			xreallocarray(network->hop, network->cap_hops, sizeof *network->hop);
	}
	network->hop[network->n_hops++] = hop;
	return hop;
}

static void
hop_end(struct hop *hop, double end_s)
{
	if (hop->seen.is_done)
		return;
	hop->seen.is_done = true;
	hop->end_s = end_s;
	hop->seen.duration_ms = end_s > hop->start_s ? (end_s - hop->start_s) * 1000 : 0;
	if (hop->is_counted)
		hop->network->in_flight--;
	hop->is_counted = false;
}

static void
set_headers(struct network *network, json_t **slot, json_t *headers)
{
	if (*slot || !json_is_object(headers))
		return;
	size_t bytes = weight(headers);
	if (network->bytes + bytes > (size_t)NETWORK_BYTES_MAX)
		return;
	network->bytes += bytes;
	*slot = json_incref(headers);
}

static void
set_response(struct hop *hop, json_t *response, double at_s)
{
	set_headers(hop->network, &hop->response, response);
	hop->seen.status = cdp_int(response, "status", 0);
	hop->response_s = at_s;
	/* The last redirect may have gone by unseen (a worker's, a cached one). */
	const char *url = cdp_str(response, "url");
	if (*url && strcmp(url, hop->seen.url) != 0 && !strchr(hop->seen.url, '#')) {
		free((char *)(uintptr_t)hop->seen.url);
		hop->seen.url = xstrdup(url);
	}
}

/* --- Headers as they went over the wire --- */

static void
take_request_extra(struct hop *hop, json_t *params)
{
	hop->has_request_extra = true;
	set_headers(hop->network, &hop->request_headers, json_object_get(params, "headers"));
}

static void
take_response_extra(struct hop *hop, json_t *params)
{
	hop->has_response_extra = true;
	set_headers(hop->network, &hop->response_headers, json_object_get(params, "headers"));
}

static void
on_request_extra(struct network *network, const struct cdp_event *event)
{
	struct flight *flight = network_flight(network, cdp_str(event->params, "requestId"));

	if (!flight)
		return;
	for (struct hop *hop = flight->first; hop; hop = hop->next)
		if (!hop->has_request_extra) {
			take_request_extra(hop, event->params);
			return;
		}
	json_decref(flight->early_request);
	flight->early_request = json_incref(event->params);
}

static void
on_response_extra(struct network *network, const struct cdp_event *event)
{
	struct flight *flight = network_flight(network, cdp_str(event->params, "requestId"));

	if (!flight)
		return;
	for (struct hop *hop = flight->first; hop; hop = hop->next)
		if (!hop->has_response_extra) {
			take_response_extra(hop, event->params);
			return;
		}
	json_decref(flight->early_response);
	flight->early_response = json_incref(event->params);
}

static void
take_early(struct hop *hop)
{
	struct flight *flight = hop->flight;

	if (flight->early_request)
		take_request_extra(hop, flight->early_request);
	if (flight->early_response)
		take_response_extra(hop, flight->early_response);
	json_decref(flight->early_request);
	json_decref(flight->early_response);
	flight->early_request = flight->early_response = NULL;
}

/* --- Requests --- */

/* Answers that never end by themselves do not keep a page from being idle. */
static bool
is_endless(const char *type)
{
	return strcmp(type, "EventSource") == 0 || strcmp(type, "WebSocket") == 0 ||
		strcmp(type, "Ping") == 0;
}

static void
on_request(struct network *network, const struct cdp_event *event)
{
	json_t *params = event->params;
	const char *id = cdp_str(params, "requestId");
	const char *type = cdp_str(params, "type");
	json_t *request = json_object_get(params, "request");
	json_t *redirect = json_object_get(params, "redirectResponse");
	struct flight *flight = network_flight(network, id);

	if (flight && flight->last && json_is_object(redirect)) {
		struct hop *before = flight->last;
		set_response(before, redirect, cdp_num(params, "timestamp"));
		free(before->redirect_url); /* of a hop that there was no room for */
		before->redirect_url = xstrdup(cdp_str(request, "url"));
		if (!cdp_flag(params, "redirectHasExtraInfo"))
			before->has_request_extra = before->has_response_extra = true;
		hop_end(before, cdp_num(params, "timestamp"));
	}
	struct hop *hop = hop_new(network, event, flight, request, *type ? type : "Other");
	if (!hop)
		return;
	take_early(hop);
	hop->is_counted = !is_endless(hop->seen.type);
	network->in_flight += hop->is_counted;
	/* A main document's request has the id of the document that it becomes. */
	if (strcmp(type, "Document") == 0 && strcmp(id, cdp_str(params, "loaderId")) == 0)
		network->document = hop;
}

static void
on_response(struct network *network, const struct cdp_event *event)
{
	struct hop *hop = last_hop(network, event->params);

	if (!hop)
		return;
	set_response(hop, json_object_get(event->params, "response"),
		cdp_num(event->params, "timestamp"));
	if (!cdp_flag(event->params, "hasExtraInfo"))
		hop->has_request_extra = hop->has_response_extra = true;
}

static bool
is_text(const char *mime)
{
	static const char *const texts[] = { "text/", "json", "javascript", "xml", "svg",
		"x-www-form-urlencoded" };

	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (strstr(mime, texts[i]))
			return true;
	return false;
}

static void
on_body(void *arg, json_t *result, const struct err *error)
{
	struct hop *hop = arg;
	const json_t *body = json_object_get(result, "body");
	size_t n = json_string_length(body);

	(void)error;
	if (!body || n > (size_t)HAR_BODY_BYTES_MAX ||
		hop->network->body_bytes + n > (size_t)HAR_BODIES_BYTES_MAX)
		return;
	hop->network->body_bytes += n;
	hop->body = xstrndup(json_string_value(body), n);
	hop->body_is_base64 = cdp_flag(result, "base64Encoded");
}

static void
on_finished(struct network *network, const struct cdp_event *event)
{
	struct hop *hop = last_hop(network, event->params);

	if (!hop || hop->seen.is_done)
		return;
	hop->encoded_bytes = cdp_num(event->params, "encodedDataLength");
	hop_end(hop, cdp_num(event->params, "timestamp"));
	if (network->config->har_has_bodies && network->config->har != EVIDENCE_OFF &&
		is_text(cdp_str(hop->response, "mimeType")) &&
		hop->encoded_bytes < (double)HAR_BODY_BYTES_MAX)
		cdp_send(network->cdp, hop->seen.session, "Network.getResponseBody",
			json_pack("{s:s}", "requestId", hop->seen.request_id), on_body, hop);
}

static void
on_failed(struct network *network, const struct cdp_event *event)
{
	struct hop *hop = last_hop(network, event->params);

	if (!hop || hop->seen.is_done)
		return;
	const char *text = cdp_str(event->params, "errorText");
	const char *why = cdp_str(event->params, "blockedReason");
	free((char *)(uintptr_t)hop->seen.error); /* a socket's */
	hop->seen.error = *text ? xstrdup(text)
		: *why          ? xasprintf("blocked: %s", why)
				: xstrdup("failed");
	hop_end(hop, cdp_num(event->params, "timestamp"));
}

static void
on_cached(struct network *network, const struct cdp_event *event)
{
	struct hop *hop = last_hop(network, event->params);

	if (hop)
		hop->has_request_extra = hop->has_response_extra = true;
}

/* --- WebSockets --- */

static void
on_socket(struct network *network, const struct cdp_event *event)
{
	const char *url = cdp_str(event->params, "url");
	_cleanup_(json_unrefp) json_t *request =
		json_pack("{s:s, s:s, s:{}}", "url", url, "method", "GET", "headers");
	struct flight *flight = network_flight(network, cdp_str(event->params, "requestId"));
	struct hop *hop =
		request ? hop_new(network, event, flight, request, "WebSocket") : NULL;

	if (!hop)
		return;
	hop->is_socket = true;
	hop->has_request_extra = hop->has_response_extra = true;
}

static void
on_socket_request(struct network *network, const struct cdp_event *event)
{
	struct hop *hop = last_hop(network, event->params);
	json_t *request = json_object_get(event->params, "request");

	if (!hop)
		return;
	hop->start_s = cdp_num(event->params, "timestamp");
	set_headers(network, &hop->request_headers, json_object_get(request, "headers"));
}

static void
on_socket_response(struct network *network, const struct cdp_event *event)
{
	struct hop *hop = last_hop(network, event->params);

	if (!hop)
		return;
	json_t *response = json_object_get(event->params, "response");
	set_headers(network, &hop->response, response);
	hop->seen.status = cdp_int(response, "status", 0);
	hop->response_s = cdp_num(event->params, "timestamp");
}

static void
on_socket_frame(struct network *network, const struct cdp_event *event)
{
	struct hop *hop = last_hop(network, event->params);
	const json_t *data =
		json_object_get(json_object_get(event->params, "response"), "payloadData");

	if (!hop)
		return;
	if (strcmp(event->method, "Network.webSocketFrameSent") == 0) {
		hop->sent_messages++;
		hop->sent_bytes += (double)json_string_length(data);
	} else {
		hop->received_messages++;
		hop->received_bytes += (double)json_string_length(data);
	}
}

static void
on_socket_error(struct network *network, const struct cdp_event *event)
{
	struct hop *hop = last_hop(network, event->params);

	if (hop && !hop->seen.error)
		hop->seen.error = xstrdup(cdp_str(event->params, "errorMessage"));
}

static void
on_socket_closed(struct network *network, const struct cdp_event *event)
{
	struct hop *hop = last_hop(network, event->params);

	if (hop)
		hop_end(hop, cdp_num(event->params, "timestamp"));
}

/* --- Events --- */

static const struct {
	const char *method;
	void (*take)(struct network *network, const struct cdp_event *event);
} takers[] = {
	{ "Network.requestWillBeSent", on_request },
	{ "Network.requestWillBeSentExtraInfo", on_request_extra },
	{ "Network.responseReceived", on_response },
	{ "Network.responseReceivedExtraInfo", on_response_extra },
	{ "Network.loadingFinished", on_finished },
	{ "Network.loadingFailed", on_failed },
	{ "Network.requestServedFromCache", on_cached },
	{ "Network.webSocketCreated", on_socket },
	{ "Network.webSocketWillSendHandshakeRequest", on_socket_request },
	{ "Network.webSocketHandshakeResponseReceived", on_socket_response },
	{ "Network.webSocketFrameSent", on_socket_frame },
	{ "Network.webSocketFrameReceived", on_socket_frame },
	{ "Network.webSocketFrameError", on_socket_error },
	{ "Network.webSocketClosed", on_socket_closed },
};

static bool
is_listened_to(const struct network *network, const char *session)
{
	return map_get(&network->sessions, session, strlen(session) + 1) != NULL;
}

static void
on_event(void *arg, const struct cdp_event *event)
{
	struct network *network = arg;

	if (!is_listened_to(network, event->session))
		return;
	for (size_t i = 0; i < ARRAY_LEN(takers); i++)
		if (strcmp(takers[i].method, event->method) == 0) {
			takers[i].take(network, event);
			return;
		}
}

/* --- Sessions --- */

/* What is gone says nothing more, and a run may see thousands of frames come and go. */
static void
on_detached(void *arg, const struct cdp_event *event)
{
	struct network *network = arg;
	const char *session = cdp_str(event->params, "sessionId");

	(void)map_remove(&network->sessions, session, strlen(session) + 1);
}

static json_t *
headers_json(const struct network *network)
{
	json_t *headers = json_object();

	for (size_t i = 0; i < network->n_headers; i++)
		json_object_set_new(headers, network->headers[i].name,
			json_string(network->headers[i].value));
	return headers;
}

static void
send_headers(struct network *network, const char *session)
{
	cdp_send(network->cdp, session, "Network.setExtraHTTPHeaders",
		json_pack("{s:o}", "headers", headers_json(network)), NULL, NULL);
}

static void
send_conditions(struct network *network, const char *session)
{
	const struct browser_config *config = network->config;

	cdp_send(network->cdp, session, "Network.emulateNetworkConditions",
		json_pack("{s:b, s:I, s:I, s:I}", "offline", network->is_offline, "latency",
			(json_int_t)config->latency_ms, "downloadThroughput",
			(json_int_t)(config->download_bps ? config->download_bps : -1),
			"uploadThroughput",
			(json_int_t)(config->upload_bps ? config->upload_bps : -1)),
		NULL, NULL);
}

void
network_attach(struct network *network, const char *session)
{
	if (is_listened_to(network, session))
		return;
	/* Every session that a context may have: none goes on unguarded for want of room. */
	assert(map_count(&network->sessions) < NETWORK_SESSIONS_MAX);
	(void)map_put(&network->sessions, session, strlen(session) + 1, network);
	cdp_send(network->cdp, session, "Network.enable",
		json_pack("{s:i}", "maxPostDataSize", 65536), NULL, NULL);
	network_fetch_enable(network, session);
	if (network->n_headers > 0)
		send_headers(network, session);
	if (network->is_offline || network->config->has_throttle)
		send_conditions(network, session);
}

void
network_set_offline(struct network *network, bool is_offline)
{
	struct map_entry entry;

	network->is_offline = is_offline;
	for (size_t at = 0; map_next(&network->sessions, &at, &entry);)
		send_conditions(network, network_session(&entry));
}

static void
forget_headers(struct network *network)
{
	for (size_t i = 0; i < network->n_headers; i++) {
		free((char *)(uintptr_t)network->headers[i].name);
		free((char *)(uintptr_t)network->headers[i].value);
	}
	free(network->headers);
	network->headers = NULL;
	network->n_headers = 0;
}

static void
copy_headers(struct network *network, const struct config_pair *headers, size_t n)
{
	network->headers = xcalloc(n + 1, sizeof *network->headers);
	for (size_t i = 0; i < n; i++)
		network->headers[network->n_headers++] =
			(struct config_pair) { xstrdup(headers[i].name),
				xstrdup(headers[i].value) };
}

void
network_set_headers(struct network *network, const struct config_pair *headers, size_t n)
{
	struct map_entry entry;

	forget_headers(network);
	copy_headers(network, headers, n);
	for (size_t at = 0; map_next(&network->sessions, &at, &entry);)
		send_headers(network, network_session(&entry));
}

/* --- Life --- */

int
network_new(struct network **ret, const struct network_spec *spec, struct err *err)
{
	_cleanup_(network_freep) struct network *network = xcalloc(1, sizeof *network);

	network->cdp = spec->cdp;
	network->config = spec->config;
	network->files = spec->files;
	network->warnings = spec->warnings;
	network->is_offline = spec->config->is_offline;
	map_init(&network->sessions, MAP_KEYS_COPIED);
	map_init(&network->flights, MAP_KEYS_BORROWED);
	map_init(&network->answered, MAP_KEYS_COPIED);
	list_init(&network->mocks);
	list_init(&network->delayed);
	copy_headers(network, spec->config->extra_headers, spec->config->n_extra_headers);
	if (network_fetch_init(network, err) < 0)
		return -1;
	network->on_network = cdp_on(network->cdp, NULL, "Network.", on_event, network);
	network->on_fetch = cdp_on(network->cdp, NULL, "Fetch.", network_on_fetch, network);
	network->on_detached =
		cdp_on(network->cdp, NULL, "Target.detachedFromTarget", on_detached, network);
	*ret = TAKE(network);
	return 0;
}

struct network *
network_free(struct network *network)
{
	struct map_entry entry;

	if (!network)
		return NULL;
	if (network->on_network)
		cdp_off(network->cdp, network->on_network);
	if (network->on_fetch)
		cdp_off(network->cdp, network->on_fetch);
	if (network->on_detached)
		cdp_off(network->cdp, network->on_detached);
	network_fetch_deinit(network);
	for (size_t i = 0; i < network->n_hops; i++)
		hop_free(network->hop[i]);
	free(network->hop);
	for (size_t at = 0; map_next(&network->flights, &at, &entry);)
		flight_free(entry.value);
	map_deinit(&network->flights);
	map_deinit(&network->answered);
	map_deinit(&network->sessions);
	forget_headers(network);
	free(network);
	return NULL;
}

/* --- Looking --- */

size_t
network_count(const struct network *network)
{
	return network->n_hops;
}

const struct network_entry *
network_get(const struct network *network, size_t index)
{
	return &network->hop[index]->seen;
}

size_t
network_in_flight(const struct network *network)
{
	return network->in_flight;
}

const char *
network_blocked_document(const struct network *network)
{
	return network->document ? network->document->seen.blocked : NULL;
}

static bool
is_wanted(const struct network_entry *entry, const struct network_want *want,
	const struct pattern *pattern)
{
	if (want->method && strcmp(want->method, entry->method) != 0)
		return false;
	if (want->status != 0 && want->status != entry->status)
		return false;
	if (want->needs_answer && entry->status == 0 && !entry->error)
		return false;
	return !pattern || pattern_matches(pattern, str_of(entry->url));
}

static int
find(const struct network *network, const struct network_want *want,
	const struct pattern *pattern, const struct network_entry **ret)
{
	for (size_t i = want->since; i < network->n_hops; i++)
		if (is_wanted(&network->hop[i]->seen, want, pattern)) {
			*ret = &network->hop[i]->seen;
			return 0;
		}
	return NETWORK_NONE;
}

int
network_find(struct network *network, const struct network_want *want,
	const struct network_entry **ret, struct err *err)
{
	_cleanup_(pattern_freep) struct pattern *pattern = NULL;

	if (want->url && pattern_url(&pattern, want->url, network->config->base_url, err) < 0)
		return -1;
	return find(network, want, pattern, ret);
}

struct waiting {
	const struct network *network;
	const struct network_want *want;
	const struct pattern *pattern;
	const struct network_entry *found;
};

static bool
is_found(void *arg)
{
	struct waiting *waiting = arg;

	return find(waiting->network, waiting->want, waiting->pattern, &waiting->found) == 0;
}

int
network_wait(struct network *network, const struct network_want *want, int64_t deadline_mono_ms,
	const struct network_entry **ret, struct err *err)
{
	_cleanup_(pattern_freep) struct pattern *pattern = NULL;
	struct err why = { 0 };

	if (want->url && pattern_url(&pattern, want->url, network->config->base_url, err) < 0)
		return -1;
	struct waiting waiting = { network, want, pattern, NULL };
	if (cdp_pump(network->cdp, deadline_mono_ms, is_found, &waiting, &why) < 0) {
		if (why.code == ERR_TIMEOUT)
			return NETWORK_NONE;
		*err = why;
		return -1;
	}
	*ret = waiting.found;
	return 0;
}

int
network_body(struct network *network, const struct network_entry *entry,
	int64_t deadline_mono_ms, json_t **ret, struct err *err)
{
	_cleanup_(json_unrefp) json_t *result = NULL;

	if (cdp_call(network->cdp, entry->session, "Network.getResponseBody",
		    json_pack("{s:s}", "requestId", entry->request_id), deadline_mono_ms,
		    &result, err) < 0)
		return -1;
	*ret = json_pack("{s:s#, s:b}", "body",
		json_string_value(json_object_get(result, "body")),
		json_string_length(json_object_get(result, "body")), "base64",
		cdp_flag(result, "base64Encoded"));
	return *ret ? 0 : err_set(err, ERR_INTERNAL, "the body is no text");
}
