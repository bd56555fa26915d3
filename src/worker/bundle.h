/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bundles: the files of a test, uploaded once, named by their SHA-256, fetched once a worker's
 * data folder and unpacked for every run.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"

struct task;
struct worker;

/*
 * Sees to it that task->bundle is in the cache; pool_bundle_done() is called for the task, from
 * the loop or at once.
 */
void bundle_fetch(struct task *task);

/* Path of a bundle in the cache; owned. */
char *bundle_path(const struct worker *worker, const char *hex)
	__attribute__((returns_nonnull));

/* Breaks all downloads off. */
void bundle_close_all(struct worker *worker);

/*
 * Unpacks a tar, tar.gz or zip into the folder `to`, which exists. Nothing is written outside
 * it, whatever the archive says; sizes and counts have limits. Blocks. -1: INVALID (no archive,
 * a name or type that is refused), LIMIT, UNAVAILABLE.
 */
int bundle_unpack(const char *path, const char *to, struct err *err) MUST_CHECK;
