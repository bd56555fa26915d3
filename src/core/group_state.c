/* SPDX-License-Identifier: Apache-2.0 */
/* A grouping as text and back, and the small changes of its lists. */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "base/mem.h"
#include "core/group.h"
#include "core/uow.h"

/* ---- reading ---- */

static bool
flag_of(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

static int64_t
number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

static const char *
text_of(struct arena *arena, const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? arena_strdup(arena, text) : NULL;
}

static void
read_open(const json_t *in, struct arena *arena, struct open_fixture *ret)
{
	const char *worker = json_string_value(json_object_get(in, "worker"));

	*ret = (struct open_fixture) {
		.fixture = (int32_t)number_of(in, "fixture"),
		.phase = (enum fixture_phase)number_of(in, "phase"),
		.next = (int32_t)number_of(in, "next"),
		.has_begun = flag_of(in, "begun"),
		.is_hook_running = flag_of(in, "hook"),
		.connection = (int32_t)number_of(in, "connection"),
		.seen_ms = number_of(in, "seen"),
		.before_run = number_of(in, "before"),
		.last_run = number_of(in, "last"),
		.failed = (enum run_outcome)number_of(in, "failed"),
		.error = text_of(arena, in, "error"),
	};
	if (worker && uuid_parse(str_of(worker), &ret->worker.u) < 0)
		ret->worker = (struct worker_id) { 0 };
}

static void
read_group(const json_t *in, struct arena *arena, struct group *ret)
{
	const json_t *open = json_object_get(in, "open");
	int32_t n = (int32_t)json_array_size(open);

	*ret = (struct group) {
		.phase = (enum group_phase)number_of(in, "phase"),
		.iteration = number_of(in, "iteration"),
		.next_fixture = (int32_t)number_of(in, "next"),
		.next_start_n = number_of(in, "start"),
		.is_hook_running = flag_of(in, "hook"),
		.has_begun = flag_of(in, "begun"),
		.before_run = number_of(in, "before"),
		.failed = (enum run_outcome)number_of(in, "failed"),
		.error = text_of(arena, in, "error"),
		.open = arena_xalloc(arena, (size_t)(n + 4) * sizeof *ret->open),
		.n_open = n,
		.cap_open = n + 4,
	};
	for (int32_t i = 0; i < n; i++)
		read_open(json_array_get(open, (size_t)i), arena, &ret->open[i]);
}

static void
begin_groups(struct grouping *grouping)
{
	for (int32_t i = 0; i < grouping->n_groups; i++)
		grouping->groups[i] = (struct group) { .iteration = 1, .next_start_n = 1 };
}

struct grouping *
group_of(struct uow *uow, struct job *job)
{
	struct grouping *grouping = job->grouping;
	struct err err;

	if (grouping && grouping->incarnation == job->incarnation)
		return grouping;
	if (!grouping) {
		grouping = arena_xalloc(uow->arena, sizeof *grouping);
		int r = layout_read(
			job->layout, job->n_tests, uow->arena, &grouping->layout, &err);
		assert(r == 0 && "only layout_write() makes layouts");
		(void)r;
		grouping->n_groups = job->n_targets;
		grouping->groups = arena_xalloc(uow->arena,
			(size_t)grouping->n_groups * sizeof *grouping->groups);
		job->grouping = grouping;
	}
	grouping->incarnation = job->incarnation;
	grouping->hook_failed = false;
	begin_groups(grouping);

	_cleanup_(json_unrefp) json_t *tree = job->plan ? json_loads(job->plan, 0, NULL) : NULL;
	const json_t *groups = json_object_get(tree, "groups");
	if (number_of(tree, "incarnation") != job->incarnation ||
		json_array_size(groups) != (size_t)grouping->n_groups)
		return grouping;
	grouping->hook_failed = flag_of(tree, "hookFailed");
	for (int32_t i = 0; i < grouping->n_groups; i++)
		read_group(json_array_get(groups, (size_t)i), uow->arena, &grouping->groups[i]);
	return grouping;
}

/* ---- writing ---- */

static void
write_number(struct jw *jw, const char *name, int64_t value)
{
	if (value != 0)
		jw_ki64(jw, name, value);
}

static void
write_flag(struct jw *jw, const char *name, bool value)
{
	if (value)
		jw_kbool(jw, name, true);
}

static void
write_open(struct jw *jw, const struct open_fixture *open)
{
	jw_obj(jw);
	jw_ki64(jw, "fixture", open->fixture);
	write_number(jw, "phase", open->phase);
	write_number(jw, "next", open->next);
	write_flag(jw, "begun", open->has_begun);
	write_flag(jw, "hook", open->is_hook_running);
	write_number(jw, "connection", open->connection);
	if (!uuid_is_zero(&open->worker.u))
		jw_kuuid(jw, "worker", &open->worker.u);
	write_number(jw, "seen", open->connection > 0 ? open->seen_ms : 0);
	write_number(jw, "before", open->before_run);
	write_number(jw, "last", open->last_run);
	write_number(jw, "failed", open->failed);
	jw_kstr_opt(jw, "error", open->error);
	jw_end_obj(jw);
}

static void
write_group(struct jw *jw, const struct group *group)
{
	jw_obj(jw);
	write_number(jw, "phase", group->phase);
	jw_ki64(jw, "iteration", group->iteration);
	write_number(jw, "next", group->next_fixture);
	jw_ki64(jw, "start", group->next_start_n);
	write_flag(jw, "hook", group->is_hook_running);
	write_flag(jw, "begun", group->has_begun);
	write_number(jw, "before", group->before_run);
	write_number(jw, "failed", group->failed);
	jw_kstr_opt(jw, "error", group->error);
	jw_karr(jw, "open");
	for (int32_t i = 0; i < group->n_open; i++)
		write_open(jw, &group->open[i]);
	jw_end_arr(jw);
	jw_end_obj(jw);
}

void
group_save(struct uow *uow, struct job *job)
{
	const struct grouping *grouping = job->grouping;
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(LAYOUT_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &out);
	jw_obj(&jw);
	jw_ki64(&jw, "incarnation", grouping->incarnation);
	write_flag(&jw, "hookFailed", grouping->hook_failed);
	jw_karr(&jw, "groups");
	for (int32_t i = 0; i < grouping->n_groups; i++)
		write_group(&jw, &grouping->groups[i]);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	int r = jw_done(&jw);
	assert(r == 0 && "open fixtures are bounded by connections and waiting runs");
	(void)r;
	char *copy = arena_xalloc(uow->arena, out.len + 1);
	memcpy(copy, out.data, out.len);
	job->plan = copy;
}

/* ---- open fixtures ---- */

struct open_fixture *
group_open_fixture(struct group *group, int32_t fixture)
{
	for (int32_t i = 0; i < group->n_open; i++) {
		if (group->open[i].fixture == fixture)
			return &group->open[i];
	}
	return NULL;
}

struct open_fixture *
group_open(struct uow *uow, struct grouping *grouping, struct group *group, int32_t fixture)
{
	if (group->n_open == group->cap_open) {
		int32_t cap = group->cap_open * 2 + 4;
		struct open_fixture *more =
			arena_xalloc(uow->arena, (size_t)cap * sizeof *more);
		if (group->n_open > 0)
			memcpy(more, group->open, (size_t)group->n_open * sizeof *more);
		group->open = more;
		group->cap_open = cap;
	}
	assert(fixture == group->next_fixture);
	struct open_fixture *open = &group->open[group->n_open++];
	*open = (struct open_fixture) {
		.fixture = fixture,
		.phase = FIXTURE_TESTS,
		.next = grouping->layout.fixtures[fixture].first,
		.failed = group->failed,
		.error = group->error,
	};
	group->next_fixture++;
	return open;
}

void
group_close(struct group *group, struct open_fixture *open)
{
	int32_t at = (int32_t)(open - group->open);

	memmove(open, open + 1, (size_t)(group->n_open - at - 1) * sizeof *open);
	group->n_open--;
}
