/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load PROTOCOL MODE [option value]...: runs one load and prints one line of JSON.
 *
 *   load proctor   submit|life|latency|streams --port P --token T
 *   load beanstalk submit|life                 --port P
 *
 * Operations that are not answered as they should be are errors; a figure with errors is no
 * figure.
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	EVENTS_MAX = 256,
	INPUT_BYTES = 4 * 1024, /* grows */
	ERRORS_SHOWN = 5,
	DRAIN_SECONDS = 60, /* for what is under way when the time is over */
};

#define NS_PER_SECOND 1000000000.0

static void
die(const char *what)
{
	perror(what);
	exit(2);
}

uint64_t
load_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t
load_digits(const char *text)
{
	int64_t value = 0;

	while (*text >= '0' && *text <= '9' && value < INT64_MAX / 10 - 1)
		value = 10 * value + (*text++ - '0');
	return value;
}

/* --- Counting --- */

void
load_sample(struct load *load, uint64_t ns)
{
	if (load->n_samples == load->samples_cap) {
		load->samples_cap = load->samples_cap ? 2 * load->samples_cap : 65536;
		load->sample_us =
			realloc(load->sample_us, load->samples_cap * sizeof *load->sample_us);
		if (!load->sample_us)
			die("realloc");
	}
	load->sample_us[load->n_samples++] = (uint32_t)(ns / 1000);
}

void
load_count(struct load *load, struct load_conn *conn, int64_t n)
{
	uint64_t now = load_now_ns();

	if (now < load->measure_ns || now >= load->end_ns)
		return;
	load->counted += n;
	load_sample(load, now - conn->sent_ns);
}

void
load_error(struct load *load, const char *what, const char *detail, size_t len)
{
	if (load->errors++ < ERRORS_SHOWN)
		fprintf(stderr, "load: %s: %.*s\n", what, len > 500 ? 500 : (int)len, detail);
	if (load->errors > 1000)
		load->done = true;
}

void
load_park(struct load *load, struct load_conn *conn)
{
	conn->next_idle = load->idle;
	load->idle = conn;
}

struct load_conn *
load_unpark(struct load *load)
{
	struct load_conn *conn = load->idle;

	if (conn)
		load->idle = conn->next_idle;
	return conn;
}

/* --- Connections --- */

void
load_connect(struct load *load, int first, int n, const struct load_role *role)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)load->options->port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int on = 1;

	for (int i = first; i < first + n; i++) {
		struct load_conn *conn = &load->conns[i];
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };

		conn->role = role;
		conn->in_cap = INPUT_BYTES;
		conn->in = malloc(conn->in_cap);
		conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (!conn->in || conn->fd < 0)
			die("socket");
		if (connect(conn->fd, (struct sockaddr *)&address, sizeof address) < 0)
			die("connect");
		setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		fcntl(conn->fd, F_SETFL, O_NONBLOCK);
		if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, conn->fd, &event) < 0)
			die("epoll_ctl");
	}
}

static void
conn_close(struct load *load, struct load_conn *conn, const char *why)
{
	load_error(load, conn->role->name, why, strlen(why));
	close(conn->fd);
	conn->fd = -1;
	/* A closed loop with a client fewer is another measurement. */
	load->done = true;
}

static void
conn_write(struct load *load, struct load_conn *conn)
{
	while (conn->out_sent < conn->out_len) {
		ssize_t n = send(conn->fd, conn->out + conn->out_sent,
			conn->out_len - conn->out_sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			struct epoll_event event = { .events = EPOLLIN | EPOLLOUT,
				.data.ptr = conn };

			epoll_ctl(load->epoll, EPOLL_CTL_MOD, conn->fd, &event);
			return;
		}
		if (n < 0) {
			conn_close(load, conn, strerror(errno));
			return;
		}
		conn->out_sent += (size_t)n;
	}
}

void
load_send(struct load *load, struct load_conn *conn, const char *data, size_t len)
{
	if (len > conn->out_cap) {
		conn->out_cap = len;
		conn->out = realloc(conn->out, len);
		if (!conn->out)
			die("realloc");
	}
	memcpy(conn->out, data, len);
	conn->out_len = len;
	conn->out_sent = 0;
	conn->sent_ns = load_now_ns();
	conn_write(load, conn);
}

/* Takes the replies that are complete; a role may send from within. */
static void
conn_take_replies(struct load *load, struct load_conn *conn)
{
	while (conn->in_len > 0 && conn->fd >= 0 && !load->done) {
		size_t len = conn->role->frame(conn->in, conn->in_len);

		if (len == LOAD_BROKEN) {
			load_error(load, "unexpected reply", conn->in, conn->in_len);
			load->done = true;
			return;
		}
		if (len == 0)
			return;
		conn->role->reply(load, conn, conn->in, len);
		conn->in_len -= len;
		memmove(conn->in, conn->in + len, conn->in_len);
	}
}

static void
conn_read(struct load *load, struct load_conn *conn)
{
	ssize_t n;

	if (conn->in_len == conn->in_cap) {
		conn->in_cap *= 2;
		conn->in = realloc(conn->in, conn->in_cap);
		if (!conn->in)
			die("realloc");
	}
	n = recv(conn->fd, conn->in + conn->in_len, conn->in_cap - conn->in_len, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		conn_close(load, conn, n < 0 ? strerror(errno) : "closed by the server");
		return;
	}
	conn->in_len += (size_t)n;
	conn_take_replies(load, conn);
}

static void
conn_ready(struct load *load, struct load_conn *conn, uint32_t events)
{
	if (conn->fd >= 0 && (events & EPOLLOUT)) {
		struct epoll_event event = { .events = EPOLLIN, .data.ptr = conn };

		epoll_ctl(load->epoll, EPOLL_CTL_MOD, conn->fd, &event);
		conn_write(load, conn);
	}
	if (conn->fd >= 0 && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		conn_read(load, conn);
}

/* --- The loop --- */

/* Milliseconds until the next thing that is due by time. */
static int
wait_ms(const struct load *load, uint64_t now)
{
	uint64_t due =
		load->stopping ? load->end_ns + DRAIN_SECONDS * 1000000000ull : load->end_ns;

	if (load->timer_ns && load->timer_ns < due)
		due = load->timer_ns;
	return due <= now ? 0 : (int)((due - now + 999999) / 1000000);
}

static void
loop_run(struct load *load)
{
	struct epoll_event events[EVENTS_MAX];

	while (!load->done) {
		uint64_t now = load_now_ns();
		int n = epoll_wait(load->epoll, events, EVENTS_MAX, wait_ms(load, now));

		for (int i = 0; i < n && !load->done; i++)
			conn_ready(load, events[i].data.ptr, events[i].events);

		now = load_now_ns();
		if (load->timer_ns && now >= load->timer_ns) {
			load->timer_ns = 0;
			load->on_timer(load);
		}
		if (now >= load->end_ns)
			load->stopping = true;
		if (load->stopping && now >= load->end_ns + DRAIN_SECONDS * 1000000000ull) {
			load_error(load, "drain", "not over in time", 16);
			load->done = true;
		}
		/* Without pollers nothing has to be completed. */
		if (load->stopping &&
			(load->options->pollers == 0 || load->options->keep_backlog ||
				load->completed >= load->submitted))
			load->done = true;
	}
}

/* --- Report --- */

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static double
percentile_ms(const struct load *load, double share)
{
	size_t at = (size_t)(share * (double)load->n_samples);

	if (load->n_samples == 0)
		return 0;
	return load->sample_us[at < load->n_samples ? at : load->n_samples - 1] / 1000.0;
}

static void
report(struct load *load)
{
	uint64_t now = load_now_ns();
	uint64_t end = load->options->count || now < load->end_ns ? now : load->end_ns;
	double seconds = (double)(end - load->measure_ns) / NS_PER_SECOND;

	if (load->n_samples > 0)
		qsort(load->sample_us, load->n_samples, sizeof *load->sample_us, by_value);
	printf("{\"ops\":%" PRId64 ",\"seconds\":%.3f,\"rate\":%.1f,\"errors\":%" PRId64
	       ",\"submitted\":%" PRId64 ",\"completed\":%" PRId64
	       ",\"p50Ms\":%.3f,\"p99Ms\":%.3f,\"maxMs\":%.3f}\n",
		load->counted, seconds, (double)load->counted / seconds, load->errors,
		load->submitted, load->completed, percentile_ms(load, 0.5),
		percentile_ms(load, 0.99), percentile_ms(load, 1));
}

/* --- Options --- */

static double
number(const char *name, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (*text == '\0' || *end != '\0' || value < 0) {
		fprintf(stderr, "load: %s: not a number: %s\n", name, text);
		exit(2);
	}
	return value;
}

static void
option_set(struct load_options *options, const char *name, const char *value)
{
	const struct {
		const char *name;
		int *place;
	} ints[] = {
		{ "--port", &options->port },
		{ "--clients", &options->clients },
		{ "--pollers", &options->pollers },
		{ "--bulk", &options->bulk },
		{ "--body", &options->body_bytes },
		{ "--ahead", &options->ahead },
		{ "--gap-ms", &options->gap_ms },
	};

	for (size_t i = 0; i < sizeof ints / sizeof *ints; i++) {
		if (strcmp(name, ints[i].name) == 0) {
			*ints[i].place = (int)number(name, value);
			return;
		}
	}
	if (strcmp(name, "--count") == 0)
		options->count = (int64_t)number(name, value);
	else if (strcmp(name, "--seconds") == 0)
		options->seconds = number(name, value);
	else if (strcmp(name, "--warmup") == 0)
		options->warmup = number(name, value);
	else if (strcmp(name, "--keep-backlog") == 0)
		options->keep_backlog = number(name, value) != 0;
	else if (strcmp(name, "--token") == 0)
		options->token = value;
	else {
		fprintf(stderr, "load: unknown option %s\n", name);
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	struct load_options options = { .clients = 1,
		.bulk = 1,
		.body_bytes = 200,
		.ahead = 256,
		.gap_ms = 20,
		.seconds = 3,
		.warmup = 0.3,
		.token = "" };
	struct load load = { .options = &options };
	struct rlimit files;

	getrlimit(RLIMIT_NOFILE, &files);
	if (argc < 3 || argc % 2 == 0) {
		fprintf(stderr, "usage: load proctor|beanstalk MODE [option value]...\n");
		return 2;
	}
	options.mode = argv[2];
	for (int i = 3; i < argc; i += 2)
		option_set(&options, argv[i], argv[i + 1]);

	signal(SIGPIPE, SIG_IGN);
	files.rlim_cur = (rlim_t)(options.clients + options.pollers + 64);
	if (files.rlim_max < files.rlim_cur)
		files.rlim_max = files.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &files) < 0)
		die("file descriptors");
	load.epoll = epoll_create1(EPOLL_CLOEXEC);
	load.n_conns = options.clients + options.pollers + 1; /* streams also submit */
	load.conns = calloc((size_t)load.n_conns, sizeof *load.conns);
	if (load.epoll < 0 || !load.conns)
		die("load");
	load.begin_ns = load_now_ns();
	load.measure_ns = load.begin_ns + (uint64_t)(options.warmup * NS_PER_SECOND);
	load.end_ns = load.measure_ns + (uint64_t)(options.seconds * NS_PER_SECOND);

	if (strcmp(argv[1], "proctor") == 0)
		load_proctor_start(&load);
	else if (strcmp(argv[1], "beanstalk") == 0)
		load_beanstalk_start(&load);
	else
		return 2;
	loop_run(&load);
	if (load.counted == 0)
		load_error(&load, "nothing was counted", "", 0);
	report(&load);
	return load.errors != 0;
}
