/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/sha1.h"

#include <endian.h>
#include <string.h>

static uint32_t rotate(uint32_t value, unsigned bits)
{
	return value << bits | value >> (32 - bits);
}

/* FIPS 180-4, 6.1.2, with its names. */
static void digest_block(uint32_t state[5], const uint8_t block[64])
{
	uint32_t w[80], a = state[0], b = state[1], c = state[2], d = state[3], e = state[4];

	memcpy(w, block, 64);
	for (unsigned t = 0; t < 16; t++)
		w[t] = be32toh(w[t]);
	for (unsigned t = 16; t < 80; t++)
		w[t] = rotate(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	for (unsigned t = 0; t < 80; t++) {
		uint32_t f, k, next;

		if (t < 20) {
			f = (b & c) | (~b & d);
			k = 0x5a827999;
		} else if (t < 40 || t >= 60) {
			f = b ^ c ^ d;
			k = t < 40 ? 0x6ed9eba1 : 0xca62c1d6;
		} else {
			f = (b & c) | (b & d) | (c & d);
			k = 0x8f1bbcdc;
		}
		next = rotate(a, 5) + f + e + k + w[t];
		e = d;
		d = c;
		c = rotate(b, 30);
		b = a;
		a = next;
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
}

void hd_sha1_begin(struct hd_sha1 *sha1)
{
	*sha1 = (struct hd_sha1){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}};
}

void hd_sha1_add(struct hd_sha1 *sha1, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	while (size > 0) {
		size_t used = sha1->size % sizeof(sha1->block);
		size_t part = sizeof(sha1->block) - used;

		if (part > size)
			part = size;
		if (part == sizeof(sha1->block)) {
			digest_block(sha1->state, bytes);
		} else {
			memcpy(sha1->block + used, bytes, part);
			if (used + part == sizeof(sha1->block))
				digest_block(sha1->state, sha1->block);
		}
		sha1->size += part;
		bytes += part;
		size -= part;
	}
}

void hd_sha1_end(struct hd_sha1 *sha1, uint8_t ret_sum[HD_SHA1_SIZE])
{
	static const uint8_t padding[64] = {0x80};
	uint64_t bits = htobe64(sha1->size * 8);
	size_t used = sha1->size % sizeof(sha1->block);

	hd_sha1_add(sha1, padding, used < 56 ? 56 - used : 120 - used);
	hd_sha1_add(sha1, &bits, sizeof(bits));
	for (size_t i = 0; i < 5; i++) {
		uint32_t word = htobe32(sha1->state[i]);

		memcpy(ret_sum + 4 * i, &word, sizeof(word));
	}
}
