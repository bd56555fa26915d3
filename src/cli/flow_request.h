/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flows from the command line: names into job requests, and the one line
 *
 *	--prepare A --until 'GET $URL/tasks/$id .state == "SUCCESS"' --then B
 *
 * into three stages. docs/guides/flows.md has the rules for `$`.
 */
#pragma once

#include "base/err.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/job_file.h"
#include "cli/remote.h"

/*
 * The job request that a name stands for: a file, a template, a test, or else an expression
 * over tags. `params` are the given ones, of which a template gets those that it declares;
 * what else it requires is taken from the results of stage `before` (may be NULL). Owned by
 * the caller. NULL: err.
 */
json_t *flow_request_of_name(struct remote *remote, const char *name, const json_t *params,
	const char *before, struct err *err);

/*
 * "GET $URL/tasks/$id .state == 1" as the `http` of a wait. Names in it are replaced as the
 * guide says. NULL: err.
 */
json_t *flow_request_until(
	const char *text, const json_t *params, const char *before, struct err *err);

/* The flow that --prepare, --until, --fail-if, --timeout, --every and --then say. NULL: err. */
json_t *flow_request_line(const struct cli *cli, struct remote *remote, struct err *err);

/*
 * What the server says of a flow that was made here is about names on the command line: its
 * offences get them for places, "valid.yaml: /tests/0" for "/stages/2/run/tests/0".
 */
void flow_request_name_offences(const struct cli *cli, json_t *problem);

/* `run: { file: … }` of stages becomes the content of the file. -1 INVALID. */
int flow_request_files(struct job_file *file, struct err *err) MUST_CHECK;
