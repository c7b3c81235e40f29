/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_INDEX_STATE_CODEC_H
#define HEDDLE_STORE_INDEX_STATE_CODEC_H

/*
 * State records: the canonical bytes of a state. Their XXH3-128 is the state's id, and they are what the
 * index keeps, so that every reading of a state can be verified.
 *
 *     0   4  magic "HDST"
 *     4   2  version, 1
 *     6   2  flags: 1 is_base, 2 there is a git commit, 4 there are moves, 8 there is a git tree; others zero
 *     8   4  root mode, only 07777
 *     12  8  time: seconds since 1970 (signed)
 *     20  4  time: nanoseconds
 *     24  4  zone: minutes (signed)
 *     28  8  added
 *     36  8  modified
 *     44  8  deleted
 *     52  8  moved
 *     60  .  tree (content_format.h)
 *     .   .  attributes (content_format.h)
 *     .   4  p, number of parents
 *     .   .  p state ids of 16 bytes
 *     .   .  message: text
 *     .   .  author: text
 *     .   4  f, number of facts
 *     .   .  f times {key: text, value: text}, strictly sorted by key
 *     .   .  git commit: text, only with its flag
 *     .   .  moves, only with their flag: 4 their number, m times {from: text, to: text}, strictly sorted by the second
 *     .   .  git tree (content_format.h), only with its flag, which a base in a store that smudges may have
 *
 * A text is its length in 4 bytes and its bytes, without NUL. Little-endian, unaligned, nothing behind the
 * end.
 *
 * Threads     Pure functions. Errors: -EINVAL from encode, -HD_E_STORE_CORRUPT from decode, -ENOMEM.
 */

#include "overlay/platform/buffer.h"
#include "overlay/store/index/index.h"

/* Appends the record of STATE, all fields but its id. A NULL message or author is the empty text. */
int hd_state_encode(const struct hd_state *state, struct hd_buffer *out);

/* The state of a record, its id computed. The caller clears it. */
int hd_state_decode(const void *data, size_t size, struct hd_state *ret_state);

/* The id of a record. */
struct hd_state_id hd_state_id_compute(const void *record, size_t size);

#endif
