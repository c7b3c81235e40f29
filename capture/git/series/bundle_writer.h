/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_SERIES_BUNDLE_WRITER_H
#define HEDDLE_CAPTURE_GIT_SERIES_BUNDLE_WRITER_H

/*
 * Bundle writer: references of a repository, and the commits that they lead to, as one file (gitformat-bundle).
 *
 * Ownership   All is borrowed. Threads: one.
 * Errors      -HD_E_REPOSITORY and -HD_E_BASE_OBJECT with libgit2's words, errors of writing, -HD_E_INTERRUPTED.
 */

#include <git2/oid.h>
#include <git2/types.h>
#include <stdbool.h>
#include <stddef.h>

struct hd_bundle_reference {
	const char *name;
	git_oid id;   /* a commit, or a tag */
	bool is_head; /* what a clone checks out */
};

struct hd_bundle {
	git_repository *repository;
	git_odb *odb; /* its */
	const struct hd_bundle_reference *references;
	size_t n_references;
	const git_oid *
		needed; /* commits that whoever takes it has to have; they and what is before them are not in it */
	size_t n_needed;
};

/* Appends BUNDLE to FD. */
int hd_bundle_write(const struct hd_bundle *bundle, int fd);

#endif
