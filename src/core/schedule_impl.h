/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the list of schedules share. */
#pragma once

#include "core/schedule.h"

/* ---- schedule_state.c ---- */

struct schedule_live *schedule_live_new(void) __attribute__((returns_nonnull));
struct schedule_live *schedule_live_free(struct schedule_live *live); /* always NULL */

/* Reads the spec into live; what is wrong becomes its fault. */
void schedule_live_read(struct schedule_live *live, const char *spec);

/* Appends to one of live's arrays. */
void occurrences_push(struct occurrence **items, size_t *n, struct occurrence occurrence);
/* Takes one out by its place. */
void occurrences_take(struct occurrence *items, size_t *n, size_t at);

/* ---- schedule.c ---- */

/* Something of it is to be saved. */
void schedule_touch(struct schedule_list *list, struct uow *uow, struct schedule *schedule);

/* Finds the occurrence behind the cursor. */
void schedule_look_ahead(struct schedule *schedule);

/* Writes data's members behind the schedule's id and name, and appends the event. */
struct schedule_told {
	const char *change, *reason, *cause, *error; /* NULL: left out */
	int64_t at_ms, from_ms, to_ms;               /* 0: left out */
	int64_t late_ms;                             /* negative: left out */
	int64_t count, fired;                        /* of reason outage */
	bool has_count, has_more;
};
void schedule_event(struct uow *uow, const struct schedule *schedule, enum event_type type,
	const struct job *job, const struct schedule_told *told);

/* ---- schedule_fire.c ---- */

/* Asks for the job of a pending occurrence. */
void schedule_ask(struct uow *uow, const struct schedule *schedule, int64_t at_ms);
/* The first that waits becomes pending, when nothing is in its way any more. */
void schedule_drain(struct schedule_list *list, struct uow *uow, struct schedule *schedule);
