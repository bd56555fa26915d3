/* SPDX-License-Identifier: Apache-2.0 */
/* The nasty forms of addresses, one line each. */
#include "http/guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "unit.h"

static const struct guard_policy strict;

static bool
url_ok(const char *url)
{
	struct guard_target target;
	struct err err;

	return guard_url(&strict, str_of(url), &target, &err) == 0;
}

static bool
address_ok(const struct guard_policy *policy, const char *text)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (inet_pton(AF_INET, text, &v4.sin_addr) == 1)
		return guard_address_ok(policy, (struct sockaddr *)&v4);
	assert_int_equal(inet_pton(AF_INET6, text, &v6.sin6_addr), 1);
	return guard_address_ok(policy, (struct sockaddr *)&v6);
}

static void
takes_ordinary_urls(void **state)
{
	struct guard_target target;
	struct err err;

	(void)state;
	assert_int_equal(
		guard_url(&strict, STR("HTTPS://Hooks.Example.COM./a?b#c"), &target, &err), 0);
	assert_string_equal(target.host, "hooks.example.com");
	assert_int_equal(target.port, 443);
	assert_true(target.is_tls);
	assert_true(url_ok("http://example.com:80/x@y"));
	assert_true(url_ok("http://93.184.216.34/"));
	assert_true(url_ok("http://[2606:4700::1]/"));
}

static void
refuses_other_urls(void **state)
{
	static const char *const urls[] = { "", "ftp://example.com/", "file:///etc/passwd",
		"gopher://example.com/", "http://", "http:///x", "http://user@example.com/",
		"http://a:b@example.com/", "http://example.com:22/", "http://example.com:0/",
		"http://example.com:99999/", "http://example.com:80a/", "http://exa mple.com/",
		"http://example.com/\r\nX: y", "http://ex\xc3\xa4mple.com/",
		"http://example.com\\@evil/", "http://2130706433/", "http://0x7f000001/",
		"http://0177.0.0.1/", "http://127.1/", "http://0x7f.1/", "http://[::1/",
		"http://[127.0.0.1]/", "http://::1/", "http://[fe80::1%25eth0]/",
		"http://exam%70le.com/", "http://1.2.3.4.5/" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		if (url_ok(urls[i]))
			fail_msg("%s was taken", urls[i]);
}

static void
refuses_inner_addresses(void **state)
{
	static const char *const inner[] = { "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1",
		"127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255",
		"192.168.1.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "255.255.255.255",
		"::", "::1", "fe80::1", "fd00:ec2::254", "fc00::1", "ff02::1",
		"::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1",
		"64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2002:a9fe:a9fe::1",
		"2001:0:0:0:0:0:80ff:fffe", "2001:db8::1", "100::1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(inner); i++)
		if (address_ok(&strict, inner[i]))
			fail_msg("%s was taken", inner[i]);
}

static void
takes_public_addresses(void **state)
{
	static const char *const outer[] = { "1.1.1.1", "93.184.216.34", "172.32.0.1",
		"100.128.0.1", "2606:4700:4700::1111", "64:ff9b::101:101", "2002:101:101::1",
		"::ffff:1.1.1.1" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(outer); i++)
		if (!address_ok(&strict, outer[i]))
			fail_msg("%s was refused", outer[i]);
}

static void
an_administrator_may_allow_ranges(void **state)
{
	struct guard_policy policy = { 0 };
	struct err err;

	(void)state;
	assert_int_equal(guard_allow(&policy, STR("10.1.0.0/16"), &err), 0);
	assert_int_equal(guard_allow(&policy, STR("fd00::1"), &err), 0);
	assert_true(address_ok(&policy, "10.1.2.3"));
	assert_false(address_ok(&policy, "10.2.0.1"));
	assert_true(address_ok(&policy, "fd00::1"));
	assert_false(address_ok(&policy, "fd00::2"));
	assert_int_equal(guard_allow(&policy, STR("10.0.0.0/33"), &err), -1);
	assert_int_equal(guard_allow(&policy, STR("host"), &err), -1);
}

static void
pins_what_was_checked(void **state)
{
	struct guard_target target;
	struct curl_slist *pin = NULL;
	struct err err;

	(void)state;
	assert_int_equal(guard_url(&strict, STR("http://93.184.216.34/"), &target, &err), 0);
	assert_int_equal(guard_pin(&strict, &target, &pin, &err), 0);
	assert_string_equal(pin->data, "93.184.216.34:80:93.184.216.34");
	/* With a dot at its end, too: what curl does not find here it would resolve again. */
	assert_non_null(pin->next);
	assert_string_equal(pin->next->data, "93.184.216.34.:80:93.184.216.34");
	curl_slist_free_all(pin);
	assert_int_equal(guard_url(&strict, STR("http://localhost/"), &target, &err), 0);
	assert_int_equal(guard_pin(&strict, &target, &pin, &err), -1);
	assert_int_equal(err.code, ERR_DENIED);
}

/* A port that is allowed on the machine itself is not allowed elsewhere. */
static void
knows_the_machine_itself(void **state)
{
	static const struct {
		const char *url;
		bool is_fine;
	} rows[] = {
		{ "http://127.0.0.1:8000/", true },
		{ "http://[::1]:8000/", true },
		{ "http://127.9.9.9:22/", true },
		{ "http://[::ffff:127.0.0.1]:8000/", true },
		{ "http://93.184.216.34:8000/", false },
		{ "http://93.184.216.34:443/", true },
		{ "http://10.0.0.1:80/", false },
		{ "http://0.0.0.0:8000/", false },
		{ "http://[::]:8000/", false },
	};
	const struct guard_policy own = { .loopback = true };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct curl_slist *pin = NULL;
		struct guard_target target;
		struct err err;
		bool is_fine = guard_url(&own, str_of(rows[i].url), &target, &err) == 0 &&
			guard_pin(&own, &target, &pin, &err) == 0;

		curl_slist_free_all(pin);
		if (is_fine != rows[i].is_fine)
			fail_msg("%s: %s", rows[i].url, is_fine ? "taken" : err.text);
	}
	assert_false(address_ok(&strict, "127.0.0.1"));
	assert_true(address_ok(&own, "127.0.0.1"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_ordinary_urls),
		cmocka_unit_test(refuses_other_urls),
		cmocka_unit_test(refuses_inner_addresses),
		cmocka_unit_test(knows_the_machine_itself),
		cmocka_unit_test(takes_public_addresses),
		cmocka_unit_test(an_administrator_may_allow_ranges),
		cmocka_unit_test(pins_what_was_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
