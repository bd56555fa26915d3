/* SPDX-License-Identifier: Apache-2.0 */
#include "base/zone.h"

#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"

#define ZONES_DIR "/usr/share/zoneinfo"

struct zone {
	struct tz_table table;
	char name[ZONE_NAME_BYTES_MAX + 1];
};

static const struct zone utc = { .name = "UTC" };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct map zones; /* name → struct zone; never shrinks */
static bool zones_begun;

const struct zone *
zone_utc(void)
{
	return &utc;
}

const char *
zone_name(const struct zone *zone)
{
	return zone->name;
}

static const char *
zones_dir(void)
{
	const char *dir = getenv("TZDIR");

	return dir && *dir ? dir : ZONES_DIR;
}

/* ---- names ---- */

static bool
is_name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '-' || c == '+' || c == '/';
}

/* Files of the folder that are no zones, or the same ones under other rules. */
static bool
is_other_file(const char *name)
{
	static const char *const others[] = { "posix/", "right/", "posixrules", "localtime",
		"Factory", "leap-seconds", "leapseconds", "tzdata" };

	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		if (strncmp(name, others[i], strlen(others[i])) == 0)
			return true;
	return false;
}

/* Begins with a letter and has no empty part, so that no path leads out of the folder: a dot is
 * no character of a name. */
static bool
is_name(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > ZONE_NAME_BYTES_MAX || name[len - 1] == '/' ||
		!((name[0] >= 'A' && name[0] <= 'Z') || (name[0] >= 'a' && name[0] <= 'z')))
		return false;
	for (size_t i = 0; i < len; i++)
		if (!is_name_char(name[i]) || (name[i] == '/' && name[i + 1] == '/'))
			return false;
	return !is_other_file(name);
}

/* ---- near names ---- */

struct names {
	struct arena arena;
	const char **item; /* owned */
	size_t n, cap;
};

static void
add_name(struct names *names, const char *name)
{
	if (names->n == names->cap) {
		names->cap = names->cap > 0 ? names->cap * 2 : 1024;
		names->item = xreallocarray(names->item, names->cap, sizeof *names->item);
	}
	names->item[names->n++] = name;
}

/* Names below `prefix`, at most three parts: no zone has more. */
static void
collect_names(struct names *names, const char *prefix, int depth)
{
	const char *path = arena_printf(&names->arena, "%s/%s", zones_dir(), prefix);
	DIR *dir = path ? opendir(path) : NULL;
	const struct dirent *entry;

	while (dir && names->n < ZONES_MAX && (entry = readdir(dir))) {
		const char *name = arena_printf(&names->arena, "%s%s", prefix, entry->d_name);
		if (!name)
			break;
		if (entry->d_type == DT_DIR && depth < 3 && entry->d_name[0] != '.') {
			const char *below = arena_printf(&names->arena, "%s/", name);
			if (below && !is_other_file(below))
				collect_names(names, below, depth + 1);
		} else if (is_name(name)) {
			add_name(names, name);
		}
	}
	if (dir)
		closedir(dir);
}

/* "berlin" or "europe/berlin" or "Berlin" for Europe/Berlin. */
static bool
is_meant(const char *name, const char *zone)
{
	const char *last = strrchr(zone, '/');

	return str_eq_nocase(str_of(name), str_of(zone)) ||
		(last && str_eq_nocase(str_of(name), str_of(last + 1)));
}

static int
unknown(const char *name, struct err *err)
{
	struct names names = { 0 };
	const char *near = NULL;

	arena_init(&names.arena, MIB(1));
	collect_names(&names, "", 1);
	for (size_t i = 0; i < names.n && !near; i++)
		if (is_meant(name, names.item[i]))
			near = names.item[i];
	add_name(&names, NULL);
	if (!near)
		near = near_name(name, names.item);
	int rc = err_set(err, ERR_INVALID,
		near ? "there is no time zone \"%.*s\"; did you mean \"%s\"?"
		     : "there is no time zone \"%.*s\"; names are like Europe/Berlin%s",
		ZONE_NAME_BYTES_MAX, name, near ? near : "");
	free(names.item);
	arena_deinit(&names.arena);
	return rc;
}

/* ---- reading ---- */

static int
load(const char *name, struct zone **ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf file = BUF_INIT(ZONE_FILE_BYTES_MAX);
	_cleanup_free_ char *path = xasprintf("%s/%s", zones_dir(), name);
	struct tz_table table;

	if (file_read(path, ZONE_FILE_BYTES_MAX, &file, err) < 0)
		return err->code == ERR_NOT_FOUND || err->code == ERR_INVALID
			? unknown(name, err)
			: err_wrap(err, "time zone %s", name);
	if (tzif_parse(file.data, file.len, &table, err) < 0)
		return err_wrap(err, "time zone %s", name);
	struct zone *zone = xcalloc(1, sizeof *zone);
	zone->table = table;
	memcpy(zone->name, name, strlen(name) + 1);
	*ret = zone;
	return 0;
}

/* Under the lock. */
static int
find(const char *name, const struct zone **ret, struct err *err)
{
	struct zone *zone;

	if (!zones_begun)
		map_init(&zones, MAP_KEYS_BORROWED);
	zones_begun = true;
	zone = map_get(&zones, name, strlen(name));
	if (!zone) {
		if (map_count(&zones) >= ZONES_MAX)
			return err_set(err, ERR_LIMIT, "over %d time zones", ZONES_MAX);
		if (load(name, &zone, err) < 0)
			return -1;
		map_put(&zones, zone->name, strlen(zone->name), zone);
	}
	*ret = zone;
	return 0;
}

int
zone_find(const char *name, const struct zone **ret, struct err *err)
{
	int rc;

	if (strcmp(name, "UTC") == 0) {
		*ret = &utc;
		return 0;
	}
	if (!is_name(name))
		return unknown(name, err);
	pthread_mutex_lock(&lock);
	rc = find(name, ret, err);
	pthread_mutex_unlock(&lock);
	return rc;
}

/* ---- looking up ---- */

void
zone_span(const struct zone *zone, int64_t utc_s, struct tz_span *ret)
{
	tz_span_at(&zone->table, utc_s, ret);
}

void
zone_format(const struct zone *zone, int64_t wall_ms, char out[ZONE_TIME_TEXT_LEN + 1])
{
	int64_t utc_s = wall_ms / 1000 - (wall_ms % 1000 < 0);
	char text[TIME_TEXT_LEN + 1];
	struct tz_span span;

	zone_span(zone, utc_s, &span);
	/* Offsets of the 19th century have seconds, which RFC 3339 cannot say. */
	int32_t offset_min = span.offset_s / 60;
	int32_t abs_min = offset_min < 0 ? -offset_min : offset_min;
	time_format((utc_s + span.offset_s) * 1000, text);
	(void)snprintf(out, ZONE_TIME_TEXT_LEN + 1, "%.19s%c%02d:%02d", text,
		offset_min < 0 ? '-' : '+', (int)(abs_min / 60 % 100), (int)(abs_min % 60));
}
