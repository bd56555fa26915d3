/* SPDX-License-Identifier: Apache-2.0 */
/* The job of a schedule's occurrence: from its request to a specification. */
#include "base/limits.h"
#include "conductor/conductor_impl.h"

static struct intent *
schedule_report_new(const struct task *task)
{
	struct intent *intent =
		intent_new(INTENT_SCHEDULE_FIRE, task->effect.project, ARENA_REQUEST_BYTES_MAX);

	intent->in.schedule_report = (struct schedule_report) {
		.schedule = task->effect.what,
		.at_ms = task->effect.at_ms,
	};
	return intent;
}

int
schedule_prepare(struct task *task, struct store_reader *reader, struct err *err)
{
	_cleanup_(json_unrefp) json_t *body = NULL;
	struct job_spec *spec;

	task->intent = schedule_report_new(task);
	spec = arena_xalloc(&task->intent->arena, sizeof *spec);
	if (task_body(task, reader, &body, err) < 0 ||
		task_spec(task, reader, body, spec, err) < 0)
		return -1;
	task->intent->in.schedule_report.spec = spec;
	return 0;
}

void
schedule_fail(struct task *task, const struct err *err)
{
	(void)intent_free(task->intent);
	task->intent = schedule_report_new(task);
	task->intent->in.schedule_report.error = arena_strdup(&task->intent->arena, err->text);
}
