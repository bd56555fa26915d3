/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When something that waits will begin and end, as far as the past tells: the median time of
 * what ran before, what stands ahead, and how many connections serve it. An estimate.
 */
#pragma once

#include "api/api_impl.h"
#include "core/explain.h"

struct forecast {
	int64_t start_ms, end_ms; /* 0: unknown */
	int64_t median_ms;        /* of the jobs that it looked back at */
	int64_t n_samples, ahead, slots;
	const char *unknown; /* why nothing is known; or NULL */
};

/* Of a job, from what the engine says of it. */
int forecast_job(struct call *call, struct store_reader *reader, const struct job *job,
	const struct explanation *explanation, struct forecast *ret, struct err *err)
	MUST_CHECK;

/* When a queue has nothing left: into figures->drain_ms. */
int forecast_queue(struct call *call, struct store_reader *reader, const struct queue *queue,
	struct queue_figures *figures, struct err *err) MUST_CHECK;

void forecast_write(struct jw *jw, const struct forecast *forecast);
