/* SPDX-License-Identifier: Apache-2.0 */
/* Changes of what waits: docs/protocol/queues.md §8. */
#include "base/limits.h"
#include "stage.h"

static struct intent *
new_edit(struct job_id id, struct job_edit edit)
{
	struct intent *intent = intent_new(INTENT_JOB_EDIT, 1, MIB(1));

	intent->in.edit = (struct job_edit_request) { .id = id, .edit = edit };
	return intent;
}

static void
change(struct stage *s, struct job_id id, struct job_edit edit)
{
	struct intent *intent = new_edit(id, edit);

	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_OK);
}

static void
assert_next(struct stage *s, struct hand *worker, struct job_id job)
{
	assert_leased(s, ask(s, worker), job);
	(void)give(s, worker, 0, OUTCOME_PASSED);
}

static void
a_greater_priority_goes_first(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	struct job_id first = create(s), second = create(s);
	change(s, second, (struct job_edit) { .has_priority = true, .priority = 3 });
	assert_int_equal(look(s, second)->priority, 3);
	assert_next(s, &worker, second);
	assert_next(s, &worker, first);
	(void)told(s, second);
	assert_non_null(strstr(s->text, "job.edited"));
}

static void
a_place_is_before_or_behind_another_or_the_first(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job[5];

	for (int i = 0; i < 5; i++) {
		job[i] = create(s);
		later(s, 10);
	}
	change(s, job[4], (struct job_edit) { .place = PLACE_BEFORE, .neighbour = job[1] });
	change(s, job[0], (struct job_edit) { .place = PLACE_AFTER, .neighbour = job[2] });
	change(s, job[2], (struct job_edit) { .place = PLACE_TOP });
	change(s, job[3], (struct job_edit) { .place = PLACE_TOP });
	change(s, job[2], (struct job_edit) { .place = PLACE_AFTER, .neighbour = job[1] });
	const int order[] = { 3, 4, 1, 2, 0 };
	for (size_t i = 0; i < 5; i++)
		assert_next(s, &worker, job[order[i]]);
}

static void
another_queue_another_start_other_labels(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	struct job_id job = create(s);
	change(s, job,
		(struct job_edit) {
			.queue = "night",
			.has_labels = true,
			.labels = "place=attic",
			.has_run_at = true,
			.run_at_ms = s->now_ms + 1000,
		});
	struct intent *next = ask(s, &worker);
	later(s, 2000);
	assert_false(is_answered(s, next));
	worker.labels = "place=attic";
	stage_restart(s);
	assert_next(s, &worker, job);
	assert_int_equal(look(s, job)->queue, 2);
}

static void
what_runs_or_has_ended_is_not_changed(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	const struct job_edit edit = { .has_priority = true, .priority = 3 };

	struct job_id job = create(s);
	(void)ask(s, &worker);
	struct intent *intent = new_edit(job, edit);
	TURN(s, intent);
	assert_int_equal(intent->err.code, ERR_CONFLICT);
	assert_int_equal(intent->conflict, CONFLICT_STATE);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	TURN(s, intent = new_edit(job, edit));
	assert_int_equal(intent->err.code, ERR_CONFLICT);
}

static void
an_old_version_changes_nothing(void **state)
{
	struct stage *s = *state;

	struct job_id job = create(s);
	struct intent *intent =
		new_edit(job, (struct job_edit) { .has_priority = true, .priority = 1 });
	intent->in.edit.if_version = look(s, job)->version;
	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_OK);
	assert_int_equal(intent->out.jobs[0].version, look(s, job)->version);
	intent = new_edit(job, (struct job_edit) { .has_priority = true, .priority = 2 });
	intent->in.edit.if_version = 1;
	TURN(s, intent);
	assert_int_equal(intent->conflict, CONFLICT_REVISION);
}

static void
many_at_once_tell_what_became_of_each(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct intent *each = intent_new(INTENT_JOB_EACH, 1, MIB(1));
	struct job_id ids[3] = { create(s), create(s) };

	(void)ask(s, &worker);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	uuid_v7(&ids[2].u, s->now_ms, &s->rng);
	each->in.each = (struct job_each) { .ids = ids, .n = 3, .command = JOB_CMD_CANCEL };
	TURN(s, each);
	assert_int_equal(each->out.each[0], EACH_WRONG_STATE);
	assert_int_equal(each->out.each[1], EACH_DONE);
	assert_int_equal(each->out.each[2], EACH_NOT_FOUND);
	assert_state(s, ids[1], JOB_STOPPED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(a_greater_priority_goes_first),
		STAGED(a_place_is_before_or_behind_another_or_the_first),
		STAGED(another_queue_another_start_other_labels),
		STAGED(what_runs_or_has_ended_is_not_changed),
		STAGED(an_old_version_changes_nothing),
		STAGED(many_at_once_tell_what_became_of_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
