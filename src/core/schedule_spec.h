/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a schedule says (docs/protocol/schedules.md, 1): read from JSON, and the occurrences
 * that follow from it. Pure but for the time zone, which is data once it is read.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/id.h"
#include "base/json.h"
#include "base/zone.h"
#include "core/cron.h"

enum schedule_missed { MISSED_SKIP, MISSED_ONCE, MISSED_ALL };
enum schedule_overlap { OVERLAP_SKIP, OVERLAP_QUEUE, OVERLAP_CANCEL, OVERLAP_PARALLEL };

extern const char *const schedule_missed_names[];
extern const char *const schedule_overlap_names[];

/* A window in which nothing fires. */
struct blackout {
	bool is_cron; /* cron and duration_ms, else from_ms and to_ms (excluded) */
	struct cron cron;
	int64_t duration_ms;
	int64_t from_ms, to_ms;
};

/* One of cron, every_ms, at is there. */
struct schedule_spec {
	const char *name;      /* NULL: not said */
	const char *cron_text; /* NULL: none */
	struct cron cron;
	int64_t every_ms;
	const int64_t *at; /* ascending */
	size_t n_at;
	const struct zone *zone;
	struct str start; /* JSON: the job request, with tags and labels; empty: not said */
	enum schedule_missed missed;
	int32_t missed_max;
	enum schedule_overlap overlap;
	int64_t jitter_ms;
	const struct blackout *blackouts;
	size_t n_blackouts;
	int64_t starts_ms, ends_ms; /* 0: no bound */
	bool is_paused;
};

/* What a request may hold. For the decoder and for OpenAPI. */
extern const struct json_field schedule_fields[];
extern const struct json_field schedule_blackout_fields[];

/*
 * Reads what somebody says of a schedule; copies go to issues->arena. A draft may lack name
 * and start. -1: issues.
 */
int schedule_spec_read(json_t *json, bool is_draft, struct issues *issues,
	struct schedule_spec *ret) MUST_CHECK;

enum { SCHEDULE_NEVER = 1 };

/* The first occurrence behind after_ms; created_ms is what `every` is counted from. */
int schedule_spec_next(const struct schedule_spec *spec, int64_t created_ms, int64_t after_ms,
	int64_t *ret_ms) MUST_CHECK;

/* True when the instant is in a blackout. */
bool schedule_spec_is_black(const struct schedule_spec *spec, int64_t at_ms);

/* The delay of an occurrence; the same for the same schedule and instant. */
int64_t schedule_spec_jitter(
	const struct schedule_spec *spec, const struct uuid *id, int64_t at_ms);
