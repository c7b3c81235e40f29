/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_NAMES_REMOVE_NODE_H
#define HEDDLE_NAMES_REMOVE_NODE_H

/*
 * What removal shares with rename.
 *
 * Threads     The namespace lock is held for writing.
 */

#include <time.h>

#include "overlay/overlay_types.h"

/* 0; -ENOTEMPTY for a directory with entries; -EAGAIN for one that must be loaded before it can be known. */
int hd_check_removable(const struct hd_arena *arena, uint32_t child);

/* Takes a name away within a transaction: entry, link count, the parent's times, marks. */
void hd_remove_entry(struct hd_transaction *transaction, uint32_t entry, const struct timespec *now);

#endif
