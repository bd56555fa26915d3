/* SPDX-License-Identifier: Apache-2.0 */
/* What each kind of intent needs loaded, and what it does. */
#include <stdarg.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/group.h"
#include "core/needs.h"
#include "core/rate.h"
#include "engine/engine_impl.h"

/* ---- answers ---- */

void
intent_answer(struct turn *turn, struct intent *intent)
{
	UOW_PUSH(&turn->uow, &turn->answered, intent);
}

int
intent_fail(struct turn *turn, struct intent *intent, enum err_code code, const char *fmt, ...)
{
	char text[sizeof intent->err.text];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	intent->status = INTENT_IS_ERROR;
	(void)err_set(&intent->err, code, "%s", text);
	intent_answer(turn, intent);
	return -1;
}

void
intent_conflict(struct turn *turn, struct intent *intent, enum intent_conflict conflict,
	const char *text)
{
	intent->conflict = conflict;
	(void)intent_fail(turn, intent, ERR_CONFLICT, "%s", text);
}

static const char *
copy_text(struct arena *arena, const char *text)
{
	if (!text)
		return NULL;
	size_t n = strlen(text) + 1;
	return memcpy(arena_xalloc(arena, n), text, n);
}

void
job_snapshot(struct arena *arena, const struct job *job, struct job *ret)
{
	*ret = *job;
	ret->name = copy_text(arena, job->name);
	ret->tags = copy_text(arena, job->tags);
	ret->labels = copy_text(arena, job->labels);
	ret->kind = copy_text(arena, job->kind);
	ret->kinds = copy_text(arena, job->kinds);
	ret->targets = copy_text(arena, job->targets);
	ret->keys = copy_text(arena, job->keys);
	ret->needs = copy_text(arena, job->needs);
	ret->held_key = copy_text(arena, job->held_key);
	ret->unique_key = copy_text(arena, job->unique_key);
	ret->layout = copy_text(arena, job->layout);
	ret->stage = copy_text(arena, job->stage);
	ret->flow = NULL; /* megabytes: whoever shows it reads it */
	ret->flow_run = NULL;
	ret->plan = NULL; /* of the turn, as what follows */
	ret->grouping = NULL;
	ret->open_runs = NULL;
	ret->runs_loaded = false;
}

/* ---- idempotency ---- */

static const struct idem *
find_idem(const struct uow *uow, const struct intent *intent)
{
	for (size_t i = 0; i < uow->idems.n; i++) {
		const struct idem *idem = uow->idems.item[i];
		if (idem->project == intent->project && str_eq(idem->key, intent->idem_key))
			return idem;
	}
	return NULL;
}

/* True when the intent was answered from its key. */
static bool
is_replay(struct turn *turn, struct intent *intent)
{
	const struct idem *idem = intent->idem_key.n > 0 ? find_idem(&turn->uow, intent) : NULL;

	if (!idem)
		return false;
	if (memcmp(idem->hash, intent->idem_hash, sizeof idem->hash) != 0) {
		intent_conflict(turn, intent, CONFLICT_IDEM,
			"this Idempotency-Key was used for a different request");
		return true;
	}
	intent->replayed = true;
	intent->out.n_jobs = idem->n_ids;
	intent->out.jobs = arena_xalloc(&intent->arena, (idem->n_ids + 1) * sizeof(struct job));
	for (size_t i = 0; i < idem->n_ids; i++)
		intent->out.jobs[i].id.u = idem->ids[i];
	intent_answer(turn, intent);
	return true;
}

void
intent_keep_idem(
	struct turn *turn, const struct intent *intent, const struct uuid *ids, size_t n_ids)
{
	struct uow *uow = &turn->uow;

	if (intent->idem_key.n == 0)
		return;
	struct idem *idem = arena_xalloc(uow->arena, sizeof *idem);
	*idem = (struct idem) {
		.project = intent->project,
		.key = intent->idem_key,
		.created_ms = uow->now_ms,
		.n_ids = n_ids,
		.change = ROW_NEW,
	};
	memcpy(idem->hash, intent->idem_hash, sizeof idem->hash);
	idem->ids = arena_xalloc(uow->arena, (n_ids + 1) * sizeof *ids);
	if (n_ids > 0)
		memcpy(idem->ids, ids, n_ids * sizeof *ids);
	UOW_PUSH(uow, &uow->idems, idem);
	turn->engine->idem_kept_ms = uow->now_ms;
	if (turn->engine->purge_due_ms == 0)
		turn->engine->purge_due_ms = uow->now_ms + HOURS_MS(1);
}

/* ---- jobs ---- */

/* Makes the queue and every lane that the job will stand in, so that it is refused now and not
 * stuck later. */
static struct lane *
lane_of_spec(struct turn *turn, const struct intent *intent, const struct job_spec *spec,
	const struct queue *queue, const char *kind)
{
	const struct job like = {
		.project = intent->project,
		.queue = queue->id,
		.labels = spec->labels,
		.needs = spec->needs,
		.keys = spec->keys,
	};
	const struct lane lane = plan_lane(turn->uow.arena, &turn->engine->lanes, &like, kind);

	return lanes_get_lane_like(&turn->engine->lanes, &turn->uow, &lane);
}

/* False: the intent was refused. */
static bool
queue_takes(struct turn *turn, struct intent *intent, const struct queue *queue)
{
	if (queue->draining) {
		intent->conflict = CONFLICT_DRAINING;
		(void)intent_fail(turn, intent, ERR_LIMIT,
			"queue \"%s\" is being drained and takes no new jobs", queue->name);
		return false;
	}
	return true;
}

static int
make_lanes(struct turn *turn, struct intent *intent, const struct job_spec *spec)
{
	struct lanes *lanes = &turn->engine->lanes;
	struct uow *uow = &turn->uow;
	const char *name = spec->queue ? spec->queue : "default";
	if (strcmp(name, QUEUE_STAR) == 0)
		return intent_fail(turn, intent, ERR_INVALID,
			"\"*\" is the settings of all queues, no job can be put into it");
	struct queue *queue = lanes_get_queue(lanes, uow, intent->project, name);
	if (!queue)
		return intent_fail(turn, intent, ERR_LIMIT,
			"queue \"%s\": there are %d queues, the maximum", name, QUEUES_MAX);
	if (!queue_takes(turn, intent, queue))
		return -1;
	for (size_t i = 0; i < spec->n_tests + spec->n_hooks; i++) {
		const char *kind = spec->tests[i].kind;
		if (i > 0 && strcmp(kind, spec->tests[i - 1].kind) == 0)
			continue;
		if (!lane_of_spec(turn, intent, spec, queue, kind))
			return intent_fail(turn, intent, ERR_LIMIT,
				"there are %d combinations of queue, kind and labels, the maximum",
				LANES_MAX);
	}
	return 0;
}

/* Spec number i is answered with a job that was there. */
static void
note_existing(struct intent *intent, size_t i)
{
	if (!intent->out.existing)
		intent->out.existing = arena_xalloc(
			&intent->arena, intent->in.create.n * sizeof *intent->out.existing);
	intent->out.existing[i] = true;
}

static void
key_uniques(struct turn *turn, const struct intent *intent)
{
	for (size_t i = 0; i < intent->in.create.n; i++) {
		const struct unique_spec *unique = &intent->in.create.specs[i].unique;
		struct unique_key key = { intent->project, unique->key };
		if (unique->mode != UNIQUE_NONE)
			UOW_PUSH(&turn->uow, &turn->keys.uniques, key);
	}
}

static void
apply_create(struct turn *turn, struct intent *intent)
{
	struct engine *engine = turn->engine;
	struct uow *uow = &turn->uow;
	const struct job_create *create = &intent->in.create;
	struct job *jobs = arena_xalloc(&intent->arena, (create->n + 1) * sizeof *jobs);
	struct uuid *ids = arena_xalloc(uow->arena, (create->n + 1) * sizeof *ids);
	size_t n_made = 0;

	if (!project_is_open(turn, intent))
		return;
	for (size_t i = 0; i < create->n; i++) {
		if (make_lanes(turn, intent, &create->specs[i]) < 0)
			return;
	}
	for (size_t i = 0; i < create->n; i++) {
		const struct job_spec *spec = &create->specs[i];
		struct queue *queue = lanes_find_queue(
			&engine->lanes, intent->project, spec->queue ? spec->queue : "default");
		struct job *job =
			plan_unique(uow, &engine->lanes, intent->project, &spec->unique);

		if (job) {
			note_existing(intent, i);
		} else {
			job = plan_create(uow, &engine->lanes, intent->project, queue, spec);
			n_made++;
		}
		job_snapshot(&intent->arena, job, &jobs[i]);
		ids[i] = job->id.u;
	}
	intent->out.jobs = jobs;
	intent->out.n_jobs = create->n;
	intent_keep_idem(turn, intent, ids, create->n);
	atomic_fetch_add_explicit(&engine->stats.jobs_created, n_made, memory_order_relaxed);
	intent_answer(turn, intent);
}

struct job *
intent_make_job(struct turn *turn, struct intent *intent, const struct job_spec *spec)
{
	struct engine *engine = turn->engine;

	if (!project_is_open(turn, intent) || make_lanes(turn, intent, spec) < 0)
		return NULL;
	struct queue *queue = lanes_find_queue(
		&engine->lanes, intent->project, spec->queue ? spec->queue : "default");
	struct job *job = plan_create(&turn->uow, &engine->lanes, intent->project, queue, spec);

	atomic_fetch_add_explicit(&engine->stats.jobs_created, 1, memory_order_relaxed);
	return job;
}

struct job *
intent_find_job(const struct turn *turn, const struct intent *intent, struct job_id id)
{
	struct job *job = uow_job(&turn->uow, id);

	return job && job->project == intent->project && job->change != ROW_DELETED ? job
										    : NULL;
}

static void
apply_command(struct turn *turn, struct intent *intent)
{
	struct job *job = intent_find_job(turn, intent, intent->in.command.id);

	if (!job) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND, "there is no such job");
		return;
	}
	intent->out.state = job->state;
	if (job->flow && job->imported_ms == 0 && intent->in.command.command == JOB_CMD_START &&
		flow_start_from(&turn->uow, job, &intent->in.command.start, &intent->err) < 0) {
		intent->status = INTENT_IS_ERROR;
		intent_answer(turn, intent);
		return;
	}
	if (plan_command(&turn->uow, &turn->engine->lanes, job, intent->in.command.command,
		    &intent->err) < 0) {
		intent->status = INTENT_IS_ERROR;
		intent->conflict = CONFLICT_STATE;
		intent_answer(turn, intent);
		return;
	}
	intent->out.jobs = arena_xalloc(&intent->arena, sizeof *intent->out.jobs);
	intent->out.n_jobs = 1;
	job_snapshot(&intent->arena, job, intent->out.jobs);
	intent_keep_idem(turn, intent, &job->id.u, 1);
	intent_answer(turn, intent);
}

/* ---- explain ---- */

/* Whether the worker has so much of what a run of the lane needs, and has it free. */
static void
count_room(const struct member *member, const struct lane *lane, struct explain_facts *facts)
{
	const char *taken[WORKER_SLOTS_MAX];
	const char *have = member->row.resources;
	struct str scarce = needs_scarce(lane->needs, have, NULL, 0);

	if (scarce.n == 0) {
		facts->n_workers_needs++;
		for (size_t i = 0; i < member->n_runs; i++)
			taken[i] = member->runs[i].needs;
		scarce = needs_scarce(lane->needs, have, taken, member->n_runs);
		facts->n_workers_room += scarce.n == 0;
	} else {
		int64_t most = needs_amount(have, scarce);

		if (!str_eq(scarce, facts->scarce_name) || most > facts->scarce_most)
			facts->scarce_most = most;
	}
	facts->scarce_name = scarce.n > 0 ? scarce : facts->scarce_name;
}

static void
count_workers(const struct engine *engine, const struct lane *lane, struct explain_facts *facts)
{
	struct lane kind_only = *lane;
	struct map_entry entry;

	kind_only.needs = kind_only.labels = "";
	for (size_t at = 0; map_next(&engine->members, &at, &entry);) {
		const struct member *member = entry.value;
		struct offer offer = {
			.project = member->row.project,
			.kinds = member->kind_list,
			.n_kinds = member->n_kinds,
		};

		if (!lane_matches(&kind_only, &offer))
			continue;
		facts->n_workers_kind++;
		if (!labels_cover(member->row.labels, lane->labels))
			continue;
		facts->n_workers_match++;
		count_room(member, lane, facts);
		facts->capacity_match += member->row.capacity;
		facts->busy_match += (int64_t)member->n_runs;
	}
}

static int64_t
earliest_retry(const struct job *job)
{
	int64_t due = 0;

	for (const struct run *run = job->open_runs; run; run = run->job_next) {
		if (run->state == RUN_WAITING && (due == 0 || run->due_ms < due))
			due = run->due_ms;
	}
	return due;
}

/* What is known of the place that holds the job. */
static void
find_hold(const struct turn *turn, const struct job *job, struct explain_facts *facts)
{
	struct lanes *lanes = &turn->engine->lanes;
	struct place *place = job->held_key ? places_find(lanes, job->held_key) : NULL;
	int64_t now_ms = turn->uow.now_ms;

	facts->held = job->held_key;
	facts->is_debounced = job->unique_key && job->unique_until_ms == 0 &&
		job->state == JOB_QUEUED && job->run_at_ms > now_ms;
	if (!place)
		return;
	facts->held_limit = place_limit(lanes, place);
	facts->held_running = place->running;
	if (facts->held_limit) {
		int64_t next_ms =
			rate_next_ms(&facts->held_limit->rate, place->full_us, now_ms);
		bool is_full = facts->held_limit->concurrency > 0 &&
			place->running >= facts->held_limit->concurrency;
		facts->held_until_ms = !is_full && next_ms > now_ms ? next_ms : 0;
	}
}

static int32_t
running_of_value(const struct lanes *lanes, const struct queue *queue, const char *value)
{
	_cleanup_free_ char *name =
		xasprintf("%lld:%s=%s", (long long)queue->id, queue->fair_by, value);
	const struct place *place = places_find(lanes, name);

	return place ? place->running : 0;
}

/* Whose share is smaller, and who waits too; NULL: nobody's. The texts go on with "first". */
static const char *
find_share(const struct turn *turn, const struct lane *mine, const struct queue *queue)
{
	const struct lanes *lanes = &turn->engine->lanes;

	for (size_t i = 0; i < lanes->lane.n; i++) {
		const struct lane *lane = lanes->lane.item[i];
		const struct queue *other = lanes_queue(lanes, lane->queue);
		if (!lane->maybe_ready || lane == mine || other->priority != queue->priority)
			continue;
		if (lane->project != mine->project && lanes_compare_shares(other, queue) < 0)
			return "Projects that run less of their share are served";
		if (other == queue && queue->fair_by &&
			running_of_value(lanes, queue, lane->fair) <
				running_of_value(lanes, queue, mine->fair))
			return "Others that run less of the queue are served";
	}
	return NULL;
}

static void
apply_explain(struct turn *turn, struct intent *intent)
{
	struct engine *engine = turn->engine;
	struct job *job = intent_find_job(turn, intent, intent->in.explain);
	struct explain_facts facts = { .job = job, .now_ms = turn->uow.now_ms };

	if (!job) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND, "there is no such job");
		return;
	}
	if (job->flow) {
		intent->out.explanation = flow_explain(&turn->uow, job, &intent->arena);
		intent_answer(turn, intent);
		return;
	}
	if (job->layout)
		(void)group_of(&turn->uow, job);
	facts.queue = lanes_queue(&engine->lanes, job->queue);
	facts.star = facts.queue->load->star;
	if (job->ready)
		(void)queue_may_lease(facts.queue, turn->uow.now_ms, &facts.rate_until_ms);
	find_hold(turn, job, &facts);
	facts.retry_due_ms = earliest_retry(job);
	if (job->lane > 0 && !job->ready)
		count_workers(engine, lanes_lane(&engine->lanes, job->lane), &facts);
	if (job->ready) {
		struct lane *lane = lanes_lane(&engine->lanes, job->lane);
		struct err err;

		facts.lane = lane;
		facts.served_first = find_share(turn, lane, facts.queue);
		count_workers(engine, lane, &facts);
		if (facts.scarce_name.n > 0)
			facts.scarce = arena_strndup(
				&intent->arena, facts.scarce_name.p, facts.scarce_name.n);
		if (store_count_ahead(engine->store, lane->id, job->rank, job->seq,
			    AHEAD_COUNT_MAX, &facts.ahead, &err) < 0)
			facts.ahead = 0; /* the rest of the answer is as good without */
	}
	intent->out.explanation = explain_job(&facts, &intent->arena);
	intent_answer(turn, intent);
}

/* ---- artifacts ---- */

static void
event_artifact(struct turn *turn, const struct run *run, const struct artifact *artifact)
{
	struct buf buf = BUF_INIT(EVENT_DATA_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &buf);
	jw_obj(&jw);
	jw_kstr(&jw, "name", artifact->name);
	jw_kstr(&jw, "kind", artifact->kind);
	jw_ki64(&jw, "size", artifact->size);
	jw_kstr(&jw, "contentType", artifact->content_type);
	jw_end_obj(&jw);
	if (jw_done(&jw) == 0)
		uow_event_job(&turn->uow, run->job, run, EV_RUN_ARTIFACT,
			str_from(arena_strndup(turn->uow.arena, buf.data, buf.len), buf.len));
	buf_deinit(&buf);
}

static void
apply_artifact(struct turn *turn, struct intent *intent)
{
	struct uow *uow = &turn->uow;
	const struct artifact_add *add = &intent->in.artifact;
	struct run *run = uow_run(uow, add->run);

	if (!run || run->job->change == ROW_DELETED ||
		(intent->project != 0 && run->project != intent->project)) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND, "there is no such run");
		return;
	}
	if (run->state != RUN_LEASED || run->fence != add->fence) {
		intent_conflict(turn, intent, CONFLICT_FENCE,
			"the run is not leased under this fencing number");
		return;
	}
	struct artifact artifact = add->artifact;
	artifact.job_seq = run->job_seq;
	artifact.run_seq = run->seq;
	artifact.project = run->project;
	artifact.job = run->job->id;
	artifact.run = run->id;
	artifact.created_ms = uow->now_ms;
	UOW_PUSH(uow, &uow->artifacts, artifact);
	event_artifact(turn, run, &artifact);
	intent_answer(turn, intent);
}

/* ---- definitions ---- */

/*
 * The list of definitions is the order of their changes: each change adds a copy behind what it
 * changes, so that every revision of a turn is kept and names are free in the order in which
 * they became free.
 */
static bool
is_superseded(const struct turn *turn, size_t at)
{
	const struct definition *def = turn->uow.defs.item[at];

	for (size_t i = at + 1; i < turn->uow.defs.n; i++)
		if (turn->uow.defs.item[i]->seq == def->seq)
			return true;
	return false;
}

static struct definition *
find_def(const struct turn *turn, const struct intent *intent, enum def_kind kind,
	struct def_id id, const char *name)
{
	for (size_t i = 0; i < turn->uow.defs.n; i++) {
		struct definition *def = turn->uow.defs.item[i];
		if (def->project != intent->project || def->kind != kind ||
			def->change == ROW_DELETED)
			continue;
		if ((name ? strcmp(def->name, name) == 0 : uuid_eq(&def->id.u, &id.u)) &&
			!is_superseded(turn, i))
			return def;
	}
	return NULL;
}

static struct definition *
change_def(struct turn *turn, const struct definition *def, enum row_change change)
{
	struct definition *copy = arena_xalloc(turn->uow.arena, sizeof *copy);

	*copy = *def;
	copy->change = change;
	UOW_PUSH(&turn->uow, &turn->uow.defs, copy);
	return copy;
}

static void
answer_def(struct turn *turn, struct intent *intent, const struct definition *def)
{
	struct definition *copy = arena_xalloc(&intent->arena, sizeof *copy);

	*copy = *def;
	copy->name = copy_text(&intent->arena, def->name);
	copy->tags = copy_text(&intent->arena, def->tags);
	copy->body = copy_text(&intent->arena, def->body);
	intent->out.def = copy;
	intent_keep_idem(turn, intent, &def->id.u, 1);
	intent_answer(turn, intent);
}

static struct definition *
new_def(struct turn *turn, const struct intent *intent)
{
	struct uow *uow = &turn->uow;
	struct definition *def = arena_xalloc(uow->arena, sizeof *def);

	*def = (struct definition) {
		.seq = uow->next_def_seq++,
		.project = intent->project,
		.kind = intent->in.def_put.key.kind,
		.created_ms = uow->now_ms,
		.change = ROW_NEW,
	};
	uuid_v7(&def->id.u, uow->now_ms, uow->rng);
	UOW_PUSH(uow, &uow->defs, def);
	return def;
}

/* NULL: the intent was refused. */
static struct definition *
def_to_put(struct turn *turn, struct intent *intent)
{
	const struct def_put *put = &intent->in.def_put;
	bool by_id = !uuid_is_zero(&put->key.id.u);
	struct definition *named =
		find_def(turn, intent, put->key.kind, put->key.id, put->name);
	struct definition *def =
		by_id ? find_def(turn, intent, put->key.kind, put->key.id, NULL) : named;

	if (by_id && !def) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND, "there is no such %s",
			def_kind_name(put->key.kind));
		return NULL;
	}
	if (named && named != def) {
		intent_conflict(turn, intent, CONFLICT_REVISION, "another one has this name");
		return NULL;
	}
	if (put->if_revision == -1 && def) {
		intent_conflict(
			turn, intent, CONFLICT_REVISION, "one of this name exists already");
		return NULL;
	}
	if (put->if_revision > 0 && (!def || def->revision != put->if_revision)) {
		intent_conflict(turn, intent, CONFLICT_REVISION, "it was changed meanwhile");
		return NULL;
	}
	return def ? change_def(turn, def, ROW_CHANGED) : new_def(turn, intent);
}

static void
apply_def_put(struct turn *turn, struct intent *intent)
{
	const struct def_put *put = &intent->in.def_put;
	struct definition *def =
		project_is_open(turn, intent) ? def_to_put(turn, intent) : NULL;

	if (!def)
		return;
	def->name = put->name;
	def->tags = put->tags;
	def->body = put->body;
	def->revision++;
	def->updated_ms = turn->uow.now_ms;
	answer_def(turn, intent, def);
}

static void
apply_def_delete(struct turn *turn, struct intent *intent)
{
	const struct def_delete *del = &intent->in.def_delete;
	struct definition *def = find_def(turn, intent, del->kind, del->id, NULL);

	if (!def) {
		(void)intent_fail(turn, intent, ERR_NOT_FOUND, "there is no such %s",
			def_kind_name(del->kind));
		return;
	}
	if (del->if_revision > 0 && del->if_revision != def->revision) {
		intent_conflict(turn, intent, CONFLICT_REVISION, "it was changed meanwhile");
		return;
	}
	answer_def(turn, intent, change_def(turn, def, ROW_DELETED));
}

/* ---- workers ---- */

static void
apply_worker(struct turn *turn, struct intent *intent)
{
	struct member *member = member_find(turn->engine, intent->in.worker);

	if (!member ||
		(intent->project != 0 && member->row.project != 0 &&
			member->row.project != intent->project)) {
		(void)intent_fail(
			turn, intent, ERR_NOT_FOUND, "there is no such worker online");
		return;
	}
	if (intent->kind == INTENT_WORKER_GONE) {
		member_lost(turn, member, member->n_runs > 0 ? WORKER_LOST : WORKER_GONE);
	} else if (member->row.state != WORKER_DRAINING) {
		member->row.state = WORKER_DRAINING;
		member_save(turn, member, ROW_CHANGED);
	}
	intent_answer(turn, intent);
}

/* ---- all kinds ---- */

static void
key_def(struct turn *turn, const struct intent *intent, enum def_kind kind, struct def_id id,
	const char *name)
{
	struct def_key key = {
		.project = intent->project, .kind = kind, .id = id, .name = name
	};

	UOW_PUSH(&turn->uow, &turn->keys.defs, key);
}

static void
key_idem(struct turn *turn, const struct intent *intent)
{
	struct idem_key key = { .project = intent->project, .key = intent->idem_key };

	if (intent->idem_key.n > 0)
		UOW_PUSH(&turn->uow, &turn->keys.idems, key);
}

void
intent_keys(struct turn *turn, struct intent *intent)
{
	const struct def_id no_id = { 0 };

	key_idem(turn, intent);
	switch (intent->kind) {
	case INTENT_JOB_COMMAND:
		UOW_PUSH(&turn->uow, &turn->keys.jobs, intent->in.command.id);
		break;
	case INTENT_JOB_EXPLAIN:
		UOW_PUSH(&turn->uow, &turn->keys.jobs, intent->in.explain);
		break;
	case INTENT_POLL:
		poll_keys(turn, intent);
		break;
	case INTENT_ARTIFACT_ADD:
		UOW_PUSH(&turn->uow, &turn->keys.runs, intent->in.artifact.run);
		break;
	case INTENT_DEF_PUT:
		if (!uuid_is_zero(&intent->in.def_put.key.id.u))
			key_def(turn, intent, intent->in.def_put.key.kind,
				intent->in.def_put.key.id, NULL);
		key_def(turn, intent, intent->in.def_put.key.kind, no_id,
			intent->in.def_put.name);
		break;
	case INTENT_DEF_DELETE:
		key_def(turn, intent, intent->in.def_delete.kind, intent->in.def_delete.id,
			NULL);
		break;
	case INTENT_WORKER_GONE: {
		const struct member *member = member_find(turn->engine, intent->in.worker);
		if (member)
			member_keys(turn, member);
		break;
	}
	case INTENT_JOB_CREATE:
		key_uniques(turn, intent);
		break;
	case INTENT_JOB_EDIT:
	case INTENT_JOB_EACH:
		edit_keys(turn, intent);
		break;
	case INTENT_FLOW_REPORT:
	case INTENT_FLOW_SIGNAL:
		flow_keys(turn, intent);
		break;
	case INTENT_SWEEP:
		retention_keys(turn, intent);
		break;
	case INTENT_JOB_IMPORT:
		import_keys(turn, intent);
		break;
	case INTENT_RETENTION_PUT:
	case INTENT_RETENTION_DELETE:
	case INTENT_RETENTION_RUN:
	case INTENT_POLL_CANCEL:
	case INTENT_RUN_WATCH:
	case INTENT_QUEUE_PUT:
	case INTENT_SCHEDULE_PUT:
	case INTENT_SCHEDULE_DELETE:
	case INTENT_SCHEDULE_COMMAND:
	case INTENT_SCHEDULE_FIRE:
	case INTENT_QUARANTINE_PUT:
	case INTENT_QUARANTINE_DELETE:
	case INTENT_PROJECT_PUT:
	case INTENT_PROJECT_DELETE:
	case INTENT_WORKER_DRAIN:
	case INTENT_KIND_COUNT:
		break;
	}
}

void
intent_apply(struct turn *turn, struct intent *intent)
{
	if (is_replay(turn, intent))
		return;
	switch (intent->kind) {
	case INTENT_JOB_CREATE:
		apply_create(turn, intent);
		break;
	case INTENT_JOB_COMMAND:
		apply_command(turn, intent);
		break;
	case INTENT_JOB_EXPLAIN:
		apply_explain(turn, intent);
		break;
	case INTENT_POLL:
		poll_apply(turn, intent);
		break;
	case INTENT_POLL_CANCEL:
		poll_cancel(turn, &intent->in.cancel);
		intent_answer(turn, intent);
		break;
	case INTENT_RUN_WATCH:
		watch_apply(turn->engine, &intent->in.watch);
		intent_answer(turn, intent);
		break;
	case INTENT_ARTIFACT_ADD:
		apply_artifact(turn, intent);
		break;
	case INTENT_DEF_PUT:
		apply_def_put(turn, intent);
		break;
	case INTENT_DEF_DELETE:
		apply_def_delete(turn, intent);
		break;
	case INTENT_QUEUE_PUT:
		queue_put_apply(turn, intent);
		break;
	case INTENT_QUARANTINE_PUT:
		quarantine_put_apply(turn, intent);
		break;
	case INTENT_QUARANTINE_DELETE:
		quarantine_delete_apply(turn, intent);
		break;
	case INTENT_PROJECT_PUT:
		project_put_apply(turn, intent);
		break;
	case INTENT_PROJECT_DELETE:
		project_delete_apply(turn, intent);
		break;
	case INTENT_JOB_EDIT:
		edit_apply(turn, intent);
		break;
	case INTENT_JOB_EACH:
		each_apply(turn, intent);
		break;
	case INTENT_FLOW_REPORT:
	case INTENT_FLOW_SIGNAL:
		flow_apply(turn, intent);
		break;
	case INTENT_SCHEDULE_PUT:
	case INTENT_SCHEDULE_DELETE:
	case INTENT_SCHEDULE_COMMAND:
	case INTENT_SCHEDULE_FIRE:
		schedule_apply(turn, intent);
		break;
	case INTENT_RETENTION_PUT:
	case INTENT_RETENTION_DELETE:
	case INTENT_RETENTION_RUN:
	case INTENT_SWEEP:
		retention_apply(turn, intent);
		break;
	case INTENT_JOB_IMPORT:
		import_apply(turn, intent);
		break;
	case INTENT_WORKER_DRAIN:
	case INTENT_WORKER_GONE:
		apply_worker(turn, intent);
		break;
	case INTENT_KIND_COUNT:
		break;
	}
}
