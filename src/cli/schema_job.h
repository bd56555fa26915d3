/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON Schema of job files. */
#pragma once

#include "base/buf.h"

/* Appends it. 0; -1: it does not fit. */
int job_file_schema(struct buf *out) MUST_CHECK;
