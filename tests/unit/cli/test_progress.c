/* SPDX-License-Identifier: Apache-2.0 */
/* What the display knows and shows after a sequence of events. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "cli/job_view.h"
#include "cli/progress.h"

struct fixture {
	struct progress progress;
	json_t *tests;
	struct buf log;
};

static int
set_up(void **state)
{
	struct fixture *fixture = calloc(1, sizeof *fixture);

	progress_init(&fixture->progress, "nightly", false);
	fixture->progress.is_live = false;
	fixture->progress.has_colour = false;
	fixture->log = (struct buf)BUF_INIT(MIB(1));
	fixture->tests = json_pack("[{s:s},{s:s}]", "name", "first", "name", "sec\x1b[2Jond");
	fixture->progress.tests = fixture->tests;
	*state = fixture;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *fixture = *state;

	progress_deinit(&fixture->progress);
	buf_deinit(&fixture->log);
	json_decref(fixture->tests);
	free(fixture);
	return 0;
}

static void
tell(struct fixture *fixture, const char *type, const char *run, const char *data)
{
	json_t *event = json_pack(
		"{s:s, s:s, s:o}", "type", type, "run", run, "data", json_loads(data, 0, NULL));

	assert_non_null(event);
	progress_event(&fixture->progress, event, &fixture->log);
	json_decref(event);
}

static void
test_runs(void **state)
{
	struct fixture *fixture = *state;

	tell(fixture, "job.starting", "", "{}");
	tell(fixture, "run.leased", "r1",
		"{\"testIndex\":0,\"iteration\":1,\"target\":\"chromium\"}");
	tell(fixture, "job.started", "", "{}");
	assert_string_equal(fixture->progress.status, "running");
	assert_string_equal(fixture->progress.current, "first [chromium]");
	tell(fixture, "run.finished", "r1",
		"{\"outcome\":\"errored\",\"willRetry\":true,\"durationMs\":5}");
	assert_int_equal(fixture->progress.errored, 0);
	tell(fixture, "run.leased", "r2", "{\"testIndex\":1,\"iteration\":2}");
	tell(fixture, "run.finished", "r2", "{\"outcome\":\"timed_out\",\"durationMs\":1500}");
	tell(fixture, "job.progress", "", "{\"percent\":50,\"runsDone\":1,\"runsTotal\":2}");
	assert_int_equal(fixture->progress.errored, 1);
	assert_int_equal(fixture->progress.percent, 50);
	assert_string_equal(buf_text(&fixture->log),
		"  ERROR   first [chromium]  5 ms  (will be repeated)\n"
		"  TIME    second #2  1.5 s\n");
}

static void
test_cases_count_once(void **state)
{
	struct fixture *fixture = *state;

	tell(fixture, "run.leased", "r1", "{\"testIndex\":0,\"iteration\":1}");
	tell(fixture, "run.case", "r1",
		"{\"id\":\"a\",\"title\":\"buys\",\"path\":[\"x.ts\"],\"status\":\"running\"}");
	assert_string_equal(fixture->progress.current, "x.ts › buys");
	tell(fixture, "run.case", "r1",
		"{\"id\":\"a\",\"title\":\"buys\",\"status\":\"failed\",\"attempt\":1}");
	assert_int_equal(fixture->progress.failed, 1);
	tell(fixture, "run.case", "r1",
		"{\"id\":\"a\",\"title\":\"buys\",\"status\":\"flaky\",\"attempt\":2}");
	tell(fixture, "run.case", "r1",
		"{\"id\":\"b\",\"title\":\"sells\",\"status\":\"skipped\",\"attempt\":1}");
	/* The cases told it: the run is not counted beside them. */
	tell(fixture, "run.finished", "r1", "{\"outcome\":\"passed\"}");
	assert_int_equal(fixture->progress.failed, 0);
	assert_int_equal(fixture->progress.flaky, 1);
	assert_int_equal(fixture->progress.passed, 1);
	assert_int_equal(fixture->progress.skipped, 1);
}

static void
test_render(void **state)
{
	struct fixture *fixture = *state;
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(KIB(64));

	fixture->progress.columns = 40;
	fixture->progress.begun_mono_ms = 1000;
	tell(fixture, "job.progress", "", "{\"percent\":50,\"runsDone\":1,\"runsTotal\":2}");
	tell(fixture, "run.case", "r",
		"{\"id\":\"a\",\"title\":\"a title that is much longer than the terminal is wide\",\"status\":\"running\"}");
	progress_render(&fixture->progress, 63500, &out);
	assert_string_equal(buf_text(&out),
		"nightly  queued  1 min 2 s\n"
		"━━━━━━━━━━━━╌╌╌╌╌╌╌╌╌╌╌╌  50 %\n"
		"a title that is much longer than the t…\n");
}

/* Titles come from tests: they must not move the cursor, clear or recolour. */
static void
test_plain_text(void **state)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(KIB(1));

	(void)state;
	put_plain(&out,
		"a\x1b[31mb\x1b[0m\x07\x1b]0;title\x07 c\xc2\x9b"
		"2Jd\x7f\tü\n");
	assert_string_equal(buf_text(&out), "ab]0;title c2Jd\tü\n");
}

static void
test_exit_status(void **state)
{
	static const struct {
		const char *job;
		int status;
	} rows[] = {
		{ "{\"status\":\"completed\",\"reason\":\"passed\"}", 0 },
		{ "{\"status\":\"failed\",\"reason\":\"tests_failed\",\"counts\":{\"failed\":1}}",
			1 },
		{ "{\"status\":\"failed\",\"reason\":\"tests_failed\",\"counts\":{\"errored\":1}}",
			4 },
		{ "{\"status\":\"failed\",\"reason\":\"tests_failed\",\"counts\":{\"timedOut\":1}}",
			1 },
		{ "{\"status\":\"failed\",\"reason\":\"timeout\"}", 1 },
		{ "{\"status\":\"failed\",\"reason\":\"runner_error\"}", 4 },
		{ "{\"status\":\"failed\",\"reason\":\"worker_lost\"}", 4 },
		{ "{\"status\":\"stopped\",\"reason\":\"cancelled\"}", 4 },
		{ "{\"status\":\"invalid\",\"reason\":\"invalid_definition\"}", 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *job = json_loads(rows[i].job, 0, NULL);
		assert_true(job_is_over(job));
		assert_int_equal(job_exit_status(job), rows[i].status);
		json_decref(job);
	}
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(test_runs),
		CASE(test_cases_count_once),
		CASE(test_render),
		cmocka_unit_test(test_plain_text),
		cmocka_unit_test(test_exit_status),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
