/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of an expression, shared by the files of the language and by nobody else. */
#pragma once

#include "core/lang.h"

struct lang_eval;
struct lang_node;
struct lang_pattern;

enum lang_op {
	LANG_CONSTANT, /* literal: `constant` */
	LANG_TEXT,     /* literal: `name` */
	LANG_VALUE,    /* `.` */
	LANG_ROOT,     /* `name` */
	LANG_MEMBER,   /* kid: what it is read from; `name` */
	LANG_INDEX,    /* kids: what it is read from, the member or item */
	LANG_LIST,     /* kids: items */
	LANG_CALL,     /* kids: arguments */
	LANG_NOT,      /* this and all that follow: as many kids as the operator has sides */
	LANG_NEGATE,
	LANG_AND,
	LANG_OR,
	LANG_EQUAL,
	LANG_UNEQUAL,
	LANG_LESS,
	LANG_LESS_EQUAL,
	LANG_GREATER,
	LANG_GREATER_EQUAL,
	LANG_IN,
	LANG_NOT_IN,
	LANG_MATCHES,
	LANG_ADD,
	LANG_SUBTRACT,
	LANG_MULTIPLY,
	LANG_DIVIDE,
	LANG_MODULO,
	LANG_CHOICE, /* condition, then, else */
};

enum lang_constant {
	LANG_NULL,
	LANG_FALSE,
	LANG_TRUE,
	LANG_INTEGER,
	LANG_REAL,
};

enum {
	LANG_ARGS_MAX = 16,
	LANG_TREE_DEPTH_MAX = 250, /* of nodes: chains such as a + b + c lean to the left */
};

/* An argument list: evaluated already, or NULL when the function looks at the kids itself. */
typedef json_t *lang_function_fn(
	struct lang_eval *e, const struct lang_node *call, json_t *const *arg, size_t n);

struct lang_function {
	const char *name;
	const char *form; /* for errors: "join(list, separator)" */
	size_t min_args, max_args;
	bool is_lazy;     /* evaluates its arguments itself */
	bool binds_value; /* `.` in the second argument is an item of the first */
	lang_function_fn *fn;
};

struct lang_node {
	enum lang_op op;
	unsigned depth;         /* 1 + that of the deepest kid */
	size_t begin, end;      /* bytes of the text that it was read from */
	size_t at;              /* byte that an error points at */
	struct lang_node *kid;  /* first one */
	struct lang_node *next; /* sibling */
	struct str name;
	enum lang_constant constant;
	int64_t integer;
	double real;
	const struct lang_function *function;
	const struct lang_pattern *pattern; /* LANG_MATCHES with a literal on the right */
};

struct lang {
	struct str text; /* copy */
	struct lang_node *top;
};

/* Ends with name NULL. */
extern const struct lang_function lang_functions[];

/* NULL when there is none. */
const struct lang_function *lang_find_function(struct str name);

/* Puts "character N: " and the text into err. Always -1. */
int lang_error(struct str text, size_t at, enum err_code code, struct err *err, const char *fmt,
	...) PRINTF_LIKE(5, 6);

/* An evaluation. */
struct lang_eval {
	const struct lang *lang;
	const struct lang_scope *scope;
	json_t *value; /* `.`, now; NULL: none */
	int64_t steps; /* that are left */
	struct err *err;
};

/* A new reference; NULL with an error. */
json_t *lang_eval_node(struct lang_eval *e, const struct lang_node *node) MUST_CHECK;

/* An error at a node. Always NULL. */
json_t *lang_fail(struct lang_eval *e, const struct lang_node *node, enum err_code code,
	const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Takes the price of work over so many bytes. -1: too much, with err. */
int lang_pay(struct lang_eval *e, const struct lang_node *node, size_t bytes) MUST_CHECK;

/* `a in b`: 1 or 0; -1 with an error. */
int lang_contains(struct lang_eval *e, const struct lang_node *node, const json_t *item,
	const json_t *whole) MUST_CHECK;

/* Pays for a text that was made and gives it; NULL: too long. */
json_t *lang_new_text(struct lang_eval *e, const struct lang_node *node, struct str text)
	MUST_CHECK;
