/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the bytes: at each place the first rule that fits takes what it fits. Rules
 * look at the byte before, so that the middle of a word begins nothing.
 *
 * Groups: a text of k words has k signatures, each the hash of all words but one. Two texts
 * that share a signature differ in at most that word. Groups that meet are joined (union-find).
 */
#include "core/cluster.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"

enum {
	WORDS_MAX = 64, /* of a text, for its signatures; the others are taken as one */
	HEX_MIN = 8,    /* shorter ones are words or numbers */
	UUID_CHARS = 36,
	DATE_CHARS = 10,
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_alpha(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Bytes of UTF-8 count as letters. */
static bool
is_word(char c)
{
	return is_digit(c) || is_alpha(c) || c == '_' || (unsigned char)c >= 0x80;
}

static bool
is_hex(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static size_t
run_of(struct str at, bool (*is)(char c))
{
	size_t n = 0;

	while (n < at.n && is(at.p[n]))
		n++;
	return n;
}

/* Up to the next blank, without the punctuation that ends a sentence or closes a bracket. */
static size_t
until_blank(struct str at)
{
	size_t n = 0;

	while (n < at.n && !is_blank(at.p[n]) && !strchr("\"'`<>()[]{},", at.p[n]))
		n++;
	while (n > 0 && strchr(".;:!?", at.p[n - 1]))
		n--;
	return n;
}

/* ---- rules: how many bytes of `at` they take, 0: none ---- */

static size_t
take_colour(struct str at)
{
	size_t n = 2;

	if (at.n < 2 || at.p[0] != '\x1b' || at.p[1] != '[')
		return 0;
	while (n < at.n && !is_alpha(at.p[n]))
		n++;
	return n < at.n ? n + 1 : n;
}

static size_t
take_quoted(struct str at)
{
	char quote = at.p[0];

	if (!strchr("\"'`", quote) || quote == '\0')
		return 0;
	for (size_t n = 1; n < at.n && at.p[n] != '\n'; n++) {
		bool ends = n + 1 == at.n || !is_word(at.p[n + 1]);

		if (at.p[n] == quote && ends)
			return n + 1;
	}
	return 0;
}

static size_t
take_url(struct str at)
{
	size_t n = run_of(at, is_alpha);

	if (n == 0 || n + 3 >= at.n || memcmp(at.p + n, "://", 3) != 0)
		return 0;
	return until_blank(at);
}

static size_t
take_path(struct str at)
{
	bool is_drive = at.n > 3 && is_alpha(at.p[0]) && at.p[1] == ':' && at.p[2] == '\\';
	size_t skip = 0;

	while (skip < at.n && skip < 2 && (at.p[skip] == '.' || at.p[skip] == '~'))
		skip++;
	bool is_rooted = skip + 1 < at.n && at.p[skip] == '/' && is_word(at.p[skip + 1]);

	return is_drive || is_rooted ? until_blank(at) : 0;
}

static size_t
take_uuid(struct str at)
{
	if (at.n < UUID_CHARS || (at.n > UUID_CHARS && is_word(at.p[UUID_CHARS])))
		return 0;
	for (size_t i = 0; i < UUID_CHARS; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? at.p[i] != '-' : !is_hex(at.p[i]))
			return 0;
	}
	return UUID_CHARS;
}

static bool
is_of_time(char c)
{
	return is_digit(c) || strchr(":.,TZ+-", c);
}

/* 2026-11-22, perhaps with a time behind it; or 10:11:12 by itself. */
static size_t
take_time(struct str at)
{
	static const char date[] = "dddd-dd-dd", clock[] = "dd:dd:dd";
	const char *form = date;
	size_t n = DATE_CHARS;

	if (at.n >= 3 && at.p[2] == ':') {
		form = clock;
		n = sizeof clock - 1;
	}
	if (at.n < n)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (form[i] == 'd' ? !is_digit(at.p[i]) : at.p[i] != form[i])
			return 0;
	}
	if (form == date && at.n > n + 1 && at.p[n] == ' ' && is_digit(at.p[n + 1]))
		n++;
	while (n < at.n && at.p[n] != '\0' && is_of_time(at.p[n]))
		n++;
	while (strchr(".,:-+", at.p[n - 1]))
		n--;
	return n;
}

static size_t
take_hex(struct str at)
{
	bool is_marked = at.n > 2 && at.p[0] == '0' && (at.p[1] == 'x' || at.p[1] == 'X');

	if (is_marked) {
		struct str rest = str_from(at.p + 2, at.n - 2);
		size_t n = run_of(rest, is_hex);

		return n > 0 ? n + 2 : 0;
	}
	size_t n = run_of(at, is_hex), n_digits = 0;

	for (size_t i = 0; i < n; i++)
		n_digits += is_digit(at.p[i]);
	bool ends = n == at.n || !is_word(at.p[n]);

	return n >= HEX_MIN && ends && n_digits > 0 && n_digits < n ? n : 0;
}

/* Digits with points and commas inside. */
static size_t
take_number(struct str at)
{
	size_t n = run_of(at, is_digit);

	while (n > 0 && n + 1 < at.n && (at.p[n] == '.' || at.p[n] == ',') &&
		is_digit(at.p[n + 1])) {
		struct str rest = str_from(at.p + n + 1, at.n - n - 1);

		n += 1 + run_of(rest, is_digit);
	}
	return n;
}

static const struct rule {
	size_t (*take)(struct str at);
	const char *put;
	bool inside; /* also in the middle of a word */
} rules[] = {
	{ take_colour, "", true },
	{ take_quoted, "'…'", false },
	{ take_url, "<url>", false },
	{ take_path, "<path>", false },
	{ take_uuid, "<id>", false },
	{ take_time, "<time>", false },
	{ take_hex, "<hex>", false },
	{ take_number, "<n>", true },
};

/* Adds what is put for the beginning of `at`, and says how much of it that was. */
static size_t
put_next(struct buf *out, struct str at, bool is_inside, int *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		size_t n = is_inside && !rules[i].inside ? 0 : rules[i].take(at);

		if (n > 0) {
			*ret = buf_adds(out, rules[i].put);
			return n;
		}
	}
	if (!is_blank(at.p[0])) {
		*ret = buf_addc(out, at.p[0]);
		return 1;
	}
	*ret = out->len > 0 && out->data[out->len - 1] != ' ' ? buf_addc(out, ' ') : 0;
	return 1;
}

/* How much of the text fits, without half a character at its end. */
static size_t
cut_at(struct str text, size_t max)
{
	size_t n = text.n < max ? text.n : max;

	while (n > 0 && n < text.n && ((unsigned char)text.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

const char *
cluster_normalise(struct str text, struct arena *arena)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(ERROR_SAMPLE_BYTES_MAX * 2);
	char before = ' ';
	int rc = 0;

	for (size_t at = 0; at < text.n && rc == 0;) {
		struct str rest = str_from(text.p + at, text.n - at);

		at += put_next(&out, rest, is_word(before), &rc);
		before = text.p[at - 1];
	}
	struct str all = str_from(out.data, out.len);

	all.n = cut_at(all, ERROR_CLASS_BYTES_MAX);
	while (all.n > 0 && all.p[all.n - 1] == ' ')
		all.n--;
	const char *copy = all.n > 0 ? arena_strndup(arena, all.p, all.n) : NULL;

	return copy ? copy : "";
}

const char *
cluster_message(const char *error, const char *reason, const char *outcome, struct arena *arena)
{
	struct err ignored;
	_cleanup_(json_unrefp) json_t *object =
		error ? json_read(error, strlen(error), JSON_DEPTH_MAX, &ignored) : NULL;
	const char *message = json_string_value(json_object_get(object, "message"));

	if (!message || *message == '\0')
		message = reason ? reason : outcome;
	struct str text = str_of(message);

	return arena_strndup(arena, text.p, cut_at(text, ERROR_SAMPLE_BYTES_MAX));
}

/* ---- groups ---- */

static uint64_t
hash_word(struct str word)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < word.n; i++)
		hash = (hash ^ (unsigned char)word.p[i]) * UINT64_C(0x100000001b3);
	return hash;
}

/* Spreads a word by its place, so that the order matters. */
static uint64_t
mix(uint64_t hash, uint64_t place)
{
	hash += (place + 1) * UINT64_C(0x9e3779b97f4a7c15);
	hash = (hash ^ (hash >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	hash = (hash ^ (hash >> 27)) * UINT64_C(0x94d049bb133111eb);
	return hash ^ (hash >> 31);
}

static size_t
words_of(const char *text, uint64_t *ret)
{
	struct str rest = str_of(text);
	size_t n = 0;

	while (rest.p && n + 1 < WORDS_MAX)
		ret[n++] = hash_word(str_split_first(&rest, ' '));
	if (rest.p)
		ret[n++] = hash_word(rest);
	return n;
}

static size_t
root_of(size_t *group, size_t i)
{
	while (group[i] != i) {
		group[i] = group[group[i]];
		i = group[i];
	}
	return i;
}

/* The smaller place stays the root. */
static void
join(size_t *group, size_t a, size_t b)
{
	a = root_of(group, a);
	b = root_of(group, b);
	if (a < b)
		group[b] = a;
	else
		group[a] = b;
}

struct signature {
	uint64_t hash;
	size_t text;
};

static int
by_hash(const void *a, const void *b)
{
	const struct signature *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return (x->text > y->text) - (x->text < y->text);
}

/* Of a text that is one word the only signature would be that of nothing. */
static size_t
sign(const char *text, size_t place, struct signature *ret)
{
	uint64_t words[WORDS_MAX], all = 0;
	size_t n = words_of(text, words);

	for (size_t i = 0; i < n; i++)
		all += words[i] = mix(words[i], i);
	if (n < 2) {
		ret[0] = (struct signature) { .hash = all, .text = place };
		return 1;
	}
	for (size_t i = 0; i < n; i++)
		ret[i] = (struct signature) {
			.hash = mix(all - words[i], n * WORDS_MAX + i),
			.text = place,
		};
	return n;
}

void
cluster_group(const char *const *texts, size_t n, size_t *ret)
{
	_cleanup_free_ struct signature *all = xcalloc(n * WORDS_MAX + 1, sizeof *all);
	size_t n_all = 0;

	for (size_t i = 0; i < n; i++) {
		ret[i] = i;
		n_all += sign(texts[i], i, &all[n_all]);
	}
	qsort(all, n_all, sizeof *all, by_hash);
	for (size_t i = 1; i < n_all; i++) {
		if (all[i].hash == all[i - 1].hash)
			join(ret, all[i].text, all[i - 1].text);
	}
	for (size_t i = 0; i < n; i++)
		ret[i] = root_of(ret, i);
}
