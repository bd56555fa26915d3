/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation for each route. What the table of routes does not hold (which headers an
 * operation looks at, which refusals it knows) follows from its method, path and body, by the
 * same rules for all.
 */
#include "api/openapi.h"

#include <string.h>

#include "api/api_impl.h"
#include "api/schemas.h"

/* "a b c" → "a", leaving "b c". */
static struct str
next_word(struct str *rest)
{
	return str_split_first(rest, ' ');
}

static bool
is_media_type(struct str name)
{
	return memchr(name.p, '/', name.n) != NULL;
}

/* "Job[]" → "Job", and true. */
static bool
strip_list(struct str *name)
{
	if (name->n < 3 || memcmp(name->p + name->n - 2, "[]", 2) != 0)
		return false;
	name->n -= 2;
	return true;
}

static bool
has_text(const char *text, const char *part)
{
	return text && strstr(text, part) != NULL;
}

/* Resources with an ETag: two people may edit them. */
static bool
has_revision(const struct route *route)
{
	return has_text(route->path, "/tests/{") || has_text(route->path, "/templates/{") ||
		has_text(route->path, "/environments/{") ||
		has_text(route->path, "/projects/{") || has_text(route->path, "/schedules/{") ||
		has_text(route->path, "/queues/{") || has_text(route->path, "/quarantine/{") ||
		has_text(route->path, "/retention/{");
}

static bool
is_one_thing(const struct route *route)
{
	return route->path[strlen(route->path) - 1] == '}';
}

/*
 * What routes call by one word. Everything else is a schema, or a page of one, or a media type;
 * several stand for alternatives.
 */
static const struct {
	const char *word, *content;
} words[] = {
	{ "Text", "text/plain" },
	{ "Bytes", "application/octet-stream" },
	{ "Report", "text/html application/xml JobReport" },
	{ "Event[]", "text/event-stream Event[]" },
	{ "Frames", "text/event-stream" },
	{ "Jpeg", "image/jpeg" },
};

static const char *
content_of(const char *response)
{
	for (size_t i = 0; response && i < ARRAY_LEN(words); i++)
		if (strcmp(words[i].word, response) == 0)
			return words[i].content;
	return response;
}

static bool
has_param(const struct route *route, const char *name)
{
	for (const struct json_field *f = route->query; f && f->name; f++)
		if (strcmp(f->name, name) == 0)
			return true;
	return false;
}

/* --- Check --- */

static int
check_names(const struct route *route, const char *names, struct err *err)
{
	struct str rest = str_of(names);

	while (rest.n > 0) {
		struct str name = next_word(&rest);

		(void)strip_list(&name);
		if (!is_media_type(name) && !schema_exists(name))
			return err_set(err, ERR_INTERNAL,
				"route %s names no schema \"" STR_FMT "\"", route->path,
				STR_ARG(name));
	}
	return 0;
}

static int
check_routes(struct err *err)
{
	for (const struct route *route = routes; route->path; route++)
		if (check_names(route, content_of(route->request), err) < 0 ||
			check_names(route, content_of(route->response), err) < 0)
			return -1;
	return 0;
}

/* --- Parameters --- */

static void
write_path_params(struct jw *jw, const struct route *route)
{
	for (const char *p = strchr(route->path, '{'); p; p = strchr(p, '{')) {
		const char *end = strchr(p, '}');
		bool is_rest = end[-1] == '*';

		jw_obj(jw);
		jw_key(jw, "name");
		jw_strn(jw, p + 1, (size_t)(end - p - 1) - is_rest);
		jw_kstr(jw, "in", "path");
		jw_kbool(jw, "required", true);
		if (is_rest)
			jw_kstr(jw, "description", "May contain slashes.");
		jw_kraw(jw, "schema", "{\"type\":\"string\"}");
		jw_end_obj(jw);
		p = end;
	}
}

static void
write_query_params(struct jw *jw, const struct route *route)
{
	for (const struct json_field *f = route->query; f && f->name; f++) {
		jw_obj(jw);
		jw_kstr(jw, "name", f->name);
		jw_kstr(jw, "in", "query");
		if (f->required)
			jw_kbool(jw, "required", true);
		jw_key(jw, "schema");
		schema_write_field(jw, f);
		jw_end_obj(jw);
	}
}

static void
write_header_ref(struct jw *jw, const char *name)
{
	char ref[80];

	(void)snprintf(ref, sizeof ref, "#/components/parameters/%s", name);
	jw_obj(jw);
	jw_kstr(jw, "$ref", ref);
	jw_end_obj(jw);
}

static void
write_headers(struct jw *jw, const struct route *route)
{
	if (route->method == HTTP_POST && route->body != BODY_STREAM &&
		route->scope == SCOPE_WRITE)
		write_header_ref(jw, "IdempotencyKey");
	if (has_revision(route) && is_one_thing(route)) {
		if (route->method == HTTP_GET)
			write_header_ref(jw, "IfNoneMatch");
		if (route->method == HTTP_PUT || route->method == HTTP_DELETE ||
			route->method == HTTP_PATCH)
			write_header_ref(jw, "IfMatch");
	}
	if (has_text(content_of(route->response), "text/event-stream"))
		write_header_ref(jw, "LastEventId");
}

static void
write_params(struct jw *jw, const struct route *route)
{
	jw_karr(jw, "parameters");
	write_path_params(jw, route);
	write_query_params(jw, route);
	write_headers(jw, route);
	jw_end_arr(jw);
}

/* --- Bodies --- */

/* A page of a list. */
static void
write_page(struct jw *jw, struct str item)
{
	jw_obj(jw);
	jw_kstr(jw, "type", "object");
	jw_kraw(jw, "required", "[\"items\"]");
	jw_kobj(jw, "properties");
	jw_kobj(jw, "items");
	jw_kstr(jw, "type", "array");
	jw_key(jw, "items");
	schema_write_ref(jw, item);
	jw_end_obj(jw);
	jw_kraw(jw, "nextCursor",
		"{\"type\":\"string\",\"description\":\"For ?cursor=; absent on the last page.\"}");
	jw_kraw(jw, "total",
		"{\"type\":\"integer\",\"description\":\"With ?count=true: matches of the filter in all.\"}");
	jw_kraw(jw, "durable",
		"{\"type\":\"string\",\"description\":\"In answers to writes: what the write survived.\"}");
	jw_end_obj(jw);
	jw_end_obj(jw);
}

static void
write_named(struct jw *jw, struct str name)
{
	if (strip_list(&name))
		write_page(jw, name);
	else
		schema_write_ref(jw, name);
}

/* Media types as they are; all schemas together under application/json. */
static void
write_content(struct jw *jw, const char *names)
{
	struct str rest = str_of(names), name, json[4];
	size_t n = 0;

	jw_kobj(jw, "content");
	while (rest.n > 0) {
		char type[80];

		name = next_word(&rest);
		if (!is_media_type(name)) {
			if (n < ARRAY_LEN(json))
				json[n++] = name;
			continue;
		}
		(void)snprintf(type, sizeof type, STR_FMT, STR_ARG(name));
		jw_kraw(jw, type, "{\"schema\":{\"type\":\"string\"}}");
	}
	if (n > 0) {
		jw_kobj(jw, "application/json");
		jw_key(jw, "schema");
		if (n > 1) {
			jw_obj(jw);
			jw_karr(jw, "anyOf");
		}
		for (size_t i = 0; i < n; i++)
			write_named(jw, json[i]);
		if (n > 1) {
			jw_end_arr(jw);
			jw_end_obj(jw);
		}
		jw_end_obj(jw);
	}
	jw_end_obj(jw);
}

static void
write_request_body(struct jw *jw, const struct route *route)
{
	if (route->body == BODY_NONE)
		return;
	jw_kobj(jw, "requestBody");
	jw_kbool(jw, "required", route->body == BODY_JSON || route->body == BODY_BYTES);
	if (route->request)
		write_content(jw, content_of(route->request));
	else if (route->body == BODY_STREAM)
		write_content(jw, "application/octet-stream");
	else
		jw_kraw(jw, "content",
			"{\"application/json\":{\"schema\":{\"type\":\"object\"}}}");
	jw_end_obj(jw);
}

/* --- Responses --- */

static void
write_refusal(struct jw *jw, const char *status)
{
	jw_kobj(jw, status);
	jw_kstr(jw, "$ref", "#/components/responses/Problem");
	jw_end_obj(jw);
}

static void
write_refusals(struct jw *jw, const struct route *route)
{
	bool writes = route->method != HTTP_GET;

	if (route->query || route->body == BODY_JSON || route->body == BODY_JSON_OPTIONAL)
		write_refusal(jw, "400");
	if (route->scope != SCOPE_PUBLIC) {
		write_refusal(jw, "401");
		write_refusal(jw, "403");
	}
	if (strchr(route->path, '{'))
		write_refusal(jw, "404");
	if (writes)
		write_refusal(jw, "409");
	if (writes && has_revision(route) && is_one_thing(route))
		write_refusal(jw, "412");
	if (route->body != BODY_NONE)
		write_refusal(jw, "413");
	if (route->body == BODY_BYTES) /* of a run that is not looked at */
		write_refusal(jw, "410");
	if (!route->any_type &&
		(route->body == BODY_JSON || route->body == BODY_JSON_OPTIONAL ||
			route->body == BODY_BYTES))
		write_refusal(jw, "415");
	write_refusal(jw, "default");
}

static const char *
success_text(unsigned status)
{
	switch (status) {
	case 201:
		return "Made.";
	case 202:
		return "Accepted.";
	case 204:
		return "Done; there is nothing to say.";
	default:
		return "As asked.";
	}
}

static void
write_responses(struct jw *jw, const struct route *route)
{
	unsigned ok = route->ok ? route->ok : 200;
	char status[12];

	(void)snprintf(status, sizeof status, "%u", ok);
	jw_kobj(jw, "responses");
	jw_kobj(jw, status);
	jw_kstr(jw, "description", success_text(ok));
	if (route->response)
		write_content(jw, content_of(route->response));
	jw_end_obj(jw);
	/* A dry run makes nothing. */
	if (has_param(route, "dryRun") && !has_text(route->path, "/archive")) {
		jw_kobj(jw, "200");
		jw_kstr(jw, "description",
			has_text(route->path, "/schedules")
				? "With dryRun=true: what would be done."
				: "With dryRun=true: what would be done. Else: the job that holds the unique key.");
		write_content(jw,
			has_text(route->path, "/schedules")      ? "SchedulePreview"
				: has_text(route->path, ":bulk") ? "Plan"
								 : "PlanOrJob");
		jw_end_obj(jw);
	}
	/* Under a name that is new. */
	if (route->method == HTTP_PUT && has_revision(route) &&
		!has_text(route->path, "/queues/") && !has_text(route->path, "/quarantine/") &&
		!has_text(route->path, "/retention/")) {
		jw_kobj(jw, "201");
		jw_kstr(jw, "description", success_text(201));
		write_content(jw, route->response);
		jw_end_obj(jw);
	}
	if (has_text(content_of(route->response), "text/event-stream"))
		jw_kraw(jw, "204", "{\"description\":\"Nothing comes any more.\"}");
	if (route->method == HTTP_GET && has_revision(route) && is_one_thing(route))
		jw_kraw(jw, "304", "{\"description\":\"It is as If-None-Match says.\"}");
	write_refusals(jw, route);
	jw_end_obj(jw);
}

/* --- Operations --- */

static const char *const method_keys[HTTP_METHOD_COUNT] = {
	[HTTP_GET] = "get",
	[HTTP_POST] = "post",
	[HTTP_PUT] = "put",
	[HTTP_DELETE] = "delete",
	[HTTP_PATCH] = "patch",
};

/* "/jobs/{id}/runs" belongs to "jobs", "/jobs:bulk" too. */
static struct str
tag_of(const struct route *route)
{
	size_t n = strcspn(route->path + 1, "/:");

	return str_from(route->path + 1, n);
}

static void
write_operation(struct jw *jw, const struct route *route)
{
	struct str tag = tag_of(route);

	jw_kobj(jw, method_keys[route->method]);
	jw_kstr_opt(jw, "operationId", route->id);
	jw_kstr_opt(jw, "summary", route->summary);
	jw_karr(jw, "tags");
	jw_strn(jw, tag.p, tag.n);
	jw_end_arr(jw);
	if (route->scope == SCOPE_PUBLIC)
		jw_kraw(jw, "security", "[]");
	write_params(jw, route);
	write_request_body(jw, route);
	write_responses(jw, route);
	jw_end_obj(jw);
}

/* The path without the star of a last {name*}. */
static void
write_path_key(struct jw *jw, const char *path)
{
	char text[200];
	size_t n = 0;

	for (const char *p = path; *p && n + 1 < sizeof text; p++)
		if (*p != '*')
			text[n++] = *p;
	text[n] = '\0';
	jw_kobj(jw, text);
}

static bool
is_first_of_path(const struct route *route)
{
	for (const struct route *r = routes; r < route; r++)
		if (strcmp(r->path, route->path) == 0)
			return false;
	return true;
}

static void
write_paths(struct jw *jw)
{
	jw_kobj(jw, "paths");
	for (const struct route *route = routes; route->path; route++) {
		if (!is_first_of_path(route))
			continue;
		write_path_key(jw, route->path);
		if (route->at_root)
			jw_kraw(jw, "servers", "[{\"url\":\"/\"},{\"url\":\"/api/v1\"}]");
		for (const struct route *r = route; r->path; r++)
			if (strcmp(r->path, route->path) == 0)
				write_operation(jw, r);
		jw_end_obj(jw);
	}
	jw_end_obj(jw);
}

/* --- Components --- */

static void
write_header_param(struct jw *jw, const char *key, const char *name, const char *about)
{
	jw_kobj(jw, key);
	jw_kstr(jw, "name", name);
	jw_kstr(jw, "in", "header");
	jw_kstr(jw, "description", about);
	jw_kraw(jw, "schema", "{\"type\":\"string\"}");
	jw_end_obj(jw);
}

static void
write_components(struct jw *jw)
{
	jw_kobj(jw, "components");
	jw_kraw(jw, "securitySchemes",
		"{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
		"\"apiKey\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"x-api-key\"}}");
	jw_kobj(jw, "parameters");
	write_header_param(jw, "IdempotencyKey", "Idempotency-Key",
		"At most 200 bytes. The same request again with the same key is answered as the first one was, for a day; another request with it is refused with 409 idempotency_mismatch.");
	write_header_param(jw, "IfMatch", "If-Match",
		"The ETag of what is to be changed; 412 when it was changed meanwhile.");
	write_header_param(
		jw, "IfNoneMatch", "If-None-Match", "An ETag; 304 when it is still so.");
	write_header_param(jw, "LastEventId", "Last-Event-ID",
		"Number of the last event that arrived: the stream goes on after it.");
	jw_end_obj(jw);
	jw_kraw(jw, "responses",
		"{\"Problem\":{\"description\":\"Refused, with the reason.\","
		"\"content\":{\"application/problem+json\":{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}}");
	jw_key(jw, "schemas");
	schemas_write(jw);
	jw_end_obj(jw);
}

static void
write_info(struct jw *jw)
{
	jw_kobj(jw, "info");
	jw_kstr(jw, "title", "Proctor");
	jw_kstr(jw, "version", PROCTOR_VERSION);
	jw_kstr(jw, "summary", "Long-running tests as durable jobs.");
	jw_kraw(jw, "license", "{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}");
	jw_end_obj(jw);
}

int
openapi_write(struct buf *out, struct err *err)
{
	struct jw jw;

	if (check_routes(err) < 0)
		return -1;
	jw_init(&jw, out);
	jw_obj(&jw);
	jw_kstr(&jw, "openapi", "3.1.0");
	write_info(&jw);
	jw_kraw(&jw, "servers", "[{\"url\":\"/api/v1\"}]");
	jw_kraw(&jw, "security", "[{\"bearer\":[]},{\"apiKey\":[]}]");
	write_paths(&jw);
	write_components(&jw);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return err_set(err, ERR_LIMIT, "the OpenAPI document does not fit");
	return 0;
}
