/* SPDX-License-Identifier: Apache-2.0 */
/* Classes of errors: the most frequent in clusters of like texts, and one with its trend. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/stats_impl.h"
#include "core/cluster.h"

enum {
	CLASSES_IN_CLUSTER = 20,
	HISTORY_OF_CLASS = 20,
	KEY_CHARS = 24,
};

/* The classes of the most frequent groups, in their order; NULL where one is not there. */
static int
read_classes(struct call *call, struct store_reader *reader, const struct stat_groups *groups,
	size_t n, struct error_class **ret, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t key = strtoull(groups->item[i]->key, NULL, 16);

		ret[i] = NULL;
		if (read_error_class(reader, (int64_t)key, call->arena, &ret[i], err) < 0)
			return -1;
	}
	return 0;
}

struct cluster {
	int64_t n;
	size_t n_classes;
	size_t first; /* its most frequent class */
};

static int
by_n_falling(const void *a, const void *b)
{
	const struct cluster *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return (x->first > y->first) - (x->first < y->first);
}

/* group[i] is the first class of the cluster of i. Returns how many clusters there are. */
static size_t
count_clusters(const struct stat_groups *groups, const size_t *group, size_t n,
	struct cluster *clusters)
{
	size_t n_clusters = 0;

	for (size_t i = 0; i < n; i++) {
		struct cluster *own = &clusters[group[i]];

		own->first = group[i];
		own->n += groups->item[i]->sum.cell.n;
		own->n_classes++;
	}
	for (size_t i = 0; i < n; i++) {
		if (clusters[i].n_classes > 0)
			clusters[n_clusters++] = clusters[i];
	}
	if (n_clusters > 1)
		qsort(clusters, n_clusters, sizeof *clusters, by_n_falling);
	return n_clusters;
}

static void
write_cluster(struct jw *jw, const struct cluster *cluster, const struct stat_groups *groups,
	struct error_class *const *classes, const size_t *group, size_t n)
{
	size_t shown = 0;

	jw_obj(jw);
	jw_ki64(jw, "n", cluster->n);
	jw_kstr(jw, "text", classes[cluster->first] ? classes[cluster->first]->text : "");
	jw_ki64(jw, "classCount", (int64_t)cluster->n_classes);
	jw_karr(jw, "classes");
	for (size_t i = cluster->first; i < n && shown < CLASSES_IN_CLUSTER; i++) {
		if (group[i] != cluster->first || !classes[i])
			continue;
		jw_obj(jw);
		error_class_write(jw, classes[i], groups->item[i]->sum.cell.n);
		jw_end_obj(jw);
		shown++;
	}
	jw_end_arr(jw);
	jw_end_obj(jw);
}

static int
write_errors(struct call *call, struct store_reader *reader, const struct stat_filter *filter,
	const struct stat_groups *groups, struct err *err)
{
	const struct stats_query *query = call->query;
	size_t n = groups->n < ERROR_CLASSES_SHOWN_MAX ? groups->n : ERROR_CLASSES_SHOWN_MAX;
	struct error_class **classes = arena_xalloc(call->arena, (n + 1) * sizeof *classes);
	const char **texts = arena_xalloc(call->arena, (n + 1) * sizeof *texts);
	size_t *group = arena_xalloc(call->arena, (n + 1) * sizeof *group);
	struct cluster *clusters = arena_xalloc(call->arena, (n + 1) * sizeof *clusters);
	size_t offset, limit = (size_t)query->limit;
	int64_t rest = 0;
	struct jw jw = call_jw(call);

	if (stats_offset_of(call, &offset) < 0 ||
		read_classes(call, reader, groups, n, classes, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		texts[i] = classes[i] ? classes[i]->text : groups->item[i]->key;
	for (size_t i = n; i < groups->n; i++)
		rest += groups->item[i]->sum.cell.n;
	cluster_group(texts, n, group);
	size_t n_clusters = count_clusters(groups, group, n, clusters);

	jw_obj(&jw);
	stats_write_span(&jw, filter);
	jw_karr(&jw, "items");
	for (size_t i = offset; i < offset + limit && i < n_clusters; i++)
		write_cluster(&jw, &clusters[i], groups, classes, group, n);
	jw_end_arr(&jw);
	stats_write_next(&jw, offset + limit, n_clusters);
	jw_ki64(&jw, "n", groups->total.cell.n);
	jw_ki64(&jw, "classCount", (int64_t)groups->n);
	jw_ki64(&jw, "clusterCount", (int64_t)n_clusters);
	if (rest > 0)
		jw_ki64(&jw, "rest", rest);
	if (stats_write_backlog(call, reader, &jw, err) < 0)
		return -1;
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

int
stats_errors(struct call *call, struct store_reader *reader, struct err *err)
{
	_cleanup_(stat_groups_deinit) struct stat_groups groups;
	struct stat_filter filter = { 0 };

	stat_groups_init(&groups, STAT_ERROR, STAT_BY_NAME, call->arena);
	if (stats_add_up(call, reader, &filter, &groups, err) < 0)
		return -1;
	stat_groups_sort(&groups, STAT_SORT_N, true);
	return write_errors(call, reader, &filter, &groups, err);
}

/* The class of the path, whose id is written in one way only. */
static int
find_class(struct call *call, struct store_reader *reader, struct error_class **ret,
	struct err *err)
{
	uint64_t key = strtoull(call->arg[0], NULL, 16);
	char text[KEY_CHARS];

	*ret = NULL;
	snprintf(text, sizeof text, "%016" PRIx64, key);
	if (strcmp(text, call->arg[0]) == 0 &&
		read_error_class(reader, (int64_t)key, call->arena, ret, err) < 0)
		return -1;
	if (!*ret || (*ret)->project != call->project)
		return err_set(err, ERR_NOT_FOUND, "there is no such class of errors");
	return 0;
}

int
stats_error(struct call *call, struct store_reader *reader, struct err *err)
{
	_cleanup_(stat_groups_deinit) struct stat_groups groups;
	struct stat_filter filter = { 0 };
	struct error_class *class;
	struct history_filter history = { .limit = HISTORY_OF_CLASS };
	struct jw jw = call_jw(call);

	stat_groups_init(&groups, STAT_ERROR, STAT_BY_TIME, call->arena);
	if (find_class(call, reader, &class, err) < 0)
		return -1;
	history.error_class = class->key;
	int rc = stats_filter_of(call, reader, STAT_ERROR, &filter, err);

	filter.name = call->arg[0];
	if (rc == 0)
		rc = read_stat_cells(reader, &filter, stats_add_cell, &groups, err);
	if (rc < 0)
		return -1;
	jw_obj(&jw);
	stats_write_span(&jw, &filter);
	error_class_write(&jw, class, class->n);
	jw_kobj(&jw, "trend");
	stats_write_points(&jw, &filter, &groups);
	jw_end_obj(&jw);
	jw_kobj(&jw, "units");
	if (stats_write_history(call, reader, &jw, &history, err) < 0)
		return -1;
	jw_end_obj(&jw);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}
