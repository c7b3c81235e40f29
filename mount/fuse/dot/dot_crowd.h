/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_DOT_DOT_CROWD_H
#define HEDDLE_MOUNT_FUSE_DOT_DOT_CROWD_H

/*
 * Dot crowd: asks the kernel to let go of trees of states when it holds very many nodes of them. It keeps what it looked up for as
 * long as it has memory, and each of them has a record in the arena, of which there is a number.
 *
 *     hd_dot_crowd_new → _look after whatever made nodes → _free
 *
 * Ownership   The crowd is the session's, which it borrows.
 * Threads     _look may run in request threads: it compares two numbers, and at most starts a thread. That one asks, and holds no
 *             lock while it does; there is one for as long as there is something to ask for.
 * Errors      None: what the kernel does not let go of stays, and where no thread can be started it is tried again.
 */

struct hd_fuse_session;
struct hd_dot_crowd;

int hd_dot_crowd_new(struct hd_fuse_session *session, struct hd_dot_crowd **ret_crowd);
/* Waits for the thread, which stops soon. NULL is fine. */
void hd_dot_crowd_free(struct hd_dot_crowd *crowd);
void hd_dot_crowd_look(struct hd_dot_crowd *crowd);

#endif
