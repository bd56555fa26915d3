/* SPDX-License-Identifier: Apache-2.0 */
/* Tests and templates: the same handlers over two kinds of definition. */
#include <string.h>

#include "api/handlers.h"
#include "api/resource.h"
#include "base/limits.h"
#include "core/environment.h"
#include "core/flow_json.h"
#include "core/job_json.h"
#include "store/source.h"

struct edit {
	enum def_kind kind;
	struct definition *old; /* NULL: there is none yet */
	bool by_name;
	struct definition_head head;
	unsigned ok; /* status of success */
};

static int
not_found(enum def_kind kind, const char *name, struct err *err)
{
	return err_set(
		err, ERR_NOT_FOUND, "there is no %s \"%.100s\"", def_kind_name(kind), name);
}

/* --- Reading --- */

/* One page of them into the answer; in selected tests only the chosen ones. */
struct listing {
	struct call *call;
	struct store_reader *reader;
	struct def_filter filter;
	const struct selector *selector; /* NULL: all */
	struct jw jw;
	struct arena page; /* most of them may not be chosen */
	size_t shown, limit;
	char after[NAME_BYTES_MAX + 1]; /* the last one that was shown or left out */
	bool has_next;
};

static int
list_page(struct listing *it, bool *ret_more, struct err *err)
{
	struct store_source state = {
		.reader = it->reader, .project = it->filter.project, .arena = &it->page
	};
	struct selector_counts counts = { 0 };
	struct definition *defs;
	size_t n;

	arena_reset(&it->page);
	if (read_definitions(it->reader, &it->filter, &it->page, &defs, &n, err) < 0)
		return -1;
	*ret_more = n == it->filter.limit;
	for (size_t i = 0; i < n; i++) {
		int r = it->selector
			? source_judge(&state, it->selector, &defs[i], &counts, err)
			: 0;

		if (r < 0)
			return -1;
		if (r == SELECTOR_LEFT_OUT)
			continue;
		if (it->shown == it->limit) {
			it->has_next = true;
			*ret_more = false;
			return 0;
		}
		definition_write(&it->jw, &defs[i], NULL);
		it->shown++;
		(void)snprintf(it->after, sizeof it->after, "%s", defs[i].name);
	}
	if (n > 0)
		(void)snprintf(it->after, sizeof it->after, "%s", defs[n - 1].name);
	it->filter.after_name = it->after;
	return 0;
}

static json_t *
texts_json(const struct strs *texts)
{
	json_t *all = texts->n > 0 ? json_array() : NULL;

	for (size_t i = 0; i < texts->n; i++)
		(void)json_array_append_new(all, json_string(texts->item[i]));
	return all;
}

/* What of the query a job's selector has too. */
static int
read_selection(struct call *call, const struct defs_query *query, struct selector *ret)
{
	struct selector_request request = {
		.tags = query->tags ? json_string(query->tags) : NULL,
		.name = texts_json(&query->name),
		.last = texts_json(&query->last),
		.exclude = query->exclude ? json_pack("{s:s}", "tags", query->exclude) : NULL,
	};
	int r = selector_read(&request, false, "?", call->arena, &call->issues, ret);

	json_decref(request.tags);
	json_decref(request.name);
	json_decref(request.last);
	json_decref(request.exclude);
	return r;
}

static int
list(struct call *call, struct store_reader *reader, enum def_kind kind, struct err *err)
{
	const struct defs_query *query = call->query;
	struct selector selector;
	bool more = true;
	int r = 0;
	struct listing it = {
		.call = call,
		.reader = reader,
		.jw = call_jw(call),
		.limit = (size_t)query->limit,
		.filter = {
			.project = call->project,
			.kind = kind,
			.name_contains = query->search,
			.tags = query->tag.item,
			.n_tags = query->tag.n,
			.after_name = query->cursor,
			.limit = (size_t)query->limit + 1,
		},
	};

	if (query->tags || query->exclude || query->name.n > 0 || query->last.n > 0) {
		if (read_selection(call, query, &selector) < 0)
			return -1;
		it.selector = &selector;
	}
	arena_init(&it.page, ARENA_REQUEST_BYTES_MAX);
	jw_obj(&it.jw);
	jw_karr(&it.jw, "items");
	while (more && r == 0)
		r = list_page(&it, &more, err);
	arena_deinit(&it.page);
	if (r < 0)
		return -1;
	jw_end_arr(&it.jw);
	if (it.has_next)
		jw_kstr(&it.jw, "nextCursor", it.after);
	jw_end_obj(&it.jw);
	return call_written(call, &it.jw, err);
}

static int
show(struct call *call, struct store_reader *reader, enum def_kind kind, struct err *err)
{
	const struct revision_query *query = call->query;
	struct definition *def;
	struct jw jw = call_jw(call);
	int r = source_definition(reader, call->project, kind, call->arg[0], query->revision,
		call->arena, &def, err);

	if (r == STORE_NONE)
		return not_found(kind, call->arg[0], err);
	if (r < 0)
		return -1;
	call_etag(call, def->revision);
	if (call_not_modified(call, def->revision))
		return 0;
	definition_write(&jw, def, NULL);
	return call_written(call, &jw, err);
}

static int
revisions(struct call *call, struct store_reader *reader, enum def_kind kind, struct err *err)
{
	struct definition *def, *all;
	size_t n;
	struct jw jw = call_jw(call);
	int r = source_definition(
		reader, call->project, kind, call->arg[0], 0, call->arena, &def, err);

	if (r == STORE_NONE)
		return not_found(kind, call->arg[0], err);
	if (r < 0 ||
		read_definition_revisions(reader, def->seq, call->arena, &all, &n, err) < 0)
		return -1;
	jw_obj(&jw);
	jw_karr(&jw, "items");
	for (size_t i = 0; i < n; i++)
		definition_write(&jw, &all[i], NULL);
	jw_end_arr(&jw);
	jw_end_obj(&jw);
	return call_written(call, &jw, err);
}

/* --- Writing --- */

static int
read_replayed(struct call *call, struct store_reader *reader, struct err *err)
{
	struct edit *edit = call->state;
	struct def_key key = { .project = call->project, .kind = edit->kind };
	struct definition *def;
	struct jw jw = call_jw(call);
	int r;

	if (call->intent->out.n_jobs > 0)
		key.id.u = call->intent->out.jobs[0].id.u;
	r = read_definition(reader, &key, 0, call->arena, &def, err);
	if (r == STORE_NONE)
		return err_set(err, ERR_NOT_FOUND, "it was deleted since");
	if (r < 0)
		return -1;
	call_etag(call, def->revision);
	definition_write(&jw, def, call->api->durable);
	return call_written(call, &jw, err);
}

static void
on_saved(struct call *call)
{
	struct edit *edit = call->state;
	const struct intent *intent = call->intent;
	struct jw jw;

	if (intent->status == INTENT_IS_ERROR) {
		call_intent_error(call);
		return;
	}
	call->status = edit->ok;
	if (intent->replayed) {
		http_header_add(call->req, "Idempotency-Replayed", "true");
		call->api->counters.idem_replays++;
		call_read(call, read_replayed, NULL);
		return;
	}
	jw = call_jw(call);
	call_etag(call, intent->out.def->revision);
	definition_write(&jw, intent->out.def, call->api->durable);
	if (call_written(call, &jw, &call->err) < 0)
		call_error(call, &call->err);
	else
		call_reply(call, edit->ok);
}

/* What answers have and requests may send back unchanged. */
static void
drop_answer_members(json_t *json)
{
	static const char *const names[] = { "id", "project", "revision", "createdAt",
		"updatedAt", "durable" };

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		(void)json_object_del(json, names[i]); /* absent is fine */
}

/* Masks stand for the secrets that are there. */
static int
read_environment(struct call *call, struct edit *edit)
{
	const char *text = edit->old ? edit->old->body : "{}";
	struct err ignored;
	_cleanup_(json_unrefp) json_t *old =
		json_read(text, strlen(text), JSON_DEPTH_MAX, &ignored);

	if (environment_read(call->json, call->arena, &call->issues, &edit->head) < 0)
		return -1;
	return environment_unmask(call->json, old, &call->issues);
}

/* What the document says, checked by the rules of its kind. -1: issues. */
static int
read_document(struct call *call, struct edit *edit)
{
	struct arena *arena = call->arena;
	struct issues *issues = &call->issues;

	switch (edit->kind) {
	case DEF_TEST:
		return test_definition_read(call->json, arena, issues, &edit->head);
	case DEF_ENVIRONMENT:
		return read_environment(call, edit);
	case DEF_FLOW:
		return flow_definition_read(call->json, arena, issues, &edit->head);
	case DEF_TEMPLATE:
	case DEF_KIND_COUNT:
		break;
	}
	return template_definition_read(call->json, arena, issues, &edit->head);
}

/* Checks the body and makes the intent. NULL: answered. */
static struct intent *
prepare(struct call *call, struct edit *edit)
{
	_cleanup_(buf_deinit) struct buf body = BUF_INIT(DEFINITION_BYTES_MAX);
	struct jw jw;
	int r;

	if (json_is_object(call->json) && call->req->method == HTTP_PUT)
		drop_answer_members(call->json);
	r = read_document(call, edit);
	jw_init(&jw, &body);
	jw_tree(&jw, call->json);
	if (r == 0 && jw_done(&jw) < 0)
		issues_add(&call->issues, "", ISSUE_LIMIT, "the definition is too large");
	if (call->issues.n > 0) {
		call_issues(call);
		return NULL;
	}
	struct intent *intent = call_intent(call, INTENT_DEF_PUT);

	if (!intent)
		return NULL;
	intent->in.def_put.key.kind = edit->kind;
	intent->in.def_put.name = arena_strdup(&intent->arena, edit->head.name);
	intent->in.def_put.tags = arena_strdup(&intent->arena, edit->head.tags);
	intent->in.def_put.body = arena_strndup(&intent->arena, body.data, body.len);
	return intent;
}

static struct edit *
edit_new(struct call *call, enum def_kind kind, unsigned ok)
{
	struct edit *edit = arena_xalloc(call->arena, sizeof *edit);

	edit->kind = kind;
	edit->ok = ok;
	call->state = edit;
	return edit;
}

static void
create(struct call *call, enum def_kind kind)
{
	call->intent = prepare(call, edit_new(call, kind, 201));
	if (!call->intent)
		return;
	call->intent->in.def_put.if_revision = -1;
	call_submit(call, call->intent, on_saved);
}

static int
read_old(struct call *call, struct store_reader *reader, struct err *err)
{
	struct edit *edit = call->state;
	struct uuid id;
	int r = source_definition(reader, call->project, edit->kind, call->arg[0], 0,
		call->arena, &edit->old, err);

	edit->by_name = uuid_parse(str_of(call->arg[0]), &id) < 0;
	if (r == STORE_NONE)
		edit->old = NULL;
	if (r == STORE_NONE && (!edit->by_name || call->req->method == HTTP_DELETE))
		return not_found(edit->kind, call->arg[0], err);
	return r < 0 ? -1 : 0;
}

/* True when If-Match is well formed. */
static bool
check_if_match(struct call *call, int64_t *ret)
{
	*ret = call_if_match(call);
	if (*ret >= 0)
		return true;
	call_problem(call, PROBLEM_REVISION_MISMATCH, "If-Match is no ETag of this server");
	return false;
}

static void
on_old(struct call *call)
{
	struct edit *edit = call->state;
	int64_t if_match;

	if (call->read_result < 0) {
		call_read_error(call);
		return;
	}
	if (!check_if_match(call, &if_match))
		return;
	if (!edit->old && if_match > 0) {
		call_problem(call, PROBLEM_REVISION_MISMATCH, "there is no such %s yet",
			def_kind_name(edit->kind));
		return;
	}
	if (json_is_object(call->json) && edit->by_name && !json_object_get(call->json, "name"))
		(void)json_object_set_new(call->json, "name", json_string(call->arg[0]));
	if (!edit->old)
		call_check_new_name(call);
	call->intent = prepare(call, edit);
	if (!call->intent)
		return;
	if (edit->old)
		call->intent->in.def_put.key.id = edit->old->id;
	else
		edit->ok = 201;
	call->intent->in.def_put.if_revision = edit->old ? if_match : -1;
	call_submit(call, call->intent, on_saved);
}

static void
put(struct call *call, enum def_kind kind)
{
	(void)edit_new(call, kind, 200);
	call_read(call, read_old, on_old);
}

static void
on_removed(struct call *call)
{
	if (call->intent->status == INTENT_IS_ERROR)
		call_intent_error(call);
	else
		call_reply_empty(call, 204);
}

static void
on_old_to_remove(struct call *call)
{
	struct edit *edit = call->state;
	int64_t if_match;

	if (call->read_result < 0) {
		call_read_error(call);
		return;
	}
	if (!check_if_match(call, &if_match))
		return;
	call->intent = call_intent(call, INTENT_DEF_DELETE);
	if (!call->intent)
		return;
	call->intent->in.def_delete = (struct def_delete) {
		.kind = edit->kind,
		.id = edit->old->id,
		.if_revision = if_match,
	};
	call_submit(call, call->intent, on_removed);
}

static void
remove_definition(struct call *call, enum def_kind kind)
{
	(void)edit_new(call, kind, 204);
	call_read(call, read_old, on_old_to_remove);
}

/* --- The table's names --- */

int
tests_list(struct call *call, struct store_reader *reader, struct err *err)
{
	return list(call, reader, DEF_TEST, err);
}

int
test_show(struct call *call, struct store_reader *reader, struct err *err)
{
	return show(call, reader, DEF_TEST, err);
}

int
test_revisions(struct call *call, struct store_reader *reader, struct err *err)
{
	return revisions(call, reader, DEF_TEST, err);
}

void
test_create(struct call *call)
{
	create(call, DEF_TEST);
}

void
test_put(struct call *call)
{
	put(call, DEF_TEST);
}

void
test_delete(struct call *call)
{
	remove_definition(call, DEF_TEST);
}

int
templates_list(struct call *call, struct store_reader *reader, struct err *err)
{
	return list(call, reader, DEF_TEMPLATE, err);
}

int
template_show(struct call *call, struct store_reader *reader, struct err *err)
{
	return show(call, reader, DEF_TEMPLATE, err);
}

int
template_revisions(struct call *call, struct store_reader *reader, struct err *err)
{
	return revisions(call, reader, DEF_TEMPLATE, err);
}

void
template_create(struct call *call)
{
	create(call, DEF_TEMPLATE);
}

void
template_put(struct call *call)
{
	put(call, DEF_TEMPLATE);
}

void
template_delete(struct call *call)
{
	remove_definition(call, DEF_TEMPLATE);
}

int
environments_list(struct call *call, struct store_reader *reader, struct err *err)
{
	return list(call, reader, DEF_ENVIRONMENT, err);
}

int
environment_show(struct call *call, struct store_reader *reader, struct err *err)
{
	return show(call, reader, DEF_ENVIRONMENT, err);
}

int
environment_revisions(struct call *call, struct store_reader *reader, struct err *err)
{
	return revisions(call, reader, DEF_ENVIRONMENT, err);
}

void
environment_create(struct call *call)
{
	create(call, DEF_ENVIRONMENT);
}

void
environment_put(struct call *call)
{
	put(call, DEF_ENVIRONMENT);
}

void
environment_delete(struct call *call)
{
	remove_definition(call, DEF_ENVIRONMENT);
}

int
flow_defs_list(struct call *call, struct store_reader *reader, struct err *err)
{
	return list(call, reader, DEF_FLOW, err);
}

int
flow_def_show(struct call *call, struct store_reader *reader, struct err *err)
{
	return show(call, reader, DEF_FLOW, err);
}

int
flow_def_revisions(struct call *call, struct store_reader *reader, struct err *err)
{
	return revisions(call, reader, DEF_FLOW, err);
}

void
flow_def_create(struct call *call)
{
	create(call, DEF_FLOW);
}

void
flow_def_put(struct call *call)
{
	put(call, DEF_FLOW);
}

void
flow_def_delete(struct call *call)
{
	remove_definition(call, DEF_FLOW);
}
