/* SPDX-License-Identifier: Apache-2.0 */
/* The engine's inside: what engine.c, intents.c, polls.c, dispatch.c and members.c share. */
#pragma once

#include <stdatomic.h>

#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "base/rand.h"
#include "core/lanes.h"
#include "core/project.h"
#include "core/quarantine_list.h"
#include "core/retention.h"
#include "core/schedule.h"
#include "engine/engine.h"

/* A run that a member has under a lease. */
struct member_run {
	struct run_id run;
	int64_t fence;
	const char *stop_reason; /* static; set once it is to be stopped */
	const char *needs;       /* of the lanes' arena */
};

/*
 * A worker that is online, in memory: its row, its leases and its parked poll. The store has
 * the same facts but for the poll and the time it was last heard of, so that an idle worker
 * costs no write.
 */
struct member {
	struct worker_row row;
	struct member_run *runs; /* owned */
	size_t n_runs, cap_runs;
	struct intent *parked;   /* claiming poll with nothing to give yet, or NULL */
	struct intent *claiming; /* its claiming poll of the present turn, or NULL */
	struct list_node node;   /* in engine->parked while it is */
	struct heap_node
		timer; /* end of the parked poll, or the time at which silence means loss */
	const char **kind_list; /* owned array into row.kinds' copy */
	size_t n_kinds;
	char *texts[5];    /* owned: name, version, kinds, labels, resources of row */
	char *kinds_split; /* owned: row.kinds cut at its commas */
};

/* What flows asked for, for a later turn: engine/flows.c. */
struct flow_todo {
	struct follow_up what;
	bool again;    /* STEP: the engine has just begun */
	bool is_known; /* CHILD, WATCH: `end` says how the job stands */
	struct flow_job_end end;
};

struct flow_todos {
	struct flow_todo *item; /* owned; from `first` on */
	size_t first, n, cap;   /* n of them are left */
};

struct engine {
	struct store *store;
	struct engine_options options;
	struct rng rng;
	struct lanes lanes;
	struct quarantine_list quarantine;
	struct schedule_list schedules;
	struct project_list projects;
	struct retention_list retention;
	int64_t remains_due_ms; /* next slice of rows of deleted jobs and projects; 0: none are
				   left */
	struct {
		int64_t *item; /* owned */
		size_t n, cap;
	} gone;                  /* deleted projects, each once, of which rows may be left */
	int64_t workers_due_ms;  /* next look for workers and hours of figures long past */
	struct map members;      /* worker_id → struct member */
	struct map watched;      /* run_id → struct watched */
	struct map flow_watches; /* job_id → struct flow_watch */
	struct flow_todos todos;
	struct list_node parked; /* members with a parked poll, longest waiting first */
	struct heap timers;
	struct arena arena;   /* of the present turn */
	int64_t now_ms;       /* never goes back */
	int64_t store_due_ms; /* when the store has something due; 0: nothing */
	int64_t purge_due_ms; /* next look at old idempotency keys; 0: none kept */
	int64_t wake_ms; /* when a rate lets a run begin that somebody could take; 0: never */
	int64_t backlog_due_ms; /* next slice of old jobs for the figures; 0: none are left */
	int64_t idem_kept_ms;   /* when the youngest of them was kept, or not later */
	bool has_more;          /* the turn leased all it may: another one at once */
	bool failed;
	struct err failure;
	atomic_bool interested;
	struct {
		_Atomic uint64_t turns, commits, intents, jobs_created, jobs_finished,
			runs_leased, runs_finished, runs_lost, stale_results, parked, online,
			turn_ns;
	} stats;
};

/* A claiming poll that can take runs in this turn. */
struct offered {
	struct member *member;
	struct intent *intent;
	struct lease *leases; /* the turn's arena */
	struct run **runs;
	size_t n, free;
};

struct turn {
	struct engine *engine;
	struct uow uow;
	struct turn_keys keys;
	struct turn_output *out;
	struct intent **intents;
	size_t n_intents;
	UOW_ARRAY(struct intent *) answered; /* in order; polls that stay parked are not here */
	UOW_ARRAY(struct intent *) claiming; /* claiming polls of this turn, applied */
	UOW_ARRAY(struct member *) silent;   /* lost by silence; of out->arena */
	size_t bytes_max;                    /* turn_keys.bytes_max */
	size_t n_todos;                      /* of engine->todos, that this turn sees to */
	UOW_ARRAY(struct offered) offers;
	bool again;       /* the next turn follows at once */
	size_t *n_loaded; /* ready jobs that were loaded, by lane id - 1 */
};

/* ---- members.c ---- */

struct member *member_find(const struct engine *engine, struct worker_id id);
/* Takes over what the poll (or the stored row) says of the worker; texts are copied. NULL:
 * WORKERS_MAX. */
struct member *member_add(struct engine *engine, const struct worker_row *row);
/* Takes kinds, labels, name and capacity; true when something was new. */
bool member_describe(struct member *member, const struct worker_row *row);
/* Forgets it; its parked poll must be gone. */
void member_drop(struct engine *engine, struct member *member);
void members_deinit(struct engine *engine);

struct member_run *member_run(const struct member *member, struct run_id run, int64_t fence);
void member_add_run(struct member *member, struct run_id run, int64_t fence, const char *needs);
/* Takes over the leases that the store has for the worker: after a restart, or when it moves
 * here from another server. Their rows were loaded. */
void member_adopt_runs(
	const struct engine *engine, struct member *member, const struct worker_row *row);
void member_remove_run(struct engine *engine, struct worker_id worker, struct run_id run);

void member_park(struct engine *engine, struct member *member, struct intent *intent);
struct intent *member_unpark(struct engine *engine, struct member *member); /* may be NULL */
/* It was heard of now: silence counts from here. */
void member_heard(struct engine *engine, struct member *member);
/* Puts its row into the unit of work, so that it is saved. */
void member_save(struct turn *turn, struct member *member, enum row_change change);
/* Extends the lease of its runs when a third of it is used up. */
void member_renew_lease(struct turn *turn, struct member *member);

/* ---- intents.c ---- */

void intent_keys(struct turn *turn, struct intent *intent); /* what it needs loaded */
void intent_apply(struct turn *turn, struct intent *intent);
void intent_answer(struct turn *turn, struct intent *intent); /* it is done, well or not */
int intent_fail(struct turn *turn, struct intent *intent, enum err_code code, const char *fmt,
	...) PRINTF_LIKE(4, 5);
/* Remembers what was made under the intent's Idempotency-Key, if it has one. */
void intent_keep_idem(
	struct turn *turn, const struct intent *intent, const struct uuid *ids, size_t n_ids);
void intent_conflict(struct turn *turn, struct intent *intent, enum intent_conflict conflict,
	const char *text);
/* A job that was loaded; NULL: it is not there, deleted, or another project's. */
struct job *intent_find_job(
	const struct turn *turn, const struct intent *intent, struct job_id id);
/* Makes a job of the intent's project. NULL: it was refused, and the intent is answered so. */
struct job *intent_make_job(
	struct turn *turn, struct intent *intent, const struct job_spec *spec);
/* A job as it is now, with copies of its texts. */
void job_snapshot(struct arena *arena, const struct job *job, struct job *ret);

/* ---- quarantine.c ---- */

void quarantine_put_apply(struct turn *turn, struct intent *intent);
void quarantine_delete_apply(struct turn *turn, struct intent *intent);
/* The run begins an attempt at the test of this name. */
void quarantine_note_lease(const struct turn *turn, struct run *run, const char *test);

/* ---- projects.c ---- */

void project_put_apply(struct turn *turn, struct intent *intent);
void project_delete_apply(struct turn *turn, struct intent *intent);
/* False, and the intent is refused, when its project is not there. */
bool project_is_open(struct turn *turn, struct intent *intent);
/* At start: every deleted project is looked at once more. */
void projects_boot(struct engine *engine);
void projects_deinit(struct engine *engine);
/* After the save: what the turn still wrote for deleted projects must go, too. */
void projects_see_late(struct turn *turn);
/* Deletes some of what deleted projects left. Its own commit. STORE_MORE: there is more. */
int projects_clear(struct engine *engine, struct err *err) MUST_CHECK;

/* ---- retention.c ---- */

void retention_keys(struct turn *turn, struct intent *intent);
void retention_apply(struct turn *turn, struct intent *intent);
/* After the save: rows that nobody needs. Each slice its own commit. */
int retention_clear(struct turn *turn, struct err *err) MUST_CHECK;

/* ---- import.c: jobs of archives ---- */

void import_keys(struct turn *turn, struct intent *intent);
void import_apply(struct turn *turn, struct intent *intent);

/* ---- edits.c: changes of what waits ---- */

void edit_keys(struct turn *turn, struct intent *intent);
void edit_apply(struct turn *turn, struct intent *intent);
void each_apply(struct turn *turn, struct intent *intent);

/* ---- queues.c: settings of queues, and draining ---- */

void queue_put_apply(struct turn *turn, struct intent *intent);
/* Ends the draining of queues that have nothing left. */
void queues_settle(struct turn *turn);

/* ---- flows.c ---- */

void flow_keys(struct turn *turn, struct intent *intent);
void flow_apply(struct turn *turn, struct intent *intent);

/* The list of what flows asked for. What a turn sees to is taken before the load, done before
 * the intents, and dropped after the commit, which adds what the turn asked for. */
void flows_boot(struct engine *engine, const struct store_boot *boot);
void flows_deinit(struct engine *engine);
bool flows_have_todo(const struct engine *engine);
void flows_take(struct turn *turn);
bool flows_take_less(struct turn *turn); /* false: nothing was taken */
void flows_keys(struct turn *turn);
void flows_apply(struct turn *turn);
void flows_settle(struct turn *turn);

/* ---- schedules.c ---- */

void schedule_apply(struct turn *turn, struct intent *intent);

/* ---- polls.c ---- */

void poll_keys(struct turn *turn, struct intent *intent);
void poll_apply(struct turn *turn, struct intent *intent);
void poll_cancel(struct turn *turn, const struct poll_cancel *cancel);
/* The worker is no more: its runs go back. Their rows were loaded (member_keys). */
void member_lost(struct turn *turn, struct member *member, enum worker_state state);
void member_keys(struct turn *turn, const struct member *member);
/* A worker that this engine has not heard of since it began, and whose lease has ended. */
void worker_row_lost(struct turn *turn, struct worker_row *row);
/* It is to drain and does not say so yet: by a capacity of 0. */
bool must_drain(const struct member *member, const struct poll *poll);
/* Fills the answer and puts it among the answered. */
void poll_answer(struct turn *turn, struct member *member, struct intent *intent,
	const struct offered *offer);

/* ---- watch.c ---- */

void watch_apply(struct engine *engine, const struct run_watch *watch);
/* The worker that holds the run is to hear that somebody looks at it. */
bool watch_is_news(const struct engine *engine, const struct run_ref *hold);
void watch_told(struct engine *engine, const struct run_ref *hold);
void watches_deinit(struct engine *engine);

/* ---- dispatch.c ---- */

/* Before the load: which lanes' heads the offers of this turn could take. */
void dispatch_keys(struct turn *turn);
/* After the load, before anything changes: how many ready jobs of each lane it found. */
void dispatch_loaded(struct turn *turn);
/* After all intents: leases ready jobs to offers. */
void dispatch(struct turn *turn);
/* Tests and options of what was leased: the second and last round. */
int dispatch_load(struct turn *turn, struct err *err) MUST_CHECK;
/* At start: is there a backlog of figures? (stats.c) */
int stats_boot(struct engine *engine, struct err *err) MUST_CHECK;
/* Figures of what ended: before the save. */
int stats_of_turn(struct turn *turn, struct err *err) MUST_CHECK;
/* After the save: some of the jobs that ended before there were figures. Its own commit. */
int stats_backlog(struct turn *turn, struct err *err) MUST_CHECK;
/* After the commit: answers offers that got something, parks the others. */
void dispatch_answer(struct turn *turn);
