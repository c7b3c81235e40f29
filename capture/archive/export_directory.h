/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_EXPORT_DIRECTORY_H
#define HEDDLE_CAPTURE_ARCHIVE_EXPORT_DIRECTORY_H

/*
 * Export to a directory: a state as ordinary files, with everything that a state keeps and the filesystem takes
 * (docs/design/archives.md).
 *
 * Ownership   All is borrowed. Threads: one. Durability: the caller's (new_directory.h).
 * Errors      Those of directory_writer.h and state_walk.h, with the path.
 */

#include "capture/archive/directory_writer.h"

/* Writes STATE below ROOT_FD, a directory that is empty and becomes the state's root. */
int hd_export_directory(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *state,
	int root_fd, struct hd_directory_writer_result *ret_result);

#endif
