/* SPDX-License-Identifier: Apache-2.0 */
/* Events: numbered without gaps, in order, resumable at any number. */
#include "cases.h"
#include "kit.h"

enum {
	TURNS = 8,
	JOBS = 5,
};

/* Turns in which the events of several jobs, of runs and of no job are mixed. */
static void
put_events(struct fixture *fx, int64_t seqs[JOBS])
{
	struct job_id ids[JOBS];
	turn(fx);
	load(fx);
	for (int i = 0; i < JOBS; i++) {
		struct job *job = new_job(fx, "e");
		job->project = 1 + i % 2;
		seqs[i] = job->seq;
		ids[i] = job->id;
	}
	for (int t = 0; t < TURNS; t++) {
		for (int k = 0; k < 12; k++) {
			struct job *job = job_of(fx, ids[(t + k) % JOBS]);
			const char *text = arena_printf(
				&fx->arena, "{\"t\":%d,\"k\":%d,\"s\":\"…\"}", t, k);
			struct event event = {
				.at_ms = fx->now_ms + 3 - k % 7,
				.project = job->project,
				.job_seq = job->seq,
				.job = job->id,
				.type = k % 3 ? EV_RUN_STEP : EV_JOB_PROGRESS,
				.data = str_of(text),
			};
			if (k % 3 == 1)
				event.run = (struct run_id) { new_uuid(fx) };
			uow_event(&fx->uow, &event);
		}
		struct event joined = {
			.at_ms = fx->now_ms, .project = 1, .type = EV_WORKER_JOINED
		};
		uow_event(&fx->uow, &joined);
		joined.project = 0; /* it serves every project */
		uow_event(&fx->uow, &joined);
		save(fx);
		turn(fx);
		for (int i = 0; i < JOBS; i++)
			want_job(fx, ids[i]);
		load(fx);
	}
}

static bool
same_event(const struct event *a, const struct event *b)
{
	return a->seq == b->seq && a->at_ms == b->at_ms && a->project == b->project &&
		a->job_seq == b->job_seq && uuid_eq(&a->job.u, &b->job.u) &&
		uuid_eq(&a->run.u, &b->run.u) && a->type == b->type && str_eq(a->data, b->data);
}

static void
events_come_back_as_they_were(void **state)
{
	struct fixture *fx = *state;
	turn(fx);
	load(fx);
	struct job *job = new_job(fx, "e");
	struct run_id run = { new_uuid(fx) };
	for (int type = 0; type < EVENT_TYPE_COUNT; type++) {
		struct event event = {
			.at_ms = type % 2 ? 0 : INT64_C(1) << 50,
			.project = 1,
			.job_seq = job->seq,
			.job = job->id,
			.type = (enum event_type)type,
			.data = str_of(type % 5 ? "{\"x\":\"\\u0001\"}" : NULL),
		};
		if (type % 4)
			event.run = run;
		uow_event(&fx->uow, &event);
	}
	save(fx);
	struct event *got;
	size_t n = read_events_after(fx, job->seq, 0, &got);
	assert_int_equal(n, EVENT_TYPE_COUNT + 1);
	assert_int_equal(n, fx->uow.events.n);
	for (size_t i = 0; i < n; i++)
		assert_true(same_event(&fx->uow.events.item[i], &got[i]));
}

static void
events_are_numbered_without_gaps(void **state)
{
	struct fixture *fx = *state;
	int64_t seqs[JOBS], last_seq;
	put_events(fx, seqs);
	struct event *all;
	size_t n = read_events_after(fx, 0, 0, &all);
	assert_int_equal(n, JOBS + TURNS * 14);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(all[i].seq, all[0].seq + (int64_t)i);
	assert_done(fx, read_last_event_seq(fx->reader, &last_seq, &fx->err));
	assert_int_equal(last_seq, all[n - 1].seq);
}

/* From every number, also in the middle of what one turn wrote, the rest follows and no more.
 */
static void
streams_resume_anywhere(void **state)
{
	struct fixture *fx = *state;
	int64_t seqs[JOBS];
	put_events(fx, seqs);
	struct event *all, *rest;
	size_t n = read_events_after(fx, 0, 0, &all);
	for (size_t i = 0; i < n; i++) {
		size_t n_rest = read_events_after(fx, 0, all[i].seq, &rest);
		assert_int_equal(n_rest, n - i - 1);
		for (size_t k = 0; k < n_rest; k++)
			assert_true(same_event(&all[i + 1 + k], &rest[k]));

		n_rest = read_events_after(fx, seqs[2], all[i].seq, &rest);
		size_t at = 0;
		for (size_t k = i + 1; k < n; k++) {
			if (all[k].job_seq != seqs[2])
				continue;
			assert_true(at < n_rest);
			assert_true(same_event(&all[k], &rest[at++]));
		}
		assert_int_equal(at, n_rest);
	}
}

static void
pages_of_events_lose_nothing(void **state)
{
	struct fixture *fx = *state;
	int64_t seqs[JOBS];
	put_events(fx, seqs);
	struct event *all, *page;
	size_t n = read_events_after(fx, 0, 0, &all);
	for (size_t limit = 1; limit < 30; limit += 3) {
		for (int by_bytes = 0; by_bytes < 2; by_bytes++) {
			struct event_filter f = { .limit = by_bytes ? 1000 : limit };
			if (by_bytes)
				f.bytes_max = limit * 20;
			size_t at = 0, n_page;
			do {
				assert_done(fx,
					read_events(fx->reader, &f, &fx->arena, &page, &n_page,
						&fx->err));
				assert_true(n_page <= f.limit);
				for (size_t k = 0; k < n_page; k++)
					assert_true(same_event(&all[at++], &page[k]));
				if (n_page > 0)
					f.after_seq = page[n_page - 1].seq;
			} while (n_page > 0);
			assert_int_equal(at, n);
		}
	}
}

static void
filters_of_events_work(void **state)
{
	struct fixture *fx = *state;
	int64_t seqs[JOBS];
	put_events(fx, seqs);
	struct event *all, *got;
	size_t n = read_events_after(fx, 0, 0, &all), n_got, expected = 0, of_project = 0;
	const uint64_t types = UINT64_C(1) << EV_JOB_PROGRESS | UINT64_C(1) << EV_WORKER_JOINED;
	for (size_t i = 0; i < n; i++) {
		expected += types >> all[i].type & 1;
		of_project += all[i].project == 2 || all[i].project == 0;
	}
	struct event_filter f = { .types = types, .limit = 1000 };
	assert_done(fx, read_events(fx->reader, &f, &fx->arena, &got, &n_got, &fx->err));
	assert_int_equal(n_got, expected);
	f = (struct event_filter) { .project = 2, .limit = 1000 };
	assert_done(fx, read_events(fx->reader, &f, &fx->arena, &got, &n_got, &fx->err));
	assert_int_equal(n_got, of_project);
	f = (struct event_filter) { .project = 2, .job_seq = seqs[0], .limit = 1000 };
	assert_done(fx, read_events(fx->reader, &f, &fx->arena, &got, &n_got, &fx->err));
	assert_int_equal(n_got, 0);
}

const struct contract_case event_cases[] = {
	{ "events come back as they were", events_come_back_as_they_were },
	{ "events are numbered without gaps", events_are_numbered_without_gaps },
	{ "streams resume anywhere", streams_resume_anywhere },
	{ "pages of events lose nothing", pages_of_events_lose_nothing },
	{ "filters of events work", filters_of_events_work },
	{ NULL, NULL },
};
