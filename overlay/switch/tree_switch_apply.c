/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "overlay/arena/link_groups.h"
#include "overlay/listings/base_loader.h"
#include "overlay/platform/clock.h"
#include "overlay/switch/tree_switch_types.h"

/*
 * The edits of a switch, directory by directory, in as many transactions as they need under one hold of the lock. An
 * entry stays, as the same inode, if the target has one of its kind there; symbolic links are never changed, because
 * kernels keep targets for good.
 */

static bool stays_file(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	const struct hd_inode *inode = hd_view_inode(&run->transaction, index);
	bool changed;

	if (item->entry.link_group || inode->link_group || inode->nlink > 1) {
		if (!hd_switch_stays_linked(run, index, item))
			return false;
		hd_switch_set_attributes(run, index, item, false);
		return true;
	}
	changed = !hd_switch_has_bytes_of(inode, &item->entry);
	if (changed)
		hd_switch_set_bytes(run, index, item);
	hd_switch_set_attributes(run, index, item, changed);
	return true;
}

static void set_reference(struct hd_switch *run, uint32_t index, const struct hd_listed *item)
{
	struct hd_inode *inode;

	hd_switch_make_room(run, 0);
	inode = hd_edit_inode(&run->transaction, index);
	inode->content = item->entry.content;
	inode->part.directory.attributes = item->entry.attributes;
	inode->flags &= (uint8_t)~HD_INODE_UNLOADED;
	if (!hd_content_is_none(&inode->content))
		inode->flags |= HD_INODE_UNLOADED;
	inode->change_time = hd_time_from(&run->now);
	hd_inode_mark_changed(&run->transaction, index);
	hd_switch_note_change(run, HD_SWITCH_UNREAD, index, NULL);
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
		return hd_switch_stays_linked(run, index, item);
	if (hd_inode_is_symlink(inode))
		return hd_switch_has_bytes_of(inode, &item->entry);
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
		hd_switch_set_attributes(run, index, item, false);
		return true;
	}
	stay_directory(run, index, item);
	/* Of one with a place the attributes come last: its entries' coming and going changes its times. */
	if (!hd_switch_place_of(run, index))
		hd_switch_set_attributes(run, index, item, false);
	return true;
}

static void install(struct hd_switch *run, uint32_t directory, const struct hd_listed *item)
{
	uint64_t group = (item->entry.mode & 0170000) == 0040000 ? 0 : item->entry.link_group;
	uint32_t known;

	hd_switch_make_room(run, item->entry.xattrs_size);
	known = group ? hd_link_group_find(run->overlay->groups, &run->transaction, group) : 0;
	if (known && !hd_switch_is_same_linked(hd_view_inode(&run->transaction, known), item)) {
		hd_switch_dethrone(run, known);
		known = 0;
	}
	hd_loader_install(run->overlay, &run->transaction, directory, item);
	if (known) {
		hd_switch_note_change(run, HD_SWITCH_ATTRIBUTES, known, NULL); /* it has a name more */
		hd_switch_set_attributes(run, known, item, false);
	}
	hd_inode_mark_changed(&run->transaction, directory);
	hd_switch_note_change(run, HD_SWITCH_ENTRY, directory, item->name);
	if (group)
		hd_switch_note_linked(
			run, hd_link_group_find(run->overlay->groups, &run->transaction, group), item);
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
		hd_switch_fail(run, -ENOMEM);
	for (size_t i = 0; i < count && run->status == 0; i++) {
		struct hd_listed *item;

		(void)hd_entry_name(run->overlay->arena, entries[i], name);
		item = hd_listing_find(&place->listing, name);
		if (item && stays(run, hd_view_entry(&run->transaction, entries[i])->child, item))
			item->met = true;
		else
			hd_switch_remove_tree(run, entries[i]);
	}
	free(entries);
	/* Names that were taken away are to be found free. */
	hd_switch_next_transaction(run);
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
	hd_switch_make_room(run, 0);
	inode = hd_edit_inode(&run->transaction, index);
	inode->content = place->content;
	inode->part.directory.attributes = place->attributes;
	inode->flags &= (uint8_t)~HD_INODE_UNLOADED;
	hd_inode_mark_changed(&run->transaction, index);
	hd_switch_set_attributes(run, index, item, true);
	hd_switch_note_change(run, HD_SWITCH_DIRECTORY, index, NULL);
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
	hd_switch_set_attributes(run, index, &item, false);
}

int hd_switch_apply(struct hd_switch *run)
{
	struct hd_thread_head *head;

	run->now = hd_clock_now();
	hd_transaction_begin(run->overlay->arena, &run->transaction);
	head = hd_edit_thread(&run->transaction);
	/* What is below a directory that nobody has looked into becomes another without a mark. */
	head->unmarked = ++head->change;
	hd_switch_dethrone_changed(run);
	settle_root(run);
	for (size_t i = 0; i < run->n_places && run->status == 0; i++) {
		const struct hd_listed *item;

		if (run->places[i].ino == HD_ROOT_INO)
			continue;
		item = item_of(run, &run->places[i]);
		if (item)
			settle_place(run, &run->places[i], item);
	}
	hd_switch_next_transaction(run);
	hd_switch_count_linked(run);
	if (run->status == 0)
		*hd_edit_switch(&run->transaction) = (struct hd_switch_head){.step = HD_SWITCH_UNTOLD};
	hd_switch_next_transaction(run);
	hd_transaction_abort(&run->transaction);
	return run->status;
}
