/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_SMUDGE_SMUDGE_FILE_H
#define HEDDLE_CAPTURE_SMUDGE_SMUDGE_FILE_H

/*
 * Smudge file: rules and files of a tree that a view shows, on their way to git.
 *
 *     hd_smudge_level_enter → hd_smudge_file_clean, any number, or levels below → hd_smudge_level_leave
 *
 * Ownership   The caller has the levels, which point to those above, and the names. Threads: one.
 * Errors      Those of views, -EFBIG, -ENOMEM.
 */

#include "capture/smudge/conversion.h"
#include "capture/trees/tree_view.h"

/* Whoever has a longer text than this has other troubles: it stays what it is. */
#define HD_SMUDGE_FILE_LIMIT ((size_t)1 << 32)

/* A directory on the way down to a file. */
struct hd_smudge_level {
	struct hd_attribute_level level;
	struct hd_attribute_file *file; /* owned; NULL: it has no rules */
};

/*
 * Puts what RULES, the directory's .gitattributes (NULL, or no file: it has none), says on *TOP. BASE is the length of the
 * directory's path, 0 that of the root.
 */
int hd_smudge_level_enter(struct hd_attribute_names *names, struct hd_tree_view *view,
	const struct hd_tree_view_entry *rules, size_t base, const struct hd_attribute_level **top,
	struct hd_smudge_level *ret_level);
/* Takes it off again; a level that was never entered is fine if it is all zeros. */
void hd_smudge_level_leave(const struct hd_attribute_level **top, struct hd_smudge_level *level);

/*
 * Bytes of a regular file as git has them, in fresh memory. 1: they are others than the file's; 0: the same. HAS_CRLF as for
 * hd_convert_to_git.
 */
int hd_smudge_file_clean(struct hd_tree_view *view, const struct hd_tree_view_entry *file,
	const struct hd_conversion *conversion, bool has_crlf, size_t limit, char **ret_data,
	size_t *ret_size);

#endif
