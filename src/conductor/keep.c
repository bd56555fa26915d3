/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a policy with `archive` lets go: written to a file first (docs/protocol/archive.md §5),
 * then, job by job, handed to whoever deletes. A file is there whole or not at all, and what is
 * handed out is in one; so a server that ends in between deletes nothing that is nowhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/arc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "conductor/conductor_impl.h"
#include "store/retention_scan.h"

enum {
	JOBS_PER_FILE = 1000, /* the pool's thread is busy with nothing else meanwhile */
	PART_NAME_MAX = 80,   /* bytes of a name that become part of a file's */
};

struct kept_job {
	struct job_id id;
	int32_t incarnation;
};

struct keep {
	const struct conductor *conductor;
	struct retention_scan scan;
	bool is_over; /* the scan found everything */
	struct kept_job *jobs;
	size_t n, at, cap;
	char *folder; /* absolute; NULL until the first file */
	char *file;   /* the last, below the archive folder */
};

struct keep *
keep_new(const struct conductor *conductor, const struct retention_scan *scan)
{
	struct keep *keep = xcalloc(1, sizeof *keep);

	keep->conductor = conductor;
	keep->scan = *scan;
	return keep;
}

struct keep *
keep_free(struct keep *keep)
{
	if (!keep)
		return NULL;
	free(keep->jobs);
	free(keep->folder);
	free(keep->file);
	free(keep);
	return NULL;
}

const char *
keep_file(const struct keep *keep)
{
	return keep->file;
}

/* --- Names --- */

/* Letters and digits stay, all else becomes '_': a name is not to lead anywhere. */
static char *
plain_name(const char *name)
{
	char *plain = xstrndup(name, strnlen(name, PART_NAME_MAX));

	for (char *c = plain; *c; c++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-",
			    *c))
			*c = '_';
	return plain;
}

static int
project_name(struct keep *keep, struct store_reader *reader, struct arena *arena,
	const char **ret, struct err *err)
{
	struct project *projects;
	size_t n;

	*ret = "default";
	if (read_projects(reader, arena, &projects, &n, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (projects[i].seq == keep->scan.project)
			*ret = projects[i].name;
	return 0;
}

/* 20261201T020000000Z */
static void
plain_time(char out[TIME_TEXT_LEN + 1])
{
	char text[TIME_TEXT_LEN + 1];

	time_format(clock_wall_ms(), text);
	for (const char *c = text; *c; c++)
		if (!strchr("-:.", *c))
			*out++ = *c;
	*out = '\0';
}

/* The folder, made; and the file's name below the archive folder. */
static int
find_place(struct keep *keep, const char *project, char **ret_file, struct err *err)
{
	const char *root = keep->conductor->options.archive_dir;
	const struct retention_spec *spec = keep->scan.spec;
	_cleanup_free_ char *folder =
		spec->archive ? xstrdup(spec->archive) : plain_name(project);
	_cleanup_free_ char *policy = plain_name(spec->name ? spec->name : "policy");
	char time[TIME_TEXT_LEN + 1];

	if (!root || !keep->conductor->options.blobs)
		return err_set(err, ERR_UNAVAILABLE, "this server has no folder for archives");
	if (!keep->folder) {
		keep->folder = xasprintf("%s/%s", root, folder);
		if (mkdir_p(keep->folder, 0700, err) < 0)
			return err_wrap(err, "the folder for archives");
	}
	plain_time(time);
	*ret_file = xasprintf("%s/%s-%s.tar.gz", folder, policy, time);
	return 0;
}

/* --- A file --- */

static void
note_job(struct keep *keep, const struct job *job)
{
	if (keep->n == keep->cap) {
		keep->cap = keep->cap > 0 ? 2 * keep->cap : 64;
		keep->jobs = xreallocarray(keep->jobs, keep->cap, sizeof *keep->jobs);
	}
	keep->jobs[keep->n++] = (struct kept_job) { job->id, job->incarnation };
}

static bool
is_full(const struct keep *keep, const struct arc_writer *writer)
{
	return keep->n >= JOBS_PER_FILE || arc_written(writer)->jobs >= JOBS_PER_FILE ||
		arc_written(writer)->bytes >= GIB(1);
}

static int
write_jobs(struct keep *keep, struct store_reader *reader, struct arc_writer *writer,
	struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;

	arena_init(&arena, ARENA_REQUEST_BYTES_MAX);
	while (!keep->is_over && !is_full(keep, writer)) {
		struct job **jobs;
		size_t n;
		int rc;

		arena_reset(&arena);
		rc = retention_scan_jobs(&keep->scan, reader, &arena, &jobs, &n, err);
		if (rc < 0)
			return -1;
		keep->is_over = rc == STORE_NONE;
		for (size_t i = 0; i < n; i++) {
			rc = arc_write_job(writer, jobs[i]->id, err);
			if (rc < 0)
				return -1;
			if (rc == 0)
				note_job(keep, jobs[i]);
		}
	}
	return 0;
}

static int
write_archive(struct keep *keep, struct store_reader *reader, int fd, const char *project,
	struct err *err)
{
	const struct arc_source source = {
		.reader = reader,
		.blobs = keep->conductor->options.blobs,
		.project = keep->scan.project,
		.project_name = project,
		.stop = &keep->conductor->stopping,
	};
	_cleanup_(arc_writer_freep) struct arc_writer *writer = NULL;
	struct arc_counts counts;

	if (arc_write_begin(&writer, fd, &source, err) < 0 ||
		write_jobs(keep, reader, writer, err) < 0 ||
		arc_write_end(writer, &counts, err) < 0)
		return -1;
	return fsync(fd) < 0 ? err_sys(err, ERR_UNAVAILABLE, errno, "an archive") : 0;
}

/* From now on the file is there, whatever happens. Takes *file when it is. */
static int
give_name(struct keep *keep, const char *part, char **file, struct err *err)
{
	const char *root = keep->conductor->options.archive_dir;
	_cleanup_free_ char *path = xasprintf("%s/%s", root, *file);
	_cleanup_free_ char *above = xasprintf("%s/..", root);

	if (rename(part, path) < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", path);
	free(keep->file);
	keep->file = TAKE(*file);
	/* The folders may be new as well. */
	if (dir_sync(keep->folder, err) < 0 || dir_sync(root, err) < 0)
		return -1;
	return dir_sync(above, err);
}

/* Nothing of it was found: no file. */
static int
write_file(struct keep *keep, struct store_reader *reader, struct err *err)
{
	_cleanup_(arena_deinit) struct arena arena;
	_cleanup_free_ char *file = NULL;
	_cleanup_free_ char *part = NULL;
	_cleanup_close_ int fd = -1;
	const char *project;
	int rc;

	arena_init(&arena, MIB(16));
	keep->n = keep->at = 0;
	if (project_name(keep, reader, &arena, &project, err) < 0 ||
		find_place(keep, project, &file, err) < 0)
		return -1;
	part = xasprintf("%s/.part", keep->folder);
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", part);
	rc = write_archive(keep, reader, fd, project, err);
	if (rc == 0 && keep->n > 0)
		rc = give_name(keep, part, &file, err);
	else
		(void)unlink(part);
	if (rc < 0)
		keep->n = 0; /* nothing of it goes */
	return rc;
}

/* --- Handing out --- */

/* Those of the file that are still what the file has. */
int
keep_next(struct keep *keep, struct store_reader *reader, struct arena *arena,
	struct job ***ret, size_t *ret_n, struct err *err)
{
	*ret = arena_xalloc(arena, SWEEP_JOBS_MAX * sizeof **ret);
	*ret_n = 0;
	if (keep->at == keep->n && !keep->is_over && write_file(keep, reader, err) < 0)
		return -1;
	while (keep->at < keep->n && *ret_n < SWEEP_JOBS_MAX) {
		const struct kept_job *kept = &keep->jobs[keep->at++];
		struct job *job;
		int rc = read_job(reader, keep->scan.project, kept->id, arena, &job, err);

		if (rc < 0)
			return -1;
		if (rc == 0 && job->incarnation == kept->incarnation)
			(*ret)[(*ret_n)++] = job;
	}
	return keep->at == keep->n && keep->is_over && *ret_n == 0 ? STORE_NONE : 0;
}
