/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_SESSION_FUSE_SWITCH_H
#define HEDDLE_MOUNT_FUSE_SESSION_FUSE_SWITCH_H

/*
 * FUSE switch: what a mount does while its overlay is switched to another tree.
 *
 * Calling sequence
 *     hd_fuse_hold_changes → [the switch] → hd_fuse_release_changes → [the command looks] → hd_fuse_changes_are_shown
 *
 * When the second returns, every system call that begins sees the new tree.
 *
 * Threads     One at a time, not a request thread. Errors: none; without memory more is dropped than needs to be.
 */

#include "mount/fuse/session/fuse_session.h"
#include "overlay/switch/tree_switch.h"

/* Waits until no request changes the tree, and lets none begin. */
void hd_fuse_hold_changes(struct hd_fuse_session *session);
/* Lets them go on and tells the kernel what became another; TREE_SWITCH NULL: nothing did. */
void hd_fuse_release_changes(struct hd_fuse_session *session, const struct hd_switch *tree_switch);

/* The command has made the kernel believe the sizes and times of the new tree, or nobody will. */
void hd_fuse_changes_are_shown(struct hd_fuse_session *session);

/* Whether the kernel keeps the size and the times of a file itself, for as long as it has it (-o writeback). */
bool hd_fuse_kernel_keeps_sizes(const struct hd_fuse_session *session);

/*
 * Before a worker serves: if one before it died between a switch and the end of telling, the kernel is to doubt all that
 * it has. Names that are gone it drops by an epoch, which kernels before 6.16 do not know.
 */
void hd_fuse_tell_after_death(struct hd_fuse_session *session);

#endif
