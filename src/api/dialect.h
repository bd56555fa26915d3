/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dialect: another system's wire format, served beside the native API.
 *
 * It is a table of routes on the API's own calls (api_impl.h), so access, limits, waiting and
 * the end of the server are the same; only paths and the shapes of bodies are its own. Native
 * routes are looked at first. Unknown query parameters are not refused, because other systems'
 * clients send what they like. docs/decisions/0017-dialects-are-routes.md.
 */
#pragma once

#include "api/api_impl.h"

struct dialect {
	const char *name; /* "octomind" */

	/* What is left of the path behind a prefix of the dialect, with the slash; p NULL: the
	 * path is none of its own. */
	struct str (*claim)(struct str path);

	const struct route *routes; /* ends with path NULL; `at_root` is not looked at */

	/* Writes the body of an answer that tells of a failure; may change the status and set
	 * call->type, which is JSON. `issues` may be NULL. */
	void (*problem)(struct call *call, enum problem_code code, const char *detail,
		const struct issues *issues, unsigned *status);
};
