/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_SHA1_H
#define HEDDLE_CAPTURE_GIT_SHA1_H

/*
 * SHA-1 of plain bytes (FIPS 180-4), which git ends its files with; libgit2 offers it for objects alone. It tells damage,
 * and nothing here relies on it against an attacker.
 *
 *     hd_sha1_begin → hd_sha1_add ... → hd_sha1_end
 *
 * Threads     One at a time for a context. Errors: none.
 */

#include <stddef.h>
#include <stdint.h>

#define HD_SHA1_SIZE 20

struct hd_sha1 {
	uint32_t state[5];
	uint64_t size;     /* bytes so far */
	uint8_t block[64]; /* the last ones, of a block that is not full */
};

/* Begins anew; adds bytes; the sum of all that were added, after which only a beginning is possible. */
void hd_sha1_begin(struct hd_sha1 *sha1);
void hd_sha1_add(struct hd_sha1 *sha1, const void *data, size_t size);
void hd_sha1_end(struct hd_sha1 *sha1, uint8_t ret_sum[HD_SHA1_SIZE]);

#endif
