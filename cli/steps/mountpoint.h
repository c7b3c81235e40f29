/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_STEPS_MOUNTPOINT_H
#define HEDDLE_CLI_STEPS_MOUNTPOINT_H

/*
 * Mountpoint: the directory that a person named for a mount, made if it is missing, and taken away again if no mount came.
 *
 *     hd_mountpoint_prepare → mount at its path → if that failed: hd_mountpoint_give_up → hd_mountpoint_clear
 *
 * Ownership   hd_mountpoint_clear frees what it has; fine for an empty one. Threads: one. Errors: those of mkdir(2), -ENOMEM.
 */

#include <stddef.h>

struct hd_mountpoint {
	char *path;     /* owned: absolute, without links; where a dead mount stands, as it was named */
	char *named;    /* owned: absolute, as it was named */
	size_t existed; /* bytes of it that were there before */
};

int hd_mountpoint_prepare(const char *directory, struct hd_mountpoint *ret_mountpoint);
/* Removes the directories that were made, from the last one up, as far as there is nothing in them. */
void hd_mountpoint_give_up(const struct hd_mountpoint *mountpoint);
void hd_mountpoint_clear(struct hd_mountpoint *mountpoint);

#endif
