/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the dialect's routes: what its objects are made of, and how they are found and saved.
 *
 * A handler that is given a reader runs on the pool; the others run on the loop. Everything
 * that is loaded lives in the call's arena; JSON trees have an owner, named where it is.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "api/api_impl.h"
#include "api/handlers.h"
#include "dialects/octomind/case.h"
#include "dialects/octomind/run.h"

/* --- Requests and answers (service.c) --- */

/* A member that is a text; NULL: it is absent or null, or an issue was added. */
const char *octo_text(
	json_t *object, const char *name, bool is_required, struct octo_issues *issues);
/* Index of the member's word in names; `absent` without it. */
int octo_word_in(json_t *object, const char *name, const char *const *names, int absent,
	struct octo_issues *issues);
/* The body as an object; NULL: answered. */
json_t *octo_body(struct call *call);
/* A parameter of the query, or NULL. */
const char *octo_param(const struct call *call, const char *name);
/* The JSON value of such a parameter, owned by the caller; NULL with or without an issue. */
json_t *octo_json_param(const struct call *call, const char *name, struct octo_issues *issues);

/* Answers with the list of what is wrong: 400. From read handlers: octo_refuse_read, which
 * fills call->out for status 400. */
void octo_refuse(struct call *call, const struct octo_issues *issues);
int octo_refuse_read(struct call *call, const struct octo_issues *issues, struct err *err);
/* Answers with what jw wrote, or with the error of too much. */
void octo_reply(struct call *call, struct jw *jw, unsigned status);

/* "http://host:port" as the client knows the server, in the arena. */
const char *octo_base_url(const struct call *call);

/* --- Test targets: projects (targets.c) --- */

struct octo_target {
	const struct project *project;
	const char *test_id_attribute; /* or NULL */
	int64_t step_timeout_ms;       /* 0: not set */
};

/* The target with that id or name, and call->project. -1: NOT_FOUND. */
int octo_target(struct call *call, const char *id, struct octo_target *ret, struct err *err)
	MUST_CHECK;
/* The same of the path's first part, on the loop. False: answered. */
bool octo_path_target(struct call *call, struct octo_target *ret);

/* --- Environments (environments.c) --- */

struct octo_environment {
	struct def_id id;
	const char *name, *url; /* url may be NULL */
	const char *location;   /* or NULL */
	bool is_default;
	int64_t updated_ms, revision;
	json_t *body; /* with its secrets; owned by the list */
};

struct octo_environments {
	struct octo_environment *item;
	size_t n;
};

int octo_environments_load(struct store_reader *reader, int64_t project, struct arena *arena,
	struct octo_environments *ret, struct err *err) MUST_CHECK;
void octo_environments_deinit(struct octo_environments *list);
/* By name or id; NULL or "": the default one. NULL: there is none. */
const struct octo_environment *octo_environment_find(
	const struct octo_environments *list, const char *name_or_id);
void octo_environment_write(
	struct jw *jw, const struct octo_environment *environment, const struct uuid *target);
/* What a run takes from it and the target; the trees are borrowed. */
void octo_run_init(struct octo_run *run, const struct octo_target *target,
	const struct octo_environment *environment);

/* --- Test cases: saved tests (cases of a project; saved.c) --- */

struct octo_saved {
	struct octo_case c;
	enum octo_status status;
	const char *created_by, *discovery_status; /* the latter or NULL */
	int64_t created_ms, updated_ms;
	bool is_draft;
	struct def_id id; /* of the saved test; zero: not saved yet */
	int64_t seq, revision;
	const char *name;
};

struct octo_saves {
	struct octo_saved *item;
	size_t n;
};

enum octo_which { OCTO_CASES, OCTO_DRAFTS };

int octo_load(struct store_reader *reader, int64_t project, enum octo_which which,
	struct arena *arena, struct octo_saves *ret, struct err *err) MUST_CHECK;
/* One revision. STORE_NONE: there is none. */
int octo_load_version(struct store_reader *reader, int64_t project,
	const struct octo_saves *cases, const struct octo_saves *drafts,
	const struct uuid *version, struct arena *arena, struct octo_saved *ret,
	struct err *err) MUST_CHECK;
struct octo_saved *octo_saved_find(const struct octo_saves *cases, const struct uuid *id);
/* For octo_chain_of(); arg is a struct octo_saves. */
const struct octo_case *octo_saved_lookup(void *arg, const struct uuid *id);

void octo_version_id(int64_t seq, int64_t revision, struct uuid *ret);
/* -1: it is no id of a version. */
int octo_version_parse(const struct uuid *id, int64_t *ret_seq, int64_t *ret_revision)
	MUST_CHECK;

/* The id that clients are told for the name of a folder; returns text. */
const char *octo_folder_id(const char *folder, char text[UUID_TEXT_LEN + 1]);
void octo_saved_write(struct jw *jw, const struct octo_saved *saved, const struct uuid *target);

/* A saved test on its way into the store. */
struct octo_put {
	struct octo_saved saved;
	const char *tags, *body;
	bool failed;
	struct err err; /* with failed */
};

struct octo_puts {
	struct call *call;
	struct octo_put *item;
	size_t n, left;
	void (*then)(struct call *call);
};

/* Makes documents of them: name, tags, body. `cases` has all of the project and what is put, so
 * that dependencies are found. */
int octo_puts_prepare(struct octo_puts *puts, struct store_reader *reader, int64_t project,
	const struct octo_saves *cases, const struct octo_run *run, struct arena *arena,
	struct err *err) MUST_CHECK;
/* Saves them; then(call) is called when all are answered, unless that was an error. */
void octo_puts_submit(
	struct call *call, struct octo_puts *puts, void (*then)(struct call *call));

/* "${{" of texts is no expression of ours: "$${{". The latter in place. */
json_t *octo_escaped(const char *text);
void octo_escape(json_t *tree);

/* --- Handlers --- */

BEGIN_HANDLER(octo_targets_list);
BEGIN_HANDLER(octo_target_create);
READ_HANDLER(octo_target_show);
BEGIN_HANDLER(octo_target_patch);
BEGIN_HANDLER(octo_target_delete);
READ_HANDLER(octo_environments_list);
READ_HANDLER(octo_environment_show);
BEGIN_HANDLER(octo_environment_create);
BEGIN_HANDLER(octo_environment_patch);
BEGIN_HANDLER(octo_environment_delete);
READ_HANDLER(octo_cases_list);
READ_HANDLER(octo_case_show);
BEGIN_HANDLER(octo_case_patch);
BEGIN_HANDLER(octo_case_delete);
BEGIN_HANDLER(octo_element_patch);
READ_HANDLER(octo_case_code);
READ_HANDLER(octo_config);
BEGIN_HANDLER(octo_code_zip);
BEGIN_HANDLER(octo_push);
BEGIN_HANDLER(octo_draft_push);
READ_HANDLER(octo_pull);
READ_HANDLER(octo_version_show);
BEGIN_HANDLER(octo_execute);
READ_HANDLER(octo_reports_list);
READ_HANDLER(octo_report_show);
READ_HANDLER(octo_report_page);
READ_HANDLER(octo_notifications);
READ_HANDLER(octo_locations);
BEGIN_HANDLER(octo_location_register);
BEGIN_HANDLER(octo_discovery);
BEGIN_HANDLER(octo_no_agent);
READ_HANDLER(octo_test_plan);
