/* SPDX-License-Identifier: Apache-2.0 */
/* Writing files of evidence: plainly, because nothing of a run that has not ended must last. */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"

/* Makes or replaces a file. Its folder must be there. On error nothing of it is left. */
int evidence_write(const char *path, const void *data, size_t len, struct err *err) MUST_CHECK;

/*
 * A name in that folder that no file has: STEM and ending, else "STEM (2)" and so on. Names of
 * what a run leaves by itself (network.har, …) are taken, whether they are there or not. Owned
 * by the caller.
 */
char *evidence_name(const char *folder, const char *stem, const char *ending)
	__attribute__((returns_nonnull));
