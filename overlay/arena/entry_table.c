/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/arena/entry_table.h"

#include <string.h>

#include "overlay/arena/cells.h"
#include "overlay/platform/checksum.h"

/*
 * The hash table grows by linear hashing (W. Litwin, "Linear hashing: a new tool for file and table
 * addressing", 1980): one bucket is split per insertion once there are more entries than buckets, so growth
 * never stops the mount, and the touched part of the bucket table stays as dense as the entries are many.
 *
 * A cookie is the entry's sequence in its directory, above, and its index, below. The index finds the entry
 * at once while it lives, and when it was removed, what it left in its free record finds its successor: whoever
 * lists a directory in pieces and removes what he was shown pays for that alone. When the record is used again,
 * which thousands of others are before it (hd_allocate), the sequence finds the successor in the list, which is in
 * order of sequence, step by step. Sequences are never reused within a directory, so a cookie never names another
 * entry.
 *
 * A listing goes from the newest entry to the oldest. So it ends: whoever makes or renames what he is being
 * shown makes entries that lie behind him.
 */

#define SEQUENCE_SHIFT 24
_Static_assert((1u << 23) <= (1u << SEQUENCE_SHIFT), "an entry's index fits the low bits of a cookie");

/* Cookies 1 and 2 are "." and ".."; sequences begin above, so that the two never meet. */
#define FIRST_SEQUENCE 1u

static uint32_t hash_name(uint32_t parent, const char *name, size_t length)
{
	uint64_t hash = hd_checksum64(name, length) ^ ((uint64_t)parent * 0x9E3779B97F4A7C15u);

	hash ^= hash >> 32;
	return (uint32_t)(hash * 0xD6E8FEB86659FD93u >> 32);
}

static uint32_t bucket_of(const struct hd_hash_head *head, uint32_t hash)
{
	uint32_t bucket = hash & ((1u << head->level) - 1);

	return bucket < head->split ? hash & ((2u << head->level) - 1) : bucket;
}

static const struct hd_hash_head *view_hash(const struct hd_transaction *transaction)
{
	return hd_view(transaction, HD_TABLE_HEAD, HD_HEAD_HASH);
}

static uint32_t *edit_bucket(struct hd_transaction *transaction, uint32_t bucket)
{
	struct hd_bucket_record *record = hd_edit_bucket(transaction, bucket / HD_BUCKETS_PER_RECORD);

	return &record->first[bucket % HD_BUCKETS_PER_RECORD];
}

static uint32_t view_bucket(const struct hd_transaction *transaction, uint32_t bucket)
{
	return hd_view_bucket(transaction, bucket / HD_BUCKETS_PER_RECORD)
		->first[bucket % HD_BUCKETS_PER_RECORD];
}

static bool name_equals(
	const struct hd_arena *arena, const struct hd_entry *entry, const char *name, size_t length)
{
	if (entry->name_length != length)
		return false;
	if (entry->name_cells)
		return hd_cells_equal(arena, entry->name_cells, name, length);
	return memcmp(entry->name, name, length) == 0;
}

uint32_t hd_entry_find(const struct hd_arena *arena, uint32_t parent, const char *name, size_t length)
{
	const struct hd_hash_head *head = hd_record(arena, HD_TABLE_HEAD, HD_HEAD_HASH);
	uint32_t hash = hash_name(parent, name, length);
	uint32_t bucket = bucket_of(head, hash);
	uint32_t index = hd_record_bucket(arena, bucket / HD_BUCKETS_PER_RECORD)
				 ->first[bucket % HD_BUCKETS_PER_RECORD];

	while (index) {
		const struct hd_entry *entry = hd_record_entry(arena, index);

		if (entry->hash == hash && entry->parent == parent && name_equals(arena, entry, name, length))
			return index;
		index = entry->hash_next;
	}
	return 0;
}

/* Moves the entries of bucket `split` that belong there to its new twin. */
static void split_one(struct hd_transaction *transaction)
{
	struct hd_hash_head *head = hd_edit(transaction, HD_TABLE_HEAD, HD_HEAD_HASH);
	uint32_t old = head->split, new = old + (1u << head->level);
	uint32_t index = view_bucket(transaction, old);
	uint32_t stay = 0, move = 0;

	if (new / HD_BUCKETS_PER_RECORD >= hd_record_limit(HD_TABLE_BUCKET))
		return; /* chains grow longer instead */
	while (index) {
		struct hd_entry *entry = hd_edit_entry(transaction, index);
		uint32_t next = entry->hash_next;
		uint32_t *chain = entry->hash & (1u << head->level) ? &move : &stay;

		entry->hash_next = *chain;
		*chain = index;
		index = next;
	}
	*edit_bucket(transaction, old) = stay;
	*edit_bucket(transaction, new) = move;
	if (++head->split == 1u << head->level) {
		head->level++;
		head->split = 0;
	}
}

static void hash_insert(struct hd_transaction *transaction, uint32_t index, struct hd_entry *entry)
{
	const struct hd_allocator *entries =
		hd_view(transaction, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_ENTRY);
	const struct hd_hash_head *head = view_hash(transaction);
	uint32_t *bucket;

	if (entries->used > (1u << head->level) + head->split) {
		split_one(transaction);
		head = view_hash(transaction);
	}
	bucket = edit_bucket(transaction, bucket_of(head, entry->hash));
	entry->hash_next = *bucket;
	*bucket = index;
}

static void hash_remove(struct hd_transaction *transaction, uint32_t index, const struct hd_entry *entry)
{
	uint32_t bucket = bucket_of(view_hash(transaction), entry->hash);
	uint32_t at = view_bucket(transaction, bucket);

	if (at == index) {
		*edit_bucket(transaction, bucket) = entry->hash_next;
		return;
	}
	while (at && hd_view_entry(transaction, at)->hash_next != index)
		at = hd_view_entry(transaction, at)->hash_next;
	if (at)
		hd_edit_entry(transaction, at)->hash_next = entry->hash_next;
}

static void list_append(
	struct hd_transaction *transaction, uint32_t index, struct hd_entry *entry, bool is_directory)
{
	struct hd_inode *parent = hd_edit_inode(transaction, entry->parent);
	struct hd_directory_part *directory = &parent->part.directory;

	if (directory->next_sequence < FIRST_SEQUENCE)
		directory->next_sequence = FIRST_SEQUENCE;
	entry->sequence = directory->next_sequence++;
	entry->previous = directory->last;
	entry->next = 0;
	if (directory->last)
		hd_edit_entry(transaction, directory->last)->next = index;
	else
		directory->first = index;
	directory->last = index;
	directory->entries++;
	if (is_directory)
		directory->subdirectories++;
}

static void list_remove(struct hd_transaction *transaction, const struct hd_entry *entry, bool is_directory)
{
	struct hd_directory_part *directory = &hd_edit_inode(transaction, entry->parent)->part.directory;

	if (entry->previous)
		hd_edit_entry(transaction, entry->previous)->next = entry->next;
	else
		directory->first = entry->next;
	if (entry->next)
		hd_edit_entry(transaction, entry->next)->previous = entry->previous;
	else
		directory->last = entry->previous;
	directory->entries--;
	if (is_directory)
		directory->subdirectories--;
}

static void link_add(struct hd_transaction *transaction, uint32_t index, struct hd_entry *entry)
{
	struct hd_inode *child = hd_edit_inode(transaction, entry->child);

	entry->link_previous = 0;
	entry->link_next = child->first_link;
	if (child->first_link)
		hd_edit_entry(transaction, child->first_link)->link_previous = index;
	child->first_link = index;
}

/* The entry before INDEX in the list of its child's names. Records that an older program wrote do not know it. */
static uint32_t find_link_before(
	const struct hd_transaction *transaction, uint32_t index, const struct hd_entry *entry)
{
	uint32_t at = entry->link_previous;

	if (at && hd_view_entry(transaction, at)->child == entry->child &&
		hd_view_entry(transaction, at)->link_next == index)
		return at;
	at = hd_view_inode(transaction, entry->child)->first_link;
	while (at && hd_view_entry(transaction, at)->link_next != index)
		at = hd_view_entry(transaction, at)->link_next;
	return at;
}

static void link_remove(struct hd_transaction *transaction, uint32_t index, const struct hd_entry *entry)
{
	struct hd_inode *child = hd_edit_inode(transaction, entry->child);
	uint32_t before = child->first_link == index ? 0 : find_link_before(transaction, index, entry);

	if (child->first_link == index)
		child->first_link = entry->link_next;
	else if (before)
		hd_edit_entry(transaction, before)->link_next = entry->link_next;
	if (entry->link_next)
		hd_edit_entry(transaction, entry->link_next)->link_previous = before;
}

uint32_t hd_entry_insert(struct hd_transaction *transaction, uint32_t parent, const char *name, size_t length,
	uint32_t child, bool is_directory)
{
	uint32_t index = hd_allocate(transaction, HD_TABLE_ENTRY);
	struct hd_entry *entry;

	if (index == 0)
		return 0;
	entry = hd_edit_entry(transaction, index);
	memset(entry, 0, sizeof(*entry));
	entry->parent = parent;
	entry->child = child;
	entry->hash = hash_name(parent, name, length);
	entry->name_length = (uint16_t)length;
	if (length <= HD_ENTRY_INLINE)
		memcpy(entry->name, name, length);
	else
		entry->name_cells = hd_cells_store(transaction, name, length);
	hash_insert(transaction, index, entry);
	list_append(transaction, index, entry, is_directory);
	link_add(transaction, index, entry);
	return transaction->status < 0 ? 0 : index;
}

/* Where a listing that was cut off at it goes on: see hd_entry_after. */
static void leave_trace(struct hd_transaction *transaction, uint32_t index, const struct hd_entry *gone)
{
	struct hd_entry *entry = hd_edit_entry(transaction, index);

	entry->child = gone->parent;
	entry->previous = gone->previous;
	entry->sequence = gone->sequence;
}

void hd_entry_remove(struct hd_transaction *transaction, uint32_t index, bool is_directory)
{
	struct hd_entry *entry = hd_edit_entry(transaction, index);
	const struct hd_entry gone = *entry;

	hash_remove(transaction, index, entry);
	list_remove(transaction, entry, is_directory);
	link_remove(transaction, index, entry);
	hd_cells_free(transaction, entry->name_cells);
	hd_release(transaction, HD_TABLE_ENTRY, index, 0);
	leave_trace(transaction, index, &gone);
}

void hd_entry_point(struct hd_transaction *transaction, uint32_t index, uint32_t child)
{
	struct hd_entry *entry = hd_edit_entry(transaction, index);

	link_remove(transaction, index, entry);
	entry->child = child;
	link_add(transaction, index, entry);
}

size_t hd_entry_name(const struct hd_arena *arena, uint32_t index, char name[256])
{
	const struct hd_entry *entry = hd_record_entry(arena, index);
	size_t length = entry->name_length < 256 ? entry->name_length : 255;

	if (entry->name_cells)
		length = hd_cells_load(arena, entry->name_cells, name, length);
	else
		memcpy(name, entry->name, length < HD_ENTRY_INLINE ? length : HD_ENTRY_INLINE);
	name[length] = '\0';
	return length;
}

uint64_t hd_entry_cookie(const struct hd_arena *arena, uint32_t index)
{
	return hd_record_entry(arena, index)->sequence << SEQUENCE_SHIFT | index;
}

/*
 * Follows what removed entries left: what is before one of them is a living entry, or one that was removed later. False
 * when a record on the way is used again by now.
 */
static bool follow_traces(const struct hd_arena *arena, uint32_t directory, uint32_t index, uint64_t sequence,
	uint32_t *ret_index)
{
	bool is_first = true;

	while (index) {
		const struct hd_entry *entry;
		bool lives;

		if (!hd_record_exists(arena, HD_TABLE_ENTRY, index))
			return false;
		entry = hd_record_entry(arena, index);
		lives = entry->parent == directory;
		if (!lives && (entry->parent || entry->child != directory))
			return false;
		if (is_first ? entry->sequence != sequence : entry->sequence >= sequence)
			return false;
		if (lives && !is_first)
			break;
		is_first = false;
		sequence = entry->sequence;
		index = entry->previous;
	}
	*ret_index = index;
	return true;
}

uint32_t hd_entry_after(const struct hd_arena *arena, uint32_t directory, uint64_t cookie)
{
	uint64_t sequence = cookie >> SEQUENCE_SHIFT;
	uint32_t index = (uint32_t)(cookie & ((1u << SEQUENCE_SHIFT) - 1));

	if (sequence && index && follow_traces(arena, directory, index, sequence, &index))
		return index;
	index = hd_record_inode(arena, directory)->part.directory.last;
	while (sequence && index && hd_record_entry(arena, index)->sequence >= sequence)
		index = hd_record_entry(arena, index)->previous;
	return index;
}
