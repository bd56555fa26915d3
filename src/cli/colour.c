/* SPDX-License-Identifier: Apache-2.0 */
/* The few colours of ECMA-48 that every terminal has. */
#include "cli/colour.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
colour_wanted(int fd)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	if (no_color && no_color[0])
		return false;
	return isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}

const char *
colour_begin(enum colour colour, bool on)
{
	static const char *const sequences[COLOUR_COUNT] = {
		[COLOUR_NONE] = "",
		[COLOUR_BOLD] = "\x1b[1m",
		[COLOUR_DIM] = "\x1b[2m",
		[COLOUR_GREEN] = "\x1b[32m",
		[COLOUR_RED] = "\x1b[31m",
		[COLOUR_YELLOW] = "\x1b[33m",
	};

	return on ? sequences[colour] : "";
}

const char *
colour_end(enum colour colour, bool on)
{
	return on && colour != COLOUR_NONE ? "\x1b[0m" : "";
}
