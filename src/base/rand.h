/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two sources of chance that must not be mixed up: struct rng is fast, seeded and repeatable
 * (for the simulator, jitter, ids); rand_bytes() is for secrets.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* xoshiro256**; not for secrets; not thread-safe: one owner each. */
struct rng {
	uint64_t s[4];
	int64_t id_ms;   /* time inside the last id that uuid_v7() made */
	uint32_t id_seq; /* and its counter */
};

/* The same seed gives the same sequence on every machine. */
void rng_seed(struct rng *rng, uint64_t seed);

/* Seeds from the operating system. */
void rng_seed_os(struct rng *rng);

uint64_t rng_u64(struct rng *rng);

/* Uniform in 0 … n - 1, without bias; n >= 1. */
uint64_t rng_below(struct rng *rng, uint64_t n);

/* Uniform in [0, 1), 53 bits. */
double rng_unit(struct rng *rng);

/* Unpredictable bytes from the operating system, for tokens and keys. Thread-safe. */
void rand_bytes(void *out, size_t len);
