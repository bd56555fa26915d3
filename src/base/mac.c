/* SPDX-License-Identifier: Apache-2.0 */
/* BLAKE2b with a key. */
#include "base/mac.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/rand.h"

int
mac_key_load(struct mac_key *ret, const char *path, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(2 * MAC_KEY_BYTES);
	struct err why;

	if (file_read(path, 2 * MAC_KEY_BYTES, &text, &why) == 0) {
		if (text.len != MAC_KEY_BYTES)
			return err_set(err, ERR_CORRUPT, "%s: not a key of %d bytes", path,
				MAC_KEY_BYTES);
		memcpy(ret->b, text.data, MAC_KEY_BYTES);
		return 0;
	}
	if (why.code != ERR_NOT_FOUND)
		return err_set(err, why.code, "%s", why.text);
	rand_bytes(ret->b, sizeof ret->b);
	return file_write_atomic(path, ret->b, sizeof ret->b, 0600, err);
}

void
mac_make(const struct mac_key *key, const void *data, size_t len, uint8_t out[MAC_BYTES])
{
	(void)crypto_generichash(out, MAC_BYTES, data, len, key->b, MAC_KEY_BYTES);
}

bool
mac_fits(const struct mac_key *key, const void *data, size_t len, const uint8_t mac[MAC_BYTES])
{
	uint8_t own[MAC_BYTES];

	mac_make(key, data, len, own);
	return sodium_memcmp(own, mac, MAC_BYTES) == 0;
}
