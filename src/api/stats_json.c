/* SPDX-License-Identifier: Apache-2.0 */
#include "api/stats_json.h"

#include <inttypes.h>
#include <math.h>

/* Four digits: a rate is no measurement. */
static void
rate_write(struct jw *jw, const char *key, double rate)
{
	jw_kf64(jw, key, round(rate * 10000) / 10000);
}

static void
durations_write(
	struct jw *jw, const char *key, const struct histogram *histogram, int64_t sum_ms)
{
	if (histogram->total == 0)
		return;
	jw_kobj(jw, key);
	jw_ki64(jw, "n", histogram->total);
	jw_ki64(jw, "meanMs", sum_ms / histogram->total);
	jw_ki64(jw, "p50Ms", histogram_percentile(histogram, 50));
	jw_ki64(jw, "p95Ms", histogram_percentile(histogram, 95));
	jw_ki64(jw, "p99Ms", histogram_percentile(histogram, 99));
	jw_end_obj(jw);
}

static void
words_write(struct jw *jw, const struct stat_sum *sum)
{
	jw_kobj(jw, "byStatus");
	for (int i = 0; i < JOB_STATE_COUNT; i++) {
		if (sum->by_state[i] > 0)
			jw_ki64(jw, job_state_name((enum job_state)i), sum->by_state[i]);
	}
	jw_end_obj(jw);
	jw_kobj(jw, "byReason");
	for (int i = 0; i < JOB_REASON_COUNT; i++) {
		const char *word = job_reason_name((enum job_reason)i);

		if (sum->by_reason[i] > 0 && word)
			jw_ki64(jw, word, sum->by_reason[i]);
	}
	jw_end_obj(jw);
}

static void
units_write(struct jw *jw, const struct stat_cell *cell)
{
	jw_ki64(jw, "passed", cell->passed);
	jw_ki64(jw, "failed", cell->failed);
	jw_ki64(jw, "errored", cell->errored);
	jw_ki64(jw, "timedOut", cell->timed_out);
	jw_ki64(jw, "cancelled", cell->cancelled);
	jw_ki64(jw, "skipped", cell->skipped);
	jw_ki64(jw, "flaky", cell->flaky);
	jw_ki64(jw, "quarantined", cell->quarantined);
}

static void
cost_write(struct jw *jw, const struct stat_cell *cell)
{
	if (cell->measured == 0 && cell->tokens == 0)
		return;
	jw_kobj(jw, "cost");
	jw_ki64(jw, "measured", cell->measured);
	if (cell->measured > 0) {
		jw_ki64(jw, "cpuMs", cell->cpu_ms);
		if (cell->peak_kib > 0)
			jw_ki64(jw, "peakKib", cell->peak_kib);
	}
	jw_ki64(jw, "tokens", cell->tokens);
	jw_end_obj(jw);
}

void
figures_write(struct jw *jw, const struct stat_sum *sum, enum stat_subject subject)
{
	const struct stat_cell *cell = &sum->cell;
	double rate;

	jw_ki64(jw, "n", cell->n);
	if (subject == STAT_ERROR)
		return;
	if (subject == STAT_JOB)
		words_write(jw, sum);
	if (stat_success_rate(sum, subject, &rate))
		rate_write(jw, "successRate", rate);
	units_write(jw, cell);
	if (subject == STAT_TEST) {
		jw_ki64(jw, "transitions", cell->transitions);
		if (stat_flakiness(sum, &rate))
			rate_write(jw, "flakiness", rate);
	}
	if (subject != STAT_JOB)
		jw_ki64(jw, "attempts", cell->attempts);
	durations_write(jw, "queue", &sum->queued, cell->queued_ms);
	durations_write(jw, "run", &sum->run, cell->run_ms);
	jw_ki64(jw, "busyMs", cell->busy_ms);
	cost_write(jw, cell);
}

void
class_id_write(struct jw *jw, const char *key, int64_t error_class)
{
	char text[24];

	snprintf(text, sizeof text, "%016" PRIx64, (uint64_t)error_class);
	jw_kstr(jw, key, text);
}

void
history_write(struct jw *jw, const struct history_item *item)
{
	const struct run *run = item->run;

	jw_obj(jw);
	jw_kstr_opt(jw, "outcome", run_outcome_name(run->outcome));
	jw_kstr_opt(jw, "reason", run->reason);
	jw_ki64(jw, "attempt", run->attempt);
	if (run->attempt > 1 && run->outcome == OUTCOME_PASSED)
		jw_kbool(jw, "flaky", true);
	if (run->quarantine != 0)
		jw_kbool(jw, "quarantined", true);
	jw_ki64(jw, "durationMs", run->duration_ms);
	jw_ktime(jw, "finishedAt", run->finished_ms);
	if (run->error_class != 0)
		class_id_write(jw, "errorClass", run->error_class);
	jw_kuuid(jw, "run", &run->id.u);
	jw_kuuid(jw, "job", &item->job.u);
	jw_kstr_opt(jw, "jobName", item->job_name);
	jw_end_obj(jw);
}

void
error_class_write(struct jw *jw, const struct error_class *class, int64_t n)
{
	class_id_write(jw, "id", class->key);
	jw_ki64(jw, "n", n);
	jw_kstr(jw, "text", class->text);
	jw_kstr(jw, "sample", class->sample);
	jw_ktime(jw, "firstSeenAt", class->first_ms);
	jw_ktime(jw, "lastSeenAt", class->last_ms);
	jw_kstr_opt(jw, "lastTest", class->test);
	jw_kuuid(jw, "lastJob", &class->job.u);
	jw_kuuid(jw, "lastRun", &class->run.u);
}
