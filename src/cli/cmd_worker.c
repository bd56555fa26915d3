/* SPDX-License-Identifier: Apache-2.0 */
/* `proctor worker` and `proctor worker list`. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/paths.h"
#include "cli/remote.h"
#include "worker/worker.h"

static struct worker_label *
read_labels(struct arena *arena, const struct cli_value *given)
{
	struct worker_label *labels = arena_xalloc(arena, (given->n + 1) * sizeof *labels);

	for (size_t i = 0; i < given->n; i++) {
		const char *equals = strchr(given->text[i], '='); /* parsing has seen to it */
		labels[i].key =
			arena_strndup(arena, given->text[i], (size_t)(equals - given->text[i]));
		labels[i].value = equals + 1;
	}
	return labels;
}

static const char *const *
read_kinds(struct arena *arena, const struct cli_value *given)
{
	if (given->n == 0)
		return NULL;
	const char **kinds = arena_xalloc(arena, (given->n + 1) * sizeof *kinds);
	for (size_t i = 0; i < given->n; i++)
		kinds[i] = given->text[i];
	return kinds;
}

static int
work(struct cli *cli, struct arena *arena, struct err *err)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	const char *data_dir = paths_data_dir(arena, cli_text(cli, "data"), err);

	if (!data_dir || remote_open(&remote, cli, err) < 0)
		return -1;
	struct worker_options options = { .url = remote.url,
		.token = remote.token,
		.id = cli_text(cli, "id"),
		.name = cli_text(cli, "name"),
		.data_dir = data_dir,
		.labels = read_labels(arena, cli_all(cli, "label")),
		.n_labels = cli_all(cli, "label")->n,
		.resources = read_labels(arena, cli_all(cli, "resource")),
		.n_resources = cli_all(cli, "resource")->n,
		.kinds = read_kinds(arena, cli_all(cli, "kind")),
		.capacity = (int)cli_number(cli, "capacity"),
		.runners_dir = cli_text(cli, "runners"),
		.node = cli_text(cli, "node"),
		.grace_ms = cli_number(cli, "grace"),
		.stop_on_stdin_eof = cli_flag(cli, "embedded"),
		.verbose = strcmp(cli_text(cli, "log"), "debug") == 0 };
	return worker_main(&options, err);
}

int
cmd_worker(struct cli *cli)
{
	_cleanup_(arena_deinit) struct arena arena;
	enum log_level level = LOG_LEVEL_INFO;
	struct err err;

	(void)log_level_parse(str_of(cli_text(cli, "log")), &level); /* one of the choices */
	log_init(STDERR_FILENO, level, LOG_FORMAT_AUTO);
	arena_init(&arena, MIB(1));
	if (work(cli, &arena, &err) < 0)
		return cli_fail(cli, &err);
	return CLI_OK;
}

static void
print_worker(const json_t *worker)
{
	const char *id = NULL, *name = "", *status = "";
	json_int_t capacity = 0, running = 0;
	json_t *kinds = json_object_get(worker, "kinds");
	_cleanup_(buf_deinit) struct buf list = BUF_INIT(KIB(4));
	json_t *kind;
	size_t i;

	(void)json_unpack((json_t *)worker, "{s?s, s?s, s?s, s?I, s?I}", "id", &id, "name",
		&name, "status", &status, "capacity", &capacity, "running", &running);
	json_array_foreach(kinds, i, kind)
	{
		if (buf_addf(&list, "%s%s", i ? "," : "", json_string_value(kind)) < 0)
			break;
	}
	cli_print("%-36s  %-10s  %3" JSON_INTEGER_FORMAT "/%-3" JSON_INTEGER_FORMAT
		  "  %-20s  %s\n",
		id ? id : "", status, running, capacity, name, buf_text(&list));
}

int
cmd_worker_list(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;
	json_t *worker;
	size_t i;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", "/workers", NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	cli_print("%-36s  %-10s  %7s  %-20s  %s\n", "ID", "STATUS", "IN USE", "NAME", "KINDS");
	json_array_foreach(json_object_get(answer, "items"), i, worker) print_worker(worker);
	return CLI_OK;
}
