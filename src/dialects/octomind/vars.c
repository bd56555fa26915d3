/* SPDX-License-Identifier: Apache-2.0 */
/* One scanner for the dollars; who translates decides what becomes of a piece. */
#include "dialects/octomind/vars.h"

#include <string.h>

#include "base/limits.h"

static bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool
is_name_char(char c)
{
	return is_name_start(c) || (c >= '0' && c <= '9');
}

static bool
name_is_valid(const char *name)
{
	if (!is_name_start(name[0]) || strlen(name) > NAME_BYTES_MAX)
		return false;
	for (; *name; name++)
		if (!is_name_char(*name))
			return false;
	return true;
}

/* --- Values --- */

static void
check_values(json_t *values, const struct octo_at *at, struct octo_issues *issues)
{
	json_t *value;
	size_t i;

	if (json_is_string(values))
		return;
	if (!json_is_array(values)) {
		octo_issues_type(issues, at, "array", values);
		return;
	}
	if (json_array_size(values) == 0)
		octo_issues_add(issues, at, "too_small", "at least one text", "array",
			"a variable needs a value");
	if (json_array_size(values) > OCTO_VALUES_MAX)
		octo_issues_add(issues, at, "too_big", "a shorter list", "array",
			"a variable has at most %d values", OCTO_VALUES_MAX);
	json_array_foreach(values, i, value) if (!json_is_string(value))
		octo_issues_type(issues, OCTO_ITEM(at, i), "string", value);
}

int
octo_vars_check(json_t *vars, const struct octo_at *at, struct octo_issues *issues)
{
	size_t before = issues->n + issues->n_more;
	const char *name;
	json_t *values;

	if (!json_is_object(vars)) {
		octo_issues_type(issues, at, "object", vars);
		return -1;
	}
	if (json_object_size(vars) > OCTO_VARIABLES_MAX)
		octo_issues_add(issues, at, "too_big", "fewer variables", "object",
			"at most %d variables are possible", OCTO_VARIABLES_MAX);
	json_object_foreach(vars, name, values)
	{
		const struct octo_at *own = OCTO_MEMBER(at, name);

		if (!name_is_valid(name[0] == '$' ? name + 1 : name))
			octo_issues_add(issues, own, "invalid_string", "a name", "string",
				"a name has letters, digits and underscores");
		check_values(values, own, issues);
	}
	return issues->n + issues->n_more > before ? -1 : 0;
}

static void
pick_into(json_t *picked, json_t *vars, struct rng *rng)
{
	const char *name;
	json_t *values;

	json_object_foreach(vars, name, values)
	{
		size_t n = json_array_size(values);
		json_t *value =
			n > 0 ? json_array_get(values, (size_t)rng_below(rng, n)) : values;

		if (json_is_string(value))
			json_object_set(picked, name[0] == '$' ? name + 1 : name, value);
	}
}

json_t *
octo_vars_pick(json_t *vars, json_t *overrides, struct rng *rng)
{
	json_t *picked = json_object();

	pick_into(picked, vars, rng);
	pick_into(picked, overrides, rng);
	return picked;
}

/* --- Texts --- */

/* Length of the name at the start of the text if it is a known one, else 0. */
static size_t
known_name(struct str text, json_t *names)
{
	size_t n = 0;

	if (text.n == 0 || !is_name_start(text.p[0]))
		return 0;
	while (n < text.n && is_name_char(text.p[n]))
		n++;
	return json_object_getn(names, text.p, n) || json_object_get(names, "*") ? n : 0;
}

/* Whether a variable begins at the dollar there. */
static bool
variable_at(struct str text, json_t *statics, json_t *dynamics, struct octo_piece *ret)
{
	bool is_dynamic = text.n > 1 && text.p[1] == '$';
	size_t dollars = is_dynamic ? 2 : 1;
	size_t n = known_name(
		str_from(text.p + dollars, text.n - dollars), is_dynamic ? dynamics : statics);

	*ret = (struct octo_piece) { is_dynamic ? OCTO_PIECE_DYNAMIC : OCTO_PIECE_STATIC,
		str_from(text.p + dollars, n) };
	return n > 0;
}

bool
octo_vars_next(struct str *rest, json_t *statics, json_t *dynamics, struct octo_piece *ret)
{
	struct octo_piece piece;
	size_t at = 0;

	if (rest->n == 0)
		return false;
	for (; at < rest->n; at++)
		if (rest->p[at] == '$' &&
			variable_at(str_from(rest->p + at, rest->n - at), statics, dynamics,
				&piece))
			break;
	if (at > 0)
		piece = (struct octo_piece) { OCTO_PIECE_TEXT, str_from(rest->p, at) };
	size_t used = at > 0 ? at : (size_t)(piece.text.p + piece.text.n - rest->p);

	*rest = str_from(rest->p + used, rest->n - used);
	*ret = piece;
	return true;
}

bool
octo_vars_uses(const char *text, json_t *statics, const char *name)
{
	struct str rest = str_of(text);
	struct octo_piece piece;

	while (octo_vars_next(&rest, statics, NULL, &piece))
		if (piece.kind == OCTO_PIECE_STATIC && str_eqz(piece.text, name))
			return true;
	return false;
}
