/* SPDX-License-Identifier: Apache-2.0 */
/* What clients ask for: jobs, commands, definitions, queues, explanations; and restarts. */
#include "base/limits.h"
#include "stage.h"

#include <stdio.h>

/* ---- jobs ---- */

static void
an_accepted_job_is_in_the_store(void **state)
{
	struct stage *s = *state;
	struct intent *intent = new_create(s);

	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_OK);
	assert_int_equal(intent->out.jobs[0].state, JOB_QUEUED);
	assert_string_equal(intent->out.jobs[0].name, "job");
	assert_state(s, intent->out.jobs[0].id, JOB_QUEUED);
	assert_string_equal(told(s, intent->out.jobs[0].id), "job.queued");
}

static void
many_jobs_of_one_request_are_answered_in_order(void **state)
{
	struct stage *s = *state;
	struct job_spec specs[3] = { s->spec, s->spec, s->spec };
	struct intent *intent = intent_new(INTENT_JOB_CREATE, 1, MIB(1));

	specs[0].name = "x";
	specs[1].name = "y";
	specs[2].name = "z";
	intent->in.create = (struct job_create) { .specs = specs, .n = 3 };
	TURN(s, intent);
	assert_int_equal(intent->out.n_jobs, 3);
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(look(s, intent->out.jobs[i].id)->name, specs[i].name);
}

static void
a_job_of_too_many_queues_is_refused_whole(void **state)
{
	struct stage *s = *state;
	char name[32];

	for (int i = 0; i < QUEUES_MAX; i++) {
		struct intent *put = intent_new(INTENT_QUEUE_PUT, 1, MIB(1));
		snprintf(name, sizeof name, "q%d", i);
		put->in.queue.name = name;
		TURN(s, put);
	}
	s->spec.queue = "one more";
	struct intent *intent = new_create(s);
	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_IS_ERROR);
	assert_int_equal(intent->err.code, ERR_LIMIT);
}

/* Every combination of labels is a lane, and lanes are in memory. */
static void
a_job_of_too_many_lanes_is_refused_whole(void **state)
{
	struct stage *s = *state;
	static char labels[LANES_MAX][16];
	static struct job_spec specs[LANES_MAX];
	struct intent *intent = intent_new(INTENT_JOB_CREATE, 1, MIB(32));

	for (int i = 0; i < LANES_MAX; i++) {
		snprintf(labels[i], sizeof labels[i], "n=%d", i);
		specs[i] = s->spec;
		specs[i].labels = labels[i];
	}
	intent->in.create = (struct job_create) { .specs = specs, .n = LANES_MAX };
	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_OK);
	s->spec.labels = "one=more";
	intent = new_create(s);
	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_IS_ERROR);
	assert_int_equal(intent->err.code, ERR_LIMIT);
	s->spec.labels = "n=7";
	(void)create(s);
}

static void
a_command_answers_with_the_job_as_it_then_is(void **state)
{
	struct stage *s = *state;
	struct job_id job = create(s);
	struct intent *intent = new_command(job, JOB_CMD_PAUSE);

	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_OK);
	assert_int_equal(intent->out.jobs[0].state, JOB_PAUSED);
	assert_state(s, job, JOB_PAUSED);
}

static void
a_refused_command_names_the_state(void **state)
{
	struct stage *s = *state;
	struct job_id job = create(s);
	struct intent *intent = new_command(job, JOB_CMD_UNPAUSE);

	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_IS_ERROR);
	assert_int_equal(intent->err.code, ERR_CONFLICT);
	assert_int_equal(intent->conflict, CONFLICT_STATE);
	assert_int_equal(intent->out.state, JOB_QUEUED);
	assert_non_null(strstr(intent->err.text, "queued"));
	assert_state(s, job, JOB_QUEUED);
}

static void
a_job_of_another_project_is_not_there(void **state)
{
	struct stage *s = *state;
	struct job_id job = create(s);
	struct intent *intent = new_command(job, JOB_CMD_STOP);

	intent->project = 2;
	TURN(s, intent);
	assert_int_equal(intent->err.code, ERR_NOT_FOUND);
	assert_state(s, job, JOB_QUEUED);
}

static void
a_deleted_job_is_gone_in_the_same_turn(void **state)
{
	struct stage *s = *state;
	struct job_id job = create(s);
	struct intent *del = new_command(job, JOB_CMD_DELETE);
	struct intent *stop = new_command(job, JOB_CMD_STOP);

	TURN(s, del, stop);
	assert_int_equal(del->status, INTENT_OK);
	assert_int_equal(stop->err.code, ERR_NOT_FOUND);
	assert_null(look(s, job));
}

static void
a_job_becomes_due_by_itself(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	s->spec.run_at_ms = s->now_ms + 20000;
	struct job_id job = create(s);
	struct intent *poll = ask(s, &worker);
	assert_false(is_answered(s, poll));
	later(s, 19999);
	assert_false(is_answered(s, poll));
	later(s, 1);
	assert_leased(s, poll, job);
}

/* ---- idempotency ---- */

static void
a_repeated_request_is_answered_and_not_repeated(void **state)
{
	struct stage *s = *state;
	struct intent *first = new_create(s), *second = new_create(s);

	set_idem(first, "key", 1);
	set_idem(second, "key", 1);
	TURN(s, first);
	stage_restart(s);
	TURN(s, second);
	assert_int_equal(second->status, INTENT_OK);
	assert_true(second->replayed);
	assert_false(first->replayed);
	assert_int_equal(second->out.n_jobs, 1);
	assert_true(uuid_eq(&second->out.jobs[0].id.u, &first->out.jobs[0].id.u));
}

static void
a_request_that_was_doubled_on_the_way_makes_one_job(void **state)
{
	struct stage *s = *state;
	struct intent *first = new_create(s), *second = new_create(s);
	struct engine_stats stats;

	set_idem(first, "key", 1);
	set_idem(second, "key", 1);
	TURN(s, first, second);
	assert_true(uuid_eq(&second->out.jobs[0].id.u, &first->out.jobs[0].id.u));
	engine_stats(s->engine, &stats);
	assert_int_equal(stats.jobs_created, 1);
}

static void
a_key_used_for_something_else_is_a_conflict(void **state)
{
	struct stage *s = *state;
	struct intent *first = new_create(s), *second = new_create(s), *third = new_create(s);
	struct intent *other = intent_new(INTENT_PROJECT_PUT, 1, MIB(1));

	other->in.project_change.put = (struct project_put) { "other", "{}" };
	set_idem(first, "key", 1);
	set_idem(second, "key", 2);
	set_idem(third, "key", 2);
	TURN(s, first, other);
	third->project = other->out.project->seq;
	assert_int_not_equal(third->project, second->project);
	TURN(s, second, third);
	assert_int_equal(second->err.code, ERR_CONFLICT);
	assert_int_equal(second->conflict, CONFLICT_IDEM);
	assert_int_equal(third->status, INTENT_OK); /* each project has keys of its own */
	assert_false(third->replayed);
}

static void
a_repeated_command_is_not_done_twice(void **state)
{
	struct stage *s = *state;
	struct job_id job = create(s);
	struct intent *stop = new_command(job, JOB_CMD_STOP);
	struct intent *start = new_command(job, JOB_CMD_START);
	struct intent *again = new_command(job, JOB_CMD_START);

	set_idem(start, "key", 1);
	set_idem(again, "key", 1);
	TURN(s, stop, start, again);
	assert_true(again->replayed);
	assert_int_equal(look(s, job)->incarnation, 2);
}

static void
a_key_is_forgotten_after_its_time(void **state)
{
	struct stage *s = *state;
	struct intent *first = new_create(s), *second = new_create(s);

	set_idem(first, "key", 1);
	TURN(s, first);
	later(s, IDEMPOTENCY_KEEP_MS + HOURS_MS(2));
	set_idem(second, "key", 2);
	TURN(s, second);
	assert_int_equal(second->status, INTENT_OK);
	assert_false(second->replayed);
}

/* ---- definitions ---- */

static struct intent *
new_put(const char *name, const char *body, int64_t if_revision)
{
	struct intent *intent = intent_new(INTENT_DEF_PUT, 1, MIB(1));

	intent->in.def_put = (struct def_put) {
		.key.kind = DEF_TEST,
		.name = name,
		.tags = "[]",
		.body = body,
		.if_revision = if_revision,
	};
	return intent;
}

static void
a_definition_counts_its_revisions(void **state)
{
	struct stage *s = *state;
	struct intent *first = new_put("t", "{}", 0), *second = new_put("t", "{\"a\":1}", 0);

	TURN(s, first);
	TURN(s, second);
	assert_int_equal(first->out.def->revision, 1);
	assert_int_equal(second->out.def->revision, 2);
	assert_true(uuid_eq(&first->out.def->id.u, &second->out.def->id.u));
	assert_string_equal(second->out.def->body, "{\"a\":1}");
}

static void
a_definition_is_changed_only_from_the_revision_that_was_seen(void **state)
{
	struct stage *s = *state;
	struct intent *make = new_put("t", "{}", -1), *again = new_put("t", "{}", -1);
	struct intent *mine = new_put("t", "{}", 1), *theirs = new_put("t", "{}", 1);

	TURN(s, make, again);
	assert_int_equal(make->status, INTENT_OK);
	assert_int_equal(again->conflict, CONFLICT_REVISION);
	TURN(s, mine, theirs);
	assert_int_equal(mine->out.def->revision, 2);
	assert_int_equal(theirs->conflict, CONFLICT_REVISION);
}

static void
a_definition_is_not_renamed_onto_another(void **state)
{
	struct stage *s = *state;
	struct intent *a = new_put("a", "{}", 0), *b = new_put("b", "{}", 0);

	TURN(s, a, b);
	struct intent *rename = new_put("b", "{}", 0);
	rename->in.def_put.key.id = a->out.def->id;
	TURN(s, rename);
	assert_int_equal(rename->conflict, CONFLICT_REVISION);
	rename = new_put("c", "{}", 0);
	rename->in.def_put.key.id = a->out.def->id;
	TURN(s, rename);
	assert_int_equal(rename->out.def->revision, 2);
	assert_string_equal(rename->out.def->name, "c");
}

static void
a_definition_is_deleted_at_the_revision_that_was_seen(void **state)
{
	struct stage *s = *state;
	struct intent *put = new_put("t", "{}", 0);

	TURN(s, put);
	for (int64_t revision = 2; revision >= 1; revision--) {
		struct intent *del = intent_new(INTENT_DEF_DELETE, 1, MIB(1));
		del->in.def_delete = (struct def_delete) {
			.kind = DEF_TEST, .id = put->out.def->id, .if_revision = revision
		};
		TURN(s, del);
		if (revision == 2)
			assert_int_equal(del->conflict, CONFLICT_REVISION);
		else
			assert_int_equal(del->status, INTENT_OK);
	}
	struct intent *again = new_put("t", "{}", -1);
	TURN(s, again);
	assert_int_equal(again->out.def->revision, 1);
	assert_false(uuid_eq(&again->out.def->id.u, &put->out.def->id.u));
}

static struct intent *
new_delete(const struct intent *put)
{
	struct intent *intent = intent_new(INTENT_DEF_DELETE, 1, MIB(1));

	intent->in.def_delete =
		(struct def_delete) { .kind = DEF_TEST, .id = put->out.def->id };
	return intent;
}

static struct intent *
new_rename(const struct intent *put, const char *name)
{
	struct intent *intent = new_put(name, "{}", 0);

	intent->in.def_put.key.id = put->out.def->id;
	return intent;
}

static void
a_definition_changes_as_often_in_a_turn_as_it_is_asked_to(void **state)
{
	struct stage *s = *state;
	struct intent *put[6];

	for (size_t i = 0; i < ARRAY_LEN(put); i++)
		put[i] = new_put("t", "{}", 0);
	TURN(s, put[0], put[1], put[2]);
	assert_int_equal(put[2]->out.def->revision, 3);
	TURN(s, put[3], put[4]);
	assert_int_equal(put[4]->out.def->revision, 5);
	struct intent *del = new_delete(put[0]), *gone = new_delete(put[0]);
	TURN(s, del, gone, put[5]);
	assert_int_equal(del->status, INTENT_OK);
	assert_int_equal(gone->err.code, ERR_NOT_FOUND);
	assert_int_equal(put[5]->out.def->revision, 1);
}

static void
definitions_pass_on_their_names_within_a_turn(void **state)
{
	struct stage *s = *state;
	struct intent *a = new_put("a", "{}", 0), *b = new_put("b", "{}", 0);

	TURN(s, a, b);
	struct intent *b_to_c = new_rename(b, "c"), *a_to_b = new_rename(a, "b");
	struct intent *new_a = new_put("a", "{}", -1), *b_too = new_put("b", "{}", -1);
	TURN(s, b_to_c, a_to_b, new_a, b_too);
	assert_string_equal(b_to_c->out.def->name, "c");
	assert_string_equal(a_to_b->out.def->name, "b");
	assert_int_equal(new_a->out.def->revision, 1);
	assert_int_equal(b_too->conflict, CONFLICT_REVISION);
}

/* ---- explain ---- */

static struct intent *
explain(struct stage *s, struct job_id job)
{
	struct intent *intent = intent_new(INTENT_JOB_EXPLAIN, 1, MIB(1));

	intent->in.explain = job;
	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_OK);
	return intent;
}

static void
assert_blocked(struct stage *s, struct job_id job, enum blocker_kind kind)
{
	const struct explanation *explanation = explain(s, job)->out.explanation;

	for (size_t i = 0; i < explanation->n_blockers; i++) {
		if (explanation->blockers[i].kind == kind)
			return;
	}
	fail_msg("%s is not among the %zu blockers; %s", blocker_kind_name(kind),
		explanation->n_blockers, explanation->sentence);
}

static void
put_queue(struct stage *s, const char *name, int32_t priority, int32_t concurrency, bool paused)
{
	struct intent *intent = intent_new(INTENT_QUEUE_PUT, 1, MIB(1));

	intent->in.queue = (struct queue_put) {
		.name = name, .priority = priority, .concurrency = concurrency, .paused = paused
	};
	TURN(s, intent);
	assert_int_equal(intent->status, INTENT_OK);
}

static void
explain_knows_what_a_job_waits_for(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s), labelled = hand(s);

	struct job_id first = create(s), second = create(s);
	assert_blocked(s, first, BLOCKER_NO_WORKER_KIND);
	assert_blocked(s, second, BLOCKER_AHEAD);
	assert_leased(s, ask(s, &worker), first);
	assert_blocked(s, first, BLOCKER_CONCURRENCY);
	assert_blocked(s, second, BLOCKER_WORKERS_BUSY);
	put_queue(s, "default", 0, 1, false);
	assert_blocked(s, second, BLOCKER_QUEUE_LIMIT);
	put_queue(s, "default", 0, 0, true);
	assert_blocked(s, second, BLOCKER_QUEUE_PAUSED);
	command(s, second, JOB_CMD_PAUSE);
	assert_blocked(s, second, BLOCKER_PAUSED);
	s->spec.run_at_ms = s->now_ms + 1000;
	assert_blocked(s, create(s), BLOCKER_START_TIME);
	s->spec.run_at_ms = 0;
	s->spec.labels = "place=attic";
	struct job_id third = create(s);
	assert_blocked(s, third, BLOCKER_NO_WORKER_LABEL);
	labelled.labels = "place=attic";
	(void)ask(s, &labelled);
	assert_int_equal(
		explain(s, third)->out.explanation->blockers[0].kind, BLOCKER_QUEUE_PAUSED);
}

static void
explain_knows_when_the_next_attempt_is_due(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	s->spec.retry = (struct retry_policy) {
		.max = 1, .delay_ms = 5000, .factor = 1, .on = 1u << OUTCOME_FAILED
	};
	struct job_id job = create(s);
	(void)ask(s, &worker);
	(void)give(s, &worker, 0, OUTCOME_FAILED);
	assert_blocked(s, job, BLOCKER_RETRY_WAIT);
	assert_int_equal(
		explain(s, job)->out.explanation->blockers[0].until_ms, s->now_ms + 5000);
}

static void
explaining_a_job_that_is_not_there(void **state)
{
	struct stage *s = *state;
	struct intent *intent = intent_new(INTENT_JOB_EXPLAIN, 1, MIB(1));

	memset(&intent->in.explain, 7, sizeof intent->in.explain);
	TURN(s, intent);
	assert_int_equal(intent->err.code, ERR_NOT_FOUND);
}

/* ---- nothing to do ---- */

static void
an_idle_engine_wants_no_turn_and_makes_no_commit(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct engine_stats before, after;

	(void)ask(s, &worker);
	engine_stats(s->engine, &before);
	for (int i = 0; i < 20; i++) {
		later(s, 30000);
		(void)ask(s, &worker);
	}
	engine_stats(s->engine, &after);
	assert_int_equal(after.commits, before.commits);
	assert_int_equal(after.workers_online, 1);
}

/* ---- restart ---- */

static void
after_a_restart_a_worker_keeps_its_runs(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	stage_restart(s);
	struct intent *poll = ask(s, &worker);
	later(s, STAGE_LEASE_MS / 3);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_leases, 0);
	assert_int_equal(poll->out.poll.n_directives, 0);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	assert_state(s, job, JOB_COMPLETED);
}

static void
after_a_restart_a_worker_has_a_whole_lease_to_be_heard_of(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	s->now_ms += DAYS_MS(1); /* the server was down that long */
	stage_restart(s);
	later(s, STAGE_LEASE_MS - 1);
	assert_int_equal(look(s, job)->running, 1);
	later(s, 1);
	assert_int_equal(look(s, job)->running, 0);
	assert_string_equal(
		told(s, job), "job.queued job.starting run.leased run.lost run.restarted");
}

static void
after_a_restart_a_stop_is_still_asked_for(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);
	struct job_id job = create(s);

	(void)ask(s, &worker);
	command(s, job, JOB_CMD_STOP);
	stage_restart(s);
	struct intent *poll = ask(s, &worker);
	assert_true(is_answered(s, poll));
	assert_int_equal(poll->out.poll.n_directives, 1);
	assert_int_equal(poll->out.poll.directives[0].what, POLL_DO_STOP);
	assert_string_equal(poll->out.poll.directives[0].reason, "stopped");
}

static void
after_a_restart_queues_count_what_runs(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s), other = hand(s);

	put_queue(s, "default", 0, 1, false);
	(void)create(s);
	struct job_id second = create(s);
	(void)ask(s, &worker);
	stage_restart(s);
	struct intent *poll = ask(s, &other);
	assert_false(is_answered(s, poll));
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	assert_leased(s, poll, second);
}

/* No clock that was set back makes a turn earlier than what is stored. */
static void
after_a_restart_time_does_not_go_back(void **state)
{
	struct stage *s = *state;

	s->now_ms += HOURS_MS(1);
	struct job_id job = create(s);
	s->now_ms -= HOURS_MS(1);
	stage_restart(s);
	assert_true(engine_now(s->engine) >= look(s, job)->created_ms);
}

/* Nor does a turn that is told an earlier time than the one before it. */
static void
a_turn_is_never_earlier_than_the_one_before(void **state)
{
	struct stage *s = *state;
	struct hand worker = hand(s);

	s->now_ms += HOURS_MS(1);
	struct job_id first = create(s);
	(void)ask(s, &worker);
	s->now_ms -= HOURS_MS(1);
	struct job_id second = create(s);
	(void)give(s, &worker, 0, OUTCOME_PASSED);
	assert_true(look(s, second)->created_ms >= look(s, first)->created_ms);
	assert_true(look(s, first)->completed_ms >= look(s, first)->started_ms);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STAGED(an_accepted_job_is_in_the_store),
		STAGED(many_jobs_of_one_request_are_answered_in_order),
		STAGED(a_job_of_too_many_queues_is_refused_whole),
		STAGED(a_job_of_too_many_lanes_is_refused_whole),
		STAGED(a_command_answers_with_the_job_as_it_then_is),
		STAGED(a_refused_command_names_the_state),
		STAGED(a_job_of_another_project_is_not_there),
		STAGED(a_deleted_job_is_gone_in_the_same_turn),
		STAGED(a_job_becomes_due_by_itself),
		STAGED(a_repeated_request_is_answered_and_not_repeated),
		STAGED(a_request_that_was_doubled_on_the_way_makes_one_job),
		STAGED(a_key_used_for_something_else_is_a_conflict),
		STAGED(a_repeated_command_is_not_done_twice),
		STAGED(a_key_is_forgotten_after_its_time),
		STAGED(a_definition_counts_its_revisions),
		STAGED(a_definition_is_changed_only_from_the_revision_that_was_seen),
		STAGED(a_definition_is_not_renamed_onto_another),
		STAGED(a_definition_is_deleted_at_the_revision_that_was_seen),
		STAGED(a_definition_changes_as_often_in_a_turn_as_it_is_asked_to),
		STAGED(definitions_pass_on_their_names_within_a_turn),
		STAGED(explain_knows_what_a_job_waits_for),
		STAGED(explain_knows_when_the_next_attempt_is_due),
		STAGED(explaining_a_job_that_is_not_there),
		STAGED(an_idle_engine_wants_no_turn_and_makes_no_commit),
		STAGED(after_a_restart_a_worker_keeps_its_runs),
		STAGED(after_a_restart_a_worker_has_a_whole_lease_to_be_heard_of),
		STAGED(after_a_restart_a_stop_is_still_asked_for),
		STAGED(after_a_restart_queues_count_what_runs),
		STAGED(after_a_restart_time_does_not_go_back),
		STAGED(a_turn_is_never_earlier_than_the_one_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
