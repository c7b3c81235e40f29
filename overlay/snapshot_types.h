/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_OVERLAY_SNAPSHOT_TYPES_H
#define HEDDLE_OVERLAY_SNAPSHOT_TYPES_H

/*
 * A snapshot inside: snapshot.c (taking, settling, freeing), snapshot_complete.c (the children that were not copied) and snapshot_publish.c (that it became a state).
 */

#include "overlay/overlay_types.h"
#include "overlay/snapshot.h"

/* Records that the edits of one step may take. */
#define HD_SNAPSHOT_ROOM 64u

/* Names of nodes, one after the other. They never move. */
#define HD_SNAPSHOT_NAMES (64u << 10)

struct hd_snapshot_names {
	struct hd_snapshot_names *next;
	size_t used;
	char bytes[HD_SNAPSHOT_NAMES];
};

struct hd_snapshot_pending {
	struct hd_snapshot_node *node;
	uint32_t index;
};

struct hd_snapshot {
	struct hd_overlay *overlay; /* borrowed */
	struct hd_snapshot_node root;
	struct hd_state_id parent;
	uint64_t barrier;
	bool for_capture;
	struct hd_snapshot_pending
		*queue; /* owned; every changed directory, in the order in which it was found */
	size_t n_queue, queue_capacity;
	/* owned: the list of what all names but the root's are in; the first is the one to fill */
	struct hd_snapshot_names *names;
	hd_ino *pinned; /* owned */
	size_t n_pinned, pinned_capacity;
	struct hd_kept_files *kept; /* owned: what these files were */
	size_t count;               /* of all nodes below the root */
	bool has_link_groups;       /* some node has one */
	bool whole;                 /* no directory is partial */
	bool partial;               /* some directory is, or was until it was completed */
	void **owned;               /* owned array of owned memory: arrays of children, extended attributes */
	size_t n_owned, owned_capacity;
};

/* MEMORY, which may be NULL, is freed with the snapshot; at once if that cannot be. */
int hd_snapshot_own(struct hd_snapshot *snapshot, void *memory);
/* A copy of NAME that lives as long as the snapshot, with a NUL behind it; NULL without memory. */
char *hd_snapshot_keep_name(struct hd_snapshot *snapshot, const char *name, size_t length);

#endif
