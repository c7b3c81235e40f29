/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STATES_STATE_TREE_H
#define HEDDLE_STATES_STATE_TREE_H

/*
 * State trees: the trees of states as a filesystem would see them, beside the overlay's own.
 *
 * They are read-only and never change. Their nodes have ids of their own range; the calls of overlay.h that look, read
 * and forget (lookup, forget, getattr, readlink, getxattr, listxattr, open_file, release, flush, read, lseek, readdir,
 * fsync) take them and come here. Calls that change anything answer -ESTALE: whoever unpacks requests refuses those
 * before (-EROFS). A tree is entered by hd_state_tree_enter, and from its root on by lookups.
 *
 * What the kernel holds is in the arena like the overlay's own lookups (states/state_nodes.h), so that a process that
 * takes the arena over goes on with it.
 *
 * Inode numbers follow from the state and the path: they are the same in every mount and after every death. They are
 * 62 bits of a checksum with the bit above set, a range that nothing else has; hard links of a state have one.
 *
 * Threads, errors: those of overlay.h. All but getattr and forget may read the store or a base.
 */

#include "overlay/arena/inode_ranges.h"
#include "overlay/overlay.h"
#include "overlay/states/state_nodes.h"

/* The root of the tree of state ID, with one lookup. -HD_E_STATE_MISSING. */
int hd_state_tree_enter(
	struct hd_overlay *overlay, const struct hd_state_id *id, struct hd_attributes *ret_attributes);
/* What its inode number is. */
uint64_t hd_state_tree_number(const struct hd_state_id *id);
/* A symbolic link whose target is ID in hex, with one lookup. */
int hd_state_tree_link(
	struct hd_overlay *overlay, const struct hd_state_id *id, struct hd_attributes *ret_attributes);
bool hd_state_tree_is_link(struct hd_overlay *overlay, hd_ino ino);

/*
 * hd_overlay_count_lookups for a listing of DIRECTORY, of a state. What hd_overlay_readdir gave as ids there are places
 * in the listing: `inos` are these, or 0, and become ids. `put`, which runs under a lock and may do nothing but copy,
 * brings them into the reply before anything is counted: a reply that is counted has to be whole.
 */
struct hd_state_taking {
	hd_ino *inos;
	size_t n;
	uint64_t reply_size;
	void (*put)(void *payload);
	void *payload;
};
int hd_state_tree_take(struct hd_overlay *overlay, hd_ino directory, const struct hd_state_taking *taking);

/* How many nodes there are, as of a moment ago. Waits for nobody. */
uint32_t hd_state_tree_count(const struct hd_overlay *overlay);
/* How many were let go of, ever. */
uint64_t hd_state_tree_freed(const struct hd_overlay *overlay);
/* hd_state_nodes_list. */
size_t hd_state_tree_list(
	struct hd_overlay *overlay, bool roots, uint32_t *place, struct hd_state_held *ret, size_t limit);

/* ---- behind the calls of overlay.h ---- */

int hd_state_tree_lookup(
	struct hd_overlay *overlay, hd_ino parent, const char *name, struct hd_attributes *ret_attributes);
void hd_state_tree_forget(struct hd_overlay *overlay, hd_ino ino, uint64_t count);
int hd_state_tree_getattr(struct hd_overlay *overlay, hd_ino ino, struct hd_attributes *ret_attributes);
int hd_state_tree_readlink(
	struct hd_overlay *overlay, hd_ino ino, char *buffer, size_t size, size_t *ret_size);
int hd_state_tree_read(
	struct hd_overlay *overlay, hd_ino ino, void *buffer, size_t size, uint64_t offset, size_t *ret_size);
int hd_state_tree_lseek(
	struct hd_overlay *overlay, hd_ino ino, uint64_t offset, int whence, uint64_t *ret_offset);
int hd_state_tree_readdir(
	struct hd_overlay *overlay, hd_ino ino, uint64_t cookie, hd_directory_fill fill, void *payload);
struct hd_buffer;
/* The string of extended attributes (attribute_string.h). */
int hd_state_tree_xattrs(struct hd_overlay *overlay, hd_ino ino, struct hd_buffer *ret_string);

#endif
