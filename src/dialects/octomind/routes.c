/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the dialect's routes, its prefixes, and the form of its errors. */
#include <string.h>

#include "dialects/octomind/octomind.h"
#include "dialects/octomind/service.h"

#define T "/test-targets/{target}"
#define JSON_BODY .body = BODY_JSON, .body_max = BODY_BYTES_MAX
#define BIG_BODY .body = BODY_JSON, .body_max = BULK_BODY_BYTES_MAX

/* clang-format off */
static const struct route table[] = {
	{ HTTP_GET, T "/test-reports/{id}", .scope = SCOPE_READ, .read = octo_report_show },
	{ HTTP_GET, T "/test-reports", .scope = SCOPE_READ, .read = octo_reports_list },
	{ HTTP_GET, "/testtargets/{target}/testreports/{id}", .scope = SCOPE_READ, .read = octo_report_page },
	{ HTTP_POST, "/execute", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_execute },
	{ HTTP_POST, T "/execute", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_execute },

	{ HTTP_GET, "/test-targets", .scope = SCOPE_READ, .begin = octo_targets_list },
	{ HTTP_POST, "/test-targets", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_target_create },
	{ HTTP_GET, T, .scope = SCOPE_READ, .read = octo_target_show },
	{ HTTP_PATCH, T, .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_target_patch },
	{ HTTP_DELETE, T, .scope = SCOPE_WRITE, .begin = octo_target_delete },

	{ HTTP_GET, T "/environments", .scope = SCOPE_READ, .read = octo_environments_list },
	{ HTTP_POST, T "/environments", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_environment_create },
	{ HTTP_GET, T "/environments/{id}", .scope = SCOPE_READ, .read = octo_environment_show },
	{ HTTP_PATCH, T "/environments/{id}", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_environment_patch },
	{ HTTP_DELETE, T "/environments/{id}", .scope = SCOPE_WRITE, .begin = octo_environment_delete },

	{ HTTP_GET, T "/test-cases", .scope = SCOPE_READ, .read = octo_cases_list },
	{ HTTP_GET, T "/test-cases/{id}", .scope = SCOPE_READ, .read = octo_case_show },
	{ HTTP_PATCH, T "/test-cases/{id}", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_case_patch },
	{ HTTP_DELETE, T "/test-cases/{id}", .scope = SCOPE_WRITE, .begin = octo_case_delete },
	{ HTTP_PATCH, T "/test-cases/{id}/elements/{element}", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_element_patch },
	{ HTTP_GET, T "/test-cases/{id}/code", .scope = SCOPE_READ, .read = octo_case_code },
	{ HTTP_GET, T "/test-cases/{id}/versions/{version}", .scope = SCOPE_READ, .read = octo_version_show },
	{ HTTP_GET, T "/config", .scope = SCOPE_READ, .read = octo_config },

	{ HTTP_POST, T "/push", .scope = SCOPE_WRITE, BIG_BODY, .begin = octo_push },
	{ HTTP_POST, T "/draft/push", .scope = SCOPE_WRITE, BIG_BODY, .begin = octo_draft_push },
	{ HTTP_GET, T "/pull", .scope = SCOPE_READ, .read = octo_pull },
	{ HTTP_POST, T "/code", .scope = SCOPE_READ, BIG_BODY, .begin = octo_code_zip },

	{ HTTP_GET, T "/notifications", .scope = SCOPE_READ, .read = octo_notifications },
	{ HTTP_GET, "/private-location", .scope = SCOPE_READ, .read = octo_locations },
	{ HTTP_PUT, "/private-location/register", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_location_register },
	{ HTTP_PUT, "/private-location/unregister", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_location_register },

	{ HTTP_POST, T "/discoveries", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_discovery },
	{ HTTP_POST, T "/batch-generations", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_no_agent },
	{ HTTP_POST, T "/batch-generations/from-test-plan", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_no_agent },
	{ HTTP_POST, "/test-plan/explore", .scope = SCOPE_WRITE, JSON_BODY, .begin = octo_no_agent },
	{ HTTP_GET, T "/test-plans/{id}", .scope = SCOPE_READ, .read = octo_test_plan },
	{ .path = NULL },
};
/* clang-format on */

/* --- Paths --- */

static bool
is_version(struct str word)
{
	static const char *const words[] = { "v1", "v2", "v3", "beta" };

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eqz(word, words[i]))
			return true;
	return false;
}

static struct str
behind(struct str path, struct str prefix)
{
	if (!str_starts(path, prefix))
		return (struct str) { 0 };
	return str_from(path.p + prefix.n, path.n - prefix.n);
}

static struct str
claim(struct str path)
{
	static const struct str prefixes[] = { STR_INIT("/apiKey/"), STR_INIT("/bearer/") };
	struct str inner = behind(path, STR("/api"));

	if (inner.n > 0 && inner.p[0] == '/')
		path = inner;
	if (str_eq(path, STR("/v2/execute")))
		return behind(path, STR("/v2"));
	if (str_starts(path, STR("/testtargets/")))
		return path; /* of pages, for people */
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		struct str rest = behind(path, prefixes[i]), version = rest;

		if (!rest.p)
			continue;
		version = str_split_first(&rest, '/');
		if (is_version(version)) /* with the slash before the rest */
			return rest.p ? str_from(rest.p - 1, rest.n + 1) : STR("/");
	}
	return (struct str) { 0 };
}

/* --- Errors --- */

static void
problem(struct call *call, enum problem_code code, const char *detail,
	const struct issues *issues, unsigned *status)
{
	struct jw jw;

	/* Its command line helps only those who are told 403. */
	if (code == PROBLEM_UNAUTHORIZED)
		*status = 403;
	if (issues && issues->n > 0 && issues->item[0].detail)
		detail = issues->item[0].detail;
	jw = call_jw(call);
	jw_obj(&jw);
	jw_kstr(&jw, "error", problem_name(code));
	jw_kstr(&jw, "message", detail ? detail : "");
	jw_end_obj(&jw);
	/* Texts of errors are short; a document cut short is still an error. */
	(void)(jw_done(&jw) < 0);
}

const struct dialect octomind_dialect = {
	.name = "octomind",
	.claim = claim,
	.routes = table,
	.problem = problem,
};
