/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_EXPORT_TAR_H
#define HEDDLE_CAPTURE_ARCHIVE_EXPORT_TAR_H

/*
 * Export to tar: a state as one archive, with everything that a state keeps (docs/design/archives.md).
 *
 * Ownership   All is borrowed. Threads: one. Durability: the caller's.
 * Errors      Those of the descriptor, of bases and of the index; -HD_E_INTERRUPTED.
 */

#include "capture/archive/tar_writer.h"

struct hd_export_tar_result {
	uint64_t entries; /* written */
	uint64_t sockets; /* left out: no archive can hold them */
	uint64_t bytes;   /* of the archive, compressed */
};

/* Writes the archive of STATE to the stream FD. */
int hd_export_tar(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *state, int fd,
	enum hd_archive_compression compression, struct hd_export_tar_result *ret_result);

#endif
