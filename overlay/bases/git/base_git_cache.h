/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_GIT_BASE_GIT_CACHE_H
#define HEDDLE_BASES_GIT_BASE_GIT_CACHE_H

/*
 * The blobs of one object database that are being read, inflated: git can only inflate a blob as a whole, a
 * mount reads it in pieces of 128 KiB.
 *
 *     hd_git_cache_new → hd_git_cache_read ... → hd_git_cache_free
 *
 * Ownership   The database is borrowed and must outlive the cache.
 * Threads     reads may run concurrently. A blob that several threads miss is inflated once; the others
 *             wait.
 * Errors      -HD_E_BASE_OBJECT when the database lacks the blob or its bytes are damaged, -ENOMEM,
 *             -errno.
 */

#include <stddef.h>
#include <stdint.h>

struct git_odb;
struct hd_git_cache;

struct hd_git_cache_limits {
	uint64_t memory_bytes; /* small blobs, in allocated memory */
	uint64_t large_size;   /* a blob above this lives in a memory file */
	uint64_t file_bytes;   /* all of those; the last one used stays even if it is larger */
};

#define HD_GIT_CACHE_LIMITS ((struct hd_git_cache_limits){64ull << 20, 32ull << 20, 1ull << 30})

/* An empty cache over ODB; -ENOMEM. */
int hd_git_cache_new(
	struct git_odb *odb, const struct hd_git_cache_limits *limits, struct hd_git_cache **ret_cache);

/* No read may be running. */
void hd_git_cache_free(struct hd_git_cache *cache);

/* Up to SIZE bytes at OFFSET of the blob ID (20 bytes); *RET_SIZE is short only at its end. */
int hd_git_cache_read(struct hd_git_cache *cache, const uint8_t *id, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size);

struct hd_git_cache_usage {
	uint64_t memory_bytes, file_bytes; /* held now */
	uint64_t loads;                    /* blobs inflated since the start */
};
void hd_git_cache_usage(struct hd_git_cache *cache, struct hd_git_cache_usage *ret_usage);

#endif
