/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking the page. All waiting for elements is done by the script inside the page (inject/);
 * here a question is only put again when its document went away meanwhile.
 */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/parse.h"
#include "runners/browser/tester.h"

enum {
	AGAIN_MS = 20,    /* before a question is put to a new document */
	ANSWER_MS = 2000, /* more than the waiting: the page must say how it ended */
};

#define CALL "(name, spec) => globalThis.proctor[name](spec)"

int64_t
time_left(const struct tester *t)
{
	int64_t left = t->deadline - clock_mono_ms();

	return left > 0 ? left : 0;
}

int64_t
duration_of(json_t *value, int64_t otherwise)
{
	int64_t ms = otherwise;
	struct err err;

	if (json_is_integer(value))
		return json_integer_value(value);
	if (json_is_string(value) &&
		parse_duration_ms(
			str_of(json_string_value(value)), BROWSER_WAIT_MS_MAX, &ms, &err) < 0)
		return otherwise;
	return ms;
}

int
pass_time(struct tester *t, int64_t ms)
{
	struct err err = { 0 };
	int64_t until = clock_mono_ms() + ms;

	if (until > t->deadline)
		until = t->deadline;
	if (cdp_pump(t->cdp, until, NULL, NULL, &err) < 0)
		return trouble_err(t, &err);
	return 0;
}

json_t *
spec_new(const struct tester *t, json_t *target, json_t *more)
{
	_cleanup_(buf_deinit) struct buf words = BUF_INIT(BROWSER_TITLE_BYTES_MAX);
	json_t *spec = more ? more : json_object();

	if (target) {
		words_target(&words, target);
		json_object_set(spec, "target", target);
		json_object_set_new(spec, "words", json_string(buf_text(&words)));
	}
	if (t->test_id_attribute)
		json_object_set_new(spec, "testIdAttribute", json_string(t->test_id_attribute));
	return spec;
}

/* --- Frames --- */

json_t *
frames_enter(struct tester *t, json_t *target)
{
	json_t *outer = t->frames;
	json_t *more = json_object_get(target, "frame");

	t->frames = outer ? json_copy(outer) : json_array();
	if (json_is_array(more))
		json_array_extend(t->frames, more);
	else if (more)
		json_array_append(t->frames, more);
	return outer;
}

void
frames_leave(struct tester *t, json_t *outer)
{
	json_decref(t->frames);
	t->frames = outer;
}

static int
hung(struct tester *t)
{
	return trouble_set(t, TROUBLE_FAILED, "action",
		"the page did not answer: its script was busy for %.3g s",
		(double)t->patience_ms / 1000);
}

/* One question to one frame. 1: the document went away, ask again. */
static int
ask_frame(struct tester *t, struct frame *frame, const char *name, json_t *spec, json_t **ret)
{
	struct err err = { 0 };
	int r;

	json_object_set_new(spec, "timeout", json_integer(time_left(t)));
	r = frame_eval(frame, WORLD_OWN, CALL, json_pack("[s, O]", name, spec),
		t->deadline + ANSWER_MS, ret, &err);
	if (r == 0)
		return 0;
	if (r == FRAME_THREW) {
		(void)trouble_set(t, TROUBLE_ERRORED, "internal", "%s: %s", name,
			json_string_value(*ret) ? json_string_value(*ret) : "");
		json_decref(TAKE(*ret));
		return -1;
	}
	if (cdp_state(t->cdp) == CDP_OPEN && !t->page->is_closed && !t->page->is_crashed) {
		if (err.code == ERR_CONFLICT || err.code == ERR_NOT_FOUND)
			return 1;
		if (err.code == ERR_TIMEOUT)
			return hung(t);
	}
	return trouble_err(t, &err);
}

static int
page_alive(struct tester *t)
{
	struct err err = { 0 };

	return page_check(t->page, &err) < 0 ? trouble_err(t, &err) : 0;
}

/* One step inwards: from the frame to the one inside an element of it. 1: ask again. */
static int
enter_frame(struct tester *t, struct frame **frame, json_t *target)
{
	_cleanup_(json_unrefp) json_t *spec =
		spec_new(t, target, json_pack("{s:[], s:s}", "states", "slot", "frame"));
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_free_ char *handle = NULL;
	struct err err = { 0 };
	int r = ask_frame(t, *frame, "ready", spec, &answer);

	if (r != 0)
		return r;
	if (!cdp_flag(answer, "ok"))
		return trouble_answer(t, "action", answer);
	r = frame_eval_handle(*frame, WORLD_OWN, "() => globalThis.proctor.element('frame')",
		NULL, t->deadline + ANSWER_MS, &handle, &err);
	struct frame *inner = r == 0 && handle
		? frame_of_element(*frame, handle, t->deadline + ANSWER_MS, &err)
		: NULL;

	if (inner) {
		*frame = inner;
		return 0;
	}
	if (cdp_state(t->cdp) != CDP_OPEN)
		return trouble_err(t, &err);
	if (time_left(t) > 0)
		return 1;
	return trouble_set(
		t, TROUBLE_FAILED, "action", "%s is no frame", cdp_str(spec, "words"));
}

static int
frame_try(struct tester *t, struct frame **ret)
{
	struct frame *frame = t->page->main;
	json_t *target;
	size_t i;

	if (page_alive(t) < 0)
		return -1;
	json_array_foreach(t->frames, i, target)
	{
		int r = enter_frame(t, &frame, target);

		if (r != 0)
			return r;
	}
	*ret = frame;
	return 0;
}

int
frame_now(struct tester *t, struct frame **ret)
{
	for (;;) {
		int r = frame_try(t, ret);

		if (r <= 0)
			return r;
		if (time_left(t) == 0)
			return trouble_set(t, TROUBLE_FAILED, "action",
				"the frame was replaced again and again");
		if (pass_time(t, AGAIN_MS) < 0)
			return -1;
	}
}

int
ask(struct tester *t, const char *name, json_t *spec, json_t **ret)
{
	for (;;) {
		struct frame *frame = NULL;
		int r;

		if (frame_now(t, &frame) < 0)
			return -1;
		r = ask_frame(t, frame, name, spec, ret);
		if (r <= 0)
			return r;
		if (time_left(t) == 0)
			return trouble_set(t, TROUBLE_FAILED, "action",
				"the page went from document to document and never stood still");
		if (pass_time(t, AGAIN_MS) < 0)
			return -1;
	}
}

int
ask_ok(struct tester *t, const char *name, json_t *spec, const char *reason, json_t **ret)
{
	_cleanup_(json_unrefp) json_t *answer = NULL;

	if (ask(t, name, spec, &answer) < 0)
		return -1;
	if (!cdp_flag(answer, "ok"))
		return trouble_answer(t, reason, answer);
	if (ret)
		*ret = TAKE(answer);
	return 0;
}

int
ask_compare(struct tester *t, const char *what, json_t *spec, json_t *actual, json_t **ret)
{
	static const char call[] =
		"(what, spec, actual) => globalThis.proctor.compare(what, spec, actual)";
	int64_t deadline = clock_mono_ms() + BROWSER_LOOK_MS;

	for (;;) {
		struct err err = { 0 };
		json_t *args =
			json_pack("[s, O, O]", what, spec, actual ? actual : json_null());
		int r = frame_eval(t->page->main, WORLD_OWN, call, args, deadline, ret, &err);

		if (r == 0)
			return 0;
		if (r == FRAME_THREW) {
			json_decref(TAKE(*ret));
			return trouble_set(
				t, TROUBLE_ERRORED, "internal", "the comparison failed");
		}
		if (err.code != ERR_CONFLICT || clock_mono_ms() > deadline)
			return trouble_err(t, &err);
		if (cdp_pump(t->cdp, clock_mono_ms() + AGAIN_MS, NULL, NULL, &err) < 0)
			return trouble_err(t, &err);
	}
}

/* --- Places --- */

static const char *const option_members[] = { "button", "modifiers", "position", "force" };

json_t *
target_of(json_t *value)
{
	if (!json_is_object(value))
		return json_incref(value);
	json_t *target = json_copy(value);

	for (size_t i = 0; i < ARRAY_LEN(option_members); i++)
		json_object_del(target, option_members[i]);
	return target;
}

void
spot_deinit(struct spot *spot)
{
	json_decref(spot->answer);
	*spot = (struct spot) { 0 };
}

static json_t *
split_words(const char *states)
{
	struct str rest = str_of(states);
	json_t *list = json_array();

	while (rest.p) {
		struct str word = str_split_first(&rest, ',');

		if (word.n)
			json_array_append_new(list, json_stringn(word.p, word.n));
	}
	return list;
}

/*
 * The way outwards: in every document around, the iframe must be what stands at the point. 1:
 * something covers it, *ret_hit says what.
 */
static int
look_outwards(struct tester *t, struct spot *spot, char **ret_hit, struct err *err)
{
	double x = 0, y = 0;

	if (frame_offset(spot->frame, t->deadline + ANSWER_MS, &x, &y, err) < 0)
		return -1;
	spot->x += x;
	spot->y += y;
	for (struct frame *at = spot->frame; at->parent; at = at->parent) {
		_cleanup_free_ char *owner = NULL;
		_cleanup_(json_unrefp) json_t *hit = NULL;
		double px = 0, py = 0;

		if (frame_owner(at, t->deadline + ANSWER_MS, &owner, err) < 0 ||
			frame_offset(at->parent, t->deadline + ANSWER_MS, &px, &py, err) < 0 ||
			frame_call(at->parent, owner,
				"function (x, y) { return globalThis.proctor.hits(this, x, y); }",
				json_pack("[f, f]", spot->x - px, spot->y - py),
				t->deadline + ANSWER_MS, &hit, err) < 0)
			return -1;
		frame_release(at->parent, owner);
		if (json_is_string(hit)) {
			*ret_hit = xstrdup(json_string_value(hit));
			return 1;
		}
	}
	return 0;
}

/* One look at the page. 0, 1: again, -1 trouble. */
static int
try_spot(struct tester *t, json_t *spec, struct spot *ret)
{
	_cleanup_free_ char *hit = NULL;
	struct err err = { 0 };
	int r;

	if (frame_now(t, &ret->frame) < 0)
		return -1;
	r = ask_frame(t, ret->frame, "ready", spec, &ret->answer);
	if (r != 0)
		return r;
	if (!cdp_flag(ret->answer, "ok"))
		return trouble_answer(t, "action", ret->answer);
	ret->x = cdp_num(ret->answer, "x");
	ret->y = cdp_num(ret->answer, "y");
	if (!ret->frame->parent)
		return 0;
	r = look_outwards(t, ret, &hit, &err);
	if (r == 0)
		return 0;
	if (r < 0 && cdp_state(t->cdp) != CDP_OPEN)
		return trouble_err(t, &err);
	if (time_left(t) > 0)
		return 1;
	return r < 0 ? trouble_err(t, &err)
		     : trouble_set(t, TROUBLE_FAILED, "action",
			       "the frame of %s is covered by %s (waited %.3g s)",
			       cdp_str(spec, "words"), hit, (double)t->patience_ms / 1000);
}

int
find_spot(struct tester *t, json_t *target, const char *states, json_t *more, struct spot *ret)
{
	_cleanup_(json_unrefp) json_t *spec = spec_new(t, target, more);
	json_t *outer = frames_enter(t, target);
	int r;

	*ret = (struct spot) { 0 };
	json_object_set_new(spec, "states", split_words(states));
	while ((r = try_spot(t, spec, ret)) > 0) {
		spot_deinit(ret);
		if (time_left(t) == 0)
			r = trouble_set(
				t, TROUBLE_FAILED, "action", "the page never stood still");
		if (r < 0 || pass_time(t, AGAIN_MS) < 0) {
			r = -1;
			break;
		}
	}
	frames_leave(t, outer);
	if (r < 0)
		spot_deinit(ret);
	return r;
}
