/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_TAR_READER_H
#define HEDDLE_CAPTURE_ARCHIVE_TAR_READER_H

/*
 * Tar reader: an archive as an archive tree, the bytes of its files in the store. Nothing in an archive is believed.
 *
 * Memory      The tree, one piece of a file, one header (1 MiB at the most).
 * Ownership   The caller's tree is filled; on failure it is to be thrown away. Threads: one.
 * Durability  None before hd_object_store_sync: what a failed import stored is named by nobody.
 * Errors      Those of tar_stream.h and archive_tree.h with the entry's name; those of the store.
 */

#include "capture/archive/import_state.h"
#include "capture/archive/tar_stream.h"

/* Reads all of SOURCE into TREE, which was begun; MAX_BYTES as in tar_stream.h. */
int hd_tar_read(struct hd_object_store *objects, const struct hd_tar_source *source, uint64_t max_bytes,
	struct hd_archive_tree *tree, struct hd_import_counts *ret_counts);

/* An hd_import_read: SOURCE is an hd_tar_import. */
struct hd_tar_import {
	struct hd_tar_source source;
	uint64_t max_bytes; /* 0: no limit */
};
int hd_tar_import(struct hd_store *store, const void *source, struct hd_archive_tree *tree,
	struct hd_import_counts *ret_counts);

#endif
