/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people hand to `proctor run` and `proctor job submit`: a job file (YAML or JSON), or
 * Playwright and TestCafe files and folders, made into one job request.
 *
 * A job file is a job with three things more: `params` may declare ({type, default, required,
 * enum}) instead of only give values, `services` name programs that a local run starts first,
 * and paths are relative to the file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/cli.h"
#include "cli/yaml.h"

struct job_file {
	struct arena arena;
	struct issues *issues; /* in the arena: what is wrong with the content */
	const char *path;      /* as given; of the first argument */
	const char *dir;       /* absolute: what paths in it are relative to */
	struct yaml yaml;      /* for line numbers; empty when it is no file */
	json_t *job;           /* owned; the request, without services, params as values */
	json_t *services;      /* owned; array with expressions filled in, or NULL */
};

/*
 * Makes the job of the arguments: one job file, or paths of tests. Options that the command
 * has (param, name, grep, project, iterations, concurrency, retries, timeout, priority, queue,
 * run-at) go over what the file says.
 *
 * -1 with err: INVALID for content; single offences are in issues then (job_file_fail()). The
 * caller deinits in any case.
 */
int job_file_load(struct job_file *ret, const struct cli *cli, struct err *err) MUST_CHECK;
/*
 * A job file that is a part of something else. Its parameters are the given ones, which may be
 * expressions, over its own, which stay declarations; services are left out.
 */
int job_file_load_part(struct job_file *ret, const char *path, const json_t *params,
	struct err *err) MUST_CHECK;
void job_file_deinit(struct job_file *file);

/* Paths of its tests become absolute; commands run in the file's folder unless they say else.
 */
void job_file_localize(struct job_file *file);

/* The same for the paths of Playwright and TestCafe tests alone. */
void job_file_localize_paths(struct job_file *file);

/* Every test in it, those of fixtures, hooks and stages too, as an array that the caller owns.
 */
json_t *job_file_tests(const struct job_file *file);

/* True when the test names files beside the job file that a server needs. */
bool job_file_needs_bundle(const json_t *test);

/* Prints the error with each offence as "FILE:LINE: pointer: detail"; the exit status. */
int job_file_fail(const struct cli *cli, const struct job_file *file, const struct err *err);

/* Reads any YAML or JSON file into *ret (only root is set for JSON). */
int job_file_read_any(struct yaml *ret, const char *path, struct err *err) MUST_CHECK;
