/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_EWAH_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_EWAH_H

/*
 * EWAH: bitmaps as git writes them (git's Documentation/technical/bitmap-format.txt, appendix A), integers big-endian:
 *
 *     u32   bits
 *     u32   words
 *     u64   words: a run-length word (bit 0: the value that is repeated, bits 1-32: how many words of it, bits 33-63: how many
 *           literal words follow), literal words, and so on; the lowest bit of a word is the first
 *     u32   index of the last run-length word
 *
 * Written with one run-length word, which says that all are literal.
 *
 * Threads: pure functions. Errors: latched in the buffer.
 */

#include "overlay/platform/buffer.h"

/* COUNT bits of BITS, one a byte. */
void hd_ewah_put(struct hd_buffer *buffer, const uint8_t *bits, uint32_t count);

#endif
