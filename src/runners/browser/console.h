/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What pages say: console, uncaught exceptions, the browser's own log. Recorded within limits,
 * in order, for all sessions of a run.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/json.h"
#include "browser_format/config.h"

struct cdp;
struct console;

/*
 * Borrows both. -1 with err: a pattern of config.console.ignore is wrong.
 */
int console_new(struct console **ret, struct cdp *cdp, const struct browser_config *config,
	struct err *err) MUST_CHECK;
struct console *console_free(struct console *console);
DEFINE_CLEANUP(struct console *, console_free)

/* Begins to listen to a session, without waiting. */
void console_attach(struct console *console, const char *session);

size_t console_count(const struct console *console);

/* Number of entries that count as errors (enum console_fail) and match no pattern to ignore. */
size_t console_errors(const struct console *console, int console_fail);

/* One of them, numbered from 0: "source: text (url:line)". Valid until the end; NULL: none. */
const char *console_error(const struct console *console, int console_fail, size_t index);

/* Writes all entries, one JSON object a line. */
int console_write(const struct console *console, const char *path, struct err *err) MUST_CHECK;
