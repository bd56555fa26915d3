/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about stages of flows. */
#include "base/limits.h"
#include "conductor/conductor_impl.h"

struct intent *
report_new(const struct task *task)
{
	const struct effect *effect = &task->effect;
	struct intent *intent =
		intent_new(INTENT_FLOW_REPORT, effect->project, ARENA_REQUEST_BYTES_MAX);

	intent->in.flow_report = (struct flow_report) {
		.what = effect->kind,
		.flow = effect->flow,
		.stage = arena_strdup(&intent->arena, effect->stage),
		.item = effect->item,
		.attempt = effect->attempt,
	};
	return intent;
}

void
report_fail(struct task *task, const struct err *err)
{
	(void)intent_free(task->intent);
	task->intent = report_new(task);
	task->intent->in.flow_report.error = arena_strdup(&task->intent->arena, err->text);
}
