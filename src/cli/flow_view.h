/* SPDX-License-Identifier: Apache-2.0 */
/* How flows look in a terminal, and what a flow's end means for the exit status. Pure but for
 * flow_print(). */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "base/json.h"

/* A line for flow.stage or wait.observed; nothing for other events. */
void flow_put_event(struct buf *out, const json_t *event, bool has_colour);

/* The exit status for a flow that is over (a job with `stages`). */
int flow_exit_status(const json_t *flow);

/* The flow with its stages, on stdout. */
void flow_print(const json_t *flow);
