/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TEXT_STATE_TREE_H
#define HEDDLE_CLI_TEXT_STATE_TREE_H

/*
 * State tree: the tree of a state that the command line names, for commands that only read. It needs no mount and no
 * thread.
 *
 * Ownership   hd_state_tree_clear frees all. Threads: the main thread.
 * Errors      Those of hd_locate, hd_state_spec_resolve and the bases.
 */

#include "capture/trees/tree_view.h"
#include "cli/arguments/store_locate.h"

struct hd_state_tree {
	struct hd_location location; /* owned */
	struct hd_base_set *bases;   /* owned */
	struct hd_state state;       /* owned */
	struct hd_tree_view *view;   /* owned */
};

/* SPEC NULL is the head of the thread in use. */
int hd_state_tree_open(
	const struct hd_invocation *invocation, const char *spec, struct hd_state_tree *ret_tree);
/* Fine for an empty one. */
void hd_state_tree_clear(struct hd_state_tree *tree);

#define HD_AUTO_STATE_TREE __attribute__((cleanup(hd_state_tree_clear)))

#endif
