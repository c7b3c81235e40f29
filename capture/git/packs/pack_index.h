/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_PACKS_PACK_INDEX_H
#define HEDDLE_CAPTURE_GIT_PACKS_PACK_INDEX_H

/*
 * Pack index: which objects a pack has, and where they begin, from the bytes of git's index of it (version 2, SHA-1). Nothing in
 * the bytes is believed but after a look: whatever they are, nothing outside of them is read.
 *
 *     "\377tOc", version; 256 numbers of ids up to a first byte; ids; CRC-32s; offsets; offsets of 8 bytes; two sums
 *
 * Ownership   Borrows the bytes. Threads: any.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* So much says how many objects there are. */
#define HD_PACK_INDEX_HEADER_SIZE (8 + 256 * 4)

struct hd_pack_index {
	const uint8_t *bytes;
	uint32_t count;
	size_t n_large;
};

/* How many objects the index that begins with these HD_PACK_INDEX_HEADER_SIZE bytes has; false: it is none that is known. */
bool hd_pack_index_count(const uint8_t *header, uint32_t *ret_count);

/* False when BYTES are no whole index that is known. The sums at its end are not looked at, as git does not. */
bool hd_pack_index_open(const void *bytes, size_t size, struct hd_pack_index *ret_index);

/* Of object NUMBER, below `count`: its id, 20 bytes; the CRC-32 of its bytes in the pack; where they begin, UINT64_MAX: nowhere. */
const uint8_t *hd_pack_index_id(const struct hd_pack_index *index, uint32_t number);
uint32_t hd_pack_index_sum(const struct hd_pack_index *index, uint32_t number);
uint64_t hd_pack_index_offset(const struct hd_pack_index *index, uint32_t number);

#endif
