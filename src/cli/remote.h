/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The server as the commands see it: where it is, the token, and blocking calls whose refusals
 * become errors.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/yaml.h"
#include "http/client.h"

struct remote {
	char *url;       /* owned, without a slash at the end */
	char *token;     /* owned; NULL: none */
	char *data_dir;  /* owned; NULL when the URL was given */
	json_t *problem; /* owned; of the last call that the server refused, or NULL */
};

/*
 * Finds the server: --url and token from the options or the environment, else what the local
 * data directory says. -1: UNAVAILABLE when no server has the directory.
 */
int remote_open(struct remote *ret, const struct cli *cli, struct err *err) MUST_CHECK;
void remote_deinit(struct remote *remote);

/* The url of the live server that has a data directory; NULL: none. Caller frees. */
char *remote_local_url(const char *data_dir);

/*
 * One call below /api/v1. A status from 200 to 299 fills *ret with the JSON of the answer (NULL
 * when it had none; ret may be NULL). Others are -1: the code from the status, the text from
 * the problem document, which stays in remote->problem.
 */
int remote_call(struct remote *remote, const char *method, const char *path, const json_t *body,
	json_t **ret, struct err *err) MUST_CHECK;

/* The same with a header "Name: value" for this call. */
int remote_call_with(struct remote *remote, const char *method, const char *path,
	const json_t *body, const char *header, json_t **ret, struct err *err) MUST_CHECK;

/* GET into a descriptor, whatever the type. */
int remote_fetch(struct remote *remote, const char *path, int fd, struct err *err) MUST_CHECK;

/* The same into a file, which is made or replaced. -1 INVALID: it cannot be written. */
int remote_fetch_file(
	struct remote *remote, const char *path, const char *file, struct err *err) MUST_CHECK;

/* POST of a file's content. */
int remote_upload(struct remote *remote, const char *path, int fd, int64_t size,
	const char *content_type, json_t **ret, struct err *err) MUST_CHECK;

/*
 * Reads server-sent events until the stream ends. `event` gets the JSON of each; it returns < 0
 * to end the reading, which is then no error. Resumes after breaks by the last id.
 */
int remote_events(struct remote *remote, const char *path, int64_t after,
	int (*event)(void *arg, json_t *event), void *arg, struct err *err) MUST_CHECK;

/* cli_fail() plus the problem's single offences, each on a line. */
int remote_fail(const struct cli *cli, const struct remote *remote, const struct err *err);

/* The same for what a file said: offences get "FILE:LINE: ". yaml may be NULL. */
int remote_fail_file(const struct cli *cli, const struct remote *remote, const char *file,
	const struct yaml *yaml, const struct err *err);

/* Appends text percent-encoded for a path segment or query value. */
int remote_quote(struct buf *out, const char *text) MUST_CHECK;
