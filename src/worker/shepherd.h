/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shepherd: a small process between the worker and each runner, whose only task is that
 * nothing of the runner is left behind, however runner or worker end.
 *
 * It is the subreaper of everything that the runner starts, so a process that double-forks or
 * leaves its session still becomes its child. It holds one end of a socket pair; when the
 * worker dies, even by SIGKILL, that end reads end of file, and the shepherd kills the runner
 * and all its descendants and removes its folder. The runner in turn gets SIGKILL when the
 * shepherd dies, and what it had started then becomes the worker's child (the worker is a
 * subreaper too).
 *
 * Command line: runner-shepherd FOLDER CGROUP CWD PROGRAM [ARGUMENT]…, CGROUP "-" for none.
 * Descriptors: 0 /dev/null, 1 and 2 the run's log, 3 the socket, 4 and 5 the runner's 3 and 4.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

enum {
	SHEPHERD_FD_CONTROL = 3,
	SHEPHERD_FD_REQUESTS = 4,
	SHEPHERD_FD_REPLIES = 5,
};

/* One byte from the worker. */
enum shepherd_order {
	SHEPHERD_TERM = 'T', /* SIGTERM to the runner and everything below it */
	SHEPHERD_KILL = 'K', /* SIGKILL to the same, until nothing is left */
	SHEPHERD_CLEAN =
		'C', /* SIGKILL to everything but the runner itself, then SHEPHERD_CLEANED */
};

enum shepherd_word {
	SHEPHERD_STARTED = 1, /* pid */
	SHEPHERD_FAILED,      /* the runner could not be started: text */
	SHEPHERD_CLEANED,
	SHEPHERD_EXITED, /* the runner ended: code and status as in siginfo_t */
	SHEPHERD_EMPTY,  /* nothing is left; the shepherd leaves */
};

/* One message to the worker (SOCK_SEQPACKET). */
struct shepherd_note {
	enum shepherd_word word;
	pid_t pid;
	int code, status;
	int64_t cpu_ms;   /* CLEANED, EMPTY: of all that it watched so far */
	int64_t peak_kib; /* EMPTY: of the greatest process */
	char text[200];
};

int shepherd_main(int argc, char **argv);
