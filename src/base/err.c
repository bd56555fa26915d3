/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"

/* Cuts a text that vsnprintf() filled to the brim back to whole characters. */
static void
cut_to_characters(char *text)
{
	size_t len = strlen(text);

	if (len + 1 < ERR_TEXT_BYTES_MAX)
		return;
	size_t start = len;
	while (start > 0 && len - start < 4 && ((unsigned char)text[start - 1] & 0xc0) == 0x80)
		start--;
	if (start > 0 && (unsigned char)text[start - 1] >= 0xc0)
		start--;
	if (utf8_char_len(text + start, len - start) != len - start)
		text[start] = '\0';
}

/* As much of `more` as there is room for. */
static void
append(struct err *err, const char *more)
{
	size_t len = strlen(err->text);
	size_t n = strnlen(more, sizeof(err->text) - 1 - len);

	memcpy(err->text + len, more, n);
	err->text[len + n] = '\0';
}

int
err_vset(struct err *err, enum err_code code, const char *fmt, va_list ap)
{
	if (!err)
		return -1;

	/* Values may point into the old text, so it is built beside it. */
	struct err next = { .code = code };
	vsnprintf(next.text, sizeof(next.text), fmt, ap);
	cut_to_characters(next.text);
	*err = next;
	return -1;
}

int
err_set(struct err *err, enum err_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	err_vset(err, code, fmt, ap);
	va_end(ap);
	return -1;
}

int
err_sys(struct err *err, enum err_code code, int sys, const char *fmt, ...)
{
	if (!err)
		return -1;

	va_list ap;
	va_start(ap, fmt);
	err_vset(err, code, fmt, ap);
	va_end(ap);

	const char *what = strerrordesc_np(sys);
	append(err, ": ");
	append(err, what ? what : "unknown error");
	cut_to_characters(err->text);
	err->sys = sys;
	return -1;
}

int
err_wrap(struct err *err, const char *fmt, ...)
{
	if (!err)
		return -1;

	struct err next = { .code = err->code, .sys = err->sys };
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(next.text, sizeof(next.text), fmt, ap);
	va_end(ap);

	append(&next, ": ");
	append(&next, err->text);
	cut_to_characters(next.text);
	*err = next;
	return -1;
}

enum err_code
err_code_of_errno(int sys)
{
	switch (sys) {
	case ENOENT:
	case ENOTDIR:
	case ESRCH:
		return ERR_NOT_FOUND;
	case EACCES:
	case EPERM:
	case EROFS:
		return ERR_DENIED;
	case EEXIST:
	case ENOTEMPTY:
	case EBUSY:
		return ERR_CONFLICT;
	case EFBIG:
	case ENAMETOOLONG:
	case E2BIG:
		return ERR_LIMIT;
	case EINVAL:
	case EISDIR:
	case ELOOP:
	case ENOEXEC:
		return ERR_INVALID;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	default:
		return ERR_UNAVAILABLE;
	}
}

const char *
err_code_name(enum err_code code)
{
	static const char *const names[ERR_CODE_COUNT] = {
		[ERR_INVALID] = "invalid",
		[ERR_NOT_FOUND] = "not_found",
		[ERR_CONFLICT] = "conflict",
		[ERR_LIMIT] = "limit",
		[ERR_DENIED] = "denied",
		[ERR_TIMEOUT] = "timeout",
		[ERR_UNAVAILABLE] = "unavailable",
		[ERR_CORRUPT] = "corrupt",
		[ERR_INTERNAL] = "internal",
	};

	if ((unsigned)code >= ERR_CODE_COUNT || !names[code])
		return "unknown";
	return names[code];
}
