/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ARENA_ENTRY_TABLE_H
#define HEDDLE_ARENA_ENTRY_TABLE_H

/*
 * Entries: the names. Each entry is in three chains: its hash bucket (find), its directory's list in order of
 * sequence (readdir), its inode's list of names (hard links, and the way up).
 *
 * A directory that is unloaded has no entries here; the caller loads it first (base_loader.h).
 *
 * Threads     As the arena. Errors: latched in the transaction.
 */

#include "overlay/arena/arena.h"

/* The entry NAME of directory PARENT, or 0. */
uint32_t hd_entry_find(const struct hd_arena *arena, uint32_t parent, const char *name, size_t length);

/* Adds a name for CHILD and keeps the directory's counts; IS_DIRECTORY tells of the child. Returns the entry.
 */
uint32_t hd_entry_insert(struct hd_transaction *transaction, uint32_t parent, const char *name, size_t length,
	uint32_t child, bool is_directory);

/* Takes the name away from all three chains. The child's nlink is the caller's. */
void hd_entry_remove(struct hd_transaction *transaction, uint32_t entry, bool is_directory);

/* Makes the entry name another inode. */
void hd_entry_point(struct hd_transaction *transaction, uint32_t entry, uint32_t child);

/* Copies the name with a NUL into NAME (256 bytes); returns its length. */
size_t hd_entry_name(const struct hd_arena *arena, uint32_t entry, char name[256]);

/* The entry of DIRECTORY behind COOKIE in the order of listing, newest first (0: the newest), or 0 at the end. */
uint32_t hd_entry_after(const struct hd_arena *arena, uint32_t directory, uint64_t cookie);

/* The cookie that stands for "behind this entry". */
uint64_t hd_entry_cookie(const struct hd_arena *arena, uint32_t entry);

#endif
