/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_GIT_BASE_GIT_IDENTITY_H
#define HEDDLE_BASES_GIT_BASE_GIT_IDENTITY_H

/*
 * The id that git would give to bytes, computed without a repository and without writing anything.
 *
 * Calling sequence
 *     hd_git_hash_new(kind, total) → hd_git_hash_append ... → hd_git_hash_finish or hd_git_hash_free
 *
 * Ownership   The caller owns a hash until finish, which frees it in every case.
 * Threads     One at a time per hash; hashes share nothing.
 * Errors      -HD_E_REPOSITORY with libgit2's words, -EINVAL when the bytes do not add up to the total,
 *             -ENOMEM.
 */

#include <stddef.h>
#include <stdint.h>

#include "overlay/bases/git/base_git_tree.h"

enum hd_git_kind {
	HD_GIT_BLOB = 1,
	HD_GIT_TREE = 2
}; /* the numbers are part of base_git_contents.c's file */

struct hd_git_hash;
/* git hashes the size before the bytes, so TOTAL must be known. */
int hd_git_hash_new(enum hd_git_kind kind, uint64_t total, struct hd_git_hash **ret_hash);
int hd_git_hash_append(struct hd_git_hash *hash, const void *data, size_t size);
int hd_git_hash_finish(struct hd_git_hash *hash, uint8_t ret_id[HD_GIT_ID_SIZE]);
/* NULL is fine. */
void hd_git_hash_free(struct hd_git_hash *hash);

/* The same for bytes that are in memory. */
int hd_git_hash_bytes(enum hd_git_kind kind, const void *data, size_t size, uint8_t ret_id[HD_GIT_ID_SIZE]);

#endif
