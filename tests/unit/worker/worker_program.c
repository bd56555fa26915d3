/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker, its shepherd and the C runners as a program of their own, so that the suite in
 * worker_processes.js needs no server and no command line of the product.
 *
 *	worker_program worker URL DATA [CAPACITY [GRACE_MS [DISK_BYTES]]]     (leaves at stdin's
 *end) worker_program runner command|http worker_program runner-shepherd …
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/parse.h"
#include "runners/command/report.h"
#include "runners/http/expect.h"
#include "worker/worker.h"

static int64_t
number(int argc, char **argv, int i)
{
	int64_t value = 0;

	if (i < argc && parse_i64(str_of(argv[i]), 0, INT64_MAX, &value, NULL) < 0)
		fprintf(stderr, "bad number %s\n", argv[i]);
	return value;
}

static int
work(int argc, char **argv)
{
	const char *const kinds[] = { "command", "http",
		getenv("WITH_PLAYWRIGHT") ? "playwright" : NULL, NULL };
	static const struct worker_label labels[] = { { "location", "test" } };
	const struct worker_options options = {
		.url = argv[2],
		.data_dir = argv[3],
		.token = "secret-of-the-test",
		.name = "test",
		.labels = labels,
		.n_labels = 1,
		.kinds = kinds,
		.capacity = (int)number(argc, argv, 4),
		.grace_ms = number(argc, argv, 5),
		.disk_bytes_max = number(argc, argv, 6),
		.stop_on_stdin_eof = true,
	};
	struct err err;

	log_init(STDERR_FILENO, LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	if (worker_main(&options, &err) == 0)
		return 0;
	fprintf(stderr, "worker: %s\n", err.text);
	return err.code == ERR_DENIED ? 3 : 1;
}

int
main(int argc, char **argv)
{
	if (argc >= 4 && strcmp(argv[1], "worker") == 0)
		return work(argc, argv);
	if (argc >= 2 && strcmp(argv[1], "runner-shepherd") == 0)
		return shepherd_main(argc - 1, argv + 1);
	if (argc == 3 && strcmp(argv[1], "runner") == 0 && strcmp(argv[2], "command") == 0)
		return runner_command_main();
	if (argc == 3 && strcmp(argv[1], "runner") == 0 && strcmp(argv[2], "http") == 0)
		return runner_http_main();
	fprintf(stderr, "usage: see the source\n");
	return 2;
}
