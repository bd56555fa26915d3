/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text to tree: recursive descent with one token in hand, a function for each level of binding.
 *
 * Nesting in the text is bounded by LANG_DEPTH_MAX, the tree by LANG_TREE_DEPTH_MAX, so neither
 * this nor what walks the tree can exhaust a stack.
 */
#include "core/lang_impl.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/parse.h"
#include "core/lang_pattern.h"
#include "core/lang_token.h"
#include "core/lang_value.h"

static bool
is_sign(const struct lang_parser *p, const char *sign)
{
	return p->kind == LANG_TOKEN_SIGN && str_eqz(p->token, sign);
}

static bool
is_word(const struct lang_parser *p, const char *word)
{
	return p->kind == LANG_TOKEN_NAME && str_eqz(p->token, word);
}

static bool
is_keyword(struct str name)
{
	static const char *const words[] = { "and", "or", "not", "in", "matches" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eqz(name, words[i]))
			return true;
	return false;
}

/* `what` is expected, here is the token in hand. */
static int
unexpected(struct lang_parser *p, const char *what)
{
	if (p->kind == LANG_TOKEN_END)
		return lang_error(p->text, p->begin, ERR_INVALID, p->err,
			"%s is expected, here is the end", what);
	return lang_error(p->text, p->begin, ERR_INVALID, p->err,
		"%s is expected, here is " STR_FMT, what, STR_ARG(lang_cut(p->token, 40)));
}

static int
expect_sign(struct lang_parser *p, const char *sign, const char *what)
{
	if (!is_sign(p, sign))
		return unexpected(p, what);
	return lang_next_token(p);
}

/* --- Nodes --- */

static int
no_room(struct lang_parser *p)
{
	return err_set(p->err, ERR_LIMIT, "there is no room for the expression");
}

/* A node over kids that are linked already. It begins with the first of them. */
static int
new_node(struct lang_parser *p, enum lang_op op, size_t at, struct lang_node *kids,
	struct lang_node **ret)
{
	struct lang_node *node = arena_alloc(p->arena, sizeof *node);

	if (!node)
		return no_room(p);
	*node = (struct lang_node) { .op = op, .at = at, .begin = at, .kid = kids, .depth = 1 };
	if (kids && kids->begin < at)
		node->begin = kids->begin;
	for (const struct lang_node *kid = kids; kid; kid = kid->next)
		if (kid->depth >= node->depth)
			node->depth = kid->depth + 1;
	if (node->depth > LANG_TREE_DEPTH_MAX)
		return lang_error(p->text, at, ERR_LIMIT, p->err,
			"more than %d operators build on each other", LANG_TREE_DEPTH_MAX);
	node->end = p->last_end;
	*ret = node;
	return 0;
}

static int
enter(struct lang_parser *p)
{
	if (++p->depth > LANG_DEPTH_MAX)
		return lang_error(p->text, p->begin, ERR_LIMIT, p->err,
			"nested deeper than %d levels", LANG_DEPTH_MAX);
	return 0;
}

static int parse_choice(struct lang_parser *p, struct lang_node **ret);
static int parse_unary(struct lang_parser *p, struct lang_node **ret);

/* --- Literals --- */

/* "…" as JSON has it: jansson reads it, so that escapes mean the same everywhere. */
static int
read_double_quoted(struct lang_parser *p, struct str *ret)
{
	json_error_t fault;
	_cleanup_(json_unrefp) json_t *text = json_loadb(
		p->token.p, p->token.n, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &fault);
	char *copy;

	if (!text)
		return lang_error(p->text, p->begin, ERR_INVALID, p->err,
			"this is no text as JSON has it (single quotes take everything as it stands)");
	copy = arena_strndup(p->arena, json_string_value(text), json_string_length(text));
	if (!copy)
		return no_room(p);
	*ret = str_from(copy, json_string_length(text));
	return 0;
}

static int
read_single_quoted(struct lang_parser *p, struct str *ret)
{
	char *copy = arena_strndup(p->arena, p->token.p + 1, p->token.n - 2);
	size_t n = 0;

	if (!copy)
		return no_room(p);
	for (size_t i = 0; i < p->token.n - 2; i++) {
		if (copy[i] == '\'')
			i++; /* the first of two */
		copy[n++] = copy[i];
	}
	copy[n] = '\0';
	*ret = str_from(copy, n);
	return 0;
}

static int
read_text(struct lang_parser *p, struct str *ret)
{
	return p->token.p[0] == '"' ? read_double_quoted(p, ret) : read_single_quoted(p, ret);
}

/* The number from `begin`, where a sign may stand, to the end of the token in hand. */
static int
read_number(struct lang_parser *p, size_t begin, struct lang_node *node)
{
	struct str text = str_from(p->text.p + begin, p->at - begin);
	bool is_whole = true;
	struct err why;

	for (size_t i = 0; i < text.n; i++)
		is_whole = is_whole && !strchr(".eE", text.p[i]);
	node->constant = is_whole ? LANG_INTEGER : LANG_REAL;
	if (is_whole ? parse_i64(text, INT64_MIN, INT64_MAX, &node->integer, &why) < 0
		     : parse_double(text, -HUGE_VAL, HUGE_VAL, &node->real, &why) < 0)
		return lang_error(p->text, begin, ERR_INVALID, p->err,
			is_whole ? "the number does not fit 64 bits" : "%s", why.text);
	return 0;
}

static int
parse_number(struct lang_parser *p, size_t begin, struct lang_node **ret)
{
	if (new_node(p, LANG_CONSTANT, begin, NULL, ret) < 0 ||
		read_number(p, begin, *ret) < 0 || lang_next_token(p) < 0)
		return -1;
	(*ret)->end = p->last_end;
	return 0;
}

static int
parse_text(struct lang_parser *p, struct lang_node **ret)
{
	if (new_node(p, LANG_TEXT, p->begin, NULL, ret) < 0 ||
		read_text(p, &(*ret)->name) < 0 || lang_next_token(p) < 0)
		return -1;
	(*ret)->end = p->last_end;
	return 0;
}

/* --- Lists of expressions --- */

/* `e, e, …` up to and with the closing sign; links them. */
static int
parse_items(struct lang_parser *p, const char *close, struct lang_node **ret, size_t *ret_n)
{
	struct lang_node **last = ret;

	*ret = NULL;
	*ret_n = 0;
	if (is_sign(p, close))
		return lang_next_token(p);
	for (;;) {
		if (parse_choice(p, last) < 0)
			return -1;
		++*ret_n;
		last = &(*last)->next;
		if (is_sign(p, close))
			return lang_next_token(p);
		if (expect_sign(p, ",", close[0] == ')' ? "\",\" or \")\"" : "\",\" or \"]\"") <
			0)
			return -1;
	}
}

static int
parse_list(struct lang_parser *p, struct lang_node **ret)
{
	size_t at = p->begin, n;
	struct lang_node *items;

	if (enter(p) < 0 || lang_next_token(p) < 0 || parse_items(p, "]", &items, &n) < 0)
		return -1;
	p->depth--;
	return new_node(p, LANG_LIST, at, items, ret);
}

static int
parse_group(struct lang_parser *p, struct lang_node **ret)
{
	size_t begin = p->begin;

	if (enter(p) < 0 || lang_next_token(p) < 0 || parse_choice(p, ret) < 0 ||
		expect_sign(p, ")", "\")\"") < 0)
		return -1;
	p->depth--;
	(*ret)->begin = begin;
	(*ret)->end = p->last_end;
	return 0;
}

/* --- Calls --- */

const struct lang_function *
lang_find_function(struct str name)
{
	for (const struct lang_function *f = lang_functions; f->name; f++)
		if (str_eqz(name, f->name))
			return f;
	return NULL;
}

static int
no_function(struct lang_parser *p, struct str name, size_t at)
{
	const char *names[64] = { 0 };
	char word[NAME_BYTES_MAX + 1] = "";
	size_t n = 0;

	for (const struct lang_function *f = lang_functions;
		f->name && n + 1 < ARRAY_LEN(names); f++)
		names[n++] = f->name;
	if (name.n < sizeof word)
		memcpy(word, name.p, name.n);
	const char *near = near_name(word, names);

	return lang_error(p->text, at, ERR_INVALID, p->err, "there is no function %s%s%s%s",
		word, near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

/* exists(1 + 2) would be true or an error, never what was meant. */
static int
check_call(struct lang_parser *p, const struct lang_node *call)
{
	enum lang_op op = call->kid ? call->kid->op : LANG_NOT;

	if (strcmp(call->function->name, "exists") != 0)
		return 0;
	if (op == LANG_VALUE || op == LANG_ROOT || op == LANG_MEMBER || op == LANG_INDEX)
		return 0;
	return lang_error(p->text, call->kid ? call->kid->begin : call->at, ERR_INVALID, p->err,
		"exists() takes a path such as stages.login.results");
}

static int
parse_call(struct lang_parser *p, struct str name, size_t at, struct lang_node **ret)
{
	const struct lang_function *function = lang_find_function(name);
	struct lang_node *args;
	size_t n;

	if (!function)
		return no_function(p, name, at);
	if (enter(p) < 0 || lang_next_token(p) < 0 || parse_items(p, ")", &args, &n) < 0)
		return -1;
	p->depth--;
	if (n < function->min_args || n > function->max_args)
		return lang_error(p->text, at, ERR_INVALID, p->err,
			"it is %s: %zu arguments do not fit", function->form, n);
	if (new_node(p, LANG_CALL, at, args, ret) < 0)
		return -1;
	(*ret)->function = function;
	return check_call(p, *ret);
}

/* --- Paths --- */

/* The name behind a dot, where p->at is. */
static int
read_member_name(struct lang_parser *p, struct str *ret)
{
	size_t begin = p->at;

	while (lang_is_member_char(lang_char_at(p, p->at)))
		p->at++;
	if (p->at == begin)
		return lang_error(p->text, begin, ERR_INVALID, p->err,
			"a member's name is expected behind the dot; other names are written "
			"[\"so\"]");
	*ret = str_from(p->text.p + begin, p->at - begin);
	return 0;
}

static int
parse_member(struct lang_parser *p, struct lang_node **path)
{
	struct str name;
	struct lang_node *member;
	size_t at = p->at;

	if (read_member_name(p, &name) < 0 || lang_next_token(p) < 0 ||
		new_node(p, LANG_MEMBER, at, *path, &member) < 0)
		return -1;
	member->name = name;
	*path = member;
	return 0;
}

static int
parse_index(struct lang_parser *p, struct lang_node **path)
{
	size_t at = p->begin;
	struct lang_node *index, *node;

	if (enter(p) < 0 || lang_next_token(p) < 0 || parse_choice(p, &index) < 0 ||
		expect_sign(p, "]", "\"]\"") < 0)
		return -1;
	p->depth--;
	(*path)->next = index;
	if (new_node(p, LANG_INDEX, at, *path, &node) < 0)
		return -1;
	*path = node;
	return 0;
}

/* `.name` and `[…]` that touch what stands before them. */
static int
parse_rest_of_path(struct lang_parser *p, struct lang_node **path)
{
	while (p->begin == p->last_end) {
		int r = is_sign(p, ".")   ? parse_member(p, path)
			: is_sign(p, "[") ? parse_index(p, path)
					  : 1;

		if (r != 0)
			return r < 0 ? -1 : 0;
	}
	return 0;
}

/* The dot that is the value at hand. A name may touch it; an index is the rest of the path. */
static int
parse_value(struct lang_parser *p, struct lang_node **ret)
{
	p->last_end = p->at;
	if (new_node(p, LANG_VALUE, p->begin, NULL, ret) < 0)
		return -1;
	if (lang_is_member_char(lang_char_at(p, p->at)))
		return parse_member(p, ret);
	return lang_next_token(p);
}

static int
parse_name(struct lang_parser *p, struct lang_node **ret)
{
	static const char *const constants[] = { "null", "false", "true" };
	struct str name = p->token;
	size_t at = p->begin;

	if (is_keyword(name))
		return unexpected(p, "a value");
	if (lang_next_token(p) < 0)
		return -1;
	if (is_sign(p, "(") && p->begin == p->last_end)
		return parse_call(p, name, at, ret);
	if (new_node(p, LANG_ROOT, at, NULL, ret) < 0)
		return -1;
	(*ret)->name = name;
	for (size_t i = 0; i < ARRAY_LEN(constants); i++) {
		if (str_eqz(name, constants[i])) {
			(*ret)->op = LANG_CONSTANT;
			(*ret)->constant = (enum lang_constant)i;
		}
	}
	return 0;
}

/* --- Operators, from what binds most to what binds least --- */

static int
parse_primary(struct lang_parser *p, struct lang_node **ret)
{
	int r;

	if (p->kind == LANG_TOKEN_NUMBER)
		return parse_number(p, p->begin, ret);
	if (p->kind == LANG_TOKEN_TEXT)
		r = parse_text(p, ret);
	else if (p->kind == LANG_TOKEN_NAME)
		r = parse_name(p, ret);
	else if (is_sign(p, "("))
		r = parse_group(p, ret);
	else if (is_sign(p, "["))
		r = parse_list(p, ret);
	else if (is_sign(p, "."))
		r = parse_value(p, ret);
	else
		return unexpected(p, "a value");
	return r < 0 ? -1 : parse_rest_of_path(p, ret);
}

static int
parse_unary(struct lang_parser *p, struct lang_node **ret)
{
	bool is_minus = is_sign(p, "-");
	size_t at = p->begin;

	if (!is_minus && !is_sign(p, "!"))
		return parse_primary(p, ret);
	if (enter(p) < 0 || lang_next_token(p) < 0)
		return -1;
	/* One literal, so that the least of all whole numbers can be written. */
	bool is_literal = is_minus && p->kind == LANG_TOKEN_NUMBER && p->begin == at + 1;

	if ((is_literal ? parse_number(p, at, ret) : parse_unary(p, ret)) < 0)
		return -1;
	p->depth--;
	if (is_literal)
		return 0;
	return new_node(p, is_minus ? LANG_NEGATE : LANG_NOT, at, *ret, ret);
}

struct operator_row {
	const char *sign; /* or word */
	enum lang_op op;
};

typedef int parse_fn(struct lang_parser *p, struct lang_node **ret);

static const struct operator_row *
find_operator(const struct lang_parser *p, const struct operator_row *rows)
{
	for (; rows->sign; rows++)
		if (is_sign(p, rows->sign) || is_word(p, rows->sign))
			return rows;
	return NULL;
}

/* `a op b op c`, to the left. */
static int
parse_chain(struct lang_parser *p, const struct operator_row *rows, parse_fn *side,
	struct lang_node **ret)
{
	const struct operator_row *row;

	if (side(p, ret) < 0)
		return -1;
	while ((row = find_operator(p, rows)) != NULL) {
		size_t at = p->begin;

		if (lang_next_token(p) < 0 || side(p, &(*ret)->next) < 0 ||
			new_node(p, row->op, at, *ret, ret) < 0)
			return -1;
	}
	return 0;
}

static int
parse_product(struct lang_parser *p, struct lang_node **ret)
{
	static const struct operator_row rows[] = { { "*", LANG_MULTIPLY },
		{ "/", LANG_DIVIDE }, { "%", LANG_MODULO }, { 0 } };

	return parse_chain(p, rows, parse_unary, ret);
}

static int
parse_sum(struct lang_parser *p, struct lang_node **ret)
{
	static const struct operator_row rows[] = { { "+", LANG_ADD }, { "-", LANG_SUBTRACT },
		{ 0 } };

	return parse_chain(p, rows, parse_product, ret);
}

/* The operator between two sums, `not in` being two words. 1: there is none. */
static int
take_comparison(struct lang_parser *p, enum lang_op *ret)
{
	static const struct operator_row rows[] = { { "==", LANG_EQUAL },
		{ "!=", LANG_UNEQUAL }, { "<", LANG_LESS }, { "<=", LANG_LESS_EQUAL },
		{ ">", LANG_GREATER }, { ">=", LANG_GREATER_EQUAL }, { "in", LANG_IN },
		{ "matches", LANG_MATCHES }, { "not", LANG_NOT_IN }, { 0 } };
	const struct operator_row *row = find_operator(p, rows);

	if (!row)
		return 1;
	*ret = row->op;
	if (lang_next_token(p) < 0)
		return -1;
	if (row->op != LANG_NOT_IN)
		return 0;
	return is_word(p, "in") ? lang_next_token(p) : unexpected(p, "\"in\" behind \"not\"");
}

/* A pattern that is written out is compiled once, and refused where it stands. */
static int
prepare_pattern(struct lang_parser *p, struct lang_node *node)
{
	const struct lang_node *right = node->kid->next;
	struct lang_pattern *pattern;

	if (node->op != LANG_MATCHES || right->op != LANG_TEXT)
		return 0;
	if (lang_pattern_compile(right->name, LANG_PATTERN_PERL, p->arena, &pattern, p->err) <
		0)
		return err_wrap(p->err, "character %zu",
			lang_length(str_from(p->text.p, right->begin)) + 1);
	node->pattern = pattern;
	return 0;
}

static int
parse_comparison(struct lang_parser *p, struct lang_node **ret)
{
	enum lang_op op = LANG_EQUAL, ignored = LANG_EQUAL;
	size_t at;
	int r;

	if (parse_sum(p, ret) < 0)
		return -1;
	at = p->begin;
	r = take_comparison(p, &op);
	if (r != 0)
		return r < 0 ? -1 : 0;
	if (parse_sum(p, &(*ret)->next) < 0 || new_node(p, op, at, *ret, ret) < 0 ||
		prepare_pattern(p, *ret) < 0)
		return -1;
	at = p->begin;
	r = take_comparison(p, &ignored);
	if (r == 0)
		return lang_error(p->text, at, ERR_INVALID, p->err,
			"comparisons do not chain: put \"and\" or parentheses between them");
	return r < 0 ? -1 : 0;
}

static int
parse_not(struct lang_parser *p, struct lang_node **ret)
{
	size_t at = p->begin;

	if (!is_word(p, "not"))
		return parse_comparison(p, ret);
	if (enter(p) < 0 || lang_next_token(p) < 0 || parse_not(p, ret) < 0)
		return -1;
	p->depth--;
	return new_node(p, LANG_NOT, at, *ret, ret);
}

static int
parse_and(struct lang_parser *p, struct lang_node **ret)
{
	static const struct operator_row rows[] = { { "and", LANG_AND }, { "&&", LANG_AND },
		{ 0 } };

	return parse_chain(p, rows, parse_not, ret);
}

static int
parse_or(struct lang_parser *p, struct lang_node **ret)
{
	static const struct operator_row rows[] = { { "or", LANG_OR }, { "||", LANG_OR },
		{ 0 } };

	return parse_chain(p, rows, parse_and, ret);
}

static int
parse_choice(struct lang_parser *p, struct lang_node **ret)
{
	size_t at;

	if (parse_or(p, ret) < 0)
		return -1;
	at = p->begin;
	if (!is_sign(p, "?"))
		return 0;
	if (enter(p) < 0 || lang_next_token(p) < 0 || parse_choice(p, &(*ret)->next) < 0 ||
		expect_sign(p, ":", "\":\"") < 0 || parse_choice(p, &(*ret)->next->next) < 0)
		return -1;
	p->depth--;
	return new_node(p, LANG_CHOICE, at, *ret, ret);
}

static int
not_at_end(struct lang_parser *p)
{
	static const char *const words[] = { "and", "or", "not in", "in", "matches", NULL };
	char word[16] = "";

	if (p->kind == LANG_TOKEN_NAME && p->token.n < sizeof word)
		memcpy(word, p->token.p, p->token.n);
	for (char *c = word; *c; c++)
		*c = (char)(*c >= 'A' && *c <= 'Z' ? *c + ('a' - 'A') : *c);
	const char *near = word[0] ? near_name(word, words) : NULL;

	if (near)
		return lang_error(p->text, p->begin, ERR_INVALID, p->err,
			"an operator is expected, here is " STR_FMT "; did you mean \"%s\"?",
			STR_ARG(p->token), near);
	return unexpected(p, "an operator or the end");
}

int
lang_parse(struct str text, struct arena *arena, struct lang **ret, struct err *err)
{
	struct lang *lang = arena_alloc(arena, sizeof *lang);
	const char *copy;
	struct lang_parser p = { .arena = arena, .err = err };

	if (text.n > LANG_BYTES_MAX)
		return err_set(err, ERR_LIMIT,
			"the expression is longer than %" PRId64 " bytes",
			(int64_t)LANG_BYTES_MAX);
	copy = lang ? arena_strndup(arena, text.p ? text.p : "", text.n) : NULL;
	if (!copy)
		return no_room(&p);
	if (!utf8_valid(copy, text.n))
		return err_set(err, ERR_INVALID, "the expression is not UTF-8");
	p.text = lang->text = str_from(copy, text.n);
	if (lang_next_token(&p) < 0 || parse_choice(&p, &lang->top) < 0)
		return -1;
	if (p.kind != LANG_TOKEN_END)
		return not_at_end(&p);
	*ret = lang;
	return 0;
}
