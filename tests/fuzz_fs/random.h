/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_FUZZ_FS_RANDOM_H
#define HEDDLE_TESTS_FUZZ_FS_RANDOM_H

/*
 * A random sequence that is the same on every machine for the same seed (splitmix64, Steele et al. 2014).
 */

#include <stdbool.h>
#include <stdint.h>

struct fuzz_random {
	uint64_t state;
};

static inline uint64_t fuzz_random_next(struct fuzz_random *random)
{
	uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

/* 0 to LIMIT - 1; LIMIT is not 0. */
static inline uint64_t fuzz_random_below(struct fuzz_random *random, uint64_t limit)
{
	return fuzz_random_next(random) % limit;
}

static inline bool fuzz_random_chance(struct fuzz_random *random, unsigned percent)
{
	return fuzz_random_below(random, 100) < percent;
}

#endif
