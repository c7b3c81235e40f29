/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/arena/cells.h"
#include "overlay/names/remove_node.h"
#include "overlay/platform/array.h"
#include "overlay/switch/tree_switch_types.h"

/*
 * The edits of a switch that concern one inode: its going, its attributes, its bytes.
 *
 * A file that stays the same inode gives its blocks, with what they lie over, to a new orphan, and is from then on the
 * target's content with nothing written over it. So it costs the same however much was written, and a reader that has
 * planned with these blocks still finds its bytes there (tree_switch.c, release).
 */

/* ---- taking away ---- */

static void remove_one(struct hd_switch *run, uint32_t entry)
{
	const struct hd_entry *seen = hd_view_entry(&run->transaction, entry);
	uint32_t parent = seen->parent, child = seen->child;
	char name[256];
	struct hd_inode *inode;

	hd_switch_make_room(run, 0);
	(void)hd_entry_name(run->overlay->arena, entry, name);
	hd_switch_note_change(run, HD_SWITCH_ENTRY, parent, name);
	hd_switch_note_change(run, HD_SWITCH_ATTRIBUTES, child, NULL);
	hd_remove_entry(&run->transaction, entry, &run->now);
	hd_switch_note_unlinked(run, child);
	inode = hd_edit_inode(&run->transaction, child);
	if (hd_inode_is_directory(inode)) {
		/* Whoever works in it must not have the old tree appear there. */
		inode->flags &= (uint8_t)~HD_INODE_UNLOADED;
		inode->content = inode->part.directory.attributes = (struct hd_content){0};
	}
	hd_switch_note_orphan(run, child);
}

/* The entry with all that is below it, from the bottom up. */
void hd_switch_remove_tree(struct hd_switch *run, uint32_t entry)
{
	uint32_t at = entry;

	while (run->status == 0 && run->transaction.status == 0) {
		uint32_t child = hd_view_entry(&run->transaction, at)->child;
		uint32_t parent = hd_view_entry(&run->transaction, at)->parent;
		const struct hd_inode *inode = hd_view_inode(&run->transaction, child);

		if (hd_inode_is_directory(inode) && inode->part.directory.first) {
			at = inode->part.directory.first;
			continue;
		}
		remove_one(run, at);
		if (at == entry)
			return;
		inode = hd_view_inode(&run->transaction, parent);
		at = inode->part.directory.first ? inode->part.directory.first : inode->first_link;
	}
}

/* ---- attributes ---- */

static bool has_other_attributes(
	const struct hd_switch *run, const struct hd_inode *inode, const struct hd_listed *item)
{
	const struct hd_base_entry *entry = &item->entry;

	return inode->mode != entry->mode || inode->uid != entry->uid || inode->gid != entry->gid ||
	       inode->modify_time.s != entry->modify_time.tv_sec ||
	       inode->modify_time.ns != (uint32_t)entry->modify_time.tv_nsec ||
	       inode->xattrs_size != entry->xattrs_size ||
	       (entry->xattrs_size > 0 &&
		       !hd_cells_equal(run->overlay->arena, inode->xattrs, item->xattrs, entry->xattrs_size));
}

/* For itself alone: who has read a file since has not changed it. */
static void set_access_time(struct hd_switch *run, uint32_t index, const struct timespec *time)
{
	const struct hd_inode *inode = hd_view_inode(&run->transaction, index);

	if (inode->access_time.s == time->tv_sec && inode->access_time.ns == (uint32_t)time->tv_nsec)
		return;
	hd_edit_inode(&run->transaction, index)->access_time = hd_time_from(time);
	hd_inode_mark_changed(&run->transaction, index);
	hd_switch_note_change(run, HD_SWITCH_ATTRIBUTES, index, NULL);
}

/* CHANGED: something else of the inode has become another already. */
void hd_switch_set_attributes(
	struct hd_switch *run, uint32_t index, const struct hd_listed *item, bool changed)
{
	const struct hd_base_entry *entry = &item->entry;
	struct hd_inode *inode;

	hd_switch_make_room(run, entry->xattrs_size);
	if (!changed && !has_other_attributes(run, hd_view_inode(&run->transaction, index), item)) {
		set_access_time(run, index, &entry->access_time);
		return;
	}
	inode = hd_edit_inode(&run->transaction, index);
	inode->mode = entry->mode;
	inode->uid = entry->uid;
	inode->gid = entry->gid;
	inode->access_time = hd_time_from(&entry->access_time);
	inode->modify_time = hd_time_from(&entry->modify_time);
	/* Programs that compare two looks at a file must see that it is another. */
	inode->change_time = hd_time_from(&run->now);
	hd_cells_free(&run->transaction, inode->xattrs);
	inode->xattrs = hd_cells_store(&run->transaction, item->xattrs, entry->xattrs_size);
	inode->xattrs_size = entry->xattrs_size;
	hd_inode_mark_changed(&run->transaction, index);
	if (!changed)
		hd_switch_note_change(run, HD_SWITCH_ATTRIBUTES, index, NULL);
}

/* ---- bytes ---- */

static bool has_blocks(const struct hd_inode *inode)
{
	static const struct hd_file_part none;

	return inode->flags & (HD_INODE_LARGE | HD_INODE_OVERHANG) || inode->part.file.root ||
	       inode->part.file.height || inode->part.file.mapped ||
	       memcmp(inode->part.file.direct, none.direct, sizeof(none.direct)) != 0;
}

static void move_blocks(struct hd_switch *run, uint32_t index)
{
	const uint8_t of_blocks = HD_INODE_UNSETTLED | HD_INODE_LARGE | HD_INODE_OVERHANG;
	uint32_t heir = hd_inode_new(&run->transaction, 0100000, &run->now);
	const struct hd_inode *inode;
	struct hd_inode *orphan;

	if (!heir)
		return;
	if (HD_ARRAY_RESERVE(run->moved, run->n_moved, run->moved_capacity) < 0) {
		hd_switch_fail(run, -ENOMEM);
		return;
	}
	run->moved[run->n_moved++] = (struct hd_switch_moved){.from = index, .to = heir};
	inode = hd_view_inode(&run->transaction, index);
	orphan = hd_edit_inode(&run->transaction, heir);
	orphan->state = HD_INODE_ORPHAN;
	orphan->nlink = 0;
	orphan->flags = inode->flags & of_blocks;
	orphan->size = inode->size;
	orphan->backed = inode->backed;
	orphan->content = inode->content;
	orphan->part.file = inode->part.file;
}

void hd_switch_set_bytes(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	const struct hd_base_entry *entry = &item->entry;
	struct hd_inode *inode;
	uint64_t version;

	hd_switch_make_room(run, 0);
	if (has_blocks(hd_view_inode(&run->transaction, index)))
		move_blocks(run, index);
	inode = hd_edit_inode(&run->transaction, index);
	version = inode->part.file.version;
	inode->part.file = (struct hd_file_part){.version = version + 1, .hole_blocks = item->hole_blocks};
	inode->flags &= (uint8_t) ~(HD_INODE_UNSETTLED | HD_INODE_LARGE | HD_INODE_OVERHANG);
	inode->content = entry->content;
	inode->size = inode->backed = entry->size;
	hd_switch_note_change(run, HD_SWITCH_FILE, index, NULL);
}
