/* SPDX-License-Identifier: Apache-2.0 */
/* What expressions of a flow see, and evaluating them. */
#include <string.h>

#include "base/clock.h"
#include "core/expr.h"
#include "core/flow_impl.h"
#include "core/lang.h"

/* ---- the roots ---- */

/* A kept value as a tree; NULL: there is none. */
static json_t *
tree_of(struct str text)
{
	struct err ignored;

	return text.n > 0 ? json_read(text.p, text.n, JSON_DEPTH_MAX + 4, &ignored) : NULL;
}

static void
put(json_t *object, const char *name, json_t *value)
{
	if (value)
		(void)json_object_set_new(object, name, value);
}

static void
put_text(json_t *object, const char *name, const char *text)
{
	put(object, name, text ? json_string(text) : NULL);
}

static void
put_id(json_t *object, const char *name, struct job_id id)
{
	char text[UUID_TEXT_LEN + 1];

	if (uuid_is_zero(&id.u))
		return;
	uuid_format(&id.u, text);
	put_text(object, name, text);
}

static json_t *
params_of(const struct flow_run *run)
{
	json_t *params = tree_of(run->spec.params);

	return params ? params : json_object();
}

static json_t *
flow_root(const struct job *job)
{
	json_t *flow = json_object();
	char text[TIME_TEXT_LEN + 1];

	put_id(flow, "id", job->id);
	put_text(flow, "name", job->name);
	put(flow, "incarnation", json_integer(job->incarnation));
	if (job->started_ms > 0) {
		time_format(job->started_ms, text);
		put_text(flow, "startedAt", text);
	}
	return flow;
}

json_t *
flow_matrix_values(const struct flow_run *run, int32_t at)
{
	struct str text = run->stages[at].matrix.n > 0 ? run->stages[at].matrix
						       : run->spec.stages[at].matrix;
	struct err ignored;
	json_t *matrix = tree_of(text);
	json_t *items = matrix ? flow_matrix_items(matrix, &ignored) : NULL;

	json_decref(matrix);
	return items;
}

static const char *
item_state(const struct stage_item *item)
{
	switch (item->phase) {
	case ITEM_STARTING:
		return stage_state_name(STAGE_STARTING);
	case ITEM_RUNNING:
	case ITEM_COLLECTING:
		return stage_state_name(STAGE_RUNNING);
	case ITEM_ENDED:
		return stage_state_name(item->end);
	case ITEM_WAITING:
	case ITEM_PHASE_COUNT:
		break;
	}
	return stage_state_name(STAGE_WAITING);
}

static json_t *
items_root(const struct flow_run *run, int32_t at)
{
	const struct flow_stage *stage = &run->stages[at];
	json_t *items = json_array(), *values = flow_matrix_values(run, at);

	for (int32_t i = 0; i < stage->n_items; i++) {
		const struct stage_item *item = &stage->items[i];
		json_t *one = json_object();

		put_text(one, "state", item_state(item));
		put(one, "matrix", json_incref(json_array_get(values, (size_t)i)));
		put(one, "results", tree_of(item->results));
		put_id(one, "job", item->job);
		put_text(one, "error", item->error);
		(void)json_array_append_new(items, one);
	}
	json_decref(values);
	return items;
}

static void
put_values(json_t *root, const struct stage_spec *spec, const struct flow_stage *stage)
{
	json_t *values = json_object();
	char place[24];

	if (spec->mode == WAIT_ONE) {
		put(root, "value", tree_of(stage->conditions[0].value));
		json_decref(values);
		return;
	}
	for (size_t i = 0; i < spec->n_conditions; i++) {
		(void)snprintf(place, sizeof place, "%zu", i);
		put(values, spec->conditions[i].name ? spec->conditions[i].name : place,
			tree_of(stage->conditions[i].value));
	}
	put(root, "values", values);
}

static json_t *
stage_root(const struct flow_run *run, int32_t at)
{
	const struct stage_spec *spec = &run->spec.stages[at];
	const struct flow_stage *stage = &run->stages[at];
	json_t *root = json_object();
	int32_t attempts = 0;

	put_text(root, "state", stage_state_name(stage->state));
	put_text(root, "error", stage->error);
	if (spec->is_wait) {
		put_values(root, spec, stage);
		return root;
	}
	for (int32_t i = 0; i < stage->n_items; i++)
		attempts += stage->items[i].attempt > stage->attempts_before
			? stage->items[i].attempt - stage->attempts_before
			: 0;
	put(root, "attempts", json_integer(attempts));
	if (spec->matrix.n > 0) {
		put(root, "items", items_root(run, at));
	} else if (stage->n_items > 0) {
		put(root, "results", tree_of(stage->items[0].results));
		put_id(root, "job", stage->items[0].job);
	}
	return root;
}

json_t *
flow_scope(struct uow *uow, const struct job *job, const struct flow_run *run, int32_t stage,
	bool has_stages)
{
	json_t *scope = json_object(), *stages = json_object();

	(void)uow;
	put(scope, "params", params_of(run));
	put(scope, "flow", flow_root(job));
	for (int32_t i = 0; i < run->spec.n && has_stages; i++) {
		if (stage_is_above(&run->spec.stages[stage], i))
			put(stages, run->spec.stages[i].name, stage_root(run, i));
	}
	put(scope, "stages", stages);
	return scope;
}

/* ---- evaluating ---- */

int
flow_test(struct uow *uow, const char *text, json_t *scope, json_t *value, bool *ret,
	struct err *err)
{
	struct lang_scope facts = { .root = scope, .value = value, .now_ms = uow->now_ms };
	struct lang *lang;

	if (lang_parse(str_of(text), uow->arena, &lang, err) < 0)
		return -1;
	return lang_test(lang, &facts, ret, err);
}

int
flow_expand(struct uow *uow, json_t **tree, json_t *scope, struct err *err)
{
	struct issues issues = { .arena = uow->arena };
	const struct expr_scope facts = {
		.roots = scope,
		.later = expr_later_than_job,
		.now_ms = uow->now_ms,
	};

	if (expr_expand(tree, &facts, "", &issues) == 0)
		return 0;
	return err_set(err, ERR_INVALID, "%s",
		issues.n > 0 ? issues.item[0].detail : "it is too large");
}
