/* SPDX-License-Identifier: Apache-2.0 */
/* Verbs about what is around the page: addresses, tabs, dialogs, files, cookies, the network.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "browser_format/template.h"
#include "runners/browser/evidence.h"
#include "runners/browser/evidence_file.h"
#include "runners/browser/network.h"
#include "runners/browser/tester.h"
#include "runners/kit/kit.h"

enum { ANSWER_MS = 2000 };

static const char *
text_of(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* --- Addresses --- */

static enum load_state
until_of(const struct tester *t, json_t *value)
{
	enum load_state state = (enum load_state)t->config->wait_until;
	const char *name = text_of(value, "waitUntil");

	if (name)
		(void)!load_state_parse(name, &state);
	return state;
}

static bool
is_absolute(const char *url)
{
	size_t n = strspn(
		url, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-");

	return n > 0 && url[n] == ':';
}

/*
 * A path below the origin of an address, joined without asking anybody; NULL when there is
 * anything about them that only a browser knows how to read. Owned by the caller.
 */
static char *
join_plain(const char *base, const char *path)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
		"-_~/?&=%.";
	static const char host[] = "abcdefghijklmnopqrstuvwxyz0123456789-.:";
	size_t scheme = strncmp(base, "http://", 7) == 0 ? 7
		: strncmp(base, "https://", 8) == 0      ? 8
							 : 0;
	size_t n = scheme ? strspn(base + scheme, host) : 0;
	char after = n ? base[scheme + n] : 'x';

	if ((after != '\0' && after != '/') || path[0] != '/' || path[1] == '/' ||
		path[strspn(path, plain)] != '\0' || strstr(path, "/."))
		return NULL;
	return xasprintf("%.*s%s", (int)(scheme + n), base, path);
}

char *
go_first_url(const struct tester *t, json_t *step)
{
	static const char *const known[] = { "open", "name", "timeout", "optional" };
	_cleanup_(json_unrefp) json_t *filled = NULL;
	json_t *value = json_object_get(step, "open");
	struct err err = { 0 };
	const char *member;
	json_t *ignored;

	json_object_foreach(step, member, ignored)
	{
		bool is_known = false;

		for (size_t i = 0; i < ARRAY_LEN(known); i++)
			is_known |= strcmp(member, known[i]) == 0;
		if (!is_known)
			return NULL;
	}
	if (!json_is_string(value))
		return NULL;
	filled = template_fill(value, t->scope, NULL, &err);
	const char *url = json_string_value(filled);
	if (!url)
		return NULL;
	if (strncmp(url, "http://", 7) == 0 || strncmp(url, "https://", 8) == 0)
		return xstrdup(url);
	return t->config->base_url ? join_plain(t->config->base_url, url) : NULL;
}

/* Relative addresses are the page's affair, or that of baseURL: the page knows how. */
static int
resolve_url(struct tester *t, const char *url, char **ret)
{
	_cleanup_(json_unrefp) json_t *result = NULL;
	const char *own = t->page->main->url;
	const char *base = own && strncmp(own, "http", 4) == 0 ? own : t->config->base_url;
	struct err err = { 0 };

	if (is_absolute(url)) {
		*ret = xstrdup(url);
		return 0;
	}
	if (!base)
		return trouble_set(t, TROUBLE_ERRORED, "invalid_definition",
			"\"%s\" is relative, and there is neither a page nor config.baseURL",
			url);
	*ret = join_plain(base, url);
	if (*ret)
		return 0;
	if (frame_eval(t->page->main, WORLD_OWN, "(url, base) => new URL(url, base).href",
		    json_pack("[s, s]", url, base), t->deadline + ANSWER_MS, &result,
		    &err) != 0 ||
		!json_is_string(result))
		return cdp_state(t->cdp) != CDP_OPEN
			? trouble_err(t, &err)
			: trouble_set(t, TROUBLE_ERRORED, "invalid_definition",
				  "\"%s\" is no address", url);
	*ret = xstrdup(json_string_value(result));
	return 0;
}

/* What config.waitFor asks for after each open. */
static int
wait_after_open(struct tester *t)
{
	const struct browser_config *config = t->config;
	struct err err = { 0 };

	if (config->wait_for_ms > 0)
		return pass_time(t, config->wait_for_ms);
	if (config->wait_for_state >= 0 &&
		page_wait_load(t->page, (enum load_state)config->wait_for_state, t->deadline,
			&err) < 0)
		return trouble_err(t, &err);
	if (config->wait_for_selector) {
		_cleanup_(json_unrefp) json_t *spec = spec_new(
			t, config->wait_for_selector, json_pack("{s:s}", "state", "visible"));

		return ask_ok(t, "waiting", spec, "navigation", NULL);
	}
	return 0;
}

static int
navigation_failed(struct tester *t, const char *url, const struct err *err)
{
	const char *blocked = network_blocked_document(t->network);

	if (cdp_state(t->cdp) != CDP_OPEN || t->page->is_crashed || t->page->is_closed)
		return trouble_err(t, err);
	if (blocked)
		return trouble_set(t, TROUBLE_FAILED, "navigation",
			"%s was not opened: config.%s forbids it", url, blocked);
	return trouble_set(
		t, TROUBLE_FAILED, "navigation", "%s was not opened: %s", url, err->text);
}

int
go_to(struct tester *t, const char *url, const char *referrer, enum load_state until)
{
	_cleanup_free_ char *full = NULL;
	struct err err = { 0 };

	if (resolve_url(t, url, &full) < 0)
		return -1;
	if (page_goto(t->page, full, referrer, until, t->deadline, &err) < 0)
		return navigation_failed(t, full, &err);
	return wait_after_open(t);
}

int
go_open(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	return go_to(t,
		json_is_string(value) ? json_string_value(value) : text_of(value, "url"),
		text_of(value, "referrer"), until_of(t, value));
}

int
go_reload(struct tester *t, json_t *value, json_t *step)
{
	struct err err = { 0 };

	(void)step;
	if (page_reload(t->page, false, until_of(t, value), t->deadline, &err) < 0)
		return navigation_failed(t, "the page", &err);
	return 0;
}

static int
go_through_history(struct tester *t, int delta, json_t *value)
{
	struct err err = { 0 };
	int r = page_go(t->page, delta, until_of(t, value), t->deadline, &err);

	if (r < 0)
		return navigation_failed(t, "the page", &err);
	if (r == PAGE_NO_HISTORY)
		return trouble_set(t, TROUBLE_FAILED, "navigation",
			"there is no page %s in the history", delta < 0 ? "before" : "after");
	return 0;
}

int
go_back(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	return go_through_history(t, -1, value);
}

int
go_forward(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	return go_through_history(t, 1, value);
}

/* --- Tabs --- */

/* Its frames are known, or never will be. */
static bool
is_settled(void *arg)
{
	const struct page *page = arg;

	return page->is_ready || page->is_closed;
}

/* A page that another one has just opened is in the list before anything is known of it. */
static int
turn_to(struct tester *t, struct page *page)
{
	struct err err = { 0 };

	if (cdp_pump(t->cdp, t->deadline + ANSWER_MS, is_settled, page, &err) < 0)
		return trouble_err(t, &err);
	if (!page->is_ready)
		return trouble_set(
			t, TROUBLE_FAILED, "action", "the tab was closed before it was there");
	t->page = page;
	if (page_focus(page, t->deadline + ANSWER_MS, &err) < 0)
		return trouble_err(t, &err);
	evidence_show(t->evidence, page->session->id);
	return 0;
}

static struct page *
tab_at(const struct tester *t, int64_t index, int64_t *ret_n)
{
	struct list_node *at = t->context->pages.next;
	struct page *found = NULL;
	int64_t n = 0;

	for (; at != &t->context->pages; at = at->next, n++)
		if (n == index)
			found = container_of(at, struct page, node);
	*ret_n = n;
	return found;
}

static int
tab_new(struct tester *t)
{
	struct page *page = NULL;
	struct err err = { 0 };

	if (context_page_wait(t->context, t->n_pages_seen, &page, t->deadline, &err) < 0)
		return err.code == ERR_TIMEOUT && cdp_state(t->cdp) == CDP_OPEN
			? trouble_set(t, TROUBLE_FAILED, "action",
				  "no new tab was opened (waited %.3g s)",
				  (double)t->patience_ms / 1000)
			: trouble_err(t, &err);
	t->n_pages_seen = t->context->n_pages_ever;
	(void)!page_wait_load(page, LOAD_DOMCONTENTLOADED, t->deadline, &err);
	return turn_to(t, page);
}

static int
tab_close(struct tester *t)
{
	struct page *old = t->page;
	struct err err = { 0 };
	int64_t n = 0, index = 0;

	while (tab_at(t, index, &n) != old && index < n)
		index++;
	if (n < 2 && !old->is_closed)
		return trouble_set(
			t, TROUBLE_FAILED, "action", "the last tab of a test cannot be closed");
	if (!old->is_closed && page_close(old, false, t->deadline, &err) < 0)
		return trouble_err(t, &err);
	struct page *next = tab_at(t, index > 0 ? index - 1 : 0, &n);

	if (!next)
		next = tab_at(t, n - 1, &n);
	if (!next)
		return trouble_set(t, TROUBLE_FAILED, "action", "there is no tab left");
	return turn_to(t, next);
}

static int
tab_number(struct tester *t, int64_t index)
{
	int64_t n = 0;
	struct page *page = tab_at(t, index, &n);

	if (!page)
		return trouble_set(t, TROUBLE_FAILED, "action",
			"there is no tab %lld: there are %lld", (long long)index, (long long)n);
	return turn_to(t, page);
}

/* Waits for a tab whose address or title is as asked. */
static int
tab_switch(struct tester *t, json_t *wanted)
{
	_cleanup_(json_unrefp) json_t *spec =
		spec_new(t, NULL, json_pack("{s:O, s:s}", "expect", wanted, "words", ""));
	int64_t deadline = t->deadline, patience = t->patience_ms;
	struct page *old = t->page;

	for (;;) {
		int64_t n = 1;

		for (int64_t i = 0; i < n; i++) {
			_cleanup_(json_unrefp) json_t *answer = NULL;
			struct page *page = tab_at(t, i, &n);

			if (!page || !page->is_ready)
				continue;
			t->page = page;
			t->deadline = clock_mono_ms();
			int r = ask(t, "expectation", spec, &answer);

			t->deadline = deadline;
			t->page = old;
			if (r < 0 && t->trouble.kind != TROUBLE_FAILED)
				return -1;
			if (r == 0 && cdp_flag(answer, "ok"))
				return turn_to(t, page);
		}
		if (time_left(t) == 0)
			return trouble_set(t, TROUBLE_FAILED, "action",
				"no tab is like that; there are %lld (waited %.3g s)",
				(long long)n, (double)patience / 1000);
		if (pass_time(t, 50) < 0)
			return -1;
	}
}

int
go_tab(struct tester *t, json_t *value, json_t *step)
{
	const char *word = json_string_value(value);
	struct page *page = NULL;
	struct err err = { 0 };
	int64_t n = 0;

	(void)step;
	if (json_is_integer(value))
		return tab_number(t, json_integer_value(value));
	if (json_object_get(value, "switch"))
		return tab_switch(t, json_object_get(value, "switch"));
	if (!word) {
		if (context_page_new(t->context, &page, t->deadline, &err) < 0)
			return trouble_err(t, &err);
		t->n_pages_seen = t->context->n_pages_ever;
		/* Relative to the page that one comes from. */
		_cleanup_free_ char *url = NULL;

		if (resolve_url(t, text_of(value, "open"), &url) < 0 || turn_to(t, page) < 0)
			return -1;
		return go_to(t, url, NULL, until_of(t, value));
	}
	if (strcmp(word, "new") == 0)
		return tab_new(t);
	if (strcmp(word, "close") == 0)
		return tab_close(t);
	if (strcmp(word, "first") == 0)
		return tab_number(t, 0);
	(void)tab_at(t, -1, &n);
	return tab_number(t, n - 1);
}

/* --- Dialogs, downloads --- */

int
around_dialog(struct tester *t, json_t *value, json_t *step)
{
	const char *action =
		json_is_string(value) ? json_string_value(value) : text_of(value, "action");
	struct dialog_policy policy = { .accept = strcmp(action, "accept") == 0,
		.text = text_of(value, "text") };

	(void)step;
	context_dialog_policy(t->context, &policy);
	return 0;
}

/* Moves the file among the artifacts. A name that is taken gets a number. */
static void
keep_download(struct tester *t, const struct download *download)
{
	const char *dot = strrchr(download->name, '.');
	const char *ending = dot && dot > download->name ? dot : "";
	_cleanup_free_ char *stem =
		xstrndup(download->name, strlen(download->name) - strlen(ending));
	_cleanup_free_ char *name = evidence_name(t->request->artifacts, stem, ending);
	_cleanup_free_ char *path = xasprintf("%s/%s", t->request->artifacts, name);

	if (rename(download->path, path) < 0) {
		kit_log(t->kit, "warn", "the download %s was not kept", download->name);
		return;
	}
	kit_artifact(t->kit, name, name, "application/octet-stream", "file", NULL);
}

static int
check_download(struct tester *t, json_t *value, const struct download *download)
{
	json_t *name = json_object_get(value, "name");
	int64_t min = cdp_int(value, "minBytes", 0);
	int64_t max = cdp_int(value, "maxBytes", INT64_MAX);

	if (download->state != DOWNLOAD_DONE)
		return trouble_set(t, TROUBLE_FAILED, "action", "the download of %s failed",
			download->url);
	if (download->bytes < min || download->bytes > max)
		return trouble_set(t, TROUBLE_FAILED, "assertion",
			"expected %s to have %s %lld bytes; it has %lld", download->name,
			download->bytes < min ? "at least" : "at most",
			(long long)(download->bytes < min ? min : max),
			(long long)download->bytes);
	if (name) {
		_cleanup_(json_unrefp) json_t *spec = json_is_string(name)
			? json_pack("{s:O}", "is", name)
			: json_incref(name);
		_cleanup_(json_unrefp) json_t *actual = json_string(download->name);
		_cleanup_(json_unrefp) json_t *answer = NULL;

		if (ask_compare(t, "the name of the file", spec, actual, &answer) < 0)
			return -1;
		if (!cdp_flag(answer, "ok")) {
			t->patience_ms = 0;
			return trouble_answer(t, "assertion", answer);
		}
	}
	return 0;
}

int
around_download(struct tester *t, json_t *value, json_t *step)
{
	struct download *download = NULL;
	const char *save = text_of(value, "save");
	struct err err = { 0 };

	(void)step;
	if (context_download_wait(
		    t->context, t->n_downloads_taken, &download, t->deadline, &err) < 0)
		return err.code == ERR_TIMEOUT && cdp_state(t->cdp) == CDP_OPEN
			? trouble_set(t, TROUBLE_FAILED, "action",
				  "nothing was downloaded (waited %.3g s)",
				  (double)t->patience_ms / 1000)
			: trouble_err(t, &err);
	t->n_downloads_taken++;
	if (save)
		set_variable(t, save,
			json_pack("{s:s, s:I, s:s}", "name", download->name, "bytes",
				(json_int_t)download->bytes, "url", download->url));
	int r = check_download(t, value, download);

	if (download->state == DOWNLOAD_DONE)
		keep_download(t, download);
	return r;
}

/* --- Cookies and storage --- */

static int
call(struct tester *t, const char *method, json_t *params, json_t **ret)
{
	struct err err = { 0 };

	if (page_call(t->page, method, params, t->deadline + ANSWER_MS, ret, &err) < 0)
		return trouble_err(t, &err);
	return 0;
}

static json_t *
cookie_params(const struct tester *t, json_t *cookie)
{
	json_t *params = json_copy(cookie);
	const char *own = t->page->main->url;

	if (!json_object_get(params, "url") && !json_object_get(params, "domain")) {
		const char *url =
			own && strncmp(own, "http", 4) == 0 ? own : t->config->base_url;

		if (url)
			json_object_set_new(params, "url", json_string(url));
	}
	return params;
}

static int
set_cookies(struct tester *t, json_t *list)
{
	json_t *params = json_array();
	json_t *cookie;
	size_t i;

	json_array_foreach(list, i, cookie)
		json_array_append_new(params, cookie_params(t, cookie));
	return call(t, "Network.setCookies", json_pack("{s:o}", "cookies", params), NULL);
}

static int
all_cookies(struct tester *t, json_t **ret)
{
	struct err err = { 0 };

	if (cdp_call(t->cdp, "", "Storage.getCookies",
		    json_pack("{s:s}", "browserContextId", t->context->id),
		    t->deadline + ANSWER_MS, ret, &err) < 0)
		return trouble_err(t, &err);
	return 0;
}

static int
clear_cookies(struct tester *t, json_t *which)
{
	_cleanup_(json_unrefp) json_t *result = NULL;
	struct err err = { 0 };
	json_t *cookie;
	size_t i;

	if (!json_is_string(which)) {
		if (cdp_call(t->cdp, "", "Storage.clearCookies",
			    json_pack("{s:s}", "browserContextId", t->context->id),
			    t->deadline + ANSWER_MS, NULL, &err) < 0)
			return trouble_err(t, &err);
		return 0;
	}
	if (all_cookies(t, &result) < 0)
		return -1;
	json_array_foreach(json_object_get(result, "cookies"), i, cookie)
	{
		if (strcmp(cdp_str(cookie, "name"), json_string_value(which)) == 0 &&
			call(t, "Network.deleteCookies",
				json_pack("{s:s, s:s, s:s}", "name", cdp_str(cookie, "name"),
					"domain", cdp_str(cookie, "domain"), "path",
					cdp_str(cookie, "path")),
				NULL) < 0)
			return -1;
	}
	return 0;
}

int
around_cookies(struct tester *t, json_t *value, json_t *step)
{
	json_t *set = json_object_get(value, "set");

	(void)step;
	return set ? set_cookies(t, set) : clear_cookies(t, json_object_get(value, "clear"));
}

/* Something about the page's own store; *ret may be NULL. */
static int
in_store(struct tester *t, const char *function, json_t *args, json_t **ret)
{
	struct frame *frame = NULL;
	struct err err = { 0 };
	int r;

	if (frame_now(t, &frame) < 0) {
		json_decref(args);
		return -1;
	}
	r = frame_eval(frame, WORLD_OWN, function, args, t->deadline + ANSWER_MS, ret, &err);
	if (r == FRAME_THREW) {
		if (ret)
			json_decref(TAKE(*ret));
		return trouble_set(t, TROUBLE_FAILED, "action", "the page has no storage");
	}
	return r < 0 ? trouble_err(t, &err) : 0;
}

static int
save_state(struct tester *t, const char *name)
{
	static const char read_store[] =
		"() => location.origin === 'null' ? [] : [{ origin: location.origin, "
		"localStorage: Object.entries(globalThis.proctor.store(false)).map(([name, "
		"value]) => ({ name, value })) }]";
	_cleanup_(json_unrefp) json_t *cookies = NULL;
	json_t *origins = NULL;

	if (all_cookies(t, &cookies) < 0 || in_store(t, read_store, NULL, &origins) < 0)
		return -1;
	json_t *state = json_pack("{s:O, s:o}", "cookies", json_object_get(cookies, "cookies"),
		"origins", origins);

	/* It is output, so that a hook can hand it to the tests. */
	json_object_set(t->output, name, state);
	set_variable(t, name, state);
	return 0;
}

/* Of each cookie only what may be set. */
static int
restore_cookies(struct tester *t, json_t *list)
{
	static const char *const members[] = { "name", "value", "domain", "path", "expires",
		"httpOnly", "secure", "sameSite" };
	json_t *params = json_array();
	json_t *cookie;
	size_t i;

	json_array_foreach(list, i, cookie)
	{
		json_t *copy = json_object();

		for (size_t m = 0; m < ARRAY_LEN(members); m++)
			if (json_object_get(cookie, members[m]))
				json_object_set(
					copy, members[m], json_object_get(cookie, members[m]));
		if (cdp_num(copy, "expires") < 0)
			json_object_del(copy, "expires");
		json_array_append_new(params, copy);
	}
	return call(t, "Network.setCookies", json_pack("{s:o}", "cookies", params), NULL);
}

static int
restore_state(struct tester *t, json_t *state)
{
	/* Another origin's storage is filled when that origin is opened. */
	static const char script[] =
		"((all) => { for (const one of all) if (one.origin === location.origin) for "
		"(const { name, value } of one.localStorage) if (localStorage.getItem(name) === "
		"null) localStorage.setItem(name, value); })(%s)";
	json_t *origins = json_object_get(state, "origins");
	struct err err = { 0 };

	if (!json_is_object(state))
		return trouble_set(t, TROUBLE_ERRORED, "variable",
			"storage.restore needs what storage.save gave");
	if (restore_cookies(t, json_object_get(state, "cookies")) < 0)
		return -1;
	if (json_array_size(origins) == 0)
		return 0;
	_cleanup_free_ char *text = json_dumps(origins, JSON_COMPACT | JSON_ENSURE_ASCII);
	_cleanup_free_ char *source = xasprintf(script, text);

	if (page_add_script(t->page, source, t->deadline + ANSWER_MS, &err) < 0)
		return trouble_err(t, &err);
	/* The document that is open has no start any more: it gets it now. */
	(void)!frame_eval_expression(
		t->page->main, WORLD_OWN, source, t->deadline + ANSWER_MS, NULL, &err);
	return 0;
}

int
around_storage(struct tester *t, json_t *value, json_t *step)
{
	bool is_session = cdp_flag(value, "session");
	json_t *set = json_object_get(value, "set");

	(void)step;
	if (text_of(value, "save"))
		return save_state(t, text_of(value, "save"));
	if (json_object_get(value, "restore"))
		return restore_state(t, json_object_get(value, "restore"));
	if (set)
		return in_store(t,
			"(session, items) => { for (const [name, value] of Object.entries(items)) "
			"globalThis.proctor.store(session).setItem(name, value); }",
			json_pack("[b, O]", is_session, set), NULL);
	if (text_of(value, "remove"))
		return in_store(t,
			"(session, name) => globalThis.proctor.store(session).removeItem(name)",
			json_pack("[b, s]", is_session, text_of(value, "remove")), NULL);
	return in_store(t, "(session) => globalThis.proctor.store(session).clear()",
		json_pack("[b]", is_session), NULL);
}

/* --- The network --- */

int
around_auth(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	network_set_auth(
		t->network, text_of(value, "username"), text_of(value, "password"), NULL);
	return 0;
}

int
around_mock(struct tester *t, json_t *value, json_t *step)
{
	struct issues *issues = arena_xalloc(t->arena, sizeof *issues);
	struct config_mock *mock = arena_xalloc(t->arena, sizeof *mock);
	struct err err = { 0 };

	(void)step;
	issues->arena = t->arena;
	if (json_is_string(value)) {
		(void)network_unmock(t->network, NULL);
		return 0;
	}
	/* The mock borrows from the value, which must live as long as the run. */
	json_array_append(json_object_get(t->scope, " kept"), value);
	if (config_decode_mock(mock, value, "", issues) < 0)
		return trouble_set(t, TROUBLE_ERRORED, "invalid_definition", "mock%s: %s",
			issues->item[0].pointer, issues->item[0].detail);
	if (network_mock(t->network, mock, &err) < 0)
		return trouble_set(t, TROUBLE_ERRORED, "invalid_definition", "%s", err.text);
	return 0;
}

int
around_network(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	network_set_offline(t->network, strcmp(json_string_value(value), "offline") == 0);
	return 0;
}

int
around_viewport(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	return call(t, "Emulation.setDeviceMetricsOverride",
		json_pack("{s:O, s:O, s:f, s:b}", "width", json_object_get(value, "width"),
			"height", json_object_get(value, "height"), "deviceScaleFactor",
			t->config->scale, "mobile", t->config->is_mobile),
		NULL);
}
