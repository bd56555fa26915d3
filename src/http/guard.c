/* SPDX-License-Identifier: Apache-2.0 */
/* Strict reading of URLs and one table of address ranges that are not the public Internet. */
#include "http/guard.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/parse.h"

/* v4 ranges are written as v4-mapped v6, so that one comparison serves both. */
#define V4(a, b, c, d, n)                                                          \
	{                                                                          \
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d }, 96 + (n) \
	}

static const struct guard_range forbidden[] = {
	V4(0, 0, 0, 0, 8),                  /* this network */
	V4(10, 0, 0, 0, 8),                 /* private */
	V4(100, 64, 0, 0, 10),              /* carrier-grade NAT */
	V4(127, 0, 0, 0, 8),                /* loopback */
	V4(169, 254, 0, 0, 16),             /* link-local, cloud metadata */
	V4(172, 16, 0, 0, 12),              /* private */
	V4(192, 0, 0, 0, 24),               /* protocol assignments */
	V4(192, 0, 2, 0, 24),               /* documentation */
	V4(192, 88, 99, 0, 24),             /* 6to4 relays */
	V4(192, 168, 0, 0, 16),             /* private */
	V4(198, 18, 0, 0, 15),              /* benchmarking */
	V4(198, 51, 100, 0, 24),            /* documentation */
	V4(203, 0, 113, 0, 24),             /* documentation */
	V4(224, 0, 0, 0, 4),                /* multicast */
	V4(240, 0, 0, 0, 4),                /* reserved, broadcast */
	{ { 0 }, 127 },                     /* :: and ::1 */
	{ { 0x01 }, 64 },                   /* 0100::/64, discard */
	{ { 0xfc }, 7 },                    /* unique local, fd00:ec2::254 among them */
	{ { 0xfe, 0x80 }, 10 },             /* link-local */
	{ { 0xfe, 0xc0 }, 10 },             /* site-local */
	{ { 0xff }, 8 },                    /* multicast */
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32 }, /* documentation */
	{ { 0x20, 0x01, 0x00, 0x02 }, 48 }, /* benchmarking */
	{ { 0x20, 0x01, 0x00, 0x10 }, 28 }, /* ORCHID */
	{ { 0x20, 0x01, 0x00, 0x20 }, 28 }, /* ORCHIDv2 */
	{ { 0x3f, 0xff }, 20 },             /* documentation */
	{ { 0x5f, 0x00 }, 16 },             /* segment routing */
};

/* v6 ranges that carry a v4 address, and where in the address it is. */
static const struct {
	struct guard_range range;
	unsigned at;
	bool inverted;
} carriers[] = {
	{ { { 0 }, 96 }, 12, false },                         /* ::a.b.c.d */
	{ { { 0, 0x64, 0xff, 0x9b }, 96 }, 12, false },       /* NAT64 */
	{ { { 0, 0x64, 0xff, 0x9b, 0, 1 }, 48 }, 12, false }, /* local NAT64 */
	{ { { 0x20, 0x02 }, 16 }, 2, false },                 /* 6to4 */
	{ { { 0x20, 0x01, 0, 0 }, 32 }, 12, true },           /* Teredo */
};

static bool
in_range(const uint8_t address[16], const struct guard_range *range)
{
	unsigned whole = range->bits / 8, rest = range->bits % 8;

	if (memcmp(address, range->address, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	return (address[whole] & mask) == (range->address[whole] & mask);
}

static void
map_v4(const uint8_t v4[4], uint8_t out[16])
{
	memset(out, 0, 10);
	out[10] = out[11] = 0xff;
	memcpy(out + 12, v4, 4);
}

static bool
is_own(const struct guard_policy *policy, const uint8_t address[16])
{
	static const struct guard_range v4 = V4(127, 0, 0, 0, 8);
	static const uint8_t v6[16] = { [15] = 1 };

	return policy->loopback && (in_range(address, &v4) || memcmp(address, v6, 16) == 0);
}

static bool
is_allowed(const struct guard_policy *policy, const uint8_t address[16])
{
	for (size_t i = 0; i < policy->n_allowed; i++)
		if (in_range(address, &policy->allowed[i]))
			return true;
	return is_own(policy, address);
}

static bool
is_public(const uint8_t address[16])
{
	for (size_t i = 0; i < ARRAY_LEN(forbidden); i++)
		if (in_range(address, &forbidden[i]))
			return false;
	for (size_t i = 0; i < ARRAY_LEN(carriers); i++) {
		uint8_t inner[4], mapped[16];

		if (!in_range(address, &carriers[i].range))
			continue;
		memcpy(inner, address + carriers[i].at, 4);
		for (size_t j = 0; carriers[i].inverted && j < 4; j++)
			inner[j] = (uint8_t)~inner[j];
		map_v4(inner, mapped);
		if (!is_public(mapped))
			return false;
	}
	return true;
}

/* False for an address of another family. */
static bool
address_bytes(const struct sockaddr *address, uint8_t bytes[16])
{
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const void *)address;
		map_v4((const uint8_t *)&v4->sin_addr, bytes);
	} else if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const void *)address;
		memcpy(bytes, &v6->sin6_addr, 16);
	} else {
		return false;
	}
	return true;
}

bool
guard_address_ok(const struct guard_policy *policy, const struct sockaddr *address)
{
	uint8_t bytes[16];

	return address_bytes(address, bytes) && (is_allowed(policy, bytes) || is_public(bytes));
}

static bool
parse_address(const char *text, uint8_t out[16], bool *ret_is_v4)
{
	uint8_t v4[4];

	*ret_is_v4 = inet_pton(AF_INET, text, v4) == 1;
	if (*ret_is_v4) {
		map_v4(v4, out);
		return true;
	}
	return inet_pton(AF_INET6, text, out) == 1;
}

int
guard_allow(struct guard_policy *policy, struct str range, struct err *err)
{
	struct guard_range *slot = &policy->allowed[policy->n_allowed];
	char text[INET6_ADDRSTRLEN];
	struct str whole = range, bits = range;
	struct str address = str_split_first(&bits, '/');
	int64_t n;
	bool is_v4;

	if (policy->n_allowed == GUARD_ALLOWED_MAX)
		return err_set(
			err, ERR_LIMIT, "more than %d allowed ranges", GUARD_ALLOWED_MAX);
	if (address.n == 0 || address.n >= sizeof text)
		return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no range", STR_ARG(whole));
	memcpy(text, address.p, address.n);
	text[address.n] = '\0';
	if (!parse_address(text, slot->address, &is_v4))
		return err_set(err, ERR_INVALID, "\"" STR_FMT "\" is no range", STR_ARG(whole));
	n = is_v4 ? 32 : 128;
	if (bits.p && parse_i64(bits, 0, n, &n, err) < 0)
		return err_wrap(err, "range");
	slot->bits = (unsigned)n + (is_v4 ? 96 : 0);
	policy->n_allowed++;
	return 0;
}

/* --- URLs --- */

static int
split_scheme(struct str *url, bool *ret_is_tls, struct err *err)
{
	static const struct str plain = STR_INIT("http://"), tls = STR_INIT("https://");

	*ret_is_tls = url->n >= tls.n && str_eq_nocase(str_from(url->p, tls.n), tls);
	if (!*ret_is_tls &&
		!(url->n >= plain.n && str_eq_nocase(str_from(url->p, plain.n), plain)))
		return err_set(err, ERR_DENIED, "only http and https addresses are allowed");
	size_t n = *ret_is_tls ? tls.n : plain.n;

	*url = str_from(url->p + n, url->n - n);
	return 0;
}

static int
check_bytes(struct str url, struct err *err)
{
	if (url.n > URL_BYTES_MAX)
		return err_set(err, ERR_LIMIT, "the address is too long");
	for (size_t i = 0; i < url.n; i++) {
		unsigned char c = (unsigned char)url.p[i];
		if (c <= ' ' || c >= 0x7f || c == '\\')
			return err_set(err, ERR_INVALID,
				"the address holds blanks, controls, backslashes or non-ASCII bytes");
	}
	return 0;
}

static bool
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
		c == '_';
}

/* Decimal, octal and hex forms that some resolvers take for addresses: the last label is a
 * number. */
static bool
looks_numeric(const char *host)
{
	const char *dot = strrchr(host, '.');
	const char *last = dot ? dot + 1 : host;

	if (strspn(last, "0123456789") == strlen(last))
		return true;
	return last[0] == '0' && last[1] == 'x' &&
		strspn(last + 2, "0123456789abcdef") == strlen(last + 2);
}

static int
set_host(struct str host, bool bracketed, struct guard_target *ret, struct err *err)
{
	uint8_t bytes[16];
	bool is_v4;

	if (host.n > 1 && !bracketed && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n == 0 || host.n > GUARD_HOST_BYTES_MAX)
		return err_set(err, ERR_INVALID, "the address names no host");
	for (size_t i = 0; i < host.n; i++) {
		char c = host.p[i];
		ret->host[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		if (!bracketed && !is_host_char(ret->host[i]))
			return err_set(err, ERR_INVALID, "the host name holds \"%c\"", c);
	}
	ret->host[host.n] = '\0';
	ret->is_literal = parse_address(ret->host, bytes, &is_v4);
	if (bracketed ? !ret->is_literal || is_v4 : ret->is_literal && !is_v4)
		return err_set(err, ERR_INVALID, "the host is no address in brackets");
	if (!ret->is_literal && looks_numeric(ret->host))
		return err_set(
			err, ERR_DENIED, "addresses are written as four decimal numbers");
	return 0;
}

static bool
port_is_listed(const struct guard_policy *policy, uint16_t port)
{
	static const uint16_t usual[] = { 80, 443 };
	const uint16_t *ports = policy->ports ? policy->ports : usual;
	size_t n = policy->ports ? policy->n_ports : ARRAY_LEN(usual);

	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

/* Whether some address may be reached on the port: which one is seen when the host is resolved.
 */
static int
check_port(const struct guard_policy *policy, uint16_t port, struct err *err)
{
	if (policy->loopback || port_is_listed(policy, port))
		return 0;
	return err_set(err, ERR_DENIED, "port %u is not allowed", port);
}

int
guard_url(const struct guard_policy *policy, struct str url, struct guard_target *ret,
	struct err *err)
{
	struct guard_target target = { 0 };
	struct str rest = url, host;
	int64_t port;
	bool bracketed;

	if (check_bytes(url, err) < 0 || split_scheme(&rest, &target.is_tls, err) < 0)
		return -1;
	size_t end = 0;

	while (end < rest.n && !strchr("/?#", rest.p[end]))
		end++;
	rest.n = end;
	if (memchr(rest.p, '@', rest.n))
		return err_set(
			err, ERR_DENIED, "names and passwords in addresses are not allowed");
	bracketed = rest.n > 0 && rest.p[0] == '[';
	if (bracketed) {
		rest = str_from(rest.p + 1, rest.n - 1);
		host = str_split_first(&rest, ']');
		if (!rest.p || (rest.n > 0 && rest.p[0] != ':'))
			return err_set(err, ERR_INVALID, "the bracket is not closed");
		rest = rest.n > 0 ? str_from(rest.p + 1, rest.n - 1) : (struct str) { 0 };
	} else {
		host = str_split_first(&rest, ':');
	}
	port = target.is_tls ? 443 : 80;
	if (rest.p && parse_i64(rest, 1, 65535, &port, err) < 0)
		return err_wrap(err, "port");
	target.port = (uint16_t)port;
	if (set_host(host, bracketed, &target, err) < 0 ||
		check_port(policy, target.port, err) < 0)
		return -1;
	*ret = target;
	return 0;
}

/* --- Resolving --- */

static int
check_address(const struct guard_policy *policy, const struct sockaddr *address, uint16_t port,
	struct err *err)
{
	uint8_t bytes[16];

	if (!guard_address_ok(policy, address) || !address_bytes(address, bytes))
		return err_set(
			err, ERR_DENIED, "the host resolves to an address that is not public");
	if (!port_is_listed(policy, port) && !is_own(policy, bytes))
		return err_set(err, ERR_DENIED, "port %u is not allowed there", port);
	return 0;
}

static int
add_addresses(const struct guard_policy *policy, const struct addrinfo *list, uint16_t port,
	struct buf *out, struct err *err)
{
	char text[INET6_ADDRSTRLEN];

	for (const struct addrinfo *one = list; one; one = one->ai_next) {
		bool is_v4 = one->ai_family == AF_INET;
		const void *bytes = is_v4
			? (const void *)&((const struct sockaddr_in *)(void *)one->ai_addr)
				  ->sin_addr
			: (const void *)&((const struct sockaddr_in6 *)(void *)one->ai_addr)
				  ->sin6_addr;

		if (check_address(policy, one->ai_addr, port, err) < 0)
			return -1;
		if (!inet_ntop(one->ai_family, bytes, text, sizeof text) ||
			buf_addf(out, is_v4 ? "%s%s" : "%s[%s]", one == list ? "" : ",", text) <
				0)
			return err_set(err, ERR_LIMIT, "the host has too many addresses");
	}
	return 0;
}

/*
 * One line of CURLOPT_RESOLVE. curl looks its lines up by the host as the address has it, so a
 * name with a dot at its end needs one of its own: without it curl would ask the resolver
 * again.
 */
static int
add_pin(const struct guard_target *target, const char *dot, const char *addresses,
	struct curl_slist **pin, struct err *err)
{
	_cleanup_(buf_deinit) struct buf line = BUF_INIT(16 * 1024);
	bool is_v6 = strchr(target->host, ':') != NULL;
	struct curl_slist *longer;

	if (buf_addf(&line, is_v6 ? "[%s]%s:%u:%s" : "%s%s:%u:%s", target->host, dot,
		    target->port, addresses) < 0)
		return err_set(err, ERR_LIMIT, "the host has too many addresses");
	longer = curl_slist_append(*pin, line.data);
	if (!longer)
		return err_set(err, ERR_INTERNAL, "out of memory");
	*pin = longer;
	return 0;
}

int
guard_pin(const struct guard_policy *policy, const struct guard_target *target,
	struct curl_slist **ret_pin, struct err *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC }, *list;
	_cleanup_(buf_deinit) struct buf addresses = BUF_INIT(15 * 1024);
	struct curl_slist *pin = NULL;
	int r;

	hints.ai_flags = target->is_literal ? AI_NUMERICHOST : AI_ADDRCONFIG;
	r = getaddrinfo(target->host, NULL, &hints, &list);
	if (r != 0)
		return err_set(err, ERR_UNAVAILABLE, "%s does not resolve: %s", target->host,
			gai_strerror(r));
	r = add_addresses(policy, list, target->port, &addresses, err);
	freeaddrinfo(list);
	if (r < 0 || add_pin(target, "", addresses.data, &pin, err) < 0 ||
		(!strchr(target->host, ':') &&
			add_pin(target, ".", addresses.data, &pin, err) < 0)) {
		curl_slist_free_all(pin);
		return -1;
	}
	*ret_pin = pin;
	return 0;
}
