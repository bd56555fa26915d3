/* SPDX-License-Identifier: Apache-2.0 */
/* Flows and the jobs of their stages: kept, found by their flow, and found at the start. */
#include "kit.h"

#include "base/limits.h"
#include "cases.h"

static struct job *
new_flow(struct fixture *fx, const char *name)
{
	struct job *job = new_job(fx, name);

	job->flow = "{\"stages\":[{\"name\":\"a\",\"run\":{\"template\":\"é\"}}]}";
	job->plan = "{\"stages\":[{\"state\":\"running\"}]}";
	job->state = JOB_RUNNING;
	job->ready = false;
	return job;
}

static struct job *
new_child(struct fixture *fx, struct job_id flow, int32_t item)
{
	struct job *job = new_job(fx, "child");

	job->parent = flow;
	job->stage = "a";
	job->stage_item = item;
	job->stage_attempt = 2;
	return job;
}

/* A flow with so many children; their ids when there is room for them. */
static struct job_id
put_flow(struct fixture *fx, const char *name, int n_children, struct job_id *ret)
{
	struct job_id flow;

	turn(fx);
	load(fx);
	flow = new_flow(fx, name)->id;
	for (int i = 0; i < n_children; i++) {
		struct job_id child = new_child(fx, flow, i)->id;

		if (ret)
			ret[i] = child;
	}
	save(fx);
	return flow;
}

static void
want_children(struct fixture *fx, struct job_id flow, size_t n)
{
	struct parent_key key = { flow, n };

	UOW_PUSH_IN(&fx->arena, &fx->keys.parents, key);
}

static void
delete_job(struct fixture *fx, struct job_id id)
{
	turn(fx);
	want_job(fx, id);
	load(fx);
	job_of(fx, id)->change = ROW_DELETED;
	save(fx);
}

static void
boot(struct fixture *fx, struct store_boot *ret)
{
	reopen(fx);
	turn(fx);
	assert_done(fx, store_boot(fx->store, &fx->arena, ret, &fx->err));
}

/* Whether these ids are exactly those, in whatever order. */
static void
assert_same_ids(const struct job_id *got, size_t n_got, const struct job_id *expected, size_t n)
{
	assert_int_equal(n_got, n);
	for (size_t i = 0; i < n; i++) {
		size_t found = 0;

		for (size_t k = 0; k < n_got; k++)
			found += uuid_eq(&got[k].u, &expected[i].u);
		assert_int_equal(found, 1);
	}
}

/* ---- children ---- */

static void
a_child_keeps_where_it_belongs(void **state)
{
	struct fixture *fx = *state;
	struct job_id child[2];
	struct job_id flow = put_flow(fx, "flow", 2, child);

	reopen(fx);
	turn(fx);
	const struct job *job = read_back(fx, child[1]);
	assert_true(uuid_eq(&job->parent.u, &flow.u));
	assert_string_equal(job->stage, "a");
	assert_int_equal(job->stage_item, 1);
	assert_int_equal(job->stage_attempt, 2);
	assert_null(job->flow);
	job = read_back(fx, flow);
	assert_true(uuid_is_zero(&job->parent.u));
	assert_string_equal(
		job->flow, "{\"stages\":[{\"name\":\"a\",\"run\":{\"template\":\"é\"}}]}");
	assert_string_equal(job->plan, "{\"stages\":[{\"state\":\"running\"}]}");
}

/* In the order in which they were made, whatever their state, each with its open runs. */
static void
children_are_loaded_by_their_flow(void **state)
{
	struct fixture *fx = *state;
	struct job_id child[3], other[1];
	struct job_id flow = put_flow(fx, "flow", 3, child);

	(void)put_flow(fx, "another", 1, other);
	turn(fx);
	want_job(fx, child[0]);
	want_job(fx, child[1]);
	load(fx);
	struct worker_row *worker = new_worker(fx, "w");

	finish_run(fx, new_run(fx, job_of(fx, child[0]), worker->id), OUTCOME_PASSED);
	const struct run *open = new_run(fx, job_of(fx, child[1]), worker->id);
	struct run_id open_id = open->id;

	save(fx);
	reopen(fx);
	turn(fx);
	want_children(fx, flow, 10);
	load(fx);
	assert_int_equal(fx->uow.jobs.n, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_true(uuid_eq(&fx->uow.jobs.item[i]->id.u, &child[i].u));
		assert_true(fx->uow.jobs.item[i]->runs_loaded);
	}
	assert_int_equal(job_of(fx, child[0])->state, JOB_COMPLETED);
	assert_null(job_of(fx, child[0])->open_runs);
	assert_true(uuid_eq(&job_of(fx, child[1])->open_runs->id.u, &open_id.u));
}

static void
children_stop_at_what_was_asked_for(void **state)
{
	struct fixture *fx = *state;
	struct job_id child[5];
	struct job_id flow = put_flow(fx, "flow", 5, child);

	turn(fx);
	want_children(fx, flow, 2);
	load(fx);
	assert_int_equal(fx->uow.jobs.n, 2);
	assert_true(uuid_eq(&fx->uow.jobs.item[1]->id.u, &child[1].u));
	assert_false(fx->uow.is_cut);

	/* One that something else names as well is there once. */
	turn(fx);
	want_job(fx, child[3]);
	want_children(fx, flow, 10);
	load(fx);
	assert_int_equal(fx->uow.jobs.n, 5);

	/* Nobody's children. */
	turn(fx);
	want_children(fx, child[0], 10);
	load(fx);
	assert_int_equal(fx->uow.jobs.n, 0);
}

static void
children_stop_at_half_of_the_memory(void **state)
{
	enum { N = 10, BYTES = 10240 };
	static char layout[BYTES + 1];
	struct fixture *fx = *state;
	struct job_id flow;

	memset(layout, 'x', BYTES);
	turn(fx);
	load(fx);
	flow = new_flow(fx, "flow")->id;
	for (int i = 0; i < N; i++)
		new_child(fx, flow, i)->layout = layout;
	save(fx);
	turn(fx);
	fx->keys.bytes_max = 2 * 5 * BYTES;
	want_children(fx, flow, N);
	load(fx);
	assert_in_range(fx->uow.jobs.n, 4, 6);
	assert_true(fx->uow.is_cut);
}

/* ---- the start ---- */

static void
flows_that_go_on_are_found_at_the_start(void **state)
{
	struct fixture *fx = *state;
	struct store_boot facts;
	struct job_id flow[4];

	for (int i = 0; i < 4; i++)
		flow[i] = put_flow(fx, "flow", 1, NULL);
	(void)put_job(fx, "no flow");
	turn(fx);
	want_job(fx, flow[1]);
	want_job(fx, flow[2]);
	want_job(fx, flow[3]);
	load(fx);
	job_of(fx, flow[1])->state = JOB_COMPLETED;
	job_of(fx, flow[2])->state = JOB_STOPPED;
	job_of(fx, flow[3])->state = JOB_PAUSED;
	for (int i = 1; i < 4; i++)
		uow_touch_job(&fx->uow, job_of(fx, flow[i]));
	save(fx);
	boot(fx, &facts);
	const struct job_id expected[] = { flow[0], flow[3] };

	assert_same_ids(facts.flows, facts.n_flows, expected, 2);
	assert_int_equal(facts.n_orphans, 0);
}

static void
children_without_their_flow_are_found_at_the_start(void **state)
{
	struct fixture *fx = *state;
	struct store_boot facts;
	struct job_id child[3];
	struct job_id gone = put_flow(fx, "gone", 3, child);
	struct job_id also_gone = put_flow(fx, "gone, too", 1, NULL);
	struct job_id stays = put_flow(fx, "stays", 2, NULL);
	struct job_id childless = put_flow(fx, "childless", 0, NULL);
	const struct job_id expected[] = { gone, also_gone };

	delete_job(fx, gone);
	delete_job(fx, also_gone);
	delete_job(fx, childless);
	boot(fx, &facts);
	assert_same_ids(facts.flows, facts.n_flows, &stays, 1);
	assert_same_ids(facts.orphans, facts.n_orphans, expected, 2);
	for (int i = 0; i < 3; i++)
		delete_job(fx, child[i]);
	boot(fx, &facts);
	assert_same_ids(facts.orphans, facts.n_orphans, &also_gone, 1);
}

const struct contract_case flow_cases[] = {
	{ "a child keeps where it belongs", a_child_keeps_where_it_belongs },
	{ "children are loaded by their flow", children_are_loaded_by_their_flow },
	{ "children stop at what was asked for", children_stop_at_what_was_asked_for },
	{ "children stop at half of the memory", children_stop_at_half_of_the_memory },
	{ "flows that go on are found at the start", flows_that_go_on_are_found_at_the_start },
	{ "children without their flow are found at the start",
		children_without_their_flow_are_found_at_the_start },
	{ NULL, NULL },
};
