/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in and out: a strict reader over jansson, a decoder from field tables to structs, and a
 * writer that builds text straight in a struct buf.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/str.h"

/* --- Reading --- */

/* Releases a json_t that a `_cleanup_(json_unrefp) json_t *` holds. */
static inline void
json_unrefp(json_t **slot)
{
	json_decref(*slot);
	*slot = NULL;
}

/*
 * Reads one JSON value of any type; the caller owns it (json_decref()). NULL with err: LIMIT
 * when arrays and objects nest deeper than depth_max (checked without recursion, before
 * anything is built), INVALID for duplicate keys, bytes that are not UTF-8, NUL inside a
 * string, anything behind the value, or another fault of syntax. The text says line and column.
 */
json_t *json_read(const char *data, size_t len, size_t depth_max, struct err *err) MUST_CHECK;

/* --- Offences --- */

/* Stable names of what can be wrong with a member. */
#define ISSUE_INVALID "invalid_field"
#define ISSUE_UNKNOWN "unknown_field"
#define ISSUE_MISSING "missing_field"
#define ISSUE_LIMIT "limit_exceeded"
#define ISSUE_DUPLICATE "duplicate"

struct issue {
	const char *pointer; /* JSON Pointer (RFC 6901) of the offending member, in the arena */
	const char *code;    /* one of ISSUE_…; static */
	const char *detail;  /* one sentence for people, in the arena */
};

/* Collects what is wrong with one document. Initialise: { .arena = &arena }. */
struct issues {
	struct arena *arena; /* borrowed; also receives what json_decode() copies */
	struct issue item[JSON_ISSUES_MAX];
	size_t n;      /* items in use */
	size_t n_more; /* offences that found no room */
};

/* Adds one; `pointer` is copied and must be escaped already. */
void issues_add(struct issues *issues, const char *pointer, const char *code, const char *fmt,
	...) PRINTF_LIKE(4, 5);

/* Adds one for member `name` of the object at `pointer`; escapes the name. */
void issues_add_member(struct issues *issues, const char *pointer, const char *name,
	const char *code, const char *fmt, ...) PRINTF_LIKE(5, 6);

/*
 * "pointer/name" with ~ and / of the name escaped; from the arena, never NULL (cut at the
 * limit).
 */
const char *json_pointer_member(struct arena *arena, const char *pointer, const char *name);
const char *json_pointer_index(struct arena *arena, const char *pointer, size_t index);

/*
 * The value at a JSON Pointer, borrowed from root; NULL when there is none or it is malformed.
 */
json_t *json_pointer_get(json_t *root, const char *pointer);

/* --- Decoding through a field table --- */

enum field_kind {
	FIELD_STR,      /* const char *: arena copy.           min … max: bytes */
	FIELD_INT,      /* int64_t.                            min … max: value */
	FIELD_NUM,      /* double; integers are fine.          min … max: value */
	FIELD_FLAG,     /* bool */
	FIELD_DURATION, /* int64_t ms, from a number or text.  min … max: ms */
	FIELD_SIZE,     /* int64_t bytes, from number or text. min … max: bytes */
	FIELD_INSTANT,  /* int64_t wall ms, from RFC 3339.     min … max: ms since 1970 */
	FIELD_ENUM, /* int: index in names.                names: NULL-terminated, NULL members
			   inside are impossible */
	FIELD_UUID, /* struct uuid */
	FIELD_OBJ,  /* json_t *: borrowed from the tree.   min … max: members */
	FIELD_ARR,  /* json_t *: borrowed from the tree.   min … max: items */
	FIELD_STRS, /* struct strs: arena copies.          min … max: items; item_max: bytes */
	FIELD_SUB,  /* a struct inside the struct, decoded by `sub` */
	FIELD_SUBS, /* struct subs: array of structs of sub_bytes, decoded by `sub`,
			   in the arena, zeroed before.        min … max: items */
	FIELD_ANY,  /* json_t *: borrowed from the tree, null included */
};

/* What FIELD_STRS gives. */
struct strs {
	const char **item;
	size_t n;
};

/* What FIELD_SUBS gives; items is an array of the sub table's struct. */
struct subs {
	void *items;
	size_t n;
};

/*
 * One member of an object. Tables are static const and end with an entry whose name is NULL.
 *
 * A member that is absent leaves its place untouched, so the caller puts defaults there first.
 * With min == 0 and max == 0 a range is not checked. null is refused unless null_ok, and then
 * it counts as absent.
 */
struct json_field {
	const char *name;
	enum field_kind kind;
	bool required;
	bool null_ok;
	size_t offset;     /* of the value in the struct */
	size_t set_offset; /* of a bool "was present"; 0 or SIZE_MAX: none (never the first
			      member) */
	int64_t min, max;
	size_t item_max;              /* FIELD_STRS: bytes of one item; 0: no limit */
	const char *const *names;     /* FIELD_ENUM */
	const struct json_field *sub; /* FIELD_SUB, FIELD_SUBS */
	size_t sub_bytes;             /* FIELD_SUBS: sizeof of one item */
};

/*
 * Decodes `value`, which should be an object, into the struct at `out`. `pointer` is the
 * object's own place ("" for the document). Unknown members are offences, with a hint when the
 * name is near a known one.
 *
 * Returns 0; or -1 when offences were added to issues, all that were found, and *out is partly
 * filled. Borrowed parts live as long as the tree, copies as long as issues->arena.
 */
int json_decode(json_t *value, const struct json_field *fields, void *out, const char *pointer,
	struct issues *issues) MUST_CHECK;

/*
 * The name in NULL-terminated `names` that `word` was probably meant to be (a distance of at
 * most a third of its length), or NULL.
 */
const char *near_name(const char *word, const char *const *names);

/* --- Writing --- */

/*
 * Writes JSON text into a buffer without a tree. Commas are put where they belong; keys and
 * values must come in a legal order (asserted where cheap). The first addition that passes the
 * buffer's maximum makes the writer fail, later calls do nothing, and jw_done() says so: check
 * it once.
 */
struct jw {
	struct buf *out; /* borrowed */
	unsigned depth;  /* open objects and arrays */
	bool comma;      /* the next key or item needs a comma before it */
	bool failed;
};

void jw_init(struct jw *jw, struct buf *out);

/* 0, or -1 when the text did not fit. Asserts that everything opened was closed. */
int jw_done(struct jw *jw) MUST_CHECK;

void jw_obj(struct jw *jw);
void jw_end_obj(struct jw *jw);
void jw_arr(struct jw *jw);
void jw_end_arr(struct jw *jw);

/* The key of the next value. Keys of ours need no escaping but get it where they do. */
void jw_key(struct jw *jw, const char *key);

/* Bytes that are not UTF-8 are written as U+FFFD; NULL is written as null. */
void jw_str(struct jw *jw, const char *cstr);
void jw_strn(struct jw *jw, const char *s, size_t len);

void jw_i64(struct jw *jw, int64_t value);
void jw_f64(struct jw *jw, double value); /* shortest that reads back; not finite: null */
void jw_bool(struct jw *jw, bool value);
void jw_null(struct jw *jw);
void jw_time(struct jw *jw, int64_t wall_ms); /* RFC 3339 text */
void jw_uuid(struct jw *jw, const struct uuid *id);

/* Text that is one JSON value already; NULL or "" is written as null. */
void jw_raw(struct jw *jw, const char *json);
void jw_rawn(struct jw *jw, const char *json, size_t len);

/* A jansson tree. */
void jw_tree(struct jw *jw, const json_t *value);
/* Its text in the arena, of at most max bytes; { NULL, 0 } when it does not fit. */
struct str json_tree_text(struct arena *arena, const json_t *value, size_t max);

/* Key and value in one call. */
void jw_kobj(struct jw *jw, const char *key);
void jw_karr(struct jw *jw, const char *key);
void jw_kstr(struct jw *jw, const char *key, const char *value);     /* NULL: null */
void jw_kstr_opt(struct jw *jw, const char *key, const char *value); /* NULL: left out */
void jw_kstrn(struct jw *jw, const char *key, const char *value, size_t len);
void jw_ki64(struct jw *jw, const char *key, int64_t value);
void jw_kf64(struct jw *jw, const char *key, double value);
void jw_kbool(struct jw *jw, const char *key, bool value);
void jw_knull(struct jw *jw, const char *key);
void jw_ktime(struct jw *jw, const char *key, int64_t wall_ms); /* 0: left out */
void jw_kuuid(struct jw *jw, const char *key, const struct uuid *id);
void jw_kraw(struct jw *jw, const char *key, const char *json); /* NULL or "": left out */
