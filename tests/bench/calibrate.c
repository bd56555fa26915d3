/* SPDX-License-Identifier: Apache-2.0 */
/*
 * calibrate DIR [n]: what one durable write costs on this disk now. Appends 4 KiB and waits for
 * fdatasync, n times (500), and prints one line of JSON: rate, median, 99th percentile, load
 * average. Every durable figure of the bench is also a multiple of this rate.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK_BYTES = 4096, COUNT_DEFAULT = 500 };

static double
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	long n = COUNT_DEFAULT;
	double *sample_ms, begin_ms, total_ms, load[1] = { -1 };
	char path[4096], block[BLOCK_BYTES];
	int fd;

	if (argc < 2 || (argc > 2 && sscanf(argv[2], "%ld", &n) != 1) || n < 1) {
		fprintf(stderr, "usage: calibrate DIR [n]\n");
		return 2;
	}
	sample_ms = calloc((size_t)n, sizeof *sample_ms);
	snprintf(path, sizeof path, "%s/calibrate.%ld", argv[1], (long)getpid());
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (!sample_ms || fd < 0) {
		perror(path);
		return 1;
	}
	unlink(path);
	memset(block, 'c', sizeof block);

	begin_ms = now_ms();
	for (long i = 0; i < n; i++) {
		double from_ms = now_ms();

		if (write(fd, block, sizeof block) != BLOCK_BYTES || fdatasync(fd) < 0) {
			perror("calibrate");
			return 1;
		}
		sample_ms[i] = now_ms() - from_ms;
	}
	total_ms = now_ms() - begin_ms;

	qsort(sample_ms, (size_t)n, sizeof *sample_ms, by_value);
	(void)getloadavg(load, 1);
	printf("{\"count\":%ld,\"rate\":%.1f,\"p50Ms\":%.4f,\"p99Ms\":%.4f,\"load\":%.2f}\n", n,
		(double)n * 1e3 / total_ms, sample_ms[n / 2], sample_ms[n * 99 / 100], load[0]);
	return 0;
}
