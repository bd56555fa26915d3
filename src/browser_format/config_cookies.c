/* SPDX-License-Identifier: Apache-2.0 */
/* The part of a browser test's config that the browser starts with: cookies and storage, §3. */
#include <string.h>

#include "base/limits.h"
#include "browser_format/config_impl.h"

enum {
	COOKIE_BYTES_MAX = 4096,
	ORIGINS_MAX = 100,
};

static const char *const same_sites[] = { "Strict", "Lax", "None", NULL };

struct cookie_raw {
	struct config_cookie cookie;
	int same_site;
	bool has_same_site;
};

#define COOKIE_TEXT(name_, member, is_required)                                 \
	{                                                                       \
		.name = (name_), .kind = FIELD_STR, .required = (is_required),  \
		.offset = offsetof(struct cookie_raw, cookie.member), .min = 0, \
		.max = COOKIE_BYTES_MAX                                         \
	}

static const struct json_field cookie_fields[] = {
	COOKIE_TEXT("name", name, true),
	COOKIE_TEXT("value", value, true),
	COOKIE_TEXT("url", url, false),
	COOKIE_TEXT("domain", domain, false),
	COOKIE_TEXT("path", path, false),
	{ .name = "expires",
		.kind = FIELD_NUM,
		.offset = offsetof(struct cookie_raw, cookie.expires) },
	{ .name = "httpOnly",
		.kind = FIELD_FLAG,
		.offset = offsetof(struct cookie_raw, cookie.http_only) },
	{ .name = "secure",
		.kind = FIELD_FLAG,
		.offset = offsetof(struct cookie_raw, cookie.is_secure) },
	{ .name = "sameSite",
		.kind = FIELD_ENUM,
		.offset = offsetof(struct cookie_raw, same_site),
		.set_offset = offsetof(struct cookie_raw, has_same_site),
		.names = same_sites },
	{ 0 },
};

static int
decode_cookie(
	struct config_cookie *ret, json_t *value, const char *pointer, struct issues *issues)
{
	struct cookie_raw raw = { .cookie = { .expires = -1 } };

	if (json_decode(value, cookie_fields, &raw, pointer, issues) < 0)
		return -1;
	if (raw.cookie.url && raw.cookie.domain) {
		issues_add(issues, pointer, ISSUE_INVALID, "has both url and domain");
		return -1;
	}
	if (raw.cookie.url && !config_is_web_url(raw.cookie.url)) {
		issues_add_member(issues, pointer, "url", ISSUE_INVALID,
			"must be a URL that starts with http:// or https://");
		return -1;
	}
	if (raw.has_same_site)
		raw.cookie.same_site = 1 + raw.same_site;
	if (raw.cookie.domain && !raw.cookie.path)
		raw.cookie.path = "/";
	*ret = raw.cookie;
	return 0;
}

int
config_decode_cookies(struct config_cookie **ret, size_t *ret_n, json_t *list,
	const char *pointer, struct issues *issues)
{
	size_t before = issues->n + issues->n_more, n = 0;

	if (!json_is_array(list) || json_array_size(list) > COOKIES_MAX) {
		issues_add(issues, pointer, ISSUE_INVALID,
			"must be a list of at most %d cookies", COOKIES_MAX);
		return -1;
	}
	struct config_cookie *cookies =
		arena_xalloc(issues->arena, (json_array_size(list) + 1) * sizeof *cookies);
	for (size_t i = 0; i < json_array_size(list); i++)
		if (decode_cookie(&cookies[n], json_array_get(list, i),
			    json_pointer_index(issues->arena, pointer, i), issues) == 0)
			n++;
	if (issues->n + issues->n_more > before)
		return -1;
	*ret = cookies;
	*ret_n = n;
	return 0;
}

static void
check_origins(json_t *origins, const char *pointer, struct issues *issues)
{
	json_t *origin, *item;
	size_t i, k;

	json_array_foreach(origins, i, origin)
	{
		const char *place = json_pointer_index(issues->arena, pointer, i);
		const char *text = json_string_value(json_object_get(origin, "origin"));
		json_t *items = json_object_get(origin, "localStorage");

		if (!text || !config_is_origin(text))
			issues_add_member(issues, place, "origin", ISSUE_INVALID,
				"must be http(s)://host[:port]");
		if (items && !json_is_array(items))
			issues_add_member(issues, place, "localStorage", ISSUE_INVALID,
				"must be a list of {name, value}");
		json_array_foreach(items, k, item)
		{
			if (json_is_string(json_object_get(item, "name")) &&
				json_is_string(json_object_get(item, "value")))
				continue;
			issues_add(issues,
				json_pointer_index(issues->arena,
					json_pointer_member(
						issues->arena, place, "localStorage"),
					k),
				ISSUE_INVALID, "must be {name, value} with two texts");
		}
	}
}

int
config_decode_storage(struct browser_config *config, json_t *value, const char *pointer,
	struct issues *issues)
{
	struct state {
		json_t *cookies, *origins;
	} state = { 0 };
	static const struct json_field fields[] = {
		{ .name = "cookies",
			.kind = FIELD_ARR,
			.offset = offsetof(struct state, cookies),
			.max = COOKIES_MAX },
		{ .name = "origins",
			.kind = FIELD_ARR,
			.offset = offsetof(struct state, origins),
			.max = ORIGINS_MAX },
		{ 0 },
	};
	size_t before = issues->n + issues->n_more, n = 0;
	struct config_cookie *more = NULL;

	if (json_decode(value, fields, &state, pointer, issues) < 0)
		return -1;
	if (state.cookies &&
		config_decode_cookies(&more, &n, state.cookies,
			json_pointer_member(issues->arena, pointer, "cookies"), issues) < 0)
		return -1;
	check_origins(
		state.origins, json_pointer_member(issues->arena, pointer, "origins"), issues);
	if (issues->n + issues->n_more > before)
		return -1;
	config->storage_origins = state.origins;
	if (n == 0)
		return 0;
	struct config_cookie *all =
		arena_xalloc(issues->arena, (config->n_cookies + n) * sizeof *all);
	if (config->n_cookies > 0)
		memcpy(all, config->cookies, config->n_cookies * sizeof *all);
	memcpy(all + config->n_cookies, more, n * sizeof *all);
	config->cookies = all;
	config->n_cookies += n;
	return 0;
}

static void
decode_storage(struct browser_config *config, json_t *value, const char *pointer,
	struct issues *issues)
{
	const char *file = json_string_value(value);

	if (file && config_path_is_safe(file))
		config->storage_file = arena_strdup(issues->arena, file);
	else if (json_is_object(value))
		/* Its offences are what the caller asks for. */
		(void)config_decode_storage(config, value, pointer, issues);
	else
		issues_add(issues, pointer, ISSUE_INVALID,
			"must be an object with cookies and origins, or a file of the bundle");
}

/* A cookie without url and domain is one of baseURL. */
static void
place_cookies(struct browser_config *config, const char *pointer, struct issues *issues)
{
	for (size_t i = 0; i < config->n_cookies; i++) {
		struct config_cookie *cookie = &config->cookies[i];
		if (cookie->url || cookie->domain)
			continue;
		if (!config->base_url)
			issues_add(issues, json_pointer_index(issues->arena, pointer, i),
				ISSUE_INVALID,
				"needs url or domain, because there is no baseURL");
		cookie->url = config->base_url;
	}
}

void
config_decode_state(struct browser_config *config, const struct config_network_raw *raw,
	const char *pointer, struct issues *issues)
{
	const char *cookies = json_pointer_member(issues->arena, pointer, "cookies");

	if (raw->cookies &&
		config_decode_cookies(&config->cookies, &config->n_cookies, raw->cookies,
			cookies, issues) == 0)
		place_cookies(config, cookies, issues);
	if (raw->storage)
		decode_storage(config, raw->storage,
			json_pointer_member(issues->arena, pointer, "storageState"), issues);
}
