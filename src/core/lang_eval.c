/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tree to value. Every node takes a step and whatever handles bytes pays for them, so that an
 * evaluation ends soon whatever the expression and its scope hold.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/limits.h"
#include "core/lang_impl.h"
#include "core/lang_pattern.h"
#include "core/lang_value.h"

enum {
	BYTES_PER_STEP = 64,
	NAMES_LOOKED_AT = 100, /* members of an object for a hint */
	NAMES_SHOWN = 6,
	NAME_SHOWN_BYTES = 40,
};

/* --- Errors and steps --- */

json_t *
lang_fail(struct lang_eval *e, const struct lang_node *node, enum err_code code,
	const char *fmt, ...)
{
	struct err what;
	va_list ap;

	va_start(ap, fmt);
	err_vset(&what, code, fmt, ap);
	va_end(ap);
	(void)lang_error(e->lang->text, node->at, code, e->err, "%s", what.text);
	return NULL;
}

int
lang_pay(struct lang_eval *e, const struct lang_node *node, size_t bytes)
{
	e->steps -= 1 + (int64_t)(bytes / BYTES_PER_STEP);
	if (e->steps >= 0)
		return 0;
	(void)lang_fail(e, node, ERR_LIMIT, "the expression takes more than %" PRId64 " steps",
		(int64_t)LANG_STEPS_MAX);
	return -1;
}

json_t *
lang_new_text(struct lang_eval *e, const struct lang_node *node, struct str text)
{
	if (text.n > LANG_RESULT_BYTES_MAX)
		return lang_fail(e, node, ERR_LIMIT,
			"the text is longer than %" PRId64 " bytes",
			(int64_t)LANG_RESULT_BYTES_MAX);
	if (lang_pay(e, node, text.n) < 0)
		return NULL;
	return json_stringn(text.p ? text.p : "", text.n);
}

/* `"and" wants true or false, here is the number 3`. Always NULL. */
static json_t *
wrong_type(struct lang_eval *e, const struct lang_node *node, const char *what,
	const char *wanted, const json_t *value)
{
	char shown[LANG_SHOWN_BYTES];

	return lang_fail(e, node, ERR_INVALID, "%s wants %s, here is %s", what, wanted,
		lang_show(value, shown));
}

/* --- Paths --- */

/* How a node is written in the expression. */
static struct str
source_of(const struct lang_eval *e, const struct lang_node *node)
{
	return lang_cut(str_from(e->lang->text.p + node->begin, node->end - node->begin), 80);
}

/* "; did you mean "x"?", else what there is. */
static void
add_names(struct buf *out, struct str wanted, json_t *object)
{
	const char *names[NAMES_LOOKED_AT + 1] = { 0 };
	char word[NAME_BYTES_MAX + 1] = "";
	size_t n = 0;
	int r = 0;

	for (void *at = json_object_iter(object); at && n < NAMES_LOOKED_AT;
		at = json_object_iter_next(object, at))
		names[n++] = json_object_iter_key(at);
	if (wanted.n < sizeof word)
		memcpy(word, wanted.p, wanted.n);
	const char *near = near_name(word, names);

	/* An error's text is short: what does not fit is left out. */
	if (near) {
		(void)buf_addf(out, "; did you mean \"" STR_FMT "\"?",
			STR_ARG(lang_cut(str_of(near), NAME_SHOWN_BYTES)));
		return;
	}
	r = buf_adds(out, n > 0 ? "; it has " : "; it is empty");
	for (size_t i = 0; r == 0 && i < n && i < NAMES_SHOWN; i++)
		r = buf_addf(out, "%s" STR_FMT, i > 0 ? ", " : "",
			STR_ARG(lang_cut(str_of(names[i]), NAME_SHOWN_BYTES)));
	if (r == 0 && n > NAMES_SHOWN)
		(void)buf_adds(out, ", …");
}

/* The longest part that exists, and what it has instead. Always NULL. */
static json_t *
absent(struct lang_eval *e, const struct lang_node *node, struct str name, json_t *base)
{
	_cleanup_(buf_deinit) struct buf hint = BUF_INIT(KIB(1));
	struct str path = source_of(e, node->kid);
	char shown[LANG_SHOWN_BYTES];

	name = lang_cut(name, NAME_SHOWN_BYTES);
	if (json_is_array(base))
		return lang_fail(e, node, ERR_NOT_FOUND,
			STR_FMT " has no item %s" STR_FMT "; it has %zu", STR_ARG(path),
			name.n == 0 ? "\"\"" : "", STR_ARG(name), json_array_size(base));
	if (!json_is_object(base))
		return lang_fail(e, node, ERR_NOT_FOUND,
			STR_FMT " has no \"" STR_FMT "\": it is %s", STR_ARG(path),
			STR_ARG(name), lang_show(base, shown));
	add_names(&hint, name, base);
	return lang_fail(e, node, ERR_NOT_FOUND, STR_FMT " has no \"" STR_FMT "\"%s",
		STR_ARG(path), STR_ARG(name), buf_text(&hint));
}

static json_t *
eval_value(struct lang_eval *e, const struct lang_node *node)
{
	if (!e->value)
		return lang_fail(
			e, node, ERR_NOT_FOUND, "there is no value at hand here (\".\")");
	return json_incref(e->value);
}

static json_t *
eval_root(struct lang_eval *e, const struct lang_node *node)
{
	json_t *value = json_object_getn(e->scope->root, node->name.p, node->name.n);
	_cleanup_(buf_deinit) struct buf hint = BUF_INIT(KIB(1));
	_cleanup_(json_unrefp) json_t *none = NULL;

	if (value)
		return json_incref(value);
	none = json_object();
	add_names(&hint, node->name, e->scope->root ? e->scope->root : none);
	return lang_fail(e, node, ERR_NOT_FOUND, "there is no \"" STR_FMT "\"%s",
		STR_ARG(lang_cut(node->name, NAME_SHOWN_BYTES)), buf_text(&hint));
}

/* An item by number, from the end when it is negative. */
static json_t *
item_at(json_t *list, int64_t index)
{
	int64_t n = (int64_t)json_array_size(list);

	if (index < 0)
		index += n;
	return index >= 0 && index < n ? json_array_get(list, (size_t)index) : NULL;
}

/* `.name` of an object, `.0` of a list. */
static json_t *
member_of(json_t *base, struct str name)
{
	int64_t index = 0;

	if (json_is_object(base))
		return json_object_getn(base, name.p, name.n);
	if (!json_is_array(base) || name.n == 0 || name.n > 9)
		return NULL;
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] < '0' || name.p[i] > '9')
			return NULL;
		index = index * 10 + (name.p[i] - '0');
	}
	return json_array_get(base, (size_t)index);
}

static json_t *
eval_member(struct lang_eval *e, const struct lang_node *node)
{
	_cleanup_(json_unrefp) json_t *base = lang_eval_node(e, node->kid);
	json_t *value;

	if (!base)
		return NULL;
	value = member_of(base, node->name);
	return value ? json_incref(value) : absent(e, node, node->name, base);
}

static json_t *
eval_index(struct lang_eval *e, const struct lang_node *node)
{
	_cleanup_(json_unrefp) json_t *base = lang_eval_node(e, node->kid);
	_cleanup_(json_unrefp) json_t *index = base ? lang_eval_node(e, node->kid->next) : NULL;
	char number[24];
	json_t *value;

	if (!index)
		return NULL;
	if (json_is_string(index)) {
		value = json_is_object(base) ? json_object_getn(base, json_string_value(index),
						       json_string_length(index))
					     : NULL;
		return value ? json_incref(value) : absent(e, node, lang_str(index), base);
	}
	if (!json_is_integer(index))
		return wrong_type(e, node, "[…]", "a text or a whole number", index);
	if (json_is_object(base))
		return wrong_type(e, node, "[…] of an object", "a text", index);
	value = json_is_array(base) ? item_at(base, json_integer_value(index)) : NULL;
	snprintf(number, sizeof number, "%" JSON_INTEGER_FORMAT, json_integer_value(index));
	return value ? json_incref(value) : absent(e, node, str_of(number), base);
}

/* --- Operators --- */

static const char *
operator_name(enum lang_op op)
{
	static const char *const names[] = {
		[LANG_NOT] = "\"not\"",
		[LANG_NEGATE] = "\"-\"",
		[LANG_AND] = "\"and\"",
		[LANG_OR] = "\"or\"",
		[LANG_LESS] = "\"<\"",
		[LANG_LESS_EQUAL] = "\"<=\"",
		[LANG_GREATER] = "\">\"",
		[LANG_GREATER_EQUAL] = "\">=\"",
		[LANG_IN] = "\"in\"",
		[LANG_NOT_IN] = "\"not in\"",
		[LANG_MATCHES] = "\"matches\"",
		[LANG_ADD] = "\"+\"",
		[LANG_SUBTRACT] = "\"-\"",
		[LANG_MULTIPLY] = "\"*\"",
		[LANG_DIVIDE] = "\"/\"",
		[LANG_MODULO] = "\"%\"",
		[LANG_CHOICE] = "\"?\"",
	};

	return op < ARRAY_LEN(names) && names[op] ? names[op] : "the operator";
}

/* The kid as a condition: 1 or 0; -1 with an error. */
static int
truth(struct lang_eval *e, const struct lang_node *node, const struct lang_node *kid)
{
	_cleanup_(json_unrefp) json_t *value = lang_eval_node(e, kid);

	if (value && !json_is_boolean(value))
		(void)wrong_type(e, node, operator_name(node->op), "true or false", value);
	return value && json_is_boolean(value) ? json_is_true(value) : -1;
}

static json_t *
eval_logic(struct lang_eval *e, const struct lang_node *node)
{
	int left = truth(e, node, node->kid);

	if (left < 0)
		return NULL;
	if (node->op == LANG_NOT)
		return json_boolean(!left);
	if (left == (node->op == LANG_OR))
		return json_boolean(left);
	int right = truth(e, node, node->kid->next);

	return right < 0 ? NULL : json_boolean(right);
}

static json_t *
eval_choice(struct lang_eval *e, const struct lang_node *node)
{
	int condition = truth(e, node, node->kid);

	if (condition < 0)
		return NULL;
	return lang_eval_node(e, condition ? node->kid->next : node->kid->next->next);
}

static json_t *
eval_same(struct lang_eval *e, const struct lang_node *node, const json_t *a, const json_t *b)
{
	int same = lang_same(a, b, &e->steps);

	if (lang_pay(e, node, 0) < 0)
		return NULL;
	return json_boolean(same == (node->op == LANG_EQUAL));
}

static json_t *
eval_order(struct lang_eval *e, const struct lang_node *node, const json_t *a, const json_t *b)
{
	char left[LANG_SHOWN_BYTES], right[LANG_SHOWN_BYTES];
	int order;

	if (json_is_number(a) && json_is_number(b)) {
		order = lang_compare_numbers(a, b);
	} else if (json_is_string(a) && json_is_string(b)) {
		if (lang_pay(e, node, json_string_length(a)) < 0)
			return NULL;
		order = str_cmp(lang_str(a), lang_str(b));
	} else {
		return lang_fail(e, node, ERR_INVALID,
			"%s wants two numbers or two texts, here are %s and %s",
			operator_name(node->op), lang_show(a, left), lang_show(b, right));
	}
	switch ((int)node->op) {
	case LANG_LESS:
		return json_boolean(order < 0);
	case LANG_LESS_EQUAL:
		return json_boolean(order <= 0);
	case LANG_GREATER:
		return json_boolean(order > 0);
	default:
		return json_boolean(order >= 0);
	}
}

static int
list_has(struct lang_eval *e, const struct lang_node *node, const json_t *item,
	const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		int same = lang_same(item, json_array_get(list, i), &e->steps);

		if (same == 1)
			return 1;
		if (same < 0)
			return lang_pay(e, node, 0);
	}
	return 0;
}

int
lang_contains(struct lang_eval *e, const struct lang_node *node, const json_t *item,
	const json_t *whole)
{
	struct str text = lang_str(whole), part = lang_str(item);
	char left[LANG_SHOWN_BYTES], right[LANG_SHOWN_BYTES];

	if (json_is_array(whole))
		return list_has(e, node, item, whole);
	if (json_is_string(item) && json_is_object(whole))
		return json_object_getn(whole, part.p, part.n) != NULL;
	if (json_is_string(item) && json_is_string(whole))
		return lang_pay(e, node, text.n) < 0
			? -1
			: memmem(text.p, text.n, part.p, part.n) != NULL;
	(void)lang_fail(e, node, ERR_INVALID,
		"%s looks in a list, for a text in a text or for a name in an object, "
		"here are %s and %s",
		operator_name(LANG_IN), lang_show(item, left), lang_show(whole, right));
	return -1;
}

static json_t *
eval_in(struct lang_eval *e, const struct lang_node *node, const json_t *a, const json_t *b)
{
	int has = lang_contains(e, node, a, b);

	return has < 0 ? NULL : json_boolean(has == (node->op == LANG_IN));
}

static json_t *
eval_matches(
	struct lang_eval *e, const struct lang_node *node, const json_t *a, const json_t *b)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct lang_pattern *made = NULL;
	const struct lang_pattern *pattern = node->pattern;
	struct err why;
	int r = 0;

	arena_init(&arena, MIB(1));
	if (!json_is_string(a) || !json_is_string(b))
		return wrong_type(e, node, "\"matches\"", "a text and a pattern",
			json_is_string(a) ? b : a);
	if (!pattern) {
		r = lang_pattern_compile(lang_str(b), LANG_PATTERN_PERL, &arena, &made, &why);
		if (r == 0)
			e->steps -= lang_pattern_cost(made);
		pattern = made;
	}
	if (r == 0)
		r = lang_pattern_match(pattern, lang_str(a), &e->steps, &why);
	if (r < 0)
		return lang_fail(e, node, why.code, "%s", why.text);
	return json_boolean(r == 0);
}

/* --- Arithmetic --- */

static json_t *
new_real(struct lang_eval *e, const struct lang_node *node, double value)
{
	if (!isfinite(value))
		return lang_fail(e, node, ERR_INVALID, "the result is no finite number");
	return json_real(value);
}

static json_t *
overflow(struct lang_eval *e, const struct lang_node *node)
{
	return lang_fail(e, node, ERR_INVALID, "the result does not fit 64 bits");
}

static json_t *
divide_whole(struct lang_eval *e, const struct lang_node *node, int64_t a, int64_t b)
{
	if (b == 0)
		return lang_fail(e, node, ERR_INVALID, "division by zero");
	/* The one quotient that has no room; its remainder is 0 and yet traps. */
	if (b == -1 && node->op == LANG_MODULO)
		return json_integer(0);
	if (b == -1 && a == INT64_MIN)
		return overflow(e, node);
	if (node->op == LANG_MODULO)
		return json_integer(a % b);
	return a % b == 0 ? json_integer(a / b) : json_real((double)a / (double)b);
}

static json_t *
calculate_whole(struct lang_eval *e, const struct lang_node *node, int64_t a, int64_t b)
{
	int64_t result = 0;
	bool overflows = false;

	switch ((int)node->op) {
	case LANG_ADD:
		overflows = __builtin_add_overflow(a, b, &result);
		break;
	case LANG_SUBTRACT:
		overflows = __builtin_sub_overflow(a, b, &result);
		break;
	case LANG_MULTIPLY:
		overflows = __builtin_mul_overflow(a, b, &result);
		break;
	default:
		return divide_whole(e, node, a, b);
	}
	return overflows ? overflow(e, node) : json_integer(result);
}

static bool
is_zero(double value)
{
	return !(value < 0) && !(value > 0);
}

static json_t *
calculate_real(struct lang_eval *e, const struct lang_node *node, double a, double b)
{
	switch ((int)node->op) {
	case LANG_ADD:
		return new_real(e, node, a + b);
	case LANG_SUBTRACT:
		return new_real(e, node, a - b);
	case LANG_MULTIPLY:
		return new_real(e, node, a * b);
	default:
		if (is_zero(b))
			return lang_fail(e, node, ERR_INVALID, "division by zero");
		return new_real(e, node, node->op == LANG_DIVIDE ? a / b : fmod(a, b));
	}
}

static json_t *
join_texts(struct lang_eval *e, const struct lang_node *node, struct str a, struct str b)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(LANG_RESULT_BYTES_MAX);

	if (buf_add_str(&text, a) < 0 || buf_add_str(&text, b) < 0)
		return lang_fail(e, node, ERR_LIMIT,
			"the text is longer than %" PRId64 " bytes",
			(int64_t)LANG_RESULT_BYTES_MAX);
	return lang_new_text(e, node, buf_str(&text));
}

static json_t *
eval_arithmetic(
	struct lang_eval *e, const struct lang_node *node, const json_t *a, const json_t *b)
{
	char left[LANG_SHOWN_BYTES], right[LANG_SHOWN_BYTES];

	if (node->op == LANG_ADD && json_is_string(a) && json_is_string(b))
		return join_texts(e, node, lang_str(a), lang_str(b));
	if (json_is_integer(a) && json_is_integer(b))
		return calculate_whole(e, node, json_integer_value(a), json_integer_value(b));
	if (json_is_number(a) && json_is_number(b))
		return calculate_real(e, node, json_number_value(a), json_number_value(b));
	return lang_fail(e, node, ERR_INVALID, "%s wants two numbers%s, here are %s and %s%s",
		operator_name(node->op), node->op == LANG_ADD ? " or two texts" : "",
		lang_show(a, left), lang_show(b, right),
		node->op == LANG_ADD && (json_is_string(a) || json_is_string(b))
			? " (text() makes a text)"
			: "");
}

static json_t *
eval_negate(struct lang_eval *e, const struct lang_node *node)
{
	_cleanup_(json_unrefp) json_t *value = lang_eval_node(e, node->kid);

	if (!value)
		return NULL;
	if (json_is_real(value))
		return json_real(-json_real_value(value));
	if (!json_is_integer(value))
		return wrong_type(e, node, "\"-\"", "a number", value);
	return calculate_whole(e, &(struct lang_node) { .op = LANG_SUBTRACT, .at = node->at },
		0, json_integer_value(value));
}

static json_t *
eval_binary(struct lang_eval *e, const struct lang_node *node)
{
	_cleanup_(json_unrefp) json_t *a = lang_eval_node(e, node->kid);
	_cleanup_(json_unrefp) json_t *b = a ? lang_eval_node(e, node->kid->next) : NULL;

	if (!b)
		return NULL;
	switch ((int)node->op) {
	case LANG_EQUAL:
	case LANG_UNEQUAL:
		return eval_same(e, node, a, b);
	case LANG_IN:
	case LANG_NOT_IN:
		return eval_in(e, node, a, b);
	case LANG_MATCHES:
		return eval_matches(e, node, a, b);
	case LANG_LESS:
	case LANG_LESS_EQUAL:
	case LANG_GREATER:
	case LANG_GREATER_EQUAL:
		return eval_order(e, node, a, b);
	default:
		return eval_arithmetic(e, node, a, b);
	}
}

/* --- The rest --- */

static json_t *
eval_constant(const struct lang_node *node)
{
	switch (node->constant) {
	case LANG_FALSE:
		return json_false();
	case LANG_TRUE:
		return json_true();
	case LANG_INTEGER:
		return json_integer(node->integer);
	case LANG_REAL:
		return json_real(node->real);
	case LANG_NULL:
		break;
	}
	return json_null();
}

static json_t *
eval_list(struct lang_eval *e, const struct lang_node *node)
{
	_cleanup_(json_unrefp) json_t *list = json_array();
	size_t size = 0;

	for (const struct lang_node *kid = node->kid; kid; kid = kid->next) {
		json_t *item = lang_eval_node(e, kid);

		if (!item)
			return NULL;
		size += lang_size(item, LANG_RESULT_BYTES_MAX);
		(void)json_array_append_new(list, item);
		if (size > LANG_RESULT_BYTES_MAX)
			return lang_fail(e, node, ERR_LIMIT,
				"the list is larger than %" PRId64 " bytes",
				(int64_t)LANG_RESULT_BYTES_MAX);
	}
	return lang_pay(e, node, size) < 0 ? NULL : TAKE(list);
}

static json_t *
eval_call(struct lang_eval *e, const struct lang_node *node)
{
	json_t *arg[LANG_ARGS_MAX] = { 0 };
	json_t *result = NULL;
	size_t n = 0;
	bool is_ready = true;

	if (node->function->is_lazy)
		return node->function->fn(e, node, NULL, 0);
	for (const struct lang_node *kid = node->kid; kid && is_ready; kid = kid->next) {
		arg[n] = lang_eval_node(e, kid);
		is_ready = arg[n] != NULL;
		n += is_ready;
	}
	if (is_ready)
		result = node->function->fn(e, node, arg, n);
	while (n > 0)
		json_decref(arg[--n]);
	return result;
}

json_t *
lang_eval_node(struct lang_eval *e, const struct lang_node *node)
{
	if (lang_pay(e, node, 0) < 0)
		return NULL;
	switch ((int)node->op) {
	case LANG_CONSTANT:
		return eval_constant(node);
	case LANG_TEXT:
		return lang_new_text(e, node, node->name);
	case LANG_VALUE:
		return eval_value(e, node);
	case LANG_ROOT:
		return eval_root(e, node);
	case LANG_MEMBER:
		return eval_member(e, node);
	case LANG_INDEX:
		return eval_index(e, node);
	case LANG_LIST:
		return eval_list(e, node);
	case LANG_CALL:
		return eval_call(e, node);
	case LANG_NOT:
	case LANG_AND:
	case LANG_OR:
		return eval_logic(e, node);
	case LANG_NEGATE:
		return eval_negate(e, node);
	case LANG_CHOICE:
		return eval_choice(e, node);
	default:
		return eval_binary(e, node);
	}
}

int
lang_eval(
	const struct lang *lang, const struct lang_scope *scope, json_t **ret, struct err *err)
{
	struct lang_eval e = {
		.lang = lang,
		.scope = scope,
		.value = scope->value,
		.steps = LANG_STEPS_MAX,
		.err = err,
	};
	json_t *value = lang_eval_node(&e, lang->top);

	if (scope->steps)
		*scope->steps -= LANG_STEPS_MAX - e.steps;
	if (!value)
		return -1;
	*ret = value;
	return 0;
}

int
lang_test(const struct lang *lang, const struct lang_scope *scope, bool *ret, struct err *err)
{
	_cleanup_(json_unrefp) json_t *value = NULL;
	char shown[LANG_SHOWN_BYTES];

	if (lang_eval(lang, scope, &value, err) < 0)
		return -1;
	if (!json_is_boolean(value))
		return lang_error(lang->text, 0, ERR_INVALID, err,
			"a condition is expected, true or false, and it is %s",
			lang_show(value, shown));
	*ret = json_is_true(value);
	return 0;
}
