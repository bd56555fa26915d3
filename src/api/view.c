/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /view/TICKET/NAME, and nothing else; NAME ~screen is the live view of the run, ~report
 * the report of a job, for whom that is sent around (dialects/octomind). Kept
 * reports bring scripts of their own and a service worker, so they need an origin; it is not
 * the API's, holds no cookie and no token, and its pages may talk to nobody but it.
 */
#include "api/view.h"

#include <string.h>

#include "api/api_impl.h"
#include "api/handlers.h"
#include "api/screens.h"
#include "api/send.h"
#include "api/ticket.h"
#include "base/clock.h"
#include "report/report.h"

static const char policy[] =
	"default-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:; connect-src 'self' blob: data:; "
	"form-action 'none'; base-uri 'none'; object-src 'none'; frame-ancestors 'self'";

struct view {
	struct run_id run;
	const char *name;
};

static void
add_headers(struct call *call)
{
	http_header_add(call->req, "Content-Security-Policy", policy);
	http_header_add(call->req, "Referrer-Policy", "no-referrer");
	http_header_add(call->req, "Cross-Origin-Resource-Policy", "same-origin");
	http_header_add(call->req, "Cache-Control", "private, no-cache");
}

static int
read_view(struct call *call, struct store_reader *reader, struct err *err)
{
	struct view *view = call->state;
	struct artifact *artifact;
	struct job_id job;
	struct run *run;
	int r = read_run(reader, call->project, view->run, call->arena, &run, &job, err);

	if (r == 0)
		r = read_artifact(reader, run->seq, view->name, call->arena, &artifact, err);
	if (r == STORE_NONE)
		return err_set(
			err, ERR_NOT_FOUND, "the run has no artifact \"%.100s\"", view->name);
	if (r < 0)
		return -1;
	add_headers(call);
	return send_blob(call, artifact->blob, artifact->content_type, err);
}

/* The ticket's id is the job's. Its headers are the report's own: it needs nothing but itself.
 */
static void
show_report(struct call *call, const struct view *view)
{
	struct report_query *query = arena_xalloc(call->arena, sizeof *query);
	char id[UUID_TEXT_LEN + 1];

	*query = (struct report_query) { .format = REPORT_HTML };
	uuid_format(&view->run.u, id);
	call->query = query;
	call->arg[0] = arena_strdup(call->arena, id);
	http_header_add(call->req, "Referrer-Policy", "no-referrer");
	http_header_add(call->req, "Cache-Control", "private, no-cache");
	call_read(call, job_report, NULL);
}

/* The run of /view/TICKET/…; -1: no good ticket. */
static int
open_ticket(struct call *call, struct view *view)
{
	struct str path = call->req->path, ticket, name;

	if (!str_starts(path, STR("/view/")))
		return -1;
	path = str_from(path.p + 6, path.n - 6);
	ticket = str_split_first(&path, '/');
	if (ticket_read(call->api->ticket_key, ticket, clock_wall_ms(), &call->project,
		    &view->run) < 0)
		return -1;
	name = path;
	view->name = http_percent_decode(call->arena, name, false);
	if (view->name && (name.n == 0 || str_ends(name, STR("/"))))
		view->name = arena_printf(call->arena, "%sindex.html", view->name);
	return view->name ? 0 : -1;
}

void
view_on_head(struct http_request *req, void *arg)
{
	struct call *call = call_new(req, arg);

	if (req->method == HTTP_GET)
		return;
	http_header_add(req, "Allow", "GET, HEAD");
	call_problem(call, PROBLEM_METHOD_NOT_ALLOWED, "allowed are GET, HEAD");
}

void
view_on_body(struct http_request *req, void *arg)
{
	struct call *call = req->user;
	struct view *view = arena_xalloc(call->arena, sizeof *view);

	(void)arg;
	call->state = view;
	if (open_ticket(call, view) < 0) {
		call_problem(call, PROBLEM_NOT_FOUND,
			"this view does not exist or its time is over; ask for a new one");
	} else if (strcmp(view->name, VIEW_SCREEN) == 0) {
		add_headers(call);
		screens_view_page(call);
	} else if (strcmp(view->name, VIEW_SCREEN "/stream") == 0) {
		screens_view_stream(call, &view->run);
	} else if (strcmp(view->name, VIEW_REPORT) == 0) {
		show_report(call, view);
	} else {
		call_read(call, read_view, NULL);
	}
}
