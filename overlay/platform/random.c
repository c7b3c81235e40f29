/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/random.h"

#include <sys/random.h>
#include <unistd.h>

#include "overlay/platform/checksum.h"
#include "overlay/platform/clock.h"

uint64_t hd_random64(void)
{
	uint64_t seed[2];

	if (getrandom(seed, sizeof(seed), GRND_NONBLOCK) != (ssize_t)sizeof(seed)) {
		/* Early in a boot the kernel has none: time and process tell two files apart, too. */
		seed[0] = hd_clock_monotonic_ns() ^ (uint64_t)getpid() << 40;
		seed[1] = (uint64_t)hd_clock_now().tv_nsec;
	}
	return hd_checksum64(seed, sizeof(seed));
}
