/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_CHECKSUM_H
#define HEDDLE_PLATFORM_CHECKSUM_H

/*
 * XXH3 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), behind the only file that includes
 * it. XXH3 finds accidents, not attackers: whoever names content by it compares the bytes as well.
 */

#include <stddef.h>
#include <stdint.h>

struct hd_hash128 {
	uint8_t bytes[16]; /* canonical (big-endian) form */
};

/* Seed 0. DATA may be NULL when SIZE is 0. */
uint64_t hd_checksum64(const void *data, size_t size);
/* Of DATA behind what has the checksum BEFORE: for a chain of small parts. */
uint64_t hd_checksum64_continue(uint64_t before, const void *data, size_t size);
struct hd_hash128 hd_hash128(const void *data, size_t size);

/* Streaming form: _new, any number of _update, then _finish, which frees. NULL when memory is short. */
struct hd_hash_stream;
struct hd_hash_stream *hd_hash_stream_new(void);
void hd_hash_stream_update(struct hd_hash_stream *stream, const void *data, size_t size);
struct hd_hash128 hd_hash_stream_finish(struct hd_hash_stream *stream);

#endif
