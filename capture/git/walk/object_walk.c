/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/walk/object_walk.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "capture/git/commit_object.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_tree.h"
#include "overlay/platform/array.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

#define TREES_DEEP 2048

/* *RET_NEW: ID was not met before and is wanted; it is met now. */
static int meet(struct hd_object_walk *walk, const git_oid *id, const char *name, bool *ret_new)
{
	const struct hd_pack_entry entry = {.id = *id};
	int r;

	*ret_new = !hd_object_list_find(&walk->met, id) &&
		   !(walk->is_known && walk->is_known(id, walk->payload));
	if (!*ret_new)
		return 0;
	r = hd_object_list_add(&walk->met, &entry);
	return r >= 0 && walk->emit ? walk->emit(id, name, walk->payload) : r;
}

static int meet_tree(struct hd_object_walk *walk, const git_oid *id, const char *name, unsigned depth);

static int meet_entry(struct hd_object_walk *walk, const struct hd_git_tree_entry *entry, unsigned depth)
{
	git_oid id;
	bool is_new;

	if (entry->is_commit)
		return 0;
	(void)git_oid_fromraw(&id, entry->id);
	return S_ISDIR(entry->mode) ? meet_tree(walk, &id, entry->name, depth + 1)
				    : meet(walk, &id, entry->name, &is_new);
}

static int meet_entries(struct hd_object_walk *walk, git_odb_object *tree, unsigned depth)
{
	struct hd_git_tree_entry entry;
	size_t position = 0;
	int r = 0;

	while (r >= 0) {
		r = hd_git_tree_next(git_odb_object_data(tree), git_odb_object_size(tree), &position, &entry);
		if (r <= 0)
			return r;
		r = meet_entry(walk, &entry, depth);
	}
	return r;
}

static int meet_tree(struct hd_object_walk *walk, const git_oid *id, const char *name, unsigned depth)
{
	git_odb_object *tree = NULL;
	bool is_new;
	int r = meet(walk, id, name, &is_new);

	if (r < 0 || !is_new)
		return r;
	if (depth == TREES_DEEP)
		return hd_fail(HD_E_EXPORT_NAME, "directories are nested deeper than %d", TREES_DEEP);
	if (git_odb_read(&tree, walk->odb, id) < 0)
		return hd_git_library_fail(HD_E_BASE_OBJECT, "read %s", git_oid_tostr_s(id));
	r = git_odb_object_type(tree) == GIT_OBJECT_TREE
		    ? meet_entries(walk, tree, depth)
		    : hd_fail(HD_E_BASE_OBJECT, "%s is no tree", git_oid_tostr_s(id));
	git_odb_object_free(tree);
	return r;
}

static int push(struct hd_object_walk *walk, const git_oid *commit)
{
	if (HD_ARRAY_RESERVE(walk->stack, walk->count, walk->capacity) < 0)
		return -ENOMEM;
	walk->stack[walk->count++] = *commit;
	return 0;
}

static int meet_commit(struct hd_object_walk *walk, const git_oid *id, bool goes_on)
{
	git_odb_object *object;
	struct hd_commit_text text;
	bool is_new;
	int r = meet(walk, id, NULL, &is_new);

	if (r < 0 || !is_new)
		return r;
	r = hd_commit_object_read(walk->odb, id, &object, &text);
	if (r < 0)
		return r;
	r = meet_tree(walk, &text.tree, "", 0);
	for (size_t i = 0; i < text.n_parents && goes_on && r >= 0; i++)
		r = push(walk, &text.parents[i]);
	hd_commit_text_clear(&text);
	git_odb_object_free(object);
	return r < 0 ? r : hd_work_advance(1);
}

int hd_object_walk_add(struct hd_object_walk *walk, const git_oid *commits, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && r >= 0; i++)
		r = push(walk, &commits[i]);
	while (r >= 0 && walk->count > 0) {
		git_oid top = walk->stack[--walk->count];

		r = meet_commit(walk, &top, true);
	}
	return r;
}

int hd_object_walk_pass(struct hd_object_walk *walk, const git_oid *commits, size_t count)
{
	int (*emit)(const git_oid *id, const char *name, void *payload) = walk->emit;
	int r = 0;

	walk->emit = NULL;
	for (size_t i = 0; i < count && r >= 0; i++)
		r = meet_commit(walk, &commits[i], false);
	walk->emit = emit;
	return r;
}

void hd_object_walk_clear(struct hd_object_walk *walk)
{
	hd_object_list_clear(&walk->met);
	free(walk->stack);
	*walk = (struct hd_object_walk){0};
}
