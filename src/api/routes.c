/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of routes: dispatch, access, limits, parameters and the OpenAPI document all come
 * from here. The busiest stand first, because it is searched in order.
 */
#include "api/handlers.h"

#define QUERY(name)                                                               \
	.query = name##_query_fields, .query_bytes = sizeof(struct name##_query), \
	.query_defaults = NULL
#define QUERY_WITH_DEFAULTS(name)                                                 \
	.query = name##_query_fields, .query_bytes = sizeof(struct name##_query), \
	.query_defaults = &name##_query_defaults

/* clang-format off */
const struct route routes[] = {
	/* --- Workers' side and the making of jobs --- */
	{ HTTP_POST, "/workers/poll", .scope = SCOPE_WORK, .body = BODY_JSON, .body_max = POLL_BODY_BYTES_MAX, .begin = worker_poll,
		.id = "pollWorker", .summary = "A worker gives results and events and takes leases and directives", .request = "Poll", .response = "PollAnswer" },
	{ HTTP_POST, "/jobs", .scope = SCOPE_WRITE, .body = BODY_JSON, .body_max = BODY_BYTES_MAX, QUERY(dry), .begin = jobs_create,
		.id = "createJob", .summary = "Makes a job from tests or a template", .request = "JobRequest", .response = "Job", .ok = 201 },
	{ HTTP_GET, "/jobs/{id}", .scope = SCOPE_READ, QUERY(wait), .begin = job_show,
		.id = "getJob", .summary = "A job; with wait, as soon as it has ended or the time is over", .response = "Job" },
	{ HTTP_GET, "/jobs", .scope = SCOPE_READ, QUERY_WITH_DEFAULTS(jobs), .read = jobs_list,
		.id = "listJobs", .summary = "Jobs by filter and sort, page by page", .response = "Job[]" },
	{ HTTP_POST, "/jobs:bulk", .scope = SCOPE_WRITE, .body = BODY_JSON, .body_max = BULK_BODY_BYTES_MAX, QUERY(dry), .begin = jobs_bulk,
		.id = "createJobs", .summary = "Makes up to 1,000 jobs at once: all or none", .request = "BulkRequest", .response = "Job[]", .ok = 201 },
	{ HTTP_PUT, "/runs/{run}/artifacts/{name*}", .scope = SCOPE_WORK, .body = BODY_STREAM, QUERY(artifact_put), .head = artifact_put_head, .begin = artifact_put,
		.id = "putArtifact", .summary = "A worker keeps a file of its run", .response = "Stored", .ok = 201 },

	{ HTTP_POST, "/runs/{run}/screen", .scope = SCOPE_WORK, .body = BODY_BYTES, .body_max = SCREEN_FRAME_BYTES_MAX, QUERY(screen_put), .begin = run_screen_put,
		.id = "postScreen", .summary = "A worker shows a picture of its run to those who look; 410: nobody does", .request = "Jpeg", .ok = 204 },

	/* --- One job --- */
	{ HTTP_DELETE, "/jobs/{id}", .scope = SCOPE_WRITE, .begin = job_delete,
		.id = "deleteJob", .summary = "Deletes a job with everything that belongs to it", .response = "Deleted" },
	{ HTTP_POST, "/jobs/{id}/pause", .scope = SCOPE_WRITE, .body = BODY_JSON_OPTIONAL, .body_max = BODY_BYTES_MAX, .begin = job_pause,
		.id = "pauseJob", .summary = "Lets what runs end, then pauses", .response = "Job" },
	{ HTTP_POST, "/jobs/{id}/unpause", .scope = SCOPE_WRITE, .body = BODY_JSON_OPTIONAL, .body_max = BODY_BYTES_MAX, .begin = job_unpause,
		.id = "unpauseJob", .summary = "Goes on where it was paused", .response = "Job" },
	{ HTTP_POST, "/jobs/{id}/stop", .scope = SCOPE_WRITE, .body = BODY_JSON_OPTIONAL, .body_max = BODY_BYTES_MAX, .begin = job_stop,
		.id = "stopJob", .summary = "Ends what runs and stops", .response = "Job" },
	{ HTTP_POST, "/jobs/{id}/start", .scope = SCOPE_WRITE, .body = BODY_JSON_OPTIONAL, .body_max = BODY_BYTES_MAX, .begin = job_start,
		.id = "startJob", .summary = "Begins again as a new incarnation", .response = "Job" },
	{ HTTP_POST, "/jobs/{id}/cancel", .scope = SCOPE_WRITE, .body = BODY_JSON_OPTIONAL, .body_max = BODY_BYTES_MAX, .begin = job_cancel,
		.id = "cancelJob", .summary = "Ends the job for good, whatever it does", .response = "Job" },
	{ HTTP_GET, "/jobs/{id}/explain", .scope = SCOPE_READ, .begin = job_explain,
		.id = "explainJob", .summary = "Why the job is not running, and when it may", .response = "Explanation" },
	{ HTTP_GET, "/jobs/{id}/events", .scope = SCOPE_READ, QUERY_WITH_DEFAULTS(events), .begin = job_events,
		.id = "streamJobEvents", .summary = "The job's events as a stream, or as a page", .response = "Event[]" },
	{ HTTP_GET, "/jobs/{id}/report", .scope = SCOPE_READ, QUERY(report), .read = job_report,
		.id = "getJobReport", .summary = "The job's report as HTML, JUnit XML or JSON", .response = "Report" },
	{ HTTP_GET, "/jobs/{id}/artifacts", .scope = SCOPE_READ, .read = job_artifacts,
		.id = "listJobArtifacts", .summary = "Files of all of the job's runs", .response = "Artifact[]" },

	/* --- Runs --- */
	{ HTTP_GET, "/jobs/{id}/runs", .scope = SCOPE_READ, QUERY_WITH_DEFAULTS(runs), .read = runs_list,
		.id = "listRuns", .summary = "Runs of the present incarnation, oldest first", .response = "Run[]" },
	{ HTTP_GET, "/jobs/{id}/runs/{run}", .scope = SCOPE_READ, .read = run_show,
		.id = "getRun", .summary = "A run with its result", .response = "Run" },
	{ HTTP_GET, "/jobs/{id}/runs/{run}/log", .scope = SCOPE_READ, .read = run_log,
		.id = "getRunLog", .summary = "What the run wrote", .response = "Text" },
	{ HTTP_GET, "/jobs/{id}/runs/{run}/screen", .scope = SCOPE_READ, .begin = run_screen,
		.id = "streamRunScreen", .summary = "Pictures of a browser run while it goes on, as a stream", .response = "Frames" },
	{ HTTP_GET, "/jobs/{id}/runs/{run}/artifacts", .scope = SCOPE_READ, .read = run_artifacts,
		.id = "listRunArtifacts", .summary = "Files of a run", .response = "Artifact[]" },
	{ HTTP_GET, "/jobs/{id}/runs/{run}/artifacts/{name*}", .scope = SCOPE_READ, .read = run_artifact,
		.id = "getRunArtifact", .summary = "A file of a run, whole or a range of it", .response = "Bytes" },
	{ HTTP_POST, "/jobs/{id}/runs/{run}/view", .scope = SCOPE_READ, .body = BODY_JSON_OPTIONAL, .body_max = BODY_BYTES_MAX, .begin = run_view,
		.id = "viewRun", .summary = "A URL that opens the run's files in a browser for eight hours", .response = "View", .ok = 201 },

	/* --- Tests and templates --- */
	{ HTTP_GET, "/tests", .scope = SCOPE_READ, QUERY_WITH_DEFAULTS(defs), .read = tests_list,
		.id = "listTests", .summary = "Saved tests by name", .response = "Test[]" },
	{ HTTP_POST, "/tests", .scope = SCOPE_WRITE, .body = BODY_JSON, .body_max = BODY_BYTES_MAX, .begin = test_create,
		.id = "createTest", .summary = "Saves a new test", .request = "TestRequest", .response = "Test", .ok = 201 },
	{ HTTP_GET, "/tests/{test}", .scope = SCOPE_READ, QUERY(revision), .read = test_show,
		.id = "getTest", .summary = "A test, or an earlier revision of it", .response = "Test" },
	{ HTTP_PUT, "/tests/{test}", .scope = SCOPE_WRITE, .body = BODY_JSON, .body_max = BODY_BYTES_MAX, .begin = test_put,
		.id = "putTest", .summary = "Saves a further revision, or a new test under that name", .request = "TestRequest", .response = "Test" },
	{ HTTP_DELETE, "/tests/{test}", .scope = SCOPE_WRITE, .begin = test_delete,
		.id = "deleteTest", .summary = "Deletes a test; jobs that were made of it keep theirs", .ok = 204 },
	{ HTTP_GET, "/tests/{test}/revisions", .scope = SCOPE_READ, .read = test_revisions,
		.id = "listTestRevisions", .summary = "Every revision of a test", .response = "Test[]" },
	{ HTTP_GET, "/templates", .scope = SCOPE_READ, QUERY_WITH_DEFAULTS(defs), .read = templates_list,
		.id = "listTemplates", .summary = "Templates by name", .response = "Template[]" },
	{ HTTP_POST, "/templates", .scope = SCOPE_WRITE, .body = BODY_JSON, .body_max = BODY_BYTES_MAX, .begin = template_create,
		.id = "createTemplate", .summary = "Saves a new template", .request = "TemplateRequest", .response = "Template", .ok = 201 },
	{ HTTP_GET, "/templates/{template}", .scope = SCOPE_READ, QUERY(revision), .read = template_show,
		.id = "getTemplate", .summary = "A template, or an earlier revision of it", .response = "Template" },
	{ HTTP_PUT, "/templates/{template}", .scope = SCOPE_WRITE, .body = BODY_JSON, .body_max = BODY_BYTES_MAX, .begin = template_put,
		.id = "putTemplate", .summary = "Saves a further revision, or a new template under that name", .request = "TemplateRequest", .response = "Template" },
	{ HTTP_DELETE, "/templates/{template}", .scope = SCOPE_WRITE, .begin = template_delete,
		.id = "deleteTemplate", .summary = "Deletes a template", .ok = 204 },
	{ HTTP_GET, "/templates/{template}/revisions", .scope = SCOPE_READ, .read = template_revisions,
		.id = "listTemplateRevisions", .summary = "Every revision of a template", .response = "Template[]" },
	{ HTTP_POST, "/templates/{template}/invoke", .scope = SCOPE_WRITE, .body = BODY_JSON_OPTIONAL, .body_max = BODY_BYTES_MAX, QUERY(dry), .begin = templates_invoke,
		.id = "invokeTemplate", .summary = "Makes a job from a template and parameters", .request = "Invocation", .response = "Job", .ok = 201 },

	/* --- Events, workers, queues, bundles --- */
	{ HTTP_GET, "/events", .scope = SCOPE_READ, QUERY_WITH_DEFAULTS(events), .begin = project_events,
		.id = "streamEvents", .summary = "All events as a stream, or as a page", .response = "Event[]" },
	{ HTTP_GET, "/workers", .scope = SCOPE_READ, QUERY(workers), .read = workers_list,
		.id = "listWorkers", .summary = "Workers that are there; with all, those that were", .response = "Worker[]" },
	{ HTTP_GET, "/workers/{worker}", .scope = SCOPE_READ, .read = worker_show,
		.id = "getWorker", .summary = "A worker", .response = "Worker" },
	{ HTTP_POST, "/workers/{worker}/drain", .scope = SCOPE_WRITE, .body = BODY_JSON_OPTIONAL, .body_max = BODY_BYTES_MAX, .begin = worker_drain,
		.id = "drainWorker", .summary = "Gives the worker no further runs", .response = "Worker" },
	{ HTTP_GET, "/queues", .scope = SCOPE_READ, .read = queues_list,
		.id = "listQueues", .summary = "Queues", .response = "Queue[]" },
	{ HTTP_GET, "/queues/{queue}", .scope = SCOPE_READ, .read = queue_show,
		.id = "getQueue", .summary = "A queue", .response = "Queue" },
	{ HTTP_PUT, "/queues/{queue}", .scope = SCOPE_WRITE, .body = BODY_JSON, .body_max = BODY_BYTES_MAX, .begin = queue_put_begin,
		.id = "putQueue", .summary = "Sets a queue's limits, makes it when it is new", .request = "QueueRequest", .response = "Queue" },
	{ HTTP_GET, "/quarantine", .scope = SCOPE_READ, .read = quarantine_list,
		.id = "listQuarantine", .summary = "The quarantine list, oldest first", .response = "QuarantineEntry[]" },
	{ HTTP_POST, "/quarantine", .scope = SCOPE_WRITE, .body = BODY_JSON, .body_max = BODY_BYTES_MAX, .begin = quarantine_add,
		.id = "addQuarantine", .summary = "Puts a test on the quarantine list; 409: it is there; 429: the list is full", .request = "QuarantineEntryRequest", .response = "QuarantineEntry", .ok = 201 },
	{ HTTP_GET, "/quarantine/{entry}", .scope = SCOPE_READ, .read = quarantine_show,
		.id = "getQuarantine", .summary = "An entry of the quarantine list", .response = "QuarantineEntry" },
	{ HTTP_PUT, "/quarantine/{entry}", .scope = SCOPE_WRITE, .body = BODY_JSON, .body_max = BODY_BYTES_MAX, .begin = quarantine_put,
		.id = "putQuarantine", .summary = "Changes an entry; what it counted stays", .request = "QuarantineEntryRequest", .response = "QuarantineEntry" },
	{ HTTP_DELETE, "/quarantine/{entry}", .scope = SCOPE_WRITE, .begin = quarantine_delete,
		.id = "deleteQuarantine", .summary = "Takes a test off the quarantine list", .ok = 204 },
	{ HTTP_POST, "/bundles", .scope = SCOPE_WRITE, .body = BODY_STREAM, .head = bundle_post_head, .begin = bundle_post,
		.id = "postBundle", .summary = "Keeps an archive (tar, tar.gz or zip) that tests may name", .response = "Bundle", .ok = 201 },
	{ HTTP_GET, "/bundles/{bundle}", .scope = SCOPE_WORK, .read = bundle_get,
		.id = "getBundle", .summary = "An archive as it was sent", .response = "Bytes" },

	/* --- The server --- */
	{ HTTP_GET, "/healthz", true, .scope = SCOPE_PUBLIC, .begin = healthz,
		.id = "getHealth", .summary = "The process answers", .response = "Health" },
	{ HTTP_GET, "/readyz", true, .scope = SCOPE_PUBLIC, .begin = readyz,
		.id = "getReadiness", .summary = "The server takes work", .response = "Health" },
	{ HTTP_GET, "/metrics", true, .scope = SCOPE_READ, .begin = metrics,
		.id = "getMetrics", .summary = "Figures for Prometheus", .response = "Text" },
	{ HTTP_GET, "/openapi.json", .scope = SCOPE_READ, .begin = openapi_get,
		.id = "getOpenApi", .summary = "This document", .response = "Any" },
	{ .path = NULL },
};
/* clang-format on */
