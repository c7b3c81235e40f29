/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_STEPS_MOUNT_ALL_H
#define HEDDLE_CLI_STEPS_MOUNT_ALL_H

/*
 * Mount all: every thread of a store below one directory, each under its name (docs/design/decisions/0017).
 *
 * Threads     The main thread, one store at a time. Errors: those of mounts; of several the first, when all others
 *             were tried.
 */

#include "cli/arguments/store_locate.h"
#include "mount/mount_options.h"

/*
 * Mounts what is mounted nowhere at DIRECTORY/<thread>; DIRECTORY is absolute, and made. With FOLLOW it stays: threads
 * that come are mounted and the directories of those that go are removed, until an interrupt, which unmounts all.
 */
int hd_mount_all(const struct hd_location *location, const char *directory,
	const struct hd_mount_options *options, bool follow, bool json);

/* Unmounts every thread that is mounted. */
int hd_unmount_all(const struct hd_location *location, bool lazy, bool json);

#endif
