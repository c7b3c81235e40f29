/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_TREES_CANONICAL_CONTENT_H
#define HEDDLE_CAPTURE_TREES_CANONICAL_CONTENT_H

/*
 * Canonical content: the one name that a capture gives to a content, however it came about. Without it the same
 * bytes would be a git blob where they were left alone and an object where they were written again, and equal
 * trees would have unequal ids.
 *
 * Over a git commit, the one at which the thread's history begins:
 *     what occurs anywhere in the commit is named by its git id, everything else by the store's object id;
 *     a directory is named by a git tree of the commit if its entries are that tree's, with the modes git knows;
 *     a directory without entries is NONE.
 * Over a directory there is no such rule, and everything here leaves contents as they are: see
 * docs/design/decisions/0009.
 *
 * Calling sequence
 *     hd_canonical_new → hd_canonical_enter per directory → hd_canonical_name_* → hd_canonical_leave →
 *     hd_canonical_free
 *
 * Cost        A changed file is read and hashed a second time, but not if it is known that no blob of the commit has its
 *             size, nor if it is what the head has at its place. What the commit contains is read once per store, when
 *             something changed is for the first time known to the repository, but not to the head at its place.
 *
 * Ownership   Store and bases are borrowed and must outlive it. Threads: one.
 * Errors      Those of the index, the store and the base.
 */

#include "capture/trees/tree_view.h"

struct hd_canonical;

/* For the history of THREAD. */
int hd_canonical_new(struct hd_store *store, struct hd_base_set *bases, const char *thread,
	struct hd_canonical **ret_canonical);
/* For the history that STATE is in. */
int hd_canonical_new_at(struct hd_store *store, struct hd_base_set *bases, const struct hd_state_id *state,
	struct hd_canonical **ret_canonical);
/* NULL is fine. */
void hd_canonical_free(struct hd_canonical *canonical);

/* The mode and device that go into a tree. Nobody can set a link's permission bits, and sources differ in what
 * they show. */
uint32_t hd_canonical_mode(uint32_t mode);
uint32_t hd_canonical_device(uint32_t mode, uint32_t device);

/* Whether the children of NODE are, one by one, the entries of LISTING. */
bool hd_canonical_same_entries(
	const struct hd_snapshot_node *node, const struct hd_tree_view_listing *listing);

/*
 * Gives a file or link that is stored its canonical content; 1 when it has it, 0 when there is no such rule. HEAD,
 * which may be NULL, is the head's entry of its name: what that says is canonical already.
 */
int hd_canonical_name_file(
	struct hd_canonical *canonical, struct hd_snapshot_node *node, const struct hd_tree_view_entry *head);

/*
 * A directory's place in the base's tree: the directory of the same path there. It matters for trees that say more
 * than they show, a submodule's commit for example: those are told from others by their place alone. The base is looked into
 * when that is asked for.
 */
struct hd_canonical_place;

/* The place of NAME in PARENT, both of which must outlive it; PARENT NULL: of the root. -ENOMEM. */
int hd_canonical_enter(struct hd_canonical_place *parent, const char *name, size_t name_length,
	struct hd_canonical_place **ret_place);
/* NULL is fine. */
void hd_canonical_leave(struct hd_canonical_place *place);

/* Whether NODE, of whose children at least those that changed are there and have theirs, may be in the base. */
bool hd_canonical_may_name(const struct hd_canonical *canonical, const struct hd_snapshot_node *node);

/*
 * 1 with the content of the directory NODE, whose children have theirs, when it is empty or in the base; 0 when an
 * encoded tree is its name.
 */
int hd_canonical_name_directory(struct hd_canonical *canonical, struct hd_canonical_place *place,
	const struct hd_snapshot_node *node, struct hd_content *ret_content);

#endif
