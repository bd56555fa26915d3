/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mouse, wheel, touch and keyboard of a page, as events from outside the page's JavaScript.
 *
 * Coordinates are CSS pixels of the page's viewport. Every function waits until the browser has
 * handled the event, or until a dialog came up that stops the page in the middle of it (then it
 * is done as well: look at context->n_dialogs).
 */
#pragma once

#include "runners/browser/page.h"

enum mouse_button { MOUSE_LEFT, MOUSE_RIGHT, MOUSE_MIDDLE };

enum {
	KEY_ALT = 1, /* the protocol's own bits */
	KEY_CONTROL = 2,
	KEY_META = 4,
	KEY_SHIFT = 8,
};

/* Moves in `steps` (1 …) equal parts, so that pages see a way and not a jump. */
int input_move(struct page *page, double x, double y, unsigned steps, int64_t deadline_mono_ms,
	struct err *err) MUST_CHECK;

struct input_click {
	enum mouse_button button;
	unsigned count;     /* 1 click, 2 double click, 3 …; 0 counts as 1 */
	unsigned modifiers; /* KEY_… held meanwhile */
	int64_t delay_ms;   /* between down and up */
};

/* Moves there, then presses and releases; all of it is written in one go. click NULL: plain. */
int input_click(struct page *page, double x, double y, const struct input_click *click,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

int input_down(struct page *page, enum mouse_button button, unsigned modifiers,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;
int input_up(struct page *page, enum mouse_button button, unsigned modifiers,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* Down at the first point, to the second in `steps` (2 …) parts, up. HTML drag and drop too. */
int input_drag(struct page *page, double from_x, double from_y, double to_x, double to_y,
	unsigned steps, int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* Turns the wheel over a point; positive dy scrolls down. */
int input_wheel(struct page *page, double x, double y, double dx, double dy,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* A finger: needs touch emulation. */
int input_tap(struct page *page, double x, double y, int64_t deadline_mono_ms, struct err *err)
	MUST_CHECK;

/*
 * Presses and releases a key, with modifiers held: "Enter", "a", "Control+A",
 * "Shift+ArrowLeft", "F5", "ControlOrMeta+c". Names are those of KeyboardEvent.key or .code.
 * INVALID for a name that is none, with the nearest that is.
 */
int input_press(struct page *page, const char *keys, int64_t deadline_mono_ms, struct err *err)
	MUST_CHECK;

/* Checks a name without pressing anything. */
int input_keys_check(const char *keys, struct err *err) MUST_CHECK;

/* Puts text in at once, as an input method does: `input` events, no key events. */
int input_insert(struct page *page, const char *text, int64_t deadline_mono_ms, struct err *err)
	MUST_CHECK;

/*
 * Types text character by character: keys with their events where the keyboard has them,
 * inserted otherwise; "\n" is Enter, "\t" is Tab. delay_ms waits between two of them.
 */
int input_type(struct page *page, const char *text, int64_t delay_ms, int64_t deadline_mono_ms,
	struct err *err) MUST_CHECK;
