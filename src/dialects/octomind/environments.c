/* SPDX-License-Identifier: Apache-2.0 */
/* Environments, under the names that the dialect has for their members. */
#include <string.h>

#include "core/environment.h"
#include "dialects/octomind/service.h"

enum {
	PAGE_ENVIRONMENTS = 100,
};

/* --- Loading --- */

static int
add(struct octo_environments *list, const struct definition *def, struct arena *arena,
	struct err *err)
{
	json_t *body = json_read(def->body, strlen(def->body), JSON_DEPTH_MAX, err);

	if (!body)
		return err_wrap(err, "environment \"%s\"", def->name);
	const char *url = json_string_value(json_object_get(body, "url"));
	const char *location = json_string_value(json_object_get(body, "privateLocation"));

	const char *name = arena_strdup(arena, def->name);

	if (!name) {
		json_decref(body);
		return err_set(err, ERR_LIMIT, "there are too many environments");
	}
	list->item[list->n++] = (struct octo_environment) {
		.id = def->id,
		.name = name,
		.url = url ? arena_strdup(arena, url) : NULL,
		.location = location ? arena_strdup(arena, location) : NULL,
		.updated_ms = def->updated_ms,
		.revision = def->revision,
		.body = body,
	};
	return 0;
}

/* One is the default: the first that says so, else the one of that name, else the first. */
static void
choose_default(struct octo_environments *list)
{
	size_t at = SIZE_MAX;

	for (size_t i = 0; i < list->n && at == SIZE_MAX; i++)
		if (json_is_true(json_object_get(list->item[i].body, "isDefault")))
			at = i;
	for (size_t i = 0; i < list->n && at == SIZE_MAX; i++)
		if (strcmp(list->item[i].name, "default") == 0)
			at = i;
	if (list->n > 0)
		list->item[at == SIZE_MAX ? 0 : at].is_default = true;
}

int
octo_environments_load(struct store_reader *reader, int64_t project, struct arena *arena,
	struct octo_environments *ret, struct err *err)
{
	struct def_filter filter = {
		.project = project, .kind = DEF_ENVIRONMENT, .limit = PAGE_ENVIRONMENTS
	};
	struct octo_environments list = { 0 };
	struct definition *defs;
	size_t n;

	do {
		if (read_definitions(reader, &filter, arena, &defs, &n, err) < 0)
			goto failed;
		struct octo_environment *more =
			arena_calloc(arena, list.n + n + 1, sizeof *more);

		if (!more) {
			(void)err_set(err, ERR_LIMIT, "there are too many environments");
			goto failed;
		}
		if (list.n > 0)
			memcpy(more, list.item, list.n * sizeof *more);
		list.item = more;
		for (size_t i = 0; i < n; i++)
			if (add(&list, &defs[i], arena, err) < 0)
				goto failed;
		filter.after_name = n > 0 ? defs[n - 1].name : NULL;
	} while (n == PAGE_ENVIRONMENTS);
	choose_default(&list);
	*ret = list;
	return 0;
failed:
	octo_environments_deinit(&list);
	return -1;
}

void
octo_environments_deinit(struct octo_environments *list)
{
	for (size_t i = 0; i < list->n; i++)
		json_decref(list->item[i].body);
	list->n = 0;
}

const struct octo_environment *
octo_environment_find(const struct octo_environments *list, const char *name_or_id)
{
	struct uuid id;
	bool is_id = name_or_id && uuid_parse(str_of(name_or_id), &id) == 0;

	for (size_t i = 0; i < list->n; i++) {
		const struct octo_environment *item = &list->item[i];

		if (!name_or_id || !*name_or_id ? item->is_default
				: is_id         ? uuid_eq(&item->id.u, &id)
						: strcmp(item->name, name_or_id) == 0)
			return item;
	}
	/* "default" is what clients say when they are not told a name. */
	if (name_or_id && strcmp(name_or_id, "default") == 0)
		return octo_environment_find(list, NULL);
	return NULL;
}

static struct octo_account
account_of(const json_t *body, const char *name)
{
	const json_t *account = json_object_get(body, name);

	return (struct octo_account) {
		.username = json_string_value(json_object_get(account, "username")),
		.password = json_string_value(json_object_get(account, "password")),
	};
}

void
octo_run_init(struct octo_run *run, const struct octo_target *target,
	const struct octo_environment *environment)
{
	const json_t *body = environment ? environment->body : NULL;

	*run = (struct octo_run) {
		.url = environment && environment->url ? environment->url : "http://localhost/",
		.headers = json_object_get(body, "headers"),
		.basic_auth = account_of(body, "basicAuth"),
		.test_account = account_of(body, "account"),
		.otp_key = json_string_value(
			json_object_get(json_object_get(body, "account"), "otpKey")),
		.browser = OCTO_CHROMIUM,
		.breakpoint = OCTO_DESKTOP,
		.step_timeout_ms = target->step_timeout_ms,
		.test_id_attribute = target->test_id_attribute,
	};
}

/* --- Writing JSON --- */

static void
write_account(struct jw *jw, const char *key, const json_t *account, const char *otp)
{
	const char *name = json_string_value(json_object_get(account, "username"));

	if (!account)
		return;
	jw_kobj(jw, key);
	jw_kstr(jw, "username", name ? name : "");
	jw_kstr(jw, "password", ENVIRONMENT_MASK);
	if (otp && json_object_get(account, "otpKey"))
		jw_kstr(jw, otp, ENVIRONMENT_MASK);
	jw_end_obj(jw);
}

void
octo_environment_write(
	struct jw *jw, const struct octo_environment *environment, const struct uuid *target)
{
	json_t *headers = json_object_get(environment->body, "headers"), *value;
	const char *key;

	jw_obj(jw);
	jw_kuuid(jw, "id", &environment->id.u);
	jw_kstr(jw, "name", environment->name);
	jw_kuuid(jw, "testTargetId", target);
	jw_kstr(jw, "type", environment->is_default ? "DEFAULT" : "ADDITIONAL");
	jw_kstr(jw, "discoveryUrl", environment->url ? environment->url : "");
	jw_ktime(jw, "updatedAt", environment->updated_ms);
	if (json_object_size(headers) > 0) {
		jw_kobj(jw, "additionalHeaderFields");
		json_object_foreach(headers, key, value)
		{
			jw_kstr(jw, key, ENVIRONMENT_MASK);
		}
		jw_end_obj(jw);
	}
	write_account(jw, "testAccount", json_object_get(environment->body, "account"),
		"otpInitializerKey");
	write_account(jw, "basicAuth", json_object_get(environment->body, "basicAuth"), NULL);
	if (environment->location) {
		jw_kobj(jw, "privateLocation");
		jw_kuuid(jw, "id", &environment->id.u);
		jw_kstr(jw, "name", environment->location);
		jw_kstr(jw, "type", "SELF_HOSTED");
		jw_end_obj(jw);
	}
	jw_end_obj(jw);
}

int
octo_environments_list(struct call *call, struct store_reader *reader, struct err *err)
{
	struct octo_environments list;
	struct octo_target target;
	struct jw jw = call_jw(call);

	if (octo_target(call, call->arg[0], &target, err) < 0 ||
		octo_environments_load(reader, call->project, call->arena, &list, err) < 0)
		return -1;
	jw_arr(&jw);
	for (size_t i = 0; i < list.n; i++)
		octo_environment_write(&jw, &list.item[i], &target.project->id);
	jw_end_arr(&jw);
	octo_environments_deinit(&list);
	return call_written(call, &jw, err);
}

static int
write_one(struct call *call, struct store_reader *reader, const struct octo_target *target,
	const char *id, struct err *err)
{
	struct octo_environments list;
	const struct octo_environment *found;
	struct jw jw = call_jw(call);

	if (octo_environments_load(reader, call->project, call->arena, &list, err) < 0)
		return -1;
	found = octo_environment_find(&list, id);
	if (found)
		octo_environment_write(&jw, found, &target->project->id);
	octo_environments_deinit(&list);
	if (!found)
		return err_set(err, ERR_NOT_FOUND, "there is no environment \"%.100s\"", id);
	return call_written(call, &jw, err);
}

int
octo_environment_show(struct call *call, struct store_reader *reader, struct err *err)
{
	struct octo_target target;

	if (octo_target(call, call->arg[0], &target, err) < 0)
		return -1;
	return write_one(call, reader, &target, call->arg[1], err);
}

/* --- Changing --- */

struct environment_edit {
	struct octo_target target;
	struct def_id id; /* zero: a new one */
	int64_t revision; /* of the old one; -1: there is none */
	const char *name, *body;
	bool is_refused; /* the answer is written */
};

/* A text member under another name; null takes it away. */
static void
take_text(
	json_t *to, const char *as, json_t *from, const char *name, struct octo_issues *issues)
{
	const char *text = octo_text(from, name, false, issues);

	if (json_is_null(json_object_get(from, name)))
		(void)json_object_del(to, as);
	else if (text)
		(void)json_object_set_new(to, as, json_string(text));
}

/* { username, password, otp }: members that are not given stay. */
static void
take_account(json_t *to, const char *as, json_t *from, const char *name, const char *otp,
	struct octo_issues *issues)
{
	json_t *given = json_object_get(from, name), *own = json_object_get(to, as);

	if (!given)
		return;
	if (json_is_null(given)) {
		(void)json_object_del(to, as);
		return;
	}
	if (!json_is_object(given)) {
		octo_issues_type(issues, OCTO_MEMBER(NULL, name), "object", given);
		return;
	}
	if (!own)
		(void)json_object_set_new(
			to, as, own = json_pack("{s:s, s:s}", "username", "", "password", ""));
	/* Clients send empty texts where they were given nothing. */
	take_text(own, "username", given, "username", issues);
	take_text(own, "password", given, "password", issues);
	if (otp)
		take_text(own, "otpKey", given, otp, issues);
	if (!*json_string_value(json_object_get(own, "username")) &&
		!*json_string_value(json_object_get(own, "password")))
		(void)json_object_del(to, as);
}

static void
take_members(json_t *to, json_t *from, bool is_new, struct octo_issues *issues)
{
	json_t *headers = json_object_get(from, "additionalHeaderFields");

	if (is_new && !octo_text(from, "name", true, issues))
		return;
	take_text(to, "name", from, "name", issues);
	if (is_new)
		(void)octo_text(from, "discoveryUrl", true, issues);
	take_text(to, "url", from, "discoveryUrl", issues);
	take_text(to, "privateLocation", from, "privateLocationName", issues);
	take_account(to, "account", from, "testAccount", "otpInitializerKey", issues);
	take_account(to, "basicAuth", from, "basicAuth", NULL, issues);
	if (json_is_null(headers))
		(void)json_object_del(to, "headers");
	else if (headers && !json_is_object(headers))
		octo_issues_type(
			issues, OCTO_MEMBER(NULL, "additionalHeaderFields"), "object", headers);
	else if (headers)
		(void)json_object_set(to, "headers", headers);
}

/* Offences of the native rules in the dialect's list. */
static void
take_issues(const struct issues *from, struct octo_issues *to)
{
	for (size_t i = 0; i < from->n; i++)
		octo_issues_add(to, OCTO_MEMBER(NULL, from->item[i].pointer + 1), "custom", "",
			"", "%s", from->item[i].detail);
}

static int
make_body(struct call *call, struct environment_edit *edit, json_t *old, struct err *err)
{
	struct octo_issues issues = { .arena = call->arena };
	struct issues native = { .arena = call->arena };
	struct definition_head head = { 0 };
	_cleanup_(json_unrefp) json_t *body = old ? json_deep_copy(old) : json_object();

	take_members(body, call->json, !old, &issues);
	if (issues.n == 0 && environment_read(body, call->arena, &native, &head) == 0)
		(void)(environment_unmask(body, old, &native) < 0); /* issues say it */
	take_issues(&native, &issues);
	if (issues.n > 0) {
		edit->is_refused = true;
		return octo_refuse_read(call, &issues, err);
	}
	edit->name = head.name;
	edit->body = json_tree_text(call->arena, body, DEFINITION_BYTES_MAX).p;
	if (!edit->body)
		return err_set(err, ERR_LIMIT, "the environment is too large");
	return 0;
}

static int
read_edit(struct call *call, struct store_reader *reader, struct err *err)
{
	struct environment_edit *edit = call->state;
	struct octo_environments list;
	const struct octo_environment *old;
	int r;

	if (!call->arg[1])
		return make_body(call, edit, NULL, err);
	if (octo_environments_load(reader, call->project, call->arena, &list, err) < 0)
		return -1;
	old = octo_environment_find(&list, call->arg[1]);
	if (!old) {
		octo_environments_deinit(&list);
		return err_set(
			err, ERR_NOT_FOUND, "there is no environment \"%.100s\"", call->arg[1]);
	}
	edit->id = old->id;
	edit->revision = old->revision;
	r = call->json ? make_body(call, edit, old->body, err) : 0;
	if (!call->json && old->is_default && list.n > 1)
		r = err_set(err, ERR_INVALID,
			"the default environment stays as long as there are others");
	octo_environments_deinit(&list);
	return r;
}

static int
read_saved(struct call *call, struct store_reader *reader, struct err *err)
{
	struct environment_edit *edit = call->state;
	char id[UUID_TEXT_LEN + 1];

	uuid_format(&edit->id.u, id);
	return write_one(call, reader, &edit->target, id, err);
}

static void
on_saved(struct call *call)
{
	struct environment_edit *edit = call->state;
	const struct intent *intent = call->intent;

	if (intent->status == INTENT_IS_ERROR) {
		if (intent->err.code == ERR_CONFLICT)
			call_problem(call, PROBLEM_INVALID_FIELD, "%s", intent->err.text);
		else
			call_intent_error(call);
		return;
	}
	call->status = uuid_is_zero(&edit->id.u) ? 201 : 200;
	edit->id.u = intent->replayed ? intent->out.jobs[0].id.u : intent->out.def->id.u;
	call_read(call, read_saved, NULL);
}

static void
on_edit(struct call *call)
{
	struct environment_edit *edit = call->state;
	struct intent *intent;

	if (call->read_result < 0 || edit->is_refused) {
		call_finish_read(call);
		return;
	}
	intent = call->intent = call_intent(call, INTENT_DEF_PUT);
	if (!intent)
		return;
	intent->in.def_put = (struct def_put) {
		.key = { .kind = DEF_ENVIRONMENT, .id = edit->id },
		.name = arena_strdup(&intent->arena, edit->name),
		.tags = "[]",
		.body = arena_strdup(&intent->arena, edit->body),
		.if_revision = edit->revision,
	};
	call_submit(call, intent, on_saved);
}

static struct environment_edit *
edit_new(struct call *call)
{
	struct environment_edit *edit = arena_xalloc(call->arena, sizeof *edit);

	edit->revision = -1;
	call->state = edit;
	return octo_path_target(call, &edit->target) ? edit : NULL;
}

void
octo_environment_create(struct call *call)
{
	if (octo_body(call) && edit_new(call))
		call_read(call, read_edit, on_edit);
}

void
octo_environment_patch(struct call *call)
{
	octo_environment_create(call);
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
on_to_remove(struct call *call)
{
	const struct environment_edit *edit = call->state;

	if (call->read_result < 0) {
		call_finish_read(call);
		return;
	}
	call->intent = call_intent(call, INTENT_DEF_DELETE);
	if (!call->intent)
		return;
	call->intent->in.def_delete =
		(struct def_delete) { .kind = DEF_ENVIRONMENT, .id = edit->id };
	call_submit(call, call->intent, on_removed);
}

void
octo_environment_delete(struct call *call)
{
	if (edit_new(call))
		call_read(call, read_edit, on_to_remove);
}
