/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a decoded config into effect over CDP: what belongs to the browser context once, what
 * belongs to a page for each page and frame session, in one burst of commands that is not
 * waited for piece by piece.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "browser_format/config.h"

struct cdp;

/*
 * The proxy that the run's context is made with; both NULL for none. Everything else can be
 * changed on an open context.
 *
 * allowHosts without a proxy names one that does not exist, with the allowed hosts going around
 * it: what interception does not see (WebSockets, service workers) goes nowhere either.
 */
void config_proxy(const struct browser_config *config, struct arena *arena,
	const char **ret_proxy, const char **ret_bypass);

/*
 * Reads the storage state of the bundle, when the config names one, into *config. `issues` must
 * have the arena of config_decode(), *ret_tree must outlive *config. -1 with err.
 */
int config_load_storage(struct browser_config *config, const char *files, struct issues *issues,
	json_t **ret_tree, struct err *err) MUST_CHECK;

/* Puts one config into effect on the sessions of one run. */
struct config_applier;

/* Borrows both until it is freed. */
struct config_applier *config_applier_new(const struct browser_config *config, struct cdp *cdp)
	__attribute__((returns_nonnull));
struct config_applier *config_applier_free(struct config_applier *applier);
DEFINE_CLEANUP(struct config_applier *, config_applier_free)

/*
 * Once a run, before any session, on a context that has just been made: permissions and
 * cookies, and what the browser calls itself. Waits. -1 with err: INVALID names the member that
 * the browser refused.
 */
int config_apply_context(struct config_applier *applier, const char *context_id,
	int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/*
 * For each session, from the context's session hook: screen, locale, time zone, media, user
 * agent, storage, … Sends everything and does not wait. is_frame: an out-of-process frame,
 * which takes its screen from its page.
 */
void config_apply_session(struct config_applier *applier, const char *session, bool is_frame);

/* The cookies as Storage.setCookies takes them. Owned by the caller. */
json_t *config_cookies_json(const struct config_cookie *cookies, size_t n)
	__attribute__((returns_nonnull));

/*
 * Waits until the browser has answered what it may refuse of the sessions so far. -1 with err:
 * INVALID names the member that it refused.
 */
int config_settle(struct config_applier *applier, int64_t deadline_mono_ms, struct err *err)
	MUST_CHECK;
