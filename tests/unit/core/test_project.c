/* SPDX-License-Identifier: Apache-2.0 */
/* Projects: names, revisions, the stone that a deleted one leaves; secrets of environments. */
#include "core/project.h"

#include <string.h>

#include "base/limits.h"
#include "core/environment.h"
#include "core/uow.h"
#include "unit.h"

static struct arena arena;
static struct rng rng;
static struct uow uow;
static struct project_list list;
static struct err err;
static const struct uuid none;

static int
setup(void **state)
{
	const struct project first = { .seq = PROJECT_DEFAULT,
		.id = { { 1 } },
		.name = "default",
		.body = "{}",
		.revision = 1 };

	(void)state;
	arena_init(&arena, MIB(4));
	rng_seed(&rng, 1);
	uow_init(&uow, &arena, &rng, 1000);
	project_list_set(&list, &first);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	project_list_deinit(&list);
	uow_deinit(&uow);
	arena_deinit(&arena);
	return 0;
}

static int
try_put(const struct uuid *id, const char *name, int64_t if_revision,
	const struct project **ret)
{
	const struct project_put what = { name, "{\"a\":1}" };

	return project_list_put(&list, &uow, id, &what, if_revision, ret, &err);
}

/* A copy, whose texts are the turn's. */
static struct project
put(const struct uuid *id, const char *name, int64_t if_revision)
{
	const struct project *project;

	if (try_put(id, name, if_revision, &project) < 0)
		fail_msg("%s: %s", name, err.text);
	return *project;
}

static void
assert_refused(const struct uuid *id, const char *name, int64_t if_revision, enum err_code code)
{
	const struct project *project;

	assert_int_equal(try_put(id, name, if_revision, &project), -1);
	assert_int_equal(err.code, code);
}

static void
a_new_one_has_the_next_key_and_is_saved(void **state)
{
	(void)state;
	struct project shop = put(&none, "shop", 0);

	assert_int_equal(shop.seq, 2);
	assert_int_equal(shop.revision, 1);
	assert_int_equal(uow.projects.n, 1);
	assert_int_equal(uow.projects.item[0]->change, ROW_NEW);
	assert_false(uow_is_empty(&uow));
	assert_non_null(project_by_name(&list, "shop"));
	assert_string_equal(uow.projects.item[0]->body, "{\"a\":1}");
	assert_ptr_equal(project_by_seq(&list, 2), project_by_id(&list, &shop.id));
}

static void
names_are_unique_and_revisions_are_looked_at(void **state)
{
	(void)state;
	struct uuid id = put(&none, "shop", 0).id;

	assert_refused(&none, "shop", 0, ERR_CONFLICT);
	assert_refused(&id, "default", 0, ERR_CONFLICT);
	assert_refused(&id, "store", 2, ERR_CONFLICT);
	assert_int_equal(put(&id, "store", 1).revision, 2);
	assert_null(project_by_name(&list, "shop"));
	assert_refused(&(struct uuid) { { 9 } }, "x", 0, ERR_NOT_FOUND);
}

static void
a_deleted_one_keeps_its_key_and_frees_its_name(void **state)
{
	(void)state;
	const struct project *gone;
	struct uuid id = put(&none, "shop", 0).id;

	assert_int_equal(project_list_remove(&list, &uow, &id, 0, &gone, &err), 0);
	assert_int_equal(gone->deleted_ms, 1000);
	assert_null(project_by_id(&list, &id));
	assert_null(project_by_seq(&list, 2));
	assert_int_equal(project_list_remove(&list, &uow, &id, 0, &gone, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(put(&none, "shop", 0).seq, 3);
}

static void
the_default_one_stays(void **state)
{
	(void)state;
	const struct project *gone;

	assert_int_equal(
		project_list_remove(&list, &uow, &(struct uuid) { { 1 } }, 0, &gone, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
}

/* --- Environments --- */

static json_t *
tree(const char *text)
{
	json_t *value = json_read(text, strlen(text), JSON_DEPTH_MAX, &err);

	assert_non_null(value);
	return value;
}

static void
every_secret_is_masked_and_comes_back(void **state)
{
	(void)state;
	const char *text =
		"{\"name\":\"e\",\"basicAuth\":{\"username\":\"u\",\"password\":\"p1\"},"
		"\"account\":{\"username\":\"v\",\"password\":\"p2\",\"otpKey\":\"p3\"},"
		"\"headers\":{\"A\":\"p4\",\"B\":\"p5\"},\"variables\":{\"C\":\"c\"}}";
	struct issues issues = { .arena = &arena };
	_cleanup_(json_unrefp) json_t *old = tree(text), *shown = tree(text);

	environment_mask(shown);
	_cleanup_free_ char *dump = json_dumps(shown, 0);
	for (int i = 1; i <= 5; i++) {
		const char secret[] = { 'p', (char)('0' + i), '\0' };
		assert_null(strstr(dump, secret));
	}
	assert_non_null(strstr(dump, "\"c\""));
	assert_int_equal(environment_unmask(shown, old, &issues), 0);
	assert_true(json_equal(shown, old));
}

static void
a_mask_for_nothing_is_an_offence(void **state)
{
	(void)state;
	struct issues issues = { .arena = &arena };
	_cleanup_(json_unrefp) json_t *shown =
		tree("{\"name\":\"e\",\"headers\":{\"a/b\":\"" ENVIRONMENT_MASK "\"}}");

	assert_int_equal(environment_unmask(shown, NULL, &issues), -1);
	assert_int_equal(issues.n, 1);
	assert_string_equal(issues.item[0].pointer, "/headers/a~1b");
}

static void
what_may_stand_in_an_environment(void **state)
{
	(void)state;
	static const struct {
		const char *text, *pointer; /* pointer NULL: it is fine */
	} rows[] = {
		{ "{\"name\":\"e\"}", NULL },
		{ "{\"name\":\"e\",\"variables\":{\"A\":[\"x\",\"y\"],\"B\":\"z\"}}", NULL },
		{ "{\"name\":\"e\",\"variables\":{\"A\":[]}}", "/variables/A" },
		{ "{\"name\":\"e\",\"variables\":{\"A\":[1]}}", "/variables/A" },
		{ "{\"name\":\"e\",\"headers\":{\"A\":[\"x\"]}}", "/headers/A" },
		{ "{\"name\":\"e\",\"labels\":{\"A\":1}}", "/labels/A" },
		{ "{\"name\":\"e\",\"gates\":[{\"tag\":\"t\"}]}", "/gates/0/wait" },
		{ "{\"name\":\"e\",\"nmae\":1}", "/nmae" },
		{ "{}", "/name" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct issues issues = { .arena = &arena };
		struct definition_head head = { 0 };
		_cleanup_(json_unrefp) json_t *value = tree(rows[i].text);
		int r = environment_read(value, &arena, &issues, &head);

		assert_int_equal(r, rows[i].pointer ? -1 : 0);
		if (rows[i].pointer)
			assert_string_equal(issues.item[0].pointer, rows[i].pointer);
		else
			assert_string_equal(head.name, "e");
	}
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_new_one_has_the_next_key_and_is_saved),
		CASE(names_are_unique_and_revisions_are_looked_at),
		CASE(a_deleted_one_keeps_its_key_and_frees_its_name),
		CASE(the_default_one_stays),
		CASE(every_secret_is_masked_and_comes_back),
		CASE(a_mask_for_nothing_is_an_offence),
		CASE(what_may_stand_in_an_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
