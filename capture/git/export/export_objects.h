/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_OBJECTS_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_OBJECTS_H

/*
 * Export objects: puts single objects into the repository an export goes to, from wherever their bytes are.
 *
 * Ownership   Borrows the repository and the store. Threads: one.
 * Errors      -HD_E_REPOSITORY with libgit2's words, -HD_E_BASE_OBJECT, those of views and store.
 */

#include <git2/types.h>
#include <stdbool.h>

#include "capture/git/export/export_map.h"
#include "capture/git/export/export_pack.h"
#include "capture/trees/tree_view.h"

#define HD_EXPORT_BASES_MAX 64

struct hd_export_objects {
	struct hd_store *store;      /* borrowed */
	git_repository *repository;  /* borrowed: the target */
	const char *location;        /* borrowed: its common git directory */
	git_odb *odb;                /* owned: the target's objects */
	struct hd_export_pack *pack; /* what is to be written to it; the database's */
	struct hd_export_map blobs;  /* contents of files and links that are in the target */
	/* Contents of directories that are; a map of their own: a file may have the very bytes of a tree
	 * object. */
	struct hd_export_map trees;
	struct {
		uint16_t number; /* of the base */
		bool is_target;  /* its objects are the target's */
		git_odb *odb;    /* owned; NULL when is_target */
	} bases[HD_EXPORT_BASES_MAX];
	size_t n_bases;
	bool is_unsynced; /* something was written past the pack, or out of it, and is perhaps not on the disk */
};

/*
 * Opens the target's object database; bases are opened when something of them is asked for. What is put is there for
 * whoever reads through this repository; for others after hd_export_objects_finish, or never.
 */
int hd_export_objects_open(struct hd_export_objects *objects, struct hd_store *store,
	git_repository *repository, const char *location);
void hd_export_objects_close(struct hd_export_objects *objects);

/* An object, unless the target has it. */
int hd_export_objects_put(
	struct hd_export_objects *objects, git_object_t type, const void *data, size_t size, git_oid *ret_id);

/* Writes what was put, and brings it to the disk: what takes so long, it says before (work.h). */
int hd_export_objects_finish(struct hd_export_objects *objects);

/* The blob of a file or link. */
int hd_export_objects_put_blob(struct hd_export_objects *objects, struct hd_tree_view *view,
	const struct hd_tree_view_entry *file, git_oid *ret_id);

/* Git content of a base, a tree with all below it: copied object by object unless it is there. */
int hd_export_objects_put_git(
	struct hd_export_objects *objects, const struct hd_content *content, git_oid *ret_id);

#endif
