/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: leases runs from a server over HTTP, carries each out in a runner process and gives
 * the results back (docs/protocol/worker.md, docs/protocol/runner.md).
 *
 * worker_main() owns the calling thread until the worker leaves. It blocks SIGTERM and SIGINT
 * for itself: the first of either drains (no more runs; those under way get the grace time and
 * then go back to the server's queue), a second one ends everything at once. Whatever a run
 * started is gone when the call returns, and also when the worker is killed with SIGKILL: see
 * shepherd.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"

struct worker_label {
	const char *key, *value;
};

/* All borrowed until worker_main() returns. Zero or NULL means the default given here. */
struct worker_options {
	const char *url;   /* of the server, "http://127.0.0.1:7777"; required */
	const char *token; /* bearer token; NULL: none */
	const char *id;   /* UUIDv7 chosen by a server that is our parent; default: a new one */
	const char *name; /* for people; default: the host's name */
	const char *data_dir; /* private files live in data_dir/worker; required */
	const struct worker_label *labels;
	size_t n_labels;
	const struct worker_label *resources; /* amounts; cpu and memory are the machine's
						 unless they are here */
	size_t n_resources;
	const char *const *kinds; /* NULL-terminated; NULL: every kind that works here */
	int capacity;             /* runs at a time; default: number of processors */
	const char *runners_dir;  /* JavaScript runners; default: $PROCTOR_RUNNERS_DIR, … */
	const char *node;         /* Node's path; default: found in PATH */
	const char *self;       /* this program, for its own runners; default: /proc/self/exe */
	int64_t grace_ms;       /* from asking a run to end to SIGTERM; default: 10 s */
	int64_t lease_grace_ms; /* added to a lease before its runs are given up; default: 0 */
	int64_t disk_bytes_max; /* files of one run, and of one file in it; default: 1 GiB */
	int64_t memory_short_bytes; /* with less available, idle browsers leave; default: 256
				       MiB */
	bool stop_on_stdin_eof; /* leave at once when stdin ends: the server was our parent */
	bool verbose;
};

/* 0: left as asked; -1 with err: DENIED for a refused token, INVALID for options, else what
 * failed. */
int worker_main(const struct worker_options *options, struct err *err) MUST_CHECK;

/*
 * The hidden command `proctor runner-shepherd …`, which the worker starts for every runner
 * (shepherd.h). argv[0] is the command's own name. Returns the exit status.
 */
int shepherd_main(int argc, char **argv);
