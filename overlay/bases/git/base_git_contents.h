/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_GIT_BASE_GIT_CONTENTS_H
#define HEDDLE_BASES_GIT_BASE_GIT_CONTENTS_H

/*
 * What a base's commit contains: whether some blob or tree occurs anywhere in its tree. A capture asks, so that
 * what occurs there is always named by git (docs/design/decisions/0009).
 *
 * What the repository does not have at all the commit does not contain, and that is the answer for most of what changed. Only
 * a question about something that the repository has needs the list of the commit's ids: it is made by walking its trees
 * once, and kept in a file of the store:
 *
 *     .heddle/cache/git-<base number>-<id of the tree>.ids
 *
 *     offset  bytes    field
 *     0       4        magic "HDGC"
 *     4       2        version, 1
 *     6       2        flags: 1 there are trees that say more than they show, 2 some blob's size is not known;
 *                      others zero
 *     8       20       id of the tree
 *     28      4        n, number of records
 *     32      4        m, number of different sizes of blobs; 0 with flag 2
 *     36      8        XXH3-64 of the sizes
 *     44      256*12   per first byte of an id: records up to its last one (4), XXH3-64 of its records (8)
 *     3116    8        XXH3-64 of all before
 *     3124    21*n     records: id (20), 1 blob or 2 tree (1); strictly sorted
 *     .       8*m      sizes, strictly sorted
 *
 * It is a cache: missing, damaged or of another version, it is made again. A question reads the records of one
 * first byte, and verifies those.
 *
 * Calling sequence
 *     hd_git_contents_open → hd_git_contents_has ... → hd_git_contents_free
 *
 * Cost        Without the list a question is a look at the repository's indexes; the first one that needs it costs as much as
 *             the commit has files (3 s of a processor for 1,000,000).
 *
 * Ownership   The store is borrowed and must outlive the contents.
 * Threads     One at a time. Several processes may make the same file: each publishes it whole.
 * Durability  None is needed.
 * Errors      -HD_E_BASE_MISSING, -HD_E_BASE_OBJECT (the commit's own tree cannot be read), -ENOMEM. An
 *             object below that cannot be read, in a partial clone, counts as not there until it was
 *             fetched; while it is a tree, the file is not made.
 */

#include <stdbool.h>

#include "overlay/bases/git/base_git_identity.h"
#include "overlay/store/store.h"

struct hd_git_contents;

/* TREE: the commit's root tree, a GIT content. Of the list only what there is of it already is read. */
int hd_git_contents_open(
	struct hd_store *store, const struct hd_content *tree, struct hd_git_contents **ret_contents);
/* NULL is fine. */
void hd_git_contents_free(struct hd_git_contents *contents);

/* 1 when the commit contains it, 0 when not. A tree counts only if its id follows from what it shows: see
 * base_git_walk.h. */
int hd_git_contents_has(
	struct hd_git_contents *contents, enum hd_git_kind kind, const uint8_t id[HD_GIT_ID_SIZE]);

/* 0 when no blob of the commit has SIZE bytes, else 1, also when that is not known. Asked first, it saves hashing most
 * files that are not there: where these are many bytes, and there is no list yet, that is made. */
int hd_git_contents_may_have_size(struct hd_git_contents *contents, uint64_t size);

/* Makes the list if there is none. */
int hd_git_contents_list(struct hd_git_contents *contents);

/* Some tree says more than it shows, a submodule's commit for example; or that is not known, as there is no list. */
bool hd_git_contents_has_unusual_trees(const struct hd_git_contents *contents);

#endif
