/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_RESERVE_H
#define HEDDLE_PLATFORM_FILES_RESERVE_H

/*
 * Descriptors and memory that are kept for the moment in which there are none left, in the process or in the machine: to
 * be given up right before what must not fail, and taken again after it.
 *
 * Threads     For processes with one thread: in others somebody else would take what is given up.
 */

#include <stdbool.h>

#define HD_RESERVE_DESCRIPTORS \
	24 /* to start a program: its sockets, pipe and pidfd, and copies of what it inherits */

struct hd_reserve {
	int fds[HD_RESERVE_DESCRIPTORS]; /* owned; -1 where there is none */
	void *memory;                    /* owned; NULL: none */
};

/* Nothing is kept yet. */
void hd_reserve_init(struct hd_reserve *reserve);
/* As much as can be had. Costs nothing when nothing is missing. */
void hd_reserve_fill(struct hd_reserve *reserve);
/* Whether it is all that is wanted. */
bool hd_reserve_is_full(const struct hd_reserve *reserve);
/* Gives all up. Whether there were any descriptors. */
bool hd_reserve_release(struct hd_reserve *reserve);

#endif
