/* SPDX-License-Identifier: Apache-2.0 */
/* Definitions are read page by page when they are selected, one by one otherwise. */
#include "store/source.h"

#include <string.h>

#include "base/limits.h"
#include "core/stats.h"
#include "store/store_stats.h"

enum {
	PAGE_DEFINITIONS = 32, /* of DEFINITION_BYTES_MAX each */
};

int
source_definition(struct store_reader *reader, int64_t project, enum def_kind kind,
	const char *id_or_name, int64_t revision, struct arena *arena, struct definition **ret,
	struct err *err)
{
	struct def_key key = { .project = project, .kind = kind };

	if (uuid_parse(str_of(id_or_name), &key.id.u) < 0)
		key.name = id_or_name;
	return read_definition(reader, &key, revision, arena, ret, err);
}

static int
to_item(const struct definition *def, struct job_source_item *ret, struct err *err)
{
	json_t *body = json_read(def->body, strlen(def->body), JSON_DEPTH_MAX, err);

	if (!body)
		return err_wrap(err, "%s \"%s\"", def_kind_name(def->kind), def->name);
	*ret = (struct job_source_item) {
		.id = def->id,
		.name = def->name,
		.revision = def->revision,
		.body = body,
	};
	return 0;
}

static int
find(struct store_source *state, enum def_kind kind, const char *name, int64_t revision,
	struct job_source_item *ret, struct err *err)
{
	struct definition *def;
	int r = source_definition(
		state->reader, state->project, kind, name, revision, state->arena, &def, err);

	if (r == STORE_NONE)
		return JOB_SOURCE_NONE;
	return r < 0 ? -1 : to_item(def, ret, err);
}

static int
find_test(void *arg, const char *name, int64_t revision, struct job_source_item *ret,
	struct err *err)
{
	return find(arg, DEF_TEST, name, revision, ret, err);
}

static int
find_template(void *arg, const char *name, struct job_source_item *ret, struct err *err)
{
	return find(arg, DEF_TEMPLATE, name, 0, ret, err);
}

static int
find_flow(void *arg, const char *name, struct job_source_item *ret, struct err *err)
{
	return find(arg, DEF_FLOW, name, 0, ret, err);
}

/* The tags column is a JSON array of texts that we wrote ourselves; they live in the array. */
static size_t
read_tags(const json_t *array, const char **ret)
{
	size_t n = 0, index;
	const json_t *item;

	json_array_foreach(array, index, item)
	{
		if (n < TAGS_MAX && json_is_string(item))
			ret[n++] = json_string_value(item);
	}
	return n;
}

/* Two look-ups; a test whose history is gone with its jobs passed without trouble. */
int
source_last_result(void *arg, const char *name, enum last_result *ret, struct err *err)
{
	struct store_source *state = arg;
	_cleanup_(arena_deinit) struct arena arena;
	struct history_filter filter = { .test_key = stats_test_key(state->project, name),
		.limit = 1 };
	struct known_test *known = NULL;
	struct history_item *items;
	size_t n;

	arena_init(&arena, ARENA_REQUEST_BYTES_MAX);
	if (read_known_test(state->reader, filter.test_key, &arena, &known, err) < 0)
		return -1;
	*ret = !known || known->outcome == OUTCOME_NONE ? LAST_NEW
		: known->outcome == OUTCOME_PASSED      ? LAST_PASSED
							: LAST_FAILED;
	if (*ret != LAST_PASSED)
		return 0;
	if (read_history(state->reader, &filter, &arena, &items, &n, err) < 0)
		return -1;
	if (n > 0 && items[0].run->outcome == OUTCOME_PASSED && items[0].run->attempt > 1)
		*ret = LAST_FLAKY;
	return 0;
}

int
source_judge(struct store_source *state, const struct selector *selector,
	const struct definition *def, struct selector_counts *counts, struct err *err)
{
	const char *tags[TAGS_MAX];
	_cleanup_(json_unrefp) json_t *array =
		json_read(def->tags, strlen(def->tags), JSON_DEPTH_MAX, err);
	struct selector_test test = {
		.name = def->name,
		.tags = tags,
		.n_tags = read_tags(array, tags),
		.last = source_last_result,
		.arg = state,
	};

	return array ? selector_judge(selector, &test, counts, err) : -1;
}

static int
find_selected(void *arg, const struct selector *selector, struct selector_counts *counts,
	int (*take)(void *taker, struct job_source_item *item), void *taker, struct err *err)
{
	struct store_source *state = arg;
	struct def_filter filter = {
		.project = state->project, .kind = DEF_TEST, .limit = PAGE_DEFINITIONS
	};
	_cleanup_(arena_deinit) struct arena page; /* most of them do not match */
	char after[NAME_BYTES_MAX + 1] = "";
	struct definition *defs;
	size_t n;

	arena_init(&page, ARENA_REQUEST_BYTES_MAX);
	filter.after_name = after;
	do {
		arena_reset(&page);
		if (read_definitions(state->reader, &filter, &page, &defs, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++) {
			struct job_source_item item;
			int r = source_judge(state, selector, &defs[i], counts, err);

			if (r == SELECTOR_LEFT_OUT)
				continue;
			if (r < 0 || to_item(&defs[i], &item, err) < 0 ||
				take(taker, &item) < 0)
				return -1;
		}
		if (n > 0)
			(void)snprintf(after, sizeof after, "%s", defs[n - 1].name);
	} while (n == PAGE_DEFINITIONS);
	return 0;
}

struct job_source
store_source(struct store_source *state)
{
	return (struct job_source) {
		.test = find_test,
		.tmpl = find_template,
		.flow = find_flow,
		.selected = find_selected,
		.arg = state,
	};
}
