/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of a US keyboard, as browsers name them. */
#pragma once

#include "base/cleanup.h"
#include "base/str.h"

struct key {
	const char *key;     /* KeyboardEvent.key, unshifted */
	const char *shifted; /* the same with Shift, or NULL: no other */
	const char *code;    /* KeyboardEvent.code: the place on the keyboard */
	int virtual_code;    /* KeyboardEvent.keyCode */
	int location;        /* 0 standard, 1 left, 2 right, 3 number pad */
	unsigned modifier;   /* KEY_… that it is, or 0 */
};

/* The key with that .key (then *ret_shift says whether it needs Shift) or .code; NULL: none. */
const struct key *key_find(struct str name, bool *ret_shift);

/* The name that was probably meant, or NULL. */
const char *key_near(const char *name);

/* The text that it types; "" for none. */
const char *key_text(const struct key *key, bool shift);
