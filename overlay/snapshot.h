/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_OVERLAY_SNAPSHOT_H
#define HEDDLE_OVERLAY_SNAPSHOT_H

/*
 * Snapshot: the part of the tree that changed since the last capture, copied at one instant into private
 * memory.
 *
 * The copy is made under the namespace lock, touches memory only, and visits the changed directories and
 * their entries, not the tree: cost follows the changes. A directory that did not change is one node that
 * carries its content reference. Of one in which names are what they were when it was stored, only the entries that
 * changed are copied ("partial"); the others are in its stored tree. Nothing of what the snapshot names is freed while it
 * lives, whatever is unlinked meanwhile; bytes that are changed meanwhile are kept first, so that all files are of the same
 * instant.
 *
 * Calling sequence
 *     hd_snapshot_take → walk nodes → hd_snapshot_settle for each changed file → [store trees] →
 *     hd_snapshot_publish (a capture) or nothing (status, diff) → hd_snapshot_free
 *
 * Ownership   The caller owns the snapshot; nodes, names and children are borrowed from it.
 * Threads     One thread at a time per snapshot. Only one snapshot that will be published at a time per
 *             overlay: hd_snapshot_take with FOR_CAPTURE waits for the one before.
 * Errors      -ENOMEM, errors of bases and of the store. A failed snapshot leaves the overlay as it was.
 */

#include "overlay/overlay.h"

struct hd_snapshot_node {
	char *name; /* owned, by the snapshot where it is one's; "" for the root */
	uint16_t name_length;
	struct hd_attributes attributes; /* as of the snapshot */
	struct hd_content content;       /* data, link target or tree; of a changed directory: none */
	struct hd_content
		origin; /* of a changed, loaded directory: what it was at the last capture, else none */
	struct hd_content attribute_content; /* of an unchanged captured directory: its attribute object */
	struct hd_content origin_attributes; /* that belongs to `origin` */
	uint64_t link_group; /* nonzero for a file with more than one name: equal for equal inodes */
	void *xattrs;        /* owned; form as in hd_attribute_entry; NULL for none */
	uint32_t xattrs_size;
	bool changed;   /* since the last capture: attributes, bytes, entries, or something below */
	bool unsettled; /* a file whose bytes have no content reference yet: settle it */
	bool partial; /* the children are those that changed; the others are what `origin` has under their names */
	struct hd_snapshot_node *children; /* owned array, sorted by name; of changed directories that were
					    * loaded, also when empty; NULL: the content says it all */
	size_t n_children;
	size_t queued; /* the snapshot's: number of the directory among those that changed, plus one */
};

struct hd_base_entry;
struct hd_snapshot;

/*
 * While held, nobody else captures: for who moves the thread's tree. The holder himself may take snapshots, and frees
 * them in the thread that took them.
 */
void hd_overlay_hold_captures(struct hd_overlay *overlay);
void hd_overlay_unhold_captures(struct hd_overlay *overlay);

/* Whether nothing changed since the last state, by the marks: false also for what was changed and changed back. */
bool hd_overlay_is_captured(struct hd_overlay *overlay);

/* Copies what changed, at one instant. FOR_CAPTURE raises the barrier and waits for a capture that is running. */
int hd_snapshot_take(struct hd_overlay *overlay, bool for_capture, struct hd_snapshot **ret_snapshot);
/* The same for a capture, without partial directories: for where stored trees cannot be read. */
int hd_snapshot_take_whole(struct hd_overlay *overlay, struct hd_snapshot **ret_snapshot);
/* Some directory was copied partially. */
bool hd_snapshot_is_partial(const struct hd_snapshot *snapshot);
/* Lets go of everything the snapshot holds; ends the capture if it was one. */
void hd_snapshot_free(struct hd_snapshot *snapshot);

/* The root directory's node; root->changed is false when nothing changed at all. */
struct hd_snapshot_node *hd_snapshot_root(struct hd_snapshot *snapshot);

/* How many nodes there are: what changed, and what lies beside it in the same directories. */
size_t hd_snapshot_count(const struct hd_snapshot *snapshot);

/*
 * Gives NODE, which may be partial, all its children, read from what it was. They get other addresses; at the old ones there are
 * nodes until the snapshot is freed, and what happens to these is lost.
 */
int hd_snapshot_complete(struct hd_snapshot *snapshot, struct hd_snapshot_node *node);

/* What ENTRY of a stored tree is as a node, without the name and the extended attributes, which the caller copies. Fails never. */
struct hd_snapshot_node hd_snapshot_node_of_entry(const struct hd_base_entry *entry);

/* The state that the snapshot is a change of. */
void hd_snapshot_parent(const struct hd_snapshot *snapshot, struct hd_state_id *ret_id);

/*
 * Gives a changed file's bytes, as of the snapshot, a content reference: stores them in the CAS if they are
 * not there and sets node->content, ->unsettled = false. Blocks on disks.
 */
int hd_snapshot_settle(struct hd_snapshot *snapshot, struct hd_snapshot_node *node);

/* The same for COUNT changed files, small ones of which are stored together. */
int hd_snapshot_settle_all(struct hd_snapshot *snapshot, struct hd_snapshot_node *const *nodes, size_t count);

/* Up to SIZE bytes of a file of the snapshot, settled or not; for comparing without storing. */
int hd_snapshot_read(struct hd_snapshot *snapshot, const struct hd_snapshot_node *node, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size);

/*
 * Tells the overlay that this snapshot became STATE: every changed directory's node->content and
 * ->attribute_content, set by the caller to the stored objects, become what that directory refers to, unless
 * it changed again since. The overlay's next snapshot is relative to STATE.
 */
int hd_snapshot_publish(struct hd_snapshot *snapshot, const struct hd_state_id *state);

#endif
