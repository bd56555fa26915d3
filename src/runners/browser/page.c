/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A navigation has two ends that come in either order: the reply to its command, which names
 * the document (loader), and the events of that document. So the state of the frame is what is
 * waited for, never an event.
 */
#include "runners/browser/page.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/driver.h"

enum {
	WITHIN_MS = 1000, /* the event of a navigation that stays in its document: at once */
};

/* --- Load states --- */

static const char *const load_state_names[LOAD_STATE_COUNT] = {
	[LOAD_COMMIT] = "commit",
	[LOAD_DOMCONTENTLOADED] = "domcontentloaded",
	[LOAD_LOAD] = "load",
	[LOAD_NETWORKIDLE] = "networkidle",
};

const char *
load_state_name(enum load_state state)
{
	return load_state_names[state];
}

int
load_state_parse(const char *name, enum load_state *ret)
{
	for (int i = 0; i < LOAD_STATE_COUNT; i++) {
		if (strcmp(name, load_state_names[i]) == 0) {
			*ret = (enum load_state)i;
			return 0;
		}
	}
	return -1;
}

bool
frame_reached(const struct frame *frame, enum load_state state)
{
	return !frame->is_dead && (frame->reached & 1u << state) != 0;
}

/* The furthest state, for messages. */
static const char *
furthest(const struct frame *frame)
{
	for (int i = LOAD_STATE_COUNT - 1; i > 0; i--) {
		if (frame->reached & 1u << i)
			return load_state_names[i];
	}
	return load_state_names[LOAD_COMMIT];
}

/* --- Life --- */

struct page *
page_new(struct context *context, const char *target, const char *opener)
{
	struct page *page = xcalloc(1, sizeof *page);

	page->context = context;
	page->target = xstrdup(target);
	page->number = ++context->n_pages_ever;
	list_init(&page->frames);
	LIST_FOR_EACH(node, &context->pages) {
		struct page *other = list_entry(node, struct page, node);

		if (opener[0] && strcmp(other->target, opener) == 0)
			page->opener = other;
	}
	list_push_back(&context->pages, &page->node);
	impl(context)->n_open++;
	return page;
}

static void
response_deinit(struct page_response *response)
{
	free(response->loader);
	free(response->url);
	free(response->mime);
}

static void
opening_deinit(struct page_opening *opening)
{
	free(opening->url);
	free(opening->loader);
	free(opening->error);
	*opening = (struct page_opening) { 0 };
}

void
page_free(struct page *page)
{
	list_remove(&page->node);
	document_free_frames(page);
	response_deinit(&page->response);
	response_deinit(&page->next_response);
	opening_deinit(&page->opening);
	free(page->target);
	free(page);
}

void
page_closed(struct page *page)
{
	struct context *context = page->context;

	page->is_closed = true;
	page->session = NULL;
	list_remove(&page->node);
	list_push_back(&impl(context)->dead_pages, &page->node);
	impl(context)->n_open--;
}

void
page_crashed(struct page *page)
{
	page->is_crashed = page->has_crashed = true;
	cdp_session_gone(
		page->context->cdp, page->session->id, ERR_NOT_FOUND, "the page crashed");
}

int
page_check(const struct page *page, struct err *err)
{
	if (page->is_closed)
		return err_set(err, ERR_NOT_FOUND, "the page was closed");
	if (page->is_crashed)
		return err_set(err, ERR_NOT_FOUND, "the page crashed");
	return 0;
}

int
page_call(struct page *page, const char *method, json_t *params, int64_t deadline_mono_ms,
	json_t **ret, struct err *err)
{
	if (page_check(page, err) < 0) {
		json_decref(params);
		return -1;
	}
	return cdp_call(page->context->cdp, page->session->id, method, params, deadline_mono_ms,
		ret, err);
}

/* --- Waiting for a document --- */

struct load_awaited {
	struct page *page;
	enum load_state until;
	const char *loader; /* the document; NULL: any after `before` */
	unsigned before;    /* documents of the main frame */
	unsigned before_within;
	bool may_stay; /* a navigation inside the document is as good */
	bool has_begun;
};

static bool
load_is_there(void *arg)
{
	struct load_awaited *awaited = arg;
	const struct frame *main = awaited->page->main;

	if (awaited->page->is_closed || awaited->page->is_crashed)
		return true;
	if (awaited->may_stay && main->n_within != awaited->before_within)
		return true;
	/* A document that already replaced it is what the caller will see: follow it. */
	if (!awaited->loader)
		awaited->has_begun |= main->document != awaited->before;
	else
		awaited->has_begun |= strcmp(main->loader, awaited->loader) == 0 ||
			main->document >= awaited->before + 2;
	return awaited->has_begun && frame_reached(main, awaited->until);
}

/*
 * A page that waits for a server answers no command until the server does. What comes after a
 * failure (its picture, the next step) must not wait too.
 */
static void
give_up_opening(struct page *page)
{
	if (!page->is_closed && page->session)
		cdp_send(page->context->cdp, page->session->id, "Page.stopLoading", NULL, NULL,
			NULL);
}

static int
wait_load(struct load_awaited *awaited, int64_t deadline_mono_ms, struct err *err)
{
	struct page *page = awaited->page;
	int r = cdp_pump(page->context->cdp, deadline_mono_ms, load_is_there, awaited, err);

	if (r < 0 && !awaited->has_begun)
		give_up_opening(page);
	if (r < 0 && err && err->code == ERR_TIMEOUT)
		return err_set(err, ERR_TIMEOUT, "the page did not come to %s in time: %s",
			load_state_name(awaited->until),
			awaited->has_begun ? furthest(page->main) : "no answer began");
	return r < 0 ? -1 : page_check(page, err);
}

/* --- Navigation --- */

static int
no_page(const char *url, const char *error, struct err *err)
{
	if (strcmp(error, "net::ERR_ABORTED") == 0)
		return err_set(err, ERR_INVALID,
			"%.120s gave no page (a download, an answer without content, or another "
			"navigation came in between)",
			url);
	return err_set(err, ERR_INVALID, "%.120s cannot be opened: %s", url, error);
}

/* What page_goto() makes of the reply: 0 wait for `loader`, 1 nothing to wait for. */
static int
read_navigate_reply(
	const json_t *reply, const char *url, const char **ret_loader, struct err *err)
{
	const char *error = cdp_str(reply, "errorText");

	*ret_loader = cdp_str(reply, "loaderId");
	if (cdp_flag(reply, "isDownload"))
		return err_set(err, ERR_INVALID, "%.120s is a download, not a page", url);
	if (error[0])
		return no_page(url, error, err);
	return (*ret_loader)[0] ? 0 : 1;
}

/* The reply to a navigation inside the document comes before the event that tells of it. */
static bool
has_gone_within(void *arg)
{
	const struct load_awaited *awaited = arg;
	const struct page *page = awaited->page;

	return page->is_closed || page->is_crashed ||
		page->main->n_within != awaited->before_within ||
		page->main->document != awaited->before;
}

static int
wait_within(struct load_awaited *awaited, int64_t deadline_mono_ms, struct err *err)
{
	int64_t patience_ms = clock_mono_ms() + WITHIN_MS;
	struct cdp *cdp = awaited->page->context->cdp;
	struct err own;

	if (cdp_pump(cdp, patience_ms < deadline_mono_ms ? patience_ms : deadline_mono_ms,
		    has_gone_within, awaited, &own) == 0 ||
		own.code == ERR_TIMEOUT) /* then there was nothing to tell */
		return 0;
	*err = own;
	return -1;
}

/* Before a crashed page is used again: the process is new, the session is not. */
static int
revive(struct page *page, struct err *err)
{
	if (page->is_closed)
		return page_check(page, err);
	page->is_crashed = false;
	return 0;
}

struct opening_awaited {
	struct page *page;
	enum load_state until;
};

static bool
opening_is_there(void *arg)
{
	const struct opening_awaited *awaited = arg;
	const struct page *page = awaited->page;
	const struct page_opening *opening = &page->opening;

	return page->is_closed || page->is_crashed || opening->error || opening->is_void ||
		(opening->is_committed && frame_reached(page->main, awaited->until));
}

/*
 * Waits for the navigation that the page was made with. The same in one go, its words too, as a
 * navigation that is asked for. 1: it never began.
 */
static int
wait_opening(struct page *page, const char *url, enum load_state until,
	int64_t deadline_mono_ms, struct err *err)
{
	struct opening_awaited awaited = { page, until };
	const struct page_opening *opening = &page->opening;
	int r = cdp_pump(page->context->cdp, deadline_mono_ms, opening_is_there, &awaited, err);

	if (r < 0 && !opening->is_committed)
		give_up_opening(page);
	if (r < 0 && err && err->code == ERR_TIMEOUT)
		return err_set(err, ERR_TIMEOUT, "the page did not come to %s in time: %s",
			load_state_name(until),
			opening->is_committed ? furthest(page->main) : "no answer began");
	if (r < 0 || page_check(page, err) < 0)
		return -1;
	if (opening->error && !list_empty(&page->context->downloads))
		return err_set(err, ERR_INVALID, "%.120s is a download, not a page", url);
	if (opening->error)
		return no_page(url, opening->error, err);
	return opening->is_void ? 1 : 0;
}

/* What context_page_open() began, if it is that. 1: it is not, or was nothing. */
static int
take_opening(struct page *page, const char *url, const char *referrer, enum load_state until,
	int64_t deadline_mono_ms, struct err *err)
{
	_cleanup_free_ char *opened = TAKE(page->opening.url);

	struct err ignored;

	if (!opened)
		return 1;
	if (referrer || strcmp(opened, url) != 0) {
		/* A navigation that comes in between may be dropped by the browser. */
		(void)!wait_opening(page, opened, LOAD_COMMIT, deadline_mono_ms, &ignored);
		return 1;
	}
	return wait_opening(page, url, until, deadline_mono_ms, err);
}

int
page_goto(struct page *page, const char *url, const char *referrer, enum load_state until,
	int64_t deadline_mono_ms, struct err *err)
{
	int opened = take_opening(page, url, referrer, until, deadline_mono_ms, err);

	if (opened <= 0)
		return opened < 0 ? err_wrap(err, "open %.100s", url) : 0;
	_cleanup_(json_unrefp) json_t *reply = NULL;
	json_t *params = json_pack("{s:s}", "url", url);
	struct load_awaited awaited = { .page = page, .until = until };

	if (!params)
		return err_set(err, ERR_INVALID, "the URL is not UTF-8");
	if (revive(page, err) < 0) {
		json_decref(params);
		return -1;
	}
	if (referrer)
		json_object_set_new(params, "referrer", json_string(referrer));
	awaited.before = page->main->document;
	awaited.before_within = page->main->n_within;
	if (page_call(page, "Page.navigate", params, deadline_mono_ms, &reply, err) < 0) {
		give_up_opening(page);
		return err_wrap(err, "open %.100s", url);
	}
	int r = read_navigate_reply(reply, url, &awaited.loader, err);
	if (r != 0)
		return r < 0 ? -1 : wait_within(&awaited, deadline_mono_ms, err);
	if (wait_load(&awaited, deadline_mono_ms, err) < 0)
		return err_wrap(err, "open %.100s", url);
	return 0;
}

int
page_reload(struct page *page, bool ignore_cache, enum load_state until,
	int64_t deadline_mono_ms, struct err *err)
{
	struct load_awaited awaited = { .page = page, .until = until };

	if (revive(page, err) < 0)
		return -1;
	awaited.before = page->main->document;
	if (page_call(page, "Page.reload", json_pack("{s:b}", "ignoreCache", ignore_cache),
		    deadline_mono_ms, NULL, err) < 0)
		return err_wrap(err, "reload");
	return wait_load(&awaited, deadline_mono_ms, err) < 0 ? err_wrap(err, "reload") : 0;
}

int
page_go(struct page *page, int delta, enum load_state until, int64_t deadline_mono_ms,
	struct err *err)
{
	_cleanup_(json_unrefp) json_t *history = NULL;
	struct load_awaited awaited = { .page = page, .until = until, .may_stay = true };

	if (page_call(page, "Page.getNavigationHistory", NULL, deadline_mono_ms, &history,
		    err) < 0)
		return -1;
	int64_t at = cdp_int(history, "currentIndex", 0) + delta;
	const json_t *entries = json_object_get(history, "entries");
	if (at < 0 || at >= (int64_t)json_array_size(entries))
		return PAGE_NO_HISTORY;
	awaited.before = page->main->document;
	awaited.before_within = page->main->n_within;
	int64_t id = cdp_int(json_array_get(entries, (size_t)at), "id", 0);
	if (page_call(page, "Page.navigateToHistoryEntry",
		    json_pack("{s:I}", "entryId", (json_int_t)id), deadline_mono_ms, NULL,
		    err) < 0)
		return -1;
	return wait_load(&awaited, deadline_mono_ms, err);
}

int
page_wait_load(
	struct page *page, enum load_state until, int64_t deadline_mono_ms, struct err *err)
{
	struct load_awaited awaited = { .page = page, .until = until, .has_begun = true };

	awaited.before = page->main->document;
	return wait_load(&awaited, deadline_mono_ms, err);
}

/* --- The rest --- */

int
page_add_script(
	struct page *page, const char *source, int64_t deadline_mono_ms, struct err *err)
{
	return page_call(page, "Page.addScriptToEvaluateOnNewDocument",
		json_pack("{s:s}", "source", source), deadline_mono_ms, NULL, err);
}

int
page_focus(struct page *page, int64_t deadline_mono_ms, struct err *err)
{
	return page_call(page, "Page.bringToFront", NULL, deadline_mono_ms, NULL, err);
}

static bool
page_is_closed(void *arg)
{
	return ((const struct page *)arg)->is_closed;
}

int
page_close(struct page *page, bool ask_page, int64_t deadline_mono_ms, struct err *err)
{
	struct cdp *cdp = page->context->cdp;

	if (page->is_closed)
		return 0;
	if (ask_page)
		cdp_send(cdp, page->session->id, "Page.close", NULL, NULL, NULL);
	else
		cdp_send(cdp, NULL, "Target.closeTarget",
			json_pack("{s:s}", "targetId", page->target), NULL, NULL);
	if (cdp_pump(cdp, deadline_mono_ms, page_is_closed, page, err) < 0)
		return err_wrap(err, "close the page");
	return 0;
}
