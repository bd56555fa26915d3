/* SPDX-License-Identifier: Apache-2.0 */
/* `proctor test …` and `proctor template …`: the same verbs on two kinds of definitions. */
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/job_file.h"
#include "cli/job_view.h"
#include "cli/remote.h"

/* "/tests/NAME" or "/templates/NAME". Caller frees. */
static char *
def_path(const struct cli *cli, const char *name)
{
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);

	if (buf_addf(&path, "/%ss/", cli->command->noun) < 0 || remote_quote(&path, name) < 0)
		return xasprintf("/%ss/-", cli->command->noun); /* no name is that long */
	return buf_steal(&path);
}

static char *
if_match(const struct cli *cli)
{
	if (!cli_given(cli, "if-revision"))
		return NULL;
	return xasprintf("If-Match: \"%" PRId64 "\"", cli_number(cli, "if-revision"));
}

static void
print_def(const json_t *def)
{
	_cleanup_(buf_deinit) struct buf tags = BUF_INIT(KIB(8));
	_cleanup_(buf_deinit) struct buf name = BUF_INIT(KIB(1));
	json_t *tag;
	size_t i;

	json_array_foreach(json_object_get(def, "tags"), i, tag)
	{
		if (i > 0 && buf_addc(&tags, ',') < 0)
			break;
		put_plain(&tags, json_string_value(tag));
	}
	put_plain(&name, json_text(def, "name"));
	cli_print("%-30s  %8" PRId64 "  %-12s  %-24s  %s\n", buf_text(&name),
		json_int(def, "revision"), json_text(def, "kind"), json_text(def, "updatedAt"),
		buf_text(&tags));
}

/* Appends "&name=value" for each value of the option, which other definitions may not have. */
static int
add_filter(struct buf *path, const struct cli *cli, const char *name)
{
	const struct cli_value *value = cli_all(cli, name);

	for (size_t i = 0; i < value->n; i++) {
		if (buf_addf(path, "&%s=", name) < 0 || remote_quote(path, value->text[i]) < 0)
			return -1;
	}
	return 0;
}

int
cmd_def_list(struct cli *cli)
{
	static const char *const of_tests[] = { "tags", "name", "last", "exclude" };
	bool is_tests = strcmp(cli->command->noun, "test") == 0;
	const char *cursor = cli_text(cli, "cursor");
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;
	json_t *def;
	size_t i;

	int r = buf_addf(
		&path, "/%ss?limit=%" PRId64, cli->command->noun, cli_number(cli, "limit"));
	if (r == 0)
		r = add_filter(&path, cli, "tag");
	for (i = 0; r == 0 && is_tests && i < ARRAY_LEN(of_tests); i++)
		r = add_filter(&path, cli, of_tests[i]);
	if (r == 0 && cursor &&
		(buf_adds(&path, "&cursor=") < 0 || remote_quote(&path, cursor) < 0))
		r = -1;
	if (r < 0) {
		(void)err_set(&err, ERR_LIMIT, "too many filters");
		return cli_fail(cli, &err);
	}
	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", buf_text(&path), NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	cli_print("%-30s  %8s  %-12s  %-24s  %s\n", "NAME", "REVISION", "KIND", "UPDATED",
		"TAGS");
	json_array_foreach(json_object_get(answer, "items"), i, def) print_def(def);
	if (json_text(answer, "nextCursor")[0])
		cli_note("more: --cursor %s", json_text(answer, "nextCursor"));
	return CLI_OK;
}

int
cmd_def_show(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_free_ char *path = def_path(cli, cli->args[0]);
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", path, NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	/* A definition is a document: JSON is its form for people too. */
	cli_print_json(answer);
	return CLI_OK;
}

/* Creates it, or replaces what has the name. */
static int
put_definition(struct cli *cli, struct remote *remote, const json_t *body, json_t **ret,
	struct err *err)
{
	_cleanup_free_ char *path = def_path(cli, json_text(body, "name"));
	_cleanup_free_ char *all = xasprintf("/%ss", cli->command->noun);
	_cleanup_free_ char *header = if_match(cli);

	if (remote_call_with(remote, "PUT", path, body, header, ret, err) == 0)
		return 0;
	if (err->code != ERR_NOT_FOUND || header)
		return -1;
	return remote_call(remote, "POST", all, body, ret, err);
}

int
cmd_def_put(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(yaml_deinit) struct yaml file = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	const char *name = cli_text(cli, "name");
	struct err err;

	if (job_file_read_any(&file, cli->args[0], &err) < 0)
		return cli_fail(cli, &err);
	if (!json_is_object(file.root)) {
		(void)err_set(&err, ERR_INVALID, "%s: an object is expected", cli->args[0]);
		return cli_fail(cli, &err);
	}
	if (name)
		(void)json_object_set_new(file.root, "name", json_string(name));
	if (!json_text(file.root, "name")[0]) {
		(void)err_set(&err, ERR_INVALID, "%s: no name in it; give one with --name",
			cli->args[0]);
		return cli_fail(cli, &err);
	}
	if (remote_open(&remote, cli, &err) < 0)
		return cli_fail(cli, &err);
	if (put_definition(cli, &remote, file.root, &answer, &err) < 0)
		return remote_fail_file(cli, &remote, cli->args[0], &file, &err);
	if (cli->json)
		cli_print_json(answer);
	else
		cli_print("%s  revision %" PRId64 "\n", json_text(answer, "name"),
			json_int(answer, "revision"));
	return CLI_OK;
}

int
cmd_def_delete(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_free_ char *header = if_match(cli);
	int status = CLI_OK;
	struct err err;

	if (remote_open(&remote, cli, &err) < 0)
		return cli_fail(cli, &err);
	for (size_t i = 0; i < cli->n_args; i++) {
		_cleanup_free_ char *path = def_path(cli, cli->args[i]);
		if (remote_call_with(&remote, "DELETE", path, NULL, header, NULL, &err) < 0)
			status = remote_fail(cli, &remote, &err);
		else if (!cli->json)
			cli_print("%s  deleted\n", cli->args[i]);
	}
	return status;
}
