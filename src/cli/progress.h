/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `proctor run` shows while a job runs, from the job's events: a few lines that are
 * redrawn on a terminal, one line per finished test elsewhere.
 *
 * The state is pure (progress_event, progress_render); only progress_draw and progress_end
 * write.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "base/map.h"

struct progress {
	bool is_live; /* redraw lines; else print as things end */
	bool has_colour;
	bool is_quiet;
	int columns;
	char status[16];
	char name[80];
	int64_t percent;               /* -1: unknown */
	int64_t runs_done, runs_total; /* total -1: endless */
	int64_t passed, failed, errored, skipped,
		flaky;        /* of cases, or of runs without cases */
	char current[200];    /* case or test under way */
	const json_t *tests;  /* the job's, borrowed, for their names; NULL: not known */
	const json_t *hooks;  /* the same, which stand behind the tests; NULL: none */
	bool is_grouped;      /* what ends is told when it is released, in order of start */
	int64_t quarantined;  /* failures that do not count */
	struct map run_names; /* run id → its test's name, for runs under way; values owned */
	struct map run_hooks; /* run id → of a hook; values not NULL */
	struct map run_cases; /* run id → whether it had cases; values not NULL */
	struct map cases;     /* run id / case id → latest status; values owned */
	int64_t begun_mono_ms;
	int lines_drawn;
};

void progress_init(struct progress *progress, const char *name, bool is_quiet);
void progress_deinit(struct progress *progress);

/* Takes one event. Lines about what ended go to `log`, without redrawing. */
void progress_event(struct progress *progress, const json_t *event, struct buf *log);

/* The job has not begun: why. Told once for each different sentence. */
void progress_waits(struct progress *progress, const char *why, struct buf *log);

/* The lines to be seen now, each ended by a newline. */
void progress_render(const struct progress *progress, int64_t now_mono_ms, struct buf *out);

/* Writes log and, on a terminal, the lines over the ones before. */
void progress_draw(struct progress *progress, struct buf *log);

/* Takes the redrawn lines away. */
void progress_end(struct progress *progress);
