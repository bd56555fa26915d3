/* SPDX-License-Identifier: Apache-2.0 */
/* The stages of a flow, for load.c. */
#pragma once

#include "core/report_model.h"
#include "report/report.h"

/*
 * Fills in stages, what their waits saw, and the reports of the jobs that they made. Those of a
 * large flow, or of one deep inside another, are counted only.
 */
int report_load_stages(struct store_reader *reader, struct blob_store *blobs,
	struct report_model *model, unsigned tight, unsigned depth, struct arena *arena,
	struct err *err) MUST_CHECK;

/* report_load() of a job at a depth of flows inside flows. */
int report_load_at(struct store_reader *reader, struct blob_store *blobs, int64_t project,
	struct job_id id, unsigned tight, unsigned depth, struct arena *arena,
	struct report_model **ret, struct err *err) MUST_CHECK;
