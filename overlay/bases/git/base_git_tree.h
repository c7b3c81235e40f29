/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_GIT_BASE_GIT_TREE_H
#define HEDDLE_BASES_GIT_BASE_GIT_TREE_H

/*
 * Git tree objects, decoded from their bytes: the entries that may appear in a directory, each with the mode
 * it is shown with; and encoded again.
 *
 * Bytes (gitformat, "tree object"): any number of {octal mode, ' ', name, NUL, 20 bytes of object id}.
 *
 * Ownership   Entries point into the given bytes: keep them as long as the entries.
 * Threads     Pure functions. Errors: -HD_E_BASE_OBJECT when the bytes are no tree, -ENOMEM.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/buffer.h"

#define HD_GIT_ID_SIZE 20

struct hd_git_tree_entry {
	const char *name;   /* borrowed, NUL-terminated in the tree itself */
	size_t name_length; /* 1..255 */
	uint32_t mode;      /* st_mode as shown: 0644 or 0755 files, links, directories */
	bool is_commit;     /* a submodule's place: shown as an empty directory */
	const uint8_t *id;  /* borrowed, HD_GIT_ID_SIZE bytes */
};

struct hd_git_tree {
	struct hd_git_tree_entry *entries; /* owned array, strictly sorted by name in byte order */
	size_t count;
	size_t skipped; /* entries no filesystem may show */
};

/*
 * The entry at *POSITION, which is 0 at first and goes on to the next: 1, or 0 at the end. It is as the tree has it, whatever its
 * name is.
 */
int hd_git_tree_next(const void *data, size_t size, size_t *position, struct hd_git_tree_entry *ret_entry);

/* Entries no directory may hold, and later ones of a name that occurs twice, are counted and left out. */
int hd_git_tree_decode(const void *data, size_t size, struct hd_git_tree *ret_tree);
/* The entry of this name, or NULL. */
const struct hd_git_tree_entry *hd_git_tree_find(const struct hd_git_tree *tree, const char *name);
/* Frees the array; the bytes were never owned. */
void hd_git_tree_clear(struct hd_git_tree *tree);

/* Appends the bytes that git itself would write for ENTRIES, given in any order. A decoded tree that does not
 * encode to its own bytes says more than its entries show. */
int hd_git_tree_encode(const struct hd_git_tree_entry *entries, size_t count, struct hd_buffer *out);

#endif
