/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host patterns are kept as sorted names with flags: "the host itself" and "what is below it".
 * To look a host up, it and each of its parents is searched: a.b.c, then b.c, then c.
 */
#include "browser_format/hosts.h"

#include <arpa/inet.h>
#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/parse.h"

enum {
	HOST_SELF = 1,
	HOST_BELOW = 2,
	HOST_BYTES_MAX = 253,
};

/* Facts, kept short on purpose: a user's own list is what really blocks (§4). */
static const char *const ad_hosts[] = {
	"2mdn.net",
	"ads-twitter.com",
	"adform.net",
	"adnxs.com",
	"adroll.com",
	"adsafeprotected.com",
	"adservice.google.com",
	"adsrvr.org",
	"amazon-adsystem.com",
	"bat.bing.com",
	"casalemedia.com",
	"connect.facebook.net",
	"criteo.com",
	"criteo.net",
	"doubleclick.net",
	"google-analytics.com",
	"googleadservices.com",
	"googlesyndication.com",
	"googletagmanager.com",
	"googletagservices.com",
	"hotjar.com",
	"media.net",
	"mookie1.com",
	"moatads.com",
	"openx.net",
	"outbrain.com",
	"pubmatic.com",
	"quantserve.com",
	"rubiconproject.com",
	"scorecardresearch.com",
	"smartadserver.com",
	"taboola.com",
	"teads.tv",
	"yieldmo.com",
	"zedo.com",
};

void
host_set_init(struct host_set *set)
{
	*set = (struct host_set) { .text = BUF_INIT(HOSTS_BYTES_MAX) };
}

void
host_set_deinit(struct host_set *set)
{
	buf_deinit(&set->text);
	free(set->entry);
	*set = (struct host_set) { 0 };
}

/* --- Reading patterns --- */

static bool
is_host_char(char c)
{
	return isalnum((unsigned char)c) || c == '-' || c == '_';
}

/* Labels of 1 … 63 bytes between dots. Not an address in brackets. */
static bool
is_host_name(struct str host)
{
	size_t label = 0;

	if (host.n == 0 || host.n > HOST_BYTES_MAX)
		return false;
	for (size_t i = 0; i < host.n; i++) {
		if (host.p[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!is_host_char(host.p[i]) || ++label > 63) {
			return false;
		}
	}
	return label > 0;
}

static bool
is_bracketed(struct str host)
{
	if (host.n < 4 || host.n > 47 || host.p[0] != '[' || host.p[host.n - 1] != ']')
		return false;
	for (size_t i = 1; i + 1 < host.n; i++)
		if (!isxdigit((unsigned char)host.p[i]) && host.p[i] != ':' && host.p[i] != '.')
			return false;
	return true;
}

/* Cuts ":port" off. 0 with *ret_port (0: none), or -1. */
static int
cut_port(struct str *host, unsigned *ret_port)
{
	size_t at = host->n;

	*ret_port = 0;
	while (at > 0 && isdigit((unsigned char)host->p[at - 1]))
		at--;
	if (at == host->n || at == 0 || host->p[at - 1] != ':')
		return 0;
	int64_t port;
	if (parse_i64(str_from(host->p + at, host->n - at), 1, 65535, &port, NULL) < 0)
		return -1;
	*ret_port = (unsigned)port;
	host->n = at - 1;
	return 0;
}

static int
host_set_put(struct host_set *set, struct str host, unsigned port, int flags, struct err *err)
{
	char key[HOST_BYTES_MAX + 16];
	size_t len = 0;

	if (set->n == HOSTS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d hosts", HOSTS_MAX);
	key[len++] = (char)flags;
	for (size_t i = 0; i < host.n; i++)
		key[len++] = (char)tolower((unsigned char)host.p[i]);
	if (port != 0)
		len += (size_t)snprintf(key + len, sizeof(key) - len, ":%u", port);
	key[len++] = '\0';

	size_t offset = set->text.len;
	if (buf_add(&set->text, key, len) < 0)
		return err_set(err, ERR_LIMIT, "the lists of hosts are over %d MiB",
			(int)(HOSTS_BYTES_MAX / MIB(1)));
	if (set->n == set->cap) {
		set->cap = set->cap ? 2 * set->cap : 64;
		set->entry = xreallocarray(set->entry, set->cap, sizeof *set->entry);
	}
	set->entry[set->n++] = (uint32_t)offset;
	set->is_sorted = false;
	set->has_ports |= port != 0;
	return 0;
}

int
host_set_add(struct host_set *set, struct str pattern, struct err *err)
{
	struct str host = pattern;
	int flags = HOST_SELF | HOST_BELOW;
	unsigned port;

	if (str_eqz(host, "*")) {
		set->has_all = true;
		return 0;
	}
	if (str_starts(host, STR("="))) {
		flags = HOST_SELF;
		host = str_from(host.p + 1, host.n - 1);
	} else if (str_starts(host, STR("*."))) {
		flags = HOST_BELOW;
		host = str_from(host.p + 2, host.n - 2);
	}
	if (cut_port(&host, &port) < 0)
		return err_set(err, ERR_INVALID, "the port of \"%.*s\" is not 1 … 65535",
			(int)(pattern.n < 60 ? pattern.n : 60), pattern.p);
	if (is_bracketed(host)) {
		flags = HOST_SELF;
	} else {
		if (host.n > 1 && host.p[host.n - 1] == '.')
			host.n--;
		if (!is_host_name(host))
			return err_set(err, ERR_INVALID,
				"\"%.*s\" is no host pattern (host, =host, *.host or *, with "
				":port or without; other alphabets as xn--…)",
				(int)(pattern.n < 60 ? pattern.n : 60),
				pattern.p ? pattern.p : "");
	}
	return host_set_put(set, host, port, flags, err);
}

/* --- Reading files --- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct str
next_word(struct str *line)
{
	size_t from = 0, to;

	while (from < line->n && is_blank(line->p[from]))
		from++;
	for (to = from; to < line->n && !is_blank(line->p[to]); to++)
		;
	struct str word = str_from(line->p + from, to - from);
	*line = str_from(line->p + to, line->n - to);
	return word;
}

/* An IPv4 or IPv6 address: what begins a line of a hosts file. */
static bool
is_address(struct str word)
{
	char text[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	const char *zone = word.n > 0 ? memchr(word.p, '%', word.n) : NULL;
	size_t n = zone ? (size_t)(zone - word.p) : word.n;

	if (n == 0 || n >= sizeof text)
		return false;
	memcpy(text, word.p, n);
	text[n] = '\0';
	return inet_pton(AF_INET, text, bytes) == 1 || inet_pton(AF_INET6, text, bytes) == 1;
}

/* Names that a hosts file gives to the machine itself. */
static bool
is_own_name(struct str name)
{
	static const char *const own[] = { "localhost", "localhost.localdomain", "local",
		"broadcasthost" };

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (str_eq_nocase(name, str_of(own[i])))
			return true;
	return str_starts(name, STR("ip6-")) || is_address(name);
}

/* 0: an entry or nothing of interest, 1: no entry, -1: a limit. */
static int
add_line(struct host_set *set, struct str line, struct host_file *file, struct err *err)
{
	struct err why;
	struct str word = next_word(&line);
	size_t before = set->n;
	bool is_hosts_file = is_address(word);

	if (is_hosts_file) {
		struct str address = word;
		word = next_word(&line);
		if (word.n == 0) { /* alone it is a pattern */
			is_hosts_file = false;
			word = address;
		}
	}
	for (; word.n > 0; word = next_word(&line)) {
		if (is_hosts_file && is_own_name(word))
			continue;
		if (host_set_add(set, word, &why) < 0) {
			if (why.code != ERR_LIMIT)
				return 1;
			*err = why;
			return -1;
		}
		if (!is_hosts_file && next_word(&line).n > 0)
			return 1; /* a sentence, not an entry */
	}
	file->n_added += set->n - before;
	return 0;
}

/* Without what follows # (anywhere) or ! (at the start), and without blanks around. */
static struct str
strip_comment(struct str line)
{
	const char *mark = line.n > 0 ? memchr(line.p, '#', line.n) : NULL;

	if (mark)
		line.n = (size_t)(mark - line.p);
	line = str_trim(line);
	return str_starts(line, STR("!")) ? (struct str) { 0 } : line;
}

int
host_set_add_file(
	struct host_set *set, struct str content, struct host_file *ret, struct err *err)
{
	struct host_file file = { 0 };
	size_t n_entries = 0;
	struct str rest = content;

	if (str_starts(rest, STR("\xef\xbb\xbf")))
		rest = str_from(rest.p + 3, rest.n - 3);
	while (rest.p) {
		struct str line = strip_comment(str_split_first(&rest, '\n'));
		file.n_lines++;
		if (line.n == 0)
			continue;
		n_entries++;
		int r = line.n > HOSTS_LINE_BYTES_MAX ? 1 : add_line(set, line, &file, err);
		if (r < 0)
			return -1;
		if (r > 0 && file.n_wrong++ == 0)
			file.first_wrong = file.n_lines;
	}
	*ret = file;
	if (2 * file.n_wrong > n_entries)
		return err_set(err, ERR_INVALID,
			"%zu of %zu lines are no hosts, the first is line %zu", file.n_wrong,
			n_entries, file.first_wrong);
	return 0;
}

void
host_set_add_ads(struct host_set *set)
{
	for (size_t i = 0; i < ARRAY_LEN(ad_hosts); i++)
		/* Only a full set refuses it, and then it blocks enough. */
		(void)host_set_put(set, str_of(ad_hosts[i]), 0, HOST_SELF | HOST_BELOW, NULL);
}

/* --- Looking up --- */

static int
compare_entries(const void *a, const void *b, void *text)
{
	return strcmp((char *)text + *(const uint32_t *)a + 1,
		(char *)text + *(const uint32_t *)b + 1);
}

/* The flags of all entries with that key. */
static int
find(const struct host_set *set, const char *key)
{
	size_t low = 0, high = set->n;
	int flags = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (strcmp(set->text.data + set->entry[middle] + 1, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < set->n && strcmp(set->text.data + set->entry[low] + 1, key) == 0; low++)
		flags |= set->text.data[set->entry[low]];
	return flags;
}

/* Whether `key` (with or without a port behind its host) or a parent of it is there. */
static bool
has_key(const struct host_set *set, const char *key)
{
	if (find(set, key) & HOST_SELF)
		return true;
	if (key[0] == '[')
		return false;
	for (const char *dot = strchr(key, '.'); dot; dot = strchr(dot + 1, '.'))
		if (find(set, dot + 1) & HOST_BELOW)
			return true;
	return false;
}

bool
host_set_has(struct host_set *set, struct str host, unsigned port)
{
	char key[HOST_BYTES_MAX + 16];

	if (set->has_all)
		return true;
	if (host.n > 1 && host.p[host.n - 1] == '.')
		host.n--;
	if (set->n == 0 || host.n == 0 || host.n > HOST_BYTES_MAX)
		return false;
	if (!set->is_sorted) {
		qsort_r(set->entry, set->n, sizeof *set->entry, compare_entries,
			set->text.data);
		set->is_sorted = true;
	}
	for (size_t i = 0; i < host.n; i++)
		key[i] = (char)tolower((unsigned char)host.p[i]);
	key[host.n] = '\0';
	if (has_key(set, key))
		return true;
	if (!set->has_ports || port == 0)
		return false;
	snprintf(key + host.n, sizeof(key) - host.n, ":%u", port);
	return has_key(set, key);
}

/* --- URLs --- */

static unsigned
default_port(struct str scheme)
{
	static const struct {
		const char *scheme;
		unsigned port;
	} known[] = { { "http", 80 }, { "https", 443 }, { "ws", 80 }, { "wss", 443 },
		{ "ftp", 21 } };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq_nocase(scheme, str_of(known[i].scheme)))
			return known[i].port;
	return 0;
}

int
url_host(struct str url, struct str *ret_host, unsigned *ret_port)
{
	const char *colon = url.n > 0 ? memchr(url.p, ':', url.n) : NULL;

	if (!colon || url.n - (size_t)(colon - url.p) < 4 || colon[1] != '/' || colon[2] != '/')
		return -1;
	struct str host = str_from(colon + 3, url.n - (size_t)(colon + 3 - url.p));
	size_t end = 0;
	while (end < host.n && !strchr("/?#\\", host.p[end]))
		end++;
	host.n = end;
	const char *at = host.n > 0 ? memrchr(host.p, '@', host.n) : NULL;
	if (at)
		host = str_from(at + 1, host.n - (size_t)(at + 1 - host.p));

	unsigned port;
	if (cut_port(&host, &port) < 0 || host.n == 0)
		return -1;
	*ret_host = host;
	*ret_port = port ? port : default_port(str_from(url.p, (size_t)(colon - url.p)));
	return 0;
}

bool
host_set_has_url(struct host_set *set, struct str url, bool *ret_has_host)
{
	struct str host;
	unsigned port;
	bool has_host = url_host(url, &host, &port) == 0;

	if (ret_has_host)
		*ret_has_host = has_host;
	return has_host && host_set_has(set, host, port);
}
