/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/arena/inode_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/arena/cells.h"
#include "overlay/arena/inode_ranges.h"
#include "overlay/platform/cleanup.h"

/*
 * An id is the record's index with the record's generation above it. The generation is kept when the record
 * is freed and grows when it is used again, so an id whose inode is gone never finds the successor. The root
 * is index 1, generation 0, which makes its id 1 as the FUSE protocol wants.
 *
 * Marks. Every change gets a number; an inode keeps the number of its own last change (self) and of the last
 * one below it (tree). A change climbs to the root, but stops at the first ancestor that is marked already
 * since the last barrier: the ancestors above it are too. So a busy directory costs one step per change, and
 * a capture, which raises the barrier, never has to clear a mark.
 *
 * The first change after a capture marks all its ancestors, of which there may be more than a transaction has room for.
 * Those far above are marked before, in transactions of their own and from the root down, so that what is above a marked
 * directory is marked at any instant. A death in between leaves marks without a change, which a capture passes through.
 */

/* Ids with the highest bit are of states (states/state_tree.h). */
#define GENERATION_MASK 0x7fffffffu

hd_ino hd_inode_id(const struct hd_arena *arena, uint32_t index)
{
	return (hd_ino)hd_record_inode(arena, index)->generation << 32 | index;
}

const struct hd_inode *hd_inode_get(const struct hd_arena *arena, hd_ino ino)
{
	uint32_t index = hd_ino_index(ino);
	const struct hd_inode *inode;

	if (!hd_record_exists(arena, HD_TABLE_INODE, index))
		return NULL;
	inode = hd_record_inode(arena, index);
	if (inode->state == HD_INODE_FREE || inode->generation != (uint32_t)(ino >> 32))
		return NULL;
	return inode;
}

uint32_t hd_inode_new(struct hd_transaction *transaction, uint32_t mode, const struct timespec *now)
{
	uint32_t index = hd_allocate(transaction, HD_TABLE_INODE);
	struct hd_inode *inode;

	if (index == 0)
		return 0;
	inode = hd_edit_inode(transaction, index);
	inode->generation =
		(inode->generation + hd_arena_generation_seed(transaction->arena)) & GENERATION_MASK;
	inode->state = HD_INODE_LIVE;
	inode->mode = mode;
	inode->nlink = hd_inode_is_directory(inode) ? 2 : 1;
	inode->access_time = inode->modify_time = inode->change_time = inode->birth_time = hd_time_from(now);
	return index;
}

void hd_inode_free(struct hd_transaction *transaction, uint32_t index)
{
	struct hd_inode *inode = hd_edit_inode(transaction, index);

	if (hd_inode_is_symlink(inode))
		hd_cells_free(transaction, inode->part.link.target);
	hd_cells_free(transaction, inode->xattrs);
	inode->generation = (inode->generation + 1) & GENERATION_MASK;
	hd_release(transaction, HD_TABLE_INODE, index, sizeof(inode->generation));
}

bool hd_inode_is_releasable(const struct hd_arena *arena, uint32_t index)
{
	const struct hd_reference *held = hd_record_reference(arena, index);

	return hd_record_inode(arena, index)->state == HD_INODE_ORPHAN && held->lookups == 0 &&
	       held->opens == 0 && held->pins == 0;
}

void hd_inode_drop_name(struct hd_transaction *transaction, uint32_t index, const struct timespec *now)
{
	struct hd_inode *inode = hd_edit_inode(transaction, index);

	if (hd_inode_is_directory(inode))
		inode->nlink = 0;
	else if (inode->nlink > 0)
		inode->nlink--;
	inode->change_time = hd_time_from(now);
	if (inode->first_link == 0)
		inode->state = inode->unseen_links ? HD_INODE_HIDDEN : HD_INODE_ORPHAN;
}

#define NEAR_LEVELS 1024u   /* marked in the transaction of the change */
#define MARKS_AT_ONCE 4096u /* of those above, in one of their own */

static uint32_t unmarked_parent(const struct hd_transaction *transaction, uint32_t index, uint64_t barrier)
{
	uint32_t link = hd_view_inode(transaction, index)->first_link;
	uint32_t parent = link ? hd_view_entry(transaction, link)->parent : 0;

	return parent && hd_view_inode(transaction, parent)->tree_change <= barrier ? parent : 0;
}

/* CHAIN, of N directories, from its end. */
static int mark_chain(struct hd_arena *arena, const uint32_t *chain, size_t n, uint64_t change)
{
	int r = 0;

	while (n > 0 && r == 0) {
		struct hd_transaction transaction;
		size_t stop = n > MARKS_AT_ONCE ? n - MARKS_AT_ONCE : 0;

		hd_transaction_begin(arena, &transaction);
		hd_edit_thread(&transaction)->change = change;
		while (n > stop)
			hd_edit_inode(&transaction, chain[--n])->tree_change = change;
		r = hd_transaction_commit(&transaction);
	}
	return r;
}

/* Marks INDEX, which is not, and all above it before the transaction. */
static int mark_far_above(
	struct hd_transaction *transaction, uint32_t index, uint64_t change, uint64_t barrier)
{
	struct hd_transaction_aside aside;
	HD_AUTO_FREE uint32_t *chain = NULL;
	size_t n = 0, count = 0;
	int r;

	for (uint32_t at = index; at; at = unmarked_parent(transaction, at, barrier))
		count++;
	chain = calloc(count, sizeof(*chain));
	if (!chain)
		return -ENOMEM;
	for (uint32_t at = index; at; at = unmarked_parent(transaction, at, barrier))
		chain[n++] = at;
	r = hd_transaction_set_aside(transaction, &aside);
	if (r < 0)
		return r;
	r = mark_chain(transaction->arena, chain, n, change);
	hd_transaction_take_up(transaction, &aside);
	/* What the transaction has changed itself it has in an older copy. */
	for (size_t i = 0; i < n && r == 0; i++)
		if (hd_view_inode(transaction, chain[i])->tree_change <= barrier)
			hd_edit_inode(transaction, chain[i])->tree_change = change;
	return r;
}

static void mark_above(struct hd_transaction *transaction, uint32_t index, uint64_t change, uint64_t barrier)
{
	unsigned levels = 0;
	int r = 0;

	if (hd_view_inode(transaction, index)->tree_change > barrier)
		return;
	while (index && r == 0) {
		uint32_t parent = unmarked_parent(transaction, index, barrier);

		if (++levels == NEAR_LEVELS) {
			r = mark_far_above(transaction, index, change, barrier);
			break;
		}
		hd_edit_inode(transaction, index)->tree_change = change;
		index = parent;
	}
	if (r < 0 && transaction->status == 0)
		transaction->status = r;
}

void hd_inode_mark_changed(struct hd_transaction *transaction, uint32_t index)
{
	struct hd_thread_head *head = hd_edit_thread(transaction);
	uint64_t change = ++head->change;
	struct hd_inode *inode = hd_edit_inode(transaction, index);
	bool marked = inode->tree_change > head->barrier;
	uint32_t link = inode->first_link;

	inode->self_change = change;
	inode->tree_change = change;
	if (marked)
		return; /* and so are all its names' directories: a new name marks its own */
	while (link && transaction->status == 0) {
		const struct hd_entry *entry = hd_view_entry(transaction, link);

		mark_above(transaction, entry->parent, change, head->barrier);
		link = entry->link_next;
	}
}

void hd_inode_mark_above(struct hd_transaction *transaction, uint32_t directory)
{
	struct hd_thread_head *head = hd_edit_thread(transaction);

	mark_above(transaction, directory, ++head->change, head->barrier);
}

/*
 * st_ino. Files of a directory base keep the number they have there, because git, make's kin and backup programs take
 * a file for changed when its number did. Our own numbers are a range of their own within 32 bits, which is all that
 * git and old programs keep; a base's number that falls into it is not taken over.
 */
#define OWN_NUMBERS 0x80000000u
_Static_assert((1u << 23) < OWN_NUMBERS, "an inode's index fits below the range of our own numbers");

bool hd_inode_may_have_number(uint64_t number)
{
	return number > hd_ino_index(HD_ROOT_INO) && number < HD_STATE_NUMBERS &&
	       (number < OWN_NUMBERS || number >= OWN_NUMBERS + hd_record_limit(HD_TABLE_INODE));
}

static uint64_t number_of(const struct hd_inode *inode, uint32_t index)
{
	if (inode->number)
		return inode->number;
	return index == hd_ino_index(HD_ROOT_INO) ? index : OWN_NUMBERS + index;
}

/*
 * st_blocks: what lies in the hot tier and what of the content is no hole, which counts a block twice that was written
 * over one of the content, hence the limit; and at least what was asked for by fallocate(2), within the end or beyond.
 */
static uint64_t blocks_of(const struct hd_inode *inode)
{
	const struct hd_file_part *file = &inode->part.file;
	uint64_t whole = (inode->size + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;
	uint64_t backed = (inode->backed + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;
	uint64_t blocks;

	if (hd_inode_is_directory(inode))
		return 8;
	if (!hd_inode_is_file(inode))
		return 0;
	blocks = file->mapped + (file->hole_blocks < backed ? backed - file->hole_blocks : 0);
	if (blocks > whole)
		blocks = whole;
	if (blocks < file->promised_end - file->promised_first)
		blocks = file->promised_end - file->promised_first;
	return blocks * (HD_BLOCK_SIZE / 512);
}

void hd_inode_attributes(const struct hd_arena *arena, uint32_t index, struct hd_attributes *ret)
{
	const struct hd_inode *inode = hd_record_inode(arena, index);
	bool is_directory = hd_inode_is_directory(inode);

	*ret = (struct hd_attributes){
		.ino = hd_inode_id(arena, index),
		.number = number_of(inode, index),
		.mode = inode->mode,
		.nlink = inode->nlink,
		.uid = inode->uid,
		.gid = inode->gid,
		.device = inode->device,
		.size = is_directory ? HD_BLOCK_SIZE : inode->size,
		.blocks = blocks_of(inode),
		.access_time = hd_time_to(&inode->access_time),
		.modify_time = hd_time_to(&inode->modify_time),
		.change_time = hd_time_to(&inode->change_time),
		.birth_time = hd_time_to(&inode->birth_time),
	};
	if (is_directory && inode->nlink > 0)
		ret->nlink = 2 + inode->part.directory.subdirectories;
}

uint32_t hd_inode_parent(const struct hd_arena *arena, uint32_t index)
{
	uint32_t link = hd_record_inode(arena, index)->first_link;

	return link ? hd_record_entry(arena, link)->parent : index;
}
