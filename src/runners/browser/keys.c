/* SPDX-License-Identifier: Apache-2.0 */
/* One table; names are looked up front to back, so the main block wins over the number pad. */
#include "runners/browser/keys.h"

#include <string.h>

#include "base/json.h"
#include "runners/browser/input.h"

/* clang-format off */
static const struct key keys[] = {
	{ "a", "A", "KeyA", 65, 0, 0 },
	{ "b", "B", "KeyB", 66, 0, 0 },
	{ "c", "C", "KeyC", 67, 0, 0 },
	{ "d", "D", "KeyD", 68, 0, 0 },
	{ "e", "E", "KeyE", 69, 0, 0 },
	{ "f", "F", "KeyF", 70, 0, 0 },
	{ "g", "G", "KeyG", 71, 0, 0 },
	{ "h", "H", "KeyH", 72, 0, 0 },
	{ "i", "I", "KeyI", 73, 0, 0 },
	{ "j", "J", "KeyJ", 74, 0, 0 },
	{ "k", "K", "KeyK", 75, 0, 0 },
	{ "l", "L", "KeyL", 76, 0, 0 },
	{ "m", "M", "KeyM", 77, 0, 0 },
	{ "n", "N", "KeyN", 78, 0, 0 },
	{ "o", "O", "KeyO", 79, 0, 0 },
	{ "p", "P", "KeyP", 80, 0, 0 },
	{ "q", "Q", "KeyQ", 81, 0, 0 },
	{ "r", "R", "KeyR", 82, 0, 0 },
	{ "s", "S", "KeyS", 83, 0, 0 },
	{ "t", "T", "KeyT", 84, 0, 0 },
	{ "u", "U", "KeyU", 85, 0, 0 },
	{ "v", "V", "KeyV", 86, 0, 0 },
	{ "w", "W", "KeyW", 87, 0, 0 },
	{ "x", "X", "KeyX", 88, 0, 0 },
	{ "y", "Y", "KeyY", 89, 0, 0 },
	{ "z", "Z", "KeyZ", 90, 0, 0 },
	{ "0", ")", "Digit0", 48, 0, 0 },
	{ "1", "!", "Digit1", 49, 0, 0 },
	{ "2", "@", "Digit2", 50, 0, 0 },
	{ "3", "#", "Digit3", 51, 0, 0 },
	{ "4", "$", "Digit4", 52, 0, 0 },
	{ "5", "%", "Digit5", 53, 0, 0 },
	{ "6", "^", "Digit6", 54, 0, 0 },
	{ "7", "&", "Digit7", 55, 0, 0 },
	{ "8", "*", "Digit8", 56, 0, 0 },
	{ "9", "(", "Digit9", 57, 0, 0 },
	{ "-", "_", "Minus", 189, 0, 0 },
	{ "=", "+", "Equal", 187, 0, 0 },
	{ "[", "{", "BracketLeft", 219, 0, 0 },
	{ "]", "}", "BracketRight", 221, 0, 0 },
	{ "\\", "|", "Backslash", 220, 0, 0 },
	{ ";", ":", "Semicolon", 186, 0, 0 },
	{ "'", "\"", "Quote", 222, 0, 0 },
	{ "`", "~", "Backquote", 192, 0, 0 },
	{ ",", "<", "Comma", 188, 0, 0 },
	{ ".", ">", "Period", 190, 0, 0 },
	{ "/", "?", "Slash", 191, 0, 0 },
	{ " ", NULL, "Space", 32, 0, 0 },
	{ "Enter", NULL, "Enter", 13, 0, 0 },
	{ "Tab", NULL, "Tab", 9, 0, 0 },
	{ "Backspace", NULL, "Backspace", 8, 0, 0 },
	{ "Delete", NULL, "Delete", 46, 0, 0 },
	{ "Insert", NULL, "Insert", 45, 0, 0 },
	{ "Escape", NULL, "Escape", 27, 0, 0 },
	{ "Home", NULL, "Home", 36, 0, 0 },
	{ "End", NULL, "End", 35, 0, 0 },
	{ "PageUp", NULL, "PageUp", 33, 0, 0 },
	{ "PageDown", NULL, "PageDown", 34, 0, 0 },
	{ "ArrowLeft", NULL, "ArrowLeft", 37, 0, 0 },
	{ "ArrowUp", NULL, "ArrowUp", 38, 0, 0 },
	{ "ArrowRight", NULL, "ArrowRight", 39, 0, 0 },
	{ "ArrowDown", NULL, "ArrowDown", 40, 0, 0 },
	{ "CapsLock", NULL, "CapsLock", 20, 0, 0 },
	{ "NumLock", NULL, "NumLock", 144, 0, 0 },
	{ "ScrollLock", NULL, "ScrollLock", 145, 0, 0 },
	{ "Pause", NULL, "Pause", 19, 0, 0 },
	{ "PrintScreen", NULL, "PrintScreen", 44, 0, 0 },
	{ "ContextMenu", NULL, "ContextMenu", 93, 0, 0 },
	{ "F1", NULL, "F1", 112, 0, 0 },
	{ "F2", NULL, "F2", 113, 0, 0 },
	{ "F3", NULL, "F3", 114, 0, 0 },
	{ "F4", NULL, "F4", 115, 0, 0 },
	{ "F5", NULL, "F5", 116, 0, 0 },
	{ "F6", NULL, "F6", 117, 0, 0 },
	{ "F7", NULL, "F7", 118, 0, 0 },
	{ "F8", NULL, "F8", 119, 0, 0 },
	{ "F9", NULL, "F9", 120, 0, 0 },
	{ "F10", NULL, "F10", 121, 0, 0 },
	{ "F11", NULL, "F11", 122, 0, 0 },
	{ "F12", NULL, "F12", 123, 0, 0 },
	{ "Shift", NULL, "ShiftLeft", 16, 1, KEY_SHIFT },
	{ "Shift", NULL, "ShiftRight", 16, 2, KEY_SHIFT },
	{ "Control", NULL, "ControlLeft", 17, 1, KEY_CONTROL },
	{ "Control", NULL, "ControlRight", 17, 2, KEY_CONTROL },
	{ "Alt", NULL, "AltLeft", 18, 1, KEY_ALT },
	{ "Alt", NULL, "AltRight", 18, 2, KEY_ALT },
	{ "Meta", NULL, "MetaLeft", 91, 1, KEY_META },
	{ "Meta", NULL, "MetaRight", 91, 2, KEY_META },
	{ "0", NULL, "Numpad0", 96, 3, 0 },
	{ "1", NULL, "Numpad1", 97, 3, 0 },
	{ "2", NULL, "Numpad2", 98, 3, 0 },
	{ "3", NULL, "Numpad3", 99, 3, 0 },
	{ "4", NULL, "Numpad4", 100, 3, 0 },
	{ "5", NULL, "Numpad5", 101, 3, 0 },
	{ "6", NULL, "Numpad6", 102, 3, 0 },
	{ "7", NULL, "Numpad7", 103, 3, 0 },
	{ "8", NULL, "Numpad8", 104, 3, 0 },
	{ "9", NULL, "Numpad9", 105, 3, 0 },
	{ "*", NULL, "NumpadMultiply", 106, 3, 0 },
	{ "+", NULL, "NumpadAdd", 107, 3, 0 },
	{ "-", NULL, "NumpadSubtract", 109, 3, 0 },
	{ ".", NULL, "NumpadDecimal", 110, 3, 0 },
	{ "/", NULL, "NumpadDivide", 111, 3, 0 },
	{ "Enter", NULL, "NumpadEnter", 13, 3, 0 },
};
/* clang-format on */

const struct key *
key_find(struct str name, bool *ret_shift)
{
	*ret_shift = false;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (str_eqz(name, keys[i].key) || str_eqz(name, keys[i].code))
			return &keys[i];
		if (keys[i].shifted && str_eqz(name, keys[i].shifted)) {
			*ret_shift = true;
			return &keys[i];
		}
	}
	return NULL;
}

const char *
key_near(const char *name)
{
	const char *names[ARRAY_LEN(keys) + 1];

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		names[i] = keys[i].key[1] ? keys[i].key : keys[i].code;
	names[ARRAY_LEN(keys)] = NULL;
	return near_name(name, names);
}

const char *
key_text(const struct key *key, bool shift)
{
	if (strcmp(key->key, "Enter") == 0)
		return "\r";
	if (key->key[1] != '\0')
		return "";
	return shift && key->shifted ? key->shifted : key->key;
}
