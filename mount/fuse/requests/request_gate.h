/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_REQUESTS_REQUEST_GATE_H
#define HEDDLE_MOUNT_FUSE_REQUESTS_REQUEST_GATE_H

/*
 * Request gate: keeps requests that change the tree waiting while somebody replaces it.
 *
 * Calling sequence
 *     request threads: hd_request_gate_enter → the change → hd_request_gate_leave
 *     after a death:   _expect_again → who reads: _enter_again for each that the kernel sends again → the change → _leave
 *                      → all of these were read: _no_more_again
 *     who replaces:    _close (returns when nobody is inside) → replaces → _open with the files that became others →
 *                      tells the kernel of them → _settled
 *
 * What is sent again was perhaps done, in part or as a whole, in the tree that is there when a worker takes over, and is
 * finished in that tree: it passes when the gate is closed, and who closes it waits until all of it is done. Those that have
 * waited here when a worker died had not begun, and may go into either tree.
 *
 * Stale pages. A page that was written through a mapping before the kernel heard that its file became another one is
 * sent later, and would bring the old bytes back. Between _open and _settled, what the kernel writes of its own accord
 * into one of these files is therefore not of the new tree (hd_request_gate_is_stale).
 *
 * Old times. With -o writeback the kernel sends of its own accord when it believes that a file was changed: what it believes of a
 * file that it still has is of the old tree, until the command has looked at it. A program that does no more than set an
 * attribute makes it send that. So until _times_are_known, such times from before the gate was opened are of the old tree
 * (hd_request_gate_is_old_time). The command truncates files to the size that they have, and gives them their time: over another
 * tree it must not, so _close waits until _times_are_known.
 *
 * Threads     As above; one at a time replaces. While it is closed, nothing may be asked of the kernel that waits for a
 *             request: notifying waits for pages that a waiting write has locked.
 * Errors      None.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "overlay/overlay.h"

struct hd_request_gate;

int hd_request_gate_new(struct hd_request_gate **ret_gate);
/* NULL is fine. */
void hd_request_gate_free(struct hd_request_gate *gate);

/* Whether a request of this FUSE opcode may change the tree. */
bool hd_request_gate_concerns(uint32_t opcode);
void hd_request_gate_enter(struct hd_request_gate *gate);
void hd_request_gate_leave(struct hd_request_gate *gate);

/* Until _no_more_again, which does nothing without it, requests may come that were begun before. */
void hd_request_gate_expect_again(struct hd_request_gate *gate);
void hd_request_gate_enter_again(struct hd_request_gate *gate);
void hd_request_gate_no_more_again(struct hd_request_gate *gate);

void hd_request_gate_close(struct hd_request_gate *gate);
/* Takes FILES over (sorted; may be NULL, then N is 0). */
void hd_request_gate_open(struct hd_request_gate *gate, hd_ino *files, size_t n);
void hd_request_gate_settled(struct hd_request_gate *gate);

/* Whether what the kernel writes into INO by itself is of the tree before. */
bool hd_request_gate_is_stale(struct hd_request_gate *gate, hd_ino ino);

/* Before _open: FILES are others now, of which the kernel has times itself. Takes FILES over, as _open. */
void hd_request_gate_doubt_times(struct hd_request_gate *gate, hd_ino *files, size_t n);
/* The command has shown it all of them. */
void hd_request_gate_times_are_known(struct hd_request_gate *gate);
/* Whether INO was not changed at TIME, as the kernel believes, but in the tree before. */
bool hd_request_gate_is_old_time(struct hd_request_gate *gate, hd_ino ino, const struct timespec *time);

#endif
