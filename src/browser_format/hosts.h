/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sets of host patterns (docs/protocol/browser-config.md §3 and §4): which hosts a run must
 * not, or may only, talk to. Made for lists of a million entries: a match is a few binary
 * searches, one for each label of the host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

struct host_set {
	struct buf text; /* entries: one byte of flags, the host, NUL */
	uint32_t *entry; /* their offsets, sorted by host when is_sorted; owned */
	size_t n, cap;
	bool is_sorted;
	bool has_ports; /* some pattern names a port */
	bool has_all;   /* "*" */
};

void host_set_init(struct host_set *set);
void host_set_deinit(struct host_set *set);

/* Adds one pattern. -1 with err: INVALID says what is wrong with it, LIMIT. */
int host_set_add(struct host_set *set, struct str pattern, struct err *err) MUST_CHECK;

/* What reading a file came across. */
struct host_file {
	size_t n_lines, n_added;
	size_t n_wrong;     /* lines that were skipped because they are no entries */
	size_t first_wrong; /* number of the first of them, from 1; 0: none */
};

/*
 * Adds the entries of a file of hosts. -1 with err: INVALID when more than half of the lines
 * that are neither empty nor comments are wrong, LIMIT.
 */
int host_set_add_file(struct host_set *set, struct str content, struct host_file *ret,
	struct err *err) MUST_CHECK;

/* Adds the advertising and tracking hosts that we know. */
void host_set_add_ads(struct host_set *set);

/* Whether a host (lower or upper case, IPv6 in brackets) and port are in the set. */
bool host_set_has(struct host_set *set, struct str host, unsigned port);

/*
 * The same for a URL. ret_has_host (may be NULL): whether the URL has a host at all; a URL
 * without one is never in the set.
 */
bool host_set_has_url(struct host_set *set, struct str url, bool *ret_has_host);

/* The host and port (default ones filled in, 0: unknown) of a URL. 0, or -1: it has none. */
int url_host(struct str url, struct str *ret_host, unsigned *ret_port) MUST_CHECK;
