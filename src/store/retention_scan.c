/* SPDX-License-Identifier: Apache-2.0 */
#include "store/retention_scan.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum {
	WALK_PAGE = 200, /* jobs looked at at once on the way to the boundary */
};

/* ---- names ---- */

static const char *
queue_name(const struct retention_scan *scan, int64_t queue)
{
	for (size_t i = 0; i < scan->n_queues; i++)
		if (scan->queues[i].id == queue)
			return scan->queues[i].name;
	return NULL;
}

/* The id that a template's name or id means; zero: there is none of that name. */
static int
template_id(struct retention_scan *scan, struct store_reader *reader, const char *wanted,
	struct arena *arena, struct def_id *ret, struct err *err)
{
	const struct def_key key = {
		.project = scan->project, .kind = DEF_TEMPLATE, .name = wanted
	};
	struct definition *def;

	if (uuid_parse(str_of(wanted), &ret->u) == 0)
		return 0;
	memset(ret, 0, sizeof *ret);
	int rc = read_definition(reader, &key, 0, arena, &def, err);
	if (rc == 0)
		*ret = def->id;
	return rc < 0 ? -1 : 0;
}

/* Names of templates become ids, so that a job is compared without looking anything up. */
static int
resolve_earlier(struct retention_scan *scan, struct store_reader *reader, struct arena *arena,
	struct err *err)
{
	struct retention_spec *specs =
		arena_xalloc(arena, (scan->n_earlier + 1) * sizeof *specs);

	for (size_t i = 0; i < scan->n_earlier; i++) {
		struct def_id id;
		char *text = arena_xalloc(arena, UUID_TEXT_LEN + 1);

		specs[i] = scan->earlier[i];
		if (!specs[i].template)
			continue;
		if (template_id(scan, reader, specs[i].template, arena, &id, err) < 0)
			return -1;
		uuid_format(&id.u, text);
		specs[i].template = text;
	}
	scan->earlier = specs;
	return 0;
}

static int
resolve(struct retention_scan *scan, struct store_reader *reader, struct arena *arena,
	struct err *err)
{
	const struct retention_spec *spec = scan->spec;
	struct queue *queues;

	if (read_queues(reader, scan->project, arena, &queues, &scan->n_queues, err) < 0)
		return -1;
	scan->queues = queues;
	for (size_t i = 0; spec->queue && i < scan->n_queues; i++)
		if (strcmp(queues[i].name, spec->queue) == 0)
			scan->queue = queues[i].id;
	scan->is_void = spec->queue && scan->queue == 0;
	if (spec->template) {
		if (template_id(scan, reader, spec->template, arena, &scan->template_id, err) <
			0)
			return -1;
		scan->is_void = scan->is_void || uuid_is_zero(&scan->template_id.u);
	}
	return resolve_earlier(scan, reader, arena, err);
}

/* ---- pages ---- */

static uint32_t
final_states(void)
{
	uint32_t set = 0;

	for (int i = 0; i < JOB_STATE_COUNT; i++)
		if (job_state_is_final((enum job_state)i))
			set |= UINT32_C(1) << i;
	return set;
}

static struct job_filter
filter_of(const struct retention_scan *scan)
{
	const struct retention_spec *spec = scan->spec;

	return (struct job_filter) {
		.project = scan->project,
		.states = spec->states ? spec->states : final_states(),
		.reasons = spec->reasons,
		.tags = spec->tags,
		.n_tags = spec->n_tags,
		.template_id = scan->template_id,
		.queue = scan->queue,
		.kind = spec->kind,
		.completed_before_ms = scan->now_ms - spec->older_ms + 1,
		.now_ms = scan->now_ms,
		.sort = JOB_SORT_COMPLETED,
		.cursor = str_of(scan->cursor),
	};
}

/* True when the policy judges the job: what is pinned, of a flow, or another policy's, it does
 * not. */
static bool
is_judged(const struct retention_scan *scan, const struct job *job)
{
	if (job->pinned || !uuid_is_zero(&job->parent.u) || !job_state_is_final(job->state))
		return false;
	for (size_t i = 0; i < scan->n_earlier; i++) {
		const struct retention_spec *spec = &scan->earlier[i];

		if (job->completed_ms <= scan->now_ms - spec->older_ms &&
			retention_is_about(spec, job, queue_name(scan, job->queue), NULL))
			return false;
	}
	return true;
}

static int
read_page(struct retention_scan *scan, struct store_reader *reader,
	const struct job_filter *filter, struct arena *arena, struct job_page *ret,
	struct err *err)
{
	if (read_jobs(reader, filter, arena, ret, err) < 0)
		return -1;
	scan->is_over = !ret->next_cursor;
	if (ret->next_cursor)
		(void)snprintf(scan->cursor, sizeof scan->cursor, "%s", ret->next_cursor);
	return 0;
}

/* ---- the boundary ---- */

struct kept {
	int64_t jobs, bytes;
};

static int
bytes_of(struct store_reader *reader, const struct job *job, struct arena *arena, int64_t *ret,
	struct err *err)
{
	struct artifact *files;
	size_t n;

	if (read_artifacts(reader, job->seq, 0, arena, &files, &n, err) < 0)
		return -1;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret += files[i].size;
	return 0;
}

/* STORE_NONE: the job is one too many. */
static int
keep(const struct retention_spec *spec, struct store_reader *reader, const struct job *job,
	struct arena *arena, struct kept *kept, struct err *err)
{
	int64_t bytes = 0;

	if (spec->bytes >= 0 && bytes_of(reader, job, arena, &bytes, err) < 0)
		return -1;
	kept->jobs++;
	kept->bytes += bytes;
	if (spec->count >= 0 && kept->jobs > spec->count)
		return STORE_NONE;
	return spec->bytes >= 0 && kept->bytes > spec->bytes ? STORE_NONE : 0;
}

static int
walk_page(struct retention_scan *scan, struct store_reader *reader,
	const struct job_filter *filter, struct kept *kept, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct job_page page;

	arena_init(&arena, ARENA_REQUEST_BYTES_MAX);
	if (read_page(scan, reader, filter, &arena, &page, err) < 0)
		return -1;
	for (size_t i = 0; i < page.n; i++) {
		const struct job *job = page.items[i];

		if (!is_judged(scan, job))
			continue;
		int rc = keep(scan->spec, reader, job, &arena, kept, err);
		if (rc < 0)
			return -1;
		if (rc == STORE_NONE) {
			scan->boundary_ms = job->completed_ms;
			scan->boundary_seq = job->seq;
			return STORE_NONE;
		}
	}
	return scan->is_over ? STORE_NONE : 0;
}

static int
find_boundary(struct retention_scan *scan, struct store_reader *reader, struct err *err)
{
	struct kept kept = { 0 };
	int rc = 0;

	while (rc == 0) {
		struct job_filter filter = filter_of(scan);

		filter.descending = true;
		filter.limit = WALK_PAGE;
		rc = walk_page(scan, reader, &filter, &kept, err);
	}
	return rc < 0 ? -1 : 0;
}

int
retention_scan_begin(struct retention_scan *scan, struct store_reader *reader,
	struct arena *arena, struct err *err)
{
	scan->arena = arena;
	if (resolve(scan, reader, arena, err) < 0)
		return -1;
	if (!scan->is_void && (scan->spec->count >= 0 || scan->spec->bytes >= 0) &&
		find_boundary(scan, reader, err) < 0)
		return -1;
	retention_scan_rewind(scan);
	return 0;
}

void
retention_scan_rewind(struct retention_scan *scan)
{
	scan->cursor[0] = '\0';
	scan->is_over = scan->is_void;
}

/* ---- what goes ---- */

static bool
is_beyond(const struct retention_scan *scan, const struct job *job)
{
	const struct retention_spec *spec = scan->spec;

	if (spec->age_ms >= 0 && job->completed_ms <= scan->now_ms - spec->age_ms)
		return true;
	if (job->completed_ms != scan->boundary_ms)
		return job->completed_ms < scan->boundary_ms;
	return scan->boundary_seq != 0 && job->seq <= scan->boundary_seq;
}

static int
no_room(struct err *err)
{
	return err_set(err, ERR_LIMIT, "too many jobs at once");
}

int
retention_scan_jobs(struct retention_scan *scan, struct store_reader *reader,
	struct arena *arena, struct job ***ret, size_t *ret_n, struct err *err)
{
	const struct retention_spec *spec = scan->spec;
	struct job_filter filter = filter_of(scan);
	int64_t until_ms = scan->boundary_ms;
	struct job_page page;

	if (spec->age_ms >= 0 && scan->now_ms - spec->age_ms > until_ms)
		until_ms = scan->now_ms - spec->age_ms;
	*ret_n = 0;
	if (scan->is_over || until_ms == 0)
		return STORE_NONE;
	if (until_ms + 1 < filter.completed_before_ms)
		filter.completed_before_ms = until_ms + 1;
	filter.limit = SWEEP_JOBS_MAX;
	if (read_page(scan, reader, &filter, arena, &page, err) < 0)
		return -1;
	*ret = arena_calloc(arena, page.n + 1, sizeof **ret);
	if (!*ret)
		return no_room(err);
	for (size_t i = 0; i < page.n; i++)
		if (is_judged(scan, page.items[i]) && is_beyond(scan, page.items[i]))
			(*ret)[(*ret_n)++] = page.items[i];
	return 0;
}

int
retention_scan_files(struct retention_scan *scan, struct store_reader *reader, int64_t after_ms,
	struct arena *arena, struct job ***ret, size_t *ret_n, struct err *err)
{
	struct job_filter filter = filter_of(scan);
	int64_t until_ms = scan->now_ms - scan->spec->files_age_ms;
	struct job_page page;

	*ret_n = 0;
	if (scan->is_over || scan->spec->files_age_ms < 0)
		return STORE_NONE;
	if (until_ms + 1 < filter.completed_before_ms)
		filter.completed_before_ms = until_ms + 1;
	filter.completed_after_ms = after_ms;
	filter.limit = SWEEP_JOBS_MAX;
	if (read_page(scan, reader, &filter, arena, &page, err) < 0)
		return -1;
	*ret = arena_calloc(arena, page.n + 1, sizeof **ret);
	if (!*ret)
		return no_room(err);
	for (size_t i = 0; i < page.n; i++) {
		struct artifact *files;
		size_t n;

		/* What goes as a whole is no matter of its files. */
		if (!is_judged(scan, page.items[i]) || is_beyond(scan, page.items[i]))
			continue;
		if (read_artifacts(reader, page.items[i]->seq, 0, arena, &files, &n, err) < 0)
			return -1;
		if (n > 0)
			(*ret)[(*ret_n)++] = page.items[i];
	}
	return 0;
}
