/* SPDX-License-Identifier: Apache-2.0 */
/* The runner of kind `browser`: docs/protocol/browser-tests.md. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

struct chromium;
struct kit;
struct kit_request;
struct kit_screen;

/* Serves descriptors 3 and 4. Returns the exit status. */
int runner_browser_main(void);

/* --- run.c --- */

/*
 * Carries out one run in a fresh context of the browser. warnings is consumed. launch_ms: what
 * getting the browser took. Returns the result's members.
 */
json_t *browser_run(struct kit *kit, const struct kit_request *request,
	struct chromium *chromium, json_t *warnings, int64_t launch_ms)
	__attribute__((returns_nonnull));

/* Whether the last run came as far as its first step. */
bool browser_run_has_begun(void);

/*
 * Closes what the last run used. To be called before anything else is done with the browser,
 * but behind the result if possible: nobody has to wait for it.
 */
void browser_run_tidy(void);

/* The worker's wish to see the run under way, or not any more. */
void browser_run_screen(const struct kit_screen *screen);

/* --- script.c --- */

/* What runs in a world of its own in every document; static. */
const char *browser_script(void) __attribute__((returns_nonnull));
