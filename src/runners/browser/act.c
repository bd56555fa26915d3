/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verbs that act on elements. Those that use the mouse have the page watch what the events
 * really hit (guard() in inject/ready.js) and begin again when it was something else.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "runners/browser/input.h"
#include "runners/browser/tester.h"
#include "runners/kit/kit.h"

enum {
	ANSWER_MS = 2000,
	DRAG_STEPS = 12,
};

/* --- Navigations that an action begins --- */

/* Watches one page while something is done to it. */
struct settle {
	struct tester *t;
	struct cdp_handler *handler;
	struct frame *frame; /* that was asked to go elsewhere, or NULL */
	unsigned document, n_within;
	bool has_stopped;
};

static void
on_frame_event(void *arg, const struct cdp_event *event)
{
	struct settle *settle = arg;
	struct frame *frame = frame_by_id(settle->t->page, cdp_str(event->params, "frameId"));

	if (!frame)
		return;
	if (strcmp(event->method, "Page.frameRequestedNavigation") == 0 &&
		strcmp(cdp_str(event->params, "disposition"), "currentTab") == 0) {
		settle->frame = frame;
		settle->document = frame->document;
		settle->n_within = frame->n_within;
		settle->has_stopped = false;
	} else if (frame == settle->frame &&
		strcmp(event->method, "Page.frameStoppedLoading") == 0) {
		settle->has_stopped = true;
	}
}

static void
settle_begin(struct settle *settle, struct tester *t)
{
	*settle = (struct settle) { .t = t };
	settle->handler = cdp_on(t->cdp, NULL, "Page.frame", on_frame_event, settle);
}

static bool
has_arrived(void *arg)
{
	const struct settle *settle = arg;
	const struct frame *frame = settle->frame;

	if (settle->t->page->is_closed || settle->t->page->is_crashed || frame->is_dead)
		return true;
	if (frame->document != settle->document)
		return frame_reached(frame, LOAD_DOMCONTENTLOADED);
	return settle->has_stopped || frame->n_within != settle->n_within;
}

/*
 * Waits until the new document is there, if one was asked for. A page that never gets there is
 * no failure of the click: what follows says what it misses.
 */
static int
settle_end(struct settle *settle)
{
	struct tester *t = settle->t;
	struct err err = { 0 };
	int r = 0;

	if (settle->frame && !has_arrived(settle))
		r = cdp_pump(t->cdp, t->deadline, has_arrived, settle, &err);
	cdp_off(t->cdp, settle->handler);
	if (r < 0 && cdp_state(t->cdp) != CDP_OPEN)
		return trouble_err(t, &err);
	return 0;
}

/* --- The mouse --- */

static unsigned
modifiers_of(json_t *value)
{
	static const struct {
		const char *name;
		unsigned bit;
	} bits[] = { { "Alt", KEY_ALT }, { "Control", KEY_CONTROL }, { "Meta", KEY_META },
		{ "Shift", KEY_SHIFT } };
	unsigned modifiers = 0;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(value, "modifiers"), i, item)
	{
		for (size_t b = 0; b < ARRAY_LEN(bits); b++)
			if (strcmp(bits[b].name, json_string_value(item)) == 0)
				modifiers |= bits[b].bit;
	}
	return modifiers;
}

static enum mouse_button
button_of(json_t *value)
{
	const char *name = cdp_str(value, "button");

	return strcmp(name, "right") == 0     ? MOUSE_RIGHT
		: strcmp(name, "middle") == 0 ? MOUSE_MIDDLE
					      : MOUSE_LEFT;
}

/* The members of ready()'s spec that a step's options make. */
static json_t *
options_of(json_t *value, bool is_guarded)
{
	json_t *more = json_object();
	json_t *position = json_object_get(value, "position");
	bool is_forced = cdp_flag(value, "force");

	if (position)
		json_object_set(more, "position", position);
	json_object_set_new(more, "force", json_boolean(is_forced));
	json_object_set_new(more, "guard", json_boolean(is_guarded && !is_forced));
	return more;
}

/* What the guard saw. *ret_missed: what was hit instead, or NULL; owned. */
static int
take_guard(struct tester *t, struct frame *frame, char **ret_missed)
{
	_cleanup_(json_unrefp) json_t *seen = NULL;
	struct err err = { 0 };
	const char *missed;

	if (frame_eval(frame, WORLD_OWN, "() => globalThis.proctor.unguard()", NULL,
		    t->deadline + ANSWER_MS, &seen, &err) != 0) {
		/* The document or the page is gone: that is what clicks do. */
		if (cdp_state(t->cdp) != CDP_OPEN)
			return trouble_err(t, &err);
		return 0;
	}
	missed = json_string_value(json_object_get(seen, "missed"));
	*ret_missed = missed ? xstrdup(missed) : NULL;
	return 0;
}

typedef int point_fn(struct tester *t, double x, double y, const void *arg, struct err *err);

/* Finds the place, does something there, and does it again while the page comes between. */
static int
at_spot(struct tester *t, json_t *target, const char *states, json_t *options, bool is_guarded,
	point_fn *fn, const void *arg)
{
	for (;;) {
		_cleanup_(spot_deinit) struct spot spot = { 0 };
		_cleanup_free_ char *missed = NULL;
		struct settle settle;
		struct err err = { 0 };

		if (find_spot(t, target, states, options_of(options, is_guarded), &spot) < 0)
			return -1;
		settle_begin(&settle, t);
		int r = fn(t, spot.x, spot.y, arg, &err);

		if (r < 0 && cdp_state(t->cdp) == CDP_OPEN &&
			(t->page->is_closed || err.code == ERR_CONFLICT))
			r = 0; /* the click closed its own page */
		else if (r < 0)
			(void)trouble_err(t, &err);
		else if (is_guarded && !cdp_flag(options, "force"))
			r = take_guard(t, spot.frame, &missed);
		if (settle_end(&settle) < 0 || r < 0)
			return -1;
		if (!missed)
			return 0;
		if (time_left(t) == 0)
			return trouble_set(t, TROUBLE_FAILED, "action",
				"the event hit %s, which came between (waited %.3g s)", missed,
				(double)t->patience_ms / 1000);
	}
}

static int
click_there(struct tester *t, double x, double y, const void *arg, struct err *err)
{
	return input_click(t->page, x, y, arg, t->deadline + ANSWER_MS, err);
}

static int
click(struct tester *t, json_t *value, unsigned count)
{
	_cleanup_(json_unrefp) json_t *target = target_of(value);
	struct input_click how = {
		.button = button_of(value), .count = count, .modifiers = modifiers_of(value)
	};

	return at_spot(t, target, "visible,enabled,point", value, true, click_there, &how);
}

int
act_click(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	return click(t, value, 1);
}

int
act_double_click(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	return click(t, value, 2);
}

static int
tap_there(struct tester *t, double x, double y, const void *arg, struct err *err)
{
	(void)arg;
	return input_tap(t->page, x, y, t->deadline + ANSWER_MS, err);
}

int
act_tap(struct tester *t, json_t *value, json_t *step)
{
	_cleanup_(json_unrefp) json_t *target = target_of(value);

	(void)step;
	return at_spot(t, target, "visible,enabled,point", value, true, tap_there, NULL);
}

static int
move_there(struct tester *t, double x, double y, const void *arg, struct err *err)
{
	(void)arg;
	return input_move(t->page, x, y, 1, t->deadline + ANSWER_MS, err);
}

int
act_hover(struct tester *t, json_t *value, json_t *step)
{
	_cleanup_(json_unrefp) json_t *target = target_of(value);

	(void)step;
	return at_spot(t, target, "visible,point", value, false, move_there, NULL);
}

/* --- Checkboxes --- */

static int
set_checked(struct tester *t, json_t *value, bool wanted)
{
	_cleanup_(json_unrefp) json_t *target = target_of(value);
	_cleanup_(json_unrefp) json_t *expect = NULL;
	_cleanup_(json_unrefp) json_t *spec = NULL;
	_cleanup_(spot_deinit) struct spot spot = { 0 };
	json_t *more =
		json_pack("{s:b, s:b}", "force", cdp_flag(value, "force"), "retarget", true);
	int r;

	if (find_spot(t, target, "visible,enabled", more, &spot) < 0)
		return -1;
	if (cdp_flag(spot.answer, "checked") == wanted)
		return 0;
	if (click(t, value, 1) < 0)
		return -1;
	expect = json_pack("{s:O}", wanted ? "checked" : "unchecked", target);
	spec = spec_new(t, target, json_pack("{s:O}", "expect", expect));
	json_t *outer = frames_enter(t, target);

	r = ask_ok(t, "expectation", spec, "action", NULL);
	frames_leave(t, outer);
	return r;
}

int
act_check(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	return set_checked(t, value, true);
}

int
act_uncheck(struct tester *t, json_t *value, json_t *step)
{
	(void)step;
	return set_checked(t, value, false);
}

/* --- Text --- */

/* Calls a function of the script in the frame of the spot. */
static int
call_there(struct tester *t, const struct spot *spot, const char *function, json_t *args,
	json_t **ret)
{
	struct err err = { 0 };
	int r = frame_eval(
		spot->frame, WORLD_OWN, function, args, t->deadline + ANSWER_MS, ret, &err);

	if (r == FRAME_THREW)
		return trouble_set(t, TROUBLE_FAILED, "action", "%s",
			ret && json_string_value(*ret) ? json_string_value(*ret)
						       : "the element went away");
	return r < 0 ? trouble_err(t, &err) : 0;
}

int
act_focus(struct tester *t, json_t *value, json_t *step)
{
	_cleanup_(spot_deinit) struct spot spot = { 0 };

	(void)step;
	if (find_spot(t, value, "visible", NULL, &spot) < 0)
		return -1;
	return call_there(t, &spot, "() => globalThis.proctor.focus()", NULL, NULL);
}

/* Puts text into what has the focus. */
static int
enter_text(struct tester *t, const char *text, int64_t delay_ms)
{
	struct err err = { 0 };
	int64_t deadline = t->deadline + ANSWER_MS;
	int r;

	/*
	 * Typing takes the time that it takes, for the delay is the test's own wish: only what
	 * the whole test may take ends it.
	 */
	if (delay_ms > 0)
		deadline += delay_ms * (int64_t)strlen(text);
	if (delay_ms > 0 && deadline > t->run_deadline)
		deadline = t->run_deadline;
	r = delay_ms > 0 ? input_type(t->page, text, delay_ms, deadline, &err)
			 : input_insert(t->page, text, deadline, &err);
	return r < 0 ? trouble_err(t, &err) : 0;
}

static int
press(struct tester *t, const char *key)
{
	struct settle settle;
	struct err err = { 0 };
	int r;

	if (input_keys_check(key, &err) < 0)
		return trouble_set(t, TROUBLE_ERRORED, "invalid_definition", "%s", err.text);
	settle_begin(&settle, t);
	r = input_press(t->page, key, t->deadline + ANSWER_MS, &err);
	if (r < 0 && t->page->is_closed && cdp_state(t->cdp) == CDP_OPEN)
		r = 0;
	else if (r < 0)
		(void)trouble_err(t, &err);
	/* What a key begins comes with the next frames. */
	if (r == 0 && !t->page->is_closed)
		(void)!take_guard(t, t->page->main, &(char *) { NULL });
	if (settle_end(&settle) < 0)
		return -1;
	return r;
}

static int
fill(struct tester *t, json_t *target, const char *text, json_t *options)
{
	_cleanup_(spot_deinit) struct spot spot = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	json_t *more = json_pack("{s:b}", "force", cdp_flag(options, "force"));
	json_t *delay = json_object_get(options, "delay");
	bool appends = cdp_flag(options, "append");

	if (find_spot(t, target, "visible,enabled,editable", more, &spot) < 0 ||
		call_there(t, &spot,
			"(text, append) => globalThis.proctor.prepareText(text, append)",
			json_pack("[s, b]", text, appends), &answer) < 0)
		return -1;
	if (!cdp_flag(answer, "ok"))
		return trouble_answer(t, "action", answer);
	if (strcmp(cdp_str(answer, "how"), "done") == 0)
		return 0;
	if (text[0])
		return enter_text(t, text, delay ? duration_of(delay, 0) : 0);
	return appends || cdp_flag(answer, "empty") ? 0 : press(t, "Delete");
}

int
act_clear(struct tester *t, json_t *value, json_t *step)
{
	_cleanup_(json_unrefp) json_t *target = target_of(value);

	(void)step;
	return fill(t, target, "", value);
}

int
act_type(struct tester *t, json_t *value, json_t *step)
{
	json_t *into = json_object_get(value, "into");
	const char *text =
		json_is_string(value) ? json_string_value(value) : cdp_str(value, "text");
	json_t *delay = json_object_get(value, "delay");
	int r;

	(void)step;
	if (cdp_flag(value, "secret"))
		secret_add(t, text);
	if (into)
		r = fill(t, into, text, value);
	else
		r = enter_text(t, text, delay ? duration_of(delay, 0) : 0);
	if (r == 0 && cdp_flag(value, "submit"))
		r = press(t, "Enter");
	return r;
}

int
act_press(struct tester *t, json_t *value, json_t *step)
{
	const char *key =
		json_is_string(value) ? json_string_value(value) : cdp_str(value, "key");
	json_t *on = json_object_get(value, "on");

	if (on && act_focus(t, on, step) < 0)
		return -1;
	for (int64_t n = cdp_int(value, "times", 1); n > 0; n--)
		if (press(t, key) < 0)
			return -1;
	return 0;
}

int
act_select(struct tester *t, json_t *value, json_t *step)
{
	json_t *in = json_object_get(value, "in");
	_cleanup_(json_unrefp) json_t *spec = spec_new(t, in,
		json_pack("{s:O, s:[s, s], s:b}", "option", json_object_get(value, "option"),
			"states", "visible", "enabled", "retarget", true));
	struct settle settle;
	json_t *outer = frames_enter(t, in);
	int r;

	(void)step;
	settle_begin(&settle, t);
	r = ask_ok(t, "chooseOptions", spec, "action", NULL);
	if (settle_end(&settle) < 0)
		r = -1;
	frames_leave(t, outer);
	return r;
}

/* --- Files --- */

/* Writes a file that the test holds itself. *ret is its absolute path. */
static int
write_upload(struct tester *t, json_t *file, char **ret)
{
	const char *name = cdp_str(file, "name");
	json_t *content = json_object_get(file, "content");
	struct err err = { 0 };

	if (strchr(name, '/') || strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
		return trouble_set(t, TROUBLE_ERRORED, "invalid_definition",
			"\"%s\" is no name of a file", name);
	_cleanup_free_ char *dir = xasprintf("%s/upload-%u", t->request->dir, ++t->n_uploads);
	_cleanup_free_ char *path = xasprintf("%s/%s", dir, name);

	if (mkdir_p(dir, 0700, &err) < 0)
		return trouble_set(t, TROUBLE_ERRORED, "environment", "%s", err.text);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 ||
		fd_write_all(
			fd, json_string_value(content), json_string_length(content), &err) < 0)
		return trouble_set(t, TROUBLE_ERRORED, "environment", "cannot write %s", path);
	*ret = TAKE(path);
	return 0;
}

/* A path of the bundle, or of the run's folder; never out of them. */
static int
find_upload(struct tester *t, const char *name, char **ret)
{
	const char *const roots[] = { t->request->files, t->request->dir };

	if (!config_path_is_safe(name))
		return trouble_set(t, TROUBLE_ERRORED, "invalid_definition",
			"\"%s\": a path inside the test's files is expected", name);
	for (size_t i = 0; i < ARRAY_LEN(roots); i++) {
		if (!roots[i])
			continue;
		_cleanup_free_ char *path = xasprintf("%s/%s", roots[i], name);
		_cleanup_free_ char *real = realpath(path, NULL);
		_cleanup_free_ char *root = realpath(roots[i], NULL);

		/* A link in a bundle must not lead out of it. */
		if (real && root && strncmp(real, root, strlen(root)) == 0 &&
			real[strlen(root)] == '/') {
			*ret = TAKE(real);
			return 0;
		}
	}
	return trouble_set(t, TROUBLE_FAILED, "action", "there is no file \"%s\" in %s", name,
		!t->request->files
			? "the run's folder; a folder of files is named by `files` of "
			  "the test or job file"
			: t->request->owns_files ? "the test's bundle"
						 : t->request->files);
}

static int
add_upload(struct tester *t, json_t *file, json_t *paths)
{
	_cleanup_free_ char *path = NULL;
	int r = json_is_string(file) ? find_upload(t, json_string_value(file), &path)
				     : write_upload(t, file, &path);

	if (r == 0)
		json_array_append_new(paths, json_string(path));
	return r;
}

int
act_upload(struct tester *t, json_t *value, json_t *step)
{
	_cleanup_(json_unrefp) json_t *paths = json_array();
	_cleanup_(spot_deinit) struct spot spot = { 0 };
	_cleanup_free_ char *handle = NULL;
	json_t *files = json_object_get(value, "files");
	struct err err = { 0 };
	json_t *file;
	size_t i;

	(void)step;
	if (!json_is_array(files) && add_upload(t, files, paths) < 0)
		return -1;
	json_array_foreach(files, i, file) if (add_upload(t, file, paths) < 0) return -1;
	if (find_spot(t, json_object_get(value, "into"), "",
		    json_pack("{s:b}", "retarget", true), &spot) < 0)
		return -1;
	if (strcmp(cdp_str(spot.answer, "tag"), "input") != 0)
		return trouble_set(t, TROUBLE_FAILED, "action",
			"the element is no <input type=file> but a <%s>",
			cdp_str(spot.answer, "tag"));
	if (json_array_size(paths) == 0)
		return call_there(t, &spot, "() => globalThis.proctor.noFiles()", NULL, NULL);
	if (frame_eval_handle(spot.frame, WORLD_OWN, "() => globalThis.proctor.element()", NULL,
		    t->deadline + ANSWER_MS, &handle, &err) != 0 ||
		frame_set_files(spot.frame, handle, json_incref(paths), t->deadline + ANSWER_MS,
			&err) < 0)
		return trouble_err(t, &err);
	return 0;
}

/* --- Moving things --- */

int
act_drag(struct tester *t, json_t *value, json_t *step)
{
	_cleanup_(spot_deinit) struct spot from = { 0 }, to = { 0 };
	json_t *target = json_object_get(value, "to");
	json_t *by = json_object_get(value, "by");
	json_t *position = json_object_get(value, "position");
	struct err err = { 0 };
	double x, y;

	(void)step;
	/* The goal first: bringing it into view must not move the beginning any more. */
	if (target &&
		find_spot(t, target, "visible,point",
			json_pack("{s:s, s:b, s:O*}", "slot", "to", "force", true, "position",
				position),
			&to) < 0)
		return -1;
	if (find_spot(t, json_object_get(value, "from"), "visible,enabled,point", NULL, &from) <
		0)
		return -1;
	if (target) {
		_cleanup_(json_unrefp) json_t *point = NULL;
		double ox = 0, oy = 0;

		if (call_there(t, &to, "(position) => globalThis.proctor.point('to', position)",
			    json_pack("[O?]", position), &point) < 0)
			return -1;
		if (frame_offset(to.frame, t->deadline + ANSWER_MS, &ox, &oy, &err) < 0)
			return trouble_err(t, &err);
		x = ox + cdp_num(point, "x");
		y = oy + cdp_num(point, "y");
	} else {
		x = from.x + cdp_num(by, "x");
		y = from.y + cdp_num(by, "y");
	}
	if (input_drag(t->page, from.x, from.y, x, y, DRAG_STEPS, t->deadline + ANSWER_MS,
		    &err) < 0)
		return trouble_err(t, &err);
	return 0;
}

static int
scroll_page(struct tester *t, bool to_end)
{
	static const char call[] = "(end) => { const all = document.scrollingElement || "
				   "document.documentElement; all.scrollTo({ top: end ? "
				   "all.scrollHeight : 0, behavior: 'instant' }); }";
	struct frame *frame = NULL;
	struct err err = { 0 };

	if (frame_now(t, &frame) < 0)
		return -1;
	if (frame_eval(frame, WORLD_OWN, call, json_pack("[b]", to_end),
		    t->deadline + ANSWER_MS, NULL, &err) != 0)
		return trouble_err(t, &err);
	return 0;
}

static int
wheel_there(struct tester *t, double x, double y, const void *arg, struct err *err)
{
	const json_t *by = arg;

	return input_wheel(t->page, x, y, cdp_num(by, "x"), cdp_num(by, "y"),
		t->deadline + ANSWER_MS, err);
}

int
act_scroll(struct tester *t, json_t *value, json_t *step)
{
	_cleanup_(spot_deinit) struct spot spot = { 0 };
	json_t *to = json_object_get(value, "to");
	json_t *in = json_object_get(value, "in");

	(void)step;
	if (json_is_string(value))
		return scroll_page(t, strcmp(json_string_value(value), "bottom") == 0);
	if (to) {
		if (find_spot(t, to, "visible", NULL, &spot) < 0)
			return -1;
		return call_there(t, &spot, "() => globalThis.proctor.scroll()", NULL, NULL);
	}
	/* Without a place: over the middle of the page. */
	if (!in) {
		_cleanup_(json_unrefp) json_t *root = json_string("html");

		return at_spot(t, root, "visible,point", NULL, false, wheel_there,
			json_object_get(value, "by"));
	}
	return at_spot(
		t, in, "visible,point", NULL, false, wheel_there, json_object_get(value, "by"));
}
