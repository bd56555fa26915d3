/* SPDX-License-Identifier: Apache-2.0 */
/* Host patterns, lists of hosts, and the hosts of URLs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/limits.h"
#include "browser_format/hosts.h"

static struct host_set set;

static bool
has(const char *host, unsigned port)
{
	return host_set_has(&set, str_of(host), port);
}

static int
begin(void **state)
{
	(void)state;
	host_set_init(&set);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	host_set_deinit(&set);
	return 0;
}

static void
add(const char *pattern)
{
	struct err err;

	if (host_set_add(&set, str_of(pattern), &err) < 0)
		fail_msg("%s", err.text);
}

static void
test_suffixes(void **state)
{
	(void)state;
	add("ads.test");
	assert_true(has("ads.test", 80));
	assert_true(has("ADS.Test.", 80));
	assert_true(has("a.b.ads.test", 443));
	assert_false(has("bads.test", 80));
	assert_false(has("ads.test.evil", 80));
	assert_false(has("test", 80));
	assert_false(has("", 80));
}

static void
test_exact_and_below(void **state)
{
	(void)state;
	add("=one.test");
	add("*.two.test");
	assert_true(has("one.test", 1));
	assert_false(has("a.one.test", 1));
	assert_false(has("two.test", 1));
	assert_true(has("a.two.test", 1));
	add("two.test");
	assert_true(has("two.test", 1));
}

static void
test_ports(void **state)
{
	(void)state;
	add("a.test:8080");
	add("[::1]:99");
	add("127.0.0.1");
	assert_true(has("a.test", 8080));
	assert_true(has("x.a.test", 8080));
	assert_false(has("a.test", 80));
	assert_false(has("a.test", 0));
	assert_true(has("[::1]", 99));
	assert_false(has("[::1]", 98));
	assert_true(has("127.0.0.1", 5));
	assert_false(has("27.0.0.1", 5));
}

static void
test_all(void **state)
{
	(void)state;
	assert_false(has("x", 1));
	add("*");
	assert_true(has("x", 1));
}

static void
test_no_patterns(void **state)
{
	static const char *const wrong[] = { "", "a b", "http://a", "a/b", ".", "a..b", ".a",
		"-:x", "a:0", "a:65536", "=", "*.", "**", "a*", "[::1", "\xc3\xa4.test", "a\n",
		"0123456789012345678901234567890123456789012345678901234567890123.x" };
	struct err err;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		if (host_set_add(&set, str_of(wrong[i]), &err) == 0)
			fail_msg("taken: \"%s\"", wrong[i]);
	assert_int_equal(set.n, 0);
}

static void
test_file(void **state)
{
	static const char text[] = "\xef\xbb\xbf# list\r\n"
				   "! also a comment\n"
				   "\n"
				   "127.0.0.1 localhost localhost.localdomain\n"
				   "::1 ip6-localhost ip6-loopback\n"
				   "fe80::1%lo0 localhost\n"
				   "0.0.0.0 0.0.0.0\n"
				   "0.0.0.0\ttracker.test  metrics.test # two\n"
				   "plain.test\n"
				   "*.sub.test\r\n"
				   "10.1.2.3\n"
				   "this is no entry\n"
				   "nor/this\n"
				   "last.test";
	struct host_file file;
	struct err err;

	(void)state;
	assert_int_equal(host_set_add_file(&set, str_of(text), &file, &err), 0);
	assert_int_equal(file.n_wrong, 2);
	assert_int_equal(file.first_wrong, 12);
	assert_true(has("tracker.test", 1) && has("metrics.test", 1) && has("plain.test", 1));
	assert_true(has("a.sub.test", 1) && has("10.1.2.3", 1) && has("last.test", 1));
	assert_false(has("localhost", 1) || has("0.0.0.0", 1) || has("127.0.0.1", 1));
}

static void
test_file_of_something_else(void **state)
{
	static const char html[] = "<!doctype html>\n<title>404</title>\nsorry\n<p>gone</p>\n";
	struct host_file file;
	struct err err;

	(void)state;
	assert_int_equal(host_set_add_file(&set, str_of(html), &file, &err), -1);
	assert_int_equal(err.code, ERR_INVALID);
	assert_non_null(strstr(err.text, "the first is line 1"));
}

static void
test_long_line_is_skipped(void **state)
{
	char text[HOSTS_LINE_BYTES_MAX + 40];
	struct host_file file;
	struct err err;

	(void)state;
	memset(text, 'a', sizeof text);
	memcpy(text, "good.test\n", 10);
	text[sizeof(text) - 12] = '\n';
	memcpy(text + sizeof(text) - 11, "more.test\n", 11);
	assert_int_equal(host_set_add_file(&set, str_of(text), &file, &err), 0);
	assert_int_equal(file.n_wrong, 1);
	assert_true(has("more.test", 1));
}

/* A list of the size that people use is read and looked up without trouble. */
static void
test_many(void **state)
{
	struct buf text = BUF_INIT(MIB(16));
	struct host_file file;
	struct err err;
	char name[40];

	(void)state;
	for (int i = 0; i < 200000; i++)
		assert_int_equal(buf_addf(&text, "h%d.ads%d.test\n", i, i % 977), 0);
	assert_int_equal(host_set_add_file(&set, buf_str(&text), &file, &err), 0);
	assert_int_equal(file.n_added, 200000);
	for (int i = 0; i < 200000; i += 997) {
		snprintf(name, sizeof name, "x.h%d.ads%d.test", i, i % 977);
		assert_true(has(name, 443));
		snprintf(name, sizeof name, "g%d.ads%d.test", i, i % 977);
		assert_false(has(name, 443));
	}
	buf_deinit(&text);
}

static void
test_ads(void **state)
{
	(void)state;
	host_set_add_ads(&set);
	assert_true(has("stats.g.doubleclick.net", 443));
	assert_false(has("example.com", 443));
}

static void
test_urls(void **state)
{
	static const struct {
		const char *url, *host;
		unsigned port;
	} urls[] = {
		{ "http://a.test/x", "a.test", 80 },
		{ "https://a.test", "a.test", 443 },
		{ "wss://a.test:81?x", "a.test", 81 },
		{ "http://u:p@b.test:8080/c@d", "b.test", 8080 },
		{ "http://[::1]:5/", "[::1]", 5 },
		{ "http://a.test#@b.test", "a.test", 80 },
		{ "http://a.test\\@b.test", "a.test", 80 },
		{ "data:text/html,x", NULL, 0 },
		{ "about:blank", NULL, 0 },
		{ "blob:http://a.test/1", NULL, 0 },
		{ "http:///x", NULL, 0 },
		{ "", NULL, 0 },
	};
	struct str host;
	unsigned port;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
		int r = url_host(str_of(urls[i].url), &host, &port);
		if ((r == 0) != (urls[i].host != NULL))
			fail_msg("%s: %d", urls[i].url, r);
		if (r < 0)
			continue;
		if (!str_eqz(host, urls[i].host) || port != urls[i].port)
			fail_msg("%s: " STR_FMT " %u", urls[i].url, STR_ARG(host), port);
	}
	add("a.test:443");
	bool has_host;
	assert_true(host_set_has_url(&set, STR("https://x.a.test/"), &has_host));
	assert_true(has_host);
	assert_false(host_set_has_url(&set, STR("data:x"), &has_host));
	assert_false(has_host);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_suffixes),
		CASE(test_exact_and_below),
		CASE(test_ports),
		CASE(test_all),
		CASE(test_no_patterns),
		CASE(test_file),
		CASE(test_file_of_something_else),
		CASE(test_long_line_is_skipped),
		CASE(test_many),
		CASE(test_ads),
		CASE(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
