/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_RANDOM_H
#define HEDDLE_PLATFORM_RANDOM_H

/* A number that nobody else gets, for telling things apart; not for secrets. Threads: any. Errors: none. */

#include <stdint.h>

/* All 64 bits. */
uint64_t hd_random64(void);

#endif
