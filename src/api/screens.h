/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live view: pictures of runs on their way from a worker to whoever looks
 * (docs/protocol/worker.md §5). Nothing is kept but the newest picture of a run while somebody
 * looks at it; when nobody does, there is nothing here at all and the worker sends none.
 *
 * A picture is encoded once for all viewers. A viewer that still reads an older one gets the
 * newest when it has done with that: it misses pictures and is not dropped.
 */
#pragma once

#include "api/api_impl.h"

struct screens *screens_new(struct api *api) __attribute__((returns_nonnull));

/* Every stream must be closed. NULL is fine. */
void screens_free(struct screens *screens);

/* Answers the call with a page that shows the run, and with the stream that the page reads: for
 * whoever has a view ticket of the run. */
void screens_view_page(struct call *call);
void screens_view_stream(struct call *call, const struct run_id *run);

/* What a turn did: ends the streams of runs that are over. */
void screens_turn(struct screens *screens, const struct turn_output *output);
