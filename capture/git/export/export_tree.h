/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_TREE_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_TREE_H

/*
 * Export tree: a state's tree as git trees and blobs in the repository an export goes to.
 *
 * Ownership   Borrows everything. Threads: one.
 * Errors      -HD_E_EXPORT_NAME, -HD_E_REPOSITORY, those of bases and store, with the path in the detail.
 */

#include "capture/git/export/export_objects.h"

struct hd_export_tree {
	struct hd_export_objects *objects; /* borrowed */
	struct hd_base_set *bases;         /* borrowed */
	struct hd_store *store;            /* borrowed */
	bool with_ignored;                 /* also what ignore_rules.h says is ignored */
	bool keep_empty;                   /* export_options.h */
	uint64_t ignored; /* names left out for that, each counted in the first state that has it */
	uint64_t skipped; /* names left out, each counted in the first state that has it */
};

/*
 * Writes the tree of STATE. PARENT (may be NULL) is a state whose tree is in the repository as PARENT_TREE:
 * what is the same in both is taken from there without being looked at. What is ignored is left out, unless the
 * parent's git tree has it: git goes on with what it has.
 */
int hd_export_tree_write(struct hd_export_tree *export, const struct hd_state *state,
	const struct hd_state *parent, const git_oid *parent_tree, git_oid *ret_tree);

#endif
