/* SPDX-License-Identifier: Apache-2.0 */
/* Artifacts through the HTTP interface. */
#include "cli/artifacts.h"

#include <string.h>

#include "base/fd.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cli/job_view.h"

/* A name from a server becomes a path: nothing may lead out of the folder. */
static bool
is_safe_name(const char *name)
{
	struct str rest = str_of(name);

	if (name[0] == '\0' || strlen(name) > ARTIFACT_NAME_BYTES_MAX)
		return false;
	while (rest.p) {
		struct str part = str_split_first(&rest, '/');
		if (part.n == 0 || str_eqz(part, ".") || str_eqz(part, ".."))
			return false;
	}
	return true;
}

static int
fetch_one(struct remote *remote, const char *job, const char *dir, const json_t *artifact,
	bool is_told, struct err *err)
{
	const char *name = json_text(artifact, "name"), *run = json_text(artifact, "run");
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	struct str rest = str_of(name);

	if (!is_safe_name(name) || !is_safe_name(run) || strchr(run, '/'))
		return err_set(
			err, ERR_CORRUPT, "the server named an artifact \"%.60s\"", name);
	if (buf_addf(&path, "/jobs/%s/runs/%s/artifacts", job, run) < 0)
		return err_set(err, ERR_LIMIT, "\"%.60s\" is too long", name);
	while (rest.p) {
		struct str part = str_split_first(&rest, '/');
		_cleanup_free_ char *text = xstrndup(part.p, part.n);
		if (buf_addc(&path, '/') < 0 || remote_quote(&path, text) < 0)
			return err_set(err, ERR_LIMIT, "\"%.60s\" is too long", name);
	}
	_cleanup_free_ char *file = xasprintf("%s/%s/%s", dir, run, name);
	char *slash = strrchr(file, '/');
	*slash = '\0';
	if (mkdir_p(file, 0777, err) < 0)
		return -1;
	*slash = '/';
	if (remote_fetch_file(remote, path.data, file, err) < 0)
		return -1;
	if (is_told)
		cli_print("%s\n", file);
	return 0;
}

int
artifacts_list(
	struct remote *remote, const char *job, const char *kind, json_t **ret, struct err *err)
{
	_cleanup_(buf_deinit) struct buf path = BUF_INIT(URL_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *answer = NULL;
	json_t *artifact;
	size_t i;

	if (buf_adds(&path, "/jobs/") < 0 || remote_quote(&path, job) < 0 ||
		buf_adds(&path, "/artifacts") < 0)
		return err_set(err, ERR_INVALID, "\"%.60s\" is no job", job);
	if (remote_call(remote, "GET", path.data, NULL, &answer, err) < 0)
		return -1;
	*ret = json_array();
	json_array_foreach(json_object_get(answer, "items"), i, artifact)
	{
		if (!kind || strcmp(json_text(artifact, "kind"), kind) == 0)
			(void)json_array_append(*ret, artifact);
	}
	return 0;
}

int
artifacts_fetch(struct remote *remote, const char *job, const json_t *items, const char *dir,
	bool is_told, struct err *err)
{
	json_t *artifact;
	size_t i;

	json_array_foreach((json_t *)items, i, artifact)
	{
		if (fetch_one(remote, job, dir, artifact, is_told, err) < 0)
			return -1;
	}
	return 0;
}
