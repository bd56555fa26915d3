/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

/* Escaping makes a byte at most six; so a cut message always fits into a line. */
#define ESCAPED_LINE_BYTES_MAX (8 * LOG_LINE_BYTES_MAX)

static struct {
	int fd;
	enum log_level level;
	bool is_text;
} target = { .fd = STDERR_FILENO, .level = LOG_LEVEL_WARN, .is_text = true };

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

void
log_init(int fd, enum log_level level, enum log_format format)
{
	target.fd = fd;
	target.level = level;
	target.is_text =
		format == LOG_FORMAT_TEXT || (format == LOG_FORMAT_AUTO && isatty(fd) == 1);
}

int
log_level_parse(struct str text, enum log_level *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
		if (str_eqz(text, level_names[i])) {
			*ret = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

const char *
log_level_name(enum log_level level)
{
	return level_names[level];
}

int
log_enabled(enum log_level level)
{
	return level <= target.level;
}

/* Outermost field first, so the chain is walked from its end. */
static void
json_fields(struct jw *jw, const struct log_ctx *ctx)
{
	if (!ctx)
		return;
	json_fields(jw, ctx->up);
	jw_kstr_opt(jw, ctx->key, ctx->value);
}

/* -1: does not fit. */
static int
json_line(struct buf *line, enum log_level level, const char *event, const char *message,
	const struct log_ctx *ctx)
{
	struct jw jw;

	jw_init(&jw, line);
	jw_obj(&jw);
	jw_ktime(&jw, "time", clock_wall_ms());
	jw_kstr(&jw, "level", level_names[level]);
	jw_kstr(&jw, "event", event);
	jw_kstr(&jw, "text", message);
	json_fields(&jw, ctx);
	jw_end_obj(&jw);
	return jw_done(&jw) < 0 ? -1 : buf_addc(line, '\n');
}

/* Adds text with control characters and broken UTF-8 as \xNN. */
static int
add_visible(struct buf *line, const char *text)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len;) {
		unsigned char byte = (unsigned char)text[i];
		size_t n = utf8_char_len(text + i, len - i);
		/* U+0080 … U+009F are control characters too, and terminals obey them. */
		bool is_control = byte < 0x20 || byte == 0x7f ||
			(n == 2 && byte == 0xc2 && (unsigned char)text[i + 1] < 0xa0);
		int rc;
		if (byte == '\n')
			rc = buf_adds(line, "\\n");
		else if (n == 0 || is_control)
			rc = buf_addf(line, "\\x%02x", byte);
		else
			rc = buf_add(line, text + i, n);
		if (rc < 0)
			return -1;
		i += n > 0 && !is_control ? n : 1;
	}
	return 0;
}

static int
text_fields(struct buf *line, const struct log_ctx *ctx)
{
	if (!ctx)
		return 0;
	if (text_fields(line, ctx->up) < 0)
		return -1;
	if (!ctx->value)
		return 0;
	const char *quote = strpbrk(ctx->value, " =\"") ? "\"" : "";
	if (buf_addf(line, "  %s=%s", ctx->key, quote) < 0 || add_visible(line, ctx->value) < 0)
		return -1;
	return buf_adds(line, quote);
}

static int
text_line(struct buf *line, enum log_level level, const char *event, const char *message,
	const struct log_ctx *ctx)
{
	char time[TIME_TEXT_LEN + 1];

	time_format(clock_wall_ms(), time);
	if (buf_addf(line, "%s %-5s %s  ", time, level_names[level], event) < 0)
		return -1;
	if (add_visible(line, message) < 0 || text_fields(line, ctx) < 0)
		return -1;
	return buf_addc(line, '\n');
}

/* One write in all but the rarest case; the log is lost rather than the program stopped. */
static void
write_line(const char *line, size_t len)
{
	while (len > 0) {
		ssize_t n = write(target.fd, line, len);
		if (n < 0 && errno == EAGAIN) {
			struct pollfd pollfd = { .fd = target.fd, .events = POLLOUT };
			if (poll(&pollfd, 1, 1000) <= 0)
				return;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		line += n;
		len -= (size_t)n;
	}
}

void
log_write(enum log_level level, const char *event, const struct log_ctx *ctx, const char *fmt,
	...)
{
	if (!log_enabled(level))
		return;

	int saved_errno = errno;
	_cleanup_free_ char *message = xmalloc(LOG_LINE_BYTES_MAX);
	va_list ap;
	va_start(ap, fmt);
	if (vsnprintf(message, LOG_LINE_BYTES_MAX, fmt, ap) < 0)
		message[0] = '\0';
	va_end(ap);

	int (*make_line)(struct buf *, enum log_level, const char *, const char *,
		const struct log_ctx *) = target.is_text ? text_line : json_line;
	_cleanup_(buf_deinit) struct buf line = BUF_INIT(ESCAPED_LINE_BYTES_MAX);
	int rc = make_line(&line, level, event, message, ctx);
	if (rc < 0) {
		/* Only fields can be that long. */
		static const struct log_ctx cut = { .key = "fields", .value = "cut" };
		buf_clear(&line);
		rc = make_line(&line, level, event, message, &cut);
	}
	if (rc == 0)
		write_line(line.data, line.len);
	errno = saved_errno;
}

int
secret_set(struct secret *secret, struct str text)
{
	if (text.n > SECRET_BYTES_MAX)
		return -1;
	char *copy = xmalloc(text.n + 1);
	if (text.n > 0)
		memcpy(copy, text.p, text.n);
	copy[text.n] = '\0';

	secret_free(secret);
	*secret = (struct secret) { .bytes = copy, .len = text.n };
	return 0;
}

void
secret_free(struct secret *secret)
{
	if (secret->bytes) {
		sodium_memzero(secret->bytes, secret->len);
		free(secret->bytes);
	}
	*secret = (struct secret) { 0 };
}

int
secret_eq(const struct secret *secret, struct str text)
{
	if (secret->len != text.n)
		return 0;
	return text.n == 0 || sodium_memcmp(secret->bytes, text.p, text.n) == 0;
}
