/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_TREE_MOVES_TYPES_H
#define HEDDLE_CAPTURE_COMPARE_TREE_MOVES_TYPES_H

/*
 * The search for moves inside: tree_moves_search.c (what may have been moved), tree_moves_match.c (which belong
 * together by what they are), tree_moves_known.c (by what is known of them) and tree_moves.c (the result).
 */

#include <stdbool.h>
#include <stddef.h>

#include "capture/compare/tree_moves.h"
#include "capture/trees/tree_place.h"
#include "capture/trees/tree_view.h"

#define HD_MOVES_NO_PARENT SIZE_MAX
/* Files of one side that a search looks at: what a tree brought anew may be large, and no file of it has moved. */
#define HD_MOVES_FILE_LIMIT 100000

struct hd_moves_candidate {
	struct hd_tree_place *path, *met; /* the search's */
	size_t parent;                    /* candidate of the same side that it was found in */
	bool merged;                      /* found when the parent was merged with its counterpart */
	struct hd_tree_view_entry entry;
	struct hd_content key; /* NONE: has none */
	size_t counterpart;    /* of the other side, or HD_MOVES_NO_PARENT */
	bool listed; /* or merged with its counterpart; a file, which has nothing below it, always is */
};

struct hd_moves_side {
	struct hd_tree_view *view;             /* borrowed */
	struct hd_moves_candidate *candidates; /* owned array */
	size_t count, capacity;
	size_t n_files; /* of the candidates */
	size_t n_known; /* candidates that were looked for among the known moves */
};

/* What is known of the moves, as far as anybody asked. */
struct hd_moves_known {
	const struct hd_moves_source *source; /* borrowed; may be NULL */
	bool read;
	struct hd_known_moves moves;            /* sorted by `to` */
	const struct hd_state_move **by_origin; /* owned array: the same, sorted by `from` */
	size_t (*candidates)[2]; /* owned array, as `moves`: what is there, or HD_MOVES_NO_PARENT */
};

/* Two directories that stand for each other, still to be merged. */
struct hd_moves_pair {
	struct hd_tree_view_entry entries[2];
	struct hd_tree_place *paths[2]; /* the search's */
	size_t candidates[2];           /* what they are, or HD_MOVES_NO_PARENT */
};

struct hd_moves_search {
	struct hd_moves_side sides[2]; /* old, new */
	struct hd_moves_pair *pairs;   /* owned array, a stack */
	size_t n_pairs, pairs_capacity;
	struct hd_tree_places places;
	struct hd_moves_known known;
};

/* Merges the directories that both trees have. What one side alone has becomes a candidate; then candidates are matched,
 * level by level, of files HD_MOVES_FILE_LIMIT a side. Negative codes; the caller clears the search in any case. */
int hd_moves_search(struct hd_moves_search *search);

/* Whether the candidate can still be matched. */
bool hd_moves_is_open(const struct hd_moves_candidate *candidate);

/* Matches open candidates of both sides with equal keys, of several those with equal names first. */
int hd_moves_match(struct hd_moves_search *search);

/* Matches open directories of both sides of which it is known that one became the other. */
int hd_moves_match_known(struct hd_moves_search *search);

#endif
