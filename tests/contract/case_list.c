/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of jobs: every filter, every order, pages that hold still. */
#include "cases.h"
#include "kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
	JOBS = 24,
};

static const struct job_filter everything = { .limit = 100 };

/* Jobs that differ in everything that can be asked for. Job i is made at turn i. */
static void
put_jobs(struct fixture *fx, struct job_id ids[JOBS])
{
	static const char *const tags[] = { "[]", "[\"smoke\"]", "[\"smoke\",\"slow\"]" };
	struct def_id template = { new_uuid(fx) };
	for (int i = 0; i < JOBS; i++) {
		char name[40];
		turn(fx);
		load(fx);
		snprintf(name, sizeof name, "%s %02d", i % 2 ? "Nightly" : "smoke",
			i * 7 % JOBS);
		struct job *job = new_job(fx, name);
		job->project = i % 4 == 3 ? 2 : 1;
		job->tags = tags[i % 3];
		job->queue = 1 + i % 2;
		job->priority = i * 5 % 7 - 3;
		if (i % 6 == 0)
			job->template_id = template;
		if (i % 5 == 0) {
			job->kind = NULL;
			job->kinds = "http,playwright";
		}
		if (i % 3 == 1) {
			job->state = JOB_COMPLETED;
			job->reason = JOB_REASON_PASSED;
			job->started_ms = fx->now_ms - 1000 * (i % 5);
			job->completed_ms = fx->now_ms + i;
		} else if (i % 3 == 2) {
			job->state = i % 2 ? JOB_FAILED : JOB_RUNNING;
			job->reason = i % 2 ? JOB_REASON_TIMEOUT : JOB_REASON_NONE;
			job->started_ms = fx->now_ms - 100 * i;
			job->completed_ms = i % 2 ? fx->now_ms : 0;
		}
		job->updated_ms = fx->now_ms + (i * 11 % JOBS);
		ids[i] = job->id;
		save(fx);
	}
}

static struct job_page
page_of(struct fixture *fx, const struct job_filter *filter)
{
	struct job_page page;
	assert_done(fx, read_jobs(fx->reader, filter, &fx->arena, &page, &fx->err));
	assert_true(page.n <= filter->limit);
	return page;
}

/* Compares a list with the same choice made over all jobs. */
static void
check_choice(struct fixture *fx, const struct job_filter *filter, const struct job_page *all,
	bool (*wanted)(const struct job *job, const struct job_filter *filter))
{
	struct job_page page = page_of(fx, filter);
	size_t n = 0;
	for (size_t i = 0; i < all->n; i++) {
		bool is_there =
			filter->project == 0 || all->items[i]->project == filter->project;
		if (!is_there || !wanted(all->items[i], filter))
			continue;
		assert_true(n < page.n);
		assert_int_equal(page.items[n]->seq, all->items[i]->seq);
		n++;
	}
	assert_int_equal(page.n, n);
	if (filter->count)
		assert_int_equal(page.total, n);
	/* A filter that takes all or nothing shows little. */
	assert_true(filter->project != 0 || (n > 0 && n < all->n));
}

/* The same over one project, which a store may answer in other ways, and counted. */
static void
check_filter(struct fixture *fx, const struct job_filter *filter, const struct job_page *all,
	bool (*wanted)(const struct job *job, const struct job_filter *filter))
{
	struct job_filter narrow = *filter;
	check_choice(fx, filter, all, wanted);
	narrow.count = true;
	for (int64_t project = 1; project <= 2 && filter->project == 0; project++) {
		narrow.project = project;
		check_choice(fx, &narrow, all, wanted);
	}
}

#define WANTED(name, condition)                                             \
	static bool name(const struct job *job, const struct job_filter *f) \
	{                                                                   \
		(void)f;                                                    \
		return condition;                                           \
	}

WANTED(is_of_project, job->project == f->project)
WANTED(is_in_states, f->states & 1u << job->state)
WANTED(has_reason, f->reasons & 1u << job->reason)
WANTED(is_smoke, strstr(job->tags, "smoke"))
WANTED(is_slow_smoke, strstr(job->tags, "slow"))
WANTED(is_named, strcmp(job->name, f->name) == 0)
WANTED(is_nightly, strstr(job->name, "Nightly"))
WANTED(is_of_template, uuid_eq(&job->template_id.u, &f->template_id.u))
WANTED(is_in_queue, job->queue == f->queue)
WANTED(is_http, job->kinds)
WANTED(is_command, job->kind)
WANTED(is_after, job->created_ms >= f->created_after_ms)
WANTED(is_before, job->created_ms < f->created_before_ms)
WANTED(is_completed_after, job->completed_ms >= f->completed_after_ms)
WANTED(is_completed_before, job->completed_ms && job->completed_ms < f->completed_before_ms)
WANTED(is_long,
	job->started_ms &&
		(job->completed_ms ? job->completed_ms : f->now_ms) - job->started_ms >=
			f->min_run_ms)

static void
every_filter_works(void **state)
{
	struct fixture *fx = *state;
	static const char *const tags[] = { "smoke", "slow" };
	struct job_id ids[JOBS];
	put_jobs(fx, ids);
	const struct job_page all = page_of(fx, &everything);
	assert_int_equal(all.n, JOBS);
	const struct job *tenth = all.items[10];
	struct job_filter f;
#define CHECK(member, value, wanted)                                \
	(f = everything, f.now_ms = fx->now_ms, f.member = (value), \
		check_filter(fx, &f, &all, wanted))
	CHECK(project, 2, is_of_project);
	CHECK(states, 1u << JOB_QUEUED, is_in_states);
	CHECK(states, 1u << JOB_COMPLETED, is_in_states);
	CHECK(states, 1u << JOB_FAILED, is_in_states);
	CHECK(states, 1u << JOB_FAILED | 1u << JOB_RUNNING, is_in_states);
	CHECK(states, 1u << JOB_FAILED | 1u << JOB_QUEUED, is_in_states);
	CHECK(reasons, 1u << JOB_REASON_TIMEOUT, has_reason);
	CHECK(name, tenth->name, is_named);
	CHECK(name_contains, "NIGHTly", is_nightly);
	CHECK(template_id, all.items[6]->template_id, is_of_template);
	CHECK(queue, 2, is_in_queue);
	CHECK(kind, "http", is_http);
	CHECK(kind, "playwright", is_http);
	CHECK(kind, "command", is_command);
	CHECK(created_after_ms, tenth->created_ms, is_after);
	CHECK(created_before_ms, tenth->created_ms, is_before);
	CHECK(completed_after_ms, tenth->completed_ms, is_completed_after);
	CHECK(completed_before_ms, tenth->completed_ms, is_completed_before);
	CHECK(min_run_ms, 1000, is_long);
#undef CHECK
	f = everything;
	f.tags = tags;
	f.n_tags = 1;
	check_filter(fx, &f, &all, is_smoke);
	f.n_tags = 2;
	check_filter(fx, &f, &all, is_slow_smoke);

	/* Values are values: what looks like SQL or a pattern finds nothing. */
	f = everything;
	f.name_contains = "%' OR 1=1 --";
	assert_int_equal(page_of(fx, &f).n, 0);
	f = everything;
	f.kind = "pla";
	assert_int_equal(page_of(fx, &f).n, 0);
}

static void
filters_combine_and_count(void **state)
{
	struct fixture *fx = *state;
	static const char *const tags[] = { "smoke" };
	struct job_id ids[JOBS];
	put_jobs(fx, ids);
	struct job_filter f = everything;
	f.project = 1;
	f.states = 1u << JOB_COMPLETED | 1u << JOB_RUNNING;
	f.tags = tags;
	f.n_tags = 1;
	f.count = true;
	f.limit = 2;
	struct job_page page = page_of(fx, &f);
	size_t expected = 0;
	const struct job_page all = page_of(fx, &everything);
	assert_int_equal(all.total, -1);
	for (size_t i = 0; i < all.n; i++) {
		const struct job *job = all.items[i];
		expected += job->project == 1 && f.states & 1u << job->state &&
			strstr(job->tags, "smoke");
	}
	assert_int_equal(page.total, expected);
	assert_int_equal(page.n, 2);
	/* The total is of the list, not of what is behind the cursor. */
	f.cursor = str_of(page.next_cursor);
	assert_int_equal(page_of(fx, &f).total, expected);
}

static int64_t
key_of(const struct job *job, enum job_sort sort, int64_t now_ms)
{
	switch (sort) {
	case JOB_SORT_UPDATED:
		return job->updated_ms;
	case JOB_SORT_COMPLETED:
		return job->completed_ms;
	case JOB_SORT_PRIORITY:
		return job->priority;
	case JOB_SORT_DURATION:
		if (job->started_ms == 0)
			return 0;
		return (job->completed_ms ? job->completed_ms : now_ms) - job->started_ms;
	case JOB_SORT_CREATED:
		return job->created_ms;
	case JOB_SORT_NAME:
	case JOB_SORT_COUNT:
		break;
	}
	return job->seq;
}

static int
compare(const struct job *a, const struct job *b, const struct job_filter *filter)
{
	int64_t x = key_of(a, filter->sort, filter->now_ms);
	int64_t y = key_of(b, filter->sort, filter->now_ms);
	int order = (x > y) - (x < y);
	if (filter->sort == JOB_SORT_NAME)
		order = strcmp(a->name, b->name);
	if (order == 0)
		order = (a->seq > b->seq) - (a->seq < b->seq);
	return filter->descending ? -order : order;
}

/* Every order, both ways, in pages of every size: each job once and in order. */
static void
every_order_is_paged(void **state)
{
	struct fixture *fx = *state;
	struct job_id ids[JOBS];
	put_jobs(fx, ids);
	for (int i = 0; i < JOB_SORT_COUNT * 2; i++) {
		for (size_t limit = 1; limit <= JOBS + 1; limit += 4) {
			struct job_filter f = everything;
			f.sort = (enum job_sort)(i / 2);
			f.descending = i % 2;
			f.limit = limit;
			f.now_ms = fx->now_ms;
			const struct job *last = NULL;
			size_t n = 0;
			for (;;) {
				struct job_page page = page_of(fx, &f);
				for (size_t k = 0; k < page.n; k++) {
					if (last)
						assert_true(
							compare(last, page.items[k], &f) < 0);
					last = page.items[k];
				}
				n += page.n;
				if (!page.next_cursor)
					break;
				assert_int_equal(page.n, limit);
				f.cursor = str_of(page.next_cursor);
			}
			assert_int_equal(n, JOBS);
		}
	}
}

/* What is added, deleted or still running between two pages neither repeats nor hides a row. */
static void
pages_hold_still(void **state)
{
	struct fixture *fx = *state;
	struct job_id ids[JOBS];
	put_jobs(fx, ids);
	const enum job_sort sorts[] = { JOB_SORT_CREATED, JOB_SORT_DURATION, JOB_SORT_NAME };
	for (size_t s = 0; s < ARRAY_LEN(sorts); s++) {
		struct job_filter f = everything;
		f.sort = sorts[s];
		f.descending = true;
		f.limit = 5;
		f.now_ms = fx->now_ms;
		bool seen[JOBS] = { false };
		size_t n_seen = 0;
		for (int turns = 0;; turns++) {
			struct job_page page = page_of(fx, &f);
			for (size_t k = 0; k < page.n; k++) {
				for (int i = 0; i < JOBS; i++) {
					if (memcmp(&ids[i], &page.items[k]->id,
						    sizeof ids[i]) != 0)
						continue;
					assert_false(seen[i]);
					seen[i] = true;
					n_seen++;
				}
			}
			if (!page.next_cursor)
				break;
			f.cursor = str_of(page.next_cursor);
			f.now_ms += 5000;
			put_job(fx, "zz newcomer");
			put_job(fx, "aa newcomer");
		}
		assert_int_equal(n_seen, JOBS);
	}
}

static void
a_foreign_cursor_is_refused(void **state)
{
	struct fixture *fx = *state;
	struct job_id ids[JOBS];
	put_jobs(fx, ids);
	struct job_filter f = everything;
	f.limit = 3;
	struct job_page page = page_of(fx, &f);
	const char *const bad[] = { "x", "????", "AAAA", "not base64!" };
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		f.cursor = str_of(bad[i]);
		assert_int_equal(read_jobs(fx->reader, &f, &fx->arena, &page, &fx->err), -1);
		assert_int_equal(fx->err.code, ERR_INVALID);
	}
	f.cursor = str_of(page.next_cursor);
	page_of(fx, &f);
	f.descending = true;
	assert_int_equal(read_jobs(fx->reader, &f, &fx->arena, &page, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_INVALID);
	f.descending = false;
	f.sort = JOB_SORT_NAME;
	assert_int_equal(read_jobs(fx->reader, &f, &fx->arena, &page, &fx->err), -1);
	assert_int_equal(fx->err.code, ERR_INVALID);
}

/* A hundred layouts of a mebibyte are more than a request's memory. */
static void
a_list_does_without_what_is_large(void **state)
{
	enum { BYTES = 1 << 20, N = 100 };
	struct fixture *fx = *state;
	char *large = xcalloc(1, BYTES + 1);

	memset(large, 'x', BYTES);
	turn(fx);
	load(fx);
	for (int i = 0; i < N; i++) {
		struct job *job = new_job(fx, "large");
		if (i % 2)
			job->layout = job->plan = large;
	}
	save(fx);
	free(large);
	struct job_page page = page_of(fx, &everything);
	assert_int_equal(page.n, N);
	for (int i = 0; i < N; i++) {
		const struct job *job = page.items[i];
		assert_null(job->plan);
		if (i % 2)
			assert_string_equal(job->layout, "");
		else
			assert_null(job->layout);
		assert_int_equal(job->version, 1);
	}
}

const struct contract_case list_cases[] = {
	{ "every filter works", every_filter_works },
	{ "filters combine and count", filters_combine_and_count },
	{ "every order is paged", every_order_is_paged },
	{ "pages hold still", pages_hold_still },
	{ "a foreign cursor is refused", a_foreign_cursor_is_refused },
	{ "a list does without what is large", a_list_does_without_what_is_large },
	{ NULL, NULL },
};
