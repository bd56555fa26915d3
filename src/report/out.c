/* SPDX-License-Identifier: Apache-2.0 */
/* Escaping for HTML and XML. */
#include "report/out.h"

#include <inttypes.h>
#include <string.h>

void
out_put(struct out *out, const char *markup)
{
	if (!out->failed && buf_adds(out->buf, markup) < 0)
		out->failed = true;
}

void
out_putf(struct out *out, const char *fmt, ...)
{
	va_list ap;

	if (out->failed)
		return;
	va_start(ap, fmt);
	if (buf_vaddf(out->buf, fmt, ap) < 0)
		out->failed = true;
	va_end(ap);
}

/* Replacement of one ASCII character; NULL: it stands for itself. */
static const char *
replacement(unsigned char c, bool is_attr)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\n':
		return is_attr ? "&#10;" : NULL;
	case '\t':
		return is_attr ? "&#9;" : NULL;
	case '\r':
		return "&#13;";
	default:
		return c < ' ' || c == 0x7f ? "\xef\xbf\xbd" : NULL;
	}
}

/* U+FFFE and U+FFFF are well-formed UTF-8 and yet no characters of XML. */
static bool
is_noncharacter(const char *s, size_t len)
{
	return len == 3 && memcmp(s, "\xef\xbf", 2) == 0 && (unsigned char)s[2] >= 0xbe;
}

static void
escape(struct out *out, const char *text, size_t len, bool is_attr)
{
	size_t plain = 0; /* start of what is not yet written */
	size_t i = 0;

	while (i < len && !out->failed) {
		size_t n = utf8_char_len(text + i, len - i);
		const char *other = n == 1 ? replacement((unsigned char)text[i], is_attr)
			: n == 0 || is_noncharacter(text + i, n) ? "\xef\xbf\xbd"
								 : NULL;
		if (other) {
			if (buf_add(out->buf, text + plain, i - plain) < 0 ||
				buf_adds(out->buf, other) < 0)
				out->failed = true;
			plain = i + (n ? n : 1);
		}
		i += n ? n : 1;
	}
	if (!out->failed && buf_add(out->buf, text + plain, len - plain) < 0)
		out->failed = true;
}

void
out_textn(struct out *out, const char *text, size_t len)
{
	escape(out, text, len, false);
}

void
out_text(struct out *out, const char *text)
{
	if (text)
		escape(out, text, strlen(text), false);
}

void
out_attr(struct out *out, const char *text)
{
	if (text)
		escape(out, text, strlen(text), true);
}

void
out_duration(struct out *out, int64_t ms)
{
	int64_t s = ms / 1000;

	if (ms < 0)
		return;
	if (ms < 1000)
		out_putf(out, "%" PRId64 " ms", ms);
	else if (s < 10)
		out_putf(out, "%" PRId64 ".%" PRId64 " s", s, ms % 1000 / 100);
	else if (s < 60)
		out_putf(out, "%" PRId64 " s", s);
	else if (s < 3600)
		out_putf(out, "%" PRId64 " min %" PRId64 " s", s / 60, s % 60);
	else if (s < 86400)
		out_putf(out, "%" PRId64 " h %" PRId64 " min", s / 3600, s % 3600 / 60);
	else
		out_putf(out, "%" PRId64 " d %" PRId64 " h", s / 86400, s % 86400 / 3600);
}

void
out_size(struct out *out, int64_t bytes)
{
	static const char *const units[] = { "KiB", "MiB", "GiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		out_putf(out, "%" PRId64 " B", bytes);
		return;
	}
	for (; value >= 1024 && unit + 1 < 3; unit++)
		value /= 1024;
	out_putf(out, value < 10 ? "%.1f %s" : "%.0f %s", value, units[unit]);
}
