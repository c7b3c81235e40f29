/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "overlay/inodes/request_note.h"
#include "overlay/listings/base_loader.h"
#include "overlay/overlay_types.h"
#include "overlay/states/state_tree.h"

/*
 * Listing: entries from the newest to the oldest, behind a cookie that stays good whatever is made and removed
 * meanwhile (entry_table.c). Cookies 1 and 2 stand behind "." and "..".
 *
 * Items are copied in batches under the lock and handed out without it, because the taker may be slow. The lookups
 * that a listing with attributes carries are counted when it is complete, in one transaction: a process that dies
 * before has counted none, and one that dies later has counted what its reply, which outlives it, says.
 */

#define BATCH 32u

struct batch {
	struct hd_directory_item items[BATCH];
	char names[BATCH][HD_NAME_LIMIT + 1];
	unsigned count;
};

static void add_dot(
	struct hd_overlay *overlay, struct batch *batch, uint32_t index, const char *name, uint64_t cookie)
{
	struct hd_directory_item *item = &batch->items[batch->count++];

	hd_inode_attributes(overlay->arena, index, &item->attributes);
	item->name = name;
	item->name_length = strlen(name);
	item->cookie = cookie;
	item->partial = false;
}

static void add_entry(struct hd_overlay *overlay, struct batch *batch, uint32_t entry)
{
	struct hd_directory_item *item = &batch->items[batch->count];
	uint32_t child = hd_record_entry(overlay->arena, entry)->child;
	char *name = batch->names[batch->count++];

	item->name_length = hd_entry_name(overlay->arena, entry, name);
	item->name = name;
	item->cookie = hd_entry_cookie(overlay->arena, entry);
	item->partial = hd_record_inode(overlay->arena, child)->flags & HD_INODE_UNLOADED &&
			hd_inode_is_directory(hd_record_inode(overlay->arena, child));
	hd_inode_attributes(overlay->arena, child, &item->attributes);
}

static int fill_batch_locked(struct hd_overlay *overlay, hd_ino ino, uint64_t cookie, struct batch *batch)
{
	uint32_t index = hd_ino_index(ino), entry;
	const struct hd_inode *inode;
	int r = hd_overlay_inode(overlay, ino, &inode);

	batch->count = 0;
	if (r < 0)
		return r;
	if (cookie == 0)
		add_dot(overlay, batch, index, ".", 1);
	if (cookie <= 1)
		add_dot(overlay, batch, hd_inode_parent(overlay->arena, index), "..", 2);
	entry = hd_entry_after(overlay->arena, index, cookie <= 2 ? 0 : cookie);
	while (entry && batch->count < BATCH) {
		add_entry(overlay, batch, entry);
		entry = hd_record_entry(overlay->arena, entry)->previous;
	}
	return 0;
}

static int next_batch(struct hd_overlay *overlay, hd_ino ino, uint64_t cookie, struct batch *batch)
{
	int r;

	hd_rwlock_read(&overlay->lock);
	r = fill_batch_locked(overlay, ino, cookie, batch);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_overlay_readdir(
	struct hd_overlay *overlay, hd_ino ino, uint64_t cookie, hd_directory_fill fill, void *payload)
{
	struct batch batch;
	int r = hd_ino_is_of_state(ino) ? 0 : hd_load_directory(overlay, ino);

	if (hd_ino_is_of_state(ino))
		return hd_state_tree_readdir(overlay, ino, cookie, fill, payload);

	while (r == 0) {
		r = next_batch(overlay, ino, cookie, &batch);
		if (r < 0 || batch.count == 0)
			break;
		for (unsigned i = 0; i < batch.count; i++) {
			if (!fill(&batch.items[i], payload))
				return 0;
			cookie = batch.items[i].cookie;
		}
	}
	return r;
}

int hd_overlay_count_lookups(struct hd_overlay *overlay, hd_ino *inos, size_t n, uint64_t size)
{
	struct hd_transaction transaction;
	int r;

	hd_rwlock_write(&overlay->lock);
	hd_transaction_begin(overlay->arena, &transaction);
	for (size_t i = 0; i < n; i++) {
		if (hd_inode_get(overlay->arena, inos[i]))
			hd_edit_reference(&transaction, hd_ino_index(inos[i]))->lookups++;
		else
			inos[i] = 0;
	}
	hd_request_note_size(&transaction, 0, size);
	r = hd_overlay_commit(overlay, &transaction);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}
