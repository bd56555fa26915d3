/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenAPI 3.1 document: generated from routes[] and the tables of api/schemas.h. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

/* Appends the document. -1: out is full, or INTERNAL when a route names an unknown schema. */
int openapi_write(struct buf *out, struct err *err) MUST_CHECK;
