/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What expressions of a stage see beyond what the rules can tell: addresses of this server, and
 * the callback addresses of stages that wait for signals.
 */
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "conductor/conductor_impl.h"
#include "core/expr.h"
#include "core/flow_json.h"
#include "core/params.h"
#include "core/signal_token.h"

/* The stages are in the flow itself, which the effect does not carry. */
static int
add_signals(struct task *task, struct store_reader *reader, json_t *scope, struct err *err)
{
	const struct effect *effect = &task->effect;
	_cleanup_(json_unrefp) json_t *flow = NULL;
	const struct conductor *conductor = task->conductor;
	struct job *job;
	int r = read_job(
		reader, task->effect.project, task->effect.flow, &task->arena, &job, err);

	if (r < 0)
		return -1;
	if (r == STORE_NONE || !job->flow)
		return err_set(err, ERR_UNAVAILABLE, "the flow is not there");
	flow = json_read(job->flow, strlen(job->flow), JSON_DEPTH_MAX, err);
	if (!flow)
		return err_wrap(err, "the flow");
	(void)json_object_set_new(scope, "signals",
		signal_urls(conductor->options.signal_key, conductor->url, effect->project,
			effect->flow, flow));
	return 0;
}

static void
add_own_url(const struct task *task, json_t *scope)
{
	json_t *flow = json_object_get(scope, "flow");
	char id[UUID_TEXT_LEN + 1];

	uuid_format(&task->effect.flow.u, id);
	if (json_is_object(flow))
		(void)json_object_set_new(flow, "url",
			json_sprintf("%s/api/v1/jobs/%s", task->conductor->url, id));
}

/* --- Filling in --- */

int
task_issues(const struct issues *issues, struct err *err)
{
	const struct issue *first = &issues->item[0];

	if (issues->n == 0)
		return err_set(err, ERR_INVALID, "it cannot be read");
	return err_set(err, ERR_INVALID, "%s%s%s", first->pointer,
		first->pointer[0] ? ": " : "", first->detail);
}

static int
fill_in(struct task *task, json_t **tree, json_t *scope, const char *const *later,
	struct err *err)
{
	struct arena *arena = &task->arena;
	const struct expr_scope pass = {
		.roots = scope,
		.later = later,
		.now_ms = clock_wall_ms(),
	};
	struct issues issues = { .arena = arena };

	if (expr_expand(tree, &pass, "", &issues) < 0)
		return task_issues(&issues, err);
	return 0;
}

/*
 * What `params` stands for in a run with tests of its own: its values are worked out with the
 * flow's and laid over them. Those that go into the job are filled in by themselves, since
 * `params` in them is still the flow's.
 */
static int
lay_over_params(struct task *task, json_t *own, json_t *scope, struct err *err)
{
	struct issues issues = { .arena = &task->arena };
	_cleanup_(json_unrefp) json_t *given = json_deep_copy(own), *values = NULL,
				      *both = NULL;

	if (fill_in(task, &given, scope, NULL, err) < 0)
		return err_wrap(err, "params");
	if (params_settle(NULL, false, given, "/params", &issues, &values) < 0)
		return task_issues(&issues, err);
	both = json_copy(json_object_get(scope, "params"));
	if (!both)
		both = json_object();
	(void)json_object_update(both, values);
	(void)json_object_set(scope, "params", both);
	return 0;
}

/* A stage's job request. */
static int
fill_in_run(struct task *task, json_t **body, json_t *scope, struct err *err)
{
	_cleanup_(json_unrefp) json_t *own = json_incref(json_object_get(*body, "params"));
	_cleanup_(json_unrefp) json_t *filled = json_deep_copy(own);

	if (!json_is_object(own) || !flow_run_is_inline(*body))
		return fill_in(task, body, scope, expr_later_than_job, err);
	(void)json_object_del(*body, "params");
	if (fill_in(task, &filled, scope, expr_later_than_job, err) < 0)
		return err_wrap(err, "params");
	if (lay_over_params(task, own, scope, err) < 0 ||
		fill_in(task, body, scope, expr_later_than_job, err) < 0)
		return -1;
	return json_object_set(*body, "params", filled);
}

/* Looking for the word is enough: a false alarm costs one read. */
static bool
may_read(struct str text, const char *word)
{
	return memmem(text.p, text.n, word, strlen(word)) != NULL;
}

int
task_body(struct task *task, struct store_reader *reader, json_t **ret, struct err *err)
{
	const struct effect *effect = &task->effect;
	_cleanup_(json_unrefp) json_t *scope = NULL;
	_cleanup_(json_unrefp) json_t *body =
		json_read(effect->body.p, effect->body.n, 2 * JSON_DEPTH_MAX, err);

	if (!body)
		return -1;
	if (expr_in_text(effect->body) && effect->scope.n > 0) {
		scope = json_read(effect->scope.p, effect->scope.n, 2 * JSON_DEPTH_MAX, err);
		if (!scope)
			return -1;
		add_own_url(task, scope);
		if (!uuid_is_zero(&effect->flow.u) && may_read(effect->body, "signals") &&
			add_signals(task, reader, scope, err) < 0)
			return -1;
		/* Of an occurrence: what is not known here is the job's own (params). */
		if ((effect->kind == EFFECT_SCHEDULE_FIRE
				    ? fill_in(task, &body, scope, NULL, err)
				    : fill_in_run(task, &body, scope, err)) < 0)
			return -1;
	}
	*ret = TAKE(body);
	return 0;
}
