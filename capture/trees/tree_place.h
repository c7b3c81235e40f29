/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_TREES_TREE_PLACE_H
#define HEDDLE_CAPTURE_TREES_TREE_PLACE_H

/*
 * Tree places: paths that are kept as a name and what is above it. All the paths of a deep tree, written out, would be
 * as long as the square of its depth.
 *
 * Ownership   All places belong to one struct hd_tree_places and live as long as it. Threads: one at a time.
 */

#include <stddef.h>

struct hd_tree_place {
	struct hd_tree_place *above; /* NULL for the root, whose name is empty */
	struct hd_tree_place *next;  /* of all */
	size_t name_length;
	char name[]; /* without NUL */
};

struct hd_tree_places {
	struct hd_tree_place *first; /* owned list */
};

/* NAME in the directory ABOVE; the root if that is NULL. NULL without memory. */
struct hd_tree_place *hd_tree_place_new(
	struct hd_tree_places *places, struct hd_tree_place *above, const char *name, size_t name_length);

/* Of its path, in bytes. */
size_t hd_tree_place_length(const struct hd_tree_place *place);
/* Its path relative to the root, "" for the root: fresh memory; NULL without. */
char *hd_tree_place_path(const struct hd_tree_place *place);

/* Frees them all. */
void hd_tree_places_clear(struct hd_tree_places *places);

#endif
