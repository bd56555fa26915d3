/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing is kept for the metrics alone: each figure is read where it is counted anyhow. Names
 * are stable; docs and dashboards know them.
 */
#include "api/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api_impl.h"
#include "api/hub.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/parse.h"

/* Text on its way; the first addition that does not fit spoils the whole. */
struct text {
	struct buf *out;
	bool failed;
};

static void PRINTF_LIKE(2, 3) add(struct text *text, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text->failed = text->failed || buf_vaddf(text->out, fmt, ap) < 0;
	va_end(ap);
}

static void
head(struct text *text, const char *name, const char *type, const char *help)
{
	add(text, "# HELP proctor_%s %s\n# TYPE proctor_%s %s\n", name, help, name, type);
}

static void
gauge(struct text *text, const char *name, uint64_t value, const char *help)
{
	head(text, name, "gauge", help);
	add(text, "proctor_%s %" PRIu64 "\n", name, value);
}

/* The name must end in _total. */
static void
counter(struct text *text, const char *name, uint64_t value, const char *help)
{
	head(text, name, "counter", help);
	add(text, "proctor_%s %" PRIu64 "\n", name, value);
}

static void
seconds_counter(struct text *text, const char *name, double seconds, const char *help)
{
	head(text, name, "counter", help);
	add(text, "proctor_%s %.6f\n", name, seconds);
}

/* --- Groups --- */

static void
add_store(struct text *text, const struct store_stats *stats)
{
	head(text, "jobs", "gauge",
		"Jobs by status; final ones are counted up to a limit of the store.");
	for (int i = 0; i < JOB_STATE_COUNT; i++)
		add(text, "proctor_jobs{status=\"%s\"} %" PRId64 "\n",
			job_state_name((enum job_state)i), stats->jobs_by_state[i]);
	head(text, "runs", "gauge", "Runs that are not finished, by status.");
	add(text, "proctor_runs{status=\"waiting\"} %" PRId64 "\n", stats->runs_waiting);
	add(text, "proctor_runs{status=\"leased\"} %" PRId64 "\n", stats->runs_leased);
	gauge(text, "store_bytes", (uint64_t)stats->bytes, "Size of the store on disk.");
}

static void
add_engine(struct text *text, const struct engine *engine)
{
	struct engine_stats stats;

	engine_stats(engine, &stats);
	counter(text, "turns_total", stats.turns, "Engine turns.");
	counter(text, "commits_total", stats.commits, "Turns that changed something.");
	counter(text, "intents_total", stats.intents, "Changes that were asked for.");
	seconds_counter(text, "turn_seconds_total", (double)stats.turn_ns_sum / 1e9,
		"Time spent in turns.");
	counter(text, "jobs_created_total", stats.jobs_created, "Jobs accepted.");
	counter(text, "jobs_finished_total", stats.jobs_finished, "Jobs that became final.");
	counter(text, "runs_leased_total", stats.runs_leased, "Leases given to workers.");
	counter(text, "runs_finished_total", stats.runs_finished, "Runs with an outcome.");
	counter(text, "runs_lost_total", stats.runs_lost, "Runs whose worker was lost.");
	counter(text, "stale_results_total", stats.stale_results,
		"Late results that changed nothing.");
	gauge(text, "polls_parked", stats.polls_parked, "Polls that wait for work.");
	gauge(text, "workers_online", stats.workers_online, "Workers that poll.");
}

static void
add_http(struct text *text, const struct api *api)
{
	struct http_stats stats;

	http_server_stats(api->http, &stats);
	head(text, "http_answers_total", "counter", "Answers by class of status.");
	for (int i = 1; i < 6; i++)
		add(text, "proctor_http_answers_total{class=\"%dxx\"} %" PRIu64 "\n", i,
			api->counters.answers[i]);
	counter(text, "http_requests_total", stats.requests_total, "Requests that began.");
	gauge(text, "http_requests_open", stats.requests_open, "Requests under way.");
	counter(text, "http_connections_total", stats.connections_total,
		"Connections accepted.");
	gauge(text, "http_connections", stats.connections, "Open connections, streams aside.");
	counter(text, "http_slow_closed_total", stats.slow_closed,
		"Connections closed because their request did not arrive in time.");
	counter(text, "idempotent_replays_total", api->counters.idem_replays,
		"Requests answered from their Idempotency-Key.");
	counter(text, "poll_results_total", api->counters.poll_results,
		"Results that workers sent.");
	counter(text, "poll_events_total", api->counters.poll_events,
		"Events that workers sent.");
	gauge(text, "streams", hub_streams(api->hub), "Open event streams.");
	counter(text, "streams_dropped_total", hub_dropped(api->hub),
		"Streams closed because their reader was too slow.");
}

/* Second number of /proc/self/statm, in pages. 0: not known here. */
static uint64_t
resident_bytes(void)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(KIB(1));
	int64_t pages;
	struct str rest;
	struct err err;

	if (file_read("/proc/self/statm", KIB(1), &out, &err) < 0)
		return 0;
	rest = buf_str(&out);
	(void)str_split_first(&rest, ' ');
	if (parse_i64(str_split_first(&rest, ' '), 0, INT64_MAX, &pages, &err) < 0)
		return 0;
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t
open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		n++;
	(void)closedir(dir);
	return n > 3 ? n - 3 : 0; /* ".", ".." and the folder itself */
}

static void
add_process(struct text *text, const struct api *api)
{
	struct rusage usage = { 0 };
	double cpu;

	(void)getrusage(RUSAGE_SELF, &usage); /* cannot fail with these arguments */
	cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
		(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
	gauge(text, "process_resident_bytes", resident_bytes(), "Resident memory.");
	seconds_counter(text, "process_cpu_seconds_total", cpu, "User and system time.");
	gauge(text, "process_open_fds", open_fds(), "Open file descriptors.");
	gauge(text, "uptime_seconds", (uint64_t)(clock_mono_ms() - api->started_mono_ms) / 1000,
		"Since the server started.");
	head(text, "build_info", "gauge", "Always 1; the labels say what runs.");
	add(text, "proctor_build_info{version=\"%s\"} 1\n", PROCTOR_VERSION);
}

int
metrics_write(const struct api *api, const struct store_stats *stats, struct buf *out,
	struct err *err)
{
	struct text text = { .out = out };

	add_store(&text, stats);
	add_engine(&text, api->engine);
	add_http(&text, api);
	add_process(&text, api);
	if (text.failed)
		return err_set(err, ERR_LIMIT, "the metrics do not fit");
	return 0;
}
