/* SPDX-License-Identifier: Apache-2.0 */
/* A keyed BLAKE2b over what the ticket says; the key lives as long as the server. */
#include "api/ticket.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"

enum {
	SAID_BYTES = 32,
	SIGNATURE_BYTES = 16,
};

static void
put_i64(uint8_t *out, int64_t value)
{
	for (int i = 0; i < 8; i++)
		out[i] = (uint8_t)((uint64_t)value >> (56 - 8 * i));
}

static int64_t
get_i64(const uint8_t *in)
{
	uint64_t value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | in[i];
	return (int64_t)value;
}

static void
sign(const uint8_t key[32], const uint8_t said[SAID_BYTES], uint8_t out[SIGNATURE_BYTES])
{
	(void)crypto_generichash(out, SIGNATURE_BYTES, said, SAID_BYTES, key, 32);
}

void
ticket_make(const uint8_t key[32], int64_t project, const struct run_id *run,
	int64_t until_wall_ms, char out[TICKET_TEXT_MAX])
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(TICKET_TEXT_MAX);
	uint8_t bytes[TICKET_BYTES];

	memcpy(bytes, run->u.b, 16);
	put_i64(bytes + 16, project);
	put_i64(bytes + 24, until_wall_ms);
	sign(key, bytes, bytes + SAID_BYTES);
	if (base64_encode(&text, bytes, sizeof bytes, BASE64_URL) < 0)
		abort(); /* the buffer is as long as the text */
	memcpy(out, text.data, text.len + 1);
}

int
ticket_read(const uint8_t key[32], struct str text, int64_t now_wall_ms, int64_t *ret_project,
	struct run_id *ret_run)
{
	_cleanup_(buf_deinit) struct buf bytes = BUF_INIT(TICKET_BYTES);
	uint8_t signature[SIGNATURE_BYTES];
	const uint8_t *said;

	if (base64_decode(&bytes, text, BASE64_URL) < 0 || bytes.len != TICKET_BYTES)
		return -1;
	said = (const uint8_t *)bytes.data;
	sign(key, said, signature);
	if (sodium_memcmp(signature, said + SAID_BYTES, SIGNATURE_BYTES) != 0 ||
		get_i64(said + 24) < now_wall_ms)
		return -1;
	memcpy(ret_run->u.b, said, 16);
	*ret_project = get_i64(said + 16);
	return 0;
}
