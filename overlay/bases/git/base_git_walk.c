/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/git/base_git_walk.h"

#include <endian.h>
#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/log.h"

/*
 * Trees wait in one array, in the order in which they were met, and are never taken out of it: it is the list of
 * what was seen as well. A table of its indexes, open addressing by the ids' own first bytes (they are hashes),
 * answers whether a tree was met before. Blobs are collected with repetitions and sorted once.
 *
 * Sizes are asked for after that, in the order of the ids, which is the order of a pack's index. The first one
 * that cannot be had ends the asking: "unknown" is then the answer for all.
 */

struct tree_table {
	git_oid *ids; /* owned */
	size_t count, capacity;
	uint32_t *slots; /* owned: index + 1 into `ids`, 0 for none; twice `capacity` of them */
};

struct walk {
	git_odb *odb; /* borrowed */
	struct tree_table trees;
	struct hd_git_ids ids;
};

static uint32_t *slot_of(struct tree_table *table, const git_oid *id)
{
	size_t mask = 2 * table->capacity - 1;
	uint64_t hash;
	size_t at;

	memcpy(&hash, id->id, sizeof(hash));
	at = (size_t)hash & mask;
	while (table->slots[at] && !git_oid_equal(&table->ids[table->slots[at] - 1], id))
		at = (at + 1) & mask;
	return &table->slots[at];
}

static int grow_table(struct tree_table *table)
{
	size_t capacity = table->capacity ? 2 * table->capacity : 256;
	git_oid *ids;

	if (capacity > UINT32_MAX / 2)
		return -EFBIG;
	ids = reallocarray(table->ids, capacity, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	table->ids = ids;
	free(table->slots);
	table->slots = calloc(2 * capacity, sizeof(*table->slots));
	if (!table->slots)
		return -ENOMEM;
	table->capacity = capacity;
	for (size_t i = 0; i < table->count; i++)
		*slot_of(table, &ids[i]) = (uint32_t)i + 1;
	return 0;
}

static int add_tree(struct walk *walk, const git_oid *id)
{
	struct tree_table *table = &walk->trees;
	uint32_t *slot;
	int r;

	if (table->count == table->capacity) {
		r = grow_table(table);
		if (r < 0)
			return r;
	}
	slot = slot_of(table, id);
	if (*slot)
		return 0;
	table->ids[table->count++] = *id;
	*slot = (uint32_t)table->count;
	return 0;
}

static void add_record(struct walk *walk, const uint8_t *id, enum hd_git_kind kind)
{
	hd_buffer_put(&walk->ids.records, id, HD_GIT_ID_SIZE);
	hd_buffer_put_u8(&walk->ids.records, (uint8_t)kind);
}

/* Whether TREE, whose bytes are OBJECT's, is what its entries show and nothing more. */
static int is_usual(const struct hd_git_tree *tree, git_odb_object *object, bool *ret_usual)
{
	static const uint8_t empty_tree[HD_GIT_ID_SIZE] = {0x4b, 0x82, 0x5d, 0xc6, 0x42, 0xcb, 0x6e, 0xb9,
		0xa0, 0x60, 0xe5, 0x4b, 0xf8, 0xd6, 0x92, 0x88, 0xfb, 0xee, 0x49, 0x04};
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	int r;

	*ret_usual = false;
	if (tree->count == 0)
		return 0;
	for (size_t i = 0; i < tree->count; i++) {
		if (tree->entries[i].is_commit ||
			memcmp(tree->entries[i].id, empty_tree, sizeof(empty_tree)) == 0)
			return 0;
	}
	r = hd_git_tree_encode(tree->entries, tree->count, &bytes);
	if (r < 0)
		return r;
	*ret_usual = bytes.size == git_odb_object_size(object) &&
		     memcmp(bytes.data, git_odb_object_data(object), bytes.size) == 0;
	return 0;
}

static int collect_entries(struct walk *walk, const struct hd_git_tree *tree)
{
	for (size_t i = 0; i < tree->count; i++) {
		const struct hd_git_tree_entry *entry = &tree->entries[i];
		git_oid id;
		int r;

		if (entry->is_commit)
			continue;
		if (!S_ISDIR(entry->mode)) {
			add_record(walk, entry->id, HD_GIT_BLOB);
			continue;
		}
		(void)git_oid_fromraw(&id, entry->id);
		r = add_tree(walk, &id);
		if (r < 0)
			return r;
	}
	return hd_buffer_status(&walk->ids.records);
}

/* -HD_E_BASE_OBJECT when the tree cannot be read. */
static int visit(struct walk *walk, const git_oid *id)
{
	git_odb_object *object = NULL;
	struct hd_git_tree tree = {0};
	bool usual = false;
	int r = 0;

	if (git_odb_read(&object, walk->odb, id) < 0)
		return hd_git_library_fail(HD_E_BASE_OBJECT, "tree %s", git_oid_tostr_s(id));
	if (git_odb_object_type(object) != GIT_OBJECT_TREE)
		r = hd_fail(HD_E_BASE_OBJECT, "object %s is no tree", git_oid_tostr_s(id));
	else
		r = hd_git_tree_decode(git_odb_object_data(object), git_odb_object_size(object), &tree);
	if (r == 0)
		r = is_usual(&tree, object, &usual);
	if (r == 0)
		r = collect_entries(walk, &tree);
	if (r == 0 && usual)
		add_record(walk, id->id, HD_GIT_TREE);
	if (r == 0 && !usual)
		walk->ids.unusual_trees++;
	hd_git_tree_clear(&tree);
	git_odb_object_free(object);
	return r;
}

static int visit_all(struct walk *walk)
{
	for (size_t i = 0; i < walk->trees.count; i++) {
		git_oid id = walk->trees.ids[i];
		int r = visit(walk, &id);

		if (r == -HD_E_BASE_OBJECT && i > 0) {
			hd_log(HD_LOG_DEBUG, "%s", hd_error_message(r));
			hd_error_clear();
			walk->ids.unread_trees++;
			r = 0;
		}
		if (r < 0)
			return r;
	}
	return hd_buffer_status(&walk->ids.records);
}

static int compare_records(const void *a, const void *b)
{
	return memcmp(a, b, HD_GIT_RECORD_SIZE);
}

static void sort_records(struct hd_buffer *records)
{
	size_t count = records->size / HD_GIT_RECORD_SIZE, kept = 0;

	if (count > 1)
		qsort(records->data, count, HD_GIT_RECORD_SIZE, compare_records);
	for (size_t i = 0; i < count; i++) {
		const uint8_t *record = records->data + i * HD_GIT_RECORD_SIZE;
		uint8_t *place = records->data + kept * HD_GIT_RECORD_SIZE;

		if (kept > 0 && compare_records(place - HD_GIT_RECORD_SIZE, record) == 0)
			continue;
		memmove(place, record, HD_GIT_RECORD_SIZE);
		kept++;
	}
	records->size = kept * HD_GIT_RECORD_SIZE;
}

static int compare_sizes(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static void sort_sizes(struct hd_buffer *buffer)
{
	uint64_t *sizes = (uint64_t *)(void *)buffer->data;
	size_t count = buffer->size / sizeof(*sizes), kept = 0;

	if (count > 1)
		qsort(sizes, count, sizeof(*sizes), compare_sizes);
	for (size_t i = 0; i < count; i++) {
		if (kept == 0 || sizes[kept - 1] != sizes[i])
			sizes[kept++] = sizes[i];
	}
	for (size_t i = 0; i < kept; i++)
		sizes[i] = htole64(sizes[i]);
	buffer->size = kept * sizeof(*sizes);
}

static int measure_blobs(struct walk *walk)
{
	const struct hd_buffer *records = &walk->ids.records;

	for (size_t at = 0; at < records->size; at += HD_GIT_RECORD_SIZE) {
		git_object_t type;
		uint64_t size;
		size_t length;
		git_oid id;

		if (records->data[at + HD_GIT_ID_SIZE] != HD_GIT_BLOB)
			continue;
		(void)git_oid_fromraw(&id, records->data + at);
		if (git_odb_read_header(&length, &type, walk->odb, &id) < 0) {
			hd_buffer_reset(&walk->ids.sizes);
			walk->ids.sizes_unknown = true;
			return 0;
		}
		size = length;
		hd_buffer_put(&walk->ids.sizes, &size, sizeof(size));
	}
	sort_sizes(&walk->ids.sizes);
	return hd_buffer_status(&walk->ids.sizes);
}

int hd_git_walk(git_odb *odb, const uint8_t tree[HD_GIT_ID_SIZE], struct hd_git_ids *ret_ids)
{
	struct walk walk = {.odb = odb};
	git_oid root;
	int r;

	(void)git_oid_fromraw(&root, tree);
	r = add_tree(&walk, &root);
	if (r == 0)
		r = visit_all(&walk);
	if (r == 0) {
		sort_records(&walk.ids.records);
		r = measure_blobs(&walk);
	}
	free(walk.trees.ids);
	free(walk.trees.slots);
	if (r < 0) {
		hd_git_ids_clear(&walk.ids);
		return r;
	}
	*ret_ids = walk.ids;
	return 0;
}

void hd_git_ids_clear(struct hd_git_ids *ids)
{
	hd_buffer_clear(&ids->records);
	hd_buffer_clear(&ids->sizes);
	*ids = (struct hd_git_ids){0};
}
