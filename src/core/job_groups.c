/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of a job that make groups of it and judge their results: browsers, quarantine,
 * stopOnFirstFailure. docs/protocol/browser-jobs.md, 1.
 */
#include <inttypes.h>
#include <string.h>

#include "base/limits.h"
#include "browser_format/browsers.h"
#include "browser_format/config.h"
#include "core/job_json_impl.h"

enum {
	TARGET_BYTES_MAX = 100, /* name of a browser or device */
	/* The names of a job, each with the number that tells equal ones apart and a comma. */
	TARGETS_BYTES_MAX = TARGETS_PER_JOB_MAX * (TARGET_BYTES_MAX + 8),
};

struct browser_request {
	const char *browser, *name;
	json_t *config;
};

struct quarantine_request {
	int64_t attempt_limit, success_threshold;
};

/* clang-format off */
#define BROWSER(member) .offset = offsetof(struct browser_request, member)
const struct json_field job_browser_fields[] = {
	{ .name = "browser", .kind = FIELD_STR, BROWSER(browser), .min = 1, .max = TARGET_BYTES_MAX, .required = true },
	{ .name = "name", .kind = FIELD_STR, BROWSER(name), .min = 1, .max = TARGET_BYTES_MAX },
	{ .name = "config", .kind = FIELD_OBJ, BROWSER(config), .min = 0, .max = 1000 },
	{ 0 },
};

#define QUARANTINE(member) .offset = offsetof(struct quarantine_request, member)
const struct json_field job_quarantine_fields[] = {
	{ .name = "attemptLimit", .kind = FIELD_INT, QUARANTINE(attempt_limit), .min = 2, .max = QUARANTINE_ATTEMPTS_MAX },
	{ .name = "successThreshold", .kind = FIELD_INT, QUARANTINE(success_threshold), .min = 1, .max = QUARANTINE_ATTEMPTS_MAX - 1 },
	{ 0 },
};
/* clang-format on */

static const char *
member_pointer(const struct reading *reading, const char *name)
{
	return json_pointer_member(reading->arena, reading->pointer, name);
}

/* --- Browsers --- */

/* What stands between commas of job->targets and in one line of a report. */
static bool
name_is_plain(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > TARGET_BYTES_MAX || name[0] == ' ' || name[len - 1] == ' ')
		return false;
	for (const char *c = name; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f || *c == ',')
			return false;
	return true;
}

static bool
is_among(char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

/* The name, or NAME#2, NAME#3 … when earlier groups have it. NULL: no memory left. */
static char *
unlike_others(struct arena *arena, char *const *names, size_t n, const char *name)
{
	char *own = arena_strdup(arena, name);

	for (int number = 2; own && is_among(names, n, own); number++)
		own = arena_printf(arena, "%s#%d", name, number);
	return own;
}

/* The name of one entry; NULL with an issue. */
static const char *
read_browser(struct reading *reading, json_t *item, const char *at)
{
	struct browser_request request = { 0 };
	const char *name;

	if (json_is_string(item)) {
		name = json_string_value(item);
	} else if (json_is_object(item)) {
		if (json_decode(item, job_browser_fields, &request, at, reading->issues) < 0)
			return NULL;
		name = request.name ? request.name : request.browser;
		at = json_pointer_member(reading->arena, at, request.name ? "name" : "browser");
	} else {
		issues_add(reading->issues, at, ISSUE_INVALID,
			"the name of a browser or { browser, name, config } is expected");
		return NULL;
	}
	if (name_is_plain(name))
		return name;
	issues_add(reading->issues, at, ISSUE_INVALID,
		"1 to %d bytes without commas, control characters and spaces at the ends are "
		"expected",
		TARGET_BYTES_MAX);
	return NULL;
}

static const char *
join_names(struct arena *arena, char *const *names, size_t n)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(TARGETS_BYTES_MAX);

	for (size_t i = 0; i < n; i++)
		if (buf_addf(&text, "%s%s", i > 0 ? "," : "", names[i]) < 0)
			return NULL; /* not reached: sized for the limits of each */
	return arena_strndup(arena, text.data, text.len);
}

void
job_read_browsers(struct reading *reading, json_t *browsers, struct job_spec *spec)
{
	const char *base = member_pointer(reading, "browsers");
	char *names[TARGETS_PER_JOB_MAX];
	size_t index, n = 0;
	json_t *item;

	spec->n_targets = 1;
	json_array_foreach(browsers, index, item)
	{
		const char *at = json_pointer_index(reading->arena, base, index);
		const char *name = read_browser(reading, item, at);

		if (!name || n == TARGETS_PER_JOB_MAX)
			continue; /* there is an issue, of the table for the number */
		names[n] = unlike_others(reading->arena, names, n, name);
		if (names[n])
			n++;
		else
			issues_add(reading->issues, at, ISSUE_LIMIT, "the job is too large");
	}
	if (n == 0)
		return;
	spec->n_targets = n;
	spec->targets = join_names(reading->arena, names, n);
}

/* --- What tests of kind browser ask of a job --- */

static bool
has_browser(json_t *job, const struct job_spec *spec)
{
	for (size_t i = 0; i < spec->n_tests + spec->n_hooks; i++)
		if (strcmp(spec->tests[i].kind, "browser") == 0)
			return true;
	return job_tree_has_browser(job);
}

static void
check_layer(struct reading *reading, json_t *config, const char *pointer)
{
	/* Offences end in issues; the tables have said so when it is no object. */
	if (json_is_object(config))
		(void)(config_check(config,
			       json_pointer_member(reading->arena, pointer, "config"),
			       reading->issues) < 0);
}

static void
check_group(struct reading *reading, json_t *group, const char *at)
{
	json_t *browser = json_is_object(group) ? json_object_get(group, "browser") : group;
	const char *name = json_string_value(browser);
	enum browser_build build;

	if (name && browser_build_find(name, &build) != 0)
		issues_add(reading->issues,
			group == browser ? at
					 : json_pointer_member(reading->arena, at, "browser"),
			ISSUE_INVALID,
			"tests of kind browser run in " BROWSERS_KNOWN
			", not in \"%.40s\"; a TestCafe suite or Playwright project can use "
			"any browser that the worker's machine has",
			name);
	check_layer(reading, json_object_get(group, "config"), at);
}

void
job_check_browsers(struct reading *reading, json_t *job, const struct job_spec *spec)
{
	const char *base = member_pointer(reading, "browsers");
	size_t index;
	json_t *group;

	if (!has_browser(job, spec))
		return;
	check_layer(reading, json_object_get(job, "config"), reading->pointer);
	json_array_foreach(json_object_get(job, "browsers"), index, group)
	{
		check_group(reading, group, json_pointer_index(reading->arena, base, index));
	}
}

/* --- Quarantine --- */

/* The member that was given last is the one that does not fit the other. */
static void
check_ratio(struct reading *reading, json_t *quarantine,
	const struct quarantine_request *request, const char *at)
{
	bool gives_successes = json_object_get(quarantine, "successThreshold") != NULL;

	if (request->success_threshold < request->attempt_limit)
		return;
	if (gives_successes)
		issues_add_member(reading->issues, at, "successThreshold", ISSUE_INVALID,
			"must be less than attemptLimit, which is %" PRId64 "%s",
			request->attempt_limit,
			json_object_get(quarantine, "attemptLimit") ? "" : " by default");
	else
		issues_add_member(reading->issues, at, "attemptLimit", ISSUE_INVALID,
			"must be more than successThreshold, which is %" PRId64 " by default",
			request->success_threshold);
}

void
job_read_quarantine(struct reading *reading, json_t *quarantine, struct job_spec *spec)
{
	const char *at = member_pointer(reading, "quarantine");
	struct quarantine_request request = {
		.attempt_limit = QUARANTINE_ATTEMPTS_DEFAULT,
		.success_threshold = QUARANTINE_SUCCESSES_DEFAULT,
	};

	if (!quarantine || json_is_false(quarantine))
		return;
	if (json_is_object(quarantine)) {
		if (json_decode(quarantine, job_quarantine_fields, &request, at,
			    reading->issues) < 0)
			return;
		check_ratio(reading, quarantine, &request, at);
	} else if (!json_is_true(quarantine)) {
		issues_add(reading->issues, at, ISSUE_INVALID,
			"true, false or { attemptLimit, successThreshold } is expected");
		return;
	}
	if (spec->retry.max > 0)
		issues_add(reading->issues, at, ISSUE_INVALID,
			"a job has either quarantine or retries");
	spec->quarantine = (struct quarantine_policy) {
		.attempt_limit = (int32_t)request.attempt_limit,
		.success_threshold = (int32_t)request.success_threshold,
	};
}

void
job_read_stop(struct reading *reading, json_t *stop, struct job_spec *spec)
{
	const char *word = json_string_value(stop);

	if (stop && !json_is_boolean(stop) && !(word && strcmp(word, "cancel") == 0)) {
		issues_add_member(reading->issues, reading->pointer, "stopOnFirstFailure",
			ISSUE_INVALID, "true, false or \"cancel\" is expected");
		return;
	}
	spec->cancel_on_first_failure = word != NULL;
	spec->stop_on_first_failure = word || json_is_true(stop);
}
