/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_LINKED_FILES_H
#define HEDDLE_CAPTURE_LINKED_FILES_H

/*
 * Linked files: what is decided at the first name of a file with several names, and holds for the others.
 *
 * A state is stored name by name, and says by a group which names are one file; the bytes are part of that (link_group.h). Settled at
 * each name, a file that is written meanwhile would be two. And the same bytes may be called otherwise where the head has
 * them at that path: by a commit's blob, or by a path of the host. So the first name settles the file and says what its bytes are called.
 * Only names of a host's file have a reference each, and are one file all the same.
 *
 * Calling sequence
 *     {0} → for each name: hd_linked_files_take → if that said so: settle, name the bytes, hd_linked_files_keep →
 *     hd_linked_files_clear
 *
 * Ownership   The list owns its memory. Threads: one. Errors: -ENOMEM.
 */

#include "overlay/snapshot.h"

struct hd_linked_file;

struct hd_linked_files {
	struct hd_linked_file *files; /* owned; a hash table by group */
	size_t count, capacity;
};

/*
 * Gives NODE, if another name of its file was kept, the attributes that this was settled with, and its bytes. Returns whether
 * they are still to be named for this one.
 */
bool hd_linked_files_take(const struct hd_linked_files *files, struct hd_snapshot_node *node);

/* NODE's content has its name now. SETTLED is what it was before. */
int hd_linked_files_keep(
	struct hd_linked_files *files, struct hd_snapshot_node *node, const struct hd_content *settled);

/* Frees what the list has; it may be filled again. */
void hd_linked_files_clear(struct hd_linked_files *files);

#endif
