/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_TEMPORARY_DIRECTORY_H
#define HEDDLE_PLATFORM_FILES_TEMPORARY_DIRECTORY_H

/*
 * Temporary directory: one that nobody else has, for as long as its maker needs it. Its name begins with
 * HD_ATOMIC_FILE_PREFIX, so that who sweeps after a crash knows it. Numbers of processes make no names: those of two
 * containers that share a disk are the same.
 *
 * Ownership   The path is the caller's, until _remove. Threads: any.
 */

/* Makes "<parent>/<prefix><what>-<random>" with mode 0700 and puts its path into *RET_PATH (io). -errno. */
int hd_temporary_directory_make(const char *parent, const char *what, char **ret_path);

/* Removes it with all in it, as far as that goes, and frees PATH, which may be NULL (io). errno is kept. */
void hd_temporary_directory_remove(char *path);

#endif
