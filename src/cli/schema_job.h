/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON Schemas of job files and of flows' files. */
#pragma once

#include "base/buf.h"

/* Append one. 0; -1: it does not fit. */
int job_file_schema(struct buf *out) MUST_CHECK;
int flow_file_schema(struct buf *out) MUST_CHECK;
