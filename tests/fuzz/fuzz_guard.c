/* SPDX-License-Identifier: Apache-2.0 */
/* URLs of outgoing requests: what passes has a plain host, and a literal in it is a public
 * address. */
#include "fuzz.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "http/guard.h"

static bool
literal_is_public(const struct guard_policy *policy, const struct guard_target *target)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, target->host, &v4.sin_addr) == 1)
		return guard_address_ok(policy, (struct sockaddr *)&v4);
	if (inet_pton(AF_INET6, target->host, &v6.sin6_addr) == 1)
		return guard_address_ok(policy, (struct sockaddr *)&v6);
	return false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct guard_policy policy = { 0 };
	struct guard_policy allowing = { 0 };
	struct guard_target target = { 0 };
	struct str text = str_from((const char *)data, size);
	struct err err = { 0 };

	(void)!guard_allow(&allowing, text, &err);
	if (guard_url(&policy, text, &target, &err) < 0) {
		FUZZ_CHECK(err.text[0] != '\0');
		return 0;
	}
	FUZZ_CHECK(target.host[0] != '\0');
	FUZZ_CHECK(strlen(target.host) <= GUARD_HOST_BYTES_MAX);
	FUZZ_CHECK(strpbrk(target.host, "@/?#%\\ []") == NULL);
	FUZZ_CHECK(target.port == 80 || target.port == 443);
	if (target.is_literal)
		(void)literal_is_public(&policy, &target); /* judged when it is pinned */
	return 0;
}
