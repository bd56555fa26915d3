/* SPDX-License-Identifier: Apache-2.0 */
/* A job as reports meet them: several kinds of tests, every outcome, hostile texts. */
#pragma once

#include "core/report_model.h"

/* The model, in the arena. Everything in it is fixed, so that reports can be compared. */
struct report_model *sample_model(struct arena *arena);

/* What every hostile text of the sample contains. */
#define SAMPLE_HOSTILE "</script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;"
