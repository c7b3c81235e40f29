/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_ENTRY_MAKE_H
#define HEDDLE_PLATFORM_FILES_ENTRY_MAKE_H

/*
 * Making one name in an open directory, and giving it what a file has besides its bytes. Nothing that is there is replaced,
 * and no symbolic link is followed, whoever changes the directory meanwhile.
 *
 * For the calls that set something, NAME "" is the file or directory that is open as DIRECTORY_FD itself.
 *
 * Threads     Any. Errors: -EEXIST where the name is taken, -errno.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

/* A FIFO, a socket or a device: MODE is type and permissions, less the umask (io). */
int hd_entry_make_node(int directory_fd, const char *name, mode_t mode, dev_t device);
int hd_entry_make_symlink(int directory_fd, const char *name, const char *target); /* (io) */
/* NAME becomes one more name of what FROM names in FROM_FD (io). */
int hd_entry_make_link(int from_fd, const char *from, int directory_fd, const char *name);

/* An id of (uid_t)-1 or (gid_t)-1 stays as it is (io). */
int hd_entry_set_owner(int directory_fd, const char *name, uid_t uid, gid_t gid);
/* -EOPNOTSUPP for a symbolic link (io). */
int hd_entry_set_mode(int directory_fd, const char *name, mode_t mode);
int hd_entry_set_times(int directory_fd, const char *name, const struct timespec *access,
	const struct timespec *modify); /* (io) */
int hd_entry_set_xattr(
	int directory_fd, const char *name, const char *attribute, const void *value, size_t size); /* (io) */
/* Fine if there is none, or can be none (io). */
int hd_entry_remove_xattr(int directory_fd, const char *name, const char *attribute);

#endif
