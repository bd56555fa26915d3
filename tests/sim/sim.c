/* SPDX-License-Identifier: Apache-2.0 */
/* sim [--seed N] [--first N] [--seeds N] [--sqlite DIR] [--verbose]: runs N worlds (default
 * 2,000), or one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/parse.h"
#include "sim.h"

static int64_t
number(const char *text)
{
	struct err err;
	int64_t value;

	if (!text || parse_i64(str_of(text), 0, INT64_MAX, &value, &err) < 0) {
		fprintf(stderr,
			"usage: sim [--seed N] [--first N] [--seeds N] [--sqlite DIR] [--verbose]\n");
		exit(2);
	}
	return value;
}

/* Troubled time first, then calm: by then everything that was accepted must come to its end. */
static void
run_seed(uint64_t seed, const char *sqlite_dir, bool verbose, int *crashes)
{
	struct world *world = calloc(1, sizeof *world);

	if (!world)
		abort();
	world_init(world, seed, sqlite_dir, verbose);
	world->n_jobs_wanted = (size_t)between(world, 1, 12);
	actors_start(world);
	(void)world_run(world, between(world, 20000, 180000), NULL);
	actors_calm(world);
	/* Twice: what was asked for before the calm may come late, and what belongs to jobs
	 * that are no more goes in later turns. */
	for (int i = 0; i < 2; i++) {
		(void)world_run(world, world->mono_ms + MINUTES_MS(1), NULL);
		if (world_run(world, world->mono_ms + HOURS_MS(4), actors_done))
			continue;
		say_unfinished(world);
		sim_fail(world, "after four calm hours not every job has ended");
	}
	check_end(world);
	*crashes += world->crashes;
	world_deinit(world);
	free(world);
}

int
main(int argc, char **argv)
{
	int64_t first = 1, n = 2000;
	const char *sqlite_dir = NULL;
	bool verbose = false;
	int crashes = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--seed") == 0) {
			first = number(argv[++i]);
			n = 1;
		} else if (strcmp(argv[i], "--seeds") == 0) {
			n = number(argv[++i]);
		} else if (strcmp(argv[i], "--first") == 0) {
			first = number(argv[++i]);
		} else if (strcmp(argv[i], "--sqlite") == 0 && argv[i + 1]) {
			sqlite_dir = argv[++i];
		} else if (strcmp(argv[i], "--verbose") == 0) {
			verbose = true;
		} else {
			(void)number(NULL);
		}
	}
	int64_t begin = clock_mono_ms();
	for (int64_t seed = first; seed < first + n; seed++)
		run_seed((uint64_t)seed, sqlite_dir, verbose, &crashes);
	printf("%lld seeds, %d server crashes, %.1f s: every promise kept\n", (long long)n,
		crashes, (double)(clock_mono_ms() - begin) / 1000.0);
	return 0;
}
