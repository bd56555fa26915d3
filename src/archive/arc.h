/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives of ended jobs, as docs/protocol/archive.md has them: written from a store, read line
 * by line. What is in memory at a time is a part of a job and the hashes of files.
 *
 * All of it blocks: for the pool's threads.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "core/archive_line.h"
#include "store/store.h"

struct blob_store;

enum { ARC_VERSION = 1 };

struct arc_counts {
	int64_t jobs, runs, events, artifacts;
	int64_t blobs, bytes; /* files, each once */
	int64_t missing;      /* artifacts whose bytes were gone */
	int64_t voided;       /* jobs that changed while they were written */
};

/* --- Writing --- */

struct arc_writer;

/* Where from. Borrowed until the end. */
struct arc_source {
	struct store_reader *reader;
	struct blob_store *blobs;
	int64_t project;
	const char *project_name;
	const atomic_bool *stop; /* UNAVAILABLE once it is true; NULL: never */
};

/* Begins an archive in a descriptor that stays the caller's. */
int arc_write_begin(struct arc_writer **ret, int fd, const struct arc_source *source,
	struct err *err) MUST_CHECK;
enum { ARC_LEFT_OUT = 1 };

/* Adds an ended job; with a flow, those of its stages. ARC_LEFT_OUT: it, or one of them, is not
 * there any more, has not ended, or changed meanwhile. */
int arc_write_job(struct arc_writer *writer, struct job_id id, struct err *err) MUST_CHECK;
/* Adds all ended jobs that the filter lets through, but for those of stages. */
int arc_write_matching(
	struct arc_writer *writer, const struct job_filter *filter, struct err *err) MUST_CHECK;
/* Up to now. */
const struct arc_counts *arc_written(const struct arc_writer *writer);
int arc_write_end(struct arc_writer *writer, struct arc_counts *ret, struct err *err)
	MUST_CHECK;
struct arc_writer *arc_writer_free(struct arc_writer *writer); /* NULL is fine; always NULL */
DEFINE_CLEANUP(struct arc_writer *, arc_writer_free)

/* --- Reading --- */

struct arc_reader;

/* The first and the last member. Texts are the reader's. */
struct arc_head {
	int64_t version;
	const char *server, *project, *created;
	struct arc_counts counts; /* 0 until the end was read */
};

enum arc_item_kind { ARC_BLOB, ARC_LINE };

struct arc_item {
	enum arc_item_kind kind;
	char hex[65];    /* BLOB */
	int64_t size;    /* BLOB */
	struct str line; /* LINE; the reader's, until the next item */
};

/* Reads from where the descriptor stands; it stays the caller's. */
int arc_open(struct arc_reader **ret, int fd, struct err *err) MUST_CHECK;

enum { ARC_END = 1 };

/* The next item. ARC_END: all of it was read, and the sums are right. -1: CORRUPT, LIMIT. */
int arc_next(struct arc_reader *reader, struct arc_item *ret, struct err *err) MUST_CHECK;

/* The next bytes of the present blob: 0 at its end. What was not read is passed over. */
int arc_blob_read(struct arc_reader *reader, void *data, size_t size, size_t *ret_n,
	struct err *err) MUST_CHECK;

const struct arc_head *arc_head(const struct arc_reader *reader);
struct arc_reader *arc_close(struct arc_reader *reader); /* NULL is fine; always NULL */
DEFINE_CLEANUP(struct arc_reader *, arc_close)

/* Decodes a line; what it holds is the arena's. CORRUPT: it is none. */
int arc_decode(struct str line, struct arena *arena, struct archive_line *ret, struct err *err)
	MUST_CHECK;

/* Reads all of it and judges every line: whether an import could take it. `stop` as above. */
int arc_check(int fd, const atomic_bool *stop, struct arc_head *ret, struct arena *arena,
	struct err *err) MUST_CHECK;
