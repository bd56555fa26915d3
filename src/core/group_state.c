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

static bool
is_between(int64_t value, int64_t low, int64_t high)
{
	return value >= low && value <= high;
}

/* -1: what is there makes no sense. */
static int
read_open(const json_t *in, const struct layout *layout, struct arena *arena,
	struct open_fixture *ret)
{
	const char *worker = json_string_value(json_object_get(in, "worker"));

	if (!is_between(number_of(in, "fixture"), 0, layout->n_fixtures - 1) ||
		!is_between(number_of(in, "phase"), 0, FIXTURE_PHASE_COUNT - 1) ||
		!is_between(number_of(in, "connection"), 0, CONCURRENCY_MAX) ||
		!is_between(number_of(in, "failed"), 0, OUTCOME_COUNT - 1))
		return -1;
	const struct fixture_spec *spec = &layout->fixtures[number_of(in, "fixture")];
	if (!is_between(number_of(in, "next"), spec->first, spec->first + spec->n_tests))
		return -1;
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
	return 0;
}

/* The same. */
static int
read_group(
	const json_t *in, const struct layout *layout, struct arena *arena, struct group *ret)
{
	const json_t *open = json_object_get(in, "open");
	int32_t n = (int32_t)json_array_size(open);

	if (!is_between(number_of(in, "phase"), 0, GROUP_PHASE_COUNT - 1) ||
		!is_between(number_of(in, "next"), 0, layout->n_fixtures) ||
		!is_between(number_of(in, "failed"), 0, OUTCOME_COUNT - 1) ||
		number_of(in, "iteration") < 1 || number_of(in, "start") < 1)
		return -1;
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
	for (int32_t i = 0; i < n; i++) {
		if (read_open(json_array_get(open, (size_t)i), layout, arena, &ret->open[i]) <
				0 ||
			ret->open[i].fixture >= ret->next_fixture ||
			(i > 0 && ret->open[i].fixture <= ret->open[i - 1].fixture))
			return -1;
	}
	return 0;
}

/* As in the beginning: the job's before hook is due when there is one and a test to run. */
static void
begin_groups(struct grouping *grouping)
{
	const struct layout *layout = &grouping->layout;

	grouping->hook_failed = grouping->has_more = false;
	for (int32_t i = 0; i < grouping->n_groups; i++)
		grouping->groups[i] = (struct group) {
			.phase = layout->before >= 0 && layout->n_live > 0 ? GROUP_NEW
									   : GROUP_TESTS,
			.iteration = 1,
			.next_start_n = 1,
		};
}

/* The groups as the plan's text has them. -1: it makes no sense. */
static int
read_plan(struct grouping *grouping, const char *text, struct arena *arena)
{
	_cleanup_(json_unrefp) json_t *tree = text ? json_loads(text, 0, NULL) : NULL;
	const json_t *groups = json_object_get(tree, "groups");

	if (number_of(tree, "incarnation") != grouping->incarnation ||
		json_array_size(groups) != (size_t)grouping->n_groups)
		return -1;
	grouping->hook_failed = flag_of(tree, "hookFailed");
	grouping->has_more = flag_of(tree, "more");
	for (int32_t i = 0; i < grouping->n_groups; i++) {
		if (read_group(json_array_get(groups, (size_t)i), &grouping->layout, arena,
			    &grouping->groups[i]) < 0)
			return -1;
	}
	return 0;
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
		grouping->groups = arena_xalloc(
			uow->arena, (size_t)grouping->n_groups * sizeof *grouping->groups);
		job->grouping = grouping;
	}
	grouping->incarnation = job->incarnation;
	if (read_plan(grouping, job->plan, uow->arena) < 0)
		begin_groups(grouping);
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
write_open(struct jw *jw, const struct open_fixture *open, bool has_errors)
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
	jw_kstr_opt(jw, "error", has_errors ? open->error : NULL);
	jw_end_obj(jw);
}

static void
write_group(struct jw *jw, const struct group *group, bool has_errors)
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
		write_open(jw, &group->open[i], has_errors);
	jw_end_arr(jw);
	jw_end_obj(jw);
}

static int
write_plan(struct buf *out, const struct grouping *grouping, bool has_errors)
{
	struct jw jw;

	buf_clear(out);
	jw_init(&jw, out);
	jw_obj(&jw);
	jw_ki64(&jw, "incarnation", grouping->incarnation);
	write_flag(&jw, "hookFailed", grouping->hook_failed);
	write_flag(&jw, "more", grouping->has_more);
	jw_karr(&jw, "groups");
	for (int32_t i = 0; i < grouping->n_groups; i++)
		write_group(&jw, &grouping->groups[i], has_errors);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return jw_done(&jw);
}

void
group_save(struct uow *uow, struct job *job)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(LAYOUT_BYTES_MAX);

	/* The errors of very many failed hooks are too much: their units then fail without. */
	if (write_plan(&out, job->grouping, true) < 0) {
		int r = write_plan(&out, job->grouping, false);
		assert(r == 0 && "FIXTURES_PER_JOB_MAX × TARGETS_PER_JOB_MAX of them fit");
		(void)r;
	}
	char *copy = arena_xalloc(uow->arena, out.len + 1);
	memcpy(copy, out.data, out.len);
	job->plan = copy;
	job->grouping->is_changed = false;
}

void
group_save_changed(struct uow *uow)
{
	for (size_t i = 0; i < uow->jobs.n; i++) {
		struct job *job = uow->jobs.item[i];
		if (job->grouping && job->grouping->is_changed)
			group_save(uow, job);
	}
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
