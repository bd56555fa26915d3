/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test case is run with: the address, the environment, the browser. The same facts make
 * a test of ours (to_browser.h) and a file for Playwright (code.h).
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "dialects/octomind/case.h"

struct octo_account {
	const char *username, *password; /* or NULL: there is none */
};

struct octo_run {
	const char *url; /* that is tested: of the execution, else of the environment */
	json_t *headers; /* additionalHeaderFields { name: text }, or NULL; borrowed */
	struct octo_account basic_auth;   /* of HTTP */
	struct octo_account test_account; /* $OCTO_USERNAME, $OCTO_PASSWORD */
	const char *otp_key;              /* of the test account, base 32: $OCTO_OTP; or NULL */
	json_t *vars;            /* { NAME: text } of octo_vars_pick(), or NULL; borrowed */
	const char *stable_uuid; /* $OCTO_STABLE_UUID, or NULL */
	enum octo_browser browser;
	enum octo_breakpoint breakpoint;
	int64_t step_timeout_ms;       /* timeoutPerStep of the test target; 0: ours */
	const char *test_id_attribute; /* testIdAttribute of the test target, or NULL */
};

/*
 * Static variables of the run with the built-in ones, { NAME: text }; given ones do not replace
 * those. The caller owns the result.
 */
json_t *octo_run_statics(const struct octo_run *run) __attribute__((returns_nonnull));

/*
 * The names that EXTRACT sets in the chain, { NAME: whether it always does }, and "*" when
 * there is JAVASCRIPT, which may set any. The caller owns the result.
 */
json_t *octo_run_dynamics(const struct octo_chain *chain) __attribute__((returns_nonnull));

/*
 * Why the element cannot be carried out here, or NULL: what is not here (a mailbox, a sandbox,
 * a key for one-time passwords), or selectors that name nothing.
 */
const char *octo_refusal(const struct octo_element *element, json_t *statics);

/* Whether what the element does is done to an element of the page, as selectors name it. */
bool octo_has_target(const struct octo_element *element);

/* JavaScript that holds once WAIT_FOR need wait no longer; NULL where that is no condition. */
const char *octo_wait_code(enum octo_wait wait);

/*
 * The address `path` as a link of `base` would have it: complete ones stay, "/x" begins at the
 * host, others lie beside the last "/". Text beginning with a variable stays. NULL path: base.
 * The caller owns the result.
 */
char *octo_url_join(const char *base, const char *path) __attribute__((returns_nonnull));

/* scheme://host[:port] of an address. Owned by the caller. */
char *octo_url_origin(const char *url) __attribute__((returns_nonnull));
