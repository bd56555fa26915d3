/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two sources, one list of schemas: requests refer to the decoders' field tables and add what a
 * field table does not know (what the items of an array are), answers are written by hand.
 */
#include "api/schema_tables.h"
#include "api/schema_stats.h"

#include "api/handlers.h"
#include "api/poll_json.h"
#include "base/limits.h"
#include "core/environment.h"
#include "core/event.h"
#include "core/explain.h"
#include "core/flow_json.h"
#include "core/job.h"
#include "core/job_json.h"
#include "core/job_queueing.h"
#include "core/layout.h"
#include "core/params.h"
#include "core/places.h"
#include "core/retention.h"
#include "core/run.h"
#include "core/schedule.h"
#include "core/test_kinds.h"
#include "core/worker_row.h"

/* --- Words --- */

static const char *
job_state_word(int i)
{
	return i < JOB_STATE_COUNT ? job_state_name((enum job_state)i) : NULL;
}

static const char *
job_reason_word(int i)
{
	return i + 1 < JOB_REASON_COUNT ? job_reason_name((enum job_reason)(i + 1)) : NULL;
}

static const char *
job_command_word(int i)
{
	return i < JOB_CMD_COUNT ? job_command_name((enum job_command)i) : NULL;
}

static const char *
run_state_word(int i)
{
	/* What is held is shown as finished. */
	i += i >= RUN_HELD;
	return i < RUN_STATE_COUNT ? run_state_name((enum run_state)i) : NULL;
}

static const char *
run_outcome_word(int i)
{
	return i + 1 < OUTCOME_COUNT ? run_outcome_name((enum run_outcome)(i + 1)) : NULL;
}

static const char *
worker_state_word(int i)
{
	return i < WORKER_STATE_COUNT ? worker_state_name((enum worker_state)i) : NULL;
}

static const char *
event_type_word(int i)
{
	return i < EVENT_TYPE_COUNT ? event_type_name((enum event_type)i) : NULL;
}

static const char *
blocker_word(int i)
{
	return i < BLOCKER_KIND_COUNT ? blocker_kind_name((enum blocker_kind)i) : NULL;
}

static const char *
listed(const char *const *words, int n, int i)
{
	return i < n ? words[i] : NULL;
}

static const char *
durable_word(int i)
{
	static const char *const words[] = { "fsync", "os" };

	return listed(words, ARRAY_LEN(words), i);
}

static const char *
retried_word(int i)
{
	static const char *const words[] = { "failed", "errored", "timed_out" };

	return listed(words, ARRAY_LEN(words), i);
}

static const char *
directive_word(int i)
{
	static const char *const words[] = { "stop", "drop", "watch", "drain" };

	return listed(words, ARRAY_LEN(words), i);
}

static const char *
issue_word(int i)
{
	static const char *const words[] = { ISSUE_INVALID, ISSUE_UNKNOWN, ISSUE_MISSING,
		ISSUE_LIMIT, ISSUE_DUPLICATE };

	return listed(words, ARRAY_LEN(words), i);
}

/* --- Answers --- */

/* clang-format off */
#define ID(key) { .name = key, .shape = SHAPE_ID }
#define PROJECT { .name = "project", .shape = SHAPE_TEXT }
#define DURABLE { .name = "durable", .shape = SHAPE_WORD, .flags = MAY, .words = durable_word, \
	.about = "In answers to writes: what the write survived." }
#define COUNTS(key, optional) { .name = key, .shape = SHAPE_REF, .of = "Counts", .flags = (optional) }

static const struct member counts_members[] = {
	{ .name = "passed", .shape = SHAPE_INT },
	{ .name = "failed", .shape = SHAPE_INT, .about = "The product is wrong." },
	{ .name = "errored", .shape = SHAPE_INT, .about = "The environment or the runner is wrong." },
	{ .name = "timedOut", .shape = SHAPE_INT },
	{ .name = "cancelled", .shape = SHAPE_INT },
	{ .name = "skipped", .shape = SHAPE_INT },
	{ .name = "flaky", .shape = SHAPE_INT, .about = "Passed after another attempt; counted in passed as well." },
	{ .name = "quarantined", .shape = SHAPE_INT, .about = "Failures of tests on the quarantine list; counted nowhere else." },
	{ 0 },
};

static const struct member progress_members[] = {
	{ .name = "percent", .shape = SHAPE_INT, .flags = MAY, .about = "Absent for an endless job." },
	{ .name = "iteration", .shape = SHAPE_INT, .about = "Of the next run to start; once all have begun, the last." },
	{ .name = "test", .shape = SHAPE_INT, .about = "Index of the test of the next run to start; once all have begun, of the last." },
	{ .name = "running", .shape = SHAPE_INT },
	{ .name = "waiting", .shape = SHAPE_INT, .about = "Runs that wait for their retry or for another worker." },
	{ .name = "runsDone", .shape = SHAPE_INT },
	{ .name = "runsTotal", .shape = SHAPE_INT, .flags = MAY, .about = "Absent for an endless job." },
	{ 0 },
};

static const struct member retries_members[] = {
	{ .name = "max", .shape = SHAPE_INT },
	{ .name = "delayMs", .shape = SHAPE_MS },
	{ .name = "factor", .shape = SHAPE_NUM },
	{ .name = "maxDelayMs", .shape = SHAPE_MS },
	{ .name = "jitter", .shape = SHAPE_NUM },
	{ .name = "on", .shape = SHAPE_WORD, .words = retried_word, .flags = LIST },
	{ 0 },
};

static const struct member blocked_by_members[] = {
	{ .name = "kind", .shape = SHAPE_WORD, .words = blocker_word },
	{ .name = "until", .shape = SHAPE_TIME, .flags = MAY },
	{ 0 },
};

static const struct member incarnation_members[] = {
	{ .name = "incarnation", .shape = SHAPE_INT },
	{ .name = "status", .shape = SHAPE_WORD, .words = job_state_word },
	{ .name = "reason", .shape = SHAPE_WORD, .words = job_reason_word, .flags = MAY },
	COUNTS("counts", 0),
	{ .name = "startedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "completedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ 0 },
};

static const char *
mode_word(int i)
{
	static const char *const words[] = { "shared", "serial", "isolated" };

	return listed(words, ARRAY_LEN(words), i);
}

static const char *
role_word(int i)
{
	return i + 1 < RUN_ROLE_COUNT ? run_role_name((enum run_role)(i + 1)) : NULL;
}

static const struct member fixture_members[] = {
	{ .name = "name", .shape = SHAPE_TEXT, .about = "Empty for neighbours that stand in no fixture." },
	{ .name = "first", .shape = SHAPE_INT, .about = "Index of its first test." },
	{ .name = "testCount", .shape = SHAPE_INT },
	{ .name = "skippedCount", .shape = SHAPE_INT },
	{ .name = "mode", .shape = SHAPE_WORD, .words = mode_word },
	{ 0 },
};

static const struct member hook_members[] = {
	{ .name = "name", .shape = SHAPE_TEXT },
	{ .name = "test", .shape = SHAPE_REF, .of = "TestRequest" },
	{ 0 },
};

static const struct member job_members[] = {
	ID("id"),
	PROJECT,
	{ .name = "name", .shape = SHAPE_TEXT },
	{ .name = "status", .shape = SHAPE_WORD, .words = job_state_word,
		.about = "Final are completed, failed, stopped and invalid." },
	{ .name = "reason", .shape = SHAPE_WORD, .words = job_reason_word, .flags = MAY,
		.about = "Why it is final." },
	{ .name = "incarnation", .shape = SHAPE_INT, .about = "1, then one more for every start." },
	{ .name = "templateId", .shape = SHAPE_ID, .flags = MAY },
	{ .name = "template", .shape = SHAPE_TEXT, .flags = MAY, .about = "Name that it had then." },
	{ .name = "templateRevision", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "params", .shape = SHAPE_OBJECT, .flags = MAY, .about = "Settled values." },
	{ .name = "config", .shape = SHAPE_OBJECT, .flags = MAY },
	{ .name = "outputSchema", .shape = SHAPE_OBJECT, .flags = MAY },
	{ .name = "flow", .shape = SHAPE_TEXT, .flags = MAY, .about = "Name of the saved flow, as it was then." },
	{ .name = "flowRevision", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "parent", .shape = SHAPE_ID, .flags = MAY, .about = "The flow whose stage it carries out." },
	{ .name = "schedule", .shape = SHAPE_REF, .of = "ScheduleName", .flags = MAY, .about = "That fired it, while it is there." },
	{ .name = "stage", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "stageItem", .shape = SHAPE_INT, .flags = MAY, .about = "Place in the stage's matrix, from 0." },
	{ .name = "stageAttempt", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "stages", .shape = SHAPE_OBJECT, .flags = MAY | LIST, .about = "Of a flow: its stages with states; docs/protocol/flows.md." },
	{ .name = "results", .shape = SHAPE_ANY, .flags = MAY, .about = "Once it has ended: the output of its test, or of each by name." },
	{ .name = "schemaErrors", .shape = SHAPE_REF, .of = "Issue", .flags = MAY | LIST, .about = "Where results break outputSchema." },
	{ .name = "extra", .shape = SHAPE_OBJECT, .flags = MAY },
	{ .name = "tags", .shape = SHAPE_TEXT, .flags = LIST },
	{ .name = "queue", .shape = SHAPE_TEXT },
	{ .name = "priority", .shape = SHAPE_INT },
	{ .name = "labels", .shape = SHAPE_TEXTS },
	{ .name = "kind", .shape = SHAPE_TEXT, .flags = MAY, .about = "Of its tests, when all have the same." },
	{ .name = "testCount", .shape = SHAPE_INT },
	{ .name = "browsers", .shape = SHAPE_ANY, .flags = LIST, .about = "As they were given." },
	{ .name = "groups", .shape = SHAPE_TEXT, .flags = LIST | MAY, .about = "Names of the browsers' groups, as runs and events have them in target." },
	{ .name = "fixtures", .shape = SHAPE_REF, .of = "Fixture", .flags = LIST | MAY, .about = "Of a job with browsers, fixtures or hooks; they cover all tests." },
	{ .name = "concurrency", .shape = SHAPE_INT },
	{ .name = "iterations", .shape = SHAPE_INT, .about = "0: endless." },
	{ .name = "failuresToIgnore", .shape = SHAPE_INT },
	{ .name = "keys", .shape = SHAPE_TEXTS, .flags = MAY },
	{ .name = "needs", .shape = SHAPE_OBJECT, .flags = MAY, .about = "Amounts of resources that each run takes." },
	{ .name = "uniqueKey", .shape = SHAPE_OBJECT, .flags = MAY, .about = "key, whether the job holds it now, and until when." },
	{ .name = "unique", .shape = SHAPE_CONST, .of = "\"existing\"", .flags = MAY, .about = "In the answer to a request that made no new job." },
	{ .name = "heldBy", .shape = SHAPE_TEXT, .flags = MAY, .about = "Key whose limit keeps it out of the line." },
	{ .name = "pinned", .shape = SHAPE_FLAG, .flags = MAY, .about = "Retention spares it." },
	{ .name = "importedAt", .shape = SHAPE_TIME, .flags = MAY, .about = "When it came with an archive: it does not run again." },
	{ .name = "pinNote", .shape = SHAPE_TEXT, .flags = MAY, .about = "Why." },
	{ .name = "expiresAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "stopOnFirstFailure", .shape = SHAPE_ANY, .about = "true, false or \"cancel\"." },
	{ .name = "quarantine", .shape = SHAPE_REF, .of = "QuarantineRequest", .flags = MAY },
	{ .name = "startTimeoutMs", .shape = SHAPE_MS, .flags = MAY },
	{ .name = "hookTimeoutMs", .shape = SHAPE_MS, .flags = MAY },
	{ .name = "retries", .shape = SHAPE_REF, .of = "Retries" },
	{ .name = "timeoutMs", .shape = SHAPE_MS, .about = "0: none." },
	{ .name = "runTimeoutMs", .shape = SHAPE_MS, .about = "0: none." },
	{ .name = "runAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "progress", .shape = SHAPE_REF, .of = "Progress" },
	COUNTS("counts", 0),
	{ .name = "blockedBy", .shape = SHAPE_REF, .of = "BlockedBy", .flags = LIST,
		.about = "What the job itself waits for; explain knows the rest." },
	{ .name = "tests", .shape = SHAPE_REF, .of = "TestRequest", .flags = LIST | MAY,
		.about = "In the view of one job: as they run, parameters filled in." },
	{ .name = "hooks", .shape = SHAPE_REF, .of = "Hook", .flags = LIST | MAY,
		.about = "In the view of one job: what runs before and after its tests and fixtures." },
	{ .name = "previous", .shape = SHAPE_REF, .of = "Incarnation", .flags = LIST | MAY,
		.about = "In the view of one job: its earlier incarnations." },
	{ .name = "createdAt", .shape = SHAPE_TIME },
	{ .name = "updatedAt", .shape = SHAPE_TIME },
	{ .name = "startedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "completedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "queuedMs", .shape = SHAPE_MS, .flags = MAY },
	{ .name = "runMs", .shape = SHAPE_MS, .flags = MAY },
	DURABLE,
	{ 0 },
};

static const struct member plan_members[] = {
	{ .name = "dryRun", .shape = SHAPE_CONST, .of = "true" },
	{ .name = "jobs", .shape = SHAPE_REF, .of = "PlannedJob", .flags = LIST },
	{ 0 },
};

static const struct member planned_job_members[] = {
	{ .name = "name", .shape = SHAPE_TEXT },
	{ .name = "testCount", .shape = SHAPE_INT },
	{ .name = "targetCount", .shape = SHAPE_INT },
	{ .name = "iterations", .shape = SHAPE_INT },
	{ .name = "runsTotal", .shape = SHAPE_INT, .flags = MAY, .about = "Absent for an endless job." },
	{ .name = "skippedCount", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "hookCount", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "groups", .shape = SHAPE_TEXT, .flags = LIST | MAY },
	{ .name = "fixtures", .shape = SHAPE_REF, .of = "Fixture", .flags = LIST | MAY },
	{ .name = "concurrency", .shape = SHAPE_INT },
	{ .name = "priority", .shape = SHAPE_INT },
	{ .name = "runAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "lanes", .shape = SHAPE_REF, .of = "PlannedLane", .flags = LIST },
	{ .name = "firstRuns", .shape = SHAPE_REF, .of = "PlannedRun", .flags = LIST | MAY, .about = "Absent for a flow." },
	{ .name = "stages", .shape = SHAPE_OBJECT, .flags = LIST | MAY, .about = "Of a flow: its stages, short forms written out." },
	{ 0 },
};

static const struct member planned_lane_members[] = {
	{ .name = "kind", .shape = SHAPE_TEXT },
	{ .name = "queue", .shape = SHAPE_TEXT },
	{ .name = "labels", .shape = SHAPE_TEXTS },
	{ .name = "workers", .shape = SHAPE_INT, .about = "Online ones that could take its runs." },
	{ .name = "capacity", .shape = SHAPE_INT, .about = "Connections that they have together." },
	{ 0 },
};

static const struct member planned_run_members[] = {
	{ .name = "iteration", .shape = SHAPE_INT },
	{ .name = "testIndex", .shape = SHAPE_INT },
	{ .name = "test", .shape = SHAPE_TEXT },
	{ .name = "kind", .shape = SHAPE_TEXT },
	{ .name = "target", .shape = SHAPE_TEXT, .flags = MAY },
	{ 0 },
};

static const struct member run_members[] = {
	ID("id"),
	ID("job"),
	{ .name = "status", .shape = SHAPE_WORD, .words = run_state_word },
	{ .name = "outcome", .shape = SHAPE_WORD, .words = run_outcome_word, .flags = MAY },
	{ .name = "reason", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "incarnation", .shape = SHAPE_INT },
	{ .name = "iteration", .shape = SHAPE_INT },
	{ .name = "testIndex", .shape = SHAPE_INT },
	{ .name = "test", .shape = SHAPE_TEXT },
	{ .name = "kind", .shape = SHAPE_TEXT },
	{ .name = "target", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "attempt", .shape = SHAPE_INT },
	{ .name = "role", .shape = SHAPE_WORD, .words = role_word, .flags = MAY, .about = "Of a run that carries out a hook." },
	{ .name = "fixture", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "connection", .shape = SHAPE_INT, .flags = MAY, .about = "Of its group, from 1." },
	{ .name = "startOrder", .shape = SHAPE_INT, .flags = MAY, .about = "Place of its unit in the order of release." },
	{ .name = "released", .shape = SHAPE_FLAG, .flags = MAY, .about = "False: it has its outcome and waits for units that began before it." },
	{ .name = "unstable", .shape = SHAPE_FLAG, .flags = MAY, .about = "Attempts at its unit did not agree." },
	{ .name = "quarantined", .shape = SHAPE_FLAG, .flags = MAY, .about = "It began while its test was on the quarantine list." },
	{ .name = "last", .shape = SHAPE_FLAG, .about = "Its outcome is the one that counts: no retry follows." },
	{ .name = "fence", .shape = SHAPE_INT },
	{ .name = "worker", .shape = SHAPE_ID, .flags = MAY, .about = "Who has it, or had it last." },
	{ .name = "losses", .shape = SHAPE_INT, .about = "Workers lost under it." },
	{ .name = "createdAt", .shape = SHAPE_TIME },
	{ .name = "dueAt", .shape = SHAPE_TIME, .flags = MAY, .about = "When its retry may start." },
	{ .name = "leasedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "startedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "completedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "durationMs", .shape = SHAPE_MS, .about = "As its worker measured it." },
	{ .name = "usage", .shape = SHAPE_REF, .of = "Usage", .flags = MAY },
	{ .name = "error", .shape = SHAPE_REF, .of = "RunError", .flags = MAY },
	{ .name = "result", .shape = SHAPE_OBJECT, .flags = MAY, .about = "In the view of one run." },
	{ .name = "artifacts", .shape = SHAPE_REF, .of = "Artifact", .flags = LIST | MAY,
		.about = "In the view of one run." },
	{ 0 },
};

static const struct member run_error_members[] = {
	{ .name = "message", .shape = SHAPE_TEXT },
	{ .name = "file", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "line", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "column", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "snippet", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "stack", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "expected", .shape = SHAPE_ANY, .flags = MAY },
	{ .name = "actual", .shape = SHAPE_ANY, .flags = MAY },
	{ .name = "screenshot", .shape = SHAPE_TEXT, .flags = MAY, .about = "Name of an artifact." },
	{ 0 },
};

static const struct member artifact_members[] = {
	{ .name = "name", .shape = SHAPE_TEXT },
	{ .name = "kind", .shape = SHAPE_TEXT },
	{ .name = "contentType", .shape = SHAPE_TEXT },
	{ .name = "size", .shape = SHAPE_INT },
	{ .name = "sha256", .shape = SHAPE_TEXT },
	{ .name = "case", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "run", .shape = SHAPE_ID, .flags = MAY },
	{ .name = "createdAt", .shape = SHAPE_TIME, .flags = MAY },
	{ 0 },
};

static const struct member definition_members[] = {
	ID("id"),
	PROJECT,
	{ .name = "revision", .shape = SHAPE_INT, .about = "Also in the ETag header." },
	{ .name = "createdAt", .shape = SHAPE_TIME },
	{ .name = "updatedAt", .shape = SHAPE_TIME },
	DURABLE,
	{ 0 },
};

static const struct member event_members[] = {
	{ .name = "seq", .shape = SHAPE_INT, .about = "Grows over the whole server, with gaps; the id of the stream." },
	{ .name = "at", .shape = SHAPE_TIME },
	{ .name = "job", .shape = SHAPE_ID, .flags = MAY },
	{ .name = "run", .shape = SHAPE_ID, .flags = MAY },
	{ .name = "type", .shape = SHAPE_WORD, .words = event_type_word },
	{ .name = "data", .shape = SHAPE_OBJECT },
	{ 0 },
};

static const struct member explanation_members[] = {
	ID("job"),
	{ .name = "status", .shape = SHAPE_WORD, .words = job_state_word },
	{ .name = "sentence", .shape = SHAPE_TEXT },
	{ .name = "blockers", .shape = SHAPE_REF, .of = "Blocker", .flags = LIST },
	{ .name = "forecast", .shape = SHAPE_REF, .of = "Forecast" },
	{ 0 },
};

static const struct member forecast_members[] = {
	{ .name = "startAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "endAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "basis", .shape = SHAPE_REF, .of = "ForecastBasis" },
	{ 0 },
};

static const struct member forecast_basis_members[] = {
	{ .name = "samples", .shape = SHAPE_INT, .about = "Completed jobs that it looked back at." },
	{ .name = "medianMs", .shape = SHAPE_MS, .flags = MAY },
	{ .name = "ahead", .shape = SHAPE_INT },
	{ .name = "slots", .shape = SHAPE_INT, .about = "Connections that serve the line." },
	{ .name = "unknown", .shape = SHAPE_TEXT, .flags = MAY, .about = "Why there is no forecast." },
	{ 0 },
};

static const struct member rate_members[] = {
	{ .name = "limit", .shape = SHAPE_INT, .about = "Runs that begin in `per`." },
	{ .name = "per", .shape = SHAPE_MS },
	{ .name = "burst", .shape = SHAPE_INT, .about = "At once after a pause." },
	{ 0 },
};

static const struct member queue_figures_members[] = {
	{ .name = "running", .shape = SHAPE_INT, .about = "Leased runs." },
	{ .name = "ready", .shape = SHAPE_INT, .about = "Jobs that a worker could take." },
	{ .name = "held", .shape = SHAPE_INT, .about = "Jobs that wait for the limit of a key." },
	{ .name = "oldestAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "drainAt", .shape = SHAPE_TIME, .flags = MAY, .about = "Forecast: when it has nothing left." },
	{ .name = "atLeast", .shape = SHAPE_FLAG, .about = "There are more than were counted." },
	{ 0 },
};

static const struct member action_result_members[] = {
	{ .name = "action", .shape = SHAPE_TEXT },
	{ .name = "count", .shape = SHAPE_INT, .about = "Jobs that the filter lets through." },
	{ .name = "dryRun", .shape = SHAPE_FLAG, .flags = MAY },
	{ .name = "sample", .shape = SHAPE_OBJECT, .flags = LIST | MAY, .about = "Some of them: id, name, status." },
	{ .name = "done", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "failed", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "reasons", .shape = SHAPE_OBJECT, .flags = MAY, .about = "How many were refused for which reason." },
	DURABLE,
	{ 0 },
};

static const struct member blocker_members[] = {
	{ .name = "kind", .shape = SHAPE_WORD, .words = blocker_word },
	{ .name = "text", .shape = SHAPE_TEXT },
	{ .name = "subject", .shape = SHAPE_TEXT, .flags = MAY, .about = "Queue, kind or label that it is about." },
	{ .name = "until", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "count", .shape = SHAPE_INT, .flags = MAY },
	{ 0 },
};

static const struct member queue_members[] = {
	{ .name = "name", .shape = SHAPE_TEXT },
	PROJECT,
	{ .name = "revision", .shape = SHAPE_INT, .about = "Also in the ETag header." },
	{ .name = "priority", .shape = SHAPE_INT },
	{ .name = "concurrency", .shape = SHAPE_INT, .about = "Runs at once; 0: no limit." },
	{ .name = "state", .shape = SHAPE_TEXT, .about = "open, paused or draining." },
	{ .name = "rate", .shape = SHAPE_REF, .of = "Rate", .flags = MAY },
	{ .name = "limits", .shape = SHAPE_OBJECT, .flags = LIST | MAY, .about = "Limits by key, as they were given." },
	{ .name = "fairBy", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "share", .shape = SHAPE_INT, .flags = MAY, .about = "Of the queue \"*\": the project's part." },
	{ .name = "figures", .shape = SHAPE_REF, .of = "QueueFigures", .flags = MAY },
	{ .name = "paused", .shape = SHAPE_FLAG },
	{ .name = "ageingMs", .shape = SHAPE_MS, .about = "Waiting that weighs as much as one step of priority; 0: strict priority." },
	{ .name = "updatedAt", .shape = SHAPE_TIME, .flags = MAY },
	DURABLE,
	{ 0 },
};

static const struct member quarantine_members[] = {
	ID("id"),
	PROJECT,
	{ .name = "test", .shape = SHAPE_TEXT },
	{ .name = "owner", .shape = SHAPE_TEXT },
	{ .name = "reason", .shape = SHAPE_TEXT },
	{ .name = "expiresAt", .shape = SHAPE_TIME },
	{ .name = "cleanRuns", .shape = SHAPE_INT, .about = "0: it leaves by time alone." },
	{ .name = "cleanStreak", .shape = SHAPE_INT, .about = "Clean units in a row up to now: passed at the first attempt." },
	{ .name = "failures", .shape = SHAPE_INT, .about = "Units that failed and were not counted as such." },
	{ .name = "lastFailedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "revision", .shape = SHAPE_INT, .about = "Also in the ETag header." },
	{ .name = "createdAt", .shape = SHAPE_TIME },
	{ .name = "updatedAt", .shape = SHAPE_TIME },
	DURABLE,
	{ 0 },
};

static const struct member retention_sweep_members[] = {
	{ .name = "at", .shape = SHAPE_TIME },
	{ .name = "tookMs", .shape = SHAPE_INT },
	{ .name = "jobs", .shape = SHAPE_INT, .about = "Jobs that went; children of flows are not counted." },
	{ .name = "artifacts", .shape = SHAPE_INT, .about = "Files that went, with their jobs or before them." },
	{ .name = "bytes", .shape = SHAPE_INT, .about = "Of these; what other jobs name as well still takes room." },
	{ .name = "archive", .shape = SHAPE_TEXT, .flags = MAY, .about = "The last file that it wrote, below the server's archive folder." },
	{ .name = "error", .shape = SHAPE_TEXT, .flags = MAY, .about = "What ended it early." },
	{ 0 },
};

static const struct member retention_members[] = {
	ID("id"),
	PROJECT,
	{ .name = "lastSweep", .shape = SHAPE_REF, .of = "RetentionSweep", .flags = MAY },
	{ .name = "revision", .shape = SHAPE_INT, .about = "Also in the ETag header." },
	{ .name = "createdAt", .shape = SHAPE_TIME },
	{ .name = "updatedAt", .shape = SHAPE_TIME },
	DURABLE,
	{ 0 },
};

static const struct member import_members[] = {
	{ .name = "jobs", .shape = SHAPE_INT, .about = "Jobs that came." },
	{ .name = "existing", .shape = SHAPE_INT, .about = "Jobs that were here already." },
	{ .name = "runs", .shape = SHAPE_INT },
	{ .name = "artifacts", .shape = SHAPE_INT },
	{ .name = "events", .shape = SHAPE_INT },
	{ .name = "blobs", .shape = SHAPE_INT, .about = "Files whose bytes were not here." },
	{ .name = "void", .shape = SHAPE_INT, .about = "Jobs that changed while the archive was written." },
	{ 0 },
};

static const struct member retention_sample_members[] = {
	ID("id"),
	{ .name = "name", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "status", .shape = SHAPE_TEXT },
	{ .name = "completedAt", .shape = SHAPE_TIME },
	{ 0 },
};

static const struct member retention_preview_members[] = {
	{ .name = "jobs", .shape = SHAPE_INT, .about = "Jobs that would go." },
	{ .name = "artifacts", .shape = SHAPE_INT, .about = "Files that would go with them." },
	{ .name = "bytes", .shape = SHAPE_INT, .about = "Of these." },
	{ .name = "onlyArtifacts", .shape = SHAPE_INT, .about = "Jobs that would stay and lose their files." },
	{ .name = "sample", .shape = SHAPE_REF, .flags = LIST, .of = "RetentionSample", .about = "The oldest of the jobs." },
	{ 0 },
};

static const char *
schedule_state_word(int i)
{
	static const char *const words[] = { "active", "paused", "finished", NULL };

	return words[i];
}

static const char *
fire_cause_word(int i)
{
	return i < FIRE_CAUSE_COUNT ? fire_cause_name(i) : NULL;
}

static const struct member occurrence_members[] = {
	{ .name = "at", .shape = SHAPE_TIME },
	{ .name = "local", .shape = SHAPE_TEXT, .about = "In the schedule's time zone, with its offset." },
	{ .name = "dueAt", .shape = SHAPE_TIME, .flags = MAY, .about = "With jitter." },
	{ .name = "blackout", .shape = SHAPE_FLAG, .flags = MAY, .about = "It is inside a blackout and will not fire." },
	{ 0 },
};

static const struct member firing_members[] = {
	{ .name = "at", .shape = SHAPE_TIME, .about = "The occurrence." },
	{ .name = "firedAt", .shape = SHAPE_TIME },
	ID("job"),
	{ .name = "cause", .shape = SHAPE_WORD, .words = fire_cause_word },
	{ 0 },
};

static const struct member fired_members[] = {
	ID("schedule"),
	{ .name = "at", .shape = SHAPE_TIME, .about = "The occurrence; its firing names the job." },
	DURABLE,
	{ 0 },
};

static const struct member schedule_error_members[] = {
	{ .name = "at", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "error", .shape = SHAPE_TEXT },
	{ 0 },
};

static const struct member waiting_members[] = {
	{ .name = "at", .shape = SHAPE_TIME },
	{ .name = "cause", .shape = SHAPE_WORD, .words = fire_cause_word },
	{ .name = "blockedBy", .shape = SHAPE_ID, .flags = MAY | LIST, .about = "Jobs that must end before." },
	{ 0 },
};

static const struct member schedule_members[] = {
	ID("id"),
	PROJECT,
	{ .name = "revision", .shape = SHAPE_INT, .about = "Also in the ETag header." },
	{ .name = "state", .shape = SHAPE_WORD, .words = schedule_state_word },
	{ .name = "next", .shape = SHAPE_REF, .of = "Occurrence", .flags = MAY, .about = "The next one that fires." },
	{ .name = "active", .shape = SHAPE_ID, .flags = LIST, .about = "Jobs that have not ended." },
	{ .name = "pending", .shape = SHAPE_REF, .of = "WaitingOccurrence", .flags = MAY | LIST, .about = "On their way to a job." },
	{ .name = "waiting", .shape = SHAPE_REF, .of = "WaitingOccurrence", .flags = MAY | LIST, .about = "Until earlier jobs have ended." },
	{ .name = "fired", .shape = SHAPE_INT },
	{ .name = "missedCount", .shape = SHAPE_INT },
	{ .name = "failed", .shape = SHAPE_INT },
	{ .name = "lastFiredAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "lastJob", .shape = SHAPE_ID, .flags = MAY },
	{ .name = "lastError", .shape = SHAPE_REF, .of = "ScheduleError", .flags = MAY },
	{ .name = "createdAt", .shape = SHAPE_TIME },
	{ .name = "updatedAt", .shape = SHAPE_TIME },
	DURABLE,
	{ 0 },
};

static const struct member schedule_name_members[] = {
	ID("id"),
	{ .name = "name", .shape = SHAPE_TEXT },
	{ 0 },
};

static const struct member schedule_preview_members[] = {
	{ .name = "dryRun", .shape = SHAPE_CONST, .of = "true" },
	{ .name = "timezone", .shape = SHAPE_TEXT },
	{ .name = "next", .shape = SHAPE_REF, .of = "Occurrence", .flags = LIST },
	{ 0 },
};

static const struct member project_members[] = {
	ID("id"),
	{ .name = "revision", .shape = SHAPE_INT, .about = "Also in the ETag header." },
	{ .name = "createdAt", .shape = SHAPE_TIME, .flags = MAY, .about = "Absent in the default project." },
	{ .name = "updatedAt", .shape = SHAPE_TIME, .flags = MAY },
	DURABLE,
	{ 0 },
};

static const struct member worker_members[] = {
	ID("id"),
	{ .name = "name", .shape = SHAPE_TEXT },
	{ .name = "version", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "status", .shape = SHAPE_WORD, .words = worker_state_word },
	{ .name = "kinds", .shape = SHAPE_TEXT, .flags = LIST },
	{ .name = "labels", .shape = SHAPE_TEXTS },
	{ .name = "capacity", .shape = SHAPE_INT },
	{ .name = "leaseUntil", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "joinedAt", .shape = SHAPE_TIME },
	{ .name = "seenAt", .shape = SHAPE_TIME },
	{ 0 },
};

static const struct member poll_answer_members[] = {
	{ .name = "leaseMs", .shape = SHAPE_MS },
	{ .name = "pollMs", .shape = SHAPE_MS },
	{ .name = "leases", .shape = SHAPE_REF, .of = "Lease", .flags = LIST },
	{ .name = "directives", .shape = SHAPE_REF, .of = "Directive", .flags = LIST },
	{ 0 },
};

static const struct member lease_members[] = {
	ID("run"),
	{ .name = "fence", .shape = SHAPE_INT },
	ID("job"),
	{ .name = "jobName", .shape = SHAPE_TEXT },
	{ .name = "incarnation", .shape = SHAPE_INT },
	{ .name = "iteration", .shape = SHAPE_INT },
	{ .name = "testIndex", .shape = SHAPE_INT },
	{ .name = "target", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "attempt", .shape = SHAPE_INT },
	{ .name = "test", .shape = SHAPE_REF, .of = "TestRequest" },
	{ .name = "config", .shape = SHAPE_OBJECT },
	{ .name = "params", .shape = SHAPE_OBJECT },
	{ .name = "outputSchema", .shape = SHAPE_OBJECT, .flags = MAY },
	{ .name = "timeoutMs", .shape = SHAPE_MS },
	{ .name = "startTimeoutMs", .shape = SHAPE_MS, .flags = MAY, .about = "From the lease to the runner's `started`." },
	{ .name = "group", .shape = SHAPE_INT, .flags = MAY, .about = "Of a job with browsers, fixtures or hooks." },
	{ .name = "connection", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "browser", .shape = SHAPE_OBJECT, .flags = MAY },
	{ .name = "role", .shape = SHAPE_TEXT, .flags = MAY, .about = "Of a hook." },
	{ .name = "ctx", .shape = SHAPE_OBJECT, .flags = MAY, .about = "What the before hooks gave." },
	{ 0 },
};

static const struct member directive_members[] = {
	{ .name = "run", .shape = SHAPE_ID, .flags = MAY },
	{ .name = "fence", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "do", .shape = SHAPE_WORD, .words = directive_word },
	{ .name = "reason", .shape = SHAPE_TEXT, .flags = MAY },
	{ 0 },
};

static const struct member bundle_members[] = {
	{ .name = "bundle", .shape = SHAPE_TEXT, .about = "\"sha256:\" and 64 hex digits." },
	{ .name = "size", .shape = SHAPE_INT },
	DURABLE,
	{ 0 },
};

static const struct member stored_members[] = {
	{ .name = "name", .shape = SHAPE_TEXT },
	{ .name = "sha256", .shape = SHAPE_TEXT },
	{ .name = "size", .shape = SHAPE_INT },
	DURABLE,
	{ 0 },
};

static const struct member deleted_members[] = {
	ID("id"),
	{ .name = "deleted", .shape = SHAPE_CONST, .of = "true" },
	DURABLE,
	{ 0 },
};

static const struct member view_members[] = {
	{ .name = "url", .shape = SHAPE_TEXT, .about = "Opens the run's artifacts in a browser, on an origin of its own." },
	{ .name = "expiresAt", .shape = SHAPE_TIME },
	{ 0 },
};

static const struct member health_members[] = {
	{ .name = "status", .shape = SHAPE_TEXT },
	{ .name = "detail", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "version", .shape = SHAPE_TEXT },
	{ 0 },
};

static const struct member issue_members[] = {
	{ .name = "pointer", .shape = SHAPE_TEXT, .flags = MAY, .about = "JSON Pointer (RFC 6901) into the request's body." },
	{ .name = "parameter", .shape = SHAPE_TEXT, .flags = MAY, .about = "Or the query parameter that it is about." },
	{ .name = "code", .shape = SHAPE_WORD, .words = issue_word },
	{ .name = "detail", .shape = SHAPE_TEXT },
	{ 0 },
};

static const struct member problem_members[] = {
	{ .name = "type", .shape = SHAPE_TEXT },
	{ .name = "title", .shape = SHAPE_TEXT },
	{ .name = "status", .shape = SHAPE_INT },
	{ .name = "code", .shape = SHAPE_TEXT, .about = "Stable: programs decide by it." },
	{ .name = "detail", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "errors", .shape = SHAPE_REF, .of = "Issue", .flags = LIST | MAY },
	{ .name = "moreErrors", .shape = SHAPE_INT, .flags = MAY, .about = "Offences that found no room in errors." },
	{ .name = "state", .shape = SHAPE_WORD, .words = job_state_word, .flags = MAY, .about = "With wrong_state: the state that it met." },
	{ .name = "allowed", .shape = SHAPE_WORD, .words = job_command_word, .flags = LIST | MAY,
		.about = "With wrong_state: the commands that it takes now." },
	{ 0 },
};

/* The report's tests are described by docs rather than twice in code: they follow its model. */
static const struct member report_members[] = {
	ID("id"),
	{ .name = "name", .shape = SHAPE_TEXT },
	{ .name = "status", .shape = SHAPE_WORD, .words = job_state_word },
	{ .name = "reason", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "incarnation", .shape = SHAPE_INT },
	{ .name = "createdAt", .shape = SHAPE_TIME },
	{ .name = "startedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "completedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "reportedAt", .shape = SHAPE_TIME },
	{ .name = "runMs", .shape = SHAPE_MS, .flags = MAY },
	COUNTS("counts", 0),
	{ .name = "results", .shape = SHAPE_REF, .of = "Counts", .about = "Cases, over the last attempt of every unit." },
	{ .name = "runsLeftOut", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "casesLeftOut", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "stepsLeftOut", .shape = SHAPE_INT, .flags = MAY, .about = "At least so many: not all events are read." },
	{ .name = "warningsLeftOut", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "outputsLeftOut", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "artifactsLeftOut", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "tests", .shape = SHAPE_REF, .of = "ReportTest", .flags = LIST },
	{ .name = "stages", .shape = SHAPE_OBJECT, .flags = LIST | MAY, .about = "Of a flow: with what its waits saw and the tests of its jobs." },
	{ .name = "jobsLeftOut", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "hooks", .shape = SHAPE_REF, .of = "ReportTest", .flags = LIST | MAY, .about = "What ran before and after them; in no count." },
	{ 0 },
};

static const struct member report_test_members[] = {
	{ .name = "name", .shape = SHAPE_TEXT },
	{ .name = "kind", .shape = SHAPE_TEXT },
	{ .name = "fixture", .shape = SHAPE_TEXT, .flags = MAY },
	COUNTS("counts", 0),
	{ .name = "notRun", .shape = SHAPE_INT, .flags = MAY, .about = "Units that never began in a job that is over." },
	{ .name = "units", .shape = SHAPE_REF, .of = "ReportUnit", .flags = LIST },
	{ 0 },
};

static const struct member report_unit_members[] = {
	{ .name = "iteration", .shape = SHAPE_INT },
	{ .name = "target", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "outcome", .shape = SHAPE_TEXT },
	{ .name = "flaky", .shape = SHAPE_FLAG },
	{ .name = "unstable", .shape = SHAPE_FLAG, .flags = MAY, .about = "Attempts did not agree, whatever the outcome." },
	{ .name = "quarantined", .shape = SHAPE_FLAG, .flags = MAY, .about = "It began while its test was on the quarantine list." },
	{ .name = "startOrder", .shape = SHAPE_INT, .flags = MAY, .about = "Place in the order of release, of its target." },
	{ .name = "runs", .shape = SHAPE_REF, .of = "ReportRun", .flags = LIST },
	{ 0 },
};

static const struct member report_run_members[] = {
	ID("id"),
	{ .name = "attempt", .shape = SHAPE_INT },
	{ .name = "outcome", .shape = SHAPE_TEXT },
	{ .name = "reason", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "worker", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "startedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "finishedAt", .shape = SHAPE_TIME, .flags = MAY },
	{ .name = "durationMs", .shape = SHAPE_MS, .flags = MAY },
	{ .name = "error", .shape = SHAPE_REF, .of = "RunError", .flags = MAY },
	{ .name = "cases", .shape = SHAPE_REF, .of = "ReportCase", .flags = LIST | MAY },
	{ .name = "steps", .shape = SHAPE_REF, .of = "ReportStep", .flags = LIST | MAY },
	{ .name = "warnings", .shape = SHAPE_TEXT, .flags = LIST | MAY },
	{ .name = "artifacts", .shape = SHAPE_REF, .of = "ReportArtifact", .flags = LIST | MAY },
	{ .name = "output", .shape = SHAPE_ANY, .flags = MAY },
	{ 0 },
};

static const struct member report_artifact_members[] = {
	{ .name = "name", .shape = SHAPE_TEXT },
	{ .name = "kind", .shape = SHAPE_TEXT },
	{ .name = "contentType", .shape = SHAPE_TEXT },
	{ .name = "size", .shape = SHAPE_INT },
	{ .name = "case", .shape = SHAPE_TEXT, .flags = MAY },
	{ 0 },
};

static const struct member report_case_members[] = {
	{ .name = "id", .shape = SHAPE_TEXT },
	{ .name = "title", .shape = SHAPE_TEXT },
	{ .name = "path", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "status", .shape = SHAPE_TEXT },
	{ .name = "file", .shape = SHAPE_TEXT, .flags = MAY },
	{ .name = "line", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "attempts", .shape = SHAPE_INT },
	{ .name = "durationMs", .shape = SHAPE_MS, .flags = MAY },
	{ .name = "error", .shape = SHAPE_REF, .of = "RunError", .flags = MAY },
	{ .name = "steps", .shape = SHAPE_REF, .of = "ReportStep", .flags = LIST | MAY },
	{ 0 },
};

static const struct member report_step_members[] = {
	{ .name = "title", .shape = SHAPE_TEXT },
	{ .name = "status", .shape = SHAPE_TEXT },
	{ .name = "attempt", .shape = SHAPE_INT, .flags = MAY },
	{ .name = "durationMs", .shape = SHAPE_MS, .flags = MAY },
	{ .name = "error", .shape = SHAPE_REF, .of = "RunError", .flags = MAY },
	{ 0 },
};

static const struct member signals_members[] = {
	ID("flow"),
	{ .name = "signals", .shape = SHAPE_OBJECT, .about = "By stage: url of its signal, and of each that has a name." },
	{ 0 },
};

static const struct member accepted_members[] = {
	{ .name = "accepted", .shape = SHAPE_FLAG },
	{ 0 },
};

static const struct member no_members[] = { { 0 } };

const struct answer schema_answers[] = {
	{ .name = "Job", .about = "One durable execution of tests.", .members = job_members },
	{ .name = "Progress", .members = progress_members },
	{ .name = "Counts", .about = "Results of units: one test on one target in one iteration each, whatever number of attempts it took.",
		.members = counts_members },
	{ .name = "Retries", .members = retries_members },
	{ .name = "Fixture", .members = fixture_members },
	{ .name = "Hook", .members = hook_members },
	{ .name = "BlockedBy", .members = blocked_by_members },
	{ .name = "Incarnation", .about = "An earlier life of a job that was started again.", .members = incarnation_members },
	{ .name = "Plan", .about = "Answer to a dry run.", .members = plan_members },
	{ .name = "PlannedJob", .members = planned_job_members },
	{ .name = "PlannedLane", .members = planned_lane_members },
	{ .name = "PlannedRun", .members = planned_run_members },
	{ .name = "Run", .about = "One attempt at one test on one target in one iteration.", .members = run_members },
	{ .name = "RunError", .members = run_error_members },
	{ .name = "Artifact", .about = "A file that a run left.", .members = artifact_members },
	{ .name = "Test", .about = "A saved test, with the members of its kind.", .members = definition_members, .has_test_members = true },
	{ .name = "Template", .about = "A saved job with parameters.", .members = definition_members, .saved = "TemplateRequest" },
	{ .name = "Flow", .about = "A saved flow with parameters.", .members = definition_members, .saved = "FlowRequest" },
	{ .name = "Signals", .about = "Callback addresses: whoever knows one may send the signal.", .members = signals_members },
	{ .name = "Accepted", .members = accepted_members },
	{ .name = "Event", .about = "One numbered fact; docs/protocol/events.md says what data holds.", .members = event_members },
	{ .name = "Explanation", .members = explanation_members },
	{ .name = "Blocker", .members = blocker_members },
	{ .name = "Queue", .members = queue_members },
	{ .name = "QueueFigures", .members = queue_figures_members },
	{ .name = "Rate", .members = rate_members },
	{ .name = "Forecast", .members = forecast_members },
	{ .name = "ForecastBasis", .members = forecast_basis_members },
	{ .name = "JobActionResult", .members = action_result_members },
	{ .name = "Schedule", .about = "What is started when.", .members = schedule_members, .saved = "ScheduleRequest" },
	{ .name = "ScheduleName", .members = schedule_name_members },
	{ .name = "SchedulePreview", .about = "What a schedule would do.", .members = schedule_preview_members },
	{ .name = "Occurrence", .members = occurrence_members },
	{ .name = "WaitingOccurrence", .members = waiting_members },
	{ .name = "ScheduleError", .members = schedule_error_members },
	{ .name = "Firing", .about = "An occurrence that has its job.", .members = firing_members },
	{ .name = "Fired", .members = fired_members },
	{ .name = "RetentionPolicy", .about = "Which ended jobs are kept, and for how long.", .members = retention_members, .saved = "RetentionRequest" },
	{ .name = "ImportResult", .about = "What came of an archive.", .members = import_members },
	{ .name = "RetentionSweep", .about = "How a sweep went.", .members = retention_sweep_members },
	{ .name = "RetentionPreview", .about = "What a policy would let go.", .members = retention_preview_members },
	{ .name = "RetentionSample", .members = retention_sample_members },
	{ .name = "QuarantineEntry", .about = "A test whose failures do not count for a while.", .members = quarantine_members },
	{ .name = "Project", .about = "A boundary that everything belongs to.", .members = project_members, .saved = "ProjectRequest" },
	{ .name = "Environment", .about = "Where tests run. Secrets are masked.", .members = definition_members, .saved = "EnvironmentRequest" },
	{ .name = "Worker", .members = worker_members },
	{ .name = "PollAnswer", .about = "docs/protocol/worker.md.", .members = poll_answer_members },
	{ .name = "Lease", .members = lease_members },
	{ .name = "Directive", .members = directive_members },
	{ .name = "Bundle", .members = bundle_members },
	{ .name = "Stored", .members = stored_members },
	{ .name = "Deleted", .members = deleted_members },
	{ .name = "View", .members = view_members },
	{ .name = "Health", .members = health_members },
	{ .name = "Any", .about = "A JSON document of another standard.", .members = no_members },
	{ .name = "JobReport", .members = report_members },
	{ .name = "ReportTest", .members = report_test_members },
	{ .name = "ReportUnit", .members = report_unit_members },
	{ .name = "ReportRun", .members = report_run_members },
	{ .name = "ReportArtifact", .members = report_artifact_members },
	{ .name = "ReportCase", .members = report_case_members },
	{ .name = "ReportStep", .members = report_step_members },
	{ .name = "Issue", .members = issue_members },
	{ .name = "Problem", .about = "RFC 9457.", .members = problem_members },
	{ 0 },
};

/* --- Requests --- */

#define REF(name) "{\"$ref\":\"#/components/schemas/" name "\"}"

#define STEPS "{\"type\":\"array\",\"items\":{\"type\":\"object\"},\"description\":\"Steps of a browser test.\"}"
#define HOOK "{\"anyOf\":[" STEPS "," REF("JobTest") "]}"
#define LIBRARY "{\"type\":\"object\",\"description\":\"Named steps that the browser tests and hooks below it use; the nearest library that has a name counts.\",\"additionalProperties\":{\"anyOf\":[" STEPS ",{\"type\":\"object\",\"required\":[\"steps\"]}]}}"
#define GROUP_DETAILS \
	{ "browsers", "{\"type\":\"array\",\"minItems\":1,\"maxItems\":32,\"items\":{\"anyOf\":[{\"type\":\"string\"}," REF("BrowserRequest") "]}}" }, \
	{ "fixtures", "{\"type\":\"array\",\"minItems\":1,\"items\":" REF("FixtureRequest") "}" }, \
	{ "hooks", REF("HooksRequest") }, \
	{ "library", LIBRARY }, \
	{ "quarantine", "{\"anyOf\":[{\"type\":\"boolean\"}," REF("QuarantineRequest") "," REF("Expression") "]}" }, \
	{ "stopOnFirstFailure", "{\"anyOf\":[{\"type\":\"boolean\"},{\"const\":\"cancel\"}," REF("Expression") "]}" }

#define JOBS "{\"type\":\"array\",\"minItems\":1,\"items\":" REF("JobRequest") "}"
#define FLOW_DETAILS \
	{ "stages", "{\"type\":\"array\",\"minItems\":1,\"items\":" REF("FlowStage") "}" }, \
	{ "chain", JOBS }, { "parallel", JOBS }, { "attempts", REF("FlowAttempts") }, { "pass", TEXT_VALUES }
#define TEXT_VALUES "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}"

static const struct detail job_details[] = {
	GROUP_DETAILS,
	FLOW_DETAILS,
	{ "tests", "{\"type\":\"array\",\"minItems\":1,\"items\":" REF("JobTest") "}" },
	{ "labels", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}" },
	{ "outputSchema", "{\"type\":\"object\",\"description\":\"JSON Schema of what a run gives.\"}" },
	{ "retries", REF("RetriesRequest") },
	{ "unique", REF("UniqueRequest") },
	{ "params", "{\"type\":\"object\",\"description\":\"Values of the template's parameters, or of ${{ params.NAME }} in the request itself.\"}" },
	{ 0 },
};

static const struct detail template_details[] = {
	GROUP_DETAILS,
	{ "tests", "{\"type\":\"array\",\"minItems\":1,\"items\":" REF("JobTest") "}" },
	{ "labels", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}" },
	{ "outputSchema", "{\"type\":\"object\",\"description\":\"JSON Schema of what a run gives.\"}" },
	{ "retries", REF("RetriesRequest") },
	{ "unique", REF("UniqueRequest") },
	{ "params", "{\"type\":\"object\",\"description\":\"Declarations.\",\"additionalProperties\":" REF("ParamDeclaration") "}" },
	{ 0 },
};

static const struct detail queue_details[] = {
	{ "rate", "{\"anyOf\":[" REF("RateRequest") ",{\"type\":\"null\"}]}" },
	{ "limits", "{\"anyOf\":[{\"type\":\"array\",\"items\":" REF("KeyLimit") "},{\"type\":\"null\"}]}" },
	{ 0 },
};

static const struct detail key_limit_details[] = {
	{ "rate", REF("RateRequest") },
	{ 0 },
};

static const struct detail poll_details[] = {
	{ "keys", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}" },
	{ "labels", "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}" },
	{ 0 },
};

static const struct detail fixture_details[] = {
	{ "tests", "{\"type\":\"array\",\"minItems\":1,\"description\":\"Those without a kind are of kind browser.\",\"items\":{\"anyOf\":[" REF("JobTest") ",{\"type\":\"object\"}]}}" },
	{ "library", LIBRARY },
	{ "disableConcurrency", "{\"anyOf\":[{\"type\":\"boolean\"},{\"const\":\"isolated\"}," REF("Expression") "]}" },
	{ "before", HOOK },
	{ "after", HOOK },
	{ "beforeEach", STEPS },
	{ "afterEach", STEPS },
	{ 0 },
};

static const struct detail hooks_details[] = {
	{ "before", HOOK },
	{ "after", HOOK },
	{ "beforeEach", STEPS },
	{ "afterEach", STEPS },
	{ 0 },
};

static const struct detail retries_details[] = {
	{ "on", "{\"type\":\"array\",\"minItems\":1,\"items\":{\"enum\":[\"failed\",\"errored\",\"timed_out\"]}}" },
	{ 0 },
};

#define ONE_OR_MORE "{\"anyOf\":[{\"type\":\"string\",\"minLength\":1},{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\",\"minLength\":1}}]}"
#define LASTS "{\"description\":\"new, passed (at the first attempt), flaky (at a later one) or failed; or a list.\",\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"string\"}}]}"
static const struct detail test_ref_details[] = {
	{ "tags", ONE_OR_MORE },
	{ "name", ONE_OR_MORE },
	{ "last", LASTS },
	{ "exclude", "{\"type\":\"object\",\"additionalProperties\":false,\"minProperties\":1,\"properties\":{\"tags\":" ONE_OR_MORE ",\"name\":" ONE_OR_MORE ",\"last\":" LASTS "}}" },
	{ 0 },
};

static const struct detail invoke_details[] = {
	{ "overrides", "{\"type\":\"object\",\"description\":\"Members of a job that replace the template's.\"}" },
	{ 0 },
};

#define SCALARS "{\"type\":\"object\",\"additionalProperties\":{\"type\":[\"string\",\"number\",\"boolean\"]}}"
#define TEXTS "{\"type\":\"object\",\"additionalProperties\":{\"type\":\"string\"}}"
#define TEXT_OR_TEXTS "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":1,\"maxItems\":100}]}"

const struct detail schema_test_details[] = {
	{ "env", SCALARS },
	{ "files", TEXTS },
	{ "report", TEXT_OR_TEXTS },
	{ "projectName", TEXT_OR_TEXTS },
	{ "outputSchema", "{\"type\":\"object\",\"description\":\"JSON Schema of what a run gives.\"}" },
	{ "request", "{\"anyOf\":[{\"type\":\"string\",\"description\":\"METHOD and address\"}," REF("HttpRequest") "]}" },
	{ "expect", REF("HttpExpect") },
	{ 0 },
};

static const struct detail project_details[] = {
	{ "gates", "{\"type\":\"array\",\"items\":" REF("Gate") "}" },
	{ "basicAuth", REF("BasicAuth") },
	{ "account", REF("TestAccount") },
	{ "headers", TEXTS },
	{ "labels", TEXTS },
	{ 0 },
};

static const struct detail flow_details[] = {
	FLOW_DETAILS,
	{ "params", "{\"type\":\"object\",\"description\":\"Declarations.\",\"additionalProperties\":" REF("ParamDeclaration") "}" },
	{ 0 },
};

static const struct detail stage_details[] = {
	{ "run", REF("JobRequest") },
	{ "wait", REF("FlowWait") },
	{ "pass", TEXT_VALUES },
	{ "retry", REF("RetriesRequest") },
	{ 0 },
};

#define CONDITION_DETAILS \
	{ "http", REF("FlowLook") }, { "timer", REF("FlowTimer") }, { "approval", REF("FlowApproval") }, \
	{ "signal", "{\"type\":\"object\",\"additionalProperties\":false}" }

static const struct detail condition_details[] = {
	CONDITION_DETAILS,
	{ 0 },
};

static const struct detail wait_details[] = {
	CONDITION_DETAILS,
	{ "any", "{\"type\":\"array\",\"items\":" REF("FlowCondition") "}" },
	{ "all", "{\"type\":\"array\",\"items\":" REF("FlowCondition") "}" },
	{ 0 },
};

static const struct detail look_details[] = {
	{ "headers", TEXT_VALUES },
	{ "interval", REF("FlowInterval") },
	{ 0 },
};

static const struct detail attempts_details[] = {
	{ "run", REF("JobRequest") },
	{ "on", "{\"type\":\"array\",\"minItems\":1,\"items\":{\"enum\":[\"failed\",\"errored\",\"timed_out\"]}}" },
	{ 0 },
};

static const struct detail timer_details[] = {
	{ "for", "{\"anyOf\":[" REF("Duration") "," REF("Expression") "]}" },
	{ 0 },
};

static const struct detail schedule_details[] = {
	{ "at", "{\"anyOf\":[{\"type\":\"string\",\"format\":\"date-time\"},{\"type\":\"array\",\"items\":{\"type\":\"string\",\"format\":\"date-time\"},\"minItems\":1,\"maxItems\":100}]}" },
	{ "start", REF("JobRequest") },
	{ "labels", TEXTS },
	{ "blackout", "{\"type\":\"array\",\"items\":" REF("BlackoutRequest") ",\"maxItems\":20}" },
	{ 0 },
};

const struct request schema_requests[] = {
	{ .name = "ScheduleRequest", .about = "What is started when: exactly one of cron, every and at.",
		.fields = schedule_fields, .details = schedule_details },
	{ .name = "BlackoutRequest", .about = "A window in which nothing fires: from and to, or cron and duration.",
		.fields = schedule_blackout_fields },
	{ .name = "FireRequest", .about = "What to do about an earlier job that goes on; absent: as the schedule says.",
		.fields = schedule_fire_fields },
	{ .name = "JobRequest", .about = "A job: from saved tests, by tags, inline, or from a template.",
		.fields = job_fields, .details = job_details, .takes_exprs = true },
	{ .name = "TemplateRequest", .about = "A job with parameters, to be invoked.",
		.fields = template_fields, .details = template_details, .required = "name", .takes_exprs = true },
	{ .name = "FlowRequest", .about = "Stages with parameters, to be started.",
		.fields = flow_fields, .details = flow_details, .required = "name", .takes_exprs = true },
	{ .name = "FlowStage", .about = "A job to be carried out, or something to be waited for.",
		.fields = flow_stage_fields, .details = stage_details, .takes_exprs = true },
	{ .name = "FlowWait", .about = "One condition, or any or all of several.", .fields = flow_wait_fields, .details = wait_details, .takes_exprs = true },
	{ .name = "FlowCondition", .fields = flow_condition_fields, .details = condition_details, .takes_exprs = true },
	{ .name = "FlowLook", .about = "A request that is made again and again until its answer is as wanted.", .fields = flow_http_fields, .details = look_details, .takes_exprs = true },
	{ .name = "FlowInterval", .about = "Between two looks.", .fields = flow_interval_fields, .takes_exprs = true },
	{ .name = "FlowTimer", .fields = flow_timer_fields, .details = timer_details, .takes_exprs = true },
	{ .name = "FlowApproval", .fields = flow_approval_fields, .takes_exprs = true },
	{ .name = "FlowAttempts", .about = "A ladder of whole jobs.", .fields = flow_attempts_fields, .details = attempts_details, .takes_exprs = true },
	{ .name = "StartRequest", .about = "Of a flow that has ended: where it begins again; `failed`, with the stages that did not succeed, unless said.", .fields = start_fields },
	{ .name = "Decision", .about = "Of an approval: who decided, and why.", .fields = approval_fields },
	{ .name = "BrowserRequest", .about = "A group of a job: every group runs every test.",
		.fields = job_browser_fields, .takes_exprs = true },
	{ .name = "FixtureRequest", .about = "Tests that share hooks and a rule about company.",
		.fields = job_fixture_fields, .details = fixture_details, .takes_exprs = true },
	{ .name = "HooksRequest", .about = "Hooks of the whole job.",
		.fields = job_hooks_fields, .details = hooks_details, .takes_exprs = true },
	{ .name = "QuarantineRequest", .about = "successThreshold is less than attemptLimit, after 3 and 5 are filled in for what is missing.",
		.fields = job_quarantine_fields, .takes_exprs = true },
	{ .name = "RetriesRequest", .fields = job_retries_fields, .details = retries_details, .takes_exprs = true },
	{ .name = "TestRef", .about = "A saved test, or every saved test that a selector means: by tags (an expression such as \"smoke and not slow\", or a list of which one is enough), name and last result, which must all hold, but not `exclude`.",
		.fields = job_test_ref_fields, .details = test_ref_details, .takes_exprs = true },
	{ .name = "Invocation", .fields = invoke_fields, .details = invoke_details },
	{ .name = "ParamDeclaration", .fields = template_param_fields },
	{ .name = "Poll", .about = "docs/protocol/worker.md.", .fields = poll_fields, .details = poll_details },
	{ .name = "QueueRequest", .about = "Members that are not given stay as they are.", .fields = queue_fields, .details = queue_details },
	{ .name = "RateRequest", .fields = rate_fields },
	{ .name = "KeyLimit", .about = "An entry without value holds for each value of the key; one with value takes its place for that value.", .fields = key_limit_fields, .details = key_limit_details },
	{ .name = "JobEdit", .about = "Members that are not given stay as they are.", .fields = job_edit_fields, .details = poll_details },
	{ .name = "JobMove", .about = "One of the three.", .fields = job_move_fields },
	{ .name = "JobAction", .about = "filter: members of the query of a list of jobs; set: of JobEdit, with the action edit.", .fields = job_action_fields },
	{ .name = "UniqueRequest", .about = "docs/protocol/queues.md, 5.", .fields = job_unique_fields, .takes_exprs = true },
	{ .name = "AnalyzeRequest", .about = "Either ids or a filter, whose members are parameters of a list of jobs.", .fields = analyze_fields },
	{ .name = "RetentionRequest", .about = "At least one of keep.age, keep.count, keep.bytes and artifactsAge.", .fields = retention_fields },
	{ .name = "JobPin", .fields = job_pin_fields },
	{ .name = "QuarantineEntryRequest", .about = "`test` is the name of a test, in which each * stands for any text; without expiresAt it leaves after 30 days.", .fields = quarantine_fields },
	{ .name = "ProjectRequest", .about = "Settings of a project; `name` is needed to make one.", .fields = project_fields, .details = project_details },
	{ .name = "EnvironmentRequest", .about = "********, where answers have a secret, stands for the one that is stored.", .fields = environment_fields, .details = project_details },
	{ .name = "BasicAuth", .fields = environment_auth_fields },
	{ .name = "TestAccount", .fields = environment_account_fields },
	{ .name = "Gate", .about = "Tests of the tag, asked for in the Octomind dialect, wait until `wait` (docs/protocol/flows.md) lets them.", .fields = gate_fields },
	{ .name = "HttpRequest", .fields = http_request_fields, .details = schema_test_details, .takes_exprs = true },
	{ .name = "HttpExpect", .fields = http_expect_fields, .details = schema_test_details, .takes_exprs = true },
	{ 0 },
};

const struct plain_schema schema_others[] = {
	{ "PlanOrJob", "{\"anyOf\":[" REF("Plan") "," REF("Job") "]}" },
	{ "Duration", "{\"description\":\"Milliseconds, or a text of numbers and units from great to small: 250ms, 30s, 1h30m, 1d.\","
		"\"anyOf\":[{\"type\":\"integer\",\"minimum\":0},"
		"{\"type\":\"string\",\"pattern\":\"^([0-9]+|([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$\"}]}" },
	{ "Expression", "{\"type\":\"string\",\"description\":\"${{ params.NAME }}, or another expression, stands for its value, of its own type.\","
		"\"pattern\":\"\\\\{\\\\{\"}" },
	{ "JobTest", "{\"anyOf\":[" REF("TestRef") "," REF("TestRequest") "]}" },
	{ "BulkRequest", "{\"type\":\"object\",\"required\":[\"jobs\"],\"additionalProperties\":false,\"properties\":{"
		"\"jobs\":{\"type\":\"array\",\"minItems\":1,\"maxItems\":1000,\"items\":" REF("JobRequest") "}}}" },
	SCHEMAS_OF_STATS
	{ 0 },
};
/* clang-format on */

_Static_assert(JOBS_PER_BULK_MAX == 1000, "BulkRequest says so");
