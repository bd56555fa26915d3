/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens in memory: there are few, and a look-up compares with all of them. */
#include "api/auth.h"

#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "store/store.h"

enum {
	RANDOM_CHARS = 30,
	CHECK_CHARS = 6,
};

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static const char *const role_names[ROLE_COUNT] = { "admin", "worker" };

#define MAY(scope) (1u << (scope))

static const unsigned role_scopes[ROLE_COUNT] = {
	[ROLE_ADMIN] = MAY(SCOPE_PUBLIC) | MAY(SCOPE_READ) | MAY(SCOPE_WRITE) | MAY(SCOPE_WORK),
	[ROLE_WORKER] = MAY(SCOPE_PUBLIC) | MAY(SCOPE_WORK),
};

bool
auth_allows(enum auth_role role, enum auth_scope scope)
{
	return (role_scopes[role] & MAY(scope)) != 0;
}

/* --- Texts of tokens --- */

static uint32_t
crc32_of(const char *text, size_t n)
{
	uint32_t crc = 0xffffffff;

	for (size_t i = 0; i < n; i++) {
		crc ^= (unsigned char)text[i];
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (0xedb88320u & -(crc & 1));
	}
	return ~crc;
}

static void
checksum(const char *text, size_t n, char out[CHECK_CHARS])
{
	uint32_t crc = crc32_of(text, n);

	for (int i = CHECK_CHARS - 1; i >= 0; i--) {
		out[i] = base62[crc % 62];
		crc /= 62;
	}
}

void
auth_token_make(char out[AUTH_TOKEN_LEN + 1])
{
	memcpy(out, "pr_", 3);
	for (size_t i = 0; i < RANDOM_CHARS;) {
		uint8_t byte;

		rand_bytes(&byte, 1);
		if (byte < 248) /* the greatest multiple of 62, so that all are as likely */
			out[3 + i++] = base62[byte % 62];
	}
	checksum(out, 3 + RANDOM_CHARS, out + 3 + RANDOM_CHARS);
	out[AUTH_TOKEN_LEN] = '\0';
}

bool
auth_token_well_formed(struct str token)
{
	char check[CHECK_CHARS];

	if (token.n != AUTH_TOKEN_LEN || memcmp(token.p, "pr_", 3) != 0)
		return false;
	checksum(token.p, 3 + RANDOM_CHARS, check);
	return memcmp(check, token.p + 3 + RANDOM_CHARS, CHECK_CHARS) == 0;
}

static void
hash_token(struct str token, uint8_t out[32])
{
	(void)crypto_hash_sha256(out, (const unsigned char *)token.p, token.n);
}

const struct auth_token *
auth_find(const struct auth *auth, struct str token)
{
	const struct auth_token *found = NULL;
	uint8_t hash[32];

	if (token.n == 0 || token.n > TOKEN_BYTES_MAX)
		return NULL;
	hash_token(token, hash);
	for (size_t i = 0; i < auth->n_tokens; i++)
		if (sodium_memcmp(hash, auth->tokens[i].hash, sizeof hash) == 0)
			found = &auth->tokens[i];
	return found;
}

/* --- Start --- */

static void
add_token(struct auth *auth, const struct token_row *row)
{
	struct auth_token *token;

	for (int role = 0; role < ROLE_COUNT; role++) {
		if (strcmp(row->role, role_names[role]) != 0)
			continue;
		auth->tokens =
			xreallocarray(auth->tokens, auth->n_tokens + 1, sizeof *auth->tokens);
		token = &auth->tokens[auth->n_tokens++];
		memcpy(token->hash, row->hash, sizeof token->hash);
		token->project = row->project;
		token->role = (enum auth_role)role;
		return;
	}
	log_warn("auth.role", NULL,
		"token \"%s\" has the unknown role \"%s\" and opens nothing", row->name,
		row->role);
}

static int
load_tokens(struct auth *auth, struct store *store, struct err *err)
{
	_cleanup_(store_reader_closep) struct store_reader *reader = NULL;
	_cleanup_(arena_deinit) struct arena arena;
	struct token_row *rows;
	size_t n;

	arena_init(&arena, MIB(16));
	if (store_reader_open(&reader, store, err) < 0 ||
		read_tokens(reader, &arena, &rows, &n, err) < 0)
		return err_wrap(err, "access tokens");
	for (size_t i = 0; i < n; i++)
		add_token(auth, &rows[i]);
	return 0;
}

/* The row first: a file without its row would be a token that opens nothing. */
static int
make_admin(struct auth *auth, struct store *store, struct err *err)
{
	char text[AUTH_TOKEN_LEN + 2];
	struct token_row row = {
		.project = 1,
		.name = "admin",
		.role = role_names[ROLE_ADMIN],
		.created_ms = clock_wall_ms(),
	};

	auth_token_make(text);
	hash_token(str_from(text, AUTH_TOKEN_LEN), row.hash);
	if (store_token_put(store, &row, err) < 0)
		return err_wrap(err, "admin token");
	text[AUTH_TOKEN_LEN] = '\n';
	int r = file_write_atomic(auth->path, text, AUTH_TOKEN_LEN + 1, 0600, err);

	sodium_memzero(text, sizeof text);
	if (r < 0)
		return err_wrap(err, "admin token");
	add_token(auth, &row);
	auth->is_new = true;
	return 0;
}

/* The file's token, when the store knows it. */
static bool
file_is_good(const struct auth *auth)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(1024);
	struct err err;

	if (file_read(auth->path, 1024, &text, &err) < 0)
		return false;
	bool good = auth_find(auth, str_trim(buf_str(&text))) != NULL;

	if (text.data)
		sodium_memzero(text.data, text.len);
	return good;
}

int
auth_start(struct auth *auth, struct store *store, const char *data_dir, struct err *err)
{
	*auth = (struct auth) { .path = xasprintf("%s/admin.token", data_dir) };
	if (load_tokens(auth, store, err) < 0)
		return -1;
	if (auth->n_tokens > 0 && file_is_good(auth))
		return 0;
	return make_admin(auth, store, err);
}

void
auth_stop(struct auth *auth)
{
	free(auth->tokens);
	free(auth->path);
	*auth = (struct auth) { 0 };
}
