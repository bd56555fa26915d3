/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The quarantine list: tests that are known to fail, with somebody who looks after each, until
 * they have been clean for long enough or their time is over (docs/protocol/browser-jobs.md,
 * 5).
 *
 * All of it is in memory, because there is little of it and every lease asks. The engine owns
 * the one `struct quarantine_list`; what changes is put into the unit of work, so that the
 * store keeps it. Pure: time comes with the unit of work.
 */
#pragma once

#include "base/cleanup.h"
#include "base/err.h"
#include "core/uow.h"

struct quarantine_entry {
	int64_t seq; /* run->quarantine; never used again */
	struct uuid id;
	int64_t project;
	const char *test; /* name of a test; each * stands for any text */
	const char *owner, *reason;
	int32_t clean_runs;   /* clean units in a row after which it leaves; 0: only by time */
	int32_t clean_streak; /* of them up to now */
	int64_t failures;     /* units of it that failed and were not counted as such */
	int64_t last_failed_ms; /* 0: never */
	int64_t expires_ms;
	int64_t created_ms, updated_ms;
	int64_t revision; /* + 1 for every change by people */
	enum row_change change;
};

struct quarantine_list {
	struct quarantine_entry **item; /* owned, oldest first */
	size_t n, cap;
	size_t max;       /* entries of one project */
	int64_t last_seq; /* greatest that was given */
};

/* What people say of an entry. */
struct quarantine_put {
	const char *test, *owner, *reason;
	int32_t clean_runs;
	int64_t expires_ms;
};

/* max 0: the default. */
void quarantine_list_init(struct quarantine_list *list, size_t max);
void quarantine_list_deinit(struct quarantine_list *list);
/* At start: an entry as the store has it; texts are copied. */
void quarantine_list_restore(
	struct quarantine_list *list, const struct quarantine_entry *entry);

/* NULL: there is none. */
struct quarantine_entry *quarantine_list_get(
	const struct quarantine_list *list, int64_t project, const struct uuid *id);

/* seq of the entry that the test stands under at that time, or 0. One with exactly its name
 * counts for more than one with a pattern, then the older one. */
int64_t quarantine_list_find(
	const struct quarantine_list *list, int64_t project, const char *test, int64_t now_ms);

/* Puts one on the list; ERR_CONFLICT: the test has one; ERR_LIMIT: the list is full. Texts are
 * copied. */
int quarantine_list_add(struct quarantine_list *list, struct uow *uow, int64_t project,
	const struct quarantine_put *put, struct quarantine_entry **ret, struct err *err)
	MUST_CHECK;
/* Changes it; ERR_CONFLICT: another one has that test. What it counted stays. */
int quarantine_list_change(struct quarantine_list *list, struct uow *uow,
	struct quarantine_entry *entry, const struct quarantine_put *put, struct err *err)
	MUST_CHECK;
/* Takes it off; it is gone with quarantine_list_save. */
void quarantine_list_remove(struct uow *uow, struct quarantine_entry *entry);
/* All of them: the project is no more. */
void quarantine_list_drop_project(
	struct quarantine_list *list, struct uow *uow, int64_t project);

/* Takes off those whose time is over. */
void quarantine_list_expire(struct quarantine_list *list, struct uow *uow);
/* What units of this turn did (uow->quarantine_marks): counts, and takes off what is clean. */
void quarantine_list_settle(struct quarantine_list *list, struct uow *uow);
/* Puts what is new, changed or taken off into the unit of work; once, before it is saved. */
void quarantine_list_save(struct quarantine_list *list, struct uow *uow);

/* When the next one's time is over; 0: never. */
int64_t quarantine_list_due(const struct quarantine_list *list);

/* True when the name is matched by the pattern, in which each * stands for any text. */
bool quarantine_matches(const char *pattern, const char *name);
