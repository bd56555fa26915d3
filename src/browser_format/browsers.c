/* SPDX-License-Identifier: Apache-2.0 */
/* A table of names. */
#include "browser_format/browsers.h"

#include <strings.h>

#include "base/mem.h"

int
browser_build_find(const char *name, enum browser_build *ret)
{
	static const struct {
		const char *name;
		enum browser_build build;
	} names[] = {
		{ "chromium", BROWSER_BUILD_SHELL },
		{ "chromium-headless-shell", BROWSER_BUILD_SHELL },
		{ "chrome", BROWSER_BUILD_SHELL },
		{ "chromium-full", BROWSER_BUILD_FULL },
	};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcasecmp(names[i].name, name) == 0) {
			*ret = names[i].build;
			return 0;
		}
	return 1;
}
