/* SPDX-License-Identifier: Apache-2.0 */
/* `proctor quarantine …`: tests whose failures do not count for a while. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "cli/cli.h"
#include "cli/job_view.h"
#include "cli/remote.h"

static void
print_plain(const char *text, int width)
{
	_cleanup_(buf_deinit) struct buf plain = BUF_INIT(KIB(4));

	put_plain(&plain, text);
	cli_print("%-*s", width, buf_text(&plain));
}

static void
print_entry(const json_t *entry)
{
	_cleanup_(buf_deinit) struct buf clean = BUF_INIT(64);
	int64_t wanted = json_int(entry, "cleanRuns");

	if (wanted > 0)
		(void)!buf_addf(
			&clean, "%" PRId64 "/%" PRId64, json_int(entry, "cleanStreak"), wanted);
	print_plain(json_text(entry, "test"), 30);
	cli_print("  ");
	print_plain(json_text(entry, "owner"), 12);
	cli_print("  %-10.10s  %7s  %8" PRId64 "  ", json_text(entry, "expiresAt"),
		wanted > 0 ? buf_text(&clean) : "-", json_int(entry, "failures"));
	print_plain(json_text(entry, "reason"), 0);
	cli_print("\n");
}

int
cmd_quarantine_list(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL;
	struct err err;
	json_t *entry;
	size_t i;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", "/quarantine", NULL, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json) {
		cli_print_json(answer);
		return CLI_OK;
	}
	cli_print("%-30s  %-12s  %-10s  %7s  %8s  %s\n", "TEST", "OWNER", "EXPIRES", "CLEAN",
		"FAILURES", "REASON");
	json_array_foreach(json_object_get(answer, "items"), i, entry) print_entry(entry);
	return CLI_OK;
}

static json_t *
entry_of_options(const struct cli *cli)
{
	json_t *entry = json_object();
	char at[TIME_TEXT_LEN + 1];

	(void)json_object_set_new(entry, "test", json_string(cli->args[0]));
	(void)json_object_set_new(entry, "owner", json_string(cli_text(cli, "owner")));
	(void)json_object_set_new(entry, "reason", json_string(cli_text(cli, "reason")));
	if (cli_given(cli, "clean-runs"))
		(void)json_object_set_new(
			entry, "cleanRuns", json_integer(cli_number(cli, "clean-runs")));
	if (cli_given(cli, "expires")) {
		time_format(clock_wall_ms() + cli_number(cli, "expires"), at);
		(void)json_object_set_new(entry, "expiresAt", json_string(at));
	}
	return entry;
}

int
cmd_quarantine_add(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *answer = NULL, *entry = NULL;
	struct err err;

	if (!cli_given(cli, "owner") || !cli_given(cli, "reason")) {
		(void)err_set(&err, ERR_INVALID,
			"--owner and --reason are needed: who looks after the test, and why it fails");
		return cli_fail(cli, &err);
	}
	entry = entry_of_options(cli);
	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "POST", "/quarantine", entry, &answer, &err) < 0)
		return remote_fail(cli, &remote, &err);
	if (cli->json)
		cli_print_json(answer);
	else
		cli_print("%s  in quarantine until %s\n", cli->args[0],
			json_text(answer, "expiresAt"));
	return CLI_OK;
}

/* The entry with this test or id; NULL: none. Borrowed. */
static const json_t *
find_entry(const json_t *list, const char *name)
{
	json_t *entry;
	size_t i;

	json_array_foreach(json_object_get(list, "items"), i, entry)
	{
		if (strcmp(json_text(entry, "test"), name) == 0 ||
			strcmp(json_text(entry, "id"), name) == 0)
			return entry;
	}
	return NULL;
}

static int
remove_entry(struct cli *cli, struct remote *remote, const json_t *list, const char *name)
{
	const json_t *entry = find_entry(list, name);
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(KIB(1));
	struct err err;

	if (!entry) {
		(void)err_set(
			&err, ERR_NOT_FOUND, "\"%.100s\" is not on the quarantine list", name);
		return cli_fail(cli, &err);
	}
	if (buf_addf(&path, "/quarantine/%s", json_text(entry, "id")) < 0 ||
		remote_call(remote, "DELETE", buf_text(&path), NULL, NULL, &err) < 0)
		return remote_fail(cli, remote, &err);
	if (!cli->json)
		cli_print("%s  counts again\n", json_text(entry, "test"));
	return CLI_OK;
}

int
cmd_quarantine_remove(struct cli *cli)
{
	_cleanup_(remote_deinit) struct remote remote = { 0 };
	_cleanup_(json_unrefp) json_t *list = NULL;
	int status = CLI_OK;
	struct err err;

	if (remote_open(&remote, cli, &err) < 0 ||
		remote_call(&remote, "GET", "/quarantine", NULL, &list, &err) < 0)
		return remote_fail(cli, &remote, &err);
	for (size_t i = 0; i < cli->n_args; i++) {
		int r = remove_entry(cli, &remote, list, cli->args[i]);
		if (r != CLI_OK)
			status = r;
	}
	return status;
}
