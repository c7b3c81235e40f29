/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/arena/cells.h"
#include "overlay/arena/link_groups.h"
#include "overlay/names/base_loader.h"
#include "overlay/names/remove_node.h"
#include "overlay/platform/clock.h"
#include "overlay/tree_switch_types.h"

/*
 * The edits of a switch, directory by directory, in as many transactions as they need under one hold of the lock.
 *
 * A file that stays the same inode gives its blocks, with what they lie over, to a new orphan, and is from then on the
 * target's content with nothing written over it. So it costs the same however much was written, and a reader that has
 * planned with these blocks still finds its bytes there (tree_switch.c, release). Symbolic links are never changed,
 * because kernels keep targets for good.
 *
 * Hard links: a file that has, or had, several names stays if it is the same file with the same bytes. Otherwise each of
 * its names is taken away and put in again, and the first one makes the inode for all. Which names the target counts is
 * put right at the end.
 */

/* Records that one step may edit: names, buckets, marks of the directories above. */
#define STEP_ROOM 1000u
/* Cells are edited besides: a step that stores so many bytes in them begins a transaction. */
#define MUCH_IN_CELLS 4096u

static void fail(struct hd_switch *run, int r)
{
	if (run->status == 0)
		run->status = r;
}

static void next_transaction(struct hd_switch *run)
{
	int r = hd_overlay_commit(run->overlay, &run->transaction);

	if (r < 0)
		fail(run, r);
	hd_transaction_begin(run->overlay->arena, &run->transaction);
}

static void make_room(struct hd_switch *run, size_t cell_bytes)
{
	if (hd_transaction_room(&run->transaction) < STEP_ROOM || cell_bytes > MUCH_IN_CELLS)
		next_transaction(run);
}

/* ---- what the kernel must hear ---- */

static bool is_held(const struct hd_switch *run, uint32_t index)
{
	return index == hd_ino_index(HD_ROOT_INO) || hd_view_reference(&run->transaction, index)->lookups > 0;
}

static void note_change(
	struct hd_switch *run, enum hd_switch_change_kind kind, uint32_t index, const char *name)
{
	struct hd_switch_change *change;

	if (!is_held(run, index))
		return;
	if (!hd_switch_grow(
		    (void **)&run->changes, run->n_changes, &run->changes_capacity, sizeof(*change))) {
		fail(run, -ENOMEM);
		return;
	}
	change = &run->changes[run->n_changes];
	*change = (struct hd_switch_change){.kind = kind,
		.ino = (hd_ino)hd_view_inode(&run->transaction, index)->generation << 32 | index};
	if (name) {
		change->name = strdup(name);
		if (!change->name) {
			fail(run, -ENOMEM);
			return;
		}
	}
	run->n_changes++;
}

/* ---- taking away ---- */

static void note_orphan(struct hd_switch *run, uint32_t index)
{
	if (hd_switch_grow((void **)&run->orphans, run->n_orphans, &run->orphans_capacity, sizeof(index)))
		run->orphans[run->n_orphans++] = index;
	/* Else it stays until the thread is opened again. */
}

static void remove_one(struct hd_switch *run, uint32_t entry)
{
	const struct hd_entry *seen = hd_view_entry(&run->transaction, entry);
	uint32_t parent = seen->parent, child = seen->child;
	char name[256];
	struct hd_inode *inode;

	make_room(run, 0);
	(void)hd_entry_name(run->overlay->arena, entry, name);
	note_change(run, HD_SWITCH_ENTRY, parent, name);
	note_change(run, HD_SWITCH_ATTRIBUTES, child, NULL);
	hd_remove_entry(&run->transaction, entry, &run->now);
	inode = hd_edit_inode(&run->transaction, child);
	if (hd_inode_is_directory(inode)) {
		/* Whoever works in it must not have the old tree appear there. */
		inode->flags &= (uint8_t)~HD_INODE_UNLOADED;
		inode->content = inode->part.directory.attributes = (struct hd_content){0};
	}
	note_orphan(run, child);
}

/* The entry with all that is below it, from the bottom up. */
static void remove_tree(struct hd_switch *run, uint32_t entry)
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

/* CHANGED: something else of the inode has become another already. */
static void set_attributes(struct hd_switch *run, uint32_t index, const struct hd_listed *item, bool changed)
{
	const struct hd_base_entry *entry = &item->entry;
	struct hd_inode *inode;

	make_room(run, entry->xattrs_size);
	if (!changed && !has_other_attributes(run, hd_view_inode(&run->transaction, index), item))
		return;
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
		note_change(run, HD_SWITCH_ATTRIBUTES, index, NULL);
}

/* ---- bytes ---- */

static bool has_bytes_of(const struct hd_inode *inode, const struct hd_base_entry *entry)
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
	if (!hd_switch_grow((void **)&run->moved, run->n_moved, &run->moved_capacity, sizeof(*run->moved))) {
		fail(run, -ENOMEM);
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

static void set_bytes(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	const struct hd_base_entry *entry = &item->entry;
	struct hd_inode *inode;
	uint64_t version;

	make_room(run, 0);
	if (has_blocks(hd_view_inode(&run->transaction, index)))
		move_blocks(run, index);
	inode = hd_edit_inode(&run->transaction, index);
	version = inode->part.file.version;
	inode->part.file = (struct hd_file_part){.version = version + 1, .hole_blocks = item->hole_blocks};
	inode->flags &= (uint8_t) ~(HD_INODE_UNSETTLED | HD_INODE_LARGE | HD_INODE_OVERHANG);
	inode->content = entry->content;
	inode->size = inode->backed = entry->size;
	note_change(run, HD_SWITCH_FILE, index, NULL);
}

/* ---- hard links ---- */

static bool is_same_linked(const struct hd_inode *inode, const struct hd_listed *item)
{
	const struct hd_content *said = &item->entry.content;

	if (inode->content.kind == HD_CONTENT_HOST && said->kind == HD_CONTENT_HOST &&
		!(inode->flags & HD_INODE_UNSETTLED))
		return inode->content.base == said->base;
	return has_bytes_of(inode, &item->entry);
}

/* INODE does not stand for the file of its group any more: not for names that are found later either. */
static void dethrone(struct hd_switch *run, uint32_t index)
{
	struct hd_inode *inode = hd_edit_inode(&run->transaction, index);

	inode->nlink -= inode->unseen_links < inode->nlink ? inode->unseen_links : inode->nlink;
	inode->unseen_links = 0;
	inode->link_group = 0;
	if (inode->state == HD_INODE_HIDDEN) {
		inode->state = HD_INODE_ORPHAN;
		note_orphan(run, index);
	}
}

static void note_linked(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	if (!hd_switch_grow(
		    (void **)&run->linked, run->n_linked, &run->linked_capacity, sizeof(*run->linked)))
		fail(run, -ENOMEM);
	else
		run->linked[run->n_linked++] =
			(struct hd_switch_linked){.index = index, .links = item->entry.links};
}

static bool is_of_group(const struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	const struct hd_inode *inode = hd_view_inode(&run->transaction, index);
	uint64_t group = inode->link_group ? inode->link_group
					   : hd_link_group_draw(run->overlay->thread, inode, index);

	return group == item->entry.link_group ||
	       hd_link_group_kept(group, &inode->content) == item->entry.link_group;
}

/* Whether a file that has several names, here or in the target, stays what it is under this one. */
static bool stays_linked(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	uint64_t group = item->entry.link_group;
	uint32_t known = group ? hd_link_group_find(run->overlay->groups, &run->transaction, group) : 0;

	if (!group)
		return false;
	if (known && !is_same_linked(hd_view_inode(&run->transaction, known), item)) {
		dethrone(run, known);
		known = 0;
	}
	if (known != 0 && known != index)
		return false;
	if (known == 0) {
		if (!is_same_linked(hd_view_inode(&run->transaction, index), item) ||
			!is_of_group(run, index, item))
			return false;
		hd_edit_inode(&run->transaction, index)->link_group = group;
		hd_link_group_add(run->overlay->groups, group, index);
	}
	note_linked(run, index, item);
	return true;
}

/* A file that was changed and of which no name is loaded: what names lead to it are the target's from now on. */
static void dethrone_changed(struct hd_switch *run)
{
	uint64_t captured = hd_view_thread(&run->transaction)->captured;
	size_t cursor = 0;
	uint32_t index;

	while ((index = hd_link_groups_next(run->overlay->groups, run->overlay->arena, &cursor))) {
		const struct hd_inode *inode = hd_view_inode(&run->transaction, index);

		make_room(run, 0);
		if (inode->unseen_links &&
			(inode->flags & HD_INODE_UNSETTLED || inode->tree_change > captured))
			dethrone(run, index);
	}
}

static uint32_t count_names(const struct hd_switch *run, uint32_t index)
{
	uint32_t entry = hd_view_inode(&run->transaction, index)->first_link;
	uint32_t count = 0;

	for (; entry; entry = hd_view_entry(&run->transaction, entry)->link_next)
		count++;
	return count;
}

static void count_linked(struct hd_switch *run)
{
	for (size_t i = 0; i < run->n_linked && run->status == 0; i++) {
		uint32_t index = run->linked[i].index, links = run->linked[i].links;
		uint32_t names = count_names(run, index), elsewhere;
		struct hd_inode *inode;

		make_room(run, 0);
		inode = hd_edit_inode(&run->transaction, index);
		elsewhere = links > names ? links - names : 0;
		if (inode->outside_links > elsewhere)
			inode->outside_links = elsewhere;
		inode->unseen_links = elsewhere - inode->outside_links;
		inode->nlink = names + elsewhere;
	}
}

/* ---- entries ---- */

static bool stays_file(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	const struct hd_inode *inode = hd_view_inode(&run->transaction, index);
	bool changed;

	if (item->entry.link_group || inode->link_group || inode->nlink > 1) {
		if (!stays_linked(run, index, item))
			return false;
		set_attributes(run, index, item, false);
		return true;
	}
	changed = !has_bytes_of(inode, &item->entry);
	if (changed)
		set_bytes(run, index, item);
	set_attributes(run, index, item, changed);
	return true;
}

static void set_reference(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	struct hd_inode *inode;

	make_room(run, 0);
	inode = hd_edit_inode(&run->transaction, index);
	inode->content = item->entry.content;
	inode->part.directory.attributes = item->entry.attributes;
	inode->flags &= (uint8_t)~HD_INODE_UNLOADED;
	if (!hd_content_is_none(&inode->content))
		inode->flags |= HD_INODE_UNLOADED;
	hd_inode_mark_changed(&run->transaction, index);
	note_change(run, HD_SWITCH_DIRECTORY, index, NULL);
}

static void stay_directory(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	const struct hd_inode *inode = hd_view_inode(&run->transaction, index);

	if (!hd_switch_is_loaded(inode) &&
		(!hd_content_equal(&inode->content, &item->entry.content) ||
			!hd_content_equal(&inode->part.directory.attributes, &item->entry.attributes)))
		set_reference(run, index, item);
}

static bool stays_other(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	const struct hd_inode *inode = hd_view_inode(&run->transaction, index);

	if (item->entry.link_group || inode->link_group || inode->nlink > 1)
		return stays_linked(run, index, item);
	if (hd_inode_is_symlink(inode))
		return has_bytes_of(inode, &item->entry);
	return inode->device == item->entry.device;
}

/* Makes the inode what ITEM says, if it can stay the same inode. */
static bool stays(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	const struct hd_inode *inode = hd_view_inode(&run->transaction, index);

	if ((inode->mode & 0170000) != (item->entry.mode & 0170000))
		return false;
	if (hd_inode_is_file(inode))
		return stays_file(run, index, item);
	if (!hd_inode_is_directory(inode)) {
		if (!stays_other(run, index, item))
			return false;
		set_attributes(run, index, item, false);
		return true;
	}
	stay_directory(run, index, item);
	/* Of one with a place the attributes come last: its entries' coming and going changes its times. */
	if (!hd_switch_place_of(run, index))
		set_attributes(run, index, item, false);
	return true;
}

static void install(struct hd_switch *run, uint32_t directory, const struct hd_listed *item)
{
	uint64_t group = (item->entry.mode & 0170000) == 0040000 ? 0 : item->entry.link_group;
	uint32_t known;

	make_room(run, item->entry.xattrs_size);
	known = group ? hd_link_group_find(run->overlay->groups, &run->transaction, group) : 0;
	if (known && !is_same_linked(hd_view_inode(&run->transaction, known), item))
		dethrone(run, known);
	hd_loader_install(run->overlay, &run->transaction, directory, item);
	hd_inode_mark_changed(&run->transaction, directory);
	note_change(run, HD_SWITCH_ENTRY, directory, item->name);
	if (group)
		note_linked(run, hd_link_group_find(run->overlay->groups, &run->transaction, group), item);
}

/* The entries of a directory, as they are before any is touched. */
static uint32_t *list_entries(const struct hd_switch *run, uint32_t directory, size_t *ret_count)
{
	const struct hd_directory_part *part = &hd_view_inode(&run->transaction, directory)->part.directory;
	uint32_t *entries = calloc(part->entries + 1u, sizeof(*entries));
	size_t count = 0;

	for (uint32_t entry = part->first; entries && entry && count < part->entries;
		entry = hd_view_entry(&run->transaction, entry)->next)
		entries[count++] = entry;
	*ret_count = count;
	return entries;
}

static void settle_entries(struct hd_switch *run, const struct hd_switch_place *place)
{
	uint32_t directory = hd_ino_index(place->ino);
	size_t count;
	uint32_t *entries = list_entries(run, directory, &count);
	char name[256];

	if (!entries)
		fail(run, -ENOMEM);
	for (size_t i = 0; i < count && run->status == 0; i++) {
		struct hd_listed *item;

		(void)hd_entry_name(run->overlay->arena, entries[i], name);
		item = hd_listing_find(&place->listing, name);
		if (item && stays(run, hd_view_entry(&run->transaction, entries[i])->child, item))
			item->met = true;
		else
			remove_tree(run, entries[i]);
	}
	free(entries);
	/* Names that were taken away are to be found free. */
	next_transaction(run);
	for (size_t i = 0; i < place->listing.count && run->status == 0; i++)
		if (!place->listing.items[i].met && !place->listing.items[i].repeated)
			install(run, directory, &place->listing.items[i]);
}

/* What ITEM says of the directory itself comes after its entries. */
static void settle_place(
	struct hd_switch *run, const struct hd_switch_place *place, const struct hd_listed *item)
{
	uint32_t index = hd_ino_index(place->ino);
	struct hd_inode *inode;

	settle_entries(run, place);
	make_room(run, 0);
	inode = hd_edit_inode(&run->transaction, index);
	inode->content = place->content;
	inode->part.directory.attributes = place->attributes;
	inode->flags &= (uint8_t)~HD_INODE_UNLOADED;
	hd_inode_mark_changed(&run->transaction, index);
	set_attributes(run, index, item, true);
	note_change(run, HD_SWITCH_DIRECTORY, index, NULL);
}

/* The item of the place's directory in the listing of the directory above. */
static const struct hd_listed *item_of(const struct hd_switch *run, const struct hd_switch_place *place)
{
	uint32_t link = hd_view_inode(&run->transaction, hd_ino_index(place->ino))->first_link;
	const struct hd_switch_place *above =
		link ? hd_switch_place_of(run, hd_view_entry(&run->transaction, link)->parent) : NULL;
	char name[256];

	if (!above)
		return NULL;
	(void)hd_entry_name(run->overlay->arena, link, name);
	return hd_listing_find(&above->listing, name);
}

static void settle_root(struct hd_switch *run)
{
	struct hd_listed item = {.xattrs = (void *)(uintptr_t)run->root.xattrs, .entry = run->root};
	uint32_t index = hd_ino_index(HD_ROOT_INO);
	const struct hd_switch_place *place = hd_switch_place_of(run, index);

	if (place) {
		settle_place(run, place, &item);
		return;
	}
	stay_directory(run, index, &item);
	set_attributes(run, index, &item, false);
}

int hd_switch_apply(struct hd_switch *run)
{
	run->now = hd_clock_now();
	hd_transaction_begin(run->overlay->arena, &run->transaction);
	dethrone_changed(run);
	settle_root(run);
	for (size_t i = 0; i < run->n_places && run->status == 0; i++) {
		const struct hd_listed *item;

		if (run->places[i].ino == HD_ROOT_INO)
			continue;
		item = item_of(run, &run->places[i]);
		if (item)
			settle_place(run, &run->places[i], item);
	}
	next_transaction(run);
	count_linked(run);
	if (run->status == 0)
		*hd_edit_switch(&run->transaction) = (struct hd_switch_head){.step = HD_SWITCH_UNTOLD};
	next_transaction(run);
	hd_transaction_abort(&run->transaction);
	return run->status;
}
