/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/switch/tree_switch_types.h"

/* What all edits of a switch share: which directories it knows, its transactions, its first failure, and what it notes. */

/* Records that one step may edit: names, buckets, marks of the directories above. */
#define STEP_ROOM 1000u
/* Cells are edited besides: a step that stores so many bytes in them begins a transaction. */
#define MUCH_IN_CELLS 4096u

bool hd_switch_is_loaded(const struct hd_inode *directory)
{
	return !(directory->flags & HD_INODE_UNLOADED) || directory->part.directory.entries > 0;
}

const struct hd_switch_place *hd_switch_place_of(const struct hd_switch *run, uint32_t index)
{
	uint32_t place = index < run->n_place_of ? run->place_of[index] : 0;

	return place ? &run->places[place - 1] : NULL;
}

bool hd_switch_has_bytes_of(const struct hd_inode *inode, const struct hd_base_entry *entry)
{
	if (inode->flags & HD_INODE_UNSETTLED || inode->size != entry->size)
		return false;
	return hd_content_equal(&inode->content, &entry->content) ||
	       (inode->size == 0 && !hd_inode_is_symlink(inode));
}

void hd_switch_fail(struct hd_switch *run, int r)
{
	if (run->status == 0)
		run->status = r;
}

void hd_switch_next_transaction(struct hd_switch *run)
{
	int r;

	/* What a step left when it failed half way is none of the tree. */
	if (run->status < 0 && run->transaction.status == 0)
		run->transaction.status = run->status;
	r = hd_overlay_commit(run->overlay, &run->transaction);
	if (r < 0)
		hd_switch_fail(run, r);
	else
		run->n_unlinked_kept = run->n_unlinked;
	hd_transaction_begin(run->overlay->arena, &run->transaction);
}

void hd_switch_make_room(struct hd_switch *run, size_t cell_bytes)
{
	if (hd_transaction_room(&run->transaction) < STEP_ROOM || cell_bytes > MUCH_IN_CELLS)
		hd_switch_next_transaction(run);
}

/* ---- what became another ---- */

static bool is_held(const struct hd_switch *run, uint32_t index)
{
	return index == hd_ino_index(HD_ROOT_INO) || hd_view_reference(&run->transaction, index)->lookups > 0;
}

void hd_switch_note_change(
	struct hd_switch *run, enum hd_switch_change_kind kind, uint32_t index, const char *name)
{
	struct hd_switch_change *change;

	if (HD_ARRAY_RESERVE(run->changes, run->n_changes, run->changes_capacity) < 0) {
		hd_switch_fail(run, -ENOMEM);
		return;
	}
	change = &run->changes[run->n_changes];
	*change = (struct hd_switch_change){.kind = kind,
		.held = is_held(run, index),
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

void hd_switch_note_orphan(struct hd_switch *run, uint32_t index)
{
	if (HD_ARRAY_RESERVE(run->orphans, run->n_orphans, run->orphans_capacity) == 0)
		run->orphans[run->n_orphans++] = index;
	/* Else it stays until the thread is opened again. */
}
