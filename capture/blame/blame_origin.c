/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/blame/blame_origin.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/diff.h"
#include "capture/compare/git_patch.h"
#include "capture/compare/line_hunks.h"
#include "capture/compare/same_content.h"
#include "capture/compare/tree_comparison.h"
#include "capture/compare/tree_moves.h"
#include "capture/trees/tree_find.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* Files that a file may have been before, looked into: more, or larger ones, are not worth their reading. */
#define CANDIDATES_MAX 200
#define SIMILAR_SIZE_MAX (1u << 20)
#define SIMILAR_PERCENT 50

void hd_blame_file_clear(struct hd_blame_file *file)
{
	free(file->path);
	free(file->above);
	free(file->data);
	*file = (struct hd_blame_file){0};
}

/* ---- finding by path ---- */

static int put_above(struct hd_buffer *above, const struct hd_tree_view_entry *directory)
{
	/* A changed directory of a snapshot has no reference that means anything yet. */
	struct hd_content content = directory->unreferenced ? (struct hd_content){0} : directory->content;

	hd_buffer_put(above, &content, sizeof(content));
	return hd_buffer_status(above);
}

/* Whether LIKE, a file of the same path, is below the same directory at this depth, and so is the same file. */
static bool is_shared(
	const struct hd_blame_file *like, const struct hd_tree_view_entry *directory, size_t depth)
{
	return like && depth < like->n_above && !directory->unreferenced &&
	       !hd_content_is_none(&directory->content) &&
	       hd_content_equal(&like->above[depth], &directory->content);
}

static int go_down(
	struct hd_tree_view *view, const char *name, size_t length, struct hd_tree_view_entry *entry)
{
	struct hd_tree_view_listing listing = {0};
	const struct hd_tree_view_entry *child;
	int r = S_ISDIR(entry->mode) ? hd_tree_view_list(view, entry, &listing) : -ENOTDIR;

	if (r < 0)
		return r;
	child = hd_tree_view_listing_find(&listing, name, length);
	if (child) {
		*entry = *child;
		entry->name = "";
		entry->name_length = 0;
	}
	hd_tree_view_listing_clear(&listing);
	return child ? 0 : -HD_E_PATH_MISSING;
}

/* Walks to PATH, which has no empty parts; stops where LIKE says what is there. */
static int walk(struct hd_tree_view *view, const char *path, const struct hd_blame_file *like,
	struct hd_tree_view_entry *ret_entry, struct hd_buffer *above)
{
	struct hd_tree_view_entry entry;
	int r = 0;

	hd_tree_view_root(view, &entry);
	for (size_t depth = 0; *path && r >= 0; depth++) {
		size_t length = strcspn(path, "/");

		if (is_shared(like, &entry, depth)) {
			hd_buffer_put(
				above, &like->above[depth], (like->n_above - depth) * sizeof(like->above[0]));
			*ret_entry = like->entry;
			return hd_buffer_status(above);
		}
		r = put_above(above, &entry);
		if (r >= 0)
			r = go_down(view, path, length, &entry);
		path += length + (path[length] == '/');
	}
	*ret_entry = entry;
	return r;
}

static int find(struct hd_tree_view *view, const char *path, const struct hd_blame_file *like,
	struct hd_blame_file *ret_file)
{
	HD_AUTO_BUFFER struct hd_buffer above = {0};
	struct hd_blame_file file = {.path = strdup(path)};
	int r = file.path ? walk(view, path, like, &file.entry, &above) : -ENOMEM;

	if (r >= 0 && S_ISDIR(file.entry.mode))
		r = -EISDIR;
	else if (r >= 0 && !S_ISREG(file.entry.mode) && !S_ISLNK(file.entry.mode))
		r = -EINVAL;
	if (r < 0) {
		hd_blame_file_clear(&file);
		return r;
	}
	file.n_above = above.size / sizeof(struct hd_content);
	file.above = hd_buffer_steal(&above, NULL);
	*ret_file = file;
	return 0;
}

int hd_blame_file_find(struct hd_tree_view *view, const char *path, struct hd_blame_file *ret_file)
{
	HD_AUTO_FREE char *cleaned = NULL;
	int r = hd_tree_path_clean(path, &cleaned);

	if (r < 0)
		return r;
	r = find(view, cleaned, NULL, ret_file);
	if (r == -EISDIR)
		return hd_fail(EISDIR, "'%s'", path);
	if (r == -EINVAL)
		return hd_fail(EINVAL, "'%s' is neither a file nor a link", path);
	return r < 0 ? hd_fail_in(r, "'%s'", path) : 0;
}

int hd_blame_file_load(struct hd_tree_view *view, struct hd_blame_file *file)
{
	int r;

	if (file->loaded)
		return 0;
	r = hd_tree_view_read_whole(view, &file->entry, HD_DIFF_TEXT_LIMIT, &file->data, &file->size);
	if (r < 0 && r != -EFBIG)
		return r;
	file->loaded = true;
	file->binary = r == -EFBIG || hd_git_patch_is_binary(file->data, file->size);
	if (file->binary) {
		free(file->data);
		file->data = NULL;
		file->size = 0;
	}
	return 0;
}

/* ---- directories that were moved ---- */

/* PATH as it was before the move of FROM to TO; NULL if it is not below TO. */
static char *before_move(const char *path, const char *from, const char *to)
{
	size_t length = strlen(to);
	char *before = NULL;

	if (strncmp(path, to, length) != 0 || path[length] != '/')
		return NULL;
	return asprintf(&before, "%s%s", from, path + length) < 0 ? NULL : before;
}

/* The path of FILE in the parent's tree, as far as moved directories tell: fresh memory. */
static int old_path(
	const struct hd_blame_tree *tree, const char *path, struct hd_tree_view *parent, char **ret_path)
{
	struct hd_tree_moves found = {0};
	size_t n = tree->n_moves, best = 0;
	char *old = NULL;
	int r = tree->knows_moves ? 0 : hd_tree_moves_find(parent, tree->view, NULL, &found);

	if (r < 0)
		return r;
	if (!tree->knows_moves)
		n = found.count;
	for (size_t i = 0; i < n; i++) {
		const char *from = tree->knows_moves ? tree->moves[i].from : found.moves[i].from;
		const char *to = tree->knows_moves ? tree->moves[i].to : found.moves[i].to;
		char *before = strlen(to) > best ? before_move(path, from, to) : NULL;

		if (!before)
			continue;
		best = strlen(to);
		free(old);
		old = before;
	}
	hd_tree_moves_clear(&found);
	*ret_path = old ? old : strdup(path);
	return *ret_path ? 0 : -ENOMEM;
}

/* ---- files that were renamed ---- */

struct search {
	const struct hd_blame_tree *tree;
	struct hd_tree_view *parent;
	struct hd_blame_file *file;
	char *same, *similar; /* owned: paths of the parent's tree */
	unsigned similarity;
	unsigned looked_at;
};

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int keep_path(char **kept, const char *path)
{
	free(*kept);
	*kept = strdup(path);
	return *kept ? 0 : -ENOMEM;
}

static int try_similar(struct search *search, const struct hd_change *change)
{
	struct hd_blame_file other = {.entry = *change->old_entry};
	unsigned percent = 0;
	int r;

	if (search->looked_at == CANDIDATES_MAX || change->old_entry->size > SIMILAR_SIZE_MAX ||
		search->file->entry.size > SIMILAR_SIZE_MAX || search->same)
		return 0;
	search->looked_at++;
	r = hd_blame_file_load(search->tree->view, search->file);
	if (r >= 0)
		r = hd_blame_file_load(search->parent, &other);
	if (r >= 0 && !other.binary && !search->file->binary)
		r = hd_line_hunks_similarity(
			other.data, other.size, search->file->data, search->file->size, &percent);
	hd_blame_file_clear(&other);
	if (r < 0 || percent < SIMILAR_PERCENT || percent <= search->similarity)
		return r < 0 ? r : 0;
	search->similarity = percent;
	return keep_path(&search->similar, change->path);
}

static int try_candidate(const struct hd_change *change, void *payload)
{
	struct search *search = payload;
	const struct hd_tree_view_entry *mine = &search->file->entry;
	bool same = false;
	int r;

	if (change->kind != HD_CHANGE_DELETED || !S_ISREG(change->old_entry->mode) ||
		change->old_entry->size == 0)
		return 0;
	if (change->old_entry->size == mine->size) {
		r = hd_same_bytes(search->parent, change->old_entry, search->tree->view, mine, &same);
		if (r < 0)
			return r;
	}
	if (!same)
		return try_similar(search, change);
	/* Of several with these bytes, the one that kept its name. */
	if (search->same && strcmp(base_name(change->path), base_name(search->file->path)) != 0)
		return 0;
	return keep_path(&search->same, change->path);
}

static int find_renamed(const struct hd_blame_tree *tree, struct hd_blame_file *file,
	struct hd_tree_view *parent, char **ret_path)
{
	struct search search = {.tree = tree, .parent = parent, .file = file};
	struct hd_change_counts counts;
	int r = hd_tree_comparison_run(parent, tree->view, HD_MOVES_IGNORED, try_candidate, &search, &counts);

	*ret_path = search.same ? search.same : search.similar;
	free(search.same ? search.similar : NULL);
	if (r < 0) {
		free(*ret_path);
		*ret_path = NULL;
	}
	return r;
}

/* ---- both ---- */

static bool is_absent(int r)
{
	return r == -HD_E_PATH_MISSING || r == -ENOTDIR || r == -EISDIR || r == -EINVAL;
}

int hd_blame_origin_find(const struct hd_blame_tree *tree, struct hd_blame_file *file,
	struct hd_tree_view *parent, struct hd_blame_file *ret_origin)
{
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_FREE char *renamed = NULL;
	struct hd_blame_file origin = {0};
	int r = old_path(tree, file->path, parent, &path);

	if (r < 0)
		return r;
	r = find(parent, path, strcmp(path, file->path) == 0 ? file : NULL, &origin);
	if (r >= 0 && (origin.entry.mode & S_IFMT) != (file->entry.mode & S_IFMT)) {
		hd_blame_file_clear(&origin);
		return 0;
	}
	if (is_absent(r) && S_ISREG(file->entry.mode) && file->entry.size > 0) {
		r = find_renamed(tree, file, parent, &renamed);
		if (r >= 0)
			r = renamed ? find(parent, renamed, NULL, &origin) : -HD_E_PATH_MISSING;
	}
	if (r < 0)
		return is_absent(r) ? 0 : r;
	*ret_origin = origin;
	return 1;
}
