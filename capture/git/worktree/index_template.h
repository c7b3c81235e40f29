/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_INDEX_TEMPLATE_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_INDEX_TEMPLATE_H

/*
 * Index template: what the indexes of all new worktrees of one commit have in common, kept in the store's cache, so that the
 * second thread that begins at a commit copies what was computed for the first: of 10,000 files, each with its size and its
 * inode number, in a millisecond instead of twenty.
 *
 * It has no place of its own in it: the mountpoint, the token and what is ignored are put behind it, and the SHA-1 with which an
 * index ends is gone on with from where the template's bytes end.
 *
 * Calling sequence
 *     hd_index_template_read, or when that finds none: hd_index_template_take, hd_index_template_keep
 *     hd_index_template_finish, hd_index_template_clear
 *
 * Durability  None: a file that is damaged, torn or of something else is found by its checksums, and made again.
 * Threads     One at a time for a template; any number of processes for the file.
 * Ownership   Everything that is passed is borrowed.
 */

#include <git2.h>
#include <stdint.h>

#include "capture/git/worktree/worktree_index.h"
#include "overlay/platform/buffer.h"
#include "overlay/store/objects/content.h"

struct hd_index_template {
	struct hd_buffer entries;     /* owned: an index without its last 20 bytes */
	struct hd_buffer directories; /* owned: what hd_untracked_cache_list puts */
	uint32_t sum[5];              /* state of SHA-1 after the whole blocks of the entries */
};

/* What a template is of. */
struct hd_index_template_key {
	const git_oid *commit;
	const struct hd_worktree_stat *stat; /* as which it is shown */
	const struct hd_content *shown;      /* the tree of the state that is, or git's */
};

/* That of KEY, from the cache of STORE. 1; 0: there is none of use; -ENOMEM. */
int hd_index_template_read(struct hd_store *store, const struct hd_index_template_key *key,
	struct hd_index_template *ret_template);

/* That of the index at PATH, which INDEX was written to. -errno. */
int hd_index_template_take(git_index *index, const char *path, const struct hd_worktree_stat *stat,
	struct hd_index_template *ret_template);

/* Puts it into the cache, in the place of another one. Where that cannot be written, nothing is kept, and the log says so. */
void hd_index_template_keep(struct hd_store *store, const struct hd_index_template_key *key,
	const struct hd_index_template *template);

/* Writes the index that has EXTENSIONS behind the template's to PATH, over what is there; not atomic. -errno. */
int hd_index_template_finish(
	const struct hd_index_template *template, const struct hd_buffer *extensions, const char *path);

/* Frees what is in it; all zeros are fine. */
void hd_index_template_clear(struct hd_index_template *template);

#endif
