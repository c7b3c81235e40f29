/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_IGNORE_RULES_H
#define HEDDLE_CAPTURE_IGNORE_RULES_H

/*
 * Ignore rules: what the .gitignore and .heddleignore files of a tree, and info/exclude of the git repository that its
 * history begins at, say of its paths.
 *
 * The matcher is libgit2's. The lines of a .heddleignore come after those of the .gitignore beside it, and so go before
 * them. Below a directory that is ignored everything is. What the user ignores everywhere (core.excludesFile) does not
 * count: what a state is exported as must not depend on whose hands do it.
 *
 * Calling sequence
 *     hd_ignore_new → hd_ignore_check, best in the order of paths → hd_ignore_free
 *
 * libgit2 reads rules from files alone, so those of the tree are written to a directory in the store's run/, when there
 * are any, until hd_ignore_free; what a killed process leaves of it `heddle doctor` finds.
 *
 * Ownership   The view is borrowed. Threads: one. Errors: those of the view; -errno of the files; -HD_E_REPOSITORY.
 */

#include "capture/trees/tree_view.h"

struct hd_ignore;

/* The rules of the tree of VIEW; HISTORY is a state of its history. */
int hd_ignore_new(struct hd_store *store, struct hd_tree_view *view, const struct hd_state_id *history,
	struct hd_ignore **ret_ignore);
/* Of NULL, does nothing. */
void hd_ignore_free(struct hd_ignore *ignore);

/* Whether PATH, relative to the root, is ignored. It need not be in the tree; "." never is. */
int hd_ignore_check(struct hd_ignore *ignore, const char *path, bool is_directory, bool *ret_ignored);

/* Whether two directories of one name may have other rules of their own. */
bool hd_ignore_rules_differ(const struct hd_tree_view_listing *a, const struct hd_tree_view_listing *b);

#endif
