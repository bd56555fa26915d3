/* SPDX-License-Identifier: Apache-2.0 */
/* Field tables of environments and projects, and the handling of secrets. */
#include "core/environment.h"

#include <string.h>

#include "base/limits.h"

struct environment_in {
	const char *name, *url, *description, *private_location;
	json_t *variables, *headers, *labels, *gates, *extra;
	bool is_default;
	struct auth_in {
		const char *username, *password;
	} basic_auth;
	struct account_in {
		const char *username, *password, *otp_key;
	} account;
};

struct gate_in {
	const char *tag;
	json_t *wait;
	int64_t timeout_ms;
};

struct project_in {
	const char *name, *description;
	json_t *gates, *extra;
};

/* clang-format off */
#define AUTH(member) .offset = offsetof(struct auth_in, member)
const struct json_field environment_auth_fields[] = {
	{ .name = "username", .kind = FIELD_STR, AUTH(username), .min = 0, .max = NAME_BYTES_MAX, .required = true },
	{ .name = "password", .kind = FIELD_STR, AUTH(password), .min = 0, .max = SECRET_BYTES_MAX, .required = true },
	{ 0 },
};

#define ACCOUNT(member) .offset = offsetof(struct account_in, member)
const struct json_field environment_account_fields[] = {
	{ .name = "username", .kind = FIELD_STR, ACCOUNT(username), .min = 0, .max = NAME_BYTES_MAX, .required = true },
	{ .name = "password", .kind = FIELD_STR, ACCOUNT(password), .min = 0, .max = SECRET_BYTES_MAX, .required = true },
	{ .name = "otpKey", .kind = FIELD_STR, ACCOUNT(otp_key), .min = 0, .max = SECRET_BYTES_MAX },
	{ 0 },
};

#define GATE(member) .offset = offsetof(struct gate_in, member)
const struct json_field gate_fields[] = {
	{ .name = "tag", .kind = FIELD_STR, GATE(tag), .min = 1, .max = TAG_BYTES_MAX, .required = true },
	{ .name = "wait", .kind = FIELD_OBJ, GATE(wait), .min = 1, .max = 20, .required = true },
	{ .name = "timeout", .kind = FIELD_DURATION, GATE(timeout_ms), .min = 1, .max = DAYS_MS(366) },
	{ 0 },
};

#define ENV(member) .offset = offsetof(struct environment_in, member)
const struct json_field environment_fields[] = {
	{ .name = "name", .kind = FIELD_STR, ENV(name), .min = 1, .max = NAME_BYTES_MAX, .required = true },
	{ .name = "url", .kind = FIELD_STR, ENV(url), .min = 1, .max = URL_BYTES_MAX },
	{ .name = "description", .kind = FIELD_STR, ENV(description), .min = 0, .max = MESSAGE_BYTES_MAX },
	{ .name = "isDefault", .kind = FIELD_FLAG, ENV(is_default) },
	{ .name = "variables", .kind = FIELD_OBJ, ENV(variables), .min = 0, .max = PARAMS_MAX },
	{ .name = "headers", .kind = FIELD_OBJ, ENV(headers), .min = 0, .max = EXTRA_HEADERS_MAX },
	{ .name = "basicAuth", .kind = FIELD_SUB, ENV(basic_auth), .sub = environment_auth_fields },
	{ .name = "account", .kind = FIELD_SUB, ENV(account), .sub = environment_account_fields },
	{ .name = "privateLocation", .kind = FIELD_STR, ENV(private_location), .min = 1, .max = LABEL_BYTES_MAX },
	{ .name = "labels", .kind = FIELD_OBJ, ENV(labels), .min = 0, .max = LABELS_MAX },
	{ .name = "gates", .kind = FIELD_ARR, ENV(gates), .min = 0, .max = GATES_MAX },
	{ .name = "extra", .kind = FIELD_OBJ, ENV(extra), .min = 0, .max = 1000 },
	{ 0 },
};

#define PROJECT(member) .offset = offsetof(struct project_in, member)
const struct json_field project_fields[] = {
	{ .name = "name", .kind = FIELD_STR, PROJECT(name), .min = 1, .max = NAME_BYTES_MAX },
	{ .name = "description", .kind = FIELD_STR, PROJECT(description), .min = 0, .max = MESSAGE_BYTES_MAX },
	{ .name = "gates", .kind = FIELD_ARR, PROJECT(gates), .min = 0, .max = GATES_MAX },
	{ .name = "extra", .kind = FIELD_OBJ, PROJECT(extra), .min = 0, .max = 1000 },
	{ 0 },
};
/* clang-format on */

/* --- Checks --- */

static void
check_gates(json_t *gates, struct issues *issues)
{
	size_t index;
	json_t *gate;

	json_array_foreach(gates, index, gate)
	{
		struct gate_in in = { 0 };

		/* Offences are in issues. */
		(void)(json_decode(gate, gate_fields, &in,
			       json_pointer_index(issues->arena, "/gates", index), issues) < 0);
	}
}

/* Members are texts; `or_lists`: or lists of texts. */
static void
check_texts(json_t *object, const char *name, bool or_lists, struct issues *issues)
{
	const char *pointer = json_pointer_member(issues->arena, "", name), *key;
	json_t *value, *item;
	size_t index;

	json_object_foreach(object, key, value)
	{
		bool fine = json_is_string(value) ||
			(or_lists && json_is_array(value) && json_array_size(value) > 0);

		json_array_foreach(value, index, item)
		{
			fine = fine && json_is_string(item);
		}
		if (!fine)
			issues_add_member(issues, pointer, key, ISSUE_INVALID,
				or_lists ? "a text or a list of texts is expected"
					 : "a text is expected");
	}
}

int
environment_read(json_t *environment, struct arena *arena, struct issues *issues,
	struct definition_head *ret)
{
	struct environment_in in = { 0 };

	if (json_decode(environment, environment_fields, &in, "", issues) < 0)
		return -1;
	check_gates(in.gates, issues);
	check_texts(in.variables, "variables", true, issues);
	check_texts(in.headers, "headers", false, issues);
	check_texts(in.labels, "labels", false, issues);
	if (issues->n > 0 || issues->n_more > 0)
		return -1;
	ret->name = arena_strdup(arena, in.name);
	ret->tags = "[]";
	return 0;
}

int
project_read(json_t *settings, struct issues *issues, const char **ret_name)
{
	struct project_in in = { 0 };

	if (json_decode(settings, project_fields, &in, "", issues) < 0)
		return -1;
	check_gates(in.gates, issues);
	if (issues->n > 0 || issues->n_more > 0)
		return -1;
	*ret_name = json_string_value(json_object_get(settings, "name"));
	return 0;
}

/* --- Secrets --- */

static const struct {
	const char *object, *member; /* member NULL: all of them */
} secrets[] = {
	{ "basicAuth", "password" },
	{ "account", "password" },
	{ "account", "otpKey" },
	{ "headers", NULL },
};

/* Calls fn for each secret that is there. */
static void
each_secret(json_t *environment,
	void (*fn)(void *arg, const char *object, json_t *in, const char *member), void *arg)
{
	for (size_t i = 0; i < ARRAY_LEN(secrets); i++) {
		json_t *in = json_object_get(environment, secrets[i].object), *value;
		const char *key;
		void *next;

		if (secrets[i].member && json_object_get(in, secrets[i].member))
			fn(arg, secrets[i].object, in, secrets[i].member);
		if (secrets[i].member)
			continue;
		json_object_foreach_safe(in, next, key, value)
		{
			fn(arg, secrets[i].object, in, key);
		}
	}
}

static void
mask_one(void *arg, const char *object, json_t *in, const char *member)
{
	(void)arg, (void)object;
	(void)json_object_set_new(in, member, json_string(ENVIRONMENT_MASK));
}

void
environment_mask(json_t *environment)
{
	each_secret(environment, mask_one, NULL);
}

struct unmasking {
	json_t *old;
	struct issues *issues;
};

static void
unmask_one(void *arg, const char *object, json_t *in, const char *member)
{
	const struct unmasking *it = arg;
	const char *text = json_string_value(json_object_get(in, member));
	json_t *kept = json_object_get(json_object_get(it->old, object), member);

	if (!text || strcmp(text, ENVIRONMENT_MASK) != 0)
		return;
	if (kept)
		(void)json_object_set(in, member, kept);
	else
		issues_add_member(it->issues,
			json_pointer_member(it->issues->arena, "", object), member,
			ISSUE_INVALID, "there is no secret that the mask could stand for");
}

int
environment_unmask(json_t *environment, json_t *old, struct issues *issues)
{
	struct unmasking it = { old, issues };
	size_t before = issues->n + issues->n_more;

	each_secret(environment, unmask_one, &it);
	return issues->n + issues->n_more > before ? -1 : 0;
}
