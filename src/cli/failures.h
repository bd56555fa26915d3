/* SPDX-License-Identifier: Apache-2.0 */
/* The end of `proctor run`: what failed, with place and source, and one line that sums it up.
 */
#pragma once

#include <stdbool.h>

#include "base/json.h"

/* From a JSON report (report/json.c). */
void failures_print(const json_t *report, bool has_colour);
