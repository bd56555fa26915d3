/* SPDX-License-Identifier: Apache-2.0 */
/* What lies where in a data directory. */
#pragma once

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"

/*
 * The data directory, absolute: `given` (from --data or PROCTOR_DATA), else
 * $XDG_DATA_HOME/proctor, else ~/.local/share/proctor. NULL with err when there is no home.
 * Does not make it.
 */
const char *paths_data_dir(struct arena *arena, const char *given, struct err *err) MUST_CHECK;

const char *paths_database(struct arena *arena, const char *given, struct err *err) MUST_CHECK;

/* Files of a data directory, by name. */
#define PATHS_DATABASE "proctor.db"
#define PATHS_BLOBS "blobs"
#define PATHS_ARCHIVE "archive" /* what policies let go, as files */
#define PATHS_TOKEN "admin.token"
#define PATHS_SERVER "server.json" /* url and pid of the server that has the directory */
#define PATHS_LOCAL_WORKER "local-worker.id" /* of the worker that the server started last */
#define PATHS_SIGNAL_KEY "signal.key"        /* signs callback addresses */
#define PATHS_SERVER_LOG "server.log"        /* of a server that `proctor run` started */

/* "dir/name"; aborts on an absurd length. */
const char *paths_in(struct arena *arena, const char *dir, const char *name);
