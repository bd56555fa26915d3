/* SPDX-License-Identifier: Apache-2.0 */
/* Recursive descent; the depth is bounded so that neither parsing nor matching can exhaust a
 * stack. */
#include "core/tagexpr.h"

#include <inttypes.h>
#include <string.h>

#include "base/limits.h"

enum {
	DEPTH_MAX = 64,
};

/* Of the tree: at most a node and a copied tag for each byte of the text. */
#define TREE_BYTES_MAX (TAG_EXPR_BYTES_MAX * 64)

enum node_kind { NODE_TAG, NODE_NOT, NODE_AND, NODE_OR };

struct tagexpr {
	enum node_kind kind;
	const char *tag;              /* NODE_TAG */
	struct tagexpr *left, *right; /* NODE_NOT: left alone */
};

enum token_kind {
	TOKEN_END,
	TOKEN_TAG,
	TOKEN_AND,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_OPEN,
	TOKEN_CLOSE
};

struct parser {
	struct str text;
	size_t at;
	struct arena *arena;
	struct err *err;
	int depth;
	enum token_kind kind; /* the token in hand */
	struct str word;
	size_t begin;
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
is_word(char c)
{
	return !is_blank(c) && c != '(' && c != ')' && c != '"' && c != '\'';
}

static int
read_quoted(struct parser *p, char quote)
{
	size_t begin = ++p->at;

	while (p->at < p->text.n && p->text.p[p->at] != quote)
		p->at++;
	if (p->at == p->text.n)
		return err_set(p->err, ERR_INVALID, "the quote at %zu is not closed", begin);
	p->word = str_from(p->text.p + begin, p->at - begin);
	p->at++;
	p->kind = TOKEN_TAG;
	return 0;
}

static int
next_token(struct parser *p)
{
	while (p->at < p->text.n && is_blank(p->text.p[p->at]))
		p->at++;
	p->begin = p->at;
	if (p->at == p->text.n) {
		p->kind = TOKEN_END;
		return 0;
	}
	char c = p->text.p[p->at];

	if (c == '"' || c == '\'')
		return read_quoted(p, c);
	if (c == '(' || c == ')') {
		p->kind = c == '(' ? TOKEN_OPEN : TOKEN_CLOSE;
		p->at++;
		return 0;
	}
	while (p->at < p->text.n && is_word(p->text.p[p->at]))
		p->at++;
	p->word = str_from(p->text.p + p->begin, p->at - p->begin);
	p->kind = str_eq(p->word, STR("and")) ? TOKEN_AND
		: str_eq(p->word, STR("or"))  ? TOKEN_OR
		: str_eq(p->word, STR("not")) ? TOKEN_NOT
					      : TOKEN_TAG;
	return 0;
}

static struct tagexpr *
new_node(struct parser *p, enum node_kind kind, struct tagexpr *left, struct tagexpr *right)
{
	struct tagexpr *node = arena_xalloc(p->arena, sizeof *node);

	node->kind = kind;
	node->left = left;
	node->right = right;
	return node;
}

static int parse_or(struct parser *p, struct tagexpr **ret);

static int
parse_tag(struct parser *p, struct tagexpr **ret)
{
	if (p->word.n == 0 || p->word.n > TAG_BYTES_MAX)
		return err_set(p->err, ERR_INVALID, "a tag has 1 to %d bytes (at %zu)",
			TAG_BYTES_MAX, p->begin + 1);
	*ret = new_node(p, NODE_TAG, NULL, NULL);
	(*ret)->tag = arena_strndup(p->arena, p->word.p, p->word.n);
	return next_token(p);
}

static int
parse_unary(struct parser *p, struct tagexpr **ret)
{
	bool is_not = p->kind == TOKEN_NOT;
	int r = -1;

	if (p->kind == TOKEN_TAG)
		return parse_tag(p, ret);
	if (!is_not && p->kind != TOKEN_OPEN)
		return err_set(p->err, ERR_INVALID, "a tag is expected at %zu", p->begin + 1);
	if (++p->depth > DEPTH_MAX)
		return err_set(p->err, ERR_LIMIT, "nested deeper than %d", DEPTH_MAX);
	if (next_token(p) < 0)
		return -1;
	r = is_not ? parse_unary(p, ret) : parse_or(p, ret);
	p->depth--;
	if (r < 0)
		return -1;
	if (is_not) {
		*ret = new_node(p, NODE_NOT, *ret, NULL);
		return 0;
	}
	if (p->kind != TOKEN_CLOSE)
		return err_set(p->err, ERR_INVALID, "\")\" is expected at %zu", p->begin + 1);
	return next_token(p);
}

static int
parse_and(struct parser *p, struct tagexpr **ret)
{
	if (parse_unary(p, ret) < 0)
		return -1;
	while (p->kind == TOKEN_AND) {
		struct tagexpr *right;

		if (next_token(p) < 0 || parse_unary(p, &right) < 0)
			return -1;
		*ret = new_node(p, NODE_AND, *ret, right);
	}
	return 0;
}

static int
parse_or(struct parser *p, struct tagexpr **ret)
{
	if (parse_and(p, ret) < 0)
		return -1;
	while (p->kind == TOKEN_OR) {
		struct tagexpr *right;

		if (next_token(p) < 0 || parse_and(p, &right) < 0)
			return -1;
		*ret = new_node(p, NODE_OR, *ret, right);
	}
	return 0;
}

int
tagexpr_parse(struct str text, struct arena *arena, struct tagexpr **ret, struct err *err)
{
	struct parser p = { .text = text, .arena = arena, .err = err };
	struct tagexpr *expr;

	if (text.n > TAG_EXPR_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "longer than %" PRId64 " bytes",
			(int64_t)TAG_EXPR_BYTES_MAX);
	if (arena->max - arena->used < TREE_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "the request is too large");
	if (next_token(&p) < 0 || parse_or(&p, &expr) < 0)
		return -1;
	if (p.kind != TOKEN_END)
		return err_set(
			err, ERR_INVALID, "\"and\" or \"or\" is expected at %zu", p.begin + 1);
	*ret = expr;
	return 0;
}

static bool
has_tag(const char *tag, const char *const *tags, size_t n_tags)
{
	for (size_t i = 0; i < n_tags; i++)
		if (strcmp(tags[i], tag) == 0)
			return true;
	return false;
}

/*
 * Chains of `and` and `or` lean to the left and may be long: the loop walks them, so that only
 * nesting, which is bounded, recurses.
 */
bool
tagexpr_matches(const struct tagexpr *expr, const char *const *tags, size_t n_tags)
{
	switch (expr->kind) {
	case NODE_TAG:
		return has_tag(expr->tag, tags, n_tags);
	case NODE_NOT:
		return !tagexpr_matches(expr->left, tags, n_tags);
	case NODE_AND:
		while (expr->kind == NODE_AND) {
			if (!tagexpr_matches(expr->right, tags, n_tags))
				return false;
			expr = expr->left;
		}
		return tagexpr_matches(expr, tags, n_tags);
	case NODE_OR:
		while (expr->kind == NODE_OR) {
			if (tagexpr_matches(expr->right, tags, n_tags))
				return true;
			expr = expr->left;
		}
		return tagexpr_matches(expr, tags, n_tags);
	}
	return false;
}
