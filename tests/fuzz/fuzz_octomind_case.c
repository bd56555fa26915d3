/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any document as a test case of Octomind: what is accepted comes back the same when it is
 * written and read again, and can be made into a browser test and into code, or is refused.
 */
#include "fuzz.h"

#include <string.h>

#include "base/limits.h"
#include "dialects/octomind/code.h"
#include "dialects/octomind/to_browser.h"

static void
write_case(const struct octo_case *c, struct buf *out)
{
	struct jw jw;

	jw_init(&jw, out);
	jw_obj(&jw);
	octo_case_write_sync(c, &jw);
	jw_end_obj(&jw);
	FUZZ_CHECK(jw_done(&jw) == 0);
}

static void
comes_back(const struct octo_case *c, struct arena *arena)
{
	_cleanup_(buf_deinit) struct buf once = BUF_INIT((size_t)MIB(16));
	_cleanup_(buf_deinit) struct buf twice = BUF_INIT((size_t)MIB(16));
	struct octo_issues issues = { .arena = arena };
	struct octo_case again;
	struct err err;

	write_case(c, &once);
	_cleanup_(json_unrefp) json_t *tree =
		json_read(once.data, once.len, JSON_DEPTH_MAX, &err);
	FUZZ_CHECK(tree != NULL);
	FUZZ_CHECK(octo_case_decode(tree, NULL, &issues, &again) == 0);
	write_case(&again, &twice);
	FUZZ_CHECK(once.len == twice.len && memcmp(once.data, twice.data, once.len) == 0);
}

static const struct octo_case *
itself(void *arg, const struct uuid *id)
{
	const struct octo_case *c = arg;

	return uuid_eq(&c->id, id) ? c : NULL;
}

static void
is_translated(const struct octo_case *c)
{
	_cleanup_(buf_deinit) struct buf code = BUF_INIT((size_t)OCTO_CODE_BYTES_MAX);
	_cleanup_(json_unrefp) json_t *vars = json_pack("{s:s, s:s}", "A", "x", "B", "{{$A");
	struct octo_run run = { .url = "http://site.example/a", .vars = vars };
	struct octo_chain chain;
	struct err err = { 0 };

	if (octo_chain_of(c, itself, (void *)c, &chain, &err) < 0) {
		FUZZ_CHECK(err.text[0] != '\0');
		return;
	}
	_cleanup_(json_unrefp) json_t *test = octo_to_browser(&chain, &run, &err);

	FUZZ_CHECK(test || err.text[0] != '\0');
	if (octo_code(&chain, &run, &code, &err) == 0) {
		FUZZ_CHECK(!memmem(code.data, code.len, "</", 2));
		FUZZ_CHECK(!memmem(code.data, code.len, "<!", 2));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(arena_deinit) struct arena arena;
	struct octo_issues issues = { .arena = &arena };
	struct octo_case c;
	struct err err;
	_cleanup_(json_unrefp) json_t *document =
		json_read((const char *)data, size, JSON_DEPTH_MAX, &err);

	arena_init(&arena, (size_t)MIB(16));
	if (!document)
		return 0;
	if (octo_case_decode(document, NULL, &issues, &c) < 0) {
		_cleanup_(buf_deinit) struct buf out = BUF_INIT((size_t)MIB(1));
		struct jw jw;

		FUZZ_CHECK(issues.n > 0);
		jw_init(&jw, &out);
		octo_issues_write(&issues, &jw);
		FUZZ_CHECK(jw_done(&jw) == 0);
		return 0;
	}
	comes_back(&c, &arena);
	is_translated(&c);
	return 0;
}
