/* SPDX-License-Identifier: Apache-2.0 */
/* The text of an expression, token by token; for the parser alone. */
#pragma once

#include "core/lang_impl.h"

enum lang_token {
	LANG_TOKEN_END,
	LANG_TOKEN_NUMBER,
	LANG_TOKEN_TEXT,
	LANG_TOKEN_NAME,
	LANG_TOKEN_SIGN
};

struct lang_parser {
	struct str text;
	struct arena *arena;
	struct err *err;
	size_t at; /* behind the token in hand */
	int depth;
	enum lang_token kind; /* the token in hand: */
	struct str token;     /* as it is written */
	size_t begin;
	size_t last_end; /* of the token before it */
};

/* Reads the next token. -1: there is none that means something. */
int lang_next_token(struct lang_parser *p) MUST_CHECK;

/* The byte there, NUL behind the end. */
char lang_char_at(const struct lang_parser *p, size_t at);

/* Letters, digits, _ and -. */
bool lang_is_member_char(char c);
