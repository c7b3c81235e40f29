/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree/worktree_index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/git/worktree/index_extensions.h"
#include "capture/git/worktree/index_template.h"
#include "capture/git/worktree/untracked_cache.h"
#include "overlay/arena/inode_numbers.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/store.h"
#include "overlay/store/tree_codec.h"

/*
 * Read into an index as a tree, the entries keep git's cache of trees, which entries that are added one by one would
 * drop; their stat data is filled in where it lies.
 *
 * An inode number follows from those of the directories above. Paths of an index are sorted, so the directories of the last one are
 * kept, and the next one has most of them.
 */

/* As of base_state.c. */
#define TREE_LIMIT ((size_t)1 << 30)

struct level {
	size_t end; /* of the directory's path: behind its slash */
	uint64_t number;
	/* What the store has of the directory; no tree where it is as git has it. */
	void *bytes; /* owned: what the tree points into */
	struct hd_tree tree;
};

struct walk {
	const struct hd_worktree_stat *stat;
	struct hd_object_store *objects; /* borrowed */
	struct level root;               /* of the tree itself */
	git_odb *odb;                    /* owned */
	const char *path;                /* the last one, whose directories `levels` has */
	struct level *levels;            /* owned */
	size_t n_levels, capacity;
};

static void level_clear(struct level *level)
{
	hd_tree_clear(&level->tree);
	free(level->bytes);
}

static void walk_clear(struct walk *walk)
{
	while (walk->n_levels > 0)
		level_clear(&walk->levels[--walk->n_levels]);
	level_clear(&walk->root);
	git_odb_free(walk->odb);
	free(walk->levels);
}

static size_t end_of(const struct walk *walk)
{
	return walk->n_levels ? walk->levels[walk->n_levels - 1].end : 0;
}

static uint64_t number_of(const struct walk *walk)
{
	return walk->n_levels ? walk->levels[walk->n_levels - 1].number : walk->stat->root;
}

HD_TREE_ASSERT_NAMED(struct hd_tree_entry);

/* The entry NAME of the last directory; NULL where that is as git has it. */
static const struct hd_tree_entry *shown_entry(const struct walk *walk, const char *name, size_t length)
{
	const struct hd_tree *tree =
		walk->n_levels ? &walk->levels[walk->n_levels - 1].tree : &walk->root.tree;
	size_t at = hd_tree_find_name(tree->entries, tree->count, sizeof(*tree->entries), name, length);

	return at < tree->count ? &tree->entries[at] : NULL;
}

static int read_level(struct walk *walk, const struct hd_content *content, struct level *level)
{
	size_t size;
	int r;

	if (content->kind != HD_CONTENT_OBJECT)
		return 0;
	r = hd_object_store_get(walk->objects, content, TREE_LIMIT, &level->bytes, &size);
	return r < 0 ? r : hd_tree_decode(level->bytes, size, &level->tree);
}

static int enter(struct walk *walk, const char *path, size_t length)
{
	size_t begin = end_of(walk);
	const struct hd_tree_entry *shown = shown_entry(walk, path + begin, length);

	if (walk->n_levels == walk->capacity) {
		size_t capacity = 2 * walk->capacity + 16;
		struct level *levels = reallocarray(walk->levels, capacity, sizeof(*levels));

		if (!levels)
			return -ENOMEM;
		walk->levels = levels;
		walk->capacity = capacity;
	}
	walk->levels[walk->n_levels] = (struct level){.end = begin + length + 1,
		.number = hd_inode_number_derive(number_of(walk), path + begin, length, NULL)};
	walk->n_levels++;
	return shown ? read_level(walk, &shown->content, &walk->levels[walk->n_levels - 1]) : 0;
}

/* The levels become those of PATH. */
static int follow(struct walk *walk, const char *path)
{
	const char *slash;
	int r = 0;

	while (walk->n_levels && strncmp(walk->path, path, end_of(walk)) != 0)
		level_clear(&walk->levels[--walk->n_levels]);
	walk->path = path;
	while (r == 0 && (slash = strchr(path + end_of(walk), '/')))
		r = enter(walk, path, (size_t)(slash - path) - end_of(walk));
	return r;
}

static int fill_entry(struct walk *walk, git_index_entry *entry)
{
	const struct hd_worktree_stat *stat = walk->stat;
	const struct hd_tree_entry *shown;
	struct hd_content content = {.kind = HD_CONTENT_GIT, .length = GIT_OID_RAWSZ};
	git_object_t type;
	const char *name;
	size_t size;
	int r = follow(walk, entry->path);

	/* Of a submodule git asks for the directory alone. */
	if (r < 0 || entry->mode == GIT_FILEMODE_COMMIT)
		return r;
	if (git_odb_read_header(&size, &type, walk->odb, &entry->id) < 0)
		return hd_git_library_fail(HD_E_BASE_OBJECT, "'%s'", entry->path);
	memcpy(content.bytes, entry->id.id, GIT_OID_RAWSZ);
	name = entry->path + end_of(walk);
	shown = shown_entry(walk, name, strlen(name));
	if (shown && S_ISREG(shown->mode) && shown->content.kind != HD_CONTENT_GIT) {
		content = shown->content;
		size = shown->size;
	}
	entry->ino = (uint32_t)hd_inode_number_derive(number_of(walk), name, strlen(name), &content);
	entry->mtime = entry->ctime = (git_index_time){.seconds = (int32_t)stat->time_s};
	entry->uid = stat->uid;
	entry->gid = stat->gid;
	entry->file_size = (uint32_t)size;
	return 0;
}

static int fill(struct hd_store *store, git_repository *repository, git_index *index,
	const struct hd_worktree_stat *stat, const struct hd_state *shown)
{
	struct walk walk = {.stat = stat, .objects = store->objects};
	size_t count = git_index_entrycount(index);
	int r = 0;

	if (git_repository_odb(&walk.odb, repository) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "open the objects of a repository");
	r = read_level(&walk, &shown->tree, &walk.root);
	for (size_t i = 0; i < count && r == 0; i++)
		/* In place: the index is nobody else's, and is not sorted by what is filled in. */
		r = fill_entry(&walk, (git_index_entry *)git_index_get_byindex(index, i));
	walk_clear(&walk);
	return r;
}

/* Writes the index with no more in it than libgit2 knows. */
static int write_plain(struct hd_store *store, git_repository *repository, const git_oid *commit,
	const struct hd_worktree_stat *stat, const struct hd_state *shown, const char *path,
	git_index **ret_index)
{
	git_tree *tree = NULL;
	git_index *index = NULL;
	int r = hd_git_library_find_tree(repository, commit, &tree);

	/* An index without a repository: entries are taken as they are, and no object is looked for. */
	if (r == 0 && (git_index_open(&index, path) < 0 || git_index_read_tree(index, tree) < 0))
		r = hd_git_library_fail(HD_E_REPOSITORY, "make the index %s", path);
	if (r == 0 && stat->known)
		r = fill(store, repository, index, stat, shown);
	if (r == 0 && git_index_write(index) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "write the index %s", path);
	git_tree_free(tree);
	*ret_index = index;
	return r;
}

/* In the order in which git has them, behind that of its cache of trees. */
static int extend(git_repository *repository, const struct hd_index_template *template,
	const struct hd_worktree_stat *stat, const char *path)
{
	HD_AUTO_BUFFER struct hd_buffer extensions = {0};
	struct hd_untracked_excludes excludes;
	int r = 0;

	if (stat->worktree) {
		hd_untracked_excludes_read(repository, &excludes);
		r = hd_untracked_cache_put(&extensions, &template->directories, stat, &excludes);
	}
	if (r == 0 && stat->token)
		hd_fsmonitor_extension_put(&extensions, stat->token);
	if (r == 0)
		r = hd_buffer_status(&extensions);
	return r < 0 ? r : hd_index_template_finish(template, &extensions, path);
}

int hd_worktree_index_write(struct hd_store *store, git_repository *repository, const git_oid *commit,
	const struct hd_worktree_stat *stat, const struct hd_state *shown, const char *path)
{
	HD_CLEANUP(hd_index_template_clear) struct hd_index_template template = {0};
	const struct hd_index_template_key key = {commit, stat, &shown->tree};
	git_index *index = NULL;
	int r = stat->known ? hd_index_template_read(store, &key, &template) : 0;
	bool is_new = r == 0;

	if (r == 0)
		r = write_plain(store, repository, commit, stat, shown, path, &index);
	if (r >= 0 && is_new && stat->known) {
		r = hd_index_template_take(index, path, stat, &template);
		if (r >= 0)
			hd_index_template_keep(store, &key, &template);
	}
	git_index_free(index);
	return r < 0 || !stat->known ? r : extend(repository, &template, stat, path);
}
