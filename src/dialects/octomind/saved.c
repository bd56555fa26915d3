/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test cases as saved tests. The document is a browser test like any other, made with the
 * default environment, so that native jobs can name it; the case that it was made of lies in
 * extra.octomind, and execute makes the test anew for what it is asked.
 *
 * A draft is a saved test of its own, without tags, whose revisions are the drafts of a case.
 */
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "dialects/octomind/service.h"
#include "dialects/octomind/to_browser.h"

enum {
	PAGE_TESTS = 50,
	CASES_BYTES_MAX = 32 * 1024 * 1024, /* loaded for a request: half of its memory */
	NAME_CUT_BYTES = 160,      /* leaves room for an id, which makes a name unique */
	VERSION_MARK = 0x0c7,      /* 12 bits that say what the id is */
	VERSION_REST = 0x0c70c701, /* 30 bits more */
};

#define DRAFT_PREFIX "draft "

/* --- Ids of versions --- */

/* Version 8 (RFC 9562: ours to lay out): 48 bits of key, mark, 30 bits, 32 bits of revision. */
void
octo_version_id(int64_t seq, int64_t revision, struct uuid *ret)
{
	uint64_t high = ((uint64_t)seq << 16) | 0x8000u | VERSION_MARK;
	uint64_t low = (UINT64_C(2) << 62) | ((uint64_t)VERSION_REST << 32) |
		((uint64_t)revision & UINT32_MAX);

	for (int i = 0; i < 8; i++) {
		ret->b[i] = (uint8_t)(high >> (56 - 8 * i));
		ret->b[8 + i] = (uint8_t)(low >> (56 - 8 * i));
	}
}

int
octo_version_parse(const struct uuid *id, int64_t *ret_seq, int64_t *ret_revision)
{
	uint64_t high = 0, low = 0;
	struct uuid again;

	for (int i = 0; i < 8; i++) {
		high = high << 8 | id->b[i];
		low = low << 8 | id->b[8 + i];
	}
	*ret_seq = (int64_t)(high >> 16);
	*ret_revision = (int64_t)(low & UINT32_MAX);
	octo_version_id(*ret_seq, *ret_revision, &again);
	return uuid_eq(id, &again) && *ret_revision > 0 ? 0 : -1;
}

/* --- Loading --- */

static const char *
text_of(json_t *object, const char *name, struct arena *arena)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? arena_strdup(arena, text) : NULL;
}

enum { NOT_A_CASE = 1 };

static int
read_saved(const struct definition *def, struct arena *arena, struct octo_saved *ret)
{
	struct octo_issues issues = { .arena = arena };
	struct err err;
	_cleanup_(json_unrefp) json_t *body = NULL;
	json_t *own;
	const char *status;

	if (!strstr(def->body, "\"octomind\""))
		return NOT_A_CASE;
	body = json_read(def->body, strlen(def->body), JSON_DEPTH_MAX, &err);
	own = json_object_get(json_object_get(body, "extra"), "octomind");
	if (!json_is_object(own))
		return NOT_A_CASE;
	*ret = (struct octo_saved) {
		.created_by = text_of(own, "createdBy", arena),
		.discovery_status = text_of(own, "discoveryStatus", arena),
		.created_ms = def->created_ms,
		.updated_ms = def->updated_ms,
		.is_draft = json_is_true(json_object_get(own, "draft")),
		.id = def->id,
		.seq = def->seq,
		.revision = def->revision,
		.name = arena_strdup(arena, def->name),
	};
	status = json_string_value(json_object_get(own, "status"));
	int word = status ? octo_word(octo_status_names, status) : -1;

	ret->status = word < 0 ? OCTO_ENABLED : (enum octo_status)word;
	if (octo_case_decode(json_object_get(own, "case"), NULL, &issues, &ret->c) == 0)
		return 0;
	/* Somebody changed it by the native API: it is no case any more. */
	log_warn("octomind.case", NULL, "test \"%s\": %s", def->name, issues.item[0].message);
	return NOT_A_CASE;
}

static int
grow(struct octo_saves *list, size_t *cap, struct arena *arena, struct err *err)
{
	if (arena->used > CASES_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "the test cases are too large together");
	if (list->n < *cap)
		return 0;
	size_t n = *cap ? 2 * *cap : 64;
	struct octo_saved *more = arena_calloc(arena, n, sizeof *more);

	if (!more)
		return err_set(err, ERR_LIMIT, "there are too many test cases");
	if (list->n > 0)
		memcpy(more, list->item, list->n * sizeof *more);
	list->item = more;
	*cap = n;
	return 0;
}

int
octo_load(struct store_reader *reader, int64_t project, enum octo_which which,
	struct arena *arena, struct octo_saves *ret, struct err *err)
{
	struct def_filter filter = {
		.project = project, .kind = DEF_TEST, .limit = PAGE_TESTS
	};
	char after[NAME_BYTES_MAX + 1] = "";
	_cleanup_(arena_deinit) struct arena page; /* documents are larger than their cases */
	struct octo_saves list = { 0 };
	struct definition *defs;
	size_t n, cap = 0;

	arena_init(&page, ARENA_REQUEST_BYTES_MAX);
	filter.after_name = after;
	do {
		arena_reset(&page);
		if (read_definitions(reader, &filter, &page, &defs, &n, err) < 0)
			return -1;
		for (size_t i = 0; i < n; i++) {
			if (grow(&list, &cap, arena, err) < 0)
				return -1;
			struct octo_saved *next = &list.item[list.n];

			if (read_saved(&defs[i], arena, next) == 0 &&
				next->is_draft == (which == OCTO_DRAFTS))
				list.n++;
		}
		if (n > 0)
			(void)snprintf(after, sizeof after, "%s", defs[n - 1].name);
	} while (n == PAGE_TESTS);
	*ret = list;
	return 0;
}

struct octo_saved *
octo_saved_find(const struct octo_saves *cases, const struct uuid *id)
{
	for (size_t i = 0; i < cases->n; i++)
		if (uuid_eq(&cases->item[i].c.id, id))
			return &cases->item[i];
	return NULL;
}

const struct octo_case *
octo_saved_lookup(void *arg, const struct uuid *id)
{
	const struct octo_saved *found = octo_saved_find(arg, id);

	return found ? &found->c : NULL;
}

static const struct octo_saved *
by_seq(const struct octo_saves *list, int64_t seq)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->item[i].seq == seq)
			return &list->item[i];
	return NULL;
}

int
octo_load_version(struct store_reader *reader, int64_t project, const struct octo_saves *cases,
	const struct octo_saves *drafts, const struct uuid *version, struct arena *arena,
	struct octo_saved *ret, struct err *err)
{
	struct def_key key = { .project = project, .kind = DEF_TEST };
	const struct octo_saved *newest;
	struct definition *def;
	int64_t seq, revision;

	if (octo_version_parse(version, &seq, &revision) < 0)
		return STORE_NONE;
	newest = by_seq(cases, seq);
	if (!newest)
		newest = by_seq(drafts, seq);
	if (!newest)
		return STORE_NONE;
	key.id = newest->id;
	int r = read_definition(reader, &key, revision, arena, &def, err);

	if (r != 0)
		return r;
	return read_saved(def, arena, ret) == 0 ? 0 : STORE_NONE;
}

/* --- JSON --- */

/* Folders have names alone; clients want an id to compare. */
const char *
octo_folder_id(const char *folder, char text[UUID_TEXT_LEN + 1])
{
	uint64_t hash[2] = { UINT64_C(0xcbf29ce484222325), UINT64_C(0x84222325cbf29ce4) };
	struct uuid id;

	for (const char *at = folder; *at; at++)
		for (int i = 0; i < 2; i++)
			hash[i] = (hash[i] ^ (unsigned char)*at) * UINT64_C(0x100000001b3);
	memcpy(id.b, hash, sizeof id.b);
	id.b[6] = (uint8_t)(0x80 | (id.b[6] & 0x0f));
	id.b[8] = (uint8_t)(0x80 | (id.b[8] & 0x3f));
	uuid_format(&id, text);
	return text;
}

void
octo_saved_write(struct jw *jw, const struct octo_saved *saved, const struct uuid *target)
{
	char folder[UUID_TEXT_LEN + 1];
	const struct octo_case_facts facts = {
		.test_target = *target,
		.status = saved->status,
		.created_wall_ms = saved->created_ms,
		.updated_wall_ms = saved->updated_ms,
		.created_by = saved->created_by,
		.folder_id = saved->c.folder ? octo_folder_id(saved->c.folder, folder) : NULL,
		.discovery_status = saved->discovery_status,
	};

	jw_obj(jw);
	octo_case_write(&saved->c, &facts, jw);
	jw_end_obj(jw);
}

/* --- Saving --- */

static json_t *
sync_tree(const struct octo_case *c, struct err *err)
{
	_cleanup_(buf_deinit) struct buf text = BUF_INIT(OCTO_CASE_BYTES_MAX);
	struct jw jw;

	jw_init(&jw, &text);
	jw_obj(&jw);
	octo_case_write_sync(c, &jw);
	jw_end_obj(&jw);
	if (jw_done(&jw) < 0) {
		(void)err_set(err, ERR_LIMIT, "the test case is too large");
		return NULL;
	}
	return json_read(buf_text(&text), text.len, JSON_DEPTH_MAX, err);
}

/* The test; one that says why it cannot be made, when it cannot: the case is kept all the same,
 * and its dependencies may come later. */
static json_t *
make_test(const struct octo_saved *saved, const struct octo_saves *cases,
	const struct octo_run *run)
{
	struct octo_chain chain;
	struct err err;
	json_t *test = NULL;

	if (octo_chain_of(&saved->c, octo_saved_lookup, (void *)cases, &chain, &err) == 0)
		test = octo_to_browser(&chain, run, &err);
	if (test)
		return test;
	return json_pack("{s:s, s:[{s:{s:s, s:b}}]}", "kind", "browser", "steps", "fail",
		"text", err.text, "errored", true);
}

static json_t *
extra_of(const struct octo_saved *saved, struct err *err)
{
	json_t *c = sync_tree(&saved->c, err), *own;

	if (!c)
		return NULL;
	own = json_pack("{s:s, s:o}", "status", octo_status_names[saved->status], "case", c);
	if (saved->created_by)
		(void)json_object_set_new(own, "createdBy", json_string(saved->created_by));
	if (saved->discovery_status)
		(void)json_object_set_new(
			own, "discoveryStatus", json_string(saved->discovery_status));
	if (saved->is_draft)
		(void)json_object_set_new(own, "draft", json_true());
	return json_pack("{s:o}", "octomind", own);
}

static json_t *
tags_of(const struct octo_case *c)
{
	json_t *tags = json_array();

	for (size_t i = 0; i < c->tags.n && i < TAGS_MAX; i++)
		if (*c->tags.item[i] && strlen(c->tags.item[i]) <= TAG_BYTES_MAX)
			(void)json_array_append_new(tags, json_string(c->tags.item[i]));
	return tags;
}

static bool
is_taken(const struct octo_puts *puts, size_t before, const char *name)
{
	for (size_t i = 0; i < before; i++)
		if (puts->item[i].saved.name && strcmp(puts->item[i].saved.name, name) == 0)
			return true;
	return false;
}

/* Whether another test of the project or of this request has the name. -1: err. */
static int
is_used(struct octo_puts *puts, size_t at, struct store_reader *reader,
	const struct def_key *key, struct arena *arena, struct err *err)
{
	struct definition *other;
	int r = read_definition(reader, key, 0, arena, &other, err);

	if (r < 0)
		return -1;
	return (r == 0 && !uuid_eq(&other->id.u, &puts->item[at].saved.id.u)) ||
		is_taken(puts, at, key->name);
}

/*
 * The description; where another test has that name, with the beginning of the id, and with all
 * of it where that is not enough: ids that were made in the same minute may begin alike.
 */
static int
choose_name(struct octo_puts *puts, size_t at, struct store_reader *reader, int64_t project,
	struct arena *arena, struct err *err)
{
	struct octo_saved *saved = &puts->item[at].saved;
	char id[UUID_TEXT_LEN + 1];
	const char *text = *saved->c.description ? saved->c.description : "test case";
	struct def_key key = { .project = project, .kind = DEF_TEST };
	static const int id_lens[] = { 8, UUID_TEXT_LEN };
	const char *name;
	int r = 0;

	uuid_format(&saved->c.id, id);
	name = saved->is_draft ? arena_printf(arena, DRAFT_PREFIX "%s", id)
			       : arena_strndup(arena, text, utf8_cut_len(text, NAME_CUT_BYTES));
	key.name = name;
	for (size_t i = 0; key.name && !saved->is_draft; i++) {
		r = is_used(puts, at, reader, &key, arena, err);
		if (r <= 0 || i == ARRAY_LEN(id_lens))
			break;
		key.name = arena_printf(arena, "%s (%.*s)", name, id_lens[i], id);
	}
	if (!key.name)
		return err_set(err, ERR_LIMIT, "the test cases are too large together");
	saved->name = key.name;
	return r < 0 ? -1 : 0;
}

static int
prepare_one(struct octo_put *put, const struct octo_saves *cases, const struct octo_run *run,
	struct arena *arena, struct err *err)
{
	struct octo_saved *saved = &put->saved;
	_cleanup_(json_unrefp) json_t *test = make_test(saved, cases, run);
	json_t *extra = extra_of(saved, err);
	_cleanup_(json_unrefp) json_t *tags = NULL;

	if (!extra)
		return -1;
	tags = saved->is_draft ? json_array() : tags_of(&saved->c);
	octo_escape(test);
	(void)json_object_set_new(test, "name", json_string(saved->name));
	(void)json_object_set(test, "tags", tags);
	(void)json_object_set_new(test, "extra", extra);
	put->tags = json_tree_text(arena, tags, KIB(64)).p;
	put->body = json_tree_text(arena, test, DEFINITION_BYTES_MAX).p;
	if (!put->tags || !put->body)
		return err_set(err, ERR_LIMIT, "\"%.60s\" is too large", saved->c.description);
	return 0;
}

int
octo_puts_prepare(struct octo_puts *puts, struct store_reader *reader, int64_t project,
	const struct octo_saves *cases, const struct octo_run *run, struct arena *arena,
	struct err *err)
{
	/* A saved test is shown to many: the account is filled in when it is carried out. */
	struct octo_run without = *run;

	without.basic_auth = without.test_account = (struct octo_account) { 0 };
	without.otp_key = NULL;
	without.headers = NULL;
	for (size_t i = 0; i < puts->n; i++)
		if (choose_name(puts, i, reader, project, arena, err) < 0 ||
			prepare_one(&puts->item[i], cases, &without, arena, err) < 0)
			return -1;
	return 0;
}

static void
finish(struct octo_puts *puts)
{
	struct call *call = puts->call;

	for (size_t i = 0; i < puts->n; i++) {
		const struct octo_put *put = &puts->item[i];

		if (!put->failed)
			continue;
		if (put->err.code == ERR_CONFLICT)
			call_problem(call, PROBLEM_CONFLICT, "\"%.60s\": %s",
				put->saved.c.description, put->err.text);
		else
			call_error(call, &put->err);
		return;
	}
	puts->then(call);
}

static void
take_answer(struct octo_put *put, const struct intent *intent)
{
	const struct definition *def = intent->out.def;

	if (intent->status == INTENT_IS_ERROR) {
		put->failed = true;
		put->err = intent->err;
		return;
	}
	put->saved.id = def->id;
	put->saved.seq = def->seq;
	put->saved.revision = def->revision;
	put->saved.created_ms = def->created_ms;
	put->saved.updated_ms = def->updated_ms;
}

/* Which of them it was: the intent's name is unique among them. */
static void
on_put(struct intent *intent)
{
	struct call *call = intent->user;
	struct octo_puts *puts = call->state;

	for (size_t i = 0; i < puts->n; i++)
		if (strcmp(puts->item[i].saved.name, intent->in.def_put.name) == 0)
			take_answer(&puts->item[i], intent);
	(void)intent_free(intent);
	if (--puts->left == 0)
		finish(puts);
}

static struct intent *
put_intent(struct call *call, const struct octo_put *put)
{
	struct intent *intent =
		intent_new(INTENT_DEF_PUT, call->project, ARENA_REQUEST_BYTES_MAX);

	intent->user = call;
	intent->then = on_put;
	intent->in.def_put = (struct def_put) {
		.key = { .kind = DEF_TEST, .id = put->saved.id },
		.name = arena_strdup(&intent->arena, put->saved.name),
		.tags = arena_strdup(&intent->arena, put->tags),
		.body = arena_strdup(&intent->arena, put->body),
		.if_revision = uuid_is_zero(&put->saved.id.u) ? -1 : 0,
	};
	return intent;
}

void
octo_puts_submit(struct call *call, struct octo_puts *puts, void (*then)(struct call *call))
{
	puts->call = call;
	puts->then = then;
	puts->left = puts->n;
	call->state = puts;
	if (!call->api->thread || call->api->draining) {
		call_problem(call, PROBLEM_UNAVAILABLE, "the server is shutting down");
		return;
	}
	if (puts->n == 0)
		then(call);
	for (size_t i = 0, n = puts->n; i < n; i++)
		engine_submit(call->api->thread, put_intent(call, &puts->item[i]));
}
