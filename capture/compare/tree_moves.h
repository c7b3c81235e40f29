/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_TREE_MOVES_H
#define HEDDLE_CAPTURE_COMPARE_TREE_MOVES_H

/*
 * Tree moves: directories and files of the old tree that the new one has at another path, without looking below them.
 *
 * A directory that is only in the old tree and one that is only in the new tree are one that was moved if they have
 * the same reference, or if the new one, changed since, had that reference at the last capture. Only the uppermost is
 * told. A file was moved if the references are the same: one that was written to as well is another file, as in git
 * without similarity. What is empty has nothing to tell it by and is never moved; a path that both trees have is never
 * part of a move.
 *
 * Cost Directories with unequal references, and those on one side only, level by level as long as both sides have
 * something without a counterpart. What was moved is not entered. Beyond 16 MiB of paths nothing is told as moved,
 * beyond the half, or HD_MOVES_FILE_LIMIT files on one side, no further file.
 *
 * Between states that are not a state and its head's overlay, references tell nothing of a directory that changed as well.
 * Then what is known of the moves (known_moves.h) decides, if the caller says where to ask; nobody is asked before both trees
 * have a directory without a counterpart.
 *
 * Ownership   The caller clears the result. Threads and errors: as tree_comparison.h.
 */

#include "capture/compare/known_moves.h"
#include "capture/trees/tree_view.h"

struct hd_tree_move {
	char *from, *to; /* owned: paths relative to the roots, NUL-terminated */
	char *met;       /* owned: as `from`, but by the new paths of the moved directories above */
	size_t from_length, to_length;
	struct hd_tree_view_entry old_entry; /* of the old view; its name is empty */
};

struct hd_tree_moves {
	struct hd_tree_move *moves; /* owned array, sorted by `to` */
	size_t count;
	const struct hd_tree_move **by_origin; /* owned array: the same, sorted by `met` */
};

/* Who knows what was moved from the old tree to the new one. */
struct hd_moves_source {
	int (*read)(void *payload, struct hd_known_moves *ret_moves);
	void *payload; /* borrowed */
};

/* All moves from the tree of OLD_VIEW to that of NEW_VIEW. SOURCE may be NULL. */
int hd_tree_moves_find(struct hd_tree_view *old_view, struct hd_tree_view *new_view,
	const struct hd_moves_source *source, struct hd_tree_moves *ret_moves);
/* Frees what they own; of none, does nothing. */
void hd_tree_moves_clear(struct hd_tree_moves *moves);

/* The move to PATH; NULL if there is none. */
const struct hd_tree_move *hd_tree_moves_to(const struct hd_tree_moves *moves, const char *path);
/* The move of the old directory that a walk over both trees meets at PATH; NULL if there is none. */
const struct hd_tree_move *hd_tree_moves_met(const struct hd_tree_moves *moves, const char *path);

#endif
