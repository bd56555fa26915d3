/* SPDX-License-Identifier: Apache-2.0 */
/* `proctor retention …`: which ended jobs are kept, and for how long. */
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/job_file.h"
#include "cli/job_view.h"
#include "cli/remote.h"

/* --- Showing --- */

static void
print_plain(const char *text, int width)
{
	_cleanup_(buf_deinit) struct buf plain = BUF_INIT(KIB(4));

	put_plain(&plain, text);
	cli_print("%-*s", width, buf_text(&plain));
}

/* A duration or size as it was said: text, or a number. */
static void
add_said(struct buf *out, const char *what, const json_t *value)
{
	const char *gap = out->len > 0 ? ", " : "";

	if (json_is_string(value))
		(void)!buf_addf(out, "%s%s %s", gap, what, json_string_value(value));
	else if (json_is_integer(value))
		(void)!buf_addf(out, "%s%s %" JSON_INTEGER_FORMAT, gap, what,
			json_integer_value(value));
}

static void
print_policy(const json_t *policy)
{
	const json_t *keep = json_object_get(policy, "keep");
	const json_t *last = json_object_get(policy, "lastSweep");
	_cleanup_(buf_deinit) struct buf said = BUF_INIT(KIB(1));

	add_said(&said, "age", json_object_get(keep, "age"));
	add_said(&said, "count", json_object_get(keep, "count"));
	add_said(&said, "bytes", json_object_get(keep, "bytes"));
	add_said(&said, "artifacts", json_object_get(policy, "artifactsAge"));
	cli_print("%5" PRId64 "  ", json_int(policy, "place"));
	print_plain(json_text(policy, "name"), 20);
	cli_print("  ");
	print_plain(buf_text(&said), 34);
	if (json_is_true(json_object_get(policy, "paused")))
		cli_print("  paused");
	else if (last)
		cli_print("  %.19s  %8" PRId64 " jobs  %8" PRId64 " files",
			json_text(last, "at"), json_int(last, "jobs"),
			json_int(last, "artifacts"));
	if (json_object_get(last, "error")) {
		cli_print("  ");
		print_plain(json_text(last, "error"), 0);
	}
	cli_print("\n");
}

int
cmd_retention_list(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;
	json_t *policy;
	size_t i;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", "/retention", NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	cli_print("%5s  %-20s  %-34s  %s\n", "PLACE", "NAME", "KEEPS", "LAST SWEEP");
	json_array_foreach(json_object_get(answer, "items"), i, policy) print_policy(policy);
	return CLI_OK;
}

/* --- Changing --- */

/* Path of the policy with this name or id, behind which `rest` stands; NULL: there is none.
 * Caller frees. */
static int
find_policy(
	struct remote *remote, const char *name, const char *rest, char **ret, struct err *err)
{
	_cleanup_(json_unrefp) json_t *list = NULL;
	json_t *policy;
	size_t i;

	*ret = NULL;
	if (remote_call(remote, "GET", "/retention", NULL, &list, err) < 0)
		return -1;
	json_array_foreach(json_object_get(list, "items"), i, policy)
	{
		if (strcmp(json_text(policy, "name"), name) == 0 ||
			strcmp(json_text(policy, "id"), name) == 0) {
			*ret = xasprintf("/retention/%s%s", json_text(policy, "id"), rest);
			return 0;
		}
	}
	return 0;
}

static int
put_file(struct cli *cli, struct remote *remote, const json_t *policy)
{
	const char *name = json_text(policy, "name");
	_cleanup_(json_unrefp) json_t *answer = NULL;
	_cleanup_free_ char *path = NULL;
	struct err err;

	if (find_policy(remote, name, "", &path, &err) < 0 ||
		remote_call(remote, path ? "PUT" : "POST", path ? path : "/retention", policy,
			&answer, &err) < 0)
		return remote_fail(cli, remote, &err);
	if (cli->json)
		cli_print_json(answer);
	else
		cli_print("%s  revision %" PRId64 "\n", name, json_int(answer, "revision"));
	return CLI_OK;
}

static int
preview_file(struct cli *cli, struct remote *remote, const json_t *policy)
{
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;
	json_t *job;
	size_t i;

	if (remote_call(remote, "POST", "/retention:preview", policy, &answer, &err) < 0)
		return remote_fail(cli, remote, &err);
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	cli_print("%" PRId64 " jobs would go, and the files of %" PRId64 " more: %" PRId64
		  " files, %" PRId64 " bytes\n",
		json_int(answer, "jobs"), json_int(answer, "onlyArtifacts"),
		json_int(answer, "artifacts"), json_int(answer, "bytes"));
	int64_t n_all = json_int(answer, "jobs");

	json_array_foreach(json_object_get(answer, "sample"), i, job)
	{
		cli_print("%s  %-10s  %.19s  ", json_text(job, "id"), json_text(job, "status"),
			json_text(job, "completedAt"));
		print_plain(json_text(job, "name"), 0);
		cli_print("\n");
	}
	if (n_all > (int64_t)i)
		cli_print("and %" PRId64 " more\n", n_all - (int64_t)i);
	return CLI_OK;
}

static int
with_file(struct cli *cli,
	int (*use)(struct cli *cli, struct remote *remote, const json_t *policy))
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	struct yaml file = { 0 };
	struct err err;
	int status;

	if (job_file_read_any(&file, cli->args[0], &err) < 0)
		return cli_fail(cli, &err);
	if (remote_open(&remote, cli, &err) < 0)
		status = remote_fail(cli, &remote, &err);
	else
		status = use(cli, &remote, file.root);
	yaml_deinit(&file);
	return status;
}

int
cmd_retention_put(struct cli *cli)
{
	return with_file(cli, put_file);
}

int
cmd_retention_preview(struct cli *cli)
{
	return with_file(cli, preview_file);
}

static int
about_named(struct cli *cli, const char *method, const char *rest, const char *done)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_free_ char *path = NULL;
	struct err err;

	if (remote_open(&remote, cli, &err) < 0 ||
		find_policy(&remote, cli->args[0], rest, &path, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (!path) {
		(void)err_set(
			&err, ERR_NOT_FOUND, "there is no policy \"%.100s\"", cli->args[0]);
		return cli_fail(cli, &err);
	}
	if (remote_call(&remote, method, path, NULL, NULL, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (!cli->json)
		cli_print("%s  %s\n", cli->args[0], done);
	return CLI_OK;
}

int
cmd_retention_delete(struct cli *cli)
{
	return about_named(cli, "DELETE", "", "deletes nothing any more");
}

int
cmd_retention_sweep(struct cli *cli)
{
	return about_named(cli, "POST", "/sweep", "sweeps");
}
