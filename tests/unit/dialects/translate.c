/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For tests in JavaScript: reads { cases: [SyncTestCase], run: { url, … } } and prints
 * { tests: [browser test], code: [text], names: [text], config: text, zip: base64 }.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/mem.h"
#include "dialects/octomind/code.h"
#include "dialects/octomind/config_file.h"
#include "dialects/octomind/to_browser.h"
#include "dialects/octomind/zip.h"

struct cases {
	struct octo_case *item;
	size_t n;
};

static void __attribute__((noreturn)) PRINTF_LIKE(1, 2) die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	exit(1);
}

static const struct octo_case *
find_case(void *arg, const struct uuid *id)
{
	const struct cases *cases = arg;

	for (size_t i = 0; i < cases->n; i++)
		if (uuid_eq(&cases->item[i].id, id))
			return &cases->item[i];
	return NULL;
}

static json_t *
read_input(void)
{
	_cleanup_(buf_deinit) struct buf in = BUF_INIT(MIB(16));
	char chunk[65536];
	struct err err;
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof chunk)) > 0)
		if (buf_add(&in, chunk, (size_t)n) < 0)
			die("too long");
	json_t *input = json_read(in.data, in.len, JSON_DEPTH_MAX, &err);

	if (!input)
		die("%s", err.text);
	return input;
}

static void
read_cases(json_t *list, struct arena *arena, struct cases *ret)
{
	json_t *item;
	size_t i;

	ret->n = json_array_size(list);
	ret->item = arena_xalloc(arena, ret->n * sizeof *ret->item + 1);
	json_array_foreach(list, i, item)
	{
		struct octo_issues issues = { .arena = arena };

		if (octo_case_decode(item, NULL, &issues, &ret->item[i]) < 0)
			die("case %zu%s: %s", i, issues.item[0].pointer,
				issues.item[0].message);
	}
}

static const char *
text_in(json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static int
word_in(json_t *object, const char *name, const char *const *words)
{
	const char *word = text_in(object, name);

	return word ? octo_word(words, word) : 0;
}

static struct octo_run
run_of(json_t *run)
{
	return (struct octo_run) {
		.url = text_in(run, "url"),
		.headers = json_object_get(run, "headers"),
		.basic_auth = { text_in(run, "basicUser"), text_in(run, "basicPassword") },
		.test_account = { text_in(run, "username"), text_in(run, "password") },
		.otp_key = text_in(run, "otpKey"),
		.vars = json_object_get(run, "vars"),
		.stable_uuid = text_in(run, "stableUuid"),
		.browser = (enum octo_browser)word_in(run, "browser", octo_browser_names),
		.breakpoint =
			(enum octo_breakpoint)word_in(run, "breakpoint", octo_breakpoint_names),
		.step_timeout_ms = json_integer_value(json_object_get(run, "stepTimeout")),
		.test_id_attribute = text_in(run, "testIdAttribute"),
	};
}

struct output {
	json_t *tests, *code, *names;
	struct octo_zip *zip;
};

static void
translate(struct cases *cases, size_t at, const struct octo_run *run, struct output *out)
{
	_cleanup_(buf_deinit) struct buf code = BUF_INIT((size_t)OCTO_CODE_BYTES_MAX);
	struct octo_chain chain;
	char name[100];
	struct err err;

	if (octo_chain_of(&cases->item[at], find_case, cases, &chain, &err) < 0)
		die("%s", err.text);
	json_t *test = octo_to_browser(&chain, run, &err);

	if (!test || octo_code(&chain, run, &code, &err) < 0)
		die("%s", err.text);
	octo_code_file_name(&cases->item[at], name);
	if (octo_zip_add(out->zip, name, code.data, code.len, &err) < 0)
		die("%s", err.text);
	json_array_append_new(out->tests, test);
	json_array_append_new(out->code, json_stringn(code.data, code.len));
	json_array_append_new(out->names, json_string(name));
}

int
main(void)
{
	_cleanup_(json_unrefp) json_t *input = read_input();
	_cleanup_(buf_deinit) struct buf config = BUF_INIT(MIB(1)), zip = BUF_INIT(MIB(16)),
					 base64 = BUF_INIT(MIB(32));
	struct octo_config_request request = { .output_dir = text_in(input, "outputDir") };
	struct output out = { json_array(), json_array(), json_array(), octo_zip_new(&zip) };
	struct octo_run run = run_of(json_object_get(input, "run"));
	_cleanup_(arena_deinit) struct arena arena;
	struct cases cases;
	struct err err;

	arena_init(&arena, MIB(16));
	read_cases(json_object_get(input, "cases"), &arena, &cases);
	for (size_t i = 0; i < cases.n; i++)
		translate(&cases, i, &run, &out);
	if (octo_zip_done(out.zip, &err) < 0 ||
		octo_config_file(&run, &request, &config, &err) < 0)
		die("%s", err.text);
	if (base64_encode(&base64, zip.data, zip.len, BASE64_STANDARD) < 0)
		die("too long");
	out.zip = octo_zip_free(out.zip);
	_cleanup_(json_unrefp) json_t *result =
		json_pack("{s:o, s:o, s:o, s:s, s:s}", "tests", out.tests, "code", out.code,
			"names", out.names, "config", config.data, "zip", base64.data);

	if (json_dumpf(result, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) < 0)
		die("cannot be written");
	return 0;
}
