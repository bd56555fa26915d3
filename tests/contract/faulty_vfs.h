/* SPDX-License-Identifier: Apache-2.0 */
/* A layer under SQLite whose writes and syncs fail on demand, as a broken or full disk does. */
#pragma once

#include <stdbool.h>

/* Becomes SQLite's default; undone by faulty_vfs_remove(). */
void faulty_vfs_install(void);
void faulty_vfs_remove(void);

/* The nth write or sync from now on fails, and all after it. 0: none. */
void faulty_vfs_arm(unsigned nth);
/* True when a call has failed since the last faulty_vfs_arm(). */
bool faulty_vfs_hit(void);
