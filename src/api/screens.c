/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A feed for each run that somebody looks at, with its viewers. A viewer is in its feed before
 * the store is asked about the run, so that an end in between is not missed.
 */
#include "api/screens.h"

#include <string.h>

#include "api/handlers.h"
#include "api/hub.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/sse.h"

enum { FENCE_UNKNOWN = -1 };

struct screens {
	struct api *api;
	struct map feeds; /* run id → struct feed */
	size_t n_viewers;
};

struct feed {
	struct screens *screens;
	struct run_id run;
	struct job_id job; /* zero until a viewer has read it */
	int64_t project;
	struct list_node viewers;
	struct sse_block *newest; /* NULL: none yet */
	uint64_t n_frames;
	int64_t fence;         /* that pictures are taken under; FENCE_UNKNOWN: ask the store */
	bool is_watched;       /* the engine was told */
	struct sse_block *end; /* the last words, once the run is over */
};

struct viewer {
	struct sse_stream sse;
	struct list_node node; /* in the feed */
	struct feed *feed;
	struct job_id job;
	uint64_t n_seen; /* number of the newest picture that it got */
	bool is_open;    /* has its socket */
};

/* --- The engine's side --- */

static void
tell_engine(struct feed *feed, bool is_on)
{
	struct api *api = feed->screens->api;

	if (feed->is_watched == is_on || !api->thread)
		return;
	feed->is_watched = is_on;
	struct intent *intent = intent_new(INTENT_RUN_WATCH, feed->project, (size_t)MIB(1));
	intent->in.watch = (struct run_watch) { .run = feed->run, .is_on = is_on };
	engine_submit(api->thread, intent);
}

/* --- Feeds --- */

static struct feed *
feed_find(const struct screens *screens, const struct run_id *run)
{
	if (map_count(&screens->feeds) == 0)
		return NULL;
	return map_get(&screens->feeds, run, sizeof *run);
}

static struct feed *
feed_get(struct screens *screens, int64_t project, const struct run_id *run)
{
	struct feed *feed = feed_find(screens, run);

	if (feed)
		return feed;
	feed = xcalloc(1, sizeof *feed);
	feed->screens = screens;
	feed->run = *run;
	feed->project = project;
	feed->fence = FENCE_UNKNOWN;
	list_init(&feed->viewers);
	(void)map_put(&screens->feeds, &feed->run, sizeof feed->run, feed);
	hub_interest(screens->api->hub, +1);
	return feed;
}

static bool
feed_has_open(const struct feed *feed)
{
	LIST_FOR_EACH(node, &feed->viewers)
		if (list_entry(node, struct viewer, node)->is_open)
			return true;
	return false;
}

/* After a viewer left. */
static void
feed_put(struct feed *feed)
{
	if (!feed_has_open(feed)) {
		tell_engine(feed, false);
		sse_block_unref(feed->newest);
		feed->newest = NULL;
	}
	if (!list_empty(&feed->viewers))
		return;
	hub_interest(feed->screens->api->hub, -1);
	(void)map_remove(&feed->screens->feeds, &feed->run, sizeof feed->run);
	sse_block_unref(feed->end);
	free(feed);
}

/* Gives the newest picture to a viewer that is ready for it. */
static void
show(struct viewer *viewer)
{
	struct feed *feed = viewer->feed;

	if (!viewer->is_open || !feed->newest || viewer->n_seen == feed->n_frames ||
		viewer->sse.n_queue > 0)
		return;
	viewer->n_seen = feed->n_frames;
	(void)sse_push(&viewer->sse, feed->newest);
}

static void
say_end(struct viewer *viewer)
{
	(void)sse_push(&viewer->sse, viewer->feed->end);
	sse_end(&viewer->sse);
}

/* The run is over, or has no pictures. */
static void
feed_end(struct feed *feed, const char *reason, const char *outcome)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(4096);
	struct jw jw;

	if (feed->end)
		return;
	/* The id lets an EventSource that comes back be told to stay away. */
	if (buf_adds(&text, "id: end\nevent: end\ndata: ") < 0)
		return;
	jw_init(&jw, &text);
	jw_obj(&jw);
	jw_kstr(&jw, "reason", reason);
	jw_kstr_opt(&jw, "outcome", outcome);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0 || buf_adds(&text, "\n\n") < 0)
		return; /* words of ours: they fit */
	feed->end = sse_block_new(text.data, text.len);
	tell_engine(feed, false);
	LIST_FOR_EACH(node, &feed->viewers) {
		struct viewer *viewer = list_entry(node, struct viewer, node);
		if (viewer->is_open)
			say_end(viewer);
	}
}

/* --- What happens to the run --- */

static const char *
outcome_of(const struct event *event, json_t **ret_data)
{
	struct err ignored;

	*ret_data = json_read(event->data.p, event->data.n, JSON_DEPTH_MAX, &ignored);
	return json_string_value(json_object_get(*ret_data, "outcome"));
}

static void
take_event(struct screens *screens, const struct event *event)
{
	struct feed *feed = feed_find(screens, &event->run);

	if (!feed)
		return;
	if (event->type == EV_RUN_FINISHED) {
		json_t *data;
		const char *outcome = outcome_of(event, &data);

		feed_end(feed, "finished", outcome);
		json_decref(data);
	} else if (event->type == EV_RUN_LEASED || event->type == EV_RUN_LOST ||
		event->type == EV_RUN_RESTARTED) {
		feed->fence = FENCE_UNKNOWN; /* another worker's pictures count now */
	}
}

/* Runs that never began have no end of their own. */
static void
end_job(struct screens *screens, const struct event *event)
{
	struct map_entry entry;

	for (size_t at = 0; map_next(&screens->feeds, &at, &entry);) {
		struct feed *feed = entry.value;

		if (uuid_eq(&feed->job.u, &event->job.u))
			feed_end(feed, "job_over", NULL);
	}
}

/* A run as the store has it. */
struct look {
	uv_work_t work;
	struct api *api;
	struct run_id run;
	int64_t project;
	int result; /* of read_run() */
	enum run_outcome outcome;
};

static void
on_look(uv_work_t *work)
{
	struct look *look = container_of(work, struct look, work);
	_cleanup_(arena_deinit) struct arena arena;
	struct err err;
	struct store_reader *reader = api_reader_take(look->api, &err);
	struct job_id job;
	struct run *run;

	arena_init(&arena, MIB(16));
	look->result = -1;
	if (!reader)
		return;
	look->result = read_run(reader, look->project, look->run, &arena, &run, &job, &err);
	if (look->result == 0)
		look->outcome = run->outcome;
	api_reader_give(look->api, reader);
}

static void
on_looked(uv_work_t *work, int status)
{
	struct look *look = container_of(work, struct look, work);
	struct feed *feed = feed_find(look->api->screens, &look->run);

	(void)status;
	look->api->reads_open--;
	if (feed && look->result == STORE_NONE)
		feed_end(feed, "job_over", NULL);
	else if (feed && look->result == 0 && look->outcome != OUTCOME_NONE)
		feed_end(feed, "finished", run_outcome_name(look->outcome));
	free(look);
}

/* There were events that nobody copied. */
static void
look_again(struct feed *feed)
{
	struct look *look = xcalloc(1, sizeof *look);

	feed->fence = FENCE_UNKNOWN;
	look->api = feed->screens->api;
	look->run = feed->run;
	look->project = feed->project;
	look->api->reads_open++;
	if (uv_queue_work(look->api->loop, &look->work, on_look, on_looked) != 0)
		abort(); /* only for a missing callback */
}

void
screens_turn(struct screens *screens, const struct turn_output *output)
{
	struct map_entry entry;

	if (map_count(&screens->feeds) == 0 || output->last_event_seq == 0)
		return;
	for (size_t at = 0; output->n_events == 0 && map_next(&screens->feeds, &at, &entry);)
		look_again(entry.value);
	for (size_t i = 0; i < output->n_events; i++) {
		take_event(screens, &output->events[i]);
		if (event_type_is_final(output->events[i].type))
			end_job(screens, &output->events[i]);
	}
}

/* --- Viewers --- */

static void
viewer_free(struct viewer *viewer)
{
	struct feed *feed = viewer->feed;

	list_remove(&viewer->node);
	feed->screens->n_viewers--;
	free(viewer);
	feed_put(feed);
}

static void
on_viewer_closed(struct sse_stream *sse)
{
	viewer_free(container_of(sse, struct viewer, sse));
}

static void
on_viewer_drained(struct sse_stream *sse)
{
	show(container_of(sse, struct viewer, sse));
}

static void
cleanup_viewer(struct call *call)
{
	if (call->state)
		viewer_free(call->state);
	call->state = NULL;
}

/* By the path, or for a ticket by the run alone. */
static int
read_run_and_job(struct call *call, struct store_reader *reader, struct job **ret_job,
	struct run **ret, struct err *err)
{
	const struct viewer *viewer = call->state;
	struct job_id job;

	if (call->route)
		return read_path_run_of_job(call, reader, ret_job, ret, err);
	int r = read_run(reader, call->project, viewer->feed->run, call->arena, ret, &job, err);
	if (r == 0)
		r = read_job(reader, call->project, job, call->arena, ret_job, err);
	if (r == STORE_NONE)
		return err_set(err, ERR_NOT_FOUND, "there is no such run");
	return r;
}

/* Leaves in call->type why there is nothing to see: "no_screen", or the run's outcome. */
static int
read_viewed(struct call *call, struct store_reader *reader, struct err *err)
{
	struct viewer *viewer = call->state;
	struct job_test *tests;
	struct job *job;
	struct run *run;
	size_t n;

	if (read_run_and_job(call, reader, &job, &run, err) < 0 ||
		read_job_tests(reader, job->seq, call->arena, &tests, &n, err) < 0)
		return -1;
	viewer->job = job->id;
	const char *kind = (size_t)run->test < n ? tests[run->test].kind : "browser";
	if (strcmp(kind, "browser") != 0)
		call->type = "no_screen";
	else if (run->outcome != OUTCOME_NONE)
		call->type = run_outcome_name(run->outcome);
	return 0;
}

static void
open_viewer(struct call *call)
{
	struct viewer *viewer = call->state;
	struct feed *feed = viewer->feed;
	int fd = http_take_socket(call->req, &call->err);

	if (fd < 0) {
		call_error(call, &call->err);
		return;
	}
	list_remove(&call->node);
	call->api->counters.answers[2]++;
	call->state = NULL; /* the socket's from here */
	viewer->is_open = true;
	viewer->sse.drained = on_viewer_drained;
	hub_open(call->api->hub, &viewer->sse, fd, on_viewer_closed);
	if (feed->end) {
		say_end(viewer);
		return;
	}
	tell_engine(feed, true);
	show(viewer);
}

static void
on_viewed(struct call *call)
{
	struct viewer *viewer = call->state;
	struct feed *feed = viewer->feed;
	const char *over = call->type;
	const char *last = http_header_get(call->req, "Last-Event-ID");

	call->type = NULL;
	if (call->read_result < 0) {
		call_read_error(call);
		return;
	}
	feed->job = viewer->job;
	if (over && strcmp(over, "no_screen") == 0)
		feed_end(feed, over, NULL);
	else if (over)
		feed_end(feed, "finished", over);
	if (feed->end && last && strcmp(last, "end") == 0) {
		call_reply_empty(call, 204);
	} else if (call->req->is_head) {
		call->type = "text/event-stream";
		call_reply(call, 200);
	} else {
		open_viewer(call);
	}
}

void
screens_view_stream(struct call *call, const struct run_id *run)
{
	struct screens *screens = call->api->screens;

	if (screens->n_viewers >= SCREEN_VIEWERS_MAX ||
		hub_streams(call->api->hub) >= call->api->streams_max) {
		call_problem(call, PROBLEM_TOO_MANY_REQUESTS, "too many streams are open");
		return;
	}
	struct viewer *viewer = xcalloc(1, sizeof *viewer);
	viewer->feed = feed_get(screens, call->project, run);
	list_push_back(&viewer->feed->viewers, &viewer->node);
	screens->n_viewers++;
	call->state = viewer;
	call->cleanup = cleanup_viewer;
	call_read(call, read_viewed, on_viewed);
}

void
run_screen(struct call *call)
{
	struct run_id run;

	if (call_uuid(call->arg[1], "run", &run.u, &call->err) < 0)
		call_error(call, &call->err);
	else
		screens_view_stream(call, &run);
}

void
screens_view_page(struct call *call)
{
	static const char page[] =
		"<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>Live view</title>\n"
		"<style>body { margin: 0; background: #222; color: #ddd; font: 14px sans-serif }\n"
		"img { display: block; max-width: 100%; margin: auto } p { margin: 8px }</style>\n"
		"<p role=\"status\">Waiting for the run\u2026</p><img alt=\"What the run shows\" hidden>\n"
		"<script>\n"
		"const words = document.querySelector(\"p\"), image = document.querySelector(\"img\");\n"
		"const stream = new EventSource(\"~screen/stream\");\n"
		"stream.addEventListener(\"frame\", ({ data }) => {\n"
		"	const { at, width, height, jpeg } = JSON.parse(data);\n"
		"	image.src = \"data:image/jpeg;base64,\" + jpeg;\n"
		"	image.hidden = false;\n"
		"	words.textContent = `${new Date(at).toLocaleTimeString()} \u00b7 ${width} \u00d7 ${height}`;\n"
		"});\n"
		"stream.addEventListener(\"end\", ({ data }) => {\n"
		"	const { reason, outcome } = JSON.parse(data);\n"
		"	stream.close();\n"
		"	words.textContent = { finished: `The run is over: ${outcome}.`, job_over: \"The job is over.\",\n"
		"		no_screen: \"A run of this kind has no screen.\" }[reason] ?? reason;\n"
		"});\n"
		"</script></html>\n";

	if (buf_adds(&call->out, page) < 0)
		return; /* far below the limit of an answer */
	call->type = "text/html; charset=utf-8";
	call_reply(call, 200);
}

/* --- Pictures --- */

static int
write_frame(struct buf *out, const struct screen_put_query *query, const struct buf *jpeg)
{
	struct jw jw;

	if (buf_adds(out, "event: frame\ndata: ") < 0)
		return -1;
	jw_init(&jw, out);
	jw_obj(&jw);
	jw_ktime(&jw, "at", clock_wall_ms());
	jw_ki64(&jw, "width", query->width);
	jw_ki64(&jw, "height", query->height);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return -1;
	out->len--; /* the brace: base64 needs no care and no copy */
	if (buf_adds(out, ",\"jpeg\":\"") < 0 ||
		base64_encode(out, jpeg->data, jpeg->len, BASE64_STANDARD) < 0)
		return -1;
	return buf_adds(out, "\"}\n\n");
}

static void
take_frame(struct call *call, struct feed *feed)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(2 * SCREEN_FRAME_BYTES_MAX);

	if (write_frame(&text, call->query, &call->req->body) < 0) {
		call_problem(call, PROBLEM_BODY_TOO_LARGE, "the picture is too large");
		return;
	}
	sse_block_unref(feed->newest);
	feed->newest = sse_block_new(text.data, text.len);
	feed->n_frames++;
	LIST_FOR_EACH(node, &feed->viewers)
		show(list_entry(node, struct viewer, node));
	call_reply_empty(call, 204);
}

/* The feed that somebody looks at; NULL: answered with 410. */
static struct feed *
feed_for(struct call *call, const struct run_id *run)
{
	struct feed *feed = feed_find(call->api->screens, run);

	if (feed && feed->is_watched && (call->project == 0 || feed->project == call->project))
		return feed;
	call_problem(call, PROBLEM_NOT_WATCHED, "nobody looks at this run");
	return NULL;
}

/* Whose run it is; the fencing number that counts, in call->state. */
static int
read_fence(struct call *call, struct store_reader *reader, struct err *err)
{
	int64_t *fence = call->state;
	struct run_id id;
	struct job_id job;
	struct run *run;

	if (call_uuid(call->arg[0], "run", &id.u, err) < 0)
		return -1;
	int r = read_run(reader, call->project, id, call->arena, &run, &job, err);
	if (r == 0 && run->state == RUN_LEASED)
		*fence = run->fence;
	return r < 0 ? -1 : 0;
}

static void
on_fence(struct call *call)
{
	const struct screen_put_query *query = call->query;
	const int64_t *fence = call->state;
	struct run_id run;
	struct feed *feed;

	if (call->read_result < 0 || call_uuid(call->arg[0], "run", &run.u, &call->err) < 0) {
		call_read_error(call);
		return;
	}
	feed = feed_for(call, &run); /* it may have gone meanwhile */
	if (!feed)
		return;
	if (*fence != query->fence) {
		call_problem(call, PROBLEM_STALE_LEASE,
			"the run is not leased under this fencing number");
		return;
	}
	feed->fence = *fence;
	take_frame(call, feed);
}

void
run_screen_put(struct call *call)
{
	const struct screen_put_query *query = call->query;
	const char *type = http_header_get(call->req, "Content-Type");
	const struct buf *body = &call->req->body;
	struct run_id run;

	if (call_uuid(call->arg[0], "run", &run.u, &call->err) < 0) {
		call_error(call, &call->err);
		return;
	}
	if (!type || strcmp(type, "image/jpeg") != 0 || body->len < 4 ||
		memcmp(body->data, "\xff\xd8", 2) != 0) {
		call_problem(call, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "a JPEG is expected");
		return;
	}
	struct feed *feed = feed_for(call, &run);
	if (!feed)
		return;
	if (feed->fence == query->fence) {
		take_frame(call, feed);
		return;
	}
	int64_t *fence = arena_xalloc(call->arena, sizeof *fence);
	*fence = FENCE_UNKNOWN;
	call->state = fence;
	call_read(call, read_fence, on_fence);
}

/* --- Start and end --- */

struct screens *
screens_new(struct api *api)
{
	struct screens *screens = xcalloc(1, sizeof *screens);

	screens->api = api;
	map_init(&screens->feeds, MAP_KEYS_BORROWED);
	return screens;
}

void
screens_free(struct screens *screens)
{
	if (!screens)
		return;
	map_deinit(&screens->feeds);
	free(screens);
}
