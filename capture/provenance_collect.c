/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/provenance_collect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/compare/tree_comparison.h"
#include "overlay/platform/cleanup.h"
#include "overlay/store/tree_codec.h"

/*
 * A path is asked for twice: as what it is (its inode was written to) and as what its directory has under the name (it
 * was made, moved there, or taken away). Both are changes of the path; who is known of the first comes first.
 *
 * The witness numbers actors as it came to know them. Here they get numbers in the order in which paths name them.
 */

struct collection {
	const struct hd_capture_witness *witness;
	struct hd_snapshot_node *root;
	struct hd_provenance provenance; /* owned */
	uint32_t *indices; /* owned array: by the witness's number, index +1 in provenance.actors, or 0 */
	size_t n_indices;
};

HD_TREE_ASSERT_NAMED(struct hd_snapshot_node);

static struct hd_snapshot_node *child_of(
	const struct hd_snapshot_node *directory, const char *name, size_t length)
{
	size_t count = directory->children ? directory->n_children : 0;
	size_t at = hd_tree_find_name(directory->children, count, sizeof(*directory->children), name, length);

	return at < count ? &directory->children[at] : NULL;
}

/* The directory of PATH as it is now, or NULL where it did not change or is gone. *RET_NAME: the last part of PATH. */
static const struct hd_snapshot_node *directory_of(
	const struct hd_snapshot_node *root, const char *path, const char **ret_name)
{
	const struct hd_snapshot_node *directory = root;
	const char *slash;

	while (directory && (slash = strchr(path, '/'))) {
		directory = child_of(directory, path, (size_t)(slash - path));
		path = slash + 1;
	}
	*ret_name = path;
	return directory;
}

/* PATH itself, likewise. */
static const struct hd_snapshot_node *node_of(const struct hd_snapshot_node *root, const char *path)
{
	const struct hd_snapshot_node *directory;
	const char *name;

	if (strcmp(path, ".") == 0)
		return root;
	directory = directory_of(root, path, &name);
	return directory ? child_of(directory, name, strlen(name)) : NULL;
}

/* Room in `indices` for NUMBER. */
static int reserve_number(struct collection *collection, uint32_t number)
{
	size_t wanted = collection->n_indices * 2 > number ? collection->n_indices * 2 : (size_t)number + 64;
	uint32_t *indices;

	if (number < collection->n_indices)
		return 0;
	indices = reallocarray(collection->indices, wanted, sizeof(*indices));
	if (!indices)
		return -ENOMEM;
	memset(indices + collection->n_indices, 0, (wanted - collection->n_indices) * sizeof(*indices));
	collection->indices = indices;
	collection->n_indices = wanted;
	return 0;
}

static int index_of(struct collection *collection, uint32_t number, uint32_t *ret_index)
{
	struct hd_provenance *provenance = &collection->provenance;
	struct hd_provenance_actor *actors;
	int r = reserve_number(collection, number);

	if (r < 0)
		return r;
	if (collection->indices[number] > 0) {
		*ret_index = collection->indices[number] - 1;
		return 0;
	}
	actors = reallocarray(provenance->actors, provenance->n_actors + 1, sizeof(*actors));
	if (!actors)
		return -ENOMEM;
	provenance->actors = actors;
	actors[provenance->n_actors] = (struct hd_provenance_actor){0};
	r = collection->witness->actor(collection->witness->payload, number, &actors[provenance->n_actors]);
	*ret_index = (uint32_t)provenance->n_actors;
	collection->indices[number] = (uint32_t)++provenance->n_actors;
	return r;
}

static void add_index(struct hd_provenance_path *path, uint32_t index)
{
	unsigned at = 0;

	while (at < path->n_actors && path->actors[at] != index)
		at++;
	if (at == path->n_actors && at < HD_PROVENANCE_LIMIT)
		path->actors[path->n_actors++] = index;
}

static int add_actors(
	struct collection *collection, struct hd_provenance_path *path, hd_ino ino, const char *name)
{
	uint32_t numbers[HD_PROVENANCE_LIMIT];
	unsigned count = collection->witness->who(collection->witness->payload, ino, name, numbers);
	int r = 0;

	for (unsigned i = 0; i < count && path->n_actors < HD_PROVENANCE_LIMIT && r >= 0; i++) {
		uint32_t index = 0;

		r = index_of(collection, numbers[i], &index);
		if (r >= 0)
			add_index(path, index);
	}
	return r;
}

static struct hd_provenance_path *add_path(struct collection *collection, const struct hd_change *change)
{
	struct hd_provenance *provenance = &collection->provenance;
	struct hd_provenance_path *paths =
		reallocarray(provenance->paths, provenance->n_paths + 1, sizeof(*paths));
	struct hd_provenance_path *path;

	if (!paths)
		return NULL;
	provenance->paths = paths;
	path = &paths[provenance->n_paths];
	*path = (struct hd_provenance_path){.path = strndup(change->path, change->path_length),
		.as_a_whole = change->kind != HD_CHANGE_MODIFIED};
	if (!path->path)
		return NULL;
	provenance->n_paths++;
	return path;
}

static int collect(const struct hd_change *change, void *payload)
{
	struct collection *collection = payload;
	struct hd_provenance_path *path = add_path(collection, change);
	const struct hd_snapshot_node *node, *directory;
	const char *name;
	int r = 0;

	if (!path)
		return -ENOMEM;
	node = change->new_entry ? node_of(collection->root, path->path) : NULL;
	if (node)
		r = add_actors(collection, path, node->attributes.ino, NULL);
	directory = directory_of(collection->root, path->path, &name);
	if (r >= 0 && directory)
		r = add_actors(collection, path, directory->attributes.ino, name);
	return r;
}

static int compare_paths(const void *a, const void *b)
{
	const struct hd_provenance_path *left = a, *right = b;

	return strcmp(left->path, right->path);
}

/* A name that changed its type is deleted and added: one path, of all that did either. */
static void sort_paths(struct hd_provenance *provenance)
{
	size_t kept = 0;

	if (provenance->n_paths == 0)
		return;
	qsort(provenance->paths, provenance->n_paths, sizeof(*provenance->paths), compare_paths);
	for (size_t i = 1; i < provenance->n_paths; i++) {
		struct hd_provenance_path *path = &provenance->paths[i];

		if (compare_paths(&provenance->paths[kept], path) != 0) {
			provenance->paths[++kept] = *path;
			continue;
		}
		for (unsigned k = 0; k < path->n_actors; k++)
			add_index(&provenance->paths[kept], path->actors[k]);
		free(path->path);
	}
	provenance->n_paths = kept + 1;
}

/* What lies in a directory that was moved or taken away as a whole was changed by who did that. */
static int inherit_actors(struct hd_provenance *provenance)
{
	for (size_t i = 0; i < provenance->n_paths; i++) {
		struct hd_provenance_path *path = &provenance->paths[i];
		const char *slash = strrchr(path->path, '/');
		HD_AUTO_FREE char *directory = NULL;
		const struct hd_provenance_path *above;

		if (path->n_actors > 0 || !slash)
			continue;
		directory = strndup(path->path, (size_t)(slash - path->path));
		if (!directory)
			return -ENOMEM;
		above = hd_provenance_find(provenance, directory);
		if (!above || !above->as_a_whole)
			continue;
		path->n_actors = above->n_actors;
		memcpy(path->actors, above->actors, sizeof(path->actors));
	}
	return 0;
}

void hd_provenance_forget(const struct hd_capture_witness *witness, struct hd_snapshot *snapshot,
	const struct hd_provenance *provenance, uint64_t mark)
{
	const struct hd_snapshot_node *root = hd_snapshot_root(snapshot);

	for (size_t i = 0; i < provenance->n_paths; i++) {
		const char *path = provenance->paths[i].path, *name;
		const struct hd_snapshot_node *node = node_of(root, path);
		const struct hd_snapshot_node *directory = directory_of(root, path, &name);

		if (node)
			witness->forget_one(witness->payload, node->attributes.ino, NULL, mark);
		if (directory)
			witness->forget_one(witness->payload, directory->attributes.ino, name, mark);
	}
}

int hd_provenance_collect(const struct hd_capture_witness *witness, struct hd_snapshot *snapshot,
	struct hd_tree_view *head_view, struct hd_tree_view *state_view, struct hd_provenance *ret_provenance)
{
	struct collection collection = {.witness = witness, .root = hd_snapshot_root(snapshot)};
	struct hd_change_counts counts;
	int r;

	witness->settle(witness->payload);
	r = hd_tree_comparison_run(head_view, state_view, HD_MOVES_TOLD, collect, &collection, &counts);
	free(collection.indices);
	if (r >= 0) {
		sort_paths(&collection.provenance);
		collection.provenance.incomplete = witness->is_incomplete(witness->payload);
		/* Where there was no room, nothing noted may as well be something that somebody else did. */
		if (!collection.provenance.incomplete)
			r = inherit_actors(&collection.provenance);
	}
	if (r < 0) {
		hd_provenance_clear(&collection.provenance);
		return r;
	}
	*ret_provenance = collection.provenance;
	return 0;
}
