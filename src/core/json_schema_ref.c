/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of schemas and references to them (RFC 3986, 5). Everything is looked up among the
 * names of the document itself: there is no way out of it.
 */
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "core/json_schema_impl.h"
#include "core/lang_value.h"

struct schema_pending {
	struct schema_pending *next;
	struct schema_rule *rule;
	bool is_dynamic;
	const char *pointer;
	struct schema_resource *resource; /* that the reference is relative to */
};

/* --- Addresses --- */

struct uri {
	struct str scheme, authority, path, query, fragment; /* p NULL: there is none */
};

static bool
is_scheme(struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

		if (!is_letter && (i == 0 || !strchr("0123456789+-.", c)))
			return false;
	}
	return text.n > 0;
}

/* The part before the first of `ends`; *rest begins with that one. */
static struct str
take_until(struct str *rest, const char *ends)
{
	size_t n = 0;

	while (n < rest->n && !strchr(ends, rest->p[n]))
		n++;
	struct str part = str_from(rest->p, n);

	*rest = str_from(rest->p + n, rest->n - n);
	return part;
}

static struct str
without(struct str text, size_t n)
{
	return str_from(text.p + n, text.n - n);
}

static struct uri
split_uri(struct str text)
{
	struct uri uri = { 0 };
	struct str rest = text, head = take_until(&rest, ":/?#");

	if (rest.n > 0 && rest.p[0] == ':' && is_scheme(head)) {
		uri.scheme = head;
		rest = without(rest, 1);
	} else {
		rest = text;
	}
	if (str_starts(rest, STR("//"))) {
		rest = without(rest, 2);
		uri.authority = take_until(&rest, "/?#");
	}
	uri.path = take_until(&rest, "?#");
	if (rest.n > 0 && rest.p[0] == '?') {
		rest = without(rest, 1);
		uri.query = take_until(&rest, "#");
	}
	if (rest.n > 0)
		uri.fragment = without(rest, 1);
	return uri;
}

/* Appends a path without "." and ".." segments. */
static int
add_clean_path(struct buf *out, struct str path)
{
	size_t begin = out->len;

	while (path.n > 0) {
		size_t n = 1;

		while (n < path.n && path.p[n] != '/')
			n++;
		struct str segment = str_from(path.p, n);
		bool is_last = n == path.n;
		bool is_up = str_eqz(segment, "/..");

		path = without(path, n);
		if (!is_up && !str_eqz(segment, "/.")) {
			if (buf_add_str(out, segment) < 0)
				return -1;
			continue;
		}
		while (is_up && out->len > begin && out->data[out->len - 1] != '/')
			buf_truncate(out, out->len - 1);
		if (is_up && out->len > begin)
			buf_truncate(out, out->len - 1);
		if (is_last && buf_addc(out, '/') < 0)
			return -1;
	}
	return 0;
}

/* The path of a reference laid over the path of its base. */
static int
add_merged_path(struct buf *out, const struct uri *base, struct str path)
{
	_cleanup_(buf_deinit) struct buf merged = BUF_INIT(2 * URL_BYTES_MAX);
	size_t n = base->path.n;

	while (n > 0 && base->path.p[n - 1] != '/')
		n--;
	if (path.n > 0 && path.p[0] == '/')
		n = 0;
	if ((base->authority.p && base->path.n == 0 && path.p[0] != '/' &&
		    buf_addc(&merged, '/') < 0) ||
		buf_add(&merged, base->path.p, n) < 0 || buf_add_str(&merged, path) < 0)
		return -1;
	return add_clean_path(out, buf_str(&merged));
}

static int
add_part(struct buf *out, const char *before, struct str part, const char *after)
{
	if (!part.p)
		return 0;
	return buf_adds(out, before) < 0 || buf_add_str(out, part) < 0 ||
			buf_adds(out, after) < 0
		? -1
		: 0;
}

/* The address without fragment that `ref` means inside `base`. -1: too long. */
static int
resolve_uri(const char *base_text, const struct uri *ref, struct buf *out)
{
	struct uri base = split_uri(str_of(base_text));
	bool is_whole = ref->scheme.p != NULL, has_authority = is_whole || ref->authority.p;
	bool has_path = has_authority || ref->path.n > 0;
	int r;

	if (add_part(out, "", is_whole ? ref->scheme : base.scheme, ":") < 0 ||
		add_part(out, "//", has_authority ? ref->authority : base.authority, "") < 0)
		return -1;
	if (has_authority)
		r = add_clean_path(out, ref->path);
	else if (has_path)
		r = add_merged_path(out, &base, ref->path);
	else
		r = buf_add_str(out, base.path);
	if (r < 0)
		return -1;
	return add_part(out, "?", has_path || ref->query.p ? ref->query : base.query, "");
}

static struct schema_resource *
find_resource(const struct schema_compiler *c, const char *uri)
{
	struct schema_resource *resource = c->resources;

	while (resource && strcmp(resource->uri, uri) != 0)
		resource = resource->next;
	return resource;
}

/* --- Names --- */

static int
wrong(struct schema_compiler *c, const char *pointer, const char *name, const char *what)
{
	issues_add_member(c->issues, pointer, name, ISSUE_INVALID, "%s", what);
	return -1;
}

static int
add_anchor(struct schema_compiler *c, struct schema_anchor **list, struct str name,
	struct schema *schema)
{
	struct schema_anchor *anchor = schema_alloc(c, 1, sizeof *anchor);

	if (!anchor)
		return -1;
	*anchor = (struct schema_anchor) { *list, name, schema };
	*list = anchor;
	return 0;
}

static const struct schema_anchor *
find_anchor(const struct schema_anchor *list, struct str name)
{
	while (list && !str_eq(list->name, name))
		list = list->next;
	return list;
}

static bool
is_anchor_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.p[i];
		bool begins = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';

		if (!begins && (i == 0 || !strchr("0123456789.-", c)))
			return false;
	}
	return name.n > 0;
}

/* $anchor or $dynamicAnchor. */
static int
take_anchor(struct schema_compiler *c, json_t *value, const char *pointer, const char *keyword,
	struct schema *schema, struct schema_resource *resource)
{
	const json_t *name = json_object_get(value, keyword);
	bool is_dynamic = strcmp(keyword, "$dynamicAnchor") == 0;

	if (!name)
		return 0;
	if (!json_is_string(name) || !is_anchor_name(lang_str(name)))
		return wrong(c, pointer, keyword,
			"a name is expected: a letter or _, then letters, digits, \"_\", \".\", \"-\"");
	if (is_dynamic && add_anchor(c, &resource->dynamic_anchors, lang_str(name), schema) < 0)
		return -1;
	if (find_anchor(resource->anchors, lang_str(name)))
		return wrong(c, pointer, keyword, "another schema has this anchor");
	return add_anchor(c, &resource->anchors, lang_str(name), schema);
}

/* A schema with an $id: a resource of its own, or the document, which gets its address. */
static int
take_id(struct schema_compiler *c, json_t *value, const char *pointer, struct str text,
	struct schema_resource **resource)
{
	_cleanup_(buf_deinit) struct buf address = BUF_INIT(URL_BYTES_MAX);
	struct uri id = split_uri(text);
	struct schema_resource *own = *resource;

	if (id.fragment.n > 0)
		return wrong(
			c, pointer, "$id", "an $id has no fragment; $anchor names a place");
	if (resolve_uri((*resource)->uri, &id, &address) < 0)
		return wrong(c, pointer, "$id", "the $id is too long");
	if (find_resource(c, buf_text(&address)))
		return wrong(c, pointer, "$id", "another schema has this $id");
	if (own->root != value) {
		own = schema_alloc(c, 1, sizeof *own);
		if (!own)
			return -1;
		own->root = value;
		own->next = c->resources;
		c->resources = own;
	}
	own->uri = arena_strdup(c->arena, buf_text(&address));
	*resource = own;
	return own->uri ? 0 : wrong(c, pointer, "$id", "there is no room for it");
}

int
schema_take_names(struct schema_compiler *c, json_t *value, const char *pointer,
	struct schema *schema, struct schema_resource **resource)
{
	const json_t *id = json_object_get(value, "$id");
	struct str text = lang_str(id);

	if (c->is_draft7 && json_is_string(json_object_get(value, "$ref")))
		return 0;
	if (id && !json_is_string(id))
		return wrong(c, pointer, "$id", "a text is expected");
	if (c->is_draft7 && text.n > 1 && text.p[0] == '#')
		return add_anchor(c, &(*resource)->anchors, without(text, 1), schema);
	if (id && text.n > 0 && !str_eqz(text, "#") &&
		take_id(c, value, pointer, text, resource) < 0)
		return -1;
	if (c->is_draft7)
		return 0;
	return take_anchor(c, value, pointer, "$anchor", schema, *resource) < 0 ||
			take_anchor(c, value, pointer, "$dynamicAnchor", schema, *resource) < 0
		? -1
		: 0;
}

/* --- References --- */

int
schema_add_ref(struct schema_compiler *c, struct schema_rule *rule, bool is_dynamic,
	const char *pointer, struct schema_resource *resource)
{
	struct schema_pending *pending = schema_alloc(c, 1, sizeof *pending);

	if (!pending)
		return -1;
	*pending = (struct schema_pending) { c->pending, rule, is_dynamic, pointer, resource };
	c->pending = pending;
	return 0;
}

static int
hex_digit(char c)
{
	return c >= '0' && c <= '9'    ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : -1;
}

/* Appends a fragment without its percent signs. -1: too long or malformed. */
static int
add_decoded(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = text.p[i];

		if (c == '%') {
			int high = i + 1 < text.n ? hex_digit(text.p[i + 1]) : -1;
			int low = i + 2 < text.n ? hex_digit(text.p[i + 2]) : -1;

			if (high < 0 || low < 0)
				return -1;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (buf_addc(out, c) < 0)
			return -1;
	}
	return 0;
}

/* A token of a JSON Pointer without its tildes, in place of what buf held. */
static int
unescape_token(struct buf *out, struct str token)
{
	buf_clear(out);
	for (size_t i = 0; i < token.n; i++) {
		char c = token.p[i];

		if (c == '~') {
			char next = i + 1 < token.n ? token.p[++i] : '\0';

			if (next != '0' && next != '1')
				return -1;
			c = next == '0' ? '~' : '/';
		}
		if (buf_addc(out, c) < 0)
			return -1;
	}
	return 0;
}

static json_t *
child_of(json_t *value, struct str token)
{
	size_t index = 0;

	if (json_is_object(value))
		return json_object_getn(value, token.p, token.n);
	if (!json_is_array(value) || token.n == 0 || token.n > 6)
		return NULL;
	for (size_t i = 0; i < token.n; i++) {
		if (token.p[i] < '0' || token.p[i] > '9')
			return NULL;
		index = index * 10 + (size_t)(token.p[i] - '0');
	}
	return json_array_get(value, index);
}

/* The value at a pointer below a resource. What has an $id on the way becomes *resource. */
static json_t *
follow_pointer(struct schema_compiler *c, struct str pointer, struct schema_resource **resource)
{
	_cleanup_(buf_deinit) struct buf token = BUF_INIT(URL_BYTES_MAX);
	json_t *value = (*resource)->root;
	struct str rest = pointer;

	(void)str_split_first(&rest, '/'); /* what stands before the first one is empty */
	while (rest.p && value) {
		const struct schema *schema;

		if (unescape_token(&token, str_split_first(&rest, '/')) < 0)
			return NULL;
		value = child_of(value, buf_str(&token));
		schema = value ? map_get(&c->known, &value, sizeof value) : NULL;
		if (schema)
			*resource = schema->resource;
	}
	return value;
}

static struct schema *
find_target(struct schema_compiler *c, const struct schema_pending *pending,
	struct str fragment, struct schema_resource *resource)
{
	const struct schema_anchor *anchor;
	json_t *value;

	if (fragment.n > 0 && fragment.p[0] != '/') {
		anchor = find_anchor(resource->anchors, fragment);
		if (pending->is_dynamic && find_anchor(resource->dynamic_anchors, fragment))
			pending->rule->anchor = arena_strndup(c->arena, fragment.p, fragment.n);
		return anchor ? anchor->schema : NULL;
	}
	value = follow_pointer(c, fragment, &resource);
	if (!json_is_object(value) && !json_is_boolean(value))
		return NULL;
	return schema_compile_at(c, value, pending->pointer, resource);
}

static int
resolve(struct schema_compiler *c, const struct schema_pending *pending)
{
	_cleanup_(buf_deinit) struct buf address = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(buf_deinit) struct buf fragment = BUF_INIT(URL_BYTES_MAX);
	struct uri ref = split_uri(lang_str(pending->rule->value));
	struct schema_resource *resource;
	const char *what = NULL;

	pending->rule->anchor = NULL;
	if (resolve_uri(pending->resource->uri, &ref, &address) < 0 ||
		add_decoded(&fragment, ref.fragment) < 0) {
		what = "is malformed or too long";
	} else {
		resource = find_resource(c, buf_text(&address));
		if (resource)
			pending->rule->schema =
				find_target(c, pending, buf_str(&fragment), resource);
		if (!resource)
			what = "is not inside this schema, and nothing is fetched";
		else if (!pending->rule->schema)
			what = "names no schema of this document";
	}
	if (what)
		issues_add(c->issues, pending->pointer, ISSUE_INVALID, "\"" STR_FMT "\" %s",
			STR_ARG(lang_cut(lang_str(pending->rule->value), 100)), what);
	return what ? -1 : 0;
}

int
schema_resolve_refs(struct schema_compiler *c)
{
	int r = 0;

	while (c->pending) {
		const struct schema_pending *pending = c->pending;

		c->pending = pending->next;
		if (resolve(c, pending) < 0)
			r = -1;
	}
	return r;
}
