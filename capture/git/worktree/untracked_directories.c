/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/untracked_directories.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/arena/inode_numbers.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"

/*
 * In an index what is below a directory lies together, so that each directory is met once: when the first path below it is.
 * All are collected in that order with the path up to their slash, and then sorted: with the slash as the lowest byte the
 * order is the one that is wanted, because a directory's path begins those of what is below it.
 */

struct met {
	const char *path; /* borrowed from the index */
	size_t length;    /* without the slash; 0: the root */
	const git_oid *ignore;
};

struct collection {
	struct met *met; /* owned */
	size_t count, capacity;
};

static int meet(struct collection *collection, const char *path, size_t length)
{
	if (HD_ARRAY_RESERVE(collection->met, collection->count, collection->capacity) < 0)
		return -ENOMEM;
	collection->met[collection->count++] = (struct met){.path = path, .length = length};
	return collection->count > UINT32_MAX / 2 ? -EFBIG : 0;
}

/* Meets the directories of PATH that the path BEFORE it has not. */
static int meet_all(struct collection *collection, const char *before, const char *path)
{
	size_t common = 0, at;
	int r = 0;

	while (path[common] && path[common] == before[common])
		common++;
	for (at = 0; path[at] && r == 0; at++)
		if (path[at] == '/' && at >= common)
			r = meet(collection, path, at);
	return r;
}

static int compare_met(const void *a, const void *b)
{
	const struct met *left = a, *right = b;
	size_t common = left->length < right->length ? left->length : right->length;

	for (size_t i = 0; i < common; i++) {
		int one = left->path[i] == '/' ? 0 : (unsigned char)left->path[i];
		int other = right->path[i] == '/' ? 0 : (unsigned char)right->path[i];

		if (one != other)
			return one - other;
	}
	return left->length < right->length ? -1 : left->length > right->length;
}

static size_t directory_length(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static int note_ignore(struct collection *collection, const git_index_entry *entry)
{
	struct met key = {.path = entry->path, .length = directory_length(entry->path)};
	const char *name = entry->path + key.length + (key.length > 0);
	struct met *found;

	if (strcmp(name, ".gitignore") != 0 || !S_ISREG(entry->mode))
		return 0;
	found = bsearch(&key, collection->met, collection->count, sizeof(*found), compare_met);
	if (!found)
		return -EFAULT;
	found->ignore = &entry->id;
	return 0;
}

static int collect(git_index *index, struct collection *collection)
{
	size_t count = git_index_entrycount(index);
	const char *before = "";
	int r = meet(collection, "", 0);

	for (size_t i = 0; i < count && r == 0; i++) {
		const char *path = git_index_get_byindex(index, i)->path;

		r = meet_all(collection, before, path);
		before = path;
	}
	if (r < 0)
		return r;
	qsort(collection->met, collection->count, sizeof(*collection->met), compare_met);
	for (size_t i = 0; i < count && r == 0; i++)
		r = note_ignore(collection, git_index_get_byindex(index, i));
	return r;
}

/* Whether the directory ABOVE has BELOW, which comes later. */
static bool has(const struct met *above, const struct met *below)
{
	return above->length == 0 || (below->length > above->length && below->path[above->length] == '/' &&
					     memcmp(below->path, above->path, above->length) == 0);
}

/* The way up from the directory before is kept: each knows the one above it. */
static int describe(const struct collection *collection, uint64_t root, struct hd_untracked_directory *items)
{
	HD_AUTO_FREE uint32_t *above = calloc(collection->count, sizeof(*above));

	if (!above)
		return -ENOMEM;
	items[0] = (struct hd_untracked_directory){
		.name = "", .number = root, .ignore = collection->met[0].ignore};
	for (uint32_t i = 1; i < collection->count; i++) {
		const struct met *met = &collection->met[i];
		uint32_t at = i - 1;
		size_t begin;

		while (!has(&collection->met[at], met))
			at = above[at];
		above[i] = at;
		begin = collection->met[at].length + (at > 0);
		items[at].directories++;
		items[i] = (struct hd_untracked_directory){.name = met->path + begin,
			.length = met->length - begin,
			.number = hd_inode_number_derive(
				items[at].number, met->path + begin, met->length - begin, NULL),
			.ignore = met->ignore};
	}
	return 0;
}

int hd_untracked_directories_read(
	git_index *index, uint64_t root, struct hd_untracked_directories *ret_directories)
{
	struct collection collection = {0};
	struct hd_untracked_directory *items = NULL;
	int r = collect(index, &collection);

	if (r == 0) {
		items = calloc(collection.count, sizeof(*items));
		r = items ? describe(&collection, root, items) : -ENOMEM;
	}
	if (r < 0)
		free(items);
	else
		*ret_directories = (struct hd_untracked_directories){items, (uint32_t)collection.count};
	free(collection.met);
	return r;
}

void hd_untracked_directories_clear(struct hd_untracked_directories *directories)
{
	free(directories->items);
	*directories = (struct hd_untracked_directories){0};
}
