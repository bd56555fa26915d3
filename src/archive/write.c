/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing an archive. A member of a tar begins with its size, so the lines of a job are kept
 * until there is a part of them; bytes of artifacts go from file to file.
 *
 * Nothing locks the jobs. One that was started again or deleted meanwhile is seen by its
 * version, and its last line says that it does not count.
 */
#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/arc.h"
#include "archive/row.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "core/environment.h"

enum {
	BLOCK_BYTES = 64 * 1024,
	PAGE_JOBS = 100,
	PAGE_RUNS = 50, /* each may have RUN_ERROR_BYTES_MAX of error */
	PAGE_EVENTS = 500,
	PAGE_EVENT_BYTES = 1024 * 1024,
	PAGE_ARENA_BYTES = 512 * 1024 * 1024, /* a bound, not a use */
	FLOW_DEPTH = 32,
};

struct arc_writer {
	struct arc_source source;
	struct archive *tar;
	crypto_hash_sha256_state list; /* of the members */
	int64_t n_members;
	int64_t now_ms;
	struct map seen; /* raw hashes */
	struct queue *queues;
	size_t n_queues;
	struct arena arena; /* of the archive */
	struct buf part;    /* lines that are not written yet */
	char job[UUID_TEXT_LEN + 1];
	int n_parts; /* of the job */
	struct arc_counts counts;
};

/* --- Members --- */

static int
tar_failed(struct arc_writer *writer, struct err *err)
{
	const char *text = archive_error_string(writer->tar);

	return err_set(err, ERR_UNAVAILABLE, "writing the archive: %s", text ? text : "failed");
}

static int
begin_member(struct arc_writer *writer, const char *name, int64_t size, struct err *err)
{
	struct archive_entry *entry = archive_entry_new();
	int rc;

	archive_entry_set_pathname(entry, name);
	archive_entry_set_size(entry, size);
	archive_entry_set_filetype(entry, AE_IFREG);
	archive_entry_set_perm(entry, 0644);
	archive_entry_set_mtime(entry, writer->now_ms / 1000, 0);
	rc = archive_write_header(writer->tar, entry);
	archive_entry_free(entry);
	return rc == ARCHIVE_OK ? 0 : tar_failed(writer, err);
}

static int
add_bytes(struct arc_writer *writer, const void *data, size_t n, struct err *err)
{
	if (n > 0 && archive_write_data(writer->tar, data, n) != (la_ssize_t)n)
		return tar_failed(writer, err);
	if (archive_filter_bytes(writer->tar, -1) > ARCHIVE_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "the archive has more than %lld GiB",
			(long long)(ARCHIVE_BYTES_MAX >> 30));
	return 0;
}

static void
note_member(struct arc_writer *writer, const char *name, const char *hex)
{
	_cleanup_free_ char *line = xasprintf("%s %s\n", hex, name);

	crypto_hash_sha256_update(&writer->list, (const unsigned char *)line, strlen(line));
	writer->n_members++;
}

static int
put_member(struct arc_writer *writer, const char *name, struct str bytes, struct err *err)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof hash + 1];

	crypto_hash_sha256(hash, (const unsigned char *)bytes.p, bytes.n);
	hex_encode(hash, sizeof hash, hex);
	if (begin_member(writer, name, (int64_t)bytes.n, err) < 0 ||
		add_bytes(writer, bytes.p, bytes.n, err) < 0)
		return -1;
	note_member(writer, name, hex);
	return 0;
}

/* --- Files --- */

static int
copy_blob(struct arc_writer *writer, int fd, uint64_t size, struct err *err)
{
	_cleanup_free_ char *block = xmalloc(BLOCK_BYTES);

	while (size > 0) {
		ssize_t n = read(fd, block, size < BLOCK_BYTES ? (size_t)size : BLOCK_BYTES);

		if (n <= 0)
			return err_sys(err, ERR_UNAVAILABLE, n < 0 ? errno : EIO,
				"reading an artifact");
		if (add_bytes(writer, block, (size_t)n, err) < 0)
			return -1;
		size -= (uint64_t)n;
	}
	return 0;
}

enum { BLOB_IS_GONE = 1 };

/* Writes the bytes, unless they are there. BLOB_IS_GONE: they are nowhere. */
static int
put_blob(struct arc_writer *writer, const char *hex, struct err *err)
{
	unsigned char raw[32];
	_cleanup_close_ int fd = -1;
	char name[7 + BLOB_HEX_LEN];
	uint64_t size;
	size_t n;

	if (hex_decode(str_of(hex), raw, sizeof raw, &n) < 0 || n != sizeof raw)
		return BLOB_IS_GONE;
	if (map_get(&writer->seen, raw, sizeof raw))
		return 0;
	int rc = blob_open_read(writer->source.blobs, hex, &fd, &size, err);
	if (rc != 0)
		return rc < 0 ? -1 : BLOB_IS_GONE;
	if (map_count(&writer->seen) >= ARCHIVE_BLOBS_MAX)
		return err_set(err, ERR_LIMIT,
			"more than %d different files: narrow the filter", ARCHIVE_BLOBS_MAX);
	(void)snprintf(name, sizeof name, "blobs/%s", hex);
	if (begin_member(writer, name, (int64_t)size, err) < 0 ||
		copy_blob(writer, fd, size, err) < 0)
		return -1;
	note_member(writer, name, hex);
	(void)map_put(&writer->seen, raw, sizeof raw, writer);
	writer->counts.blobs++;
	writer->counts.bytes += (int64_t)size;
	return 0;
}

/* --- Lines --- */

static int
flush_part(struct arc_writer *writer, struct err *err)
{
	_cleanup_free_ char *name =
		xasprintf("jobs/%s/%06d.ndjson", writer->job, writer->n_parts + 1);

	if (writer->part.len == 0)
		return 0;
	writer->n_parts++;
	if (put_member(writer, name, buf_str(&writer->part), err) < 0)
		return -1;
	buf_clear(&writer->part);
	return 0;
}

static struct jw
begin_line(struct arc_writer *writer)
{
	struct jw jw;

	jw_init(&jw, &writer->part);
	jw_obj(&jw);
	return jw;
}

static int
end_line(struct arc_writer *writer, struct jw *jw, struct err *err)
{
	jw_end_obj(jw);
	if (jw_done(jw) < 0 || buf_addc(&writer->part, '\n') < 0)
		return err_set(err, ERR_LIMIT, "a job with too much text for an archive");
	return writer->part.len >= ARCHIVE_PART_BYTES ? flush_part(writer, err) : 0;
}

/* --- Secrets --- */

static void
mask_member(json_t *tree, const char *pointer)
{
	_cleanup_free_ char *parent = xstrdup(pointer);
	char *last = strrchr(parent, '/');
	json_t *in;

	if (!last)
		return;
	*last = '\0';
	in = json_pointer_get(tree, parent);
	if (json_is_object(in) && json_object_get(in, last + 1))
		(void)json_object_set_new(in, last + 1, json_string(ENVIRONMENT_MASK));
}

/* Wherever an object has `secrets`: a test, and the tests of a flow's stages. */
static void
mask_tree(json_t *tree)
{
	json_t *value, *secrets = json_object_get(tree, "secrets");
	const char *key;
	size_t i;

	json_array_foreach(secrets, i, value)
	{
		if (json_is_string(value))
			mask_member(tree, json_string_value(value));
	}
	json_object_foreach(tree, key, value) mask_tree(value);
	if (json_is_array(tree)) {
		json_array_foreach(tree, i, value) mask_tree(value);
	}
}

static struct str
masked(struct str body, struct arena *arena)
{
	struct err ignored;

	if (body.n == 0 || !memmem(body.p, body.n, "\"secrets\"", 9))
		return body;
	_cleanup_(json_unrefp) json_t *tree = json_read(body.p, body.n, 2000, &ignored);
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(ARCHIVE_LINE_BYTES_MAX);
	struct jw jw;

	mask_tree(tree);
	jw_init(&jw, &text);
	jw_tree(&jw, tree);
	const char *copy = jw_done(&jw) == 0 ? arena_strndup(arena, text.data, text.len) : NULL;
	return copy ? str_from(copy, text.len) : STR("{}");
}

/* --- A job --- */

/* How many lines of each kind. */
struct tally {
	int64_t tests, runs, artifacts, events;
	bool is_void;
};

static const char *
queue_name(const struct arc_writer *writer, int64_t id)
{
	for (size_t i = 0; i < writer->n_queues; i++)
		if (writer->queues[i].id == id)
			return writer->queues[i].name;
	return "default";
}

static int
put_head(struct arc_writer *writer, const struct job *job, struct arena *arena, struct err *err)
{
	struct store_reader *reader = writer->source.reader;
	struct incarnation *old;
	struct job row = *job;
	struct str options = { 0 };
	size_t n;
	struct jw jw;

	if (read_job_options(reader, job->seq, arena, &options, err) < 0 ||
		read_incarnations(reader, job->seq, arena, &old, &n, err) < 0)
		return -1;
	row.flow = masked(str_of(job->flow), arena).p;
	options = masked(options, arena);
	jw = begin_line(writer);
	jw_key(&jw, "job");
	arc_row_write(&jw, &job_table, row_skip_job, &row);
	jw_kstr(&jw, "queue", queue_name(writer, job->queue));
	if (options.n > 0)
		jw_kstrn(&jw, "options", options.p, options.n);
	if (end_line(writer, &jw, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		jw = begin_line(writer);
		jw_key(&jw, "incarnation");
		arc_row_write(&jw, &incarnation_table, row_skip_part, &old[i]);
		if (end_line(writer, &jw, err) < 0)
			return -1;
	}
	return 0;
}

static int
put_tests(struct arc_writer *writer, const struct job *job, struct arena *arena,
	struct tally *tally, struct err *err)
{
	struct job_test *tests;
	size_t n;

	if (read_job_tests(writer->source.reader, job->seq, arena, &tests, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		struct jw jw = begin_line(writer);

		tests[i].body = masked(tests[i].body, arena);
		jw_key(&jw, "test");
		arc_row_write(&jw, &job_test_table, row_skip_part, &tests[i]);
		if (end_line(writer, &jw, err) < 0)
			return -1;
	}
	tally->tests = (int64_t)n;
	return 0;
}

static int
put_artifacts(struct arc_writer *writer, const struct job *job, const struct run *run,
	struct arena *arena, struct tally *tally, struct err *err)
{
	struct artifact *files;
	size_t n;

	if (read_artifacts(writer->source.reader, job->seq, run->seq, arena, &files, &n, err) <
		0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int rc = put_blob(writer, files[i].blob, err);
		struct jw jw;

		if (rc < 0)
			return -1;
		if (rc == BLOB_IS_GONE) {
			writer->counts.missing++;
			continue;
		}
		jw = begin_line(writer);
		jw_key(&jw, "artifact");
		arc_row_write(&jw, &artifact_table, row_skip_artifact, &files[i]);
		if (end_line(writer, &jw, err) < 0)
			return -1;
		tally->artifacts++;
	}
	return 0;
}

static int
put_run(struct arc_writer *writer, const struct job *job, const struct run *run,
	struct arena *arena, struct tally *tally, struct err *err)
{
	struct str result = { 0 };
	struct jw jw;

	if (read_run_result(writer->source.reader, run->seq, arena, &result, err) < 0)
		return -1;
	tally->is_void = tally->is_void || run->state != RUN_FINISHED;
	jw = begin_line(writer);
	jw_key(&jw, "run");
	arc_row_write(&jw, &run_table, row_skip_run, run);
	if (result.n > 0)
		jw_kstrn(&jw, "result", result.p, result.n);
	if (end_line(writer, &jw, err) < 0)
		return -1;
	tally->runs++;
	return put_artifacts(writer, job, run, arena, tally, err);
}

static int
put_runs(struct arc_writer *writer, const struct job *job, struct tally *tally, struct err *err)
{
	struct run_filter filter = { .job_seq = job->seq, .test = -1, .limit = PAGE_RUNS };
	_cleanup_(arena_deinit) struct arena arena;
	size_t n = PAGE_RUNS;

	arena_init(&arena, PAGE_ARENA_BYTES);
	while (n == PAGE_RUNS) {
		struct run *runs;

		arena_reset(&arena);
		if (read_runs(writer->source.reader, &filter, &arena, &runs, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (put_run(writer, job, &runs[i], &arena, tally, err) < 0)
				return -1;
		filter.after_seq = n > 0 ? runs[n - 1].seq : 0;
	}
	return 0;
}

static int
put_event(struct arc_writer *writer, const struct event *event, struct err *err)
{
	struct jw jw = begin_line(writer);

	jw_kobj(&jw, "event");
	jw_kstr(&jw, "type", event_type_name(event->type));
	jw_ki64(&jw, "at", event->at_ms);
	if (!uuid_is_zero(&event->run.u))
		jw_kuuid(&jw, "run", &event->run.u);
	jw_kstrn(&jw, "data", event->data.p, event->data.n);
	jw_end_obj(&jw);
	return end_line(writer, &jw, err);
}

static int
put_events(
	struct arc_writer *writer, const struct job *job, struct tally *tally, struct err *err)
{
	struct event_filter filter = {
		.job_seq = job->seq, .limit = PAGE_EVENTS, .bytes_max = PAGE_EVENT_BYTES
	};
	_cleanup_(arena_deinit) struct arena arena;
	size_t n;

	arena_init(&arena, PAGE_ARENA_BYTES);
	do {
		struct event *events;

		arena_reset(&arena);
		if (read_events(writer->source.reader, &filter, &arena, &events, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++)
			if (put_event(writer, &events[i], err) < 0)
				return -1;
		tally->events += (int64_t)n;
		filter.after_seq = n > 0 ? events[n - 1].seq : 0;
	} while (n > 0);
	return 0;
}

/* Is it as it was when its first line was written? */
static int
is_unchanged(struct arc_writer *writer, const struct job *job, struct arena *arena, bool *ret,
	struct err *err)
{
	struct job *now;
	int rc = read_job(writer->source.reader, 0, job->id, arena, &now, err);

	*ret = rc == 0 && now->incarnation == job->incarnation && now->state == job->state;
	return rc < 0 ? -1 : 0;
}

static int
put_end(struct arc_writer *writer, const struct tally *tally, struct err *err)
{
	struct jw jw = begin_line(writer);

	jw_kobj(&jw, "end");
	jw_ki64(&jw, "tests", tally->tests);
	jw_ki64(&jw, "runs", tally->runs);
	jw_ki64(&jw, "artifacts", tally->artifacts);
	jw_ki64(&jw, "events", tally->events);
	if (tally->is_void)
		jw_kbool(&jw, "void", true);
	jw_end_obj(&jw);
	if (tally->is_void) {
		writer->counts.voided++;
	} else {
		writer->counts.jobs++;
		writer->counts.runs += tally->runs;
		writer->counts.artifacts += tally->artifacts;
		writer->counts.events += tally->events;
	}
	return end_line(writer, &jw, err) < 0 ? -1 : flush_part(writer, err);
}

static int
put_job(struct arc_writer *writer, const struct job *job, struct arena *arena, struct err *err)
{
	struct tally tally = { 0 };
	bool is_unhurt;

	if (writer->counts.jobs >= ARCHIVE_JOBS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d jobs: narrow the filter",
			ARCHIVE_JOBS_MAX);
	uuid_format(&job->id.u, writer->job);
	writer->n_parts = 0;
	if (put_head(writer, job, arena, err) < 0 ||
		put_tests(writer, job, arena, &tally, err) < 0 ||
		put_runs(writer, job, &tally, err) < 0 ||
		put_events(writer, job, &tally, err) < 0 ||
		is_unchanged(writer, job, arena, &is_unhurt, err) < 0)
		return -1;
	tally.is_void = tally.is_void || !is_unhurt;
	return put_end(writer, &tally, err);
}

static int write_tree(
	struct arc_writer *writer, struct job_id id, unsigned depth, struct err *err);

/* ARC_LEFT_OUT: of one of them, or more. */
static int
write_children(struct arc_writer *writer, struct job_id flow, unsigned depth, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	char cursor[CURSOR_BYTES_MAX] = "";
	struct job_page page;
	int left_out = 0;

	arena_init(&arena, PAGE_ARENA_BYTES);
	do {
		struct job_filter filter = {
			.project = writer->source.project,
			.parent = flow,
			.sort = JOB_SORT_CREATED,
			.cursor = str_of(cursor),
			.limit = PAGE_JOBS,
		};

		arena_reset(&arena);
		if (read_jobs(writer->source.reader, &filter, &arena, &page, err) < 0)
			return -1;
		for (size_t i = 0; i < page.n; i++) {
			int rc = write_tree(writer, page.items[i]->id, depth, err);

			if (rc < 0)
				return -1;
			left_out |= rc;
		}
		if (page.next_cursor)
			(void)snprintf(cursor, sizeof cursor, "%s", page.next_cursor);
	} while (page.next_cursor);
	return left_out;
}

static int
write_tree(struct arc_writer *writer, struct job_id id, unsigned depth, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct job *job;
	int left_out = 0;

	if (writer->source.stop && atomic_load(writer->source.stop))
		return err_set(err, ERR_UNAVAILABLE, "the server is stopping");
	arena_init(&arena, PAGE_ARENA_BYTES);
	int rc = read_job(writer->source.reader, writer->source.project, id, &arena, &job, err);
	if (rc < 0)
		return -1;
	if (rc == STORE_NONE || !job_state_is_final(job->state))
		return ARC_LEFT_OUT;
	if (job->flow && depth < FLOW_DEPTH)
		left_out = write_children(writer, job->id, depth + 1, err);
	return left_out < 0 || put_job(writer, job, &arena, err) < 0 ? -1 : left_out;
}

int
arc_write_job(struct arc_writer *writer, struct job_id id, struct err *err)
{
	int64_t voided = writer->counts.voided;
	int rc = write_tree(writer, id, 0, err);

	return rc == 0 && writer->counts.voided > voided ? ARC_LEFT_OUT : rc;
}

const struct arc_counts *
arc_written(const struct arc_writer *writer)
{
	return &writer->counts;
}

/* --- All of it --- */

int
arc_write_matching(struct arc_writer *writer, const struct job_filter *filter, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct job_filter wanted = *filter;
	char cursor[CURSOR_BYTES_MAX] = "";
	struct job_page page;

	arena_init(&arena, PAGE_ARENA_BYTES);
	wanted.sort = JOB_SORT_CREATED;
	wanted.descending = wanted.count = false;
	wanted.limit = PAGE_JOBS;
	do {
		arena_reset(&arena);
		wanted.cursor = str_of(cursor);
		if (read_jobs(writer->source.reader, &wanted, &arena, &page, err) < 0)
			return -1;
		for (size_t i = 0; i < page.n; i++) {
			const struct job *job = page.items[i];

			if (job_state_is_final(job->state) && uuid_is_zero(&job->parent.u) &&
				write_tree(writer, job->id, 0, err) < 0)
				return -1;
		}
		if (page.next_cursor)
			(void)snprintf(cursor, sizeof cursor, "%s", page.next_cursor);
	} while (page.next_cursor);
	return 0;
}

static void
write_origin(struct arc_writer *writer, struct jw *jw)
{
	jw_kstr(jw, "format", "proctor-archive");
	jw_ki64(jw, "version", ARC_VERSION);
	jw_kstr(jw, "server", PROCTOR_VERSION);
	jw_ktime(jw, "createdAt", writer->now_ms);
	jw_kstr(jw, "project", writer->source.project_name);
}

static int
put_origin(struct arc_writer *writer, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(4));
	struct jw jw;

	jw_init(&jw, &text);
	jw_obj(&jw);
	write_origin(writer, &jw);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return err_set(err, ERR_INTERNAL, "the name of a project is too long");
	return put_member(writer, "archive.json", buf_str(&text), err);
}

int
arc_write_begin(
	struct arc_writer **ret, int fd, const struct arc_source *source, struct err *err)
{
	_cleanup_(arc_writer_freep) struct arc_writer *writer = xcalloc(1, sizeof *writer);

	writer->source = *source;
	writer->now_ms = clock_wall_ms();
	writer->part.max = (size_t)(ARCHIVE_LINE_BYTES_MAX + ARCHIVE_PART_BYTES);
	arena_init(&writer->arena, MIB(16));
	map_init(&writer->seen, MAP_KEYS_COPIED);
	crypto_hash_sha256_init(&writer->list);
	writer->tar = archive_write_new();
	if (archive_write_add_filter_gzip(writer->tar) != ARCHIVE_OK ||
		archive_write_set_format_pax_restricted(writer->tar) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(writer->tar, 1) != ARCHIVE_OK ||
		archive_write_open_fd(writer->tar, fd) != ARCHIVE_OK)
		return tar_failed(writer, err);
	if (read_queues(source->reader, source->project, &writer->arena, &writer->queues,
		    &writer->n_queues, err) < 0 ||
		put_origin(writer, err) < 0)
		return -1;
	*ret = TAKE(writer);
	return 0;
}

static void
write_counts(struct jw *jw, const struct arc_counts *counts)
{
	jw_kobj(jw, "counts");
	jw_ki64(jw, "jobs", counts->jobs);
	jw_ki64(jw, "runs", counts->runs);
	jw_ki64(jw, "events", counts->events);
	jw_ki64(jw, "artifacts", counts->artifacts);
	jw_ki64(jw, "blobs", counts->blobs);
	jw_ki64(jw, "bytes", counts->bytes);
	jw_ki64(jw, "missing", counts->missing);
	jw_ki64(jw, "void", counts->voided);
	jw_end_obj(jw);
}

int
arc_write_end(struct arc_writer *writer, struct arc_counts *ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(4));
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof hash + 1];
	struct jw jw;

	crypto_hash_sha256_final(&writer->list, hash);
	hex_encode(hash, sizeof hash, hex);
	jw_init(&jw, &text);
	jw_obj(&jw);
	write_origin(writer, &jw);
	write_counts(&jw, &writer->counts);
	jw_ki64(&jw, "members", writer->n_members);
	jw_kstr(&jw, "sha256", hex);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return err_set(err, ERR_INTERNAL, "the name of a project is too long");
	if (put_member(writer, "manifest.json", buf_str(&text), err) < 0)
		return -1;
	if (archive_write_close(writer->tar) != ARCHIVE_OK)
		return tar_failed(writer, err);
	*ret = writer->counts;
	return 0;
}

struct arc_writer *
arc_writer_free(struct arc_writer *writer)
{
	if (!writer)
		return NULL;
	archive_write_free(writer->tar);
	map_deinit(&writer->seen);
	buf_deinit(&writer->part);
	arena_deinit(&writer->arena);
	free(writer);
	return NULL;
}
