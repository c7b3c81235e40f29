/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_SOCKETS_WATCH_SET_H
#define HEDDLE_PLATFORM_SOCKETS_WATCH_SET_H

/*
 * Watch set: one thread waits for any of many descriptors, and to be woken (epoll(7)).
 *
 * Ownership   The set borrows what it watches: a descriptor leaves the set when its last copy is closed.
 * Threads     One waits; any adds and wakes. Errors: -errno.
 */

#include <stdint.h>

struct hd_watch_set;

/* An empty one. */
int hd_watch_set_new(struct hd_watch_set **ret_set);
/* Nobody waits any more. NULL is fine. */
void hd_watch_set_free(struct hd_watch_set *set);

/* Waits for FD to be readable or at its end from now on; TOKEN, below HD_WATCH_WOKEN, is what the wait returns then. */
#define HD_WATCH_WOKEN UINT32_MAX
int hd_watch_set_add(struct hd_watch_set *set, int fd, uint32_t token);

/* Ends the wait that is going on, or the next one. */
void hd_watch_set_wake(struct hd_watch_set *set);

/* The token of one that is ready, or HD_WATCH_WOKEN. */
int hd_watch_set_wait(struct hd_watch_set *set, uint32_t *ret_token);

#endif
