/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_DIRECTORY_BASE_DIRECTORY_HANDLES_H
#define HEDDLE_BASES_DIRECTORY_BASE_DIRECTORY_HANDLES_H

/*
 * The descriptors of a base directory's files that were read last, so that a file read in pieces is opened
 * once.
 *
 *     hd_file_handles_find, or open and hd_file_handles_add → use the descriptor → hd_file_handles_release
 *
 * Ownership   The cache owns the descriptors; one that is in use is not closed.
 * Threads     Any. Descriptors are opened and closed without the lock.
 */

#include <stdint.h>

#include "overlay/bases/directory/base_directory_seen.h"

#define HD_FILE_HANDLES_LIMIT 64

struct hd_file_handle;
struct hd_file_handles;

int hd_file_handles_new(struct hd_file_handles **ret_handles);
/* No handle may be in use. */
void hd_file_handles_free(struct hd_file_handles *handles);

/* The cached handle of path ID, counted as in use, or NULL. */
struct hd_file_handle *hd_file_handles_find(
	struct hd_file_handles *handles, const uint8_t id[HD_PATH_ID_SIZE]);

/* Takes FD over, also on failure; the handle counts as in use. Another thread's handle of the same path is
 * preferred. */
int hd_file_handles_add(struct hd_file_handles *handles, const uint8_t id[HD_PATH_ID_SIZE], int fd,
	struct hd_file_handle **ret_handle);

/* Borrowed; open until the handle is released. */
int hd_file_handle_fd(const struct hd_file_handle *handle);
/* Ends one use of the handle. */
void hd_file_handles_release(struct hd_file_handles *handles, struct hd_file_handle *handle);

/* Forgets the handle: the next reader opens the path again. The caller still releases it. */
void hd_file_handles_forget(struct hd_file_handles *handles, struct hd_file_handle *handle);

#endif
