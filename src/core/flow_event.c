/* SPDX-License-Identifier: Apache-2.0 */
/* Events of flows: docs/protocol/events.md. */
#include <string.h>

#include "core/flow_impl.h"

static void
emit(struct uow *uow, const struct job *job, enum event_type type, struct jw *jw)
{
	jw_end_obj(jw);
	if (jw_done(jw) < 0)
		return; /* its parts are bounded: it fits */
	char *copy = arena_xalloc(uow->arena, jw->out->len + 1);

	memcpy(copy, jw->out->data, jw->out->len);
	uow_event_job(uow, job, NULL, type, str_from(copy, jw->out->len));
}

static void
write_item(struct jw *jw, const struct stage_item *item, const struct flow_stage *stage)
{
	static const char *const phases[] = {
		[ITEM_WAITING] = "waiting",
		[ITEM_STARTING] = "starting",
		[ITEM_RUNNING] = "running",
		[ITEM_COLLECTING] = "running",
	};

	jw_kstr(jw, "itemState",
		item->phase == ITEM_ENDED ? stage_state_name(item->end) : phases[item->phase]);
	jw_ki64(jw, "attempt", item->attempt - stage->attempts_before);
	if (!uuid_is_zero(&item->job.u))
		jw_kuuid(jw, "job", &item->job.u);
	if (item->phase == ITEM_WAITING)
		jw_ktime(jw, "dueAt", item->due_ms);
	jw_kstr_opt(jw, "error", item->error);
}

void
flow_event_stage(struct uow *uow, const struct job *job, const struct flow_run *run, int32_t at,
	int32_t item)
{
	_cleanup_(buf_deinit) struct buf buf = BUF_INIT(EVENT_DATA_BYTES_MAX);
	const struct flow_stage *stage = &run->stages[at];
	struct jw jw;

	jw_init(&jw, &buf);
	jw_obj(&jw);
	jw_kstr(&jw, "stage", run->spec.stages[at].name);
	jw_kstr(&jw, "state", stage_state_name(stage->state));
	if (item >= 0) {
		jw_ki64(&jw, "item", item);
		if (stage->n_items > 1)
			jw_ki64(&jw, "items", stage->n_items);
		write_item(&jw, &stage->items[item], stage);
	} else {
		if (!stage_is_over(stage->state))
			jw_ktime(&jw, "deadlineAt", stage->deadline_ms);
		if (stage->n_items > 1)
			jw_ki64(&jw, "items", stage->n_items);
		jw_kstr_opt(&jw, "error", stage->error);
		jw_kstr_opt(&jw, "warning", stage->warning);
	}
	emit(uow, job, EV_FLOW_STAGE, &jw);
}

void
flow_event_observed(struct uow *uow, const struct job *job, const struct flow_run *run,
	int32_t at, int32_t condition, const struct wait_look *look, bool is_repeat)
{
	_cleanup_(buf_deinit) struct buf buf = BUF_INIT(EVENT_DATA_BYTES_MAX);
	const struct wait_spec *spec = &run->spec.stages[at].conditions[condition];
	const struct stage_condition *now = &run->stages[at].conditions[condition];
	struct jw jw;

	jw_init(&jw, &buf);
	jw_obj(&jw);
	jw_kstr(&jw, "stage", run->spec.stages[at].name);
	jw_ki64(&jw, "condition", condition);
	jw_kstr_opt(&jw, "name", spec->name);
	jw_kstr(&jw, "kind", wait_kind_name(spec->kind));
	jw_ki64(&jw, "n", now->n);
	if (look->status > 0)
		jw_ki64(&jw, "status", look->status);
	if (look->value.n > 0 && look->value.n <= WAIT_SHOWN_BYTES_MAX) {
		jw_key(&jw, "value");
		jw_rawn(&jw, look->value.p, look->value.n);
	} else if (look->value.n > 0) {
		jw_kbool(&jw, "valueTruncated", true);
	}
	if (look->error)
		jw_kstrn(&jw, "error", look->error,
			utf8_cut_len(look->error, STAGE_ERROR_BYTES_MAX));
	jw_ki64(&jw, "tookMs", look->took_ms);
	if (now->state == CONDITION_MET)
		jw_kbool(&jw, "satisfied", true);
	if (now->state == CONDITION_FAILED)
		jw_kbool(&jw, "failed", true);
	if (is_repeat)
		jw_kbool(&jw, "repeated", true);
	if (now->state == CONDITION_WAITING && now->asked_ms == 0)
		jw_ktime(&jw, "nextAt", now->next_ms);
	emit(uow, job, EV_WAIT_OBSERVED, &jw);
}
