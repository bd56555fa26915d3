/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups, version 2, where the machine lets us write them (also the v2 tree of a hybrid
 * machine): one folder a worker, one below it a runner, so that everything in it dies at one
 * write. Without them the worker does its duty by descent alone (sweep.h).
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"

enum { CGROUP_NONE = 1 };

/* Makes the worker's folder `name` below our own group. 0 and its path (owned), or CGROUP_NONE.
 */
int cgroup_make_base(const char *name, char **ret);

/* Makes a folder below base. 0 and its path (owned), or CGROUP_NONE. */
int cgroup_make(const char *base, const char *name, char **ret);

/* SIGKILL to everything inside. Harmless for NULL and for what is not there. */
void cgroup_kill(const char *dir);

/* Removes the folder and those below it once they are empty. Harmless for NULL. */
void cgroup_remove(const char *dir);

/* Kills and removes what an ended worker left, by the name of its folder. */
void cgroup_clean_stale(const char *name);
