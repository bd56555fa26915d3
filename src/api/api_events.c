/* SPDX-License-Identifier: Apache-2.0 */
/* Events as a stream or as a page. */
#include <string.h>

#include "api/handlers.h"
#include "api/hub.h"
#include "base/parse.h"

static bool
wants_page(const struct call *call)
{
	const struct events_query *query = call->query;
	const char *accept = http_header_get(call->req, "Accept");

	if (query->format >= 0)
		return query->format == 1;
	if (query->limit > 0 || query->cursor)
		return true;
	return accept && strstr(accept, "application/json") &&
		!strstr(accept, "text/event-stream");
}

/* "run.*" or "job.completed": the bits of all types that are meant. */
static uint64_t
type_set(struct call *call)
{
	const struct events_query *query = call->query;
	uint64_t set = 0;

	for (size_t i = 0; i < query->type.n; i++) {
		struct str wanted = str_of(query->type.item[i]);
		bool is_prefix = str_ends(wanted, STR("*"));
		uint64_t bits = 0;

		if (is_prefix)
			wanted.n--;
		for (int j = 0; j < EVENT_TYPE_COUNT; j++) {
			struct str name = str_of(event_type_name((enum event_type)j));
			if (is_prefix ? str_starts(name, wanted) : str_eq(name, wanted))
				bits |= UINT64_C(1) << j;
		}
		if (bits == 0)
			issues_add_member(&call->issues, "?", "type", ISSUE_INVALID,
				"there is no type of event \"%.60s\"", query->type.item[i]);
		set |= bits;
	}
	return set;
}

/* Last-Event-ID, else ?after=, else -1. */
static int64_t
resume_point(struct call *call)
{
	const struct events_query *query = call->query;
	const char *last = http_header_get(call->req, "Last-Event-ID");
	int64_t seq;
	struct err err;

	if (!last || *last == '\0')
		return query->after;
	if (parse_i64(str_of(last), 0, INT64_MAX, &seq, &err) == 0)
		return seq;
	issues_add_member(&call->issues, "?", "Last-Event-ID", ISSUE_INVALID,
		"a number of an event is expected");
	return -1;
}

struct events_page {
	struct event_filter filter;
	bool of_job;
};

static int
read_events_page(struct call *call, struct store_reader *reader, struct err *err)
{
	struct events_page *page = call->state;
	struct event *events;
	struct job *job;
	size_t n;
	struct jw jw = call_jw(call);

	if (page->of_job) {
		if (read_path_job(call, reader, &job, err) < 0)
			return -1;
		page->filter.job_seq = job->seq;
	}
	if (read_events(reader, &page->filter, call->arena, &events, &n, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_karr(&jw, "items");
	for (size_t i = 0; i < n && !jw.failed; i++) {
		if ((i > 0 && buf_addc(jw.out, ',') < 0) || event_write(&events[i], jw.out) < 0)
			jw.failed = true;
	}
	jw_end_arr(&jw);
	if (n == page->filter.limit || (n > 0 && call->out.len >= page->filter.bytes_max)) {
		char text[24];

		(void)snprintf(text, sizeof text, "%lld", (long long)events[n - 1].seq);
		jw_kstr(&jw, "nextCursor", text);
	}
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

/* only: types of which the list is, or 0; it is then always a page. */
static void
events(struct call *call, const struct job_id *job, uint64_t only)
{
	const struct events_query *query = call->query;
	int64_t after = resume_point(call), cursor = 0;
	uint64_t types = only ? only : type_set(call);
	struct events_page *page;
	struct err err;

	if (query->cursor && parse_i64(str_of(query->cursor), 0, INT64_MAX, &cursor, &err) < 0)
		issues_add_member(&call->issues, "?", "cursor", ISSUE_INVALID,
			"it is none that this list gave");
	if (call->issues.n > 0) {
		call_issues(call);
		return;
	}
	if (!only && !wants_page(call)) {
		hub_stream(call->api->hub, call, job, after, types);
		return;
	}
	page = arena_xalloc(call->arena, sizeof *page);
	page->of_job = job != NULL;
	page->filter = (struct event_filter) {
		.project = call->project,
		.after_seq = query->cursor ? cursor
			: after > 0        ? after
					   : 0,
		.types = types,
		.limit = (size_t)(query->limit > 0 ? query->limit : PAGE_DEFAULT),
		.bytes_max = (size_t)MIB(8),
	};
	call->state = page;
	call_read(call, read_events_page, NULL);
}

void
job_events(struct call *call)
{
	struct job_id id;

	if (call_uuid(call->arg[0], "job", &id.u, &call->err) < 0)
		call_error(call, &call->err);
	else
		events(call, &id, 0);
}

void
flow_run_observations(struct call *call)
{
	struct job_id id;

	if (call_uuid(call->arg[0], "flow", &id.u, &call->err) < 0)
		call_error(call, &call->err);
	else
		events(call, &id, UINT64_C(1) << EV_WAIT_OBSERVED);
}

void
project_events(struct call *call)
{
	events(call, NULL, 0);
}
