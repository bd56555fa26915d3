/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time zones by their IANA names, from the system's data ($TZDIR, else /usr/share/zoneinfo).
 *
 * A zone is read when it is first named, never changes and is never freed: there are no more
 * than the system has names (ZONES_MAX). What is looked up in it is a pure function of it.
 * Newer data counts from the next start on. Everything here is thread-safe. "UTC" is always
 * there.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/str.h"
#include "base/tzif.h"

struct zone;

/*
 * -1: INVALID for a name that is none or that the system does not have (the text names near
 * ones), CORRUPT for a broken file, LIMIT, UNAVAILABLE.
 */
int zone_find(const char *name, const struct zone **ret, struct err *err) MUST_CHECK;

const struct zone *zone_utc(void);

const char *zone_name(const struct zone *zone);

/* The span without a change of offset that holds the instant (seconds since 1970, UTC). */
void zone_span(const struct zone *zone, int64_t utc_s, struct tz_span *ret);

enum {
	ZONE_TIME_TEXT_LEN = 25, /* "2026-12-01T02:00:00+01:00", without the NUL */
};

/* Local time with its offset, in whole seconds. */
void zone_format(const struct zone *zone, int64_t wall_ms, char out[ZONE_TIME_TEXT_LEN + 1]);
