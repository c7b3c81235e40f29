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

/* Records that one step may edit: names, buckets, marks of the directories above. */
#define STEP_ROOM 1000u
/* Cells are edited besides: a step that stores so many bytes in them begins a transaction. */
#define MUCH_IN_CELLS 4096u

void hd_switch_fail(struct hd_switch *run, int r)
{
	if (run->status == 0)
		run->status = r;
}

void hd_switch_next_transaction(struct hd_switch *run)
{
	int r = hd_overlay_commit(run->overlay, &run->transaction);

	if (r < 0)
		hd_switch_fail(run, r);
	hd_transaction_begin(run->overlay->arena, &run->transaction);
}

void hd_switch_make_room(struct hd_switch *run, size_t cell_bytes)
{
	if (hd_transaction_room(&run->transaction) < STEP_ROOM || cell_bytes > MUCH_IN_CELLS)
		hd_switch_next_transaction(run);
}

/* ---- what the kernel must hear ---- */

static bool is_held(const struct hd_switch *run, uint32_t index)
{
	return index == hd_ino_index(HD_ROOT_INO) || hd_view_reference(&run->transaction, index)->lookups > 0;
}

void hd_switch_note_change(
	struct hd_switch *run, enum hd_switch_change_kind kind, uint32_t index, const char *name)
{
	struct hd_switch_change *change;

	if (!is_held(run, index))
		return;
	if (HD_ARRAY_RESERVE(run->changes, run->n_changes, run->changes_capacity) < 0) {
		hd_switch_fail(run, -ENOMEM);
		return;
	}
	change = &run->changes[run->n_changes];
	*change = (struct hd_switch_change){.kind = kind,
		.ino = (hd_ino)hd_view_inode(&run->transaction, index)->generation << 32 | index};
	if (name) {
		change->name = strdup(name);
		if (!change->name) {
			hd_switch_fail(run, -ENOMEM);
			return;
		}
	}
	run->n_changes++;
}

/* ---- taking away ---- */

void hd_switch_note_orphan(struct hd_switch *run, uint32_t index)
{
	if (HD_ARRAY_RESERVE(run->orphans, run->n_orphans, run->orphans_capacity) == 0)
		run->orphans[run->n_orphans++] = index;
	/* Else it stays until the thread is opened again. */
}

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

bool hd_switch_has_bytes_of(const struct hd_inode *inode, const struct hd_base_entry *entry)
{
	if (inode->flags & HD_INODE_UNSETTLED || inode->size != entry->size)
		return false;
	return hd_content_equal(&inode->content, &entry->content) ||
	       (inode->size == 0 && !hd_inode_is_symlink(inode));
}

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
