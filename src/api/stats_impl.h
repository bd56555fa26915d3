/* SPDX-License-Identifier: Apache-2.0 */
/* What the routes of figures share; call->query is a struct stats_query. */
#pragma once

#include "api/api_impl.h"
#include "api/stats_json.h"

/* STORE_NONE: it names something that is not there, so nothing can match. */
int stats_filter_of(struct call *call, struct store_reader *reader, enum stat_subject subject,
	struct stat_filter *ret, struct err *err) MUST_CHECK;
/* For read_stat_cells(); arg is a struct stat_groups. */
int stats_add_cell(void *arg, const struct stat_cell *cell, struct err *err) MUST_CHECK;
/* Adds up what the query lets through. */
int stats_add_up(struct call *call, struct store_reader *reader, struct stat_filter *filter,
	struct stat_groups *groups, struct err *err) MUST_CHECK;

/* A page's place is the number of rows before it. */
int stats_offset_of(struct call *call, size_t *ret) MUST_CHECK;
void stats_write_next(struct jw *jw, size_t end, size_t n);

void stats_write_span(struct jw *jw, const struct stat_filter *filter);
int stats_write_backlog(struct call *call, struct store_reader *reader, struct jw *jw,
	struct err *err) MUST_CHECK;
/* `items` of a trend. */
void stats_write_points(
	struct jw *jw, const struct stat_filter *filter, const struct stat_groups *groups);
/* `items` of a page, and its cursor. */
int stats_write_history(struct call *call, struct store_reader *reader, struct jw *jw,
	struct history_filter *filter, struct err *err) MUST_CHECK;
