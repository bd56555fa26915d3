/* SPDX-License-Identifier: Apache-2.0 */
/* A stage's job: from its request with expressions to a specification with names resolved. */
#include "base/limits.h"
#include "conductor/conductor_impl.h"
#include "core/job_json.h"
#include "store/source.h"

int
task_spec(struct task *task, struct store_reader *reader, json_t *body, struct job_spec *ret,
	struct err *err)
{
	struct arena *arena = &task->intent->arena;
	struct issues issues = { .arena = arena };
	struct store_source state = {
		.reader = reader,
		.project = task->effect.project,
		.arena = arena,
	};
	struct job_source source = store_source(&state);
	int r = job_spec_read(body, &source, "", arena, &issues, ret, err);

	return r < 0 && issues.n > 0 ? task_issues(&issues, err) : r;
}

int
launch_prepare(struct task *task, struct store_reader *reader, struct err *err)
{
	const struct effect *effect = &task->effect;
	_cleanup_(json_unrefp) json_t *body = NULL;
	struct job_spec *spec;

	task->intent = report_new(task);
	spec = arena_xalloc(&task->intent->arena, sizeof *spec);
	if (task_body(task, reader, &body, err) < 0 ||
		task_spec(task, reader, body, spec, err) < 0)
		return -1;
	spec->parent = effect->flow;
	spec->stage = task->intent->in.flow_report.stage;
	spec->stage_item = effect->item;
	spec->stage_attempt = effect->attempt;
	task->intent->in.flow_report.spec = spec;
	return 0;
}
