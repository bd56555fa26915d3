/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interception: a request that the browser pauses is answered by a mock, refused because of its
 * host or kind, given credentials, or let go. The browser pauses only what the patterns sent
 * with Fetch.enable match; they may match more than we want, the decision is made here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/network_impl.h"

/* --- What to look at --- */

static void
add_pattern(json_t *patterns, const char *url, const char *type)
{
	json_t *pattern = json_pack("{s:s, s:s*}", "urlPattern", url, "resourceType", type);

	if (!pattern)
		abort();
	json_array_append_new(patterns, pattern);
}

/* A superset of the host's URLs: they may go without a port, and a dot may end the name. */
static void
add_host_patterns(json_t *patterns, const struct host_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		const char *host = set->text.data + set->entry[i] + 1;
		const char *bracket = strchr(host, ']');
		size_t n = bracket ? (size_t)(bracket + 1 - host) : strcspn(host, ":");
		_cleanup_free_ char *url = xasprintf("*%.*s*", (int)n, host);

		add_pattern(patterns, url, NULL);
	}
}

static bool
is_long(const struct host_set *set)
{
	return set->has_all || set->n > HOSTS_IN_BROWSER_MAX;
}

static bool
has_logins(const struct network *network)
{
	return network->auth_user || network->config->proxy_user;
}

/* The patterns that the run needs; empty: none. Owned by the caller. */
static json_t *
patterns_json(const struct network *network)
{
	json_t *patterns = json_array();

	if (network->config->has_allow_hosts || is_long(&network->blocked) ||
		is_long(&network->ads) || has_logins(network)) {
		add_pattern(patterns, "*", NULL);
		return patterns;
	}
	add_host_patterns(patterns, &network->blocked);
	add_host_patterns(patterns, &network->ads);
	if (network->config->no_images)
		add_pattern(patterns, "*", "Image");
	LIST_FOR_EACH(node, &network->mocks) {
		_cleanup_free_ char *url =
			pattern_wildcard(list_entry(node, struct mock, node)->rule->url);
		add_pattern(patterns, url, NULL);
	}
	return patterns;
}

void
network_fetch_enable(struct network *network, const char *session)
{
	json_t *patterns = patterns_json(network);

	if (json_array_size(patterns) == 0) {
		json_decref(patterns);
		cdp_send(network->cdp, session, "Fetch.disable", NULL, NULL, NULL);
		return;
	}
	cdp_send(network->cdp, session, "Fetch.enable",
		json_pack("{s:o, s:b}", "patterns", patterns, "handleAuthRequests",
			has_logins(network)),
		NULL, NULL);
}

static void
enable_everywhere(struct network *network)
{
	struct map_entry entry;

	for (size_t at = 0; map_next(&network->sessions, &at, &entry);)
		network_fetch_enable(network, network_session(&entry));
}

/* --- Mocks --- */

static struct mock *
mock_free(struct mock *mock)
{
	if (!mock)
		return NULL;
	list_remove(&mock->node);
	pattern_free(mock->pattern);
	free(mock->body);
	free(mock);
	return NULL;
}

DEFINE_CLEANUP(struct mock *, mock_free)

static int
read_file(const struct network *network, const char *name, struct buf *out, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;

	arena_init(&arena, 2 * PATH_BYTES_MAX);
	if (!network->files)
		return err_set(err, ERR_NOT_FOUND,
			"%.100s is looked for in the test's folder of files, and it has none: name "
			"it in `files` of the test or job file",
			name);
	const char *path = path_join(&arena, network->files, name);
	if (!path)
		return err_set(err, ERR_LIMIT, "the path %.100s is too long", name);
	return file_read(path, out->max, out, err);
}

static int
encode_body(struct network *network, struct mock *mock, struct err *err)
{
	_cleanup_(buf_deinit) struct buf raw = BUF_INIT(MOCK_BODY_BYTES_MAX);
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(2 * MOCK_BODY_BYTES_MAX);
	const struct config_mock *rule = mock->rule;

	if (rule->file && read_file(network, rule->file, &raw, err) < 0)
		return err_wrap(err, "mock of %.60s", rule->url);
	if (base64_encode(&text, rule->file ? raw.data : rule->body,
		    rule->file ? raw.len : rule->body_len, BASE64_STANDARD) < 0)
		return err_set(
			err, ERR_LIMIT, "mock of %.60s: the body is too large", rule->url);
	mock->body = buf_steal(&text);
	return 0;
}

static int
add_mock(struct network *network, const struct config_mock *rule, struct err *err)
{
	_cleanup_(mock_freep) struct mock *mock = xcalloc(1, sizeof *mock);

	mock->rule = rule;
	mock->left = rule->times > 0 ? rule->times : -1;
	if (pattern_url(&mock->pattern, rule->url, network->config->base_url, err) < 0 ||
		encode_body(network, mock, err) < 0)
		return -1;
	list_push_front(&network->mocks, &mock->node);
	(void)TAKE(mock); /* the list has it */
	return 0;
}

int
network_mock(struct network *network, const struct config_mock *rule, struct err *err)
{
	size_t n = 0;

	LIST_FOR_EACH(node, &network->mocks)
		n++;
	if (n >= MOCKS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d mocks", MOCKS_MAX);
	if (add_mock(network, rule, err) < 0)
		return -1;
	enable_everywhere(network);
	return 0;
}

size_t
network_unmock(struct network *network, const char *url)
{
	size_t n = 0;

	LIST_FOR_EACH_SAFE(node, &network->mocks) {
		struct mock *mock = list_entry(node, struct mock, node);
		if (url && strcmp(mock->rule->url, url) != 0)
			continue;
		mock_free(mock);
		n++;
	}
	if (n > 0)
		enable_everywhere(network);
	return n;
}

static bool
has_method(const struct config_mock *rule, const char *method)
{
	for (size_t i = 0; i < rule->n_methods; i++)
		if (strcmp(rule->methods[i], method) == 0)
			return true;
	return rule->n_methods == 0;
}

/* The browser asks ahead whether a request to another origin is welcome. */
static bool
is_preflight(json_t *request)
{
	const char *name;
	json_t *value;

	if (strcmp(cdp_str(request, "method"), "OPTIONS") != 0)
		return false;
	json_object_foreach(json_object_get(request, "headers"), name,
		value) if (strcasecmp(name, "access-control-request-method") == 0) return true;
	return false;
}

static const char *
header(const json_t *request, const char *wanted)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(request, "headers"), name,
		value) if (strcasecmp(name, wanted) == 0) return json_string_value(value);
	return NULL;
}

static struct mock *
find_mock(struct network *network, json_t *request, bool is_ahead)
{
	const char *url = cdp_str(request, "url");
	const char *method = is_ahead ? header(request, "access-control-request-method")
				      : cdp_str(request, "method");

	LIST_FOR_EACH(node, &network->mocks) {
		struct mock *mock = list_entry(node, struct mock, node);
		if (mock->left != 0 && method && has_method(mock->rule, method) &&
			pattern_matches(mock->pattern, str_of(url)))
			return mock;
	}
	return NULL;
}

static void
add_header(json_t *headers, const char *name, const char *value)
{
	json_array_append_new(
		headers, json_pack("{s:s, s:s}", "name", name, "value", value ? value : "*"));
}

static const char *
type_of_file(const char *name)
{
	static const char *const types[][2] = {
		{ ".html", "text/html; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".css", "text/css; charset=utf-8" },
		{ ".json", "application/json" },
		{ ".txt", "text/plain; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".png", "image/png" },
		{ ".jpg", "image/jpeg" },
		{ ".webp", "image/webp" },
		{ ".pdf", "application/pdf" },
	};

	for (size_t i = 0; name && i < ARRAY_LEN(types); i++)
		if (str_ends(str_of(name), str_of(types[i][0])))
			return types[i][1];
	return NULL;
}

/* What other origins may do is not what a mock is about, so it lets them read it. */
static void
add_cors(json_t *headers, const json_t *request, bool is_ahead)
{
	const char *origin = header(request, "origin");

	if (!origin)
		return;
	add_header(headers, "access-control-allow-origin", origin);
	add_header(headers, "access-control-allow-credentials", "true");
	if (!is_ahead)
		return;
	add_header(headers, "access-control-allow-methods",
		header(request, "access-control-request-method"));
	add_header(headers, "access-control-allow-headers",
		header(request, "access-control-request-headers"));
}

static json_t *
mock_headers(const struct config_mock *rule, const json_t *request)
{
	json_t *headers = json_array();
	const char *type = type_of_file(rule->file);
	bool has_type = false, has_cors = false;

	for (size_t i = 0; i < rule->n_headers; i++) {
		const char *name = rule->headers[i].name;
		add_header(headers, name, rule->headers[i].value);
		has_type |= strcasecmp(name, "content-type") == 0;
		has_cors |= strcasecmp(name, "access-control-allow-origin") == 0;
	}
	if (type && !has_type)
		add_header(headers, "content-type", type);
	if (!has_cors)
		add_cors(headers, request, false);
	return headers;
}

/* --- Answering --- */

static void
delayed_free(struct delayed *delayed)
{
	cdp_forget(delayed->network->cdp, delayed);
	list_remove(&delayed->node);
	json_decref(delayed->params);
	free(delayed->session);
	free(delayed);
}

static void
on_due(void *arg)
{
	struct delayed *delayed = arg;

	cdp_send(delayed->network->cdp, delayed->session, delayed->method,
		TAKE(delayed->params), NULL, NULL);
	delayed_free(delayed);
}

static void
answer(struct network *network, const char *session, const char *method, json_t *params,
	int64_t delay_ms)
{
	if (delay_ms <= 0) {
		cdp_send(network->cdp, session, method, params, NULL, NULL);
		return;
	}
	struct delayed *delayed = xcalloc(1, sizeof *delayed);
	*delayed = (struct delayed) { .network = network,
		.session = xstrdup(session),
		.method = method,
		.params = params };
	list_push_back(&network->delayed, &delayed->node);
	cdp_at(network->cdp, clock_mono_ms() + delay_ms, on_due, delayed);
}

static void
answer_mock(struct network *network, const struct cdp_event *event, struct mock *mock)
{
	const char *id = cdp_str(event->params, "requestId");
	const json_t *request = json_object_get(event->params, "request");
	const struct config_mock *rule = mock->rule;

	if (mock->left > 0)
		mock->left--;
	if (rule->abort)
		answer(network, event->session, "Fetch.failRequest",
			json_pack("{s:s, s:s}", "requestId", id, "errorReason", rule->abort),
			rule->delay_ms);
	else
		answer(network, event->session, "Fetch.fulfillRequest",
			json_pack("{s:s, s:I, s:o, s:s}", "requestId", id, "responseCode",
				(json_int_t)rule->status, "responseHeaders",
				mock_headers(rule, request), "body", mock->body),
			rule->delay_ms);
}

static void
answer_preflight(struct network *network, const struct cdp_event *event)
{
	json_t *headers = json_array();

	add_cors(headers, json_object_get(event->params, "request"), true);
	answer(network, event->session, "Fetch.fulfillRequest",
		json_pack("{s:s, s:i, s:o}", "requestId", cdp_str(event->params, "requestId"),
			"responseCode", 204, "responseHeaders", headers),
		0);
}

/* What a page makes by itself. Files and the like have no host and are somewhere all the same.
 */
static bool
is_made_here(struct str url)
{
	return str_starts(url, STR("data:")) || str_starts(url, STR("blob:")) ||
		str_starts(url, STR("about:"));
}

/* The member of config that forbids the request, or NULL. */
static const char *
forbidden_by(struct network *network, const struct cdp_event *event)
{
	struct str url = str_of(cdp_str(json_object_get(event->params, "request"), "url"));

	if (host_set_has_url(&network->blocked, url, NULL))
		return "blockHosts";
	if (network->config->has_allow_hosts && !is_made_here(url) &&
		!host_set_has_url(&network->allowed, url, NULL))
		return "allowHosts";
	if (host_set_has_url(&network->ads, url, NULL))
		return "blockAds";
	if (network->config->no_images &&
		strcmp(cdp_str(event->params, "resourceType"), "Image") == 0)
		return "disableImages";
	return NULL;
}

/* For the network log, whether the request itself has been told of already or not. */
static void
note(struct network *network, const struct cdp_event *event, bool is_mocked,
	const char *blocked)
{
	const char *id = cdp_str(event->params, "networkId");
	struct flight *flight = *id ? network_flight(network, id) : NULL;

	if (!flight)
		return;
	flight->is_mocked |= is_mocked;
	flight->blocked = blocked;
	if (flight->last) {
		flight->last->seen.is_mocked |= is_mocked;
		flight->last->seen.blocked = blocked;
	}
}

static void
on_paused(struct network *network, const struct cdp_event *event)
{
	const char *id = cdp_str(event->params, "requestId");
	json_t *request = json_object_get(event->params, "request");
	bool is_ahead = is_preflight(request);
	struct mock *mock = find_mock(network, request, is_ahead);

	if (mock) {
		note(network, event, true, NULL);
		if (is_ahead && !mock->rule->abort)
			answer_preflight(network, event);
		else
			answer_mock(network, event, mock);
		return;
	}
	const char *member = forbidden_by(network, event);
	if (member) {
		note(network, event, false, member);
		answer(network, event->session, "Fetch.failRequest",
			json_pack("{s:s, s:s}", "requestId", id, "errorReason",
				"BlockedByClient"),
			0);
		return;
	}
	answer(network, event->session, "Fetch.continueRequest",
		json_pack("{s:s}", "requestId", id), 0);
}

/* --- Credentials --- */

static bool
is_same_origin(const char *a, const char *b)
{
	struct str host_a, host_b;
	unsigned port_a, port_b;
	const char *end_a = strchr(a, ':'), *end_b = strchr(b, ':');

	return end_a && end_b && end_a - a == end_b - b &&
		strncasecmp(a, b, (size_t)(end_a - a)) == 0 &&
		url_host(str_of(a), &host_a, &port_a) == 0 &&
		url_host(str_of(b), &host_b, &port_b) == 0 && port_a == port_b &&
		str_eq_nocase(host_a, host_b);
}

/* Wrong credentials would be asked for again and again: each request gets them once. */
static bool
is_first_answer(struct network *network, const char *id, const char *source)
{
	char key[200];
	int n = snprintf(key, sizeof key, "%.150s %.20s", id, source);

	if (map_count(&network->answered) >= NETWORK_ENTRIES_MAX)
		map_clear(&network->answered);
	return map_put(&network->answered, key, (size_t)n, network) == NULL;
}

static void
on_auth(struct network *network, const struct cdp_event *event)
{
	const char *id = cdp_str(event->params, "requestId");
	const json_t *challenge = json_object_get(event->params, "authChallenge");
	bool is_proxy = strcmp(cdp_str(challenge, "source"), "Proxy") == 0;
	const char *user = is_proxy ? network->config->proxy_user : network->auth_user;
	const char *password =
		is_proxy ? network->config->proxy_password : network->auth_password;
	const char *origin = is_proxy ? NULL : network->auth_origin;
	bool is_given = user &&
		(!origin || is_same_origin(origin, cdp_str(challenge, "origin"))) &&
		is_first_answer(network, id, is_proxy ? "proxy" : "server");
	json_t *response = is_given
		? json_pack("{s:s, s:s, s:s}", "response", "ProvideCredentials", "username",
			  user, "password", password ? password : "")
		: json_pack("{s:s}", "response", "CancelAuth");

	cdp_send(network->cdp, event->session, "Fetch.continueWithAuth",
		json_pack("{s:s, s:o}", "requestId", id, "authChallengeResponse", response),
		NULL, NULL);
}

void
network_set_auth(
	struct network *network, const char *user, const char *password, const char *origin)
{
	free(network->auth_user);
	free(network->auth_password);
	free(network->auth_origin);
	network->auth_user = user ? xstrdup(user) : NULL;
	network->auth_password = password ? xstrdup(password) : NULL;
	network->auth_origin = origin ? xstrdup(origin) : NULL;
	map_clear(&network->answered);
	enable_everywhere(network);
}

void
network_on_fetch(void *arg, const struct cdp_event *event)
{
	struct network *network = arg;

	if (strcmp(event->method, "Fetch.requestPaused") == 0)
		on_paused(network, event);
	else if (strcmp(event->method, "Fetch.authRequired") == 0)
		on_auth(network, event);
}

/* --- Life --- */

static int
add_hosts(struct host_set *set, const char **hosts, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++)
		if (host_set_add(set, str_of(hosts[i]), err) < 0)
			return -1;
	return 0;
}

static int
add_ad_file(struct network *network, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(HOSTS_FILE_BYTES_MAX);
	const char *name = network->config->ad_file;
	struct host_file file;

	if (read_file(network, name, &text, err) < 0 ||
		host_set_add_file(&network->ads, buf_str(&text), &file, err) < 0)
		return err_wrap(err, "config.blockAds: %.60s", name);
	if (file.n_wrong > 0 && network->warnings)
		json_array_append_new(network->warnings,
			json_sprintf(
				"%s: %zu lines are no hosts and were skipped, the first is "
				"line %zu",
				name, file.n_wrong, file.first_wrong));
	return 0;
}

int
network_fetch_init(struct network *network, struct err *err)
{
	const struct browser_config *config = network->config;

	host_set_init(&network->blocked);
	host_set_init(&network->ads);
	host_set_init(&network->allowed);
	network->auth_user = config->auth_user ? xstrdup(config->auth_user) : NULL;
	network->auth_password = config->auth_password ? xstrdup(config->auth_password) : NULL;
	network->auth_origin = config->auth_origin ? xstrdup(config->auth_origin) : NULL;
	if (config->block_ads)
		host_set_add_ads(&network->ads);
	if (add_hosts(&network->ads, config->ad_hosts, config->n_ad_hosts, err) < 0 ||
		add_hosts(&network->blocked, config->block_hosts, config->n_block_hosts, err) <
			0 ||
		add_hosts(&network->allowed, config->allow_hosts, config->n_allow_hosts, err) <
			0)
		return -1;
	if (config->ad_file && add_ad_file(network, err) < 0)
		return -1;
	for (size_t i = 0; i < config->n_mocks; i++)
		if (add_mock(network, &config->mocks[i], err) < 0)
			return -1;
	return 0;
}

void
network_fetch_deinit(struct network *network)
{
	while (!list_empty(&network->mocks))
		mock_free(list_entry(network->mocks.next, struct mock, node));
	while (!list_empty(&network->delayed))
		delayed_free(list_entry(network->delayed.next, struct delayed, node));
	host_set_deinit(&network->blocked);
	host_set_deinit(&network->ads);
	host_set_deinit(&network->allowed);
	free(network->auth_user);
	free(network->auth_password);
	free(network->auth_origin);
}
