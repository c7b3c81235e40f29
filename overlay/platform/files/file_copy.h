/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_FILE_COPY_H
#define HEDDLE_PLATFORM_FILES_FILE_COPY_H

/*
 * File copy: the bytes of one open file into another, by the kernel, which shares them where the filesystem can.
 *
 * Threads     Any. Errors: -errno; bytes may have been written by then.
 */

#include <stddef.h>
#include <stdint.h>

/* Up to SIZE bytes from OFFSET on to the same place of TO_FD (io); *RET_SIZE is 0 only at the end of FROM_FD. */
int hd_file_copy_piece(int from_fd, int to_fd, uint64_t offset, size_t size, size_t *ret_size);

#endif
