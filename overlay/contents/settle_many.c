/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "overlay/contents/promotion.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/store.h"

/* Settling more than one file: which are worth it, and small ones together, as one write of the store. */

#define CHEAP_BYTES ((uint64_t)16 << 20)
#define WORTH_FACTOR 16
#define HOURS_BYTES ((uint64_t)1 << 40)

bool hd_is_worth_settling(const struct hd_inode *inode, bool hurry)
{
	uint64_t gain = (uint64_t)inode->part.file.mapped << HD_BLOCK_SHIFT, cost = gain;

	/* Chunks that are stored already are taken over by name; holes cost nothing. */
	if (inode->content.kind != HD_CONTENT_CHUNKED)
		cost += inode->backed;
	if (cost > HOURS_BYTES)
		return false;
	return hurry || cost <= CHEAP_BYTES || cost / WORTH_FACTOR <= gain;
}

/* A live file that has bytes without a name and is worth one; 0 when INDEX is none. */
static hd_ino unsettled(struct hd_overlay *overlay, uint32_t index, bool hurry)
{
	const struct hd_inode *inode;
	hd_ino ino = 0;

	hd_rwlock_read(&overlay->lock);
	inode = hd_record_inode(overlay->arena, index);
	if (hd_inode_is_kept(inode) && inode->flags & HD_INODE_UNSETTLED && hd_inode_is_file(inode) &&
		hd_is_worth_settling(inode, hurry))
		ino = hd_inode_id(overlay->arena, index);
	hd_rwlock_unlock(&overlay->lock);
	return ino;
}

int hd_settle_all(struct hd_overlay *overlay, bool hurry)
{
	int first_error = 0;
	uint32_t limit;

	hd_rwlock_read(&overlay->lock);
	limit = hd_record_high_water(overlay->arena, HD_TABLE_INODE);
	hd_rwlock_unlock(&overlay->lock);
	for (uint32_t index = 1; index < limit; index++) {
		hd_ino ino = unsettled(overlay, index, hurry);
		struct hd_content content;
		int r = ino ? hd_file_settle(overlay, ino, NULL, &content) : 0;

		if (r < 0 && r != -ESTALE && r != -EAGAIN && first_error == 0)
			first_error = r;
	}
	return first_error;
}

/* The bytes of all small files are in the store, and BEGUN says which those are; or -EEXIST, and nothing is known of any. */
static int store_together(struct hd_overlay *overlay, const hd_ino *inos, size_t count,
	struct hd_kept_files *files, struct hd_settling *settling, bool *begun)
{
	struct hd_object_batch *batch;
	int r = hd_object_batch_new(overlay->store->objects, &batch);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count && r >= 0; i++) {
		r = hd_work_advance(0);
		if (r >= 0)
			r = hd_file_settle_begin(overlay, inos[i], files, batch, &settling[i]);
		begun[i] = r == 1;
	}
	if (r >= 0)
		r = hd_object_batch_flush(batch);
	hd_object_batch_free(batch);
	return r;
}

int hd_files_settle(struct hd_overlay *overlay, const hd_ino *inos, size_t count, struct hd_kept_files *files,
	struct hd_content *ret)
{
	HD_AUTO_FREE struct hd_settling *settling = calloc(count, sizeof(*settling));
	HD_AUTO_FREE bool *begun = calloc(count, sizeof(*begun));
	int r;

	if (!settling || !begun)
		return -ENOMEM;
	r = store_together(overlay, inos, count, files, settling, begun);
	/* Names that others took meanwhile: each for itself finds another one. */
	if (r == -EEXIST) {
		hd_error_clear();
		for (size_t i = 0; i < count; i++)
			begun[i] = false;
		r = 0;
	}
	for (size_t i = 0; i < count && r >= 0; i++) {
		if (begun[i])
			ret[i] = settling[i].content;
		r = begun[i] ? hd_file_settle_end(overlay, files, &settling[i]) : -EAGAIN;
		if (r == -EAGAIN)
			r = hd_file_settle(overlay, inos[i], files, &ret[i]);
	}
	return r < 0 ? r : 0;
}
