/* SPDX-License-Identifier: Apache-2.0 */
/* Colours for terminals. */
#pragma once

#include <stdbool.h>

enum colour {
	COLOUR_NONE,
	COLOUR_BOLD,
	COLOUR_DIM,
	COLOUR_GREEN,
	COLOUR_RED,
	COLOUR_YELLOW,
	COLOUR_COUNT
};

/* True when the descriptor is a terminal that may be coloured: NO_COLOR and TERM=dumb say no.
 */
bool colour_wanted(int fd);

/* The sequence that begins or ends a colour; "" when `on` is false. */
const char *colour_begin(enum colour colour, bool on);
const char *colour_end(enum colour colour, bool on);
