/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker, its shepherd and the C runners as a program of their own, so that the suite in
 * worker_processes.js needs no server and no command line of the product.
 *
 *	worker_program worker URL DATA [CAPACITY [GRACE_MS [DISK_BYTES]]]     (leaves at stdin's
 *end) worker_program runner command|http|browser worker_program runner-shepherd …
 *
 * Its browser runner is a stand-in that keeps a child and does what the test says.
 */
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/parse.h"
#include "runners/command/report.h"
#include "runners/http/expect.h"
#include "runners/kit/kit.h"
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
		getenv("WITH_BROWSER")              ? "browser"
			: getenv("WITH_PLAYWRIGHT") ? "playwright"
						    : NULL,
		NULL };
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
		.memory_short_bytes = getenv("MEMORY_IS_SHORT") ? INT64_MAX : 0,
		.stop_on_stdin_eof = true,
	};
	struct err err;

	log_init(STDERR_FILENO, LOG_LEVEL_DEBUG, LOG_FORMAT_TEXT);
	if (worker_main(&options, &err) == 0)
		return 0;
	fprintf(stderr, "worker: %s\n", err.text);
	return err.code == ERR_DENIED ? 3 : 1;
}

/* --- A stand-in for the browser runner --- */

static pid_t browser;

/* The child that stands for a browser is started once and kept. */
static void
keep_browser(const char *mark)
{
	char *argv[] = { xstrdup(mark ? mark : "sleep"), xstrdup("1000"), NULL };

	/* Its program runs when this returns. */
	if (browser == 0 && posix_spawn(&browser, "/bin/sleep", NULL, NULL, argv, environ) != 0)
		browser = -1;
	free(argv[0]);
	free(argv[1]);
}

static void
on_screen(struct kit *kit, const struct kit_screen *screen)
{
	kit_step(kit,
		json_pack("{s:s, s:s}", "title", screen->is_on ? "screen on" : "screen off",
			"status", "passed"));
}

/* Sends a picture every 5 ms until nobody looks any more after somebody did. */
static json_t *
show(struct kit *kit)
{
	static const char jpeg[] = "\xff\xd8picture\xff\xd9";
	bool was_on = false;

	while (!kit_cancelled(kit) && (!was_on || kit_screen(kit)->is_on)) {
		was_on |= kit_screen(kit)->is_on;
		(void)kit_frame(kit, jpeg, sizeof jpeg - 1, 640, 480, NULL);
		(void)kit_poll(kit, NULL, 0, 5);
	}
	return kit_result("passed", NULL, NULL);
}

static json_t *
browse(struct kit *kit, const struct kit_request *request)
{
	const char *what = json_string_value(json_object_get(request->test, "do"));
	_cleanup_free_ char *kept = xasprintf("%s/profile", getenv("TMPDIR"));
	bool had_profile = access(kept, F_OK) == 0;
	FILE *file = fopen(kept, "we");

	if (file)
		fclose(file);
	if (what && strcmp(what, "start fails") == 0)
		return kit_result("errored", "browser_start", "no browser");
	if (what && strcmp(what, "die unless new") == 0 && browser)
		raise(SIGKILL);
	if (what && strcmp(what, "die") == 0)
		raise(SIGKILL);
	if (what && strcmp(what, "hang") == 0)
		while (kit_poll(kit, NULL, 0, -1) >= 0)
			continue;
	keep_browser(json_string_value(json_object_get(request->test, "mark")));
	kit_started(kit, -1);
	if (what && strcmp(what, "lose") == 0)
		return kit_result("lost", "browser_disconnected", NULL);
	if (what && strcmp(what, "show") == 0)
		return show(kit);
	if (what && strcmp(what, "wait") == 0)
		while (kit_poll(kit, NULL, 0, -1) >= 0)
			continue;
	json_t *result = kit_result("passed", NULL, NULL);
	json_object_set_new(result, "output",
		json_pack("{s:i, s:i, s:b, s:b, s:O?, s:s?, s:I, s:O?}", "runner",
			(int)getpid(), "browser", (int)browser, "hadProfile", had_profile,
			"hasFolder", access("left", F_OK) == 0, "group", request->browser,
			"role", request->role, "connection", (json_int_t)request->connection,
			"ctx", request->ctx));
	file = fopen("left", "we"); /* in the run's folder: the next run must not see it */
	if (file)
		fclose(file);
	return result;
}

static int
runner_browser_main(void)
{
	const struct kit_spec spec = {
		.name = "browser",
		.kind = "browser",
		.reusable = true,
		.carry_out = browse,
		.on_screen = on_screen,
	};

	return kit_serve(&spec);
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
	if (argc == 3 && strcmp(argv[1], "runner") == 0 && strcmp(argv[2], "browser") == 0)
		return runner_browser_main();
	fprintf(stderr, "usage: see the source\n");
	return 2;
}
