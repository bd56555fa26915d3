/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The `config` of a browser test: laying its layers over each other, and decoding the result
 * into a struct with every default filled in. The meaning of each member is in
 * docs/protocol/browser-config.md. Pure: no browser and no file is touched here;
 * runners/browser/config_apply.h puts it into effect. Lists are bounded, so an arena of
 * CONFIG_ARENA_BYTES_MAX is always enough.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json.h"

enum evidence_mode {
	EVIDENCE_OFF,
	EVIDENCE_ON,
	EVIDENCE_ON_FAILURE,
};

/* True when evidence of that mode is kept of a run that ended so. */
static inline bool
evidence_kept(enum evidence_mode mode, bool has_failed)
{
	return mode == EVIDENCE_ON || (mode == EVIDENCE_ON_FAILURE && has_failed);
}

enum wait_until {
	WAIT_UNTIL_COMMIT,
	WAIT_UNTIL_DOMCONTENTLOADED,
	WAIT_UNTIL_LOAD,
	WAIT_UNTIL_NETWORKIDLE,
};

enum console_fail {
	CONSOLE_FAIL_NEVER,
	CONSOLE_FAIL_EXCEPTIONS, /* uncaught exceptions and rejections */
	CONSOLE_FAIL_ERRORS,     /* those, console.error() and errors of the browser's log */
};

/* Same order as config_color_schemes[]. */
enum color_scheme {
	COLOR_SCHEME_LIGHT,
	COLOR_SCHEME_DARK,
	COLOR_SCHEME_NONE,
};

struct config_pair {
	const char *name, *value;
};

struct config_cookie {
	const char *name, *value;
	const char *url, *domain, *path; /* NULL: absent */
	double expires;                  /* seconds since 1970; < 0: with the session */
	bool http_only, is_secure;
	int same_site; /* 0: absent, else 1 + index of Strict, Lax, None */
};

/* One answer that is made here. Texts NULL: absent. */
struct config_mock {
	const char *url;            /* glob, or a regular expression between slashes */
	const char *const *methods; /* upper case; n_methods 0: any */
	size_t n_methods;
	int64_t status;
	struct config_pair *headers;
	size_t n_headers;
	const char *body; /* what to answer with; `json` is serialised into it */
	size_t body_len;
	const char *file;  /* of the bundle, instead of body */
	const char *abort; /* CDP's errorReason, instead of an answer */
	int64_t delay_ms;
	int64_t times; /* 0: without limit */
};

/* How two pictures are compared. Negative numbers: not given. */
struct config_compare {
	double threshold; /* 0 … 1 */
	int64_t max_diff_pixels;
	double max_diff_ratio; /* 0 … 1 */
	bool forgive_antialias;
	bool update; /* write what is missing or differs */
};

/*
 * Everything decoded, defaults filled in. Texts are NULL where nothing was said; all memory is
 * the arena's of the issues that config_decode() was given, or the JSON tree's.
 */
struct browser_config {
	/* The page. */
	int64_t width, height; /* CSS pixels */
	double scale;
	bool is_mobile, has_touch;
	const char *user_agent, *locale, *timezone;
	bool has_geolocation;
	double latitude, longitude, accuracy_m;
	const char **permissions; /* CDP's names, geolocation included when a place is set */
	size_t n_permissions;
	int color_scheme; /* enum color_scheme */
	bool reduced_motion, forced_colors, media_print, no_javascript;

	/* The network. */
	const char *base_url;
	struct config_pair *extra_headers;
	size_t n_extra_headers;
	const char *auth_user, *auth_password, *auth_origin;
	bool is_offline, has_throttle;
	int64_t latency_ms, download_bps, upload_bps; /* bytes a second; 0: unlimited */
	double cpu_throttle;                          /* 1: none */
	const char *proxy_server, *proxy_bypass, *proxy_user, *proxy_password;
	bool ignore_https_errors;
	bool block_ads;
	const char **ad_hosts;
	size_t n_ad_hosts;
	const char *ad_file; /* of the bundle */
	bool no_images;
	const char **block_hosts;
	size_t n_block_hosts;
	bool has_allow_hosts; /* an empty list forbids everything */
	const char **allow_hosts;
	size_t n_allow_hosts;
	struct config_mock *mocks;
	size_t n_mocks;
	struct config_cookie *cookies; /* those of storageState behind the others */
	size_t n_cookies;
	json_t *storage_origins;  /* [{origin, localStorage: [{name, value}]}] or NULL; borrowed
				   */
	const char *storage_file; /* of the bundle: a storageState to read */

	/* Times. 0: see docs/protocol/browser-config.md §6. */
	int64_t timeout_ms, action_timeout_ms, expect_timeout_ms, navigation_timeout_ms;
	int wait_until; /* enum wait_until */
	/* After each `open`. At most one of these is set. */
	int64_t wait_for_ms;
	int wait_for_state;        /* an enum wait_until, or -1 */
	json_t *wait_for_selector; /* text or object, as in a step; borrowed */

	/* Evidence. */
	int screenshot, video, har, dom; /* enum evidence_mode */
	bool full_page;
	int64_t video_width, video_height; /* the largest size */
	bool har_redacts, har_has_bodies;
	int console_fail; /* enum console_fail */
	const char **console_ignore;
	size_t n_console_ignore;
	struct config_compare compare;
	bool has_metrics;
};

/*
 * Lays the layers over each other, lowest first: a member of a later one replaces the earlier
 * one's whole value, null takes it away. A layer that is NULL or no object counts as empty.
 * Returns a new object, owned by the caller.
 */
json_t *config_merge(json_t *const *layers, size_t n) __attribute__((returns_nonnull));

/*
 * Decodes a (merged) config, NULL for an empty one, and fills in every default. `pointer` is
 * the config's own place in the document. Texts are copied to issues->arena; the members that
 * say so are borrowed from `config`.
 *
 * Returns 0; or -1 when offences were added to issues, all that were found.
 */
int config_decode(struct browser_config *ret, json_t *config, const char *pointer,
	struct issues *issues) MUST_CHECK;

/*
 * Checks one layer by itself, as config_decode() would, and adds its offences. What two layers
 * decide together, a cookie without an address and the baseURL of another layer, is passed. Of
 * `issues` only the offences need room in the arena. 0, or -1 with offences.
 */
int config_check(json_t *layer, const char *pointer, struct issues *issues) MUST_CHECK;

/*
 * Decodes one mock, as a step has it: the same members as those of `mocks`. 0, or -1 with
 * offences added.
 */
int config_decode_mock(struct config_mock *ret, json_t *value, const char *pointer,
	struct issues *issues) MUST_CHECK;

/* The same for a list of cookies. *ret is an array in the arena. */
int config_decode_cookies(struct config_cookie **ret, size_t *ret_n, json_t *list,
	const char *pointer, struct issues *issues) MUST_CHECK;

/*
 * The same for a storageState: its cookies go behind those that config has already, its origins
 * replace config->storage_origins.
 */
int config_decode_storage(struct browser_config *config, json_t *value, const char *pointer,
	struct issues *issues) MUST_CHECK;

/* Whether a path of the bundle is one: relative, without "..", no backslash. */
bool config_path_is_safe(const char *path);
