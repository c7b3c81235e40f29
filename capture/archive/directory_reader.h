/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_DIRECTORY_READER_H
#define HEDDLE_CAPTURE_ARCHIVE_DIRECTORY_READER_H

/*
 * Directory reader: a directory of the host as an archive tree, the bytes of its files in the store.
 *
 * Nothing outside of the directory is read, whoever changes it meanwhile: no link is followed, no ".." taken. What other
 * filesystems show below it is part of it; a store in its root, and the store of the import, are not. A file or directory
 * that changes while it is read fails the import: what is taken is what was there at one time, each name for itself.
 *
 * Labels that a host gives every file (SELinux, Smack, AppArmor, IMA, EVM) are left out and counted.
 *
 * Memory      The tree, the paths of directories that are still to be read.
 * Ownership   As tar_reader.h. Threads: one. Durability: none before hd_object_store_sync.
 * Errors      -HD_E_IMPORT_CHANGED, -errno with the path, -HD_E_INTERRUPTED; those of archive_tree.h and of the store.
 */

#include "capture/archive/import_state.h"

struct hd_directory_import {
	int root_fd; /* borrowed: the directory, open for reading */
};

/* An hd_import_read: SOURCE is an hd_directory_import. */
int hd_directory_import(struct hd_store *store, const void *source, struct hd_archive_tree *tree,
	struct hd_import_counts *ret_counts);

#endif
