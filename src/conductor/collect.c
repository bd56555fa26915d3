/* SPDX-License-Identifier: Apache-2.0 */
/* What an ended job gave. */
#include "conductor/conductor_impl.h"
#include "store/results.h"

int
collect_prepare(struct task *task, struct store_reader *reader, struct err *err)
{
	const struct effect *effect = &task->effect;
	struct job *job;
	int r;

	task->intent = report_new(task);
	r = read_job(reader, effect->project, effect->job, &task->arena, &job, err);
	if (r == STORE_NONE)
		return err_set(err, ERR_NOT_FOUND, "the job is not there any more");
	if (r < 0)
		return -1;
	return read_job_results(
		reader, job, &task->intent->arena, &task->intent->in.flow_report.outputs, err);
}
