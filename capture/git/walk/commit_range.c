/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/walk/commit_range.h"

#include <errno.h>
#include <git2.h>
#include <stdbool.h>
#include <stdlib.h>

#include "capture/git/commit_object.h"
#include "capture/git/packs/object_list.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

/*
 * libgit2's walk knows by dates and generations where it may stop, and refuses commits that git takes. Then the walk is our own, of all
 * that leads to what is excluded, which costs by the history, and is right whatever the dates are.
 */

struct pending {
	git_oid id;
	bool parents_done;
};

struct collection {
	const struct hd_commit_range *range;
	git_oid *commits; /* owned array */
	size_t count, capacity;
	struct hd_object_list seen; /* owned: what is excluded, or was met */
	struct pending *stack;      /* owned array */
	size_t depth, stack_capacity;
};

static void collection_clear(struct collection *collection)
{
	free(collection->commits);
	free(collection->stack);
	hd_object_list_clear(&collection->seen);
}

static int put(struct collection *collection, const git_oid *id)
{
	if (HD_ARRAY_RESERVE(collection->commits, collection->count, collection->capacity) < 0)
		return -ENOMEM;
	collection->commits[collection->count++] = *id;
	return hd_work_advance(1);
}

/* 1 when it was done, 0 when libgit2 would not. */
static int ask_library(struct collection *collection)
{
	const struct hd_commit_range *range = collection->range;
	git_revwalk *walk = NULL;
	git_oid id;
	int g = git_revwalk_new(&walk, range->repository);
	int r = 0;

	if (g == 0)
		g = git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
	if (g == 0 && range->first_parents)
		g = git_revwalk_simplify_first_parent(walk);
	for (size_t i = 0; i < range->n_tips && g == 0; i++)
		g = git_revwalk_push(walk, &range->tips[i]);
	for (size_t i = 0; i < range->n_excluded && g == 0; i++) {
		if (git_odb_exists(range->odb, &range->excluded[i]))
			g = git_revwalk_hide(walk, &range->excluded[i]);
	}
	while (g == 0 && r >= 0) {
		g = git_revwalk_next(&id, walk);
		if (g == 0)
			r = put(collection, &id);
	}
	git_revwalk_free(walk);
	return r < 0 ? r : g == GIT_ITEROVER;
}

/* ---- our own ---- */

static int push(struct collection *collection, const git_oid *id, bool parents_done)
{
	if (HD_ARRAY_RESERVE(collection->stack, collection->depth, collection->stack_capacity) < 0)
		return -ENOMEM;
	collection->stack[collection->depth++] = (struct pending){*id, parents_done};
	return 0;
}

static int push_parents(struct collection *collection, const git_oid *id, bool first)
{
	git_odb_object *object;
	struct hd_commit_text text;
	int r = hd_commit_object_read(collection->range->odb, id, &object, &text);

	if (r < 0)
		return r;
	for (size_t i = first && text.n_parents > 0 ? 1 : text.n_parents; i-- > 0 && r >= 0;)
		r = push(collection, &text.parents[i], false);
	hd_commit_text_clear(&text);
	git_odb_object_free(object);
	return r;
}

/* A commit is on the stack twice: below its parents, to be put behind them, and before that to be read. */
static int step(struct collection *collection, bool excluded)
{
	const struct pending top = collection->stack[--collection->depth];
	const struct hd_pack_entry entry = {.id = top.id};
	int r;

	if (top.parents_done)
		return put(collection, &top.id);
	if (hd_object_list_find(&collection->seen, &top.id))
		return 0;
	/* Where a history is cut off nothing more is excluded by it. */
	if (excluded && !git_odb_exists(collection->range->odb, &top.id))
		return 0;
	r = hd_object_list_add(&collection->seen, &entry);
	if (r >= 0 && !excluded)
		r = push(collection, &top.id, true);
	if (r >= 0)
		r = push_parents(collection, &top.id, collection->range->first_parents && !excluded);
	return r < 0 ? r : hd_work_advance(0);
}

static int walk(struct collection *collection, const git_oid *commits, size_t count, bool excluded)
{
	int r = 0;

	for (size_t i = 0; i < count && r >= 0; i++) {
		r = push(collection, &commits[i], false);
		while (r >= 0 && collection->depth > 0)
			r = step(collection, excluded);
	}
	return r;
}

int hd_commit_range_collect(const struct hd_commit_range *range, git_oid **ret_commits, size_t *ret_count)
{
	HD_CLEANUP(collection_clear) struct collection collection = {.range = range};
	int r = ask_library(&collection);

	if (r == 0) {
		collection.count = 0;
		r = walk(&collection, range->excluded, range->n_excluded, true);
		if (r >= 0)
			r = walk(&collection, range->tips, range->n_tips, false);
	}
	if (r < 0)
		return r;
	*ret_commits = HD_STEAL(collection.commits);
	*ret_count = collection.count;
	return 0;
}
