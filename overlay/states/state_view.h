/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STATES_STATE_VIEW_H
#define HEDDLE_STATES_STATE_VIEW_H

/* What the files of state trees share: a node with what its directory's listing needs, and nodes made from listings. */

#include "overlay/arena/inode_ranges.h"
#include "overlay/overlay_types.h"
#include "overlay/states/state_listings.h"
#include "overlay/states/state_nodes.h"

/* A copy of a node, with what comes from its tree's root. */
struct hd_state_view {
	struct hd_state_node node;
	uint32_t index;
	struct hd_base_directory directory; /* of a directory: what to list */
};

/* -ESTALE. */
int hd_state_view_of(struct hd_overlay *overlay, hd_ino ino, struct hd_state_view *ret_view);

/* What a node made of ITEM, of the directory VIEW, is; a directory's links are not counted yet. */
void hd_state_view_describe(
	const struct hd_state_view *view, const struct hd_listed *item, struct hd_state_node *ret_node);
/* Counts them; what cannot be read is told of when somebody looks inside. */
void hd_state_view_count_links(
	struct hd_overlay *overlay, const struct hd_state_view *view, struct hd_state_node *node);

/* What stat(2) shows of NODE; `ino` is not set. */
void hd_state_view_attributes(const struct hd_state_node *node, struct hd_attributes *ret_attributes);

uint64_t hd_state_view_name(const char *name);
/* An inode number that follows from KEY. */
uint64_t hd_state_view_number(const void *key, size_t size);

#endif
