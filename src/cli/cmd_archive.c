/* SPDX-License-Identifier: Apache-2.0 */
/* `proctor archive …`: ended jobs as a file, and back. docs/protocol/archive.md. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/arc.h"
#include "base/clock.h"
#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/job_view.h"
#include "cli/options.h"
#include "cli/remote.h"

enum { SHOW_ARENA_BYTES = 512 * 1024 * 1024 }; /* a bound, not a use */

/* For people at a terminal: it may take a while. */
static void
note_progress(const struct cli *cli, const char *what, const char *file)
{
	if (!cli->json && isatty(STDERR_FILENO))
		cli_note("%s %s …", what, file);
}

static void
print_counts(const char *file, const struct arc_counts *counts)
{
	cli_print("%s  %" PRId64 " jobs, %" PRId64 " runs, %" PRId64 " events, %" PRId64
		  " artifacts, %" PRId64 " files with %" PRId64 " bytes\n",
		file, counts->jobs, counts->runs, counts->events, counts->artifacts,
		counts->blobs, counts->bytes);
	if (counts->missing > 0)
		cli_print("%" PRId64 " artifacts had no bytes any more\n", counts->missing);
	if (counts->voided > 0)
		cli_print("%" PRId64 " jobs changed while it was written and are left out\n",
			counts->voided);
}

/* --- Show --- */

static int
open_archive(const char *file, int *ret, struct err *err)
{
	*ret = open(file, O_RDONLY | O_CLOEXEC);
	return *ret < 0 ? err_sys(err, ERR_INVALID, errno, "%s", file) : 0;
}

static void
write_head(struct jw *jw, const struct arc_head *head)
{
	const struct arc_counts *counts = &head->counts;

	jw_ki64(jw, "version", head->version);
	jw_kstr(jw, "server", head->server);
	jw_kstr(jw, "project", head->project);
	jw_kstr(jw, "createdAt", head->created);
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

static void
write_job(struct jw *jw, const struct archive_line *line)
{
	const struct job *job = line->job;

	jw_obj(jw);
	jw_kuuid(jw, "id", &job->id.u);
	jw_kstr_opt(jw, "name", job->name);
	jw_kstr(jw, "status", job_state_name(job->state));
	jw_kstr_opt(jw, "reason", job_reason_name(job->reason));
	jw_kstr(jw, "queue", line->queue);
	jw_ktime(jw, "completedAt", job->completed_ms);
	if (!uuid_is_zero(&job->parent.u))
		jw_kuuid(jw, "parent", &job->parent.u);
	jw_end_obj(jw);
}

static void
print_job(const struct archive_line *line)
{
	const struct job *job = line->job;
	_cleanup_(buf_deinit) struct buf name = BUF_INIT(KIB(4));
	char id[UUID_TEXT_LEN + 1], time[TIME_TEXT_LEN + 1];

	uuid_format(&job->id.u, id);
	time_format(job->completed_ms, time);
	put_plain(&name, job->name ? job->name : "");
	cli_print("%s  %-10s  %.19s  %s\n", id, job_state_name(job->state), time,
		buf_text(&name));
}

/* The jobs of an archive that was checked, into jw or onto the terminal. */
static int
show_jobs(int fd, struct jw *jw, struct err *err)
{
	_cleanup_(arc_closep) struct arc_reader *reader = NULL;
	_cleanup_(arena_deinit) struct arena arena;
	struct arc_item item;
	int rc;

	arena_init(&arena, SHOW_ARENA_BYTES);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return err_sys(err, ERR_INVALID, errno, "an archive must be a file");
	if (arc_open(&reader, fd, err) < 0)
		return -1;
	while ((rc = arc_next(reader, &item, err)) == 0) {
		struct archive_line line;

		if (item.kind != ARC_LINE || !str_starts(item.line, STR("{\"job\":")))
			continue;
		arena_reset(&arena);
		if (arc_decode(item.line, &arena, &line, err) < 0)
			return -1;
		if (jw)
			write_job(jw, &line);
		else
			print_job(&line);
	}
	return rc < 0 ? -1 : 0;
}

static int
show_json(int fd, const struct arc_head *head, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(MIB(256));
	struct jw jw;

	jw_init(&jw, &text);
	jw_obj(&jw);
	write_head(&jw, head);
	jw_karr(&jw, "jobs");
	if (show_jobs(fd, &jw, err) < 0)
		return -1;
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0)
		return err_set(err, ERR_LIMIT, "too many jobs to be shown");
	cli_print("%s\n", buf_text(&text));
	return 0;
}

int
cmd_archive_show(struct cli *cli)
{
	_cleanup_(arena_deinit) struct arena arena;
	_cleanup_close_ int fd = -1;
	struct arc_head head;
	struct err err;

	arena_init(&arena, KIB(64));
	if (open_archive(cli->args[0], &fd, &err) < 0)
		return cli_fail(cli, &err);
	note_progress(cli, "reading", cli->args[0]);
	if (arc_check(fd, NULL, &head, &arena, &err) < 0)
		return cli_fail(cli, &err);
	if (cli->json)
		return show_json(fd, &head, &err) < 0 ? cli_fail(cli, &err) : CLI_OK;
	print_counts(cli->args[0], &head.counts);
	return show_jobs(fd, NULL, &err) < 0 ? cli_fail(cli, &err) : CLI_OK;
}

/* --- Export --- */

static int
archive_path(const struct cli *cli, struct buf *path)
{
	static const struct {
		const char *option, *name;
	} filters[] = { { "status", "status" }, { "tag", "tag" }, { "name", "name" },
		{ "queue", "queue" }, { "template", "template" },
		{ "created-after", "createdAfter" }, { "created-before", "createdBefore" },
		{ "completed-after", "completedAfter" },
		{ "completed-before", "completedBefore" } };
	char sign = '?';

	if (buf_adds(path, "/archive") < 0)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(filters); i++) {
		const struct cli_value *value = cli_all(cli, filters[i].option);

		for (size_t k = 0; k < value->n; k++) {
			if (buf_addf(path, "%c%s=", sign, filters[i].name) < 0 ||
				remote_quote(path, value->text[k]) < 0)
				return -1;
			sign = '&';
		}
	}
	return 0;
}

/* Under another name until all of it is there and has been checked. */
static int
fetch_archive(struct remote *remote, const char *path, const char *file, struct arc_head *ret,
	struct arena *arena, struct err *err)
{
	_cleanup_free_ char *part = xasprintf("%s.part", file);
	_cleanup_close_ int fd = open(part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	if (fd < 0)
		return err_sys(err, ERR_INVALID, errno, "%s", part);
	if (remote_fetch(remote, path, fd, err) == 0 &&
		(fsync(fd) < 0 || lseek(fd, 0, SEEK_SET) < 0))
		(void)err_sys(err, ERR_UNAVAILABLE, errno, "%s", part);
	else if (err->code == 0 && arc_check(fd, NULL, ret, arena, err) == 0) {
		if (rename(part, file) == 0)
			return 0;
		(void)err_sys(err, ERR_INVALID, errno, "%s", file);
	}
	(void)unlink(part);
	return -1;
}

int
cmd_archive_export(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(64));
	_cleanup_(arena_deinit) struct arena arena;
	const char *file = cli->args[0];
	struct err err = { 0 };
	struct arc_head head;
	struct jw jw;

	arena_init(&arena, KIB(64));
	if (remote_open(&remote, cli, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (archive_path(cli, &path) < 0) {
		(void)err_set(&err, ERR_INVALID, "the filters are too long");
		return cli_fail(cli, &err);
	}
	note_progress(cli, "writing", file);
	if (fetch_archive(&remote, path.data, file, &head, &arena, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (!cli->json) {
		print_counts(file, &head.counts);
		return CLI_OK;
	}
	jw_init(&jw, &text);
	jw_obj(&jw);
	jw_kstr(&jw, "file", file);
	write_head(&jw, &head);
	jw_end_obj(&jw);
	if (jw_done(&jw) == 0)
		cli_print("%s\n", buf_text(&text));
	return CLI_OK;
}

/* --- Import --- */

int
cmd_archive_import(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_close_ int fd = -1;
	const char *file = cli->args[0];
	struct stat st;
	struct err err;

	if (open_archive(file, &fd, &err) < 0)
		return cli_fail(cli, &err);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)err_set(&err, ERR_INVALID, "%s is no file", file);
		return cli_fail(cli, &err);
	}
	note_progress(cli, "sending", file);
	if (remote_open(&remote, cli, &err) < 0 ||
		remote_upload(&remote,
			cli_flag(cli, "dry-run") ? "/archive:import?dryRun=true"
						 : "/archive:import",
			fd, st.st_size, "application/gzip", &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	cli_print("%s  %" PRId64 " jobs, %" PRId64 " runs, %" PRId64 " events, %" PRId64
		  " artifacts; %" PRId64 " jobs were here already\n",
		file, json_int(answer, "jobs"), json_int(answer, "runs"),
		json_int(answer, "events"), json_int(answer, "artifacts"),
		json_int(answer, "existing"));
	return CLI_OK;
}
