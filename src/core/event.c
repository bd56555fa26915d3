/* SPDX-License-Identifier: Apache-2.0 */
/* Names and classes of events, and their JSON. */
#include "core/event.h"

#include <string.h>

#include "base/json.h"

enum { FINAL = 1, FROM_WORKER = 2 };

/* clang-format off */
static const struct {
	const char *name;
	unsigned flags;
} types[EVENT_TYPE_COUNT] = {
	[EV_JOB_QUEUED] = { "job.queued", 0 },
	[EV_JOB_STARTING] = { "job.starting", 0 },
	[EV_JOB_STARTED] = { "job.started", 0 },
	[EV_JOB_PROGRESS] = { "job.progress", 0 },
	[EV_JOB_PAUSING] = { "job.pausing", 0 },
	[EV_JOB_PAUSED] = { "job.paused", 0 },
	[EV_JOB_UNPAUSED] = { "job.unpaused", 0 },
	[EV_JOB_RESTARTING] = { "job.restarting", 0 },
	[EV_JOB_STOPPING] = { "job.stopping", 0 },
	[EV_JOB_STOPPED] = { "job.stopped", FINAL },
	[EV_JOB_COMPLETED] = { "job.completed", FINAL },
	[EV_JOB_FAILED] = { "job.failed", FINAL },
	[EV_JOB_INVALID] = { "job.invalid", FINAL },
	[EV_JOB_DELETED] = { "job.deleted", FINAL },
	[EV_RUN_CREATED] = { "run.created", 0 },
	[EV_RUN_LEASED] = { "run.leased", 0 },
	[EV_RUN_STARTED] = { "run.started", FROM_WORKER },
	[EV_RUN_CASE] = { "run.case", FROM_WORKER },
	[EV_RUN_STEP] = { "run.step", FROM_WORKER },
	[EV_RUN_PROGRESS] = { "run.progress", FROM_WORKER },
	[EV_RUN_LOG] = { "run.log", FROM_WORKER },
	[EV_RUN_WARNING] = { "run.warning", FROM_WORKER },
	[EV_RUN_ARTIFACT] = { "run.artifact", 0 },
	[EV_RUN_FINISHED] = { "run.finished", 0 },
	[EV_RUN_RELEASED] = { "run.released", 0 },
	[EV_RUN_RESTARTED] = { "run.restarted", 0 },
	[EV_RUN_LOST] = { "run.lost", 0 },
	[EV_RUN_STALE_RESULT] = { "run.stale_result", 0 },
	[EV_WORKER_JOINED] = { "worker.joined", 0 },
	[EV_WORKER_LOST] = { "worker.lost", 0 },
	[EV_WORKER_DRAINED] = { "worker.drained", 0 },
	[EV_QUARANTINE_ADDED] = { "quarantine.added", 0 },
	[EV_QUARANTINE_CHANGED] = { "quarantine.changed", 0 },
	[EV_QUARANTINE_LEFT] = { "quarantine.left", 0 },
	[EV_FLOW_STAGE] = { "flow.stage", 0 },
	[EV_WAIT_OBSERVED] = { "wait.observed", 0 },
	[EV_JOB_EDITED] = { "job.edited", 0 },
	[EV_QUEUE_CHANGED] = { "queue.changed", 0 },
	[EV_QUEUE_PAUSED] = { "queue.paused", 0 },
	[EV_QUEUE_RESUMED] = { "queue.resumed", 0 },
	[EV_SCHEDULE_CHANGED] = { "schedule.changed", 0 },
	[EV_SCHEDULE_FIRED] = { "schedule.fired", 0 },
	[EV_SCHEDULE_MISSED] = { "schedule.missed", 0 },
	[EV_SCHEDULE_FAILED] = { "schedule.failed", 0 },
	[EV_JOB_PINNED] = { "job.pinned", 0 },
	[EV_JOB_UNPINNED] = { "job.unpinned", 0 },
};
/* clang-format on */

_Static_assert(EVENT_TYPE_COUNT <= 64, "filters are 64-bit sets of types");

const char *
event_type_name(enum event_type type)
{
	return types[type].name;
}

int
event_type_parse(struct str name, enum event_type *ret)
{
	for (int i = 0; i < EVENT_TYPE_COUNT; i++) {
		if (str_eqz(name, types[i].name)) {
			*ret = (enum event_type)i;
			return 0;
		}
	}
	return -1;
}

bool
event_type_is_final(enum event_type type)
{
	return types[type].flags & FINAL;
}

bool
event_type_from_worker(enum event_type type)
{
	return types[type].flags & FROM_WORKER;
}

int
event_write(const struct event *event, struct buf *out)
{
	struct jw jw;

	jw_init(&jw, out);
	jw_obj(&jw);
	jw_ki64(&jw, "seq", event->seq);
	jw_ktime(&jw, "at", event->at_ms);
	if (!uuid_is_zero(&event->job.u))
		jw_kuuid(&jw, "job", &event->job.u);
	if (!uuid_is_zero(&event->run.u))
		jw_kuuid(&jw, "run", &event->run.u);
	jw_kstr(&jw, "type", types[event->type].name);
	jw_key(&jw, "data");
	if (event->data.n > 0)
		jw_rawn(&jw, event->data.p, event->data.n);
	else
		jw_raw(&jw, "{}");
	jw_end_obj(&jw);
	return jw_done(&jw);
}
