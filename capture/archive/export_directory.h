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

struct hd_directory_export {
	struct hd_store *store;
	struct hd_base_set *bases;
	const struct hd_state *state;
	int root_fd; /* open for reading; has none of the state's names, and becomes its root */
	/* Whether a name is written, and what is below it: 1, 0, or what went wrong. NULL: all are. */
	int (*wants)(const char *path, const struct hd_snapshot_node *node, void *payload);
	void *payload;
};

/* All of it, the root's attributes last. */
int hd_export_directory(
	const struct hd_directory_export *export, struct hd_directory_writer_result *ret_result);

#endif
