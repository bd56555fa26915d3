/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls into documents. The world's number in the browser is what its events told last
 * (document.c). Our own world of a main frame is made and filled while its document loads;
 * that of another frame when it is first needed, and what must be in it is written right
 * before the call, without waiting.
 */
#include "runners/browser/frame.h"

#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/driver.h"

static const char handle_key[] = "\x01handle"; /* in the arguments; no JSON of a test has it */

/* --- Worlds --- */

int
frame_check(const struct frame *frame, struct err *err)
{
	if (page_check(frame->page, err) < 0)
		return -1;
	if (frame->is_dead)
		return err_set(err, ERR_NOT_FOUND, "the frame was removed");
	return 0;
}

struct world_awaited {
	struct frame *frame;
	enum world world;
};

static bool
world_is_there(void *arg)
{
	const struct world_awaited *awaited = arg;
	const struct frame *frame = awaited->frame;

	return frame->is_dead || frame->page->is_closed || frame->page->is_crashed ||
		frame->world[awaited->world] != 0;
}

static bool
is_settled(void *arg)
{
	const struct frame *frame = arg;

	return frame->is_dead || frame->page->is_closed || frame->page->is_crashed ||
		!frame->is_moving;
}

/* Makes our world; its number comes with an event before the reply. */
static int
make_own_world(struct frame *frame, int64_t deadline_mono_ms, struct err *err)
{
	_cleanup_(json_unrefp) json_t *result = NULL;
	unsigned document = frame->document;

	if (cdp_call(frame->page->context->cdp, frame->session->id, "Page.createIsolatedWorld",
		    json_pack("{s:s, s:s, s:b}", "frameId", frame->id, "worldName",
			    OWN_WORLD_NAME, "grantUniveralAccess", 1),
		    deadline_mono_ms, &result, err) < 0)
		return -1;
	if (frame->document == document && frame->world[WORLD_OWN] == 0)
		frame->world[WORLD_OWN] = cdp_int(result, "executionContextId", 0);
	return 0;
}

void
frame_fill_own_world(struct frame *frame)
{
	const char *script = impl(frame->page->context)->own_script;

	if (frame->is_own_ready)
		return;
	frame->is_own_ready = true;
	if (script)
		cdp_send(frame->page->context->cdp, frame->session->id, "Runtime.evaluate",
			json_pack("{s:s, s:I}", "expression", script, "contextId",
				(json_int_t)frame->world[WORLD_OWN]),
			NULL, NULL);
}

/* The number of a world of the frame's current document. */
static int
find_world(struct frame *frame, enum world world, int64_t deadline_mono_ms, int64_t *ret,
	struct err *err)
{
	struct world_awaited awaited = { frame, world };

	if (cdp_pump(frame->page->context->cdp, deadline_mono_ms, is_settled, frame, err) < 0 ||
		frame_check(frame, err) < 0)
		return -1;
	if (world == WORLD_OWN && frame->world[WORLD_OWN] == 0 &&
		make_own_world(frame, deadline_mono_ms, err) < 0)
		return -1;
	if (cdp_pump(frame->page->context->cdp, deadline_mono_ms, world_is_there, &awaited,
		    err) < 0)
		return err_wrap(err, "the document is not ready");
	if (frame_check(frame, err) < 0)
		return -1;
	if (world == WORLD_OWN)
		frame_fill_own_world(frame);
	*ret = frame->world[world];
	return 0;
}

/* --- Arguments and values --- */

json_t *
frame_arg(const char *handle)
{
	json_t *arg = json_pack("{s:s}", handle_key, handle);

	if (!arg)
		abort(); /* handles are the browser's own plain text */
	return arg;
}

/* Consumes the arguments; the result is what the protocol wants. */
static json_t *
call_arguments(json_t *args)
{
	_cleanup_(json_unrefp) json_t *owned = args;
	json_t *list = json_array();
	size_t i;
	json_t *item;

	json_array_foreach(owned, i, item)
	{
		json_t *handle = json_object_get(item, handle_key);

		json_array_append_new(list,
			handle ? json_pack("{s:O}", "objectId", handle)
			       : json_pack("{s:O}", "value", item));
	}
	return list;
}

/* What was thrown, for people. */
static char *
exception_text(const json_t *details)
{
	const json_t *exception = json_object_get(details, "exception");
	const char *description = cdp_str(exception, "description");
	const json_t *value = json_object_get(exception, "value");

	if (description[0])
		return xstrdup(description);
	if (json_is_string(value))
		return xstrdup(json_string_value(value));
	char *text = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
	return text ? text : xstrdup(cdp_str(details, "text"));
}

/* --- Calls --- */

/* An endless loop answers nothing; what is only slow, or waits for a promise, answers this. */
static void
stop_if_hung(struct frame *frame)
{
	struct cdp *cdp = frame->page->context->cdp;
	struct err err;

	if (frame_check(frame, &err) < 0)
		return;
	int r = cdp_call(cdp, frame->session->id, "Runtime.evaluate",
		json_pack("{s:s}", "expression", "0"), clock_mono_ms() + FRAME_PROBE_MS, NULL,
		&err);
	if (r < 0 && err.code == ERR_TIMEOUT)
		cdp_send(cdp, frame->session->id, "Runtime.terminateExecution", NULL, NULL,
			NULL);
}

/* Sends the evaluation; *ret (owned) is its RemoteObject. params are consumed. */
static int
evaluate(struct frame *frame, const char *method, json_t *params, int64_t deadline_mono_ms,
	json_t **ret, struct err *err)
{
	_cleanup_(json_unrefp) json_t *reply = NULL;
	json_object_set_new(params, "awaitPromise", json_true());
	json_object_set_new(params, "userGesture", json_true());
	if (cdp_call(frame->page->context->cdp, frame->session->id, method, params,
		    deadline_mono_ms, &reply, err) < 0) {
		if (err->code == ERR_TIMEOUT) {
			stop_if_hung(frame);
			err_set(err, ERR_TIMEOUT, "the page's JavaScript did not end in time");
		}
		return -1;
	}
	const json_t *thrown = json_object_get(reply, "exceptionDetails");
	if (thrown) {
		_cleanup_free_ char *text = exception_text(thrown);
		*ret = json_string(text);
		return FRAME_THREW;
	}
	*ret = json_incref(json_object_get(reply, "result"));
	return 0;
}

/* Turns a RemoteObject into its value. */
static json_t *
value_of(json_t *remote)
{
	json_t *value = json_object_get(remote, "value");
	json_t *owned = value ? json_incref(value) : json_null();

	json_decref(remote);
	return owned;
}

static int
give_value(int r, json_t *result, json_t **ret)
{
	if (r < 0)
		return -1;
	json_t *value = r == 0 ? value_of(result) : result;
	if (ret)
		*ret = value;
	else
		json_decref(value);
	return r;
}

/* The world or the session was gone before the code could begin. */
static bool
never_began(const struct err *err)
{
	return (err->code == ERR_CONFLICT && strstr(err->text, "Cannot find")) ||
		(err->code == ERR_NOT_FOUND && strstr(err->text, "Session with given id"));
}

/*
 * Evaluates in a world of the current document. When that went away before the code began, the
 * next document is asked: params (borrowed) are those of the command but for the world.
 */
static int
evaluate_in_world(struct frame *frame, enum world world, const char *method,
	const char *world_key, json_t *params, int64_t deadline_mono_ms, json_t **ret,
	struct err *err)
{
	for (;;) {
		int64_t id;

		if (find_world(frame, world, deadline_mono_ms, &id, err) < 0)
			return -1;
		json_t *copy = json_copy(params);
		json_object_set_new(copy, world_key, json_integer(id));
		int r = evaluate(frame, method, copy, deadline_mono_ms, ret, err);
		if (r >= 0 || !never_began(err))
			return r;
		/* The event that tells so is on its way. */
		if (frame->world[world] == id) {
			frame->world[world] = 0;
			frame->is_own_ready &= world != WORLD_OWN;
		}
	}
}

/* Calls in a world, or on a handle when there is one. Consumes args. */
static int
call_function(struct frame *frame, enum world world, const char *handle, const char *function,
	json_t *args, bool by_value, int64_t deadline_mono_ms, json_t **ret, struct err *err)
{
	_cleanup_(json_unrefp) json_t *params =
		json_pack("{s:s, s:o, s:b}", "functionDeclaration", function, "arguments",
			call_arguments(args), "returnByValue", by_value);
	struct err own;

	err = err ? err : &own;
	if (!params)
		return err_set(err, ERR_INVALID, "the function is not UTF-8");
	if (!handle)
		return evaluate_in_world(frame, world, "Runtime.callFunctionOn",
			"executionContextId", params, deadline_mono_ms, ret, err);
	if (frame_check(frame, err) < 0)
		return -1;
	json_object_set_new(params, "objectId", json_string(handle));
	return evaluate(frame, "Runtime.callFunctionOn", json_incref(params), deadline_mono_ms,
		ret, err);
}

int
frame_eval(struct frame *frame, enum world world, const char *function, json_t *args,
	int64_t deadline_mono_ms, json_t **ret, struct err *err)
{
	json_t *result = NULL;
	int r = call_function(
		frame, world, NULL, function, args, true, deadline_mono_ms, &result, err);

	return give_value(r, result, ret);
}

int
frame_eval_expression(struct frame *frame, enum world world, const char *expression,
	int64_t deadline_mono_ms, json_t **ret, struct err *err)
{
	_cleanup_(json_unrefp) json_t *params =
		json_pack("{s:s, s:b}", "expression", expression, "returnByValue", 1);
	json_t *result = NULL;
	struct err own;

	err = err ? err : &own;
	if (!params)
		return err_set(err, ERR_INVALID, "the expression is not UTF-8");
	int r = evaluate_in_world(frame, world, "Runtime.evaluate", "contextId", params,
		deadline_mono_ms, &result, err);
	return give_value(r, result, ret);
}

int
frame_eval_handle(struct frame *frame, enum world world, const char *function, json_t *args,
	int64_t deadline_mono_ms, char **ret_handle, struct err *err)
{
	_cleanup_(json_unrefp) json_t *result = NULL;
	int r = call_function(
		frame, world, NULL, function, args, false, deadline_mono_ms, &result, err);

	if (r < 0)
		return -1;
	const char *id = r == FRAME_THREW
		? json_string_value(result)
		: json_string_value(json_object_get(result, "objectId"));
	*ret_handle = id ? xstrdup(id) : NULL;
	return r;
}

int
frame_call(struct frame *frame, const char *handle, const char *function, json_t *args,
	int64_t deadline_mono_ms, json_t **ret, struct err *err)
{
	json_t *result = NULL;
	int r = call_function(
		frame, WORLD_OWN, handle, function, args, true, deadline_mono_ms, &result, err);

	return give_value(r, result, ret);
}

void
frame_release(struct frame *frame, const char *handle)
{
	if (handle && !frame->is_dead && !frame->page->is_closed)
		cdp_send(frame->page->context->cdp, frame->session->id, "Runtime.releaseObject",
			json_pack("{s:s}", "objectId", handle), NULL, NULL);
}

/* --- Frames and elements --- */

struct frame_awaited {
	struct page *page;
	const char *id;
};

static bool
frame_is_there(void *arg)
{
	const struct frame_awaited *awaited = arg;

	return awaited->page->is_closed || awaited->page->is_crashed ||
		frame_by_id(awaited->page, awaited->id) != NULL;
}

struct frame *
frame_of_element(
	struct frame *frame, const char *handle, int64_t deadline_mono_ms, struct err *err)
{
	_cleanup_(json_unrefp) json_t *result = NULL;
	struct cdp *cdp = frame->page->context->cdp;

	if (frame_check(frame, err) < 0 ||
		cdp_call(cdp, frame->session->id, "DOM.describeNode",
			json_pack("{s:s}", "objectId", handle), deadline_mono_ms, &result,
			err) < 0)
		return NULL;
	struct frame_awaited awaited = {
		.page = frame->page,
		.id = cdp_str(json_object_get(result, "node"), "frameId"),
	};
	if (!awaited.id[0]) {
		err_set(err, ERR_NOT_FOUND, "the element holds no frame");
		return NULL;
	}
	if (cdp_pump(cdp, deadline_mono_ms, frame_is_there, &awaited, err) < 0 ||
		page_check(frame->page, err) < 0)
		return NULL;
	return frame_by_id(frame->page, awaited.id);
}

int
frame_owner(struct frame *frame, int64_t deadline_mono_ms, char **ret_handle, struct err *err)
{
	_cleanup_(json_unrefp) json_t *owner = NULL;
	_cleanup_(json_unrefp) json_t *node = NULL;
	struct cdp *cdp = frame->page->context->cdp;
	struct frame *parent = frame->parent;
	int64_t world;

	if (!parent)
		return err_set(err, ERR_INVALID, "the page itself has no element around it");
	if (frame_check(frame, err) < 0 ||
		find_world(parent, WORLD_OWN, deadline_mono_ms, &world, err) < 0)
		return -1;
	if (cdp_call(cdp, parent->session->id, "DOM.getFrameOwner",
		    json_pack("{s:s}", "frameId", frame->id), deadline_mono_ms, &owner,
		    err) < 0)
		return -1;
	json_int_t id = cdp_int(owner, "backendNodeId", 0);
	if (cdp_call(cdp, parent->session->id, "DOM.resolveNode",
		    json_pack("{s:I, s:I}", "backendNodeId", id, "executionContextId",
			    (json_int_t)world),
		    deadline_mono_ms, &node, err) < 0)
		return -1;
	*ret_handle = xstrdup(cdp_str(json_object_get(node, "object"), "objectId"));
	return 0;
}

/*
 * Input finds a frame of another process by what was drawn: before its first picture a click
 * would go to its parent. Frames outside the viewport are not drawn, so this does not insist.
 */
static int
wait_drawn(struct frame *frame, int64_t deadline_mono_ms, struct err *err)
{
	static const char function[] =
		"() => Promise.race([new Promise(done => setTimeout(done, 200)),"
		" new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))])";

	if (!frame->session->is_frame)
		return 0;
	int r = frame_eval(frame, WORLD_OWN, function, NULL, deadline_mono_ms, NULL, err);
	return r < 0 ? -1 : 0;
}

/* Where one frame begins in the viewport of its parent. */
static int
offset_in_parent(struct frame *frame, int64_t deadline_mono_ms, double *ret_x, double *ret_y,
	struct err *err)
{
	static const char function[] =
		"function () {"
		" const box = this.getBoundingClientRect(), style = getComputedStyle(this);"
		" return { x: box.left + this.clientLeft + parseFloat(style.paddingLeft),"
		" y: box.top + this.clientTop + parseFloat(style.paddingTop) }; }";
	_cleanup_free_ char *owner = NULL;
	_cleanup_(json_unrefp) json_t *place = NULL;

	if (frame_owner(frame, deadline_mono_ms, &owner, err) < 0)
		return -1;
	int r = frame_call(frame->parent, owner, function, NULL, deadline_mono_ms, &place, err);
	frame_release(frame->parent, owner);
	if (r < 0)
		return -1;
	*ret_x = cdp_num(place, "x");
	*ret_y = cdp_num(place, "y");
	return 0;
}

int
frame_offset(struct frame *frame, int64_t deadline_mono_ms, double *ret_x, double *ret_y,
	struct err *err)
{
	double x = 0, y = 0;

	if (wait_drawn(frame, deadline_mono_ms, err) < 0)
		return -1;
	for (; frame->parent; frame = frame->parent) {
		double dx, dy;

		if (offset_in_parent(frame, deadline_mono_ms, &dx, &dy, err) < 0)
			return -1;
		x += dx;
		y += dy;
	}
	*ret_x = x;
	*ret_y = y;
	return 0;
}

int
frame_set_files(struct frame *frame, const char *handle, json_t *paths,
	int64_t deadline_mono_ms, struct err *err)
{
	_cleanup_(json_unrefp) json_t *owned = paths;

	if (frame_check(frame, err) < 0)
		return -1;
	return cdp_call(frame->page->context->cdp, frame->session->id, "DOM.setFileInputFiles",
		json_pack("{s:O, s:s}", "files", owned, "objectId", handle), deadline_mono_ms,
		NULL, err);
}
