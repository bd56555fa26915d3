/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log: one line per event, written with one write(2), so that lines of several threads and
 * processes never mix. Thread-safe after log_init(); until then warnings and errors go to
 * stderr.
 *
 * JSON: {"time":…,"level":…,"event":…,"text":…, fields}. Text, for terminals: time, level,
 * event, message, fields. Control characters are escaped in both, so a logged value cannot fake
 * a line.
 *
 * `event` is a stable dotted name (`job.claimed`); fields come from a chain of struct log_ctx
 * on the callers' stacks, outermost first.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "base/str.h"

enum log_level {
	LOG_LEVEL_ERROR, /* someone must act */
	LOG_LEVEL_WARN,  /* degraded, will retry */
	LOG_LEVEL_INFO,  /* state changes of jobs, workers, server */
	LOG_LEVEL_DEBUG,
};

enum log_format {
	LOG_FORMAT_AUTO, /* text on a terminal, JSON elsewhere */
	LOG_FORMAT_JSON,
	LOG_FORMAT_TEXT,
};

/* One inherited field; borrowed, lives on the stack of the caller that adds it. */
struct log_ctx {
	const struct log_ctx *up; /* NULL at the end */
	const char *key;
	const char *value; /* NULL: the field is left out */
};

/* Borrows fd, which must stay open. Call once, before there are threads. */
void log_init(int fd, enum log_level level, enum log_format format);

/* "error", "warn", "info", "debug". 0, or -1 for another text. */
int log_level_parse(struct str text, enum log_level *ret) MUST_CHECK;
const char *log_level_name(enum log_level level);

/* ctx may be NULL. Texts past LOG_LINE_BYTES_MAX are cut. errno is left as it was. */
void log_write(enum log_level level, const char *event, const struct log_ctx *ctx,
	const char *fmt, ...) PRINTF_LIKE(4, 5);

/* True when a line of that level would be written: for messages that cost to prepare. */
int log_enabled(enum log_level level);

#define log_error(event, ctx, ...) log_write(LOG_LEVEL_ERROR, event, ctx, __VA_ARGS__)
#define log_warn(event, ctx, ...) log_write(LOG_LEVEL_WARN, event, ctx, __VA_ARGS__)
#define log_info(event, ctx, ...) log_write(LOG_LEVEL_INFO, event, ctx, __VA_ARGS__)
#define log_debug(event, ctx, ...)                                           \
	do {                                                                 \
		if (log_enabled(LOG_LEVEL_DEBUG))                            \
			log_write(LOG_LEVEL_DEBUG, event, ctx, __VA_ARGS__); \
	} while (0)

/*
 * Text that must never be printed: it is no struct str and no char *, so no printing function
 * takes it by accident. Show it as SECRET_SHOWN.
 */
struct secret {
	char *bytes; /* owned, NUL-terminated; NULL when empty */
	size_t len;
};

#define SECRET_SHOWN "***"

/* Copies the text, up to SECRET_BYTES_MAX. -1: longer. Frees what was there before. */
int secret_set(struct secret *secret, struct str text) MUST_CHECK;

/* Overwrites the bytes with zeros, then frees them; the secret is empty. */
void secret_free(struct secret *secret);

/* Compares in a time that depends on the lengths only. */
int secret_eq(const struct secret *secret, struct str text);
