/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of the server as Prometheus text, version 0.0.4. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

struct api;
struct store_stats;

#define METRICS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/*
 * Appends every figure. For the loop's thread: counters of the server and of streams are its
 * own; `stats` was read on the pool. -1: out is full.
 */
int metrics_write(const struct api *api, const struct store_stats *stats, struct buf *out,
	struct err *err) MUST_CHECK;
