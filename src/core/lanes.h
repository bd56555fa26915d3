/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All lanes and queues of the server, in memory: there are few of them, and every turn needs
 * them. The engine owns the one `struct lanes`; rules add lanes and count running runs in it.
 * Rows that are new or changed go into the unit of work, so that the store keeps them.
 */
#pragma once

#include "base/arena.h"
#include "base/err.h"
#include "base/map.h"
#include "core/lane.h"
#include "core/places.h"
#include "core/uow.h"

struct lanes {
	struct arena arena;      /* rows and their texts */
	struct map lane_by_key;  /* project, queue, kind, labels, needs, fair → struct lane */
	struct map queue_by_key; /* project, name → struct queue */
	UOW_ARRAY(struct lane *) lane;   /* lane[id - 1] */
	UOW_ARRAY(struct queue *) queue; /* queue[id - 1] */
	UOW_ARRAY(struct project_load *) load;
	struct places places;
	int64_t ageing_ms; /* of a queue that is made on first use */
};

void lanes_init(struct lanes *lanes, int64_t ageing_ms);
void lanes_deinit(struct lanes *lanes);

/* At start: a row as the store has it; texts are copied. Ids must come as 1, 2, …. */
void lanes_restore_lane(struct lanes *lanes, const struct lane *lane);
void lanes_restore_queue(struct lanes *lanes, const struct queue *queue);

struct lane *lanes_lane(const struct lanes *lanes, int64_t id);
struct queue *lanes_queue(const struct lanes *lanes, int64_t id);
struct queue *lanes_find_queue(
	const struct lanes *lanes, int64_t project, const char *name); /* NULL: none yet */

/* Find or make; what is made is put into uow->new_lanes, uow->changed_queues. NULL: LANES_MAX
 * or QUEUES_MAX is reached. */
struct queue *lanes_get_queue(
	struct lanes *lanes, struct uow *uow, int64_t project, const char *name);
struct lane *lanes_get_lane(struct lanes *lanes, struct uow *uow, int64_t project,
	int64_t queue, const char *kind, const char *labels);

/* The same for one like `like`; id and what is not stored do not count. */
struct lane *lanes_get_lane_like(struct lanes *lanes, struct uow *uow, const struct lane *like);

/* The settings of a whole project; NULL: none. */
extern const char QUEUE_STAR[]; /* "*" */
const struct queue *lanes_star(const struct lanes *lanes, int64_t project);

/* Takes over settings; texts are copied, `limits` decoded again. */
void lanes_set_queue(struct lanes *lanes, struct queue *queue, const struct queue *settings);
/* Sees to it that the queue is saved with this turn. */
void lanes_touch_queue(struct uow *uow, struct queue *queue);

/* A run of the job is leased; has ended. */
void lanes_lease(struct lanes *lanes, struct uow *uow, const struct job *job);
void lanes_release(struct lanes *lanes, const struct job *job, int64_t now_ms);

/* Below 0: a's project runs less of its share than b's; 0: as much. */
int lanes_compare_shares(const struct queue *a, const struct queue *b);

/* True when runs of this queue may start now, as far as its pause and concurrency say. */
bool queue_is_open(const struct queue *queue);
/* The same by its rate too, and by its project's settings. *ret_until_ms: when the rate that
 * closes it has a token; 0: it is not a rate. */
bool queue_may_lease(const struct queue *queue, int64_t now_ms, int64_t *ret_until_ms);
