/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a browser test's config that concerns the network: §3 and §5 of the document. */
#include <ctype.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "browser_format/config_impl.h"
#include "browser_format/hosts.h"

enum {
	HEADER_BYTES_MAX = 8192,
	CREDENTIAL_BYTES_MAX = 1024,
	METHODS_MAX = 10,
};

void
config_check_range(bool is_set, double value, double min, double max, const char *pointer,
	const char *name, struct issues *issues)
{
	if (is_set && !(value >= min && value <= max))
		issues_add_member(issues, pointer, name, ISSUE_INVALID,
			"must be between %g and %g", min, max);
}

bool
config_is_web_url(const char *url)
{
	struct str text = str_of(url), host;
	unsigned port;

	if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
		return false;
	for (const char *p = url; *p; p++)
		if ((unsigned char)*p <= 0x20 || *p == 0x7f)
			return false;
	return url_host(text, &host, &port) == 0;
}

bool
config_path_is_safe(const char *path)
{
	struct str rest = str_of(path);

	if (!*path || *path == '/' || strlen(path) > ARTIFACT_NAME_BYTES_MAX ||
		strchr(path, '\\'))
		return false;
	while (rest.p)
		if (str_eqz(str_split_first(&rest, '/'), ".."))
			return false;
	return true;
}

static const char *
copy(struct issues *issues, const char *text)
{
	return arena_strdup(issues->arena, text);
}

/* --- Headers --- */

static bool
is_token(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if (!isalnum((unsigned char)*text) && !strchr("!#$%&'*+-.^_`|~", *text))
			return false;
	return true;
}

static bool
is_header_value(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < 0x20 && *text != '\t') || *text == 0x7f)
			return false;
	return true;
}

/* The order of the members is kept. */
static void
decode_headers(struct config_pair **ret, size_t *ret_n, json_t *value, const char *pointer,
	struct issues *issues)
{
	const char *name;
	json_t *member;

	if (!json_is_object(value) || json_object_size(value) > EXTRA_HEADERS_MAX) {
		issues_add(issues, pointer, ISSUE_INVALID,
			"must be an object of at most %d headers", EXTRA_HEADERS_MAX);
		return;
	}
	struct config_pair *pairs =
		arena_xalloc(issues->arena, (json_object_size(value) + 1) * sizeof *pairs);
	size_t n = 0;
	json_object_foreach(value, name, member)
	{
		const char *text = json_string_value(member);
		if (!is_token(name))
			issues_add_member(
				issues, pointer, name, ISSUE_INVALID, "is no name of a header");
		else if (!text || !is_header_value(text) || strlen(text) > HEADER_BYTES_MAX)
			issues_add_member(issues, pointer, name, ISSUE_INVALID,
				"must be text without line breaks, at most %d bytes",
				HEADER_BYTES_MAX);
		else
			pairs[n++] =
				(struct config_pair) { copy(issues, name), copy(issues, text) };
	}
	*ret = pairs;
	*ret_n = n;
}

/* --- Credentials, proxy --- */

bool
config_is_origin(const char *text)
{
	const char *host = strstr(text, "://");

	return config_is_web_url(text) && host && !strpbrk(host + 3, "/?#@");
}

struct login {
	const char *user, *password, *origin, *server, *bypass;
};

#define LOGIN_FIELD(name_, member, min_)                                    \
	{                                                                   \
		.name = (name_), .kind = FIELD_STR, .required = (min_) > 1, \
		.offset = offsetof(struct login, member), .min = 0,         \
		.max = CREDENTIAL_BYTES_MAX                                 \
	}

static void
decode_credentials(struct browser_config *config, json_t *value, const char *pointer,
	struct issues *issues)
{
	static const struct json_field fields[] = {
		LOGIN_FIELD("username", user, 2),
		LOGIN_FIELD("password", password, 2),
		LOGIN_FIELD("origin", origin, 0),
		{ 0 },
	};
	struct login login = { 0 };

	if (json_decode(value, fields, &login, pointer, issues) < 0)
		return;
	if (login.origin && !config_is_origin(login.origin))
		issues_add_member(issues, pointer, "origin", ISSUE_INVALID,
			"must be http(s)://host[:port] without a path");
	config->auth_user = login.user;
	config->auth_password = login.password;
	config->auth_origin = login.origin;
}

static bool
is_proxy(const char *text)
{
	static const char *const schemes[] = { "http://", "https://", "socks4://",
		"socks5://" };
	const char *host = strstr(text, "://");
	bool is_known = host == NULL;
	struct host_set set;

	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		is_known |= strncmp(text, schemes[i], strlen(schemes[i])) == 0;
	host = host ? host + 3 : text;
	if (!is_known || !isalnum((unsigned char)*host) || !strrchr(host, ':'))
		return *host == '[' && is_known && strstr(host, "]:") != NULL;
	host_set_init(&set);
	bool is_host = host_set_add(&set, str_of(host), NULL) == 0;
	host_set_deinit(&set);
	return is_host;
}

static void
decode_proxy(struct browser_config *config, json_t *value, const char *pointer,
	struct issues *issues)
{
	static const struct json_field fields[] = {
		LOGIN_FIELD("server", server, 2),
		LOGIN_FIELD("bypass", bypass, 0),
		LOGIN_FIELD("username", user, 0),
		LOGIN_FIELD("password", password, 0),
		{ 0 },
	};
	struct login login = { 0 };

	if (json_is_string(value))
		login.server = copy(issues, json_string_value(value));
	else if (json_decode(value, fields, &login, pointer, issues) < 0)
		return;
	if (!login.server || !is_proxy(login.server)) {
		issues_add(issues,
			json_is_string(value)
				? pointer
				: json_pointer_member(issues->arena, pointer, "server"),
			ISSUE_INVALID,
			"must be [http|https|socks4|socks5://]host:port, without a password");
		return;
	}
	config->proxy_server = login.server;
	config->proxy_bypass = login.bypass;
	config->proxy_user = login.user;
	config->proxy_password = login.password;
}

/* --- Speed --- */

static const struct {
	const char *name;
	int64_t latency_ms, download, upload;
} speeds[] = {
	{ "slow", 400, 50000, 50000 },
	{ "medium", 150, 200000, 90000 },
	{ "fast", 40, 1200000, 600000 },
};

static void
decode_speed(struct browser_config *config, json_t *value, const char *pointer,
	struct issues *issues)
{
	static const struct json_field fields[] = {
		{ .name = "latency",
			.kind = FIELD_DURATION,
			.offset = offsetof(struct browser_config, latency_ms),
			.max = MOCK_DELAY_MS_MAX },
		{ .name = "download",
			.kind = FIELD_SIZE,
			.offset = offsetof(struct browser_config, download_bps),
			.max = GIB(1) },
		{ .name = "upload",
			.kind = FIELD_SIZE,
			.offset = offsetof(struct browser_config, upload_bps),
			.max = GIB(1) },
		{ 0 },
	};
	const char *name = json_string_value(value);

	config->has_throttle = true;
	for (size_t i = 0; name && i < ARRAY_LEN(speeds); i++)
		if (strcmp(speeds[i].name, name) == 0) {
			config->latency_ms = speeds[i].latency_ms;
			config->download_bps = speeds[i].download;
			config->upload_bps = speeds[i].upload;
			return;
		}
	if (name)
		issues_add(issues, pointer, ISSUE_INVALID,
			"must be slow, medium, fast, or an object");
	else
		/* Its offences are what the caller asks for. */
		(void)json_decode(value, fields, config, pointer, issues);
}

/* --- Hosts --- */

static void
check_hosts(const char **hosts, size_t n, const char *pointer, struct issues *issues)
{
	struct host_set set;
	struct err err;

	host_set_init(&set);
	for (size_t i = 0; i < n; i++)
		if (host_set_add(&set, str_of(hosts[i]), &err) < 0)
			issues_add(issues, json_pointer_index(issues->arena, pointer, i),
				ISSUE_INVALID, "%s", err.text);
	host_set_deinit(&set);
}

static void
decode_ads(struct browser_config *config, json_t *value, const char *pointer,
	struct issues *issues)
{
	struct hosts {
		struct strs list;
	} hosts = { 0 };
	static const struct json_field fields[] = {
		{ .name = "blockAds",
			.kind = FIELD_STRS,
			.offset = offsetof(struct hosts, list),
			.max = 10000,
			.item_max = 300 },
		{ 0 },
	};
	const char *file = json_string_value(value);

	config->block_ads = !json_is_false(value);
	if (file && config_path_is_safe(file)) {
		config->ad_file = copy(issues, file);
	} else if (json_is_array(value)) {
		_cleanup_(json_unrefp) json_t *holder = json_pack("{s:O}", "blockAds", value);
		/* The holder's member has our name: cut it off to get its pointer right. */
		const char *parent = arena_strndup(
			issues->arena, pointer, strlen(pointer) - strlen("/blockAds"));
		if (json_decode(holder, fields, &hosts, parent ? parent : "", issues) < 0)
			return;
		config->ad_hosts = hosts.list.item;
		config->n_ad_hosts = hosts.list.n;
		check_hosts(config->ad_hosts, config->n_ad_hosts, pointer, issues);
	} else if (!json_is_boolean(value)) {
		issues_add(issues, pointer, ISSUE_INVALID,
			"must be a boolean, a list of hosts, or a file of the bundle");
	}
}

/* --- Mocks --- */

static const struct {
	const char *name, *cdp;
} aborts[] = {
	{ "failed", "Failed" },
	{ "aborted", "Aborted" },
	{ "timedout", "TimedOut" },
	{ "refused", "ConnectionRefused" },
	{ "reset", "ConnectionReset" },
	{ "disconnected", "InternetDisconnected" },
	{ "dns", "NameNotResolved" },
	{ "blocked", "BlockedByClient" },
};

static const char *
abort_cdp(const json_t *value)
{
	const char *name = json_is_true(value) ? "failed" : json_string_value(value);

	for (size_t i = 0; name && i < ARRAY_LEN(aborts); i++)
		if (strcmp(aborts[i].name, name) == 0)
			return aborts[i].cdp;
	return NULL;
}

/* One method or a list of them, upper-cased. */
static void
decode_methods(
	struct config_mock *mock, json_t *value, const char *pointer, struct issues *issues)
{
	size_t n = json_is_array(value) ? json_array_size(value) : 1;
	const char **methods;

	if (n == 0 || n > METHODS_MAX) {
		issues_add(
			issues, pointer, ISSUE_INVALID, "must be 1 … %d methods", METHODS_MAX);
		return;
	}
	methods = arena_xalloc(issues->arena, n * sizeof *methods);
	for (size_t i = 0; i < n; i++) {
		json_t *item = json_is_array(value) ? json_array_get(value, i) : value;
		const char *text = json_string_value(item);
		if (!text || !is_token(text) || strlen(text) > 20) {
			issues_add(issues, pointer, ISSUE_INVALID,
				"must be a method such as GET, or a list of them");
			return;
		}
		char *upper = arena_strdup(issues->arena, text);
		for (char *p = upper; p && *p; p++)
			*p = (char)toupper((unsigned char)*p);
		methods[i] = upper ? upper : "";
	}
	mock->methods = methods;
	mock->n_methods = n;
}

struct mock_raw {
	struct config_mock mock;
	json_t *method, *headers, *json, *abort;
};

#define MOCK(member) offsetof(struct mock_raw, member)

static const struct json_field mock_fields[] = {
	{ .name = "url",
		.kind = FIELD_STR,
		.required = true,
		.offset = MOCK(mock.url),
		.min = 1,
		.max = PATTERN_BYTES_MAX },
	{ .name = "method", .kind = FIELD_ANY, .offset = MOCK(method) },
	{ .name = "status",
		.kind = FIELD_INT,
		.offset = MOCK(mock.status),
		.min = 100,
		.max = 599 },
	{ .name = "headers", .kind = FIELD_ANY, .offset = MOCK(headers) },
	{ .name = "body",
		.kind = FIELD_STR,
		.offset = MOCK(mock.body),
		.min = 0,
		.max = MOCK_BODY_BYTES_MAX },
	{ .name = "json", .kind = FIELD_ANY, .offset = MOCK(json) },
	{ .name = "file",
		.kind = FIELD_STR,
		.offset = MOCK(mock.file),
		.min = 1,
		.max = ARTIFACT_NAME_BYTES_MAX },
	{ .name = "delay",
		.kind = FIELD_DURATION,
		.offset = MOCK(mock.delay_ms),
		.max = MOCK_DELAY_MS_MAX },
	{ .name = "abort", .kind = FIELD_ANY, .offset = MOCK(abort) },
	{ .name = "times",
		.kind = FIELD_INT,
		.offset = MOCK(mock.times),
		.min = 1,
		.max = 1000000 },
	{ 0 },
};

/* The body from `json`, with its content type unless the headers have one. */
static void
set_json_body(struct config_mock *mock, json_t *value, struct issues *issues)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	struct config_pair *headers =
		arena_xalloc(issues->arena, (mock->n_headers + 1) * sizeof *headers);
	bool has_type = false;

	mock->body = text ? copy(issues, text) : "null";
	mock->body_len = mock->body ? strlen(mock->body) : 0;
	free(text);
	for (size_t i = 0; i < mock->n_headers; i++) {
		headers[i] = mock->headers[i];
		has_type |= strcasecmp(headers[i].name, "content-type") == 0;
	}
	if (!has_type)
		headers[mock->n_headers++] =
			(struct config_pair) { "content-type", "application/json" };
	mock->headers = headers;
}

int
config_decode_mock(
	struct config_mock *ret, json_t *value, const char *pointer, struct issues *issues)
{
	struct mock_raw raw = { .mock = { .status = 200 } };
	size_t before = issues->n + issues->n_more;

	if (json_decode(value, mock_fields, &raw, pointer, issues) < 0)
		return -1;
	struct config_mock *mock = &raw.mock;
	if ((mock->body != NULL) + (raw.json != NULL) + (mock->file != NULL) > 1)
		issues_add(issues, pointer, ISSUE_INVALID,
			"has more than one of body, json and file");
	if (raw.method)
		decode_methods(mock, raw.method,
			json_pointer_member(issues->arena, pointer, "method"), issues);
	if (raw.headers)
		decode_headers(&mock->headers, &mock->n_headers, raw.headers,
			json_pointer_member(issues->arena, pointer, "headers"), issues);
	if (mock->file && !config_path_is_safe(mock->file))
		issues_add_member(issues, pointer, "file", ISSUE_INVALID,
			"must be a path inside the bundle");
	if (raw.abort && !json_is_false(raw.abort)) {
		mock->abort = abort_cdp(raw.abort);
		if (!mock->abort)
			issues_add_member(issues, pointer, "abort", ISSUE_INVALID,
				"must be true, failed, aborted, timedout, refused, reset, "
				"disconnected, dns or blocked");
	}
	if (issues->n + issues->n_more > before)
		return -1;
	if (mock->body)
		mock->body_len = strlen(mock->body);
	if (raw.json)
		set_json_body(mock, raw.json, issues);
	*ret = *mock;
	return 0;
}

static void
decode_mocks(struct browser_config *config, json_t *value, const char *pointer,
	struct issues *issues)
{
	if (!json_is_array(value) || json_array_size(value) > MOCKS_MAX) {
		issues_add(issues, pointer, ISSUE_INVALID, "must be a list of at most %d mocks",
			MOCKS_MAX);
		return;
	}
	size_t n = json_array_size(value);
	config->mocks = arena_xalloc(issues->arena, (n + 1) * sizeof *config->mocks);
	for (size_t i = 0; i < n; i++)
		if (config_decode_mock(&config->mocks[config->n_mocks],
			    json_array_get(value, i),
			    json_pointer_index(issues->arena, pointer, i), issues) == 0)
			config->n_mocks++;
}

/* --- All of it --- */

void
config_decode_network(struct browser_config *config, const struct config_network_raw *network,
	const char *pointer, struct issues *issues)
{
	struct arena *arena = issues->arena;

	if (network->headers)
		decode_headers(&config->extra_headers, &config->n_extra_headers,
			network->headers, json_pointer_member(arena, pointer, "extraHeaders"),
			issues);
	if (network->credentials)
		decode_credentials(config, network->credentials,
			json_pointer_member(arena, pointer, "httpCredentials"), issues);
	if (network->network)
		decode_speed(config, network->network,
			json_pointer_member(arena, pointer, "network"), issues);
	if (network->proxy)
		decode_proxy(config, network->proxy,
			json_pointer_member(arena, pointer, "proxy"), issues);
	if (network->block_ads)
		decode_ads(config, network->block_ads,
			json_pointer_member(arena, pointer, "blockAds"), issues);
	if (network->mocks)
		decode_mocks(config, network->mocks,
			json_pointer_member(arena, pointer, "mocks"), issues);
	config_decode_state(config, network, pointer, issues);
	config->block_hosts = network->block_hosts.item;
	config->n_block_hosts = network->block_hosts.n;
	check_hosts(config->block_hosts, config->n_block_hosts,
		json_pointer_member(arena, pointer, "blockHosts"), issues);
	config->allow_hosts = network->allow_hosts.item;
	config->n_allow_hosts = network->allow_hosts.n;
	check_hosts(config->allow_hosts, config->n_allow_hosts,
		json_pointer_member(arena, pointer, "allowHosts"), issues);
}
