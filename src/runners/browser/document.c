/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames and their documents as the browser tells them: attached, navigated, moved to another
 * process and back, removed; the load states and the JavaScript worlds of each document.
 *
 * A frame keeps its identity over all of its documents and processes. What the browser says of
 * a coming document (its load states, the server's answer) is kept aside until it is committed,
 * since the two are reported in either order.
 */
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/driver.h"

/* --- Frames --- */

struct frame *
frame_by_id(const struct page *page, const char *id)
{
	struct frame *frame = map_get(&impl(page->context)->frame_by_id, id, strlen(id));

	return frame && frame->page == page && !frame->is_dead ? frame : NULL;
}

static void
forget_worlds(struct frame *frame)
{
	frame->world[WORLD_PAGE] = frame->world[WORLD_OWN] = 0;
	frame->is_own_ready = false;
}

static void
move_to_session(struct frame *frame, struct session *session)
{
	frame->is_moving = false;
	if (frame->session == session)
		return;
	frame->session = session;
	forget_worlds(frame);
}

/* The frame and everything below it. Children stand behind their parents in the list. */
static void
frame_dies(struct frame *frame)
{
	frame->is_dead = true;
	forget_worlds(frame);
	LIST_FOR_EACH(node, &frame->page->frames) {
		struct frame *other = list_entry(node, struct frame, node);

		if (!other->is_dead && other->parent && other->parent->is_dead) {
			other->is_dead = true;
			forget_worlds(other);
		}
	}
}

static void
children_die(struct frame *frame)
{
	LIST_FOR_EACH(node, &frame->page->frames) {
		struct frame *other = list_entry(node, struct frame, node);

		if (!other->is_dead && other->parent == frame)
			frame_dies(other);
	}
}

static struct frame *
frame_new(struct session *session, const char *id, struct frame *parent)
{
	struct page *page = session->page;
	struct context_impl *hidden = impl(session->context);

	if (hidden->n_frames_ever++ >= CONTEXT_FRAMES_MAX)
		return NULL;
	struct frame *frame = xcalloc(1, sizeof *frame);
	frame->page = page;
	frame->parent = parent;
	frame->session = session;
	frame->id = xstrdup(id);
	frame->url = xstrdup("");
	frame->name = xstrdup("");
	frame->loader = xstrdup("");
	list_push_back(&page->frames, &frame->node);
	/* A dead frame of that id may be in the way, with its key. */
	(void)map_remove(&hidden->frame_by_id, id, strlen(id));
	(void)map_put(&hidden->frame_by_id, frame->id, strlen(frame->id), frame);
	if (!parent && !page->main)
		page->main = frame;
	return frame;
}

/* The frame with that id, made if it is new, and now living in this session. */
static struct frame *
frame_in_session(struct session *session, const char *id, const char *parent_id)
{
	struct page *page = session->page;
	struct frame *frame = frame_by_id(page, id);

	if (frame) {
		move_to_session(frame, session);
		return frame;
	}
	struct frame *parent = parent_id[0] ? frame_by_id(page, parent_id) : NULL;
	return frame_new(session, id, parent ? parent : page->main);
}

void
document_free_frames(struct page *page)
{
	LIST_FOR_EACH_SAFE(node, &page->frames) {
		struct frame *frame = list_entry(node, struct frame, node);

		list_remove(node);
		free(frame->id);
		free(frame->url);
		free(frame->name);
		free(frame->loader);
		free(frame->next_loader);
		free(frame);
	}
}

void
document_session_gone(struct session *session)
{
	LIST_FOR_EACH(node, &session->page->frames) {
		struct frame *frame = list_entry(node, struct frame, node);

		if (frame->is_dead || frame->session != session)
			continue;
		if (session->is_frame && frame->parent &&
			strcmp(frame->id, session->target) == 0) {
			/* It comes back in the process of its parent, or is reported removed.
			 */
			children_die(frame);
			move_to_session(frame, frame->parent->session);
			frame->is_moving = true;
		} else {
			frame_dies(frame);
		}
	}
}

/* --- Documents --- */

static void
response_clear(struct page_response *response)
{
	text_set(&response->loader, NULL);
	text_set(&response->url, NULL);
	text_set(&response->mime, NULL);
	response->status = 0;
}

/* The main frame shows another document: the answer that came for it counts from now on. */
static void
show_response(struct page *page, const char *loader)
{
	if (page->response.loader && strcmp(page->response.loader, loader) == 0)
		return;
	response_clear(&page->response);
	if (page->next_response.loader && strcmp(page->next_response.loader, loader) == 0) {
		page->response = page->next_response;
		page->next_response = (struct page_response) { 0 };
	}
}

/* What the browser tells of a frame's document, committed. */
static void
take_document(struct frame *frame, const json_t *info)
{
	const char *loader = cdp_str(info, "loaderId");
	_cleanup_free_ char *url =
		xasprintf("%s%s", cdp_str(info, "url"), cdp_str(info, "urlFragment"));

	text_set(&frame->url, url);
	text_set(&frame->name, cdp_str(info, "name"));
	if (strcmp(frame->loader, loader) == 0)
		return;
	text_set(&frame->loader, loader);
	frame->document++;
	frame->reached = 1u << LOAD_COMMIT;
	if (frame->next_loader && strcmp(frame->next_loader, loader) == 0)
		frame->reached |= frame->next_reached;
	text_set(&frame->next_loader, NULL);
	frame->next_reached = 0;
	if (frame != frame->page->main)
		return;
	show_response(frame->page, loader);
	if (frame->page->opening.loader)
		frame->page->opening.is_committed |=
			strcmp(frame->page->opening.loader, loader) == 0;
}

/* A main frame has the id of its page. */
int
document_expect(struct page *page)
{
	return frame_in_session(page->session, page->target, "") ? 0 : -1;
}

void
document_take_tree(struct session *session, const json_t *tree)
{
	const json_t *info = json_object_get(tree, "frame");
	struct frame *frame =
		frame_in_session(session, cdp_str(info, "id"), cdp_str(info, "parentId"));
	size_t i;
	json_t *child;

	if (!frame)
		return;
	take_document(frame, info);
	json_array_foreach(json_object_get(tree, "childFrames"), i, child)
		document_take_tree(session, child);
	if (frame == session->page->main)
		session->page->is_ready = true;
}

/*
 * Most tests ask each document of the main frame something: what they need for that is sent
 * while it loads. The session makes the world by itself in its later documents.
 */
static void
prepare_own_world(struct frame *frame)
{
	struct session *session = frame->session;

	if (frame != frame->page->main || session->has_own_world ||
		!impl(session->context)->own_script)
		return;
	session->has_own_world = true;
	cdp_send(session->context->cdp, session->id, "Page.createIsolatedWorld",
		json_pack("{s:s, s:s, s:b}", "frameId", frame->id, "worldName", OWN_WORLD_NAME,
			"grantUniveralAccess", 1),
		NULL, NULL);
}

/*
 * The page has a new process. The browser tells it what the old one had confirmed; what a page
 * that crashed early had been told in vain is said again.
 */
static void
return_from_crash(struct session *session)
{
	struct page *page = session->page;

	page->is_crashed = false;
	if (!page->has_crashed)
		return;
	page->has_crashed = false;
	session_enable(session);
}

static void
frame_navigated(struct session *session, const json_t *params)
{
	const json_t *info = json_object_get(params, "frame");
	struct frame *frame =
		frame_in_session(session, cdp_str(info, "id"), cdp_str(info, "parentId"));

	if (!frame)
		return;
	if (frame == frame->page->main)
		return_from_crash(session);
	children_die(frame);
	take_document(frame, info);
	prepare_own_world(frame);
}

static void
frame_attached(struct session *session, const json_t *params)
{
	(void)frame_in_session(
		session, cdp_str(params, "frameId"), cdp_str(params, "parentFrameId"));
}

static void
frame_detached(struct session *session, const json_t *params)
{
	struct frame *frame = frame_by_id(session->page, cdp_str(params, "frameId"));

	if (!frame)
		return;
	/* Swapped: its new process reports through a session of its own, before or after. */
	if (strcmp(cdp_str(params, "reason"), "swap") != 0)
		frame_dies(frame);
	else if (frame->session == session)
		forget_worlds(frame);
}

static void
navigated_within(struct session *session, const json_t *params)
{
	struct frame *frame = frame_by_id(session->page, cdp_str(params, "frameId"));

	if (!frame)
		return;
	text_set(&frame->url, cdp_str(params, "url"));
	frame->n_within++;
}

static void
life_cycle(struct session *session, const json_t *params)
{
	static const struct {
		const char *name;
		enum load_state state;
	} names[] = {
		{ "DOMContentLoaded", LOAD_DOMCONTENTLOADED },
		{ "load", LOAD_LOAD },
		{ "networkIdle", LOAD_NETWORKIDLE },
	};
	struct frame *frame = frame_by_id(session->page, cdp_str(params, "frameId"));
	const char *loader = cdp_str(params, "loaderId");
	const char *name = cdp_str(params, "name");

	if (!frame)
		return;
	bool is_current = strcmp(frame->loader, loader) == 0;
	if (!is_current && (!frame->next_loader || strcmp(frame->next_loader, loader) != 0)) {
		text_set(&frame->next_loader, loader);
		frame->next_reached = 0;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (strcmp(name, names[i].name) == 0)
			*(is_current ? &frame->reached : &frame->next_reached) |= 1u
				<< names[i].state;
	}
}

/* --- Worlds --- */

static void
world_created(struct session *session, const json_t *params)
{
	const json_t *info = json_object_get(params, "context");
	const json_t *more = json_object_get(info, "auxData");
	struct frame *frame = frame_by_id(session->page, cdp_str(more, "frameId"));

	if (!frame)
		return;
	move_to_session(frame, session);
	if (cdp_flag(more, "isDefault")) {
		frame->world[WORLD_PAGE] = cdp_int(info, "id", 0);
	} else if (strcmp(cdp_str(info, "name"), OWN_WORLD_NAME) == 0 &&
		frame->world[WORLD_OWN] != cdp_int(info, "id", 0)) {
		frame->world[WORLD_OWN] = cdp_int(info, "id", 0);
		frame->is_own_ready = false;
		if (frame == frame->page->main)
			frame_fill_own_world(frame);
	}
}

static void
world_destroyed(struct session *session, const json_t *params)
{
	int64_t id = cdp_int(params, "executionContextId", 0);

	LIST_FOR_EACH(node, &session->page->frames) {
		struct frame *frame = list_entry(node, struct frame, node);

		if (frame->session != session)
			continue;
		if (frame->world[WORLD_PAGE] == id)
			frame->world[WORLD_PAGE] = 0;
		if (frame->world[WORLD_OWN] == id) {
			frame->world[WORLD_OWN] = 0;
			frame->is_own_ready = false;
		}
	}
}

static void
worlds_cleared(struct session *session, const json_t *params)
{
	(void)params;
	LIST_FOR_EACH(node, &session->page->frames) {
		struct frame *frame = list_entry(node, struct frame, node);

		if (frame->session == session)
			forget_worlds(frame);
	}
}

/* --- The server's answer --- */

static void
response_received(struct session *session, const json_t *params)
{
	struct page *page = session->page;
	const char *loader = cdp_str(params, "loaderId");
	const json_t *info = json_object_get(params, "response");

	/* The document itself, not what it loads; of the main frame, not of others. */
	if (!page->main || strcmp(cdp_str(params, "requestId"), loader) != 0 ||
		strcmp(cdp_str(params, "frameId"), page->main->id) != 0)
		return;
	bool is_shown = strcmp(page->main->loader, loader) == 0;
	struct page_response *response = is_shown ? &page->response : &page->next_response;
	text_set(&response->loader, loader);
	text_set(&response->url, cdp_str(info, "url"));
	text_set(&response->mime, cdp_str(info, "mimeType"));
	response->status = (int)cdp_int(info, "status", 0);
}

/* --- A page's first navigation --- */

static void
opening_began(struct session *session, const json_t *params)
{
	struct page *page = session->page;

	if (!page->opening.loader && strcmp(cdp_str(params, "frameId"), page->target) == 0)
		text_set(&page->opening.loader, cdp_str(params, "loaderId"));
}

/* Its request failed, or brought no document. */
static void
opening_failed(struct session *session, const json_t *params)
{
	struct page_opening *opening = &session->page->opening;

	if (opening->loader && !opening->is_committed &&
		strcmp(cdp_str(params, "requestId"), opening->loader) == 0)
		text_set(&opening->error, cdp_str(params, "errorText"));
}

/* The empty document is all that it will have: the address was none. */
static void
opening_stopped(struct session *session, const json_t *params)
{
	struct page *page = session->page;

	if (!page->opening.loader && strcmp(cdp_str(params, "frameId"), page->target) == 0)
		page->opening.is_void = true;
}

/* --- All of them --- */

void
document_event(struct session *session, const struct cdp_event *event)
{
	static const struct {
		const char *method;
		void (*take)(struct session *session, const json_t *params);
	} table[] = {
		{ "Page.lifecycleEvent", life_cycle },
		{ "Runtime.executionContextCreated", world_created },
		{ "Runtime.executionContextDestroyed", world_destroyed },
		{ "Runtime.executionContextsCleared", worlds_cleared },
		{ "Network.responseReceived", response_received },
		{ "Network.loadingFailed", opening_failed },
		{ "Page.frameStartedNavigating", opening_began },
		{ "Page.frameStoppedLoading", opening_stopped },
		{ "Page.frameAttached", frame_attached },
		{ "Page.frameNavigated", frame_navigated },
		{ "Page.frameDetached", frame_detached },
		{ "Page.navigatedWithinDocument", navigated_within },
	};

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		if (strcmp(event->method, table[i].method) == 0) {
			table[i].take(session, event->params);
			return;
		}
	}
}
