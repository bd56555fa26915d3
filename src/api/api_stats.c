/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Figures of what ended (docs/protocol/stats.md). All but two answers are cells that are added
 * up into groups; a route is a preset: what is counted, by what, in which order.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "api/stats_impl.h"
#include "base/clock.h"
#include "base/parse.h"

enum {
	BRIEF_ROWS = 10, /* of each list in a summary */
	NUMBER_CHARS = 24,
};

#define HOURS_SPAN_MAX DAYS_MS(2) /* longer spans are added from days */

/* ---- what was asked ---- */

static int
span_of(struct call *call, int64_t *ret_from, int64_t *ret_to, int64_t now_ms)
{
	const struct stats_query *query = call->query;
	int64_t to = query->to_ms > 0 ? query->to_ms : now_ms + 1;
	int64_t from = query->from_ms > 0 ? query->from_ms : to - query->last_ms;

	if (from >= to) {
		issues_add_member(
			&call->issues, "?", "from", ISSUE_INVALID, "it is not before the end");
		return -1;
	}
	if (to - from > DAYS_MS(STAT_DAYS_MAX)) {
		issues_add_member(&call->issues, "?", "from", ISSUE_LIMIT, "more than %d days",
			STAT_DAYS_MAX);
		return -1;
	}
	*ret_from = from > 0 ? from : 0;
	*ret_to = to;
	return 0;
}

/* Up to a whole hour or day. */
static int64_t
ceil_of(int64_t at_ms, enum stat_scale scale)
{
	int64_t span = scale == STAT_HOUR ? HOURS_MS(1) : DAYS_MS(1);

	return stats_floor(at_ms + span - 1, scale);
}

static int
queue_key(struct call *call, struct store_reader *reader, const char *name, int64_t *ret,
	struct err *err)
{
	struct queue *queues;
	size_t n;

	if (read_queues(reader, call->project, call->arena, &queues, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(queues[i].name, name) == 0) {
			*ret = queues[i].id;
			return 0;
		}
	}
	return STORE_NONE;
}

static const char *
id_text(struct arena *arena, const struct uuid *id)
{
	char text[UUID_TEXT_LEN + 1];

	uuid_format(id, text);
	return arena_strdup(arena, text);
}

/* The id of the template as text. A deleted one may still be named by its id. */
static int
template_key(struct call *call, struct store_reader *reader, const char *name, const char **ret,
	struct err *err)
{
	struct def_key key = { .project = call->project, .kind = DEF_TEMPLATE, .name = name };
	struct definition *def;
	struct uuid id;
	int rc = read_definition(reader, &key, 0, call->arena, &def, err);

	if (rc < 0)
		return -1;
	if (rc == 0)
		*ret = id_text(call->arena, &def->id.u);
	else if (uuid_parse(str_of(name), &id) == 0)
		*ret = id_text(call->arena, &id);
	else
		return STORE_NONE;
	return 0;
}

/* Hours are kept of jobs, with few of their attributes. */
static bool
has_hours(const struct stats_query *query, enum stat_subject subject)
{
	bool by_few = query->group_by == STAT_BY_QUEUE || query->group_by == STAT_BY_KIND ||
		query->group_by == STAT_BY_STATUS || query->group_by == STAT_BY_REASON ||
		query->by_default_hours;

	return subject == STAT_JOB && !query->tmpl && !query->tag && !query->team && by_few;
}

int
stats_filter_of(struct call *call, struct store_reader *reader, enum stat_subject subject,
	struct stat_filter *ret, struct err *err)
{
	const struct stats_query *query = call->query;
	int64_t now_ms = clock_wall_ms();
	struct stat_filter filter = {
		.project = call->project,
		.subject = subject,
		.name = subject == STAT_TEST ? query->test : query->worker,
		.kind = query->kind,
		.tag = query->tag,
		.team = query->team,
	};
	int rc = 0;

	if (span_of(call, &filter.from_ms, &filter.to_ms, now_ms) < 0)
		return -1;
	bool is_fresh = filter.from_ms > now_ms - STAT_HOURS_KEPT_MS &&
		filter.to_ms - filter.from_ms <= HOURS_SPAN_MAX;

	filter.scale = is_fresh && has_hours(query, subject) ? STAT_HOUR : STAT_DAY;
	filter.from_ms = stats_floor(filter.from_ms, filter.scale);
	filter.to_ms = ceil_of(filter.to_ms, filter.scale);
	*ret = filter;
	if (query->queue)
		rc = queue_key(call, reader, query->queue, &ret->queue, err);
	if (rc == 0 && query->tmpl)
		rc = template_key(call, reader, query->tmpl, &ret->tmpl, err);
	return rc;
}

int
stats_add_cell(void *arg, const struct stat_cell *cell, struct err *err)
{
	return stat_groups_add(arg, cell, err);
}

/* Among jobs a flow is left out unless it is asked for: what it carried out are jobs that are
 * counted themselves, and how long it took says how long it waited. */
static bool
leaves_out_flows(const struct call *call, const struct stat_groups *groups)
{
	const struct stats_query *query = call->query;

	return groups->subject == STAT_JOB && groups->by != STAT_BY_KIND && !query->kind;
}

int
stats_add_up(struct call *call, struct store_reader *reader, struct stat_filter *filter,
	struct stat_groups *groups, struct err *err)
{
	int rc = stats_filter_of(call, reader, groups->subject, filter, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	filter->by_tag = groups->by == STAT_BY_TAG;
	groups->without_flows = leaves_out_flows(call, groups);
	return read_stat_cells(reader, filter, stats_add_cell, groups, err);
}

/* ---- what is shown ---- */

void
stats_write_span(struct jw *jw, const struct stat_filter *filter)
{
	jw_ktime(jw, "from", filter->from_ms);
	jw_ktime(jw, "to", filter->to_ms);
	jw_kstr(jw, "scale", filter->scale == STAT_HOUR ? "hour" : "day");
}

int
stats_write_backlog(
	struct call *call, struct store_reader *reader, struct jw *jw, struct err *err)
{
	int64_t jobs[JOB_STATE_COUNT], backlog;

	if (read_job_counts(reader, call->project, jobs, &backlog, err) < 0)
		return -1;
	if (backlog > 0)
		jw_ki64(jw, "backlog", backlog);
	return 0;
}

/* Names of things that cells know by key: a reader's own call for each table. */
struct names {
	struct worker_row *workers;
	size_t n_workers;
};

static int
read_names(struct call *call, struct store_reader *reader, const struct stat_groups *groups,
	struct names *ret, struct err *err)
{
	*ret = (struct names) { 0 };
	if (groups->subject != STAT_WORKER || groups->by != STAT_BY_NAME)
		return 0;
	return read_workers(
		reader, call->project, true, call->arena, &ret->workers, &ret->n_workers, err);
}

static const char *
worker_name(const struct names *names, const char *id)
{
	struct uuid uuid;

	if (uuid_parse(str_of(id), &uuid) < 0)
		return NULL;
	for (size_t i = 0; i < names->n_workers; i++) {
		if (uuid_eq(&names->workers[i].id.u, &uuid))
			return names->workers[i].name;
	}
	return NULL;
}

static const char *
template_name(struct call *call, struct store_reader *reader, const char *id)
{
	struct def_key key = { .project = call->project, .kind = DEF_TEMPLATE };
	struct definition *def;
	struct err ignored;

	if (uuid_parse(str_of(id), &key.id.u) < 0 ||
		read_definition(reader, &key, 0, call->arena, &def, &ignored) != 0)
		return NULL;
	return def->name;
}

static void
write_group(struct call *call, struct store_reader *reader, struct jw *jw,
	const struct stat_groups *groups, const struct stat_group *group,
	const struct names *names)
{
	const char *name = group->key;

	if (groups->by == STAT_BY_QUEUE)
		name = api_queue_name(call->api, reader, strtoll(group->key, NULL, 10));
	jw_obj(jw);
	jw_kstr(jw, "group", name ? name : "");
	if (groups->by == STAT_BY_TEMPLATE && *group->key)
		jw_kstr_opt(jw, "name", template_name(call, reader, group->key));
	if (groups->subject == STAT_WORKER && groups->by == STAT_BY_NAME)
		jw_kstr_opt(jw, "name", worker_name(names, group->key));
	if (groups->subject == STAT_TEST && groups->by == STAT_BY_NAME && *group->kind)
		jw_kstr(jw, "kind", group->kind);
	figures_write(jw, &group->sum, groups->subject);
	jw_end_obj(jw);
}

static int
write_groups(struct call *call, struct store_reader *reader, struct jw *jw, const char *key,
	const struct stat_groups *groups, size_t from, size_t limit, struct err *err)
{
	struct names names;
	size_t end = from + limit < groups->n ? from + limit : groups->n;

	if (read_names(call, reader, groups, &names, err) < 0)
		return -1;
	jw_karr(jw, key);
	for (size_t i = from; i < end; i++)
		write_group(call, reader, jw, groups, groups->item[i], &names);
	jw_end_arr(jw);
	return 0;
}

int
stats_offset_of(struct call *call, size_t *ret)
{
	const struct stats_query *query = call->query;
	struct err ignored;
	int64_t offset = 0;

	if (query->cursor &&
		parse_i64(str_of(query->cursor), 0, STAT_GROUPS_MAX, &offset, &ignored) < 0) {
		issues_add_member(&call->issues, "?", "cursor", ISSUE_INVALID,
			"the cursor is not one of this server");
		return -1;
	}
	*ret = (size_t)offset;
	return 0;
}

void
stats_write_next(struct jw *jw, size_t end, size_t n)
{
	char text[NUMBER_CHARS];

	if (end >= n)
		return;
	snprintf(text, sizeof text, "%zu", end);
	jw_kstr(jw, "nextCursor", text);
}

/* ---- tables ---- */

struct preset {
	enum stat_subject subject;
	enum stat_group_by by;
	enum stat_sort sort; /* the greatest first */
	bool only_flaky;
	int64_t n_min;
};

static int
write_table(struct call *call, struct store_reader *reader, const struct stat_filter *filter,
	struct stat_groups *groups, struct err *err)
{
	const struct stats_query *query = call->query;
	size_t offset, limit = (size_t)query->limit;
	struct jw jw = call_jw(call);

	if (stats_offset_of(call, &offset) < 0)
		return -1;
	jw_obj(&jw);
	stats_write_span(&jw, filter);
	if (write_groups(call, reader, &jw, "items", groups, offset, limit, err) < 0)
		return -1;
	stats_write_next(&jw, offset + limit, groups->n);
	jw_ki64(&jw, "groups", (int64_t)groups->n);
	jw_kobj(&jw, "total");
	figures_write(&jw, &groups->total, groups->subject);
	jw_end_obj(&jw);
	if (stats_write_backlog(call, reader, &jw, err) < 0)
		return -1;
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

static int
table(struct call *call, struct store_reader *reader, const struct preset *preset,
	struct err *err)
{
	struct stats_query *query = call->query;
	_cleanup_(stat_groups_deinit) struct stat_groups groups;
	struct stat_filter filter = { 0 };
	bool is_sorted = query->sort >= 0;

	query->by_default_hours = query->group_by < 0 && preset->by == STAT_BY_QUEUE;
	stat_groups_init(&groups, preset->subject,
		query->group_by >= 0 ? (enum stat_group_by)query->group_by : preset->by,
		call->arena);
	if (stats_add_up(call, reader, &filter, &groups, err) < 0)
		return -1;
	stat_groups_keep(
		&groups, query->n_min >= 0 ? query->n_min : preset->n_min, preset->only_flaky);
	stat_groups_sort(&groups, is_sorted ? (enum stat_sort)(query->sort / 2) : preset->sort,
		is_sorted ? query->sort % 2 == 1 : true);
	return write_table(call, reader, &filter, &groups, err);
}

/* clang-format off */
static const struct preset
	jobs_preset = { .subject = STAT_JOB, .by = STAT_BY_TEMPLATE, .sort = STAT_SORT_N },
	tests_preset = { .subject = STAT_TEST, .by = STAT_BY_NAME, .sort = STAT_SORT_N },
	queues_preset = { .subject = STAT_JOB, .by = STAT_BY_QUEUE, .sort = STAT_SORT_N },
	workers_preset = { .subject = STAT_WORKER, .by = STAT_BY_NAME, .sort = STAT_SORT_N },
	teams_preset = { .subject = STAT_TEST, .by = STAT_BY_TEAM, .sort = STAT_SORT_BUSY },
	slowest_preset = { .subject = STAT_TEST, .by = STAT_BY_NAME, .sort = STAT_SORT_RUN_P95, .n_min = 1 },
	flakiest_preset = { .subject = STAT_TEST, .by = STAT_BY_NAME, .sort = STAT_SORT_FLAKINESS, .n_min = 5, .only_flaky = true },
	cost_preset = { .subject = STAT_TEST, .by = STAT_BY_NAME, .sort = STAT_SORT_CPU };
/* clang-format on */

int
stats_jobs(struct call *call, struct store_reader *reader, struct err *err)
{
	return table(call, reader, &jobs_preset, err);
}

int
stats_tests(struct call *call, struct store_reader *reader, struct err *err)
{
	return table(call, reader, &tests_preset, err);
}

int
stats_queues(struct call *call, struct store_reader *reader, struct err *err)
{
	return table(call, reader, &queues_preset, err);
}

int
stats_workers(struct call *call, struct store_reader *reader, struct err *err)
{
	return table(call, reader, &workers_preset, err);
}

int
stats_teams(struct call *call, struct store_reader *reader, struct err *err)
{
	return table(call, reader, &teams_preset, err);
}

int
stats_slowest(struct call *call, struct store_reader *reader, struct err *err)
{
	return table(call, reader, &slowest_preset, err);
}

int
stats_flakiest(struct call *call, struct store_reader *reader, struct err *err)
{
	return table(call, reader, &flakiest_preset, err);
}

int
stats_cost(struct call *call, struct store_reader *reader, struct err *err)
{
	return table(call, reader, &cost_preset, err);
}

/* ---- trends ---- */

void
stats_write_points(
	struct jw *jw, const struct stat_filter *filter, const struct stat_groups *groups)
{
	int64_t span = filter->scale == STAT_HOUR ? HOURS_MS(1) : DAYS_MS(1);
	struct stat_sum nothing;

	stat_sum_init(&nothing, groups->arena);
	jw_karr(jw, "items");
	for (int64_t at = filter->from_ms; at < filter->to_ms; at += span) {
		char key[NUMBER_CHARS];
		int len = snprintf(key, sizeof key, "%" PRId64, at);
		const struct stat_group *group = map_get(&groups->by_key, key, (size_t)len + 1);

		jw_obj(jw);
		jw_ktime(jw, "at", at);
		figures_write(jw, group ? &group->sum : &nothing, groups->subject);
		jw_end_obj(jw);
	}
	jw_end_arr(jw);
}

static int
trend_filter(struct call *call, struct stat_filter *filter)
{
	const struct stats_query *query = call->query;
	bool by_hour = query->by == 1 ||
		(query->by < 0 && filter->scale == STAT_HOUR &&
			filter->to_ms - filter->from_ms <= DAYS_MS(2));
	enum stat_scale scale = by_hour && filter->subject == STAT_JOB ? STAT_HOUR : STAT_DAY;

	if (query->by == 1 && !has_hours(query, filter->subject)) {
		issues_add_member(&call->issues, "?", "by", ISSUE_INVALID,
			"hours are kept of jobs by queue and kind; all else by day");
		return -1;
	}
	filter->scale = scale;
	filter->from_ms = stats_floor(filter->from_ms, scale);
	filter->to_ms = ceil_of(filter->to_ms, scale);
	int64_t span = scale == STAT_HOUR ? HOURS_MS(1) : DAYS_MS(1);

	if ((filter->to_ms - filter->from_ms) / span > STAT_BUCKETS_MAX) {
		issues_add_member(&call->issues, "?", "by", ISSUE_LIMIT, "more than %d points",
			STAT_BUCKETS_MAX);
		return -1;
	}
	return 0;
}

int
stats_trends(struct call *call, struct store_reader *reader, struct err *err)
{
	struct stats_query *query = call->query;
	enum stat_subject subject = query->test ? STAT_TEST : STAT_JOB;
	_cleanup_(stat_groups_deinit) struct stat_groups groups;
	struct stat_filter filter = { 0 };
	struct jw jw = call_jw(call);

	query->by_default_hours = true;
	stat_groups_init(&groups, subject, STAT_BY_TIME, call->arena);
	int rc = stats_filter_of(call, reader, subject, &filter, err);

	if (rc < 0 || trend_filter(call, &filter) < 0)
		return -1;
	groups.without_flows = leaves_out_flows(call, &groups);
	if (rc == 0 && read_stat_cells(reader, &filter, stats_add_cell, &groups, err) < 0)
		return -1;
	jw_obj(&jw);
	stats_write_span(&jw, &filter);
	stats_write_points(&jw, &filter, &groups);
	jw_kobj(&jw, "total");
	figures_write(&jw, &groups.total, subject);
	jw_end_obj(&jw);
	if (stats_write_backlog(call, reader, &jw, err) < 0)
		return -1;
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

/* ---- the history of a test ---- */

int
stats_write_history(struct call *call, struct store_reader *reader, struct jw *jw,
	struct history_filter *filter, struct err *err)
{
	struct history_item *items;
	size_t n, limit = filter->limit;
	char cursor[NUMBER_CHARS];

	filter->limit = limit + 1;
	if (read_history(reader, filter, call->arena, &items, &n, err) < 0)
		return -1;
	jw_karr(jw, "items");
	for (size_t i = 0; i < n && i < limit; i++)
		history_write(jw, &items[i]);
	jw_end_arr(jw);
	if (n > limit) {
		snprintf(cursor, sizeof cursor, "%" PRId64, items[limit - 1].run->seq);
		jw_kstr(jw, "nextCursor", cursor);
	}
	return 0;
}

static int
history_of(struct call *call, struct store_reader *reader, const char *name, struct err *err)
{
	const struct stats_query *query = call->query;
	struct history_filter filter = {
		.test_key = stats_test_key(call->project, name),
		.limit = (size_t)query->limit,
	};
	struct known_test *known = NULL;
	struct err ignored;
	struct jw jw = call_jw(call);

	if (query->cursor &&
		parse_i64(str_of(query->cursor), 1, INT64_MAX, &filter.before_seq, &ignored) <
			0) {
		issues_add_member(&call->issues, "?", "cursor", ISSUE_INVALID,
			"the cursor is not one of this server");
		return -1;
	}
	if (read_known_test(reader, filter.test_key, call->arena, &known, err) < 0)
		return -1;
	if (!known)
		return err_set(err, ERR_NOT_FOUND, "no test of this name has ended yet");
	jw_obj(&jw);
	jw_kstr(&jw, "test", known->name);
	jw_kstr_opt(&jw, "kind", known->kind);
	jw_ki64(&jw, "n", known->n);
	jw_kstr_opt(&jw, "lastOutcome", run_outcome_name(known->outcome));
	jw_ki64(&jw, "streak", known->streak);
	jw_ktime(&jw, "firstSeenAt", known->first_ms);
	jw_ktime(&jw, "lastSeenAt", known->last_ms);
	if (stats_write_history(call, reader, &jw, &filter, err) < 0)
		return -1;
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
stats_test_history(struct call *call, struct store_reader *reader, struct err *err)
{
	return history_of(call, reader, call->arg[0], err);
}

/* Of a saved test, by name or id: its name is what jobs carry. */
int
test_history(struct call *call, struct store_reader *reader, struct err *err)
{
	struct def_key key = { .project = call->project, .kind = DEF_TEST };
	struct definition *def;

	if (uuid_parse(str_of(call->arg[0]), &key.id.u) < 0)
		key.name = call->arg[0];
	int rc = read_definition(reader, &key, 0, call->arena, &def, err);

	if (rc < 0)
		return -1;
	if (rc == STORE_NONE)
		return err_set(err, ERR_NOT_FOUND, "there is no such test");
	return history_of(call, reader, def->name, err);
}

/* ---- lists of jobs ---- */

#define FAILED_STATES (1u << JOB_FAILED | 1u << JOB_INVALID)
#define RUNNING_STATES                                                                     \
	(1u << JOB_STARTING | 1u << JOB_RUNNING | 1u << JOB_PAUSING | 1u << JOB_STOPPING | \
		1u << JOB_RESTARTING)

static int
write_jobs(struct call *call, struct store_reader *reader, struct jw *jw, const char *key,
	const struct job_filter *filter, struct err *err)
{
	struct job_page page = { .total = -1 };

	if (read_jobs(reader, filter, call->arena, &page, err) < 0) {
		if (err->code == ERR_INVALID)
			call->code = PROBLEM_INVALID_PARAMETER;
		return -1;
	}
	jw_karr(jw, key);
	if (jobs_write(call, reader, jw, &page, err) < 0)
		return -1;
	jw_end_arr(jw);
	if (page.next_cursor && strcmp(key, "items") == 0)
		jw_kstr(jw, "nextCursor", page.next_cursor);
	return 0;
}

static struct job_filter
jobs_filter(const struct call *call, uint32_t states, enum job_sort sort)
{
	const struct stats_query *query = call->query;

	return (struct job_filter) {
		.project = call->project,
		.states = states,
		.kind = query->kind,
		.tags = query->tag ? (const char *const *)&query->tag : NULL,
		.n_tags = query->tag ? 1 : 0,
		.now_ms = clock_wall_ms(),
		.sort = sort,
		.descending = true,
		.limit = BRIEF_ROWS,
	};
}

/* The list, or the whole of one. */
static int
list_jobs(struct call *call, struct store_reader *reader, struct job_filter *filter,
	struct err *err)
{
	const struct stats_query *query = call->query;
	struct jw jw = call_jw(call);

	filter->limit = (size_t)query->limit;
	filter->cursor = str_of(query->cursor);
	if (query->queue) {
		int rc = queue_key(call, reader, query->queue, &filter->queue, err);
		if (rc < 0)
			return -1;
		if (rc == STORE_NONE)
			filter->queue = -1;
	}
	jw_obj(&jw);
	if (write_jobs(call, reader, &jw, "items", filter, err) < 0)
		return -1;
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
stats_failures(struct call *call, struct store_reader *reader, struct err *err)
{
	struct job_filter filter = jobs_filter(call, FAILED_STATES, JOB_SORT_COMPLETED);

	if (span_of(call, &filter.completed_after_ms, &filter.completed_before_ms,
		    filter.now_ms) < 0)
		return -1;
	return list_jobs(call, reader, &filter, err);
}

int
stats_long_running(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct stats_query *query = call->query;
	struct job_filter filter = jobs_filter(call, RUNNING_STATES, JOB_SORT_DURATION);

	filter.min_run_ms = query->threshold_ms;
	return list_jobs(call, reader, &filter, err);
}

/* ---- the dashboard ---- */

static int
write_now(struct call *call, struct store_reader *reader, struct jw *jw, struct err *err)
{
	int64_t jobs[JOB_STATE_COUNT], backlog;

	if (read_job_counts(reader, call->project, jobs, &backlog, err) < 0)
		return -1;
	jw_kobj(jw, "now");
	for (int i = 0; i < JOB_STATE_COUNT; i++)
		jw_ki64(jw, job_state_name((enum job_state)i), jobs[i]);
	jw_end_obj(jw);
	if (backlog > 0)
		jw_ki64(jw, "backlog", backlog);
	return 0;
}

static int
write_lists(struct call *call, struct store_reader *reader, struct jw *jw, struct err *err)
{
	const struct stats_query *query = call->query;
	struct job_filter running = jobs_filter(call, RUNNING_STATES, JOB_SORT_CREATED);
	struct job_filter failed = jobs_filter(call, FAILED_STATES, JOB_SORT_COMPLETED);
	struct job_filter slow = jobs_filter(call, RUNNING_STATES, JOB_SORT_DURATION);

	slow.min_run_ms = query->threshold_ms;
	if (write_jobs(call, reader, jw, "running", &running, err) < 0 ||
		write_jobs(call, reader, jw, "recentFailures", &failed, err) < 0)
		return -1;
	jw_ki64(jw, "longRunningThresholdMs", query->threshold_ms);
	return write_jobs(call, reader, jw, "longRunning", &slow, err);
}

/* The first rows of a table, under its name. */
static int
write_brief(struct call *call, struct store_reader *reader, struct jw *jw, const char *key,
	enum stat_subject subject, enum stat_group_by by, struct err *err)
{
	_cleanup_(stat_groups_deinit) struct stat_groups groups;
	struct stat_filter filter = { 0 };

	stat_groups_init(&groups, subject, by, call->arena);
	if (stats_add_up(call, reader, &filter, &groups, err) < 0)
		return -1;
	stat_groups_sort(&groups, STAT_SORT_N, true);
	if (subject == STAT_JOB) {
		stats_write_span(jw, &filter);
		jw_kobj(jw, "jobs");
		figures_write(jw, &groups.total, STAT_JOB);
		jw_end_obj(jw);
	}
	return write_groups(call, reader, jw, key, &groups, 0, BRIEF_ROWS, err);
}

int
stats_summary(struct call *call, struct store_reader *reader, struct err *err)
{
	struct stats_query *query = call->query;
	struct jw jw = call_jw(call);

	query->by_default_hours = true;
	jw_obj(&jw);
	if (write_brief(call, reader, &jw, "queues", STAT_JOB, STAT_BY_QUEUE, err) < 0 ||
		write_brief(call, reader, &jw, "workers", STAT_WORKER, STAT_BY_NAME, err) < 0 ||
		write_now(call, reader, &jw, err) < 0 ||
		write_lists(call, reader, &jw, err) < 0)
		return -1;
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}
