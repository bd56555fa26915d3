/* SPDX-License-Identifier: Apache-2.0 */
/* Signature, flow, project, place, and the name of the stage to the end; as base64. */
#include "core/signal_token.h"

#include <string.h>

#include "base/limits.h"

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

/* --- Addresses --- */

struct naming {
	const struct mac_key *key;
	const char *base;
	struct signal_ref ref;
};

static void
put_url(json_t *object, struct naming *naming, size_t condition)
{
	_cleanup_(buf_deinit) struct buf url = BUF_INIT(URL_BYTES_MAX);

	naming->ref.condition = (int32_t)condition;
	if (buf_addf(&url, "%s/api/v1/signals/", naming->base) == 0 &&
		signal_token_make(naming->key, &naming->ref, &url) == 0)
		(void)json_object_set_new(object, "url", json_stringn(url.data, url.len));
}

static void
put_condition(json_t *object, struct naming *naming, json_t *condition, size_t i)
{
	const char *name = json_string_value(json_object_get(condition, "name"));
	json_t *named = json_object();
	char place[24];

	(void)snprintf(place, sizeof place, "%zu", i);
	put_url(named, naming, i);
	(void)json_object_set_new(object, name ? name : place, named);
}

static bool
is_signal(json_t *condition)
{
	return json_object_get(condition, "signal") != NULL;
}

static json_t *
urls_of_stage(struct naming *naming, json_t *wait)
{
	json_t *list = json_object_get(wait, "any"), *object = json_object(), *condition;
	size_t i, n = 0, only = 0;

	if (!list)
		list = json_object_get(wait, "all");
	json_array_foreach(list, i, condition)
	{
		if (!is_signal(condition))
			continue;
		put_condition(object, naming, condition, i);
		only = i;
		n++;
	}
	/* With several, nobody could tell whose it is. */
	if (n == 1 || (!list && is_signal(wait)))
		put_url(object, naming, only);
	return object;
}

json_t *
signal_urls(const struct mac_key *key, const char *base, int64_t project, struct job_id id,
	json_t *flow)
{
	struct naming naming = {
		.key = key, .base = base, .ref = { .project = project, .flow = id }
	};
	json_t *all = json_object(), *stage;
	size_t i;

	json_array_foreach(json_object_get(flow, "stages"), i, stage)
	{
		const char *name = json_string_value(json_object_get(stage, "name"));
		json_t *wait = json_object_get(stage, "wait");

		if (!name || !wait || strlen(name) >= sizeof naming.ref.stage)
			continue;
		memcpy(naming.ref.stage, name, strlen(name) + 1);
		(void)json_object_set_new(all, name, urls_of_stage(&naming, wait));
	}
	return all;
}
