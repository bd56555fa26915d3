/* SPDX-License-Identifier: Apache-2.0 */
/* Generated files: their texts, how texts of a case are quoted, and the zip that they come in.
 */
#include "octo.h"

#include <archive.h>
#include <archive_entry.h>

#include "dialects/octomind/code.h"
#include "dialects/octomind/config_file.h"
#include "dialects/octomind/zip.h"

static void
quoted(struct str text, const char *wanted)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(1000);

	assert_int_equal(octo_code_quote(&out, text), 0);
	assert_string_equal(out.data, wanted);
}

static void
texts_stay_texts(void **state)
{
	(void)state;
	quoted(STR(""), "''");
	quoted(STR("it's"), "'it\\'s'");
	quoted(STR("a\\b\n\r\t"), "'a\\\\b\\n\\x0D\\t'");
	quoted(STR("</script><!-- a < b"), "'\\x3C/script>\\x3C!-- a < b'");
	quoted(STR("`${x}` \"y\""), "'`${x}` \"y\"'");
	quoted(STR("\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xc3\xa9"),
		"'\\u2028\\u2029\xe2\x80\xaa\xc3\xa9'");
	quoted(STR("\x01\x7f"), "'\\x01\\x7F'");
}

struct shelf {
	struct octo_case item[2];
};

static const struct octo_case *
on_shelf(void *arg, const struct uuid *id)
{
	struct shelf *shelf = arg;

	for (size_t i = 0; i < 2; i++)
		if (uuid_eq(&shelf->item[i].id, id))
			return &shelf->item[i];
	return NULL;
}

static void
a_chain_becomes_a_file(void **state)
{
	_cleanup_(json_unrefp) json_t *login = octo_json(
		"{'version':'1','id':'aaaaaaaa-2222-4333-8444-555555555555','runStatus':'ON',"
		"'description':'Log in','prompt':'','elements':[{'interaction':{'action':"
		"'ENTER_TEXT','calledWith':'$OCTO_USERNAME'},'selectors':[{'selectorType':'LABEL',"
		"'selector':'User'}]}]}");
	_cleanup_(json_unrefp) json_t *main_case = octo_document(
		"{'interaction':{'action':'CLICK'},'selectors':[{'selectorType':'ROLE','selector':"
		"'button','options':{'name':'Buy'}}]},"
		"{'assertion':{'expectation':'TO_CONTAIN_TEXT','calledWith':'Dear $NAME, `hi`'},"
		"'selectors':[{'selectorType':'CSS','selector':'p'},{'selectorType':'LAST'}],"
		"'ignoreFailure':true}",
		",'dependencyId':'aaaaaaaa-2222-4333-8444-555555555555'");
	_cleanup_(json_unrefp) json_t *vars = octo_json("{'NAME':'Ann'}");
	struct octo_run run = {
		.url = "http://site.example/", .vars = vars, .test_account = { "ann", "pw" }
	};
	_cleanup_(buf_deinit) struct buf out = BUF_INIT((size_t)MIB(1));
	_cleanup_(arena_deinit) struct arena arena;
	struct octo_chain chain;
	struct shelf shelf;
	struct err err;
	char name[100];

	(void)state;
	arena_init(&arena, (size_t)MIB(1));
	shelf.item[0] = octo_case_of(&arena, login);
	shelf.item[1] = octo_case_of(&arena, main_case);
	assert_int_equal(octo_chain_of(&shelf.item[1], on_shelf, &shelf, &chain, &err), 0);
	assert_int_equal(octo_code(&chain, &run, &out, &err), 0);
	assert_string_equal(out.data,
		"import { expect, test } from '@playwright/test';\n"
		"\n"
		"test('A case', async ({ page }) => {\n"
		"\tconst vars: Record<string, string> = {\n"
		"\t\tNAME: 'Ann',\n"
		"\t\tOCTO_URL: 'http://site.example',\n"
		"\t\tOCTO_USERNAME: 'ann',\n"
		"\t\tOCTO_PASSWORD: 'pw',\n"
		"\t};\n"
		"\n"
		"\tawait page.goto('http://site.example/');\n"
		"\tawait test.step('first: Log in', async () => {\n"
		"\t\tawait page.getByLabel('User').fill(vars.OCTO_USERNAME);\n"
		"\t});\n"
		"\tawait page.getByRole('button', { name: 'Buy' }).click();\n"
		"\ttry {\n"
		"\t\tawait expect(page.locator('p').last()).toContainText(`Dear ${vars.NAME}, "
		"\\`hi\\``);\n"
		"\t} catch {\n"
		"\t\t/* Its failure is ignored. */\n"
		"\t}\n"
		"});\n");
	octo_code_file_name(&shelf.item[0], name);
	assert_string_equal(name, "log-in-aaaaaaaa-2222-4333-8444-555555555555.spec.ts");
	shelf.item[0].description = "../\xc3\xa9t\xc3\xa9";
	octo_code_file_name(&shelf.item[0], name);
	assert_string_equal(name, "t-aaaaaaaa-2222-4333-8444-555555555555.spec.ts");
}

static void
a_file_that_is_too_long_is_refused(void **state)
{
	_cleanup_(json_unrefp) json_t *document = octo_document("", "");
	struct octo_run run = { .url = "http://site.example/" };
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(20);
	_cleanup_(arena_deinit) struct arena arena;
	struct octo_chain chain;
	struct err err;

	(void)state;
	arena_init(&arena, (size_t)MIB(1));
	struct octo_case c = octo_case_of(&arena, document);

	assert_int_equal(octo_chain_of(&c, on_shelf, NULL, &chain, &err), 0);
	assert_int_equal(octo_code(&chain, &run, &out, &err), -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

static void
the_config_says_what_a_run_has(void **state)
{
	_cleanup_(json_unrefp) json_t *headers = octo_json("{'x-a':'b'}");
	struct octo_run run = { .url = "https://site.example/x",
		.headers = headers,
		.basic_auth = { "u", "p'" },
		.browser = OCTO_FIREFOX,
		.breakpoint = OCTO_MOBILE,
		.step_timeout_ms = 6000,
		.test_id_attribute = "data-qa" };
	struct octo_config_request request = {
		.output_dir = "/tmp/out", .is_headed = true, .bypasses_proxy = true
	};
	_cleanup_(buf_deinit) struct buf out = BUF_INIT((size_t)MIB(1));
	struct err err;

	(void)state;
	assert_int_equal(octo_config_file(&run, &request, &out, &err), 0);
	assert_string_equal(out.data,
		"import { defineConfig } from '@playwright/test';\n"
		"\n"
		"/* Private locations run the tests themselves: there is no proxy to bypass. */\n"
		"export default defineConfig({\n"
		"\toutputDir: '/tmp/out',\n"
		"\ttimeout: 1800000,\n"
		"\texpect: { timeout: 6000 },\n"
		"\tuse: {\n"
		"\t\tbaseURL: 'https://site.example/x',\n"
		"\t\tbrowserName: 'firefox',\n"
		"\t\theadless: false,\n"
		"\t\tviewport: { width: 375, height: 667 },\n"
		"\t\tdeviceScaleFactor: 2,\n"
		"\t\thasTouch: true,\n"
		"\t\ttestIdAttribute: 'data-qa',\n"
		"\t\textraHTTPHeaders: {\n"
		"\t\t\t'x-a': 'b',\n"
		"\t\t},\n"
		"\t\thttpCredentials: { username: 'u', password: 'p\\'', origin: "
		"'https://site.example' },\n"
		"\t\tactionTimeout: 6000,\n"
		"\t\tnavigationTimeout: 30000,\n"
		"\t\ttrace: 'retain-on-failure',\n"
		"\t},\n"
		"});\n");
}

/* --- Zip --- */

static void
zip_two(struct buf *out)
{
	_cleanup_(octo_zip_freep) struct octo_zip *zip = octo_zip_new(out);
	struct err err;

	assert_int_equal(octo_zip_add(zip, "b.spec.ts", "bee", 3, &err), 0);
	assert_int_equal(octo_zip_add(zip, "dir/a.spec.ts", "", 0, &err), 0);
	assert_int_equal(octo_zip_done(zip, &err), 0);
}

static void
a_zip_holds_its_files(void **state)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT((size_t)MIB(1));
	struct archive *archive = archive_read_new();
	struct archive_entry *entry;
	char data[10];

	(void)state;
	zip_two(&out);
	archive_read_support_format_zip(archive);
	assert_int_equal(archive_read_open_memory(archive, out.data, out.len), ARCHIVE_OK);
	assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
	assert_string_equal(archive_entry_pathname(entry), "b.spec.ts");
	assert_int_equal(archive_read_data(archive, data, sizeof data), 3);
	assert_memory_equal(data, "bee", 3);
	assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
	assert_string_equal(archive_entry_pathname(entry), "dir/a.spec.ts");
	assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_EOF);
	archive_read_free(archive);
}

static void
a_zip_is_the_same_everywhere(void **state)
{
	_cleanup_(buf_deinit) struct buf here = BUF_INIT((size_t)MIB(1));
	_cleanup_(buf_deinit) struct buf there = BUF_INIT((size_t)MIB(1));

	(void)state;
	assert_int_equal(setenv("TZ", "UTC", 1), 0);
	zip_two(&here);
	assert_int_equal(setenv("TZ", "Asia/Tokyo", 1), 0);
	tzset();
	zip_two(&there);
	assert_int_equal(here.len, there.len);
	assert_memory_equal(here.data, there.data, here.len);
}

static void
names_that_leave_the_folder_are_refused(void **state)
{
	static const char *const names[] = { "", "/etc/x", "../x", "a/../x", "a//b", ".hidden",
		"a\\b", "a\nb", "a/" };
	_cleanup_(buf_deinit) struct buf out = BUF_INIT((size_t)MIB(1));
	_cleanup_(octo_zip_freep) struct octo_zip *zip = octo_zip_new(&out);
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		assert_int_equal(octo_zip_add(zip, names[i], "x", 1, &err), -1);
		assert_int_equal(err.code, ERR_INVALID);
	}
	assert_int_equal(octo_zip_add(zip, "a.ts", "x", 1, &err), 0);
	assert_int_equal(octo_zip_add(zip, "A.ts", "x", 1, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
}

static void
a_zip_that_is_too_large_is_refused(void **state)
{
	_cleanup_(buf_deinit) struct buf out = BUF_INIT(40);
	_cleanup_(octo_zip_freep) struct octo_zip *zip = octo_zip_new(&out);
	struct err err = { 0 };
	int r = octo_zip_add(zip, "a.ts", "some bytes that do not fit", 26, &err);

	(void)state;
	if (r == 0)
		r = octo_zip_done(zip, &err);
	assert_int_equal(r, -1);
	assert_int_equal(err.code, ERR_LIMIT);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_stay_texts),
		cmocka_unit_test(a_chain_becomes_a_file),
		cmocka_unit_test(a_file_that_is_too_long_is_refused),
		cmocka_unit_test(the_config_says_what_a_run_has),
		cmocka_unit_test(a_zip_holds_its_files),
		cmocka_unit_test(a_zip_is_the_same_everywhere),
		cmocka_unit_test(names_that_leave_the_folder_are_refused),
		cmocka_unit_test(a_zip_that_is_too_large_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
