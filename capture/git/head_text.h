/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_HEAD_TEXT_H
#define HEDDLE_CAPTURE_GIT_HEAD_TEXT_H

/*
 * Head text: what a file HEAD says, or a reference that is a file: a commit, or another reference. It is read as leniently as git reads it,
 * without libgit2, and names are only such as git allows: whoever may write to a repository cannot lead out of refs/ with one.
 *
 * Ownership   The caller frees the text, which the name points into. Threads: any.
 * Errors      -ENOENT also where the file says neither; -errno.
 */

#include <git2/oid.h>

struct hd_head_text {
	const char *reference; /* borrowed: "refs/heads/main"; NULL: it is a commit */
	git_oid commit;        /* if it is one */
};

/* Reads TEXT, which is changed and has to outlive the result. -ENOENT, bare, when it says neither. */
int hd_head_text_parse(char *text, struct hd_head_text *ret_head);

/* Reads the file PATH below the directory; *RET_TEXT is fresh memory, also after a failure NULL or to be freed. */
int hd_head_text_read(int directory_fd, const char *path, char **ret_text, struct hd_head_text *ret_head);

#endif
