/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/tree_compose_move.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/capture_tree.h"
#include "capture/trees/tree_nodes.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"

/*
 * The directories above both names are made with the new one in it (tree_compose.h), what the target has at the old name is put
 * there, and the old one is taken away: each of the three writes the directories above anew.
 */

/* One directory on the way, in one of the two trees. */
struct level {
	struct hd_snapshot_node node; /* its children are owned; itself it is a copy of its parent's child */
	struct hd_canonical_place *place; /* owned */
	size_t position;                  /* of the child that the path goes through */
};

struct way {
	char *path;   /* owned: cut into its parts */
	char **parts; /* owned array, borrowed from path */
	size_t count;
	struct level *levels; /* owned array of count + 1 */
	size_t n_levels;
};

static void way_clear(struct way *way)
{
	/* Every other node of a level is a copy of its parent's child, which owns these. */
	if (way->n_levels > 0)
		free(way->levels[0].node.xattrs);
	for (size_t i = 0; i < way->n_levels; i++) {
		hd_tree_node_clear_children(&way->levels[i].node);
		hd_canonical_leave(way->levels[i].place);
	}
	free(way->levels);
	free(way->parts);
	free(way->path);
	*way = (struct way){0};
}

static int cut(const char *path, struct way *way)
{
	char *rest, *part;
	size_t most = 1;

	for (const char *byte = path; *byte; byte++)
		most += *byte == '/';
	way->path = strdup(path);
	way->parts = calloc(most, sizeof(*way->parts));
	way->levels = calloc(most + 1, sizeof(*way->levels));
	if (!way->path || !way->parts || !way->levels)
		return -ENOMEM;
	for (part = strtok_r(way->path, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
		if (strcmp(part, "..") == 0)
			return hd_fail(EINVAL, "'%s': a path of a tree has no '..'", path);
		if (strcmp(part, ".") != 0)
			way->parts[way->count++] = part;
	}
	return 0;
}

/* ---- reading ---- */

/* The position of the child NAME, or where it belongs. */
static bool find_child(const struct hd_snapshot_node *node, const char *name, size_t *ret_position)
{
	size_t length = strlen(name), i = 0;
	int order = 1;

	for (; i < node->n_children; i++) {
		order = hd_tree_compare_names(
			node->children[i].name, node->children[i].name_length, name, length);
		if (order >= 0)
			break;
	}
	*ret_position = i;
	return i < node->n_children && order == 0;
}

static int open_root(const struct hd_tree_compose *compose, const struct hd_state *state, struct level *level,
	struct hd_base_directory *ret_fallback)
{
	int r = hd_tree_node_root(compose->store, compose->bases, state, &level->node, ret_fallback);

	return r < 0 ? r : hd_tree_node_list(compose->bases, ret_fallback, &level->node);
}

/* Goes down the parts as far as there are directories; 1 when the last part is there. */
static int walk(const struct hd_tree_compose *compose, const struct hd_state *state, struct way *way)
{
	struct hd_base_directory fallback;
	int r;

	way->n_levels = 1;
	r = open_root(compose, state, &way->levels[0], &fallback);
	if (r < 0)
		return r;
	for (size_t i = 0;; i++) {
		struct level *level = &way->levels[i], *below = level + 1;

		if (!find_child(&level->node, way->parts[i], &level->position))
			return 0;
		if (i + 1 == way->count)
			return 1;
		if (!S_ISDIR(level->node.children[level->position].attributes.mode))
			return 0;
		below->node = level->node.children[level->position];
		way->n_levels++;
		r = hd_tree_node_list(compose->bases, &fallback, &below->node);
		if (r < 0)
			return r;
	}
}

/* Stores the directories of the way, the last one first. */
static int store_levels(const struct hd_tree_compose *compose, struct way *way)
{
	struct hd_canonical *canonical = NULL;
	struct hd_capture_tree capture = {.objects = compose->store->objects};
	int r;

	r = hd_canonical_new(compose->store, compose->bases, compose->thread, &canonical);
	capture.canonical = canonical;
	for (size_t i = 0; i < way->n_levels && r >= 0; i++) {
		const char *name = i > 0 ? way->parts[i - 1] : "";

		r = hd_canonical_enter(
			i > 0 ? way->levels[i - 1].place : NULL, name, strlen(name), &way->levels[i].place);
	}
	for (size_t i = way->n_levels; i-- > 0 && r >= 0;) {
		struct level *level = &way->levels[i];

		r = hd_capture_tree_put(&capture, level->place, NULL, NULL, &level->node, i == 0);
		if (r >= 0 && i > 0) {
			struct level *above = level - 1;
			struct hd_snapshot_node *entry = &above->node.children[above->position];

			entry->content = level->node.content;
			entry->attribute_content = level->node.attribute_content;
		}
	}
	hd_canonical_free(canonical);
	return r;
}

/* TARGET becomes what WAY, which begins in it, was changed to. */
static int finish(const struct hd_tree_compose *compose, struct way *way, struct hd_state *target)
{
	int r = store_levels(compose, way);

	if (r < 0)
		return r;
	target->tree = way->levels[0].node.content;
	target->attributes = way->levels[0].node.attribute_content;
	return 0;
}

/* ---- moving ---- */

/* 1 when there is something at PATH, and whether that is a directory. */
static int look(const struct hd_tree_compose *compose, const struct hd_state *state, const char *path,
	bool *ret_directory)
{
	HD_CLEANUP(way_clear) struct way way = {0};
	int r = cut(path, &way);

	*ret_directory = false;
	if (r < 0 || way.count == 0)
		return r;
	r = walk(compose, state, &way);
	if (r > 0) {
		const struct level *last = &way.levels[way.count - 1];

		*ret_directory = S_ISDIR(last->node.children[last->position].attributes.mode);
	}
	return r;
}

/* 1 when there is a directory at PATH. */
static int has_directory(
	const struct hd_tree_compose *compose, const struct hd_state *state, const char *path)
{
	bool directory;
	int r = look(compose, state, path, &directory);

	return r <= 0 ? r : directory;
}

static int has_nothing(const struct hd_tree_compose *compose, const struct hd_state *state, const char *path)
{
	bool directory;
	int r = look(compose, state, path, &directory);

	return r < 0 ? r : !r;
}

/* What SOURCE has at FROM takes the place of what TARGET has at TO. */
static int put_renamed(const struct hd_tree_compose *compose, const struct hd_state *source, const char *from,
	const char *to, struct hd_state *target)
{
	HD_CLEANUP(way_clear) struct way old_way = {0};
	HD_CLEANUP(way_clear) struct way new_way = {0};
	struct hd_snapshot_node node = {0};
	struct level *old_last, *new_last;
	int r = cut(from, &old_way);

	if (r >= 0)
		r = cut(to, &new_way);
	if (r >= 0)
		r = walk(compose, source, &old_way);
	if (r > 0)
		r = walk(compose, target, &new_way);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	old_last = &old_way.levels[old_way.count - 1];
	new_last = &new_way.levels[new_way.count - 1];
	r = hd_tree_node_copy(&old_last->node.children[old_last->position], &node);
	if (r < 0)
		return r;
	free(node.name);
	node.name = strdup(new_way.parts[new_way.count - 1]);
	if (!node.name) {
		hd_tree_node_clear(&node);
		return -ENOMEM;
	}
	node.name_length = (uint16_t)strlen(node.name);
	hd_tree_node_clear(&new_last->node.children[new_last->position]);
	new_last->node.children[new_last->position] = node;
	return finish(compose, &new_way, target);
}

int hd_tree_compose_move(const struct hd_tree_compose *compose, const struct hd_state *model,
	const char *from, const char *to, struct hd_state *target)
{
	const struct hd_state before = *target;
	int r = has_nothing(compose, model, from);

	if (r > 0)
		r = has_directory(compose, model, to);
	if (r > 0)
		r = has_directory(compose, target, from);
	if (r > 0)
		r = has_nothing(compose, target, to);
	if (r <= 0)
		return r;
	/* With the directories above it, which the target may lack. */
	r = hd_tree_compose_path(compose, model, to, target);
	if (r >= 0)
		r = put_renamed(compose, &before, from, to, target);
	/* The model has nothing there. */
	if (r >= 0)
		r = hd_tree_compose_path(compose, model, from, target);
	return r < 0 ? r : 1;
}
