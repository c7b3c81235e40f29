/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ARENA_LINK_GROUPS_H
#define HEDDLE_ARENA_LINK_GROUPS_H

/*
 * Link groups: which inode stands for a hard-linked file of the base, so that its names in several
 * directories, loaded at different times, become one inode. Private to the process; collected from the
 * inodes when it is first asked for.
 *
 * A file's names are loaded one directory after the other, and what was done to it through one name must show at
 * those that come later. So an inode counts the names that its base promised and no loaded directory has had yet
 * (unseen_links, part of nlink): while there are any, losing its last known name makes it HIDDEN, not an orphan, and
 * the next load of a name brings it back. The count is in the arena and the journal like all of the inode. A base's
 * number of names may include some that lie outside of it; unseen_links.h ends the waiting for those.
 *
 * Threads     Under the namespace lock, for writing. Errors: a group that cannot be remembered makes two inodes of one
 *             file.
 */

#include "overlay/arena/arena.h"

struct hd_link_groups;

/* Of all inodes that have or will have names. */
int hd_link_groups_new(const struct hd_arena *arena, struct hd_link_groups **ret_groups);
void hd_link_groups_free(struct hd_link_groups *groups);

/* The inode of GROUP, live or hidden, as the transaction sees it, or 0. */
uint32_t hd_link_group_find(
	struct hd_link_groups *groups, const struct hd_transaction *transaction, uint64_t group);
/* From now on INODE stands for GROUP. */
void hd_link_group_add(struct hd_link_groups *groups, uint64_t group, uint32_t inode);

/* Some inode with unseen names was changed since the last capture. */
bool hd_link_groups_are_awaited(struct hd_link_groups *groups, const struct hd_arena *arena);

/* The next inode with unseen names from *CURSOR on (at first 0), or 0. */
uint32_t hd_link_groups_next(struct hd_link_groups *groups, const struct hd_arena *arena, size_t *cursor);

/*
 * A state is made of directories that were captured at different times and by different threads, and of a base's own:
 * a group must mean the same file in all of them. So the group of a file that was linked here is drawn from all bits.
 */
uint64_t hd_link_group_draw(const char *thread, const struct hd_inode *inode, uint32_t index);

#endif
