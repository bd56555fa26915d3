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
#include "cli/last_failed.h"
#include "worker/kinds.h"

enum { LIST_BYTES_MAX = MIB(64) };

/* "tests", "files", or NULL: as one run. */
static const char *
mode_of(const json_t *test, const char *option)
{
	const char *own = json_string_value(json_object_get(test, "shard"));

	if (!own)
		own = option;
	if (!own)
		return NULL;
	return own[0] == 't' ? "tests" : "files";
}

/* The file says of what a run is made, the option into what the project is taken apart. */
static bool
is_mode(const char *text)
{
	static const char *const modes[] = { "test", "tests", "file", "files" };

	for (size_t i = 0; text && i < ARRAY_LEN(modes); i++) {
		if (strcmp(text, modes[i]) == 0)
			return true;
	}
	return false;
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
	if (!is_mode(text))
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
	if (any || json_object_get(file->job, "tests"))
		(void)json_object_set(file->job, "tests", shared);
	return any;
}

/* --- What failed --- */

/* "a", "b" and 3 more. */
static void
note_names(const char *what, const json_t *names, const char *then)
{
	enum { NAMED_MAX = 3 };
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(KIB(4));
	size_t n = json_array_size(names);

	for (size_t i = 0; i < n && i < NAMED_MAX; i++)
		(void)!buf_addf(&text, "%s\"%s\"", i > 0 ? ", " : "",
			json_string_value(json_array_get(names, i)));
	if (n > NAMED_MAX)
		(void)!buf_addf(&text, " and %zu more", n - NAMED_MAX);
	if (n > 0)
		cli_note("--last-failed: %s%s%s", what, buf_text(&text), then);
}

/* 0 or SHARD_NOTHING_FAILED: never the latter when anything did. */
static int
tell_choice(const struct last_failed *choice, const json_t *job, const json_t *report,
	struct err *err)
{
	const char *id = json_text(report, "id"), *name = json_text(job, "name");

	if (choice->n_failed == 0 && choice->is_good) {
		cli_note("nothing failed in %s, the last job named %s", id, name);
		return SHARD_NOTHING_FAILED;
	}
	if (choice->n_failed == 0) {
		cli_note(
			"--last-failed: %s, the last job named %s, failed, but none of its tests "
			"did: all are run",
			id, name);
		return 0;
	}
	cli_note("--last-failed: %zu of the tests of %s did not pass", choice->n_failed, id);
	note_names("not found again: ", choice->unplaced,
		json_array_size(choice->whole) > 0 ? "" : "; no test of this job is new");
	note_names("run whole instead: ", choice->whole, "");
	if (choice->n_kept == 0)
		return err_set(err, ERR_INVALID,
			"--last-failed: what failed in %s is not in this job; run all of it",
			id);
	return 0;
}

static int
keep_failed(struct job_file *file, const json_t *report, struct err *err)
{
	struct last_failed choice;

	if (!report)
		return err_set(err, ERR_INVALID,
			"--last-failed: no job named %s has come to an end yet",
			json_text(file->job, "name"));
	last_failed_keep(file->job, report, &choice);
	int r = tell_choice(&choice, file->job, report, err);
	last_failed_deinit(&choice);
	return r;
}

/* --- The whole --- */

int
shard_apply(
	struct job_file *file, const struct cli *cli, struct remote *remote, struct err *err)
{
	bool wants_failed = cli_flag(cli, "last-failed");
	_cleanup_(json_unrefp) json_t *report = NULL;

	if (!json_is_array(json_object_get(file->job, "tests")) &&
		!json_is_array(json_object_get(file->job, "fixtures")))
		return wants_failed ? err_set(err, ERR_INVALID,
					      "--last-failed needs a job that lists its tests")
				    : 0;
	int any = share_all(file, cli_text(cli, "shard"), err);
	if (any < 0)
		return -1;
	if (!any && cli_given(cli, "shard"))
		cli_note(
			"--shard: no Playwright project among the job's tests; they are run as they "
			"are");
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
