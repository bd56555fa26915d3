/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Retention: policies that say which ended jobs are kept and for how long
 * (docs/protocol/retention.md).
 *
 * The engine owns the one `struct retention_list`, in memory because there are few; what
 * changes is put into the unit of work. The list asks for sweeps (EFFECT_SWEEP); what they find
 * comes back as intents. Pure: time comes with the unit of work.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "core/uow.h"

/* What a policy says. Its texts belong to the arena that it was read into. */
struct retention_spec {
	const char *name; /* NULL: not said */

	/* which jobs it is about; what is 0 or NULL does not count */
	uint32_t states;      /* set of 1 << enum job_state, only final ones */
	uint32_t reasons;     /* set of 1 << enum job_reason */
	const char *template; /* id or name */
	const char *queue;
	const char *kind;
	const char *const *tags; /* all of them */
	size_t n_tags;
	int64_t older_ms; /* ended at least so long ago */

	/* which of them it keeps; -1: it does not matter */
	int64_t age_ms, count, bytes;
	int64_t files_age_ms; /* after which artifacts go; -1: with the job */

	bool archives;       /* what goes is written to a file before */
	const char *archive; /* the folder for it, below the server's; NULL: the project's */

	int64_t every_ms;
	bool is_paused;
	int64_t place; /* among the others, from 1; 0: the last */
};

/* How a sweep went. */
struct sweep_figures {
	int64_t began_ms, took_ms;
	int64_t jobs, files, bytes; /* that went: jobs, artifacts, bytes of these */
	const char *error;          /* or NULL */
	const char *archive;        /* the last file that was written, or NULL */
};

struct retention {
	int64_t seq;
	struct uuid id;
	int64_t project;
	const char *name; /* unique in its project */
	int32_t place;    /* from 1, in the order in which they are asked */
	const char *body; /* JSON: what was said */
	bool is_paused;
	const char *last; /* JSON: the last sweep; NULL: there was none */
	int64_t last_ms;  /* when it began */
	int64_t created_ms, updated_ms;
	int64_t revision;
	enum row_change change;

	/* the list's own */
	int64_t every_ms;
	int64_t due_ms; /* of the next sweep */
	bool is_under_way;
	bool is_wanted;        /* again, as soon as it has ended */
	int64_t files_done_ms; /* files of jobs that ended before are gone; 0: look at all */
};

struct retention_list {
	struct retention **item; /* owned; by project and place */
	size_t n, cap;
	int64_t last_seq;
};

/* What people say. */
struct retention_put {
	const char *name;
	const char *body;
	int64_t place; /* 0: the last, or where it is */
	int64_t every_ms;
	bool is_paused;
};

/* What a request may hold. For the decoder and for OpenAPI. */
extern const struct json_field retention_fields[];
extern const struct json_field retention_match_fields[];
extern const struct json_field retention_keep_fields[];

/* Reads what somebody says of a policy; copies go to issues->arena. A draft needs no name. -1:
 * issues. */
int retention_spec_read(json_t *json, bool is_draft, struct issues *issues,
	struct retention_spec *ret) MUST_CHECK;

/* True when the policy is about such a job, whatever its age. Names are compared with those
 * given: of the job's queue and template. */
bool retention_is_about(const struct retention_spec *spec, const struct job *job,
	const char *queue, const char *template);

/* --- The list --- */

void retention_list_init(struct retention_list *list);
void retention_list_deinit(struct retention_list *list);
void retention_list_restore(struct retention_list *list, const struct retention *row);

/* NULL: there is none. */
struct retention *retention_list_get(
	const struct retention_list *list, int64_t project, const struct uuid *id);

/* Makes one or, with `policy`, changes it. ERR_CONFLICT: the name is taken; ERR_LIMIT. */
int retention_list_put(struct retention_list *list, struct uow *uow, int64_t project,
	struct retention *policy, const struct retention_put *put, struct retention **ret,
	struct err *err) MUST_CHECK;
void retention_list_remove(
	struct retention_list *list, struct uow *uow, struct retention *policy);
/* All of them: the project is no more. */
void retention_list_drop_project(struct retention_list *list, struct uow *uow, int64_t project);

/* Asks for the sweeps that are due. */
void retention_list_run(struct retention_list *list, struct uow *uow);
/* A sweep as soon as may be. */
void retention_sweep_now(struct retention *policy);
void retention_swept(struct retention_list *list, struct uow *uow, struct retention *policy,
	const struct sweep_figures *figures);
/* A job lost its pin: files are looked at from the beginning. */
void retention_list_forget(struct retention_list *list, int64_t project);

/* When the next sweep is due; INT64_MAX: never. */
int64_t retention_list_due(const struct retention_list *list);

/* A copy, with its texts. */
void retention_snapshot(
	struct arena *arena, const struct retention *policy, struct retention *ret);
