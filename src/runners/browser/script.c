/* SPDX-License-Identifier: Apache-2.0 */
/* The files of inject/ as one function, put together once. */
#include "base/mem.h"
#include "runners/browser/browser.h"
#include "runners/browser/inject.h"

const char *
browser_script(void)
{
	static char *script;

	if (!script)
		script = xasprintf("(() => {\n%s%s%s%s%s%s})()", inject_text, inject_role,
			inject_find, inject_ready, inject_look, inject_main);
	return script;
}
