/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/contents/promotion.h"
#include "overlay/journal/flush.h"
#include "overlay/overlay_types.h"
#include "overlay/platform/files/file.h"
#include "overlay/states/state_nodes.h"

/* Numbers: what statfs and `heddle status` show. Counting walks the inodes once, under the lock for reading.
 */

int hd_overlay_statfs(struct hd_overlay *overlay, struct hd_overlay_space *ret)
{
	struct hd_filesystem_space space;
	int r = hd_file_space(overlay->store->fd, &space);

	if (r < 0)
		return r;
	*ret = (struct hd_overlay_space){
		.block_size = HD_BLOCK_SIZE,
		.total_blocks = space.total_bytes / HD_BLOCK_SIZE,
		.free_blocks = space.free_bytes / HD_BLOCK_SIZE,
		.available_blocks = space.available_bytes / HD_BLOCK_SIZE,
		.total_inodes = space.total_files,
		.free_inodes = space.free_files,
		.name_limit = HD_NAME_LIMIT,
	};
	return 0;
}

int hd_overlay_fsync(struct hd_overlay *overlay, hd_ino ino, bool data_only)
{
	(void)ino;
	(void)data_only;
	return overlay->is_volatile ? 0 : hd_flush(overlay);
}

int hd_overlay_sync(struct hd_overlay *overlay)
{
	return hd_flush(overlay);
}

static void count_inodes(const struct hd_overlay *overlay, struct hd_overlay_counters *counters)
{
	uint32_t limit = hd_record_high_water(overlay->arena, HD_TABLE_INODE);

	for (uint32_t i = 1; i < limit; i++) {
		const struct hd_inode *inode = hd_record_inode(overlay->arena, i);
		const struct hd_reference *held = hd_record_reference(overlay->arena, i);

		if (inode->state == HD_INODE_FREE)
			continue;
		counters->inodes++;
		counters->looked_up += held->lookups;
		counters->opened += held->opens;
		counters->orphans += inode->state == HD_INODE_ORPHAN;
		counters->unstored_files += hd_inode_is_file(inode) && inode->flags & HD_INODE_UNSETTLED;
	}
}

void hd_overlay_counters(struct hd_overlay *overlay, struct hd_overlay_counters *ret)
{
	struct hd_hot_usage usage = hd_hot_usage(overlay->hot);
	const struct hd_allocator *entries;

	*ret = (struct hd_overlay_counters){.hot_bytes = usage.bytes,
		.hot_limit = usage.limit,
		.large_files = usage.large_files,
		.journal_bytes = hd_flusher_journal_size(overlay->flusher),
		.flush_failure = hd_flusher_failure(overlay->flusher)};
	hd_rwlock_read(&overlay->lock);
	entries = hd_record(overlay->arena, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_ENTRY);
	ret->entries = entries->used;
	ret->transactions = hd_arena_transactions(overlay->arena);
	ret->state_nodes = hd_state_nodes_count(overlay->arena);
	count_inodes(overlay, ret);
	hd_rwlock_unlock(&overlay->lock);
}
