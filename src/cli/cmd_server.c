/* SPDX-License-Identifier: Apache-2.0 */
/* `proctor server restart`: the server of this machine, with a new program, without a gap. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/paths.h"

enum {
	RESTART_MS = 30000,
	LOOK_EVERY_MS = 20, /* the file is all that the two processes share */
};

struct note {
	int64_t pid;
	char started_at[TIME_TEXT_LEN + 1];
};

static int
read_note(const char *path, struct note *ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(4));
	_cleanup_(json_unrefp) json_t *root = NULL;
	const char *started_at;
	json_int_t pid;

	if (file_read(path, KIB(4), &text, err) < 0)
		return -1;
	root = json_read(buf_text(&text), text.len, JSON_DEPTH_MAX, err);
	if (!root)
		return -1;
	if (json_unpack(root, "{s:I, s:s}", "pid", &pid, "startedAt", &started_at) < 0 ||
		pid <= 1 || strlen(started_at) > TIME_TEXT_LEN)
		return err_set(err, ERR_CORRUPT, "%s: not what a server writes", path);
	ret->pid = pid;
	(void)stpcpy(ret->started_at, started_at);
	return 0;
}

/* Until the next image has written its own note. */
static int
await_next(const char *path, const struct note *before, struct err *err)
{
	int64_t until = clock_mono_ms() + RESTART_MS;
	struct note now;
	struct err ignored;

	while (clock_mono_ms() < until) {
		if (read_note(path, &now, &ignored) == 0 &&
			strcmp(now.started_at, before->started_at) != 0)
			return 0;
		if (kill((pid_t)before->pid, 0) < 0 && errno == ESRCH)
			return err_set(
				err, ERR_UNAVAILABLE, "the server ended; its log says why");
		(void)poll(NULL, 0, LOOK_EVERY_MS);
	}
	return err_set(err, ERR_TIMEOUT,
		"the server has not restarted within %d s; its log says why",
		RESTART_MS / 1000);
}

int
cmd_server_restart(struct cli *cli)
{
	_cleanup_(arena_deinit) struct arena arena;
	const char *data_dir, *path;
	struct note note;
	struct err err;

	arena_init(&arena, KIB(64));
	data_dir = paths_data_dir(&arena, cli_text(cli, "data"), &err);
	if (!data_dir)
		return cli_fail(cli, &err);
	path = paths_in(&arena, data_dir, PATHS_SERVER);
	if (read_note(path, &note, &err) < 0) {
		(void)err_wrap(&err, "no server has this data directory");
		return cli_fail(cli, &err);
	}
	if (kill((pid_t)note.pid, SIGUSR2) < 0) {
		(void)err_sys(&err, ERR_UNAVAILABLE, errno, "process %" PRId64, note.pid);
		return cli_fail(cli, &err);
	}
	if (await_next(path, &note, &err) < 0)
		return cli_fail(cli, &err);
	cli_print("restarted, still process %" PRId64 "\n", note.pid);
	return CLI_OK;
}
