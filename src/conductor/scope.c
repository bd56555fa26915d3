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
#include "core/signal_token.h"

/* --- Callback addresses --- */

static json_t *
signal_url(const struct task *task, const char *stage, size_t condition)
{
	const struct conductor *conductor = task->conductor;
	_cleanup_(buf_deinit) struct buf url = BUF_INIT(URL_BYTES_MAX);
	struct signal_ref ref = { .project = task->effect.project,
		.flow = task->effect.flow,
		.condition = (int32_t)condition };

	if (strlen(stage) >= sizeof ref.stage)
		return NULL;
	memcpy(ref.stage, stage, strlen(stage) + 1);
	if (buf_addf(&url, "%s/api/v1/signals/", conductor->url) < 0 ||
		signal_token_make(conductor->options.signal_key, &ref, &url) < 0)
		return NULL;
	return json_stringn(url.data, url.len);
}

static void
put_url(json_t *object, const struct task *task, const char *stage, size_t condition)
{
	json_t *url = signal_url(task, stage, condition);

	if (url)
		(void)json_object_set_new(object, "url", url);
}

/* The conditions of a stage that are signals: `url` of the only one, `<name>.url` of several.
 */
static json_t *
signals_of(const struct task *task, const char *stage, json_t *wait)
{
	json_t *list = json_object_get(wait, "any"), *object = json_object(), *condition;
	size_t i;

	if (!list)
		list = json_object_get(wait, "all");
	if (!list && json_object_get(wait, "signal"))
		put_url(object, task, stage, 0);
	json_array_foreach(list, i, condition)
	{
		const char *name = json_string_value(json_object_get(condition, "name"));
		json_t *named;

		if (!json_object_get(condition, "signal"))
			continue;
		if (!json_object_get(object, "url"))
			put_url(object, task, stage, i);
		named = json_object();
		put_url(named, task, stage, i);
		if (name)
			(void)json_object_set_new(object, name, named);
		else
			json_decref(named);
	}
	return object;
}

/* The stages are in the flow itself, which the effect does not carry. */
static int
add_signals(struct task *task, struct store_reader *reader, json_t *scope, struct err *err)
{
	_cleanup_(json_unrefp) json_t *flow = NULL;
	json_t *signals, *stage;
	struct job *job;
	size_t i;
	int r = read_job(
		reader, task->effect.project, task->effect.flow, &task->arena, &job, err);

	if (r < 0)
		return -1;
	if (r == STORE_NONE || !job->flow)
		return err_set(err, ERR_UNAVAILABLE, "the flow is not there");
	flow = json_read(job->flow, strlen(job->flow), JSON_DEPTH_MAX, err);
	if (!flow)
		return err_wrap(err, "the flow");
	signals = json_object();
	json_array_foreach(json_object_get(flow, "stages"), i, stage)
	{
		const char *name = json_string_value(json_object_get(stage, "name"));
		json_t *wait = json_object_get(stage, "wait");

		if (name && wait)
			(void)json_object_set_new(signals, name, signals_of(task, name, wait));
	}
	(void)json_object_set_new(scope, "signals", signals);
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
fill_in(json_t **tree, json_t *scope, struct arena *arena, struct err *err)
{
	const struct expr_scope pass = {
		.roots = scope, .later = expr_later_than_job, .now_ms = clock_wall_ms()
	};
	struct issues issues = { .arena = arena };

	if (expr_expand(tree, &pass, "", &issues) < 0)
		return task_issues(&issues, err);
	return 0;
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
		if (may_read(effect->body, "signals") &&
			add_signals(task, reader, scope, err) < 0)
			return -1;
		if (fill_in(&body, scope, &task->arena, err) < 0)
			return -1;
	}
	*ret = TAKE(body);
	return 0;
}
