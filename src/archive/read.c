/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading an archive that may come from anywhere. libarchive parses, nothing is ever written to
 * a path of it: names are compared with the few that there are, links and folders are refused,
 * and sizes are counted as bytes come.
 */
#include <archive.h>
#include <archive_entry.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "archive/arc.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/parse.h"
#include "blob/blob.h"

enum {
	BLOCK_BYTES = 64 * 1024,
	MEMBERS_MAX = 10 * 1000 * 1000,
	HEAD_BYTES_MAX = 16 * 1024,
	DECODE_BYTES_MAX = 512 * 1024 * 1024, /* a bound, not a use */
};

enum member_kind { MEMBER_HEAD, MEMBER_BLOB, MEMBER_PART, MEMBER_MANIFEST };

struct arc_reader {
	struct archive *tar;
	struct arena arena; /* of the head */
	struct arc_head head;
	crypto_hash_sha256_state list, member;
	int64_t n_members, n_bytes;
	char *name;                  /* of the member; owned */
	bool is_blob, is_end;        /* the member is one; all was read */
	char hex[BLOB_HEX_LEN + 1];  /* of the blob */
	char job[UUID_TEXT_LEN + 1]; /* of the part; empty: no job was begun */
	int64_t part;                /* its number */
	struct buf text;             /* of the part */
	struct str rest;             /* of text */
};

static int
corrupt(struct err *err, const char *what)
{
	return err_set(err, ERR_CORRUPT, "%s", what);
}

/* --- Bytes of a member --- */

/* 0 bytes at its end. */
static int
read_bytes(struct arc_reader *reader, void *data, size_t size, size_t *ret_n, struct err *err)
{
	la_ssize_t n = archive_read_data(reader->tar, data, size);

	if (n < 0)
		return corrupt(err, "the archive is damaged or cut off");
	reader->n_bytes += n;
	if (reader->n_bytes > ARCHIVE_UNPACKED_MAX)
		return err_set(err, ERR_LIMIT, "the archive has more than %lld GiB, unpacked",
			(long long)(ARCHIVE_UNPACKED_MAX >> 30));
	crypto_hash_sha256_update(&reader->member, data, (unsigned long long)n);
	*ret_n = (size_t)n;
	return 0;
}

/* The whole member. */
static int
read_text(struct arc_reader *reader, size_t max, struct err *err)
{
	_cleanup_free_ char *block = xmalloc(BLOCK_BYTES);
	size_t n;

	buf_clear(&reader->text);
	reader->text.max = max;
	do {
		if (read_bytes(reader, block, BLOCK_BYTES, &n, err) < 0)
			return -1;
		if (buf_add(&reader->text, block, n) < 0)
			return err_set(err, ERR_LIMIT, "a member of the archive is too large");
	} while (n > 0);
	return 0;
}

/* The present member was read to its end: its sum is known. */
static int
end_member(struct arc_reader *reader, struct err *err)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof hash + 1];

	crypto_hash_sha256_final(&reader->member, hash);
	hex_encode(hash, sizeof hash, hex);
	if (reader->is_blob && strcmp(hex, reader->hex) != 0)
		return corrupt(err, "the bytes of a file are not those that its name says");
	reader->is_blob = false;
	_cleanup_free_ char *line = xasprintf("%s %s\n", hex, reader->name);
	crypto_hash_sha256_update(&reader->list, (const unsigned char *)line, strlen(line));
	reader->n_members++;
	return 0;
}

int
arc_blob_read(
	struct arc_reader *reader, void *data, size_t size, size_t *ret_n, struct err *err)
{
	*ret_n = 0;
	if (!reader->is_blob)
		return 0;
	if (read_bytes(reader, data, size, ret_n, err) < 0)
		return -1;
	return *ret_n == 0 ? end_member(reader, err) : 0;
}

static int
skip_blob(struct arc_reader *reader, struct err *err)
{
	_cleanup_free_ char *block = xmalloc(BLOCK_BYTES);
	size_t n = 1;

	while (n > 0)
		if (arc_blob_read(reader, block, BLOCK_BYTES, &n, err) < 0)
			return -1;
	return 0;
}

/* --- The next member --- */

/* jobs/ID/000001.ndjson and on. */
static int
read_part_name(struct arc_reader *reader, struct str name, struct err *err)
{
	struct str id = str_split_first(&name, '/'), digits = str_split_first(&name, '.');
	struct uuid uuid;
	int64_t number;
	char text[UUID_TEXT_LEN + 1];

	if (!str_eqz(name, "ndjson") || digits.n != 6 || uuid_parse(id, &uuid) < 0 ||
		parse_i64(digits, 1, 999999, &number, err) < 0)
		return corrupt(err, "the archive has a member that has no place in it");
	uuid_format(&uuid, text);
	if (number != 1 && (strcmp(text, reader->job) != 0 || number != reader->part + 1))
		return corrupt(err, "parts of a job are missing");
	memcpy(reader->job, text, sizeof text);
	reader->part = number;
	return 0;
}

static int
read_name(struct arc_reader *reader, struct archive_entry *entry, enum member_kind *ret,
	struct err *err)
{
	const char *path = archive_entry_pathname(entry);
	struct str name = str_of(path);

	if (!path || archive_entry_filetype(entry) != AE_IFREG ||
		archive_entry_hardlink(entry) || archive_entry_symlink(entry))
		return corrupt(err, "the archive has a member that is no file");
	free(reader->name);
	reader->name = xstrdup(path);
	if (strcmp(path, "archive.json") == 0) {
		*ret = MEMBER_HEAD;
	} else if (strcmp(path, "manifest.json") == 0) {
		*ret = MEMBER_MANIFEST;
	} else if (str_starts(name, STR("blobs/")) && blob_is_hex(path + 6)) {
		*ret = MEMBER_BLOB;
		memcpy(reader->hex, path + 6, sizeof reader->hex);
	} else if (str_starts(name, STR("jobs/"))) {
		*ret = MEMBER_PART;
		return read_part_name(reader, str_from(name.p + 5, name.n - 5), err);
	} else {
		return corrupt(err, "the archive has a member that has no place in it");
	}
	return 0;
}

enum { NO_MORE = 1 };

static int
next_member(
	struct arc_reader *reader, enum member_kind *ret, int64_t *ret_size, struct err *err)
{
	struct archive_entry *entry;
	int rc = archive_read_next_header(reader->tar, &entry);

	if (rc == ARCHIVE_EOF)
		return NO_MORE;
	if (rc != ARCHIVE_OK)
		return corrupt(err, "this is no archive, or it is damaged or cut off");
	if (reader->n_members >= MEMBERS_MAX)
		return err_set(err, ERR_LIMIT, "the archive has too many members");
	*ret_size = archive_entry_size(entry);
	crypto_hash_sha256_init(&reader->member);
	return read_name(reader, entry, ret, err);
}

/* --- The first and the last --- */

static int
read_head(struct arc_reader *reader, const json_t *json, struct err *err)
{
	struct arc_head *head = &reader->head;
	const char *format = json_string_value(json_object_get(json, "format"));

	if (!format || strcmp(format, "proctor-archive") != 0)
		return corrupt(err, "this is no archive of jobs");
	head->version = json_integer_value(json_object_get(json, "version"));
	if (head->version < 1 || head->version > ARC_VERSION)
		return err_set(err, ERR_CORRUPT,
			"the archive has version %lld, up to %d is known here: a newer server made it",
			(long long)head->version, ARC_VERSION);
	head->server = arena_strdup(
		&reader->arena, json_string_value(json_object_get(json, "server")));
	head->project = arena_strdup(
		&reader->arena, json_string_value(json_object_get(json, "project")));
	head->created = arena_strdup(
		&reader->arena, json_string_value(json_object_get(json, "createdAt")));
	return 0;
}

static int64_t
member_int(const json_t *json, const char *name)
{
	return json_integer_value(json_object_get(json, name));
}

/* Before its own bytes are a member of the sum. */
static int
read_manifest(struct arc_reader *reader, const json_t *json, struct err *err)
{
	const json_t *counts = json_object_get(json, "counts");
	const char *sum = json_string_value(json_object_get(json, "sha256"));
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof hash + 1];

	crypto_hash_sha256_final(&reader->list, hash);
	hex_encode(hash, sizeof hash, hex);
	if (!sum || strcmp(sum, hex) != 0 || member_int(json, "members") != reader->n_members)
		return corrupt(err, "the archive is not as it was written: its sum is wrong");
	reader->head.counts = (struct arc_counts) {
		.jobs = member_int(counts, "jobs"),
		.runs = member_int(counts, "runs"),
		.events = member_int(counts, "events"),
		.artifacts = member_int(counts, "artifacts"),
		.blobs = member_int(counts, "blobs"),
		.bytes = member_int(counts, "bytes"),
		.missing = member_int(counts, "missing"),
		.voided = member_int(counts, "void"),
	};
	return 0;
}

static json_t *
read_small(struct arc_reader *reader, struct err *err)
{
	if (read_text(reader, HEAD_BYTES_MAX, err) < 0)
		return NULL;
	json_t *json = json_read(buf_text(&reader->text), reader->text.len, 8, err);
	if (!json)
		(void)corrupt(err, "this is no archive of jobs");
	return json;
}

/* Nothing may follow the manifest. */
static int
finish(struct arc_reader *reader, struct err *err)
{
	_cleanup_(json_unrefp) json_t *json = read_small(reader, err);
	enum member_kind kind;
	int64_t size;

	if (!json || read_manifest(reader, json, err) < 0)
		return -1;
	if (next_member(reader, &kind, &size, err) != NO_MORE)
		return corrupt(err, "the archive goes on behind its manifest");
	reader->is_end = true;
	return ARC_END;
}

int
arc_open(struct arc_reader **ret, int fd, struct err *err)
{
	_cleanup_(arc_closep) struct arc_reader *reader = xcalloc(1, sizeof *reader);
	_cleanup_(json_unrefp) json_t *json = NULL;
	enum member_kind kind;
	int64_t size;

	arena_init(&reader->arena, HEAD_BYTES_MAX * 4);
	crypto_hash_sha256_init(&reader->list);
	reader->tar = archive_read_new();
	if (archive_read_support_filter_gzip(reader->tar) != ARCHIVE_OK ||
		archive_read_support_format_tar(reader->tar) != ARCHIVE_OK)
		return err_set(err, ERR_UNAVAILABLE, "libarchive knows no tar or no gzip");
	if (archive_read_open_fd(reader->tar, fd, BLOCK_BYTES) != ARCHIVE_OK)
		return corrupt(err, "this is no archive");
	int rc = next_member(reader, &kind, &size, err);
	if (rc < 0)
		return -1;
	if (rc == NO_MORE || kind != MEMBER_HEAD)
		return corrupt(err, "this is no archive of jobs");
	json = read_small(reader, err);
	if (!json || read_head(reader, json, err) < 0 || end_member(reader, err) < 0)
		return -1;
	*ret = TAKE(reader);
	return 0;
}

static int
begin_member(struct arc_reader *reader, struct arc_item *ret, struct err *err)
{
	enum member_kind kind;
	int rc = next_member(reader, &kind, &ret->size, err);

	if (rc < 0)
		return -1;
	if (rc == NO_MORE)
		return corrupt(err, "the archive is cut off: it has no manifest");
	if (kind == MEMBER_MANIFEST)
		return finish(reader, err);
	if (kind == MEMBER_HEAD)
		return corrupt(err, "the archive begins twice");
	if (kind == MEMBER_BLOB) {
		reader->is_blob = true;
		ret->kind = ARC_BLOB;
		memcpy(ret->hex, reader->hex, sizeof ret->hex);
		return 0;
	}
	if (read_text(reader, ARCHIVE_LINE_BYTES_MAX + ARCHIVE_PART_BYTES, err) < 0 ||
		end_member(reader, err) < 0)
		return -1;
	reader->rest = buf_str(&reader->text);
	ret->kind = ARC_LINE;
	return 0;
}

int
arc_next(struct arc_reader *reader, struct arc_item *ret, struct err *err)
{
	*ret = (struct arc_item) { .kind = ARC_LINE };
	if (reader->is_end)
		return ARC_END;
	if (reader->is_blob && skip_blob(reader, err) < 0)
		return -1;
	if (reader->rest.n == 0) {
		int rc = begin_member(reader, ret, err);

		if (rc != 0 || ret->kind == ARC_BLOB)
			return rc;
	}
	ret->line = str_split_first(&reader->rest, '\n');
	return ret->line.n > 0 ? 0 : corrupt(err, "an empty line");
}

const struct arc_head *
arc_head(const struct arc_reader *reader)
{
	return &reader->head;
}

struct arc_reader *
arc_close(struct arc_reader *reader)
{
	if (!reader)
		return NULL;
	archive_read_free(reader->tar);
	arena_deinit(&reader->arena);
	buf_deinit(&reader->text);
	free(reader->name);
	free(reader);
	return NULL;
}

/* --- Judging all of it --- */

struct check {
	struct arc_reader *reader;
	const atomic_bool *stop;
	struct map blobs;   /* raw hashes */
	struct map parents; /* flows that jobs before them belong to */
	struct map jobs;    /* ids */
	struct arena line;
	enum archive_line_kind last; /* of the job; END: none is begun */
	struct job job;
	struct run_id run;
	bool has_run;
	int64_t n[4]; /* tests, runs, artifacts, events */
	struct arc_counts counts;
};

static int
check_job(struct check *check, const struct archive_line *line, struct err *err)
{
	const struct job *job = line->job;
	struct uuid id;

	if (check->last != ARCHIVE_END)
		return corrupt(err, "a job begins before the one before it has ended");
	if (uuid_parse(str_of(check->reader->job), &id) < 0 || !uuid_eq(&id, &job->id.u) ||
		check->reader->part != 1)
		return corrupt(err, "a job stands under the name of another");
	if (map_count(&check->jobs) >= ARCHIVE_JOBS_MAX)
		return err_set(
			err, ERR_LIMIT, "the archive has more than %d jobs", ARCHIVE_JOBS_MAX);
	if (map_put(&check->jobs, &id, sizeof id, check))
		return corrupt(err, "a job is there twice");
	if (!uuid_is_zero(&job->parent.u))
		(void)map_put(&check->parents, &job->parent, sizeof job->parent, check);
	if (job->flow)
		(void)map_remove(&check->parents, &id, sizeof id);
	check->job = *job; /* its texts are the line's, and gone with it */
	check->has_run = false;
	memset(check->n, 0, sizeof check->n);
	return 0;
}

static int
check_run(struct check *check, const struct run *run, struct err *err)
{
	if (run->test >= check->n[0] || run->target >= check->job.n_targets ||
		run->incarnation > check->job.incarnation)
		return corrupt(err, "a run of a test that its job does not have");
	check->run = run->id;
	check->has_run = true;
	check->n[1]++;
	return 0;
}

static int
check_artifact(struct check *check, const struct artifact *file, struct err *err)
{
	unsigned char raw[32];
	size_t n;

	if (!check->has_run || !uuid_eq(&file->run.u, &check->run.u))
		return corrupt(err, "an artifact of no run");
	if (hex_decode(str_of(file->blob), raw, sizeof raw, &n) < 0 ||
		!map_get(&check->blobs, raw, sizeof raw))
		return corrupt(err, "an artifact without its bytes");
	check->n[2]++;
	return 0;
}

static int
check_end(struct check *check, const struct archive_line *line, struct err *err)
{
	if (memcmp(line->end, check->n, sizeof check->n) != 0 ||
		check->n[0] < check->job.n_tests)
		return corrupt(err, "a job of which lines are missing");
	if (!line->is_void) {
		check->counts.jobs++;
		check->counts.runs += check->n[1];
		check->counts.artifacts += check->n[2];
		check->counts.events += check->n[3];
	}
	return 0;
}

static int
check_kind(struct check *check, const struct archive_line *line, struct err *err)
{
	switch (line->kind) {
	case ARCHIVE_JOB:
		return check_job(check, line, err);
	case ARCHIVE_TEST:
		return line->test->index == check->n[0]++
			? 0
			: corrupt(err, "tests of a job are out of order");
	case ARCHIVE_RUN:
		return check_run(check, line->run, err);
	case ARCHIVE_ARTIFACT:
		return check_artifact(check, line->artifact, err);
	case ARCHIVE_EVENT:
		check->n[3]++;
		return 0;
	case ARCHIVE_END:
		return check_end(check, line, err);
	case ARCHIVE_INCARNATION:
	case ARCHIVE_LINE_KIND_COUNT:
		break;
	}
	return 0;
}

static int
check_line(struct check *check, struct str text, struct err *err)
{
	struct archive_line line;

	arena_reset(&check->line);
	if (arc_decode(text, &check->line, &line, err) < 0)
		return -1;
	/* Runs and artifacts alternate; else the kinds come in their order. */
	if (line.kind != ARCHIVE_JOB && check->last == ARCHIVE_END)
		return corrupt(err, "a line of no job");
	if (line.kind != ARCHIVE_JOB && line.kind < check->last &&
		!(line.kind == ARCHIVE_RUN && check->last == ARCHIVE_ARTIFACT))
		return corrupt(err, "lines of a job are out of order");
	if (check_kind(check, &line, err) < 0)
		return -1;
	check->last = line.kind;
	return 0;
}

static int
check_blob(struct check *check, const struct arc_item *item, struct err *err)
{
	unsigned char raw[32];
	size_t n;

	if (hex_decode(str_of(item->hex), raw, sizeof raw, &n) < 0)
		return corrupt(err, "a file without a hash");
	if (map_count(&check->blobs) >= ARCHIVE_BLOBS_MAX)
		return err_set(err, ERR_LIMIT, "the archive has more than %d files",
			ARCHIVE_BLOBS_MAX);
	if (item->size < 0 || item->size > ARTIFACT_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "a file of the archive is too large");
	if (map_put(&check->blobs, raw, sizeof raw, check))
		return corrupt(err, "a file is there twice");
	check->counts.blobs++;
	check->counts.bytes += item->size;
	return 0;
}

static int
check_all(struct check *check, struct err *err)
{
	struct arc_item item;
	int rc;

	while ((rc = arc_next(check->reader, &item, err)) == 0) {
		if (check->stop && atomic_load(check->stop))
			return err_set(err, ERR_UNAVAILABLE, "the server is stopping");
		if ((item.kind == ARC_BLOB ? check_blob(check, &item, err)
					   : check_line(check, item.line, err)) < 0)
			return -1;
	}
	if (rc < 0)
		return -1;
	if (check->last != ARCHIVE_END)
		return corrupt(err, "the last job has no end");
	if (map_count(&check->parents) > 0)
		return corrupt(err, "jobs of a flow without their flow");
	const struct arc_counts *said = &check->reader->head.counts;
	if (said->jobs != check->counts.jobs || said->runs != check->counts.runs ||
		said->artifacts != check->counts.artifacts ||
		said->events != check->counts.events || said->blobs != check->counts.blobs ||
		said->bytes != check->counts.bytes)
		return corrupt(err, "the archive holds something else than its manifest says");
	return 0;
}

int
arc_check(int fd, const atomic_bool *stop, struct arc_head *ret, struct arena *arena,
	struct err *err)
{
	_cleanup_(arc_closep) struct arc_reader *reader = NULL;
	struct check check = { .last = ARCHIVE_END, .stop = stop };

	if (arc_open(&reader, fd, err) < 0)
		return -1;
	check.reader = reader;
	arena_init(&check.line, DECODE_BYTES_MAX);
	map_init(&check.blobs, MAP_KEYS_COPIED);
	map_init(&check.parents, MAP_KEYS_COPIED);
	map_init(&check.jobs, MAP_KEYS_COPIED);
	int rc = check_all(&check, err);
	arena_deinit(&check.line);
	map_deinit(&check.blobs);
	map_deinit(&check.parents);
	map_deinit(&check.jobs);
	*ret = reader->head;
	ret->server = arena_strdup(arena, reader->head.server);
	ret->project = arena_strdup(arena, reader->head.project);
	ret->created = arena_strdup(arena, reader->head.created);
	return rc;
}
