/* SPDX-License-Identifier: Apache-2.0 */
/* Asks runners/playwright/list.js what there is. */
#include "cli/shard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/spawn.h"
#include "cli/history.h"
#include "cli/job_view.h"
#include "worker/kinds.h"

enum { LIST_BYTES_MAX = MIB(64) };

/* "tests", "files", or NULL: as one run. */
static const char *
mode_of(const json_t *test, const char *option)
{
	const char *own = json_string_value(json_object_get(test, "shard"));

	if (!own)
		return option;
	return strcmp(own, "test") == 0 ? "tests" : "files";
}

static int
check_member(const json_t *test, struct err *err)
{
	const json_t *own = json_object_get(test, "shard");
	const char *text = json_string_value(own);

	if (!own)
		return 0;
	if (strcmp(json_text(test, "kind"), "playwright") != 0)
		return err_set(err, ERR_INVALID, "%s: shard is for playwright tests",
			json_text(test, "name"));
	if (!text || (strcmp(text, "test") != 0 && strcmp(text, "file") != 0))
		return err_set(err, ERR_INVALID, "%s: shard must be test or file",
			json_text(test, "name"));
	return 0;
}

/* A script is one file, and a bundle that lies on the server cannot be looked into here. */
static bool
can_share(const json_t *test)
{
	return strcmp(json_text(test, "kind"), "playwright") == 0 &&
		json_object_get(test, "path") && !json_object_get(test, "bundle") &&
		!json_object_get(test, "script");
}

/* --- Listing --- */

static json_t *
selection_of(const json_t *test)
{
	static const char *const members[] = { "path", "paths", "grep", "grepInvert",
		"projectName" };
	json_t *selection = json_object();

	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		json_t *value = json_object_get(test, members[i]);
		if (value)
			(void)json_object_set(selection, members[i], value);
	}
	return selection;
}

/* Runs the lister in the folder, which is its cache; its answer is in the file `answer`. */
static int
run_lister(const json_t *test, const char *mode, const char *dir, const char *answer,
	struct err *err)
{
	struct kind_places places;
	struct spawn_child child = SPAWN_CHILD_INIT;
	_cleanup_(json_unrefp) json_t *selection = selection_of(test);
	_cleanup_free_ char *text = json_dumps(selection, JSON_COMPACT);
	_cleanup_close_ int fd = open(answer, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	siginfo_t info;

	if (fd < 0)
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", answer);
	kind_places_init(&places, NULL, NULL, NULL);
	int r = kind_available(kind_find("playwright"), &places, err);
	if (r == 0) {
		_cleanup_free_ char *script =
			xasprintf("%s/playwright/list.js", places.runners_dir);
		const char *const argv[] = { places.node, script, text, mode, dir, NULL };
		const struct spawn_spec spec = {
			.argv = argv, .fd_in = -1, .fd_out = fd, .fd_err = STDERR_FILENO
		};
		r = spawn_start(&child, &spec, err);
	}
	kind_places_deinit(&places);
	if (r < 0)
		return -1;
	/* How it ended is in what it wrote. */
	r = spawn_wait(child.pidfd, -1, &info, err);
	close(child.pidfd);
	return r;
}

static int
read_answer(const char *answer, json_t **ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(LIST_BYTES_MAX);

	if (file_read(answer, LIST_BYTES_MAX, &text, err) < 0)
		return -1;
	if (text.len == 0)
		return err_set(
			err, ERR_UNAVAILABLE, "the lister of tests ended without an answer");
	_cleanup_(json_unrefp) json_t *root =
		json_read(buf_text(&text), text.len, JSON_DEPTH_MAX, err);
	if (!root)
		return -1;
	if (json_object_get(root, "error"))
		return err_set(err, ERR_INVALID, "%s", json_text(root, "error"));
	*ret = TAKE(root);
	return 0;
}

/* {root, items} of the project that a test names. */
static int
list(const json_t *test, const char *mode, json_t **ret, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	_cleanup_free_ char *dir =
		xasprintf("%s/proctor-list-XXXXXX", tmp && tmp[0] ? tmp : "/tmp");
	struct err ignored;

	if (!mkdtemp(dir))
		return err_sys(err, ERR_UNAVAILABLE, errno, "%s", dir);
	_cleanup_free_ char *answer = xasprintf("%s/answer.json", dir);
	int r = run_lister(test, mode, dir, answer, err);
	if (r == 0)
		r = read_answer(answer, ret, err);
	(void)tree_remove(AT_FDCWD, dir, &ignored); /* the system clears what is left */
	return r < 0 ? err_wrap(err, "%s", json_text(test, "name")) : 0;
}

/* --- Sharing out --- */

/* A copy of the test that is one item of its project: all else in it stays as it is. */
static json_t *
share_of(const json_t *test, const json_t *listed, json_t *item)
{
	json_t *share = json_deep_copy(test);

	(void)json_object_del(share, "grep");
	(void)json_object_del(share, "grepInvert");
	(void)json_object_del(share, "shard");
	(void)json_object_set(share, "path", json_object_get(listed, "root"));
	(void)json_object_update(share, item);
	/* So that `job report --format playwright` can put the pieces together again. */
	json_t *config = json_object_get(share, "config");
	if (!json_is_object(config)) {
		config = json_object();
		(void)json_object_set_new(share, "config", config);
	}
	if (!json_object_get(config, "blob"))
		(void)json_object_set_new(config, "blob", json_true());
	return share;
}

static int
share_out(const json_t *test, const char *mode, json_t *ret_tests, struct err *err)
{
	_cleanup_(json_unrefp) json_t *listed = NULL;
	json_t *item;
	size_t i;

	if (list(test, mode, &listed, err) < 0)
		return -1;
	json_array_foreach(json_object_get(listed, "items"), i, item)(void)
		json_array_append_new(ret_tests, share_of(test, listed, item));
	return 0;
}

/* Replaces the job's tests. Returns 1 when any of them was shared out, else 0. */
static int
share_all(struct job_file *file, const char *option, struct err *err)
{
	_cleanup_(json_unrefp) json_t *shared = json_array();
	bool any = false;
	json_t *test;
	size_t i;

	json_array_foreach(json_object_get(file->job, "tests"), i, test)
	{
		if (check_member(test, err) < 0)
			return -1;
		const char *mode = mode_of(test, option);
		if (!mode || !can_share(test)) {
			(void)json_object_del(test, "shard");
			(void)json_array_append(shared, test);
			continue;
		}
		any = true;
		if (share_out(test, mode, shared, err) < 0)
			return -1;
	}
	if (json_array_size(shared) > TESTS_PER_JOB_MAX)
		return err_set(err, ERR_LIMIT,
			"%zu tests are more than the %d of a job; use "
			"--shard files",
			json_array_size(shared), TESTS_PER_JOB_MAX);
	(void)json_object_set(file->job, "tests", shared);
	return any;
}

/* --- The whole --- */

static int
keep_failed(struct job_file *file, const json_t *report, struct err *err)
{
	if (!report)
		return err_set(err, ERR_INVALID,
			"--last-failed: no job named %s has come to an end yet",
			json_text(file->job, "name"));
	size_t n = history_keep_failed(report, json_object_get(file->job, "tests"));
	return n > 0 ? 0 : SHARD_NOTHING_FAILED;
}

int
shard_apply(
	struct job_file *file, const struct cli *cli, struct remote *remote, struct err *err)
{
	bool wants_failed = cli_flag(cli, "last-failed");
	_cleanup_(json_unrefp) json_t *report = NULL;

	if (!json_is_array(json_object_get(file->job, "tests")))
		return wants_failed ? err_set(err, ERR_INVALID,
					      "--last-failed needs a job that lists its tests")
				    : 0;
	int any = share_all(file, cli_text(cli, "shard"), err);
	if (any < 0)
		return -1;
	if (!any && !wants_failed)
		return 0;
	if (history_last(remote, json_text(file->job, "name"), &report, err) < 0)
		return err_wrap(err, "the last job of that name");
	if (wants_failed) {
		int r = keep_failed(file, report, err);
		if (r != 0)
			return r;
	}
	/* Only of a project do we know that its tests do not care for their order. */
	if (any && report)
		history_sort(report, json_object_get(file->job, "tests"));
	return 0;
}
