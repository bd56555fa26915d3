/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libyaml's events to a jansson tree. libyaml checks syntax and encoding and gives plain text;
 * the types are ours. The nesting is a stack of our own with a maximum, so nothing recurses.
 */
#include "cli/yaml.h"

#include <stdint.h>
#include <string.h>
#include <yaml.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/parse.h"

enum {
	YAML_NODES_MAX =
		1000000, /* values of a document; a file of CONFIG_BYTES_MAX has fewer */
};

/* An open mapping or sequence. */
struct level {
	json_t *container; /* borrowed: its parent or the reader's root owns it */
	char *key;         /* owned; waits for its value; NULL: a key comes next */
	size_t key_line;
	size_t pointer_len; /* of the container's own pointer */
};

struct reader {
	yaml_parser_t parser;
	struct yaml out;
	struct level level[JSON_DEPTH_MAX];
	size_t depth;
	size_t nodes;
	struct buf pointer; /* of the innermost container */
};

static size_t
line_of(const yaml_event_t *event)
{
	return event->start_mark.line + 1;
}

static bool
is_plain_number(struct str text)
{
	double ignored;

	return parse_double(text, -1.7e308, 1.7e308, &ignored, NULL) == 0;
}

static json_t *
plain_value(struct str text)
{
	int64_t integer;
	double number;

	if (text.n == 0 || str_eqz(text, "null") || str_eqz(text, "~"))
		return json_null();
	if (str_eqz(text, "true") || str_eqz(text, "false"))
		return json_boolean(text.p[0] == 't');
	/* JSON's number form decides; parse_i64 alone would take "+1" and "007". */
	if (is_plain_number(text)) {
		if (parse_i64(text, INT64_MIN, INT64_MAX, &integer, NULL) == 0)
			return json_integer(integer);
		if (parse_double(text, -1.7e308, 1.7e308, &number, NULL) == 0)
			return json_real(number);
	}
	return json_stringn(text.p, text.n);
}

static int
scalar_value(const yaml_event_t *event, json_t **ret, struct err *err)
{
	struct str text =
		str_from((const char *)event->data.scalar.value, event->data.scalar.length);

	if (memchr(text.p, '\0', text.n))
		return err_set(err, ERR_INVALID, "line %zu: text with a NUL", line_of(event));
	*ret = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE
		? plain_value(text)
		: json_stringn(text.p, text.n);
	if (!*ret)
		return err_set(
			err, ERR_INVALID, "line %zu: text that is not UTF-8", line_of(event));
	return 0;
}

/* Appends "/name" to the pointer, escaped. Over-long pointers are cut: lines are a courtesy. */
static void
push_pointer(struct buf *pointer, const char *name)
{
	int r = buf_addc(pointer, '/');

	for (const char *c = name; *c && r == 0; c++) {
		if (*c == '~')
			r = buf_adds(pointer, "~0");
		else if (*c == '/')
			r = buf_adds(pointer, "~1");
		else
			r = buf_addc(pointer, *c);
	}
}

static void
push_step(struct reader *reader, const struct level *level)
{
	if (level->key) {
		push_pointer(&reader->pointer, level->key);
	} else {
		char index[24];
		(void)snprintf(index, sizeof index, "%zu", json_array_size(level->container));
		push_pointer(&reader->pointer, index);
	}
}

static void
remember_line(struct reader *reader, size_t line)
{
	(void)map_put(&reader->out.lines, buf_text(&reader->pointer), reader->pointer.len,
		(void *)(uintptr_t)line);
}

/* Puts a value where the innermost container waits for one; takes its reference. */
static int
place(struct reader *reader, json_t *value, size_t line, struct err *err)
{
	if (++reader->nodes > YAML_NODES_MAX) {
		json_decref(value);
		return err_set(
			err, ERR_LIMIT, "line %zu: more than %d values", line, YAML_NODES_MAX);
	}
	if (reader->depth == 0) {
		reader->out.root = value;
		remember_line(reader, line);
		return 0;
	}
	struct level *level = &reader->level[reader->depth - 1];
	push_step(reader, level);
	remember_line(reader, level->key ? level->key_line : line);
	if (level->key) {
		(void)json_object_set_new(level->container, level->key, value);
		free(level->key);
		level->key = NULL;
	} else {
		(void)json_array_append_new(level->container, value);
	}
	return 0;
}

static int
take_key(struct level *level, const yaml_event_t *event, struct err *err)
{
	const char *key = (const char *)event->data.scalar.value;
	size_t line = line_of(event);

	if (event->type != YAML_SCALAR_EVENT)
		return err_set(err, ERR_INVALID, "line %zu: a key must be text", line);
	if (strlen(key) != event->data.scalar.length || !utf8_valid(key, strlen(key)))
		return err_set(err, ERR_INVALID, "line %zu: a key must be UTF-8 text", line);
	if (json_object_get(level->container, key))
		return err_set(
			err, ERR_INVALID, "line %zu: \"%.60s\" is there twice", line, key);
	level->key = xstrdup(key);
	level->key_line = line;
	return 0;
}

/* Ends one value: the pointer is the container's again. */
static void
end_value(struct reader *reader)
{
	if (reader->depth > 0)
		buf_truncate(&reader->pointer, reader->level[reader->depth - 1].pointer_len);
}

static int
open_container(struct reader *reader, const yaml_event_t *event, struct err *err)
{
	json_t *container =
		event->type == YAML_MAPPING_START_EVENT ? json_object() : json_array();

	if (reader->depth == ARRAY_LEN(reader->level)) {
		json_decref(container);
		return err_set(err, ERR_LIMIT, "line %zu: nested deeper than %d",
			line_of(event), JSON_DEPTH_MAX);
	}
	if (place(reader, container, line_of(event), err) < 0)
		return -1;
	reader->level[reader->depth++] =
		(struct level) { .container = container, .pointer_len = reader->pointer.len };
	return 0;
}

static int
refuse_extras(const yaml_event_t *event, struct err *err)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	if (event->type == YAML_SCALAR_EVENT) {
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
	} else if (event->type == YAML_MAPPING_START_EVENT) {
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
	}
	if (anchor || event->type == YAML_ALIAS_EVENT)
		return err_set(err, ERR_INVALID,
			"line %zu: anchors and aliases are not supported", line_of(event));
	if (tag)
		return err_set(
			err, ERR_INVALID, "line %zu: tags are not supported", line_of(event));
	return 0;
}

static int
take_scalar(struct reader *reader, const yaml_event_t *event, struct err *err)
{
	json_t *value;

	if (scalar_value(event, &value, err) < 0 ||
		place(reader, value, line_of(event), err) < 0)
		return -1;
	end_value(reader);
	return 0;
}

/* One event; *ret_done is set at the end of the stream. */
static int
take_event(struct reader *reader, const yaml_event_t *event, bool *ret_done, struct err *err)
{
	struct level *top = reader->depth > 0 ? &reader->level[reader->depth - 1] : NULL;
	bool is_end =
		event->type == YAML_MAPPING_END_EVENT || event->type == YAML_SEQUENCE_END_EVENT;

	if (refuse_extras(event, err) < 0)
		return -1;
	if (event->type == YAML_STREAM_END_EVENT)
		*ret_done = true;
	if (event->type == YAML_DOCUMENT_START_EVENT && reader->out.root)
		return err_set(err, ERR_INVALID, "line %zu: a second document", line_of(event));
	if (is_end) {
		reader->depth--;
		end_value(reader);
		return 0;
	}
	if (event->type != YAML_SCALAR_EVENT && event->type != YAML_MAPPING_START_EVENT &&
		event->type != YAML_SEQUENCE_START_EVENT)
		return 0;
	if (top && json_is_object(top->container) && !top->key)
		return take_key(top, event, err);
	if (event->type == YAML_SCALAR_EVENT)
		return take_scalar(reader, event, err);
	return open_container(reader, event, err);
}

static int
parser_error(const yaml_parser_t *parser, struct err *err)
{
	size_t line = (parser->problem_mark.line ? parser->problem_mark.line
						 : parser->context_mark.line) +
		1;

	return err_set(err, ERR_INVALID, "line %zu: %s", line,
		parser->problem ? parser->problem : "not YAML");
}

static int
read_events(struct reader *reader, struct err *err)
{
	bool done = false;

	while (!done) {
		yaml_event_t event;
		if (!yaml_parser_parse(&reader->parser, &event))
			return parser_error(&reader->parser, err);
		int r = take_event(reader, &event, &done, err);
		yaml_event_delete(&event);
		if (r < 0)
			return -1;
	}
	if (!reader->out.root)
		return err_set(err, ERR_INVALID, "line 1: the file is empty");
	return 0;
}

int
yaml_read(struct yaml *ret, const char *data, size_t len, struct err *err)
{
	_cleanup_free_ struct reader *reader = xcalloc(1, sizeof *reader);

	reader->pointer = (struct buf)BUF_INIT(KIB(64));
	map_init(&reader->out.lines, MAP_KEYS_COPIED);
	if (!yaml_parser_initialize(&reader->parser))
		abort();
	yaml_parser_set_encoding(&reader->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&reader->parser, (const unsigned char *)data, len);
	int r = read_events(reader, err);
	yaml_parser_delete(&reader->parser);
	for (size_t i = 0; i < ARRAY_LEN(reader->level); i++)
		free(reader->level[i].key);
	buf_deinit(&reader->pointer);
	if (r < 0)
		yaml_deinit(&reader->out);
	else
		*ret = reader->out;
	return r;
}

void
yaml_deinit(struct yaml *yaml)
{
	json_decref(yaml->root);
	yaml->root = NULL;
	map_deinit(&yaml->lines);
}

size_t
yaml_line(const struct yaml *yaml, const char *pointer)
{
	for (size_t len = strlen(pointer);; len--) {
		void *line = map_get(&yaml->lines, pointer, len);
		if (line && (pointer[len] == '\0' || pointer[len] == '/'))
			return (size_t)(uintptr_t)line;
		if (len == 0)
			return 0;
	}
}
