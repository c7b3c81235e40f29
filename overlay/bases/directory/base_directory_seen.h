/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_DIRECTORY_BASE_DIRECTORY_SEEN_H
#define HEDDLE_BASES_DIRECTORY_BASE_DIRECTORY_SEEN_H

/*
 * What the files of a base directory looked like when this process first met them, so that a file that was
 * changed behind the mount is refused instead of being mixed with what was shown of it.
 *
 * Threads     Any. Memory: at most HD_SEEN_LIMIT files are remembered, about 16 MiB, touched as they come.
 */

#include <stdint.h>
#include <sys/stat.h>

#define HD_SEEN_LIMIT (1u << 18)
#define HD_PATH_ID_SIZE 20

struct hd_seen_files;

/* -ENOMEM */
int hd_seen_files_new(struct hd_seen_files **ret_seen);
/* NULL is fine. */
void hd_seen_files_free(struct hd_seen_files *seen);

/* Remembers STATUS for the path ID unless something is remembered already. -HD_E_BASE_CHANGED if the two
 * differ. */
int hd_seen_files_check(
	struct hd_seen_files *seen, const uint8_t id[HD_PATH_ID_SIZE], const struct stat *status);

#endif
