/* SPDX-License-Identifier: Apache-2.0 */
/* Octomind's wire contract as a dialect (docs/protocol/octomind.md). */
#pragma once

#include "api/dialect.h"

extern const struct dialect octomind_dialect;
