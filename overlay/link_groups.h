/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_OVERLAY_LINK_GROUPS_H
#define HEDDLE_OVERLAY_LINK_GROUPS_H

/*
 * Link groups: which inode stands for a hard-linked file of the base, so that its names in several
 * directories, loaded at different times, become one inode. Private to the process; rebuilt from the inodes.
 *
 * Threads     Under the namespace lock. Errors: a group that cannot be remembered makes two inodes of one
 *             file.
 */

#include "overlay/arena.h"

struct hd_link_groups;

/* Collects the groups of all live inodes. */
int hd_link_groups_new(const struct hd_arena *arena, struct hd_link_groups **ret_groups);
void hd_link_groups_free(struct hd_link_groups *groups);

/* The live inode of GROUP as the transaction sees it, or 0. */
uint32_t hd_link_group_find(
	const struct hd_link_groups *groups, const struct hd_transaction *transaction, uint64_t group);
/* From now on INODE stands for GROUP. */
void hd_link_group_add(struct hd_link_groups *groups, uint64_t group, uint32_t inode);

#endif
