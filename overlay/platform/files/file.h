/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_FILE_H
#define HEDDLE_PLATFORM_FILES_FILE_H

/*
 * Files and directories of the host: thin, EINTR-proof, close-on-exec, -errno.
 *
 * The only way that code above overlay/platform reaches the host's filesystem, so that fault injection and
 * the rule "no lock across I/O" have one place: calls marked (io) check hd_lock_assert_none_held. Paths
 * are relative to DIRECTORY_FD, or to the working directory for AT_FDCWD.
 *
 * Threads     Any. Ownership: returned descriptors belong to the caller.
 * Errors      -errno; no detail text, the caller knows the path.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/* openat with O_CLOEXEC added (io). Returns the descriptor. */
int hd_file_open(int directory_fd, const char *path, int flags, mode_t mode);

/* Opens a directory for use as DIRECTORY_FD (io). */
int hd_directory_open(int directory_fd, const char *path);

/* pread until SIZE bytes or the file's end (io); *RET_SIZE is what came. */
int hd_file_read_at(int fd, void *buffer, size_t size, uint64_t offset, size_t *ret_size);

/* lseek with SEEK_DATA, or with SEEK_HOLE: the first such offset >= OFFSET (io); UINT64_MAX when there is none. Moves the
 * descriptor's position, which nobody may rely on. */
int hd_file_seek(int fd, uint64_t offset, bool want_data, uint64_t *ret_offset);

/* pwrite of all SIZE bytes (io). */
int hd_file_write_at(int fd, const void *data, size_t size, uint64_t offset);

/* Reads a whole file into fresh memory with a NUL behind it (io); -EFBIG beyond LIMIT bytes. */
int hd_file_read_whole(int directory_fd, const char *path, size_t limit, char **ret_data, size_t *ret_size);

int hd_file_truncate(int fd, uint64_t size);                      /* ftruncate (io) */
int hd_file_sync(int fd);                                         /* fdatasync (io) */
int hd_file_sync_filesystem(int fd);                              /* syncfs (io) */
int hd_file_set_mode(int fd, mode_t mode);                        /* fchmod (io) */
int hd_file_set_modify_time(int fd, const struct timespec *time); /* futimens (io) */
int hd_file_set_times(
	int fd, const struct timespec *access, const struct timespec *modify); /* futimens (io) */
int hd_file_stat(int fd, struct stat *ret_stat);                               /* fstat (io) */
int hd_file_stat_at(
	int directory_fd, const char *path, struct stat *ret_stat); /* fstatat, links not followed (io) */
/* readlinkat with a NUL behind it (io); -ERANGE when BUFFER has no room for both. */
int hd_file_read_link(int directory_fd, const char *path, char *buffer, size_t size, size_t *ret_size);
int hd_file_unlink(int directory_fd, const char *path);                 /* (io) */
int hd_directory_remove(int directory_fd, const char *path);            /* rmdir (io) */
int hd_file_rename(int directory_fd, const char *from, const char *to); /* (io) */
int hd_file_link(int directory_fd, const char *from, const char *to);   /* (io) */
bool hd_file_exists(int directory_fd, const char *path); /* (io) false also where nobody can tell */
/* (io) 1 when there is something at PATH, 0 when there is nothing: for who gives something up because of that. */
int hd_file_look(int directory_fd, const char *path);

/* mkdir -p (io): an existing directory is fine. */
int hd_directory_make(int directory_fd, const char *path, mode_t mode);

/* mkdir (io): -EEXIST. The umask counts. */
int hd_directory_make_new(int directory_fd, const char *path, mode_t mode);

/* Removes a directory and all below it, also where directories may not be written by their owner, never following links,
 * never leaving the filesystem it is on (io): -EXDEV where another is mounted in it. */
int hd_directory_remove_tree(int directory_fd, const char *path);

/* Calls EMIT for every entry but "." and ".." (io); a nonzero result of EMIT ends the listing and is
 * returned. */
typedef int (*hd_directory_emit)(const char *name, unsigned char type, void *payload);
int hd_directory_list(int directory_fd, const char *path, hd_directory_emit emit, void *payload);

/* Makes the entries of the directory FD durable: fsync (io). */
int hd_directory_sync(int fd);

/* As hd_file_open with O_RDWR | FLAGS, or O_RDONLY where nothing can be written, as on a disk that became read-only.
 * *RET_WRITABLE says which. */
int hd_file_open_or_read(int directory_fd, const char *path, int flags, bool *ret_writable);

/* Opens the file NAME, which is made if it is missing, to lock it (io); that needs no right to write. Returns the descriptor. */
int hd_file_open_lock(int directory_fd, const char *name);
/* flock LOCK_EX | LOCK_NB: -EWOULDBLOCK when somebody else holds it (io). */
int hd_file_lock(int fd);
/* Gives up what hd_file_lock took; so does closing the descriptor (io). */
int hd_file_unlock(int fd);

/* True when FD lies on a filesystem whose calls can hang for long: network and FUSE (by statfs f_type) (io).
 */
bool hd_file_may_stall(int fd);

/* Free and total bytes and files of the filesystem of FD (io). */
struct hd_filesystem_space {
	uint64_t total_bytes, free_bytes, available_bytes, total_files, free_files;
};
int hd_file_space(int fd, struct hd_filesystem_space *ret_space);

/*
 * Publishes a file atomically: O_TMPFILE in the directory and linkat, or a temporary name and rename where
 * the filesystem has no O_TMPFILE. Readers see no file or the whole one.
 *
 *     hd_file_atomic_begin → write through file.fd → hd_file_atomic_commit or hd_file_atomic_abort
 *
 * commit without REPLACE answers -EEXIST if NAME exists (and the bytes are dropped). SYNC: fdatasync before
 * the name appears. The directory's own durability is the caller's (hd_directory_sync).
 */
struct hd_atomic_file {
	int fd;             /* owned; -1 when not begun */
	int directory_fd;   /* borrowed */
	const char *prefix; /* borrowed: of temporary names */
	char temporary[32]; /* empty when O_TMPFILE worked */
};
int hd_file_atomic_begin(int directory_fd, mode_t mode, struct hd_atomic_file *ret_file);
/* The same, where temporary names begin with PREFIX, up to 12 bytes that outlive the file: so that others know them. */
int hd_file_atomic_begin_as(
	int directory_fd, mode_t mode, const char *prefix, struct hd_atomic_file *ret_file);
int hd_file_atomic_commit(struct hd_atomic_file *file, const char *name, bool replace, bool sync);
void hd_file_atomic_abort(struct hd_atomic_file *file);

#endif
