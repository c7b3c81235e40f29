/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_TRANSFER_H
#define HEDDLE_PLATFORM_FILES_TRANSFER_H

/*
 * Whole transfers at an offset: pread(2) and pwrite(2), repeated after a signal and after a short count. What a
 * descriptor may be used under, and what its end means, is for the callers to say (file.h, memory_file.h).
 * Streams, which have no offsets, are written likewise.
 *
 * Threads: any. Errors: -errno; bytes may have been moved by then.
 */

#include <stddef.h>
#include <stdint.h>

/* *RET_SIZE is less than SIZE only at the end of the file. */
int hd_transfer_read(int fd, void *buffer, size_t size, uint64_t offset, size_t *ret_size);

/* All of SIZE, or an error. */
int hd_transfer_write(int fd, const void *data, size_t size, uint64_t offset);

/* All of SIZE to where the stream FD is: write(2) as often as it takes (io). */
int hd_transfer_append(int fd, const void *data, size_t size);

#endif
