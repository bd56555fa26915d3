/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store that fails on demand, around another one: for the simulator and the engine's tests.
 *
 * Between two faults it is the inner store. Its faults are those that an engine must survive:
 * nothing was loaded, nothing was saved, everything was saved but the answer is an error,
 * another server was faster.
 */
#pragma once

#include "base/rand.h"
#include "store/store.h"

/* Chance of each fault at each call, in parts of 1,000. At most one fault a call. */
struct fault_plan {
	struct rng *rng; /* borrowed; NULL: no faults by chance */
	unsigned load;
	unsigned save_before; /* fails, nothing is saved */
	unsigned save_after;  /* fails, everything is saved */
	unsigned conflict;    /* STORE_CONFLICT, nothing is saved */
};

/* What may be asked for on top, by name, once. */
enum store_fault {
	STORE_FAULT_NONE,
	STORE_FAULT_LOAD,
	STORE_FAULT_SAVE_BEFORE,
	STORE_FAULT_SAVE_AFTER,
	STORE_FAULT_CONFLICT,
};

/* Takes ownership of `inner`. Readers of it are the inner store's own and never fail. */
int store_open_faulty(struct store **ret, struct store *inner, struct fault_plan plan)
	MUST_CHECK;

/* The next call that can fail so, does. */
void store_faulty_next(struct store *store, enum store_fault fault);
