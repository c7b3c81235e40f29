/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_IMPORT_STATE_H
#define HEDDLE_CAPTURE_ARCHIVE_IMPORT_STATE_H

/*
 * Import: what an archive or a directory holds becomes a state, and a thread, new or not, has its tree.
 *
 * Bytes go from there into the store, never through a mount. The state's parent is what its tree is compared with:
 * equal files and directories get the parent's references. A thread that exists gives its tree up as for a restore: what
 * is not captured of it is kept in a state (thread_change.h).
 *
 * Calling sequence
 *     [hold the thread, if it exists] → hd_import_state → hd_import_result_clear
 *
 * Ownership   Options are borrowed. Threads: one.
 * Durability  When the call returns 0, state and thread survive a power cut. Who fails, is stopped or killed before the
 *             state is published leaves objects that nobody names, and nothing else.
 * Errors      Those of what reads, of store and bases, -HD_E_THREAD_MOVED, -HD_E_THREAD_EXISTS.
 */

#include "capture/archive/archive_tree.h"
#include "overlay/store/index/index_operations.h"
#include "overlay/store/store.h"

struct hd_import_counts {
	uint64_t entries;    /* of the archive, or names in the directory */
	uint64_t bytes;      /* of the archive when it is not compressed, or of files without holes */
	uint64_t attributes; /* extended attributes of namespaces that no mount has, left out */
};

/* Fills TREE, which was begun, with what SOURCE has, and puts the bytes into STORE. On failure the tree is thrown away. */
typedef int (*hd_import_read)(struct hd_store *store, const void *source, struct hd_archive_tree *tree,
	struct hd_import_counts *ret_counts);

struct hd_import_options {
	hd_import_read read;  /* hd_tar_import or hd_directory_import */
	const void *source;   /* what that one takes */
	uint64_t max_entries; /* 0: no limit */
	const char *thread;
	bool makes_thread;                /* it does not exist */
	const struct hd_state_id *parent; /* of a thread that exists: its head */
	const char *message, *author;     /* "Name <mail>" */
};

struct hd_import_result {
	struct hd_state state;         /* owned */
	struct hd_operation operation; /* owned: what moved the thread */
	struct hd_import_counts read;
};

/* Makes the state and moves, or makes, the thread. */
int hd_import_state(
	struct hd_store *store, const struct hd_import_options *options, struct hd_import_result *ret_result);
void hd_import_result_clear(struct hd_import_result *result);

#endif
