/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guard of outgoing requests whose address somebody else chose (webhooks, polls, fetches).
 *
 * The URL is taken apart once, here; the host is resolved here; every address must be a public
 * one; and the connection is made to a checked address (guard_pin), so that a name that
 * resolves differently a moment later gains nothing. Redirects must come through here again.
 */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"

enum {
	GUARD_HOST_BYTES_MAX = 253,
	GUARD_ALLOWED_MAX = 64,
};

/* A range of addresses, v4 as v4-mapped v6. */
struct guard_range {
	uint8_t address[16];
	unsigned bits;
};

/* What an administrator allows besides public addresses. Zeroed: nothing. */
struct guard_policy {
	struct guard_range allowed[GUARD_ALLOWED_MAX];
	size_t n_allowed;
	const uint16_t *ports; /* allowed ports; NULL: 80 and 443 */
	size_t n_ports;
	bool loopback; /* the machine itself is allowed, on every port: for a server that only
			  the machine itself reaches */
};

struct guard_target {
	bool is_tls;
	char host[GUARD_HOST_BYTES_MAX + 3]; /* lower case, without brackets and trailing dot */
	uint16_t port;
	bool is_literal; /* host is an IP address */
};

/* Adds "10.1.0.0/16" or "fd00::/8" or one address. -1: INVALID, LIMIT. */
int guard_allow(struct guard_policy *policy, struct str range, struct err *err) MUST_CHECK;

/*
 * Takes the URL apart: http or https, no user info, a port that the policy allows somewhere, no
 * blanks, controls or non-ASCII bytes, no number forms of addresses but the dotted and the
 * bracketed one. -1: INVALID, LIMIT, DENIED.
 */
int guard_url(const struct guard_policy *policy, struct str url, struct guard_target *ret,
	struct err *err) MUST_CHECK;

/* True when the policy lets us connect there. Understands v4 inside v6 (mapped, 6to4, NAT64,
 * …). */
bool guard_address_ok(const struct guard_policy *policy, const struct sockaddr *address);

/*
 * Resolves the target (blocks: not on the loop's thread) and checks every address. *ret_pin is
 * a list for CURLOPT_RESOLVE, owned by the caller (curl_slist_free_all()). -1: DENIED when any
 * address is forbidden, or its port there, UNAVAILABLE when the name does not resolve.
 */
int guard_pin(const struct guard_policy *policy, const struct guard_target *target,
	struct curl_slist **ret_pin, struct err *err) MUST_CHECK;
