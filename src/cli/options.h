/* SPDX-License-Identifier: Apache-2.0 */
/* The tables of options, by noun, that the rows of the table of commands point to. */
#pragma once

#include "cli/cli.h"

#define CHOICES(...) ((const char *const[]) { __VA_ARGS__, NULL })

/* --- options_run.c --- */

extern const struct cli_option cli_serve_options[];
extern const struct cli_option cli_worker_options[];
extern const struct cli_option cli_run_options[];
extern const struct cli_option cli_submit_options[];
extern const struct cli_option cli_data_options[];

/* --- options_job.c --- */

extern const struct cli_option cli_command_options[];
extern const struct cli_option cli_edit_options[];
extern const struct cli_option cli_move_options[];
extern const struct cli_option cli_list_options[];
extern const struct cli_option cli_wait_options[];
extern const struct cli_option cli_follow_options[];
extern const struct cli_option cli_report_options[];
extern const struct cli_option cli_trace_options[];
extern const struct cli_option cli_artifacts_options[];

/* --- options_archive.c --- */

extern const struct cli_option cli_archive_options[];
extern const struct cli_option cli_archive_import_options[];

/* --- options_project.c --- */

extern const struct cli_option cli_queue_options[];
extern const struct cli_option cli_delete_options[];
extern const struct cli_option cli_put_options[];
extern const struct cli_option cli_test_list_options[];
extern const struct cli_option cli_def_list_options[];
extern const struct cli_option cli_invoke_options[];
extern const struct cli_option cli_quarantine_options[];

/* --- options_schedule.c --- */

extern const struct cli_option cli_schedule_put_options[];
extern const struct cli_option cli_schedule_add_options[];
extern const struct cli_option cli_schedule_next_options[];
extern const struct cli_option cli_schedule_fire_options[];

/* --- options_flow.c --- */

extern const struct cli_option cli_flow_run_options[];
extern const struct cli_option cli_flow_start_options[];
extern const struct cli_option cli_flow_watch_options[];
extern const struct cli_option cli_flow_list_options[];
extern const struct cli_option cli_flow_decide_options[];
extern const struct cli_option cli_flow_signal_options[];
extern const struct cli_option cli_flow_restart_options[];
extern const struct cli_option cli_flow_chain_options[];
extern const struct cli_option cli_flow_parallel_options[];
extern const struct cli_option cli_flow_retry_options[];

/* --- options_stats.c --- */

extern const struct cli_option cli_stats_table_options[];
extern const struct cli_option cli_stats_summary_options[];
extern const struct cli_option cli_stats_trend_options[];
extern const struct cli_option cli_stats_error_options[];
extern const struct cli_option cli_stats_history_options[];
