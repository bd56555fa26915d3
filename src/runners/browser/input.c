/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs together (move, press, release) is written in one go and waited for together.
 * A page that is closed or navigates by the very event has been given it: that is success.
 */
#include "runners/browser/input.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"
#include "runners/browser/driver.h"
#include "runners/browser/keys.h"

/* --- Several commands at once --- */

struct batch {
	struct page *page;
	unsigned n_left;
	bool has_failed;
	struct err err; /* the first failure */
};

static void
batch_reply(void *arg, json_t *result, const struct err *error)
{
	struct batch *batch = arg;

	batch->n_left--;
	if (!result && !batch->has_failed) {
		batch->has_failed = true;
		batch->err = *error;
	}
}

static bool
batch_is_done(void *arg)
{
	return ((const struct batch *)arg)->n_left == 0;
}

static void
batch_add(struct batch *batch, const char *method, json_t *params)
{
	batch->n_left++;
	cdp_send(batch->page->context->cdp, batch->page->session->id, method, params,
		batch_reply, batch);
}

static int
batch_wait(struct batch *batch, int64_t deadline_mono_ms, struct err *err)
{
	struct cdp *cdp = batch->page->context->cdp;
	int r = cdp_pump(cdp, deadline_mono_ms, batch_is_done, batch, err);

	cdp_forget(cdp, batch);
	if (r < 0)
		return err && err->code == ERR_TIMEOUT
			? err_set(err, ERR_TIMEOUT, "the page did not handle the input in time")
			: -1;
	if (!batch->has_failed || batch->page->is_closed || batch->err.code == ERR_CONFLICT)
		return 0;
	if (err)
		*err = batch->err;
	return -1;
}

/* --- Mouse --- */

static const char *const button_names[] = { "left", "right", "middle" };
static const unsigned button_bits[] = { 1, 2, 4 };

/* Moves to a point in equal parts. */
static void
add_moves(struct batch *batch, double x, double y, unsigned steps, unsigned modifiers)
{
	struct page *page = batch->page;
	double from_x = page->mouse_x, from_y = page->mouse_y;
	const char *held = "none";

	for (size_t i = 0; i < ARRAY_LEN(button_names); i++) {
		if (page->mouse_buttons & button_bits[i])
			held = button_names[i];
	}
	steps = steps > 0 ? steps : 1;
	for (unsigned i = 1; i <= steps; i++)
		batch_add(batch, "Input.dispatchMouseEvent",
			json_pack("{s:s, s:f, s:f, s:i, s:s, s:i}", "type", "mouseMoved", "x",
				from_x + (x - from_x) * i / steps, "y",
				from_y + (y - from_y) * i / steps, "modifiers", (int)modifiers,
				"button", held, "buttons", (int)page->mouse_buttons));
	page->mouse_x = x;
	page->mouse_y = y;
}

static void
add_button(struct batch *batch, bool is_down, enum mouse_button button, unsigned count,
	unsigned modifiers)
{
	struct page *page = batch->page;

	if (is_down)
		page->mouse_buttons |= button_bits[button];
	else
		page->mouse_buttons &= ~button_bits[button];
	batch_add(batch, "Input.dispatchMouseEvent",
		json_pack("{s:s, s:f, s:f, s:i, s:s, s:i, s:i}", "type",
			is_down ? "mousePressed" : "mouseReleased", "x", page->mouse_x, "y",
			page->mouse_y, "modifiers", (int)modifiers, "button",
			button_names[button], "buttons", (int)page->mouse_buttons, "clickCount",
			(int)count));
}

int
input_move(struct page *page, double x, double y, unsigned steps, int64_t deadline_mono_ms,
	struct err *err)
{
	struct batch batch = { .page = page };

	if (page_check(page, err) < 0)
		return -1;
	add_moves(&batch, x, y, steps, 0);
	return batch_wait(&batch, deadline_mono_ms, err);
}

/* Waits between two events, not past the deadline; what arrives meanwhile is served. */
static int
pause_ms(struct page *page, int64_t ms, int64_t deadline_mono_ms, struct err *err)
{
	int64_t until = clock_mono_ms() + ms;
	bool is_cut = until > deadline_mono_ms;

	if (ms <= 0)
		return 0;
	if (cdp_pump(page->context->cdp, is_cut ? deadline_mono_ms : until, NULL, NULL, err) <
		0)
		return -1;
	return is_cut ? err_set(err, ERR_TIMEOUT, "the time ran out between two inputs") : 0;
}

int
input_click(struct page *page, double x, double y, const struct input_click *click,
	int64_t deadline_mono_ms, struct err *err)
{
	static const struct input_click plain = { .count = 1 };
	struct batch batch = { .page = page };
	int r = page_check(page, err);

	click = click ? click : &plain;
	if (r < 0)
		return -1;
	add_moves(&batch, x, y, 1, click->modifiers);
	for (unsigned i = 1; i <= (click->count ? click->count : 1) && r == 0; i++) {
		add_button(&batch, true, click->button, i, click->modifiers);
		if (click->delay_ms > 0)
			r = pause_ms(page, click->delay_ms, deadline_mono_ms, err);
		if (r == 0 && !page->is_closed)
			add_button(&batch, false, click->button, i, click->modifiers);
	}
	if (r < 0)
		cdp_forget(page->context->cdp, &batch);
	return r < 0 ? -1 : batch_wait(&batch, deadline_mono_ms, err);
}

static int
press_button(struct page *page, bool is_down, enum mouse_button button, unsigned modifiers,
	int64_t deadline_mono_ms, struct err *err)
{
	struct batch batch = { .page = page };

	if (page_check(page, err) < 0)
		return -1;
	add_button(&batch, is_down, button, 1, modifiers);
	return batch_wait(&batch, deadline_mono_ms, err);
}

int
input_down(struct page *page, enum mouse_button button, unsigned modifiers,
	int64_t deadline_mono_ms, struct err *err)
{
	return press_button(page, true, button, modifiers, deadline_mono_ms, err);
}

int
input_up(struct page *page, enum mouse_button button, unsigned modifiers,
	int64_t deadline_mono_ms, struct err *err)
{
	return press_button(page, false, button, modifiers, deadline_mono_ms, err);
}

int
input_wheel(struct page *page, double x, double y, double dx, double dy,
	int64_t deadline_mono_ms, struct err *err)
{
	struct batch batch = { .page = page };

	if (page_check(page, err) < 0)
		return -1;
	batch_add(&batch, "Input.dispatchMouseEvent",
		json_pack("{s:s, s:f, s:f, s:f, s:f}", "type", "mouseWheel", "x", x, "y", y,
			"deltaX", dx, "deltaY", dy));
	page->mouse_x = x;
	page->mouse_y = y;
	return batch_wait(&batch, deadline_mono_ms, err);
}

int
input_tap(struct page *page, double x, double y, int64_t deadline_mono_ms, struct err *err)
{
	struct batch batch = { .page = page };

	if (page_check(page, err) < 0)
		return -1;
	batch_add(&batch, "Input.dispatchTouchEvent",
		json_pack("{s:s, s:[{s:f, s:f}]}", "type", "touchStart", "touchPoints", "x", x,
			"y", y));
	batch_add(&batch, "Input.dispatchTouchEvent",
		json_pack("{s:s, s:[]}", "type", "touchEnd", "touchPoints"));
	return batch_wait(&batch, deadline_mono_ms, err);
}

/* --- Dragging --- */

/*
 * HTML drag and drop leaves the page: the browser hands us what is dragged instead of moving
 * it, and we drop it. Only the page knows whether a move began such a drag.
 */
enum { DRAG_BEGIN_PX = 8 };

struct drag {
	struct page *page;
	json_t *data; /* owned; NULL: none began */
};

static void
drag_intercepted(void *arg, const struct cdp_event *event)
{
	struct drag *drag = arg;

	json_decref(drag->data);
	drag->data = json_incref(json_object_get(event->params, "data"));
}

static bool
drag_is_there(void *arg)
{
	const struct drag *drag = arg;

	return drag->data || drag->page->is_closed || drag->page->is_crashed;
}

static const char drag_listen[] =
	"() => { globalThis.proctorDrag = null;"
	" addEventListener('dragstart', event => { globalThis.proctorDrag = event; },"
	" { capture: true, once: true }); }";
static const char drag_ask[] =
	"() => !!globalThis.proctorDrag && !globalThis.proctorDrag.defaultPrevented";

/* Asks all frames; true when one of them says yes. Frames that go away say no. */
static bool
ask_frames(struct page *page, const char *function, int64_t deadline_mono_ms)
{
	bool is_so = false;

	LIST_FOR_EACH(node, &page->frames) {
		struct frame *frame = list_entry(node, struct frame, node);
		_cleanup_(json_unrefp) json_t *answer = NULL;
		struct err err;

		if (!frame->is_dead &&
			frame_eval(frame, WORLD_OWN, function, NULL, deadline_mono_ms, &answer,
				&err) == 0)
			is_so |= json_is_true(answer);
	}
	return is_so;
}

static void
add_drag_event(
	struct batch *batch, const struct drag *drag, const char *type, double x, double y)
{
	batch_add(batch, "Input.dispatchDragEvent",
		json_pack("{s:s, s:f, s:f, s:O}", "type", type, "x", x, "y", y, "data",
			drag->data));
}

/* Presses and moves a little, which is where a drag begins if one does. */
static int
begin_drag(struct drag *drag, double from_x, double from_y, double to_x, double to_y,
	unsigned steps, int64_t deadline_mono_ms, struct err *err)
{
	struct page *page = drag->page;
	struct batch batch = { .page = page };
	double dx = to_x - from_x, dy = to_y - from_y;
	double way = fabs(dx) > fabs(dy) ? fabs(dx) : fabs(dy);
	double part = 1.0 / steps;

	/* The browser sees no drag below some pixels of way. */
	if (way * part < DRAG_BEGIN_PX)
		part = way > DRAG_BEGIN_PX ? DRAG_BEGIN_PX / way : 1;
	add_moves(&batch, from_x, from_y, 1, 0);
	add_button(&batch, true, MOUSE_LEFT, 1, 0);
	add_moves(&batch, from_x + dx * part, from_y + dy * part, 2, 0);
	if (batch_wait(&batch, deadline_mono_ms, err) < 0)
		return -1;
	if (ask_frames(page, drag_ask, deadline_mono_ms))
		return cdp_pump(page->context->cdp, deadline_mono_ms, drag_is_there, drag, err);
	return 0;
}

static int
finish_drag(struct drag *drag, double to_x, double to_y, unsigned steps,
	int64_t deadline_mono_ms, struct err *err)
{
	struct page *page = drag->page;
	struct batch batch = { .page = page };
	double from_x = page->mouse_x, from_y = page->mouse_y;

	if (page_check(page, err) < 0)
		return -1;
	if (!drag->data) {
		add_moves(&batch, to_x, to_y, steps, 0);
		add_button(&batch, false, MOUSE_LEFT, 1, 0);
		return batch_wait(&batch, deadline_mono_ms, err);
	}
	add_drag_event(&batch, drag, "dragEnter", from_x, from_y);
	for (unsigned i = 1; i <= steps; i++)
		add_drag_event(&batch, drag, "dragOver", from_x + (to_x - from_x) * i / steps,
			from_y + (to_y - from_y) * i / steps);
	add_drag_event(&batch, drag, "drop", to_x, to_y);
	page->mouse_x = to_x;
	page->mouse_y = to_y;
	add_button(&batch, false, MOUSE_LEFT, 1, 0);
	return batch_wait(&batch, deadline_mono_ms, err);
}

int
input_drag(struct page *page, double from_x, double from_y, double to_x, double to_y,
	unsigned steps, int64_t deadline_mono_ms, struct err *err)
{
	struct drag drag = { .page = page };
	struct cdp *cdp = page->context->cdp;

	if (page_check(page, err) < 0)
		return -1;
	steps = steps > 2 ? steps : 2;
	struct cdp_handler *handler = cdp_on(
		cdp, page->session->id, "Input.dragIntercepted", drag_intercepted, &drag);
	cdp_send(cdp, page->session->id, "Input.setInterceptDrags",
		json_pack("{s:b}", "enabled", 1), NULL, NULL);
	(void)ask_frames(page, drag_listen, deadline_mono_ms);
	int r = begin_drag(&drag, from_x, from_y, to_x, to_y, steps, deadline_mono_ms, err);
	if (r == 0)
		r = finish_drag(&drag, to_x, to_y, steps, deadline_mono_ms, err);
	cdp_off(cdp, handler);
	if (!page->is_closed)
		cdp_send(cdp, page->session->id, "Input.setInterceptDrags",
			json_pack("{s:b}", "enabled", 0), NULL, NULL);
	page->mouse_buttons = 0;
	json_decref(drag.data);
	return r;
}

/* --- Keyboard --- */

enum {
	CHORD_MAX = 5, /* four modifiers and a key */
};

struct chord {
	const struct key *key[CHORD_MAX];
	bool shift[CHORD_MAX]; /* the name was that of the shifted key */
	size_t n;
};

/* Cuts "Control+Shift++" into its keys; a plus at the end is a key. */
static int
chord_parse(struct chord *chord, const char *text, struct err *err)
{
	struct str rest = str_of(text);

	chord->n = 0;
	if (rest.n == 0)
		return err_set(err, ERR_INVALID, "no key was named");
	while (rest.n > 0) {
		const char *plus = memchr(rest.p + 1, '+', rest.n - 1);
		struct str name = str_from(rest.p, plus ? (size_t)(plus - rest.p) : rest.n);

		if (plus && (size_t)(plus - rest.p) + 1 == rest.n)
			return err_set(err, ERR_INVALID, "%.60s: no key after the plus", text);
		rest = plus ? str_from(plus + 1, rest.n - name.n - 1) : str_from(NULL, 0);
		if (str_eqz(name, "ControlOrMeta"))
			name = STR("Control");
		if (chord->n == CHORD_MAX)
			return err_set(err, ERR_LIMIT, "%.60s: too many keys at a time", text);
		const struct key *key = key_find(name, &chord->shift[chord->n]);
		if (!key) {
			_cleanup_free_ char *word = xstrndup(name.p, name.n);
			const char *near = key_near(word);

			return err_set(err, ERR_INVALID, "there is no key %.40s%s%s", word,
				near ? "; did you mean " : "", near ? near : "");
		}
		if (rest.n > 0 && !key->modifier)
			return err_set(err, ERR_INVALID,
				"%s cannot be held: only modifiers can", key->key);
		chord->key[chord->n++] = key;
	}
	return 0;
}

int
input_keys_check(const char *keys, struct err *err)
{
	struct chord chord;

	return chord_parse(&chord, keys, err);
}

static void
add_key(struct batch *batch, bool is_down, const struct key *key, unsigned modifiers)
{
	bool shift = (modifiers & KEY_SHIFT) != 0;
	/* With Control or Alt a key is a command and types nothing. */
	const char *text =
		modifiers & (KEY_CONTROL | KEY_ALT | KEY_META) ? "" : key_text(key, shift);
	const char *type = !is_down ? "keyUp" : text[0] ? "keyDown" : "rawKeyDown";
	json_t *params = json_pack("{s:s, s:i, s:s, s:s, s:i, s:i, s:i, s:b}", "type", type,
		"modifiers", (int)modifiers, "key",
		shift && key->shifted ? key->shifted : key->key, "code", key->code,
		"windowsVirtualKeyCode", key->virtual_code, "nativeVirtualKeyCode",
		key->virtual_code, "location", key->location, "isKeypad", key->location == 3);

	if (is_down && text[0]) {
		json_object_set_new(params, "text", json_string(text));
		json_object_set_new(params, "unmodifiedText", json_string(text));
	}
	batch_add(batch, "Input.dispatchKeyEvent", params);
}

static void
add_chord(struct batch *batch, const struct chord *chord)
{
	unsigned modifiers = 0;

	for (size_t i = 0; i < chord->n; i++) {
		/* "A" is Shift and a, without a Shift key of its own, as a layout would. */
		unsigned implied = chord->shift[i] ? KEY_SHIFT : 0;

		modifiers |= chord->key[i]->modifier;
		add_key(batch, true, chord->key[i], modifiers | implied);
	}
	for (size_t i = chord->n; i-- > 0;) {
		unsigned implied = chord->shift[i] ? KEY_SHIFT : 0;

		modifiers &= ~chord->key[i]->modifier;
		add_key(batch, false, chord->key[i], modifiers | implied);
	}
}

int
input_press(struct page *page, const char *keys, int64_t deadline_mono_ms, struct err *err)
{
	struct batch batch = { .page = page };
	struct chord chord;

	if (chord_parse(&chord, keys, err) < 0 || page_check(page, err) < 0)
		return -1;
	add_chord(&batch, &chord);
	return batch_wait(&batch, deadline_mono_ms, err);
}

int
input_insert(struct page *page, const char *text, int64_t deadline_mono_ms, struct err *err)
{
	json_t *params = json_pack("{s:s}", "text", text);

	if (!params)
		return err_set(err, ERR_INVALID, "the text is not UTF-8");
	return page_call(page, "Input.insertText", params, deadline_mono_ms, NULL, err);
}

/* One character: a key when the keyboard has it, else inserted. */
static void
add_character(struct batch *batch, struct str character)
{
	struct chord chord = { .n = 1 };
	struct str name = character;

	if (str_eqz(character, "\n") || str_eqz(character, "\r"))
		name = STR("Enter");
	else if (str_eqz(character, "\t"))
		name = STR("Tab");
	chord.key[0] = key_find(name, &chord.shift[0]);
	if (chord.key[0])
		add_chord(batch, &chord);
	else
		batch_add(batch, "Input.insertText",
			json_pack("{s:s%}", "text", character.p, character.n));
}

int
input_type(struct page *page, const char *text, int64_t delay_ms, int64_t deadline_mono_ms,
	struct err *err)
{
	struct str rest = str_of(text);

	if (!utf8_valid(rest.p, rest.n))
		return err_set(err, ERR_INVALID, "the text is not UTF-8");
	while (rest.n > 0) {
		size_t len = utf8_char_len(rest.p, rest.n);
		struct batch batch = { .page = page };

		if (page_check(page, err) < 0)
			return -1;
		add_character(&batch, str_from(rest.p, len));
		rest = str_from(rest.p + len, rest.n - len);
		if (batch_wait(&batch, deadline_mono_ms, err) < 0)
			return -1;
		if (rest.n > 0 && pause_ms(page, delay_ms, deadline_mono_ms, err) < 0)
			return -1;
	}
	return 0;
}
