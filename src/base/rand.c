/* SPDX-License-Identifier: Apache-2.0 */
#include "base/rand.h"

#include <assert.h>
#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>

static pthread_once_t sodium_once = PTHREAD_ONCE_INIT;

/* Without its init, libsodium's own state is not ready for threads. */
static void
init_sodium(void)
{
	if (sodium_init() < 0)
		abort();
}

void
rand_bytes(void *out, size_t len)
{
	pthread_once(&sodium_once, init_sodium);
	if (len > 0)
		randombytes_buf(out, len);
}

/* splitmix64: spreads a small seed over the whole state, which must not be all zero. */
static uint64_t
splitmix64(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

void
rng_seed(struct rng *rng, uint64_t seed)
{
	*rng = (struct rng) { .id_ms = -1 };
	for (size_t i = 0; i < 4; i++)
		rng->s[i] = splitmix64(&seed);
}

void
rng_seed_os(struct rng *rng)
{
	rng_seed(rng, 0);
	/* All 256 bits: ids of two processes must not meet. */
	do
		rand_bytes(rng->s, sizeof(rng->s));
	while ((rng->s[0] | rng->s[1] | rng->s[2] | rng->s[3]) == 0);
}

static uint64_t
rotate_left(uint64_t x, unsigned n)
{
	return (x << n) | (x >> (64 - n));
}

uint64_t
rng_u64(struct rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t result = rotate_left(s[1] * 5, 7) * 9;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate_left(s[3], 45);
	return result;
}

uint64_t
rng_below(struct rng *rng, uint64_t n)
{
	assert(n > 0);
	/* The last, incomplete stretch of n values is thrown away: no value is favoured. */
	uint64_t skip = -n % n;
	uint64_t x;
	do
		x = rng_u64(rng);
	while (x < skip);
	return x % n;
}

double
rng_unit(struct rng *rng)
{
	return (double)(rng_u64(rng) >> 11) * 0x1p-53;
}
