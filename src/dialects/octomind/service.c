/* SPDX-License-Identifier: Apache-2.0 */
/* Small things that every handler of the dialect needs. */
#include "dialects/octomind/service.h"

#include <string.h>

/* --- Bodies and parameters --- */

json_t *
octo_body(struct call *call)
{
	struct octo_issues issues = { .arena = call->arena };

	if (json_is_object(call->json))
		return call->json;
	octo_issues_type(&issues, NULL, "object", call->json);
	octo_refuse(call, &issues);
	return NULL;
}

const char *
octo_text(json_t *object, const char *name, bool is_required, struct octo_issues *issues)
{
	json_t *value = json_object_get(object, name);

	if (!is_required && (!value || json_is_null(value)))
		return NULL;
	if (json_is_string(value))
		return json_string_value(value);
	octo_issues_type(issues, OCTO_MEMBER(NULL, name), "string", value);
	return NULL;
}

int
octo_word_in(json_t *object, const char *name, const char *const *names, int absent,
	struct octo_issues *issues)
{
	const char *word = octo_text(object, name, false, issues);
	int index = word ? octo_word(names, word) : absent;

	if (word && index < 0)
		octo_issues_word(issues, OCTO_MEMBER(NULL, name), names, word);
	return index;
}

const char *
octo_param(const struct call *call, const char *name)
{
	for (size_t i = 0; i < call->req->n_query; i++)
		if (strcmp(call->req->query[i].name, name) == 0)
			return call->req->query[i].value;
	return NULL;
}

json_t *
octo_json_param(const struct call *call, const char *name, struct octo_issues *issues)
{
	const char *text = octo_param(call, name);
	struct err err;
	json_t *value;

	if (!text || !*text)
		return NULL;
	value = json_read(text, strlen(text), JSON_DEPTH_MAX, &err);
	if (!value)
		octo_issues_add(issues, OCTO_MEMBER(NULL, name), "invalid_type", "JSON",
			"string", "%s", err.text);
	return value;
}

/* --- Answers --- */

void
octo_refuse(struct call *call, const struct octo_issues *issues)
{
	struct jw jw = call_jw(call);

	octo_issues_write(issues, &jw);
	octo_reply(call, &jw, 400);
}

int
octo_refuse_read(struct call *call, const struct octo_issues *issues, struct err *err)
{
	struct jw jw = call_jw(call);

	octo_issues_write(issues, &jw);
	call->status = 400;
	return call_written(call, &jw, err);
}

void
octo_reply(struct call *call, struct jw *jw, unsigned status)
{
	if (call_written(call, jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, status);
}

const char *
octo_base_url(const struct call *call)
{
	const char *host = http_header_get(call->req, "Host");
	const char *url;

	/* Without a setting the API calls itself what it listens on. */
	if (!host || strcmp(call->api->public_url, call->api->url) != 0)
		return call->api->public_url;
	url = arena_printf(call->arena, "http://%s", host);
	return url ? url : call->api->public_url;
}

/* --- Trees --- */

json_t *
octo_escaped(const char *text)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(SIZE_MAX);

	for (const char *at = text; *at; at++) {
		if (strncmp(at, "${{", 3) == 0)
			(void)!buf_addc(&out, '$'); /* without a limit */
		(void)!buf_addc(&out, *at);
	}
	return json_stringn(buf_text(&out), out.len);
}

void
octo_escape(json_t *tree)
{
	const char *key;
	json_t *value;
	size_t index;
	void *next;

	json_object_foreach_safe(tree, next, key, value)
	{
		if (json_is_string(value) && strstr(json_string_value(value), "${{"))
			(void)json_object_set_new(
				tree, key, octo_escaped(json_string_value(value)));
		else
			octo_escape(value);
	}
	json_array_foreach(tree, index, value)
	{
		if (json_is_string(value) && strstr(json_string_value(value), "${{"))
			(void)json_array_set_new(
				tree, index, octo_escaped(json_string_value(value)));
		else
			octo_escape(value);
	}
}
