/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting, signalling and reaping child processes from a program with threads.
 *
 * The child runs only async-signal-safe calls between fork and exec, gets default signal
 * handlers and an empty signal mask, and inherits exactly the descriptors that are named. A
 * child that cannot exec is reported as an error of spawn_start(), with the step that failed.
 */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"

/* Descriptor `from` of this process becomes `to` (>= 3) of the child. */
struct spawn_fd {
	int from, to;
};

struct spawn_rlimit {
	int resource;        /* RLIMIT_… */
	uint64_t soft, hard; /* in the resource's unit; UINT64_MAX: no limit */
};

/* Everything is borrowed until spawn_start() returns. */
struct spawn_spec {
	const char *const *argv;   /* NULL-terminated; argv[0] is the path, looked up in PATH of
				      env   when it has no slash */
	const char *const *env;    /* "NAME=value", NULL-terminated; NULL: this process's own */
	const char *cwd;           /* NULL: this process's own */
	int fd_in, fd_out, fd_err; /* -1: /dev/null; may name the same descriptor twice */
	const struct spawn_fd *map; /* more descriptors; targets all different */
	size_t n_map;               /* at most SPAWN_FDS_MAX */
	const struct spawn_rlimit *rlimits;
	size_t n_rlimits;
	const char *cgroup_dir; /* cgroup v2 folder to join before exec; NULL: none */
	bool new_group;         /* leads its own process group */
	bool new_session;       /* leads its own session (implies new_group) */
	bool death_signal;      /* SIGKILL when the starting *thread* ends */
};

struct spawn_child {
	pid_t pid;
	int pidfd; /* readable once the child has ended; close it after reaping */
};

#define SPAWN_CHILD_INIT               \
	{                              \
		.pid = -1, .pidfd = -1 \
	}

/* 0: running, the caller reaps it and closes ret->pidfd. -1: nothing is left behind. */
int spawn_start(struct spawn_child *ret, const struct spawn_spec *spec, struct err *err)
	MUST_CHECK;

enum {
	SPAWN_RUNNING = 1, /* spawn_reap(), spawn_wait(): it has not ended yet */
	SPAWN_GONE = 1,    /* spawn_signal…(): there is no such process or group any more */
};

/* To the child alone; safe against reuse of process numbers. 0 or SPAWN_GONE. */
int spawn_signal(int pidfd, int sig, struct err *err) MUST_CHECK;

/*
 * To every process of the group that `pid` leads. Call it before the leader is reaped, because
 * the unreaped leader keeps the number from being used again. 0 or SPAWN_GONE.
 */
int spawn_signal_group(pid_t pid, int sig, struct err *err) MUST_CHECK;

/* Takes the exit status without waiting: si_code CLD_EXITED, CLD_KILLED or CLD_DUMPED with
 * si_status. 0 or SPAWN_RUNNING. */
int spawn_reap(int pidfd, siginfo_t *ret, struct err *err) MUST_CHECK;

/* The same, waiting up to timeout_ms (-1: for ever). Blocks: not for the loop thread. */
int spawn_wait(int pidfd, int timeout_ms, siginfo_t *ret, struct err *err) MUST_CHECK;
