/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_MEMORY_FILE_H
#define HEDDLE_PLATFORM_FILES_MEMORY_FILE_H

/*
 * Memory that outlives the process that fills it: memfds and their mappings.
 *
 * A memfd lives as long as any process holds a descriptor of it; the supervisor holds one, so that a
 * worker's death costs nothing. Reading and writing one is memory work, not I/O: locks may be held.
 *
 * Threads     Any. Ownership: descriptors and mappings belong to the caller.
 */

#include <stddef.h>
#include <stdint.h>

/* A new memfd of SIZE bytes, all holes: pages cost memory only once they are touched. Returns the descriptor.
 */
int hd_memory_file_create(const char *name, uint64_t size);

/* Maps all of FD shared and writable, without reserving memory. */
int hd_memory_file_map(int fd, uint64_t size, void **ret_address);
void hd_memory_file_unmap(void *address, uint64_t size);

/* Bytes up to the end, holes included; 0 when FD is no file. */
uint64_t hd_memory_file_size(int fd);

/* Sees to it that SIZE bytes from ADDRESS, in a mapping, are there and stay there as far as the system lets us. */
void hd_memory_file_make_resident(void *address, size_t size);
/* Gives the whole pages among these bytes back; they read as zero, and are there again once they are touched. */
void hd_memory_file_release(void *address, size_t size);

/* Whole transfers; a short one is -EIO. Bytes beyond the end read as an error, never as zero; a write there
 * makes the file longer. -ENOSPC when memory is short. */
int hd_memory_file_read(int fd, void *buffer, size_t size, uint64_t offset);
int hd_memory_file_write(int fd, const void *data, size_t size, uint64_t offset);

/* Grows by a hole or cuts; nothing may be mapped beyond the new end, where touching it is SIGBUS. */
int hd_memory_file_resize(int fd, uint64_t size);

/* Gives the pages of a range back; they read as zero afterwards. OFFSET and SIZE are multiples of the page.
 */
int hd_memory_file_discard(int fd, uint64_t offset, uint64_t size);

#endif
