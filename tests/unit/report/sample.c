/* SPDX-License-Identifier: Apache-2.0 */
/* The sample is told as rows and texts, the way the store and the runners would tell it. */
#include "sample.h"

#include <stdio.h>
#include <string.h>

#define START INT64_C(1796090400000) /* 2026-12-01T02:00:00Z */

/* clang-format off */
static const char checkout_result[] =
	"{\"cases\":["
	"{\"id\":\"c1\",\"title\":\"puts a kettle into the cart\",\"path\":[\"cart.spec.ts\",\"Cart\"],"
	 "\"status\":\"passed\",\"durationMs\":812,\"attempts\":1,\"file\":\"cart.spec.ts\",\"line\":12},"
	"{\"id\":\"c2\",\"title\":\"shows the sum with shipping\",\"path\":[\"cart.spec.ts\",\"Cart\"],"
	 "\"status\":\"passed\",\"durationMs\":1320,\"attempts\":1,\"file\":\"cart.spec.ts\",\"line\":31},"
	"{\"id\":\"c3\",\"title\":\"deals of the day load\",\"path\":[\"deals.spec.ts\"],"
	 "\"status\":\"flaky\",\"durationMs\":2210,\"attempts\":2,\"file\":\"deals.spec.ts\",\"line\":8,"
	 "\"error\":{\"message\":\"\\u001b[31mTimed out\\u001b[39m waiting for the list of deals\",\"file\":\"deals.spec.ts\",\"line\":11}},"
	"{\"id\":\"c4\",\"title\":\"deliberate failure: the contact form says thanks\",\"path\":[\"contact.spec.ts\",\"Contact\"],"
	 "\"status\":\"failed\",\"durationMs\":5640,\"attempts\":1,\"file\":\"contact.spec.ts\",\"line\":21,"
	 "\"error\":{\"message\":\"expect(locator).toHaveText(expected) failed\\n\\nLocator: getByRole('status')\\nTimeout: 5000ms\","
	  "\"file\":\"contact.spec.ts\",\"line\":27,\"column\":44,"
	  "\"snippet\":\"  25 |   await page.getByLabel('Message').fill('Hello');\\n"
	   "  26 |   await page.getByRole('button', { name: 'Send' }).click();\\n"
	   "> 27 |   await expect(page.getByRole('status')).toHaveText('Thanks, we will answer soon');\\n"
	   "     |                                          ^\\n  28 | });\\n\","
	  "\"expected\":\"Thanks, we will answer soon\",\"actual\":\"Something went wrong\",\"screenshot\":\"contact/test-failed-1.png\","
	  "\"stack\":\"Error: expect(locator).toHaveText(expected) failed\\n    at contact.spec.ts:27:44\"},"
	 "\"steps\":["
	  "{\"title\":\"page.goto(/contact)\",\"status\":\"passed\",\"durationMs\":214},"
	  "{\"title\":\"fill in the form\",\"status\":\"passed\",\"durationMs\":131},"
	  "{\"title\":\"expect(status).toHaveText\",\"status\":\"failed\",\"durationMs\":5004,\"error\":{\"message\":\"x\"}}]},"
	"{\"id\":\"c5\",\"title\":\"</script><script>alert(1)</script>\\\"'><img src=x onerror=alert(2)>&amp; \\u001b[1mbold\\u0001\","
	 "\"path\":[\"<b>odd\\\" file</b>.ts\"],\"status\":\"skipped\",\"durationMs\":0,\"attempts\":1}"
	"],\"counts\":{\"passed\":3,\"failed\":1,\"skipped\":1,\"flaky\":1},"
	"\"warnings\":[\"The project has no retries; two tests were retried by its own configuration.\"]}";

static const char hostile_error[] =
	"{\"message\":\"</script><script>alert(1)</script>\\\"'><img src=x onerror=alert(2)>&amp;\","
	"\"file\":\"</title>\\\"x\",\"line\":3,\"snippet\":\"> 1 | <script>alert(3)</script>\",\"stack\":\"]]><x>\"}";
static const char refused_error[] =
	"{\"message\":\"connect ECONNREFUSED 127.0.0.1:8080: nobody listens there\"}";

static const struct job_test tests[] = {
	{ .index = 0, .name = "checkout", .kind = "playwright" },
	{ .index = 1, .name = "health", .kind = "http" },
	{ .index = 2, .name = "import of orders", .kind = "command" },
	{ .index = 3, .name = "stock <script>alert(4)</script>", .kind = "command" },
	{ .index = 4, .name = "later", .kind = "command" },
};

/* seq, test, iteration, attempt, outcome, reason, worker, start, duration (both ms) */
static const struct sample_run {
	int64_t seq;
	int32_t test;
	int64_t iteration;
	int32_t attempt;
	enum run_outcome outcome;
	const char *reason, *error;
	int worker;
	int64_t start_ms, duration_ms;
	bool is_last;
} sample_runs[] = {
	{ 11, 0, 1, 1, OUTCOME_FAILED, "assertion", NULL, 1, 0, 11800, true },
	{ 12, 1, 1, 1, OUTCOME_ERRORED, "connect", refused_error, 1, 20, 40, false },
	{ 13, 2, 1, 1, OUTCOME_PASSED, NULL, NULL, 2, 30, 4100, true },
	{ 14, 1, 1, 2, OUTCOME_PASSED, NULL, NULL, 1, 2100, 130, true },
	{ 15, 2, 2, 1, OUTCOME_PASSED, NULL, NULL, 2, 4180, 3950, true },
	{ 16, 2, 3, 1, OUTCOME_TIMED_OUT, "timeout", NULL, 1, 2300, 6000, true },
	{ 17, 3, 1, 1, OUTCOME_ERRORED, "exec", hostile_error, 2, 8200, 60, true },
	{ 18, 2, 4, 1, OUTCOME_CANCELLED, "stopped", NULL, 2, 8400, 2800, true },
};

/* run, name, kind, type, case */
static const struct sample_artifact {
	int64_t run;
	const char *name, *kind, *type, *case_id;
	int64_t size;
} sample_artifacts[] = {
	{ 11, "contact/test-failed-1.png", "screenshot", "image/png", "c4", 70 },
	{ 11, "contact/trace.zip", "trace", "application/zip", "c4", 412300 },
	{ 11, "contact/video.webm", "video", "video/webm", "c4", 98311 },
	{ 11, "report/index.html", "report", "text/html", NULL, 512000 },
	{ 11, "report/data/1.zip", "report", "application/zip", NULL, 100 },
	{ 11, "output.log", "log", "text/plain", NULL, 300 },
	{ 17, "a\"><script>alert(5)</script>.svg", "screenshot", "image/svg+xml", NULL, 90 },
};
/* clang-format on */

static const struct event events[] = {
	{ .seq = 1,
		.type = EV_RUN_STEP,
		.data = STR_INIT(
			"{\"title\":\"status is 200\",\"status\":\"passed\",\"durationMs\":3}") },
	{ .seq = 2,
		.type = EV_RUN_STEP,
		.data = STR_INIT(
			"{\"title\":\"/status equals \\\"ok\\\"\",\"status\":\"passed\"}") },
	{ .seq = 3, .type = EV_RUN_STEP, .data = STR_INIT("not JSON") },
};

static void
set_id(struct uuid *id, int64_t number)
{
	*id = (struct uuid) { { 0x01, 0x93, 0xa6, 0xc2, 0x7b, 0x1e, 0x7c, 0xc0, 0x9f, 0x3a } };
	id->b[14] = (uint8_t)(number >> 8);
	id->b[15] = (uint8_t)number;
}

static const struct job *
sample_job(struct arena *arena)
{
	struct job *job = arena_xalloc(arena, sizeof *job);

	*job = (struct job) { .seq = 7,
		.project = 1,
		.name = "shop nightly",
		.tags = "[\"nightly\",\"shop\"]",
		.state = JOB_FAILED,
		.reason = JOB_REASON_TESTS_FAILED,
		.created_ms = START - 1200,
		.started_ms = START,
		.completed_ms = START + 12150,
		.queued_ms = 1200,
		.iterations = 4,
		.n_tests = 5,
		.n_targets = 1,
		.concurrency = 3,
		.incarnation = 1,
		.retry = { .max = 1 } };
	set_id(&job->id.u, 1);
	return job;
}

static void
add_runs(struct report_input *in, struct arena *arena, const struct worker_row *workers)
{
	struct run *runs = arena_xalloc(arena, sizeof *runs * ARRAY_LEN(sample_runs));

	for (size_t i = 0; i < ARRAY_LEN(sample_runs); i++) {
		const struct sample_run *from = &sample_runs[i];
		runs[i] = (struct run) { .seq = from->seq,
			.job_seq = 7,
			.project = 1,
			.incarnation = 1,
			.iteration = from->iteration,
			.test = from->test,
			.attempt = from->attempt,
			.state = RUN_FINISHED,
			.outcome = from->outcome,
			.reason = from->reason,
			.error = from->error,
			.is_last = from->is_last,
			.worker = workers[from->worker - 1].id,
			.leased_ms = START + from->start_ms,
			.started_ms = START + from->start_ms,
			.finished_ms = START + from->start_ms + from->duration_ms,
			.duration_ms = from->duration_ms };
		set_id(&runs[i].id.u, from->seq);
	}
	in->runs = runs;
	in->n_runs = ARRAY_LEN(sample_runs);
}

static void
add_artifacts(struct report_input *in, struct arena *arena)
{
	struct artifact *rows = arena_xalloc(arena, sizeof *rows * ARRAY_LEN(sample_artifacts));

	for (size_t i = 0; i < ARRAY_LEN(sample_artifacts); i++) {
		const struct sample_artifact *from = &sample_artifacts[i];
		rows[i] = (struct artifact) { .job_seq = 7,
			.run_seq = from->run,
			.name = from->name,
			.kind = from->kind,
			.content_type = from->type,
			.case_id = from->case_id,
			.blob = "00",
			.size = from->size };
	}
	in->artifacts = rows;
	in->n_artifacts = ARRAY_LEN(sample_artifacts);
}

static void
add_events(struct report_input *in, struct arena *arena)
{
	struct event *copy = arena_memdup(arena, events, sizeof events);

	for (size_t i = 0; i < ARRAY_LEN(events); i++)
		set_id(&copy[i].run.u, 14);
	in->events = copy;
	in->n_events = ARRAY_LEN(events);
}

/* A picture of one pixel and a log, as report_load() would have fetched them. */
static void
add_data(struct report_model *model)
{
	static const unsigned char png[] = { 0x89, 'P', 'N', 'G', 13, 10, 26, 10, 0, 0, 0, 13,
		'I', 'H', 'D', 'R', 0, 0, 0, 1, 0, 0, 0, 1, 8, 2, 0, 0, 0, 0x90, 0x77, 0x53,
		0xde, 0, 0, 0, 12, 'I', 'D', 'A', 'T', 8, 0xd7, 0x63, 0xf8, 0xcf, 0xc0, 0, 0, 3,
		1, 1, 0, 0x18, 0xdd, 0x8d, 0xb0, 0, 0, 0, 0, 'I', 'E', 'N', 'D', 0xae, 0x42,
		0x60, 0x82 };
	static const char log[] =
		"cut li\n\x1b[32mok\x1b[0m <b>server</b> started \xff\xfe\nlisten\n";

	for (size_t i = 0; i < model->n_runs; i++) {
		for (size_t a = 0; a < model->runs[i].n_artifacts; a++) {
			struct report_artifact *one = &model->runs[i].artifacts[a];
			bool is_log = strcmp(one->row->kind, "log") == 0;
			if (strcmp(one->row->kind, "screenshot") != 0 && !is_log)
				continue;
			one->data = is_log ? str_from(log, sizeof log - 1)
					   : str_from((const char *)png, sizeof png);
			one->is_whole = !is_log;
		}
	}
}

struct report_model *
sample_model(struct arena *arena)
{
	struct worker_row *workers = arena_xalloc(arena, 2 * sizeof *workers);
	struct report_result *result = arena_xalloc(arena, sizeof *result);
	struct report_input *in = arena_xalloc(arena, sizeof *in);

	workers[0].name = "local";
	workers[1].name = "office-1";
	set_id(&workers[0].id.u, 901);
	set_id(&workers[1].id.u, 902);
	*result = (struct report_result) { 11, str_of(checkout_result) };
	*in = (struct report_input) { .job = sample_job(arena),
		.tests = tests,
		.n_tests = ARRAY_LEN(tests),
		.results = result,
		.n_results = 1,
		.workers = workers,
		.n_workers = 2,
		.now_ms = START + 20000 };
	add_runs(in, arena, workers);
	add_artifacts(in, arena);
	add_events(in, arena);
	struct report_model *model = report_model_build(in, arena);
	add_data(model);
	return model;
}
