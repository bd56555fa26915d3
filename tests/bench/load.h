/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Load generator: closed-loop clients on one thread and one epoll descriptor, cheap enough not
 * to be the limit. A connection has at most one request under way; a role says what its replies
 * look like and what comes next. Roles: load_proctor.c (HTTP), load_beanstalk.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOAD_BROKEN SIZE_MAX

struct load;
struct load_conn;

struct load_role {
	const char *name;

	/* Length of the whole reply at the start of the input; 0: not all there; LOAD_BROKEN.
	 */
	size_t (*frame)(const char *in, size_t len);

	/* A reply is complete. Sends the next request, or leaves the connection idle. */
	void (*reply)(struct load *load, struct load_conn *conn, const char *in, size_t len);
};

struct load_conn {
	const struct load_role *role;
	int fd;
	char *out; /* request under way */
	size_t out_len, out_sent, out_cap;
	char *in;
	size_t in_len, in_cap;
	uint64_t sent_ns; /* when the request began to be written */
	struct load_conn *next_idle;

	/* Of the roles: the worker's id and the run or the job that it holds. */
	char worker[40], held[40];
	int64_t fence;
	bool holds, finishing, is_finished;
};

struct load_options {
	const char *mode; /* submit, life, latency, streams */
	const char *token;
	int port;
	int clients, pollers;
	int bulk;       /* jobs in one request; 1: one job, not the bulk form */
	int body_bytes; /* payload of a job, about */
	int ahead;      /* life: jobs submitted and not yet completed, at most */
	int gap_ms;     /* latency, streams: pause between two jobs */
	int64_t count;  /* stop after so many operations; 0: by time */
	double seconds, warmup;
	bool keep_backlog; /* life: a backlog is there; submit without bound, leave it */
};

struct load {
	const struct load_options *options;
	int epoll;
	struct load_conn *conns;
	int n_conns;
	struct load_conn *idle; /* submitters that wait for completions */

	uint64_t begin_ns, measure_ns, end_ns;
	bool stopping;
	int64_t submitted, completed; /* jobs, all of them */
	int64_t counted;              /* operations inside the measured time */
	int64_t errors;
	uint32_t *sample_us; /* latency of counted operations */
	size_t n_samples, samples_cap;
	uint64_t timer_ns; /* when load->on_timer is due; 0: never */
	void (*on_timer)(struct load *load);
	bool done;
};

uint64_t load_now_ns(void);

/* The decimal number at `text`, which a reply has vouched for; 0 when there is none. */
int64_t load_digits(const char *text);

/* Starts a request; the connection must be idle. Copies the bytes. */
void load_send(struct load *load, struct load_conn *conn, const char *data, size_t len);

/* Counts one finished operation of n jobs, and its latency, when inside the measured time. */
void load_count(struct load *load, struct load_conn *conn, int64_t n);
void load_sample(struct load *load, uint64_t ns);

/* Counts an error; the first few are printed on stderr. */
void load_error(struct load *load, const char *what, const char *detail, size_t len);

/* Puts a submitter aside, and takes one back. */
void load_park(struct load *load, struct load_conn *conn);
struct load_conn *load_unpark(struct load *load);

/* Protocols: connect what the mode needs and send the first requests. */
void load_proctor_start(struct load *load);
void load_beanstalk_start(struct load *load);

/* Connects load->conns[first … first + n - 1]. */
void load_connect(struct load *load, int first, int n, const struct load_role *role);
