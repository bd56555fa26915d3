/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names that nobody may write, included before every source file by the compiler's command line
 * (`-include base/banned.h`).
 *
 * Poisoning a name makes any later use of it an error, even in a system header; the headers
 * that declare these names therefore come first, and their include guards keep them from being
 * read again. Feature macros such as _GNU_SOURCE belong on the command line for the same
 * reason.
 */
#pragma once

#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Some of them are macros here and there, and a poisoned macro is a warning. */
#undef strcpy
#undef strcat
#undef sprintf
#undef vsprintf
#undef alloca

/* No bound: memcpy with a known length, arena_strdup(), buf_adds(). */
#pragma GCC poison strcpy strcat gets

/* No bound: snprintf(), buf_addf(), arena_printf(). */
#pragma GCC poison sprintf vsprintf

/* Hidden state between calls: str_split_first(). */
#pragma GCC poison strtok

/* No error, no range, blanks and locale: parse_i64(). */
#pragma GCC poison atoi atol strtol strtoul

/* Shared static result, time zones: time_format(), civil_from_ms(). */
#pragma GCC poison gmtime localtime

/* A shell: spawn_start() with an argument vector. */
#pragma GCC poison system popen

/* A stack without a limit: struct arena. */
#pragma GCC poison alloca
