/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The browser attaches us to every page before it runs (greet() in chromium.c) and, through
 * each page's session, to every iframe in another process. A handler may not wait, so a new
 * session gets all its commands in one go, the last of which lets it run.
 *
 * Pages, frames and sessions that are gone stay in memory until the context's end, because a
 * caller may hold them over a wait; their numbers are limited.
 */
#include "runners/browser/context.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/driver.h"

void
text_set(char **slot, const char *text)
{
	char *copy = text ? xstrdup(text) : NULL;

	free(*slot);
	*slot = copy;
}

/* --- Sessions --- */

struct session *
context_session(const struct context *context, const char *id)
{
	return map_get(&impl(context)->session_by_id, id, strlen(id));
}

static struct session *
session_new(struct context *context, struct page *page, const char *id, const char *target)
{
	struct session *session = xcalloc(1, sizeof *session);

	session->context = context;
	session->page = page;
	session->id = xstrdup(id);
	session->target = xstrdup(target);
	list_push_back(&context->sessions, &session->node);
	(void)map_put(&impl(context)->session_by_id, session->id, strlen(session->id), session);
	impl(context)->n_sessions_ever++;
	return session;
}

static void
session_free(struct session *session)
{
	list_remove(&session->node);
	free(session->id);
	free(session->target);
	free(session);
}

static void
session_gone(struct session *session)
{
	struct context *context = session->context;
	/* A frame that was removed is dead by now; one that is not has moved. */
	bool has_moved = session->is_frame && frame_by_id(session->page, session->target);

	(void)map_remove(&impl(context)->session_by_id, session->id, strlen(session->id));
	list_remove(&session->node);
	list_push_back(&impl(context)->dead_sessions, &session->node);
	document_session_gone(session);
	if (!session->is_frame)
		page_closed(session->page);
	cdp_session_gone(context->cdp, session->id, has_moved ? ERR_CONFLICT : ERR_NOT_FOUND,
		has_moved                   ? "the frame navigated"
			: session->is_frame ? "the frame was removed"
					    : "the page was closed");
}

/* The answer may come when the session is gone: so it is found again by its id. */
struct tree_request {
	struct context *context;
	char id[64]; /* of the session */
};

static void
take_tree(void *arg, json_t *result, const struct err *error)
{
	_cleanup_free_ struct tree_request *request = arg;

	if (error)
		return; /* gone meanwhile */
	struct session *session = context_session(request->context, request->id);
	if (session)
		document_take_tree(session, json_object_get(result, "frameTree"));
}

static void
ask_for_tree(struct session *session)
{
	struct tree_request *request = xcalloc(1, sizeof *request);

	request->context = session->context;
	strncpy(request->id, session->id, sizeof request->id - 1);
	cdp_send(session->context->cdp, session->id, "Page.getFrameTree", NULL, take_tree,
		request);
}

void
session_enable(struct session *session)
{
	struct cdp *cdp = session->context->cdp;

	cdp_send(cdp, session->id, "Runtime.enable", NULL, NULL, NULL);
	cdp_send(cdp, session->id, "Network.enable", NULL, NULL, NULL);
	cdp_send(cdp, session->id, "Target.setAutoAttach",
		json_pack("{s:b, s:b, s:b, s:[{s:s}, {s:s}, {s:b}]}", "autoAttach", 1,
			"waitForDebuggerOnStart", 1, "flatten", 1, "filter", "type", "iframe",
			"type", "worker", "exclude", 1),
		NULL, NULL);
	if (!session->is_frame) {
		cdp_send(cdp, session->id, "Inspector.enable", NULL, NULL, NULL);
		cdp_send(cdp, session->id, "Emulation.setFocusEmulationEnabled",
			json_pack("{s:b}", "enabled", 1), NULL, NULL);
	}
}

/* Writes everything that a session needs before its first document, then lets it run. */
static void
session_prepare(struct session *session)
{
	struct cdp *cdp = session->context->cdp;
	struct context_impl *hidden = impl(session->context);

	cdp_send(cdp, session->id, "Page.enable", NULL, NULL, NULL);
	/* Before the contexts are reported, so that they find their frames. */
	ask_for_tree(session);
	cdp_send(cdp, session->id, "Page.setLifecycleEventsEnabled",
		json_pack("{s:b}", "enabled", 1), NULL, NULL);
	/* Before Runtime.enable, which makes the first window: touch is a part of that. */
	session->is_paused = true;
	for (size_t i = 0; i < hidden->n_hooks; i++)
		hidden->hook[i].fn(hidden->hook[i].arg, session);
	session->is_paused = false;
	session_enable(session);
	cdp_send(cdp, session->id, "Runtime.runIfWaitingForDebugger", NULL, NULL, NULL);
}

void
context_on_session(struct context *context, session_fn *fn, void *arg)
{
	struct context_impl *hidden = impl(context);

	if (hidden->n_hooks == CONTEXT_HOOKS_MAX)
		abort();
	hidden->hook[hidden->n_hooks++] = (struct session_hook) { fn, arg };
	LIST_FOR_EACH(node, &context->sessions)
		fn(arg, list_entry(node, struct session, node));
}

void
context_unhook(struct context *context)
{
	if (context)
		impl(context)->n_hooks = 0;
}

/* --- Targets --- */

/* A target that we do not want to see any more: a page is closed, a frame runs unseen. */
static void
refuse_target(struct context *context, const char *session, const json_t *info, bool is_page)
{
	cdp_send(context->cdp, session, "Runtime.runIfWaitingForDebugger", NULL, NULL, NULL);
	if (is_page)
		cdp_send(context->cdp, NULL, "Target.closeTarget",
			json_pack("{s:s}", "targetId", cdp_str(info, "targetId")), NULL, NULL);
}

static void
page_attached(struct context *context, const char *id, const json_t *info)
{
	struct context_impl *hidden = impl(context);

	if (hidden->n_open >= CONTEXT_PAGES_OPEN_MAX ||
		context->n_pages_ever >= CONTEXT_PAGES_MAX) {
		refuse_target(context, id, info, true);
		return;
	}
	struct page *page =
		page_new(context, cdp_str(info, "targetId"), cdp_str(info, "openerId"));
	page->session = session_new(context, page, id, page->target);
	session_prepare(page->session);
}

static void
frame_attached(struct session *parent, const char *id, const json_t *info)
{
	struct context *context = parent->context;

	if (impl(context)->n_sessions_ever >= CONTEXT_FRAMES_MAX) {
		refuse_target(context, id, info, false);
		return;
	}
	struct session *session =
		session_new(context, parent->page, id, cdp_str(info, "targetId"));
	session->is_frame = true;
	session_prepare(session);
}

static void
attached(struct context *context, const struct cdp_event *event)
{
	const json_t *info = json_object_get(event->params, "targetInfo");
	const char *id = cdp_str(event->params, "sessionId");
	struct session *parent =
		event->session[0] ? context_session(context, event->session) : NULL;

	if (parent && strcmp(cdp_str(info, "type"), "worker") == 0)
		/* It waits even where the filter leaves workers out, and then for ever. */
		refuse_target(context, id, info, false);
	else if (parent)
		frame_attached(parent, id, info);
	else if (!event->session[0] && context->id &&
		strcmp(cdp_str(info, "browserContextId"), context->id) == 0 &&
		strcmp(cdp_str(info, "type"), "page") == 0)
		page_attached(context, id, info);
}

static void
target_event(void *arg, const struct cdp_event *event)
{
	struct context *context = arg;
	const char *name = event->method + strlen("Target.");

	if (strcmp(name, "attachedToTarget") == 0) {
		attached(context, event);
	} else if (strcmp(name, "detachedFromTarget") == 0) {
		struct session *session =
			context_session(context, cdp_str(event->params, "sessionId"));

		if (session)
			session_gone(session);
	}
}

/* Events inside sessions: those of this context are found by their session. */
static void
session_event(void *arg, const struct cdp_event *event)
{
	struct session *session = context_session(arg, event->session);

	if (!session)
		return;
	if (strncmp(event->method, "Page.javascriptDialog", 21) == 0)
		dialog_event(session, event);
	else if (strcmp(event->method, "Inspector.targetCrashed") == 0 && !session->is_frame)
		page_crashed(session->page);
	else
		document_event(session, event);
}

/* --- Life --- */

static void
listen(struct context *context, const char *session, const char *prefix, cdp_event_fn *fn)
{
	struct context_impl *hidden = impl(context);

	hidden->handler[hidden->n_handlers++] =
		cdp_on(context->cdp, session, prefix, fn, context);
}

static struct context *
context_alloc(struct chromium *chromium)
{
	struct context *context = xcalloc(1, sizeof *context);
	struct context_impl *hidden = xcalloc(1, sizeof *hidden);

	context->impl = hidden;
	context->chromium = chromium;
	context->cdp = chromium_cdp(chromium);
	list_init(&context->pages);
	list_init(&context->sessions);
	list_init(&context->dialogs);
	list_init(&context->downloads);
	list_init(&hidden->dead_pages);
	list_init(&hidden->dead_sessions);
	list_init(&hidden->answers);
	map_init(&hidden->session_by_id, MAP_KEYS_BORROWED);
	map_init(&hidden->frame_by_id, MAP_KEYS_BORROWED);
	listen(context, NULL, "Target.", target_event);
	listen(context, "", "Browser.download", download_event);
	listen(context, NULL, "Page.", session_event);
	listen(context, NULL, "Runtime.executionContext", session_event);
	listen(context, NULL, "Inspector.", session_event);
	listen(context, NULL, "Network.responseReceived", session_event);
	listen(context, NULL, "Network.loadingFailed", session_event);
	return context;
}

static json_t *
download_behaviour(const struct context *context)
{
	const char *dir = impl(context)->downloads_dir;
	json_t *params = json_pack("{s:s, s:s, s:b}", "behavior", dir ? "allowAndName" : "deny",
		"browserContextId", context->id, "eventsEnabled", 1);

	if (dir)
		json_object_set_new(params, "downloadPath", json_string(dir));
	return params;
}

/* Asks for the context itself. */
static int
create(struct context *context, const struct context_spec *spec, int64_t deadline_mono_ms,
	struct err *err)
{
	_cleanup_(json_unrefp) json_t *result = NULL;
	json_t *params = json_pack("{s:b}", "disposeOnDetach", 1);

	if (spec->proxy)
		json_object_set_new(params, "proxyServer", json_string(spec->proxy));
	if (spec->proxy && spec->proxy_bypass)
		json_object_set_new(params, "proxyBypassList", json_string(spec->proxy_bypass));
	if (cdp_call(context->cdp, NULL, "Target.createBrowserContext", params,
		    deadline_mono_ms, &result, err) < 0)
		return err_wrap(err, "new context");
	context->id = xstrdup(cdp_str(result, "browserContextId"));
	return 0;
}

/* The spare one, if it is there and will do. */
static struct context *
take_spare(struct chromium *chromium, const struct context_spec *spec)
{
	struct context **spare = chromium_spare(chromium);

	if (!spare || !*spare || !(*spare)->id || spec->proxy)
		return NULL;
	return TAKE(*spare);
}

int
context_new(struct context **ret, struct chromium *chromium, const struct context_spec *spec,
	int64_t deadline_mono_ms, struct err *err)
{
	_cleanup_(context_freep) struct context *context = take_spare(chromium, spec);

	chromium_count_run(chromium);
	if (!context) {
		context = context_alloc(chromium);
		if (create(context, spec, deadline_mono_ms, err) < 0)
			return -1;
	}
	struct context_impl *hidden = impl(context);
	hidden->downloads_dir = spec->downloads ? xstrdup(spec->downloads) : NULL;
	hidden->own_script = spec->own_script ? xstrdup(spec->own_script) : NULL;
	cdp_send(context->cdp, NULL, "Browser.setDownloadBehavior", download_behaviour(context),
		NULL, NULL);
	*ret = TAKE(context);
	return 0;
}

/* The spare context is there: now its page, which its handlers take in. */
static void
spare_created(void *arg, json_t *result, const struct err *error)
{
	struct context *context = arg;

	if (error) {
		impl(context)->has_failed = true;
		return; /* without an id it is never taken */
	}
	context->id = xstrdup(cdp_str(result, "browserContextId"));
	impl(context)->has_first = true;
	cdp_send(context->cdp, NULL, "Target.createTarget",
		json_pack("{s:s, s:s}", "url", "about:blank", "browserContextId", context->id),
		NULL, NULL);
}

/* Begins to make the next run's context while this one's events are served. */
static void
begin_spare(struct chromium *chromium)
{
	struct context **spare = chromium_spare(chromium);

	if (!spare || (*spare && !impl(*spare)->has_failed))
		return;
	context_free(*spare);
	*spare = context_alloc(chromium);
	cdp_send((*spare)->cdp, NULL, "Target.createBrowserContext",
		json_pack("{s:b}", "disposeOnDetach", 1), spare_created, *spare);
}

/* Frees what is in the lists; nothing of it is asked of the browser any more. */
static void
free_records(struct context *context)
{
	struct context_impl *hidden = impl(context);

	list_splice_back(&hidden->dead_pages, &context->pages);
	list_splice_back(&hidden->dead_sessions, &context->sessions);
	LIST_FOR_EACH_SAFE(node, &hidden->dead_pages)
		page_free(list_entry(node, struct page, node));
	LIST_FOR_EACH_SAFE(node, &hidden->dead_sessions)
		session_free(list_entry(node, struct session, node));
	LIST_FOR_EACH_SAFE(node, &context->dialogs)
		dialog_free(list_entry(node, struct dialog, node));
	LIST_FOR_EACH_SAFE(node, &context->downloads)
		download_free(list_entry(node, struct download, node));
	LIST_FOR_EACH_SAFE(node, &hidden->answers)
		answer_free(list_entry(node, struct answer, node));
	free(hidden->policy.text);
}

struct context *
context_free(struct context *context)
{
	if (!context)
		return NULL;
	struct context_impl *hidden = impl(context);

	cdp_forget(context->cdp, context);
	if (context->id && cdp_state(context->cdp) != CDP_LOST)
		chromium_close_context(context->chromium, context->id);
	/* Answers that are still to come to us go to nobody. */
	LIST_FOR_EACH(node, &context->sessions)
		cdp_session_gone(context->cdp, list_entry(node, struct session, node)->id,
			ERR_NOT_FOUND, "the context was closed");
	for (size_t i = 0; i < hidden->n_handlers; i++)
		cdp_off(context->cdp, hidden->handler[i]);
	free_records(context);
	map_deinit(&hidden->session_by_id);
	map_deinit(&hidden->frame_by_id);
	free(hidden->downloads_dir);
	free(hidden->own_script);
	free(hidden);
	free(context->id);
	free(context);
	return NULL;
}

/* --- Pages --- */

struct page_awaited {
	struct context *context;
	unsigned number;    /* of the page, or 0 */
	const char *target; /* or this */
	struct page *page;  /* found */
};

static bool
page_is_ready(void *arg)
{
	struct page_awaited *awaited = arg;

	LIST_FOR_EACH(node, &awaited->context->pages) {
		struct page *page = list_entry(node, struct page, node);
		bool is_it = awaited->target ? strcmp(page->target, awaited->target) == 0
					     : page->number > awaited->number;

		if (is_it && page->is_ready && frame_reached(page->main, LOAD_COMMIT))
			awaited->page = page; /* the youngest counts */
	}
	return awaited->page != NULL;
}

static int
take_first(
	struct context *context, struct page **ret, int64_t deadline_mono_ms, struct err *err)
{
	struct page_awaited awaited = { .context = context };

	impl(context)->has_first = false;
	if (cdp_pump(context->cdp, deadline_mono_ms, page_is_ready, &awaited, err) < 0)
		return err_wrap(err, "new page");
	begin_spare(context->chromium);
	*ret = awaited.page;
	return 0;
}

int
context_page_new(
	struct context *context, struct page **ret, int64_t deadline_mono_ms, struct err *err)
{
	_cleanup_(json_unrefp) json_t *result = NULL;

	if (impl(context)->has_first)
		return take_first(context, ret, deadline_mono_ms, err);
	if (cdp_call(context->cdp, NULL, "Target.createTarget",
		    json_pack("{s:s, s:s}", "url", "about:blank", "browserContextId",
			    context->id),
		    deadline_mono_ms, &result, err) < 0)
		return err_wrap(err, "new page");
	struct page_awaited awaited = { .context = context,
		.target = cdp_str(result, "targetId") };
	if (cdp_pump(context->cdp, deadline_mono_ms, page_is_ready, &awaited, err) < 0)
		return err_wrap(err, "new page");
	begin_spare(context->chromium);
	*ret = awaited.page;
	return 0;
}

int
context_page_open(struct context *context, const char *url, struct page **ret,
	int64_t deadline_mono_ms, struct err *err)
{
	_cleanup_(json_unrefp) json_t *result = NULL;

	if (impl(context)->has_first) /* a spare's page will do: page_goto() sends it there */
		return take_first(context, ret, deadline_mono_ms, err);
	if (cdp_call(context->cdp, NULL, "Target.createTarget",
		    json_pack("{s:s, s:s}", "url", url, "browserContextId", context->id),
		    deadline_mono_ms, &result, err) < 0)
		return err_wrap(err, "new page");
	/* We are attached before the answer, and the page waits for us before its request. */
	const char *target = cdp_str(result, "targetId");
	LIST_FOR_EACH(node, &context->pages) {
		struct page *page = list_entry(node, struct page, node);

		if (strcmp(page->target, target) == 0 && document_expect(page) == 0) {
			if (!page->opening.is_void)
				page->opening.url = xstrdup(url);
			*ret = page;
			return 0;
		}
	}
	return err_set(err, ERR_NOT_FOUND, "new page: it is not there");
}

int
context_page_wait(struct context *context, unsigned n_before, struct page **ret,
	int64_t deadline_mono_ms, struct err *err)
{
	struct page_awaited awaited = { .context = context, .number = n_before };

	if (cdp_pump(context->cdp, deadline_mono_ms, page_is_ready, &awaited, err) < 0)
		return err_wrap(err, "no new page");
	*ret = awaited.page;
	return 0;
}
