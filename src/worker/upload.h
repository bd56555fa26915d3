/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Artifacts on their way to the server: streamed from disk, a few at a time, sent again while
 * the server is away. A run's result waits for its artifacts.
 *
 * What a runner names is not trusted: only regular files that lie below the folder it was
 * given, also through links, are opened; names and sizes have limits. What is refused becomes a
 * warning of the run.
 */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/json.h"

struct uploader;
struct task;
struct worker;

struct uploader *uploader_new(struct worker *worker) __attribute__((returns_nonnull));

/* Drops what is left; freed once its handles are closed. NULL is fine. */
void uploader_close(struct uploader *uploader);

/* An `artifact` message: a file or a folder below `dir`. */
void upload_message(struct task *task, const char *dir, json_t *body);

/* One file below dir. kind and case_id as in the runner protocol; case_id may be NULL. */
void upload_file(struct task *task, const char *dir, const char *path, const char *name,
	const char *content_type, const char *kind, const char *case_id);

/* Drops everything of a task that is not over. */
void upload_cancel(struct task *task);

/* --- Pure parts, for tests --- */

/* True for a name like "report/index.html": relative, no "." or "..", no control characters. */
bool upload_name_valid(const char *name);

/* Content type by the end of a name; "application/octet-stream" when it tells nothing. */
const char *upload_content_type(const char *name);

/*
 * Opens a regular file below the folder dir_fd; nothing outside is reached, whatever links
 * there are. Returns the descriptor, or -1 with err.
 */
int upload_open_beneath(int dir_fd, const char *path, int flags, struct err *err) MUST_CHECK;
