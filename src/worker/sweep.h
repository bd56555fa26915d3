/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finding and signalling processes that must not outlive a run: by descent, or by a marker in
 * their environment when descent was lost. Reads /proc; a process number that is used again
 * between look and signal is never hit (pidfd, start time checked twice).
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/*
 * Sends sig to every living descendant of root but `spare` (0: nobody is spared; its own
 * descendants are hit all the same). Returns how many were there, zombies and, for SIGSTOP,
 * already stopped ones not counted; -1 when /proc cannot be read.
 */
int sweep_descendants(pid_t root, pid_t spare, int sig);

/*
 * The same for every process of ours whose environment at exec held the exact entry `marker`
 * ("PROCTOR_WORKER=…"), but this process.
 */
int sweep_marked(const char *marker, int sig);

/*
 * Numbers of the children of a process into ret, at most max. Returns how many there are
 * (perhaps more than max), or -1 when the kernel does not tell (then sweep_descendants() does).
 * Cheap.
 */
int sweep_children(pid_t pid, pid_t *ret, int max);

/* Stops all descendants until no new ones appear, then kills them: outruns what forks in a
 * loop. */
int sweep_kill_descendants(pid_t root, pid_t spare);
