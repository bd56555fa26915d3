/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A zip of text files in memory. The same files give the same bytes: fixed times and modes, in
 * the order in which they were added. Names that could leave the folder are refused.
 */
#pragma once

#include <stddef.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/err.h"

struct octo_zip;

/* The bytes go to `out`, which is borrowed until octo_zip_done(); its maximum is the zip's. */
struct octo_zip *octo_zip_new(struct buf *out) __attribute__((returns_nonnull));
struct octo_zip *octo_zip_free(struct octo_zip *zip);

DEFINE_CLEANUP(struct octo_zip *, octo_zip_free)

/* -1 with err: INVALID (a name that is not safe, or a second time), LIMIT, INTERNAL. */
int octo_zip_add(struct octo_zip *zip, const char *name, const void *data, size_t len,
	struct err *err) MUST_CHECK;

/* Writes the end. -1 with err as above; call it once, then free. */
int octo_zip_done(struct octo_zip *zip, struct err *err) MUST_CHECK;
