/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory the machine has left, and what a process with all below it takes. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/str.h"

/* Bytes that programs could have without swapping; -1: the system does not tell. */
int64_t memory_available(void);

/* Bytes of the process and its descendants, what they share counted once; 0: unknown. */
int64_t memory_of_tree(pid_t pid);

/* --- Pure part, for tests --- */

/* Bytes of the line "NAME:   123 kB" of a text such as /proc/meminfo; -1: there is none. */
int64_t memory_line(struct str text, struct str name);
