/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Literal braces become a variable, and so does a backslash, dollar or brace in front of
 * braces: they would be read together.
 */
#include "dialects/octomind/maker.h"

#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/mem.h"
#include "dialects/octomind/vars.h"

/* --- Texts --- */

static void
add(struct maker *m, struct buf *out, const char *text, size_t len)
{
	if (buf_add(out, text, len) < 0)
		m->is_too_long = true;
}

/* Of what must not stand before braces: how many bytes at the end of the text. */
static size_t
specials_at_end(const struct buf *out)
{
	size_t n = 0;

	while (n < out->len && strchr("$\\{", out->data[out->len - 1 - n]))
		n++;
	return n;
}

static void
add_name(struct maker *m, struct buf *out, const char *before, struct str name)
{
	add(m, out, "{{", 2);
	add(m, out, before, strlen(before));
	add(m, out, name.p, name.n);
	add(m, out, "}}", 2);
}

/* Puts variables in the place of what stands at the end and would be read with the braces. */
static void
part_from_braces(struct maker *m, struct buf *out)
{
	size_t n = specials_at_end(out);
	_cleanup_free_ char *specials =
		xstrndup(out->len > 0 ? out->data + out->len - n : "", n);

	buf_truncate(out, out->len - n);
	for (size_t i = 0; i < n; i++) {
		const char *name = specials[i] == '$' ? "octo-dollar"
			: specials[i] == '{'          ? "octo-brace"
						      : "octo-backslash";

		json_object_set_new(m->vars, name, json_stringn(&specials[i], 1));
		add_name(m, out, "", str_of(name));
	}
}

static void
add_variable(struct maker *m, struct buf *out, const char *before, struct str name)
{
	part_from_braces(m, out);
	add_name(m, out, before, name);
}

/* Braces that mean nothing are a variable whose value they are. */
static void
add_literal(struct maker *m, struct buf *out, struct str text)
{
	while (text.n > 0) {
		const char *hit = memmem(text.p, text.n, "{{", 2);
		size_t n = hit ? (size_t)(hit - text.p) : text.n;

		add(m, out, text.p, n);
		if (!hit)
			return;
		json_object_set_new(m->vars, "octo-braces", json_string("{{"));
		add_variable(m, out, "", STR("octo-braces"));
		text = str_from(text.p + n + 2, text.n - n - 2);
	}
}

static void
add_piece(struct maker *m, struct buf *out, const struct octo_piece *piece)
{
	bool is_own = piece->kind == OCTO_PIECE_DYNAMIC &&
		json_object_getn(m->dynamics, piece->text.p, piece->text.n);

	switch (piece->kind) {
	case OCTO_PIECE_TEXT:
		add_literal(m, out, piece->text);
		break;
	case OCTO_PIECE_STATIC:
		if (m->run->otp_key && str_eqz(piece->text, "OCTO_OTP"))
			add_variable(m, out, "", STR("octo-otp"));
		else
			add_variable(m, out, "octo.", piece->text);
		break;
	case OCTO_PIECE_DYNAMIC:
		add_variable(m, out, is_own ? "" : "octo-script.", piece->text);
	}
}

json_t *
maker_text(struct maker *m, const char *text)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT((size_t)BROWSER_TEXT_BYTES_MAX);
	struct str rest = str_of(text);
	struct octo_piece piece;

	while (octo_vars_next(&rest, m->statics, m->dynamics, &piece))
		add_piece(m, &out, &piece);
	return json_stringn(out.data ? out.data : "", out.len);
}

json_t *
maker_code(struct maker *m, const char *code)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT((size_t)BROWSER_TEXT_BYTES_MAX);

	add_literal(m, &out, str_of(code));
	return json_stringn(out.data ? out.data : "", out.len);
}

/* --- Targets --- */

static void
set_state(json_t *target, const char *name, enum octo_flag state)
{
	if (state != OCTO_FLAG_ANY)
		json_object_set_new(target, name, json_boolean(state == OCTO_FLAG_TRUE));
}

/*
 * A target that more can be asked of: consumes `target` and gives it, or one that means the
 * same elements, when what it says already would change the meaning of what is added.
 */
static json_t *
open_target(json_t *target)
{
	static const char *const closing[] = { "nth", "first", "last", "exact", "hasText",
		"hasNotText", NULL };

	for (const char *const *name = closing; *name; name++)
		if (json_object_get(target, *name))
			return json_pack("{s:o}", "and", target);
	return target;
}

/* Consumes target. */
static json_t *
filtered(struct maker *m, json_t *target, const struct octo_selector *s)
{
	if (!s->has_text && !s->has_not_text)
		return target;
	target = open_target(target);
	if (s->has_text)
		json_object_set_new(target, "hasText", maker_text(m, s->has_text));
	if (s->has_not_text)
		json_object_set_new(target, "hasNotText", maker_text(m, s->has_not_text));
	return target;
}

/* What a selector names by itself; NULL for those that choose among what is there. */
static const char *
engine_of(enum octo_selector_type type)
{
	/* clang-format off */
	static const char *const engines[OCTO_SELECTOR_TYPE_COUNT] = {
		[OCTO_FRAME] = "css", [OCTO_CSS] = "css", [OCTO_TEXT] = "text",
		[OCTO_ROLE] = "role", [OCTO_ALT_TEXT] = "alt", [OCTO_LABEL] = "label",
		[OCTO_TEST_ID] = "testId", [OCTO_TITLE] = "title",
		[OCTO_PLACEHOLDER] = "placeholder",
	};
	/* clang-format on */

	return engines[type];
}

/* Consumes inside, which may be NULL. */
static json_t *
located(struct maker *m, json_t *inside, const struct octo_selector *s)
{
	json_t *target =
		json_pack("{s:o}", engine_of(s->type), maker_text(m, s->text ? s->text : ""));

	if (inside)
		json_object_set_new(target, "inside", inside);
	if (s->type == OCTO_ROLE) {
		if (s->name)
			json_object_set_new(target, "name", maker_text(m, s->name));
		set_state(target, "checked", s->checked);
		set_state(target, "disabled", s->disabled);
		set_state(target, "expanded", s->expanded);
		set_state(target, "pressed", s->pressed);
		set_state(target, "selected", s->selected);
		if (s->include_hidden == OCTO_FLAG_TRUE)
			json_object_set_new(target, "includeHidden", json_true());
		if (s->level)
			json_object_set_new(target, "level", json_integer(s->level));
	}
	if (s->exact == OCTO_FLAG_TRUE && s->type != OCTO_CSS && s->type != OCTO_FRAME)
		json_object_set_new(target, "exact", json_true());
	return filtered(m, target, s);
}

/* One of several; consumes target. */
static json_t *
chosen(json_t *target, const struct octo_selector *s)
{
	if (json_object_get(target, "nth") || json_object_get(target, "first") ||
		json_object_get(target, "last"))
		target = json_pack("{s:o}", "and", target);
	if (s->type == OCTO_NTH)
		json_object_set_new(target, "nth", json_integer(s->nth));
	else
		json_object_set_new(
			target, s->type == OCTO_FIRST ? "first" : "last", json_true());
	return target;
}

/* The next selector of a chain; *target is what those before it mean, or NULL. */
static void
follow(struct maker *m, const struct octo_selector *s, json_t **target, json_t *frames)
{
	switch (s->type) {
	case OCTO_FRAME:
		if (s->text)
			*target = located(m, *target, s);
		json_array_append_new(frames, *target);
		*target = NULL;
		break;
	case OCTO_FILTER:
		*target = filtered(m, *target, s);
		break;
	case OCTO_FIRST:
	case OCTO_LAST:
	case OCTO_NTH:
		*target = chosen(*target, s);
		break;
	case OCTO_CSS:
	case OCTO_TEXT:
	case OCTO_ROLE:
	case OCTO_ALT_TEXT:
	case OCTO_LABEL:
	case OCTO_TEST_ID:
	case OCTO_TITLE:
	case OCTO_PLACEHOLDER:
	case OCTO_SELECTOR_TYPE_COUNT:
		*target = located(m, *target, s);
	}
}

json_t *
maker_target(struct maker *m, const struct octo_selectors *selectors)
{
	_cleanup_(json_unrefp) json_t *frames = json_array();
	json_t *target = NULL;

	for (size_t i = 0; i < selectors->n; i++)
		follow(m, &selectors->item[i], &target, frames);
	if (json_array_size(frames) > 0)
		json_object_set(target, "frame", frames);
	return target;
}
