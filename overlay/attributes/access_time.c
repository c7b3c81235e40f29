/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "overlay/overlay_types.h"
#include "overlay/platform/clock.h"

/*
 * Access times, which reading moves (docs/design/decisions/0016-access-times.md).
 *
 * A new access time is no change for a capture: the inode is not marked, so that reading makes no difference in status
 * or diff and gives a capture nothing to do. The journal keeps it, as any record that changed.
 */

#define DAY_S 86400

static bool is_after(const struct hd_time *a, const struct hd_time *b)
{
	return a->s != b->s ? a->s > b->s : a->ns > b->ns;
}

/* As the kernel's relatime_need_update, fs/inode.c. */
static bool is_due(const struct hd_inode *inode, const struct timespec *now)
{
	return !is_after(&inode->access_time, &inode->modify_time) ||
	       !is_after(&inode->access_time, &inode->change_time) ||
	       now->tv_sec - inode->access_time.s >= DAY_S;
}

bool hd_overlay_access_is_due(struct hd_overlay *overlay, hd_ino ino)
{
	struct timespec now = hd_clock_now();
	const struct hd_inode *inode;
	bool due;

	hd_rwlock_read(&overlay->lock);
	due = hd_overlay_inode(overlay, ino, &inode) == 0 && is_due(inode, &now);
	hd_rwlock_unlock(&overlay->lock);
	return due;
}

void hd_overlay_accessed(struct hd_overlay *overlay, hd_ino ino, bool always)
{
	struct timespec now = hd_clock_now();
	struct hd_transaction transaction;
	const struct hd_inode *inode;

	if (!always && !hd_overlay_access_is_due(overlay, ino))
		return;
	hd_rwlock_write(&overlay->lock);
	if (hd_overlay_inode(overlay, ino, &inode) == 0 && (always || is_due(inode, &now))) {
		hd_transaction_begin(overlay->arena, &transaction);
		hd_edit_inode(&transaction, hd_ino_index(ino))->access_time = hd_time_from(&now);
		(void)hd_overlay_commit(overlay, &transaction);
	}
	hd_rwlock_unlock(&overlay->lock);
}
