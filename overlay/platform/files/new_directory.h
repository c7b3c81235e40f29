/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_NEW_DIRECTORY_H
#define HEDDLE_PLATFORM_FILES_NEW_DIRECTORY_H

/*
 * New directory: a directory with much in it that is there whole or not at all. It is made beside its place, in
 * ".<name>.heddle-<random>" of mode 0700, and renamed when it is whole.
 *
 *     hd_new_directory_begin → fill it through new.fd → hd_new_directory_commit → hd_new_directory_clear
 *
 * Its place is free, or an empty directory, and stays so until the rename: who put something there meanwhile keeps it.
 * A process that is killed leaves the other name, which nothing looks at.
 *
 * Ownership   _clear closes, and removes what was not committed. Threads: one.
 * Durability  After _commit with SYNC all that was written is on disk, and the name (io).
 * Errors      -EEXIST, -ENOTEMPTY or -EBUSY (a mountpoint, or where one is) for the place; -errno.
 */

#include <stdbool.h>

struct hd_new_directory {
	int fd;          /* owned; the directory as it is made */
	int parent_fd;   /* owned */
	char *name;      /* owned; in the parent */
	char *temporary; /* owned; in the parent; NULL: nothing is there any more */
};

#define HD_NEW_DIRECTORY_NONE ((struct hd_new_directory){.fd = -1, .parent_fd = -1})

/* It inherits no access lists (io). */
int hd_new_directory_begin(const char *path, struct hd_new_directory *ret_directory);
int hd_new_directory_commit(struct hd_new_directory *directory, bool sync);
void hd_new_directory_clear(struct hd_new_directory *directory);

#define HD_AUTO_NEW_DIRECTORY __attribute__((cleanup(hd_new_directory_clear)))

#endif
