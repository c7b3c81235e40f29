/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_FILE_ENTRY_H
#define HEDDLE_PLATFORM_FILES_FILE_ENTRY_H

/*
 * What the host knows about one name in an open directory, without opening the file: it may be a FIFO, a
 * device, or unreadable. Links are not followed.
 *
 * Threads     Any. Errors: -errno.
 */

#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

/* statx(2) (io): *RET_BIRTH is the modification time where the filesystem keeps no birth time. */
int hd_file_entry_status(
	int directory_fd, const char *name, struct stat *ret_status, struct timespec *ret_birth);

/* Names of all extended attributes, each with its NUL (io). -ERANGE when they do not fit, -ENOENT without
 * /proc. */
int hd_file_entry_list_xattr(int directory_fd, const char *name, char *buffer, size_t size, size_t *ret_size);
int hd_file_entry_get_xattr(int directory_fd, const char *name, const char *attribute, void *buffer,
	size_t size, size_t *ret_size);

#endif
