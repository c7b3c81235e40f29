/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/ewah.h"

#include "capture/git/big_endian.h"

#define LITERALS_SHIFT 33

void hd_ewah_put(struct hd_buffer *buffer, const uint8_t *bits, uint32_t count)
{
	uint32_t literals = (uint32_t)(((uint64_t)count + 63) / 64);

	hd_put_be32(buffer, count);
	hd_put_be32(buffer, literals + 1);
	hd_put_be64(buffer, (uint64_t)literals << LITERALS_SHIFT);
	for (uint32_t word = 0; word < literals; word++) {
		uint64_t value = 0;

		for (uint32_t bit = 0; bit < 64 && word * 64 + bit < count; bit++)
			value |= (uint64_t)(bits[word * 64 + bit] != 0) << bit;
		hd_put_be64(buffer, value);
	}
	hd_put_be32(buffer, 0);
}
