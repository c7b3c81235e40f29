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
 *
 * Ownership   Returned strings are fresh memory. Threads: any. Errors: -errno.
 */

#include <stdint.h>

enum hd_run_file { HD_RUN_SOCKET, HD_RUN_STATUS, HD_RUN_LAST, HD_RUN_LEASE, HD_RUN_FILE_COUNT };

/* NULL when memory is short. */
char *hd_run_file_path(const char *store_path, uint32_t number, enum hd_run_file file);

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

/* Makes run/. */
int hd_run_directory_make(const char *store_path);

#endif
