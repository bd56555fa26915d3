/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes and queues: where ready jobs stand in line.
 *
 * A lane is one combination of project, queue, runner kind and required labels. All ready jobs
 * of a lane can be taken by the same workers, so the best job for an offer is the best head
 * among the lanes that match it, and a lane that nobody serves never hides others. There are
 * few lanes (LANES_MAX), whatever the number of jobs.
 *
 * Place in a lane: greater rank first, then smaller seq. rank = priority × ageing_ms −
 * created_ms, which orders jobs by "priority plus one for every ageing_ms waited" at any
 * moment, and yet never changes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/str.h"

/*
 * At most n runs begin in per_ms, after a pause `burst` at once. What is taken is one number:
 * the time at which all tokens are there again, in microseconds (core/rate.c).
 */
struct rate {
	int64_t n; /* 0: no limit */
	int64_t per_ms;
	int64_t burst; /* at least 1 */
};

/* A limit of a queue for jobs with that key. */
struct key_limit {
	const char *key;
	const char *value;   /* NULL: each value of the key */
	int32_t concurrency; /* 0: no limit */
	struct rate rate;
};

struct queue {
	int64_t id;
	int64_t project;
	const char *name;
	int32_t priority;    /* queues of greater priority are served first */
	int32_t concurrency; /* runs at once; 0: no limit */
	bool paused;
	int64_t ageing_ms; /* waiting that weighs as much as one step of priority; 0: strict
			      priority */
	int32_t running;   /* leased runs now: counted by the engine, not stored */
	bool draining;     /* takes no new jobs, and is paused when it has none left */
	struct rate rate;
	int64_t full_us;     /* when the rate has all its tokens again */
	const char *limits;  /* JSON array: key_limits_read; NULL or "": none */
	const char *fair_by; /* key whose values share the queue; NULL: none */
	int32_t share;       /* of "*": the project's part; 0: 1 */
	int64_t revision;
	int64_t updated_ms;

	/* the engine's own, not stored */
	struct key_limit *limit; /* `limits` decoded */
	size_t n_limits;
	struct project_load *load;
};

/* What is the same for all queues of a project. */
struct project_load {
	int64_t project;
	int32_t running;    /* leased runs of all its queues */
	struct queue *star; /* its queue "*"; NULL: none */
};

struct lane {
	int64_t id; /* from 1 */
	int64_t project;
	int64_t queue;
	const char *kind;
	const char *labels; /* canonical: "key=value" sorted, joined by newlines; "" for none */
	const char *needs;  /* of each run: core/needs.h; "" for none */
	const char *fair;   /* value of the queue's fair_by; "" for none */
	bool maybe_ready;   /* the store may hold ready jobs of it: not stored */
	int32_t look_ahead; /* jobs beyond the free connections that the next turn loads,
			       because the last one found held ones at the head: not stored */
};

/* What a worker offers in a poll. */
struct offer {
	int64_t project; /* 0: any */
	const char *const *kinds;
	size_t n_kinds;
	const char *labels;    /* canonical */
	const char *resources; /* all that the worker has: core/needs.h; NULL: none */
};

int64_t rank_of(int32_t priority, int64_t created_ms, int64_t ageing_ms);

bool lane_matches(const struct lane *lane, const struct offer *offer);

/* Canonical text of a JSON object of strings, in the arena; NULL with issues added when it is
 * not one. */
const char *labels_canonical(
	struct arena *arena, json_t *object, const char *pointer, struct issues *issues);

/* True when every label of `wanted` is in `have` with the same value (both canonical). */
bool labels_cover(const char *have, const char *wanted);
