/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_RUN_FILE_H
#define HEDDLE_MOUNT_RUN_FILE_H

/*
 * Run files: what a mounted thread leaves in the store's run/ directory, run/<thread number>.<kind>.
 *
 *     .sock   the control socket                 while it is mounted
 *     .json   pid, mountpoint, source, started   while it is mounted
 *     .lock   the lease                          always; locked by whoever may open the thread's overlay
 *     .last   why the last mount ended badly     until the next one begins well
 *     .adopt  where a worker is adopted          while it is mounted, see adoption.h
 *     .git    what the mount's .git says, or "none: why not"   while it is a git worktree, see git_link.h
 *     .supervisor, .keeper                       always; locked by the one process of that kind
 *
 * A locked file says who locked it: "process 123 on host".
 *
 * Ownership   Returned strings are fresh memory. Threads: any. Errors: -errno.
 */

#include <stdbool.h>
#include <stdint.h>

enum hd_run_file {
	HD_RUN_SOCKET,
	HD_RUN_STATUS,
	HD_RUN_LAST,
	HD_RUN_LEASE,
	HD_RUN_ADOPTION,
	HD_RUN_SUPERVISOR,
	HD_RUN_KEEPER,
	HD_RUN_GIT,
	HD_RUN_FILE_COUNT
};

/* NULL when memory is short. */
char *hd_run_file_path(const char *store_path, uint32_t number, enum hd_run_file file);

/* The number of the thread, if NAME is that of a run file; else 0. */
uint32_t hd_run_file_number(const char *name);

/* Replaces the file's content atomically, making run/ if it is missing. */
int hd_run_file_write(const char *store_path, uint32_t number, enum hd_run_file file, const char *text);
int hd_run_file_read(const char *store_path, uint32_t number, enum hd_run_file file, char **ret_text);
void hd_run_file_remove(const char *store_path, uint32_t number, enum hd_run_file file);

/*
 * Takes the thread's lease: the right to open its overlay. A descriptor whose last copy's closing gives it back;
 * -HD_E_THREAD_BUSY. The overlay's own lock ends with the worker; the lease goes on until its memory is on disk, so
 * that nobody opens the older tables from disk in between.
 */
int hd_run_lease_take(const char *store_path, uint32_t number);

/*
 * Locks one of the files that say who is who: a descriptor, closed with its last copy; -HD_E_THREAD_BUSY when a living
 * process has it.
 */
int hd_run_lock_take(const char *store_path, uint32_t number, enum hd_run_file file);
/* Whether a living process has it. */
bool hd_run_lock_is_held(const char *store_path, uint32_t number, enum hd_run_file file);
/* Writes into the locked file FD that the calling process has it now. */
void hd_run_lock_sign(int fd);
/* "process 123 on host", whoever locked FILE last. NULL when nobody knows. Fresh memory. */
char *hd_run_lock_owner(const char *store_path, uint32_t number, enum hd_run_file file);

/* Makes run/. */
int hd_run_directory_make(const char *store_path);

#endif
