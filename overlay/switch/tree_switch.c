/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/switch/tree_switch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/base_root.h"
#include "overlay/contents/kept_files.h"
#include "overlay/contents/promotion.h"
#include "overlay/inodes/orphan.h"
#include "overlay/journal/flush.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/switch/tree_switch_types.h"

/*
 * What must be compared is found out from the root: directories that are in the arena and either changed since the last
 * state or have another reference than the target's. Their listings are read without a lock, one level after the other;
 * then, under the lock, it is found out again, because somebody may have looked into a directory meanwhile. Once nothing
 * is missing the edits are made in the same hold of the lock, which takes memory work alone.
 *
 * The edits take more than one transaction. That they are one instant for readers is the lock's work, for the journal
 * also (a flush cuts under the lock), and after a death that of the announcement.
 */

/* Memory that is short may be there a moment later; programs wait meanwhile. */
#define ATTEMPTS 3
#define BETWEEN_ATTEMPTS_NS 100000000u

/* ---- which directories ---- */

static int note_place(struct hd_switch *run, uint32_t index, size_t place)
{
	if (index >= run->n_place_of) {
		size_t wanted = hd_record_high_water(run->overlay->arena, HD_TABLE_INODE) + 1024u;
		uint32_t *grown = reallocarray(run->place_of, wanted, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		memset(grown + run->n_place_of, 0, (wanted - run->n_place_of) * sizeof(*grown));
		run->place_of = grown;
		run->n_place_of = wanted;
	}
	run->place_of[index] = (uint32_t)place + 1;
	return 0;
}

static int add_place(struct hd_switch *run, uint32_t index, const struct hd_base_entry *entry)
{
	if (hd_switch_place_of(run, index))
		return 0;
	if (HD_ARRAY_RESERVE(run->places, run->n_places, run->places_capacity) < 0)
		return -ENOMEM;
	run->places[run->n_places] = (struct hd_switch_place){.ino = hd_inode_id(run->overlay->arena, index),
		.content = entry->content,
		.attributes = entry->attributes};
	return note_place(run, index, run->n_places++);
}

static bool needs_place(
	const struct hd_switch *run, const struct hd_inode *inode, const struct hd_base_entry *entry)
{
	return hd_inode_is_directory(inode) && hd_switch_is_loaded(inode) &&
	       (inode->tree_change > hd_record_thread(run->overlay->arena)->captured ||
		       !hd_content_equal(&inode->content, &entry->content) ||
		       !hd_content_equal(&inode->part.directory.attributes, &entry->attributes));
}

static int add_places_below(struct hd_switch *run, size_t at)
{
	const struct hd_arena *arena = run->overlay->arena;
	uint32_t directory = hd_ino_index(run->places[at].ino);
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->places[at].listing.count; i++) {
		const struct hd_listed *item = &run->places[at].listing.items[i];
		uint32_t entry;

		if (item->repeated || (item->entry.mode & 0170000) != 0040000)
			continue;
		entry = hd_entry_find(arena, directory, item->name, strlen(item->name));
		if (entry && needs_place(run, hd_record_inode(arena, hd_record_entry(arena, entry)->child),
				     &item->entry))
			r = add_place(run, hd_record_entry(arena, entry)->child, &item->entry);
	}
	return r;
}

/* 1: every place has its listing; 0: some do not. */
static int plan_locked(struct hd_switch *run)
{
	const struct hd_inode *root = hd_record_inode(run->overlay->arena, hd_ino_index(HD_ROOT_INO));
	bool complete = true;
	int r = 0;

	if (needs_place(run, root, &run->root))
		r = add_place(run, hd_ino_index(HD_ROOT_INO), &run->root);
	for (size_t i = 0; r == 0 && i < run->n_places; i++) {
		if (run->places[i].listed)
			r = add_places_below(run, i);
		else
			complete = false;
	}
	return r < 0 ? r : complete;
}

static int read_listings(struct hd_switch *run)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < run->n_places; i++) {
		struct hd_switch_place *place = &run->places[i];
		struct hd_base_directory directory = run->overlay->fallback;

		if (place->listed)
			continue;
		directory.content = place->content;
		directory.attributes = place->attributes;
		r = hd_listing_read(run->overlay, &directory, &place->listing);
		place->listed = r == 0;
	}
	return r;
}

/* TO_CHANGE: also with the change lock, and what snapshots need of any file kept, which nobody can do under the other one. */
static void lock(struct hd_switch *run, bool to_change)
{
	if (to_change) {
		hd_rwlock_read(&run->overlay->change_lock);
		hd_keep_before_switch(run->overlay);
	}
	hd_rwlock_write(&run->overlay->lock);
}

static void unlock(struct hd_switch *run, bool changed)
{
	hd_rwlock_unlock(&run->overlay->lock);
	if (changed)
		hd_rwlock_unlock(&run->overlay->change_lock);
}

/* Returns with the locks held, and everything read, unless it fails. */
static int plan_and_lock(struct hd_switch *run, bool to_change)
{
	for (;;) {
		int r;

		lock(run, to_change);
		r = plan_locked(run);
		if (r == 1)
			return 0;
		unlock(run, to_change);
		if (r == 0)
			r = read_listings(run);
		if (r < 0)
			return r;
	}
}

/* ---- life ---- */

void hd_switch_free(struct hd_switch *run)
{
	if (!run)
		return;
	for (size_t i = 0; i < run->n_places; i++)
		hd_listing_clear(&run->places[i].listing);
	for (size_t i = 0; i < run->n_changes; i++)
		free(run->changes[i].name);
	hd_base_root_clear(&run->root);
	free(run->places);
	free(run->place_of);
	free(run->changes);
	free(run->moved);
	free(run->linked);
	free(run->unlinked);
	free(run->orphans);
	free(run);
}

int hd_switch_new(struct hd_overlay *overlay, const struct hd_state_id *target, struct hd_switch **ret_switch)
{
	struct hd_switch *run = calloc(1, sizeof(*run));
	struct hd_base_directory directory;
	struct hd_state state = {0};
	int r;

	if (!run)
		return -ENOMEM;
	run->overlay = overlay;
	run->target = *target;
	r = hd_index_get_state(overlay->store->index, target, &state);
	if (r == 0)
		r = hd_base_set_root(overlay->bases, &state, &run->root, &directory);
	if (r == 0)
		r = plan_and_lock(run, false);
	hd_state_clear(&state);
	if (r < 0) {
		hd_switch_free(run);
		return hd_fail_in(r, "read the tree to switch to");
	}
	unlock(run, false);
	*ret_switch = run;
	return 0;
}

/* What was read from the places of moved blocks must be read before these are given to others. */
static void release(struct hd_switch *run)
{
	struct hd_overlay *overlay = run->overlay;

	for (size_t i = 0; i < run->n_moved; i++) {
		struct hd_rwlock *lock = hd_file_lock_of(overlay, run->moved[i].from);

		hd_rwlock_write(lock);
		hd_rwlock_unlock(lock);
		hd_overlay_release_orphan(overlay, run->moved[i].to);
	}
	for (size_t i = 0; i < run->n_orphans; i++)
		hd_overlay_release_orphan(overlay, run->orphans[i]);
}

/* What was committed is on the way: who begins anew compares with that. */
static void begin_anew(struct hd_switch *run)
{
	for (size_t i = 0; i < run->n_places; i++)
		for (size_t k = 0; k < run->places[i].listing.count; k++)
			run->places[i].listing.items[k].met = false;
	run->n_linked = 0;
	run->n_unlinked = run->n_unlinked_kept;
	run->status = 0;
}

static int run_once(struct hd_switch *run)
{
	int r = plan_and_lock(run, true);

	if (r < 0)
		return hd_fail_in(r, "read the tree to switch to");
	r = hd_switch_apply(run);
	unlock(run, true);
	return r;
}

int hd_switch_run(struct hd_switch *run)
{
	int r = run_once(run);

	for (unsigned attempt = 1; attempt < ATTEMPTS && r < 0; attempt++) {
		hd_clock_sleep_ns(BETWEEN_ATTEMPTS_NS);
		hd_error_clear();
		begin_anew(run);
		r = run_once(run);
	}
	release(run);
	return r < 0 ? hd_fail_in(r, "switch the tree; opening thread '%s' again finishes it",
			       run->overlay->thread)
		     : 0;
}

const struct hd_switch_change *hd_switch_changes(const struct hd_switch *run, size_t *ret_count)
{
	*ret_count = run->n_changes;
	return run->changes;
}

/* The next inode from *INDEX on that the kernel has, or 0. Who lost the counts takes all for such. */
static hd_ino next_known(struct hd_overlay *overlay, uint32_t *index)
{
	hd_ino ino = 0;
	uint32_t limit;

	hd_rwlock_read(&overlay->lock);
	limit = hd_record_high_water(overlay->arena, HD_TABLE_INODE);
	for (; ino == 0 && *index < limit; ++*index)
		if (*index == hd_ino_index(HD_ROOT_INO) || overlay->recovery.memory.state == HD_MEMORY_LOST ||
			hd_record_reference(overlay->arena, *index)->lookups > 0)
			ino = hd_inode_id(overlay->arena, *index);
	hd_rwlock_unlock(&overlay->lock);
	return ino;
}

void hd_overlay_each_known(struct hd_overlay *overlay, void (*emit)(void *payload, hd_ino ino), void *payload)
{
	uint32_t index = 1;
	hd_ino ino;

	while ((ino = next_known(overlay, &index)))
		emit(payload, ino);
}

void hd_overlay_settle(struct hd_overlay *overlay)
{
	if (hd_settle_all(overlay, false) < 0)
		hd_error_clear(); /* the capture says it better */
}

/* ---- names and paths ---- */

struct name {
	hd_ino parent;
	char text[256];
};

/* The names of the file INO in fresh memory; none for another kind. */
static int list_names(struct hd_overlay *overlay, hd_ino ino, struct name **ret_names, size_t *ret_count)
{
	const struct hd_arena *arena = overlay->arena;
	const struct hd_inode *inode;
	size_t capacity = 0;
	uint32_t entry = 0;
	int r;

	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0 && hd_inode_is_file(inode))
		entry = inode->first_link;
	for (; r == 0 && entry; entry = hd_record_entry(arena, entry)->link_next) {
		struct name *name;

		r = HD_ARRAY_RESERVE(*ret_names, *ret_count, capacity);
		if (r < 0)
			break;
		name = &(*ret_names)[(*ret_count)++];
		name->parent = hd_inode_id(arena, hd_record_entry(arena, entry)->parent);
		(void)hd_entry_name(arena, entry, name->text);
	}
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_overlay_each_name(struct hd_overlay *overlay, hd_ino ino,
	void (*emit)(void *payload, hd_ino parent, const char *name), void *payload)
{
	HD_AUTO_FREE struct name *names = NULL;
	size_t count = 0;
	int r = list_names(overlay, ino, &names, &count);

	for (size_t i = 0; i < count; i++)
		emit(payload, names[i].parent, names[i].text);
	return r;
}

/* Puts NAME before what is in PATH. */
static int prepend(char **path, const char *name)
{
	char *longer = NULL;

	if (asprintf(&longer, "%s%s%s", name, *path ? "/" : "", *path ? *path : "") < 0)
		return -ENOMEM;
	free(*path);
	*path = longer;
	return 0;
}

int hd_overlay_path(struct hd_overlay *overlay, hd_ino ino, char **ret_path)
{
	const struct hd_arena *arena = overlay->arena;
	const struct hd_inode *inode;
	HD_AUTO_FREE char *path = NULL;
	uint32_t index = hd_ino_index(ino);
	char name[256];
	int r;

	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	while (r == 0 && index != hd_ino_index(HD_ROOT_INO)) {
		uint32_t entry = hd_record_inode(arena, index)->first_link;

		if (!entry) {
			r = -ENOENT;
			break;
		}
		(void)hd_entry_name(arena, entry, name);
		r = prepend(&path, name);
		index = hd_record_entry(arena, entry)->parent;
	}
	hd_rwlock_unlock(&overlay->lock);
	if (r == 0 && !path)
		path = strdup(".");
	if (r == 0 && !path)
		r = -ENOMEM;
	if (r == 0)
		*ret_path = HD_STEAL(path);
	return r;
}
