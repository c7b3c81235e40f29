/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_ARCHIVE_TREE_H
#define HEDDLE_CAPTURE_ARCHIVE_ARCHIVE_TREE_H

/*
 * Archive tree: the tree that an import has read so far, in memory: names and what they name, no bytes of files. Names come
 * from somebody else and in any order; nothing here touches a filesystem, so that no name can lead anywhere.
 *
 * Rules (docs/design/archives.md)
 *     a path is relative; "." and "//" in it mean nothing; ".." and a leading "/" are refused, and so is a name of more than
 *     255 bytes and one below what is no directory
 *     directories that nobody named are made, with the owner and the times of what needed them first
 *     a name that comes again is what it was last; a directory that has entries can only be a directory again
 *     a hard link is to what its target was last, which must have come before and be no directory
 *
 * Memory      About 250 bytes for each name, and its text and extended attributes, which have a limit of their own.
 * Ownership   The tree owns its files and their extended attributes. Threads: one.
 * Errors      -EINVAL for a refused name or link, -EFBIG beyond a limit, each with the path; -ENOMEM.
 */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "overlay/store/objects/content.h"

#define HD_ARCHIVE_NO_FILE UINT32_MAX

struct hd_archive_file {
	uint32_t mode, uid, gid, device;
	uint64_t size; /* of a regular file or of a link's target */
	struct hd_content content;
	struct timespec access_time, modify_time, change_time, birth_time;
	void *xattrs; /* owned; form as in hd_attribute_entry; NULL for none */
	uint32_t xattrs_size;
	uint32_t links; /* how many names it has */
};

/* One name. Names are never taken away, only what they name. */
struct hd_archive_name {
	char *text;            /* owned */
	uint32_t parent, next; /* the directory's name; the next name in it, 0: none */
	uint32_t first_child;  /* of a directory: 0: none */
	uint32_t file;         /* or HD_ARCHIVE_NO_FILE between _place and _set */
};

struct hd_archive_tree {
	struct hd_archive_name *names; /* owned; 0 is the root */
	struct hd_archive_file *files; /* owned; some have no name any more */
	uint32_t *slots;               /* owned: a hash table of names by parent and text; 0 is empty */
	size_t n_names, names_capacity, n_files, files_capacity, n_slots;
	uint64_t max_names; /* 0: no limit */
	uint64_t text;      /* bytes of names and extended attributes */
};

/* With a root of mode 0755 that belongs to nobody else than root. */
int hd_archive_tree_begin(struct hd_archive_tree *tree, uint64_t max_names);
void hd_archive_tree_clear(struct hd_archive_tree *tree);

/* Finds or makes the name PATH, and directories above it like LIKE. */
int hd_archive_tree_place(struct hd_archive_tree *tree, const char *path, const struct hd_archive_file *like,
	uint32_t *ret_name);
/* NAME is FILE from now on, whose extended attributes are taken over on success. */
int hd_archive_tree_set(struct hd_archive_tree *tree, uint32_t name, const struct hd_archive_file *file);
/* The file that PATH names, to which NAME shall be a hard link. */
int hd_archive_tree_find(const struct hd_archive_tree *tree, const char *path, uint32_t *ret_file);
int hd_archive_tree_link(struct hd_archive_tree *tree, uint32_t name, uint32_t file);

#endif
