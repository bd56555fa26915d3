/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each thing that ended is added to the cells that it belongs to: without a tag and under each
 * of its tags, in its day and, for jobs, in its hour. Cells are found by the text of their key
 * in a map of the turn. Durations are counted in histograms that become text at the end.
 */
#include "core/stats.h"

#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "core/cluster.h"
#include "core/group.h"
#include "core/histogram.h"

/* A cell under construction. */
struct sum {
	struct stat_cell cell;
	struct histogram queued, run;
};

struct collector {
	struct uow *uow;
	struct map sums;    /* key text → struct sum */
	struct map known;   /* known_test.key → struct known_test */
	struct map classes; /* error_class.key → struct error_class */
};

/* ---- keys ---- */

static int64_t
hash_key(int64_t project, const char *text)
{
	crypto_generichash_state state;
	uint64_t hash = 0;

	/* None of these fails with sizes in range. */
	(void)crypto_generichash_init(&state, NULL, 0, 16);
	(void)crypto_generichash_update(
		&state, (const unsigned char *)&project, sizeof project);
	(void)crypto_generichash_update(&state, (const unsigned char *)text, strlen(text));
	unsigned char out[16];

	(void)crypto_generichash_final(&state, out, sizeof out);
	for (size_t i = 0; i < 8; i++)
		hash = hash << 8 | out[i];
	int64_t key = (int64_t)(hash >> 1);

	return key != 0 ? key : 1;
}

int64_t
stats_test_key(int64_t project, const char *name)
{
	return hash_key(project, name);
}

int64_t
stats_error_key(int64_t project, const char *normalised)
{
	return hash_key(project, normalised);
}

int64_t
stats_floor(int64_t at_ms, enum stat_scale scale)
{
	int64_t span = scale == STAT_HOUR ? HOURS_MS(1) : DAYS_MS(1);

	return at_ms - at_ms % span;
}

/* ---- attributes ---- */

static const char *
text_of_id(struct uow *uow, const struct uuid *id)
{
	char text[UUID_TEXT_LEN + 1];

	if (uuid_is_zero(id))
		return "";
	uuid_format(id, text);
	return arena_strdup(uow->arena, text);
}

/* The value of "team=…" among "key=value" lines; "" when there is none. */
static const char *
team_of(struct uow *uow, const char *keys)
{
	struct str rest = str_of(keys);

	while (rest.p) {
		struct str line = str_split_first(&rest, '\n');

		if (str_starts(line, STR("team=")))
			return arena_strndup(uow->arena, line.p + 5, line.n - 5);
	}
	return "";
}

/* The key of a cell as far as a job decides it. */
static struct stat_cell
cell_of_job(struct uow *uow, const struct job *job, enum stat_subject subject)
{
	return (struct stat_cell) {
		.project = job->project,
		.subject = subject,
		.name = "",
		.kind = job->kind ? job->kind : "",
		.queue = job->queue,
		.tmpl = text_of_id(uow, &job->template_id.u),
		.schedule = job->schedule,
		.tag = "",
		.team = team_of(uow, job->keys),
		.state = "",
		.reason = "",
	};
}

/* ---- cells ---- */

static struct stat_cell
key_of(const struct stat_cell *cell)
{
	return (struct stat_cell) {
		.project = cell->project,
		.subject = cell->subject,
		.scale = cell->scale,
		.at_ms = cell->at_ms,
		.name = cell->name,
		.kind = cell->kind,
		.queue = cell->queue,
		.tmpl = cell->tmpl,
		.schedule = cell->schedule,
		.tag = cell->tag,
		.team = cell->team,
		.state = cell->state,
		.reason = cell->reason,
		.queued_hist = "",
		.run_hist = "",
	};
}

static struct sum *
sum_of(struct collector *c, const struct stat_cell *one)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(8));

	/* Every attribute has a limit far below; one with a separator inside would share a
	 * cell. */
	if (buf_addf(&text,
		    "%" PRId64 "\x1f%d\x1f%d\x1f%" PRId64 "\x1f%s\x1f%s\x1f%" PRId64
		    "\x1f%s\x1f%" PRId64 "\x1f%s\x1f%s\x1f%s\x1f%s",
		    one->project, one->subject, one->scale, one->at_ms, one->name, one->kind,
		    one->queue, one->tmpl, one->schedule, one->tag, one->team, one->state,
		    one->reason) < 0)
		return NULL;
	struct sum *sum = map_get(&c->sums, text.data, text.len);

	if (sum)
		return sum;
	sum = arena_xalloc(c->uow->arena, sizeof *sum);
	*sum = (struct sum) {
		.cell = key_of(one),
		.queued.arena = c->uow->arena,
		.run.arena = c->uow->arena,
	};
	(void)map_put(&c->sums, text.data, text.len, sum);
	UOW_PUSH(c->uow, &c->uow->stats, &sum->cell);
	return sum;
}

void
stat_cell_count(struct stat_cell *to, const struct stat_cell *more)
{
	to->n += more->n;
	to->passed += more->passed;
	to->failed += more->failed;
	to->errored += more->errored;
	to->timed_out += more->timed_out;
	to->cancelled += more->cancelled;
	to->skipped += more->skipped;
	to->flaky += more->flaky;
	to->quarantined += more->quarantined;
	to->transitions += more->transitions;
	to->attempts += more->attempts;
	to->queued_ms += more->queued_ms;
	to->run_ms += more->run_ms;
	to->busy_ms += more->busy_ms;
	to->measured += more->measured;
	to->cpu_ms += more->cpu_ms;
	to->tokens += more->tokens;
	if (more->peak_kib > to->peak_kib)
		to->peak_kib = more->peak_kib;
}

void
stat_cell_add(struct stat_cell *to, const struct stat_cell *more, struct arena *arena)
{
	struct histogram queued = { .arena = arena }, run = { .arena = arena };

	stat_cell_count(to, more);
	histogram_add_text(&queued, to->queued_hist);
	histogram_add_text(&queued, more->queued_hist);
	histogram_add_text(&run, to->run_hist);
	histogram_add_text(&run, more->run_hist);
	to->queued_hist = histogram_text(&queued);
	to->run_hist = histogram_text(&run);
}

/* What one thing that ended adds to a cell; a duration of -1 is not counted. */
static void
add(struct collector *c, const struct stat_cell *one, int64_t queued_ms, int64_t run_ms)
{
	struct sum *sum = sum_of(c, one);

	if (!sum)
		return;
	stat_cell_count(&sum->cell, one);
	if (queued_ms >= 0)
		histogram_add(&sum->queued, queued_ms);
	if (run_ms >= 0)
		histogram_add(&sum->run, run_ms);
}

/* The same without a tag, and under each tag of the job. */
static void
add_tagged(struct collector *c, struct stat_cell *one, const json_t *tags, int64_t queued_ms,
	int64_t run_ms)
{
	size_t n = json_array_size(tags);

	one->tag = "";
	add(c, one, queued_ms, run_ms);
	for (size_t i = 0; i < n && i < STAT_TAGS_MAX; i++) {
		const char *tag = json_string_value(json_array_get(tags, i));

		if (!tag || *tag == '\0')
			continue;
		one->tag = arena_strdup(c->uow->arena, tag);
		add(c, one, queued_ms, run_ms);
	}
}

/* NULL: none. */
static json_t *
tags_of(const struct job *job)
{
	return job->tags && strcmp(job->tags, "[]") != 0 ? json_loads(job->tags, 0, NULL)
							 : NULL;
}

/* ---- jobs ---- */

void
stat_cell_of_job(struct stat_cell *cell, const struct job *job)
{
	bool has_run = job->started_ms > 0 && job->completed_ms >= job->started_ms;

	cell->n = 1;
	cell->passed = job->counts.passed;
	cell->failed = job->counts.failed;
	cell->errored = job->counts.errored;
	cell->timed_out = job->counts.timed_out;
	cell->cancelled = job->counts.cancelled;
	cell->skipped = job->counts.skipped;
	cell->flaky = job->counts.flaky;
	cell->quarantined = job->counts.quarantined;
	cell->queued_ms = has_run ? job->queued_ms : 0;
	cell->run_ms = cell->busy_ms = has_run ? job->completed_ms - job->started_ms : 0;
	cell->measured = job->cpu_ms > 0 || job->peak_kib > 0;
	cell->cpu_ms = job->cpu_ms;
	cell->peak_kib = job->peak_kib;
	cell->tokens = job->tokens;
}

static void
collect_job(struct collector *c, const struct job *job)
{
	struct stat_cell one = cell_of_job(c->uow, job, STAT_JOB);
	const char *reason = job_reason_name(job->reason);
	_cleanup_(json_unrefp) json_t *tags = tags_of(job);
	bool has_run = job->started_ms > 0 && job->completed_ms >= job->started_ms;

	if (job->flow)
		one.kind = "flow";
	one.state = job_state_name(job->state);
	one.reason = reason ? reason : "";
	stat_cell_of_job(&one, job);
	one.at_ms = stats_floor(job->completed_ms, STAT_DAY);
	add_tagged(c, &one, tags, has_run ? one.queued_ms : -1, has_run ? one.run_ms : -1);
	/* Hours have few attributes: there are many of them. */
	one.scale = STAT_HOUR;
	one.at_ms = stats_floor(job->completed_ms, STAT_HOUR);
	one.tag = one.tmpl = one.team = "";
	one.schedule = 0;
	add(c, &one, has_run ? one.queued_ms : -1, has_run ? one.run_ms : -1);
}

/* ---- tests ---- */

static bool
is_failure(enum run_outcome outcome)
{
	return outcome == OUTCOME_FAILED || outcome == OUTCOME_ERRORED ||
		outcome == OUTCOME_TIMED_OUT;
}

static void
count_outcome(struct stat_cell *one, const struct run *run)
{
	if (run->quarantine != 0 && is_failure(run->outcome)) {
		one->quarantined = 1;
		return;
	}
	switch (run->outcome) {
	case OUTCOME_PASSED:
		one->passed = 1;
		one->flaky = run->attempt > 1;
		break;
	case OUTCOME_FAILED:
		one->failed = 1;
		break;
	case OUTCOME_ERRORED:
		one->errored = 1;
		break;
	case OUTCOME_TIMED_OUT:
		one->timed_out = 1;
		break;
	case OUTCOME_CANCELLED:
		one->cancelled = 1;
		break;
	case OUTCOME_SKIPPED:
	case OUTCOME_NONE:
	case OUTCOME_COUNT:
		one->skipped = 1;
		break;
	}
}

/* The row of the unit's test, the same for all its units of the turn. */
static struct known_test *
known_of(struct collector *c, const struct stat_unit *unit)
{
	int64_t key = stats_test_key(unit->run->project, unit->name);
	struct known_test *known = map_get(&c->known, &key, sizeof key);

	if (known)
		return known;
	known = arena_xalloc(c->uow->arena, sizeof *known);
	*known = unit->known;
	known->key = key;
	known->project = unit->run->project;
	known->name = unit->name;
	known->kind = unit->kind;
	if (known->n == 0)
		known->first_ms = unit->run->finished_ms;
	(void)map_put(&c->known, &key, sizeof key, known);
	UOW_PUSH(c->uow, &c->uow->known_tests, known);
	return known;
}

/* True when the verdict is not the test's last one. How it failed makes no difference. */
static bool
note_verdict(struct known_test *known, const struct run *run)
{
	bool says = run->outcome == OUTCOME_PASSED || is_failure(run->outcome);
	bool is_first = known->outcome == OUTCOME_NONE;
	bool is_late = run->finished_ms < known->last_ms; /* of the backlog */
	bool differs = says && !is_first && !is_late &&
		is_failure(known->outcome) != is_failure(run->outcome);

	known->n++;
	if (!is_late)
		known->last_ms = run->finished_ms;
	if (!says || is_late)
		return false;
	known->outcome = run->outcome;
	known->streak = differs || is_first ? 1 : known->streak + 1;
	return differs;
}

static struct error_class *
class_of(struct collector *c, const struct stat_unit *unit, const char *sample)
{
	struct run *run = unit->run;
	const char *text = cluster_normalise(str_of(sample), c->uow->arena);
	int64_t key = stats_error_key(run->project, text);
	struct error_class *class = map_get(&c->classes, &key, sizeof key);

	if (!class) {
		class = arena_xalloc(c->uow->arena, sizeof *class);
		*class = (struct error_class) {
			.key = key,
			.project = run->project,
			.text = text,
			.sample = sample,
			.first_ms = run->finished_ms,
		};
		(void)map_put(&c->classes, &key, sizeof key, class);
		UOW_PUSH(c->uow, &c->uow->error_classes, class);
	}
	class->n++;
	class->test = unit->name;
	class->last_ms = run->finished_ms;
	class->job = run->job->id;
	class->run = run->id;
	return class;
}

static void
collect_error(struct collector *c, const struct stat_unit *unit, struct stat_cell one,
	const json_t *tags)
{
	struct run *run = unit->run;
	const char *sample = cluster_message(
		run->error, run->reason, run_outcome_name(run->outcome), c->uow->arena);
	const struct error_class *class = class_of(c, unit, sample);
	char name[24];

	run->error_class = class->key;
	snprintf(name, sizeof name, "%016" PRIx64, (uint64_t) class->key);
	one.subject = STAT_ERROR;
	one.name = arena_strdup(c->uow->arena, name);
	one.n = 1;
	add_tagged(c, &one, tags, -1, -1);
}

/* The unit's result, and what its last attempt cost. */
static void
collect_unit(struct collector *c, const struct stat_unit *unit)
{
	struct run *run = unit->run;
	struct stat_cell one = cell_of_job(c->uow, run->job, STAT_TEST);
	_cleanup_(json_unrefp) json_t *tags = tags_of(run->job);
	bool has_run = run->fence > 0;

	one.at_ms = stats_floor(run->finished_ms, STAT_DAY);
	one.name = unit->name;
	one.kind = unit->kind;
	if (unit->is_unit && is_failure(run->outcome))
		collect_error(c, unit, one, tags);
	if (unit->is_unit) {
		run->test_key = stats_test_key(run->project, unit->name);
		one.n = 1;
		count_outcome(&one, run);
		one.transitions = note_verdict(known_of(c, unit), run);
		one.run_ms = has_run ? run->duration_ms : 0;
		uow_touch_run(c->uow, run);
	}
	if (unit->is_finished) {
		one.attempts = 1;
		one.busy_ms = run->duration_ms;
		one.measured = run->cpu_ms > 0 || run->peak_kib > 0;
		one.cpu_ms = run->cpu_ms;
		one.peak_kib = run->peak_kib;
		one.tokens = run->tokens;
	}
	add_tagged(c, &one, tags, -1, unit->is_unit && has_run ? one.run_ms : -1);
}

static void
collect_worker(struct collector *c, const struct stat_unit *unit)
{
	const struct run *run = unit->run;
	struct stat_cell one = cell_of_job(c->uow, run->job, STAT_WORKER);

	one.tmpl = one.team = "";
	one.schedule = 0;
	one.at_ms = stats_floor(run->finished_ms, STAT_DAY);
	one.name = text_of_id(c->uow, &run->worker.u);
	one.kind = unit->kind ? unit->kind : "";
	one.n = one.attempts = 1;
	count_outcome(&one, run);
	one.run_ms = one.busy_ms = run->duration_ms;
	one.measured = run->cpu_ms > 0 || run->peak_kib > 0;
	one.cpu_ms = run->cpu_ms;
	one.peak_kib = run->peak_kib;
	one.tokens = run->tokens;
	add(c, &one, run->started_ms > 0 ? run->started_ms - run->leased_ms : -1, one.run_ms);
}

/* ---- the turn ---- */

/* Name and kind of a test of a job that this turn made. */
static void
name_new(const struct uow *uow, struct stat_unit *unit)
{
	for (size_t i = 0; i < uow->tests.n && unit->run->job->change == ROW_NEW; i++) {
		const struct job_test *test = &uow->tests.item[i];

		if (test->job_seq == unit->run->job_seq && test->index == unit->run->test) {
			unit->name = test->name;
			unit->kind = test->kind;
			return;
		}
	}
}

void
stats_units(struct uow *uow, struct stat_unit **ret, size_t *ret_n)
{
	size_t n = 0;
	*ret_n = 0;
	bool may_have = uow->units.n > 0 || uow->ended.n > 0;

	for (size_t i = 0; i < uow->runs.n && !may_have; i++)
		may_have = uow->runs.item[i]->state == RUN_FINISHED &&
			uow->runs.item[i]->change != ROW_CLEAN;
	if (!may_have)
		return;

	struct stat_unit *all =
		arena_xalloc(uow->arena, (uow->units.n + uow->runs.n + 1) * sizeof *all);
	struct map by_run;

	map_init(&by_run, MAP_KEYS_BORROWED);
	for (size_t i = 0; i < uow->units.n; i++) {
		struct run *run = uow_run(uow, uow->units.item[i]->id);

		if (run->job->change == ROW_DELETED)
			continue;
		/* What is clean comes from the backlog. */
		all[n] = (struct stat_unit) {
			.run = run,
			.is_unit = true,
			.is_finished = run->change == ROW_CLEAN && run->fence > 0,
		};
		(void)map_put(&by_run, &run->seq, sizeof run->seq, &all[n++]);
	}
	for (size_t i = 0; i < uow->runs.n; i++) {
		struct run *run = uow->runs.item[i];
		bool ended = run->state == RUN_FINISHED && run->change != ROW_CLEAN &&
			run->fence > 0 && run->job->change != ROW_DELETED;
		struct stat_unit *unit =
			ended ? map_get(&by_run, &run->seq, sizeof run->seq) : NULL;

		if (!ended)
			continue;
		if (!unit) {
			unit = &all[n++];
			*unit = (struct stat_unit) { .run = run };
		}
		unit->is_finished = true;
	}
	map_deinit(&by_run);
	for (size_t i = 0; i < n; i++)
		name_new(uow, &all[i]);
	*ret = all;
	*ret_n = n;
}

void
stats_collect(struct uow *uow, struct stat_unit *units, size_t n)
{
	struct collector c = { .uow = uow };
	size_t first = uow->stats.n;

	if (n == 0 && uow->ended.n == 0)
		return;
	map_init(&c.sums, MAP_KEYS_COPIED);
	map_init(&c.known, MAP_KEYS_COPIED);
	map_init(&c.classes, MAP_KEYS_COPIED);
	for (size_t i = 0; i < uow->ended.n; i++) {
		if (uow->ended.item[i]->change != ROW_DELETED)
			collect_job(&c, uow->ended.item[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (units[i].name && run_is_unit(units[i].run->job, units[i].run))
			collect_unit(&c, &units[i]);
		if (units[i].is_finished)
			collect_worker(&c, &units[i]);
	}
	for (size_t i = first; i < uow->stats.n; i++) {
		struct stat_cell *cell = uow->stats.item[i];
		const struct sum *sum = container_of(cell, struct sum, cell);

		cell->queued_hist = histogram_text(&sum->queued);
		cell->run_hist = histogram_text(&sum->run);
	}
	map_deinit(&c.sums);
	map_deinit(&c.known);
	map_deinit(&c.classes);
}
