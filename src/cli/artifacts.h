/* SPDX-License-Identifier: Apache-2.0 */
/* What a job's runs left: the list of it, and the files. */
#pragma once

#include <stdbool.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/remote.h"

/* All artifacts of the job, of one kind when kind is not NULL. *ret is a new array. */
int artifacts_list(struct remote *remote, const char *job, const char *kind, json_t **ret,
	struct err *err) MUST_CHECK;

/* Writes each to DIR/RUN/NAME; prints the paths when is_told. */
int artifacts_fetch(struct remote *remote, const char *job, const json_t *items,
	const char *dir, bool is_told, struct err *err) MUST_CHECK;
