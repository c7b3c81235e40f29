/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_INDEX_EXTENSIONS_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_INDEX_EXTENSIONS_H

/*
 * Index extensions: what git keeps in an index behind its entries, and libgit2 neither reads nor writes.
 *
 *     FSMN  u32 version (2), text token, u32 size of what follows, EWAH of the entries that are not as the index says
 *
 * (git's Documentation/gitformat-index.txt, "File System Monitor cache".) The index ends with the SHA-1 of all before it.
 *
 * Ownership   Everything is borrowed. Threads: any. Errors: -errno; latched in the buffer.
 */

#include "overlay/platform/buffer.h"

/* Appends FSMN, for an index all of whose entries are as it says, but for what whoever gave TOKEN has seen change since. */
void hd_fsmonitor_extension_put(struct hd_buffer *buffer, const char *token);

#endif
