/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_DOT_DOT_STATES_H
#define HEDDLE_MOUNT_FUSE_DOT_DOT_STATES_H

/*
 * Dot states: what the listing of .heddle/states shows. Every state by its id, and threads and tags by their names.
 * Other names of states are found and not listed.
 *
 * Threads     Any; reads the store's index. Errors: those of the index.
 */

#include "overlay/overlay.h"
#include "overlay/states/state_tree.h"

/* Whether NAME is a whole id, in the one form that has a tree: 32 lower-case digits. */
bool hd_dot_states_is_id(const char *name, struct hd_state_id *ret_id);

/* When the listing was last another; the same time means the same listing. */
void hd_dot_states_time(struct hd_index *index, struct timespec *ret_time);

/* As hd_overlay_readdir; OWN and ABOVE are the inode numbers of "." and "..". */
int hd_dot_states_list(struct hd_overlay *overlay, uint64_t cookie, uint64_t own, uint64_t above,
	hd_directory_fill fill, void *payload);

#endif
