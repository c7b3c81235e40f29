/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ARENA_INODE_TABLE_H
#define HEDDLE_ARENA_INODE_TABLE_H

/*
 * Inodes: ids, lifetimes, attributes, and the marks that tell a capture what changed.
 *
 *     LIVE      has a name                          unlink or rename of the last one → ORPHAN or HIDDEN
 *     HIDDEN    other names, in directories of the  one of them loaded → LIVE; none found anywhere → ORPHAN
 *               base that nobody looked into yet    (link_groups.h)
 *     ORPHAN    no name; open, looked up or pinned  the last of these gone → RELEASED
 *     RELEASED  the record is free; its generation grew, so that old ids are stale
 *
 * The check that an orphan may go and its release are made under one hold of the namespace lock
 * (hd_inode_is_releasable and hd_inode_free in one transaction): nothing can be looked up in between.
 *
 * Threads     As the arena. Errors: latched in the transaction.
 */

#include <time.h>

#include "overlay/arena/arena.h"
#include "overlay/overlay.h"

static inline uint32_t hd_ino_index(hd_ino ino)
{
	return (uint32_t)ino;
}

static inline bool hd_inode_is_directory(const struct hd_inode *inode)
{
	return (inode->mode & 0170000) == 0040000;
}

static inline bool hd_inode_is_file(const struct hd_inode *inode)
{
	return (inode->mode & 0170000) == 0100000;
}

static inline bool hd_inode_is_symlink(const struct hd_inode *inode)
{
	return (inode->mode & 0170000) == 0120000;
}

/* The id of inode INDEX as it lives now. */
hd_ino hd_inode_id(const struct hd_arena *arena, uint32_t index);

/* Checks an id from outside: its inode's record, or NULL when the id was never given out or is gone. */
const struct hd_inode *hd_inode_get(const struct hd_arena *arena, hd_ino ino);

/* A new LIVE inode of MODE without names; all four times NOW. Returns its index, 0 on failure. */
uint32_t hd_inode_new(struct hd_transaction *transaction, uint32_t mode, const struct timespec *now);

/* Puts the record back. Blocks must be gone already (hd_block_map_free); cells are freed here. */
void hd_inode_free(struct hd_transaction *transaction, uint32_t index);

/* An orphan that nobody holds. */
bool hd_inode_is_releasable(const struct hd_arena *arena, uint32_t index);

/* Does a name lead to the inode, be it one that is not loaded yet? Then its bytes must last. */
static inline bool hd_inode_is_kept(const struct hd_inode *inode)
{
	return inode->state == HD_INODE_LIVE || inode->state == HD_INODE_HIDDEN;
}

/* One name less, whose entry is gone already; HIDDEN or ORPHAN when it was the last that is known. */
void hd_inode_drop_name(struct hd_transaction *transaction, uint32_t index, const struct timespec *now);

/* Notes a change of the inode itself, and of everything above it, for the next capture. */
void hd_inode_mark_changed(struct hd_transaction *transaction, uint32_t index);
/* Marks what is below DIRECTORY as changed: it has got a name of a file that was marked before. */
void hd_inode_mark_above(struct hd_transaction *transaction, uint32_t directory);

/* May st_ino of a base's file be shown as it is? */
bool hd_inode_may_have_number(uint64_t number);

/* What stat(2) shows. */
void hd_inode_attributes(const struct hd_arena *arena, uint32_t index, struct hd_attributes *ret);

/* The directory that a directory lies in; itself for the root and for one without a name. */
uint32_t hd_inode_parent(const struct hd_arena *arena, uint32_t index);

static inline struct hd_time hd_time_from(const struct timespec *time)
{
	return (struct hd_time){.s = time->tv_sec, .ns = (uint32_t)time->tv_nsec};
}

static inline struct timespec hd_time_to(const struct hd_time *time)
{
	return (struct timespec){.tv_sec = time->s, .tv_nsec = time->ns};
}

#endif
