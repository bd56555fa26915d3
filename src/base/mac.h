/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures under a key that only the server has: what it gives out and takes back later
 * (callback addresses) needs no row to be known again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

enum {
	MAC_KEY_BYTES = 32,
	MAC_BYTES = 16,
};

struct mac_key {
	uint8_t b[MAC_KEY_BYTES];
};

/*
 * Reads the key of a file, which is made (mode 0600) when it is not there. -1: CORRUPT (another
 * length), or what the file system said.
 */
int mac_key_load(struct mac_key *ret, const char *path, struct err *err) MUST_CHECK;

void mac_make(const struct mac_key *key, const void *data, size_t len, uint8_t out[MAC_BYTES]);

/* Takes the same time wherever they differ. */
bool mac_fits(
	const struct mac_key *key, const void *data, size_t len, const uint8_t mac[MAC_BYTES]);
