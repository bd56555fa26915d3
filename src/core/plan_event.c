/* SPDX-License-Identifier: Apache-2.0 */
/* The data of the events that the plan's rules make: docs/protocol/events.md. */
#include "core/plan_impl.h"

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"

/* An event under construction: its JSON object is open from data_begin to data_emit. */
struct data {
	struct buf buf;
	struct jw jw;
};

static void
data_begin(struct data *data)
{
	data->buf = (struct buf)BUF_INIT(EVENT_DATA_BYTES_MAX * 2);
	jw_init(&data->jw, &data->buf);
	jw_obj(&data->jw);
}

static void
data_emit(struct data *data, struct uow *uow, const struct job *job, const struct run *run,
	enum event_type type)
{
	struct str text = STR_INIT("{}");

	jw_end_obj(&data->jw);
	if (jw_done(&data->jw) == 0) {
		char *copy = arena_xalloc(uow->arena, data->buf.len + 1);
		memcpy(copy, data->buf.data, data->buf.len);
		text = str_from(copy, data->buf.len);
	}
	uow_event_job(uow, job, run, type, text);
	buf_deinit(&data->buf);
}

static void
add_counts(struct jw *jw, const struct job_counts *counts)
{
	jw_kobj(jw, "counts");
	jw_ki64(jw, "passed", counts->passed);
	jw_ki64(jw, "failed", counts->failed);
	jw_ki64(jw, "errored", counts->errored);
	jw_ki64(jw, "timedOut", counts->timed_out);
	jw_ki64(jw, "cancelled", counts->cancelled);
	jw_ki64(jw, "skipped", counts->skipped);
	jw_ki64(jw, "flaky", counts->flaky);
	if (counts->quarantined > 0)
		jw_ki64(jw, "quarantined", counts->quarantined);
	jw_end_obj(jw);
}

/* Name number `index` of a comma-separated list. */
static struct str
nth_name(const char *names, int32_t index)
{
	struct str rest = str_of(names), name = str_split_first(&rest, ',');

	while (index-- > 0)
		name = str_split_first(&rest, ',');
	return name;
}

static void
add_target(struct jw *jw, const struct job *job, const struct run *run)
{
	if (job->targets) {
		struct str target = nth_name(job->targets, run->target);
		jw_kstrn(jw, "target", target.p, target.n);
	}
}

static void
add_unit(struct jw *jw, const struct job *job, const struct run *run)
{
	jw_ki64(jw, "iteration", run->iteration);
	jw_ki64(jw, "testIndex", run->test);
	add_target(jw, job, run);
	jw_ki64(jw, "attempt", run->attempt);
}

void
plan_event(struct uow *uow, const struct job *job, enum event_type type)
{
	uow_event_job(uow, job, NULL, type, STR("{}"));
}

void
plan_event_queued(struct uow *uow, const struct job *job)
{
	struct data data;

	data_begin(&data);
	jw_kstr(&data.jw, "name", job->name);
	jw_ki64(&data.jw, "incarnation", job->incarnation);
	data_emit(&data, uow, job, NULL, EV_JOB_QUEUED);
}

void
plan_event_starting(struct uow *uow, const struct job *job)
{
	struct data data;

	data_begin(&data);
	jw_ki64(&data.jw, "incarnation", job->incarnation);
	data_emit(&data, uow, job, NULL, EV_JOB_STARTING);
}

void
plan_event_progress(struct uow *uow, const struct job *job)
{
	struct data data;
	int64_t total = job_units_total(job);

	data_begin(&data);
	if (total >= 0)
		jw_ki64(&data.jw, "percent", job_percent(job));
	jw_ki64(&data.jw, "iteration", job->iteration);
	jw_ki64(&data.jw, "runsDone", job_units_done(job));
	if (total >= 0)
		jw_ki64(&data.jw, "runsTotal", total);
	add_counts(&data.jw, &job->counts);
	data_emit(&data, uow, job, NULL, EV_JOB_PROGRESS);
}

void
plan_event_restarting(
	struct uow *uow, const struct job *job, const struct incarnation *previous)
{
	struct data data;

	data_begin(&data);
	jw_ki64(&data.jw, "incarnation", job->incarnation);
	jw_kobj(&data.jw, "previous");
	jw_kstr(&data.jw, "status", job_state_name(previous->state));
	jw_kstr_opt(&data.jw, "reason", job_reason_name(previous->reason));
	add_counts(&data.jw, &previous->counts);
	jw_end_obj(&data.jw);
	data_emit(&data, uow, job, NULL, EV_JOB_RESTARTING);
}

void
plan_event_stopping(struct uow *uow, const struct job *job)
{
	struct data data;

	data_begin(&data);
	jw_kstr_opt(&data.jw, "reason", job_reason_name(job->reason));
	data_emit(&data, uow, job, NULL, EV_JOB_STOPPING);
}

void
plan_event_end(struct uow *uow, const struct job *job, enum event_type type)
{
	struct data data;

	data_begin(&data);
	jw_kstr_opt(&data.jw, "reason", job_reason_name(job->reason));
	add_counts(&data.jw, &job->counts);
	if (job->started_ms > 0)
		jw_ki64(&data.jw, "runMs", job->completed_ms - job->started_ms);
	data_emit(&data, uow, job, NULL, type);
}

void
plan_event_deleted(struct uow *uow, const struct job *job)
{
	struct data data;

	data_begin(&data);
	jw_kstr(&data.jw, "name", job->name);
	data_emit(&data, uow, job, NULL, EV_JOB_DELETED);
}

void
plan_event_run_created(struct uow *uow, const struct job *job, const struct run *run)
{
	struct data data;

	data_begin(&data);
	add_unit(&data.jw, job, run);
	jw_ktime(&data.jw, "dueAt", run->due_ms);
	data_emit(&data, uow, job, run, EV_RUN_CREATED);
}

/* NULL for a test. */
static const char *
role_of(const struct job *job, const struct run *run)
{
	int32_t ignored;

	if (run_is_unit(job, run))
		return NULL;
	return run_role_name(layout_role(&job->grouping->layout, run->test, &ignored));
}

void
plan_event_run_leased(
	struct uow *uow, const struct job *job, const struct run *run, bool is_new)
{
	struct data data;

	data_begin(&data);
	jw_kuuid(&data.jw, "worker", &run->worker.u);
	jw_ki64(&data.jw, "fence", run->fence);
	if (is_new || job->layout)
		add_unit(&data.jw, job, run);
	if (job->layout)
		jw_ki64(&data.jw, "connection", run->connection);
	jw_kstr_opt(&data.jw, "role", role_of(job, run));
	data_emit(&data, uow, job, run, EV_RUN_LEASED);
}

void
plan_event_run_finished(struct uow *uow, const struct job *job, const struct run *run)
{
	struct data data;

	data_begin(&data);
	jw_kstr(&data.jw, "outcome", run_outcome_name(run->outcome));
	jw_kstr_opt(&data.jw, "reason", run->reason);
	jw_ki64(&data.jw, "attempt", run->attempt);
	jw_ki64(&data.jw, "durationMs", run->duration_ms);
	jw_kraw(&data.jw, "error", run->error);
	if (!run->is_last)
		jw_kbool(&data.jw, "willRetry", true);
	data_emit(&data, uow, job, run, EV_RUN_FINISHED);
}

void
plan_event_run_released(struct uow *uow, const struct job *job, const struct run *run)
{
	/* One that was planned and never begun is no attempt. */
	int32_t attempts = run->attempt - (run->fence == 0);
	struct data data;

	data_begin(&data);
	jw_ki64(&data.jw, "iteration", run->iteration);
	jw_ki64(&data.jw, "testIndex", run->test);
	add_target(&data.jw, job, run);
	jw_kstr(&data.jw, "outcome", run_outcome_name(run->outcome));
	jw_ki64(&data.jw, "attempts", attempts);
	if (quarantine_run_is_unstable(run))
		jw_kbool(&data.jw, "unstable", true);
	if (run->quarantine != 0)
		jw_kbool(&data.jw, "quarantined", true);
	jw_ki64(&data.jw, "durationMs", run->duration_ms);
	jw_kraw(&data.jw, "error", run->error);
	data_emit(&data, uow, job, run, EV_RUN_RELEASED);
}

void
plan_event_run_lost(
	struct uow *uow, const struct job *job, const struct run *run, const char *reason)
{
	struct data data;

	data_begin(&data);
	jw_kuuid(&data.jw, "worker", &run->worker.u);
	jw_ki64(&data.jw, "fence", run->fence);
	jw_ki64(&data.jw, "losses", run->losses);
	jw_kstr(&data.jw, "reason", reason);
	data_emit(&data, uow, job, run, EV_RUN_LOST);
}

void
plan_event_run_restarted(
	struct uow *uow, const struct job *job, const struct run *run, const char *reason)
{
	struct data data;

	data_begin(&data);
	jw_kstr(&data.jw, "reason", reason);
	data_emit(&data, uow, job, run, EV_RUN_RESTARTED);
}
