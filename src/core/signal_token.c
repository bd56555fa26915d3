/* SPDX-License-Identifier: Apache-2.0 */
/* Signature, flow, project, place, and the name of the stage to the end; as base64. */
#include "core/signal_token.h"

#include <string.h>

enum {
	AT_FLOW = MAC_BYTES,
	AT_PROJECT = AT_FLOW + 16,
	AT_CONDITION = AT_PROJECT + 8,
	AT_STAGE = AT_CONDITION + 1,
	BYTES_MAX = AT_STAGE + SIGNAL_STAGE_BYTES_MAX,
};

int
signal_token_make(const struct mac_key *key, const struct signal_ref *ref, struct buf *out)
{
	uint8_t bytes[BYTES_MAX];
	size_t n = strlen(ref->stage);

	if (n > SIGNAL_STAGE_BYTES_MAX || ref->condition < 0 || ref->condition > UINT8_MAX)
		return -1;
	memcpy(bytes + AT_FLOW, ref->flow.u.b, 16);
	for (int i = 0; i < 8; i++)
		bytes[AT_PROJECT + i] = (uint8_t)((uint64_t)ref->project >> (56 - 8 * i));
	bytes[AT_CONDITION] = (uint8_t)ref->condition;
	memcpy(bytes + AT_STAGE, ref->stage, n);
	mac_make(key, bytes + AT_FLOW, AT_STAGE - AT_FLOW + n, bytes);
	return base64_encode(out, bytes, AT_STAGE + n, BASE64_URL);
}

int
signal_token_read(const struct mac_key *key, struct str text, struct signal_ref *ret)
{
	_cleanup_(buf_deinit) struct buf raw = BUF_INIT(BYTES_MAX);
	uint64_t project = 0;

	if (text.n > SIGNAL_TOKEN_TEXT_MAX || base64_decode(&raw, text, BASE64_URL) < 0 ||
		raw.len <= AT_STAGE)
		return -1;
	const uint8_t *bytes = (const uint8_t *)raw.data;
	if (!mac_fits(key, bytes + AT_FLOW, raw.len - AT_FLOW, bytes))
		return -1;
	memset(ret, 0, sizeof *ret);
	memcpy(ret->flow.u.b, bytes + AT_FLOW, 16);
	for (int i = 0; i < 8; i++)
		project = project << 8 | bytes[AT_PROJECT + i];
	ret->project = (int64_t)project;
	ret->condition = bytes[AT_CONDITION];
	memcpy(ret->stage, bytes + AT_STAGE, raw.len - AT_STAGE);
	return 0;
}
