/* SPDX-License-Identifier: Apache-2.0 */
/* One function for each format; report.c has the table. -1: the buffer is full. */
#pragma once

#include "base/buf.h"
#include "base/cleanup.h"
#include "core/report_model.h"
#include "report/report.h"

typedef int report_writer_fn(const struct report_model *model,
	const struct report_options *options, struct buf *out);

int report_write_html(const struct report_model *model, const struct report_options *options,
	struct buf *out) MUST_CHECK;
int report_write_junit(const struct report_model *model, const struct report_options *options,
	struct buf *out) MUST_CHECK;
int report_write_json(const struct report_model *model, const struct report_options *options,
	struct buf *out) MUST_CHECK;
