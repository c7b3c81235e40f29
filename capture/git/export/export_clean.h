/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_CLEAN_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_CLEAN_H

/*
 * Export clean: the blob that a file of a store that smudges is to git, as `git add` would make it: with the .gitattributes of the
 * tree that is exported, and without a configuration.
 *
 *     hd_export_clean_enter → hd_export_clean_put, any number, or directories below → hd_export_clean_leave → hd_export_clean_clear
 *
 * Ownership   The caller has the levels. Threads: one. Errors: those of views, -HD_E_REPOSITORY, -ENOMEM.
 */

#include "capture/git/export/export_objects.h"
#include "capture/smudge/smudge_file.h"
#include "overlay/bases/git/base_git_tree.h"

struct hd_export_clean {
	struct hd_export_objects *objects; /* borrowed */
	struct hd_attribute_names names;   /* owned */
	const struct hd_attribute_level
		*top;     /* borrowed: of the directory that is written, or the nearest above */
	uint64_t cleaned; /* files that became others */
};

/* DIRECTORY is the path of what LISTING is of, "" of the root. */
int hd_export_clean_enter(struct hd_export_clean *clean, struct hd_tree_view *view,
	const struct hd_tree_view_listing *listing, const char *directory, struct hd_smudge_level *ret_level);
void hd_export_clean_leave(struct hd_export_clean *clean, struct hd_smudge_level *level);

/* 1 with the blob of a file at PATH that is another one to git; 0: it is what it is. BEFORE is what git has there, or NULL. */
int hd_export_clean_put(struct hd_export_clean *clean, struct hd_tree_view *view,
	const struct hd_tree_view_entry *file, const char *path, const struct hd_git_tree_entry *before,
	git_oid *ret_id);

/* Frees what is in it, but for levels, all of which were left. */
void hd_export_clean_clear(struct hd_export_clean *clean);

#endif
