/* SPDX-License-Identifier: Apache-2.0 */
/* The handlers that the table of routes names, and their parameters' tables. */
#pragma once

#include "api/api_impl.h"

#define READ_HANDLER(name) \
	int name(struct call *call, struct store_reader *reader, struct err *err)
#define BEGIN_HANDLER(name) void name(struct call *call)

/* api_jobs.c */
BEGIN_HANDLER(jobs_create);
BEGIN_HANDLER(jobs_bulk);
BEGIN_HANDLER(templates_invoke);
/* api_job.c */
READ_HANDLER(jobs_list);
BEGIN_HANDLER(job_show);
BEGIN_HANDLER(job_pause);
BEGIN_HANDLER(job_unpause);
BEGIN_HANDLER(job_stop);
BEGIN_HANDLER(job_start);
BEGIN_HANDLER(job_cancel);
BEGIN_HANDLER(job_delete);
BEGIN_HANDLER(job_explain);
READ_HANDLER(job_report);
/* api_runs.c */
READ_HANDLER(runs_list);
READ_HANDLER(run_show);
READ_HANDLER(run_log);
READ_HANDLER(run_artifacts);
READ_HANDLER(run_artifact);
READ_HANDLER(job_artifacts);
BEGIN_HANDLER(run_view);
/* screens.c */
BEGIN_HANDLER(run_screen);
BEGIN_HANDLER(run_screen_put);
/* api_definitions.c */
READ_HANDLER(tests_list);
READ_HANDLER(test_show);
READ_HANDLER(test_revisions);
BEGIN_HANDLER(test_create);
BEGIN_HANDLER(test_put);
BEGIN_HANDLER(test_delete);
READ_HANDLER(templates_list);
READ_HANDLER(template_show);
READ_HANDLER(template_revisions);
BEGIN_HANDLER(template_create);
BEGIN_HANDLER(template_put);
BEGIN_HANDLER(template_delete);
READ_HANDLER(environments_list);
READ_HANDLER(environment_show);
READ_HANDLER(environment_revisions);
BEGIN_HANDLER(environment_create);
BEGIN_HANDLER(environment_put);
BEGIN_HANDLER(environment_delete);
/* api_projects.c */
BEGIN_HANDLER(projects_list);
BEGIN_HANDLER(project_create);
BEGIN_HANDLER(project_show);
BEGIN_HANDLER(project_patch);
BEGIN_HANDLER(project_delete);
/* Settings with the name, owned by the caller; and saving them. NULL: answered. */
json_t *project_settings(const struct project *project);
struct intent *project_put_intent(struct call *call, const struct uuid *id, json_t *settings);
void project_remove(struct call *call, const struct project *project, int64_t if_match,
	void (*then)(struct call *call));
READ_HANDLER(flow_defs_list);
READ_HANDLER(flow_def_show);
READ_HANDLER(flow_def_revisions);
BEGIN_HANDLER(flow_def_create);
BEGIN_HANDLER(flow_def_put);
BEGIN_HANDLER(flow_def_delete);
/* api_flows.c, and what belongs to flows elsewhere */
BEGIN_HANDLER(flows_start);   /* api_jobs.c */
READ_HANDLER(flow_runs_list); /* api_job.c */
READ_HANDLER(flow_run_show);
READ_HANDLER(flow_run_signals);
BEGIN_HANDLER(flow_run_observations); /* api_events.c */
BEGIN_HANDLER(flow_stage_approve);
BEGIN_HANDLER(flow_stage_reject);
BEGIN_HANDLER(flow_stage_signal);
BEGIN_HANDLER(signal_receive);
extern const struct json_field approval_fields[]; /* of a decision's body */
extern const struct json_field start_fields[];    /* of a start's */
/* api_events.c */
BEGIN_HANDLER(job_events);
BEGIN_HANDLER(project_events);
/* api_workers.c */
BEGIN_HANDLER(worker_poll);
READ_HANDLER(workers_list);
READ_HANDLER(worker_show);
BEGIN_HANDLER(worker_drain);
/* api_queues.c */
READ_HANDLER(queues_list);
READ_HANDLER(queue_show);
BEGIN_HANDLER(queue_put_begin);
BEGIN_HANDLER(queue_pause);
BEGIN_HANDLER(queue_resume);
BEGIN_HANDLER(queue_drain);
extern const struct json_field queue_fields[]; /* of its body */
/* api_edits.c */
BEGIN_HANDLER(job_patch);
BEGIN_HANDLER(job_move_place);
BEGIN_HANDLER(job_pin);
BEGIN_HANDLER(job_unpin);
extern const struct json_field job_pin_fields[]; /* of its body */
BEGIN_HANDLER(jobs_action);
extern const struct json_field job_action_fields[];

/* api_archive.c */
extern const struct json_field archive_query_fields[];
READ_HANDLER(archive_get);
void archive_import_head(struct call *call);
BEGIN_HANDLER(archive_import);

/* api_retention.c */
READ_HANDLER(retention_list_all);
READ_HANDLER(retention_show);
BEGIN_HANDLER(retention_create);
BEGIN_HANDLER(retention_change);
BEGIN_HANDLER(retention_delete);
BEGIN_HANDLER(retention_run);
BEGIN_HANDLER(retention_preview);
/* api_quarantine.c */
READ_HANDLER(quarantine_list);
READ_HANDLER(quarantine_show);
BEGIN_HANDLER(quarantine_add);
BEGIN_HANDLER(quarantine_put);
BEGIN_HANDLER(quarantine_delete);
extern const struct json_field quarantine_fields[]; /* of its body */
extern const struct json_field analyze_fields[];    /* of its body: api_analyze.c */
/* api_stats.c, api_analyze.c */
READ_HANDLER(stats_summary);
READ_HANDLER(stats_jobs);
READ_HANDLER(stats_tests);
READ_HANDLER(stats_queues);
READ_HANDLER(stats_workers);
READ_HANDLER(stats_teams);
READ_HANDLER(stats_slowest);
READ_HANDLER(stats_flakiest);
READ_HANDLER(stats_cost);
READ_HANDLER(stats_trends);
READ_HANDLER(stats_errors);
READ_HANDLER(stats_error);
READ_HANDLER(stats_failures);
READ_HANDLER(stats_long_running);
READ_HANDLER(stats_test_history);
READ_HANDLER(test_history);
BEGIN_HANDLER(stats_analyze);
/* api_schedules.c */
int schedule_find(struct call *call, struct store_reader *reader, const char *id_or_name,
	struct schedule **ret, struct err *err) MUST_CHECK;
READ_HANDLER(schedules_list);
READ_HANDLER(schedule_show);
READ_HANDLER(schedule_next);
READ_HANDLER(schedule_firings);
BEGIN_HANDLER(schedule_create);
BEGIN_HANDLER(schedules_preview);
BEGIN_HANDLER(schedule_put);
BEGIN_HANDLER(schedule_delete);
BEGIN_HANDLER(schedule_pause);
BEGIN_HANDLER(schedule_resume);
BEGIN_HANDLER(schedule_fire);
extern const struct json_field schedule_fire_fields[]; /* of its body */
/* api_files.c */
BEGIN_HANDLER(artifact_put_head);
BEGIN_HANDLER(artifact_put);
BEGIN_HANDLER(bundle_post_head);
BEGIN_HANDLER(bundle_post);
READ_HANDLER(bundle_get);
/* api_system.c */
BEGIN_HANDLER(healthz);
BEGIN_HANDLER(readyz);
BEGIN_HANDLER(metrics);
BEGIN_HANDLER(openapi_get);

/* Members of a queue's settings. */
extern const struct json_field queue_fields[];

/* --- Parameters --- */

struct dry_query {
	bool dry_run, padding;
};
struct wait_query {
	int64_t wait_ms;
};
struct page_query {
	const char *cursor;
	int64_t limit;
	bool count;
};
struct jobs_query {
	const char *cursor;
	int64_t limit;
	struct strs status, reason, tag;
	const char *name, *search, *tmpl, *queue, *kind, *parent, *schedule;
	int64_t created_after, created_before, completed_after, completed_before, min_run_ms;
	int sort;
	bool count;
};
struct next_query {
	int64_t n;
};
struct runs_query {
	const char *cursor;
	int64_t limit, incarnation, iteration, test;
	struct strs status, outcome;
	bool last;
};
struct defs_query {
	const char *cursor;
	int64_t limit;
	struct strs tag;
	const char *search;
	const char *tags, *exclude; /* of tests, like the next */
	struct strs name, last;
};
struct events_query {
	const char *cursor;
	int64_t after, limit;
	struct strs type;
	int format;
};
struct report_query {
	int format;
	const char *artifacts; /* where the page's reader has them; NULL: no links */
};
struct artifact_put_query {
	int64_t fence;
	const char *kind, *case_id;
};
struct screen_put_query {
	int64_t fence, width, height;
};
struct workers_query {
	const char *cursor;
	int64_t limit;
	bool all;
};
struct signal_query {
	int64_t condition; /* -1: the only one */
};
/* Of all routes below /stats; each has some of them. */
struct stats_query {
	const char *cursor;
	int64_t limit;
	int64_t from_ms, to_ms, last_ms;
	const char *queue, *tmpl, *tag, *kind, *team, *worker, *test;
	int group_by, sort, by; /* -1: the route's own */
	bool by_default_hours;  /* the route's own groups are kept by hour too */
	int64_t n_min;          /* -1: likewise */
	int64_t threshold_ms;
};
struct revision_query {
	int64_t revision;
};

extern const struct json_field dry_query_fields[], wait_query_fields[], jobs_query_fields[],
	runs_query_fields[], defs_query_fields[], tests_query_fields[], events_query_fields[],
	report_query_fields[], artifact_put_query_fields[], screen_put_query_fields[],
	workers_query_fields[], revision_query_fields[], page_query_fields[],
	next_query_fields[], signal_query_fields[];
extern const struct signal_query signal_query_defaults;
extern const struct json_field stats_table_query_fields[], stats_trend_query_fields[],
	stats_summary_query_fields[], stats_errors_query_fields[], stats_list_query_fields[],
	stats_history_query_fields[];
extern const struct stats_query stats_query_defaults;
extern const struct jobs_query jobs_query_defaults;
extern const struct runs_query runs_query_defaults;
extern const struct defs_query defs_query_defaults, tests_query_defaults;
extern const struct events_query events_query_defaults;

extern const struct page_query page_query_defaults;
extern const struct next_query next_query_defaults;

/* Shared by handlers: the job of the path. -1: err NOT_FOUND or what the store said. */
int read_path_job(struct call *call, struct store_reader *reader, struct job **ret,
	struct err *err) MUST_CHECK;

/* What the decoded jobs_query of the call asks for. STORE_NONE: nothing can match. -1: err, or
 * issues. */
int jobs_query_filter(struct call *call, struct store_reader *reader, struct job_filter *ret,
	struct err *err) MUST_CHECK;
/* The page's jobs as they stand in lists, one after the other. */
int jobs_write(struct call *call, struct store_reader *reader, struct jw *jw,
	const struct job_page *page, struct err *err) MUST_CHECK;

/* Job and run of a path …/jobs/{id}/runs/{run}. */
int read_path_run_of_job(struct call *call, struct store_reader *reader, struct job **ret_job,
	struct run **ret, struct err *err) MUST_CHECK;

/* Everything of one job as the single view shows it. */
int write_job_whole(struct call *call, struct store_reader *reader, const struct job *job,
	const char *durable, struct err *err) MUST_CHECK;
