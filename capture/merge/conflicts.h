/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_MERGE_CONFLICTS_H
#define HEDDLE_CAPTURE_MERGE_CONFLICTS_H

/*
 * Conflicts: what a merge leaves to a person, path by path. What is in the merged tree at such a path is told where the
 * merge is (git/commit_merge.h, tree_merge.h).
 *
 * Ownership   The list owns its paths until hd_conflicts_clear. Threads: one. Errors: -ENOMEM.
 */

#include <stdbool.h>
#include <stddef.h>

#include "overlay/store/index/index.h"

enum hd_conflict_kind {
	HD_CONFLICT_CONTENT,   /* both changed the same lines */
	HD_CONFLICT_ADDED,     /* both added it */
	HD_CONFLICT_BINARY,    /* both changed what is no text */
	HD_CONFLICT_SYMLINK,   /* both changed the target */
	HD_CONFLICT_SUBMODULE, /* both changed the commit */
	HD_CONFLICT_TYPE,      /* a file here, a link there */
	HD_CONFLICT_MODE,      /* both changed the permissions */
	HD_CONFLICT_DELETED,   /* one changed it, the other one deleted it */
	HD_CONFLICT_DIRECTORY, /* a file here, a directory there */
	HD_CONFLICT_RENAME,    /* both renamed it */
	HD_CONFLICT_IGNORED,   /* the thread's is ignored, and the commit has one of this name */
	HD_CONFLICT_KIND_COUNT
};

struct hd_conflict {
	enum hd_conflict_kind kind;
	char *path; /* owned: where there is something to look at, or was */
};

struct hd_conflicts {
	struct hd_conflict *items; /* owned array */
	size_t count, capacity;
};

/* "content", "add/add", ... */
const char *hd_conflict_kind_name(enum hd_conflict_kind kind);
/* Copies PATH. */
int hd_conflicts_add(struct hd_conflicts *conflicts, enum hd_conflict_kind kind, const char *path);
/* By path. */
void hd_conflicts_sort(struct hd_conflicts *conflicts);
void hd_conflicts_clear(struct hd_conflicts *conflicts);

/* The fact of a state that a merge with conflicts made; it has a git commit, too (merge_state.c). */
#define HD_STATE_FACT_CONFLICTS "conflicts"

/* Whether STATE is a merge that nobody has solved. Who follows it is the merge: it is left out between the two. */
bool hd_state_is_unresolved(const struct hd_state *state);

#endif
