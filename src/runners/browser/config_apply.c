/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session is configured by one burst of commands without waiting. Those that the browser may
 * refuse because of what the user wrote have a slot each: its address is what the reply comes
 * with, so that the member can be named.
 *
 * Local storage can only be written by a document of its origin. So each origin has a script
 * that runs in the first document of it, and is taken away from all sessions once such a
 * document was there: what the site clears later stays cleared.
 */
#include "runners/browser/config_apply.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/parse.h"
#include "runners/browser/cdp.h"

/* A proxy that nobody is: the connection is refused at once. */
#define NOWHERE "http://127.0.0.1:1"

enum slot_index {
	SLOT_VIEWPORT,
	SLOT_USER_AGENT,
	SLOT_LOCALE,
	SLOT_TIMEZONE,
	SLOT_GEOLOCATION,
	SLOT_COUNT,
};

static const char *const slot_members[SLOT_COUNT] = { "viewport", "userAgent", "locale",
	"timezone", "geolocation" };

struct slot {
	const char *member;
	struct config_applier *applier;
};

/* One origin's local storage in one session. */
struct storage_script {
	struct list_node node; /* in applier->scripts */
	struct config_applier *applier;
	size_t origin; /* index in config->storage_origins */
	char *session; /* owned */
	char *id;      /* the browser's, NULL until it answered; owned */
	bool is_unwanted;
};

struct config_applier {
	const struct browser_config *config; /* borrowed */
	struct cdp *cdp;                     /* borrowed */
	struct slot slot[SLOT_COUNT];
	char *user_agent;    /* to send, or NULL; owned */
	int64_t major;       /* version of the browser, 0: unknown */
	size_t n_pending;    /* commands that may be refused and were not answered */
	const char *refused; /* the first member that was, or NULL */
	char why[ERR_TEXT_BYTES_MAX];
	struct list_node scripts;
	bool *is_origin_done;        /* per origin; owned */
	struct cdp_handler *handler; /* or NULL */
};

/* --- Before the context --- */

/* A host pattern as the browser's rules for going around a proxy have it. */
static int
add_bypass(struct buf *out, const char *pattern)
{
	bool is_exact = *pattern == '=' || *pattern == '*' || *pattern == '[';

	if (*pattern == '=')
		pattern++;
	/* Without a mark a host stands for those below it too; an address has none. */
	return is_exact ? buf_addf(out, ",%s", pattern)
			: buf_addf(out, ",%s,*.%s", pattern, pattern);
}

void
config_proxy(const struct browser_config *config, struct arena *arena, const char **ret_proxy,
	const char **ret_bypass)
{
	_cleanup_(buf_deinit) struct buf bypass = BUF_INIT(HOSTS_BYTES_MAX);
	/* Loopback goes around every proxy by itself; who names one means all of the traffic.
	 */
	int r = buf_adds(&bypass, "<-loopback>");

	*ret_proxy = *ret_bypass = NULL;
	if (config->proxy_server) {
		*ret_proxy = config->proxy_server;
		if (config->proxy_bypass)
			r |= buf_addf(&bypass, ",%s", config->proxy_bypass);
	} else if (config->has_allow_hosts) {
		*ret_proxy = NOWHERE;
		for (size_t i = 0; i < config->n_allow_hosts; i++)
			r |= add_bypass(&bypass, config->allow_hosts[i]);
	} else {
		return;
	}
	*ret_bypass = r < 0 ? NULL : arena_strdup(arena, buf_text(&bypass));
}

int
config_load_storage(struct browser_config *config, const char *files, struct issues *issues,
	json_t **ret_tree, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(STORAGE_STATE_BYTES_MAX);

	*ret_tree = NULL;
	if (!config->storage_file)
		return 0;
	const char *path = files ? path_join(issues->arena, files, config->storage_file) : NULL;
	if (!path)
		return err_set(err, ERR_NOT_FOUND,
			"config.storageState: %.100s is looked for in the test's folder of files, and "
			"it has none: name it in `files` of the test or job file",
			config->storage_file);
	if (file_read(path, STORAGE_STATE_BYTES_MAX, &text, err) < 0)
		return err_wrap(err, "config.storageState");
	_cleanup_(json_unrefp) json_t *tree =
		json_read(buf_text(&text), text.len, JSON_DEPTH_MAX, err);
	if (!tree)
		return err_wrap(err, "config.storageState: %.100s", config->storage_file);
	if (config_decode_storage(config, tree, "", issues) < 0)
		return err_set(err, ERR_INVALID, "config.storageState: %.60s: %s %s",
			config->storage_file, issues->item[0].pointer, issues->item[0].detail);
	*ret_tree = TAKE(tree);
	return 0;
}

/* --- Life --- */

static struct storage_script *
storage_script_free(struct storage_script *script)
{
	cdp_forget(script->applier->cdp, script);
	list_remove(&script->node);
	free(script->session);
	free(script->id);
	free(script);
	return NULL;
}

struct config_applier *
config_applier_new(const struct browser_config *config, struct cdp *cdp)
{
	struct config_applier *applier = xcalloc(1, sizeof *applier);

	applier->config = config;
	applier->cdp = cdp;
	list_init(&applier->scripts);
	for (int i = 0; i < SLOT_COUNT; i++)
		applier->slot[i] = (struct slot) { slot_members[i], applier };
	applier->is_origin_done =
		xcalloc(json_array_size(config->storage_origins) + 1, sizeof(bool));
	return applier;
}

struct config_applier *
config_applier_free(struct config_applier *applier)
{
	if (!applier)
		return NULL;
	for (int i = 0; i < SLOT_COUNT; i++)
		cdp_forget(applier->cdp, &applier->slot[i]);
	while (!list_empty(&applier->scripts))
		storage_script_free(
			list_entry(applier->scripts.next, struct storage_script, node));
	if (applier->handler)
		cdp_off(applier->cdp, applier->handler);
	free(applier->is_origin_done);
	free(applier->user_agent);
	free(applier);
	return NULL;
}

/* --- The context --- */

static json_t *
cookie_json(const struct config_cookie *cookie)
{
	static const char *const same_sites[] = { NULL, "Strict", "Lax", "None" };
	json_t *out = json_pack("{s:s, s:s, s:s*, s:s*, s:s*, s:b, s:b, s:s*}", "name",
		cookie->name, "value", cookie->value, "url", cookie->url, "domain",
		cookie->domain, "path", cookie->path, "httpOnly", cookie->http_only, "secure",
		cookie->is_secure, "sameSite", same_sites[cookie->same_site]);

	if (!out)
		abort();
	if (cookie->expires >= 0)
		json_object_set_new(out, "expires", json_real(cookie->expires));
	return out;
}

json_t *
config_cookies_json(const struct config_cookie *cookies, size_t n)
{
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++)
		if (json_array_append_new(list, cookie_json(&cookies[i])) < 0)
			abort();
	return list;
}

static int
grant(struct config_applier *applier, const char *context_id, int64_t deadline_mono_ms,
	struct err *err)
{
	const struct browser_config *config = applier->config;
	json_t *names = json_array();

	for (size_t i = 0; i < config->n_permissions; i++)
		json_array_append_new(names, json_string(config->permissions[i]));
	if (cdp_call(applier->cdp, NULL, "Browser.grantPermissions",
		    json_pack(
			    "{s:o, s:s}", "permissions", names, "browserContextId", context_id),
		    deadline_mono_ms, NULL, err) < 0)
		return err_wrap(err, "config.permissions");
	return 0;
}

/* What the browser calls itself, in its mobile form if that is wanted. */
static int
find_user_agent(struct config_applier *applier, int64_t deadline_mono_ms, struct err *err)
{
	_cleanup_(json_unrefp) json_t *version = NULL;
	const struct browser_config *config = applier->config;

	if (cdp_call(applier->cdp, NULL, "Browser.getVersion", NULL, deadline_mono_ms, &version,
		    err) < 0)
		return -1;
	const char *own = cdp_str(version, "userAgent");
	const char *chrome = strstr(own, "Chrome/");
	struct str rest = str_of(chrome ? chrome + strlen("Chrome/") : "0");
	if (parse_i64(str_split_first(&rest, '.'), 0, 10000, &applier->major, NULL) < 0)
		applier->major = 0;
	free(applier->user_agent);
	applier->user_agent = config->user_agent ? xstrdup(config->user_agent)
		: config->is_mobile
		? xasprintf(
			  "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like "
			  "Gecko) Chrome/%" PRId64 ".0.0.0 Mobile Safari/537.36",
			  applier->major)
		: xstrdup(own);
	return 0;
}

int
config_apply_context(struct config_applier *applier, const char *context_id,
	int64_t deadline_mono_ms, struct err *err)
{
	const struct browser_config *config = applier->config;

	if ((config->user_agent || config->is_mobile || config->locale) &&
		find_user_agent(applier, deadline_mono_ms, err) < 0)
		return -1;
	if (config->n_permissions > 0 && grant(applier, context_id, deadline_mono_ms, err) < 0)
		return -1;
	if (config->n_cookies > 0 &&
		cdp_call(applier->cdp, NULL, "Storage.setCookies",
			json_pack("{s:o, s:s}", "cookies",
				config_cookies_json(config->cookies, config->n_cookies),
				"browserContextId", context_id),
			deadline_mono_ms, NULL, err) < 0)
		return err_wrap(err, "config.cookies");
	return 0;
}

/* --- A session --- */

static void
on_slot_reply(void *arg, json_t *result, const struct err *error)
{
	struct slot *slot = arg;
	struct config_applier *applier = slot->applier;

	applier->n_pending--;
	/* Only a refusal is the user's fault; and a process may be shared by two pages. */
	if (result || error->code != ERR_INVALID || applier->refused ||
		strstr(error->text, "already in effect"))
		return;
	applier->refused = slot->member;
	snprintf(applier->why, sizeof applier->why, "%s", error->text);
}

static void
send_slot(struct config_applier *applier, const char *session, const char *method,
	json_t *params, enum slot_index slot)
{
	applier->n_pending++;
	cdp_send(applier->cdp, session, method, params, on_slot_reply, &applier->slot[slot]);
}

static void
post(struct config_applier *applier, const char *session, const char *method, json_t *params)
{
	cdp_send(applier->cdp, session, method, params, NULL, NULL);
}

static void
send_screen(struct config_applier *applier, const char *session)
{
	const struct browser_config *config = applier->config;
	json_t *params = json_pack("{s:I, s:I, s:f, s:b, s:I, s:I}", "width",
		(json_int_t)config->width, "height", (json_int_t)config->height,
		"deviceScaleFactor", config->scale, "mobile", config->is_mobile, "screenWidth",
		(json_int_t)config->width, "screenHeight", (json_int_t)config->height);

	if (config->is_mobile) {
		bool is_tall = config->height >= config->width;
		json_object_set_new(params, "screenOrientation",
			json_pack("{s:s, s:i}", "type",
				is_tall ? "portraitPrimary" : "landscapePrimary", "angle",
				is_tall ? 0 : 90));
	}
	send_slot(
		applier, session, "Emulation.setDeviceMetricsOverride", params, SLOT_VIEWPORT);
}

static void
send_media(struct config_applier *applier, const char *session)
{
	static const char *const schemes[] = { "light", "dark", "no-preference" };
	const struct browser_config *config = applier->config;
	const struct {
		const char *name, *value;
	} features[] = {
		{ "prefers-color-scheme", schemes[config->color_scheme] },
		{ "prefers-reduced-motion",
			config->reduced_motion ? "reduce" : "no-preference" },
		{ "forced-colors", config->forced_colors ? "active" : "none" },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < ARRAY_LEN(features); i++)
		json_array_append_new(list,
			json_pack("{s:s, s:s}", "name", features[i].name, "value",
				features[i].value));
	post(applier, session, "Emulation.setEmulatedMedia",
		json_pack("{s:s, s:o}", "media", config->media_print ? "print" : "", "features",
			list));
}

static void
send_user_agent(struct config_applier *applier, const char *session)
{
	const struct browser_config *config = applier->config;
	json_t *params = json_pack("{s:s, s:s*}", "userAgent", applier->user_agent,
		"acceptLanguage", config->locale);

	if (config->is_mobile && !config->user_agent) {
		char major[24];
		snprintf(major, sizeof major, "%" PRId64, applier->major);
		json_object_set_new(params, "platform", json_string("Linux armv81"));
		json_object_set_new(params, "userAgentMetadata",
			json_pack("{s:[{s:s, s:s}], s:s, s:s, s:s, s:s, s:b}", "brands",
				"brand", "Chromium", "version", major, "platform", "Android",
				"platformVersion", "10", "architecture", "", "model", "K",
				"mobile", 1));
	}
	send_slot(applier, session, "Emulation.setUserAgentOverride", params, SLOT_USER_AGENT);
}

/* --- Local storage --- */

static void
withdraw(struct storage_script *script)
{
	post(script->applier, script->session, "Page.removeScriptToEvaluateOnNewDocument",
		json_pack("{s:s}", "identifier", script->id));
	storage_script_free(script);
}

static void
on_script_reply(void *arg, json_t *result, const struct err *error)
{
	struct storage_script *script = arg;

	(void)error;
	if (!result) {
		storage_script_free(script);
		return;
	}
	script->id = xstrdup(cdp_str(result, "identifier"));
	if (script->is_unwanted)
		withdraw(script);
}

static const char *
origin_at(const struct config_applier *applier, size_t i)
{
	return cdp_str(json_array_get(applier->config->storage_origins, i), "origin");
}

/* An origin has its document: no other one shall get the storage again. */
static void
on_navigated(void *arg, const struct cdp_event *event)
{
	struct config_applier *applier = arg;
	const json_t *frame = json_object_get(event->params, "frame");
	const char *origin = cdp_str(frame, "securityOrigin");

	if (strcmp(event->method, "Page.frameNavigated") != 0)
		return;
	LIST_FOR_EACH_SAFE(at, &applier->scripts) {
		struct storage_script *script = list_entry(at, struct storage_script, node);
		if (strcmp(origin_at(applier, script->origin), origin) != 0)
			continue;
		applier->is_origin_done[script->origin] = true;
		if (script->id)
			withdraw(script);
		else
			script->is_unwanted = true;
	}
}

static char *
storage_source(json_t *origin)
{
	_cleanup_free_ char *text = json_dumps(origin, JSON_COMPACT | JSON_ENSURE_ASCII);

	return xasprintf(
		"(o => { try { if (location.origin === o.origin) "
		"for (const i of o.localStorage || []) localStorage.setItem(i.name, i.value); "
		"} catch {} })(%s)",
		text ? text : "{}");
}

static void
send_storage(struct config_applier *applier, const char *session)
{
	size_t n = json_array_size(applier->config->storage_origins);

	if (n > 0 && !applier->handler)
		applier->handler = cdp_on(
			applier->cdp, NULL, "Page.frameNavigated", on_navigated, applier);
	for (size_t i = 0; i < n; i++) {
		if (applier->is_origin_done[i])
			continue;
		struct storage_script *script = xcalloc(1, sizeof *script);
		script->applier = applier;
		script->origin = i;
		script->session = xstrdup(session);
		list_push_back(&applier->scripts, &script->node);
		_cleanup_free_ char *source =
			storage_source(json_array_get(applier->config->storage_origins, i));
		/* A world of its own: the page cannot see or change what the script uses. */
		cdp_send(applier->cdp, session, "Page.addScriptToEvaluateOnNewDocument",
			json_pack(
				"{s:s, s:s}", "source", source, "worldName", "proctor-storage"),
			on_script_reply, script);
	}
}

/* Calls between browsers go around every list and proxy, so with allowHosts there are none. */
static void
send_no_calls(struct config_applier *applier, const char *session)
{
	static const char source[] =
		"delete globalThis.RTCPeerConnection; delete globalThis.webkitRTCPeerConnection;";

	post(applier, session, "Page.addScriptToEvaluateOnNewDocument",
		json_pack("{s:s}", "source", source));
}

void
config_apply_session(struct config_applier *applier, const char *session, bool is_frame)
{
	const struct browser_config *config = applier->config;

	if (!is_frame)
		send_screen(applier, session);
	if (config->has_touch)
		post(applier, session, "Emulation.setTouchEmulationEnabled",
			json_pack("{s:b, s:i}", "enabled", 1, "maxTouchPoints", 5));
	send_media(applier, session);
	if (applier->user_agent)
		send_user_agent(applier, session);
	if (config->locale)
		send_slot(applier, session, "Emulation.setLocaleOverride",
			json_pack("{s:s}", "locale", config->locale), SLOT_LOCALE);
	if (config->timezone)
		send_slot(applier, session, "Emulation.setTimezoneOverride",
			json_pack("{s:s}", "timezoneId", config->timezone), SLOT_TIMEZONE);
	if (config->has_geolocation)
		send_slot(applier, session, "Emulation.setGeolocationOverride",
			json_pack("{s:f, s:f, s:f}", "latitude", config->latitude, "longitude",
				config->longitude, "accuracy", config->accuracy_m),
			SLOT_GEOLOCATION);
	if (config->no_javascript)
		post(applier, session, "Emulation.setScriptExecutionDisabled",
			json_pack("{s:b}", "value", 1));
	if (config->cpu_throttle > 1)
		post(applier, session, "Emulation.setCPUThrottlingRate",
			json_pack("{s:f}", "rate", config->cpu_throttle));
	if (config->ignore_https_errors)
		post(applier, session, "Security.setIgnoreCertificateErrors",
			json_pack("{s:b}", "ignore", 1));
	if (config->has_allow_hosts)
		send_no_calls(applier, session);
	send_storage(applier, session);
}

static bool
is_settled(void *arg)
{
	return ((const struct config_applier *)arg)->n_pending == 0;
}

int
config_settle(struct config_applier *applier, int64_t deadline_mono_ms, struct err *err)
{
	if (cdp_pump(applier->cdp, deadline_mono_ms, is_settled, applier, err) < 0)
		return -1;
	if (!applier->refused)
		return 0;
	return err_set(err, ERR_INVALID, "config.%s: the browser refuses it: %s",
		applier->refused, applier->why);
}
