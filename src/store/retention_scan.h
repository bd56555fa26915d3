/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a retention policy lets go, found page by page in the reading side: for sweeps and for
 * previews (docs/protocol/retention.md §4).
 *
 * First the boundary: the newest job that `count` or `bytes` no longer keeps, walking from the
 * newest. Then, from the oldest: the jobs that go, and those that only lose their files. Each
 * call is a snapshot of its own; jobs that meanwhile went are not missed.
 */
#pragma once

#include "base/limits.h"
#include "core/retention.h"
#include "store/store.h"

struct retention_scan {
	int64_t project;
	int64_t now_ms;
	const struct retention_spec *spec;
	const struct retention_spec *earlier; /* what they are about is not the policy's */
	size_t n_earlier;

	/* the scan's own */
	struct arena *arena; /* of names */
	const struct queue *queues;
	size_t n_queues;
	struct def_id template_id; /* of spec->template */
	int64_t queue;             /* of spec->queue */
	bool is_void;              /* the queue or template is not there: no job is it about */
	int64_t boundary_ms, boundary_seq; /* jobs up to here are too many; 0: none */
	char cursor[CURSOR_BYTES_MAX];
	bool is_over;
};

/* Fills in what the names mean, and finds the boundary. `arena` holds the little that stays. */
int retention_scan_begin(struct retention_scan *scan, struct store_reader *reader,
	struct arena *arena, struct err *err) MUST_CHECK;

/*
 * The next jobs that go, at most SWEEP_JOBS_MAX, oldest first. STORE_NONE: there are no more.
 * A page may be empty without being the last.
 */
int retention_scan_jobs(struct retention_scan *scan, struct store_reader *reader,
	struct arena *arena, struct job ***ret, size_t *ret_n, struct err *err) MUST_CHECK;

/* Likewise the next jobs whose files go while they stay; those that ended from after_ms on. To
 * be begun with retention_scan_rewind(). */
int retention_scan_files(struct retention_scan *scan, struct store_reader *reader,
	int64_t after_ms, struct arena *arena, struct job ***ret, size_t *ret_n,
	struct err *err) MUST_CHECK;
void retention_scan_rewind(struct retention_scan *scan);
