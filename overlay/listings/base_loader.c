/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/listings/base_loader.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/arena/cells.h"
#include "overlay/arena/inode_numbers.h"
#include "overlay/arena/link_groups.h"
#include "overlay/listings/base_listing.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/activity.h"

/*
 * A load has three steps: read where the entries are (namespace lock, moment), list them (no lock, may
 * block), put them in (namespace lock, in transactions of CHUNK entries). The directory stays marked as
 * unloaded until the last transaction, and everybody else waits for the load as a whole, so a part is never
 * seen. A process that dies between two chunks leaves entries of an unloaded directory; the next load skips
 * names that are there.
 *
 * A forget, an unlink or a rename of the directory during the load changes nothing here: the load is bound to
 * the inode's id, and an id that is gone by the end is left alone.
 */

#define CHUNK 512u

struct load {
	hd_ino ino;
	struct load *next;
	unsigned waiters;
	bool done;
	int result;
};

struct hd_loader {
	struct hd_mutex lock; /* rank LOADER; protects everything here */
	struct hd_condition finished;
	struct load *loads; /* running, or done and still waited for */
};

int hd_loader_new(struct hd_loader **ret_loader)
{
	struct hd_loader *loader = calloc(1, sizeof(*loader));

	if (!loader)
		return -ENOMEM;
	hd_mutex_init(&loader->lock, HD_RANK_LOADER);
	hd_condition_init(&loader->finished);
	*ret_loader = loader;
	return 0;
}

void hd_loader_free(struct hd_loader *loader)
{
	if (!loader)
		return;
	hd_condition_destroy(&loader->finished);
	hd_mutex_destroy(&loader->lock);
	free(loader);
}

static void fill_inode(
	struct hd_transaction *transaction, struct hd_inode *inode, const struct hd_listed *item)
{
	const struct hd_base_entry *entry = &item->entry;

	inode->uid = entry->uid;
	inode->gid = entry->gid;
	inode->device = entry->device;
	inode->access_time = hd_time_from(&entry->access_time);
	inode->modify_time = hd_time_from(&entry->modify_time);
	inode->change_time = hd_time_from(&entry->change_time);
	inode->birth_time = hd_time_from(&entry->birth_time);
	inode->content = entry->content;
	if (hd_inode_is_file(inode))
		inode->part.file.hole_blocks = item->hole_blocks;
	inode->link_group = entry->link_group;
	if (entry->link_group && entry->links > 1 && !hd_inode_is_directory(inode)) {
		inode->nlink = entry->links;
		inode->unseen_links = entry->links - 1;
	}
	if (item->xattrs) {
		inode->xattrs = hd_cells_store(transaction, item->xattrs, entry->xattrs_size);
		inode->xattrs_size = entry->xattrs_size;
	}
	if (hd_inode_is_directory(inode)) {
		inode->part.directory.attributes = entry->attributes;
		if (!hd_content_is_none(&entry->content))
			inode->flags = HD_INODE_UNLOADED;
		return;
	}
	inode->size = entry->size;
	if (hd_inode_is_file(inode))
		inode->backed = entry->size;
}

/*
 * Whether the file CHILD, known by another name, is by now something else than ITEM says. Names of one file of a host
 * directory have references of their own, by their paths.
 */
static bool differs(struct hd_overlay *overlay, const struct hd_inode *child, const struct hd_listed *item)
{
	const struct hd_content *said = &item->entry.content;

	if (child->tree_change > hd_record_thread(overlay->arena)->captured)
		return true;
	if (child->content.kind == HD_CONTENT_HOST && said->kind == HD_CONTENT_HOST)
		return child->content.base != said->base;
	return !hd_content_equal(&child->content, said);
}

/* One name more of a file that is known: one that was promised, or else nobody told how many there are. */
static void see_link(struct hd_inode *inode)
{
	if (inode->unseen_links > 0)
		inode->unseen_links--;
	else
		inode->nlink++;
	inode->state = HD_INODE_LIVE;
}

/* A blob, or what the store has in the place of one (docs/design/decisions/0045); but names of one file show one number. */
static bool has_derived_number(const struct hd_base_entry *entry)
{
	return entry->content.kind == HD_CONTENT_GIT ||
	       ((entry->content.kind == HD_CONTENT_OBJECT || entry->content.kind == HD_CONTENT_CHUNKED) &&
		       !entry->link_group);
}

/* What the base says, or what follows from the place where it lasts as long as the content. 0: it shows one of our own. */
static uint64_t number_for(const struct hd_overlay *overlay, uint32_t parent, const struct hd_listed *item)
{
	const struct hd_base_entry *entry = &item->entry;
	bool is_directory = (entry->mode & 0170000) == 0040000;

	struct hd_attributes directory;

	if (entry->number || !hd_inode_numbers_are_derived(overlay->numbers) ||
		(!is_directory && !has_derived_number(entry)))
		return entry->number;
	hd_inode_attributes(overlay->arena, parent, &directory);
	return hd_inode_number_derive(
		directory.number, item->name, strlen(item->name), is_directory ? NULL : &entry->content);
}

/*
 * The times of what a commit has do not tell one commit from another, converted or not. Who knows what a directory of the thread's first one has
 * must see that this is, perhaps, a directory of another.
 */
static void show_change(struct hd_transaction *transaction, struct hd_inode *directory)
{
	struct timespec now = hd_clock_now();
	/* An empty directory has neither content nor attributes of its entries, and a host directory has times. */
	bool is_timeless = directory->content.kind == HD_CONTENT_GIT ||
			   (directory->content.kind == HD_CONTENT_OBJECT &&
				   hd_content_is_none(&directory->part.directory.attributes));

	if (is_timeless && hd_view_thread(transaction)->unmarked > 0)
		directory->change_time = hd_time_from(&now);
}

void hd_loader_install(struct hd_overlay *overlay, struct hd_transaction *transaction, uint32_t parent,
	const struct hd_listed *item)
{
	bool is_directory = (item->entry.mode & 0170000) == 0040000;
	uint32_t child = 0;
	uint64_t number;
	bool linked;

	if (item->entry.link_group && !is_directory)
		child = hd_link_group_find(overlay->groups, transaction, item->entry.link_group);
	linked = child != 0;
	if (linked) {
		see_link(hd_edit_inode(transaction, child));
	} else {
		child = hd_inode_new(transaction, item->entry.mode, &item->entry.modify_time);
		if (child == 0)
			return;
		fill_inode(transaction, hd_edit_inode(transaction, child), item);
		if (is_directory)
			show_change(transaction, hd_edit_inode(transaction, child));
		number = number_for(overlay, parent, item);
		if (hd_inode_may_have_number(number) &&
			hd_inode_number_claim(overlay->numbers, transaction, number, child))
			hd_edit_inode(transaction, child)->number = number;
		if (item->entry.link_group && !is_directory)
			hd_link_group_add(overlay->groups, item->entry.link_group, child);
	}
	(void)hd_entry_insert(transaction, parent, item->name, strlen(item->name), child, is_directory);
	/* What was changed through another name is a change of this directory as well. */
	if (linked && differs(overlay, hd_view_inode(transaction, child), item)) {
		hd_inode_mark_changed(transaction, child);
		hd_inode_mark_above(transaction, parent);
	}
}

static bool is_there(struct hd_overlay *overlay, uint32_t parent, const struct hd_listed *item)
{
	return item->repeated || hd_entry_find(overlay->arena, parent, item->name, strlen(item->name));
}

/* The directory may have been given other entries since it was listed (tree_switch.h). */
static bool is_listed(const struct hd_inode *inode, const struct hd_base_directory *directory)
{
	return hd_content_equal(&inode->content, &directory->content) &&
	       hd_content_equal(&inode->part.directory.attributes, &directory->attributes);
}

/* One transaction's worth from item START; with the last one the directory is loaded. 1 when that is not needed. */
static int install_chunk(struct hd_overlay *overlay, hd_ino ino, const struct hd_base_directory *directory,
	const struct hd_listing *listing, size_t start)
{
	struct hd_transaction transaction;
	size_t end = listing->count - start > CHUNK ? start + CHUNK : listing->count;
	const struct hd_inode *inode;
	int r;

	hd_rwlock_write(&overlay->lock);
	inode = hd_inode_get(overlay->arena, ino);
	if (!inode || !(inode->flags & HD_INODE_UNLOADED) || !is_listed(inode, directory)) {
		hd_rwlock_unlock(&overlay->lock);
		return inode ? 1 : -ESTALE;
	}
	hd_transaction_begin(overlay->arena, &transaction);
	for (size_t i = start; i < end && transaction.status == 0; i++)
		if (!is_there(overlay, hd_ino_index(ino), &listing->items[i]))
			hd_loader_install(overlay, &transaction, hd_ino_index(ino), &listing->items[i]);
	if (end == listing->count)
		hd_edit_inode(&transaction, hd_ino_index(ino))->flags &= (uint8_t)~HD_INODE_UNLOADED;
	r = hd_overlay_commit(overlay, &transaction);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

static int install(struct hd_overlay *overlay, hd_ino ino, const struct hd_base_directory *directory,
	const struct hd_listing *listing)
{
	size_t start = 0;
	int r;

	do {
		r = install_chunk(overlay, ino, directory, listing, start);
		start += CHUNK;
	} while (r == 0 && start < listing->count);
	return r < 0 ? r : 0;
}

static int load(struct hd_overlay *overlay, hd_ino ino)
{
	struct hd_base_directory directory = overlay->fallback;
	struct hd_listing listing = {0};
	const struct hd_inode *inode;
	int r;

	hd_rwlock_read(&overlay->lock);
	inode = hd_inode_get(overlay->arena, ino);
	if (inode) {
		directory.content = inode->content;
		directory.attributes = inode->part.directory.attributes;
	}
	hd_rwlock_unlock(&overlay->lock);
	if (!inode)
		return -ESTALE;
	r = hd_listing_read(overlay, &directory, &listing);
	if (r == 0)
		r = install(overlay, ino, &directory, &listing);
	hd_listing_clear(&listing);
	return r;
}

/* 1: the entries are in the arena; 0: they must be loaded. */
static int is_loaded(struct hd_overlay *overlay, hd_ino ino)
{
	const struct hd_inode *inode;
	int r;

	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0 && !hd_inode_is_directory(inode))
		r = -ENOTDIR;
	if (r == 0)
		r = inode->flags & HD_INODE_UNLOADED ? 0 : 1;
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

static void unlink_load_locked(struct hd_loader *loader, struct load *gone)
{
	struct load **link = &loader->loads;

	while (*link != gone)
		link = &(*link)->next;
	*link = gone->next;
	free(gone);
}

/* Waits for somebody else's load; its result, or -HD_E_BASE_TIMEOUT. */
static int wait_locked(struct hd_loader *loader, struct load *running, unsigned deadline_ms)
{
	HD_WAITS_FOR("another operation that reads the directory from its base");
	uint64_t deadline = hd_clock_monotonic_ns() + (uint64_t)deadline_ms * 1000000u;
	bool in_time = true;
	int r;

	running->waiters++;
	while (!running->done && in_time)
		in_time = hd_condition_wait_until(&loader->finished, &loader->lock, deadline);
	r = running->done ? running->result : -HD_E_BASE_TIMEOUT;
	if (--running->waiters == 0 && running->done)
		unlink_load_locked(loader, running);
	return r;
}

static int load_once(struct hd_overlay *overlay, hd_ino ino)
{
	struct hd_loader *loader = overlay->loader;
	struct load *mine;
	int r;

	hd_mutex_lock(&loader->lock);
	for (struct load *running = loader->loads; running; running = running->next) {
		if (running->ino != ino || running->done)
			continue;
		r = wait_locked(loader, running, overlay->deadline_ms);
		hd_mutex_unlock(&loader->lock);
		return r;
	}
	mine = calloc(1, sizeof(*mine));
	if (mine) {
		mine->ino = ino;
		mine->next = loader->loads;
		loader->loads = mine;
	}
	hd_mutex_unlock(&loader->lock);
	if (!mine)
		return -ENOMEM;

	r = load(overlay, ino);

	hd_mutex_lock(&loader->lock);
	mine->done = true;
	mine->result = r;
	if (mine->waiters == 0)
		unlink_load_locked(loader, mine);
	else
		hd_condition_broadcast(&loader->finished);
	hd_mutex_unlock(&loader->lock);
	return r;
}

int hd_load_directory(struct hd_overlay *overlay, hd_ino ino)
{
	int r;

	for (;;) {
		r = is_loaded(overlay, ino);
		if (r != 0)
			return r < 0 ? r : 0;
		r = load_once(overlay, ino);
		if (r < 0)
			return r;
	}
}
