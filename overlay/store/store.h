/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_STORE_H
#define HEDDLE_STORE_STORE_H

/*
 * Store: the .heddle directory. Opens its parts, checks its version, knows its paths.
 *
 *     .heddle/format          "heddle store 7\n"; of a store that smudges "heddle store 8\nsmudge 1\n"
 *     .heddle/.gitignore      "*\n", so that git in the same directory does not see the store
 *     .heddle/index.db        hd_index
 *     .heddle/objects/        hd_object_store
 *     .heddle/threads/<n>/    one thread's overlay: checkpoint, journal, lock (overlay/workspace.h)
 *     .heddle/run/            control sockets, process ids
 *     .heddle/log/            logs of supervisors and workers
 *     .heddle/mnt/<thread>/   default mountpoints
 *
 * Ownership   hd_store_free closes all parts. Threads: the parts' own contracts; the paths are immutable.
 */

#include <stdbool.h>

#include "overlay/store/index/index.h"
#include "overlay/store/objects/object_store.h"

#define HD_STORE_VERSION 7
/* Of a store that smudges. Its index is that of one that does not. */
#define HD_STORE_VERSION_SMUDGED 8
#define HD_STORE_DIRECTORY ".heddle"

struct hd_store {
	char *path; /* owned: absolute path of the .heddle directory */
	int fd;     /* owned: the directory */
	bool smudges; /* what comes from git is as a checkout has it (docs/design/decisions/0045), from the first state on */
	struct hd_index *index;          /* owned */
	struct hd_object_store *objects; /* owned */
};

/* Makes a store at PATH (the .heddle directory itself, absolute). -HD_E_STORE_EXISTS if one is there. Leaves
 * nothing behind on failure. */
int hd_store_create(const char *path, struct hd_store **ret_store);
/* The same for a store that smudges. */
int hd_store_create_smudged(const char *path, struct hd_store **ret_store);

/* Opens the store at PATH. -HD_E_STORE_MISSING, -HD_E_STORE_VERSION. */
int hd_store_open(const char *path, struct hd_store **ret_store);
void hd_store_free(struct hd_store *store);

/* The path of the store that DIRECTORY belongs to: DIRECTORY/.heddle, or that of the nearest parent. Fresh
 * memory. */
int hd_store_discover(const char *directory, char **ret_path);

#endif
