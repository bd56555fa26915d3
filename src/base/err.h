/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one error convention: a fallible function returns `< 0` for an error that *err describes,
 * `0` for done, `> 0` for an outcome that its header names.
 *
 * `struct err` lives on the caller's stack: nothing is allocated, nothing is owned, a copy is a
 * plain assignment. Every function here accepts err == NULL (the text is then lost, -1
 * remains).
 */
#pragma once

#include <stdarg.h>

#include "base/cleanup.h"

enum err_code {
	ERR_INVALID = 1, /* the input is wrong; the same call can never succeed */
	ERR_NOT_FOUND,   /* the client named something that is not there */
	ERR_CONFLICT,    /* the state of the thing forbids it now */
	ERR_LIMIT,       /* a maximum of base/limits.h or of the caller was passed */
	ERR_DENIED,      /* not allowed to this caller */
	ERR_TIMEOUT,     /* the time ran out */
	ERR_UNAVAILABLE, /* the environment failed; trying again may help */
	ERR_CORRUPT,     /* stored or received data contradicts itself */
	ERR_INTERNAL,    /* a defect of ours */
	ERR_CODE_COUNT,
};

enum {
	ERR_TEXT_BYTES_MAX = 200, /* with the NUL; longer texts are cut between characters */
};

struct err {
	enum err_code code;
	int sys;                       /* errno behind it, or 0 */
	char text[ERR_TEXT_BYTES_MAX]; /* for people; no secrets, no trailing newline */
};

/* Fills *err. Always returns -1, so that `return err_set(...)` reads as one step. */
int err_set(struct err *err, enum err_code code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* The same, taking the values as a list. */
int err_vset(struct err *err, enum err_code code, const char *fmt, va_list ap)
	PRINTF_LIKE(3, 0);

/* The same for a failed system call: the text becomes "fmt: description of sys". Always -1. */
int err_sys(struct err *err, enum err_code code, int sys, const char *fmt, ...)
	PRINTF_LIKE(4, 5);

/* Puts "fmt: " before the text that is there; code and sys stay. Always -1. */
int err_wrap(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* What kind of error an errno of a file or process call is: NOT_FOUND, DENIED, LIMIT, … */
enum err_code err_code_of_errno(int sys);

/* "invalid", "not_found", …; "unknown" for a number that is no code. Static text. */
const char *err_code_name(enum err_code code);
