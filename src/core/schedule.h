/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules (docs/protocol/schedules.md): what is started when, and what came of it.
 *
 * All of them are in memory, because each knows when it is due next. The engine owns the one
 * `struct schedule_list`; what changes is put into the unit of work, so that the store keeps
 * it, and what is to be started is asked for as an effect. Pure: time comes with the unit of
 * work.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "core/job_spec.h"
#include "core/schedule_spec.h"
#include "core/uow.h"

/* Why an occurrence is there. */
enum fire_cause { FIRE_TIME, FIRE_MISSED, FIRE_MANUAL, FIRE_CAUSE_COUNT };

/* "time", "missed", "manual". */
const char *fire_cause_name(int32_t cause);

struct occurrence {
	int64_t at_ms;
	int64_t due_ms; /* with jitter */
	int32_t cause;  /* enum fire_cause */
};

/* What is decoded of a schedule's texts. */
struct schedule_live {
	struct arena arena; /* of the spec */
	struct schedule_spec spec;
	const char *fault; /* why the spec cannot be used any more; NULL: it can */

	/* where it stands */
	int64_t cursor_ms;          /* occurrences up to here are accounted for */
	struct occurrence *pending; /* committed and asked for, without a job yet; owned */
	size_t n_pending;
	struct occurrence *waiting; /* for what is pending or active to end; owned */
	size_t n_waiting;
	struct job_id *active; /* jobs that have not ended; owned */
	size_t n_active;
	int64_t fired, missed, failed; /* counts */
	int64_t last_fired_ms;         /* 0: never */
	struct job_id last_job;
	int64_t last_error_ms;
	char *last_error; /* owned; NULL: none */

	int64_t next_ms; /* the occurrence behind cursor_ms; 0: none */
	int64_t due_ms;  /* of it, with jitter */
};

struct schedule {
	int64_t seq; /* job->schedule; never used again */
	struct uuid id;
	int64_t project;
	const char *name;
	const char *spec;  /* JSON object, as it was asked for */
	const char *state; /* JSON object; of the list's own it is written at the save */
	bool is_paused;
	int64_t created_ms, updated_ms;
	int64_t revision; /* + 1 for every change by people */
	int64_t version;  /* + 1 with every save: the store's optimistic lock */
	enum row_change change;
	struct schedule_live *live; /* of the list's own and of schedule_open(); else NULL */
};

struct schedule_list {
	struct schedule **item; /* owned, in order of seq */
	size_t n, cap;
	int64_t last_seq; /* greatest that was given */
	int64_t due_ms;   /* when the next one is due; 0: none */
	bool is_touched;  /* something is to be saved */
	bool is_resumed;  /* what was pending at the start has been asked for again */
};

/* ---- what intents carry ---- */

enum schedule_command { SCHEDULE_PAUSE, SCHEDULE_RESUME, SCHEDULE_FIRE };

struct schedule_change {
	struct uuid id; /* zero with PUT: a new one, or the one with that name */
	const char *name;
	const char *spec;    /* PUT: JSON, checked */
	int64_t if_revision; /* 0: whatever it is; -1: must not exist; > 0: must be this one */
	enum schedule_command command; /* COMMAND */
	int32_t overlap;               /* FIRE: enum schedule_overlap; -1: the schedule's own */
};

/* What came of EFFECT_SCHEDULE_FIRE. */
struct schedule_report {
	struct uuid schedule;        /* effect.what */
	int64_t at_ms;               /* effect.at_ms */
	const struct job_spec *spec; /* NULL: error says why there is no job */
	const char *error;
};

/* ---- the list ---- */

void schedule_list_init(struct schedule_list *list);
void schedule_list_deinit(struct schedule_list *list);

/*
 * At start: a schedule as the store has it; texts are copied. One that cannot be read any more
 * (a time zone is gone) is kept with its fault and does not fire.
 */
void schedule_list_restore(struct schedule_list *list, const struct schedule *row);

/* NULL: there is none. */
struct schedule *schedule_list_get(
	const struct schedule_list *list, int64_t project, const struct uuid *id);
struct schedule *schedule_list_named(
	const struct schedule_list *list, int64_t project, const char *name);

/*
 * Makes one, or changes `old`. The spec was checked; what is wrong all the same is ERR_INVALID.
 * ERR_CONFLICT: another one has the name; ERR_LIMIT: there are too many.
 */
int schedule_list_put(struct schedule_list *list, struct uow *uow, int64_t project,
	struct schedule *old, const struct schedule_change *change, struct schedule **ret,
	struct err *err) MUST_CHECK;
/* Takes it off; it is gone with schedule_list_save. Its jobs stay. */
void schedule_list_remove(
	struct schedule_list *list, struct uow *uow, struct schedule *schedule);

/* All of a project that is deleted. */
void schedule_list_drop_project(struct schedule_list *list, struct uow *uow, int64_t project);

void schedule_list_pause(
	struct schedule_list *list, struct uow *uow, struct schedule *schedule, bool is_paused);

/*
 * An occurrence now, whatever the time says. *ret_ms: its instant. ERR_CONFLICT: overlap
 * forbids it, or its start cannot be read.
 */
int schedule_list_fire_now(struct schedule_list *list, struct uow *uow,
	struct schedule *schedule, int32_t overlap, int64_t *ret_ms, struct err *err)
	MUST_CHECK;

/* Everything that is due: fires, waits, or is told as missed. Before the turn's intents. */
void schedule_list_run(struct schedule_list *list, struct uow *uow);

/* True while the occurrence is pending. */
bool schedule_is_pending(const struct schedule *schedule, int64_t at_ms);
/* It has its job, which was made in this turn. */
void schedule_fired(struct schedule_list *list, struct uow *uow, struct schedule *schedule,
	int64_t at_ms, struct job *job);
/* It cannot have one. */
void schedule_failed(struct schedule_list *list, struct uow *uow, struct schedule *schedule,
	int64_t at_ms, const char *error);

/* Jobs that ended in this turn (uow->ended): what waited for them goes on. */
void schedule_list_settle(struct schedule_list *list, struct uow *uow);
/* Puts what is new, changed or taken off into the unit of work; once, before it is saved. */
void schedule_list_save(struct schedule_list *list, struct uow *uow);

/* When the list must be looked at; 0: never. */
int64_t schedule_list_due(const struct schedule_list *list);

/* ---- one schedule ---- */

/*
 * Decodes the texts of a row into row->live, for those who show it. schedule_close() frees it.
 */
void schedule_open(struct schedule *row);
void schedule_close(struct schedule *row);

/* A row with copies of its texts and the state written out; not live. */
void schedule_snapshot(
	struct arena *arena, const struct schedule *schedule, struct schedule *ret);

/* State as text, in the arena; and back. */
const char *schedule_state_write(const struct schedule_live *live, struct arena *arena);
int schedule_state_read(const char *text, struct schedule_live *live, struct err *err)
	MUST_CHECK;
