/* SPDX-License-Identifier: Apache-2.0 */
#include "group_scene.h"

#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"

static const char *const letters[] = { "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k",
	"l", "m", "n", "o", "p" };

int
stage_setup(void **state)
{
	struct stage *stage = xcalloc(1, sizeof *stage);

	arena_init(&stage->arena, GIB(1));
	rng_seed(&stage->rng, 11);
	lanes_init(&stage->lanes, AGEING_MS_DEFAULT);
	uow_init(&stage->uow, &stage->arena, &stage->rng, STAGE_START_MS);
	stage->uow.next_job_seq = stage->uow.next_run_seq = stage->uow.next_event_seq = 1;
	for (int i = 0; i < STAGE_WORKERS; i++)
		uuid_v7(&stage->workers[i].id.u, STAGE_START_MS, &stage->rng);
	stage->spec = (struct job_spec) {
		.name = "job",
		.tags = "[]",
		.labels = "",
		.tests = stage->tests,
		.n_targets = 1,
		.is_grouped = true,
		.fixtures = stage->fixtures,
		.iterations = 1,
		.concurrency = 1,
		.retry = { .factor = 1 },
	};
	*state = stage;
	return 0;
}

int
stage_teardown(void **state)
{
	struct stage *stage = *state;

	uow_deinit(&stage->uow);
	lanes_deinit(&stage->lanes);
	arena_deinit(&stage->arena);
	free(stage);
	return 0;
}

/* ---- the line ---- */

static int32_t
add_hook(struct stage *stage)
{
	size_t at = stage->spec.n_tests + stage->spec.n_hooks++;

	assert_true(at < STAGE_TESTS_MAX);
	stage->tests[at] =
		(struct test_spec) { .name = "hook", .kind = "browser", .body = STR("{}") };
	return (int32_t)at;
}

static void
read_word(struct stage *stage, const char *word, size_t n)
{
	struct fixture_spec *fixture = &stage->fixtures[stage->spec.n_fixtures++];
	size_t first = stage->spec.n_tests;

	*fixture = (struct fixture_spec) {
		.name = "", .first = (int32_t)first, .before = -1, .after = -1
	};
	for (size_t i = 0; i < n; i++) {
		fixture->mode = word[i] == '=' ? FIXTURE_SERIAL
			: word[i] == '!'       ? FIXTURE_ISOLATED
					       : fixture->mode;
		fixture->before = word[i] == '<' ? 0 : fixture->before;
		fixture->after = word[i] == '>' ? 0 : fixture->after;
		if (!isalpha((unsigned char)word[i]))
			continue;
		size_t at = stage->spec.n_tests++;
		assert_int_equal(tolower((unsigned char)word[i]), letters[at][0]);
		stage->tests[at] = (struct test_spec) {
			.name = letters[at],
			.kind = "browser",
			.body = STR("{}"),
			.skip = isupper((unsigned char)word[i]) != 0,
		};
	}
	fixture->n_tests = (int32_t)(stage->spec.n_tests - first);
}

void
fixtures(struct stage *stage, const char *line)
{
	struct str rest = str_of(line);
	bool has_before = strchr(line, '{') != NULL, has_after = strchr(line, '}') != NULL;

	while (rest.n > 0) {
		struct str word = str_split_first(&rest, ' ');
		if (word.p[0] != '{' && word.p[0] != '}')
			read_word(stage, word.p, word.n);
	}
	for (size_t i = 0; i < stage->spec.n_fixtures; i++) {
		struct fixture_spec *fixture = &stage->fixtures[i];
		fixture->name = letters[fixture->first];
		fixture->before = fixture->before == 0 ? add_hook(stage) : -1;
		fixture->after = fixture->after == 0 ? add_hook(stage) : -1;
	}
	stage->spec.before = has_before ? add_hook(stage) : -1;
	stage->spec.after = has_after ? add_hook(stage) : -1;
}

struct job *
set_up(struct stage *stage, const char *line)
{
	if (line)
		fixtures(stage, line);
	struct queue *queue = lanes_get_queue(&stage->lanes, &stage->uow, 1, "default");
	stage->job = plan_create(&stage->uow, &stage->lanes, 1, queue, &stage->spec);
	(void)turns(stage);
	return stage->job;
}

/* ---- time ---- */

/* The job as the next turn would load it: its plan from text, its open runs only. */
static void
store_and_load(struct stage *stage)
{
	struct job *job = stage->job;
	struct run *run = job->open_runs, *next;

	group_save_changed(&stage->uow);
	assert_non_null(job->plan);
	job->grouping = NULL;
	job->open_runs = job->last_open_run = NULL;
	for (; run; run = next) {
		next = run->job_next;
		run->job_next = NULL;
		if (run->state == RUN_FINISHED)
			continue;
		if (job->last_open_run)
			job->last_open_run->job_next = run;
		else
			job->open_runs = run;
		job->last_open_run = run;
	}
}

int
turns(struct stage *stage)
{
	struct job *job = stage->job;
	int n = 0;

	store_and_load(stage);
	while (job->due_ms > 0 && job->due_ms <= stage->uow.now_ms) {
		assert_true(n++ < 1000); /* else it spins */
		plan_due(&stage->uow, &stage->lanes, job);
		store_and_load(stage);
	}
	return n;
}

void
pass(struct stage *stage, int64_t ms)
{
	stage->uow.now_ms += ms;
	(void)turns(stage);
}

/* ---- runs ---- */

static void
run_name(const struct stage *stage, const struct run *run, bool has_attempt, char *out,
	size_t size)
{
	const struct job_spec *spec = &stage->spec;
	char group[16] = "", iteration[24] = "", test[16] = "?", attempt[16] = "";

	if (spec->n_targets > 1)
		snprintf(group, sizeof group, "%d/", (int)run->target + 1);
	if (run->iteration > 1)
		snprintf(iteration, sizeof iteration, "%lld.", (long long)run->iteration);
	if (has_attempt && run->attempt > 1)
		snprintf(attempt, sizeof attempt, "#%d", (int)run->attempt);
	if ((size_t)run->test < spec->n_tests)
		snprintf(test, sizeof test, "%s", spec->tests[run->test].name);
	else if (run->test == spec->before || run->test == spec->after)
		snprintf(test, sizeof test, "%s", run->test == spec->before ? "{" : "}");
	for (size_t i = 0; i < spec->n_fixtures; i++) {
		const struct fixture_spec *fixture = &spec->fixtures[i];
		if (run->test == fixture->before || run->test == fixture->after)
			snprintf(test, sizeof test, "%c%d",
				run->test == fixture->before ? '<' : '>', (int)i + 1);
	}
	snprintf(out, size, "%s%s%s%s", group, iteration, test, attempt);
}

struct run *
try_take(struct stage *stage, int w)
{
	struct run *run = stage->job->ready
		? plan_lease(&stage->uow, &stage->lanes, stage->job, &stage->workers[w])
		: NULL;

	(void)turns(stage);
	return run;
}

struct run *
take(struct stage *stage, int w, const char *name)
{
	struct run *run = try_take(stage, w);
	char own[64] = "nothing", text[80];

	if (run) {
		run_name(stage, run, true, own, sizeof own);
		snprintf(text, sizeof text, "%s@%d", own, (int)run->connection);
	} else {
		snprintf(text, sizeof text, "%s", own);
	}
	assert_string_equal(text, name);
	return run;
}

struct run *
take_any(struct stage *stage)
{
	struct run *run = try_take(stage, 0);

	assert_non_null(run);
	return run;
}

void
take_none(struct stage *stage, int w)
{
	struct run *run = try_take(stage, w);
	char name[64];

	if (!run)
		return;
	run_name(stage, run, true, name, sizeof name);
	fail_msg("%s was given out", name);
}

static enum run_outcome
outcome_of(char letter)
{
	static const char all[] = { [OUTCOME_PASSED] = 'P',
		[OUTCOME_FAILED] = 'F',
		[OUTCOME_ERRORED] = 'E',
		[OUTCOME_SKIPPED] = 'S',
		[OUTCOME_CANCELLED] = 'C',
		[OUTCOME_TIMED_OUT] = 'T' };
	const char *at = memchr(all, letter, sizeof all);

	assert_non_null(at);
	return (enum run_outcome)(at - all);
}

void
ends_with(struct stage *stage, struct run *run, char outcome, const char *reason,
	const char *error)
{
	struct run_result result = { .outcome = outcome_of(outcome),
		.reason = reason,
		.error = error,
		.duration_ms = 7 };

	plan_finish(&stage->uow, &stage->lanes, run, &result);
	(void)turns(stage);
}

void
ends(struct stage *stage, struct run *run, char outcome)
{
	ends_with(stage, run, outcome, NULL,
		outcome == 'F' ? "{\"message\":\"It is wrong.\"}" : NULL);
}

void
vanishes(struct stage *stage, struct run *run, bool with_worker)
{
	plan_lost(&stage->uow, &stage->lanes, run, true,
		with_worker ? NULL : "browser_disconnected");
	(void)turns(stage);
}

void
order(struct stage *stage, enum job_command command)
{
	struct err err;

	assert_int_equal(
		plan_command(&stage->uow, &stage->lanes, stage->job, command, &err), 0);
	(void)turns(stage);
}

void
play_all(struct stage *stage, char outcome)
{
	struct run *run;
	int n = 0;

	while ((run = try_take(stage, 0))) {
		assert_true(n++ < 5000);
		ends(stage, run, outcome);
	}
}

/* ---- what was said ---- */

static char
outcome_letter(const json_t *data)
{
	const char *name = json_string_value(json_object_get(data, "outcome"));

	return name ? (char)toupper((unsigned char)name[0]) : '?';
}

/* One event as a word; empty: it is left out. */
static void
event_word(const struct stage *stage, const struct event *event, char *out, size_t size)
{
	const struct run *run = uow_run(&stage->uow, event->run);
	json_t *data = json_loadb(event->data.p, event->data.n, 0, NULL);
	bool again = json_is_true(json_object_get(data, "willRetry"));
	bool unstable = json_is_true(json_object_get(data, "unstable"));
	char name[64] = "";

	if (run)
		run_name(stage, run, stage->tells_attempts, name, sizeof name);
	if (event->type == EV_RUN_LEASED)
		snprintf(out, size, "+%s", name);
	else if (event->type == EV_RUN_FINISHED)
		snprintf(out, size, "%s%c%c", name, again ? '~' : ':', outcome_letter(data));
	else if (event->type == EV_RUN_RELEASED)
		snprintf(
			out, size, "!%s:%c%s", name, outcome_letter(data), unstable ? "*" : "");
	else if (event->type == EV_RUN_RESTARTED)
		snprintf(out, size, "%s<", name);
	else if (event->type != EV_JOB_PROGRESS && event->type != EV_RUN_CREATED &&
		event->type != EV_RUN_LOST)
		snprintf(out, size, "%s", event_type_name(event->type));
	json_decref(data);
}

static const char *
tell(struct stage *stage, char only)
{
	size_t n = 0;

	stage->text[0] = '\0';
	for (; stage->n_told < stage->uow.events.n; stage->n_told++) {
		char word[80] = "";
		event_word(stage, &stage->uow.events.item[stage->n_told], word, sizeof word);
		if (word[0] == '\0' || (only && word[0] != only))
			continue;
		n += (size_t)snprintf(stage->text + n, sizeof stage->text - n, "%s%s",
			n > 0 ? " " : "", only ? word + 1 : word);
		assert_true(n < sizeof stage->text);
	}
	return stage->text;
}

const char *
told(struct stage *stage)
{
	return tell(stage, '\0');
}

const char *
released(struct stage *stage)
{
	return tell(stage, '!');
}

void
assert_is(const struct stage *stage, enum job_state state, enum job_reason reason)
{
	const struct job *job = stage->job;

	assert_string_equal(job_state_name(job->state), job_state_name(state));
	assert_int_equal(job_shown_reason(job), reason);
	if (!job_state_is_final(state))
		return;
	assert_int_equal(job->running, 0);
	assert_int_equal(job->waiting, 0);
	assert_int_equal(job->due_ms, 0);
	assert_false(job->ready);
	for (const struct run *run = job->open_runs; run; run = run->job_next)
		assert_int_equal(run->state, RUN_FINISHED);
}

void
assert_counts(struct stage *stage, const char *expected)
{
	const struct job_counts *counts = &stage->job->counts;
	const struct {
		const char *name;
		int64_t n;
	} all[] = {
		{ "passed", counts->passed },
		{ "failed", counts->failed },
		{ "errored", counts->errored },
		{ "timed_out", counts->timed_out },
		{ "cancelled", counts->cancelled },
		{ "skipped", counts->skipped },
		{ "flaky", counts->flaky },
		{ "quarantined", counts->quarantined },
	};
	char text[200] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (all[i].n != 0)
			n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %lld",
				n > 0 ? " " : "", all[i].name, (long long)all[i].n);
	}
	assert_string_equal(text, expected);
}
