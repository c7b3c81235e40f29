/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_tree.h"

#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/git/export/export_clean.h"
#include "capture/git/export/export_names.h"
#include "capture/git/export/export_options.h"
#include "capture/git/tree_text.h"
#include "capture/ignore_rules.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_tree.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/tree_codec.h"

/*
 * Three trees are walked side by side: the state's, its parent's, and the git tree that the parent became.
 * What the two states have in common is not entered; its git id is read off the third. This makes an export
 * cost what changed, and it carries submodules: a state shows one as an empty directory, and only the
 * parent's git tree knows that it is more.
 *
 * A directory's git tree is remembered by its content unless it depends on where the directory is, that is,
 * unless something in it was taken from the parent.
 *
 * What is ignored is left out where git does not have it already. So the rules of the state decide, and where they are
 * others than the parent's, what both states have in common is looked at again; but for directories that are git's own,
 * in which nothing was ever left out.
 *
 * In a store that smudges, what is not taken from the parent is what `git add` makes of it at its place, also what is git's own but
 * was somewhere else before: a directory of git's is gone through, and stays what it is if no file in it becomes another.
 *
 * Recursion is bounded by DEPTH_MAX; git's own tools recurse over trees as well.
 */

#define DEPTH_MAX 2048

/* One directory of the three trees. */
struct level {
	const struct hd_tree_view_entry *directory;
	const struct hd_tree_view_entry *parent; /* NULL: the parent has no such directory */
	const git_oid *parent_id;                /* borrowed; NULL: git keeps nothing of the parent's */
	git_odb_object *parent_object;           /* owned: the bytes of that tree */
	struct hd_git_tree parent_git;           /* owned: what they say */
	struct hd_tree_view_listing listing, parent_listing;
	struct hd_smudge_level rules; /* of the directory, in a store that smudges */
	struct hd_tree_text text;     /* owned: what is written, names of the listing */
	size_t path_length;
	bool positional; /* depends on where the directory is */
};

struct tree_walk {
	struct hd_export_tree *export;
	struct hd_tree_view *view, *parent_view;
	struct hd_buffer path; /* of the directory being written, NUL-terminated */
	unsigned depth;
	struct hd_ignore *ignore; /* NULL: nothing is left out */
	struct hd_export_clean clean;
	bool others; /* the rules here are not those by which the parent's tree was written */
};

struct written {
	git_oid id;
	bool empty;     /* no tree was written: git keeps no empty directories */
	bool childless; /* the directory is empty in the state itself, not only in what git keeps of it */
	bool positional;
};

static int write_directory(struct tree_walk *walk, const struct hd_tree_view_entry *directory,
	const struct hd_tree_view_entry *parent, const git_oid *parent_id, struct written *ret_written);

static void level_clear(struct level *level)
{
	hd_tree_view_listing_clear(&level->listing);
	hd_tree_view_listing_clear(&level->parent_listing);
	hd_git_tree_clear(&level->parent_git);
	git_odb_object_free(level->parent_object);
	hd_tree_text_clear(&level->text);
}

static git_filemode_t git_mode(uint32_t mode)
{
	if (S_ISLNK(mode))
		return GIT_FILEMODE_LINK;
	return mode & S_IXUSR ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB;
}

static int insert(struct level *level, const char *name, const git_oid *id, git_filemode_t mode)
{
	return hd_tree_text_add(&level->text, name, mode, id);
}

/* The parent's entry of the same name and type. */
static const struct hd_tree_view_entry *find_in_parent(
	const struct level *level, const struct hd_tree_view_entry *entry)
{
	const struct hd_tree_view_entry *other =
		hd_tree_view_listing_find(&level->parent_listing, entry->name, entry->name_length);

	return other && (other->mode & S_IFMT) == (entry->mode & S_IFMT) ? other : NULL;
}

static bool is_same(const struct hd_tree_view_entry *a, const struct hd_tree_view_entry *b)
{
	if (S_ISREG(a->mode) && git_mode(a->mode) != git_mode(b->mode))
		return false;
	return hd_content_equal(&a->content, &b->content);
}

/* A tree with a file that keeps it. */
static int put_kept(struct tree_walk *walk, struct level *level, const struct hd_tree_view_entry *entry)
{
	struct hd_export_objects *objects = walk->export->objects;
	struct hd_tree_text text = {0};
	HD_AUTO_BUFFER struct hd_buffer tree = {0};
	git_oid id;
	int r = hd_export_objects_put(objects, GIT_OBJECT_BLOB, "", 0, &id);

	if (r >= 0)
		r = hd_tree_text_add(&text, HD_EXPORT_KEEP_FILE, GIT_FILEMODE_BLOB, &id);
	if (r >= 0)
		r = hd_tree_text_format(&text, &tree);
	if (r >= 0)
		r = hd_export_objects_put(objects, GIT_OBJECT_TREE, tree.data, tree.size, &id);
	hd_tree_text_clear(&text);
	return r < 0 ? r : insert(level, entry->name, &id, GIT_FILEMODE_TREE);
}

static git_oid id_of(const struct hd_git_tree_entry *entry)
{
	git_oid id;

	memcpy(id.id, entry->id, sizeof(id.id));
	return id;
}

static int put_subdirectory(struct tree_walk *walk, struct level *level,
	const struct hd_tree_view_entry *entry, const struct hd_tree_view_entry *parent,
	const struct hd_git_tree_entry *parent_git)
{
	const git_oid parent_id = parent_git ? id_of(parent_git) : (git_oid){{0}};
	bool has_tree = parent_git && S_ISDIR(parent_git->mode) && !parent_git->is_commit;
	struct written written;
	int r = write_directory(walk, entry, parent, has_tree ? &parent_id : NULL, &written);

	if (r < 0)
		return r;
	level->positional = level->positional || written.positional;
	if (!written.empty)
		return insert(level, entry->name, &written.id, GIT_FILEMODE_TREE);
	if (!parent_git || !parent_git->is_commit) {
		if (walk->export->keep_empty && written.childless)
			return put_kept(walk, level, entry);
		walk->export->skipped += written.childless && (!parent || parent_git);
		return 0;
	}
	level->positional = true;
	return insert(level, entry->name, &parent_id, GIT_FILEMODE_COMMIT);
}

static bool is_taken_over(const struct tree_walk *walk, const struct hd_tree_view_entry *entry,
	const struct hd_tree_view_entry *parent, const struct hd_git_tree_entry *parent_git)
{
	return parent && parent_git && is_same(entry, parent) &&
	       (!walk->others || !S_ISDIR(entry->mode) || entry->content.kind == HD_CONTENT_GIT);
}

static const char *path_above(const struct tree_walk *walk)
{
	return walk->path.size > 0 ? (const char *)walk->path.data : "";
}

static int path_of(const struct tree_walk *walk, const struct hd_tree_view_entry *entry, char **ret_path)
{
	const char *above = path_above(walk);

	if (asprintf(ret_path, "%s%s%s", above, *above ? "/" : "", entry->name) < 0) {
		*ret_path = NULL;
		return -ENOMEM;
	}
	return 0;
}

static int is_left_out(
	const struct tree_walk *walk, const struct hd_tree_view_entry *entry, bool *ret_left_out)
{
	HD_AUTO_FREE char *path = NULL;
	int r;

	*ret_left_out = false;
	if (!walk->ignore)
		return 0;
	r = path_of(walk, entry, &path);
	if (r < 0)
		return r;
	return hd_ignore_check(walk->ignore, path, S_ISDIR(entry->mode), ret_left_out);
}

static int take_over(struct level *level, const struct hd_git_tree_entry *git)
{
	const git_oid id = id_of(git);

	if (git->is_commit)
		return insert(level, git->name, &id, GIT_FILEMODE_COMMIT);
	return insert(level, git->name, &id, S_ISDIR(git->mode) ? GIT_FILEMODE_TREE : git_mode(git->mode));
}

/* PARENT_GIT, or NULL, is what git has there so far. */
static int put_file(struct tree_walk *walk, const struct hd_tree_view_entry *entry,
	const struct hd_git_tree_entry *parent_git, git_oid *ret_id)
{
	HD_AUTO_FREE char *path = NULL;
	int r = 0;

	if (walk->export->store->smudges) {
		r = path_of(walk, entry, &path);
		if (r >= 0)
			r = hd_export_clean_put(&walk->clean, walk->view, entry, path, parent_git, ret_id);
	}
	return r != 0 ? r : hd_export_objects_put_blob(walk->export->objects, walk->view, entry, ret_id);
}

static int put_entry(struct tree_walk *walk, struct level *level, const struct hd_tree_view_entry *entry)
{
	const struct hd_tree_view_entry *parent = find_in_parent(level, entry);
	const struct hd_git_tree_entry *parent_git = NULL;
	bool left_out = false;
	git_oid id;
	int r = 0;

	if (parent)
		parent_git = hd_git_tree_find(&level->parent_git, entry->name);
	if (parent && is_same(entry, parent))
		level->positional = level->positional || S_ISDIR(entry->mode);
	if (is_taken_over(walk, entry, parent, parent_git))
		return take_over(level, parent_git);
	/* A repository in the tree is not left out in silence: its name is refused below. */
	if (!parent_git && strcmp(entry->name, ".git") != 0)
		r = is_left_out(walk, entry, &left_out);
	if (r < 0 || left_out) {
		walk->export->ignored += left_out && !parent;
		return r;
	}
	r = hd_export_name_check((const char *)walk->path.data, entry->name, entry->mode);
	if (r < 0)
		return r;
	if (S_ISDIR(entry->mode))
		return put_subdirectory(walk, level, entry, parent, parent_git);
	if (!S_ISREG(entry->mode) && !S_ISLNK(entry->mode)) {
		walk->export->skipped += parent == NULL;
		return 0;
	}
	r = put_file(walk, entry, parent_git, &id);
	if (r < 0)
		return hd_fail_in(r, "'%s'", entry->name);
	return insert(level, entry->name, &id, git_mode(entry->mode));
}

static int enter(struct tree_walk *walk, const char *name, size_t *ret_length)
{
	if (walk->depth == DEPTH_MAX)
		return hd_fail(HD_E_EXPORT_NAME, "directories are nested deeper than %d", DEPTH_MAX);
	*ret_length = walk->path.size;
	walk->path.size -= walk->path.size > 0;
	if (walk->path.size > 0)
		hd_buffer_put_u8(&walk->path, '/');
	hd_buffer_put(&walk->path, name, strlen(name) + 1);
	walk->depth++;
	return hd_buffer_status(&walk->path);
}

static void leave(struct tree_walk *walk, size_t length)
{
	walk->depth--;
	walk->path.size = length;
	if (length > 0)
		walk->path.data[length - 1] = '\0';
}

/* The git tree that the parent's directory became. */
static int read_parent_git(const struct tree_walk *walk, struct level *level)
{
	if (git_odb_read(&level->parent_object, walk->export->objects->odb, level->parent_id) < 0)
		return hd_git_library_fail(
			HD_E_REPOSITORY, "read the parent's tree %s", git_oid_tostr_s(level->parent_id));
	if (git_odb_object_type(level->parent_object) != GIT_OBJECT_TREE)
		return hd_fail(HD_E_REPOSITORY, "%s is no tree", git_oid_tostr_s(level->parent_id));
	return hd_git_tree_decode(git_odb_object_data(level->parent_object),
		git_odb_object_size(level->parent_object), &level->parent_git);
}

static bool parent_is_git(const struct level *level)
{
	const struct hd_content *content = &level->parent->content;

	return level->parent_id && content->kind == HD_CONTENT_GIT && content->length == GIT_OID_RAWSZ &&
	       memcmp(content->bytes, level->parent_id->id, GIT_OID_RAWSZ) == 0;
}

/* What the base lists of a parent's directory that is git's own, without the sizes: each is a look at an object. */
static int list_parent_git(struct level *level)
{
	const struct hd_git_tree *tree = &level->parent_git;
	struct hd_tree_view_entry *entries = calloc(tree->count + 1, sizeof(*entries));

	if (!entries)
		return -ENOMEM;
	for (size_t i = 0; i < tree->count; i++) {
		const struct hd_git_tree_entry *git = &tree->entries[i];

		entries[i].name = git->name;
		entries[i].name_length = (uint16_t)git->name_length;
		entries[i].mode = git->mode;
		if (git->is_commit)
			continue;
		entries[i].content = level->parent->content;
		memcpy(entries[i].content.bytes, git->id, HD_GIT_ID_SIZE);
	}
	level->parent_listing = (struct hd_tree_view_listing){.entries = entries, .count = tree->count};
	return 0;
}

/* Times, owners and extended attributes are nothing to git. */
static int list_plain(struct hd_tree_view *view, const struct hd_tree_view_entry *directory,
	struct hd_tree_view_listing *ret_listing)
{
	struct hd_tree_view_entry plain = *directory;

	plain.attributes = (struct hd_content){0};
	return hd_tree_view_list(view, &plain, ret_listing);
}

static int list_level(struct tree_walk *walk, struct level *level)
{
	int r = list_plain(walk->view, level->directory, &level->listing);

	if (r >= 0 && level->parent_id)
		r = read_parent_git(walk, level);
	if (r < 0 || !level->parent)
		return r;
	if (parent_is_git(level))
		return list_parent_git(level);
	return list_plain(walk->parent_view, level->parent, &level->parent_listing);
}

static int put_tree(struct tree_walk *walk, struct level *level, git_oid *ret_id)
{
	HD_AUTO_BUFFER struct hd_buffer tree = {0};
	int r = hd_tree_text_format(&level->text, &tree);

	return r < 0 ? r
		     : hd_export_objects_put(
			       walk->export->objects, GIT_OBJECT_TREE, tree.data, tree.size, ret_id);
}

static int write_level(struct tree_walk *walk, struct level *level, struct written *ret_written)
{
	bool others = walk->others;
	int r = list_level(walk, level);

	if (r >= 0 && level->parent && hd_ignore_rules_differ(&level->listing, &level->parent_listing))
		walk->others = true;
	if (r >= 0 && walk->export->store->smudges)
		r = hd_export_clean_enter(
			&walk->clean, walk->view, &level->listing, path_above(walk), &level->rules);
	for (size_t i = 0; r >= 0 && i < level->listing.count; i++) {
		r = hd_work_advance(0);
		if (r >= 0)
			r = put_entry(walk, level, &level->listing.entries[i]);
	}
	walk->others = others;
	hd_export_clean_leave(&walk->clean, &level->rules);
	if (r < 0)
		return r;
	/* The rules are those of a place. */
	ret_written->positional = level->positional || walk->ignore || walk->export->store->smudges;
	ret_written->empty = level->text.count == 0;
	ret_written->childless = level->listing.count == 0;
	/* Nothing tells an empty directory from a submodule's place but where it is. */
	if (ret_written->childless)
		ret_written->positional = true;
	if (ret_written->empty && walk->depth > 1)
		return 0;
	r = put_tree(walk, level, &ret_written->id);
	if (r < 0 || ret_written->positional)
		return r;
	return hd_export_map_put(&walk->export->objects->trees, &level->directory->content, &ret_written->id);
}

/* PARENT_ID: the tree that the parent's directory became, or NULL. */
static int write_directory(struct tree_walk *walk, const struct hd_tree_view_entry *directory,
	const struct hd_tree_view_entry *parent, const git_oid *parent_id, struct written *ret_written)
{
	struct level level = {.directory = directory, .parent = parent, .parent_id = parent_id};
	struct written written = {0};
	bool is_git = directory->content.kind == HD_CONTENT_GIT, is_cleaned = walk->export->store->smudges;
	uint64_t cleaned = walk->clean.cleaned, ignored = walk->export->ignored,
		 skipped = walk->export->skipped;
	const git_oid *known;
	int r;

	known = walk->ignore || is_cleaned
			? NULL
			: hd_export_map_get(&walk->export->objects->trees, &directory->content);
	if (is_git && !is_cleaned) {
		r = hd_export_objects_put_git(walk->export->objects, &directory->content, &written.id);
	} else if (known) {
		written.id = *known;
		r = 0;
	} else {
		r = enter(walk, directory->name, &level.path_length);
		if (r >= 0) {
			r = write_level(walk, &level, &written);
			leave(walk, level.path_length);
		}
		if (r >= 0 && is_git && walk->clean.cleaned == cleaned) {
			written = (struct written){0};
			walk->export->ignored = ignored;
			walk->export->skipped = skipped;
			r = hd_export_objects_put_git(
				walk->export->objects, &directory->content, &written.id);
		}
	}
	level_clear(&level);
	if (r < 0)
		return *directory->name ? hd_fail_in(r, "'%s'", directory->name) : r;
	*ret_written = written;
	return 0;
}

int hd_export_tree_write(struct hd_export_tree *export, const struct hd_state *state,
	const struct hd_state *parent, const git_oid *parent_tree, git_oid *ret_tree)
{
	/* Nothing says whether the parent was exported without what is ignored or empty. */
	struct tree_walk walk = {.export = export,
		.clean = {.objects = export->objects},
		.others = export->with_ignored || export->keep_empty};
	struct hd_tree_view_entry root, parent_root;
	struct written written;
	int r;

	r = hd_tree_view_of_state(export->bases, state, &walk.view);
	if (r >= 0 && parent)
		r = hd_tree_view_of_state(export->bases, parent, &walk.parent_view);
	if (r >= 0 && !export->with_ignored)
		r = hd_ignore_new(export->store, walk.view, &state->id, &walk.ignore);
	if (r >= 0) {
		hd_tree_view_root(walk.view, &root);
		if (parent)
			hd_tree_view_root(walk.parent_view, &parent_root);
		r = write_directory(
			&walk, &root, parent ? &parent_root : NULL, parent ? parent_tree : NULL, &written);
	}
	hd_ignore_free(walk.ignore);
	hd_export_clean_clear(&walk.clean);
	hd_tree_view_free(walk.view);
	hd_tree_view_free(walk.parent_view);
	hd_buffer_clear(&walk.path);
	if (r < 0)
		return r;
	*ret_tree = written.id;
	return 0;
}
