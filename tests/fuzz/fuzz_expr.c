/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions in texts: what the check lets pass can be expanded. */
#include "fuzz.h"

#include "core/expr.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char params_text[] =
		"{\"url\":\"http://x/${{ params.n }}\",\"n\":7,\"flag\":true,"
		"\"list\":[1,{\"a\":\"b\"}],\"empty\":\"\",\"none\":null}";
	struct issues checked = { 0 }, expanded = { 0 };
	struct err err = { 0 };
	_cleanup_(json_unrefp) json_t *tree =
		json_read((const char *)data, size, JSON_DEPTH_MAX, &err);
	_cleanup_(json_unrefp) json_t *params = NULL;
	_cleanup_(json_unrefp) json_t *roots = NULL;
	struct expr_scope scope = { .later = expr_later_than_job };
	struct arena arena;
	int verdict;

	(void)expr_in_text(str_from((const char *)data, size));
	(void)expr_is_whole(str_from((const char *)data, size));
	if (!tree)
		return 0;

	arena_init(&arena, ARENA_REQUEST_BYTES_MAX);
	checked.arena = &arena;
	expanded.arena = &arena;
	params = json_read(params_text, sizeof params_text - 1, JSON_DEPTH_MAX, &err);
	FUZZ_CHECK(params != NULL);
	roots = json_pack("{s:O}", "params", params);
	scope.roots = roots;
	verdict = expr_check(tree, NULL, "", &checked);
	FUZZ_CHECK((verdict < 0) == (checked.n > 0));
	if (expr_expand(&tree, &scope, "", &expanded) == 0)
		FUZZ_CHECK(verdict == 0 && tree != NULL);
	else
		FUZZ_CHECK(expanded.n > 0);
	arena_deinit(&arena);
	return 0;
}
