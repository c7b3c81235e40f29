/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/arena/entry_table.h"
#include "overlay/arena/inode_table.h"
#include "overlay/check/check_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"

/*
 * What a capture takes over from a directory's stored tree (snapshot.h, "partial") is what the live tree has: all names, and of
 * what did not change since it was stored size, mode, owner and times but those that reading moves. Trees that cannot be read
 * are told of elsewhere.
 */

#define OBJECT_LIMIT ((size_t)1 << 30)

struct recorded {
	void *tree_data, *attribute_data; /* owned */
	struct hd_tree tree;
	struct hd_attributes_list attributes;
};

static void recorded_clear(struct recorded *recorded)
{
	hd_tree_clear(&recorded->tree);
	hd_attributes_clear(&recorded->attributes);
	free(recorded->tree_data);
	free(recorded->attribute_data);
}

static int load(struct hd_object_store *objects, const struct hd_inode *inode, struct recorded *recorded)
{
	size_t size;
	int r = hd_object_store_get(objects, &inode->content, OBJECT_LIMIT, &recorded->tree_data, &size);

	if (r >= 0)
		r = hd_tree_decode(recorded->tree_data, size, &recorded->tree);
	if (r >= 0)
		r = hd_object_store_get(objects, &inode->part.directory.attributes, OBJECT_LIMIT,
			&recorded->attribute_data, &size);
	return r < 0 ? r : hd_attributes_decode(recorded->attribute_data, size, &recorded->attributes);
}

HD_TREE_ASSERT_NAMED(struct hd_tree_entry);
HD_TREE_ASSERT_NAMED(struct hd_attribute_entry);

static bool is_time(const struct hd_time *a, const struct timespec *b)
{
	return a->s == b->tv_sec && (long)a->ns == b->tv_nsec;
}

/* A file of the base's directory with several names has as many references, one by each name. */
static bool has_other_content(const struct hd_inode *inode, const struct hd_tree_entry *entry)
{
	bool is_one_of_many = entry->content.kind == HD_CONTENT_HOST && inode->link_group != 0;

	return inode->content.kind == entry->content.kind && !is_one_of_many &&
	       !hd_content_equal(&inode->content, &entry->content);
}

/* What differs, or NULL. The change time of a directory that has none of its own is when it was first looked into. */
static const char *difference(const struct hd_inode *inode, const struct hd_tree_entry *entry,
	const struct hd_attribute_entry *attributes)
{
	bool has_bytes = hd_inode_is_file(inode) || hd_inode_is_symlink(inode);

	if (!entry || !attributes)
		return "is not in it";
	if ((inode->mode & S_IFMT) != (entry->mode & S_IFMT) ||
		(!hd_inode_is_symlink(inode) && inode->mode != entry->mode))
		return "has another mode in it";
	if (has_bytes && inode->size != entry->size)
		return "has another size in it";
	if (has_other_content(inode, entry))
		return "has another content in it";
	if (inode->uid != attributes->uid || inode->gid != attributes->gid)
		return "has another owner in it";
	if (!is_time(&inode->modify_time, &attributes->modify_time) ||
		!is_time(&inode->birth_time, &attributes->birth_time) ||
		(has_bytes && !is_time(&inode->change_time, &attributes->change_time)))
		return "has another time in it";
	return inode->xattrs_size != attributes->xattrs_size ? "has other extended attributes in it" : NULL;
}

static const char *compare(
	const struct recorded *recorded, const struct hd_inode *inode, const char *name, size_t length)
{
	const struct hd_tree *tree = &recorded->tree;
	const struct hd_attributes_list *list = &recorded->attributes;
	size_t at = hd_tree_find_name(tree->entries, tree->count, sizeof(*tree->entries), name, length);
	size_t beside = hd_tree_find_name(list->entries, list->count, sizeof(*list->entries), name, length);

	return difference(inode, at < tree->count ? &tree->entries[at] : NULL,
		beside < list->count ? &list->entries[beside] : NULL);
}

static void check_entries(struct hd_check *check, const struct hd_arena *arena, uint32_t index,
	const struct recorded *recorded, const char *where)
{
	const struct hd_directory_part *part = &hd_record_inode(arena, index)->part.directory;
	uint32_t entry = part->first;

	if (part->entries != recorded->tree.count)
		hd_check_problem(check, "%s: directory %u has %u entries, and %zu in its stored tree", where,
			index, part->entries, recorded->tree.count);
	for (uint32_t i = 0; i < part->entries && hd_record_exists(arena, HD_TABLE_ENTRY, entry); i++) {
		const struct hd_entry *record = hd_record_entry(arena, entry);
		const char *problem = NULL;
		char name[256];
		size_t length = hd_entry_name(arena, entry, name);

		if (hd_record_exists(arena, HD_TABLE_INODE, record->child) &&
			hd_record_inode(arena, record->child)->tree_change <= part->recorded)
			problem = compare(recorded, hd_record_inode(arena, record->child), name, length);
		if (problem)
			hd_check_problem(check, "%s: '%.*s' of directory %u %s, its stored tree", where,
				(int)length, name, index, problem);
		entry = record->next;
	}
}

int hd_check_recorded(struct hd_check *check, const struct hd_arena *arena, uint32_t index, const char *where)
{
	const struct hd_inode *inode = hd_record_inode(arena, index);
	HD_CLEANUP(recorded_clear) struct recorded recorded = {0};
	int r;

	if (inode->state != HD_INODE_LIVE || inode->flags & HD_INODE_UNLOADED ||
		inode->self_change > inode->part.directory.recorded ||
		inode->content.kind != HD_CONTENT_OBJECT ||
		inode->part.directory.attributes.kind != HD_CONTENT_OBJECT)
		return 0;
	r = load(check->store->objects, inode, &recorded);
	if (r >= 0)
		check_entries(check, arena, index, &recorded, where);
	else if (r != -ENOMEM)
		hd_error_clear();
	return r == -ENOMEM ? r : 0;
}
