/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives of ended jobs: docs/protocol/archive.md.
 *
 * Both directions go through a nameless file beside the blobs. An export is written whole
 * before the first byte is sent. An import is judged whole before the first row is taken; then
 * slice after slice is decoded on the pool and handed to the engine, and between two of them
 * others have their turn.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "api/handlers.h"
#include "archive/arc.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"

enum {
	BLOCK_BYTES = 64 * 1024,
	SLICE_ARENA_BYTES = 512 * 1024 * 1024, /* a bound, not a use */
	RETRY_MS = 20,
	BUSY_TRIES_MAX = 3000, /* while deleted jobs are cleared away */
};

/* False: one is under way, and the call's error says so. */
static bool
take_turn(struct call *call, bool *is_busy, struct err *err)
{
	bool was_busy;

	uv_mutex_lock(&call->api->lock);
	was_busy = *is_busy;
	*is_busy = true;
	uv_mutex_unlock(&call->api->lock);
	if (!was_busy)
		return true;
	call->code = PROBLEM_TOO_MANY_REQUESTS;
	(void)err_set(err, ERR_LIMIT, "another archive is under way: try again later");
	return false;
}

static void
give_turn(struct api *api, bool *is_busy)
{
	uv_mutex_lock(&api->lock);
	*is_busy = false;
	uv_mutex_unlock(&api->lock);
}

/* --- Export --- */

static int
write_archive(struct call *call, struct store_reader *reader, int fd, struct err *err)
{
	const struct arc_source source = {
		.reader = reader,
		.blobs = call->api->blobs,
		.project = call->project,
		.project_name = api_project_name(call->project),
		.stop = &call->api->stopping,
	};
	_cleanup_(arc_writer_freep) struct arc_writer *writer = NULL;
	struct arc_counts counts;
	struct job_filter filter;
	int rc = jobs_query_filter(call, reader, &filter, err);

	if (rc < 0)
		return -1;
	if (arc_write_begin(&writer, fd, &source, err) < 0)
		return -1;
	if (rc == 0 && arc_write_matching(writer, &filter, err) < 0)
		return -1;
	return arc_write_end(writer, &counts, err);
}

static int
send_archive(struct call *call, struct store_reader *reader, struct err *err)
{
	_cleanup_close_ int fd = -1;
	off_t size;

	if (blob_scratch(call->api->blobs, &fd, err) < 0 ||
		write_archive(call, reader, fd, err) < 0)
		return -1;
	size = lseek(fd, 0, SEEK_CUR);
	if (size < 0 || lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "an archive");
	call->out_fd = TAKE_FD(fd);
	call->out_size = (uint64_t)size;
	call->type = "application/gzip";
	http_header_add(
		call->req, "Content-Disposition", "attachment; filename=\"jobs.tar.gz\"");
	return 0;
}

int
archive_get(struct call *call, struct store_reader *reader, struct err *err)
{
	int rc;

	if (!take_turn(call, &call->api->is_exporting, err))
		return -1;
	rc = send_archive(call, reader, err);
	give_turn(call->api, &call->api->is_exporting);
	if (rc < 0 && err->code == ERR_LIMIT)
		call->code = PROBLEM_LIMIT_EXCEEDED;
	return rc;
}

/* --- Import: the file --- */

struct import {
	struct call *call;
	int fd;
	bool has_turn;
	struct arc_head head;
	struct arc_counts taken;
	int64_t existing;

	struct arc_reader *reader;
	struct arena job_arena, arena; /* of the job's first line; of the slice */
	struct archive_line job, *lines;
	size_t n, n_bytes;
	bool is_passed;       /* the job is here already */
	bool is_over, is_end; /* the slice ends the job; the archive */
	int64_t seq, run_seq; /* of the job, as the engine gave them; 0: not begun */
	int64_t n_runs, n_artifacts, n_events;
	int n_retries;
	struct err err;     /* what ended it, or */
	struct intent *why; /* what the engine refused; owned */
	char (*held)[BLOB_HEX_LEN + 1];
	size_t n_held, cap_held;
};

static struct import *
import_of(struct call *call)
{
	return call->state;
}

/* On the pool: rows name the bytes, or nothing does. */
static int
release_blobs(struct call *call, struct store_reader *reader, struct err *err)
{
	struct import *import = import_of(call);

	(void)err;
	for (; import->n_held > 0; import->n_held--) {
		const char *hex = import->held[import->n_held - 1];

		api_blob_release(call->api, hex);
		api_blob_remove_unused(call->api, reader, hex);
	}
	return 0;
}

static void
import_cleanup(struct call *call)
{
	struct import *import = import_of(call);

	for (size_t i = 0; i < import->n_held; i++)
		api_blob_release(call->api, import->held[i]);
	if (import->has_turn)
		give_turn(call->api, &call->api->is_importing);
	if (import->fd >= 0)
		(void)close(import->fd);
	(void)arc_close(import->reader);
	(void)intent_free(import->why);
	arena_deinit(&import->job_arena);
	arena_deinit(&import->arena);
	free(import->held);
	free(import);
}

/* On the pool. */
static int
receive(void *arg, const void *data, size_t len, struct err *err)
{
	struct import *import = arg;

	if (!import->has_turn) {
		import->has_turn =
			take_turn(import->call, &import->call->api->is_importing, err);
		if (!import->has_turn ||
			blob_scratch(import->call->api->blobs, &import->fd, err) < 0)
			return -1;
	}
	if (fd_write_all(import->fd, data, len, err) < 0) {
		err->code = ERR_UNAVAILABLE; /* a full disk is nobody's bad input */
		return -1;
	}
	return 0;
}

void
archive_import_head(struct call *call)
{
	struct import *import = xcalloc(1, sizeof *import);

	import->call = call;
	import->fd = -1;
	arena_init(&import->job_arena, SLICE_ARENA_BYTES);
	arena_init(&import->arena, SLICE_ARENA_BYTES);
	call->state = import;
	call->cleanup = import_cleanup;
	call->req->sink = (struct http_sink) { receive, import, ARCHIVE_BYTES_MAX };
}

/* --- Import: a slice --- */

static int
rewind_file(struct import *import, struct err *err)
{
	return lseek(import->fd, 0, SEEK_SET) < 0
		? err_sys(err, ERR_UNAVAILABLE, errno, "an archive")
		: 0;
}

static void
hold_blob(struct import *import, const char *hex)
{
	if (import->n_held == import->cap_held) {
		import->cap_held = import->cap_held > 0 ? 2 * import->cap_held : 64;
		import->held =
			xreallocarray(import->held, import->cap_held, sizeof *import->held);
	}
	memcpy(import->held[import->n_held++], hex, BLOB_HEX_LEN + 1);
	api_blob_hold(import->call->api, hex);
}

static int
write_blob(struct import *import, const struct arc_item *item, struct err *err)
{
	_cleanup_(blob_abortp) struct blob_writer *writer = NULL;
	_cleanup_free_ char *block = xmalloc(BLOCK_BYTES);
	char hex[BLOB_HEX_LEN + 1];
	uint64_t size;
	size_t n;

	if (blob_begin(import->call->api->blobs, ARTIFACT_BYTES_MAX, &writer, err) < 0)
		return -1;
	do {
		if (arc_blob_read(import->reader, block, BLOCK_BYTES, &n, err) < 0 ||
			blob_write(writer, block, n, err) < 0)
			return -1;
	} while (n > 0);
	if (blob_commit(TAKE(writer), hex, &size, err) < 0)
		return -1;
	import->taken.blobs++;
	return strcmp(hex, item->hex) == 0
		? 0
		: err_set(err, ERR_CORRUPT, "the archive changed while it was read");
}

/* Held before anybody looks whether they are there: a deletion that runs spares them. */
static int
take_blob(struct import *import, const struct arc_item *item, struct err *err)
{
	struct api *api = import->call->api;
	_cleanup_close_ int fd = -1;
	uint64_t size;
	int rc;

	uv_rwlock_rdlock(&api->blob_lock);
	hold_blob(import, item->hex);
	rc = blob_open_read(api->blobs, item->hex, &fd, &size, err);
	uv_rwlock_rdunlock(&api->blob_lock);
	return rc == BLOB_NONE ? write_blob(import, item, err) : rc;
}

static int
take_line(struct import *import, struct str text, struct err *err)
{
	struct archive_line line;
	bool is_first = str_starts(text, STR("{\"job\":"));

	if (import->is_passed && !str_starts(text, STR("{\"end\":")))
		return 0;
	if (is_first)
		arena_reset(&import->job_arena);
	if (arc_decode(text, is_first ? &import->job_arena : &import->arena, &line, err) < 0)
		return -1;
	if (line.kind == ARCHIVE_JOB)
		import->job = line;
	if (line.kind == ARCHIVE_END) {
		import->is_over = true;
		import->job.is_void = line.is_void;
		return 0;
	}
	import->lines[import->n++] = line;
	import->n_bytes += text.n;
	import->n_runs += line.kind == ARCHIVE_RUN;
	import->n_artifacts += line.kind == ARCHIVE_ARTIFACT;
	import->n_events += line.kind == ARCHIVE_EVENT;
	return 0;
}

/* On the pool: reads up to the end of a job, or as many rows as a turn takes. */
static int
read_slice(struct call *call, struct store_reader *reader, struct err *err)
{
	struct import *import = import_of(call);
	struct arc_item item;
	int rc = 0;

	(void)reader;
	arena_reset(&import->arena);
	import->lines = arena_xalloc(&import->arena, IMPORT_ROWS_MAX * sizeof *import->lines);
	import->n = import->n_bytes = 0;
	import->is_over = false;
	if (!import->reader &&
		(rewind_file(import, err) < 0 ||
			arc_open(&import->reader, import->fd, err) < 0))
		return -1;
	while (rc == 0 && !import->is_over && import->n < IMPORT_ROWS_MAX &&
		import->n_bytes < (size_t)IMPORT_BYTES_MAX) {
		rc = arc_next(import->reader, &item, err);
		if (rc == 0)
			rc = item.kind == ARC_BLOB ? take_blob(import, &item, err)
						   : take_line(import, item.line, err);
	}
	import->is_end = rc == ARC_END;
	return rc < 0 ? -1 : 0;
}

static void next_slice(struct call *call);

static void
end_job(struct import *import)
{
	if (import->is_passed)
		import->existing++;
	else if (import->job.is_void)
		import->taken.voided++;
	else {
		import->taken.jobs++;
		import->taken.runs += import->n_runs;
		import->taken.artifacts += import->n_artifacts;
		import->taken.events += import->n_events;
	}
	import->seq = import->run_seq = 0;
	import->n_runs = import->n_artifacts = import->n_events = 0;
	import->is_passed = false;
}

/* --- Import: the engine's answer --- */

static void
reply_counts(struct call *call)
{
	const struct import *import = import_of(call);
	const struct arc_counts *counts = &import->taken;
	struct jw jw = call_jw(call);

	jw_obj(&jw);
	jw_ki64(&jw, "jobs", counts->jobs);
	jw_ki64(&jw, "existing", import->existing);
	jw_ki64(&jw, "runs", counts->runs);
	jw_ki64(&jw, "artifacts", counts->artifacts);
	jw_ki64(&jw, "events", counts->events);
	jw_ki64(&jw, "blobs", counts->blobs);
	jw_ki64(&jw, "void", counts->voided);
	jw_end_obj(&jw);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, 200);
}

static void
on_released(struct call *call)
{
	struct import *import = import_of(call);

	if (import->why) {
		(void)intent_free(call->intent);
		call->intent = TAKE(import->why);
		call_intent_error(call);
	} else if (import->err.code != 0) {
		call_error(call, &import->err);
	} else {
		reply_counts(call);
	}
}

/* All was taken, or import->err or import->why says why it was not. */
static void
finish(struct call *call)
{
	call_read(call, release_blobs, on_released);
}

static struct intent *
import_intent(struct call *call)
{
	struct import *import = import_of(call);
	struct intent *intent =
		intent_new(INTENT_JOB_IMPORT, call->project, ARENA_REQUEST_BYTES_MAX);

	(void)intent_free(call->intent);
	call->intent = intent;
	intent->in.import = (struct job_import) {
		.job = &import->job,
		.seq = import->seq,
		.run_seq = import->run_seq,
	};
	return intent;
}

/* Clears away what came of the present job. */
static void
drop_job(struct call *call, void (*then)(struct call *call))
{
	if (import_of(call)->seq == 0) {
		then(call);
		return;
	}
	import_intent(call)->in.import.is_drop = true;
	call_submit(call, call->intent, then);
}

static void
on_void_dropped(struct call *call)
{
	end_job(import_of(call));
	next_slice(call);
}

static void submit_slice(struct call *call);

static int
wait_a_little(struct call *call, struct store_reader *reader, struct err *err)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };

	(void)call;
	(void)reader;
	(void)err;
	(void)nanosleep(&pause, NULL);
	return 0;
}

static void
on_taken(struct call *call)
{
	struct import *import = import_of(call);
	const struct intent *intent = call->intent;

	if (intent->status == INTENT_IS_ERROR) {
		if (intent->err.code == ERR_UNAVAILABLE && !call->api->stopping &&
			import->n_retries++ < BUSY_TRIES_MAX)
			call_read(call, wait_a_little, submit_slice);
		else {
			import->why = TAKE(call->intent);
			drop_job(call, finish);
		}
		return;
	}
	import->n_retries = 0;
	import->is_passed = intent->out.import.is_there;
	import->seq = intent->out.import.seq;
	import->run_seq = intent->out.import.run_seq;
	if (import->is_over)
		end_job(import);
	next_slice(call);
}

static void
submit_slice(struct call *call)
{
	struct import *import = import_of(call);
	struct intent *intent = import_intent(call);

	intent->in.import.lines = import->lines;
	intent->in.import.n = import->n;
	intent->in.import.is_last = import->is_over;
	call_submit(call, intent, on_taken);
}

static void
on_slice(struct call *call)
{
	struct import *import = import_of(call);
	bool is_void = import->is_over && import->job.is_void;

	if (call->read_result < 0) {
		/* The disk, for all was judged before. */
		import->err = call->err;
		drop_job(call, finish);
	} else if (import->is_end) {
		finish(call);
	} else if (is_void) {
		drop_job(call, on_void_dropped);
	} else if (import->is_passed) {
		if (import->is_over)
			end_job(import);
		next_slice(call);
	} else {
		submit_slice(call);
	}
}

static void
next_slice(struct call *call)
{
	if (!call->api->stopping) {
		call_read(call, read_slice, on_slice);
		return;
	}
	(void)err_set(&import_of(call)->err, ERR_UNAVAILABLE, "the server is shutting down");
	drop_job(call, finish);
}

/* --- Import: the whole --- */

/* On the pool: all of it, before anything is taken. */
static int
judge(struct call *call, struct store_reader *reader, struct err *err)
{
	struct import *import = import_of(call);

	(void)reader;
	if (import->fd < 0)
		return err_set(err, ERR_INVALID, "the body is empty: send the archive");
	if (rewind_file(import, err) < 0)
		return -1;
	if (arc_check(import->fd, &call->api->stopping, &import->head, call->arena, err) == 0)
		return 0;
	if (err->code == ERR_CORRUPT)
		call->code = PROBLEM_INVALID_FIELD;
	if (err->code == ERR_LIMIT)
		call->code = PROBLEM_BODY_TOO_LARGE;
	return -1;
}

static void
on_judged(struct call *call)
{
	const struct dry_query *query = call->query;
	struct import *import = import_of(call);

	if (call->read_result < 0) {
		call_error(call, &call->err);
	} else if (query->dry_run) {
		import->taken = import->head.counts;
		reply_counts(call);
	} else {
		next_slice(call);
	}
}

void
archive_import(struct call *call)
{
	if (call->api->draining)
		call_problem(call, PROBLEM_UNAVAILABLE, "the server is shutting down");
	else if (call->req->sink_err.code != 0)
		call_error(call, &call->req->sink_err);
	else
		call_read(call, judge, on_judged);
}
