/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GROWTH_H
#define HEDDLE_CAPTURE_GROWTH_H

/*
 * Growth: by how much a state makes the store larger, and which files do.
 *
 * What counts is the bytes of contents that the state has in the store and its parent does not have at that path nor at one
 * that is gone; a content that several files have counts once, and of a large file that changed the chunks that did. Bytes
 * that an older state has are counted as if they were new.
 *
 * Ownership   The caller clears it. Threads: one. Errors: -ENOMEM, those of the object store.
 */

#include "capture/compare/tree_comparison.h"
#include "overlay/platform/buffer.h"
#include "overlay/store/objects/object_store.h"

/* How many files are named. */
#define HD_GROWTH_NAMED 5

struct hd_growth_file {
	struct hd_content content;
	uint64_t bytes;
	char *path; /* owned */
};

struct hd_growth {
	uint64_t bytes;
	struct hd_growth_file *largest; /* owned array: of all files, the largest first */
	size_t n_largest;
	struct hd_buffer files; /* of struct hd_growth_file, until hd_growth_end */
};

/* A difference of the comparison with the parent. */
int hd_growth_add(struct hd_growth *growth, struct hd_object_store *objects, const struct hd_change *change);
/* All have been added; GONE are the contents of files that are gone, sorted by their bytes. */
void hd_growth_end(struct hd_growth *growth, const struct hd_content *gone, size_t n_gone);
/* Frees what it owns. */
void hd_growth_clear(struct hd_growth *growth);

#endif
