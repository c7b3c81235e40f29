/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ARENA_CELLS_H
#define HEDDLE_ARENA_CELLS_H

/*
 * Cells: byte strings of any length in fixed-width records, as chains. Long names, link targets, xattrs.
 *
 * A string is immutable: to change it, store a new one and free the old one in the same transaction.
 *
 * Threads     As the arena. Errors: latched in the transaction.
 */

#include "overlay/arena/arena.h"

/* Stores SIZE bytes and returns the first cell, 0 for an empty string or on failure. */
uint32_t hd_cells_store(struct hd_transaction *transaction, const void *data, size_t size);
void hd_cells_free(struct hd_transaction *transaction, uint32_t first);

/* Copies up to SIZE bytes of the string out; returns how many. Survives damaged chains. */
size_t hd_cells_load(const struct hd_arena *arena, uint32_t first, void *buffer, size_t size);

/* True when the string equals DATA. */
bool hd_cells_equal(const struct hd_arena *arena, uint32_t first, const void *data, size_t size);

#endif
