/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/git/base_git_tree.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * Why not libgit2's git_tree: it needs a repository object, which is not safe to share between threads, while
 * the object database is; and it sorts in git's order, where the duplicates below are not neighbours.
 *
 * A tree is anybody's bytes. git itself would not check out an entry named ".", ".." or ".git" (in any case),
 * with a slash, empty, or longer than a file name can be; only a hand-made tree has one. Such an entry is
 * left out and counted, and its neighbours are shown: it can do no harm, and one bad entry must not cost its
 * whole directory.
 * ".git" is among them because a tree that brings its own would choose the configuration, and by it the
 * programs, of every git command that is run in the mount. Of several entries with one name, the first in
 * git's order stays.
 *
 * Bytes that do not even parse are a damaged object: they fail as a whole, since what is missing is unknown.
 */

#define NAME_LIMIT 255

/* As git's canon_mode: what is neither file, link nor directory is a commit. */
static void set_mode(struct hd_git_tree_entry *entry, uint32_t git_mode)
{
	entry->is_commit = false;
	if (S_ISREG(git_mode)) {
		entry->mode = S_IFREG | ((git_mode & 0100) ? 0755 : 0644);
	} else if (S_ISLNK(git_mode)) {
		entry->mode = S_IFLNK | 0777;
	} else {
		entry->mode = S_IFDIR | 0755;
		entry->is_commit = !S_ISDIR(git_mode);
	}
}

static bool name_is_allowed(const char *name, size_t length)
{
	return length > 0 && length <= NAME_LIMIT && !memchr(name, '/', length) && strcmp(name, ".") != 0 &&
	       strcmp(name, "..") != 0 && strcasecmp(name, ".git") != 0;
}

int hd_git_tree_next(const void *data, size_t size, size_t *position, struct hd_git_tree_entry *ret_entry)
{
	const char *begin = (const char *)data + *position, *at = begin;
	const char *end = (const char *)data + size;
	uint32_t git_mode = 0;
	const char *name_end;

	if (at == end)
		return 0;
	for (; at < end && *at >= '0' && *at <= '7'; at++)
		git_mode = git_mode << 3 | (uint32_t)(*at - '0');
	if (at == begin || at - begin > 7 || at == end || *at != ' ')
		return hd_fail(HD_E_BASE_OBJECT, "tree entry at byte %zu has no mode", *position);
	at++;
	name_end = memchr(at, '\0', (size_t)(end - at));
	if (!name_end || end - name_end - 1 < HD_GIT_ID_SIZE)
		return hd_fail(HD_E_BASE_OBJECT, "tree entry at byte %zu is cut off", *position);
	ret_entry->name = at;
	ret_entry->name_length = (size_t)(name_end - at);
	ret_entry->id = (const uint8_t *)name_end + 1;
	set_mode(ret_entry, git_mode);
	*position = (size_t)(name_end + 1 + HD_GIT_ID_SIZE - (const char *)data);
	return 1;
}

/* Names are NUL-terminated, so strcmp is their byte order; equal names keep the tree's own order. */
static int compare_entries(const void *a, const void *b)
{
	const struct hd_git_tree_entry *left = a;
	const struct hd_git_tree_entry *right = b;
	int order = strcmp(left->name, right->name);

	if (order != 0)
		return order;
	return (left->name > right->name) - (left->name < right->name);
}

/* Most trees are: git's order is another one only where a directory's name goes on as another name. */
static bool is_sorted(const struct hd_git_tree_entry *entries, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (compare_entries(&entries[i - 1], &entries[i]) > 0)
			return false;
	return true;
}

static void drop_duplicates(struct hd_git_tree *tree)
{
	size_t kept = 0;

	for (size_t i = 0; i < tree->count; i++) {
		if (kept > 0 && strcmp(tree->entries[kept - 1].name, tree->entries[i].name) == 0)
			tree->skipped++;
		else
			tree->entries[kept++] = tree->entries[i];
	}
	tree->count = kept;
}

int hd_git_tree_decode(const void *data, size_t size, struct hd_git_tree *ret_tree)
{
	HD_AUTO_FREE struct hd_git_tree_entry *entries = NULL;
	struct hd_git_tree tree = {0};
	struct hd_git_tree_entry entry = {0};
	size_t capacity = 0;
	size_t position = 0;
	int r;

	while ((r = hd_git_tree_next(data, size, &position, &entry)) > 0) {
		if (!name_is_allowed(entry.name, entry.name_length)) {
			tree.skipped++;
			continue;
		}
		if (HD_ARRAY_RESERVE(entries, tree.count, capacity) < 0)
			return -ENOMEM;
		entries[tree.count++] = entry;
	}
	if (r < 0)
		return r;
	if (!is_sorted(entries, tree.count))
		qsort(entries, tree.count, sizeof(*entries), compare_entries);
	tree.entries = entries;
	drop_duplicates(&tree);
	entries = NULL;
	*ret_tree = tree;
	return 0;
}

const struct hd_git_tree_entry *hd_git_tree_find(const struct hd_git_tree *tree, const char *name)
{
	size_t low = 0, high = tree->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(tree->entries[middle].name, name);

		if (order == 0)
			return &tree->entries[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void hd_git_tree_clear(struct hd_git_tree *tree)
{
	free(tree->entries);
	*tree = (struct hd_git_tree){0};
}

static const char *mode_text(const struct hd_git_tree_entry *entry)
{
	if (entry->is_commit)
		return "160000";
	if (S_ISDIR(entry->mode))
		return "40000";
	if (S_ISLNK(entry->mode))
		return "120000";
	return entry->mode & S_IXUSR ? "100755" : "100644";
}

/* git's base_name_compare: a directory sorts as if its name ended in '/'. */
static int compare_in_git_order(const void *a, const void *b)
{
	const struct hd_git_tree_entry *left = *(const struct hd_git_tree_entry *const *)a;
	const struct hd_git_tree_entry *right = *(const struct hd_git_tree_entry *const *)b;
	size_t length = left->name_length < right->name_length ? left->name_length : right->name_length;
	int order = memcmp(left->name, right->name, length);
	unsigned char left_next, right_next;

	if (order != 0)
		return order;
	left_next = (unsigned char)left->name[length];
	right_next = (unsigned char)right->name[length];
	if (!left_next && S_ISDIR(left->mode) && !left->is_commit)
		left_next = '/';
	if (!right_next && S_ISDIR(right->mode) && !right->is_commit)
		right_next = '/';
	return (left_next > right_next) - (left_next < right_next);
}

int hd_git_tree_encode(const struct hd_git_tree_entry *entries, size_t count, struct hd_buffer *out)
{
	HD_AUTO_FREE const struct hd_git_tree_entry **sorted = calloc(count + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &entries[i];
	if (count > 1)
		qsort(sorted, count, sizeof(*sorted), compare_in_git_order);
	for (size_t i = 0; i < count; i++) {
		const char *mode = mode_text(sorted[i]);

		hd_buffer_put(out, mode, strlen(mode));
		hd_buffer_put_u8(out, ' ');
		hd_buffer_put(out, sorted[i]->name, sorted[i]->name_length);
		hd_buffer_put_u8(out, 0);
		hd_buffer_put(out, sorted[i]->id, HD_GIT_ID_SIZE);
	}
	return hd_buffer_status(out);
}
