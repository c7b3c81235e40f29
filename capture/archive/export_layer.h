/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_EXPORT_LAYER_H
#define HEDDLE_CAPTURE_ARCHIVE_EXPORT_LAYER_H

/*
 * Export of a layer: what one state changes in another as a layer of a container image (OCI image-spec, layer.md): what is
 * new or different is there whole, with the directories above it; what is gone is a whiteout, an empty file `.wh.NAME`.
 *
 * Owners, times and extended attributes count as differences, other than in diffs. Of a file with several names all are
 * written when anything of it differs, so that they stay one file.
 *
 * Ownership, threads, durability: as export_tar.h.
 * Errors      Those of export_tar.h; -EINVAL for a name that begins with ".wh.", which no layer can hold.
 */

#include "capture/archive/export_tar.h"

struct hd_export_layer {
	struct hd_store *store; /* borrowed, as all of it */
	struct hd_base_set *bases;
	const struct hd_state *from, *to;
};

/* Writes what TO has and FROM has not, or otherwise, to the stream FD; *RET_WHITEOUTS of the entries are whiteouts. */
int hd_export_layer(const struct hd_export_layer *layer, int fd, enum hd_archive_compression compression,
	struct hd_export_tar_result *ret_result, uint64_t *ret_whiteouts);

#endif
