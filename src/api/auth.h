/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Access: who a token stands for, and what that one may do. Tokens are kept as SHA-256; the
 * text exists once, in the file or answer that gave it.
 *
 * A token is "pr_", 30 random characters of base62 (178 bits) and six characters of checksum
 * (CRC-32), so that a scanner can tell a real one from noise.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"

struct store;
struct store_reader;

enum {
	AUTH_TOKEN_LEN = 3 + 30 + 6, /* without the NUL */
};

enum auth_role { ROLE_ADMIN, ROLE_WORKER, ROLE_COUNT };

/* What a route does. */
enum auth_scope {
	SCOPE_PUBLIC, /* no token needed */
	SCOPE_READ,
	SCOPE_WRITE,
	SCOPE_WORK, /* poll, artifacts of runs, bundles */
	SCOPE_COUNT
};

struct auth_token {
	uint8_t hash[32];
	int64_t project;
	enum auth_role role;
};

struct auth {
	struct auth_token *tokens; /* owned */
	size_t n_tokens;
	char *path;  /* of the admin token's file; owned */
	bool is_new; /* this start made it */
};

/*
 * Reads the tokens; makes DATA/admin.token when the store has none. When the file is lost but
 * the store has tokens, a new admin token is made as well. -1: what the file system or store
 * said.
 */
int auth_start(struct auth *auth, struct store *store, const char *data_dir, struct err *err)
	MUST_CHECK;
void auth_stop(struct auth *auth);

/* The token's row, or NULL. Takes as long for any text of that length. */
const struct auth_token *auth_find(const struct auth *auth, struct str token);

/* The one place that decides. */
bool auth_allows(enum auth_role role, enum auth_scope scope);

/* A fresh token's text with the NUL. */
void auth_token_make(char out[AUTH_TOKEN_LEN + 1]);
/* True when form and checksum are right: says nothing about whether it is known. */
bool auth_token_well_formed(struct str token);
